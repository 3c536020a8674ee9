//! Walks along the messages, and what was counted on the way.

use super::params;

use transom_domain::id::{BusinessId, MessageId, SenderId};
use transom_domain::status::Status;
use transom_domain::template::Category;

use super::{Sql, SqliteRows, bound, get, get_count, get_id, get_json_if, get_time, get_time_if, get_word, int};
use crate::Silence;
use crate::rows::{Aged, Passed, Result, Seq, SilenceRows, Walk};

/// Messages of a business after a number.
pub(super) const MESSAGES_OF_AFTER: &str =
    "SELECT m.seq, m.business, m.accepted_at, s.phase NOT IN ('queued', 'in_flight', 'unknown'), m.id
     FROM message m INDEXED BY message_business JOIN standing s ON s.seq = m.seq
     WHERE m.business = ?1 AND m.seq > ?2 ORDER BY m.seq LIMIT ?3";
/// The same, as far as they are counted.
pub(super) const PASSED_AFTER: &str = "SELECT m.seq, m.sender, m.accepted_at, s.started_at, s.phase = 'handed', s.status,
         CASE WHEN s.status IN ('sending', 'sent') THEN m.verdict -> '$.category' END
     FROM message m INDEXED BY message_business JOIN standing s ON s.seq = m.seq
     WHERE m.business = ?1 AND m.seq > ?2 ORDER BY m.seq LIMIT ?3";
/// What was counted of a sender.
pub(super) const SILENCE: &str = "SELECT messages, unheard, undelivered, dropped FROM silence WHERE sender = ?1 AND day >= ?2";

impl SilenceRows for SqliteRows<'_> {
    fn walked_to(&self, walk: Walk, business: BusinessId) -> Result<Seq> {
        let sql = "SELECT seq FROM walk WHERE walk = ?1 AND business = ?2";
        Ok(self.one(sql, params![walk.as_str(), business.to_bytes()], |row| get(row, 0))?.unwrap_or(0))
    }

    fn put_walked_to(&mut self, walk: Walk, business: BusinessId, seq: Seq) -> Result<()> {
        let sql = "INSERT OR REPLACE INTO walk (walk, business, seq) VALUES (?1, ?2, ?3)";
        self.run(sql, params![walk.as_str(), business.to_bytes(), seq])?;
        Ok(())
    }

    fn messages_of_after(&self, business: BusinessId, after: Seq, limit: usize) -> Result<Vec<Aged>> {
        self.finish_states()?;
        self.all(MESSAGES_OF_AFTER, params![business.to_bytes(), after, bound(limit)], |row| {
            Ok(Aged {
                seq: get(row, 0)?,
                business: BusinessId::from_bytes(get_id(row, 1)?),
                accepted_at: get_time(row, 2)?,
                over: get(row, 3)?,
                id: MessageId::from_bytes(get_id(row, 4)?),
            })
        })
    }

    fn passed_after(&self, business: BusinessId, after: Seq, limit: usize) -> Result<Vec<Passed>> {
        self.finish_states()?;
        self.all(PASSED_AFTER, params![business.to_bytes(), after, bound(limit)], |row| {
            Ok(Passed {
                seq: get(row, 0)?,
                sender: SenderId::from_bytes(get_id(row, 1)?),
                accepted_at: get_time(row, 2)?,
                started_at: get_time_if(row, 3)?,
                handed: get(row, 4)?,
                status: get_word(row, 5, Status::named)?,
                category: get_json_if::<Option<Category>>(row, 6)?.flatten(),
            })
        })
    }

    fn add_silence(&mut self, sender: SenderId, day: i64, count: Silence) -> Result<()> {
        self.run(
            "INSERT INTO silence (sender, day, messages, unheard, undelivered, dropped) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (sender, day) DO UPDATE SET messages = messages + ?3, unheard = unheard + ?4,
                 undelivered = undelivered + ?5, dropped = dropped + ?6",
            params![sender.to_bytes(), day, int(count.messages), int(count.unheard), int(count.undelivered), int(count.dropped)],
        )?;
        Ok(())
    }

    fn silence(&self, sender: SenderId, since: i64) -> Result<Silence> {
        let days = self.all(SILENCE, params![sender.to_bytes(), since], |row| {
            Ok(Silence {
                messages: get_count(row, 0)?,
                unheard: get_count(row, 1)?,
                undelivered: get_count(row, 2)?,
                dropped: get_count(row, 3)?,
            })
        })?;
        let mut sum = Silence::default();
        for day in days {
            sum += day;
        }
        Ok(sum)
    }

    fn drop_silence(&mut self, _business: BusinessId, before: i64) -> Result<()> {
        self.run("DELETE FROM silence WHERE day < ?1", [before])?;
        Ok(())
    }
}
