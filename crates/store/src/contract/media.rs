//! Files: what is known of each. The bytes lie elsewhere, under their digest.

use serde::{Deserialize, Serialize};

use transom_domain::free_form::MediaKind;
use transom_domain::id::{BusinessId, MediaId, MessageId, SenderId};
use transom_domain::time::Timestamp;

/// SHA-256 of a file's bytes: what they are kept under, once for each business.
pub type Digest = [u8; 32];

/// A file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Media {
    /// Names it.
    pub id: MediaId,
    /// Whose.
    pub business: BusinessId,
    /// The message it came with; none for one that was uploaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<MessageId>,
    /// The sender it came to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<SenderId>,
    /// How it is shown; none for a type that the channel does not take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<MediaKind>,
    /// Type, as whoever sent it says, or as its download told where nobody said; empty where neither did.
    pub mime_type: String,
    /// Name, as whoever sent it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
    /// Since when.
    pub at: Timestamp,
    /// Where its bytes are.
    pub state: MediaState,
}

/// Where the bytes of a file are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum MediaState {
    /// At the upstream: to be fetched.
    Waiting {
        /// The upstream's id of it.
        provider_id: String,
        /// Short-lived link, where the webhook gave one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        url: Option<String>,
        /// Digest as the webhook writes it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sha256: Option<String>,
        /// How often it was tried.
        tries: u32,
        /// When it is tried next.
        due: Timestamp,
    },
    /// Here.
    Stored {
        /// Under which digest.
        digest: Digest,
        /// Bytes.
        size: u64,
    },
    /// Nowhere that we can reach.
    Failed {
        /// Why, in a sentence.
        why: String,
        /// Since when.
        at: Timestamp,
    },
}

impl MediaState {
    /// The digest under which the bytes are here.
    #[must_use]
    pub const fn digest(&self) -> Option<Digest> {
        match self {
            Self::Stored { digest, .. } => Some(*digest),
            Self::Waiting { .. } | Self::Failed { .. } => None,
        }
    }

    /// When it is tried next, while it waits.
    #[must_use]
    pub const fn due(&self) -> Option<Timestamp> {
        match self {
            Self::Waiting { due, .. } => Some(*due),
            Self::Stored { .. } | Self::Failed { .. } => None,
        }
    }
}

/// Whether bytes are loose, as whoever removes them finds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loose {
    /// They are, and are removed by whoever asked.
    Yes,
    /// Not any more: a file has them, somebody brings them, or they are gone.
    No,
    /// Somebody else is removing them.
    Elsewhere,
}

/// What became of one try to fetch a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// Its bytes are here, and durable.
    Stored {
        /// Under which digest.
        digest: Digest,
        /// Bytes.
        size: u64,
        /// Type, as the download told it: what the file has where whoever sent it said none.
        mime_type: Option<String>,
    },
    /// Not yet: it is tried again.
    Again {
        /// When.
        due: Timestamp,
    },
    /// Never: told by an event.
    Failed {
        /// Why, in a sentence.
        why: String,
    },
}

/// The upstream's id of a file that was uploaded to it, by one of our senders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpstreamCopy {
    /// Whose.
    pub business: BusinessId,
    /// The sender that can send it.
    pub sender: SenderId,
    /// The bytes.
    pub digest: Digest,
    /// The type under which they were uploaded.
    pub mime_type: String,
    /// The upstream's id.
    pub provider_id: String,
    /// First moment at which it can be sent no more.
    pub until: Timestamp,
}
