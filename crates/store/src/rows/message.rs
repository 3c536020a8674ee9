//! Messages and their attempts, and the narrow rows by which repetitions are recognised.

use transom_domain::address::{Channel, Identity};
use transom_domain::fact::{Inbound, StatusReport};
use transom_domain::id::{BusinessId, ContentId, CustomerId, MessageId, SenderId};
use transom_domain::message::{Attempt, Class, Draft, Origin, WhenUnknown};
use transom_domain::status::{Failure, Phase, Progress, Status};
use transom_domain::time::Timestamp;
use transom_domain::verdict::Verdict;

use super::{Result, Seq};
use crate::{Step, Word};

/// The part of a message that never changes and is small.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Brief {
    pub(crate) seq: Seq,
    pub(crate) id: MessageId,
    pub(crate) business: BusinessId,
    pub(crate) sender: SenderId,
    /// Whose address it is: of a person who was merged the one of its customers, so that it goes along where that is taken back.
    pub(crate) customer: CustomerId,
    /// In whose lane it waits or is in flight: that of the same person, but where the address is another's meanwhile.
    pub(crate) lane: CustomerId,
    pub(crate) channel: Channel,
    pub(crate) address: Identity,
    pub(crate) position: u64,
    pub(crate) class: Class,
    pub(crate) accepted_at: Timestamp,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) when_unknown: WhenUnknown,
    pub(crate) callback_data: Option<String>,
    pub(crate) campaign: Option<String>,
    pub(crate) reply_to: Option<String>,
    /// The content that it was sent from.
    pub(crate) content: Option<ContentId>,
    pub(crate) origin: Option<Origin>,
}

/// Where a message stands: the narrow part that changes with every step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) phase: Phase,
    pub(crate) status: Status,
    /// The statuses of which there is an event, as a set of bits.
    pub(crate) told: u16,
}

/// The large part of a message.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Whole {
    pub(crate) draft: Option<Draft>,
    /// Of a message that is redacted only what it is named by upstream.
    pub(crate) inbound: Option<Inbound>,
    pub(crate) verdict: Option<Verdict>,
    pub(crate) redacted: bool,
}

/// The verdict a message was accepted on, and the one an attempt was sent on, with the attempt's number.
pub(crate) type Verdicts = (Option<Verdict>, Option<(u32, Verdict)>);

/// A message to be stored; its [`Brief::seq`] is not yet known and passed over.
pub(crate) struct NewMessage<'a> {
    pub(crate) brief: &'a Brief,
    pub(crate) standing: &'a Standing,
    pub(crate) draft: Option<&'a Draft>,
    pub(crate) inbound: Option<&'a Inbound>,
    pub(crate) verdict: Option<&'a Verdict>,
    /// Position of the event that tells of it, where its content is told.
    pub(crate) told_at: Option<u64>,
}

/// An attempt and what only the store needs of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AttemptRow {
    pub(crate) attempt: Attempt,
    /// Who claimed it.
    pub(crate) owner: u64,
    /// With which word the price came: the price of the furthest word is kept, whatever came last.
    pub(crate) priced: Option<Progress>,
}

/// A status of a message nobody here has sent, as far as is known.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Orphan {
    pub(crate) report: StatusReport,
    /// What its errors mean to a caller.
    pub(crate) failure: Option<Failure>,
    /// The app through which it came.
    pub(crate) app: String,
    /// When it came.
    pub(crate) at: Timestamp,
}

/// What an idempotency key stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) fingerprint: [u8; 32],
    pub(crate) answer: Vec<u8>,
    pub(crate) until: Timestamp,
}

/// Rows of messages.
pub(crate) trait MessageRows {
    /// Ends a move: what was put off is written.
    fn finish(&mut self) -> Result<()> {
        Ok(())
    }

