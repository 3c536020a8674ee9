//! Templates: content that Meta has reviewed under a name, a category and a language.
//!
//! A [`Definition`] is what a template consists of, whoever wrote it down: made from content by [`crate::translate`], or read
//! back from Meta by the wire crate. Two definitions are the same template when their [`Definition::canonical`] forms are
//! equal: never by name, never by samples.

mod asked;
mod life;
mod numbered;
mod record;
mod words;

use serde::{Deserialize, Serialize};

pub use life::{By, Change, Edit, HistoryEntry, Life, NextCategory, Pause, Quality, Rejection, Review, default_time_to_live};
pub use record::{LIST_LAG, Record};
pub use words::{APPEAL_LINK, Words};

use crate::content::{Language, Piece, pieces};
use crate::free_form::File;
use crate::time::Timestamp;

/// The category under which Meta files (and bills) a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Category {
    /// Offers and news.
    Marketing,
    /// About something the customer has ordered or asked for.
    Utility,
    /// One-time codes.
    Authentication,
}

impl Category {
    /// The word on Meta's wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Marketing => "MARKETING",
            Self::Utility => "UTILITY",
            Self::Authentication => "AUTHENTICATION",
        }
    }
}

/// How far a template got at Meta (webhooks/reference/message_template_status_update). Only `Approved` can be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Approval {
    /// Waits for review.
    Pending,
    /// May be sent.
    Approved,
    /// Refused by the reviewers.
    Rejected,
    /// Stopped for a while because of its quality.
    Paused,
    /// Stopped for good.
    Disabled,
    /// Rejected, and the rejection is contested.
    InAppeal,
    /// Being deleted while messages are under way.
    PendingDeletion,
    /// Gone.
    Deleted,
    /// The account has too many.
    LimitExceeded,
    /// Not used for long, put aside.
    Archived,
    /// A word that Meta uses and we don't know: never sent.
    Unknown,
}

impl Approval {
    /// Every status.
    pub const ALL: [Self; 11] = [
        Self::Pending,
        Self::Approved,
        Self::Rejected,
        Self::Paused,
        Self::Disabled,
        Self::InAppeal,
        Self::PendingDeletion,
        Self::Deleted,
        Self::LimitExceeded,
        Self::Archived,
        Self::Unknown,
    ];

    /// The word on Meta's wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Approved => "APPROVED",
            Self::Rejected => "REJECTED",
            Self::Paused => "PAUSED",
            Self::Disabled => "DISABLED",
            Self::InAppeal => "IN_APPEAL",
            Self::PendingDeletion => "PENDING_DELETION",
            Self::Deleted => "DELETED",
            Self::LimitExceeded => "LIMIT_EXCEEDED",
            Self::Archived => "ARCHIVED",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// Reads Meta's word, whatever its case; also the events of the webhook that mean a status.
    #[must_use]
    pub fn named(word: &str) -> Self {
        match word.to_ascii_uppercase().as_str() {
            "PENDING" | "IN_REVIEW" => Self::Pending,
            "APPROVED" | "REINSTATED" | "FLAGGED" => Self::Approved,
            "REJECTED" => Self::Rejected,
            "PAUSED" => Self::Paused,
            "DISABLED" | "LOCKED" => Self::Disabled,
            "IN_APPEAL" => Self::InAppeal,
            "PENDING_DELETION" => Self::PendingDeletion,
            "DELETED" => Self::Deleted,
            "LIMIT_EXCEEDED" => Self::LimitExceeded,
            "ARCHIVED" => Self::Archived,
            _ => Self::Unknown,
        }
    }
}

/// A template as it stands at Meta.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Template {
    /// Meta's id.
    pub id: String,
    /// Name, unique with the language.
    pub name: String,
    /// Language of its texts.
    pub language: Language,
    /// Category.
    pub category: Category,
    /// Status.
    pub approval: Approval,
    /// Meta's reason for a rejection, in its own word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What it consists of: the version in force, which sends are checked against.
    pub definition: Definition,
    /// What has become of it beside its status.
    #[serde(default)]
    pub life: Life,
}

impl Template {
    /// Whether Meta lets it be sent: approved, or an edit of an approved version is under review, which leaves that one in force.
    #[must_use]
    pub fn sendable(&self) -> bool {
        match self.approval {
            Approval::Approved => true,
            Approval::Pending => self.life.review.is_some_and(|review| review.from == Approval::Approved),
            _ => false,
        }
    }
}

/// Whether variables are counted or named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ParameterFormat {
    /// `{{1}}`
    #[default]
    Positional,
    /// `{{first_name}}`
    Named,
}

