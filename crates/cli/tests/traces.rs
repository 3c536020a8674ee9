//! One message, followed from the request to the last webhook by a collector of OpenTelemetry that the test has written.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, Uri};
use reqwest::Method;
use serde_json::{Value, json};

use common::{Api, KEY, Running, at, env_file, free_port, json as printed, transom, until};
use transom_testing::Postgres;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

/// One span, as a collector reads it.
#[derive(Debug, Clone)]
struct Span {
    trace: String,
    id: String,
    parent: Option<String>,
    name: String,
    attributes: BTreeMap<String, String>,
    lasted: u128,
}

#[derive(Default)]
struct Heard {
    spans: Vec<Span>,
    /// Headers of the webhooks, by the status that they tell of.
    hooks: Vec<(String, Option<String>)>,
    /// All that a collector was sent, as text.
    raw: String,
    refusals: usize,
}

/// A collector, and a business's webhook endpoint beside it.
#[derive(Clone)]
struct Collector {
    heard: Arc<Mutex<Heard>>,
    base: String,
}

impl Collector {
    /// One that is busy for the first so many requests.
    async fn open(refusals: usize) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let heard = Arc::new(Mutex::new(Heard { refusals, ..Heard::default() }));
        let keeper = heard.clone();
        let hear = move |uri: Uri, headers: HeaderMap, raw: Bytes| async move { take(&keeper, &uri, &headers, &raw) };
        tokio::spawn(async move { axum::serve(listener, axum::Router::new().fallback(hear)).await.unwrap() });
        Self { heard, base }
    }

    fn spans(&self, trace: &str) -> Vec<Span> {
        self.heard.lock().unwrap().spans.iter().filter(|span| span.trace == trace).cloned().collect()
    }

    async fn once(&self, trace: &str, name: &str, attribute: (&str, &str)) -> Span {
        let found = || async {
            let of = |span: &Span| span.name == name && span.attributes.get(attribute.0).is_some_and(|v| v == attribute.1);
            self.spans(trace).into_iter().find(of)
        };
        until(&format!("the span {name} with {attribute:?}"), found).await
    }
}

