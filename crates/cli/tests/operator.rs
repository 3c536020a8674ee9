//! The operator's commands: with a server and without, and what they say when something is wrong.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::net::TcpListener;
use std::path::Path;

use reqwest::Method;
use serde_json::{Value, json};

use common::{Api, Dev, Running, at, json, run, said, transom};

#[cfg(target_os = "linux")]
#[test]
fn a_log_that_cannot_be_written_stops_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut serve = at(&dir.path().join("store"), &["serve", "--listen", "127.0.0.1:0"]);
    // Every write there fails as on a full disk.
    let mut gateway = Running::start_logging(&mut serve, Path::new("/dev/full"));
    gateway.until("ready ");
    assert!(gateway.terminate());
}

#[test]
fn what_was_set_up_without_a_server_is_there_with_one() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("store");
    let (code, why) = said(&mut at(&store, &["business", "list"]));
    assert!(code == Some(2) && why.contains("there is no store in"), "{why}");

    let business = json(&mut at(&store, &["business", "add", "--name", "Tea shop", "--json"]));
    let key = json(&mut at(&store, &["key", "add", "--label", "orders", "--scopes", "send,webhooks", "--json"]));
    let text = key["text"].as_str().unwrap();
    assert!(text.starts_with("tk") && text.len() == 66 && text.bytes().all(|b| b.is_ascii_alphanumeric()), "256 bits in hex");

    let gateway = {
        let mut gateway = Running::start(
            at(&store, &["serve", "--listen", "127.0.0.1:0", "--set", "log.level=error"]).arg("--set").arg("server.drain=1s"),
        );
        gateway.until("ready ");
        gateway
    };
    // Now through the server's door; opening the folder would be refused.
    let listed = json(&mut at(&store, &["business", "list", "--json"]));
    assert_eq!(listed["data"][0]["id"], business["id"]);
    let listed = json(&mut at(&store, &["key", "list", "--json"]));
    assert_eq!((&listed["data"][0]["label"], &listed["data"][0]["scopes"]), (&json!("orders"), &json!(["send", "webhooks"])));
    assert!(!listed.to_string().contains(text), "the text of a key is shown once");
    let id = listed["data"][0]["id"].as_str().unwrap().to_owned();
    json(&mut at(&store, &["key", "revoke", &id, "--json"]));
    let listed = json(&mut at(&store, &["key", "list", "--json"]));
    assert!(listed["data"][0]["revokedAt"].is_string());

    let (code, why) = said(&mut at(&store, &["endpoint", "add", "--topic", "messages", "http://127.0.0.1:9/hook"]));
    assert!(code == Some(1) && why.contains("https"), "{why}");
    let made = json(&mut at(&store, &["endpoint", "add", "--topic", "messages", "https://shop.example.com/hook", "--json"]));
    assert!(made["secret"].as_str().unwrap().starts_with("whsec_"));
    let (code, why) = said(&mut at(&store, &["endpoint", "add", "--topic", "messages", "https://shop.example.com/other"]));
    assert!(code == Some(1) && why.contains("messages"), "{why}");
    let rotated = json(&mut at(&store, &["endpoint", "rotate-secret", "--json"]));
    assert_ne!(rotated["secret"], made["secret"]);
    let endpoint = made["id"].as_str().unwrap();
    json(&mut at(&store, &["endpoint", "update", endpoint, "--address", "https://shop.example.com/new", "--json"]));
    let listed = json(&mut at(&store, &["endpoint", "list", "--json"]));
    assert_eq!(listed["data"][0]["address"], "https://shop.example.com/new");
    json(&mut at(&store, &["endpoint", "remove", endpoint, "--json"]));

    // A second server on the same folder hears who holds it.
    let (code, why) = said(&mut at(&store, &["serve", "--listen", "127.0.0.1:0"]));
    assert!(code == Some(1) && why.contains("in use by process"), "{why}");
    assert!(gateway.terminate());
    // And without the server it is still there.
    let listed = json(&mut at(&store, &["business", "list", "--json"]));
    assert_eq!(listed["data"].as_array().unwrap().len(), 1);
}

