//! The rows of the benchmark, (a) to (h).

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::backups::Backups;
use super::endpoint::Endpoint;
use super::gateway::{Folder, Gateway, Proxy};
use super::load::Load;
use super::measure::{Figures, Latencies, Meter, memory, probe_disk};
use super::report::{Beside, Line, mib, millis, p50_p99, thousands};
use super::statuses::{Statuses, Telling};
use super::upstream::Upstream;
use super::verdicts;
use crate::steps::say;

/// Callers at once, each on one connection: few enough that sending keeps up with accepting. With more of them messages queue, and
/// what is measured is an overload.
const CALLERS: usize = 64;
/// Connections of an open loop: as many requests can be under way.
pub(super) const CONNECTIONS: usize = 512;
/// Lives under way at once in a closed loop.
const LIVES: usize = 2_048;
/// How long the last messages may take after a load has ended.
const PATIENCE: Duration = Duration::from_secs(120);
/// HTTP exchanges of the bare proxy per message: one in, one out.
const EXCHANGES_OF_PROXY: f64 = 2.0;
/// HTTP exchanges of a life: accept, send, three statuses in, three events out.
const EXCHANGES_OF_LIFE: f64 = 8.0;
/// Statuses, and events, of a message.
const STATUSES: u64 = 3;
/// What (g) asks for: messages a second, and how long the upstream takes.
const FAR_RATE: f64 = 5_000.0;
const FAR_LATENCY: Duration = Duration::from_millis(100);

/// How big the benchmark is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    /// How long each run is under load.
    pub(super) time: Duration,
    /// Before that, and not measured.
    pub(super) warm_up: Duration,
    /// How long the bare proxy is, before each run.
    pub(super) proxy: Duration,
    /// How long the disk is probed, before each run.
    pub(super) probe: Duration,
    /// Customers stored, in every row but (e).
    pub(super) customers: u64,
    /// Customers stored, in the two runs of (e).
    pub(super) few_and_many: [u64; 2],
    /// Lives of the past in (h), for retention to remove.
    pub(super) past: u64,
    /// Messages a second in (g): the short form asks for no more than a debug build can do.
    pub(super) far_rate: f64,
}

impl Sizes {
    /// As the issue asks.
    pub(super) const fn full(time: Duration) -> Self {
        let (second, two) = (Duration::from_secs(1), Duration::from_secs(2));
        Self {
            time,
            warm_up: second,
            proxy: Duration::from_secs(3),
            probe: two,
            customers: 100_000,
            few_and_many: [10_000, 5_000_000],
            past: 100_000,
            far_rate: FAR_RATE,
        }
    }

    /// A second or less for each run, for tests of the benchmark itself: what is counted holds, the figures say nothing.
    pub(super) const fn short() -> Self {
        let short = Duration::from_millis(300);
        Self {
            time: Duration::from_secs(1),
            warm_up: short,
            proxy: short,
            probe: Duration::from_millis(50),
            customers: 500,
            few_and_many: [100, 1_000],
            past: 1_000,
            far_rate: 50.0,
        }
    }
}

/// The benchmark: what is measured, how, and what came of it so far.
pub(super) struct Bench {
    pub(super) transom: PathBuf,
    pub(super) xtask: PathBuf,
    pub(super) sizes: Sizes,
    pub(super) lines: Vec<Line>,
}

/// What a closed loop gave.
#[derive(Debug, Clone, Copy)]
pub(super) struct Accepted {
    pub(super) figures: Figures,
    rows_read: Option<f64>,
}

/// A gateway that lives whole lives: the upstream tells it of statuses, and an endpoint hears events.
pub(super) struct Lives<'f> {
    pub(super) gateway: Gateway<'f>,
    pub(super) upstream: Arc<Upstream>,
    endpoint: Arc<Endpoint>,
    telling: Telling,
}

impl Bench {
    /// Runs one row, or none of that name.
    pub(super) async fn row(&mut self, row: char) -> Result<()> {
        match row {
            'a' => self.accept_and_send().await,
            'b' => self.lives().await,
            'c' => self.verdicts(),
            'd' => self.latencies().await,
            'e' => self.stored().await,
            'f' => self.at_rest().await,
            'g' => self.far().await,
            'h' => self.upkeep().await,
            _ => bail!("there is no row {row}; there are {}", super::ROWS),
        }
    }

