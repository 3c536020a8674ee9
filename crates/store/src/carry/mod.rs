//! Carrying a whole store from a folder to PostgreSQL: table by table, in batches, each in one commit with how far its table is, so that
//! it goes on after any interruption. At the end both sides are read once more, whole, and must be the same.
//!
//! Nobody works on either side meanwhile: the folder is locked, and says where it is being carried to, so that no process opens it between
//! two runs either; the database says that it is only half there. When all is done the folder goes on saying so, since whoever opened it
//! then would send what the other side sends.

mod source;
mod tables;
mod target;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rusqlite::types::Value as Kept;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use transom_domain::id::BusinessId;

use crate::StoreError;
use crate::postgres::{PostgresAddress, PostgresError, PostgresOptions, prepared};
use crate::sql::Value;
use crate::sqlite::open::{OpenError, SqliteOptions, open};

use source::Source;
use tables::{TABLES, Table};
use target::{Column, Mark, Target};

/// The file in a folder that says where its store was carried to.
pub const CARRIED_FILE: &str = "carried.json";

/// Why a store was not carried.
#[derive(Debug, thiserror::Error)]
pub enum CarryError {
    /// The folder cannot be opened.
    #[error("{0}")]
    Folder(#[from] OpenError),
    /// There is no store in it.
    #[error("there is no store in {0}")]
    Nothing(PathBuf),
    /// The folder cannot be read or written.
    #[error("the folder's store cannot be read: {0}")]
    Read(#[from] rusqlite::Error),
    /// A file in the folder cannot be written.
    #[error("{path} cannot be written: {why}")]
    Write {
        /// Which.
        path: PathBuf,
        /// What the system said.
        why: std::io::Error,
    },
    /// PostgreSQL cannot be reached or prepared.
    #[error("{0}")]
    Postgres(#[from] PostgresError),
    /// PostgreSQL refused something.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// There is something in the database.
    #[error("the database is not empty: {0} has rows")]
    NotEmpty(&'static str),
    /// Another store is half there.
    #[error("another store is being carried to that database")]
    Other,
    /// A process works on the database.
    #[error("{0} connections of `transom` are open in that database")]
    InUse(i64),
    /// A value is of another kind than its column.
    #[error("{table} holds a value of type {found} where another is expected")]
    Unfit {
        /// In which table.
        table: &'static str,
        /// What was found.
        found: String,
    },
    /// The two sides are not the same.
    #[error(
        "{table} is not the same on both sides: {here} rows in the folder, {there} in the database, or their contents differ"
    )]
    Differs {
        /// Which table.
        table: &'static str,
        /// Rows in the folder.
        here: u64,
        /// Rows in the database.
        there: u64,
    },
}

/// What a folder whose store was carried away says of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CarriedTo {
    /// Where, without a password.
    pub to: String,
    /// Whether all of it is there.
    pub done: bool,
}

impl CarriedTo {
    /// What a folder says; none where its store is its own.
    #[must_use]
    pub fn of(dir: &Path) -> Option<Self> {
        let text = std::fs::read(dir.join(CARRIED_FILE)).ok()?;
        // A file that does not read is one that was being written.
        Some(serde_json::from_slice(&text).unwrap_or(Self { to: "another store".to_owned(), done: false }))
    }

    fn write(&self, dir: &Path) -> Result<(), CarryError> {
        let (path, beside) = (dir.join(CARRIED_FILE), dir.join("carried.new"));
        let written = serde_json::to_vec(self).map_err(std::io::Error::other).and_then(|text| {
            std::fs::write(&beside, text)?;
            std::fs::File::open(&beside)?.sync_all()?;
            std::fs::rename(&beside, &path)?;
            std::fs::File::open(dir)?.sync_all()
        });
        written.map_err(|why| CarryError::Write { path, why })
    }
}

/// What is told while it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrying {
    /// Rows of a table are there, of so many in all.
    Rows {
        /// Which table.
        table: &'static str,
        /// How many are there.
        there: u64,
        /// How many there will be.
        all: u64,
    },
    /// A table was compared, and is the same.
    Same {
        /// Which table.
        table: &'static str,
    },
}

/// A table that is the same on both sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CarriedTable {
    /// Its name.
    pub table: &'static str,
    /// Rows on PostgreSQL.
    pub rows: u64,
    /// Rows of the folder that belong to nobody who is still there, and stay behind.
    pub left: u64,
    /// Digest of the rows, whatever their order.
    pub digest: String,
}

/// What was carried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carried {
    /// What was compared; nothing where all of it was carried by a run before this one.
    pub tables: Vec<CarriedTable>,
    /// The files that something on PostgreSQL knows of, by their digests: they are still to be brought along, however often that is tried.
    pub files: BTreeSet<(BusinessId, [u8; 32])>,
}

/// How many rows there are and what is in them, whatever their order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Digest {
    rows: u64,
    sum: u128,
}

