//! The way to the business, pushed: webhook endpoints, what is outstanding at each, and replays.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use transom_domain::endpoint::{Health, Order, Payload};
use transom_domain::event::{Event, EventBody, Selection};
use transom_domain::id::{BusinessId, CustomerId, EndpointId, EventId, ReplayId, SenderId};
use transom_domain::time::Timestamp;

use super::Sealed;

/// Most endpoints of one business beside the published registrations: each has a worker, and is tried on every event.
pub const ENDPOINTS_MAX: usize = 1_000;
/// Most origins that one business has called back: each has a worker, and looks at every event.
pub const CALLBACK_ORIGINS_MAX: usize = 100;
/// Events of a replay that one round takes: what is happening now never waits for more.
pub const REPLAY_BATCH: usize = 32;
/// So many replays of an endpoint that are over are remembered.
pub const REPLAYS_KEEP: usize = 20;

/// Changes what is wished of an endpoint - its address, its filter, and its role without the topic - inside the transaction that
/// read it; whatever else it changes is put back. May be run more than once.
pub type ChangeEndpoint = Arc<dyn Fn(&mut Endpoint) + Send + Sync>;

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
    /// What it is.
    pub role: Role,
    /// Where to.
    pub address: String,
    /// What it wants.
    pub filter: Selection,
    /// Position in the stream, or with raw payloads in the journal, after which it is told: what came before it was made is none of its business.
    pub begins: u64,
    /// Position up to which it has been told, or has delivery rows. Kept at most seconds after the telling: what lies in between
    /// is told again after a crash.
    pub cursor: u64,
    /// Health.
    pub health: Health,
    /// Since when.
    pub created_at: Timestamp,
}

/// What an endpoint is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// A published registration: told in the published payloads, signed with the business's secret.
    Published(Registration),
    /// One of the business's own making, signed with a secret of its own.
    Own(Box<Own>),
    /// An origin (scheme, host and port) that addresses of callbacks lead to, in the settings of senders, in messaging services or
    /// in messages. Which address an event goes to is found anew at each try; what one origin does delays no other.
    Callbacks,
}

/// What is particular to a published registration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// Published topic.
    pub topic: Topic,
    /// Published `type`, such as `custom`.
    pub kind: String,
    /// Also told of our own outbound messages.
    pub echo: bool,
}

/// What is particular to an endpoint of the business's own making.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Own {
    /// How it is told.
    pub manner: Manner,
    /// What its deliveries are signed with.
    pub secret: Sealed,
    /// The secret before, and until when it signs too.
    pub previous: Option<(Sealed, Timestamp)>,
}

/// How an endpoint wants to be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manner {
    /// What it is for, in its owner's words.
    pub description: String,
    /// In what form.
    pub payload: Payload,
    /// In which order.
    pub order: Order,
    /// Deliveries under way at once.
    pub concurrency: u8,
    /// Seconds that it may take to answer; none for the gateway's own limit.
    pub timeout: Option<u8>,
}

impl Role {
    /// The published topic, where it is a published registration.
    #[must_use]
    pub const fn topic(&self) -> Option<Topic> {
        match self {
            Self::Published(registration) => Some(registration.topic),
            Self::Own(_) | Self::Callbacks => None,
        }
    }

    /// Whether it is told raw bodies: then its cursor is a position of the journal.
    #[must_use]
    pub fn is_raw(&self) -> bool {
        matches!(self, Self::Own(own) if own.manner.payload == Payload::Raw)
    }

    /// In which order it is told.
    #[must_use]
    pub const fn order(&self) -> Order {
        match self {
            Self::Published(_) | Self::Callbacks => Order::Conversation,
            Self::Own(own) => own.manner.order,
        }
    }
}

/// What became of an endpoint that was to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PutEndpoint {
    /// Stored. A new one starts at the end of the stream.
    Stored,
    /// The topic has a registration already, or the origin is there.
    TopicTaken(EndpointId),
    /// The business has [`ENDPOINTS_MAX`] already, or [`CALLBACK_ORIGINS_MAX`].
    Full,
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
    /// Outstanding positions of which the event is no longer kept.
    pub lost: Vec<u64>,
    /// A replay that is under way, with what comes next of it, at most [`REPLAY_BATCH`]; nothing when it is at its end.
    pub replay: Option<(EventReplay, Vec<Event>)>,
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
    /// Whether it keeps its place among those of its conversation; one that was asked for by hand goes alone.
    pub ordered: bool,
}

