//! What is told: events, endpoints, deliveries.

use transom_domain::event::Event;
use transom_domain::id::{BusinessId, CustomerId, EndpointId, SenderId};
use transom_domain::time::Timestamp;

use super::Result;
use crate::{Endpoint, Topic};

/// An event that an endpoint has not taken at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Delivery {
    pub(crate) position: u64,
    /// Deliveries of one conversation keep their order.
    pub(crate) key: Option<(SenderId, CustomerId)>,
    /// Whether no older one of its conversation is outstanding.
    pub(crate) first: bool,
    pub(crate) tried: u32,
    pub(crate) due: Timestamp,
    pub(crate) since: Timestamp,
    /// What was seen last.
    pub(crate) seen: String,
}

/// Rows of what is told.
pub(crate) trait TellingRows {
    /// The next position of a business's stream.
    fn next_event(&mut self, business: BusinessId) -> Result<u64>;
    fn put_event(&mut self, event: &Event) -> Result<()>;
    /// Replaces what an event says.
    fn amend_event(&mut self, event: &Event) -> Result<()>;
    fn event(&self, business: BusinessId, position: u64) -> Result<Option<Event>>;
    fn events_after(&self, business: BusinessId, after: u64, limit: usize) -> Result<Vec<Event>>;
    /// Position of the newest event, and of the oldest that is kept.
    fn event_bounds(&self, business: BusinessId) -> Result<(u64, u64)>;
    /// Removes events up to a position, and what follows from it for [`TellingRows::event_bounds`].
    fn drop_events(&mut self, business: BusinessId, up_to: u64) -> Result<()>;

    fn endpoint(&self, id: EndpointId) -> Result<Option<Endpoint>>;
    fn put_endpoint(&mut self, endpoint: &Endpoint) -> Result<()>;
    /// Removes an endpoint; its deliveries stay.
    fn drop_endpoint(&mut self, id: EndpointId) -> Result<()>;
    fn endpoints(&self, business: Option<BusinessId>) -> Result<Vec<Endpoint>>;
    fn registration(&self, business: BusinessId, topic: Topic) -> Result<Option<EndpointId>>;

    fn delivery(&self, endpoint: EndpointId, position: u64) -> Result<Option<Delivery>>;
    fn put_delivery(&mut self, endpoint: EndpointId, delivery: &Delivery) -> Result<()>;
    fn drop_delivery(&mut self, endpoint: EndpointId, position: u64) -> Result<()>;
    /// The oldest outstanding delivery of a conversation.
    fn oldest_delivery(&self, endpoint: EndpointId, key: (SenderId, CustomerId)) -> Result<Option<Delivery>>;
    /// The outstanding deliveries of a conversation, oldest first.
    fn deliveries_of(&self, endpoint: EndpointId, key: (SenderId, CustomerId), limit: usize) -> Result<Vec<Delivery>>;
    /// The oldest outstanding delivery of all.
    fn first_delivery(&self, endpoint: EndpointId) -> Result<Option<u64>>;
    /// First deliveries of their conversations that are due, by due time.
    fn due_deliveries(&self, endpoint: EndpointId, now: Timestamp, limit: usize) -> Result<Vec<Delivery>>;
    /// When the next first delivery after `now` is due.
    fn next_delivery(&self, endpoint: EndpointId, now: Timestamp) -> Result<Option<Timestamp>>;

    /// Writes one row, to see whether it can be done.
    fn touch(&mut self, now: Timestamp) -> Result<()>;
}
