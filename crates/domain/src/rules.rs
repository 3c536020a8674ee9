//! The rule table: which content may go when, as data. The verdict, the reference page and the console read this one source.
//!
//! The first twelve rows and their cells are Twilio's "session definitions" table; the button rules complete its "may be required"
//! cells from the pages of call-to-action and card. The rows after it are types that this table does not have: `whatsapp/flows`
//! from Twilio's page of it, and those that are kept and never sent from here.

use crate::content::{Action, ActionKind, ContentType};

/// What a cell of the table says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cell {
    /// Goes as it is.
    Allowed,
    /// Depends on the buttons: see [`BUTTON_RULES`].
    ByButtons,
    /// Goes only as an approved template.
    Approval,
    /// Never goes.
    Unsupported,
}

impl Cell {
    /// The word in the reference page and in `transom tour`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::ByButtons => "depends",
            Self::Approval => "approval",
            Self::Unsupported => "unsupported",
        }
    }
}

/// One row: a content type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Content type.
    pub kind: ContentType,
    /// WhatsApp, inside a session (user-initiated).
    pub in_session: Cell,
    /// WhatsApp, outside a session (business-initiated).
    pub out_of_session: Cell,
    /// Messenger, inside a session; outside one nothing goes there.
    pub messenger: Cell,
}

const fn rule(kind: ContentType, in_session: Cell, out_of_session: Cell, messenger: Cell) -> Rule {
    Rule { kind, in_session, out_of_session, messenger }
}

/// How many of the first rows of [`RULES`] are the published table of sessions.
pub const PUBLISHED: usize = 12;

/// The table.
pub const RULES: [Rule; 15] = {
    use Cell::{Allowed, Approval, ByButtons, Unsupported};
    [
        rule(ContentType::Text, Allowed, Approval, Allowed),
        rule(ContentType::Media, Allowed, Approval, Allowed),
        rule(ContentType::Location, Allowed, Unsupported, Unsupported),
        rule(ContentType::QuickReply, Allowed, Approval, Allowed),
        rule(ContentType::CallToAction, ByButtons, Approval, Allowed),
        rule(ContentType::ListPicker, Allowed, Unsupported, Unsupported),
        rule(ContentType::Card, ByButtons, Approval, Allowed),
        rule(ContentType::Carousel, Approval, Approval, Unsupported),
        rule(ContentType::Catalog, Allowed, Approval, Unsupported),
        rule(ContentType::Flows, Approval, Approval, Unsupported),
        rule(ContentType::WhatsappCard, ByButtons, Approval, Unsupported),
        rule(ContentType::Authentication, Approval, Approval, Unsupported),
        rule(ContentType::WhatsappFlows, Allowed, Approval, Unsupported),
        rule(ContentType::Pay, Unsupported, Unsupported, Unsupported),
        rule(ContentType::Schedule, Unsupported, Unsupported, Unsupported),
    ]
};

/// Why a type never goes on WhatsApp, not even inside a session, and what to send instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Never {
    /// Content type.
    pub kind: ContentType,
    /// What goes on after "It ".
    pub why: &'static str,
    /// A sentence.
    pub instead: &'static str,
}

/// The types that no channel carries from here.
pub const NEVER: [Never; 2] = [
    Never {
        kind: ContentType::Pay,
        why: "asks for a payment by Pix through a payment provider that Twilio is connected with, and Transom with none",
        instead: "Send a link to your own checkout as a URL button of a twilio/call-to-action.",
    },
    Never {
        kind: ContentType::Schedule,
        why: "has no form on WhatsApp or Messenger",
        instead: "Send the times as the rows of a twilio/list-picker.",
    },
];

/// The row of a content type.
#[must_use]
pub fn rule_of(kind: ContentType) -> Rule {
    // Every type has its row: a test holds the table to `ContentType::ALL`.
    RULES.into_iter().find(|r| r.kind == kind).unwrap_or(rule(kind, Cell::Approval, Cell::Approval, Cell::Unsupported))
}

/// The buttons of a call-to-action or a card, as the button rules see them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ButtonCase {
    /// No button.
    None,
    /// One to three quick replies.
    FewQuickReplies,
    /// More than three quick replies.
    ManyQuickReplies,
    /// One URL.
    OneUrl,
    /// Two URLs.
    TwoUrls,
    /// One call button, or a request to call.
    VoiceCall,
    /// A phone number, and nothing else.
    PhoneNumber,
    /// A code to copy, and nothing else.
    CopyCode,
    /// Buttons of different kinds.
    Mixed,
    /// A kind about which nothing is published.
    Other,
}

/// What a button case means inside a session, for content that is not approved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ButtonRule {
    /// The buttons.
    pub case: ButtonCase,
    /// Goes only as an approved template.
    pub needs_approval: bool,
    /// The rule, as a sentence.
    pub why: &'static str,
}

const fn button(case: ButtonCase, needs_approval: bool, why: &'static str) -> ButtonRule {
    ButtonRule { case, needs_approval, why }
}

/// The button rules.
pub const BUTTON_RULES: [ButtonRule; 10] = [
    button(ButtonCase::None, false, "Without buttons it goes as text or media."),
    button(ButtonCase::FewQuickReplies, false, "One to three quick replies go as reply buttons."),
    button(ButtonCase::ManyQuickReplies, true, "A session message has at most three reply buttons."),
    button(ButtonCase::OneUrl, false, "One URL button goes as a link button."),
    button(ButtonCase::TwoUrls, true, "A session message has at most one URL button."),
    button(ButtonCase::VoiceCall, false, "One call button goes as a call message."),
    button(ButtonCase::PhoneNumber, true, "Phone number buttons exist only in approved templates."),
    button(ButtonCase::CopyCode, true, "Copy-code buttons exist only in approved templates."),
    button(ButtonCase::Mixed, true, "The buttons of a session message are all of one kind."),
    button(ButtonCase::Other, true, "Nothing allows this kind of button in a session message."),
];

impl ButtonCase {
    /// For people.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::FewQuickReplies => "few quick replies",
            Self::ManyQuickReplies => "many quick replies",
            Self::OneUrl => "one url",
            Self::TwoUrls => "two urls",
            Self::VoiceCall => "voice call",
            Self::PhoneNumber => "phone number",
            Self::CopyCode => "copy code",
            Self::Mixed => "mixed",
            Self::Other => "other",
        }
    }

    /// The case of these buttons.
    #[must_use]
    pub fn of(actions: &[Action]) -> Self {
        let Some(first) = actions.first() else { return Self::None };
        if actions.iter().any(|a| a.kind != first.kind) {
            return Self::Mixed;
        }
        match (first.kind, actions.len()) {
            (ActionKind::QuickReply, 1..=3) => Self::FewQuickReplies,
            (ActionKind::QuickReply, _) => Self::ManyQuickReplies,
            (ActionKind::Url, 1) => Self::OneUrl,
            (ActionKind::Url, _) => Self::TwoUrls,
            (ActionKind::VoiceCall | ActionKind::VoiceCallRequest, 1) => Self::VoiceCall,
            (ActionKind::PhoneNumber, _) => Self::PhoneNumber,
            (ActionKind::CopyCode, _) => Self::CopyCode,
            _ => Self::Other,
        }
    }

    /// The rule of this case.
    #[must_use]
    pub fn rule(self) -> ButtonRule {
        BUTTON_RULES.into_iter().find(|r| r.case == self).unwrap_or(button(self, true, "Nothing allows these buttons."))
    }
}
