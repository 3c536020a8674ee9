//! Sweeping: what is over goes in its time, slice by slice; what is not over stays.

use transom_domain::endpoint::Health;
use transom_domain::fact::{Account, Fact, Reported};
use transom_domain::id::{EndpointId, SenderId};
use transom_domain::status::Status;
use transom_domain::template::Category;
use transom_domain::time::Span;

use super::desk::{DESK, Desk, OWNER, RIVAL, SHOP, business, person, sender};
use super::telling::{endpoint, waits, written};
use super::{Broken, Factory, Outcome, hold, same};
use crate::contract::After;
use crate::{CancelOutcome, HearBody, Keep, RelayRound, Silence, StoreError, SweepKind, SweepPoint, Swept, Topic, WalkPoint};

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

pub(super) async fn a_slice_takes_content_out_of_so_many_at_most(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    desk.store.put_business(business(RIVAL)).await?;
    desk.store.put_sender(sender(22, RIVAL, "+33123456789")?).await?;
    let mut came = Vec::new();
    for owner in [SHOP, RIVAL] {
        desk.store.change_settings(owner, std::sync::Arc::new(|settings| settings.retention.bodies = Some(5))).await?;
        for n in 0..6 {
            let fact = desk.inbound(person(ANA)?, &format!("in.{n}"), desk.now);
            let mut body = HearBody { business: owner, ..desk.body(vec![fact]) };
            if owner == RIVAL {
                for (sender, heard) in &mut body.heard {
                    (*sender, heard.account) = (Some(SenderId(22)), Account::PhoneNumber("account-22".to_owned()));
                }
            }
            came.extend(desk.store.hear(body).await?.messages.into_iter().map(|id| (owner, id)));
        }
    }
    same!(came.len(), 12);
    desk.turn(Span::days(6));
    let mut from = Some(SweepPoint { kind: SweepKind::Bodies, after: After::Nothing });
    let mut before = 0;
    while let Some(point) = from.filter(|point| point.kind == SweepKind::Bodies) {
        from = desk.store.sweep(Keep::default(), point, 8, desk.now).await?.next;
        let mut emptied = 0;
        for (owner, id) in &came {
            emptied += usize::from(desk.store.message(*owner, *id).await?.is_some_and(|message| message.redacted));
        }
        // However many businesses there are.
        hold!(emptied - before <= 8);
        before = emptied;
    }
    same!(before, 12);
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
        by: OWNER,
        endpoint: EndpointId(endpoint),
        cursor: last.0,
        waiting,
        over: Vec::new(),
        replay: None,
        news: Vec::new(),
        known: Health::default(),
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

pub(super) async fn each_business_keeps_contents_and_events_as_long_as_it_chose(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let change = |settings: &mut crate::BusinessSettings| {
        (settings.retention.bodies, settings.retention.events) = (Some(5), Some(3));
    };
    desk.store.change_settings(SHOP, std::sync::Arc::new(change)).await?;
    let sent = desk.handed(ANA, "wamid.1").await?;
    let written = desk.inbound(person(BEN)?, "in.1", desk.now);
    let came = desk.hear(vec![written.clone()]).await?.messages[0];
    desk.turn(Span::days(4));
    let later = desk.handed(BEN, "wamid.2").await?;
    slices(&desk, 2).await?;
    hold!(desk.message(came).await?.inbound.is_some());
    // Events have gone, and the stream says from where on it is whole.
    let page = desk.store.events(SHOP, 0, 100).await?;
    hold!(page.earliest > 1 && page.events.iter().all(|event| event.at == desk.now));
    desk.turn(Span::days(2));
    slices(&desk, 1).await?;
    for id in [sent, came] {
        let message = desk.message(id).await?;
        let shown = format!("{:?}", message.inbound);
        hold!(message.redacted && message.draft.is_none() && !shown.contains("hello"));
    }
    same!(desk.shows(sent).await?, Status::Sending);
    hold!(desk.message(later).await?.draft.is_some());
    // It is still recognised, and a status still joins it.
    same!(desk.hear(vec![written]).await?.repeated, 1);
    let delivered = desk.status("wamid.1", Reported::Delivered, desk.now);
    desk.hear(vec![Fact::Status(delivered)]).await?;
    same!(desk.shows(sent).await?, Status::Delivered);
    Ok(())
}

pub(super) async fn what_was_not_heard_is_counted_once(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let people: Vec<String> = (0..4).map(|n| format!("+491511234570{n}")).collect();
    for (n, who) in people.iter().enumerate() {
        let wamid = format!("wamid.{n}");
        desk.handed(who, &wamid).await?;
        // The first is delivered, the second only sent, of the others nothing is heard.
        for word in [Reported::Sent, Reported::Delivered].into_iter().take(2usize.saturating_sub(n)) {
            let status = desk.status(&wamid, word, desk.now);
            desk.hear(vec![Fact::Status(status)]).await?;
        }
    }
    let mut later = desk.text(ANA)?;
    later.not_before = desk.now.plus(Span::days(2));
    desk.accept(later).await?;
    let silence = async |desk: &Desk| {
        count_all(desk, 2).await?;
        desk.store.silence(DESK, desk.now).await
    };
    desk.turn(Span::hours(23));
    same!(silence(&desk).await?, Silence::default());
    desk.turn(Span::hours(2));
    let counted = Silence { messages: 4, unheard: 2, undelivered: 1, dropped: 0 };
    same!(silence(&desk).await?, counted);
    // Once, whatever is heard or looked at since.
    let late = desk.status("wamid.3", Reported::Delivered, desk.now);
    desk.hear(vec![Fact::Status(late)]).await?;
    same!(silence(&desk).await?, counted);
    desk.turn(Span::days(5));
    same!(silence(&desk).await?, counted);
    // Of those days nothing is shown any more, but what Meta has given up is.
    desk.turn(Span::days(26));
    silence(&desk).await?;
    same!(silence(&desk).await?, Silence { dropped: 2, ..Silence::default() });
    same!(desk.store.silence(DESK, desk.now.minus(Span::days(25))).await?, Silence { dropped: 2, ..counted });
    Ok(())
}

pub(super) async fn a_code_that_is_not_delivered_counts_as_dropped_within_a_day(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    for (n, delivered) in [(0, true), (1, false)] {
        let mut code = desk.text(&format!("+491511234570{n}"))?;
        code.verdict.category = Some(Category::Authentication);
        let id = desk.accept(code).await?;
        let claimed = desk.take().await?;
        let wamid = format!("wamid.{n}");
        desk.answer(id, claimed.attempt, &wamid).await?;
        let word = if delivered { Reported::Delivered } else { Reported::Sent };
        let status = desk.status(&wamid, word, desk.now);
        desk.hear(vec![Fact::Status(status)]).await?;
    }
    desk.turn(Span::hours(25));
    count_all(&desk, 9).await?;
    same!(desk.store.silence(DESK, desk.now).await?, Silence { messages: 2, unheard: 0, undelivered: 1, dropped: 1 });
    // Once: not again when all others are given up.
    desk.turn(Span::days(31));
    count_all(&desk, 9).await?;
    same!(desk.store.silence(DESK, desk.now).await?, Silence::default());
    Ok(())
}

/// A whole round of counting, in slices.
async fn count_all(desk: &Desk, limit: usize) -> Result<(), StoreError> {
    let mut from = Some(WalkPoint::START);
    while let Some(point) = from {
        from = desk.store.count_silence(point, limit, desk.now).await?;
    }
    Ok(())
}
