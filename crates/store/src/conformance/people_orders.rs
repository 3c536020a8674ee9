//! Any order and any repetition of what is heard gives the same people, on both engines.
//!
//! A small world is made up: people who write with and without their number, change number, hide it; numbers that pass on from
//! hand to hand. What Meta would tell of it is told once in order, and once shuffled and with repetitions.

use std::collections::BTreeSet;

use proptest::prelude::*;
use transom_domain::fact::{Fact, IdentityChange, Person, Preference, Reported};
use transom_domain::people::Present;
use transom_domain::session::Evidence;
use transom_domain::time::Span;

use super::desk::{DESK, Desk, SHOP, identity};
use super::tests::{Memory, Sqlite};
use super::{Broken, Factory};
use crate::MemoryStore;

const PEOPLE: usize = 3;
const NUMBERS: usize = 4;

/// What somebody does.
#[derive(Debug, Clone)]
enum Deed {
    /// Writes; shows the number or not, and the user id or not.
    Writes { who: usize, number: bool, id: bool },
    /// Takes another number, the next free one; with it the user id changes. In one of the forms in which Meta tells it.
    Changes { who: usize, form: u8 },
    /// Gets a message that was sent to this number at the beginning.
    Gets { number: usize },
    /// Wants no marketing, or wants it again.
    Wishes { who: usize, marketing: bool },
}

fn deed() -> impl Strategy<Value = Deed> {
    let who = 0..PEOPLE;
    prop_oneof![
        4 => (who.clone(), any::<bool>(), prop::bool::weighted(0.9)).prop_map(|(who, number, id)| Deed::Writes { who, number, id }),
        2 => (who.clone(), 0u8..4).prop_map(|(who, form)| Deed::Changes { who, form }),
        2 => (0..NUMBERS).prop_map(|number| Deed::Gets { number }),
        1 => (who, any::<bool>()).prop_map(|(who, marketing)| Deed::Wishes { who, marketing }),
    ]
}

fn number(n: usize) -> String {
    format!("+49151000000{n:02}")
}

fn known_as(number: Option<String>, id: Option<String>) -> Person {
    let read = |text: Option<String>| text.and_then(|text| identity(&text).ok());
    Person {
        phone: read(number).and_then(|i| i.phone().cloned()),
        bsuid: read(id).and_then(|i| i.bsuid().cloned()),
        ..Person::default()
    }
}

/// Who ever had each number. Of one that several had, a word that names nothing else cannot say whose it was.
fn holders(deeds: &[Deed]) -> Vec<BTreeSet<usize>> {
    let mut holders: Vec<BTreeSet<usize>> = (0..NUMBERS).map(|n| (0..PEOPLE).filter(|who| *who == n).collect()).collect();
    let (mut has, mut free): (Vec<usize>, usize) = ((0..PEOPLE).collect(), PEOPLE);
    for deed in deeds {
        if let Deed::Changes { who, .. } = deed {
            free = std::mem::replace(&mut has[*who], free);
            holders[has[*who]].insert(*who);
        }
    }
    holders
}

/// What Meta tells of the deeds, and every identity that occurs in it.
fn told(desk: &Desk, deeds: &[Deed], sent: usize) -> (Vec<Fact>, Vec<String>) {
    // Who has which number now, and how many user ids everyone had.
    let mut has: Vec<usize> = (0..PEOPLE).collect();
    let mut ids = [0usize; PEOPLE];
    let holders = holders(deeds);
    let alone = |n: usize| holders[n].len() < 2;
    let id = |who: usize, n: usize| format!("DE.{who}x{n}");
    // A word that names a number only says something where that number was once shown together with a user id.
    let mut shown = [false; PEOPLE];
    let mut free = PEOPLE;
    let start = desk.now.minus(Span::hours(2));
    let (mut facts, mut all) = (Vec::new(), Vec::new());
    for (n, deed) in deeds.iter().enumerate() {
        let at = start.plus(Span::secs(n as i64));
        match deed {
            Deed::Writes { who, number: shows, id: named } => {
                let named = *named || !(*shows && alone(has[*who]));
                shown[*who] |= named && *shows;
                let from = known_as(shows.then(|| number(has[*who])), named.then(|| id(*who, ids[*who])));
                facts.push(desk.inbound(from, &format!("in.{n}"), at));
            }
            Deed::Changes { who, form } => {
                let before = id(*who, ids[*who]);
                let left = std::mem::replace(&mut has[*who], free);
                free = left;
                ids[*who] += 1;
                let after = id(*who, ids[*who]);
                let (previous, current) = match form {
                    0 => (known_as(Some(number(left)), Some(before)), known_as(Some(number(has[*who])), Some(after))),
                    1 => (known_as(None, Some(before)), known_as(None, Some(after))),
                    2 => (known_as(Some(number(left)), Some(before)), known_as(None, Some(after))),
                    _ if alone(left) && shown[*who] => {
                        (known_as(Some(number(left)), None), known_as(Some(number(has[*who])), Some(after)))
                    }
                    _ => (known_as(None, Some(before)), known_as(Some(number(has[*who])), Some(after))),
                };
                shown[*who] = false;
                facts.push(Fact::IdentityChanged(IdentityChange { provider_id: format!("sys.{n}"), at, previous, current }));
            }
            Deed::Gets { number: n } => {
                if let Some(who) = has.iter().position(|has| has == n).filter(|_| *n < sent && alone(*n)) {
                    let mut report = desk.status(&format!("wamid.{n}"), Reported::Delivered, at);
                    report.recipient = known_as(Some(number(*n)), Some(id(who, ids[who])));
                    facts.push(Fact::Status(report));
                }
            }
            Deed::Wishes { who, marketing } => {
                let from = known_as(None, Some(id(*who, ids[*who])));
                facts.push(Fact::Preference(Preference { from, marketing: *marketing, at }));
            }
        }
    }
    for (who, last) in ids.iter().enumerate() {
        all.extend((0..=*last).map(|n| id(who, n)));
    }
    all.extend((0..NUMBERS).map(number));
    (facts, all)
}

