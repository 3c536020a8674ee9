//! How much a sender may send, how much of that is used, and why a message waits.

use transom_domain::limits::NumberLimits;
use transom_domain::message::Class;
use transom_domain::time::Timestamp;

/// A sender's limits and what of them is used.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SenderLoad {
    /// As Meta told them.
    pub limits: NumberLimits,
    /// Customers of the business that count towards the messaging limit now. Counted only while a limit is known, from then on.
    pub reached: u64,
    /// When the first of them leaves the count.
    pub next_place_at: Option<Timestamp>,
    /// Whether anything waits for that.
    pub held: bool,
    /// Messages that wait.
    pub waiting: u64,
    /// The same by class. Exact while at most one class has more than 10,000; beyond that, at least so many.
    pub waiting_by_class: Vec<(Class, u64)>,
    /// When the oldest of them was accepted.
    pub oldest: Option<Timestamp>,
    /// When the next may go, as far as its own conversation and the messaging limit are concerned.
    pub next_due: Option<Timestamp>,
}

/// Why a message waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WaitReason {
    /// The caller asked for later.
    Scheduled,
    /// Meta refused it for now; it is tried again.
    Retry,
    /// Another message to the same customer goes first.
    SameCustomer,
    /// Meta's pace between one number and one customer.
    PairPace,
    /// The portfolio has written to as many customers first as it may in 24 hours.
    MessagingLimit,
    /// An operator's error has stopped the sender.
    SenderStopped,
    /// Its turn comes as the sender's throughput allows.
    Turn,
}

impl WaitReason {
    /// The word on our wires.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Retry => "retry",
            Self::SameCustomer => "same_customer",
            Self::PairPace => "pair_pace",
            Self::MessagingLimit => "messaging_limit",
            Self::SenderStopped => "sender_stopped",
            Self::Turn => "turn",
        }
    }
}

/// Why a message waits, and until when as far as that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outlook {
    /// Why.
    pub reason: WaitReason,
    /// Not before this moment.
    pub until: Option<Timestamp>,
    /// With [`WaitReason::Turn`]: at most so many go before it.
    pub ahead: u64,
}
