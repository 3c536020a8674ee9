//! `transom events tail` and `forward`, by the real binary, over the end of the gateway and of the server they forward to.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use common::{Dev, Running, at, free_port, run, transom, until};

const SECRET: &str = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

/// Ana writes so often.
async fn writes(dev: &Dev, phone: &str, times: usize) {
    let path = format!("/sim/v1/customers/{}/messages", phone.replace('+', "%2B"));
    for n in 0..times {
        let words = json!({ "to": dev.env["META_PHONE_NUMBER_ID"], "type": "text", "text": { "body": format!("Message {n}") } });
        dev.desk.post(&path, &words).await;
    }
}

/// The positions of all events that there are, once there are so many.
async fn positions(dev: &Dev, at_least: usize) -> Vec<u64> {
    let path = dev.path("/events?limit=200");
    until("the events", || async {
        let data = dev.api.get(&path).await["data"].as_array().unwrap().clone();
        (data.len() >= at_least).then(|| data.iter().map(|event| event["position"].as_u64().unwrap()).collect())
    })
    .await
}

/// What a receiver has taken: the events it answered 200 to.
type Taken = Arc<Mutex<Vec<Value>>>;

/// A server on a laptop: it refuses each event once that is `refused`, and checks every signature.
async fn receiver(port: u16, refused: u64) -> Taken {
    let taken = Taken::default();
    let (kept, once) = (taken.clone(), Arc::new(Mutex::new(false)));
    let hear = move |headers: HeaderMap, raw: Bytes| async move {
        let header = |name: &str| headers[name].to_str().unwrap();
        let key = BASE64.decode(SECRET.strip_prefix("whsec_").unwrap()).unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        for part in [header("webhook-id").as_bytes(), b".", header("webhook-timestamp").as_bytes(), b".", &raw] {
            mac.update(part);
        }
        assert_eq!(header("webhook-signature"), format!("v1,{}", BASE64.encode(mac.finalize().into_bytes())));
        let event: Value = serde_json::from_slice(&raw).unwrap();
        assert_eq!(header("webhook-id"), event["id"]);
        if event["position"] == refused && !std::mem::replace(&mut *once.lock().unwrap(), true) {
            return StatusCode::INTERNAL_SERVER_ERROR;
        }
        kept.lock().unwrap().push(event);
        StatusCode::OK
    };
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    tokio::spawn(async move { axum::serve(listener, axum::Router::new().fallback(hear)).await.unwrap() });
    taken
}

fn seen(lines: &Mutex<Vec<String>>) -> Vec<u64> {
    let lines = lines.lock().unwrap();
    lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap()["position"].as_u64().unwrap()).collect()
}

fn told(taken: &Taken) -> Vec<u64> {
    taken.lock().unwrap().iter().map(|event| event["position"].as_u64().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_follows_the_stream_survives_the_gateway_and_the_laptop() {
    let dir = tempfile::tempdir().unwrap();
    let ports = [free_port(), free_port()];
    let dev = Dev::open_at(dir.path(), ports);
    let ana = dev.phone_of("Ana").await;
    writes(&dev, &ana, 4).await;
    positions(&dev, 5).await;
    let mut tail = Running::start(&mut at(dir.path(), &["events", "tail", "--json", "--after", "0"]));
    let shown = tail.lines();
    // Nobody listens there yet.
    let hook = free_port();
    let to = format!("http://127.0.0.1:{hook}/hook");
    let forwarding = ["events", "forward", "--to", &to, "--secret", SECRET, "--json"];
    let mut forward = Running::start(at(dir.path(), &forwarding).args(["--after", "0"]));
    let tries = forward.lines();
    let before = positions(&dev, 5).await;
    until("what was there", || async { (seen(&shown) == before).then_some(()) }).await;
    until("a try", || async { tries.lock().unwrap().iter().any(|line| line.contains("\"status\":null")).then_some(()) }).await;

    dev.running.kill();
    let taken = receiver(hook, before[2]).await;
    let dev = Dev::open_at(dir.path(), ports);
    writes(&dev, &ana, 6).await;
    let all = positions(&dev, before.len() + 6).await;
    until("every line", || async { (seen(&shown).len() >= all.len()).then_some(()) }).await;
    until("every delivery", || async { (told(&taken).len() >= all.len()).then_some(()) }).await;
    assert_eq!(seen(&shown), all, "none is missed and none comes twice");
    assert_eq!(told(&taken), all, "in order, though one was refused at first");
    let listed = dev.api.get(&dev.path("/events?limit=200")).await["data"].clone();
    assert_eq!(json!(*taken.lock().unwrap()), listed, "what is told is what is listed");

    // The next run goes on where this one ended.
    assert!(!forward.terminate(), "ended by the signal");
    writes(&dev, &ana, 2).await;
    let more = positions(&dev, all.len() + 2).await;
    let _forward = Running::start(at(dir.path(), &forwarding).args(["--types", "message.*"]));
    until("the rest", || async { (told(&taken).len() >= more.len()).then_some(()) }).await;
    assert_eq!(told(&taken), more);
}

#[tokio::test(flavor = "multi_thread")]
async fn tail_reads_well_and_says_what_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let dev = Dev::open(dir.path());
    positions(&dev, 2).await;
    let (url, business, key) = (&dev.env["TRANSOM_URL"], &dev.env["TRANSOM_BUSINESS"], &dev.env["TRANSOM_API_KEY"]);
    let named = ["events", "tail", "--url", url, "--business", business, "--key", key];
    let mut tail = Running::start(transom().args(named).args(["--types", "session.*", "--after", "0"]));
    let line = tail.until("20");
    assert!(line.contains("session.opened") && line.contains("(Ana)") && line.contains("until "), "{line}");
    assert!(!line.contains('\x1b'), "no colours where there is no terminal");
    // A day later it is over, told before the clock answers.
    dev.desk.post("/sim/v1/clock", &json!({ "advanceSeconds": 86_400 })).await;
    let line = tail.until("20");
    assert!(line.contains("session.closed") && line.contains("expired, since "), "{line}");
    for (args, told) in [
        (vec!["--types", "mesage.received"], "did you mean `message.received`?"),
        (vec!["--after", "9999999"], "the newest event has position"),
    ] {
        let output = run(transom().args(named).args(args));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.to_lowercase().contains(&told.to_lowercase()), "{said}");
    }
    let nowhere = run(transom().args(["events", "tail", "--url", "http://127.0.0.1:9", "--business", business, "--key", key]));
    assert!(String::from_utf8_lossy(&nowhere.stderr).contains("cannot be reached"));
}
