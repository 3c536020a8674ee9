//! World time: real time plus an offset that only moves forward.
//!
//! Everything that a person would wait for (sessions, schedules, retries, reviews) goes by this clock; leases, deadlines and
//! pacing within a second go by the machine's. Only `transom dev` and `transom simulate` have a clock that can be turned.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;
use transom_domain::{Span, Timestamp};

/// The furthest one turn may go: ten years. A bound, so that no later arithmetic has to fear overflow.
pub const TURN_MAX: Span = Span::days(3_653);

/// How many rounds of settling one turn may take before it answers that the house does not come to rest.
const SETTLE_ROUNDS_MAX: usize = 1_000;

/// A future that borrows its maker.
pub type Settling<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// A part of the house that has timers on world time.
///
/// After a turn the clock asks every part, again and again, until a whole round passes in which nobody did anything.
pub trait Settles: Send + Sync {
    /// Counts everything this part has done; grows with each timer fired and each piece of work finished.
    fn activity(&self) -> u64;

    /// Resolves once no timer of this part is due and none of its work is under way.
    fn quiet(&self) -> Settling<'_>;
}

/// Why the clock was not turned.
#[derive(Debug, PartialEq, Eq)]
pub enum TurnError {
    /// This clock is the wall's.
    NotTurnable,
    /// Only forward, and at most [`TURN_MAX`].
    OutOfRange,
    /// The new offset could not be made durable, so nothing was turned.
    NotKept(String),
    /// It was turned, but the house did not come to rest.
    Restless,
}

impl std::fmt::Display for TurnError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotTurnable => {
                f.write_str("this clock is the wall clock; only `transom dev` and `transom simulate` can turn theirs")
            }
            Self::OutOfRange => f.write_str("the clock turns forward only, by at most ten years at once"),
            Self::NotKept(why) => write!(f, "the new time could not be written to disk, so the clock stands: {why}"),
            Self::Restless => f.write_str("the clock was turned, but the work that fell due has not come to rest"),
        }
    }
}

impl std::error::Error for TurnError {}

/// The clock; cheap to clone, all clones turn together.
#[derive(Clone)]
pub struct WorldClock(Arc<Inner>);

/// What the offset is added to.
enum Source {
    /// The machine's clock.
    Machine,
    /// The clock of the runtime, which a trial pauses, so that it jumps from timer to timer.
    Runtime { at: Timestamp, since: tokio::time::Instant },
}

struct Inner {
    source: Source,
    turnable: bool,
    offset: AtomicI64,
    turned: watch::Sender<i64>,
    turning: tokio::sync::Mutex<()>,
    parts: Mutex<Vec<Weak<dyn Settles>>>,
}

impl WorldClock {
    /// The wall clock, which nobody turns.
    #[must_use]
    pub fn wall() -> Self {
        Self::make(Source::Machine, false, Span::ZERO)
    }

    /// A clock that shows `at` now and goes on with the runtime's own: in a runtime whose clock is paused it stands until
    /// everybody waits, and then jumps to the next timer. For trials.
    #[must_use]
    pub fn of_runtime(at: Timestamp) -> Self {
        Self::make(Source::Runtime { at, since: tokio::time::Instant::now() }, false, Span::ZERO)
    }

    /// A clock that can be turned, already ahead of the wall by `offset`.
    #[must_use]
    pub fn turnable(offset: Span) -> Self {
        Self::make(Source::Machine, true, offset)
    }

    fn make(source: Source, turnable: bool, offset: Span) -> Self {
        Self(Arc::new(Inner {
            source,
            turnable,
            offset: AtomicI64::new(offset.as_millis()),
            turned: watch::Sender::new(offset.as_millis()),
            turning: tokio::sync::Mutex::new(()),
            parts: Mutex::new(Vec::new()),
        }))
    }

