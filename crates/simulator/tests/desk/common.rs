//! A simulator on a temporary folder, a business that hears its webhooks, and the calls tests make.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use serde_json::{Value, json};
use tempfile::TempDir;
use transom_clock::WorldClock;
use transom_domain::Span;
use transom_meta::signature;
use transom_simulator::{Identity, Options, Seed, Simulator};

/// What the business heard, and how it answers.
#[derive(Default)]
struct Ears {
    heard: Vec<Value>,
    /// Raw bodies, for what is about bytes.
    raw: Vec<Bytes>,
    unsigned: usize,
    /// Answers with this status in place of 200.
    status: Option<u16>,
    secret: String,
    verify_token: String,
}

/// The business's side.
#[derive(Clone, Default)]
pub(crate) struct Business {
    ears: Arc<Mutex<Ears>>,
    pub(crate) url: String,
}

impl Business {
    fn ears(&self) -> std::sync::MutexGuard<'_, Ears> {
        self.ears.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Listens on a free port.
    pub(crate) async fn listen(secret: &str, verify_token: &str) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/hook", listener.local_addr().expect("bound"));
        let business = Self { ears: Arc::default(), url };
        business.ears().secret = secret.to_owned();
        business.ears().verify_token = verify_token.to_owned();
        let router = Router::new().route("/hook", get(handshake).post(hear)).with_state(business.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        business
    }

    /// Everything heard since the last time.
    pub(crate) fn take(&self) -> Vec<Value> {
        let mut ears = self.ears();
        assert_eq!(ears.unsigned, 0, "a webhook came without a good signature");
        ears.raw.clear();
        std::mem::take(&mut ears.heard)
    }

    /// The bytes of everything heard since the last [`Business::take`].
    pub(crate) fn raw(&self) -> Vec<Bytes> {
        self.ears().raw.clone()
    }

    /// From now on webhooks are answered with this status.
    pub(crate) fn answer(&self, status: Option<u16>) {
        self.ears().status = status;
    }
}

async fn handshake(
    State(business): State<Business>,
    Query(query): Query<std::collections::HashMap<String, String>>,
) -> (StatusCode, String) {
    let fits = query.get("hub.verify_token") == Some(&business.ears().verify_token);
    match query.get("hub.challenge") {
        Some(challenge) if fits => (StatusCode::OK, challenge.clone()),
        _ => (StatusCode::FORBIDDEN, String::new()),
    }
}

async fn hear(State(business): State<Business>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let mut ears = business.ears();
    let signed = headers.get(signature::HEADER).and_then(|value| value.to_str().ok()).unwrap_or("");
    if !signature::verify(ears.secret.as_bytes(), &body, signed) {
        ears.unsigned += 1;
    }
    ears.heard.push(serde_json::from_slice(&body).unwrap_or_default());
    ears.raw.push(body);
    ears.status.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(StatusCode::OK)
}

/// One answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Answer {
    /// Meta's code.
    pub(crate) fn code(&self) -> Option<u64> {
        self.body["error"]["code"].as_u64()
    }

    /// The id of the message that was accepted.
    pub(crate) fn wamid(&self) -> String {
        self.body["messages"][0]["id"].as_str().unwrap_or_default().to_owned()
    }
}

/// A simulator at work.
pub(crate) struct Desk {
    pub(crate) simulator: Simulator,
    pub(crate) clock: WorldClock,
    pub(crate) id: Identity,
    pub(crate) dir: TempDir,
    http: reqwest::Client,
}

impl Desk {
    /// On a new folder.
    pub(crate) async fn open() -> Self {
        Self::on(TempDir::new().expect("a folder")).await
    }

    /// On a folder that is there.
    pub(crate) async fn on(dir: TempDir) -> Self {
        let offset = transom_simulator::stored_offset_ms(dir.path()).expect("a readable folder");
        let clock = WorldClock::turnable(Span::millis(offset));
        let simulator = start(dir.path(), clock.clone()).await;
        let id = simulator.identity();
        Self { simulator, clock, id, dir, http: reqwest::Client::builder().no_proxy().build().expect("a client") }
    }

