//! The rows as SQLite keeps them: one statement per look-up or change, prepared once per connection.

mod conversation;
pub(crate) mod count;
mod erasing;
mod flush;
mod heard;
mod history;
mod journal;
mod marks;
mod message;
mod messaging_services;
#[cfg(test)]
mod plans;
mod queue;
mod reach;
mod relay;
mod replicas;
mod restore;
mod silence;
mod state;
mod sweep;

use rusqlite::{Connection, ErrorCode, params_from_iter};

use transom_domain::id::BusinessId;

use crate::StoreError;
use crate::cache::{Cache, Stream};
use crate::rows::{Result, Seq};
use crate::sql::people::claims;
use crate::sql::{
    Params, Row, Sql, bound, get, get_count, get_id, get_json, get_json_if, get_small, get_time, get_time_if, get_word, int,
    json, json_if, millis, params,
};

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

impl Sql for SqliteRows<'_> {
    const CLAIMS_OF: &'static str =
        claims!("INDEXED BY identity_of WHERE business = ?1 AND customer = ?2 ORDER BY identity LIMIT ?3");

    fn put(&self, sql: &'static str, params: impl Params) -> Result<()> {
        self.run(sql, params).map(|_| ())
    }

    fn run(&self, sql: &'static str, params: impl Params) -> Result<usize> {
        let mut statement = self.connection.prepare_cached(sql).map_err(fault)?;
        let changed = statement.execute(params_from_iter(params.each())).map_err(fault);
        count::worked(&statement);
        changed
    }

    fn one<T>(&self, sql: &'static str, params: impl Params, read: impl FnOnce(&dyn Row) -> Result<T>) -> Result<Option<T>> {
        let mut statement = self.connection.prepare_cached(sql).map_err(fault)?;
        let mut rows = statement.query(params_from_iter(params.each())).map_err(fault)?;
        let row = rows.next().map_err(fault)?;
        count::read(usize::from(row.is_some()));
        let found = row.map(|row| read(row)).transpose();
        drop(rows);
        count::worked(&statement);
        found
    }

    fn all<T>(&self, sql: &'static str, params: impl Params, mut read: impl FnMut(&dyn Row) -> Result<T>) -> Result<Vec<T>> {
        let mut statement = self.connection.prepare_cached(sql).map_err(fault)?;
        let mut rows = statement.query(params_from_iter(params.each())).map_err(fault)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(fault)? {
            found.push(read(row)?);
        }
        count::read(found.len());
        drop(rows);
        count::worked(&statement);
        Ok(found)
    }

    fn remembered(&self) -> Option<&Cache> {
        self.cache
    }

    /// The writer is the only one that writes to the folder.
    fn enter(&self, _business: BusinessId) -> Result<()> {
        Ok(())
    }

    fn number(&self, _business: BusinessId) -> Result<Option<Seq>> {
        Ok(None)
    }

    fn stream(&self, business: BusinessId) -> Result<Stream> {
        Self::stream(self, business)
    }

    fn put_stream(&self, business: BusinessId, value: Stream) -> Result<()> {
        Self::put_stream(self, business, value)
    }
}
