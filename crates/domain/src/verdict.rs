//! The verdict: may this content go from this sender to this customer now, and how?
//!
//! One pure function, asked before a send, kept with the message, asked again at the moment of dispatch. The rules it reads
//! are data in [`crate::rules`].

use serde::{Deserialize, Serialize};

use crate::address::Channel;
use crate::content::ContentType;
use crate::free_form::FreeForm;
use crate::message::{Class, TemplateName, WhenClosed};
use crate::messenger::{self, Human};
use crate::rules::{ButtonCase, Cell, NEVER, rule_of};
use crate::session::{Closed, Session};
use crate::template::{Approval, Category, Template};
use crate::time::Timestamp;

/// The kinds of answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Goes as a session message.
    Session,
    /// Goes as an approved template.
    Template,
    /// Would go, once a template with this content is approved.
    NeedsApproval,
    /// Can never go this way.
    Unsupported,
    /// Must not go.
    Blocked,
    /// Reserved: goes without a template, for accounts that Meta lets do so.
    DirectSend,
}

impl Kind {
    /// Whether the message goes.
    #[must_use]
    pub const fn goes(self) -> bool {
        matches!(self, Self::Session | Self::Template | Self::DirectSend)
    }

    /// The word on our wires.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Template => "template",
            Self::NeedsApproval => "needs_approval",
            Self::Unsupported => "unsupported",
            Self::Blocked => "blocked",
            Self::DirectSend => "direct_send",
        }
    }
}

/// Why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// A session is open and this content may go in it.
    SessionOpen,
    /// A named human answers, for whom Messenger keeps the door open longer.
    HumanAgent,
    /// An approved template has this content.
    TemplateApproved,
    /// No session is open, so only an approved template may go.
    SessionClosed,
    /// This content type always needs approval.
    TypeNeedsApproval,
    /// These buttons need approval.
    ButtonsNeedApproval,
    /// Larger than a session message may be.
    OverSessionLimits,
    /// This content type can never start a conversation.
    TypeCannotStart,
    /// The channel cannot carry this content type.
    ChannelCannotCarry,
    /// It can only go inside a session, and none is open.
    SessionRequired,
    /// The customer wants no such messages.
    OptedOut,
    /// The sender was stopped by an operator's error.
    SenderStopped,
    /// The template is not approved (any more).
    TemplateNotApproved,
    /// The template is paused by Meta.
    TemplatePaused,
    /// Meta has disabled the template for good.
    TemplateDisabled,
    /// One-time codes cannot go to a customer whose phone number is not known.
    PhoneRequired,
}

/// Whose rule it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The rule table of content types and sessions.
    RuleTable,
    /// Meta's own limits.
    Meta,
    /// What customer or operator decided.
    Consent,
    /// The state of sender or template.
    State,
}

/// How it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SentAs {
    /// As a session message.
    Session,
    /// As a template message.
    Template,
}

/// Something the caller could do instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alternative {
    /// A word for programs.
    pub action: AlternativeAction,
    /// A sentence for people.
    pub explanation: String,
}

/// What to do instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlternativeAction {
    /// Submit this content for approval.
    SubmitForApproval,
    /// Wait until the customer writes.
    WaitForCustomer,
    /// Send an approved template.
    SendTemplate,
    /// Send another content type.
    SendOtherType,
    /// Mend what the operator must mend.
    MendSender,
    /// Name the human who answers in person (Messenger).
    NameHuman,
}

/// A content type that was looked at and not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PassedOver {
    /// The content type.
    pub content_type: String,
    /// Why it does not go.
    pub reason: Reason,
    /// Why, as one sentence.
    pub explanation: String,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// What.
    pub kind: Kind,
    /// Why.
    pub reason: Reason,
    /// Why, as one sentence.
    pub explanation: String,
    /// Whose rule it is.
    pub source: Source,
    /// First moment at which the answer may be another; none when only an event can change it.
    pub valid_until: Option<Timestamp>,
    /// How it goes, if it goes.
    pub sent_as: Option<SentAs>,
    /// The content type that is meant.
    pub content_type: Option<String>,
    /// The template it goes as.
    pub template: Option<TemplateName>,
    /// Category of that template.
    pub category: Option<Category>,
    /// The version of the template that was in force when this was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template_version: Option<u32>,
    /// The template that was meant, where this one stepped in for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<Box<TemplateName>>,
    /// What could be sent instead.
    pub alternatives: Vec<Alternative>,
    /// Of content with several types: those that do not go, richest first. Where one goes these are richer than it; where none
    /// does, the verdict is about the richest that the channel can carry, and these are the others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed_over: Vec<PassedOver>,
}

