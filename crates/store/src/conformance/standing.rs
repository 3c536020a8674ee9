//! How accounts and numbers stand with Meta, and news that is only passed on.

use transom_domain::address::Phone;
use transom_domain::error_code::ErrorCode;
use transom_domain::event::{EventBody, SenderTrait};
use transom_domain::fact::{Account, Fact, News};
use transom_domain::limits::{LimitsTold, MessagingLimit, Rating};
use transom_domain::message::Class;
use transom_domain::standing::{AccountNews, AccountState, AccountTold, Restriction};
use transom_domain::time::{Span, Timestamp};

use super::desk::{DESK, Desk, RIVAL, SHOP, business, person, sender};
use super::{Broken, Factory, Outcome, hold, same};
use crate::{SenderState, WaitReason};

const ANA: &str = "+4915112345678";

fn account(state: AccountState, at: Timestamp) -> Fact {
    Fact::Account(AccountTold { phone: None, at, news: AccountNews::Account { account: state } })
}

fn restricted(kind: &str, until: Option<Timestamp>, at: Timestamp) -> Fact {
    let restrictions = vec![Restriction { kind: kind.to_owned(), until }];
    Fact::Account(AccountTold { phone: None, at, news: AccountNews::Restricted { restrictions } })
}

async fn stopped(desk: &Desk) -> Result<Option<ErrorCode>, Broken> {
    let senders = desk.store.senders().await?;
    Ok(senders.into_iter().find(|s| s.id == DESK).and_then(|s| match s.state {
        SenderState::Active => None,
        SenderState::Stopped { failure, .. } => Some(failure.code),
    }))
}

pub(super) async fn a_ban_stops_the_senders_of_the_account_until_it_is_taken_back(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    desk.store.put_business(business(RIVAL)).await?;
    desk.store.put_sender(sender(21, RIVAL, "+493099999999")?).await?;
    let id = desk.send(ANA).await?;
    let start = desk.now;
    let disabled = account(AccountState::Disabled { date: None }, start.plus(Span::secs(10)));
    desk.turn(Span::secs(30));
    let outcome = desk.hear(vec![disabled.clone(), disabled.clone()]).await?;
    same!((outcome.news, outcome.repeated, outcome.nudged), (1, 1, vec![DESK]));
    same!(stopped(&desk).await?, Some(ErrorCode::UpstreamAccountRestricted));
    same!(desk.started().await?, vec![]);
    same!(desk.store.outlook(SHOP, id, desk.now).await?.map(|o| o.reason), Some(WaitReason::SenderStopped));
    // What was said before, and comes later, changes nothing; what was said after lets it go on.
    desk.hear(vec![account(AccountState::Reinstated, start)]).await?;
    same!(desk.started().await?, vec![]);
    let reinstated = account(AccountState::Reinstated, start.plus(Span::secs(20)));
    same!(desk.hear(vec![reinstated, disabled]).await?.nudged, vec![DESK]);
    same!(stopped(&desk).await?, None);
    same!(desk.started().await?, vec![id]);
    // One that an operator's error has stopped goes on when that is mended, whatever becomes of the account.
    let failure = super::desk::failure(ErrorCode::UpstreamCredentials);
    desk.store.set_sender_state(SHOP, DESK, Some(failure), desk.now).await?;
    desk.hear(vec![account(AccountState::Deleted, start.plus(Span::secs(21)))]).await?;
    desk.hear(vec![account(AccountState::Reinstated, start.plus(Span::secs(22)))]).await?;
    same!(stopped(&desk).await?, Some(ErrorCode::UpstreamCredentials));
    // Another business is not touched.
    same!(desk.store.events(RIVAL, 0, 10).await?.newest, 0);
    Ok(())
}

