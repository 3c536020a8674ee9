//! Sweeping: what is over goes in its time, slice by slice; what is not over stays.

use transom_domain::endpoint::Health;
use transom_domain::fact::{Fact, Reported};
use transom_domain::id::EndpointId;
use transom_domain::status::Status;
use transom_domain::time::Span;

use super::desk::{DESK, Desk, RIVAL, SHOP, business, person, sender};
use super::telling::{endpoint, waits, written};
use super::{Broken, Factory, Outcome, hold, same};
use crate::{CancelOutcome, Keep, RelayRound, SweepKind, SweepPoint, Swept, Topic};

const ANA: &str = "+4915112345678";
const BEN: &str = "+4915112345679";

/// A round in slices of about so many rows.
async fn slices(desk: &Desk, size: usize) -> Result<Vec<Swept>, Broken> {
    let (mut from, mut all) = (Some(SweepPoint::START), Vec::new());
    while let Some(point) = from {
        let swept = desk.store.sweep(Keep::default(), point, size, desk.now).await?;
        from = swept.next;
        all.push(swept);
    }
    Ok(all)
}

fn gone(slices: &[Swept], kind: SweepKind) -> usize {
    slices.iter().filter(|s| s.kind == kind).map(|s| s.rows).sum()
}

pub(super) async fn what_is_over_goes_and_what_is_not_stays(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let sent = desk.handed(ANA, "wamid.1").await?;
    let delivered = desk.status("wamid.1", Reported::Delivered, desk.now);
    desk.hear(vec![Fact::Status(delivered.clone())]).await?;
    let written = desk.inbound(person(ANA)?, "in.1", desk.now);
    let came = desk.hear(vec![written.clone()]).await?.messages;
    let mut later = desk.text(ANA)?;
    later.not_before = desk.now.plus(Span::days(200));
    let scheduled = desk.accept(later).await?;
    let lost = desk.send(ANA).await?;
    let claimed = desk.take().await?;
    desk.lose(lost, claimed.attempt, Span::days(200)).await?;

    desk.turn(Span::days(89));
    slices(&desk, 1).await?;
    same!(desk.shows(sent).await?, Status::Delivered);
    same!(desk.hear(vec![written]).await?.repeated, 1);
    desk.turn(Span::days(2));
    hold!(gone(&slices(&desk, 1).await?, SweepKind::Messages) > 5);
    for id in came.into_iter().chain([sent]) {
        same!(desk.store.message(SHOP, id).await?, None);
        same!(desk.store.timeline(SHOP, id).await?, crate::Timeline::default());
    }
    // Nothing is left by which it was recognised.
    same!(desk.hear(vec![Fact::Status(delivered)]).await?.orphans, 1);
    same!(desk.shows(scheduled).await?, Status::Accepted);
    same!(desk.shows(lost).await?, Status::Unknown);
    same!(desk.store.backlog(DESK).await?.waiting, 1);
    same!(gone(&slices(&desk, 512).await?, SweepKind::Messages), 0);
    Ok(())
}

pub(super) async fn what_was_taken_out_is_recognised_as_long(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let facts = [desk.inbound(person(ANA)?, "in.1", desk.now), desk.inbound(person(ANA)?, "in.2", desk.now)];
    let came = desk.hear(facts.to_vec()).await?.messages;
    same!(desk.store.redact(SHOP, came[0], desk.now).await?, CancelOutcome::Done);
    same!(desk.store.delete(SHOP, came[1], desk.now).await?, CancelOutcome::Done);
    desk.turn(Span::days(89));
    slices(&desk, 512).await?;
    same!(desk.hear(facts.to_vec()).await?.repeated, 2);
    desk.turn(Span::days(2));
    same!(gone(&slices(&desk, 512).await?, SweepKind::ProviderIds), 2);
    same!(desk.hear(facts.to_vec()).await?.repeated, 0);
    Ok(())
}

pub(super) async fn a_slice_is_bounded(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    desk.store.put_business(business(RIVAL)).await?;
    desk.store.put_sender(sender(22, RIVAL, "+33123456789")?).await?;
    for n in 0..30 {
        let who = if n % 2 == 0 { ANA } else { BEN };
        let fact = desk.inbound(person(who)?, &format!("in.{n}"), desk.now);
        desk.hear(vec![fact]).await?;
    }
    desk.turn(Span::days(100));
    let slices = slices(&desk, 8).await?;
    // A message that came in is three rows: itself, its standing, the upstream's id.
    hold!(slices.iter().all(|s| s.rows <= 8 + 3));
    same!(gone(&slices, SweepKind::Messages), 90);
    same!(gone(&slices, SweepKind::Journal), 30);
    hold!(gone(&slices, SweepKind::Events) >= 30);
    hold!(slices.len() > 20);
    let page = desk.store.events(SHOP, 0, 10).await?;
    same!((page.events.len(), page.earliest), (0, page.newest + 1));
    Ok(())
}

pub(super) async fn what_an_endpoint_leaves_behind_goes_in_slices(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    desk.store.put_endpoint(endpoint(1, Topic::Messages)).await?;
    desk.store.put_endpoint(endpoint(2, Topic::DeliveryStatus)).await?;
    let mut last = (0, None);
    let mut waiting = Vec::new();
    for _ in 0..20 {
        let (position, key) = written(&mut desk, ANA).await?;
        waiting.push(waits(position, Some(key), 1, desk.now, "500"));
        last = (position, Some(key));
    }
    let round = |endpoint: u128, waiting| RelayRound {
        endpoint: EndpointId(endpoint),
        cursor: last.0,
        waiting,
        over: Vec::new(),
        replay: None,
        health: Health::default(),
        now: desk.now,
    };
    desk.store.relay_settle(round(1, waiting)).await?;
    desk.store.relay_settle(round(2, vec![waits(last.0, last.1, 1, desk.now, "500")])).await?;
    hold!(desk.store.delete_endpoint(SHOP, EndpointId(1)).await?);
    // At once it has nothing to be told any more; the rows follow.
    same!(desk.store.relay_work(EndpointId(1), 0, desk.now, 10).await?.due.len(), 0);
    let slices = slices(&desk, 6).await?;
    hold!(slices.iter().all(|s| s.rows <= 6));
    same!(gone(&slices, SweepKind::Deliveries), 20);
    same!(desk.store.relay_work(EndpointId(2), 0, desk.now, 10).await?.due.len(), 1);
    Ok(())
}
