//! One attempt as people look at it: the request as it leaves for Meta, printed once more, and what Meta answered.

use serde_json::Value;

use transom_domain::address::{Channel, Identity};
use transom_domain::id::MessageId;
use transom_domain::message::{Attempt, CallbackTag, Message, PartTag};
use transom_domain::session::{Closed, Session};
use transom_domain::time::Timestamp;
use transom_domain::verdict::{CustomerFacts, Reason, SentAs, Verdict};
use transom_meta::messenger::{self, Part};
use transom_meta::send::{self, Envelope};
use transom_store::{Step, Timeline, UpstreamAnswer, Who};

use super::command::Caller;
use super::one_time_code::masked;
use super::{Known, Leaving, Service, judged, needs_phone, recipient_of};
use crate::problem::Problem;

/// An attempt, with what was sent and answered.
pub(crate) struct WholeAttempt {
    /// The message.
    pub(crate) message: Message,
    /// The attempt.
    pub(crate) attempt: Attempt,
    /// Where to, without what authorises it; none where the sender is gone.
    pub(crate) url: Option<String>,
    /// The requests, first to last: two where a text follows a file on Messenger. An error says why they cannot be printed.
    pub(crate) requests: Result<Vec<Value>, String>,
    /// What Meta answered, where it did and it is kept.
    pub(crate) answer: Option<UpstreamAnswer>,
}

impl Service {
    /// One attempt of a message.
    ///
    /// # Errors
    /// 404 when this business has no such message, or it has no such attempt.
    pub(crate) async fn attempt(&self, caller: &Caller, id: MessageId, number: u32) -> Result<WholeAttempt, Problem> {
        let message = self.message(caller, id).await?;
        let attempt = message.attempts.iter().find(|attempt| attempt.number == number).cloned();
        let attempt = attempt.ok_or_else(|| Problem::not_found("attempt"))?;
        let timeline = self.store.timeline(caller.business, id).await?;
        let answer = timeline.words.iter().filter(|word| word.attempt == number && matches!(word.step, Step::Attempt(_)));
        let answer = answer.filter_map(|word| word.answer.clone()).next_back();
        let url = self.directory.now().sender(message.sender).map(|speaker| {
            let path = transom_meta::graph::messages_path(&speaker.sender.account);
            format!("{}{}", self.upstream.root(), path.trim_start_matches('/'))
        });
        let requests = self.requests(caller, &message, number, &timeline).await;
        Ok(WholeAttempt { message, attempt, url, requests, answer })
    }

    /// What leaves for Meta, by the printers that send it. Codes are hidden; a file that is uploaded before is named by where it is from.
    async fn requests(&self, caller: &Caller, message: &Message, number: u32, timeline: &Timeline) -> Result<Vec<Value>, String> {
        let draft = message.draft.as_ref().ok_or("its content was taken out")?;
        let verdict = match &timeline.dispatched_on {
            Some((of, verdict)) if *of == number => Some(verdict),
            _ => timeline.accepted_on.as_ref(),
        };
        let verdict = verdict.filter(|verdict| verdict.kind.goes()).ok_or("it did not leave")?;
        let directory = self.directory.now();
        let speaker = directory.sender(message.sender).ok_or("its sender is gone")?;
        let shelf = self.shelf(speaker).await.map_err(|problem| problem.message)?;
        let as_then = judged(&masked(draft), &shelf, as_of(message, verdict)).map_err(|problem| problem.message)?;
        let leaving = as_then.leaving.ok_or("what it was sent by is not there any more")?;
        let tag = CallbackTag { message: message.id, attempt: number };
        let context = message.reply_to.as_deref();
        let callback = tag.to_string();
        if let Leaving::Messenger { form, human } = &leaving {
            let Identity::Psid(recipient) = &message.address else { return Err("its address is none on Messenger".to_owned()) };
            let print = |part: Part, metadata: &str| {
                messenger::message(&messenger::Envelope { recipient, human: *human, context, metadata }, form, part)
            };
            let first = messenger::has_two_parts(form).then(|| print(Part::First, &PartTag(tag).to_string()));
            return Ok(first.into_iter().chain([print(Part::Last, &callback)]).collect());
        }
        let phone = match needs_phone(verdict.category) {
            true => self.person(caller, &Who::Id(message.customer)).await.ok().and_then(|person| person.present.phone),
            false => None,
        };
        let recipient =
            recipient_of(&message.address, phone.as_ref(), verdict.category).ok_or("its address is none on WhatsApp")?;
        let envelope = Envelope { recipient, context, callback: &callback };
        Ok(match &leaving {
            Leaving::FreeForm(say) => vec![send::free_form(&envelope, say)],
            Leaving::Template(template) => vec![send::template(&envelope, template)],
            Leaving::Messenger { .. } => Vec::new(),
        })
    }
}

/// What was known when the verdict was taken, as far as it decides in which form the message goes.
fn as_of(message: &Message, verdict: &Verdict) -> Known<'static> {
    let open = verdict.sent_as == Some(SentAs::Session) && verdict.reason != Reason::HumanAgent;
    Known {
        channel: message.channel,
        session: if open || message.channel == Channel::Messenger && verdict.reason != Reason::HumanAgent {
            Session::Open { until: Timestamp::FAR }
        } else {
            Session::Closed(Closed::NeverHeard)
        },
        customer: CustomerFacts::default(),
        stopped: None,
        human_until: (verdict.reason == Reason::HumanAgent).then_some(Timestamp::FAR),
    }
}
