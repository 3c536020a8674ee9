//! What was not heard: messages are passed once, in the order in which they were accepted, when they are old enough.

use std::collections::BTreeMap;

use transom_domain::id::{BusinessId, SenderId};
use transom_domain::status::Status;
use transom_domain::template::Category;
use transom_domain::time::{Span, Timestamp};

use crate::rows::{Passed, Result, Rows, Walk};
use crate::{DROPPED_AFTER, SILENCE_AFTER, SILENCE_DAYS, SLICE_MAX, Silence};

/// How many days are kept.
const DAYS_KEPT: i64 = 90;

fn day(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(Span::days(1).as_millis())
}

/// Businesses that are looked at in one look for the next that has something to be counted.
const LOOKED_AT: usize = 64;

/// What a look for the next business found.
pub(crate) enum Next {
    /// This one has something to be counted; the one before it has not.
    Due { before: Option<BusinessId>, business: BusinessId },
    /// None up to this one.
    After(BusinessId),
    /// None, and there are no others.
    Over,
}

/// The next business after one that has something to be counted.
pub(crate) fn next(rows: &dyn Rows, after: Option<BusinessId>, now: Timestamp) -> Result<Next> {
    let mut before = after;
    let all = rows.businesses_after(after, LOOKED_AT)?;
    let last = all.len() < LOOKED_AT;
    for business in all {
        for (walk, age) in WALKS {
            let from = rows.walked_to(walk, business)?;
            if rows.passed_after(business, from, 1)?.first().is_some_and(|message| message.accepted_at < now.minus(age)) {
                return Ok(Next::Due { before, business });
            }
        }
        before = Some(business);
    }
    Ok(before.filter(|_| !last).map_or(Next::Over, Next::After))
}

/// The walks, and how old a message is when it is passed.
const WALKS: [(Walk, Span); 2] = [(Walk::Silence, SILENCE_AFTER), (Walk::Dropped, DROPPED_AFTER)];

/// See [`crate::Store::count_silence`]. Says whether the business may have more.
pub(crate) fn count(rows: &mut dyn Rows, business: BusinessId, limit: usize, now: Timestamp) -> Result<bool> {
    let limit = limit.clamp(1, SLICE_MAX);
    rows.drop_silence(business, day(now) - DAYS_KEPT)?;
    let mut more = false;
    for walk in WALKS {
        more |= weigh_all(rows, business, walk, limit, now)?;
    }
    Ok(more)
}

/// The next messages of a walk that are older than a moment, passed by that; and whether there may be more.
pub(super) fn pass(
    rows: &mut dyn Rows,
    business: BusinessId,
    walk: Walk,
    before: Timestamp,
    limit: usize,
) -> Result<(Vec<Passed>, bool)> {
    let from = rows.walked_to(walk, business)?;
    let mut passed = rows.passed_after(business, from, limit)?;
    let full = passed.len() == limit;
    let old = passed.iter().position(|message| message.accepted_at >= before).unwrap_or(passed.len());
    let more = full && old == passed.len();
    passed.truncate(old);
    if let Some(last) = passed.last() {
        rows.put_walked_to(walk, business, last.seq)?;
    }
    Ok((passed, more))
}

fn weigh_all(rows: &mut dyn Rows, business: BusinessId, (walk, age): (Walk, Span), limit: usize, now: Timestamp) -> Result<bool> {
    let before = now.minus(age);
    let (passed, more) = pass(rows, business, walk, before, limit)?;
    let mut counted = BTreeMap::<(SenderId, i64), Silence>::new();
    for message in passed {
        if let Some(one) = weigh(&message, walk, before) {
            // What is given up weeks later would be of days that nobody adds up any more.
            let seen = if walk == Walk::Dropped { now } else { message.accepted_at };
            *counted.entry((message.sender, day(seen))).or_default() += one;
        }
    }
    for ((sender, day), count) in counted {
        rows.add_silence(sender, day, count)?;
    }
    Ok(more)
}

/// What one message adds; nothing where Meta never had it, or has had it for too short a time to tell.
fn weigh(message: &Passed, walk: Walk, before: Timestamp) -> Option<Silence> {
    if !message.handed || message.started_at.is_none_or(|at| at >= before) {
        return None;
    }
    let (unheard, undelivered) = match message.status {
        Status::Sending => (1, 0),
        Status::Sent => (0, 1),
        Status::Delivered | Status::Read | Status::Failed => (0, 0),
        _ => return None,
    };
    let silent = unheard + undelivered > 0;
    let is_code = message.category == Some(Category::Authentication);
    match walk {
        Walk::Dropped => (silent && !is_code).then_some(Silence { dropped: 1, ..Silence::default() }),
        _ => Some(Silence { messages: 1, unheard, undelivered, dropped: u64::from(silent && is_code) }),
    }
}

/// See [`crate::Store::silence`].
pub(crate) fn of(rows: &dyn Rows, sender: SenderId, now: Timestamp) -> Result<Silence> {
    rows.silence(sender, day(now) - SILENCE_DAYS)
}
