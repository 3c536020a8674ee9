//! `serve` and `simulate` as separate processes, each killed in the middle, with lost calls and answers, throttles and an upstream
//! that stands still: nothing is lost, nothing is doubled.
//!
//! The judge is the simulator's own record of what it has accepted; every message carries its id there. A message may end as
//! unknown only where the rule says so: nothing was heard of any later attempt before it was given up.
//!
//! The first is the short form of `cargo xtask crash`. It can be made longer:
//!
//! ```sh
//! TRANSOM_KILL_MESSAGES=2000 TRANSOM_KILLS=6 cargo test -p transom --test kill -- --nocapture
//! ```

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Bytes;
use axum::http::Uri;
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use transom_domain::id::MessageId;

use common::{Api, Running, at, free_port, json, run, transom, until};

/// Messages in all, unless `TRANSOM_KILL_MESSAGES` says otherwise: enough that each kill falls into the middle of many.
const MESSAGES: usize = 300;
/// Kills, unless `TRANSOM_KILLS` says otherwise: gateway and simulator in turns, the gateway first.
const KILLS: usize = 2;
/// Messages that one customer gets at most, within Meta's burst of 45.
const PER_CUSTOMER: usize = 30;
/// Customers at least.
const CUSTOMERS: usize = 60;
/// Callers at once.
const CALLERS: usize = 16;
/// How often each of the upstream's faults comes.
const FAULTS: u64 = 4;

/// What goes wrong upstream besides the kills: calls lost before and after they were carried out, a proxy's page in the place of
/// an answer, a throttle, a fault of the server.
fn faults() -> Value {
    let often = |kind: &str, seed: u64| json!({ "kind": kind, "share": 0.1, "seed": seed, "count": FAULTS });
    let error = |code: u32| json!({ "kind": "error", "share": 0.1, "seed": code, "count": FAULTS, "code": code });
    json!([often("lost_call", 1), often("lost_answer", 2), often("bad_gateway", 3), error(130_429), error(131_016)])
}

fn set(variable: &str, default: usize) -> usize {
    match std::env::var(variable) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{variable}={text} is no number")),
        Err(_) => default,
    }
}

struct Ports {
    gateway: u16,
    simulator: u16,
}

fn simulate(dir: &Path, ports: &Ports) -> (Running, Value) {
    let port = ports.simulator.to_string();
    let mut simulator =
        Running::start(transom().args(["simulate", "--json", "--port", &port, "--dir"]).arg(dir.join("simulator")));
    let identity = simulator.object();
    (simulator, identity)
}

fn serve(dir: &Path, ports: &Ports) -> Running {
    let mut command = at(&dir.join("gateway"), &["serve"]);
    command.args(["--listen", &format!("127.0.0.1:{}", ports.gateway)]);
    command.args(["--graph-url", &format!("http://127.0.0.1:{}", ports.simulator)]);
    // Short enough for a test, long enough for the simulator to tell what it owes after a restart.
    for set in [
        "upstream.timeout=3s",
        "limits.unknown_wait=12s",
        "limits.accept_per_second=100000",
        "webhooks.allow_http=true",
        "webhooks.allow_loopback=true",
        "log.level=error",
    ] {
        command.args(["--set", set]);
    }
    let mut gateway = Running::start(&mut command);
    gateway.until("ready ");
    gateway
}

/// Business, key, app and sender over the command line, as an operator would.
fn set_up(dir: &Path, meta: &Value) -> (String, String) {
    let operator = |args: &[&str]| {
        let mut command = at(&dir.join("gateway"), args);
        command.arg("--json");
        for (variable, field) in [
            ("META_APP_ID", "appId"),
            ("META_APP_SECRET", "appSecret"),
            ("META_VERIFY_TOKEN", "verifyToken"),
            ("META_ACCESS_TOKEN", "accessToken"),
            ("META_WABA_ID", "wabaId"),
            ("META_PHONE_NUMBER_ID", "phoneNumberId"),
        ] {
            command.env(variable, meta[field].as_str().unwrap());
        }
        json(&mut command)
    };
    let business = operator(&["business", "add", "--name", "Kill test"])["id"].as_str().unwrap().to_owned();
    let key = operator(&["key", "add"])["text"].as_str().unwrap().to_owned();
    let added = operator(&["sender", "add"]);
    let steps: Vec<&str> = added["steps"].as_array().unwrap().iter().map(|s| s["step"].as_str().unwrap()).collect();
    assert_eq!(steps, ["app", "read", "token", "register", "reach", "subscribe", "store", "templates"]);
    (business, key)
}

