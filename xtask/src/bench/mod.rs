//! The first benchmark: accept and send, through Transom and through a bare proxy that stores nothing, in one run on one
//! machine. What counts is the ratio, and the CPU time per message; messages per second alone say more about the machine.

mod load;
mod measure;
mod proxy;
mod sink;

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::steps::{run as run_in, say};
use crate::{root, target};

use load::Load;
use measure::{Figures, Meter};
use sink::{Sink, TEMPLATE_TEXT};

pub(crate) use proxy::run as proxy;

/// How long each of the two is put under load.
pub(crate) const SECONDS: u64 = 10;
/// Callers at once, each on one connection.
const CALLERS: usize = 64;
/// Numbers to send from: Meta lets each have 1,000 messages a second.
const SENDERS: usize = 40;

/// Builds both in release, then runs the benchmark from the release build: a slow load would measure itself.
pub(crate) fn build_and_run(seconds: u64) -> Result<()> {
    run_in(&root(), "cargo", &["build", "--release", "--package", "transom", "--package", "xtask"])?;
    let built = target().join("release");
    let (xtask, transom) = (built.join("xtask").display().to_string(), built.join("transom").display().to_string());
    run_in(&root(), &xtask, &["bench-run", &transom, &seconds.to_string()])
}

/// The benchmark itself.
pub(crate) fn run(transom: &Path, seconds: u64) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(compare(transom, Duration::from_secs(seconds)))
}

async fn compare(transom: &Path, time: Duration) -> Result<()> {
    let sink = Sink::start(SENDERS).await?;
    say(&format!(
        "{CALLERS} callers, {} s each; the upstream answers at once and lives in the load's own process\n",
        time.as_secs()
    ));
    let bare = bare(&sink, time).await?;
    let ours = ours(transom, &sink, time).await?;
    say(&format!("{:<12} {:>10} {:>10} {:>12}", "", "messages", "per second", "CPU/message"));
    for (name, figures) in [("bare proxy", &bare), ("transom", &ours)] {
        let (rate, cpu) = (figures.per_second(), figures.cpu_micros());
        say(&format!("{name:<12} {:>10} {rate:>10.0} {cpu:>9.1} µs", figures.messages));
    }
    say(&format!(
        "\ntransom accepts, stores, judges and sends {:.2} times as many messages a second as the bare proxy passes on, at {:.2} times its CPU time",
        ours.per_second() / bare.per_second(),
        ours.cpu_micros() / bare.cpu_micros()
    ));
    Ok(())
}

/// A process that ends with the benchmark.
struct Running(Child);

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
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn bare(sink: &Sink, time: Duration) -> Result<Figures> {
    let xtask = std::env::current_exe()?;
    let (proxy, url) = Running::start(Command::new(xtask).args(["bench-proxy", &sink.url()]), "ready ")?;
    let load = Load::new(&url, None, CALLERS, |i| {
        let number = sink.number(i % SENDERS);
        (format!("/v25.0/{number}/messages"), graph_body(i))
    });
    Meter::of(proxy.0.id())?.measure(sink, load.run(time)).await
}

fn recipient(i: usize) -> String {
    // 20,000 customers: none gets so many that Meta's pace per customer would hold messages back.
    format!("+49155600{:05}", i % 20_000)
}

fn graph_body(i: usize) -> String {
    let to = recipient(i);
    serde_json::json!({
        "messaging_product": "whatsapp", "recipient_type": "individual", "to": to, "type": "template",
        "template": { "name": "bench", "language": { "code": "en" }, "components": [
            { "type": "body", "parameters": [{ "type": "text", "text": "Ana" }] },
        ] },
    })
    .to_string()
}

async fn ours(transom: &Path, sink: &Sink, time: Duration) -> Result<Figures> {
    let dir = tempfile::tempdir()?;
    let mut serve = Command::new(transom);
    serve.arg("serve").arg("--dir").arg(dir.path()).args(["--listen", "127.0.0.1:0", "--graph-url", &sink.url()]);
    for set in ["limits.accept_per_second=1000000", "limits.accept_burst=1000000", "log.level=error"] {
        serve.args(["--set", set]);
    }
    let (gateway, url) = Running::start(&mut serve, "ready ")?;
    let operator = |args: &[&str]| -> Result<Value> {
        let output = Command::new(transom)
            .args(args)
            .args(["--json", "--dir"])
            .arg(dir.path())
            .env("META_ACCESS_TOKEN", "bench")
            .env("META_APP_SECRET", "bench")
            .output()?;
        if !output.status.success() {
            bail!("{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    };
    let business = text(&operator(&["business", "add", "--name", "Bench"])?, "/id")?;
    let key = text(&operator(&["key", "add"])?, "/text")?;
    for i in 0..SENDERS {
        let number = sink.number(i);
        operator(&["sender", "add", "--app", sink::APP, "--waba", sink::WABA, "--phone-number-id", &number])?;
    }
    let path = format!("/v1/businesses/{business}/messages");
    let load = Load::new(&url, Some(&key), CALLERS, |i| {
        let body = serde_json::json!({
            "to": recipient(i), "from": sink.phone(i % SENDERS),
            "content": { "language": "en", "types": { "twilio/text": { "body": TEMPLATE_TEXT } } },
            "variables": { "1": "Ana" },
        });
        (path.clone(), body.to_string())
    });
    Meter::of(gateway.0.id())?.measure(sink, load.run(time)).await
}

fn text(json: &Value, at: &str) -> Result<String> {
    json.pointer(at).and_then(Value::as_str).map(str::to_owned).with_context(|| format!("no {at} in {json}"))
}
