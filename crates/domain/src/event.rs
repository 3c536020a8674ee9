//! Events: facts worth telling. Each is whole in itself, so that it can be told in any dialect without a further look-up.

mod selection;

pub use selection::{Selection, matches_glob};

use serde::{Deserialize, Serialize};

use crate::address::{Bsuid, Channel, Identity, Phone};
use crate::amendment::Amended;
use crate::consent::{Choice, Consent, Scope, Source};
use crate::fact::{Account, Echo, Inbound, News, TemplateStatus};
use crate::id::{BusinessId, CustomerId, EndpointId, EventId, MediaId, MessageId, SenderId};
use crate::message::Origin;
use crate::people::{Joined, Present};
use crate::session::Ended;
use crate::status::{Failure, Status};
use crate::template::{Approval, Change};
use crate::time::Timestamp;

/// One event of one business.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Its place in the business's stream: what orders events and what cursors point to. Starts at 1 and goes up by 1 with
    /// each event; only a restore from a backup leaps ahead.
    pub position: u64,
    /// Names it; the same at every try of every endpoint.
    pub id: EventId,
    /// Whose.
    pub business: BusinessId,
    /// When we learned of it.
    pub at: Timestamp,
    /// What.
    pub body: EventBody,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum EventBody {
    /// A customer wrote, tapped or called.
    MessageReceived {
        /// Between whom.
        party: Party,
        /// Our id of it.
        message: MessageId,
        /// What came.
        inbound: Box<Inbound>,
        /// Our id of the message it answers, where it is one of ours.
        reply_to: Option<MessageId>,
        /// Data the caller gave with the message it answers; JSON text.
        callback_data: Option<String>,
        /// It was told before, as something that nobody understood then.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        retold: bool,
    },
    /// A message that was told is changed.
    MessageEdited {
        /// Between whom.
        party: Party,
        /// The message.
        message: MessageId,
        /// What was done to it.
        edit: Box<Amended>,
    },
    /// A message that was told is taken back.
    MessageRevoked {
        /// Between whom.
        party: Party,
        /// The message.
        message: MessageId,
        /// When, by the clock of whoever said it.
        at: Timestamp,
    },
    /// The business wrote elsewhere, in WhatsApp's own app, say.
    MessageEchoed {
        /// Between whom.
        party: Party,
        /// Our id of it.
        message: MessageId,
        /// What was written.
        echo: Box<Echo>,
    },
    /// A message got further.
    MessageStatus {
        /// Between whom.
        party: Party,
        /// The message.
        message: MessageId,
        /// How far.
        status: Status,
        /// When, by the clock of whoever said it.
        at: Timestamp,
        /// Why it failed.
        failure: Option<Failure>,
        /// Of one that failed: whether the upstream had taken it before. Of every other it says nothing.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        taken: bool,
        /// The caller's tag.
        campaign: Option<String>,
        /// The caller's data; JSON text.
        callback_data: Option<String>,
        /// Price, as received.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pricing: Option<serde_json::Value>,
        /// What only some callers say of a message.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        origin: Option<Box<Origin>>,
    },
    /// A session opened, which was closed before.
    SessionOpened {
        /// Between whom.
        party: Party,
        /// First moment at which it is closed again, if the customer writes no more.
        until: Timestamp,
    },
    /// An open session closes soon: within the notice that the business wants.
    SessionClosingSoon {
        /// Between whom.
        party: Party,
        /// First moment at which it is closed, if the customer writes no more.
        until: Timestamp,
    },
    /// A session closed, which was open before.
    SessionClosed {
        /// Between whom.
        party: Party,
        /// Since when. Where Meta refused a message: the start of that attempt, since when it closed there nobody tells.
        since: Timestamp,
        /// Why.
        cause: Ended,
    },
    /// A template changed: its status, its rating, its category, what it consists of; or it came or went.
    TemplateChanged {
        /// WhatsApp Business Account.
        waba: String,
        /// What it is now.
        template: TemplateStatus,
        /// What it was before, where that is known.
        previous: Option<Approval>,
        /// What changed.
        change: Change,
    },
    /// A sender was stopped by an operator's error, or goes on again.
    SenderState {
        /// The sender.
        sender: SenderId,
        /// The sender's address.
        address: Identity,
        /// Why it was stopped; none when it goes on.
        stopped: Option<Failure>,
    },
    /// A customer's file could not be fetched, and will not be tried again.
    MediaFailed {
        /// Between whom.
        party: Party,
        /// The message it came with.
        message: MessageId,
        /// The file.
        media: MediaId,
        /// Why, in a sentence.
        why: String,
    },
    /// A customer wants something else to be sent than before.
    ConsentChanged {
        /// The customer.
        customer: CustomerId,
        /// The customer's present address, where there is one.
        address: Option<Identity>,
        /// Phone number, where known.
        phone: Option<Phone>,
        /// Business-scoped user id, where known.
        bsuid: Option<Bsuid>,
        /// About what.
        scope: Scope,
        /// What was chosen; none where nothing is known of it any more, since it was said by another customer whom a merge had
        /// joined, and who is another person again.
        choice: Option<Choice>,
        /// When, by the clock of whoever told it.
        said_at: Option<Timestamp>,
        /// How it became known.
        source: Option<Source>,
        /// The message that says it, where one does.
        message: Option<MessageId>,
        /// What is wanted now.
        consent: Consent,
    },
    /// A customer has another number or another user id, and stays the same customer.
    IdentityChanged {
        /// The customer.
        customer: CustomerId,
        /// By what the customer was reached before.
        previous: Present,
        /// By what now.
        current: Present,
        /// When, by the clock of whoever told it.
        said_at: Timestamp,
    },
    /// Two customers turned out to be one person: all that is asked of one is answered for both.
    CustomerMerged {
        /// Under this id the person goes on.
        customer: CustomerId,
        /// This one leads there from now on.
        merged: CustomerId,
        /// How it became known.
        why: Joined,
        /// By what the person is reached now.
        present: Present,
    },
    /// A merge was taken back: two customers again.
    CustomerUnmerged {
        /// The one that went on.
        customer: CustomerId,
        /// The one that is on its own again.
        separated: CustomerId,
    },
    /// What is known of a sender changed: its rating, its limits, its name, what it must not do.
    SenderUpdated {
        /// The sender.
        sender: SenderId,
        /// The sender's address.
        address: Identity,
        /// What changed; never empty.
        changes: Vec<SenderChange>,
    },
    /// News of an account, as received.
    AccountUpdated {
        /// The account, or its number.
        account: Account,
        /// What was told.
        news: Box<News>,
    },
    /// News of the upstream that has no meaning of its own here, as received.
    UpstreamNews {
        /// Whom it is for.
        account: Account,
        /// What was told.
        news: Box<News>,
    },
    /// A webhook endpoint takes nothing.
    EndpointFailing {
        /// The endpoint.
        endpoint: EndpointId,
        /// Failures in a row.
        failures: u32,
        /// Since when.
        since: Timestamp,
        /// The last failure, in words.
        error: String,
    },
    /// It takes deliveries again.
    EndpointRecovered {
        /// The endpoint.
        endpoint: EndpointId,
    },
    /// It was switched off: it is gone, or failed for long.
    EndpointDisabled {
        /// The endpoint.
        endpoint: EndpointId,
        /// Why.
        reason: String,
    },
    /// It took a delivery, and what it answered cannot be done. The delivery is not repeated for that.
    EndpointAnswerRejected {
        /// The endpoint.
        endpoint: EndpointId,
        /// The event that it was told.
        told: EventId,
        /// The message of that event.
        message: Option<MessageId>,
        /// The code for what is wrong, in the numbers of the dialect that it speaks.
        code: u32,
        /// What is wrong, in words that name nobody.
        error: String,
    },
}

