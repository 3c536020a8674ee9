//! What nobody knows yet, what is done to a message once it is written, and what the business writes by hand elsewhere: from the
//! phone through the real binary to an endpoint.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;
mod shop;

use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use reqwest::Method;
use serde_json::{Value, json};

use common::until;
use shop::Shop;

const PHONE: &str = "+491704000131";

/// What an endpoint was told.
#[derive(Clone, Default)]
struct Ears(Arc<Mutex<Vec<Value>>>);

impl Ears {
    /// Begins to listen, as an endpoint of the shop.
    async fn of(shop: &Shop) -> Self {
        let ears = Self::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/told", listener.local_addr().unwrap());
        let heard = ears.clone();
        let app = axum::Router::new().fallback(move |raw: Bytes| async move {
            heard.0.lock().unwrap().push(serde_json::from_slice(&raw).unwrap());
        });
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        shop.api.post(&shop.path("/endpoints"), &json!({ "url": url })).await;
        ears
    }

    /// The first event of a type about a message, once it is told.
    async fn hear(&self, kind: &str, message: &str) -> Value {
        until(kind, || async {
            let told = self.0.lock().unwrap();
            told.iter().find(|event| event["type"] == kind && event["data"]["messageId"] == message).cloned()
        })
        .await
    }
}

/// A number on the shop's desk that somebody also uses in the WhatsApp Business app.
async fn with_the_app(shop: &Shop) {
    let number = format!("/sim/v1/numbers/{}", shop.env["META_PHONE_NUMBER_ID"]);
    let (status, shown) = shop.desk.call(Method::PATCH, &number, Some(&json!({ "businessApp": true }))).await;
    assert_eq!((status, &shown["businessApp"]), (200, &json!(true)), "{shown}");
}

/// The only message of ours in one direction that says a word, once it is there.
async fn saying(shop: &Shop, direction: &str, word: &str) -> Value {
    let path = shop.path(&format!("/messages?direction={direction}&pageSize=100"));
    until(word, || async {
        let all = shop.api.get(&path).await;
        let found: Vec<&Value> =
            all["data"].as_array().unwrap().iter().filter(|m| m["content"].to_string().contains(word)).collect();
        assert!(found.len() < 2, "{found:?}");
        found.first().map(|message| (*message).clone())
    })
    .await
}

#[tokio::test]
async fn a_type_that_nobody_knows_is_kept_flagged_passed_on_and_told() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::open(dir.path());
    let ears = Ears::of(&shop).await;
    shop.customer(PHONE, json!({})).await;
    let raw = json!({ "type": "hologram", "hologram": { "beam": "blue", "layers": [1, 2] } });
    let heard = shop.customer_sends(PHONE, json!({ "type": "raw", "raw": raw })).await;
    let passed = &heard["content"]["message"]["unsupported"];
    assert_eq!((&passed["type"], &passed["raw"]["hologram"]), (&json!("hologram"), &raw["hologram"]), "{heard}");
    let told = ears.hear("message.received", heard["id"].as_str().unwrap()).await;
    assert_eq!(&told["data"]["message"]["unsupported"]["raw"]["hologram"], &raw["hologram"]);
    // Flagged, by its name, and found by it.
    let flagged = shop.api.get(&shop.path("/journal?outcome=not_understood,partly_understood")).await;
    let [entry] = flagged["data"].as_array().unwrap().as_slice() else { panic!("{flagged}") };
    assert!(entry["notUnderstood"].to_string().contains("hologram"), "{entry}");
    // Whoever writes so has written: the session is open.
    let answer = shop.say(PHONE, json!({ "text": "What is that?" }), json!({})).await;
    shop.once(&answer, "delivered").await;

    // What Meta itself does not pass on has its reason; it is understood, and nothing is flagged.
    let heard = shop.customer_sends(PHONE, json!({ "type": "unsupported", "unsupported": { "type": "poll" } })).await;
    let passed = &heard["content"]["message"]["unsupported"];
    assert_eq!((&passed["type"], &passed["code"]), (&json!("poll"), &json!(131_051)), "{heard}");
    ears.hear("message.received", heard["id"].as_str().unwrap()).await;
    let flagged = shop.api.get(&shop.path("/journal?outcome=not_understood,partly_understood")).await;
    assert_eq!(flagged["data"].as_array().unwrap().len(), 1);

    // On Messenger, too.
    let cleo = shop.desk.post("/sim/v1/customers", &json!({ "channel": "messenger", "name": "Cleo" })).await;
    let path = format!("/sim/v1/customers/{}/messages", cleo["psid"].as_str().unwrap());
    let raw = json!({ "attachments": [{ "type": "hologram", "payload": { "beam": "red" } }] });
    shop.desk.post(&path, &json!({ "type": "raw", "raw": raw })).await;
    let heard = saying(&shop, "inbound", "red").await;
    assert!(heard["content"]["message"]["unsupported"]["type"].to_string().contains("hologram"), "{heard}");
    ears.hear("message.received", heard["id"].as_str().unwrap()).await;
}

