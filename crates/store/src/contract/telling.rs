//! The way to the business: the stream of events, lists.

use transom_domain::address::Identity;
use transom_domain::event::Event;
use transom_domain::id::{CustomerId, SenderId};
use transom_domain::session::Evidence;
use transom_domain::status::Status;
use transom_domain::time::Timestamp;

/// A page of the stream.
#[derive(Debug, Clone, Default)]
pub struct EventPage {
    /// Oldest first.
    pub events: Vec<Event>,
    /// Position of the newest event of the business.
    pub newest: u64,
    /// Position of the oldest event that is kept.
    pub earliest: u64,
}

/// What a list of messages or sessions is narrowed to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MessageFilter {
    /// One sender.
    pub sender: Option<SenderId>,
    /// One customer, by any identity.
    pub customer: Option<Identity>,
    /// One status.
    pub status: Option<Status>,
    /// One direction.
    pub direction: Option<Direction>,
    /// One campaign.
    pub campaign: Option<String>,
    /// Accepted or received at this moment or later.
    pub from: Option<Timestamp>,
    /// Accepted or received before this moment.
    pub until: Option<Timestamp>,
}

/// Which way a message went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the customer.
    Inbound,
    /// To the customer.
    Outbound,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// At most so many; at most [`super::PAGE_MAX`].
    pub size: usize,
    /// What the page before answered as its next token; any other text is [`super::StoreError::BadToken`].
    pub token: Option<String>,
}

/// One conversation with its evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// Sender.
    pub sender: SenderId,
    /// Customer.
    pub customer: CustomerId,
    /// The customer's present address in it.
    pub address: Identity,
    /// Display name.
    pub name: Option<String>,
    /// Evidence.
    pub evidence: Evidence,
}

/// How much of a sender waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Backlog {
    /// Messages.
    pub waiting: u64,
    /// When the oldest was accepted.
    pub oldest: Option<Timestamp>,
}
