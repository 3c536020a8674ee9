//! Endpoints, what is outstanding at each, and replays.

use transom_domain::endpoint::Health;
use transom_domain::id::{BusinessId, CustomerId, EndpointId, ReplayId, SenderId};
use transom_domain::time::Timestamp;

use super::Result;
use crate::{Attempted, Endpoint, EndpointAnswer, EventReplay, Topic};

/// An event that an endpoint has not taken at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Delivery {
    pub(crate) position: u64,
    /// Deliveries of one conversation keep their order.
    pub(crate) key: Option<(SenderId, CustomerId)>,
    /// Whether no older one of its conversation is outstanding.
    pub(crate) first: bool,
    pub(crate) tried: u32,
    /// None once it was given up.
    pub(crate) due: Option<Timestamp>,
    pub(crate) since: Timestamp,
    /// What was seen last.
    pub(crate) seen: String,
    /// The last try.
    pub(crate) attempt: Option<Attempted>,
    /// What was answered to it.
    pub(crate) answer: Option<EndpointAnswer>,
}

/// Rows of the relay.
pub(crate) trait RelayRows {
    fn endpoint(&self, id: EndpointId) -> Result<Option<Endpoint>>;
    fn put_endpoint(&mut self, endpoint: &Endpoint) -> Result<()>;
    /// Moves an endpoint's cursor and replaces its health.
    fn progress(&mut self, id: EndpointId, cursor: u64, health: &Health) -> Result<()>;
    /// Removes an endpoint with its replays; its deliveries stay.
    fn drop_endpoint(&mut self, id: EndpointId) -> Result<()>;
    fn endpoints(&self, business: Option<BusinessId>) -> Result<Vec<Endpoint>>;
    /// How many endpoints of its own making a business has.
    fn own_endpoints(&self, business: BusinessId) -> Result<usize>;
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
    /// Those that wait, or those that were given up, after a position.
    fn deliveries_after(&self, endpoint: EndpointId, given_up: bool, after: u64, limit: usize) -> Result<Vec<Delivery>>;

    fn replay(&self, endpoint: EndpointId, id: ReplayId) -> Result<Option<EventReplay>>;
    fn put_replay(&mut self, replay: &EventReplay) -> Result<()>;
    fn drop_replay(&mut self, endpoint: EndpointId, id: ReplayId) -> Result<()>;
    /// The one that is under way.
    fn open_replay(&self, endpoint: EndpointId) -> Result<Option<EventReplay>>;
    /// All of an endpoint, by id.
    fn replays(&self, endpoint: EndpointId) -> Result<Vec<EventReplay>>;
}
