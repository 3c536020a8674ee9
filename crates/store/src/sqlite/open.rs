//! Opening: the folder, its lock, the connections and what each of them is held to.

use std::fs::{DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::writer::QUEUE;
use crate::migrate;

/// Marks the file as ours, in the place that SQLite has for it: `Trsm`.
pub(super) const APPLICATION_ID: i32 = 0x5472_736D;
/// As above, for the journal's file: `Trsj`.
pub(super) const JOURNAL_ID: i32 = 0x5472_736A;
/// Memory for pages, in KiB: the hot ends of the indexes of a busy house.
const WRITER_CACHE_KIB: u32 = 64 << 10;
/// As above, for each reader.
const READER_CACHE_KIB: u32 = 8 << 10;
/// Distinct statements per connection; there are fewer.
const STATEMENTS: usize = 256;
/// How long a connection waits for another: only checkpoints and the first opening ever hold one up.
pub(super) const BUSY: Duration = Duration::from_secs(5);
/// How often it is looked whether a checkpoint of another is over.
const CHECKPOINT_LOOK: Duration = Duration::from_millis(10);

/// What can be chosen.
#[derive(Debug, Clone, Copy)]
pub struct SqliteOptions {
    /// Connections that read, 1 to 64; half as many more for the journal.
    pub readers: usize,
    /// Moves that may wait for the writer; the last quarter is for hearing and for outcomes alone.
    pub queue: usize,
    /// The most bytes that the write-ahead log of either file may have, but for what one group of moves writes beyond it.
    pub log_max: u64,
    /// Bytes of the disk that are left to what is heard: with less than that free, nothing new is taken on.
    pub disk_reserve: u64,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self { readers: 4, queue: QUEUE, log_max: 16 << 20, disk_reserve: 0 }
    }
}

/// Why a store was not opened: what, where, and how to mend it.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process holds the folder.
    #[error("the store is in use by {}; stop that one, or choose another folder", holder(*.pid))]
    LockedBy {
        /// Which, where it could be read.
        pid: Option<u32>,
    },
    /// The folder or a file in it cannot be written.
    #[error("{} cannot be written: {why}; choose another folder or change its owner and permissions", .path.display())]
    NotWritable {
        /// What.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// A newer version has written here.
    #[error("the store has schema {found}, and this program knows {known} at most; use the newer program, or restore a backup")]
    Newer {
        /// Version of the schema in the folder.
        found: i64,
        /// The newest this program knows.
        known: i64,
    },
    /// Its store was carried to another place.
    #[error("the store was carried to {to}{}", if *done { "" } else { ", and not all of it is there yet" })]
    Carried {
        /// Where.
        to: String,
        /// Whether all of it is there.
        done: bool,
    },
    /// The file is not what it should be.
    #[error("the store is damaged: {0}")]
    Damaged(String),
    /// It cannot be used for another reason.
    #[error("the store cannot be opened: {0}")]
    Unusable(String),
}

/// What says who holds a folder.
const LOCK_FILE: &str = "transom.lock";

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"))
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Self::Damaged(format!("{error}; restore a backup")),
            _ => Self::Unusable(error.to_string()),
        }
    }
}

/// A folder that is ours for as long as this lives.
pub struct FolderLock {
    /// Released by the system when the process ends, however it ends.
    file: File,
}

impl Drop for FolderLock {
    /// Unlocks in so many words: a child that is just being started has a copy of the open file until its program begins, and
    /// closing ours alone would leave the folder held as long as that.
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}

impl std::fmt::Debug for FolderLock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FolderLock")
    }
}

impl FolderLock {
    /// Makes the folder where it is missing, for this user alone, and takes it.
    ///
    /// # Errors
    /// When another process holds it, or it cannot be written.
    pub fn take(dir: &Path) -> Result<Self, OpenError> {
        DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|why| unwritable(dir, &why))?;
        Self::take_file(&dir.join(LOCK_FILE))
    }

    fn take_file(path: &Path) -> Result<Self, OpenError> {
        let unwritable = |why: std::io::Error| OpenError::NotWritable { path: path.to_owned(), why: why.to_string() };
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path).map_err(unwritable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                let pid = file.read_to_string(&mut text).ok().and_then(|_| text.trim().parse().ok());
                return Err(OpenError::LockedBy { pid });
            }
            Err(TryLockError::Error(why)) => return Err(unwritable(why)),
        }
        file.set_len(0)
            .and_then(|()| file.seek(SeekFrom::Start(0)))
            .and_then(|_| writeln!(file, "{}", std::process::id()))
            .map_err(unwritable)?;
        Ok(Self { file })
    }
}

