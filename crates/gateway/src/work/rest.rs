//! Rest: knowing when every worker of the house has done what was due, so that a turned clock can answer.
//!
//! Each worker has a [`Post`]: others poke it, it says when it next has something to do by world time, and what it is doing.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use transom_clock::{Settles, Settling, WorldClock};
use transom_domain::time::Timestamp;

/// All posts of one gateway; cheap to clone.
#[derive(Clone)]
pub struct Rest(Arc<Inner>);

struct Inner {
    clock: WorldClock,
    posts: Mutex<Vec<Weak<Post>>>,
    activity: AtomicU64,
    changed: Notify,
}

/// Where a worker waits for work.
pub struct Post {
    rest: Rest,
    poked: AtomicBool,
    due: AtomicI64,
    busy: AtomicUsize,
    wake: Notify,
}

/// Work under way; over when it is dropped.
pub struct Busy(Arc<Post>);

impl Busy {
    /// Over, with the next work due then: said before the work counts as over, so that nobody sees a rest that is none.
    pub fn until(self, due: Option<Timestamp>) {
        self.0.due.store(due.unwrap_or(Timestamp::FAR).as_millis(), SeqCst);
    }
}

impl Rest {
    /// No posts yet.
    #[must_use]
    pub fn new(clock: WorldClock) -> Self {
        Self(Arc::new(Inner { clock, posts: Mutex::default(), activity: AtomicU64::new(0), changed: Notify::new() }))
    }

    /// A post for a new worker, poked once so that it looks for work at its start.
    #[must_use]
    pub fn post(&self) -> Arc<Post> {
        let post = Arc::new(Post {
            rest: self.clone(),
            poked: AtomicBool::new(true),
            due: AtomicI64::new(i64::MAX),
            busy: AtomicUsize::new(0),
            wake: Notify::new(),
        });
        let mut posts = self.0.posts.lock().unwrap_or_else(PoisonError::into_inner);
        posts.retain(|p| p.strong_count() > 0);
        posts.push(Arc::downgrade(&post));
        post
    }

    fn quiet_now(&self) -> bool {
        let now = self.0.clock.now().as_millis();
        let posts = self.0.posts.lock().unwrap_or_else(PoisonError::into_inner);
        posts.iter().filter_map(Weak::upgrade).all(|post| post.is_quiet(now))
    }

    fn stir(&self) {
        self.0.activity.fetch_add(1, SeqCst);
        self.0.changed.notify_waiters();
    }
}

impl Settles for Rest {
    fn activity(&self) -> u64 {
        self.0.activity.load(SeqCst)
    }

    fn quiet(&self) -> Settling<'_> {
        Box::pin(async {
            loop {
                let changed = self.0.changed.notified();
                tokio::pin!(changed);
                // Registered before the look, so that no change in between is missed.
                changed.as_mut().enable();
                if self.quiet_now() {
                    return;
                }
                changed.await;
            }
        })
    }
}

impl Post {
    /// There may be work.
    pub fn poke(&self) {
        self.poked.store(true, SeqCst);
        self.rest.stir();
        self.wake.notify_one();
    }

    // The order of the three reads matters: a worker that wakes becomes busy before it takes the poke or moves its due time.
    fn is_quiet(&self, now: i64) -> bool {
        !self.poked.load(SeqCst) && self.due.load(SeqCst) > now && self.busy.load(SeqCst) == 0
    }

    /// Waits until it is poked or until `due`, and is busy from then on.
    pub async fn wait(self: &Arc<Self>, due: Option<Timestamp>) -> Busy {
        let due = due.unwrap_or(Timestamp::FAR);
        self.due.store(due.as_millis(), SeqCst);
        self.rest.stir();
        loop {
            if self.poked.load(SeqCst) || self.rest.0.clock.now() >= due {
                let busy = self.busy();
                self.poked.store(false, SeqCst);
                self.due.store(i64::MAX, SeqCst);
                return busy;
            }
            tokio::select! {
                biased;
                () = self.wake.notified() => {}
                () = self.rest.0.clock.sleep_until(due) => {}
            }
        }
    }

    /// As [`Post::wait`]; none once it is told to stop, whatever there is to do.
    pub async fn wait_or_stop(self: &Arc<Self>, due: Option<Timestamp>, stop: &CancellationToken) -> Option<Busy> {
        tokio::select! {
            biased;
            () = stop.cancelled() => None,
            busy = self.wait(due) => Some(busy),
        }
    }

    /// Waits for a poke and takes it, while the work goes on: whoever waits so is not at rest.
    pub async fn poked(&self) {
        while !self.poked.swap(false, SeqCst) {
            self.wake.notified().await;
        }
    }

    /// Waits until no work is under way here.
    pub async fn idle(&self) {
        loop {
            let changed = self.rest.0.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.busy.load(SeqCst) == 0 {
                return;
            }
            changed.await;
        }
    }

    /// Marks work as under way.
    #[must_use]
    pub fn busy(self: &Arc<Self>) -> Busy {
        self.busy.fetch_add(1, SeqCst);
        Busy(self.clone())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, SeqCst);
        self.0.rest.stir();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use transom_domain::time::Span;

    #[tokio::test]
    async fn a_turn_answers_after_the_timers_have_fired() {
        let clock = WorldClock::turnable(Span::ZERO);
        let rest = Rest::new(clock.clone());
        let part: Arc<dyn Settles> = Arc::new(rest.clone());
        clock.enlist(&part);
        let fired = Arc::new(AtomicUsize::new(0));
        let post = rest.post();
        let mut due = Some(clock.now().plus(Span::hours(1)));
        tokio::spawn({
            let (clock, fired) = (clock.clone(), fired.clone());
            async move {
                loop {
                    let _busy = post.wait(due).await;
                    if due.is_some_and(|due| clock.now() >= due) {
                        // Work that yields must still be waited for.
                        tokio::task::yield_now().await;
                        fired.fetch_add(1, SeqCst);
                        due = (fired.load(SeqCst) < 3).then(|| clock.now());
                    }
                }
            }
        });
        clock.turn(Span::hours(2), |_| async { Ok(()) }).await.unwrap();
        assert_eq!(fired.load(SeqCst), 3);
    }
}
