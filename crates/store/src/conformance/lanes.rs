//! Lanes: who goes first, who waits for whom, and how fast.

use transom_domain::error_code::ErrorCode;
use transom_domain::message::{Class, LANE_PATIENCE};
use transom_domain::shares::Room;
use transom_domain::status::Status;
use transom_domain::time::Span;

use super::desk::{DESK, Desk, SHOP, failure};
use super::{Broken, Factory, Outcome, hold, same};
use crate::{Accept, Accepted, AtOnce, CancelOutcome, Claim};

const ANA: &str = "+4915112345678";
const BEN: &str = "+4915112345679";

pub(super) async fn a_lane_starts_in_the_order_accepted(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let mut ana = Vec::new();
    for _ in 0..3 {
        ana.push(desk.send(ANA).await?);
    }
    let ben = desk.send(BEN).await?;
    // One head per lane, and a lane in flight yields nothing.
    same!(desk.started().await?, vec![ana[0], ben]);
    let nothing = desk.claim().await?;
    same!((nothing.claimed.len(), nothing.next_due), (0, None));
    desk.answer(ana[0], 1, "wamid.0").await?;
    same!(desk.started().await?, vec![ana[1]]);
    desk.answer(ana[1], 1, "wamid.1").await?;
    same!(desk.started().await?, vec![ana[2]]);
    Ok(())
}

/// Accepts, and says whether the message started at once.
async fn starts(desk: &Desk, accept: Accept) -> Result<bool, Broken> {
    let (id, at_once) = (accept.id, accept.at_once.is_some());
    match desk.store.accept(accept).await? {
        Accepted::Stored { claimed: Some(claimed), .. } => {
            same!((claimed.attempt, claimed.message.id, claimed.message.status), (1, id, Status::Sending));
            same!(*desk.message(id).await?.attempts, *claimed.message.attempts);
            hold!(at_once);
            Ok(true)
        }
        Accepted::Stored { claimed: None, .. } => {
            same!(desk.message(id).await?.attempts.len(), 0);
            Ok(false)
        }
        other => Err(Broken(format!("message {id} was not stored: {other:?}"))),
    }
}

pub(super) async fn what_nothing_stands_before_starts_at_once(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let eager = |desk: &mut Desk, to: &str| -> Result<Accept, Broken> {
        Ok(Accept { at_once: Some(AtOnce { pair_burst: 2, ..desk.at_once() }), ..desk.text(to)? })
    };
    let first = eager(&mut desk, ANA)?;
    let id = first.id;
    hold!(starts(&desk, first).await?);
    same!(desk.store.backlog(DESK).await?.waiting, 0);
    same!(desk.store.timeline(SHOP, id).await?.words, vec![]);
    // A claim finds nothing; a process that dies now leaves one attempt behind.
    same!(desk.claim().await?.claimed.len(), 0);
    // Its lane is taken; what waits there holds nobody else.
    let (second, third) = (eager(&mut desk, ANA)?, eager(&mut desk, BEN)?);
    let second_id = second.id;
    hold!(!starts(&desk, second).await? && starts(&desk, third).await?);
    desk.answer(id, 1, "wamid.1").await?;
    same!(desk.started().await?, vec![second_id]);
    desk.answer(second_id, 1, "wamid.2").await?;
    // Who is due comes first, within a class and before the less urgent; the less urgent and the scheduled hold nobody.
    let of = |desk: &mut Desk, to: &str, class: Class| Ok::<_, Broken>(Accept { class, ..eager(desk, to)? });
    let due = Accept { at_once: None, ..of(&mut desk, "+4915112345690", Class::Utility)? };
    let due_id = due.id;
    hold!(!starts(&desk, due).await?);
    let mut scheduled = of(&mut desk, "+4915112345691", Class::Reply)?;
    scheduled.not_before = desk.now.plus(Span::hours(1));
    let scheduled_id = scheduled.id;
    hold!(!starts(&desk, scheduled).await?);
    let (same, less) = (of(&mut desk, "+4915112345692", Class::Utility)?, of(&mut desk, "+4915112345693", Class::Marketing)?);
    let behind = vec![due_id, same.id, less.id];
    hold!(!starts(&desk, same).await? && !starts(&desk, less).await?);
    let reply = of(&mut desk, "+4915112345694", Class::Reply)?;
    hold!(starts(&desk, reply).await?);
    same!(desk.started().await?, behind);
    same!(desk.store.cancel(SHOP, scheduled_id, desk.now).await?, CancelOutcome::Done);
    // The pair has borrowed its burst; another has not.
    let paced = eager(&mut desk, ANA)?;
    let paced_id = paced.id;
    hold!(!starts(&desk, paced).await?);
    desk.turn(Span::secs(12));
    same!(desk.started().await?, vec![paced_id]);
    desk.answer(paced_id, 1, "wamid.3").await?;
    // Not yet, and no more.
    let mut later = eager(&mut desk, "+4915112345680")?;
    later.not_before = desk.now.plus(Span::secs(1));
    let later_id = later.id;
    hold!(!starts(&desk, later).await?);
    desk.turn(Span::secs(1));
    same!(desk.started().await?, vec![later_id]);
    let mut over = eager(&mut desk, "+4915112345681")?;
    over.expires_at = Some(desk.now);
    hold!(!starts(&desk, over).await?);
    same!(desk.store.expire(desk.now, 10).await?.0, 1);
    // A stopped sender keeps its queue.
    let stop = failure(ErrorCode::UpstreamCredentials);
    hold!(desk.store.set_sender_state(SHOP, DESK, Some(stop), desk.now).await?);
    let stopped = eager(&mut desk, "+4915112345682")?;
    hold!(!starts(&desk, stopped).await?);
    // What started is recovered as any attempt is: the third, the reply, those behind, the one that was scheduled.
    same!(desk.store.recover(1, desk.now, desk.now).await?, 6);
    Ok(())
}

