//! Who there is, in memory.

use std::ops::Bound;

use transom_domain::address::Identity;
use transom_domain::content::Language;
use transom_domain::fact::IdentityChange;
use transom_domain::id::{BusinessId, CustomerId, KeyId, SenderId};
use transom_domain::people::Claim;
use transom_domain::session::Evidence;
use transom_domain::time::Timestamp;

use super::table::MemoryRows;
use crate::rows::{AdminRows, ClaimRow, Conversation, ConversationRows, CustomerRow, NameKey, PeopleRows, Result, folded, past};
use crate::{App, Business, BusinessSettings, Key, Sender, StoreError};
use transom_domain::template::Record;

impl AdminRows for MemoryRows {
    fn directory_version(&self) -> Result<u64> {
        Ok(self.directory.get(&()).copied().unwrap_or(0))
    }

    fn raise_directory(&mut self) -> Result<()> {
        let version = self.directory_version()?;
        self.directory.put((), version + 1);
        Ok(())
    }

    fn business(&self, id: BusinessId) -> Result<Option<Business>> {
        Ok(self.businesses.get(&id).cloned())
    }

    fn put_business(&mut self, business: &Business) -> Result<()> {
        self.businesses.put(business.id, business.clone());
        Ok(())
    }

    fn businesses(&self) -> Result<Vec<Business>> {
        Ok(self.businesses.values().cloned().collect())
    }

    fn businesses_after(&self, after: Option<BusinessId>, limit: usize) -> Result<Vec<BusinessId>> {
        let after = after.map_or(Bound::Unbounded, Bound::Excluded);
        Ok(self.businesses.range((after, Bound::Unbounded)).map(|(id, _)| *id).take(limit).collect())
    }

    fn settings(&self, business: BusinessId) -> Result<BusinessSettings> {
        Ok(self.settings.get(&business).cloned().unwrap_or_default())
    }

    fn put_settings(&mut self, business: BusinessId, settings: &BusinessSettings) -> Result<()> {
        self.settings.put(business, settings.clone());
        Ok(())
    }

    fn key_by_hash(&self, hash: &[u8; 32]) -> Result<Option<Key>> {
        Ok(self.keys.get(hash).cloned())
    }

    fn key(&self, business: BusinessId, key: KeyId) -> Result<Option<Key>> {
        Ok(self.keys.values().find(|k| k.business == business && k.id == key).cloned())
    }

    fn put_key(&mut self, key: &Key) -> Result<()> {
        // A key has one hash: under another one it is another text.
        self.keys.drop_where(usize::MAX, |_, k| k.business == key.business && k.id == key.id);
        self.keys.put(key.hash, key.clone());
        Ok(())
    }

    fn keys(&self, business: BusinessId) -> Result<Vec<Key>> {
        let mut keys: Vec<Key> = self.keys.values().filter(|k| k.business == business).cloned().collect();
        keys.sort_by_key(|k| k.id);
        Ok(keys)
    }

    fn put_app(&mut self, app: &App) -> Result<()> {
        self.apps.put(app.id.clone(), app.clone());
        Ok(())
    }

    fn apps(&self) -> Result<Vec<App>> {
        Ok(self.apps.values().cloned().collect())
    }

    fn sender(&self, id: SenderId) -> Result<Option<Sender>> {
        Ok(self.senders.get(&id).cloned())
    }

    fn put_sender(&mut self, sender: &Sender) -> Result<()> {
        self.senders.put(sender.id, sender.clone());
        Ok(())
    }

    fn senders(&self) -> Result<Vec<Sender>> {
        Ok(self.senders.values().cloned().collect())
    }

    fn rival(&self, sender: &Sender) -> Result<Option<SenderId>> {
        let claims = |s: &&Sender| {
            let account = s.channel == sender.channel && s.account == sender.account;
            let waba = s.waba.is_some() && s.waba == sender.waba && s.business != sender.business;
            s.id != sender.id && (account || s.address == sender.address || waba)
        };
        // Another business's claim first: that is what the caller is told.
        Ok(self.senders.values().filter(claims).min_by_key(|s| (s.business == sender.business, s.id)).map(|s| s.id))
    }

