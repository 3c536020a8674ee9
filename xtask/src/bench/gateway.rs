//! The processes that are measured: a gateway on a filled store, or several, and the bare proxy beside it.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use tempfile::TempDir;

use transom_gateway::seal::KEY_FILE;

use super::load::{Load, Requests};
use super::measure::Meter;
use crate::bulk::{self, Furnished, Plan};
use crate::target;

/// Senders of every folder, each at 1,000 messages a second.
pub(super) const SENDERS: u64 = 100;
/// Who there is in every folder, but for customers.
pub(super) const PLAN: Plan = Plan { senders: SENDERS, ..Plan::SMALL };

/// The variable that says where the store is.
const STORE_URL: &str = "TRANSOM_STORE__URL";

/// A process that ends with the benchmark.
pub(super) struct Running(Child);

impl Running {
    /// Starts it and reads its first line that begins with `begin`.
    fn start(command: &mut Command, begin: &str) -> Result<(Self, String)> {
        let mut child = command.stdout(Stdio::piped()).spawn().with_context(|| format!("{command:?} cannot be started"))?;
        let output = child.stdout.take().context("no output")?;
        let running = Self(child);
        for line in BufReader::new(output).lines() {
            if let Some(rest) = line?.strip_prefix(begin) {
                return Ok((running, rest.to_owned()));
            }
        }
        bail!("{command:?} ended before it was ready")
    }

    pub(super) fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A filled store and the folder of a gateway on it, gone with the benchmark.
pub(super) struct Folder {
    dir: TempDir,
    /// Where the store is, if it is not in the folder.
    database: Option<Database>,
    furnished: Furnished,
    pub(super) customers: u64,
}

/// A database on a server.
#[derive(Debug, Clone)]
pub(super) struct Database {
    /// Its address.
    pub(super) url: String,
    /// The server's first process.
    pub(super) server: u32,
}

impl Folder {
    /// Fills one with customers alone.
    pub(super) fn fill(customers: u64) -> Result<Self> {
        Self::filled(Plan { customers, ..PLAN })
    }

    /// Fills one.
    pub(super) fn filled(plan: Plan) -> Result<Self> {
        let dir = place()?;
        let furnished = apart(|| bulk::fill(dir.path(), plan))?;
        Ok(Self { dir, database: None, furnished, customers: plan.customers })
    }

    /// Fills a database.
    pub(super) fn on(database: Database, plan: Plan) -> Result<Self> {
        let dir = place()?;
        let furnished = apart(|| bulk::fill_database(&database.url, dir.path(), plan))?;
        Ok(Self { dir, database: Some(database), furnished, customers: plan.customers })
    }

    /// The folder of one more gateway on the same store.
    pub(super) fn beside(&self) -> Result<Self> {
        let dir = place()?;
        std::fs::copy(self.path().join(KEY_FILE), dir.path().join(KEY_FILE)).context("the sealing key")?;
        Ok(Self { dir, database: self.database.clone(), furnished: self.furnished.clone(), customers: self.customers })
    }

    /// Gives it a past, of so many lives longer ago than anything is kept.
    pub(super) async fn age(&self, lives: u64) -> Result<()> {
        bulk::live(self.path(), &self.furnished, self.customers, lives).await
    }

    /// Who there is in it.
    pub(super) const fn furnished(&self) -> &Furnished {
        &self.furnished
    }

    pub(super) fn path(&self) -> &Path {
        self.dir.path()
    }
}

/// A folder on the disk on which things are built: those for what is temporary may lie in memory.
fn place() -> Result<TempDir> {
    let place = target().join("bench");
    std::fs::create_dir_all(&place)?;
    Ok(TempDir::new_in(place)?)
}

/// On a thread of its own, since filling runs a runtime of its own.
fn apart(fill: impl FnOnce() -> Result<Furnished> + Send) -> Result<Furnished> {
    let furnished = std::thread::scope(|scope| scope.spawn(fill).join());
    furnished.map_err(|_| anyhow::anyhow!("filling the store stopped"))?
}

/// A running gateway, and those that work beside it.
pub(super) struct Gateway<'f> {
    running: Running,
    others: Vec<Gateway<'f>>,
    folder: &'f Folder,
    transom: PathBuf,
    /// Where it listens.
    pub(super) address: SocketAddr,
    /// From its start until it listened.
    pub(super) start: Duration,
}

impl<'f> Gateway<'f> {
    /// Starts one on a folder.
    pub(super) fn start(transom: &Path, folder: &'f Folder, graph_url: &str, set: &[&str]) -> Result<Self> {
        let mut serve = Command::new(transom);
        serve.arg("serve").arg("--dir").arg(folder.path()).args(["--listen", "127.0.0.1:0", "--graph-url", graph_url]);
        // What one business may ask for in a second is set so high that it is never what is measured; pace is on.
        let always = [
            "limits.accept_per_second=1000000",
            "limits.accept_burst=1000000",
            "log.level=error",
            "webhooks.allow_loopback=true",
            "webhooks.allow_http=true",
        ];
        for set in always.iter().chain(set) {
            serve.args(["--set", set]);
        }
        if let Some(database) = &folder.database {
            serve.env(STORE_URL, &database.url);
        }
        let begun = Instant::now();
        let (running, url) = Running::start(&mut serve, "ready ")?;
        let start = begun.elapsed();
        Ok(Self { running, others: Vec::new(), folder, transom: transom.to_owned(), address: address_of(&url)?, start })
    }

