//! Three replicas on one store, on virtual time, against a Meta of the test's own: what leaves, through whom, and how often.

mod faults;

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use ::http::{HeaderMap, Request};
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::watch;

use transom_clock::WorldClock;
use transom_domain::address::Channel;
use transom_domain::free_form::FreeForm;
use transom_domain::holding::{ReplicaId, Thing};
use transom_domain::id::{BusinessId, KeyId, MessageId, SenderId};
use transom_domain::message::{WhenRefused, WhenUnknown};
use transom_domain::status::Phase;
use transom_domain::time::{Span, Timestamp};
use transom_store::{
    Actor, Alike, App, Business, Enrol, Keep, MemoryStore, Replicas as _, Scopes, Sender, SenderState, Store as _,
};

use super::{BeginError, Keeper, ReplicaSettings};
use crate::chance::Chance;
use crate::media::MediaSettings;
use crate::seal::SealingKey;
use crate::service::{AddressRules, Caller, Limits, SendCommand, Sent, What};
use crate::upstream::UpstreamSettings;
use crate::wire::{Called, Calling, NoWire, Wanted, Wire, Wires};
use crate::work::tasks::{Gate, Task};
use crate::{House, HouseParts, StartError};

const SECRET: &[u8] = b"app secret";
const SHOP: BusinessId = BusinessId(1);
const SENDERS: u64 = 6;
const CUSTOMERS: u64 = 8;
/// Messages that Meta lets each number send a second.
const THROUGHPUT: u32 = 5;
const BEGUN: Timestamp = Timestamp::from_secs(1_763_800_000);

fn sender(n: u64) -> SenderId {
    SenderId(u128::from(n + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C834))
}

fn number(n: u64) -> String {
    format!("+49301234567{n}")
}

fn customer(n: u64) -> String {
    format!("+4915112345{n:03}")
}

/// A process as a gate before its tasks: it can be held up and ended.
#[derive(Default)]
struct Process(Mutex<(Mode, Vec<Waker>)>);

#[derive(Default, Clone, Copy, PartialEq)]
enum Mode {
    #[default]
    Runs,
    Waits,
    Over,
}

impl Process {
    fn turn(&self, mode: Mode) {
        let parked = {
            let mut state = self.0.lock().unwrap();
            state.0 = mode;
            std::mem::take(&mut state.1)
        };
        parked.into_iter().for_each(Waker::wake);
    }

    fn mode(&self) -> Mode {
        self.0.lock().unwrap().0
    }
}

struct Door(Arc<Process>);

impl Gate for Door {
    fn behind(&self, task: Task) -> Task {
        Box::pin(Gated { process: self.0.clone(), task: Some(task) })
    }
}

struct Gated {
    process: Arc<Process>,
    task: Option<Task>,
}

impl Future for Gated {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        {
            let mut state = self.process.0.lock().unwrap();
            if state.0 != Mode::Over {
                state.1.push(context.waker().clone());
            }
            if state.0 == Mode::Waits {
                return Poll::Pending;
            }
        }
        if self.process.mode() == Mode::Over {
            self.task = None;
        }
        self.task.as_mut().map_or(Poll::Ready(()), |task| task.as_mut().poll(context))
    }
}

/// Meta: writes down what comes, and answers once it is let.
#[derive(Clone)]
struct Meta(Arc<MetaInner>);

struct MetaInner {
    clock: WorldClock,
    calls: Mutex<Vec<(Timestamp, String, String, String)>>,
    answers: watch::Sender<bool>,
}

impl Wire for Meta {
    fn call(&self, request: Request<Bytes>, _: Wanted) -> Calling<'_> {
        Box::pin(async move {
            let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
            let Some(text) = body.pointer("/text/body").and_then(Value::as_str) else {
                return Called::NeverLeft("nothing else is answered".to_owned());
            };
            let account = request.uri().path().split('/').nth(2).unwrap_or_default().to_owned();
            let to = body["to"].as_str().unwrap_or_default().to_owned();
            let n = {
                let mut calls = self.0.calls.lock().unwrap();
                calls.push((self.0.clock.now(), account, to.clone(), text.to_owned()));
                calls.len()
            };
            let mut answers = self.0.answers.subscribe();
            answers.wait_for(|answers| *answers).await.unwrap();
            let answer = json!({ "messaging_product": "whatsapp", "contacts": [{ "input": to, "wa_id": to.trim_start_matches('+') }],
                "messages": [{ "id": format!("wamid.{n}") }] });
            Called::Answer { status: 200, body: answer.to_string().into(), headers: HeaderMap::new() }
        })
    }
}

