//! What was done to templates, in memory.

use transom_domain::id::BusinessId;
use transom_domain::template::{Change, HistoryEntry};
use transom_domain::time::Timestamp;

use super::table::MemoryRows;
use crate::rows::{Result, TemplateRows};
use crate::{TemplateIntent, TemplateKey};

impl TemplateRows for MemoryRows {
    fn account_read(&self, business: BusinessId, waba: &str) -> Result<Option<Timestamp>> {
        Ok(self.accounts_read.get(&(business, waba.to_owned())).copied())
    }

    fn put_account_read(&mut self, business: BusinessId, waba: &str, at: Timestamp) -> Result<()> {
        self.accounts_read.put((business, waba.to_owned()), at);
        Ok(())
    }

    fn intents(&self, business: BusinessId, waba: &str) -> Result<Vec<TemplateIntent>> {
        let of = |key: &TemplateKey| key.business == business && key.waba == waba;
        Ok(self.intents.iter().filter(|(key, _)| of(key)).map(|(_, intent)| intent.clone()).collect())
    }

    fn intent(&self, key: &TemplateKey) -> Result<Option<TemplateIntent>> {
        Ok(self.intents.get(key).cloned())
    }

    fn put_intent(&mut self, intent: &TemplateIntent) -> Result<()> {
        self.intents.put(intent.key.clone(), intent.clone());
        Ok(())
    }

    fn drop_intent(&mut self, key: &TemplateKey) -> Result<()> {
        self.intents.drop(key);
        Ok(())
    }

    fn put_history(&mut self, key: &TemplateKey, entry: &HistoryEntry, most: usize) -> Result<()> {
        let number = self.last_change.get(&()).copied().unwrap_or(0) + 1;
        self.last_change.put((), number);
        self.changes.put((key.clone(), number), entry.clone());
        let mut numbers: Vec<i64> =
            self.changes.range((key.clone(), i64::MIN)..=(key.clone(), i64::MAX)).map(|((_, number), _)| *number).collect();
        numbers.truncate(numbers.len().saturating_sub(most));
        for number in numbers {
            self.changes.drop(&(key.clone(), number));
        }
        Ok(())
    }

    fn history(&self, key: &TemplateKey, before: Option<i64>, limit: usize) -> Result<Vec<(i64, HistoryEntry)>> {
        let range = (key.clone(), i64::MIN)..(key.clone(), before.unwrap_or(i64::MAX));
        let lines = self.changes.range(range).rev().take(limit);
        Ok(lines.map(|((_, number), entry)| (*number, entry.clone())).collect())
    }

    fn creations(&self, business: BusinessId, waba: &str, since: Timestamp, limit: usize) -> Result<Vec<Timestamp>> {
        let of = |key: &TemplateKey| key.business == business && key.waba == waba;
        let created = |entry: &HistoryEntry| matches!(entry.change, Change::Created) && entry.at > since;
        let found = self.changes.iter().filter(|((key, _), entry)| of(key) && created(entry));
        let mut moments: Vec<Timestamp> = found.map(|(_, entry)| entry.at).collect();
        moments.sort_unstable();
        moments.truncate(limit);
        Ok(moments)
    }

    fn sweep_history(&mut self, before: Timestamp, limit: usize) -> Result<usize> {
        Ok(self.changes.drop_where(limit, |_, entry| entry.at < before))
    }
}
