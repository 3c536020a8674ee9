//! What is seen of people: a person speaks under some identities, or is spoken of.

use transom_domain::address::{Bsuid, Identity};
use transom_domain::fact::Person;
use transom_domain::id::{BusinessId, CustomerId};
use transom_domain::people::{Claim, Joined, Learnt, Present};
use transom_domain::time::Timestamp;

use super::{Told, address, change, claims, identities, ids, known_person, merge, newcomer, person_of, refresh};
use crate::StoreError;
use crate::moves::erase;
use crate::rows::{Brief, ClaimRow, CustomerRow, Result, Rows};

/// Spreads texts over the 80 bits of chance in an id: the prime of FNV for 128 bits.
const SPREAD: u128 = 0x0100_0000_0000_0000_013B;

/// How somebody was seen.
#[derive(Debug, Clone)]
pub(super) struct Sight {
    pub(super) at: Timestamp,
    pub(super) how: Learnt,
    /// The user id beside the number.
    pub(super) with: Option<Bsuid>,
    /// Said in passing: it adds what was not known, and changes nothing that was.
    pub(super) passing: bool,
}

/// The person speaks at `at`: finds or makes the customer, and takes over what is said. Identities that turn out to be one person's
/// make their customers one person. Gives the customer who has the identity by which the person was met: what is said lies there.
pub(crate) fn speaks(
    rows: &mut dyn Rows,
    business: BusinessId,
    person: &Person,
    at: Timestamp,
    new_customer: CustomerId,
    told: &mut Told,
) -> Result<CustomerRow> {
    let customer = match whose(rows, business, person)? {
        Some(known) => known,
        None => {
            rows.put_customer(&newcomer(rows, business, new_customer)?)?;
            new_customer
        }
    };
    let sight = Sight { at, how: Learnt::Spoke, with: person.bsuid.clone(), passing: false };
    take_over(rows, business, person, customer, &sight, told)?;
    rows.customer(business, customer)?
        .ok_or_else(|| StoreError::Corrupt(format!("customer {customer}: an identity leads to it, and it is gone")))
}

/// Something said in passing (an answer, a status) of the customer of a message: it adds what was not known, and changes nothing
/// that was.
pub(crate) fn enrich(rows: &mut dyn Rows, brief: &Brief, person: &Person, at: Timestamp, told: &mut Told) -> Result<()> {
    let (business, customer) = (brief.business, brief.customer);
    if address(person).is_none() && person.name.is_none() && person.username.is_none() {
        return Ok(());
    }
    let Some(mine) = person_of(rows, business, customer)? else { return Ok(()) };
    if erase::is_blank(&mine) && rows.erasure(business, mine.id)?.is_some() {
        // Is being forgotten: what an answer that was on its way tells of the person makes nobody known again.
        return Ok(());
    }
    let sight = Sight { at, how: Learnt::Reported, with: person.bsuid.clone(), passing: true };
    // What was written to a number reached whoever the channel says has it.
    match whose(rows, business, person)? {
        Some(known) => {
            let theirs = known_person(rows, business, known)?;
            if theirs.id != mine.id {
                if !is_by_phone_only(rows, business, customer)? {
                    return Ok(());
                }
                merge(rows, business, (mine.id, theirs.id), Joined::Phone, told)?;
            }
            take_over(rows, business, person, known, &sight, told)
        }
        None if ids(person).next().is_none() || is_by_phone_only(rows, business, customer)? => {
            take_over(rows, business, person, customer, &sight, told)
        }
        // Somebody else got it than it was sent to, as far as that is known by now: the number has passed on, or a change is yet to
        // be heard of.
        None => {
            let stranger = stranger(brief, person, told.now);
            rows.put_customer(&newcomer(rows, business, stranger)?)?;
            take_over(rows, business, person, stranger, &sight, told)
        }
    }
}

/// An id for somebody of whom a message's status speaks. Made from what is unique already: a transaction has no chance of its own.
fn stranger(brief: &Brief, person: &Person, now: Timestamp) -> CustomerId {
    let ids: String = ids(person).map(|id| id.to_string()).collect();
    let mixed = ids.bytes().fold(brief.id.0, |mixed, byte| (mixed ^ u128::from(byte)).wrapping_mul(SPREAD));
    CustomerId::compose(now, mixed)
}

