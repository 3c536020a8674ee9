//! What was heard beside messages and statuses.

use super::params;

use transom_domain::id::BusinessId;
use transom_domain::time::Timestamp;

use super::{Sql, SqliteRows, bound, get, get_id, get_time, int, json_if};
use crate::rows::{AMENDMENTS_MAX, AmendmentRow, HeardRows, Mark, REVOCATIONS_MAX, Result, Seq};
use crate::sql::heard::amendment;

/// What was done to a message that the upstream knows by an id.
pub(super) const AMENDMENTS: &str = "SELECT original, provider_id, heard_at, seq, told_at, amended FROM amendment
     WHERE business = ?1 AND original = ?2 ORDER BY provider_id LIMIT ?3";
/// What was done to a message.
pub(super) const AMENDMENTS_OF: &str = "SELECT original, provider_id, heard_at, seq, told_at, amended FROM amendment
     WHERE seq = ?1 ORDER BY rowid LIMIT ?2";
/// What has waited long for its message.
pub(super) const OLD_AMENDMENTS: &str =
    "SELECT rowid FROM amendment WHERE seq IS NULL AND heard_at < ?1 ORDER BY heard_at LIMIT ?2";
/// Marks of old news.
pub(super) const OLD_NEWS: &str = "SELECT business, mark FROM news WHERE at < ?1 ORDER BY at LIMIT ?2";

impl HeardRows for SqliteRows<'_> {
    fn amendments(&self, business: BusinessId, original: &str) -> Result<Vec<AmendmentRow>> {
        self.all(AMENDMENTS, params![business.to_bytes(), original, bound(AMENDMENTS_MAX + REVOCATIONS_MAX)], amendment)
    }

    fn amendments_of(&self, seq: Seq) -> Result<Vec<AmendmentRow>> {
        self.all(AMENDMENTS_OF, params![seq, bound(AMENDMENTS_MAX + REVOCATIONS_MAX)], amendment)
    }

    fn put_amendment(&mut self, business: BusinessId, row: &AmendmentRow) -> Result<()> {
        self.run(
            "INSERT OR REPLACE INTO amendment (business, original, provider_id, heard_at, seq, told_at, amended)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                business.to_bytes(),
                row.original,
                row.provider_id,
                row.heard_at.as_millis(),
                row.seq,
                row.told_at.map(int),
                json_if(row.amended.as_ref())?
            ],
        )?;
        Ok(())
    }

    fn redact_amendments(&mut self, seq: Seq) -> Result<()> {
        self.run("UPDATE amendment SET amended = NULL WHERE seq = ?1", [seq])?;
        Ok(())
    }

    fn sweep_amendments(&mut self, before: Timestamp, limit: usize) -> Result<usize> {
        let old: Vec<i64> = self.all(OLD_AMENDMENTS, params![before.as_millis(), bound(limit)], |row| get(row, 0))?;
        for row in &old {
            self.run("DELETE FROM amendment WHERE rowid = ?1", [row])?;
        }
        Ok(old.len())
    }

    fn news_at(&self, business: BusinessId, mark: &Mark) -> Result<Option<Timestamp>> {
        self.one("SELECT at FROM news WHERE business = ?1 AND mark = ?2", params![business.to_bytes(), mark], |row| {
            get_time(row, 0)
        })
    }

    fn put_news(&mut self, business: BusinessId, mark: &Mark, at: Timestamp) -> Result<()> {
        self.run(
            "INSERT OR REPLACE INTO news (business, mark, at) VALUES (?1, ?2, ?3)",
            params![business.to_bytes(), mark, at.as_millis()],
        )?;
        Ok(())
    }

    fn sweep_news(&mut self, before: Timestamp, limit: usize) -> Result<usize> {
        let old =
            self.all(OLD_NEWS, params![before.as_millis(), bound(limit)], |row| Ok((get_id(row, 0)?, get::<Mark>(row, 1)?)))?;
        for (business, mark) in &old {
            self.run("DELETE FROM news WHERE business = ?1 AND mark = ?2", params![business, mark])?;
        }
        Ok(old.len())
    }
}
