//! The send: resolve sender and content; ask for the verdict and commit, at once and once.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use sha2::{Digest as _, Sha256};

use transom_domain::address::{Channel, Identity};
use transom_domain::content::Content;
use transom_domain::content::Language;
use transom_domain::error_code::ErrorCode;
use transom_domain::free_form::FreeForm;
use transom_domain::id::{CustomerId, MessageId};
use transom_domain::message::{Class, Draft, WhenRefused};
use transom_domain::messenger;
use transom_domain::parameters;
use transom_domain::status::{Phase, shown};
use transom_domain::template::Template;
use transom_domain::time::{Span, Timestamp};
use transom_domain::trace::TraceParent;
use transom_domain::verdict::{Reason, Verdict};
use transom_store::{Accept, Accepted, Decide, Idempotency, IdempotencyKey, Look, LookUp, Replay, StoredContent};

use super::command::{CALLBACK_DATA_MAX, Caller, SendCommand, Sent, What};
use super::judge::{Known, Prejudged, code_of, facts_of, judged, template_missing};
use super::{Service, judge, one_time_code};
use crate::directory::Speaker;
use crate::native;
use crate::problem::Problem;
use crate::telemetry;
use crate::templates::Shelf;
use crate::traces::{self, Kind, Trace};

/// Content of up to so many bytes, as JSON, is judged by the writer itself.
const LIGHT: usize = 4_096;
/// How far ahead a message may be scheduled.
const SCHEDULE_MAX: Span = Span::days(35);
/// The longest validity: Meta keeps a message for 30 days.
const VALIDITY_MAX: Span = Span::days(30);
/// A reaction may name a message up to this old (Meta: messages/reaction-messages).
const REACTION_MAX_AGE: Span = Span::days(30);

/// What a command names by our ids: messages in the upstream's, content as it is.
#[derive(Default)]
struct Quoted {
    /// The message it answers.
    reply_to: Option<String>,
    /// The message it reacts to.
    reacted: Option<String>,
    /// The content that it is.
    content: Option<Arc<StoredContent>>,
}

/// Why nothing was accepted.
struct Refusal {
    problem: Problem,
    /// Reading Meta's templates anew could change the answer.
    misses: bool,
}

impl Refusal {
    fn of(problem: Problem) -> Self {
        Self { misses: problem.code == ErrorCode::MessageTemplateNotFound, problem }
    }
}

/// What was said inside the store's transaction, as its last run left it.
type Said = Arc<Mutex<Option<Result<Prejudged, Refusal>>>>;

/// A send under way.
pub(crate) type Sending<'a> = Pin<Box<dyn Future<Output = Result<Sent, Problem>> + Send + 'a>>;

impl Service {
    /// Accepts a message, or says why not.
    ///
    /// # Errors
    /// Any refusal; nothing is stored then.
    pub async fn send(&self, caller: &Caller, command: SendCommand) -> Result<Sent, Problem> {
        // In a task of its own: a caller who goes away must not keep a stored message from being sent.
        let (this, caller) = (self.clone(), *caller);
        let (began, parent) = (SystemTime::now(), traces::of_caller());
        let sent = self.tasks.run(async move { this.try_send(&caller, command, parent).await }).await;
        let sent = sent.unwrap_or_else(|| Err(Problem::new(ErrorCode::Unspecified, "An unexpected failure on our side.")));
        match &sent {
            Ok(Sent::Accepted { id, status, .. }) => {
                telemetry::accepted();
                if let Some(trace) = Trace::known(*id, parent) {
                    let accepted = trace.root("accept", Kind::Server).since(began);
                    accepted
                        .with("transom.business.id", caller.business.to_string())
                        .with("transom.status", status.as_str())
                        .end();
                }
            }
            Ok(Sent::Replayed { .. }) => telemetry::replayed(),
            Err(problem) => telemetry::refused(problem.code),
        }
        sent
    }

    /// As [`Service::send`], for those whom accepting a message may start: what they wait for must not be made of themselves.
    pub(crate) fn sending<'a>(&'a self, caller: &'a Caller, command: SendCommand) -> Sending<'a> {
        Box::pin(self.send(caller, command))
    }

