//! What the tour sends: content for each row in our API's form, and the same as a template in Meta's, both written by hand.
//!
//! Content that was approved and content that was not differ in their words, so that neither is taken for the other.

use serde_json::{Value, json};

use super::plan::Row;

const PICTURE: &str = "https://files.example.com/tour/picture.jpg";
const TRACK: &str = "https://shop.example.com/track/";
const PHONE: &str = "+493023125000";
const COUPON: &str = "TEA20";
/// Minutes after which the one-time code of the approved template is void; the content that is not approved says another.
const MINUTES: (u8, u8) = (10, 5);

/// What is known of the shop before the tour starts.
pub(crate) struct Shop {
    /// Meta's catalog id.
    pub(crate) catalog: String,
    /// Two products of it.
    pub(crate) products: [String; 2],
    /// Handle of an uploaded sample picture.
    pub(crate) sample: String,
}

/// Name of the template of a row: the same for both sessions.
pub(crate) fn template_name(row: &Row) -> String {
    let kind: String = row.kind.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    match row.case {
        Some(case) => format!("tour_{kind}_{case}"),
        None => format!("tour_{kind}"),
    }
}

/// The words of a row, with one variable.
fn words(row: &Row) -> String {
    let case = row.case.map_or_else(String::new, |case| format!(" with {}", case.replace('_', " ")));
    let state = if row.approved { "approved" } else { "never submitted" };
    format!("Hello {{{{1}}}}, your order is ready. This is {}{case}, {state}.", row.kind)
}

/// The buttons of a case in our API's form.
fn actions(case: Option<&str>) -> Value {
    match case {
        Some("quick_reply") => {
            json!([{ "type": "QUICK_REPLY", "title": "Yes", "id": "yes" }, { "type": "QUICK_REPLY", "title": "No", "id": "no" }])
        }
        Some("url") => json!([{ "type": "URL", "title": "Track", "url": format!("{TRACK}{{{{2}}}}") }]),
        Some("phone") => json!([{ "type": "PHONE_NUMBER", "title": "Call us", "phone": PHONE }]),
        Some("copy_code") => json!([{ "type": "COPY_CODE", "title": "Copy offer code", "code": COUPON }]),
        Some("mixed") => {
            json!([{ "type": "QUICK_REPLY", "title": "Yes", "id": "yes" }, { "type": "URL", "title": "Track", "url": format!("{TRACK}{{{{2}}}}") }])
        }
        _ => json!([]),
    }
}

/// The buttons of a case as Meta's templates have them.
fn buttons(case: Option<&str>) -> Value {
    let url = json!({ "type": "URL", "text": "Track", "url": format!("{TRACK}{{{{1}}}}"), "example": [format!("{TRACK}A17")] });
    match case {
        Some("quick_reply") => json!([{ "type": "QUICK_REPLY", "text": "Yes" }, { "type": "QUICK_REPLY", "text": "No" }]),
        Some("url") => json!([url]),
        Some("phone") => json!([{ "type": "PHONE_NUMBER", "text": "Call us", "phone_number": PHONE }]),
        Some("copy_code") => json!([{ "type": "COPY_CODE", "example": COUPON }]),
        Some("mixed") => json!([{ "type": "QUICK_REPLY", "text": "Yes" }, url]),
        _ => json!([]),
    }
}

/// The content of a row, in our API's form.
pub(crate) fn content(row: &Row, shop: &Shop) -> Value {
    let words = words(row);
    let body = match row.kind {
        "twilio/text" => json!({ "body": words }),
        "twilio/media" => json!({ "body": words, "media": [PICTURE] }),
        "twilio/location" => json!({ "latitude": 52.52, "longitude": 13.405, "label": "Our shop" }),
        "twilio/quick-reply" => json!({ "body": words, "actions": actions(Some("quick_reply")) }),
        "twilio/call-to-action" => json!({ "body": words, "actions": actions(row.case) }),
        "twilio/list-picker" => json!({
            "body": words,
            "button": "Choose",
            "items": [
                { "id": "green", "item": "Green tea", "description": "Light" },
                { "id": "black", "item": "Black tea", "description": "Strong" },
            ],
        }),
        "twilio/card" => json!({ "title": words, "subtitle": "Desk shop", "media": [PICTURE], "actions": actions(row.case) }),
        "whatsapp/card" => {
            json!({ "body": words, "header_text": "Your order", "footer": "Desk shop", "actions": actions(row.case) })
        }
        "twilio/carousel" => json!({ "body": words, "cards": [card("Green tea", "green"), card("Black tea", "black")] }),
        "twilio/catalog" => json!({
            "id": shop.catalog,
            "title": "Our tea",
            "body": words,
            "subtitle": "Desk shop",
            "items": shop.products.iter().map(|id| json!({ "id": id, "section_title": "Tea" })).collect::<Vec<_>>(),
        }),
        "twilio/flows" => json!({
            "body": words,
            "button_text": "Book",
            "type": "APPOINTMENT_BOOKING",
            "pages": [{ "id": "first", "title": "Your visit", "layout": [
                { "type": "TEXT_HEADING", "text": "When will you come?" },
                { "type": "SHORT_TEXT", "label": "Day", "text": "Day", "required": true, "input_type": "TEXT" },
                { "type": "FOOTER", "label": "Send" },
            ] }],
        }),
        _ => json!({
            "add_security_recommendation": true,
            "code_expiration_minutes": if row.approved { MINUTES.0 } else { MINUTES.1 },
            "actions": [{ "type": "COPY_CODE", "copy_code_text": "Copy code" }],
        }),
    };
    json!({ "language": "en", "types": { row.kind: body }, "variables": samples(row) })
}

