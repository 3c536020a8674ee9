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
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio_util::sync::CancellationToken;

use transom_clock::WorldClock;
use transom_domain::id::SenderId;
use transom_store::Store;

use self::seats::Seats;
use self::worker::{Worker, pace_of};
use super::relay::Relay;
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
    owner: u64,
    seats: Seats,
    chance: Chance,
    tasks: Tasks,
    stop: CancellationToken,
    workers: Mutex<HashMap<SenderId, Arc<Worker>>>,
    unknowns: OnceLock<Arc<Post>>,
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
    /// New at every start.
    pub owner: u64,
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
            owner,
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
            owner,
            seats: Seats::new(connections, per_sender),
            chance,
            tasks,
            stop,
            workers: Mutex::default(),
            unknowns: OnceLock::new(),
        }))
    }

    /// Who is poked when an answer was lost.
    pub fn tell_of_unknowns(&self, post: Arc<Post>) {
        let _ = self.0.unknowns.set(post);
    }

    /// There may be something to send through this sender.
    pub fn poke(&self, sender: SenderId) {
        if let Some(worker) = self.0.worker(sender) {
            worker.post.poke();
        }
    }

    /// So many messages of this sender came in: they count towards its throughput.
    pub fn heard(&self, speaker: &Speaker, count: u32) {
        if let Some(worker) = self.0.worker(speaker.sender.id) {
            worker.heard(pace_of(speaker), count);
        }
    }

    /// How many messages of a sender this process counted in the last second, in and out together.
    #[must_use]
    pub fn used(&self, sender: SenderId) -> u32 {
        self.0.worker(sender).map_or(0, |worker| worker.used())
    }

    /// Until when a sender rests after a throttle; that moment may be over.
    #[must_use]
    pub fn resting(&self, sender: SenderId) -> Option<transom_domain::time::Timestamp> {
        self.0.worker(sender).map(|worker| worker.resting())
    }

    /// How many calls upstream are under way.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.0.seats.busy()
    }

    /// Starts a worker for every sender that has none, and wakes all: senders were added, stopped or mended.
    pub fn follow_directory(&self) {
        let mut workers = self.0.workers.lock().unwrap_or_else(PoisonError::into_inner);
        for speaker in self.0.directory.now().all() {
            let worker = workers.entry(speaker.sender.id).or_insert_with(|| {
                let worker = Arc::new(Worker::new(speaker.sender.id, self.0.rest.post()));
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
