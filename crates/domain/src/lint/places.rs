//! Where a finding is, in the form in which the author wrote it.
//!
//! The linter names the parts of a definition: `header`, `body`, `footer`, `buttons[2]`, `cards[1].body`, `limited_time_offer`, and
//! behind the dot Meta's own member (`text`, `url`, `example`, `phone_number`).

use serde_json::Value;

use crate::content::{Body, ContentType};

/// The path of a finding in the array of components that Meta's create call takes: `body.text` becomes `components[1].text` where
/// the second component is the body. What is missing there is told of the array itself.
#[must_use]
pub fn in_components(field: &str, components: &Value) -> String {
    below(field, components, "components")
}

fn below(field: &str, components: &Value, path: &str) -> String {
    let (part, member) = field.split_once('.').map_or((field, None), |(part, member)| (part, Some(member)));
    let (name, index) = match part.split_once('[') {
        Some((name, rest)) => (name, rest.trim_end_matches(']').parse::<usize>().ok()),
        None => (part, None),
    };
    let kind = match name {
        "header" => "HEADER",
        "body" => "BODY",
        "footer" => "FOOTER",
        "buttons" => "BUTTONS",
        "cards" => "CAROUSEL",
        "limited_time_offer" => "LIMITED_TIME_OFFER",
        "call_permission_request" => "CALL_PERMISSION_REQUEST",
        // Of the template itself.
        _ => return field.to_owned(),
    };
    let has_kind =
        |component: &Value| component.get("type").and_then(Value::as_str).is_some_and(|k| k.eq_ignore_ascii_case(kind));
    let list = components.as_array().map(Vec::as_slice).unwrap_or_default();
    let Some(place) = list.iter().position(has_kind) else { return path.to_owned() };
    let path = format!("{path}[{place}]");
    let member = |path: String| match member {
        // Samples are told by the variable's name; Meta's form has them in lists.
        Some(member) if member.starts_with("example.") => format!("{path}.example"),
        Some(member) => format!("{path}.{member}"),
        None => path,
    };
    match (kind, index) {
        ("BUTTONS", Some(index)) => member(format!("{path}.buttons[{index}]")),
        ("BUTTONS", None) => format!("{path}.buttons"),
        ("CAROUSEL", Some(index)) => {
            let path = format!("{path}.cards[{index}]");
            let inner = list.get(place).and_then(|c| c.get("cards")?.get(index)?.get("components"));
            match (field.split_once('.'), inner) {
                (Some((_, rest)), Some(inner)) => below(rest, inner, &format!("{path}.components")),
                _ => path,
            }
        }
        ("CAROUSEL", None) => format!("{path}.cards"),
        ("LIMITED_TIME_OFFER", _) => member(format!("{path}.limited_time_offer")),
        _ => member(path),
    }
}

/// The path of a finding in content: `body.text` of a card becomes `types.twilio/card.title`.
pub(super) fn in_content(field: &str, body: &Body) -> String {
    if let Some((_, name)) = field.split_once(".example.") {
        return format!("variables.{name}");
    }
    let kind = body.kind();
    let root = format!("types.{}", kind.as_str());
    let inside = |path: &str| format!("{root}.{path}");
    let (part, member) = field.split_once('.').unwrap_or((field, ""));
    let is_text_header = matches!(body, Body::WhatsappCard(b) if b.header_text.is_some());
    match (part, kind) {
        ("name" | "category" | "language" | "message_send_ttl_seconds" | "types", _) => field.to_owned(),
        ("header", ContentType::Catalog) => inside("title"),
        ("header", ContentType::Flows | ContentType::WhatsappFlows) => inside("media_url"),
        ("header", _) if is_text_header => inside("header_text"),
        ("header", _) => inside("media[0]"),
        ("body", ContentType::Card) if matches!(body, Body::Card(b) if b.title.is_some()) => inside("title"),
        ("body", ContentType::Authentication) => root,
        ("body", _) => inside("body"),
        ("footer", ContentType::WhatsappCard) => inside("footer"),
        ("footer", ContentType::Authentication) => inside("code_expiration_minutes"),
        ("footer", _) => inside("subtitle"),
        (
            "buttons",
            ContentType::Text
            | ContentType::Media
            | ContentType::Carousel
            | ContentType::Catalog
            | ContentType::Flows
            | ContentType::WhatsappFlows,
        ) => root,
        ("buttons", _) => inside("actions"),
        ("cards", _) => inside("cards"),
        (part, ContentType::Flows | ContentType::WhatsappFlows) if part.starts_with("buttons[") => inside("button_text"),
        (part, ContentType::Catalog) if part.starts_with("buttons[") => root,
        (part, _) if part.starts_with("buttons[") => inside(&action(part, member, kind)),
        (part, _) if part.starts_with("cards[") => inside(&format!("{part}{}", in_card(part, member, body))),
        _ => root,
    }
}

fn action(part: &str, member: &str, kind: ContentType) -> String {
    let place = part.trim_start_matches("buttons");
    let member = match member {
        "text" if kind == ContentType::Authentication => ".copy_code_text",
        "text" => ".title",
        "phone_number" => ".phone",
        "url" => ".url",
        "example" if kind == ContentType::CallToAction || kind == ContentType::Card || kind == ContentType::WhatsappCard => {
            ".code"
        }
        "ttl_minutes" => ".ttl_minutes",
        "otp_type" => ".type",
        _ => "",
    };
    format!("actions{place}{member}")
}

fn in_card(card: &str, member: &str, body: &Body) -> String {
    let place = card.trim_start_matches("cards[").trim_end_matches(']').parse::<usize>().ok();
    // Title and text of a card go as one.
    let has_only_title =
        matches!(body, Body::Carousel(b) if place.and_then(|at| b.cards.get(at)).is_some_and(|c| c.body.is_none()));
    let (part, rest) = member.split_once('.').unwrap_or((member, ""));
    match part {
        "header" => ".media".to_owned(),
        "body" => if has_only_title { ".title" } else { ".body" }.to_owned(),
        "buttons" => ".actions".to_owned(),
        part if part.starts_with("buttons[") => format!(".{}", action(part, rest, body.kind())),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_finding_points_into_the_components_as_they_were_written() {
        let components = json!([
            {"type": "body", "text": "Hi"},
            {"type": "BUTTONS", "buttons": [{"type": "URL"}]},
            {"type": "LIMITED_TIME_OFFER", "limited_time_offer": {"text": "x"}},
            {"type": "CAROUSEL", "cards": [{"components": []}, {"components": [{"type": "HEADER"}, {"type": "BODY"}]}]},
        ]);
        for (field, path) in [
            ("name", "name"),
            ("body.text", "components[0].text"),
            ("body.example.1", "components[0].example"),
            ("buttons", "components[1].buttons"),
            ("buttons[0].url", "components[1].buttons[0].url"),
            ("limited_time_offer.text", "components[2].limited_time_offer.text"),
            ("cards", "components[3].cards"),
            ("cards[1]", "components[3].cards[1]"),
            ("cards[1].body.text", "components[3].cards[1].components[1].text"),
            ("cards[0].header", "components[3].cards[0].components"),
            ("header.text", "components"),
            ("footer", "components"),
        ] {
            assert_eq!(in_components(field, &components), path, "{field}");
        }
        assert_eq!(in_components("body.text", &Value::Null), "components");
    }
}
