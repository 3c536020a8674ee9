//! The timeline: every word once, whatever the order it came in; and what is taken out of a story.

use transom_domain::endpoint::{Health, Order};
use transom_domain::error_code::ErrorCode;
use transom_domain::event::EventBody;
use transom_domain::fact::{Fact, InboundBody, Reported};
use transom_domain::id::EndpointId;
use transom_domain::status::{Progress, Status};
use transom_domain::time::Span;

use super::desk::{Desk, OWNER, RIVAL, SHOP, failure, person};
use super::hearing::orders;
use super::relaying;
use super::telling::{self, endpoint};
use super::{Broken, Factory, Outcome, hold, same};
use crate::{CancelOutcome, Outcome as Of, RelayRound, Resolution, Settle, Step, Timeline, Topic, UpstreamAnswer, Word};

const ANA: &str = "+4915112345678";
const BEN: &str = "+4915112345679";

/// The steps of a story, by attempt.
fn steps(timeline: &Timeline) -> Vec<(u32, &'static str)> {
    timeline.words.iter().map(|w| (w.attempt, w.step.as_str())).collect()
}

fn find(timeline: &Timeline, attempt: u32, step: Step) -> Result<&Word, Broken> {
    let found = timeline.words.iter().find(|w| (w.attempt, w.step) == (attempt, step));
    found.ok_or_else(|| Broken(format!("{} of attempt {attempt} is missing", step.as_str())))
}

pub(super) async fn every_order_tells_the_same_story(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let mut stories = Vec::new();
    // `None` stands for the answer to the send: a status that comes before it is kept and joined.
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
            let mut report = desk.status(&wamid, *word, start.plus(Span::secs(*word as i64 - 1)));
            report.pricing = Some(serde_json::json!({ "with": report.status }));
            report.callback = if (n + i) % 2 == 0 { Desk::tag(id, 1) } else { None };
            // Said again later: the first saying counts.
            let again = transom_domain::fact::StatusReport { at: report.at.plus(Span::secs(9)), pricing: None, ..report.clone() };
            let both = if i % 2 == 0 { [report, again] } else { [again, report] };
            for report in both {
                desk.hear(vec![Fact::Status(report.clone())]).await?;
                desk.hear(vec![Fact::Status(report)]).await?;
            }
        }
        stories.push((order, desk.store.timeline(SHOP, id).await?.words));
    }
    same!(stories.len(), 120);
    for (order, story) in &stories {
        if story != &stories[0].1 {
            return Err(Broken(format!("{order:?} tells\n{story:?}\nand not\n{:?}", stories[0].1)));
        }
    }
    let story = Timeline { words: stories.swap_remove(0).1, ..Timeline::default() };
    same!(steps(&story), vec![(1, "answered"), (1, "sent"), (1, "failed"), (1, "delivered"), (1, "read")]);
    let sent = find(&story, 1, Step::Attempt(Progress::Sent))?;
    // By Meta's clock, which is a second behind ours here.
    same!((sent.at, sent.heard_at), (start.minus(Span::secs(1)), start));
    same!(sent.pricing, Some(serde_json::json!({ "with": "sent" })));
    same!(find(&story, 1, Step::Attempt(Progress::Answered))?.pricing, None);
    same!(find(&story, 1, Step::Attempt(Progress::Failed))?.error.as_ref().map(|e| e.code), Some(ErrorCode::UpstreamError));
    Ok(())
}

