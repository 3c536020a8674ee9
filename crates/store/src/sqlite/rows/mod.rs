//! The rows as SQLite keeps them: one statement per look-up or change, prepared once per connection.

mod admin;
mod audit;
mod consent;
mod content;
pub(crate) mod count;
mod erasing;
mod flush;
mod heard;
mod journal;
mod marks;
mod media;
mod message;
mod messaging_services;
mod people;
#[cfg(test)]
mod plans;
mod queue;
mod reach;
mod rehear;
mod relay;
mod restore;
mod silence;
mod state;
mod sweep;
mod telling;
mod template;

use rusqlite::types::FromSql;
use rusqlite::{Connection, ErrorCode, Params, Row, RowIndex};
use serde::Serialize;
use serde::de::DeserializeOwned;

use transom_domain::address::{Channel, Identity};
use transom_domain::time::Timestamp;

use super::cache::Cache;
use crate::StoreError;
use crate::rows::Result;

/// The rows behind one connection, inside a transaction that its holder has opened.
pub(crate) struct SqliteRows<'c> {
    connection: &'c Connection,
    /// What the writer remembers; a reader remembers nothing.
    cache: Option<&'c Cache>,
}

impl<'c> SqliteRows<'c> {
    pub(crate) fn reading(connection: &'c Connection) -> Self {
        Self { connection, cache: None }
    }

    pub(crate) fn writing(connection: &'c Connection, cache: &'c Cache) -> Self {
        Self { connection, cache: Some(cache) }
    }

    /// What the writer remembers, for those who change it.
    fn cache(&self) -> Result<&'c Cache> {
        self.cache.ok_or_else(|| StoreError::Unavailable("this connection only reads".to_owned()))
    }
}

/// What an error of SQLite's means to a caller.
pub(crate) fn fault(error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::Unavailable("the disk is full; free some space".to_owned()),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::ConstraintViolation) => {
            StoreError::Corrupt(error.to_string())
        }
        Some(_) => StoreError::Unavailable(error.to_string()),
        None => StoreError::Corrupt(error.to_string()),
    }
}

/// Runs a statement without values.
pub(crate) fn execute(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(|_| ())
}

