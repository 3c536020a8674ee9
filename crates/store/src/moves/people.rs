//! Customers and their identities. Matched by business-scoped user id, then parent id, then page-scoped id, then phone
//! number; where two of them point to two customers, both are kept, and the number goes with the one who used it last.

use transom_domain::address::{Identity, Phone};
use transom_domain::consent::{Consent, Scope};
use transom_domain::fact::{IdentityChange, Person};
use transom_domain::id::{BusinessId, CustomerId};
use transom_domain::time::Timestamp;
use transom_domain::verdict::CustomerFacts;

use crate::StoreError;
use crate::rows::{CustomerRow, Result, Rows};

/// What is known of a person as identities, in the order in which they are matched.
fn identities(person: &Person) -> impl Iterator<Item = Identity> {
    [
        person.bsuid.clone().map(Identity::Bsuid),
        person.parent_bsuid.clone().map(Identity::Bsuid),
        person.psid.clone().map(Identity::Psid),
        person.phone.clone().map(Identity::Phone),
    ]
    .into_iter()
    .flatten()
}

/// The address under which a person is met: the phone number where there is one.
pub(crate) fn address(person: &Person) -> Option<Identity> {
    let phone = person.phone.clone().map(Identity::Phone);
    phone.or_else(|| identities(person).next())
}

/// The present address of a customer.
pub(crate) fn present(row: &CustomerRow) -> Option<Identity> {
    let phone = row.phone.clone().map(Identity::Phone);
    phone.or_else(|| row.bsuid.clone().map(Identity::Bsuid)).or_else(|| row.other.clone())
}

/// What the verdict is told of a customer, and the present phone number. For an unknown one: as the address itself tells.
pub(crate) fn facts(
    rows: &dyn Rows,
    business: BusinessId,
    customer: Option<CustomerId>,
    address: &Identity,
) -> Result<(CustomerFacts, Option<Phone>)> {
    let known = match customer {
        Some(id) => rows.customer(business, id)?,
        None => None,
    };
    Ok(match known {
        Some(row) => {
            let facts = CustomerFacts {
                no_marketing: row.consent.opted_out(Scope::Marketing),
                nothing: row.consent.opted_out(Scope::Everything),
                no_phone: row.phone.is_none(),
            };
            (facts, row.phone)
        }
        None => {
            let phone = address.phone().cloned();
            (CustomerFacts { no_marketing: false, nothing: false, no_phone: phone.is_none() }, phone)
        }
    })
}