    async fn try_send(&self, caller: &Caller, mut command: SendCommand, parent: Option<TraceParent>) -> Result<Sent, Problem> {
        let _admitted = self.admit(caller.business)?;
        let now = self.now();
        check_times(&command, now)?;
        check_human(&command)?;
        if command.callback_data.as_ref().is_some_and(|data| data.len() > CALLBACK_DATA_MAX) {
            return Err(Problem::new(
                ErrorCode::CallbackDataTooLarge,
                format!("callbackData is larger than {CALLBACK_DATA_MAX} bytes."),
            ));
        }
        // A client-given id is its own idempotency key.
        if let (None, Some(id)) = (&command.idempotency, command.id) {
            let fingerprint = Sha256::digest(format!("{command:?}")).into();
            command.idempotency = Some(IdempotencyKey { key: format!("message:{id}"), fingerprint });
        }
        // Not part of what is asked: a repetition is another request in another trace.
        if parent.is_some() {
            command.origin.get_or_insert_default().trace = parent;
        }
        let _held = match &command.idempotency {
            Some(key) => Some(self.under_way.hold(caller.business, &key.key)?),
            None => None,
        };
        let ask = key_of(caller, &command, now);
        match (self.send_once(caller, command, now).await, ask) {
            // What was accepted is replayed, whatever has become of its sender, its template or its content since.
            (Err(problem), Some(ask)) => match self.store.look(ask).await {
                Ok(Look { replay: Some(known), .. }) => replayed(known),
                Ok(_) | Err(_) => Err(problem),
            },
            (sent, _) => sent,
        }
    }

    /// What was answered to this command when it came before; none where it has no key, or was not accepted. For what a dialect
    /// refuses by itself for the moment at which it is asked.
    ///
    /// # Errors
    /// 409 while the first request is under way, and where the key stands for another one.
    pub(crate) async fn accepted_before(&self, caller: &Caller, command: &SendCommand) -> Result<Option<Sent>, Problem> {
        let Some(ask) = key_of(caller, command, self.now()) else { return Ok(None) };
        let _held = match &ask.idempotency {
            Some(key) => Some(self.under_way.hold(caller.business, &key.key)?),
            None => None,
        };
        let sent = self.store.look(ask).await?.replay.map(replayed).transpose()?;
        sent.iter().for_each(|_| telemetry::replayed());
        Ok(sent)
    }

    async fn send_once(&self, caller: &Caller, mut command: SendCommand, now: Timestamp) -> Result<Sent, Problem> {
        let callback = command.origin.as_ref().and_then(|origin| origin.status_callback.clone());
        if let Some(address) = &callback {
            self.callback(address)?;
        }
        self.through_service(caller, &mut command).await?;
        let speaker = match self.named_speaker(caller, &command)? {
            Some(speaker) => speaker,
            None => self.look(caller, &command, Ok(None), now).await?.0?,
        };
        self.name_files(caller, &mut command.what).await?;
        let quoted = self.quoted(caller, &command, now).await?;
        self.look_at_links(&command.what, quoted.content.as_ref().map(|kept| &kept.content)).await?;
        // What is refused so far has left nothing behind.
        if let Some(address) = &callback {
            self.accept_callback(caller.business, address).await?;
        }
        let command = Arc::new(command);
        let mut first = true;
        loop {
            let shelf = self.shelf(&speaker).await?;
            let refusal = match self.accept(caller, &command, &speaker, shelf, &quoted, first, now).await? {
                Ok(sent) => return Ok(sent),
                Err(refusal) => refusal,
            };
            let may_change = refusal.misses && std::mem::take(&mut first);
            if !may_change || !(self.library.after_a_miss(&speaker).await || command.when_refused == WhenRefused::Accept) {
                return Err(refusal.problem);
            }
        }
    }