pub(super) async fn a_story_has_its_own_steps(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    // Scheduled, then called off.
    let mut later = desk.text(ANA)?;
    let (start, due) = (desk.now, desk.now.plus(Span::hours(1)));
    later.not_before = due;
    let verdict = later.verdict.clone();
    let id = desk.accept(later).await?;
    desk.turn(Span::secs(5));
    same!(desk.store.cancel(SHOP, id, desk.now).await?, CancelOutcome::Done);
    let story = desk.store.timeline(SHOP, id).await?;
    same!(steps(&story), vec![(0, "scheduled"), (0, "cancelled")]);
    same!((find(&story, 0, Step::Scheduled)?.at, find(&story, 0, Step::Scheduled)?.until), (start, Some(due)));
    same!(find(&story, 0, Step::Cancelled)?.at, desk.now);
    same!((story.accepted_on, story.dispatched_on), (Some(verdict.clone()), None));
    // Waited past its validity.
    let mut short = desk.text(ANA)?;
    short.expires_at = Some(desk.now.plus(Span::secs(2)));
    let id = desk.accept(short).await?;
    desk.turn(Span::secs(3));
    desk.store.expire(desk.now, 10).await?;
    let story = desk.store.timeline(SHOP, id).await?;
    same!(steps(&story), vec![(0, "expired")]);
    same!(find(&story, 0, Step::Expired)?.at, desk.now);
    // Given up, and delivered after all: both stay in the story.
    let id = desk.send(ANA).await?;
    desk.take().await?;
    same!(desk.store.recover(OWNER - 1, desk.now, desk.now.plus(Span::minutes(10))).await?, 1);
    desk.turn(Span::minutes(10));
    let given_up = desk.now;
    let fail = Resolution::Fail { failure: failure(ErrorCode::OutcomeUnknown) };
    hold!(desk.store.resolve(SHOP, id, fail, desk.now).await?);
    desk.turn(Span::secs(1));
    let mut late = desk.status("wamid.1", Reported::Delivered, start);
    late.callback = Desk::tag(id, 1);
    same!(desk.hear(vec![Fact::Status(late)]).await?.news, 1);
    let mut sent = desk.status("wamid.1", Reported::Sent, start);
    sent.callback = Desk::tag(id, 1);
    // A lesser word is news to the story, and makes no event.
    let outcome = desk.hear(vec![Fact::Status(sent.clone())]).await?;
    same!((outcome.news, outcome.events.len()), (1, 0));
    same!(desk.hear(vec![Fact::Status(sent)]).await?.repeated, 1);
    let story = desk.store.timeline(SHOP, id).await?;
    same!(steps(&story), vec![(0, "given_up"), (1, "unknown"), (1, "sent"), (1, "delivered")]);
    let end = find(&story, 0, Step::GivenUp)?;
    same!((end.at, end.error.as_ref().map(|e| e.code)), (given_up, Some(ErrorCode::OutcomeUnknown)));
    same!(find(&story, 1, Step::Attempt(Progress::Unknown))?.until, Some(given_up));
    same!(find(&story, 1, Step::Attempt(Progress::Delivered))?.heard_at, desk.now);
    // It is its business's own, and goes with its message.
    same!(desk.store.timeline(RIVAL, id).await?, Timeline::default());
    same!(desk.store.delete(SHOP, id, desk.now).await?, CancelOutcome::Done);
    same!(desk.store.timeline(SHOP, id).await?, Timeline::default());
    Ok(())
}

