//! What many replicas on one store may rely on: for engines that are shared, beside all other promises.

use std::sync::Arc;

use transom_domain::endpoint::Health;
use transom_domain::holding::{Duty, ReplicaId, Thing};
use transom_domain::id::EndpointId;
use transom_domain::message::Class;
use transom_domain::status::{Phase, Status};
use transom_domain::time::{Span, Timestamp};

use super::desk::{DESK, Desk, OWNER, SHOP};
use super::{Broken, Factory, Outcome, hold, same};
use crate::{
    Accepted, Alike, AtOnce, Claim, Endpoint, Enrol, GivenBack, Registration, RelayRound, Role, Store, StoreError, Take, Taken,
    Topic,
};

const ONE: ReplicaId = ReplicaId(OWNER);
const OTHER: ReplicaId = ReplicaId(OWNER + 7);
const LONG: Span = Span::minutes(10);
const SENDER: Thing = Thing::Sender(DESK);

fn alike() -> Alike {
    Alike { key: "a1b2".to_owned(), media: "the folder /var/lib/transom/media".to_owned() }
}

async fn enrol(store: &dyn Store, id: ReplicaId, lease: Span) -> Result<(), Broken> {
    Ok(store.enrol(Enrol { id, address: format!("http://replica-{id}"), lease, alike: alike() }).await?)
}

async fn take(desk: &Desk, by: ReplicaId, thing: Thing) -> Result<Vec<Taken>, Broken> {
    let business = (!matches!(thing, Thing::Duty(_))).then_some(SHOP);
    let (now, unknown_until) = (desk.now, desk.now.plus(Span::minutes(10)));
    Ok(desk.store.take(Take { by, business, things: vec![thing], now, unknown_until }).await?)
}

async fn give_back(desk: &Desk, by: ReplicaId, rests_until: Option<Timestamp>) -> Result<(), Broken> {
    let given = GivenBack { thing: SENDER, rests_until, gone: false };
    Ok(desk.store.give_back(by, Some(SHOP), vec![given]).await?)
}

/// Waits for the store's clock to pass the end of a lease of a millisecond.
async fn over(store: &Arc<dyn Store>, id: ReplicaId) -> Result<(), Broken> {
    loop {
        let all = store.replicas().await?;
        match all.iter().find(|replica| replica.id == id) {
            Some(replica) if replica.left > Span::ZERO => {}
            Some(_) => return Ok(()),
            None => return Err(Broken(format!("replica {id} is gone"))),
        }
    }
}

pub(crate) async fn a_lease_that_is_over_is_not_renewed(factory: &dyn Factory) -> Outcome {
    let desk = Desk::new(factory).await?;
    hold!(desk.store.is_shared());
    hold!(desk.store.renew(ONE, LONG, false).await?.is_none());
    enrol(&*desk.store, ONE, LONG).await?;
    let all = desk.store.renew(ONE, LONG, true).await?.unwrap_or_default();
    same!(all.iter().map(|one| (one.id, one.draining, one.left > Span::minutes(9))).collect::<Vec<_>>(), vec![(ONE, true, true)]);
    same!(all.iter().map(|one| (one.lease, one.alike.clone())).collect::<Vec<_>>(), vec![(LONG, alike())]);
    enrol(&*desk.store, OTHER, Span::millis(1)).await?;
    over(&desk.store, OTHER).await?;
    hold!(desk.store.renew(OTHER, LONG, false).await?.is_none());
    // Nor does one whose lease is over take anything.
    same!(take(&desk, OTHER, SENDER).await?, vec![]);
    desk.store.leave(ONE).await?;
    hold!(desk.store.renew(ONE, LONG, false).await?.is_none());
    Ok(())
}

pub(crate) async fn what_is_held_is_taken_when_it_is_free(factory: &dyn Factory) -> Outcome {
    let desk = Desk::new(factory).await?;
    enrol(&*desk.store, ONE, LONG).await?;
    enrol(&*desk.store, OTHER, LONG).await?;
    for thing in [SENDER, Thing::Duty(Duty::Sweeping)] {
        same!(take(&desk, ONE, thing).await?.len(), 1);
        same!(take(&desk, OTHER, thing).await?, vec![]);
    }
    let mut held: Vec<_> = desk.store.holdings().await?.into_iter().map(|held| (held.business, held.thing, held.by)).collect();
    held.sort_unstable();
    same!(held, vec![(None, Thing::Duty(Duty::Sweeping), ONE), (Some(SHOP), SENDER, ONE)]);
    // Who does not hold it gives nothing back.
    give_back(&desk, OTHER, None).await?;
    same!(take(&desk, OTHER, SENDER).await?, vec![]);
    let rest = Some(desk.now.plus(Span::secs(9)));
    give_back(&desk, ONE, rest).await?;
    same!(take(&desk, OTHER, SENDER).await?, vec![Taken { thing: SENDER, first: false, rests_until: rest, left_behind: 0 }]);
    // What there is no more leaves no trace.
    desk.store.give_back(OTHER, Some(SHOP), vec![GivenBack { thing: SENDER, rests_until: None, gone: true }]).await?;
    hold!(desk.store.holdings().await?.iter().all(|held| held.thing != SENDER));
    // One that left without a word holds nothing.
    desk.store.leave(ONE).await?;
    same!(take(&desk, OTHER, Thing::Duty(Duty::Sweeping)).await?.len(), 1);
    Ok(())
}

