//! The relay: each webhook endpoint follows the stream of its business by a cursor.
//!
//! A delivery row exists only once an attempt has failed or must wait behind one that did. Within a conversation events are
//! told in order; a failing one holds back only its own conversation.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ::http::Request;
use arc_swap::ArcSwap;
use futures::stream::{FuturesUnordered, StreamExt as _};
use tokio_util::sync::CancellationToken;

use transom_clock::WorldClock;
use transom_domain::event::Event;
use transom_domain::failure::Curve;
use transom_domain::id::{BusinessId, CustomerId, EndpointId, SenderId};
use transom_domain::time::{Span, Timestamp};
use transom_store::{BATCH_MAX, Endpoint, EndpointState, RelayRound, Store, StoreError};

use super::listeners::Listeners;
use super::rest::{Post, Rest};
use super::tasks::Tasks;
use crate::chance::Chance;
use crate::directory::Directory;
use crate::media::links::Links;
use crate::native::payload::{payload, tells};
use crate::service::AddressRules;
use crate::signing::Signer;
use crate::telemetry;
use crate::wire::{Called, Wanted, Wire};

/// Deliveries under way at once to one endpoint.
const AT_ONCE: usize = 16;
/// Largest answer of an endpoint that is read; nothing in it is used but the status.
const ANSWER_MAX: usize = 20 * 1024;
/// How long a worker waits after the store could not answer.
const STORE_PAUSE: Duration = Duration::from_millis(500);

/// The longest pause between two tries to record deliveries.
const STORE_PAUSE_MAX: Duration = Duration::from_secs(10);
/// An endpoint that nobody pokes is looked at this often: a poke is a hint, never what correctness rests on.
const LOOK: Span = Span::minutes(1);

type Conversation = Option<(SenderId, CustomerId)>;

/// The relay; cheap to clone.
#[derive(Clone)]
pub struct Relay(Arc<Inner>);

struct Inner {
    store: Arc<dyn Store>,
    clock: WorldClock,
    directory: Directory,
    links: Arc<Links>,
    addresses: AddressRules,
    wire: Arc<dyn Wire>,
    rest: Rest,
    chance: Chance,
    tasks: Tasks,
    stop: CancellationToken,
    /// Readers of the stream, woken by the same poke.
    listeners: Listeners,
    workers: Mutex<BTreeMap<EndpointId, Worker>>,
    /// The workers' posts by business: what a poke looks at, once per message.
    posts: ArcSwap<BTreeMap<BusinessId, Vec<Arc<Post>>>>,
}

struct Worker {
    endpoint: Endpoint,
    post: Arc<Post>,
    stop: CancellationToken,
    task: Option<tokio::task::JoinHandle<()>>,
}

impl Relay {
    /// Makes it; [`Relay::reload`] starts a worker per endpoint.
    #[expect(clippy::too_many_arguments, reason = "called once, where the house is put together")]
    #[must_use]
    pub fn new(
        store: Arc<dyn Store>,
        clock: WorldClock,
        directory: Directory,
        addresses: AddressRules,
        wire: Arc<dyn Wire>,
        links: Arc<Links>,
        rest: Rest,
        chance: Chance,
        tasks: Tasks,
        stop: CancellationToken,
    ) -> Self {
        Self(Arc::new(Inner {
            store,
            clock,
            directory,
            links,
            addresses,
            wire,
            rest,
            chance,
            tasks,
            stop,
            listeners: Listeners::default(),
            workers: Mutex::default(),
            posts: ArcSwap::default(),
        }))
    }

    /// There may be events of this business.
    pub fn poke(&self, business: BusinessId) {
        for post in self.0.posts.load().get(&business).into_iter().flatten() {
            post.poke();
        }
        self.0.listeners.poke(business);
    }

    /// Readers of the stream, who are woken when the workers are.
    #[must_use]
    pub fn listeners(&self) -> &Listeners {
        &self.0.listeners
    }

