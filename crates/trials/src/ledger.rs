//! The ledger: what was seen at each boundary, by the independent eye. The judge reads it at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use transom_domain::id::MessageId;
use transom_domain::message::CallbackTag;
use transom_domain::status::Status;
use transom_domain::time::Timestamp;

/// How a send ended for its caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// 201, now or replayed.
    Accepted(MessageId),
    /// A refusal, by its code.
    Refused(String),
}

/// An attempt that left for Meta.
#[derive(Debug, Clone)]
pub(crate) struct Departure {
    pub(crate) at: Timestamp,
    pub(crate) started_at: Timestamp,
    /// When the life of the gateway began that sent it.
    pub(crate) life_began: Timestamp,
}

/// What came in at an endpoint.
#[derive(Debug, Clone)]
pub(crate) struct Receipt {
    pub(crate) endpoint: usize,
    pub(crate) event: String,
}

/// A word of Meta's that forbids something, or allows it again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Word {
    /// When it had reached the gateway.
    pub(crate) at: Timestamp,
    /// The second that Meta names.
    pub(crate) dated: i64,
    /// It forbids.
    pub(crate) forbids: bool,
}

/// Everything that was seen.
#[derive(Default)]
pub(crate) struct Ledger {
    pub(crate) hash: DefaultHasher,
    /// The whole story, where it is wanted.
    pub(crate) story: Option<Vec<String>>,
    /// What is wrong, each with the name of the property that it breaks before a colon.
    pub(crate) wrong: Vec<String>,
    /// What callers heard of each key.
    pub(crate) answers: BTreeMap<u32, Answer>,
    /// Keys whose caller asked for a cancellation and heard that it is done.
    pub(crate) cancelled: BTreeSet<u32>,
    /// Keys whose caller asked for a cancellation, whatever was heard.
    pub(crate) asked_off: BTreeSet<u32>,
    /// Callers that are still busy.
    pub(crate) busy: usize,
    /// Attempts that left.
    pub(crate) departures: BTreeMap<(MessageId, u32), Departure>,
    /// When the gateway first answered 200 to a status of an attempt.
    pub(crate) heard: BTreeMap<(MessageId, u32), Timestamp>,
    /// What each message was seen to show, in the order of the looks.
    pub(crate) shown: BTreeMap<MessageId, Vec<(Timestamp, Status)>>,
    /// What endpoints took, in order.
    pub(crate) receipts: Vec<Receipt>,
    /// Inbound messages by customer and sender: when Meta had it, and its own date.
    pub(crate) wrote: Vec<(usize, usize, Timestamp, Timestamp)>,
    /// What the gateway had heard, or may have read, of each sender's marketing template: that it is paused, or goes again.
    pub(crate) paused: Vec<(usize, Word)>,
    /// What the gateway had heard of a customer and a business: that its marketing is stopped, or resumed.
    pub(crate) opted: Vec<(usize, usize, Word)>,
    /// Under which key each message was sent.
    pub(crate) keys: BTreeMap<MessageId, u32>,
}

impl Ledger {
    /// Writes a line of the story.
    pub(crate) fn note(&mut self, at: i64, line: &str) {
        at.hash(&mut self.hash);
        line.hash(&mut self.hash);
        if let Some(story) = &mut self.story {
            story.push(format!("{:>9.3} {line}", at as f64 / 1_000.0));
        }
    }

    /// The hash of the whole story: two runs of one plan have the same.
    pub(crate) fn hash(&self) -> u64 {
        self.hash.finish()
    }

    /// Something is wrong.
    pub(crate) fn wrong(&mut self, at: i64, what: String) {
        self.note(at, &format!("WRONG {what}"));
        self.wrong.push(what);
    }
}

/// The tag of an attempt as a key.
pub(crate) fn key_of(tag: CallbackTag) -> (MessageId, u32) {
    (tag.message, tag.attempt)
}
