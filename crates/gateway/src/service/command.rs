//! What the service can be asked: the commands that every dialect parses into.

use transom_domain::address::Identity;
use transom_domain::content::{Content, Language, Variables};
use transom_domain::free_form::FreeForm;
use transom_domain::id::{BusinessId, ContentId, MessageId};
use transom_domain::message::{HumanAgent, Origin, TemplateName, WhenClosed, WhenRefused, WhenUnknown};
use transom_domain::parameters::{Naming, Parameter};
use transom_domain::status::Status;
use transom_domain::time::{Span, Timestamp};
use transom_domain::verdict::Verdict;
use transom_store::{Actor, IdempotencyKey, Scopes};

/// Who asks, and for which business: whoever showed a valid key, is signed in to the console, or sits at the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// The business.
    pub business: BusinessId,
    /// Who.
    pub who: Actor,
    /// What they may do.
    pub scopes: Scopes,
}

/// A send, or the same as a question.
#[derive(Debug, Clone)]
pub struct SendCommand {
    /// To whom.
    pub to: Identity,
    /// Through whom; may be left out when only one can be meant.
    pub from: Option<Identity>,
    /// The caller's own id for it.
    pub id: Option<MessageId>,
    /// Display name of the recipient.
    pub name: Option<String>,
    /// What.
    pub what: What,
    /// Later.
    pub send_at: Option<Timestamp>,
    /// Until when, counted from acceptance (or from `send_at`).
    pub validity: Option<Span>,
    /// When an answer is lost.
    pub when_unknown: WhenUnknown,
    /// JSON text, at most [`CALLBACK_DATA_MAX`] bytes.
    pub callback_data: Option<String>,
    /// When the verdict does not let it go.
    pub when_refused: WhenRefused,
    /// Tag.
    pub campaign: Option<String>,
    /// What only some callers say.
    pub origin: Option<Origin>,
    /// Who answers in person (Messenger only).
    pub human: Option<HumanAgent>,
    /// Our id of the message that is answered.
    pub context: Option<MessageId>,
    /// Idempotency, where the caller gave a key.
    pub idempotency: Option<IdempotencyKey>,
}

/// Most bytes of `callbackData` (published: 1,024).
pub const CALLBACK_DATA_MAX: usize = 1_024;

/// What is to be sent, as callers name it.
#[derive(Debug, Clone)]
pub enum What {
    /// Content with values.
    Content {
        /// The content.
        content: Content,
        /// Values.
        variables: Variables,
        /// Go as this template.
        template: Option<TemplateName>,
        /// When no session is open.
        when_closed: WhenClosed,
    },
    /// Content that the business keeps, with values.
    ContentById {
        /// Its id.
        id: ContentId,
        /// Values.
        variables: Variables,
        /// Go as this template.
        template: Option<TemplateName>,
        /// When no session is open.
        when_closed: WhenClosed,
    },
    /// A template by name, with parameters by their published names.
    Template {
        /// Name.
        name: String,
        /// Language; may be left out when only one translation is approved.
        language: Option<Language>,
        /// Languages to go in instead while the template cannot be sent in that one, the best first.
        fallback: Vec<Language>,
        /// Parameters, in any order.
        parameters: Vec<Parameter>,
        /// How the caller names them.
        naming: Naming,
    },
    /// A free-form message. Where it names a message (a reaction), the name is our id.
    FreeForm(FreeForm),
}

/// What a send gave.
#[derive(Debug, Clone)]
pub enum Sent {
    /// Accepted now.
    Accepted {
        /// Its id.
        id: MessageId,
        /// What it shows.
        status: Status,
        /// The verdict it was accepted with.
        verdict: Verdict,
    },
    /// Accepted before, under the same idempotency key: the answer of then, word for word.
    Replayed {
        /// JSON.
        body: Vec<u8>,
    },
}
