//! What is done to messages that were sent already, and what the business writes elsewhere.

use transom_domain::amendment::{Amended, Amendment, latest, revoked_at};
use transom_domain::event::EventBody;
use transom_domain::fact::{Echo, Fact, InboundBody, Person, Reported};
use transom_domain::status::{Phase, Status};
use transom_domain::time::{Span, Timestamp};

use super::desk::{DESK, Desk, SHOP, identity, person, sender};
use super::hearing::orders;
use super::{Broken, Factory, Outcome, hold, same};
use crate::{CancelOutcome, HearBody};

const ANA: &str = "+4915112345678";

fn text(body: &str) -> InboundBody {
    InboundBody::Text { body: body.to_owned() }
}

fn amended(id: &str, original: &str, at: Timestamp, change: Amendment) -> Fact {
    let (provider_id, original) = (id.to_owned(), original.to_owned());
    Fact::Amended(Amended { provider_id, at, from: Person::default(), original, change })
}

fn edit(id: &str, original: &str, at: Timestamp, body: &str) -> Fact {
    amended(id, original, at, Amendment::Edited { body: Box::new(text(body)) })
}

/// What was told of messages, without what depends on which came first.
async fn told(desk: &Desk) -> Result<Vec<String>, Broken> {
    let mut told: Vec<String> = desk
        .events()
        .await?
        .into_iter()
        .map(|event| match event.body {
            EventBody::MessageEdited { edit, .. } => format!("edited {}", edit.provider_id),
            EventBody::MessageRevoked { at, .. } => format!("revoked {}", at.as_secs()),
            other => other.name().to_owned(),
        })
        .collect();
    told.sort_unstable();
    Ok(told)
}

pub(super) async fn edits_in_any_order_show_the_same(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let start = desk.now;
    let mut seen = Vec::new();
    let mut told_before = 0;
    for (n, order) in orders(&[0, 1, 2, 3]).into_iter().enumerate() {
        let first = format!("wamid.{n}");
        let from = person(&format!("+49151{:08}", 20_000_000 + n))?;
        let facts = [
            desk.inbound(from.clone(), &first, start),
            edit(&format!("{first}.a"), &first, start.plus(Span::secs(1)), "second"),
            edit(&format!("{first}.b"), &first, start.plus(Span::secs(2)), "third"),
            amended(&format!("{first}.c"), &first, start.plus(Span::secs(3)), Amendment::Revoked),
        ];
        for at in order {
            let fact = facts.get(at).cloned().ok_or_else(|| Broken(format!("{at}")))?;
            desk.hear(vec![fact.clone(), fact]).await?;
        }
        let address = from.phone.map(|phone| phone.to_string()).unwrap_or_default();
        let filter = crate::MessageFilter { customer: Some(identity(&address)?), ..crate::MessageFilter::default() };
        let (mut messages, _) = desk.store.messages(SHOP, filter, crate::Page { size: 10, token: None }).await?;
        same!(messages.len(), 1);
        let Some(message) = messages.pop() else { return Ok(()) };
        same!(message.inbound.as_ref().map(|i| i.body.clone()), Some(text("hello")));
        same!(latest(&message.amendments), Some(&text("third")));
        same!(revoked_at(&message.amendments), Some(start.plus(Span::secs(3))));
        seen.push(message.amendments.len());
        // The message, its session, two edits, one revocation; in whatever order.
        same!(told(&desk).await.map(|told| told.len()).unwrap_or_default().min(200), (told_before + 5).min(200));
        told_before += 5;
    }
    hold!(seen.iter().all(|n| *n == 3));
    // An edit alone opens no session and makes nobody.
    let stray = edit("wamid.stray.a", "wamid.stray", desk.now, "x");
    let outcome = desk.hear(vec![stray.clone(), stray]).await?;
    same!((outcome.orphans, outcome.repeated, outcome.events.len()), (1, 1, 0));
    desk.turn(Span::days(9));
    same!(desk.sweep(100).await?, 1);
    Ok(())
}

pub(super) async fn what_is_redacted_is_still_known_by_its_name(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let wrote = desk.inbound(person(ANA)?, "wamid.1", desk.now);
    let id = desk.hear(vec![wrote, edit("wamid.1.a", "wamid.1", desk.now, "secret")]).await?.messages[0];
    same!(desk.message(id).await?.amendments.len(), 1);
    same!(desk.store.redact(SHOP, id, desk.now).await?, CancelOutcome::Done);
    let message = desk.message(id).await?;
    same!((message.redacted, message.inbound, message.amendments.len()), (true, None, 0));
    same!(message.received_as.as_deref(), Some("wamid.1"));
    hold!(!format!("{:?}", desk.events().await?).contains("secret"));
    // What comes later says nothing of it either, and is known when it is repeated.
    for _ in 0..2 {
        let before = desk.events().await?.len();
        desk.hear(vec![edit("wamid.1.b", "wamid.1", desk.now, "another secret")]).await?;
        same!(desk.events().await?.len(), before);
    }
    same!(desk.message(id).await?.amendments.len(), 0);
    // Of what is deleted nothing comes back.
    same!(desk.store.delete(SHOP, id, desk.now).await?, CancelOutcome::Done);
    let outcome = desk.hear(vec![edit("wamid.1.c", "wamid.1", desk.now, "a third secret")]).await?;
    same!((outcome.news, outcome.orphans, outcome.repeated), (0, 0, 1));
    Ok(())
}

