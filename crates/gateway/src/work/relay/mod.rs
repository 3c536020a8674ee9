//! The relay: each webhook endpoint follows the stream of its business by a cursor, with a worker of its own, so that none waits for
//! another.
//!
//! A delivery row exists only once an attempt has failed or must wait behind one that did. What was told is known by the cursor,
//! which is written down behind the telling: what lies in between is told again after a crash.

mod answers;
mod call;
mod callbacks;
mod follow;
mod letter;
mod line;
mod plan;
mod raw;
mod reprint;
mod vitals;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use transom_clock::WorldClock;
use transom_domain::holding::Thing;
use transom_domain::id::{BusinessId, EndpointId, EventId};
use transom_domain::time::{Span, Timestamp};
use transom_store::{Endpoint, Role, Store, StoreError};

use super::listeners::Listeners;
use super::outage::Outage;
use super::replicas::{Hints, Holdings};
use super::rest::{Post, Rest};
use super::tasks::Tasks;
use crate::chance::Chance;
use crate::directory::Directory;
use crate::media::links::Links;
use crate::seal::SealingKey;
use crate::service::{AddressRules, Service, WeakService};
use crate::twilio::callback::replies::Pairs;
use crate::wire::Wire;

use answers::Answers;
use line::Line;

pub(crate) use answers::Remembered;
pub use call::Tested;
pub(crate) use line::Asked;
pub(crate) use plan::wants;
pub(crate) use reprint::Printed;

/// With so many endpoints of one business at most, a poke goes to each of their workers; with more, to one task that goes round:
/// whoever pokes does it once per message.
const POKED_AT_ONCE: usize = 4;

/// The relay; cheap to clone.
#[derive(Clone)]
pub struct Relay(Arc<Inner>);

/// What the relay is made of.
pub struct RelayParts {
    /// The store.
    pub store: Arc<dyn Store>,
    /// World time.
    pub clock: WorldClock,
    /// What published registrations are signed with.
    pub directory: Directory,
    /// What secrets of endpoints are sealed with.
    pub key: Arc<SealingKey>,
    /// Which addresses may be called.
    pub addresses: AddressRules,
    /// The way to endpoints.
    pub wire: Arc<dyn Wire>,
    /// What puts a fresh link beside each file.
    pub links: Arc<Links>,
    /// Which endpoints it tells.
    pub holdings: Holdings,
    /// To the replicas that tell the others.
    pub hints: Hints,
    /// Who knows when everybody rests.
    pub rest: Rest,
    /// What the spread of retries is made from.
    pub chance: Chance,
    /// Where the workers run.
    pub tasks: Tasks,
    /// How long an endpoint may take to answer, unless it says otherwise.
    pub timeout: Duration,
    /// How long an endpoint may take nothing before it is switched off.
    pub disable_after: Span,
    /// Ends it.
    pub stop: CancellationToken,
}

struct Inner {
    parts: RelayParts,
    /// Readers of the stream, woken by the same poke.
    listeners: Listeners,
    workers: Mutex<BTreeMap<EndpointId, Worker>>,
    /// All endpoints as they were read last, those too that other replicas tell.
    endpoints: ArcSwap<Vec<Endpoint>>,
    /// One reload at a time, from reading to applying: the last to be applied is the last that was read.
    reloading: tokio::sync::Mutex<()>,
    /// Workers that were stopped and may still be in a round: the next one of the same endpoint waits for it.
    leaving: Mutex<BTreeMap<EndpointId, tokio::task::JoinHandle<()>>>,
    /// Whom to wake, by business: what a poke looks at, once per message.
    bells: ArcSwap<BTreeMap<BusinessId, Bell>>,
    /// The endpoints for callbacks, switched off or not.
    origins: ArcSwap<Origins>,
    service: OnceLock<WeakService>,
    /// Replies of late, by conversation.
    replied: Mutex<Pairs>,
    answers: Answers,
    /// While the store does not answer, that fails for all endpoints alike.
    unread: Outage,
}

/// The endpoints for callbacks of each business, by origin.
type Origins = BTreeMap<BusinessId, HashMap<String, EndpointId>>;

