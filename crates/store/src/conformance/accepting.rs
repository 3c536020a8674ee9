//! Accepting: idempotency, ids, positions, backlog; and what can be done with a message by hand.

use std::sync::{Arc, Mutex, PoisonError};

use transom_domain::id::{BusinessId, MessageId};
use transom_domain::status::Status;
use transom_domain::time::Span;

use super::desk::{DESK, Desk, RIVAL, SHOP, business, identity, sender};
use super::{Broken, Factory, Outcome, hold, same};
use crate::{Accept, Accepted, CancelOutcome, Decide, Idempotency, IdempotencyKey, Look, Outcome as Of, Replay};

const ANA: &str = "+4915112345678";

fn keyed(mut accept: Accept, key: &str, fingerprint: u8) -> Accept {
    let answer = format!("answer {}", accept.id).into_bytes();
    let key = IdempotencyKey { key: key.to_owned(), fingerprint: [fingerprint; 32] };
    accept.idempotency = Some(Idempotency { key, answer, keep: Span::hours(24) });
    accept
}

/// What the shop's key stands for.
async fn replay(desk: &Desk, key: &str, fingerprint: u8) -> Result<Option<Replay>, Broken> {
    let mut ask = desk.ask(SHOP, Some(DESK), identity(ANA)?);
    ask.idempotency = Some(IdempotencyKey { key: key.to_owned(), fingerprint: [fingerprint; 32] });
    Ok(desk.store.look(ask).await?.replay)
}

pub(super) async fn a_key_replays_what_was_accepted(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    same!(replay(&desk, "k", 1).await?, None);
    let first = keyed(desk.text("+4915112345678")?, "k", 1);
    let answer = first.idempotency.as_ref().map(|i| i.answer.clone()).unwrap_or_default();
    desk.accept(first).await?;
    let again = keyed(desk.text("+4915112345678")?, "k", 1);
    let unstored = again.id;
    same!(desk.store.accept(again).await?, Accepted::Replayed(Replay::Answer(answer.clone())));
    same!(desk.store.message(SHOP, unstored).await?.map(|m| m.id), None);
    same!(replay(&desk, "k", 1).await?, Some(Replay::Answer(answer)));
    let other = keyed(desk.text("+4915112345678")?, "k", 2);
    same!(desk.store.accept(other).await?, Accepted::Replayed(Replay::Conflict));
    same!(replay(&desk, "k", 2).await?, Some(Replay::Conflict));
    same!(desk.store.backlog(DESK).await?.waiting, 1);
    // A key is kept for its time and no longer.
    desk.turn(Span::hours(24));
    same!(replay(&desk, "k", 2).await?, None);
    let fresh = keyed(desk.text("+4915112345678")?, "k", 2);
    desk.accept(fresh).await?;
    desk.turn(Span::hours(24));
    same!(desk.sweep(10).await?, 1);
    Ok(())
}

pub(super) async fn what_is_judged_is_what_is_stored(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let mut ask = desk.ask(SHOP, Some(DESK), identity(ANA)?);
    ask.idempotency = Some(IdempotencyKey { key: "k".to_owned(), fingerprint: [1; 32] });
    // Nothing is stored of what is refused, and the key is free.
    same!(desk.store.accept_judged(ask.clone(), Arc::new(|_| None)).await?, None);
    let seen: Arc<Mutex<Vec<Look>>> = Arc::default();
    let decide = |accept: Accept| -> Decide {
        let seen = seen.clone();
        Arc::new(move |look| {
            seen.lock().unwrap_or_else(PoisonError::into_inner).push(look.clone());
            Some(accept.clone())
        })
    };
    let first = keyed(desk.text(ANA)?, "k", 1);
    let answer = first.idempotency.as_ref().map(|i| i.answer.clone()).unwrap_or_default();
    let stored = desk.store.accept_judged(ask.clone(), decide(first.clone())).await?;
    let Some(Accepted::Stored { customer, .. }) = stored else { return Err(Broken(format!("{stored:?}"))) };
    hold!(desk.store.message(SHOP, first.id).await?.is_some());
    // A key that stands for something is answered for without a question.
    let asked = seen.lock().unwrap_or_else(PoisonError::into_inner).len();
    let again = keyed(desk.text(ANA)?, "k", 1);
    same!(desk.store.accept_judged(ask, decide(again)).await?, Some(Accepted::Replayed(Replay::Answer(answer))));
    same!(seen.lock().unwrap_or_else(PoisonError::into_inner).len(), asked);
    // What the judge is shown is what a look says at that moment.
    let ask = desk.ask(SHOP, Some(DESK), identity(ANA)?);
    let look = desk.store.look(ask.clone()).await?;
    same!(look.customer, Some(customer));
    let third = desk.text(ANA)?;
    hold!(desk.store.accept_judged(ask, decide(third)).await?.is_some());
    same!(seen.lock().unwrap_or_else(PoisonError::into_inner).last(), Some(&look));
    Ok(())
}