    /// Follows the store's endpoints: starts, restarts and stops workers.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn reload(&self) -> Result<(), StoreError> {
        let endpoints = self.0.store.endpoints(None).await?;
        let known: BTreeSet<EndpointId> = endpoints.iter().map(|e| e.id).collect();
        let mut workers = self.0.workers.lock().unwrap_or_else(PoisonError::into_inner);
        workers.retain(|id, worker| {
            let stays = known.contains(id);
            if !stays {
                worker.stop.cancel();
            }
            stays
        });
        for endpoint in endpoints {
            let mut before = None;
            if let Some(worker) = workers.get_mut(&endpoint.id) {
                if same_wish(&worker.endpoint, &endpoint) {
                    continue;
                }
                worker.stop.cancel();
                before = worker.task.take();
            }
            if endpoint.state.disabled.is_some() {
                // One that is switched off has no worker, and so nothing that a turned clock would wait for.
                workers.remove(&endpoint.id);
                continue;
            }
            let (post, stop) = (self.0.rest.post(), self.0.stop.child_token());
            let (this, id) = (self.0.clone(), endpoint.id);
            let follow = this.follow(endpoint.clone(), before, post.clone(), stop.clone());
            let task = Some(self.0.tasks.spawn(follow));
            workers.insert(id, Worker { endpoint, post, stop, task });
        }
        self.0.publish(&workers);
        Ok(())
    }
}

/// Whether two rows of an endpoint ask for the same work; the cursor and the count of failures are the worker's own.
fn same_wish(one: &Endpoint, other: &Endpoint) -> bool {
    one.address == other.address
        && one.filter == other.filter
        && one.echo == other.echo
        && one.state.disabled == other.state.disabled
}

/// What is to be told in one go: events of one conversation, in order.
struct Strand {
    conversation: Conversation,
    /// Event, and tries so far.
    events: Vec<(Event, u32, Timestamp)>,
}

enum Told {
    /// Told, or nothing to tell.
    Over(u64),
    /// To be tried again, or waiting behind one that is.
    Waits { position: u64, conversation: Conversation, tried: u32, due: Timestamp, error: String },
}