    fn line(&mut self, line: Line) {
        say(&line.markdown());
        self.lines.push(line);
    }

    /// The bare proxy and the disk, right before a run.
    async fn beside(&self, folder: &Folder) -> Result<Beside> {
        let mut sync = probe_disk(folder.path(), self.sizes.probe)?;
        let (upstream, url) = Upstream::start(Duration::ZERO, None).await?;
        let proxy = Proxy::start(&self.xtask, &url)?;
        let load = proxy.load(folder.customers);
        load.closed(CALLERS, self.sizes.warm_up, None).await?;
        let (meter, before) = (Meter::start(proxy.pid())?, upstream.received.now());
        let answered = load.closed(CALLERS, self.sizes.proxy, None).await?;
        let passed = upstream.received.now() - before;
        if passed != answered {
            bail!("the proxy answered {answered} and passed on {passed}");
        }
        Ok(Beside { proxy: meter.figures(passed)?, sync: p50_p99(&mut sync).context("the disk was not probed")? })
    }

    /// Accept and send in a closed loop, until the last has reached the upstream.
    pub(super) async fn accepted(&self, gateway: &Gateway<'_>, upstream: &Upstream, salt: &str) -> Result<Accepted> {
        let load = gateway.load(salt);
        let warm = upstream.received.now() + load.closed(CALLERS, self.sizes.warm_up, None).await?;
        all_of("warm-up messages", &upstream.received, warm).await?;
        let (meter, rows) = (gateway.meter()?, gateway.rows_read().await?);
        let answered = load.closed(CALLERS, self.sizes.time, None).await?;
        let ended = Instant::now();
        all_of("messages", &upstream.received, warm + answered).await?;
        let figures = Figures { tail: ended.elapsed(), ..meter.figures(answered)? };
        exactly("messages", upstream.received.now(), warm + answered)?;
        Ok(Accepted { figures, rows_read: per(gateway.rows_read().await? - rows, answered) })
    }

    /// (a)
    async fn accept_and_send(&mut self) -> Result<()> {
        let folder = Folder::fill(self.sizes.customers)?;
        let beside = self.beside(&folder).await?;
        let (upstream, url) = Upstream::start(Duration::ZERO, None).await?;
        let gateway = Gateway::start(&self.transom, &folder, &url, &[])?;
        let Accepted { figures, rows_read } = self.accepted(&gateway, &upstream, "a").await?;
        self.line(Line {
            row: 'a',
            what: "accept and send".to_owned(),
            ratio: Some(figures.per_second() / beside.proxy.per_second()),
            figures: Some(figures),
            rows_read,
            beside: Some(beside),
            ..Line::default()
        });
        Ok(())
    }

