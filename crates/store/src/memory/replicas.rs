//! Who is there and who holds what, in memory: for trials of many replicas, over a clock that they are given.

use std::fmt;
use std::sync::Arc;

use transom_domain::holding::{ReplicaId, Thing};
use transom_domain::id::{BusinessId, SenderId};
use transom_domain::status::Progress;
use transom_domain::time::{Span, Timestamp};

use super::table::MemoryRows;
use crate::rows::{ReplicaRows, Result, Seq};
use crate::{Alike, Enrol, Holding, Replica, StoreError};

/// The clock of a store that many replicas share.
#[derive(Clone)]
pub(super) struct StoreClock(pub(super) Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl fmt::Debug for StoreClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreClock")
    }
}

/// A replica's row.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    address: String,
    started_at: Timestamp,
    until: Timestamp,
    draining: bool,
    lease: Span,
    alike: Alike,
}

impl MemoryRows {
    fn time(&self) -> Result<Timestamp> {
        let alone = || StoreError::Unavailable("this store serves one process alone: nothing in it is held".to_owned());
        self.clock.as_ref().map(|clock| (clock.0)()).ok_or_else(alone)
    }

    fn shown(id: ReplicaId, kept: &Kept, now: Timestamp) -> Replica {
        let Kept { address, started_at, until, draining, lease, alike } = kept.clone();
        Replica { id, address, started_at, left: until.since(now), draining, lease, alike }
    }
}

impl ReplicaRows for MemoryRows {
    fn is_shared(&self) -> bool {
        self.clock.is_some()
    }

    fn add_replica(&mut self, replica: &Enrol) -> Result<()> {
        let now = self.time()?;
        let Enrol { id: _, address, lease, alike } = replica.clone();
        let kept = Kept { address, started_at: now, until: now.plus(lease), draining: false, lease, alike };
        self.replicas.put(replica.id, kept);
        Ok(())
    }

    fn renew_replica(&mut self, id: ReplicaId, lease: Span, draining: bool) -> Result<bool> {
        let now = self.time()?;
        let Some(kept) = self.replicas.get(&id).filter(|kept| kept.until > now).cloned() else { return Ok(false) };
        self.replicas.put(id, Kept { until: now.plus(lease), draining, ..kept });
        Ok(true)
    }

    fn replica(&self, id: ReplicaId) -> Result<Option<Replica>> {
        let now = self.time()?;
        Ok(self.replicas.get(&id).map(|kept| Self::shown(id, kept, now)))
    }

    fn replicas(&self) -> Result<Vec<Replica>> {
        let now = self.time()?;
        let mut all: Vec<Replica> = self.replicas.iter().map(|(id, kept)| Self::shown(*id, kept, now)).collect();
        all.sort_by_key(|replica| (replica.started_at, replica.id));
        Ok(all)
    }

    fn drop_replica(&mut self, id: ReplicaId) -> Result<()> {
        self.replicas.drop(&id);
        Ok(())
    }

    fn holding(&self, business: Option<BusinessId>, thing: Thing) -> Result<Option<Holding>> {
        Ok(self.holdings.get(&(business, thing)).cloned())
    }

    fn holdings(&self) -> Result<Vec<Holding>> {
        Ok(self.holdings.values().cloned().collect())
    }

    fn put_holding(&mut self, holding: &Holding) -> Result<()> {
        let since = self.time()?;
        self.holdings.put((holding.business, holding.thing), Holding { since, ..holding.clone() });
        Ok(())
    }

    fn drop_holding(&mut self, business: Option<BusinessId>, thing: Thing) -> Result<()> {
        self.holdings.drop(&(business, thing));
        Ok(())
    }

    fn left_behind_at(&self, sender: SenderId, owner: u64, limit: usize) -> Result<Vec<(Seq, u32)>> {
        let of = |seq: &Seq| self.messages.get(seq).is_some_and(|(brief, _)| brief.sender == sender);
        let open = self.attempts.iter().filter(|(_, row)| row.owner != owner && row.attempt.progress == Progress::Started);
        Ok(open.map(|(key, _)| *key).filter(|(seq, _)| of(seq)).take(limit).collect())
    }

    fn versions(&self) -> Result<Vec<(BusinessId, u64)>> {
        Ok(self.event_counters.iter().map(|(business, (position, ..))| (*business, *position)).collect())
    }
}