    /// World time now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.machine_now().plus(self.offset())
    }

    /// Machine time now: world time without its offset, for what others compare with clocks of their own.
    #[must_use]
    pub fn machine_now(&self) -> Timestamp {
        let (start, gone) = match &self.0.source {
            Source::Machine => (Timestamp::EPOCH, SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()),
            Source::Runtime { at, since } => (*at, since.elapsed()),
        };
        start.plus(Span::millis(i64::try_from(gone.as_millis()).unwrap_or(i64::MAX)))
    }

    /// How far world time is ahead of the wall.
    #[must_use]
    pub fn offset(&self) -> Span {
        Span::millis(self.0.offset.load(Ordering::SeqCst))
    }

    /// Whether [`WorldClock::turn`] can work.
    #[must_use]
    pub fn is_turnable(&self) -> bool {
        self.0.turnable
    }

    /// Waits until world time has reached `at`, however it gets there.
    pub async fn sleep_until(&self, at: Timestamp) {
        let mut turned = self.0.turned.subscribe();
        loop {
            turned.mark_unchanged();
            let left = at.since(self.now()).as_millis();
            let Ok(left @ 1..) = u64::try_from(left) else { return };
            // A day at most: timers of the runtime have a far but finite horizon.
            let nap = Duration::from_millis(left.min(86_400_000));
            tokio::select! {
                biased;
                _ = turned.changed() => {}
                () = tokio::time::sleep(nap) => {}
            }
        }
    }

    /// Has `part` asked whenever the clock is turned, for as long as it lives.
    pub fn enlist(&self, part: &Arc<dyn Settles>) {
        let mut parts = self.0.parts.lock().unwrap_or_else(PoisonError::into_inner);
        parts.retain(|p| p.strong_count() > 0);
        parts.push(Arc::downgrade(part));
    }

    /// Turns the clock forward. `keep` makes the new offset durable before anybody sees it; the answer comes after every timer
    /// then due has fired and its work has settled.
    ///
    /// # Errors
    /// See [`TurnError`]; except for `Restless` the clock stands where it stood.
    pub async fn turn<K, F>(&self, by: Span, keep: K) -> Result<Timestamp, TurnError>
    where
        K: FnOnce(Span) -> F,
        F: Future<Output = Result<(), String>>,
    {
        if !self.0.turnable {
            return Err(TurnError::NotTurnable);
        }
        if by < Span::ZERO || by > TURN_MAX {
            return Err(TurnError::OutOfRange);
        }
        let _one_at_a_time = self.0.turning.lock().await;
        let offset = Span::millis(self.offset().as_millis().saturating_add(by.as_millis()));
        keep(offset).await.map_err(TurnError::NotKept)?;
        self.0.offset.store(offset.as_millis(), Ordering::SeqCst);
        self.0.turned.send_replace(offset.as_millis());
        self.settle().await?;
        Ok(self.now())
    }

    /// Waits until the whole house is at rest.
    ///
    /// # Errors
    /// [`TurnError::Restless`] when it does not come to rest.
    pub async fn settle(&self) -> Result<(), TurnError> {
        for _ in 0..SETTLE_ROUNDS_MAX {
            let parts: Vec<Arc<dyn Settles>> =
                self.0.parts.lock().unwrap_or_else(PoisonError::into_inner).iter().filter_map(Weak::upgrade).collect();
            let count = || parts.iter().fold(0u64, |sum, part| sum.wrapping_add(part.activity()));
            let before = count();
            for part in &parts {
                part.quiet().await;
            }
            if count() == before {
                return Ok(());
            }
        }
        Err(TurnError::Restless)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_turn_wakes_the_sleepers() {
        let clock = WorldClock::turnable(Span::ZERO);
        let at = clock.now().plus(Span::hours(23));
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep_until(at).await }
        });
        let now = clock.turn(Span::hours(24), |_| async { Ok(()) }).await.unwrap();
        assert!(now >= at);
        sleeper.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn the_clock_of_a_paused_runtime_jumps_from_timer_to_timer() {
        let begun = std::time::Instant::now();
        let clock = WorldClock::of_runtime(Timestamp::from_secs(1_000));
        assert_eq!(clock.now(), Timestamp::from_secs(1_000));
        let at = Timestamp::from_secs(1_000).plus(Span::days(2));
        clock.sleep_until(at).await;
        assert_eq!((clock.now(), clock.machine_now()), (at, at));
        assert!(begun.elapsed() < Duration::from_secs(60));
    }

    #[tokio::test]
    async fn an_offset_that_is_not_kept_is_not_turned() {
        let clock = WorldClock::turnable(Span::secs(5));
        let refused = clock.turn(Span::hours(1), |_| async { Err("disk full".into()) }).await;
        assert_eq!(refused, Err(TurnError::NotKept("disk full".into())));
        assert_eq!(clock.offset(), Span::secs(5));
        assert_eq!(clock.turn(Span::millis(-1), |_| async { Ok(()) }).await, Err(TurnError::OutOfRange));
        assert_eq!(WorldClock::wall().turn(Span::ZERO, |_| async { Ok(()) }).await, Err(TurnError::NotTurnable));
    }

    struct Part(std::sync::atomic::AtomicU64);
    impl Settles for Part {
        fn activity(&self) -> u64 {
            self.0.load(Ordering::SeqCst)
        }
        fn quiet(&self) -> Settling<'_> {
            // Busy for the first three askings.
            Box::pin(async {
                if self.activity() < 3 {
                    self.0.fetch_add(1, Ordering::SeqCst);
                }
            })
        }
    }

    #[tokio::test]
    async fn a_turn_waits_for_a_quiet_round() {
        let clock = WorldClock::turnable(Span::ZERO);
        let part = Arc::new(Part(std::sync::atomic::AtomicU64::new(0)));
        let dynamic: Arc<dyn Settles> = part.clone();
        clock.enlist(&dynamic);
        clock.turn(Span::secs(1), |_| async { Ok(()) }).await.unwrap();
        assert_eq!(part.activity(), 3);
    }
}
