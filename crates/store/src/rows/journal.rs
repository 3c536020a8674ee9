//! The journal's rows. They lie in a file of their own, so that no move on the others can reach them.

use transom_domain::id::{BusinessId, JournalId};
use transom_domain::time::Timestamp;

use super::Result;
use crate::JournalHead;

/// Whose entries: a business's, or nobody's.
pub(crate) type Of = Option<BusinessId>;

/// Rows of the journal.
pub(crate) trait JournalRows {
    /// The newest position of a stream, the newest that was dropped, and when the newest came.
    fn entry_bounds(&self, of: Of) -> Result<(u64, u64, Timestamp)>;
    /// Puts an entry at its position, which is the newest from then on; nothing where one with its id is there already.
    fn put_entry(&mut self, head: &JournalHead, raw: &[u8]) -> Result<()>;
    /// Heads after a position, oldest first; only of what was not understood whole with `flagged`.
    fn heads_after(&self, of: Of, after: u64, flagged: bool, limit: usize) -> Result<Vec<JournalHead>>;
    /// The other way: heads in front of a position, newest first.
    fn heads_before(&self, of: Of, before: u64, flagged: bool, limit: usize) -> Result<Vec<JournalHead>>;
    /// When the first entry at a position or after it came, and which it is.
    fn entry_from(&self, of: Of, position: u64) -> Result<Option<(u64, Timestamp)>>;
    fn raw(&self, of: Of, position: u64) -> Result<Vec<u8>>;
    fn head_by_id(&self, id: JournalId) -> Result<Option<JournalHead>>;
    /// Records what became of an entry when it was heard again.
    fn put_outcome(&mut self, head: &JournalHead) -> Result<()>;
    /// Takes the bytes out of an entry.
    fn blank(&mut self, of: Of, position: u64) -> Result<()>;
    /// Drops an entry, which is the oldest, and remembers that it did.
    fn drop_entry(&mut self, of: Of, position: u64) -> Result<()>;
    /// Raises the positions of all streams.
    fn raise_entries(&mut self, by: u64) -> Result<()>;
}
