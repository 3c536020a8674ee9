//! Customers, identities, conversations.

use rusqlite::{Row, params};

use transom_domain::address::Identity;
use transom_domain::consent::{Choice, Consent, Scope, Stand};
use transom_domain::id::{BusinessId, CustomerId, SenderId};
use transom_domain::session::Evidence;
use transom_domain::time::Timestamp;

use super::{SqliteRows, bound, get, get_id, get_identity, get_text_if, get_time, get_time_if, millis};
use crate::rows::{Conversation, CustomerRow, PeopleRows, Result};

/// What [`customer`] reads, in its order.
const CUSTOMER: &str = "SELECT business, id, name, username, phone, phone_since, bsuid, bsuid_since, other, no_marketing,
     marketing_at, no_contact, contact_at FROM customer WHERE business = ?1 AND id = ?2";

/// A choice and its moment, from this column on.
fn stand(row: &Row<'_>, from: usize) -> Result<Option<Stand>> {
    let Some(at) = get_time_if(row, from + 1)? else { return Ok(None) };
    let out: bool = get(row, from)?;
    Ok(Some(Stand { at, choice: if out { Choice::OptedOut } else { Choice::OptedIn } }))
}

fn customer(row: &Row<'_>) -> Result<CustomerRow> {
    Ok(CustomerRow {
        id: CustomerId::from_bytes(get_id(row, 1)?),
        business: BusinessId::from_bytes(get_id(row, 0)?),
        name: get(row, 2)?,
        username: get(row, 3)?,
        phone: get_text_if(row, 4)?,
        phone_since: get_time(row, 5)?,
        bsuid: get_text_if(row, 6)?,
        bsuid_since: get_time(row, 7)?,
        other: get_text_if(row, 8)?,
        consent: Consent { marketing: stand(row, 9)?, everything: stand(row, 11)? },
    })
}

fn evidence(row: &Row<'_>) -> Result<Evidence> {
    Ok(Evidence { heard: get_time_if(row, "heard")?, refused: get_time_if(row, "refused")? })
}

/// Conversations of a customer, heard last first.
pub(super) const HEARD_OF_CUSTOMER: &str = "SELECT sender, customer, heard, refused FROM conversation
                 WHERE business = ?1 AND customer = ?2 AND heard IS NOT NULL AND (heard, sender, customer) < (?3, ?4, ?5)
                     AND (?6 IS NULL OR sender = ?6)
                 ORDER BY heard DESC, sender DESC, customer DESC LIMIT ?7";

/// Conversations of a business, heard last first.
pub(super) const HEARD: &str = "SELECT sender, customer, heard, refused FROM conversation
                 WHERE business = ?1 AND heard IS NOT NULL AND (heard, sender, customer) < (?2, ?3, ?4)
                     AND (?5 IS NULL OR sender = ?5)
                 ORDER BY heard DESC, sender DESC, customer DESC LIMIT ?6";

/// All identities of a customer.
pub(super) const IDENTITIES: &str = "SELECT identity FROM identity WHERE business = ?1 AND customer = ?2 ORDER BY identity";

/// Conversations whose session is to be looked at.
pub(super) const DUE_LOOKS: &str =
    "SELECT business, sender, customer FROM conversation WHERE look_at <= ?1 ORDER BY look_at, sender, customer LIMIT ?2";

/// When the first is.
pub(super) const NEXT_LOOK: &str = "SELECT look_at FROM conversation WHERE look_at IS NOT NULL ORDER BY look_at LIMIT 1";

