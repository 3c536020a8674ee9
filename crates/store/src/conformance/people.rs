//! People: identities, numbers that change, wishes; and templates, which are known by time as they are.

use transom_domain::address::Psid;
use transom_domain::fact::{Fact, IdentityChange, Person, Preference, Reported};
use transom_domain::id::CustomerId;
use transom_domain::time::{Span, Timestamp};

use transom_domain::consent::Scope;
use transom_domain::event::EventBody;
use transom_domain::people::Joined;

use super::desk::{DESK, Desk, RIVAL, SHOP, identity, person};
use super::erasing::work;
use super::{Broken, Factory, Outcome, hold, same};
use crate::Outcome as Settlement;
use crate::{
    Actor, CustomerFilter, CustomerView, ErasureNext, LookUp, MergeOutcome, MessageFilter, Page, Store, UnmergeOutcome, Who,
};

pub(super) const ANA: &str = "+4915112345678";
pub(super) const NEW: &str = "+4915187654321";

pub(super) fn known_as(phone: Option<&str>, bsuid: Option<&str>) -> Result<Person, Broken> {
    let mut person = match phone {
        Some(phone) => person(phone)?,
        None => Person::default(),
    };
    if let Some(bsuid) = bsuid {
        person.bsuid = identity(bsuid)?.bsuid().cloned();
    }
    Ok(person)
}

async fn holder(store: &dyn Store, text: &str) -> Result<Option<CustomerId>, Broken> {
    let ask = LookUp { business: SHOP, sender: None, address: identity(text)?, idempotency: None, now: Timestamp::EPOCH };
    Ok(store.look(ask).await?.customer)
}

fn page(size: usize) -> Page {
    Page { size, token: None }
}

/// Present phone number and user id.
fn reached(view: &CustomerView) -> (Option<String>, Option<String>) {
    (view.present.phone.as_ref().map(ToString::to_string), view.present.bsuid.as_ref().map(ToString::to_string))
}

pub(super) async fn view(store: &dyn Store, text: &str) -> Result<CustomerView, Broken> {
    let id = holder(store, text).await?.ok_or_else(|| Broken(format!("nobody has {text}")))?;
    store.customer(SHOP, id).await?.ok_or_else(|| Broken(format!("customer {id} is gone")))
}

pub(super) async fn identities_join_one_customer(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    desk.handed(ANA, "wamid.1").await?;
    let customer = holder(&*desk.store, ANA).await?;
    let mut whole = known_as(Some(ANA), Some("DE.1"))?;
    whole.parent_bsuid = identity("DE.ENT.9")?.bsuid().cloned();
    (whole.name, whole.username) = (Some("Ana".to_owned()), Some("ana".to_owned()));
    let fact = desk.inbound(whole, "in.1", desk.now);
    desk.hear(vec![fact]).await?;
    for text in [ANA, "DE.1", "DE.ENT.9"] {
        same!(holder(&*desk.store, text).await?, customer);
    }
    // By parent id alone, and by user id alone: the same customer still.
    for (n, text) in ["DE.ENT.9", "DE.1"].into_iter().enumerate() {
        let mut one = Person::default();
        let id = identity(text)?.bsuid().cloned();
        if n == 0 {
            one.parent_bsuid = id;
        } else {
            one.bsuid = id;
        }
        let fact = desk.inbound(one, &format!("in.1{n}"), desk.now);
        desk.hear(vec![fact]).await?;
    }
    let view = view(&*desk.store, ANA).await?;
    same!((Some(view.id), view.name.as_deref(), view.username.as_deref()), (customer, Some("Ana"), Some("ana")));
    same!(view.identities.len(), 3);
    same!(reached(&view), (Some(ANA.to_owned()), Some("DE.1".to_owned())));
    same!(desk.store.customer(RIVAL, view.id).await?, None);
    // What a status says in passing adds, and takes nothing.
    desk.handed(NEW, "wamid.2").await?;
    let mut report = desk.status("wamid.2", Reported::Sent, desk.now);
    report.recipient = known_as(Some(NEW), Some("DE.1"))?;
    desk.hear(vec![Fact::Status(report)]).await?;
    same!(holder(&*desk.store, "DE.1").await?, customer);
    Ok(())
}