    /// With another beside it, which takes its part of every load.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.others.push(other);
        self
    }

    fn all(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(&self.others)
    }

    /// Begins to look at what they and their store's server cost.
    pub(super) fn meter(&self) -> Result<Meter> {
        Meter::of(self.all().map(Self::pid).collect(), self.folder.database.as_ref().map(|database| database.server))
    }

    pub(super) fn pid(&self) -> u32 {
        self.running.pid()
    }

    /// Rows that its queries have read so far, as it tells itself.
    pub(super) async fn rows_read(&self) -> Result<u64> {
        self.metric("transom_store_rows_read_total").await
    }

    /// Rows that retention has removed so far, as it tells itself.
    pub(super) async fn rows_swept(&self) -> Result<u64> {
        self.metric("transom_swept_rows_total").await
    }

    /// A counter of its own, over all labels; 0 as long as nothing was counted.
    async fn metric(&self, name: &str) -> Result<u64> {
        let mut sum = 0;
        for gateway in self.all() {
            sum += gateway.metric_of_one(name).await?;
        }
        Ok(sum)
    }

    async fn metric_of_one(&self, name: &str) -> Result<u64> {
        let mut caller = super::http::Caller::connect(self.address).await?;
        let page = caller.call(b"GET /metrics HTTP/1.1\r\nhost: bench\r\n\r\n").await?;
        let page = String::from_utf8_lossy(page);
        let counts = page.lines().filter_map(|line| {
            let rest = line.strip_prefix(name).filter(|rest| rest.starts_with(['{', ' ']))?;
            rest.rsplit(' ').next()?.parse::<u64>().ok()
        });
        Ok(counts.sum())
    }

    /// An operator's command on the running gateway.
    pub(super) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.transom);
        command.args(args).arg("--dir").arg(self.folder.path()).arg("--json");
        if let Some(database) = &self.folder.database {
            command.env(STORE_URL, &database.url);
        }
        command
    }

    /// An operator's command; its answer.
    pub(super) fn operator(&self, args: &[&str]) -> Result<Value> {
        let output = self.command(args).output()?;
        if !output.status.success() {
            bail!("transom {}: {}", args.join(" "), String::from_utf8_lossy(&output.stderr));
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    /// Sends to customers drawn evenly from all that are stored, each through the sender whom it talks to. `salt` keeps the
    /// idempotency keys of one load apart from those of another.
    pub(super) fn load(&self, salt: &str) -> Load {
        let furnished = self.folder.furnished.clone();
        let (customers, salt) = (self.folder.customers, salt.to_owned());
        let requests: Requests = Arc::new(move |i, into| {
            let customer = drawn(i, &salt, customers);
            let sender = bulk::sender_of(customer, customers, SENDERS);
            let owner = furnished.owner_of(sender);
            let body = format!(
                concat!(
                    r#"{{"to":"{to}","from":"{from}","content":{{"language":"en","types":{{"twilio/text":{{"body":"{text}"}}}}}},"#,
                    r#""variables":{{"1":"Ana"}}}}"#
                ),
                to = bulk::phone(customer),
                from = bulk::sender_phone(sender),
                text = bulk::TEMPLATE_TEXT,
            );
            let headers = [("x-api-key", owner.key.as_str()), ("idempotency-key", &format!("{salt}-{i:012}"))];
            super::http::post(&format!("/v1/businesses/{}/messages", owner.business), &headers, body.as_bytes(), into);
        });
        Load::new(self.all().map(|gateway| gateway.address).collect(), requests)
    }
}

/// The bare proxy.
pub(super) struct Proxy {
    running: Running,
    address: SocketAddr,
}

impl Proxy {
    /// Starts one in front of an upstream.
    pub(super) fn start(xtask: &Path, upstream: &str) -> Result<Self> {
        let (running, url) = Running::start(Command::new(xtask).args(["bench-proxy", upstream]), "ready ")?;
        Ok(Self { running, address: address_of(&url)? })
    }

    pub(super) fn pid(&self) -> u32 {
        self.running.pid()
    }

    /// The same messages, as the gateway would say them to the upstream.
    pub(super) fn load(&self, customers: u64) -> Load {
        let requests: Requests = Arc::new(move |i, into| {
            let customer = drawn(i, "proxy", customers);
            let body = format!(
                concat!(
                    r#"{{"messaging_product":"whatsapp","recipient_type":"individual","to":"{to}","type":"template","#,
                    r#""template":{{"name":"{name}","language":{{"code":"en"}},"components":[{{"type":"body","#,
                    r#""parameters":[{{"type":"text","text":"Ana"}}]}}]}},"biz_opaque_callback_data":"01K5Z3V8Q4M9W2N7T6R1XBCDEF.1"}}"#
                ),
                to = bulk::phone(customer),
                name = bulk::TEMPLATE,
            );
            let account = bulk::account(bulk::sender_of(customer, customers, SENDERS));
            super::http::post(&format!("/v25.0/{account}/messages"), &[("authorization", "Bearer bench")], body.as_bytes(), into);
        });
        Load::new(vec![self.address], requests)
    }
}

/// The customer of the i-th request.
fn drawn(i: u64, salt: &str, customers: u64) -> u64 {
    let salt = salt.bytes().fold(0, |salt: u64, byte| salt.wrapping_mul(31).wrapping_add(u64::from(byte)));
    bulk::mix(i ^ bulk::mix(salt)) % customers.max(1)
}

fn address_of(url: &str) -> Result<SocketAddr> {
    let host = url.trim().trim_start_matches("http://");
    host.parse().with_context(|| format!("{url:?} is no address to connect to"))
}
