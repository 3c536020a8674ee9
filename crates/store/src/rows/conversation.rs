//! Conversations: one sender and one customer.

use transom_domain::id::{BusinessId, CustomerId, SenderId};
use transom_domain::session::Evidence;
use transom_domain::time::Timestamp;

use super::Result;

/// One sender and one customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Conversation {
    /// What is known of the session.
    pub(crate) evidence: Evidence,
    /// When what is told of the session is looked at again; none while it is told to be closed.
    pub(crate) look_at: Option<Timestamp>,
    /// Pair pace: the moment at which everything borrowed so far is paid back.
    pub(crate) paid_back: Option<Timestamp>,
    /// When either side said something last. What waits is not said yet.
    pub(crate) spoken_at: Option<Timestamp>,
}

/// Rows of conversations.
pub(crate) trait ConversationRows {
    fn conversation(&self, sender: SenderId, customer: CustomerId) -> Result<Option<Conversation>>;
    /// Keeps a conversation. One that is there keeps its [`Conversation::look_at`], which changes only with
    /// [`ConversationRows::put_look`].
    fn put_conversation(
        &mut self,
        business: BusinessId,
        sender: SenderId,
        customer: CustomerId,
        row: &Conversation,
    ) -> Result<()>;
    /// As [`ConversationRows::put_conversation`], where nothing but the pair's pace and the last word have changed: less than that.
    fn put_paid_back(&mut self, business: BusinessId, sender: SenderId, customer: CustomerId, row: &Conversation) -> Result<()> {
        self.put_conversation(business, sender, customer, row)
    }
    /// Keeps when a conversation that is there is looked at again.
    fn put_look(&mut self, sender: SenderId, customer: CustomerId, look_at: Option<Timestamp>) -> Result<()>;
    /// Conversations that are to be looked at, the longest due first.
    fn due_looks(&self, now: Timestamp, limit: usize) -> Result<Vec<(BusinessId, SenderId, CustomerId)>>;
    /// When the first look is due.
    fn next_look(&self) -> Result<Option<Timestamp>>;
    /// The sender that heard this customer last.
    fn last_heard_by(&self, business: BusinessId, customer: CustomerId) -> Result<Option<SenderId>>;
    /// Conversations that were ever heard, latest first, after the one given; narrowed to a sender or a customer.
    fn heard_conversations(
        &self,
        business: BusinessId,
        sender: Option<SenderId>,
        customer: Option<CustomerId>,
        after: Option<(Timestamp, SenderId, CustomerId)>,
        limit: usize,
    ) -> Result<Vec<(SenderId, CustomerId, Evidence)>>;
    /// Conversations in which anything was ever said, latest first, after the one given. Their pace is not read.
    fn spoken_conversations(
        &self,
        business: BusinessId,
        after: Option<(Timestamp, SenderId, CustomerId)>,
        limit: usize,
    ) -> Result<Vec<(SenderId, CustomerId, Conversation)>>;
    /// All conversations of a customer, in any order; at most `limit`. Their pace is not read.
    fn conversations_of(
        &self,
        business: BusinessId,
        customer: CustomerId,
        limit: usize,
    ) -> Result<Vec<(SenderId, CustomerId, Conversation)>>;
}
