//! The relay: endpoints of a business's own making, their health, what was given up, replays.

use std::sync::Arc;

use transom_domain::endpoint::{Health, Order, Payload};
use transom_domain::event::EventBody;
use transom_domain::id::{EndpointId, EventId, ReplayId};
use transom_domain::time::{Span, Timestamp};

use super::desk::{Desk, OWNER, RIVAL, SHOP};
use super::telling::{endpoint, waits, written};
use super::{Broken, Factory, Outcome, hold, same};
use crate::{
    Attempted, ChangeEndpoint, Deliveries, Endpoint, EventReplay, Manner, Own, PutEndpoint, RelayRound, Retried, RetryDelivery,
    Role, Sealed, StartReplay, Topic, Waiting,
};

const ANA: &str = "+4915112345678";
const BEN: &str = "+4915112345679";
const ONE: EndpointId = EndpointId(1);

pub(super) fn own(id: u128, order: Order) -> Endpoint {
    let manner = Manner { description: "Till".to_owned(), payload: Payload::Event, order, concurrency: 4, timeout: Some(5) };
    Endpoint {
        role: Role::Own(Box::new(Own {
            manner,
            secret: Sealed(vec![1, 2, 3]),
            previous: Some((Sealed(vec![4]), Timestamp::from_secs(9))),
        })),
        ..endpoint(id, Topic::Messages)
    }
}

fn round(desk: &Desk, cursor: u64, waiting: Vec<Waiting>) -> RelayRound {
    RelayRound {
        by: OWNER,
        endpoint: ONE,
        cursor,
        waiting,
        over: Vec::new(),
        replay: None,
        news: Vec::new(),
        known: Health::default(),
        health: Health::default(),
        now: desk.now,
    }
}

fn given_up(position: u64) -> Waiting {
    let attempt = Attempted { at: Timestamp::from_secs(7), status: Some(500), millis: 12 };
    Waiting {
        position,
        conversation: None,
        tried: 19,
        due: None,
        attempt: Some(attempt),
        answer: None,
        seen: "HTTP 500".to_owned(),
    }
}

pub(super) async fn an_endpoint_of_its_own_keeps_what_it_was_given(factory: &dyn Factory) -> Outcome {
    let desk = Desk::new(factory).await?;
    for id in 1..=3 {
        same!(desk.store.put_endpoint(own(id, Order::Conversation)).await?, PutEndpoint::Stored);
    }
    same!(desk.store.put_endpoint(endpoint(4, Topic::Messages)).await?, PutEndpoint::Stored);
    let found = desk.store.endpoint(SHOP, ONE).await?.ok_or_else(|| Broken("it is gone".to_owned()))?;
    let made = own(1, Order::Conversation);
    same!((&found.role, &found.address, found.cursor), (&made.role, &made.address, 0));
    same!(desk.store.endpoint(RIVAL, ONE).await?, None);
    let role = Role::Own(Box::new(Own {
        manner: Manner { description: String::new(), payload: Payload::Raw, order: Order::None, concurrency: 1, timeout: None },
        secret: Sealed(vec![5]),
        previous: None,
    }));
    desk.store.put_endpoint(Endpoint { role: role.clone(), ..found }).await?;
    same!(desk.store.endpoint(SHOP, ONE).await?.map(|e| e.role), Some(role));
    Ok(())
}

fn origin(id: u128, address: &str) -> Endpoint {
    Endpoint { role: Role::Callbacks, address: address.to_owned(), ..endpoint(id, Topic::Messages) }
}

pub(super) async fn an_origin_of_callbacks_is_there_once(factory: &dyn Factory) -> Outcome {
    let desk = Desk::new(factory).await?;
    let shop = "https://shop.example";
    same!(desk.store.put_endpoint(origin(1, shop)).await?, PutEndpoint::Stored);
    same!(desk.store.put_endpoint(origin(2, shop)).await?, PutEndpoint::TopicTaken(ONE));
    same!(desk.store.put_endpoint(origin(1, shop)).await?, PutEndpoint::Stored);
    let found = desk.store.endpoint(SHOP, ONE).await?.ok_or_else(|| Broken("it is gone".to_owned()))?;
    same!((&found.role, found.address.as_str(), found.cursor), (&Role::Callbacks, shop, 0));
    // They have a measure of their own.
    for n in 2..=100 {
        same!(desk.store.put_endpoint(origin(n, &format!("{shop}:{n}"))).await?, PutEndpoint::Stored);
    }
    same!(desk.store.put_endpoint(origin(101, "https://other.example")).await?, PutEndpoint::Full);
    same!(desk.store.put_endpoint(own(102, Order::None)).await?, PutEndpoint::Stored);
    let rivals = Endpoint { business: RIVAL, ..origin(103, shop) };
    same!(desk.store.put_endpoint(rivals).await?, PutEndpoint::Stored);
    hold!(desk.store.delete_endpoint(SHOP, ONE).await?);
    same!(desk.store.put_endpoint(origin(101, shop)).await?, PutEndpoint::Stored);
    Ok(())
}

