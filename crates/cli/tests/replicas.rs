//! Three `serve` on one PostgreSQL under load, behind one address: one is killed, one stands still for longer than its lease and wakes, one
//! is told to stop; then each is stopped and started again, one after the other, as an upgrade does. The judge is the simulator's own
//! record: nothing is lost, nothing is doubled, each conversation is in its order.
//!
//! ```sh
//! cargo xtask replicas    # at full size, as a report
//! TRANSOM_REPLICA_MESSAGES=3000 TRANSOM_REPLICA_PAUSE=60 cargo test -p transom --test replicas -- --nocapture
//! ```

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use common::{Api, KEY, Running, at, free_port, json, transom, until};
use transom_testing::Postgres;

/// Messages in all, unless `TRANSOM_REPLICA_MESSAGES` says otherwise.
const MESSAGES: usize = 144;
/// Seconds for which one replica stands still, unless `TRANSOM_REPLICA_PAUSE` says otherwise: longer than its lease.
const PAUSE: usize = 6;
/// What a run beside its pause has time for: a kill, a hand-over and a drain under load, on a busy machine.
const ELSE: Duration = Duration::from_secs(15);
/// Of each number; each of them is written to by each number.
const CUSTOMERS: usize = 8;
const NUMBERS: usize = 6;
/// How late the upstream carries each send out where a replica is to be met with sends under way, in milliseconds: long enough that there
/// are some at the pace of the short run, too, and well within `upstream.timeout`.
const LATE_MS: u32 = 800;
/// How long it may take until a replica has a send under way, or says that it is ready or not: also when the machine has other work.
const SOON: Duration = Duration::from_secs(60);

fn set(variable: &str, default: usize) -> usize {
    match std::env::var(variable) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{variable}={text} is no number")),
        Err(_) => default,
    }
}

/// What stands before the replicas: it leads each connection to the next of those that are in service.
#[derive(Clone)]
struct Balancer {
    url: String,
    serving: Arc<Mutex<Vec<u16>>>,
}

impl Balancer {
    async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serving: Arc<Mutex<Vec<u16>>> = Arc::default();
        let those = serving.clone();
        tokio::spawn(async move {
            let mut turn = 0;
            loop {
                let Ok((mut caller, _)) = listener.accept().await else { return };
                turn += 1;
                let port = {
                    let those = those.lock().unwrap();
                    those.get(turn % those.len().max(1)).copied()
                };
                tokio::spawn(async move {
                    let Some(port) = port else { return };
                    if let Ok(mut replica) = TcpStream::connect(("127.0.0.1", port)).await {
                        let _ = tokio::io::copy_bidirectional(&mut caller, &mut replica).await;
                    }
                });
            }
        });
        Self { url, serving }
    }

    fn take_out(&self, port: u16) {
        self.serving.lock().unwrap().retain(|other| *other != port);
    }

    fn put_in(&self, port: u16) {
        self.serving.lock().unwrap().push(port);
    }
}

/// Where all of them work.
struct Place {
    dir: PathBuf,
    postgres: Postgres,
    store: String,
    graph: String,
    public: String,
}

impl Place {
    fn command(&self, name: &str, args: &[&str]) -> Command {
        let mut command = at(&self.dir.join(name), args);
        command.env("TRANSOM_STORE__URL", &self.store).env("TRANSOM_SEAL_KEY", KEY);
        command
    }

    fn serve(&self, name: &'static str) -> Replica {
        self.serve_at(name, free_port())
    }

    /// Starts one, or starts it again where it was.
    fn serve_at(&self, name: &'static str, port: u16) -> Replica {
        let mut command = self.command(name, &["serve", "--listen", &format!("127.0.0.1:{port}"), "--graph-url", &self.graph]);
        for set in [
            &format!("server.public_url={}", self.public),
            "replica.lease=3s",
            "upstream.timeout=3s",
            "limits.unknown_wait=12s",
            "limits.accept_per_second=100000",
            "log.level=warn",
        ] {
            command.args(["--set", set]);
        }
        let mut running = Running::start_logging(&mut command, &self.dir.join(format!("{name}.log")));
        running.until("ready ");
        Replica { name, running, port }
    }

    fn replicas(&self) -> Value {
        json(&mut self.command("operator", &["replicas", "--json"]))
    }

    /// How many sends a replica has begun whose outcome is not stored.
    fn under_way(&self, replica: &Replica) -> usize {
        let open = format!(
            "SELECT count(*) FROM standing WHERE progress = 'started' AND phase = 'in_flight'
                 AND owner IN (SELECT id FROM replica WHERE address = 'http://127.0.0.1:{}')",
            replica.port
        );
        self.postgres.sql(self.store.rsplit('/').next().unwrap(), &open).parse().unwrap()
    }

