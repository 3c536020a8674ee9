//! Lanes, waiting messages, counters.

use super::params;

use transom_domain::id::{BusinessId, ContentId, SenderId};
use transom_domain::message::Class;
use transom_domain::time::Timestamp;

use super::{Sql, SqliteRows, bound, get, get_count, get_time, get_time_if, int, millis};
use crate::StoreError;
use crate::cache::Counters;
use crate::rows::{Lane, LaneKey, QueueRows, Result, Seq, Wait};
use crate::sql::flights::Flights;
use crate::sql::queue::{lane_key, wait};

impl QueueRows for SqliteRows<'_> {
    fn open_counters(&mut self, sender: SenderId, business: BusinessId) -> Result<()> {
        self.run(
            "INSERT OR IGNORE INTO sender_counter (sender, business, position, waiting) VALUES (?1, ?2, 0, 0)",
            [sender.to_bytes(), business.to_bytes()],
        )?;
        Ok(())
    }

    fn counters(&self, sender: SenderId) -> Result<Option<(BusinessId, u64)>> {
        Ok(self.counters_of(sender)?.map(|known| (known.business, known.waiting)))
    }

    fn next_position(&mut self, sender: SenderId, waits: bool) -> Result<u64> {
        let known = self.counters_of(sender)?;
        let mut next = known.ok_or_else(|| StoreError::Corrupt(format!("sender {sender}: has no counters")))?;
        next.position += 1;
        next.waiting += u64::from(waits);
        self.put_counters(sender, next)?;
        Ok(next.position)
    }

    fn count_waiting(&mut self, sender: SenderId, by: i64) -> Result<()> {
        match self.counters_of(sender)? {
            Some(known) => self.put_counters(sender, Counters { waiting: known.waiting.saturating_add_signed(by), ..known }),
            None => Ok(()),
        }
    }

    fn oldest_wait(&self, sender: SenderId) -> Result<Option<Timestamp>> {
        self.one("SELECT accepted_at FROM wait WHERE sender = ?1 ORDER BY position LIMIT 1", [sender.to_bytes()], |row| {
            get_time(row, "accepted_at")
        })
    }

    fn lane(&self, key: &LaneKey) -> Result<Option<Lane>> {
        if let Some(flight) = self.flight(key)? {
            return Ok(Some(Lane { flight: Some(flight), due: None, head: 0 }));
        }
        self.one(
            "SELECT flight, due, head FROM lane WHERE sender = ?1 AND class = ?2 AND customer = ?3",
            params![key.sender.to_bytes(), key.class.rank(), key.customer.to_bytes()],
            |row| Ok(Lane { flight: get(row, "flight")?, due: get_time_if(row, "due")?, head: get_count(row, "head")? }),
        )
    }

    fn put_lane(&mut self, key: &LaneKey, lane: &Lane) -> Result<()> {
        self.end_flight(key)?;
        self.run(
            "INSERT INTO lane (sender, class, customer, flight, due, head) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (sender, class, customer) DO UPDATE SET flight = ?4, due = ?5, head = ?6",
            params![
                key.sender.to_bytes(),
                key.class.rank(),
                key.customer.to_bytes(),
                lane.flight,
                millis(lane.due),
                int(lane.head)
            ],
        )?;
        Ok(())
    }

    fn drop_lane(&mut self, key: &LaneKey) -> Result<()> {
        if self.end_flight(key)? {
            return Ok(());
        }
        self.run(
            "DELETE FROM lane WHERE sender = ?1 AND class = ?2 AND customer = ?3",
            params![key.sender.to_bytes(), key.class.rank(), key.customer.to_bytes()],
        )?;
        Ok(())
    }

    fn fly(&mut self, key: &LaneKey, seq: Seq, _position: u64) -> Result<()> {
        self.begin_flight(key, seq)
    }

    fn land(&mut self, key: &LaneKey, seq: Seq) -> Result<bool> {
        self.end_flight_of(key, seq)
    }

    fn seat(&mut self, key: &LaneKey) -> Result<()> {
        self.seat_flight(key)
    }

    fn due_lanes(&self, sender: SenderId, class: Class, now: Timestamp, limit: usize) -> Result<Vec<LaneKey>> {
        self.all(DUE_LANES, params![sender.to_bytes(), class.rank(), now.as_millis(), bound(limit)], lane_key)
    }

    fn first_due(&self, sender: SenderId, class: Class) -> Result<Option<Timestamp>> {
        self.one(FIRST_DUE, params![sender.to_bytes(), class.rank()], |row| get_time(row, "due"))
    }

    fn put_wait(&mut self, wait: &Wait) -> Result<()> {
        self.run(
            "INSERT INTO wait (sender, position, class, customer, seq, not_before, aside, expires_at, accepted_at, content)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
             ON CONFLICT (sender, position) DO UPDATE SET not_before = ?6, aside = ?7",
            params![
                wait.lane.sender.to_bytes(),
                int(wait.position),
                wait.lane.class.rank(),
                wait.lane.customer.to_bytes(),
                wait.seq,
                wait.not_before.as_millis(),
                wait.aside,
                millis(wait.expires_at),
                wait.accepted_at.as_millis(),
                wait.content.map(ContentId::to_bytes)
            ],
        )?;
        Ok(())
    }

    fn drop_wait(&mut self, sender: SenderId, position: u64) -> Result<()> {
        self.run("DELETE FROM wait WHERE sender = ?1 AND position = ?2", params![sender.to_bytes(), int(position)])?;
        Ok(())
    }

    fn first_wait(&self, key: &LaneKey) -> Result<Option<Wait>> {
        self.one(FIRST_WAIT, params![key.sender.to_bytes(), key.class.rank(), key.customer.to_bytes()], wait)
    }

    fn first_aside(&self, key: &LaneKey) -> Result<Option<Wait>> {
        self.one(FIRST_ASIDE, params![key.sender.to_bytes(), key.class.rank(), key.customer.to_bytes()], wait)
    }

    fn due_asides(&self, key: &LaneKey, now: Timestamp, limit: usize) -> Result<Vec<Wait>> {
        self.all(
            DUE_ASIDES,
            params![key.sender.to_bytes(), key.class.rank(), key.customer.to_bytes(), now.as_millis(), bound(limit)],
            wait,
        )
    }

    fn waits_in(&self, key: &LaneKey, limit: usize) -> Result<Vec<Wait>> {
        let of =
            |sql| self.all(sql, params![key.sender.to_bytes(), key.class.rank(), key.customer.to_bytes(), bound(limit)], wait);
        let mut all = of(IN_LANE)?;
        all.extend(of(ASIDE_IN_LANE)?);
        all.sort_by_key(|wait| wait.position);
        Ok(all)
    }

    fn past_validity(&self, now: Timestamp, limit: usize) -> Result<Vec<Wait>> {
        self.all(PAST_VALIDITY, params![now.as_millis(), bound(limit)], wait)
    }

    fn next_validity(&self, now: Timestamp) -> Result<Option<Timestamp>> {
        self.one(NEXT_VALIDITY, [now.as_millis()], |row| get_time(row, "expires_at"))
    }

    fn waits_with(&self, _business: BusinessId, content: ContentId) -> Result<bool> {
        Ok(self.one(WAITS_WITH, [content.to_bytes()], |_| Ok(()))?.is_some())
    }
}

