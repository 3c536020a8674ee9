//! One attempt on Messenger: one call, or two where a text follows a file.
//!
//! Messenger takes no key against repetition and no tag that comes back with statuses, but it gives `message.metadata` back with the
//! echo of a message. It holds the attempt's tag, so that an echo settles an attempt whose answer was lost. Of two calls only the
//! second has the tag of the attempt. That the first was taken is committed before the second leaves, and is known again by its echo after a
//! crash: whatever comes then goes on with the second.

use tokio::time::Instant;

use transom_domain::address::Identity;
use transom_domain::error_code::ErrorCode;
use transom_domain::message::{Attempt, CallbackTag, PartTag};
use transom_domain::messenger::Form;
use transom_domain::status::Failure;
use transom_domain::time::Span;
use transom_meta::messenger::{Envelope, Part, has_two_parts, message, parse_answer};
use transom_meta::send::Answer;
use transom_store::{Claimed, Outcome};

use super::Inner;
use super::worker::Worker;
use crate::directory::Speaker;
use crate::telemetry;
use crate::wire::Called;

impl Inner {
    pub(super) async fn on_messenger(
        &self,
        worker: &Worker,
        speaker: &Speaker,
        claimed: &Claimed,
        form: &Form,
        human: bool,
        tag: CallbackTag,
    ) -> Outcome {
        let Identity::Psid(recipient) = &claimed.message.address else {
            let message = "Only a page-scoped id is an address on Messenger.".to_owned();
            let failure = Failure { code: ErrorCode::MessageContentUnsupported, message, upstream: None };
            return Outcome::Failed { failure, no_session: false };
        };
        if form.is_slow()
            && let Err(wait) = worker.take_slow()
        {
            let wait = Span::millis(i64::try_from(wait.as_millis()).unwrap_or(1_000) + 1);
            let message = "A Page may send ten audios or videos a second.".to_owned();
            let failure = Failure { code: ErrorCode::BusinessReachedLimits, message, upstream: None };
            return Outcome::Again { not_before: self.clock.now().plus(wait), failure, uncounted: true };
        }
        let context = claimed.message.reply_to.as_deref();
        let request = |part: Part, metadata: &str| message(&Envelope { recipient, human, context, metadata }, form, part);
        if !has_two_parts(form) {
            let called = self.post(speaker, &request(Part::Last, &tag.to_string())).await;
            return self.outcome(worker, speaker, claimed, called, parse_answer).await;
        }
        if !claimed.message.attempts.iter().any(Attempt::has_sent_first_part) {
            let part = PartTag(tag);
            let called = self.post(speaker, &request(Part::First, &part.to_string())).await;
            match &called {
                Called::Answer { status, body, .. } => match parse_answer(*status, body) {
                    Answer::Accepted(accepted) => {
                        let kept = self.store.first_part(claimed.message.business, part, accepted.provider_id).await;
                        if let Err(why) = kept {
                            // Its echo will say it again; till then whether it left is not known.
                            return self.lost(claimed, format!("that the file was taken could not be stored: {why}"));
                        }
                    }
                    Answer::Refused { .. } | Answer::Garbled { .. } => {
                        return self.outcome(worker, speaker, claimed, called, parse_answer).await;
                    }
                },
                Called::Lost(_) | Called::NeverLeft(_) => {
                    return self.outcome(worker, speaker, claimed, called, parse_answer).await;
                }
            }
        }
        let called = self.post(speaker, &request(Part::Last, &tag.to_string())).await;
        match self.outcome(worker, speaker, claimed, called, parse_answer).await {
            // The first part left: an attempt that is as if it had not been would take that along.
            Outcome::Again { not_before, failure, uncounted: true } => Outcome::Again { not_before, failure, uncounted: false },
            other => other,
        }
    }

    async fn post(&self, speaker: &Speaker, body: &serde_json::Value) -> Called {
        let begun = Instant::now();
        let called = self.upstream.send(&speaker.sender.account, &speaker.token, body).await;
        telemetry::upstream_latency(begun.elapsed());
        called
    }
}