/// One content type of the content that is asked about.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// Content type.
    pub kind: ContentType,
    /// Its buttons.
    pub buttons: ButtonCase,
    /// What makes it too large for a session message, if anything does.
    pub over_session_limits: Option<&'a str>,
    /// The templates in the same language whose canonical content is equal, whatever their status.
    pub templates: &'a [&'a Template],
}

/// What is asked about.
#[derive(Debug, Clone, Copy)]
pub enum Subject<'a> {
    /// Content: its types, richest first.
    Content {
        /// At least one.
        candidates: &'a [Candidate<'a>],
        /// The caller's wish for a closed session.
        when_closed: WhenClosed,
    },
    /// A free-form message.
    FreeForm(&'a FreeForm),
    /// A template that the caller named.
    Template(&'a Template),
}

/// What is known of the customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CustomerFacts {
    /// Wants no marketing.
    pub no_marketing: bool,
    /// Wants nothing at all.
    pub nothing: bool,
    /// No phone number is known.
    pub no_phone: bool,
}

/// A question.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Channel.
    pub channel: Channel,
    /// What is to go.
    pub subject: Subject<'a>,
    /// The session between sender and customer.
    pub session: Session,
    /// The customer.
    pub customer: CustomerFacts,
    /// Why the sender is stopped, if it is.
    pub stopped: Option<&'a str>,
    /// Who answers in person, and until when a human may (Messenger).
    pub human: Human<'a>,
}

/// Answers the question. Preference: session message wherever it is allowed, else approved template, else the reason why not;
/// among several content types the richest that goes.
#[must_use]
pub fn verdict(question: &Question<'_>) -> Verdict {
    if question.customer.nothing {
        return answer(Kind::Blocked, Reason::OptedOut, Source::Consent, "The customer opted out of all messages.").instead(
            AlternativeAction::WaitForCustomer,
            "It may go once the customer opts in again: with a start word, or in a way of yours that you record with POST consent.",
        );
    }
    if let Some(why) = question.stopped {
        let said = format!("The sender is stopped: {why}");
        return answer(Kind::Blocked, Reason::SenderStopped, Source::State, said)
            .instead(AlternativeAction::MendSender, "Run `transom doctor`: it says what to mend; queued messages then go on.");
    }
    match question.subject {
        Subject::Template(template) => of_template(question, template, None),
        Subject::FreeForm(say) => of_free_form(question, say),
        Subject::Content { candidates, when_closed } => {
            let answers = candidates.iter().map(|candidate| of_candidate(question, candidate, when_closed));
            let mut stay = Vec::new();
            for answer in answers {
                if answer.kind.goes() {
                    return answer.past(stay);
                }
                stay.push(answer);
            }
            if stay.is_empty() {
                return answer(Kind::Unsupported, Reason::ChannelCannotCarry, Source::RuleTable, "There is no content.");
            }
            // What the channel can never carry stands behind what may go another time.
            let meant = stay.iter().position(|verdict| verdict.reason != Reason::ChannelCannotCarry).unwrap_or(0);
            let first = stay.remove(meant);
            first.past(stay)
        }
    }
}