/// Who can be reached, by host.
type Reached = BTreeMap<String, (Keeper, Arc<Process>)>;

/// Hints between the replicas, to those that run.
#[derive(Clone, Default)]
struct Between(Arc<Mutex<Reached>>);

impl Wire for Between {
    fn call(&self, request: Request<Bytes>, _: Wanted) -> Calling<'_> {
        Box::pin(async move {
            let host = request.uri().host().unwrap_or_default().to_owned();
            let there = self.0.lock().unwrap().get(&host).cloned();
            let Some((keeper, process)) = there.filter(|(_, process)| process.mode() == Mode::Runs) else {
                return Called::NeverLeft("nobody is there".to_owned());
            };
            drop(process);
            let signed = request.headers()["authorization"].to_str().unwrap().trim_start_matches("Transom ").to_owned();
            assert!(keeper.hear(request.body(), &signed));
            Called::Answer { status: 204, body: Bytes::new(), headers: HeaderMap::new() }
        })
    }
}

struct Node {
    house: House,
    process: Arc<Process>,
}

struct Town {
    clock: WorldClock,
    store: MemoryStore,
    meta: Meta,
    between: Between,
    caller: Caller,
    accepted: Mutex<Vec<(MessageId, String)>>,
}

impl Town {
    async fn new() -> Self {
        let clock = WorldClock::of_runtime(BEGUN);
        let of_store = clock.clone();
        let store = MemoryStore::shared(move || of_store.now());
        let sealing = sealing();
        store.put_business(business(SHOP)).await.unwrap();
        let app = App { id: "10".into(), secret: sealing.seal(SECRET).unwrap(), verify_token: sealing.seal(b"v").unwrap() };
        store.put_app(app).await.unwrap();
        for n in 0..SENDERS {
            store.put_sender(sender_of(SHOP, n)).await.unwrap();
        }
        let meta = Meta(Arc::new(MetaInner { clock: clock.clone(), calls: Mutex::default(), answers: watch::Sender::new(true) }));
        let caller = Caller { business: SHOP, who: Actor::Key(KeyId(9)), scopes: Scopes::ADMIN };
        Self { clock, store, meta, between: Between::default(), caller, accepted: Mutex::default() }
    }

    async fn node(&self, name: &str) -> Node {
        self.begun(name).await.unwrap()
    }

    async fn begun(&self, name: &str) -> Result<Node, StartError> {
        self.begun_on(name, self.store.clone()).await
    }

    /// One whose way to the store is the test's own.
    async fn begun_on(&self, name: &str, store: MemoryStore) -> Result<Node, StartError> {
        let process = Arc::new(Process::default());
        let wires = Wires::without_files(Arc::new(self.meta.clone()), Arc::new(NoWire));
        let house = House::start(HouseParts {
            store: Arc::new(store),
            clock: self.clock.clone(),
            key: sealing(),
            public_url: None,
            upstream: UpstreamSettings { graph_url: "https://graph.example".into(), version: "v25.0".into() },
            upstream_connections: 64,
            upstream_per_sender: 8,
            limits: Limits { accept_per_second: 1_000, accept_burst: 1_000, ..Limits::default() },
            addresses: AddressRules::default(),
            wires: Wires { replicas: Arc::new(self.between.clone()), ..wires },
            template_interval: Span::days(1_000),
            keep: Keep::default(),
            media: MediaSettings::nowhere(),
            chance: Chance::of_system(),
            replica: ReplicaSettings { address: format!("http://{name}"), ..ReplicaSettings::default() },
            gate: Some(Arc::new(Door(process.clone()))),
        })
        .await?;
        let keeper = house.keeper().unwrap().clone();
        self.between.0.lock().unwrap().insert(name.to_owned(), (keeper, process.clone()));
        Ok(Node { house, process })
    }

    /// Every customer writes to every number, so that each may be answered.
    async fn windows(&self, node: &Node) {
        for (sender, customer) in (0..SENDERS).flat_map(|sender| (0..CUSTOMERS).map(move |n| (sender, customer(n)))) {
            let body = json!({ "object": "whatsapp_business_account", "entry": [{ "id": "1020", "changes": [{ "field": "messages",
                "value": { "messaging_product": "whatsapp",
                    "metadata": { "display_phone_number": number(sender).trim_start_matches('+'), "phone_number_id": format!("106{sender}") },
                    "contacts": [{ "profile": { "name": "Marta" }, "wa_id": customer.trim_start_matches('+') }],
                    "messages": [{ "from": customer.trim_start_matches('+'), "id": format!("wamid.in.{sender}.{customer}"),
                        "timestamp": self.clock.now().as_secs().to_string(), "type": "text", "text": { "body": "Hello" } }] } }] }] });
            let body = Bytes::from(body.to_string());
            let signature = transom_meta::signature::sign(SECRET, &body);
            node.house.intake().hear("10", Some(&signature), body).await.unwrap();
        }
    }

