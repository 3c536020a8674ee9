//! How far a message got. Statuses belong to attempts and are joined per message.
//!
//! Webhooks come late, twice and in any order, so both joins are maxima: an attempt keeps the furthest word heard of it, a
//! message shows the best of its attempts. Any permutation or repetition of the same facts gives the same result.

use serde::{Deserialize, Serialize};

use crate::error_code::ErrorCode;
use crate::fact::Reported;
use crate::failure::UpstreamError;
use crate::time::Timestamp;

/// What a message shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Stored, and not to go before a later time.
    Accepted,
    /// Waits for its turn.
    Queued,
    /// An attempt is under way, or Meta has taken it and said no more.
    Sending,
    /// The answer to the send was lost.
    Unknown,
    /// Left Meta.
    Sent,
    /// Will not be delivered.
    Failed,
    /// On the device.
    Delivered,
    /// Opened.
    Read,
    /// Waited past its validity and was not sent.
    Expired,
    /// Called off before it was sent.
    Cancelled,
    /// Came from the customer.
    Received,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 11] = [
        Self::Accepted,
        Self::Queued,
        Self::Sending,
        Self::Unknown,
        Self::Sent,
        Self::Failed,
        Self::Delivered,
        Self::Read,
        Self::Expired,
        Self::Cancelled,
        Self::Received,
    ];

    /// The word on our wires.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Unknown => "unknown",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Received => "received",
        }
    }

    /// The status with this word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == word)
    }
}

/// How far one attempt got, from the least word to the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Progress {
    /// Committed; nothing may have left yet.
    Started,
    /// The answer was lost.
    Unknown,
    /// Meta did not take it, or it never left: over, and not the message's end by itself.
    Refused,
    /// Meta took it.
    Answered,
    /// Left Meta.
    Sent,
    /// Will not be delivered.
    Failed,
    /// On the device.
    Delivered,
    /// Opened.
    Read,
}

impl Progress {
    /// The word in timelines and in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Unknown => "unknown",
            Self::Refused => "refused",
            Self::Answered => "answered",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Delivered => "delivered",
            Self::Read => "read",
        }
    }

    /// The progress with this word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        [Self::Started, Self::Unknown, Self::Refused, Self::Answered, Self::Sent, Self::Failed, Self::Delivered, Self::Read]
            .into_iter()
            .find(|p| p.as_str() == word)
    }

    /// Joins two words about the same attempt; commutative and idempotent.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        self.max(other)
    }

    /// Whether this attempt may still bring the message to the customer, or has.
    #[must_use]
    pub const fn is_live(self) -> bool {
        !matches!(self, Self::Refused | Self::Failed)
    }
}

impl From<Reported> for Progress {
    fn from(reported: Reported) -> Self {
        match reported {
            Reported::Sent => Self::Sent,
            Reported::Delivered => Self::Delivered,
            Reported::Read | Reported::Played => Self::Read,
            Reported::Failed => Self::Failed,
        }
    }
}

/// Why a message failed, as its owner is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Our code.
    pub code: ErrorCode,
    /// One sentence.
    pub message: String,
    /// What the upstream said, where it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream: Option<UpstreamError>,
}

/// Where a message stands on our side, whatever its attempts say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "phase")]
pub enum Phase {
    /// Waits for its turn; not before `not_before`.
    Queued {
        /// Earliest moment of the next attempt.
        not_before: Timestamp,
    },
    /// An attempt is under way.
    InFlight,
    /// The last attempt's answer was lost; decided at `until`.
    Unknown {
        /// When it is decided.
        until: Timestamp,
    },
    /// Meta has it.
    Handed,
    /// We gave it up: a presumption that any later word from Meta overrides.
    GivenUp {
        /// Why.
        failure: Failure,
    },
    /// Waited past its validity; a presumption too.
    Expired,
    /// Called off.
    Cancelled,
    /// Came from the customer.
    Received,
}

