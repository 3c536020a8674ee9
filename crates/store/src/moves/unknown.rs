//! What happens when an answer is lost or a validity ends: `recover`, `overdue`, `resolve`, `expire`.

use transom_domain::dispatch::{Unresolved, after_silence};
use transom_domain::error_code::ErrorCode;
use transom_domain::id::{BusinessId, MessageId, SenderId};
use transom_domain::status::{Failure, Phase, Progress};
use transom_domain::time::{Span, Timestamp};

use super::join::{Said, join, lapsed, tempered};
use super::report::Loaded;
use super::{lane, read, tell, timeline};
use crate::rows::{AttemptRow, Brief, Result, Rows, Seq, Wait};
use crate::{BATCH_MAX, PendingUnknown, Resolution, StoreError};

/// See [`crate::Store::recover`].
pub(crate) fn recover(rows: &mut dyn Rows, owner: u64, now: Timestamp, until: Timestamp) -> Result<usize> {
    let mut recovered = 0;
    loop {
        // As many as were in flight, which free connections bound; taken in slices all the same.
        let slice = rows.left_behind(owner, BATCH_MAX)?;
        if slice.is_empty() {
            listen_anew(rows, now, until)?;
            return Ok(recovered);
        }
        for (seq, number) in slice {
            doubt(rows, seq, number, now, until)?;
            recovered += 1;
        }
    }
}

/// What was left behind at a sender that another replica held: see [`crate::Replicas::take`].
pub(crate) fn recover_sender(
    rows: &mut dyn Rows,
    sender: SenderId,
    owner: u64,
    now: Timestamp,
    until: Timestamp,
) -> Result<usize> {
    let mut recovered = 0;
    loop {
        let slice = rows.left_behind_at(sender, owner, BATCH_MAX)?;
        if slice.is_empty() {
            return Ok(recovered);
        }
        for (seq, number) in slice {
            doubt(rows, seq, number, now, until)?;
            recovered += 1;
        }
    }
}

/// An attempt whose owner is gone becomes unknown.
fn doubt(rows: &mut dyn Rows, seq: Seq, number: u32, now: Timestamp, until: Timestamp) -> Result<()> {
    let gone = || StoreError::Corrupt(format!("attempt {seq}.{number}: its message is gone"));
    let mut loaded = Loaded::of(rows, seq)?.ok_or_else(gone)?;
    let at = loaded.find(number).ok_or_else(gone)?;
    let last = at + 1 == loaded.attempts.len();
    let failure = Failure {
        code: ErrorCode::OutcomeUnknown,
        message: "The process ended while the answer to the send was awaited.".to_owned(),
        upstream: None,
    };
    let row = loaded.attempts.get_mut(at).ok_or_else(gone)?;
    let said = Said::plain(Progress::Unknown, now, Some(failure));
    timeline::note(rows, seq, said.word(number, now, Some(until)))?;
    join(row, said);
    rows.put_attempt(seq, row)?;
    if last && loaded.standing.phase == Phase::InFlight {
        let others = loaded.attempts.iter().enumerate().filter(|(i, _)| *i != at).map(|(_, a)| a.attempt.progress);
        let phase = tempered(Phase::Unknown { until }, others);
        lane::set_phase(rows, &loaded.brief, &mut loaded.standing, phase, now)?;
    }
    tell::standing(rows, &loaded.brief, &mut loaded.standing, &loaded.attempts, now, now)?;
    Ok(())
}

/// When the last attempt began: what was heard of later ones is the evidence.
fn attempted_at(brief: &Brief, attempts: &[AttemptRow]) -> Timestamp {
    attempts.last().map_or(brief.accepted_at, |a| a.attempt.started_at)
}

