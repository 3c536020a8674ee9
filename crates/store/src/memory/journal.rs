//! The journal, in memory.

use transom_domain::id::JournalId;
use transom_domain::time::Timestamp;

use super::table::MemoryRows;
use crate::rows::{JournalRows, Of, Result};
use crate::{JournalEntry, JournalHead, JournalOutcome};

impl JournalRows for MemoryRows {
    fn entry_bounds(&self, of: Of) -> Result<(u64, u64, Timestamp)> {
        Ok(self.entry_counters.get(&of).copied().unwrap_or((0, 0, Timestamp::EPOCH)))
    }

    fn put_entry(&mut self, head: &JournalHead, raw: &[u8]) -> Result<()> {
        if self.entry_ids.contains_key(&head.id) {
            return Ok(());
        }
        let JournalHead { business, position, at, .. } = *head;
        let (_, dropped, _) = self.entry_bounds(business)?;
        self.entry_counters.put(business, (position, dropped, at));
        self.journal.put((business, position), JournalEntry { head: head.clone(), raw: raw.to_vec() });
        self.entry_ids.put(head.id, (business, position));
        Ok(())
    }

    fn heads_after(&self, of: Of, after: u64, flagged: bool, limit: usize) -> Result<Vec<JournalHead>> {
        let later = self.journal.range((of, after.saturating_add(1))..=(of, u64::MAX)).map(|(_, entry)| &entry.head);
        Ok(later.filter(|head| !flagged || head.outcome != JournalOutcome::Heard).take(limit).cloned().collect())
    }

    fn heads_before(&self, of: Of, before: u64, flagged: bool, limit: usize) -> Result<Vec<JournalHead>> {
        let earlier = self.journal.range((of, 0)..(of, before)).rev().map(|(_, entry)| &entry.head);
        Ok(earlier.filter(|head| !flagged || head.outcome != JournalOutcome::Heard).take(limit).cloned().collect())
    }

    fn entry_from(&self, of: Of, position: u64) -> Result<Option<(u64, Timestamp)>> {
        Ok(self.journal.range((of, position)..=(of, u64::MAX)).next().map(|((_, position), entry)| (*position, entry.head.at)))
    }

    fn raw(&self, of: Of, position: u64) -> Result<Vec<u8>> {
        Ok(self.journal.get(&(of, position)).map(|entry| entry.raw.clone()).unwrap_or_default())
    }

    fn head_by_id(&self, id: JournalId) -> Result<Option<JournalHead>> {
        Ok(self.entry_ids.get(&id).and_then(|key| self.journal.get(key)).map(|entry| entry.head.clone()))
    }

    fn put_outcome(&mut self, head: &JournalHead) -> Result<()> {
        if let Some(mut entry) = self.journal.get(&(head.business, head.position)).cloned() {
            entry.head = head.clone();
            self.journal.put((head.business, head.position), entry);
        }
        Ok(())
    }

    fn blank(&mut self, of: Of, position: u64) -> Result<()> {
        if let Some(mut entry) = self.journal.get(&(of, position)).cloned() {
            (entry.head.erased, entry.head.note, entry.raw) = (true, String::new(), Vec::new());
            self.journal.put((of, position), entry);
        }
        Ok(())
    }

    fn drop_entry(&mut self, of: Of, position: u64) -> Result<()> {
        if let Some(id) = self.journal.get(&(of, position)).map(|entry| entry.head.id) {
            self.entry_ids.drop(&id);
        }
        self.journal.drop(&(of, position));
        let (newest, dropped, at) = self.entry_bounds(of)?;
        self.entry_counters.put(of, (newest, dropped.max(position), at));
        Ok(())
    }

    fn raise_entries(&mut self, by: u64) -> Result<()> {
        for (of, (newest, dropped, at)) in self.entry_counters.clone() {
            self.entry_counters.put(of, (newest + by, dropped, at));
        }
        Ok(())
    }
}