    /// With a business that hears everything.
    pub(crate) async fn with_business() -> (Self, Business) {
        let desk = Self::open().await;
        let business = Business::listen(&desk.id.app_secret, "hello").await;
        let fields = json!([
            "messages",
            "message_template_status_update",
            "message_template_quality_update",
            "message_template_components_update",
            "template_category_update",
            "phone_number_quality_update",
            "user_preferences",
            "calls",
            "account_update",
            "account_review_update"
        ]);
        let subscribed = desk
            .call_with(
                &format!("{}|{}", desk.id.app_id, desk.id.app_secret),
                "POST",
                &format!("v24.0/{}/subscriptions", desk.id.app_id),
                Some(&json!({ "object": "whatsapp_business_account", "callback_url": business.url, "verify_token": "hello", "fields": fields })),
            )
            .await;
        assert_eq!(subscribed.status, 200, "{}", subscribed.body);
        let joined = desk.graph("POST", &format!("{}/subscribed_apps", desk.id.waba_id), None).await;
        assert_eq!(joined.status, 200, "{}", joined.body);
        (desk, business)
    }

    pub(crate) async fn call_with(&self, token: &str, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let url = format!("{}/{path}", self.simulator.graph_url());
        let mut request = self.http.request(method.parse().expect("a method"), url).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.expect("an answer");
        Answer { status: answer.status().as_u16(), body: answer.json().await.unwrap_or_default() }
    }

    /// Follows the stream of what happens, from where a client was.
    pub(crate) async fn follow(&self, after: Option<&str>) -> reqwest::Response {
        let mut request = self.http.get(format!("{}/sim/v1/stream", self.simulator.graph_url()));
        if let Some(after) = after {
            request = request.header("last-event-id", after);
        }
        request.send().await.expect("an answer")
    }

    /// The page at a path.
    pub(crate) async fn page(&self, path: &str) -> reqwest::Response {
        self.http.get(format!("{}{path}", self.simulator.graph_url())).send().await.expect("an answer")
    }

    /// A Graph call with the access token.
    pub(crate) async fn graph(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        self.call_with(&self.id.access_token, method, &format!("v24.0/{path}"), body).await
    }

    /// A control that must succeed.
    pub(crate) async fn sim(&self, method: &str, path: &str, body: &Value) -> Value {
        let answer = self.control(method, path, body).await;
        assert!(answer.status < 300, "{method} {path}: {}", answer.body);
        answer.body
    }

    pub(crate) async fn control(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.call_with("", method, &format!("sim/v1/{path}"), (method != "GET").then_some(body)).await
    }

    pub(crate) async fn customer(&self, body: Value) -> Value {
        self.sim("POST", "customers", &body).await
    }

    /// The customer writes, which opens the session.
    pub(crate) async fn writes(&self, customer: &Value, text: &str) -> String {
        let path = format!("customers/{}/messages", customer["id"].as_str().unwrap_or_default());
        let body = json!({ "to": self.id.phone_number_id, "type": "text", "text": { "body": text } });
        self.sim("POST", &path, &body).await["wamid"].as_str().unwrap_or_default().to_owned()
    }

    /// Posts to `/messages`, filling in what every message has.
    pub(crate) async fn send(&self, to: &str, message: Value) -> Answer {
        let mut body = json!({ "messaging_product": "whatsapp", "to": to });
        if let (Some(body), Value::Object(message)) = (body.as_object_mut(), message) {
            body.extend(message);
        }
        self.graph("POST", &format!("{}/messages", self.id.phone_number_id), Some(&body)).await
    }

    pub(crate) async fn text(&self, to: &str) -> Answer {
        self.send(to, json!({ "type": "text", "text": { "body": "Hi" } })).await
    }

    /// Files a template and approves it.
    pub(crate) async fn approved(&self, body: &Value) -> String {
        let made = self.graph("POST", &format!("{}/message_templates", self.id.waba_id), Some(body)).await;
        assert_eq!(made.status, 200, "{}", made.body);
        let id = made.body["id"].as_str().unwrap_or_default().to_owned();
        self.sim("POST", &format!("templates/{id}/review"), &json!({ "decision": "approve" })).await;
        id
    }

