//! Turns, and what changes with every message and is written once per group: counters of senders and streams.
//!
//! Whoever writes anything of a business holds its row in `turn`, so that what two writers can race on is decided one after the other.
//! Read committed is then enough: each statement sees what was committed before it, and after the turn is taken nobody else commits
//! anything of that business. What was read before the turn was taken may be out of date: such a transaction is made again, with the
//! turns taken first (see [`Held::late`]).

use transom_domain::id::{BusinessId, EndpointId, SenderId};
use transom_domain::time::Timestamp;

use super::{Held, PgRows, Row, Sql, get, get_count, get_id, get_time, int, params};
use crate::StoreError;
use crate::cache::{Counters, Stream, Written};
use crate::rows::{LaneKey, Result, Seq};
use crate::sql::flights::Flights;
use crate::sql::queue::lane_key;
use crate::sql::tally;

/// How many numbers a business has, in bits: the rest of a message's number says whose it is.
pub(crate) const NUMBERS: u32 = 40;

/// One business's turn.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Turn {
    ordinal: i64,
    /// How often anything of it was committed.
    pub(crate) version: i64,
    numbers: i64,
    stream: Stream,
}

const TAKE: &str = "SELECT ordinal, version, numbers, position, dropped, at FROM turn WHERE business = $1 FOR UPDATE";
const NEXT_ORDINAL: &str = "UPDATE ordinals SET last = last + 1 WHERE one = 1 RETURNING last";
const NEW_TURN: &str = "INSERT INTO turn (business, ordinal, version, numbers, position, dropped, at)
     VALUES ($1, $2, 0, 0, 0, 0, 0) ON CONFLICT (business) DO NOTHING";

fn turn(row: &dyn Row) -> Result<Turn> {
    let stream = Stream { position: get_count(row, 3)?, dropped: get_count(row, 4)?, at: get_time(row, 5)? };
    Ok(Turn { ordinal: get(row, 0)?, version: get(row, 1)?, numbers: get(row, 2)?, stream })
}

/// Lanes of a business in which a message is in flight and that have no row. The index holds only attempts without an outcome: as many
/// as there are connections.
pub(super) const FLIGHTS: &str = "SELECT m.sender, m.class, coalesce(m.lane_of, m.customer), s.seq
     FROM standing s JOIN message m ON m.business = s.business AND m.seq = s.seq
     WHERE s.business = $1 AND s.progress = 'started' AND s.phase = 'in_flight' AND NOT EXISTS
     (SELECT 1 FROM lane l WHERE l.business = s.business AND l.sender = m.sender AND l.class = m.class
      AND l.customer = coalesce(m.lane_of, m.customer))";

impl Flights for PgRows<'_> {
    fn flights_of(&self, key: &LaneKey) -> Result<Option<BusinessId>> {
        self.of_sender(key.sender).map(|of| Some(BusinessId::from_bytes(of)))
    }

    fn read_flights(&self, of: Option<BusinessId>) -> Result<Vec<(LaneKey, Seq)>> {
        self.finish_states()?;
        let of = of.map_or([0; 16], BusinessId::to_bytes);
        self.all(FLIGHTS, [of], |row| Ok((lane_key(row)?, get(row, 3)?)))
    }
}

