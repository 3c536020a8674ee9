//! Template messages: name, language and a value for each variable (Meta: messages/template-messages, templates/components and
//! the page of each special kind).

use serde_json::{Map, Value, json};
use transom_domain::template::{ButtonParameter, ButtonValue, CardParameters, HeaderParameter, TemplateSend, TextParameter};

use super::{Envelope, file_object, location_object, product_sections};
use crate::read::{object, put};

/// The request for a template message.
#[must_use]
pub fn template(env: &Envelope<'_>, send: &TemplateSend) -> Value {
    let mut components = parts(send.header.as_ref(), &body_values(send), &send.buttons);
    if let Some(end) = send.offer_end {
        let offer = json!({ "type": "limited_time_offer", "limited_time_offer": { "expiration_time_ms": end.as_millis() } });
        components.push(json!({ "type": "limited_time_offer", "parameters": [offer] }));
    }
    if !send.cards.is_empty() {
        let cards: Vec<Value> = send.cards.iter().enumerate().map(|(at, values)| card(at, values)).collect();
        components.push(json!({ "type": "carousel", "cards": cards }));
    }
    let mut template = object([("name", json!(send.name)), ("language", json!({ "code": send.language.as_str() }))]);
    if !components.is_empty() {
        template.insert("components".to_owned(), Value::Array(components));
    }
    env.around("template", Value::Object(template), true)
}

/// A one-time code goes twice, into the text and into the button; whoever gave it for the button alone meant both
/// (templates/authentication-templates).
fn body_values(send: &TemplateSend) -> Vec<TextParameter> {
    let code = send.buttons.iter().find_map(|button| match &button.value {
        ButtonValue::OneTimeCode { code } => Some(code),
        _ => None,
    });
    match code {
        Some(code) if send.body.is_empty() => vec![TextParameter { name: None, text: code.clone() }],
        _ => send.body.clone(),
    }
}

fn card(at: usize, values: &CardParameters) -> Value {
    json!({ "card_index": at, "components": parts(values.header.as_ref(), &values.body, &values.buttons) })
}

fn parts(header: Option<&HeaderParameter>, body: &[TextParameter], buttons: &[ButtonParameter]) -> Vec<Value> {
    let mut components = Vec::new();
    if let Some(header) = header {
        components.push(json!({ "type": "header", "parameters": [header_parameter(header)] }));
    }
    if !body.is_empty() {
        let parameters: Vec<Value> = body.iter().map(text_parameter).collect();
        components.push(json!({ "type": "body", "parameters": parameters }));
    }
    components.extend(buttons.iter().filter_map(button));
    components
}

fn text_parameter(value: &TextParameter) -> Value {
    let mut parameter = object([("type", json!("text")), ("text", json!(value.text))]);
    put(&mut parameter, "parameter_name", value.name.as_deref());
    Value::Object(parameter)
}

fn header_parameter(header: &HeaderParameter) -> Value {
    match header {
        HeaderParameter::Text(value) => text_parameter(value),
        HeaderParameter::File(file) => {
            let kind = file.kind.as_str();
            let mut parameter = object([("type", json!(kind))]);
            parameter.insert(kind.to_owned(), Value::Object(file_object(file)));
            Value::Object(parameter)
        }
        HeaderParameter::Location { latitude, longitude, name, address } => {
            let place = location_object(*latitude, *longitude, name.as_deref(), address.as_deref());
            json!({ "type": "location", "location": place })
        }
        HeaderParameter::Product { catalog_id, product } => {
            json!({ "type": "product", "product": { "product_retailer_id": product, "catalog_id": catalog_id } })
        }
    }
}

/// A button's component; none where there is nothing to say about the button.
fn button(button: &ButtonParameter) -> Option<Value> {
    let (sub_type, parameter) = match &button.value {
        ButtonValue::Payload { payload } => ("quick_reply", json!({ "type": "payload", "payload": payload })),
        // Created as OTP, addressed as the URL button that Meta makes of it.
        ButtonValue::UrlSuffix { suffix: text } | ButtonValue::OneTimeCode { code: text } => {
            ("url", json!({ "type": "text", "text": text }))
        }
        ButtonValue::CouponCode { code } => ("copy_code", json!({ "type": "coupon_code", "coupon_code": code })),
        ButtonValue::Catalog { thumbnail } => {
            let thumbnail = thumbnail.as_ref().filter(|t| !t.is_empty())?;
            ("catalog", action(object([("thumbnail_product_retailer_id", json!(thumbnail))])))
        }
        ButtonValue::MultiProduct { thumbnail, sections } => {
            let sections = product_sections(sections);
            ("mpm", action(object([("thumbnail_product_retailer_id", json!(thumbnail)), ("sections", sections)])))
        }
        ButtonValue::Flow { token, data } => {
            // "unused" is Meta's own word for no token.
            let mut flow = object([("flow_token", json!(token.as_deref().unwrap_or("unused")))]);
            if let Some(data) = data.as_ref().filter(|d| !d.is_empty()) {
                flow.insert("flow_action_data".to_owned(), Value::Object(data.clone()));
            }
            ("flow", action(flow))
        }
    };
    Some(json!({ "type": "button", "sub_type": sub_type, "index": button.index.to_string(), "parameters": [parameter] }))
}

fn action(content: Map<String, Value>) -> Value {
    json!({ "type": "action", "action": content })
}
