//! Moving house: a desk with something of everything is carried from its folder to PostgreSQL, over kills, and goes on there as if nothing
//! had been.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;
mod shop;

use std::path::Path;
use std::process::Command;

use reqwest::Method;
use serde_json::{Value, json};

use common::{Api, Dev, Running, json as told, said, transom, until};
use shop::id;
use transom_testing::Postgres;

const ANA: &str = "+491704000031";
const BEN: &str = "+491704000032";

/// What a business shows of itself, but for what is of the moment.
const SHOWN: [&str; 15] = [
    "/messages?pageSize=100",
    "/events?after=0&limit=100",
    "/conversations?pageSize=100",
    "/sessions?pageSize=100",
    "/contents?pageSize=100",
    "/templates?pageSize=100",
    "/messaging-services?pageSize=100",
    "/endpoints",
    "/keys",
    "/audit?pageSize=100",
    "/journal?after=0&limit=100",
    "/keywords",
    "/retention",
    "/events/settings",
    "/webhooks",
];

async fn shown(dev: &Dev) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for path in SHOWN {
        all.push((path.to_owned(), dev.api.get(&dev.path(path)).await));
    }
    let messages = dev.api.get(&dev.path("/messages?pageSize=100")).await;
    let customers = dev.api.get(&dev.path("/customers?pageSize=100")).await;
    let ids = |list: &Value| -> Vec<String> { list["data"].as_array().unwrap().iter().map(id).collect() };
    let paths = ids(&messages).into_iter().map(|id| format!("/messages/{id}"));
    let people = ids(&customers).into_iter().flat_map(|id| [format!("/customers/{id}"), format!("/customers/{id}/consent")]);
    for path in paths.chain(people).collect::<Vec<_>>() {
        all.push((path.clone(), dev.api.get(&dev.path(&path)).await));
    }
    all
}

fn open(dir: &Path, store: Option<&str>) -> Dev {
    let mut command = transom();
    command.args(["dev", "--port", "0", "--simulator-port", "0", "--dir"]).arg(dir);
    if let Some(url) = store {
        command.args(["--store", url]);
    }
    Dev::of(dir, &mut command)
}

fn copy(dir: &Path, url: &str, more: &[&str]) -> Command {
    let mut command = transom();
    command.args(["store", "copy", "--to", url, "--from"]).arg(dir.join("gateway")).args(more);
    command
}

