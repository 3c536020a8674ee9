//! What was sent, in the shape in which it could have been asked for: the inverse of reading.

use serde_json::{Map, Value, json};

use transom_domain::free_form::{ContactCard, File, FreeForm, Header, MediaKind, MediaSource, ProductSection};
use transom_domain::id::MessageId;
use transom_domain::message::Draft;
use transom_domain::template::{ButtonValue, CardParameters, HeaderParameter, TemplateSend, TextParameter};

use super::verdict::word;

/// What a draft says, as one object: `message`, `template` or `content` by its kind.
pub(crate) fn draft_json(draft: &Draft) -> Value {
    let mut said = said_json(draft);
    if let (Some(human), Some(said)) = (draft.human(), said.as_object_mut()) {
        said.insert("humanAgent".to_owned(), json!({ "name": human.name }));
    }
    said
}

fn said_json(draft: &Draft) -> Value {
    match draft {
        Draft::FreeForm { say, .. } => json!({ "message": message_json(say) }),
        Draft::Template { send } => json!({ "template": template_json(send) }),
        Draft::Content { id: None, content, variables, .. } => {
            json!({ "content": word(content), "variables": word(variables) })
        }
        Draft::Content { id: Some(id), content, variables, .. } => {
            json!({ "contentId": id.to_string(), "content": word(content), "variables": word(variables) })
        }
    }
}

/// A free-form message as the published `message`.
pub(crate) fn message_json(say: &FreeForm) -> Value {
    let mut message = Map::new();
    let mut put = |name: &str, value: Value| {
        if !value.is_null() {
            message.insert(name.to_owned(), value);
        }
    };
    match say {
        FreeForm::Text { body, preview_url } => {
            put("text", json!(body));
            put("previewUrl", if *preview_url { json!(true) } else { Value::Null });
        }
        FreeForm::Media { file, .. } if file.kind == MediaKind::Sticker => put("sticker", file_json(file, None)),
        FreeForm::Media { file, caption, .. } => put("attachments", json!([file_json(file, caption.as_deref())])),
        FreeForm::Location { latitude, longitude, name, address } => {
            put("location", json!({ "latitude": latitude, "longitude": longitude, "name": name, "address": address }));
        }
        FreeForm::Contacts { contacts } => put("contacts", contacts.iter().map(contact_json).collect()),
        FreeForm::Reaction { message_id, emoji } => {
            // A draft on its way names the message by the channel's id, which is not for callers.
            let ours = message_id.parse::<MessageId>().ok().map(|id| id.to_string());
            put("reaction", json!({ "messageId": ours, "emoji": emoji }));
        }
        FreeForm::Buttons { header, body, footer, buttons } => {
            let buttons: Vec<_> = buttons.iter().map(|b| json!({ "id": b.id, "text": b.title })).collect();
            put("text", json!(body));
            put("replyButtonMessage", framed(header.as_ref(), footer.as_deref(), [("buttons", json!(buttons))]));
        }
        FreeForm::List { header, body, footer, button, sections } => {
            let sections: Vec<_> = sections
                .iter()
                .map(|s| {
                    let rows: Vec<_> = s
                        .rows
                        .iter()
                        .map(|r| without_nulls(json!({ "id": r.id, "text": r.title, "description": r.description })))
                        .collect();
                    without_nulls(json!({ "title": s.title, "rows": rows }))
                })
                .collect();
            let header = header.clone().map(Header::Text);
            put("text", json!(body));
            let fields = [("button", json!({ "text": button })), ("sections", json!(sections))];
            put("listMessage", framed(header.as_ref(), footer.as_deref(), fields));
        }
        FreeForm::CtaUrl { header, body, footer, display_text, url } => {
            put("text", json!(body));
            let fields = [("button", json!({ "text": display_text, "url": url }))];
            put("ctaUrlMessage", framed(header.as_ref(), footer.as_deref(), fields));
        }
        FreeForm::Product { body, footer, catalog_id, product } => {
            put("text", json!(body));
            let fields = [("catalogId", json!(catalog_id)), ("productItem", json!({ "productRetailerId": product }))];
            put("singleProductMessage", framed(None, footer.as_deref(), fields));
        }
        FreeForm::ProductList { header, body, footer, catalog_id, sections } => {
            put("text", json!(body));
            let fields = [("catalogId", json!(catalog_id)), ("sections", product_sections(sections))];
            put("multiProductMessage", framed(Some(&Header::Text(header.clone())), footer.as_deref(), fields));
        }
        FreeForm::LocationRequest { body } => {
            put("text", json!(body));
            put("locationRequestMessage", json!({}));
        }
        FreeForm::ContactRequest { body } => {
            put("text", json!(body));
            put("contactRequestMessage", json!({}));
        }
        // The published shapes have no words for these; they come from content and are shown in the same style.
        FreeForm::Catalog { body, footer, thumbnail } => {
            put("text", json!(body));
            put("catalogMessage", framed(None, footer.as_deref(), [("thumbnailProductRetailerId", json!(thumbnail))]));
        }
        FreeForm::Flow { header, body, footer, flow_id, button, .. } => {
            put("text", json!(body));
            let fields = [("flowId", json!(flow_id)), ("button", json!({ "text": button }))];
            put("flowMessage", framed(header.as_ref(), footer.as_deref(), fields));
        }
        FreeForm::VoiceCall { body, display_text, ttl_minutes, payload } => {
            put("text", json!(body));
            let call = json!({ "button": { "text": display_text }, "ttlMinutes": ttl_minutes, "payload": payload });
            put("voiceCallMessage", without_nulls(call));
        }
        FreeForm::CallPermissionRequest { body } => {
            put("text", json!(body));
            put("callPermissionRequestMessage", json!({}));
        }
    }
    Value::Object(message)
}

