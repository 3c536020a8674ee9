//! What the upstream is asked about: which messages, when, how many, and what its answer changes.

use transom_domain::fact::{Fact, HeardBy, Reported, StatusReport};
use transom_domain::failure::UpstreamError;
use transom_domain::id::MessageId;
use transom_domain::status::{Progress, Status};
use transom_domain::time::Span;

use super::desk::{DESK, Desk, SHOP};
use super::{Broken, Factory, Outcome, hold, same};
use crate::{Asked, NoHistory, Offer, Overdue, Step, UNDELIVERED_AFTER};

const AFTER: Span = Span::minutes(15);

/// What is to be asked about now, after all that is old enough was looked at in slices of two.
async fn overdue(desk: &Desk) -> Result<Vec<Overdue>, Broken> {
    while desk.store.find_overdue(SHOP, AFTER, 2, desk.now).await? {}
    Ok(desk.store.overdue_of(DESK, 10, desk.now).await?)
}

fn named(overdue: &[Overdue]) -> Vec<(MessageId, u32)> {
    overdue.iter().map(|one| (one.message, one.tries)).collect()
}

/// What a history says of a message.
fn told(desk: &Desk, wamid: &str, status: Reported) -> Fact {
    let unnamed = UpstreamError { code: -1, title: "undeliverable".to_owned(), details: None, subcode: None };
    let errors = if status == Reported::Failed { vec![unnamed] } else { Vec::new() };
    Fact::Status(StatusReport { by: HeardBy::History, errors, ..desk.status(wamid, status, desk.now) })
}

pub(super) async fn what_nothing_is_heard_of_is_asked_about(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let mut ids = Vec::new();
    for n in 1..=5 {
        ids.push(desk.handed(&format!("+491511234560{n}"), &format!("wamid.{n}")).await?);
    }
    // The first is sent, the second delivered, the third failed: of those something was heard.
    for (n, status) in [(1, Reported::Sent), (2, Reported::Delivered), (3, Reported::Failed)] {
        let word = Fact::Status(desk.status(&format!("wamid.{n}"), status, desk.now));
        desk.hear(vec![word]).await?;
    }
    desk.turn(AFTER);
    same!(named(&overdue(&desk).await?), vec![]);
    desk.turn(Span::millis(1));
    let found = overdue(&desk).await?;
    same!(named(&found), vec![(ids[3], 0), (ids[4], 0)]);
    same!(found[0].provider_ids, vec!["wamid.4".to_owned()]);
    // Looked at once; and of what is heard meanwhile there is nothing to ask.
    let word = Fact::Status(desk.status("wamid.4", Reported::Read, desk.now));
    desk.hear(vec![word]).await?;
    let found = overdue(&desk).await?;
    same!(found.iter().map(|one| one.provider_ids.len()).collect::<Vec<_>>(), vec![0, 1]);
    // One is over, the other is asked for again.
    let again = desk.now.plus(Span::minutes(10));
    let asked = vec![
        Asked { message: ids[3], due: found[0].due, again: None },
        Asked { message: ids[4], due: found[1].due, again: Some((again, 1)) },
    ];
    desk.store.asked_of(DESK, asked, Offer::Unseen).await?;
    same!(overdue(&desk).await?, vec![]);
    same!(desk.store.history_of(DESK).await?.waiting, 1);
    desk.turn(Span::minutes(10));
    let found = overdue(&desk).await?;
    same!(named(&found), vec![(ids[4], 1)]);
    desk.store.asked_of(DESK, vec![Asked { message: ids[4], due: found[0].due, again: None }], Offer::There).await?;
    // Those that are sent, and no more, are asked about much later, and so is what nothing is heard of still.
    desk.turn(UNDELIVERED_AFTER);
    same!(named(&overdue(&desk).await?), vec![(ids[0], 0), (ids[4], 0)]);
    // Days later nobody asks.
    desk.turn(Span::days(7));
    hold!(overdue(&desk).await?.iter().all(|one| one.provider_ids.is_empty()));
    Ok(())
}

