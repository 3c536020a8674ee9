//! Hearing: statuses in every order, repeated messages, sessions, events.

use transom_domain::error_code::ErrorCode;
use transom_domain::event::EventBody;
use transom_domain::fact::{Fact, InboundBody, Reported, StatusReport};
use transom_domain::failure::UpstreamError;
use transom_domain::id::MessageId;
use transom_domain::message::Message;
use transom_domain::session::SESSION;
use transom_domain::status::{Phase, Status};
use transom_domain::time::{Span, Timestamp};

use super::desk::{DESK, Desk, RIVAL, SHOP, business, failure, identity, origin, person, sender};
use super::{Broken, Factory, Outcome, hold, same};
use crate::{HearBody, JournalOutcome, Outcome as Of};

const ANA: &str = "+4915112345678";

/// Every order of a list.
pub(super) fn orders<T: Clone>(items: &[T]) -> Vec<Vec<T>> {
    if items.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for i in 0..items.len() {
        let mut rest = items.to_vec();
        let first = rest.remove(i);
        for mut order in orders(&rest) {
            order.insert(0, first.clone());
            all.push(order);
        }
    }
    all
}

/// An attempt without its id: how far, when, at what price.
type Got = (u32, String, Timestamp, Option<serde_json::Value>);

/// What must not depend on the order of arrival.
fn gist(message: &Message) -> (Status, Phase, Vec<Got>) {
    let attempts = message.attempts.iter().map(|a| (a.number, a.progress.as_str().to_owned(), a.at, a.pricing.clone()));
    (message.status, message.phase.clone(), attempts.collect())
}

pub(super) async fn statuses_in_any_order_come_out_the_same(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let mut gists = Vec::new();
    // `None` stands for the answer to the send: it too comes anywhere.
    let words = [None, Some(Reported::Sent), Some(Reported::Delivered), Some(Reported::Read), Some(Reported::Failed)];
    let start = desk.now;
    for (n, order) in orders(&words).into_iter().enumerate() {
        let (to, wamid) = (format!("+49151{:08}", 20_000_000 + n), format!("wamid.{n}"));
        let id = desk.send(&to).await?;
        desk.take().await?;
        for (i, word) in order.iter().enumerate() {
            let Some(word) = word else {
                desk.answer(id, 1, &wamid).await?;
                continue;
            };
            let mut report = desk.status(&wamid, *word, start.plus(Span::secs(*word as i64)));
            report.pricing = Some(serde_json::json!({ "with": report.status }));
            // Some carry the tag, some don't.
            report.callback = if (n + i) % 2 == 0 { Desk::tag(id, 1) } else { None };
            desk.hear(vec![Fact::Status(report.clone()), Fact::Status(report)]).await?;
        }
        gists.push(gist(&desk.message(id).await?));
        // What was told rises, each once, and ends with the best.
        let told = told_of(&desk, id).await?;
        hold!(told.windows(2).all(|w| w[0] < w[1]));
        same!(told.last(), Some(&Status::Read));
    }
    same!(gists.len(), 120);
    hold!(gists.iter().all(|gist| Some(gist) == gists.first()));
    same!(gists[0].0, Status::Read);
    Ok(())
}

/// The statuses told of a message, when there are more events than one page has.
async fn told_of(desk: &Desk, id: MessageId) -> Result<Vec<Status>, Broken> {
    let (mut told, mut after) = (Vec::new(), 0);
    loop {
        let page = desk.store.events(SHOP, after, 200).await?;
        let Some(last) = page.events.last() else { return Ok(told) };
        after = last.position;
        told.extend(page.events.into_iter().filter_map(|event| match event.body {
            EventBody::MessageStatus { message, status, .. } if message == id => Some(status),
            _ => None,
        }));
    }
}