    /// Stops a replica (SIGSTOP) in the middle of sends; how many. They are counted once it stands still, so that none of them can end
    /// between the look and what is done to it then.
    async fn stop_under_way(&self, replica: &Replica) -> usize {
        until_within(SOON, "a send under way", || async {
            if self.under_way(replica) == 0 {
                return None;
            }
            replica.running.signal("STOP");
            // What it had asked the server for just before is done by the second look.
            let left = self.under_way(replica).min(self.under_way(replica));
            if left == 0 {
                replica.running.signal("CONT");
            }
            (left > 0).then_some(left)
        })
        .await
    }

    /// Stops and starts a replica as an upgrade does: out of the balancer once it says that it is not ready, or is not reached any more,
    /// and back once it is ready. Says whether it was heard to say that it drains.
    async fn restart(&self, replica: Replica, balancer: &Balancer) -> (Replica, bool) {
        let Replica { name, running, port } = replica;
        let probe = Api::new(&format!("http://127.0.0.1:{port}"), "");
        let ready = async || probe.try_call(Method::GET, "/readyz", None, None).await;
        // It is told, and its end is waited for, beside the looks.
        let ending = tokio::task::spawn_blocking(move || running.terminate());
        let drains = until_within(SOON, "a replica that is not ready any more", || async {
            match ready().await {
                Some((200, _)) => None,
                Some((_, said)) => Some(said["draining"] == true),
                None => Some(false),
            }
        })
        .await;
        balancer.take_out(port);
        assert!(ending.await.unwrap(), "{name} did not end in order");
        let replica = self.serve_at(name, port);
        until_within(SOON, "readiness", || async { matches!(ready().await, Some((200, _))).then_some(()) }).await;
        balancer.put_in(port);
        (replica, drains)
    }
}

struct Replica {
    name: &'static str,
    running: Running,
    port: u16,
}

/// Tells the simulator what goes wrong from now on.
async fn order(desk: &Api, faults: &Value) {
    let (status, said) = desk.call(Method::PUT, "/sim/v1/faults", Some(faults)).await;
    assert_eq!(status, 200, "{said}");
}

/// As [`until`], for what may take longer than most things.
async fn until_within<T, F: Future<Output = Option<T>>>(patience: Duration, what: &str, mut look: impl FnMut() -> F) -> T {
    let mut pulse = tokio::time::interval(Duration::from_millis(20));
    let found = tokio::time::timeout(patience, async {
        loop {
            pulse.tick().await;
            if let Some(found) = look().await {
                return found;
            }
        }
    });
    found.await.unwrap_or_else(|_| panic!("{what} did not happen"))
}

/// What one replica left behind, and how long it took until the others had it.
struct HandOver {
    what: &'static str,
    /// Milliseconds since 1970.
    at: i64,
    took: Duration,
}

impl HandOver {
    /// From now until so many have all numbers evenly between them.
    async fn watch(what: &'static str, place: &Place, live: usize) -> Self {
        let (at, begun) = (now(), Instant::now());
        spread(place, live).await;
        Self { what, at, took: begun.elapsed() }
    }
}

fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// The longest time between two moments in which a number sent nothing, of all numbers; the last of it is not counted.
fn silence(record: &[Value], from: i64, to: i64) -> Duration {
    let mut last: HashMap<&str, i64> = HashMap::new();
    let mut longest = 0;
    for message in record {
        let (number, at) = (message["from"].as_str().unwrap(), message["at"].as_i64().unwrap());
        if (from..to).contains(&at) {
            longest = longest.max(at - last.insert(number, at).unwrap_or(from));
        }
    }
    Duration::from_millis(u64::try_from(longest).unwrap_or(0))
}

/// Waits until so many are live and have the numbers evenly between them.
async fn spread(place: &Place, live: usize) {
    // Also when the machine has other work.
    until_within(Duration::from_secs(120), "an even spread", || async {
        let shown = place.replicas();
        let all = shown["data"].as_array().unwrap();
        let live_ones: Vec<_> = all.iter().filter(|replica| replica["state"] == "live").collect();
        let even = live_ones.iter().all(|replica| replica["senders"] == NUMBERS / live);
        (live_ones.len() == live && even).then_some(())
    })
    .await;
}