struct Worker {
    endpoint: Endpoint,
    line: Arc<Line>,
    task: Option<tokio::task::JoinHandle<()>>,
}

/// Wakes the workers of a business.
#[derive(Clone)]
struct Bell {
    posts: Arc<Vec<Arc<Post>>>,
    /// Where there are many: the post of the task that goes round, which ends with the bell.
    round: Option<(Arc<Post>, Arc<tokio_util::sync::DropGuard>)>,
}

impl Relay {
    /// Makes it; [`Relay::reload`] starts a worker per endpoint.
    #[must_use]
    pub fn new(parts: RelayParts) -> Self {
        Self(Arc::new(Inner {
            parts,
            listeners: Listeners::default(),
            workers: Mutex::default(),
            endpoints: ArcSwap::default(),
            reloading: tokio::sync::Mutex::default(),
            leaving: Mutex::default(),
            bells: ArcSwap::default(),
            origins: ArcSwap::default(),
            service: OnceLock::new(),
            replied: Mutex::default(),
            answers: Answers::default(),
            unread: Outage::default(),
        }))
    }

    /// There may be events of this business.
    pub fn poke(&self, business: BusinessId) {
        self.0.poke(business);
    }

    /// As [`Relay::poke`], said by another replica.
    pub fn poke_here(&self, business: BusinessId) {
        self.0.poke_here(business);
    }

    /// Readers of the stream, who are woken when the workers are.
    #[must_use]
    pub fn listeners(&self) -> &Listeners {
        &self.0.listeners
    }

    /// There is something to do for one endpoint.
    pub fn poke_endpoint(&self, endpoint: EndpointId) {
        if !self.poke_endpoint_here(endpoint) {
            self.0.parts.hints.endpoint(endpoint);
        }
    }

    /// As [`Relay::poke_endpoint`], where this replica tells the endpoint; `false` where it does not.
    pub fn poke_endpoint_here(&self, endpoint: EndpointId) -> bool {
        let workers = self.0.workers.lock().unwrap_or_else(PoisonError::into_inner);
        let worker = workers.get(&endpoint);
        if let Some(worker) = worker {
            worker.line.post.poke();
        }
        worker.is_some()
    }

    /// Somebody's hand asks for a delivery: one goes now, whatever pause the endpoint is in, and if it is taken the pause is over.
    pub(crate) fn ask(&self, endpoint: EndpointId, asked: Asked) {
        let event = match asked {
            Asked::Any => None,
            Asked::Of(event) => Some(event),
        };
        if !self.ask_here(endpoint, event) {
            self.0.parts.hints.asked(endpoint, event);
        }
    }

    /// As [`Relay::ask`], where this replica tells the endpoint; `false` where it does not.
    pub(crate) fn ask_here(&self, endpoint: EndpointId, event: Option<EventId>) -> bool {
        let workers = self.0.workers.lock().unwrap_or_else(PoisonError::into_inner);
        let worker = workers.get(&endpoint);
        if let Some(worker) = worker {
            worker.line.ask(event.map_or(Asked::Any, Asked::Of));
        }
        worker.is_some()
    }

    /// Until when an endpoint is left alone: because it asked for that, or did not answer. Of one that another replica tells, as that
    /// one said two seconds ago at most.
    #[must_use]
    pub fn rests_until(&self, endpoint: EndpointId) -> Option<Timestamp> {
        let workers = self.0.workers.lock().unwrap_or_else(PoisonError::into_inner);
        let until = match workers.get(&endpoint) {
            Some(worker) => worker.line.rests_until()?,
            None => self.0.parts.hints.left_alone(endpoint)?,
        };
        Some(until).filter(|until| *until > self.0.parts.clock.now())
    }

    /// How far an endpoint was told by its worker here, which may be further than what is written down; 0 where nothing is known.
    #[must_use]
    pub fn told_to(&self, endpoint: EndpointId) -> u64 {
        let workers = self.0.workers.lock().unwrap_or_else(PoisonError::into_inner);
        workers.get(&endpoint).map_or(0, |worker| worker.line.told_to())
    }

    /// Messages that are answers to what was told are sent by this service.
    pub(crate) fn answer_through(&self, service: &Service) {
        // Set once; the service holds the relay, and not the other way round.
        let _ = self.0.service.set(service.weak());
    }

