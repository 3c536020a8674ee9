//! Asking for the verdict: gathers what the pure function needs, at acceptance and again at dispatch.

use std::collections::BTreeMap;
use std::sync::Arc;

use transom_domain::address::{Channel, Identity, Phone};
use transom_domain::content::{Body, ContentType, Language, Variables};
use transom_domain::error_code::ErrorCode;
use transom_domain::field::FieldError;
use transom_domain::free_form::FreeForm;
use transom_domain::message::{Draft, WhenClosed};
use transom_domain::messenger::{self, Human};
use transom_domain::parameters;
use transom_domain::rules::ButtonCase;
use transom_domain::session::{Closed, Session};
use transom_domain::status::Failure;
use transom_domain::template::{Approval, Category, Template, TemplateSend};
use transom_domain::time::Timestamp;
use transom_domain::translate;
use transom_domain::verdict::{Candidate, CustomerFacts, Kind, Question, Reason, SentAs, Subject, Verdict, verdict};
use transom_meta::send::Recipient;

use crate::problem::Problem;
use crate::templates::Shelf;

/// What is to leave: the form that the wire prints.
#[derive(Debug, Clone)]
pub enum Leaving {
    /// A session message.
    FreeForm(FreeForm),
    /// A template message.
    Template(TemplateSend),
    /// A message on Messenger.
    Messenger {
        /// The form.
        form: messenger::Form,
        /// A human answers outside the session.
        human: bool,
    },
}

/// A verdict, and the form in which the message goes if it goes.
#[derive(Clone)]
pub struct Judged {
    /// The verdict.
    pub verdict: Verdict,
    /// The form; present exactly when the verdict lets it go.
    pub leaving: Option<Leaving>,
}

/// What is known at the moment of asking.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    /// Channel.
    pub channel: Channel,
    /// Session.
    pub session: Session,
    /// Customer.
    pub customer: CustomerFacts,
    /// Why the sender is stopped, if it is.
    pub stopped: Option<&'a str>,
    /// Until when a human may answer on Messenger.
    pub human_until: Option<Timestamp>,
}

/// What was judged a moment ago, with all that the answer depended on beside the draft.
#[derive(Clone)]
pub struct Prejudged {
    /// The templates.
    pub shelf: Arc<Shelf>,
    /// The session.
    pub session: Session,
    /// The customer.
    pub customer: CustomerFacts,
    /// Until when a human may answer on Messenger.
    pub human_until: Option<Timestamp>,
    /// The answer.
    pub judged: Judged,
}

impl Prejudged {
    /// The answer, if the question is still the same: the verdict is a pure function, so that asking again would say the same.
    #[must_use]
    pub fn still(self, shelf: &Arc<Shelf>, known: Known<'_>) -> Option<Judged> {
        let same = Arc::ptr_eq(&self.shelf, shelf)
            && self.session == known.session
            && self.customer == known.customer
            && self.human_until == known.human_until
            && known.stopped.is_none();
        same.then_some(self.judged)
    }
}

