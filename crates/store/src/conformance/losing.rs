//! Lost answers: unknown, recovery, evidence, decision.

use transom_domain::error_code::ErrorCode;
use transom_domain::fact::{Fact, Reported, StatusReport};
use transom_domain::status::{Phase, Progress, Status};
use transom_domain::time::Span;

use super::desk::{DESK, Desk, OWNER, SHOP, failure};
use super::{Factory, Outcome, hold, same};
use crate::{CancelOutcome, Outcome as Of, Resolution};

const ANA: &str = "+4915112345678";
const BEN: &str = "+4915112345679";
const WAIT: Span = Span::minutes(10);

pub(super) async fn a_lost_answer_frees_the_lane(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let (lost, next) = (desk.send(ANA).await?, desk.send(ANA).await?);
    desk.take().await?;
    same!(desk.lose(lost, 1, WAIT).await?, Status::Unknown);
    same!(desk.started().await?, vec![next]);
    let until = desk.now.plus(WAIT);
    same!(desk.message(lost).await?.phase, Phase::Unknown { until });
    let (over, due) = desk.store.overdue(desk.now, 10).await?;
    same!((over.len(), due), (0, Some(until)));
    // The answer came after all.
    same!(desk.answer(lost, 1, "wamid.1").await?, Status::Sending);
    same!(desk.message(lost).await?.phase, Phase::Handed);
    desk.turn(WAIT);
    same!(desk.store.overdue(desk.now, 10).await?.0.len(), 0);
    same!(desk.told(lost).await?, vec![]);
    Ok(())
}

pub(super) async fn recovery_is_of_others_only(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let (ana, behind) = (desk.send(ANA).await?, desk.send(ANA).await?);
    desk.take().await?;
    let until = desk.now.plus(WAIT);
    same!(desk.store.recover(OWNER, desk.now, until).await?, 0);
    same!(desk.store.recover(OWNER - 1, desk.now, until).await?, 1);
    same!(desk.store.recover(OWNER - 1, desk.now, until).await?, 0);
    let message = desk.message(ana).await?;
    same!((message.status, message.phase), (Status::Unknown, Phase::Unknown { until }));
    same!(message.attempts.iter().map(|a| a.progress).collect::<Vec<_>>(), vec![Progress::Unknown]);
    same!(desk.started().await?, vec![behind]);
    Ok(())
}

pub(super) async fn silence_has_its_evidence(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let lost = desk.send(ANA).await?;
    let started = desk.now;
    desk.take().await?;
    desk.lose(lost, 1, WAIT).await?;
    desk.turn(WAIT);
    let (over, _) = desk.store.overdue(desk.now, 10).await?;
    same!(
        over.iter().map(|p| (p.message.id, p.attempted_at, p.heard_of_attempts_until)).collect::<Vec<_>>(),
        vec![(lost, started, None)]
    );
    // A status of a later attempt through the same app.
    let later = desk.now;
    desk.handed(BEN, "wamid.ben").await?;
    let sent = desk.status("wamid.ben", Reported::Sent, desk.now);
    desk.hear(vec![Fact::Status(sent)]).await?;
    let (over, _) = desk.store.overdue(desk.now, 10).await?;
    same!(over.first().and_then(|p| p.heard_of_attempts_until), Some(later));
    // Wait, then resend, then fail: each only while it is still open.
    let wait = Resolution::Wait { until: desk.now.plus(WAIT) };
    hold!(desk.store.resolve(SHOP, lost, wait, desk.now).await?);
    let (over, due) = desk.store.overdue(desk.now, 10).await?;
    same!((over.len(), due), (0, Some(desk.now.plus(WAIT))));
    hold!(desk.store.resolve(SHOP, lost, Resolution::Resend, desk.now).await?);
    hold!(!desk.store.resolve(SHOP, lost, Resolution::Resend, desk.now).await?);
    // It may have arrived: it shows so, and cannot be called off.
    same!(desk.shows(lost).await?, Status::Unknown);
    same!(desk.store.cancel(SHOP, lost, desk.now).await?, CancelOutcome::WrongState(Status::Unknown));
    same!(desk.take().await?.attempt, 2);
    desk.lose(lost, 2, WAIT).await?;
    let fail = Resolution::Fail { failure: failure(ErrorCode::OutcomeUnknown) };
    hold!(desk.store.resolve(SHOP, lost, fail, desk.now).await?);
    let message = desk.message(lost).await?;
    same!((message.status, message.failure.map(|f| f.code)), (Status::Failed, Some(ErrorCode::OutcomeUnknown)));
    same!(desk.told(lost).await?, vec![Status::Failed]);
    Ok(())
}

pub(super) async fn silence_is_judged_at_the_moment_of_the_decision(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let lost = desk.send(ANA).await?;
    desk.take().await?;
    desk.lose(lost, 1, WAIT).await?;
    desk.turn(WAIT);
    let (over, _) = desk.store.overdue(desk.now, 10).await?;
    same!(over.first().map(|p| p.heard_of_attempts_until), Some(None));
    // Between the look and the decision a status of a later attempt comes in: now silence is evidence.
    desk.handed(BEN, "wamid.ben").await?;
    let sent = desk.status("wamid.ben", Reported::Sent, desk.now);
    desk.hear(vec![Fact::Status(sent)]).await?;
    hold!(desk.store.resolve(SHOP, lost, Resolution::BySilence, desk.now).await?);
    same!(desk.take().await?.attempt, 2);
    desk.lose(lost, 2, WAIT).await?;
    desk.turn(WAIT);
    // Nothing was heard of any attempt after the second.
    hold!(desk.store.resolve(SHOP, lost, Resolution::BySilence, desk.now).await?);
    same!(desk.message(lost).await?.failure.map(|f| f.code), Some(ErrorCode::OutcomeUnknown));
    Ok(())
}

