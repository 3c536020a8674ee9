//! What bad input gets, at the real binary: the published error object, a code that is in the table, nothing stored half.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;
mod shop;

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;

use common::at;
use shop::{Answer, Shop, id, session};

const PHONE: &str = "+491704000001";

/// The error table as anybody can read it: status and type of each code.
async fn table(shop: &Shop) -> BTreeMap<String, (u64, String)> {
    let errors = shop.api.get("/v1/errors").await;
    let row = |e: &Value| {
        let text = |part: &str| e[part].as_str().unwrap().to_owned();
        (text("code"), (e["status"].as_u64().unwrap(), text("type")))
    };
    errors["errors"].as_array().unwrap().iter().map(row).collect()
}

/// A shop and its error table.
struct Counter {
    shop: Shop,
    table: BTreeMap<String, (u64, String)>,
}

impl Counter {
    async fn open(dir: &std::path::Path) -> Self {
        let shop = Shop::open(dir);
        let table = table(&shop).await;
        Self { shop, table }
    }

    /// Checks that an answer is an error as published and as the table has it; gives its code.
    fn told(&self, what: &str, answer: &Answer) -> String {
        let error = &answer.json;
        for part in ["message", "type", "code", "userTitle", "userMessage", "cntTraceId"] {
            assert!(error[part].as_str().is_some_and(|t| !t.is_empty()), "{what}: no {part} in HTTP {} {error}", answer.status);
        }
        assert!(error["details"].is_object(), "{what}: {error}");
        assert!(error["cntTraceId"].as_str().unwrap().parse::<u64>().is_ok(), "{what}: {error}");
        let code = error["code"].as_str().unwrap();
        let (status, kind) = self.table.get(code).unwrap_or_else(|| panic!("{what}: {code} is not in the table"));
        assert_eq!((u64::from(answer.status), error["type"].as_str().unwrap()), (*status, kind.as_str()), "{what}: {error}");
        code.to_owned()
    }

    async fn call(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let url = format!("{}{path}", self.shop.env["TRANSOM_URL"]);
        self.shop.raw(method, &url, headers, body.to_vec()).await
    }

    /// Under this business's own key.
    async fn own(&self, method: Method, path: &str, body: &[u8]) -> Answer {
        let key = self.shop.env["TRANSOM_API_KEY"].as_str();
        self.call(method, path, &[("x-api-key", key), ("content-type", "application/json")], body).await
    }

