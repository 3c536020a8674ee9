//! The whole surface, over loopback, in front of the real service and the store in memory. Nobody listens upstream: what is
//! accepted waits.

mod streams;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;

use transom_clock::WorldClock;
use transom_domain::address::Channel;
use transom_domain::error_code::ErrorCode;
use transom_domain::id::{BusinessId, KeyId, SenderId};
use transom_domain::time::{Span, Timestamp};
use transom_store::{
    App, Business, Disk, DiskWait as Waiting, Key, MemoryStore, PutSender, Scopes, Sender, SenderState, Store, StoreError,
};

use crate::chance::Chance;
use crate::console::ConsoleSettings;
use crate::http::HttpSettings;
use crate::seal::SealingKey;
use crate::service::{AddressRules, Limits};
use crate::upstream::UpstreamSettings;
use crate::wire::Wires;
use crate::{Gateway, GatewayParts, HouseParts};

mod audit;
mod console;
mod journal;
mod losses;
mod oidc;
mod provider;
mod sign_in;
mod slow;
mod twilio;

const SECRET: &[u8] = b"app secret";
/// The operator's token.
const OPERATOR: &str = "operator";
const CUSTOMER: &str = "+4915112345678";

struct House {
    gateway: Gateway,
    client: Client,
    base: String,
    store: MemoryStore,
    clock: WorldClock,
    folder: tempfile::TempDir,
}

fn business(n: u128) -> BusinessId {
    BusinessId(n)
}

async fn key(store: &MemoryStore, id: u128, of: BusinessId, text: &str, scopes: Scopes) {
    let hash = Sha256::digest(text.as_bytes()).into();
    let created_at = Timestamp::EPOCH;
    let key = Key {
        id: KeyId(id),
        business: of,
        label: text.into(),
        hash,
        scopes,
        created_at,
        expires_at: None,
        revoked_at: None,
        used_at: None,
    };
    store.put_key(key).await.unwrap();
}

async fn house() -> House {
    house_with(ConsoleSettings::default()).await
}

async fn house_with(console: ConsoleSettings) -> House {
    let folder = tempfile::tempdir().unwrap();
    let sealing = SealingKey::load_or_create(folder.path()).unwrap();
    let store = MemoryStore::new();
    for n in [1, 2] {
        let webhook_secret = sealing.seal(b"whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=").unwrap();
        let made = Business {
            id: business(n),
            name: format!("B{n}"),
            webhook_secret,
            previous_webhook_secret: None,
            created_at: Timestamp::EPOCH,
        };
        store.put_business(made).await.unwrap();
    }
    key(&store, 1, business(1), "all", Scopes::ADMIN).await;
    key(&store, 2, business(1), "hooks", Scopes::WEBHOOKS).await;
    key(&store, 3, business(2), "stranger", Scopes::ADMIN).await;
    let app = App { id: "10".into(), secret: sealing.seal(SECRET).unwrap(), verify_token: sealing.seal(b"verify").unwrap() };
    store.put_app(app).await.unwrap();
    let sender = Sender {
        id: SenderId(5),
        business: business(1),
        channel: Channel::Whatsapp,
        address: "+493012345678".parse().unwrap(),
        name: None,
        account: "1065".into(),
        waba: Some("1020".into()),
        app: "10".into(),
        token: sealing.seal(b"token").unwrap(),
        throughput: 80,
        state: SenderState::Active,
        created_at: Timestamp::EPOCH,
    };
    assert_eq!(store.put_sender(sender).await.unwrap(), PutSender::Stored);
    opened_with(store, folder, console).await
}

/// A gateway over a store that is there.
async fn opened(store: MemoryStore, folder: tempfile::TempDir) -> House {
    opened_with(store, folder, ConsoleSettings::default()).await
}

async fn opened_with(store: MemoryStore, folder: tempfile::TempDir, console: ConsoleSettings) -> House {
    opened_within(store, folder, console, HttpSettings::default()).await
}

