//! Customers, identities, conversations.

use std::cmp::Ordering;

use super::{Row, params};

use transom_domain::address::Identity;
use transom_domain::consent::Scope;
use transom_domain::fact::IdentityChange;
use transom_domain::id::{BusinessId, CustomerId, SenderId};
use transom_domain::people::Claim;
use transom_domain::session::Evidence;
use transom_domain::time::Timestamp;

use super::{Sql, SqliteRows, bound, get, get_id, get_json, get_time, get_time_if, json, millis};
use crate::rows::{ClaimRow, Conversation, CustomerRow, NameKey, PeopleRows, Result, folded, past};
use crate::sql::people::{claim_row, customer, evidence, spoken};

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
pub(super) const CUSTOMERS: &str = customer_where!("business = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3");

/// What [`claim_row`] reads, in its order.
macro_rules! claims {
    ($rest:literal) => {
        concat!("SELECT customer, identity, spelled, since, seen, until, seen_with, how, held FROM identity ", $rest)
    };
}

const HOLDER: &str = claims!("WHERE business = ?1 AND identity = ?2 AND held = 1");
const CLAIM: &str = claims!("WHERE business = ?1 AND identity = ?2 AND customer = ?3");
/// All claims on an identity.
pub(super) const CLAIMS_ON: &str = claims!("WHERE business = ?1 AND identity = ?2 ORDER BY customer LIMIT ?3");
/// All claims of a customer.
pub(super) const CLAIMS_OF: &str =
    claims!("INDEXED BY identity_of WHERE business = ?1 AND customer = ?2 ORDER BY identity LIMIT ?3");

/// Who holds identities in a range of texts.
pub(super) const HOLDERS_FROM: &str = "SELECT identity, customer FROM identity
     WHERE business = ?1 AND identity > ?2 AND identity < ?3 AND held = 1 ORDER BY identity LIMIT ?4";

/// Changes that name an identity.
pub(super) const CHANGES: &str =
    "SELECT change FROM identity_change WHERE business = ?1 AND identity = ?2 ORDER BY at DESC, change DESC LIMIT ?3";
/// Changes from before a moment.
pub(super) const OLD_CHANGES: &str =
    "SELECT business, identity, at, change FROM identity_change WHERE at < ?1 ORDER BY at LIMIT ?2";

/// Customers that lead to one.
pub(super) const ABSORBED: &str = "SELECT id FROM customer WHERE business = ?1 AND merged_into = ?2 ORDER BY id LIMIT ?3";

/// Customers by the beginning of their name.
pub(super) const BY_NAME: &str = "SELECT name_key AS name, id FROM customer
     WHERE business = ?1 AND name_key IS NOT NULL AND name_key >= ?2 AND name_key < ?3 AND (name_key, id) > (?2, ?4)
     ORDER BY name_key, id LIMIT ?5";

/// Customers by the beginning of their user name.
pub(super) const BY_USERNAME: &str = "SELECT username_key AS name, id FROM customer
     WHERE business = ?1 AND username_key IS NOT NULL AND username_key >= ?2 AND username_key < ?3 AND (username_key, id) > (?2, ?4)
     ORDER BY username_key, id LIMIT ?5";

/// Customers by the beginning of a later word of their names.
pub(super) const BY_WORD: &str = "SELECT word AS name, customer AS id FROM customer_word
     WHERE business = ?1 AND word >= ?2 AND word < ?3 AND (word, customer) > (?2, ?4) ORDER BY word, customer LIMIT ?5";

/// Conversations of a customer, heard last first.
pub(super) const HEARD_OF_CUSTOMER: &str = "SELECT sender, customer, heard, refused FROM conversation
                 WHERE business = ?1 AND customer = ?2 AND heard IS NOT NULL AND (heard, sender, customer) < (?3, ?4, ?5)
                     AND (?6 IS NULL OR sender = ?6)
                 ORDER BY heard DESC, sender DESC, customer DESC LIMIT ?7";

/// Conversations of a business, heard last first.
pub(super) const HEARD: &str = "SELECT sender, customer, heard, refused FROM conversation
                 WHERE business = ?1 AND heard IS NOT NULL AND (heard, sender, customer) < (?2, ?3, ?4)
                 ORDER BY heard DESC, sender DESC, customer DESC LIMIT ?5";

/// Conversations of a sender, heard last first.
pub(super) const HEARD_OF_SENDER: &str = "SELECT sender, customer, heard, refused FROM conversation
                 WHERE business = ?1 AND sender = ?2 AND heard IS NOT NULL AND (heard, customer) < (?3, ?4)
                 ORDER BY heard DESC, customer DESC LIMIT ?5";

/// Conversations of a business, those with the newest word first.
pub(super) const SPOKEN: &str = "SELECT sender, customer, heard, refused, spoken_at FROM conversation
                 WHERE business = ?1 AND spoken_at IS NOT NULL AND (spoken_at, sender, customer) < (?2, ?3, ?4)
                 ORDER BY spoken_at DESC, sender DESC, customer DESC LIMIT ?5";

/// All conversations of a customer.
pub(super) const OF_CUSTOMER: &str =
    "SELECT sender, customer, heard, refused, spoken_at FROM conversation WHERE business = ?1 AND customer = ?2 LIMIT ?3";