pub(super) async fn what_a_round_brings_besides_is_told(factory: &dyn Factory) -> Outcome {
    let desk = Desk::new(factory).await?;
    desk.store.put_endpoint(origin(1, "https://shop.example")).await?;
    let news = vec![EventBody::EndpointAnswerRejected {
        endpoint: ONE,
        told: EventId(7),
        message: None,
        code: 12_100,
        error: "the answer is not well-formed XML".to_owned(),
    }];
    desk.store.relay_settle(RelayRound { news: news.clone(), ..round(&desk, 0, Vec::new()) }).await?;
    desk.store.relay_settle(round(&desk, 0, Vec::new())).await?;
    same!(desk.events().await?.into_iter().map(|event| event.body).collect::<Vec<_>>(), news);
    Ok(())
}

pub(super) async fn a_change_of_an_endpoint_touches_what_it_names(factory: &dyn Factory) -> Outcome {
    let desk = Desk::new(factory).await?;
    desk.store.put_endpoint(own(1, Order::None)).await?;
    hold!(desk.store.switch_endpoint(SHOP, ONE, Some("by hand".to_owned())).await?);
    let before = desk.store.endpoint(SHOP, ONE).await?.ok_or_else(|| Broken("it is gone".to_owned()))?;
    let moved: ChangeEndpoint = Arc::new(|endpoint| {
        endpoint.address = "https://shop.example/new".to_owned();
        (endpoint.business, endpoint.cursor, endpoint.health) = (RIVAL, 99, Health::default());
    });
    let after = Endpoint { address: "https://shop.example/new".to_owned(), ..before };
    same!(desk.store.change_endpoint(RIVAL, ONE, moved.clone()).await?, None);
    same!(desk.store.change_endpoint(SHOP, ONE, moved.clone()).await?, Some(after.clone()));
    same!(desk.store.endpoint(SHOP, ONE).await?, Some(after));
    // One that is gone stays gone.
    hold!(desk.store.delete_endpoint(SHOP, ONE).await?);
    same!(desk.store.change_endpoint(SHOP, ONE, moved).await?, None);
    same!(desk.store.endpoint(SHOP, ONE).await?, None);
    Ok(())
}

pub(super) async fn health_is_told_once_and_a_hand_counts_more(factory: &dyn Factory) -> Outcome {
    let desk = Desk::new(factory).await?;
    desk.store.put_endpoint(own(1, Order::None)).await?;
    let failing = Health {
        failures: 10,
        failing_since: Some(desk.now),
        last_error: Some("HTTP 500".to_owned()),
        told: true,
        told_at: Some(desk.now),
        ..Health::default()
    };
    let well = Health::default();
    let told = async |known: &Health, health: &Health, then: &Health| {
        let round = RelayRound { known: known.clone(), health: health.clone(), ..round(&desk, 0, Vec::new()) };
        same!(desk.store.relay_settle(round).await?, then.clone());
        same!(desk.store.endpoint(SHOP, ONE).await?.map(|e| e.health), Some(then.clone()));
        let all = desk.events().await?;
        Ok::<_, Broken>(all.iter().map(|event| event.body.name()).collect::<Vec<_>>())
    };
    same!(told(&well, &failing, &failing).await?, vec!["endpoint.failing"]);
    // The same once more, because nobody knew whether it was recorded.
    same!(told(&well, &failing, &failing).await?, vec!["endpoint.failing"]);
    same!(told(&failing, &well, &well).await?, vec!["endpoint.failing", "endpoint.recovered"]);
    let gone = Health { disabled: Some("HTTP 410".to_owned()), ..Health::default() };
    let all = vec!["endpoint.failing", "endpoint.recovered", "endpoint.disabled"];
    same!(told(&well, &gone, &gone).await?, all);
    let events = desk.events().await?;
    hold!(
        matches!(&events[0].body, EventBody::EndpointFailing { endpoint: ONE, failures: 10, error, .. } if error == "HTTP 500")
    );
    hold!(matches!(&events[2].body, EventBody::EndpointDisabled { endpoint: ONE, reason } if reason == "HTTP 410"));
    // A round that was under way when it was switched off does not switch it on, and one that was when it was switched off and on
    // again brings back nothing of before.
    let nine = Health { failures: 9, last_error: Some("HTTP 500".to_owned()), ..Health::default() };
    same!(told(&nine, &well, &gone).await?, all);
    hold!(!desk.store.switch_endpoint(RIVAL, ONE, None).await?);
    hold!(desk.store.switch_endpoint(SHOP, ONE, None).await?);
    let on = Health { switches: 1, ..Health::default() };
    same!(desk.store.endpoint(SHOP, ONE).await?.map(|e| e.health), Some(on.clone()));
    same!(told(&nine, &Health { failures: 10, told: true, ..nine.clone() }, &on).await?, all);
    same!(told(&well, &gone, &on).await?, all);
    desk.store.put_endpoint(Endpoint { health: nine.clone(), ..own(1, Order::None) }).await?;
    same!(desk.store.endpoint(SHOP, ONE).await?.map(|e| e.health), Some(on));
    hold!(desk.store.switch_endpoint(SHOP, ONE, Some("by hand".to_owned())).await?);
    same!(desk.events().await?.len(), 3);
    let absent = RelayRound { endpoint: EndpointId(9), health: nine.clone(), ..round(&desk, 0, Vec::new()) };
    same!(desk.store.relay_settle(absent).await?, nine);
    Ok(())
}

