//! The suite on this crate's engines.

use std::sync::Arc;

use transom_domain::limits::{LimitsTold, MessagingLimit};
use transom_domain::message::Class;
use transom_domain::time::Timestamp;

use super::desk::{DESK, Desk, SHOP};
use super::{CHECKS, Factory, holding};
use crate::cache::Cache;
use crate::moves::claim::claim;
use crate::moves::reach;
use crate::postgres::testing;
use crate::sqlite::rows::{SqliteRows, count};
use crate::{MemoryStore, PostgresAddress, PostgresOptions, PostgresStore, SqliteOptions, SqliteStore, Store};

pub(crate) struct Memory(pub(crate) MemoryStore);

impl Factory for Memory {
    fn open(&self) -> Arc<dyn Store> {
        self.0.crash();
        Arc::new(self.0.clone())
    }
}

pub(crate) struct Sqlite(pub(crate) tempfile::TempDir);

impl Factory for Sqlite {
    fn open(&self) -> Arc<dyn Store> {
        Arc::new(SqliteStore::open(self.0.path(), SqliteOptions::default()).unwrap())
    }
}

/// A store on PostgreSQL, by its address.
pub(crate) struct Postgres(pub(crate) String);

impl Factory for Postgres {
    fn open(&self) -> Arc<dyn Store> {
        let options = PostgresOptions { writers: 2, readers: 2, ..PostgresOptions::default() };
        Arc::new(PostgresStore::open(&PostgresAddress::parse(&self.0).unwrap(), options).unwrap())
    }
}

/// Runs every check on a store of its own, and names all that broke.
async fn broken(make: impl Fn() -> Box<dyn Factory>) -> Vec<String> {
    let mut broken = Vec::new();
    for check in CHECKS {
        let factory = make();
        if let Err(why) = (check.run)(&*factory).await {
            broken.push(format!("{}\n{}\n", check.name, why.0));
        }
    }
    broken
}

fn hold(broken: &[String]) {
    assert!(broken.is_empty(), "{} of {} promises are broken\n{}", broken.len(), CHECKS.len(), broken.join("\n"));
}

/// What of the suite breaks on PostgreSQL: run once for all tests that need it.
pub(crate) async fn broken_on_postgres() -> &'static [String] {
    static BROKEN: tokio::sync::OnceCell<Vec<String>> = tokio::sync::OnceCell::const_new();
    BROKEN.get_or_init(|| broken(|| Box::new(Postgres(testing::empty())))).await
}

#[tokio::test]
async fn memory_keeps_every_promise() {
    hold(&broken(|| Box::new(Memory(MemoryStore::new()))).await);
}

#[tokio::test]
async fn postgres_keeps_every_promise() {
    hold(broken_on_postgres().await);
}

#[tokio::test]
async fn sqlite_keeps_every_promise() {
    hold(&broken(|| Box::new(Sqlite(tempfile::tempdir().unwrap()))).await);
}

/// Holds an engine that is shared to what replicas rely on.
async fn hold_together(make: impl Fn() -> Box<dyn Factory>) {
    holding::a_lease_that_is_over_is_not_renewed(&*make()).await.unwrap();
    holding::what_is_held_is_taken_when_it_is_free(&*make()).await.unwrap();
    holding::who_does_not_hold_a_sender_begins_nothing_of_it(&*make()).await.unwrap();
    holding::what_a_replica_leaves_behind_is_taken_once_its_lease_is_over(&*make()).await.unwrap();
    holding::who_does_not_hold_an_endpoint_records_nothing_of_it(&*make()).await.unwrap();
}

#[tokio::test]
async fn what_replicas_rely_on_holds_in_memory_and_on_postgres() {
    hold_together(|| {
        let begun = std::time::Instant::now();
        let clock = move || Timestamp::from_millis(i64::try_from(begun.elapsed().as_millis()).unwrap());
        Box::new(Memory(MemoryStore::shared(clock)))
    })
    .await;
    hold_together(|| Box::new(Postgres(testing::empty()))).await;
}

/// What a killed process leaves behind: the files as they lie there, the log not emptied.
#[tokio::test]
async fn what_was_answered_survives_a_kill() {
    let (live, dead) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let factory = Sqlite(live);
    let mut desk = Desk::new(&factory).await.unwrap();
    let mut ids = Vec::new();
    for n in 0..300 {
        ids.push(desk.send(&format!("+49151{:08}", 10_000_000 + n)).await.unwrap());
    }
    let flying = desk.started().await.unwrap();
    assert_eq!(flying.len(), 100);
    for name in ["transom.db", "transom.db-wal"] {
        std::fs::copy(factory.0.path().join(name), dead.path().join(name)).unwrap();
    }
    let store = SqliteStore::open(dead.path(), SqliteOptions::default()).unwrap();
    for (n, id) in ids.iter().enumerate() {
        let message = store.message(SHOP, *id).await.unwrap().unwrap();
        assert_eq!(message.attempts.len(), usize::from(n < 100), "{n}");
    }
    assert_eq!(store.recover(1, desk.now, desk.now).await.unwrap(), 100);
}

