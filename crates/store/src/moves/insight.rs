//! What people look at: the tellings of a message, one delivery, the lag of endpoints.

use std::collections::{BTreeMap, BTreeSet};

use transom_domain::event::Event;
use transom_domain::id::{BusinessId, EndpointId, EventId, MessageId};
use transom_domain::time::{Span, Timestamp};

use super::relay::{owned, position_at, view};
use super::tell;
use super::timeline::speaks_of;
use crate::contract::ENDPOINTS_MAX;
use crate::rows::{Result, Rows};
use crate::{Lag, TELLINGS_LOOK_MAX, TIMELINE_MAX, Telling, Told};

/// Events that are read at once.
const CHUNK: usize = 64;
/// By how much an event can be later than the moment of what it tells: the stream never goes back, whoever's clock was read first.
const SLACK: Span = Span::secs(2);

/// See [`crate::Insight::tellings`].
pub(crate) fn tellings(rows: &dyn Rows, business: BusinessId, message: MessageId) -> Result<Option<Vec<Telling>>> {
    let Some((brief, _)) = rows.brief(business, message)? else { return Ok(None) };
    let mut moments = BTreeSet::from([brief.accepted_at]);
    moments.extend(rows.attempts(brief.seq)?.into_iter().map(|row| row.attempt.started_at));
    moments.extend(rows.words(brief.seq, TIMELINE_MAX)?.into_iter().map(|word| word.heard_at));
    let mut positions = BTreeSet::from_iter(rows.told_at(brief.seq)?);
    positions.extend(rows.amendments_of(brief.seq)?.into_iter().filter_map(|row| row.told_at));
    let mut found = BTreeMap::new();
    for position in positions {
        found.extend(rows.event(business, position)?.map(|event| (position, event)));
    }
    let mut looked_to = 0;
    for moment in moments {
        let from = position_at(rows, business, moment)?.saturating_sub(1).max(looked_to);
        looked_to = look(rows, business, from, message, moment, &mut found)?;
    }
    let endpoints = rows.endpoints(Some(business))?;
    let mut told = Vec::with_capacity(found.len());
    for (position, event) in found {
        let mut outstanding = Vec::new();
        for endpoint in endpoints.iter().filter(|endpoint| !endpoint.role.is_raw()) {
            outstanding.extend(rows.delivery(endpoint.id, position)?.map(|delivery| (endpoint.id, view(delivery))));
        }
        told.push(Telling { event, outstanding });
    }
    Ok(Some(told))
}

/// Looks for what tells of a message from a position on, in what happened within [`SLACK`] of a moment. Says how far it looked.
fn look(
    rows: &dyn Rows,
    business: BusinessId,
    mut from: u64,
    message: MessageId,
    moment: Timestamp,
    found: &mut BTreeMap<u64, Event>,
) -> Result<u64> {
    let mut looked = 0;
    while looked < TELLINGS_LOOK_MAX {
        let events = rows.events_after(business, from, CHUNK)?;
        let last = events.len() < CHUNK;
        looked += events.len();
        for event in events {
            if event.at > moment.plus(SLACK) {
                return Ok(from);
            }
            from = event.position;
            if speaks_of(&event.body) == Some(message) {
                found.insert(event.position, event);
            }
        }
        if last {
            break;
        }
    }
    Ok(from)
}

/// See [`crate::Insight::delivery`].
pub(crate) fn delivery(rows: &dyn Rows, business: BusinessId, endpoint: EndpointId, event: EventId) -> Result<Option<Told>> {
    let Some(endpoint) = owned(rows, business, endpoint)? else { return Ok(None) };
    let Some(position) = tell::position_of(business, event).filter(|position| *position > endpoint.begins) else {
        return Ok(None);
    };
    let Some(event) = rows.event(business, position)?.filter(|found| found.id == event) else { return Ok(None) };
    let view = rows.delivery(endpoint.id, position)?.map(view);
    Ok(Some((event, view)))
}

/// See [`crate::Insight::lags`].
pub(crate) fn lags(rows: &dyn Rows, business: BusinessId, endpoints: &[(EndpointId, u64)]) -> Result<Vec<Lag>> {
    let (newest, _) = rows.event_bounds(business)?;
    let mut lags = Vec::with_capacity(endpoints.len());
    for (id, told_to) in endpoints.iter().take(2 * ENDPOINTS_MAX) {
        let Some(endpoint) = owned(rows, business, *id)? else {
            lags.push(Lag::default());
            continue;
        };
        let cursor = endpoint.cursor.max(*told_to);
        let next = if cursor < newest { rows.events_after(business, cursor, 1)?.pop() } else { None };
        let first = match rows.first_delivery(endpoint.id)? {
            Some(position) => rows.event(business, position)?,
            None => None,
        };
        let waiting_since = first.into_iter().chain(next).map(|event| event.at).min();
        lags.push(Lag { behind: newest.saturating_sub(cursor), waiting_since });
    }
    Ok(lags)
}