pub(super) async fn a_status_before_the_answer_is_joined(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let id = desk.send(ANA).await?;
    desk.take().await?;
    let early = desk.status("wamid.1", Reported::Delivered, desk.now);
    let outcome = desk.hear(vec![Fact::Status(early.clone())]).await?;
    same!((outcome.orphans, outcome.news, outcome.events.len()), (1, 0, 0));
    let outcome = desk.hear(vec![Fact::Status(early)]).await?;
    same!((outcome.orphans, outcome.repeated), (0, 1));
    same!(desk.shows(id).await?, Status::Sending);
    same!(desk.answer(id, 1, "wamid.1").await?, Status::Delivered);
    same!(desk.told(id).await?, vec![Status::Sent, Status::Delivered]);
    // One for a message nobody knows stays where it is, and is swept in time.
    let stray = desk.status("wamid.stray", Reported::Sent, desk.now);
    desk.hear(vec![Fact::Status(stray)]).await?;
    desk.turn(Span::days(9));
    same!(desk.sweep(1).await?, 1);
    Ok(())
}

pub(super) async fn a_tag_binds_at_once(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let (id, next) = (desk.send(ANA).await?, desk.send(ANA).await?);
    desk.take().await?;
    let mut tagged = desk.status("wamid.1", Reported::Sent, desk.now);
    tagged.callback = Desk::tag(id, 1);
    let outcome = desk.hear(vec![Fact::Status(tagged)]).await?;
    same!((outcome.orphans, outcome.news, outcome.nudged), (0, 1, vec![DESK]));
    let message = desk.message(id).await?;
    same!((message.status, message.phase), (Status::Sent, Phase::Handed));
    same!(message.attempts[0].provider_id.as_deref(), Some("wamid.1"));
    same!(desk.started().await?, vec![next]);
    // From now on the id alone is enough.
    let plain = desk.status("wamid.1", Reported::Read, desk.now);
    desk.hear(vec![Fact::Status(plain)]).await?;
    same!(desk.shows(id).await?, Status::Read);
    // A tag of an attempt that never was, of no message, or of no tag at all, binds nothing.
    for callback in [Desk::tag(id, 9), Desk::tag(MessageId(4), 1), Some("theirs".to_owned())] {
        let mut foreign = desk.status("wamid.2", Reported::Sent, desk.now);
        foreign.callback = callback;
        let outcome = desk.hear(vec![Fact::Status(foreign)]).await?;
        same!(outcome.news, 0);
    }
    same!(desk.shows(next).await?, Status::Sending);
    Ok(())
}

pub(super) async fn each_event_is_told_once(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let id = desk.handed(ANA, "wamid.1").await?;
    let (sent, read, delivered) = (
        desk.status("wamid.1", Reported::Sent, desk.now),
        desk.status("wamid.1", Reported::Read, desk.now),
        desk.status("wamid.1", Reported::Delivered, desk.now),
    );
    for report in [&sent, &sent, &read, &delivered, &read, &sent] {
        desk.hear(vec![Fact::Status(report.clone())]).await?;
    }
    same!(desk.told(id).await?, vec![Status::Sent, Status::Delivered, Status::Read]);
    // Each is whole, and positions have no gaps.
    for (event, position) in desk.events().await?.into_iter().zip(1..) {
        same!(event.position, position);
        let EventBody::MessageStatus { party, callback_data, origin: said, .. } = event.body else { continue };
        same!((party.sender, party.sender_address), (DESK, identity("+493012345678")?));
        same!((party.customer_address, party.phone.map(|p| p.to_string())), (identity(ANA)?, Some(ANA.to_owned())));
        same!(callback_data.as_deref(), Some("{\"order\":7}"));
        same!(said, Some(Box::new(origin())));
    }
    same!(desk.message(id).await?.origin, Some(origin()));
    Ok(())
}

