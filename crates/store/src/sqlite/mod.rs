//! The embedded engine: SQLite files in WAL mode, each with one writer that commits many callers' work together, and a few readers.

mod backup;
mod checkpoint;
mod copy;
#[cfg(test)]
mod halves_tests;
pub(crate) mod open;
mod reader;
mod room;
pub(crate) mod rows;
#[cfg(test)]
mod upkeep_tests;
mod value;
mod volume;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::carry::CarriedTo;
use crate::engine::{Engine, Room, Scope};
use crate::rows::{JournalRows, Result, Rows};
use crate::{Answer, Condition, CopyProgress, StoreError};

pub use backup::{BackupError, BackupFacts, JournalFacts, Restoring, check_backup, finish_backup, journal_of};
pub use open::{FolderLock, OpenError, SqliteOptions};
pub use rows::count::rows_read;

use room::DiskRoom;
use volume::Volume;

/// The store in a folder: the house in one file, the raw bodies of the journal in another, each with a writer of its own.
pub struct SqliteStore {
    folder: PathBuf,
    house: Volume,
    journal: Volume,
    disk: Arc<DiskRoom>,
    lock: Mutex<Option<FolderLock>>,
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
        if let Some(CarriedTo { to, done }) = CarriedTo::of(dir) {
            return Err(OpenError::Carried { to, done });
        }
        let opened = open::open(dir, options)?;
        let disk = Arc::new(DiskRoom::new(dir.to_owned(), options.disk_reserve));
        Ok(Self {
            folder: dir.to_owned(),
            house: Volume::start("writer", opened.house, options, &disk)?,
            journal: Volume::start("journal", opened.journal, options, &disk)?,
            disk,
            lock: Mutex::new(Some(opened.lock)),
        })
    }

    /// Resolves with the reason once the store has failed for good: a commit or a sync did not succeed, so that what is on disk
    /// is not certain, and only a new start can tell. The process is to stop; every call that has to do with the file that failed
    /// answers `Unavailable` from then on.
    pub async fn failed(&self) -> String {
        tokio::select! {
            why = self.house.failed() => why,
            why = self.journal.failed() => format!("the journal: {why}"),
        }
    }
}

impl Engine for SqliteStore {
    fn write<T: Send + 'static>(
        &self,
        _scope: Scope,
        room: Room,
        run: impl Fn(&mut dyn Rows) -> Result<T> + Send + 'static,
    ) -> Answer<'_, T> {
        Box::pin(self.house.write(room, move |rows| run(rows)))
    }

    fn read<T: Send + 'static>(&self, run: impl Fn(&dyn Rows) -> Result<T> + Send + 'static) -> Answer<'_, T> {
        Box::pin(async move { Arc::clone(&self.house.readers).read(move |rows| run(rows)).await })
    }

    fn look_up<T: Send + 'static>(&self, run: impl Fn(&dyn Rows) -> Result<T> + Send + 'static) -> Answer<'_, T> {
        Box::pin(async move { Arc::clone(&self.house.readers).look_up(move |rows| run(rows)).await })
    }

    fn note<T: Send + 'static>(
        &self,
        _scope: Scope,
        room: Room,
        run: impl Fn(&mut dyn JournalRows) -> Result<T> + Send + 'static,
    ) -> Answer<'_, T> {
        Box::pin(self.journal.write(room, move |rows| run(rows)))
    }

    fn consult<T: Send + 'static>(&self, run: impl Fn(&dyn JournalRows) -> Result<T> + Send + 'static) -> Answer<'_, T> {
        Box::pin(async move { Arc::clone(&self.journal.readers).read(move |rows| run(rows)).await })
    }

    fn scrubbed(&self) -> Answer<'_, bool> {
        Box::pin(async move {
            let folder = self.folder.clone();
            let emptied = tokio::task::spawn_blocking(move || {
                Ok(open::empty_log(&folder.join(open::HOUSE.name))? && open::empty_log(&folder.join(open::JOURNAL.name))?)
            });
            let emptied = emptied.await.map_err(|stopped| StoreError::Unavailable(format!("it stopped: {stopped}")))?;
            emptied.map_err(rows::fault)
        })
    }

    fn shown(&self) -> Condition {
        let mut condition = Condition { disk: Some(self.disk.shown()), ..Condition::default() };
        for volume in [&self.house, &self.journal] {
            let (bytes, pinned) = volume.checkpointer.shown();
            condition.log_bytes += bytes;
            condition.log_max += volume.log_max;
            condition.log_pinned += pinned;
        }
        condition
    }

    fn copied(&self, to: PathBuf, progress: Arc<CopyProgress>) -> Answer<'_, ()> {
        Box::pin(async move {
            copy::order(to.clone(), progress, |order| self.house.inbox.order(order)).await?;
            // After the house: what a cursor there points to is in the journal's copy.
            let beside = backup::journal_of(&to);
            let copied = copy::order(beside, Arc::default(), |order| self.journal.inbox.order(order)).await;
            if copied.is_err() {
                // Half of a copy is of no use; if it cannot be removed, its name says what it is.
                let _ = std::fs::remove_file(&to);
            }
            copied
        })
    }

    fn end(&self) -> Answer<'_, ()> {
        Box::pin(async move {
            self.house.close();
            self.journal.close();
            self.house.ended().await;
            self.journal.ended().await;
            self.lock.lock().unwrap_or_else(PoisonError::into_inner).take();
            Ok(())
        })
    }
}
