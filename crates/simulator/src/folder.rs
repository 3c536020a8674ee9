//! The simulator's folder: one database, the files of media, and the lock of the process that holds them.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Why the simulator does not start; each says what, where, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The folder cannot be made or written.
    #[error("the simulator's folder {} cannot be written: {source}; make it writable, or choose another with --dir", dir.display())]
    Folder {
        /// The folder.
        dir: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Another process holds the folder.
    #[error("the simulator's folder {} is held by process {holder}; stop that one, or choose another folder with --dir", dir.display())]
    Held {
        /// The folder.
        dir: PathBuf,
        /// The process id that stands in the lock file.
        holder: String,
    },
    /// The database is damaged or cannot be opened.
    #[error("the simulator's database {} cannot be used: {what}; move the folder away to start afresh", file.display())]
    Database {
        /// The file.
        file: PathBuf,
        /// What SQLite said.
        what: String,
    },
    /// A newer version wrote the folder.
    #[error("the simulator's database {} was written by a newer version (schema {found}, this one knows {known}); use that version", file.display())]
    Newer {
        /// The file.
        file: PathBuf,
        /// The schema found.
        found: i64,
        /// The schema this version writes.
        known: i64,
    },
    /// The address cannot be listened on. Which argument chooses another is for the command to say.
    #[error("the simulator cannot listen on {address}: {source}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The client for webhooks or the writer's thread could not be made.
    #[error("the simulator cannot start: {0}; look at the limits of this process")]
    System(String),
}

/// The folder, held.
#[derive(Debug)]
pub(crate) struct Folder {
    dir: PathBuf,
    /// The system lets go of it when the process dies, however it dies.
    lock: Option<File>,
}

impl Drop for Folder {
    /// Unlocks in so many words: a child that is just being started has a copy of the open file until its program begins, and
    /// closing ours alone would leave the folder held as long as that.
    fn drop(&mut self) {
        if let Some(lock) = &self.lock {
            let _ = lock.unlock();
        }
    }
}

impl Folder {
    /// Makes the folder if need be, and holds it.
    pub(crate) fn hold(dir: &Path) -> Result<Self, StartError> {
        let failed = |source| StartError::Folder { dir: dir.to_owned(), source };
        fs::create_dir_all(dir.join("media")).map_err(failed)?;
        let path = dir.join("lock");
        let mut lock = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = lock.read_to_string(&mut holder);
                let holder = if holder.trim().is_empty() { "unknown".to_owned() } else { holder.trim().to_owned() };
                return Err(StartError::Held { dir: dir.to_owned(), holder });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        lock.set_len(0).map_err(failed)?;
        lock.write_all(std::process::id().to_string().as_bytes()).map_err(failed)?;
        Ok(Self { dir: dir.to_owned(), lock: Some(lock) })
    }

    /// No folder: a world that has no files, and keeps its rows elsewhere.
    pub(crate) fn none() -> Self {
        Self { dir: PathBuf::new(), lock: None }
    }

    pub(crate) fn database(&self) -> PathBuf {
        database(&self.dir)
    }

    pub(crate) fn media(&self, id: u64) -> PathBuf {
        self.dir.join("media").join(id.to_string())
    }

    /// Writes a file and makes it durable, name and all. A file cut short by a crash has no row and is never served.
    pub(crate) fn write_media(&self, id: u64, bytes: &[u8]) -> std::io::Result<()> {
        let mut file = File::create(self.media(id))?;
        file.write_all(bytes)?;
        file.sync_all()?;
        File::open(self.dir.join("media"))?.sync_all()
    }

    pub(crate) fn read_media(&self, id: u64) -> std::io::Result<Vec<u8>> {
        fs::read(self.media(id))
    }

    pub(crate) fn remove_media(&self, id: u64) {
        if let Err(error) = fs::remove_file(self.media(id))
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(%error, id, "a media file could not be removed");
        }
    }
}

pub(crate) fn database(dir: &Path) -> PathBuf {
    dir.join("simulator.db")
}
