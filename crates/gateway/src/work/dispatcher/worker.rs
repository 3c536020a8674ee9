//! What the dispatcher keeps in memory for each sender: pace, rest and slots.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;

use transom_domain::id::SenderId;
use transom_domain::pacing::{Bucket, Pace};
use transom_domain::time::Timestamp;

use crate::directory::Speaker;
use crate::work::rest::Post;

/// One sender's worker.
pub(super) struct Worker {
    pub(super) sender: SenderId,
    pub(super) post: Arc<Post>,
    /// Machine time of the throughput bucket, in microseconds since `started`.
    bucket: Mutex<Bucket>,
    started: Instant,
    /// World time before which nothing is claimed, after a throttle.
    rest_until: Mutex<Timestamp>,
    pub(super) slots: Arc<Semaphore>,
}

pub(super) fn pace_of(speaker: &Speaker) -> Pace {
    // A quarter of a second's worth may go at once: small against Meta's own second, large enough to fill a batch.
    Pace::per_second(speaker.sender.throughput, speaker.sender.throughput / 4)
}

impl Worker {
    pub(super) fn new(sender: SenderId, post: Arc<Post>, per_sender: usize) -> Self {
        Self {
            sender,
            post,
            bucket: Mutex::default(),
            started: Instant::now(),
            rest_until: Mutex::new(Timestamp::EPOCH),
            slots: Arc::new(Semaphore::new(per_sender)),
        }
    }

    fn micros(&self) -> i64 {
        i64::try_from(self.started.elapsed().as_micros()).unwrap_or(i64::MAX)
    }

    /// So many leave, or came in: both count.
    pub(super) fn spend(&self, pace: Pace, count: u32) {
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        *bucket = pace.take(*bucket, self.micros(), count);
    }

    /// How many may go now, and if none, how long until one may.
    pub(super) fn room(&self, pace: Pace) -> Result<u32, Duration> {
        let bucket = *self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.micros();
        match pace.room(bucket, now) {
            0 => Err(Duration::from_micros(u64::try_from(pace.next(bucket) - now).unwrap_or(0).max(100))),
            room => Ok(room),
        }
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
