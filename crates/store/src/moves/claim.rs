//! `claim`: due heads become attempts that may leave.

use transom_domain::holding::Thing;
use transom_domain::id::BusinessId;
use transom_domain::message::Class;
use transom_domain::status::Phase;
use transom_domain::time::{Span, Timestamp};

use super::reach::{self, Places};
use super::{join, lane, people, read, replicas, tell};
use crate::rows::{AttemptRow, Brief, Conversation, Lane, LaneKey, PARKED, Result, Rows, Standing, Wait, Whole};
use crate::{BATCH_MAX, Claim, Claimed, Claims, SenderState, StoreError};

/// When the pair pace lets the next message go, and when everything borrowed would then be paid back (the generic cell rate
/// algorithm: Meta allows one message per gap to one customer, and a burst borrowed ahead; messages/throughput).
pub(crate) fn pair_pace(paid_back: Option<Timestamp>, now: Timestamp, gap: Span, burst: u32) -> (Timestamp, Timestamp) {
    let times = |n: u32| Span::millis(gap.as_millis().saturating_mul(i64::from(n)));
    let burst = burst.max(1);
    // A clock that went back must not hold a pair for longer than a whole burst.
    let owed = paid_back.unwrap_or(now).clamp(now, now.plus(times(burst)));
    let free = owed.minus(times(burst - 1)).max(now);
    (free, owed.max(free).plus(gap))
}

/// What a look at one lane gave.
enum Turn {
    /// Its head is committed.
    Claimed(Box<Claimed>),
    /// Nothing may leave now.
    Nothing,
}

/// See [`crate::Store::claim`].
pub(crate) fn claim(rows: &mut dyn Rows, claim: &Claim) -> Result<Claims> {
    let mut claims = Claims::default();
    // A sender that an operator's error has stopped keeps its queue.
    let Some(sender) = rows.sender(claim.sender)?.filter(|s| s.state == SenderState::Active) else { return Ok(claims) };
    if !replicas::holds(rows, sender.business, Thing::Sender(sender.id), claim.owner)? {
        return Err(StoreError::NotHeld);
    }
    let room = claim.room.at_most(BATCH_MAX);
    // Ended messages on the way to a head that may go count against the length of the transaction.
    let mut may_end = BATCH_MAX;
    let mut places = reach::places(rows, sender.business, sender.id, claim.now)?;
    for class in Class::ALL {
        let room_left = |claims: &Claims| room.class(class).saturating_sub(claims.claimed.len());
        // Those that waited for a place first, as many as there are places.
        let free = places.as_ref().map_or(usize::MAX, |places| usize::try_from(places.left(class)).unwrap_or(usize::MAX));
        let parked = match room_left(&claims).min(free) {
            0 => Vec::new(),
            most => rows.parked_lanes(sender.id, class, most)?,
        };
        for key in parked {
            if let Turn::Claimed(claimed) = turn(rows, sender.business, &key, claim, &mut places, &mut may_end)? {
                claims.claimed.push(*claimed);
            }
        }
        let left = room_left(&claims);
        if left == 0 {
            continue;
        }
        for key in rows.due_lanes(sender.id, class, claim.now, left)? {
            if let Turn::Claimed(claimed) = turn(rows, sender.business, &key, claim, &mut places, &mut may_end)? {
                claims.claimed.push(*claimed);
            }
        }
    }
    for class in Class::ALL {
        let due = rows.first_due(sender.id, class)?.filter(|due| *due < PARKED);
        let full = room.class(class) <= claims.claimed.len();
        if full && due.is_some_and(|due| due <= claim.now) {
            claims.wants_room.get_or_insert(class);
        }
        if !rows.parked_lanes(sender.id, class, 1)?.is_empty() {
            let has_place = places.as_ref().is_none_or(|places| places.left(class) > 0);
            let at = if has_place { Some(claim.now) } else { reach::next_place_at(rows, sender.business, sender.id, claim.now)? };
            claims.next_due = claims.next_due.into_iter().chain(at).min();
            if has_place && full {
                claims.wants_room.get_or_insert(class);
            }
        }
        claims.next_due = claims.next_due.into_iter().chain(due).min();
    }
    Ok(claims)
}

