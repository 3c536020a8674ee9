//! The send: resolve sender, customer, content; ask for the verdict; commit once.

use sha2::{Digest as _, Sha256};

use transom_domain::error_code::ErrorCode;
use transom_domain::free_form::FreeForm;
use transom_domain::id::{CustomerId, MessageId};
use transom_domain::message::Draft;
use transom_domain::parameters;
use transom_domain::status::{Phase, shown};
use transom_domain::template::Approval;
use transom_domain::time::{Span, Timestamp};
use transom_domain::verdict::{Reason, Verdict};
use transom_store::{Accept, Accepted, Idempotency, IdempotencyKey, Look, LookUp, Replay};

use super::command::{CALLBACK_DATA_MAX, Caller, SendCommand, Sent, What};
use super::judge::{Judged, Known, Prejudged, code_of, facts_of, judged, template_missing};
use super::{Service, judge, one_time_code};
use crate::directory::Speaker;
use crate::native;
use crate::problem::Problem;
use crate::telemetry;
use crate::templates::Shelf;
use std::sync::Arc;

/// How far ahead a message may be scheduled.
const SCHEDULE_MAX: Span = Span::days(35);
/// The longest validity: Meta keeps a message for 30 days.
const VALIDITY_MAX: Span = Span::days(30);
/// A reaction may name a message up to this old (Meta: messages/reaction-messages).
const REACTION_MAX_AGE: Span = Span::days(30);

/// Everything that was resolved of a command.
struct Resolved {
    speaker: Arc<Speaker>,
    draft: Draft,
    prejudged: Prejudged,
    reply_to: Option<String>,
}

impl Service {
    /// Accepts a message, or says why not.
    ///
    /// # Errors
    /// Any refusal; nothing is stored then.
    pub async fn send(&self, caller: &Caller, command: SendCommand) -> Result<Sent, Problem> {
        // In a task of its own: a caller who goes away must not keep a stored message from being sent.
        let (this, caller) = (self.clone(), *caller);
        let sent = self.tasks.run(async move { this.try_send(&caller, command).await }).await;
        let sent = sent.unwrap_or_else(|| Err(Problem::new(ErrorCode::Unspecified, "An unexpected failure on our side.")));
        match &sent {
            Ok(Sent::Accepted { .. }) => telemetry::accepted(),
            Ok(Sent::Replayed { .. }) => telemetry::replayed(),
            Err(problem) => telemetry::refused(problem.code),
        }
        sent
    }

    async fn try_send(&self, caller: &Caller, mut command: SendCommand) -> Result<Sent, Problem> {
        let _admitted = self.admit(caller.business)?;
        let now = self.now();
        check_times(&command, now)?;
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
        let _held = match &command.idempotency {
            Some(key) => Some(self.under_way.hold(caller.business, &key.key)?),
            None => None,
        };
        let (speaker, look) = self.look(caller, &command, command.idempotency.clone(), now).await?;
        if let Some(known) = look.replay {
            return replayed(known);
        }
        let resolved = self.resolve(caller, &command, speaker?, &look, now).await?;
        let Resolved { speaker, mut draft, prejudged, reply_to } = resolved;
        let verdict = prejudged.judged.verdict.clone();
        if prejudged.judged.leaving.is_none() {
            return Err(Problem::refused(&verdict, code_of(&verdict, prejudged.session)));
        }
        one_time_code::seal(&mut draft, &self.key)?;
        let id = command.id.unwrap_or_else(|| MessageId::compose(now, self.chance.draw()));
        let not_before = command.send_at.unwrap_or(now).max(now);
        let status = shown(&Phase::Queued { not_before }, &[], now);
        let idempotency = command.idempotency.map(|key| Idempotency {
            key,
            answer: native::accepted_json(id, status, &verdict).to_string().into_bytes(),
            keep: self.limits.idempotency_keep,
        });
        let sender = speaker.sender.id;
        // Where nothing stands in its way the message leaves with its acceptance.
        let berth = (not_before <= now).then(|| self.dispatcher.berth(&speaker, verdict.class())).flatten();
        let accept = Accept {
            id,
            business: caller.business,
            sender,
            channel: command.to.channel(),
            address: command.to,
            new_customer: CustomerId::compose(now, self.chance.draw()),
            name: command.name,
            draft,
            class: verdict.class(),
            verdict: verdict.clone(),
            not_before,
            expires_at: command.validity.map(|validity| not_before.plus(validity)),
            when_unknown: command.when_unknown,
            callback_data: command.callback_data,
            campaign: command.campaign,
            reply_to,
            idempotency,
            backlog_max: self.limits.backlog_max,
            at_once: berth.is_some().then(|| self.dispatcher.at_once()),
            now,
        };
        match self.store.accept(accept).await? {
            Accepted::Stored { claimed, .. } => {
                match (berth, claimed) {
                    (Some(berth), Some(claimed)) => berth.leave(*claimed, prejudged),
                    (berth, _) => {
                        drop(berth);
                        self.dispatcher.poke(sender);
                    }
                }
                Ok(Sent::Accepted { id, status, verdict })
            }
            Accepted::Replayed(known) => replayed(known),
            Accepted::IdTaken => Err(Problem::new(ErrorCode::IdempotencyConflict, "A message with this id exists already.")),
            Accepted::BacklogFull => {
                telemetry::turned_away("backlog");
                let why = "As many messages of this sender wait already as may wait.";
                Err(Problem::new(ErrorCode::BacklogFull, why).retry_after(60))
            }
        }
    }