/// The customer by whom a person is known. A number alone does not prove it where both have user ids of their own.
fn whose(rows: &dyn Rows, business: BusinessId, person: &Person) -> Result<Option<CustomerId>> {
    for id in ids(person) {
        if let Some(held) = rows.holder(business, &id)? {
            return Ok(Some(held.customer));
        }
    }
    let Some(phone) = person.phone.clone().map(Identity::Phone) else { return Ok(None) };
    let Some(held) = rows.holder(business, &phone)? else { return Ok(None) };
    let is_same = ids(person).next().is_none() || is_by_phone_only(rows, business, held.customer)?;
    Ok(is_same.then_some(held.customer))
}

/// Whether nobody ever said a user id of this person.
pub(super) fn is_by_phone_only(rows: &dyn Rows, business: BusinessId, customer: CustomerId) -> Result<bool> {
    let person = known_person(rows, business, customer)?;
    if person.present.bsuid.is_some() {
        return Ok(false);
    }
    Ok(claims(rows, &person)?.iter().all(|claim| claim.identity.bsuid().is_none()))
}

/// Takes over what was seen of a person who is known as this customer.
fn take_over(
    rows: &mut dyn Rows,
    business: BusinessId,
    person: &Person,
    customer: CustomerId,
    sight: &Sight,
    told: &mut Told,
) -> Result<()> {
    let mut mine = known_person(rows, business, customer)?;
    for identity in identities(person) {
        let Some(held) = rows.holder(business, &identity)? else { continue };
        if held.customer == customer {
            continue;
        }
        let theirs = known_person(rows, business, held.customer)?;
        let is_phone = identity.phone().is_some();
        // A number passes on from hand to hand, unless whoever has it is known by nothing else; an id never does.
        if theirs.id == mine.id || (is_phone && !is_by_phone_only(rows, business, theirs.id)?) {
            continue;
        }
        let why = if is_phone { Joined::Phone } else { Joined::UserId };
        merge(rows, business, (mine.id, theirs.id), why, told)?;
        mine = known_person(rows, business, customer)?;
    }
    let mut fresh = Vec::new();
    let (mut stale, mut newest) = (false, true);
    for identity in identities(person) {
        let how = if person.shared && identity.phone().is_some() { Learnt::Shared } else { sight.how };
        let noted = note(rows, business, &mine, customer, &identity, &Sight { how, ..sight.clone() }, &mut fresh)?;
        stale |= noted.stale;
        newest &= noted.newest;
    }
    if stale {
        mine = refresh(rows, business, customer)?;
    }
    if person.name.is_some() || person.username.is_some() {
        let replaces = newest && !sight.passing;
        name(rows, business, customer, person, sight, (replaces, mine.absorbed > 0))?;
    }
    change::remembered(rows, business, fresh, told)
}

/// See [`crate::Store::learn_name`].
pub(crate) fn learn_name(rows: &mut dyn Rows, business: BusinessId, identity: &Identity, name: &str) -> Result<bool> {
    let Some(held) = rows.holder(business, identity)? else { return Ok(false) };
    let Some(row) = rows.customer(business, held.customer)?.filter(|row| row.name.is_none()) else { return Ok(false) };
    // No moment goes with it: what a person is called when heard later counts more.
    rows.rename_customer(&row, &CustomerRow { name: Some(name.to_owned()), ..row.clone() })?;
    Ok(true)
}

