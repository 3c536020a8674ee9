//! Tallies: what they count agrees with a count over all messages.

use std::collections::BTreeMap;

use transom_domain::error_code::ErrorCode;
use transom_domain::fact::{Fact, Reported};
use transom_domain::id::MessageId;
use transom_domain::time::{Span, Timestamp};

use super::desk::{Desk, RIVAL, SHOP, failure, person};
use super::{Broken, Factory, Outcome, hold, same};
use crate::{MessageFilter, Outcome as Of, OverviewAsk, Page, Tally, TallyStep};

const WHO: [&str; 3] = ["+4915112345678", "+4915112345679", "+4915112345670"];

fn ask(desk: &Desk, from: Timestamp, step: TallyStep) -> OverviewAsk {
    OverviewAsk { from, to: desk.now.plus(Span::days(1)), step, sender: None, now: desk.now }
}

/// Counted over all messages, by the beginning of each step.
async fn counted(desk: &Desk, step: TallyStep) -> Result<BTreeMap<Timestamp, Tally>, Broken> {
    let mut all = BTreeMap::new();
    let mut token = None;
    loop {
        let page = Page { size: 200, token };
        let (messages, next) = desk.store.messages(SHOP, MessageFilter::default(), page).await?;
        for message in messages {
            let wide = step.span().as_millis();
            let begins = Timestamp::from_millis(message.accepted_at.as_millis().div_euclid(wide) * wide);
            let sum: &mut Tally = all.entry(begins).or_default();
            *sum += Tally::of(message.status);
        }
        token = next;
        if token.is_none() {
            return Ok(all);
        }
    }
}

async fn agrees(desk: &Desk, from: Timestamp, step: TallyStep) -> Outcome {
    let told = desk.store.overview(SHOP, ask(desk, from, step)).await?.points;
    let told: BTreeMap<Timestamp, Tally> = told.into_iter().filter(|(_, tally)| *tally != Tally::default()).collect();
    same!(told, counted(desk, step).await?);
    Ok(())
}

/// A little chance, the same on every engine.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

pub(super) async fn tallies_agree_with_a_count_over_all_messages(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let start = Timestamp::from_millis(desk.now.as_millis().div_euclid(86_400_000) * 86_400_000);
    let mut dice = Dice(7);
    let mut sent: Vec<String> = Vec::new();
    let mut waiting: Vec<(MessageId, u32)> = Vec::new();
    for n in 0..240 {
        let who = WHO[usize::try_from(dice.throw(3)).unwrap_or(0)];
        match dice.throw(10) {
            0 => {
                // Heard twice, it is one.
                let fact = desk.inbound(person(who)?, &format!("in.{n}"), desk.now);
                desk.hear(vec![fact.clone(), fact.clone()]).await?;
                desk.hear(vec![fact]).await?;
            }
            1..=3 => {
                let id = desk.send(who).await?;
                if dice.throw(6) == 0 {
                    desk.store.cancel(SHOP, id, desk.now).await?;
                }
                let begun: Vec<_> = desk.claim().await?.claimed.iter().map(|one| (one.message.id, one.attempt)).collect();
                waiting.extend(begun);
            }
            4 | 8 => {
                if let Some((id, attempt)) = waiting.pop() {
                    let refused = Of::Failed { failure: failure(ErrorCode::UpstreamError), no_session: false };
                    match dice.throw(4) {
                        0 => drop(desk.settle(id, attempt, refused).await?),
                        _ => {
                            let wamid = format!("wamid.{n}");
                            desk.answer(id, attempt, &wamid).await?;
                            sent.push(wamid);
                        }
                    }
                }
            }
            5..=7 => {
                // In any order, and again.
                if let Some(wamid) = sent.get(usize::try_from(dice.throw(sent.len().max(1) as u64)).unwrap_or(0)) {
                    let said = [Reported::Sent, Reported::Delivered, Reported::Read, Reported::Failed];
                    let status = desk.status(wamid, said[usize::try_from(dice.throw(4)).unwrap_or(0)], desk.now);
                    desk.hear(vec![Fact::Status(status.clone()), Fact::Status(status)]).await?;
                }
            }
            _ => desk.turn(Span::secs(i64::try_from(dice.throw(5_000)).unwrap_or(0))),
        }
        if n % 40 == 39 {
            agrees(&desk, start, TallyStep::Minute).await?;
        }
    }
    for step in [TallyStep::Minute, TallyStep::Hour, TallyStep::Day] {
        agrees(&desk, start, step).await?;
    }
    let one = desk.store.overview(SHOP, ask(&desk, start, TallyStep::Day)).await?;
    let mut sum = Tally::default();
    one.points.iter().for_each(|(_, tally)| sum += *tally);
    hold!(sum.received > 0 && sum.read > 0 && sum.failed > 0 && sum.cancelled > 0);
    hold!(sum.accepted >= sum.sent + sum.failed + sum.cancelled && sum.sent >= sum.delivered && sum.delivered >= sum.read);
    same!(desk.store.overview(RIVAL, ask(&desk, start, TallyStep::Day)).await?.points, vec![]);
    Ok(())
}

pub(super) async fn tallies_outlive_their_messages_by_the_hour(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let start = Timestamp::from_millis(desk.now.as_millis().div_euclid(3_600_000) * 3_600_000);
    desk.handed(WHO[0], "wamid.1").await?;
    desk.turn(Span::minutes(1));
    desk.handed(WHO[1], "wamid.2").await?;
    let fact = Fact::Status(desk.status("wamid.2", Reported::Failed, desk.now));
    desk.hear(vec![fact.clone(), fact]).await?;
    let fact = desk.inbound(person(WHO[2])?, "in.1", desk.now);
    desk.hear(vec![fact]).await?;
    let told = desk.store.overview(SHOP, ask(&desk, start, TallyStep::Hour)).await?;
    same!(told.open_sessions, 1);
    same!(told.failings.iter().map(|failing| failing.messages).collect::<Vec<_>>(), vec![1]);
    let sum = Tally { received: 1, accepted: 2, failed: 1, ..Tally::default() };
    let of = |points: &[(Timestamp, Tally)]| {
        let mut all = Tally::default();
        points.iter().for_each(|(_, tally)| all += *tally);
        all
    };
    same!(of(&told.points), sum);
    // What is swept up into hours is still there, and is read late.
    desk.turn(Span::days(4));
    desk.sweep(512).await?;
    let by_minute = desk.store.overview(SHOP, ask(&desk, start, TallyStep::Minute)).await?;
    same!(by_minute.points, vec![]);
    same!(of(&desk.store.overview(SHOP, ask(&desk, start, TallyStep::Hour)).await?.points), sum);
    let fact = Fact::Status(desk.status("wamid.1", Reported::Read, desk.now));
    desk.hear(vec![fact]).await?;
    let sum = Tally { sent: 1, delivered: 1, read: 1, ..sum };
    for step in [TallyStep::Hour, TallyStep::Day] {
        same!(of(&desk.store.overview(SHOP, ask(&desk, start, step)).await?.points), sum);
    }
    // They outlive the messages, and not themselves.
    desk.turn(Span::days(100));
    desk.sweep(512).await?;
    same!(of(&desk.store.overview(SHOP, ask(&desk, start, TallyStep::Day)).await?.points), sum);
    desk.turn(Span::days(400));
    for _ in 0..2 {
        desk.sweep(512).await?;
    }
    let over = desk.store.overview(SHOP, ask(&desk, start, TallyStep::Day)).await?;
    same!((over.points.len(), over.failings.len(), over.open_sessions), (0, 0, 0));
    Ok(())
}