/// One thing about a sender that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SenderChange {
    /// What.
    pub what: SenderTrait,
    /// What it was; none where it was not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// What it is; none where there is none any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// Something that is known of a sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SenderTrait {
    /// Its rating.
    Quality,
    /// The messaging limit.
    MessagingLimit,
    /// Messages per second.
    Throughput,
    /// What came of the review of its name.
    NameStatus,
    /// Its user name.
    Username,
    /// How its account stands.
    Account,
    /// What its account must not do.
    Restrictions,
    /// The rule that its account broke last.
    Violation,
    /// What came of the review of its account.
    Review,
}

impl SenderTrait {
    /// The word on our wires.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Quality => "quality",
            Self::MessagingLimit => "messagingLimit",
            Self::Throughput => "throughput",
            Self::NameStatus => "nameStatus",
            Self::Username => "username",
            Self::Account => "account",
            Self::Restrictions => "restrictions",
            Self::Violation => "violation",
            Self::Review => "review",
        }
    }
}

/// The two sides of a conversation, as they were when the event happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    /// Channel.
    pub channel: Channel,
    /// The sender.
    pub sender: SenderId,
    /// Its address.
    pub sender_address: Identity,
    /// Its display name, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender_name: Option<String>,
    /// The customer.
    pub customer: CustomerId,
    /// Whose address it is, where that one turned out to be the same person as `customer`: it is the same before and after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<CustomerId>,
    /// Address of the customer in this conversation.
    pub customer_address: Identity,
    /// Phone number, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
    /// Business-scoped user id, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bsuid: Option<Bsuid>,
    /// Display name, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// User name, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Whose names these are, where they are of others who were the same person then: with one of them they go.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub named_as: Vec<CustomerId>,
}

