//! The suite on this crate's engines.

use std::sync::Arc;

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
