//! One attempt: judged again on what stands in the claim, sent, and its outcome stored.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use transom_domain::error_code::ErrorCode;
use transom_domain::message::CallbackTag;
use transom_domain::status::Failure;
use transom_domain::time::Span;
use transom_domain::verdict::Verdict;
use transom_meta::send::Envelope;
use transom_store::{Claimed, Outcome, Settle};

use super::Inner;
use super::outcome::Became;
use super::round::STORE_PAUSE;
use super::seats::Seat;
use super::worker::Worker;
use crate::directory::Speaker;
use crate::media::hand_over::{NotHanded, misses_a_file};
use crate::service::one_time_code;
use crate::service::{Known, Leaving, Prejudged, facts_of, failure_since, judged, recipient_of};
use crate::telemetry;
use crate::traces::{Kind, Span as Traced, Trace};
use crate::wire::Called;

/// The longest pause between two tries to store an outcome.
const SETTLE_PAUSE_MAX: Duration = Duration::from_secs(5);

impl Inner {
    /// Posts a message to Meta, unless the lease is over, or was meanwhile, or the sender was given back: then another replica may speak
    /// for it by now, and nothing leaves.
    pub(super) async fn post(&self, worker: &Worker, speaker: &Speaker, body: &serde_json::Value) -> Called {
        if !self.holdings.is_current_for(worker.owner) || worker.is_shut() {
            telemetry::send_held_back();
            return Called::NeverLeft("this replica may not speak for the sender any more".to_owned());
        }
        let begun = Instant::now();
        let called = self.upstream.send(&speaker.sender.account, &speaker.token, body).await;
        telemetry::upstream_latency(begun.elapsed());
        // Renewed under another name meanwhile, the lease under which it was sent is over all the same.
        if !self.holdings.is_current_for(worker.owner) {
            telemetry::send_outlived_lease();
        }
        called
    }

    pub(super) async fn dispatch(
        &self,
        worker: &Worker,
        speaker: &Speaker,
        claimed: Claimed,
        seat: Option<Seat>,
        prejudged: Option<Prejudged>,
    ) {
        let (business, message, attempt) = (claimed.message.business, claimed.message.id, claimed.attempt);
        let span = self.traced(&claimed);
        let (verdict, Became { outcome, answer }) = self.attempt(worker, speaker, &claimed, prejudged).await;
        drop(seat);
        if let Some(span) = span {
            let (word, failure) = in_a_word(&outcome);
            span.with("transom.outcome", word).failed(failure.map(|failure| failure.code.as_str())).end();
        }
        let settle = Settle { business, message, attempt, verdict, outcome, answer };
        let mut pause = STORE_PAUSE;
        let settled = loop {
            match self.store.settle(vec![settle.clone()], self.clock.now()).await {
                Ok(settled) => break settled,
                // Until it is stored or the process stops: an attempt without an outcome would hold its lane. After a stop
                // recovery makes it unknown, and a status can still settle it.
                Err(why) => {
                    tracing::error!(message.id = %message, error = %why, "an outcome could not be stored yet");
                    if self.stop.is_cancelled() {
                        return;
                    }
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(SETTLE_PAUSE_MAX);
                }
            }
        };
        if matches!(settle.outcome, Outcome::Unknown { .. })
            && let Some(post) = self.unknowns.get()
        {
            post.poke();
        }
        // A look costs a commit: it is for those who have something to look for.
        if settled.iter().any(|settled| settled.others_wait) {
            worker.post.poke();
        }
        if settled.iter().any(|settled| settled.told) {
            self.relay.poke(business);
        }
    }

    /// The span of an attempt, beside that of the wait before it; none where the message is not traced. The wait is counted by the
    /// world's clock, as it was waited.
    fn traced(&self, claimed: &Claimed) -> Option<Traced> {
        let message = &claimed.message;
        let trace = Trace::of(message.id, message.origin.as_ref())?;
        let tried = message.attempts.iter().rev().nth(1).map_or(message.accepted_at, |before| before.at);
        let waited = u64::try_from(self.clock.now().since(tried).as_millis()).unwrap_or_default();
        let now = SystemTime::now();
        let since = now.checked_sub(Duration::from_millis(waited)).unwrap_or(now);
        trace.span("claim", Kind::Internal).since(since).with("transom.attempt", claimed.attempt).end();
        let span = trace.span("send", Kind::Client).with("transom.attempt", claimed.attempt);
        Some(span.with("transom.sender.id", message.sender.to_string()))
    }