fn framed<const N: usize>(header: Option<&Header>, footer: Option<&str>, fields: [(&str, Value); N]) -> Value {
    let mut object = Map::new();
    match header {
        Some(Header::Text(text)) => {
            object.insert("header".to_owned(), json!({ "text": text }));
        }
        Some(Header::File(file)) => {
            object.insert("header".to_owned(), json!({ "attachment": file_json(file, None) }));
        }
        None => {}
    }
    if let Some(footer) = footer {
        object.insert("footer".to_owned(), json!({ "text": footer }));
    }
    object.extend(fields.into_iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| (name.to_owned(), value)));
    Value::Object(object)
}

fn product_sections(sections: &[ProductSection]) -> Value {
    sections
        .iter()
        .map(|s| {
            let items: Vec<_> = s.products.iter().map(|p| json!({ "productRetailerId": p })).collect();
            without_nulls(json!({ "title": s.title, "productItems": items }))
        })
        .collect()
}

fn file_json(file: &File, caption: Option<&str>) -> Value {
    let (url, id) = match &file.source {
        MediaSource::Link(link) => (Some(link), None),
        MediaSource::Id(id) => (None, Some(id)),
    };
    // A sticker needs no word for its kind: the field's name says it.
    let kind = Some(file.kind.as_str()).filter(|_| file.kind != MediaKind::Sticker);
    without_nulls(json!({ "type": kind, "url": url, "mediaId": id, "caption": caption, "filename": file.filename }))
}

fn contact_json(card: &ContactCard) -> Value {
    let mut object: Map<String, Value> = card.rest.clone();
    object.insert("name".to_owned(), Value::Object(card.name.clone()));
    camel_keys(Value::Object(object))
}

/// A template send by its published parameter names.
pub(crate) fn template_json(send: &TemplateSend) -> Value {
    let mut parameters = Vec::new();
    if let Some(header) = &send.header {
        parameters.push(header_parameter("header", header));
    }
    parameters.extend(body_parameters("body", &send.body));
    parameters.extend(send.buttons.iter().map(|b| button_parameter("", b.index, &b.value)));
    for (card, i) in send.cards.iter().zip(1..) {
        parameters.extend(card_parameters(i, card));
    }
    json!({ "name": send.name, "language": send.language.as_str(), "parameters": parameters })
}

