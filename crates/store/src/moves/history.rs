//! What the upstream is asked about, where its webhooks told too little.

use std::collections::BTreeMap;

use transom_domain::address::Channel;
use transom_domain::id::{BusinessId, SenderId};
use transom_domain::status::{Phase, Progress, Status};
use transom_domain::time::{Span, Timestamp};

use super::silence::pass;
use crate::rows::{Result, Rows, Walk};
use crate::{ASKED_WITHIN, Asked, BATCH_MAX, HistoryState, NoHistory, OVERDUE_MAX, Offer, Overdue, SLICE_MAX, UNDELIVERED_AFTER};

/// See [`crate::History::find_overdue`].
pub(crate) fn find(rows: &mut dyn Rows, business: BusinessId, after: Span, limit: usize, now: Timestamp) -> Result<bool> {
    let limit = limit.clamp(1, SLICE_MAX);
    let more = walk(rows, business, (Walk::Unheard, after), &[Status::Sending], limit, now)?;
    let undelivered = [Status::Sending, Status::Sent];
    Ok(walk(rows, business, (Walk::Undelivered, UNDELIVERED_AFTER), &undelivered, limit, now)? || more)
}

fn walk(
    rows: &mut dyn Rows,
    business: BusinessId,
    (walk, age): (Walk, Span),
    silent: &[Status],
    limit: usize,
    now: Timestamp,
) -> Result<bool> {
    let (passed, more) = pass(rows, business, walk, now.minus(age), limit)?;
    let oldest = now.minus(ASKED_WITHIN);
    let mut room = BTreeMap::<SenderId, usize>::new();
    for message in passed {
        let Some(started_at) = message.started_at.filter(|_| message.handed && silent.contains(&message.status)) else {
            continue;
        };
        if message.accepted_at < oldest {
            continue;
        }
        let left = match room.get(&message.sender) {
            Some(left) => *left,
            None => room_of(rows, message.sender, now)?,
        };
        room.insert(message.sender, left.saturating_sub(1));
        if left > 0
            && let Some((brief, _)) = rows.brief_of(message.seq)?
        {
            // One that was sent late is given the same time to be heard of.
            rows.add_overdue(message.sender, started_at.plus(age), brief.id, 0)?;
        }
    }
    Ok(more)
}

/// How many more of a sender's may be asked about; none where there is no history to ask.
fn room_of(rows: &dyn Rows, sender: SenderId, now: Timestamp) -> Result<usize> {
    if rows.sender(sender)?.is_none_or(|sender| sender.channel != Channel::Whatsapp) || is_refused(rows, sender, now)? {
        return Ok(0);
    }
    Ok(OVERDUE_MAX.saturating_sub(rows.overdue_of(sender, OVERDUE_MAX)?))
}

fn is_refused(rows: &dyn Rows, sender: SenderId, now: Timestamp) -> Result<bool> {
    Ok(rows.no_history(sender)?.is_some_and(|refused| refused.until > now))
}

/// See [`crate::History::overdue_of`].
pub(crate) fn overdue(rows: &dyn Rows, sender: SenderId, limit: usize, now: Timestamp) -> Result<Vec<Overdue>> {
    let Some(business) = rows.sender(sender)?.map(|sender| sender.business) else { return Ok(Vec::new()) };
    if is_refused(rows, sender, now)? {
        return Ok(Vec::new());
    }
    let oldest = now.minus(ASKED_WITHIN);
    let due = rows.overdue_until(sender, now, limit.min(BATCH_MAX))?;
    let look = |(due, message, tries)| {
        let mut provider_ids = Vec::new();
        let known = rows.brief(business, message)?;
        // Heard meanwhile, taken out, or too old: then there is nothing to ask.
        if let Some((brief, standing)) = known
            && standing.phase == Phase::Handed
            && matches!(standing.status, Status::Sending | Status::Sent)
            && brief.accepted_at >= oldest
        {
            let silent = |progress| matches!(progress, Progress::Answered | Progress::Sent);
            let attempts = rows.attempts(brief.seq)?.into_iter().map(|row| row.attempt);
            provider_ids.extend(attempts.filter(|attempt| silent(attempt.progress)).filter_map(|attempt| attempt.provider_id));
        }
        Ok(Overdue { message, due, tries, provider_ids })
    };
    due.into_iter().map(look).collect()
}

/// See [`crate::History::asked_of`].
pub(crate) fn asked(rows: &mut dyn Rows, sender: SenderId, asked: &[Asked], offer: &Offer) -> Result<()> {
    for Asked { message, due, again } in asked {
        rows.drop_overdue(sender, *due, *message)?;
        if let Some((at, tries)) = again {
            rows.add_overdue(sender, *at, *message, *tries)?;
        }
    }
    match (offer, rows.no_history(sender)?) {
        (Offer::There, Some(_)) => rows.put_no_history(sender, None),
        (Offer::None(refused), known) => {
            let since = known.map_or(refused.since, |known| known.since.min(refused.since));
            rows.put_no_history(sender, Some(&NoHistory { since, ..refused.clone() }))?;
            rows.drop_all_overdue(sender)
        }
        (Offer::There | Offer::Unseen, _) => Ok(()),
    }
}

/// See [`crate::History::history_of`].
pub(crate) fn of(rows: &dyn Rows, sender: SenderId) -> Result<HistoryState> {
    Ok(HistoryState { waiting: rows.overdue_of(sender, OVERDUE_MAX)?, refused: rows.no_history(sender)? })
}
