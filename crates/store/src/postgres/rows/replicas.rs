//! Who is there, and who holds what. Leases run on the server's clock.

use transom_domain::holding::{ReplicaId, Thing};
use transom_domain::id::{BusinessId, SenderId};
use transom_domain::time::Span;

use super::{PgRows, Row, Sql as _, bound, get, get_count, get_id, get_small, get_time, get_time_if, millis, params};
use crate::rows::{ReplicaRows, Result, Seq};
use crate::{Alike, Enrol, Holding, Replica};

/// A replica, with what is left of its lease.
pub(super) const REPLICA: &str =
    "SELECT id, address, started_at, until - (extract(epoch FROM clock_timestamp()) * 1000)::bigint, draining, lease, key, media
     FROM replica WHERE id = $1";
/// All of them.
pub(super) const REPLICAS: &str =
    "SELECT id, address, started_at, until - (extract(epoch FROM clock_timestamp()) * 1000)::bigint, draining, lease, key, media
     FROM replica ORDER BY started_at, id";
/// Who holds a thing.
pub(super) const HOLDING: &str =
    "SELECT business, kind, thing, held_by, since, rests_until FROM holding WHERE business = $1 AND kind = $2 AND thing = $3";
/// Attempts that are open at a sender, of which there are as many as connections to Meta at most.
pub(super) const LEFT_BEHIND_AT: &str = "SELECT standing.seq, standing.number FROM standing
     JOIN message ON message.business = standing.business AND message.seq = standing.seq
     WHERE standing.business = $1 AND standing.progress = 'started' AND standing.owner <> $2 AND message.sender = $3
     ORDER BY standing.seq, standing.number LIMIT $4";

/// Under which business what is the house's own is held.
fn key_of(business: Option<BusinessId>) -> [u8; 16] {
    business.map_or([0; 16], BusinessId::to_bytes)
}

fn replica(row: &dyn Row) -> Result<Replica> {
    Ok(Replica {
        // Any 64 bits: kept as the signed number with the same bits.
        id: ReplicaId(get::<i64>(row, 0)?.cast_unsigned()),
        address: get(row, 1)?,
        started_at: get_time(row, 2)?,
        left: Span::millis(get(row, 3)?),
        draining: get(row, 4)?,
        lease: Span::millis(get(row, 5)?),
        alike: Alike { key: get(row, 6)?, media: get(row, 7)? },
    })
}

/// None of a kind that a newer version of this program has.
fn holding(row: &dyn Row) -> Result<Option<Holding>> {
    let business = get_id(row, 0)?;
    let Some(thing) = Thing::named(&get::<String>(row, 1)?, get_id(row, 2)?) else { return Ok(None) };
    Ok(Some(Holding {
        business: (business != [0; 16]).then(|| BusinessId::from_bytes(business)),
        thing,
        by: ReplicaId(get::<i64>(row, 3)?.cast_unsigned()),
        since: get_time(row, 4)?,
        rests_until: get_time_if(row, 5)?,
    }))
}

impl ReplicaRows for PgRows<'_> {
    fn is_shared(&self) -> bool {
        true
    }

    fn add_replica(&mut self, replica: &Enrol) -> Result<()> {
        self.run(
            "INSERT INTO replica (id, address, started_at, until, draining, lease, key, media)
             VALUES ($1, $2, (extract(epoch FROM clock_timestamp()) * 1000)::bigint,
                 (extract(epoch FROM clock_timestamp()) * 1000)::bigint + $3, 0, $3, $4, $5)",
            params![
                replica.id.0.cast_signed(),
                replica.address,
                replica.lease.as_millis(),
                replica.alike.key,
                replica.alike.media
            ],
        )?;
        Ok(())
    }

    fn renew_replica(&mut self, id: ReplicaId, lease: Span, draining: bool) -> Result<bool> {
        let renewed = self.run(
            // The time at which it was asked, not the one at which it is done: Citus takes no other in a change, and a lease that
            // counts from earlier ends no later than its holder thinks.
            "UPDATE replica SET until = (extract(epoch FROM statement_timestamp()) * 1000)::bigint + $2, draining = $3
             WHERE id = $1 AND until > (extract(epoch FROM statement_timestamp()) * 1000)::bigint",
            params![id.0.cast_signed(), lease.as_millis(), i64::from(draining)],
        )?;
        Ok(renewed > 0)
    }

    fn replica(&self, id: ReplicaId) -> Result<Option<Replica>> {
        self.one(REPLICA, [id.0.cast_signed()], replica)
    }

    fn replicas(&self) -> Result<Vec<Replica>> {
        self.all(REPLICAS, params![], replica)
    }

    fn drop_replica(&mut self, id: ReplicaId) -> Result<()> {
        self.put("DELETE FROM replica WHERE id = $1", [id.0.cast_signed()])
    }

    fn holding(&self, business: Option<BusinessId>, thing: Thing) -> Result<Option<Holding>> {
        let key = (business, thing);
        if let Some(known) = self.cache.and_then(|cache| cache.holdings.borrow().get(&key).cloned()) {
            return Ok(known);
        }
        if let Some(business) = business {
            self.touch(business)?;
        }
        let found = self.one(HOLDING, params![key_of(business), thing.kind(), thing.key()], holding)?.flatten();
        if let Some(cache) = self.cache.filter(|_| business.is_some()) {
            cache.holdings.borrow_mut().insert(key, found.clone());
        }
        Ok(found)
    }

    fn holdings(&self) -> Result<Vec<Holding>> {
        let all = self.all("SELECT business, kind, thing, held_by, since, rests_until FROM holding", params![], holding)?;
        Ok(all.into_iter().flatten().collect())
    }

    fn put_holding(&mut self, holding: &Holding) -> Result<()> {
        let Holding { business, thing, by, since: _, rests_until } = holding;
        if let Some(business) = business {
            self.touch(*business)?;
        }
        self.put(
            "INSERT INTO holding (business, kind, thing, held_by, since, rests_until)
             VALUES ($1, $2, $3, $4, (extract(epoch FROM clock_timestamp()) * 1000)::bigint, $5)
             ON CONFLICT (business, kind, thing) DO UPDATE
                 SET held_by = excluded.held_by, since = excluded.since, rests_until = excluded.rests_until",
            params![key_of(*business), thing.kind(), thing.key(), by.0.cast_signed(), millis(*rests_until)],
        )?;
        self.cache()?.holdings.borrow_mut().remove(&(*business, *thing));
        Ok(())
    }

    fn drop_holding(&mut self, business: Option<BusinessId>, thing: Thing) -> Result<()> {
        if let Some(business) = business {
            self.touch(business)?;
        }
        self.put(
            "DELETE FROM holding WHERE business = $1 AND kind = $2 AND thing = $3",
            params![key_of(business), thing.kind(), thing.key()],
        )?;
        self.cache()?.holdings.borrow_mut().remove(&(business, thing));
        Ok(())
    }

    fn left_behind_at(&self, sender: SenderId, owner: u64, limit: usize) -> Result<Vec<(Seq, u32)>> {
        self.finish_states()?;
        let business = self.of_sender(sender)?;
        self.all(LEFT_BEHIND_AT, params![business, owner.cast_signed(), sender.to_bytes(), bound(limit)], |row| {
            Ok((get(row, 0)?, get_small(row, 1)?))
        })
    }

    fn versions(&self) -> Result<Vec<(BusinessId, u64)>> {
        self.all("SELECT business, version FROM turn", params![], |row| {
            Ok((BusinessId::from_bytes(get_id(row, 0)?), get_count(row, 1)?))
        })
    }
}
