//! Facts: what the upstream told us, after its wire form has been read. The store's `hear` takes them.

use serde::{Deserialize, Serialize};

use crate::address::{Bsuid, Phone, Psid};
use crate::amendment::Amended;
use crate::content::Language;
use crate::failure::UpstreamError;
use crate::free_form::MediaKind;
use crate::limits::LimitsTold;
use crate::standing::AccountTold;
use crate::template::{Approval, Category, Pause, Quality, Rejection};
use crate::time::Timestamp;

/// Whom a webhook is for: the sender as the upstream names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "id")]
pub enum Account {
    /// A WhatsApp phone number id.
    PhoneNumber(String),
    /// A WhatsApp Business Account: templates, account news.
    Waba(String),
    /// A Messenger Page.
    Page(String),
}

/// One fact and whom it is for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Heard {
    /// Whom it is for.
    pub account: Account,
    /// What happened.
    pub fact: Fact,
}

/// What the upstream told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "fact")]
pub enum Fact {
    /// A customer wrote, tapped or called.
    Inbound(Inbound),
    /// A message that was sent already was changed or taken back; opens no session.
    Amended(Amended),
    /// The business itself wrote, but not through this gateway: in WhatsApp's own app, say.
    Echo(Echo),
    /// How far a message of ours got.
    Status(StatusReport),
    /// How far all messages of ours to one customer got, up to a moment (Messenger).
    Watermark(Watermark),
    /// A template changed its status.
    TemplateStatus(TemplateStatus),
    /// Something else about a template changed.
    TemplateNews(TemplateTold),
    /// A customer has a new number or a new user id; opens no session.
    IdentityChanged(IdentityChange),
    /// A customer wants no more marketing, or wants it again.
    Preference(Preference),
    /// A limit of an account or of a number changed.
    Limits(LimitsTold),
    /// How an account or a number stands with the upstream changed.
    Account(AccountTold),
    /// Something that has no meaning of its own here: passed on as received.
    News(News),
    /// Anything else: kept in the journal, passed over by this version.
    Other {
        /// Name of the webhook field or of the message type.
        field: String,
    },
}

/// What is known of a person from one webhook; fields that the upstream left out are `None`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Person {
    /// Phone number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
    /// Business-scoped user id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bsuid: Option<Bsuid>,
    /// Parent business-scoped user id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_bsuid: Option<Bsuid>,
    /// Page-scoped id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub psid: Option<Psid>,
    /// Display name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// User name, without `@`; for display only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The number is the one that the customer has just shared on being asked for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shared: bool,
}

/// Something a customer sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inbound {
    /// The upstream's id of the message; what repeated webhooks are recognised by.
    pub provider_id: String,
    /// The upstream's time of the message.
    pub at: Timestamp,
    /// Who.
    pub from: Person,
    /// What.
    pub body: InboundBody,
    /// Upstream's id of the message that is answered, tapped or quoted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
    /// Was passed on from another conversation.
    #[serde(default)]
    pub forwarded: bool,
    /// Was passed on many times.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub often_forwarded: bool,
    /// The product that the customer asks about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<AskedProduct>,
    /// The ad or post the customer came from, as received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub referral: Option<serde_json::Value>,
}

/// A product of a catalog that a customer asks about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedProduct {
    /// The catalog.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub catalog_id: Option<String>,
    /// The business's own id of the product.
    pub retailer_id: String,
}

/// Something the business wrote elsewhere.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Echo {
    /// The upstream's id of the message.
    pub provider_id: String,
    /// The upstream's time of the message.
    pub at: Timestamp,
    /// To whom.
    pub to: Person,
    /// What.
    pub body: InboundBody,
    /// Upstream's id of the message that is answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
}

/// Something passed on as received.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct News {
    /// Name of the webhook field, with a part after a dot where it is about one kind of thing in it.
    pub field: String,
    /// As received; null where it is longer than [`NEWS_MAX`] bytes or too deep: the journal has it whole.
    #[serde(default)]
    pub value: serde_json::Value,
    /// When, by the upstream's clock, where told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

/// Longest value of [`News`] that is passed on, in bytes.
pub const NEWS_MAX: usize = 64 * 1024;

