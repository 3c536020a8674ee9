//! The journal: what is put there, found there, and removed from there.

use transom_domain::id::{BusinessId, JournalId};
use transom_domain::time::Timestamp;

use super::halved;
use crate::contract::holds_text;
use crate::rows::{JournalRows, Of, Result};
use crate::{
    JOURNAL_LOOK_BYTES, JOURNAL_LOOK_MAX, JournalEntry, JournalErased, JournalFilter, JournalFound, JournalFrom, JournalHead,
    JournalOutcome, JournalPage, JournalRange, PAGE_MAX,
};

/// A large body counts as one row for each such part of it: its pages are freed one by one.
const BODY_PART: usize = 4 * 1024;
/// How many bodies are kept that are nobody's: anyone can send them, so they must not fill the disk.
const IGNORED_KEEP: usize = 200;
/// The most that is kept of each of them.
const IGNORED_BYTES_MAX: usize = 4 * 1024;
/// Heads that are read at once.
const CHUNK: usize = 128;

/// Puts an entry behind all of its business. A clock that different threads read may seem to go back by a little: an entry
/// never came before the one in front of it, so that a moment can be looked up among positions.
pub(crate) fn put(rows: &mut dyn JournalRows, entry: &JournalEntry) -> Result<()> {
    let (newest, _, at) = rows.entry_bounds(entry.head.business)?;
    let head = JournalHead { position: newest + 1, at: entry.head.at.max(at), ..entry.head.clone() };
    rows.put_entry(&head, &entry.raw)
}

/// See [`crate::Store::journal_ignored`].
pub(crate) fn put_ignored(rows: &mut dyn JournalRows, mut entry: JournalEntry) -> Result<()> {
    entry.head.business = None;
    entry.raw.truncate(IGNORED_BYTES_MAX);
    entry.head.size = entry.raw.len();
    put(rows, &entry)?;
    let (newest, dropped, _) = rows.entry_bounds(None)?;
    if newest - dropped <= IGNORED_KEEP as u64 {
        return Ok(());
    }
    let kept = rows.heads_after(None, dropped, false, 2 * IGNORED_KEEP)?;
    for head in kept.iter().take(kept.len().saturating_sub(IGNORED_KEEP)) {
        rows.drop_entry(None, head.position)?;
    }
    Ok(())
}

fn whole(rows: &dyn JournalRows, head: JournalHead) -> Result<JournalEntry> {
    let raw = rows.raw(head.business, head.position)?;
    Ok(JournalEntry { head, raw })
}

/// See [`crate::Store::journal_after`].
pub(crate) fn after(rows: &dyn JournalRows, business: BusinessId, after: u64, limit: usize) -> Result<JournalPage> {
    let (newest, dropped, _) = rows.entry_bounds(Some(business))?;
    let mut page = JournalPage { entries: Vec::new(), newest, earliest: dropped + 1 };
    let mut bytes = 0;
    for head in rows.heads_after(Some(business), after, false, limit.clamp(1, PAGE_MAX))? {
        bytes += head.size;
        if bytes > JOURNAL_LOOK_BYTES && !page.entries.is_empty() {
            break;
        }
        page.entries.push(whole(rows, head)?);
    }
    Ok(page)
}

/// See [`crate::Store::journal_entry`].
pub(crate) fn entry(rows: &dyn JournalRows, of: Of, id: JournalId) -> Result<Option<JournalEntry>> {
    let head = rows.head_by_id(id)?.filter(|head| head.business == of);
    head.map(|head| whole(rows, head)).transpose()
}

/// The position before the first entry that came at a moment or later: entries lie in the order of their moments, so that it is
/// halved like a page of a telephone book.
pub(crate) fn before(rows: &dyn JournalRows, of: Of, since: Timestamp) -> Result<u64> {
    let (newest, dropped, _) = rows.entry_bounds(of)?;
    let first = halved((dropped + 1, newest + 1), since, |position| Ok(rows.entry_from(of, position)?.map(|(_, at)| at)))?;
    Ok(first - 1)
}

/// Where a search goes, within what a filter says of moments: from a position on, up to one.
#[derive(Clone, Copy)]
enum Way {
    Up { after: u64, until: Option<Timestamp> },
    Down { before: u64, after: u64 },
}

impl Way {
    fn of(rows: &dyn JournalRows, of: Of, range: &JournalRange, from: JournalFrom) -> Result<Self> {
        let floor = range.since.map_or(Ok(0), |since| before(rows, of, since))?;
        Ok(match from {
            JournalFrom::After(after) => Self::Up { after: after.max(floor), until: range.until },
            JournalFrom::Before(position) => {
                let ceiling = range.until.map_or(Ok(u64::MAX), |until| Ok(before(rows, of, until)? + 1))?;
                Self::Down { before: position.min(ceiling), after: floor }
            }
        })
    }

    const fn at(self) -> u64 {
        match self {
            Self::Up { after, .. } => after,
            Self::Down { before, .. } => before,
        }
    }

    fn gone_on(self, to: u64) -> Self {
        match self {
            Self::Up { until, .. } => Self::Up { after: to, until },
            Self::Down { after, .. } => Self::Down { before: to, after },
        }
    }

    fn heads(self, rows: &dyn JournalRows, of: Of, flagged: bool) -> Result<Vec<JournalHead>> {
        match self {
            Self::Up { after, .. } => rows.heads_after(of, after, flagged, CHUNK),
            Self::Down { before, .. } => rows.heads_before(of, before, flagged, CHUNK),
        }
    }

