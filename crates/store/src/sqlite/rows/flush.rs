//! What changes with every message and is written once per group: counters of senders and streams, and what was heard of apps. And
//! the lanes that have no row.

use super::params;

use transom_domain::id::{BusinessId, SenderId};

use super::{Sql, SqliteRows, get, get_count, get_id, get_time, int};
use crate::cache::{Counters, Stream, Written};
use crate::rows::{LaneKey, Result, Seq};
use crate::sql::flights::Flights;
use crate::sql::queue::lane_key;
use crate::sql::tally;

/// Lanes in which a message is in flight and that have no row. The index holds only attempts without an outcome: as many as there
/// were connections.
pub(super) const FLIGHTS: &str =
    "SELECT m.sender, m.class, coalesce(m.lane_of, m.customer), s.seq FROM standing s INDEXED BY standing_open
     JOIN message m ON m.seq = s.seq WHERE s.progress = 'started' AND s.phase = 'in_flight' AND NOT EXISTS
     (SELECT 1 FROM lane l WHERE l.sender = m.sender AND l.class = m.class AND l.customer = coalesce(m.lane_of, m.customer))";

impl SqliteRows<'_> {
    /// Writes what was put off until the end of the group.
    pub(crate) fn flush(&self) -> rusqlite::Result<()> {
        let Some(cache) = self.cache else { return Ok(()) };
        for (sender, kept) in cache.counters.borrow_mut().iter_mut().filter(|(_, kept)| kept.dirty) {
            let mut statement =
                self.connection.prepare_cached("UPDATE sender_counter SET position = ?2, waiting = ?3 WHERE sender = ?1")?;
            statement.execute(params![sender.to_bytes(), int(kept.value.position), int(kept.value.waiting)])?;
            kept.dirty = false;
        }
        for (business, kept) in cache.streams.borrow_mut().iter_mut().filter(|(_, kept)| kept.dirty) {
            let mut statement = self.connection.prepare_cached(
                "INSERT INTO event_counter (business, position, dropped, at) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (business) DO UPDATE SET position = ?2, dropped = ?3, at = ?4",
            )?;
            let Stream { position, dropped, at } = kept.value;
            statement.execute(params![business.to_bytes(), int(position), int(dropped), at.as_millis()])?;
            kept.dirty = false;
        }
        for (app, kept) in cache.heard_of.borrow_mut().iter_mut().filter(|(_, kept)| kept.dirty) {
            let mut statement =
                self.connection.prepare_cached("INSERT OR REPLACE INTO app_heard (app, started_at) VALUES (?1, ?2)")?;
            statement.execute(params![app, kept.value.as_millis()])?;
            kept.dirty = false;
        }
        let execute = |sql| self.connection.prepare_cached(sql);
        tally::flush(
            cache,
            |values| execute(tally::ADD)?.execute(values).map(drop),
            |values| execute(tally::ADD_FAILURES)?.execute(values).map(drop),
        )?;
        self.flush_arrivals()?;
        cache.trim();
        Ok(())
    }

    pub(super) fn counters_of(&self, sender: SenderId) -> Result<Option<Counters>> {
        if let Some(known) = self.cache.and_then(|cache| cache.counters.borrow().get(&sender).map(|kept| kept.value)) {
            return Ok(Some(known));
        }
        let found =
            self.one("SELECT business, position, waiting FROM sender_counter WHERE sender = ?1", [sender.to_bytes()], |row| {
                let business = BusinessId::from_bytes(get_id(row, 0)?);
                Ok(Counters { business, position: get_count(row, 1)?, waiting: get_count(row, 2)? })
            })?;
        if let (Some(cache), Some(value)) = (self.cache, found) {
            cache.counters.borrow_mut().insert(sender, Written { value, dirty: false });
        }
        Ok(found)
    }

    pub(super) fn put_counters(&self, sender: SenderId, value: Counters) -> Result<()> {
        let cache = self.cache()?;
        cache.counters.borrow_mut().insert(sender, Written { value, dirty: true });
        cache.changed();
        Ok(())
    }

    pub(super) fn stream(&self, business: BusinessId) -> Result<Stream> {
        if let Some(known) = self.cache.and_then(|cache| cache.streams.borrow().get(&business).map(|kept| kept.value)) {
            return Ok(known);
        }
        let found =
            self.one("SELECT position, dropped, at FROM event_counter WHERE business = ?1", [business.to_bytes()], |row| {
                Ok(Stream { position: get_count(row, 0)?, dropped: get_count(row, 1)?, at: get_time(row, 2)? })
            })?;
        let value = found.unwrap_or_default();
        if let Some(cache) = self.cache {
            cache.streams.borrow_mut().insert(business, Written { value, dirty: false });
        }
        Ok(value)
    }

    pub(super) fn put_stream(&self, business: BusinessId, value: Stream) -> Result<()> {
        let cache = self.cache()?;
        cache.streams.borrow_mut().insert(business, Written { value, dirty: true });
        cache.changed();
        Ok(())
    }
}

impl Flights for SqliteRows<'_> {
    /// One writer for all.
    fn flights_of(&self, _key: &LaneKey) -> Result<Option<BusinessId>> {
        Ok(None)
    }

    fn read_flights(&self, _of: Option<BusinessId>) -> Result<Vec<(LaneKey, Seq)>> {
        self.finish_states()?;
        self.all(FLIGHTS, params![], |row| Ok((lane_key(row)?, get(row, 3)?)))
    }
}
