//! Erasing: what is left of a person after it, and what of others.

use transom_domain::amendment::{Amended, Amendment};
use transom_domain::consent::{Choice, Entry, Evidence, Scope, Source};
use transom_domain::event::Event;
use transom_domain::fact::{Fact, InboundBody, Person, Reported};
use transom_domain::id::{CustomerId, MessageId};
use transom_domain::time::{Span, Timestamp};

use super::desk::{DESK, Desk, RIVAL, SHOP, identity, person};
use super::{Broken, Factory, Outcome, hold, same};
use crate::{
    Action, Actor, AuditFilter, CancelOutcome, ErasureNext, Idempotency, IdempotencyKey, MergeOutcome, Page, RecordConsent, Who,
};

const ANA: &str = "+4915112345678";
const BEN: &str = "+4915112345679";

/// Works on an erasure until it waits or is over; gives what it waits for.
pub(super) async fn work(desk: &Desk, customer: CustomerId) -> Result<ErasureNext, Broken> {
    // Slices of one row, so that each stage needs several.
    for _ in 0..200 {
        match desk.store.erase_slice(SHOP, customer, 1, desk.now).await? {
            ErasureNext::Again => {}
            ErasureNext::Journal { texts, after } => {
                let erased = desk.store.journal_erase(SHOP, texts, after).await?;
                desk.store.journal_erased(SHOP, customer, erased).await?;
            }
            ErasureNext::Logs => {
                hold!(desk.store.scrub().await?);
                desk.store.scrubbed(SHOP, customer, desk.now).await?;
            }
            next => return Ok(next),
        }
    }
    Err(Broken("the erasure does not end".to_owned()))
}

fn ana() -> Result<Person, Broken> {
    Ok(Person {
        name: Some("Ana Unmistakable".to_owned()),
        username: Some("ana.the.only".to_owned()),
        bsuid: identity("DE.777000777")?.bsuid().cloned(),
        ..person(ANA)?
    })
}

/// Something that was done to a message.
fn edit(from: Person, id: &str, original: &str) -> Fact {
    let change = Amendment::Edited { body: Box::new(InboundBody::Text { body: "mended".to_owned() }) };
    let (provider_id, original) = (id.to_owned(), original.to_owned());
    Fact::Amended(Amended { provider_id, at: Timestamp::EPOCH, from, original, change })
}

