//! Messaging services: what a business keeps of them, and the sender that speaks to a customer.

use std::sync::Arc;

use transom_domain::id::{SenderId, ServiceId};
use transom_domain::messaging_service::{Because, MessagingService, PoolMember, ServiceOptions};

/// Most messaging services of one business.
pub const SERVICES_MAX: usize = 1_000;

/// Changes what the owner of a messaging service chose, inside the transaction that read it. May be run more than once.
pub type ChangeService = Arc<dyn Fn(&mut ServiceOptions) + Send + Sync>;

/// What became of a sender that was to join a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinPool {
    /// It is in the pool, now or since before.
    Joined(PoolMember),
    /// This business has no such messaging service.
    NoService,
    /// This business has no such sender.
    NoSender,
    /// It is in the pool of another one: what is written to it can be told to one only.
    Elsewhere(ServiceId),
    /// The pool has as many as it may have.
    Full,
}

/// Who speaks to a customer through a messaging service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChosenSender {
    /// The service.
    pub service: MessagingService,
    /// How many senders its pool has, on all channels.
    pub pool: usize,
    /// The sender, and why it; none where the pool has none on the customer's channel.
    pub chosen: Option<(SenderId, Because)>,
}
