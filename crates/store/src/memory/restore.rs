//! What only a restored store changes, in memory.

use std::ops::Bound;

use transom_domain::id::SenderId;
use transom_domain::message::WhenUnknown;

use super::table::MemoryRows;
use super::telling::NO_EVENT;
use crate::rows::{Brief, RestoreRows, Result, Seq, Wait};

impl RestoreRows for MemoryRows {
    fn raise_streams(&mut self, by: u64) -> Result<()> {
        let all: Vec<_> = self.businesses.keys().copied().collect();
        for business in all {
            let (position, dropped, at) = self.event_counters.get(&business).copied().unwrap_or(NO_EVENT);
            self.event_counters.put(business, (position + by, dropped, at));
        }
        Ok(())
    }

    fn waits_after(&self, after: Option<(SenderId, u64)>, limit: usize) -> Result<Vec<Wait>> {
        let after = after.map_or(Bound::Unbounded, Bound::Excluded);
        Ok(self.waits.range((after, Bound::Unbounded)).take(limit).map(|(_, wait)| *wait).collect())
    }

    fn unknowns(&self) -> Result<Vec<Seq>> {
        Ok(self.open_unknowns().map(|(_, seq)| seq).collect())
    }

    fn set_when_unknown(&mut self, seq: Seq, when: WhenUnknown) -> Result<()> {
        if let Some((brief, whole)) = self.messages.get(&seq).cloned() {
            self.messages.put(seq, (Brief { when_unknown: when, ..brief }, whole));
        }
        Ok(())
    }
}