/// Everything of a list, page by page.
async fn listed(api: &Api, path: &str) -> Vec<Value> {
    let (mut all, mut token) = (Vec::new(), String::new());
    loop {
        let page = api.get(&format!("{path}&pageSize=100{token}")).await;
        all.extend(page["data"].as_array().unwrap().iter().cloned());
        match page["nextPageToken"].as_str() {
            Some(next) => token = format!("&pageToken={next}"),
            None => return all,
        }
    }
}

/// How often the simulator has accepted each message.
async fn accepted(desk: &Api) -> HashMap<String, usize> {
    let mut accepted: HashMap<String, usize> = HashMap::new();
    let mut after = json!(0);
    loop {
        let page = desk.get(&format!("/sim/v1/messages?limit=1000&after={after}")).await;
        let data = page["data"].as_array().unwrap();
        for message in data {
            let tag = message["callbackData"].as_str().unwrap();
            *accepted.entry(tag.split('.').next().unwrap().to_owned()).or_default() += 1;
        }
        match data.last() {
            Some(message) => after = message["seq"].clone(),
            None => return accepted,
        }
    }
}

fn moment(value: &Value) -> Timestamp {
    value.as_str().unwrap().parse().unwrap()
}

/// When an attempt began, and when the first status of it was heard.
fn heard_attempts(message: &Value) -> Vec<(Timestamp, Timestamp)> {
    let words = message["timeline"].as_array().unwrap();
    let heard = |attempt: &Value| {
        let of_it = words.iter().filter(|word| word["attempt"] == *attempt);
        of_it.filter(|w| matches!(w["what"].as_str(), Some("sent" | "delivered" | "read"))).map(|w| moment(&w["heardAt"])).min()
    };
    let attempts = message["attempts"].as_array().unwrap();
    attempts.iter().filter_map(|a| Some((moment(&a["startedAt"]), heard(&a["number"])?))).collect()
}