/// As [`opened_with`], within other bounds.
async fn opened_within(store: MemoryStore, folder: tempfile::TempDir, console: ConsoleSettings, http: HttpSettings) -> House {
    let sealing = SealingKey::load_or_create(folder.path()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let clock = WorldClock::turnable(Span::ZERO);
    let house = HouseParts {
        store: Arc::new(store.clone()),
        clock: clock.clone(),
        key: sealing,
        public_url: Some(base.clone()),
        // The discard port: nobody answers there.
        upstream: UpstreamSettings { graph_url: "http://127.0.0.1:9".into(), version: "v25.0".into() },
        upstream_connections: 1,
        upstream_per_sender: 1,
        limits: Limits::default(),
        addresses: AddressRules::default(),
        wires: Wires::http("http://127.0.0.1:9", Duration::from_secs(1), Duration::from_secs(1), AddressRules::default())
            .unwrap(),
        template_interval: Span::hours(1),
        keep: transom_store::Keep::default(),
        media: crate::media::MediaSettings::nowhere(),
        chance: Chance::of_system(),
        replica: crate::work::replicas::ReplicaSettings::default(),
        gate: None,
    };
    let gateway = Gateway::start(GatewayParts {
        house,
        listener,
        http: HttpSettings { drain: Duration::from_secs(1), ..http },
        console,
        admin_token: Some(OPERATOR.to_owned()),
    })
    .await
    .unwrap();
    House { gateway, client: Client::new(), base, store, clock, folder }
}

impl House {
    async fn ask(&self, method: Method, path: &str, key: &str, body: Option<&Value>) -> (StatusCode, Value) {
        let path = path.replace("{b}", &format!("/v1/businesses/{}", business(1)));
        let mut request = self.client.request(method, format!("{}{path}", self.base)).header("X-API-Key", key);
        if let Some(body) = body {
            request = request.body(body.to_string());
        }
        read(request).await
    }

    async fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        self.ask(Method::POST, path, "all", Some(body)).await
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        self.ask(Method::GET, path, "all", None).await
    }

    async fn hear(&self, app: &str, body: &Value, secret: &[u8]) -> (StatusCode, Value) {
        let body = body.to_string();
        let signature = transom_meta::signature::sign(secret, body.as_bytes());
        let signature = if signature.starts_with("sha256=") { signature } else { format!("sha256={signature}") };
        let request = self.client.post(format!("{}/webhooks/meta/{app}", self.base)).header("X-Hub-Signature-256", signature);
        read(request.body(body)).await
    }

    async fn close(self) {
        assert!(self.gateway.drain(Duration::from_secs(10)).await);
    }
}

/// Every refusal is one error object with a code of the table, whatever was asked.
async fn read(request: reqwest::RequestBuilder) -> (StatusCode, Value) {
    let response = request.send().await.unwrap();
    let status = response.status();
    assert!(response.headers().contains_key("x-request-id"));
    let body: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap_or_default();
    if status.is_client_error() || status.is_server_error() {
        let code = body["code"].as_str().and_then(ErrorCode::named).unwrap_or_else(|| panic!("{status}: {body}"));
        assert_eq!(code.status(), status.as_u16());
        assert!(body["cntTraceId"].as_str().unwrap().parse::<u64>().is_ok());
        assert_eq!(body["details"]["help"], format!("/docs/errors#{code}"));
    }
    (status, body)
}

fn code(answer: &(StatusCode, Value)) -> &str {
    answer.1["code"].as_str().unwrap_or("none")
}

fn text() -> Value {
    json!({ "recipient": { "id": CUSTOMER, "channelType": "whatsapp" }, "message": { "text": "Hallo" }, "callbackData": { "n": 1 } })
}

fn written(number_id: &str) -> Value {
    let now = WorldClock::wall().now().as_secs().to_string();
    json!({ "object": "whatsapp_business_account", "entry": [{ "id": "1020", "changes": [{ "field": "messages", "value": {
        "messaging_product": "whatsapp",
        "metadata": { "display_phone_number": "493012345678", "phone_number_id": number_id },
        "contacts": [{ "profile": { "name": "Marta" }, "wa_id": "4915112345678", "user_id": "DE.44" }],
        "messages": [{ "from": "4915112345678", "from_user_id": "DE.44", "id": "wamid.A", "timestamp": now, "type": "text",
                       "text": { "body": "Hi" } }] } }] }] })
}

