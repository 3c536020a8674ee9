//! The schema's versions: numbered files, applied one statement at a time, each once, by whichever process comes first. How far a file
//! has come is written down in the transaction of each statement, so that whoever comes after a process that died goes on from there.

use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::session::{PAUSE, Session, Trouble};
use crate::StoreError;
use crate::rows::Result;
use crate::sql::{Params, Read, params};

/// A version of the schema.
#[derive(Debug, Clone, Copy)]
pub(super) struct File {
    pub(super) sql: &'static str,
    /// The oldest version of the schema whose programs go on working while this one is applied, and after. One that only adds to what
    /// they know (expands) suits the programs of the version before it; one that takes away (contracts) suits those alone that have
    /// done without what goes. It is written down with the version, since an older program cannot know.
    pub(super) suits: i64,
}

/// The files; the place in the list is the version, from 1. Never changed once released, only added to.
pub(super) const FILES: &[File] = &[
    File { sql: include_str!("../../migrations/postgres/0001_house.sql"), suits: 1 },
    File { sql: include_str!("../../migrations/postgres/0002_messages.sql"), suits: 2 },
];

/// Why a store on PostgreSQL did not open.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// TLS cannot be used.
    #[error("TLS to PostgreSQL cannot be used: {0}")]
    Tls(String),
    /// It says no.
    #[error("{0}")]
    Refused(String),
    /// No server that takes writes answered in time.
    #[error("{why}; it was waited for {} seconds", waited.as_secs())]
    Unreachable {
        /// What came of the last try.
        why: String,
        /// How long it was tried.
        waited: Duration,
    },
    /// A store is being carried there, and is not whole.
    #[error("a store is being carried there, and not all of it is there yet")]
    Half,
    /// There is no store in it, and none was to be made.
    #[error("the database has no store in it")]
    Missing,
    /// The schema is older than this program, and was not to be changed.
    #[error("the store has schema {found}, and this program works with {known}")]
    Older {
        /// Its version.
        found: i64,
        /// The newest that is known.
        known: i64,
    },
    /// No thread could be started.
    #[error("the store's threads could not be started: {0}")]
    Threads(std::io::Error),
    /// The thread that brings the schema up to date stopped unexpectedly.
    #[error("the schema could not be brought up to date")]
    Stopped,
    /// The server cannot be reached, or refused something.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// The schema is newer than this program, and does not suit it any more.
    #[error(
        "the store has schema {found}, which suits programs that know {suits} or more, and this one knows {known}; use the program that \
         made it, or a newer one"
    )]
    Newer {
        /// Its version.
        found: i64,
        /// The oldest version whose programs may open it.
        suits: i64,
        /// The newest that is known.
        known: i64,
    },
    /// A file was changed after it was applied.
    #[error("schema {0} of the store is not the one that this program knows; open it with the program that made it")]
    Other(i64),
}

const TABLES: [&str; 3] = [
    "CREATE TABLE IF NOT EXISTS migration
        (version BIGINT PRIMARY KEY, checksum BYTEA NOT NULL, steps BIGINT NOT NULL, suits BIGINT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS migrating (one BIGINT PRIMARY KEY)",
    "INSERT INTO migrating (one) VALUES (1) ON CONFLICT (one) DO NOTHING",
];

/// Whether there are any.
const ANY: &str =
    "SELECT count(*) FROM information_schema.tables WHERE table_schema = current_schema() AND table_name = 'migration'";

/// Whoever works with a table waits behind a statement that waits for the table: so that one steps back soon, and comes again.
const BRIEFLY: &str = "SET lock_timeout = '2s'";

/// A file may take as long as it takes, and whoever waits for it waits as long.
const UNTIMED: [&str; 2] = ["SET statement_timeout = 0", "SET idle_in_transaction_session_timeout = 0"];

/// Tries to make the tables, which two processes may do at the same moment.
const TRIES: u32 = 5;

/// The statements of a file.
fn statements(sql: &'static str) -> impl Iterator<Item = &'static str> {
    sql.split(";\n")
        .map(str::trim)
        .filter(|statement| statement.lines().any(|line| !line.trim().is_empty() && !line.starts_with("--")))
}

/// The tables that businesses' rows are in, and the house's own.
pub(super) fn tables() -> Vec<&'static str> {
    let made = |statement: &'static str| {
        let mut words = statement.lines().filter(|line| !line.starts_with("--")).flat_map(str::split_whitespace);
        let is_table = words.next() == Some("CREATE") && words.next() == Some("TABLE");
        words.next().filter(|_| is_table)
    };
    FILES.iter().flat_map(|file| statements(file.sql)).filter_map(made).collect()
}

/// Every statement of the schema.
#[cfg(test)]
pub(super) fn schema() -> impl Iterator<Item = &'static str> {
    TABLES.into_iter().chain(FILES.iter().flat_map(|file| statements(file.sql)))
}

