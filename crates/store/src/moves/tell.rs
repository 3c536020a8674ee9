//! Events: written in the transaction of what they tell, each once.

use transom_domain::address::{Channel, Identity};
use transom_domain::event::{Event, EventBody, Party};
use transom_domain::id::{BusinessId, CustomerId, EventId, SenderId};
use transom_domain::message::Attempt;
use transom_domain::status::{Phase, Progress, Status, shown};
use transom_domain::time::Timestamp;

use super::join::{failure, told_bit};
use super::{people, tally};
use crate::StoreError;
use crate::rows::{AttemptRow, Brief, Result, Rows, Standing};

/// Spreads positions over the 80 bits of chance in an id; odd, so that no two positions of a business meet.
const SPREAD: u128 = 0x9E37_79B9_7F4A_7C15_F39D;

/// What [`SPREAD`] is undone by, modulo the 80 bits: each step of Newton's doubles the bits that are right.
const GATHER: u128 = {
    let (mut inverse, mut step) = (SPREAD, 0);
    while step < 7 {
        inverse = inverse.wrapping_mul(2u128.wrapping_sub(SPREAD.wrapping_mul(inverse)));
        step += 1;
    }
    inverse
};

/// The position at which an event with this id lies, if there is one: an id is made from it.
#[must_use]
pub fn position_of(business: BusinessId, id: EventId) -> Option<u64> {
    let chance = id.0.wrapping_sub(business.0).wrapping_mul(GATHER) & ((1 << 80) - 1);
    u64::try_from(chance).ok()
}

/// Writes an event.
pub(crate) fn event(rows: &mut dyn Rows, business: BusinessId, at: Timestamp, body: EventBody) -> Result<EventId> {
    placed(rows, business, at, body).map(|(_, id)| id)
}

/// As [`event`], and gives its position too.
pub(crate) fn placed(rows: &mut dyn Rows, business: BusinessId, at: Timestamp, body: EventBody) -> Result<(u64, EventId)> {
    // Callers read the clock before they wait for the writer: an event never happened before the one in front of it, so that a moment
    // can be looked up among positions.
    let (position, at) = rows.next_event(business, at)?;
    // Made from what is unique already: a transaction has no chance of its own, and must come out the same on every engine.
    let id = EventId::compose(at, business.0.wrapping_add(u128::from(position).wrapping_mul(SPREAD)));
    rows.put_event(&Event { position, id, business, at, body })?;
    Ok((position, id))
}

/// The two sides of a conversation, as they are now.
pub(crate) fn party(
    rows: &dyn Rows,
    business: BusinessId,
    sender: SenderId,
    customer: CustomerId,
    channel: Channel,
    address: &Identity,
) -> Result<Party> {
    let sender = rows
        .sender(sender)?
        .ok_or_else(|| StoreError::Corrupt(format!("sender {sender}: a message names it, and it is gone")))?;
    let known = people::person_of(rows, business, customer)?;
    let member = known.as_ref().filter(|person| person.id != customer).map(|_| customer);
    let whose = customer;
    let (customer, phone, bsuid, called) = match known {
        Some(person) => {
            let called = people::called(rows, &person)?;
            (person.id, person.present.phone, person.present.bsuid, called)
        }
        None => (customer, None, None, people::Called::default()),
    };
    let people::Called { name, username, mut of } = called;
    of.retain(|other| *other != whose);
    of.dedup();
    Ok(Party {
        channel,
        sender: sender.id,
        sender_address: sender.address,
        sender_name: sender.name,
        customer,
        member,
        customer_address: address.clone(),
        phone,
        bsuid,
        name,
        username,
        named_as: of,
    })
}

/// What a message shows.
pub(crate) fn status(phase: &Phase, attempts: &[AttemptRow], now: Timestamp) -> Status {
    let progress: Vec<Progress> = attempts.iter().map(|a| a.attempt.progress).collect();
    shown(phase, &progress, now)
}

/// What is told of a message that shows `status`, beginning with what goes without saying: what was read was delivered, and what was
/// delivered was sent. Meta leaves a step out where two come together (a chat that is open), and webhooks overtake each other; so each
/// message's events tell the same steps, each once and forward, in whatever order its webhooks come.
/// Where a failure was told (`failed`) there is no such story any more, and what Meta says after all is told alone.
const fn steps(status: &Status, failed: bool) -> &[Status] {
    match status {
        other if failed => std::slice::from_ref(other),
        Status::Delivered => &[Status::Sent, Status::Delivered],
        Status::Read => &[Status::Sent, Status::Delivered, Status::Read],
        other => std::slice::from_ref(other),
    }
}

/// Works out what a message shows now, keeps its standing, and tells its business what of that is worth telling and was not told. A
/// step that nobody spoke of is told at the moment of the one that implies it.
pub(crate) fn standing(
    rows: &mut dyn Rows,
    brief: &Brief,
    standing: &mut Standing,
    attempts: &[AttemptRow],
    now: Timestamp,
    said_at: Timestamp,
) -> Result<Vec<EventId>> {
    let before = std::mem::replace(&mut standing.status, status(&standing.phase, attempts, now));
    tally::count(rows, brief, Some(before), standing.status)?;
    let told = standing.told;
    let failed = told_bit(Status::Failed).is_some_and(|bit| told & bit != 0);
    let bits = steps(&standing.status, failed).iter().filter_map(|step| Some((*step, told_bit(*step)?)));
    let news: Vec<_> = bits.filter(|(_, bit)| told & bit == 0).collect();
    standing.told |= news.iter().fold(0, |bits, (_, bit)| bits | bit);
    rows.set_standing(brief.seq, standing)?;
    if news.is_empty() {
        return Ok(Vec::new());
    }
    let plain: Vec<_> = attempts.iter().map(|a| a.attempt.clone()).collect();
    // The price belongs to the attempt that got furthest.
    let pricing = plain.iter().max_by_key(|a| a.progress).and_then(|a| a.pricing.clone());
    let failed = failure(&standing.phase, standing.status, &plain);
    if let Some(failed) = &failed {
        tally::count_failure(rows, brief, failed, now)?;
    }
    let taken = failed.is_some() && plain.iter().any(Attempt::was_taken);
    let party = party(rows, brief.business, brief.sender, brief.customer, brief.channel, &brief.address)?;
    let body = |step| EventBody::MessageStatus {
        party: party.clone(),
        message: brief.id,
        status: step,
        at: said_at,
        failure: failed.clone(),
        taken,
        campaign: brief.campaign.clone(),
        callback_data: brief.callback_data.clone(),
        pricing: pricing.clone(),
        origin: brief.origin.clone().map(Box::new),
    };
    news.into_iter().map(|(step, _)| event(rows, brief.business, now, body(step))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_leads_to_its_position() {
        for business in [BusinessId(7), BusinessId(u128::MAX - 3)] {
            for position in [1, 2, 255, 1 << 33, (1 << 53) + 1] {
                let id = EventId::compose(
                    Timestamp::from_secs(1_790_000_000),
                    business.0.wrapping_add(u128::from(position).wrapping_mul(SPREAD)),
                );
                assert_eq!(position_of(business, id), Some(position));
                assert_ne!(position_of(BusinessId(8), id), Some(position));
            }
        }
    }
}
