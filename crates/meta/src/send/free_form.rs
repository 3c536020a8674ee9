//! Free-form messages, kind by kind (Meta: the page of each kind under messages/).

use serde_json::{Map, Value, json};
use transom_domain::free_form::{ContactCard, File, FreeForm, Header, ListSection, MediaKind, ReplyButton};

use super::{Envelope, file_object, location_object, product_sections};
use crate::read::{object, put};

/// Version of the message that opens a form; the only one there is (messages/interactive-flow-messages).
const FLOW_MESSAGE_VERSION: &str = "3";

/// The request for a free-form message.
#[must_use]
pub fn free_form(env: &Envelope<'_>, say: &FreeForm) -> Value {
    // A reaction names its message itself; quoting on top is refused.
    let quotes = !matches!(say, FreeForm::Reaction { .. });
    let (kind, content) = print(say);
    env.around(kind, content, quotes)
}

fn print(say: &FreeForm) -> (&'static str, Value) {
    match say {
        FreeForm::Text { body, preview_url } => ("text", json!({ "body": body, "preview_url": preview_url })),
        FreeForm::Media { file, caption, voice } => (file.kind.as_str(), media(file, caption.as_deref(), *voice)),
        FreeForm::Location { latitude, longitude, name, address } => {
            ("location", location_object(*latitude, *longitude, name.as_deref(), address.as_deref()))
        }
        FreeForm::Contacts { contacts } => ("contacts", Value::Array(contacts.iter().map(contact).collect())),
        FreeForm::Reaction { message_id, emoji } => ("reaction", json!({ "message_id": message_id, "emoji": emoji })),
        _ => ("interactive", Value::Object(interactive(say))),
    }
}

fn media(file: &File, caption: Option<&str>, voice: bool) -> Value {
    let mut media = file_object(file);
    if !matches!(file.kind, MediaKind::Audio | MediaKind::Sticker) {
        put(&mut media, "caption", caption);
    }
    if voice && file.kind == MediaKind::Audio {
        media.insert("voice".to_owned(), Value::Bool(true));
    }
    Value::Object(media)
}

fn contact(card: &ContactCard) -> Value {
    let mut printed = card.rest.clone();
    printed.insert("name".to_owned(), Value::Object(card.name.clone()));
    Value::Object(printed)
}

/// The frame that interactive messages share: texts and the one action.
fn frame(kind: &str, body: Option<&str>, footer: Option<&str>, action: Value) -> Map<String, Value> {
    let mut interactive = object([("type", json!(kind)), ("action", action)]);
    for (key, text) in [("body", body), ("footer", footer)] {
        if let Some(text) = text.filter(|t| !t.is_empty()) {
            interactive.insert(key.to_owned(), json!({ "text": text }));
        }
    }
    interactive
}

fn with_header(mut interactive: Map<String, Value>, header: Option<&Header>) -> Map<String, Value> {
    let printed = match header {
        None => return interactive,
        Some(Header::Text(text)) => text_header(text),
        Some(Header::File(file)) => {
            let kind = file.kind.as_str();
            let mut header = object([("type", json!(kind))]);
            header.insert(kind.to_owned(), Value::Object(file_object(file)));
            Value::Object(header)
        }
    };
    interactive.insert("header".to_owned(), printed);
    interactive
}

fn text_header(text: &str) -> Value {
    json!({ "type": "text", "text": text })
}

/// An action that has a name and, where there is something to say, parameters.
fn named(name: &str, parameters: Map<String, Value>) -> Value {
    if parameters.is_empty() { json!({ "name": name }) } else { json!({ "name": name, "parameters": parameters }) }
}

