//! Hearing again: replays of the journal as jobs, and messages that nobody understood when they came.

use serde_json::json;

use transom_domain::event::EventBody;
use transom_domain::fact::{Fact, Inbound, InboundBody};
use transom_domain::id::ReplayId;
use transom_domain::time::Span;

use super::desk::{Desk, RIVAL, SHOP, person};
use super::{Broken, Factory, Outcome, hold, same};
use crate::{HearBody, JournalRange, JournalReplay, JournalReplayed, REPLAYS_KEEP};

const ANA: &str = "+4915112345678";

fn replay(desk: &Desk, id: u128) -> JournalReplay {
    JournalReplay {
        id: ReplayId(id),
        business: SHOP,
        range: JournalRange { field: Some("messages".to_owned()), ..JournalRange::default() },
        cursor: 0,
        to: 0,
        did: JournalReplayed::default(),
        created_at: desk.now,
        over_at: None,
        stopped: false,
    }
}

pub(super) async fn a_replay_of_the_journal_is_found_again_where_it_was(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    // With nothing in the journal it is over at once.
    same!(desk.store.start_journal_replay(replay(&desk, 1)).await?.over_at, Some(desk.now));
    for n in 0..3 {
        let fact = desk.inbound(person(ANA)?, &format!("in.{n}"), desk.now);
        desk.hear(vec![fact]).await?;
    }
    let begun = desk.store.start_journal_replay(replay(&desk, 2)).await?;
    same!((begun.id, begun.to, begun.over_at), (ReplayId(2), 3, None));
    // One at a time, and nobody else's.
    same!(desk.store.start_journal_replay(replay(&desk, 3)).await?.id, ReplayId(2));
    same!(desk.store.journal_replays(RIVAL).await?, Vec::new());
    hold!(!desk.store.stop_journal_replay(RIVAL, ReplayId(2), desk.now).await?);
    let did = JournalReplayed { entries: 2, news: 1, left_out: 1 };
    hold!(desk.store.journal_replayed(SHOP, ReplayId(2), 2, did, desk.now).await?);

    // As if the process had been killed.
    drop(std::mem::replace(&mut desk.store, std::sync::Arc::new(crate::MemoryStore::new())));
    desk.store = factory.open();
    let open = desk.store.open_journal_replays(9).await?;
    same!(open.iter().map(|replay| (replay.id, replay.cursor, replay.did)).collect::<Vec<_>>(), vec![(ReplayId(2), 2, did)]);
    // A cursor never goes back, and at its end it is over.
    hold!(desk.store.journal_replayed(SHOP, ReplayId(2), 1, JournalReplayed::default(), desk.now).await?);
    desk.turn(Span::secs(1));
    hold!(desk.store.journal_replayed(SHOP, ReplayId(2), 9, did, desk.now).await?);
    same!(desk.store.open_journal_replays(9).await?, Vec::new());
    let known = desk.store.journal_replays(SHOP).await?;
    same!((known[0].id, known[0].cursor, known[0].did.entries, known[0].over_at), (ReplayId(2), 3, 4, Some(desk.now)));

    // One that is stopped says so to whoever works on it; and of those that are over so many are remembered.
    desk.store.start_journal_replay(replay(&desk, 4)).await?;
    hold!(desk.store.stop_journal_replay(SHOP, ReplayId(4), desk.now).await?);
    hold!(!desk.store.journal_replayed(SHOP, ReplayId(4), 3, did, desk.now).await?);
    for n in 10..40 {
        desk.turn(Span::secs(1));
        desk.store.start_journal_replay(replay(&desk, n)).await?;
        desk.store.stop_journal_replay(SHOP, ReplayId(n), desk.now).await?;
    }
    let known = desk.store.journal_replays(SHOP).await?;
    same!((known.len(), known[0].id), (REPLAYS_KEEP, ReplayId(39)));
    Ok(())
}

pub(super) async fn what_was_not_understood_then_says_what_it_says_when_heard_again(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let Fact::Inbound(text) = desk.inbound(person(ANA)?, "in.1", desk.now) else {
        return Err(Broken("the desk makes no inbound messages".to_owned()));
    };
    // Of a name that opens no session.
    let raw = json!({ "type": "system", "new": "form" });
    let strange = Inbound { body: InboundBody::Unknown { name: "system".to_owned(), raw }, ..text.clone() };
    let then = desk.now;
    desk.hear(vec![Fact::Inbound(strange.clone())]).await?;
    let [first] = <[_; 1]>::try_from(desk.events().await?).map_err(|all| Broken(format!("{all:?}")))?;
    desk.turn(Span::hours(1));
    let again = |desk: &mut Desk, inbound: &Inbound| {
        let body = desk.body(vec![Fact::Inbound(inbound.clone())]);
        HearBody { entry: None, heard_at: then, ..body }
    };
    // As strange as it was: nothing new.
    let body = again(&mut desk, &strange);
    same!(desk.store.hear(body).await?.repeated, 1);
    let body = again(&mut desk, &text);
    let did = desk.store.hear(body).await?;
    same!((did.news, did.repeated, did.messages.len()), (1, 0, 0));
    let body = again(&mut desk, &text);
    same!(desk.store.hear(body).await?.repeated, 1);
    same!(desk.names().await?, vec!["message.received", "message.received", "session.opened"]);
    let events = desk.events().await?;
    let told = |body: &EventBody| match body {
        EventBody::MessageReceived { message, inbound, retold, .. } => Some((*message, inbound.body.clone(), *retold)),
        _ => None,
    };
    let Some((message, _, false)) = told(&first.body) else { return Err(Broken(format!("{first:?}"))) };
    same!(told(&events[1].body), Some((message, text.body.clone(), true)));
    let shown = desk.message(message).await?;
    same!(shown.inbound.as_ref().map(|inbound| &inbound.body), Some(&text.body));
    same!(shown.amendments, Vec::new());

    // What is taken out of it is taken out wherever it was told; and what was taken out does not come back.
    desk.store.redact(SHOP, message, desk.now).await?;
    for event in desk.events().await? {
        let said = told(&event.body).map(|(_, body, _)| body.word().to_owned());
        hold!(said.is_none_or(|word| word == "redacted"));
    }
    let body = again(&mut desk, &text);
    same!(desk.store.hear(body).await?.repeated, 1);
    Ok(())
}