#[test]
fn what_only_looks_makes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let nowhere = dir.path().join("nowhere");
    for looks in [
        &["doctor"][..],
        &["business", "list"],
        &["key", "list"],
        &["app", "list"],
        &["sender", "list"],
        &["sender", "check", "+493023125001"],
        &["endpoint", "list"],
        &["template", "list"],
    ] {
        let (code, why) = said(&mut at(&nowhere, looks));
        assert!(code == Some(2) && why.contains("there is no store in") && why.contains("transom serve"), "{looks:?}: {why}");
        assert!(!nowhere.exists(), "{looks:?} has made {}", nowhere.display());
    }
    for asks in [&["send", "--to", "+4915550100001", "--text", "x"][..], &["verdict", "--to", "+4915550100001", "--text", "x"]] {
        let (code, why) = said(&mut at(&nowhere, asks));
        assert!(code == Some(2) && why.contains("dev.env") && why.contains("TRANSOM_URL"), "{asks:?}: {why}");
        assert!(!nowhere.exists());
    }
    // A store whose key is gone does not get another one, which could open nothing.
    let store = dir.path().join("store");
    json(&mut at(&store, &["business", "add", "--name", "Tea shop", "--json"]));
    let key = store.join("seal.key");
    std::fs::remove_file(&key).unwrap();
    let (code, why) = said(&mut at(&store, &["doctor"]));
    assert!(code == Some(2) && why.contains("seal.key is missing") && !key.exists(), "{why}");
}

