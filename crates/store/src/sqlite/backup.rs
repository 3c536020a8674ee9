//! Backups as files: what one holds, that it is whole, and how it becomes a folder again.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::open::{APPLICATION_ID, Lock, OpenError};
use crate::migrate;

/// What is counted in a backup, so that a restore can be compared with it.
const COUNTED: [&str; 8] = ["business", "api_key", "sender", "customer", "conversation", "message", "wait", "event"];
/// Bytes that are read, hashed and written at once.
const PART: usize = 1 << 20;
/// Folder in which a restore is made ready, inside the one that it is for.
const STAGE: &str = "restoring";
/// The store's file.
const FILE: &str = "transom.db";
/// What may be in a folder that counts as empty: the sealing key, and what a restore itself leaves when it is broken off.
const PASSED_OVER: [&str; 3] = ["seal.key", "transom.lock", STAGE];

/// Why a backup cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file cannot be read or written.
    #[error("{} cannot be used: {why}", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        why: std::io::Error,
    },
    /// It is not what its manifest says.
    #[error("the backup is damaged: {0}; take another one")]
    Damaged(String),
    /// A newer version has made it.
    #[error("the backup has schema {found}, and this program knows {known} at most; use the newer program")]
    Newer {
        /// Version of its schema.
        found: i64,
        /// The newest this program knows.
        known: i64,
    },
    /// The folder has something in it.
    #[error("{} is not empty: it has {found}", .dir.display())]
    NotEmpty {
        /// Which.
        dir: PathBuf,
        /// The first thing in it.
        found: String,
    },
    /// The folder is held by another process, or cannot be held.
    #[error(transparent)]
    Held(#[from] OpenError),
}

impl From<rusqlite::Error> for BackupError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Damaged(error.to_string())
    }
}

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackupFacts {
    /// Version of its schema.
    pub schema: i64,
    /// Size of the file.
    pub bytes: u64,
    /// SHA-256 of the file, as hex digits.
    pub sha256: String,
    /// Rows by table, of those that say most.
    pub rows: BTreeMap<String, u64>,
}

fn at(path: &Path) -> impl FnOnce(std::io::Error) -> BackupError + '_ {
    move |why| BackupError::File { path: path.to_owned(), why }
}

/// Makes a finished copy (see [`crate::Store::copy`]) a file that stands for itself, looks through all of it, and says what it
/// holds. Blocks for as long as reading all of it takes.
///
/// # Errors
/// When it is not sound, or cannot be read.
pub fn finish_backup(copy: &Path) -> Result<BackupFacts, BackupError> {
    let connection = Connection::open_with_flags(copy, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    // Without a log beside it: one file is all there is.
    let mode: String = connection.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get(0))?;
    if mode != "delete" {
        return Err(BackupError::Damaged("it cannot be made a single file".to_owned()));
    }
    let (schema, rows) = look_through(&connection)?;
    drop(connection);
    let file = File::open(copy).map_err(at(copy))?;
    file.sync_all().map_err(at(copy))?;
    let (bytes, sha256) = hash(file, copy, None)?;
    Ok(BackupFacts { schema, bytes, sha256, rows })
}

/// Sees that a backup is what its facts say, to the last byte, and sound. Changes nothing.
///
/// # Errors
/// What differs.
pub fn check_backup(file: &Path, facts: &BackupFacts) -> Result<(), BackupError> {
    let opened = File::open(file).map_err(at(file))?;
    let (bytes, sha256) = hash(opened, file, None)?;
    same_bytes(bytes, &sha256, facts)?;
    // Immutable, so that nothing is made beside it.
    let uri =
        format!("file:{}?immutable=1", file.display().to_string().replace('%', "%25").replace('?', "%3f").replace('#', "%23"));
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let (schema, rows) = look_through(&Connection::open_with_flags(uri, flags)?)?;
    if (schema, &rows) != (facts.schema, &facts.rows) {
        return Err(BackupError::Damaged(format!("it holds {rows:?}, and should hold {:?}", facts.rows)));
    }
    Ok(())
}

fn same_bytes(bytes: u64, sha256: &str, facts: &BackupFacts) -> Result<(), BackupError> {
    if bytes != facts.bytes {
        return Err(BackupError::Damaged(format!("it has {bytes} bytes, and should have {}", facts.bytes)));
    }
    if sha256 != facts.sha256 {
        return Err(BackupError::Damaged(format!("its SHA-256 is {sha256}, and should be {}", facts.sha256)));
    }
    Ok(())
}

