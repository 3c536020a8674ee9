//! Customers and identities.

use super::params;

use transom_domain::address::Identity;
use transom_domain::consent::{Choice, Consent, Scope, Stand};
use transom_domain::fact::IdentityChange;
use transom_domain::id::{BusinessId, CustomerId};
use transom_domain::people::{Claim, Joined, Learnt, Present};
use transom_domain::time::Timestamp;

use super::{
    Row, Sql, bound, get, get_id, get_id_if, get_identity, get_json, get_small, get_text_if, get_time, get_time_if, get_word,
    json, millis,
};
use crate::rows::{ClaimRow, CustomerRow, Merged, NameKey, PeopleRows, Result, folded, past};

/// What [`customer`] reads, in its order.
macro_rules! customer_where {
    ($rest:literal) => {
        concat!(
            "SELECT business, id, name, username, phone, bsuid, other, no_marketing, marketing_at, no_contact, contact_at,
                 merged_into, merged_at, merged_why, absorbed, named_at FROM customer WHERE ",
            $rest
        )
    };
}

const CUSTOMER: &str = customer_where!("business = ?1 AND id = ?2");
/// Customers, latest ids first.
pub(crate) const CUSTOMERS: &str = customer_where!("business = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3");

/// What [`claim_row`] reads, in its order.
macro_rules! claims {
    ($rest:literal) => {
        concat!("SELECT customer, identity, spelled, since, seen, until, seen_with, how, held FROM identity ", $rest)
    };
}
pub(crate) use claims;

const HOLDER: &str = claims!("WHERE business = ?1 AND identity = ?2 AND held = 1");
const CLAIM: &str = claims!("WHERE business = ?1 AND identity = ?2 AND customer = ?3");
/// All claims on an identity.
pub(crate) const CLAIMS_ON: &str = claims!("WHERE business = ?1 AND identity = ?2 ORDER BY customer LIMIT ?3");

/// Who holds identities in a range of texts.
pub(crate) const HOLDERS_FROM: &str = "SELECT identity, customer FROM identity
     WHERE business = ?1 AND identity > ?2 AND identity < ?3 AND held = 1 ORDER BY identity LIMIT ?4";

/// Changes that name an identity.
pub(crate) const CHANGES: &str =
    "SELECT change FROM identity_change WHERE business = ?1 AND identity = ?2 ORDER BY at DESC, change DESC LIMIT ?3";
/// Changes from before a moment.
pub(crate) const OLD_CHANGES: &str =
    "SELECT business, identity, at, change FROM identity_change WHERE at < ?1 ORDER BY at LIMIT ?2";

/// Customers that lead to one.
pub(crate) const ABSORBED: &str = "SELECT id FROM customer WHERE business = ?1 AND merged_into = ?2 ORDER BY id LIMIT ?3";

/// Customers by the beginning of their name.
pub(crate) const BY_NAME: &str = "SELECT name_key AS name, id FROM customer
     WHERE business = ?1 AND name_key IS NOT NULL AND name_key >= ?2 AND name_key < ?3 AND (name_key, id) > (?2, ?4)
     ORDER BY name_key, id LIMIT ?5";

/// Customers by the beginning of their user name.
pub(crate) const BY_USERNAME: &str = "SELECT username_key AS name, id FROM customer
     WHERE business = ?1 AND username_key IS NOT NULL AND username_key >= ?2 AND username_key < ?3 AND (username_key, id) > (?2, ?4)
     ORDER BY username_key, id LIMIT ?5";

/// Customers by the beginning of a later word of their names.
pub(crate) const BY_WORD: &str = "SELECT word AS name, customer AS id FROM customer_word
     WHERE business = ?1 AND word >= ?2 AND word < ?3 AND (word, customer) > (?2, ?4) ORDER BY word, customer LIMIT ?5";

/// A choice and its moment, from this column on.
pub(crate) fn stand(row: &dyn Row, from: usize) -> Result<Option<Stand>> {
    let Some(at) = get_time_if(row, from + 1)? else { return Ok(None) };
    let out: bool = get(row, from)?;
    Ok(Some(Stand { at, choice: if out { Choice::OptedOut } else { Choice::OptedIn } }))
}

pub(crate) fn customer(row: &dyn Row) -> Result<CustomerRow> {
    let merged = match get_id_if(row, 11)? {
        None => None,
        Some(into) => {
            Some(Merged { into: CustomerId::from_bytes(into), at: get_time(row, 12)?, why: get_word(row, 13, Joined::named)? })
        }
    };
    Ok(CustomerRow {
        id: CustomerId::from_bytes(get_id(row, 1)?),
        business: BusinessId::from_bytes(get_id(row, 0)?),
        name: get(row, 2)?,
        username: get(row, 3)?,
        named_at: get_time(row, 15)?,
        present: Present { phone: get_text_if(row, 4)?, bsuid: get_text_if(row, 5)?, other: get_text_if(row, 6)? },
        merged,
        absorbed: get_small(row, 14)?,
        consent: Consent { marketing: stand(row, 7)?, everything: stand(row, 9)? },
    })
}