    fn template(&self, business: BusinessId, waba: &str, name: &str, language: &Language) -> Result<Option<Record>> {
        let key = (business, waba.to_owned(), name.to_owned(), language.as_str().to_owned());
        Ok(self.templates.get(&key).cloned())
    }

    fn put_template(&mut self, business: BusinessId, waba: &str, row: &Record) -> Result<()> {
        let key = (business, waba.to_owned(), row.template.name.clone(), row.template.language.as_str().to_owned());
        self.templates.put(key, row.clone());
        Ok(())
    }

    fn templates(&self, business: BusinessId, waba: &str, name: Option<&str>) -> Result<Vec<Record>> {
        let fits = |(b, w, n, _): &&(BusinessId, String, String, String)| {
            *b == business && w == waba && name.is_none_or(|name| n == name)
        };
        Ok(self.templates.iter().filter(|(key, _)| fits(key)).map(|(_, row)| row.clone()).collect())
    }
}

impl MemoryRows {
    fn on(&self, business: BusinessId, identity: &Identity) -> impl Iterator<Item = (&(BusinessId, String, CustomerId), &Claim)> {
        let key = identity.key().to_string();
        let all = (business, key.clone(), CustomerId(0))..=(business, key, CustomerId(u128::MAX));
        self.identities.range(all)
    }
}

fn row(((_, _, customer), claim): (&(BusinessId, String, CustomerId), &Claim)) -> ClaimRow {
    ClaimRow { customer: *customer, claim: claim.clone() }
}

impl PeopleRows for MemoryRows {
    fn holder(&self, business: BusinessId, identity: &Identity) -> Result<Option<ClaimRow>> {
        Ok(self.on(business, identity).find(|(_, claim)| claim.held).map(row))
    }

    fn claim(&self, business: BusinessId, identity: &Identity, customer: CustomerId) -> Result<Option<Claim>> {
        Ok(self.identities.get(&(business, identity.key().to_string(), customer)).cloned())
    }

    fn put_claim(&mut self, business: BusinessId, row: &ClaimRow) -> Result<()> {
        self.identities.put((business, row.claim.identity.key().to_string(), row.customer), row.claim.clone());
        Ok(())
    }

    fn claims_on(&self, business: BusinessId, identity: &Identity, limit: usize) -> Result<Vec<ClaimRow>> {
        Ok(self.on(business, identity).map(row).take(limit).collect())
    }

    fn claims_of(&self, business: BusinessId, customer: CustomerId, limit: usize) -> Result<Vec<Claim>> {
        let mine = self.identities.iter().filter(|((b, _, c), _)| *b == business && *c == customer);
        Ok(mine.map(|(_, claim)| claim.clone()).take(limit).collect())
    }

    fn holders_from(
        &self,
        business: BusinessId,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, CustomerId)>> {
        let (from, to) = (after.unwrap_or(prefix), past(prefix));
        let fits = |((b, text, _), claim): &(&(BusinessId, String, CustomerId), &Claim)| {
            *b == business && text.as_str() > from && *text < to && claim.held
        };
        Ok(self.identities.iter().filter(fits).map(|((_, text, c), _)| (text.clone(), *c)).take(limit).collect())
    }

    fn put_change(&mut self, business: BusinessId, identity: &Identity, change: &IdentityChange) -> Result<()> {
        let text = serde_json::to_string(change).map_err(|why| StoreError::Corrupt(format!("a change of identity: {why}")))?;
        self.identity_changes.put((business, identity.key().to_string(), change.at, text), change.clone());
        Ok(())
    }

