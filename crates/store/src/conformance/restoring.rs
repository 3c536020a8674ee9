//! Restoring: what waited at the time of a backup is in doubt, and nothing of it is sent twice by itself.

use transom_domain::fact::{Fact, Reported};
use transom_domain::message::WhenUnknown;
use transom_domain::status::Status;
use transom_domain::time::Span;

use super::desk::{DESK, Desk, SHOP};
use super::{Broken, Factory, Outcome, hold, same};
use crate::{Revive, RevivePoint};

const ANA: &str = "+4915112345678";
const BEN: &str = "+4915112345679";

/// Revives in slices of one; gives how many messages it was about.
async fn revive(desk: &Desk, how: Revive) -> Result<usize, Broken> {
    let (mut from, mut messages) = (Some(RevivePoint::START), 0);
    while let Some(point) = from {
        let done = desk.store.revive(how, point, 1, desk.now).await?;
        messages += done.messages;
        from = done.next;
    }
    Ok(messages)
}

pub(super) async fn what_waited_at_the_backup_is_held(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let flying = desk.send(ANA).await?;
    desk.take().await?;
    let lost = desk.send(BEN).await?;
    let claimed = desk.take().await?;
    desk.lose(lost, claimed.attempt, Span::secs(5)).await?;
    let (first, second) = (desk.send(ANA).await?, desk.send(BEN).await?);
    let mut again = desk.text(BEN)?;
    again.when_unknown = WhenUnknown::Resend;
    let again = desk.accept(again).await?;
    let mut later = desk.text(BEN)?;
    later.not_before = desk.now.plus(Span::days(2));
    let later = desk.accept(later).await?;
    let before = desk.store.events(SHOP, 0, 1).await?.newest;

    desk.turn(Span::hours(1));
    let until = desk.now.plus(Span::hours(1));
    same!(revive(&desk, Revive::Hold { until }).await?, 5);
    for id in [flying, lost, first, second, again] {
        same!(desk.shows(id).await?, Status::Unknown);
    }
    // What was to go later cannot have left.
    same!(desk.shows(later).await?, Status::Accepted);
    same!(desk.store.backlog(DESK).await?.waiting, 1);
    same!(desk.started().await?, vec![]);
    // A status of the attempt that the lost process made settles it.
    let mut told = desk.status("wamid.first", Reported::Delivered, desk.now);
    told.callback = Desk::tag(first, 1);
    desk.hear(vec![Fact::Status(told)]).await?;
    same!(desk.shows(first).await?, Status::Delivered);
    // Readers of the stream who were further than the backup miss nothing.
    let page = desk.store.events(SHOP, before + 1_000_000, 100).await?;
    hold!(!page.events.is_empty() && page.events.iter().all(|e| e.position > before + 1_000_000));
    // Of the others nothing is sent again by itself, but for the one whose caller would rather have it twice.
    desk.turn(Span::hours(2));
    let (pending, _) = desk.store.overdue(desk.now, 100).await?;
    let mut wishes: Vec<_> = pending.iter().map(|p| (p.message.id, p.message.when_unknown)).collect();
    wishes.sort_by_key(|(id, _)| *id);
    let fail = WhenUnknown::Fail;
    same!(wishes, vec![(flying, fail), (lost, fail), (second, fail), (again, WhenUnknown::Resend)]);
    desk.turn(Span::days(2));
    same!(desk.started().await?, vec![later]);
    Ok(())
}

pub(super) async fn what_waited_at_the_backup_ends_or_goes_as_is_chosen(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let flying = desk.send(ANA).await?;
    desk.take().await?;
    let waiting = desk.send(BEN).await?;
    same!(revive(&desk, Revive::Send).await?, 0);
    same!(desk.shows(flying).await?, Status::Unknown);
    same!(desk.started().await?, vec![waiting]);
    let next = desk.send(ANA).await?;
    same!(revive(&desk, Revive::Fail).await?, 3);
    for id in [flying, waiting, next] {
        same!(desk.shows(id).await?, Status::Failed);
    }
    same!(desk.store.backlog(DESK).await?.waiting, 0);
    Ok(())
}