pub(super) async fn what_is_tried_again_says_until_when(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let id = desk.send(ANA).await?;
    // What never left is not in the story.
    desk.take().await?;
    let back = Of::Again { not_before: desk.now, failure: failure(ErrorCode::RateLimited), uncounted: true };
    desk.settle(id, 1, back).await?;
    same!(steps(&desk.store.timeline(SHOP, id).await?), vec![]);
    desk.take().await?;
    desk.turn(Span::secs(1));
    desk.again(id, 1, Span::minutes(5)).await?;
    let next = desk.now.plus(Span::minutes(5));
    desk.turn(Span::minutes(5));
    let claimed = desk.take().await?;
    let mut verdict = claimed.message.verdict.clone();
    if let Some(verdict) = &mut verdict {
        "As it was at dispatch.".clone_into(&mut verdict.explanation);
    }
    let answered = Of::Answered { provider_id: "wamid.1".to_owned(), recipient: person(ANA)?, note: Some("held".to_owned()) };
    let said = UpstreamAnswer { status: 200, body: "{}".to_owned(), cut: false };
    let settle = Settle {
        business: SHOP,
        message: id,
        attempt: 2,
        verdict: verdict.clone(),
        outcome: answered,
        answer: Some(said.clone()),
    };
    desk.store.settle(vec![settle], desk.now).await?;
    let story = desk.store.timeline(SHOP, id).await?;
    same!(steps(&story), vec![(1, "refused"), (2, "answered")]);
    let refused = find(&story, 1, Step::Attempt(Progress::Refused))?;
    same!((refused.until, refused.error.as_ref().map(|e| e.code)), (Some(next), Some(ErrorCode::UpstreamError)));
    same!(find(&story, 2, Step::Attempt(Progress::Answered))?.note.as_deref(), Some("held"));
    same!(find(&story, 2, Step::Attempt(Progress::Answered))?.answer.as_ref(), Some(&said));
    same!(story.dispatched_on, verdict.map(|v| (2, v)));
    same!(story.accepted_on.map(|v| v.explanation), Some("A session is open.".to_owned()));
    // A late outcome is a word, and holds nothing any more.
    let lost = Of::Unknown { until: next.plus(Span::days(1)), failure: failure(ErrorCode::OutcomeUnknown), first: false };
    desk.settle(id, 1, lost).await?;
    same!(find(&desk.store.timeline(SHOP, id).await?, 1, Step::Attempt(Progress::Unknown))?.until, None);
    Ok(())
}

pub(super) async fn what_waits_to_be_told_is_in_the_story(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    desk.store.put_endpoint(endpoint(1, Topic::DeliveryStatus)).await?;
    let (id, other) = (desk.handed(ANA, "wamid.1").await?, desk.handed(ANA, "wamid.2").await?);
    let sent = ["wamid.1", "wamid.2"].map(|wamid| Fact::Status(desk.status(wamid, Reported::Sent, desk.now)));
    desk.hear(sent.to_vec()).await?;
    same!(desk.store.timeline(SHOP, id).await?.outstanding, vec![]);
    let work = desk.store.relay_work(EndpointId(1), 0, desk.now, 10).await?;
    let due = desk.now.plus(Span::secs(30));
    let waits = |tried| {
        move |(event, _): &(transom_domain::event::Event, bool)| {
            telling::waits(event.position, event.body.order_key(), tried, due, "500")
        }
    };
    let round = RelayRound {
        by: OWNER,
        endpoint: EndpointId(1),
        cursor: work.looked_to,
        waiting: work.fresh.iter().map(waits(1)).collect(),
        over: Vec::new(),
        replay: None,
        news: Vec::new(),
        known: Health::default(),
        health: Health::default(),
        now: desk.now,
    };
    desk.store.relay_settle(round.clone()).await?;
    for message in [id, other] {
        let outstanding = desk.store.timeline(SHOP, message).await?.outstanding;
        same!(outstanding.len(), 1);
        let one = &outstanding[0];
        hold!(matches!(&one.body, EventBody::MessageStatus { message: m, .. } if *m == message));
        same!((one.topic, one.tried, one.due, one.since), (Some(Topic::DeliveryStatus), 1, due, desk.now));
        same!(one.seen.as_str(), "500");
    }
    let over = work.fresh.iter().map(|(event, _)| event.position).collect();
    desk.store.relay_settle(RelayRound { waiting: Vec::new(), over, ..round }).await?;
    same!(desk.store.timeline(SHOP, id).await?.outstanding, vec![]);
    Ok(())
}

