//! Messages that the upstream is to be asked about, in memory.

use transom_domain::id::{MessageId, SenderId};
use transom_domain::time::Timestamp;

use super::table::MemoryRows;
use crate::NoHistory;
use crate::rows::{HistoryRows, Result};

impl HistoryRows for MemoryRows {
    fn add_overdue(&mut self, sender: SenderId, due: Timestamp, message: MessageId, tries: u32) -> Result<()> {
        if !self.overdue.contains_key(&(sender, due, message)) {
            self.overdue.put((sender, due, message), tries);
        }
        Ok(())
    }

    fn drop_overdue(&mut self, sender: SenderId, due: Timestamp, message: MessageId) -> Result<()> {
        self.overdue.drop(&(sender, due, message));
        Ok(())
    }

    fn overdue_until(&self, sender: SenderId, until: Timestamp, limit: usize) -> Result<Vec<(Timestamp, MessageId, u32)>> {
        let due = self.overdue.range((sender, Timestamp::EPOCH, MessageId(0))..=(sender, until, MessageId(u128::MAX)));
        Ok(due.take(limit).map(|((_, due, message), tries)| (*due, *message, *tries)).collect())
    }

    fn overdue_of(&self, sender: SenderId, limit: usize) -> Result<usize> {
        let all = self.overdue.range((sender, Timestamp::EPOCH, MessageId(0))..=(sender, Timestamp::FAR, MessageId(u128::MAX)));
        Ok(all.take(limit).count())
    }

    fn drop_all_overdue(&mut self, sender: SenderId) -> Result<()> {
        self.overdue.drop_where(usize::MAX, |(of, ..), _| *of == sender);
        Ok(())
    }

    fn no_history(&self, sender: SenderId) -> Result<Option<NoHistory>> {
        Ok(self.no_histories.get(&sender).cloned())
    }

    fn put_no_history(&mut self, sender: SenderId, refused: Option<&NoHistory>) -> Result<()> {
        match refused {
            Some(refused) => self.no_histories.put(sender, refused.clone()),
            None => self.no_histories.drop(&sender),
        }
        Ok(())
    }
}
