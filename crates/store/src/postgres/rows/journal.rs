//! The journal, in its own file.

use super::params;

use transom_domain::id::JournalId;
use transom_domain::time::Timestamp;

use super::{PgRows, Sql, bound, get, get_count, get_time, int};
use crate::JournalHead;
use crate::cache::{Stream, Written};
use crate::rows::{JournalRows, Of, Result};
use crate::sql::journal::{head, key, number, of_key};

/// The query of what [`head`] reads, in its order, with a condition.
macro_rules! select_head {
    ($which:literal) => {
        concat!("SELECT id, business, position, app, at, outcome, fields, note, length(raw), erased FROM entry ", $which)
    };
}

/// Entries of a business after a position.
pub(super) const HEADS_AFTER: &str = select_head!("WHERE business = $1 AND position > $2 ORDER BY position LIMIT $3");
/// Those of them that were not understood whole.
pub(super) const FLAGGED_AFTER: &str =
    select_head!("WHERE business = $1 AND position > $2 AND outcome > 0 ORDER BY position LIMIT $3");
/// Entries of a business in front of a position, newest first.
pub(super) const HEADS_BEFORE: &str = select_head!("WHERE business = $1 AND position < $2 ORDER BY position DESC LIMIT $3");
/// Those of them that were not understood whole.
pub(super) const FLAGGED_BEFORE: &str =
    select_head!("WHERE business = $1 AND position < $2 AND outcome > 0 ORDER BY position DESC LIMIT $3");
/// An entry by its name.
pub(super) const HEAD_BY_ID: &str = select_head!("WHERE id = $1");
/// The first entry from a position on.
pub(super) const ENTRY_FROM: &str =
    "SELECT position, at FROM entry WHERE business = $1 AND position >= $2 ORDER BY position LIMIT 1";
/// The bytes of an entry.
pub(super) const RAW: &str = "SELECT raw FROM entry WHERE business = $1 AND position = $2";

const STREAM: &str = "SELECT position, dropped, at FROM stream WHERE business = $1";
const HOLD_STREAM: &str = "SELECT position, dropped, at FROM stream WHERE business = $1 FOR UPDATE";
const NEW_STREAM: &str =
    "INSERT INTO stream (business, position, dropped, at) VALUES ($1, 0, 0, 0) ON CONFLICT (business) DO NOTHING";

impl PgRows<'_> {
    fn arrivals(&self, of: Of) -> Result<Stream> {
        if let Some(known) = self.cache.and_then(|cache| cache.arrivals.borrow().get(&of).map(|kept| kept.value)) {
            return Ok(known);
        }
        // Whoever writes holds the stream's row until the commit, as a business's turn.
        let sql = if self.cache.is_some() { HOLD_STREAM } else { STREAM };
        if self.cache.is_some() {
            self.put(NEW_STREAM, params![key(of)])?;
        }
        let found = self.one(sql, [key(of)], |row| {
            Ok(Stream { position: get_count(row, 0)?, dropped: get_count(row, 1)?, at: get_time(row, 2)? })
        })?;
        let value = found.unwrap_or_default();
        if let Some(cache) = self.cache {
            cache.arrivals.borrow_mut().insert(of, Written { value, dirty: false });
        }
        Ok(value)
    }

    fn put_arrivals(&self, of: Of, value: Stream) -> Result<()> {
        let cache = self.cache()?;
        cache.arrivals.borrow_mut().insert(of, Written { value, dirty: true });
        cache.changed();
        Ok(())
    }

    /// Writes the counters that were put off until the end of the group.
    pub(super) fn flush_arrivals(&self) -> Result<()> {
        let Some(cache) = self.cache else { return Ok(()) };
        for (of, kept) in cache.arrivals.borrow_mut().iter_mut().filter(|(_, kept)| kept.dirty) {
            let Stream { position, dropped, at } = kept.value;
            self.put(
                "UPDATE stream SET position = $2, dropped = $3, at = $4 WHERE business = $1",
                params![key(*of), int(position), int(dropped), at.as_millis()],
            )?;
            kept.dirty = false;
        }
        Ok(())
    }
}

impl JournalRows for PgRows<'_> {
    fn entry_bounds(&self, of: Of) -> Result<(u64, u64, Timestamp)> {
        self.arrivals(of).map(|Stream { position, dropped, at }| (position, dropped, at))
    }

    fn put_entry(&mut self, head: &JournalHead, raw: &[u8]) -> Result<()> {
        let known = self.arrivals(head.business)?;
        let new = self.run(
            "INSERT INTO entry (business, position, id, app, at, outcome, fields, note, erased, raw)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (business, id) DO NOTHING",
            params![
                key(head.business),
                int(head.position),
                head.id.to_bytes(),
                head.app,
                head.at.as_millis(),
                number(head.outcome),
                head.fields,
                head.note,
                head.erased,
                raw
            ],
        )?;
        if new > 0 {
            self.put_arrivals(head.business, Stream { position: head.position, at: head.at, ..known })?;
        }
        Ok(())
    }

    fn heads_after(&self, of: Of, after: u64, flagged: bool, limit: usize) -> Result<Vec<JournalHead>> {
        let sql = if flagged { FLAGGED_AFTER } else { HEADS_AFTER };
        self.all(sql, params![key(of), int(after), bound(limit)], head)
    }

    fn heads_before(&self, of: Of, before: u64, flagged: bool, limit: usize) -> Result<Vec<JournalHead>> {
        let sql = if flagged { FLAGGED_BEFORE } else { HEADS_BEFORE };
        self.all(sql, params![key(of), int(before), bound(limit)], head)
    }

    fn entry_from(&self, of: Of, position: u64) -> Result<Option<(u64, Timestamp)>> {
        self.one(ENTRY_FROM, params![key(of), int(position)], |row| Ok((get_count(row, 0)?, get_time(row, 1)?)))
    }

    fn raw(&self, of: Of, position: u64) -> Result<Vec<u8>> {
        Ok(self.one(RAW, params![key(of), int(position)], |row| get(row, 0))?.unwrap_or_default())
    }

    fn head_by_id(&self, id: JournalId) -> Result<Option<JournalHead>> {
        self.one(HEAD_BY_ID, [id.to_bytes()], head)
    }

    fn put_outcome(&mut self, head: &JournalHead) -> Result<()> {
        self.put(
            "UPDATE entry SET outcome = $3, note = $4 WHERE business = $1 AND position = $2",
            params![key(head.business), int(head.position), number(head.outcome), head.note],
        )?;
        Ok(())
    }

    fn blank(&mut self, of: Of, position: u64) -> Result<()> {
        self.put(
            "UPDATE entry SET raw = '', note = '', erased = 1 WHERE business = $1 AND position = $2",
            params![key(of), int(position)],
        )?;
        Ok(())
    }

    fn drop_entry(&mut self, of: Of, position: u64) -> Result<()> {
        self.put("DELETE FROM entry WHERE business = $1 AND position = $2", params![key(of), int(position)])?;
        let known = self.arrivals(of)?;
        self.put_arrivals(of, Stream { dropped: known.dropped.max(position), ..known })
    }

    fn raise_entries(&mut self, by: u64) -> Result<()> {
        let all = self.all("SELECT business FROM stream ORDER BY business", params![], |row| get::<Vec<u8>>(row, 0))?;
        for of in all {
            let of = of_key(&of);
            let known = self.arrivals(of)?;
            self.put_arrivals(of, Stream { position: known.position + by, ..known })?;
        }
        Ok(())
    }
}