pub(super) async fn without_an_order_it_is_in_the_story_too(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    desk.store.put_endpoint(relaying::own(1, Order::None)).await?;
    let mut ids = Vec::new();
    for (n, who) in [ANA, BEN, ANA].into_iter().enumerate() {
        let wamid = format!("wamid.{n}");
        ids.push(desk.handed(who, &wamid).await?);
        let sent = Fact::Status(desk.status(&wamid, Reported::Sent, desk.now));
        desk.hear(vec![sent]).await?;
        desk.turn(Span::minutes(1));
    }
    let work = desk.store.relay_work(EndpointId(1), 0, desk.now, 10).await?;
    let due = desk.now.plus(Span::secs(30));
    let round = RelayRound {
        by: OWNER,
        endpoint: EndpointId(1),
        cursor: work.looked_to,
        waiting: work.fresh.iter().map(|(event, _)| telling::waits(event.position, None, 1, due, "500")).collect(),
        over: Vec::new(),
        replay: None,
        news: Vec::new(),
        known: Health::default(),
        health: Health::default(),
        now: desk.now,
    };
    desk.store.relay_settle(round).await?;
    for id in ids {
        let outstanding = desk.store.timeline(SHOP, id).await?.outstanding;
        same!(
            outstanding.iter().map(|one| (one.endpoint, one.topic, one.due)).collect::<Vec<_>>(),
            vec![(EndpointId(1), None, due)]
        );
    }
    Ok(())
}

pub(super) async fn feedback_stands_in_the_story(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let id = desk.handed(ANA, "wamid.f").await?;
    let inbound = desk.inbound(person(ANA)?, "in.f", desk.now);
    let heard = desk.hear(vec![inbound]).await?.messages[0];
    same!(desk.store.give_feedback(SHOP, id, false, desk.now).await?, CancelOutcome::Done);
    let confirmed = desk.now;
    for confirm in [true, true, false] {
        same!(desk.store.give_feedback(SHOP, id, confirm, desk.now).await?, CancelOutcome::Done);
        desk.turn(Span::secs(1));
    }
    let story = desk.store.timeline(SHOP, id).await?;
    same!(find(&story, 0, Step::Confirmed)?.at, confirmed);
    hold!(find(&story, 0, Step::Unconfirmed).is_ok());
    same!(desk.store.give_feedback(SHOP, heard, true, desk.now).await?, CancelOutcome::WrongState(Status::Received));
    same!(desk.store.give_feedback(RIVAL, id, true, desk.now).await?, CancelOutcome::NotFound);
    Ok(())
}

pub(super) async fn what_is_taken_out_is_taken_out_of_events(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    desk.handed(ANA, "wamid.out").await?;
    let ana = person(ANA)?;
    let facts = ["in.1", "in.2", "in.3"].map(|wamid| desk.inbound(ana.clone(), wamid, desk.now));
    let heard = desk.hear(facts.to_vec()).await?;
    let before = desk.events().await?;
    let (first, second) = (heard.messages[0], heard.messages[1]);
    same!(desk.store.redact(SHOP, first, desk.now).await?, CancelOutcome::Done);
    same!(desk.store.delete(SHOP, second, desk.now).await?, CancelOutcome::Done);
    let after = desk.events().await?;
    same!(after.len(), before.len());
    for (was, is) in before.iter().zip(&after) {
        same!((was.position, was.id, was.at, was.body.name()), (is.position, is.id, is.at, is.body.name()));
        let EventBody::MessageReceived { message, inbound, .. } = &is.body else {
            same!(was, is);
            continue;
        };
        if [first, second].contains(message) {
            let InboundBody::Unknown { name, raw } = &inbound.body else {
                return Err(Broken(format!("event {} still has its content", is.position)));
            };
            same!((name.as_str(), raw.is_null()), ("redacted", true));
        } else {
            same!(was, is);
        }
    }
    // Again is as once; and what has no event any more is no trouble.
    same!(desk.store.redact(SHOP, first, desk.now).await?, CancelOutcome::Done);
    desk.turn(Span::days(31));
    desk.sweep(512).await?;
    same!(desk.events().await?.len(), 0);
    same!(desk.store.redact(SHOP, heard.messages[2], desk.now).await?, CancelOutcome::Done);
    Ok(())
}
