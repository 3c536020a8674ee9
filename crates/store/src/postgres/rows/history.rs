//! Messages that the upstream is to be asked about.

use super::params;

use transom_domain::id::{MessageId, SenderId};
use transom_domain::time::Timestamp;

use super::{PgRows, Sql, bound, get, get_id, get_small, get_time};
use crate::NoHistory;
use crate::rows::{HistoryRows, Result};

/// Those of a sender up to a moment.
pub(super) const UNTIL: &str =
    "SELECT due, message, tries FROM overdue WHERE business = $4 AND sender = $1 AND due <= $2 ORDER BY due, message LIMIT $3";
/// All of a sender, up to so many.
pub(super) const OF: &str = "SELECT 1 FROM overdue WHERE business = $3 AND sender = $1 LIMIT $2";

impl HistoryRows for PgRows<'_> {
    fn add_overdue(&mut self, sender: SenderId, due: Timestamp, message: MessageId, tries: u32) -> Result<()> {
        let sql =
            "INSERT INTO overdue (business, sender, due, message, tries) VALUES ($5, $1, $2, $3, $4) ON CONFLICT DO NOTHING";
        self.put(sql, params![sender.to_bytes(), due.as_millis(), message.to_bytes(), tries, self.of_sender(sender)?])?;
        Ok(())
    }

    fn drop_overdue(&mut self, sender: SenderId, due: Timestamp, message: MessageId) -> Result<()> {
        let sql = "DELETE FROM overdue WHERE business = $4 AND sender = $1 AND due = $2 AND message = $3";
        self.put(sql, params![sender.to_bytes(), due.as_millis(), message.to_bytes(), self.of_sender(sender)?])?;
        Ok(())
    }

    fn overdue_until(&self, sender: SenderId, until: Timestamp, limit: usize) -> Result<Vec<(Timestamp, MessageId, u32)>> {
        self.all(UNTIL, params![sender.to_bytes(), until.as_millis(), bound(limit), self.of_sender(sender)?], |row| {
            Ok((get_time(row, 0)?, MessageId::from_bytes(get_id(row, 1)?), get_small(row, 2)?))
        })
    }

    fn overdue_of(&self, sender: SenderId, limit: usize) -> Result<usize> {
        Ok(self.all(OF, params![sender.to_bytes(), bound(limit), self.of_sender(sender)?], |_| Ok(()))?.len())
    }

    fn drop_all_overdue(&mut self, sender: SenderId) -> Result<()> {
        self.put("DELETE FROM overdue WHERE business = $2 AND sender = $1", [sender.to_bytes(), self.of_sender(sender)?])?;
        Ok(())
    }

    fn no_history(&self, sender: SenderId) -> Result<Option<NoHistory>> {
        self.one(
            "SELECT since, until, why FROM no_history WHERE business = $2 AND sender = $1",
            [sender.to_bytes(), self.of_sender(sender)?],
            |row| Ok(NoHistory { since: get_time(row, 0)?, until: get_time(row, 1)?, why: get(row, 2)? }),
        )
    }

    fn put_no_history(&mut self, sender: SenderId, refused: Option<&NoHistory>) -> Result<()> {
        match refused {
            Some(NoHistory { since, until, why }) => self.put(
                "INSERT INTO no_history (business, sender, since, until, why) VALUES ($5, $1, $2, $3, $4)
                 ON CONFLICT (business, sender) DO UPDATE SET since = excluded.since, until = excluded.until, why = excluded.why",
                params![sender.to_bytes(), since.as_millis(), until.as_millis(), why, self.of_sender(sender)?],
            )?,
            None => self.put(
                "DELETE FROM no_history WHERE business = $2 AND sender = $1",
                [sender.to_bytes(), self.of_sender(sender)?],
            )?,
        };
        Ok(())
    }
}
