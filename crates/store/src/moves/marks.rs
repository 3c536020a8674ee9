//! Watermarks: Messenger says up to which moment all that was sent to somebody is delivered, or read.
//!
//! What a mark tells is what had been sent by its moment, and it is not said when Meta takes a message for sent. Of the two moments that
//! are known the start errs towards too early, the answer towards never: a mark of between is the last one where the customer reads at
//! once. So a message that Meta needs seconds to take, since it fetches a file first, counts as read where what came before it is
//! read in these seconds.
//!
//! A message is covered when its attempt began at or before the mark. The start is our own time, and always before Meta's: of two
//! clocks that agree, what Meta had taken by then is covered, whether its answer, its echo or the mark comes first. The marks stay, so that
//! an answer that is late finds what was said already; what is not read yet has a narrow row, so that a mark finds it.

use transom_domain::address::{Channel, Identity};
use transom_domain::fact::{HeardBy, Person, Reported, StatusReport, Watermark};
use transom_domain::id::{BusinessId, EventId, SenderId};
use transom_domain::message::{Attempt, PartTag};
use transom_domain::status::{Phase, Progress};
use transom_domain::time::Timestamp;

use super::join::Said;
use super::report::{Applied, Loaded, apply, say};
use super::{lane, tell};
use crate::rows::{Marks, Result, Rows, Unread, UpTo};
use crate::{BATCH_MAX, Sender};

/// What a mark did.
#[derive(Debug, Default)]
pub(crate) struct Marked {
    pub(crate) news: bool,
    pub(crate) events: Vec<EventId>,
}

fn raised(known: Option<UpTo>, mark: UpTo) -> Option<UpTo> {
    match known {
        Some(known) if known.until > mark.until => Some(known),
        // The same mark told twice: the earlier word counts, whichever came first.
        Some(known) if known.until == mark.until => Some(UpTo { said_at: known.said_at.min(mark.said_at), ..mark }),
        _ => Some(mark),
    }
}

/// Hears a mark. It settles at most [`BATCH_MAX`] messages, the oldest first; where there are more it counts only as far as those, and
/// the next one goes on from there.
pub(crate) fn heard(rows: &mut dyn Rows, sender: &Sender, told: &Watermark, app: &str, now: Timestamp) -> Result<Marked> {
    let address = Identity::Psid(told.recipient.clone());
    let before = rows.marks(sender.id, &address)?;
    let is_read = told.status == Reported::Read;
    // All up to the last mark of delivery has been delivered; what was read has no row any more.
    let after = if is_read { None } else { before.delivered.map(|mark| mark.until) };
    let covered = rows.unread(sender.id, &address, after, told.until, BATCH_MAX)?;
    let reached = match covered.last() {
        Some(last) if covered.len() == BATCH_MAX => last.started_at,
        _ => told.until,
    };
    let mark = UpTo { until: reached, said_at: told.at };
    let marks = if is_read {
        Marks { read: raised(before.read, mark), ..before }
    } else {
        Marks { delivered: raised(before.delivered, mark), ..before }
    };
    if marks != before {
        rows.put_marks(sender.id, &address, &marks)?;
    }
    let mut marked = Marked { news: marks != before, events: Vec::new() };
    for unread in covered {
        let Some((mut loaded, at)) = Loaded::of(rows, unread.seq)?.and_then(|l| l.find(unread.number).map(|at| (l, at))) else {
            rows.drop_unread(unread.seq)?;
            continue;
        };
        let report = StatusReport {
            provider_id: loaded.attempts.get(at).and_then(|row| row.attempt.provider_id.clone()).unwrap_or_default(),
            status: told.status,
            at: told.at,
            recipient: Person::default(),
            callback: None,
            errors: Vec::new(),
            pricing: None,
            conversation: None,
            by: HeardBy::Webhook,
        };
        let applied = apply(rows, &mut loaded, at, &report, None, app, (now, now))?;
        marked.news |= applied.news;
        marked.events.extend(applied.events);
    }
    Ok(marked)
}

