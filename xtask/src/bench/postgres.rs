//! The same messages on both stores, in turn, in one run: in a folder, on PostgreSQL with one gateway and with two, and with very much
//! stored against next to nothing.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use transom_testing::Postgres;

use super::Asked;
use super::gateway::{Database, Folder, Gateway, PLAN, SENDERS};
use super::measure::{Figures, Latencies, probe_disk};
use super::report::{machine, millis, p50_p99, said, source, thousands};
use super::rows::{Bench, CONNECTIONS, Sizes as Times, all_of, count};
use super::upstream::Upstream;
use crate::bulk::Plan;
use crate::steps::say;
use crate::target;

/// How much is stored.
#[derive(Debug, Clone, Copy)]
struct Sizes {
    /// Businesses and customers where stores are compared.
    compared: Plan,
    /// Next to nothing, and very much, of one business.
    few: Plan,
    many: Plan,
}

impl Sizes {
    /// As the issue asks.
    const FULL: Self = Self {
        compared: Plan { businesses: 8, customers: 100_000, ..PLAN },
        few: Plan { customers: 10_000, ..PLAN },
        many: Plan { customers: 2_000_000, messages: 5_000_000, ..PLAN },
    };
    /// For a look at the benchmark itself.
    const SHORT: Self = Self {
        compared: Plan { businesses: 8, customers: 1_000, ..PLAN },
        few: Plan { customers: 500, ..PLAN },
        many: Plan { customers: 2_000, messages: 5_000, ..PLAN },
    };
}

/// What the server is started with besides what Debian's is: nothing that a commit is less durable by. The memory is the quarter of the
/// machine's that PostgreSQL's own manual advises to begin with; the log may grow as long as a run.
const SETTINGS: &[&str] = &["fsync=on", "shared_buffers=6GB", "max_wal_size=8GB", "max_connections=200"];
/// Brings into memory what a server has there that has run for a while: every file of the database once, so that the system has it, and
/// then the indexes and the customers, so that the server has them.
const WARM: &str = "
    CREATE EXTENSION IF NOT EXISTS pg_prewarm;
    SELECT sum(pg_prewarm(oid, 'read')) FROM pg_class WHERE relkind IN ('r', 'i', 't') AND relpersistence = 'p';
    SELECT sum(pg_prewarm(oid, 'buffer')) FROM pg_class
        WHERE relkind = 'i' OR relname IN ('customer', 'customer_word', 'identity', 'conversation')";
/// The load may take so long at most.
const LOADED_WITHIN: Duration = Duration::from_secs(15 * 60);
/// A message may cost so much more with very much stored.
const GROWTH: f64 = 1.35;
/// How long gateways may take to have shared the senders.
const SHARED_WITHIN: Duration = Duration::from_secs(60);

/// As long before a run is measured as in it: what a server is slow at only after its start, or after a checkpoint, is over.
fn long(time: Duration) -> Times {
    Times { warm_up: time, ..Times::full(time) }
}

/// A server for the benchmark, on the disk on which things are built.
struct Server {
    postgres: Postgres,
    statements: bool,
}

impl Server {
    fn start(statements: bool) -> Result<Self> {
        let place = target().join("bench");
        std::fs::create_dir_all(&place)?;
        let mut settings = SETTINGS.to_vec();
        if statements {
            settings.push("shared_preload_libraries=pg_stat_statements");
        }
        Ok(Self { postgres: Postgres::start_in(&place, &settings), statements })
    }

    /// Fills a database that nobody has used yet; how long that took.
    fn fill(&self, plan: Plan) -> Result<(Folder, Duration)> {
        let begun = Instant::now();
        let database = Database { url: self.postgres.database(), server: self.postgres.process() };
        let name = database.url.rsplit('/').next().unwrap_or_default().to_owned();
        let folder = Folder::on(database, plan)?;
        let took = begun.elapsed();
        // What the load has left in memory is written now, and not under the load that is measured.
        self.sql("postgres", "CHECKPOINT");
        self.sql(&name, WARM);
        Ok((folder, took))
    }