pub(super) async fn who_has_no_history_is_not_asked(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    desk.handed("+4915112345601", "wamid.1").await?;
    desk.turn(AFTER);
    desk.turn(Span::secs(1));
    same!(overdue(&desk).await?.len(), 1);
    let (since, day) = (desk.now, Span::days(1));
    let refused = |desk: &Desk| NoHistory { since: desk.now, until: desk.now.plus(day), why: "(#200) no".to_owned() };
    desk.store.asked_of(DESK, Vec::new(), Offer::None(refused(&desk))).await?;
    same!(overdue(&desk).await?, vec![]);
    // What is old enough meanwhile is passed over.
    desk.handed("+4915112345602", "wamid.2").await?;
    desk.turn(AFTER);
    desk.turn(Span::secs(1));
    same!(overdue(&desk).await?, vec![]);
    let state = desk.store.history_of(DESK).await?;
    same!((state.waiting, state.refused.map(|known| (known.since, known.why))), (0, Some((since, "(#200) no".to_owned()))));
    // A day later there may be one: it is asked again, and refused again, since then.
    desk.turn(day);
    let id = desk.handed("+4915112345603", "wamid.3").await?;
    desk.turn(AFTER);
    desk.turn(Span::secs(1));
    hold!(named(&overdue(&desk).await?).contains(&(id, 0)));
    desk.store.asked_of(DESK, Vec::new(), Offer::None(refused(&desk))).await?;
    same!(desk.store.history_of(DESK).await?.refused.map(|known| known.since), Some(since));
    desk.store.asked_of(DESK, Vec::new(), Offer::There).await?;
    same!(desk.store.history_of(DESK).await?.refused, None);
    Ok(())
}

pub(super) async fn what_a_history_tells_is_heard_as_if_it_had_been_told(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let lost = desk.handed("+4915112345601", "wamid.1").await?;
    let both = vec![told(&desk, "wamid.1", Reported::Sent), told(&desk, "wamid.1", Reported::Delivered)];
    desk.turn(Span::minutes(20));
    same!(desk.hear(both.clone()).await?.news, 2);
    same!(desk.told(lost).await?, vec![Status::Sent, Status::Delivered]);
    // Asked for again after a kill: nothing is new. And the webhook that comes after all doubles nothing.
    same!(desk.hear(both).await?.news, 0);
    desk.turn(Span::minutes(20));
    let late = desk.status("wamid.1", Reported::Delivered, desk.now);
    desk.hear(vec![Fact::Status(late)]).await?;
    same!(desk.told(lost).await?, vec![Status::Sent, Status::Delivered]);
    let words = desk.store.timeline(SHOP, lost).await?.words;
    let how = |progress| words.iter().find(|word| word.step == Step::Attempt(progress)).map(|word| word.by);
    same!((how(Progress::Sent), how(Progress::Delivered)), (Some(HeardBy::History), Some(HeardBy::History)));
    // A history names no code: the webhook's own counts, whichever came first.
    for (n, first) in [(2, HeardBy::History), (3, HeardBy::Webhook)] {
        let wamid = format!("wamid.{n}");
        let id = desk.handed(&format!("+491511234560{n}"), &wamid).await?;
        let (asked, webhook) = (told(&desk, &wamid, Reported::Failed), desk.status(&wamid, Reported::Failed, desk.now));
        let mut said = vec![asked, Fact::Status(webhook)];
        if first == HeardBy::Webhook {
            said.reverse();
        }
        for one in said {
            desk.hear(vec![one]).await?;
        }
        let code = desk.message(id).await?.failure.and_then(|failure| failure.upstream).map(|error| error.code);
        same!((code, desk.told(id).await?), (Some(131_026), vec![Status::Failed]));
    }
    // Of what is not known any more nothing is kept.
    let outcome = desk.hear(vec![told(&desk, "wamid.gone", Reported::Read)]).await?;
    same!((outcome.orphans, outcome.repeated), (0, 1));
    Ok(())
}

pub(super) async fn a_history_is_no_evidence_that_webhooks_come(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let lost = desk.send("+4915112345601").await?;
    desk.take().await?;
    desk.lose(lost, 1, Span::minutes(10)).await?;
    desk.turn(Span::minutes(1));
    desk.handed("+4915112345602", "wamid.2").await?;
    desk.hear(vec![told(&desk, "wamid.2", Reported::Delivered)]).await?;
    desk.turn(Span::minutes(10));
    let (over, _) = desk.store.overdue(desk.now, 10).await?;
    same!(over.iter().map(|one| (one.message.id, one.heard_of_attempts_until)).collect::<Vec<_>>(), vec![(lost, None)]);
    Ok(())
}
