//! What the answer to a send means, and what follows for the sender.

use transom_domain::dispatch::{Next, after_refusal, rest_after};
use transom_domain::error_code::ErrorCode;
use transom_domain::fact::Person;
use transom_domain::status::Failure;
use transom_domain::time::Span;
use transom_meta::codes::classify;
use transom_meta::send::Answer;
use transom_store::{Claimed, Outcome, Sender, UpstreamAnswer};

use super::Inner;
use super::worker::Worker;
use crate::directory::Speaker;
use crate::telemetry;
use crate::wire::Called;

/// Bytes of an answer that are kept.
const ANSWER_KEEP: usize = 4 * 1_024;

/// What became of an attempt, and what was answered, where it was.
pub(super) struct Became {
    pub(super) outcome: Outcome,
    pub(super) answer: Option<UpstreamAnswer>,
}

impl From<Outcome> for Became {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, answer: None }
    }
}

/// What is kept of an answer.
fn kept(called: &Called) -> Option<UpstreamAnswer> {
    let Called::Answer { status, body, .. } = called else { return None };
    let begin = body.get(..ANSWER_KEEP).unwrap_or(body);
    let text = String::from_utf8_lossy(begin).into_owned();
    Some(UpstreamAnswer { status: *status, body: text, cut: begin.len() < body.len() })
}

impl Inner {
    /// What became of an attempt.
    pub(super) async fn outcome(
        &self,
        worker: &Worker,
        speaker: &Speaker,
        claimed: &Claimed,
        called: Called,
        parse: fn(u16, &[u8]) -> Answer,
    ) -> Became {
        let answer = kept(&called);
        Became { outcome: self.meaning(worker, speaker, claimed, called, parse).await, answer }
    }

    async fn meaning(
        &self,
        worker: &Worker,
        speaker: &Speaker,
        claimed: &Claimed,
        called: Called,
        parse: fn(u16, &[u8]) -> Answer,
    ) -> Outcome {
        let now = self.clock.now();
        let unknown = |why: String| self.lost(claimed, why);
        let (status, body) = match called {
            Called::Answer { status, body, .. } => (status, body),
            Called::Lost(why) => return unknown(why),
            Called::NeverLeft(why) => {
                telemetry::attempt("unreachable");
                let failure = Failure {
                    code: ErrorCode::UpstreamError,
                    message: format!("Meta cannot be reached: {why}."),
                    upstream: None,
                };
                worker.rest(now.plus(Span::secs(1)));
                return Outcome::Again { not_before: now.plus(Span::secs(1)), failure, uncounted: true };
            }
        };
        match parse(status, &body) {
            Answer::Accepted(accepted) => {
                telemetry::attempt("accepted");
                let recipient = Person { phone: accepted.wa_id, bsuid: accepted.user_id, ..Person::default() };
                Outcome::Answered { provider_id: accepted.provider_id, recipient, note: accepted.held }
            }
            Answer::Garbled { .. } => unknown("the answer made no sense".to_owned()),
            Answer::Refused { error, http } => {
                let classified = classify(http, error.as_ref());
                // A fault of the server without Meta's own error object may have come after the message was taken.
                if http >= 500 && error.is_none() {
                    return unknown(format!("HTTP {http} without an error object"));
                }
                telemetry::attempt(classified.class.word());
                let said = error.as_ref().map_or_else(|| format!("HTTP {http}"), |e| format!("{} ({})", e.title, e.code));
                let failure = Failure { code: classified.native, message: format!("Meta refused: {said}."), upstream: error };
                if let Some(rest) = rest_after(classified.class) {
                    worker.rest(now.plus(rest));
                }
                if matches!(classified.class, transom_domain::failure::Class::Template) {
                    self.library.after_a_miss(speaker).await;
                }
                match after_refusal(
                    classified.class,
                    classified.curve,
                    classified.native,
                    &claimed.message.attempts,
                    now,
                    self.chance.draw_u64(),
                ) {
                    Next::Again { not_before } => Outcome::Again { not_before, failure, uncounted: false },
                    Next::Fail { no_session } => Outcome::Failed { failure, no_session },
                    Next::StopSender => {
                        // Even if the stop cannot be stored, a bad token is not tried in a hot loop.
                        worker.rest(now.plus(Span::secs(1)));
                        self.stop_sender(speaker, &failure).await;
                        Outcome::Again { not_before: now, failure, uncounted: true }
                    }
                }
            }
        }
    }

    /// The answer to an attempt was lost.
    pub(super) fn lost(&self, claimed: &Claimed, why: String) -> Outcome {
        telemetry::attempt("unknown");
        tracing::warn!(message.id = %claimed.message.id, attempt = claimed.attempt, reason = %why, "the answer to a send was lost");
        let failure = Failure {
            code: ErrorCode::OutcomeUnknown,
            message: format!("The answer to the send was lost: {why}."),
            upstream: None,
        };
        Outcome::Unknown { until: self.clock.now().plus(self.limits.unknown_wait), failure, first: false }
    }

    /// An operator's error fails nothing: it stops the sender, keeps its queue, and is told. Refused under a token that has been
    /// replaced meanwhile, it goes on with the new one.
    async fn stop_sender(&self, speaker: &Speaker, failure: &Failure) {
        let Sender { id, business, ref token, .. } = speaker.sender;
        match self.store.stop_sender(business, id, token.clone(), failure.clone(), self.clock.now()).await {
            Ok(true) => {
                tracing::error!(sender.id = %id, reason = %failure.message, "the sender is stopped; `transom doctor` says what to mend");
            }
            Ok(false) => {}
            Err(why) => tracing::error!(sender.id = %id, error = %why, "the stop of a sender could not be stored"),
        }
        if let Err(why) = self.directory.reload().await {
            tracing::error!(error = %why, "the directory could not be read");
        }
        self.relay.poke(speaker.sender.business);
    }
}