pub(super) async fn a_conflict_keeps_both(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let fact = desk.inbound(known_as(Some(ANA), Some("DE.1"))?, "in.1", desk.now);
    desk.hear(vec![fact]).await?;
    let first = view(&*desk.store, "DE.1").await?;
    desk.turn(Span::hours(1));
    // Another user id with the same number: the number has passed on.
    let fact = desk.inbound(known_as(Some(ANA), Some("DE.2"))?, "in.2", desk.now);
    desk.hear(vec![fact]).await?;
    let second = view(&*desk.store, "DE.2").await?;
    hold!(first.id != second.id);
    same!(holder(&*desk.store, ANA).await?, Some(second.id));
    let first = view(&*desk.store, "DE.1").await?;
    same!(reached(&first), (None, Some("DE.1".to_owned())));
    // A webhook from before that comes late takes nothing back.
    let fact = desk.inbound(known_as(Some(ANA), Some("DE.1"))?, "in.0", desk.now.minus(Span::minutes(30)));
    desk.hear(vec![fact]).await?;
    same!(holder(&*desk.store, ANA).await?, Some(second.id));
    same!(view(&*desk.store, "DE.1").await?.present.phone, None);
    Ok(())
}

pub(super) async fn a_customer_without_a_number(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let fact = desk.inbound(known_as(None, Some("DE.1"))?, "in.1", desk.now);
    desk.hear(vec![fact]).await?;
    let look = desk.look(SHOP, DESK, identity("bsuid:DE.1")?).await?;
    hold!(look.facts.no_phone && look.phone.is_none() && look.evidence.at(desk.now).is_open());
    let id = desk.send("bsuid:DE.1").await?;
    let claimed = desk.take().await?;
    same!((claimed.message.id, claimed.message.customer), (id, look.customer.unwrap_or(CustomerId(0))));
    hold!(claimed.facts.no_phone && claimed.phone.is_none());
    same!(claimed.evidence, look.evidence);
    // As the address itself tells, for those nobody knows.
    hold!(desk.look(SHOP, DESK, identity("bsuid:DE.7")?).await?.facts.no_phone);
    let stranger = desk.look(SHOP, DESK, identity(ANA)?).await?;
    same!(
        (stranger.customer, stranger.facts.no_phone, stranger.phone.map(|p| p.to_string())),
        (None, false, Some(ANA.to_owned()))
    );
    Ok(())
}

pub(super) async fn a_new_number_is_the_same_customer(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let fact = desk.inbound(known_as(Some(ANA), Some("DE.1"))?, "in.1", desk.now);
    desk.hear(vec![fact]).await?;
    let customer = holder(&*desk.store, ANA).await?;
    desk.turn(Span::hours(1));
    let change = |current, at| IdentityChange { provider_id: "sys.1".to_owned(), at, previous: Person::default(), current };
    let mut moved = change(known_as(Some(NEW), Some("DE.2"))?, desk.now);
    moved.previous = known_as(Some(ANA), Some("DE.1"))?;
    let outcome = desk.hear(vec![Fact::IdentityChanged(moved.clone()), Fact::IdentityChanged(moved.clone())]).await?;
    same!((outcome.news, outcome.repeated), (1, 1));
    for text in [ANA, NEW, "DE.1", "DE.2"] {
        same!(holder(&*desk.store, text).await?, customer);
    }
    let now = view(&*desk.store, NEW).await?;
    same!(reached(&now), (Some(NEW.to_owned()), Some("DE.2".to_owned())));
    // The session moved along, and was not opened by it.
    let evidence = desk.look(SHOP, DESK, identity(NEW)?).await?.evidence;
    same!(evidence.heard, Some(desk.now.minus(Span::hours(1))));
    // A message of before that comes late does not bring the old number back.
    let fact = desk.inbound(known_as(Some(ANA), Some("DE.1"))?, "in.0", desk.now.minus(Span::minutes(30)));
    desk.hear(vec![fact]).await?;
    same!(reached(&view(&*desk.store, NEW).await?).0, Some(NEW.to_owned()));
    // A system message about nobody makes nobody.
    let mut nobody = change(known_as(Some("+4915100000001"), Some("DE.8"))?, desk.now);
    nobody.previous = known_as(None, Some("DE.7"))?;
    desk.hear(vec![Fact::IdentityChanged(nobody)]).await?;
    same!(holder(&*desk.store, "DE.8").await?, None);
    // One whose new number is not told has none.
    let mut silent = change(known_as(None, Some("DE.3"))?, desk.now);
    silent.previous = known_as(Some(NEW), Some("DE.2"))?;
    desk.hear(vec![Fact::IdentityChanged(silent)]).await?;
    let view = view(&*desk.store, "DE.3").await?;
    same!((Some(view.id), view.present.phone), (customer, None));
    Ok(())
}