impl Digest {
    fn add(&mut self, row: &[Value<'_>]) {
        let mut hash = Sha256::new();
        for value in row {
            let (kind, bytes): (u8, &[u8]) = match value {
                Value::Null => (0, &[]),
                Value::Int(number) => (1, &number.to_be_bytes()),
                Value::Text(text) => (2, text.as_bytes()),
                Value::Bytes(bytes) => (3, bytes),
            };
            hash.update([kind]);
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        }
        let hash = hash.finalize();
        let first = hash.first_chunk::<16>().copied().unwrap_or_default();
        self.rows += 1;
        self.sum = self.sum.wrapping_add(u128::from_be_bytes(first));
    }
}

/// Carries the store of a folder to a database that is empty, or goes on where it was interrupted. `batch` rows go in one commit.
/// Blocks until it is done.
///
/// # Errors
/// When either side is in use or cannot be read or written, the database holds something else, or the two are not the same in the end.
pub fn carry(
    dir: &Path,
    to: &PostgresAddress,
    options: PostgresOptions,
    batch: usize,
    mut tell: impl FnMut(Carrying),
) -> Result<Carried, CarryError> {
    if !dir.join("transom.db").exists() {
        return Err(CarryError::Nothing(dir.to_owned()));
    }
    let source = Source::new(open(dir, SqliteOptions::default())?);
    let connect = prepared(to, options)?;
    let mut target = Target::new(connect).map_err(PostgresError::Threads)?;
    let fingerprint = source.fingerprint()?;
    match target.others()? {
        0 => {}
        others => return Err(CarryError::InUse(others)),
    }
    match target.carrying()? {
        Some(whose) if whose == fingerprint => {}
        Some(_) => return Err(CarryError::Other),
        // Whoever is run again, for the files or because it was ended just before it could say so, finds all of it there. Only a folder
        // that was opened by nobody since says where it was carried.
        None if CarriedTo::of(dir).is_some_and(|folder| folder.to == to.to_string())
            && target.carried()?.is_some_and(|whose| whose == fingerprint) =>
        {
            CarriedTo { to: to.to_string(), done: true }.write(dir)?;
            return Ok(Carried { tables: Vec::new(), files: files(&mut target)? });
        }
        None => {
            if let Some(table) = target.first_filled()? {
                return Err(CarryError::NotEmpty(table));
            }
            CarriedTo { to: to.to_string(), done: false }.write(dir)?;
            target.begin(&fingerprint, &source.businesses()?)?;
        }
    }
    source.number(&target.ordinals()?)?;
    let batch = batch.max(1);
    let mut columns = Vec::with_capacity(TABLES.len());
    for table in TABLES {
        let of = target.columns(table)?;
        fill(&source, &mut target, table, &of, batch, &mut tell)?;
        columns.push(of);
    }
    let mut carried = Vec::with_capacity(TABLES.len());
    for (table, columns) in TABLES.iter().zip(&columns) {
        carried.push(compare(&source, &mut target, table, columns, batch)?);
        tell(Carrying::Same { table: table.name });
    }
    target.finish(&fingerprint, source.directory_version()?)?;
    CarriedTo { to: to.to_string(), done: true }.write(dir)?;
    Ok(Carried { tables: carried, files: files(&mut target)? })
}

fn files(target: &mut Target) -> Result<BTreeSet<(BusinessId, [u8; 32])>, CarryError> {
    let named = |(business, digest): (Vec<u8>, Vec<u8>)| {
        Some((BusinessId::from_bytes(business.try_into().ok()?), digest.try_into().ok()?))
    };
    Ok(target.files()?.into_iter().filter_map(named).collect())
}

/// Carries what is missing of a table.
fn fill(
    source: &Source,
    target: &mut Target,
    table: &Table,
    columns: &[Column],
    batch: usize,
    tell: &mut impl FnMut(Carrying),
) -> Result<(), CarryError> {
    let mut mark = target.mark(table)?;
    let all = source.count(table)?;
    let reading = source.reading(table, columns, batch)?;
    while !mark.done {
        let read = source.read(table.file, &reading, &key_of(&mark.after)?)?;
        let to = Mark {
            after: key_text(&read.after),
            rows: mark.rows + i64::try_from(read.rows.len()).unwrap_or(i64::MAX),
            done: read.rows.len() < batch,
        };
        target.put(table, columns, &mark, &read.rows, &to)?;
        mark = to;
        tell(Carrying::Rows { table: table.name, there: u64::try_from(mark.rows).unwrap_or_default(), all });
    }
    Ok(())
}

/// Sees that a table is the same on both sides.
fn compare(
    source: &Source,
    target: &mut Target,
    table: &Table,
    columns: &[Column],
    batch: usize,
) -> Result<CarriedTable, CarryError> {
    let reading = source.reading(table, columns, batch)?;
    let (mut here, mut after) = (Digest::default(), Vec::new());
    loop {
        let read = source.read(table.file, &reading, &after)?;
        read.rows.iter().for_each(|row| here.add(row));
        if read.rows.len() < batch {
            break;
        }
        after = read.after;
    }
    let there = target.digest(table, columns, batch)?;
    if here != there {
        return Err(CarryError::Differs { table: table.name, here: here.rows, there: there.rows });
    }
    let left = source.count(table)?.saturating_sub(here.rows);
    Ok(CarriedTable { table: table.name, rows: here.rows, left, digest: format!("{:032x}", here.sum) })
}

/// A key as a text that keeps the kinds of its values.
fn key_text(key: &[Kept]) -> String {
    let parts: Vec<String> = key
        .iter()
        .map(|part| match part {
            Kept::Integer(number) => format!("i{number}"),
            Kept::Text(text) => format!("t{}", hex(text.as_bytes())),
            Kept::Blob(bytes) => format!("b{}", hex(bytes)),
            Kept::Real(_) | Kept::Null => "n".to_owned(),
        })
        .collect();
    parts.join(" ")
}

fn key_of(text: &str) -> Result<Vec<Kept>, CarryError> {
    let wrong = || StoreError::Corrupt(format!("carried: the key {text} does not read"));
    text.split(' ')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (kind, rest) = part.split_at_checked(1).ok_or_else(wrong)?;
            Ok(match kind {
                "i" => Kept::Integer(rest.parse().map_err(|_| wrong())?),
                "t" => Kept::Text(String::from_utf8(bytes(rest).ok_or_else(wrong)?).map_err(|_| wrong())?),
                "b" => Kept::Blob(bytes(rest).ok_or_else(wrong)?),
                _ => return Err(wrong().into()),
            })
        })
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        use std::fmt::Write as _;
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok()).collect()
}