fn card(title: &str, page: &str) -> Value {
    json!({
        "title": title,
        "body": "Fresh this week",
        "media": PICTURE,
        "actions": [{ "type": "URL", "title": "See", "url": format!("https://shop.example.com/{page}") }],
    })
}

fn has_suffix(row: &Row) -> bool {
    matches!(row.case, Some("url" | "mixed"))
}

fn samples(row: &Row) -> Value {
    match row.kind {
        "twilio/location" => json!({}),
        "whatsapp/authentication" => json!({ "1": "123456" }),
        _ if has_suffix(row) => json!({ "1": "Ana", "2": "A17" }),
        _ => json!({ "1": "Ana" }),
    }
}

/// The values of this send.
pub(crate) fn variables(row: &Row) -> Value {
    match row.kind {
        "twilio/location" => json!({}),
        "whatsapp/authentication" => json!({ "1": "774411" }),
        _ if has_suffix(row) => json!({ "1": "Berta", "2": "B42" }),
        _ => json!({ "1": "Berta" }),
    }
}

/// The template of a row as it is posted to Graph.
pub(crate) fn template(row: &Row, shop: &Shop) -> Value {
    let body = json!({ "type": "BODY", "text": words(row), "example": { "body_text": [["Ana"]] } });
    let picture = json!({ "type": "HEADER", "format": "IMAGE", "example": { "header_handle": [shop.sample] } });
    let header = |text: &str| json!({ "type": "HEADER", "format": "TEXT", "text": text });
    let footer = json!({ "type": "FOOTER", "text": "Desk shop" });
    let mut components = match row.kind {
        "twilio/text" => vec![body],
        "twilio/media" => vec![picture, body],
        "twilio/quick-reply" => vec![body, json!({ "type": "BUTTONS", "buttons": buttons(Some("quick_reply")) })],
        "twilio/call-to-action" => vec![body],
        "twilio/card" => vec![picture, body, footer],
        "whatsapp/card" => vec![header("Your order"), body, footer],
        "twilio/carousel" => {
            let card = |title: &str, page: &str| {
                json!({ "components": [
                    picture,
                    { "type": "BODY", "text": format!("{title}\nFresh this week") },
                    { "type": "BUTTONS", "buttons": [{ "type": "URL", "text": "See", "url": format!("https://shop.example.com/{page}") }] },
                ] })
            };
            vec![body, json!({ "type": "CAROUSEL", "cards": [card("Green tea", "green"), card("Black tea", "black")] })]
        }
        "twilio/catalog" => {
            vec![
                header("Our tea"),
                body,
                footer,
                json!({ "type": "BUTTONS", "buttons": [{ "type": "MPM", "text": "View items" }] }),
            ]
        }
        "twilio/flows" => vec![
            body,
            json!({ "type": "BUTTONS", "buttons": [{
                "type": "FLOW", "text": "Book", "flow_json": form().to_string(), "flow_action": "navigate", "navigate_screen": "FIRST",
            }] }),
        ],
        _ => vec![
            json!({ "type": "BODY", "add_security_recommendation": true }),
            json!({ "type": "FOOTER", "code_expiration_minutes": MINUTES.0 }),
            json!({ "type": "BUTTONS", "buttons": [{ "type": "OTP", "otp_type": "COPY_CODE", "text": "Copy code" }] }),
        ],
    };
    if row.case.is_some_and(|case| case != "none") {
        components.push(json!({ "type": "BUTTONS", "buttons": buttons(row.case) }));
    }
    let category = match row.kind {
        "whatsapp/authentication" => "AUTHENTICATION",
        "twilio/carousel" | "twilio/catalog" => "MARKETING",
        _ => "UTILITY",
    };
    json!({ "name": template_name(row), "language": "en", "category": category, "components": components })
}

/// The form of the flow, in Meta's Flow JSON.
fn form() -> Value {
    json!({ "version": "7.0", "screens": [{
        "id": "FIRST", "title": "Your visit", "terminal": true, "success": true,
        "layout": { "type": "SingleColumnLayout", "children": [
            { "type": "TextHeading", "text": "When will you come?" },
            { "type": "TextInput", "name": "day", "label": "Day", "required": true },
            { "type": "Footer", "label": "Send", "on-click-action": { "name": "complete", "payload": { "day": "${form.day}" } } },
        ] },
    }] })
}

/// A row's message as Graph would be asked for it, for the two types that can never start a conversation.
pub(crate) fn graph_message(row: &Row, to: &str, mark: &str) -> Value {
    let mut message = json!({ "messaging_product": "whatsapp", "to": to, "biz_opaque_callback_data": mark });
    let (kind, body) = if row.kind == "twilio/location" {
        ("location", json!({ "latitude": 52.52, "longitude": 13.405, "name": "Our shop" }))
    } else {
        let list = json!({
            "type": "list",
            "body": { "text": "Which tea?" },
            "action": { "button": "Choose", "sections": [{ "rows": [{ "id": "green", "title": "Green tea" }, { "id": "black", "title": "Black tea" }] }] },
        });
        ("interactive", list)
    };
    if let Some(map) = message.as_object_mut() {
        map.insert("type".into(), json!(kind));
        map.insert(kind.into(), body);
    }
    message
}
