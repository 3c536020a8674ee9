//! What is told of sessions: opened, about to close, closed; each once, and only while it is so.

use std::sync::Arc;

use transom_domain::event::EventBody;
use transom_domain::fact::{Fact, Reported};
use transom_domain::failure::UpstreamError;
use transom_domain::session::{CLOSING_SOON, Ended, SESSION};
use transom_domain::time::Span;

use super::desk::{DESK, Desk, SHOP, person};
use super::{Broken, Factory, Outcome, same};
use crate::{LookedAt, Outcome as Of};

const ANA: &str = "+4915112345678";
const BEN: &str = "+4915112345679";

/// Hears a customer.
async fn heard(desk: &mut Desk, who: &str) -> Result<(), Broken> {
    let wamid = format!("in.{}", desk.id());
    let fact = desk.inbound(person(who)?, &wamid, desk.now);
    desk.hear(vec![fact]).await?;
    Ok(())
}

/// What was told of sessions since an event.
async fn told(desk: &Desk, after: usize) -> Result<Vec<&'static str>, Broken> {
    Ok(desk.names().await?.into_iter().skip(after).filter(|name| name.starts_with("session.")).collect())
}

async fn look(desk: &Desk) -> Result<LookedAt, Broken> {
    Ok(desk.store.look_at_sessions(desk.now, 100).await?)
}

pub(super) async fn a_session_is_told_to_open_to_close_soon_and_to_close(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    same!(desk.store.next_session_look().await?, None);
    heard(&mut desk, ANA).await?;
    let soon = desk.now.plus(SESSION).minus(CLOSING_SOON);
    same!(desk.store.next_session_look().await?, Some(soon));
    same!(look(&desk).await?, LookedAt { next: Some(soon), ..LookedAt::default() });
    // What is heard meanwhile moves nothing, and the look finds it.
    desk.turn(Span::hours(10));
    heard(&mut desk, ANA).await?;
    let until = desk.now.plus(SESSION);
    same!(desk.store.next_session_look().await?, Some(soon));
    desk.turn(Span::hours(13));
    same!(look(&desk).await?, LookedAt { looked: 1, told: vec![], next: Some(until.minus(CLOSING_SOON)) });
    desk.turn(Span::hours(10));
    same!(look(&desk).await?, LookedAt { looked: 1, told: vec![SHOP], next: Some(until) });
    desk.turn(CLOSING_SOON);
    same!(look(&desk).await?, LookedAt { looked: 1, told: vec![SHOP], next: None });
    same!(look(&desk).await?, LookedAt::default());
    same!(told(&desk, 0).await?, vec!["session.opened", "session.closing_soon", "session.closed"]);
    let events = desk.events().await?;
    match events.last().map(|event| &event.body) {
        Some(EventBody::SessionClosed { party, since, cause: Ended::Expired }) => {
            same!((party.sender, party.customer_address.to_string(), *since), (DESK, ANA.to_owned(), until));
        }
        other => return Err(Broken(format!("the last event is {other:?}"))),
    }
    // Nobody looked: what was over is told before what opens anew.
    heard(&mut desk, ANA).await?;
    let before = desk.events().await?.len();
    desk.turn(SESSION);
    heard(&mut desk, ANA).await?;
    let names: Vec<_> = desk.names().await?.into_iter().skip(before).collect();
    same!(names, vec!["session.closed", "message.received", "session.opened"]);
    Ok(())
}

pub(super) async fn a_session_closes_by_metas_word(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    // Told by a webhook.
    heard(&mut desk, ANA).await?;
    desk.turn(Span::secs(10));
    let started = desk.now;
    desk.handed(ANA, "out.1").await?;
    desk.turn(Span::secs(10));
    let mut report = desk.status("out.1", Reported::Failed, desk.now);
    report.errors = vec![UpstreamError { code: 131_047, title: "no".to_owned(), details: None, subcode: None }];
    let outcome = desk.hear(vec![Fact::Status(report.clone()), Fact::Status(report)]).await?;
    let events = desk.events().await?;
    same!(outcome.events, events.iter().rev().take(2).rev().map(|event| event.id).collect::<Vec<_>>());
    let closed = events.iter().find_map(|event| match event.body {
        EventBody::SessionClosed { since, cause, .. } => Some((since, cause)),
        _ => None,
    });
    same!(closed, Some((started, Ended::Refused)));
    same!(desk.store.next_session_look().await?, None);
    // Told by the answer.
    heard(&mut desk, BEN).await?;
    desk.turn(Span::secs(10));
    let before = desk.events().await?.len();
    let id = desk.send(BEN).await?;
    desk.take().await?;
    let failure = super::desk::failure(transom_domain::error_code::ErrorCode::UpstreamError);
    desk.settle(id, 1, Of::Failed { failure, no_session: true }).await?;
    same!(told(&desk, before).await?, vec!["session.closed"]);
    // And they open again.
    desk.turn(Span::secs(10));
    let before = desk.events().await?.len();
    heard(&mut desk, ANA).await?;
    heard(&mut desk, BEN).await?;
    same!(told(&desk, before).await?, vec!["session.opened", "session.opened"]);
    Ok(())
}

pub(super) async fn looks_are_bounded_and_go_by_what_a_business_wants(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    desk.store.change_settings(SHOP, Arc::new(|settings| settings.sessions.closing_soon_minutes = Some(0))).await?;
    for n in 0..5 {
        heard(&mut desk, &format!("+491511234500{n}")).await?;
        desk.turn(Span::secs(1));
    }
    desk.turn(SESSION);
    let first = desk.store.look_at_sessions(desk.now, 3).await?;
    same!((first.looked, first.told), (3, vec![SHOP]));
    let second = desk.store.look_at_sessions(desk.now, 3).await?;
    same!((second.looked, second.next), (2, None));
    same!(told(&desk, 0).await?.iter().filter(|name| **name == "session.closing_soon").count(), 0);
    // One that opens with less left than the notice is noticed at once.
    desk.store.change_settings(SHOP, Arc::new(|settings| settings.sessions.closing_soon_minutes = Some(90))).await?;
    let before = desk.events().await?.len();
    let late = desk.inbound(person(ANA)?, "in.late", desk.now.minus(Span::hours(23)));
    desk.hear(vec![late]).await?;
    same!(told(&desk, before).await?, vec!["session.opened", "session.closing_soon"]);
    // What was armed is there after opening again.
    let due = desk.now.plus(Span::hours(1));
    drop(std::mem::replace(&mut desk.store, Arc::new(crate::MemoryStore::new())));
    desk.store = factory.open();
    same!(desk.store.next_session_look().await?, Some(due));
    Ok(())
}