pub(super) async fn a_repeated_message_is_one_message(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let sent = desk.handed(ANA, "wamid.out").await?;
    let mut fact = desk.inbound(person(ANA)?, "wamid.in", desk.now);
    if let Fact::Inbound(inbound) = &mut fact {
        inbound.reply_to = Some("wamid.out".to_owned());
    }
    let outcome = desk.hear(vec![fact.clone(), fact.clone()]).await?;
    same!((outcome.messages.len(), outcome.news, outcome.repeated), (1, 1, 1));
    desk.turn(Span::secs(60));
    same!(desk.hear(vec![fact]).await?.messages, vec![]);
    let Some(id) = outcome.messages.first() else { return Err(Broken("no message".to_owned())) };
    let message = desk.message(*id).await?;
    same!(
        (message.status, message.phase.clone(), message.address.to_string()),
        (Status::Received, Phase::Received, ANA.to_owned())
    );
    hold!(message.inbound.is_some() && message.draft.is_none() && message.attempts.is_empty());
    same!(message.customer, desk.message(sent).await?.customer);
    same!(desk.names().await?, vec!["message.received", "session.opened"]);
    for event in desk.events().await? {
        if let EventBody::MessageReceived { reply_to, callback_data, .. } = event.body {
            same!((reply_to, callback_data.as_deref()), (Some(sent), Some("{\"order\":7}")));
        }
    }
    Ok(())
}

pub(super) async fn a_session_opens_once(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let first = desk.now;
    let fact = desk.inbound(person(ANA)?, "in.1", first);
    same!(desk.hear(vec![fact]).await?.nudged, vec![DESK]);
    desk.turn(Span::hours(1));
    let fact = desk.inbound(person(ANA)?, "in.2", desk.now);
    desk.hear(vec![fact]).await?;
    // One that comes late takes nothing back.
    let fact = desk.inbound(person(ANA)?, "in.0", first.minus(Span::hours(1)));
    desk.hear(vec![fact]).await?;
    let opened = |names: Vec<&str>| names.into_iter().filter(|n| *n == "session.opened").count();
    same!(opened(desk.names().await?), 1);
    let look = desk.look(SHOP, DESK, identity(ANA)?).await?;
    same!(look.evidence.heard, Some(desk.now));
    desk.turn(SESSION);
    // Over; and a message from before does not open it.
    let fact = desk.inbound(person(ANA)?, "in.3", desk.now.minus(SESSION));
    same!(desk.hear(vec![fact]).await?.nudged, vec![]);
    same!(opened(desk.names().await?), 1);
    let fact = desk.inbound(person(ANA)?, "in.4", desk.now.plus(Span::hours(5)));
    desk.hear(vec![fact]).await?;
    same!(opened(desk.names().await?), 2);
    // Nobody is heard in the future.
    same!(desk.look(SHOP, DESK, identity(ANA)?).await?.evidence.heard, Some(desk.now));
    // Nobody need say through whom.
    let look = desk.store.look(desk.ask(SHOP, None, identity(ANA)?)).await?;
    same!((look.sender, look.evidence.heard), (Some(DESK), Some(desk.now)));
    same!(desk.store.look(desk.ask(SHOP, None, identity("+4915199999999")?)).await?.sender, None);
    Ok(())
}

fn refused(mut report: StatusReport, code: i64, subcode: Option<i64>) -> Fact {
    report.errors = vec![UpstreamError { code, title: "no".to_owned(), details: None, subcode }];
    Fact::Status(report)
}

pub(super) async fn a_refusal_for_want_of_a_session_closes_it(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    for (n, (code, subcode, closes)) in
        [(131_047, None, true), (10, Some(2_018_278), true), (10, None, false)].into_iter().enumerate()
    {
        let to = format!("+491511234567{n}");
        let fact = desk.inbound(person(&to)?, &format!("in.{n}"), desk.now);
        desk.hear(vec![fact]).await?;
        desk.turn(Span::secs(10));
        let started = desk.now;
        let id = desk.handed(&to, &format!("out.{n}")).await?;
        desk.turn(Span::secs(10));
        let report = desk.status(&format!("out.{n}"), Reported::Failed, desk.now);
        desk.hear(vec![refused(report, code, subcode)]).await?;
        let look = desk.look(SHOP, DESK, identity(&to)?).await?;
        same!(look.evidence.refused, closes.then_some(started));
        same!(look.evidence.at(desk.now).is_open(), !closes);
        let message = desk.message(id).await?;
        same!((message.status, message.failure.and_then(|f| f.upstream).map(|u| u.code)), (Status::Failed, Some(code)));
    }
    // 131050: the customer wants no marketing.
    desk.handed(ANA, "out.stop").await?;
    let report = desk.status("out.stop", Reported::Failed, desk.now);
    desk.hear(vec![refused(report, 131_050, None)]).await?;
    hold!(desk.look(SHOP, DESK, identity(ANA)?).await?.facts.no_marketing);
    Ok(())
}

