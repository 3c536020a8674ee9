//! Messages: what a business hands in, how it is kept, and the attempts made for it.

use serde::{Deserialize, Serialize};

use crate::address::{Channel, Identity};
use crate::amendment::Amended;
use crate::content::{Content, ContentType, Language, Variables};
use crate::fact::Inbound;
use crate::free_form::FreeForm;
use crate::id::{BusinessId, ContentId, CustomerId, MessageId, SenderId, ServiceId};
use crate::status::{Failure, Phase, Progress, Status};
use crate::template::{Category, TemplateSend};
use crate::time::{Span, Timestamp};
use crate::trace::TraceParent;
use crate::verdict::Verdict;

/// What is to be said, before anybody decided how it goes. Kept whole, since the verdict is taken again at dispatch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "draft")]
pub enum Draft {
    /// Content with the values of this send.
    Content {
        /// The id under which the business keeps it, where it was sent by id.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<ContentId>,
        /// The content, as it was when the message was accepted.
        content: Content,
        /// Values for its variables.
        #[serde(default, skip_serializing_if = "Variables::is_empty")]
        variables: Variables,
        /// Go as this template, and no other.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        template: Option<TemplateName>,
        /// What to do when no session is open.
        #[serde(default)]
        when_closed: WhenClosed,
        /// Who answers in person (Messenger).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        human: Option<HumanAgent>,
    },
    /// A free-form message, which only a session can carry.
    FreeForm {
        /// The message.
        say: FreeForm,
        /// Who answers in person (Messenger).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        human: Option<HumanAgent>,
    },
    /// A template with its values.
    Template {
        /// The template and its values.
        send: TemplateSend,
    },
}

impl Draft {
    /// The content it was sent from, where the business keeps that.
    #[must_use]
    pub const fn content_id(&self) -> Option<ContentId> {
        match self {
            Self::Content { id, .. } => *id,
            Self::FreeForm { .. } | Self::Template { .. } => None,
        }
    }

    /// Who answers in person.
    #[must_use]
    pub const fn human(&self) -> Option<&HumanAgent> {
        match self {
            Self::Content { human, .. } | Self::FreeForm { human, .. } => human.as_ref(),
            Self::Template { .. } => None,
        }
    }

    /// Whether it carries a one-time code.
    #[must_use]
    pub fn has_codes(&self) -> bool {
        match self {
            Self::FreeForm { .. } => false,
            Self::Content { content, .. } => content.types.contains_key(&ContentType::Authentication),
            Self::Template { send } => send.has_code(),
        }
    }

    /// Every text that is, or may be, a one-time code: in content of that type all values and samples, in a template with a
    /// button for a code that code and the values of the text, which repeat it.
    pub fn codes_mut(&mut self) -> Vec<&mut String> {
        if !self.has_codes() {
            return Vec::new();
        }
        match self {
            Self::FreeForm { .. } => Vec::new(),
            Self::Content { content, variables, .. } => variables.values_mut().chain(content.variables.values_mut()).collect(),
            Self::Template { send } => send.codes_mut(),
        }
    }
}

/// A person of the business who wrote the answer: Messenger lets one answer for seven days, and nobody and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HumanAgent {
    /// 1 to 100 characters, for the timeline; the customer does not see it.
    pub name: String,
}

impl HumanAgent {
    /// Longest name, in characters.
    pub const NAME_MAX: usize = 100;
}

/// A template as callers name it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TemplateName {
    /// Name.
    pub name: String,
    /// Language.
    pub language: Language,
}

/// What to do with content when no session is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WhenClosed {
    /// Go as the matching approved template.
    #[default]
    Template,
    /// Do not go.
    Refuse,
}

/// What to do when the answer to a send was lost and the wait is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WhenUnknown {
    /// Send again if silence is evidence, else fail as unknown.
    #[default]
    Auto,
    /// Fail as unknown.
    Fail,
    /// Send again.
    Resend,
}

impl WhenUnknown {
    /// The word on our wires.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Fail => "fail",
            Self::Resend => "resend",
        }
    }
}

/// What to do with a message that the verdict does not let go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WhenRefused {
    /// Refuse it at once: nothing is stored.
    #[default]
    Refuse,
    /// Accept it: the verdict is taken again when its turn comes, and if it still says no, it fails with that.
    Accept,
}

/// What only some callers say of a message, and what those who are told of it need to know again: kept beside it as it was given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Origin {
    /// Where this message's statuses are told, besides every endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_callback: Option<String>,
    /// The messaging service it was sent through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceId>,
    /// It answers a webhook: what was said in the answer to the call that told of a message.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub reply: bool,
    /// It carries more than a text: under which letters one dialect names it, for good.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub media: bool,
    /// The trace that the request which brought it is part of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceParent>,
}

impl Origin {
    /// Longest address of a status callback, in bytes.
    pub const STATUS_CALLBACK_MAX: usize = 2_048;

    /// Itself, if it says anything.
    #[must_use]
    pub fn said(self) -> Option<Self> {
        (self != Self::default()).then_some(self)
    }
}

/// Which messages overtake which: a claim takes the lower class first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Replies in a session, and one-time codes.
    Reply,
    /// Utility templates.
    Utility,
    /// Marketing templates.
    Marketing,
}

impl Class {
    /// Every class, first to last.
    pub const ALL: [Self; 3] = [Self::Reply, Self::Utility, Self::Marketing];