pub(crate) fn claim_row(row: &dyn Row) -> Result<ClaimRow> {
    let identity = match get_text_if(row, 2)? {
        Some(spelled) => spelled,
        None => get_identity(row, 1)?,
    };
    let claim = Claim {
        identity,
        since: get_time(row, 3)?,
        seen: get_time(row, 4)?,
        until: get_time_if(row, 5)?,
        with: get_text_if(row, 6)?,
        how: get_word(row, 7, Learnt::named)?,
        held: get(row, 8)?,
    };
    Ok(ClaimRow { customer: CustomerId::from_bytes(get_id(row, 0)?), claim })
}

impl<S: Sql> PeopleRows for S {
    fn holder(&self, business: BusinessId, identity: &Identity) -> Result<Option<ClaimRow>> {
        let key = (business, identity.key().to_string());
        if let Some(known) = self.remembered().and_then(|cache| cache.holders.borrow().get(&key).cloned()) {
            return Ok(Some(known));
        }
        let found = self.one(HOLDER, params![business.to_bytes(), key.1], claim_row)?;
        if let (Some(cache), Some(found)) = (self.remembered(), &found) {
            cache.holders.borrow_mut().put(key, found.clone());
        }
        Ok(found)
    }

    fn claim(&self, business: BusinessId, identity: &Identity, customer: CustomerId) -> Result<Option<Claim>> {
        let found = self.one(CLAIM, params![business.to_bytes(), identity.key().to_string(), customer.to_bytes()], claim_row)?;
        Ok(found.map(|row| row.claim))
    }

    fn put_claim(&mut self, business: BusinessId, row: &ClaimRow) -> Result<()> {
        let ClaimRow { customer, claim } = row;
        let key = claim.identity.key();
        let spelled = (key != claim.identity).then(|| claim.identity.to_string());
        let key = key.to_string();
        // What is not named leaves its index alone.
        self.put(
            "INSERT INTO identity (business, identity, customer, held, spelled, since, seen, until, seen_with, how)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
             ON CONFLICT (business, identity, customer) DO UPDATE SET held = ?4, spelled = ?5, since = ?6, seen = ?7, until = ?8,
                 seen_with = ?9, how = ?10",
            params![
                business.to_bytes(),
                key,
                customer.to_bytes(),
                claim.held,
                spelled,
                claim.since.as_millis(),
                claim.seen.as_millis(),
                millis(claim.until),
                claim.with.as_ref().map(ToString::to_string),
                claim.how.as_str()
            ],
        )?;
        let mut holders = self.cache()?.holders.borrow_mut();
        let key = (business, key);
        if claim.held {
            holders.put(key, row.clone());
        } else if holders.get(&key).is_some_and(|known| known.customer == *customer) {
            holders.take(&key);
        }
        Ok(())
    }

    fn claims_on(&self, business: BusinessId, identity: &Identity, limit: usize) -> Result<Vec<ClaimRow>> {
        self.all(CLAIMS_ON, params![business.to_bytes(), identity.key().to_string(), bound(limit)], claim_row)
    }

    fn claims_of(&self, business: BusinessId, customer: CustomerId, limit: usize) -> Result<Vec<Claim>> {
        self.all(S::CLAIMS_OF, params![business.to_bytes(), customer.to_bytes(), bound(limit)], |row| {
            claim_row(row).map(|row| row.claim)
        })
    }

    fn holders_from(
        &self,
        business: BusinessId,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, CustomerId)>> {
        self.all(HOLDERS_FROM, params![business.to_bytes(), after.unwrap_or(prefix), past(prefix), bound(limit)], |row| {
            Ok((get(row, "identity")?, CustomerId::from_bytes(get_id(row, "customer")?)))
        })
    }

    fn put_change(&mut self, business: BusinessId, identity: &Identity, change: &IdentityChange) -> Result<()> {
        self.put(
            "INSERT INTO identity_change (business, identity, at, change) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
            params![business.to_bytes(), identity.key().to_string(), change.at.as_millis(), json(change)?],
        )?;
        Ok(())
    }

    fn changes(&self, business: BusinessId, identity: &Identity, limit: usize) -> Result<Vec<IdentityChange>> {
        let mut latest = self.all(CHANGES, params![business.to_bytes(), identity.key().to_string(), bound(limit)], |row| {
            get_json(row, "change")
        })?;
        latest.reverse();
        Ok(latest)
    }

    fn sweep_changes(&mut self, before: Timestamp, limit: usize) -> Result<usize> {
        let old = self.all(OLD_CHANGES, params![before.as_millis(), bound(limit)], |row| {
            Ok((get_id(row, 0)?, get::<String>(row, 1)?, get::<i64>(row, 2)?, get::<String>(row, 3)?))
        })?;
        for (business, identity, at, change) in &old {
            self.put(
                "DELETE FROM identity_change WHERE business = ?1 AND identity = ?2 AND at = ?3 AND change = ?4",
                params![business, identity, at, change],
            )?;
        }
        Ok(old.len())
    }

    fn absorbed(&self, business: BusinessId, customer: CustomerId, limit: usize) -> Result<Vec<CustomerId>> {
        self.all(ABSORBED, params![business.to_bytes(), customer.to_bytes(), bound(limit)], |row| {
            get_id(row, "id").map(CustomerId::from_bytes)
        })
    }

