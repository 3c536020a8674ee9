//! What is removed, and when.

use transom_domain::time::{Span, Timestamp};

use crate::rows::{Result, Rows};
use crate::{BATCH_MAX, JournalEntry};

/// How long raw bodies are kept: long enough to look into what went wrong last week.
const JOURNAL_KEEP: Span = Span::days(14);
/// How long events are kept after every endpoint has passed them: longer than a consumer of the stream is away.
const EVENTS_KEEP: Span = Span::days(30);
/// How long statuses of unknown messages are kept. Meta repeats webhooks for seven days (webhooks/overview); the answer to a
/// send comes within minutes.
const ORPHANS_KEEP: Span = Span::days(8);
/// How many bodies are kept that are nobody's: anyone can send them, so they must not fill the disk.
const IGNORED_KEEP: usize = 200;
/// The most that is kept of each of them.
const IGNORED_BYTES_MAX: usize = 4 * 1024;

/// See [`crate::Store::sweep`].
pub(crate) fn sweep(rows: &mut dyn Rows, now: Timestamp, limit: usize) -> Result<usize> {
    let mut swept = rows.sweep_kept(now, limit)?;
    swept += rows.sweep_journal(now.minus(JOURNAL_KEEP), limit.saturating_sub(swept))?;
    swept += rows.sweep_orphans(now.minus(ORPHANS_KEEP), limit.saturating_sub(swept))?;
    for business in rows.businesses()? {
        let room = limit.saturating_sub(swept).min(BATCH_MAX);
        if room == 0 {
            break;
        }
        let (_, earliest) = rows.event_bounds(business.id)?;
        // An event that an endpoint still needs, and all after it, stay.
        let mut needed = u64::MAX;
        for endpoint in rows.endpoints(Some(business.id))? {
            let passed = if endpoint.state.disabled.is_some() { u64::MAX } else { endpoint.cursor };
            needed = needed.min(passed.saturating_add(1)).min(rows.first_delivery(endpoint.id)?.unwrap_or(u64::MAX));
        }
        let old = rows.events_after(business.id, earliest.saturating_sub(1), room)?;
        let over = old.iter().take_while(|e| e.at < now.minus(EVENTS_KEEP) && e.position < needed);
        if let Some(last) = over.clone().last() {
            swept += over.count();
            rows.drop_events(business.id, last.position)?;
        }
    }
    Ok(swept)
}

/// See [`crate::Store::journal_ignored`].
pub(crate) fn journal_ignored(rows: &mut dyn Rows, mut entry: JournalEntry) -> Result<()> {
    entry.business = None;
    entry.raw.truncate(IGNORED_BYTES_MAX);
    rows.put_journal(&entry)?;
    rows.trim_ignored(IGNORED_KEEP)
}
