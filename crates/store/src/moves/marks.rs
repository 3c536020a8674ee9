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
use transom_domain::fact::{Person, Reported, StatusReport, Watermark};
use transom_domain::id::EventId;
use transom_domain::message::PartTag;
use transom_domain::status::Progress;
use transom_domain::time::Timestamp;

use super::join::Said;
use super::report::{Applied, Loaded, apply, say};
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

/// The file of a message that has two calls has left: kept with the attempt, so that it is never sent again. Says whether that is new.
pub(crate) fn first_part(
    rows: &mut dyn Rows,
    business: transom_domain::id::BusinessId,
    tag: PartTag,
    provider_id: &str,
    app: Option<&str>,
) -> Result<bool> {
    let PartTag(tag) = tag;
    let Some((brief, standing)) = rows.brief(business, tag.message)? else { return Ok(false) };
    let attempts = rows.attempts(brief.seq)?;
    let mut loaded = Loaded { brief, standing, attempts };
    let Some(at) = loaded.find(tag.attempt) else { return Ok(false) };
    let Some(row) = loaded.attempts.get_mut(at) else { return Ok(false) };
    if let Some(app) = app
        && rows.heard_of(app)?.is_none_or(|known| known < row.attempt.started_at)
    {
        rows.put_heard_of(app, row.attempt.started_at)?;
    }
    // What answers it answers this message; what is said of how far it got is not said of the message.
    rows.bind(business, provider_id, loaded.brief.seq, 0)?;
    if row.attempt.note.is_some() {
        return Ok(false);
    }
    row.attempt.note = Some(transom_domain::message::Attempt::first_part_note(provider_id));
    rows.put_attempt(loaded.brief.seq, row)?;
    Ok(true)
}
