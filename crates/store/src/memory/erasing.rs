//! Erasures, in memory.

use std::ops::Bound;

use transom_domain::address::Identity;
use transom_domain::id::{BusinessId, CustomerId, SenderId};
use transom_domain::time::Timestamp;

use super::table::MemoryRows;
use crate::rows::{AmendmentRow, Blank, ErasingRows, Kept, Orphan, Result, Seq};
use crate::{Erasure, ErasureStage};

impl ErasingRows for MemoryRows {
    fn erasure(&self, business: BusinessId, customer: CustomerId) -> Result<Option<Erasure>> {
        Ok(self.erasures.get(&(business, customer)).cloned())
    }

    fn put_erasure(&mut self, erasure: &Erasure) -> Result<()> {
        self.erasures.put((erasure.business, erasure.customer), erasure.clone());
        Ok(())
    }

    fn open_erasures(&self, limit: usize) -> Result<Vec<Erasure>> {
        Ok(self.erasures.values().filter(|e| e.at != ErasureStage::Done).take(limit).cloned().collect())
    }

    fn drop_identities(&mut self, business: BusinessId, customer: CustomerId) -> Result<()> {
        self.identities.drop_where(usize::MAX, |(b, _, c), _| *b == business && *c == customer);
        Ok(())
    }

    fn drop_changes(&mut self, business: BusinessId, identity: &Identity) -> Result<()> {
        let key = identity.key().to_string();
        self.identity_changes.drop_where(usize::MAX, |(b, text, _, _), _| *b == business && *text == key);
        Ok(())
    }

    fn drop_customer(&mut self, business: BusinessId, customer: CustomerId) -> Result<()> {
        self.customers.drop(&(business, customer));
        Ok(())
    }

    fn drop_consents(&mut self, business: BusinessId, customer: CustomerId, limit: usize) -> Result<usize> {
        Ok(self.consents.drop_where(limit, |(b, c, _), _| *b == business && *c == customer))
    }

    fn drop_marks(&mut self, sender: SenderId, address: &Identity) -> Result<()> {
        self.watermarks.drop(&(sender, address.to_string()));
        Ok(())
    }

    fn left_ids_of(&self, at: Timestamp, business: BusinessId, seq: Seq) -> Result<Vec<String>> {
        let left = self.left_ids.iter().filter(|((moment, b, _), of)| *moment == at && *b == business && **of == seq);
        Ok(left.map(|((_, _, id), _)| id.clone()).collect())
    }

    fn drop_conversation(&mut self, sender: SenderId, customer: CustomerId) -> Result<()> {
        self.conversations.drop(&(sender, customer));
        Ok(())
    }

    fn put_blank(&mut self, business: BusinessId, blank: &Blank) -> Result<()> {
        self.blanks.put((business, blank.provider_id.clone()), blank.clone());
        Ok(())
    }

    fn drop_blank(&mut self, business: BusinessId, provider_id: &str) -> Result<()> {
        self.blanks.drop(&(business, provider_id.to_owned()));
        Ok(())
    }

    fn blanks(&self, limit: usize) -> Result<Vec<(BusinessId, Blank)>> {
        let first = self.blanks.keys().next().map(|(business, _)| *business);
        let all = self.blanks.iter().take_while(|((business, _), _)| Some(*business) == first).take(limit);
        Ok(all.map(|((business, _), blank)| (*business, blank.clone())).collect())
    }

    fn kept_after(&self, business: BusinessId, after: &str, limit: usize) -> Result<Vec<(String, Kept)>> {
        let later = self.kept.iter().filter(|((b, key), _)| *b == business && key.as_str() > after).take(limit);
        Ok(later.map(|((_, key), kept)| (key.clone(), kept.clone())).collect())
    }

    fn drop_kept(&mut self, business: BusinessId, key: &str) -> Result<()> {
        self.kept.drop(&(business, key.to_owned()));
        Ok(())
    }

    fn orphans_after(&self, business: BusinessId, after: &str, limit: usize) -> Result<Vec<Orphan>> {
        let later = self.orphans.iter().filter(|((b, id, _), _)| *b == business && id.as_str() > after).take(limit);
        Ok(later.map(|(_, orphan)| orphan.clone()).collect())
    }

    fn amendments_after(&self, business: BusinessId, after: (&str, &str), limit: usize) -> Result<Vec<AmendmentRow>> {
        let from = Bound::Excluded((business, after.0.to_owned(), after.1.to_owned()));
        let later = self.amendments.range((from, Bound::Unbounded)).take_while(|((b, _, _), _)| *b == business).take(limit);
        Ok(later.map(|(_, row)| row.clone()).collect())
    }

    fn drop_amendment(&mut self, business: BusinessId, original: &str, provider_id: &str) -> Result<()> {
        self.amendments.drop(&(business, original.to_owned(), provider_id.to_owned()));
        Ok(())
    }
}
