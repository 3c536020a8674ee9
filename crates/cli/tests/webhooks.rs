//! What a business's webhook endpoints are told, by the real binary, to a receiver of the test's own.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;
mod shop;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, Uri};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;

use common::until;
use shop::{Shop, id, session};

/// One request as it came in, and what it was answered.
#[derive(Clone)]
struct Received {
    path: String,
    headers: BTreeMap<String, String>,
    raw: Bytes,
    json: Value,
    answered: u16,
}

#[derive(Default)]
struct Ears {
    heard: Vec<Received>,
    /// What contains this text is answered with this status.
    refuse: Option<(String, u16)>,
}

/// An endpoint that keeps what it hears and refuses what it is told to.
#[derive(Clone)]
struct Receiver {
    ears: Arc<Mutex<Ears>>,
    base: String,
}

impl Receiver {
    async fn open() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let ears = Arc::new(Mutex::new(Ears::default()));
        let keeper = ears.clone();
        let hear = move |uri: Uri, headers: HeaderMap, raw: Bytes| async move {
            let mut ears = keeper.lock().unwrap();
            let text = String::from_utf8(raw.to_vec()).unwrap();
            let answered = match &ears.refuse {
                Some((part, status)) if text.contains(part.as_str()) => *status,
                _ => 200,
            };
            let headers = headers.iter().map(|(n, v)| (n.to_string(), v.to_str().unwrap().to_owned())).collect();
            let json = serde_json::from_str(&text).unwrap();
            ears.heard.push(Received { path: uri.path().to_owned(), headers, raw, json, answered });
            StatusCode::from_u16(answered).unwrap()
        };
        let app = axum::Router::new().fallback(hear);
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { ears, base }
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    fn refuse(&self, part: &str, status: u16) {
        self.ears.lock().unwrap().refuse = Some((part.to_owned(), status));
    }

    fn accept(&self) {
        self.ears.lock().unwrap().refuse = None;
    }

    fn heard(&self) -> Vec<Received> {
        self.ears.lock().unwrap().heard.clone()
    }

    /// The first request of which something holds, once it is there.
    async fn once(&self, what: &str, holds: impl Fn(&Received) -> bool) -> Received {
        until(what, || async { self.heard().into_iter().find(|r| holds(r)) }).await
    }

    /// The delivery of a status of a message.
    async fn status(&self, id: &str, status: &str) -> Received {
        self.once(status, |r| {
            r.answered == 200 && r.json["statusUpdate"]["id"] == id && r.json["statusUpdate"]["status"] == status
        })
        .await
    }
}

async fn register(shop: &Shop, topic: &str, address: &str) -> (String, String) {
    let made = shop.api.post(&shop.path("/create/webhooks"), &json!({ "topic": topic, "address": address })).await;
    (id(&made), made["secret"].as_str().unwrap().to_owned())
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    parts.iter().for_each(|part| mac.update(part));
    BASE64.encode(mac.finalize().into_bytes())
}

/// Checks both signatures as a receiver would: over the bytes that came in.
fn verify(received: &Received, secret: &str) {
    let header = |name: &str| received.headers[name].as_str();
    assert_eq!(header("x-connectly-hmac-sha256"), hmac(secret.as_bytes(), &[&received.raw]));
    let key = BASE64.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let signed = |body: &[u8]| {
        let (id, stamp) = (header("webhook-id").as_bytes(), header("webhook-timestamp").as_bytes());
        format!("v1,{}", hmac(&key, &[id, b".", stamp, b".", body]))
    };
    assert_eq!(header("webhook-signature"), signed(&received.raw));
    assert_eq!(header("webhook-id"), received.json["eventId"]);
    assert!(header("content-type").starts_with("application/json"));
    // Written anew it is another body.
    let anew = serde_json::to_vec_pretty(&received.json).unwrap();
    assert_ne!(header("x-connectly-hmac-sha256"), hmac(secret.as_bytes(), &[&anew]));
    assert_ne!(header("webhook-signature"), signed(&anew));
}

