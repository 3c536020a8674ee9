//! Replays of the journal: jobs of the house, which say how far each has come.

use transom_domain::id::{BusinessId, ReplayId};
use transom_domain::time::Timestamp;

use crate::rows::{Result, Rows};
use crate::{JournalReplay, JournalReplayed, REPLAYS_KEEP};

/// See [`crate::Store::start_journal_replay`]. `newest` is where the journal ends.
pub(crate) fn start(rows: &mut dyn Rows, replay: &JournalReplay, newest: u64) -> Result<JournalReplay> {
    let business = replay.business;
    let mut known = rows.journal_replays(business)?;
    if let Some(open) = known.iter().find(|known| known.over_at.is_none()) {
        return Ok(open.clone());
    }
    known.sort_by_key(|replay| (replay.created_at, replay.id));
    for old in known.iter().take((known.len() + 1).saturating_sub(REPLAYS_KEEP)) {
        rows.drop_journal_replay(business, old.id)?;
    }
    let mut replay =
        JournalReplay { to: newest, did: JournalReplayed::default(), over_at: None, stopped: false, ..replay.clone() };
    if replay.cursor >= newest {
        replay.over_at = Some(replay.created_at);
    }
    rows.put_journal_replay(&replay)?;
    Ok(replay)
}

/// See [`crate::Store::journal_replays`].
pub(crate) fn all(rows: &dyn Rows, business: BusinessId) -> Result<Vec<JournalReplay>> {
    let mut replays = rows.journal_replays(business)?;
    replays.sort_by_key(|replay| std::cmp::Reverse((replay.created_at, replay.id)));
    Ok(replays)
}

fn find(rows: &dyn Rows, business: BusinessId, id: ReplayId) -> Result<Option<JournalReplay>> {
    // A handful: those that are over are dropped when another begins.
    Ok(rows.journal_replays(business)?.into_iter().find(|replay| replay.id == id))
}

/// See [`crate::Store::journal_replayed`].
pub(crate) fn went_on(
    rows: &mut dyn Rows,
    business: BusinessId,
    id: ReplayId,
    cursor: u64,
    did: JournalReplayed,
    now: Timestamp,
) -> Result<bool> {
    let Some(mut replay) = find(rows, business, id)? else { return Ok(false) };
    // What was heard is heard, also where somebody stopped it meanwhile.
    replay.did += did;
    replay.cursor = replay.cursor.max(cursor.min(replay.to));
    let open = replay.over_at.is_none();
    if open && replay.cursor >= replay.to {
        replay.over_at = Some(now);
    }
    rows.put_journal_replay(&replay)?;
    Ok(open)
}

/// See [`crate::Store::stop_journal_replay`].
pub(crate) fn stop(rows: &mut dyn Rows, business: BusinessId, id: ReplayId, now: Timestamp) -> Result<bool> {
    let Some(mut replay) = find(rows, business, id)? else { return Ok(false) };
    if replay.over_at.is_none() {
        (replay.over_at, replay.stopped) = (Some(now), true);
        rows.put_journal_replay(&replay)?;
    }
    Ok(true)
}
