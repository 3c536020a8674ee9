//! The short form of the fuzz targets (`fuzz/`): every kept input, and mutations of each, through the same functions. Nothing
//! may panic; what is read is of no interest here.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its corpus has failed")]

use std::path::Path;

use arbtest::arbtest;

/// What one target does with an input; the same as in `fuzz/fuzz_targets`.
fn webhook(data: &[u8]) {
    let _ = transom_meta::webhook::parse(data);
    let _ = transom_meta::send::parse_answer(200, data);
    let _ = transom_meta::send::parse_answer(400, data);
}

fn content(data: &[u8]) {
    let Ok(json) = serde_json::from_slice::<serde_json::Value>(data) else { return };
    let Ok(content) = transom_domain::content::Content::read(&json, "content") else { return };
    if let Ok(types) = content.rendered(&content.variables) {
        for form in types.values().filter_map(transom_domain::translate::to_free_form) {
            let _ = form.check("");
        }
    }
    for body in content.types.values() {
        let _ = transom_domain::translate::to_definition(body, &content.variables);
    }
}

fn template(data: &[u8]) {
    let Ok(json) = serde_json::from_slice::<serde_json::Value>(data) else { return };
    if let Ok(template) = transom_meta::templates::parse(&json) {
        let _ = template.definition.canonical();
        let _ = transom_domain::parameters::fit(&template, &[]);
    }
}

fn address(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let _ = text.parse::<transom_domain::address::Identity>();
    let _ = transom_domain::id::from_text(&text);
    let _ = transom_domain::content::pieces(&text);
    let _ = transom_domain::content::Language::parse(&text);
    let _ = transom_domain::message::CallbackTag::parse(&text);
}

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|f| f.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

fn run(target: &str, function: fn(&[u8])) {
    let inputs = corpus(target);
    for input in &inputs {
        function(input);
        // Cut off in the middle, at every place.
        for end in 0..input.len() {
            function(&input[..end]);
        }
    }
    arbtest(|u| {
        let mut data = u.choose(&inputs)?.clone();
        for _ in 0..u.int_in_range(1..=8)? {
            let at = u.choose_index(data.len().max(1))?;
            match u.int_in_range(0..=3)? {
                0 => data.insert(at.min(data.len()), u.arbitrary()?),
                1 if !data.is_empty() => data[at] = u.arbitrary()?,
                2 if !data.is_empty() => drop(data.remove(at)),
                _ => {
                    // A stretch of another kept input in its place.
                    let other = u.choose(&inputs)?;
                    let from = u.choose_index(other.len().max(1))?;
                    let to = (from + u.int_in_range(0..=40)?).min(other.len());
                    data.splice(at.min(data.len())..at.min(data.len()), other[from.min(to)..to].iter().copied());
                }
            }
        }
        function(&data);
        Ok(())
    })
    .budget_ms(1_000);
}

#[test]
fn no_webhook_or_answer_makes_a_parser_panic() {
    run("webhook", webhook);
}

#[test]
fn no_content_makes_a_reader_panic() {
    run("content", content);
}

#[test]
fn no_template_makes_a_parser_panic() {
    run("template", template);
}

#[test]
fn no_short_text_makes_a_parser_panic() {
    run("address", address);
}