impl PgRows<'_> {
    /// Takes a business's turn, and waits for it if another has it.
    pub(crate) fn take_turn(&self, held: &Held, business: BusinessId) -> Result<Turn> {
        let key = business.to_bytes();
        let mut taken = self.one(TAKE, [key], turn)?;
        if taken.is_none() {
            let ordinal = self.one(NEXT_ORDINAL, params![], |row| get::<i64>(row, 0))?;
            let ordinal = ordinal.ok_or_else(|| StoreError::Corrupt("ordinals: its row is gone".to_owned()))?;
            self.run(NEW_TURN, params![key, ordinal])?;
            taken = self.one(TAKE, [key], turn)?;
        }
        let taken = taken.ok_or_else(|| StoreError::Corrupt(format!("turn of {business}: is gone")))?;
        held.turns.borrow_mut().insert(business, taken);
        Ok(taken)
    }

    /// A writer is about to do something with this business.
    pub(super) fn touch(&self, business: BusinessId) -> Result<()> {
        let Some(held) = self.held else { return Ok(()) };
        if !held.turns.borrow().contains_key(&business) {
            held.late.set(true);
            self.take_turn(held, business)?;
        }
        Ok(())
    }

    fn with_turn<T>(&self, business: BusinessId, with: impl FnOnce(&mut Turn) -> T) -> Result<T> {
        let held = self.held.ok_or_else(|| StoreError::Unavailable("this connection only reads".to_owned()))?;
        self.touch(business)?;
        let mut turns = held.turns.borrow_mut();
        turns.get_mut(&business).map(with).ok_or_else(|| StoreError::Corrupt(format!("turn of {business}: is gone")))
    }

    /// The next number of a business. That of a message says whose it is.
    pub(super) fn next_number(&self, business: BusinessId) -> Result<Seq> {
        self.with_turn(business, |turn| {
            turn.numbers += 1;
            (turn.ordinal << NUMBERS) | turn.numbers
        })
    }

    /// Whose a message is; nobody's, which no row is, where it is not known.
    pub(super) fn of(&self, seq: Seq) -> Result<[u8; 16]> {
        let ordinal = seq >> NUMBERS;
        // One that was given out in this very transaction may yet be undone: it is not to be remembered.
        let mine = self.held.and_then(|held| {
            let turns = held.turns.borrow();
            turns.iter().find(|(_, turn)| turn.ordinal == ordinal).map(|(business, _)| business.to_bytes())
        });
        if let Some(mine) = mine {
            return Ok(mine);
        }
        let found = self
            .session
            .directory
            .business(ordinal, || self.one("SELECT business FROM turn WHERE ordinal = $1", [ordinal], |row| get_id(row, 0)))?;
        self.whose(found)
    }

    /// Whose a sender is.
    pub(crate) fn of_sender(&self, sender: SenderId) -> Result<[u8; 16]> {
        let id = sender.to_bytes();
        let found = self
            .session
            .directory
            .sender(id, || self.one("SELECT business FROM sender WHERE id = $1", [id], |row| get_id(row, 0)))?;
        self.whose(found)
    }

    /// Whose an endpoint is.
    pub(crate) fn of_endpoint(&self, endpoint: EndpointId) -> Result<[u8; 16]> {
        let id = endpoint.to_bytes();
        let found = self
            .session
            .directory
            .endpoint(id, || self.one("SELECT business FROM endpoint_of WHERE id = $1", [id], |row| get_id(row, 0)))?;
        self.whose(found)
    }

    fn whose(&self, found: Option<[u8; 16]>) -> Result<[u8; 16]> {
        let Some(business) = found else { return Ok([0; 16]) };
        self.touch(BusinessId::from_bytes(business))?;
        Ok(business)
    }

    /// After the commit: what was bound and turned out to be bound before is not remembered.
    pub(crate) fn confirm(&self) {
        let (Some(cache), Some(held)) = (self.cache, self.held) else { return };
        for (key, ticket) in held.bound.take() {
            if self.session.changed(ticket) == Some(0) {
                cache.provided.borrow_mut().take(&key);
            }
        }
    }

    /// Writes what was put off until the end of the group.
    pub(crate) fn flush(&self) -> Result<()> {
        let (Some(cache), Some(held)) = (self.cache, self.held) else { return Ok(()) };
        self.finish_states()?;
        for (sender, kept) in cache.counters.borrow_mut().iter_mut().filter(|(_, kept)| kept.dirty) {
            self.put(
                "UPDATE sender_counter SET position = $3, waiting = $4 WHERE business = $1 AND sender = $2",
                params![kept.value.business.to_bytes(), sender.to_bytes(), int(kept.value.position), int(kept.value.waiting)],
            )?;
            kept.dirty = false;
        }
        for (app, kept) in cache.heard_of.borrow_mut().iter_mut().filter(|(_, kept)| kept.dirty) {
            let business = held.turns.borrow().keys().next().map_or([0; 16], |business| business.to_bytes());
            self.put(
                "INSERT INTO app_heard (business, app, started_at) VALUES ($1, $2, $3)
                 ON CONFLICT (business, app) DO UPDATE SET started_at = excluded.started_at",
                params![business, app, kept.value.as_millis()],
            )?;
            kept.dirty = false;
        }
        tally::flush(cache, |values| self.put(tally::ADD, values), |values| self.put(tally::ADD_FAILURES, values))?;
        self.flush_arrivals()?;
        for (business, turn) in held.turns.borrow_mut().iter_mut() {
            turn.version += 1;
            let Stream { position, dropped, at } = turn.stream;
            self.put(
                "UPDATE turn SET version = $2, numbers = $3, position = $4, dropped = $5, at = $6 WHERE business = $1",
                params![business.to_bytes(), turn.version, turn.numbers, int(position), int(dropped), at.as_millis()],
            )?;
        }
        cache.trim();
        Ok(())
    }

    pub(super) fn counters_of(&self, sender: SenderId) -> Result<Option<Counters>> {
        if let Some(known) = self.cache.and_then(|cache| cache.counters.borrow().get(&sender).map(|kept| kept.value)) {
            return Ok(Some(known));
        }
        let of = self.of_sender(sender)?;
        let found = self.one(
            "SELECT position, waiting FROM sender_counter WHERE business = $1 AND sender = $2",
            [of, sender.to_bytes()],
            |row| {
                let business = BusinessId::from_bytes(of);
                Ok(Counters { business, position: get_count(row, 0)?, waiting: get_count(row, 1)? })
            },
        )?;
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
        if self.held.is_some() {
            return self.with_turn(business, |turn| turn.stream);
        }
        let found = self.one("SELECT position, dropped, at FROM turn WHERE business = $1", [business.to_bytes()], |row| {
            Ok(Stream { position: get_count(row, 0)?, dropped: get_count(row, 1)?, at: get_time(row, 2)? })
        })?;
        Ok(found.unwrap_or(Stream { position: 0, dropped: 0, at: Timestamp::EPOCH }))
    }

    pub(super) fn put_stream(&self, business: BusinessId, value: Stream) -> Result<()> {
        self.cache()?.changed();
        self.with_turn(business, |turn| turn.stream = value)
    }
}
