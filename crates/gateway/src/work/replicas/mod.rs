//! One replica among many: its lease, what it holds, and how it takes over and hands over.
//!
//! Where a process has its store for itself there is no keeper: everything is held ([`Holdings::alone`]).

mod alike;
mod balance;
mod hints;
mod holdings;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use transom_clock::WorldClock;
use transom_domain::holding::{Peer, ReplicaId, Thing};
use transom_domain::id::BusinessId;
use transom_domain::time::{Span, Timestamp};
use transom_store::{Alike, Enrol, Replica, Store, StoreError};

use super::dispatcher::Dispatcher;
use super::relay::Relay;
use super::tasks::Tasks;
use crate::chance::Chance;
use crate::directory::Directory;
use crate::telemetry;

pub use alike::BeginError;
pub(crate) use alike::unlike;
pub use hints::{HINT_MAX, HINTS_PATH, Hint, Hints, Said};
pub use holdings::{Hold, Holdings};

/// A lease is renewed this often within its length.
const RENEWALS: u32 = 5;
/// The last part of a lease in which this process does nothing any more: for clocks that go at different speeds, and for what lies between
/// a look at the clock and the first byte that leaves.
const MARGIN: u32 = 5;
/// How often it is looked whether all is held as it should be, and what other replicas have written.
const LOOK: Duration = Duration::from_secs(2);
/// Between two tries to enrol, or to give back what the store did not take.
const PAUSE: Duration = Duration::from_millis(200);

/// How a replica is known to the others.
#[derive(Debug, Clone)]
pub struct ReplicaSettings {
    /// Where the others reach it, without a slash at its end.
    pub address: String,
    /// How long what it holds stays its own after it was last heard of.
    pub lease: Span,
}

impl Default for ReplicaSettings {
    fn default() -> Self {
        Self { address: String::new(), lease: Span::secs(10) }
    }
}

/// What a keeper works with.
pub struct KeeperParts {
    /// The store, shared with other replicas.
    pub store: Arc<dyn Store>,
    /// World time.
    pub clock: WorldClock,
    /// Senders.
    pub directory: Directory,
    /// Who speaks for senders.
    pub dispatcher: Dispatcher,
    /// Who tells endpoints.
    pub relay: Relay,
    /// What is held.
    pub holdings: Holdings,
    /// To the others.
    pub hints: Hints,
    /// What names of replicas are made from.
    pub chance: Chance,
    /// Where its tasks run.
    pub tasks: Tasks,
    /// Ends it.
    pub stop: CancellationToken,
    /// How it is known.
    pub settings: ReplicaSettings,
    /// What the others must have too.
    pub alike: Alike,
    /// How long a lost answer is waited for.
    pub unknown_wait: Span,
}

/// Keeps what this replica holds; cheap to clone.
#[derive(Clone)]
pub struct Keeper(Arc<Inner>);

struct Inner {
    parts: KeeperParts,
    lease: Duration,
    /// All replicas, as the last renewal found them.
    roll: ArcSwap<Vec<Replica>>,
    draining: AtomicBool,
    look: Notify,
    /// Another replica said that the roll has changed.
    hinted: Notify,
    /// One renewal at a time: two that find the lease lost would begin under two names.
    renewing: tokio::sync::Mutex<()>,
    /// One change at a time.
    balancing: tokio::sync::Mutex<()>,
    /// On its way back: not held any more, and not given back yet, since something of it is under way.
    leaving: Mutex<BTreeSet<Thing>>,
    /// Until when senders rest that could not be given back yet: whoever takes them must know.
    resting: Mutex<HashMap<Thing, Timestamp>>,
    /// Nothing is on its way back any more.
    given: Notify,
    /// How often each business was written to at the last look.
    versions: Mutex<HashMap<BusinessId, u64>>,
}

