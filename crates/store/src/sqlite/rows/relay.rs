//! Endpoints, deliveries, replays.

use super::params;

use transom_domain::endpoint::Health;
use transom_domain::id::{BusinessId, CustomerId, EndpointId, ReplayId, SenderId};
use transom_domain::time::Timestamp;

use super::{Sql, SqliteRows, bound, get_count, get_id, get_time, int, json, json_if};
use crate::rows::{Delivery, RelayRows, Result};
use crate::sql::relay::{CALLBACKS, delivery, endpoint, replay};
use crate::{Endpoint, EventReplay, Role, Topic};

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

/// The oldest outstanding delivery of all.
pub(super) const FIRST_DELIVERY: &str =
    "SELECT position FROM delivery INDEXED BY delivery_open WHERE endpoint = ?1 AND due IS NOT NULL ORDER BY position LIMIT 1";

/// What waits at an endpoint.
pub(super) const OPEN_DELIVERIES: &str = "SELECT * FROM delivery INDEXED BY delivery_open WHERE endpoint = ?1 AND due IS NOT NULL AND position > ?2 ORDER BY position LIMIT ?3";

/// What was given up at an endpoint.
pub(super) const GIVEN_UP: &str = "SELECT * FROM delivery INDEXED BY delivery_over WHERE endpoint = ?1 AND due IS NULL AND position > ?2 ORDER BY position LIMIT ?3";

/// The replay that is under way.
pub(super) const OPEN_REPLAY: &str =
    "SELECT * FROM replay INDEXED BY replay_open WHERE endpoint = ?1 AND over_at IS NULL LIMIT 1";

