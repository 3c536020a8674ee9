//! Limits: whom a business has written to without an open window, who has to wait for that, and since when Meta said so.
//!
//! A message to a customer without an open window takes a place of the portfolio's messaging limit when its attempt is committed,
//! unless the customer has one already. A lane whose head finds no place is parked: it comes back, in the order accepted, when
//! a place comes free, or when its customer writes. So each lane is looked at once, however long the backlog.
//!
//! A business here is taken for one portfolio at Meta: all its senders count together, each against the limit that was told of its
//! own account.

use transom_domain::event::{SenderChange, SenderTrait};
use transom_domain::id::{BusinessId, CustomerId, MessageId, SenderId};
use transom_domain::limits::{LimitsTold, MessagingLimit, NumberLimits, Rating, first_counted, leave_at, minute};
use transom_domain::message::Class;
use transom_domain::standing::{AccountNews, NameStatus, Standing};
use transom_domain::status::{Phase, Progress};
use transom_domain::time::Timestamp;

use super::{account, lane, people};
use crate::rows::{Brief, Conversation, LaneKey, PARKED, Reached, Result, Rows};
use crate::{Outlook, Sender, SenderLoad, SenderState, WaitReason};

/// How far messages of one class are counted for a sender's load.
const COUNT_MAX: u64 = 10_000;

/// The places of a limit while a claim takes them.
pub(crate) struct Places {
    business: BusinessId,
    limits: NumberLimits,
    /// Meta lets the account write to nobody first.
    closed: bool,
    reached: u64,
}

/// The places of a sender; none where nothing limits them.
pub(crate) fn places(rows: &mut dyn Rows, business: BusinessId, sender: SenderId, now: Timestamp) -> Result<Option<Places>> {
    let Some(limits) = rows.limits(sender)? else { return Ok(None) };
    let closed = limits.standing.holds_new(now);
    if !closed && limits.reach(Class::Reply).is_none() {
        return Ok(None);
    }
    rows.forget_reached(business, first_counted(now))?;
    let reached = rows.reach(business)?;
    Ok(Some(Places { business, limits, closed, reached }))
}

impl Places {
    /// How many customers more a message of this class may reach.
    pub(crate) fn left(&self, class: Class) -> u64 {
        if self.closed {
            return 0;
        }
        self.limits.reach(class).map_or(u64::MAX, |reach| reach.saturating_sub(self.reached))
    }

    /// Counts a customer, whose window is closed; `false` when there is no place.
    pub(crate) fn take(&mut self, rows: &mut dyn Rows, customer: CustomerId, class: Class, now: Timestamp) -> Result<bool> {
        if self.closed {
            return Ok(false);
        }
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
    business: BusinessId,
    key: &LaneKey,
    conversation: &Conversation,
    now: Timestamp,
) -> Result<bool> {
    match places {
        Some(places) if !is_open(rows, business, key, conversation, now)? => places.take(rows, key.customer, key.class, now),
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
    if is_open(rows, business, key, conversation, now)? {
        return Ok(true);
    }
    let mut places = places(rows, business, key.sender, now)?;
    lets(rows, places.as_mut(), business, key, conversation, now)
}

fn is_open(rows: &dyn Rows, business: BusinessId, key: &LaneKey, conversation: &Conversation, now: Timestamp) -> Result<bool> {
    Ok(people::joined(rows, business, key.sender, key.customer, conversation.evidence)?.at(now).is_open())
}

/// When the next customer leaves the count; while the account must write to nobody first, when that ends.
pub(crate) fn next_place_at(
    rows: &dyn Rows,
    business: BusinessId,
    sender: SenderId,
    now: Timestamp,
) -> Result<Option<Timestamp>> {
    if let Some(standing) = rows.limits(sender)?.map(|known| known.standing).filter(|standing| standing.holds_new(now)) {
        return Ok(standing.next_end(now));
    }
    Ok(rows.first_reached(business, first_counted(now))?.map(leave_at))
}

/// Gives the place back that an attempt took which Meta has not taken.
pub(crate) fn give_back(rows: &mut dyn Rows, brief: &Brief, started_at: Timestamp, now: Timestamp) -> Result<()> {
    let (business, customer) = (brief.business, brief.lane);
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
        let changes = put(rows, sender, told, is_number, now)?;
        if !changes.is_empty() {
            account::tell_changes(rows, id, changes, now)?;
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
    let Some(row) = rows.sender(sender)?.filter(|row| row.business == business) else { return Ok(false) };
    let changes = put(rows, row, told, true, now)?;
    let changed = !changes.is_empty();
    // What is read for the first time has not changed.
    account::tell_changes(rows, sender, changes.into_iter().filter(|change| change.from.is_some()).collect(), now)?;
    Ok(changed)
}

/// Takes something over that was told as of `at`, if it was told and nothing later is known. Says whether it is another.
fn take<T: Clone + PartialEq>(known: &mut T, known_at: &mut Timestamp, told: Option<T>, at: Timestamp) -> bool {
    // What Meta told last counts, whatever comes last. Its webhooks name whole seconds: within one, the later to come counts.
    let Some(told) = told.filter(|_| at.as_secs() >= known_at.as_secs()) else { return false };
    *known_at = at.max(*known_at);
    let changed = *known != told;
    *known = told;
    changed
}

fn put(rows: &mut dyn Rows, mut sender: Sender, told: &LimitsTold, is_number: bool, now: Timestamp) -> Result<Vec<SenderChange>> {
    let known = rows.limits(sender.id)?.unwrap_or_default();
    let at = told.at.min(now);
    let mut next = known.clone();
    let mut changes = Vec::new();
    let mut change = |what, from: Option<String>, to: Option<String>| changes.push(SenderChange { what, from, to });
    if take(&mut next.limit, &mut next.limit_at, told.limit.map(Some), at) {
        let word = |limit: Option<MessagingLimit>| limit.map(|limit| limit.to_string());
        change(SenderTrait::MessagingLimit, word(known.limit), word(next.limit));
    }
    let quality = told.quality.filter(|_| is_number);
    if take(&mut next.quality, &mut next.quality_at, quality.map(Some), at) {
        let word = |rating: Option<Rating>| rating.map(|rating| rating.as_str().to_owned());
        change(SenderTrait::Quality, word(known.quality), word(next.quality));
    }
    let mut throughput = sender.throughput;
    if take(&mut throughput, &mut next.throughput_at, told.throughput.filter(|_| is_number), at) {
        change(SenderTrait::Throughput, Some(sender.throughput.to_string()), Some(throughput.to_string()));
        sender.throughput = throughput;
        rows.put_sender(&sender)?;
        rows.raise_directory()?;
    }
    if let Some(status) = told.name.clone().filter(|_| is_number) {
        let name = match &known.standing.name {
            // A reading has only the word; what was told with the same word stays.
            Some(told) if told.value.status == status => told.value.clone(),
            _ => NameStatus { status, requested: None, reason: None },
        };
        if next.standing.hear(AccountNews::Name { name }, at) {
            let word = |standing: &Standing| standing.name.as_ref().map(|told| told.value.status.clone());
            change(SenderTrait::NameStatus, word(&known.standing), word(&next.standing));
        }
    }
    next.told_at = next.limit_at.max(next.quality_at).max(next.throughput_at);
    if next != known {
        rows.put_limits(sender.id, &next)?;
    }
    Ok(changes)
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
    let next_place_at = next_place_at(rows, business, sender, now)?;
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
        Some(PARKED) => return told(WaitReason::MessagingLimit, next_place_at(rows, brief.business, brief.sender, now)?),
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