impl Inner {
    async fn follow(
        self: Arc<Self>,
        endpoint: Endpoint,
        before: Option<tokio::task::JoinHandle<()>>,
        post: Arc<Post>,
        stop: CancellationToken,
    ) {
        if let Some(before) = before {
            // The worker before a change finishes its round first, so that nothing is told twice or out of order.
            let _ = before.await;
        }
        let mut state = endpoint.state.clone();
        let mut due = None;
        while state.disabled.is_none() {
            let busy = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                busy = post.wait(due) => busy,
            };
            // A round is not cut short by a change of the endpoint: what was told must be recorded as told.
            due = self.round(&endpoint, &mut state, &stop).await;
            busy.until(due);
        }
        // Switched off by its own answer: forgotten, so that switching it on again starts a new worker.
        let mut workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        if workers.get(&endpoint.id).is_some_and(|worker| Arc::ptr_eq(&worker.post, &post)) {
            workers.remove(&endpoint.id);
            self.publish(&workers);
        }
    }

    /// Makes the workers known to those who poke.
    fn publish(&self, workers: &BTreeMap<EndpointId, Worker>) {
        let mut posts: BTreeMap<BusinessId, Vec<Arc<Post>>> = BTreeMap::new();
        for worker in workers.values() {
            posts.entry(worker.endpoint.business).or_default().push(worker.post.clone());
        }
        self.posts.store(Arc::new(posts));
    }

    async fn round(&self, endpoint: &Endpoint, state: &mut EndpointState, stop: &CancellationToken) -> Option<Timestamp> {
        loop {
            if stop.is_cancelled() || state.disabled.is_some() {
                return None;
            }
            let now = self.clock.now();
            let work = match self.store.relay_work(endpoint.id, now, BATCH_MAX).await {
                Ok(work) => work,
                Err(why) => {
                    tracing::warn!(endpoint.id = %endpoint.id, error = %why, "events could not be read");
                    tokio::time::sleep(STORE_PAUSE).await;
                    continue;
                }
            };
            if work.fresh.is_empty() && work.due.is_empty() {
                return Some(work.next_due.unwrap_or(Timestamp::FAR).min(now.plus(LOOK)));
            }
            let Some(signer) = self.directory.now().signer(endpoint.business).cloned() else {
                tracing::error!(endpoint.id = %endpoint.id, "its business has no webhook secret yet");
                return Some(now.plus(LOOK));
            };
            let due: BTreeSet<u64> = work.due.iter().map(|d| d.event.position).collect();
            let (strands, mut told) = self.strands(endpoint, work.fresh, work.due, now);
            let mut running = FuturesUnordered::new();
            let mut strands = strands.into_iter();
            loop {
                while running.len() < AT_ONCE
                    && let Some(strand) = strands.next()
                {
                    running.push(self.tell(endpoint, &signer, strand));
                }
                match running.next().await {
                    Some((results, news)) => {
                        told.extend(results);
                        news.into_iter().for_each(|news| news.apply(state, self.clock.now()));
                    }
                    None => break,
                }
            }
            let mut waiting = Vec::new();
            let mut over = Vec::new();
            for told in told {
                match told {
                    Told::Over(position) if due.contains(&position) => over.push(position),
                    Told::Over(_) => {}
                    Told::Waits { position, conversation, tried, due, error } => {
                        waiting.push((position, conversation, tried, due, error));
                    }
                }
            }
            let round = RelayRound {
                endpoint: endpoint.id,
                cursor: work.looked_to,
                waiting,
                over,
                state: state.clone(),
                now: self.clock.now(),
            };
            // What was told must be recorded before anything is read again, or it would be told again.
            let mut pause = STORE_PAUSE;
            while let Err(why) = self.store.relay_settle(round.clone()).await {
                tracing::error!(endpoint.id = %endpoint.id, error = %why, "deliveries could not be recorded yet");
                if self.stop.is_cancelled() {
                    return None;
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(STORE_PAUSE_MAX);
            }
        }
    }

    /// Sorts the work into strands of one conversation each. Events nobody here wants are over at once; events behind an
    /// outstanding delivery wait.
    fn strands(
        &self,
        endpoint: &Endpoint,
        fresh: Vec<(Event, bool)>,
        due: Vec<transom_store::DueDelivery>,
        now: Timestamp,
    ) -> (Vec<Strand>, Vec<Told>) {
        let mut told = Vec::new();
        let mut strands: BTreeMap<Conversation, Strand> = BTreeMap::new();
        let mut free = Vec::new();
        let mut add = |event: Event, tried: u32, since: Timestamp| {
            let conversation = event.body.order_key();
            if conversation.is_none() {
                free.push(Strand { conversation, events: vec![(event, tried, since)] });
            } else {
                strands
                    .entry(conversation)
                    .or_insert_with(|| Strand { conversation, events: Vec::new() })
                    .events
                    .push((event, tried, since));
            }
        };
        for delivery in due {
            add(delivery.event, delivery.tried, delivery.since);
        }
        for (event, held) in fresh {
            if !wants(endpoint, &event) {
                told.push(Told::Over(event.position));
            } else if held {
                let conversation = event.body.order_key();
                told.push(Told::Waits {
                    position: event.position,
                    conversation,
                    tried: 0,
                    due: now,
                    error: "waits behind an earlier event".into(),
                });
            } else {
                add(event, 0, now);
            }
        }
        (strands.into_values().chain(free).collect(), told)
    }

    async fn tell(&self, endpoint: &Endpoint, signer: &Signer, strand: Strand) -> (Vec<Told>, Vec<News>) {
        let mut told = Vec::new();
        let mut news = Vec::new();
        let mut blocked = false;
        for (event, tried, since) in strand.events {
            let conversation = strand.conversation;
            let position = event.position;
            if blocked {
                let due = self.clock.now();
                told.push(Told::Waits { position, conversation, tried, due, error: "waits behind an earlier event".into() });
                continue;
            }
            match self.deliver(endpoint, signer, &event, tried + 1).await {
                Ok(()) => {
                    telemetry::delivery("told");
                    news.push(News::Success);
                    told.push(Told::Over(position));
                }
                Err(failure) => {
                    telemetry::delivery("failed");
                    tracing::warn!(endpoint.id = %endpoint.id, event.id = %event.id, tried = tried + 1, reason = %failure.why, "a delivery failed");
                    let wait = Curve::ENDPOINT.wait(tried + 1, self.chance.draw_u64());
                    news.push(if failure.gone { News::Gone(failure.why.clone()) } else { News::Failure(failure.why.clone()) });
                    match wait {
                        Some(wait) => {
                            let due = self.clock.now().plus(wait);
                            told.push(Told::Waits { position, conversation, tried: tried + 1, due, error: failure.why });
                            blocked = conversation.is_some();
                        }
                        None => {
                            telemetry::delivery("given_up");
                            tracing::error!(endpoint.id = %endpoint.id, event.id = %event.id, since = since.as_secs(), "a delivery was given up");
                            told.push(Told::Over(position));
                        }
                    }
                }
            }
        }
        (told, news)
    }

    async fn deliver(&self, endpoint: &Endpoint, signer: &Signer, event: &Event, attempt: u32) -> Result<(), NotTold> {
        let not_told = |why: String| NotTold { why, gone: false };
        let Some(mut payload) = payload(event, endpoint.topic) else { return Ok(()) };
        self.links.sign(event.business, &mut payload);
        let url = self.addresses.check(&endpoint.address).map_err(|problem| not_told(problem.message))?;
        let body = payload.to_string();
        let id = event.id.to_string();
        // Signature stamps go by the machine's clock: receivers compare them with theirs.
        let stamp = self.clock.machine_now().as_secs().to_string();
        let signatures = signer.sign(&id, &stamp, body.as_bytes(), self.clock.now());
        let mut request = Request::post(url.as_str())
            .header("content-type", "application/json; charset=utf-8")
            .header("webhook-id", &id)
            .header("webhook-timestamp", stamp)
            .header("webhook-signature", signatures.standard)
            .header("x-connectly-hmac-sha256", signatures.published)
            .header("x-gateway-event-id", &id)
            .header("x-gateway-attempt", attempt);
        if let Some(previous) = signatures.published_previous {
            request = request.header("x-gateway-hmac-sha256-previous", previous);
        }
        let request = request.body(body.into()).map_err(|why| not_told(why.to_string()))?;
        let begun = tokio::time::Instant::now();
        let called = self.wire.call(request, Wanted::Status(ANSWER_MAX)).await;
        telemetry::delivering(begun.elapsed());
        match called {
            Called::Answer { status: 200..=299, .. } => Ok(()),
            Called::Answer { status: 410, .. } => Err(NotTold { why: "HTTP 410: the endpoint is gone".to_owned(), gone: true }),
            Called::Answer { status, .. } => Err(not_told(format!("HTTP {status}"))),
            Called::NeverLeft(why) | Called::Lost(why) => Err(not_told(why)),
        }
    }
}

struct NotTold {
    why: String,
    gone: bool,
}

enum News {
    Success,
    Failure(String),
    Gone(String),
}

impl News {
    fn apply(self, state: &mut EndpointState, now: Timestamp) {
        match self {
            Self::Success => {
                state.failures = 0;
                state.last_success = Some(now);
            }
            Self::Failure(why) => {
                state.failures = state.failures.saturating_add(1);
                state.last_error = Some(why);
            }
            Self::Gone(why) => {
                state.last_error = Some(why.clone());
                state.disabled = Some(why);
            }
        }
    }
}

/// Whether an endpoint's topic and filters let an event through.
fn wants(endpoint: &Endpoint, event: &Event) -> bool {
    // What the business wrote itself is told to those who asked for it.
    let is_echo = matches!(event.body, transom_domain::event::EventBody::MessageEchoed { .. });
    tells(endpoint.topic, event) && (endpoint.echo || !is_echo) && endpoint.filter.fits(event)
}
