//! Hints between replicas: what one begins and another goes on with. A hint makes somebody look, sooner than they would anyway, and
//! changes nothing: one that is lost costs a few seconds, one that comes twice a look.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use ::http::{Method, Request};
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use tokio::sync::Notify;
use tokio::time::Instant;

use transom_domain::holding::ReplicaId;
use transom_domain::id::{BusinessId, EndpointId, EventId, SenderId};
use transom_domain::time::Timestamp;

use crate::seal::{SealingKey, hex};
use crate::telemetry;
use crate::wire::{Called, Wanted, Wire};

/// Where a replica hears the others.
pub const HINTS_PATH: &str = "/replicas/v1/hints";
/// Largest hint: ids of some ten thousand senders and businesses.
pub const HINT_MAX: usize = 4 << 20;
/// Between two hints: a busy house says everything that came up meanwhile at once.
const GAP: Duration = Duration::from_millis(20);
/// What a replica said of what it has in memory counts for so long; it says it anew every two seconds.
const SAID_KEEP: Duration = Duration::from_secs(10);

/// What one replica tells the others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Hint {
    /// Who.
    pub from: u64,
    /// Something waits for these senders.
    pub senders: BTreeSet<SenderId>,
    /// So many messages of these senders came in, which count towards their throughput.
    pub heard: BTreeMap<SenderId, u32>,
    /// There are events of these businesses.
    pub businesses: BTreeSet<BusinessId>,
    /// There is something to do for these endpoints.
    pub endpoints: BTreeSet<EndpointId>,
    /// Somebody's hand asks for a delivery: of an event, or whatever comes next.
    pub asked: Vec<(EndpointId, Option<EventId>)>,
    /// Senders, apps or what else is in the directory.
    pub directory_changed: bool,
    /// Endpoints were made, changed or removed.
    pub endpoints_changed: bool,
    /// Somebody came, or something was given back.
    pub holdings_changed: bool,
    /// What it has in memory and others are asked about.
    pub said: Option<Said>,
}

impl Hint {
    /// What is said after it, in one.
    fn and(&mut self, later: Self) {
        let Self {
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
        } = later;
        self.from = from;
        self.senders.extend(senders);
        for (sender, count) in heard {
            let heard = self.heard.entry(sender).or_default();
            *heard = heard.saturating_add(count);
        }
        self.businesses.extend(businesses);
        self.endpoints.extend(endpoints);
        self.asked.extend(asked);
        self.directory_changed |= directory_changed;
        self.endpoints_changed |= endpoints_changed;
        self.holdings_changed |= holdings_changed;
        self.said = said.or(self.said.take());
    }
}

/// What a replica has in memory of what it holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Said {
    /// Messages of the last second, in and out, of senders that had any.
    pub used: BTreeMap<SenderId, u32>,
    /// World time, in milliseconds, before which these senders rest.
    pub resting: BTreeMap<SenderId, i64>,
    /// World time, in milliseconds, until which these endpoints are left alone.
    pub left_alone: BTreeMap<EndpointId, i64>,
}

/// To the others; cheap to clone. Says nothing where there are none.
#[derive(Clone)]
pub struct Hints(Option<Arc<Inner>>);