/// Asks for the verdict on a draft.
///
/// # Errors
/// A problem with the draft itself: variables without a value, a template that does not exist.
pub fn judged(draft: &Draft, shelf: &Shelf, known: Known<'_>) -> Result<Judged, Problem> {
    let human = Human { name: draft.human().map(|human| human.name.as_str()), until: known.human_until };
    let ask = |subject: Subject<'_>| {
        verdict(&Question {
            channel: known.channel,
            subject,
            session: known.session,
            customer: known.customer,
            stopped: known.stopped,
            human,
        })
    };
    match draft {
        Draft::FreeForm { say, .. } => {
            let verdict = ask(Subject::FreeForm(say));
            let leaving = match known.channel {
                _ if !verdict.kind.goes() => None,
                Channel::Whatsapp => Some(Leaving::FreeForm(say.clone())),
                Channel::Messenger => messenger::of_free_form(say).ok().map(|form| on_messenger(form, &verdict)),
            };
            Ok(Judged { verdict, leaving })
        }
        Draft::Template { send } => {
            let template = shelf.ever(&send.name, &send.language);
            let template = template.ok_or_else(|| template_missing(&send.name, Some(send.language.as_str())))?;
            if !is_gone(template) {
                // The template may have changed since the values were taken on.
                parameters::check(send, &template.definition).map_err(|misfits| {
                    let named = |misfit: parameters::Misfit| {
                        let name = misfit.place.published(&template.definition);
                        misfit.named(name)
                    };
                    misfit(&misfits.into_iter().map(named).collect::<Vec<_>>())
                })?;
            }
            there(or_stand_in(ask(Subject::Template(template)), template, send, shelf, ask), template)
        }
        Draft::Content { content, variables, template, when_closed, .. } => {
            let rendered = content.rendered(variables).map_err(|found| Problem::fields(&found))?;
            let mut values = content.variables.clone();
            values.extend(variables.iter().map(|(k, v)| (k.clone(), v.clone())));
            match template {
                Some(name) => {
                    let template = shelf.ever(&name.name, &name.language);
                    let template = template.ok_or_else(|| template_missing(&name.name, Some(name.language.as_str())))?;
                    let body = content
                        .types
                        .values()
                        .find(|body| shelf.matching(body, &values, &content.language).iter().any(|t| t.id == template.id));
                    let Some(body) = body else {
                        return Err(Problem::new(
                            ErrorCode::MessageTemplateInputInvalid,
                            format!("The content differs from the template {} ({}).", name.name, name.language),
                        )
                        .remedy(
                            "Leave `content` out and give the template's variables, or send the content that was approved.",
                        ));
                    };
                    let verdict = ask(Subject::Template(template));
                    if !verdict.kind.goes() && !verdict.can_be_stood_in_for() {
                        return Ok(Judged { verdict, leaving: None });
                    }
                    let send = translate::to_send(body, &values, template).map_err(|found| misfit(&found))?;
                    there(or_stand_in(verdict, template, &send, shelf, ask), template)
                }
                None if known.channel == Channel::Messenger => Ok(of_content_on_messenger(&rendered, *when_closed, ask)),
                None => of_content(&content.types, &rendered, &values, &content.language, *when_closed, shelf, ask),
            }
        }
    }
}

fn on_messenger(form: messenger::Form, verdict: &Verdict) -> Leaving {
    Leaving::Messenger { form, human: verdict.reason == Reason::HumanAgent }
}