#[tokio::test]
async fn keys_open_their_own_business_only_and_what_they_are_for() {
    let house = house().await;
    let send = "{b}/send/messages";
    let missing =
        house.client.post(format!("{}/v1/businesses/{}/send/messages", house.base, business(1))).body(text().to_string());
    assert_eq!(code(&read(missing).await), "ERROR_CODE_API_KEY_INVALID");
    let unknown = house.ask(Method::POST, send, "nobody", Some(&text())).await;
    let stranger = house.ask(Method::POST, send, "stranger", Some(&text())).await;
    assert_eq!((unknown.0, &unknown.1["message"]), (StatusCode::UNAUTHORIZED, &stranger.1["message"]));
    let narrow = house.ask(Method::POST, send, "hooks", Some(&text())).await;
    assert_eq!((narrow.0, code(&narrow)), (StatusCode::FORBIDDEN, "ERROR_CODE_KEY_SCOPE_MISSING"));
    house.close().await;
}

#[tokio::test]
async fn a_session_opens_with_the_customer_s_message_and_sends_are_replayed_by_key() {
    let house = house().await;
    let never = house.post("{b}/send/messages", &text()).await;
    assert_eq!(code(&never), "ERROR_CODE_MESSAGE_CUSTOMER_NO_CONVERSATION_INITIATION");
    assert_eq!(never.1["details"]["verdict"]["reason"], "session_required");
    assert_eq!(house.get("{b}/messages").await.1["data"], json!([]));

    assert_eq!(house.hear("10", &written("1065"), SECRET).await.0, StatusCode::OK);
    let sessions = house.get("{b}/sessions").await.1;
    assert_eq!((&sessions["data"][0]["open"], &sessions["data"][0]["customer"]), (&json!(true), &json!(CUSTOMER)));

    let path = format!("{}/v1/businesses/{}/send/messages", house.base, business(1));
    let keyed = |body: Value| {
        house.client.post(&path).header("x-api-key", "all").header("Idempotency-Key", "order 7").body(body.to_string())
    };
    let first = read(keyed(text())).await;
    assert_eq!(first.0, StatusCode::CREATED);
    let id = first.1["id"].as_str().unwrap().to_owned();
    assert_eq!(first.1, json!({ "id": id }));
    let again = keyed(text()).send().await.unwrap();
    assert_eq!((again.status(), again.headers()["idempotency-replayed"].to_str().unwrap()), (StatusCode::CREATED, "true"));
    assert_eq!(again.json::<Value>().await.unwrap(), first.1);
    let mut other = text();
    other["message"]["text"] = json!("Anders");
    assert_eq!(code(&read(keyed(other)).await), "ERROR_CODE_IDEMPOTENCY_CONFLICT");

    let message = house.get(&format!("{{b}}/messages/{id}")).await.1;
    assert_eq!((&message["direction"], &message["callbackData"]), (&json!("outbound"), &json!({ "n": 1 })));
    assert_eq!(message["verdict"]["kind"], "session");
    let listed = house.get("{b}/messages?direction=outbound&to=%2B4915112345678").await.1;
    assert_eq!(listed["data"].as_array().unwrap().len(), 1);
    let events = house.ask(Method::GET, "{b}/events?after=0", "hooks", None).await.1;
    assert_eq!(events["data"][0]["type"], "message.received");
    assert_eq!(events["data"][0]["position"], 1);
    house.close().await;
}

#[tokio::test]
async fn a_verdict_answers_200_whatever_it_says() {
    let house = house().await;
    let ask = json!({ "to": CUSTOMER, "content": { "language": "en", "types": { "twilio/text": { "body": "Hi" } } } });
    let closed = house.post("{b}/verdicts", &ask).await;
    assert_eq!((closed.0, &closed.1["kind"]), (StatusCode::OK, &json!("needs_approval")));
    let refused = house.post("{b}/messages", &ask).await;
    assert_eq!(refused.0, StatusCode::BAD_REQUEST);
    assert_eq!(refused.1["details"]["verdict"]["kind"], "needs_approval");
    assert_eq!(house.hear("10", &written("1065"), SECRET).await.0, StatusCode::OK);
    assert_eq!(house.post("{b}/verdicts", &ask).await.1["kind"], "session");
    let sent = house.post("{b}/messages", &ask).await;
    assert_eq!((sent.0, &sent.1["verdict"]["sentAs"]), (StatusCode::CREATED, &json!("session")));
    house.close().await;
}

