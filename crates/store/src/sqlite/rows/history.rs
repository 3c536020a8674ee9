//! Messages that the upstream is to be asked about.

use super::params;

use transom_domain::id::{MessageId, SenderId};
use transom_domain::time::Timestamp;

use super::{Sql, SqliteRows, bound, get, get_id, get_small, get_time};
use crate::NoHistory;
use crate::rows::{HistoryRows, Result};

/// Those of a sender up to a moment.
pub(super) const UNTIL: &str =
    "SELECT due, message, tries FROM overdue WHERE sender = ?1 AND due <= ?2 ORDER BY due, message LIMIT ?3";
/// All of a sender, up to so many.
pub(super) const OF: &str = "SELECT 1 FROM overdue WHERE sender = ?1 LIMIT ?2";

impl HistoryRows for SqliteRows<'_> {
    fn add_overdue(&mut self, sender: SenderId, due: Timestamp, message: MessageId, tries: u32) -> Result<()> {
        let sql = "INSERT OR IGNORE INTO overdue (sender, due, message, tries) VALUES (?1, ?2, ?3, ?4)";
        self.run(sql, params![sender.to_bytes(), due.as_millis(), message.to_bytes(), tries])?;
        Ok(())
    }

    fn drop_overdue(&mut self, sender: SenderId, due: Timestamp, message: MessageId) -> Result<()> {
        let sql = "DELETE FROM overdue WHERE sender = ?1 AND due = ?2 AND message = ?3";
        self.run(sql, params![sender.to_bytes(), due.as_millis(), message.to_bytes()])?;
        Ok(())
    }

    fn overdue_until(&self, sender: SenderId, until: Timestamp, limit: usize) -> Result<Vec<(Timestamp, MessageId, u32)>> {
        self.all(UNTIL, params![sender.to_bytes(), until.as_millis(), bound(limit)], |row| {
            Ok((get_time(row, 0)?, MessageId::from_bytes(get_id(row, 1)?), get_small(row, 2)?))
        })
    }

    fn overdue_of(&self, sender: SenderId, limit: usize) -> Result<usize> {
        Ok(self.all(OF, params![sender.to_bytes(), bound(limit)], |_| Ok(()))?.len())
    }

    fn drop_all_overdue(&mut self, sender: SenderId) -> Result<()> {
        self.run("DELETE FROM overdue WHERE sender = ?1", [sender.to_bytes()])?;
        Ok(())
    }

    fn no_history(&self, sender: SenderId) -> Result<Option<NoHistory>> {
        self.one("SELECT since, until, why FROM no_history WHERE sender = ?1", [sender.to_bytes()], |row| {
            Ok(NoHistory { since: get_time(row, 0)?, until: get_time(row, 1)?, why: get(row, 2)? })
        })
    }

    fn put_no_history(&mut self, sender: SenderId, refused: Option<&NoHistory>) -> Result<()> {
        match refused {
            Some(NoHistory { since, until, why }) => self.run(
                "INSERT OR REPLACE INTO no_history (sender, since, until, why) VALUES (?1, ?2, ?3, ?4)",
                params![sender.to_bytes(), since.as_millis(), until.as_millis(), why],
            )?,
            None => self.run("DELETE FROM no_history WHERE sender = ?1", [sender.to_bytes()])?,
        };
        Ok(())
    }
}