/// A folder, opened.
pub(crate) struct Opened {
    pub(crate) lock: FolderLock,
    pub(crate) house: Connections,
    pub(crate) journal: Connections,
}

/// The connections of one file.
pub(crate) struct Connections {
    pub(crate) writer: Connection,
    pub(super) checkpointer: Connection,
    pub(super) readers: Vec<Connection>,
}

/// A kind of file.
pub(super) struct Kind {
    /// Its name in the folder.
    pub(super) name: &'static str,
    /// What marks it as ours.
    pub(super) application_id: i32,
    /// Brings it to the newest version of its schema.
    pub(super) migrate: fn(&Connection) -> Result<(), OpenError>,
    writer_cache_kib: u32,
    reader_cache_kib: u32,
    /// What is removed from it is overwritten.
    erases: bool,
}

/// The store.
pub(super) const HOUSE: Kind = Kind {
    name: "transom.db",
    application_id: APPLICATION_ID,
    migrate: migrate::sqlite,
    writer_cache_kib: WRITER_CACHE_KIB,
    reader_cache_kib: READER_CACHE_KIB,
    // Who asks to be forgotten is to be in no free page either. What it costs is in ADR 1.
    erases: true,
};

/// The journal: it is written at its end, and seldom read.
pub(super) const JOURNAL: Kind = Kind {
    name: "journal.sqlite",
    application_id: JOURNAL_ID,
    migrate: migrate::journal,
    writer_cache_kib: 4 << 10,
    reader_cache_kib: 2 << 10,
    erases: true,
};

fn unwritable(path: &Path, why: &std::io::Error) -> OpenError {
    OpenError::NotWritable { path: path.to_owned(), why: why.to_string() }
}

/// Opens a folder.
pub(crate) fn open(dir: &Path, options: SqliteOptions) -> Result<Opened, OpenError> {
    let lock = FolderLock::take(dir)?;
    let house = open_file(dir, &HOUSE, options.readers, options.log_max)?;
    let journal = open_file(dir, &JOURNAL, options.readers.div_ceil(2), options.log_max)?;
    Ok(Opened { lock, house, journal })
}

fn open_file(dir: &Path, kind: &Kind, readers: usize, log_max: u64) -> Result<Connections, OpenError> {
    let path = dir.join(kind.name);
    // Made here rather than by SQLite, so that it never was readable to others; the log takes over its permissions.
    let made = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
    made.and_then(|file| file.set_permissions(Permissions::from_mode(0o600))).map_err(|why| unwritable(&path, &why))?;

    let writer = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    writer.busy_timeout(BUSY)?;
    let owner: i32 = writer.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let tables: i64 = writer.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let id = kind.application_id;
    if owner != id && (owner != 0 || tables != 0) {
        return Err(OpenError::Damaged(format!("{} is another program's database; choose another folder", path.display())));
    }
    let mode: String = writer.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        let why = format!("the file system of {} does not allow a write-ahead log; choose a local disk", dir.display());
        return Err(OpenError::Unusable(why));
    }
    prepare(&writer, kind.writer_cache_kib)?;
    let erases = if kind.erases { "ON" } else { "OFF" };
    writer.execute_batch(&format!(
        "PRAGMA application_id = {id}; PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = {log_max};
         PRAGMA secure_delete = {erases};"
    ))?;
    (kind.migrate)(&writer)?;

    let checkpointer = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    prepare(&checkpointer, kind.reader_cache_kib)?;
    let readers = (0..readers.clamp(1, 64))
        .map(|_| {
            let reader = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
            prepare(&reader, kind.reader_cache_kib)?;
            Ok(reader)
        })
        .collect::<Result<_, OpenError>>()?;
    Ok(Connections { writer, checkpointer, readers })
}

/// Empties a file's log into the file and cuts it to nothing. `false` when somebody who reads an old state keeps it from doing so.
pub(super) fn empty_log(path: &Path) -> rusqlite::Result<bool> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY)?;
    let begun = Instant::now();
    loop {
        let held: rusqlite::Result<i64> = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0));
        let busy = match held {
            Ok(held) => held != 0,
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => true,
            Err(error) => return Err(error),
        };
        // Only one can make a checkpoint, and SQLite does not wait for another that does: ours take milliseconds.
        if !busy || begun.elapsed() >= BUSY {
            return Ok(!busy);
        }
        std::thread::sleep(CHECKPOINT_LOOK);
    }
}