/// Takes over what a customer is called, which stays the customer's own where that is one of several who are one person.
fn name(
    rows: &mut dyn Rows,
    business: BusinessId,
    customer: CustomerId,
    person: &Person,
    sight: &Sight,
    (replaces, is_one_of_several): (bool, bool),
) -> Result<()> {
    let Some(known) = rows.customer(business, customer)? else { return Ok(()) };
    let mut row = known.clone();
    for (given, known) in [(&person.name, &mut row.name), (&person.username, &mut row.username)] {
        if given.is_some() && (known.is_none() || replaces) {
            known.clone_from(given);
        }
    }
    let is_news = (&row.name, &row.username) != (&known.name, &known.username);
    // The same name said again makes it the later one only where there are others.
    if !sight.passing && (is_news || (replaces && is_one_of_several)) {
        row.named_at = row.named_at.max(sight.at);
    }
    if row != known {
        rows.rename_customer(&known, &row)?;
    }
    Ok(())
}

/// What noting an identity did.
pub(super) struct Noted {
    /// By what the person is reached may have changed.
    pub(super) stale: bool,
    /// Nothing later was seen under it.
    pub(super) newest: bool,
}

/// Notes that a customer of a person was seen under an identity. What nobody had before is among the `fresh`.
pub(super) fn note(
    rows: &mut dyn Rows,
    business: BusinessId,
    person: &CustomerRow,
    customer: CustomerId,
    identity: &Identity,
    sight: &Sight,
    fresh: &mut Vec<Identity>,
) -> Result<Noted> {
    let is_phone = identity.phone().is_some();
    let with = sight.with.clone().filter(|_| is_phone);
    // Without a user id beside it a number does not say whose it is.
    let speaks = !sight.passing && (!is_phone || with.is_some());
    let seen = if speaks { sight.at } else { Timestamp::EPOCH };
    let said = Claim { identity: identity.clone(), since: sight.at, seen, until: None, with, how: sight.how, held: true };
    let Some(held) = rows.holder(business, identity)? else {
        rows.put_claim(business, &ClaimRow { customer, claim: said })?;
        fresh.push(identity.clone());
        return Ok(Noted { stale: true, newest: true });
    };
    let newest = sight.at >= held.claim.seen;
    let holds = known_person(rows, business, held.customer)?.id;
    if holds == person.id {
        let known = held.claim.clone();
        let mut joined = known.clone().and(said);
        if sight.passing {
            // Moments of statuses are whole seconds, and older than what they speak of.
            (joined.since, joined.how) = (known.since, known.how);
        }
        if joined == known {
            return Ok(Noted { stale: false, newest });
        }
        let only_seen = Claim { seen: known.seen, ..joined.clone() } == known;
        rows.put_claim(business, &ClaimRow { customer: held.customer, claim: joined })?;
        return Ok(Noted { stale: !only_seen || !is_present(&person.present, identity), newest });
    }
    if !is_phone || sight.with.is_none() {
        // Two people who are kept apart, or as many customers as one person may be.
        return Ok(Noted { stale: false, newest });
    }
    let mine = rows.claim(business, identity, customer)?;
    if mine.is_none() {
        fresh.push(identity.clone());
    }
    let passes = speaks && (said.seen, &said.with) > (held.claim.seen, &held.claim.with);
    let joined = Claim { held: passes, ..mine.clone().map_or(said.clone(), |mine| mine.and(said)) };
    if mine.as_ref() == Some(&joined) {
        return Ok(Noted { stale: false, newest });
    }
    if passes {
        tracing::warn!(customer = %customer, other = %held.customer, "two customers had one phone number; it goes with who used it last");
        rows.put_claim(business, &ClaimRow { claim: Claim { held: false, ..held.claim }, ..held })?;
        rows.put_claim(business, &ClaimRow { customer, claim: joined })?;
        refresh(rows, business, holds)?;
    } else {
        rows.put_claim(business, &ClaimRow { customer, claim: joined })?;
    }
    Ok(Noted { stale: passes, newest })
}

/// Whether a person is reached by this identity already, or by one that goes before it.
fn is_present(present: &Present, identity: &Identity) -> bool {
    match identity {
        Identity::Phone(phone) => present.phone.as_ref() == Some(phone),
        Identity::Bsuid(id) if id.is_parent() => present.bsuid.is_some() || present.other.as_ref() == Some(identity),
        Identity::Bsuid(id) => present.bsuid.as_ref() == Some(id),
        Identity::Psid(_) => present.other.as_ref() == Some(identity),
    }
}
