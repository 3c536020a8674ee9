//! The dispatcher: one worker per sender claims what pace and connections let go, judges it once more, and sends it.
//!
//! Attempt before act: a claim has committed the attempts before it answers. What became of each is settled in one more
//! commit. A crash between the two leaves an attempt without an outcome, which is `unknown` and never sent as if new.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use transom_clock::WorldClock;
use transom_domain::address::{Channel, Identity};
use transom_domain::dispatch::{Next, after_refusal, rest_after};
use transom_domain::error_code::ErrorCode;
use transom_domain::fact::Person;
use transom_domain::id::SenderId;
use transom_domain::message::CallbackTag;
use transom_domain::pacing::{Bucket, Pace};
use transom_domain::status::Failure;
use transom_domain::time::{Span, Timestamp};
use transom_domain::verdict::Verdict;
use transom_meta::codes::classify;
use transom_meta::send::{Answer, Envelope, Recipient};
use transom_store::{BATCH_MAX, Claim, Claimed, Outcome, Settle, Store};

use super::relay::Relay;
use super::rest::{Post, Rest};
use crate::directory::{Directory, Speaker};
use crate::seal;
use crate::service::{Known, Leaving, Limits, facts_of, failure_of, judged, needs_phone};
use crate::telemetry;
use crate::templates::Library;
use crate::upstream::{Called, Upstream};

/// How long a worker waits after the store could not answer.
const STORE_PAUSE: Duration = Duration::from_millis(200);
/// The longest pause between two tries to store an outcome.
const SETTLE_PAUSE_MAX: Duration = Duration::from_secs(5);
/// A sender that nobody pokes is looked at this often: a poke is a hint, never what correctness rests on.
const LOOK: Span = Span::minutes(1);

/// The dispatcher; cheap to clone.
#[derive(Clone)]
pub struct Dispatcher(Arc<Inner>);

struct Inner {
    store: Arc<dyn Store>,
    clock: WorldClock,
    directory: Directory,
    library: Library,
    upstream: Upstream,
    limits: Limits,
    relay: Relay,
    rest: Rest,
    owner: u64,
    connections: Arc<Semaphore>,
    per_sender: usize,
    tasks: TaskTracker,
    stop: CancellationToken,
    workers: Mutex<HashMap<SenderId, Arc<Worker>>>,
    unknowns: OnceLock<Arc<Post>>,
    capacity: usize,
}

struct Worker {
    sender: SenderId,
    post: Arc<Post>,
    /// Machine time of the throughput bucket, in microseconds since `started`.
    bucket: Mutex<Bucket>,
    started: Instant,
    /// World time before which nothing is claimed, after a throttle.
    rest_until: Mutex<Timestamp>,
    slots: Arc<Semaphore>,
}

/// What the dispatcher is made of.
pub struct DispatcherParts {
    /// The store.
    pub store: Arc<dyn Store>,
    /// World time.
    pub clock: WorldClock,
    /// Senders.
    pub directory: Directory,
    /// Templates.
    pub library: Library,
    /// Meta.
    pub upstream: Upstream,
    /// Limits.
    pub limits: Limits,
    /// Who tells of outcomes.
    pub relay: Relay,
    /// Where workers are posted.
    pub rest: Rest,
    /// New at every start.
    pub owner: u64,
    /// Calls upstream at once, all senders together.
    pub connections: usize,
    /// Calls upstream at once of one sender.
    pub per_sender: usize,
    /// Where tasks are tracked until they end.
    pub tasks: TaskTracker,
    /// Claims stop when it is cancelled.
    pub stop: CancellationToken,
}

