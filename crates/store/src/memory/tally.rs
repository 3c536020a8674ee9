//! Tallies, in memory.

use std::collections::BTreeMap;

use transom_domain::id::{BusinessId, SenderId};
use transom_domain::time::Timestamp;

use super::table::MemoryRows;
use crate::rows::{Change, FailureKey, Result, TallyKey, TallyRows, Width};
use crate::{Failing, TallyStep};

impl TallyRows for MemoryRows {
    fn add_tally(&mut self, key: TallyKey, change: Change) -> Result<()> {
        let mut sum = self.tallies.get(&key).copied().unwrap_or_default();
        sum.add(change);
        self.tallies.put(key, sum);
        Ok(())
    }

    fn add_failure(&mut self, key: FailureKey, at: Timestamp) -> Result<()> {
        let (count, last) = self.failures.get(&key).copied().unwrap_or((0, at));
        self.failures.put(key, (count + 1, last.max(at)));
        Ok(())
    }

    fn tallies(
        &self,
        business: BusinessId,
        (from, to): (i64, i64),
        step: TallyStep,
        sender: Option<SenderId>,
        limit: usize,
    ) -> Result<Vec<(i64, Change)>> {
        let wide = step.span().as_millis() / 60_000;
        let mut sums: BTreeMap<i64, Change> = BTreeMap::new();
        for (key, change) in self.tallies.iter() {
            let fits = key.business == business && (from..to).contains(&key.at) && sender.is_none_or(|one| one == key.sender);
            if fits && (step != TallyStep::Minute || key.width == Width::Minute) {
                sums.entry(key.at.div_euclid(wide) * wide).or_default().add(*change);
            }
        }
        Ok(sums.into_iter().take(limit).collect())
    }

    fn failures(
        &self,
        business: BusinessId,
        (from, to): (i64, i64),
        sender: Option<SenderId>,
        limit: usize,
    ) -> Result<Vec<Failing>> {
        let mut sums: BTreeMap<(SenderId, &str, i64), Failing> = BTreeMap::new();
        for (key, (count, at)) in self.failures.iter() {
            if key.business == business && (from..to).contains(&key.hour) && sender.is_none_or(|one| one == key.sender) {
                let FailureKey { sender, code, upstream, .. } = *key;
                let told = (upstream >= 0).then_some(upstream);
                let none = Failing { sender, code, upstream: told, messages: 0, last_at: *at };
                let sum = sums.entry((sender, code.as_str(), upstream)).or_insert(none);
                (sum.messages, sum.last_at) = (sum.messages + count, sum.last_at.max(*at));
            }
        }
        let mut all: Vec<((SenderId, &str, i64), Failing)> = sums.into_iter().collect();
        all.sort_by_key(|(key, failing)| (std::cmp::Reverse(failing.messages), *key));
        Ok(all.into_iter().take(limit).map(|(_, failing)| failing).collect())
    }

    fn old_tallies(&self, business: BusinessId, width: Width, before: i64, limit: usize) -> Result<Vec<(TallyKey, Change)>> {
        let old = self.tallies.iter().filter(|(key, _)| key.business == business && key.width == width && key.at < before);
        Ok(old.take(limit).map(|(key, change)| (*key, *change)).collect())
    }

    fn drop_tally(&mut self, key: TallyKey) -> Result<()> {
        self.tallies.drop(&key);
        Ok(())
    }

    fn drop_failures(&mut self, business: BusinessId, before: i64, limit: usize) -> Result<usize> {
        Ok(self.failures.drop_where(limit, |key, _| key.business == business && key.hour < before))
    }
}
