//! Limits and whom a business has written to, in memory.

use transom_domain::id::{BusinessId, CustomerId, SenderId};
use transom_domain::limits::NumberLimits;
use transom_domain::message::Class;

use super::table::MemoryRows;
use crate::rows::{LaneKey, PARKED, ReachRows, Reached, Result};

impl ReachRows for MemoryRows {
    fn limits(&self, sender: SenderId) -> Result<Option<NumberLimits>> {
        Ok(self.limits.get(&sender).cloned())
    }

    fn put_limits(&mut self, sender: SenderId, limits: &NumberLimits) -> Result<()> {
        self.limits.put(sender, limits.clone());
        Ok(())
    }

    fn senders_of(&self, waba: &str) -> Result<Vec<SenderId>> {
        Ok(self.senders.values().filter(|s| s.waba.as_deref() == Some(waba)).map(|s| s.id).collect())
    }

    fn reached(&self, business: BusinessId, customer: CustomerId) -> Result<Option<Reached>> {
        Ok(self.reached.get(&(business, customer)).copied())
    }

    fn put_reached(&mut self, business: BusinessId, customer: CustomerId, reached: Option<Reached>) -> Result<()> {
        match reached {
            Some(reached) => self.reached.put((business, customer), reached),
            None => self.reached.drop(&(business, customer)),
        }
        Ok(())
    }

    fn reach(&self, business: BusinessId) -> Result<u64> {
        Ok(self.minutes.range((business, i64::MIN)..=(business, i64::MAX)).map(|(_, count)| count).sum())
    }

    fn reach_since(&self, business: BusinessId, minute: i64) -> Result<u64> {
        Ok(self.minutes.range((business, minute)..=(business, i64::MAX)).map(|(_, count)| count).sum())
    }

    fn count_reached(&mut self, business: BusinessId, minute: i64, by: i64) -> Result<()> {
        let count = self.minutes.get(&(business, minute)).copied().unwrap_or(0);
        self.minutes.put((business, minute), count.saturating_add_signed(by));
        Ok(())
    }

    fn forget_reached(&mut self, business: BusinessId, before: i64) -> Result<()> {
        self.minutes.drop_where(usize::MAX, |(of, minute), _| *of == business && *minute < before);
        Ok(())
    }

    fn first_reached(&self, business: BusinessId, from: i64) -> Result<Option<i64>> {
        let mut minutes = self.minutes.range((business, from)..=(business, i64::MAX));
        Ok(minutes.find(|(_, count)| **count > 0).map(|((_, minute), _)| *minute))
    }

    fn parked_lanes(&self, sender: SenderId, class: Class, limit: usize) -> Result<Vec<LaneKey>> {
        let of = |key: &LaneKey| key.sender == sender && key.class == class;
        let mut parked: Vec<_> =
            self.lanes.iter().filter(|(key, lane)| of(key) && lane.due == Some(PARKED)).map(|(k, l)| (l.head, *k)).collect();
        parked.sort_unstable();
        Ok(parked.into_iter().take(limit).map(|(_, key)| key).collect())
    }

    fn waiting_of(&self, sender: SenderId, class: Class, most: u64) -> Result<u64> {
        let all = self.waits.values().filter(|w| w.lane.sender == sender && w.lane.class == class).count();
        Ok(u64::try_from(all).unwrap_or(u64::MAX).min(most))
    }
}