pub(super) async fn classes_go_before_each_other(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let mut ids = Vec::new();
    for class in [Class::Marketing, Class::Utility, Class::Reply] {
        for to in [ANA, BEN] {
            let mut accept = desk.text(to)?;
            accept.class = class;
            ids.push(desk.accept(accept).await?);
        }
    }
    let claims = desk.store.claim(desk.claiming(3)).await?;
    let started: Vec<_> = claims.claimed.iter().map(|c| c.message.id).collect();
    same!(started, vec![ids[4], ids[5], ids[2]]);
    // What the limit left over is due at once.
    same!(claims.next_due, Some(desk.now));
    same!(claims.wants_room, Some(Class::Utility));
    same!(desk.started().await?, vec![ids[3], ids[0], ids[1]]);
    Ok(())
}

pub(super) async fn a_class_without_room_leaves_the_others_theirs(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let mut ids = Vec::new();
    for class in [Class::Marketing, Class::Utility, Class::Reply] {
        for to in [ANA, BEN] {
            let mut accept = desk.text(to)?;
            accept.class = class;
            ids.push(desk.accept(accept).await?);
        }
    }
    let room = Room::by_class(|class| usize::from(class == Class::Reply) * 4);
    let claims = desk.store.claim(Claim { room, ..desk.claiming(0) }).await?;
    let started: Vec<_> = claims.claimed.iter().map(|c| c.message.id).collect();
    same!(started, vec![ids[4], ids[5]]);
    same!(claims.wants_room, Some(Class::Utility));
    let room = Room::by_class(|class| usize::from(class <= Class::Utility) * 2);
    let claims = desk.store.claim(Claim { room, ..desk.claiming(0) }).await?;
    same!(claims.claimed.len(), 2);
    same!(claims.wants_room, Some(Class::Marketing));
    same!(desk.started().await?, vec![ids[0], ids[1]]);
    let nothing = desk.claim().await?;
    same!((nothing.wants_room, nothing.next_due), (None, None));
    Ok(())
}

pub(super) async fn a_long_wait_lets_the_next_pass(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let (first, second, third) = (desk.send(ANA).await?, desk.send(ANA).await?, desk.send(ANA).await?);
    same!(desk.started().await?, vec![first]);
    let long = LANE_PATIENCE.as_millis() + 1;
    same!(desk.again(first, 1, Span::millis(long)).await?, Status::Queued);
    same!(desk.started().await?, vec![second]);
    desk.answer(second, 1, "wamid.2").await?;
    // Its time has come: it takes its place before what came after it.
    desk.turn(Span::millis(long));
    same!(desk.started().await?, vec![first]);
    desk.answer(first, 2, "wamid.1").await?;
    same!(desk.started().await?, vec![third]);
    same!(desk.message(first).await?.attempts.len(), 2);
    Ok(())
}

pub(super) async fn a_short_wait_keeps_its_place(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let (first, second) = (desk.send(ANA).await?, desk.send(ANA).await?);
    same!(desk.started().await?, vec![first]);
    desk.again(first, 1, LANE_PATIENCE).await?;
    let claims = desk.claim().await?;
    same!((claims.claimed.len(), claims.next_due), (0, Some(desk.now.plus(LANE_PATIENCE))));
    desk.turn(LANE_PATIENCE);
    same!(desk.started().await?, vec![first]);
    desk.answer(first, 2, "wamid.1").await?;
    same!(desk.started().await?, vec![second]);
    Ok(())
}

