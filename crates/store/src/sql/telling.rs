//! Events.

use super::{Row, params};

use transom_domain::event::Event;
use transom_domain::id::{BusinessId, EventId};
use transom_domain::time::Timestamp;

use super::{Sql, bound, get_count, get_id, get_json, get_time, int, json};
use crate::cache::Stream;
use crate::rows::{Result, TellingRows};

fn event(row: &dyn Row) -> Result<Event> {
    Ok(Event {
        position: get_count(row, "position")?,
        id: EventId::from_bytes(get_id(row, "id")?),
        business: BusinessId::from_bytes(get_id(row, "business")?),
        at: get_time(row, "at")?,
        body: get_json(row, "body")?,
    })
}

/// The stream after a position.
pub(crate) const EVENTS_AFTER: &str = "SELECT * FROM event WHERE business = ?1 AND position > ?2 ORDER BY position LIMIT ?3";

/// The stream before a position.
pub(crate) const EVENTS_BEFORE: &str =
    "SELECT * FROM event WHERE business = ?1 AND position < ?2 ORDER BY position DESC LIMIT ?3";

impl<S: Sql> TellingRows for S {
    fn next_event(&mut self, business: BusinessId, at: Timestamp) -> Result<(u64, Timestamp)> {
        let mut next = self.stream(business)?;
        (next.position, next.at) = (next.position + 1, next.at.max(at));
        self.put_stream(business, next)?;
        Ok((next.position, next.at))
    }

    fn put_event(&mut self, event: &Event) -> Result<()> {
        self.put(
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
        self.put(
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

    fn events_before(&self, business: BusinessId, before: u64, limit: usize) -> Result<Vec<Event>> {
        self.all(EVENTS_BEFORE, params![business.to_bytes(), int(before), bound(limit)], event)
    }

    fn event_bounds(&self, business: BusinessId) -> Result<(u64, u64)> {
        let known = self.stream(business)?;
        Ok((known.position, known.dropped + 1))
    }

    fn drop_events(&mut self, business: BusinessId, up_to: u64) -> Result<()> {
        self.put("DELETE FROM event WHERE business = ?1 AND position <= ?2", params![business.to_bytes(), int(up_to)])?;
        let known = self.stream(business)?;
        self.put_stream(business, Stream { dropped: known.dropped.max(up_to), ..known })
    }

    fn touch(&mut self, now: Timestamp) -> Result<()> {
        self.put("INSERT INTO probe (one, at) VALUES (1, ?1) ON CONFLICT (one) DO UPDATE SET at = ?1", [now.as_millis()])?;
        Ok(())
    }
}
