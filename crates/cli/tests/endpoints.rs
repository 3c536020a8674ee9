//! Endpoints of a business's own making, by the real binary: who is slow or dead holds up nobody, wishes to wait are honoured, secrets
//! rotate, and what was not taken can be told again.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;
mod shop;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Response, Uri};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::sync::watch;

use common::{at, free_port, json as answered, until};
use shop::{Shop, id};

/// What a path of the receiver does.
#[derive(Clone, Debug, PartialEq)]
enum Mood {
    Take,
    /// This status, with `Retry-After` where given.
    Refuse(u16, Option<&'static str>),
    /// No answer until the mood changes.
    Silent,
    /// An answer without an end.
    Endless,
    /// To another address.
    Redirect,
}

#[derive(Clone)]
struct Received {
    path: String,
    headers: BTreeMap<String, String>,
    raw: Bytes,
    json: Value,
    taken: bool,
}

#[derive(Clone)]
struct Receiver {
    heard: Arc<Mutex<Vec<Received>>>,
    moods: Arc<watch::Sender<BTreeMap<String, Mood>>>,
    base: String,
}

impl Receiver {
    async fn open() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let receiver = Self { heard: Arc::default(), moods: Arc::new(watch::Sender::new(BTreeMap::new())), base };
        let this = receiver.clone();
        let app = axum::Router::new().fallback(move |uri: Uri, headers: HeaderMap, raw: Bytes| async move {
            this.hear(uri.path().to_owned(), &headers, raw).await
        });
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        receiver
    }

