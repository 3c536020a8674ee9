//! The twelve content types and their fields.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use super::action::Action;
use super::form;
use super::variables::{Variables, placeholders, render_text};
use crate::field::Findings;

/// The content types of the rule table, from the plainest to the richest: where a content has several, the richest that the
/// channel and the session allow is sent (Twilio: content types overview).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContentType {
    /// `twilio/text`
    Text,
    /// `twilio/media`
    Media,
    /// `twilio/location`
    Location,
    /// `twilio/quick-reply`
    QuickReply,
    /// `twilio/call-to-action`
    CallToAction,
    /// `twilio/list-picker`
    ListPicker,
    /// `twilio/card`
    Card,
    /// `twilio/carousel`
    Carousel,
    /// `twilio/catalog`
    Catalog,
    /// `twilio/flows`
    Flows,
    /// `whatsapp/card`
    WhatsappCard,
    /// `whatsapp/authentication`
    Authentication,
}

impl ContentType {
    /// All twelve, plainest first.
    pub const ALL: [Self; 12] = [
        Self::Text,
        Self::Media,
        Self::Location,
        Self::QuickReply,
        Self::CallToAction,
        Self::ListPicker,
        Self::Card,
        Self::Carousel,
        Self::Catalog,
        Self::Flows,
        Self::WhatsappCard,
        Self::Authentication,
    ];

    /// The name in `types`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "twilio/text",
            Self::Media => "twilio/media",
            Self::Location => "twilio/location",
            Self::QuickReply => "twilio/quick-reply",
            Self::CallToAction => "twilio/call-to-action",
            Self::ListPicker => "twilio/list-picker",
            Self::Card => "twilio/card",
            Self::Carousel => "twilio/carousel",
            Self::Catalog => "twilio/catalog",
            Self::Flows => "twilio/flows",
            Self::WhatsappCard => "whatsapp/card",
            Self::Authentication => "whatsapp/authentication",
        }
    }

    /// The type with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

impl std::fmt::Display for ContentType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The body of one type.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// Plain text.
    Text(Text),
    /// A file with an optional text.
    Media(Media),
    /// A place.
    Location(Location),
    /// Text with reply buttons.
    QuickReply(QuickReply),
    /// Text with buttons that lead somewhere.
    CallToAction(CallToAction),
    /// A menu.
    ListPicker(ListPicker),
    /// A card with header media and buttons.
    Card(Card),
    /// Several cards side by side.
    Carousel(Carousel),
    /// Products of a catalog.
    Catalog(Catalog),
    /// A form of several pages.
    Flows(Flows),
    /// WhatsApp's own card, with header and footer.
    WhatsappCard(WhatsappCard),
    /// A one-time code.
    Authentication(Authentication),
}

/// `twilio/text`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// The text; variables allowed.
    pub body: String,
}

/// `twilio/media`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Media {
    /// The text under the file; a template needs one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// One link; its file name decides the kind (image, video, audio, document).
    pub media: Vec<String>,
}

/// `twilio/location`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Location {
    /// Degrees, -90 to 90.
    pub latitude: f64,
    /// Degrees, -180 to 180.
    pub longitude: f64,
    /// Name of the place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Street address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Accepted for Twilio's sake, not sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// `twilio/quick-reply`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuickReply {
    /// The text; variables allowed.
    pub body: String,
    /// Reply buttons.
    pub actions: Vec<Action>,
}

/// `twilio/call-to-action`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallToAction {
    /// The text; variables allowed.
    pub body: String,
    /// Buttons.
    pub actions: Vec<Action>,
}

/// `twilio/list-picker`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListPicker {
    /// The text; variables allowed.
    pub body: String,
    /// Label of the button that opens the list.
    pub button: String,
    /// Rows.
    pub items: Vec<ListItem>,
}

/// A row of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListItem {
    /// Comes back when the row is chosen.
    pub id: String,
    /// Label.
    pub item: String,
    /// Second line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// `twilio/card`. On WhatsApp `title` is the text of the message and `subtitle` its footer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// Text of the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Text of the message where there is no title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Footer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subtitle: Option<String>,
    /// Header media, at most one link.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub media: Vec<String>,
    /// Buttons.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<Action>,
    /// RCS only, kept for Twilio's sake.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orientation: Option<String>,
    /// RCS only, kept for Twilio's sake.
    #[serde(default, rename = "thumbnailImageAlignment", skip_serializing_if = "Option::is_none")]
    pub thumbnail_image_alignment: Option<String>,
    /// RCS only, kept for Twilio's sake.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<String>,
}

