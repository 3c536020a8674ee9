//! Bodies that anybody can post, and answers that anything in between can give.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = transom_meta::webhook::parse(data);
    let _ = transom_meta::send::parse_answer(200, data);
    let _ = transom_meta::send::parse_answer(400, data);
});