pub(super) async fn what_was_edited_often_can_be_taken_back(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let wrote = desk.inbound(person(ANA)?, "wamid.1", desk.now);
    let id = desk.hear(vec![wrote]).await?.messages[0];
    for n in 0..120 {
        let at = desk.now.plus(Span::secs(n));
        desk.hear(vec![edit(&format!("edit.{n:03}"), "wamid.1", at, "again")]).await?;
    }
    let Fact::Amended(last) = edit("zz.revoked", "wamid.1", desk.now.plus(Span::secs(200)), "") else { return Ok(()) };
    let revoked = Fact::Amended(Amended { change: Amendment::Revoked, ..last });
    let outcome = desk.hear(vec![revoked.clone(), revoked]).await?;
    same!((outcome.news, outcome.repeated), (1, 1));
    hold!(revoked_at(&desk.message(id).await?.amendments).is_some());
    Ok(())
}

pub(super) async fn what_the_business_wrote_elsewhere_is_sent_already(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let echo = |id: &str, at| -> Result<Fact, Broken> {
        let (provider_id, to) = (id.to_owned(), person(ANA)?);
        Ok(Fact::Echo(Echo { provider_id, at, to, body: text("from the app"), reply_to: None }))
    };
    let delivered = Fact::Status(desk.status("wamid.1", Reported::Delivered, desk.now));
    let read = Fact::Status(desk.status("wamid.1", Reported::Read, desk.now));
    // A status may come first.
    desk.hear(vec![delivered.clone()]).await?;
    let outcome = desk.hear(vec![echo("wamid.1", desk.now)?, echo("wamid.1", desk.now)?]).await?;
    same!((outcome.news, outcome.repeated, outcome.messages.len()), (1, 1, 1));
    let id = outcome.messages[0];
    desk.hear(vec![delivered, read]).await?;
    let message = desk.message(id).await?;
    same!((message.status, message.phase, message.draft), (Status::Read, Phase::Handed, None));
    same!(message.inbound.map(|said| said.body), Some(text("from the app")));
    same!(desk.names().await?, vec!["message.echoed", "message.status", "message.status"]);
    let look = desk.look(SHOP, DESK, identity(ANA)?).await?;
    same!(look.evidence.heard, None);
    // What went out through here is not told as written elsewhere.
    desk.handed(ANA, "wamid.2").await?;
    same!(desk.hear(vec![echo("wamid.2", desk.now)?]).await?.repeated, 1);
    Ok(())
}

pub(super) async fn a_reply_names_a_message_of_its_own_conversation(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    desk.store.put_sender(sender(12, SHOP, "+493012345679")?).await?;
    let id = desk.handed(ANA, "wamid.1").await?;
    let Fact::Inbound(mut reply) = desk.inbound(person(ANA)?, "wamid.2", desk.now) else { return Ok(()) };
    reply.reply_to = Some("wamid.1".to_owned());
    let mut foreign = reply.clone();
    foreign.provider_id = "wamid.3".to_owned();
    foreign.from = person("+4915112345679")?;
    let own = desk.hear(vec![Fact::Inbound(reply.clone())]).await?.messages[0];
    let other = desk.hear(vec![Fact::Inbound(foreign)]).await?.messages[0];
    reply.provider_id = "wamid.4".to_owned();
    let body = desk.body(vec![Fact::Inbound(reply)]);
    let heard = body.heard.into_iter().map(|(_, heard)| (Some(transom_domain::id::SenderId(12)), heard)).collect();
    let body = HearBody { heard, ..desk.body(Vec::new()) };
    let elsewhere = desk.store.hear(body).await?.messages[0];
    same!(desk.message(own).await?.answers, Some(id));
    same!((desk.message(other).await?.answers, desk.message(elsewhere).await?.answers), (None, None));
    let named = desk.events().await?.into_iter().filter_map(|event| match event.body {
        EventBody::MessageReceived { reply_to, .. } => Some(reply_to),
        _ => None,
    });
    same!(named.collect::<Vec<_>>(), vec![Some(id), None, None]);
    Ok(())
}