    async fn hear(&self, path: String, headers: &HeaderMap, raw: Bytes) -> Response<Body> {
        let mood_of = |moods: &BTreeMap<String, Mood>| moods.get(&path).cloned().unwrap_or(Mood::Take);
        let mut moods = self.moods.subscribe();
        let mood = mood_of(&moods.borrow());
        let headers = headers.iter().map(|(n, v)| (n.to_string(), v.to_str().unwrap().to_owned())).collect();
        let json = serde_json::from_slice(&raw).unwrap();
        let taken = mood == Mood::Take;
        self.heard.lock().unwrap().push(Received { path: path.clone(), headers, raw, json, taken });
        let answer = Response::builder();
        match mood {
            Mood::Take => answer.status(200).body(Body::empty()),
            Mood::Refuse(status, None) => answer.status(status).body(Body::empty()),
            Mood::Refuse(status, Some(wait)) => answer.status(status).header("retry-after", wait).body(Body::empty()),
            Mood::Silent => {
                let _ = moods.wait_for(|moods| mood_of(moods) != Mood::Silent).await;
                answer.status(500).body(Body::empty())
            }
            Mood::Endless => {
                let piece = || Ok::<_, std::io::Error>(Bytes::from_static(&[b'x'; 64 * 1024]));
                answer.status(200).body(Body::from_stream(futures::stream::repeat_with(piece)))
            }
            Mood::Redirect => answer.status(307).header("location", "/elsewhere").body(Body::empty()),
        }
        .unwrap()
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    fn mood(&self, path: &str, mood: Mood) {
        self.moods.send_modify(|moods| {
            moods.insert(path.to_owned(), mood);
        });
    }

    /// What a path was asked to take, and what of it it took.
    fn asked(&self, path: &str) -> Vec<Received> {
        self.heard.lock().unwrap().iter().filter(|r| r.path == path).cloned().collect()
    }

    fn took(&self, path: &str) -> Vec<Received> {
        self.asked(path).into_iter().filter(|r| r.taken).collect()
    }

    async fn takes(&self, path: &str, count: usize) -> Vec<Received> {
        until(&format!("{count} at {path}"), || async { Some(self.took(path)).filter(|took| took.len() >= count) }).await
    }
}

async fn made(shop: &Shop, body: Value) -> (String, String) {
    let made = shop.api.post(&shop.path("/endpoints"), &body).await;
    (id(&made), made["secret"].as_str().unwrap().to_owned())
}

async fn shown(shop: &Shop, endpoint: &str) -> Value {
    shop.api.get(&shop.path(&format!("/endpoints/{endpoint}"))).await
}

async fn asked(shop: &Shop, method: Method, rest: &str, body: Value) -> (u16, Value) {
    shop.api.call(method, &shop.path(rest), Some(&body)).await
}

async fn write(shop: &Shop, phone: &str, text: &str) {
    shop.customer_sends(phone, json!({ "type": "text", "text": { "body": text } })).await;
}

/// The signatures that a secret gives, among those that were sent.
fn fits(received: &Received, secret: &str) -> bool {
    let header = |name: &str| received.headers[name].as_str();
    let key = BASE64.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    for part in [header("webhook-id").as_bytes(), b".", header("webhook-timestamp").as_bytes(), b".", &received.raw] {
        mac.update(part);
    }
    let wanted = format!("v1,{}", BASE64.encode(mac.finalize().into_bytes()));
    header("webhook-signature").split(' ').any(|signature| signature == wanted)
}

#[tokio::test]
async fn one_dead_and_one_slow_endpoint_hold_up_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::open(dir.path());
    let ears = Receiver::open().await;
    let events = json!(["message.received"]);
    let dead = format!("http://127.0.0.1:{}/", free_port());
    let (dead, _) = made(&shop, json!({ "url": dead, "events": events })).await;
    ears.mood("/slow", Mood::Silent);
    let (slow, _) = made(&shop, json!({ "url": ears.at("/slow"), "events": events, "maxConcurrency": 2 })).await;
    let (_, secret) = made(&shop, json!({ "url": ears.at("/healthy"), "events": events, "order": "conversation" })).await;
    shop.customer("+491703000021", json!({})).await;
    for n in 0..20 {
        write(&shop, "+491703000021", &format!("Message {n}")).await;
    }
    // The healthy one has all, in order, while the slow one still holds its first.
    let took = ears.takes("/healthy", 20).await;
    let texts: Vec<String> = took.iter().map(|r| r.json["data"]["message"]["text"].as_str().unwrap().to_owned()).collect();
    assert_eq!(texts, (0..20).map(|n| format!("Message {n}")).collect::<Vec<_>>());
    assert!(took.iter().all(|r| fits(r, &secret) && r.json["type"] == "message.received"));
    assert!((1..=2).contains(&ears.asked("/slow").len()), "two at once at most, and none answered");
    let status = until("the dead one to be known", || async {
        Some(shown(&shop, &dead).await).filter(|shown| shown["status"] == "failing")
    });
    assert!(status.await["failures"].as_u64().unwrap() > 0);
    // Both hear all of it once they are back.
    ears.mood("/slow", Mood::Take);
    let back = json!({ "url": ears.at("/dead") });
    assert_eq!(asked(&shop, Method::PATCH, &format!("/endpoints/{dead}"), back).await.0, 200);
    for path in ["/slow", "/dead"] {
        until(path, || async {
            let mut ids: Vec<String> = ears.took(path).iter().map(|r| r.headers["webhook-id"].clone()).collect();
            ids.sort_unstable();
            ids.dedup();
            if ids.len() < 20 {
                shop.turn(60).await;
            }
            (ids.len() == 20).then_some(())
        })
        .await;
    }
    let well = shown(&shop, &slow).await;
    assert_eq!((&well["status"], &well["enabled"]), (&json!("healthy"), &json!(true)));
}