/// Whether a message rightly ended as unknown: when it was given up, no status of an attempt begun later had been heard.
fn is_explained(message: &Value, heard: &[(Timestamp, Timestamp)]) -> bool {
    let begun = message["attempts"].as_array().unwrap().last().map(|attempt| moment(&attempt["startedAt"]));
    let words = message["timeline"].as_array().unwrap();
    let given_up = words.iter().find(|word| word["what"] == "given_up").map(|word| moment(&word["heardAt"]));
    let (Some(begun), Some(given_up)) = (begun, given_up) else { return false };
    // Moments are those at which a thing was asked for: what was heard just before may have been written down just after.
    let at_once = SignedDuration::from_secs(1);
    !heard.iter().any(|(start, heard)| *start > begun && given_up.duration_since(*heard) > at_once)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_of_either_in_the_middle_loses_and_doubles_nothing() {
    let (count, kills) = (set("TRANSOM_KILL_MESSAGES", MESSAGES), set("TRANSOM_KILLS", KILLS));
    let customers = CUSTOMERS.max(count.div_ceil(PER_CUSTOMER));
    let dir = tempfile::tempdir().unwrap();
    let ports = Ports { gateway: free_port(), simulator: free_port() };
    let (mut simulator, meta) = simulate(dir.path(), &ports);
    let desk = Api::new(meta["graphUrl"].as_str().unwrap(), "");
    let number = meta["phoneNumberId"].as_str().unwrap();
    let (_, upgraded) =
        desk.call(Method::PATCH, &format!("/sim/v1/numbers/{number}"), Some(&json!({ "throughput": 1_000 }))).await;
    assert_eq!(upgraded["throughput"], 1_000);
    // What nobody heard is told again within the wait, however often the gateway was away.
    desk.call(Method::PATCH, "/sim/v1/settings", Some(&json!({ "webhookGapMaxSeconds": 1 }))).await;
    let mut gateway = serve(dir.path(), &ports);
    let (business, key) = set_up(dir.path(), &meta);
    let api = Api::new(&format!("http://127.0.0.1:{}", ports.gateway), &key);
    let messages = format!("/v1/businesses/{business}/messages");

    let phone = move |i: usize| format!("+49155504{:05}", i % customers);
    for i in 0..customers {
        desk.post("/sim/v1/customers", &json!({ "phone": phone(i), "name": format!("Customer {i}") })).await;
        let hello = json!({ "to": number, "type": "text", "text": { "body": "Hello" } });
        desk.post(&format!("/sim/v1/customers/{}/messages", phone(i).replace('+', "%2B")), &hello).await;
    }
    until("every first message", || async {
        (listed(&api, &format!("{messages}?direction=inbound")).await.len() == customers).then_some(())
    })
    .await;

    desk.call(Method::PUT, "/sim/v1/faults", Some(&faults())).await;
    // Callers that repeat, under the same key, whatever was not answered.
    let done = Arc::new(AtomicUsize::new(0));
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let (api, messages, done) = (api.clone(), messages.clone(), done.clone());
        callers.spawn(async move {
            let mut ids = Vec::new();
            for i in (caller..count).step_by(CALLERS) {
                let body = json!({
                    "to": phone(i),
                    "content": { "language": "en", "types": { "twilio/text": { "body": format!("Message {i}") } } },
                });
                let key = format!("message-{i}");
                let id = until("an answer", || async {
                    match api.try_call(Method::POST, &messages, Some(&body), Some(&key)).await {
                        Some((201, answer)) => Some(answer["id"].as_str().unwrap().to_owned()),
                        // Not there, not yet there, or not able to commit: to be repeated.
                        None | Some((409 | 429 | 503, _)) => None,
                        Some((status, answer)) => panic!("HTTP {status}: {answer}"),
                    }
                })
                .await;
                done.fetch_add(1, Ordering::SeqCst);
                ids.push(id);
            }
            ids
        });
    }
    // Messages follow after the last kill, too.
    for kill in 1..=kills {
        let wanted = count * kill / (kills + 2);
        until("progress", || async { (done.load(Ordering::SeqCst) >= wanted).then_some(()) }).await;
        if kill % 2 == 1 {
            gateway.kill();
            gateway = serve(dir.path(), &ports);
        } else {
            simulator.kill();
            simulator = simulate(dir.path(), &ports).0;
        }
    }
    // The upstream stands still until answers count as lost; then it goes on, and may carry out what nobody waits for any more.
    until("progress", || async { (done.load(Ordering::SeqCst) >= count * (kills + 1) / (kills + 2)).then_some(()) }).await;
    let unknown = async || listed(&api, &format!("{messages}?status=unknown")).await.len();
    let before = unknown().await;
    simulator.signal("STOP");
    until("more lost answers", || async { (unknown().await > before).then_some(()) }).await;
    simulator.signal("CONT");
    let ids: Vec<String> = callers.join_all().await.into_iter().flatten().collect();
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), count, "every message has an id of its own");

    // Every message comes to an end; what is not delivered is told as unknown, never silently.
    let read = async |id: &str| api.get(&format!("{messages}/{id}")).await;
    for id in &ids {
        until("an end of every message", || async {
            matches!(read(id).await["status"].as_str(), Some("delivered" | "read" | "failed" | "expired")).then_some(())
        })
        .await;
    }
    let mut last = Vec::new();
    for id in &ids {
        last.push((id.as_str(), read(id).await));
    }
    let accepted = accepted(&desk).await;
    let heard: Vec<_> = last.iter().flat_map(|(_, message)| heard_attempts(message)).collect();
    assert!(heard.len() >= count / 2, "statuses were heard of attempts");
    let (mut lost, mut doubled, mut unknown, mut unexplained, mut again) = (0, 0, 0, 0, 0);
    for (id, message) in &last {
        let times = accepted.get(*id).copied().unwrap_or(0);
        again += usize::from(message["attempts"].as_array().unwrap().len() > 1);
        match (times, message["status"].as_str().unwrap()) {
            (1, "delivered") => continue,
            (0 | 1, "failed") if message["error"]["code"] == "ERROR_CODE_OUTCOME_UNKNOWN" => {
                unknown += 1;
                if is_explained(message, &heard) {
                    continue;
                }
                unexplained += 1;
            }
            (2.., _) => doubled += 1,
            _ => lost += 1,
        }
        eprintln!("message {id}: accepted {times} times at the simulator, and is {}: {}", message["status"], message["timeline"]);
    }
    eprintln!(
        "{count} messages, {kills} kills: {lost} lost, {doubled} doubled, {unknown} told as unknown ({unexplained} of them \
         without a reason), {again} sent in more than one attempt"
    );
    assert_eq!((lost, doubled, unexplained), (0, 0, 0), "lost, doubled, unknown without a reason; of {count}");
    assert!(again > 0, "something was sent again");
    let left = desk.get("/sim/v1/faults").await;
    assert!(left["data"].as_array().unwrap().iter().all(|fault| fault["count"] == 0), "not all faults came: {left}");
    let strangers = accepted.keys().filter(|id| !ids.contains(id)).count();
    assert_eq!(strangers, 0, "the simulator knows of messages that nobody sent");

    assert!(gateway.terminate() && simulator.terminate());
    let left = run(&mut at(&dir.path().join("gateway"), &["doctor"]));
    assert!(String::from_utf8_lossy(&left.stdout).contains("commits work"), "the folder is in order and free");
}

