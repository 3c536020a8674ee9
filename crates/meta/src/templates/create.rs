//! The request that creates a template: `POST /{waba_id}/message_templates` (Meta: templates/components).

use serde_json::{Map, Value, json};
use transom_domain::content::{Language, Piece, pieces};
use transom_domain::template::{
    App, BodyDefinition, ButtonDefinition, CardDefinition, Category, Definition, FooterDefinition, Handover, HeaderDefinition,
    ParameterFormat, TextDefinition,
};

use crate::read::{object, put};

/// The body of the request.
///
/// Where variables are counted they are numbered from 1 without gaps in each text, since Meta refuses anything else; the order
/// in which values are given ([`TextDefinition::parameters`]) stays what it was.
#[must_use]
pub fn to_create(name: &str, language: &Language, category: Category, definition: &Definition) -> Value {
    let mut request = object([
        ("name", json!(name)),
        ("language", json!(language.as_str())),
        ("category", json!(category.as_str())),
        ("components", Value::Array(components(definition))),
    ]);
    if matches!(definition.body, BodyDefinition::Own(_)) {
        let format = match definition.format {
            ParameterFormat::Positional => "POSITIONAL",
            ParameterFormat::Named => "NAMED",
        };
        put(&mut request, "parameter_format", Some(format));
    }
    Value::Object(request)
}

/// Its components, as a creation writes them.
#[must_use]
pub fn components(definition: &Definition) -> Vec<Value> {
    let format = definition.format;
    let mut components = Vec::new();
    components.extend(definition.header.as_ref().map(|h| header(h, format)));
    if let Some(offer) = &definition.limited_time_offer {
        let offer = json!({ "text": offer.text, "has_expiration": offer.has_expiration });
        components.push(json!({ "type": "LIMITED_TIME_OFFER", "limited_time_offer": offer }));
    }
    components.push(match &definition.body {
        BodyDefinition::Own(text) => body(text, format),
        BodyDefinition::Authentication { add_security_recommendation } => {
            json!({ "type": "BODY", "add_security_recommendation": add_security_recommendation })
        }
    });
    match &definition.footer {
        Some(FooterDefinition::Text { text }) if !text.is_empty() => components.push(json!({ "type": "FOOTER", "text": text })),
        Some(FooterDefinition::CodeExpiration { minutes }) => {
            components.push(json!({ "type": "FOOTER", "code_expiration_minutes": minutes }));
        }
        Some(FooterDefinition::Text { .. }) | None => {}
    }
    components.extend(buttons(&definition.buttons));
    if !definition.cards.is_empty() {
        let cards: Vec<Value> = definition.cards.iter().map(|c| card(c, format)).collect();
        components.push(json!({ "type": "CAROUSEL", "cards": cards }));
    }
    if definition.call_permission_request {
        components.push(json!({ "type": "CALL_PERMISSION_REQUEST" }));
    }
    components
}

fn card(card: &CardDefinition, format: ParameterFormat) -> Value {
    let mut components = vec![header(&card.header, format)];
    components.extend(card.body.as_ref().filter(|text| !text.text.is_empty()).map(|text| body(text, format)));
    components.extend(buttons(&card.buttons));
    json!({ "components": components })
}

fn header(header: &HeaderDefinition, format: ParameterFormat) -> Value {
    let (kind, sample) = match header {
        HeaderDefinition::Text(text) => {
            let mut component = object([("type", json!("HEADER")), ("format", json!("TEXT"))]);
            fill(&mut component, text, format, "header_text", false);
            return Value::Object(component);
        }
        HeaderDefinition::Image { sample } => ("IMAGE", sample.as_ref()),
        HeaderDefinition::Video { sample } => ("VIDEO", sample.as_ref()),
        HeaderDefinition::Document { sample } => ("DOCUMENT", sample.as_ref()),
        HeaderDefinition::Location => ("LOCATION", None),
        HeaderDefinition::Product => ("PRODUCT", None),
    };
    match sample {
        Some(handle) => json!({ "type": "HEADER", "format": kind, "example": { "header_handle": [handle] } }),
        None => json!({ "type": "HEADER", "format": kind }),
    }
}

fn body(text: &TextDefinition, format: ParameterFormat) -> Value {
    let mut component = object([("type", json!("BODY"))]);
    fill(&mut component, text, format, "body_text", true);
    Value::Object(component)
}