pub(super) async fn preferences_go_by_time(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let from = person(ANA)?;
    let wish = |marketing, at| Fact::Preference(Preference { from: from.clone(), marketing, at });
    let (early, late) = (desk.now.minus(Span::hours(2)), desk.now.minus(Span::hours(1)));
    same!(desk.hear(vec![wish(false, late)]).await?.news, 1);
    // An earlier word is new to the ledger, and changes nothing.
    let outcome = desk.hear(vec![wish(false, late), wish(true, early)]).await?;
    same!((outcome.news, outcome.repeated), (1, 1));
    hold!(desk.look(SHOP, DESK, identity(ANA)?).await?.facts.no_marketing);
    desk.hear(vec![wish(true, desk.now)]).await?;
    hold!(!desk.look(SHOP, DESK, identity(ANA)?).await?.facts.no_marketing);
    Ok(())
}

pub(super) async fn a_number_is_found_by_each_of_its_spellings(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let (long, short) = ("+5511987654321", "+551187654321");
    let id = desk.send(long).await?;
    let claimed = desk.take().await?;
    // What Meta calls the number is taken; the message went to what the caller wrote.
    let answer = Settlement::Answered { provider_id: "wamid.1".to_owned(), recipient: person(short)?, note: None };
    desk.settle(id, claimed.attempt, answer).await?;
    same!(claimed.message.address, identity(long)?);
    let (one, other) = (holder(&*desk.store, long).await?, holder(&*desk.store, short).await?);
    hold!(one.is_some() && one == other);
    same!(reached(&view(&*desk.store, long).await?).0, Some(short.to_owned()));
    let fact = desk.inbound(known_as(Some(short), Some("BR.1"))?, "in.1", desk.now);
    desk.hear(vec![fact]).await?;
    hold!(desk.look(SHOP, DESK, identity(long)?).await?.evidence.at(desk.now).is_open());
    desk.send(short).await?;
    let filter = MessageFilter { customer: Some(identity(long)?), ..MessageFilter::default() };
    same!(desk.store.messages(SHOP, filter, page(10)).await?.0.len(), 3);
    same!(view(&*desk.store, "BR.1").await?.identities.len(), 2);
    Ok(())
}

