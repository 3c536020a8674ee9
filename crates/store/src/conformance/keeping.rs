//! Keeping: what was answered is there, whose it is, and how it is listed.

use std::sync::Arc;

use transom_domain::fact::{Fact, Reported};
use transom_domain::id::{BusinessId, JournalId, KeyId, MessageId, SenderId};
use transom_domain::status::Status;
use transom_domain::time::{Span, Timestamp};

use super::desk::{APP, DESK, Desk, OWNER, RIVAL, SHOP, business, identity, person, sender};
use super::{Broken, Factory, Outcome, hold, same};
use crate::{
    Accept, Accepted, App, BusinessSettings, Direction, HearBody, JournalEntry, Key, MessageFilter, Page, PutSender, Retention,
    Scopes, Sealed, StoreError,
};

const ANA: &str = "+4915112345678";
const BEN: &str = "+4915112345679";

pub(super) async fn what_was_answered_is_there_after_opening_again(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let done = desk.handed(ANA, "wamid.1").await?;
    let sent = desk.status("wamid.1", Reported::Sent, desk.now);
    desk.hear(vec![Fact::Status(sent)]).await?;
    let flying = desk.send(ANA).await?;
    same!(desk.started().await?, vec![flying]);
    let waiting = desk.send(ANA).await?;
    let before = [desk.message(done).await?, desk.message(flying).await?, desk.message(waiting).await?];
    let events = desk.events().await?;
    // Without closing: as if the process had been killed.
    drop(std::mem::replace(&mut desk.store, std::sync::Arc::new(crate::MemoryStore::new())));
    desk.store = factory.open();
    let after = [desk.message(done).await?, desk.message(flying).await?, desk.message(waiting).await?];
    same!(after, before);
    same!(desk.events().await?, events);
    // What was in flight is not claimed as if nothing had happened.
    same!(desk.started().await?, vec![]);
    same!(desk.store.recover(OWNER - 1, desk.now, desk.now.plus(Span::minutes(10))).await?, 1);
    same!(desk.started().await?, vec![waiting]);
    same!(desk.shows(flying).await?, Status::Unknown);
    // And positions go on where they were.
    let next = desk.send(BEN).await?;
    same!(desk.message(next).await?.position, 4);
    Ok(())
}

pub(super) async fn what_started_at_once_holds_its_lane(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let eager = Accept { at_once: Some(desk.at_once()), ..desk.text(ANA)? };
    let flying = eager.id;
    hold!(matches!(desk.store.accept(eager).await?, Accepted::Stored { claimed: Some(_), .. }));
    // A body that is refused after it wrote: its message gets an id that is taken. It undoes itself and nothing else.
    let facts = ["in.1", "in.2"].map(|wamid| Ok(desk.inbound(person("+4915199999999")?, wamid, desk.now)));
    let [first, second] = facts.map(|fact: Result<Fact, Broken>| fact.map(|fact| desk.body(vec![fact])));
    let (first, second) = (first?, second?);
    let again = HearBody { seed: first.seed, ..second };
    let events = desk.store.hear(first).await?.events.len();
    hold!(desk.store.hear(again).await.is_err());
    same!(desk.events().await?.len(), events);
    let behind = desk.send(ANA).await?;
    same!(desk.message(behind).await?.position, 3);
    same!(desk.started().await?, vec![]);
    desk.answer(flying, 1, "wamid.1").await?;
    same!(desk.started().await?, vec![behind]);
    desk.answer(behind, 1, "wamid.2").await?;
    // And after the process was killed.
    let eager = Accept { at_once: Some(desk.at_once()), ..desk.text(BEN)? };
    let flying = eager.id;
    hold!(matches!(desk.store.accept(eager).await?, Accepted::Stored { claimed: Some(_), .. }));
    drop(std::mem::replace(&mut desk.store, std::sync::Arc::new(crate::MemoryStore::new())));
    desk.store = factory.open();
    let behind = desk.send(BEN).await?;
    same!(desk.started().await?, vec![]);
    same!(desk.store.recover(OWNER - 1, desk.now, desk.now.plus(Span::minutes(10))).await?, 1);
    same!(desk.shows(flying).await?, Status::Unknown);
    same!(desk.started().await?, vec![behind]);
    Ok(())
}

