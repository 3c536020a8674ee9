//! Backups as files: what one holds, that it is whole, and how it becomes a folder again.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::open::{FolderLock, HOUSE, JOURNAL, Kind, OpenError};
use crate::migrate;

/// What is counted in a backup, so that a restore can be compared with it.
const COUNTED: [&str; 8] = ["business", "api_key", "sender", "customer", "conversation", "message", "wait", "event"];
/// Bytes that are read, hashed and written at once.
const PART: usize = 1 << 20;
/// Folder in which a restore is made ready, inside the one that it is for.
const STAGE: &str = "restoring";
/// What stands behind the name of a copy for that of its journal.
const BESIDE: &str = ".journal";
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
    /// The copy of the journal, in a file beside it.
    pub journal: JournalFacts,
}

/// What the copy of the journal holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JournalFacts {
    /// Size of the file.
    pub bytes: u64,
    /// SHA-256 of the file, as hex digits.
    pub sha256: String,
    /// Raw bodies.
    pub entries: u64,
}

/// Where the copy of the journal is, beside that of the store.
#[must_use]
pub fn journal_of(copy: &Path) -> PathBuf {
    let mut name = copy.as_os_str().to_owned();
    name.push(BESIDE);
    PathBuf::from(name)
}

fn at(path: &Path) -> impl FnOnce(std::io::Error) -> BackupError + '_ {
    move |why| BackupError::File { path: path.to_owned(), why }
}

/// Makes a finished copy (see [`crate::Store::copy`]) files that stand for themselves, looks through all of them, and says what
/// they hold. Blocks for as long as reading all of it takes.
///
/// # Errors
/// When one is not sound, or cannot be read.
pub fn finish_backup(copy: &Path) -> Result<BackupFacts, BackupError> {
    facts_of(copy, &journal_of(copy))
}

fn facts_of(house: &Path, journal: &Path) -> Result<BackupFacts, BackupError> {
    let (schema, rows) = finish_one(house, &HOUSE)?;
    let (_, entries) = finish_one(journal, &JOURNAL)?;
    let (bytes, sha256) = hash_synced(house)?;
    let (journal_bytes, journal_sha256) = hash_synced(journal)?;
    let entries = entries.values().sum();
    let journal = JournalFacts { bytes: journal_bytes, sha256: journal_sha256, entries };
    Ok(BackupFacts { schema, bytes, sha256, rows, journal })
}

/// Makes a copy a single file, without a log beside it: one file is all there is.
fn finish_one(copy: &Path, kind: &Kind) -> Result<(i64, BTreeMap<String, u64>), BackupError> {
    let connection = Connection::open_with_flags(copy, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    let mode: String = connection.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get(0))?;
    if mode != "delete" {
        return Err(BackupError::Damaged("it cannot be made a single file".to_owned()));
    }
    look_through(&connection, kind)
}

fn hash_synced(copy: &Path) -> Result<(u64, String), BackupError> {
    let file = File::open(copy).map_err(at(copy))?;
    file.sync_all().map_err(at(copy))?;
    hash(file, copy, None)
}

/// Sees that a backup is what its facts say, to the last byte, and sound. Changes nothing.
///
/// # Errors
/// What differs.
pub fn check_backup(file: &Path, facts: &BackupFacts) -> Result<(), BackupError> {
    let (rows, entries) = (look_at(file, &HOUSE, facts.bytes, &facts.sha256)?, &facts.journal);
    if rows != (facts.schema, facts.rows.clone()) {
        return Err(BackupError::Damaged(format!("it holds {:?}, and should hold {:?}", rows.1, facts.rows)));
    }
    let (_, kept) = look_at(&journal_of(file), &JOURNAL, entries.bytes, &entries.sha256)?;
    if kept.values().sum::<u64>() != entries.entries {
        return Err(BackupError::Damaged(format!("its journal holds {kept:?}, and should hold {}", entries.entries)));
    }
    Ok(())
}

