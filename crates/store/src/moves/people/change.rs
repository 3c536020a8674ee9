//! A number or a user id changed: the same person goes on under the new ones, the old ones stay as names of the past.
//!
//! Nobody is made of such a word. It is kept under the identities that it names, so that it counts for whoever is heard of under
//! them later: words about people come in any order.

use transom_domain::address::{Bsuid, Identity, Phone};
use transom_domain::event::EventBody;
use transom_domain::fact::IdentityChange;
use transom_domain::id::{BusinessId, CustomerId};
use transom_domain::people::{Claim, Joined, Learnt};
use transom_domain::time::{Span, Timestamp};

use super::observe::{Sight, is_by_phone_only, note};
use super::{PERSON_MAX, Told, identities, ids, known_person, merge, refresh};
use crate::StoreError;
use crate::moves::tell;
use crate::rows::{ClaimRow, Result, Rows};

/// How many changes may name one identity; a person changes number every few years.
const CHANGES_MAX: usize = 16;
/// How many changes one word may set off: each makes identities known that others name.
const CHAIN_MAX: usize = 32;

/// A change is heard. Says whether anything changed.
pub(crate) fn rotate(rows: &mut dyn Rows, business: BusinessId, change: &IdentityChange, told: &mut Told) -> Result<bool> {
    // By which message it was said makes no other change of it.
    let kept = IdentityChange { provider_id: String::new(), ..change.clone() };
    let named: Vec<Identity> = identities(&kept.previous).chain(ids(&kept.current)).collect();
    // A parent id stays over all changes: under it there would be ever more of them, and whoever has it has another id too.
    let is_parent = |identity: &Identity| identity.bsuid().is_some_and(Bsuid::is_parent);
    let only_parents = named.iter().all(is_parent);
    for identity in named.iter().filter(|identity| only_parents || !is_parent(identity)) {
        rows.put_change(business, identity, &kept)?;
    }
    let mut fresh = Vec::new();
    let changed = apply(rows, business, &kept, &mut fresh, told)?;
    remembered(rows, business, fresh, told)?;
    Ok(changed)
}

/// The changes that were heard of before these identities were known.
pub(super) fn remembered(rows: &mut dyn Rows, business: BusinessId, mut fresh: Vec<Identity>, told: &mut Told) -> Result<()> {
    for _ in 0..CHAIN_MAX {
        let Some(identity) = fresh.pop() else { return Ok(()) };
        for change in rows.changes(business, &identity, CHANGES_MAX)? {
            apply(rows, business, &change, &mut fresh, told)?;
        }
    }
    Ok(())
}

/// The old number, where nothing else says who changed: payloads before August 2026 name no old user id.
fn old_number(change: &IdentityChange) -> Option<Identity> {
    let number = change.previous.phone.clone().map(Identity::Phone);
    number.filter(|_| ids(&change.previous).next().is_none())
}

/// Everyone whom a change is about, first who it is by the old identities.
fn about(rows: &dyn Rows, business: BusinessId, change: &IdentityChange) -> Result<Vec<CustomerId>> {
    let mut found = Vec::new();
    let by_id = |rows: &dyn Rows, person, found: &mut Vec<CustomerId>| {
        for id in ids(person) {
            found.extend(rows.holder(business, &id)?.map(|held| held.customer));
        }
        Ok::<_, StoreError>(())
    };
    by_id(rows, &change.previous, &mut found)?;
    if let Some(number) = old_number(change) {
        // Who had it then, whoever has it now, and not who is said to have had it by this very word.
        let had =
            |row: &ClaimRow| row.claim.since <= change.at && (row.claim.how, row.claim.since) != (Learnt::Changed, change.at);
        let then = rows.claims_on(business, &number, PERSON_MAX)?.into_iter().filter(had);
        // Of those who had it, the last; before one who was never seen with a user id, those who were.
        let last = then.max_by_key(|row| (row.claim.with.is_some(), row.claim.since, row.customer));
        found.extend(last.map(|row| row.customer));
    }
    // A number is proof only of whoever is known by nothing else.
    let by_phone = |rows: &dyn Rows, phone: &Option<Phone>| {
        let Some(phone) = phone.clone().map(Identity::Phone) else { return Ok(None) };
        let Some(held) = rows.holder(business, &phone)? else { return Ok(None) };
        Ok::<_, StoreError>(is_by_phone_only(rows, business, held.customer)?.then_some(held.customer))
    };
    found.extend(by_phone(rows, &change.previous.phone)?);
    by_id(rows, &change.current, &mut found)?;
    if !found.is_empty() {
        found.extend(by_phone(rows, &change.current.phone)?);
    }
    Ok(found)
}

fn apply(
    rows: &mut dyn Rows,
    business: BusinessId,
    change: &IdentityChange,
    fresh: &mut Vec<Identity>,
    told: &mut Told,
) -> Result<bool> {
    let found = about(rows, business, change)?;
    let Some(customer) = found.first().copied() else { return Ok(false) };
    let before = known_person(rows, business, customer)?;
    for other in found {
        merge(rows, business, (customer, other), Joined::Change, told)?;
    }
    let person = known_person(rows, business, customer)?;
    let joined = person.id != before.id || person.absorbed != before.absorbed;
    // Within its second a change comes after what was said under the old identities.
    let at = change.at.plus(Span::millis(1));
    let sight = |with| Sight { at: change.at, how: Learnt::Changed, with, passing: false };
    let old = Sight { passing: true, ..sight(None) };
    for id in ids(&change.previous) {
        note(rows, business, &person, customer, &id, &old, fresh)?;
        end(rows, business, person.id, &id, at)?;
    }
    if let Some(phone) = change.previous.phone.clone().map(Identity::Phone) {
        note(rows, business, &person, customer, &phone, &sight(change.previous.bsuid.clone()), fresh)?;
        if old_number(change).is_some() {
            for row in rows.claims_on(business, &phone, PERSON_MAX)? {
                if known_person(rows, business, row.customer)?.id != person.id || row.claim.since > change.at {
                    continue;
                }
                // The user id that it was seen with has ended with it.
                if let Some(with) = row.claim.with.filter(|with| Some(with) != change.current.bsuid.as_ref()) {
                    end(rows, business, person.id, &Identity::Bsuid(with), at)?;
                }
            }
            end(rows, business, person.id, &phone, at)?;
        }
    }
    let new = Sight { at, ..sight(change.current.bsuid.clone()) };
    for identity in ids(&change.current).chain(change.current.phone.clone().map(Identity::Phone)) {
        note(rows, business, &person, customer, &identity, &new, fresh)?;
    }
    let after = refresh(rows, business, person.id)?;
    let changed = joined || after.present != before.present;
    if changed {
        let body = EventBody::IdentityChanged {
            customer: after.id,
            previous: before.present,
            current: after.present,
            said_at: change.at,
        };
        told.events.push(tell::event(rows, business, told.now, body)?);
    }
    Ok(changed)
}

/// From `at` on an identity is no longer this person's, unless the person speaks under it later.
fn end(rows: &mut dyn Rows, business: BusinessId, person: CustomerId, identity: &Identity, at: Timestamp) -> Result<()> {
    for row in rows.claims_on(business, identity, PERSON_MAX)? {
        if row.claim.until.is_none_or(|until| until < at) && known_person(rows, business, row.customer)?.id == person {
            let claim = Claim { until: Some(at), ..row.claim };
            rows.put_claim(business, &ClaimRow { customer: row.customer, claim })?;
        }
    }
    Ok(())
}
