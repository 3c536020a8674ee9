//! The house on PostgreSQL: how it is configured, what it says when something is wrong, and that it goes on when the server dies.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::path::Path;
use std::process::Command;

use reqwest::Method;
use serde_json::json;

use common::{Api, Dev, KEY, Running, at, json, run, said, transom, until};
use transom_testing::Postgres;

/// A command of a process whose store is at an address.
fn on(url: &str, dir: &Path, args: &[&str]) -> Command {
    let mut command = at(dir, args);
    command.env("TRANSOM_STORE__URL", url).env("TRANSOM_SEAL_KEY", KEY);
    command
}

fn serve(url: &str, dir: &Path) -> (Running, String) {
    let mut gateway = Running::start(&mut on(
        url,
        dir,
        &["serve", "--listen", "127.0.0.1:0", "--set", "server.drain=1s", "--set", "log.level=error"],
    ));
    let address = gateway.until("ready ").trim_start_matches("ready ").to_owned();
    (gateway, address)
}

#[test]
fn what_is_wrong_with_the_store_is_said_with_its_remedy_and_without_its_password() {
    let dir = tempfile::tempdir().unwrap();
    let url = Postgres::shared().database();
    let with = |command: &mut Command| {
        let (code, why) = said(command);
        assert!(!why.contains("hunter2"), "{why}");
        (code, why)
    };
    let secret = url.replacen("transom@", "transom:hunter2@", 1);

    // A command that only looks makes nothing.
    let (code, why) = with(&mut on(&secret, dir.path(), &["business", "list"]));
    assert!(code == Some(1) && why.contains("has no store in it") && why.contains("transom serve"), "{why}");
    let (code, why) = with(&mut on(&secret.replace("/transom", "/nowhere"), dir.path(), &["serve", "--listen", "127.0.0.1:0"]));
    assert!(code == Some(1) && why.contains("does not exist") && why.contains("store.url"), "{why}");
    let nobody = "postgres://me:hunter2@127.0.0.1:9/shop";
    let (code, why) =
        with(&mut on(nobody, dir.path(), &["serve", "--listen", "127.0.0.1:0", "--set", "store.start_timeout=300ms"]));
    assert!(code == Some(1) && why.contains("waited for") && why.contains("sslmode"), "{why}");
    let (code, why) = with(on(&secret, dir.path(), &["serve", "--listen", "127.0.0.1:0"]).env_remove("TRANSOM_SEAL_KEY"));
    assert!(code == Some(2) && why.contains("no sealing key") && why.contains("openssl rand -hex 32"), "{why}");
    assert!(!dir.path().join("seal.key").exists(), "a key that others do not have is not made");
    let (code, why) = with(on(&secret, dir.path(), &["serve"]).env("TRANSOM_STORE__PASSWORD_FILE", dir.path().join("none")));
    assert!(code == Some(2) && why.contains("store.password_file") && why.contains("cannot be read"), "{why}");
    std::fs::write(dir.path().join("empty.pem"), "").unwrap();
    let (code, why) = with(on(&secret, dir.path(), &["serve"]).env("TRANSOM_STORE__CA_FILE", dir.path().join("empty.pem")));
    assert!(code == Some(2) && why.contains("store.ca_file") && why.contains("PEM"), "{why}");
    let shown = run(&mut on(&secret, dir.path(), &["config", "show", "--origin"]));
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("url = \"postgres://transom@") && !shown.contains("hunter2"), "{shown}");
}

