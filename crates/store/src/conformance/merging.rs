//! Two customers who are one person for a while: what waits, what is refused, what is wanted and what is told over a merge and its
//! undoing stays with the one whose address it is.

use transom_domain::consent::{Choice, Source};
use transom_domain::event::EventBody;
use transom_domain::fact::{Fact, Inbound, Person, Preference, Reported};
use transom_domain::failure::UpstreamError;
use transom_domain::id::CustomerId;
use transom_domain::time::Span;

use super::desk::{DESK, Desk, SHOP, identity};
use super::people::{ANA, NEW, known_as, view};
use super::{Broken, Factory, Outcome, hold, same};
use crate::{Actor, ErasureNext, MergeOutcome, UnmergeOutcome, Who};

/// Ana, who was made first, and Ben: who they are, and their ids.
struct Two {
    ana: Person,
    ben: Person,
    ids: (CustomerId, CustomerId),
}

/// Both have written, the one an hour before the other.
async fn two(desk: &mut Desk) -> Result<Two, Broken> {
    let (ana, ben) = (known_as(Some(ANA), Some("DE.1"))?, known_as(Some(NEW), Some("DE.2"))?);
    for (n, from) in [&ana, &ben].into_iter().enumerate() {
        let fact = desk.inbound(from.clone(), &format!("first.{n}"), desk.now);
        desk.hear(vec![fact]).await?;
        desk.turn(Span::hours(1));
    }
    let ids = (view(&*desk.store, ANA).await?.id, view(&*desk.store, NEW).await?.id);
    hold!(ids.0 < ids.1);
    Ok(Two { ana, ben, ids })
}

async fn join(desk: &Desk, two: &Two) -> Result<(), Broken> {
    let (customer, merged) = two.ids;
    let outcome = desk.store.merge_customers(SHOP, customer, merged, desk.now).await?.outcome;
    same!(outcome, MergeOutcome::Merged { customer, merged });
    Ok(())
}

async fn part(desk: &Desk, two: &Two) -> Result<(), Broken> {
    let (customer, merged) = two.ids;
    same!(desk.store.unmerge_customer(SHOP, merged, desk.now).await?, UnmergeOutcome::Unmerged { customer });
    Ok(())
}

fn wish(from: &Person, marketing: bool, desk: &Desk) -> Fact {
    Fact::Preference(Preference { from: from.clone(), marketing, at: desk.now })
}

pub(super) async fn what_waits_over_an_undo_is_its_own(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let two = two(&mut desk).await?;
    desk.turn(Span::hours(22));
    desk.turn(Span::minutes(30));
    let wrote = desk.inbound(two.ana.clone(), "in.1", desk.now);
    desk.hear(vec![wrote, wish(&two.ben, false, &desk)]).await?;
    desk.turn(Span::hours(1));
    // Ben's session is over by now, Ana's is open, and Ben alone wants no marketing.
    join(&desk, &two).await?;
    let (first, waits, later) = (desk.send(ANA).await?, desk.send("bsuid:DE.2").await?, desk.send(NEW).await?);
    let mut late = desk.text("bsuid:DE.2")?;
    late.not_before = desk.now.plus(Span::hours(2));
    let late = desk.accept(late).await?;
    let claimed = desk.take().await?;
    same!(claimed.message.id, first);
    hold!(claimed.facts.no_marketing && claimed.evidence.at(desk.now).is_open());
    part(&desk, &two).await?;
    // What is Ben's waits no longer behind what is on its way to Ana, and leaves by what is known of Ben.
    let claimed = desk.take().await?;
    same!((claimed.message.id, claimed.message.customer), (waits, two.ids.1));
    hold!(claimed.facts.no_marketing && !claimed.evidence.at(desk.now).is_open());
    same!(claimed.phone.map(|phone| phone.to_string()), Some(NEW.to_owned()));
    let last = desk.send(NEW).await?;
    for next in [waits, later, last] {
        if next != waits {
            same!(desk.take().await?.message.id, next);
        }
        desk.answer(next, 1, &format!("wamid.{next}")).await?;
    }
    desk.answer(first, 1, "wamid.first").await?;
    let hers = desk.send(ANA).await?;
    let claimed = desk.take().await?;
    same!(claimed.message.id, hers);
    hold!(!claimed.facts.no_marketing && claimed.evidence.at(desk.now).is_open());
    desk.answer(hers, 1, "wamid.hers").await?;
    // What was put aside went over too, and the same merge again and undone changes nothing of it.
    join(&desk, &two).await?;
    part(&desk, &two).await?;
    desk.turn(Span::hours(2));
    let claimed = desk.take().await?;
    same!((claimed.message.id, claimed.message.customer), (late, two.ids.1));
    Ok(())
}