pub(super) async fn who_is_known_by_a_number_only_is_whoever_has_it(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    // Written to by number; heard without one; then both in one webhook.
    desk.handed(ANA, "wamid.1").await?;
    let fact = desk.inbound(known_as(None, Some("DE.1"))?, "in.1", desk.now);
    desk.hear(vec![fact]).await?;
    hold!(holder(&*desk.store, ANA).await? != holder(&*desk.store, "DE.1").await?);
    hold!(!desk.look(SHOP, DESK, identity(ANA)?).await?.evidence.at(desk.now).is_open());
    let mut report = desk.status("wamid.1", Reported::Delivered, desk.now);
    report.recipient = known_as(Some(ANA), Some("DE.1"))?;
    let outcome = desk.hear(vec![Fact::Status(report.clone()), Fact::Status(report)]).await?;
    same!(holder(&*desk.store, ANA).await?, holder(&*desk.store, "DE.1").await?);
    hold!(outcome.nudged.contains(&DESK));
    same!(desk.names().await?.iter().filter(|name| **name == "customer.merged").count(), 1);
    let person = view(&*desk.store, ANA).await?;
    same!(reached(&person), (Some(ANA.to_owned()), Some("DE.1".to_owned())));
    same!(person.merged.iter().map(|merged| merged.why).collect::<Vec<_>>(), vec![Joined::Phone]);
    // The window, the list of messages and the session are the person's, whichever identity is asked for.
    for text in [ANA, "DE.1"] {
        hold!(desk.look(SHOP, DESK, identity(text)?).await?.evidence.at(desk.now).is_open());
        let filter = MessageFilter { customer: Some(identity(text)?), ..MessageFilter::default() };
        same!(desk.store.messages(SHOP, filter.clone(), page(10)).await?.0.len(), 2);
        let sessions = desk.store.sessions(SHOP, filter, page(10)).await?.0;
        same!(
            sessions.iter().map(|row| (row.customer, row.address.clone())).collect::<Vec<_>>(),
            vec![(person.id, identity(ANA)?)]
        );
    }
    same!(desk.store.sessions(SHOP, MessageFilter::default(), page(10)).await?.0.len(), 1);
    Ok(())
}

pub(super) async fn a_merge_by_hand_is_undone_as_if_it_had_not_been(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let (mut ana, mut ben) = (known_as(Some(ANA), Some("DE.1"))?, known_as(Some(NEW), Some("DE.2"))?);
    (ana.name, ana.username) = (Some("Ana".to_owned()), Some("ana".to_owned()));
    ben.name = Some("Ben".to_owned());
    let facts = vec![
        desk.inbound(ana.clone(), "in.1", desk.now.minus(Span::hours(30))),
        desk.inbound(ben.clone(), "in.2", desk.now),
        Fact::Preference(Preference { from: ana.clone(), marketing: false, at: desk.now }),
    ];
    desk.hear(facts).await?;
    let before = (view(&*desk.store, ANA).await?, view(&*desk.store, NEW).await?);
    let waits = desk.send(ANA).await?;
    let ids = (before.0.id, before.1.id);
    let MergeOutcome::Merged { customer, merged } = desk.store.merge_customers(SHOP, ids.1, ids.0, desk.now).await?.outcome
    else {
        return Err(Broken("they were not merged".to_owned()));
    };
    same!(desk.store.merge_customers(SHOP, merged, customer, desk.now).await?.outcome, MergeOutcome::Same(customer));
    same!(desk.store.merge_customers(SHOP, ids.0, CustomerId(7), desk.now).await?.outcome, MergeOutcome::NotFound);
    same!(desk.store.merge_customers(RIVAL, ids.0, ids.1, desk.now).await?.outcome, MergeOutcome::NotFound);
    // Session, consent and lists follow the person.
    for text in [ANA, NEW] {
        let look = desk.look(SHOP, DESK, identity(text)?).await?;
        hold!(look.evidence.at(desk.now).is_open() && look.facts.no_marketing);
        same!(look.customer, Some(customer));
        // Each name as it was heard last of either.
        let shown = view(&*desk.store, text).await?;
        same!((shown.name.as_deref(), shown.username.as_deref()), (Some("Ben"), Some("ana")));
        let filter = MessageFilter { customer: Some(identity(text)?), ..MessageFilter::default() };
        same!(desk.store.messages(SHOP, filter, page(10)).await?.0.len(), 3);
    }
    // What waited goes on, and what comes after it goes after it.
    let later = desk.send(NEW).await?;
    let first = desk.take().await?;
    same!(first.message.id, waits);
    hold!(first.evidence.at(desk.now).is_open());
    desk.answer(waits, 1, "wamid.1").await?;
    same!(desk.take().await?.message.id, later);
    // Heard meanwhile, by the one's identity: the one's when they are two again.
    desk.turn(Span::hours(30));
    ana.name = Some("Ana M.".to_owned());
    let fact = desk.inbound(ana, "in.3", desk.now);
    desk.hear(vec![fact]).await?;
    let named = |name: &str| CustomerFilter { query: Some(name.to_owned()), identity: None };
    for name in ["Ana M", "ben"] {
        let found = desk.store.customers(SHOP, named(name), page(10)).await?.0;
        same!(found.iter().map(|view| view.name.as_deref()).collect::<Vec<_>>(), vec![Some("Ana M.")]);
    }
    same!(desk.store.unmerge_customer(SHOP, merged, desk.now).await?, UnmergeOutcome::Unmerged { customer });
    same!(desk.store.unmerge_customer(SHOP, merged, desk.now).await?, UnmergeOutcome::NotMerged);
    let after = (view(&*desk.store, ANA).await?, view(&*desk.store, NEW).await?);
    same!((after.0.id, after.1.id), ids);
    same!((&after.0.present, &after.1.present), (&before.0.present, &before.1.present));
    same!((after.0.name.as_deref(), after.1.name.as_deref()), (Some("Ana M."), Some("Ben")));
    same!((after.0.username.as_deref(), after.1.username.as_deref()), (Some("ana"), None));
    same!((after.0.consent, after.1.consent), (before.0.consent, before.1.consent));
    hold!(after.0.consent.opted_out(Scope::Marketing));
    hold!(desk.look(SHOP, DESK, identity(ANA)?).await?.evidence.at(desk.now).is_open());
    hold!(!desk.look(SHOP, DESK, identity(NEW)?).await?.evidence.at(desk.now).is_open());
    hold!(desk.names().await?.ends_with(&[
        "message.received",
        "session.opened",
        "customer.unmerged",
        "consent.changed",
        "session.opened"
    ]));
    // What is heard joins them no more; a hand does.
    let mut both = known_as(None, Some("DE.1"))?;
    both.parent_bsuid = identity("DE.ENT.9")?.bsuid().cloned();
    let mut too = known_as(None, Some("DE.2"))?;
    too.parent_bsuid.clone_from(&both.parent_bsuid);
    let facts = vec![desk.inbound(both, "in.4", desk.now), desk.inbound(too, "in.5", desk.now)];
    desk.hear(facts).await?;
    hold!(holder(&*desk.store, "DE.1").await? != holder(&*desk.store, "DE.2").await?);
    let again = desk.store.merge_customers(SHOP, ids.0, ids.1, desk.now).await?.outcome;
    same!(again, MergeOutcome::Merged { customer, merged });
    Ok(())
}