pub(super) async fn without_an_order_nothing_is_held(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    desk.store.put_endpoint(own(1, Order::None)).await?;
    let (first, _) = written(&mut desk, ANA).await?;
    let due = desk.now.plus(Span::secs(5));
    desk.store.relay_settle(round(&desk, first, vec![waits(first, None, 1, due, "500")])).await?;
    let (second, _) = written(&mut desk, ANA).await?;
    let work = desk.store.relay_work(ONE, 0, desk.now, 10).await?;
    same!(work.fresh.iter().map(|(e, held)| (e.position, *held)).collect::<Vec<_>>(), vec![(first + 1, false), (second, false)]);
    // What the worker is further than the row is not read again.
    same!(desk.store.relay_work(ONE, second, desk.now, 10).await?.fresh.len(), 0);
    Ok(())
}

pub(super) async fn what_was_given_up_is_kept_and_holds_back_nothing(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    desk.store.put_endpoint(own(1, Order::Conversation)).await?;
    let (first, ana) = written(&mut desk, ANA).await?;
    let (second, _) = written(&mut desk, ANA).await?;
    let now = desk.now;
    let waiting = vec![waits(first, Some(ana), 18, now, "HTTP 500"), waits(second, Some(ana), 0, now, "waits")];
    desk.store.relay_settle(round(&desk, second, waiting)).await?;
    same!(desk.store.relay_work(ONE, 0, now, 10).await?.due.iter().map(|d| d.event.position).collect::<Vec<_>>(), vec![first]);
    desk.store.relay_settle(round(&desk, second, vec![given_up(first)])).await?;
    // The next of its conversation comes to the front; what was given up is never due.
    same!(desk.store.relay_work(ONE, 0, now, 10).await?.due.iter().map(|d| d.event.position).collect::<Vec<_>>(), vec![second]);
    let list = async |which| Ok::<_, Broken>(desk.store.deliveries(SHOP, ONE, which, None, 10).await?.unwrap_or_default());
    let over = list(Deliveries::GivenUp).await?;
    same!(over.len(), 1);
    let view = over[0].1.clone().ok_or_else(|| Broken("no row".to_owned()))?;
    same!((over[0].0.position, view.tried, view.due, view.attempt), (first, 19, None, given_up(first).attempt));
    same!(list(Deliveries::Waiting).await?.iter().map(|(e, _)| e.position).collect::<Vec<_>>(), vec![second]);
    let all = list(Deliveries::All).await?;
    let newest: Vec<_> = all.iter().map(|(e, view)| (e.position, view.is_some())).collect();
    same!(newest, vec![(second, true), (first + 1, false), (first, true)]);
    same!(desk.store.deliveries(RIVAL, ONE, Deliveries::All, None, 10).await?, None);

    // By hand, whatever became of it.
    let retry = |event| RetryDelivery { endpoint: ONE, event, told_to: 0 };
    let id = over[0].0.id;
    same!(desk.store.retry_delivery(SHOP, retry(id), now).await?, Retried::Due);
    same!(desk.store.retry_delivery(SHOP, retry(EventId(77)), now).await?, Retried::NoEvent);
    same!(desk.store.retry_delivery(RIVAL, retry(id), now).await?, Retried::NoEndpoint);
    let due = desk.store.relay_work(ONE, 0, now, 10).await?.due;
    same!(
        due.iter().map(|d| (d.event.position, d.tried, d.ordered)).collect::<Vec<_>>(),
        vec![(first, 0, false), (second, 0, true)]
    );
    desk.store.relay_settle(RelayRound { over: vec![first, second], ..round(&desk, second, Vec::new()) }).await?;
    same!(list(Deliveries::GivenUp).await?.len(), 0);
    same!(desk.store.retry_delivery(SHOP, retry(id), now).await?, Retried::Due);
    desk.store.relay_settle(round(&desk, second, vec![given_up(first)])).await?;
    // It goes with its event, which it does not hold.
    desk.turn(Span::days(40));
    desk.sweep(100).await?;
    desk.sweep(100).await?;
    same!(desk.store.deliveries(SHOP, ONE, Deliveries::GivenUp, None, 10).await?.map(|d| d.len()), Some(0));
    same!(desk.store.retry_delivery(SHOP, retry(id), desk.now).await?, Retried::NoEvent);
    Ok(())
}

