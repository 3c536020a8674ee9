//! Meta's limits: who may still be written to first, who waits for that, and what Meta told last.

use transom_domain::address::Phone;
use transom_domain::error_code::ErrorCode;
use transom_domain::fact::{Account, Fact, Heard};
use transom_domain::id::MessageId;
use transom_domain::limits::{LimitsTold, MessagingLimit, Rating, leave_at, minute};
use transom_domain::message::Class;
use transom_domain::time::Span;

use super::desk::{DESK, Desk, OWNER, RIVAL, SHOP, business, failure, identity, person, sender};
use super::{Broken, Factory, Outcome, hold, same};
use crate::{Accepted, AtOnce, HearOutcome, WaitReason};

const WABA: &str = "waba-1";

fn number(n: u32) -> String {
    format!("+49151123{n:05}")
}

fn limit(desk: &Desk, customers: u32) -> LimitsTold {
    LimitsTold { limit: Some(MessagingLimit::Customers(customers)), at: desk.now, ..LimitsTold::default() }
}

async fn told(desk: &Desk, customers: u32) -> Result<bool, Broken> {
    Ok(desk.store.put_limits(SHOP, DESK, limit(desk, customers), desk.now).await?)
}

async fn template(desk: &mut Desk, class: Class, to: &str) -> Result<MessageId, Broken> {
    let mut accept = desk.text(to)?;
    accept.class = class;
    desk.accept(accept).await
}

pub(super) async fn a_full_limit_holds_back_new_customers_only(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    hold!(told(&desk, 2).await?);
    let mut ids = Vec::new();
    for n in 0..4 {
        ids.push(template(&mut desk, Class::Utility, &number(n)).await?);
    }
    same!(desk.started().await?, vec![ids[0], ids[1]]);
    let opens = leave_at(minute(desk.now));
    let nothing = desk.claim().await?;
    same!((nothing.claimed.len(), nothing.next_due, nothing.wants_room), (0, Some(opens), None));
    let outlook = desk.store.outlook(SHOP, ids[2], desk.now).await?.map(|o| (o.reason, o.until));
    same!(outlook, Some((WaitReason::MessagingLimit, Some(opens))));
    same!(desk.store.outlook(SHOP, ids[0], desk.now).await?, None);
    let load = desk.store.load(DESK, desk.now).await?;
    same!((load.reached, load.held, load.next_place_at, load.next_due), (2, true, Some(opens), Some(opens)));
    same!(load.waiting_by_class, vec![(Class::Reply, 0), (Class::Utility, 2), (Class::Marketing, 0)]);
    // Who counts already may be written to again, in whatever class.
    let again = template(&mut desk, Class::Marketing, &number(0)).await?;
    same!(desk.started().await?, vec![again]);
    // Who writes opens a window, and what is sent inside it counts for nothing.
    let wrote = desk.inbound(person(&number(3))?, "wamid.in", desk.now);
    desk.hear(vec![wrote]).await?;
    same!(desk.started().await?, vec![ids[3]]);
    same!(desk.store.load(DESK, desk.now).await?.reached, 2);
    Ok(())
}

pub(super) async fn places_come_free_in_the_order_accepted(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    told(&desk, 2).await?;
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.push(template(&mut desk, Class::Marketing, &number(n)).await?);
    }
    same!(desk.started().await?, vec![ids[0], ids[1]]);
    same!(desk.started().await?, Vec::<MessageId>::new());
    // Meta did not take the first: its place goes to the next, before one that came later.
    let later = template(&mut desk, Class::Marketing, &number(9)).await?;
    let refused = crate::Outcome::Failed { failure: failure(ErrorCode::UpstreamError), no_session: false };
    desk.settle(ids[0], 1, refused).await?;
    desk.answer(ids[1], 1, "wamid.1").await?;
    same!(desk.started().await?, vec![ids[2]]);
    desk.turn(Span::minutes(10));
    same!(desk.started().await?, Vec::<MessageId>::new());
    // A day and a minute after them.
    desk.now = leave_at(minute(desk.now.minus(Span::minutes(10))));
    same!(desk.started().await?, vec![ids[3], ids[4]]);
    same!(desk.store.load(DESK, desk.now).await?.reached, 2);
    // A larger limit lets go what waits.
    told(&desk, 3).await?;
    same!(desk.started().await?, vec![later]);
    Ok(())
}

