//! What is told of messages after they came, of what the business wrote elsewhere, and of senders and accounts.

use serde_json::{Map, Value, json};

use transom_domain::amendment::{Amended, Amendment, latest, revoked_at};
use transom_domain::event::SenderChange;
use transom_domain::fact::{Account, AskedProduct, Echo, Inbound, InboundBody, News};
use transom_domain::id::MessageId;
use transom_domain::message::Message;
use transom_domain::standing::{Restriction, Standing};
use transom_domain::time::Timestamp;

use super::common::rfc3339;
use super::payload::{inbound_parts, said_parts};

/// What a message stands in beside what it answers: how far it was passed on, and the product it asks about.
pub(crate) fn context_parts(inbound: &Inbound) -> Map<String, Value> {
    let mut parts = Map::new();
    if inbound.often_forwarded {
        parts.insert("frequentlyForwarded".to_owned(), true.into());
    }
    if let Some(product) = &inbound.product {
        parts.insert("referredProduct".to_owned(), product_json(product));
    }
    parts
}

fn product_json(product: &AskedProduct) -> Value {
    json!({ "catalogId": product.catalog_id, "productRetailerId": product.retailer_id })
}

/// What the events say of a message that came, beside what the published payloads say.
pub(crate) fn more_parts(inbound: &Inbound) -> Map<String, Value> {
    let mut parts = context_parts(inbound);
    if inbound.body.denies_code() {
        parts.insert("codeNotRequested".to_owned(), true.into());
    }
    parts
}

/// A body in the published form, as the object it would have under `message`.
pub(crate) fn body_json(id: MessageId, body: &InboundBody) -> Value {
    let mut parts = said_parts(id, body, None);
    parts.remove("message").unwrap_or_default()
}

/// What was done to a message.
pub(crate) fn edit_json(message: MessageId, edit: &Amended) -> Value {
    match &edit.change {
        Amendment::Edited { body } => json!({ "messageId": message.to_string(), "message": body_json(message, body) }),
        Amendment::Revoked => json!({ "messageId": message.to_string() }),
    }
}

/// What the business wrote elsewhere.
pub(crate) fn echo_parts(message: MessageId, echo: &Echo) -> Map<String, Value> {
    let mut parts = said_parts(message, &echo.body, None);
    if let Some(Value::Object(said)) = parts.get_mut("message") {
        said.insert("isEcho".to_owned(), true.into());
    }
    parts
}

/// A message that came, or that was written elsewhere, as it reads now.
pub(crate) fn received_json(message: &Message, inbound: &Inbound) -> Value {
    let mut shown = match latest(&message.amendments) {
        Some(body) => {
            let changed = Inbound { body: body.clone(), ..inbound.clone() };
            inbound_parts(message.id, &changed, message.answers)
        }
        None => inbound_parts(message.id, inbound, message.answers),
    };
    shown.extend(context_parts(inbound));
    if let Some(answered) = message.answers {
        shown.insert("replyToId".to_owned(), answered.to_string().into());
    }
    Value::Object(shown)
}

/// What was done to a message, first to last; beginning with what it said first. Null where nothing was.
pub(crate) fn edits_json(message: &Message) -> Value {
    let edits = message.amendments.iter().filter_map(|a| match &a.change {
        Amendment::Edited { body } => Some((a.at, &**body)),
        Amendment::Revoked => None,
    });
    let Some(inbound) = message.inbound.as_ref().filter(|_| latest(&message.amendments).is_some()) else { return Value::Null };
    let versions = std::iter::once((inbound.at, &inbound.body)).chain(edits);
    versions.map(|(at, body)| json!({ "at": rfc3339(at), "message": body_json(message.id, body) })).collect()
}

/// Since when a message is taken back; null where it is not.
pub(crate) fn revoked_json(message: &Message) -> Option<String> {
    revoked_at(&message.amendments).map(rfc3339)
}

/// What changed of a sender.
pub(crate) fn changes_json(changes: &[SenderChange]) -> Value {
    changes.iter().map(|change| json!({ "what": change.what.as_str(), "from": change.from, "to": change.to })).collect()
}

/// News as received, in Meta's own names.
pub(crate) fn news_json(account: &Account, news: &News) -> Value {
    let (kind, id) = match account {
        Account::PhoneNumber(id) => ("phoneNumberId", id),
        Account::Waba(id) => ("wabaId", id),
        Account::Page(id) => ("pageId", id),
    };
    let mut told = json!({ "field": news.field, "saidAt": news.at.map(rfc3339), "value": news.value });
    if let Value::Object(told) = &mut told {
        told.insert(kind.to_owned(), id.clone().into());
    }
    told
}

/// How a sender stands with Meta.
pub(crate) fn standing_json(standing: &Standing, now: Timestamp) -> Value {
    use transom_domain::standing::AccountState;
    let (account, date) = match standing.account.as_ref().map(|told| &told.value) {
        None => (None, None),
        Some(AccountState::Reinstated) => (Some("reinstated"), None),
        Some(AccountState::ScheduledForDisable { date }) => (Some("scheduled_for_disable"), date.clone()),
        Some(AccountState::Disabled { date }) => (Some("disabled"), date.clone()),
        Some(AccountState::Deleted) => (Some("deleted"), None),
    };
    let restriction = |one: &Restriction| json!({ "kind": one.kind, "until": one.until.map(rfc3339) });
    let name = standing.name.as_ref().map(|told| &told.value);
    let username = standing.username.as_ref().map(|told| &told.value);
    json!({
        "account": account,
        "accountDate": date,
        "restrictions": standing.restrictions_at(now).map(restriction).collect::<Vec<_>>(),
        "violation": standing.violation.as_ref().map(|told| &told.value),
        "review": standing.review.as_ref().map(|told| &told.value),
        "nameStatus": name.map(|name| &name.status),
        "requestedName": name.and_then(|name| name.requested.as_ref()),
        "nameReason": name.and_then(|name| name.reason.as_ref()),
        "username": username.and_then(|username| username.name.as_ref()),
        "usernameStatus": username.map(|username| &username.status),
    })
}
