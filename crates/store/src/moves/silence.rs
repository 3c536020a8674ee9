//! What was not heard: messages are passed once, in the order in which they were accepted, when they are old enough.

use std::collections::BTreeMap;

use transom_domain::id::SenderId;
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

/// See [`crate::Store::count_silence`].
pub(crate) fn count(rows: &mut dyn Rows, limit: usize, now: Timestamp) -> Result<bool> {
    let limit = limit.clamp(1, SLICE_MAX);
    rows.drop_silence(day(now) - DAYS_KEPT)?;
    let more = walk(rows, Walk::Silence, SILENCE_AFTER, now, limit)?;
    Ok(walk(rows, Walk::Dropped, DROPPED_AFTER, now, limit)? || more)
}

fn walk(rows: &mut dyn Rows, walk: Walk, age: Span, now: Timestamp, limit: usize) -> Result<bool> {
    let before = now.minus(age);
    let from = rows.walked_to(walk, None)?;
    let passed = rows.passed_after(from, limit)?;
    let full = passed.len() == limit;
    let (mut to, mut counted) = (from, BTreeMap::<(SenderId, i64), Silence>::new());
    let mut more = full;
    for message in passed {
        if message.accepted_at >= before {
            more = false;
            break;
        }
        to = message.seq;
        if let Some(one) = weigh(&message, walk, before) {
            // What is given up weeks later would be of days that nobody adds up any more.
            let seen = if walk == Walk::Dropped { now } else { message.accepted_at };
            *counted.entry((message.sender, day(seen))).or_default() += one;
        }
    }
    for ((sender, day), count) in counted {
        rows.add_silence(sender, day, count)?;
    }
    if to > from {
        rows.put_walked_to(walk, None, to)?;
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
