//! Tallies. What a group of moves adds is remembered by the writer and written once per row.

use super::params;

use std::collections::BTreeMap;

use transom_domain::error_code::ErrorCode;
use transom_domain::id::{BusinessId, SenderId};
use transom_domain::time::Timestamp;

use super::{Row, Sql, Value, bound, get, get_count, get_id, get_time, get_word};
use crate::cache::Cache;
use crate::rows::{Change, FailureKey, Result, TallyKey, TallyRows, Width};
use crate::{Failing, TallyStep};

/// Adds to a row.
pub(crate) const ADD: &str =
    "INSERT INTO tally (business, width, at, sender, received, accepted, sent, delivered, read, failed, cancelled)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
     ON CONFLICT (business, width, at, sender) DO UPDATE SET received = tally.received + excluded.received,
         accepted = tally.accepted + excluded.accepted, sent = tally.sent + excluded.sent,
         delivered = tally.delivered + excluded.delivered, read = tally.read + excluded.read,
         failed = tally.failed + excluded.failed, cancelled = tally.cancelled + excluded.cancelled";
/// Counts failures.
pub(crate) const ADD_FAILURES: &str =
    "INSERT INTO tally_failure (business, hour, sender, code, upstream, messages, last_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
     ON CONFLICT (business, hour, sender, code, upstream) DO UPDATE SET messages = tally_failure.messages + excluded.messages,
         last_at = CASE WHEN excluded.last_at > tally_failure.last_at THEN excluded.last_at ELSE tally_failure.last_at END";
/// The sums of a range by step.
pub(crate) const SUMS: &str = "SELECT at / ?4 * ?4 AS begins, CAST(sum(received) AS BIGINT), CAST(sum(accepted) AS BIGINT),
         CAST(sum(sent) AS BIGINT), CAST(sum(delivered) AS BIGINT), CAST(sum(read) AS BIGINT), CAST(sum(failed) AS BIGINT),
         CAST(sum(cancelled) AS BIGINT)
     FROM tally WHERE business = ?1 AND width = ?2 AND at >= ?3 AND at < ?5 AND sender >= ?6 AND sender <= ?7
     GROUP BY begins ORDER BY begins LIMIT ?8";
/// The failures of a range.
pub(crate) const FAILURES: &str = "SELECT sender, code, upstream, CAST(sum(messages) AS BIGINT) AS messages, max(last_at)
     FROM tally_failure WHERE business = ?1 AND hour >= ?2 AND hour < ?3 AND sender >= ?4 AND sender <= ?5
     GROUP BY sender, code, upstream ORDER BY 4 DESC, sender, code, upstream LIMIT ?6";
/// The oldest rows of a width.
pub(crate) const OLD: &str = "SELECT at, sender, received, accepted, sent, delivered, read, failed, cancelled FROM tally
     WHERE business = ?1 AND width = ?2 AND at < ?3 ORDER BY at, sender LIMIT ?4";
/// The oldest counts of failures.
pub(crate) const OLD_FAILURES: &str = "SELECT hour, sender, code, upstream FROM tally_failure
     WHERE business = ?1 AND hour < ?2 ORDER BY hour, sender, code, upstream LIMIT ?3";

/// What one writer has yet to write of tallies.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    pub(crate) tallies: BTreeMap<TallyKey, Change>,
    pub(crate) failures: BTreeMap<FailureKey, (i64, Timestamp)>,
}

fn change(row: &dyn Row, first: usize) -> Result<Change> {
    let mut counts = [0; 7];
    for (place, count) in counts.iter_mut().enumerate() {
        *count = get(row, first + place)?;
    }
    Ok(Change(counts))
}

/// The first and the last sender that is meant.
fn senders(sender: Option<SenderId>) -> ([u8; 16], [u8; 16]) {
    match sender {
        Some(one) => (one.to_bytes(), one.to_bytes()),
        None => ([0; 16], [0xFF; 16]),
    }
}