    pub(super) async fn start_lives<'f>(&self, folder: &'f Folder) -> Result<Lives<'f>> {
        let statuses = Statuses::new();
        let (upstream, url) = Upstream::start(Duration::ZERO, Some(statuses.clone())).await?;
        let gateway = Gateway::start(&self.transom, folder, &url, &[])?;
        let (endpoint, hooks) = Endpoint::start(LIVES).await?;
        let made = gateway.operator(&["endpoint", "add", &hooks, "--topic", "delivery_status"])?;
        endpoint.expect(made.pointer("/secret").and_then(serde_json::Value::as_str).context("no secret")?);
        let telling = statuses.start(gateway.address)?;
        Ok(Lives { gateway, upstream, endpoint, telling })
    }

    /// Lives in a closed loop, until the last has ended.
    pub(super) async fn lived(&self, lives: &Lives<'_>, salt: &str) -> Result<Accepted> {
        let load = lives.gateway.load(salt);
        let room = Some(lives.endpoint.room.clone());
        let warm = lives.endpoint.lives.now() + load.closed(CALLERS, self.sizes.warm_up, room.clone()).await?;
        lives.all(warm).await?;
        let (meter, rows) = (lives.gateway.meter()?, lives.gateway.rows_read().await?);
        let answered = load.closed(CALLERS, self.sizes.time, room).await?;
        let ended = Instant::now();
        lives.all(warm + answered).await?;
        let figures = Figures { tail: ended.elapsed(), ..meter.figures(answered)? };
        lives.verify(warm + answered)?;
        Ok(Accepted { figures, rows_read: per(lives.gateway.rows_read().await? - rows, answered) })
    }

    /// (b)
    async fn lives(&mut self) -> Result<()> {
        let folder = Folder::fill(self.sizes.customers)?;
        let beside = self.beside(&folder).await?;
        let lives = self.start_lives(&folder).await?;
        let Accepted { figures, rows_read } = self.lived(&lives, "b").await?;
        self.line(Line {
            row: 'b',
            what: "full life: 1 accept, 1 send, 3 statuses, 3 events".to_owned(),
            ratio: Some(of_budget(&figures, &beside)),
            figures: Some(figures),
            rows_read,
            beside: Some(beside),
            ..Line::default()
        });
        Ok(())
    }

    /// (c)
    fn verdicts(&mut self) -> Result<()> {
        let counted = verdicts::count(self.sizes.time.min(Duration::from_secs(3)))?;
        let on_a_core = counted.verdicts as f64 / counted.cpu.as_secs_f64();
        self.line(Line {
            row: 'c',
            what: "verdicts, in process, one thread".to_owned(),
            note: format!(
                "{} verdicts per second of one core's time ({} by the clock); {} of {} let the message go",
                thousands(on_a_core),
                thousands(counted.verdicts as f64 / counted.time.as_secs_f64()),
                counted.went,
                counted.verdicts
            ),
            ..Line::default()
        });
        Ok(())
    }

    /// (d)
    async fn latencies(&mut self) -> Result<()> {
        let folder = Folder::fill(self.sizes.customers)?;
        let beside = self.beside(&folder).await?;
        let (upstream, url) = Upstream::start(Duration::ZERO, None).await?;
        let gateway = Gateway::start(&self.transom, &folder, &url, &[])?;
        let most = self.accepted(&gateway, &upstream, "d-most").await?.figures.per_second();
        let before = upstream.received.now();
        let meter = gateway.meter()?;
        let mut latencies = gateway.load("d-half").open(CONNECTIONS, most / 2.0, self.sizes.time).await?;
        all_of("messages", &upstream.received, before + count(&latencies)).await?;
        self.line(Line {
            row: 'd',
            what: "accept, open loop at half of the most".to_owned(),
            figures: Some(meter.figures(count(&latencies))?),
            latency: p50_p99(&mut latencies),
            note: format!("most: {} per second; p100 {}", thousands(most), longest(&mut latencies)),
            beside: Some(beside),
            ..Line::default()
        });
        drop(gateway);

        let lives = self.start_lives(&folder).await?;
        let most = self.lived(&lives, "d-lives").await?.figures.per_second();
        lives.telling.latencies()?;
        let (before, meter) = (lives.endpoint.lives.now(), lives.gateway.meter()?);
        let mut accepts = lives.gateway.load("d-half-lives").open(CONNECTIONS, most / 2.0, self.sizes.time).await?;
        lives.all(before + count(&accepts)).await?;
        let figures = meter.figures(count(&accepts))?;
        lives.verify(before + count(&accepts))?;
        let mut webhooks = lives.telling.latencies()?;
        exactly("webhooks", count(&webhooks), STATUSES * count(&accepts))?;
        for (what, latencies) in [
            ("accept, full lives, open loop at half of the most", &mut accepts),
            ("webhook acknowledged, full lives, open loop at half of the most", &mut webhooks),
        ] {
            let latency = p50_p99(latencies);
            self.line(Line {
                row: 'd',
                what: what.to_owned(),
                figures: Some(figures),
                latency,
                note: format!("most: {} lives per second; p100 {}", thousands(most), longest(latencies)),
                beside: Some(beside),
                ..Line::default()
            });
        }
        Ok(())
    }

    /// (e)
    async fn stored(&mut self) -> Result<()> {
        let mut few: Option<(Accepted, Accepted)> = None;
        for customers in self.sizes.few_and_many {
            let begun = Instant::now();
            let folder = Folder::fill(customers)?;
            let stored = thousands(customers as f64);
            say(&format!("{stored} customers stored in {:.1} s", begun.elapsed().as_secs_f64()));
            let beside = self.beside(&folder).await?;
            let (upstream, url) = Upstream::start(Duration::ZERO, None).await?;
            let gateway = Gateway::start(&self.transom, &folder, &url, &[])?;
            let start = gateway.start;
            let accepted = self.accepted(&gateway, &upstream, "e").await?;
            let Accepted { figures, rows_read } = accepted;
            let against = few.as_ref().map(|(accepted, _)| figures.against(&accepted.figures)).unwrap_or_default();
            self.line(Line {
                row: 'e',
                what: format!("accept and send, {stored} customers stored"),
                ratio: Some(figures.per_second() / beside.proxy.per_second()),
                figures: Some(figures),
                rows_read,
                note: format!("listening {} after its start{against}", millis(start)),
                beside: Some(beside),
                ..Line::default()
            });
            let before = upstream.received.now();
            let meter = gateway.meter()?;
            let half = figures.per_second() / 2.0;
            let mut latencies = gateway.load("e-half").open(CONNECTIONS, half, self.sizes.time).await?;
            all_of("messages", &upstream.received, before + count(&latencies)).await?;
            self.line(Line {
                row: 'e',
                what: format!("accept, open loop at half of the most, {stored} customers stored"),
                figures: Some(meter.figures(count(&latencies))?),
                latency: p50_p99(&mut latencies),
                beside: Some(beside),
                ..Line::default()
            });
            drop(gateway);
            let lives = self.start_lives(&folder).await?;
            let lived = self.lived(&lives, "e-lives").await?;
            let Accepted { figures, rows_read } = lived;
            let against = few.as_ref().map(|(_, lived)| figures.against(&lived.figures)).unwrap_or_default();
            self.line(Line {
                row: 'e',
                what: format!("full life, {stored} customers stored"),
                ratio: Some(of_budget(&figures, &beside)),
                figures: Some(figures),
                rows_read,
                note: against.trim_start_matches("; ").to_owned(),
                beside: Some(beside),
                ..Line::default()
            });
            few.get_or_insert((accepted, lived));
        }
        Ok(())
    }

    /// (f)
    async fn at_rest(&mut self) -> Result<()> {
        let folder = Folder::fill(self.sizes.customers)?;
        let (upstream, url) = Upstream::start(Duration::ZERO, None).await?;
        let beside = self.beside(&folder).await?;
        // The first start reads a file that was just written; the second is what an operator sees.
        drop(Gateway::start(&self.transom, &folder, &url, &[])?);
        let gateway = Gateway::start(&self.transom, &folder, &url, &[])?;
        tokio::time::sleep(self.sizes.warm_up.max(Duration::from_millis(500))).await;
        let idle = memory(gateway.pid(), "VmRSS:")?;
        let Accepted { figures, .. } = self.accepted(&gateway, &upstream, "f").await?;
        let after = memory(gateway.pid(), "VmRSS:")?;
        let size = std::fs::metadata(&self.transom)?.len();
        self.line(Line {
            row: 'f',
            what: "memory, binary, start".to_owned(),
            figures: Some(figures),
            note: format!(
                "idle {}, under load at most {}, after it {}; binary {}; listening {} after its start",
                mib(idle),
                mib(figures.peak),
                mib(after),
                mib(size),
                millis(gateway.start)
            ),
            beside: Some(beside),
            ..Line::default()
        });
        Ok(())
    }

    /// (g)
    async fn far(&mut self) -> Result<()> {
        let folder = Folder::fill(self.sizes.customers)?;
        let beside = self.beside(&folder).await?;
        let (upstream, url) = Upstream::start(FAR_LATENCY, None).await?;
        let set = ["upstream.connections=1024"];
        let gateway = Gateway::start(&self.transom, &folder, &url, &set)?;
        let load: Load = gateway.load("g");
        let warm = load.open(CONNECTIONS, self.sizes.far_rate, self.sizes.warm_up).await?;
        all_of("warm-up messages", &upstream.received, count(&warm)).await?;
        let meter = gateway.meter()?;
        let mut latencies = load.open(CONNECTIONS, self.sizes.far_rate, self.sizes.time).await?;
        let answered = count(&latencies);
        all_of("messages", &upstream.received, count(&warm) + answered).await?;
        let figures = meter.figures(answered)?;
        exactly("messages", upstream.received.now(), count(&warm) + answered)?;
        let late = figures.time.saturating_sub(self.sizes.time);
        self.line(Line {
            row: 'g',
            what: format!(
                "{} messages a second asked for, upstream answers after {}",
                thousands(self.sizes.far_rate),
                millis(FAR_LATENCY)
            ),
            figures: Some(figures),
            latency: p50_p99(&mut latencies),
            note: format!("last send left {} after the last was due; with upstream.connections=1024", millis(late)),
            beside: Some(beside),
            ..Line::default()
        });
        Ok(())
    }

    /// (h)
    async fn upkeep(&mut self) -> Result<()> {
        let folder = Folder::fill(self.sizes.customers)?;
        folder.age(self.sizes.past).await?;
        let beside = self.beside(&folder).await?;
        let (upstream, url) = Upstream::start(Duration::ZERO, None).await?;
        let gateway = Gateway::start(&self.transom, &folder, &url, &[])?;
        let (swept, backups) = (gateway.rows_swept().await?, Backups::start(&gateway)?);
        let Accepted { figures, rows_read } = self.accepted(&gateway, &upstream, "h").await?;
        let half = figures.per_second() / 2.0;
        self.line(Line {
            row: 'h',
            what: "accept and send, with retention and backup running".to_owned(),
            ratio: Some(figures.per_second() / beside.proxy.per_second()),
            figures: Some(figures),
            rows_read,
            note: format!("{} rows swept, {} backups begun", gateway.rows_swept().await? - swept, backups.begun()),
            beside: Some(beside),
            ..Line::default()
        });
        let (swept, begun) = (gateway.rows_swept().await?, backups.begun());
        let before = upstream.received.now();
        let meter = gateway.meter()?;
        let mut latencies = gateway.load("h-half").open(CONNECTIONS, half, self.sizes.time).await?;
        all_of("messages", &upstream.received, before + count(&latencies)).await?;
        let figures = meter.figures(count(&latencies))?;
        let (swept, begun) = (gateway.rows_swept().await? - swept, backups.begun() - begun);
        let ended = backups.end().await?;
        self.line(Line {
            row: 'h',
            what: "accept, open loop at half of the most, with retention and backup running".to_owned(),
            figures: Some(figures),
            latency: p50_p99(&mut latencies),
            note: format!(
                "{swept} rows swept, {begun} more backups begun; in all {ended} were made whole; p100 {}",
                longest(&mut latencies)
            ),
            beside: Some(beside),
            ..Line::default()
        });
        Ok(())
    }
}

