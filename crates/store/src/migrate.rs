//! The schema's versions: numbered files, embedded, applied in order, each once. What was applied is kept with a checksum, so
//! that a file that was changed afterwards is noticed rather than trusted.

use rusqlite::{Connection, params};
use sha2::{Digest, Sha256};

use crate::sqlite::OpenError;

/// The files of the SQLite engine; the place in the list is the version, from 1. Never changed once released, only added to.
const SQLITE: &[&str] = &[include_str!("../migrations/sqlite/0001_house.sql")];

/// As above, of the journal's file.
const JOURNAL: &[&str] = &[include_str!("../migrations/journal/0001_journal.sql")];

/// The newest version of the schema that this program knows.
pub(crate) fn newest() -> i64 {
    i64::try_from(SQLITE.len()).unwrap_or(i64::MAX)
}

fn digest(sql: &str) -> Vec<u8> {
    Sha256::digest(sql.as_bytes()).to_vec()
}

/// Brings a database to the newest version.
pub(crate) fn sqlite(connection: &Connection) -> Result<(), OpenError> {
    run(connection, SQLITE)
}

/// As above, for the journal's file.
pub(crate) fn journal(connection: &Connection) -> Result<(), OpenError> {
    run(connection, JOURNAL)
}

/// The newest version of the journal's schema that this program knows.
pub(crate) fn newest_journal() -> i64 {
    i64::try_from(JOURNAL.len()).unwrap_or(i64::MAX)
}

fn run(connection: &Connection, files: &[&str]) -> Result<(), OpenError> {
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS migration (version INTEGER PRIMARY KEY, checksum BLOB NOT NULL) WITHOUT ROWID",
    )?;
    let mut statement = connection.prepare("SELECT version, checksum FROM migration ORDER BY version")?;
    let applied: Vec<(i64, Vec<u8>)> =
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    let known = i64::try_from(files.len()).unwrap_or(i64::MAX);
    if let Some((found, _)) = applied.last().filter(|(version, _)| *version > known) {
        return Err(OpenError::Newer { found: *found, known });
    }
    for (version, sql) in (1..).zip(files) {
        match applied.iter().find(|(v, _)| *v == version) {
            Some((_, checksum)) if *checksum == digest(sql) => {}
            Some(_) => {
                return Err(OpenError::Damaged(format!(
                    "its schema {version} is not the one that this program knows; open it with the program that made it"
                )));
            }
            None => {
                let transaction = connection.unchecked_transaction()?;
                transaction.execute_batch(sql)?;
                transaction
                    .execute("INSERT INTO migration (version, checksum) VALUES (?1, ?2)", params![version, digest(sql)])?;
                transaction.commit()?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_is_applied_once_and_in_order() {
        let connection = Connection::open_in_memory().unwrap();
        let files = ["CREATE TABLE a (x)", "ALTER TABLE a ADD COLUMN y"];
        run(&connection, &files[..1]).unwrap();
        run(&connection, &files).unwrap();
        run(&connection, &files).unwrap();
        connection.execute("INSERT INTO a (x, y) VALUES (1, 2)", []).unwrap();
    }

    #[test]
    fn a_newer_folder_and_a_changed_file_are_refused() {
        let connection = Connection::open_in_memory().unwrap();
        run(&connection, &["CREATE TABLE a (x)", "CREATE TABLE b (x)"]).unwrap();
        assert!(matches!(run(&connection, &["CREATE TABLE a (x)"]), Err(OpenError::Newer { found: 2, known: 1 })));
        let changed = ["CREATE TABLE a (x)", "CREATE TABLE b (y)"];
        assert!(matches!(run(&connection, &changed), Err(OpenError::Damaged(_))));
    }

    #[test]
    fn a_file_that_fails_leaves_nothing_behind() {
        let connection = Connection::open_in_memory().unwrap();
        assert!(run(&connection, &["CREATE TABLE a (x); CREATE TABLE a (x)"]).is_err());
        run(&connection, &["CREATE TABLE a (x)"]).unwrap();
    }
}
