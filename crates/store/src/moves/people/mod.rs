//! People: customers, the identities they have and had, and which customers are one person.
//!
//! A customer stays what it was made as; claims, words of consent and sessions lie with the customer whose identity they came by.
//! Where two customers turn out to be one person, one of them *leads to* the other: nothing is moved or rewritten, what is known
//! of the person is joined when it is read (maxima of evidence, the present of all claims), and undoing it is taking the lead away.
//! The row of a person who was never merged says so, and costs no further look.

mod change;
mod merge;
mod observe;
mod reached;

use transom_domain::address::{Channel, Identity, Phone};
use transom_domain::consent::{Consent, Scope};
use transom_domain::fact::Person;
use transom_domain::id::{BusinessId, CustomerId, EventId, SenderId};
use transom_domain::people::{Claim, Learnt, Present};
use transom_domain::session::Evidence;
use transom_domain::time::Timestamp;
use transom_domain::verdict::CustomerFacts;

use crate::StoreError;
use crate::rows::{ClaimRow, CustomerRow, Result, Rows};

pub(crate) use change::rotate;
use merge::merge;
pub(crate) use merge::{by_hand, unmerge};
pub(crate) use observe::{enrich, learn_name, speaks};
pub(crate) use reached::{addressed, lane_elsewhere, whom};

/// How many customers may be one person. Far more than a person has identities on all channels; a bound on what is joined at each
/// look.
pub(crate) const PERSON_MAX: usize = 16;
/// How many senders of a business are looked for that have heard one customer.
pub(crate) const HEARD_MAX: usize = 64;
/// How many identities of one customer are looked at, present and past.
pub(crate) const CLAIMS_MAX: usize = 64;

/// What a word about people made known, beside what it says: for the one who hears it to pass on.
#[derive(Debug)]
pub(crate) struct Told {
    /// Now.
    pub(crate) now: Timestamp,
    /// Events written.
    pub(crate) events: Vec<EventId>,
    /// Senders that may send again at once.
    pub(crate) nudged: Vec<SenderId>,
}

impl Told {
    pub(crate) const fn new(now: Timestamp) -> Self {
        Self { now, events: Vec::new(), nudged: Vec::new() }
    }
}

/// What is known of a person as identities, in the order in which they are matched.
fn identities(person: &Person) -> impl Iterator<Item = Identity> {
    ids(person).chain(person.phone.clone().map(Identity::Phone))
}

/// Who a change of number or user id names.
pub(crate) fn named_by(change: &transom_domain::fact::IdentityChange) -> Vec<Identity> {
    identities(&change.previous).chain(identities(&change.current)).collect()
}

/// Those of them that never pass on to another person.
fn ids(person: &Person) -> impl Iterator<Item = Identity> {
    [
        person.bsuid.clone().map(Identity::Bsuid),
        person.parent_bsuid.clone().map(Identity::Bsuid),
        person.psid.clone().map(Identity::Psid),
    ]
    .into_iter()
    .flatten()
}

/// The address under which a person is met: the phone number where there is one.
pub(crate) fn address(person: &Person) -> Option<Identity> {
    let phone = person.phone.clone().map(Identity::Phone);
    phone.or_else(|| identities(person).next())
}

/// The row that stands for the person a customer is.
pub(crate) fn person_of(rows: &dyn Rows, business: BusinessId, customer: CustomerId) -> Result<Option<CustomerRow>> {
    let mut at = customer;
    for _ in 0..=PERSON_MAX {
        match rows.customer(business, at)? {
            Some(CustomerRow { merged: Some(merged), .. }) => at = merged.into,
            row => return Ok(row),
        }
    }
    Err(StoreError::Corrupt(format!("customer {customer}: leads in a circle")))
}

/// As [`person_of`], the id only; the customer's own where there is no row.
pub(crate) fn person_by_id(rows: &dyn Rows, business: BusinessId, customer: CustomerId) -> Result<CustomerId> {
    Ok(person_of(rows, business, customer)?.map_or(customer, |person| person.id))
}

/// As [`person_of`], for one that a row of ours names.
fn known_person(rows: &dyn Rows, business: BusinessId, customer: CustomerId) -> Result<CustomerRow> {
    person_of(rows, business, customer)?
        .ok_or_else(|| StoreError::Corrupt(format!("customer {customer}: a row names it, and it is gone")))
}

/// The person who has this identity.
pub(crate) fn holder(rows: &dyn Rows, business: BusinessId, identity: &Identity) -> Result<Option<CustomerRow>> {
    match rows.holder(business, identity)? {
        Some(held) => person_of(rows, business, held.customer),
        None => Ok(None),
    }
}

