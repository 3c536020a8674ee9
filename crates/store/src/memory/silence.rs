//! Walks along the messages, in memory.

use std::ops::Bound;

use transom_domain::id::{BusinessId, SenderId};
use transom_domain::status::Phase;

use super::table::MemoryRows;
use crate::Silence;
use crate::rows::{Aged, Passed, Result, Seq, SilenceRows, Walk};

impl SilenceRows for MemoryRows {
    fn walked_to(&self, walk: Walk, business: BusinessId) -> Result<Seq> {
        Ok(self.walks.get(&(walk, business)).copied().unwrap_or(0))
    }

    fn put_walked_to(&mut self, walk: Walk, business: BusinessId, seq: Seq) -> Result<()> {
        self.walks.put((walk, business), seq);
        Ok(())
    }

    fn messages_of_after(&self, business: BusinessId, after: Seq, limit: usize) -> Result<Vec<Aged>> {
        let later = self.messages.range((Bound::Excluded(after), Bound::Unbounded));
        let aged = later.filter(|(_, (brief, _))| brief.business == business).filter_map(|(seq, (brief, _))| {
            let phase = &self.standings.get(seq)?.phase;
            let over = !matches!(phase, Phase::Queued { .. } | Phase::InFlight | Phase::Unknown { .. });
            Some(Aged { seq: *seq, id: brief.id, business: brief.business, accepted_at: brief.accepted_at, over })
        });
        Ok(aged.take(limit).collect())
    }

    fn passed_after(&self, business: BusinessId, after: Seq, limit: usize) -> Result<Vec<Passed>> {
        let later = self.messages.range((Bound::Excluded(after), Bound::Unbounded));
        let passed = later.filter(|(_, (brief, _))| brief.business == business).filter_map(|(seq, (brief, whole))| {
            let standing = self.standings.get(seq)?;
            let last = self.attempts.range((*seq, 0)..=(*seq, u32::MAX)).next_back();
            Some(Passed {
                seq: *seq,
                sender: brief.sender,
                accepted_at: brief.accepted_at,
                started_at: last.map(|(_, row)| row.attempt.started_at),
                handed: standing.phase == Phase::Handed,
                status: standing.status,
                category: whole.verdict.as_ref().and_then(|verdict| verdict.category),
            })
        });
        Ok(passed.take(limit).collect())
    }

    fn add_silence(&mut self, sender: SenderId, day: i64, count: Silence) -> Result<()> {
        let mut sum = self.silences.get(&(sender, day)).copied().unwrap_or_default();
        sum += count;
        self.silences.put((sender, day), sum);
        Ok(())
    }

    fn silence(&self, sender: SenderId, since: i64) -> Result<Silence> {
        let mut sum = Silence::default();
        for (_, count) in self.silences.range((sender, since)..=(sender, i64::MAX)) {
            sum += *count;
        }
        Ok(sum)
    }

    fn drop_silence(&mut self, _business: BusinessId, before: i64) -> Result<()> {
        self.silences.drop_where(usize::MAX, |(_, day), _| *day < before);
        Ok(())
    }
}
