//! `apply`, interrupted at every call in turn, then run again: the same end, and nothing made twice.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use axum::http::Method;
use serde_json::{Value, json};

use crate::common::{Api, Dev, Running, at, free_port, json, run, transom, until};
use crate::gate::{Blow, Cut, Gate};
use crate::{Target, told, write};

/// Templates that each round makes, while it deletes those of the round before.
const MADE: usize = 2;

fn changes_gateway(method: &Method, path: &str) -> bool {
    *method != Method::GET && !path.contains("/templates/lint")
}

/// What changes a template at Meta: `POST /{waba}/message_templates`, `POST /{template}`, `DELETE`.
fn changes_meta(method: &Method, path: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    let is_edit = path.rsplit('/').next().is_some_and(|last| last.len() > 5 && last.bytes().all(|b| b.is_ascii_digit()));
    *method == Method::DELETE || *method == Method::POST && (path.ends_with("/message_templates") || is_edit)
}

/// The stage of every round: a folder, the simulator, and what was called in the round before.
struct Stage {
    folder: PathBuf,
    sim: Api,
    round: usize,
    seen: u64,
}

impl Stage {
    fn new(folder: &Path, sim: Api) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        Self { folder: folder.to_owned(), sim, round: 0, seen: 0 }
    }

    fn name(round: usize, n: usize) -> String {
        format!("round_{round}_{n}")
    }

    fn put(&self, name: &str, text: &str) {
        let file = format!("name = \"{name}\"\ncategory = \"UTILITY\"\n\n[languages.en_US]\nbody = \"{text}\"\n");
        write(&self.folder, &format!("{name}.toml"), &file);
    }

    /// The next round: new files in the place of the last round's, and another text in the one that stays.
    async fn next(&mut self, target: &Target) {
        for n in 0..MADE {
            let _gone = std::fs::remove_file(self.folder.join(format!("{}.toml", Self::name(self.round, n))));
        }
        self.round += 1;
        for n in 0..MADE {
            self.put(&Self::name(self.round, n), &format!("Your order of round {} is packed, part {n}.", self.round));
        }
        // What is rejected can be edited as often as one likes.
        let templates = self.sim.get("/sim/v1/templates").await;
        let stays = templates["data"].as_array().unwrap().iter().find(|t| t["name"] == "stays").unwrap();
        let path = format!("/sim/v1/templates/{}/review", stays["id"].as_str().unwrap());
        self.sim.post(&path, &json!({ "decision": "reject", "reason": "INVALID_FORMAT" })).await;
        until("the rejection", || async {
            let output = run(&mut target.plain(&["status", "stays", "--json"]));
            let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
            (shown["data"][0]["status"] == "REJECTED").then_some(())
        })
        .await;
        self.put("stays", &format!("Your order is in round {} now.", self.round));
        self.seen = self.calls().await.last().map_or(self.seen, |call| call["seq"].as_u64().unwrap());
    }

    async fn calls(&self) -> Vec<Value> {
        let page = self.sim.get(&format!("/sim/v1/requests?limit=1000&after={}", self.seen)).await;
        page["data"].as_array().unwrap().clone()
    }

    /// Meta has what the files say, and was asked for each change once.
    async fn assert_done(&self, target: &Target, what: &str) {
        let (code, plan) = target.json(&self.folder, &["plan", "--prune", "--check"]);
        assert_eq!(code, 0, "{what}: {plan:#}");
        let mut done: BTreeMap<String, usize> = BTreeMap::new();
        for call in self.calls().await {
            let (method, path) = (call["method"].as_str().unwrap(), call["path"].as_str().unwrap());
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            if !changes_meta(&method, path) {
                continue;
            }
            assert!(call["status"] == 200, "{what}: Meta refused {call:#}");
            let name = call["body"]["name"].as_str().unwrap_or_default();
            *done.entry(format!("{method} {}", if name.is_empty() { path } else { name })).or_default() += 1;
        }
        assert!(done.values().all(|times| *times == 1), "{what}: {done:#?}");
        // The first round has nothing to delete.
        let deleted = if self.round == 1 { 0 } else { MADE };
        assert_eq!(done.len(), MADE + 1 + deleted, "{what}: {done:#?}");
    }
}

fn target_of(dev: &Dev) -> Target {
    Target {
        url: dev.env["TRANSOM_URL"].clone(),
        business: dev.env["TRANSOM_BUSINESS"].clone(),
        key: dev.env["TRANSOM_API_KEY"].clone(),
    }
}