    /// Judges and stores in one transaction, so that nothing is accepted on what is not true any more. The first time, what
    /// misses a template is refused, so that templates are read anew before it is accepted all the same.
    #[expect(clippy::too_many_arguments, reason = "what one transaction needs, from one caller")]
    async fn accept(
        &self,
        caller: &Caller,
        command: &Arc<SendCommand>,
        speaker: &Arc<Speaker>,
        shelf: Arc<Shelf>,
        quoted: &Quoted,
        first: bool,
        now: Timestamp,
    ) -> Result<Result<Sent, Refusal>, Problem> {
        let draft = match drafted(command, speaker, &shelf, quoted) {
            Ok(draft) => draft,
            Err(problem) => return Ok(Err(Refusal::of(problem))),
        };
        let not_before = command.send_at.unwrap_or(now).max(now);
        // Where nothing stands in its way the message leaves with its acceptance. A seat that any class may have needs no verdict.
        let mut berth = match &draft {
            Draft::Content { content, .. } if not_before <= now && is_light(content) => {
                self.dispatcher.berth(speaker, Class::Marketing)
            }
            Draft::Content { .. } | Draft::Template { .. } | Draft::FreeForm { .. } => None,
        };
        let before = match &draft {
            // Much content to render and to match with templates is no work for the one writer, unless what is known of the
            // customer changes meanwhile.
            Draft::Content { .. } if berth.is_none() => {
                let (_, look) = self.look(caller, command, Ok(Some(speaker.clone())), now).await?;
                if let Some(known) = look.replay {
                    return replayed(known).map(Ok);
                }
                match prejudge(&draft, &shelf, command, &look, now) {
                    Ok(before) => Some(before),
                    Err(problem) => return Ok(Err(Refusal::of(problem))),
                }
            }
            Draft::Content { .. } | Draft::Template { .. } | Draft::FreeForm { .. } => None,
        };
        let class = match (&before, &draft) {
            (Some(before), _) => before.judged.verdict.class(),
            (None, Draft::Template { send }) => {
                let template = shelf.named(&send.name).find(|t| t.language == send.language);
                template.map_or(Class::Marketing, |t| Class::of(Some(t.category)))
            }
            (None, Draft::FreeForm { .. }) => Class::Reply,
            (None, Draft::Content { .. }) => Class::Marketing,
        };
        let sender = speaker.sender.id;
        let id = command.id.unwrap_or_else(|| MessageId::compose(now, self.chance.draw()));
        let new_customer = CustomerId::compose(now, self.chance.draw());
        let status = shown(&Phase::Queued { not_before }, &[], now);
        if not_before <= now && berth.is_none() {
            berth = self.dispatcher.berth_soon(speaker, class).await;
        }
        let ask = LookUp {
            business: caller.business,
            sender: Some(sender),
            address: command.to.clone(),
            idempotency: command.idempotency.clone(),
            now,
        };
        let said = Said::default();
        let decide: Decide = {
            let (said, command, key, limits) = (said.clone(), command.clone(), self.key.clone(), self.limits.clone());
            let (may_leave, at_once) = (berth.is_some(), self.dispatcher.at_once(speaker));
            let (business, reply_to) = (caller.business, quoted.reply_to.clone());
            Arc::new(move |look| {
                let decide = || {
                    let known = known(&command, look, now);
                    let prejudged = match before.clone().and_then(|before| before.still(&shelf, known)) {
                        Some(judged) => {
                            let (shelf, session, customer) = (shelf.clone(), known.session, known.customer);
                            Prejudged { shelf, session, customer, human_until: known.human_until, judged }
                        }
                        None => prejudge(&draft, &shelf, &command, look, now).map_err(Refusal::of)?,
                    };
                    let verdict = prejudged.judged.verdict.clone();
                    let leaves = prejudged.judged.leaving.is_some();
                    let misses = !leaves && misses_a_template(&verdict);
                    let anyway = command.when_refused == WhenRefused::Accept && verdict.may_change() && !(misses && first);
                    if !leaves && !anyway {
                        return Err(Refusal {
                            problem: Problem::refused(&verdict, code_of(&verdict, prejudged.session)),
                            misses,
                        });
                    }
                    let mut draft = draft.clone();
                    one_time_code::seal(&mut draft, &key).map_err(Refusal::of)?;
                    let urgent = verdict.class().rank() <= class.rank();
                    let idempotency = command.idempotency.clone().map(|key| Idempotency {
                        key,
                        answer: native::accepted_json(id, status, &verdict).to_string().into_bytes(),
                        keep: limits.idempotency_keep,
                    });
                    let accept = Accept {
                        id,
                        business,
                        sender,
                        channel: command.to.channel(),
                        address: command.to.clone(),
                        new_customer,
                        name: command.name.clone(),
                        draft,
                        class: verdict.class(),
                        verdict,
                        not_before,
                        expires_at: command.validity.map(|validity| not_before.plus(validity)),
                        when_unknown: command.when_unknown,
                        callback_data: command.callback_data.clone(),
                        campaign: command.campaign.clone(),
                        origin: command.origin.clone(),
                        reply_to: reply_to.clone(),
                        idempotency,
                        backlog_max: limits.backlog_max,
                        schedule_max: limits.schedule_max,
                        at_once: (may_leave && urgent && leaves).then_some(at_once),
                        now,
                    };
                    Ok((accept, prejudged))
                };
                // A bug in the judge is this message's misfortune, and must not be that of the writer.
                let decided = catch_unwind(AssertUnwindSafe(decide)).unwrap_or_else(|_| {
                    Err(Refusal::of(Problem::new(ErrorCode::Unspecified, "An unexpected failure on our side.")))
                });
                let (accept, decided) = match decided {
                    Ok((accept, prejudged)) => (Some(accept), Ok(prejudged)),
                    Err(refusal) => (None, Err(refusal)),
                };
                *said.lock().unwrap_or_else(PoisonError::into_inner) = Some(decided);
                accept
            })
        };
        let accepted = self.store.accept_judged(ask, decide).await?;
        let said = said.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (accepted, said) {
            (Some(Accepted::Replayed(known)), _) => replayed(known).map(Ok),
            (Some(Accepted::Stored { claimed, .. }), Some(Ok(prejudged))) => {
                let verdict = prejudged.judged.verdict.clone();
                match (berth, claimed) {
                    (Some(berth), Some(claimed)) => berth.leave(*claimed, prejudged),
                    (berth, _) => {
                        drop(berth);
                        self.dispatcher.queued(sender);
                    }
                }
                Ok(Ok(Sent::Accepted { id, status, verdict }))
            }
            (Some(Accepted::IdTaken), _) => {
                Err(Problem::new(ErrorCode::IdempotencyConflict, "A message with this id exists already."))
            }
            (Some(Accepted::BacklogFull), _) => {
                telemetry::turned_away("backlog");
                let why = "As many messages of this sender wait already as may wait.";
                Err(Problem::new(ErrorCode::BacklogFull, why).retry_after(60))
            }
            (Some(Accepted::ScheduleFull), _) => {
                telemetry::turned_away("schedule");
                let why = format!(
                    "{} messages of this sender wait or are scheduled: no more can be scheduled.",
                    self.limits.schedule_max
                );
                Err(Problem::new(ErrorCode::ScheduleFull, why).retry_after(60))
            }
            (None, Some(Err(refusal))) => Ok(Err(refusal)),
            (Some(Accepted::Stored { .. }), _) | (None, _) => {
                Err(Problem::new(ErrorCode::Unspecified, "The store has not asked what to accept."))
            }
        }
    }

