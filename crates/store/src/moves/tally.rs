//! Tallies: raised where a message comes in or shows something new, in the same commit.

use transom_domain::id::{BusinessId, CustomerId, SenderId};
use transom_domain::session::Session;
use transom_domain::status::{Failure, Status};
use transom_domain::time::Timestamp;

use crate::contract::{FAILINGS_MAX, OPEN_SESSIONS_MAX, TALLIES_KEEP, TALLY_MINUTES_KEEP, TALLY_POINTS_MAX};
use crate::rows::{Brief, Change, FailureKey, Result, Rows, TallyKey, Width, hour_of, minute_of};
use crate::{Overview, OverviewAsk, Tally};

/// Conversations that are read at once.
const SLICE: usize = 512;

/// A message shows something else than before, or is new.
pub(crate) fn count(rows: &mut dyn Rows, brief: &Brief, before: Option<Status>, after: Status) -> Result<()> {
    let change = Change::between(before.map(Tally::of), Tally::of(after));
    if change.is_nothing() {
        return Ok(());
    }
    let Brief { business, sender, .. } = *brief;
    rows.add_tally(TallyKey { business, width: Width::Minute, at: minute_of(brief.accepted_at), sender }, change)
}

/// A failure is told.
pub(crate) fn count_failure(rows: &mut dyn Rows, brief: &Brief, failure: &Failure, now: Timestamp) -> Result<()> {
    let upstream = failure.upstream.as_ref().map_or(-1, |error| error.code);
    let Brief { business, sender, .. } = *brief;
    rows.add_failure(FailureKey { business, hour: hour_of(now), sender, code: failure.code, upstream }, now)
}

/// See [`crate::Tallies::overview`].
pub(crate) fn overview(rows: &dyn Rows, business: BusinessId, ask: &OverviewAsk) -> Result<Overview> {
    let range = (minute_of(ask.from), minute_of(ask.to));
    let points = rows.tallies(business, range, ask.step, ask.sender, TALLY_POINTS_MAX)?;
    Ok(Overview {
        points: points.into_iter().map(|(at, sum)| (Timestamp::from_secs(at * 60), sum.tally())).collect(),
        failings: rows.failures(business, (hour_of(ask.from), range.1), ask.sender, FAILINGS_MAX)?,
        open_sessions: open_sessions(rows, business, ask.sender, ask.now)?,
    })
}

/// How many conversations have an open session: along the index of those that were heard last, up to those that are over.
fn open_sessions(rows: &dyn Rows, business: BusinessId, sender: Option<SenderId>, now: Timestamp) -> Result<usize> {
    let mut after: Option<(Timestamp, SenderId, CustomerId)> = None;
    let (mut open, mut looked) = (0, 0);
    while looked < OPEN_SESSIONS_MAX {
        let slice = rows.heard_conversations(business, sender, None, after, SLICE)?;
        let last = slice.len() < SLICE;
        for (sender, customer, evidence) in slice {
            let Some(at) = evidence.heard.filter(|at| *at > now.minus(transom_domain::session::SESSION)) else {
                return Ok(open);
            };
            open += usize::from(matches!(evidence.at(now), Session::Open { .. }));
            after = Some((at, sender, customer));
            looked += 1;
        }
        if last {
            break;
        }
    }
    Ok(open)
}

/// Sums the oldest minutes of a business up into hours, and removes the oldest hours: at most so many rows. How many are gone, and
/// how many it went through: what is summed up is still there.
pub(crate) fn sweep(rows: &mut dyn Rows, business: BusinessId, room: usize, now: Timestamp) -> Result<(usize, usize)> {
    // Whole hours, so that an hour that is asked for is in minutes or in a row of its own.
    let minutes = hour_of(now.minus(TALLY_MINUTES_KEEP));
    let old = rows.old_tallies(business, Width::Minute, minutes, room)?;
    let passed = old.len();
    for (key, change) in old {
        rows.drop_tally(key)?;
        let at = key.at.div_euclid(Width::Hour.minutes()) * Width::Hour.minutes();
        rows.add_tally(TallyKey { width: Width::Hour, at, ..key }, change)?;
    }
    let hours = hour_of(now.minus(TALLIES_KEEP));
    let old = rows.old_tallies(business, Width::Hour, hours, room.saturating_sub(passed))?;
    let mut gone = old.len();
    for (key, _) in old {
        rows.drop_tally(key)?;
    }
    gone += rows.drop_failures(business, hours, room.saturating_sub(passed + gone))?;
    Ok((gone, passed + gone))
}