/// Brings the schema to the newest version: `lock` holds the lock while `work` works.
/// Without `make` it only looks.
pub(super) fn run(lock: &Session, work: &Session, make: bool) -> std::result::Result<(), PostgresError> {
    lock.ready()?;
    if !make {
        let any = lock.query(ANY, params![])?;
        if any.first().and_then(|row| row.try_get(0).ok()).and_then(i64::read) != Some(1) {
            return Err(PostgresError::Missing);
        }
        let seen = apply(lock, FILES, false);
        lock.disconnect();
        return seen;
    }
    for table in TABLES {
        let mut tries = 0;
        while let Err(why) = lock.run(table, params![]) {
            tries += 1;
            if tries == TRIES {
                return Err(why.into());
            }
            lock.ready()?;
        }
    }
    for unlimited in UNTIMED {
        lock.run(unlimited, params![])?;
    }
    lock.run("BEGIN", params![])?;
    lock.query("SELECT one FROM migrating WHERE one = 1 FOR UPDATE", params![])?;
    work.ready()?;
    for unlimited in UNTIMED {
        work.run(unlimited, params![])?;
    }
    work.run(BRIEFLY, params![])?;
    let done = apply(work, FILES, true);
    lock.undo();
    work.disconnect();
    lock.disconnect();
    done
}

/// Sees that no store is half carried there.
pub(super) fn is_whole(session: &Session) -> std::result::Result<(), PostgresError> {
    session.ready()?;
    let rows = session.query("SELECT one FROM house WHERE one = 1 AND carrying IS NOT NULL", params![])?;
    session.disconnect();
    if rows.is_empty() { Ok(()) } else { Err(PostgresError::Half) }
}

/// A version that was applied, as far as its steps say.
struct Applied {
    version: i64,
    checksum: Vec<u8>,
    steps: i64,
    suits: i64,
}

/// Brings the schema to what these files say; without `make` it only looks. One that is newer is left as it is, where it suits whoever
/// knows these.
pub(super) fn apply(work: &Session, files: &[File], make: bool) -> std::result::Result<(), PostgresError> {
    let applied = work.query("SELECT version, checksum, steps, suits FROM migration ORDER BY version", params![])?;
    let mut known = Vec::new();
    for row in &applied {
        let get = |at| row.try_get(at).map_err(|error| StoreError::Corrupt(format!("migration: {error}")));
        let (version, checksum, steps) = (i64::read(get(0)?), Vec::<u8>::read(get(1)?), i64::read(get(2)?));
        let one = version.zip(checksum).zip(steps).zip(i64::read(get(3)?));
        known.extend(one.map(|(((version, checksum), steps), suits)| Applied { version, checksum, steps, suits }));
    }
    let newest = i64::try_from(files.len()).unwrap_or(i64::MAX);
    let found = known.iter().map(|one| one.version).max().unwrap_or(0);
    let suits = known.iter().map(|one| one.suits).max().unwrap_or(0);
    if found > newest && suits > newest {
        return Err(PostgresError::Newer { found, suits, known: newest });
    }
    for (version, &File { sql, suits }) in (1i64..).zip(files) {
        let checksum = Sha256::digest(sql.as_bytes()).to_vec();
        let steps = match known.iter().find(|one| one.version == version) {
            Some(one) if one.checksum != checksum => return Err(PostgresError::Other(version)),
            Some(one) => one.steps,
            None => 0,
        };
        let all = statements(sql).count();
        if !make && usize::try_from(steps) != Ok(all) {
            return Err(PostgresError::Older { found: version - 1, known: newest });
        }
        for (step, statement) in (1i64..).zip(statements(sql)).skip(usize::try_from(steps).unwrap_or(usize::MAX)) {
            one(work, statement, &params![version, checksum, step, suits])?;
        }
    }
    Ok(())
}

/// One step, with the mark that it is done. While others hold the table that it changes, it comes again.
fn one(work: &Session, statement: &'static str, mark: &impl Params) -> Result<()> {
    let mut told = false;
    loop {
        work.ready()?;
        work.run("BEGIN", params![])?;
        let made = work.run(statement, params![]).and_then(|()| {
            work.put(
                "INSERT INTO migration (version, checksum, steps, suits) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (version) DO UPDATE SET steps = excluded.steps",
                mark,
            )?;
            work.run("COMMIT", params![])
        });
        let Err(why) = made else { return Ok(()) };
        let held = work.trouble() == Some(Trouble::Again);
        work.undo();
        if !held {
            return Err(why);
        }
        if !std::mem::replace(&mut told, true) {
            tracing::warn!(
                statement,
                "somebody works with a table that the schema changes: it waits for them, and nobody for it"
            );
        }
        std::thread::sleep(PAUSE);
    }
}