#[test]
fn memory_fails_and_forgets_as_it_is_told() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let store = MemoryStore::new();
        let mut desk = Desk::new(&Memory(store.clone())).await.unwrap();
        let kept = desk.send("+4915112345678").await.unwrap();
        store.fail_next(1);
        assert!(desk.send("+4915112345678").await.is_err());
        store.set_sync(false);
        let lost = desk.send("+4915112345678").await.unwrap();
        assert!(desk.message(lost).await.is_ok());
        store.crash();
        assert!(desk.message(lost).await.is_err());
        assert!(desk.message(kept).await.is_ok());
        let safe = desk.send("+4915112345678").await.unwrap();
        store.set_sync(true);
        store.probe(desk.now).await.unwrap();
        store.crash();
        assert_eq!(desk.message(safe).await.unwrap().position, 2);
    });
}

/// A hundred messages wait, or a hundred thousand: each to a customer of its own, all due. What a claim costs is counted in the
/// steps of SQLite's machine, which do not depend on the machine under it.
#[tokio::test]
async fn a_claim_costs_the_same_however_long_the_backlog() {
    let mut costs = Vec::new();
    for waiting in [100, 100_000] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("transom.db");
        let factory = Sqlite(folder);
        let mut desk = Desk::new(&factory).await.unwrap();
        let mut marketing = desk.text("+4915100000001").unwrap();
        marketing.class = Class::Marketing;
        desk.accept(marketing).await.unwrap();
        desk.store.close().await.unwrap();
        multiply(&rusqlite::Connection::open(&path).unwrap(), waiting);
        desk.store = factory.open();
        let mut accept = desk.text("+4915199999999").unwrap();
        accept.backlog_max = 1_000_000;
        let reply = desk.accept(accept).await.unwrap();
        desk.store.close().await.unwrap();

        let connection = rusqlite::Connection::open(&path).unwrap();
        let cache = Cache::default();
        let mut rows = SqliteRows::writing(&connection, &cache);
        count::steps();
        let claims = claim(&mut rows, &desk.claiming(32)).unwrap();
        // The reply goes before all that has waited longer.
        assert_eq!((claims.claimed.len(), claims.claimed[0].message.id), (32, reply));
        let goes = count::steps();
        // All places of the limit are taken: what finds none is put away once.
        let full = LimitsTold { limit: Some(MessagingLimit::Customers(1)), at: desk.now, ..LimitsTold::default() };
        reach::read(&mut rows, SHOP, DESK, &full, desk.now).unwrap();
        count::steps();
        for _ in 0..2 {
            claim(&mut rows, &desk.claiming(32)).unwrap();
        }
        let held = count::steps();
        let load = reach::load(&rows, DESK, desk.now).unwrap();
        assert_eq!((load.reached, load.held), (1, true));
        costs.push((goes, held));
    }
    let [(goes, held), (goes_long, held_long)] = costs[..] else { panic!("two backlogs") };
    let same = |short: i64, long: i64| short > 1_000 && (short - long).abs() * 20 < short;
    assert!(same(goes, goes_long) && same(held, held_long), "steps: {goes} and {goes_long}, {held} and {held_long}");
}

/// The one message that waits, so many times, each to another customer.
fn multiply(connection: &rusqlite::Connection, times: u32) {
    let numbers = format!("WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < {times})");
    let address = "printf('+49151%08d', i)";
    let key = "CAST(printf('%016d', i) AS BLOB)";
    let copies = [
        format!(
            "{numbers} INSERT INTO message SELECT i, {key}, business, sender, {key}, channel, {address}, i, class, accepted_at, expires_at,
                 when_unknown, callback_data, campaign, reply_to, redacted, draft, inbound, verdict, told_at, content, origin, NULL FROM n, message WHERE seq = 1"
        ),
        format!("{numbers} INSERT INTO standing (seq, phase, phase_at, failure, status, told)
                 SELECT i, phase, phase_at, failure, status, told FROM n, standing WHERE seq = 1"),
        format!("{numbers} INSERT INTO lane SELECT sender, class, {key}, flight, due, i FROM n, lane WHERE head = 1"),
        format!(
            "{numbers} INSERT INTO wait SELECT sender, i, class, {key}, i, not_before, aside, expires_at, accepted_at, content
                 FROM n, wait WHERE position = 1"
        ),
        format!("UPDATE sender_counter SET position = {times}, waiting = {times}"),
    ];
    connection.execute_batch(&format!("BEGIN; {}; COMMIT", copies.join("; "))).unwrap();
}
