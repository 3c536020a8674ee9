//! What Meta tells of a message: sent, delivered, read, each in a signed webhook of its own. A later word of a message is not
//! said before the one before it was heard: an event is told of each step forward, so out of order there would be fewer of them.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Result, bail};
use tokio::task::JoinSet;

use super::http::{Caller, post};
use super::measure::Latencies;
use super::queue::{Pacer, Queue};
use crate::bulk::{self, Sent};

/// The words, and how long after the answer each becomes true.
const WORDS: [(&str, Duration); 3] = {
    let [sent, delivered, read] = bulk::WORDS;
    [(sent, Duration::from_millis(20)), (delivered, Duration::from_millis(40)), (read, Duration::from_millis(60))]
};
/// Connections on which webhooks are posted.
const POSTERS: usize = 32;

struct Due {
    /// Place among [`WORDS`].
    word: usize,
    sent: Arc<Sent>,
    /// When the message was answered.
    answered: Instant,
    at: Instant,
}

impl Due {
    /// The word at this place, if there are so many.
    fn of(word: usize, sent: Arc<Sent>, answered: Instant) -> Option<Self> {
        let (_, after) = WORDS.get(word)?;
        Some(Self { word, sent, answered, at: answered + *after })
    }
}

/// The earliest is the greatest: what is due first comes out of a heap first.
impl Ord for Due {
    fn cmp(&self, other: &Self) -> Ordering {
        other.at.cmp(&self.at)
    }
}
impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}
impl Eq for Due {}

/// Who tells.
pub(super) struct Statuses {
    coming: Mutex<BinaryHeap<Due>>,
    due: Queue<Due>,
    latencies: Mutex<Latencies>,
    failure: OnceLock<String>,
}

/// Telling, for as long as this lives.
pub(super) struct Telling {
    statuses: Arc<Statuses>,
    _pacer: Pacer,
    _posters: JoinSet<()>,
}

impl Statuses {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { coming: Mutex::default(), due: Queue::new(), latencies: Mutex::default(), failure: OnceLock::new() })
    }

    /// Tells of a message that is answered at `answered`.
    pub(super) fn tell_of(&self, sent: Sent, answered: Instant) {
        self.comes(Due::of(0, Arc::new(sent), answered));
    }

    fn comes(&self, due: Option<Due>) {
        self.coming.lock().unwrap_or_else(PoisonError::into_inner).extend(due);
    }

    /// Starts to tell a gateway.
    pub(super) fn start(self: &Arc<Self>, gateway: SocketAddr) -> Result<Telling> {
        let this = self.clone();
        let pacer = Pacer::start(move |now| this.hand_out(now))?;
        let mut posters = JoinSet::new();
        for _ in 0..POSTERS {
            let this = self.clone();
            posters.spawn(async move {
                if let Err(why) = this.post(gateway).await {
                    // The first reason is the one that counts.
                    let _ = this.failure.set(format!("{why:#}"));
                }
            });
        }
        Ok(Telling { statuses: self.clone(), _pacer: pacer, _posters: posters })
    }

    /// Moves what is due; says when the next is.
    fn hand_out(&self, now: Instant) -> Option<Instant> {
        let mut coming = self.coming.lock().unwrap_or_else(PoisonError::into_inner);
        while coming.peek().is_some_and(|due| due.at <= now)
            && let Some(due) = coming.pop()
        {
            self.due.push(due);
        }
        coming.peek().map(|due| due.at)
    }

    async fn post(&self, gateway: SocketAddr) -> Result<()> {
        // Once there is something to say: the gateway closes a connection on which nothing is said for long.
        let mut connected = None;
        let path = format!("/webhooks/meta/{}", bulk::APP);
        let mut request = Vec::new();
        while let Some(due) = self.due.next().await {
            let word = WORDS.get(due.word).map(|(word, _)| *word).unwrap_or_default();
            let now = i64::try_from(SystemTime::UNIX_EPOCH.elapsed()?.as_secs())?;
            let body = bulk::status(word, &due.sent, now)?;
            let signature = transom_meta::signature::sign(bulk::APP_SECRET.as_bytes(), body.as_bytes());
            post(&path, &[(transom_meta::signature::HEADER, &signature)], body.as_bytes(), &mut request);
            let caller = match &mut connected {
                Some(caller) => caller,
                none => none.insert(Caller::connect(gateway).await?),
            };
            caller.call(&request).await?;
            let took = due.at.elapsed();
            self.latencies.lock().unwrap_or_else(PoisonError::into_inner).add(took);
            self.comes(Due::of(due.word + 1, due.sent, due.answered));
        }
        Ok(())
    }
}

impl Telling {
    /// Times from when a webhook was due to its answer, since this was asked last.
    ///
    /// # Errors
    /// When a webhook was not answered with success.
    pub(super) fn latencies(&self) -> Result<Latencies> {
        self.check()?;
        Ok(std::mem::take(&mut *self.statuses.latencies.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl Telling {
    /// Says why webhooks were not taken, if any was not.
    ///
    /// # Errors
    /// The reason.
    pub(super) fn check(&self) -> Result<()> {
        self.statuses.failure.get().map_or(Ok(()), |why| bail!("a webhook was not taken: {why}"))
    }
}

impl Drop for Telling {
    fn drop(&mut self) {
        self.statuses.due.close();
    }
}