fn take(heard: &Mutex<Heard>, uri: &Uri, headers: &HeaderMap, raw: &[u8]) -> StatusCode {
    let mut heard = heard.lock().unwrap();
    let body: Value = serde_json::from_slice(raw).unwrap();
    if uri.path() == "/hook" {
        let traceparent = headers.get("traceparent").map(|value| value.to_str().unwrap().to_owned());
        heard.hooks.push((body["statusUpdate"]["status"].as_str().unwrap_or_default().to_owned(), traceparent));
        return StatusCode::OK;
    }
    assert_eq!((uri.path(), &headers["content-type"]), ("/v1/traces", &"application/json".parse().unwrap()));
    if heard.refusals > 0 {
        heard.refusals -= 1;
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    heard.raw.push_str(&body.to_string());
    for resource in body["resourceSpans"].as_array().unwrap() {
        assert_eq!(
            resource["resource"]["attributes"][0],
            json!({ "key": "service.name", "value": { "stringValue": "transom" } })
        );
        for span in resource["scopeSpans"][0]["spans"].as_array().unwrap() {
            heard.spans.push(read(span));
        }
    }
    StatusCode::OK
}

fn read(span: &Value) -> Span {
    let text = |name: &str| span[name].as_str().unwrap_or_else(|| panic!("no {name} in {span}")).to_owned();
    let nanos = |name: &str| text(name).parse::<u128>().unwrap();
    let attributes = span["attributes"].as_array().unwrap().iter().map(|one| {
        let value = one["value"]["stringValue"].as_str().or(one["value"]["intValue"].as_str()).unwrap();
        (one["key"].as_str().unwrap().to_owned(), value.to_owned())
    });
    assert_eq!((text("traceId").len(), text("spanId").len()), (32, 16));
    assert!((1..=3).contains(&span["kind"].as_u64().unwrap()));
    Span {
        trace: text("traceId"),
        id: text("spanId"),
        parent: span["parentSpanId"].as_str().map(str::to_owned),
        name: text("name"),
        attributes: attributes.collect(),
        lasted: nanos("endTimeUnixNano") - nanos("startTimeUnixNano"),
    }
}

struct House {
    running: Option<Running>,
    env: BTreeMap<String, String>,
    desk: Api,
}

impl House {
    fn open(dir: &Path, collector: &Collector) -> Self {
        let args = ["dev", "--port", "0", "--simulator-port", "0", "--traces", &collector.base];
        let mut running = Running::start(&mut at(dir, &args));
        running.until("Transom is ready");
        let env = env_file(&dir.join("dev.env"));
        let desk = Api::new(&env["SIMULATOR_URL"], "");
        Self { running: Some(running), env, desk }
    }

    async fn call(&self, path: &str, body: &Value, traceparent: Option<&str>) -> Value {
        let url = format!("{}/v1/businesses/{}{path}", self.env["TRANSOM_URL"], self.env["TRANSOM_BUSINESS"]);
        let mut request = reqwest::Client::new().post(url).header("x-api-key", &self.env["TRANSOM_API_KEY"]);
        if let Some(traceparent) = traceparent {
            request = request.header("traceparent", traceparent);
        }
        let answer = request.body(body.to_string()).send().await.unwrap();
        let (status, said) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{status}: {said}");
        serde_json::from_str(&said).unwrap()
    }

    async fn ana(&self) -> String {
        let people = self.desk.get("/sim/v1/customers").await;
        let found = people["data"].as_array().unwrap().iter().find(|customer| customer["name"] == "Ana").unwrap();
        found["phone"].as_str().unwrap().to_owned()
    }
}

fn words(to: &str, text: &str) -> Value {
    json!({ "to": to, "content": { "language": "en", "types": { "twilio/text": { "body": text } } } })
}

#[tokio::test(flavor = "multi_thread")]
async fn one_message_is_followed_from_the_request_to_the_last_webhook() {
    let dir = tempfile::tempdir().unwrap();
    // It takes nothing at first: what is told is told again.
    let collector = Collector::open(1).await;
    let house = House::open(dir.path(), &collector);
    let hook = json!({ "topic": "delivery_status", "address": format!("{}/hook", collector.base) });
    house.call("/create/webhooks", &hook, None).await;
    let ana = house.ana().await;

    let parent = format!("00-{TRACE}-{CALLER}-01");
    let sent = house.call("/messages", &words(&ana, "A word that no span may hold"), Some(&parent)).await;
    let id = sent["id"].as_str().unwrap();
    let accepted = collector.once(TRACE, "accept", ("transom.message.id", id)).await;
    assert_eq!(accepted.parent.as_deref(), Some(CALLER), "the caller's span has it under itself");
    for (name, attribute) in [
        ("claim", ("transom.attempt", "1")),
        ("send", ("transom.outcome", "accepted")),
        ("hear", ("transom.status", "sent")),
        ("hear", ("transom.status", "delivered")),
        ("deliver", ("http.response.status_code", "200")),
    ] {
        let span = collector.once(TRACE, name, attribute).await;
        assert_eq!((span.parent.as_deref(), &span.attributes["transom.message.id"][..]), (Some(&accepted.id[..]), id), "{name}");
        assert!(span.lasted < 60_000_000_000, "{span:?}");
    }
    // The endpoint is told of the trace, and which of its spans calls.
    let told = until("the webhook", || async {
        let heard = collector.heard.lock().unwrap();
        heard.hooks.iter().find(|(status, _)| status == "delivered").map(|(_, traceparent)| traceparent.clone())
    })
    .await;
    let told = told.unwrap();
    let parts: Vec<&str> = told.split('-').collect();
    assert_eq!((parts[0], parts[1], parts[3]), ("00", TRACE, "01"));
    assert!(collector.spans(TRACE).iter().any(|span| span.name == "deliver" && span.id == parts[2]), "{told}");

    // A message that nobody traces is a trace of its own, named by its id; one whose caller does not record it is not told.
    let own = house.call("/messages", &words(&ana, "Its own"), None).await;
    let unrecorded =
        house.call("/messages", &words(&ana, "Not"), Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00")).await;
    let own_trace = until("its own trace", || async {
        let heard = collector.heard.lock().unwrap();
        let of = |span: &&Span| span.name == "accept" && span.attributes["transom.message.id"] == own["id"].as_str().unwrap();
        heard.spans.iter().find(of).map(|span| (span.trace.clone(), span.parent.clone()))
    })
    .await;
    assert_eq!(own_trace.1, None);
    collector.once(&own_trace.0, "deliver", ("http.response.status_code", "200")).await;

    // What is kept with a message outlives the process: a caller's trace goes on after a kill, a day later.
    let now: jiff::Timestamp = house.desk.get("/sim/v1/clock").await["now"].as_str().unwrap().parse().unwrap();
    let mut later = words(&ana, "Later");
    later["sendAt"] = json!(now.checked_add(jiff::SignedDuration::from_hours(1)).unwrap().to_string());
    let scheduled = house.call("/messages", &later, Some(&parent)).await;
    house.running.unwrap().kill();
    let house = House::open(dir.path(), &collector);
    house.desk.call(Method::POST, "/sim/v1/clock", Some(&json!({ "advanceSeconds": 3_700 }))).await;
    collector.once(TRACE, "send", ("transom.message.id", scheduled["id"].as_str().unwrap())).await;

    let heard = collector.heard.lock().unwrap();
    for hidden in ["A word that no span may hold", ana.trim_start_matches('+'), unrecorded["id"].as_str().unwrap()] {
        assert!(!heard.raw.contains(hidden), "{hidden} is in a span");
    }
    drop(heard);
    assert!(house.running.unwrap().terminate());
}

/// Each of two replicas has a collector of its own: one takes the request, the other hears what Meta tells.
#[tokio::test(flavor = "multi_thread")]
async fn a_trace_goes_on_at_another_replica() {
    let dir = tempfile::tempdir().unwrap();
    let mut simulator =
        Running::start(transom().args(["simulate", "--json", "--port", "0", "--dir"]).arg(dir.path().join("desk")));
    let meta = simulator.object();
    let said = |field: &str| meta[field].as_str().unwrap().to_owned();
    let (store, ports) = (Postgres::shared().database(), [free_port(), free_port()]);
    let url = |replica: usize| format!("http://127.0.0.1:{}", ports[replica]);
    let command = |name: &str, args: &[&str]| {
        let mut command = at(&dir.path().join(name), args);
        command.env("TRANSOM_STORE__URL", &store).env("TRANSOM_SEAL_KEY", KEY);
        for (variable, field) in [
            ("META_APP_ID", "appId"),
            ("META_APP_SECRET", "appSecret"),
            ("META_VERIFY_TOKEN", "verifyToken"),
            ("META_ACCESS_TOKEN", "accessToken"),
            ("META_WABA_ID", "wabaId"),
            ("META_PHONE_NUMBER_ID", "phoneNumberId"),
        ] {
            command.env(variable, said(field));
        }
        command
    };
    let (accepts, hears) = (Collector::open(0).await, Collector::open(0).await);
    let serve = |name: &str, replica: usize, collector: &Collector| {
        let (listen, graph) = (format!("127.0.0.1:{}", ports[replica]), said("graphUrl"));
        let mut command = command(name, &["serve", "--listen", &listen, "--graph-url", &graph]);
        let (public, traces) = (format!("server.public_url={}", url(1)), format!("traces.endpoint={}", collector.base));
        for set in [&public, &traces, "webhooks.allow_loopback=true", "webhooks.allow_http=true", "log.level=warn"] {
            command.args(["--set", set]);
        }
        let mut running = Running::start(&mut command);
        running.until("ready ");
        running
    };
    let (one, two) = (serve("accepts", 0, &accepts), serve("hears", 1, &hears));
    let operator = |args: &[&str]| printed(command("hears", args).arg("--json"));
    let business = operator(&["business", "add", "--name", "Traced"])["id"].as_str().unwrap().to_owned();
    let key = operator(&["key", "add"])["text"].as_str().unwrap().to_owned();
    operator(&["sender", "add"]);
    let (desk, ana) = (Api::new(&said("graphUrl"), ""), "+4915550400001");
    desk.post("/sim/v1/customers", &json!({ "phone": ana, "name": "Ana" })).await;
    let hello = json!({ "to": said("phoneNumberId"), "type": "text", "text": { "body": "Hello" } });
    desk.post(&format!("/sim/v1/customers/{}/messages", ana.replace('+', "%2B")), &hello).await;
    let house = |replica: usize| House {
        running: None,
        env: [("TRANSOM_URL", url(replica)), ("TRANSOM_BUSINESS", business.clone()), ("TRANSOM_API_KEY", key.clone())]
            .map(|(name, value)| (name.to_owned(), value))
            .into(),
        desk: Api::new(&said("graphUrl"), ""),
    };
    let asked = Api::new(&url(0), &key);
    until("her message", || async {
        let page = asked.get(&format!("/v1/businesses/{business}/messages?direction=inbound")).await;
        (!page["data"].as_array().unwrap().is_empty()).then_some(())
    })
    .await;
    let hook = json!({ "topic": "delivery_status", "address": format!("{}/hook", hears.base) });
    house(1).call("/create/webhooks", &hook, None).await;

    let parent = format!("00-{TRACE}-{CALLER}-01");
    let sent = house(0).call("/messages", &words(ana, "Where it is heard of"), Some(&parent)).await;
    let id = sent["id"].as_str().unwrap();
    let accepted = accepts.once(TRACE, "accept", ("transom.message.id", id)).await;
    for status in ["sent", "delivered"] {
        let heard = hears.once(TRACE, "hear", ("transom.status", status)).await;
        assert_eq!((heard.parent.as_deref(), &heard.attributes["transom.message.id"][..]), (Some(&accepted.id[..]), id));
    }
    // Who holds the number sends, and who holds the endpoint tells it.
    for (name, attribute) in [("send", ("transom.outcome", "accepted")), ("deliver", ("http.response.status_code", "200"))] {
        let of = |span: &Span| span.name == name && span.attributes.get(attribute.0).is_some_and(|value| value == attribute.1);
        let told = until(name, || async { [&accepts, &hears].into_iter().flat_map(|one| one.spans(TRACE)).find(of) }).await;
        assert_eq!(told.parent.as_deref(), Some(&accepted.id[..]), "{name}");
    }
    assert!(one.terminate() && two.terminate());
}