#[tokio::test]
async fn registrations_are_one_per_topic_and_keep_what_an_update_omits() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::open(dir.path());
    let list = async || shop.api.get(&shop.path("/webhooks")).await["entity"].clone();
    assert_eq!(list().await, json!({ "businessId": shop.env["TRANSOM_BUSINESS"], "webhooks": [] }));
    let configuration = json!({ "echo": false, "channelTypes": ["whatsapp"], "filters": [{ "field": "campaign_name", "expression": "summer-*" }] });
    let new = json!({ "topic": "delivery_status", "address": "https://shop.example.com/a", "type": "zapier", "configuration": configuration });
    let (status, made) = shop.api.call(Method::POST, &shop.path("/create/webhooks"), Some(&new)).await;
    assert_eq!(status, 201);
    let (other, secret) = register(&shop, "messages", "https://shop.example.com/b").await;
    assert_eq!(made["secret"], secret, "one secret for all topics");
    let (status, refused) = shop.refused("/create/webhooks", &new).await;
    assert_eq!((status, &refused["code"]), (409, &json!("ERROR_CODE_WEBHOOK_TOPIC_EXISTS")));
    assert_eq!(refused["type"], "ERROR_TYPE_CONFLICT");

    let one = format!("/update/webhooks/{}", id(&made));
    let put = async |path: &str, body: Value| shop.api.call(Method::PUT, &shop.path(path), Some(&body)).await;
    let shown = async || {
        let listed = list().await;
        listed["webhooks"].as_array().unwrap().iter().find(|w| w["id"] == made["id"]).unwrap().clone()
    };
    assert_eq!(put(&one, json!({ "address": "https://shop.example.com/c" })).await.0, 200);
    let now = shown().await;
    assert_eq!((&now["address"], &now["type"]), (&json!("https://shop.example.com/c"), &json!("zapier")));
    assert_eq!(now["configuration"], configuration);
    assert_eq!(put(&one, json!({ "configuration": { "filters": [] } })).await.0, 200);
    let now = shown().await;
    assert_eq!(now["address"], "https://shop.example.com/c");
    assert_eq!(now["configuration"], json!({ "echo": false, "channelTypes": ["whatsapp"], "filters": [] }));
    let (status, refused) = put(&one, json!({ "topic": "messages" })).await;
    assert_eq!((status, &refused["details"]["errors"][0]["field"]), (400, &json!("topic")));
    let unknown = "/update/webhooks/01K5Z3NDEKTSV4RRFFQ69G5FAV";
    let (status, refused) = put(unknown, json!({ "address": "https://shop.example.com/d" })).await;
    assert_eq!((status, &refused["code"]), (404, &json!("ERROR_CODE_WEBHOOK_NOT_FOUND")));
    let gone = format!("/delete/webhooks/{}", id(&made));
    let delete = async |path: &str| shop.api.call(Method::DELETE, &shop.path(path), None).await;
    assert_eq!(delete(&gone).await, (200, json!({})));
    let (status, refused) = delete(&gone).await;
    assert_eq!((status, &refused["code"]), (404, &json!("ERROR_CODE_WEBHOOK_NOT_FOUND")));
    assert_eq!(list().await["webhooks"].as_array().unwrap().len(), 1);
    assert_eq!(delete(&format!("/delete/webhooks/{other}")).await.0, 200);
    assert_eq!(shop.api.call(Method::POST, &shop.path("/create/webhooks"), Some(&new)).await.0, 201, "the topic is free again");
}