fn of_candidate(question: &Question<'_>, candidate: &Candidate<'_>, when_closed: WhenClosed) -> Verdict {
    let kind = candidate.kind;
    let rule = rule_of(kind);
    let verdict = match (question.channel, question.session) {
        (Channel::Messenger, session) => match (on_messenger(question, session), candidate.over_session_limits) {
            (verdict, _) if !verdict.kind.goes() => verdict,
            _ if rule.messenger == Cell::Unsupported => cannot_carry(kind),
            (_, Some(why)) => over_limits(why),
            (verdict, None) => verdict,
        },
        (Channel::Whatsapp, _) if rule.in_session == Cell::Unsupported => never(kind),
        (Channel::Whatsapp, Session::Open { until }) => {
            let needs = match rule.in_session {
                Cell::Allowed => None,
                Cell::ByButtons => {
                    let buttons = candidate.buttons.rule();
                    buttons.needs_approval.then(|| (Reason::ButtonsNeedApproval, Source::RuleTable, buttons.why.to_owned()))
                }
                // What no template could carry either was answered above.
                Cell::Approval | Cell::Unsupported => Some((
                    Reason::TypeNeedsApproval,
                    Source::RuleTable,
                    format!("{kind} needs an approved template even inside a session."),
                )),
            };
            let needs = needs.or_else(|| {
                let why = candidate.over_session_limits?;
                Some((Reason::OverSessionLimits, Source::Meta, format!("It is larger than a session message may be: {why}.")))
            });
            match needs {
                None => in_session(until),
                Some(why) => by_template(question, candidate, why).until(Some(until)),
            }
        }
        (Channel::Whatsapp, Session::Closed(closed)) => match rule.out_of_session {
            Cell::Unsupported => answer(
                Kind::Unsupported,
                Reason::TypeCannotStart,
                Source::RuleTable,
                format!("{kind} can go only inside a session; {}.", in_words(closed)),
            )
            .instead(AlternativeAction::WaitForCustomer, "It may go once the customer has written.")
            .instead(
                AlternativeAction::SendTemplate,
                "Start the conversation with an approved template, such as one of twilio/text.",
            ),
            _ if when_closed == WhenClosed::Refuse => session_required_or_template(closed, "The caller allows no template"),
            _ => by_template(
                question,
                candidate,
                (
                    Reason::SessionClosed,
                    Source::RuleTable,
                    format!("Outside a session only an approved template may go; {}.", in_words(closed)),
                ),
            ),
        },
    };
    Verdict { content_type: Some(kind.as_str().to_owned()), ..verdict }
}

/// Goes as the best of the templates that have this content; else says what is missing.
fn by_template(question: &Question<'_>, candidate: &Candidate<'_>, why: (Reason, Source, String)) -> Verdict {
    let sendable = candidate.templates.iter().find(|t| t.sendable());
    let stopped = |approval| candidate.templates.iter().find(move |t| t.approval == approval);
    if let Some(template) = sendable.or_else(|| stopped(Approval::Paused)).or_else(|| stopped(Approval::Disabled)) {
        return of_template(question, template, Some(&why));
    }
    let (reason, source, explanation) = why;
    let waiting = candidate.templates.iter().find(|t| matches!(t.approval, Approval::Pending | Approval::InAppeal));
    let verdict = answer(Kind::NeedsApproval, reason, source, explanation);
    let verdict = match waiting {
        Some(template) => verdict.instead(
            AlternativeAction::SubmitForApproval,
            format!("Template {} ({}) has this content and waits for Meta's review.", template.name, template.language),
        ),
        None => verdict.instead(
            AlternativeAction::SubmitForApproval,
            "Submit this content to Meta as a template; review usually takes minutes.",
        ),
    };
    if reason == Reason::SessionClosed {
        verdict.instead(AlternativeAction::WaitForCustomer, "It may go as it is once the customer has written.")
    } else {
        verdict.instead(
            AlternativeAction::SendOtherType,
            "Inside a session a plainer type, such as twilio/text, goes without approval.",
        )
    }
}

fn of_template(question: &Question<'_>, template: &Template, because: Option<&(Reason, Source, String)>) -> Verdict {
    let name = TemplateName { name: template.name.clone(), language: template.language.clone() };
    let known_as = format!("{} ({})", template.name, template.language);
    let verdict = match template.approval {
        _ if question.channel == Channel::Messenger => answer(
            Kind::Unsupported,
            Reason::ChannelCannotCarry,
            Source::RuleTable,
            "WhatsApp templates do not exist on Messenger.",
        ),
        _ if template.sendable() && template.category == Category::Marketing && question.customer.no_marketing => {
            answer(Kind::Blocked, Reason::OptedOut, Source::Consent, "The customer opted out of marketing messages.").instead(
                AlternativeAction::WaitForCustomer,
                "It may go once the customer wants marketing again; utility templates and answers in a session may go now.",
            )
        }
        _ if template.sendable() && template.category == Category::Authentication && question.customer.no_phone => answer(
            Kind::Unsupported,
            Reason::PhoneRequired,
            Source::Meta,
            "One-time codes cannot go to a business-scoped user id, and no phone number of the customer is known.",
        ),
        _ if template.sendable() => {
            let told = because.map_or_else(String::new, |(_, _, why)| format!(" {why}"));
            let mut verdict = answer(
                Kind::Template,
                Reason::TemplateApproved,
                Source::State,
                format!("Goes as the approved template {known_as}.{told}"),
            );
            verdict.sent_as = Some(SentAs::Template);
            verdict
        }
        Approval::Paused => {
            let (back, until) = match template.life.paused_until {
                Some(until) => (format!("it may come back at {until}"), Some(until)),
                None => ("it comes back when it is unpaused in WhatsApp Manager".to_owned(), None),
            };
            answer(
                Kind::Blocked,
                Reason::TemplatePaused,
                Source::State,
                format!("Meta has paused the template {known_as} because of its quality; {back}."),
            )
            .until(until)
            .instead(
                AlternativeAction::SendTemplate,
                "Use another template, or name a twin that steps in while this one is paused.",
            )
        }
        Approval::Disabled => answer(
            Kind::Blocked,
            Reason::TemplateDisabled,
            Source::State,
            format!("Meta has disabled the template {known_as} because of its quality: it comes back only after an appeal."),
        )
        .instead(AlternativeAction::SendTemplate, "Use another template, or name a twin that steps in for this one."),
        other => answer(
            Kind::NeedsApproval,
            Reason::TemplateNotApproved,
            Source::State,
            format!("The template {known_as} is not approved: its status is {}.", other.as_str()),
        )
        .instead(AlternativeAction::SendTemplate, "Use a template that is approved."),
    };
    let version = Some(template.life.version);
    Verdict { template: Some(name), category: Some(template.category), template_version: version, ..verdict }
}