/// Puts a text and its samples into a component. Counted samples stand in the order of their numbers: nested once more for the
/// body, flat for the header; named ones stand by name.
fn fill(component: &mut Map<String, Value>, definition: &TextDefinition, format: ParameterFormat, key: &str, nested: bool) {
    let names = definition.names();
    // One sample for each variable, or none at all: with a gap it could not be told whose is missing.
    let samples = (!names.is_empty() && definition.samples.len() == names.len()).then_some(definition.samples.as_slice());
    let sample_of = |name: &&str| samples.and_then(|s| s.get(names.iter().position(|n| n == name)?));
    match format {
        ParameterFormat::Named => {
            component.insert("text".to_owned(), json!(definition.text));
            if samples.is_some() {
                let printed: Vec<Value> =
                    names.iter().map(|name| json!({ "param_name": name, "example": sample_of(name) })).collect();
                component.insert("example".to_owned(), json!({ format!("{key}_named_params"): printed }));
            }
        }
        ParameterFormat::Positional => {
            let order = definition.parameters();
            component.insert("text".to_owned(), json!(counted(&definition.text, &order)));
            if samples.is_some() {
                let printed: Vec<&String> = order.iter().filter_map(sample_of).collect();
                let printed = if nested { json!([printed]) } else { json!(printed) };
                component.insert("example".to_owned(), json!({ key: printed }));
            }
        }
    }
}

/// The text with each variable under the number of its place in `order`.
fn counted(text: &str, order: &[&str]) -> String {
    let mut printed = String::with_capacity(text.len());
    for piece in pieces(text) {
        match piece {
            Piece::Plain(plain) => printed.push_str(plain),
            Piece::Variable(name) => {
                let place = order.iter().position(|n| *n == name).map_or(1, |at| at + 1);
                printed.push_str(&format!("{{{{{place}}}}}"));
            }
        }
    }
    printed
}

fn buttons(buttons: &[ButtonDefinition]) -> Option<Value> {
    let printed: Vec<Value> = buttons.iter().map(button).collect();
    (!printed.is_empty()).then(|| json!({ "type": "BUTTONS", "buttons": printed }))
}

fn button(button: &ButtonDefinition) -> Value {
    let kind = |kind: &str, text: Option<&str>| {
        let mut printed = object([("type", json!(kind))]);
        put(&mut printed, "text", text);
        printed
    };
    Value::Object(match button {
        ButtonDefinition::QuickReply { text } => kind("QUICK_REPLY", Some(text)),
        ButtonDefinition::Url { text, url, sample } => {
            let mut printed = kind("URL", Some(text));
            // The variable of an address is counted even where the texts' are named.
            let names = TextDefinition::new(url.as_str(), Vec::new());
            let names = names.names();
            put(&mut printed, "url", Some(&counted(url, &names)));
            if let Some(sample) = sample.as_ref().filter(|_| !names.is_empty()) {
                printed.insert("example".to_owned(), json!([sample]));
            }
            printed
        }
        ButtonDefinition::PhoneNumber { text, phone } => {
            let mut printed = kind("PHONE_NUMBER", Some(text));
            put(&mut printed, "phone_number", Some(phone));
            printed
        }
        ButtonDefinition::CopyCode { sample } => {
            let mut printed = kind("COPY_CODE", None);
            put(&mut printed, "example", sample.as_deref());
            printed
        }
        ButtonDefinition::Otp { otp_type, text, handover } => {
            let mut printed = kind("OTP", text.as_deref());
            put(&mut printed, "otp_type", Some(otp_type));
            if let Some(handover) = handover {
                hand_over(handover, &mut printed);
            }
            printed
        }
        ButtonDefinition::Flow { text, flow_id, flow_name, flow_json, flow_action, navigate_screen } => {
            let mut printed = kind("FLOW", Some(text));
            // One of the three: a form that exists already is not made again.
            match (flow_id, flow_name) {
                (Some(id), _) => put(&mut printed, "flow_id", Some(id)),
                (None, Some(name)) => put(&mut printed, "flow_name", Some(name)),
                (None, None) => put(&mut printed, "flow_json", flow_json.as_deref()),
            }
            let navigates = navigate_screen.is_some().then_some("navigate");
            put(&mut printed, "flow_action", flow_action.as_deref().or(navigates));
            put(&mut printed, "navigate_screen", navigate_screen.as_deref());
            printed
        }
        // Fixed labels; Meta takes no others.
        ButtonDefinition::Catalog => kind("CATALOG", Some("View catalog")),
        ButtonDefinition::MultiProduct => kind("MPM", Some("View items")),
        ButtonDefinition::SingleProduct => kind("SPM", Some("View")),
        ButtonDefinition::VoiceCall { text, ttl_minutes } => {
            let mut printed = kind("VOICE_CALL", Some(text));
            if let Some(minutes) = ttl_minutes {
                printed.insert("ttl_minutes".to_owned(), json!(minutes));
            }
            printed
        }
        ButtonDefinition::RequestContactInfo => kind("REQUEST_CONTACT_INFO", None),
    })
}

/// What a button for a one-time code says of the apps it hands the code to.
fn hand_over(handover: &Handover, printed: &mut Map<String, Value>) {
    put(printed, "autofill_text", handover.autofill_text.as_deref());
    if !handover.apps.is_empty() {
        let app = |app: &App| json!({ "package_name": app.package_name, "signature_hash": app.signature_hash });
        printed.insert("supported_apps".to_owned(), handover.apps.iter().map(app).collect());
    }
    if handover.zero_tap_terms_accepted {
        printed.insert("zero_tap_terms_accepted".to_owned(), json!(true));
    }
}
