//! The two processes under trial: started, set up as an operator would, killed and brought back.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex as Lock};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::task::block_in_place;

use crate::steps::say;

use super::client::{Client, list, text};
use super::process::Process;
use super::schedule::Whom;

/// After this the answer to a send counts as lost.
pub(super) const UPSTREAM_TIMEOUT: Duration = Duration::from_secs(3);
/// How long a message whose answer was lost waits for a status: longer than any stall of the schedule and the few seconds that
/// the upstream needs to tell again what nobody heard.
pub(super) const UNKNOWN_WAIT: Duration = Duration::from_secs(20);
/// The upstream tries a webhook that was not heard again after at most this many seconds.
pub(super) const WEBHOOK_GAP_SECONDS: u64 = 1;
/// The text of the template, and of what callers send outside a session.
pub(super) const TEMPLATE_TEXT: &str = "Hello {{1}}, your order is on its way to you.";
/// A way back that is longer is told at once.
const LONG: Duration = Duration::from_secs(3);
/// How long a process may take to come back before the run is given up.
const BACK_WITHIN: Duration = Duration::from_secs(120);

/// What the operator set up.
pub(super) struct Identity {
    /// Id of the business.
    pub(super) business: String,
    /// Addresses of its senders.
    pub(super) senders: Vec<String>,
    /// Their ids at Meta.
    pub(super) numbers: Vec<String>,
    /// What webhooks are signed with.
    pub(super) webhook_secret: String,
    /// The app at Meta and its secret, with which Meta signs.
    pub(super) app: (String, String),
}

/// Both processes.
pub(super) struct House {
    pub(super) gateway: Mutex<Process>,
    pub(super) simulator: Mutex<Process>,
    /// The gateway's folder.
    pub(super) folder: PathBuf,
    /// The API, under a key of the business.
    pub(super) api: Client,
    /// The simulator and its controls.
    pub(super) desk: Client,
    pub(super) identity: Identity,
    /// From each kill to readiness: gateway, simulator.
    back: Lock<(Vec<Duration>, Vec<Duration>)>,
    /// Starts that failed, such as on a full disk, and were tried again.
    pub(super) refused_starts: AtomicUsize,
}

fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

impl House {
    /// Starts both and sets them up. `folder` is the gateway's, `side` takes what is not under trial.
    ///
    /// # Errors
    /// When anything of it fails: nothing is under fault yet.
    pub(super) async fn open(transom: &Path, folder: &Path, side: &Path) -> Result<Self> {
        let (gateway_port, simulator_port) = (free_port()?, free_port()?);
        let simulator_args = ["simulate", "--json", "--port", &simulator_port.to_string(), "--dir"];
        let mut args: Vec<String> = simulator_args.iter().map(ToString::to_string).collect();
        args.push(side.join("simulator").display().to_string());
        let mut simulator = Process::new(transom, args, "}", side.join("simulator.log"));
        let meta: Value = serde_json::from_str(&block_in_place(|| simulator.start())?)?;
        let graph = text(&meta, "/graphUrl")?;
        let desk = Client::new(&graph, None)?;
        let numbers = prepare(&desk, &meta).await?;

        let store = folder.join("store");
        let mut args: Vec<String> = ["serve", "--dir"].iter().map(ToString::to_string).collect();
        args.push(store.display().to_string());
        args.extend(["--listen".into(), format!("127.0.0.1:{gateway_port}"), "--graph-url".into(), graph.clone()]);
        for (key, value) in settings() {
            args.extend(["--set".into(), format!("{key}={value}")]);
        }
        let mut gateway = Process::new(transom, args, "ready ", folder.join("gateway.log"));
        block_in_place(|| gateway.start())?;
        let url = format!("http://127.0.0.1:{gateway_port}");
        let operator = |args: &[&str], number: &str| block_in_place(|| operate(transom, &store, &meta, args, number));
        let business = text(&operator(&["business", "add", "--name", "Crash trial"], "")?, "/id")?;
        let key = text(&operator(&["key", "add"], "")?, "/text")?;
        for number in &numbers {
            operator(&["sender", "add"], number)?;
        }
        let api = Client::new(&url, Some(&key))?;
        let senders: Vec<String> = {
            let listed = api.get(&format!("/v1/businesses/{business}/senders")).await?;
            let by_number = |number: &String| {
                let sender = list(&listed, "/data").iter().find(|sender| sender.to_string().contains(number.as_str()));
                text(sender.with_context(|| format!("no sender {number} in {listed}"))?, "/address")
            };
            numbers.iter().map(by_number).collect::<Result<_>>()?
        };
        let app = (text(&meta, "/appId")?, text(&meta, "/appSecret")?);
        let identity = Identity { business, senders, numbers, webhook_secret: String::new(), app };
        Ok(Self {
            gateway: Mutex::new(gateway),
            simulator: Mutex::new(simulator),
            folder: folder.to_owned(),
            api,
            desk,
            identity,
            back: Lock::default(),
            refused_starts: AtomicUsize::new(0),
        })
    }

    /// Registers an endpoint for both topics; from then on deliveries can be verified.
    pub(super) async fn tell(&mut self, endpoint: &str) -> Result<()> {
        for topic in ["messages", "delivery_status"] {
            let path = format!("/v1/businesses/{}/create/webhooks", self.identity.business);
            let made = self.api.post(&path, &json!({ "topic": topic, "address": format!("{endpoint}/{topic}") })).await?;
            self.identity.webhook_secret = text(&made, "/secret")?;
        }
        Ok(())
    }

    /// The path of something of the business.
    pub(super) fn path(&self, rest: &str) -> String {
        format!("/v1/businesses/{}{rest}", self.identity.business)
    }

