//! Endpoints, deliveries and replays, in memory.

use std::ops::Bound;

use transom_domain::endpoint::Health;
use transom_domain::id::{BusinessId, CustomerId, EndpointId, ReplayId, SenderId};
use transom_domain::time::Timestamp;

use super::table::MemoryRows;
use crate::rows::{Delivery, RelayRows, Result};
use crate::{Endpoint, EventReplay, Role, Topic};

impl MemoryRows {
    fn all_deliveries(&self, endpoint: EndpointId) -> impl Iterator<Item = &Delivery> {
        self.deliveries.range((endpoint, 0)..=(endpoint, u64::MAX)).map(|(_, delivery)| delivery)
    }
}

impl RelayRows for MemoryRows {
    fn endpoint(&self, id: EndpointId) -> Result<Option<Endpoint>> {
        Ok(self.endpoints.get(&id).cloned())
    }

    fn put_endpoint(&mut self, endpoint: &Endpoint) -> Result<()> {
        self.endpoints.put(endpoint.id, endpoint.clone());
        Ok(())
    }

    fn progress(&mut self, id: EndpointId, cursor: u64, health: &Health) -> Result<()> {
        if let Some(endpoint) = self.endpoints.get(&id).cloned() {
            self.endpoints.put(id, Endpoint { cursor, health: health.clone(), ..endpoint });
        }
        Ok(())
    }

    fn drop_endpoint(&mut self, id: EndpointId) -> Result<()> {
        self.endpoints.drop(&id);
        self.replays.drop_where(usize::MAX, |(endpoint, _), _| *endpoint == id);
        Ok(())
    }

    fn endpoints(&self, business: Option<BusinessId>) -> Result<Vec<Endpoint>> {
        Ok(self.endpoints.values().filter(|e| business.is_none_or(|b| b == e.business)).cloned().collect())
    }

    fn own_endpoints(&self, business: BusinessId) -> Result<usize> {
        Ok(self.endpoints.values().filter(|e| e.business == business && matches!(e.role, Role::Own(_))).count())
    }

    fn registration(&self, business: BusinessId, topic: Topic) -> Result<Option<EndpointId>> {
        Ok(self.endpoints.values().find(|e| e.business == business && e.role.topic() == Some(topic)).map(|e| e.id))
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
        Ok(self.all_deliveries(endpoint).find(|d| d.due.is_some()).map(|d| d.position))
    }

    fn due_deliveries(&self, endpoint: EndpointId, now: Timestamp, limit: usize) -> Result<Vec<Delivery>> {
        let is_due = |d: &&Delivery| d.first && d.due.is_some_and(|due| due <= now);
        let mut due: Vec<Delivery> = self.all_deliveries(endpoint).filter(is_due).cloned().collect();
        due.sort_by_key(|d| (d.due, d.position));
        due.truncate(limit);
        Ok(due)
    }

    fn next_delivery(&self, endpoint: EndpointId, now: Timestamp) -> Result<Option<Timestamp>> {
        Ok(self.all_deliveries(endpoint).filter(|d| d.first).filter_map(|d| d.due).filter(|due| *due > now).min())
    }

    fn deliveries_after(&self, endpoint: EndpointId, given_up: bool, after: u64, limit: usize) -> Result<Vec<Delivery>> {
        let range = (Bound::Excluded((endpoint, after)), Bound::Included((endpoint, u64::MAX)));
        let rows = self.deliveries.range(range).map(|(_, delivery)| delivery);
        Ok(rows.filter(|d| d.due.is_none() == given_up).take(limit).cloned().collect())
    }

    fn replay(&self, endpoint: EndpointId, id: ReplayId) -> Result<Option<EventReplay>> {
        Ok(self.replays.get(&(endpoint, id)).cloned())
    }

    fn put_replay(&mut self, replay: &EventReplay) -> Result<()> {
        self.replays.put((replay.endpoint, replay.id), replay.clone());
        Ok(())
    }

    fn drop_replay(&mut self, endpoint: EndpointId, id: ReplayId) -> Result<()> {
        self.replays.drop(&(endpoint, id));
        Ok(())
    }

    fn open_replay(&self, endpoint: EndpointId) -> Result<Option<EventReplay>> {
        Ok(self.replays(endpoint)?.into_iter().find(|replay| replay.over_at.is_none()))
    }

    fn replays(&self, endpoint: EndpointId) -> Result<Vec<EventReplay>> {
        let range = (endpoint, ReplayId(0))..=(endpoint, ReplayId(u128::MAX));
        Ok(self.replays.range(range).map(|(_, replay)| replay.clone()).collect())
    }
}