#[tokio::test]
async fn a_wish_to_wait_is_honoured_and_410_switches_off() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::open(dir.path());
    let ears = Receiver::open().await;
    let (endpoint, _) = made(&shop, json!({ "url": ears.at("/hook"), "events": ["message.*"] })).await;
    ears.mood("/hook", Mood::Refuse(503, Some("3600")));
    shop.writer("+491703000031").await;
    until("the first try", || async { (ears.asked("/hook").len() == 1).then_some(()) }).await;
    ears.mood("/hook", Mood::Take);
    let path = format!("/endpoints/{endpoint}/deliveries?outcome=waiting");
    let waiting = until("the row", || async {
        Some(shop.api.get(&shop.path(&path)).await).filter(|page| page["data"].as_array().unwrap().len() == 1)
    })
    .await;
    let last = &waiting["data"][0]["lastAttempt"];
    assert_eq!((&last["status"], &last["error"]), (&json!(503), &json!("HTTP 503, and not again for 3600 seconds")));
    shop.turn(3_500).await;
    assert_eq!(ears.asked("/hook").len(), 1, "not before its time");
    shop.turn(101).await;
    assert_eq!(ears.takes("/hook", 1).await[0].headers["x-gateway-attempt"], "2");

    ears.mood("/hook", Mood::Refuse(410, None));
    write(&shop, "+491703000031", "Again").await;
    let off =
        until("the end of it", || async { Some(shown(&shop, &endpoint).await).filter(|shown| shown["status"] == "disabled") })
            .await;
    assert_eq!(off["disabledReason"], "HTTP 410: the endpoint is gone");
    let told = shop.api.get(&shop.path("/events?after=0&limit=200")).await;
    let disabled: Vec<&Value> = told["data"].as_array().unwrap().iter().filter(|e| e["type"] == "endpoint.disabled").collect();
    assert_eq!((disabled.len(), &disabled[0]["data"]["endpointId"]), (1, &json!(endpoint)));
    let event = ears.asked("/hook").last().unwrap().headers["webhook-id"].clone();
    let retry = format!("/endpoints/{endpoint}/deliveries/{event}/retry");
    let (status, refused) = asked(&shop, Method::POST, &retry, json!({})).await;
    assert_eq!((status, &refused["code"]), (409, &json!("ERROR_CODE_ENDPOINT_STATE")));
    ears.mood("/hook", Mood::Take);
    assert_eq!(asked(&shop, Method::POST, &format!("/endpoints/{endpoint}/enable"), json!({})).await.0, 200);
    until("what it missed", || async {
        let there = ears.took("/hook").iter().any(|r| r.headers["webhook-id"] == event);
        if !there {
            shop.turn(30).await;
        }
        there.then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_delivery_shows_what_was_sent_and_answered() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::open(dir.path());
    let ears = Receiver::open().await;
    let (endpoint, _) = made(&shop, json!({ "url": ears.at("/hook?token=x"), "events": ["message.*"] })).await;
    ears.mood("/hook", Mood::Refuse(503, Some("3600")));
    shop.customer("+491703000051", json!({})).await;
    write(&shop, "+491703000051", "Hello").await;
    let sent = until("the first try", || async { ears.asked("/hook").first().cloned() }).await;
    let event = sent.headers["webhook-id"].clone();
    let path = format!("/endpoints/{endpoint}/deliveries/{event}");
    let is = async |outcome: &str| {
        until(outcome, || async { Some(shop.api.get(&shop.path(&path)).await).filter(|d| d["outcome"] == outcome) }).await
    };
    let failed = is("waiting").await;
    let request = &failed["request"];
    assert_eq!((&request["method"], &request["url"]), (&json!("POST"), &json!(ears.at("/hook?token=x"))));
    assert_eq!(request["body"].as_str().unwrap().as_bytes(), sent.raw, "printed as it left");
    assert_eq!(request["headers"]["webhook-id"], event.as_str());
    assert_eq!(request["headers"]["webhook-signature"], "hidden");
    assert_eq!((&failed["lastTry"]["number"], &failed["lastTry"]["status"]), (&json!(1), &json!(503)));
    assert_eq!((&failed["answer"]["headers"]["retry-after"], &failed["answer"]["cut"]), (&json!("3600"), &json!(false)));
    let well = shown(&shop, &endpoint).await;
    assert_eq!((&well["behind"], &well["oldestWaitingAt"]), (&json!(0), &failed["at"]));

    let message = sent.json["data"]["messageId"].as_str().unwrap();
    let told = shop.api.get(&shop.path(&format!("/messages/{message}/deliveries"))).await;
    assert_eq!((told["data"].as_array().unwrap().len(), &told["data"][0]["eventId"]), (1, &json!(event)));
    let at = &told["data"][0]["endpoints"][0];
    assert_eq!((&at["endpointId"], &at["outcome"], &at["attempts"]), (&json!(endpoint), &json!("waiting"), &json!(1)));
    assert_eq!((&at["url"], &at["lastAttempt"]["status"]), (&json!(ears.at("/hook?token=x")), &json!(503)));

    ears.mood("/hook", Mood::Take);
    assert_eq!(asked(&shop, Method::POST, &format!("{path}/retry"), json!({})).await.0, 202);
    let taken = is("delivered").await;
    assert_eq!((&taken["lastTry"]["status"], &taken["answer"]["status"]), (&json!(200), &json!(200)));
    assert_eq!(shown(&shop, &endpoint).await["oldestWaitingAt"], Value::Null);
    let nobody = format!("/endpoints/{endpoint}/deliveries/01K5Z3NDEKTSV4RRFFQ69G5FAV");
    assert_eq!(asked(&shop, Method::GET, &nobody, json!({})).await.0, 404);
}

// The receiver answers while this thread waits for a command.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_not_taken_can_be_told_again() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::open(dir.path());
    let ears = Receiver::open().await;
    let (endpoint, old) = made(&shop, json!({ "url": ears.at("/hook"), "events": ["message.received"] })).await;
    shop.customer("+491703000041", json!({})).await;
    for n in 0..5 {
        write(&shop, "+491703000041", &format!("{n}")).await;
    }
    ears.takes("/hook", 5).await;
    let deliveries = format!("/endpoints/{endpoint}/deliveries");
    let page = until("the cursor to be written down", || async {
        let page = shop.api.get(&shop.path(&deliveries)).await;
        let all = page["data"].as_array().unwrap().iter().all(|d| d["outcome"] == "delivered");
        Some(page).filter(|_| all)
    })
    .await;
    assert_eq!(page["data"].as_array().unwrap().len(), 5);
    let first = page["data"][4]["eventId"].as_str().unwrap().to_owned();
    assert_eq!(asked(&shop, Method::POST, &format!("{deliveries}/{first}/retry"), json!({})).await.0, 202);
    assert_eq!(ears.takes("/hook", 6).await[5].headers["webhook-id"], first);

    let replay = format!("/endpoints/{endpoint}/replay");
    let from = page["data"][3]["position"].clone();
    let (status, started) = asked(&shop, Method::POST, &replay, json!({ "from": from })).await;
    assert_eq!((status, &started["status"]), (202, &json!("running")));
    let took = ears.takes("/hook", 10).await;
    let again: Vec<&str> = took[6..10].iter().map(|r| r.json["data"]["message"]["text"].as_str().unwrap()).collect();
    let mut sorted = again.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, ["1", "2", "3", "4"]);
    let done = until("the end of the replay", || async {
        let all = shop.api.get(&shop.path(&replay)).await;
        Some(all["data"][0].clone()).filter(|one| one["status"] == "done")
    })
    .await;
    assert_eq!((&done["delivered"], &done["failed"], &done["id"]), (&json!(4), &json!(0), &started["id"]));

    // During a rotation both secrets fit, and after it only the new one.
    let rotate = format!("/endpoints/{endpoint}/rotate-secret");
    let (_, rotated) = asked(&shop, Method::POST, &rotate, json!({ "keepOldSeconds": 3_600 })).await;
    let new = rotated["secret"].as_str().unwrap();
    write(&shop, "+491703000041", "Between").await;
    let between = ears.takes("/hook", 11).await[10].clone();
    assert!(fits(&between, &old) && fits(&between, new) && old != new);
    shop.turn(3_601).await;
    write(&shop, "+491703000041", "After").await;
    let after = ears.takes("/hook", 12).await[11].clone();
    assert!(!fits(&after, &old) && fits(&after, new));
    assert!(!shown(&shop, &endpoint).await.to_string().contains("whsec_"), "a secret is shown once");

    // The same by hand.
    let hand = |args: &[&str]| answered(&mut at(dir.path(), &[&["endpoint"], args, &["--json"]].concat()));
    assert_eq!(hand(&["test", &endpoint])["delivered"], true);
    assert_eq!(ears.takes("/hook", 13).await[12].json["type"], "endpoint.test");
    assert_eq!(hand(&["deliveries", &endpoint])["data"].as_array().unwrap().len(), 7);
    assert_eq!(hand(&["update", &endpoint, "--event", "session.*", "--order", "conversation"])["order"], "conversation");
    assert_eq!(hand(&["update", &endpoint, "--timeout", "3"])["timeoutSeconds"], 3);
    assert_eq!(hand(&["update", &endpoint, "--timeout", "0"])["timeoutSeconds"], Value::Null);
    assert_eq!(hand(&["show", &endpoint])["events"], json!(["session.*"]));
    for wrong in [&[][..], &["--echo", "true"]] {
        let refused = at(dir.path(), &[&["endpoint", "update", &endpoint], wrong].concat()).output().unwrap();
        assert!(!refused.status.success(), "{wrong:?}");
    }
    hand(&["disable", &endpoint]);
    assert_eq!(shown(&shop, &endpoint).await["status"], "disabled");
    // What is changed in passing does not switch it on; another address does, whatever is changed beside it.
    assert_eq!(hand(&["update", &endpoint, "--concurrency", "2"])["enabled"], false);
    assert_eq!(hand(&["update", &endpoint, "--address", &ears.at("/other"), "--description", "x"])["enabled"], true);
    hand(&["remove", &endpoint]);
    assert_eq!(asked(&shop, Method::GET, &format!("/endpoints/{endpoint}"), json!({})).await.0, 404);
}

