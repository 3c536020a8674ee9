//! The world at work: one lock, one writer that commits many steps together, and the timers.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use transom_clock::{Settles, Settling, WorldClock};

use crate::deliver::Queue;
use crate::folder::Folder;
use crate::store;
use crate::told::Told;
use crate::world::effects::Change;
use crate::world::timers::BATCH;
use crate::world::{Now, World};

/// Rows that may wait for the writer; beyond it callers hear that the service is overloaded.
const PENDING_MAX: usize = 200_000;

/// Why a step was not taken, or is not durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    /// Too much waits for the disk.
    #[error("too much is waiting for the disk; try again")]
    Overloaded,
    /// A commit failed: nothing is taken any more.
    #[error("the simulator could not write to its folder and has stopped taking anything; look at the disk and start it again")]
    Broken,
}

struct State {
    world: World,
    pending: Vec<Change>,
    ready: Vec<u64>,
    /// The group that pending rows will be committed in.
    group: u64,
    stopping: bool,
}

/// How far the disk is.
#[derive(Debug, Clone, Copy)]
struct Committed {
    group: u64,
    broken: bool,
}

/// The world and what drives it.
pub(crate) struct Engine {
    state: Mutex<State>,
    wake_writer: Condvar,
    committed: watch::Sender<Committed>,
    /// Timers may have become due earlier than the timer task thinks.
    timers_changed: Notify,
    /// Something was finished: whoever waits for quiet looks again.
    progress: Notify,
    activity: AtomicU64,
    pub(crate) queue: Queue,
    pub(crate) clock: WorldClock,
    /// What happens, for who watches.
    pub(crate) told: Told,
    pub(crate) folder: Folder,
    reader: Mutex<Connection>,
    began: Instant,
}