pub(super) async fn tenants_do_not_meet(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    desk.store.put_business(business(RIVAL)).await?;
    let theirs = sender(22, RIVAL, "+33123456789")?;
    same!(desk.store.put_sender(theirs.clone()).await?, PutSender::Stored);
    for stolen in [
        crate::Sender { account: format!("account-{}", DESK.0), ..theirs.clone() },
        crate::Sender { waba: Some(format!("waba-{}", SHOP.0)), ..theirs.clone() },
        crate::Sender { address: identity("+493012345678")?, ..theirs.clone() },
        crate::Sender { id: DESK, account: "new".to_owned(), address: identity("+33123456780")?, ..theirs.clone() },
    ] {
        same!(desk.store.put_sender(stolen).await?, PutSender::TakenByAnotherBusiness);
    }
    same!(desk.store.senders().await?.len(), 2);
    // The same person at both: two customers, two sessions, two streams; the same id of the upstream's means two messages.
    let ours = desk.handed(ANA, "wamid.1").await?;
    let fact = desk.inbound(person(ANA)?, "in.1", desk.now);
    desk.hear(vec![fact.clone()]).await?;
    same!(desk.look(RIVAL, SenderId(22), identity(ANA)?).await?.customer, None);
    let mut body = desk.body(vec![fact]);
    body.business = RIVAL;
    for (sender, _) in &mut body.heard {
        *sender = Some(SenderId(22));
    }
    same!(desk.store.hear(body).await?.messages.len(), 1);
    let look = desk.look(RIVAL, SenderId(22), identity(ANA)?).await?;
    hold!(look.customer.is_some());
    hold!(look.customer != desk.look(SHOP, DESK, identity(ANA)?).await?.customer);
    same!(desk.store.events(RIVAL, 0, 10).await?.newest, 2);
    // A status or a tag that reaches the wrong business finds nothing.
    for callback in [None, Desk::tag(ours, 1)] {
        let mut report = desk.status("wamid.1", Reported::Read, desk.now);
        report.callback = callback;
        let mut body = desk.body(vec![Fact::Status(report)]);
        body.business = RIVAL;
        same!(desk.store.hear(body).await?.news, 0);
    }
    same!(desk.shows(ours).await?, Status::Sending);
    let (list, _) = desk.store.messages(RIVAL, MessageFilter::default(), Page { size: 10, token: None }).await?;
    same!(list.iter().map(|m| m.business).collect::<Vec<_>>(), vec![RIVAL]);
    let (list, _) = desk.store.sessions(RIVAL, MessageFilter::default(), Page { size: 10, token: None }).await?;
    same!(list.iter().map(|s| s.sender).collect::<Vec<_>>(), vec![SenderId(22)]);
    Ok(())
}

async fn listed(desk: &Desk, filter: MessageFilter, size: usize) -> Result<Vec<MessageId>, Broken> {
    let (mut all, mut token) = (Vec::new(), None);
    for _ in 0..20 {
        let (page, next) = desk.store.messages(SHOP, filter.clone(), Page { size, token }).await?;
        if page.len() > size {
            return Err(Broken(format!("a page of {} instead of {size}", page.len())));
        }
        all.extend(page.into_iter().map(|m| m.id));
        token = next;
        if token.is_none() {
            return Ok(all);
        }
    }
    Err(Broken("a list without an end".to_owned()))
}

pub(super) async fn lists_have_pages(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let mut ids = Vec::new();
    for i in 0..5 {
        let mut accept = desk.text(if i % 2 == 0 { ANA } else { BEN })?;
        accept.campaign = (i == 3).then(|| "summer".to_owned());
        ids.push(desk.accept(accept).await?);
    }
    desk.turn(Span::secs(1));
    let fact = desk.inbound(person(ANA)?, "in.1", desk.now);
    ids.extend(desk.hear(vec![fact]).await?.messages);
    ids.reverse();
    for size in [1, 2, 3, 5, 6, 100] {
        same!(listed(&desk, MessageFilter::default(), size).await?, ids);
    }
    let everything = MessageFilter::default;
    let of = MessageFilter { customer: Some(identity(BEN)?), ..everything() };
    same!(listed(&desk, of, 1).await?, vec![ids[2], ids[4]]);
    let of = MessageFilter { direction: Some(Direction::Inbound), ..everything() };
    same!(listed(&desk, of, 2).await?, vec![ids[0]]);
    let of = MessageFilter { campaign: Some("summer".to_owned()), ..everything() };
    same!(listed(&desk, of, 2).await?, vec![ids[2]]);
    let of = MessageFilter { status: Some(Status::Queued), sender: Some(DESK), ..everything() };
    same!(listed(&desk, of, 2).await?, ids[1..].to_vec());
    let of = MessageFilter { sender: Some(SenderId(99)), ..everything() };
    same!(listed(&desk, of, 2).await?, vec![]);
    let of = MessageFilter { customer: Some(identity("+4915100000000")?), ..everything() };
    same!(listed(&desk, of, 2).await?, vec![]);
    let odd = Page { size: 5, token: Some("odd".to_owned()) };
    same!(desk.store.messages(SHOP, everything(), odd.clone()).await, Err(StoreError::BadToken));
    same!(desk.store.sessions(SHOP, everything(), odd).await, Err(StoreError::BadToken));
    // Sessions: who was heard last comes first.
    desk.turn(Span::secs(1));
    let fact = desk.inbound(person(BEN)?, "in.2", desk.now);
    desk.hear(vec![fact]).await?;
    let (first, token) = desk.store.sessions(SHOP, everything(), Page { size: 1, token: None }).await?;
    same!(first.iter().map(|s| s.address.to_string()).collect::<Vec<_>>(), vec![BEN.to_owned()]);
    hold!(token.is_some());
    let (second, token) = desk.store.sessions(SHOP, everything(), Page { size: 1, token }).await?;
    same!(second.iter().map(|s| s.address.to_string()).collect::<Vec<_>>(), vec![ANA.to_owned()]);
    same!(token, None);
    let of = MessageFilter { customer: Some(identity(ANA)?), sender: Some(DESK), ..everything() };
    same!(desk.store.sessions(SHOP, of, Page { size: 5, token: None }).await?.0, second);
    Ok(())
}

