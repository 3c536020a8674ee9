//! The processes under trial, a simulator and one gateway or several: started, set up as an operator would, killed and brought back.

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
use transom_testing::Postgres;

use crate::steps::say;

use super::balancer;
use super::client::{Client, list, text};
use super::process::Process;
use super::schedule::Whom;

/// After this the answer to a send counts as lost.
pub(crate) const UPSTREAM_TIMEOUT: Duration = Duration::from_secs(3);
/// How long a message whose answer was lost waits for a status: longer than any stall of the schedule and the few seconds that
/// the upstream needs to tell again what nobody heard.
pub(crate) const UNKNOWN_WAIT: Duration = Duration::from_secs(20);
/// The upstream tries a webhook that was not heard again after at most this many seconds.
pub(crate) const WEBHOOK_GAP_SECONDS: u64 = 1;
/// The text of the template, and of what callers send outside a session.
pub(crate) const TEMPLATE_TEXT: &str = "Hello {{1}}, your order is on its way to you.";
/// A way back that is longer is told at once.
const LONG: Duration = Duration::from_secs(3);
/// How long a process may take to come back before the run is given up.
const BACK_WITHIN: Duration = Duration::from_secs(120);

/// What the operator set up.
pub(crate) struct Identity {
    /// Id of the business.
    pub(crate) business: String,
    /// Addresses of its senders.
    pub(crate) senders: Vec<String>,
    /// Their ids at Meta.
    pub(crate) numbers: Vec<String>,
    /// What webhooks are signed with.
    pub(crate) webhook_secret: String,
    /// The app at Meta and its secret, with which Meta signs.
    pub(crate) app: (String, String),
}

/// Where the store is.
pub(crate) enum Place {
    /// In the folder of the one gateway.
    Folder,
    /// On a server of this run's own.
    Postgres(Postgres),
    /// On a server that somebody else looks after, at this address.
    At(String),
}

impl Place {
    /// `store.url`.
    fn url(&self) -> Option<String> {
        match self {
            Self::Folder => None,
            Self::Postgres(postgres) => Some(postgres.database()),
            Self::At(url) => Some(url.clone()),
        }
    }
}

/// What is put under trial.
pub(crate) struct Order<'a> {
    /// The program.
    pub(crate) transom: &'a Path,
    /// The first gateway's folder; it may be on a file system of its own.
    pub(crate) folder: &'a Path,
    /// Takes what else there is.
    pub(crate) side: &'a Path,
    /// Where the store is.
    pub(crate) store: Place,
    /// How many gateways work on it; more than one need a store that is not a folder.
    pub(crate) gateways: usize,
    /// Their configuration.
    pub(crate) settings: &'a [(&'static str, String)],
}

/// One `transom serve`.
pub(crate) struct Gateway {
    pub(crate) process: Mutex<Process>,
    /// Its folder.
    pub(crate) folder: PathBuf,
    /// Its API, under a key of the business.
    pub(crate) api: Client,
}

/// All processes.
pub(crate) struct House {
    first: Gateway,
    /// Others on the same store.
    others: Vec<Gateway>,
    turn: AtomicUsize,
    pub(crate) simulator: Mutex<Process>,
    /// Where the store is.
    pub(crate) store: Place,
    /// The simulator and its controls.
    pub(crate) desk: Client,
    pub(crate) identity: Identity,
    /// From each kill to readiness: gateway, simulator.
    back: Lock<(Vec<Duration>, Vec<Duration>)>,
    /// Starts that failed, such as on a full disk, and were tried again.
    pub(crate) refused_starts: AtomicUsize,
}

fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

impl House {
    /// Starts all and sets them up.
    ///
    /// # Errors
    /// When anything of it fails: nothing is under fault yet.
    pub(crate) async fn open(order: Order<'_>) -> Result<Self> {
        let Order { transom, folder, side, store, gateways, settings } = order;
        let ports: Vec<u16> = (0..gateways.max(1)).map(|_| free_port()).collect::<Result<_>>()?;
        let simulator_port = free_port()?;
        let simulator_args = ["simulate", "--json", "--port", &simulator_port.to_string(), "--dir"];
        let mut args: Vec<String> = simulator_args.iter().map(ToString::to_string).collect();
        args.push(side.join("simulator").display().to_string());
        let mut simulator = Process::new(transom, args, "}", side.join("simulator.log"));
        let meta: Value = serde_json::from_str(&block_in_place(|| simulator.start())?)?;
        let graph = text(&meta, "/graphUrl")?;
        let desk = Client::new(&graph, None)?;
        let numbers = prepare(&desk, &meta).await?;

        let mut shared: Vec<String> = vec!["--graph-url".into(), graph.clone()];
        let mut set = |key: &str, value: &str| shared.extend(["--set".into(), format!("{key}={value}")]);
        for (key, value) in settings {
            set(key, value);
        }
        if let Some(url) = block_in_place(|| store.url()) {
            let key = side.join("seal.key");
            std::fs::write(&key, "5a".repeat(32))?;
            set("store.url", &url);
            set("seal.key_file", &key.display().to_string());
        }
        if ports.len() > 1 {
            set("server.public_url", &balancer::open(ports.clone()).await?);
        }
        let serve = |port: &u16, folder: &Path| {
            let listen = format!("127.0.0.1:{port}");
            let mut args: Vec<String> = ["serve", "--listen", &listen, "--dir"].iter().map(ToString::to_string).collect();
            args.push(folder.join("store").display().to_string());
            args.extend(shared.iter().cloned());
            let mut process = Process::new(transom, args, "ready ", folder.join("gateway.log"));
            block_in_place(|| process.start())?;
            anyhow::Ok(process)
        };
        let [first_port, other_ports @ ..] = ports.as_slice() else { bail!("a house needs a gateway") };
        let first = serve(first_port, folder)?;
        let operator =
            |args: &[&str], number: &str| block_in_place(|| operate(transom, &folder.join("store"), &meta, args, number));
        let business = text(&operator(&["business", "add", "--name", "Crash trial"], "")?, "/id")?;
        let key = text(&operator(&["key", "add"], "")?, "/text")?;
        for number in &numbers {
            operator(&["sender", "add"], number)?;
        }
        let gateway = |process: Process, port: &u16, folder: PathBuf| {
            let api = Client::new(&format!("http://127.0.0.1:{port}"), Some(&key))?;
            anyhow::Ok(Gateway { process: Mutex::new(process), folder, api })
        };
        let first = gateway(first, first_port, folder.to_owned())?;
        let mut others = Vec::new();
        for (number, port) in (2..).zip(other_ports) {
            let folder = side.join(format!("gateway{number}"));
            std::fs::create_dir(&folder)?;
            others.push(gateway(serve(port, &folder)?, port, folder)?);
        }
        let senders: Vec<String> = {
            let listed = first.api.get(&format!("/v1/businesses/{business}/senders")).await?;
            let by_number = |number: &String| {
                let sender = list(&listed, "/data").iter().find(|sender| sender.to_string().contains(number.as_str()));
                text(sender.with_context(|| format!("no sender {number} in {listed}"))?, "/address")
            };
            numbers.iter().map(by_number).collect::<Result<_>>()?
        };
        let app = (text(&meta, "/appId")?, text(&meta, "/appSecret")?);
        let identity = Identity { business, senders, numbers, webhook_secret: String::new(), app };
        Ok(Self {
            first,
            others,
            turn: AtomicUsize::new(0),
            simulator: Mutex::new(simulator),
            store,
            desk,
            identity,
            back: Lock::default(),
            refused_starts: AtomicUsize::new(0),
        })
    }

