//! Rows that have grown old.

use super::params;

use transom_domain::id::{BusinessId, EndpointId};
use transom_domain::time::Timestamp;

use super::{PgRows, Sql, bound, get, get_count, get_id, get_time, int};
use crate::rows::{Result, Seq, SweepRows};

/// Idempotency keys that are over.
pub(super) const OLD_KEPT: &str = "SELECT business, key FROM idempotency WHERE until <= $1 ORDER BY until LIMIT $2";
/// Orphans from before a moment.
pub(super) const OLD_ORPHANS: &str = "SELECT business, provider_id, status FROM orphan WHERE at < $1 ORDER BY at LIMIT $2";
/// The upstream's ids of what was taken out by hand.
pub(super) const LEFT_IDS: &str = "SELECT at, business, provider_id, seq FROM left_id WHERE at < $1 ORDER BY at LIMIT $2";
/// The streams, one by one.
pub(super) const NEXT_STREAM: &str = "SELECT business FROM turn WHERE business > $1 ORDER BY business LIMIT 1";
/// Events by age.
pub(super) const EVENT_AGES: &str =
    "SELECT position, at FROM event WHERE business = $1 AND position >= $2 ORDER BY position LIMIT $3";
/// The endpoints that have deliveries, one by one.
pub(super) const NEXT_OUTSTANDING: &str = "SELECT e.id FROM endpoint_of e WHERE e.id > $1 AND EXISTS
     (SELECT 1 FROM delivery d WHERE d.business = e.business AND d.endpoint = e.id) ORDER BY e.id LIMIT 1";
/// The oldest deliveries of an endpoint.
pub(super) const OLDEST_DELIVERIES: &str =
    "SELECT position FROM delivery WHERE business = $4 AND endpoint = $1 AND position < $2 ORDER BY position LIMIT $3";

/// Marks of groups that nobody looks for any more, by the server's own clock: their writers ended long ago, or have left newer ones.
const OLD_MARKS: &str =
    "SELECT business, writer FROM committed WHERE at < (extract(epoch FROM now()) * 1000)::bigint - 604800000 LIMIT $1";
/// One that was left anew meanwhile stays.
const DROP_OLD_MARK: &str = "DELETE FROM committed
     WHERE business = $1 AND writer = $2 AND at < (extract(epoch FROM now()) * 1000)::bigint - 604800000";

impl SweepRows for PgRows<'_> {
    fn sweep_kept(&mut self, now: Timestamp, limit: usize) -> Result<usize> {
        let old =
            self.all(OLD_KEPT, params![now.as_millis(), bound(limit)], |row| Ok((get_id(row, 0)?, get::<String>(row, 1)?)))?;
        for (business, key) in &old {
            self.put(
                "DELETE FROM idempotency WHERE business = $1 AND key = $2 AND until <= $3",
                params![business, key, now.as_millis()],
            )?;
        }
        if old.len() < limit {
            for (business, writer) in self.all(OLD_MARKS, [bound(limit)], |row| Ok((get_id(row, 0)?, get_id(row, 1)?)))? {
                self.put(DROP_OLD_MARK, [business, writer])?;
            }
        }
        Ok(old.len())
    }

    fn sweep_orphans(&mut self, before: Timestamp, limit: usize) -> Result<usize> {
        let old = self.all(OLD_ORPHANS, params![before.as_millis(), bound(limit)], |row| {
            Ok((get_id(row, 0)?, get::<String>(row, 1)?, get::<String>(row, 2)?))
        })?;
        for (business, id, status) in &old {
            self.put(
                "DELETE FROM orphan WHERE business = $1 AND provider_id = $2 AND status = $3 AND at < $4",
                params![business, id, status, before.as_millis()],
            )?;
        }
        Ok(old.len())
    }

    fn unbind(&mut self, business: BusinessId, provider_id: &str, seq: Seq) -> Result<usize> {
        self.touch(business)?;
        let key = (business, provider_id.to_owned());
        self.cache()?.provided.borrow_mut().take(&key);
        if let Some(held) = self.held {
            held.bound.borrow_mut().remove(&key);
        }
        self.run(
            "DELETE FROM provider WHERE business = $1 AND provider_id = $2 AND seq = $3",
            params![business.to_bytes(), provider_id, seq],
        )
    }

    fn put_left_id(&mut self, at: Timestamp, business: BusinessId, provider_id: &str, seq: Seq) -> Result<()> {
        self.put(
            "INSERT INTO left_id (at, business, provider_id, seq) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
            params![at.as_millis(), business.to_bytes(), provider_id, seq],
        )?;
        Ok(())
    }

    fn left_ids(&self, before: Timestamp, limit: usize) -> Result<Vec<(Timestamp, BusinessId, String, Seq)>> {
        self.all(LEFT_IDS, params![before.as_millis(), bound(limit)], |row| {
            Ok((get_time(row, 0)?, BusinessId::from_bytes(get_id(row, 1)?), get(row, 2)?, get(row, 3)?))
        })
    }

    fn drop_left_id(&mut self, at: Timestamp, business: BusinessId, provider_id: &str) -> Result<()> {
        self.put(
            "DELETE FROM left_id WHERE at = $1 AND business = $2 AND provider_id = $3",
            params![at.as_millis(), business.to_bytes(), provider_id],
        )?;
        Ok(())
    }

    fn next_stream(&self, after: Option<BusinessId>) -> Result<Option<BusinessId>> {
        // Every id is greater than no bytes.
        let after = after.map(BusinessId::to_bytes);
        let after = after.as_ref().map_or(&[][..], |bytes| bytes.as_slice());
        self.one(NEXT_STREAM, [after], |row| get_id(row, 0).map(BusinessId::from_bytes))
    }

    fn event_ages(&self, business: BusinessId, from: u64, limit: usize) -> Result<Vec<(u64, Timestamp)>> {
        self.all(EVENT_AGES, params![business.to_bytes(), int(from), bound(limit)], |row| {
            Ok((get_count(row, 0)?, get_time(row, 1)?))
        })
    }

    fn next_outstanding(&self, after: Option<EndpointId>) -> Result<Option<EndpointId>> {
        let after = after.map(EndpointId::to_bytes);
        let after = after.as_ref().map_or(&[][..], |bytes| bytes.as_slice());
        self.one(NEXT_OUTSTANDING, [after], |row| get_id(row, 0).map(EndpointId::from_bytes))
    }

    fn drop_deliveries(&mut self, endpoint: EndpointId, before: u64, limit: usize) -> Result<usize> {
        let (id, of) = (endpoint.to_bytes(), self.of_endpoint(endpoint)?);
        let oldest = self.all(OLDEST_DELIVERIES, params![id, int(before), bound(limit), of], |row| get_count(row, 0))?;
        for position in &oldest {
            self.put(
                "DELETE FROM delivery WHERE business = $3 AND endpoint = $1 AND position = $2",
                params![id, int(*position), of],
            )?;
        }
        Ok(oldest.len())
    }
}
