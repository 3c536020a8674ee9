//! What happened to a message: every word said of it, not only the furthest.

use serde::{Deserialize, Serialize};

use transom_domain::event::EventBody;
use transom_domain::fact::HeardBy;
use transom_domain::id::EndpointId;
use transom_domain::status::{Failure, Progress};
use transom_domain::time::Timestamp;
use transom_domain::verdict::Verdict;

use super::Topic;

/// The most words that one timeline gives, a bound on memory: an attempt has at most seven and retries end after days, so that
/// only a message tried more than seventy times comes near it. Its first words are the ones that stay.
pub const TIMELINE_MAX: usize = 512;
/// How many outstanding deliveries of its conversation one timeline looks through per endpoint for those of its message: an
/// endpoint that has been away for days can have any number of them.
pub const OUTSTANDING_LOOK_MAX: usize = 64;

/// What a word says. The order is that of a story: the message's own steps, then how far an attempt got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// The caller wants it sent later.
    Scheduled,
    /// We gave it up.
    GivenUp,
    /// It waited past its validity.
    Expired,
    /// It was called off.
    Cancelled,
    /// The caller does not know yet whether it did what it was for.
    Unconfirmed,
    /// The caller says that it did what it was for.
    Confirmed,
    /// How far an attempt got. Never [`Progress::Started`]: the attempt itself says when it started.
    Attempt(Progress),
}

impl Step {
    /// The word in timelines and in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::GivenUp => "given_up",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Unconfirmed => "unconfirmed",
            Self::Confirmed => "confirmed",
            Self::Attempt(progress) => progress.as_str(),
        }
    }

    /// The step with this word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        let own = [Self::Scheduled, Self::GivenUp, Self::Expired, Self::Cancelled, Self::Unconfirmed, Self::Confirmed];
        let own = own.into_iter().find(|s| s.as_str() == word);
        own.or_else(|| Progress::named(word).map(Self::Attempt))
    }

    /// Whether it is the upstream that says it, by its own clock.
    #[must_use]
    pub const fn is_upstreams(self) -> bool {
        matches!(self, Self::Attempt(Progress::Sent | Progress::Failed | Progress::Delivered | Progress::Read))
    }
}

/// What the upstream answered to a call, as far as it is kept: for people to look at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct UpstreamAnswer {
    /// HTTP status.
    pub status: u16,
    /// The beginning of the body; what is no UTF-8 in it is replaced.
    pub body: String,
    /// There was more of the body.
    pub cut: bool,
}

/// One thing said of a message. There is one per attempt and step, however often and in whatever order it was said: the
/// earliest saying counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Word {
    /// Number of the attempt; 0 for the message itself.
    pub attempt: u32,
    /// What.
    pub step: Step,
    /// When, by the clock of whoever said it: Meta tells whole seconds (Meta: webhooks/reference/messages/status).
    pub at: Timestamp,
    /// When we heard it.
    pub heard_at: Timestamp,
    /// How, where it is the upstream's.
    pub by: HeardBy,
    /// Until when it held the message: not before this moment again, or undecided until it.
    pub until: Option<Timestamp>,
    /// Why, where it is a failure.
    pub error: Option<Failure>,
    /// A word beside it, such as `held_for_quality_assessment`.
    pub note: Option<String>,
    /// Price, as received with it.
    pub pricing: Option<serde_json::Value>,
    /// What the upstream answered to the call, where this says what became of it.
    pub answer: Option<UpstreamAnswer>,
}

/// An event of a message that an endpoint has not taken yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Outstanding {
    /// The endpoint.
    pub endpoint: EndpointId,
    /// Its topic, where it is a published registration.
    pub topic: Option<Topic>,
    /// What is to be told.
    pub body: EventBody,
    /// Tries so far.
    pub tried: u32,
    /// When it is tried next, at the earliest; behind an older delivery of its conversation later.
    pub due: Timestamp,
    /// Since when it is outstanding.
    pub since: Timestamp,
    /// What was seen at the last try.
    pub seen: String,
}

/// What a message's story is made of, beside the message itself.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Timeline {
    /// The verdict on which it was accepted.
    pub accepted_on: Option<Verdict>,
    /// The verdict as last taken again at dispatch, and the number of the attempt.
    pub dispatched_on: Option<(u32, Verdict)>,
    /// What was said, by attempt and step; at most [`TIMELINE_MAX`].
    pub words: Vec<Word>,
    /// What of it waits to be told, oldest first by endpoint, among the first [`OUTSTANDING_LOOK_MAX`] of
    /// its conversation, and at an endpoint without an order among as many since it was accepted.
    pub outstanding: Vec<Outstanding>,
}
