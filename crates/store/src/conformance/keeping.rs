//! Keeping: what was answered is there, whose it is, and how it is listed.

use std::sync::Arc;

use transom_domain::fact::{Fact, Reported};
use transom_domain::id::{BusinessId, JournalId, KeyId, MessageId, SenderId};
use transom_domain::status::Status;
use transom_domain::time::{Span, Timestamp};

use super::desk::{APP, DESK, Desk, OWNER, RIVAL, SHOP, business, identity, person, sender};
use super::{Broken, Factory, Outcome, hold, same};
use crate::{
    Accept, Accepted, App, BusinessSettings, Direction, HearBody, HeardBody, JournalEntry, JournalFilter, JournalFrom,
    JournalHead, JournalOutcome, JournalRange, Key, MessageFilter, Page, PutSender, Retention, Scopes, Sealed, StoreError,
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

pub(super) async fn lists_go_by_time(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let mut said = Vec::new();
    for i in 0..40 {
        let accept = desk.text(if i % 2 == 0 { ANA } else { BEN })?;
        said.push((desk.now, desk.accept(accept).await?));
        desk.turn(Span::minutes(7));
    }
    let ben = Some(identity(BEN)?);
    for from in [None, Some(0), Some(17), Some(39)] {
        for until in [None, Some(0), Some(1), Some(20), Some(39)] {
            let at = |n: Option<usize>| n.and_then(|n| said.get(n)).map(|(at, _)| *at);
            let filter = MessageFilter { from: at(from), until: at(until), ..MessageFilter::default() };
            let within = said.iter().enumerate().take(until.unwrap_or(said.len())).skip(from.unwrap_or(0)).rev();
            let wanted: Vec<_> = within.clone().map(|(_, (_, id))| *id).collect();
            same!(listed(&desk, filter.clone(), 7).await?, wanted);
            let wanted: Vec<_> = within.filter(|(i, _)| i % 2 == 1).map(|(_, (_, id))| *id).collect();
            same!(listed(&desk, MessageFilter { customer: ben.clone(), ..filter }, 7).await?, wanted);
        }
    }
    Ok(())
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
    // Of one sender: the order is the same, also where two were heard at one moment.
    desk.store.put_sender(sender(12, SHOP, "+493012345679")?).await?;
    let fact = desk.inbound(person(BEN)?, "in.3", desk.now);
    let body = desk.body(vec![fact]);
    let heard = body.heard.into_iter().map(|(_, heard)| (Some(SenderId(12)), heard)).collect();
    let body = HearBody { heard, ..desk.body(Vec::new()) };
    desk.store.hear(body).await?;
    for (of, found) in [(None, vec![BEN, BEN, ANA]), (Some(DESK), vec![BEN, ANA]), (Some(SenderId(12)), vec![BEN])] {
        let (mut all, mut token) = (Vec::new(), None);
        loop {
            let filter = MessageFilter { sender: of, ..everything() };
            let (page, next) = desk.store.sessions(SHOP, filter, Page { size: 1, token }).await?;
            all.extend(page.iter().map(|session| session.address.to_string()));
            token = next;
            if token.is_none() {
                break;
            }
        }
        same!(all, found);
    }
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
        used_at: None,
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

/// What the journal keeps of a body with these bytes.
fn heard_body(id: u128, raw: &str) -> HeardBody {
    let (fields, note) = ("messages".to_owned(), String::new());
    HeardBody { id: JournalId(id), outcome: JournalOutcome::Heard, fields, note, raw: raw.as_bytes().to_vec() }
}

fn nobodys(n: u128, at: Timestamp) -> JournalEntry {
    let head = JournalHead {
        id: JournalId(n),
        position: 0,
        business: Some(SHOP),
        app: APP.to_owned(),
        at,
        outcome: JournalOutcome::Malformed,
        fields: String::new(),
        note: "not JSON".to_owned(),
        size: 0,
        erased: false,
    };
    JournalEntry { head, raw: vec![b'x'; 100_000] }
}

pub(super) async fn the_journal_is_bounded(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let fact = desk.inbound(person(ANA)?, "in.1", desk.now);
    desk.hear(vec![fact]).await?;
    for n in 0..210 {
        desk.store.journal_ignored(nobodys(n, desk.now)).await?;
    }
    let all = desk.store.journal_search(None, JournalFilter::default(), JournalFrom::After(0), 200).await?;
    // Nobody's, cut, and the newest; what was heard is not pushed out by it.
    same!(all.heads.iter().map(|head| head.position).collect::<Vec<_>>(), (11..=210).collect::<Vec<_>>());
    hold!(all.heads.iter().all(|head| head.business.is_none() && head.size < 10_000));
    let last = desk.store.journal_entry(None, JournalId(209)).await?;
    hold!(last.is_some_and(|entry| entry.raw.len() == entry.head.size && entry.head.size > 1_000));
    same!(desk.store.journal_after(SHOP, 0, 200).await?.entries.len(), 1);
    Ok(())
}

/// Bodies of two businesses, one minute apart.
async fn journaled(desk: &mut Desk, raw: &[&str]) -> Result<(), Broken> {
    desk.store.put_business(business(RIVAL)).await?;
    for (n, raw) in (1..).zip(raw) {
        let plain = desk.body(Vec::new());
        let outcome = if n % 3 == 0 { JournalOutcome::NotUnderstood } else { JournalOutcome::Heard };
        let entry = HeardBody { outcome, ..heard_body(n, raw) };
        desk.store.hear(HearBody { entry: Some(entry), ..plain.clone() }).await?;
        let theirs = HearBody { business: RIVAL, entry: Some(heard_body(1_000 + n, raw)), ..plain };
        desk.store.hear(theirs).await?;
        desk.turn(Span::minutes(1));
    }
    Ok(())
}

pub(super) async fn the_journal_is_read_in_the_order_of_arrival(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    journaled(&mut desk, &["a", "b", "c", "d"]).await?;
    let page = desk.store.journal_after(SHOP, 1, 2).await?;
    let shown: Vec<_> = page.entries.iter().map(|e| (e.head.position, e.raw.as_slice())).collect();
    same!(shown, vec![(2, b"b".as_slice()), (3, b"c".as_slice())]);
    same!((page.newest, page.earliest), (4, 1));
    // Positions go on after the process has died, and nobody sees what is another's.
    drop(std::mem::replace(&mut desk.store, Arc::new(crate::MemoryStore::new())));
    desk.store = factory.open();
    journaled(&mut desk, &[]).await?;
    let body = desk.body(Vec::new());
    desk.store.hear(HearBody { entry: Some(heard_body(5, "e")), ..body }).await?;
    let page = desk.store.journal_after(SHOP, 4, 10).await?;
    same!(page.entries.iter().map(|e| (e.head.id, e.head.position)).collect::<Vec<_>>(), vec![(JournalId(5), 5)]);
    same!(desk.store.journal_entry(Some(SHOP), JournalId(1_001)).await?, None);
    hold!(desk.store.journal_entry(Some(RIVAL), JournalId(1_001)).await?.is_some());
    // What is old goes, and positions do not begin anew.
    desk.turn(Span::days(20));
    desk.sweep(100).await?;
    let page = desk.store.journal_after(SHOP, 0, 10).await?;
    same!((page.entries.len(), page.newest, page.earliest), (0, 5, 6));
    Ok(())
}

pub(super) async fn the_journal_is_searched_in_bounded_looks(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let start = desk.now;
    let texts: Vec<String> = (0..300).map(|n| format!("{{\"n\":\"body {n}.\",\"who\":\"Zo\\u00eb\"}}")).collect();
    journaled(&mut desk, &texts.iter().map(String::as_str).collect::<Vec<_>>()).await?;
    let of = |range: JournalRange| JournalFilter { range, ..JournalFilter::default() };
    let search = async |filter: JournalFilter, after, limit| {
        desk.store.journal_search(Some(SHOP), filter, JournalFrom::After(after), limit).await
    };
    let back = async |filter: JournalFilter, before, limit| {
        desk.store.journal_search(Some(SHOP), filter, JournalFrom::Before(before), limit).await
    };
    let positions = |found: &crate::JournalFound| found.heads.iter().map(|head| head.position).collect::<Vec<_>>();
    let since = of(JournalRange { since: Some(start.plus(Span::minutes(7))), ..JournalRange::default() });
    same!(positions(&search(since.clone(), 0, 3).await?), vec![8, 9, 10]);
    let until = of(JournalRange { until: Some(start.plus(Span::minutes(9))), ..since.range });
    let found = search(until.clone(), 0, 200).await?;
    same!((positions(&found), found.more), (vec![8, 9], false));
    same!(positions(&search(until, 8, 200).await?), vec![9]);
    let far = of(JournalRange { since: Some(start.plus(Span::days(9))), ..JournalRange::default() });
    same!(search(far, 0, 200).await?.heads.len(), 0);
    let outcomes = of(JournalRange { outcomes: vec![JournalOutcome::NotUnderstood], ..JournalRange::default() });
    let found = search(outcomes, 0, 200).await?;
    same!((found.heads.len(), positions(&found)[..3].to_vec()), (100, vec![3, 6, 9]));
    let text = |text: &str| JournalFilter { texts: vec!["nowhere".to_owned(), text.to_owned()], ..JournalFilter::default() };
    same!(positions(&search(text("body 257."), 0, 200).await?), vec![258]);
    // Both lists narrow, whatever of them is found.
    let both = |text: &str, id: &str| JournalFilter {
        texts: vec![text.to_owned()],
        ids: vec!["nowhere".to_owned(), id.to_owned()],
        ..JournalFilter::default()
    };
    same!(positions(&search(both("Zo\u{eb}", "body 257."), 0, 200).await?), vec![258]);
    same!(search(both("body 256.", "body 257."), 0, 200).await?.heads.len(), 0);
    // However it is escaped; and a page says where to go on.
    let found = search(text("Zo\u{eb}"), 10, 2).await?;
    same!((positions(&found), found.looked_to, found.more), (vec![11, 12], 12, true));
    let field = of(JournalRange { field: Some("message".to_owned()), ..JournalRange::default() });
    same!(search(field, 0, 200).await?.heads.len(), 0);
    let field = of(JournalRange { field: Some("messages".to_owned()), ..JournalRange::default() });
    same!(search(field.clone(), 299, 200).await?.heads.len(), 1);
    // Newest first: the same entries, and the page says where to go on.
    let found = back(field.clone(), u64::MAX, 3).await?;
    same!((positions(&found), found.looked_to, found.more), (vec![300, 299, 298], 298, true));
    same!(positions(&back(field.clone(), 298, 2).await?), vec![297, 296]);
    let found = back(field, 3, 200).await?;
    same!((positions(&found), found.more), (vec![2, 1], false));
    let range = JournalRange {
        since: Some(start.plus(Span::minutes(7))),
        until: Some(start.plus(Span::minutes(9))),
        ..JournalRange::default()
    };
    let found = back(of(range.clone()), u64::MAX, 200).await?;
    same!((positions(&found), found.more), (vec![9, 8], false));
    same!(positions(&back(of(range), 9, 200).await?), vec![8]);
    let outcomes = of(JournalRange { outcomes: vec![JournalOutcome::NotUnderstood], ..JournalRange::default() });
    let found = back(outcomes, 100, 200).await?;
    same!((found.heads.len(), positions(&found)[..3].to_vec()), (33, vec![99, 96, 93]));
    same!(positions(&back(text("body 257."), u64::MAX, 1).await?), vec![258]);
    Ok(())
}

pub(super) async fn what_is_erased_is_gone_from_the_journal_only_there(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let (ana, ben) = ("{\"from\":\"4915112345678\"}", "{\"from\":\"4915112345679\"}");
    let escaped = "{\"name\":\"\\u0041na M\\u00fcller\"}";
    journaled(&mut desk, &[ana, ben, escaped]).await?;
    let texts = vec!["4915112345678".to_owned(), "Ana M\u{fc}ller".to_owned()];
    // What is nobody's may be hers too: from before the number was registered.
    desk.store.journal_ignored(JournalEntry { raw: ana.as_bytes().to_vec(), ..nobodys(7, desk.now) }).await?;
    let erased = desk.store.journal_erase(SHOP, texts.clone(), 0).await?;
    same!((erased.entries, erased.next), (3, None));
    let nobodys = desk.store.journal_search(None, JournalFilter::default(), JournalFrom::After(0), 10).await?.heads;
    hold!(nobodys.len() == 1 && nobodys.iter().all(|head| head.erased));
    let shown = desk.store.journal_after(SHOP, 0, 10).await?;
    let shown: Vec<_> = shown.entries.iter().map(|e| (e.head.erased, e.raw.as_slice())).collect();
    same!(shown, vec![(true, b"".as_slice()), (false, ben.as_bytes()), (true, b"".as_slice())]);
    same!(desk.store.journal_erase(SHOP, texts, 0).await?.entries, 0);
    hold!(desk.store.journal_after(RIVAL, 0, 10).await?.entries.iter().all(|e| !e.head.erased));
    hold!(desk.store.scrub().await?);
    Ok(())
}

pub(super) async fn each_business_keeps_its_journal_as_long_as_it_chose(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    journaled(&mut desk, &["a", "b"]).await?;
    desk.store.journal_ignored(nobodys(7, desk.now)).await?;
    desk.store.change_settings(SHOP, Arc::new(|settings| settings.retention.journal = Some(2))).await?;
    // More than the operator allows is not kept.
    desk.store.change_settings(RIVAL, Arc::new(|settings| settings.retention.journal = Some(99))).await?;
    desk.turn(Span::days(3));
    desk.sweep(100).await?;
    same!(desk.store.journal_after(SHOP, 0, 10).await?.entries.len(), 0);
    same!(desk.store.journal_after(RIVAL, 0, 10).await?.entries.len(), 2);
    desk.turn(Span::days(12));
    desk.sweep(1).await?;
    same!(desk.store.journal_after(RIVAL, 0, 10).await?.entries.len(), 0);
    same!(desk.store.journal_search(None, JournalFilter::default(), JournalFrom::After(0), 10).await?.heads.len(), 0);
    Ok(())
}
