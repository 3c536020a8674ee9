//! The load. In a closed loop each caller keeps one request under way: that finds the most that goes through. In an open loop
//! requests are due at a fixed pace whatever the answers do, and a latency counts from when its request was due.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::http::Caller;
use super::measure::Latencies;
use super::queue::Pacer;

/// Writes the i-th request.
pub(super) type Requests = Arc<dyn Fn(u64, &mut Vec<u8>) + Send + Sync>;

/// A load that is ready.
#[derive(Clone)]
pub(super) struct Load {
    addresses: Vec<SocketAddr>,
    requests: Requests,
    /// Number of the next request: none is ever sent twice.
    next: Arc<AtomicU64>,
}

impl Load {
    /// Its callers are spread over the addresses, of which there is one at least.
    pub(super) fn new(addresses: Vec<SocketAddr>, requests: Requests) -> Self {
        Self { addresses, requests, next: Arc::new(AtomicU64::new(0)) }
    }

    /// Where the callers connect to, in turn.
    fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.addresses.iter().copied().cycle()
    }

    /// Runs it in a closed loop. Each request takes a place of `room` first, where there is such a bound. Says how many were
    /// answered; an answer that is no success ends the benchmark.
    pub(super) async fn closed(&self, callers: usize, time: Duration, room: Option<Arc<Semaphore>>) -> Result<u64> {
        let end = Instant::now() + time;
        let mut running = JoinSet::new();
        for address in self.addresses().take(callers) {
            let (load, room) = (self.clone(), room.clone());
            running.spawn(async move {
                let mut caller = Caller::connect(address).await?;
                let (mut request, mut answered) = (Vec::new(), 0_u64);
                while Instant::now() < end {
                    if let Some(room) = &room {
                        match tokio::time::timeout_at(end.into(), room.acquire()).await {
                            Ok(place) => place?.forget(),
                            Err(_) => break,
                        }
                    }
                    (load.requests)(load.next.fetch_add(1, Ordering::Relaxed), &mut request);
                    caller.call(&request).await?;
                    answered += 1;
                }
                Ok::<_, anyhow::Error>(answered)
            });
        }
        let mut answered = 0;
        while let Some(caller) = running.join_next().await {
            answered += caller??;
        }
        Ok(answered)
    }

    /// Runs it in an open loop of so many requests a second, on so many connections: a request that finds none of them free
    /// waits, and its waiting counts.
    pub(super) async fn open(&self, connections: usize, per_second: f64, time: Duration) -> Result<Latencies> {
        let gap = Duration::from_secs_f64(1.0 / per_second.max(1.0));
        let all = (time.as_secs_f64() * per_second.max(1.0)) as u64;
        let due = Arc::new(Semaphore::new(0));
        let taken = Arc::new(AtomicU64::new(0));
        let mut running = JoinSet::new();
        let mut callers = Vec::new();
        for address in self.addresses().take(connections) {
            callers.push(Caller::connect(address).await?);
        }
        let begun = Instant::now();
        let at = move |i: u64| begun + gap.mul_f64(i as f64);
        for mut caller in callers {
            let (load, due, taken) = (self.clone(), due.clone(), taken.clone());
            running.spawn(async move {
                let (mut request, mut latencies) = (Vec::new(), Latencies::default());
                // Closed once all have been handed out and taken.
                while let Ok(permit) = due.acquire().await {
                    permit.forget();
                    let scheduled = at(taken.fetch_add(1, Ordering::Relaxed));
                    (load.requests)(load.next.fetch_add(1, Ordering::Relaxed), &mut request);
                    caller.call(&request).await?;
                    latencies.add(scheduled.elapsed());
                    if taken.load(Ordering::Relaxed) >= all {
                        due.close();
                    }
                }
                Ok::<_, anyhow::Error>(latencies)
            });
        }
        let mut handed = 0;
        let _pacer = Pacer::start(move |now| {
            let mut more = 0;
            while handed < all && at(handed) <= now {
                handed += 1;
                more += 1;
            }
            due.add_permits(more);
            (handed < all).then(|| at(handed))
        })?;
        let mut latencies = Latencies::default();
        while let Some(caller) = running.join_next().await {
            latencies.join(caller??);
        }
        Ok(latencies)
    }
}