/// Joins what we know of a message into the one status it shows.
#[must_use]
pub fn shown(phase: &Phase, attempts: &[Progress], now: Timestamp) -> Status {
    // Meta's own word first, the best one.
    match attempts.iter().copied().filter(|p| *p >= Progress::Sent && *p != Progress::Failed).max() {
        Some(Progress::Read) => return Status::Read,
        Some(Progress::Delivered) => return Status::Delivered,
        Some(_) => return Status::Sent,
        None => {}
    }
    match phase {
        Phase::Received => return Status::Received,
        Phase::Cancelled => return Status::Cancelled,
        Phase::GivenUp { .. } => return Status::Failed,
        Phase::Expired => return Status::Expired,
        Phase::Queued { .. } | Phase::InFlight | Phase::Unknown { .. } | Phase::Handed => {}
    }
    match attempts.iter().copied().filter(|p| p.is_live()).max() {
        Some(Progress::Unknown) => return Status::Unknown,
        Some(_) => return Status::Sending,
        None => {}
    }
    match phase {
        Phase::Queued { not_before } if attempts.is_empty() && *not_before > now => Status::Accepted,
        Phase::Queued { .. } => Status::Queued,
        Phase::InFlight => Status::Sending,
        Phase::Unknown { .. } => Status::Unknown,
        // Handed over, and no attempt lives: Meta said that it failed.
        _ => Status::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn progress() -> impl Strategy<Value = Progress> {
        prop::sample::select(vec![
            Progress::Started,
            Progress::Unknown,
            Progress::Refused,
            Progress::Answered,
            Progress::Sent,
            Progress::Failed,
            Progress::Delivered,
            Progress::Read,
        ])
    }

    proptest! {
        #[test]
        fn any_permutation_and_repetition_gives_the_same_progress(words in prop::collection::vec(progress(), 1..8).prop_shuffle()) {
            let join = |words: &[Progress]| words.iter().fold(Progress::Started, |a, b| a.and(*b));
            let mut again = words.clone();
            again.reverse();
            again.extend(words.clone());
            prop_assert_eq!(join(&words), join(&again));
        }

        #[test]
        fn the_order_of_attempts_does_not_count(attempts in prop::collection::vec(progress(), 0..5)) {
            let mut other = attempts.clone();
            other.reverse();
            for phase in [Phase::Handed, Phase::InFlight, Phase::Expired, Phase::Queued { not_before: Timestamp::EPOCH }] {
                prop_assert_eq!(shown(&phase, &attempts, Timestamp::EPOCH), shown(&phase, &other, Timestamp::EPOCH));
            }
        }

        #[test]
        fn a_word_from_meta_overrides_every_presumption(attempts in prop::collection::vec(progress(), 0..4)) {
            let mut heard = attempts;
            heard.push(Progress::Delivered);
            prop_assert!(shown(&Phase::Expired, &heard, Timestamp::EPOCH) >= Status::Delivered);
        }
    }

    #[test]
    fn failed_shows_only_when_no_attempt_is_live() {
        use Progress::{Answered, Failed, Refused, Started, Unknown};
        let at = |phase: &Phase, attempts: &[Progress]| shown(phase, attempts, Timestamp::EPOCH);
        assert_eq!(at(&Phase::InFlight, &[Failed, Started]), Status::Sending);
        assert_eq!(at(&Phase::Handed, &[Failed]), Status::Failed);
        assert_eq!(at(&Phase::Handed, &[Refused, Answered]), Status::Sending);
        assert_eq!(at(&Phase::Unknown { until: Timestamp::FAR }, &[Unknown]), Status::Unknown);
        assert_eq!(at(&Phase::Queued { not_before: Timestamp::EPOCH }, &[Refused]), Status::Queued);
        assert_eq!(at(&Phase::Queued { not_before: Timestamp::FAR }, &[]), Status::Accepted);
    }
}