impl RelayRows for SqliteRows<'_> {
    fn endpoint(&self, id: EndpointId) -> Result<Option<Endpoint>> {
        self.one("SELECT * FROM endpoint WHERE id = ?1", [id.to_bytes()], endpoint)
    }

    fn put_endpoint(&mut self, endpoint: &Endpoint) -> Result<()> {
        let (manner, secret, previous) = match &endpoint.role {
            Role::Published(registration) => (json(registration)?, None, None),
            Role::Own(own) => (json(&own.manner)?, Some(&own.secret.0), own.previous.as_ref()),
            Role::Callbacks => (CALLBACKS.to_owned(), None, None),
        };
        self.run(
            "INSERT INTO endpoint (id, business, topic, address, manner, secret, previous_secret, previous_until, filter, begins,
                 cursor, health, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
             ON CONFLICT (id) DO UPDATE SET topic = ?3, address = ?4, manner = ?5, secret = ?6, previous_secret = ?7,
                 previous_until = ?8, filter = ?9, cursor = ?11, health = ?12",
            params![
                endpoint.id.to_bytes(),
                endpoint.business.to_bytes(),
                endpoint.role.topic().map(Topic::as_str),
                endpoint.address,
                manner,
                secret,
                previous.map(|(secret, _)| &secret.0),
                previous.map(|(_, until)| until.as_millis()),
                json(&endpoint.filter)?,
                int(endpoint.begins),
                int(endpoint.cursor),
                json(&endpoint.health)?,
                endpoint.created_at.as_millis()
            ],
        )?;
        Ok(())
    }

    fn progress(&mut self, id: EndpointId, cursor: u64, health: &Health) -> Result<()> {
        self.run(
            "UPDATE endpoint SET cursor = ?2, health = ?3 WHERE id = ?1",
            params![id.to_bytes(), int(cursor), json(health)?],
        )?;
        Ok(())
    }

    fn drop_endpoint(&mut self, id: EndpointId) -> Result<()> {
        self.run("DELETE FROM endpoint WHERE id = ?1", [id.to_bytes()])?;
        self.run("DELETE FROM replay WHERE endpoint = ?1", [id.to_bytes()])?;
        Ok(())
    }

    fn endpoints(&self, business: Option<BusinessId>) -> Result<Vec<Endpoint>> {
        match business {
            Some(business) => self.all("SELECT * FROM endpoint WHERE business = ?1 ORDER BY id", [business.to_bytes()], endpoint),
            None => self.all("SELECT * FROM endpoint ORDER BY id", params![], endpoint),
        }
    }

    fn own_endpoints(&self, business: BusinessId) -> Result<usize> {
        let sql = "SELECT count(*) FROM endpoint WHERE business = ?1 AND secret IS NOT NULL";
        let count = self.one(sql, [business.to_bytes()], |row| get_count(row, 0))?;
        Ok(usize::try_from(count.unwrap_or(0)).unwrap_or(usize::MAX))
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
        let attempt = delivery.attempt.as_ref();
        self.run(
            "INSERT OR REPLACE INTO delivery (endpoint, position, sender, customer, first, tried, due, since, seen, at, status, millis,
                 answer)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
            params![
                endpoint.to_bytes(),
                int(delivery.position),
                sender,
                customer,
                delivery.first,
                delivery.tried,
                delivery.due.map(Timestamp::as_millis),
                delivery.since.as_millis(),
                delivery.seen,
                attempt.map(|a| a.at.as_millis()),
                attempt.and_then(|a| a.status),
                attempt.map(|a| a.millis),
                json_if(delivery.answer.as_ref())?
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
        self.one(FIRST_DELIVERY, [endpoint.to_bytes()], |row| get_count(row, "position"))
    }

    fn due_deliveries(&self, endpoint: EndpointId, now: Timestamp, limit: usize) -> Result<Vec<Delivery>> {
        self.all(DUE_DELIVERIES, params![endpoint.to_bytes(), now.as_millis(), bound(limit)], delivery)
    }

    fn next_delivery(&self, endpoint: EndpointId, now: Timestamp) -> Result<Option<Timestamp>> {
        self.one(NEXT_DELIVERY, params![endpoint.to_bytes(), now.as_millis()], |row| get_time(row, "due"))
    }

    fn deliveries_after(&self, endpoint: EndpointId, given_up: bool, after: u64, limit: usize) -> Result<Vec<Delivery>> {
        let sql = if given_up { GIVEN_UP } else { OPEN_DELIVERIES };
        self.all(sql, params![endpoint.to_bytes(), int(after), bound(limit)], delivery)
    }

    fn replay(&self, endpoint: EndpointId, id: ReplayId) -> Result<Option<EventReplay>> {
        self.one("SELECT * FROM replay WHERE endpoint = ?1 AND id = ?2", [endpoint.to_bytes(), id.to_bytes()], replay)
    }

    fn put_replay(&mut self, replay: &EventReplay) -> Result<()> {
        self.run(
            "INSERT OR REPLACE INTO replay (endpoint, id, given_up, first, last, cursor, told, failed, created_at, over_at, stopped)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            params![
                replay.endpoint.to_bytes(),
                replay.id.to_bytes(),
                replay.given_up,
                int(replay.from),
                int(replay.to),
                int(replay.cursor),
                int(replay.told),
                int(replay.failed),
                replay.created_at.as_millis(),
                replay.over_at.map(Timestamp::as_millis),
                replay.stopped
            ],
        )?;
        Ok(())
    }

    fn drop_replay(&mut self, endpoint: EndpointId, id: ReplayId) -> Result<()> {
        self.run("DELETE FROM replay WHERE endpoint = ?1 AND id = ?2", [endpoint.to_bytes(), id.to_bytes()])?;
        Ok(())
    }

    fn open_replay(&self, endpoint: EndpointId) -> Result<Option<EventReplay>> {
        self.one(OPEN_REPLAY, [endpoint.to_bytes()], replay)
    }

    fn replays(&self, endpoint: EndpointId) -> Result<Vec<EventReplay>> {
        self.all("SELECT * FROM replay WHERE endpoint = ?1 ORDER BY id", [endpoint.to_bytes()], replay)
    }
}