    /// Answers the question that a send would be, without sending.
    ///
    /// # Errors
    /// Only what makes the question no question: an unknown sender, a bad variable, an unknown template.
    pub async fn judge(&self, caller: &Caller, command: SendCommand) -> Result<Verdict, Problem> {
        let now = self.now();
        check_times(&command, now)?;
        let (speaker, look) = self.look(caller, &command, None, now).await?;
        Ok(self.resolve(caller, &command, speaker?, &look, now).await?.prejudged.judged.verdict)
    }

    /// One read for all that is asked before anything is decided: what the key stands for, who speaks, what is known of the
    /// customer. The sender comes as a result of its own, since a key is replayed whether or not there still is one.
    async fn look(
        &self,
        caller: &Caller,
        command: &SendCommand,
        idempotency: Option<IdempotencyKey>,
        now: Timestamp,
    ) -> Result<(Result<Arc<Speaker>, Problem>, Look), Problem> {
        let named = self.named_speaker(caller, command);
        let sender = named.as_ref().ok().and_then(Option::as_ref).map(|speaker| speaker.sender.id);
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

    async fn resolve(
        &self,
        caller: &Caller,
        command: &SendCommand,
        speaker: Arc<Speaker>,
        look: &Look,
        now: Timestamp,
    ) -> Result<Resolved, Problem> {
        if speaker.sender.address == command.to {
            return Err(Problem::new(ErrorCode::MessageSelfInvalid, "The recipient is the sender itself."));
        }
        // Judged for the moment at which it is to go, as far as that is known today.
        let session = look.evidence.at(command.send_at.unwrap_or(now).max(now));
        let known = Known {
            channel: command.to.channel(),
            session,
            customer: facts_of(&command.to, look.facts),
            // A stopped sender keeps its queue: accepting goes on, sending waits.
            stopped: None,
        };
        let mut shelf = self.shelf(&speaker).await?;
        let mut result = self.draft_and_judge(caller, command, &shelf, known, now).await;
        if misses_a_template(&result) && self.library.after_a_miss(&speaker).await {
            shelf = self.shelf(&speaker).await?;
            result = self.draft_and_judge(caller, command, &shelf, known, now).await;
        }
        let (draft, judged) = result?;
        let reply_to = match command.context {
            Some(id) => Some(self.provider_id_of(caller, id, "contextId").await?.0),
            None => None,
        };
        let prejudged = Prejudged { shelf, session, customer: known.customer, judged };
        Ok(Resolved { speaker, draft, prejudged, reply_to })
    }

    async fn draft_and_judge(
        &self,
        caller: &Caller,
        command: &SendCommand,
        shelf: &Shelf,
        known: Known<'_>,
        now: Timestamp,
    ) -> Result<(Draft, Judged), Problem> {
        let draft = match &command.what {
            What::Content { content, variables, template, when_closed } => Draft::Content {
                content: content.clone(),
                variables: variables.clone(),
                template: template.clone(),
                when_closed: *when_closed,
            },
            What::Template { name, language, parameters } => {
                let template = match language {
                    Some(language) => shelf.named(name).find(|t| t.language == *language),
                    None => {
                        let approved: Vec<_> = shelf.named(name).filter(|t| t.approval == Approval::Approved).collect();
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
                if template.approval == Approval::PendingDeletion {
                    return Err(Problem::new(
                        ErrorCode::MessageTemplateDeleted,
                        format!("The template {name} is being deleted."),
                    ));
                }
                let send = parameters::fit(template, parameters).map_err(|found| {
                    let names: Vec<serde_json::Value> =
                        found.iter().map(|f| serde_json::json!({"name": f.field, "rule": f.rule, "remedy": f.remedy})).collect();
                    Problem::of_fields(ErrorCode::MessageTemplateInputInvalid, &found).detail("parameters", names)
                })?;
                Draft::Template { send }
            }
            What::FreeForm(say) => {
                let mut say = say.clone();
                if let FreeForm::Reaction { message_id, .. } = &mut say {
                    let bad =
                        |why: &str| Problem::field("reaction.messageId", why, "give the id of a message of this conversation");
                    let id: MessageId = message_id.parse().map_err(|_| bad("is not a message id"))?;
                    let (provider_id, at) = self.provider_id_of(caller, id, "reaction.messageId").await?;
                    if now.since(at) > REACTION_MAX_AGE {
                        return Err(bad("names a message older than 30 days"));
                    }
                    *message_id = provider_id;
                }
                say.check("message").map_err(|found| Problem::fields(&found))?;
                Draft::FreeForm { say }
            }
        };
        let judged = judged(&draft, shelf, known)?;
        Ok((draft, judged))
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

    /// The upstream's id and the time of a message that the caller names by our id.
    async fn provider_id_of(&self, caller: &Caller, id: MessageId, field: &str) -> Result<(String, Timestamp), Problem> {
        let unknown = || {
            Problem::field(field, "names no message that the channel knows", "give the id of a message that was sent or received")
        };
        let message = self.store.message(caller.business, id).await?.ok_or_else(unknown)?;
        judge::provider_id(&message).map(|provider| (provider, message.accepted_at)).ok_or_else(unknown)
    }
}

/// Whether reading Meta's templates anew could change the answer.
fn misses_a_template(result: &Result<(Draft, Judged), Problem>) -> bool {
    match result {
        Err(problem) => problem.code == ErrorCode::MessageTemplateNotFound,
        Ok((_, judged)) => matches!(
            judged.verdict.reason,
            Reason::SessionClosed
                | Reason::TypeNeedsApproval
                | Reason::ButtonsNeedApproval
                | Reason::OverSessionLimits
                | Reason::TemplateNotApproved
        ),
    }
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

fn replayed(known: Replay) -> Result<Sent, Problem> {
    match known {
        Replay::Answer(body) => Ok(Sent::Replayed { body }),
        Replay::Conflict => Err(Problem::new(ErrorCode::IdempotencyConflict, "This idempotency key was used with another body.")),
    }
}