/// After a word about an attempt: what a mark has said of it already is said now; else it waits for one, until it is read.
pub(crate) fn look(rows: &mut dyn Rows, loaded: &mut Loaded, at: usize, now: Timestamp) -> Result<Applied> {
    if loaded.brief.channel != Channel::Messenger {
        return Ok(Applied::default());
    }
    let Some(attempt) = loaded.attempts.get(at).map(|row| row.attempt.clone()) else { return Ok(Applied::default()) };
    if attempt.progress < Progress::Sent {
        return Ok(Applied::default());
    }
    let seq = loaded.brief.seq;
    let marks = rows.marks(loaded.brief.sender, &loaded.brief.address)?;
    let covering = |mark: Option<UpTo>| mark.filter(|mark| attempt.started_at <= mark.until);
    let word = match (covering(marks.read), covering(marks.delivered)) {
        (Some(read), _) => Some((Progress::Read, read.said_at)),
        (None, Some(delivered)) => Some((Progress::Delivered, delivered.said_at)),
        (None, None) => None,
    };
    let applied = match word {
        Some((progress, said_at)) if attempt.progress < progress && attempt.progress.is_live() => {
            say(rows, loaded, at, Said::plain(progress, said_at, None), now, now)?
        }
        _ => Applied::default(),
    };
    let progress = loaded.attempts.get(at).map_or(attempt.progress, |row| row.attempt.progress);
    if progress.is_live() && progress < Progress::Read {
        if attempt.progress > Progress::Sent {
            // It has its row since it was sent.
            return Ok(applied);
        }
        let unread = Unread { seq, number: attempt.number, started_at: attempt.started_at };
        rows.put_unread(loaded.brief.sender, &loaded.brief.address, &unread)?;
    } else {
        rows.drop_unread(seq)?;
    }
    Ok(applied)
}

/// What became of the news that the first of two calls was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FirstPart {
    /// It was known, or is of nothing that is known here.
    Old,
    /// It is kept with the attempt.
    Kept,
    /// It was what the message waited for: the second may go, from this sender.
    Freed(SenderId),
}

/// See [`crate::Store::first_part`].
pub(crate) fn first_part_taken(rows: &mut dyn Rows, business: BusinessId, tag: PartTag, provider_id: &str) -> Result<bool> {
    let Some((mut loaded, at)) = parted(rows, business, tag)? else { return Ok(false) };
    keep_first_part(rows, &mut loaded, at, provider_id)?;
    Ok(at + 1 == loaded.attempts.len() && loaded.standing.phase == Phase::InFlight)
}

/// The first of two calls came back as an echo. That it was taken is committed before the second call leaves, so where this is news, the
/// second was not begun, and nothing else of the attempt is in doubt.
pub(crate) fn first_part_heard(
    rows: &mut dyn Rows,
    business: BusinessId,
    tag: PartTag,
    (provider_id, app): (&str, &str),
    now: Timestamp,
) -> Result<FirstPart> {
    let Some((mut loaded, at)) = parted(rows, business, tag)? else { return Ok(FirstPart::Old) };
    let started_at = loaded.attempts.get(at).map_or(now, |row| row.attempt.started_at);
    if rows.heard_of(app)?.is_none_or(|known| known < started_at) {
        rows.put_heard_of(app, started_at)?;
    }
    if !keep_first_part(rows, &mut loaded, at, provider_id)? {
        return Ok(FirstPart::Old);
    }
    if at + 1 < loaded.attempts.len() || !matches!(loaded.standing.phase, Phase::Unknown { .. }) {
        return Ok(FirstPart::Kept);
    }
    lane::set_phase(rows, &loaded.brief, &mut loaded.standing, Phase::Queued { not_before: now }, now)?;
    tell::standing(rows, &loaded.brief, &mut loaded.standing, &loaded.attempts, now, now)?;
    Ok(FirstPart::Freed(loaded.brief.sender))
}

fn parted(rows: &dyn Rows, business: BusinessId, tag: PartTag) -> Result<Option<(Loaded, usize)>> {
    let PartTag(tag) = tag;
    let Some((brief, standing)) = rows.brief(business, tag.message)? else { return Ok(None) };
    let attempts = rows.attempts(brief.seq)?;
    let loaded = Loaded { brief, standing, attempts };
    Ok(loaded.find(tag.attempt).map(|at| (loaded, at)))
}

/// Keeps it with the attempt, so that it is never sent again. Says whether that is new.
fn keep_first_part(rows: &mut dyn Rows, loaded: &mut Loaded, at: usize, provider_id: &str) -> Result<bool> {
    // What answers it answers this message; what is said of how far it got is not said of the message.
    rows.bind(loaded.brief.business, provider_id, loaded.brief.seq, 0)?;
    let Some(row) = loaded.attempts.get_mut(at).filter(|row| row.attempt.note.is_none()) else { return Ok(false) };
    row.attempt.note = Some(Attempt::first_part_note(provider_id));
    rows.put_attempt(loaded.brief.seq, row)?;
    Ok(true)
}