/// Customers who write to an application in Twilio's form.
const WRITERS: usize = 6;
/// What each of them writes before the first kill, and again before the second.
const WRITES: usize = 4;
/// The inbound message whose answer the application keeps back until the gateway is dead.
const HELD: usize = 7;

/// One webhook: its path, and its form.
type Heard = (String, HashMap<String, String>);

/// An application that answers every inbound message with one reply, and keeps what it is told.
struct Application {
    base: String,
    heard: watch::Sender<Vec<Heard>>,
    killed: Arc<Notify>,
}

impl Application {
    async fn open() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let (heard, killed) = (watch::Sender::new(Vec::new()), Arc::new(Notify::new()));
        let (keeper, dead) = (heard.clone(), killed.clone());
        let hear = move |uri: Uri, raw: Bytes| async move {
            let form: HashMap<String, String> = url::form_urlencoded::parse(&raw).into_owned().collect();
            let reply = form
                .get("Body")
                .map(|body| format!("<Response><Message statusCallback=\"/status\"><Body>re {body}</Body></Message></Response>"));
            let mut inbound = 0;
            keeper.send_modify(|heard: &mut Vec<Heard>| {
                heard.push((uri.path().to_owned(), form));
                inbound = heard.iter().filter(|(path, _)| path == "/in").count();
            });
            if uri.path() == "/in" && inbound == HELD {
                dead.notified().await;
            }
            ([("content-type", "text/xml")], reply.unwrap_or_default())
        };
        let app = axum::Router::new().fallback(hear);
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { base, heard, killed }
    }

    /// What was told at a path, in order: the values of two parameters.
    fn told(&self, path: &str, names: [&str; 2]) -> Vec<[String; 2]> {
        let heard = self.heard.borrow();
        heard.iter().filter(|(at, _)| at == path).map(|(_, form)| names.map(|name| form[name].clone())).collect()
    }

    /// Waits until so many different messages were told.
    async fn hears(&self, count: usize) {
        until("what customers wrote", || async {
            let bodies: HashSet<String> = self.told("/in", ["Body", "From"]).into_iter().map(|[body, _]| body).collect();
            (bodies.len() >= count).then_some(())
        })
        .await;
    }
}

/// The first time of each thing that is told under a name, by name, in order.
fn first_times(told: impl IntoIterator<Item = [String; 2]>) -> HashMap<String, Vec<String>> {
    let mut first: HashMap<String, Vec<String>> = HashMap::new();
    for [what, of] in told {
        let known = first.entry(of).or_default();
        if !known.contains(&what) {
            known.push(what);
        }
    }
    first
}