/// Conversations whose session is to be looked at.
pub(super) const DUE_LOOKS: &str =
    "SELECT business, sender, customer FROM conversation WHERE look_at <= ?1 ORDER BY look_at, sender, customer LIMIT ?2";

/// When the first is.
pub(super) const NEXT_LOOK: &str = "SELECT look_at FROM conversation WHERE look_at IS NOT NULL ORDER BY look_at LIMIT 1";

impl PeopleRows for SqliteRows<'_> {
    fn holder(&self, business: BusinessId, identity: &Identity) -> Result<Option<ClaimRow>> {
        let key = (business, identity.key().to_string());
        if let Some(known) = self.cache.and_then(|cache| cache.holders.borrow().get(&key).cloned()) {
            return Ok(Some(known));
        }
        let found = self.one(HOLDER, params![business.to_bytes(), key.1], claim_row)?;
        if let (Some(cache), Some(found)) = (self.cache, &found) {
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
        self.run(
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
        self.all(CLAIMS_OF, params![business.to_bytes(), customer.to_bytes(), bound(limit)], |row| {
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
        self.run(
            "INSERT OR IGNORE INTO identity_change (business, identity, at, change) VALUES (?1, ?2, ?3, ?4)",
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
            self.run(
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
                self.run("INSERT OR IGNORE INTO apart (business, customer, other) VALUES (?1, ?2, ?3)", values)?;
            } else {
                self.run("DELETE FROM apart WHERE business = ?1 AND customer = ?2 AND other = ?3", values)?;
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
        self.run(
            "INSERT OR IGNORE INTO customer_word (business, word, customer) VALUES (?1, ?2, ?3)",
            params![business.to_bytes(), word, customer.to_bytes()],
        )?;
        Ok(())
    }

    fn drop_word(&mut self, business: BusinessId, word: &str, customer: CustomerId) -> Result<()> {
        self.run(
            "DELETE FROM customer_word WHERE business = ?1 AND word = ?2 AND customer = ?3",
            params![business.to_bytes(), word, customer.to_bytes()],
        )?;
        Ok(())
    }

    fn conversation(&self, sender: SenderId, customer: CustomerId) -> Result<Option<Conversation>> {
        self.one(
            "SELECT heard, refused, paid_back, look_at, spoken_at FROM conversation WHERE sender = ?1 AND customer = ?2",
            [sender.to_bytes(), customer.to_bytes()],
            |row| {
                let (look_at, paid_back) = (get_time_if(row, "look_at")?, get_time_if(row, "paid_back")?);
                Ok(Conversation { evidence: evidence(row)?, look_at, paid_back, spoken_at: get_time_if(row, "spoken_at")? })
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
            "INSERT INTO conversation (sender, customer, business, heard, refused, paid_back, look_at, spoken_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (sender, customer) DO UPDATE SET heard = ?4, refused = ?5, paid_back = ?6,
                 spoken_at = ?8",
            params![
                sender.to_bytes(),
                customer.to_bytes(),
                business.to_bytes(),
                millis(row.evidence.heard),
                millis(row.evidence.refused),
                millis(row.paid_back),
                millis(row.look_at),
                millis(row.spoken_at)
            ],
        )?;
        Ok(())
    }

    fn put_paid_back(&mut self, business: BusinessId, sender: SenderId, customer: CustomerId, row: &Conversation) -> Result<()> {
        // What is not named leaves its indexes alone.
        let paid = self.run(
            "UPDATE conversation SET paid_back = ?3, spoken_at = ?4 WHERE sender = ?1 AND customer = ?2",
            params![sender.to_bytes(), customer.to_bytes(), millis(row.paid_back), millis(row.spoken_at)],
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
        self.one(NEXT_LOOK, params![], |row| get_time(row, "look_at"))
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
        let read = |row: &dyn Row| {
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
            None => match sender {
                Some(of) => {
                    // One that was heard at that very moment comes after it unless its sender is the greater one.
                    let (heard, c) = match s.cmp(&of) {
                        Ordering::Less => (heard, [0; 16]),
                        Ordering::Equal => (heard, c),
                        Ordering::Greater => (heard, [255; 16]),
                    };
                    self.all(HEARD_OF_SENDER, params![business.to_bytes(), of, heard, c, bound(limit)], read)
                }
                None => self.all(HEARD, params![business.to_bytes(), heard, s, c, bound(limit)], read),
            },
        }
    }

    fn spoken_conversations(
        &self,
        business: BusinessId,
        after: Option<(Timestamp, SenderId, CustomerId)>,
        limit: usize,
    ) -> Result<Vec<(SenderId, CustomerId, Conversation)>> {
        let (at, sender, customer) = match after {
            Some((at, sender, customer)) => (at.as_millis(), sender.to_bytes(), customer.to_bytes()),
            None => (i64::MAX, [255; 16], [255; 16]),
        };
        self.all(SPOKEN, params![business.to_bytes(), at, sender, customer, bound(limit)], spoken)
    }

    fn conversations_of(
        &self,
        business: BusinessId,
        customer: CustomerId,
        limit: usize,
    ) -> Result<Vec<(SenderId, CustomerId, Conversation)>> {
        self.all(OF_CUSTOMER, params![business.to_bytes(), customer.to_bytes(), bound(limit)], spoken)
    }
}