    async fn everything(&self) -> Value {
        self.shop.api.get(&self.shop.path("/messages?pageSize=200")).await["data"].clone()
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_whole() {
    let dir = tempfile::tempdir().unwrap();
    let counter = Counter::open(dir.path()).await;
    counter.shop.writer(PHONE).await;
    let before = counter.everything().await;
    let good = session(PHONE, json!({ "text": "x" }), json!({})).to_string();
    let deep = |levels: usize| format!("{{\"recipient\":{}{}}}", "[".repeat(levels), "]".repeat(levels)).into_bytes();
    let nested = good.replacen('{', &format!("{{\"callbackData\":{}{},", "[".repeat(200), "]".repeat(200)), 1);
    let invalid = "ERROR_CODE_REQUEST_INVALID";
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("nothing", Vec::new(), invalid),
        ("cut off", good.as_bytes()[..good.len() / 2].to_vec(), invalid),
        ("something behind", format!("{good}x").into_bytes(), invalid),
        ("not UTF-8", b"{\"recipient\":\"\xff\xfe\"}".to_vec(), invalid),
        ("a list", b"[]".to_vec(), invalid),
        ("null", b"null".to_vec(), invalid),
        ("a text", b"\"x\"".to_vec(), invalid),
        ("deep", deep(100_000), invalid),
        ("deep data", nested.into_bytes(), invalid),
        ("half a character", good.replace("\"x\"", "\"\\ud800\"").into_bytes(), invalid),
    ];
    for (what, body, code) in cases {
        for path in ["/send/messages", "/send/whatsapp_templated_messages", "/messages"] {
            let answer = counter.own(Method::POST, &counter.shop.path(path), &body).await;
            let told = counter.told(what, &answer);
            assert_eq!(told, code, "{what} at {path}: {}", answer.json);
        }
    }
    for path in ["/send/messages", "/send/whatsapp_templated_messages", "/messages"] {
        let key = ("x-api-key", counter.shop.env["TRANSOM_API_KEY"].as_str());
        let answer = counter.shop.announced(&counter.shop.path(path), &[key], (1 << 20) + 1).await;
        assert_eq!(counter.told("too large", &answer), "ERROR_CODE_BODY_TOO_LARGE", "{path}");
    }
    // Wrong types and unknown fields, each by its name.
    for (field, more) in [
        ("recipient", json!({ "recipient": 5 })),
        ("recipient.id", json!({ "recipient": { "id": 5, "channelType": "whatsapp" } })),
        ("recipient.channelType", json!({ "recipient": { "id": PHONE } })),
        ("recipient.channelType", json!({ "recipient": { "id": PHONE, "channelType": "pigeon" } })),
        ("message", json!({ "message": "x" })),
        ("message.text", json!({ "message": { "text": 5 } })),
        ("message.attachments", json!({ "message": { "attachments": {} } })),
        ("message.textt", json!({ "message": { "text": "x", "textt": "y" } })),
        ("campaignName", json!({ "campaignName": ["c"] })),
        ("colour", json!({ "colour": "red" })),
    ] {
        let body = session(PHONE, json!({ "text": "x" }), more).to_string();
        let answer = counter.own(Method::POST, &counter.shop.path("/send/messages"), body.as_bytes()).await;
        assert_eq!(counter.told(field, &answer), invalid);
        let errors = answer.json["details"]["errors"].as_array().unwrap();
        assert!(errors.iter().any(|e| e["field"] == field), "{field}: {}", answer.json);
        assert!(errors.iter().all(|e| e["rule"].is_string() && e["remedy"].is_string()), "{}", answer.json);
    }
    assert_eq!(counter.everything().await, before, "nothing of it was stored");
}

#[tokio::test]
async fn a_client_that_sends_a_large_body_whole_hears_why_it_was_refused() {
    let dir = tempfile::tempdir().unwrap();
    let counter = Counter::open(dir.path()).await;
    let body = format!("{{\"message\":\"{}\"}}", "x".repeat(1 << 20));
    for _ in 0..20 {
        let answer = counter.own(Method::POST, &counter.shop.path("/send/messages"), body.as_bytes()).await;
        assert_eq!(counter.told("too large", &answer), "ERROR_CODE_BODY_TOO_LARGE");
    }
}

#[tokio::test]
async fn keys_open_their_own_business_and_paths_say_what_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let counter = Counter::open(dir.path()).await;
    let shop = &counter.shop;
    let operator = |args: &[&str]| common::json(at(dir.path(), args).arg("--json"));
    let other = id(&operator(&["business", "add", "--name", "Other shop"]));
    let made = operator(&["key", "add", "--business", &other]);
    let foreign = made["text"].as_str().unwrap();
    let messages = shop.path("/messages");
    for (what, headers) in [
        ("no key", vec![]),
        ("an unknown key", vec![("x-api-key", "tk_00")]),
        ("a long key", vec![("x-api-key", &*"x".repeat(8_000))]),
        ("another business's key", vec![("x-api-key", foreign)]),
    ] {
        for (method, path) in
            [(Method::GET, messages.clone()), (Method::POST, shop.path("/send/messages")), (Method::GET, shop.path("/webhooks"))]
        {
            let answer = counter.call(method, &path, &headers, b"{}").await;
            assert_eq!((answer.status, counter.told(what, &answer).as_str()), (401, "ERROR_CODE_API_KEY_INVALID"), "{what}");
        }
    }
    let theirs = |rest: &str| format!("/v1/businesses/{other}{rest}");
    assert_eq!(counter.call(Method::GET, &theirs("/messages"), &[("x-api-key", foreign)], b"").await.status, 200);
    assert_eq!(counter.own(Method::GET, &theirs("/messages"), b"").await.status, 401);
    // What is ours is not there for the other.
    shop.writer(PHONE).await;
    let ours = shop.say(PHONE, json!({ "text": "x" }), json!({})).await;
    let answer = counter.call(Method::GET, &theirs(&format!("/messages/{ours}")), &[("x-api-key", foreign)], b"").await;
    counter.told("a foreign message", &answer);
    assert_eq!(answer.status, 404);

    for (method, path, status, allow) in [
        (Method::GET, "/nowhere".to_owned(), 404, None),
        (Method::POST, "/v1/nowhere".to_owned(), 404, None),
        (Method::GET, shop.path("/nowhere"), 404, None),
        (Method::GET, shop.path("/messages/01K5Z3NDEKTSV4RRFFQ69G5FAV"), 404, None),
        (Method::GET, shop.path("/send/messages"), 405, Some("POST")),
        (Method::DELETE, shop.path("/send/whatsapp_templated_messages"), 405, Some("POST")),
        (Method::PUT, shop.path("/messages"), 405, Some("GET")),
        (Method::POST, shop.path("/webhooks"), 405, Some("GET")),
        (Method::POST, "/v1/errors".to_owned(), 405, Some("GET")),
    ] {
        let answer = counter.own(method, &path, b"").await;
        counter.told(&path, &answer);
        assert_eq!(answer.status, status, "{path}");
        let allowed = answer.allow.unwrap_or_default();
        assert_eq!(allow.is_some(), !allowed.is_empty(), "{path}: {allowed}");
        assert!(allow.is_none_or(|wanted| allowed.split(',').any(|m| m.trim() == wanted)), "{path}: {allowed}");
    }
    for key in ["", &"k".repeat(129), "a\tb"] {
        let api_key = shop.env["TRANSOM_API_KEY"].as_str();
        let body = session(PHONE, json!({ "text": "x" }), json!({})).to_string();
        let headers = [("x-api-key", api_key), ("idempotency-key", key)];
        let answer = counter.call(Method::POST, &shop.path("/send/messages"), &headers, body.as_bytes()).await;
        counter.told("an idempotency key", &answer);
        assert_eq!(answer.status, 400, "{key:?}");
    }
}

