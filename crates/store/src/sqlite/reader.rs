//! Reads: a few read-only connections, on threads where waiting for a disk holds nobody up.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::rows::{SqliteRows, fault};
use crate::StoreError;
use crate::rows::{Result, Rows};

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
        run: impl FnOnce(&dyn Rows) -> Result<T> + Send + 'static,
    ) -> Result<T> {
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
        let lent = Lent { readers: self, connection: Some(connection), _permit: permit };
        let read = tokio::task::spawn_blocking(move || {
            let connection = lent.connection.as_ref().ok_or_else(|| StoreError::Unavailable("the store is closed".to_owned()))?;
            on_one_state(connection, run)
        });
        read.await.map_err(|stopped| StoreError::Corrupt(format!("a read stopped: {stopped}")))?
    }
}

/// A connection that is lent out, with the leave to use it.
struct Lent {
    readers: Arc<Readers>,
    connection: Option<Connection>,
    // After the connection: fields are dropped in order, and `drop` gives the connection back before either.
    _permit: tokio::sync::OwnedSemaphorePermit,
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

fn on_one_state<T>(connection: &Connection, run: impl FnOnce(&dyn Rows) -> Result<T>) -> Result<T> {
    // Ended by being dropped: there is nothing to commit.
    let transaction = connection.unchecked_transaction().map_err(fault)?;
    run(&SqliteRows { connection: &transaction })
}