    /// Answers the question that a send would be, without sending.
    ///
    /// # Errors
    /// Only what makes the question no question: an unknown sender, a bad variable, an unknown template.
    pub async fn judge(&self, caller: &Caller, mut command: SendCommand) -> Result<Verdict, Problem> {
        let now = self.now();
        check_times(&command, now)?;
        check_human(&command)?;
        self.name_files(caller, &mut command.what).await?;
        self.through_service(caller, &mut command).await?;
        let named = self.named_speaker(caller, &command);
        let (speaker, look) = self.look(caller, &SendCommand { idempotency: None, ..command.clone() }, named, now).await?;
        let speaker = speaker?;
        let quoted = self.quoted(caller, &command, now).await?;
        let mut again = true;
        loop {
            let shelf = self.shelf(&speaker).await?;
            let judged = drafted(&command, &speaker, &shelf, &quoted)
                .and_then(|draft| prejudge(&draft, &shelf, &command, &look, now))
                .map(|prejudged| prejudged.judged.verdict);
            let misses = match &judged {
                Ok(verdict) => misses_a_template(verdict),
                Err(problem) => problem.code == ErrorCode::MessageTemplateNotFound,
            };
            if !(misses && std::mem::take(&mut again) && self.library.after_a_miss(&speaker).await) {
                return judged;
            }
        }
    }

