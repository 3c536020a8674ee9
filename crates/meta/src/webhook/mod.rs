//! Webhooks: whole bodies as Meta posts them, up to 3 MB and a thousand updates, into the domain's facts.
//!
//! Everything that is not understood is told as [`Fact::Other`] and never refused: an answer other than 200 makes Meta send
//! the whole batch again, and again to every app subscribed to the account (Meta: webhooks/overview). Refused is only what is
//! no webhook at all.

mod accounts;
mod changes;
mod echoes;
mod handshake;
mod inbound;
mod messages;
mod page;
mod part;
mod person;
mod templates;
mod wire;

use serde_json::value::RawValue;
use transom_domain::fact::{Account, Fact, Heard, NEWS_MAX, News};
use transom_domain::time::Timestamp;

pub use handshake::{CHALLENGE_MAX, handshake};
pub use part::part;

/// Largest body that Meta posts (Meta: webhooks/overview), and the largest that is read.
pub const BODY_MAX: usize = 3 * 1_024 * 1_024;

/// Longest name of a field or type that is passed on; the ones that exist are far shorter.
const NAME_MAX: usize = 64;

/// One entry of a body: what one account had to tell.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// Id of the WhatsApp Business Account, or of the Page.
    pub entry_id: String,
    /// When Meta put it together, where told; message updates don't.
    pub at: Option<Timestamp>,
    /// The names of the fields that changed, in order, each as often as it stands there.
    pub fields: Vec<String>,
    /// The facts, in the order in which they stand in the body. That order means nothing: statuses overtake each other.
    pub heard: Vec<Heard>,
}

/// Why a body is no webhook.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadBody {
    /// Larger than anything Meta posts.
    #[error("the body has {size} bytes, at most {BODY_MAX} are read; check that it is Meta who posts here")]
    TooLarge {
        /// Bytes.
        size: usize,
    },
    /// Cut off or garbled.
    #[error("the body is not JSON (line {line}, column {column}); pass it on whole and unchanged")]
    NotJson {
        /// Line of the first fault, from 1.
        line: usize,
        /// Column of the first fault.
        column: usize,
    },
    /// JSON, but nothing of Meta's.
    #[error("{field} must be {rule}; check that the callback of the right app is set to this address")]
    NotAWebhook {
        /// Where.
        field: &'static str,
        /// What should stand there.
        rule: &'static str,
    },
}

/// What kind of account a body is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Object {
    Whatsapp,
    /// Messenger.
    Page,
    /// Instagram has the form of Messenger, and rules of its own; it is told as other facts.
    Instagram,
    Unknown,
}

/// Reads a body whose signature has been checked.
///
/// # Errors
/// When it is too large, no JSON, or no webhook.
pub fn parse(body: &[u8]) -> Result<Vec<Delivery>, BadBody> {
    if body.len() > BODY_MAX {
        return Err(BadBody::TooLarge { size: body.len() });
    }
    // Two steps, so that a body which is JSON but no webhook is told apart from one that was cut off.
    let raw: &RawValue =
        serde_json::from_slice(body).map_err(|why| BadBody::NotJson { line: why.line(), column: why.column() })?;
    let root: wire::Root<'_> = serde_json::from_str(raw.get())
        .map_err(|_| BadBody::NotAWebhook { field: "the body", rule: "an object with `object` and `entry`" })?;
    let object = match root.object.as_deref() {
        Some("whatsapp_business_account") => Object::Whatsapp,
        Some("page") => Object::Page,
        Some("instagram") => Object::Instagram,
        Some(_) => Object::Unknown,
        None => return Err(BadBody::NotAWebhook { field: "object", rule: "the name of what changed" }),
    };
    let Some(entries) = root.entry else {
        return Err(BadBody::NotAWebhook { field: "entry", rule: "a list of what changed" });
    };
    Ok(entries.into_iter().map(|entry| delivery(object, entry)).collect())
}

fn delivery(object: Object, raw: &RawValue) -> Delivery {
    // An entry that is no object tells nothing, but the others of its batch do.
    let entry: wire::Entry<'_> = serde_json::from_str(raw.get()).unwrap_or_default();
    let mut delivery =
        Delivery { entry_id: entry.id.unwrap_or_default().into_owned(), at: entry.time, fields: Vec::new(), heard: Vec::new() };
    for change in entry.changes.unwrap_or_default() {
        let change: wire::Change<'_> = serde_json::from_str(change.get()).unwrap_or_default();
        let field = name(change.field.as_deref().unwrap_or_default());
        match object {
            Object::Whatsapp => changes::read(&field, &change, &mut delivery),
            Object::Page => match change.value {
                Some(value) => page::read(&field, value, &mut delivery),
                None => delivery.other(Account::Page(delivery.entry_id.clone()), &field),
            },
            Object::Instagram => delivery.other(Account::Page(delivery.entry_id.clone()), &field),
            Object::Unknown => delivery.other(Account::Waba(delivery.entry_id.clone()), &field),
        }
        delivery.fields.push(field);
    }
    for (field, events) in [("messaging", entry.messaging), ("standby", entry.standby)] {
        for event in events.unwrap_or_default() {
            match object {
                Object::Page => page::read(field, event, &mut delivery),
                _ => delivery.other(Account::Page(delivery.entry_id.clone()), field),
            }
            delivery.fields.push(field.to_owned());
        }
    }
    delivery
}

impl Delivery {
    fn tell(&mut self, account: Account, fact: Fact) {
        self.heard.push(Heard { account, fact });
    }

    /// Passes something on as received.
    fn pass(&mut self, account: Account, field: &str, raw: &RawValue) {
        let news = news(field, raw, self.at);
        self.tell(account, Fact::News(news));
    }

    fn other(&mut self, account: Account, field: &str) {
        self.tell(account, Fact::Other { field: name(field) });
    }
}

/// What is passed on of a value; only its name where it is too long or too deep to be told of.
fn news(field: &str, raw: &RawValue, at: Option<Timestamp>) -> News {
    let text = raw.get();
    let value = if text.len() <= NEWS_MAX { serde_json::from_str(text).unwrap_or_default() } else { serde_json::Value::Null };
    News { field: name(field), value, at }
}

/// A name as it is passed on: bounded, since whatever stands in a body ends up in journals and metrics.
fn name(text: &str) -> String {
    text.chars().take(NAME_MAX).collect()
}