pub(super) async fn a_number_that_passed_on_is_judged_as_whose_it_is(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let two = two(&mut desk).await?;
    let mut waits = desk.text(ANA)?;
    waits.not_before = desk.now.plus(Span::hours(1));
    let waits = desk.accept(waits).await?;
    let stranger = known_as(Some(ANA), Some("DE.9"))?;
    let wrote = desk.inbound(stranger.clone(), "in.9", desk.now);
    desk.hear(vec![wrote, wish(&stranger, false, &desk)]).await?;
    hold!(view(&*desk.store, ANA).await?.id != two.ids.0);
    desk.turn(Span::hours(1));
    // Its turn takes it over into the stranger's lane, which is due at once.
    let claims = desk.claim().await?;
    same!((claims.claimed.len(), claims.next_due.is_some_and(|due| due <= desk.now)), (0, true));
    let claimed = desk.take().await?;
    same!(claimed.message.id, waits);
    hold!(claimed.facts.no_marketing);
    same!(claimed.evidence.heard, Some(desk.now.minus(Span::hours(1))));
    same!(desk.answer(waits, 1, "wamid.1").await?, desk.shows(waits).await?);
    Ok(())
}

pub(super) async fn what_is_refused_stays_with_whom_it_did_not_reach(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let two = two(&mut desk).await?;
    join(&desk, &two).await?;
    for (code, wamid) in [(131_050, "wamid.1"), (131_047, "wamid.2")] {
        desk.handed(NEW, wamid).await?;
        let mut report = desk.status(wamid, Reported::Failed, desk.now);
        report.errors = vec![UpstreamError { code, title: "no".to_owned(), details: None, subcode: None }];
        desk.hear(vec![Fact::Status(report)]).await?;
    }
    for text in [ANA, NEW] {
        let look = desk.look(SHOP, DESK, identity(text)?).await?;
        hold!(look.facts.no_marketing && !look.evidence.at(desk.now).is_open());
    }
    part(&desk, &two).await?;
    let (ana, ben) = (desk.look(SHOP, DESK, identity(ANA)?).await?, desk.look(SHOP, DESK, identity(NEW)?).await?);
    hold!(!ana.facts.no_marketing && ana.evidence.at(desk.now).is_open());
    hold!(ben.facts.no_marketing && !ben.evidence.at(desk.now).is_open());
    Ok(())
}

pub(super) async fn what_is_wanted_is_told_where_a_merge_changes_it(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let two = two(&mut desk).await?;
    let carl = desk.inbound(known_as(None, Some("DE.3"))?, "in.3", desk.now);
    desk.hear(vec![wish(&two.ana, false, &desk), carl]).await?;
    desk.turn(Span::hours(1));
    desk.hear(vec![wish(&two.ben, true, &desk)]).await?;
    let before = desk.events().await?.len();
    join(&desk, &two).await?;
    part(&desk, &two).await?;
    let carl = view(&*desk.store, "DE.3").await?.id;
    let with_carl = Two { ids: (two.ids.0, carl), ..two };
    join(&desk, &with_carl).await?;
    part(&desk, &with_carl).await?;
    let told = desk.events().await?.into_iter().skip(before).filter_map(|event| match event.body {
        EventBody::ConsentChanged { customer, choice, source, consent, .. } => {
            Some((customer, choice, source, consent.marketing.map(|stand| stand.choice)))
        }
        _ => None,
    });
    let (out, is) = (Some(Choice::OptedOut), Some(Choice::OptedIn));
    let by = Some(Source::Preference);
    let (ana, ben) = two.ids;
    let expected = vec![
        // Ben's newer word counts for both; undone, Ana's own counts again, and Ben's never changed.
        (ana, is, by, is),
        (ana, out, by, out),
        // Carl had said nothing, and has again.
        (ana, out, by, out),
        (carl, None, None, None),
    ];
    same!(told.collect::<Vec<_>>(), expected);
    hold!(ben != carl);
    Ok(())
}

