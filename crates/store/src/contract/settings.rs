//! What one business has chosen for itself: one document per business, of which each part has its own owner.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use transom_domain::id::{KeyId, SenderId};
use transom_domain::keywords::Keywords;
pub use transom_domain::messaging_service::{CallbackMethod, Callbacks as SenderCallbacks};
use transom_domain::session::CLOSING_SOON;
use transom_domain::time::{Span, Timestamp};

use super::Sealed;

/// What a business has chosen; where it has chosen nothing, the configuration holds. A document of JSON in the store: a part that
/// is not there reads as its default, so that a new part needs no migration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BusinessSettings {
    /// How long what is over is kept.
    pub retention: Retention,
    /// What is told of sessions.
    pub sessions: Sessions,
    /// Stop and start words; none where only the built-in ones count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keywords: Option<Keywords>,
    /// What Twilio's dialect knows of the business.
    #[serde(skip_serializing_if = "TwilioSettings::is_default")]
    pub twilio: TwilioSettings,
}

/// How long a business keeps what is over, in whole days; none where the configuration holds, which is also the most.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Retention {
    /// Contents of messages that are over; their rows and statuses stay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bodies: Option<u16>,
    /// Media, inbound and outbound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media: Option<u16>,
    /// Raw bodies that were heard.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub journal: Option<u16>,
    /// Events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<u16>,
}

/// What a business wants to hear of sessions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sessions {
    /// How many minutes before the end of a session it is told to close soon: less than a day; 0 for never. None for
    /// [`CLOSING_SOON`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closing_soon_minutes: Option<u16>,
}

impl Sessions {
    /// How long before the end; zero for never.
    #[must_use]
    pub fn closing_soon(self) -> Span {
        self.closing_soon_minutes.map_or(CLOSING_SOON, |minutes| Span::minutes(minutes.into()))
    }
}

/// What a business has set up for Twilio's dialect.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TwilioSettings {
    /// The auth tokens: the primary one, with which webhooks are signed, and at most one more, which is valid beside it while a
    /// rotation is under way.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub auth_tokens: Vec<AuthToken>,
    /// Refuse at once what the verdict does not let go, and not, as Twilio does, accept it and tell of the failure later.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub refuse_at_once: bool,
    /// Which addresses are called about each sender.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub senders: BTreeMap<SenderId, SenderCallbacks>,
}

impl TwilioSettings {
    /// Auth tokens that are valid at once: the primary one and the one that comes, or that goes.
    pub const AUTH_TOKENS_MAX: usize = 2;

    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// An auth token: a key of the business whose text is kept too, sealed, since webhooks are signed with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthToken {
    /// The key.
    pub key: KeyId,
    /// Its text.
    pub sealed: Sealed,
    /// Since when.
    pub since: Timestamp,
}

/// Changes a part of a business's settings, inside the transaction that read them: whoever changes another part at the same time
/// loses nothing. May be run more than once.
pub type ChangeSettings = Arc<dyn Fn(&mut BusinessSettings) + Send + Sync>;