    /// The endpoint for callbacks to an origin, where there is one.
    #[must_use]
    pub fn callbacks(&self, business: BusinessId, origin: &str) -> Option<EndpointId> {
        self.0.origins.load().get(&business)?.get(origin).copied()
    }

    /// Tells an endpoint of nothing, to see what it answers. It counts for nothing.
    pub async fn test(&self, endpoint: &Endpoint) -> Tested {
        self.0.test(endpoint).await
    }

    /// Follows the store's endpoints, which were changed here: starts, restarts and stops workers.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn reload(&self) -> Result<(), StoreError> {
        self.0.reload().await?;
        self.0.parts.hints.endpoints_changed();
        Ok(())
    }

    /// As [`Relay::reload`], for what may have been changed elsewhere.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn reload_here(&self) -> Result<(), StoreError> {
        self.0.reload().await
    }

    /// Follows what is held: starts and stops workers.
    pub async fn follow_holdings(&self) {
        let _one = self.0.reloading.lock().await;
        self.0.follow_these(self.0.endpoints.load_full());
    }

    /// All endpoints that are switched on, whoever tells them, and whose they are.
    #[must_use]
    pub fn endpoints(&self) -> Vec<(EndpointId, BusinessId)> {
        let on = |endpoint: &&Endpoint| endpoint.health.disabled.is_none();
        self.0.endpoints.load().iter().filter(on).map(|endpoint| (endpoint.id, endpoint.business)).collect()
    }

    /// Stops telling an endpoint; resolves when nothing of it is under way any more, and what was told is written down. After `within` it
    /// resolves all the same: what is under way then is told, and not written down.
    pub async fn let_go(&self, endpoint: EndpointId, within: Duration) {
        let worker = {
            let mut workers = self.0.workers.lock().unwrap_or_else(PoisonError::into_inner);
            let worker = workers.remove(&endpoint);
            self.0.publish(&workers);
            worker
        };
        let left = self.0.leaving.lock().unwrap_or_else(PoisonError::into_inner).remove(&endpoint);
        let task = match worker {
            Some(Worker { line, task, .. }) => {
                line.stop.cancel();
                task.or(left)
            }
            None => left,
        };
        let Some(mut task) = task else { return };
        if tokio::time::timeout(within, &mut task).await.is_err() {
            tracing::warn!(endpoint.id = %endpoint, "what is under way takes too long; another replica goes on with this endpoint");
            // Should it be held again soon, the next worker waits for this one.
            self.0.leaving.lock().unwrap_or_else(PoisonError::into_inner).insert(endpoint, task);
        }
    }

    /// Which endpoints that are told here are left alone, and until when, in milliseconds of world time.
    #[must_use]
    pub fn left_alone(&self) -> BTreeMap<EndpointId, i64> {
        let now = self.0.parts.clock.now();
        let workers = self.0.workers.lock().unwrap_or_else(PoisonError::into_inner);
        let until = |worker: &Worker| worker.line.rests_until().filter(|until| *until > now);
        workers.iter().filter_map(|(id, worker)| Some((*id, until(worker)?.as_millis()))).collect()
    }
}

/// Whether two rows of an endpoint ask for the same work; the cursor and the health are the worker's own.
fn same_wish(one: &Endpoint, other: &Endpoint) -> bool {
    one.address == other.address
        && one.filter == other.filter
        && one.role == other.role
        && one.health.disabled == other.health.disabled
}