/// One try of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempted {
    /// When it began.
    pub at: Timestamp,
    /// The HTTP status, where there was an answer.
    pub status: Option<u16>,
    /// How long it took, in milliseconds.
    pub millis: u32,
}

/// What an endpoint answered, as far as it is kept: for people to look at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointAnswer {
    /// Headers, by name.
    pub headers: Vec<(String, String)>,
    /// The beginning of the body; what is no UTF-8 in it is replaced.
    pub body: String,
    /// There was more of the body.
    pub cut: bool,
}

/// An event that an endpoint has not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Position of the event.
    pub position: u64,
    /// Those of one conversation keep their order; none where it holds back nothing and waits for nothing.
    pub conversation: Option<(SenderId, CustomerId)>,
    /// Tries so far.
    pub tried: u32,
    /// When it is tried next; none when it was given up.
    pub due: Option<Timestamp>,
    /// The last try; none when there was none since it was recorded last.
    pub attempt: Option<Attempted>,
    /// What was answered to it.
    pub answer: Option<EndpointAnswer>,
    /// What was seen.
    pub seen: String,
}

/// A round of an endpoint, recorded at once.
#[derive(Debug, Clone)]
pub struct RelayRound {
    /// Who made it: the replica that holds the endpoint.
    pub by: u64,
    /// The endpoint.
    pub endpoint: EndpointId,
    /// Its cursor, never moved back.
    pub cursor: u64,
    /// Events that wait from now on, new ones and known ones.
    pub waiting: Vec<Waiting>,
    /// Positions of deliveries that are over: told, or lost.
    pub over: Vec<u64>,
    /// How far the replay got.
    pub replay: Option<EventReplay>,
    /// What else is worth telling of this round.
    pub news: Vec<EventBody>,
    /// Health as whoever made the round knew it before. Where the row has another, somebody's hand switched the endpoint meanwhile:
    /// that counts more, and `health` is dropped.
    pub known: Health,
    /// Health after this round. What of it is worth telling becomes an event.
    pub health: Health,
    /// Now.
    pub now: Timestamp,
}

/// An event, and what is outstanding or was given up of telling it to an endpoint.
pub type Told = (Event, Option<DeliveryView>);

/// An outstanding or given-up delivery, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryView {
    /// Tries so far.
    pub tried: u32,
    /// When it is tried next, at the earliest; none when it was given up.
    pub due: Option<Timestamp>,
    /// Since when it is outstanding.
    pub since: Timestamp,
    /// The last try.
    pub attempt: Option<Attempted>,
    /// What was answered to it.
    pub answer: Option<EndpointAnswer>,
    /// What was seen.
    pub seen: String,
}

/// Which deliveries are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deliveries {
    /// Every event up to the newest, with what is outstanding of it: what is before the cursor and has no row was told.
    All,
    /// Those that wait for another try.
    Waiting,
    /// Those that were given up.
    GivenUp,
}

/// Which delivery is to be repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryDelivery {
    /// At which endpoint.
    pub endpoint: EndpointId,
    /// Of which event.
    pub event: EventId,
    /// Up to which position the endpoint is known to have been told, where that is further than its cursor: a cursor that only moved
    /// is written down a little later.
    pub told_to: u64,
}

/// What became of the wish to repeat a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retried {
    /// It is due now.
    Due,
    /// The event is not kept, or never was.
    NoEvent,
    /// There is no such endpoint.
    NoEndpoint,
}

/// A range of the stream that one endpoint is told once more, in order, beside what is happening now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventReplay {
    /// Names it.
    pub id: ReplayId,
    /// To whom.
    pub endpoint: EndpointId,
    /// Only what was given up; else everything that the endpoint wants.
    pub given_up: bool,
    /// Position of the first event.
    pub from: u64,
    /// Position of the last.
    pub to: u64,
    /// Position up to which it got.
    pub cursor: u64,
    /// Events that were taken.
    pub told: u64,
    /// Events that were not; they are tried again as any other.
    pub failed: u64,
    /// Since when.
    pub created_at: Timestamp,
    /// When it came to its end, or was stopped.
    pub over_at: Option<Timestamp>,
    /// Whether it was stopped.
    pub stopped: bool,
}

/// What became of a replay that was to be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartReplay {
    /// Under way.
    Started,
    /// Another one is.
    UnderWay(ReplayId),
    /// There is no such endpoint.
    NoEndpoint,
}
