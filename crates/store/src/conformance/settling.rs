//! Settling: what an attempt's outcome does to its message.

use transom_domain::error_code::ErrorCode;
use transom_domain::fact::{Fact, Person, Reported};
use transom_domain::status::{Phase, Progress, Status};
use transom_domain::time::Span;

use super::desk::{DESK, Desk, SHOP, failure, identity, person};
use super::{Factory, Outcome, hold, same};
use crate::{Outcome as Of, Settle};

const ANA: &str = "+4915112345678";

pub(super) async fn an_answer_hands_over(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let id = desk.send(ANA).await?;
    let behind = desk.send(ANA).await?;
    let claimed = desk.take().await?;
    same!((claimed.message.id, claimed.attempt), (id, 1));
    same!(claimed.message.attempts.iter().map(|a| a.progress).collect::<Vec<_>>(), vec![Progress::Started]);
    same!(claimed.phone.map(|p| p.to_string()), Some(ANA.to_owned()));
    same!(claimed.message.status, Status::Sending);
    let user = Person { bsuid: identity("bsuid:DE.77")?.bsuid().cloned(), ..person(ANA)? };
    let outcome = Of::Answered { provider_id: "wamid.1".to_owned(), recipient: user, note: Some("held".to_owned()) };
    let mut verdict = claimed.message.verdict.clone();
    if let Some(verdict) = &mut verdict {
        "As it was at dispatch.".clone_into(&mut verdict.explanation);
    }
    let settle = Settle { business: SHOP, message: id, attempt: 1, verdict: verdict.clone(), outcome, answer: None };
    let settled = desk.store.settle(vec![settle], desk.now).await?;
    same!(settled.iter().map(|s| (s.others_wait, s.told)).collect::<Vec<_>>(), vec![(true, false)]);
    let message = desk.message(id).await?;
    same!((message.phase, message.status, message.verdict), (Phase::Handed, Status::Sending, verdict));
    let attempt = &message.attempts[0];
    same!(
        (attempt.progress, attempt.provider_id.as_deref(), attempt.note.as_deref()),
        (Progress::Answered, Some("wamid.1"), Some("held"))
    );
    // Nothing to tell yet; and the recipient is known better now.
    same!(desk.told(id).await?, vec![]);
    let look = desk.look(SHOP, DESK, identity("bsuid:DE.77")?).await?;
    same!(look.customer, Some(message.customer));
    same!(desk.take().await?.message.id, behind);
    let end = Of::Failed { failure: failure(ErrorCode::MessageOutsideOfEligibilityWindow), no_session: false };
    let settle = Settle { business: SHOP, message: behind, attempt: 1, verdict: None, outcome: end, answer: None };
    let settled = desk.store.settle(vec![settle], desk.now).await?;
    same!(settled.iter().map(|s| (s.others_wait, s.told)).collect::<Vec<_>>(), vec![(false, true)]);
    Ok(())
}

pub(super) async fn a_refusal_ends_or_waits(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let id = desk.send(ANA).await?;
    let started = desk.now;
    desk.take().await?;
    same!(desk.again(id, 1, Span::secs(10)).await?, Status::Queued);
    same!(desk.store.backlog(DESK).await?.waiting, 1);
    desk.turn(Span::secs(10));
    same!(desk.take().await?.attempt, 2);
    let end = Of::Failed { failure: failure(ErrorCode::MessageOutsideOfEligibilityWindow), no_session: true };
    same!(desk.settle(id, 2, end).await?, Status::Failed);
    let message = desk.message(id).await?;
    same!(message.failure.map(|f| f.code), Some(ErrorCode::MessageOutsideOfEligibilityWindow));
    same!(message.attempts.iter().map(|a| a.progress).collect::<Vec<_>>(), vec![Progress::Refused; 2]);
    same!(desk.told(id).await?, vec![Status::Failed]);
    // The evidence is dated by the attempt's start.
    desk.turn(Span::secs(5));
    let look = desk.look(SHOP, DESK, identity(ANA)?).await?;
    same!(look.evidence.refused, Some(started.plus(Span::secs(10))));
    Ok(())
}

pub(super) async fn what_never_left_is_no_attempt(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let id = desk.send(ANA).await?;
    desk.take().await?;
    let not_before = desk.now.plus(Span::secs(1));
    let back = Of::Again { not_before, failure: failure(ErrorCode::RateLimited), uncounted: true };
    // As if it had never been claimed: it waits for a later time.
    same!(desk.settle(id, 1, back).await?, Status::Accepted);
    same!(desk.message(id).await?.attempts.len(), 0);
    same!(desk.claim().await?.next_due, Some(not_before));
    desk.turn(Span::secs(1));
    same!(desk.take().await?.attempt, 1);
    Ok(())
}

pub(super) async fn a_late_outcome_only_joins(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let (id, next) = (desk.send(ANA).await?, desk.send(ANA).await?);
    desk.take().await?;
    let mut report = desk.status("wamid.1", Reported::Delivered, desk.now);
    report.callback = Desk::tag(id, 1);
    desk.hear(vec![Fact::Status(report)]).await?;
    same!(desk.shows(id).await?, Status::Delivered);
    // The lane went on with the word, not with the answer.
    same!(desk.started().await?, vec![next]);
    let end = Of::Failed { failure: failure(ErrorCode::UpstreamError), no_session: false };
    same!(desk.settle(id, 1, end).await?, Status::Delivered);
    same!(desk.lose(id, 1, Span::minutes(10)).await?, Status::Delivered);
    same!(desk.again(id, 1, Span::ZERO).await?, Status::Delivered);
    same!(desk.answer(id, 1, "wamid.1").await?, Status::Delivered);
    same!(desk.message(id).await?.phase, Phase::Handed);
    same!(desk.told(id).await?, vec![Status::Sent, Status::Delivered]);
    hold!(desk.claim().await?.claimed.is_empty());
    Ok(())
}