pub(super) async fn ids_and_keys_are_each_businesss_own(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    desk.store.put_business(business(RIVAL)).await?;
    desk.store.put_sender(sender(22, RIVAL, "+33123456789")?).await?;
    let ours = keyed(desk.text("+4915112345678")?, "k", 1);
    let theirs = Accept { business: RIVAL, sender: transom_domain::id::SenderId(22), ..keyed(ours.clone(), "k", 9) };
    let twice = Accept { idempotency: None, ..ours.clone() };
    let id = desk.accept(ours).await?;
    same!(desk.store.accept(twice).await?, Accepted::IdTaken);
    desk.accept(theirs).await?;
    same!(desk.store.message(RIVAL, id).await?.map(|m| m.business), Some(RIVAL));
    same!(desk.store.message(SHOP, id).await?.map(|m| m.business), Some(SHOP));
    same!(desk.store.message(BusinessId(3), id).await?.map(|m| m.id), None);
    Ok(())
}

pub(super) async fn positions_have_no_gaps(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let mut ids = Vec::new();
    for i in 0..5 {
        // Refusals in between take no position.
        let mut refused = desk.text("+4915112345678")?;
        refused.backlog_max = 0;
        same!(desk.store.accept(refused).await?, Accepted::BacklogFull);
        ids.push(desk.send(&format!("+491511234567{i}")).await?);
    }
    for (id, position) in ids.into_iter().zip(1..) {
        same!(desk.message(id).await?.position, position);
    }
    Ok(())
}

pub(super) async fn a_full_backlog_refuses_and_a_claim_makes_room(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let started = desk.now;
    for i in 0..3 {
        desk.send(&format!("+491511234567{i}")).await?;
        desk.turn(Span::secs(1));
    }
    let mut one_more = desk.text("+4915112345679")?;
    one_more.backlog_max = 3;
    same!(desk.store.accept(one_more.clone()).await?, Accepted::BacklogFull);
    let backlog = desk.store.backlog(DESK).await?;
    same!((backlog.waiting, backlog.oldest), (3, Some(started)));
    same!(desk.store.claim(desk.claiming(1)).await?.claimed.len(), 1);
    same!(desk.store.backlog(DESK).await?.waiting, 2);
    hold!(matches!(desk.store.accept(one_more).await?, Accepted::Stored { .. }));
    Ok(())
}

pub(super) async fn what_is_for_later_leaves_room_for_what_goes_now(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let later = Accept { not_before: desk.now.plus(Span::hours(1)), schedule_max: 2, ..desk.text("+4915112345671")? };
    hold!(matches!(desk.store.accept(later).await?, Accepted::Stored { .. }));
    desk.send("+4915112345672").await?;
    let later = Accept { not_before: desk.now.plus(Span::hours(1)), schedule_max: 2, ..desk.text("+4915112345673")? };
    let (id, now) = (later.id, Accept { not_before: desk.now, ..later.clone() });
    same!(desk.store.accept(later).await?, Accepted::ScheduleFull);
    same!(desk.store.message(SHOP, id).await?.map(|m| m.id), None);
    hold!(matches!(desk.store.accept(now).await?, Accepted::Stored { .. }));
    same!(desk.store.backlog(DESK).await?.waiting, 3);
    Ok(())
}

pub(super) async fn a_foreign_sender_is_refused(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let foreign = Accept { business: RIVAL, ..desk.text("+4915112345678")? };
    let id = foreign.id;
    hold!(desk.store.accept(foreign).await.is_err());
    same!(desk.store.message(RIVAL, id).await?.map(|m| m.id), None);
    same!(desk.store.backlog(DESK).await?.waiting, 0);
    Ok(())
}

pub(super) async fn calling_off_redacting_and_deleting(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let (id, next) = (desk.send("+4915112345678").await?, desk.send("+4915112345678").await?);
    same!(desk.store.redact(SHOP, id, desk.now).await?, CancelOutcome::WrongState(Status::Queued));
    same!(desk.store.delete(SHOP, id, desk.now).await?, CancelOutcome::WrongState(Status::Queued));
    same!(desk.store.cancel(RIVAL, id, desk.now).await?, CancelOutcome::NotFound);
    same!(desk.store.cancel(SHOP, id, desk.now).await?, CancelOutcome::Done);
    same!(desk.store.cancel(SHOP, id, desk.now).await?, CancelOutcome::Done);
    same!(desk.shows(id).await?, Status::Cancelled);
    same!(desk.store.backlog(DESK).await?.waiting, 1);
    // The next of the lane goes in its stead.
    same!(desk.started().await?, vec![next]);
    same!(desk.store.cancel(SHOP, next, desk.now).await?, CancelOutcome::WrongState(Status::Sending));
    same!(desk.store.redact(SHOP, next, desk.now).await?, CancelOutcome::WrongState(Status::Sending));
    desk.answer(next, 1, "wamid.1").await?;
    same!(desk.store.redact(SHOP, next, desk.now).await?, CancelOutcome::Done);
    let redacted = desk.message(next).await?;
    hold!(redacted.redacted && redacted.draft.is_none() && redacted.attempts.len() == 1);
    same!(desk.store.delete(SHOP, next, desk.now).await?, CancelOutcome::Done);
    same!(desk.store.message(SHOP, next).await?.map(|m| m.id), None);
    same!(desk.store.delete(SHOP, MessageId(5), desk.now).await?, CancelOutcome::NotFound);
    // A late outcome of what is gone does no harm.
    let late = Of::Answered { provider_id: "wamid.1".to_owned(), recipient: Default::default(), note: None };
    hold!(desk.settle(next, 1, late).await.is_err());
    Ok(())
}
