//! Endpoints, the stream, what is outstanding at each endpoint, and replays.

use transom_domain::endpoint::{Health, News, Order};
use transom_domain::event::{Event, EventBody};
use transom_domain::holding::Thing;
use transom_domain::id::{BusinessId, CustomerId, EndpointId, ReplayId, SenderId};
use transom_domain::time::Timestamp;

use super::{halved, replicas, tell};
use crate::contract::{CALLBACK_ORIGINS_MAX, ENDPOINTS_MAX};
use crate::rows::{Delivery, Result, Rows};
use crate::{
    BATCH_MAX, Deliveries, DeliveryView, DueDelivery, Endpoint, EventPage, EventReplay, PAGE_MAX, PutEndpoint, REPLAY_BATCH,
    REPLAYS_KEEP, RelayRound, RelayWork, Retried, RetryDelivery, Role, StartReplay, StoreError, Told, Waiting,
};

/// See [`crate::Store::put_endpoint`].
pub(crate) fn put_endpoint(rows: &mut dyn Rows, mut endpoint: Endpoint) -> Result<PutEndpoint> {
    if let Some(topic) = endpoint.role.topic()
        && let Some(other) = rows.registration(endpoint.business, topic)?.filter(|id| *id != endpoint.id)
    {
        return Ok(PutEndpoint::TopicTaken(other));
    }
    if endpoint.role == Role::Callbacks {
        let mut origins = rows.endpoints(Some(endpoint.business))?;
        origins.retain(|known| known.role == Role::Callbacks && known.id != endpoint.id);
        if let Some(known) = origins.iter().find(|known| known.address == endpoint.address) {
            return Ok(PutEndpoint::TopicTaken(known.id));
        }
        if origins.len() >= CALLBACK_ORIGINS_MAX {
            return Ok(PutEndpoint::Full);
        }
    }
    match rows.endpoint(endpoint.id)? {
        Some(known) if known.business != endpoint.business => {
            return Err(StoreError::Corrupt(format!("endpoint {}: the id is another business's", endpoint.id)));
        }
        // The cursor and the health are the relay's.
        Some(Endpoint { begins, cursor, health, created_at, .. }) => {
            endpoint = Endpoint { begins, cursor, health, created_at, ..endpoint };
        }
        None if matches!(endpoint.role, Role::Own(_)) && rows.own_endpoints(endpoint.business)? >= ENDPOINTS_MAX => {
            return Ok(PutEndpoint::Full);
        }
        // The journal is no row: whoever makes such an endpoint says where it begins.
        None if endpoint.role.is_raw() => {}
        None => {
            endpoint.begins = rows.event_bounds(endpoint.business)?.0;
            endpoint.cursor = endpoint.begins;
        }
    }
    rows.put_endpoint(&endpoint)?;
    Ok(PutEndpoint::Stored)
}

/// See [`crate::Store::change_endpoint`].
pub(crate) fn change_endpoint(
    rows: &mut dyn Rows,
    business: BusinessId,
    endpoint: EndpointId,
    change: &(dyn Fn(&mut Endpoint) + Send + Sync),
) -> Result<Option<Endpoint>> {
    let Some(known) = owned(rows, business, endpoint)? else { return Ok(None) };
    let mut wished = known.clone();
    change(&mut wished);
    let Endpoint { address, filter, role, .. } = wished;
    let role = if role.topic() == known.role.topic() { role } else { known.role.clone() };
    let changed = Endpoint { address, filter, role, ..known };
    rows.put_endpoint(&changed)?;
    Ok(Some(changed))
}

pub(super) fn owned(rows: &dyn Rows, business: BusinessId, endpoint: EndpointId) -> Result<Option<Endpoint>> {
    Ok(rows.endpoint(endpoint)?.filter(|e| e.business == business))
}

/// See [`crate::Store::endpoint`].
pub(crate) fn endpoint(rows: &dyn Rows, business: BusinessId, endpoint: EndpointId) -> Result<Option<Endpoint>> {
    owned(rows, business, endpoint)
}

/// See [`crate::Store::switch_endpoint`].
pub(crate) fn switch(rows: &mut dyn Rows, business: BusinessId, endpoint: EndpointId, off: Option<String>) -> Result<bool> {
    let Some(endpoint) = owned(rows, business, endpoint)? else { return Ok(false) };
    if endpoint.health.disabled.is_some() != off.is_some() {
        rows.progress(endpoint.id, endpoint.cursor, &endpoint.health.switched(off))?;
    }
    Ok(true)
}