pub(super) async fn a_restriction_holds_back_new_customers_only(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let wrote = desk.inbound(person(ANA)?, "wamid.in", desk.now);
    let until = desk.now.plus(Span::hours(2));
    let fact = restricted("RESTRICTED_BIZ_INITIATED_MESSAGING", Some(until), desk.now);
    desk.hear(vec![wrote, fact]).await?;
    let mut first = desk.text("+4915112345679")?;
    first.class = Class::Utility;
    let first = desk.accept(first).await?;
    let reply = desk.send(ANA).await?;
    let claims = desk.claim().await?;
    same!(claims.claimed.iter().map(|c| c.message.id).collect::<Vec<_>>(), vec![reply]);
    same!(claims.next_due, Some(until));
    let outlook = desk.store.outlook(SHOP, first, desk.now).await?.map(|o| (o.reason, o.until));
    same!(outlook, Some((WaitReason::MessagingLimit, Some(until))));
    same!(stopped(&desk).await?, None);
    // It runs out by itself.
    desk.now = until;
    same!(desk.started().await?, vec![first]);
    // One that keeps it from answering stops it whole.
    desk.hear(vec![restricted("RESTRICTED_CUSTOMER_INITIATED_MESSAGING", None, until)]).await?;
    same!(stopped(&desk).await?, Some(ErrorCode::UpstreamAccountRestricted));
    desk.turn(Span::secs(1));
    let lifted = Fact::Account(AccountTold { phone: None, at: desk.now, news: AccountNews::Restricted { restrictions: vec![] } });
    desk.hear(vec![lifted]).await?;
    same!(stopped(&desk).await?, None);
    Ok(())
}

pub(super) async fn what_changed_of_a_sender_is_told(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let phone = Some(Phone::parse("+493012345678").map_err(|why| Broken(why.to_string()))?);
    let red = LimitsTold {
        phone,
        quality: Some(Rating::Red),
        limit: Some(MessagingLimit::Customers(250)),
        throughput: Some(1_000),
        at: desk.now,
        ..LimitsTold::default()
    };
    // A first reading tells nothing new; what it changes later does.
    let green = LimitsTold { quality: Some(Rating::Green), at: desk.now.minus(Span::secs(9)), ..LimitsTold::default() };
    hold!(desk.store.put_limits(SHOP, DESK, green, desk.now).await?);
    same!(desk.names().await?, Vec::<&str>::new());
    desk.hear(vec![Fact::Limits(red.clone()), Fact::Limits(red)]).await?;
    let told = desk.events().await?.into_iter().filter_map(|event| match event.body {
        EventBody::SenderUpdated { sender, changes, .. } => Some((sender, changes)),
        _ => None,
    });
    let told: Vec<_> = told.collect();
    same!(told.len(), 1);
    let Some((sender, changes)) = told.into_iter().next() else { return Ok(()) };
    let word = |text: &str| Some(text.to_owned());
    same!(sender, DESK);
    same!(
        changes.into_iter().map(|c| (c.what, c.from, c.to)).collect::<Vec<_>>(),
        vec![
            (SenderTrait::MessagingLimit, None, word("TIER_250")),
            (SenderTrait::Quality, word("GREEN"), word("RED")),
            (SenderTrait::Throughput, word("80"), word("1000")),
        ]
    );
    Ok(())
}

pub(super) async fn news_is_passed_on_once(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let news = |field: &str, word: &str, at| {
        Fact::News(News { field: field.to_owned(), value: serde_json::json!({ "event": word }), at })
    };
    let now = desk.now;
    let facts = vec![
        news("security", "PIN_CHANGED", Some(now)),
        news("security", "PIN_CHANGED", Some(now)),
        news("security", "PIN_CHANGED", Some(now.plus(Span::secs(1)))),
        news("account_alerts", "x", Some(now)),
        news("messages.errors", "130429", None),
    ];
    let outcome = desk.hear(facts.clone()).await?;
    same!((outcome.news, outcome.repeated), (4, 1));
    same!(desk.names().await?, vec!["upstream.news", "upstream.news", "account.updated", "upstream.news"]);
    desk.turn(Span::minutes(59));
    same!(desk.hear(facts.clone()).await?.news, 0);
    // What has no time of its own is news again after a while.
    desk.turn(Span::minutes(2));
    same!(desk.hear(facts).await?.news, 1);
    let page = desk.events().await?;
    hold!(
        matches!(&page[0].body, EventBody::UpstreamNews { account: Account::PhoneNumber(_), news } if news.field == "security")
    );
    // What repeats it may come out of the journal too, as long as that is kept.
    desk.turn(Span::days(9));
    same!(desk.sweep(100).await?, 0);
    desk.turn(Span::days(6));
    // With three raw bodies.
    same!(desk.sweep(100).await?, 4 + 3);
    Ok(())
}
