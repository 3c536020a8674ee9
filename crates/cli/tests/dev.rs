//! `transom dev` as a new user meets it, and `transom tour`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::os::unix::fs::PermissionsExt as _;

use reqwest::Method;
use serde_json::{Value, json};

use common::{Dev, at, run, said, transom, until};

fn text(to: &str, body: &str) -> Value {
    json!({ "to": to, "content": { "language": "en", "types": { "twilio/text": { "body": body } } } })
}

#[tokio::test]
async fn a_first_day_with_dev() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("dev.env");
    let mut first = Dev::open(dir.path());
    let warned = first.running.until("Bo is in the US");
    assert!(warned.contains("131049"), "{warned}");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let (env, api, desk) = (first.env.clone(), first.api.clone(), first.desk.clone());
    for key in ["META_APP_ID", "META_WABA_ID", "META_PHONE_NUMBER_ID", "META_CATALOG_ID"] {
        assert!(env[key].len() <= 15 && env[key].bytes().all(|b| b.is_ascii_digit()), "{key}");
    }
    assert!(env["TRANSOM_SENDER"].starts_with('+') && !env["TRANSOM_SENDER"].starts_with("+1"));
    assert!(env["TRANSOM_API_KEY"].bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'));
    let messages = first.path("/messages");

    // Ana has written: the text goes, arrives on her phone, and is heard to have arrived.
    let (ana, bo) = (first.phone_of("Ana").await, first.phone_of("Bo").await);
    let sent = api.post(&messages, &text(&ana, "Hello Ana")).await;
    assert_eq!(sent["verdict"]["kind"], "session");
    let path = format!("{messages}/{}", sent["id"].as_str().unwrap());
    let status = |wanted: &'static str| {
        let (api, path) = (api.clone(), path.clone());
        until("the status", move || {
            let (api, path) = (api.clone(), path.clone());
            async move { (api.get(&path).await["status"] == wanted).then_some(()) }
        })
    };
    status("delivered").await;
    let inbox = format!("/sim/v1/customers/{}", ana.replace('+', "%2B"));
    let shown = desk.get(&format!("{inbox}/inbox")).await;
    let last = shown["data"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["message"]["text"]["body"], &last["direction"]), (&json!("Hello Ana"), &json!("in")));
    desk.post(&format!("{inbox}/reads"), &json!({})).await;
    status("read").await;

    // Bo has not: refused, with the reason, and nothing leaves.
    let (status, refused) = api.call(Method::POST, &messages, Some(&text(&bo, "Hello Bo"))).await;
    assert_eq!((status, &refused["code"]), (400, &json!("ERROR_CODE_MESSAGE_TEMPLATE_APPROVAL_REQUIRED")));
    assert_eq!(refused["details"]["verdict"]["kind"], "needs_approval");

    // One of them is in the US, one is not; once Bo has written, the same text goes to him as well.
    assert!(bo.starts_with("+1") && !ana.starts_with("+1"));
    let hello = json!({ "to": env["META_PHONE_NUMBER_ID"], "type": "text", "text": { "body": "Are you open?" } });
    desk.post(&format!("/sim/v1/customers/{}/messages", bo.replace('+', "%2B")), &hello).await;
    let sent = until("Bo's session", || async {
        let (status, answer) = api.call(Method::POST, &messages, Some(&text(&bo, "Hello Bo"))).await;
        (status == 201).then_some(answer)
    })
    .await;
    let to_bo = format!("{messages}/{}", sent["id"].as_str().unwrap());
    until("it arrives", || async { (api.get(&to_bo).await["status"] == "delivered").then_some(()) }).await;

    // Webhooks may go to this machine, and to no other private network.
    let webhook =
        |topic: &str, address: &str| run(&mut at(dir.path(), &["endpoint", "add", "--json", "--topic", topic, address]));
    for private in ["http://10.0.0.1/hook", "http://192.168.1.2/hook", "http://169.254.169.254/latest/meta-data"] {
        let refused = webhook("messages", private);
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success() && said.contains("private network"), "{private}: {said}");
    }
    assert!(webhook("messages", "http://127.0.0.1:9/hook").status.success());
    assert!(webhook("delivery_status", "http://localhost:9/hook").status.success());

    // A day later Ana's session is over, too.
    desk.post("/sim/v1/clock", &json!({ "advanceSeconds": 86_400 })).await;
    let (status, _) = api.call(Method::POST, &messages, Some(&text(&ana, "Still there?"))).await;
    assert_eq!(status, 400);
    let tomorrow = desk.get("/sim/v1/clock").await;

    // The folder is held, and whoever else wants it hears by whom.
    let (code, why) = said(&mut at(dir.path(), &["dev", "--port", "0", "--simulator-port", "0"]));
    assert!(code != Some(0) && why.contains("held by process"), "{why}");

    // A second start keeps every id, every key, every message and the time, and is no change worth a line in the log of them.
    let log = api.get(&first.path("/audit")).await["data"].clone();
    assert!(log.to_string().contains("sender.put"), "{log}");
    assert!(first.running.terminate());
    let second = Dev::open(dir.path());
    for (key, value) in &env {
        if !key.ends_with("_URL") {
            assert_eq!(second.env[key], *value, "{key}");
        }
    }
    let (api, desk) = (&second.api, &second.desk);
    assert_eq!(api.get(&second.path("/audit")).await["data"], log);
    assert_eq!(api.get(&path).await["status"], "read");
    assert!(desk.get("/sim/v1/clock").await["offsetSeconds"].as_i64() >= tomorrow["offsetSeconds"].as_i64());
    assert_eq!(desk.get("/sim/v1/customers").await["data"].as_array().unwrap().len(), 2);
    assert!(second.running.terminate());
}

