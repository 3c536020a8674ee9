//! Watermarks, in memory.

use transom_domain::address::Identity;
use transom_domain::id::SenderId;
use transom_domain::time::Timestamp;

use super::table::MemoryRows;
use crate::rows::{MarkRows, Marks, Result, Seq, Unread};

impl MarkRows for MemoryRows {
    fn marks(&self, sender: SenderId, address: &Identity) -> Result<Marks> {
        Ok(self.watermarks.get(&(sender, address.to_string())).copied().unwrap_or_default())
    }

    fn put_marks(&mut self, sender: SenderId, address: &Identity, marks: &Marks) -> Result<()> {
        self.watermarks.put((sender, address.to_string()), *marks);
        Ok(())
    }

    fn put_unread(&mut self, sender: SenderId, address: &Identity, unread: &Unread) -> Result<()> {
        self.unread.put(unread.seq, (sender, address.to_string(), unread.clone()));
        Ok(())
    }

    fn drop_unread(&mut self, seq: Seq) -> Result<()> {
        self.unread.drop(&seq);
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
        let address = address.to_string();
        let of = |(s, a, unread): &(SenderId, String, Unread)| {
            *s == sender && *a == address && unread.started_at <= until && after.is_none_or(|after| unread.started_at > after)
        };
        let mut found: Vec<Unread> = self.unread.values().filter(|row| of(row)).map(|(_, _, unread)| unread.clone()).collect();
        found.sort_by_key(|unread| (unread.started_at, unread.seq));
        found.truncate(limit);
        Ok(found)
    }
}
