//! Ledgers of consent, in memory.

use transom_domain::consent::Entry;
use transom_domain::id::{BusinessId, CustomerId};

use super::table::MemoryRows;
use crate::rows::{ConsentRows, Place, Result};

impl ConsentRows for MemoryRows {
    fn add_consent(&mut self, business: BusinessId, customer: CustomerId, place: Place, entry: &Entry) -> Result<bool> {
        let key = (business, customer, place);
        let is_new = !self.consents.contains_key(&key);
        if is_new {
            self.consents.put(key, entry.clone());
        }
        Ok(is_new)
    }

    fn consents(
        &self,
        business: BusinessId,
        customer: CustomerId,
        before: Option<Place>,
        limit: usize,
    ) -> Result<Vec<(Place, Entry)>> {
        let of = |(b, c, place): &(BusinessId, CustomerId, Place)| {
            *b == business && *c == customer && before.is_none_or(|before| *place < before)
        };
        let found = self.consents.iter().rev().filter(|(key, _)| of(key)).take(limit);
        Ok(found.map(|((_, _, place), entry)| (*place, entry.clone())).collect())
    }
}