#[tokio::test]
async fn adding_a_sender_says_what_is_wrong_and_stores_nothing_half() {
    let dir = tempfile::tempdir().unwrap();
    let mut simulator = Running::start(&mut at(&dir.path().join("simulator"), &["simulate", "--json", "--port", "0"]));
    let meta = simulator.object();
    let of = |field: &str| meta[field].as_str().unwrap().to_owned();
    let store = dir.path().join("store");
    let serve = ["serve", "--listen", "127.0.0.1:0", "--set", "log.level=error", "--graph-url", &of("graphUrl")];
    let mut gateway = Running::start(&mut at(&store, &serve));
    gateway.until("ready ");
    json(&mut at(&store, &["business", "add", "--name", "Tea shop", "--json"]));
    let (waba, number, app) = (of("wabaId"), of("phoneNumberId"), of("appId"));
    let add = |waba: &str, number: &str, token: &str, secret: Option<&str>| {
        let mut command = at(&store, &["sender", "add", "--app", &app, "--waba", waba, "--phone-number-id", number]);
        command.env("META_ACCESS_TOKEN", token);
        if let Some(secret) = secret {
            command.env("META_APP_SECRET", secret);
        }
        command
    };
    let (good, secret) = (of("accessToken"), of("appSecret"));
    for (mut command, words) in [
        (add(&waba, &number, &good, None), "is not known here"),
        (add(&waba, &number, "EAAwrong", Some(&secret)), "190"),
        (add(&waba, "123", &good, Some(&secret)), "cannot be read from Meta"),
        (add("123", &number, &good, Some(&secret)), "cannot be read from Meta"),
        (add("not-an-id", &number, &good, Some(&secret)), "decimal"),
    ] {
        let (code, why) = said(&mut command);
        assert!(code == Some(1) && why.contains(words), "{words:?} is not in: {why}");
        assert!(!why.contains(&good) && !why.contains(&secret), "a secret in a message: {why}");
    }
    assert_eq!(json(&mut at(&store, &["sender", "list", "--json"]))["data"], json!([]));

    // A number that is not registered wants a PIN, and is registered with it.
    let desk = Api::new(&of("graphUrl"), "");
    let (_, shown) = desk.call(Method::PATCH, &format!("/sim/v1/numbers/{number}"), Some(&json!({ "registered": false }))).await;
    assert_eq!(shown["registered"], false);
    let (code, why) = said(&mut add(&waba, &number, &good, Some(&secret)));
    assert!(code == Some(1) && why.contains("not registered") && why.contains("--pin"), "{why}");
    let added: Value = json(add(&waba, &number, &good, Some(&secret)).args(["--pin", "135791", "--json"]));
    assert!(
        added["steps"]
            .as_array()
            .unwrap()
            .contains(&json!({ "step": "register", "outcome": "done", "said": "registered with the PIN" }))
    );
    let doctor = run(&mut at(&store, &["doctor"]));
    assert!(String::from_utf8_lossy(&doctor.stdout).contains("the app is subscribed, its token works"));

    // A sender goes by its number, too, written as people write it.
    let address = json(&mut at(&store, &["sender", "list", "--json"]))["data"][0]["address"].as_str().unwrap().to_owned();
    let decorated = format!("{} {}", &address[..3], &address[3..]);
    for (named, words) in [(address.as_str(), "its token works"), (decorated.as_str(), "its token works")] {
        let checked = run(&mut at(&store, &["sender", "check", named]));
        assert!(checked.status.success() && String::from_utf8_lossy(&checked.stdout).contains(words), "{named}");
    }
    let resumed = run(&mut at(&store, &["sender", "resume", &address]));
    assert!(String::from_utf8_lossy(&resumed.stdout).contains("is not stopped"));
    let (code, why) = said(&mut at(&store, &["sender", "resume", "+4930999999"]));
    assert!(code == Some(1) && why.contains("there is no sender +4930999999"), "{why}");
    let (code, why) = said(&mut at(&store, &["sender", "check", "the first one"]));
    assert!(code == Some(2) && why.contains("neither an address nor an id"), "{why}");

    // What the doctor finds is its answer; a problem is told by the exit code alone.
    desk.call(Method::PATCH, &format!("/sim/v1/numbers/{number}"), Some(&json!({ "registered": false }))).await;
    let doctor = run(&mut at(&store, &["doctor"]));
    assert_eq!((doctor.status.code(), doctor.stderr.len()), (Some(1), 0), "{}", String::from_utf8_lossy(&doctor.stderr));
    assert!(String::from_utf8_lossy(&doctor.stdout).contains("the number is not registered"));
    assert!(gateway.terminate() && simulator.terminate());
}

