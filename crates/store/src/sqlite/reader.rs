//! Reads: a few read-only connections, on threads where waiting for a disk holds nobody up.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::rows::{SqliteRows, execute, fault};
use crate::StoreError;
use crate::rows::Result;

/// How many reads may wait for a connection: more than the callers of one process can have open, and a bound all the same.
const WAITING_MAX: usize = 4_096;

/// The readers.
pub(super) struct Readers {
    free: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
    waiting: AtomicUsize,
    closed: AtomicBool,
}

/// Counts one that waits for as long as it does.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Readers {
    pub(super) fn new(connections: Vec<Connection>) -> Self {
        let permits = Arc::new(Semaphore::new(connections.len()));
        Self { free: Mutex::new(connections), permits, waiting: AtomicUsize::new(0), closed: AtomicBool::new(false) }
    }

    fn free(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// No more reads.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.permits.close();
        self.free().clear();
    }

    /// Runs a read on one state of the store.
    pub(super) async fn read<T: Send + 'static>(
        self: Arc<Self>,
        run: impl FnOnce(&SqliteRows<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let lent = self.lend().await?;
        let read = tokio::task::spawn_blocking(move || lent.run(run));
        read.await.map_err(|stopped| StoreError::Corrupt(format!("a read stopped: {stopped}")))?
    }

    /// As [`Readers::read`], on the caller's own thread: for what takes a few microseconds, and a disk read or two at worst.
    pub(super) async fn look_up<T>(self: Arc<Self>, run: impl FnOnce(&SqliteRows<'_>) -> Result<T>) -> Result<T> {
        self.lend().await?.run(run)
    }

    /// Lends a connection, as soon as one is free.
    async fn lend(self: Arc<Self>) -> Result<Lent> {
        let closed = || StoreError::Unavailable("the store is closed".to_owned());
        let all = Arc::clone(&self);
        let waiting = Waiting(&all.waiting);
        if all.waiting.fetch_add(1, Ordering::Relaxed) >= WAITING_MAX {
            return Err(StoreError::Busy);
        }
        let permit = Arc::clone(&all.permits).acquire_owned().await.map_err(|_| closed())?;
        let connection = self.free().pop().ok_or_else(closed)?;
        drop(waiting);
        // Connection and permit stay together, and come back even when the caller goes away in between or the read panics.
        Ok(Lent { readers: self, connection: Some(connection), _permit: permit })
    }
}

/// A connection that is lent out, with the leave to use it.
struct Lent {
    readers: Arc<Readers>,
    connection: Option<Connection>,
    // After the connection: fields are dropped in order, and `drop` gives the connection back before either.
    _permit: tokio::sync::OwnedSemaphorePermit,
}

impl Lent {
    fn run<T>(&self, run: impl FnOnce(&SqliteRows<'_>) -> Result<T>) -> Result<T> {
        let connection = self.connection.as_ref().ok_or_else(|| StoreError::Unavailable("the store is closed".to_owned()))?;
        on_one_state(connection, run)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take()
            && !self.readers.closed.load(Ordering::Acquire)
        {
            self.readers.free().push(connection);
        }
    }
}

fn on_one_state<T>(connection: &Connection, run: impl FnOnce(&SqliteRows<'_>) -> Result<T>) -> Result<T> {
    execute(connection, "BEGIN").map_err(fault)?;
    let begun = Begun(connection);
    let read = run(&SqliteRows::reading(connection));
    drop(begun);
    read
}

/// A transaction that reads, until it is dropped: also when the read panics, since the connection is used again.
struct Begun<'c>(&'c Connection);

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        if let Err(error) = execute(self.0, "COMMIT") {
            tracing::warn!(%error, "a read could not be ended");
        }
    }
}
