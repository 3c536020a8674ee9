//! A queue of many hands, and the pace at which things become due.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

/// How long the pacer sleeps at most: what is due is at most this late on an idle machine.
const TICK: Duration = Duration::from_micros(250);

/// Things that many tasks take, each one once, in their order.
pub(super) struct Queue<T> {
    waiting: Mutex<VecDeque<T>>,
    count: Semaphore,
}

impl<T> Queue<T> {
    pub(super) fn new() -> Self {
        Self { waiting: Mutex::new(VecDeque::new()), count: Semaphore::new(0) }
    }

    pub(super) fn push(&self, thing: T) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push_back(thing);
        self.count.add_permits(1);
    }

    /// The next thing; none once the queue is closed.
    pub(super) async fn next(&self) -> Option<T> {
        self.count.acquire().await.ok()?.forget();
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    pub(super) fn close(&self) {
        self.count.close();
    }
}

/// Runs something at every tick on a thread of its own: timers of an async runtime are a millisecond coarse.
pub(super) struct Pacer {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Pacer {
    /// Starts it. `tick` hands out what is due now, and says when the next is.
    pub(super) fn start(mut tick: impl FnMut(Instant) -> Option<Instant> + Send + 'static) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let run = move || {
            while !stopped.load(Ordering::Relaxed) {
                let now = Instant::now();
                let next = tick(now);
                let wait = next.map_or(TICK, |next| next.saturating_duration_since(now)).clamp(Duration::from_micros(50), TICK);
                std::thread::sleep(wait);
            }
        };
        let thread = std::thread::Builder::new().name("bench-pacer".to_owned()).spawn(run)?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Pacer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // A thread that panicked has said so itself.
        self.thread.take().map(JoinHandle::join);
    }
}
