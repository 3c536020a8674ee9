//! What has grown old, in memory.

use std::ops::Bound;

use transom_domain::id::{BusinessId, EndpointId};
use transom_domain::time::Timestamp;

use super::table::MemoryRows;
use crate::rows::{Result, Seq, SweepRows};

impl SweepRows for MemoryRows {
    fn sweep_kept(&mut self, now: Timestamp, limit: usize) -> Result<usize> {
        Ok(self.kept.drop_where(limit, |_, kept| kept.until <= now))
    }

    fn sweep_orphans(&mut self, before: Timestamp, limit: usize) -> Result<usize> {
        Ok(self.orphans.drop_where(limit, |_, orphan| orphan.at < before))
    }

    fn unbind(&mut self, business: BusinessId, provider_id: &str, seq: Seq) -> Result<usize> {
        let key = (business, provider_id.to_owned());
        let bound = self.provided.get(&key).is_some_and(|(to, _)| *to == seq);
        if bound {
            self.provided.drop(&key);
        }
        Ok(usize::from(bound))
    }

    fn put_left_id(&mut self, at: Timestamp, business: BusinessId, provider_id: &str, seq: Seq) -> Result<()> {
        let key = (at, business, provider_id.to_owned());
        if !self.left_ids.contains_key(&key) {
            self.left_ids.put(key, seq);
        }
        Ok(())
    }

    fn left_ids(&self, before: Timestamp, limit: usize) -> Result<Vec<(Timestamp, BusinessId, String, Seq)>> {
        let old = self.left_ids.iter().take_while(|((at, ..), _)| *at < before).take(limit);
        Ok(old.map(|((at, business, id), seq)| (*at, *business, id.clone(), *seq)).collect())
    }

    fn drop_left_id(&mut self, at: Timestamp, business: BusinessId, provider_id: &str) -> Result<()> {
        self.left_ids.drop(&(at, business, provider_id.to_owned()));
        Ok(())
    }

    fn next_stream(&self, after: Option<BusinessId>) -> Result<Option<BusinessId>> {
        let after = after.map_or(Bound::Unbounded, Bound::Excluded);
        Ok(self.event_counters.range((after, Bound::Unbounded)).next().map(|(business, _)| *business))
    }

    fn event_ages(&self, business: BusinessId, from: u64, limit: usize) -> Result<Vec<(u64, Timestamp)>> {
        let events = self.events.range((business, from)..=(business, u64::MAX)).take(limit);
        Ok(events.map(|((_, position), event)| (*position, event.at)).collect())
    }

    fn next_outstanding(&self, after: Option<EndpointId>) -> Result<Option<EndpointId>> {
        let after = after.map_or(Bound::Unbounded, |endpoint| Bound::Excluded((endpoint, u64::MAX)));
        Ok(self.deliveries.range((after, Bound::Unbounded)).next().map(|((endpoint, _), _)| *endpoint))
    }

    fn drop_deliveries(&mut self, endpoint: EndpointId, before: u64, limit: usize) -> Result<usize> {
        Ok(self.deliveries.drop_where(limit, |(of, position), _| *of == endpoint && *position < before))
    }
}
