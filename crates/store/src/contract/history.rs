//! Statuses that never came: which messages the upstream is asked about, and where it has no history to ask.

use transom_domain::id::{BusinessId, MessageId, SenderId};
use transom_domain::time::{Span, Timestamp};

use super::{Answer, SILENCE_AFTER};
#[cfg(doc)]
use crate::BATCH_MAX;

/// What was sent, and of which neither delivery nor failure was heard, is asked for so long after it started: late, since most such
/// phones are only switched off; and before it is counted as not heard of ([`SILENCE_AFTER`]).
pub const UNDELIVERED_AFTER: Span = Span::millis(SILENCE_AFTER.as_millis() - Span::hours(1).as_millis());
/// A message that was accepted before that is not asked for any more: the upstream repeats webhooks for so long (Meta:
/// webhooks/overview), and whoever was away for longer has more to mend than statuses.
pub const ASKED_WITHIN: Span = Span::days(7);
/// Messages of one sender that wait to be asked for, at most: at the usual pace half a day's. What comes beyond is passed over once,
/// and looked at again with what is not delivered.
pub const OVERDUE_MAX: usize = 10_000;

/// A message that the upstream is to be asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overdue {
    /// The message.
    pub message: MessageId,
    /// Since when it is to be asked for: names this asking, with the message.
    pub due: Timestamp,
    /// How often it was asked for in vain.
    pub tries: u32,
    /// The upstream's ids under which it has the message; none where there is nothing to ask any more.
    pub provider_ids: Vec<String>,
}

/// What became of asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// The message.
    pub message: MessageId,
    /// [`Overdue::due`].
    pub due: Timestamp,
    /// When to ask again, and after how many tries in vain, where there was no answer; none when this is over.
    pub again: Option<(Timestamp, u32)>,
}

/// That the upstream has no history for a sender, or does not show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoHistory {
    /// When it said so first.
    pub since: Timestamp,
    /// It is not asked again before.
    pub until: Timestamp,
    /// In its own words.
    pub why: String,
}

/// What was seen of whether the upstream has a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Offer {
    /// It has: it answered.
    There,
    /// Nothing: it could not be asked.
    Unseen,
    /// It has none.
    None(NoHistory),
}

/// How a sender stands with the history.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HistoryState {
    /// Messages that wait to be asked for.
    pub waiting: usize,
    /// Whether there is none; stays until an answer comes.
    pub refused: Option<NoHistory>,
}

/// What the store keeps of asking the upstream.
pub trait History {
    /// Looks for messages of which too little was heard, and writes down that the upstream is to be asked about them: those that it took
    /// `after` ago and told nothing of, and those that are sent and nothing more after [`UNDELIVERED_AFTER`]. One slice of a business,
    /// that passes at most `limit` messages for each; says whether there are more. A sender for which the upstream has no history is
    /// left out, and so is what one has over [`OVERDUE_MAX`], what is older than [`ASKED_WITHIN`], and what was not with the upstream
    /// yet when its time came.
    fn find_overdue(&self, business: BusinessId, after: Span, limit: usize, now: Timestamp) -> Answer<'_, bool>;
    /// What the upstream is to be asked about now of a sender's messages, longest due first, at most `limit` and [`BATCH_MAX`]; nothing
    /// while it has no history for the sender.
    fn overdue_of(&self, sender: SenderId, limit: usize, now: Timestamp) -> Answer<'_, Vec<Overdue>>;
    /// Records what became of asking. Where the upstream has no history, all that was to be asked about is forgotten; since when it has
    /// none stays.
    fn asked_of(&self, sender: SenderId, asked: Vec<Asked>, offer: Offer) -> Answer<'_, ()>;
    /// How a sender stands with the history; counted up to [`OVERDUE_MAX`].
    fn history_of(&self, sender: SenderId) -> Answer<'_, HistoryState>;
}