/// All customers that are this person, itself first; at most [`PERSON_MAX`].
pub(crate) fn members(rows: &dyn Rows, person: &CustomerRow) -> Result<Vec<CustomerId>> {
    let mut all = vec![person.id];
    let mut open = vec![(person.id, person.absorbed)];
    while let Some((id, absorbed)) = open.pop() {
        if absorbed == 0 || all.len() >= PERSON_MAX {
            continue;
        }
        for leads in rows.absorbed(person.business, id, PERSON_MAX - all.len())? {
            let row = rows.customer(person.business, leads)?;
            all.push(leads);
            open.push((leads, row.map_or(0, |row| row.absorbed)));
        }
    }
    Ok(all)
}

/// As [`members`], of any customer.
pub(crate) fn all_of(rows: &dyn Rows, business: BusinessId, customer: CustomerId) -> Result<Vec<CustomerId>> {
    match person_of(rows, business, customer)? {
        Some(person) => members(rows, &person),
        None => Ok(vec![customer]),
    }
}

/// All claims of a person.
fn claims(rows: &dyn Rows, person: &CustomerRow) -> Result<Vec<Claim>> {
    let mut all = Vec::new();
    for member in members(rows, person)? {
        all.extend(rows.claims_of(person.business, member, CLAIMS_MAX)?);
    }
    Ok(all)
}

/// Works out anew by what a person is reached.
fn refresh(rows: &mut dyn Rows, business: BusinessId, customer: CustomerId) -> Result<CustomerRow> {
    let mut person = known_person(rows, business, customer)?;
    let present = Present::of(&claims(rows, &person)?);
    if person.present != present {
        person.present = present;
        rows.put_customer(&person)?;
    }
    Ok(person)
}

/// The address of a person on a channel. Page-scoped ids are a Page's own: that of the customer who has the conversation.
pub(crate) fn address_on(
    rows: &dyn Rows,
    person: &CustomerRow,
    member: CustomerId,
    channel: Channel,
) -> Result<Option<Identity>> {
    if channel == Channel::Whatsapp || (member == person.id && person.absorbed == 0) {
        return Ok(person.present.address(channel));
    }
    let own = Present::of(&rows.claims_of(person.business, member, CLAIMS_MAX)?);
    let own = own.address(channel).filter(|identity| identity.channel() == channel);
    Ok(own.or_else(|| person.present.address(channel)))
}

/// The address by which a person who has none any more was last reached on a channel.
pub(crate) fn last_address(rows: &dyn Rows, person: &CustomerRow, channel: Channel) -> Result<Option<Identity>> {
    let past = claims(rows, person)?.into_iter().filter(|claim| claim.identity.channel() == channel);
    Ok(past.max_by_key(|claim| (claim.until, claim.seen.max(claim.since))).map(|claim| claim.identity))
}

/// What the verdict is told of a person, and the present phone number. For an unknown one: as the address itself tells.
pub(crate) fn facts(rows: &dyn Rows, person: Option<&CustomerRow>, address: &Identity) -> Result<(CustomerFacts, Option<Phone>)> {
    let Some(person) = person else {
        let phone = address.phone().cloned();
        return Ok((CustomerFacts { no_marketing: false, nothing: false, no_phone: phone.is_none() }, phone));
    };
    let wants = wants(rows, person)?;
    let phone = person.present.phone.clone();
    let facts = CustomerFacts {
        no_marketing: wants.opted_out(Scope::Marketing),
        nothing: wants.opted_out(Scope::Everything),
        no_phone: phone.is_none(),
    };
    Ok((facts, phone))
}

/// What a person wants, as all of its customers said it.
pub(crate) fn wants(rows: &dyn Rows, person: &CustomerRow) -> Result<Consent> {
    let mut all = person.consent;
    if person.absorbed > 0 {
        for member in members(rows, person)? {
            all = rows.customer(person.business, member)?.map_or(all, |row| all.joined(row.consent));
        }
    }
    Ok(all)
}

/// What a person is called.
#[derive(Debug, Default)]
pub(crate) struct Called {
    /// Display name.
    pub(crate) name: Option<String>,
    /// User name.
    pub(crate) username: Option<String>,
    /// The customers under whose identities these were heard; none where the person is only one.
    pub(crate) of: Vec<CustomerId>,
}

/// Display name and user name of a person: each as it was heard last, under whichever of its customers' identities.
pub(crate) fn called(rows: &dyn Rows, person: &CustomerRow) -> Result<Called> {
    if person.absorbed == 0 {
        return Ok(Called { name: person.name.clone(), username: person.username.clone(), of: Vec::new() });
    }
    let mut all = Vec::new();
    for member in members(rows, person)? {
        all.extend(rows.customer(person.business, member)?);
    }
    // Those who were called so at the same moment: the one who goes on.
    all.sort_by_key(|row| (std::cmp::Reverse(row.named_at), row.id));
    let name = all.iter().find_map(|row| Some((row.id, row.name.clone()?)));
    let username = all.iter().find_map(|row| Some((row.id, row.username.clone()?)));
    let of = name.iter().chain(&username).map(|(id, _)| *id).collect();
    Ok(Called { name: name.map(|(_, name)| name), username: username.map(|(_, name)| name), of })
}

