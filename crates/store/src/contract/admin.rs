//! Who there is: businesses, keys, apps, senders.

use serde::{Deserialize, Serialize};

use transom_domain::address::{Channel, Identity};
use transom_domain::id::{BusinessId, KeyId, SenderId};
use transom_domain::status::Failure;
use transom_domain::time::Timestamp;

/// A tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Business {
    /// Names it.
    pub id: BusinessId,
    /// For people.
    pub name: String,
    /// The secret its webhooks are signed with, sealed; 24 to 64 bytes inside.
    pub webhook_secret: Sealed,
    /// The secret before the last rotation, and until when it is used beside the new one.
    pub previous_webhook_secret: Option<(Sealed, Timestamp)>,
    /// Since when.
    pub created_at: Timestamp,
}

/// Bytes that only the holder of the sealing key can read. The store never looks inside.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sealed(pub Vec<u8>);

impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealed(…)")
    }
}

/// What a key may do; a set of bits, so that the store keeps one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scopes(pub u32);

impl Scopes {
    /// Send and read messages.
    pub const SEND: Self = Self(1);
    /// Templates and content.
    pub const TEMPLATES: Self = Self(2);
    /// Webhook endpoints and events.
    pub const WEBHOOKS: Self = Self(4);
    /// Look at everything that those three are for, and change nothing.
    pub const READ: Self = Self(8);
    /// Everything of the business.
    pub const ADMIN: Self = Self(0x8000_0000);

    /// Whether this holds all of `other`; an administrator holds everything.
    #[must_use]
    pub const fn allow(self, other: Self) -> bool {
        self.0 & Self::ADMIN.0 != 0 || self.0 & other.0 == other.0
    }

    /// Whether this allows to look at what `other` is for. What only an administrator may do, only one may look at.
    #[must_use]
    pub const fn allow_looking(self, other: Self) -> bool {
        self.allow(other) || (self.0 & Self::READ.0 != 0 && other.0 & Self::ADMIN.0 == 0)
    }
}

/// An API key, without the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Names it.
    pub id: KeyId,
    /// Whose.
    pub business: BusinessId,
    /// For people.
    pub label: String,
    /// SHA-256 of the key's text.
    pub hash: [u8; 32],
    /// What it may do.
    pub scopes: Scopes,
    /// Since when.
    pub created_at: Timestamp,
    /// Until when, if not for ever.
    pub expires_at: Option<Timestamp>,
    /// Since when no longer.
    pub revoked_at: Option<Timestamp>,
    /// When it was last used, as far as it was noted.
    pub used_at: Option<Timestamp>,
}

/// An app at the upstream: whose secret signs webhooks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct App {
    /// Meta's app id.
    pub id: String,
    /// App secret, sealed.
    pub secret: Sealed,
    /// Verify token of the handshake, sealed.
    pub verify_token: Sealed,
}

/// A WhatsApp number or a Messenger Page of a business.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// Names it.
    pub id: SenderId,
    /// Whose.
    pub business: BusinessId,
    /// Channel.
    pub channel: Channel,
    /// `+E.164`, or `messenger:<page>`.
    pub address: Identity,
    /// Display name, where known.
    pub name: Option<String>,
    /// Phone number id, or Page id.
    pub account: String,
    /// WhatsApp Business Account.
    pub waba: Option<String>,
    /// App whose webhooks speak of it.
    pub app: String,
    /// Access token, sealed.
    pub token: Sealed,
    /// Messages per second, in and out together, that the upstream allows.
    pub throughput: u32,
    /// Whether it goes.
    pub state: SenderState,
    /// Since when.
    pub created_at: Timestamp,
}

/// Whether a sender goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum SenderState {
    /// Goes.
    Active,
    /// Stopped by an operator's error; its queue is kept.
    Stopped {
        /// What is to be mended.
        failure: Failure,
        /// Since when.
        since: Timestamp,
    },
}

/// What became of a sender that was to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PutSender {
    /// Stored.
    Stored,
    /// The business has the same number or Page already, as this sender: put that one.
    Known(SenderId),
    /// Its number, Page or WABA is another business's.
    TakenByAnotherBusiness,
}