pub(super) async fn a_closed_store_refuses(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let accept = desk.text(ANA)?;
    desk.store.probe(desk.now).await?;
    desk.store.close().await?;
    hold!(matches!(desk.store.accept(accept).await, Err(StoreError::Unavailable(_))));
    hold!(matches!(desk.store.senders().await, Err(StoreError::Unavailable(_))));
    hold!(matches!(desk.store.probe(desk.now).await, Err(StoreError::Unavailable(_))));
    Ok(())
}

pub(super) async fn directory_and_secrets(factory: &dyn Factory) -> Outcome {
    let desk = Desk::new(factory).await?;
    let store = &desk.store;
    let key = Key {
        id: KeyId(1),
        business: SHOP,
        label: "first".to_owned(),
        hash: [9; 32],
        scopes: Scopes::ADMIN,
        created_at: desk.now,
        expires_at: None,
        revoked_at: None,
    };
    store.put_key(key.clone()).await?;
    same!(store.key_by_hash([9; 32]).await?, Some(key));
    same!(store.key_by_hash([8; 32]).await?, None);
    hold!(!store.revoke_key(RIVAL, KeyId(1), desk.now).await?);
    hold!(store.revoke_key(SHOP, KeyId(1), desk.now).await?);
    same!(store.keys(SHOP).await?.iter().map(|k| k.revoked_at).collect::<Vec<_>>(), vec![Some(desk.now)]);
    same!(store.keys(RIVAL).await?, vec![]);
    // The same business again changes its name; a new secret comes with the one before it.
    let renamed = crate::Business { name: "new".to_owned(), webhook_secret: Sealed(vec![1]), ..business(SHOP) };
    store.put_business(renamed.clone()).await?;
    let known = store.businesses().await?;
    same!((known[0].name.as_str(), &known[0].webhook_secret), ("new", &business(SHOP).webhook_secret));
    let rotated = crate::Business {
        previous_webhook_secret: Some((business(SHOP).webhook_secret, desk.now)),
        created_at: Timestamp::EPOCH,
        ..renamed
    };
    store.put_business(rotated.clone()).await?;
    let known = store.businesses().await?;
    same!(known, vec![crate::Business { created_at: Timestamp::from_secs(1), ..rotated }]);
    let app = App { id: APP.to_owned(), secret: Sealed(vec![1]), verify_token: Sealed(vec![2]) };
    store.put_app(app.clone()).await?;
    store.put_app(app.clone()).await?;
    same!(store.apps().await?, vec![app]);
    same!(store.customer(BusinessId(9), transom_domain::id::CustomerId(9)).await?, None);
    Ok(())
}

pub(super) async fn settings_are_changed_in_parts(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    same!(desk.store.settings(SHOP).await?, BusinessSettings::default());
    let shorter = desk.store.change_settings(SHOP, Arc::new(|settings| settings.retention.journal = Some(3))).await?;
    same!(shorter.map(|settings| settings.retention), Some(Retention { journal: Some(3), ..Retention::default() }));
    desk.store.change_settings(SHOP, Arc::new(|settings| settings.retention.events = Some(7))).await?;
    // Whoever makes the business anew does not undo what it has chosen.
    desk.store.put_business(business(SHOP)).await?;
    drop(std::mem::replace(&mut desk.store, Arc::new(crate::MemoryStore::new())));
    desk.store = factory.open();
    let chosen = Retention { journal: Some(3), events: Some(7), ..Retention::default() };
    same!(desk.store.settings(SHOP).await?.retention, chosen);
    // Of one business only, and of none that is not there.
    desk.store.put_business(business(RIVAL)).await?;
    same!(desk.store.settings(RIVAL).await?, BusinessSettings::default());
    same!(desk.store.change_settings(BusinessId(77), Arc::new(|_| ())).await?, None);
    Ok(())
}

pub(super) async fn the_journal_is_bounded(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let fact = desk.inbound(person(ANA)?, "in.1", desk.now);
    desk.hear(vec![fact]).await?;
    for n in 0..210 {
        let entry = JournalEntry {
            id: JournalId(n),
            business: Some(SHOP),
            app: APP.to_owned(),
            at: desk.now,
            verdict: "wrong signature".to_owned(),
            raw: vec![b'x'; 100_000],
        };
        desk.store.journal_ignored(entry).await?;
    }
    let all = desk.store.journal(None, 200).await?;
    same!(all.len(), 200);
    // Nobody's, cut, and the newest; what was heard is not pushed out by it.
    hold!(all.iter().all(|e| e.business.is_none() && e.raw.len() < 10_000));
    same!(all.first().map(|e| e.id), Some(JournalId(209)));
    same!(desk.store.journal(Some(SHOP), 200).await?.len(), 1);
    Ok(())
}