impl Inner {
    /// See [`Relay::reload`]. Of a named type, because a worker that ends reloads, and reloading starts workers.
    fn reload(self: &Arc<Self>) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async {
            let _one = self.reloading.lock().await;
            let endpoints = self.parts.store.endpoints(None).await?;
            let endpoints = Arc::new(endpoints);
            self.endpoints.store(endpoints.clone());
            self.follow_these(endpoints);
            Ok(())
        })
    }

    fn follow_these(self: &Arc<Self>, endpoints: Arc<Vec<Endpoint>>) {
        let is_held = |endpoint: &&Endpoint| self.parts.holdings.has(Thing::Endpoint(endpoint.id));
        let known: BTreeSet<EndpointId> = endpoints.iter().filter(is_held).map(|e| e.id).collect();
        let mut origins = Origins::new();
        for endpoint in endpoints.iter().filter(|e| e.role == Role::Callbacks) {
            origins.entry(endpoint.business).or_default().insert(endpoint.address.clone(), endpoint.id);
        }
        self.origins.store(Arc::new(origins));
        let mut workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        let mut leaving = self.leaving.lock().unwrap_or_else(PoisonError::into_inner);
        leaving.retain(|_, task| !task.is_finished());
        workers.retain(|id, worker| {
            let stays = known.contains(id);
            if !stays {
                worker.line.stop.cancel();
                // Should it be held again soon, the next worker waits for this one.
                leaving.extend(worker.task.take().map(|task| (*id, task)));
            }
            stays
        });
        for endpoint in endpoints.iter().filter(is_held).cloned() {
            let mut before = leaving.remove(&endpoint.id);
            if let Some(worker) = workers.get_mut(&endpoint.id) {
                if same_wish(&worker.endpoint, &endpoint) {
                    continue;
                }
                worker.line.stop.cancel();
                before = worker.task.take().or(before);
            }
            if endpoint.health.disabled.is_some() {
                // One that is switched off has no worker, and so nothing that a turned clock would wait for.
                workers.remove(&endpoint.id);
                leaving.extend(before.map(|task| (endpoint.id, task)));
                continue;
            }
            let line = Arc::new(Line::new(self.parts.rest.post(), self.parts.stop.child_token()));
            let follow = self.clone().follow(endpoint.business, endpoint.id, before, line.clone());
            let task = Some(self.parts.tasks.spawn(follow));
            workers.insert(endpoint.id, Worker { endpoint, line, task });
        }
        self.publish(&workers);
    }

    fn poke(&self, business: BusinessId) {
        self.poke_here(business);
        self.parts.hints.business(business);
    }

    fn poke_here(&self, business: BusinessId) {
        self.listeners.poke(business);
        let bells = self.bells.load();
        let Some(bell) = bells.get(&business) else { return };
        match &bell.round {
            Some((post, _)) => post.poke(),
            None => bell.posts.iter().for_each(|post| post.poke()),
        }
    }

    /// Makes the workers known to those who poke.
    fn publish(&self, workers: &BTreeMap<EndpointId, Worker>) {
        let mut posts: BTreeMap<BusinessId, Vec<Arc<Post>>> = BTreeMap::new();
        for worker in workers.values() {
            posts.entry(worker.endpoint.business).or_default().push(worker.line.post.clone());
        }
        let before = self.bells.load_full();
        let mut bells = BTreeMap::new();
        for (business, posts) in posts {
            let same = |bell: &&Bell| {
                bell.posts.len() == posts.len() && bell.posts.iter().zip(&posts).all(|(one, other)| Arc::ptr_eq(one, other))
            };
            let bell = match before.get(&business).filter(same) {
                Some(bell) => bell.clone(),
                None => self.bell(posts),
            };
            bells.insert(business, bell);
        }
        self.bells.store(Arc::new(bells));
    }

    fn bell(&self, posts: Vec<Arc<Post>>) -> Bell {
        let posts = Arc::new(posts);
        let round = (posts.len() > POKED_AT_ONCE).then(|| {
            let (post, stop) = (self.parts.rest.post(), self.parts.stop.child_token());
            let guard = Arc::new(stop.clone().drop_guard());
            let (bell, wake) = (post.clone(), posts.clone());
            self.parts.tasks.spawn(async move {
                while let Some(busy) = bell.wait_or_stop(None, &stop).await {
                    wake.iter().for_each(|post| post.poke());
                    busy.until(None);
                }
            });
            (post, guard)
        });
        Bell { posts, round }
    }

    /// Forgets a worker that came to its end by itself; false when another one took its place.
    fn forget(&self, endpoint: EndpointId, line: &Arc<Line>) -> bool {
        let mut workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        let there = workers.get(&endpoint).is_some_and(|worker| Arc::ptr_eq(&worker.line, line));
        if there {
            workers.remove(&endpoint);
            self.publish(&workers);
        }
        there
    }
}

#[cfg(test)]
mod tests;