#[tokio::test]
async fn a_house_on_postgresql_is_set_up_with_and_without_a_server_and_outlives_its_death() {
    let dir = tempfile::tempdir().unwrap();
    let postgres = Postgres::start(&[]);
    let url = postgres.database();
    let store = dir.path().join("one");
    let business = json(&mut on(&url, &store, &["business", "add", "--name", "Tea shop", "--json"]));
    let key = json(&mut on(&url, &store, &["key", "add", "--json"]));
    let (gateway, address) = serve(&url, &store);
    // Through the server's door, and from a folder that has none.
    for folder in [&store, &dir.path().join("other")] {
        let listed = json(&mut on(&url, folder, &["business", "list", "--json"]));
        assert_eq!(listed["data"][0]["id"], business["id"]);
    }
    let (code, why) = said(&mut on(&url, &store, &["serve", "--listen", "127.0.0.1:0"]));
    assert!(code == Some(1) && why.contains("folder of its own"), "{why}");
    let wrong = "ff".repeat(32);
    let (code, why) = said(on(&url, &dir.path().join("other"), &["business", "list"]).env("TRANSOM_SEAL_KEY", &wrong));
    assert!(code == Some(1) && why.contains("cannot be opened with the sealing key in use"), "{why}");

    let api = Api::new(&address, key["text"].as_str().unwrap());
    let endpoints = format!("/v1/businesses/{}/endpoints", business["id"].as_str().unwrap());
    let hook = json!({ "url": "https://shop.example.com/hook", "events": ["message.*"] });
    api.post(&endpoints, &hook).await;
    assert_eq!(api.get("/readyz").await["store"], "commits");
    postgres.kill();
    until("readiness to say that the store is gone", || async {
        let (status, ready) = api.try_call(Method::GET, "/readyz", None, None).await?;
        (status == 503 && ready["store"].as_str()?.starts_with("cannot commit")).then_some(())
    })
    .await;
    postgres.begin();
    until("readiness to say that it is back", || async {
        let (status, _) = api.try_call(Method::GET, "/readyz", None, None).await?;
        (status == 200).then_some(())
    })
    .await;
    assert_eq!(api.get(&endpoints).await["data"].as_array().unwrap().len(), 1);
    api.post(&endpoints, &json!({ "url": "https://shop.example.com/more", "events": ["message.*"] })).await;
    assert!(gateway.terminate());
    let (_again, address) = serve(&url, &store);
    let api = Api::new(&address, key["text"].as_str().unwrap());
    assert_eq!(api.get(&endpoints).await["data"].as_array().unwrap().len(), 2);
}

/// The name of a database, from its address.
fn name_of(url: &str) -> &str {
    url.rsplit('/').next().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waited_in_a_dump_is_held_after_a_restore() {
    let dir = tempfile::tempdir().unwrap();
    let postgres = Postgres::start(&[]);
    let (url, dump) = (postgres.database(), postgres.folder().join("monday.dump"));
    let mut desk = transom();
    desk.args(["dev", "--port", "0", "--simulator-port", "0", "--store", &url, "--dir"]).arg(dir.path());
    let dev = Dev::of(dir.path(), &mut desk);
    let ana = dev.phone_of("Ana").await;
    dev.desk.call(Method::PUT, "/sim/v1/faults", Some(&json!([{ "kind": "error", "share": 1.0, "code": 130_429 }]))).await;
    let body = json!({ "to": ana, "content": { "language": "en", "types": { "twilio/text": { "body": "Hello" } } } });
    let path = dev.path("/messages");
    let waiting = format!("{path}/{}", dev.api.post(&path, &body).await["id"].as_str().unwrap());
    until("the first try", || async {
        let message = dev.api.get(&waiting).await;
        (message["attempts"][0]["status"] == "refused" || message["attempts"][0]["error"].is_object()).then_some(())
    })
    .await;
    done(postgres.tool("pg_dump").args(["-Fc", "-d", name_of(&url), "-f"]).arg(&dump));
    // What is due only after a restore cannot have left before it, and stays scheduled: the next try must be due by then.
    let due = dev.api.get(&waiting).await["notBefore"].as_str().unwrap().to_owned();
    until("the next try is due", || async {
        let clock = dev.desk.get("/sim/v1/clock").await;
        (clock["now"].as_str().unwrap() > due.as_str()).then_some(())
    })
    .await;
    // While a server works there, nobody decides what it is about to send.
    let (code, why) = said(transom().args(["store", "restored", "--to", &url]));
    assert!(code == Some(2) && why.contains("Stop the servers"), "{why}");
    let key = dev.env["TRANSOM_API_KEY"].clone();
    assert!(dev.running.terminate());

    let new = postgres.database();
    done(postgres.tool("pg_restore").args(["--no-owner", "-d", name_of(&new)]).arg(&dump));
    let restored = json(transom().args(["store", "restored", "--to", &new, "--hold", "30m", "--json"]));
    assert!(restored["messages"].as_u64().unwrap() >= 1, "{restored}");
    let mut serve = on(&new, &dir.path().join("new"), &["serve", "--listen", "127.0.0.1:0", "--graph-url", "http://127.0.0.1:9"]);
    serve.arg("--set").arg(format!("seal.key_file={}", dir.path().join("gateway/seal.key").display()));
    let mut gateway = Running::start(serve.args(["--set", "log.level=error"]));
    let api = Api::new(gateway.until("ready ").trim_start_matches("ready "), &key);
    let held = api.get(&waiting).await;
    assert_eq!(held["status"], "unknown", "{held}");
    assert!(gateway.terminate());
}

fn done(command: &mut Command) {
    let (code, why) = said(command);
    assert_eq!(code, Some(0), "{why}");
}
