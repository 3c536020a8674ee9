//! What people look at: tellings, deliveries, lags.

use transom_domain::amendment::{Amended, Amendment};
use transom_domain::endpoint::{Health, Order};
use transom_domain::event::Event;
use transom_domain::fact::{Fact, InboundBody, Person, Reported};
use transom_domain::id::{EndpointId, EventId, MessageId};
use transom_domain::time::Span;

use super::desk::{Desk, OWNER, RIVAL, SHOP, person};
use super::relaying::own;
use super::telling::{endpoint, waits};
use super::{Broken, Factory, Outcome, same};
use crate::moves::timeline::speaks_of;
use crate::{Attempted, EndpointAnswer, Lag, RelayRound, Topic, Waiting};

const ANA: &str = "+4915112345678";
const BEN: &str = "+4915112345679";
const ONE: EndpointId = EndpointId(1);
const TWO: EndpointId = EndpointId(2);

fn round(desk: &Desk, endpoint: EndpointId, cursor: u64) -> RelayRound {
    RelayRound {
        by: OWNER,
        endpoint,
        cursor,
        waiting: Vec::new(),
        over: Vec::new(),
        replay: None,
        news: Vec::new(),
        known: Health::default(),
        health: Health::default(),
        now: desk.now,
    }
}

/// The events of a message, found by looking through all.
async fn all_of(desk: &Desk, message: MessageId) -> Result<Vec<Event>, Broken> {
    let events = desk.events().await?;
    Ok(events.into_iter().filter(|event| speaks_of(&event.body) == Some(message)).collect())
}

pub(super) async fn what_was_told_of_a_message_is_found_with_whom_it_did_not_reach(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    desk.store.put_endpoint(own(1, Order::None)).await?;
    desk.store.put_endpoint(endpoint(2, Topic::DeliveryStatus)).await?;
    let first = desk.handed(ANA, "wamid.1").await?;
    let other = desk.handed(BEN, "wamid.2").await?;
    for (wamid, status) in
        [("wamid.1", Reported::Sent), ("wamid.2", Reported::Sent), ("wamid.1", Reported::Delivered), ("wamid.1", Reported::Read)]
    {
        desk.turn(Span::hours(1));
        let fact = Fact::Status(desk.status(wamid, status, desk.now));
        desk.hear(vec![fact]).await?;
    }
    // One whose status came before the answer, and one that came in and was edited.
    let early = desk.send(ANA).await?;
    desk.take().await?;
    let status = Fact::Status(desk.status("wamid.3", Reported::Delivered, desk.now));
    desk.hear(vec![status]).await?;
    desk.turn(Span::minutes(5));
    desk.answer(early, 1, "wamid.3").await?;
    desk.turn(Span::hours(1));
    let fact = desk.inbound(person(ANA)?, "in.1", desk.now);
    let heard = desk.hear(vec![fact]).await?.messages[0];
    desk.turn(Span::hours(1));
    let change = Amendment::Edited { body: Box::new(InboundBody::Text { body: "second".to_owned() }) };
    let (provider_id, original) = ("in.1.a".to_owned(), "in.1".to_owned());
    desk.hear(vec![Fact::Amended(Amended { provider_id, at: desk.now, from: Person::default(), original, change })]).await?;

    for (message, count) in [(first, 3), (other, 1), (early, 2), (heard, 2)] {
        let told = desk.store.tellings(SHOP, message).await?.ok_or_else(|| Broken("it is not there".to_owned()))?;
        same!(
            told.iter().map(|telling| &telling.event).collect::<Vec<_>>(),
            all_of(&desk, message).await?.iter().collect::<Vec<_>>()
        );
        same!(told.len(), count);
        same!(told.iter().map(|telling| telling.outstanding.len()).sum::<usize>(), 0);
    }
    same!(desk.store.tellings(RIVAL, first).await?.is_some(), false);

    let events = all_of(&desk, first).await?;
    let read = events.last().ok_or_else(|| Broken("nothing was told".to_owned()))?;
    let due = desk.now.plus(Span::secs(30));
    let answer = EndpointAnswer { headers: vec![("server".into(), "till".into())], body: "full".into(), cut: false };
    let attempt = Some(Attempted { at: desk.now, status: Some(500), millis: 12 });
    let tried =
        Waiting { attempt, answer: Some(answer.clone()), ..waits(read.position, read.body.order_key(), 3, due, "HTTP 500") };
    let waiting = vec![tried.clone()];
    desk.store.relay_settle(RelayRound { waiting, ..round(&desk, TWO, 99) }).await?;
    let told = desk.store.tellings(SHOP, first).await?.unwrap_or_default();
    let outstanding: Vec<Vec<_>> = told.iter().map(|telling| telling.outstanding.iter().map(|(id, _)| *id).collect()).collect();
    same!(outstanding, vec![vec![], vec![], vec![TWO]]);
    let (event, view) = desk.store.delivery(SHOP, TWO, read.id).await?.ok_or_else(|| Broken("no delivery".to_owned()))?;
    same!((&event, view.map(|view| (view.tried, view.due, view.answer))), (read, Some((3, Some(due), Some(answer.clone())))));
    // What is put off keeps what the last try saw; the next try replaces it.
    for (again, kept) in
        [(Waiting { attempt: None, answer: None, ..tried.clone() }, Some(answer)), (Waiting { answer: None, ..tried }, None)]
    {
        desk.store.relay_settle(RelayRound { waiting: vec![again], ..round(&desk, TWO, 99) }).await?;
        let view = desk.store.delivery(SHOP, TWO, read.id).await?.and_then(|(_, view)| view);
        same!(view.map(|view| (view.attempt, view.answer)), Some((attempt, kept)));
    }
    same!(desk.store.delivery(SHOP, ONE, read.id).await?, Some((read.clone(), None)));
    // What is another's, unknown, or from before the endpoint was there.
    same!(desk.store.delivery(RIVAL, TWO, read.id).await?, None);
    same!(desk.store.delivery(SHOP, TWO, EventId(7)).await?, None);
    desk.store.put_endpoint(own(3, Order::None)).await?;
    same!(desk.store.delivery(SHOP, EndpointId(3), read.id).await?, None);
    Ok(())
}

pub(super) async fn an_endpoint_says_how_far_it_lags(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    desk.store.put_endpoint(own(1, Order::None)).await?;
    desk.handed(ANA, "wamid.1").await?;
    let start = desk.now;
    for (n, status) in [Reported::Sent, Reported::Delivered, Reported::Read].into_iter().enumerate() {
        let fact = Fact::Status(desk.status("wamid.1", status, desk.now));
        desk.hear(vec![fact]).await?;
        same!(desk.events().await?.len(), n + 1);
        desk.turn(Span::minutes(1));
    }
    let minute = |n| Some(start.plus(Span::minutes(n)));
    let lags = async |told_to| desk.store.lags(SHOP, vec![(ONE, told_to), (TWO, 0)]).await;
    same!(lags(0).await?, vec![Lag { behind: 3, waiting_since: minute(0) }, Lag::default()]);
    same!(lags(1).await?[0], Lag { behind: 2, waiting_since: minute(1) });
    same!(lags(3).await?[0], Lag::default());
    let waiting = vec![waits(1, None, 1, desk.now, "HTTP 500")];
    desk.store.relay_settle(RelayRound { waiting, ..round(&desk, ONE, 2) }).await?;
    same!(lags(0).await?[0], Lag { behind: 1, waiting_since: minute(0) });
    same!(desk.store.lags(RIVAL, vec![(ONE, 0)]).await?, vec![Lag::default()]);
    Ok(())
}