#[tokio::test]
async fn an_endpoint_hears_messages_and_all_four_statuses_signed_and_in_the_published_shape() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::open(dir.path());
    let ears = Receiver::open().await;
    let phone = "+491703000001";
    let customer = shop.customer(phone, json!({})).await;
    let (_, secret) = register(&shop, "messages", &ears.at("/messages")).await;
    register(&shop, "delivery_status", &ears.at("/statuses")).await;
    let ours = json!({ "id": shop.env["TRANSOM_SENDER"], "channelType": "whatsapp", "name": "Desk business" });

    // The customer writes: the customer is the sender.
    let heard = shop.customer_sends(phone, json!({ "type": "text", "text": { "body": "Guten Tag \u{1f600}" } })).await;
    let told = ears.once("a text", |r| r.json["message"]["id"] == heard["id"]).await;
    let person = json!({ "id": phone, "channelType": "whatsapp", "name": "Marta", "phoneNumber": phone,
        "userId": customer["userId"] });
    let stamp = told.json["timestamp"].as_str().unwrap();
    assert!(stamp.len() == 10 && stamp.bytes().all(|b| b.is_ascii_digit()), "seconds, as a text");
    let expected = json!({ "topic": "messages", "eventId": told.json["eventId"], "timestamp": stamp, "sender": person,
        "recipient": ours, "message": { "id": heard["id"], "text": "Guten Tag \u{1f600}" } });
    assert_eq!((told.path.as_str(), &told.json), ("/messages", &expected));
    verify(&told, &secret);

    // We answer: we are the sender of the statuses, and the callback data are in each.
    let data = json!({ "ticket": [771, "\u{fc}"] });
    let tagged = json!({ "callbackData": data, "campaignName": "autumn" });
    let question = json!({ "text": "Gut?", "replyButtonMessage": { "buttons": [{ "id": "good", "text": "Gut" }] } });
    let question = shop.say(phone, question, tagged.clone()).await;
    let list = json!({ "text": "Wo?", "listMessage": { "button": { "text": "Auswahl" },
        "sections": [{ "rows": [{ "id": "hh", "text": "Hamburg", "description": "bis 20 Uhr" }] }] } });
    let list = shop.say(phone, list, json!({ "callbackData": "list" })).await;
    for id in [&question, &list] {
        ears.status(id, "delivered").await;
    }
    let reads = format!("/sim/v1/customers/{}/reads", phone.replace('+', "%2B"));
    shop.desk.post(&reads, &json!({})).await;
    for status in ["sent", "delivered", "read"] {
        let told = ears.status(&question, status).await;
        let mut told_json = told.json.clone();
        told_json["statusUpdate"].as_object_mut().unwrap().remove("pricing");
        let expected = json!({ "topic": "delivery_status", "eventId": told.json["eventId"], "timestamp": told.json["timestamp"],
            "sender": ours,
            "recipient": person,
            "metadata": { "campaign_name": "autumn" },
            "statusUpdate": { "id": question, "status": status, "error": null, "metadata": { "campaignName": "autumn" } },
            "callbackData": data });
        assert!(told.json["timestamp"].is_string());
        assert_eq!((told.path.as_str(), told_json), ("/statuses", expected));
        verify(&told, &secret);
    }
    let missing = json!({ "singleProductMessage": { "catalogId": shop.env["META_CATALOG_ID"], "productItem": { "productRetailerId": "none" } } });
    let failed = shop.say(phone, missing, json!({ "callbackData": "F" })).await;
    let told = ears.status(&failed, "delivery_failed").await.json;
    let error = &told["statusUpdate"]["error"];
    assert_eq!(
        (&told["callbackData"], &told["metadata"], &told["statusUpdate"]["metadata"]),
        (&json!("F"), &Value::Null, &Value::Null)
    );
    assert_eq!(error["details"]["metaCode"], 131_009);
    for part in ["message", "type", "code", "userTitle", "userMessage", "cntTraceId"] {
        assert!(error[part].is_string(), "{part} is a text in {error}");
    }

    // Taps, quotes and reactions lead back to what they answer, with its callback data.
    let wamid =
        async |id: &str| shop.api.get(&shop.path(&format!("/messages/{id}"))).await["details"]["providerMessageId"].clone();
    let taps = format!("/sim/v1/customers/{}/taps", phone.replace('+', "%2B"));
    let (of_question, of_list) = (wamid(&question).await, wamid(&list).await);
    shop.desk.post(&taps, &json!({ "messageId": of_question, "buttonId": "good" })).await;
    let told = ears.once("the button", |r| r.json["buttonResponse"].is_object()).await;
    verify(&told, &secret);
    let told = told.json;
    assert_eq!(told["buttonResponse"], json!({ "text": "Gut", "id": "good", "payload": "good" }));
    assert_eq!((&told["message"]["text"], &told["message"]["isButtonResponse"]), (&json!("Gut"), &json!(true)));
    assert_eq!((&told["context"]["replyToId"], &told["callbackData"]), (&json!(question), &data));
    shop.desk.post(&taps, &json!({ "messageId": of_list, "rowId": "hh" })).await;
    let told = ears.once("the row", |r| r.json["listResponse"].is_object()).await.json;
    assert_eq!(told["listResponse"], json!({ "id": "hh", "text": "Hamburg", "description": "bis 20 Uhr" }));
    assert_eq!((&told["message"]["text"], &told["callbackData"]), (&json!("Hamburg"), &json!("list")));
    assert_eq!(told["context"]["replyToId"], json!(list));
    for (sent, refers) in [
        (json!({ "type": "text", "text": { "body": "Quoted" }, "context": { "message_id": of_question } }), true),
        (json!({ "type": "reaction", "reaction": { "message_id": of_question, "emoji": "\u{1f44d}" } }), true),
        (json!({ "type": "text", "text": { "body": "Unquoted" } }), false),
        (json!({ "type": "image", "image": { "caption": "Seen" } }), false),
        (json!({ "type": "document", "document": { "caption": "Read", "filename": "a.pdf" } }), false),
        (json!({ "type": "location", "location": { "latitude": 1.5, "longitude": 2.0, "name": "N", "address": "A" } }), false),
    ] {
        let heard = shop.customer_sends(phone, sent.clone()).await;
        let told = ears.once("a message", |r| r.json["message"]["id"] == heard["id"]).await.json;
        assert_eq!(told.get("callbackData"), refers.then_some(&data), "{told}");
        assert_eq!(told["context"]["replyToId"], if refers { json!(question) } else { Value::Null }, "{told}");
        match sent["type"].as_str().unwrap() {
            "reaction" => assert_eq!(told["reaction"], json!({ "messageId": question, "emoji": "\u{1f44d}" })),
            "location" => assert_eq!(told["message"]["location"], sent["location"]),
            "text" => assert_eq!(told["message"]["text"], sent["text"]["body"]),
            kind => {
                let attachment = &told["message"]["attachments"][0];
                assert_eq!((&attachment["type"], &attachment["caption"]), (&json!(kind), &sent[kind]["caption"]));
                assert!(attachment["url"].as_str().unwrap().starts_with("http"), "{attachment}");
                assert_eq!(attachment.get("filename"), sent[kind].get("filename"));
            }
        }
    }

    // Somebody without a phone number: the user id in its place, and an empty phone number, not a missing one.
    let shy = shop.customer("+491703000002", json!({ "showPhone": false, "username": "shy.one" })).await;
    let heard = shop.customer_sends("+491703000002", json!({ "type": "text", "text": { "body": "Hello" } })).await;
    let told = ears.once("a message", |r| r.json["message"]["id"] == heard["id"]).await.json;
    let sender = &told["sender"];
    assert_eq!((&sender["id"], &sender["userId"], &sender["phoneNumber"]), (&shy["userId"], &shy["userId"], &json!("")));
    assert_eq!(sender["username"], "shy.one");
    let answer = shop.say(sender["id"].as_str().unwrap(), json!({ "text": "Hello" }), json!({})).await;
    let told = ears.status(&answer, "delivered").await.json;
    assert_eq!((&told["recipient"]["id"], &told["recipient"]["phoneNumber"]), (&shy["userId"], &json!("")));
    assert_eq!(told.get("callbackData"), None, "none was given");
}