/// One plan per statement, whatever its values. Without this SQLite prepares a statement anew at every run when a value could
/// speak for or against a partial index: measured, that was half of all its work.
pub(super) fn steady_plans(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(|_| ())
}

/// Sets what SQLite keeps per connection, and sees that it is so.
fn prepare(connection: &Connection, cache_kib: u32) -> Result<(), OpenError> {
    connection.busy_timeout(BUSY)?;
    steady_plans(connection)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection
        .execute_batch(&format!("PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -{cache_kib};"))?;
    let synchronous: i64 = connection.query_row("PRAGMA synchronous", [], |row| row.get(0))?;
    if synchronous != 2 {
        return Err(OpenError::Unusable("SQLite does not sync every commit as it is told to".to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SqliteStore, Store};

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    #[test]
    fn a_folder_has_one_holder_at_a_time_and_tells_which() {
        let folder = folder();
        let first = SqliteStore::open(folder.path(), SqliteOptions::default()).unwrap();
        let second = SqliteStore::open(folder.path(), SqliteOptions::default()).unwrap_err();
        assert!(matches!(second, OpenError::LockedBy { pid: Some(pid) } if pid == std::process::id()), "{second}");
        drop(first);
        SqliteStore::open(folder.path(), SqliteOptions::default()).unwrap();
    }

    #[test]
    fn a_folder_let_go_of_is_free_though_a_child_has_a_copy_of_the_open_file() {
        let folder = folder();
        let held = FolderLock::take(folder.path()).unwrap();
        // As a child has it between its fork and the start of its program.
        let copy = held.file.try_clone().unwrap();
        drop(held);
        let again = FolderLock::take(folder.path()).unwrap();
        drop(copy);
        assert!(FolderLock::take(folder.path()).is_err(), "who lets go of a copy takes nothing from the next");
        drop(again);
    }

    #[tokio::test]
    async fn after_closing_others_may_open_and_calls_are_refused() {
        let folder = folder();
        let first = SqliteStore::open(folder.path(), SqliteOptions::default()).unwrap();
        first.close().await.unwrap();
        assert!(first.probe(transom_domain::time::Timestamp::EPOCH).await.is_err());
        assert!(first.senders().await.is_err());
        let second = SqliteStore::open(folder.path(), SqliteOptions::default()).unwrap();
        assert!(second.senders().await.unwrap().is_empty());
    }

    #[test]
    fn folder_and_files_are_for_the_owner_only() {
        let folder = folder();
        let dir = folder.path().join("made/by/us");
        let _store = SqliteStore::open(&dir, SqliteOptions::default()).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&dir), 0o700);
        for file in ["transom.db", "transom.db-wal", "journal.sqlite", "journal.sqlite-wal", LOCK_FILE] {
            assert_eq!(mode(&dir.join(file)), 0o600, "{file}");
        }
    }

    #[test]
    fn what_cannot_be_a_store_is_refused_with_its_name() {
        let folder = folder();
        let file = folder.path().join("file");
        std::fs::write(&file, "x").unwrap();
        let error = SqliteStore::open(&file, SqliteOptions::default()).unwrap_err();
        assert!(matches!(&error, OpenError::NotWritable { path, .. } if *path == file), "{error}");

        let dir = folder.path().join("garbage");
        std::fs::create_dir(&dir).unwrap();
        std::fs::write(dir.join("transom.db"), "this is no database, whatever its name says. ".repeat(100)).unwrap();
        assert!(matches!(SqliteStore::open(&dir, SqliteOptions::default()), Err(OpenError::Damaged(_))));

        let dir = folder.path().join("other");
        std::fs::create_dir(&dir).unwrap();
        Connection::open(dir.join("transom.db")).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
        assert!(matches!(SqliteStore::open(&dir, SqliteOptions::default()), Err(OpenError::Damaged(_))));
    }

    #[test]
    fn a_folder_written_by_a_newer_version_is_refused() {
        let folder = folder();
        drop(SqliteStore::open(folder.path(), SqliteOptions::default()).unwrap());
        let connection = Connection::open(folder.path().join("transom.db")).unwrap();
        connection.execute("INSERT INTO migration (version, checksum) VALUES (99, x'00')", []).unwrap();
        drop(connection);
        let error = SqliteStore::open(folder.path(), SqliteOptions::default()).unwrap_err();
        assert!(matches!(error, OpenError::Newer { found: 99, .. }), "{error}");
    }
}