/// Schema and counts of a database of ours that is sound.
fn look_through(connection: &Connection) -> Result<(i64, BTreeMap<String, u64>), BackupError> {
    let owner: i32 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    if owner != APPLICATION_ID {
        return Err(BackupError::Damaged("it is no store of Transom's".to_owned()));
    }
    let schema: i64 = connection.query_row("SELECT coalesce(max(version), 0) FROM migration", [], |row| row.get(0))?;
    if schema > migrate::newest() {
        return Err(BackupError::Newer { found: schema, known: migrate::newest() });
    }
    let sound: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if sound != "ok" {
        return Err(BackupError::Damaged(sound));
    }
    let mut rows = BTreeMap::new();
    for table in COUNTED {
        let count: i64 = connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))?;
        rows.insert(table.to_owned(), u64::try_from(count).unwrap_or(0));
    }
    Ok((schema, rows))
}

/// Reads a file to its end; copies it on the way where a copy is wanted.
fn hash(mut file: File, path: &Path, mut copy: Option<(&mut File, &Path)>) -> Result<(u64, String), BackupError> {
    let mut digest = Sha256::new();
    let (mut bytes, mut part) = (0u64, vec![0; PART]);
    loop {
        let read = file.read(&mut part).map_err(at(path))?;
        let Some(part) = part.get(..read).filter(|part| !part.is_empty()) else { break };
        digest.update(part);
        if let Some((copy, path)) = &mut copy {
            copy.write_all(part).map_err(at(path))?;
        }
        bytes += read as u64;
    }
    let hex = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok((bytes, hex))
}

/// A folder that is being restored: held by us, and as empty as it was until the end.
pub struct Restoring {
    _lock: Lock,
    dir: PathBuf,
}

impl Restoring {
    /// Checks a backup and copies it to where it can be made ready, inside the folder that it is for. With `replace`, what is
    /// in that folder stays beside it.
    ///
    /// # Errors
    /// When the backup is damaged, the folder is held, or it is not empty and that was not allowed.
    pub fn begin(backup: &Path, facts: &BackupFacts, dir: &Path, replace: bool) -> Result<Self, BackupError> {
        check_backup(backup, facts)?;
        DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(at(dir))?;
        let lock = Lock::take(&dir.join("transom.lock"))?;
        if !replace && let Some(found) = first_in(dir)? {
            return Err(BackupError::NotEmpty { dir: dir.to_owned(), found });
        }
        let restoring = Self { _lock: lock, dir: dir.to_owned() };
        let stage = restoring.stage();
        // Left behind by a restore that was broken off.
        if stage.exists() {
            std::fs::remove_dir_all(&stage).map_err(at(&stage))?;
        }
        DirBuilder::new().mode(0o700).create(&stage).map_err(at(&stage))?;
        let to = stage.join(FILE);
        let mut copy = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&to).map_err(at(&to))?;
        let (bytes, sha256) = hash(File::open(backup).map_err(at(backup))?, backup, Some((&mut copy, &to)))?;
        copy.sync_all().map_err(at(&to))?;
        same_bytes(bytes, &sha256, facts)?;
        Ok(restoring)
    }

    /// The folder in which the store is made ready: to be opened, changed and closed.
    #[must_use]
    pub fn stage(&self) -> PathBuf {
        self.dir.join(STAGE)
    }

    /// Puts the store that was made ready in its place. One that was there is put aside as `transom.db.replaced`.
    ///
    /// # Errors
    /// When a file cannot be moved; then nothing, or nothing but the old store, has been moved.
    pub fn finish(self) -> Result<(), BackupError> {
        let (stage, file) = (self.stage(), self.dir.join(FILE));
        for name in [FILE, "transom.db-wal", "transom.db-shm"] {
            let old = self.dir.join(name);
            if old.exists() {
                std::fs::rename(&old, self.dir.join(name.replacen(FILE, "transom.db.replaced", 1))).map_err(at(&old))?;
            }
        }
        std::fs::rename(stage.join(FILE), &file).map_err(at(&file))?;
        File::open(&self.dir).and_then(|dir| dir.sync_all()).map_err(at(&self.dir))?;
        std::fs::remove_dir_all(&stage).map_err(at(&stage))
    }
}

fn first_in(dir: &Path) -> Result<Option<String>, BackupError> {
    for entry in std::fs::read_dir(dir).map_err(at(dir))? {
        let name = entry.map_err(at(dir))?.file_name().to_string_lossy().into_owned();
        if !PASSED_OVER.contains(&name.as_str()) {
            return Ok(Some(name));
        }
    }
    Ok(None)
}
