//! Reading messages and sessions, and the moves on one message.

use transom_domain::address::Identity;
use transom_domain::error_code::ErrorCode;
use transom_domain::id::MessageId;
use transom_domain::message::{Draft, Message};
use transom_domain::shown::{Shown, shown};
use transom_domain::status::Phase;
use transom_meta::messenger;
use transom_store::{CancelOutcome, ConversationFilter, ConversationRow, MessageFilter, PAGE_MAX, Page, SessionRow, Timeline};

use super::command::Caller;
use super::one_time_code::masked;
use super::{Service, judge};
use crate::problem::Problem;

impl Service {
    /// One message.
    ///
    /// # Errors
    /// 404 when this business has none with this id.
    pub async fn message(&self, caller: &Caller, id: MessageId) -> Result<Message, Problem> {
        self.store.message(caller.business, id).await?.ok_or_else(|| Problem::not_found("message"))
    }

    /// What the customer sees of a message that is sent by the name of a template: the template's text with its values, as it stands
    /// now. None for any other message, and where the template is not known any more.
    pub(crate) async fn template_text(&self, message: &Message) -> Option<String> {
        Some(self.template_shown(message).await?.body)
    }

    /// As [`Service::template_text`], with what stands around the text.
    pub(crate) async fn template_shown(&self, message: &Message) -> Option<Shown> {
        let draft = message.draft.as_ref().filter(|draft| matches!(draft, Draft::Template { .. }))?;
        let masked = masked(draft);
        let Draft::Template { send } = masked.as_ref() else { return None };
        let directory = self.directory.now();
        let shelf = self.shelf(directory.sender(message.sender)?).await.ok()?;
        Some(shown(&shelf.ever(&send.name, &send.language)?.definition, send))
    }

    /// What happened to a message; empty when this business has none with this id.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn timeline(&self, caller: &Caller, id: MessageId) -> Result<Timeline, Problem> {
        Ok(self.store.timeline(caller.business, id).await?)
    }

    /// Conversations as an inbox shows them.
    ///
    /// # Errors
    /// When the store does not answer, or the page token is none of ours.
    pub async fn conversations(
        &self,
        caller: &Caller,
        filter: ConversationFilter,
        page: Page,
    ) -> Result<(Vec<ConversationRow>, Option<String>), Problem> {
        Ok(self.store.conversations(caller.business, filter, bounded(page), self.now()).await?)
    }

    /// Messages, newest first.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn messages(
        &self,
        caller: &Caller,
        filter: MessageFilter,
        page: Page,
    ) -> Result<(Vec<Message>, Option<String>), Problem> {
        Ok(self.store.messages(caller.business, filter, bounded(page)).await?)
    }

    /// Conversations with the evidence of their sessions.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn sessions(
        &self,
        caller: &Caller,
        filter: MessageFilter,
        page: Page,
    ) -> Result<(Vec<SessionRow>, Option<String>), Problem> {
        Ok(self.store.sessions(caller.business, filter, bounded(page)).await?)
    }

    /// Marks an inbound message read towards the customer, perhaps with the typing indicator.
    ///
    /// # Errors
    /// When there is no such inbound message, or Meta refuses.
    pub async fn mark_read(&self, caller: &Caller, id: MessageId, typing: bool) -> Result<(), Problem> {
        let message = self.message(caller, id).await?;
        if message.phase != Phase::Received {
            return Err(Problem::new(ErrorCode::StateConflict, "Only messages from customers can be marked read."));
        }
        let provider_id = judge::provider_id(&message).ok_or_else(|| Problem::not_found("inbound message"))?;
        let directory = self.directory.now();
        let speaker = directory.sender(message.sender).ok_or_else(|| Problem::not_found("sender"))?;
        // On Messenger two calls, of which each says one thing, and all that the customer wrote counts as seen.
        let calls: Vec<serde_json::Value> = match &message.address {
            Identity::Psid(psid) => {
                let seen = messenger::action(psid, messenger::Action::MarkSeen);
                std::iter::once(seen).chain(typing.then(|| messenger::action(psid, messenger::Action::TypingOn))).collect()
            }
            Identity::Phone(_) | Identity::Bsuid(_) => vec![transom_meta::send::mark_read(&provider_id, typing)],
        };
        for body in &calls {
            let called = self.upstream.send(&speaker.sender.account, &speaker.token, body).await.json();
            called.map_err(|why| Problem::new(ErrorCode::UpstreamError, format!("Meta did not take the read mark: {why}.")))?;
        }
        Ok(())
    }

    /// Calls a waiting message off.
    ///
    /// # Errors
    /// 404, or 409 when it is too late.
    pub async fn cancel(&self, caller: &Caller, id: MessageId) -> Result<(), Problem> {
        let outcome = self.store.cancel(caller.business, id, self.now()).await?;
        self.relay.poke(caller.business);
        moved(outcome, "cancelled", "Only a message that has not been tried yet can be cancelled.")
    }

    /// Says of a message that was sent whether it did what it was for: a code that was used, an order that was picked up.
    ///
    /// # Errors
    /// 404, or 409 for a message that came in.
    pub async fn give_feedback(&self, caller: &Caller, id: MessageId, confirmed: bool) -> Result<(), Problem> {
        let outcome = self.store.give_feedback(caller.business, id, confirmed, self.now()).await?;
        moved(outcome, "confirmed", "Give feedback on messages that were sent.")
    }

    /// Removes the content of a message that is over.
    ///
    /// # Errors
    /// 404, or 409 while it may still be sent.
    pub async fn redact(&self, caller: &Caller, id: MessageId) -> Result<(), Problem> {
        let outcome = self.store.redact(caller.business, id, self.now()).await?;
        // What came with it is nobody's any more.
        self.fetcher.reap_soon();
        moved(outcome, "redacted", "Cancel it first, or wait until it is over.")
    }

    /// Removes a message that is over.
    ///
    /// # Errors
    /// 404, or 409 while it may still be sent.
    pub async fn delete(&self, caller: &Caller, id: MessageId) -> Result<(), Problem> {
        let outcome = self.store.delete(caller.business, id, self.now()).await?;
        self.fetcher.reap_soon();
        moved(outcome, "deleted", "Cancel it first, or wait until it is over.")
    }
}

pub(super) fn bounded(page: Page) -> Page {
    Page { size: page.size.clamp(1, PAGE_MAX), token: page.token }
}

fn moved(outcome: CancelOutcome, verb: &str, remedy: &str) -> Result<(), Problem> {
    match outcome {
        CancelOutcome::Done => Ok(()),
        CancelOutcome::NotFound => Err(Problem::not_found("message")),
        CancelOutcome::WrongState(status) => {
            Err(Problem::new(ErrorCode::StateConflict, format!("The message is {} and cannot be {verb}.", status.as_str()))
                .remedy(remedy))
        }
    }
}