#[tokio::test]
async fn edits_and_revocations_show_on_the_phone_and_here() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::open(dir.path());
    with_the_app(&shop).await;
    let ears = Ears::of(&shop).await;
    shop.customer(PHONE, json!({})).await;
    let first = shop.customer_sends(PHONE, json!({ "type": "text", "text": { "body": "Tomorow" } })).await;
    let (id, wamid) = (first["id"].as_str().unwrap(), &first["details"]["providerMessageId"]);
    let path = shop.path(&format!("/messages/{id}"));
    let does = async |kind: &str, object: Value| {
        let url = format!("/sim/v1/customers/{}/messages", PHONE.replace('+', "%2B"));
        shop.desk.post(&url, &json!({ "type": kind, kind: object })).await;
    };
    let words = json!({ "type": "text", "text": { "body": "Tomorrow" } });
    does("edit", json!({ "original_message_id": wamid, "message": words })).await;
    let told = ears.hear("message.edited", id).await;
    assert_eq!(told["data"]["edit"]["message"]["text"], "Tomorrow", "{told}");
    let now = shop.api.get(&path).await;
    assert_eq!(now["content"]["message"]["text"], "Tomorrow");
    let said: Vec<&Value> = now["edits"].as_array().unwrap().iter().map(|edit| &edit["message"]["text"]).collect();
    assert_eq!(said, ["Tomorow", "Tomorrow"]);
    assert_eq!(shop.inbox(PHONE).await[0]["message"]["text"]["body"], "Tomorrow");

    does("revoke", json!({ "original_message_id": wamid })).await;
    ears.hear("message.revoked", id).await;
    assert!(shop.api.get(&path).await["revokedAt"].is_string());
    assert_eq!(shop.inbox(PHONE).await[0]["type"], "revoked");

    // On Messenger each edit counts.
    let cleo = shop.desk.post("/sim/v1/customers", &json!({ "channel": "messenger", "name": "Cleo" })).await;
    let cleo = format!("/sim/v1/customers/{}", cleo["psid"].as_str().unwrap());
    let mid =
        shop.desk.post(&format!("{cleo}/messages"), &json!({ "type": "text", "text": { "body": "one" } })).await["mid"].clone();
    let heard = saying(&shop, "inbound", "one").await;
    let path = shop.path(&format!("/messages/{}", heard["id"].as_str().unwrap()));
    for (n, words) in ["two", "three"].into_iter().enumerate() {
        shop.desk.post(&format!("{cleo}/messages"), &json!({ "type": "edit", "edit": { "mid": mid, "text": words } })).await;
        let shown = until(words, || async {
            Some(shop.api.get(&path).await).filter(|message| message["content"]["message"]["text"] == words)
        })
        .await;
        assert_eq!(shown["edits"].as_array().unwrap().len(), n + 2);
    }
    let inbox = shop.desk.get(&format!("{cleo}/inbox")).await;
    assert_eq!((&inbox["data"][0]["message"]["text"], &inbox["data"][0]["edited"]), (&json!("three"), &json!(true)));
}

#[tokio::test]
async fn what_the_business_writes_by_hand_elsewhere_is_kept_and_told() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::open(dir.path());
    let ears = Ears::of(&shop).await;
    shop.customer(PHONE, json!({})).await;
    shop.customer_sends(PHONE, json!({ "type": "text", "text": { "body": "Hello" } })).await;
    let echoes = format!("/sim/v1/customers/{}/echoes", PHONE.replace('+', "%2B"));
    let by_hand = json!({ "type": "text", "text": { "body": "by-hand" } });
    let (status, refused) = shop.desk.call(Method::POST, &echoes, Some(&by_hand)).await;
    assert_eq!((status, &refused["error"]["field"]), (409, &json!("from")), "{refused}");
    with_the_app(&shop).await;
    let wamid = shop.desk.post(&echoes, &by_hand).await["wamid"].clone();
    let kept = saying(&shop, "outbound", "by-hand").await;
    assert_eq!((&kept["details"]["providerMessageId"], &kept["status"]), (&wamid, &json!("sent")), "{kept}");
    let told = ears.hear("message.echoed", kept["id"].as_str().unwrap()).await;
    assert_eq!((&told["data"]["message"]["text"], &told["data"]["message"]["isEcho"]), (&json!("by-hand"), &json!(true)));
    let phone = shop.inbox(PHONE).await;
    assert_eq!(phone.last().unwrap()["message"]["text"]["body"], "by-hand");
    // Edited there, it is edited here.
    let edit = json!({ "original_message_id": wamid, "message": { "type": "text", "text": { "body": "mended" } } });
    shop.desk.post(&echoes, &json!({ "type": "edit", "edit": edit })).await;
    let kept = saying(&shop, "outbound", "mended").await;
    assert_eq!(kept["details"]["providerMessageId"], wamid);
    assert_eq!(shop.inbox(PHONE).await.last().unwrap()["message"]["text"]["body"], "mended");

    // The inbox of a Page.
    let cleo = shop.desk.post("/sim/v1/customers", &json!({ "channel": "messenger", "name": "Cleo" })).await;
    let cleo = format!("/sim/v1/customers/{}", cleo["psid"].as_str().unwrap());
    shop.desk.post(&format!("{cleo}/messages"), &json!({ "type": "text", "text": { "body": "Hi" } })).await;
    let mid = shop.desk.post(&format!("{cleo}/echoes"), &json!({ "type": "text", "text": { "body": "from-inbox" } })).await;
    let kept = saying(&shop, "outbound", "from-inbox").await;
    assert_eq!(kept["details"]["providerMessageId"], mid["mid"], "{kept}");
    ears.hear("message.echoed", kept["id"].as_str().unwrap()).await;
    let inbox = shop.desk.get(&format!("{cleo}/inbox")).await;
    assert_eq!(inbox["data"].as_array().unwrap().last().unwrap()["message"]["text"], "from-inbox");
}