#[tokio::test]
async fn registrations_are_one_per_topic_and_updates_keep_what_they_leave_out() {
    let house = house().await;
    let new =
        json!({ "topic": "messages", "address": "https://shop.example/in", "configuration": { "channelTypes": ["whatsapp"] } });
    let made = house.post("{b}/create/webhooks", &new).await;
    assert_eq!(made.0, StatusCode::CREATED);
    assert!(made.1["secret"].as_str().is_some_and(|s| s.starts_with("whsec_")));
    let id = made.1["id"].as_str().unwrap().to_owned();
    assert_eq!(code(&house.post("{b}/create/webhooks", &new).await), "ERROR_CODE_WEBHOOK_TOPIC_EXISTS");
    let change = json!({ "address": "https://shop.example/new" });
    let changed = house.ask(Method::PUT, &format!("{{b}}/update/webhooks/{id}"), "hooks", Some(&change)).await;
    assert_eq!(changed, (StatusCode::OK, json!({})));
    let listed = house.get("{b}/webhooks").await.1;
    let there = &listed["entity"]["webhooks"][0];
    assert_eq!((&there["address"], &there["configuration"]["channelTypes"]), (&change["address"], &json!(["whatsapp"])));
    assert_eq!(listed["entity"]["businessId"], business(1).to_string());
    let path = format!("{{b}}/delete/webhooks/{id}");
    assert_eq!(house.ask(Method::DELETE, &path, "hooks", None).await, (StatusCode::OK, json!({})));
    assert_eq!(code(&house.ask(Method::DELETE, &path, "hooks", None).await), "ERROR_CODE_WEBHOOK_NOT_FOUND");
    let private = json!({ "topic": "messages", "address": "https://127.0.0.1/in" });
    assert_eq!(code(&house.post("{b}/create/webhooks", &private).await), "ERROR_CODE_WEBHOOK_ADDRESS_REFUSED");
    house.close().await;
}

#[tokio::test]
async fn bad_input_is_refused_and_nothing_is_stored() {
    let house = house().await;
    assert_eq!(house.hear("10", &written("1065"), SECRET).await.0, StatusCode::OK);
    for (body, wanted) in [
        (json!({ "message": { "text": "a" } }), "ERROR_CODE_REQUEST_INVALID"),
        (
            json!({ "recipient": { "id": "12", "channelType": "whatsapp" }, "message": { "text": "a" } }),
            "ERROR_CODE_PHONE_NUMBER_BAD_FORMAT",
        ),
        (json!({ "recipient": { "id": CUSTOMER, "channelType": "whatsapp" }, "message": {} }), "ERROR_CODE_MESSAGE_TEXT_EMPTY"),
        (
            json!({ "recipient": { "id": CUSTOMER, "channelType": "whatsapp" }, "sender": { "id": "+4911111111" }, "message": { "text": "a" } }),
            "ERROR_CODE_INVALID_SENDER_ID",
        ),
        (
            json!({ "recipient": { "id": "80", "channelType": "messenger" }, "message": { "text": "a" } }),
            "ERROR_CODE_BUSINESS_MISSES_MATCHING_CHANNEL",
        ),
    ] {
        assert_eq!(code(&house.post("{b}/send/messages", &body).await), wanted, "{body}");
    }
    let large = json!({ "message": { "text": "x".repeat(super::call::BODY_MAX) } });
    assert_eq!(code(&house.post("{b}/send/messages", &large).await), "ERROR_CODE_BODY_TOO_LARGE");
    let template = json!({ "number": CUSTOMER, "templateName": "nothing", "language": "de" });
    let template = house.post("{b}/send/whatsapp_templated_messages", &template).await;
    assert_eq!(code(&template), "ERROR_CODE_MESSAGE_TEMPLATE_NOT_FOUND");
    assert_eq!(house.get("{b}/messages?direction=outbound").await.1["data"], json!([]));
    assert_eq!(code(&house.get("{b}/messages?colour=red").await), "ERROR_CODE_REQUEST_INVALID");
    house.close().await;
}