    /// A round of messages, one in each conversation, through these nodes in turn.
    async fn round(&self, nodes: &[&Node], round: u64) {
        for n in 0..SENDERS * CUSTOMERS {
            self.send(nodes[usize::try_from(n + round).unwrap() % nodes.len()], n % SENDERS, n / SENDERS, round).await;
        }
    }

    /// A message of a round from a number to a customer.
    async fn send(&self, node: &Node, from: u64, to: u64, round: u64) {
        let (sender, customer) = (number(from), customer(to));
        let body = format!("{sender} to {customer}: {round}");
        let command = SendCommand {
            to: customer.parse().unwrap(),
            from: Some(sender.parse().unwrap()),
            id: None,
            name: None,
            what: What::FreeForm(FreeForm::Text { body: body.clone(), preview_url: false }),
            send_at: None,
            validity: None,
            when_unknown: WhenUnknown::Auto,
            callback_data: None,
            when_refused: WhenRefused::Refuse,
            campaign: None,
            origin: None,
            human: None,
            context: None,
            idempotency: None,
        };
        match node.house.service().send(&self.caller, command).await.unwrap() {
            Sent::Accepted { id, .. } => self.accepted.lock().unwrap().push((id, body)),
            Sent::Replayed { .. } => panic!("nothing was sent before"),
        }
    }

    /// Who holds how many senders; nobody is counted, too.
    async fn spread(&self) -> BTreeMap<ReplicaId, usize> {
        let mut spread = BTreeMap::new();
        for held in self.store.holdings().await.unwrap() {
            if matches!(held.thing, Thing::Sender(_)) {
                *spread.entry(held.by).or_default() += 1;
            }
        }
        spread
    }

    /// Waits until so many replicas have the senders evenly between them.
    async fn is_spread_over(&self, replicas: usize) {
        let even = usize::try_from(SENDERS).unwrap() / replicas;
        let begun = self.clock.now();
        loop {
            let spread = self.spread().await;
            if spread.len() == replicas && spread.iter().all(|(by, held)| *held == even && *by != ReplicaId::NOBODY) {
                return;
            }
            assert!(self.clock.now().since(begun) < Span::minutes(1), "after a minute the senders are spread as {spread:?}");
            pass(100).await;
        }
    }

    /// Waits until everything that was accepted has been called for.
    async fn all_have_left(&self) {
        let begun = self.clock.now();
        loop {
            let called: BTreeSet<String> = self.calls().into_iter().map(|(.., text)| text).collect();
            let missing: Vec<String> = self
                .accepted
                .lock()
                .unwrap()
                .iter()
                .map(|(_, text)| text.clone())
                .filter(|text| !called.contains(text))
                .collect();
            if missing.is_empty() {
                return;
            }
            assert!(self.clock.now().since(begun) < Span::minutes(3), "{} never left, such as {}", missing.len(), missing[0]);
            pass(500).await;
        }
    }

    fn calls(&self) -> Vec<(Timestamp, String, String, String)> {
        self.meta.0.calls.lock().unwrap().clone()
    }

    /// Nothing twice, each conversation in its order, and no number faster than Meta lets it.
    fn look_over(&self) {
        let calls = self.calls();
        let mut texts = BTreeSet::new();
        let mut last: BTreeMap<(String, String), u64> = BTreeMap::new();
        let mut times: BTreeMap<String, Vec<Timestamp>> = BTreeMap::new();
        for (at, account, to, text) in calls {
            assert!(texts.insert(text.clone()), "{text} left twice");
            let round: u64 = text.rsplit(' ').next().unwrap().parse().unwrap();
            let before = last.insert((account.clone(), to), round);
            assert!(before.is_none_or(|before| before < round), "{text} left after {before:?}");
            times.entry(account).or_default().push(at);
        }
        for (account, times) in times {
            for (n, at) in times.iter().enumerate() {
                let in_a_second = times[n..].iter().take_while(|other| other.since(*at) < Span::secs(1)).count();
                assert!(in_a_second <= THROUGHPUT as usize, "{account} sent {in_a_second} in the second after {at:?}");
            }
        }
    }
}

fn business(id: BusinessId) -> Business {
    let webhook_secret = sealing().seal(b"whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=").unwrap();
    Business { id, name: "Shop".into(), webhook_secret, previous_webhook_secret: None, created_at: BEGUN }
}

