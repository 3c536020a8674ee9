//! Conversations as an inbox shows them.

use transom_domain::address::Channel;
use transom_domain::fact::Person;
use transom_domain::time::{Span, Timestamp};

use super::desk::{DESK, Desk, RIVAL, SHOP, person};
use super::{Broken, Factory, Outcome, hold, same};
use crate::{ConversationFilter, ConversationStanding as Standing, Page, StoreError};

/// The customers of a list, page by page.
async fn listed(desk: &Desk, filter: &ConversationFilter, size: usize) -> Result<Vec<String>, Broken> {
    let (mut found, mut token) = (Vec::new(), None);
    loop {
        let page = Page { size, token };
        let (rows, next) = desk.store.conversations(SHOP, filter.clone(), page, desk.now).await?;
        if rows.len() > size {
            return Err(Broken(format!("a page of {size} has {} rows", rows.len())));
        }
        found.extend(rows.into_iter().map(|row| row.session.address.to_string()));
        token = next;
        if token.is_none() {
            return Ok(found);
        }
    }
}

fn number(n: usize) -> String {
    format!("+4915550100{n:03}")
}

pub(super) async fn whoever_wrote_last_stands_first(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let mut heard: Vec<(String, Timestamp)> = Vec::new();
    for n in 0..30 {
        let who = Person { name: Some(format!("Customer {n:02}")), ..person(&number(n))? };
        let fact = desk.inbound(who, &format!("in.{n}"), desk.now);
        desk.hear(vec![fact]).await?;
        heard.insert(0, (number(n), desk.now));
        desk.turn(Span::hours(1));
    }
    let everyone: Vec<String> = heard.iter().map(|(who, _)| who.clone()).collect();
    let all = ConversationFilter::default();
    for size in [1, 7, 29, 30, 200] {
        same!(listed(&desk, &all, size).await?, everyone);
    }
    let of = |standing| ConversationFilter { standing: Some(standing), ..ConversationFilter::default() };
    let left = |at: Timestamp| at.plus(Span::hours(24)).since(desk.now);
    let with = |fits: &dyn Fn(Span) -> bool| -> Vec<String> {
        heard.iter().filter(|(_, at)| fits(left(*at))).map(|(who, _)| who.clone()).collect()
    };
    let open = with(&|left| left > Span::ZERO);
    let closing = with(&|left| left > Span::ZERO && left < Span::hours(2));
    let closed = with(&|left| left <= Span::ZERO);
    hold!(!open.is_empty() && !closing.is_empty() && !closed.is_empty());
    for size in [1, 3, 100] {
        same!(listed(&desk, &of(Standing::Open), size).await?, open);
        same!(listed(&desk, &of(Standing::Closing), size).await?, closing);
        same!(listed(&desk, &of(Standing::Closed), size).await?, closed);
    }
    // By name and by number, the latest first too.
    let sought = |text: &str| ConversationFilter { query: Some(text.to_owned()), ..ConversationFilter::default() };
    same!(listed(&desk, &sought("customer 1"), 100).await?, everyone[10..20].to_vec());
    same!(listed(&desk, &sought("+49 15550 100007"), 100).await?, vec![number(7)]);
    same!(listed(&desk, &sought("nobody"), 100).await?, Vec::<String>::new());
    let both = ConversationFilter { standing: Some(Standing::Closed), ..sought("customer 0") };
    same!(listed(&desk, &both, 100).await?, closed);
    let elsewhere = ConversationFilter { channel: Some(Channel::Messenger), ..ConversationFilter::default() };
    same!(listed(&desk, &elsewhere, 100).await?, Vec::<String>::new());
    let here = ConversationFilter { channel: Some(Channel::Whatsapp), sender: Some(DESK), ..ConversationFilter::default() };
    same!(listed(&desk, &here, 4).await?, everyone);
    let rival = desk.store.conversations(RIVAL, all.clone(), Page { size: 9, token: None }, desk.now).await?;
    hold!(rival.0.is_empty() && rival.1.is_none());
    let wrong = Page { size: 9, token: Some("x".to_owned()) };
    hold!(matches!(desk.store.conversations(SHOP, all, wrong, desk.now).await, Err(StoreError::BadToken)));
    Ok(())
}

pub(super) async fn the_newest_message_stands_in_the_list(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let (ana, bo) = (number(1), number(2));
    for (n, who) in [&ana, &bo].into_iter().enumerate() {
        let fact = desk.inbound(person(who)?, &format!("in.{n}"), desk.now);
        desk.hear(vec![fact]).await?;
        desk.turn(Span::secs(5));
    }
    // What was taken on is not said yet.
    let cy = number(3);
    let (answer, first) = (desk.send(&ana).await?, desk.send(&cy).await?);
    let all = ConversationFilter::default();
    same!(listed(&desk, &all, 9).await?, vec![bo.clone(), ana.clone()]);
    for next in [answer, first] {
        let claimed = desk.store.claim(desk.claiming(1)).await?.claimed;
        same!(claimed.iter().map(|one| one.message.id).collect::<Vec<_>>(), vec![next]);
        desk.turn(Span::secs(5));
    }
    let fact = desk.inbound(person(&bo)?, "in.2", desk.now);
    desk.hear(vec![fact]).await?;
    // It is now: it brings its conversation up, and who never wrote is there too.
    for size in [1, 2, 9] {
        same!(listed(&desk, &all, size).await?, vec![bo.clone(), cy.clone(), ana.clone()]);
    }
    let (rows, _) = desk.store.conversations(SHOP, all.clone(), Page { size: 9, token: None }, desk.now).await?;
    let last: Vec<_> = rows.iter().map(|row| row.last.as_ref().map(|message| message.id)).collect();
    same!(last.get(1..), Some(&[Some(first), Some(answer)][..]));
    hold!(rows.first().and_then(|row| row.last.as_ref()).is_some_and(|message| message.inbound.is_some()));
    // A session is only with who wrote; they are found either way.
    let of = |standing, query: Option<&str>| ConversationFilter { standing, query: query.map(str::to_owned), ..all.clone() };
    same!(listed(&desk, &of(Some(Standing::Closed), None), 9).await?, vec![cy.clone()]);
    same!(listed(&desk, &of(Some(Standing::Open), None), 9).await?, vec![bo.clone(), ana.clone()]);
    same!(listed(&desk, &of(None, Some(&cy)), 9).await?, vec![cy.clone()]);
    // What is heard of late moves nobody.
    let fact = desk.inbound(person(&ana)?, "in.late", desk.now.minus(Span::secs(9)));
    desk.hear(vec![fact]).await?;
    same!(listed(&desk, &all, 9).await?, vec![bo, cy, ana]);
    Ok(())
}
