//! The buttons of a template (WA templates/components): kinds, texts, and how many of each.

use serde_json::{Value, json};

use super::Format;
use super::text::Text;
use crate::graph::error::GraphError;
use crate::graph::free::{id_opt, web_link};
use crate::graph::read::Fields;

type Read<T> = Result<T, GraphError>;

const TEXT_MAX: usize = 25;
const URL_MAX: usize = 2_000;
const ALL_MAX: usize = 10;

const KINDS: [&str; 11] = [
    "QUICK_REPLY",
    "URL",
    "PHONE_NUMBER",
    "COPY_CODE",
    "FLOW",
    "CATALOG",
    "MPM",
    "SPM",
    "VOICE_CALL",
    "REQUEST_CONTACT_INFO",
    "OTP",
];

/// How many of a kind one template may have, where that is not the limit for all.
fn most(kind: &str) -> usize {
    match kind {
        "QUICK_REPLY" => ALL_MAX,
        "URL" => 2,
        _ => 1,
    }
}

/// Checks a `BUTTONS` component and writes it as it will be read back. `code_max` is the limit of a coupon code.
pub(crate) fn read(component: &Fields<'_>, code_max: usize) -> Read<Value> {
    component.only(&["type", "buttons"])?;
    let mut kinds: Vec<&'static str> = Vec::new();
    let mut written = Vec::new();
    for button in component.objects("buttons", 1..=ALL_MAX)? {
        let kind = button.one_of("type", &KINDS)?;
        written.push(one(kind, &button, code_max)?);
        kinds.push(kind);
        if kinds.iter().filter(|other| **other == kind).count() > most(kind) {
            return Err(component.wrong("buttons", &format!("may have at most {} of type {kind}.", most(kind))));
        }
    }
    // Either all quick replies come first or all of them last.
    let changes =
        kinds.windows(2).filter(|pair| matches!(pair, [a, b] if (*a == "QUICK_REPLY") != (*b == "QUICK_REPLY"))).count();
    if changes > 1 {
        return Err(GraphError::template(
            2_388_072,
            "Invalid order of buttons",
            "Quick replies must stand together, either before all other buttons or after them.",
        ));
    }
    Ok(json!({ "type": "BUTTONS", "buttons": written }))
}

fn one(kind: &'static str, button: &Fields<'_>, code_max: usize) -> Read<Value> {
    match kind {
        "QUICK_REPLY" => {
            button.only(&["type", "text"])?;
            Ok(json!({ "type": kind, "text": label(button)? }))
        }
        "URL" => url(button),
        "PHONE_NUMBER" => {
            button.only(&["type", "text", "phone_number"])?;
            let number = button.text("phone_number", 20)?;
            if !number.trim_start_matches('+').bytes().all(|b| b.is_ascii_digit()) {
                return Err(button.wrong("phone_number", "must be a phone number with its country code."));
            }
            Ok(json!({ "type": kind, "text": label(button)?, "phone_number": number }))
        }
        "COPY_CODE" => {
            button.only(&["type", "example", "text"])?;
            let example = match button.get("example") {
                Some(Value::Array(list)) => list.first().and_then(Value::as_str).unwrap_or("").to_owned(),
                _ => button.text("example", code_max)?.to_owned(),
            };
            if example.is_empty() || example.chars().count() > code_max {
                return Err(button.wrong("example", &format!("must be a code of at most {code_max} characters.")));
            }
            Ok(json!({ "type": kind, "text": "Copy offer code", "example": [example] }))
        }
        "FLOW" => flow(button),
        "CATALOG" => fixed(kind, button, "View catalog"),
        "MPM" => fixed(kind, button, "View items"),
        "SPM" => fixed(kind, button, "View"),
        "VOICE_CALL" => {
            button.only(&["type", "text", "ttl_minutes"])?;
            let text = button.text("text", 20)?;
            Ok(json!({ "type": kind, "text": text }))
        }
        "REQUEST_CONTACT_INFO" => fixed(kind, button, "Share Contact Info"),
        _ => Err(button.wrong("type", "OTP is only for templates of category AUTHENTICATION.")),
    }
}

fn label<'a>(button: &Fields<'a>) -> Read<&'a str> {
    let text = button.text("text", TEXT_MAX)?;
    if text.contains(['\n', '\r']) || text.contains("{{") {
        return Err(button.wrong("text", "may have no line break and no parameter."));
    }
    Ok(text)
}

fn fixed(kind: &'static str, button: &Fields<'_>, text: &'static str) -> Read<Value> {
    button.only(&["type", "text"])?;
    if button.text_opt("text", TEXT_MAX)?.is_some_and(|given| given != text) {
        return Err(button.wrong("text", &format!("is fixed: \"{text}\".")));
    }
    Ok(json!({ "type": kind, "text": text }))
}

fn url(button: &Fields<'_>) -> Read<Value> {
    button.only(&["type", "text", "url", "example"])?;
    let url = button.text("url", URL_MAX)?;
    web_link(button, "url", &url.replace("{{1}}", "1"))?;
    let text = Text::of(url);
    text.check_names(Format::Positional, "URL", 2_388_072)?;
    let mut written = json!({ "type": "URL", "text": label(button)?, "url": url });
    match text.variables.len() {
        0 => {}
        1 if url.ends_with("{{1}}") => {
            let example = match button.value("example")? {
                Value::String(example) => example.clone(),
                Value::Array(list) => list.first().and_then(Value::as_str).unwrap_or("").to_owned(),
                _ => String::new(),
            };
            if example.is_empty() {
                return Err(button.wrong("example", "must hold one whole sample URL."));
            }
            if let Some(map) = written.as_object_mut() {
                map.insert("example".into(), json!([example]));
            }
        }
        _ => return Err(button.wrong("url", "may have one parameter, at its end.")),
    }
    Ok(written)
}

fn flow(button: &Fields<'_>) -> Read<Value> {
    button.only(&["type", "text", "flow_id", "flow_name", "flow_json", "flow_action", "navigate_screen", "icon"])?;
    let mut written = json!({ "type": "FLOW", "text": label(button)? });
    let Some(map) = written.as_object_mut() else { return Ok(written) };
    let mut sources = 0;
    if let Some(id) = id_opt(button, "flow_id")? {
        map.insert("flow_id".into(), json!(id));
        sources += 1;
    }
    for key in ["flow_name", "flow_json"] {
        if let Some(text) = button.text_opt(key, 100_000)? {
            map.insert(key.into(), json!(text));
            sources += 1;
        }
    }
    if sources != 1 {
        return Err(GraphError::missing("exactly one of flow_id, flow_name, flow_json"));
    }
    if button.has("flow_action") {
        map.insert(
            "flow_action".into(),
            json!(button.one_of("flow_action", &["navigate", "data_exchange"])?.to_ascii_uppercase()),
        );
    }
    if let Some(screen) = button.text_opt("navigate_screen", 200)? {
        map.insert("navigate_screen".into(), json!(screen));
    }
    Ok(written)
}
