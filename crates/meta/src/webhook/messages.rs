//! The value that is about customers: messages, statuses, calls, preferences, new user ids (Meta: webhooks/reference/messages,
//! user_preferences, business-scoped-user-ids, calling).

use serde_json::value::RawValue;
use serde_json::{Map, Value};
use transom_domain::fact::{Account, Fact, HeardBy, IdentityChange, Inbound, InboundBody, Preference, Reported, StatusReport};
use transom_domain::failure::UpstreamError;
use transom_domain::time::Timestamp;

use super::person::{Contacts, is_nobody, person};
use super::wire::{MessagesValue, Status, UserIdUpdate};
use super::{Delivery, echoes, inbound, name, news, wire};
use crate::read::{as_moment, member, whole};

/// A status, or the raw text of one.
pub(super) trait OneStatus {
    /// Reads it with `read`, if it can be read at all.
    fn with<T>(&self, read: impl FnOnce(&Status<'_>) -> T) -> Option<T>;
}

impl OneStatus for Status<'_> {
    fn with<T>(&self, read: impl FnOnce(&Status<'_>) -> T) -> Option<T> {
        Some(read(self))
    }
}

impl OneStatus for &RawValue {
    fn with<T>(&self, read: impl FnOnce(&Status<'_>) -> T) -> Option<T> {
        serde_json::from_str::<Status<'_>>(self.get()).ok().map(|status| read(&status))
    }
}

/// Tells everything in a value; a value that holds nothing known is told as its field.
pub(super) fn read<S: OneStatus>(field: &str, value: MessagesValue<'_, S>, delivery: &mut Delivery) {
    let told = delivery.heard.len();
    let number = value.metadata.and_then(|m| m.phone_number_id).filter(|id| !id.is_empty());
    let account = match number {
        Some(id) => Account::PhoneNumber(id.into_owned()),
        None => Account::Waba(delivery.entry_id.clone()),
    };
    let contacts = Contacts::new(value.contacts);
    // Messages don't say when the entry was made; where they say nothing of their own time either, they are taken as old, so
    // that no session opens on a guess.
    let fallback = delivery.at.unwrap_or(Timestamp::EPOCH);

    for raw in value.messages.unwrap_or_default() {
        let fact = match serde_json::from_str(raw.get()) {
            Ok(Value::Object(message)) => inbound::read(message, &contacts, fallback, raw),
            _ => Fact::Other { field: name(field) },
        };
        delivery.tell(account.clone(), fact);
    }
    for raw in value.message_echoes.unwrap_or_default() {
        let fact = match serde_json::from_str(raw.get()) {
            Ok(Value::Object(message)) => echoes::read(message, &contacts, fallback, raw),
            _ => Fact::Other { field: name(field) },
        };
        delivery.tell(account.clone(), fact);
    }
    for one in value.statuses.unwrap_or_default() {
        let fact = one.with(|status| self::status(field, status, &contacts, fallback));
        delivery.tell(account.clone(), fact.unwrap_or_else(|| Fact::Other { field: name(field) }));
    }
    for raw in value.calls.unwrap_or_default() {
        delivery.tell(account.clone(), call(raw, &contacts, fallback));
    }
    for wish in value.user_preferences.unwrap_or_default() {
        delivery.tell(account.clone(), preference(&wish, &contacts, fallback));
    }
    for update in value.user_id_update.unwrap_or_default() {
        delivery.tell(account.clone(), user_id_update(&update, &contacts, fallback));
    }
    // Errors of the number itself: about no message, so there is nothing to settle with them, but somebody wants to know.
    for raw in value.errors.unwrap_or_default() {
        delivery.pass(account.clone(), &format!("{field}.errors"), raw);
    }
    if delivery.heard.len() == told {
        delivery.other(account, field);
    }
}

fn status(field: &str, wire: &Status<'_>, contacts: &Contacts, fallback: Timestamp) -> Fact {
    let word = wire.status.as_deref().unwrap_or_default();
    let reported = match word.to_ascii_lowercase().as_str() {
        "sent" => Some(Reported::Sent),
        "delivered" => Some(Reported::Delivered),
        "read" => Some(Reported::Read),
        "played" => Some(Reported::Played),
        "failed" => Some(Reported::Failed),
        _ => None,
    };
    let of_message = field == "messages" && wire.kind.as_deref().is_none_or(|kind| kind != "call");
    let (Some(reported), Some(id), true) = (reported, wire.id.as_deref().filter(|id| !id.is_empty()), of_message) else {
        return Fact::Other { field: name(&format!("statuses.{word}")) };
    };
    let recipient = if wire.recipient_type.as_deref() == Some("group") {
        person(
            wire.recipient_participant_id.as_deref(),
            wire.recipient_participant_user_id.as_deref(),
            wire.recipient_participant_parent_user_id.as_deref(),
        )
    } else {
        let parent = wire.recipient_parent_user_id.as_deref().or(wire.parent_recipient_user_id.as_deref());
        contacts.complete(person(wire.recipient_id.as_deref(), wire.recipient_user_id.as_deref(), parent))
    };
    Fact::Status(StatusReport {
        provider_id: id.to_owned(),
        status: reported,
        at: wire.timestamp.unwrap_or(fallback),
        recipient,
        callback: wire.biz_opaque_callback_data.as_deref().filter(|c| !c.is_empty()).map(str::to_owned),
        errors: wire.errors.as_deref().unwrap_or_default().iter().map(UpstreamError::from).collect(),
        pricing: wire.pricing.clone(),
        conversation: wire.conversation.clone(),
        by: HeardBy::Webhook,
    })
}

/// A call of the customer opens the session when it begins; its end and calls of ours are passed on.
fn call(raw: &RawValue, contacts: &Contacts, fallback: Timestamp) -> Fact {
    let other = || Fact::Other { field: "calls".to_owned() };
    let Ok(Value::Object(call)) = serde_json::from_str(raw.get()) else { return other() };
    let is = |key: &str, word: &str| call.get(key).and_then(Value::as_str).is_some_and(|w| w.eq_ignore_ascii_case(word));
    let from = from_of(&call);
    let Some(provider_id) = member(&call, "id") else { return other() };
    if !is("event", "connect") || is("direction", "BUSINESS_INITIATED") || is_nobody(&from) {
        return Fact::News(news("calls", raw, moment_of(&call)));
    }
    Fact::Inbound(Inbound {
        provider_id,
        at: moment_of(&call).unwrap_or(fallback),
        from: contacts.complete(from),
        body: InboundBody::Call { call: Value::Object(call) },
        reply_to: None,
        forwarded: false,
        often_forwarded: false,
        product: None,
        referral: None,
    })
}

/// Who a message or call is from.
pub(super) fn from_of(message: &Map<String, Value>) -> transom_domain::fact::Person {
    let [number, user_id, parent] = ["from", "from_user_id", "from_parent_user_id"].map(|key| member(message, key));
    person(number.as_deref(), user_id.as_deref(), parent.as_deref())
}

/// When a message or call was.
pub(super) fn moment_of(message: &Map<String, Value>) -> Option<Timestamp> {
    member(message, "timestamp").and_then(|text| whole(&text)).and_then(as_moment)
}

fn preference(wish: &wire::Preference<'_>, contacts: &Contacts, fallback: Timestamp) -> Fact {
    let from = person(wish.wa_id.as_deref(), wish.user_id.as_deref(), wish.parent_user_id.as_deref());
    let marketing = match wish.value.as_deref() {
        Some("stop") => Some(false),
        Some("resume") => Some(true),
        _ => None,
    };
    match marketing {
        Some(marketing) if wish.category.as_deref().is_none_or(|c| c == "marketing_messages") && !is_nobody(&from) => {
            Fact::Preference(Preference { from: contacts.complete(from), marketing, at: wish.timestamp.unwrap_or(fallback) })
        }
        _ => Fact::Other { field: "user_preferences".to_owned() },
    }
}

fn user_id_update(update: &UserIdUpdate<'_>, contacts: &Contacts, fallback: Timestamp) -> Fact {
    let empty = wire::Replaced::default();
    let id = update.user_id.as_ref().unwrap_or(&empty);
    let parent = update.parent_user_id.as_ref().unwrap_or(&empty);
    let previous = person(None, id.previous.as_deref(), parent.previous.as_deref());
    let current = person(update.wa_id.as_deref(), id.current.as_deref(), parent.current.as_deref());
    if is_nobody(&previous) || is_nobody(&current) {
        return Fact::Other { field: "user_id_update".to_owned() };
    }
    Fact::IdentityChanged(IdentityChange {
        provider_id: String::new(),
        at: update.timestamp.unwrap_or(fallback),
        previous,
        current: contacts.complete(current),
    })
}
