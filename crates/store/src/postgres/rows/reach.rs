//! Limits, and whom a business has written to without an open window.

use super::params;

use transom_domain::id::{BusinessId, CustomerId, SenderId};
use transom_domain::limits::NumberLimits;
use transom_domain::message::Class;

use super::{PgRows, Sql, bound, get, get_count, get_id, get_json, get_time, get_time_if, int, json, millis};
use crate::rows::{LaneKey, PARKED, ReachRows, Reached, Result};
use crate::sql::queue::lane_key;

impl ReachRows for PgRows<'_> {
    fn limits(&self, sender: SenderId) -> Result<Option<NumberLimits>> {
        self.one(
            "SELECT limits FROM number_limits WHERE business = $2 AND sender = $1",
            [sender.to_bytes(), self.of_sender(sender)?],
            |row| get_json(row, 0),
        )
    }

    fn put_limits(&mut self, sender: SenderId, limits: &NumberLimits) -> Result<()> {
        self.put(
            "INSERT INTO number_limits (business, sender, limits) VALUES ($3, $1, $2)
             ON CONFLICT (business, sender) DO UPDATE SET limits = excluded.limits",
            params![sender.to_bytes(), json(limits)?, self.of_sender(sender)?],
        )?;
        Ok(())
    }

    fn senders_of(&self, waba: &str) -> Result<Vec<SenderId>> {
        self.all("SELECT id FROM sender WHERE waba = $1 ORDER BY id", [waba], |row| get_id(row, 0).map(SenderId::from_bytes))
    }

    fn reached(&self, business: BusinessId, customer: CustomerId) -> Result<Option<Reached>> {
        self.one(
            "SELECT at, before FROM reached WHERE business = $1 AND customer = $2",
            [business.to_bytes(), customer.to_bytes()],
            |row| Ok(Reached { at: get_time(row, 0)?, before: get_time_if(row, 1)? }),
        )
    }

    fn put_reached(&mut self, business: BusinessId, customer: CustomerId, reached: Option<Reached>) -> Result<()> {
        let key = (business.to_bytes(), customer.to_bytes());
        match reached {
            Some(Reached { at, before }) => self.run(
                "INSERT INTO reached (business, customer, at, before) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (business, customer) DO UPDATE SET at = $3, before = $4",
                params![key.0, key.1, at.as_millis(), millis(before)],
            )?,
            None => self.run("DELETE FROM reached WHERE business = $1 AND customer = $2", params![key.0, key.1])?,
        };
        Ok(())
    }

    fn reach(&self, business: BusinessId) -> Result<u64> {
        let found =
            self.one("SELECT customers FROM reach WHERE business = $1", [business.to_bytes()], |row| get_count(row, 0))?;
        Ok(found.unwrap_or(0))
    }

    fn reach_since(&self, business: BusinessId, minute: i64) -> Result<u64> {
        let minutes = self.all(REACH_SINCE, params![business.to_bytes(), minute], |row| get_count(row, 0))?;
        Ok(minutes.into_iter().sum())
    }

    fn count_reached(&mut self, business: BusinessId, minute: i64, by: i64) -> Result<()> {
        self.put(
            "INSERT INTO reach_minute (business, minute, customers) VALUES ($1, $2, $3)
             ON CONFLICT (business, minute) DO UPDATE SET customers = reach_minute.customers + $3",
            params![business.to_bytes(), minute, by],
        )?;
        self.put(
            "INSERT INTO reach (business, customers) VALUES ($1, $2)
             ON CONFLICT (business) DO UPDATE SET customers = reach.customers + $2",
            params![business.to_bytes(), by],
        )?;
        Ok(())
    }

    fn forget_reached(&mut self, business: BusinessId, before: i64) -> Result<()> {
        let gone: Vec<i64> = self.all(
            "DELETE FROM reach_minute WHERE business = $1 AND minute < $2 RETURNING customers",
            params![business.to_bytes(), before],
            |row| get(row, 0),
        )?;
        let gone: i64 = gone.into_iter().sum();
        if gone != 0 {
            self.put("UPDATE reach SET customers = customers - $2 WHERE business = $1", params![business.to_bytes(), gone])?;
        }
        Ok(())
    }

    fn first_reached(&self, business: BusinessId, from: i64) -> Result<Option<i64>> {
        self.one(FIRST_REACHED, params![business.to_bytes(), from], |row| get(row, 0))
    }

    fn parked_lanes(&self, sender: SenderId, class: Class, limit: usize) -> Result<Vec<LaneKey>> {
        self.all(
            PARKED_LANES,
            params![sender.to_bytes(), class.rank(), PARKED.as_millis(), bound(limit), self.of_sender(sender)?],
            lane_key,
        )
    }

    fn waiting_of(&self, sender: SenderId, class: Class, most: u64) -> Result<u64> {
        let found =
            self.one(WAITING_OF, params![sender.to_bytes(), class.rank(), int(most), self.of_sender(sender)?], |row| {
                get_count(row, 0)
            })?;
        Ok(found.unwrap_or(0))
    }
}

/// The first minute in which anyone counts. Minutes in which nobody counts any more are few: they go with the next that are forgotten.
pub(super) const FIRST_REACHED: &str =
    "SELECT minute FROM reach_minute WHERE business = $1 AND minute >= $2 AND customers > 0 ORDER BY minute LIMIT 1";
/// How many count; a row per minute of a day at most.
pub(super) const REACH_SINCE: &str = "SELECT customers FROM reach_minute WHERE business = $1 AND minute >= $2";
/// Lanes that are parked.
pub(super) const PARKED_LANES: &str = "SELECT sender, class, customer FROM lane WHERE business = $5 AND sender = $1 AND class = $2 AND due = $3 ORDER BY head LIMIT $4";
/// How many of a class wait, no further than a bound.
pub(super) const WAITING_OF: &str = "SELECT (SELECT count(*) FROM (SELECT 1 FROM wait WHERE business = $4 AND sender = $1 AND class = $2 AND aside = 0 LIMIT $3) AS a)
     + (SELECT count(*) FROM (SELECT 1 FROM wait WHERE business = $4 AND sender = $1 AND class = $2 AND aside = 1 LIMIT $3) AS b)";