/// `twilio/carousel`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Carousel {
    /// The text above the cards.
    pub body: String,
    /// The cards; the sequence of button kinds is the same on each.
    pub cards: Vec<CarouselCard>,
}

/// One card of a carousel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CarouselCard {
    /// First line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Image or video.
    pub media: String,
    /// One or two buttons.
    pub actions: Vec<Action>,
}

/// `twilio/catalog`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalog {
    /// Meta's catalog id.
    pub id: String,
    /// Header of a list of products.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Footer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subtitle: Option<String>,
    /// Product whose picture stands for the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thumbnail_item_id: Option<String>,
    /// Products; none means the whole catalog.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<CatalogItem>,
    /// One placeholder whose value is a JSON array of items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dynamic_items: Option<String>,
}

/// A product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogItem {
    /// The product's retailer id in the catalog.
    pub id: String,
    /// Section under which it is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub section_title: Option<String>,
    /// Kept for Twilio's sake; the catalog decides what is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// As `name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_url: Option<String>,
    /// As `name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<serde_json::Number>,
    /// As `name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// `twilio/flows`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flows {
    /// The text of the message.
    pub body: String,
    /// Label of the button that opens the form.
    pub button_text: String,
    /// What the form is for, such as `APPOINTMENT_BOOKING`.
    #[serde(rename = "type")]
    pub purpose: String,
    /// Footer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subtitle: Option<String>,
    /// Header media.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_url: Option<String>,
    /// The pages, first to last.
    pub pages: Vec<FlowPage>,
}

/// A page of a form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlowPage {
    /// Names the page.
    pub id: String,
    /// The page after this one; none on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_page_id: Option<String>,
    /// Heading.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Second heading.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subtitle: Option<String>,
    /// Components in Twilio's spelling, as they were given.
    pub layout: Vec<serde_json::Map<String, serde_json::Value>>,
}

/// `whatsapp/card`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WhatsappCard {
    /// The text.
    pub body: String,
    /// Footer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub footer: Option<String>,
    /// Header text; not together with media.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header_text: Option<String>,
    /// Header media, at most one link; not together with a header text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub media: Vec<String>,
    /// Buttons.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<Action>,
}

/// `whatsapp/authentication`. The text is Meta's own; variable `1` holds the code at send time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authentication {
    /// Adds "for your security, do not share this code"; on unless switched off.
    #[serde(default = "yes")]
    pub add_security_recommendation: bool,
    /// Minutes after which the code is void, 1 to 90; a text of digits is read too.
    #[serde(default, deserialize_with = "minutes", skip_serializing_if = "Option::is_none")]
    pub code_expiration_minutes: Option<u8>,
    /// One `COPY_CODE` button.
    pub actions: Vec<Action>,
    /// Twilio echoes `{{1}}` here; accepted and ignored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

const fn yes() -> bool {
    true
}

fn minutes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u8>, D::Error> {
    let number = match Option::<serde_json::Value>::deserialize(deserializer)? {
        None | Some(serde_json::Value::Null) => return Ok(None),
        Some(serde_json::Value::Number(number)) => number.as_u64().and_then(|number| u8::try_from(number).ok()),
        Some(serde_json::Value::String(text)) => text.trim().parse().ok(),
        Some(_) => None,
    };
    number.map(Some).ok_or_else(|| serde::de::Error::custom(super::check::MINUTES))
}