    fn sql(&self, database: &str, sql: &str) -> String {
        self.postgres.sql(database, sql)
    }

    /// Begins to count statements anew, where they are counted.
    fn count_anew(&self) {
        if self.statements {
            self.sql("postgres", "CREATE EXTENSION IF NOT EXISTS pg_stat_statements; SELECT pg_stat_statements_reset()");
        }
    }

    /// What so many messages have asked of it since, the dearest first.
    fn say_statements(&self, messages: u64) {
        if self.statements {
            let sql = format!(
                "SELECT round((total_exec_time * 1000 / {messages})::numeric, 1) || ' µs  ' || round(calls::numeric / {messages}, 2)
                     || ' calls  ' || round(rows::numeric / {messages}, 2) || ' rows  '
                     || round((shared_blks_hit + shared_blks_read)::numeric / {messages}, 1) || ' pages  '
                     || left(regexp_replace(query, '\\s+', ' ', 'g'), 150)
                 FROM pg_stat_statements ORDER BY total_exec_time DESC LIMIT 25"
            );
            say(&format!("statements per message:\n{}", self.sql("postgres", &sql)));
        }
    }

    fn settings(&self) -> String {
        let names =
            "'fsync', 'synchronous_commit', 'full_page_writes', 'shared_buffers', 'max_wal_size', 'wal_level', 'autovacuum'";
        let sql = format!(
            "SELECT string_agg(name || '=' || current_setting(name), ', ' ORDER BY name) FROM pg_settings WHERE name IN ({names})"
        );
        format!("PostgreSQL {}; {}", self.sql("postgres", "SHOW server_version"), self.sql("postgres", &sql))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Its own user may not remove it from a folder that is not its own.
        self.postgres.stop();
        let _ = std::fs::remove_dir_all(self.postgres.folder());
    }
}

/// What a run gave.
#[derive(Debug, Clone)]
struct Side {
    what: String,
    most: Figures,
    /// Of the accepting call, at half of the most.
    latency: Option<(Duration, Duration)>,
    sync: Option<(Duration, Duration)>,
}

impl Side {
    fn together(&self) -> f64 {
        self.most.cpu_micros() + self.most.server_micros()
    }

    /// A line of the table, with what each figure is of another run's.
    fn markdown(&self, of: Option<&Self>) -> String {
        let ratio = |own: f64, other: fn(&Self) -> f64| {
            of.map_or_else(String::new, |of| format!(" ({:.2})", own / other(of).max(f64::EPSILON)))
        };
        let pair = |pair: Option<(Duration, Duration)>, ratio: String| {
            pair.map_or_else(|| "–".to_owned(), |(p50, p99)| format!("{} / {}{ratio}", millis(p50), millis(p99)))
        };
        let p99 = |side: &Self| side.latency.map_or(0.0, |(_, p99)| p99.as_secs_f64());
        format!(
            "| {} | {}{} | {:.1} µs{} | {} | {:.1} µs{} | {} | {:.0} % | {} |",
            self.what,
            thousands(self.most.per_second()),
            ratio(self.most.per_second(), |of| of.most.per_second()),
            self.most.cpu_micros(),
            ratio(self.most.cpu_micros(), |of| of.most.cpu_micros()),
            match self.most.server {
                Duration::ZERO => "–".to_owned(),
                _ => format!("{:.1} µs{}", self.most.server_micros(), server_ratio(self, of)),
            },
            self.together(),
            ratio(self.together(), Self::together),
            pair(self.latency, ratio(p99(self), p99)),
            self.most.idle * 100.0,
            pair(self.sync, String::new()),
        )
    }
}

/// What the server's part is of another run's, where that had a server.
fn server_ratio(side: &Side, of: Option<&Side>) -> String {
    of.filter(|of| !of.most.server.is_zero())
        .map_or_else(String::new, |of| format!(" ({:.2})", side.most.server_micros() / of.most.server_micros()))
}

