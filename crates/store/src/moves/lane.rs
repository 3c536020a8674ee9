//! Lanes: who is next, when, and behind whom.
//!
//! The head of a lane is the first message that is not put aside. One that must wait longer than [`LANE_PATIENCE`] is put
//! aside, so that the others pass; when its time has come it takes its place again by its position. A lane with a message in
//! flight is due for nothing; an unknown message is no longer in flight.

use transom_domain::id::CustomerId;
use transom_domain::message::LANE_PATIENCE;
use transom_domain::status::Phase;
use transom_domain::time::Timestamp;

use super::timeline;
use crate::rows::{Brief, Lane, LaneKey, Result, Rows, Seq, Standing, Wait};

/// The lane of a message.
pub(crate) fn key(brief: &Brief) -> LaneKey {
    LaneKey { sender: brief.sender, class: brief.class, customer: brief.lane }
}

/// The message as it waits until `not_before`.
pub(crate) fn wait(brief: &Brief, not_before: Timestamp, now: Timestamp) -> Wait {
    Wait {
        lane: key(brief),
        position: brief.position,
        seq: brief.seq,
        not_before,
        aside: not_before > now.plus(LANE_PATIENCE),
        expires_at: brief.expires_at,
        accepted_at: brief.accepted_at,
        content: brief.content,
    }
}

/// Puts the newest message of a sender into its lane; it stands behind all others, so that most lanes need no second look.
pub(crate) fn join_last(rows: &mut dyn Rows, wait: &Wait) -> Result<()> {
    rows.put_wait(wait)?;
    match rows.lane(&wait.lane)? {
        None => rows.put_lane(&wait.lane, &Lane { flight: None, due: Some(wait.not_before), head: wait.position }),
        Some(lane) if lane.flight.is_some() => rows.seat(&wait.lane),
        Some(lane) if lane.due.is_some_and(|due| due <= wait.not_before) => Ok(()),
        Some(lane) => refresh(rows, &wait.lane, lane),
    }
}

/// Works out anew when a lane is due, and drops it when nothing is in it.
pub(crate) fn refresh(rows: &mut dyn Rows, key: &LaneKey, lane: Lane) -> Result<()> {
    if lane.flight.is_some() {
        return rows.put_lane(key, &Lane { due: None, ..lane });
    }
    let head = rows.first_wait(key)?;
    let aside = rows.first_aside(key)?;
    match head.into_iter().chain(aside).min_by_key(|w| (w.not_before, w.position)) {
        Some(next) => rows.put_lane(key, &Lane { flight: None, due: Some(next.not_before), head: next.position }),
        None => rows.drop_lane(key),
    }
}

/// As [`refresh`], for a lane that may have gone or not be there yet.
fn look_again(rows: &mut dyn Rows, key: &LaneKey, without: Option<Seq>) -> Result<()> {
    let mut lane = rows.lane(key)?.unwrap_or(Lane { flight: None, due: None, head: 0 });
    if lane.flight.is_some() && lane.flight == without {
        lane.flight = None;
    }
    refresh(rows, key, lane)
}

/// A message that waits goes over into the lane of another customer, and takes its place there by its position.
pub(crate) fn change_over(rows: &mut dyn Rows, wait: &Wait, customer: CustomerId) -> Result<()> {
    let lane = LaneKey { customer, ..wait.lane };
    rows.drop_wait(lane.sender, wait.position)?;
    rows.set_lane(wait.seq, customer)?;
    rows.put_wait(&Wait { lane, ..*wait })?;
    look_again(rows, &wait.lane, None)?;
    look_again(rows, &lane, None)
}

/// Changes the phase of a message, with everything that follows for its lane, for the sender's counter and for its timeline.
pub(crate) fn set_phase(rows: &mut dyn Rows, brief: &Brief, standing: &mut Standing, phase: Phase, now: Timestamp) -> Result<()> {
    let was_queued = matches!(standing.phase, Phase::Queued { .. });
    let was_in_flight = standing.phase == Phase::InFlight;
    if was_queued {
        rows.drop_wait(brief.sender, brief.position)?;
    }
    let mut queued = false;
    if let Phase::Queued { not_before } = phase {
        rows.put_wait(&wait(brief, not_before, now))?;
        queued = true;
    }
    match (was_queued, queued) {
        (true, false) => rows.count_waiting(brief.sender, -1)?,
        (false, true) => rows.count_waiting(brief.sender, 1)?,
        _ => {}
    }
    if let Some(word) = timeline::end(&phase, now) {
        timeline::note(rows, brief.seq, word)?;
    }
    standing.phase = phase;
    if was_in_flight && !queued && rows.land(&key(brief), brief.seq)? {
        return Ok(());
    }
    if was_queued || queued || was_in_flight {
        look_again(rows, &key(brief), was_in_flight.then_some(brief.seq))?;
    }
    Ok(())
}
