//! One status report, applied to the attempt it speaks of: the same whether it came in time, early or late.

use transom_domain::fact::{HeardBy, StatusReport};
use transom_domain::id::{EventId, SenderId};
use transom_domain::session::Evidence;
use transom_domain::status::{Failure, Phase};
use transom_domain::time::Timestamp;

use super::join::{Said, heard_phase, join, left_in_doubt, says_no_marketing, says_no_session};
use super::people::Told;
use super::session::refused;
use super::{consent, lane, marks, people, tell, timeline};
use crate::rows::{AttemptRow, Brief, Result, Rows, Seq, Standing};

/// A message with everything that changes about it, loaded once.
pub(crate) struct Loaded {
    pub(crate) brief: Brief,
    pub(crate) standing: Standing,
    pub(crate) attempts: Vec<AttemptRow>,
}

impl Loaded {
    /// Loads a message; none when it has been deleted.
    pub(crate) fn of(rows: &dyn Rows, seq: Seq) -> Result<Option<Self>> {
        let Some((brief, standing)) = rows.brief_of(seq)? else { return Ok(None) };
        let attempts = rows.attempts(seq)?;
        Ok(Some(Self { brief, standing, attempts }))
    }

    /// Where the attempt with this number is.
    pub(crate) fn find(&self, number: u32) -> Option<usize> {
        self.attempts.iter().position(|a| a.attempt.number == number)
    }
}

/// What a report did.
#[derive(Debug, Default)]
pub(crate) struct Applied {
    /// Whether anything was new.
    pub(crate) news: bool,
    /// The events it made.
    pub(crate) events: Vec<EventId>,
    /// Senders whose lanes it freed.
    pub(crate) nudged: Vec<SenderId>,
}

/// Joins a word to one attempt, notes it in the timeline, and draws what follows for the message: phase, lane, event.
pub(crate) fn say(
    rows: &mut dyn Rows,
    loaded: &mut Loaded,
    at: usize,
    word: Said,
    heard_at: Timestamp,
    now: Timestamp,
) -> Result<Applied> {
    let said_at = word.at;
    let last = at + 1 == loaded.attempts.len();
    let Some(row) = loaded.attempts.get_mut(at) else { return Ok(Applied::default()) };
    let noted = timeline::note(rows, loaded.brief.seq, word.word(row.attempt.number, heard_at, None))?;
    let news = join(row, word);
    let progress = row.attempt.progress;
    if news {
        rows.put_attempt(loaded.brief.seq, row)?;
    }
    let mut nudged = Vec::new();
    let heard = heard_phase(progress, last, &loaded.standing.phase);
    let in_doubt = left_in_doubt(heard.as_ref().unwrap_or(&loaded.standing.phase), &loaded.attempts);
    if let Some(phase) = in_doubt.or(heard) {
        nudged.extend((loaded.standing.phase == Phase::InFlight).then_some(loaded.brief.sender));
        lane::set_phase(rows, &loaded.brief, &mut loaded.standing, phase, now)?;
    } else if !news {
        // A word less than is known already: it changes the story, not the message.
        return Ok(Applied { news: noted, ..Applied::default() });
    }
    let events = tell::standing(rows, &loaded.brief, &mut loaded.standing, &loaded.attempts, now, said_at)?;
    Ok(Applied { news: true, events, nudged })
}

/// Applies a report to an attempt. It was heard at `heard_at`, which for one that had to wait for its attempt is before `now`.
pub(crate) fn apply(
    rows: &mut dyn Rows,
    loaded: &mut Loaded,
    at: usize,
    report: &StatusReport,
    failure: Option<Failure>,
    app: &str,
    (heard_at, now): (Timestamp, Timestamp),
) -> Result<Applied> {
    let Some(started_at) = loaded.attempts.get(at).map(|a| a.attempt.started_at) else { return Ok(Applied::default()) };
    // What was asked for says nothing of whether webhooks come through.
    if report.by == HeardBy::Webhook && rows.heard_of(app)?.is_none_or(|known| known < started_at) {
        rows.put_heard_of(app, started_at)?;
    }
    let mut people = Told::new(now);
    people::enrich(rows, &loaded.brief, &report.recipient, report.at.min(now), &mut people)?;
    let mut told = people.events;
    if report.errors.iter().any(says_no_session) {
        told.extend(refused(rows, &loaded.brief, Evidence::refused(started_at, now), now)?);
    }
    let unwanted = match report.errors.iter().find(|error| says_no_marketing(error)) {
        Some(error) => consent::refused(rows, &loaded.brief, error, report.at, (heard_at, now))?,
        None => consent::Said::default(),
    };
    let word = Said {
        progress: report.status.into(),
        at: report.at,
        error: failure,
        provider_id: Some(report.provider_id.clone()),
        note: None,
        pricing: report.pricing.clone(),
        by: report.by,
    };
    let mut applied = say(rows, loaded, at, word, heard_at, now)?;
    applied.news |= unwanted.news;
    applied.events.splice(0..0, told.into_iter().chain(unwanted.event));
    let more = marks::look(rows, loaded, at, now)?;
    applied.news |= more.news;
    applied.events.extend(more.events);
    applied.nudged.extend(more.nudged);
    applied.nudged.extend(people.nudged);
    Ok(applied)
}