/// The types' names, said once: by variant, and as the list of all that there are.
macro_rules! names {
    ($($variant:ident => $name:literal,)+) => {
        /// Every type of event, by the name that it has in filters and on the wire.
        pub const NAMES: &[&str] = &[$($name),+];

        impl EventBody {
            /// The name in filters and on the wire; one of [`NAMES`].
            #[must_use]
            pub const fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant { .. } => $name,)+
                }
            }
        }
    };
}

names! {
    MessageReceived => "message.received",
    MessageEdited => "message.edited",
    MessageRevoked => "message.revoked",
    MessageEchoed => "message.echoed",
    MessageStatus => "message.status",
    SessionOpened => "session.opened",
    SessionClosingSoon => "session.closing_soon",
    SessionClosed => "session.closed",
    TemplateChanged => "template.changed",
    SenderState => "sender.state",
    SenderUpdated => "sender.updated",
    AccountUpdated => "account.updated",
    UpstreamNews => "upstream.news",
    MediaFailed => "media.failed",
    ConsentChanged => "consent.changed",
    EndpointFailing => "endpoint.failing",
    EndpointRecovered => "endpoint.recovered",
    EndpointDisabled => "endpoint.disabled",
    EndpointAnswerRejected => "endpoint.answer_rejected",
    IdentityChanged => "identity.changed",
    CustomerMerged => "customer.merged",
    CustomerUnmerged => "customer.unmerged",
}

impl EventBody {
    /// The conversation that it belongs to, where it belongs to one.
    #[must_use]
    pub const fn party(&self) -> Option<&Party> {
        match self {
            Self::MessageReceived { party, .. }
            | Self::MessageEdited { party, .. }
            | Self::MessageRevoked { party, .. }
            | Self::MessageEchoed { party, .. }
            | Self::MessageStatus { party, .. }
            | Self::SessionOpened { party, .. }
            | Self::SessionClosingSoon { party, .. }
            | Self::SessionClosed { party, .. }
            | Self::MediaFailed { party, .. } => Some(party),
            Self::TemplateChanged { .. }
            | Self::SenderState { .. }
            | Self::SenderUpdated { .. }
            | Self::AccountUpdated { .. }
            | Self::UpstreamNews { .. }
            | Self::ConsentChanged { .. }
            | Self::IdentityChanged { .. }
            | Self::CustomerMerged { .. }
            | Self::CustomerUnmerged { .. }
            | Self::EndpointFailing { .. }
            | Self::EndpointRecovered { .. }
            | Self::EndpointDisabled { .. }
            | Self::EndpointAnswerRejected { .. } => None,
        }
    }

    /// As [`EventBody::party`], to change it.
    pub const fn party_mut(&mut self) -> Option<&mut Party> {
        match self {
            Self::MessageReceived { party, .. }
            | Self::MessageEdited { party, .. }
            | Self::MessageRevoked { party, .. }
            | Self::MessageEchoed { party, .. }
            | Self::MessageStatus { party, .. }
            | Self::SessionOpened { party, .. }
            | Self::SessionClosingSoon { party, .. }
            | Self::SessionClosed { party, .. }
            | Self::MediaFailed { party, .. } => Some(party),
            _ => None,
        }
    }

    /// The sender that it is about, where it is about one.
    #[must_use]
    pub fn sender(&self) -> Option<SenderId> {
        match self {
            Self::SenderState { sender, .. } | Self::SenderUpdated { sender, .. } => Some(*sender),
            _ => self.party().map(|party| party.sender),
        }
    }

    /// The channel that it is about, where it is about one.
    #[must_use]
    pub fn channel(&self) -> Option<Channel> {
        match self {
            Self::SenderState { address, .. } | Self::SenderUpdated { address, .. } => Some(address.channel()),
            _ => self.party().map(|party| party.channel),
        }
    }

    /// Events with the same key are told in order; events of different keys may overtake each other after a failed delivery. A key
    /// names the customer whose address it is, which no merge changes: so it holds for what is outstanding across one.
    #[must_use]
    pub fn order_key(&self) -> Option<(SenderId, CustomerId)> {
        self.party().map(|party| (party.sender, party.member.unwrap_or(party.customer)))
    }
}
