//! How accounts and numbers stand with the upstream, what follows from it for their senders, and news that is only passed on.

use sha2::{Digest, Sha256};

use transom_domain::error_code::ErrorCode;
use transom_domain::event::{EventBody, SenderChange, SenderTrait};
use transom_domain::fact::{Account, News};
use transom_domain::id::{BusinessId, EventId, SenderId};
use transom_domain::standing::{AccountNews, AccountState, AccountTold, Standing};
use transom_domain::status::Failure;
use transom_domain::time::{Span, Timestamp};

use super::{admin, tell};
use crate::rows::{Mark, Result, Rows};
use crate::{Sender, SenderState};

/// News without a time of its own is taken for a repetition for so long: Meta repeats at once, and ever less often. Later, the
/// same words are news again.
const TIMELESS_REPEATED: Span = Span::hours(1);

/// Tells what changed about a sender, if anything did.
pub(crate) fn tell_changes(rows: &mut dyn Rows, sender: SenderId, changes: Vec<SenderChange>, now: Timestamp) -> Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    let Some(row) = rows.sender(sender)? else { return Ok(()) };
    tell::event(rows, row.business, now, EventBody::SenderUpdated { sender, address: row.address, changes })?;
    Ok(())
}

/// Meta told how an account, or one of its numbers, stands. Takes it over for the senders of this business that it is about;
/// what it forbids stops them, and what it allows again lets them go on. Gives those for which something changed.
pub(crate) fn heard(
    rows: &mut dyn Rows,
    business: BusinessId,
    waba: &str,
    told: &AccountTold,
    now: Timestamp,
) -> Result<Vec<SenderId>> {
    let at = told.at.min(now);
    let mut changed = Vec::new();
    for id in rows.senders_of(waba)? {
        let Some(sender) = rows.sender(id)?.filter(|s| s.business == business) else { continue };
        if told.phone.is_some() && told.phone.as_ref() != sender.address.phone() {
            continue;
        }
        let mut known = rows.limits(id)?.unwrap_or_default();
        let before = known.standing.clone();
        let differs = known.standing.hear(told.news.clone(), at);
        if known.standing == before {
            continue;
        }
        rows.put_limits(id, &known)?;
        if !differs {
            continue;
        }
        let change = of(&told.news, &before, &known.standing);
        tell_changes(rows, id, vec![change], now)?;
        follow(rows, &sender, &known.standing, now)?;
        changed.push(id);
    }
    Ok(changed)
}

/// Stops a sender that must not send any more, and lets go on what was stopped for that alone.
fn follow(rows: &mut dyn Rows, sender: &Sender, standing: &Standing, now: Timestamp) -> Result<()> {
    let is_held =
        matches!(&sender.state, SenderState::Stopped { failure, .. } if failure.code == ErrorCode::UpstreamAccountRestricted);
    match standing.stops(now) {
        // One that an operator's error has stopped already has that to be mended first.
        Some(message) if sender.state == SenderState::Active => {
            let failure = Failure { code: ErrorCode::UpstreamAccountRestricted, message, upstream: None };
            admin::set_sender_state(rows, sender.business, sender.id, Some(failure), now)?;
        }
        None if is_held => {
            admin::set_sender_state(rows, sender.business, sender.id, None, now)?;
        }
        _ => {}
    }
    Ok(())
}

/// What changed, in words.
fn of(news: &AccountNews, before: &Standing, after: &Standing) -> SenderChange {
    let word = |standing: &Standing| match news {
        AccountNews::Account { .. } => standing.account.as_ref().map(|told| state(&told.value).to_owned()),
        AccountNews::Restricted { .. } => {
            let kinds = standing.restrictions.as_ref().map(|told| told.value.iter().map(|one| one.kind.as_str()));
            kinds.map(|kinds| kinds.collect::<Vec<_>>().join(", ")).filter(|kinds| !kinds.is_empty())
        }
        AccountNews::Violation { .. } => standing.violation.as_ref().map(|told| told.value.clone()),
        AccountNews::Review { .. } => standing.review.as_ref().map(|told| told.value.clone()),
        AccountNews::Name { .. } => standing.name.as_ref().map(|told| told.value.status.clone()),
        AccountNews::Username { .. } => standing.username.as_ref().and_then(|told| told.value.name.clone()),
    };
    let what = match news {
        AccountNews::Account { .. } => SenderTrait::Account,
        AccountNews::Restricted { .. } => SenderTrait::Restrictions,
        AccountNews::Violation { .. } => SenderTrait::Violation,
        AccountNews::Review { .. } => SenderTrait::Review,
        AccountNews::Name { .. } => SenderTrait::NameStatus,
        AccountNews::Username { .. } => SenderTrait::Username,
    };
    SenderChange { what, from: word(before), to: word(after) }
}

const fn state(state: &AccountState) -> &'static str {
    match state {
        AccountState::Reinstated => "reinstated",
        AccountState::ScheduledForDisable { .. } => "scheduled_for_disable",
        AccountState::Disabled { .. } => "disabled",
        AccountState::Deleted => "deleted",
    }
}

/// Passes news on, unless it is a repetition. Gives what it was told by.
pub(crate) fn news(
    rows: &mut dyn Rows,
    business: BusinessId,
    account: &Account,
    news: &News,
    (heard_at, now): (Timestamp, Timestamp),
) -> Result<Option<EventId>> {
    let mark = mark(account, news);
    let known = rows.news_at(business, &mark)?;
    if known.is_some_and(|at| news.at.is_some() || heard_at < at.plus(TIMELESS_REPEATED)) {
        return Ok(None);
    }
    rows.put_news(business, &mark, heard_at)?;
    let is_account = news.field.starts_with("account_") || news.field == "business_capability_update";
    let (account, news) = (account.clone(), Box::new(news.clone()));
    let body = if is_account { EventBody::AccountUpdated { account, news } } else { EventBody::UpstreamNews { account, news } };
    tell::event(rows, business, now, body).map(Some)
}

/// What news is recognised by: whom it is for, what it says, and when it was said. Meta gives it no id.
fn mark(account: &Account, news: &News) -> Mark {
    let mut hash = Sha256::new();
    let (kind, id) = match account {
        Account::PhoneNumber(id) => ("number", id),
        Account::Waba(id) => ("waba", id),
        Account::Page(id) => ("page", id),
    };
    let at = news.at.map(|at| at.as_millis().to_string()).unwrap_or_default();
    for part in [kind, id, &news.field, &at, &news.value.to_string()] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().into()
}