#[tokio::test]
async fn a_sender_is_set_up_over_the_api_as_on_the_command_line() {
    let dir = tempfile::tempdir().unwrap();
    let mut simulator = Running::start(&mut at(&dir.path().join("simulator"), &["simulate", "--json", "--port", "0"]));
    let meta = simulator.object();
    let of = |field: &str| meta[field].as_str().unwrap().to_owned();
    let store = dir.path().join("store");
    let serve = ["serve", "--listen", "127.0.0.1:0", "--set", "log.level=error", "--graph-url", &of("graphUrl")];
    let mut gateway = Running::start(&mut at(&store, &serve));
    let ready = gateway.until("ready ");
    let business = json(&mut at(&store, &["business", "add", "--name", "Tea shop", "--json"]))["id"].as_str().unwrap().to_owned();
    let key = json(&mut at(&store, &["key", "add", "--label", "all", "--json"]))["text"].as_str().unwrap().to_owned();
    let api = Api::new(ready.split_whitespace().next_back().unwrap(), &key);
    let path = |rest: &str| format!("/v1/businesses/{business}{rest}");
    let (good, secret, app) = (of("accessToken"), of("appSecret"), of("appId"));
    let body = |token: &str, more: Value| {
        let mut body = json!({ "phoneNumberId": of("phoneNumberId"), "wabaId": of("wabaId"), "token": token });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let add = async |body: Value| {
        let (status, said) = api.call(Method::POST, &path("/senders"), Some(&body)).await;
        for hidden in [&good, &secret] {
            assert!(!said.to_string().contains(hidden.as_str()), "a secret in an answer: {said}");
        }
        (status, said)
    };
    let went = |said: &Value| -> Vec<(String, String)> {
        let steps = if said["steps"].is_array() { &said["steps"] } else { &said["details"]["steps"] };
        let steps = steps.as_array().unwrap_or_else(|| panic!("no steps in {said}"));
        steps.iter().map(|s| (s["what"].as_str().unwrap().to_owned(), s["state"].as_str().unwrap().to_owned())).collect()
    };
    let last = |said: &Value| went(said).pop().map(|(what, state)| format!("{what} {state}")).unwrap();

    // Each refusal says how far it got. A secret that Meta does not accept is kept nowhere, and one that is wrong replaces none.
    let (status, said) = add(body(&good, json!({}))).await;
    assert_eq!((status, last(&said).as_str()), (400, "app failed"), "{said}");
    let (status, said) = add(body(&good, json!({ "app": app, "appSecret": "of-somebody-else" }))).await;
    assert_eq!((status, last(&said).as_str()), (502, "app failed"), "{said}");
    assert_eq!(json(&mut at(&store, &["app", "list", "--json"]))["data"], json!([]));
    let (status, said) = add(body("EAAwrong", json!({ "app": app, "appSecret": secret }))).await;
    assert_eq!((status, last(&said).as_str()), (502, "read failed"), "{said}");
    assert_eq!(went(&said)[0], ("app".to_owned(), "done".to_owned()));
    let (status, said) = add(body(&good, json!({ "appSecret": "of-somebody-else" }))).await;
    assert_eq!((status, last(&said).as_str()), (502, "app failed"), "{said}");
    assert_eq!(api.get(&path("/senders")).await["data"], json!([]));

    // Now the app is known: it need not be named, and two at once make one sender.
    let (one, other) = tokio::join!(add(body(&good, json!({}))), add(body(&good, json!({ "app": app }))));
    for (status, said) in [&one, &other] {
        assert_eq!(*status, 201, "{said}");
        let words: Vec<_> = went(said).into_iter().map(|(what, _)| what).collect();
        assert_eq!(words, ["app", "read", "token", "register", "reach", "subscribe", "store", "templates"]);
    }
    assert_eq!(one.1["sender"]["id"], other.1["sender"]["id"]);
    let id = one.1["sender"]["id"].as_str().unwrap();
    assert_eq!((&one.1["sender"]["appId"], &one.1["sender"]["state"]), (&json!(app), &json!("active")));

    // Looked over as the doctor does; another token is looked over before it takes the place of the old one.
    let (status, seen) = api.call(Method::POST, &path(&format!("/senders/{id}/verify")), None).await;
    assert!(status == 200 && went(&seen).iter().all(|(_, state)| state == "done"), "{seen}");
    let change = path(&format!("/senders/{id}"));
    let (status, said) = api.call(Method::PATCH, &change, Some(&json!({ "token": "EAAwrong" }))).await;
    assert_eq!((status, last(&said).as_str()), (502, "read failed"), "{said}");
    let (status, said) = api.call(Method::PATCH, &change, Some(&json!({ "token": good }))).await;
    assert_eq!((status, &said["sender"]["id"]), (200, &json!(id)), "{said}");
    let (status, said) = api.call(Method::POST, &path(&format!("/senders/{id}/resume")), None).await;
    assert_eq!((status, &said["steps"]), (200, &json!([])), "one that goes needs no look: {said}");

    // What is wrong at Meta is a step with a remedy, here and for the doctor.
    let desk = Api::new(&of("graphUrl"), "");
    let number = format!("/sim/v1/numbers/{}", of("phoneNumberId"));
    desk.call(Method::PATCH, &number, Some(&json!({ "registered": false }))).await;
    let (_, seen) = api.call(Method::POST, &path(&format!("/senders/{id}/verify")), None).await;
    let wrong = seen["steps"].as_array().unwrap().iter().find(|step| step["state"] == "failed").unwrap();
    assert_eq!(wrong["what"], "register", "{seen}");
    assert!(wrong["remedy"].as_str().is_some_and(|remedy| remedy.contains("PIN")), "{seen}");
    let doctor = run(&mut at(&store, &["doctor"]));
    assert!(String::from_utf8_lossy(&doctor.stdout).contains(wrong["explanation"].as_str().unwrap()));
    // Who did it is written down: the app once, the sender once, and no try that failed.
    let log = api.get(&path("/audit?actor=key&action=app.put,sender.put")).await;
    let lines: Vec<_> = log["data"].as_array().unwrap().iter().map(|line| line["action"].as_str().unwrap()).collect();
    assert_eq!(lines, ["sender.put", "app.put"], "{log}");
    assert!(gateway.terminate() && simulator.terminate());
}

#[test]
fn bad_configuration_and_ports_in_use_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("transom.toml");
    std::fs::write(&file, "[server]\nlisten = \"nowhere\"\ndrian = \"1s\"\n").unwrap();
    for command in [&["serve"][..], &["config", "check"]] {
        let (code, why) = said(transom().args(command).arg("--config").arg(&file));
        assert_eq!(code, Some(2), "{why}");
        assert!(why.contains("transom.toml:2: server.listen") && why.contains("did you mean server.drain?"), "{why}");
    }
    std::fs::write(&file, "[server]\ndrain = \"1s\"\n").unwrap();
    let shown = run(transom().args(["config", "show", "--origin", "--config"]).arg(&file).env("TRANSOM_LOG__FORMAT", "json"));
    let shown = String::from_utf8_lossy(&shown.stdout);
    assert!(
        shown.contains("transom.toml:2") && shown.contains("format = \"json\"  # environment TRANSOM_LOG__FORMAT"),
        "{shown}"
    );
    let reference = run(transom().args(["config", "reference"]));
    std::fs::write(&file, reference.stdout).unwrap();
    assert_eq!(said(transom().args(["config", "check", "--config"]).arg(&file)).0, Some(0));

    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, why) = said(&mut at(&dir.path().join("store"), &["serve", "--listen", &address]));
    assert!(code == Some(1) && why.contains(&address) && why.contains("--listen"), "{why}");
    let port = taken.local_addr().unwrap().port().to_string();
    let desk = dir.path().join("desk");
    let (code, why) = said(&mut at(&desk, &["dev", "--port", &port, "--simulator-port", "0"]));
    let both = |why: &str| why.contains(" --port ") && why.contains(" --simulator-port ") && why.contains(&port);
    assert!(code == Some(1) && why.contains("the gateway cannot listen") && both(&why), "{why}");
    let (code, why) = said(&mut at(&desk, &["dev", "--port", "0", "--simulator-port", &port]));
    assert!(code == Some(1) && why.contains("the simulator cannot listen") && both(&why), "{why}");
    let (code, why) = said(&mut at(&desk.join("alone"), &["simulate", "--port", &port]));
    assert!(code == Some(1) && why.contains("--port;") && !why.contains("--simulator-port"), "{why}");
    let (code, why) = said(&mut at(Path::new("/proc/nowhere"), &["serve", "--listen", "127.0.0.1:0"]));
    assert!(code == Some(1) && why.contains("/proc/nowhere"), "{why}");
}

