//! The suite on this crate's engines.

use std::sync::Arc;

use super::desk::{Desk, SHOP};
use super::{CHECKS, Factory};
use crate::{MemoryStore, SqliteOptions, SqliteStore, Store};

pub(super) struct Memory(pub(super) MemoryStore);

impl Factory for Memory {
    fn open(&self) -> Arc<dyn Store> {
        self.0.crash();
        Arc::new(self.0.clone())
    }
}

pub(super) struct Sqlite(pub(super) tempfile::TempDir);

impl Factory for Sqlite {
    fn open(&self) -> Arc<dyn Store> {
        Arc::new(SqliteStore::open(self.0.path(), SqliteOptions::default()).unwrap())
    }
}

/// Runs every check on a store of its own, and names all that broke.
async fn hold(make: impl Fn() -> Box<dyn Factory>) {
    let mut broken = Vec::new();
    for check in CHECKS {
        let factory = make();
        if let Err(why) = (check.run)(&*factory).await {
            broken.push(format!("{}\n{}\n", check.name, why.0));
        }
    }
    assert!(broken.is_empty(), "{} of {} promises are broken\n{}", broken.len(), CHECKS.len(), broken.join("\n"));
}

#[tokio::test]
async fn memory_keeps_every_promise() {
    hold(|| Box::new(Memory(MemoryStore::new()))).await;
}

#[tokio::test]
async fn sqlite_keeps_every_promise() {
    hold(|| Box::new(Sqlite(tempfile::tempdir().unwrap()))).await;
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