/// What a customer sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum InboundBody {
    /// Text.
    Text {
        /// The words.
        body: String,
    },
    /// A file.
    Media {
        /// Kind.
        kind: MediaKind,
        /// The upstream's media id; resolves for seven days.
        id: String,
        /// Type as the upstream names it.
        mime_type: String,
        /// Digest as the upstream writes it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sha256: Option<String>,
        /// Text under the file.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        caption: Option<String>,
        /// Name of a document.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        filename: Option<String>,
        /// A recorded note.
        #[serde(default)]
        voice: bool,
        /// A sticker that moves.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        animated: bool,
        /// Short-lived link, where given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        url: Option<String>,
    },
    /// A place.
    Location {
        /// Degrees.
        latitude: f64,
        /// Degrees.
        longitude: f64,
        /// Name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// Street address.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        address: Option<String>,
        /// Web address of the place.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        url: Option<String>,
    },
    /// Contact cards, as received.
    Contacts {
        /// The cards.
        contacts: serde_json::Value,
    },
    /// A reaction; no emoji means it was taken back.
    Reaction {
        /// Upstream's id of the message reacted to.
        message_id: String,
        /// The emoji.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        emoji: Option<String>,
    },
    /// A quick reply of a template was tapped.
    Button {
        /// What the send put into it; the label otherwise.
        payload: String,
        /// Label.
        text: String,
    },
    /// A reply button of a session message was tapped.
    ButtonReply {
        /// Id of the button.
        id: String,
        /// Label.
        title: String,
    },
    /// A row of a list was chosen.
    ListReply {
        /// Id of the row.
        id: String,
        /// Label.
        title: String,
        /// Second line.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        description: Option<String>,
    },
    /// A form or an address was sent in.
    FlowReply {
        /// `flow` or `address_message`.
        name: String,
        /// What the customer sees.
        body: String,
        /// The answers: JSON in a text, not always an object.
        response_json: String,
    },
    /// A cart, as received.
    Order {
        /// The order.
        order: serde_json::Value,
    },
    /// Answer to a request for leave to call, as received.
    CallPermission {
        /// The reply.
        reply: serde_json::Value,
    },
    /// A call.
    Call {
        /// As received.
        call: serde_json::Value,
    },
    /// The upstream could not pass it on.
    Unsupported {
        /// What it was, in the upstream's word, such as `poll`; older webhooks don't say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kind: Option<String>,
        /// Upstream's errors.
        errors: Vec<UpstreamError>,
    },
    /// A type nobody knows yet: kept and passed on, never refused.
    Unknown {
        /// Name of the type.
        name: String,
        /// As received.
        raw: serde_json::Value,
    },
}

impl Inbound {
    /// Upstream's id of the message that this one speaks of: answered, tapped, quoted, or reacted to.
    #[must_use]
    pub fn refers_to(&self) -> Option<&str> {
        match &self.body {
            InboundBody::Reaction { message_id, .. } => Some(message_id),
            _ => self.reply_to.as_deref(),
        }
    }
}

/// The payload of the button with which a customer says that a one-time code was not asked for (Meta:
/// templates/authentication-templates/error-signals).
const NO_CODE_ASKED: &str = "DID_NOT_REQUEST_CODE";

impl InboundBody {
    /// Whether the customer says by it that a one-time code was not asked for.
    #[must_use]
    pub fn denies_code(&self) -> bool {
        matches!(self, Self::Button { payload, .. } if payload == NO_CODE_ASKED)
    }

    /// Whether it opens or extends the session: everything that a person says, sends, taps or calls does, reactions and
    /// messages that Meta could not pass on included (Meta: messages/send-messages, calling).
    ///
    /// Not what a person does to an earlier message (editing it, taking it back), nor what WhatsApp itself reports: Meta doesn't
    /// say that these count, and a session believed closed only costs a template, while one believed open loses the message.
    #[must_use]
    pub fn opens_session(&self) -> bool {
        match self {
            Self::Unknown { name, .. } => {
                !matches!(name.as_str(), "system" | "edit" | "revoke" | "request_welcome" | "optin" | "account_linking")
            }
            _ => true,
        }
    }

    /// A word for logs, filters and lists.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Self::Text { .. } => "text",
            Self::Media { kind, .. } => kind.as_str(),
            Self::Location { .. } => "location",
            Self::Contacts { .. } => "contacts",
            Self::Reaction { .. } => "reaction",
            Self::Button { .. } => "button",
            Self::ButtonReply { .. } => "button_reply",
            Self::ListReply { .. } => "list_reply",
            Self::FlowReply { .. } => "flow_reply",
            Self::Order { .. } => "order",
            Self::CallPermission { .. } => "call_permission",
            Self::Call { .. } => "call",
            Self::Unsupported { .. } => "unsupported",
            Self::Unknown { name, .. } => name,
        }
    }
}

/// How far Meta says a message got (webhooks/reference/messages/status).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reported {
    /// Left Meta.
    Sent,
    /// On the device.
    Delivered,
    /// Opened.
    Read,
    /// A voice message was played; counts as read.
    Played,
    /// Will not be delivered.
    Failed,
}

/// How we came to know what the upstream says of a message. Ordered: what it tells by itself comes first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HeardBy {
    /// It told us.
    #[default]
    Webhook,
    /// It was asked for the message's history.
    History,
}

impl HeardBy {
    /// The word in timelines and in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::History => "history",
        }
    }

    /// The way with this word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        [Self::Webhook, Self::History].into_iter().find(|by| by.as_str() == word)
    }
}