// The statements of a claim. What an index is for, it must answer whole: a test reads their query plans.

/// Lanes of one class that are due.
pub(super) const DUE_LANES: &str = "SELECT sender, class, customer FROM lane WHERE sender = ?1 AND class = ?2 AND due <= ?3
     ORDER BY due, head LIMIT ?4";
/// When the first lane is due.
pub(super) const FIRST_DUE: &str =
    "SELECT due FROM lane WHERE sender = ?1 AND class = ?2 AND due IS NOT NULL ORDER BY due LIMIT 1";
/// The head of a lane. The index is named because the order by position would otherwise be taken from the primary key, and all that
/// waits of the sender be walked through.
pub(super) const FIRST_WAIT: &str = "SELECT sender, class, customer, position, seq, not_before, aside, expires_at, accepted_at, content FROM wait INDEXED BY wait_lane WHERE sender = ?1 AND class = ?2 AND customer = ?3 AND aside = 0 ORDER BY position LIMIT 1";
/// The first that comes back of those put aside.
pub(super) const FIRST_ASIDE: &str = "SELECT sender, class, customer, position, seq, not_before, aside, expires_at, accepted_at, content FROM wait INDEXED BY wait_aside WHERE sender = ?1 AND class = ?2 AND customer = ?3 AND aside = 1
     ORDER BY not_before, position LIMIT 1";
/// Those put aside whose time has come.
pub(super) const DUE_ASIDES: &str = "SELECT sender, class, customer, position, seq, not_before, aside, expires_at, accepted_at, content FROM wait INDEXED BY wait_aside WHERE sender = ?1 AND class = ?2 AND customer = ?3 AND aside = 1
     AND not_before <= ?4 ORDER BY not_before, position LIMIT ?5";
/// All of a lane that are not put aside.
pub(super) const IN_LANE: &str = "SELECT sender, class, customer, position, seq, not_before, aside, expires_at, accepted_at, content FROM wait INDEXED BY wait_lane WHERE sender = ?1 AND class = ?2 AND customer = ?3 AND aside = 0 ORDER BY position LIMIT ?4";
/// All of a lane that are.
pub(super) const ASIDE_IN_LANE: &str = "SELECT sender, class, customer, position, seq, not_before, aside, expires_at, accepted_at, content FROM wait INDEXED BY wait_aside WHERE sender = ?1 AND class = ?2 AND customer = ?3 AND aside = 1
     ORDER BY not_before, position LIMIT ?4";
/// Those past their validity.
pub(super) const PAST_VALIDITY: &str = "SELECT sender, class, customer, position, seq, not_before, aside, expires_at, accepted_at, content FROM wait WHERE expires_at <= ?1 ORDER BY expires_at, sender, position LIMIT ?2";
/// When the next validity ends.
pub(super) const NEXT_VALIDITY: &str = "SELECT expires_at FROM wait WHERE expires_at > ?1 ORDER BY expires_at LIMIT 1";
/// Whether a message waits that was sent from a content.
pub(super) const WAITS_WITH: &str = "SELECT 1 FROM wait WHERE content = ?1 LIMIT 1";
