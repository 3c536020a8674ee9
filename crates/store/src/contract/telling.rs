//! The way to the business: endpoints, the stream of events, lists.

use serde::{Deserialize, Serialize};

use transom_domain::address::Identity;
use transom_domain::event::{Event, Selection};
use transom_domain::id::{BusinessId, CustomerId, EndpointId, SenderId};
use transom_domain::session::Evidence;
use transom_domain::status::Status;
use transom_domain::time::Timestamp;

/// Topics of the published registrations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// Inbound messages.
    Messages,
    /// How far messages got.
    DeliveryStatus,
    /// What became of templates.
    TemplateStatus,
}

impl Topic {
    /// Every topic.
    pub const ALL: [Self; 3] = [Self::Messages, Self::DeliveryStatus, Self::TemplateStatus];

    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::DeliveryStatus => "delivery_status",
            Self::TemplateStatus => "template_status",
        }
    }
}

/// A webhook endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Names it.
    pub id: EndpointId,
    /// Whose.
    pub business: BusinessId,
    /// Published topic.
    pub topic: Topic,
    /// Where to.
    pub address: String,
    /// Published `type`, such as `custom`.
    pub kind: String,
    /// Also told of our own outbound messages.
    pub echo: bool,
    /// What it wants.
    pub filter: Selection,
    /// Position up to which it has been told, or has delivery rows.
    pub cursor: u64,
    /// Health.
    pub state: EndpointState,
    /// Since when.
    pub created_at: Timestamp,
}

/// Health of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EndpointState {
    /// Switched off by 410, or by hand.
    #[serde(default)]
    pub disabled: Option<String>,
    /// Failures in a row.
    #[serde(default)]
    pub failures: u32,
    /// The last failure, in words.
    #[serde(default)]
    pub last_error: Option<String>,
    /// The last success.
    #[serde(default)]
    pub last_success: Option<Timestamp>,
}

/// What became of an endpoint that was to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PutEndpoint {
    /// Stored. A new one starts at the end of the stream.
    Stored,
    /// The topic has a registration already.
    TopicTaken(EndpointId),
}

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

/// The next work of an endpoint.
#[derive(Debug, Clone, Default)]
pub struct RelayWork {
    /// Events after the cursor, oldest first; `true` when an earlier event of the same conversation is outstanding here, so
    /// that this one must wait behind it.
    pub fresh: Vec<(Event, bool)>,
    /// Deliveries that are due, those due longest, oldest event first among them; of each conversation only the oldest
    /// outstanding one.
    pub due: Vec<DueDelivery>,
    /// When the next delivery is due, if one waits.
    pub next_due: Option<Timestamp>,
    /// Position up to which `fresh` looked.
    pub looked_to: u64,
}

/// A delivery that failed before, or waits behind one that did.
#[derive(Debug, Clone)]
pub struct DueDelivery {
    /// The event.
    pub event: Event,
    /// Tries so far.
    pub tried: u32,
    /// Since when it is outstanding.
    pub since: Timestamp,
}

/// An event that waits at an endpoint: position, conversation key, tries so far, due, what was seen.
pub type Waiting = (u64, Option<(SenderId, CustomerId)>, u32, Timestamp, String);

/// A round of an endpoint, recorded at once.
#[derive(Debug, Clone)]
pub struct RelayRound {
    /// The endpoint.
    pub endpoint: EndpointId,
    /// Its cursor, never moved back.
    pub cursor: u64,
    /// Events that wait from now on, new ones and known ones.
    pub waiting: Vec<Waiting>,
    /// Positions of deliveries that are over: told, or given up.
    pub over: Vec<u64>,
    /// Health after this round.
    pub state: EndpointState,
    /// Now.
    pub now: Timestamp,
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
