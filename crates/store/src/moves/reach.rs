//! Limits: whom a business has written to without an open window, who has to wait for that, and since when Meta said so.
//!
//! A message to a customer without an open window takes a place of the portfolio's messaging limit when its attempt is committed,
//! unless the customer has one already. A lane whose head finds no place is parked: it comes back, in the order accepted, when
//! a place comes free, or when its customer writes. So each lane is looked at once, however long the backlog.
//!
//! A business here is taken for one portfolio at Meta: all its senders count together, each against the limit that was told of its
//! own account.

use transom_domain::id::{BusinessId, CustomerId, MessageId, SenderId};
use transom_domain::limits::{LimitsTold, MessagingLimit, first_counted, leave_at, minute};
use transom_domain::message::Class;
use transom_domain::session::Session;
use transom_domain::status::{Phase, Progress};
use transom_domain::time::Timestamp;

use super::lane;
use crate::rows::{Brief, Conversation, LaneKey, PARKED, Reached, Result, Rows};
use crate::{Outlook, SenderLoad, SenderState, WaitReason};

/// How far messages of one class are counted for a sender's load.
const COUNT_MAX: u64 = 10_000;

/// The places of a limit while a claim takes them.
pub(crate) struct Places {
    business: BusinessId,
    limit: MessagingLimit,
    reached: u64,
}

/// The places of a sender; none where nothing limits them.
pub(crate) fn places(rows: &mut dyn Rows, business: BusinessId, sender: SenderId, now: Timestamp) -> Result<Option<Places>> {
    let limit = rows.limits(sender)?.and_then(|known| known.limit).filter(|limit| limit.customers().is_some());
    let Some(limit) = limit else { return Ok(None) };
    rows.forget_reached(business, first_counted(now))?;
    let reached = rows.reach(business)?;
    Ok(Some(Places { business, limit, reached }))
}

impl Places {
    /// How many customers more a message of this class may reach.
    pub(crate) fn left(&self, class: Class) -> u64 {
        self.limit.reach(class).saturating_sub(self.reached)
    }

    /// Counts a customer, whose window is closed; `false` when there is no place.
    pub(crate) fn take(&mut self, rows: &mut dyn Rows, customer: CustomerId, class: Class, now: Timestamp) -> Result<bool> {
        let known = rows.reached(self.business, customer)?;
        match known.filter(|known| minute(known.at) >= first_counted(now)) {
            Some(known) => {
                if minute(known.at) != minute(now) {
                    rows.count_reached(self.business, minute(known.at), -1)?;
                    rows.count_reached(self.business, minute(now), 1)?;
                }
                rows.put_reached(self.business, customer, Some(Reached { at: now, before: Some(known.at) }))?;
            }
            None if self.left(class) == 0 => return Ok(false),
            None => {
                rows.count_reached(self.business, minute(now), 1)?;
                rows.put_reached(self.business, customer, Some(Reached { at: now, before: None }))?;
                self.reached += 1;
            }
        }
        Ok(true)
    }
}

/// Whether a message may go as far as the limit is concerned; it has its place then. Inside an open window everything may.
pub(crate) fn lets(
    rows: &mut dyn Rows,
    places: Option<&mut Places>,
    key: &LaneKey,
    conversation: &Conversation,
    now: Timestamp,
) -> Result<bool> {
    match places {
        Some(places) if !is_open(conversation, now) => places.take(rows, key.customer, key.class, now),
        _ => Ok(true),
    }
}

/// As [`lets`], for a message that comes while nothing of its sender waits.
pub(crate) fn may_start(
    rows: &mut dyn Rows,
    business: BusinessId,
    key: &LaneKey,
    conversation: &Conversation,
    now: Timestamp,
) -> Result<bool> {
    if is_open(conversation, now) {
        return Ok(true);
    }
    let mut places = places(rows, business, key.sender, now)?;
    lets(rows, places.as_mut(), key, conversation, now)
}

fn is_open(conversation: &Conversation, now: Timestamp) -> bool {
    matches!(conversation.evidence.at(now), Session::Open { .. })
}

/// When the next customer leaves the count.
pub(crate) fn next_place_at(rows: &dyn Rows, business: BusinessId, now: Timestamp) -> Result<Option<Timestamp>> {
    Ok(rows.first_reached(business, first_counted(now))?.map(leave_at))
}

/// Gives the place back that an attempt took which Meta has not taken.
pub(crate) fn give_back(rows: &mut dyn Rows, brief: &Brief, started_at: Timestamp, now: Timestamp) -> Result<()> {
    let (business, customer) = (brief.business, brief.customer);
    let Some(reached) = rows.reached(business, customer)?.filter(|reached| reached.at == started_at) else { return Ok(()) };
    let first = first_counted(now);
    if minute(reached.at) >= first {
        rows.count_reached(business, minute(reached.at), -1)?;
    }
    let before = reached.before.filter(|at| minute(*at) >= first);
    if let Some(at) = before {
        rows.count_reached(business, minute(at), 1)?;
    }
    rows.put_reached(business, customer, before.map(|at| Reached { at, before: None }))
}

/// Lets the parked lanes of a customer come back: a window has opened.
pub(crate) fn unpark(rows: &mut dyn Rows, sender: SenderId, customer: CustomerId) -> Result<()> {
    for class in Class::ALL {
        let key = LaneKey { sender, class, customer };
        if let Some(lane) = rows.lane(&key)?.filter(|lane| lane.due == Some(PARKED)) {
            lane::refresh(rows, &key, lane)?;
        }
    }
    Ok(())
}

