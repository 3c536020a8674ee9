//! What this process holds, and until when it may act on it: looked at before each claim, each send and each delivery.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use arc_swap::ArcSwap;
use tokio::time::Instant;

use transom_domain::holding::{Duty, ReplicaId, Thing};
use transom_domain::time::{Span, Timestamp};

/// What may be begun through another replica and falls to this one is looked for this often, since nobody here is poked for it.
const LOOK: Span = Span::secs(2);

/// One thing that is held.
#[derive(Debug, Clone, Copy)]
pub struct Hold {
    /// When it may be begun with: by then what whoever held it before has sent is out of the second that the upstream counts.
    pub opens_at: Instant,
    /// World time before which a sender rests.
    pub rests_until: Option<Timestamp>,
}

/// What is held; cheap to clone.
#[derive(Clone)]
pub struct Holdings(Arc<Inner>);

struct Inner {
    /// As which replica; attempts are begun in this name.
    replica: AtomicU64,
    /// Where other processes have the store open too; else everything is held.
    lease: Option<Lease>,
}

struct Lease {
    begun: Instant,
    /// How long after `begun` it ends, in microseconds, by this process's own monotonic clock.
    ends: AtomicU64,
    held: ArcSwap<HashMap<Thing, Hold>>,
}

impl Holdings {
    /// Of a process that has its store for itself: it holds everything, always.
    #[must_use]
    pub fn alone(owner: u64) -> Self {
        Self(Arc::new(Inner { replica: AtomicU64::new(owner), lease: None }))
    }

    /// Of one replica among many, which holds nothing yet.
    #[must_use]
    pub fn shared() -> Self {
        let lease = Lease { begun: Instant::now(), ends: AtomicU64::new(0), held: ArcSwap::default() };
        Self(Arc::new(Inner { replica: AtomicU64::new(ReplicaId::NOBODY.0), lease: Some(lease) }))
    }

    /// Whether there may be other replicas.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.0.lease.is_some()
    }

    /// The owner of what is begun now.
    #[must_use]
    pub fn owner(&self) -> u64 {
        self.0.replica.load(SeqCst)
    }

    /// As which replica.
    #[must_use]
    pub fn replica(&self) -> ReplicaId {
        ReplicaId(self.owner())
    }

    /// Whether the lease is not over, as far as this process can tell: what it may not know (that it was held up for long) shows at the
    /// next look.
    #[must_use]
    pub fn is_current(&self) -> bool {
        let Some(lease) = &self.0.lease else { return true };
        micros(lease.begun.elapsed()) < lease.ends.load(SeqCst)
    }

    /// Whether what was begun under a name may go on: it is this replica's still, and its lease is not over.
    #[must_use]
    pub fn is_current_for(&self, owner: u64) -> bool {
        self.is_current() && owner == self.owner()
    }

    /// Whether a thing is held, whatever the lease says.
    #[must_use]
    pub fn has(&self, thing: Thing) -> bool {
        self.0.lease.as_ref().is_none_or(|lease| lease.held.load().contains_key(&thing))
    }

    /// Whether a duty may be done now.
    #[must_use]
    pub fn does(&self, duty: Duty) -> bool {
        self.has(Thing::Duty(duty)) && self.is_current()
    }

    /// When whoever does a duty looks again that is poked only for what is begun in this process.
    #[must_use]
    pub fn look(&self, due: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
        if self.is_shared() { Some(due.unwrap_or(Timestamp::FAR).min(now.plus(LOOK))) } else { due }
    }

    /// How a thing is held; none when it is not, or when everything is.
    #[must_use]
    pub fn hold(&self, thing: Thing) -> Option<Hold> {
        self.0.lease.as_ref()?.held.load().get(&thing).copied()
    }

    /// All that is held, where not everything is.
    #[must_use]
    pub(super) fn all(&self) -> BTreeSet<Thing> {
        self.0.lease.as_ref().map(|lease| lease.held.load().keys().copied().collect()).unwrap_or_default()
    }

    pub(super) fn become_replica(&self, id: ReplicaId) {
        self.0.replica.store(id.0, SeqCst);
    }

    /// The lease ends then.
    pub(super) fn extend(&self, ends: Instant) {
        if let Some(lease) = &self.0.lease {
            lease.ends.store(micros(ends.saturating_duration_since(lease.begun)), SeqCst);
        }
    }

    /// The lease is used no more.
    pub(super) fn end(&self) {
        if let Some(lease) = &self.0.lease {
            lease.ends.store(0, SeqCst);
        }
    }

    pub(super) fn add(&self, taken: impl IntoIterator<Item = (Thing, Hold)> + Clone) {
        if let Some(lease) = &self.0.lease {
            lease.held.rcu(|held| {
                let mut held = HashMap::clone(held);
                held.extend(taken.clone());
                held
            });
        }
    }

    pub(super) fn remove(&self, things: &BTreeSet<Thing>) {
        if let Some(lease) = &self.0.lease {
            lease.held.rcu(|held| {
                let mut held = HashMap::clone(held);
                held.retain(|thing, _| !things.contains(thing));
                held
            });
        }
    }
}

fn micros(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_held_may_be_used_until_the_lease_ends() {
        let holdings = Holdings::shared();
        let duty = Thing::Duty(Duty::Expiry);
        assert!(!holdings.has(duty) && !holdings.is_current());
        holdings.add([(duty, Hold { opens_at: Instant::now(), rests_until: None })]);
        holdings.extend(Instant::now() + Duration::from_secs(8));
        assert!(holdings.does(Duty::Expiry) && !holdings.does(Duty::Limits));
        tokio::time::advance(Duration::from_secs(8)).await;
        // As if it had slept: it has the thing still, and may do nothing with it.
        assert!(holdings.has(duty) && !holdings.does(Duty::Expiry));
        holdings.extend(Instant::now() + Duration::from_secs(1));
        assert!(holdings.does(Duty::Expiry));
        holdings.remove(&BTreeSet::from([duty]));
        assert!(!holdings.does(Duty::Expiry));
    }

    #[test]
    fn who_is_alone_holds_everything() {
        let holdings = Holdings::alone(7);
        assert!(
            holdings.is_current()
                && holdings.does(Duty::Sweeping)
                && holdings.has(Thing::Sender(transom_domain::id::SenderId(1)))
        );
        assert_eq!(holdings.look(None, Timestamp::EPOCH), None);
    }
}
