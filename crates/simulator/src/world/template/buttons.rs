//! The buttons of a template (WA templates/components): kinds, texts, and how many of each.

use serde_json::{Value, json};

use super::Format;
use super::rules;
use super::text::Text;
use crate::graph::error::GraphError;
use crate::graph::flow_json;
use crate::graph::free::{id_opt, web_link};
use crate::graph::read::Fields;

type Read<T> = Result<T, GraphError>;

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
        "QUICK_REPLY" => rules::BUTTONS_MAX,
        "URL" => rules::URL_BUTTONS_MAX,
        _ => 1,
    }
}

/// Checks a `BUTTONS` component and writes it as it will be read back. `code_max` is the limit of a coupon code.
pub(crate) fn read(component: &Fields<'_>, code_max: usize) -> Read<Value> {
    component.only(&["type", "buttons"])?;
    let mut kinds: Vec<&'static str> = Vec::new();
    let mut written = Vec::new();
    let given = component.objects("buttons", 1..=usize::MAX)?;
    if given.len() > rules::BUTTONS_MAX {
        return Err(rules::BUTTON_COUNT.refuse(format!("A template can have at most {} buttons.", rules::BUTTONS_MAX)));
    }
    for button in given {
        let kind = button.one_of("type", &KINDS)?;
        written.push(one(kind, &button, code_max)?);
        kinds.push(kind);
        if kinds.iter().filter(|other| **other == kind).count() > most(kind) {
            return Err(rules::BUTTON_COUNT.refuse(format!("A template can have at most {} buttons of type {kind}.", most(kind))));
        }
    }
    if let Some(alone) = ["CATALOG", "MPM", "REQUEST_CONTACT_INFO"].iter().find(|kind| kinds.len() > 1 && kinds.contains(kind)) {
        return Err(rules::BUTTON_ALONE.refuse(format!("A button of type {alone} is the only one of its template.")));
    }
    if kinds.contains(&"VOICE_CALL") && kinds.contains(&"PHONE_NUMBER") {
        // Twilio: twiliocard. One of the two is the button that calls.
        return Err(rules::BUTTON_COUNT.refuse("A template can have at most one button that calls."));
    }
    // Either all quick replies come first or all of them last.
    let changes =
        kinds.windows(2).filter(|pair| matches!(pair, [a, b] if (*a == "QUICK_REPLY") != (*b == "QUICK_REPLY"))).count();
    if changes > 1 {
        return Err(
            rules::BUTTON_ORDER.refuse("Quick replies must stand together, either before all other buttons or after them.")
        );
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
            let number = limited(button, "phone_number", rules::PHONE_MAX)?;
            let digits = number.strip_prefix('+').unwrap_or(number);
            if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b' ' | b'-' | b'(' | b')')) {
                return Err(button.wrong("phone_number", "must be a phone number with its country code."));
            }
            Ok(json!({ "type": kind, "text": label(button)?, "phone_number": number }))
        }
        "COPY_CODE" => {
            button.only(&["type", "example", "text"])?;
            let example = sample(button)?;
            if example.chars().count() > code_max {
                return Err(rules::LENGTH.refuse(format!("The sample of a coupon code can have at most {code_max} characters.")));
            }
            Ok(json!({ "type": kind, "text": "Copy offer code", "example": [example] }))
        }
        "FLOW" => flow(button),
        "CATALOG" => fixed(kind, button, "View catalog"),
        "MPM" => fixed(kind, button, "View items"),
        "SPM" => fixed(kind, button, "View"),
        "VOICE_CALL" => {
            button.only(&["type", "text", "ttl_minutes"])?;
            let text = limited(button, "text", rules::CALL_TEXT_MAX)?;
            if let Some(minutes) = button.int_opt("ttl_minutes")?
                && !rules::CALL_MINUTES.contains(&minutes)
            {
                return Err(button.wrong("ttl_minutes", "must be between 1 and 43200."));
            }
            Ok(json!({ "type": kind, "text": text }))
        }
        "REQUEST_CONTACT_INFO" => fixed(kind, button, "Share Contact Info"),
        _ => Err(button.wrong("type", "OTP is only for templates of category AUTHENTICATION.")),
    }
}

