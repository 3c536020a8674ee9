//! One event as a line for people.

use serde_json::Value;

use crate::out::clean;

/// Most characters of what a customer wrote, or of an event that is shown as it is.
const TEXT_MAX: usize = 80;

/// How a line is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Colour {
    /// Not at all.
    None,
    /// With the codes of a terminal.
    Terminal,
}

impl Colour {
    fn dress(self, code: &str, text: &str) -> String {
        match self {
            Self::None => text.to_owned(),
            Self::Terminal => format!("\x1b[{code}m{text}\x1b[0m"),
        }
    }
}

/// The line: time, position, type, who with whom, and what. What a customer wrote does not speak to the terminal.
pub(super) fn line(event: &Value, colour: Colour) -> String {
    let kind = clean(text(event, "/type"));
    // Both the day and the hour matter where a clock can be turned to tomorrow.
    let at = clean(text(event, "/at")).get(..19).unwrap_or_default().replace('T', " ");
    let position = event["position"].as_u64().unwrap_or_default();
    let mut said = format!("{}  {position:>6}  {}", colour.dress("2", &at), colour.dress(shade(&kind), &format!("{kind:<20}")));
    let data = &event["data"];
    if data.get("parties").is_some() {
        let name = data.pointer("/parties/name").and_then(Value::as_str).map(|name| format!(" ({name})"));
        let arrow = if kind == "message.received" { "→" } else { "↔" };
        let (customer, sender) = (text(data, "/parties/customer"), text(data, "/parties/sender"));
        said.push_str(&clean(&format!("  {customer}{} {arrow} {sender}", name.unwrap_or_default())));
    }
    let what = clean(&what(&kind, data));
    if what.is_empty() { said } else { format!("{said}  {what}") }
}

fn text<'a>(value: &'a Value, at: &str) -> &'a str {
    value.pointer(at).and_then(Value::as_str).unwrap_or_default()
}

/// Green for what begins and comes in, yellow for what is about to end, red for what went wrong.
fn shade(kind: &str) -> &'static str {
    match kind {
        "message.received" | "session.opened" => "32",
        "session.closing_soon" => "33",
        "session.closed" => "2",
        _ if kind.ends_with(".failed") || kind.ends_with(".failing") || kind.ends_with(".disabled") => "31",
        _ => "36",
    }
}

fn what(kind: &str, data: &Value) -> String {
    let text = |at: &str| text(data, at);
    match kind {
        "message.received" => received(data),
        "message.status" => {
            let code = data.pointer("/error/code").and_then(Value::as_str).map(|code| format!("  {code}"));
            format!("{}  {}{}", text("/messageId"), text("/status"), code.unwrap_or_default())
        }
        "session.opened" | "session.closing_soon" => format!("until {}", text("/openUntil")),
        "session.closed" => format!("{}, since {}", text("/cause"), text("/closedAt")),
        "template.changed" => format!("{} {}  {} ({})", text("/name"), text("/language"), text("/change"), text("/status")),
        "sender.state" => format!("{}  {}", text("/sender"), text("/state")),
        _ => {
            let mut rest = data.clone();
            if let Some(rest) = rest.as_object_mut() {
                rest.remove("parties");
            }
            short(&rest.to_string())
        }
    }
}

/// What a customer sent, as far as a line can show it.
fn received(data: &Value) -> String {
    if let Some(words) = data.pointer("/message/text").and_then(Value::as_str) {
        return format!("“{}”", short(words));
    }
    if let Some(emoji) = data.pointer("/reaction/emoji").and_then(Value::as_str) {
        return format!("reaction {}", short(emoji));
    }
    if let Some(kind) = data.pointer("/message/attachments/0/type").and_then(Value::as_str) {
        let caption = data.pointer("/message/attachments/0/caption").and_then(Value::as_str);
        return caption.map_or_else(|| kind.to_owned(), |caption| format!("{kind} “{}”", short(caption)));
    }
    let parts = data["message"].as_object().into_iter().flat_map(|message| message.keys()).filter(|key| *key != "id");
    parts.map(String::as_str).collect::<Vec<_>>().join(", ")
}

fn short(text: &str) -> String {
    if text.chars().count() <= TEXT_MAX {
        return text.to_owned();
    }
    text.chars().take(TEXT_MAX - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event(kind: &str, data: Value) -> Value {
        json!({ "position": 7, "id": "x", "type": kind, "at": "2026-09-21T14:13:20.000Z", "data": data })
    }

    fn parties() -> Value {
        json!({ "customer": "+4915550100001", "name": "Ana", "sender": "+493012345678" })
    }

    #[test]
    fn a_line_says_who_and_what() {
        let received = event("message.received", json!({ "parties": parties(), "message": { "id": "1", "text": "Hello!" } }));
        assert_eq!(
            line(&received, Colour::None),
            "2026-09-21 14:13:20       7  message.received      +4915550100001 (Ana) → +493012345678  “Hello!”"
        );
        let status = event(
            "message.status",
            json!({ "parties": parties(), "messageId": "01K", "status": "failed", "error": { "code": "ERROR_CODE_X" } }),
        );
        assert!(line(&status, Colour::None).ends_with("↔ +493012345678  01K  failed  ERROR_CODE_X"));
        let unknown = event("sender.moved", json!({ "parties": parties(), "to": "the moon" }));
        assert!(line(&unknown, Colour::None).ends_with(r#"{"to":"the moon"}"#));
        assert!(line(&received, Colour::Terminal).contains("\x1b[32mmessage.received"));
    }

    #[test]
    fn what_a_customer_wrote_does_not_speak_to_the_terminal() {
        let sly = "\x1b[2J\x1b]0;owned\x07one\ntwo\u{9b}31m";
        let event = event(
            "message.received",
            json!({ "parties": { "customer": sly, "name": sly, "sender": sly }, "message": { "text": sly } }),
        );
        for colour in [Colour::None, Colour::Terminal] {
            let line = line(&event, colour);
            let codes = line.matches('\x1b').count();
            assert_eq!(codes, if colour == Colour::None { 0 } else { 4 }, "{line:?}");
            assert!(!line.contains('\n') && !line.contains('\x07') && !line.contains('\u{9b}'));
        }
    }

    #[test]
    fn anything_is_one_line() {
        for odd in [
            json!(null),
            json!({}),
            json!([]),
            json!({ "type": 3, "at": "ä".repeat(30), "data": { "message": "x".repeat(500) } }),
        ] {
            assert!(line(&odd, Colour::None).chars().count() < 300);
        }
        let long = event("message.received", json!({ "message": { "text": "ü".repeat(500) } }));
        assert!(line(&long, Colour::None).ends_with("…”"));
    }
}