pub(super) async fn a_change_is_told_once_in_whatever_form(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let change = |previous, current, at, id: &str| {
        Fact::IdentityChanged(IdentityChange { provider_id: id.to_owned(), at, previous, current })
    };
    let fact = desk.inbound(known_as(Some(ANA), Some("DE.1"))?, "in.1", desk.now);
    desk.hear(vec![fact]).await?;
    desk.turn(Span::hours(1));
    let at = desk.now;
    // The customer under the new id first, then the change: as a system message, as the older field, and by the number alone.
    let fact = desk.inbound(known_as(Some(NEW), Some("DE.2"))?, "in.2", at);
    desk.hear(vec![fact]).await?;
    hold!(holder(&*desk.store, "DE.1").await? != holder(&*desk.store, "DE.2").await?);
    let (old, new) = (known_as(Some(ANA), Some("DE.1"))?, known_as(Some(NEW), Some("DE.2"))?);
    let forms = vec![
        change(old, new.clone(), at, "sys.1"),
        change(known_as(None, Some("DE.1"))?, known_as(None, Some("DE.2"))?, at.minus(Span::secs(1)), ""),
        change(known_as(Some(ANA), None)?, new, at, "sys.2"),
    ];
    let outcome = desk.hear(forms).await?;
    same!((outcome.news, outcome.repeated), (1, 2));
    same!(holder(&*desk.store, "DE.1").await?, holder(&*desk.store, "DE.2").await?);
    let now = view(&*desk.store, ANA).await?;
    same!(reached(&now), (Some(NEW.to_owned()), Some("DE.2".to_owned())));
    let told: Vec<_> = desk.events().await?.into_iter().map(|event| event.body).collect();
    let changes: Vec<_> = told.iter().filter(|body| body.name() == "identity.changed").collect();
    same!(changes.len(), 1);
    hold!(matches!(changes[..], [EventBody::IdentityChanged { previous, current, .. }]
        if previous.phone.as_ref().is_some_and(|p| p.as_str() == ANA) && *current == now.present));
    // A user id that changes without a word of the number takes the number along.
    let fact = change(known_as(None, Some("DE.2"))?, known_as(None, Some("DE.3"))?, desk.now, "sys.3");
    desk.hear(vec![fact]).await?;
    same!(reached(&view(&*desk.store, "DE.1").await?), (None, Some("DE.3".to_owned())));
    // A change that comes before everybody it speaks of counts for whoever is heard of later.
    let fact = change(known_as(None, Some("DE.7"))?, known_as(None, Some("DE.8"))?, desk.now, "sys.4");
    desk.hear(vec![fact]).await?;
    same!(holder(&*desk.store, "DE.8").await?, None);
    let facts = vec![
        desk.inbound(known_as(None, Some("DE.8"))?, "in.8", desk.now),
        desk.inbound(known_as(None, Some("DE.7"))?, "in.7", desk.now),
    ];
    desk.hear(facts).await?;
    same!(holder(&*desk.store, "DE.7").await?, holder(&*desk.store, "DE.8").await?);
    same!(reached(&view(&*desk.store, "DE.7").await?).1, Some("DE.8".to_owned()));
    Ok(())
}