    /// One attempt: judged again, sent, and what became of it.
    async fn attempt(
        &self,
        worker: &Worker,
        speaker: &Speaker,
        claimed: &Claimed,
        prejudged: Option<Prejudged>,
    ) -> (Option<Verdict>, Became) {
        let message = &claimed.message;
        let now = self.clock.now();
        let failed = |failure: Failure| Became::from(Outcome::Failed { failure, no_session: false });
        let plain = |code: ErrorCode, message: &str| Failure { code, message: message.to_owned(), upstream: None };
        let Some(draft) = &message.draft else {
            return (None, failed(plain(ErrorCode::Unspecified, "The message has no content any more.")));
        };
        let shelf = match &speaker.sender.waba {
            Some(waba) => match self.library.shelf(message.business, waba).await {
                Ok(shelf) => shelf,
                Err(why) => {
                    let failure = plain(ErrorCode::StoreUnavailable, &why.to_string());
                    let again = Outcome::Again { not_before: now.plus(Span::secs(1)), failure, uncounted: true };
                    return (None, again.into());
                }
            },
            None => Arc::default(),
        };
        let session = claimed.evidence.at(now);
        let facts = facts_of(&message.address, claimed.facts);
        let human_until = claimed.evidence.human_until(now);
        let known = Known { channel: message.channel, session, customer: facts, stopped: None, human_until };
        let (judged, said) = match prejudged.and_then(|before| before.still(&shelf, known)) {
            // The same question has the same answer, and it is stored already.
            Some(judged) => (judged, None),
            None => match one_time_code::opened(draft, &self.key).and_then(|draft| judged(&draft, &shelf, known)) {
                Ok(judged) => {
                    let said = Some(judged.verdict.clone());
                    (judged, said)
                }
                Err(problem) => return (None, failed(Failure { code: problem.code, message: problem.message, upstream: None })),
            },
        };
        let verdict = judged.verdict;
        let Some(mut leaving) = judged.leaving else {
            return (said, failed(failure_since(message.verdict.as_ref(), &shelf, &verdict, session)));
        };
        let handed = match self.files.hand_over(&self.upstream, speaker, &mut leaving).await {
            Ok(handed) => handed,
            Err(NotHanded::Failed(failure)) => return (said, failed(failure)),
            // Nothing of the message has left.
            Err(NotHanded::Answered(called)) => {
                return (said, self.outcome(worker, speaker, claimed, called, transom_meta::send::parse_answer).await);
            }
        };
        let tag = CallbackTag { message: message.id, attempt: claimed.attempt };
        let leaving = match leaving {
            Leaving::Messenger { form, human } => {
                return (said, self.on_messenger(worker, speaker, claimed, &form, human, tag).await);
            }
            other => other,
        };
        let Some(recipient) = recipient_of(&message.address, claimed.phone.as_ref(), verdict.category) else {
            let failure = plain(ErrorCode::MessageContentUnsupported, "A page-scoped id is no address on WhatsApp.");
            return (said, failed(failure));
        };
        let tag = tag.to_string();
        let envelope = Envelope { recipient, context: message.reply_to.as_deref(), callback: &tag };
        let body = match &leaving {
            Leaving::FreeForm(say) => transom_meta::send::free_form(&envelope, say),
            Leaving::Template(send) => transom_meta::send::template(&envelope, send),
            Leaving::Messenger { .. } => {
                return (said, failed(plain(ErrorCode::Unspecified, "An unexpected failure on our side.")));
            }
        };
        let called = self.post(worker, speaker, &body).await;
        if !handed.reused.is_empty() && misses_a_file(&called) {
            // Meta has let go of an upload before its time: the next attempt uploads it anew, and what is refused then is refused.
            self.files.forget_handed(speaker, &handed).await;
            let failure =
                plain(ErrorCode::MediaDownloadFailed, "Meta does not know an uploaded file any more; it is uploaded again.");
            return (said, Outcome::Again { not_before: now, failure, uncounted: false }.into());
        }
        let outcome = self.outcome(worker, speaker, claimed, called, transom_meta::send::parse_answer).await;
        (said, outcome)
    }
}

/// An outcome as spans tell it, with why.
fn in_a_word(outcome: &Outcome) -> (&'static str, Option<&Failure>) {
    match outcome {
        Outcome::Answered { .. } => ("accepted", None),
        Outcome::Unknown { failure, .. } => ("unknown", Some(failure)),
        Outcome::Again { failure, .. } => ("again", Some(failure)),
        Outcome::Failed { failure, .. } => ("failed", Some(failure)),
    }
}
