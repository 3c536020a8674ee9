//! Templates as Meta lists them.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Ok(json) = serde_json::from_slice::<serde_json::Value>(data)
        && let Ok(template) = transom_meta::templates::parse(&json)
    {
        let _ = template.definition.canonical();
        let _ = transom_domain::parameters::fit(&template, &[]);
    }
});