#[tokio::test]
async fn hostile_addresses_are_refused_or_cut_off_and_told() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::open(dir.path());
    let ears = Receiver::open().await;
    for private in ["http://10.0.0.1/", "http://169.254.169.254/latest", "http://[fd00::1]/", "ftp://shop.example/", "nonsense"] {
        let (status, refused) = asked(&shop, Method::POST, "/endpoints", json!({ "url": private })).await;
        assert_eq!((status, &refused["code"]), (400, &json!("ERROR_CODE_WEBHOOK_ADDRESS_REFUSED")), "{private}");
        assert_eq!(refused["details"]["errors"][0]["field"], "url", "{private}");
    }
    let tested = async |url: String| {
        let (endpoint, _) = made(&shop, json!({ "url": url, "events": ["endpoint.disabled"], "timeoutSeconds": 2 })).await;
        asked(&shop, Method::POST, &format!("/endpoints/{endpoint}/test"), json!({})).await.1
    };
    let unresolved = tested("http://nowhere.invalid/hook".to_owned()).await;
    assert_eq!((&unresolved["delivered"], &unresolved["status"]), (&json!(false), &Value::Null));
    ears.mood("/moved", Mood::Redirect);
    let moved = tested(ears.at("/moved")).await;
    assert_eq!((&moved["delivered"], &moved["status"]), (&json!(false), &json!(307)));
    assert!(moved["error"].as_str().unwrap().contains("redirects are not followed") && ears.asked("/elsewhere").is_empty());
    // Its head says all there is to know; the rest is not read.
    ears.mood("/endless", Mood::Endless);
    assert_eq!(tested(ears.at("/endless")).await["delivered"], true);
    ears.mood("/silent", Mood::Silent);
    let silent = tested(ears.at("/silent")).await;
    assert_eq!((&silent["delivered"], &silent["error"]), (&json!(false), &json!("timed out")));
}