    /// The class of what goes as a template of this category, or as none.
    #[must_use]
    pub const fn of(category: Option<Category>) -> Self {
        match category {
            Some(Category::Marketing) => Self::Marketing,
            Some(Category::Utility) => Self::Utility,
            Some(Category::Authentication) | None => Self::Reply,
        }
    }

    /// The number the store keeps; lower goes first.
    #[must_use]
    pub const fn rank(self) -> u8 {
        match self {
            Self::Reply => 0,
            Self::Utility => 1,
            Self::Marketing => 2,
        }
    }

    /// The class with this number.
    #[must_use]
    pub fn ranked(rank: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.rank() == rank)
    }
}

/// A head that must wait longer than this lets the next message of its lane pass.
pub const LANE_PATIENCE: Span = Span::minutes(1);

/// A message as the store keeps and gives it.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Names it.
    pub id: MessageId,
    /// Whose it is.
    pub business: BusinessId,
    /// Through whom.
    pub sender: SenderId,
    /// With whom.
    pub customer: CustomerId,
    /// On which channel.
    pub channel: Channel,
    /// The customer's address: as the caller gave it, or as the inbound message came.
    pub address: Identity,
    /// Its place among the sender's messages: what orders them.
    pub position: u64,
    /// What is to be sent; none for inbound messages and after redaction.
    pub draft: Option<Draft>,
    /// What was received, or what the business wrote elsewhere; none for other outbound messages and after redaction.
    pub inbound: Option<Inbound>,
    /// What was done to it since, by the upstream's time.
    pub amendments: Vec<Amended>,
    /// The upstream's id of what was received; also after redaction.
    pub received_as: Option<String>,
    /// The verdict, as last taken.
    pub verdict: Option<Verdict>,
    /// Class of its lane.
    pub class: Class,
    /// Where it stands on our side.
    pub phase: Phase,
    /// The one status it shows.
    pub status: Status,
    /// Why it failed, where it has.
    pub failure: Option<Failure>,
    /// The attempts, first to last.
    pub attempts: Vec<Attempt>,
    /// When it was accepted or received by us.
    pub accepted_at: Timestamp,
    /// Fails as expired from here on, if no attempt was made.
    pub expires_at: Option<Timestamp>,
    /// What to do when an answer is lost.
    pub when_unknown: WhenUnknown,
    /// The caller's data, echoed in events; JSON text.
    pub callback_data: Option<String>,
    /// The caller's tag.
    pub campaign: Option<String>,
    /// What only some callers say.
    pub origin: Option<Origin>,
    /// The upstream's id of the message that this one answers.
    pub reply_to: Option<String>,
    /// Our id of that message, where it is one of ours.
    pub answers: Option<MessageId>,
    /// Whether its content was removed.
    pub redacted: bool,
}

/// One call upstream for a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// 1, 2, …
    pub number: u32,
    /// When it was committed, before the first byte left.
    pub started_at: Timestamp,
    /// How far it got.
    pub progress: Progress,
    /// When that was said, by whoever said it.
    pub at: Timestamp,
    /// The upstream's id, once known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<String>,
    /// Why it failed or was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
    /// A word of Meta's on an accepted message, such as `held_for_quality_assessment`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Price, as last received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pricing: Option<serde_json::Value>,
}

impl Attempt {
    /// Whether the upstream took it, whatever became of it then. A word of its failure is said only of what was taken.
    #[must_use]
    pub fn was_taken(&self) -> bool {
        self.progress >= Progress::Answered
    }

    const FIRST_PART: &str = "first part sent: ";

    /// The note of an attempt whose first call was taken under this id.
    #[must_use]
    pub fn first_part_note(provider_id: &str) -> String {
        format!("{}{provider_id}", Self::FIRST_PART)
    }

    /// The upstream's id of the first of its two calls, where that was taken.
    #[must_use]
    pub fn first_part(&self) -> Option<&str> {
        self.note.as_deref()?.strip_prefix(Self::FIRST_PART)
    }

    /// Whether the first of its two calls was taken, whatever became of the second.
    #[must_use]
    pub fn has_sent_first_part(&self) -> bool {
        self.first_part().is_some()
    }
}

/// The `biz_opaque_callback_data` of one attempt: `<message id>.<attempt>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CallbackTag {
    /// The message.
    pub message: MessageId,
    /// Number of the attempt.
    pub attempt: u32,
}

impl CallbackTag {
    /// Reads a tag; none when it is not one of ours.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (message, attempt) = text.split_once('.')?;
        Some(Self { message: message.parse().ok()?, attempt: attempt.parse().ok()? })
    }
}

impl std::fmt::Display for CallbackTag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.message, self.attempt)
    }
}

/// The tag of the first of two calls of one attempt: `<message id>.<attempt>/1`. It settles nothing by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PartTag(pub CallbackTag);

impl PartTag {
    const END: &str = "/1";

    /// Reads a tag; none when it is not one of ours.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text.strip_suffix(Self::END).and_then(CallbackTag::parse).map(Self)
    }
}

impl std::fmt::Display for PartTag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.0, Self::END)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tag_of_a_part_is_no_tag_of_an_attempt() {
        let whole = CallbackTag { message: MessageId(7), attempt: 2 };
        let part = PartTag(whole);
        assert_eq!((CallbackTag::parse(&whole.to_string()), PartTag::parse(&part.to_string())), (Some(whole), Some(part)));
        assert_eq!((CallbackTag::parse(&part.to_string()), PartTag::parse(&whole.to_string())), (None, None));
    }
}