const HEAD: &str = "\
| run | messages per second | CPU of the gateway per message | CPU of the server | both | accepting call, p50 / p99 (ratio of the p99) | machine idle | synced write p50 / p99 |
|---|---:|---:|---:|---:|---:|---:|---:|";

/// Runs it; the report.
///
/// # Errors
/// When a store cannot be filled, or anything but the expected came out.
pub(super) fn run(transom: &Path, asked: &Asked, command: &str) -> Result<String> {
    let (sizes, times) =
        if asked.short { (Sizes::SHORT, Times::short()) } else { (Sizes::FULL, long(Duration::from_secs(asked.seconds))) };
    let bench = Bench { transom: transom.to_owned(), xtask: std::env::current_exe()?, sizes: times, lines: Vec::new() };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(measure(&bench, sizes, asked.statements, command))
}

async fn measure(bench: &Bench, sizes: Sizes, statements: bool, command: &str) -> Result<String> {
    say(HEAD);
    let in_folder = {
        let folder = Folder::filled(sizes.compared)?;
        accept_and_send(bench, "SQLite, one gateway", &folder, None, None).await?
    };
    say(&in_folder.markdown(None));
    let server = Server::start(statements)?;
    let mut compared = vec![in_folder.markdown(None)];
    for (what, two) in [("PostgreSQL, one gateway", false), ("PostgreSQL, two gateways", true)] {
        let (folder, _) = server.fill(sizes.compared)?;
        let other = if two { Some(folder.beside()?) } else { None };
        let side = accept_and_send(bench, what, &folder, other.as_ref(), Some(&server)).await?;
        compared.push(side.markdown(Some(&in_folder)));
        compared.last().into_iter().for_each(|line| say(line));
    }
    let (mut grown, mut few, mut notes) = (Vec::new(), None::<[Side; 2]>, Vec::new());
    for plan in [sizes.few, sizes.many] {
        let (folder, took) = server.fill(plan)?;
        let stored = format!("{} customers, {} messages", thousands(plan.customers as f64), thousands(plan.messages as f64));
        let size = server.sql("postgres", "SELECT pg_size_pretty(max(pg_database_size(oid))) FROM pg_database");
        let loaded = format!("{stored}: loaded in {:.1} s, {size}", took.as_secs_f64());
        say(&loaded);
        let sent = accept_and_send(bench, &format!("accept and send; {stored}"), &folder, None, Some(&server)).await?;
        let lived = lives(bench, &format!("full life; {stored}"), &folder, &server).await?;
        for (at, side) in [&sent, &lived].into_iter().enumerate() {
            grown.push(side.markdown(few.as_ref().and_then(|few| few.get(at))));
            grown.last().into_iter().for_each(|line| say(line));
        }
        if let Some(few) = &few {
            let ratios =
                [&sent, &lived].into_iter().zip(few).map(|(side, few)| side.together() / few.together().max(f64::EPSILON));
            let most = ratios.fold(0.0, f64::max);
            let held = |held: bool| if held { "held" } else { "not held" };
            notes.push(format!(
                "{loaded}; aimed at under {} minutes: {}.",
                LOADED_WITHIN.as_secs() / 60,
                held(took < LOADED_WITHIN)
            ));
            notes.push(format!(
                "With that stored a message costs {most:.2} times the CPU at most, gateway and server together; aimed at {GROWTH}: {}.",
                held(most <= GROWTH)
            ));
        }
        few.get_or_insert([sent, lived]);
    }
    Ok(format!(
        "# What it costs on PostgreSQL\n\n- **Command**: `{command}`\n- **Machine**: {}\n- **Date**: {}\n- **Source**: {}\n- **Server**: {}\n\n\
         ## Against SQLite\n\n{HEAD}\n{}\n\n## With very much stored\n\n{HEAD}\n{}\n\n{}\n\n{}\n",
        machine(),
        said("date", &["-u", "+%Y-%m-%d %H:%M UTC"]),
        source(),
        server.settings(),
        compared.join("\n"),
        grown.join("\n"),
        notes.join("\n"),
        notes_for(sizes),
    ))
}