    /// One read for what is asked before anything is decided: what the key stands for, who speaks, what is known of the customer.
    /// The sender comes as a result of its own.
    async fn look(
        &self,
        caller: &Caller,
        command: &SendCommand,
        named: Result<Option<Arc<Speaker>>, Problem>,
        now: Timestamp,
    ) -> Result<(Result<Arc<Speaker>, Problem>, Look), Problem> {
        let sender = named.as_ref().ok().and_then(Option::as_ref).map(|speaker| speaker.sender.id);
        let idempotency = command.idempotency.clone();
        let ask = LookUp { business: caller.business, sender, address: command.to.clone(), idempotency, now };
        let look = self.store.look(ask).await?;
        let speaker = named.and_then(|named| {
            let last = || look.sender.and_then(|id| self.directory.now().sender(id).cloned());
            named.or_else(last).ok_or_else(|| {
                Problem::new(
                    ErrorCode::InvalidSenderId,
                    "This business has several senders, and none of them alone has a session with this customer.",
                )
                .remedy("Name the sender.")
            })
        });
        Ok((speaker, look))
    }

    /// Looks up what the command names by our ids.
    async fn quoted(&self, caller: &Caller, command: &SendCommand, now: Timestamp) -> Result<Quoted, Problem> {
        let mut quoted = Quoted::default();
        if let What::FreeForm(FreeForm::Reaction { message_id, .. }) = &command.what {
            let bad = |why: &str| Problem::field("reaction.messageId", why, "give the id of a message of this conversation");
            let id: MessageId = message_id.parse().map_err(|_| bad("is not a message id"))?;
            let (provider_id, at) = self.provider_id_of(caller, id, "reaction.messageId", &command.to).await?;
            if now.since(at) > REACTION_MAX_AGE {
                return Err(bad("names a message older than 30 days"));
            }
            quoted.reacted = Some(provider_id);
        }
        if let What::ContentById { id, .. } = &command.what {
            quoted.content = Some(self.content_to_send(caller, *id).await?);
        }
        if let Some(id) = command.context {
            quoted.reply_to = Some(self.provider_id_of(caller, id, "contextId", &command.to).await?.0);
        }
        Ok(quoted)
    }

    /// The sender that is named, or the only one that can be meant; `None` when the store must tell which of several.
    fn named_speaker(&self, caller: &Caller, command: &SendCommand) -> Result<Option<Arc<Speaker>>, Problem> {
        let directory = self.directory.now();
        let channel = command.to.channel();
        if let Some(from) = &command.from {
            let found = directory.with_address(caller.business, from);
            let unknown = || Problem::new(ErrorCode::InvalidSenderId, format!("{from} is no sender of this business."));
            let speaker = found.ok_or_else(unknown)?;
            if speaker.sender.channel != channel {
                let message = format!("{from} is a sender on {}, the recipient is on {channel}.", speaker.sender.channel);
                return Err(Problem::new(ErrorCode::InvalidSenderId, message));
            }
            return Ok(Some(speaker.clone()));
        }
        let mut candidates = directory.on(caller.business, channel);
        let Some(first) = candidates.next() else {
            return Err(Problem::new(
                ErrorCode::BusinessMissesMatchingChannel,
                format!("This business has no sender on {channel}."),
            ));
        };
        Ok(candidates.next().is_none().then(|| first.clone()))
    }

