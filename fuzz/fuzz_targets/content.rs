//! Content as callers write it, through every translation.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Ok(json) = serde_json::from_slice::<serde_json::Value>(data)
        && let Ok(content) = transom_domain::content::Content::read(&json, "content")
        && let Ok(types) = content.rendered(&content.variables)
    {
        for body in types.values() {
            if let Some(form) = transom_domain::translate::to_free_form(body) {
                let _ = form.check("");
            }
        }
        for body in content.types.values() {
            let _ = transom_domain::translate::to_definition(body, &content.variables);
        }
    }
});
