//! The content types and their fields: the twelve of the rule table, and three that stand beside it.

use serde::{Deserialize, Deserializer, Serialize};

use super::action::Action;

/// The content types, from the plainest to the richest: where a content has several, the richest that the channel and the session
/// allow is sent (Twilio: content types overview).
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
    /// `whatsapp/flows`
    WhatsappFlows,
    /// `twilio/pay`: kept, and never sent from here.
    Pay,
    /// `twilio/schedule`: kept, and never sent from here.
    Schedule,
}

impl ContentType {
    /// All of them: those of Twilio's table of sessions, plainest first, then those that it does not have.
    pub const ALL: [Self; 15] = [
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
        Self::WhatsappFlows,
        Self::Pay,
        Self::Schedule,
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
            Self::WhatsappFlows => "whatsapp/flows",
            Self::Pay => "twilio/pay",
            Self::Schedule => "twilio/schedule",
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

/// `whatsapp/flows`: opens a form that the business made and published at Meta itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WhatsappFlows {
    /// The text of the message; variables allowed.
    pub body: String,
    /// Label of the button that opens the form.
    pub button_text: String,
    /// Footer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subtitle: Option<String>,
    /// Header media.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_url: Option<String>,
    /// Meta's id of the form; may be a variable.
    pub flow_id: String,
    /// Comes back with the answer; a variable, so that each send has its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow_token: Option<String>,
    /// The screen on which it opens; the form's own first one where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow_first_page_id: Option<String>,
    /// Whether the form's endpoint says what the first screen shows, and which one it is.
    #[serde(default)]
    pub is_flow_first_page_endpoint: bool,
}

/// `twilio/pay`: asks for a payment by Pix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pay {
    /// The business's own name of the payment.
    pub payment_id: String,
    /// The text; variables allowed.
    pub body: String,
    /// Who is paid.
    pub merchant_name: String,
    /// `BR`.
    pub country_code: String,
    /// `BRL`.
    pub currency_code: String,
    /// What is paid for: a JSON array as a text.
    pub items: String,
    /// Seconds since 1970 after which it cannot be paid any more.
    pub order_expiration: serde_json::Value,
    /// Says so to the customer.
    pub order_expiration_description: String,
    /// Sum of the items.
    pub subtotal_amount: String,
    /// What is to be paid.
    pub total_amount: String,
    /// Whom to pay by Pix, in Twilio's spelling, as it was given.
    pub pix: serde_json::Map<String, serde_json::Value>,
}

/// `twilio/schedule`: offers times to choose from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Names it.
    pub id: String,
    /// Heading.
    pub title: String,
    /// The times.
    #[serde(rename = "timeSlots", alias = "time_slots")]
    pub time_slots: String,
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