fn card_parameters(card: usize, values: &CardParameters) -> Vec<Value> {
    let mut parameters = Vec::new();
    if let Some(header) = &values.header {
        parameters.push(header_parameter(&format!("card_{card}_header"), header));
    }
    parameters.extend(body_parameters(&format!("card_{card}_body"), &values.body));
    parameters.extend(values.buttons.iter().map(|b| button_parameter(&format!("card_{card}_"), b.index, &b.value)));
    parameters
}

fn header_parameter(prefix: &str, header: &HeaderParameter) -> Value {
    let (kind, value, filename) = match header {
        HeaderParameter::Text(text) => ("text", text.text.clone(), None),
        HeaderParameter::File(file) => {
            let (MediaSource::Link(source) | MediaSource::Id(source)) = &file.source;
            (file.kind.as_str(), source.clone(), file.filename.clone())
        }
        HeaderParameter::Location { latitude, longitude, name, address } => {
            let mut value = format!("{latitude},{longitude}");
            for part in [name, address].into_iter().flatten() {
                value.push(',');
                value.push_str(part);
            }
            ("location", value, None)
        }
        HeaderParameter::Product { catalog_id, product } => ("product", format!("{catalog_id},{product}"), None),
    };
    without_nulls(json!({ "name": format!("{prefix}_{kind}"), "value": value, "filename": filename }))
}

fn body_parameters(prefix: &str, values: &[TextParameter]) -> Vec<Value> {
    values
        .iter()
        .zip(1..)
        .map(|(value, place)| {
            let name = value.name.clone().unwrap_or_else(|| i32::to_string(&place));
            json!({ "name": format!("{prefix}_{name}"), "value": value.text })
        })
        .collect()
}

fn button_parameter(prefix: &str, index: u8, value: &ButtonValue) -> Value {
    let (kind, value) = match value {
        ButtonValue::Payload { payload } => ("payload", payload.clone()),
        ButtonValue::UrlSuffix { suffix } => ("url", suffix.clone()),
        ButtonValue::CouponCode { code } => ("code", code.clone()),
        // One-time codes are shown to nobody, not even to the business that sent them.
        ButtonValue::OneTimeCode { .. } => ("code", "…".to_owned()),
        ButtonValue::Catalog { thumbnail } => ("thumbnail", thumbnail.clone().unwrap_or_default()),
        ButtonValue::MultiProduct { sections, .. } => {
            let products: Vec<_> = sections.iter().flat_map(|s| s.products.iter().map(String::as_str)).collect();
            ("products", products.join(","))
        }
        ButtonValue::Flow { token, .. } => ("flow_token", token.clone().unwrap_or_default()),
    };
    json!({ "name": format!("{prefix}button_{}_{kind}", u16::from(index) + 1), "value": value })
}

/// An object without the fields that have no value.
pub(crate) fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(object) => Value::Object(object.into_iter().filter(|(_, v)| !v.is_null()).collect()),
        other => other,
    }
}

/// Names with underscores in the spelling of our answers, at every depth.
pub(crate) fn camel_keys(value: Value) -> Value {
    match value {
        Value::Object(object) => Value::Object(object.into_iter().map(|(k, v)| (camel_case(&k), camel_keys(v))).collect()),
        Value::Array(items) => Value::Array(items.into_iter().map(camel_keys).collect()),
        other => other,
    }
}

fn camel_case(snake: &str) -> String {
    let mut camel = String::with_capacity(snake.len());
    let mut raise = false;
    for c in snake.chars() {
        if c == '_' && !camel.is_empty() {
            raise = true;
        } else if std::mem::take(&mut raise) {
            camel.extend(c.to_uppercase());
        } else {
            camel.push(c);
        }
    }
    camel
}
