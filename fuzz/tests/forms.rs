//! Forms of every make: whatever is written of them, Meta's own list of errors finds nothing in it.

use arbtest::arbitrary::{Result, Unstructured};
use arbtest::arbtest;
use serde_json::{Map, Value, json};
use transom_fuzz::Target;

const KINDS: [&str; 15] = [
    "TEXT_HEADING",
    "TEXT_SUBHEADING",
    "TEXT_BODY",
    "TEXT_CAPTION",
    "RICH_TEXT",
    "MEDIA",
    "FOOTER",
    "SHORT_TEXT",
    "LONG_TEXT",
    "SINGLE_SELECT",
    "MULTI_SELECT",
    "LIST",
    "DATE_PICKER",
    "OPT_IN",
    "HOLOGRAM",
];

fn words(u: &mut Unstructured<'_>) -> Result<String> {
    let some = ["Hello", "a `tick`", "it's {{name}}", "{{1}}", "\\", "$", "größer", "x", "", "**b**", "# h", "{{ }}"];
    let mut text = String::new();
    for _ in 0..u.int_in_range(1..=3)? {
        text.push_str(u.choose(&some)?);
        text.push(' ');
    }
    if u.ratio(1, 20)? {
        text = text.repeat(40);
    }
    Ok(text.trim_end().to_owned())
}

fn component(u: &mut Unstructured<'_>) -> Result<Value> {
    let kind = *u.choose(&KINDS)?;
    let mut made = Map::from_iter([("type".to_owned(), json!(kind))]);
    let mut put = |key: &str, value: Value| made.insert(key.to_owned(), value);
    match kind {
        "RICH_TEXT" => drop(put("text_list", json!([words(u)?, words(u)?]))),
        "MEDIA" => drop(put("url", json!("https://x.example/a.png"))),
        "FOOTER" => drop(put("label", json!(words(u)?))),
        kind if kind.starts_with("TEXT_") => drop(put("text", json!(words(u)?))),
        kind => {
            put("label", json!(words(u)?));
            if u.ratio(1, 2)? && kind != "OPT_IN" {
                put("text", json!(words(u)?));
            }
            put("required", json!(u.arbitrary::<bool>()?));
            if kind.contains("SELECT") || kind == "LIST" {
                let most = if u.ratio(1, 10)? { 30 } else { 4 };
                let count = u.int_in_range(1..=most)?;
                let options: Vec<Value> = (0..count).map(|n| json!({"id": n.to_string(), "title": format!("T{n}")})).collect();
                put("options", if u.arbitrary()? { json!(options) } else { json!(json!(options).to_string()) });
            }
            if kind == "DATE_PICKER" {
                put("min_date", json!("2026-12-01"));
                put("unavailable_dates", json!("[\"2026-12-24\"]"));
            }
        }
    }
    Ok(Value::Object(made))
}

fn pages(u: &mut Unstructured<'_>) -> Result<Value> {
    let count = u.int_in_range(1..=4)?;
    let mut pages = Vec::new();
    for at in 0..count {
        let mut layout = Vec::new();
        for _ in 0..u.int_in_range(1..=4)? {
            layout.push(component(u)?);
        }
        let mut page = json!({"id": format!("p{at}"), "title": "T", "layout": layout});
        if at + 1 < count {
            page["next_page_id"] = json!(format!("p{}", at + 1));
        }
        if u.ratio(1, 3)? {
            page["subtitle"] = json!(words(u)?);
        }
        pages.push(page);
    }
    Ok(json!({"body": "Book", "button_text": "Go", "type": "SURVEY", "pages": pages}))
}

#[test]
fn every_form_that_is_written_passes_metas_validation() {
    let target = Target::named("flow").unwrap();
    arbtest(|u| {
        target.run(pages(u)?.to_string().as_bytes());
        Ok(())
    })
    .budget_ms(2_000);
}
