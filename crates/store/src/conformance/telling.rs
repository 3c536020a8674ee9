//! Telling: endpoints, the stream, deliveries.

use transom_domain::endpoint::Health;
use transom_domain::error_code::ErrorCode;
use transom_domain::event::{EventBody, Selection};
use transom_domain::fact::Fact;
use transom_domain::id::{CustomerId, EndpointId, SenderId};
use transom_domain::time::{Span, Timestamp};

use super::desk::{DESK, Desk, OWNER, RIVAL, SHOP, failure, person};
use super::{Broken, Factory, Outcome, hold, same};
use crate::{Endpoint, PutEndpoint, PutSender, Registration, RelayRound, Role, Sealed, Sender, SenderState, Topic, Waiting};

const ANA: &str = "+4915112345678";
const BEN: &str = "+4915112345679";

pub(crate) fn endpoint(id: u128, topic: Topic) -> Endpoint {
    Endpoint {
        id: EndpointId(id),
        business: SHOP,
        role: Role::Published(Registration { topic, kind: "custom".to_owned(), echo: false }),
        address: "https://shop.example/hook".to_owned(),
        filter: Selection::default(),
        begins: 999,
        cursor: 999,
        health: Health::default(),
        created_at: Timestamp::from_secs(5),
    }
}

pub(crate) fn round(desk: &Desk, cursor: u64) -> RelayRound {
    RelayRound {
        by: OWNER,
        endpoint: EndpointId(1),
        cursor,
        waiting: Vec::new(),
        over: Vec::new(),
        replay: None,
        news: Vec::new(),
        known: Health::default(),
        health: Health { failures: 3, ..Health::default() },
        now: desk.now,
    }
}

/// A delivery that waits.
pub(super) fn waits(position: u64, key: Option<(SenderId, CustomerId)>, tried: u32, due: Timestamp, seen: &str) -> Waiting {
    Waiting { position, conversation: key, tried, due: Some(due), attempt: None, answer: None, seen: seen.to_owned() }
}

/// A customer writes; gives the position of the event and the conversation.
pub(super) async fn written(desk: &mut Desk, who: &str) -> Result<(u64, (SenderId, CustomerId)), Broken> {
    let wamid = format!("in.{}", desk.id());
    let fact: Fact = desk.inbound(person(who)?, &wamid, desk.now);
    desk.hear(vec![fact]).await?;
    let events = desk.store.events(SHOP, 0, 200).await?.events;
    let last = events.into_iter().rev().find(|e| matches!(e.body, EventBody::MessageReceived { .. }));
    last.and_then(|e| e.body.order_key().map(|key| (e.position, key))).ok_or_else(|| Broken("no event".to_owned()))
}

pub(super) async fn one_registration_per_topic(factory: &dyn Factory) -> Outcome {
    let desk = Desk::new(factory).await?;
    same!(desk.store.put_endpoint(endpoint(1, Topic::Messages)).await?, PutEndpoint::Stored);
    same!(desk.store.put_endpoint(endpoint(2, Topic::Messages)).await?, PutEndpoint::TopicTaken(EndpointId(1)));
    same!(desk.store.put_endpoint(endpoint(2, Topic::DeliveryStatus)).await?, PutEndpoint::Stored);
    same!(desk.store.put_endpoint(endpoint(2, Topic::Messages)).await?, PutEndpoint::TopicTaken(EndpointId(1)));
    let theirs = Endpoint { business: RIVAL, ..endpoint(3, Topic::Messages) };
    same!(desk.store.put_endpoint(theirs).await?, PutEndpoint::Stored);
    same!(desk.store.endpoints(Some(SHOP)).await?.len(), 2);
    same!(desk.store.endpoints(None).await?.len(), 3);
    hold!(!desk.store.delete_endpoint(RIVAL, EndpointId(1)).await?);
    hold!(desk.store.delete_endpoint(SHOP, EndpointId(1)).await?);
    hold!(!desk.store.delete_endpoint(SHOP, EndpointId(1)).await?);
    same!(desk.store.put_endpoint(endpoint(4, Topic::Messages)).await?, PutEndpoint::Stored);
    Ok(())
}