impl Dispatcher {
    /// Makes it; workers start with the senders of the directory.
    #[must_use]
    pub fn new(parts: DispatcherParts) -> Self {
        let DispatcherParts {
            store,
            clock,
            directory,
            library,
            upstream,
            limits,
            relay,
            rest,
            owner,
            connections,
            per_sender,
            tasks,
            stop,
        } = parts;
        Self(Arc::new(Inner {
            store,
            clock,
            directory,
            library,
            upstream,
            limits,
            relay,
            rest,
            owner,
            connections: Arc::new(Semaphore::new(connections)),
            per_sender,
            tasks,
            stop,
            workers: Mutex::default(),
            unknowns: OnceLock::new(),
            capacity: connections,
        }))
    }

    /// Who is poked when an answer was lost.
    pub fn tell_of_unknowns(&self, post: Arc<Post>) {
        let _ = self.0.unknowns.set(post);
    }

    /// There may be something to send through this sender.
    pub fn poke(&self, sender: SenderId) {
        if let Some(worker) = self.0.workers.lock().unwrap_or_else(PoisonError::into_inner).get(&sender) {
            worker.post.poke();
        }
    }

    /// So many messages of this sender came in: they count towards its throughput.
    pub fn heard(&self, speaker: &Speaker, count: u32) {
        if let Some(worker) = self.0.workers.lock().unwrap_or_else(PoisonError::into_inner).get(&speaker.sender.id) {
            worker.spend(pace_of(speaker), count);
        }
    }

    /// How many calls upstream are under way.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.0.capacity.saturating_sub(self.0.connections.available_permits())
    }

    /// Starts a worker for every sender that has none, and wakes all: senders were added, stopped or mended.
    pub fn follow_directory(&self) {
        let mut workers = self.0.workers.lock().unwrap_or_else(PoisonError::into_inner);
        for speaker in self.0.directory.now().all() {
            let worker = workers.entry(speaker.sender.id).or_insert_with(|| {
                let worker = Arc::new(Worker {
                    sender: speaker.sender.id,
                    post: self.0.rest.post(),
                    bucket: Mutex::default(),
                    started: Instant::now(),
                    rest_until: Mutex::new(Timestamp::EPOCH),
                    slots: Arc::new(Semaphore::new(self.0.per_sender)),
                });
                self.0.tasks.spawn(self.0.clone().work(worker.clone()));
                worker
            });
            worker.post.poke();
        }
    }
}

fn pace_of(speaker: &Speaker) -> Pace {
    // A quarter of a second's worth may go at once: small against Meta's own second, large enough to fill a batch.
    Pace::per_second(speaker.sender.throughput, speaker.sender.throughput / 4)
}

impl Worker {
    fn micros(&self) -> i64 {
        i64::try_from(self.started.elapsed().as_micros()).unwrap_or(i64::MAX)
    }

    fn spend(&self, pace: Pace, count: u32) {
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        *bucket = pace.take(*bucket, self.micros(), count);
    }

    /// How many may go now, and if none, how long until one may.
    fn room(&self, pace: Pace) -> Result<u32, Duration> {
        let bucket = *self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.micros();
        match pace.room(bucket, now) {
            0 => Err(Duration::from_micros(u64::try_from(pace.next(bucket) - now).unwrap_or(0).max(100))),
            room => Ok(room),
        }
    }

    fn rest(&self, until: Timestamp) {
        let mut rest_until = self.rest_until.lock().unwrap_or_else(PoisonError::into_inner);
        *rest_until = until.max(*rest_until);
    }
}

impl Inner {
    async fn work(self: Arc<Self>, worker: Arc<Worker>) {
        let mut due = None;
        loop {
            let busy = tokio::select! {
                busy = worker.post.wait(due) => busy,
                () = self.stop.cancelled() => return,
            };
            // A round is never cut short: a claim that was committed must be sent, or its messages would count as unknown.
            due = self.round(&worker).await;
            busy.until(due);
        }
    }