fn look_at(file: &Path, kind: &Kind, bytes: u64, sha256: &str) -> Result<(i64, BTreeMap<String, u64>), BackupError> {
    let opened = File::open(file).map_err(at(file))?;
    same_bytes(hash(opened, file, None)?, bytes, sha256)?;
    // Immutable, so that nothing is made beside it.
    let uri =
        format!("file:{}?immutable=1", file.display().to_string().replace('%', "%25").replace('?', "%3f").replace('#', "%23"));
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    look_through(&Connection::open_with_flags(uri, flags)?, kind)
}

fn same_bytes(found: (u64, String), bytes: u64, sha256: &str) -> Result<(), BackupError> {
    if found.0 != bytes {
        return Err(BackupError::Damaged(format!("it has {} bytes, and should have {bytes}", found.0)));
    }
    if found.1 != sha256 {
        return Err(BackupError::Damaged(format!("its SHA-256 is {}, and should be {sha256}", found.1)));
    }
    Ok(())
}

/// Schema and counts of a database of ours that is sound.
fn look_through(connection: &Connection, kind: &Kind) -> Result<(i64, BTreeMap<String, u64>), BackupError> {
    let owner: i32 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    if owner != kind.application_id {
        return Err(BackupError::Damaged(format!("it is no {} of Transom's", kind.name)));
    }
    let is_journal = kind.application_id == JOURNAL.application_id;
    let (known, counted) =
        if is_journal { (migrate::newest_journal(), &["entry"][..]) } else { (migrate::newest(), &COUNTED[..]) };
    let schema: i64 = connection.query_row("SELECT coalesce(max(version), 0) FROM migration", [], |row| row.get(0))?;
    if schema > known {
        return Err(BackupError::Newer { found: schema, known });
    }
    let sound: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if sound != "ok" {
        return Err(BackupError::Damaged(sound));
    }
    let mut rows = BTreeMap::new();
    for table in counted {
        let count: i64 = connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))?;
        rows.insert((*table).to_owned(), u64::try_from(count).unwrap_or(0));
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
    _lock: FolderLock,
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
        let lock = FolderLock::take(dir)?;
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
        let journal = journal_of(backup);
        copy_into(backup, &stage.join(HOUSE.name), facts.bytes, &facts.sha256)?;
        copy_into(&journal, &stage.join(JOURNAL.name), facts.journal.bytes, &facts.journal.sha256)?;
        Ok(restoring)
    }

    /// Looks through what was made ready, once it is closed, and says what it holds. Blocks for as long as reading it takes.
    ///
    /// # Errors
    /// When it is not sound, or cannot be read.
    pub fn facts(&self) -> Result<BackupFacts, BackupError> {
        facts_of(&self.stage().join(HOUSE.name), &self.stage().join(JOURNAL.name))
    }

    /// The folder in which the store is made ready: to be opened, changed and closed.
    #[must_use]
    pub fn stage(&self) -> PathBuf {
        self.dir.join(STAGE)
    }

    /// Puts the store that was made ready in its place. One that was there is put aside, with `.replaced` behind the names of its
    /// files.
    ///
    /// # Errors
    /// When a file cannot be moved; then nothing, or nothing but the old store, has been moved.
    pub fn finish(self) -> Result<(), BackupError> {
        let stage = self.stage();
        for name in [HOUSE.name, JOURNAL.name] {
            for end in ["", "-wal", "-shm"] {
                let old = self.dir.join(format!("{name}{end}"));
                if old.exists() {
                    std::fs::rename(&old, self.dir.join(format!("{name}.replaced{end}"))).map_err(at(&old))?;
                }
            }
        }
        // The store last: a folder that has it is whole.
        for name in [JOURNAL.name, HOUSE.name] {
            let file = self.dir.join(name);
            std::fs::rename(stage.join(name), &file).map_err(at(&file))?;
        }
        File::open(&self.dir).and_then(|dir| dir.sync_all()).map_err(at(&self.dir))?;
        std::fs::remove_dir_all(&stage).map_err(at(&stage))
    }
}

/// Copies a file of a backup to where it is made ready.
fn copy_into(from: &Path, to: &Path, bytes: u64, sha256: &str) -> Result<(), BackupError> {
    let mut copy = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to).map_err(at(to))?;
    let found = hash(File::open(from).map_err(at(from))?, from, Some((&mut copy, to)))?;
    copy.sync_all().map_err(at(to))?;
    same_bytes(found, bytes, sha256)
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