/// A shop with two customers, of whom one writes, is written to, and chooses.
async fn shop(factory: &dyn Factory) -> Result<(Desk, CustomerId, Vec<MessageId>), Broken> {
    let mut desk = Desk::new(factory).await?;
    let hers = desk.inbound(ana()?, "in.ana", desk.now);
    let his = desk.inbound(person(BEN)?, "in.ben", desk.now);
    for (fact, raw) in [(hers, r#"{"from":"4915112345678","text":"hello"}"#), (his, r#"{"from":"4915112345679","text":"hello"}"#)]
    {
        let mut body = desk.body(vec![fact]);
        if let Some(entry) = &mut body.entry {
            entry.raw = raw.as_bytes().to_vec();
        }
        desk.store.hear(body).await?;
    }
    let sent = vec![desk.handed(ANA, "out.ana").await?, desk.handed(BEN, "out.ben").await?];
    let mut report = desk.status("out.ana", Reported::Delivered, desk.now);
    report.recipient = ana()?;
    let mut orphan = desk.status("out.elsewhere", Reported::Sent, desk.now);
    orphan.recipient = ana()?;
    desk.hear(vec![Fact::Status(report), Fact::Status(orphan)]).await?;
    let evidence = Evidence { wording: Some("Offers for Ana Unmistakable".to_owned()), ..Evidence::default() };
    let entry = Entry { scope: Scope::Marketing, choice: Choice::OptedIn, at: desk.now, source: Source::Api, evidence };
    let (who, new_customer) = (Who::Identity(identity(ANA)?), CustomerId(1));
    let record = RecordConsent { business: SHOP, who, new_customer, entry, now: desk.now };
    let customer = desk.store.record_consent(record).await?.ok_or_else(|| Broken("nobody".to_owned()))?.customer;
    Ok((desk, customer, sent))
}

pub(super) async fn what_is_taken_out_by_hand_is_blanked_in_the_journal(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let mut ids = Vec::new();
    for name in ["one", "two", "three"] {
        desk.turn(Span::secs(1));
        let fact = desk.inbound(person(ANA)?, &format!("in.{name}"), desk.now);
        let mut body = desk.body(vec![fact]);
        if let Some(entry) = &mut body.entry {
            entry.raw = format!("{{\"id\":\"in.{name}\",\"text\":\"secret {name}\"}}").into_bytes();
        }
        ids.extend(desk.store.hear(body).await?.messages);
    }
    let out = desk.handed(ANA, "out.1").await?;
    hold!(!desk.store.blank_bodies().await?);
    same!(desk.store.redact(SHOP, ids[0], desk.now).await?, CancelOutcome::Done);
    same!(desk.store.delete(SHOP, ids[2], desk.now).await?, CancelOutcome::Done);
    // What went out is in no webhook.
    same!(desk.store.delete(SHOP, out, desk.now).await?, CancelOutcome::Done);
    for _ in 0..4 {
        desk.store.blank_bodies().await?;
    }
    hold!(!desk.store.blank_bodies().await?);
    let entries = desk.store.journal_after(SHOP, 0, 10).await?.entries;
    let said: Vec<String> = entries.iter().map(|entry| String::from_utf8_lossy(&entry.raw).into_owned()).collect();
    same!(entries.iter().map(|entry| entry.head.erased).collect::<Vec<_>>(), vec![true, false, true]);
    hold!(said[1].contains("secret two") && !said.concat().contains("secret one") && !said.concat().contains("secret three"));
    Ok(())
}

pub(super) async fn nothing_is_left_of_who_asks_to_be_forgotten(factory: &dyn Factory) -> Outcome {
    let (mut desk, customer, sent) = shop(factory).await?;
    // For a while she and Ben were held to be one person, and what he wrote was told with her name.
    let ben = desk.look(SHOP, DESK, identity(BEN)?).await?.customer.ok_or_else(|| Broken("no Ben".to_owned()))?;
    let MergeOutcome::Merged { merged, .. } = desk.store.merge_customers(SHOP, customer, ben, desk.now).await?.outcome else {
        return Err(Broken("they cannot be merged".to_owned()));
    };
    let fact = desk.inbound(person(BEN)?, "in.meanwhile", desk.now);
    desk.hear(vec![fact]).await?;
    let is_bens = |event: &Event| event.body.party().is_some_and(|party| party.customer_address.to_string() == BEN);
    hold!(desk.events().await?.iter().any(|event| is_bens(event) && format!("{event:?}").contains("Unmistakable")));
    desk.store.unmerge_customer(SHOP, merged, desk.now).await?;
    // Something that waits, and an answer that is kept.
    let mut accept = desk.text(ANA)?;
    accept.not_before = desk.now.plus(Span::hours(5));
    let key = IdempotencyKey { key: "order-7".to_owned(), fingerprint: [7; 32] };
    let answer = br#"{"customer":"+4915112345678"}"#.to_vec();
    accept.idempotency = Some(Idempotency { key: key.clone(), answer, keep: Span::hours(48) });
    let waiting = desk.accept(accept).await?;
    // What was done to messages that never came: by her, by him, and by the business in its app, where the upstream's ids alone
    // say to whom. And to one that went out through here, which is not changed elsewhere.
    let hers = vec![
        edit(ana()?, "edit.1", "in.never"),
        edit(ana()?, "edit.3", "in.never"),
        edit(Person::default(), "edit.app", "wamid.HRgNNDkxNTExMjM0NTY3OBUCABE="),
        edit(Person::default(), "edit.sent", "out.ana"),
    ];
    let his = vec![
        edit(person(BEN)?, "edit.2", "in.never"),
        edit(person(BEN)?, "edit.4", "in.never"),
        edit(Person::default(), "edit.app", "wamid.HRgNNDkxNTExMjM0NTY3ORUCABE="),
        edit(Person::default(), "edit.sent", "out.ben"),
    ];
    same!(desk.hear([hers.clone(), his.clone()].concat()).await?.orphans, 8);
    let before = desk.events().await?;

    let begun = desk.store.erase_customer(SHOP, Who::Identity(identity(ANA)?), Actor::Operator, desk.now).await?;
    same!(begun.map(|erasure| erasure.customer), Some(customer));
    // From now on she is nobody; and whoever writes is somebody new.
    same!(desk.look(SHOP, DESK, identity(ANA)?).await?.customer, None);
    let fact = desk.inbound(person(ANA)?, "in.again", desk.now);
    desk.hear(vec![fact]).await?;
    let again = desk.look(SHOP, DESK, identity(ANA)?).await?.customer;
    hold!(again.is_some() && again != Some(customer));

    same!(work(&desk, customer).await?, ErasureNext::Done);
    let erasure = desk.store.erasure(SHOP, customer).await?.ok_or_else(|| Broken("no erasure".to_owned()))?;
    hold!(erasure.done_at.is_some() && erasure.texts.is_empty());
    same!((erasure.messages, erasure.bodies), (3, 1));
    for gone in [Some(&waiting), sent.first()].into_iter().flatten() {
        same!(desk.store.message(SHOP, *gone).await?, None);
    }
    same!(desk.store.customer(SHOP, customer).await?, None);
    same!(desk.store.consent(SHOP, Who::Id(customer), Page { size: 9, token: None }).await?, None);
    same!(desk.store.open_erasures(9).await?, Vec::new());
    // Events keep their places, and say nothing of her; what was told of others is as it was.
    let after = desk.events().await?;
    same!(
        after.iter().take(before.len()).map(|e| (e.position, e.id)).collect::<Vec<_>>(),
        before.iter().map(|e| (e.position, e.id)).collect::<Vec<_>>()
    );
    let said = format!("{:?}", after.iter().filter(|e| !format!("{e:?}").contains("in.again")).collect::<Vec<_>>());
    for word in ["777000777", "Unmistakable", "ana.the.only", "in.ana"] {
        hold!(!said.contains(word));
    }
    hold!(desk.shows(*sent.get(1).unwrap_or(&MessageId(0))).await.is_ok());
    // Hers is news again, his is known.
    let outcome = desk.hear(hers).await?;
    same!((outcome.orphans, outcome.repeated), (4, 0));
    let outcome = desk.hear(his).await?;
    same!((outcome.orphans, outcome.repeated), (0, 4));
    // The key goes on standing for what it did.
    let mut ask = desk.ask(SHOP, Some(DESK), identity(BEN)?);
    ask.idempotency = Some(key);
    match desk.store.look(ask).await?.replay {
        Some(crate::Replay::Answer(answer)) => hold!(!String::from_utf8_lossy(&answer).contains("4915112345678")),
        other => return Err(Broken(format!("the key stands for {other:?}"))),
    }
    // Written down, without her.
    let (log, _) = desk.store.audit(SHOP, AuditFilter::default(), Page { size: 9, token: None }).await?;
    same!(log.iter().map(|line| line.action).collect::<Vec<_>>(), vec![Action::CustomerErased, Action::ErasureAsked]);
    // Asked for again it is as it was; of nobody there is none.
    let asked = desk.store.erase_customer(SHOP, Who::Id(customer), Actor::Operator, desk.now).await?;
    same!(asked.map(|erasure| erasure.done_at), Some(erasure.done_at));
    same!(desk.store.erase_customer(RIVAL, Who::Id(customer), Actor::Operator, desk.now).await?, None);
    Ok(())
}

pub(super) async fn an_erasure_waits_for_what_is_on_its_way(factory: &dyn Factory) -> Outcome {
    let (mut desk, customer, _) = shop(factory).await?;
    let id = desk.send(ANA).await?;
    let claimed = desk.take().await?;
    desk.store.erase_customer(SHOP, Who::Id(customer), Actor::Operator, desk.now).await?;
    same!(work(&desk, customer).await?, ErasureNext::Later);
    // Its answer makes her known to nobody again.
    let recipient = ana()?;
    let answered = crate::Outcome::Answered { provider_id: "out.late".to_owned(), recipient, note: None };
    desk.settle(id, claimed.attempt, answered).await?;
    same!(desk.look(SHOP, DESK, identity(ANA)?).await?.customer, None);
    same!(work(&desk, customer).await?, ErasureNext::Done);
    same!(desk.store.message(SHOP, id).await?, None);
    hold!(!format!("{:?}", desk.events().await?).contains("4915112345678"));
    Ok(())
}