    /// Claims and sends until nothing is due; says when something will be.
    async fn round(self: &Arc<Self>, worker: &Arc<Worker>) -> Option<Timestamp> {
        while !self.stop.is_cancelled() {
            let speaker = self.directory.now().sender(worker.sender).cloned()?;
            if speaker.stopped().is_some() || speaker.sender.channel == Channel::Messenger {
                return None;
            }
            let now = self.clock.now();
            let rest_until = *worker.rest_until.lock().unwrap_or_else(PoisonError::into_inner);
            if rest_until > now {
                return Some(rest_until);
            }
            let pace = pace_of(&speaker);
            let room = match worker.room(pace) {
                Ok(room) => room as usize,
                Err(wait) => {
                    tokio::time::sleep(wait).await;
                    continue;
                }
            };
            // At least one free connection; then as many as are free without waiting.
            let first = tokio::select! {
                slot = worker.slots.clone().acquire_owned() => slot.ok()?,
                () = self.stop.cancelled() => return None,
            };
            let mut slots = vec![first];
            while slots.len() < room.min(BATCH_MAX)
                && let Ok(slot) = worker.slots.clone().try_acquire_owned()
            {
                slots.push(slot);
            }
            let first = tokio::select! {
                connection = self.connections.clone().acquire_owned() => connection.ok()?,
                () = self.stop.cancelled() => return None,
            };
            let mut connections = vec![first];
            while connections.len() < slots.len()
                && let Ok(connection) = self.connections.clone().try_acquire_owned()
            {
                connections.push(connection);
            }
            let claim = Claim {
                sender: worker.sender,
                limit: connections.len().min(slots.len()),
                owner: self.owner,
                now,
                pair_gap: self.limits.pair_gap,
                pair_burst: self.limits.pair_burst,
            };
            let claims = match self.store.claim(claim).await {
                Ok(claims) => claims,
                Err(why) => {
                    tracing::warn!(sender.id = %worker.sender, error = %why, "claiming failed");
                    tokio::time::sleep(STORE_PAUSE).await;
                    continue;
                }
            };
            if claims.claimed.is_empty() {
                // Messages that were expired by the claim have events.
                self.relay.poke(speaker.sender.business);
                return Some(claims.next_due.unwrap_or(Timestamp::FAR).min(now.plus(LOOK)));
            }
            worker.spend(pace, u32::try_from(claims.claimed.len()).unwrap_or(u32::MAX));
            for claimed in claims.claimed {
                let permits = (slots.pop(), connections.pop());
                let (this, worker, speaker) = (self.clone(), worker.clone(), speaker.clone());
                let busy = worker.post.busy();
                self.tasks.spawn(async move {
                    this.dispatch(&worker, &speaker, claimed, permits).await;
                    drop(busy);
                });
            }
        }
        None
    }

