//! Replays of the journal, as jobs.

use transom_domain::id::{BusinessId, ReplayId};

use super::Result;
use crate::JournalReplay;

/// Rows of replays.
pub(crate) trait RehearRows {
    /// All of a business: a handful, since those that are over are dropped when another begins.
    fn journal_replays(&self, business: BusinessId) -> Result<Vec<JournalReplay>>;
    fn put_journal_replay(&mut self, replay: &JournalReplay) -> Result<()>;
    fn drop_journal_replay(&mut self, business: BusinessId, id: ReplayId) -> Result<()>;
    /// Those that are not over, of all businesses.
    fn open_journal_replays(&self, limit: usize) -> Result<Vec<JournalReplay>>;
}