/// All events of a business.
async fn stream(api: &Api, business: &str) -> Vec<Value> {
    let (mut all, mut after) = (Vec::new(), 0);
    loop {
        let page = api.get(&format!("/v1/businesses/{business}/events?limit=200&after={after}")).await;
        let data = page["data"].as_array().unwrap();
        if data.is_empty() {
            return all;
        }
        all.extend(data.iter().cloned());
        after = page["nextAfter"].as_u64().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn replies_are_sent_once_and_callbacks_come_in_order_over_two_kills() {
    let dir = tempfile::tempdir().unwrap();
    let ports = Ports { gateway: free_port(), simulator: free_port() };
    let (simulator, meta) = simulate(dir.path(), &ports);
    let desk = Api::new(meta["graphUrl"].as_str().unwrap(), "");
    desk.call(Method::PATCH, "/sim/v1/settings", Some(&json!({ "webhookGapMaxSeconds": 1 }))).await;
    let mut gateway = serve(dir.path(), &ports);
    let (business, key) = set_up(dir.path(), &meta);
    let api = Api::new(&format!("http://127.0.0.1:{}", ports.gateway), &key);
    let application = Application::open().await;
    let operator = |args: &[&str]| json(transom().args(args).arg("--json").arg("--dir").arg(dir.path().join("gateway")));
    operator(&["twilio", "credentials"]);
    let sender = operator(&["sender", "list"])["data"][0]["address"].as_str().unwrap().to_owned();
    let address = format!("{}/in", application.base);
    assert_eq!(operator(&["twilio", "callbacks", "set", &sender, "--inbound-url", &address])["inboundUrl"], address);

    let phone = |i: usize| format!("+49155505{i:05}");
    for i in 0..WRITERS {
        desk.post("/sim/v1/customers", &json!({ "phone": phone(i), "name": format!("Writer {i}") })).await;
    }
    let write = async |round: usize| {
        for n in 0..WRITES {
            for i in 0..WRITERS {
                let body = format!("w{i} {}", round * WRITES + n);
                let text = json!({ "to": meta["phoneNumberId"], "type": "text", "text": { "body": body } });
                desk.post(&format!("/sim/v1/customers/{}/messages", phone(i).replace('+', "%2B")), &text).await;
            }
        }
    };
    // Killed while an application works on an answer, and again when it has just given some.
    write(0).await;
    application.hears(HELD).await;
    gateway.kill();
    application.killed.notify_one();
    let held = application.told("/in", ["Body", "From"])[HELD - 1][0].clone();
    gateway = serve(dir.path(), &ports);
    write(1).await;
    application.hears(WRITERS * WRITES * 3 / 2).await;
    gateway.kill();
    gateway = serve(dir.path(), &ports);
    let count = WRITERS * WRITES * 2;
    application.hears(count).await;

    // One reply each, here and on the phone, whatever was told twice.
    let messages = format!("/v1/businesses/{business}/messages?direction=outbound");
    let expected: HashSet<String> = (0..WRITERS).flat_map(|i| (0..2 * WRITES).map(move |n| format!("re w{i} {n}"))).collect();
    let sent = until("a delivery of every reply", || async {
        let sent = listed(&api, &messages).await;
        (sent.len() >= count && sent.iter().all(|m| m["status"] == "delivered")).then_some(sent)
    })
    .await;
    let mut on_phones = Vec::new();
    for i in 0..WRITERS {
        let inbox = desk.get(&format!("/sim/v1/customers/{}/inbox", phone(i).replace('+', "%2B"))).await;
        let came = inbox["data"].as_array().unwrap().iter().filter(|m| m["direction"] == "in");
        on_phones.extend(came.map(|m| m["message"]["text"]["body"].as_str().unwrap().to_owned()));
    }
    assert_eq!((sent.len(), on_phones.len()), (count, count), "no reply is doubled: {on_phones:?}");
    assert_eq!(on_phones.into_iter().collect::<HashSet<_>>(), expected, "and none is lost");

    // Everything is told at least once, and for the first time in the order of the stream.
    let is_told = |e: &Value| matches!(e["data"]["status"].as_str(), Some("sent" | "delivered" | "read"));
    let sid = |e: &Value| format!("SM{:032x}", e["data"]["messageId"].as_str().unwrap().parse::<MessageId>().unwrap().0);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let events = stream(&api, &business).await;
    let statuses = events.iter().filter(|e| e["type"] == "message.status" && is_told(e));
    let statuses = first_times(statuses.map(|e| [text(&e["data"]["status"]), sid(e)]));
    let told = until("every callback", || async {
        let told = first_times(application.told("/status", ["MessageStatus", "MessageSid"]));
        (told.values().map(Vec::len).sum::<usize>() >= statuses.values().map(Vec::len).sum()).then_some(told)
    })
    .await;
    assert_eq!(told, statuses);
    let received = events.iter().filter(|e| e["type"] == "message.received");
    let received =
        received.map(|e| [text(&e["data"]["message"]["text"]), format!("whatsapp:{}", text(&e["data"]["parties"]["customer"]))]);
    let inbound = application.told("/in", ["Body", "From"]);
    let again = inbound.len() - count;
    assert!(inbound.iter().filter(|[body, _]| *body == held).count() > 1, "what was not answered is told again: {held}");
    assert_eq!(first_times(inbound), first_times(received));
    eprintln!("{count} messages, 2 kills: {again} told again, {count} replies, each once");
    assert!(gateway.terminate() && simulator.terminate());
}
