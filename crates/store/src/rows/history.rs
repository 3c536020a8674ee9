//! Messages that the upstream is to be asked about.

use transom_domain::id::{MessageId, SenderId};
use transom_domain::time::Timestamp;

use super::Result;
use crate::NoHistory;

/// Rows of what is asked for.
pub(crate) trait HistoryRows {
    /// Adds one, unless it is there.
    fn add_overdue(&mut self, sender: SenderId, due: Timestamp, message: MessageId, tries: u32) -> Result<()>;
    fn drop_overdue(&mut self, sender: SenderId, due: Timestamp, message: MessageId) -> Result<()>;
    /// Those of a sender up to a moment, earliest first, with their tries.
    fn overdue_until(&self, sender: SenderId, until: Timestamp, limit: usize) -> Result<Vec<(Timestamp, MessageId, u32)>>;
    /// How many there are of a sender, counted up to a limit.
    fn overdue_of(&self, sender: SenderId, limit: usize) -> Result<usize>;
    /// Drops all of a sender.
    fn drop_all_overdue(&mut self, sender: SenderId) -> Result<()>;
    fn no_history(&self, sender: SenderId) -> Result<Option<NoHistory>>;
    fn put_no_history(&mut self, sender: SenderId, refused: Option<&NoHistory>) -> Result<()>;
}