/// Gives what was put off until the end of the group to those who write it, with [`ADD`] and with [`ADD_FAILURES`].
pub(crate) fn flush<E>(
    cache: &Cache,
    mut add: impl FnMut([Value<'_>; 11]) -> std::result::Result<(), E>,
    mut add_failures: impl FnMut([Value<'_>; 7]) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    let Pending { tallies, failures } = cache.pending.take();
    for (key, Change([received, accepted, sent, delivered, read, failed, cancelled])) in tallies {
        let TallyKey { business, width, at, sender } = key;
        add(params![
            business.to_bytes(),
            width.minutes(),
            at,
            sender.to_bytes(),
            received,
            accepted,
            sent,
            delivered,
            read,
            failed,
            cancelled
        ])?;
    }
    for (key, (messages, last_at)) in failures {
        let FailureKey { business, hour, sender, code, upstream } = key;
        let last_at = last_at.as_millis();
        add_failures(params![business.to_bytes(), hour, sender.to_bytes(), code.as_str(), upstream, messages, last_at])?;
    }
    Ok(())
}

impl<S: Sql> TallyRows for S {
    fn add_tally(&mut self, key: TallyKey, change: Change) -> Result<()> {
        self.enter(key.business)?;
        let cache = self.cache()?;
        cache.pending.borrow_mut().tallies.entry(key).or_default().add(change);
        cache.changed();
        Ok(())
    }

    fn add_failure(&mut self, key: FailureKey, at: Timestamp) -> Result<()> {
        self.enter(key.business)?;
        let cache = self.cache()?;
        let mut pending = cache.pending.borrow_mut();
        let (count, last) = pending.failures.entry(key).or_insert((0, at));
        (*count, *last) = (*count + 1, (*last).max(at));
        cache.changed();
        Ok(())
    }

    fn tallies(
        &self,
        business: BusinessId,
        (from, to): (i64, i64),
        step: TallyStep,
        sender: Option<SenderId>,
        limit: usize,
    ) -> Result<Vec<(i64, Change)>> {
        let wide = step.span().as_millis() / 60_000;
        let (first, last) = senders(sender);
        let widths: &[Width] = if step == TallyStep::Minute { &[Width::Minute] } else { &[Width::Minute, Width::Hour] };
        let mut sums: BTreeMap<i64, Change> = BTreeMap::new();
        for width in widths {
            let found = self.all(
                SUMS,
                params![business.to_bytes(), width.minutes(), from, wide, to, first, last, bound(limit)],
                |row| Ok((get::<i64>(row, 0)?, change(row, 1)?)),
            )?;
            for (at, more) in found {
                sums.entry(at).or_default().add(more);
            }
        }
        Ok(sums.into_iter().take(limit).collect())
    }

    fn failures(
        &self,
        business: BusinessId,
        (from, to): (i64, i64),
        sender: Option<SenderId>,
        limit: usize,
    ) -> Result<Vec<Failing>> {
        let (first, last) = senders(sender);
        self.all(FAILURES, params![business.to_bytes(), from, to, first, last, bound(limit)], |row| {
            let upstream: i64 = get(row, 2)?;
            Ok(Failing {
                sender: SenderId::from_bytes(get_id(row, 0)?),
                code: get_word(row, 1, ErrorCode::named)?,
                upstream: (upstream >= 0).then_some(upstream),
                messages: get_count(row, 3)?,
                last_at: get_time(row, 4)?,
            })
        })
    }

    fn old_tallies(&self, business: BusinessId, width: Width, before: i64, limit: usize) -> Result<Vec<(TallyKey, Change)>> {
        self.enter(business)?;
        self.all(OLD, params![business.to_bytes(), width.minutes(), before, bound(limit)], |row| {
            let key = TallyKey { business, width, at: get(row, 0)?, sender: SenderId::from_bytes(get_id(row, 1)?) };
            Ok((key, change(row, 2)?))
        })
    }

    fn drop_tally(&mut self, key: TallyKey) -> Result<()> {
        let TallyKey { business, width, at, sender } = key;
        self.put(
            "DELETE FROM tally WHERE business = ?1 AND width = ?2 AND at = ?3 AND sender = ?4",
            params![business.to_bytes(), width.minutes(), at, sender.to_bytes()],
        )
    }

    fn drop_failures(&mut self, business: BusinessId, before: i64, limit: usize) -> Result<usize> {
        self.enter(business)?;
        let old = self.all(OLD_FAILURES, params![business.to_bytes(), before, bound(limit)], |row| {
            Ok((get::<i64>(row, 0)?, get_id(row, 1)?, get::<String>(row, 2)?, get::<i64>(row, 3)?))
        })?;
        for (hour, sender, code, upstream) in &old {
            self.put(
                "DELETE FROM tally_failure WHERE business = ?1 AND hour = ?2 AND sender = ?3 AND code = ?4 AND upstream = ?5",
                params![business.to_bytes(), hour, sender, code, upstream],
            )?;
        }
        Ok(old.len())
    }
}
