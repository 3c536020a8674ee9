//! The history of a message as Graph tells it when asked: message history and its events (Meta: message-history, message-history-events).

use super::World;
use super::message::{Message, Status};
use crate::graph::error::title;

/// Ids of histories begin here: longer by a digit than any other id of the desk's, so that none of them meets one.
const HISTORIES: u64 = 1_000_000_000_000_000;

/// One thing that happened to a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Occurrence {
    pub(crate) id: u64,
    pub(crate) status: Status,
    /// Seconds.
    pub(crate) at: i64,
    /// Why it failed: words, no code.
    pub(crate) error: Option<String>,
}

/// The id of a message's history.
pub(crate) const fn history_id(message: &Message) -> u64 {
    HISTORIES + message.body.seq
}

/// What happened to a message, from its acceptance on.
pub(crate) fn occurrences(message: &Message) -> Vec<Occurrence> {
    let accepted = (Status::Accepted, message.body.at.div_euclid(1_000));
    let all = std::iter::once(accepted).chain(message.progress.past.iter().copied());
    let told = (1..).zip(all).map(|(n, (status, at))| {
        let error = message.progress.error.filter(|_| status == Status::Failed);
        Occurrence { id: history_id(message) * 10 + n, status, at, error: error.map(|code| title(code).to_owned()) }
    });
    told.collect()
}

impl World {
    /// The message with this history.
    pub(crate) fn of_history(&self, id: u64) -> Option<&Message> {
        self.messages.get(id.checked_sub(HISTORIES)?).filter(|message| message.body.outbound)
    }
}