fn sender_of(business: BusinessId, n: u64) -> Sender {
    Sender {
        id: sender(n),
        business,
        channel: Channel::Whatsapp,
        address: number(n).parse().unwrap(),
        name: None,
        account: format!("106{n}"),
        waba: Some("1020".into()),
        app: "10".into(),
        token: sealing().seal(b"token").unwrap(),
        throughput: THROUGHPUT,
        state: SenderState::Active,
        created_at: BEGUN,
    }
}

fn sealing() -> SealingKey {
    SealingKey::of_bytes(&[7; 32]).unwrap()
}

/// Time passes, which it does only where nobody has anything to do before.
async fn pass(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

#[tokio::test(start_paused = true)]
async fn who_joins_takes_a_share_and_who_leaves_hands_over_without_a_gap() {
    let town = Town::new().await;
    let one = town.node("one").await;
    town.is_spread_over(1).await;
    town.windows(&one).await;
    town.round(&[&one], 0).await;
    let (two, three) = (town.node("two").await, town.node("three").await);
    town.round(&[&one, &two, &three], 1).await;
    town.is_spread_over(3).await;
    town.round(&[&one, &two, &three], 2).await;
    pass(1_500).await;
    // In the middle of its queue.
    one.house.stop().await;
    town.is_spread_over(2).await;
    town.round(&[&two, &three], 3).await;
    town.all_have_left().await;
    town.look_over();
    let accepted = town.accepted.lock().unwrap().clone();
    for (id, text) in accepted {
        let message = town.store.message(SHOP, id).await.unwrap().unwrap();
        assert_eq!(message.phase, Phase::Handed, "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_killed_and_one_held_up_lose_and_double_nothing() {
    let town = Town::new().await;
    let (one, two, three) = (town.node("one").await, town.node("two").await, town.node("three").await);
    town.is_spread_over(3).await;
    town.windows(&one).await;
    town.round(&[&one, &two, &three], 0).await;
    pass(700).await;
    // Killed while Meta has calls of it that it has not answered.
    town.meta.0.answers.send_replace(false);
    pass(1_000).await;
    one.process.turn(Mode::Over);
    town.meta.0.answers.send_replace(true);
    town.round(&[&two, &three], 1).await;
    town.is_spread_over(2).await;
    // Held up for a minute, with calls under way and a queue; the other goes on with both.
    town.meta.0.answers.send_replace(false);
    pass(1_000).await;
    two.process.turn(Mode::Waits);
    town.meta.0.answers.send_replace(true);
    town.round(&[&three], 2).await;
    town.is_spread_over(1).await;
    pass(60_000).await;
    two.process.turn(Mode::Runs);
    town.round(&[&two, &three], 3).await;
    town.is_spread_over(2).await;
    two.house.stop().await;
    town.is_spread_over(1).await;
    town.round(&[&three], 4).await;
    town.all_have_left().await;
    town.look_over();
    // What the killed one had sent, nobody knows; what the one had sent that was held up, it has told when it woke up.
    let mut unknown = 0;
    let accepted = town.accepted.lock().unwrap().clone();
    for (id, text) in accepted {
        match town.store.message(SHOP, id).await.unwrap().unwrap().phase {
            Phase::Handed => {}
            Phase::Unknown { .. } => unknown += 1,
            other => panic!("{text} is {other:?}"),
        }
    }
    assert!((1..=10).contains(&unknown), "{unknown} were under way when it was killed");
    // And silence is no evidence: nothing of it is sent again.
    let calls = town.calls().len();
    pass(900_000).await;
    assert_eq!(town.calls().len(), calls);
}

#[tokio::test(start_paused = true)]
async fn who_has_another_sealing_key_than_the_replicas_that_are_there_does_not_begin() {
    let town = Town::new().await;
    let one = town.node("one").await;
    let alike = Alike { key: "another".to_owned(), media: String::new() };
    let other = Enrol { id: ReplicaId(77), address: "http://other".to_owned(), lease: Span::secs(10), alike };
    town.store.enrol(other).await.unwrap();
    let Err(why) = town.begun("two").await.map(drop) else { panic!("it began") };
    assert!(matches!(&why, StartError::Replica(BeginError::Key(at)) if at == "http://other"), "{why}");
    // Nobody was left behind for whom others would make room.
    assert_eq!(town.store.replicas().await.unwrap().len(), 2);
    town.store.leave(ReplicaId(77)).await.unwrap();
    town.begun("two").await.map(drop).unwrap();
    one.house.stop().await;
}