    fn ends_before(self, head: &JournalHead) -> bool {
        match self {
            Self::Up { until, .. } => until.is_some_and(|until| head.at >= until),
            Self::Down { after, .. } => head.position <= after,
        }
    }
}

/// See [`crate::Store::journal_search`].
pub(crate) fn search(
    rows: &dyn JournalRows,
    of: Of,
    filter: &JournalFilter,
    from: JournalFrom,
    limit: usize,
) -> Result<JournalFound> {
    let limit = limit.clamp(1, PAGE_MAX);
    let mut way = Way::of(rows, of, &filter.range, from)?;
    let flagged = !filter.range.outcomes.is_empty() && !filter.range.outcomes.contains(&JournalOutcome::Heard);
    let mut found = JournalFound { looked_to: way.at(), ..JournalFound::default() };
    let (mut looked, mut bytes) = (0, 0);
    loop {
        let heads = way.heads(rows, of, flagged)?;
        let last = heads.len() < CHUNK;
        for head in heads {
            if way.ends_before(&head) {
                return Ok(found);
            }
            found.looked_to = head.position;
            way = way.gone_on(head.position);
            looked += 1;
            let of_field = |field: &String| head.fields.split(',').any(|one| one == field);
            if (filter.range.outcomes.is_empty() || filter.range.outcomes.contains(&head.outcome))
                && filter.range.field.as_ref().is_none_or(of_field)
            {
                let fits = if filter.texts.is_empty() && filter.ids.is_empty() {
                    true
                } else {
                    bytes += head.size;
                    let raw = rows.raw(of, head.position)?;
                    let one_of = |texts: &[String]| texts.is_empty() || texts.iter().any(|text| holds_text(&raw, text));
                    one_of(&filter.texts) && one_of(&filter.ids)
                };
                if fits {
                    found.heads.push(head);
                }
            }
            if found.heads.len() >= limit || looked >= JOURNAL_LOOK_MAX || bytes >= JOURNAL_LOOK_BYTES {
                found.more = true;
                return Ok(found);
            }
        }
        if last {
            return Ok(found);
        }
    }
}

/// See [`crate::Store::journal_reheard`].
pub(crate) fn reheard(
    rows: &mut dyn JournalRows,
    business: BusinessId,
    id: JournalId,
    outcome: JournalOutcome,
    note: &str,
) -> Result<bool> {
    let Some(mut head) = rows.head_by_id(id)?.filter(|head| head.business == Some(business)) else { return Ok(false) };
    if (head.outcome, head.note.as_str()) != (outcome, note) {
        (head.outcome, head.note) = (outcome, note.to_owned());
        rows.put_outcome(&head)?;
    }
    Ok(true)
}

/// See [`crate::Store::journal_erase`]. What is nobody's may speak of the same person: there is little of it, and it is looked through
/// with the last slice.
pub(crate) fn erase(rows: &mut dyn JournalRows, business: BusinessId, texts: &[String], after: u64) -> Result<JournalErased> {
    let mut erased = slice(rows, Some(business), texts, after)?;
    let mut nobodys = erased.next.is_none().then_some(0);
    while let Some(after) = nobodys {
        let more = slice(rows, None, texts, after)?;
        erased.entries += more.entries;
        nobodys = more.next;
    }
    Ok(erased)
}

fn slice(rows: &mut dyn JournalRows, of: Of, texts: &[String], after: u64) -> Result<JournalErased> {
    let mut erased = JournalErased::default();
    let (mut bytes, mut last) = (0, after);
    let heads = rows.heads_after(of, after, false, CHUNK)?;
    let many = heads.len();
    for (n, head) in heads.into_iter().enumerate() {
        bytes += head.size;
        last = head.position;
        if !head.erased {
            let raw = rows.raw(of, head.position)?;
            if texts.iter().any(|text| holds_text(&raw, text)) {
                rows.blank(of, head.position)?;
                erased.entries += 1;
            }
        }
        if bytes >= JOURNAL_LOOK_BYTES / 8 && n + 1 < many {
            erased.next = Some(last);
            return Ok(erased);
        }
    }
    erased.next = (many == CHUNK).then_some(last);
    Ok(erased)
}

/// Whether the oldest entry of a business is from before a moment.
pub(crate) fn has_old(rows: &dyn JournalRows, of: Of, before: Timestamp) -> Result<bool> {
    let (_, dropped, _) = rows.entry_bounds(of)?;
    Ok(rows.entry_from(of, dropped + 1)?.is_some_and(|(_, at)| at < before))
}

/// Drops the oldest entries of a business that are from before a moment. How many, and whether there may be more.
pub(crate) fn sweep(rows: &mut dyn JournalRows, of: Of, before: Timestamp, limit: usize) -> Result<(usize, bool)> {
    let (_, dropped, _) = rows.entry_bounds(of)?;
    let (mut gone, mut cost) = (0, 0);
    let old = rows.heads_after(of, dropped, false, limit)?;
    let many = old.len();
    for head in old {
        if head.at >= before {
            return Ok((gone, false));
        }
        if cost >= limit {
            return Ok((gone, true));
        }
        rows.drop_entry(of, head.position)?;
        gone += 1;
        cost += 1 + head.size / BODY_PART;
    }
    Ok((gone, many == limit))
}