struct Inner {
    pending: Mutex<Hint>,
    wake: Notify,
    /// Endpoints were changed here, which may have to be taken.
    stirred: Notify,
    wire: Arc<dyn Wire>,
    key: Hmac<Sha256>,
    said: Mutex<BTreeMap<u64, (Instant, Said)>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Hints {
    /// Of a process that is alone.
    #[must_use]
    pub const fn none() -> Self {
        Self(None)
    }

    /// Over this wire, signed with a key made from the sealing key, which all replicas share.
    #[must_use]
    pub fn over(wire: Arc<dyn Wire>, key: &SealingKey) -> Self {
        // Any key length fits.
        let key = Hmac::new_from_slice(&key.derived("hints between replicas")).unwrap_or_else(|_| Hmac::new(&Default::default()));
        Self(Some(Arc::new(Inner {
            pending: Mutex::default(),
            wake: Notify::new(),
            stirred: Notify::new(),
            wire,
            key,
            said: Mutex::default(),
        })))
    }

    fn add(&self, add: impl FnOnce(&mut Hint)) {
        let Some(inner) = &self.0 else { return };
        add(&mut lock(&inner.pending));
        inner.wake.notify_one();
    }

    /// Something waits for this sender.
    pub(in crate::work) fn sender(&self, sender: SenderId) {
        self.add(|hint| {
            hint.senders.insert(sender);
        });
    }

    /// So many messages of this sender came in.
    pub(in crate::work) fn heard(&self, sender: SenderId, count: u32) {
        self.add(|hint| {
            let heard = hint.heard.entry(sender).or_default();
            *heard = heard.saturating_add(count);
        });
    }

    /// There are events of this business.
    pub(in crate::work) fn business(&self, business: BusinessId) {
        self.add(|hint| {
            hint.businesses.insert(business);
        });
    }

    /// There is something to do for this endpoint.
    pub(in crate::work) fn endpoint(&self, endpoint: EndpointId) {
        self.add(|hint| {
            hint.endpoints.insert(endpoint);
        });
    }

    /// Somebody's hand asks for a delivery.
    pub(in crate::work) fn asked(&self, endpoint: EndpointId, event: Option<EventId>) {
        self.add(|hint| hint.asked.push((endpoint, event)));
    }

    /// The directory changed.
    pub(in crate::work) fn directory_changed(&self) {
        self.add(|hint| hint.directory_changed = true);
    }

    /// Endpoints changed.
    pub(in crate::work) fn endpoints_changed(&self) {
        self.add(|hint| hint.endpoints_changed = true);
        if let Some(inner) = &self.0 {
            inner.stirred.notify_one();
        }
    }

    /// Resolves when endpoints were changed here.
    pub(super) async fn stirred(&self) {
        match &self.0 {
            Some(inner) => inner.stirred.notified().await,
            None => std::future::pending().await,
        }
    }

    /// Somebody came, or something was given back.
    pub(super) fn holdings_changed(&self) {
        self.add(|hint| hint.holdings_changed = true);
    }

    /// What is in memory here.
    pub(super) fn say(&self, said: Said) {
        self.add(|hint| hint.said = Some(said));
    }

    /// Remembers what another replica has in memory.
    pub(super) fn heard_said(&self, from: u64, said: Said) {
        let Some(inner) = &self.0 else { return };
        let mut known = lock(&inner.said);
        known.retain(|_, (at, _)| at.elapsed() < SAID_KEEP);
        known.insert(from, (Instant::now(), said));
    }

    fn of_others<T>(&self, find: impl Fn(&Said) -> Option<T>) -> Option<T> {
        let known = lock(&self.0.as_ref()?.said);
        known.values().filter(|(at, _)| at.elapsed() < SAID_KEEP).find_map(|(_, said)| find(said))
    }

    /// Messages of the last second of a sender that another replica holds, as that one said last.
    pub(in crate::work) fn used(&self, sender: SenderId) -> u32 {
        self.of_others(|said| said.used.get(&sender).copied()).unwrap_or(0)
    }

    /// Until when such a sender rests.
    pub(in crate::work) fn resting(&self, sender: SenderId) -> Option<Timestamp> {
        self.of_others(|said| said.resting.get(&sender).copied()).map(Timestamp::from_millis)
    }

    /// Until when an endpoint is left alone that another replica holds.
    pub(in crate::work) fn left_alone(&self, endpoint: EndpointId) -> Option<Timestamp> {
        self.of_others(|said| said.left_alone.get(&endpoint).copied()).map(Timestamp::from_millis)
    }

    /// A hint as it came, if a replica of this house has sent it.
    #[must_use]
    pub fn read(&self, body: &[u8], signature: &str) -> Option<Hint> {
        let mut key = self.0.as_ref()?.key.clone();
        key.update(body);
        let given: Option<Vec<u8>> = (0..32).map(|at| u8::from_str_radix(signature.get(2 * at..2 * at + 2)?, 16).ok()).collect();
        // In constant time.
        key.verify_slice(&given?).ok()?;
        serde_json::from_slice(body).ok()
    }

    /// Says what there is to say to `peers`, each hint to all of them, until it is dropped. One that does not hear keeps nothing from the
    /// others: what comes up meanwhile is said to it once it does, or does not for good.
    pub(super) async fn work(self, me: impl Fn() -> ReplicaId, peers: impl Fn() -> Vec<String>) {
        let Some(inner) = self.0 else { return };
        let mut waits: BTreeMap<String, Hint> = BTreeMap::new();
        let mut told: BTreeSet<String> = BTreeSet::new();
        let mut telling = FuturesUnordered::new();
        loop {
            tokio::select! {
                Some(peer) = telling.next() => {
                    told.remove(&peer);
                }
                () = inner.wake.notified() => {
                    let hint = Hint { from: me().0, ..std::mem::take(&mut *lock(&inner.pending)) };
                    let peers = peers();
                    waits.retain(|peer, _| peers.contains(peer));
                    for peer in peers {
                        waits.entry(peer).or_default().and(hint.clone());
                    }
                }
            }
            let free: Vec<String> = waits.keys().filter(|peer| !told.contains(*peer)).cloned().collect();
            for peer in free {
                let Some(Ok(body)) = waits.remove(&peer).map(|hint| serde_json::to_vec(&hint)) else { continue };
                told.insert(peer.clone());
                let inner = &inner;
                telling.push(async move {
                    inner.tell(&peer, body.into()).await;
                    tokio::time::sleep(GAP).await;
                    peer
                });
            }
        }
    }
}

impl Inner {
    fn tell(&self, peer: &str, body: Bytes) -> impl Future<Output = ()> + Send + '_ {
        let mut key = self.key.clone();
        key.update(&body);
        let signature = hex(&key.finalize().into_bytes());
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("{peer}{HINTS_PATH}"))
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .header(AUTHORIZATION, format!("Transom {signature}"))
            .body(body);
        let peer = peer.to_owned();
        async move {
            let called = match request {
                Ok(request) => self.wire.call(request, Wanted::Status(1_024)).await,
                Err(why) => Called::NeverLeft(why.to_string()),
            };
            let why = match called {
                Called::Answer { status: 200..=299, .. } => return telemetry::hint("told"),
                Called::Answer { status, .. } => format!("HTTP {status}"),
                Called::NeverLeft(why) | Called::Lost(why) => why,
            };
            telemetry::hint("failed");
            tracing::debug!(replica = %peer, error = %why, "a hint did not arrive; the replica finds out by itself");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Calling, NoWire};