/// Calls `$use` for every text of a body in which a variable may stand.
macro_rules! each_text {
    ($body:expr, $use:expr, $($mutability:tt)?) => {{
        // By reference, since only one of the two uses needs a closure that changes what it holds.
        let visit = &mut $use;
        match $body {
            Body::Text(b) => visit(&$($mutability)? b.body),
            Body::Media(b) => {
                if let Some(t) = &$($mutability)? b.body { visit(t); }
                for t in &$($mutability)? b.media { visit(t); }
            }
            Body::Location(b) => {
                if let Some(t) = &$($mutability)? b.label { visit(t); }
                if let Some(t) = &$($mutability)? b.address { visit(t); }
            }
            Body::QuickReply(b) => { visit(&$($mutability)? b.body); each_text!(@actions b.actions, visit, $($mutability)?); }
            Body::CallToAction(b) => { visit(&$($mutability)? b.body); each_text!(@actions b.actions, visit, $($mutability)?); }
            Body::ListPicker(b) => {
                visit(&$($mutability)? b.body);
                visit(&$($mutability)? b.button);
                for item in &$($mutability)? b.items {
                    visit(&$($mutability)? item.id);
                    visit(&$($mutability)? item.item);
                    if let Some(t) = &$($mutability)? item.description { visit(t); }
                }
            }
            Body::Card(b) => {
                if let Some(t) = &$($mutability)? b.title { visit(t); }
                if let Some(t) = &$($mutability)? b.body { visit(t); }
                if let Some(t) = &$($mutability)? b.subtitle { visit(t); }
                for t in &$($mutability)? b.media { visit(t); }
                each_text!(@actions b.actions, visit, $($mutability)?);
            }
            Body::Carousel(b) => {
                visit(&$($mutability)? b.body);
                for card in &$($mutability)? b.cards {
                    if let Some(t) = &$($mutability)? card.title { visit(t); }
                    if let Some(t) = &$($mutability)? card.body { visit(t); }
                    visit(&$($mutability)? card.media);
                    each_text!(@actions card.actions, visit, $($mutability)?);
                }
            }
            Body::Catalog(b) => {
                visit(&$($mutability)? b.id);
                if let Some(t) = &$($mutability)? b.title { visit(t); }
                if let Some(t) = &$($mutability)? b.body { visit(t); }
                if let Some(t) = &$($mutability)? b.subtitle { visit(t); }
                if let Some(t) = &$($mutability)? b.thumbnail_item_id { visit(t); }
                for item in &$($mutability)? b.items { visit(&$($mutability)? item.id); }
                if let Some(t) = &$($mutability)? b.dynamic_items { visit(t); }
            }
            Body::Flows(b) => {
                visit(&$($mutability)? b.body);
                if let Some(t) = &$($mutability)? b.subtitle { visit(t); }
                if let Some(t) = &$($mutability)? b.media_url { visit(t); }
                for page in &$($mutability)? b.pages {
                    if let Some(t) = &$($mutability)? page.title { visit(t); }
                    if let Some(t) = &$($mutability)? page.subtitle { visit(t); }
                    for component in &$($mutability)? page.layout {
                        for (_, value) in component {
                            if let serde_json::Value::String(t) = value { visit(t); }
                        }
                    }
                }
            }
            Body::WhatsappCard(b) => {
                visit(&$($mutability)? b.body);
                if let Some(t) = &$($mutability)? b.footer { visit(t); }
                if let Some(t) = &$($mutability)? b.header_text { visit(t); }
                for t in &$($mutability)? b.media { visit(t); }
                each_text!(@actions b.actions, visit, $($mutability)?);
            }
            Body::Authentication(b) => if let Some(t) = &$($mutability)? b.body { visit(t); },
        }
    }};
    (@actions $actions:expr, $visit:ident, $($mutability:tt)?) => {
        for action in &$($mutability)? $actions {
            if let Some(t) = &$($mutability)? action.title { $visit(t); }
            if let Some(t) = &$($mutability)? action.id { $visit(t); }
            if let Some(t) = &$($mutability)? action.url { $visit(t); }
            if let Some(t) = &$($mutability)? action.code { $visit(t); }
        }
    };
}

impl Body {
    /// Its type.
    #[must_use]
    pub const fn kind(&self) -> ContentType {
        match self {
            Self::Text(_) => ContentType::Text,
            Self::Media(_) => ContentType::Media,
            Self::Location(_) => ContentType::Location,
            Self::QuickReply(_) => ContentType::QuickReply,
            Self::CallToAction(_) => ContentType::CallToAction,
            Self::ListPicker(_) => ContentType::ListPicker,
            Self::Card(_) => ContentType::Card,
            Self::Carousel(_) => ContentType::Carousel,
            Self::Catalog(_) => ContentType::Catalog,
            Self::Flows(_) => ContentType::Flows,
            Self::WhatsappCard(_) => ContentType::WhatsappCard,
            Self::Authentication(_) => ContentType::Authentication,
        }
    }

    /// The buttons of types that have a free choice of them; empty for the others.
    #[must_use]
    pub fn actions(&self) -> &[Action] {
        match self {
            Self::QuickReply(b) => &b.actions,
            Self::CallToAction(b) => &b.actions,
            Self::Card(b) => &b.actions,
            Self::WhatsappCard(b) => &b.actions,
            _ => &[],
        }
    }

    /// The names of its variables; an authentication always has `1`, the code.
    #[must_use]
    pub fn placeholders(&self) -> Vec<String> {
        if matches!(self, Self::Authentication(_)) {
            return vec!["1".to_owned()];
        }
        let mut names = Vec::new();
        each_text!(self, |text: &String| names.extend(placeholders(text).into_iter().map(str::to_owned)),);
        names
    }