    fn put_apart(&mut self, business: BusinessId, one: CustomerId, other: CustomerId, apart: bool) -> Result<()> {
        for (customer, other) in [(one, other), (other, one)] {
            let values = [business.to_bytes(), customer.to_bytes(), other.to_bytes()];
            if apart {
                self.put("INSERT INTO apart (business, customer, other) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING", values)?;
            } else {
                self.put("DELETE FROM apart WHERE business = ?1 AND customer = ?2 AND other = ?3", values)?;
            }
        }
        Ok(())
    }

    fn apart(&self, business: BusinessId, customer: CustomerId, limit: usize) -> Result<Vec<CustomerId>> {
        self.all(
            "SELECT other FROM apart WHERE business = ?1 AND customer = ?2 ORDER BY other LIMIT ?3",
            params![business.to_bytes(), customer.to_bytes(), bound(limit)],
            |row| get_id(row, "other").map(CustomerId::from_bytes),
        )
    }

    fn customers(&self, business: BusinessId, before: Option<CustomerId>, limit: usize) -> Result<Vec<CustomerRow>> {
        // No id is made of nothing but ones: its time would be long after all others.
        let before = before.map_or([255; 16], CustomerId::to_bytes);
        self.all(CUSTOMERS, params![business.to_bytes(), before, bound(limit)], customer)
    }

    fn named(
        &self,
        business: BusinessId,
        by: NameKey,
        prefix: &str,
        after: Option<(&str, CustomerId)>,
        limit: usize,
    ) -> Result<Vec<(String, CustomerId)>> {
        let sql = match by {
            NameKey::Name => BY_NAME,
            NameKey::Username => BY_USERNAME,
            NameKey::Word => BY_WORD,
        };
        // The row value compares as the index is sorted, so that a page starts where the last one ended.
        let (from, id) = after.map_or((prefix, [0; 16]), |(name, id)| (name, id.to_bytes()));
        self.all(sql, params![business.to_bytes(), from, past(prefix), id, bound(limit)], |row| {
            Ok((get(row, "name")?, CustomerId::from_bytes(get_id(row, "id")?)))
        })
    }

    fn customer(&self, business: BusinessId, id: CustomerId) -> Result<Option<CustomerRow>> {
        let key = (business, id);
        if let Some(known) = self.remembered().and_then(|cache| cache.customers.borrow().get(&key).cloned()) {
            return Ok(Some(known));
        }
        let found = self.one(CUSTOMER, [business.to_bytes(), id.to_bytes()], customer)?;
        if let (Some(cache), Some(found)) = (self.remembered(), &found) {
            cache.customers.borrow_mut().put(key, found.clone());
        }
        Ok(found)
    }

    fn put_customer(&mut self, row: &CustomerRow) -> Result<()> {
        self.put(
            "INSERT INTO customer (business, id, name, name_key, username, username_key, phone, bsuid, other, no_marketing,
                 marketing_at, no_contact, contact_at, merged_into, merged_at, merged_why, absorbed, named_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)
             ON CONFLICT (business, id) DO UPDATE SET name = ?3, name_key = ?4, username = ?5, username_key = ?6, phone = ?7,
                 bsuid = ?8, other = ?9, no_marketing = ?10, marketing_at = ?11, no_contact = ?12, contact_at = ?13,
                 merged_into = ?14, merged_at = ?15, merged_why = ?16, absorbed = ?17, named_at = ?18",
            params![
                row.business.to_bytes(),
                row.id.to_bytes(),
                row.name,
                row.name.as_deref().map(folded),
                row.username,
                row.username.as_deref().map(folded),
                row.present.phone.as_ref().map(ToString::to_string),
                row.present.bsuid.as_ref().map(ToString::to_string),
                row.present.other.as_ref().map(ToString::to_string),
                row.consent.opted_out(Scope::Marketing),
                millis(row.consent.marketing.map(|stand| stand.at)),
                row.consent.opted_out(Scope::Everything),
                millis(row.consent.everything.map(|stand| stand.at)),
                row.merged.map(|merged| merged.into.to_bytes()),
                row.merged.map(|merged| merged.at.as_millis()),
                row.merged.map(|merged| merged.why.as_str()),
                row.absorbed,
                row.named_at.as_millis()
            ],
        )?;
        self.cache()?.customers.borrow_mut().put((row.business, row.id), row.clone());
        Ok(())
    }

    fn put_word(&mut self, business: BusinessId, word: &str, customer: CustomerId) -> Result<()> {
        self.put(
            "INSERT INTO customer_word (business, word, customer) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            params![business.to_bytes(), word, customer.to_bytes()],
        )?;
        Ok(())
    }

    fn drop_word(&mut self, business: BusinessId, word: &str, customer: CustomerId) -> Result<()> {
        self.put(
            "DELETE FROM customer_word WHERE business = ?1 AND word = ?2 AND customer = ?3",
            params![business.to_bytes(), word, customer.to_bytes()],
        )?;
        Ok(())
    }
}