impl Lives<'_> {
    /// Waits until so many lives have ended.
    async fn all(&self, lives: u64) -> Result<()> {
        let ended = all_of("lives", &self.endpoint.lives, lives).await;
        // Why webhooks were not taken says more than that lives are missing.
        self.telling.check()?;
        ended?;
        all_of("events", &self.endpoint.told, STATUSES * lives).await
    }

    /// Sees that so many lives ended, each in all its parts, and none twice.
    fn verify(&self, lives: u64) -> Result<()> {
        exactly("messages", self.upstream.received.now(), lives)?;
        exactly("lives", self.endpoint.lives.now(), lives)?;
        exactly("events", self.endpoint.told.now(), STATUSES * lives)?;
        self.endpoint.verify()
    }
}

/// Waits until a tally reaches what is wanted.
pub(super) async fn all_of(what: &str, tally: &super::upstream::Tally, wanted: u64) -> Result<()> {
    if tokio::time::timeout(PATIENCE, tally.reaches(wanted)).await.is_err() {
        bail!("{} of {wanted} {what} have not come out after {} s", wanted - tally.now(), PATIENCE.as_secs());
    }
    Ok(())
}

fn exactly(what: &str, came: u64, wanted: u64) -> Result<()> {
    if came != wanted {
        bail!("{came} {what} came out, {wanted} were to");
    }
    Ok(())
}

fn of_budget(lives: &Figures, beside: &Beside) -> f64 {
    lives.per_second() / (beside.proxy.per_second() * EXCHANGES_OF_PROXY / EXCHANGES_OF_LIFE)
}

pub(super) fn count(latencies: &Latencies) -> u64 {
    latencies.count() as u64
}

fn per(rows: u64, messages: u64) -> Option<f64> {
    (rows > 0).then(|| rows as f64 / messages.max(1) as f64)
}

fn longest(latencies: &mut Latencies) -> String {
    latencies.percentile(100).map(millis).unwrap_or_default()
}