    /// Every text of it in which a variable may stand: what people read, and addresses and ids beside that.
    #[must_use]
    pub fn texts<'a>(&'a self) -> Vec<&'a str> {
        let mut texts = Vec::new();
        each_text!(self, |text: &'a String| texts.push(text.as_str()),);
        texts
    }

    /// With every placeholder that has a value replaced.
    #[must_use]
    pub fn rendered(&self, values: &Variables) -> Self {
        let mut body = self.clone();
        if let Self::Authentication(authentication) = &mut body {
            authentication.body = values.get("1").cloned();
            return body;
        }
        each_text!(&mut body, |text: &mut String| *text = render_text(text, values), mut);
        body
    }

    pub(super) fn to_json(&self) -> Result<serde_json::Value, serde_json::Error> {
        match self {
            Self::Text(b) => serde_json::to_value(b),
            Self::Media(b) => serde_json::to_value(b),
            Self::Location(b) => serde_json::to_value(b),
            Self::QuickReply(b) => serde_json::to_value(b),
            Self::CallToAction(b) => serde_json::to_value(b),
            Self::ListPicker(b) => serde_json::to_value(b),
            Self::Card(b) => serde_json::to_value(b),
            Self::Carousel(b) => serde_json::to_value(b),
            Self::Catalog(b) => serde_json::to_value(b),
            Self::Flows(b) => serde_json::to_value(b),
            Self::WhatsappCard(b) => serde_json::to_value(b),
            Self::Authentication(b) => serde_json::to_value(b),
        }
    }

    /// Reads the body of one type; [`form`](super::form) puts an error into words.
    pub(super) fn read<'de, D: Deserializer<'de>>(kind: ContentType, json: D) -> Result<Self, D::Error> {
        Ok(match kind {
            ContentType::Text => Self::Text(Text::deserialize(json)?),
            ContentType::Media => Self::Media(Media::deserialize(json)?),
            ContentType::Location => Self::Location(Location::deserialize(json)?),
            ContentType::QuickReply => Self::QuickReply(QuickReply::deserialize(json)?),
            ContentType::CallToAction => Self::CallToAction(CallToAction::deserialize(json)?),
            ContentType::ListPicker => Self::ListPicker(ListPicker::deserialize(json)?),
            ContentType::Card => Self::Card(Card::deserialize(json)?),
            ContentType::Carousel => Self::Carousel(Carousel::deserialize(json)?),
            ContentType::Catalog => Self::Catalog(Catalog::deserialize(json)?),
            ContentType::Flows => Self::Flows(Flows::deserialize(json)?),
            ContentType::WhatsappCard => Self::WhatsappCard(WhatsappCard::deserialize(json)?),
            ContentType::Authentication => Self::Authentication(Authentication::deserialize(json)?),
        })
    }
}

/// Reads the object `types`.
pub(super) fn read(json: Option<&serde_json::Value>, findings: &mut Findings) -> BTreeMap<ContentType, Body> {
    let mut bodies = BTreeMap::new();
    let Some(object) = json.and_then(serde_json::Value::as_object).filter(|o| !o.is_empty()) else {
        findings.note("types", "must be an object with at least one content type", "such as {\"twilio/text\":{\"body\":\"Hi\"}}");
        return bodies;
    };
    findings.within("types", |findings| {
        for (name, value) in object {
            let Some(kind) = ContentType::named(name) else {
                let known: Vec<_> = ContentType::ALL.iter().map(|k| k.as_str()).collect();
                findings.note(name, "is not a content type", format!("use one of {}", known.join(", ")));
                continue;
            };
            match form::read(kind, value) {
                Ok(body) => {
                    bodies.insert(kind, body);
                }
                Err(wrong) => findings.within(name, |findings| findings.note(&wrong.field, wrong.rule, wrong.remedy)),
            }
        }
    });
    bodies
}

/// `types` as an object by name, for the store.
pub(super) mod by_name {
    use super::{BTreeMap, Body, ContentType};
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _, ser::Error as _, ser::SerializeMap};

    pub(in super::super) fn serialize<S: Serializer>(types: &BTreeMap<ContentType, Body>, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(Some(types.len()))?;
        for (kind, body) in types {
            map.serialize_entry(kind.as_str(), &body.to_json().map_err(S::Error::custom)?)?;
        }
        map.end()
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<BTreeMap<ContentType, Body>, D::Error> {
        BTreeMap::<String, serde_json::Value>::deserialize(d)?
            .into_iter()
            .map(|(name, value)| {
                let kind = ContentType::named(&name).ok_or_else(|| D::Error::custom("unknown content type"))?;
                Ok((kind, Body::read(kind, &value).map_err(D::Error::custom)?))
            })
            .collect()
    }
}
