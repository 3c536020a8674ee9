//! Rows that have grown old: found by the front of an index, a slice at a time.

use transom_domain::id::{BusinessId, EndpointId, MessageId};
use transom_domain::time::Timestamp;

use super::{Result, Seq};

/// What a sweep must know of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Aged {
    pub(crate) seq: Seq,
    pub(crate) id: MessageId,
    pub(crate) business: BusinessId,
    pub(crate) accepted_at: Timestamp,
    /// Nothing will be done with it any more.
    pub(crate) over: bool,
}

/// Rows that grow old.
pub(crate) trait SweepRows {
    /// Removes idempotency keys that are over.
    fn sweep_kept(&mut self, now: Timestamp, limit: usize) -> Result<usize>;
    /// Removes orphans from before `before`.
    fn sweep_orphans(&mut self, before: Timestamp, limit: usize) -> Result<usize>;

    /// Removes one of the upstream's ids, if it is bound to this message.
    fn unbind(&mut self, business: BusinessId, provider_id: &str, seq: Seq) -> Result<usize>;
    /// Keeps one of the upstream's ids of a message that was taken out by hand, as of when the message was accepted.
    fn put_left_id(&mut self, at: Timestamp, business: BusinessId, provider_id: &str, seq: Seq) -> Result<()>;
    /// Those from before `before`, the oldest first.
    fn left_ids(&self, before: Timestamp, limit: usize) -> Result<Vec<(Timestamp, BusinessId, String, Seq)>>;
    fn drop_left_id(&mut self, at: Timestamp, business: BusinessId, provider_id: &str) -> Result<()>;

    /// The next business that has events, after one.
    fn next_stream(&self, after: Option<BusinessId>) -> Result<Option<BusinessId>>;
    /// Positions and moments of a business's events from a position on.
    fn event_ages(&self, business: BusinessId, from: u64, limit: usize) -> Result<Vec<(u64, Timestamp)>>;

    /// The next endpoint that has deliveries, after one.
    fn next_outstanding(&self, after: Option<EndpointId>) -> Result<Option<EndpointId>>;
    /// Removes the oldest deliveries of an endpoint, of events before a position.
    fn drop_deliveries(&mut self, endpoint: EndpointId, before: u64, limit: usize) -> Result<usize>;
}