#[tokio::test]
async fn the_catalogs_real_products_go_and_others_do_not() {
    let dir = tempfile::tempdir().unwrap();
    let dev = Dev::open(dir.path());
    let (api, desk) = (&dev.api, &dev.desk);
    let catalogs = desk.get("/sim/v1/catalogs").await;
    let catalog = &catalogs["data"][0];
    let id = catalog["id"].as_str().unwrap();
    assert_eq!(id, dev.env["META_CATALOG_ID"]);
    let sku = |at: usize| catalog["products"][at]["retailerId"].as_str().unwrap();
    let ana = "+4915550100001";

    // Our own send: none means the whole catalog, one is a product, several are a list; and the published send of two kinds.
    let item = |at: usize| json!({ "id": sku(at), "section_title": "Tea things" });
    let ours = |items: Value| {
        let types = json!({ "twilio/catalog": { "id": id, "title": "Shelf", "body": "For you", "items": items } });
        ("/messages", json!({ "to": ana, "content": { "language": "en", "types": types } }))
    };
    let published =
        |message: Value| ("/send/messages", json!({ "recipient": { "id": ana, "channelType": "whatsapp" }, "message": message }));
    let single = |sku: &str| json!({ "text": "This one?", "singleProductMessage": { "catalogId": id, "productItem": { "productRetailerId": sku } } });
    let several = json!({
        "text": "Or these?",
        "multiProductMessage": {
            "header": { "text": "Shelf" },
            "catalogId": id,
            "sections": [{ "title": "Tea things", "productItems": [{ "productRetailerId": sku(0) }, { "productRetailerId": sku(1) }] }]
        }
    });
    let end = async |(to, body): (&str, Value)| {
        let sent = api.post(&dev.path(to), &body).await;
        let message = dev.path(&format!("/messages/{}", sent["id"].as_str().unwrap()));
        until("an end", || async {
            let message = api.get(&message).await;
            matches!(message["status"].as_str(), Some("delivered" | "failed")).then_some(message)
        })
        .await
    };
    for (send, kind) in [
        (ours(json!([])), "catalog_message"),
        (ours(json!([item(0)])), "product"),
        (ours(json!([item(0), item(1), item(2)])), "product_list"),
        (published(single(sku(3))), "product"),
        (published(several.clone()), "product_list"),
    ] {
        let message = end(send).await;
        assert_eq!(message["status"], "delivered", "{kind}: {message}");
        let inbox = desk.get("/sim/v1/customers/%2B4915550100001/inbox").await;
        let shown = inbox["data"].as_array().unwrap().last().unwrap();
        assert_eq!(shown["message"]["interactive"]["type"], kind, "{shown}");
    }
    let unknown = end(published(single("sku-of-nobody"))).await;
    assert_eq!((&unknown["status"], &unknown["error"]["details"]["metaCode"]), (&json!("failed"), &json!(131_009)), "{unknown}");
    assert!(dev.running.terminate());
}

#[tokio::test]
async fn the_tour_agrees_with_the_seed_and_again_on_the_same_desk() {
    let dir = tempfile::tempdir().unwrap();
    let dev = Dev::open(dir.path());
    for _ in 0..2 {
        let output = run(transom().args(["tour", "--json", "--env"]).arg(dir.path().join("dev.env")));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let rows: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap_or_else(|why| panic!("{why}: {said}"));
        assert!(output.status.success(), "{said}");
        assert_eq!(rows.len(), 88);
        for row in &rows {
            assert_eq!(row["agrees"], true, "{row}");
            let went = row["sent_as"].is_string();
            assert_eq!(went, row["error"].is_null(), "{row}");
            assert_eq!(went, row["message_id"].is_string(), "{row}");
            assert_eq!(went, row["final_status"].is_string(), "{row}");
        }
    }
    assert!(dev.running.terminate());
}

#[tokio::test]
async fn a_closed_output_does_not_stop_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut dev = Dev::open(dir.path());
    dev.running.close_output();
    dev.api.get("/healthz").await;
    assert!(dev.running.terminate());
}

#[test]
fn the_tour_brings_its_own_desk() {
    let output = run(transom().arg("tour"));
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(shown.ends_with("88 of 88 rows agree with the seed.\n"), "{shown}");
}