pub(crate) async fn who_does_not_hold_a_sender_begins_nothing_of_it(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    enrol(&*desk.store, ONE, LONG).await?;
    enrol(&*desk.store, OTHER, LONG).await?;
    take(&desk, ONE, SENDER).await?;
    let first = desk.send("+4915112345678").await?;
    let as_other = Claim { owner: OTHER.0, ..desk.claiming(9) };
    same!(desk.store.claim(as_other).await.err(), Some(StoreError::NotHeld));
    // Accepted through a replica that does not hold the sender, it waits.
    let mut accept = desk.text("+4915187654321")?;
    accept.at_once = Some(AtOnce { owner: OTHER.0, ..desk.at_once() });
    let second = accept.id;
    match desk.store.accept(accept).await? {
        Accepted::Stored { claimed: None, .. } => {}
        other => return Err(Broken(format!("it was not queued: {other:?}"))),
    }
    same!(desk.started().await?, vec![first, second]);
    // Given back, nobody claims until it is taken.
    desk.answer(first, 1, "wamid.1").await?;
    let third = desk.send("+4915112345678").await?;
    give_back(&desk, ONE, None).await?;
    same!(desk.store.claim(desk.claiming(9)).await.err(), Some(StoreError::NotHeld));
    let taken = take(&desk, OTHER, SENDER).await?;
    same!(taken.iter().map(|taken| taken.left_behind).collect::<Vec<_>>(), vec![1]);
    hold!(matches!(desk.message(second).await?.phase, Phase::Unknown { .. }));
    let claims = desk.store.claim(as_other).await?;
    same!(claims.claimed.iter().map(|claimed| claimed.message.id).collect::<Vec<_>>(), vec![third]);
    // What whoever began an attempt learned of it counts, late as it is.
    desk.answer(second, 1, "wamid.2").await?;
    same!((desk.message(second).await?.phase, desk.shows(second).await?), (Phase::Handed, Status::Sending));
    Ok(())
}

pub(crate) async fn what_a_replica_leaves_behind_is_taken_once_its_lease_is_over(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    enrol(&*desk.store, ONE, Span::millis(1)).await?;
    over(&desk.store, ONE).await?;
    enrol(&*desk.store, OTHER, LONG).await?;
    same!(take(&desk, OTHER, SENDER).await?.len(), 1);
    let mut marketing = desk.text("+4915112345678")?;
    marketing.class = Class::Marketing;
    desk.accept(marketing).await?;
    // It wakes up: its lease is over, and what it would do is refused.
    hold!(desk.store.renew(ONE, LONG, false).await?.is_none());
    same!(desk.store.claim(desk.claiming(9)).await.err(), Some(StoreError::NotHeld));
    Ok(())
}

pub(crate) async fn who_does_not_hold_an_endpoint_records_nothing_of_it(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let id = EndpointId(77);
    let registration = Registration { topic: Topic::Messages, kind: "custom".to_owned(), echo: false };
    let endpoint = Endpoint {
        id,
        business: SHOP,
        role: Role::Published(registration),
        address: "https://shop.example/hook".to_owned(),
        filter: transom_domain::event::Selection::default(),
        begins: 0,
        cursor: 0,
        health: Health::default(),
        created_at: desk.now,
    };
    desk.store.put_endpoint(endpoint).await?;
    enrol(&*desk.store, ONE, LONG).await?;
    enrol(&*desk.store, OTHER, LONG).await?;
    same!(take(&desk, ONE, Thing::Endpoint(id)).await?.len(), 1);
    desk.send("+4915112345678").await?;
    let round = |by: ReplicaId| RelayRound {
        by: by.0,
        endpoint: id,
        cursor: 1,
        waiting: Vec::new(),
        over: Vec::new(),
        replay: None,
        news: Vec::new(),
        known: Health::default(),
        health: Health::default(),
        now: desk.now,
    };
    same!(desk.store.relay_settle(round(OTHER)).await.err(), Some(StoreError::NotHeld));
    same!(desk.store.endpoint(SHOP, id).await?.map(|endpoint| endpoint.cursor), Some(0));
    desk.store.relay_settle(round(ONE)).await?;
    same!(desk.store.endpoint(SHOP, id).await?.map(|endpoint| endpoint.cursor), Some(1));
    Ok(())
}