#[tokio::test]
async fn webhooks_of_strangers_change_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let counter = Counter::open(dir.path()).await;
    let env = &counter.shop.env;
    let way_in = format!("/webhooks/meta/{}", env["META_APP_ID"]);
    let (waba, number) = (env["META_WABA_ID"].as_str(), env["META_PHONE_NUMBER_ID"].as_str());
    // A time on the desk's own clock, so that the message is news.
    let now = counter.shop.desk.get("/sim/v1/clock").await["nowMs"].as_i64().unwrap() / 1_000;
    let webhook = |waba: &str, number: &str, id: &str| {
        let message = json!({ "from": "491704000009", "id": id, "timestamp": now.to_string(), "type": "text", "text": { "body": "Hello" } });
        let value = json!({ "messaging_product": "whatsapp",
            "metadata": { "display_phone_number": "493012345678", "phone_number_id": number },
            "contacts": [{ "profile": { "name": "Eve" }, "wa_id": "491704000009" }], "messages": [message] });
        let entry = json!({ "id": waba, "changes": [{ "field": "messages", "value": value }] });
        json!({ "object": "whatsapp_business_account", "entry": [entry] }).to_string().into_bytes()
    };
    let signed = |secret: &str, body: &[u8]| {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(body);
        let hex: String = mac.finalize().into_bytes().iter().map(|b| format!("{b:02x}")).collect();
        format!("sha256={hex}")
    };
    let secret = env["META_APP_SECRET"].as_str();
    let send = async |path: &str, signature: &str, body: &[u8]| {
        let headers = [("x-hub-signature-256", signature), ("content-type", "application/json")];
        let headers = if signature.is_empty() { &headers[1..] } else { &headers[..] };
        counter.call(Method::POST, path, headers, body).await
    };
    let before = counter.everything().await;
    let body = webhook(waba, number, "wamid.1");
    let good = signed(secret, &body);
    let half = &body[..body.len() / 2];
    let deep = format!("{{\"entry\":{}{}}}", "[".repeat(50_000), "]".repeat(50_000)).into_bytes();
    let unsigned = "ERROR_CODE_UPSTREAM_SIGNATURE_INVALID";
    for (what, signature, body, status, code) in [
        ("no signature", String::new(), body.as_slice(), 401, unsigned),
        ("another secret", signed("another", &body), &body, 401, unsigned),
        ("another scheme", good.replace("sha256=", "sha1="), &body, 401, unsigned),
        ("no hex", "sha256=zz".to_owned(), &body, 401, unsigned),
        ("half a signature", good[..40].to_owned(), &body, 401, unsigned),
        ("cut off on the way", good.clone(), half, 401, unsigned),
        ("cut off before it was signed", signed(secret, half), half, 400, "ERROR_CODE_REQUEST_INVALID"),
        ("deep", signed(secret, &deep), &deep, 400, "ERROR_CODE_REQUEST_INVALID"),
    ] {
        let answer = send(&way_in, &signature, body).await;
        assert_eq!((answer.status, counter.told(what, &answer).as_str()), (status, code), "{what}");
    }
    let answer = counter.shop.announced(&way_in, &[("x-hub-signature-256", &good)], (3 << 20) + 1).await;
    assert_eq!(counter.told("too large", &answer), "ERROR_CODE_BODY_TOO_LARGE");
    let answer = send("/webhooks/meta/1", &good, &body).await;
    counter.told("another app", &answer);
    assert_eq!(answer.status, 404);
    // Rightly signed, but about a number that is nobody's here: taken, so that Meta does not repeat it, and ignored.
    let stranger = webhook("999", "12345", "wamid.2");
    assert_eq!(send(&way_in, &signed(secret, &stranger), &stranger).await.status, 200);
    assert_eq!(counter.everything().await, before, "nothing of it was heard");
    // The very same body with its own signature is heard, and once however often it comes.
    for _ in 0..2 {
        assert_eq!(send(&way_in, &good, &body).await.status, 200);
    }
    let after = counter.everything().await;
    assert_eq!(after.as_array().unwrap().len(), before.as_array().unwrap().len() + 1);
    assert_eq!(after[0]["customer"], "+491704000009");

    let shake = async |token: &str| {
        let query = format!("hub.mode=subscribe&hub.verify_token={token}&hub.challenge=77");
        counter.call(Method::GET, &format!("{way_in}?{query}"), &[], b"").await
    };
    assert_eq!(shake(&env["META_VERIFY_TOKEN"]).await.json, 77);
    let answer = shake("wrong").await;
    counter.told("a wrong verify token", &answer);
    assert_eq!(answer.status, 403);
}
