//! Rows that only a restored store changes.

use super::params;

use transom_domain::id::{BusinessId, SenderId};
use transom_domain::message::WhenUnknown;

use super::{Sql, SqliteRows, bound, get, get_id, int};
use crate::cache::Stream;
use crate::rows::{RestoreRows, Result, Seq, Wait};
use crate::sql::queue::wait;

/// Those that wait, in the order of their key.
pub(super) const WAITS_AFTER: &str =
    "SELECT sender, class, customer, position, seq, not_before, aside, expires_at, accepted_at, content
     FROM wait WHERE (sender, position) > (?1, ?2) ORDER BY sender, position LIMIT ?3";
/// Unknown messages.
pub(super) const UNKNOWNS: &str =
    "SELECT seq FROM standing INDEXED BY standing_unknown WHERE phase = 'unknown' ORDER BY phase_at";

impl RestoreRows for SqliteRows<'_> {
    fn raise_streams(&mut self, by: u64) -> Result<()> {
        let all = self.all("SELECT id FROM business", params![], |row| get_id(row, 0).map(BusinessId::from_bytes))?;
        for business in all {
            let stream = self.stream(business)?;
            self.put_stream(business, Stream { position: stream.position + by, ..stream })?;
        }
        Ok(())
    }

    fn waits_after(&self, after: Option<(SenderId, u64)>, limit: usize) -> Result<Vec<Wait>> {
        // Every id is greater than no bytes.
        let (sender, position) = after.map(|(sender, position)| (sender.to_bytes(), position)).unzip();
        let sender = sender.as_ref().map_or(&[][..], |bytes| bytes.as_slice());
        self.all(WAITS_AFTER, params![sender, int(position.unwrap_or(0)), bound(limit)], wait)
    }

    fn unknowns(&self) -> Result<Vec<Seq>> {
        self.finish_states()?;
        self.all(UNKNOWNS, params![], |row| get(row, 0))
    }

    fn set_when_unknown(&mut self, seq: Seq, when: WhenUnknown) -> Result<()> {
        self.finish_states()?;
        self.forget_state(self.cache()?, seq);
        self.run("UPDATE message SET when_unknown = ?2 WHERE seq = ?1", params![seq, when.as_str()])?;
        Ok(())
    }
}
