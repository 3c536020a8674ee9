//! What is removed, and when: a slice at a time, so that whoever waits for the writer waits for one slice at most.

use transom_domain::id::BusinessId;
use transom_domain::time::{Span, Timestamp};

use super::{end, media, tally};
use crate::contract::{After, HISTORY_KEEP};
use crate::rows::{Of, Result, Rows, Walk};
use crate::{Keep, SLICE_MAX, SweepKind, SweepPoint, Swept};

/// How long statuses of unknown messages are kept. Meta repeats webhooks for seven days (webhooks/overview); the answer to a
/// send comes within minutes.
const ORPHANS_KEEP: Span = Span::days(8);
/// What a slice removed, and where the next one of the same kind begins; none when the kind is done.
type Slice = (usize, Option<After>);

/// See [`crate::Store::sweep`].
pub(crate) fn sweep(rows: &mut dyn Rows, keep: Keep, from: SweepPoint, limit: usize, now: Timestamp) -> Result<Swept> {
    let limit = limit.clamp(1, SLICE_MAX);
    let (gone, more) = match from.kind {
        SweepKind::IdempotencyKeys => whole(rows.sweep_kept(now, limit)?, limit),
        // In a file of its own: see `beside`.
        SweepKind::Journal => (0, None),
        SweepKind::Orphans => whole(orphans(rows, keep, now, limit)?, limit),
        SweepKind::Deliveries => deliveries(rows, from.after, limit)?,
        SweepKind::Messages => messages(rows, from.after, now.minus(keep.messages), limit, now)?,
        SweepKind::Bodies => {
            by_business(rows, from.after, limit, |rows, business, room| bodies(rows, business, keep, room, now))?
        }
        SweepKind::ProviderIds => left_ids(rows, now.minus(keep.messages), limit)?,
        SweepKind::Events => events(rows, from.after, keep.events, limit, now)?,
        SweepKind::Media => by_business(rows, from.after, limit, |rows, business, room| {
            let keep = days(rows.settings(business)?.retention.media, keep.media);
            let gone = media::sweep(rows, business, now.minus(keep), room, now)?;
            Ok(Part { gone, passed: gone, more: gone >= room })
        })?,
        SweepKind::UpstreamCopies => whole(rows.sweep_upstream_copies(now, limit)?, limit),
        SweepKind::Tallies => by_business(rows, from.after, limit, |rows, business, room| {
            let (gone, passed) = tally::sweep(rows, business, room, now)?;
            Ok(Part { gone, passed, more: passed >= room })
        })?,
        SweepKind::TemplateHistory => whole(rows.sweep_history(now.minus(HISTORY_KEEP), limit)?, limit),
    };
    let next = more.map(|after| SweepPoint { kind: from.kind, after }).or_else(|| from.next_kind());
    Ok(Swept { kind: from.kind, rows: gone, next })
}

/// A kind of which all that is old goes: there may be more as long as slices are full.
fn whole(gone: usize, limit: usize) -> Slice {
    (gone, (gone >= limit).then_some(After::Nothing))
}

/// What waits for something that does not come: statuses and edits of unknown messages, changes of people nobody heard of. And what repeated news is known by, as long
/// as it can be repeated: from the journal too.
fn orphans(rows: &mut dyn Rows, keep: Keep, now: Timestamp, limit: usize) -> Result<usize> {
    let mut gone = rows.sweep_orphans(now.minus(ORPHANS_KEEP), limit)?;
    if gone < limit {
        gone += rows.sweep_amendments(now.minus(ORPHANS_KEEP), limit - gone)?;
    }
    if gone < limit {
        gone += rows.sweep_news(now.minus(keep.journal.max(ORPHANS_KEEP)), limit - gone)?;
    }
    if gone < limit {
        // Who was known by then has the change in the claims; who is heard of later is somebody new.
        gone += rows.sweep_changes(now.minus(keep.messages.max(keep.journal).max(ORPHANS_KEEP)), limit - gone)?;
    }
    Ok(gone)
}

