//! `revive`: a store comes back from a backup. What went on after the backup is not in it: what waited may have been sent, and
//! positions may have been given out.

use transom_domain::error_code::ErrorCode;
use transom_domain::message::WhenUnknown;
use transom_domain::status::{Failure, Phase, Progress};
use transom_domain::time::Timestamp;

use super::join::{Said, begun, join};
use super::report::Loaded;
use super::{lane, tell, timeline, unknown};
use crate::contract::Revived;
use crate::rows::{Result, Rows, Seq};
use crate::{BATCH_MAX, Revival, Revive, RevivePoint};

/// Positions of every stream go on so much higher, so that a reader who was further than the backup misses nothing and takes
/// nothing for known: a store would have to write 10,000 events a second for ten days to come as far. There is room for a million
/// restores before positions are too large for a JSON number.
pub(crate) const LEAP: u64 = 1 << 33;
/// No process: whose attempts were those after the backup is not known.
const NOBODY: u64 = 0;

fn failure() -> Failure {
    Failure {
        code: ErrorCode::OutcomeUnknown,
        message: "The store was restored from a backup; whether the message was sent after the backup is not known.".to_owned(),
        upstream: None,
    }
}

/// See [`crate::Store::revive`].
pub(crate) fn revive(rows: &mut dyn Rows, how: Revive, from: RevivePoint, limit: usize, now: Timestamp) -> Result<Revival> {
    let RevivePoint(done) = from;
    let after = match done {
        Revived::Waits(after) => after,
        Revived::Nothing => {
            rows.raise_streams(LEAP)?;
            let messages = open_ones(rows, how, now)?;
            let more = how != Revive::Send;
            return Ok(Revival { messages, next: more.then_some(RevivePoint(Revived::Waits(None))) });
        }
    };
    let waiting = rows.waits_after(after, limit.clamp(1, BATCH_MAX))?;
    let last = waiting.last().map(|wait| (wait.lane.sender, wait.position));
    let mut messages = 0;
    for wait in waiting {
        // What is not due yet cannot have been sent.
        if matches!(how, Revive::Hold { .. }) && wait.not_before > now {
            continue;
        }
        messages += usize::from(doubt(rows, wait.seq, how, now)?);
    }
    Ok(Revival { messages, next: last.map(|last| RevivePoint(Revived::Waits(Some(last)))) })
}

/// Attempts that were under way, and those whose answer was lost: what was heard of them after the backup is not known here, so
/// that silence says nothing.
fn open_ones(rows: &mut dyn Rows, how: Revive, now: Timestamp) -> Result<usize> {
    let until = if let Revive::Hold { until } = how { until } else { now };
    unknown::recover(rows, NOBODY, now, until)?;
    if how == Revive::Send {
        return Ok(0);
    }
    let all = rows.unknowns()?;
    for seq in &all {
        let Some(Loaded { brief, mut standing, attempts }) = Loaded::of(rows, *seq)? else { continue };
        trust_no_silence(rows, *seq, brief.when_unknown)?;
        lane::set_phase(rows, &brief, &mut standing, phase(how), now)?;
        tell::standing(rows, &brief, &mut standing, &attempts, now, now)?;
    }
    Ok(all.len())
}

/// A message that waited gets the attempt that the lost process may have made: with the same number, so that statuses of
/// that attempt find it.
fn doubt(rows: &mut dyn Rows, seq: Seq, how: Revive, now: Timestamp) -> Result<bool> {
    let Some(mut loaded) = Loaded::of(rows, seq)? else { return Ok(false) };
    let number = loaded.attempts.last().map_or(0, |row| row.attempt.number) + 1;
    let mut row = begun(number, NOBODY, now);
    let said = Said::plain(Progress::Unknown, now, Some(failure()));
    let until = if let Revive::Hold { until } = how { Some(until) } else { None };
    timeline::note(rows, seq, said.word(number, now, until))?;
    join(&mut row, said);
    rows.put_attempt(seq, &row)?;
    loaded.attempts.push(row);
    trust_no_silence(rows, seq, loaded.brief.when_unknown)?;
    lane::set_phase(rows, &loaded.brief, &mut loaded.standing, phase(how), now)?;
    tell::standing(rows, &loaded.brief, &mut loaded.standing, &loaded.attempts, now, now)?;
    Ok(true)
}

fn phase(how: Revive) -> Phase {
    match how {
        Revive::Hold { until } => Phase::Unknown { until },
        Revive::Fail | Revive::Send => Phase::GivenUp { failure: failure() },
    }
}

/// `auto` sends again on evidence of silence; here there is none.
fn trust_no_silence(rows: &mut dyn Rows, seq: Seq, when: WhenUnknown) -> Result<()> {
    if when == WhenUnknown::Auto { rows.set_when_unknown(seq, WhenUnknown::Fail) } else { Ok(()) }
}
