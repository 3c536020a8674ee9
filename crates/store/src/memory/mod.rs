//! The engine in memory: ordered maps, no threads, no disk. For trials and tests: the same calls give the same answers every
//! time, and it fails and forgets when it is told to.

mod audit;
mod audit_log;
mod consent;
mod content;
mod disk;
mod erasing;
mod heard;
mod history;
mod journal;
mod marks;
mod media;
mod message;
mod messaging_services;
mod people;
mod queue;
mod reach;
mod rehear;
mod relay;
mod replicas;
mod restore;
mod silence;
mod sweep;
pub(crate) mod table;
mod tally;
mod telling;
mod template;
mod users;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use transom_domain::time::Timestamp;

use crate::engine::{Engine, Room, Scope};
use crate::rows::{JournalRows, Result, Rows};
use crate::{Answer, Condition, CopyProgress, StoreError};

use disk::name_of;
use replicas::StoreClock;
use table::MemoryRows;

pub use disk::{Disk, Waiting};

#[derive(Default)]
struct State {
    rows: MemoryRows,
    /// Writes that are still to fail.
    failing: usize,
    /// Commits are kept only in memory for now: a crash loses them.
    unsynced: bool,
    closed: bool,
}

/// A store in memory. Clones are the same store.
#[derive(Clone, Default)]
pub struct MemoryStore {
    state: Arc<Mutex<State>>,
    disk: Option<Arc<dyn Disk>>,
}

impl std::fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MemoryStore")
    }
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty store that many replicas share, whose leases run on this clock.
    #[must_use]
    pub fn shared(clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        let store = Self::default();
        store.state().rows.clock = Some(StoreClock(Arc::new(clock)));
        store
    }

    /// The same store, whose moves go by way of this disk.
    #[must_use]
    pub fn behind(&self, disk: Arc<dyn Disk>) -> Self {
        Self { state: self.state.clone(), disk: Some(disk) }
    }

    /// What does not agree in its rows, each in a sentence; nothing after any move.
    #[must_use]
    pub fn audit(&self) -> Vec<String> {
        self.state().rows.audit()
    }

    /// Whether everything that was answered would survive the end of the process.
    #[must_use]
    pub fn is_safe(&self) -> bool {
        self.unsafe_writes() == 0
    }

    /// Rows that were written and are not safe: all of them, while [`MemoryStore::set_sync`] is off.
    #[must_use]
    pub fn unsafe_writes(&self) -> usize {
        self.state().rows.unsafe_writes()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the next `n` moves that write fail as if nothing could be committed.
    pub fn fail_next(&self, n: usize) {
        self.state().failing = n;
    }

    /// With `false`, what is committed from now on is answered but not yet safe, as on a disk that lies about its syncs; the
    /// first commit after `true` makes all of it safe.
    pub fn set_sync(&self, sync: bool) {
        self.state().unsynced = !sync;
    }

    /// The process dies and starts again: what was not safe is gone, and a closed store is open.
    pub fn crash(&self) {
        let mut state = self.state();
        state.rows.undo_to(&[]);
        state.closed = false;
        state.failing = 0;
    }

    fn run<T>(&self, run: impl FnOnce(&mut MemoryRows) -> Result<T>) -> Result<T> {
        let mut state = self.state();
        let state = &mut *state;
        if state.closed {
            return Err(closed());
        }
        if state.failing > 0 {
            state.failing -= 1;
            return Err(StoreError::Unavailable("it was told to fail".to_owned()));
        }
        let marks = state.rows.marks();
        let answer = run(&mut state.rows);
        if answer.is_err() {
            state.rows.undo_to(&marks);
        } else if !state.unsynced {
            state.rows.keep();
        }
        answer
    }
}

fn closed() -> StoreError {
    StoreError::Unavailable("the store is closed".to_owned())
}

impl Engine for MemoryStore {
    fn write<T: Send + 'static>(
        &self,
        _scope: Scope,
        _room: Room,
        run: impl Fn(&mut dyn Rows) -> Result<T> + Send + 'static,
    ) -> Answer<'_, T> {
        Box::pin(async move {
            let Some(disk) = &self.disk else { return self.run(|rows| run(rows)) };
            let what = name_of(&run);
            disk.write(what).await?;
            let answer = self.run(|rows| run(rows));
            disk.written(what).await;
            answer
        })
    }

    fn note<T: Send + 'static>(
        &self,
        _scope: Scope,
        _room: Room,
        run: impl Fn(&mut dyn JournalRows) -> Result<T> + Send + 'static,
    ) -> Answer<'_, T> {
        Box::pin(async move {
            let Some(disk) = &self.disk else { return self.run(|rows| run(rows)) };
            let what = name_of(&run);
            disk.write(what).await?;
            let answer = self.run(|rows| run(rows));
            disk.written(what).await;
            answer
        })
    }

    fn consult<T: Send + 'static>(&self, run: impl Fn(&dyn JournalRows) -> Result<T> + Send + 'static) -> Answer<'_, T> {
        Box::pin(async move {
            if let Some(disk) = &self.disk {
                disk.read(name_of(&run)).await?;
            }
            let state = self.state();
            if state.closed { Err(closed()) } else { run(&state.rows) }
        })
    }

    fn is_shared(&self) -> bool {
        self.state().rows.clock.is_some()
    }

    fn scrubbed(&self) -> Answer<'_, bool> {
        Box::pin(async { Ok(true) })
    }

    fn read<T: Send + 'static>(&self, run: impl Fn(&dyn Rows) -> Result<T> + Send + 'static) -> Answer<'_, T> {
        Box::pin(async move {
            if let Some(disk) = &self.disk {
                disk.read(name_of(&run)).await?;
            }
            let state = self.state();
            if state.closed { Err(closed()) } else { run(&state.rows) }
        })
    }

    fn look_up<T: Send + 'static>(&self, run: impl Fn(&dyn Rows) -> Result<T> + Send + 'static) -> Answer<'_, T> {
        self.read(run)
    }

    fn shown(&self) -> Condition {
        Condition::default()
    }

    fn copied(&self, _to: PathBuf, _progress: Arc<CopyProgress>) -> Answer<'_, ()> {
        Box::pin(async { Err(StoreError::Unavailable("what is kept in memory is not kept in a file".to_owned())) })
    }

    fn end(&self) -> Answer<'_, ()> {
        Box::pin(async move {
            self.state().closed = true;
            Ok(())
        })
    }
}
