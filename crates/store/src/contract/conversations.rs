//! Conversations as an inbox shows them: the newest word of either side stands first.

use transom_domain::address::Channel;
use transom_domain::id::{BusinessId, SenderId};
use transom_domain::message::Message;
use transom_domain::time::{Span, Timestamp};

use super::{Answer, Page, SessionRow};

/// A session that has less left than this is about to close.
pub const CLOSING: Span = Span::hours(2);
/// Conversations that one page looks through for those that are wanted. A page can be shorter than asked, with a token to go on.
pub const CONVERSATIONS_LOOK_MAX: usize = 20_000;
/// People that a search finds, of those whose names or numbers begin so.
pub const CONVERSATIONS_FOUND_MAX: usize = 100;

/// How it stands with a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConversationStanding {
    /// Open.
    Open,
    /// Open, for less than [`CLOSING`].
    Closing,
    /// Closed.
    Closed,
}

/// Which conversations are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConversationFilter {
    /// With this sender.
    pub sender: Option<SenderId>,
    /// On this channel.
    pub channel: Option<Channel>,
    /// With a session like this.
    pub standing: Option<ConversationStanding>,
    /// With people of whom a word of the name or username begins so, or the number. There is one page of these, of at most [`CONVERSATIONS_FOUND_MAX`] people.
    pub query: Option<String>,
}

/// One conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct ConversationRow {
    /// Who with whom, and what is known of the session.
    pub session: SessionRow,
    /// The customer's name on WhatsApp, where known.
    pub username: Option<String>,
    /// The newest message; none when all are removed, or none of the customer's newest is of this sender.
    pub last: Option<Message>,
}

/// Conversations.
pub trait Conversations {
    /// Those in which either side ever said something, the one with the newest word first. Of those that are about to close, the one
    /// whose customer was heard last: they are what runs out. What waits is not said yet.
    fn conversations(
        &self,
        business: BusinessId,
        filter: ConversationFilter,
        page: Page,
        now: Timestamp,
    ) -> Answer<'_, (Vec<ConversationRow>, Option<String>)>;
}