#[tokio::test]
async fn a_refused_delivery_is_repeated_in_its_order_and_holds_up_nobody_else() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::open(dir.path());
    let ears = Receiver::open().await;
    let (slow, quick) = ("+491703000003", "+491703000004");
    shop.writer(slow).await;
    shop.writer(quick).await;
    let (_, secret) = register(&shop, "delivery_status", &ears.at("/")).await;
    ears.refuse(slow, 500);
    let mut ids = Vec::new();
    for n in 0..3 {
        ids.push(shop.say(slow, json!({ "text": format!("Slow {n}") }), json!({ "callbackData": n })).await);
    }
    let refused = ears.once("a refused delivery", |r| r.answered == 500).await;
    // Another conversation is told all the same.
    let other = shop.say(quick, json!({ "text": "Quick" }), json!({})).await;
    ears.status(&other, "sent").await;
    ears.status(&other, "delivered").await;
    for id in &ids {
        shop.once(id, "delivered").await;
    }
    let of_slow = |r: &Received| r.json["recipient"]["id"] == slow;
    assert!(ears.heard().iter().filter(|r| of_slow(r)).all(|r| r.headers["webhook-id"] == refused.headers["webhook-id"]));
    ears.accept();
    // The waits grow from seconds to hours; turned clocks do not wait.
    until("everything of the slow one", || async {
        let told = ears.heard().iter().filter(|r| of_slow(r) && r.answered == 200).count();
        if told < 6 {
            shop.turn(60).await;
        }
        (told >= 6).then_some(())
    })
    .await;
    let told: Vec<Received> = ears.heard().into_iter().filter(|r| of_slow(r) && r.answered == 200).collect();
    let repeated = &told[0];
    assert_eq!((&repeated.headers["webhook-id"], &repeated.raw), (&refused.headers["webhook-id"], &refused.raw));
    assert!(repeated.headers["x-gateway-attempt"].parse::<u32>().unwrap() > 1);
    told.iter().for_each(|r| verify(r, &secret));
    // In the order in which it happened, and each event once.
    let events: BTreeSet<&str> = told.iter().map(|r| r.json["eventId"].as_str().unwrap()).collect();
    assert_eq!(events.len(), 6);
    let stream = shop.api.get(&shop.path("/events?after=0&limit=200")).await;
    let order: Vec<&str> = stream["data"].as_array().unwrap().iter().map(|e| e["id"].as_str().unwrap()).collect();
    let positions: Vec<usize> = told.iter().map(|r| order.iter().position(|id| r.json["eventId"] == *id).unwrap()).collect();
    assert!(positions.is_sorted(), "{positions:?}");
    for id in &ids {
        let of_one: Vec<&Value> =
            told.iter().map(|r| &r.json["statusUpdate"]).filter(|u| u["id"] == *id).map(|u| &u["status"]).collect();
        assert_eq!(of_one, ["sent", "delivered"]);
    }
}

