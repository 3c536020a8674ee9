//! The relay in a whole house, on virtual time, against endpoints of the test's own: what leaves, when, and with whose signature.
//! Time stands still while anybody has something to do, so that a second that passes says that nobody had.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ::http::Request;
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::watch;

use transom_clock::WorldClock;
use transom_domain::address::Channel;
use transom_domain::endpoint::{Order, Payload};
use transom_domain::event::Selection;
use transom_domain::id::{BusinessId, EndpointId, KeyId, SenderId};
use transom_domain::time::{Span, Timestamp};
use transom_store::{
    Actor, App, Business, Deliveries, Disk, DiskWait, Endpoint, Keep, Manner, MemoryStore, Scopes, Sender, SenderState, Store,
    StoreError,
};

use crate::chance::Chance;
use crate::media::MediaSettings;
use crate::seal::SealingKey;
use crate::service::endpoints::{EndpointChange, NewEndpoint};
use crate::service::{AddressRules, Caller, Limits, Service};
use crate::signing::Signer;
use crate::upstream::UpstreamSettings;
use crate::wire::{Called, Calling, Wanted, Wire, Wires};
use crate::{House, HouseParts};

mod changes;
mod company;

const SECRET: &[u8] = b"app secret";
/// Longer than anything here takes, on virtual time.
const PATIENCE: Duration = Duration::from_secs(86_400);

/// What a host does with a call.
#[derive(Debug, Clone, PartialEq)]
enum Mood {
    Take,
    /// This status, with `Retry-After` where given.
    Refuse(u16, Option<&'static str>),
    /// No answer until the mood changes, and then that of the new one.
    Hold,
    /// Takes it after so long.
    Slow(Duration),
    /// Nobody is there.
    Dead,
}

/// One call that left.
#[derive(Debug, Clone)]
struct Call {
    at: Timestamp,
    host: String,
    id: String,
    stamp: String,
    signature: String,
    body: Bytes,
}

impl Call {
    /// Whether its signature is that of this secret and of no other.
    fn is_signed_with(&self, secret: &str) -> bool {
        self.signature == Signer::new(secret, None).sign(&self.id, &self.stamp, &self.body, self.at).standard
    }
}

/// All endpoints there are.
#[derive(Clone)]
struct Ears(Arc<World>);

struct World {
    clock: WorldClock,
    calls: Mutex<Vec<Call>>,
    changed: watch::Sender<usize>,
    moods: watch::Sender<BTreeMap<String, Mood>>,
}

impl Ears {
    fn new(clock: WorldClock) -> Self {
        let (changed, moods) = (watch::Sender::new(0), watch::Sender::new(BTreeMap::new()));
        Self(Arc::new(World { clock, calls: Mutex::default(), changed, moods }))
    }

    fn mood(&self, host: &str, mood: Mood) {
        self.0.moods.send_modify(|moods| {
            moods.insert(host.to_owned(), mood);
        });
    }

    fn calls(&self) -> Vec<Call> {
        self.0.calls.lock().unwrap().clone()
    }

    fn of(&self, host: &str) -> Vec<Call> {
        self.calls().into_iter().filter(|call| call.host == host).collect()
    }

    /// So many calls, as soon as they are there.
    async fn heard(&self, count: usize) -> Vec<Call> {
        let mut changed = self.0.changed.subscribe();
        let there = tokio::time::timeout(PATIENCE, changed.wait_for(|calls| *calls >= count)).await;
        assert!(there.is_ok(), "{count} calls were expected, and there are {:#?}", self.calls());
        self.calls()
    }
}

impl Wire for Ears {
    fn call(&self, request: Request<Bytes>, _: Wanted) -> Calling<'_> {
        Box::pin(async move {
            let header = |name: &str| request.headers()[name].to_str().unwrap().to_owned();
            let host = request.uri().host().unwrap().to_owned();
            self.0.calls.lock().unwrap().push(Call {
                at: self.0.clock.now(),
                host: host.clone(),
                id: header("webhook-id"),
                stamp: header("webhook-timestamp"),
                signature: header("webhook-signature"),
                body: request.body().clone(),
            });
            self.0.changed.send_modify(|calls| *calls += 1);
            let mut moods = self.0.moods.subscribe();
            let of = |moods: &BTreeMap<String, Mood>| moods.get(&host).cloned().unwrap_or(Mood::Take);
            let mood = of(&moods.wait_for(|moods| of(moods) != Mood::Hold).await.unwrap());
            let answer = |status, wait: Option<&str>| Called::answer(status, Bytes::new()).again_after(wait.unwrap_or_default());
            match mood {
                Mood::Take | Mood::Hold => answer(200, None),
                Mood::Refuse(status, wait) => answer(status, wait),
                Mood::Slow(time) => {
                    tokio::time::sleep(time).await;
                    answer(200, None)
                }
                Mood::Dead => Called::NeverLeft("connection refused".to_owned()),
            }
        })
    }
}

