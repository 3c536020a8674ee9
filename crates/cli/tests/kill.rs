//! `serve` and `simulate` as separate processes, each killed in the middle: nothing is lost, nothing is doubled.
//!
//! The judge is the simulator's own record of what it has accepted; every message carries its id there.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use common::{Api, Running, free_port, json, run, transom, until};

/// Messages in all: enough that each kill falls into the middle of many that are under way.
const MESSAGES: usize = 300;
/// Customers that they go to; each gets a few, within Meta's burst.
const CUSTOMERS: usize = 60;
/// Callers at once.
const CALLERS: usize = 16;

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
    let mut command = transom();
    command.arg("serve").arg("--dir").arg(dir.join("gateway"));
    command.args(["--listen", &format!("127.0.0.1:{}", ports.gateway)]);
    command.args(["--graph-url", &format!("http://127.0.0.1:{}", ports.simulator)]);
    // Short enough for a test, long enough for the simulator to tell what it owes after a restart.
    for set in ["upstream.timeout=3s", "limits.unknown_wait=12s", "limits.accept_per_second=100000", "log.level=error"] {
        command.args(["--set", set]);
    }
    let mut gateway = Running::start(&mut command);
    gateway.until("ready ");
    gateway
}

/// Business, key, app and sender over the command line, as an operator would.
fn set_up(dir: &Path, meta: &Value) -> (String, String) {
    let operator = |args: &[&str]| {
        let mut command = transom();
        command.args(args).arg("--json").arg("--dir").arg(dir.join("gateway"));
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
    assert_eq!(steps, ["read", "token", "register", "reach", "subscribe", "store", "templates"]);
    (business, key)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_of_either_in_the_middle_loses_and_doubles_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let ports = Ports { gateway: free_port(), simulator: free_port() };
    let (simulator, meta) = simulate(dir.path(), &ports);
    let desk = Api::new(meta["graphUrl"].as_str().unwrap(), "");
    let number = meta["phoneNumberId"].as_str().unwrap();
    let (_, upgraded) =
        desk.call(Method::PATCH, &format!("/sim/v1/numbers/{number}"), Some(&json!({ "throughput": 1_000 }))).await;
    assert_eq!(upgraded["throughput"], 1_000);
    let gateway = serve(dir.path(), &ports);
    let (business, key) = set_up(dir.path(), &meta);
    let api = Api::new(&format!("http://127.0.0.1:{}", ports.gateway), &key);
    let messages = format!("/v1/businesses/{business}/messages");

    let phone = |i: usize| format!("+49155504{:05}", i % CUSTOMERS);
    for i in 0..CUSTOMERS {
        desk.post("/sim/v1/customers", &json!({ "phone": phone(i), "name": format!("Customer {i}") })).await;
        let hello = json!({ "to": number, "type": "text", "text": { "body": "Hello" } });
        desk.post(&format!("/sim/v1/customers/{}/messages", phone(i).replace('+', "%2B")), &hello).await;
    }
    until("every first message", || async {
        let heard = api.get(&format!("{messages}?direction=inbound&pageSize=100")).await;
        (heard["data"].as_array().unwrap().len() == CUSTOMERS).then_some(())
    })
    .await;

    // Callers that repeat, under the same key, whatever was not answered.
    let done = Arc::new(AtomicUsize::new(0));
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let (api, messages, done) = (api.clone(), messages.clone(), done.clone());
        callers.spawn(async move {
            let mut ids = Vec::new();
            for i in (caller..MESSAGES).step_by(CALLERS) {
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
    let reached = |wanted: usize| {
        let done = done.clone();
        until("progress", move || {
            let done = done.clone();
            async move { (done.load(Ordering::SeqCst) >= wanted).then_some(()) }
        })
    };
    reached(MESSAGES / 4).await;
    gateway.kill();
    let gateway = serve(dir.path(), &ports);
    reached(MESSAGES / 2).await;
    simulator.kill();
    let (simulator, _) = simulate(dir.path(), &ports);
    let ids: Vec<String> = callers.join_all().await.into_iter().flatten().collect();
    assert_eq!(ids.len(), MESSAGES);

    // Every message comes to an end; what is not delivered is told as unknown, never silently.
    let mut last = HashMap::new();
    for id in &ids {
        let end = until("an end of every message", || async {
            let message = api.get(&format!("{messages}/{id}")).await;
            let over = matches!(message["status"].as_str(), Some("delivered" | "read" | "failed" | "expired"));
            over.then_some(message)
        })
        .await;
        last.insert(id.clone(), end);
    }
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
            None => break,
        }
    }
    let (mut lost, mut doubled, mut unknown) = (0, 0, 0);
    for (id, message) in &last {
        match (accepted.get(id).copied().unwrap_or(0), message["status"].as_str().unwrap()) {
            (1, "delivered") => {}
            (0, "failed") if message["error"]["code"] == "ERROR_CODE_OUTCOME_UNKNOWN" => unknown += 1,
            (2.., _) => doubled += 1,
            (times, status) => {
                lost += 1;
                eprintln!("message {id}: accepted {times} times at the simulator, and is {status}: {}", message["attempts"]);
            }
        }
    }
    assert_eq!((lost, doubled), (0, 0), "of {MESSAGES}; {unknown} are told as unknown");
    assert!(unknown <= CALLERS * 4, "{unknown} of {MESSAGES} messages are told as unknown");
    assert_eq!(accepted.len() + unknown, MESSAGES, "the simulator knows of messages that nobody sent");

    assert!(gateway.terminate() && simulator.terminate());
    let left = run(transom().args(["doctor", "--dir"]).arg(dir.path().join("gateway")));
    assert!(String::from_utf8_lossy(&left.stdout).contains("commits work"), "the folder is in order and free");
}
