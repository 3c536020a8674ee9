//! `transom journal tail | replay | replays | stop-replay | stray`, by the real binary, and where `events tail` begins.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::path::Path;

use reqwest::StatusCode;
use serde_json::{Value, json};

use common::{Dev, Running, at, json as printed, run, said, until};

/// Posts a webhook as Meta would; gives the answer.
async fn told(dev: &Dev, body: &Value) -> StatusCode {
    let body = body.to_string();
    let signature = transom_meta::signature::sign(dev.env["META_APP_SECRET"].as_bytes(), body.as_bytes());
    let path = format!("{}/webhooks/meta/{}", dev.env["TRANSOM_URL"], dev.env["META_APP_ID"]);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let posted = client.post(path).header("x-hub-signature-256", signature).header("content-type", "application/json");
    posted.body(body).send().await.unwrap().status()
}

/// A change of the account that nobody here knows.
fn strange(dev: &Dev, n: usize) -> Value {
    let change = json!({ "field": "quantum_update", "value": { "n": n } });
    json!({ "object": "whatsapp_business_account", "entry": [{ "id": dev.env["META_WABA_ID"], "time": 1, "changes": [change] }] })
}

/// A message to a number that is not registered here.
fn stray() -> Value {
    let value = json!({
        "messaging_product": "whatsapp", "metadata": { "display_phone_number": "15550000000", "phone_number_id": "4242" },
        "messages": [{ "from": "4915112345678", "id": "wamid.stray", "timestamp": "1800000000", "type": "text", "text": { "body": "Lost" } }],
    });
    let change = json!({ "field": "messages", "value": value });
    json!({ "object": "whatsapp_business_account", "entry": [{ "id": "4243", "changes": [change] }] })
}

/// Waits until a log says something.
async fn says(log: &Path, words: &str) {
    until(words, || async { std::fs::read_to_string(log).unwrap().contains(words).then_some(()) }).await;
}

fn journal(dir: &Path, args: &[&str]) -> std::process::Command {
    at(dir, &[["journal"].as_slice(), args].concat())
}