    pub(crate) async fn shelf(&self, speaker: &Speaker) -> Result<Arc<Shelf>, Problem> {
        match &speaker.sender.waba {
            Some(waba) => Ok(self.library.shelf(speaker.sender.business, waba).await?),
            None => Ok(Arc::default()),
        }
    }

    /// The upstream's id and the time of a message that the caller names by our id. It must be of the conversation with `to`: Meta
    /// takes any id, and the customer would see a quote of nothing, or of what another one wrote.
    async fn provider_id_of(
        &self,
        caller: &Caller,
        id: MessageId,
        field: &str,
        to: &Identity,
    ) -> Result<(String, Timestamp), Problem> {
        let unknown = || {
            Problem::field(field, "names no message that the channel knows", "give the id of a message that was sent or received")
        };
        let message = self.store.message(caller.business, id).await?.ok_or_else(unknown)?;
        if message.address != *to {
            let customer = self.store.customer(caller.business, message.customer).await?;
            if !customer.is_some_and(|customer| customer.identities.iter().any(|(_, claim)| claim.identity.key() == to.key())) {
                let rule = "names a message of another conversation";
                return Err(Problem::field(field, rule, "give the id of a message of the conversation with this customer"));
            }
        }
        judge::provider_id(&message).map(|provider| (provider, message.accepted_at)).ok_or_else(unknown)
    }
}

/// Asks what the key of a command stands for; none where it has none.
fn key_of(caller: &Caller, command: &SendCommand, now: Timestamp) -> Option<LookUp> {
    let idempotency = Some(command.idempotency.clone()?);
    Some(LookUp { business: caller.business, sender: None, address: command.to.clone(), idempotency, now })
}

/// Whether content is rendered and matched in no more time than a read of the store takes.
fn is_light(content: &Content) -> bool {
    content.types.len() <= 2 && serde_json::to_vec(content).is_ok_and(|json| json.len() <= LIGHT)
}

/// What is to be sent, as far as it doesn't depend on who it goes to.
fn drafted(command: &SendCommand, speaker: &Speaker, shelf: &Shelf, quoted: &Quoted) -> Result<Draft, Problem> {
    if speaker.sender.address == command.to {
        return Err(Problem::new(ErrorCode::MessageSelfInvalid, "The recipient is the sender itself."));
    }
    match &command.what {
        What::ContentById { id, variables, template, when_closed } => {
            let missing = || Problem::new(ErrorCode::ContentNotFound, format!("There is no content {id}."));
            Ok(Draft::Content {
                id: Some(*id),
                content: quoted.content.as_ref().ok_or_else(missing)?.content.clone(),
                variables: variables.clone(),
                template: template.clone(),
                when_closed: *when_closed,
                human: command.human.clone(),
            })
        }
        What::Content { content, variables, template, when_closed } => Ok(Draft::Content {
            id: None,
            content: content.clone(),
            variables: variables.clone(),
            template: template.clone(),
            when_closed: *when_closed,
            human: command.human.clone(),
        }),
        What::Template { name, language, fallback, parameters, naming } => {
            let template = match language {
                Some(language) => in_first_language(shelf, name, language, fallback),
                None => {
                    let approved: Vec<_> = shelf.named(name).filter(|t| t.sendable()).collect();
                    if approved.len() > 1 {
                        let languages: Vec<&str> = approved.iter().map(|t| t.language.as_str()).collect();
                        let rule = format!("is required, since {name} is approved in several: {}", languages.join(", "));
                        return Err(Problem::field("language", rule, "name one of them"));
                    }
                    approved.first().copied()
                }
            };
            let template = template
                .ok_or_else(|| template_missing(name, language.as_ref().map(transom_domain::content::Language::as_str)))?;
            if judge::is_gone(template) && template.life.twin.is_none() {
                return Err(Problem::new(ErrorCode::MessageTemplateDeleted, format!("The template {name} is being deleted.")));
            }
            let mut send = parameters::fit(template, parameters, *naming).map_err(|found| judge::misfit(&found))?;
            send.fallback = fallback.iter().filter(|language| **language != template.language).cloned().collect();
            Ok(Draft::Template { send })
        }
        What::FreeForm(say) => {
            let mut say = say.clone();
            if let (FreeForm::Reaction { message_id, .. }, Some(reacted)) = (&mut say, &quoted.reacted) {
                message_id.clone_from(reacted);
            }
            let form = match command.to.channel() {
                Channel::Whatsapp => say.check("message"),
                Channel::Messenger => messenger::of_free_form(&say)
                    .map_err(|why| {
                        Problem::field(
                            "message",
                            format!("is not possible on Messenger: it {why}"),
                            "send a text, one file, or reply buttons",
                        )
                    })?
                    .check("message"),
            };
            form.map_err(|found| Problem::fields(&found))?;
            Ok(Draft::FreeForm { say, human: command.human.clone() })
        }
    }
}

