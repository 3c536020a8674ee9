//! How far walks along the messages have come, and what was counted on the way.

use transom_domain::id::{BusinessId, SenderId};
use transom_domain::status::Status;
use transom_domain::template::Category;
use transom_domain::time::Timestamp;

use super::{Aged, Result, Seq};
use crate::Silence;

/// A walk along the messages, in the order in which they were accepted: each is passed once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Walk {
    /// Contents are taken out.
    Bodies,
    /// What was not heard is counted.
    Silence,
    /// What Meta has given up by now is counted.
    Dropped,
    /// What nothing was heard of is to be asked about.
    Unheard,
    /// What is not delivered is to be asked about.
    Undelivered,
}

impl Walk {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Bodies => "bodies",
            Self::Silence => "silence",
            Self::Dropped => "dropped",
            Self::Unheard => "unheard",
            Self::Undelivered => "undelivered",
        }
    }
}

/// What a walk must know of a message to count it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Passed {
    pub(crate) seq: Seq,
    pub(crate) sender: SenderId,
    pub(crate) accepted_at: Timestamp,
    /// When its last attempt began.
    pub(crate) started_at: Option<Timestamp>,
    /// Meta has it, and it is not given up.
    pub(crate) handed: bool,
    pub(crate) status: Status,
    /// Category of the template it went as, where it is not delivered.
    pub(crate) category: Option<Category>,
}

/// Rows of walks.
pub(crate) trait SilenceRows {
    /// The last message of a business that a walk has passed; 0 before the first.
    fn walked_to(&self, walk: Walk, business: BusinessId) -> Result<Seq>;
    fn put_walked_to(&mut self, walk: Walk, business: BusinessId, seq: Seq) -> Result<()>;
    /// Messages of a business after a number, by number.
    fn messages_of_after(&self, business: BusinessId, after: Seq, limit: usize) -> Result<Vec<Aged>>;
    /// The same, as far as they are counted.
    fn passed_after(&self, business: BusinessId, after: Seq, limit: usize) -> Result<Vec<Passed>>;
    /// Adds to what was counted of a sender on a day.
    fn add_silence(&mut self, sender: SenderId, day: i64, count: Silence) -> Result<()>;
    /// What was counted of a sender since a day.
    fn silence(&self, sender: SenderId, since: i64) -> Result<Silence>;
    /// Drops what was counted before a day, of the business at least.
    fn drop_silence(&mut self, business: BusinessId, before: i64) -> Result<()>;
}
