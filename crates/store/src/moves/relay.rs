//! Endpoints, the stream, and what is outstanding at each endpoint.

use transom_domain::id::{BusinessId, CustomerId, EndpointId, SenderId};
use transom_domain::time::Timestamp;

use crate::rows::{Delivery, Result, Rows};
use crate::{BATCH_MAX, DueDelivery, Endpoint, EventPage, PutEndpoint, RelayRound, RelayWork, StoreError};

/// See [`crate::Store::put_endpoint`].
pub(crate) fn put_endpoint(rows: &mut dyn Rows, mut endpoint: Endpoint) -> Result<PutEndpoint> {
    if let Some(other) = rows.registration(endpoint.business, endpoint.topic)?.filter(|id| *id != endpoint.id) {
        return Ok(PutEndpoint::TopicTaken(other));
    }
    match rows.endpoint(endpoint.id)? {
        Some(known) if known.business != endpoint.business => {
            return Err(StoreError::Corrupt(format!("endpoint {}: the id is another business's", endpoint.id)));
        }
        // The cursor is the relay's: a change by hand never moves it.
        Some(known) => (endpoint.cursor, endpoint.created_at) = (known.cursor, known.created_at),
        None => endpoint.cursor = rows.event_bounds(endpoint.business)?.0,
    }
    rows.put_endpoint(&endpoint)?;
    Ok(PutEndpoint::Stored)
}

/// See [`crate::Store::delete_endpoint`].
pub(crate) fn delete_endpoint(rows: &mut dyn Rows, business: BusinessId, endpoint: EndpointId) -> Result<bool> {
    if rows.endpoint(endpoint)?.is_none_or(|e| e.business != business) {
        return Ok(false);
    }
    rows.drop_endpoint(endpoint)?;
    Ok(true)
}

/// See [`crate::Store::events`].
pub(crate) fn events(rows: &dyn Rows, business: BusinessId, after: u64, limit: usize) -> Result<EventPage> {
    let (newest, earliest) = rows.event_bounds(business)?;
    Ok(EventPage { events: rows.events_after(business, after, limit.min(BATCH_MAX))?, newest, earliest })
}

/// See [`crate::Store::relay_work`].
pub(crate) fn work(rows: &dyn Rows, endpoint: EndpointId, now: Timestamp, limit: usize) -> Result<RelayWork> {
    let Some(endpoint) = rows.endpoint(endpoint)? else { return Ok(RelayWork::default()) };
    let limit = limit.min(BATCH_MAX);
    let mut work = RelayWork { looked_to: endpoint.cursor, ..RelayWork::default() };
    for event in rows.events_after(endpoint.business, endpoint.cursor, limit)? {
        work.looked_to = event.position;
        let held = match event.body.order_key() {
            Some(key) => rows.oldest_delivery(endpoint.id, key)?.is_some(),
            None => false,
        };
        work.fresh.push((event, held));
    }
    let due = rows.due_deliveries(endpoint.id, now, limit)?;
    // More may be due at once than one round takes.
    work.next_due = if due.len() == limit && limit > 0 { Some(now) } else { rows.next_delivery(endpoint.id, now)? };
    for delivery in due {
        let Some(event) = rows.event(endpoint.business, delivery.position)? else { continue };
        work.due.push(DueDelivery { event, tried: delivery.tried, since: delivery.since });
    }
    work.due.sort_by_key(|d| d.event.position);
    Ok(work)
}

/// See [`crate::Store::relay_settle`].
pub(crate) fn settle(rows: &mut dyn Rows, round: &RelayRound) -> Result<()> {
    let Some(mut endpoint) = rows.endpoint(round.endpoint)? else { return Ok(()) };
    for position in &round.over {
        let Some(over) = rows.delivery(endpoint.id, *position)? else { continue };
        rows.drop_delivery(endpoint.id, *position)?;
        if let Some(key) = over.key.filter(|_| over.first) {
            step_up(rows, endpoint.id, key)?;
        }
    }
    for (position, key, tried, due, seen) in round.waiting.iter().cloned() {
        let known = rows.delivery(endpoint.id, position)?;
        let since = known.as_ref().map_or(round.now, |d| d.since);
        let oldest = match key {
            Some(key) => rows.oldest_delivery(endpoint.id, key)?,
            None => None,
        };
        let first = oldest.as_ref().is_none_or(|o| o.position >= position);
        // One that comes in before the first of its conversation takes its place.
        if let Some(oldest) = oldest.filter(|o| o.first && o.position > position) {
            rows.put_delivery(endpoint.id, &Delivery { first: false, ..oldest })?;
        }
        rows.put_delivery(endpoint.id, &Delivery { position, key, first, tried, due, since, seen })?;
    }
    endpoint.cursor = endpoint.cursor.max(round.cursor);
    endpoint.state = round.state.clone();
    rows.put_endpoint(&endpoint)
}

/// The next delivery of a conversation comes to the front.
fn step_up(rows: &mut dyn Rows, endpoint: EndpointId, key: (SenderId, CustomerId)) -> Result<()> {
    match rows.oldest_delivery(endpoint, key)? {
        Some(next) => rows.put_delivery(endpoint, &Delivery { first: true, ..next }),
        None => Ok(()),
    }
}