/// On Messenger there are no templates, and forms and limits of its own.
fn of_content_on_messenger(
    rendered: &BTreeMap<ContentType, Body>,
    when_closed: WhenClosed,
    ask: impl Fn(Subject<'_>) -> Verdict,
) -> Judged {
    let forms: Vec<(ContentType, &Body, Result<messenger::Form, String>)> = rendered
        .iter()
        .rev()
        .map(|(kind, body)| {
            let form = messenger::of_body(body).map_err(|why| format!("Messenger {why}")).and_then(|form| {
                let found = form.check("").err().and_then(|found| found.into_iter().next());
                found.map_or(Ok(form), |first| Err(format!("{} {}", first.field, first.rule)))
            });
            (*kind, body, form)
        })
        .collect();
    let candidates: Vec<Candidate<'_>> = forms
        .iter()
        .map(|(kind, body, form)| Candidate {
            kind: *kind,
            buttons: ButtonCase::of(body.actions()),
            over_session_limits: form.as_ref().err().map(String::as_str),
            templates: &[],
        })
        .collect();
    let verdict = ask(Subject::Content { candidates: &candidates, when_closed });
    let chosen = forms.into_iter().find(|(kind, ..)| verdict.content_type.as_deref() == Some(kind.as_str()));
    let form = chosen.and_then(|(.., form)| form.ok()).filter(|_| verdict.kind.goes());
    let leaving = form.map(|form| on_messenger(form, &verdict));
    Judged { verdict, leaving }
}

/// Whether it cannot be sent any more, whatever happens.
pub(super) fn is_gone(template: &Template) -> bool {
    matches!(template.approval, Approval::Deleted | Approval::PendingDeletion)
}

/// An answer on a template that is deleted is none, unless another one steps in for it.
fn there(judged: Judged, template: &Template) -> Result<Judged, Problem> {
    if template.approval == Approval::Deleted && judged.leaving.is_none() {
        return Err(template_missing(&template.name, Some(template.language.as_str())));
    }
    Ok(judged)
}

fn of_content(
    types: &BTreeMap<ContentType, Body>,
    rendered: &BTreeMap<ContentType, Body>,
    values: &Variables,
    language: &transom_domain::content::Language,
    when_closed: WhenClosed,
    shelf: &Shelf,
    ask: impl Fn(Subject<'_>) -> Verdict,
) -> Result<Judged, Problem> {
    struct Known<'a> {
        kind: ContentType,
        body: &'a Body,
        session_form: Option<FreeForm>,
        over: Option<String>,
        templates: Vec<&'a Arc<Template>>,
    }
    let known: Vec<Known<'_>> = types
        .iter()
        .rev()
        .map(|(kind, body)| {
            let session_form = rendered.get(kind).and_then(translate::to_free_form);
            let over = session_form.as_ref().and_then(|form| form.check("").err()).and_then(|found| {
                let first = found.into_iter().next()?;
                Some(format!("{} {}", first.field, first.rule))
            });
            Known { kind: *kind, body, session_form, over, templates: shelf.matching(body, values, language) }
        })
        .collect();
    let templates: Vec<Vec<&Template>> =
        known.iter().map(|k| k.templates.iter().map(|template| template.as_ref()).collect()).collect();
    let candidates: Vec<Candidate<'_>> = known
        .iter()
        .zip(&templates)
        .map(|(k, templates)| Candidate {
            kind: k.kind,
            buttons: ButtonCase::of(k.body.actions()),
            over_session_limits: k.over.as_deref(),
            templates,
        })
        .collect();
    let verdict = ask(Subject::Content { candidates: &candidates, when_closed });
    let chosen = known.into_iter().find(|k| verdict.content_type.as_deref() == Some(k.kind.as_str()));
    if let (Some(chosen), Some(name), true) = (&chosen, &verdict.template, verdict.can_be_stood_in_for())
        && let Some(template) = chosen.templates.iter().find(|t| t.name == name.name && t.language == name.language)
        && let Ok(send) = translate::to_send(chosen.body, values, template)
    {
        return Ok(or_stand_in(verdict, template, &send, shelf, ask));
    }
    let leaving = match (chosen, verdict.sent_as, verdict.template.as_ref()) {
        (Some(chosen), Some(SentAs::Session), _) => chosen.session_form.map(Leaving::FreeForm),
        (Some(chosen), Some(SentAs::Template), Some(name)) => {
            match chosen.templates.iter().find(|t| t.name == name.name && t.language == name.language) {
                Some(template) => {
                    let send = translate::to_send(chosen.body, values, template).map_err(|found| misfit(&found))?;
                    Some(Leaving::Template(send))
                }
                None => None,
            }
        }
        _ => None,
    };
    Ok(Judged { verdict, leaving })
}

/// Lets another template step in where the one that is meant cannot be sent: its twin, then the same name in another language
/// that the caller allows, and that one's twin. Only one that takes the very same values does.
fn or_stand_in(
    verdict: Verdict,
    template: &Template,
    send: &TemplateSend,
    shelf: &Shelf,
    ask: impl Fn(Subject<'_>) -> Verdict,
) -> Judged {
    if verdict.kind.goes() {
        return Judged { verdict, leaving: Some(Leaving::Template(send.clone())) };
    }
    if verdict.can_be_stood_in_for() {
        let in_language = |language: &Language| shelf.named(&send.name).find(|t| t.language == *language);
        let others = send.fallback.iter().filter_map(in_language);
        let twin = |of: &Template| -> Option<&Arc<Template>> {
            let name = of.life.twin.as_ref()?;
            shelf.named(&name.name).find(|t| t.language == name.language)
        };
        let candidates =
            twin(template).into_iter().chain(others.flat_map(|other| [Some(other), twin(other)].into_iter().flatten()));
        for candidate in candidates.filter(|candidate| parameters::check(send, &candidate.definition).is_ok()) {
            let stands_in = ask(Subject::Template(candidate));
            if stands_in.kind.goes() {
                let leaving = TemplateSend { name: candidate.name.clone(), language: candidate.language.clone(), ..send.clone() };
                let verdict = stands_in.stepping_in_for(&verdict);
                return Judged { verdict, leaving: Some(Leaving::Template(leaving)) };
            }
        }
    }
    Judged { verdict, leaving: None }
}

/// Values that do not fit their template, each under the caller's name for it.
pub(super) fn misfit(found: &[FieldError]) -> Problem {
    let names: Vec<serde_json::Value> =
        found.iter().map(|f| serde_json::json!({ "name": f.field, "rule": f.rule, "remedy": f.remedy })).collect();
    Problem::of_fields(ErrorCode::MessageTemplateInputInvalid, found).detail("parameters", names)
}

/// No approved template has this name (and language).
pub(super) fn template_missing(name: &str, language: Option<&str>) -> Problem {
    let message = match language {
        Some(language) => format!("There is no template {name} in {language}."),
        None => format!("There is no template {name}."),
    };
    Problem::new(ErrorCode::MessageTemplateNotFound, message)
}

/// What an address itself tells of a customer nobody knows yet.
#[must_use]
pub fn facts_of(address: &Identity, known: CustomerFacts) -> CustomerFacts {
    CustomerFacts { no_phone: known.no_phone && address.phone().is_none(), ..known }
}

/// The code under which callers are told of a verdict that does not let a message go. The published codes where one fits.
#[must_use]
pub(crate) fn code_of(verdict: &Verdict, session: Session) -> ErrorCode {
    match verdict.reason {
        Reason::OptedOut => ErrorCode::MessageCustomerOptedOut,
        Reason::PhoneRequired => ErrorCode::RecipientBsuidUnsupported,
        Reason::SessionRequired => match session {
            Session::Closed(Closed::NeverHeard) => ErrorCode::MessageCustomerNoConversationInitiation,
            _ => ErrorCode::MessageOutsideOfEligibilityWindow,
        },
        Reason::SenderStopped | Reason::TemplatePaused | Reason::TemplateDisabled => ErrorCode::MessageBlocked,
        Reason::TemplateNotApproved => ErrorCode::MessageTemplateNotFound,
        Reason::TypeCannotStart | Reason::ChannelCannotCarry => ErrorCode::MessageContentUnsupported,
        // Where no template could carry it either, on Messenger, it is content for another channel.
        Reason::OverSessionLimits if verdict.kind == Kind::Unsupported => ErrorCode::MessageContentUnsupported,
        Reason::SessionClosed | Reason::TypeNeedsApproval | Reason::ButtonsNeedApproval | Reason::OverSessionLimits => {
            ErrorCode::MessageTemplateApprovalRequired
        }
        Reason::SessionOpen | Reason::HumanAgent | Reason::TemplateApproved => ErrorCode::Unspecified,
    }
}

/// The failure of a message that may not go any more at the moment of dispatch.
#[must_use]
pub(crate) fn failure_of(verdict: &Verdict, session: Session) -> Failure {
    Failure { code: code_of(verdict, session), message: verdict.explanation.clone(), upstream: None }
}

/// The same for a message that was accepted on another verdict: where it was to go as a template, it says what became of that one.
#[must_use]
pub fn failure_since(accepted: Option<&Verdict>, shelf: &Shelf, verdict: &Verdict, session: Session) -> Failure {
    let mut failure = failure_of(verdict, session);
    let Some(meant) = accepted.and_then(|accepted| accepted.template.as_ref()) else { return failure };
    let stands = shelf.all().iter().find(|t| t.name == meant.name && t.language == meant.language);
    let fate = match stands.map(|template| template.approval) {
        Some(Approval::Approved) => return failure,
        None | Some(Approval::Deleted | Approval::PendingDeletion) => "has been deleted since".to_owned(),
        Some(other) => format!("is {} now", other.as_str()),
    };
    let (name, language) = (&meant.name, &meant.language);
    failure.message = format!("It was accepted to go as the template {name} ({language}), which {fate}. {}", failure.message);
    failure
}

/// Whether a template send of this category must go to a phone number.
#[must_use]
pub const fn needs_phone(category: Option<Category>) -> bool {
    matches!(category, Some(Category::Authentication))
}

/// How a message on WhatsApp names whom it is for; none for who is not there. A number is named by its number, even where the address
/// is a user id, as far as only that will do.
#[must_use]
pub fn recipient_of<'a>(address: &'a Identity, phone: Option<&'a Phone>, category: Option<Category>) -> Option<Recipient<'a>> {
    Some(match (address, phone) {
        (Identity::Phone(phone), _) => Recipient::To(phone),
        (Identity::Bsuid(_), Some(phone)) if needs_phone(category) => Recipient::To(phone),
        (Identity::Bsuid(bsuid), _) => Recipient::Recipient(bsuid),
        (Identity::Psid(_), _) => return None,
    })
}

/// The upstream's id of a message, where it has one: of the best attempt, or as it was received.
#[must_use]
pub fn provider_id(message: &transom_domain::message::Message) -> Option<String> {
    match &message.received_as {
        Some(provider_id) => Some(provider_id.clone()),
        None => message.attempts.iter().rev().find_map(|a| a.provider_id.clone()),
    }
}
