//! Replays of the journal, in memory.

use transom_domain::id::{BusinessId, ReplayId};

use super::table::MemoryRows;
use crate::JournalReplay;
use crate::rows::{RehearRows, Result};

impl RehearRows for MemoryRows {
    fn journal_replays(&self, business: BusinessId) -> Result<Vec<JournalReplay>> {
        let all = self.rehearings.range((business, ReplayId(0))..=(business, ReplayId(u128::MAX)));
        Ok(all.map(|(_, replay)| replay.clone()).collect())
    }

    fn put_journal_replay(&mut self, replay: &JournalReplay) -> Result<()> {
        self.rehearings.put((replay.business, replay.id), replay.clone());
        Ok(())
    }

    fn drop_journal_replay(&mut self, business: BusinessId, id: ReplayId) -> Result<()> {
        self.rehearings.drop(&(business, id));
        Ok(())
    }

    fn open_journal_replays(&self, limit: usize) -> Result<Vec<JournalReplay>> {
        Ok(self.rehearings.values().filter(|replay| replay.over_at.is_none()).take(limit).cloned().collect())
    }
}
