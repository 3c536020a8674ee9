//! Whom a message reaches, and in whose lane it waits.
//!
//! A message is that customer's whose address it has, and waits in the lane of the person that this customer is. Customers who are
//! one person have one lane, so that what comes later leaves later. Where they are two again, or a number has passed on to somebody
//! else, what waits goes over to the lane of whom it reaches now, and is judged by that one's session and wishes.

use transom_domain::address::Identity;
use transom_domain::id::{BusinessId, CustomerId, SenderId};
use transom_domain::message::Class;
use transom_domain::time::Timestamp;

use super::{known_as, members, person_of};
use crate::moves::lane;
use crate::rows::{Brief, CustomerRow, LaneKey, Result, Rows};

/// How many messages of one lane change over at once when a merge is taken back. What there is more does when its turn comes.
const CHANGE_MAX: usize = 1_000;

/// The customer whom a message reaches: who has its address now; whose it was, where nobody has it any more.
pub(crate) fn whom(rows: &dyn Rows, brief: &Brief) -> Result<CustomerId> {
    Ok(rows.holder(brief.business, &brief.address)?.map_or(brief.customer, |held| held.customer))
}

/// In whose lane a message to a person waits. That of the person; of one who was merged, the lane in which something waits already,
/// so that what comes later leaves later.
fn lane_of(rows: &dyn Rows, (sender, class): (SenderId, Class), person: &CustomerRow) -> Result<CustomerId> {
    if person.absorbed > 0 {
        for customer in members(rows, person)? {
            if rows.lane(&LaneKey { sender, class, customer })?.is_some() {
                return Ok(customer);
            }
        }
    }
    Ok(person.id)
}

/// The customer whom a message to this address is for, and the one in whose lane it waits; made when nobody has the address.
pub(crate) fn addressed(
    rows: &mut dyn Rows,
    business: BusinessId,
    address: &Identity,
    new_customer: CustomerId,
    name: Option<String>,
    lane: (SenderId, Class),
    now: Timestamp,
) -> Result<(CustomerId, CustomerId)> {
    let person = known_as(rows, business, address, new_customer, name, now)?;
    let customer = rows.holder(business, address)?.map_or(person.id, |held| held.customer);
    Ok((customer, lane_of(rows, lane, &person)?))
}

/// In whose lane a message has to wait that is in the lane of somebody else than whom it reaches.
pub(crate) fn lane_elsewhere(rows: &dyn Rows, brief: &Brief) -> Result<Option<CustomerId>> {
    let whom = whom(rows, brief)?;
    if whom == brief.lane {
        return Ok(None);
    }
    let Some(person) = person_of(rows, brief.business, whom)? else { return Ok(None) };
    if person_of(rows, brief.business, brief.lane)?.is_some_and(|known| known.id == person.id) {
        return Ok(None);
    }
    lane_of(rows, (brief.sender, brief.class), &person).map(Some)
}

/// These customers are one person no more: what waits goes into the lanes of whom it reaches, so that what they are sent from now on
/// stands behind it.
pub(super) fn part(rows: &mut dyn Rows, business: BusinessId, customers: &[CustomerId]) -> Result<()> {
    for sender in rows.senders()?.into_iter().filter(|sender| sender.business == business) {
        for class in Class::ALL {
            for customer in customers {
                let key = LaneKey { sender: sender.id, class, customer: *customer };
                if rows.lane(&key)?.is_none() {
                    continue;
                }
                for wait in rows.waits_in(&key, CHANGE_MAX)? {
                    let Some((brief, _)) = rows.brief_of(wait.seq)? else { continue };
                    if let Some(other) = lane_elsewhere(rows, &brief)? {
                        lane::change_over(rows, &wait, other)?;
                    }
                }
            }
        }
    }
    Ok(())
}
