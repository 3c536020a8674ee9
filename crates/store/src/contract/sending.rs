//! The way out: accept, claim, settle, and what happens when an answer is lost.

use std::sync::Arc;

use transom_domain::address::{Channel, Identity, Phone};
use transom_domain::fact::Person;
use transom_domain::id::{BusinessId, CustomerId, MessageId, SenderId};
use transom_domain::message::{Class, Draft, Message, Origin, WhenUnknown};
use transom_domain::session::Evidence;
use transom_domain::shares::Room;
use transom_domain::status::{Failure, Status};
use transom_domain::time::{Span, Timestamp};
use transom_domain::verdict::{CustomerFacts, Verdict};

use super::UpstreamAnswer;

/// What is asked before anything is decided of a send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookUp {
    /// Whose.
    pub business: BusinessId,
    /// Through whom; none for the sender that heard this address last.
    pub sender: Option<SenderId>,
    /// To whom.
    pub address: Identity,
    /// The caller's key, where there is one.
    pub idempotency: Option<IdempotencyKey>,
    /// Now.
    pub now: Timestamp,
}

/// Says what is accepted on what the store knows at that very moment; none to accept nothing. Pure as far as the store can tell:
/// it may be asked more than once, and only its last answer counts.
pub type Decide = Arc<dyn Fn(&Look) -> Option<Accept> + Send + Sync>;

/// A caller's idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// 1 to 128 printable characters; unique within the business.
    pub key: String,
    /// SHA-256 over method, path and body.
    pub fingerprint: [u8; 32],
}

/// What an idempotency key stands for already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replay {
    /// The same body was accepted: the answer of then.
    Answer(Vec<u8>),
    /// Another body was.
    Conflict,
}

/// What is known of an address towards a sender.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Look {
    /// What the caller's key stands for; none when it is new. A refusal is never stored.
    pub replay: Option<Replay>,
    /// The sender that was asked about; where none was, the one of this business with the latest session evidence for the
    /// address, if any has some.
    pub sender: Option<SenderId>,
    /// The customer, if known.
    pub customer: Option<CustomerId>,
    /// Session evidence between sender and customer.
    pub evidence: Evidence,
    /// Consent and reachability. For an unknown customer: as the address itself tells.
    pub facts: CustomerFacts,
    /// Current phone number, where known.
    pub phone: Option<Phone>,
}

/// A message to be accepted.
#[derive(Debug, Clone)]
pub struct Accept {
    /// Its id; made by the caller. An id that exists already in this business is `IdTaken`.
    pub id: MessageId,
    /// Whose.
    pub business: BusinessId,
    /// Through whom.
    pub sender: SenderId,
    /// Channel.
    pub channel: Channel,
    /// To whom; an unknown address becomes a new customer with the id `new_customer`.
    pub address: Identity,
    /// Used only when the address is unknown.
    pub new_customer: CustomerId,
    /// Display name that the caller gave for the recipient.
    pub name: Option<String>,
    /// What.
    pub draft: Draft,
    /// As judged.
    pub verdict: Verdict,
    /// Class of the lane.
    pub class: Class,
    /// Not before.
    pub not_before: Timestamp,
    /// Fails as expired from here on.
    pub expires_at: Option<Timestamp>,
    /// When an answer is lost.
    pub when_unknown: WhenUnknown,
    /// JSON text.
    pub callback_data: Option<String>,
    /// Tag.
    pub campaign: Option<String>,
    /// What only some callers say.
    pub origin: Option<Origin>,
    /// Upstream's id of the quoted message.
    pub reply_to: Option<String>,
    /// Idempotency, where the caller gave a key.
    pub idempotency: Option<Idempotency>,
    /// The most messages of this sender that may wait.
    pub backlog_max: u64,
    /// The most messages of this sender that may wait for one more to be scheduled: what lies ahead leaves room for what goes now.
    pub schedule_max: u64,
    /// Begin attempt 1 in the same transaction, if nothing stands in its way. For a caller that holds a free connection and pace
    /// for it.
    pub at_once: Option<AtOnce>,
    /// Now.
    pub now: Timestamp,
}

/// What a claim of one message that is only being accepted has to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AtOnce {
    /// As in [`Claim::owner`].
    pub owner: u64,
    /// As in [`Claim::pair_gap`].
    pub pair_gap: Span,
    /// As in [`Claim::pair_burst`].
    pub pair_burst: u32,
}

/// A caller's idempotency key and what is replayed for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// The key.
    pub key: IdempotencyKey,
    /// The answer's body, kept and replayed as it stands.
    pub answer: Vec<u8>,
    /// For how long; at least 24 hours.
    pub keep: Span,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Accepted {
    /// Stored; nothing of the kind was there before.
    Stored {
        /// The customer, new or known.
        customer: CustomerId,
        /// Place among the sender's messages.
        position: u64,
        /// Attempt 1, committed with it: it may leave now. Only with [`Accept::at_once`], while the sender is active, nothing of it
        /// waits, nothing of the lane is in flight, and pace, time and validity let it go; otherwise the message queues.
        claimed: Option<Box<Claimed>>,
    },
    /// The key stands for a message already; nothing was stored.
    Replayed(Replay),
    /// The id is taken.
    IdTaken,
    /// As many messages of this sender wait as may wait.
    BacklogFull,
    /// It is for later, and so many messages of this sender wait that no more can be scheduled.
    ScheduleFull,
}