    async fn dispatch(
        &self,
        worker: &Worker,
        speaker: &Speaker,
        claimed: Claimed,
        permits: (Option<OwnedSemaphorePermit>, Option<OwnedSemaphorePermit>),
    ) {
        let (business, message, attempt) = (claimed.message.business, claimed.message.id, claimed.attempt);
        let (verdict, outcome) = self.attempt(worker, speaker, &claimed).await;
        drop(permits);
        let settle = Settle { business, message, attempt, verdict, outcome };
        let mut pause = STORE_PAUSE;
        loop {
            match self.store.settle(vec![settle.clone()], self.clock.now()).await {
                Ok(_) => break,
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
        }
        if matches!(settle.outcome, Outcome::Unknown { .. })
            && let Some(post) = self.unknowns.get()
        {
            post.poke();
        }
        worker.post.poke();
        self.relay.poke(business);
    }

    /// One attempt: judged again, sent, and what became of it.
    async fn attempt(&self, worker: &Worker, speaker: &Speaker, claimed: &Claimed) -> (Option<Verdict>, Outcome) {
        let message = &claimed.message;
        let now = self.clock.now();
        let failed = |failure: Failure| Outcome::Failed { failure, no_session: false };
        let plain = |code: ErrorCode, message: &str| Failure { code, message: message.to_owned(), upstream: None };
        let Some(draft) = &message.draft else {
            return (None, failed(plain(ErrorCode::Unspecified, "The message has no content any more.")));
        };
        let shelf = match &speaker.sender.waba {
            Some(waba) => match self.library.shelf(message.business, waba).await {
                Ok(shelf) => shelf,
                Err(why) => {
                    let failure = plain(ErrorCode::StoreUnavailable, &why.to_string());
                    return (None, Outcome::Again { not_before: now.plus(Span::secs(1)), failure, uncounted: true });
                }
            },
            None => Arc::default(),
        };
        let session = claimed.evidence.at(now);
        let facts = facts_of(&message.address, claimed.facts);
        let judged = match judged(draft, &shelf, Known { channel: message.channel, session, customer: facts, stopped: None }) {
            Ok(judged) => judged,
            Err(problem) => return (None, failed(Failure { code: problem.code, message: problem.message, upstream: None })),
        };
        let verdict = judged.verdict;
        let Some(leaving) = judged.leaving else {
            let failure = failure_of(&verdict, session);
            return (Some(verdict), failed(failure));
        };
        let phone = claimed.phone.as_ref();
        let recipient = match (&message.address, phone) {
            (Identity::Phone(phone), _) => Recipient::To(phone),
            (Identity::Bsuid(_), Some(phone)) if needs_phone(verdict.category) => Recipient::To(phone),
            (Identity::Bsuid(bsuid), _) => Recipient::Recipient(bsuid),
            (Identity::Psid(_), _) => {
                return (Some(verdict), failed(plain(ErrorCode::MessageContentUnsupported, "Messenger cannot be sent to yet.")));
            }
        };
        let tag = CallbackTag { message: message.id, attempt: claimed.attempt }.to_string();
        let envelope = Envelope { recipient, context: message.reply_to.as_deref(), callback: &tag };
        let body = match &leaving {
            Leaving::FreeForm(say) => transom_meta::send::free_form(&envelope, say),
            Leaving::Template(send) => transom_meta::send::template(&envelope, send),
        };
        let begun = Instant::now();
        let called = self.upstream.send(&speaker.sender.account, &speaker.token, &body).await;
        telemetry::upstream_latency(begun.elapsed());
        let outcome = self.outcome(worker, speaker, claimed, called).await;
        (Some(verdict), outcome)
    }

    async fn outcome(&self, worker: &Worker, speaker: &Speaker, claimed: &Claimed, called: Called) -> Outcome {
        let now = self.clock.now();
        let unknown = |why: String| {
            telemetry::attempt("unknown");
            tracing::warn!(message.id = %claimed.message.id, attempt = claimed.attempt, reason = %why, "the answer to a send was lost");
            let failure = Failure {
                code: ErrorCode::OutcomeUnknown,
                message: format!("The answer to the send was lost: {why}."),
                upstream: None,
            };
            Outcome::Unknown { until: now.plus(self.limits.unknown_wait), failure }
        };
        let (status, body) = match called {
            Called::Answer { status, body } => (status, body),
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
        match transom_meta::send::parse_answer(status, &body) {
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
                    seal::chance() as u64,
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

    /// An operator's error fails nothing: it stops the sender, keeps its queue, and is told.
    async fn stop_sender(&self, speaker: &Speaker, failure: &Failure) {
        let id = speaker.sender.id;
        if self.directory.now().sender(id).is_some_and(|present| present.token != speaker.token) {
            // Refused under a token that has been replaced meanwhile.
            return;
        }
        tracing::error!(sender.id = %id, reason = %failure.message, "the sender is stopped; `transom doctor` says what to mend");
        let stored = self.store.set_sender_state(speaker.sender.business, id, Some(failure.clone()), self.clock.now()).await;
        if let Err(why) = stored {
            tracing::error!(sender.id = %id, error = %why, "the stop of a sender could not be stored");
        }
        if let Err(why) = self.directory.reload().await {
            tracing::error!(error = %why, "the directory could not be read");
        }
        self.relay.poke(speaker.sender.business);
    }
}
