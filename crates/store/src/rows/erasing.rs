//! What an erasure looks through, and what it removes.

use transom_domain::address::Identity;
use transom_domain::id::{BusinessId, CustomerId, SenderId};
use transom_domain::time::Timestamp;

use super::{AmendmentRow, Kept, Orphan, Result, Seq};
use crate::Erasure;

/// An id of the upstream's by which raw bodies are still to be found and blanked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Blank {
    pub(crate) provider_id: String,
    /// Since when bodies may name it.
    pub(crate) since: Timestamp,
    /// Up to which position they were looked through; 0 before the first.
    pub(crate) after: u64,
}

/// Rows of erasures.
pub(crate) trait ErasingRows {
    fn erasure(&self, business: BusinessId, customer: CustomerId) -> Result<Option<Erasure>>;
    fn put_erasure(&mut self, erasure: &Erasure) -> Result<()>;
    /// Erasures that are not over, of all businesses.
    fn open_erasures(&self, limit: usize) -> Result<Vec<Erasure>>;

    /// Removes what a customer is known by.
    fn drop_identities(&mut self, business: BusinessId, customer: CustomerId) -> Result<()>;
    /// Removes the changes that name an identity.
    fn drop_changes(&mut self, business: BusinessId, identity: &Identity) -> Result<()>;
    fn drop_customer(&mut self, business: BusinessId, customer: CustomerId) -> Result<()>;
    /// Removes lines of a customer's ledger. How many.
    fn drop_consents(&mut self, business: BusinessId, customer: CustomerId, limit: usize) -> Result<usize>;
    /// Removes the watermarks of an address.
    fn drop_marks(&mut self, sender: SenderId, address: &Identity) -> Result<()>;
    /// Ids that one message left behind; `at` is when it was accepted.
    fn left_ids_of(&self, at: Timestamp, business: BusinessId, seq: Seq) -> Result<Vec<String>>;
    fn drop_conversation(&mut self, sender: SenderId, customer: CustomerId) -> Result<()>;

    fn put_blank(&mut self, business: BusinessId, blank: &Blank) -> Result<()>;
    fn drop_blank(&mut self, business: BusinessId, provider_id: &str) -> Result<()>;
    /// What is to be blanked of the first business that has any; at most `limit`.
    fn blanks(&self, limit: usize) -> Result<Vec<(BusinessId, Blank)>>;

    /// Idempotency keys of a business after one, by key.
    fn kept_after(&self, business: BusinessId, after: &str, limit: usize) -> Result<Vec<(String, Kept)>>;
    fn drop_kept(&mut self, business: BusinessId, key: &str) -> Result<()>;
    /// Orphans of a business after an id of the upstream's, by id.
    fn orphans_after(&self, business: BusinessId, after: &str, limit: usize) -> Result<Vec<Orphan>>;
    /// What was done to messages of a business after one, by the upstream's ids of the message and of what was done. What has
    /// found its message is among it, so that the key alone bounds what is read.
    fn amendments_after(&self, business: BusinessId, after: (&str, &str), limit: usize) -> Result<Vec<AmendmentRow>>;
    fn drop_amendment(&mut self, business: BusinessId, original: &str, provider_id: &str) -> Result<()>;
}