#[tokio::test]
async fn the_shell_can_send_and_ask() {
    let dir = tempfile::tempdir().unwrap();
    let dev = Dev::open(dir.path());
    let file = dir.path().join("dev.env");
    let (ana, bo) = (dev.phone_of("Ana").await, dev.phone_of("Bo").await);
    let ask = |what: &str, to: &str| {
        let mut command = transom();
        command.args([what, "--to", to, "--text", "Hello", "--env"]).arg(&file);
        command
    };
    let sent = json(ask("send", &ana).args(["--wait", "--json", "--idempotency-key", "one"]));
    assert_eq!(sent["status"], "delivered");
    let again = json(ask("send", &ana).args(["--json", "--idempotency-key", "one"]));
    assert_eq!(again["id"], sent["id"]);
    let (code, why) = said(&mut ask("send", &bo));
    assert!(code == Some(1) && why.contains("ERROR_CODE_MESSAGE_TEMPLATE_APPROVAL_REQUIRED"), "{why}");
    let verdict = run(&mut ask("verdict", &bo));
    assert!(String::from_utf8_lossy(&verdict.stdout).starts_with("needs_approval"));
    let listed = json(&mut at(dir.path(), &["sender", "list", "--json"]));
    assert_eq!(listed["data"][0]["address"], dev.env["TRANSOM_SENDER"].as_str());
    // The folder names the gateway as well as its file does.
    let again = json(&mut at(dir.path(), &["send", "--to", &ana, "--text", "Hello", "--idempotency-key", "one", "--json"]));
    assert_eq!(again["id"], sent["id"]);
    let verdict = run(&mut at(dir.path(), &["verdict", "--to", &bo, "--text", "Hello"]));
    assert!(String::from_utf8_lossy(&verdict.stdout).starts_with("needs_approval"));

    // What waits explains itself.
    let send = async |later: Option<&str>| {
        let mut body = json!({ "to": ana, "content": { "language": "en", "types": { "twilio/text": { "body": "Hi" } } } });
        if let Some(at) = later {
            body["sendAt"] = json!(at);
        }
        dev.api.post(&dev.path("/messages"), &body).await
    };
    let now: jiff::Timestamp = dev.desk.get("/sim/v1/clock").await["now"].as_str().unwrap().parse().unwrap();
    let later = now.checked_add(jiff::SignedDuration::from_hours(1)).unwrap().to_string();
    send(Some(&later)).await;
    let healthy = run(&mut at(dir.path(), &["doctor"]));
    let shown = String::from_utf8_lossy(&healthy.stdout);
    assert!(shown.contains("1 wait, the oldest since") && shown.contains("1 of them are to go later"), "{shown}");
    assert!(healthy.status.success(), "a schedule is no problem: {shown}");
    dev.desk.call(Method::PUT, "/sim/v1/faults", Some(&json!([{ "kind": "error", "share": 1.0, "code": 130_429 }]))).await;
    send(None).await;
    common::until("the throttle is told", || async {
        let shown = run(&mut at(dir.path(), &["doctor"])).stdout;
        String::from_utf8_lossy(&shown).contains("1 of them rest after a throttle of Meta's").then_some(())
    })
    .await;
    dev.desk.call(Method::PUT, "/sim/v1/faults", Some(&json!([{ "kind": "error", "share": 1.0, "code": 190 }]))).await;
    send(None).await;
    common::until("the stop is told", || async {
        let shown = run(&mut at(dir.path(), &["doctor"])).stdout;
        let shown = String::from_utf8_lossy(&shown);
        (shown.contains("it is stopped since") && shown.contains("3 wait") && shown.contains(": the sender is stopped"))
            .then_some(())
    })
    .await;
    assert!(dev.running.terminate());
}

#[test]
fn log_lines_in_a_file_have_no_colours() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let mut command = at(&dir.path().join("store"), &["serve", "--listen", "127.0.0.1:0", "--set", "log.level=info"]);
    let mut gateway = Running::start_logging(&mut command, &log);
    gateway.until("ready ");
    assert!(gateway.terminate());
    let text = std::fs::read_to_string(&log).unwrap();
    assert!(text.contains("the gateway is ready") && !text.contains('\u{1b}'), "{text:?}");
}

#[test]
fn versions_and_completions_are_printed() {
    assert_eq!(json(transom().args(["version", "--json"]))["version"], env!("CARGO_PKG_VERSION"));
    let completions = run(transom().args(["completions", "bash"]));
    assert!(String::from_utf8_lossy(&completions.stdout).contains("transom"));
}
