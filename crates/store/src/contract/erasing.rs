//! Erasing a customer: a job in the store, worked on in slices, that ends with nothing left of the person.

use serde::{Deserialize, Serialize};

use transom_domain::id::{BusinessId, CustomerId};
use transom_domain::time::Timestamp;

use super::Actor;

/// How far an erasure is. Each stage is done before the next begins, and each is found again after a restart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "stage")]
pub enum ErasureStage {
    /// Messages are called off and removed, with what came with them; those that are on their way are waited for.
    Messages,
    /// The person is taken out of the stream's events.
    Events {
        /// Looked at up to this position.
        after: u64,
    },
    /// The person is taken out of what was answered under idempotency keys.
    Answers {
        /// Looked at up to this key.
        after: String,
    },
    /// Statuses of messages nobody here has sent are removed, where they are of the person.
    Orphans {
        /// Looked at up to this id of the upstream's.
        after: String,
    },
    /// What was done to messages that never came is removed, where it is of the person.
    Amendments {
        /// Looked at up to this message's id of the upstream's, and this id of what was done to it.
        after: (String, String),
    },
    /// Raw bodies are blanked, by whoever works on the journal: see [`crate::Store::journal_erased`].
    Journal {
        /// Looked at up to this position.
        after: u64,
    },
    /// What names the person is removed.
    Person,
    /// All is removed; the logs of the files are still to be emptied: see [`crate::Store::scrubbed`].
    Logs,
    /// Over.
    Done,
}

impl ErasureStage {
    /// The word on our wires.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::Events { .. } => "events",
            Self::Answers { .. } => "answers",
            // One word to whoever asks: both wait for messages that are not known here.
            Self::Orphans { .. } | Self::Amendments { .. } => "orphans",
            Self::Journal { .. } => "journal",
            Self::Person => "person",
            Self::Logs => "logs",
            Self::Done => "done",
        }
    }
}

/// The erasure of one customer. Once it is over it holds nothing of the person but our own id, which leads nowhere any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasure {
    /// Whose.
    pub business: BusinessId,
    /// Who.
    pub customer: CustomerId,
    /// All customers who are this person, that one included.
    pub members: Vec<CustomerId>,
    /// Who asked for it.
    pub actor: Actor,
    /// When.
    pub asked_at: Timestamp,
    /// When it was over.
    pub done_at: Option<Timestamp>,
    /// How far it is.
    pub at: ErasureStage,
    /// Messages that were removed.
    pub messages: u64,
    /// Events from which the person was taken.
    pub events: u64,
    /// Raw bodies that were blanked.
    pub bodies: u64,
    /// What the person is found by in texts; empty once it is over.
    pub texts: Vec<String>,
}

/// What one slice of an erasure left to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErasureNext {
    /// More of the same: at once.
    Again,
    /// A message is on its way: later.
    Later,
    /// Raw bodies that hold one of these texts, after a position.
    Journal {
        /// What to look for.
        texts: Vec<String>,
        /// After which position.
        after: u64,
    },
    /// The logs are to be emptied.
    Logs,
    /// Nothing.
    Done,
}