pub(super) async fn what_starts_at_once_takes_a_place_too(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    told(&desk, 1).await?;
    let mut starts = Vec::new();
    for n in 0..2 {
        let mut accept = desk.text(&number(n))?;
        accept.class = Class::Utility;
        accept.at_once = Some(AtOnce { owner: OWNER, pair_gap: Span::secs(6), pair_burst: 45 });
        let accepted = desk.store.accept(accept).await?;
        starts.push(matches!(accepted, Accepted::Stored { claimed: Some(_), .. }));
    }
    same!(starts, vec![true, false]);
    same!(desk.started().await?, Vec::<MessageId>::new());
    Ok(())
}

pub(super) async fn what_is_tried_again_keeps_what_it_had_before(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    told(&desk, 1).await?;
    let first = template(&mut desk, Class::Utility, &number(1)).await?;
    same!(desk.started().await?, vec![first]);
    desk.answer(first, 1, "wamid.1").await?;
    desk.turn(Span::hours(2));
    let second = template(&mut desk, Class::Utility, &number(1)).await?;
    same!(desk.started().await?, vec![second]);
    let refused = crate::Outcome::Failed { failure: failure(ErrorCode::UpstreamError), no_session: false };
    desk.settle(second, 1, refused).await?;
    // The second never reached the customer, the first did, two hours ago.
    same!(desk.store.load(DESK, desk.now).await?.reached, 1);
    desk.now = leave_at(minute(desk.now.minus(Span::hours(2))));
    same!(desk.store.load(DESK, desk.now).await?.reached, 0);
    Ok(())
}

pub(super) async fn codes_find_the_places_kept_for_them(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    told(&desk, 40).await?;
    for n in 0..45 {
        template(&mut desk, Class::Marketing, &number(n)).await?;
    }
    same!(desk.claim().await?.claimed.len(), 36);
    let utility = template(&mut desk, Class::Utility, &number(50)).await?;
    let code = template(&mut desk, Class::Reply, &number(51)).await?;
    same!(desk.started().await?, vec![code, utility]);
    Ok(())
}

async fn hear(desk: &mut Desk, told: LimitsTold) -> Result<HearOutcome, Broken> {
    let mut body = desk.body(Vec::new());
    body.heard.push((None, Heard { account: Account::Waba(WABA.to_owned()), fact: Fact::Limits(told) }));
    Ok(desk.store.hear(body).await?)
}

pub(super) async fn limits_go_by_time_and_by_owner(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    desk.store.put_business(business(RIVAL)).await?;
    desk.store.put_sender(sender(21, RIVAL, "+493099999999")?).await?;
    told(&desk, 250).await?;
    let phone = Phone::parse("+493012345678").map_err(|why| Broken(why.to_string()))?;
    let news = |at, limit: u32, throughput| LimitsTold {
        phone: Some(phone.clone()),
        throughput,
        quality: Some(Rating::Yellow),
        limit: Some(MessagingLimit::Customers(limit)),
        name: None,
        at,
    };
    let now = desk.now;
    let old = LimitsTold { quality: None, ..news(now.minus(Span::minutes(1)), 50, None) };
    let old = hear(&mut desk, old).await?;
    same!((old.news, old.repeated, old.nudged), (0, 1, vec![]));
    // What is told of one thing does not hide what was told earlier of another, and is heard later.
    let other = LimitsTold { limit: None, quality: Some(Rating::Red), ..news(now.minus(Span::minutes(2)), 1, Some(20)) };
    same!(hear(&mut desk, other).await?.nudged, vec![DESK]);
    let load = desk.store.load(DESK, desk.now).await?;
    same!((load.limits.limit, load.limits.quality), (Some(MessagingLimit::Customers(250)), Some(Rating::Red)));
    let new = hear(&mut desk, news(now, 2_000, Some(1_000))).await?;
    same!((new.news, new.nudged), (1, vec![DESK]));
    let load = desk.store.load(DESK, desk.now).await?;
    same!((load.limits.limit, load.limits.quality), (Some(MessagingLimit::Customers(2_000)), Some(Rating::Yellow)));
    let senders = desk.store.senders().await?;
    let of = |id| senders.iter().find(|s| s.id == id).map(|s| s.throughput);
    same!((of(DESK), of(transom_domain::id::SenderId(21))), (Some(1_000), Some(80)));
    // Nobody tells another one's limits.
    hold!(!desk.store.put_limits(RIVAL, DESK, limit(&desk, 1), desk.now).await?);
    same!(identity("+493012345678")?.phone(), Some(&phone));
    Ok(())
}
