//! The rows as PostgreSQL keeps them. What is written and needs no answer is put off and leaves together with the next look, so that
//! a move costs few ways to the server and back.

mod conversation;
mod erasing;
mod flush;
mod heard;
mod history;
mod journal;
mod marks;
mod message;
mod messaging_services;
mod queue;
mod reach;
mod relay;
mod replicas;
mod restore;
mod silence;
mod state;
mod sweep;

use std::cell::{Cell as Slot, RefCell};
use std::collections::{BTreeMap, HashMap};

use transom_domain::id::BusinessId;

use super::session::{Session, Ticket};
use crate::cache::{Cache, Stream};
use crate::rows::{Result, Seq};
use crate::sql::people::claims;
use crate::sql::{
    Params, Row, Sql, bound, get, get_count, get_id, get_json, get_json_if, get_small, get_time, get_time_if, get_word, int,
    json, json_if, millis, params,
};

pub(crate) use flush::{NUMBERS, Turn};

/// What a writer holds while it writes.
#[derive(Default)]
pub(crate) struct Held {
    /// The businesses whose turn it is.
    pub(crate) turns: RefCell<BTreeMap<BusinessId, Turn>>,
    /// Upstream's ids that were bound, by the ticket that says whether they were new.
    pub(crate) bound: RefCell<HashMap<(BusinessId, String), Ticket>>,
    /// Some turns were taken only after something was read, which may have been out of date by then.
    pub(crate) late: Slot<bool>,
}

/// The rows behind one session, inside a transaction that its holder has opened.
pub(crate) struct PgRows<'s> {
    session: &'s Session,
    /// What a writer remembers and holds; a reader remembers nothing.
    cache: Option<&'s Cache>,
    held: Option<&'s Held>,
}

impl<'s> PgRows<'s> {
    pub(crate) fn reading(session: &'s Session) -> Self {
        Self { session, cache: None, held: None }
    }

    pub(crate) fn writing(session: &'s Session, cache: &'s Cache, held: &'s Held) -> Self {
        Self { session, cache: Some(cache), held: Some(held) }
    }

    /// Whether all that is written is one business's.
    fn is_alone(&self) -> bool {
        self.held.is_some_and(|held| held.turns.borrow().len() == 1)
    }

    /// As [`Sql::put`]; the ticket tells afterwards how many rows it changed.
    fn watch(&self, sql: &'static str, params: impl Params) -> Result<Ticket> {
        self.cache()?.changed();
        self.session.watch(sql, params)
    }

    /// Ends a move: what it put off is written.
    pub(crate) fn finish_move(&self) -> Result<()> {
        self.finish_states()
    }

    /// How many connections of processes that serve there are in this database, besides this one.
    pub(super) fn others(&self) -> Result<u64> {
        Ok(self.one(OTHERS, params![super::SERVING], |row| get_count(row, 0))?.unwrap_or(0))
    }
}

/// Connections of processes that serve, besides the one that asks.
pub(crate) const OTHERS: &str = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
     AND application_name = $1 AND pid <> pg_backend_pid()";

impl Sql for PgRows<'_> {
    const CLAIMS_OF: &'static str = claims!("WHERE business = $1 AND customer = $2 ORDER BY identity LIMIT $3");

    fn put(&self, sql: &'static str, params: impl Params) -> Result<()> {
        self.cache()?.changed();
        self.session.put(sql, params)
    }

    fn run(&self, sql: &'static str, params: impl Params) -> Result<usize> {
        self.cache()?.changed();
        self.session.execute(sql, params)
    }

    fn one<T>(&self, sql: &'static str, params: impl Params, read: impl FnOnce(&dyn Row) -> Result<T>) -> Result<Option<T>> {
        self.session.query(sql, params)?.first().map(|row| read(row)).transpose()
    }

    fn all<T>(&self, sql: &'static str, params: impl Params, mut read: impl FnMut(&dyn Row) -> Result<T>) -> Result<Vec<T>> {
        self.session.query(sql, params)?.iter().map(|row| read(row)).collect()
    }

    fn remembered(&self) -> Option<&Cache> {
        self.cache
    }

    /// Takes the business's turn.
    fn enter(&self, business: BusinessId) -> Result<()> {
        self.touch(business)
    }

    fn number(&self, business: BusinessId) -> Result<Option<Seq>> {
        self.next_number(business).map(Some)
    }

    fn stream(&self, business: BusinessId) -> Result<Stream> {
        Self::stream(self, business)
    }

    fn put_stream(&self, business: BusinessId, value: Stream) -> Result<()> {
        Self::put_stream(self, business, value)
    }
}