#[tokio::test]
async fn unknown_paths_methods_and_ids_are_told_apart() {
    let house = house().await;
    assert_eq!(house.get("/v1/nothing").await.0, StatusCode::NOT_FOUND);
    assert_eq!(house.get("{b}/messages/01K5Z3V8Q4M9W2N7T6R1XBCDEF").await.0, StatusCode::NOT_FOUND);
    assert_eq!(house.get("{b}/messages/nonsense").await.0, StatusCode::NOT_FOUND);
    // Bytes that are no text name nothing: the key is not to blame.
    for path in ["contents", "templates", "messages"] {
        let answer = house.get(&format!("{{b}}/{path}/%ff")).await;
        assert_eq!((answer.0, code(&answer)), (StatusCode::NOT_FOUND, "ERROR_CODE_NOT_FOUND"), "{path}");
    }
    let path = format!("{}/v1/businesses/{}/send/messages", house.base, business(1));
    let answer = house.client.get(path).send().await.unwrap();
    assert_eq!((answer.status(), answer.headers()["allow"].to_str().unwrap()), (StatusCode::METHOD_NOT_ALLOWED, "POST"));
    for path in [
        "/healthz",
        "/readyz",
        "/metrics",
        "/",
        "/docs",
        "/docs/errors",
        "/docs/rules",
        "/openapi.json",
        "/v1/errors",
        "/v1/rules",
    ] {
        assert_eq!(house.get(path).await.0, StatusCode::OK, "{path}");
    }
    house.close().await;
}

#[tokio::test]
async fn webhooks_are_heard_only_from_their_app_and_when_they_can_be_kept() {
    let house = house().await;
    assert_eq!(code(&house.hear("10", &written("1065"), b"another").await), "ERROR_CODE_UPSTREAM_SIGNATURE_INVALID");
    assert_eq!(house.hear("11", &written("1065"), SECRET).await.0, StatusCode::NOT_FOUND);
    // A number that is not under this app is ignored, and repeating it would not help.
    assert_eq!(house.hear("10", &written("9999"), SECRET).await.0, StatusCode::OK);
    assert_eq!(house.get("{b}/sessions").await.1["data"], json!([]));
    // Every write fails until told otherwise: the house's own work writes too, and must not take the failure meant for this.
    house.store.fail_next(usize::MAX);
    assert_eq!(house.hear("10", &written("1065"), SECRET).await.0, StatusCode::SERVICE_UNAVAILABLE);
    house.store.fail_next(0);
    assert_eq!(house.hear("10", &written("1065"), SECRET).await.0, StatusCode::OK);
    let large = json!({ "x": "y".repeat(crate::intake::BODY_MAX) });
    assert_eq!(house.hear("10", &large, SECRET).await.0, StatusCode::PAYLOAD_TOO_LARGE);

    let handshake = |token: &str| {
        let query = format!("hub.mode=subscribe&hub.verify_token={token}&hub.challenge=1158201444");
        house.client.get(format!("{}/webhooks/meta/10?{query}", house.base))
    };
    let answer = handshake("verify").send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/plain; charset=utf-8");
    assert_eq!(answer.text().await.unwrap(), "1158201444");
    assert_eq!(code(&read(handshake("wrong")).await), "ERROR_CODE_UPSTREAM_HANDSHAKE_REFUSED");
    house.close().await;
}

#[tokio::test]
async fn readiness_says_when_nothing_can_be_committed() {
    let house = house().await;
    house.store.fail_next(usize::MAX);
    let answer = house.client.get(format!("{}/readyz", house.base)).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    let body: Value = answer.json().await.unwrap();
    assert_eq!((&body["ready"], &body["draining"]), (&json!(false), &json!(false)));
    house.store.fail_next(0);
    assert_eq!(house.client.get(format!("{}/readyz", house.base)).send().await.unwrap().status(), StatusCode::OK);
    house.close().await;
}

/// A disk that takes nothing from a certain moment on, and says nothing either.
#[derive(Default)]
struct Silent(AtomicBool);

impl Disk for Silent {
    fn write(&self, _: &'static str) -> Waiting<Result<(), StoreError>> {
        match self.0.load(SeqCst) {
            true => Box::pin(std::future::pending()),
            false => Box::pin(async { Ok(()) }),
        }
    }

    fn written(&self, _: &'static str) -> Waiting<()> {
        Box::pin(async {})
    }

    fn read(&self, _: &'static str) -> Waiting<Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }
}

#[tokio::test]
async fn readiness_is_answered_when_the_store_is_silent() {
    let disk = Arc::new(Silent::default());
    let house =
        opened_with(MemoryStore::new().behind(disk.clone()), tempfile::tempdir().unwrap(), ConsoleSettings::default()).await;
    disk.0.store(true, SeqCst);
    // Who asks gives up after that.
    let asked = house.client.get(format!("{}/readyz", house.base)).timeout(Duration::from_secs(10)).send();
    let answer = asked.await.unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    let body: Value = answer.json().await.unwrap();
    // Not drained: what was asked of this disk never ends.
    assert_eq!(body["store"], "cannot commit: the store has not answered within 2 seconds");
}
