//! What a message carries, once it has been read: enough to show it on a phone, to tap on it, and to check what it refers to.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The kinds of message, in and out, as `type` spells them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Text,
    Image,
    Video,
    Audio,
    Document,
    Sticker,
    Location,
    Contacts,
    Reaction,
    Interactive,
    Template,
    Button,
    Order,
    System,
    Unsupported,
    Edit,
    Revoke,
    /// A type that only the message itself names.
    Raw,
}

impl Kind {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Image => "image",
            Self::Video => "video",
            Self::Audio => "audio",
            Self::Document => "document",
            Self::Sticker => "sticker",
            Self::Location => "location",
            Self::Contacts => "contacts",
            Self::Reaction => "reaction",
            Self::Interactive => "interactive",
            Self::Template => "template",
            Self::Button => "button",
            Self::Order => "order",
            Self::System => "system",
            Self::Unsupported => "unsupported",
            Self::Edit => "edit",
            Self::Revoke => "revoke",
            Self::Raw => "raw",
        }
    }
}

/// The kinds of media.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MediaKind {
    Image,
    Video,
    Audio,
    Document,
    Sticker,
}

impl MediaKind {
    pub(crate) const fn as_str(self) -> &'static str {
        self.kind().as_str()
    }

    pub(crate) const fn kind(self) -> Kind {
        match self {
            Self::Image => Kind::Image,
            Self::Video => Kind::Video,
            Self::Audio => Kind::Audio,
            Self::Document => Kind::Document,
            Self::Sticker => Kind::Sticker,
        }
    }
}

/// Where the bytes of a media message come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MediaSource {
    /// An upload, by its id as given.
    Id(String),
    /// A link that Meta fetches.
    Link(String),
}

/// One use of media in a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MediaUse {
    pub(crate) kind: MediaKind,
    pub(crate) source: MediaSource,
}

/// One product a message points at; without a catalog the one of the account is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProductUse {
    pub(crate) catalog: Option<String>,
    /// Nothing: the catalog itself.
    pub(crate) retailer_id: Option<String>,
}

/// What happens when the customer taps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TapDoes {
    /// A free-form reply button: `interactive.button_reply` comes back.
    Reply,
    /// A row of a list: `interactive.list_reply` comes back.
    Row,
    /// A quick reply of a template: `button` comes back.
    TemplateReply,
    /// The contact request: a `contacts` message with the customer's own number comes back.
    ShareContact,
    /// Something opens on the phone and the business hears nothing: a page, a call, a catalog, a flow, a copied code.
    Opens(String),
}

/// One thing on the message that can be tapped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tap {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) card: Option<u32>,
    pub(crate) index: u32,
    pub(crate) id: String,
    pub(crate) title: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    pub(crate) does: TapDoes,
}

/// A message that has been read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Content {
    pub(crate) kind: Kind,
    /// What the phone shows: the object of the message's type.
    pub(crate) shown: Value,
    pub(crate) taps: Vec<Tap>,
    pub(crate) media: Vec<MediaUse>,
    pub(crate) products: Vec<ProductUse>,
    /// The message a reaction is for.
    pub(crate) reacts_to: Option<String>,
}

impl Content {
    pub(crate) fn plain(kind: Kind, shown: Value) -> Self {
        Self { kind, shown, taps: Vec::new(), media: Vec::new(), products: Vec::new(), reacts_to: None }
    }
}

/// Numbers a list of things from 0, in the small integers that go on the wire.
pub(crate) fn numbered<T>(items: impl IntoIterator<Item = T>) -> impl Iterator<Item = (u32, T)> {
    (0u32..).zip(items)
}