    #[tokio::test]
    async fn a_hint_is_read_by_who_has_the_same_sealing_key_only() {
        let key = |byte| SealingKey::of_bytes(&[byte; 32]).unwrap();
        let (ours, theirs) = (Hints::over(Arc::new(NoWire), &key(1)), Hints::over(Arc::new(NoWire), &key(2)));
        let mut hint = Hint { from: 9, directory_changed: true, ..Hint::default() };
        hint.heard.insert(SenderId(4), 3);
        hint.asked.push((EndpointId(5), None));
        let body = serde_json::to_vec(&hint).unwrap();
        let mut mac = ours.0.as_ref().unwrap().key.clone();
        mac.update(&body);
        let signature = hex(&mac.finalize().into_bytes());
        assert_eq!(ours.read(&body, &signature), Some(hint));
        assert_eq!(theirs.read(&body, &signature), None);
        assert_eq!(ours.read(b"{}", &signature), None);
        assert_eq!(ours.read(&body, "zz"), None);
    }

    /// Replicas that hear, but for the one called `deaf`, which lets everybody wait.
    #[derive(Default)]
    struct Peers(Mutex<Vec<(String, Instant, Hint)>>);

    impl Wire for Peers {
        fn call(&self, request: Request<Bytes>, _: Wanted) -> Calling<'_> {
            Box::pin(async move {
                let host = request.uri().host().unwrap().to_owned();
                let hint = serde_json::from_slice(request.body()).unwrap();
                lock(&self.0).push((host.clone(), Instant::now(), hint));
                if host == "deaf" {
                    tokio::time::sleep(Duration::from_secs(2)).await;
                    return Called::Lost("it does not hear".to_owned());
                }
                Called::answer(204, "")
            })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_does_not_hear_keeps_nothing_from_the_others() {
        let peers = Arc::new(Peers::default());
        let hints = Hints::over(peers.clone(), &SealingKey::of_bytes(&[1; 32]).unwrap());
        let addresses = || vec!["http://deaf".to_owned(), "http://other".to_owned()];
        let work = tokio::spawn(hints.clone().work(|| ReplicaId(1), addresses));
        let begun = Instant::now();
        for n in 0..5 {
            hints.sender(SenderId(n));
            hints.heard(SenderId(9), 1);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let heard = |host: &str| -> Vec<(Duration, Hint)> {
            let all = lock(&peers.0).clone();
            all.into_iter().filter(|(to, ..)| to == host).map(|(_, at, hint)| (at - begun, hint)).collect()
        };
        let senders: Vec<_> = heard("other").into_iter().flat_map(|(_, hint)| hint.senders).collect();
        assert_eq!(senders, (0..5).map(SenderId).collect::<Vec<_>>());
        assert_eq!(heard("deaf").len(), 1);
        // What came up while it did not hear is said at once.
        tokio::time::sleep(Duration::from_secs(2)).await;
        let deaf = heard("deaf");
        assert_eq!(deaf.iter().map(|(at, _)| at.as_secs()).collect::<Vec<_>>(), vec![0, 2]);
        assert_eq!(deaf[1].1.senders, (1..5).map(SenderId).collect());
        assert_eq!(deaf[1].1.heard, BTreeMap::from([(SenderId(9), 4)]));
        work.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn what_another_said_counts_for_a_while() {
        let hints = Hints::over(Arc::new(NoWire), &SealingKey::of_bytes(&[1; 32]).unwrap());
        let said = Said { used: BTreeMap::from([(SenderId(1), 40)]), ..Said::default() };
        hints.heard_said(7, said);
        assert_eq!((hints.used(SenderId(1)), hints.used(SenderId(2))), (40, 0));
        tokio::time::advance(SAID_KEEP).await;
        assert_eq!(hints.used(SenderId(1)), 0);
    }
}
