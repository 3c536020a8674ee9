//! Rows that only a restored store changes.

use transom_domain::id::SenderId;
use transom_domain::message::WhenUnknown;

use super::{Result, Seq, Wait};

/// Rows that only a restored store changes.
pub(crate) trait RestoreRows {
    /// Raises the position of every business's stream, also of one that has no event yet.
    fn raise_streams(&mut self, by: u64) -> Result<()>;
    /// Those that wait, by sender and position, after one.
    fn waits_after(&self, after: Option<(SenderId, u64)>, limit: usize) -> Result<Vec<Wait>>;
    /// All messages whose unknown attempt is not decided.
    fn unknowns(&self) -> Result<Vec<Seq>>;
    fn set_when_unknown(&mut self, seq: Seq, when: WhenUnknown) -> Result<()>;
}