/// What Meta told an account: takes it over for its senders of this business. Gives those for which something changed.
pub(crate) fn heard(
    rows: &mut dyn Rows,
    business: BusinessId,
    waba: &str,
    told: &LimitsTold,
    now: Timestamp,
) -> Result<Vec<SenderId>> {
    let mut changed = Vec::new();
    for id in rows.senders_of(waba)? {
        let Some(sender) = rows.sender(id)?.filter(|s| s.business == business) else { continue };
        let is_number = told.phone.is_some() && sender.address.phone() == told.phone.as_ref();
        if put(rows, id, told, is_number, now)? {
            changed.push(id);
        }
    }
    Ok(changed)
}

/// See [`crate::Store::put_limits`].
pub(crate) fn read(
    rows: &mut dyn Rows,
    business: BusinessId,
    sender: SenderId,
    told: &LimitsTold,
    now: Timestamp,
) -> Result<bool> {
    match rows.sender(sender)? {
        Some(row) if row.business == business => put(rows, sender, told, true, now),
        _ => Ok(false),
    }
}

fn put(rows: &mut dyn Rows, id: SenderId, told: &LimitsTold, is_number: bool, now: Timestamp) -> Result<bool> {
    let known = rows.limits(id)?.unwrap_or_default();
    let at = told.at.min(now);
    // What Meta told last counts, whatever comes last. Its webhooks name whole seconds: within one, the later to come counts.
    if at.as_secs() < known.told_at.as_secs() {
        return Ok(false);
    }
    let mut next = known.clone();
    next.told_at = at.max(known.told_at);
    next.limit = told.limit.or(known.limit);
    if is_number {
        next.quality = told.quality.or(known.quality);
    }
    let mut changed = next.limit != known.limit || next.quality != known.quality;
    if next != known {
        rows.put_limits(id, &next)?;
    }
    if let (true, Some(throughput)) = (is_number, told.throughput)
        && let Some(mut sender) = rows.sender(id)?.filter(|s| s.throughput != throughput)
    {
        sender.throughput = throughput;
        rows.put_sender(&sender)?;
        changed = true;
    }
    Ok(changed)
}

/// See [`crate::Store::load`].
pub(crate) fn load(rows: &dyn Rows, sender: SenderId, now: Timestamp) -> Result<SenderLoad> {
    let Some((business, waiting)) = rows.counters(sender)? else { return Ok(SenderLoad::default()) };
    let limits = rows.limits(sender)?.unwrap_or_default();
    let reached = rows.reach_since(business, first_counted(now))?;
    let mut classes = Vec::with_capacity(Class::ALL.len());
    let mut next_due: Option<Timestamp> = None;
    let mut held = false;
    for class in Class::ALL {
        classes.push(rows.waiting_of(sender, class, COUNT_MAX)?);
        next_due = next_due.into_iter().chain(rows.first_due(sender, class)?.filter(|due| *due < PARKED)).min();
        held |= !rows.parked_lanes(sender, class, 1)?.is_empty();
    }
    // Where only one class was too long to count, the sum says how many it has.
    let counted: u64 = classes.iter().sum();
    if let [long] = classes.iter_mut().filter(|count| **count >= COUNT_MAX).collect::<Vec<_>>().as_mut_slice() {
        **long += waiting.saturating_sub(counted);
    }
    let next_place_at = rows.first_reached(business, first_counted(now))?.map(leave_at);
    if held {
        next_due = next_due.into_iter().chain(next_place_at).min();
    }
    let waiting_by_class = Class::ALL.into_iter().zip(classes).collect();
    Ok(SenderLoad {
        limits,
        reached,
        next_place_at,
        held,
        waiting,
        waiting_by_class,
        oldest: rows.oldest_wait(sender)?,
        next_due,
    })
}

/// See [`crate::Store::outlook`].
pub(crate) fn outlook(rows: &dyn Rows, business: BusinessId, message: MessageId, now: Timestamp) -> Result<Option<Outlook>> {
    let Some((brief, standing)) = rows.brief(business, message)? else { return Ok(None) };
    let Phase::Queued { not_before } = standing.phase else { return Ok(None) };
    waits(rows, &brief, not_before, now).map(Some)
}

fn waits(rows: &dyn Rows, brief: &Brief, not_before: Timestamp, now: Timestamp) -> Result<Outlook> {
    let told = |reason: WaitReason, until: Option<Timestamp>| Ok(Outlook { reason, until, ahead: 0 });
    if rows.sender(brief.sender)?.is_some_and(|s| s.state != SenderState::Active) {
        return told(WaitReason::SenderStopped, None);
    }
    if not_before > now {
        let tried = rows.attempts(brief.seq)?.iter().any(|a| a.attempt.progress == Progress::Refused);
        return told(if tried { WaitReason::Retry } else { WaitReason::Scheduled }, Some(not_before));
    }
    let key = lane::key(brief);
    let Some(lane) = rows.lane(&key)? else { return told(WaitReason::Turn, None) };
    match lane.due {
        Some(PARKED) => return told(WaitReason::MessagingLimit, next_place_at(rows, brief.business, now)?),
        None => return told(WaitReason::SameCustomer, None),
        Some(due) if lane.head != brief.position => return told(WaitReason::SameCustomer, Some(due).filter(|due| *due > now)),
        Some(due) if due > now => return told(WaitReason::PairPace, Some(due)),
        Some(_) => {}
    }
    // Positions tell how many came before; those of other classes and those gone already are among them, so it is an upper bound.
    let first = rows.due_lanes(brief.sender, brief.class, now, 1)?.first().map(|key| rows.lane(key)).transpose()?.flatten();
    let ahead = first.map_or(0, |first| brief.position.saturating_sub(first.head));
    Ok(Outlook { reason: WaitReason::Turn, until: None, ahead })
}
