//! One attempt on Messenger: one call, or two where a text follows a file.
//!
//! Messenger takes no key against repetition and no tag that comes back with statuses, but it gives `message.metadata` back with the
//! echo of a message. It holds the attempt's tag, so that an echo settles an attempt whose answer was lost. Of two calls only the
//! second has the tag of the attempt. That the first was taken is committed before the second leaves, and is known again by its echo after a
//! crash: whatever comes then goes on with the second. Where the answer to the first was lost, its echo is all that is waited for.

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
use super::outcome::Became;
use super::worker::Worker;
use crate::directory::Speaker;
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
    ) -> Became {
        let Identity::Psid(recipient) = &claimed.message.address else {
            let message = "Only a page-scoped id is an address on Messenger.".to_owned();
            let failure = Failure { code: ErrorCode::MessageContentUnsupported, message, upstream: None };
            return Outcome::Failed { failure, no_session: false }.into();
        };
        if form.is_slow()
            && let Err(wait) = worker.take_slow()
        {
            let wait = Span::millis(i64::try_from(wait.as_millis()).unwrap_or(1_000) + 1);
            let message = "A Page may send ten audios or videos a second.".to_owned();
            let failure = Failure { code: ErrorCode::BusinessReachedLimits, message, upstream: None };
            return Outcome::Again { not_before: self.clock.now().plus(wait), failure, uncounted: true }.into();
        }
        let context = claimed.message.reply_to.as_deref();
        let request = |part: Part, metadata: &str| message(&Envelope { recipient, human, context, metadata }, form, part);
        if !has_two_parts(form) {
            let called = self.post(worker, speaker, &request(Part::Last, &tag.to_string())).await;
            return self.outcome(worker, speaker, claimed, called, parse_answer).await;
        }
        if !claimed.message.attempts.iter().any(Attempt::has_sent_first_part) {
            let part = PartTag(tag);
            let called = self.post(worker, speaker, &request(Part::First, &part.to_string())).await;
            match &called {
                Called::Answer { status, body, .. } => match parse_answer(*status, body) {
                    Answer::Accepted(accepted) => {
                        let why = match self.store.first_part(claimed.message.business, part, accepted.provider_id).await {
                            Ok(true) => None,
                            Ok(false) => Some("the message was taken over by another process meanwhile".to_owned()),
                            // Its echo will say it again; till then whether it left is not known.
                            Err(why) => Some(format!("that the file was taken could not be stored: {why}")),
                        };
                        if let Some(why) = why {
                            return of_the_first(self.lost(claimed, why).into());
                        }
                    }
                    Answer::Refused { .. } | Answer::Garbled { .. } => {
                        return of_the_first(self.outcome(worker, speaker, claimed, called, parse_answer).await);
                    }
                },
                Called::Lost(_) | Called::NeverLeft(_) => {
                    return of_the_first(self.outcome(worker, speaker, claimed, called, parse_answer).await);
                }
            }
        }
        let called = self.post(worker, speaker, &request(Part::Last, &tag.to_string())).await;
        let Became { outcome, answer } = self.outcome(worker, speaker, claimed, called, parse_answer).await;
        let outcome = match outcome {
            // The first part left: an attempt that is as if it had not been would take that along.
            Outcome::Again { not_before, failure, uncounted: true } => Outcome::Again { not_before, failure, uncounted: false },
            other => other,
        };
        Became { outcome, answer }
    }
}

/// What became of the first of two calls, when the second was not begun.
fn of_the_first(became: Became) -> Became {
    let outcome = match became.outcome {
        Outcome::Unknown { until, failure, first: _ } => Outcome::Unknown { until, failure, first: true },
        other => other,
    };
    Became { outcome, ..became }
}
