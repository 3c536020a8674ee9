//! A backup made while messages are sent, and a folder made of it: what had been answered is there, and what waited is not sent
//! twice by itself.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use reqwest::Method;
use serde_json::{Value, json};

use common::{Api, Dev, Running, at, json as told, run, said, transom, until};

/// A restore of this backup into this folder.
fn restore(file: &Path, dir: &Path, key: &Path, more: &[&str]) -> Command {
    let mut command = at(dir, &["restore", "--json"]);
    command.arg("--from").arg(file).arg("--key").arg(key).args(more);
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_under_load_becomes_a_folder_with_all_that_was_answered() {
    let dir = tempfile::tempdir().unwrap();
    let desk_dir = dir.path().join("desk");
    let dev = Dev::open(&desk_dir);
    let (api, desk, path) = (dev.api.clone(), dev.desk.clone(), dev.path("/messages"));
    let ana = dev.phone_of("Ana").await;
    let body = json!({ "to": ana, "content": { "language": "en", "types": { "twilio/text": { "body": "Hello" } } } });

    // One that waits: Meta turns everything away for a while.
    desk.call(Method::PUT, "/sim/v1/faults", Some(&json!([{ "kind": "error", "share": 1.0, "code": 130_429 }]))).await;
    let waiting = api.post(&path, &body).await["id"].as_str().unwrap().to_owned();
    until("the first try", || async {
        let message = api.get(&format!("{path}/{waiting}")).await;
        (message["attempts"][0]["status"] == "refused" || message["attempts"][0]["error"].is_object()).then_some(())
    })
    .await;

    let (answered, file) = (api.post(&path, &body).await["id"].clone(), dir.path().join("monday"));
    let over = Arc::new(AtomicBool::new(false));
    let load = tokio::spawn({
        let (api, path, body, over) = (api.clone(), path.clone(), body.clone(), over.clone());
        async move {
            let mut sent = 0;
            while !over.load(Ordering::Relaxed) {
                let (status, answer) = api.call(Method::POST, &path, Some(&body)).await;
                assert!(status == 201 || status == 429, "{status}: {answer}");
                sent += 1;
            }
            sent
        }
    });
    let made = tokio::task::spawn_blocking({
        let (desk_dir, file) = (desk_dir.clone(), file.clone());
        move || told(at(&desk_dir, &["backup", "--json", "--with-key"]).arg("--to").arg(file))
    })
    .await
    .unwrap();
    over.store(true, Ordering::Relaxed);
    assert!(load.await.unwrap() > 0, "sends went on");
    assert!(made["facts"]["rows"]["message"].as_u64().unwrap() >= 2, "{made}");
    let (code, why) = said(at(&desk_dir, &["backup"]).arg("--to").arg(&file));
    assert!(code == Some(2) && why.contains("is there already"), "{why}");
    assert!(run(transom().args(["backup", "--check"]).arg(&file)).status.success());
    // What is due only after a restore cannot have left before it, and stays scheduled: the next try must be due by then.
    let due = api.get(&format!("{path}/{waiting}")).await["notBefore"].as_str().unwrap().to_owned();
    until("the next try is due", || async {
        let clock = desk.get("/sim/v1/clock").await;
        (clock["now"].as_str().unwrap() > due.as_str()).then_some(())
    })
    .await;
    let api_key = dev.env["TRANSOM_API_KEY"].clone();
    assert!(dev.running.terminate());

    let key = dir.path().join("monday.key");
    let new = dir.path().join("new");
    let restored = told(&mut restore(&file, &new, &key, &["--hold", "30m"]));
    assert!(restored["messages"].as_u64().unwrap() >= 1, "{restored}");
    let mut serve =
        at(&new, &["serve", "--listen", "127.0.0.1:0", "--graph-url", "http://127.0.0.1:9", "--set", "log.level=error"]);
    let mut gateway = Running::start(&mut serve);
    let url = gateway.until("ready ").trim_start_matches("ready ").to_owned();
    let api = Api::new(&url, &api_key);
    assert_eq!(api.get(&format!("{path}/{}", answered.as_str().unwrap())).await["id"], answered);
    let held: Value = api.get(&format!("{path}/{waiting}")).await;
    assert_eq!(held["status"], "unknown", "{held}");
    assert!(gateway.terminate());

    // Not over what is there, but with leave; not of what is damaged, and then nothing is made.
    let (code, why) = said(&mut restore(&file, &new, &key, &[]));
    assert!(code == Some(1) && why.contains("is not empty") && why.contains("--replace"), "{why}");
    told(&mut restore(&file, &new, &key, &["--replace", "--queue", "fail"]));
    assert!(new.join("transom.db.replaced").exists());
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let (code, why) = said(&mut restore(&file, &dir.path().join("third"), &key, &[]));
    assert!(code == Some(1) && why.contains("is damaged"), "{why}");
    assert!(!dir.path().join("third").join("transom.db").exists());
    assert_eq!(said(transom().args(["backup", "--check"]).arg(&file)).0, Some(1));

    // A folder that nobody holds is backed up by the command itself.
    let cold = told(at(&new, &["backup", "--json"]).arg("--to").arg(dir.path().join("cold")));
    assert_eq!(cold["facts"]["rows"]["message"], made["facts"]["rows"]["message"]);
}