fn of_free_form(question: &Question<'_>, say: &FreeForm) -> Verdict {
    let kind = say.content_type();
    let verdict = match (question.channel, question.session) {
        (Channel::Messenger, session) => match (on_messenger(question, session), messenger::of_free_form(say)) {
            (verdict, Err(why)) if verdict.kind.goes() => answer(
                Kind::Unsupported,
                Reason::ChannelCannotCarry,
                Source::RuleTable,
                format!("Messenger cannot carry this kind of message ({}): it {why}.", say.word()),
            )
            .instead(AlternativeAction::SendOtherType, PLAINER),
            (verdict, _) => verdict,
        },
        (Channel::Whatsapp, Session::Closed(closed)) => {
            session_required_or_template(closed, "A session message goes only inside a session")
        }
        (Channel::Whatsapp, Session::Open { until }) => in_session(until),
    };
    Verdict { content_type: kind.map(|k| k.as_str().to_owned()), ..verdict }
}

/// Whether anything at all may go to this customer on Messenger now.
fn on_messenger(question: &Question<'_>, session: Session) -> Verdict {
    let closed = match session {
        Session::Open { until } => return in_session(until),
        Session::Closed(closed) => closed,
    };
    match question.human {
        Human { name: Some(name), until: Some(until) } => {
            let said = format!("No session is open, and {name} answers in person: Messenger lets a human answer for seven days.");
            let mut verdict = answer(Kind::Session, Reason::HumanAgent, Source::Meta, said);
            verdict.sent_as = Some(SentAs::Session);
            verdict.until(Some(until))
        }
        Human { name: Some(_), until: None } => session_required(
            closed,
            "Messenger carries a human's answer for seven days after the customer's last message, anything else only inside a session",
        ),
        Human { name: None, until } => {
            let verdict = session_required(closed, "Messenger carries content only inside a session");
            match until {
                Some(until) => verdict
                    .instead(
                        AlternativeAction::NameHuman,
                        "A person of the business may still answer: name them in `humanAgent`.",
                    )
                    .until(Some(until)),
                None => verdict,
            }
        }
    }
}

fn in_session(until: Timestamp) -> Verdict {
    let mut verdict =
        answer(Kind::Session, Reason::SessionOpen, Source::RuleTable, "A session is open, so it goes as a session message.");
    verdict.sent_as = Some(SentAs::Session);
    verdict.until(Some(until))
}

/// What Messenger carries inside a session.
const PLAINER: &str = "Use twilio/text, twilio/media, twilio/quick-reply, twilio/call-to-action or twilio/card.";

fn cannot_carry(kind: ContentType) -> Verdict {
    answer(Kind::Unsupported, Reason::ChannelCannotCarry, Source::RuleTable, format!("Messenger cannot carry {kind}."))
        .instead(AlternativeAction::SendOtherType, PLAINER)
}

/// What WhatsApp never carries from here.
fn never(kind: ContentType) -> Verdict {
    let rule = NEVER.into_iter().find(|never| never.kind == kind);
    let (why, instead) = rule.map_or(("cannot be sent from here", PLAINER), |never| (never.why, never.instead));
    answer(Kind::Unsupported, Reason::ChannelCannotCarry, Source::RuleTable, format!("WhatsApp cannot carry {kind}: it {why}."))
        .instead(AlternativeAction::SendOtherType, instead)
}

