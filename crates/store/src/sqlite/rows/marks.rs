//! Watermarks.

use super::params;

use transom_domain::address::Identity;
use transom_domain::id::SenderId;
use transom_domain::time::Timestamp;

use super::{Sql, SqliteRows, bound, get, get_small, get_time, get_time_if, millis};
use crate::rows::{MarkRows, Marks, Result, Seq, Unread, UpTo};

/// The marks of one sender and one address.
pub(super) const MARKS: &str =
    "SELECT delivered, delivered_said, read, read_said FROM watermark WHERE sender = ?1 AND address = ?2";

/// Attempts that a mark covers.
pub(super) const UNREAD: &str = "SELECT seq, number, started_at FROM unread
     WHERE sender = ?1 AND address = ?2 AND started_at > ?3 AND started_at <= ?4 ORDER BY started_at, seq LIMIT ?5";

impl MarkRows for SqliteRows<'_> {
    fn marks(&self, sender: SenderId, address: &Identity) -> Result<Marks> {
        let found = self.one(MARKS, params![sender.to_bytes(), address.to_string()], |row| {
            let mark = |until: Option<Timestamp>, said_at: Option<Timestamp>| {
                until.map(|until| UpTo { until, said_at: said_at.unwrap_or(until) })
            };
            Ok(Marks {
                delivered: mark(get_time_if(row, 0)?, get_time_if(row, 1)?),
                read: mark(get_time_if(row, 2)?, get_time_if(row, 3)?),
            })
        })?;
        Ok(found.unwrap_or_default())
    }

    fn put_marks(&mut self, sender: SenderId, address: &Identity, marks: &Marks) -> Result<()> {
        let columns = |mark: Option<UpTo>| (millis(mark.map(|m| m.until)), millis(mark.map(|m| m.said_at)));
        let (delivered, read) = (columns(marks.delivered), columns(marks.read));
        self.run(
            "INSERT OR REPLACE INTO watermark (sender, address, delivered, delivered_said, read, read_said)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![sender.to_bytes(), address.to_string(), delivered.0, delivered.1, read.0, read.1],
        )?;
        Ok(())
    }

    fn put_unread(&mut self, sender: SenderId, address: &Identity, unread: &Unread) -> Result<()> {
        self.run(
            "INSERT OR REPLACE INTO unread (seq, number, sender, address, started_at) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![unread.seq, unread.number, sender.to_bytes(), address.to_string(), unread.started_at.as_millis()],
        )?;
        Ok(())
    }

    fn drop_unread(&mut self, seq: Seq) -> Result<()> {
        self.run("DELETE FROM unread WHERE seq = ?1", [seq])?;
        Ok(())
    }

    fn unread(
        &self,
        sender: SenderId,
        address: &Identity,
        after: Option<Timestamp>,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<Unread>> {
        let after = after.map_or(i64::MIN, Timestamp::as_millis);
        self.all(UNREAD, params![sender.to_bytes(), address.to_string(), after, until.as_millis(), bound(limit)], |row| {
            Ok(Unread { seq: get(row, 0)?, number: get_small(row, 1)?, started_at: get_time(row, 2)? })
        })
    }
}