#[tokio::test]
async fn an_endpoint_that_is_gone_is_left_alone_until_it_is_changed() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::open(dir.path());
    let ears = Receiver::open().await;
    let phone = "+491703000005";
    shop.writer(phone).await;
    let (hook, secret) = register(&shop, "delivery_status", &ears.at("/old")).await;
    ears.refuse("", 410);
    let first = shop.say(phone, json!({ "text": "One" }), json!({})).await;
    let disabled = async || {
        let listed = shop.api.get(&shop.path("/webhooks")).await;
        listed["entity"]["webhooks"][0]["disabled"].as_str().map(str::to_owned)
    };
    let why = until("the end of the endpoint", &disabled).await;
    assert!(why.contains("410"), "{why}");
    let second = shop.say(phone, json!({ "text": "Two" }), json!({})).await;
    shop.once(&second, "delivered").await;
    assert_eq!(ears.heard().iter().filter(|r| r.json["statusUpdate"]["id"] == *second).count(), 0, "nobody is called any more");
    ears.accept();
    let changed = json!({ "address": ears.at("/new") });
    assert_eq!(shop.api.call(Method::PUT, &shop.path(&format!("/update/webhooks/{hook}")), Some(&changed)).await.0, 200);
    assert_eq!(disabled().await, None);
    shop.turn(60).await;
    // Nothing that happened meanwhile is lost.
    for id in [&first, &second] {
        for status in ["sent", "delivered"] {
            let told = ears.status(id, status).await;
            assert_eq!(told.path, "/new");
            verify(&told, &secret);
        }
    }
}

#[tokio::test]
async fn a_kill_between_acceptance_and_delivery_loses_no_event() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::open(dir.path());
    let ears = Receiver::open().await;
    let phones: Vec<String> = (0..4).map(|n| format!("+49170300010{n}")).collect();
    // Deliveries begin with the next event.
    let newest = shop.api.get(&shop.path("/events?after=0&limit=1")).await["newest"].clone();
    register(&shop, "messages", &ears.at("/messages")).await;
    let (_, secret) = register(&shop, "delivery_status", &ears.at("/statuses")).await;
    // One conversation is refused at first, so that some deliveries wait and some have been made.
    ears.refuse(&phones[0], 500);
    for phone in &phones {
        shop.writer(phone).await;
    }
    let mut ids = Vec::new();
    for n in 0..24 {
        let body = session(&phones[n % phones.len()], json!({ "text": format!("Message {n}") }), json!({}));
        ids.push(id(&shop.api.post(&shop.path("/send/messages"), &body).await));
    }
    ears.once("a status", |r| r.path == "/statuses").await;
    shop.kill();
    let before = ears.heard().len();
    ears.accept();
    let shop = Shop::open(dir.path());
    for id in &ids {
        let path = shop.path(&format!("/messages/{id}"));
        until("an end", || async {
            let status = shop.api.get(&path).await["status"].clone();
            let over = matches!(status.as_str(), Some("delivered" | "failed"));
            if !over {
                // What was on its way to Meta when it happened is waited for; a turned clock does not wait.
                shop.turn(30).await;
            }
            over.then_some(())
        })
        .await;
    }
    let stream = shop.api.get(&shop.path(&format!("/events?after={newest}&limit=200"))).await;
    let wanted: Vec<(String, String)> = stream["data"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|event| {
            let path = match (event["type"].as_str().unwrap(), event["data"]["status"].as_str()) {
                ("message.received", _) => "/messages",
                ("message.status", Some("sent" | "delivered" | "failed")) => "/statuses",
                _ => return None,
            };
            Some((path.to_owned(), event["id"].as_str().unwrap().to_owned()))
        })
        .collect();
    assert!(wanted.len() >= phones.len() + ids.len(), "{} events", wanted.len());
    until("every event", || async {
        let told: BTreeSet<(String, String)> = ears
            .heard()
            .into_iter()
            .filter(|r| r.answered == 200)
            .map(|r| (r.path, r.json["eventId"].as_str().unwrap().to_owned()))
            .collect();
        let left = wanted.iter().filter(|event| !told.contains(event)).count();
        if left > 0 {
            shop.turn(60).await;
        }
        (left == 0).then_some(())
    })
    .await;
    assert!(ears.heard().len() > before);
    ears.heard().iter().for_each(|r| verify(r, &secret));
}
