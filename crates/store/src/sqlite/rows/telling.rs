//! Events, endpoints, deliveries.

use rusqlite::{Row, params};

use transom_domain::event::Event;
use transom_domain::id::{BusinessId, CustomerId, EndpointId, EventId, SenderId};
use transom_domain::time::Timestamp;

use super::{SqliteRows, bound, get, get_count, get_id, get_json, get_small, get_time, get_word, int, json};
use crate::rows::{Delivery, Result, TellingRows};
use crate::sqlite::cache::Stream;
use crate::{Endpoint, Topic};

fn event(row: &Row<'_>) -> Result<Event> {
    Ok(Event {
        position: get_count(row, "position")?,
        id: EventId::from_bytes(get_id(row, "id")?),
        business: BusinessId::from_bytes(get_id(row, "business")?),
        at: get_time(row, "at")?,
        body: get_json(row, "body")?,
    })
}

fn endpoint(row: &Row<'_>) -> Result<Endpoint> {
    Ok(Endpoint {
        id: EndpointId::from_bytes(get_id(row, "id")?),
        business: BusinessId::from_bytes(get_id(row, "business")?),
        topic: get_word(row, "topic", |w| Topic::ALL.into_iter().find(|t| t.as_str() == w))?,
        address: get(row, "address")?,
        kind: get(row, "kind")?,
        echo: get(row, "echo")?,
        filter: get_json(row, "filter")?,
        cursor: get_count(row, "cursor")?,
        state: get_json(row, "state")?,
        created_at: get_time(row, "created_at")?,
    })
}

fn delivery(row: &Row<'_>) -> Result<Delivery> {
    let sender: Option<[u8; 16]> = get(row, "sender")?;
    let customer: Option<[u8; 16]> = get(row, "customer")?;
    Ok(Delivery {
        position: get_count(row, "position")?,
        key: sender.map(SenderId::from_bytes).zip(customer.map(CustomerId::from_bytes)),
        first: get(row, "first")?,
        tried: get_small(row, "tried")?,
        due: get_time(row, "due")?,
        since: get_time(row, "since")?,
        seen: get(row, "seen")?,
    })
}

/// First deliveries of their conversations that are due.
pub(super) const DUE_DELIVERIES: &str =
    "SELECT * FROM delivery WHERE endpoint = ?1 AND first = 1 AND due <= ?2 ORDER BY due, position LIMIT ?3";

/// When the next is due.
pub(super) const NEXT_DELIVERY: &str =
    "SELECT due FROM delivery WHERE endpoint = ?1 AND first = 1 AND due > ?2 ORDER BY due LIMIT 1";

/// The oldest outstanding delivery of a conversation.
pub(super) const OLDEST_DELIVERY: &str = "SELECT * FROM delivery INDEXED BY delivery_of WHERE endpoint = ?1 AND sender = ?2 AND customer = ?3 ORDER BY position LIMIT 1";

/// The outstanding deliveries of a conversation.
pub(super) const DELIVERIES_OF: &str = "SELECT * FROM delivery INDEXED BY delivery_of WHERE endpoint = ?1 AND sender = ?2 AND customer = ?3 ORDER BY position LIMIT ?4";

/// The stream after a position.
pub(super) const EVENTS_AFTER: &str = "SELECT * FROM event WHERE business = ?1 AND position > ?2 ORDER BY position LIMIT ?3";