/// Nobody listens upstream.
struct Nobody;

impl Wire for Nobody {
    fn call(&self, _: Request<Bytes>, _: Wanted) -> Calling<'_> {
        Box::pin(async { Called::NeverLeft("connection refused".to_owned()) })
    }
}

/// Counts the moves that write, by name, and holds back the answer of one that it is told.
struct Watched {
    writes: Mutex<BTreeMap<&'static str, usize>>,
    hold: watch::Sender<Option<&'static str>>,
    held: watch::Sender<bool>,
}

impl Watched {
    fn new() -> Arc<Self> {
        Arc::new(Self { writes: Mutex::default(), hold: watch::Sender::new(None), held: watch::Sender::new(false) })
    }

    fn writes(&self, what: &str) -> usize {
        self.writes.lock().unwrap().get(what).copied().unwrap_or_default()
    }

    /// The next answer to this is held back.
    fn hold(&self, what: &'static str) {
        self.hold.send_replace(Some(what));
    }

    /// One is.
    async fn holds(&self) {
        let mut held = self.held.subscribe();
        tokio::time::timeout(PATIENCE, held.wait_for(|held| *held)).await.unwrap().unwrap();
    }

    fn release(&self) {
        self.hold.send_replace(None);
    }
}

/// So that the disk can wait for itself.
struct DiskOf(Arc<Watched>);

impl Disk for DiskOf {
    fn write(&self, what: &'static str) -> DiskWait<Result<(), StoreError>> {
        *self.0.writes.lock().unwrap().entry(what).or_default() += 1;
        Box::pin(std::future::ready(Ok(())))
    }

    fn written(&self, what: &'static str) -> DiskWait<()> {
        let this = self.0.clone();
        Box::pin(async move {
            let mut hold = this.hold.subscribe();
            if *hold.borrow_and_update() == Some(what) {
                this.held.send_replace(true);
                let _ = hold.wait_for(|hold| *hold != Some(what)).await;
            }
        })
    }