/// One lane's turn.
fn turn(
    rows: &mut dyn Rows,
    business: BusinessId,
    key: &LaneKey,
    claim: &Claim,
    places: &mut Option<Places>,
    may_end: &mut usize,
) -> Result<Turn> {
    let now = claim.now;
    // Those whose time has come take their place again.
    for aside in rows.due_asides(key, now, BATCH_MAX)? {
        rows.put_wait(&Wait { aside: false, ..aside })?;
    }
    loop {
        let lane = rows.lane(key)?.unwrap_or(Lane { flight: None, due: None, head: 0 });
        let Some(head) = rows.first_wait(key)?.filter(|w| w.not_before <= now && lane.flight.is_none()) else {
            lane::refresh(rows, key, lane)?;
            return Ok(Turn::Nothing);
        };
        if head.expires_at.is_some_and(|at| at <= now) {
            if *may_end == 0 {
                lane::refresh(rows, key, lane)?;
                return Ok(Turn::Nothing);
            }
            *may_end -= 1;
            super::unknown::lapse(rows, &head, now)?;
            continue;
        }
        let gone = || StoreError::Corrupt(format!("message {}: waits, and is gone", head.seq));
        let (brief, standing) = rows.brief_of(head.seq)?.ok_or_else(gone)?;
        // So that it is judged by the session and the wishes of whom it reaches.
        if let Some(other) = people::lane_elsewhere(rows, &brief)? {
            if *may_end == 0 {
                lane::refresh(rows, key, lane)?;
                return Ok(Turn::Nothing);
            }
            *may_end -= 1;
            lane::change_over(rows, &head, other)?;
            continue;
        }
        let due = match paced(rows, key, claim.pair_gap, claim.pair_burst, now)? {
            Ok(conversation) if reach::lets(rows, places.as_mut(), business, key, &conversation, now)? => {
                return start(rows, key, &head, (brief, standing), &conversation, claim);
            }
            Ok(_) => PARKED,
            Err(free) => free,
        };
        rows.put_lane(key, &Lane { flight: None, due: Some(due), head: head.position })?;
        return Ok(Turn::Nothing);
    }
}

/// The conversation as it stands once one more message has gone; or when the pair's pace lets it go.
pub(crate) fn paced(
    rows: &dyn Rows,
    key: &LaneKey,
    gap: Span,
    burst: u32,
    now: Timestamp,
) -> Result<std::result::Result<Conversation, Timestamp>> {
    let known = rows.conversation(key.sender, key.customer)?.unwrap_or_default();
    let (free, paid_back) = pair_pace(known.paid_back, now, gap, burst);
    let spoken_at = known.spoken_at.max(Some(now));
    Ok(if free > now { Err(free) } else { Ok(Conversation { paid_back: Some(paid_back), spoken_at, ..known }) })
}

/// Commits an attempt for a head.
fn start(
    rows: &mut dyn Rows,
    key: &LaneKey,
    head: &Wait,
    (brief, mut standing): (Brief, Standing),
    conversation: &Conversation,
    claim: &Claim,
) -> Result<Turn> {
    let now = claim.now;
    let mut attempts = rows.attempts(head.seq)?;
    let number = attempts.last().map_or(0, |a| a.attempt.number) + 1;
    let attempt = join::begun(number, claim.owner, now);
    rows.put_attempt(head.seq, &attempt)?;
    attempts.push(attempt);
    rows.drop_wait(key.sender, head.position)?;
    rows.count_waiting(key.sender, -1)?;
    rows.put_lane(key, &Lane { flight: Some(head.seq), due: None, head: head.position })?;
    rows.put_paid_back(brief.business, key.sender, key.customer, conversation)?;
    standing.phase = Phase::InFlight;
    tell::standing(rows, &brief, &mut standing, &attempts, now, now)?;
    let whole = read::whole(rows, &brief)?;
    claimed(rows, brief, standing, attempts, whole, conversation).map(|claimed| Turn::Claimed(Box::new(claimed)))
}

/// A message whose last attempt may leave, with what it is judged and addressed by.
pub(crate) fn claimed(
    rows: &dyn Rows,
    brief: Brief,
    standing: Standing,
    attempts: Vec<AttemptRow>,
    whole: Whole,
    conversation: &Conversation,
) -> Result<Claimed> {
    // Whose lane it is, that person is reached: see [`people::lane_elsewhere`].
    let person = people::person_of(rows, brief.business, brief.lane)?;
    let (facts, phone) = people::facts(rows, person.as_ref(), &brief.address)?;
    let evidence = people::joined(rows, brief.business, brief.sender, brief.lane, conversation.evidence)?;
    let attempt = attempts.last().map_or(0, |a| a.attempt.number);
    let message = read::assembled(rows, brief, standing, attempts, whole)?;
    Ok(Claimed { message, attempt, evidence, facts, phone })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_may_borrow_a_burst_and_then_goes_by_the_gap() {
        let (gap, burst) = (Span::secs(6), 45);
        let start = Timestamp::from_secs(1_000);
        let (mut owed, mut gone) = (None, 0);
        while let (free, next) = pair_pace(owed, start, gap, burst)
            && free <= start
        {
            (owed, gone) = (Some(next), gone + 1);
        }
        assert_eq!(gone, 45);
        assert_eq!(pair_pace(owed, start, gap, burst).0, start.plus(gap));
        // One gap later exactly one more may go.
        let later = start.plus(gap);
        let (free, next) = pair_pace(owed, later, gap, burst);
        assert_eq!(free, later);
        assert!(pair_pace(Some(next), later, gap, burst).0 > later);
        // After all is paid back a whole burst is there again.
        let rested = start.plus(Span::secs(6 * 46));
        assert_eq!(pair_pace(Some(next), rested, gap, burst), (rested, rested.plus(gap)));
    }

    #[test]
    fn a_clock_that_goes_back_holds_a_pair_for_a_burst_at_most() {
        let now = Timestamp::from_secs(1_000);
        let (free, _) = pair_pace(Some(Timestamp::from_secs(90_000)), now, Span::secs(6), 45);
        assert_eq!(free, now.plus(Span::secs(6)));
    }
}