impl Keeper {
    /// Enrols this process, and takes what is free and its own; answers when that is done.
    ///
    /// # Errors
    /// When the store does not answer, or this process cannot work beside the replicas that are there.
    pub async fn begin(parts: KeeperParts) -> Result<Self, BeginError> {
        let lease = Duration::from_millis(u64::try_from(parts.settings.lease.as_millis()).unwrap_or(0));
        let keeper = Self(Arc::new(Inner {
            parts,
            lease,
            roll: ArcSwap::default(),
            draining: AtomicBool::new(false),
            look: Notify::new(),
            hinted: Notify::new(),
            renewing: tokio::sync::Mutex::default(),
            balancing: tokio::sync::Mutex::default(),
            leaving: Mutex::default(),
            resting: Mutex::default(),
            given: Notify::new(),
            versions: Mutex::default(),
        }));
        let inner = &keeper.0;
        // Before it is there: what it cannot work with would be handed over to it.
        inner.compare(&inner.parts.store.replicas().await?)?;
        inner.enrol().await?;
        let me = inner.parts.holdings.replica();
        // And after, for those that began at the same moment.
        if let Err(why) = inner.compare(&inner.roll.load()) {
            inner.parts.store.leave(me).await?;
            return Err(why);
        }
        if !inner.roll.load().iter().any(|replica| replica.id != me && replica.left > Span::ZERO) {
            inner.recover().await?;
        }
        inner.balance().await?;
        Ok(keeper)
    }

    /// Starts the work: renewing, taking and giving back, hints.
    pub fn start(&self) {
        let inner = &self.0;
        inner.spawn(inner.clone().renews());
        inner.spawn(inner.clone().looks());
        inner.spawn(inner.clone().follows_directory());
        inner.parts.hints.holdings_changed();
        let (holdings, peers) = (inner.parts.holdings.clone(), inner.clone());
        inner.spawn(inner.parts.hints.clone().work(move || holdings.replica(), move || peers.others()));
    }

    /// A hint of another replica's, signed; `false` when it is of none.
    #[must_use]
    pub fn hear(&self, body: &[u8], signature: &str) -> bool {
        let Some(hint) = self.0.parts.hints.read(body, signature) else { return false };
        let Hint {
            from,
            senders,
            heard,
            businesses,
            endpoints,
            asked,
            directory_changed,
            endpoints_changed,
            holdings_changed,
            said,
        } = hint;
        let KeeperParts { dispatcher, relay, hints, .. } = &self.0.parts;
        senders.into_iter().for_each(|sender| dispatcher.poke_here(sender));
        heard.into_iter().for_each(|(sender, count)| dispatcher.heard_here(sender, count));
        businesses.into_iter().for_each(|business| relay.poke_here(business));
        for endpoint in endpoints {
            relay.poke_endpoint_here(endpoint);
        }
        for (endpoint, event) in asked {
            relay.ask_here(endpoint, event);
        }
        if let Some(said) = said {
            hints.heard_said(from, said);
        }
        if directory_changed || endpoints_changed {
            let inner = self.0.clone();
            self.0.parts.tasks.spawn(async move { inner.reload(directory_changed, endpoints_changed).await });
        }
        if holdings_changed {
            // Who came, or gives back, stands in the roll.
            self.0.hinted.notify_one();
        }
        true
    }

    /// Hands over: takes nothing more, gives each thing back once nothing of it is under way, and leaves within `within`, whatever is under
    /// way then: what was not given back is free with that.
    pub async fn hand_over(&self, within: Duration) {
        let inner = &self.0;
        inner.draining.store(true, SeqCst);
        // To leave takes a moment too.
        let leaves_at = Instant::now() + within;
        if tokio::time::timeout_at(leaves_at - within / 4, inner.gives_all_back()).await.is_err() {
            tracing::warn!("not all that is held came to rest in time; others take it as it is");
        }
        // Nothing more leaves of what others take in a moment, and no renewal changes that.
        let _one = tokio::time::timeout_at(leaves_at - within / 8, inner.renewing.lock()).await;
        inner.parts.holdings.end();
        match tokio::time::timeout_at(leaves_at, inner.parts.store.leave(inner.parts.holdings.replica())).await {
            Ok(Ok(())) => {}
            Ok(Err(why)) => tracing::warn!(error = %why, "this replica could not be signed off; its lease ends by itself"),
            Err(_) => tracing::warn!("this replica could not be signed off in time; its lease ends by itself"),
        }
        inner.parts.hints.holdings_changed();
    }
}