pub(super) async fn the_stream_never_goes_back_in_time(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    // Callers read the clock, and then wait for the writer.
    for seconds in [0, 30, -20, 5, -10, 40] {
        desk.turn(Span::secs(seconds));
        written(&mut desk, ANA).await?;
    }
    let events = desk.events().await?;
    hold!(events.is_sorted_by_key(|event| event.at));
    for event in &events {
        let first = events.iter().find(|other| other.at >= event.at).map(|first| first.position);
        same!(Some(desk.store.position_at(SHOP, event.at).await?), first);
    }
    Ok(())
}

pub(super) async fn an_endpoint_starts_at_the_end(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    written(&mut desk, ANA).await?;
    desk.store.put_endpoint(endpoint(1, Topic::Messages)).await?;
    let before = desk.store.relay_work(EndpointId(1), 0, desk.now, 10).await?;
    same!((before.fresh.len(), before.looked_to, before.next_due), (0, 2, None));
    let (position, _) = written(&mut desk, ANA).await?;
    let work = desk.store.relay_work(EndpointId(1), 0, desk.now, 10).await?;
    same!(work.fresh.iter().map(|(e, held)| (e.position, *held)).collect::<Vec<_>>(), vec![(position, false)]);
    same!(work.looked_to, position);
    desk.store.relay_settle(round(&desk, position)).await?;
    // The cursor never goes back: not by a late round, nor by hand.
    desk.store.relay_settle(round(&desk, 1)).await?;
    let by_hand = Endpoint { cursor: 0, address: "https://shop.example/other".to_owned(), ..endpoint(1, Topic::Messages) };
    desk.store.put_endpoint(by_hand).await?;
    let now = desk.store.endpoints(Some(SHOP)).await?;
    same!((now[0].cursor, now[0].address.as_str()), (position, "https://shop.example/other"));
    same!(desk.store.relay_work(EndpointId(1), 0, desk.now, 10).await?.fresh.len(), 0);
    same!(desk.store.relay_work(EndpointId(9), 0, desk.now, 10).await?.looked_to, 0);
    Ok(())
}

pub(super) async fn deliveries_of_a_conversation_keep_their_order(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    desk.store.put_endpoint(endpoint(1, Topic::Messages)).await?;
    let (first, ana) = written(&mut desk, ANA).await?;
    let (other, ben) = written(&mut desk, BEN).await?;
    let due = desk.now.plus(Span::secs(5));
    let mut failed = round(&desk, other + 1);
    failed.waiting = vec![waits(first, Some(ana), 1, due, "500"), waits(other, Some(ben), 1, due.plus(Span::secs(1)), "500")];
    desk.store.relay_settle(failed).await?;
    same!(desk.store.endpoints(Some(SHOP)).await?[0].health.failures, 3);
    // What comes after it in the same conversation is held.
    let (second, _) = written(&mut desk, ANA).await?;
    let work = desk.store.relay_work(EndpointId(1), 0, desk.now, 10).await?;
    same!(work.fresh.iter().map(|(e, held)| (e.position, *held)).collect::<Vec<_>>(), vec![(second, true)]);
    same!((work.due.len(), work.next_due), (0, Some(due)));
    let mut held = round(&desk, second);
    held.waiting = vec![waits(second, Some(ana), 0, desk.now, "held")];
    desk.store.relay_settle(held).await?;
    // Of each conversation only the oldest is due.
    let since = desk.now;
    desk.turn(Span::secs(10));
    let work = desk.store.relay_work(EndpointId(1), 0, desk.now, 10).await?;
    let due: Vec<_> = work.due.iter().map(|d| (d.event.position, d.tried, d.since)).collect();
    same!(due, vec![(first, 1, since), (other, 1, since)]);
    // One fails again, the other is given up: what it held is due at once.
    let mut next = round(&desk, second);
    next.over = vec![first];
    next.waiting = vec![waits(other, Some(ben), 2, desk.now.plus(Span::secs(20)), "500")];
    desk.store.relay_settle(next).await?;
    let work = desk.store.relay_work(EndpointId(1), 0, desk.now, 10).await?;
    same!(work.due.iter().map(|d| (d.event.position, d.tried)).collect::<Vec<_>>(), vec![(second, 0)]);
    same!(work.next_due, Some(desk.now.plus(Span::secs(20))));
    let mut done = round(&desk, second);
    done.over = vec![second, other];
    desk.store.relay_settle(done).await?;
    let work = desk.store.relay_work(EndpointId(1), 0, desk.now, 10).await?;
    same!((work.due.len(), work.next_due), (0, None));
    let (third, _) = written(&mut desk, ANA).await?;
    let work = desk.store.relay_work(EndpointId(1), 0, desk.now, 10).await?;
    same!(work.fresh.iter().map(|(e, held)| (e.position, *held)).collect::<Vec<_>>(), vec![(third, false)]);
    Ok(())
}