#[tokio::test]
async fn a_kill_while_tries_are_outstanding_loses_none_and_keeps_their_order() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::open(dir.path());
    let ears = Receiver::open().await;
    ears.mood("/hook", Mood::Refuse(500, None));
    let body = json!({ "url": ears.at("/hook"), "events": ["message.received"], "order": "conversation" });
    let (endpoint, secret) = made(&shop, body).await;
    shop.customer("+491703000051", json!({})).await;
    for n in 0..8 {
        write(&shop, "+491703000051", &format!("{n}")).await;
    }
    until("a try", || async { (!ears.asked("/hook").is_empty()).then_some(()) }).await;
    shop.kill();
    ears.mood("/hook", Mood::Take);
    let shop = Shop::open(dir.path());
    until("all of it", || async {
        let took = ears.took("/hook").len();
        if took < 8 {
            shop.turn(30).await;
        }
        (took >= 8).then_some(())
    })
    .await;
    let took = ears.took("/hook");
    let mut texts: Vec<&str> = took.iter().map(|r| r.json["data"]["message"]["text"].as_str().unwrap()).collect();
    // What is tried again comes when it is due, whatever its place was.
    texts.sort_unstable();
    texts.dedup();
    assert_eq!(texts, ["0", "1", "2", "3", "4", "5", "6", "7"]);
    assert!(took.iter().all(|r| fits(r, &secret)));
    assert_eq!(shown(&shop, &endpoint).await["enabled"], true);
}