/// How far a replay is.
fn mine(dir: &Path, id: &str) -> Value {
    let known = printed(&mut journal(dir, &["replays", "--json"]));
    known["data"].as_array().unwrap().iter().find(|one| one["id"] == id).cloned().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_journal_is_followed_and_heard_again_by_hand() {
    let dir = tempfile::tempdir().unwrap();
    let dev = Dev::open(dir.path());
    assert_eq!(told(&dev, &strange(&dev, 0)).await, StatusCode::OK);

    // From now on, and so it says; what was there before is not shown.
    let log = dir.path().join("tail.log");
    let mut tail = Running::start_logging(&mut journal(dir.path(), &["tail", "--json", "--outcome", "not_understood"]), &log);
    says(&log, "following from position").await;
    for n in 1..=3 {
        assert_eq!(told(&dev, &strange(&dev, n)).await, StatusCode::OK);
    }
    let shown = tail.lines();
    until("what came in", || async { (shown.lock().unwrap().len() >= 3).then_some(()) }).await;
    let entries: Vec<Value> = shown.lock().unwrap().iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(entries.iter().all(|entry| entry["notUnderstood"] == json!(["quantum_update"])), "{entries:?}");
    let body = run(&mut journal(dir.path(), &["show", entries[0]["id"].as_str().unwrap()])).stdout;
    assert!(String::from_utf8_lossy(&body).contains("\"n\":1"), "the first after it began to follow");

    // One by one, all that were not understood, and all of a time: nothing is new, and nothing is doubled.
    let one = printed(&mut journal(dir.path(), &["replay", entries[2]["id"].as_str().unwrap(), "--json"]));
    assert_eq!((&one["data"][0]["entry"]["id"], &one["news"]), (&entries[2]["id"], &json!(0)));
    let (code, _) = said(&mut journal(dir.path(), &["replay", "01K5Z3V8Q4M9W2N7T6R1XBCDEF"]));
    assert_ne!(code, Some(0), "there is none of this name");
    let waited = printed(&mut journal(dir.path(), &["replay", "--json"]));
    assert_eq!((&waited["status"], &waited["entries"], &waited["leftOut"]), (&json!("done"), &json!(4), &json!(0)));
    let events = dev.api.get(&dev.path("/events?limit=200")).await["data"].clone();

    let begun = printed(&mut journal(
        dir.path(),
        &["replay", "--since", "24h", "--outcome", "heard", "--outcome", "not_understood", "--detach", "--json"],
    ));
    let id = begun["id"].as_str().unwrap();
    let over = until("its end", || async { Some(mine(dir.path(), id)).filter(|one| one["status"] != "running") }).await;
    assert_eq!((&over["status"], &over["news"], &over["cursor"]), (&json!("done"), &json!(0), &over["to"]));
    assert!(over["entries"].as_u64().unwrap() > 4, "{over}");
    assert_eq!(dev.api.get(&dev.path("/events?limit=200")).await["data"], events, "nothing was told again");
    let listed = run(&mut journal(dir.path(), &["replays"]));
    assert!(String::from_utf8_lossy(&listed.stdout).contains(id));

    // A stop is taken while it runs, and changes nothing of one that is over.
    for n in 4..304 {
        assert_eq!(told(&dev, &strange(&dev, n)).await, StatusCode::OK);
    }
    let begun = printed(&mut journal(dir.path(), &["replay", "--detach", "--json"]));
    let id = begun["id"].as_str().unwrap();
    assert_eq!(said(&mut journal(dir.path(), &["stop-replay", id])).0, Some(0));
    let ended = mine(dir.path(), id);
    assert!(ended["status"] != "running" && (ended["status"] == "done") == (ended["cursor"] == ended["to"]), "{ended}");
    assert_eq!(said(&mut journal(dir.path(), &["stop-replay", id])).0, Some(0));
    assert_eq!(mine(dir.path(), id)["status"], ended["status"]);
    let (code, why) = said(&mut journal(dir.path(), &["stop-replay", "01K5Z3V8Q4M9W2N7T6R1XBCDEF"]));
    assert!(code != Some(0) && why.contains("replay"), "{why}");

    // What is nobody's is the operator's to look at.
    assert_eq!(told(&dev, &stray()).await, StatusCode::OK);
    let strays = printed(&mut journal(dir.path(), &["stray", "--json"]));
    let one = &strays["data"][0];
    assert_eq!((strays["data"].as_array().unwrap().len(), &one["app"]), (1, &json!(dev.env["META_APP_ID"])));
    let kept = run(&mut journal(dir.path(), &["stray", one["id"].as_str().unwrap()]));
    assert!(String::from_utf8_lossy(&kept.stdout).contains("wamid.stray"), "{kept:?}");
    let listed = run(&mut journal(dir.path(), &["stray"]));
    assert!(String::from_utf8_lossy(&listed.stdout).contains(one["id"].as_str().unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_followed_from_now_on_and_it_is_said_from_where() {
    let dir = tempfile::tempdir().unwrap();
    let dev = Dev::open(dir.path());
    dev.desk.post("/sim/v1/clock", &json!({ "advanceSeconds": 90_000 })).await;
    let before = dev.api.get(&dev.path("/events?limit=200")).await["data"].as_array().unwrap().len();
    assert!(before > 0);
    let log = dir.path().join("tail.log");
    let mut tail = Running::start_logging(&mut at(dir.path(), &["events", "tail", "--json"]), &log);
    says(&log, "following from position ").await;
    let ana = format!("/sim/v1/customers/{}/messages", dev.phone_of("Ana").await.replace('+', "%2B"));
    dev.desk.post(&ana, &json!({ "to": dev.env["META_PHONE_NUMBER_ID"], "type": "text", "text": { "body": "Hello" } })).await;
    let shown = tail.lines();
    until("what happened then", || async { (!shown.lock().unwrap().is_empty()).then_some(()) }).await;
    let first: Value = serde_json::from_str(&shown.lock().unwrap()[0]).unwrap();
    let said = std::fs::read_to_string(&log).unwrap();
    let from: u64 = said.split("position ").nth(1).unwrap().split(';').next().unwrap().parse().unwrap();
    assert_eq!((from, first["position"].as_u64()), (before as u64, Some(from + 1)), "{said}");
}
