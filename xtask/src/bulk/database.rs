//! The same rows into a database on PostgreSQL, by `COPY` and by copies made in the server, over a few connections at once.
//!
//! Keys and indexes of what is filled are dropped first and made anew at the end, by the server's own words for them.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use futures::SinkExt as _;
use tokio::task::JoinSet;
use tokio_postgres::{Client, NoTls};

use transom_domain::time::Timestamp;
use transom_gateway::seal::SealingKey;
use transom_store::{PostgresAddress, PostgresOptions, PostgresStore, Store as _};

use super::house::{Furnished, furnish};
use super::messages::{TABLES, copies, expressions, tallies};
use super::people::people;
use super::rows::{Load, line};
use super::{Plan, lives};

/// Connections at once.
const STREAMS: usize = 4;
/// A piece of a `COPY`, in bytes.
const PIECE: usize = 64 << 10;
/// Of a session that loads: what is broken off is thrown away, so no commit waits for the disk; indexes are built in memory, one on each
/// connection; a table is read from its beginning, so that what is made of it has its order.
const SESSION: &str =
    "SET synchronous_commit = off; SET maintenance_work_mem = '512MB'; SET max_parallel_maintenance_workers = 0;
    SET synchronize_seqscans = off; SET statement_timeout = 0; SET jit = off";
/// The tables that customers are in.
const PEOPLE: [&str; 4] = ["customer", "customer_word", "identity", "conversation"];

/// Fills a database in which there is nothing yet, on a server that is reached without TLS. The sealing key is that of `dir`, made if it
/// has none.
///
/// # Errors
/// When a number is out of its range, the database was filled before, or the server refuses something. A database in which a load was
/// broken off is to be thrown away.
pub(crate) fn fill(url: &str, dir: &Path, plan: Plan) -> Result<Furnished> {
    fill_at(url, dir, plan, super::now()?)
}

pub(super) fn fill_at(url: &str, dir: &Path, plan: Plan, now: Timestamp) -> Result<Furnished> {
    plan.check()?;
    std::fs::create_dir_all(dir).with_context(|| format!("{} cannot be made", dir.display()))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let furnished = runtime.block_on(async {
        let store = open(url)?;
        let furnished = Arc::new(furnish(&store, &SealingKey::load_or_create(dir)?, plan, now).await?);
        store.close().await?;
        let indexes = without_indexes(url, &PEOPLE).await?;
        at_once(url, people(&furnished, plan.customers, now).into_iter().map(Work::Copy)).await?;
        indexes.made(url).await?;
        if plan.messages > 0 {
            let store = open(url)?;
            lives::models(&store, &furnished, plan.customers, now).await?;
            store.close().await?;
            multiply(url, &furnished, plan, now).await?;
        }
        // Plans, and rows that are known to be visible to all, as a house has them that has run for a while.
        let tables = PEOPLE.into_iter().chain(TABLES.map(|(table, _)| table));
        at_once(url, tables.map(|table| Work::Run(format!("VACUUM (FREEZE, ANALYZE) {table}")))).await?;
        anyhow::Ok(furnished)
    })?;
    Ok(Arc::unwrap_or_clone(furnished))
}

fn open(url: &str) -> Result<PostgresStore> {
    let address = PostgresAddress::read(url).map_err(|why| anyhow::anyhow!("--store wants {why}"))?;
    let options = PostgresOptions { writers: 1, readers: 1, application: "transom-command", ..PostgresOptions::default() };
    PostgresStore::open(&address, options).context("the database cannot be opened")
}

async fn connect(url: &str) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.context("the server cannot be reached without TLS")?;
    // Whoever asks on it learns when it ends.
    tokio::spawn(connection);
    client.batch_execute(SESSION).await?;
    Ok(client)
}

/// What one connection does.
enum Work {
    Run(String),
    Copy(Load),
}

impl Work {
    async fn done(self, client: &Client) -> Result<()> {
        match self {
            Self::Run(sql) => client.batch_execute(&sql).await.with_context(|| sql),
            Self::Copy(load) => copy(client, load).await,
        }
    }
}

/// Does all of it, in this order as far as connections are free.
async fn at_once(url: &str, works: impl Iterator<Item = Work>) -> Result<()> {
    let works: Arc<Mutex<VecDeque<Work>>> = Arc::new(Mutex::new(works.collect()));
    let mut running: JoinSet<Result<()>> = JoinSet::new();
    for _ in 0..STREAMS {
        let (works, url) = (works.clone(), url.to_owned());
        running.spawn(async move {
            let client = connect(&url).await?;
            loop {
                let Some(work) = works.lock().unwrap_or_else(PoisonError::into_inner).pop_front() else { return Ok(()) };
                work.done(&client).await?;
            }
        });
    }
    while let Some(ended) = running.join_next().await {
        ended??;
    }
    Ok(())
}

async fn copy(client: &Client, load: Load) -> Result<()> {
    let sql = format!("COPY {} ({}) FROM STDIN", load.table, load.columns.join(", "));
    let sink = client.copy_in::<_, Bytes>(&sql).await.with_context(|| sql)?;
    let mut sink = std::pin::pin!(sink);
    let mut piece = String::with_capacity(2 * PIECE);
    for row in load.rows {
        line(&row, &mut piece);
        if piece.len() >= PIECE {
            sink.send(Bytes::copy_from_slice(piece.as_bytes())).await?;
            piece.clear();
        }
    }
    sink.send(Bytes::from(piece)).await?;
    sink.finish().await.with_context(|| format!("{} cannot be filled", load.table))?;
    Ok(())
}

