//! Ledgers of consent.

use transom_domain::consent::Entry;
use transom_domain::id::{BusinessId, CustomerId};
use transom_domain::time::Timestamp;

use super::Result;

/// Where an entry stands in its ledger: by its moment, and at one moment by what it says. The same words have the same place.
pub(crate) type Place = (Timestamp, [u8; 16]);

/// Rows of consent. None of them is ever changed.
pub(crate) trait ConsentRows {
    /// Adds a line at its place; `false` when that very line is there already.
    fn add_consent(&mut self, business: BusinessId, customer: CustomerId, place: Place, entry: &Entry) -> Result<bool>;
    /// Lines of a ledger before a place, newest first.
    fn consents(
        &self,
        business: BusinessId,
        customer: CustomerId,
        before: Option<Place>,
        limit: usize,
    ) -> Result<Vec<(Place, Entry)>>;
}