fn replay(desk: &Desk, id: u128, given_up: bool, from: u64, to: u64) -> EventReplay {
    EventReplay {
        id: ReplayId(id),
        endpoint: ONE,
        given_up,
        from,
        to,
        cursor: 0,
        told: 0,
        failed: 0,
        created_at: desk.now,
        over_at: None,
        stopped: false,
    }
}

pub(super) async fn a_replay_goes_on_where_it_stopped(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    desk.store.put_endpoint(own(1, Order::None)).await?;
    let mut positions = Vec::new();
    for who in [ANA, BEN, ANA, BEN] {
        desk.turn(Span::secs(60));
        positions.push(written(&mut desk, who).await?.0);
    }
    let last = *positions.last().unwrap_or(&0);
    desk.store.relay_settle(round(&desk, last, vec![given_up(positions[1]), given_up(positions[3])])).await?;
    same!(desk.store.start_replay(RIVAL, replay(&desk, 1, false, 1, 99)).await?, StartReplay::NoEndpoint);
    same!(desk.store.start_replay(SHOP, replay(&desk, 1, false, positions[1], 99)).await?, StartReplay::Started);
    same!(desk.store.start_replay(SHOP, replay(&desk, 2, false, 1, 99)).await?, StartReplay::UnderWay(ReplayId(1)));
    let next = async || {
        let work = desk.store.relay_work(ONE, 0, desk.now, 10).await?;
        Ok::<_, Broken>(work.replay.map(|(replay, events)| (replay, events.iter().map(|e| e.position).collect::<Vec<_>>())))
    };
    let (mut going, events) = next().await?.ok_or_else(|| Broken("no replay".to_owned()))?;
    same!((going.from, going.to, going.cursor), (positions[1], last, positions[1] - 1));
    same!(events, (positions[1]..=last).collect::<Vec<_>>());
    (going.cursor, going.told) = (positions[2], 2);
    desk.store.relay_settle(RelayRound { replay: Some(going.clone()), ..round(&desk, last, Vec::new()) }).await?;
    same!(next().await?.map(|(_, events)| events.first().copied()), Some(Some(positions[2] + 1)));
    // Stopped by hand while a round is under way: it stays stopped.
    hold!(desk.store.stop_replay(SHOP, ONE, ReplayId(1), desk.now).await?);
    going.cursor = last;
    desk.store.relay_settle(RelayRound { replay: Some(going), ..round(&desk, last, Vec::new()) }).await?;
    same!(next().await?, None);
    let known = desk.store.replays(SHOP, ONE).await?.unwrap_or_default();
    same!((known.len(), known[0].stopped, known[0].over_at, known[0].cursor), (1, true, Some(desk.now), last));

    same!(desk.store.start_replay(SHOP, replay(&desk, 3, true, 1, positions[3] - 1)).await?, StartReplay::Started);
    same!(next().await?.map(|(_, events)| events), Some(vec![positions[1]]));
    hold!(!desk.store.stop_replay(SHOP, ONE, ReplayId(9), desk.now).await?);
    // A moment leads to the first event that is not older.
    let events = desk.store.events(SHOP, 0, 100).await?.events;
    let third = events.iter().find(|e| e.position == positions[2]).map(|e| e.at).unwrap_or(Timestamp::FAR);
    let first_then = events.iter().find(|e| e.at >= third).map_or(0, |e| e.position);
    same!(desk.store.position_at(SHOP, third).await?, first_then);
    same!(desk.store.position_at(SHOP, Timestamp::EPOCH).await?, 1);
    same!(desk.store.position_at(SHOP, Timestamp::FAR).await?, last + 1);
    Ok(())
}
