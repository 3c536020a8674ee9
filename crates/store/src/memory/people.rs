//! Who there is, in memory.

use std::ops::Bound;

use transom_domain::address::Identity;
use transom_domain::content::Language;
use transom_domain::id::{BusinessId, CustomerId, KeyId, SenderId};
use transom_domain::session::Evidence;
use transom_domain::time::Timestamp;

use super::table::MemoryRows;
use crate::rows::{AdminRows, Conversation, CustomerRow, PeopleRows, Result};
use crate::{App, Business, BusinessSettings, Key, Sender, StoreError};
use transom_domain::template::Record;

impl AdminRows for MemoryRows {
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

impl PeopleRows for MemoryRows {
    fn holder(&self, business: BusinessId, identity: &Identity) -> Result<Option<(CustomerId, Timestamp)>> {
        Ok(self.identities.get(&(business, identity.to_string())).copied())
    }

    fn put_identity(&mut self, business: BusinessId, identity: &Identity, customer: CustomerId, since: Timestamp) -> Result<()> {
        self.identities.put((business, identity.to_string()), (customer, since));
        Ok(())
    }

    fn identities(&self, business: BusinessId, customer: CustomerId) -> Result<Vec<Identity>> {
        let texts = self.identities.iter().filter(|((b, _), (c, _))| *b == business && *c == customer).map(|((_, text), _)| text);
        texts.map(|text| text.parse().map_err(|why| StoreError::Corrupt(format!("identity {text}: {why}")))).collect()
    }

    fn customer(&self, business: BusinessId, id: CustomerId) -> Result<Option<CustomerRow>> {
        Ok(self.customers.get(&(business, id)).cloned())
    }

    fn put_customer(&mut self, row: &CustomerRow) -> Result<()> {
        self.customers.put((row.business, row.id), row.clone());
        Ok(())
    }

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
}