    fn changes(&self, business: BusinessId, identity: &Identity, limit: usize) -> Result<Vec<IdentityChange>> {
        let key = identity.key().to_string();
        let named = self.identity_changes.iter().filter(|((b, text, _, _), _)| *b == business && *text == key);
        let mut latest: Vec<_> = named.map(|(_, change)| change.clone()).rev().take(limit).collect();
        latest.reverse();
        Ok(latest)
    }

    fn sweep_changes(&mut self, before: Timestamp, limit: usize) -> Result<usize> {
        Ok(self.identity_changes.drop_where(limit, |(_, _, at, _), _| *at < before))
    }

    fn absorbed(&self, business: BusinessId, customer: CustomerId, limit: usize) -> Result<Vec<CustomerId>> {
        let leads = |row: &&CustomerRow| row.business == business && row.merged.is_some_and(|merged| merged.into == customer);
        Ok(self.customers.values().filter(leads).map(|row| row.id).take(limit).collect())
    }

    fn put_apart(&mut self, business: BusinessId, one: CustomerId, other: CustomerId, apart: bool) -> Result<()> {
        for key in [(business, one, other), (business, other, one)] {
            if apart {
                self.apart.put(key, ());
            } else {
                self.apart.drop(&key);
            }
        }
        Ok(())
    }

    fn apart(&self, business: BusinessId, customer: CustomerId, limit: usize) -> Result<Vec<CustomerId>> {
        let of = self.apart.keys().filter(|(b, c, _)| *b == business && *c == customer);
        Ok(of.map(|(_, _, other)| *other).take(limit).collect())
    }

    fn customers(&self, business: BusinessId, before: Option<CustomerId>, limit: usize) -> Result<Vec<CustomerRow>> {
        let fits = |row: &&CustomerRow| row.business == business && before.is_none_or(|before| row.id < before);
        Ok(self.customers.values().rev().filter(fits).take(limit).cloned().collect())
    }

    fn named(
        &self,
        business: BusinessId,
        by: NameKey,
        prefix: &str,
        after: Option<(&str, CustomerId)>,
        limit: usize,
    ) -> Result<Vec<(String, CustomerId)>> {
        let known = self.customers.values().filter(|row| row.business == business);
        let mut found: Vec<(String, CustomerId)> = match by {
            NameKey::Name => known.filter_map(|row| Some((folded(row.name.as_deref()?), row.id))).collect(),
            NameKey::Username => known.filter_map(|row| Some((folded(row.username.as_deref()?), row.id))).collect(),
            NameKey::Word => {
                let words = self.customer_words.keys().filter(|(of, ..)| *of == business);
                words.map(|(_, word, id)| (word.clone(), *id)).collect()
            }
        };
        found.retain(|(name, id)| name.starts_with(prefix) && after.is_none_or(|after| (name.as_str(), *id) > after));
        found.sort();
        found.truncate(limit);
        Ok(found)
    }

    fn customer(&self, business: BusinessId, id: CustomerId) -> Result<Option<CustomerRow>> {
        Ok(self.customers.get(&(business, id)).cloned())
    }

    fn put_customer(&mut self, row: &CustomerRow) -> Result<()> {
        self.customers.put((row.business, row.id), row.clone());
        Ok(())
    }

    fn put_word(&mut self, business: BusinessId, word: &str, customer: CustomerId) -> Result<()> {
        self.customer_words.put((business, word.to_owned(), customer), ());
        Ok(())
    }

    fn drop_word(&mut self, business: BusinessId, word: &str, customer: CustomerId) -> Result<()> {
        self.customer_words.drop(&(business, word.to_owned(), customer));
        Ok(())
    }
}

impl ConversationRows for MemoryRows {
    fn conversation(&self, sender: SenderId, customer: CustomerId) -> Result<Option<Conversation>> {
        Ok(self.conversations.get(&(sender, customer)).map(|(_, row)| *row))
    }

    fn put_conversation(
        &mut self,
        business: BusinessId,
        sender: SenderId,
        customer: CustomerId,
        row: &Conversation,
    ) -> Result<()> {
        let known = self.conversations.get(&(sender, customer));
        let look_at = known.map_or(row.look_at, |(_, known)| known.look_at);
        self.conversations.put((sender, customer), (business, Conversation { look_at, ..*row }));
        Ok(())
    }