/// A claim of due heads.
#[derive(Debug, Clone, Copy)]
pub struct Claim {
    /// Of which sender.
    pub sender: SenderId,
    /// At most so many of each class and those before it; at most [`super::BATCH_MAX`] in all.
    pub room: Room,
    /// Who claims: a number that is new at every start of a process.
    pub owner: u64,
    /// Now.
    pub now: Timestamp,
    /// Pair pace: the gap between two messages to one customer, and how many may be borrowed ahead (6 s and 45 at Meta).
    pub pair_gap: Span,
    /// Burst of the pair pace, in messages.
    pub pair_burst: u32,
}

/// What a claim gave.
#[derive(Debug, Clone, Default)]
pub struct Claims {
    /// Attempts that are committed and may now leave, in the order in which they are to start.
    pub claimed: Vec<Claimed>,
    /// When the next head is due, if any waits.
    pub next_due: Option<Timestamp>,
    /// The most urgent class of which something is due that there was no room for: it can be claimed as soon as there is.
    pub wants_room: Option<Class>,
}

/// One attempt that is committed, and everything needed to judge and send it.
#[derive(Debug, Clone, PartialEq)]
pub struct Claimed {
    /// The message, with the new attempt as its last.
    pub message: Message,
    /// Number of the new attempt.
    pub attempt: u32,
    /// Evidence of the session as it stands in this transaction.
    pub evidence: Evidence,
    /// Consent and reachability as they stand in this transaction.
    pub facts: CustomerFacts,
    /// Current phone number of the customer, where known.
    pub phone: Option<Phone>,
}

/// The outcome of one attempt.
#[derive(Debug, Clone)]
pub struct Settle {
    /// Whose.
    pub business: BusinessId,
    /// The message.
    pub message: MessageId,
    /// Number of the attempt.
    pub attempt: u32,
    /// The verdict of the moment of dispatch, where it was taken again.
    pub verdict: Option<Verdict>,
    /// What happened.
    pub outcome: Outcome,
    /// What the upstream answered, where it did: kept with what it says became of the attempt.
    pub answer: Option<UpstreamAnswer>,
}

/// What happened to an attempt.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The upstream took it.
    Answered {
        /// Its id.
        provider_id: String,
        /// What it knows the recipient as: joined to the customer's identities unless another customer has it.
        recipient: Person,
        /// A word beside it, such as `held_for_quality_assessment`.
        note: Option<String>,
    },
    /// The answer was lost: decided at `until`.
    Unknown {
        /// When.
        until: Timestamp,
        /// What was seen.
        failure: Failure,
        /// It was the first of two calls, and the second was not begun: once the first is known to have been taken, nothing is unknown.
        first: bool,
    },
    /// The upstream did not take it (or it never left), and it is to be tried again.
    Again {
        /// Not before.
        not_before: Timestamp,
        /// Why.
        failure: Failure,
        /// Does not count as a try, since it never left (pace, a stopped sender).
        uncounted: bool,
    },
    /// Over: the upstream refused it for good, or the verdict no longer lets it go.
    Failed {
        /// Why.
        failure: Failure,
        /// It was refused for want of a session: evidence, dated by the attempt's start.
        no_session: bool,
    },
}

/// What a settlement did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settled {
    /// The message.
    pub message: MessageId,
    /// What it shows now.
    pub status: Status,
    /// Whether other messages of its sender wait, for which it may have made room.
    pub others_wait: bool,
    /// Whether there is a new event.
    pub told: bool,
}

/// An unknown message whose wait is over, with the evidence.
#[derive(Debug, Clone)]
pub struct PendingUnknown {
    /// The message.
    pub message: Message,
    /// Start of the unknown attempt.
    pub attempted_at: Timestamp,
    /// Start of the latest attempt through the same app of which a status was heard: silence about an earlier attempt is
    /// evidence only if this is later than its start.
    pub heard_of_attempts_until: Option<Timestamp>,
}

/// What is decided of an unknown message.
#[derive(Debug, Clone, PartialEq)]
pub enum Resolution {
    /// What the message's own wish and the evidence say, as they are at the moment of the decision: see
    /// [`transom_domain::dispatch::after_silence`].
    BySilence,
    /// Send it again, as its lane allows.
    Resend,
    /// Wait longer.
    Wait {
        /// Until then.
        until: Timestamp,
    },
    /// Fail.
    Fail {
        /// With this.
        failure: Failure,
    },
}

/// What became of a cancellation, redaction or deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelOutcome {
    /// Done (or done before).
    Done,
    /// No such message in this business.
    NotFound,
    /// It is in this state, in which that cannot be done.
    WrongState(Status),
}