fn interactive(say: &FreeForm) -> Map<String, Value> {
    match say {
        FreeForm::Buttons { header, body, footer, buttons } => {
            with_header(frame("button", Some(body), footer.as_deref(), reply_buttons(buttons)), header.as_ref())
        }
        FreeForm::List { header, body, footer, button, sections } => {
            let action = json!({ "button": button, "sections": list_sections(sections) });
            let mut list = frame("list", Some(body), footer.as_deref(), action);
            if let Some(header) = header {
                list.insert("header".to_owned(), text_header(header));
            }
            list
        }
        FreeForm::CtaUrl { header, body, footer, display_text, url } => {
            let parameters = object([("display_text", json!(display_text)), ("url", json!(url))]);
            with_header(frame("cta_url", Some(body), footer.as_deref(), named("cta_url", parameters)), header.as_ref())
        }
        FreeForm::Product { body, footer, catalog_id, product } => {
            let action = json!({ "catalog_id": catalog_id, "product_retailer_id": product });
            frame("product", body.as_deref(), footer.as_deref(), action)
        }
        FreeForm::ProductList { header, body, footer, catalog_id, sections } => {
            let action = json!({ "catalog_id": catalog_id, "sections": product_sections(sections) });
            let mut list = frame("product_list", Some(body), footer.as_deref(), action);
            list.insert("header".to_owned(), text_header(header));
            list
        }
        FreeForm::Catalog { body, footer, thumbnail } => {
            let mut parameters = Map::new();
            put(&mut parameters, "thumbnail_product_retailer_id", thumbnail.as_deref());
            frame("catalog_message", Some(body), footer.as_deref(), named("catalog_message", parameters))
        }
        FreeForm::Flow { header, body, footer, flow_id, button, token, screen, from_endpoint, data } => {
            let mut parameters = object([
                ("flow_message_version", json!(FLOW_MESSAGE_VERSION)),
                ("flow_id", json!(flow_id)),
                ("flow_cta", json!(button)),
            ]);
            put(&mut parameters, "flow_token", token.as_deref());
            if *from_endpoint {
                put(&mut parameters, "flow_action", Some("data_exchange"));
            } else {
                first_screen(&mut parameters, screen.as_deref(), data.as_ref());
            }
            with_header(frame("flow", Some(body), footer.as_deref(), named("flow", parameters)), header.as_ref())
        }
        FreeForm::VoiceCall { body, display_text, ttl_minutes, payload } => {
            let mut parameters = Map::new();
            put(&mut parameters, "display_text", display_text.as_deref());
            if let Some(minutes) = ttl_minutes {
                parameters.insert("ttl_minutes".to_owned(), json!(minutes));
            }
            put(&mut parameters, "payload", payload.as_deref());
            frame("voice_call", Some(body), None, named("voice_call", parameters))
        }
        FreeForm::CallPermissionRequest { body } => {
            frame("call_permission_request", body.as_deref(), None, named("call_permission_request", Map::new()))
        }
        FreeForm::LocationRequest { body } => {
            frame("location_request_message", Some(body), None, named("send_location", Map::new()))
        }
        FreeForm::ContactRequest { body } => {
            frame("request_contact_info", Some(body), None, named("request_contact_info", Map::new()))
        }
        // The plain kinds have been printed above; nothing is left of them here.
        FreeForm::Text { .. }
        | FreeForm::Media { .. }
        | FreeForm::Location { .. }
        | FreeForm::Contacts { .. }
        | FreeForm::Reaction { .. } => Map::new(),
    }
}

fn reply_buttons(buttons: &[ReplyButton]) -> Value {
    let printed: Vec<Value> =
        buttons.iter().map(|b| json!({ "type": "reply", "reply": { "id": b.id, "title": b.title } })).collect();
    json!({ "buttons": printed })
}

fn list_sections(sections: &[ListSection]) -> Value {
    let printed = sections.iter().map(|section| {
        let rows = section.rows.iter().map(|row| {
            let mut printed = object([("id", json!(row.id)), ("title", json!(row.title))]);
            put(&mut printed, "description", row.description.as_deref());
            Value::Object(printed)
        });
        let mut printed = object([("rows", Value::Array(rows.collect()))]);
        put(&mut printed, "title", section.title.as_deref());
        Value::Object(printed)
    });
    Value::Array(printed.collect())
}

/// Where a form opens, and with what.
fn first_screen(parameters: &mut Map<String, Value>, screen: Option<&str>, data: Option<&Map<String, Value>>) {
    // Data travels with the screen it is for; empty data is refused. Without a screen the form opens at its own first one.
    if let Some(screen) = screen.filter(|s| !s.is_empty()) {
        let mut payload = object([("screen", json!(screen))]);
        if let Some(data) = data.filter(|d| !d.is_empty()) {
            payload.insert("data".to_owned(), Value::Object(data.clone()));
        }
        put(parameters, "flow_action", Some("navigate"));
        parameters.insert("flow_action_payload".to_owned(), Value::Object(payload));
    }
}