fn notes_for(sizes: Sizes) -> String {
    format!(
        "Accept and send: {} customers of {} businesses with {SENDERS} senders, an idempotency key each, verdicts, pace and attempts on. A full life:\n\
         one accept, one send, three statuses heard and told, of one business. CPU is user and system; the server's is that of all its\n\
         processes, those that clean up and write out too. Load, upstream and endpoint are a process of their own on the same cores. In\n\
         brackets: against SQLite in the first table, against few customers in the second. Latencies are of an open loop at half of\n\
         each run's own most, from the moment at which a request was due. All on one machine: gateways, server and load share its cores, so two\n\
         gateways show what sharing costs, not what a second machine brings. The programs are built with the profile that `--profile` names,\n\
         else as a release; `quick` has no link-time optimisation. Before a database is measured every file of it is read once, and its\n\
         indexes and the tables of customers are put into shared_buffers (pg_prewarm), as in a server that has run for a while.",
        thousands(sizes.compared.customers as f64),
        sizes.compared.businesses,
    )
}

/// Accept and send: the most in a closed loop, then the latency at half of it.
async fn accept_and_send(
    bench: &Bench,
    what: &str,
    folder: &Folder,
    other: Option<&Folder>,
    server: Option<&Server>,
) -> Result<Side> {
    let mut sync = probe_disk(folder.path(), bench.sizes.probe)?;
    let (upstream, url) = Upstream::start(Duration::ZERO, None).await?;
    let mut gateway = Gateway::start(&bench.transom, folder, &url, &[])?;
    if let Some(other) = other {
        gateway = gateway.and(Gateway::start(&bench.transom, other, &url, &[])?);
    }
    if let Some(server) = server {
        shared(&gateway, 1 + u64::from(other.is_some())).await?;
        server.count_anew();
    }
    let most = bench.accepted(&gateway, &upstream, "most").await?.figures;
    if let Some(server) = server {
        server.say_statements(upstream.received.now());
    }
    let before = upstream.received.now();
    let mut latencies: Latencies = gateway.load("half").open(CONNECTIONS, most.per_second() / 2.0, bench.sizes.time).await?;
    all_of("messages", &upstream.received, before + count(&latencies)).await?;
    Ok(Side { what: what.to_owned(), most, latency: p50_p99(&mut latencies), sync: p50_p99(&mut sync) })
}

/// Whole lives.
async fn lives(bench: &Bench, what: &str, folder: &Folder, server: &Server) -> Result<Side> {
    let mut sync = probe_disk(folder.path(), bench.sizes.probe)?;
    let lives = bench.start_lives(folder).await?;
    shared(&lives.gateway, 1).await?;
    server.count_anew();
    let most = bench.lived(&lives, "lives").await?.figures;
    server.say_statements(lives.upstream.received.now());
    Ok(Side { what: what.to_owned(), most, latency: None, sync: p50_p99(&mut sync) })
}

/// Waits until each of so many gateways has its part of the senders.
async fn shared(gateway: &Gateway<'_>, gateways: u64) -> Result<()> {
    let begun = Instant::now();
    loop {
        let told = gateway.operator(&["replicas"])?;
        let live = told["data"].as_array().context("no list of replicas")?.iter().filter(|replica| replica["state"] == "live");
        let senders: Vec<u64> = live.filter_map(|replica| replica["senders"].as_u64()).collect();
        // What is even is all that they hold, duties too.
        let even = senders.iter().all(|own| own.abs_diff(SENDERS / gateways) <= SENDERS / 10);
        if senders.len() as u64 == gateways && senders.iter().sum::<u64>() == SENDERS && even {
            return Ok(());
        }
        if begun.elapsed() > SHARED_WITHIN {
            bail!("{gateways} gateways have not shared {SENDERS} senders after {} s: {told}", SHARED_WITHIN.as_secs());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