impl TellingRows for SqliteRows<'_> {
    fn next_event(&mut self, business: BusinessId) -> Result<u64> {
        let mut next = self.stream(business)?;
        next.position += 1;
        self.put_stream(business, next)?;
        Ok(next.position)
    }

    fn put_event(&mut self, event: &Event) -> Result<()> {
        self.run(
            "INSERT INTO event (business, position, id, at, body) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                event.business.to_bytes(),
                int(event.position),
                event.id.to_bytes(),
                event.at.as_millis(),
                json(&event.body)?
            ],
        )?;
        Ok(())
    }

    fn amend_event(&mut self, event: &Event) -> Result<()> {
        self.run(
            "UPDATE event SET body = ?3 WHERE business = ?1 AND position = ?2",
            params![event.business.to_bytes(), int(event.position), json(&event.body)?],
        )?;
        Ok(())
    }

    fn event(&self, business: BusinessId, position: u64) -> Result<Option<Event>> {
        self.one("SELECT * FROM event WHERE business = ?1 AND position = ?2", params![business.to_bytes(), int(position)], event)
    }

    fn events_after(&self, business: BusinessId, after: u64, limit: usize) -> Result<Vec<Event>> {
        self.all(EVENTS_AFTER, params![business.to_bytes(), int(after), bound(limit)], event)
    }

    fn event_bounds(&self, business: BusinessId) -> Result<(u64, u64)> {
        let known = self.stream(business)?;
        Ok((known.position, known.dropped + 1))
    }

    fn drop_events(&mut self, business: BusinessId, up_to: u64) -> Result<()> {
        self.run("DELETE FROM event WHERE business = ?1 AND position <= ?2", params![business.to_bytes(), int(up_to)])?;
        let known = self.stream(business)?;
        self.put_stream(business, Stream { dropped: known.dropped.max(up_to), ..known })
    }

    fn endpoint(&self, id: EndpointId) -> Result<Option<Endpoint>> {
        self.one("SELECT * FROM endpoint WHERE id = ?1", [id.to_bytes()], endpoint)
    }

    fn put_endpoint(&mut self, endpoint: &Endpoint) -> Result<()> {
        self.run(
            "INSERT INTO endpoint (id, business, topic, address, kind, echo, filter, cursor, state, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
             ON CONFLICT (id) DO UPDATE SET topic = ?3, address = ?4, kind = ?5, echo = ?6, filter = ?7, cursor = ?8, state = ?9",
            params![
                endpoint.id.to_bytes(),
                endpoint.business.to_bytes(),
                endpoint.topic.as_str(),
                endpoint.address,
                endpoint.kind,
                endpoint.echo,
                json(&endpoint.filter)?,
                int(endpoint.cursor),
                json(&endpoint.state)?,
                endpoint.created_at.as_millis()
            ],
        )?;
        Ok(())
    }

    fn drop_endpoint(&mut self, id: EndpointId) -> Result<()> {
        self.run("DELETE FROM endpoint WHERE id = ?1", [id.to_bytes()])?;
        Ok(())
    }

    fn endpoints(&self, business: Option<BusinessId>) -> Result<Vec<Endpoint>> {
        match business {
            Some(business) => self.all("SELECT * FROM endpoint WHERE business = ?1 ORDER BY id", [business.to_bytes()], endpoint),
            None => self.all("SELECT * FROM endpoint ORDER BY id", [], endpoint),
        }
    }

    fn registration(&self, business: BusinessId, topic: Topic) -> Result<Option<EndpointId>> {
        self.one(
            "SELECT id FROM endpoint WHERE business = ?1 AND topic = ?2",
            params![business.to_bytes(), topic.as_str()],
            |row| get_id(row, "id").map(EndpointId::from_bytes),
        )
    }

    fn delivery(&self, endpoint: EndpointId, position: u64) -> Result<Option<Delivery>> {
        self.one(
            "SELECT * FROM delivery WHERE endpoint = ?1 AND position = ?2",
            params![endpoint.to_bytes(), int(position)],
            delivery,
        )
    }

    fn put_delivery(&mut self, endpoint: EndpointId, delivery: &Delivery) -> Result<()> {
        let (sender, customer) = delivery.key.map(|(s, c)| (s.to_bytes(), c.to_bytes())).unzip();
        self.run(
            "INSERT OR REPLACE INTO delivery (endpoint, position, sender, customer, first, tried, due, since, seen)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            params![
                endpoint.to_bytes(),
                int(delivery.position),
                sender,
                customer,
                delivery.first,
                delivery.tried,
                delivery.due.as_millis(),
                delivery.since.as_millis(),
                delivery.seen
            ],
        )?;
        Ok(())
    }

    fn drop_delivery(&mut self, endpoint: EndpointId, position: u64) -> Result<()> {
        self.run("DELETE FROM delivery WHERE endpoint = ?1 AND position = ?2", params![endpoint.to_bytes(), int(position)])?;
        Ok(())
    }

    fn oldest_delivery(&self, endpoint: EndpointId, key: (SenderId, CustomerId)) -> Result<Option<Delivery>> {
        self.one(OLDEST_DELIVERY, [endpoint.to_bytes(), key.0.to_bytes(), key.1.to_bytes()], delivery)
    }

    fn deliveries_of(&self, endpoint: EndpointId, key: (SenderId, CustomerId), limit: usize) -> Result<Vec<Delivery>> {
        let (sender, customer) = (key.0.to_bytes(), key.1.to_bytes());
        self.all(DELIVERIES_OF, params![endpoint.to_bytes(), sender, customer, bound(limit)], delivery)
    }

    fn first_delivery(&self, endpoint: EndpointId) -> Result<Option<u64>> {
        self.one("SELECT position FROM delivery WHERE endpoint = ?1 ORDER BY position LIMIT 1", [endpoint.to_bytes()], |row| {
            get_count(row, "position")
        })
    }

    fn due_deliveries(&self, endpoint: EndpointId, now: Timestamp, limit: usize) -> Result<Vec<Delivery>> {
        self.all(DUE_DELIVERIES, params![endpoint.to_bytes(), now.as_millis(), bound(limit)], delivery)
    }

    fn next_delivery(&self, endpoint: EndpointId, now: Timestamp) -> Result<Option<Timestamp>> {
        self.one(NEXT_DELIVERY, params![endpoint.to_bytes(), now.as_millis()], |row| get_time(row, "due"))
    }

    fn touch(&mut self, now: Timestamp) -> Result<()> {
        self.run("INSERT INTO probe (one, at) VALUES (1, ?1) ON CONFLICT (one) DO UPDATE SET at = ?1", [now.as_millis()])?;
        Ok(())
    }
}