/// On Messenger there is no template that could carry more.
fn over_limits(why: &str) -> Verdict {
    answer(Kind::Unsupported, Reason::OverSessionLimits, Source::Meta, format!("Messenger cannot carry it as it is: {why}."))
        .instead(AlternativeAction::SendOtherType, "Make it smaller, or use another content type, such as twilio/text.")
}

fn session_required(closed: Closed, whose: &str) -> Verdict {
    answer(
        Kind::Unsupported,
        Reason::SessionRequired,
        Source::RuleTable,
        format!("{whose}, and none is open: {}.", in_words(closed)),
    )
    .instead(AlternativeAction::WaitForCustomer, "It may go once the customer has written.")
}

/// The same on WhatsApp, where there are templates.
fn session_required_or_template(closed: Closed, whose: &str) -> Verdict {
    let verdict = session_required(closed, whose);
    if closed == Closed::NeverHeard {
        return verdict;
    }
    verdict.instead(AlternativeAction::SendTemplate, "An approved template may go now.")
}

fn in_words(closed: Closed) -> &'static str {
    match closed {
        Closed::NeverHeard => "the customer has never written to this sender",
        Closed::Over { .. } => "more than 24 hours have gone by since the customer's last message",
        Closed::Refused { .. } => "Meta refused an earlier message because no session was open",
    }
}

fn answer(kind: Kind, reason: Reason, source: Source, explanation: impl Into<String>) -> Verdict {
    Verdict {
        kind,
        reason,
        explanation: explanation.into(),
        source,
        valid_until: None,
        sent_as: None,
        content_type: None,
        template: None,
        category: None,
        template_version: None,
        instead_of: None,
        alternatives: Vec::new(),
        passed_over: Vec::new(),
    }
}

impl Verdict {
    /// Whether another template may step in: the one that was meant cannot be sent because of its own state.
    #[must_use]
    pub const fn can_be_stood_in_for(&self) -> bool {
        matches!(self.reason, Reason::TemplatePaused | Reason::TemplateDisabled | Reason::TemplateNotApproved)
    }

    /// Whether what stands in the way may be gone when the message's turn comes: a session that opens, a template that is approved,
    /// a sender that goes on. What the customer decided, and what the channel can never carry, is not waited for.
    #[must_use]
    pub const fn may_change(&self) -> bool {
        match self.reason {
            Reason::SessionOpen | Reason::HumanAgent | Reason::TemplateApproved => false,
            Reason::OptedOut | Reason::ChannelCannotCarry | Reason::PhoneRequired => false,
            Reason::SessionClosed
            | Reason::TypeNeedsApproval
            | Reason::ButtonsNeedApproval
            | Reason::OverSessionLimits
            | Reason::TypeCannotStart
            | Reason::SessionRequired
            | Reason::SenderStopped
            | Reason::TemplateNotApproved
            | Reason::TemplatePaused
            | Reason::TemplateDisabled => true,
        }
    }

    /// This verdict, on a template that steps in for the one that was meant, of which the other verdict tells why it cannot go.
    #[must_use]
    pub fn stepping_in_for(self, meant: &Self) -> Self {
        let known_as =
            |verdict: &Self| verdict.template.as_ref().map(|t| format!("{} ({})", t.name, t.language)).unwrap_or_default();
        let explanation = format!("Goes as {}, which steps in for {}: {}", known_as(&self), known_as(meant), meant.explanation);
        Self { explanation, instead_of: meant.template.clone().map(Box::new), content_type: meant.content_type.clone(), ..self }
    }

    fn instead(mut self, action: AlternativeAction, explanation: impl Into<String>) -> Self {
        self.alternatives.push(Alternative { action, explanation: explanation.into() });
        self
    }

    /// Keeps why other types of the same content do not go.
    fn past(mut self, others: impl IntoIterator<Item = Self>) -> Self {
        self.passed_over = others
            .into_iter()
            .map(|other| PassedOver {
                content_type: other.content_type.unwrap_or_default(),
                reason: other.reason,
                explanation: other.explanation,
            })
            .collect();
        self
    }

    fn until(mut self, moment: Option<Timestamp>) -> Self {
        self.valid_until = moment;
        self
    }

    /// The class of the lane in which a message with this verdict waits.
    #[must_use]
    pub const fn class(&self) -> Class {
        Class::of(self.category)
    }
}

#[cfg(test)]
mod tests;