/// The translation that is meant: the first of the languages in which the name exists and stays. Whether that one can be sent, or
/// another steps in for it, the verdict says.
fn in_first_language<'a>(shelf: &'a Shelf, name: &str, language: &Language, fallback: &[Language]) -> Option<&'a Arc<Template>> {
    let known = |language: &Language| shelf.named(name).find(|t| t.language == *language);
    let languages = || std::iter::once(language).chain(fallback);
    languages().filter_map(known).find(|t| !judge::is_gone(t)).or_else(|| languages().find_map(known))
}

/// The verdict on what is known of the customer.
fn prejudge(draft: &Draft, shelf: &Arc<Shelf>, command: &SendCommand, look: &Look, now: Timestamp) -> Result<Prejudged, Problem> {
    let known = known(command, look, now);
    let judged = judged(draft, shelf, known)?;
    Ok(Prejudged {
        shelf: shelf.clone(),
        session: known.session,
        customer: known.customer,
        human_until: known.human_until,
        judged,
    })
}

fn known(command: &SendCommand, look: &Look, now: Timestamp) -> Known<'static> {
    // Judged for the moment at which it is to go, as far as that is known today.
    let at = command.send_at.unwrap_or(now).max(now);
    Known {
        channel: command.to.channel(),
        session: look.evidence.at(at),
        human_until: look.evidence.human_until(at),
        customer: facts_of(&command.to, look.facts),
        // A stopped sender keeps its queue: accepting goes on, sending waits.
        stopped: None,
    }
}

/// Whether reading Meta's templates anew could change the answer.
fn misses_a_template(verdict: &Verdict) -> bool {
    matches!(
        verdict.reason,
        Reason::SessionClosed
            | Reason::TypeNeedsApproval
            | Reason::ButtonsNeedApproval
            | Reason::OverSessionLimits
            | Reason::TemplateNotApproved
    )
}

fn check_times(command: &SendCommand, now: Timestamp) -> Result<(), Problem> {
    if command.send_at.is_some_and(|at| at.since(now) > SCHEDULE_MAX) {
        return Err(Problem::field("sendAt", "is more than 35 days ahead", "schedule it nearer to its time"));
    }
    if command.validity.is_some_and(|v| v < Span::secs(1) || v > VALIDITY_MAX) {
        return Err(Problem::field("validitySeconds", "must be between 1 and 2592000", "give at most 30 days"));
    }
    Ok(())
}

fn check_human(command: &SendCommand) -> Result<(), Problem> {
    match &command.human {
        Some(_) if command.to.channel() != Channel::Messenger => Err(Problem::field(
            "humanAgent",
            "is for Messenger only",
            "leave it out: on WhatsApp nothing changes with who answers",
        )),
        _ => Ok(()),
    }
}

fn replayed(known: Replay) -> Result<Sent, Problem> {
    match known {
        Replay::Answer(body) => Ok(Sent::Replayed { body }),
        Replay::Conflict => Err(Problem::new(ErrorCode::IdempotencyConflict, "This idempotency key was used with another body.")),
    }
}