    /// Uploads a sample of a type; answers its handle.
    pub(crate) async fn sample(&self, mime: &str) -> String {
        let open = format!("{}/uploads?file_name=a&file_length=3&file_type={mime}", self.id.app_id);
        let opened = self.graph("POST", &open, None).await;
        let session = opened.body["id"].as_str().expect("a session").to_owned();
        let done = self.upload(&session, 0, b"abc").await;
        done["h"].as_str().expect("a handle").to_owned()
    }

    /// Sends bytes of a sample from an offset on.
    pub(crate) async fn upload(&self, session: &str, offset: usize, bytes: &'static [u8]) -> Value {
        let url = format!("{}/v24.0/{session}", self.simulator.graph_url());
        let request = self.http.post(url).header("authorization", format!("OAuth {}", self.id.access_token));
        let answer = request.header("file_offset", offset).body(bytes).send().await.expect("an answer");
        answer.json().await.unwrap_or_default()
    }

    /// Files a template that waits; answers its id.
    pub(crate) async fn filed(&self, body: &Value) -> String {
        let made = self.graph("POST", &format!("{}/message_templates", self.id.waba_id), Some(body)).await;
        assert_eq!(made.status, 200, "{}", made.body);
        made.body["id"].as_str().unwrap_or_default().to_owned()
    }

    /// Decides about a template at the desk.
    pub(crate) async fn review(&self, id: &str, decision: Value) -> Value {
        self.sim("POST", &format!("templates/{id}/review"), &decision).await
    }

    /// Stops, and starts again on the same folder.
    pub(crate) async fn restarted(self) -> Self {
        self.simulator.stop().await;
        Self::on(self.dir).await
    }

    /// Turns the clock; when it answers, everything then due has happened.
    pub(crate) async fn turn(&self, seconds: i64) {
        self.sim("POST", "clock", &json!({ "advanceSeconds": seconds })).await;
    }
}

pub(crate) async fn start(dir: &Path, clock: WorldClock) -> Simulator {
    let options = Options { dir: dir.to_owned(), listen: "127.0.0.1:0".parse().expect("an address"), seed: Seed::fixed(7) };
    Simulator::start(options, clock).await.expect("a simulator")
}

/// The statuses in webhooks, as (wamid, status).
pub(crate) fn statuses(webhooks: &[Value]) -> Vec<(String, String)> {
    each(webhooks, "statuses")
        .iter()
        .map(|status| {
            let text = |key: &str| status[key].as_str().unwrap_or_default().to_owned();
            (text("id"), text("status"))
        })
        .collect()
}

/// Everything under `value.<key>[]` of all webhooks.
pub(crate) fn each(webhooks: &[Value], key: &str) -> Vec<Value> {
    values(webhooks, "messages").iter().flat_map(|value| value[key].as_array().cloned().unwrap_or_default()).collect()
}

/// Every `value` of changes of this field.
pub(crate) fn values(webhooks: &[Value], field: &str) -> Vec<Value> {
    let entries = webhooks.iter().flat_map(|webhook| webhook["entry"].as_array().cloned().unwrap_or_default());
    let changes = entries.flat_map(|entry| entry["changes"].as_array().cloned().unwrap_or_default());
    changes.filter(|change| change["field"] == field).map(|change| change["value"].clone()).collect()
}

/// The same keys with values of the same JSON types, all the way down; lists by their first element.
pub(crate) fn assert_same_shape(expected: &Value, got: &Value, path: &str) {
    match (expected, got) {
        (Value::Object(expected), Value::Object(got)) => {
            let keys = |map: &serde_json::Map<String, Value>| map.keys().cloned().collect::<Vec<_>>();
            assert_eq!(keys(expected), keys(got), "keys at {path}");
            for (key, value) in expected {
                assert_same_shape(value, &got[key], &format!("{path}.{key}"));
            }
        }
        (Value::Array(expected), Value::Array(got)) => {
            assert_eq!(expected.is_empty(), got.is_empty(), "emptiness at {path}");
            if let (Some(expected), Some(got)) = (expected.first(), got.first()) {
                assert_same_shape(expected, got, &format!("{path}[0]"));
            }
        }
        (expected, got) => assert_eq!(std::mem::discriminant(expected), std::mem::discriminant(got), "type at {path}: {got}"),
    }
}
