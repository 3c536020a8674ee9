//! What was heard beside messages and statuses: what was done to messages since, and news without an id.

use transom_domain::amendment::Amended;
use transom_domain::id::BusinessId;
use transom_domain::time::Timestamp;

use super::{Result, Seq};

/// The most that is kept of what was done to one message.
pub(crate) const AMENDMENTS_MAX: usize = 100;
/// How many revocations have room beside, however often a message was edited before.
pub(crate) const REVOCATIONS_MAX: usize = 4;

/// By what news is recognised when it is repeated.
pub(crate) type Mark = [u8; 32];

/// One thing done to a message.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AmendmentRow {
    /// The upstream's id of the message it was done to.
    pub(crate) original: String,
    /// The upstream's id of what was done.
    pub(crate) provider_id: String,
    pub(crate) heard_at: Timestamp,
    /// The message, once it is here.
    pub(crate) seq: Option<Seq>,
    /// Position of the event that tells it.
    pub(crate) told_at: Option<u64>,
    /// None once the message is redacted.
    pub(crate) amended: Option<Amended>,
}

/// Rows of these.
pub(crate) trait HeardRows {
    /// What was done to the message that the upstream knows by this id, whether it is here or not; at most [`AMENDMENTS_MAX`] and
    /// [`REVOCATIONS_MAX`].
    fn amendments(&self, business: BusinessId, original: &str) -> Result<Vec<AmendmentRow>>;
    /// What was done to a message; at most [`AMENDMENTS_MAX`] and
    /// [`REVOCATIONS_MAX`].
    fn amendments_of(&self, seq: Seq) -> Result<Vec<AmendmentRow>>;
    /// Keeps one, or replaces it.
    fn put_amendment(&mut self, business: BusinessId, row: &AmendmentRow) -> Result<()>;
    /// Takes the content out of all that was done to a message.
    fn redact_amendments(&mut self, seq: Seq) -> Result<()>;
    /// Removes those that still wait for their message and were heard before `before`.
    fn sweep_amendments(&mut self, before: Timestamp, limit: usize) -> Result<usize>;

    /// When news with this mark was heard.
    fn news_at(&self, business: BusinessId, mark: &Mark) -> Result<Option<Timestamp>>;
    fn put_news(&mut self, business: BusinessId, mark: &Mark, at: Timestamp) -> Result<()>;
    /// Removes marks from before `before`.
    fn sweep_news(&mut self, before: Timestamp, limit: usize) -> Result<usize>;
}
