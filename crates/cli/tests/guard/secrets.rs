//! A whole life with secrets that can be recognised, and then a search for them everywhere that anybody could look: logs at their
//! most talkative, events, deliveries, metrics, error bodies, what the operator's commands print, and the files of the store or what a dump
//! of its database has.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use reqwest::Method;
use serde_json::{Value, json};

use transom_testing::Postgres;

use crate::common::{Api, KEY, Running, at, database_of, run, transom, until};
use crate::shop::{id, session};

const PHONE: &str = "+491704000031";
/// One-time codes: one that is delivered, one that goes by content, and one that still waits.
const CODES: [&str; 3] = ["90417733", "90417744", "90417755"];
/// What a customer and the business say to each other.
const WORDS: [&str; 2] = ["a-quagga-asks-for-tea", "an-okapi-answers"];
const PIN: &str = "735791";
const VERIFY_TOKEN: &str = "a-verify-token-of-the-shop";

/// Everything that was seen, by where.
#[derive(Default)]
struct Seen(Vec<(String, Vec<u8>)>);

impl Seen {
    fn add(&mut self, place: impl Into<String>, text: impl Into<Vec<u8>>) {
        self.0.push((place.into(), text.into()));
    }

    /// Panics if a secret stands anywhere, as it is or in hex or Base64.
    fn lacks(&self, what: &str, secret: &str) {
        let hex: String = secret.bytes().map(|b| format!("{b:02x}")).collect();
        let base64 = BASE64.encode(secret);
        for (place, text) in &self.0 {
            for form in [secret, hex.as_str(), base64.trim_end_matches('=')] {
                let found = text.windows(form.len()).position(|window| window == form.as_bytes());
                if let Some(at) = found {
                    let around = String::from_utf8_lossy(&text[at.saturating_sub(200)..(at + 100).min(text.len())]);
                    panic!("{what} stands in {place}: …{around}…");
                }
            }
        }
    }