/// What a template consists of.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Definition {
    /// How variables are written.
    #[serde(default)]
    pub format: ParameterFormat,
    /// Above the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<HeaderDefinition>,
    /// The text; Meta's own words for authentication.
    pub body: BodyDefinition,
    /// Below the text; for authentication the minutes after which the code is void.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub footer: Option<FooterDefinition>,
    /// Buttons, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<ButtonDefinition>,
    /// Cards of a carousel.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cards: Vec<CardDefinition>,
    /// A limited-time offer: its text and whether it counts down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limited_time_offer: Option<LimitedTimeOffer>,
    /// Asks for leave to call.
    #[serde(default)]
    pub call_permission_request: bool,
}

/// The line of a limited-time offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitedTimeOffer {
    /// Up to 16 characters.
    pub text: String,
    /// Shows a count-down.
    pub has_expiration: bool,
}

/// A text with variables and a sample for each, in order of the placeholders' first appearance.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TextDefinition {
    /// With placeholders.
    pub text: String,
    /// One per distinct placeholder.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub samples: Vec<String>,
}

/// Header of a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "format")]
pub enum HeaderDefinition {
    /// Text with at most one variable.
    Text(TextDefinition),
    /// Image, with a sample (an upload handle when it is created, an address when it is read back).
    Image {
        /// For the reviewers.
        sample: Option<String>,
    },
    /// Video.
    Video {
        /// For the reviewers.
        sample: Option<String>,
    },
    /// Document.
    Document {
        /// For the reviewers.
        sample: Option<String>,
    },
    /// A place, given with each send.
    Location,
    /// A product, given with each send.
    Product,
}

/// Text of a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum BodyDefinition {
    /// The business's own words.
    Own(TextDefinition),
    /// Meta's words around a one-time code.
    Authentication {
        /// Adds "do not share this code".
        add_security_recommendation: bool,
    },
}

impl Default for BodyDefinition {
    fn default() -> Self {
        Self::Own(TextDefinition::default())
    }
}

/// Footer of a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum FooterDefinition {
    /// A line of text without variables.
    Text {
        /// Up to 60 characters.
        text: String,
    },
    /// Meta's words on when the code is void.
    CodeExpiration {
        /// 1 to 90.
        minutes: u8,
    },
}

/// A button of a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum ButtonDefinition {
    /// Sends its label back.
    QuickReply {
        /// Label.
        text: String,
    },
    /// Opens a page; at most one variable, at the end.
    Url {
        /// Label.
        text: String,
        /// Address, perhaps with `{{1}}` at its end.
        url: String,
        /// A whole address.
        sample: Option<String>,
    },
    /// Dials a number.
    PhoneNumber {
        /// Label.
        text: String,
        /// E.164.
        phone: String,
    },
    /// Copies a coupon; the label is Meta's.
    CopyCode {
        /// A code.
        sample: Option<String>,
    },
    /// Copies or fills in a one-time code.
    Otp {
        /// `COPY_CODE`, `ONE_TAP` or `ZERO_TAP`.
        otp_type: String,
        /// Label; Meta's where left out.
        text: Option<String>,
        /// What it takes to hand the code to an app.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        handover: Option<Handover>,
    },
    /// Opens a form.
    Flow {
        /// Label.
        text: String,
        /// Id of a form at Meta.
        flow_id: Option<String>,
        /// Name of a form at Meta, instead of its id.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        flow_name: Option<String>,
        /// The form itself, when it is created with the template.
        flow_json: Option<String>,
        /// `navigate` (Meta's default) or `data_exchange`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        flow_action: Option<String>,
        /// First screen.
        navigate_screen: Option<String>,
    },
    /// Opens the whole catalog; the label is Meta's.
    Catalog,
    /// Shows products given with each send; the label is Meta's.
    MultiProduct,
    /// Shows the header's product; the label is Meta's.
    SingleProduct,
    /// Calls the business on WhatsApp.
    VoiceCall {
        /// Label.
        text: String,
        /// 1 to 43,200.
        ttl_minutes: Option<u32>,
    },
    /// Asks for the phone number; the label is Meta's.
    RequestContactInfo,
}

/// How a one-time code gets into an app without being typed (Meta: authentication-templates, one-tap and zero-tap).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Handover {
    /// Label of the button where the code can be filled in; Meta's where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autofill_text: Option<String>,
    /// The apps, one to five.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub apps: Vec<App>,
    /// That Meta's terms for zero-tap are accepted, without which there is none.
    #[serde(default)]
    pub zero_tap_terms_accepted: bool,
}

/// An app that a code may be handed to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct App {
    /// Such as `com.example.app`.
    pub package_name: String,
    /// Hash of the key it is signed with, eleven characters.
    pub signature_hash: String,
}

