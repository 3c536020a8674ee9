//! Ledgers of consent.

use super::params;

use transom_domain::consent::Entry;
use transom_domain::id::{BusinessId, CustomerId};

use super::{Sql, bound, get, get_json, get_time, json};
use crate::rows::{ConsentRows, Place, Result};

/// A page of a ledger.
pub(crate) const LEDGER: &str = "SELECT at, digest, entry FROM consent
     WHERE business = ?1 AND customer = ?2 AND (at, digest) < (?3, ?4) ORDER BY at DESC, digest DESC LIMIT ?5";

impl<S: Sql> ConsentRows for S {
    fn add_consent(&mut self, business: BusinessId, customer: CustomerId, (at, digest): Place, entry: &Entry) -> Result<bool> {
        let added = self.run(
            "INSERT INTO consent (business, customer, at, digest, entry) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
            params![business.to_bytes(), customer.to_bytes(), at.as_millis(), digest, json(entry)?],
        )?;
        Ok(added > 0)
    }

    fn consents(
        &self,
        business: BusinessId,
        customer: CustomerId,
        before: Option<Place>,
        limit: usize,
    ) -> Result<Vec<(Place, Entry)>> {
        // A text sorts before every blob, and a longer blob after its beginning: 17 bytes are beyond every place.
        let (at, digest) = before.map_or((i64::MAX, vec![255; 17]), |(at, digest)| (at.as_millis(), digest.to_vec()));
        self.all(LEDGER, params![business.to_bytes(), customer.to_bytes(), at, digest, bound(limit)], |row| {
            Ok(((get_time(row, 0)?, get(row, 1)?), get_json(row, 2)?))
        })
    }
}