pub(super) async fn the_stream_is_swept_behind_its_readers(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    desk.store.put_endpoint(endpoint(1, Topic::Messages)).await?;
    let (first, ana) = written(&mut desk, ANA).await?;
    let (second, _) = written(&mut desk, ANA).await?;
    let (third, _) = written(&mut desk, BEN).await?;
    let mut passed = round(&desk, second);
    passed.waiting = vec![waits(second, Some(ana), 1, desk.now, "500")];
    desk.store.relay_settle(passed).await?;
    let page = desk.store.events(SHOP, 0, 2).await?;
    same!((page.events.len(), page.newest, page.earliest), (2, third + 1, 1));
    desk.turn(Span::days(40));
    let (last, _) = written(&mut desk, ANA).await?;
    // Three raw bodies and what is before the outstanding delivery; the fourth body is new.
    desk.sweep(100).await?;
    same!(desk.store.journal_after(SHOP, 0, 10).await?.entries.len(), 1);
    let page = desk.store.events(SHOP, 0, 100).await?;
    same!((page.earliest, page.events.first().map(|e| e.position)), (second, Some(second)));
    hold!(first < second);
    let mut told = round(&desk, last);
    told.over = vec![second];
    desk.store.relay_settle(told).await?;
    desk.sweep(100).await?;
    let page = desk.store.events(SHOP, 0, 100).await?;
    same!((page.earliest, page.newest), (third + 2, last + 1));
    same!(page.events.first().map(|e| e.position), Some(page.earliest));
    same!(desk.sweep(100).await?, 0);
    Ok(())
}

pub(super) async fn a_stop_is_told_once(factory: &dyn Factory) -> Outcome {
    let desk = Desk::new(factory).await?;
    let stop = failure(ErrorCode::UpstreamCredentials);
    hold!(desk.store.set_sender_state(SHOP, DESK, Some(stop.clone()), desk.now).await?);
    hold!(!desk.store.set_sender_state(SHOP, DESK, Some(stop), desk.now).await?);
    hold!(!desk.store.set_sender_state(RIVAL, DESK, None, desk.now).await?);
    hold!(desk.store.set_sender_state(SHOP, DESK, None, desk.now).await?);
    hold!(!desk.store.set_sender_state(SHOP, DESK, None, desk.now).await?);
    let told = desk.events().await?.into_iter().filter_map(|event| match event.body {
        EventBody::SenderState { stopped, .. } => Some(stopped.is_some()),
        _ => None,
    });
    same!(told.collect::<Vec<_>>(), vec![true, false]);
    Ok(())
}

pub(super) async fn a_refusal_of_the_token_before_stops_nothing(factory: &dyn Factory) -> Outcome {
    let desk = Desk::new(factory).await?;
    let stop =
        |token: &Sealed| desk.store.stop_sender(SHOP, DESK, token.clone(), failure(ErrorCode::UpstreamCredentials), desk.now);
    let here = async || match desk.store.senders().await?.into_iter().find(|sender| sender.id == DESK) {
        Some(sender) => Ok(sender),
        None => Err(Broken("the sender is gone".to_owned())),
    };
    let known = here().await?;
    let (old, new) = (known.token.clone(), Sealed(vec![9, 9]));
    same!(desk.store.put_sender(Sender { token: new.clone(), ..known }).await?, PutSender::Stored);
    // Given another token between a call and its refusal: that one may be good.
    hold!(!stop(&old).await?);
    same!(here().await?.state, SenderState::Active);
    hold!(stop(&new).await? && !stop(&new).await?);
    hold!(here().await?.state != SenderState::Active);
    hold!(!desk.store.stop_sender(RIVAL, DESK, new, failure(ErrorCode::UpstreamCredentials), desk.now).await?);
    same!(desk.events().await?.iter().filter(|event| matches!(event.body, EventBody::SenderState { .. })).count(), 1);
    Ok(())
}