impl SqliteRows<'_> {
    /// Runs a statement that changes something. Says how many rows it changed.
    fn run(&self, sql: &str, params: impl Params) -> Result<usize> {
        let mut statement = self.connection.prepare_cached(sql).map_err(fault)?;
        let changed = statement.execute(params).map_err(fault);
        count::worked(&statement);
        changed
    }

    /// The first row of a query.
    fn one<T>(&self, sql: &str, params: impl Params, read: impl FnOnce(&Row<'_>) -> Result<T>) -> Result<Option<T>> {
        let mut statement = self.connection.prepare_cached(sql).map_err(fault)?;
        let mut rows = statement.query(params).map_err(fault)?;
        let row = rows.next().map_err(fault)?;
        count::read(usize::from(row.is_some()));
        let found = row.map(read).transpose();
        drop(rows);
        count::worked(&statement);
        found
    }

    /// All rows of a query.
    fn all<T>(&self, sql: &str, params: impl Params, mut read: impl FnMut(&Row<'_>) -> Result<T>) -> Result<Vec<T>> {
        let mut statement = self.connection.prepare_cached(sql).map_err(fault)?;
        let mut rows = statement.query(params).map_err(fault)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(fault)? {
            found.push(read(row)?);
        }
        count::read(found.len());
        drop(rows);
        count::worked(&statement);
        Ok(found)
    }
}

/// A column by its name or by its place. A name is looked for anew in every row, so what is read for every message goes by place.
trait Column: RowIndex + Copy + std::fmt::Display {}
impl<T: RowIndex + Copy + std::fmt::Display> Column for T {}

/// Names where something is that does not decode.
fn corrupt(row: &Row<'_>, column: impl Column, why: impl std::fmt::Display) -> StoreError {
    let known: Vec<&str> = row.as_ref().column_names().collect();
    StoreError::Corrupt(format!("column {column} of ({}): {why}", known.join(", ")))
}

/// A column.
fn get<T: FromSql>(row: &Row<'_>, column: impl Column) -> Result<T> {
    row.get(column).map_err(|error| corrupt(row, column, error))
}

/// A column of JSON.
fn get_json<T: DeserializeOwned>(row: &Row<'_>, column: impl Column) -> Result<T> {
    let text = row.get_ref(column).map_err(fault)?.as_str().map_err(|error| corrupt(row, column, error))?;
    serde_json::from_str(text).map_err(|error| corrupt(row, column, error))
}

/// A column of JSON that may be empty.
fn get_json_if<T: DeserializeOwned>(row: &Row<'_>, column: impl Column) -> Result<Option<T>> {
    let text = row.get_ref(column).map_err(fault)?.as_str_or_null().map_err(|error| corrupt(row, column, error))?;
    text.map(serde_json::from_str).transpose().map_err(|error| corrupt(row, column, error))
}

/// A column whose text reads as something.
fn get_text<T: std::str::FromStr<Err: std::fmt::Display>>(row: &Row<'_>, column: impl Column) -> Result<T> {
    let text = row.get_ref(column).map_err(fault)?.as_str().map_err(|error| corrupt(row, column, error))?;
    text.parse().map_err(|error| corrupt(row, column, error))
}

/// As [`get_text`], where it may be empty.
fn get_text_if<T: std::str::FromStr<Err: std::fmt::Display>>(row: &Row<'_>, column: impl Column) -> Result<Option<T>> {
    let text = row.get_ref(column).map_err(fault)?.as_str_or_null().map_err(|error| corrupt(row, column, error))?;
    text.map(str::parse).transpose().map_err(|error| corrupt(row, column, error))
}

/// A column of one of our words.
fn get_word<T>(row: &Row<'_>, column: impl Column, named: impl FnOnce(&str) -> Option<T>) -> Result<T> {
    let word = row.get_ref(column).map_err(fault)?.as_str().map_err(|error| corrupt(row, column, error))?;
    named(word).ok_or_else(|| corrupt(row, column, format!("the word {word} is unknown")))
}

/// A column of 16 bytes.
fn get_id(row: &Row<'_>, column: impl Column) -> Result<[u8; 16]> {
    get(row, column)
}

/// As [`get_id`], where it may be empty.
fn get_id_if(row: &Row<'_>, column: impl Column) -> Result<Option<[u8; 16]>> {
    get(row, column)
}

/// A moment.
fn get_time(row: &Row<'_>, column: impl Column) -> Result<Timestamp> {
    get(row, column).map(Timestamp::from_millis)
}

/// A moment that may be missing.
fn get_time_if(row: &Row<'_>, column: impl Column) -> Result<Option<Timestamp>> {
    let millis: Option<i64> = get(row, column)?;
    Ok(millis.map(Timestamp::from_millis))
}

/// A number that is never negative.
fn get_count(row: &Row<'_>, column: impl Column) -> Result<u64> {
    let number: i64 = get(row, column)?;
    u64::try_from(number).map_err(|error| corrupt(row, column, error))
}

/// As [`get_count`], for what counts no further than 32 bits.
fn get_small(row: &Row<'_>, column: impl Column) -> Result<u32> {
    let number: i64 = get(row, column)?;
    u32::try_from(number).map_err(|error| corrupt(row, column, error))
}

fn get_channel(row: &Row<'_>, column: impl Column) -> Result<Channel> {
    get_word(row, column, |word| Channel::ALL.into_iter().find(|c| c.as_str() == word))
}

fn get_identity(row: &Row<'_>, column: impl Column) -> Result<Identity> {
    get_text(row, column)
}

/// A number as SQLite keeps it; positions and counters never come near its end.
fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A bound as SQLite takes it.
fn bound(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// A moment that may be missing, as SQLite keeps it.
fn millis(at: Option<Timestamp>) -> Option<i64> {
    at.map(Timestamp::as_millis)
}

/// JSON text.
fn json<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| StoreError::Corrupt(format!("a value that JSON cannot hold: {error}")))
}

/// JSON text, where there is something.
fn json_if<T: Serialize>(value: Option<&T>) -> Result<Option<String>> {
    value.map(json).transpose()
}
