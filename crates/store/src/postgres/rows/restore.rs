//! Rows that only a restored store changes.

use super::params;

use transom_domain::id::{BusinessId, SenderId};
use transom_domain::message::WhenUnknown;

use super::{PgRows, Sql, bound, get, get_id, int};
use crate::cache::Stream;
use crate::rows::{RestoreRows, Result, Seq, Wait};
use crate::sql::queue::wait;

/// Those of a sender that wait, in the order of their key.
pub(super) const WAITS_OF_AFTER: &str =
    "SELECT sender, class, customer, position, seq, not_before, aside, expires_at, accepted_at, content
     FROM wait WHERE business = $1 AND sender = $2 AND position > $3 ORDER BY position LIMIT $4";
/// Senders, one by one.
pub(super) const SENDER_FROM: &str = "SELECT id, business FROM sender WHERE id >= $1 ORDER BY id LIMIT 1";
/// Unknown messages.
pub(super) const UNKNOWNS: &str = "SELECT seq FROM standing WHERE phase = 'unknown' ORDER BY phase_at";

impl RestoreRows for PgRows<'_> {
    fn raise_streams(&mut self, by: u64) -> Result<()> {
        let all = self.all("SELECT id FROM business", params![], |row| get_id(row, 0).map(BusinessId::from_bytes))?;
        for business in all {
            let stream = self.stream(business)?;
            self.put_stream(business, Stream { position: stream.position + by, ..stream })?;
        }
        Ok(())
    }

    fn waits_after(&self, after: Option<(SenderId, u64)>, limit: usize) -> Result<Vec<Wait>> {
        let mut found = Vec::new();
        // Every id is greater than no bytes.
        let (mut from, mut position) = after.map_or((Vec::new(), 0), |(sender, at)| (sender.to_bytes().to_vec(), at));
        while found.len() < limit {
            let next = self.one(SENDER_FROM, params![from], |row| Ok((get_id(row, 0)?, get_id(row, 1)?)))?;
            let Some((sender, business)) = next else { break };
            // One that is gone meanwhile was not read any further than the one after it.
            let after = if sender[..] == from[..] { int(position) } else { 0 };
            found.extend(self.all(WAITS_OF_AFTER, params![business, sender, after, bound(limit - found.len())], wait)?);
            // The next id, in the order of bytes.
            from = [&sender[..], &[0]].concat();
            position = 0;
        }
        Ok(found)
    }

    fn unknowns(&self) -> Result<Vec<Seq>> {
        self.finish_states()?;
        self.all(UNKNOWNS, params![], |row| get(row, 0))
    }

    fn set_when_unknown(&mut self, seq: Seq, when: WhenUnknown) -> Result<()> {
        self.finish_states()?;
        self.forget_state(self.cache()?, seq);
        self.put(
            "UPDATE message SET when_unknown = $2 WHERE business = $3 AND seq = $1",
            params![seq, when.as_str(), self.of(seq)?],
        )?;
        Ok(())
    }
}
