//! A template boiled down to what a send is held against.

use serde_json::Value;

use super::text::Text;
use crate::graph::content::MediaKind;

/// The header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Header {
    Text(Text),
    Media(MediaKind),
    Location,
    Product,
}

/// What a button does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ButtonKind {
    QuickReply,
    Url,
    Phone,
    CopyCode,
    Flow,
    Catalog,
    MultiProduct,
    SingleProduct,
    VoiceCall,
    RequestContact,
}

/// A button.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Button {
    pub(crate) kind: ButtonKind,
    pub(crate) text: String,
    /// The address, number or flow behind it.
    pub(crate) target: Text,
}

/// A card of a carousel.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Card {
    pub(crate) header: Option<Header>,
    pub(crate) body: Text,
    pub(crate) buttons: Vec<Button>,
}

/// A template.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Spec {
    pub(crate) header: Option<Header>,
    pub(crate) body: Text,
    pub(crate) footer: Option<String>,
    pub(crate) buttons: Vec<Button>,
    /// A limited-time offer, and whether it counts down.
    pub(crate) offer: Option<bool>,
    pub(crate) cards: Vec<Card>,
}

impl Spec {
    /// Reads components that have been checked before; what cannot be read is left out.
    pub(crate) fn of(components: &[Value]) -> Self {
        let mut spec = Self::default();
        for component in components {
            let text = || component.get("text").and_then(Value::as_str).unwrap_or("");
            match component.get("type").and_then(Value::as_str).unwrap_or("") {
                "HEADER" => spec.header = header(component),
                "BODY" => spec.body = Text::of(text()),
                "FOOTER" => spec.footer = Some(text().to_owned()),
                "BUTTONS" => spec.buttons = buttons(component),
                "LIMITED_TIME_OFFER" => {
                    spec.offer =
                        Some(component.pointer("/limited_time_offer/has_expiration").and_then(Value::as_bool).unwrap_or(false));
                }
                "CAROUSEL" => spec.cards = array(component, "cards").iter().map(card).collect(),
                _ => {}
            }
        }
        spec
    }
}

fn array<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn card(value: &Value) -> Card {
    let inner = Spec::of(array(value, "components"));
    Card { header: inner.header, body: inner.body, buttons: inner.buttons }
}

fn header(component: &Value) -> Option<Header> {
    Some(match component.get("format").and_then(Value::as_str)? {
        "TEXT" => Header::Text(Text::of(component.get("text").and_then(Value::as_str).unwrap_or(""))),
        "IMAGE" => Header::Media(MediaKind::Image),
        "VIDEO" | "GIF" => Header::Media(MediaKind::Video),
        "DOCUMENT" => Header::Media(MediaKind::Document),
        "LOCATION" => Header::Location,
        "PRODUCT" => Header::Product,
        _ => return None,
    })
}

fn buttons(component: &Value) -> Vec<Button> {
    array(component, "buttons")
        .iter()
        .filter_map(|button| {
            let text = |key: &str| button.get(key).and_then(Value::as_str).unwrap_or("").to_owned();
            let (kind, target) = match button.get("type").and_then(Value::as_str)? {
                "QUICK_REPLY" => (ButtonKind::QuickReply, String::new()),
                "URL" => (ButtonKind::Url, text("url")),
                "PHONE_NUMBER" => (ButtonKind::Phone, text("phone_number")),
                "COPY_CODE" => (ButtonKind::CopyCode, String::new()),
                "FLOW" => (ButtonKind::Flow, text("flow_id")),
                "CATALOG" => (ButtonKind::Catalog, String::new()),
                "MPM" => (ButtonKind::MultiProduct, String::new()),
                "SPM" => (ButtonKind::SingleProduct, String::new()),
                "VOICE_CALL" => (ButtonKind::VoiceCall, String::new()),
                "REQUEST_CONTACT_INFO" => (ButtonKind::RequestContact, String::new()),
                _ => return None,
            };
            Some(Button { kind, text: text("text"), target: Text::of(&target) })
        })
        .collect()
}
