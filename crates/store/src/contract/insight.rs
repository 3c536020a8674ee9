//! What people look at to see how it goes: what was told of one message and to whom, one delivery, and how far endpoints lag.

use transom_domain::event::Event;
use transom_domain::id::{BusinessId, EndpointId, EventId, MessageId};
use transom_domain::time::Timestamp;

use super::{Answer, DeliveryView, Told};

/// How many events from one moment of a message on are looked through for those that tell of it: as many as a full second brings.
pub const TELLINGS_LOOK_MAX: usize = 1_024;

/// An event of a message, and what is outstanding or was given up of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Telling {
    /// The event.
    pub event: Event,
    /// By endpoint; one that is not here has taken it, or has yet to come to it, or does not want it.
    pub outstanding: Vec<(EndpointId, DeliveryView)>,
}

/// How far an endpoint is from the end of its stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lag {
    /// Events that it has yet to come to, wanted or not; those that are outstanding come on top.
    pub behind: u64,
    /// When the oldest happened of what is outstanding and what it has yet to come to.
    pub waiting_since: Option<Timestamp>,
}

/// What people look at.
pub trait Insight {
    /// The events that tell of a message, oldest first, as far as they are kept; none when this business has no such message. An
    /// event is found by the moments that the message's story names: one that a replay of the journal brought long after it is not.
    fn tellings(&self, business: BusinessId, message: MessageId) -> Answer<'_, Option<Vec<Telling>>>;
    /// An event, and how it stands at an endpoint; none when either is not there.
    fn delivery(&self, business: BusinessId, endpoint: EndpointId, event: EventId) -> Answer<'_, Option<Told>>;
    /// How far endpoints that are told of events lag, in the order asked. Each comes with the position up to which it is known to
    /// have been told, where that is further than its cursor: a cursor that only moved is written down a little later.
    fn lags(&self, business: BusinessId, endpoints: Vec<(EndpointId, u64)>) -> Answer<'_, Vec<Lag>>;
}