pub(super) async fn the_latest_of_many_changes_counts(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let start = desk.now;
    desk.turn(Span::hours(1));
    // Nobody knows her yet; what is said of her is kept, the newest too.
    for n in 0..20 {
        let mut previous = known_as(None, Some("DE.1"))?;
        let mut current = known_as(None, Some(&format!("DE.2{n}")))?;
        previous.parent_bsuid = identity("DE.ENT.9")?.bsuid().cloned();
        current.parent_bsuid.clone_from(&previous.parent_bsuid);
        let at = start.plus(Span::secs(n));
        let change = IdentityChange { provider_id: format!("sys.{n}"), at, previous, current };
        desk.hear(vec![Fact::IdentityChanged(change)]).await?;
    }
    let fact = desk.inbound(known_as(None, Some("DE.1"))?, "in.1", start);
    desk.hear(vec![fact]).await?;
    same!(reached(&view(&*desk.store, "DE.1").await?).1, Some("DE.219".to_owned()));
    // What nobody was heard of by does not stay for ever.
    desk.hear(vec![Fact::IdentityChanged(IdentityChange {
        provider_id: "sys.x".to_owned(),
        at: start,
        previous: known_as(None, Some("DE.7"))?,
        current: known_as(None, Some("DE.8"))?,
    })])
    .await?;
    desk.turn(Span::days(400));
    desk.sweep(100).await?;
    let fact = desk.inbound(known_as(None, Some("DE.7"))?, "in.7", desk.now);
    desk.hear(vec![fact]).await?;
    same!(holder(&*desk.store, "DE.8").await?, None);
    Ok(())
}

