//! What the dispatcher keeps in memory for each sender: pace and rest.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use transom_domain::id::SenderId;
use transom_domain::pacing::{Bucket, Pace};
use transom_domain::time::Timestamp;

use crate::directory::Speaker;
use crate::work::replicas::Hold;
use crate::work::rest::Post;

/// What a message that came in can hold back at most, in microseconds: the upstream counts by the second.
const SECOND_MICROS: i64 = 1_000_000;

/// Audio and video that a Page may send per second (Meta: messenger-platform/overview, rate limiting).
const PAGE_MEDIA_PER_SECOND: u32 = 10;

/// Messages counted in one second of machine time and in the one before it.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    second: i64,
    now: u32,
    before: u32,
}

/// One sender's worker.
pub(super) struct Worker {
    pub(super) sender: SenderId,
    /// As which replica it speaks: under another name nothing of it may leave any more.
    pub(super) owner: u64,
    pub(super) post: Arc<Post>,
    /// Ends it: it claims nothing more.
    pub(super) stop: CancellationToken,
    /// Until then it sends nothing, where another replica may just have sent.
    opens_at: Option<Instant>,
    /// Machine time of the throughput bucket, in microseconds since `started`.
    bucket: Mutex<Bucket>,
    /// The same for audio and video of a Page.
    slow: Mutex<Bucket>,
    tally: Mutex<Tally>,
    started: Instant,
    /// World time before which nothing is claimed, after a throttle.
    rest_until: Mutex<Timestamp>,
    /// Another replica speaks for the sender by now, though calls were under way here.
    is_shut: AtomicBool,
    /// Messages wait that a claim would take: a hint.
    has_queue: AtomicBool,
}

pub(super) fn pace_of(speaker: &Speaker) -> Pace {
    Pace::within_a_second(speaker.sender.throughput)
}

impl Worker {
    pub(super) fn new(sender: SenderId, owner: u64, post: Arc<Post>, stop: CancellationToken, hold: Option<Hold>) -> Self {
        Self {
            sender,
            owner,
            post,
            stop,
            opens_at: hold.map(|hold| hold.opens_at),
            bucket: Mutex::default(),
            slow: Mutex::default(),
            tally: Mutex::default(),
            started: Instant::now(),
            rest_until: Mutex::new(hold.and_then(|hold| hold.rests_until).unwrap_or(Timestamp::EPOCH)),
            is_shut: AtomicBool::new(false),
            has_queue: AtomicBool::new(false),
        }
    }

    fn micros(&self) -> i64 {
        i64::try_from(self.started.elapsed().as_micros()).unwrap_or(i64::MAX)
    }

    /// So many leave.
    pub(super) fn spend(&self, pace: Pace, count: u32) {
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        *bucket = pace.take(*bucket, self.micros(), count);
        drop(bucket);
        self.tally(count);
    }

    /// How long it is until it may send; none when it may.
    fn shut(&self) -> Option<Duration> {
        let wait = self.opens_at?.saturating_duration_since(Instant::now());
        (!wait.is_zero()).then_some(wait)
    }

    /// Posts nothing any more.
    pub(super) fn shut_for_good(&self) {
        self.is_shut.store(true, Ordering::SeqCst);
    }

    /// Whether it may post nothing any more.
    pub(super) fn is_shut(&self) -> bool {
        self.is_shut.load(Ordering::SeqCst)
    }

    /// Keeps room for one, if there is any.
    pub(super) fn keep_one(&self, pace: Pace) -> bool {
        if self.stop.is_cancelled() || self.shut().is_some() {
            return false;
        }
        let now = self.micros();
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        if pace.room(*bucket, now) == 0 {
            return false;
        }
        *bucket = pace.take(*bucket, now, 1);
        drop(bucket);
        self.tally(1);
        true
    }

    /// Takes room for an audio or a video of a Page; else says how long until there is some.
    pub(super) fn take_slow(&self) -> Result<(), Duration> {
        let pace = Pace::within_a_second(PAGE_MEDIA_PER_SECOND);
        let now = self.micros();
        let mut bucket = self.slow.lock().unwrap_or_else(PoisonError::into_inner);
        if pace.room(*bucket, now) == 0 {
            return Err(Duration::from_micros(u64::try_from(pace.next(*bucket) - now).unwrap_or(0).max(100)));
        }
        *bucket = pace.take(*bucket, now, 1);
        Ok(())
    }

    /// Gives back room that was kept and not used.
    pub(super) fn give_back_one(&self, pace: Pace) {
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        *bucket = pace.give_back(*bucket, 1);
        drop(bucket);
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        tally.now = tally.now.saturating_sub(1);
    }

    /// So many came in: they use the rate up too, but hold nothing back for longer than the second that the upstream counts.
    pub(super) fn heard(&self, pace: Pace, count: u32) {
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        *bucket = pace.owe(*bucket, self.micros(), count, SECOND_MICROS);
        drop(bucket);
        self.tally(count);
    }

    /// How many were counted in the second before this moment: what this second has, and of the second before it the part that
    /// is less than a second ago.
    pub(super) fn used(&self) -> u32 {
        let tally = *self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.micros();
        let (second, into) = (now.div_euclid(SECOND_MICROS), now.rem_euclid(SECOND_MICROS));
        let rest = |count: u32| u32::try_from(i64::from(count) * (SECOND_MICROS - into) / SECOND_MICROS).unwrap_or(count);
        match second - tally.second {
            0 => tally.now + rest(tally.before),
            1 => rest(tally.now),
            _ => 0,
        }
    }

    fn tally(&self, count: u32) {
        let second = self.micros().div_euclid(SECOND_MICROS);
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        if tally.second != second {
            let before = if tally.second + 1 == second { tally.now } else { 0 };
            *tally = Tally { second, now: 0, before };
        }
        tally.now = tally.now.saturating_add(count);
    }

    /// How many may go now, and if none, how long until one may.
    pub(super) fn room(&self, pace: Pace) -> Result<u32, Duration> {
        if let Some(wait) = self.shut() {
            return Err(wait);
        }
        let bucket = *self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.micros();
        match pace.room(bucket, now) {
            0 => Err(Duration::from_micros(u64::try_from(pace.next(bucket) - now).unwrap_or(0).max(100))),
            room => Ok(room),
        }
    }

    /// Whether messages wait that a claim would take, as far as is known here.
    pub(super) fn has_queue(&self) -> bool {
        self.has_queue.load(Ordering::Relaxed)
    }

    /// Whether they do is known anew.
    pub(super) fn queues(&self, some: bool) {
        self.has_queue.store(some, Ordering::Relaxed);
    }

    /// World time before which nothing is claimed.
    pub(super) fn resting(&self) -> Timestamp {
        *self.rest_until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Claims nothing before `until`.
    pub(super) fn rest(&self, until: Timestamp) {
        let mut rest_until = self.rest_until.lock().unwrap_or_else(PoisonError::into_inner);
        *rest_until = until.max(*rest_until);
    }
}
