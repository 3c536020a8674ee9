//! The embedded engine: one SQLite file in WAL mode, one writer that commits many callers' work together, a few readers.

mod backup;
pub(crate) mod cache;
mod checkpoint;
mod copy;
mod open;
mod reader;
mod room;
pub(crate) mod rows;
#[cfg(test)]
mod upkeep_tests;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::watch;

use crate::engine::{Engine, Room};
use crate::rows::{Result, Rows};
use crate::{Answer, Condition, CopyProgress, StoreError};

pub use backup::{BackupError, BackupFacts, Restoring, check_backup, finish_backup};
pub use open::{OpenError, SqliteOptions};
pub use rows::count::rows_read;

use checkpoint::Checkpointer;
use open::Lock;
use reader::Readers;
use room::DiskRoom;
use writer::Inbox;

/// The store in a folder.
pub struct SqliteStore {
    folder: PathBuf,
    inbox: Arc<Inbox>,
    disk: Arc<DiskRoom>,
    checkpointer: Arc<Checkpointer>,
    log_max: u64,
    readers: Arc<Readers>,
    ended: watch::Receiver<bool>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    lock: Mutex<Option<Lock>>,
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteStore").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl SqliteStore {
    /// Opens the store in a folder, and makes both if they are not there. The folder is held until the store is closed or
    /// dropped. Blocks for as long as the disk takes; a log left behind by a killed process is read back first.
    ///
    /// # Errors
    /// When the folder is held by another process, cannot be written, is newer than this program, or is damaged.
    pub fn open(dir: &Path, options: SqliteOptions) -> std::result::Result<Self, OpenError> {
        let opened = open::open(dir, options)?;
        let disk = Arc::new(DiskRoom::new(dir.to_owned(), options.disk_reserve));
        let inbox = Arc::new(Inbox::new(options.queue, Arc::clone(&disk)));
        let checkpointer = Arc::new(Checkpointer::new(options.log_max, Arc::clone(&disk)));
        let (end, ended) = watch::channel(false);
        let cannot = |why: std::io::Error| OpenError::Unusable(format!("a thread cannot be started: {why}"));

        let (signal, connection) = (Arc::clone(&checkpointer), opened.checkpointer);
        let checkpoints = std::thread::Builder::new()
            .name("transom-checkpoint".to_owned())
            .spawn(move || signal.run(&connection))
            .map_err(cannot)?;

        let (mine, part, connection) = (Arc::clone(&inbox), Arc::clone(&checkpointer), opened.writer);
        let writer = std::thread::Builder::new()
            .name("transom-writer".to_owned())
            .spawn(move || {
                writer::run(&connection, &mine, &part);
                part.close();
                // The last connection to close empties the log into the file.
                if checkpoints.join().is_err() {
                    tracing::warn!("the thread that makes checkpoints had stopped");
                }
                drop(connection);
                end.send_replace(true);
            })
            .map_err(cannot)?;
        Ok(Self {
            folder: dir.to_owned(),
            inbox,
            disk,
            checkpointer,
            log_max: options.log_max,
            readers: Arc::new(Readers::new(opened.readers)),
            ended,
            threads: Mutex::new(vec![writer]),
            lock: Mutex::new(Some(opened.lock)),
        })
    }

    /// Resolves with the reason once the store has failed for good: a commit or a sync did not succeed, so that what is on disk
    /// is not certain, and only a new start can tell. The process is to stop; every call answers `Unavailable` from then on.
    pub async fn failed(&self) -> String {
        let mut failures = self.inbox.failures();
        match failures.wait_for(Option::is_some).await {
            Ok(why) => why.clone().unwrap_or_default(),
            // The inbox lives as long as the store: there is nothing that could fail any more.
            Err(_) => std::future::pending().await,
        }
    }
}

impl Engine for SqliteStore {
    fn write<T: Send + 'static>(&self, room: Room, run: impl Fn(&mut dyn Rows) -> Result<T> + Send + 'static) -> Answer<'_, T> {
        Box::pin(async move {
            let answer = self.inbox.push(room, run)?;
            match answer.await {
                Ok(answer) => answer,
                Err(_) => Err(StoreError::Unavailable("the writer has stopped".to_owned())),
            }
        })
    }

    fn read<T: Send + 'static>(&self, run: impl FnOnce(&dyn Rows) -> Result<T> + Send + 'static) -> Answer<'_, T> {
        Box::pin(async move { Arc::clone(&self.readers).read(run).await })
    }

    fn look_up<T: Send + 'static>(&self, run: impl FnOnce(&dyn Rows) -> Result<T> + Send + 'static) -> Answer<'_, T> {
        Box::pin(async move { Arc::clone(&self.readers).look_up(run).await })
    }

    fn shown(&self) -> Condition {
        let (log_bytes, log_pinned) = self.checkpointer.shown();
        Condition { log_bytes, log_max: self.log_max, log_pinned, disk: Some(self.disk.shown()) }
    }

    fn copied(&self, to: PathBuf, progress: Arc<CopyProgress>) -> Answer<'_, ()> {
        Box::pin(copy::order(to, progress, |order| self.inbox.order(order)))
    }

    fn end(&self) -> Answer<'_, ()> {
        Box::pin(async move {
            self.readers.close();
            self.inbox.close();
            let mut ended = self.ended.clone();
            // An error means that the writer is gone, which is what is waited for.
            let _gone = ended.wait_for(|ended| *ended).await.is_err();
            self.lock.lock().unwrap_or_else(PoisonError::into_inner).take();
            Ok(())
        })
    }
}

impl Drop for SqliteStore {
    /// Finishes what was taken on, so that the folder can be opened again at once.
    fn drop(&mut self) {
        self.readers.close();
        self.inbox.close();
        for thread in self.threads.get_mut().unwrap_or_else(PoisonError::into_inner).drain(..) {
            if thread.join().is_err() {
                tracing::error!(folder = %self.folder.display(), "the store's writer had stopped");
            }
        }
    }
}
