//! Checkpoints: what is in the log goes into the file, so that the log can begin anew and stays below its ceiling.
//!
//! A connection of its own makes them while the writer goes on, so that no caller waits. But a log that is written to all the
//! time is never whole in the file, and so never begins anew: the last part is the writer's, between two groups. It is handed
//! over once little is left, so that this takes a few milliseconds.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::open::BUSY;
use super::room::{DiskRoom, LOOK_EVERY};

/// Bytes of a page of 4 KiB in the log, with its head.
const FRAME: u64 = 4_096 + 24;
/// So much left is the writer's at once: 4 MiB.
const HAND_OVER: u64 = 1_024;
/// How long the writer waits for those who still read an old state. Our own reads take milliseconds.
const READER_WAIT: Duration = Duration::from_millis(100);
/// After it waited in vain it goes on for so long before it waits again: a twentieth of its time at most.
const PINNED_REST: Duration = Duration::from_secs(2);

#[derive(Default)]
struct State {
    /// The thread beside the writer is to make a pass.
    wanted: bool,
    /// It is making one.
    passing: bool,
    /// What is left is the writer's.
    handed: bool,
    closed: bool,
}

/// Pages in the log, and how many of them are in the file too.
struct Log {
    pages: u64,
    in_file: u64,
    /// Somebody reads an old state, or makes a checkpoint.
    held: bool,
}

fn checkpoint(connection: &Connection, sql: &str) -> rusqlite::Result<Log> {
    connection.prepare_cached(sql)?.query_row([], |row| {
        let count = |column| row.get::<_, i64>(column).map(|n| u64::try_from(n).unwrap_or(0));
        Ok(Log { held: row.get(0)?, pages: count(1)?, in_file: count(2)? })
    })
}

/// Who makes which part of a checkpoint, and when.
pub(super) struct Checkpointer {
    /// The ceiling, in pages.
    ceiling: u64,
    pages: AtomicU64,
    pinned: AtomicU64,
    disk: Arc<DiskRoom>,
    state: Mutex<State>,
    changed: Condvar,
}

impl Checkpointer {
    /// For a log of at most so many bytes.
    pub(super) fn new(log_max: u64, disk: Arc<DiskRoom>) -> Self {
        Self {
            ceiling: (log_max / FRAME).max(64),
            pages: AtomicU64::new(0),
            pinned: AtomicU64::new(0),
            disk,
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// Bytes in the log, and how often somebody who read an old state kept it from beginning anew.
    pub(super) fn shown(&self) -> (u64, u64) {
        (self.pages.load(Ordering::Relaxed) * FRAME, self.pinned.load(Ordering::Relaxed))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The writer has nothing to do and has written.
    pub(super) fn idle(&self) {
        self.state().wanted = true;
        self.changed.notify_all();
    }

    /// There will be no more.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.changed.notify_all();
    }

    /// Makes the part that goes on beside the writer, and looks at the disk, until closed.
    pub(super) fn run(&self, connection: &Connection) {
        loop {
            let state = self.state();
            let (mut state, _) = self
                .changed
                .wait_timeout_while(state, LOOK_EVERY, |s| !s.wanted && !s.closed)
                .unwrap_or_else(PoisonError::into_inner);
            if state.closed {
                return;
            }
            if !std::mem::take(&mut state.wanted) {
                drop(state);
                self.disk.look();
                continue;
            }
            state.passing = true;
            drop(state);
            // Passive: as far as it gets without waiting for anybody.
            let done = checkpoint(connection, "PRAGMA wal_checkpoint(PASSIVE)");
            let mut state = self.state();
            state.passing = false;
            match done {
                Ok(log) if log.pages >= self.ceiling / 4 => {
                    let left = log.pages.saturating_sub(log.in_file);
                    state.handed = left <= HAND_OVER || log.pages >= self.ceiling / 2;
                    state.wanted = !state.handed;
                }
                Ok(_) => {}
                // The writer meets the same trouble at its next commit, and decides.
                Err(error) => tracing::warn!(%error, "a checkpoint was not made"),
            }
            drop(state);
            self.changed.notify_all();
        }
    }
}

/// The writer's part.
pub(super) struct WritersPart<'a> {
    checkpointer: &'a Checkpointer,
    not_before: Option<Instant>,
}

impl<'a> WritersPart<'a> {
    pub(super) fn new(checkpointer: &'a Checkpointer) -> Self {
        Self { checkpointer, not_before: None }
    }

    /// To be called after every group. Does nothing as long as the log is short; near the ceiling it waits for the pass under
    /// way, which is at most as long as the log.
    pub(super) fn after_group(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let all = self.checkpointer;
        let log = checkpoint(connection, "PRAGMA wal_checkpoint(NOOP)")?;
        all.pages.store(log.pages, Ordering::Relaxed);
        if log.pages < all.ceiling / 4 || self.not_before.is_some_and(|at| Instant::now() < at) {
            return Ok(());
        }
        let full = log.pages >= all.ceiling / 4 * 3;
        let mut state = all.state();
        if full {
            state = all.changed.wait_while(state, |s| s.passing && !s.closed).unwrap_or_else(PoisonError::into_inner);
        }
        if state.passing {
            return Ok(());
        }
        if !full && !state.handed {
            state.wanted = true;
            drop(state);
            all.changed.notify_all();
            return Ok(());
        }
        (state.handed, state.wanted) = (false, false);
        // No pass may begin now: only one can make a checkpoint.
        state.passing = true;
        drop(state);
        let begun = self.begin_anew(connection);
        all.state().passing = false;
        begun
    }

    /// Puts what is left into the file, and waits for those who still read the log, so that the next group begins it anew.
    fn begin_anew(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        connection.busy_timeout(READER_WAIT)?;
        let done = checkpoint(connection, "PRAGMA wal_checkpoint(RESTART)");
        connection.busy_timeout(BUSY)?;
        let log = done?;
        if log.held {
            self.not_before = Some(Instant::now() + PINNED_REST);
            let times = self.checkpointer.pinned.fetch_add(1, Ordering::Relaxed) + 1;
            tracing::warn!(
                bytes = log.pages * FRAME,
                times,
                "the write-ahead log cannot begin anew: somebody, perhaps a shell on the file, reads an old state for too long"
            );
        }
        Ok(())
    }
}