    fn insert_message(&mut self, message: &NewMessage<'_>) -> Result<Seq>;
    fn has_message(&self, business: BusinessId, id: MessageId) -> Result<bool>;
    fn brief(&self, business: BusinessId, id: MessageId) -> Result<Option<(Brief, Standing)>>;
    fn brief_of(&self, seq: Seq) -> Result<Option<(Brief, Standing)>>;
    fn whole(&self, seq: Seq) -> Result<Option<Whole>>;
    /// From now on a message is in this customer's lane.
    fn set_lane(&mut self, seq: Seq, lane: CustomerId) -> Result<()>;
    fn set_standing(&mut self, seq: Seq, standing: &Standing) -> Result<()>;
    /// Keeps the verdict that was taken again for an attempt, beside the one on which the message was accepted.
    fn set_verdict(&mut self, seq: Seq, attempt: u32, verdict: &Verdict) -> Result<()>;
    /// The verdict on which a message was accepted, and the one as last taken again.
    fn verdicts(&self, seq: Seq) -> Result<Verdicts>;
    /// See [`NewMessage::told_at`].
    fn told_at(&self, seq: Seq) -> Result<Option<u64>>;
    /// Replaces what a message that came in says.
    fn put_inbound(&mut self, seq: Seq, inbound: &Inbound) -> Result<()>;
    /// Takes the content out of a message; of one that came in `stub` stays, by which it can still be named upstream.
    fn redact_message(&mut self, seq: Seq, stub: Option<&Inbound>) -> Result<()>;
    /// Removes a message with its attempts and words, and says how many rows went. What it is recognised by in webhooks stays.
    fn drop_message(&mut self, seq: Seq) -> Result<usize>;
    /// Messages of a business, or of one customer, newest first, before `before`.
    fn newest(
        &self,
        business: BusinessId,
        customer: Option<CustomerId>,
        before: Option<Seq>,
        limit: usize,
    ) -> Result<Vec<(Brief, Standing)>>;
    /// Messages whose unknown attempt is to be decided, the longest overdue first.
    fn overdue(&self, now: Timestamp, limit: usize) -> Result<Vec<Seq>>;
    /// When the next unknown attempt after `now` is to be decided.
    fn next_overdue(&self, now: Timestamp) -> Result<Option<Timestamp>>;

    /// The attempts of a message, first to last.
    fn attempts(&self, seq: Seq) -> Result<Vec<AttemptRow>>;
    fn put_attempt(&mut self, seq: Seq, row: &AttemptRow) -> Result<()>;
    /// Removes an attempt with its words.
    fn drop_attempt(&mut self, seq: Seq, number: u32) -> Result<()>;
    /// Attempts of other owners of which nothing has been heard.
    fn left_behind(&self, owner: u64, limit: usize) -> Result<Vec<(Seq, u32)>>;

    /// Keeps a word; `false` when the attempt has one of this step already.
    fn add_word(&mut self, seq: Seq, word: &Word) -> Result<bool>;
    fn word(&self, seq: Seq, attempt: u32, step: Step) -> Result<Option<Word>>;
    /// Replaces a word that is there.
    fn set_word(&mut self, seq: Seq, word: &Word) -> Result<()>;
    /// The words of a message by attempt, those of the message itself first.
    fn words(&self, seq: Seq, limit: usize) -> Result<Vec<Word>>;

    /// The message with this id of the upstream's, and the number of the attempt; 0 for what came in.
    fn provided(&self, business: BusinessId, provider_id: &str) -> Result<Option<(Seq, u32)>>;
    /// Binds an id of the upstream's; the first binding stays.
    fn bind(&mut self, business: BusinessId, provider_id: &str, seq: Seq, attempt: u32) -> Result<()>;

    /// Keeps an orphan; `false` when one with the same id and status is there already.
    fn put_orphan(&mut self, business: BusinessId, orphan: &Orphan) -> Result<bool>;
    /// Takes the orphans of this id, by status.
    fn take_orphans(&mut self, business: BusinessId, provider_id: &str) -> Result<Vec<Orphan>>;

    fn kept(&self, business: BusinessId, key: &str) -> Result<Option<Kept>>;
    fn keep(&mut self, business: BusinessId, key: &str, kept: &Kept) -> Result<()>;

    /// Start of the latest attempt through this app of which a status was heard.
    fn heard_of(&self, app: &str) -> Result<Option<Timestamp>>;
    fn put_heard_of(&mut self, app: &str, started_at: Timestamp) -> Result<()>;
}