pub(super) async fn what_was_scheduled_takes_its_place(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let mut later = desk.text(ANA)?;
    later.not_before = desk.now.plus(Span::hours(1));
    let later = desk.accept(later).await?;
    same!(desk.shows(later).await?, Status::Accepted);
    let now = desk.send(ANA).await?;
    same!(desk.started().await?, vec![now]);
    desk.answer(now, 1, "wamid.1").await?;
    same!(desk.claim().await?.next_due, Some(desk.now.plus(Span::hours(1))));
    desk.turn(Span::hours(1));
    let after = desk.send(ANA).await?;
    same!(desk.started().await?, vec![later]);
    desk.answer(later, 1, "wamid.2").await?;
    same!(desk.started().await?, vec![after]);
    Ok(())
}

pub(super) async fn a_pair_has_its_pace(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let mut claim = desk.claiming(10);
    (claim.pair_gap, claim.pair_burst) = (Span::secs(6), 2);
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(desk.send(ANA).await?);
    }
    for (i, id) in ids.iter().enumerate().take(2) {
        same!(desk.store.claim(claim).await?.claimed.len(), 1);
        desk.answer(*id, 1, &format!("wamid.{i}")).await?;
    }
    // The burst is used up: the head waits, no attempt is written, the lane is due when the pace lets it go.
    let other = desk.send(BEN).await?;
    let claims = desk.store.claim(claim).await?;
    same!(claims.claimed.iter().map(|c| c.message.id).collect::<Vec<_>>(), vec![other]);
    same!(claims.next_due, Some(desk.now.plus(Span::secs(6))));
    same!(desk.message(ids[2]).await?.attempts.len(), 0);
    same!(desk.shows(ids[2]).await?, Status::Queued);
    // The pace is the pair's: another class of the same pair waits too.
    let mut utility = desk.text(ANA)?;
    utility.class = Class::Utility;
    desk.accept(utility).await?;
    same!(desk.store.claim(claim).await?.claimed.len(), 0);
    desk.turn(Span::secs(6));
    claim.now = desk.now;
    let claimed: Vec<_> = desk.store.claim(claim).await?.claimed.iter().map(|c| c.message.id).collect();
    same!(claimed, vec![ids[2]]);
    Ok(())
}

pub(super) async fn what_is_past_its_validity_never_leaves(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let mut short = desk.text(ANA)?;
    short.expires_at = Some(desk.now.plus(Span::secs(30)));
    let mut other = desk.text(BEN)?;
    other.expires_at = Some(desk.now.plus(Span::secs(40)));
    let (short, other, next) = (desk.accept(short).await?, desk.accept(other).await?, desk.send(ANA).await?);
    same!(desk.store.expire(desk.now, 10).await?, (0, Some(desk.now.plus(Span::secs(30)))));
    desk.turn(Span::secs(30));
    // Found by a claim, it ends there, and the next goes at once.
    let started = desk.started().await?;
    same!(started, vec![next, other]);
    let ended = desk.message(short).await?;
    same!(
        (ended.status, ended.failure.map(|f| f.code), ended.attempts.len()),
        (Status::Expired, Some(ErrorCode::MessageExpired), 0)
    );
    same!(desk.told(short).await?, vec![Status::Expired]);
    // Found by the clock: one whose attempts were refused ends, one in flight does not.
    desk.turn(Span::secs(60));
    same!(desk.store.expire(desk.now, 10).await?, (0, None));
    desk.again(other, 1, Span::secs(5)).await?;
    same!(desk.store.expire(desk.now, 10).await?.0, 1);
    same!(desk.told(other).await?, vec![Status::Expired]);
    same!(desk.store.backlog(DESK).await?.waiting, 0);
    Ok(())
}

pub(super) async fn a_stopped_sender_keeps_its_queue(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let id = desk.send(ANA).await?;
    let stop = failure(ErrorCode::UpstreamCredentials);
    hold!(desk.store.set_sender_state(SHOP, DESK, Some(stop), desk.now).await?);
    same!(desk.claim().await?.claimed.len(), 0);
    same!(desk.store.backlog(DESK).await?.waiting, 1);
    hold!(desk.store.set_sender_state(SHOP, DESK, None, desk.now).await?);
    same!(desk.started().await?, vec![id]);
    Ok(())
}
