//! What the engines that speak SQL share: values, the reading of rows, and the tables that both keep alike.
//!
//! An engine offers [`Sql`]: it runs a statement with values and shows the rows. Rows of tables that both keep alike are written once
//! here, over that trait. Where the engines differ (one puts the business in front of every key, the other has the numbers of rows to
//! go by), each has its own statements in its own folder, and only the reading of what they find is here.
//!
//! A statement that both run numbers its values `?1`, `?2`, …; it replaces a row by `ON CONFLICT (…) DO UPDATE SET`, and names the
//! table in front of a column that it adds to.

pub(crate) mod admin;
pub(crate) mod audit;
pub(crate) mod consent;
pub(crate) mod content;
pub(crate) mod conversation;
pub(crate) mod flights;
pub(crate) mod heard;
pub(crate) mod journal;
pub(crate) mod media;
pub(crate) mod message;
pub(crate) mod messaging_services;
pub(crate) mod people;
pub(crate) mod queue;
pub(crate) mod rehear;
pub(crate) mod relay;
mod row;
pub(crate) mod state;
pub(crate) mod tally;
pub(crate) mod telling;
pub(crate) mod template;
pub(crate) mod users;
mod value;

use serde::Serialize;

use transom_domain::id::BusinessId;
use transom_domain::time::Timestamp;

use crate::StoreError;
use crate::cache::{Cache, Stream};
use crate::rows::{Result, Seq};

pub(crate) use row::{
    Column, Row, corrupt, get, get_channel, get_count, get_id, get_id_if, get_identity, get_json, get_json_if, get_small,
    get_text_if, get_time, get_time_if, get_word, get_word_if,
};
pub(crate) use value::{Bind, Cell, Params, Read, Value, none, params};

/// The statements of one transaction.
pub(crate) trait Sql {
    /// Finds all claims of a customer: one engine has to be told by which index.
    const CLAIMS_OF: &'static str;

    /// Changes something. Nobody needs an answer: an engine may put it off until something is asked or the transaction ends, and
    /// tells then what was wrong with it.
    fn put(&self, sql: &'static str, params: impl Params) -> Result<()>;

    /// Changes something, and says how many rows it changed.
    fn run(&self, sql: &'static str, params: impl Params) -> Result<usize>;

    /// The first row of a query.
    fn one<T>(&self, sql: &'static str, params: impl Params, read: impl FnOnce(&dyn Row) -> Result<T>) -> Result<Option<T>>;

    /// All rows of a query.
    fn all<T>(&self, sql: &'static str, params: impl Params, read: impl FnMut(&dyn Row) -> Result<T>) -> Result<Vec<T>>;

    /// What the writer remembers; none for a reader.
    fn remembered(&self) -> Option<&Cache>;

    /// Something of this business is about to be read in order to change it: a writer that shares its tables with others sees to it
    /// that nobody else changes it meanwhile.
    fn enter(&self, business: BusinessId) -> Result<()>;

    /// The number of a new row of a business; none where the engine numbers its rows itself.
    fn number(&self, business: BusinessId) -> Result<Option<Seq>>;

    /// The counters of a business's stream.
    fn stream(&self, business: BusinessId) -> Result<Stream>;

    /// They are as follows from now on.
    fn put_stream(&self, business: BusinessId, value: Stream) -> Result<()>;

    /// What the writer remembers, for those who change it.
    fn cache(&self) -> Result<&Cache> {
        self.remembered().ok_or_else(|| StoreError::Unavailable("this connection only reads".to_owned()))
    }
}

/// A number as it is kept; positions and counters never come near its end.
pub(crate) fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A bound.
pub(crate) fn bound(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// A moment that may be missing, as it is kept.
pub(crate) fn millis(at: Option<Timestamp>) -> Option<i64> {
    at.map(Timestamp::as_millis)
}

/// JSON text.
pub(crate) fn json<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| StoreError::Corrupt(format!("a value that JSON cannot hold: {error}")))
}

/// JSON text, where there is something.
pub(crate) fn json_if<T: Serialize>(value: Option<&T>) -> Result<Option<String>> {
    value.map(json).transpose()
}
