//! Tallies: how many messages came and went, and how far they got, by the time at which they were accepted; and why they failed.
//!
//! A message counts in the minute in which it was accepted or heard, under what it shows now: so that of those that were accepted at
//! least as many were sent as delivered, and delivered as read, and a status that is late counts where its message does. Minutes are
//! summed up into hours after [`TALLY_MINUTES_KEEP`]. Tallies outlive their messages: nobody's data is in them.

use transom_domain::error_code::ErrorCode;
use transom_domain::id::{BusinessId, SenderId};
use transom_domain::status::Status;
use transom_domain::time::{Span, Timestamp};

use super::Answer;

/// How long tallies are kept by the minute; after that by the hour.
pub const TALLY_MINUTES_KEEP: Span = Span::hours(48);
/// How long tallies are kept.
pub const TALLIES_KEEP: Span = Span::days(400);
/// The most points of one series.
pub const TALLY_POINTS_MAX: usize = 1_500;
/// The most kinds of failure that are told of one range, those that count most.
pub const FAILINGS_MAX: usize = 200;
/// Open sessions are counted up to this.
pub const OPEN_SESSIONS_MAX: usize = 50_000;

/// How wide the points of a series are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TallyStep {
    /// A minute: known of the last [`TALLY_MINUTES_KEEP`].
    Minute,
    /// An hour.
    Hour,
    /// A day, of UTC.
    Day,
}

impl TallyStep {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    /// How wide.
    #[must_use]
    pub const fn span(self) -> Span {
        match self {
            Self::Minute => Span::minutes(1),
            Self::Hour => Span::hours(1),
            Self::Day => Span::days(1),
        }
    }
}

/// Messages by how far they got.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Came in.
    pub received: u64,
    /// Were to go out.
    pub accepted: u64,
    /// Of those, sent: or further.
    pub sent: u64,
    /// Delivered: or read.
    pub delivered: u64,
    /// Read.
    pub read: u64,
    /// Failed or expired; none of these is counted as sent.
    pub failed: u64,
    /// Were called off.
    pub cancelled: u64,
}

impl Tally {
    /// One message that shows this.
    #[must_use]
    pub const fn of(status: Status) -> Self {
        let mut tally = Self { received: 0, accepted: 1, sent: 0, delivered: 0, read: 0, failed: 0, cancelled: 0 };
        match status {
            Status::Received => (tally.received, tally.accepted) = (1, 0),
            Status::Accepted | Status::Queued | Status::Sending | Status::Unknown => {}
            Status::Sent => tally.sent = 1,
            Status::Delivered => (tally.sent, tally.delivered) = (1, 1),
            Status::Read => (tally.sent, tally.delivered, tally.read) = (1, 1, 1),
            Status::Failed | Status::Expired => tally.failed = 1,
            Status::Cancelled => tally.cancelled = 1,
        }
        tally
    }
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.received += other.received;
        self.accepted += other.accepted;
        self.sent += other.sent;
        self.delivered += other.delivered;
        self.read += other.read;
        self.failed += other.failed;
        self.cancelled += other.cancelled;
    }
}

/// Failures of one kind that were told of messages of one sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failing {
    /// Whose.
    pub sender: SenderId,
    /// What it means to a caller.
    pub code: ErrorCode,
    /// The upstream's own code, where it gave one.
    pub upstream: Option<i64>,
    /// How often it was told, of a message at most once. One that arrived after all stays counted.
    pub messages: u64,
    /// When it was told last.
    pub last_at: Timestamp,
}

/// What is to be told of a range of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OverviewAsk {
    /// From this moment on: the beginning of a step.
    pub from: Timestamp,
    /// Up to this one: the beginning of a step.
    pub to: Timestamp,
    /// How wide the points are.
    pub step: TallyStep,
    /// Only of this sender.
    pub sender: Option<SenderId>,
    /// Now.
    pub now: Timestamp,
}

/// How a business is doing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overview {
    /// By the beginning of each step in which there was something, at most [`TALLY_POINTS_MAX`].
    pub points: Vec<(Timestamp, Tally)>,
    /// Failures told in the range, to the hour; those that count most first.
    pub failings: Vec<Failing>,
    /// Sessions that are open now, counted up to [`OPEN_SESSIONS_MAX`].
    pub open_sessions: usize,
}

/// Tallies.
pub trait Tallies {
    /// How a business is doing. Costs what the range has of tallies, and what sessions are open.
    fn overview(&self, business: BusinessId, ask: OverviewAsk) -> Answer<'_, Overview>;
}
