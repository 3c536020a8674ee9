//! Who holds what: taking, giving back, and the look that every commit of a holder takes first.

use transom_domain::holding::{ReplicaId, Thing};
use transom_domain::id::BusinessId;
use transom_domain::time::{Span, Timestamp};

use super::unknown;
use crate::contract::{Enrol, GivenBack, HOLDINGS_MAX, Holding, REPLICAS_KEEP, Replica, Take, Taken};
use crate::rows::{Result, Rows};

/// Whether `owner` may act for a thing: it holds it, or nobody ever has. Costs nothing where a store serves one process alone.
pub(crate) fn holds(rows: &dyn Rows, business: BusinessId, thing: Thing, owner: u64) -> Result<bool> {
    Ok(!rows.is_shared() || rows.holding(Some(business), thing)?.is_none_or(|held| held.by == ReplicaId(owner)))
}

/// See [`crate::Replicas::enrol`].
pub(crate) fn enrol(rows: &mut dyn Rows, replica: &Enrol) -> Result<()> {
    for known in rows.replicas()? {
        if known.left.as_millis() <= -REPLICAS_KEEP.as_millis() {
            rows.drop_replica(known.id)?;
        }
    }
    rows.add_replica(replica)
}

/// See [`crate::Replicas::renew`].
pub(crate) fn renew(rows: &mut dyn Rows, id: ReplicaId, lease: Span, draining: bool) -> Result<Option<Vec<Replica>>> {
    if rows.renew_replica(id, lease, draining)? { rows.replicas().map(Some) } else { Ok(None) }
}

fn is_live(rows: &dyn Rows, id: ReplicaId) -> Result<bool> {
    Ok(rows.replica(id)?.is_some_and(|replica| replica.left > Span::ZERO))
}

/// See [`crate::Replicas::take`].
pub(crate) fn take(rows: &mut dyn Rows, take: &Take) -> Result<Vec<Taken>> {
    let mut taken = Vec::new();
    if !is_live(rows, take.by)? {
        return Ok(taken);
    }
    for thing in take.things.iter().take(HOLDINGS_MAX) {
        let held = rows.holding(take.business, *thing)?;
        if let Some(held) = &held
            && held.by != take.by
            && is_live(rows, held.by)?
        {
            continue;
        }
        let (first, rests_until) = (held.is_none(), held.and_then(|held| held.rests_until));
        let holding = Holding { business: take.business, thing: *thing, by: take.by, since: Timestamp::EPOCH, rests_until };
        rows.put_holding(&holding)?;
        let left_behind = match thing {
            Thing::Sender(sender) => unknown::recover_sender(rows, *sender, take.by.0, take.now, take.unknown_until)?,
            Thing::Endpoint(_) | Thing::Duty(_) => 0,
        };
        taken.push(Taken { thing: *thing, first, rests_until, left_behind });
    }
    Ok(taken)
}

/// See [`crate::Replicas::give_back`].
pub(crate) fn give_back(rows: &mut dyn Rows, by: ReplicaId, business: Option<BusinessId>, things: &[GivenBack]) -> Result<()> {
    for given in things.iter().take(HOLDINGS_MAX) {
        let Some(held) = rows.holding(business, given.thing)?.filter(|held| held.by == by) else { continue };
        if given.gone {
            rows.drop_holding(business, given.thing)?;
        } else {
            rows.put_holding(&Holding { by: ReplicaId::NOBODY, rests_until: given.rests_until, ..held })?;
        }
    }
    Ok(())
}
