//! Checkpoints: what is in the log goes into the file, by a connection of its own, so that no caller waits for it.

use std::path::PathBuf;
use std::sync::{Condvar, Mutex, PoisonError};

use rusqlite::Connection;

/// The log is emptied from here on even while the writer is busy. Smaller means more rewriting of the same pages, larger a
/// longer read after a crash.
const BUSY_BYTES: u64 = 16 << 20;

#[derive(Default)]
struct State {
    wanted: bool,
    closed: bool,
}

/// When a checkpoint is to be made.
pub(super) struct Checkpointer {
    wal: PathBuf,
    state: Mutex<State>,
    changed: Condvar,
}

impl Checkpointer {
    pub(super) fn new(wal: PathBuf) -> Self {
        Self { wal, state: Mutex::default(), changed: Condvar::new() }
    }

    /// The writer has nothing to do and has written.
    pub(super) fn idle(&self) {
        self.change(|state| state.wanted = true);
    }

    /// The writer has written and goes on writing.
    pub(super) fn busy(&self) {
        if std::fs::metadata(&self.wal).is_ok_and(|wal| wal.len() > BUSY_BYTES) {
            self.change(|state| state.wanted = true);
        }
    }

    /// There will be no more.
    pub(super) fn close(&self) {
        self.change(|state| state.closed = true);
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_one();
    }

    /// Makes checkpoints until closed.
    pub(super) fn run(&self, connection: &Connection) {
        loop {
            let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            let mut state = self.changed.wait_while(state, |s| !s.wanted && !s.closed).unwrap_or_else(PoisonError::into_inner);
            if state.closed {
                return;
            }
            state.wanted = false;
            drop(state);
            // Passive: as far as it gets without waiting for anybody.
            let done = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
            if let Err(error) = done {
                // The writer meets the same trouble at its next commit, and decides.
                tracing::warn!(%error, "a checkpoint was not made");
            }
        }
    }
}