impl Engine {
    pub(crate) fn new(world: World, clock: WorldClock, folder: Folder, reader: Connection, boots: u64) -> Self {
        Self {
            state: Mutex::new(State { world, pending: Vec::new(), ready: Vec::new(), group: 1, stopping: false }),
            wake_writer: Condvar::new(),
            committed: watch::Sender::new(Committed { group: 0, broken: false }),
            timers_changed: Notify::new(),
            progress: Notify::new(),
            activity: AtomicU64::new(0),
            queue: Queue::default(),
            clock,
            told: Told::new(boots),
            folder,
            reader: Mutex::new(reader),
            began: Instant::now(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic while the world was held leaves at worst one step half done; the rows decide after a restart.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> Now {
        let machine_second = i64::try_from(self.began.elapsed().as_secs()).unwrap_or(i64::MAX);
        Now { world: self.clock.now(), machine_second }
    }

    /// Looks at the world without changing it.
    pub(crate) fn look<R>(&self, look: impl FnOnce(&World, Now) -> R) -> R {
        let now = self.now();
        look(&self.lock().world, now)
    }

    /// Takes a step and does not wait for the disk: for steps that nobody was promised. Answers the group to wait for.
    pub(crate) fn step<R>(&self, step: impl FnOnce(&mut World, Now) -> R) -> (R, Option<u64>) {
        let mut state = self.lock();
        // Read under the lock, so that steps see time in the order in which they are taken.
        let now = self.now();
        let due_before = state.world.next_due();
        let result = step(&mut state.world, now);
        let due_after = state.world.next_due();
        let effects = state.world.take_effects();
        let group = if effects.is_empty() {
            None
        } else {
            state.pending.extend(effects.changes);
            state.ready.extend(effects.ready);
            self.wake_writer.notify_one();
            Some(state.group)
        };
        drop(state);
        if due_after.is_some_and(|after| due_before.is_none_or(|before| after < before)) {
            self.timers_changed.notify_one();
        }
        (result, group)
    }

    /// Takes a step and answers once it is durable.
    pub(crate) async fn commit<R>(&self, step: impl FnOnce(&mut World, Now) -> R) -> Result<R, Fault> {
        if self.committed.borrow().broken {
            return Err(Fault::Broken);
        }
        if self.lock().pending.len() > PENDING_MAX {
            return Err(Fault::Overloaded);
        }
        let (result, group) = self.step(step);
        if let Some(group) = group {
            self.durable(group).await?;
        }
        Ok(result)
    }

    async fn durable(&self, group: u64) -> Result<(), Fault> {
        let mut committed = self.committed.subscribe();
        match committed.wait_for(|committed| committed.broken || committed.group >= group).await {
            Ok(reached) if reached.group >= group => Ok(()),
            _ => Err(Fault::Broken),
        }
    }

    /// Resolves when a commit has failed.
    pub(crate) async fn broken(&self) {
        let mut committed = self.committed.subscribe();
        // The sender lives as long as this engine, so waiting ends only with what is waited for.
        let _ = committed.wait_for(|committed| committed.broken).await;
    }

    /// The writer: runs on a thread of its own until [`Engine::stop_writer`].
    pub(crate) fn write(&self, mut db: Connection) {
        loop {
            let mut state = self.lock();
            while state.pending.is_empty() && state.ready.is_empty() {
                if state.stopping {
                    return;
                }
                state = self.wake_writer.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            if !self.write_group(state, &mut db) {
                return;
            }
        }
    }

    /// Writes what waits, if anything does; says whether anything did. For whoever has no thread to spare for the writer.
    pub(crate) fn write_now(&self, db: &mut Connection) -> bool {
        let state = self.lock();
        let waits = !state.pending.is_empty() || !state.ready.is_empty();
        waits && self.write_group(state, db)
    }

    /// Commits one group; false when that failed, for good.
    fn write_group(&self, mut state: MutexGuard<'_, State>, db: &mut Connection) -> bool {
        let changes = std::mem::take(&mut state.pending);
        let ready = std::mem::take(&mut state.ready);
        let group = state.group;
        state.group += 1;
        drop(state);
        if let Err(error) = store::write(db, &changes) {
            tracing::error!(%error, rows = changes.len(), "a commit failed; the simulator takes nothing more");
            self.committed.send_modify(|committed| committed.broken = true);
            self.progress.notify_waiters();
            return false;
        }
        // Before the queue: who watches is told of a message before the webhook that tells of it.
        if self.told.is_wanted() {
            let at = self.clock.now().as_millis();
            self.told.tell_changes(&changes, at, |look| look(&self.lock().world));
        }
        // First the queue, then the news of the commit: quiet must not see a gap between the two.
        self.queue.push(ready);
        self.committed.send_modify(|committed| committed.group = group);
        self.progress.notify_waiters();
        true
    }

    pub(crate) fn stop_writer(&self) {
        self.lock().stopping = true;
        self.wake_writer.notify_one();
    }

    /// The timers: fires what is due, for ever.
    pub(crate) async fn run_timers(self: Arc<Self>) {
        loop {
            let changed = self.timers_changed.notified();
            match self.look(|world, _| world.next_due()) {
                None => changed.await,
                Some(due) => {
                    tokio::select! {
                        biased;
                        () = self.clock.sleep_until(due) => {}
                        () = changed => continue,
                    }
                }
            }
            while self.step(World::tick).0 == BATCH {
                self.done(BATCH);
                tokio::task::yield_now().await;
            }
            self.done(1);
        }
    }

    /// Counts finished work and lets those look who wait for quiet.
    pub(crate) fn done(&self, work: usize) {
        self.activity.fetch_add(work as u64, Ordering::SeqCst);
        self.progress.notify_waiters();
    }

    fn is_quiet(&self) -> bool {
        let committed = *self.committed.borrow();
        if committed.broken {
            return true;
        }
        let now = self.clock.now();
        let state = self.lock();
        let is_written = state.pending.is_empty() && state.ready.is_empty() && committed.group + 1 >= state.group;
        let is_due = state.world.next_due().is_some_and(|due| due <= now);
        is_written && !is_due && self.queue.is_idle()
    }

    /// Reads from the database beside the writer.
    pub(crate) async fn read<R: Send + 'static>(
        self: &Arc<Self>,
        read: impl FnOnce(&Connection) -> rusqlite::Result<R> + Send + 'static,
    ) -> Result<R, Fault> {
        let engine = Arc::clone(self);
        let done = tokio::task::spawn_blocking(move || {
            let reader = engine.reader.lock().unwrap_or_else(PoisonError::into_inner);
            read(&reader)
        });
        match done.await {
            Ok(Ok(found)) => Ok(found),
            Ok(Err(error)) => {
                tracing::error!(%error, "the simulator's database could not be read");
                Err(Fault::Broken)
            }
            Err(_) => Err(Fault::Broken),
        }
    }
}

impl Settles for Engine {
    fn activity(&self) -> u64 {
        self.activity.load(Ordering::SeqCst)
    }

    fn quiet(&self) -> Settling<'_> {
        Box::pin(async {
            loop {
                let changed = self.progress.notified();
                tokio::pin!(changed);
                // Listening begins before looking, so that nothing falls in between.
                changed.as_mut().enable();
                if self.is_quiet() {
                    return;
                }
                changed.await;
            }
        })
    }
}
