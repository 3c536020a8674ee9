//! People: identities, numbers that change, wishes; and templates, which are known by time as they are.

use transom_domain::fact::{Fact, IdentityChange, Person, Preference, Reported};
use transom_domain::id::CustomerId;
use transom_domain::time::{Span, Timestamp};

use super::desk::{DESK, Desk, RIVAL, SHOP, identity, person};
use super::{Broken, Factory, Outcome, hold, same};
use crate::{CustomerView, LookUp, Store};

const ANA: &str = "+4915112345678";
const NEW: &str = "+4915187654321";

fn known_as(phone: Option<&str>, bsuid: Option<&str>) -> Result<Person, Broken> {
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

async fn view(store: &dyn Store, text: &str) -> Result<CustomerView, Broken> {
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
    same!(
        (view.phone.map(|p| p.to_string()), view.bsuid.map(|b| b.to_string())),
        (Some(ANA.to_owned()), Some("DE.1".to_owned()))
    );
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
    same!((first.phone, first.bsuid.map(|b| b.to_string())), (None, Some("DE.1".to_owned())));
    // A webhook from before that comes late takes nothing back.
    let fact = desk.inbound(known_as(Some(ANA), Some("DE.1"))?, "in.0", desk.now.minus(Span::minutes(30)));
    desk.hear(vec![fact]).await?;
    same!(holder(&*desk.store, ANA).await?, Some(second.id));
    same!(view(&*desk.store, "DE.1").await?.phone, None);
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
    same!((now.phone.map(|p| p.to_string()), now.bsuid.map(|b| b.to_string())), (Some(NEW.to_owned()), Some("DE.2".to_owned())));
    // The session moved along, and was not opened by it.
    let evidence = desk.look(SHOP, DESK, identity(NEW)?).await?.evidence;
    same!(evidence.heard, Some(desk.now.minus(Span::hours(1))));
    // A message of before that comes late does not bring the old number back.
    let fact = desk.inbound(known_as(Some(ANA), Some("DE.1"))?, "in.0", desk.now.minus(Span::minutes(30)));
    desk.hear(vec![fact]).await?;
    same!(view(&*desk.store, NEW).await?.phone.map(|p| p.to_string()), Some(NEW.to_owned()));
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
    same!((Some(view.id), view.phone), (customer, None));
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
