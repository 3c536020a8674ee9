//! The operator's commands: with a server and without, and what they say when something is wrong.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use reqwest::Method;
use serde_json::{Value, json};

use common::{Api, Running, env_file, json, run, transom};

fn at(dir: &Path, args: &[&str]) -> Command {
    let mut command = transom();
    command.args(args).arg("--dir").arg(dir);
    command
}

fn said(command: &mut Command) -> (Option<i32>, String) {
    let output = run(command);
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
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
    assert!(text.starts_with("tk_") && text.len() == 67, "256 bits in hex");

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
    assert!(String::from_utf8_lossy(&doctor.stdout).contains("registered, subscribed, its token works"));
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
    assert!(code == Some(1) && why.contains("--port"), "{why}");
    let (code, why) = said(&mut at(&desk, &["dev", "--port", "0", "--simulator-port", &port]));
    assert!(code == Some(1) && why.contains("--simulator-port"), "{why}");
    let (code, why) = said(&mut at(Path::new("/proc/nowhere"), &["serve", "--listen", "127.0.0.1:0"]));
    assert!(code == Some(1) && why.contains("/proc/nowhere"), "{why}");
}

#[tokio::test]
async fn the_shell_can_send_and_ask() {
    let dir = tempfile::tempdir().unwrap();
    let mut dev = Running::start(&mut at(dir.path(), &["dev", "--port", "0", "--simulator-port", "0"]));
    dev.until("Transom is ready");
    let file = dir.path().join("dev.env");
    let env = env_file(&file);
    let people = Api::new(&env["SIMULATOR_URL"], "").get("/sim/v1/customers").await;
    let phone = |name: &str| {
        let found = people["data"].as_array().unwrap().iter().find(|c| c["name"] == name).unwrap();
        found["phone"].as_str().unwrap().to_owned()
    };
    let ask = |what: &str, to: &str| {
        let mut command = transom();
        command.args([what, "--to", to, "--text", "Hello", "--env"]).arg(&file);
        command
    };
    let sent = json(ask("send", &phone("Ana")).args(["--wait", "--json", "--idempotency-key", "one"]));
    assert_eq!(sent["status"], "delivered");
    let again = json(ask("send", &phone("Ana")).args(["--json", "--idempotency-key", "one"]));
    assert_eq!(again["id"], sent["id"]);
    let (code, why) = said(&mut ask("send", &phone("Bo")));
    assert!(code == Some(1) && why.contains("ERROR_CODE_MESSAGE_TEMPLATE_APPROVAL_REQUIRED"), "{why}");
    let verdict = run(&mut ask("verdict", &phone("Bo")));
    assert!(String::from_utf8_lossy(&verdict.stdout).starts_with("needs_approval"));
    let listed = json(&mut at(dir.path(), &["sender", "list", "--json"]));
    assert_eq!(listed["data"][0]["address"], env["TRANSOM_SENDER"].as_str());
    assert!(dev.terminate());
}

#[test]
fn versions_and_completions_are_printed() {
    assert_eq!(json(transom().args(["version", "--json"]))["version"], env!("CARGO_PKG_VERSION"));
    let completions = run(transom().args(["completions", "bash"]));
    assert!(String::from_utf8_lossy(&completions.stdout).contains("transom"));
}