    fn read(&self, _: &'static str) -> DiskWait<Result<(), StoreError>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

struct Desk {
    house: House,
    ears: Ears,
    disk: Arc<Watched>,
    store: MemoryStore,
    caller: Caller,
    clock: WorldClock,
    heard: Mutex<u32>,
}

impl Desk {
    async fn new() -> Self {
        let clock = WorldClock::of_runtime(Timestamp::from_secs(1_763_800_000));
        let sealing = SealingKey::of_bytes(&[7; 32]).unwrap();
        let (store, business) = (MemoryStore::new(), BusinessId(1));
        let made = Business {
            id: business,
            name: "B".into(),
            webhook_secret: sealing.seal(b"whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=").unwrap(),
            previous_webhook_secret: None,
            created_at: Timestamp::EPOCH,
        };
        store.put_business(made).await.unwrap();
        let app = App { id: "10".into(), secret: sealing.seal(SECRET).unwrap(), verify_token: sealing.seal(b"v").unwrap() };
        store.put_app(app).await.unwrap();
        let sender = Sender {
            id: SenderId(5),
            business,
            channel: Channel::Whatsapp,
            address: "+493012345678".parse().unwrap(),
            name: None,
            account: "1065".into(),
            waba: Some("1020".into()),
            app: "10".into(),
            token: sealing.seal(b"token").unwrap(),
            throughput: 80,
            state: SenderState::Active,
            created_at: Timestamp::EPOCH,
        };
        store.put_sender(sender).await.unwrap();
        let (ears, disk) = (Ears::new(clock.clone()), Watched::new());
        let house = House::start(HouseParts {
            store: Arc::new(store.behind(Arc::new(DiskOf(disk.clone())))),
            clock: clock.clone(),
            key: sealing,
            public_url: None,
            upstream: UpstreamSettings { graph_url: "https://graph.example".into(), version: "v25.0".into() },
            upstream_connections: 1,
            upstream_per_sender: 1,
            limits: Limits::default(),
            addresses: AddressRules::default(),
            wires: Wires::without_files(Arc::new(Nobody), Arc::new(ears.clone())),
            template_interval: Span::days(1_000),
            keep: Keep::default(),
            media: MediaSettings::nowhere(),
            chance: Chance::of_system(),
            replica: crate::work::replicas::ReplicaSettings::default(),
            gate: None,
        })
        .await
        .unwrap();
        let caller = Caller { business, who: Actor::Key(KeyId(9)), scopes: Scopes::ADMIN };
        Self { house, ears, disk, store, caller, clock, heard: Mutex::default() }
    }

    fn service(&self) -> &Service {
        self.house.service()
    }

    /// An endpoint that wants inbound messages, switched off, and its secret. It takes one at a time.
    async fn endpoint(&self, host: &str, payload: Payload) -> (EndpointId, String) {
        let manner = Manner {
            description: String::new(),
            payload,
            order: Order::None,
            concurrency: 1,
            // The longest that there is.
            timeout: Some(30),
        };
        let types = if payload == Payload::Event { vec!["message.received".to_owned()] } else { Vec::new() };
        let new = NewEndpoint {
            url: format!("https://{host}/hook"),
            manner,
            filter: Selection { types, ..Selection::default() },
            enabled: false,
        };
        let (made, secret) = self.service().create_endpoint(&self.caller, new).await.unwrap();
        (made.id, secret)
    }

    async fn switch(&self, endpoint: EndpointId, on: bool) {
        self.service().switch_endpoint(&self.caller, endpoint, on).await.unwrap();
    }

    async fn shown(&self, endpoint: EndpointId) -> Endpoint {
        self.service().endpoint(&self.caller, endpoint).await.unwrap()
    }

    /// A customer writes.
    async fn hear(&self) {
        let n = {
            let mut heard = self.heard.lock().unwrap();
            *heard += 1;
            *heard
        };
        let body = json!({ "object": "whatsapp_business_account", "entry": [{ "id": "1020", "changes": [{ "field": "messages", "value": {
            "messaging_product": "whatsapp",
            "metadata": { "display_phone_number": "493012345678", "phone_number_id": "1065" },
            "contacts": [{ "profile": { "name": "Marta" }, "wa_id": "4915112345678" }],
            "messages": [{ "from": "4915112345678", "id": format!("wamid.{n}"), "timestamp": self.clock.now().as_secs().to_string(),
                           "type": "text", "text": { "body": format!("Message {n}") } }] } }] }] });
        let body = Bytes::from(body.to_string());
        let signature = transom_meta::signature::sign(SECRET, &body);
        self.house.intake().hear("10", Some(&signature), body).await.unwrap();
    }

    /// Time passes, which it does only where nobody has anything to do before.
    async fn pass(&self, seconds: u64) {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }
}

/// What each call says, by its number: of an event, and of a body of Meta's.
fn texts(calls: &[Call]) -> Vec<String> {
    let text = |call: &Call| {
        let told: Value = serde_json::from_slice(&call.body).unwrap();
        let event = told.pointer("/data/message/text");
        let raw = told.pointer("/entry/0/changes/0/value/messages/0/text/body");
        event.or(raw).and_then(Value::as_str).unwrap_or_default().trim_start_matches("Message ").to_owned()
    };
    calls.iter().map(text).collect()
}