/// A text that must be there, within its limit.
fn limited<'a>(button: &Fields<'a>, key: &str, max: usize) -> Read<&'a str> {
    let text = button.text(key, usize::MAX)?;
    if text.chars().count() > max {
        return Err(rules::LENGTH.refuse(format!("{} can have at most {max} characters.", button.name(key))));
    }
    Ok(text)
}

/// The sample of a button: a text, or the first of a list.
fn sample(button: &Fields<'_>) -> Read<String> {
    let example = match button.get("example") {
        Some(Value::String(example)) => example.clone(),
        Some(Value::Array(list)) => list.first().and_then(Value::as_str).unwrap_or("").to_owned(),
        _ => String::new(),
    };
    if example.trim().is_empty() {
        return Err(rules::SAMPLE_MISSING.refuse("component of type BUTTONS is missing expected field(s) (example)"));
    }
    Ok(example)
}

fn label<'a>(button: &Fields<'a>) -> Read<&'a str> {
    let text = limited(button, "text", rules::BUTTON_TEXT_MAX)?;
    if text.contains(['\n', '\r']) || text.contains("{{") {
        return Err(rules::BUTTON_FORMAT.refuse("The text of a button can't have line breaks or parameters."));
    }
    Ok(text)
}

fn fixed(kind: &'static str, button: &Fields<'_>, text: &'static str) -> Read<Value> {
    button.only(&["type", "text"])?;
    if button.text_opt("text", rules::BUTTON_TEXT_MAX)?.is_some_and(|given| given != text) {
        return Err(button.wrong("text", &format!("is fixed: \"{text}\".")));
    }
    Ok(json!({ "type": kind, "text": text }))
}

fn url(button: &Fields<'_>) -> Read<Value> {
    button.only(&["type", "text", "url", "example"])?;
    let url = limited(button, "url", rules::URL_MAX)?;
    web_link(button, "url", &url.replace("{{1}}", "1"))?;
    let text = Text::of(url);
    text.check_names(Format::Positional, "URL", &rules::BUTTON_FORMAT)?;
    let mut written = json!({ "type": "URL", "text": label(button)?, "url": url });
    match text.variables.len() {
        0 => {}
        1 if url.ends_with("{{1}}") && has_path(url) => {
            let example = sample(button)?;
            if let Some(map) = written.as_object_mut() {
                map.insert("example".into(), json!([example]));
            }
        }
        _ => {
            return Err(
                rules::BUTTON_FORMAT.refuse("The address of a button can have one parameter, at the end of its path or query.")
            );
        }
    }
    Ok(written)
}

/// Whether an address has more than its host before the parameter.
fn has_path(url: &str) -> bool {
    url.split_once("://").is_some_and(|(_, rest)| rest.contains(['/', '?', '#']))
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
    if let Some(name) = button.text_opt("flow_name", 200)? {
        map.insert("flow_name".into(), json!(name));
        sources += 1;
    }
    let mut screens = None;
    if let Some((text, form)) = form(button)? {
        map.insert("flow_json".into(), json!(text));
        screens = Some(form);
        sources += 1;
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
        if screens.is_some_and(|ids| !ids.iter().any(|id| id == screen)) {
            return Err(rules::FLOW_INVALID.refuse(format!("navigate_screen: the form has no screen {screen}.")));
        }
        map.insert("navigate_screen".into(), json!(screen));
    }
    Ok(written)
}

/// The form inside a button, checked: its text and the ids of its screens.
fn form<'a>(button: &Fields<'a>) -> Read<Option<(&'a str, Vec<String>)>> {
    let Some(text) = button.text_opt("flow_json", flow_json::LENGTH_MAX)? else { return Ok(None) };
    match flow_json::read(text) {
        Ok(flow) => {
            let screens = flow.get("screens").and_then(Value::as_array).into_iter().flatten();
            let ids = screens.filter_map(|screen| screen.get("id")?.as_str().map(str::to_owned)).collect();
            Ok(Some((text, ids)))
        }
        Err(faults) => {
            let first = faults.first().map_or("", |fault| fault.message.as_str());
            let errors = flow_json::validation_errors(text, &faults);
            Err(rules::FLOW_INVALID
                .refuse(format!("The Flow JSON has {} error(s). The first: {first}", faults.len()))
                .with_data(json!({ "validation_errors": errors })))
        }
    }
}