    /// All gateways, in their order.
    pub(crate) fn gateways(&self) -> impl Iterator<Item = &Gateway> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// One of them, whatever the number.
    pub(crate) fn gateway(&self, number: usize) -> &Gateway {
        (number % (self.others.len() + 1)).checked_sub(1).and_then(|other| self.others.get(other)).unwrap_or(&self.first)
    }

    /// The API of the gateway whose turn it is, and its place among them.
    pub(crate) fn next(&self) -> (usize, &Client) {
        let number = self.turn.fetch_add(1, Ordering::Relaxed) % (self.others.len() + 1);
        (number, &self.gateway(number).api)
    }

    /// The API, of whichever.
    pub(crate) fn api(&self) -> &Client {
        self.next().1
    }

    /// Tells all gateways to end, one after the other. Says whether each did well, and how long it took.
    ///
    /// # Errors
    /// When one does not run.
    pub(crate) async fn terminate(&self) -> Result<Vec<(bool, Duration)>> {
        let mut ends = Vec::new();
        for gateway in self.gateways() {
            let mut process = gateway.process.lock().await;
            ends.push(block_in_place(|| process.terminate())?);
        }
        Ok(ends)
    }

    /// Registers an endpoint for both topics; from then on deliveries can be verified.
    pub(crate) async fn tell(&mut self, endpoint: &str) -> Result<()> {
        for topic in ["messages", "delivery_status"] {
            let path = format!("/v1/businesses/{}/create/webhooks", self.identity.business);
            let made = self.first.api.post(&path, &json!({ "topic": topic, "address": format!("{endpoint}/{topic}") })).await?;
            self.identity.webhook_secret = text(&made, "/secret")?;
        }
        Ok(())
    }

    /// The path of something of the business.
    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/v1/businesses/{}{rest}", self.identity.business)
    }

    /// `kill -9`, and up again at once; answers when it is ready. Of several gateways it is the one of this number.
    ///
    /// # Errors
    /// When it does not come back.
    pub(crate) async fn kill(self: &Arc<Self>, whom: Whom, number: usize) -> Result<()> {
        match whom {
            Whom::Gateway => self.kill_gateway(number).await,
            Whom::Simulator => self.kill_simulator().await,
            Whom::Both => {
                // In tasks of their own: starting a process blocks its task, and the other's time is measured too.
                let (one, other) = (self.clone(), self.clone());
                let gateway = tokio::spawn(async move { one.kill_gateway(number).await });
                other.kill_simulator().await.and(gateway.await?)
            }
        }
    }

    async fn kill_gateway(&self, number: usize) -> Result<()> {
        let gateway = self.gateway(number);
        let mut process = gateway.process.lock().await;
        let begun = Instant::now();
        block_in_place(|| process.kill())?;
        let at_once = self.bring_back(&mut process).await?;
        let listens = begun.elapsed();
        gateway.api.until_ready("/readyz", BACK_WITHIN).await?;
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
    pub(crate) fn back(&self) -> (Vec<Duration>, Vec<Duration>) {
        self.back.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// Starts a process, again and again while its disk is full. Says whether the first start did.
    pub(crate) async fn bring_back(&self, process: &mut Process) -> Result<bool> {
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

/// The gateway's configuration in a trial whose stalls are shorter than this wait; everything else is as it comes.
pub(crate) fn settings(unknown_wait: Duration) -> Vec<(&'static str, String)> {
    vec![
        ("upstream.timeout", format!("{}s", UPSTREAM_TIMEOUT.as_secs())),
        ("limits.unknown_wait", format!("{}s", unknown_wait.as_secs())),
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