    /// `kill -9`, and up again at once; answers when it is ready.
    ///
    /// # Errors
    /// When it does not come back.
    pub(super) async fn kill(self: &Arc<Self>, whom: Whom) -> Result<()> {
        match whom {
            Whom::Gateway => self.kill_gateway().await,
            Whom::Simulator => self.kill_simulator().await,
            Whom::Both => {
                // In tasks of their own: starting a process blocks its task, and the other's time is measured too.
                let (one, other) = (self.clone(), self.clone());
                let gateway = tokio::spawn(async move { one.kill_gateway().await });
                other.kill_simulator().await.and(gateway.await?)
            }
        }
    }

    async fn kill_gateway(&self) -> Result<()> {
        let mut gateway = self.gateway.lock().await;
        let begun = Instant::now();
        block_in_place(|| gateway.kill())?;
        let at_once = self.bring_back(&mut gateway).await?;
        let listens = begun.elapsed();
        self.api.until_ready("/readyz", BACK_WITHIN).await?;
        let ready = begun.elapsed();
        if at_once {
            self.note(|back| back.0.push(ready));
            if ready > LONG {
                say(&format!(
                    "the gateway listened after {} ms and was ready after {} ms",
                    listens.as_millis(),
                    ready.as_millis()
                ));
            }
        }
        Ok(())
    }

    async fn kill_simulator(&self) -> Result<()> {
        let mut simulator = self.simulator.lock().await;
        let begun = Instant::now();
        block_in_place(|| simulator.kill())?;
        let at_once = self.bring_back(&mut simulator).await?;
        self.desk.until_ready("/sim/v1/clock", BACK_WITHIN).await?;
        let ready = begun.elapsed();
        if at_once {
            self.note(|back| back.1.push(ready));
            if ready > LONG {
                say(&format!("the simulator was ready after {} ms", ready.as_millis()));
            }
        }
        Ok(())
    }

    fn note(&self, note: impl FnOnce(&mut (Vec<Duration>, Vec<Duration>))) {
        note(&mut self.back.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    }

    /// From each kill to readiness: gateway, simulator. Without those whose start met a full disk.
    pub(super) fn back(&self) -> (Vec<Duration>, Vec<Duration>) {
        self.back.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// Starts a process, again and again while its disk is full. Says whether the first start did.
    pub(super) async fn bring_back(&self, process: &mut Process) -> Result<bool> {
        let end = Instant::now() + BACK_WITHIN;
        let mut at_once = true;
        while let Err(why) = block_in_place(|| process.start()) {
            if Instant::now() > end {
                bail!("{why:#}\n{}", process.last_words(5));
            }
            at_once = false;
            self.refused_starts.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(at_once)
    }
}

/// The gateway's configuration in this trial; everything else is as it comes.
pub(super) fn settings() -> Vec<(&'static str, String)> {
    vec![
        ("upstream.timeout", format!("{}s", UPSTREAM_TIMEOUT.as_secs())),
        ("limits.unknown_wait", format!("{}s", UNKNOWN_WAIT.as_secs())),
        ("webhooks.timeout", "2s".to_owned()),
        ("webhooks.allow_loopback", "true".to_owned()),
        ("webhooks.allow_http", "true".to_owned()),
        ("log.level", "warn".to_owned()),
    ]
}

/// A second number, the highest tier, a template that the desk has approved, and short gaps between the tries of a webhook.
async fn prepare(desk: &Client, meta: &Value) -> Result<Vec<String>> {
    let change = json!({ "webhookGapMaxSeconds": WEBHOOK_GAP_SECONDS });
    desk.insist(Method::PATCH, "/sim/v1/settings", Some(&change), BACK_WITHIN).await?;
    let first = text(meta, "/phoneNumberId")?;
    let second = text(&desk.post("/sim/v1/numbers", &json!({ "phone": "+4930901820001", "name": "Second" })).await?, "/id")?;
    let numbers = vec![first, second];
    for number in &numbers {
        let tier = json!({ "throughput": 1_000, "tier": "TIER_UNLIMITED", "registered": true });
        desk.insist(Method::PATCH, &format!("/sim/v1/numbers/{number}"), Some(&tier), BACK_WITHIN).await?;
    }
    let body = json!({ "type": "BODY", "text": TEMPLATE_TEXT, "example": { "body_text": [["Ana"]] } });
    let template = json!({ "name": "crash", "language": "en", "category": "UTILITY", "components": [body] });
    let (waba, token) = (text(meta, "/wabaId")?, text(meta, "/accessToken")?);
    let filed = desk.post(&format!("/v25.0/{waba}/message_templates?access_token={token}"), &template).await?;
    let id = text(&filed, "/id")?;
    desk.post(&format!("/sim/v1/templates/{id}/review"), &json!({ "decision": "approve" })).await?;
    Ok(numbers)
}

/// One command of the operator.
fn operate(transom: &Path, store: &Path, meta: &Value, args: &[&str], number: &str) -> Result<Value> {
    let mut command = Command::new(transom);
    command.args(args).arg("--json").arg("--dir").arg(store);
    for (variable, at) in [
        ("META_APP_ID", "/appId"),
        ("META_APP_SECRET", "/appSecret"),
        ("META_VERIFY_TOKEN", "/verifyToken"),
        ("META_ACCESS_TOKEN", "/accessToken"),
        ("META_WABA_ID", "/wabaId"),
    ] {
        command.env(variable, text(meta, at)?);
    }
    command.env("META_PHONE_NUMBER_ID", number);
    let output = command.output()?;
    if !output.status.success() {
        bail!("{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    serde_json::from_slice(&output.stdout).with_context(|| format!("{args:?} printed no JSON"))
}
