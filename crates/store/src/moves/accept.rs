//! `accept`: a message comes into the house, and leaves at once where nothing stands in its way.

use transom_domain::holding::Thing;
use transom_domain::id::BusinessId;
use transom_domain::message::Class;
use transom_domain::status::Phase;
use transom_domain::time::Timestamp;

use super::{claim, join, lane, people, reach, read, replicas, tally, tell, timeline};
use crate::rows::{AttemptRow, Brief, Conversation, Kept, NewMessage, Result, Rows, Standing, Whole};
use crate::{Accept, Accepted, AtOnce, Idempotency, IdempotencyKey, Look, LookUp, Replay, SenderState, Step, StoreError};

/// What a key stands for.
pub(crate) fn replay(rows: &dyn Rows, business: BusinessId, key: &IdempotencyKey, now: Timestamp) -> Result<Option<Replay>> {
    Ok(rows
        .kept(business, &key.key)?
        .filter(|kept| kept.until > now)
        .map(|kept| if kept.fingerprint == key.fingerprint { Replay::Answer(kept.answer) } else { Replay::Conflict }))
}

/// See [`crate::Store::accept_judged`].
pub(crate) fn judged(
    rows: &mut dyn Rows,
    ask: &LookUp,
    decide: &(dyn Fn(&Look) -> Option<Accept> + Send + Sync),
) -> Result<Option<Accepted>> {
    let mut look = read::look(rows, ask)?;
    if let Some(before) = look.replay.take() {
        return Ok(Some(Accepted::Replayed(before)));
    }
    match decide(&look) {
        // Under another key than the one that was looked up there may be an answer yet.
        Some(said) if said.idempotency.as_ref().map(|i| &i.key) != ask.idempotency.as_ref() => accept(rows, &said).map(Some),
        Some(said) => stored(rows, &said).map(Some),
        None => Ok(None),
    }
}

/// See [`crate::Store::accept`].
pub(crate) fn accept(rows: &mut dyn Rows, accept: &Accept) -> Result<Accepted> {
    if let Some(idempotency) = &accept.idempotency
        && let Some(before) = replay(rows, accept.business, &idempotency.key, accept.now)?
    {
        return Ok(Accepted::Replayed(before));
    }
    stored(rows, accept)
}

/// Stores what is under no key yet.
fn stored(rows: &mut dyn Rows, accept: &Accept) -> Result<Accepted> {
    let Accept { business, now, .. } = *accept;
    if rows.has_message(business, accept.id)? {
        return Ok(Accepted::IdTaken);
    }
    let waiting = match rows.counters(accept.sender)? {
        Some((owner, waiting)) if owner == business => waiting,
        _ => return Err(StoreError::Corrupt(format!("sender {}: is no sender of business {business}", accept.sender))),
    };
    if waiting >= accept.backlog_max {
        return Ok(Accepted::BacklogFull);
    }
    if accept.not_before > now && waiting >= accept.schedule_max {
        return Ok(Accepted::ScheduleFull);
    }
    let lane = (accept.sender, accept.class);
    let (customer, in_lane_of) =
        people::addressed(rows, business, &accept.address, accept.new_customer, accept.name.clone(), lane, now)?;
    let mut brief = Brief {
        seq: 0,
        id: accept.id,
        business,
        sender: accept.sender,
        customer,
        lane: in_lane_of,
        channel: accept.channel,
        address: accept.address.clone(),
        position: 0,
        class: accept.class,
        accepted_at: now,
        expires_at: accept.expires_at,
        when_unknown: accept.when_unknown,
        callback_data: accept.callback_data.clone(),
        campaign: accept.campaign.clone(),
        reply_to: accept.reply_to.clone(),
        content: accept.draft.content_id(),
        origin: accept.origin.clone(),
    };
    let begun = match &accept.at_once {
        Some(at_once) if accept.not_before <= now && nobody_comes_first(rows, &brief, waiting, now)? => {
            begin(rows, &brief, at_once, now)?
        }
        _ => None,
    };
    brief.position = rows.next_position(brief.sender, begun.is_none())?;
    let (phase, attempts) = match &begun {
        Some((attempt, _)) => (Phase::InFlight, vec![attempt.clone()]),
        None => (Phase::Queued { not_before: accept.not_before }, Vec::new()),
    };
    let standing = Standing { status: tell::status(&phase, &attempts, now), phase, told: 0 };
    brief.seq = rows.insert_message(&NewMessage {
        brief: &brief,
        standing: &standing,
        draft: Some(&accept.draft),
        inbound: None,
        verdict: Some(&accept.verdict),
        told_at: None,
    })?;
    tally::count(rows, &brief, None, standing.status)?;
    if let Some(Idempotency { key, answer, keep }) = &accept.idempotency {
        rows.keep(business, &key.key, &Kept { fingerprint: key.fingerprint, answer: answer.clone(), until: now.plus(*keep) })?;
    }
    let position = brief.position;
    let Some((attempt, conversation)) = begun else {
        if accept.not_before > now {
            timeline::note(rows, brief.seq, timeline::own(Step::Scheduled, now, Some(accept.not_before)))?;
        }
        lane::join_last(rows, &lane::wait(&brief, accept.not_before, now))?;
        return Ok(Accepted::Stored { customer, position, claimed: None });
    };
    rows.put_attempt(brief.seq, &attempt)?;
    rows.fly(&lane::key(&brief), brief.seq, position)?;
    rows.put_paid_back(business, brief.sender, brief.lane, &conversation)?;
    let whole =
        Whole { draft: Some(accept.draft.clone()), inbound: None, verdict: Some(accept.verdict.clone()), redacted: false };
    let claimed = claim::claimed(rows, brief, standing, attempts, whole, &conversation)?;
    Ok(Accepted::Stored { customer, position, claimed: Some(Box::new(claimed)) })
}

/// Whether no message of the sender that a claim would take before this one waits for nothing but the claim. What is scheduled, or
/// less urgent, comes later anyway; what waits for a place under the messaging limit has the next one.
fn nobody_comes_first(rows: &dyn Rows, brief: &Brief, waiting: u64, now: Timestamp) -> Result<bool> {
    if waiting == 0 {
        return Ok(true);
    }
    for class in Class::ALL.into_iter().take_while(|class| class.rank() <= brief.class.rank()) {
        let due = rows.first_due(brief.sender, class)?.is_some_and(|due| due <= now);
        if due || !rows.parked_lanes(brief.sender, class, 1)?.is_empty() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Attempt 1 of a message before which nobody comes, and the conversation as it then stands; `None` when a claim would
/// not take the message now.
fn begin(rows: &mut dyn Rows, brief: &Brief, at_once: &AtOnce, now: Timestamp) -> Result<Option<(AttemptRow, Conversation)>> {
    // It queues: whoever holds the sender takes it.
    if !replicas::holds(rows, brief.business, Thing::Sender(brief.sender), at_once.owner)? {
        return Ok(None);
    }
    let expired = brief.expires_at.is_some_and(|at| at <= now);
    if expired || rows.sender(brief.sender)?.is_none_or(|s| s.state != SenderState::Active) {
        return Ok(None);
    }
    // A lane that is there has a message in flight, or others wait in it.
    if rows.lane(&lane::key(brief))?.is_some() {
        return Ok(None);
    }
    let key = lane::key(brief);
    let Ok(conversation) = claim::paced(rows, &key, at_once.pair_gap, at_once.pair_burst, now)? else { return Ok(None) };
    if !reach::may_start(rows, brief.business, &key, &conversation, now)? {
        return Ok(None);
    }
    Ok(Some((join::begun(1, at_once.owner, now), conversation)))
}
