//! What is told, in memory.

use transom_domain::event::Event;
use transom_domain::id::{BusinessId, CustomerId, EndpointId, SenderId};
use transom_domain::time::Timestamp;

use super::table::MemoryRows;
use crate::rows::{Delivery, Result, TellingRows};
use crate::{Endpoint, Topic};

impl MemoryRows {
    fn all_deliveries(&self, endpoint: EndpointId) -> impl Iterator<Item = &Delivery> {
        self.deliveries.range((endpoint, 0)..=(endpoint, u64::MAX)).map(|(_, delivery)| delivery)
    }
}

impl TellingRows for MemoryRows {
    fn next_event(&mut self, business: BusinessId) -> Result<u64> {
        let (position, dropped) = self.event_counters.get(&business).copied().unwrap_or((0, 0));
        self.event_counters.put(business, (position + 1, dropped));
        Ok(position + 1)
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

    fn event_bounds(&self, business: BusinessId) -> Result<(u64, u64)> {
        let (position, dropped) = self.event_counters.get(&business).copied().unwrap_or((0, 0));
        Ok((position, dropped + 1))
    }

    fn drop_events(&mut self, business: BusinessId, up_to: u64) -> Result<()> {
        self.events.drop_where(usize::MAX, |(b, position), _| *b == business && *position <= up_to);
        if let Some((position, dropped)) = self.event_counters.get(&business).copied() {
            self.event_counters.put(business, (position, dropped.max(up_to)));
        }
        Ok(())
    }

    fn endpoint(&self, id: EndpointId) -> Result<Option<Endpoint>> {
        Ok(self.endpoints.get(&id).cloned())
    }

    fn put_endpoint(&mut self, endpoint: &Endpoint) -> Result<()> {
        self.endpoints.put(endpoint.id, endpoint.clone());
        Ok(())
    }

    fn drop_endpoint(&mut self, id: EndpointId) -> Result<()> {
        self.endpoints.drop(&id);
        Ok(())
    }

    fn endpoints(&self, business: Option<BusinessId>) -> Result<Vec<Endpoint>> {
        Ok(self.endpoints.values().filter(|e| business.is_none_or(|b| b == e.business)).cloned().collect())
    }

    fn registration(&self, business: BusinessId, topic: Topic) -> Result<Option<EndpointId>> {
        Ok(self.endpoints.values().find(|e| e.business == business && e.topic == topic).map(|e| e.id))
    }

    fn delivery(&self, endpoint: EndpointId, position: u64) -> Result<Option<Delivery>> {
        Ok(self.deliveries.get(&(endpoint, position)).cloned())
    }

    fn put_delivery(&mut self, endpoint: EndpointId, delivery: &Delivery) -> Result<()> {
        self.deliveries.put((endpoint, delivery.position), delivery.clone());
        Ok(())
    }

    fn drop_delivery(&mut self, endpoint: EndpointId, position: u64) -> Result<()> {
        self.deliveries.drop(&(endpoint, position));
        Ok(())
    }

    fn oldest_delivery(&self, endpoint: EndpointId, key: (SenderId, CustomerId)) -> Result<Option<Delivery>> {
        Ok(self.all_deliveries(endpoint).find(|d| d.key == Some(key)).cloned())
    }

    fn deliveries_of(&self, endpoint: EndpointId, key: (SenderId, CustomerId), limit: usize) -> Result<Vec<Delivery>> {
        Ok(self.all_deliveries(endpoint).filter(|d| d.key == Some(key)).take(limit).cloned().collect())
    }

    fn first_delivery(&self, endpoint: EndpointId) -> Result<Option<u64>> {
        Ok(self.all_deliveries(endpoint).next().map(|d| d.position))
    }

    fn due_deliveries(&self, endpoint: EndpointId, now: Timestamp, limit: usize) -> Result<Vec<Delivery>> {
        let mut due: Vec<Delivery> = self.all_deliveries(endpoint).filter(|d| d.first && d.due <= now).cloned().collect();
        due.sort_by_key(|d| (d.due, d.position));
        due.truncate(limit);
        Ok(due)
    }

    fn next_delivery(&self, endpoint: EndpointId, now: Timestamp) -> Result<Option<Timestamp>> {
        Ok(self.all_deliveries(endpoint).filter(|d| d.first && d.due > now).map(|d| d.due).min())
    }

    fn touch(&mut self, now: Timestamp) -> Result<()> {
        self.probe.put((), now);
        Ok(())
    }
}
