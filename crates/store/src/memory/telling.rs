//! What is told, in memory.

use transom_domain::event::Event;
use transom_domain::id::BusinessId;
use transom_domain::time::Timestamp;

use super::table::MemoryRows;
use crate::rows::{Result, TellingRows};

/// The counters of a stream in which nothing was told yet.
pub(super) const NO_EVENT: (u64, u64, Timestamp) = (0, 0, Timestamp::EPOCH);

impl TellingRows for MemoryRows {
    fn next_event(&mut self, business: BusinessId, at: Timestamp) -> Result<(u64, Timestamp)> {
        let (position, dropped, latest) = self.event_counters.get(&business).copied().unwrap_or(NO_EVENT);
        let at = at.max(latest);
        self.event_counters.put(business, (position + 1, dropped, at));
        Ok((position + 1, at))
    }

    fn put_event(&mut self, event: &Event) -> Result<()> {
        self.events.put((event.business, event.position), event.clone());
        Ok(())
    }

    fn amend_event(&mut self, event: &Event) -> Result<()> {
        self.events.put((event.business, event.position), event.clone());
        Ok(())
    }

    fn event(&self, business: BusinessId, position: u64) -> Result<Option<Event>> {
        Ok(self.events.get(&(business, position)).cloned())
    }

    fn events_after(&self, business: BusinessId, after: u64, limit: usize) -> Result<Vec<Event>> {
        let first = after.saturating_add(1);
        Ok(self.events.range((business, first)..=(business, u64::MAX)).take(limit).map(|(_, event)| event.clone()).collect())
    }

    fn events_before(&self, business: BusinessId, before: u64, limit: usize) -> Result<Vec<Event>> {
        Ok(self.events.range((business, 0)..(business, before)).rev().take(limit).map(|(_, event)| event.clone()).collect())
    }

    fn event_bounds(&self, business: BusinessId) -> Result<(u64, u64)> {
        let (position, dropped, _) = self.event_counters.get(&business).copied().unwrap_or(NO_EVENT);
        Ok((position, dropped + 1))
    }

    fn drop_events(&mut self, business: BusinessId, up_to: u64) -> Result<()> {
        self.events.drop_where(usize::MAX, |(b, position), _| *b == business && *position <= up_to);
        if let Some((position, dropped, at)) = self.event_counters.get(&business).copied() {
            self.event_counters.put(business, (position, dropped.max(up_to), at));
        }
        Ok(())
    }

    fn touch(&mut self, now: Timestamp) -> Result<()> {
        self.probe.put((), now);
        Ok(())
    }
}
