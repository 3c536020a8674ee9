//! What waits, in memory. Each look walks the rows of one sender: plain rather than fast, so that it can be seen to be right.

use transom_domain::id::{BusinessId, ContentId, SenderId};
use transom_domain::message::Class;
use transom_domain::time::Timestamp;

use super::table::MemoryRows;
use crate::StoreError;
use crate::rows::{Lane, LaneKey, QueueRows, Result, Wait};

impl MemoryRows {
    fn waits_of(&self, sender: SenderId) -> impl Iterator<Item = &Wait> {
        self.waits.range((sender, 0)..=(sender, u64::MAX)).map(|(_, wait)| wait)
    }

    fn due_of(&self, sender: SenderId, class: Class) -> impl Iterator<Item = (Timestamp, u64, LaneKey)> {
        let of = move |key: &LaneKey| key.sender == sender && key.class == class;
        self.lanes.iter().filter(move |(key, _)| of(key)).filter_map(|(key, lane)| lane.due.map(|due| (due, lane.head, *key)))
    }

    fn validities(&self) -> impl Iterator<Item = (Timestamp, Wait)> {
        self.waits.values().filter_map(|wait| wait.expires_at.map(|at| (at, *wait)))
    }
}

impl QueueRows for MemoryRows {
    fn open_counters(&mut self, sender: SenderId, business: BusinessId) -> Result<()> {
        if !self.counters.contains_key(&sender) {
            self.counters.put(sender, (business, 0, 0));
        }
        Ok(())
    }

    fn counters(&self, sender: SenderId) -> Result<Option<(BusinessId, u64)>> {
        Ok(self.counters.get(&sender).map(|(business, _, waiting)| (*business, *waiting)))
    }

    fn next_position(&mut self, sender: SenderId, waits: bool) -> Result<u64> {
        let known = self.counters.get(&sender).copied();
        let (business, position, waiting) =
            known.ok_or_else(|| StoreError::Corrupt(format!("sender {sender}: has no counters")))?;
        self.counters.put(sender, (business, position + 1, waiting + u64::from(waits)));
        Ok(position + 1)
    }

    fn count_waiting(&mut self, sender: SenderId, by: i64) -> Result<()> {
        if let Some((business, position, waiting)) = self.counters.get(&sender).copied() {
            self.counters.put(sender, (business, position, waiting.saturating_add_signed(by)));
        }
        Ok(())
    }

    fn oldest_wait(&self, sender: SenderId) -> Result<Option<Timestamp>> {
        Ok(self.waits_of(sender).next().map(|wait| wait.accepted_at))
    }

    fn lane(&self, key: &LaneKey) -> Result<Option<Lane>> {
        Ok(self.lanes.get(key).copied())
    }

    fn put_lane(&mut self, key: &LaneKey, lane: &Lane) -> Result<()> {
        self.lanes.put(*key, *lane);
        Ok(())
    }

    fn drop_lane(&mut self, key: &LaneKey) -> Result<()> {
        self.lanes.drop(key);
        Ok(())
    }

    fn due_lanes(&self, sender: SenderId, class: Class, now: Timestamp, limit: usize) -> Result<Vec<LaneKey>> {
        let mut due: Vec<_> = self.due_of(sender, class).filter(|(due, ..)| *due <= now).collect();
        due.sort_unstable();
        Ok(due.into_iter().take(limit).map(|(_, _, key)| key).collect())
    }

    fn first_due(&self, sender: SenderId, class: Class) -> Result<Option<Timestamp>> {
        Ok(self.due_of(sender, class).map(|(due, ..)| due).min())
    }

    fn put_wait(&mut self, wait: &Wait) -> Result<()> {
        self.waits.put((wait.lane.sender, wait.position), *wait);
        Ok(())
    }

    fn drop_wait(&mut self, sender: SenderId, position: u64) -> Result<()> {
        self.waits.drop(&(sender, position));
        Ok(())
    }

    fn first_wait(&self, key: &LaneKey) -> Result<Option<Wait>> {
        Ok(self.waits_of(key.sender).find(|wait| wait.lane == *key && !wait.aside).copied())
    }

    fn first_aside(&self, key: &LaneKey) -> Result<Option<Wait>> {
        let asides = self.waits_of(key.sender).filter(|wait| wait.lane == *key && wait.aside);
        Ok(asides.min_by_key(|wait| (wait.not_before, wait.position)).copied())
    }

    fn due_asides(&self, key: &LaneKey, now: Timestamp, limit: usize) -> Result<Vec<Wait>> {
        let due = |wait: &&Wait| wait.lane == *key && wait.aside && wait.not_before <= now;
        let mut asides: Vec<Wait> = self.waits_of(key.sender).filter(due).copied().collect();
        asides.sort_by_key(|wait| (wait.not_before, wait.position));
        asides.truncate(limit);
        Ok(asides)
    }

    fn waits_in(&self, key: &LaneKey, limit: usize) -> Result<Vec<Wait>> {
        let of = |aside: bool| self.waits_of(key.sender).filter(move |wait| wait.lane == *key && wait.aside == aside).take(limit);
        let mut all: Vec<Wait> = of(false).chain(of(true)).copied().collect();
        all.sort_by_key(|wait| wait.position);
        Ok(all)
    }

    fn past_validity(&self, now: Timestamp, limit: usize) -> Result<Vec<Wait>> {
        let mut over: Vec<_> = self.validities().filter(|(at, _)| *at <= now).collect();
        over.sort_by_key(|(at, wait)| (*at, wait.lane.sender, wait.position));
        Ok(over.into_iter().take(limit).map(|(_, wait)| wait).collect())
    }

    fn next_validity(&self, now: Timestamp) -> Result<Option<Timestamp>> {
        Ok(self.validities().map(|(at, _)| at).filter(|at| *at > now).min())
    }

    fn waits_with(&self, _business: BusinessId, content: ContentId) -> Result<bool> {
        Ok(self.waits.values().any(|wait| wait.content == Some(content)))
    }
}