/// See [`crate::Store::delete_endpoint`].
pub(crate) fn delete_endpoint(rows: &mut dyn Rows, business: BusinessId, endpoint: EndpointId) -> Result<bool> {
    if owned(rows, business, endpoint)?.is_none() {
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

/// See [`crate::Store::position_at`].
pub(crate) fn position_at(rows: &dyn Rows, business: BusinessId, at: Timestamp) -> Result<u64> {
    let (newest, earliest) = rows.event_bounds(business)?;
    let seen = |position| Ok(rows.event_ages(business, position, 1)?.first().map(|(_, seen)| *seen));
    halved((earliest, newest.saturating_add(1)), at, seen)
}

/// See [`crate::Store::relay_work`].
pub(crate) fn work(rows: &dyn Rows, endpoint: EndpointId, after: u64, now: Timestamp, limit: usize) -> Result<RelayWork> {
    let Some(endpoint) = rows.endpoint(endpoint)? else { return Ok(RelayWork::default()) };
    let limit = limit.min(BATCH_MAX);
    let after = endpoint.cursor.max(after);
    let mut work = RelayWork { looked_to: after, ..RelayWork::default() };
    // Nearly always nothing is outstanding, and then no conversation has to be asked.
    let any = endpoint.role.order() == Order::Conversation && rows.first_delivery(endpoint.id)?.is_some();
    for event in rows.events_after(endpoint.business, after, limit)? {
        work.looked_to = event.position;
        let held = match event.body.order_key().filter(|_| any) {
            Some(key) => rows.oldest_delivery(endpoint.id, key)?.is_some(),
            None => false,
        };
        work.fresh.push((event, held));
    }
    let due = rows.due_deliveries(endpoint.id, now, limit)?;
    // More may be due at once than one round takes.
    work.next_due = if due.len() == limit && limit > 0 { Some(now) } else { rows.next_delivery(endpoint.id, now)? };
    for delivery in due {
        match rows.event(endpoint.business, delivery.position)? {
            Some(event) => {
                let ordered = delivery.key.is_some();
                work.due.push(DueDelivery { event, tried: delivery.tried, since: delivery.since, ordered });
            }
            None => work.lost.push(delivery.position),
        }
    }
    work.due.sort_by_key(|d| d.event.position);
    if let Some(replay) = rows.open_replay(endpoint.id)? {
        let events = replayed(rows, &endpoint, &replay)?;
        work.replay = Some((replay, events));
    }
    Ok(work)
}

/// What comes next of a replay. What the endpoint has yet to be told for the first time is not repeated.
fn replayed(rows: &dyn Rows, endpoint: &Endpoint, replay: &EventReplay) -> Result<Vec<Event>> {
    let mut events = Vec::new();
    if replay.given_up {
        for delivery in rows.deliveries_after(endpoint.id, true, replay.cursor, REPLAY_BATCH)? {
            if delivery.position <= replay.to {
                events.extend(rows.event(endpoint.business, delivery.position)?);
            }
        }
    } else {
        events = rows.events_after(endpoint.business, replay.cursor, REPLAY_BATCH)?;
        events.retain(|event| event.position <= replay.to);
    }
    Ok(events)
}

/// See [`crate::Store::relay_settle`].
pub(crate) fn settle(rows: &mut dyn Rows, round: &RelayRound) -> Result<Health> {
    let Some(endpoint) = rows.endpoint(round.endpoint)? else { return Ok(round.health.clone()) };
    if !replicas::holds(rows, endpoint.business, Thing::Endpoint(endpoint.id), round.by)? {
        return Err(StoreError::NotHeld);
    }
    for position in &round.over {
        let Some(over) = rows.delivery(endpoint.id, *position)? else { continue };
        rows.drop_delivery(endpoint.id, *position)?;
        if let Some(key) = over.key.filter(|_| over.first) {
            step_up(rows, endpoint.id, key)?;
        }
    }
    for waiting in &round.waiting {
        wait(rows, endpoint.id, waiting, round.now)?;
    }
    if let Some(replay) = &round.replay {
        // One that was stopped meanwhile stays stopped.
        if let Some(known) = rows.replay(endpoint.id, replay.id)? {
            let over = known.over_at.is_some();
            let (over_at, stopped) = if over { (known.over_at, known.stopped) } else { (replay.over_at, replay.stopped) };
            rows.put_replay(&EventReplay { over_at, stopped, ..replay.clone() })?;
        }
    }
    let health = if endpoint.health == round.known { &round.health } else { &endpoint.health };
    for body in &round.news {
        tell::event(rows, endpoint.business, round.now, body.clone())?;
    }
    if let Some(body) = news(&endpoint, health) {
        tell::event(rows, endpoint.business, round.now, body)?;
    }
    rows.progress(endpoint.id, endpoint.cursor.max(round.cursor), health)?;
    Ok(health.clone())
}

/// What of an endpoint's new health is an event. Only a change is one, so that an endpoint which fails to be told of its own
/// failing tells of nothing more.
fn news(endpoint: &Endpoint, health: &Health) -> Option<EventBody> {
    let error = || health.last_error.clone().unwrap_or_default();
    let id = endpoint.id;
    Some(match health.news(&endpoint.health)? {
        News::Failing => {
            let since = health.failing_since.or(health.last_failure).unwrap_or(Timestamp::EPOCH);
            EventBody::EndpointFailing { endpoint: id, failures: health.failures, since, error: error() }
        }
        News::Recovered => EventBody::EndpointRecovered { endpoint: id },
        News::Disabled => EventBody::EndpointDisabled { endpoint: id, reason: health.disabled.clone().unwrap_or_else(error) },
    })
}

fn wait(rows: &mut dyn Rows, endpoint: EndpointId, waiting: &Waiting, now: Timestamp) -> Result<()> {
    let position = waiting.position;
    let known = rows.delivery(endpoint, position)?;
    // What was given up holds back nothing.
    let key = waiting.conversation.filter(|_| waiting.due.is_some());
    let oldest = match key {
        Some(key) => rows.oldest_delivery(endpoint, key)?,
        None => None,
    };
    let first = waiting.due.is_some() && oldest.as_ref().is_none_or(|o| o.position >= position);
    // One that comes in before the first of its conversation takes its place.
    if let Some(oldest) = oldest.filter(|o| o.first && o.position > position) {
        rows.put_delivery(endpoint, &Delivery { first: false, ..oldest })?;
    }
    let before = known.as_ref();
    let (attempt, answer) = match waiting.attempt {
        Some(attempt) => (Some(attempt), waiting.answer.clone()),
        None => before.map_or((None, None), |d| (d.attempt, d.answer.clone())),
    };
    let delivery = Delivery {
        position,
        key,
        first,
        tried: waiting.tried,
        due: waiting.due,
        since: before.map_or(now, |d| d.since),
        seen: waiting.seen.clone(),
        attempt,
        answer,
    };
    rows.put_delivery(endpoint, &delivery)?;
    match known.filter(|d| d.first && d.key != key).and_then(|d| d.key) {
        Some(left) => step_up(rows, endpoint, left),
        None => Ok(()),
    }
}

/// The next delivery of a conversation comes to the front.
fn step_up(rows: &mut dyn Rows, endpoint: EndpointId, key: (SenderId, CustomerId)) -> Result<()> {
    match rows.oldest_delivery(endpoint, key)? {
        Some(next) => rows.put_delivery(endpoint, &Delivery { first: true, ..next }),
        None => Ok(()),
    }
}

/// See [`crate::Store::deliveries`].
pub(crate) fn deliveries(
    rows: &dyn Rows,
    business: BusinessId,
    endpoint: EndpointId,
    which: Deliveries,
    from: Option<u64>,
    limit: usize,
) -> Result<Option<Vec<Told>>> {
    let Some(endpoint) = owned(rows, business, endpoint)? else { return Ok(None) };
    let limit = limit.min(PAGE_MAX);
    let mut found = Vec::new();
    match which {
        Deliveries::All => {
            for event in rows.events_before(business, from.unwrap_or(u64::MAX), limit)? {
                if event.position <= endpoint.begins {
                    break;
                }
                let view = rows.delivery(endpoint.id, event.position)?.map(view);
                found.push((event, view));
            }
        }
        Deliveries::Waiting | Deliveries::GivenUp => {
            let given_up = which == Deliveries::GivenUp;
            for delivery in rows.deliveries_after(endpoint.id, given_up, from.unwrap_or(0), limit)? {
                if let Some(event) = rows.event(business, delivery.position)? {
                    found.push((event, Some(view(delivery))));
                }
            }
        }
    }
    Ok(Some(found))
}

pub(super) fn view(delivery: Delivery) -> DeliveryView {
    let Delivery { tried, due, since, attempt, answer, seen, .. } = delivery;
    DeliveryView { tried, due, since, attempt, answer, seen }
}

/// See [`crate::Store::retry_delivery`].
pub(crate) fn retry(rows: &mut dyn Rows, business: BusinessId, retry: RetryDelivery, now: Timestamp) -> Result<Retried> {
    let RetryDelivery { endpoint, event, told_to } = retry;
    let Some(endpoint) = owned(rows, business, endpoint)? else { return Ok(Retried::NoEndpoint) };
    let Some(position) = tell::position_of(business, event) else { return Ok(Retried::NoEvent) };
    if rows.event(business, position)?.is_none_or(|found| found.id != event) {
        return Ok(Retried::NoEvent);
    }
    // What it is told for the first time in a moment needs no help.
    let delivery = rows.delivery(endpoint.id, position)?;
    if position > endpoint.cursor.max(told_to) && delivery.is_none() {
        return Ok(Retried::Due);
    }
    let again = match delivery {
        // It keeps its place in its conversation: by hand, too, nothing overtakes.
        Some(open) if open.due.is_some() => Delivery { due: Some(now), ..open },
        known => Delivery {
            position,
            key: None,
            first: true,
            tried: 0,
            due: Some(now),
            since: now,
            seen: "asked for by hand".to_owned(),
            attempt: known.as_ref().and_then(|d| d.attempt),
            answer: known.and_then(|d| d.answer),
        },
    };
    rows.put_delivery(endpoint.id, &again)?;
    Ok(Retried::Due)
}

/// See [`crate::Store::start_replay`].
pub(crate) fn start_replay(rows: &mut dyn Rows, business: BusinessId, mut replay: EventReplay) -> Result<StartReplay> {
    let Some(endpoint) = owned(rows, business, replay.endpoint)? else { return Ok(StartReplay::NoEndpoint) };
    if let Some(open) = rows.open_replay(endpoint.id)? {
        return Ok(StartReplay::UnderWay(open.id));
    }
    let (newest, earliest) = rows.event_bounds(business)?;
    replay.from = replay.from.max(earliest);
    replay.to = replay.to.min(newest);
    replay.cursor = replay.from.saturating_sub(1);
    let known = rows.replays(endpoint.id)?;
    let mut over: Vec<(Timestamp, ReplayId)> = known.iter().map(|replay| (replay.created_at, replay.id)).collect();
    over.sort_unstable();
    for (_, id) in over.iter().take((known.len() + 1).saturating_sub(REPLAYS_KEEP)) {
        rows.drop_replay(endpoint.id, *id)?;
    }
    rows.put_replay(&replay)?;
    Ok(StartReplay::Started)
}

/// See [`crate::Store::replays`].
pub(crate) fn replays(rows: &dyn Rows, business: BusinessId, endpoint: EndpointId) -> Result<Option<Vec<EventReplay>>> {
    match owned(rows, business, endpoint)? {
        Some(endpoint) => {
            let mut replays = rows.replays(endpoint.id)?;
            replays.sort_by_key(|replay| std::cmp::Reverse((replay.created_at, replay.id)));
            Ok(Some(replays))
        }
        None => Ok(None),
    }
}

/// See [`crate::Store::stop_replay`].
pub(crate) fn stop_replay(
    rows: &mut dyn Rows,
    business: BusinessId,
    endpoint: EndpointId,
    id: ReplayId,
    now: Timestamp,
) -> Result<bool> {
    let Some(endpoint) = owned(rows, business, endpoint)? else { return Ok(false) };
    let Some(replay) = rows.replay(endpoint.id, id)? else { return Ok(false) };
    if replay.over_at.is_none() {
        rows.put_replay(&EventReplay { over_at: Some(now), stopped: true, ..replay })?;
    }
    Ok(true)
}