#[tokio::test]
async fn metas_own_bytes_are_relayed_and_signed_anew() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::open(dir.path());
    let ears = Receiver::open().await;
    shop.customer("+491703000061", json!({})).await;
    write(&shop, "+491703000061", "Before").await;
    ears.mood("/raw", Mood::Refuse(500, None));
    let (endpoint, secret) = made(&shop, json!({ "url": ears.at("/raw"), "payload": "raw" })).await;
    let refused =
        asked(&shop, Method::POST, "/endpoints", json!({ "url": ears.at("/x"), "payload": "raw", "events": ["*"] })).await;
    assert_eq!((refused.0, &refused.1["details"]["errors"][0]["field"]), (400, &json!("payload")));
    for n in 0..3 {
        let text = format!("Grüße {n}");
        write(&shop, "+491703000061", &text).await;
        // Webhooks that come at the same time have no order; the next comes once this one was heard.
        until("it to be heard", || async {
            let heard = shop.api.get(&shop.path("/messages?direction=inbound&pageSize=100")).await;
            heard.to_string().contains(&text).then_some(())
        })
        .await;
    }
    until("a try", || async { (!ears.asked("/raw").is_empty()).then_some(()) }).await;
    // What was not taken is there after a kill.
    shop.kill();
    ears.mood("/raw", Mood::Take);
    let shop = Shop::open(dir.path());
    until("all three", || async {
        let took = ears.took("/raw").len();
        if took < 3 {
            shop.turn(30).await;
        }
        (took >= 3).then_some(())
    })
    .await;
    let kept = shop.api.get(&shop.path("/journal?limit=200")).await;
    let mut bodies = Vec::new();
    for head in kept["data"].as_array().unwrap() {
        let entry = shop.api.get(&shop.path(&format!("/journal/{}", id(head)))).await;
        bodies.extend(entry["body"].as_str().map(str::to_owned));
    }
    let mut texts = Vec::new();
    for received in ears.took("/raw") {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(&received.raw);
        let hex: String = mac.finalize().into_bytes().iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(received.headers["x-hub-signature-256"], format!("sha256={hex}"));
        assert_eq!(received.headers["content-type"], "application/json");
        assert!(fits(&received, &secret) && bodies.iter().any(|body| body.as_bytes() == received.raw), "byte for byte");
        let text = received.json["entry"][0]["changes"][0]["value"]["messages"][0]["text"]["body"].as_str();
        texts.extend(text.map(str::to_owned));
    }
    // What is tried again comes when it is due, whatever its place was.
    texts.sort_unstable();
    texts.dedup();
    assert_eq!(texts, ["Grüße 0", "Grüße 1", "Grüße 2"]);
    let (status, refused) = asked(&shop, Method::GET, &format!("/endpoints/{endpoint}/deliveries"), json!({})).await;
    assert_eq!((status, &refused["code"]), (409, &json!("ERROR_CODE_ENDPOINT_STATE")));
    assert_eq!(shown(&shop, &endpoint).await["payload"], "raw");
}