/// What a business has chosen, within what the operator allows.
fn days(chosen: Option<u16>, keep: Span) -> Span {
    chosen.map_or(keep, |days| Span::days(i64::from(days)).min(keep))
}

/// Businesses whose journals are looked at in one slice.
const JOURNALS: usize = 64;

/// The next whose journals are to be swept, with how long each keeps them; and whether there are no others.
pub(crate) fn journals(rows: &dyn Rows, keep: Keep, after: After) -> Result<(Vec<(Of, Span)>, bool)> {
    let mut whose = Vec::new();
    if after == After::Nothing {
        whose.push((None, keep.journal));
    }
    let after = if let After::Business(id) = after { Some(id) } else { None };
    let next = rows.businesses_after(after, JOURNALS)?;
    let last = next.len() < JOURNALS;
    for business in next {
        let chosen = rows.settings(business)?.retention;
        // Raw bodies say what messages say: they are kept no longer than that.
        let bodies = days(chosen.bodies, keep.messages);
        whose.push((Some(business), days(chosen.journal, keep.journal).min(bodies)));
    }
    Ok((whose, last))
}

/// What was swept of one business.
struct Part {
    /// Rows that are gone.
    gone: usize,
    /// Rows that were gone through, those that are gone among them.
    passed: usize,
    /// There may be more.
    more: bool,
}

/// Sweeps business after business: `sweep` is given room for so many rows to go through.
fn by_business(
    rows: &mut dyn Rows,
    after: After,
    limit: usize,
    sweep: impl Fn(&mut dyn Rows, BusinessId, usize) -> Result<Part>,
) -> Result<Slice> {
    let mut after = if let After::Business(id) = after { Some(id) } else { None };
    // A business that is looked at counts as well: there may be many that have nothing.
    let (mut gone, mut passed) = (0, 0);
    while passed < limit {
        let Some(business) = rows.businesses_after(after, 1)?.pop() else { return Ok((gone, None)) };
        passed += 1;
        let part = sweep(rows, business, limit.saturating_sub(passed).max(1))?;
        gone += part.gone;
        passed += part.passed;
        if part.more {
            break;
        }
        after = Some(business);
    }
    Ok((gone, Some(after.map_or(After::Nothing, After::Business))))
}

/// Takes contents out of the messages of a business that chose to keep them for less long than the messages themselves. Each message
/// is passed once: one that still waits by then keeps its content until it goes whole.
fn bodies(rows: &mut dyn Rows, business: BusinessId, keep: Keep, room: usize, now: Timestamp) -> Result<Part> {
    let mut part = Part { gone: 0, passed: 0, more: false };
    let Some(chosen) = rows.settings(business)?.retention.bodies else { return Ok(part) };
    let before = now.minus(days(Some(chosen), keep.messages));
    let from = rows.walked_to(Walk::Bodies, business)?;
    let aged = rows.messages_of_after(business, from, room)?;
    let mut to = from;
    part.more = aged.len() == room;
    for message in aged {
        if message.accepted_at >= before {
            part.more = false;
            break;
        }
        part.passed += 1;
        to = message.seq;
        if message.over {
            end::take_content_out(rows, message.seq)?;
        }
    }
    if to > from {
        rows.put_walked_to(Walk::Bodies, business, to)?;
    }
    Ok(part)
}

/// Endpoints are removed at once, what they were still to be told here; and what was given up goes with its event.
fn deliveries(rows: &mut dyn Rows, after: After, limit: usize) -> Result<Slice> {
    let mut after = if let After::Endpoint(id) = after { Some(id) } else { None };
    let (mut gone, mut looked) = (0, 0);
    while gone + looked < limit {
        let Some(endpoint) = rows.next_outstanding(after)? else { return Ok((gone, None)) };
        looked += 1;
        let kept_from = match rows.endpoint(endpoint)? {
            Some(endpoint) => rows.event_bounds(endpoint.business)?.1,
            None => u64::MAX,
        };
        let room = limit.saturating_sub(gone + looked).max(1);
        let dropped = rows.drop_deliveries(endpoint, kept_from, room)?;
        gone += dropped;
        if dropped == room {
            break;
        }
        after = Some(endpoint);
    }
    Ok((gone, Some(after.map_or(After::Nothing, After::Endpoint))))
}