/// A card of a carousel template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardDefinition {
    /// Image, video or product.
    pub header: HeaderDefinition,
    /// Text.
    pub body: Option<TextDefinition>,
    /// One or two.
    pub buttons: Vec<ButtonDefinition>,
}

impl TextDefinition {
    /// A text and its samples.
    #[must_use]
    pub fn new(text: impl Into<String>, samples: Vec<String>) -> Self {
        Self { text: text.into(), samples }
    }

    /// The distinct placeholders in order of first appearance.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        let mut names = Vec::new();
        for piece in pieces(&self.text) {
            if let Piece::Variable(name) = piece
                && !names.contains(&name)
            {
                names.push(name);
            }
        }
        names
    }

    /// The names in the order in which values are given: by number where they are numbers, else by appearance.
    #[must_use]
    pub fn parameters(&self) -> Vec<&str> {
        let mut names = self.names();
        if names.iter().all(|n| n.parse::<u32>().is_ok()) {
            names.sort_by_key(|n| n.parse::<u32>().unwrap_or(0));
        }
        names
    }

    fn canonical(&self) -> Self {
        let mut seen: Vec<&str> = Vec::new();
        let mut text = String::with_capacity(self.text.len());
        for piece in pieces(&self.text) {
            match piece {
                Piece::Plain(plain) => text.push_str(plain),
                Piece::Variable(name) => {
                    let place = seen.iter().position(|s| *s == name).unwrap_or_else(|| {
                        seen.push(name);
                        seen.len() - 1
                    });
                    text.push_str(&format!("{{{{{}}}}}", place + 1));
                }
            }
        }
        Self { text: text.replace("\r\n", "\n").trim().to_owned(), samples: Vec::new() }
    }
}

impl HeaderDefinition {
    fn canonical(&self) -> Self {
        match self {
            Self::Text(text) => Self::Text(text.canonical()),
            Self::Image { .. } => Self::Image { sample: None },
            Self::Video { .. } => Self::Video { sample: None },
            Self::Document { .. } => Self::Document { sample: None },
            Self::Location => Self::Location,
            Self::Product => Self::Product,
        }
    }
}

impl ButtonDefinition {
    fn canonical(&self) -> Self {
        match self {
            Self::Url { text, url, .. } => Self::Url {
                text: text.clone(),
                url: TextDefinition::new(url.as_str(), Vec::new()).canonical().text,
                sample: None,
            },
            Self::PhoneNumber { text, phone } => {
                Self::PhoneNumber { text: text.clone(), phone: phone.chars().filter(char::is_ascii_digit).collect() }
            }
            Self::CopyCode { .. } => Self::CopyCode { sample: None },
            // The label and the way it is filled in are settled at Meta after creation; that it copies a code is what counts.
            Self::Otp { .. } => Self::Otp { otp_type: "COPY_CODE".to_owned(), text: None, handover: None },
            // A form made with the template comes back by id; label and first screen are what both sides know.
            Self::Flow { text, navigate_screen, .. } => Self::Flow {
                text: text.clone(),
                flow_id: None,
                flow_name: None,
                flow_json: None,
                flow_action: None,
                navigate_screen: navigate_screen.clone(),
            },
            Self::VoiceCall { text, .. } => Self::VoiceCall { text: text.clone(), ttl_minutes: None },
            Self::QuickReply { .. } | Self::Catalog | Self::MultiProduct | Self::SingleProduct | Self::RequestContactInfo => {
                self.clone()
            }
        }
    }

    /// Whether a send must give this button a value.
    #[must_use]
    pub fn wants_parameter(&self) -> bool {
        match self {
            Self::Url { url, .. } => !crate::content::placeholders(url).is_empty(),
            Self::CopyCode { .. } | Self::Otp { .. } | Self::MultiProduct => true,
            _ => false,
        }
    }
}