/// What the other customers of a person have of a conversation.
#[derive(Debug, Default)]
pub(crate) struct Others {
    /// What they heard.
    pub(crate) evidence: Evidence,
    /// When what was told of the session is looked at again.
    pub(crate) look_at: Option<Timestamp>,
    /// Those of them who are to look.
    pub(crate) told_by: Vec<CustomerId>,
}

/// What the others who are the same person as this customer have of the conversation with a sender: nothing, for nearly all.
pub(crate) fn others(rows: &dyn Rows, business: BusinessId, sender: SenderId, customer: CustomerId) -> Result<Others> {
    let mut others = Others::default();
    let Some(person) = person_of(rows, business, customer)?.filter(|p| p.absorbed > 0) else { return Ok(others) };
    for member in members(rows, &person)?.into_iter().filter(|member| *member != customer) {
        let Some(known) = rows.conversation(sender, member)? else { continue };
        others.evidence = others.evidence.and(known.evidence);
        if known.look_at.is_some() {
            others.look_at = others.look_at.into_iter().chain(known.look_at).min();
            others.told_by.push(member);
        }
    }
    Ok(others)
}

/// What is known of the session between a sender and the person that a customer is; `own` is what the customer's own row says.
pub(crate) fn joined(
    rows: &dyn Rows,
    business: BusinessId,
    sender: SenderId,
    customer: CustomerId,
    own: Evidence,
) -> Result<Evidence> {
    Ok(own.and(others(rows, business, sender, customer)?.evidence))
}

/// As [`joined`], read whole.
pub(crate) fn evidence(rows: &dyn Rows, business: BusinessId, sender: SenderId, customer: CustomerId) -> Result<Evidence> {
    let own = rows.conversation(sender, customer)?.unwrap_or_default().evidence;
    joined(rows, business, sender, customer, own)
}

/// The sender that heard a person last.
pub(crate) fn last_heard_by(rows: &dyn Rows, person: &CustomerRow) -> Result<Option<SenderId>> {
    if person.absorbed == 0 {
        return rows.last_heard_by(person.business, person.id);
    }
    let mut last = None;
    for member in members(rows, person)? {
        let newest = rows.heard_conversations(person.business, None, Some(member), None, 1)?;
        last = last.max(newest.first().map(|(sender, _, evidence)| (evidence.heard, *sender)));
    }
    Ok(last.map(|(_, sender)| sender))
}

fn blank(business: BusinessId, id: CustomerId) -> CustomerRow {
    CustomerRow {
        id,
        business,
        name: None,
        username: None,
        named_at: Timestamp::EPOCH,
        present: Present::default(),
        merged: None,
        absorbed: 0,
        consent: Consent::default(),
    }
}

/// A new customer's row; refused when the id is someone's.
fn newcomer(rows: &dyn Rows, business: BusinessId, id: CustomerId) -> Result<CustomerRow> {
    match rows.customer(business, id)? {
        None => Ok(blank(business, id)),
        Some(_) => Err(StoreError::Corrupt(format!("customer {id}: an id made for a new customer is taken"))),
    }
}

/// The person whom a business knows by this address; made when nobody has it.
pub(crate) fn known_as(
    rows: &mut dyn Rows,
    business: BusinessId,
    address: &Identity,
    new_customer: CustomerId,
    name: Option<String>,
    now: Timestamp,
) -> Result<CustomerRow> {
    if let Some(held) = rows.holder(business, address)? {
        let person = known_person(rows, business, held.customer)?;
        if name.is_some()
            && called(rows, &person)?.name.is_none()
            && let Some(own) = rows.customer(business, held.customer)?
        {
            rows.rename_customer(&own, &CustomerRow { name, ..own.clone() })?;
        }
        return Ok(person);
    }
    let nobody = newcomer(rows, business, new_customer)?;
    let mut row = CustomerRow { name, ..nobody.clone() };
    // The caller's word has the least weight: nobody was seen under it.
    let claim = Claim {
        identity: address.clone(),
        since: now,
        seen: Timestamp::EPOCH,
        until: None,
        with: None,
        how: Learnt::WrittenTo,
        held: true,
    };
    row.present = Present::of(std::slice::from_ref(&claim));
    rows.rename_customer(&nobody, &row)?;
    rows.put_claim(business, &ClaimRow { customer: new_customer, claim })?;
    let mut told = Told::new(now);
    change::remembered(rows, business, vec![address.clone()], &mut told)?;
    // What became known by it leads to the smaller id, which may be another's.
    known_person(rows, business, new_customer)
}