    fn put_look(&mut self, sender: SenderId, customer: CustomerId, look_at: Option<Timestamp>) -> Result<()> {
        if let Some((business, row)) = self.conversations.get(&(sender, customer)).copied() {
            self.conversations.put((sender, customer), (business, Conversation { look_at, ..row }));
        }
        Ok(())
    }

    fn due_looks(&self, now: Timestamp, limit: usize) -> Result<Vec<(BusinessId, SenderId, CustomerId)>> {
        let of = |((sender, customer), (business, row)): (&(SenderId, CustomerId), &(BusinessId, Conversation))| {
            row.look_at.filter(|at| *at <= now).map(|at| (at, *sender, *customer, *business))
        };
        let mut due: Vec<_> = self.conversations.iter().filter_map(of).collect();
        due.sort_unstable();
        Ok(due.into_iter().take(limit).map(|(_, sender, customer, business)| (business, sender, customer)).collect())
    }

    fn next_look(&self) -> Result<Option<Timestamp>> {
        Ok(self.conversations.values().filter_map(|(_, row)| row.look_at).min())
    }

    fn last_heard_by(&self, business: BusinessId, customer: CustomerId) -> Result<Option<SenderId>> {
        let heard = self
            .conversations
            .iter()
            .filter(|((_, c), (b, row))| *c == customer && *b == business && row.evidence.heard.is_some());
        Ok(heard.map(|((sender, _), (_, row))| (row.evidence.heard, *sender)).max().map(|(_, sender)| sender))
    }

    fn heard_conversations(
        &self,
        business: BusinessId,
        sender: Option<SenderId>,
        customer: Option<CustomerId>,
        after: Option<(Timestamp, SenderId, CustomerId)>,
        limit: usize,
    ) -> Result<Vec<(SenderId, CustomerId, Evidence)>> {
        let mut found: Vec<(Timestamp, SenderId, CustomerId, Evidence)> = self
            .conversations
            .iter()
            .filter(|((s, c), (b, _))| *b == business && sender.is_none_or(|x| x == *s) && customer.is_none_or(|x| x == *c))
            .filter_map(|((s, c), (_, row))| row.evidence.heard.map(|heard| (heard, *s, *c, row.evidence)))
            .filter(|(heard, s, c, _)| after.is_none_or(|after| (*heard, *s, *c) < after))
            .collect();
        found.sort_by_key(|(heard, s, c, _)| std::cmp::Reverse((*heard, *s, *c)));
        found.truncate(limit);
        Ok(found.into_iter().map(|(_, s, c, evidence)| (s, c, evidence)).collect())
    }

    fn spoken_conversations(
        &self,
        business: BusinessId,
        after: Option<(Timestamp, SenderId, CustomerId)>,
        limit: usize,
    ) -> Result<Vec<(SenderId, CustomerId, Conversation)>> {
        let mut found: Vec<_> = self
            .conversations
            .iter()
            .filter(|(_, (b, _))| *b == business)
            .filter_map(|((s, c), (_, row))| row.spoken_at.map(|at| ((at, *s, *c), *row)))
            .filter(|(place, _)| after.is_none_or(|after| *place < after))
            .collect();
        found.sort_by_key(|(place, _)| std::cmp::Reverse(*place));
        found.truncate(limit);
        Ok(found.into_iter().map(|((_, s, c), row)| (s, c, row)).collect())
    }

    fn conversations_of(
        &self,
        business: BusinessId,
        customer: CustomerId,
        limit: usize,
    ) -> Result<Vec<(SenderId, CustomerId, Conversation)>> {
        let of = self.conversations.iter().filter(|((_, c), (b, _))| *c == customer && *b == business);
        Ok(of.take(limit).map(|((s, c), (_, row))| (*s, *c, *row)).collect())
    }
}