fn blank(business: BusinessId, id: CustomerId) -> CustomerRow {
    CustomerRow {
        id,
        business,
        name: None,
        username: None,
        phone: None,
        phone_since: Timestamp::EPOCH,
        bsuid: None,
        bsuid_since: Timestamp::EPOCH,
        other: None,
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

/// The customer whom a business writes to at this address; made when nobody has it.
pub(crate) fn addressed(
    rows: &mut dyn Rows,
    business: BusinessId,
    address: &Identity,
    new_customer: CustomerId,
    person: Person,
    now: Timestamp,
) -> Result<CustomerId> {
    if let Some((customer, _)) = rows.holder(business, address)? {
        if person.name.is_some() {
            enrich(rows, business, customer, &person, now)?;
        }
        return Ok(customer);
    }
    let mut row = newcomer(rows, business, new_customer)?;
    row.name = person.name;
    // The caller's word has the least weight: whatever the upstream says of any moment is newer.
    let since = Timestamp::EPOCH;
    match address {
        Identity::Phone(phone) => row.phone = Some(phone.clone()),
        Identity::Bsuid(bsuid) if !bsuid.is_parent() => row.bsuid = Some(bsuid.clone()),
        Identity::Bsuid(_) | Identity::Psid(_) => row.other = Some(address.clone()),
    }
    rows.put_customer(&row)?;
    rows.put_identity(business, address, new_customer, since)?;
    Ok(new_customer)
}

/// The customer who a person is, if known. A phone number alone does not prove it when both have a user id of their own.
fn find(rows: &dyn Rows, business: BusinessId, person: &Person) -> Result<Option<CustomerRow>> {
    for identity in identities(person) {
        let Some((customer, _)) = rows.holder(business, &identity)? else { continue };
        let Some(row) = rows.customer(business, customer)? else { continue };
        let other_id = person.bsuid.is_some() && row.bsuid.is_some() && person.bsuid != row.bsuid;
        if matches!(identity, Identity::Phone(_)) && other_id {
            continue;
        }
        return Ok(Some(row));
    }
    Ok(None)
}

/// The person speaks, or is spoken of with authority, at `at`: finds or makes the customer and takes over what is present.
/// Says whether anything changed.
pub(crate) fn speaks(
    rows: &mut dyn Rows,
    business: BusinessId,
    person: &Person,
    at: Timestamp,
    new_customer: CustomerId,
) -> Result<(CustomerRow, bool)> {
    let (mut row, is_new) = match find(rows, business, person)? {
        Some(row) => (row, false),
        None => (newcomer(rows, business, new_customer)?, true),
    };
    let changed = present_is(rows, &mut row, person, at, is_new)?;
    Ok((row, changed))
}

/// Takes over what a person is as of `at`.
fn present_is(rows: &mut dyn Rows, row: &mut CustomerRow, person: &Person, at: Timestamp, is_new: bool) -> Result<bool> {
    let before = row.clone();
    let newest = at >= row.phone_since.max(row.bsuid_since);
    let mut mine: Vec<Identity> = Vec::new();
    for identity in identities(person) {
        match rows.holder(row.business, &identity)? {
            Some((holder, since)) if holder == row.id => {
                if at > since {
                    rows.put_identity(row.business, &identity, row.id, at)?;
                }
                mine.push(identity);
            }
            Some((holder, since)) => {
                // A number passes on from hand to hand; an id never does.
                let Identity::Phone(phone) = &identity else { continue };
                if at < since {
                    continue;
                }
                if let Some(mut other) = rows.customer(row.business, holder)?
                    && other.phone.as_ref() == Some(phone)
                {
                    other.phone = None;
                    other.phone_since = other.phone_since.max(at);
                    rows.put_customer(&other)?;
                    tracing::warn!(customer = %row.id, other = %other.id, "two customers had one phone number; it goes with who used it last");
                }
                rows.put_identity(row.business, &identity, row.id, at)?;
                mine.push(identity);
            }
            None => {
                rows.put_identity(row.business, &identity, row.id, at)?;
                mine.push(identity);
            }
        }
    }
    for identity in mine {
        match identity {
            Identity::Phone(phone) if at >= row.phone_since => (row.phone, row.phone_since) = (Some(phone), at),
            Identity::Bsuid(bsuid) if !bsuid.is_parent() && at >= row.bsuid_since => {
                (row.bsuid, row.bsuid_since) = (Some(bsuid), at);
            }
            Identity::Phone(_) => {}
            Identity::Bsuid(_) | Identity::Psid(_) => row.other = row.other.take().or(Some(identity)),
        }
    }
    for (given, known) in [(&person.name, &mut row.name), (&person.username, &mut row.username)] {
        if given.is_some() && (newest || known.is_none()) {
            known.clone_from(given);
        }
    }
    if is_new || *row != before {
        rows.put_customer(row)?;
    }
    Ok(is_new || *row != before)
}

/// Something said in passing (an answer, a status) adds what was not known, and changes nothing that was.
pub(crate) fn enrich(
    rows: &mut dyn Rows,
    business: BusinessId,
    customer: CustomerId,
    person: &Person,
    at: Timestamp,
) -> Result<()> {
    if *person == Person::default() {
        return Ok(());
    }
    let Some(mut row) = rows.customer(business, customer)? else { return Ok(()) };
    let before = row.clone();
    for identity in identities(person) {
        match rows.holder(business, &identity)? {
            Some((holder, _)) if holder != customer => continue,
            Some(_) => {}
            None => rows.put_identity(business, &identity, customer, at)?,
        }
        match identity {
            // A moment at which the number is known to be gone is later than nothing.
            Identity::Phone(phone) if row.phone.is_none() && row.phone_since < at => {
                (row.phone, row.phone_since) = (Some(phone), at);
            }
            Identity::Bsuid(bsuid) if !bsuid.is_parent() && row.bsuid.is_none() => {
                (row.bsuid, row.bsuid_since) = (Some(bsuid), at);
            }
            Identity::Phone(_) => {}
            Identity::Bsuid(ref bsuid) if !bsuid.is_parent() => {}
            Identity::Bsuid(_) | Identity::Psid(_) => row.other = row.other.take().or(Some(identity)),
        }
    }
    row.name = row.name.take().or_else(|| person.name.clone());
    row.username = row.username.take().or_else(|| person.username.clone());
    if row != before {
        rows.put_customer(&row)?;
    }
    Ok(())
}

/// A number or a user id changed: the same customer goes on under the new ones, the old ones stay as names of the past.
/// Never makes a customer. Says whether anything changed.
pub(crate) fn rotate(rows: &mut dyn Rows, business: BusinessId, change: &IdentityChange) -> Result<bool> {
    let known = match find(rows, business, &change.previous)? {
        Some(row) => Some(row),
        None => find(rows, business, &change.current)?,
    };
    let Some(mut row) = known else { return Ok(false) };
    let mut gone = false;
    // A user id changes with the number: when the new number may not be shared, the old one is no longer the customer's.
    let silent = change.current.phone.is_none() && change.previous.phone.is_some() && row.phone == change.previous.phone;
    if silent && change.at >= row.phone_since {
        (row.phone, row.phone_since, gone) = (None, change.at, true);
    }
    let changed = present_is(rows, &mut row, &change.current, change.at, false)?;
    if gone && !changed {
        rows.put_customer(&row)?;
    }
    Ok(changed || gone)
}