impl PeopleRows for SqliteRows<'_> {
    fn holder(&self, business: BusinessId, identity: &Identity) -> Result<Option<(CustomerId, Timestamp)>> {
        let key = (business, identity.to_string());
        if let Some(known) = self.cache.and_then(|cache| cache.holders.borrow().get(&key).copied()) {
            return Ok(Some(known));
        }
        let found = self.one(
            "SELECT customer, since FROM identity WHERE business = ?1 AND identity = ?2",
            params![business.to_bytes(), key.1],
            |row| Ok((CustomerId::from_bytes(get_id(row, 0)?), get_time(row, 1)?)),
        )?;
        if let (Some(cache), Some(found)) = (self.cache, found) {
            cache.holders.borrow_mut().put(key, found);
        }
        Ok(found)
    }

    fn put_identity(&mut self, business: BusinessId, identity: &Identity, customer: CustomerId, since: Timestamp) -> Result<()> {
        self.run(
            "INSERT OR REPLACE INTO identity (business, identity, customer, since) VALUES (?1, ?2, ?3, ?4)",
            params![business.to_bytes(), identity.to_string(), customer.to_bytes(), since.as_millis()],
        )?;
        self.cache()?.holders.borrow_mut().put((business, identity.to_string()), (customer, since));
        Ok(())
    }

    fn identities(&self, business: BusinessId, customer: CustomerId) -> Result<Vec<Identity>> {
        self.all(IDENTITIES, [business.to_bytes(), customer.to_bytes()], |row| get_identity(row, "identity"))
    }

    fn customer(&self, business: BusinessId, id: CustomerId) -> Result<Option<CustomerRow>> {
        let key = (business, id);
        if let Some(known) = self.cache.and_then(|cache| cache.customers.borrow().get(&key).cloned()) {
            return Ok(Some(known));
        }
        let found = self.one(CUSTOMER, [business.to_bytes(), id.to_bytes()], customer)?;
        if let (Some(cache), Some(found)) = (self.cache, &found) {
            cache.customers.borrow_mut().put(key, found.clone());
        }
        Ok(found)
    }

    fn put_customer(&mut self, row: &CustomerRow) -> Result<()> {
        self.run(
            "INSERT INTO customer (business, id, name, username, phone, phone_since, bsuid, bsuid_since, other, no_marketing,
                 marketing_at, no_contact, contact_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
             ON CONFLICT (business, id) DO UPDATE SET name = ?3, username = ?4, phone = ?5, phone_since = ?6, bsuid = ?7,
                 bsuid_since = ?8, other = ?9, no_marketing = ?10, marketing_at = ?11, no_contact = ?12, contact_at = ?13",
            params![
                row.business.to_bytes(),
                row.id.to_bytes(),
                row.name,
                row.username,
                row.phone.as_ref().map(ToString::to_string),
                row.phone_since.as_millis(),
                row.bsuid.as_ref().map(ToString::to_string),
                row.bsuid_since.as_millis(),
                row.other.as_ref().map(ToString::to_string),
                row.consent.opted_out(Scope::Marketing),
                millis(row.consent.marketing.map(|stand| stand.at)),
                row.consent.opted_out(Scope::Everything),
                millis(row.consent.everything.map(|stand| stand.at)),
            ],
        )?;
        self.cache()?.customers.borrow_mut().put((row.business, row.id), row.clone());
        Ok(())
    }

    fn conversation(&self, sender: SenderId, customer: CustomerId) -> Result<Option<Conversation>> {
        self.one(
            "SELECT heard, refused, paid_back, look_at FROM conversation WHERE sender = ?1 AND customer = ?2",
            [sender.to_bytes(), customer.to_bytes()],
            |row| {
                let (look_at, paid_back) = (get_time_if(row, "look_at")?, get_time_if(row, "paid_back")?);
                Ok(Conversation { evidence: evidence(row)?, look_at, paid_back })
            },
        )
    }

    fn put_conversation(
        &mut self,
        business: BusinessId,
        sender: SenderId,
        customer: CustomerId,
        row: &Conversation,
    ) -> Result<()> {
        self.run(
            "INSERT INTO conversation (sender, customer, business, heard, refused, paid_back, look_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (sender, customer) DO UPDATE SET heard = ?4, refused = ?5, paid_back = ?6",
            params![
                sender.to_bytes(),
                customer.to_bytes(),
                business.to_bytes(),
                millis(row.evidence.heard),
                millis(row.evidence.refused),
                millis(row.paid_back),
                millis(row.look_at)
            ],
        )?;
        Ok(())
    }

    fn put_paid_back(&mut self, business: BusinessId, sender: SenderId, customer: CustomerId, row: &Conversation) -> Result<()> {
        // What is not named leaves its indexes alone.
        let paid = self.run(
            "UPDATE conversation SET paid_back = ?3 WHERE sender = ?1 AND customer = ?2",
            params![sender.to_bytes(), customer.to_bytes(), millis(row.paid_back)],
        )?;
        if paid == 0 { self.put_conversation(business, sender, customer, row) } else { Ok(()) }
    }

    fn put_look(&mut self, sender: SenderId, customer: CustomerId, look_at: Option<Timestamp>) -> Result<()> {
        self.run(
            "UPDATE conversation SET look_at = ?3 WHERE sender = ?1 AND customer = ?2",
            params![sender.to_bytes(), customer.to_bytes(), millis(look_at)],
        )?;
        Ok(())
    }

    fn due_looks(&self, now: Timestamp, limit: usize) -> Result<Vec<(BusinessId, SenderId, CustomerId)>> {
        self.all(DUE_LOOKS, params![now.as_millis(), bound(limit)], |row| {
            let (business, sender) = (BusinessId::from_bytes(get_id(row, 0)?), SenderId::from_bytes(get_id(row, 1)?));
            Ok((business, sender, CustomerId::from_bytes(get_id(row, 2)?)))
        })
    }

    fn next_look(&self) -> Result<Option<Timestamp>> {
        self.one(NEXT_LOOK, [], |row| get_time(row, "look_at"))
    }

    fn last_heard_by(&self, business: BusinessId, customer: CustomerId) -> Result<Option<SenderId>> {
        self.one(
            "SELECT sender FROM conversation WHERE business = ?1 AND customer = ?2 AND heard IS NOT NULL
             ORDER BY heard DESC, sender DESC LIMIT 1",
            [business.to_bytes(), customer.to_bytes()],
            |row| get_id(row, "sender").map(SenderId::from_bytes),
        )
    }

    fn heard_conversations(
        &self,
        business: BusinessId,
        sender: Option<SenderId>,
        customer: Option<CustomerId>,
        after: Option<(Timestamp, SenderId, CustomerId)>,
        limit: usize,
    ) -> Result<Vec<(SenderId, CustomerId, Evidence)>> {
        let read = |row: &Row<'_>| {
            let sender = SenderId::from_bytes(get_id(row, "sender")?);
            Ok((sender, CustomerId::from_bytes(get_id(row, "customer")?), evidence(row)?))
        };
        // The row value compares as the index is sorted, so that a page starts where the last one ended.
        let (heard, s, c) = match after {
            Some((heard, s, c)) => (heard.as_millis(), s.to_bytes(), c.to_bytes()),
            None => (i64::MAX, [255; 16], [255; 16]),
        };
        let sender = sender.map(SenderId::to_bytes);
        match customer {
            Some(customer) => self.all(
                HEARD_OF_CUSTOMER,
                params![business.to_bytes(), customer.to_bytes(), heard, s, c, sender, bound(limit)],
                read,
            ),
            None => self.all(HEARD, params![business.to_bytes(), heard, s, c, sender, bound(limit)], read),
        }
    }
}