impl Inner {
    /// A task of its own, until the house stops.
    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let stop = self.parts.stop.clone();
        self.parts.tasks.spawn(async move {
            tokio::select! {
                biased;
                () = stop.cancelled() => {}
                () = work => {}
            }
        });
    }

    fn peers(&self) -> Vec<Peer> {
        let (me, draining) = (self.parts.holdings.replica(), self.draining.load(SeqCst));
        let peer = |replica: &Replica| Peer {
            id: replica.id,
            live: replica.left > Span::ZERO,
            draining: if replica.id == me { draining } else { replica.draining },
        };
        self.roll.load().iter().map(peer).collect()
    }

    /// Where the others are reached.
    fn others(&self) -> Vec<String> {
        let me = self.parts.holdings.replica();
        let roll = self.roll.load();
        roll.iter().filter(|one| one.id != me && one.left > Span::ZERO).map(|one| one.address.clone()).collect()
    }

    /// Begins under a new name, which nobody has had.
    async fn enrol(&self) -> Result<(), StoreError> {
        let id = ReplicaId((self.parts.chance.draw_u64() >> 1).max(1));
        let ReplicaSettings { address, lease } = self.parts.settings.clone();
        self.parts.store.enrol(Enrol { id, address, lease, alike: self.parts.alike.clone() }).await?;
        self.parts.holdings.become_replica(id);
        tracing::info!(replica = %id, "this replica has enrolled");
        let asked = Instant::now();
        match self.parts.store.renew(id, lease, false).await {
            Ok(Some(roll)) => {
                self.roll.store(Arc::new(roll));
                self.parts.holdings.extend(self.ends(asked));
                Ok(())
            }
            // It took too long: the next renewal finds that out.
            Ok(None) => Ok(()),
            Err(why) => {
                // The next try has another name, and nobody is to make room for this one meanwhile.
                if let Err(why) = self.parts.store.leave(id).await {
                    tracing::warn!(replica = %id, error = %why, "a name could not be given up; its lease ends by itself");
                }
                Err(why)
            }
        }
    }

    /// What was left without an outcome when no replica was there: see [`Store::recover`].
    async fn recover(&self) -> Result<(), StoreError> {
        let now = self.parts.clock.now();
        let left = self.parts.store.recover(self.parts.holdings.owner(), now, now.plus(self.parts.unknown_wait)).await?;
        if left > 0 {
            tracing::warn!(
                attempts = left,
                "attempts of an earlier run have no outcome; their messages are unknown until a status comes or the wait is over"
            );
        }
        Ok(())
    }

    /// Until when a lease may be used that was asked for then: counted from before it was asked for, since the store's clock began to
    /// count later.
    fn ends(&self, asked: Instant) -> Instant {
        asked + (self.lease - self.lease / MARGIN)
    }

    async fn renews(self: Arc<Self>) {
        loop {
            let hinted = tokio::select! {
                () = self.hinted.notified() => true,
                () = tokio::time::sleep(self.lease / RENEWALS) => false,
            };
            self.renew().await;
            if hinted {
                self.look.notify_one();
            }
        }
    }

    /// Renews the lease; where it was lost, begins anew.
    async fn renew(&self) {
        let _one = self.renewing.lock().await;
        let asked = Instant::now();
        let (id, draining) = (self.parts.holdings.replica(), self.draining.load(SeqCst));
        match self.parts.store.renew(id, self.parts.settings.lease, draining).await {
            Ok(Some(roll)) => {
                // Over before it was renewed, another may have taken what was held: it is found out before anything goes on.
                if !self.parts.holdings.is_current() {
                    self.lose("the lease was not renewed in time").await;
                }
                self.parts.holdings.extend(self.ends(asked));
                let changed = {
                    let known = self.roll.load();
                    let seen =
                        |roll: &[Replica]| -> Vec<_> { roll.iter().map(|r| (r.id, r.left > Span::ZERO, r.draining)).collect() };
                    seen(&known) != seen(&roll)
                };
                telemetry::replicas(roll.iter().filter(|replica| replica.left > Span::ZERO).count());
                self.roll.store(Arc::new(roll));
                if changed {
                    self.look.notify_one();
                }
            }
            // It has left.
            Ok(None) if draining => {}
            Ok(None) => {
                self.lose("the lease is over").await;
                while let Err(why) = self.enrol().await {
                    tracing::warn!(error = %why, "this replica could not enrol anew");
                    if self.draining.load(SeqCst) {
                        return;
                    }
                    tokio::time::sleep(PAUSE).await;
                }
                self.look.notify_one();
            }
            Err(why) => tracing::warn!(error = %why, "the lease could not be renewed"),
        }
    }

    /// Lets go of everything at once: what is under way ends by itself, and what it would commit is checked there.
    async fn lose(&self, why: &str) {
        let held = self.parts.holdings.all();
        tracing::warn!(replica = %self.parts.holdings.replica(), things = held.len(), reason = why, "what was held is let go of");
        telemetry::lease_lost();
        self.parts.holdings.remove(&held);
        self.follow().await;
        self.look.notify_one();
    }

    /// Who speaks and who tells becomes what is held.
    async fn follow(&self) {
        self.parts.dispatcher.follow_directory();
        self.parts.relay.follow_holdings().await;
    }

    async fn looks(self: Arc<Self>) {
        let mut next = Instant::now();
        loop {
            tokio::select! {
                () = self.look.notified() => {}
                () = self.parts.hints.stirred() => {}
                () = tokio::time::sleep_until(next) => {
                    next = Instant::now() + LOOK;
                    self.look_around().await;
                }
            }
            if let Err(why) = self.balance().await {
                tracing::warn!(error = %why, "what is held could not be looked over");
            }
        }
    }

    /// What others wrote, in case a hint was lost; and what is in memory here, for the others.
    async fn look_around(&self) {
        self.reload(false, true).await;
        match self.parts.store.versions().await {
            Ok(versions) => {
                let changed: Vec<BusinessId> = {
                    let mut known = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
                    let is_news = |(business, version): &(BusinessId, u64)| known.get(business) != Some(version);
                    let changed = versions.iter().filter(|one| is_news(one)).map(|(business, _)| *business).collect();
                    *known = versions.into_iter().collect();
                    changed
                };
                let directory = self.parts.directory.now();
                for business in changed {
                    self.parts.relay.poke_here(business);
                    directory.of(business).iter().for_each(|speaker| self.parts.dispatcher.poke_here(speaker.sender.id));
                }
            }
            Err(why) => tracing::warn!(error = %why, "what others wrote could not be looked up"),
        }
        let mut said = self.parts.dispatcher.said();
        said.left_alone = self.parts.relay.left_alone();
        self.parts.hints.say(said);
    }

    async fn reload(&self, directory: bool, endpoints: bool) {
        if directory && let Err(why) = self.parts.directory.reload().await {
            tracing::warn!(error = %why, "the directory could not be read");
        }
        if endpoints && let Err(why) = self.parts.relay.reload_here().await {
            tracing::warn!(error = %why, "the endpoints could not be read");
        }
    }

    /// Tells the others of changes of the directory that were seen here, and takes new senders.
    async fn follows_directory(self: Arc<Self>) {
        let mut changes = self.parts.directory.changes();
        while changes.changed().await.is_ok() {
            self.parts.hints.directory_changed();
            self.look.notify_one();
        }
    }
}