/// What is said of how far one message got, by a webhook or a history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StatusReport {
    /// Upstream's id of the message.
    pub provider_id: String,
    /// What.
    pub status: Reported,
    /// When, by the upstream's clock.
    pub at: Timestamp,
    /// To whom; `failed` may say nothing.
    pub recipient: Person,
    /// What our attempt put into `biz_opaque_callback_data`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callback: Option<String>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<UpstreamError>,
    /// Price, as received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pricing: Option<serde_json::Value>,
    /// Conversation, as received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<serde_json::Value>,
    /// How we came to know.
    #[serde(default)]
    pub by: HeardBy,
}

/// Everything sent to a customer at or before a moment is delivered, or read (Meta:
/// messenger-platform/webhooks/webhook-events/message-deliveries and message-reads).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watermark {
    /// To whom.
    pub recipient: Psid,
    /// [`Reported::Delivered`] or [`Reported::Read`].
    pub status: Reported,
    /// The moment up to which that holds.
    pub until: Timestamp,
    /// When it happened, by the upstream's clock.
    pub at: Timestamp,
}

/// A template's status changed (webhooks/reference/message_template_status_update).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateStatus {
    /// Meta's id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Language.
    pub language: Language,
    /// What it is now.
    pub approval: Approval,
    /// Category, where told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<Category>,
    /// Meta's reason, in its own word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Meta's sentences on a rejection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejection: Option<Rejection>,
    /// Which pause it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause: Option<Pause>,
    /// The day on which it is or will be disabled, in Meta's writing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disable_on: Option<String>,
    /// Meta warns that it is going to be disabled; it can still be sent.
    #[serde(default)]
    pub flagged: bool,
    /// When Meta says it happened.
    pub at: Timestamp,
}

/// Something about a template changed beside its status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateTold {
    /// Meta's id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Language.
    pub language: Language,
    /// What.
    pub news: TemplateNews,
    /// When Meta says it happened.
    pub at: Timestamp,
}

/// What changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "news")]
pub enum TemplateNews {
    /// Its rating (webhooks/reference/message_template_quality_update).
    Quality {
        /// What it is now.
        to: Quality,
    },
    /// What it consists of (webhooks/reference/message_template_components_update). The webhook tells the texts only, so that
    /// it is read anew.
    Components,
    /// Its category is going to change (webhooks/reference/template_category_update).
    CategoryAnnounced {
        /// What it is.
        present: Category,
        /// What it will be.
        next: Category,
        /// From when on.
        from: Option<Timestamp>,
    },
    /// Its category has changed.
    Category {
        /// What it is now.
        to: Category,
    },
}

/// A customer's number or user id changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityChange {
    /// Upstream's id of the system message, where there is one.
    pub provider_id: String,
    /// When.
    pub at: Timestamp,
    /// What was.
    pub previous: Person,
    /// What is.
    pub current: Person,
}

/// A customer's wish about marketing messages (webhooks/reference/user_preferences).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preference {
    /// Who.
    pub from: Person,
    /// Wants marketing messages.
    pub marketing: bool,
    /// When.
    pub at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// What is kept must be readable again.
    #[test]
    fn every_kind_of_inbound_message_survives_the_store() {
        let bodies = [
            InboundBody::Text { body: "x".into() },
            InboundBody::Media {
                kind: MediaKind::Sticker,
                id: "1".into(),
                mime_type: "image/webp".into(),
                sha256: None,
                caption: None,
                filename: None,
                voice: false,
                animated: true,
                url: None,
            },
            InboundBody::Location { latitude: 1.0, longitude: 2.5, name: None, address: None, url: None },
            InboundBody::Contacts { contacts: json!([]) },
            InboundBody::Reaction { message_id: "w".into(), emoji: None },
            InboundBody::Button { payload: "p".into(), text: "t".into() },
            InboundBody::ButtonReply { id: "i".into(), title: "t".into() },
            InboundBody::ListReply { id: "i".into(), title: "t".into(), description: None },
            InboundBody::FlowReply { name: "flow".into(), body: "Sent".into(), response_json: "{}".into() },
            InboundBody::Order { order: json!({"catalog_id": "1"}) },
            InboundBody::CallPermission { reply: json!({}) },
            InboundBody::Call { call: json!({}) },
            InboundBody::Unsupported { kind: Some("poll".into()), errors: vec![] },
            InboundBody::Unknown { name: "quantum".into(), raw: json!({"type": "quantum"}) },
        ];
        for body in bodies {
            let inbound = Inbound {
                provider_id: "w".into(),
                at: Timestamp::EPOCH,
                from: Person::default(),
                body,
                reply_to: None,
                forwarded: false,
                often_forwarded: true,
                product: Some(AskedProduct { catalog_id: None, retailer_id: "sku".into() }),
                referral: Some(json!({})),
            };
            let fact = Fact::Inbound(inbound);
            let text = serde_json::to_string(&fact).unwrap();
            assert_eq!(serde_json::from_str::<Fact>(&text).unwrap(), fact, "{text}");
        }
    }
}