pub(super) async fn a_body_is_heard_whole(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let id = desk.handed(ANA, "wamid.1").await?;
    let facts = vec![
        Fact::Status(desk.status("wamid.1", Reported::Sent, desk.now)),
        desk.inbound(person(ANA)?, "in.1", desk.now),
        Fact::Other { field: "security".to_owned() },
        Fact::Status(desk.status("wamid.1", Reported::Delivered, desk.now)),
        desk.inbound(person("+4915112345679")?, "in.2", desk.now),
    ];
    let outcome = desk.hear(facts).await?;
    same!((outcome.messages.len(), outcome.news, outcome.events.len()), (2, 4, 6));
    let events = desk.events().await?;
    same!(events.iter().map(|e| e.id).collect::<Vec<_>>(), outcome.events);
    same!(desk.told(id).await?, vec![Status::Sent, Status::Delivered]);
    same!(
        desk.store.journal_after(SHOP, 0, 10).await?.entries.iter().map(|e| (e.head.outcome, e.raw.clone())).collect::<Vec<_>>(),
        vec![(JournalOutcome::Heard, b"{}".to_vec())]
    );
    // A sender of another business is not spoken for.
    desk.store.put_business(business(RIVAL)).await?;
    desk.store.put_sender(sender(22, RIVAL, "+33123456789")?).await?;
    let fact = desk.inbound(person(ANA)?, "in.9", desk.now);
    let body = HearBody { business: RIVAL, ..desk.body(vec![fact]) };
    let outcome = desk.store.hear(body).await?;
    same!((outcome.messages.len(), outcome.news), (0, 0));
    same!(desk.store.events(RIVAL, 0, 10).await?.newest, 0);
    Ok(())
}

pub(super) async fn word_from_meta_overrides_giving_up(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let id = desk.send(ANA).await?;
    desk.take().await?;
    desk.lose(id, 1, Span::minutes(10)).await?;
    let fail = crate::Resolution::Fail { failure: failure(ErrorCode::OutcomeUnknown) };
    hold!(desk.store.resolve(SHOP, id, fail, desk.now).await?);
    same!(desk.shows(id).await?, Status::Failed);
    let mut late = desk.status("wamid.1", Reported::Delivered, desk.now);
    late.callback = Desk::tag(id, 1);
    desk.hear(vec![Fact::Status(late)]).await?;
    let message = desk.message(id).await?;
    same!((message.status, message.failure), (Status::Delivered, None));
    same!(desk.told(id).await?, vec![Status::Failed, Status::Delivered]);
    // And the answer, if it still comes, changes nothing.
    let answer = Of::Answered { provider_id: "wamid.1".to_owned(), recipient: person(ANA)?, note: None };
    same!(desk.settle(id, 1, answer).await?, Status::Delivered);
    Ok(())
}

pub(super) async fn what_is_done_to_an_old_message_opens_no_session(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    for (wamid, name) in [("wamid.1", "edit"), ("wamid.2", "revoke"), ("wamid.3", "system")] {
        let Fact::Inbound(mut inbound) = desk.inbound(person(ANA)?, wamid, desk.now) else { return Ok(()) };
        inbound.body = InboundBody::Unknown { name: name.to_owned(), raw: serde_json::Value::Null };
        desk.hear(vec![Fact::Inbound(inbound)]).await?;
        let look = desk.look(SHOP, DESK, identity(ANA)?).await?;
        same!(look.evidence.heard, None);
    }
    // It is kept and told all the same.
    same!(desk.names().await?, vec!["message.received"; 3]);
    Ok(())
}