/// What makes the keys and indexes of tables again.
struct Indexes {
    keys: Vec<String>,
    others: Vec<String>,
}

impl Indexes {
    async fn made(self, url: &str) -> Result<()> {
        // A key holds its table alone while it is made; several indexes of one are made at once.
        at_once(url, self.keys.into_iter().map(Work::Run)).await?;
        at_once(url, self.others.into_iter().map(Work::Run)).await
    }
}

/// Drops keys and indexes of tables, the largest table last to be made again first.
async fn without_indexes(url: &str, tables: &[&str]) -> Result<Indexes> {
    let client = connect(url).await?;
    let sql = "SELECT t.relname::text, i.relname::text, pg_get_indexdef(i.oid), pg_get_constraintdef(c.oid)
         FROM pg_index x JOIN pg_class t ON t.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
         LEFT JOIN pg_constraint c ON c.conindid = i.oid
         WHERE t.relnamespace = current_schema()::text::regnamespace AND t.relname = ANY($1) ORDER BY t.relname, i.relname";
    let (mut indexes, mut drops) = (Indexes { keys: Vec::new(), others: Vec::new() }, String::new());
    for row in client.query(sql, &[&tables]).await? {
        let (table, name): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        match row.try_get::<_, Option<String>>(3)? {
            Some(key) => {
                drops.push_str(&format!("ALTER TABLE {table} DROP CONSTRAINT {name};"));
                indexes.keys.push(format!("ALTER TABLE {table} ADD CONSTRAINT {name} {key}"));
            }
            None => {
                drops.push_str(&format!("DROP INDEX {name};"));
                indexes.others.push(row.try_get(2)?);
            }
        }
    }
    if indexes.keys.len() < tables.len() {
        bail!("a table of {tables:?} has no key: this load is to be mended");
    }
    client.batch_execute(&drops).await?;
    Ok(indexes)
}

/// Makes so many messages of the two that are there.
async fn multiply(url: &str, house: &Arc<Furnished>, plan: Plan, now: Timestamp) -> Result<()> {
    let client = connect(url).await?;
    let [out, inbound] = models(&client).await?;
    let tables = TABLES.map(|(table, _)| table);
    let indexes = without_indexes(url, &tables).await?;
    client
        .batch_execute(
            "CREATE UNLOGGED TABLE bulk_copy (seq BIGINT NOT NULL, inbound BIGINT NOT NULL, business BYTEA NOT NULL, id BYTEA NOT NULL,
                 sender BYTEA NOT NULL, customer BYTEA NOT NULL, address TEXT NOT NULL, at BIGINT NOT NULL, provider_id TEXT NOT NULL)",
        )
        .await?;
    let mut numbers = Vec::new();
    for owner in house.owners() {
        let business = owner.business.to_bytes();
        let sql = "SELECT (ordinal << 40) | numbers FROM turn WHERE business = $1";
        numbers.push(client.query_one(sql, &[&business.as_slice()]).await?.try_get::<_, i64>(0)?);
    }
    let number = move |place: usize| {
        numbers.get_mut(place).map_or(0, |last| {
            *last += 1;
            *last
        })
    };
    copy(&client, copies("bulk_copy", house, plan, now, number)).await?;
    client.batch_execute("ANALYZE bulk_copy").await?;
    let mut works = Vec::new();
    for (table, set) in TABLES {
        let columns = columns(&client, table).await?;
        let (into, values) = (columns.join(", "), expressions(table, set, &columns)?);
        // The models apart: a table that is being filled is no place to look them up in.
        works.push(format!(
            "CREATE TABLE bulk_{table} AS SELECT m.*, m.seq = {inbound} AS is_in FROM {table} m WHERE m.seq IN ({out}, {inbound});
             INSERT INTO {table} ({into}) SELECT {values} FROM bulk_copy p JOIN bulk_{table} m ON m.is_in = (p.inbound = 1);
             DROP TABLE bulk_{table}"
        ));
    }
    let counted = tallies("bulk_copy", "bulk_tally");
    works.push(format!("CREATE TABLE bulk_tally AS SELECT * FROM tally; {counted}; DROP TABLE bulk_tally"));
    // The longest first.
    works.reverse();
    at_once(url, works.into_iter().map(Work::Run)).await?;
    let sql = "UPDATE turn t SET numbers = c.last & ((1::bigint << 40) - 1), version = t.version + 1
         FROM (SELECT business, max(seq) AS last FROM bulk_copy GROUP BY business) c WHERE c.business = t.business";
    client.batch_execute(sql).await?;
    client.batch_execute("DROP TABLE bulk_copy").await?;
    indexes.made(url).await
}

/// The message out and the message in.
async fn models(client: &Client) -> Result<[i64; 2]> {
    let rows = client.query("SELECT seq, inbound IS NOT NULL FROM message ORDER BY seq", &[]).await?;
    let found: Vec<(i64, bool)> = rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect::<Result<_>>()?;
    match found.as_slice() {
        [(out, false), (inbound, true)] => Ok([*out, *inbound]),
        _ => bail!("the database has {} messages where one out and then one in are wanted", found.len()),
    }
}

async fn columns(client: &Client, table: &str) -> Result<Vec<String>> {
    let sql = "SELECT attname::text FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum";
    let rows = client.query(sql, &[&table]).await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}
