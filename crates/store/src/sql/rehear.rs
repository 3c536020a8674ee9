//! Replays of the journal.

use super::params;

use transom_domain::id::{BusinessId, ReplayId};

use super::{Sql, bound, get_json, json};
use crate::JournalReplay;
use crate::rows::{RehearRows, Result};

/// Those that are not over.
pub(crate) const OPEN: &str = "SELECT replay FROM journal_replay WHERE open = 1 LIMIT ?1";
/// All of a business.
pub(crate) const OF: &str = "SELECT replay FROM journal_replay WHERE business = ?1";

impl<S: Sql> RehearRows for S {
    fn journal_replays(&self, business: BusinessId) -> Result<Vec<JournalReplay>> {
        self.all(OF, [business.to_bytes()], |row| get_json(row, 0))
    }

    fn put_journal_replay(&mut self, replay: &JournalReplay) -> Result<()> {
        self.put(
            "INSERT INTO journal_replay (business, id, open, replay) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (business, id) DO UPDATE SET open = ?3, replay = ?4",
            params![replay.business.to_bytes(), replay.id.to_bytes(), replay.over_at.is_none(), json(replay)?],
        )?;
        Ok(())
    }

    fn drop_journal_replay(&mut self, business: BusinessId, id: ReplayId) -> Result<()> {
        self.put("DELETE FROM journal_replay WHERE business = ?1 AND id = ?2", [business.to_bytes(), id.to_bytes()])?;
        Ok(())
    }

    fn open_journal_replays(&self, limit: usize) -> Result<Vec<JournalReplay>> {
        self.all(OPEN, [bound(limit)], |row| get_json(row, 0))
    }
}