pub(super) async fn who_is_forgotten_after_an_undo_is_in_nobody_s_events(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let mut two = two(&mut desk).await?;
    (two.ben.name, two.ben.username) = (Some("Ben Unmistakable".to_owned()), Some("ben.the.only".to_owned()));
    desk.hear(vec![wish(&two.ana, false, &desk)]).await?;
    join(&desk, &two).await?;
    for (n, from) in [&two.ben, &two.ana].into_iter().enumerate() {
        desk.turn(Span::minutes(1));
        let fact = desk.inbound(from.clone(), &format!("in.{n}"), desk.now);
        desk.hear(vec![fact, wish(from, n == 0, &desk)]).await?;
    }
    desk.handed(NEW, "wamid.ben").await?;
    let sent = Fact::Status(desk.status("wamid.ben", Reported::Sent, desk.now));
    desk.hear(vec![sent]).await?;
    part(&desk, &two).await?;
    let of_ana = async |desk: &Desk| -> Result<String, Broken> {
        let mut events = desk.events().await?;
        events.retain(|event| event.body.party().is_some_and(|party| party.customer_address.to_string() == ANA));
        Ok(format!("{events:?}"))
    };
    hold!(of_ana(&desk).await?.contains("Ben Unmistakable"));
    desk.store.erase_customer(SHOP, Who::Id(two.ids.1), Actor::Operator, desk.now).await?;
    same!(super::erasing::work(&desk, two.ids.1).await?, ErasureNext::Done);
    let said = format!("{:?}", desk.events().await?);
    for word in [NEW, "DE.2", "Ben Unmistakable", "ben.the.only"] {
        hold!(!said.contains(word));
    }
    hold!(of_ana(&desk).await?.contains("DE.1"));
    Ok(())
}

pub(super) async fn a_conversation_keeps_its_order_over_a_merge(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let two = two(&mut desk).await?;
    for (n, when) in ["before", "meanwhile", "after"].into_iter().enumerate() {
        match n {
            1 => join(&desk, &two).await?,
            2 => part(&desk, &two).await?,
            _ => {}
        }
        let out = format!("wamid.{when}");
        desk.handed(NEW, &out).await?;
        let sent = Fact::Status(desk.status(&out, Reported::Sent, desk.now));
        let fact = desk.inbound(two.ben.clone(), &format!("in.{when}"), desk.now);
        desk.hear(vec![sent, fact]).await?;
    }
    let of_ben: Vec<_> = desk
        .events()
        .await?
        .into_iter()
        .filter(|event| {
            event.body.party().is_some_and(|party| party.bsuid == two.ben.bsuid || party.customer_address.to_string() == NEW)
        })
        .collect();
    same!(of_ben.len() > 6, true);
    hold!(of_ben.iter().all(|event| event.body.order_key() == Some((DESK, two.ids.1))));
    let named: Vec<_> = of_ben.iter().filter_map(|event| event.body.party().map(|party| party.customer)).collect();
    hold!(named.contains(&two.ids.0) && named.last() == Some(&two.ids.1));
    // An answer names what was sent to another identity of the same person.
    join(&desk, &two).await?;
    let sent = desk.handed(ANA, "wamid.answered").await?;
    let Fact::Inbound(inbound) = desk.inbound(two.ben.clone(), "in.answer", desk.now) else {
        return Err(Broken("no message".to_owned()));
    };
    desk.hear(vec![Fact::Inbound(Inbound { reply_to: Some("wamid.answered".to_owned()), ..inbound })]).await?;
    let answers = desk.events().await?.into_iter().rev().find_map(|event| match event.body {
        EventBody::MessageReceived { reply_to, .. } => Some(reply_to),
        _ => None,
    });
    same!(answers, Some(Some(sent)));
    Ok(())
}