pub(super) async fn a_resend_is_called_off_by_a_word(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let lost = desk.send(ANA).await?;
    desk.take().await?;
    desk.lose(lost, 1, WAIT).await?;
    hold!(desk.store.resolve(SHOP, lost, Resolution::Resend, desk.now).await?);
    same!(desk.store.backlog(DESK).await?.waiting, 1);
    let mut sent = desk.status("wamid.1", Reported::Sent, desk.now);
    sent.callback = Desk::tag(lost, 1);
    desk.hear(vec![Fact::Status(sent)]).await?;
    same!(desk.shows(lost).await?, Status::Sent);
    same!(desk.store.backlog(DESK).await?.waiting, 0);
    let claims = desk.claim().await?;
    same!((claims.claimed.len(), claims.next_due), (0, None));
    Ok(())
}

pub(super) async fn what_arrived_after_all_is_not_sent_a_third_time(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let id = desk.send(ANA).await?;
    desk.take().await?;
    desk.lose(id, 1, WAIT).await?;
    desk.turn(WAIT);
    hold!(desk.store.resolve(SHOP, id, Resolution::Resend, desk.now).await?);
    same!(desk.take().await?.attempt, 2);
    // While the second attempt is under way, word comes of the first; then the second one is throttled.
    let word = StatusReport { callback: Desk::tag(id, 1), ..desk.status("wamid.1", Reported::Delivered, desk.now) };
    desk.hear(vec![Fact::Status(word)]).await?;
    same!(desk.again(id, 2, Span::secs(10)).await?, Status::Delivered);
    same!(desk.message(id).await?.phase, Phase::Handed);
    desk.turn(Span::secs(10));
    same!(desk.started().await?, vec![]);
    Ok(())
}

pub(super) async fn a_refusal_beside_a_lost_answer_leaves_it_in_doubt(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let id = desk.send(ANA).await?;
    desk.take().await?;
    desk.lose(id, 1, WAIT).await?;
    desk.turn(WAIT);
    hold!(desk.store.resolve(SHOP, id, Resolution::Resend, desk.now).await?);
    desk.take().await?;
    let end = Of::Failed { failure: failure(ErrorCode::MessageUndeliverable), no_session: false };
    same!(desk.settle(id, 2, end).await?, Status::Failed);
    // The first attempt may have arrived: nobody may tell that the message was refused.
    same!(desk.message(id).await?.failure.map(|f| f.code), Some(ErrorCode::OutcomeUnknown));
    Ok(())
}

pub(super) async fn a_failure_beside_a_lost_answer_is_told(factory: &dyn Factory) -> Outcome {
    // Whether the answer to the second attempt comes before the word that it failed, or is lost too.
    let mut desk = Desk::new(factory).await?;
    for answered in [true, false] {
        let id = desk.send(if answered { ANA } else { BEN }).await?;
        desk.take().await?;
        desk.lose(id, 1, WAIT).await?;
        desk.turn(WAIT);
        hold!(desk.store.resolve(SHOP, id, Resolution::Resend, desk.now).await?);
        desk.take().await?;
        if answered {
            desk.answer(id, 2, "wamid.2").await?;
        }
        let word = desk.status(if answered { "wamid.2" } else { "wamid.3" }, Reported::Failed, desk.now);
        desk.hear(vec![Fact::Status(StatusReport { callback: Desk::tag(id, 2), ..word })]).await?;
        // Nobody will hear of the first attempt any more: the message must not stay unknown for ever.
        let message = desk.message(id).await?;
        same!((message.status, message.failure.map(|f| f.code)), (Status::Failed, Some(ErrorCode::OutcomeUnknown)));
        same!(desk.told(id).await?, vec![Status::Failed]);
        // But if one does, that counts.
        let word = StatusReport { callback: Desk::tag(id, 1), ..desk.status("wamid.1", Reported::Delivered, desk.now) };
        let word = if answered { word } else { StatusReport { provider_id: "wamid.4".to_owned(), ..word } };
        desk.hear(vec![Fact::Status(word)]).await?;
        same!(desk.shows(id).await?, Status::Delivered);
    }
    Ok(())
}

pub(super) async fn silence_while_nobody_listened_says_nothing(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let lost = desk.send(ANA).await?;
    desk.take().await?;
    desk.lose(lost, 1, WAIT).await?;
    // The process is away for longer than the wait: what Meta had to tell meanwhile is still to come.
    desk.turn(Span::minutes(20));
    let until = desk.now.plus(WAIT);
    same!(desk.store.recover(OWNER + 1, desk.now, until).await?, 0);
    let (over, due) = desk.store.overdue(desk.now, 10).await?;
    same!((over.len(), due), (0, Some(until)));
    same!(desk.message(lost).await?.phase, Phase::Unknown { until });
    // A wait that is longer already stays.
    hold!(desk.store.resolve(SHOP, lost, Resolution::Wait { until: until.plus(WAIT) }, desk.now).await?);
    same!(desk.store.recover(OWNER + 2, desk.now, until).await?, 0);
    same!(desk.message(lost).await?.phase, Phase::Unknown { until: until.plus(WAIT) });
    Ok(())
}
