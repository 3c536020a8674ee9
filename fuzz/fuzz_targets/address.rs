//! Short texts: addresses, ids, placeholders, languages, callback tags.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = text.parse::<transom_domain::address::Identity>();
        let _ = transom_domain::id::from_text(text);
        let _ = transom_domain::content::pieces(text);
        let _ = transom_domain::content::Language::parse(text);
        let _ = transom_domain::message::CallbackTag::parse(text);
    }
});
