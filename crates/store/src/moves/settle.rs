//! `settle`: what became of attempts.

use transom_domain::address::Channel;
use transom_domain::session::Evidence;
use transom_domain::status::{Phase, Progress};
use transom_domain::time::Timestamp;

use super::join::{Said, heard_phase, join, left_in_doubt, says_no_marketing, tempered};
use super::people::Told;
use super::report::{Loaded, apply};
use super::session::refused;
use super::{consent, lane, marks, people, reach, tell, timeline};
use crate::rows::{Result, Rows};
use crate::{Outcome, Settle, Settled, Word};

/// See [`crate::Store::settle`]. A message that is gone, or an attempt nobody has committed, is passed over.
pub(crate) fn settle(rows: &mut dyn Rows, outcomes: &[Settle], now: Timestamp) -> Result<Vec<Settled>> {
    let mut settled = Vec::with_capacity(outcomes.len());
    for outcome in outcomes {
        settled.extend(one(rows, outcome, now)?);
    }
    Ok(settled)
}

fn one(rows: &mut dyn Rows, settle: &Settle, now: Timestamp) -> Result<Option<Settled>> {
    let Some((brief, standing)) = rows.brief(settle.business, settle.message)? else { return Ok(None) };
    let attempts = rows.attempts(brief.seq)?;
    let told_before = standing.told;
    let mut loaded = Loaded { brief, standing, attempts };
    let Some(at) = loaded.find(settle.attempt) else { return Ok(None) };
    let seq = loaded.brief.seq;
    if let Some(verdict) = &settle.verdict {
        rows.set_verdict(seq, settle.attempt, verdict)?;
    }
    let last = at + 1 == loaded.attempts.len();
    let others: Vec<Progress> =
        loaded.attempts.iter().enumerate().filter(|(i, _)| *i != at).map(|(_, a)| a.attempt.progress).collect();
    let open = last && matches!(loaded.standing.phase, Phase::InFlight | Phase::Unknown { .. });
    let Some(row) = loaded.attempts.get_mut(at) else { return Ok(None) };
    let started_at = row.attempt.started_at;
    // What Meta has not taken reached nobody.
    let not_taken = matches!(settle.outcome, Outcome::Again { .. } | Outcome::Failed { .. });
    if not_taken && row.attempt.progress <= Progress::Unknown {
        reach::give_back(rows, &loaded.brief, started_at, now)?;
    }
    let mut people = Told::new(now);
    let mut orphans = Vec::new();
    let mut recipient = None;
    let mut told = false;
    let (word, phase) = match settle.outcome.clone() {
        Outcome::Answered { provider_id, recipient: person, note } => {
            rows.bind(loaded.brief.business, &provider_id, seq, settle.attempt)?;
            orphans = rows.take_orphans(loaded.brief.business, &provider_id)?;
            recipient = Some(person);
            // On Messenger nothing is said of it between its acceptance and its arrival: what is taken has been sent.
            let taken = match loaded.brief.channel {
                Channel::Whatsapp => Progress::Answered,
                Channel::Messenger => Progress::Sent,
            };
            let word = Said { provider_id: Some(provider_id), note, ..Said::plain(taken, now, None) };
            (word, Some(Phase::Handed))
        }
        Outcome::Unknown { until, failure, first } => {
            // Its echo was here before it was known that the answer would not come.
            let is_taken = first && row.attempt.has_sent_first_part();
            let phase = if is_taken { Phase::Queued { not_before: now } } else { Phase::Unknown { until } };
            (Said::plain(Progress::Unknown, now, Some(failure)), Some(phase))
        }
        Outcome::Again { not_before, uncounted: true, .. } if open && row.attempt.progress <= Progress::Unknown => {
            // It never left: as if it had not been claimed.
            rows.drop_attempt(seq, settle.attempt)?;
            loaded.attempts.pop();
            let phase = tempered(Phase::Queued { not_before }, loaded.attempts.iter().map(|a| a.attempt.progress));
            lane::set_phase(rows, &loaded.brief, &mut loaded.standing, phase, now)?;
            tell::standing(rows, &loaded.brief, &mut loaded.standing, &loaded.attempts, now, now)?;
            return settled(rows, &loaded, told_before).map(Some);
        }
        Outcome::Again { not_before, failure, .. } => {
            (Said::plain(Progress::Refused, now, Some(failure)), Some(Phase::Queued { not_before }))
        }
        Outcome::Failed { failure, no_session } => {
            if let Some(error) = failure.upstream.as_ref().filter(|error| says_no_marketing(error)) {
                told |= consent::refused(rows, &loaded.brief, error, now, (now, now))?.event.is_some();
            }
            if no_session {
                refused(rows, &loaded.brief, Evidence::refused(started_at, now), now)?;
            }
            (Said::plain(Progress::Refused, now, Some(failure.clone())), Some(Phase::GivenUp { failure }))
        }
    };
    // What this outcome says counts for the message only while nothing further is known of the attempt.
    let further = row.attempt.progress > word.progress;
    let phase = phase.filter(|_| open && !further).map(|phase| tempered(phase, others.into_iter()));
    let until = match &phase {
        Some(Phase::Unknown { until: at } | Phase::Queued { not_before: at }) => Some(*at),
        _ => None,
    };
    let noted = Word { answer: settle.answer.clone(), ..word.word(settle.attempt, now, until) };
    timeline::note(rows, seq, noted)?;
    if join(row, word) {
        rows.put_attempt(seq, row)?;
    }
    let progress = row.attempt.progress;
    let phase = phase.or_else(|| heard_phase(progress, last, &loaded.standing.phase));
    let phase = left_in_doubt(phase.as_ref().unwrap_or(&loaded.standing.phase), &loaded.attempts).or(phase);
    if let Some(phase) = phase {
        lane::set_phase(rows, &loaded.brief, &mut loaded.standing, phase, now)?;
    }
    tell::standing(rows, &loaded.brief, &mut loaded.standing, &loaded.attempts, now, now)?;
    marks::look(rows, &mut loaded, at, now)?;
    if let Some(person) = recipient {
        people::enrich(rows, &loaded.brief, &person, now, &mut people)?;
    }
    for orphan in orphans {
        let applied = apply(rows, &mut loaded, at, &orphan.report, orphan.failure, &orphan.app, (orphan.at, now))?;
        told |= !applied.events.is_empty();
    }
    let settled = settled(rows, &loaded, told_before)?;
    Ok(Some(Settled { told: settled.told || told || !people.events.is_empty(), ..settled }))
}

fn settled(rows: &dyn Rows, loaded: &Loaded, told_before: u16) -> Result<Settled> {
    Ok(Settled {
        message: loaded.brief.id,
        status: loaded.standing.status,
        others_wait: rows.counters(loaded.brief.sender)?.is_some_and(|(_, waiting)| waiting > 0),
        told: loaded.standing.told != told_before,
    })
}