pub(super) async fn people_are_listed_and_found(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let people =
        [("+4915100000001", "Ana Müller", "ana"), ("+4915100000002", "anatol", "zz"), ("+4915200000003", "Zoe", "anaconda")];
    for (n, (phone, name, username)) in people.iter().enumerate() {
        desk.turn(Span::secs(1));
        let mut from = known_as(Some(phone), Some(&format!("DE.{n}")))?;
        (from.name, from.username) = (Some((*name).to_owned()), Some((*username).to_owned()));
        let fact = desk.inbound(from, &format!("in.{n}"), desk.now);
        desk.hear(vec![fact]).await?;
    }
    let names = |views: &[CustomerView]| views.iter().filter_map(|view| view.name.clone()).collect::<Vec<_>>();
    let asked = |query: Option<&str>, identity| CustomerFilter { query: query.map(str::to_owned), identity };
    // All of them, latest first, page by page.
    let (first, token) = desk.store.customers(SHOP, asked(None, None), page(2)).await?;
    same!(names(&first), vec!["Zoe", "anatol"]);
    let (last, end) = desk.store.customers(SHOP, asked(None, None), Page { size: 2, token }).await?;
    same!((names(&last), end), (vec!["Ana Müller".to_owned()], None));
    for (query, found) in [
        ("ANA", vec!["Ana Müller", "Zoe", "anatol"]),
        ("@anac", vec!["Zoe"]),
        ("ana m\u{fc}", vec!["Ana Müller"]),
        ("+49 151", vec!["Ana Müller", "anatol"]),
        ("4915200000003", vec!["Zoe"]),
        ("nobody", vec![]),
        ("+1", vec![]),
    ] {
        let mut all = Vec::new();
        let mut token = None;
        loop {
            let (views, next) = desk.store.customers(SHOP, asked(Some(query), None), Page { size: 1, token }).await?;
            all.extend(names(&views));
            token = next;
            if token.is_none() {
                break;
            }
        }
        let mut sorted = all.clone();
        sorted.sort();
        sorted.dedup();
        same!(sorted, found.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
    }
    let one = desk.store.customers(SHOP, asked(None, Some(identity("DE.1")?)), page(10)).await?.0;
    same!(names(&one), vec!["anatol"]);
    hold!(desk.store.customers(RIVAL, asked(Some("ana"), None), page(10)).await?.0.is_empty());
    for query in [None, Some("ana"), Some("+49")] {
        let asked = desk.store.customers(SHOP, asked(query, None), Page { size: 1, token: Some("nonsense".to_owned()) }).await;
        same!(asked.err(), Some(crate::StoreError::BadToken));
    }
    Ok(())
}

/// The names of those whom a search finds, in pages of a size.
async fn searched(desk: &Desk, query: &str, size: usize) -> Result<Vec<String>, Broken> {
    let (mut all, mut token) = (Vec::new(), None);
    loop {
        let filter = CustomerFilter { query: Some(query.to_owned()), identity: None };
        let (views, next) = desk.store.customers(SHOP, filter, Page { size, token }).await?;
        all.extend(views.into_iter().filter_map(|view| view.name));
        token = next;
        if token.is_none() {
            all.sort();
            return Ok(all);
        }
    }
}

pub(super) async fn any_word_of_a_name_finds(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let (ana, sam) = (identity(ANA)?, identity(NEW)?);
    let called = |phone: &str, bsuid: &str, name: &str, username: Option<&str>| {
        let names = (Some(name.to_owned()), username.map(str::to_owned));
        known_as(Some(phone), Some(bsuid)).map(|person| Person { name: names.0, username: names.1, ..person })
    };
    let heard = [
        called(ANA, "DE.1", "Ana Mar\u{ed}a Smith", Some("ana.smith"))?,
        called(NEW, "DE.2", "Smith Samsmith", None)?,
        called("+4915100000003", "DE.3", "O'Neill-Smithers", Some("on"))?,
    ];
    for (n, from) in heard.into_iter().enumerate() {
        let fact = desk.inbound(from, &format!("in.{n}"), desk.now);
        desk.hear(vec![fact]).await?;
    }
    // Somebody whom the business wrote to under a name, and somebody whose name was asked for.
    let mut written = desk.text("+4915100000004")?;
    written.name = Some("Zoe Blacksmith".to_owned());
    desk.accept(written).await?;
    desk.send("+4915100000005").await?;
    hold!(desk.store.learn_name(SHOP, identity("+4915100000005")?, "Yan Smith".to_owned()).await?);
    let (maria, samsmith, neill, zoe, yan) =
        ("Ana Mar\u{ed}a Smith", "Smith Samsmith", "O'Neill-Smithers", "Zoe Blacksmith", "Yan Smith");
    for (query, found) in [
        ("smith", vec![maria, neill, samsmith, yan]),
        ("SMITHE", vec![neill]),
        ("mar\u{cd}a sm", vec![maria]),
        ("ana", vec![maria]),
        ("@smith", vec![maria, neill, samsmith, yan]),
        ("blacks", vec![zoe]),
        ("sam", vec![samsmith]),
        ("neill", vec![neill]),
        ("mith", vec![]),
    ] {
        for size in [1, 2, 50] {
            same!(
                (query, size, searched(&desk, query, size).await?),
                (query, size, found.iter().map(|name| (*name).to_owned()).collect())
            );
        }
    }
    let foreign = CustomerFilter { query: Some("smith".to_owned()), identity: None };
    hold!(desk.store.customers(RIVAL, foreign, page(10)).await?.0.is_empty());
    for (query, found) in [("smith", 1), ("mar\u{ed}a", 1), ("jones", 0)] {
        let one = CustomerFilter { query: Some(query.to_owned()), identity: Some(ana.clone()) };
        same!((query, desk.store.customers(SHOP, one, page(10)).await?.0.len()), (query, found));
    }
    // Who is called otherwise is found by that and no longer as before.
    desk.turn(Span::secs(5));
    let fact = desk.inbound(called(ANA, "DE.1", "Ana Jones", Some("ana.j"))?, "in.renamed", desk.now);
    desk.hear(vec![fact]).await?;
    same!(searched(&desk, "jones", 5).await?, vec!["Ana Jones"]);
    same!(searched(&desk, "smith", 5).await?, vec![neill, samsmith, yan]);
    // Two who are one person are found by the words of either.
    let ids = (holder(&*desk.store, ANA).await?, holder(&*desk.store, NEW).await?);
    let (Some(a), Some(b)) = ids else { return Err(Broken("not known".to_owned())) };
    hold!(matches!(desk.store.merge_customers(SHOP, a, b, desk.now).await?.outcome, MergeOutcome::Merged { .. }));
    same!(searched(&desk, "jones", 5).await?, searched(&desk, "samsm", 5).await?);
    // Nothing of it is left of who is forgotten.
    desk.store.erase_customer(SHOP, Who::Identity(sam), Actor::Operator, desk.now).await?;
    for query in ["jones", "samsm", "ana", "j"] {
        same!((query, searched(&desk, query, 5).await?), (query, vec![]));
    }
    same!(work(&desk, a.min(b)).await?, ErasureNext::Done);
    same!(searched(&desk, "smith", 5).await?, vec![neill, yan]);
    Ok(())
}

pub(super) async fn a_name_that_was_asked_for_stands_in_for_none(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let nameless = identity("messenger:8001")?;
    let fact = desk.inbound(Person { psid: Psid::parse("8001").ok(), ..Person::default() }, "in.1", desk.now);
    desk.hear(vec![fact]).await?;
    let learn = async |business, name: &str| desk.store.learn_name(business, nameless.clone(), name.to_owned()).await;
    hold!(!learn(RIVAL, "Cleo").await?);
    hold!(learn(SHOP, "Cleo").await?);
    // Once: a name that is known is not replaced by what was asked for.
    hold!(!learn(SHOP, "Other").await?);
    let filter = CustomerFilter { query: Some("cle".to_owned()), identity: None };
    let found = desk.store.customers(SHOP, filter, page(10)).await?.0;
    same!(found.iter().map(|view| view.name.as_deref()).collect::<Vec<_>>(), vec![Some("Cleo")]);
    // What is heard later counts more.
    desk.turn(Span::secs(5));
    let person = Person { psid: Psid::parse("8001").ok(), name: Some("Cleopatra".to_owned()), ..Person::default() };
    let fact = desk.inbound(person, "in.2", desk.now);
    desk.hear(vec![fact]).await?;
    let known = desk.store.customer_with(SHOP, nameless.clone()).await?;
    same!(known.and_then(|view| view.name), Some("Cleopatra".to_owned()));
    // Nobody is called anything by an identity that nobody has.
    hold!(!desk.store.learn_name(SHOP, identity("messenger:8002")?, "Ghost".to_owned()).await?);
    Ok(())
}
