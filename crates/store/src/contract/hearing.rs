//! The way in: what one webhook body says to one business.

use transom_domain::fact::Heard;
use transom_domain::failure::UpstreamError;
use transom_domain::id::{BusinessId, EventId, JournalId, MessageId, SenderId};
use transom_domain::status::Failure;
use transom_domain::time::Timestamp;

use super::JournalOutcome;

/// Everything that one webhook body says to one business.
#[derive(Debug, Clone)]
pub struct HearBody {
    /// To whom.
    pub business: BusinessId,
    /// The app whose secret verified it.
    pub app: String,
    /// What; each with the sender it is for, where it is for one.
    pub heard: Vec<(Option<SenderId>, Heard)>,
    /// What the journal keeps of it; none where that is there already, and the body is heard again from it.
    pub entry: Option<HeardBody>,
    /// What one of the upstream's errors means to a caller. Given from outside, since the table of codes is the wire's.
    pub native: fn(&UpstreamError) -> Failure,
    /// Chance from which the ids of new customers, messages and events are made.
    pub seed: u128,
    /// Now.
    pub now: Timestamp,
    /// When it was first heard: now, unless it is heard again. What a body says of itself without saying when counts as of then, and
    /// nothing in it is later.
    pub heard_at: Timestamp,
}

/// The raw bytes that the facts of a [`HearBody`] were read from.
#[derive(Debug, Clone)]
pub struct HeardBody {
    /// Names the journal entry.
    pub id: JournalId,
    /// How much of it was understood.
    pub outcome: JournalOutcome,
    /// The fields that changed, each once, by comma.
    pub fields: String,
    /// What was not understood.
    pub note: String,
    /// The bytes as received; of a body that speaks of others too, this business's part of it.
    pub raw: Vec<u8>,
}

/// What hearing it did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HearOutcome {
    /// New inbound messages.
    pub messages: Vec<MessageId>,
    /// Facts that changed something.
    pub news: usize,
    /// Facts that were known already.
    pub repeated: usize,
    /// Statuses of messages nobody here has sent: kept, in case the answer to the send is still on its way.
    pub orphans: usize,
    /// Events written.
    pub events: Vec<EventId>,
    /// New files that are to be fetched.
    pub files: usize,
    /// Senders that may send again at once because a session opened or an unknown message was settled.
    pub nudged: Vec<SenderId>,
}

/// What a look at sessions did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LookedAt {
    /// How many were looked at.
    pub looked: usize,
    /// Businesses that have events of it.
    pub told: Vec<BusinessId>,
    /// When the next look is due.
    pub next: Option<Timestamp>,
}