/// Lost answers that are waited for already are waited for until `until` at least: while no process was there nobody could hear,
/// so that silence says nothing yet.
fn listen_anew(rows: &mut dyn Rows, now: Timestamp, until: Timestamp) -> Result<()> {
    loop {
        let slice = rows.overdue(until.minus(Span::millis(1)), BATCH_MAX)?;
        if slice.is_empty() {
            return Ok(());
        }
        for seq in slice {
            let gone = || StoreError::Corrupt(format!("message {seq}: is unknown, and is gone"));
            let Loaded { brief, mut standing, attempts } = Loaded::of(rows, seq)?.ok_or_else(gone)?;
            lane::set_phase(rows, &brief, &mut standing, Phase::Unknown { until }, now)?;
            tell::standing(rows, &brief, &mut standing, &attempts, now, now)?;
        }
    }
}

/// See [`crate::Store::overdue`].
pub(crate) fn overdue(rows: &dyn Rows, now: Timestamp, limit: usize) -> Result<(Vec<PendingUnknown>, Option<Timestamp>)> {
    let mut pending = Vec::new();
    for seq in rows.overdue(now, limit.min(BATCH_MAX))? {
        let Some(Loaded { brief, standing, attempts }) = Loaded::of(rows, seq)? else { continue };
        let app = rows.sender(brief.sender)?.map(|s| s.app).unwrap_or_default();
        let attempted_at = attempted_at(&brief, &attempts);
        let message = read::assemble(rows, brief, standing, attempts)?;
        pending.push(PendingUnknown { message, attempted_at, heard_of_attempts_until: rows.heard_of(&app)? });
    }
    Ok((pending, rows.next_overdue(now)?))
}

/// See [`crate::Store::resolve`].
pub(crate) fn resolve(
    rows: &mut dyn Rows,
    business: BusinessId,
    message: MessageId,
    resolution: Resolution,
    now: Timestamp,
) -> Result<bool> {
    let Some((brief, mut standing)) = rows.brief(business, message)? else { return Ok(false) };
    if !matches!(standing.phase, Phase::Unknown { .. }) {
        return Ok(false);
    }
    let attempts = rows.attempts(brief.seq)?;
    let phase = match resolution {
        Resolution::BySilence => {
            let app = rows.sender(brief.sender)?.map(|s| s.app).unwrap_or_default();
            let attempted_at = attempted_at(&brief, &attempts);
            match after_silence(brief.when_unknown, attempted_at, rows.heard_of(&app)?) {
                Unresolved::Resend => Phase::Queued { not_before: now },
                Unresolved::Fail(failure) => Phase::GivenUp { failure },
            }
        }
        Resolution::Resend => Phase::Queued { not_before: now },
        Resolution::Wait { until } => Phase::Unknown { until },
        Resolution::Fail { failure } => Phase::GivenUp { failure },
    };
    lane::set_phase(rows, &brief, &mut standing, phase, now)?;
    tell::standing(rows, &brief, &mut standing, &attempts, now, now)?;
    Ok(true)
}

/// Ends one message that waits past its validity.
pub(crate) fn lapse(rows: &mut dyn Rows, wait: &Wait, now: Timestamp) -> Result<()> {
    let gone = || StoreError::Corrupt(format!("message {}: waits, and is gone", wait.seq));
    let Loaded { brief, mut standing, attempts } = Loaded::of(rows, wait.seq)?.ok_or_else(gone)?;
    lane::set_phase(rows, &brief, &mut standing, lapsed(&attempts), now)?;
    tell::standing(rows, &brief, &mut standing, &attempts, now, now)?;
    Ok(())
}

/// See [`crate::Store::expire`].
pub(crate) fn expire(rows: &mut dyn Rows, now: Timestamp, limit: usize) -> Result<(usize, Option<Timestamp>)> {
    let limit = limit.min(BATCH_MAX);
    let over = rows.past_validity(now, limit)?;
    for wait in &over {
        lapse(rows, wait, now)?;
    }
    // As many as may be: there may be more at once.
    let next = if over.len() == limit { Some(now) } else { rows.next_validity(now)? };
    Ok((over.len(), next))
}
