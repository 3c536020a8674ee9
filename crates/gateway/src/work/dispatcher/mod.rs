//! The dispatcher: one worker per sender claims what pace and connections let go, judges it once more, and sends it.
//!
//! Attempt before act: a claim has committed the attempts before it answers. What became of each is settled in one more
//! commit. A crash between the two leaves an attempt without an outcome, which is `unknown` and never sent as if new.

mod attempt;
mod berth;
mod messenger;
mod outcome;
mod round;
mod seats;
mod worker;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use transom_clock::WorldClock;
use transom_domain::holding::Thing;
use transom_domain::id::SenderId;
use transom_domain::time::Timestamp;
use transom_store::Store;

use self::seats::Seats;
use self::worker::{Worker, pace_of};
use super::outage::Outage;
use super::relay::Relay;
use super::replicas::{Hints, Holdings, Said};
use super::rest::{Post, Rest};
use super::tasks::Tasks;
use crate::chance::Chance;
use crate::directory::{Directory, Speaker};
use crate::media::Files;
use crate::seal::SealingKey;
use crate::service::Limits;
use crate::templates::Library;
use crate::upstream::Upstream;

pub use self::berth::Berth;

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
    key: Arc<SealingKey>,
    relay: Relay,
    files: Files,
    rest: Rest,
    holdings: Holdings,
    hints: Hints,
    seats: Seats,
    chance: Chance,
    tasks: Tasks,
    stop: CancellationToken,
    workers: Mutex<HashMap<SenderId, Arc<Worker>>>,
    /// Those that ended and may have calls under way: whoever gives their senders back waits for that.
    left: Mutex<HashMap<SenderId, Vec<Weak<Worker>>>>,
    unknowns: OnceLock<Arc<Post>>,
    /// While the store does not answer, that fails for all senders alike.
    unclaimed: Outage,
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
    /// Opens one-time codes.
    pub key: Arc<SealingKey>,
    /// Who tells of outcomes.
    pub relay: Relay,
    /// Files that messages are sent with.
    pub files: Files,
    /// Where workers are posted.
    pub rest: Rest,
    /// Which senders it speaks for.
    pub holdings: Holdings,
    /// To the replicas that speak for the others.
    pub hints: Hints,
    /// Calls upstream at once, all senders together.
    pub connections: usize,
    /// Calls upstream at once of one sender.
    pub per_sender: usize,
    /// What spreads retries.
    pub chance: Chance,
    /// Where tasks are tracked until they end.
    pub tasks: Tasks,
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
            key,
            relay,
            files,
            rest,
            holdings,
            hints,
            connections,
            per_sender,
            chance,
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
            key,
            relay,
            files,
            rest,
            holdings,
            hints,
            seats: Seats::new(connections, per_sender),
            chance,
            tasks,
            stop,
            workers: Mutex::default(),
            left: Mutex::default(),
            unknowns: OnceLock::new(),
            unclaimed: Outage::default(),
        }))
    }

    /// Who is poked when an answer was lost.
    pub fn tell_of_unknowns(&self, post: Arc<Post>) {
        let _ = self.0.unknowns.set(post);
    }

    /// There may be something to send through this sender.
    pub fn poke(&self, sender: SenderId) {
        match self.0.worker(sender) {
            Some(worker) => worker.post.poke(),
            None => self.0.hints.sender(sender),
        }
    }

    /// As [`Dispatcher::poke`], where this replica speaks for the sender.
    pub fn poke_here(&self, sender: SenderId) {
        if let Some(worker) = self.0.worker(sender) {
            worker.queues(true);
            worker.post.poke();
        }
    }

    /// So many messages of this sender came in: they count towards its throughput, wherever it speaks.
    pub fn heard(&self, speaker: &Speaker, count: u32) {
        match self.0.worker(speaker.sender.id) {
            Some(worker) => worker.heard(pace_of(speaker), count),
            None => self.0.hints.heard(speaker.sender.id, count),
        }
    }

    /// As [`Dispatcher::heard`], where this replica speaks for the sender.
    pub fn heard_here(&self, sender: SenderId, count: u32) {
        if let (Some(worker), Some(speaker)) = (self.0.worker(sender), self.0.directory.now().sender(sender)) {
            worker.heard(pace_of(speaker), count);
        }
    }

    /// How many messages of a sender were counted in the last second, in and out together: exact where this replica speaks for it, else
    /// as the one that does said two seconds ago at most.
    #[must_use]
    pub fn used(&self, sender: SenderId) -> u32 {
        self.0.worker(sender).map_or_else(|| self.0.hints.used(sender), |worker| worker.used())
    }

    /// Until when a sender rests after a throttle; that moment may be over.
    #[must_use]
    pub fn resting(&self, sender: SenderId) -> Option<Timestamp> {
        self.0.worker(sender).map(|worker| worker.resting()).or_else(|| self.0.hints.resting(sender))
    }

    /// What other replicas are told of what is in memory here.
    #[must_use]
    pub fn said(&self) -> Said {
        let now = self.0.clock.now();
        let workers = self.0.workers.lock().unwrap_or_else(PoisonError::into_inner);
        let mut said = Said::default();
        for (sender, worker) in workers.iter() {
            let (used, resting) = (worker.used(), worker.resting());
            if used > 0 {
                said.used.insert(*sender, used);
            }
            if resting > now {
                said.resting.insert(*sender, resting.as_millis());
            }
        }
        said
    }

    /// Stops speaking for a sender; resolves when nothing of it is under way any more, with the time before which it rests. After
    /// `within` it resolves all the same, and what is under way then posts nothing to Meta any more.
    pub async fn let_go(&self, sender: SenderId, within: Duration) -> Option<Timestamp> {
        let all: Vec<Arc<Worker>> = {
            let worker = self.0.workers.lock().unwrap_or_else(PoisonError::into_inner).remove(&sender);
            let left = self.0.left.lock().unwrap_or_else(PoisonError::into_inner).remove(&sender);
            worker.into_iter().chain(left.into_iter().flatten().filter_map(|worker| worker.upgrade())).collect()
        };
        all.iter().for_each(|worker| worker.stop.cancel());
        let idle = async {
            for worker in &all {
                worker.post.idle().await;
            }
        };
        if tokio::time::timeout(within, idle).await.is_err() {
            tracing::warn!(sender.id = %sender, "what is under way takes too long; another replica goes on with this sender");
            all.iter().for_each(|worker| worker.shut_for_good());
        }
        all.iter().map(|worker| worker.resting()).max().filter(|until| *until > self.0.clock.now())
    }

    /// How many calls upstream are under way.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.0.seats.busy()
    }

    /// Starts a worker for every sender that is held and has none, and wakes all: senders were added, stopped or mended. Those that are
    /// held no longer end.
    pub fn follow_directory(&self) {
        let mut workers = self.0.workers.lock().unwrap_or_else(PoisonError::into_inner);
        let mut left = self.0.left.lock().unwrap_or_else(PoisonError::into_inner);
        left.retain(|_, workers| {
            workers.retain(|worker| worker.strong_count() > 0);
            !workers.is_empty()
        });
        let owner = self.0.holdings.owner();
        workers.retain(|sender, worker| {
            let stays = worker.owner == owner && self.0.holdings.has(Thing::Sender(*sender));
            if !stays {
                worker.stop.cancel();
                left.entry(*sender).or_default().push(Arc::downgrade(worker));
            }
            stays
        });
        for speaker in self.0.directory.now().all() {
            let thing = Thing::Sender(speaker.sender.id);
            if !self.0.holdings.has(thing) {
                continue;
            }
            let worker = workers.entry(speaker.sender.id).or_insert_with(|| {
                let (post, stop) = (self.0.rest.post(), self.0.stop.child_token());
                let worker = Arc::new(Worker::new(speaker.sender.id, owner, post, stop, self.0.holdings.hold(thing)));
                self.0.tasks.spawn(self.0.clone().work(worker.clone()));
                worker
            });
            worker.post.poke();
        }
    }
}

impl Inner {
    fn worker(&self, sender: SenderId) -> Option<Arc<Worker>> {
        self.workers.lock().unwrap_or_else(PoisonError::into_inner).get(&sender).cloned()
    }
}