/// Something of everything.
async fn furnish(dev: &Dev) {
    for (phone, name) in [(ANA, "Ana"), (BEN, "Ben")] {
        dev.desk.post("/sim/v1/customers", &json!({ "phone": phone, "name": name })).await;
        let path = format!("/sim/v1/customers/{}/messages", phone.replace('+', "%2B"));
        let hello =
            json!({ "to": dev.env["META_PHONE_NUMBER_ID"], "type": "text", "text": { "body": format!("Hello from {name}") } });
        dev.desk.post(&path, &hello).await;
    }
    until("both are heard", || async {
        let heard = dev.api.get(&dev.path("/messages?direction=inbound&pageSize=100")).await;
        (heard["data"].as_array().unwrap().len() >= 3).then_some(())
    })
    .await;
    let mut sent = Vec::new();
    for n in 0..8 {
        let to = if n % 2 == 0 { ANA } else { BEN };
        let body =
            json!({ "to": to, "content": { "language": "en", "types": { "twilio/text": { "body": format!("Number {n}") } } } });
        sent.push(id(&dev.api.post(&dev.path("/messages"), &body).await));
    }
    for id in &sent {
        let path = dev.path(&format!("/messages/{id}"));
        until("delivered", || async { (dev.api.get(&path).await["status"] == "delivered").then_some(()) }).await;
    }
    let content = json!({ "friendlyName": "greeting", "language": "en", "types": { "twilio/text": { "body": "Good day, {{1}}" } }, "variables": { "1": "Ana" } });
    dev.api.post(&dev.path("/contents"), &content).await;
    dev.api.post(&dev.path("/endpoints"), &json!({ "url": "http://127.0.0.1:9/hook", "events": ["message.*"] })).await;
    dev.api.post(&dev.path("/keys"), &json!({ "label": "reports", "scopes": ["send"] })).await;
    dev.api.post(&dev.path("/messaging-services"), &json!({ "friendlyName": "All of us" })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_house_moves_to_postgresql_over_kills_and_goes_on_there() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let url = Postgres::shared().database();
    let dev = open(dir, None);
    furnish(&dev).await;
    // One that waits is carried with its queue: Meta turns everything away until the house has moved.
    dev.desk.call(Method::PUT, "/sim/v1/faults", Some(&json!([{ "kind": "error", "share": 1.0, "code": 130_429 }]))).await;
    let body = json!({ "to": ANA, "content": { "language": "en", "types": { "twilio/text": { "body": "I waited" } } } });
    let waiting = id(&dev.api.post(&dev.path("/messages"), &body).await);
    let path = dev.path(&format!("/messages/{waiting}"));
    until("the first try", || async {
        let message = dev.api.get(&path).await;
        (message["attempts"][0]["status"] == "refused" || message["attempts"][0]["error"].is_object()).then_some(())
    })
    .await;

    // Nobody copies what a server holds.
    let (code, why) = said(&mut copy(dir, &url, &[]));
    assert!(code == Some(1) && why.contains("Stop the server"), "{why}");
    let before = shown(&dev).await;
    let key = dev.env["TRANSOM_API_KEY"].clone();
    assert!(dev.running.terminate());

    for table in ["business", "message", "word", "event"] {
        let mut copying = Running::start(&mut copy(dir, &url, &["--batch", "1"]));
        copying.until(&format!("{table}:"));
        copying.kill();
        // Neither side is a house meanwhile.
        let (code, why) = said(transom().args(["business", "list", "--dir"]).arg(dir.join("gateway")));
        assert!(code == Some(1) && why.contains("was carried to postgres://") && why.contains("store copy"), "{why}");
        let (code, why) =
            said(transom().args(["business", "list", "--dir"]).arg(dir.join("gateway")).env("TRANSOM_STORE__URL", &url));
        assert!(code == Some(1) && why.contains("not all of it is there"), "{why}");
    }
    let made = told(&mut copy(dir, &url, &["--json"]));
    let of =
        |name: &str| made["tables"].as_array().unwrap().iter().find(|table| table["table"] == name).unwrap()["rows"].as_u64();
    assert!(of("message") >= Some(12) && of("event") >= Some(12) && of("entry") >= Some(3), "{made}");
    assert_eq!(made["left"], 0);
    // Again, with another place for files: they alone are left to be brought along.
    let media = format!("media.dir={}", dir.join("elsewhere").display());
    let again = told(&mut copy(dir, &url, &["--json", "--set", &media]));
    assert_eq!((&again["rows"], &again["tables"]), (&json!(0), &json!([])), "{again}");
    let (code, why) = said(&mut copy(dir, &Postgres::shared().database(), &[]));
    assert!(code == Some(0), "another empty database takes it, too: {why}");
    let (code, why) = said(&mut copy(dir, &url, &[]));
    assert!(code == Some(1) && why.contains("is not empty"), "the folder says where it was carried last: {why}");
    let (code, why) = said(transom().args(["dev", "--port", "0", "--simulator-port", "0", "--dir"]).arg(dir));
    assert!(code == Some(1) && why.contains("was carried to"), "{why}");

    let dev = open(dir, Some(&url));
    assert_eq!(dev.env["TRANSOM_API_KEY"], key, "the same house");
    for ((path, before), (_, after)) in before.iter().zip(&shown(&dev).await) {
        if path.contains(&waiting) || path.starts_with("/messages?") || path.starts_with("/conversations") {
            // It is tried again from here on.
            assert_eq!(before["data"].as_array().map(Vec::len), after["data"].as_array().map(Vec::len), "{path}");
        } else if path.starts_with("/events?") || path.starts_with("/audit") || path.starts_with("/journal?") {
            // What was there is there, and what happens now comes after it.
            let all = |shown: &Value| shown["data"].as_array().unwrap().clone();
            let now = all(after);
            assert!(all(before).iter().all(|one| now.contains(one)), "{path}: {before} became {after}");
        } else {
            assert_eq!(before, after, "{path}");
        }
    }
    dev.desk.call(Method::PUT, "/sim/v1/faults", Some(&json!([]))).await;
    let path = dev.path(&format!("/messages/{waiting}"));
    until("what waited arrives", || async { (dev.api.get(&path).await["status"] == "delivered").then_some(()) }).await;
    let inbox = dev.desk.get(&format!("/sim/v1/customers/{}/inbox", ANA.replace('+', "%2B"))).await;
    let shown = inbox["data"].as_array().unwrap().iter().filter(|message| message.to_string().contains("I waited")).count();
    assert_eq!(shown, 1, "once, and no more");
    let api = Api::new(&dev.env["TRANSOM_URL"], &key);
    let new = id(&api.post(&dev.path("/messages"), &body).await);
    let path = dev.path(&format!("/messages/{new}"));
    until("what is new arrives", || async { (api.get(&path).await["status"] == "delivered").then_some(()) }).await;
}