/// Empties the account but for one template, which stays.
fn begin(stage: &Stage, target: &Target) {
    stage.put("stays", "Your order is in round 0 now.");
    let (code, said) = target.told(&stage.folder, &["apply", "--prune"]);
    assert_eq!(code, 0, "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_at_any_call_makes_nothing_twice() {
    let dir = tempfile::tempdir().unwrap();
    let dev = Dev::open(&dir.path().join("dev"));
    let target = target_of(&dev);
    let gate = Gate::open(&target.url, changes_gateway).await;
    let through = Target { url: gate.url.clone(), ..target.clone() };
    let mut stage = Stage::new(&dir.path().join("templates"), dev.desk.clone());
    begin(&stage, &target);
    for (blow, changes_only) in [(Blow::Before, false), (Blow::During, true), (Blow::After, true)] {
        let mut rounds = 0;
        for at in 1.. {
            stage.next(&target).await;
            let cut = Cut { at, blow, changes_only };
            gate.cut(Some(cut));
            let mut command = through.command(&stage.folder, &["apply", "--prune"]);
            let mut child = command.stdout(Stdio::null()).spawn().unwrap();
            gate.victim(child.id());
            let status = tokio::task::spawn_blocking(move || child.wait().unwrap()).await.unwrap();
            let is_over = gate.is_armed();
            gate.cut(None);
            if is_over {
                assert!(status.success());
            } else {
                assert!(status.code().is_none(), "{cut:?}: it was killed");
                let (code, said) = target.told(&stage.folder, &["apply", "--prune"]);
                assert_eq!(code, 0, "{cut:?}: {said}");
            }
            stage.assert_done(&target, &format!("{cut:?}")).await;
            rounds = at;
            if is_over {
                break;
            }
        }
        assert!(rounds > MADE + 1, "{blow:?} fell {rounds} times");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_of_the_gateway_at_any_of_its_calls_makes_nothing_twice() {
    let dir = tempfile::tempdir().unwrap();
    let mut simulator =
        Running::start(transom().args(["simulate", "--json", "--port", "0", "--dir"]).arg(dir.path().join("sim")));
    let meta = simulator.object();
    let graph = meta["graphUrl"].as_str().unwrap().to_owned();
    let gate = Gate::open(&graph, changes_meta).await;
    let port = free_port();
    let serve = || {
        let mut command = at(&dir.path().join("gateway"), &["serve", "--graph-url", &gate.url]);
        command.args(["--listen", &format!("127.0.0.1:{port}"), "--set", "log.level=error"]);
        let mut gateway = Running::start(&mut command);
        gateway.until("ready ");
        gateway
    };
    let mut gateway = serve();
    let target = set_up(&dir.path().join("gateway"), &meta, &format!("http://127.0.0.1:{port}"));
    let mut stage = Stage::new(&dir.path().join("templates"), Api::new(&graph, ""));
    begin(&stage, &target);
    for blow in [Blow::Before, Blow::After] {
        let mut rounds = 0;
        for at in 1.. {
            stage.next(&target).await;
            let cut = Cut { at, blow, changes_only: true };
            gate.cut(Some(cut));
            gate.victim(gateway.id());
            let mut command = target.command(&stage.folder, &["apply", "--prune"]);
            let output = tokio::task::spawn_blocking(move || run(&mut command)).await.unwrap();
            let is_over = gate.is_armed();
            gate.cut(None);
            let (code, said) = told(&output);
            if is_over {
                assert_eq!(code, 0, "{said}");
            } else {
                assert_eq!(code, 1, "{cut:?}: {said}");
                assert!(said.contains("Run it again"), "{said}");
                gateway.kill();
                gateway = serve();
                let (code, said) = target.told(&stage.folder, &["apply", "--prune"]);
                assert_eq!(code, 0, "{cut:?}: {said}");
            }
            stage.assert_done(&target, &format!("{cut:?}")).await;
            rounds = at;
            if is_over {
                break;
            }
        }
        assert!(rounds > MADE + 1, "{blow:?} fell {rounds} times");
    }
}

/// Business, key, app and sender over the command line, as an operator would.
fn set_up(dir: &Path, meta: &Value, url: &str) -> Target {
    let operator = |args: &[&str]| {
        let mut command = at(dir, args);
        command.arg("--json");
        for (variable, field) in [
            ("META_APP_ID", "appId"),
            ("META_APP_SECRET", "appSecret"),
            ("META_VERIFY_TOKEN", "verifyToken"),
            ("META_ACCESS_TOKEN", "accessToken"),
            ("META_WABA_ID", "wabaId"),
            ("META_PHONE_NUMBER_ID", "phoneNumberId"),
        ] {
            command.env(variable, meta[field].as_str().unwrap());
        }
        json(&mut command)
    };
    let business = operator(&["business", "add", "--name", "Template test"])["id"].as_str().unwrap().to_owned();
    let key = operator(&["key", "add", "--scopes", "templates"])["text"].as_str().unwrap().to_owned();
    operator(&["sender", "add"]);
    Target { url: url.to_owned(), business, key }
}