impl Definition {
    /// Whether a send that fits one of the two fits the other, and shows the same: equal up to samples and ids, and where variables
    /// are named, with the same names.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let named = |definition: &Self| definition.format == ParameterFormat::Named;
        self.canonical() == other.canonical()
            && self.format == other.format
            && (!named(self) || self.texts().map(TextDefinition::names).eq(other.texts().map(TextDefinition::names)))
    }

    /// Every text that can have variables of its own, top to bottom.
    pub fn texts(&self) -> impl Iterator<Item = &TextDefinition> {
        let header = match &self.header {
            Some(HeaderDefinition::Text(text)) => Some(text),
            _ => None,
        };
        let body = match &self.body {
            BodyDefinition::Own(text) => Some(text),
            BodyDefinition::Authentication { .. } => None,
        };
        header.into_iter().chain(body).chain(self.cards.iter().filter_map(|card| card.body.as_ref()))
    }

    /// The form in which two definitions are compared: placeholders renumbered by appearance, no samples, no ids.
    #[must_use]
    pub fn canonical(&self) -> Self {
        Self {
            format: ParameterFormat::Positional,
            header: self.header.as_ref().map(HeaderDefinition::canonical),
            body: match &self.body {
                BodyDefinition::Own(text) => BodyDefinition::Own(text.canonical()),
                authentication @ BodyDefinition::Authentication { .. } => authentication.clone(),
            },
            footer: self.footer.clone().filter(|f| !matches!(f, FooterDefinition::Text { text } if text.is_empty())),
            buttons: self.buttons.iter().map(ButtonDefinition::canonical).collect(),
            cards: self
                .cards
                .iter()
                .map(|card| CardDefinition {
                    header: card.header.canonical(),
                    body: card.body.as_ref().map(TextDefinition::canonical).filter(|t| !t.text.is_empty()),
                    buttons: card.buttons.iter().map(ButtonDefinition::canonical).collect(),
                })
                .collect(),
            limited_time_offer: self.limited_time_offer.clone(),
            call_permission_request: self.call_permission_request,
        }
    }
}

/// A template on its way to one customer: name, language and a value for each variable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TemplateSend {
    /// Name.
    pub name: String,
    /// Language.
    pub language: Language,
    /// The languages to go in instead while the template cannot be sent in this one, the best first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fallback: Vec<Language>,
    /// What goes into the header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<HeaderParameter>,
    /// When a limited-time offer ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer_end: Option<Timestamp>,
    /// Values of the text's variables, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub body: Vec<TextParameter>,
    /// Values of buttons, by index.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<ButtonParameter>,
    /// Values of cards, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cards: Vec<CardParameters>,
}

impl TemplateSend {
    /// Whether it carries a one-time code.
    #[must_use]
    pub fn has_code(&self) -> bool {
        self.buttons.iter().any(|button| matches!(button.value, ButtonValue::OneTimeCode { .. }))
    }

    /// The code of each button for one, and the values of the text: it repeats the code.
    pub(crate) fn codes_mut(&mut self) -> Vec<&mut String> {
        let codes = self.buttons.iter_mut().filter_map(|button| match &mut button.value {
            ButtonValue::OneTimeCode { code } => Some(code),
            _ => None,
        });
        codes.chain(self.body.iter_mut().map(|value| &mut value.text)).collect()
    }
}

/// A value of a variable; named where the template names its variables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextParameter {
    /// Name of the variable, in templates with named variables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Value.
    pub text: String,
}

/// What goes into a template's header.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
// Tagged by `header`: a file has a `kind` of its own.
#[serde(rename_all = "snake_case", tag = "header")]
pub enum HeaderParameter {
    /// Value of the text's variable.
    Text(TextParameter),
    /// Image, video or document.
    File(File),
    /// A place.
    Location {
        /// Degrees.
        latitude: f64,
        /// Degrees.
        longitude: f64,
        /// Name of the place.
        name: Option<String>,
        /// Street address.
        address: Option<String>,
    },
    /// A product.
    Product {
        /// Meta's catalog id.
        catalog_id: String,
        /// Retailer id.
        product: String,
    },
}

/// The value of one button.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ButtonParameter {
    /// Position among all buttons of the template or card, from 0.
    pub index: u8,
    /// Value.
    pub value: ButtonValue,
}

/// What a button takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum ButtonValue {
    /// What comes back from a quick reply.
    Payload {
        /// Up to 128 characters.
        payload: String,
    },
    /// End of a URL button's address.
    UrlSuffix {
        /// Percent-encoded.
        suffix: String,
    },
    /// Coupon.
    CouponCode {
        /// Up to 20 characters.
        code: String,
    },
    /// One-time code; goes to Meta as the suffix of a URL button.
    OneTimeCode {
        /// Up to 15 characters.
        code: String,
    },
    /// Product whose picture stands for the catalog.
    Catalog {
        /// Retailer id.
        thumbnail: Option<String>,
    },
    /// Products to show.
    MultiProduct {
        /// Retailer id.
        thumbnail: String,
        /// One to ten sections.
        sections: Vec<crate::free_form::ProductSection>,
    },
    /// A form's token and data.
    Flow {
        /// Comes back with the answer.
        token: Option<String>,
        /// Data for the first screen.
        data: Option<serde_json::Map<String, serde_json::Value>>,
    },
}

/// The values of one card.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct CardParameters {
    /// What goes into the card's header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<HeaderParameter>,
    /// Values of the text's variables, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub body: Vec<TextParameter>,
    /// Values of buttons, by index.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<ButtonParameter>,
}

#[cfg(test)]
mod tests;