/// Business after business. Numbers of one grow as its messages are accepted: the first that is young enough ends it. One that is
/// not over stays, whatever its age, and is passed.
fn messages(rows: &mut dyn Rows, after: After, before: Timestamp, limit: usize, now: Timestamp) -> Result<Slice> {
    let (mut at, mut seq, mut done) = match after {
        After::Message(business, seq) => (Some(business), seq, None),
        After::Business(business) => (None, 0, Some(business)),
        _ => (None, 0, None),
    };
    let (mut gone, mut looked) = (0, 0);
    loop {
        let Some(business) = at.take().or(rows.businesses_after(done, 1)?.pop()) else { return Ok((gone, None)) };
        let room = limit.saturating_sub(gone + looked).max(1);
        let aged = rows.messages_of_after(business, seq, room)?;
        // A business that is looked at counts as well: there may be many that have nothing.
        looked += 1;
        let mut more = aged.len() == room;
        for message in aged {
            if message.accepted_at >= before {
                more = false;
                break;
            }
            if gone + looked > limit {
                more = true;
                break;
            }
            if message.over {
                for id in end::provider_ids(rows, message.seq)? {
                    gone += rows.unbind(business, &id, message.seq)?;
                }
                gone += media::delete_of(rows, business, message.id, now)?;
                gone += rows.drop_message(message.seq)?;
            }
            looked += 1;
            seq = message.seq;
        }
        if more {
            return Ok((gone, Some(After::Message(business, seq))));
        }
        (done, seq) = (Some(business), 0);
        if gone + looked >= limit {
            return Ok((gone, Some(After::Business(business))));
        }
    }
}

fn left_ids(rows: &mut dyn Rows, before: Timestamp, limit: usize) -> Result<Slice> {
    let old = rows.left_ids(before, limit)?;
    for (at, business, id, seq) in &old {
        rows.unbind(*business, id, *seq)?;
        rows.drop_left_id(*at, *business, id)?;
    }
    Ok(whole(old.len(), limit))
}

fn events(rows: &mut dyn Rows, after: After, keep: Span, limit: usize, now: Timestamp) -> Result<Slice> {
    let mut after = if let After::Business(id) = after { Some(id) } else { None };
    let (mut gone, mut looked) = (0, 0);
    while gone + looked < limit {
        let Some(business) = rows.next_stream(after)? else { return Ok((gone, None)) };
        looked += 1;
        let before = now.minus(days(rows.settings(business)?.retention.events, keep));
        let (_, earliest) = rows.event_bounds(business)?;
        let needed = first_needed(rows, business)?;
        let room = limit.saturating_sub(gone + looked).max(1);
        let ages = rows.event_ages(business, earliest, room)?;
        let over: Vec<u64> =
            ages.iter().take_while(|(position, at)| *at < before && *position < needed).map(|(position, _)| *position).collect();
        if let Some(last) = over.last() {
            rows.drop_events(business, *last)?;
            gone += over.len();
            if over.len() == room {
                break;
            }
        }
        after = Some(business);
    }
    Ok((gone, Some(after.map_or(After::Nothing, After::Business))))
}

/// The position of the first event that an endpoint still needs: it stays with all after it, whatever its age. One that is
/// switched off needs none.
fn first_needed(rows: &dyn Rows, business: BusinessId) -> Result<u64> {
    let mut needed = u64::MAX;
    for endpoint in rows.endpoints(Some(business))? {
        if endpoint.health.disabled.is_none() && !endpoint.role.is_raw() {
            let open = rows.first_delivery(endpoint.id)?.unwrap_or(u64::MAX);
            needed = needed.min(endpoint.cursor.saturating_add(1)).min(open);
        }
    }
    Ok(needed)
}