/// What the simulator has accepted, in its order.
async fn record(desk: &Api) -> Vec<Value> {
    let (mut all, mut after) = (Vec::new(), json!(0));
    loop {
        let page = desk.get(&format!("/sim/v1/messages?limit=1000&after={after}")).await;
        let data = page["data"].as_array().unwrap();
        match data.last() {
            Some(message) => after = message["seq"].clone(),
            None => return all,
        }
        all.extend(data.iter().cloned());
    }
}

fn simulate(dir: &Path) -> (Running, Value) {
    let mut simulator = Running::start(transom().args(["simulate", "--json", "--port", "0", "--dir"]).arg(dir.join("simulator")));
    let identity = simulator.object();
    (simulator, identity)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_killed_one_stopped_one_drained_and_then_an_upgrade_lose_and_double_nothing() {
    let (wanted, pause) = (set("TRANSOM_REPLICA_MESSAGES", MESSAGES), set("TRANSOM_REPLICA_PAUSE", PAUSE));
    let dir = tempfile::tempdir().unwrap();
    let postgres = Postgres::start(&[]);
    let (_simulator, meta) = simulate(dir.path());
    let desk = Api::new(meta["graphUrl"].as_str().unwrap(), "");
    let balancer = Balancer::open().await;
    let place = Place {
        dir: dir.path().to_owned(),
        store: postgres.database(),
        postgres,
        graph: meta["graphUrl"].as_str().unwrap().to_owned(),
        public: balancer.url.clone(),
    };
    let one = place.serve("one");
    balancer.put_in(one.port);

    // Numbers, over the command line as an operator would.
    let mut numbers = vec![meta["phoneNumberId"].as_str().unwrap().to_owned()];
    for n in 1..NUMBERS {
        let body = json!({ "phone": format!("+4930000010{n}"), "name": format!("Shop {n}"), "waba": meta["wabaId"] });
        let made = desk.post("/sim/v1/numbers", &body).await;
        numbers.push(made["id"].as_str().unwrap().to_owned());
    }
    let operator = |args: &[&str], number: &str| {
        let mut command = place.command("one", args);
        command.arg("--json").env("META_PHONE_NUMBER_ID", number);
        for (variable, field) in [
            ("META_APP_ID", "appId"),
            ("META_APP_SECRET", "appSecret"),
            ("META_VERIFY_TOKEN", "verifyToken"),
            ("META_ACCESS_TOKEN", "accessToken"),
            ("META_WABA_ID", "wabaId"),
        ] {
            command.env(variable, meta[field].as_str().unwrap());
        }
        json(&mut command)
    };
    let business = operator(&["business", "add", "--name", "Replicas"], "")["id"].as_str().unwrap().to_owned();
    let key = operator(&["key", "add"], "")["text"].as_str().unwrap().to_owned();
    let mut senders = Vec::new();
    for number in &numbers {
        // The desk's first number is registered; the others are with this PIN.
        operator(if *number == numbers[0] { &["sender", "add"][..] } else { &["sender", "add", "--pin", "135790"] }, number);
        desk.call(Method::PATCH, &format!("/sim/v1/numbers/{number}"), Some(&json!({ "throughput": 1_000 }))).await;
    }
    for listed in operator(&["sender", "list"], "")["data"].as_array().unwrap() {
        senders.push(listed["address"].as_str().unwrap().to_owned());
    }
    assert_eq!(senders.len(), NUMBERS);
    let api = Api::new(&balancer.url, &key);
    let messages = format!("/v1/businesses/{business}/messages");
    let phone = |i: usize| format!("+49155504{i:05}");
    for i in 0..CUSTOMERS {
        desk.post("/sim/v1/customers", &json!({ "phone": phone(i), "name": format!("Customer {i}") })).await;
        for number in &numbers {
            let hello = json!({ "to": number, "type": "text", "text": { "body": "Hello" } });
            desk.post(&format!("/sim/v1/customers/{}/messages", phone(i).replace('+', "%2B")), &hello).await;
        }
    }
    until("every first message", || async {
        let page = api.get(&format!("{messages}?direction=inbound&pageSize=100")).await;
        (page["data"].as_array().unwrap().len() == CUSTOMERS * NUMBERS).then_some(())
    })
    .await;

    let (two, three) = (place.serve("two"), place.serve("three"));
    balancer.put_in(two.port);
    balancer.put_in(three.port);
    spread(&place, 3).await;

    // A caller per conversation, each of which says one thing after the other, and again whatever was not answered. Together they keep a
    // pace at which the load lasts longer than a kill, a pause and a drain, and go on at it until the upgrade is over.
    let lasts = 2 * Duration::from_secs(pause as u64) + ELSE;
    let (done, goes_on) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(true)));
    let rounds = wanted.div_ceil(CUSTOMERS * NUMBERS);
    let planned = rounds * CUSTOMERS * NUMBERS;
    let (mut callers, begun) = (JoinSet::new(), tokio::time::Instant::now());
    let pairs = (0..CUSTOMERS).flat_map(|customer| senders.iter().map(move |sender| (customer, sender.clone())));
    for (place, (customer, sender)) in (0..).zip(pairs) {
        let each = lasts / u32::try_from(rounds).unwrap();
        let mut turn = tokio::time::interval_at(begun + each * place / u32::try_from(CUSTOMERS * NUMBERS).unwrap(), each);
        let (url, key, messages, to) = (balancer.url.clone(), key.clone(), messages.clone(), phone(customer));
        let (done, goes_on) = (done.clone(), goes_on.clone());
        callers.spawn(async move {
            // A connection of its own, which leads to one replica until that one ends or does not answer.
            let api = Api::new(&url, &key);
            let mut ids = Vec::new();
            for round in 0.. {
                if round >= rounds && !goes_on.load(Ordering::SeqCst) {
                    break;
                }
                turn.tick().await;
                let body = json!({ "to": to, "from": sender, "content": { "language": "en",
                    "types": { "twilio/text": { "body": format!("{sender} {to} {round}") } } } });
                let again = format!("{sender}-{to}-{round}");
                let id = until_within(Duration::from_secs(120), "an answer", || async {
                    let asked = api.try_call(Method::POST, &messages, Some(&body), Some(&again));
                    match tokio::time::timeout(Duration::from_secs(5), asked).await {
                        Ok(Some((201, answer))) => Some(answer["id"].as_str().unwrap().to_owned()),
                        Err(_) | Ok(None | Some((409 | 429 | 503, _))) => None,
                        Ok(Some((status, answer))) => panic!("HTTP {status}: {answer}"),
                    }
                })
                .await;
                done.fetch_add(1, Ordering::SeqCst);
                ids.push(id);
            }
            ids
        });
    }
    let progress = async |part: usize| {
        until_within(2 * lasts, "progress", || async { (done.load(Ordering::SeqCst) >= planned * part / 5).then_some(()) }).await;
    };
    let (mut handed_over, late) = (Vec::new(), json!([{ "kind": "latency", "share": 1.0, "ms": LATE_MS }]));
    progress(1).await;
    order(&desk, &late).await;
    balancer.take_out(one.port);
    let of_killed = place.stop_under_way(&one).await;
    one.running.kill();
    handed_over.push(HandOver::watch("killed with -9", &place, 2).await);
    progress(2).await;
    balancer.take_out(two.port);
    let of_stopped = place.stop_under_way(&two).await;
    let stopped = Instant::now();
    handed_over.push(HandOver::watch("stands still", &place, 1).await);
    let pause_of = Duration::from_secs(pause as u64);
    until_within(2 * pause_of, "a while", || async { (stopped.elapsed() >= pause_of).then_some(()) }).await;
    let stood_still = stopped.elapsed();
    two.running.signal("CONT");
    balancer.put_in(two.port);
    handed_over.push(HandOver::watch("wakes up", &place, 2).await);
    progress(4).await;
    order(&desk, &json!([])).await;
    let (at, begun) = (now(), Instant::now());
    balancer.take_out(three.port);
    assert!(three.running.terminate(), "it ended in order");
    spread(&place, 1).await;
    handed_over.push(HandOver { what: "told to stop", at, took: begun.elapsed() });
    let left = planned.saturating_sub(done.load(Ordering::SeqCst));

    // Those that went come back, and then all are restarted in turn, each in the middle of sends.
    let mut replicas = vec![two];
    for (name, port) in [(one.name, one.port), (three.name, three.port)] {
        replicas.push(place.serve_at(name, port));
        balancer.put_in(port);
    }
    spread(&place, 3).await;
    order(&desk, &late).await;
    let (mut restarted, mut drains) = (Vec::new(), 0);
    for replica in replicas {
        until_within(SOON, "a send under way", || async { (place.under_way(&replica) > 0).then_some(()) }).await;
        let (at, begun) = (now(), Instant::now());
        let (replica, was_heard) = place.restart(replica, &balancer).await;
        spread(&place, 3).await;
        handed_over.push(HandOver { what: "restarted, as in an upgrade", at, took: begun.elapsed() });
        drains += usize::from(was_heard);
        restarted.push(replica);
    }
    order(&desk, &json!([])).await;
    goes_on.store(false, Ordering::SeqCst);
    let conversations = callers.join_all().await;
    let count: usize = conversations.iter().map(Vec::len).sum();
    let ids: Vec<&String> = conversations.iter().flatten().collect();

    let read = async |id: &str| api.get(&format!("{messages}/{id}")).await;
    let mut ends: HashMap<String, Value> = HashMap::new();
    for id in &ids {
        let end = until("an end of every message", || async {
            let message = read(id).await;
            matches!(message["status"].as_str(), Some("delivered" | "read" | "failed" | "expired")).then_some(message)
        })
        .await;
        ends.insert(id.to_string(), end);
    }
    let record = record(&desk).await;
    let mut times: HashMap<&str, usize> = HashMap::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for (place, message) in record.iter().enumerate() {
        let id = message["callbackData"].as_str().unwrap().split('.').next().unwrap();
        assert!(ends.contains_key(id), "nobody sent {id}");
        *times.entry(id).or_default() += 1;
        places.entry(id).or_insert(place);
    }
    // One whose answer was lost lets the next pass.
    let was_sure = |id: &&String| !ends[id.as_str()]["timeline"].to_string().contains("\"unknown\"");
    let in_order = |ids: &&Vec<String>| ids.iter().filter(was_sure).is_sorted_by_key(|id| places.get(id.as_str()));
    let disordered = conversations.iter().filter(|ids| !in_order(ids)).count();
    let (mut lost, mut doubled, mut unknown) = (0, 0, 0);
    for (id, message) in &ends {
        match (times.get(id.as_str()).copied().unwrap_or(0), message["status"].as_str().unwrap()) {
            (1, "delivered" | "read") => {}
            (0 | 1, "failed") if message["error"]["code"] == "ERROR_CODE_OUTCOME_UNKNOWN" => unknown += 1,
            (2.., _) => {
                doubled += 1;
                eprintln!("doubled: {message}");
            }
            _ => {
                lost += 1;
                eprintln!("lost: {message}");
            }
        }
    }
    // Only what the one that was killed and the one that stood still had begun may be told as unknown: who wakes, and who is told to
    // stop, also for an upgrade, leaves nothing so.
    let under_way = of_killed + of_stopped;
    let ends_of = handed_over.iter().skip(1).map(|next| next.at).chain([i64::MAX]);
    let hand_overs: Vec<Value> = handed_over
        .iter()
        .zip(ends_of)
        .map(|(one, to)| {
            let silent = silence(&record, one.at, to).as_secs_f64();
            json!({ "what": one.what, "seconds": one.took.as_secs_f64(), "silentSeconds": silent })
        })
        .collect();
    let counted = json!({
        "messages": count, "sentUpstream": record.len(), "lost": lost, "doubled": doubled, "unknown": unknown, "senders": NUMBERS,
        "conversations": conversations.len(), "disordered": disordered, "stoodStillSeconds": stood_still.as_secs_f64(),
        "leftWhenDrained": left, "underWayKilled": of_killed, "underWayStopped": of_stopped, "restarts": restarted.len(),
        "heardToDrain": drains, "handOvers": hand_overs,
    });
    eprintln!("counted: {counted}");
    if let Ok(file) = std::env::var("TRANSOM_REPLICA_OUT") {
        std::fs::write(file, counted.to_string()).unwrap();
    }
    assert_eq!((lost, doubled, disordered), (0, 0, 0), "lost, doubled, out of order; of {count}");
    assert!(of_killed > 0 && of_stopped > 0, "nothing was under way at one of them: {of_killed} and {of_stopped}");
    assert!(unknown <= under_way, "{unknown} are unknown, of {under_way} that were under way");
    assert!(drains > 0, "none of {} was heard to say that it drains", restarted.len());
    for replica in restarted {
        assert!(replica.running.terminate(), "{} did not end in order", replica.name);
    }
}

#[test]
fn the_longest_silence_is_of_one_number_and_within_two_moments() {
    let sent = |from: &str, at: i64| json!({ "from": from, "at": at });
    let record = [
        sent("a", 50),
        sent("a", 1_100),
        sent("b", 1_200),
        sent("a", 1_300),
        sent("b", 2_900),
        sent("a", 4_000),
        sent("a", 9_000),
    ];
    assert_eq!(silence(&record, 1_000, 5_000), Duration::from_millis(2_700));
    assert_eq!(silence(&record, 1_000, 2_000), Duration::from_millis(200));
    assert_eq!(silence(&record, 10_000, 20_000), Duration::ZERO);
}
