//! Two customers are one person, and two again.

use transom_domain::event::EventBody;
use transom_domain::id::{BusinessId, CustomerId};
use transom_domain::message::Class;
use transom_domain::people::Joined;
use transom_domain::time::Timestamp;

use super::{HEARD_MAX, PERSON_MAX, Told, all_of, members, person_of, reached, refresh, wants};
use crate::moves::{consent, reach, session, tell};
use crate::rows::{LaneKey, Merged, PARKED, Result, Rows};
use crate::{MergeAnswer, MergeOutcome, UnmergeOutcome};

/// Makes one person of two customers, whatever other customers each of them is: the one with the smaller id goes on, the other leads
/// there. What is heard makes nobody one whom somebody has separated; somebody's word makes them one again.
pub(crate) fn merge(
    rows: &mut dyn Rows,
    business: BusinessId,
    (one, other): (CustomerId, CustomerId),
    why: Joined,
    told: &mut Told,
) -> Result<MergeOutcome> {
    let (Some(one), Some(other)) = (person_of(rows, business, one)?, person_of(rows, business, other)?) else {
        return Ok(MergeOutcome::NotFound);
    };
    if one.id == other.id {
        return Ok(MergeOutcome::Same(one.id));
    }
    let (stays, goes) = if one.id < other.id { (one, other) } else { (other, one) };
    let (ours, theirs) = (members(rows, &stays)?, members(rows, &goes)?);
    if ours.len() + theirs.len() > PERSON_MAX {
        tracing::warn!(customer = %stays.id, other = %goes.id, "two customers are one person, who is too many customers already");
        return Ok(MergeOutcome::TooMany);
    }
    for member in &ours {
        for other in rows.apart(business, *member, PERSON_MAX * PERSON_MAX)? {
            if !theirs.contains(&other) {
                continue;
            }
            if why != Joined::ByHand {
                tracing::warn!(customer = %stays.id, other = %goes.id, "two customers seem to be one person, and were separated by hand");
                return Ok(MergeOutcome::KeptApart);
            }
            rows.put_apart(business, *member, other, false)?;
        }
    }
    let wanted = [wants(rows, &stays)?, wants(rows, &goes)?];
    let mut goes = goes;
    goes.merged = Some(Merged { into: stays.id, at: told.now, why });
    rows.put_customer(&goes)?;
    let mut stays = stays;
    stays.absorbed += 1;
    rows.put_customer(&stays)?;
    let person = refresh(rows, business, stays.id)?;
    let all = [ours, theirs].concat();
    wake(rows, business, &all, told)?;
    let told_open = session::told_open(rows, business, &all)?;
    session::look_anew(rows, business, &all, &told_open, told.now)?;
    let body = EventBody::CustomerMerged { customer: person.id, merged: goes.id, why, present: person.present.clone() };
    told.events.push(tell::event(rows, business, told.now, body)?);
    told.events.extend(consent::tell_anew(rows, &person, &wanted, told.now)?);
    Ok(MergeOutcome::Merged { customer: person.id, merged: goes.id })
}

/// What waits for a window that only the other customer had open may go.
fn wake(rows: &mut dyn Rows, business: BusinessId, all: &[CustomerId], told: &mut Told) -> Result<()> {
    let mut senders = Vec::new();
    for member in all {
        let heard = rows.heard_conversations(business, None, Some(*member), None, HEARD_MAX)?;
        senders.extend(heard.into_iter().map(|(sender, _, _)| sender));
    }
    senders.sort_unstable();
    senders.dedup();
    for sender in &senders {
        for customer in all {
            for class in Class::ALL {
                if rows.lane(&LaneKey { sender: *sender, class, customer: *customer })?.is_some_and(|l| l.due == Some(PARKED)) {
                    reach::unpark(rows, *sender, *customer)?;
                }
            }
        }
    }
    told.nudged.extend(senders);
    Ok(())
}

/// Takes a merge back: the customer who led to another one is on its own again, with all who led to it before, and with the
/// identities by which it was known.
pub(crate) fn unmerge(
    rows: &mut dyn Rows,
    business: BusinessId,
    customer: CustomerId,
    told: &mut Told,
) -> Result<UnmergeOutcome> {
    let Some(mut row) = rows.customer(business, customer)? else { return Ok(UnmergeOutcome::NotFound) };
    let Some(merged) = row.merged.take() else { return Ok(UnmergeOutcome::NotMerged) };
    let together = all_of(rows, business, customer)?;
    let wanted = person_of(rows, business, customer)?.map_or(Ok(row.consent), |person| wants(rows, &person))?;
    let told_open = session::told_open(rows, business, &together)?;
    rows.put_customer(&row)?;
    if let Some(mut into) = rows.customer(business, merged.into)? {
        into.absorbed = into.absorbed.saturating_sub(1);
        rows.put_customer(&into)?;
    }
    rows.put_apart(business, customer, merged.into, true)?;
    let person = refresh(rows, business, merged.into)?;
    let parted = refresh(rows, business, customer)?;
    reached::part(rows, business, &together)?;
    let body = EventBody::CustomerUnmerged { customer: person.id, separated: customer };
    told.events.push(tell::event(rows, business, told.now, body)?);
    for on_its_own in [&person, &parted] {
        told.events.extend(consent::tell_anew(rows, on_its_own, &[wanted], told.now)?);
    }
    let (separated, rest) = (all_of(rows, business, customer)?, all_of(rows, business, person.id)?);
    let anew = session::tell_anew(rows, business, &separated, told.now)?;
    told.events.extend(anew);
    session::look_anew(rows, business, &rest, &told_open, told.now)?;
    Ok(UnmergeOutcome::Unmerged { customer: person.id })
}

/// See [`crate::Store::merge_customers`].
pub(crate) fn by_hand(
    rows: &mut dyn Rows,
    business: BusinessId,
    both: (CustomerId, CustomerId),
    now: Timestamp,
) -> Result<MergeAnswer> {
    let mut told = Told::new(now);
    let outcome = merge(rows, business, both, Joined::ByHand, &mut told)?;
    Ok(MergeAnswer { outcome, nudged: told.nudged })
}