    fn has(&self, place: &str, word: &str) -> bool {
        self.0.iter().any(|(p, text)| p.starts_with(place) && text.windows(word.len()).any(|w| w == word.as_bytes()))
    }
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

/// What PostgreSQL keeps in a database, from a dump. Bytes are as they are, and not as the digits that a dump writes them in: among so many
/// of those a PIN of six stands by chance sooner or later.
fn dumped(url: &str) -> Vec<u8> {
    let name = url.rsplit('/').next().unwrap();
    let dump = Postgres::shared().tool("pg_dump").args(["--data-only", name]).output().unwrap();
    assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
    let (mut plain, mut rest, begin) = (Vec::new(), dump.stdout.as_slice(), br"\\x");
    while let Some(place) = rest.windows(begin.len()).position(|window| window == begin) {
        let digits = &rest[place + begin.len()..];
        let length = digits.iter().position(|digit| !digit.is_ascii_hexdigit()).unwrap_or(digits.len());
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        plain.extend_from_slice(&rest[..place]);
        plain.extend(digits[..length].chunks_exact(2).map(byte));
        rest = &digits[length..];
    }
    plain.extend_from_slice(rest);
    plain
}

/// A gateway, a simulator in a process and a folder of its own, and an endpoint that hears everything.
struct House {
    store: PathBuf,
    log: PathBuf,
    meta: Value,
    url: String,
    deliveries: Arc<Mutex<Vec<u8>>>,
    _gateway: Running,
    _simulator: Running,
    hook: String,
}

impl House {
    async fn open(dir: &Path) -> Self {
        let (store, log) = (dir.join("store"), dir.join("log"));
        let mut simulator =
            Running::start(transom().args(["simulate", "--json", "--port", "0", "--dir"]).arg(dir.join("simulator")));
        let meta = simulator.object();
        let mut command = at(&store, &["serve", "--listen", "127.0.0.1:0", "--graph-url", meta["graphUrl"].as_str().unwrap()]);
        for set in ["log.level=trace", "webhooks.allow_loopback=true", "webhooks.allow_http=true"] {
            command.args(["--set", set]);
        }
        let mut gateway = Running::start_logging(&mut command, &log);
        let url = gateway.until("ready ").strip_prefix("ready ").unwrap().to_owned();
        let deliveries = Arc::new(Mutex::new(Vec::new()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let hook = format!("http://{}/hook", listener.local_addr().unwrap());
        let heard = deliveries.clone();
        let hear = move |headers: HeaderMap, body: Bytes| async move {
            let mut heard = heard.lock().unwrap();
            heard.extend(format!("{headers:?}\n").bytes());
            heard.extend(body);
        };
        let app = axum::Router::new().fallback(hear);
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { store, log, meta, url, deliveries, _gateway: gateway, _simulator: simulator, hook }
    }

    fn of(&self, field: &str) -> &str {
        self.meta[field].as_str().unwrap()
    }

    /// What an operator's command prints, on both streams.
    fn said(&self, args: &[&str]) -> Vec<u8> {
        let mut command = at(&self.store, args);
        for (variable, field) in [
            ("META_APP_ID", "appId"),
            ("META_APP_SECRET", "appSecret"),
            ("META_ACCESS_TOKEN", "accessToken"),
            ("META_WABA_ID", "wabaId"),
            ("META_PHONE_NUMBER_ID", "phoneNumberId"),
        ] {
            command.env(variable, self.of(field));
        }
        let output = run(command.env("META_VERIFY_TOKEN", VERIFY_TOKEN).env("META_PIN", PIN));
        [output.stdout, output.stderr].concat()
    }

    fn json(&self, args: &[&str]) -> Value {
        let said = self.said(&[args, &["--json"]].concat());
        serde_json::from_slice(&said).unwrap_or_else(|why| panic!("{args:?}: {why}: {}", String::from_utf8_lossy(&said)))
    }
}

#[tokio::test]
async fn secrets_and_codes_are_nowhere_to_be_found() {
    let dir = tempfile::tempdir().unwrap();
    let house = House::open(dir.path()).await;
    let business = id(&house.json(&["business", "add", "--name", "Tea shop"]));
    let key = house.json(&["key", "add"])["text"].as_str().unwrap().to_owned();
    let mut seen = Seen::default();
    seen.add("sender add", house.said(&["sender", "add", "--json"]));
    let api = Api::new(&house.url, &key);
    let path = |rest: &str| format!("/v1/businesses/{business}{rest}");
    let mut webhook_secrets = Vec::new();
    for topic in ["messages", "delivery_status"] {
        let made = api.post(&path("/create/webhooks"), &json!({ "topic": topic, "address": house.hook })).await;
        webhook_secrets.push(made["secret"].as_str().unwrap().to_owned());
    }
    webhook_secrets.push(house.json(&["endpoint", "rotate-secret"])["secret"].as_str().unwrap().to_owned());

    // A template for codes, approved at the desk.
    let desk = Api::new(house.of("graphUrl"), "");
    let components = json!([{ "type": "BODY", "add_security_recommendation": true },
        { "type": "BUTTONS", "buttons": [{ "type": "OTP", "otp_type": "COPY_CODE", "text": "Copy code" }] }]);
    let template = json!({ "name": "code", "language": "en", "category": "AUTHENTICATION", "components": components });
    let filing = format!("/v25.0/{}/message_templates?access_token={}", house.of("wabaId"), house.of("accessToken"));
    let filed = id(&desk.post(&filing, &template).await);
    desk.post(&format!("/sim/v1/templates/{filed}/review"), &json!({ "decision": "approve" })).await;
    until("the template", || async {
        let listed = house.json(&["template", "list"]);
        listed["data"].as_array().unwrap().iter().any(|t| t["name"] == "code" && t["status"] == "APPROVED").then_some(())
    })
    .await;

    // A talk, and three codes.
    desk.post("/sim/v1/customers", &json!({ "phone": PHONE, "name": "Marta" })).await;
    let writes = json!({ "to": house.of("phoneNumberId"), "type": "text", "text": { "body": WORDS[0] } });
    desk.post(&format!("/sim/v1/customers/{}/messages", PHONE.replace('+', "%2B")), &writes).await;
    until("the customer's message", || async {
        let listed = api.get(&path("/messages?direction=inbound")).await;
        (!listed["data"].as_array().unwrap().is_empty()).then_some(())
    })
    .await;
    let answer = api.post(&path("/send/messages"), &session(PHONE, json!({ "text": WORDS[1] }), json!({}))).await;
    let parameters = json!([{ "name": "button_1_code", "value": CODES[0] }]);
    let by_name = json!({ "number": PHONE, "templateName": "code", "language": "en", "parameters": parameters });
    let sent = api.post(&path("/send/whatsapp_templated_messages"), &by_name).await;
    let by_content = |code: &str, later: Value| {
        json!({ "to": PHONE, "variables": { "1": code }, "sendAt": later, "content": { "language": "en", "variables": { "1": "123456" },
            "types": { "whatsapp/authentication": { "actions": [{ "type": "COPY_CODE", "copy_code_text": "Copy code" }] } } } })
    };
    let content = api.post(&path("/messages"), &by_content(CODES[1], Value::Null)).await;
    let waits = api
        .post(
            &path("/messages"),
            &by_content(
                CODES[2],
                json!(jiff::Timestamp::now().checked_add(jiff::SignedDuration::from_hours(24)).unwrap().to_string()),
            ),
        )
        .await;
    let mut ids = Vec::new();
    for accepted in [&answer, &sent, &content] {
        let id = id(accepted);
        let path = path(&format!("/messages/{id}"));
        until("delivered", || async { (api.get(&path).await["status"] == "delivered").then_some(()) }).await;
        ids.push(id);
    }
    ids.push(id(&waits));
    // The codes reached the phone as they were given, so what was searched for did go through the house.
    let inbox = desk.get(&format!("/sim/v1/customers/{}/inbox", PHONE.replace('+', "%2B"))).await.to_string();
    assert!(inbox.contains(CODES[0]) && inbox.contains(CODES[1]) && !inbox.contains(CODES[2]), "{inbox}");
    until("deliveries", || async {
        let heard = String::from_utf8_lossy(&house.deliveries.lock().unwrap()).into_owned();
        (heard.contains(WORDS[0]) && ids[..3].iter().all(|id| heard.matches(id.as_str()).count() >= 2)).then_some(())
    })
    .await;

    // Refusals: with secrets where they do not belong, and from a Meta that does not know the token any more.
    for (method, at, body) in [
        (
            Method::POST,
            path("/send/whatsapp_templated_messages"),
            json!({ "number": PHONE, "templateName": "code", "language": "en",
            "parameters": [{ "name": "button_1_code", "value": format!("{} and more than fifteen", CODES[0]) }] }),
        ),
        (Method::POST, path("/messages"), by_content(&format!("{}\n", CODES[1]), Value::Null)),
        (Method::POST, format!("/webhooks/meta/{}", house.of("appId")), json!({})),
        (
            Method::GET,
            format!("/webhooks/meta/{}?hub.mode=subscribe&hub.challenge=1&hub.verify_token=x", house.of("appId")),
            json!({}),
        ),
        (Method::POST, "/admin/v1".to_owned(), json!({ "command": "key_list" })),
    ] {
        let (status, told) = api.call(method, &at, Some(&body)).await;
        assert!((400..500).contains(&status), "{at}: {status} {told}");
        seen.add(format!("the refusal of {at}"), told.to_string());
    }
    desk.call(Method::PUT, "/sim/v1/faults", Some(&json!([{ "kind": "error", "share": 1.0, "code": 190 }]))).await;
    api.post(&path("/send/messages"), &session(PHONE, json!({ "text": WORDS[1] }), json!({}))).await;
    until("a stopped sender", || async {
        let ready = api.get("/readyz").await;
        (!ready["stoppedSenders"].as_array().unwrap().is_empty()).then_some(())
    })
    .await;

    for at in ["/readyz", "/metrics", "/openapi.json", "/v1/errors"] {
        let text = reqwest::get(format!("{}{at}", house.url)).await.unwrap().text().await.unwrap();
        seen.add(at, text);
    }
    for rest in ["/messages?pageSize=200", "/events?limit=200", "/sessions", "/senders", "/webhooks"] {
        seen.add(rest, api.get(&path(rest)).await.to_string());
    }
    for id in &ids {
        seen.add(format!("message {id}"), api.get(&path(&format!("/messages/{id}"))).await.to_string());
    }
    for command in
        [&["doctor"][..], &["business", "list"], &["key", "list"], &["app", "list"], &["sender", "list"], &["endpoint", "list"]]
    {
        seen.add(command.join(" "), house.said(command));
    }
    seen.add("config show", run(&mut at(&house.store, &["config", "show", "--origin"])).stdout);
    seen.add("deliveries", house.deliveries.lock().unwrap().clone());
    assert!(seen.has("deliveries", WORDS[0]) && seen.has("message", WORDS[1]), "the search looks where things are");

    let door: Value = serde_json::from_slice(&std::fs::read(house.store.join("admin.json")).unwrap()).unwrap();
    let database = database_of(&house.store);
    let seal = match database {
        Some(_) => KEY.to_owned(),
        None => std::fs::read_to_string(house.store.join("seal.key")).unwrap(),
    };
    let log = std::fs::read(&house.log).unwrap();
    assert!(log.len() > 10_000 && log.windows(5).any(|w| w == b"TRACE"), "the log is as talkative as it can be");
    let mut logged = Seen::default();
    logged.add("the log", log);
    logged.add("/metrics", seen.0.iter().find(|(place, _)| place == "/metrics").unwrap().1.clone());
    for words in WORDS {
        logged.lacks("what was said", words);
    }
    seen.0.append(&mut logged.0);
    // The store as it lies there while it works, with its log of changes.
    for file in files(&house.store) {
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        let mode = std::fs::metadata(&file).unwrap().permissions().mode() & 0o077;
        if ["admin.json", "seal.key"].contains(&name.as_str()) {
            assert_eq!(mode, 0, "{name} is for its owner alone");
        } else {
            seen.add(format!("the file {name}"), std::fs::read(&file).unwrap());
        }
    }
    // A backup without the key may lie anywhere: it has no more in it than the store. Of PostgreSQL the dump is one.
    if let Some(url) = &database {
        seen.add("the dump", dumped(url));
        assert!(seen.has("the dump", WORDS[1]), "the search looks into the store");
    } else {
        assert!(seen.has("the file", WORDS[1]), "the search looks into the store");
        let backup = dir.path().join("backup");
        std::fs::create_dir(&backup).unwrap();
        seen.add("backup", house.said(&["backup", "--to", backup.join("monday").to_str().unwrap()]));
        for file in files(&backup) {
            let name = file.file_name().unwrap().to_str().unwrap();
            assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o077, 0, "{name} is for its owner alone");
            seen.add(format!("the backup's {name}"), std::fs::read(&file).unwrap());
        }
        assert!(seen.has("the backup's monday", WORDS[1]), "the search looks into the backup");
    }
    assert_eq!(std::fs::metadata(&house.store).unwrap().permissions().mode() & 0o077, 0, "the folder is for its owner alone");

    seen.lacks("the API key", &key);
    seen.lacks("the app secret", house.of("appSecret"));
    seen.lacks("the verify token", VERIFY_TOKEN);
    seen.lacks("the access token", house.of("accessToken"));
    seen.lacks("the PIN", PIN);
    seen.lacks("the operator's token", door["token"].as_str().unwrap());
    seen.lacks("the sealing key", seal.trim());
    for secret in &webhook_secrets {
        seen.lacks("a webhook secret", secret);
        seen.lacks("a webhook secret", secret.trim_start_matches("whsec_"));
    }
    for code in CODES {
        seen.lacks("a one-time code", code);
    }
}