/// Everyone as the identities show them: by what they are known and reached, what is known of their session and wishes.
type Shown = Vec<(String, Option<(Vec<String>, Present, Evidence, bool)>)>;

async fn shown(desk: &Desk, all: &[String]) -> Result<Shown, Broken> {
    let mut shown = Vec::new();
    for text in all {
        let person = match desk.store.customer_with(SHOP, identity(text)?).await? {
            None => None,
            Some(view) => {
                let held = view.identities.iter().filter(|(_, claim)| claim.held);
                let mut held: Vec<String> = held.map(|(_, claim)| claim.identity.to_string()).collect();
                held.sort();
                let look = desk.look(SHOP, DESK, identity(text)?).await?;
                Some((held, view.present, look.evidence, look.facts.no_marketing))
            }
        };
        shown.push((text.clone(), person));
    }
    Ok(shown)
}

async fn heard(
    factory: &dyn Factory,
    deeds: &[Deed],
    sent: usize,
    order: impl Fn(Vec<Fact>) -> Vec<Fact>,
) -> Result<Shown, Broken> {
    let mut desk = Desk::new(factory).await?;
    for n in (0..sent).filter(|n| holders(deeds)[*n].len() < 2) {
        desk.handed(&number(n), &format!("wamid.{n}")).await?;
    }
    desk.turn(Span::hours(3));
    let (facts, all) = told(&desk, deeds, sent);
    for fact in order(facts) {
        desk.hear(vec![fact]).await?;
    }
    for (text, person) in shown(&desk, &all).await? {
        // Whatever came in whatever order: two people are never taken for one.
        let whose = |id: &str| id.strip_prefix("bsuid:DE.").and_then(|id| id.split('x').next().map(str::to_owned));
        let mut owners: Vec<String> = person.iter().flat_map(|(held, ..)| held).filter_map(|id| whose(id)).collect();
        owners.sort();
        owners.dedup();
        if owners.len() > 1 {
            return Err(Broken(format!("{text} is of {owners:?}")));
        }
    }
    shown(&desk, &all).await
}

fn runs() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn same_people(make: impl Fn() -> Box<dyn Factory>, deeds: &[Deed], sent: usize, shuffle: &[usize]) -> Result<(), TestCaseError> {
    let shuffled = |facts: Vec<Fact>| {
        let picked = shuffle.iter().filter(|n| **n < facts.len()).map(|n| facts[*n].clone());
        picked.collect::<Vec<_>>()
    };
    let (in_order, out_of_order) = runs()
        .block_on(async { (heard(&*make(), deeds, sent, |facts| facts).await, heard(&*make(), deeds, sent, shuffled).await) });
    let in_order = in_order.map_err(|broken| TestCaseError::fail(broken.0))?;
    let out_of_order = out_of_order.map_err(|broken| TestCaseError::fail(broken.0))?;
    prop_assert_eq!(in_order, out_of_order);
    Ok(())
}

#[test]
fn a_number_that_comes_back_is_the_present_one_in_any_order() {
    let gets = || Deed::Gets { number: 1 };
    let changes = || Deed::Changes { who: 1, form: 1 };
    let deeds = [gets(), changes(), changes(), gets()];
    for shuffle in [[0, 1, 3, 2], [3, 2, 1, 0], [3, 0, 1, 2], [0, 3, 2, 1]] {
        same_people(|| Box::new(Memory(MemoryStore::new())), &deeds, 2, &shuffle).unwrap();
    }
}

prop_compose! {
    fn world()(deeds in prop::collection::vec(deed(), 1..14), sent in 0..=NUMBERS)
        (shuffle in Just((0..deeds.len()).chain(0..deeds.len()).collect::<Vec<_>>()).prop_shuffle(), deeds in Just(deeds), sent in Just(sent))
        -> (Vec<Deed>, usize, Vec<usize>) { (deeds, sent, shuffle) }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]
    #[test]
    fn any_order_and_repetition_gives_the_same_people_in_memory((deeds, sent, shuffle) in world()) {
        same_people(|| Box::new(Memory(MemoryStore::new())), &deeds, sent, &shuffle)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]
    #[test]
    fn any_order_and_repetition_gives_the_same_people_in_sqlite((deeds, sent, shuffle) in world()) {
        same_people(|| Box::new(Sqlite(tempfile::tempdir().unwrap())), &deeds, sent, &shuffle)?;
    }
}
