//! Customers: people with a phone, or with only a username, and how they stand with each business number.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use transom_domain::{Span, Timestamp};

use super::phone;

/// Meta: messages/send-messages.
pub(crate) const WINDOW: Span = Span::hours(24);
/// Meta: pricing, free entry points.
const FREE_ENTRY: Span = Span::hours(72);
/// The typing indicator ends by itself: Meta, typing-indicators.
pub(crate) const TYPING: Span = Span::secs(25);
/// How long a number that was in touch stays in webhooks of a user with a username: Meta, business-scoped-user-ids.
const PHONE_SHOWN: Span = Span::days(30);
/// What one phone keeps; the oldest go first.
const INBOX_MAX: usize = 1_000;

/// What makes Meta say no later, by a local convention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Flag {
    /// 131026.
    NotOnWhatsapp,
    /// 131050 for marketing.
    OptedOut,
    /// 131049 for marketing.
    Capped,
    /// 130472 for marketing outside the window.
    Experiment,
    /// The customer blocked the business: messages are taken, `sent` is told, and they never arrive, not even once the block is
    /// lifted. The customer cannot write either before that.
    Blocked,
}

/// How a customer and one business number stand.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Thread {
    /// The customer's last message or call, in milliseconds; the window counts from it.
    pub(crate) last_inbound: Option<i64>,
    /// When the phone number itself was last used between the two.
    pub(crate) last_by_phone: Option<i64>,
    /// When the customer came from an ad or a Page button.
    pub(crate) entered: Option<i64>,
    /// Until when everything is free, once the business answered.
    pub(crate) free_until: Option<i64>,
    /// The pair pace: when the borrowed messages are paid back. Not kept: a restart forgives.
    #[serde(skip)]
    pub(crate) paid_back_at: i64,
}

impl Thread {
    /// Whether the customer service window is open.
    pub(crate) fn is_open(&self, now: Timestamp) -> bool {
        self.last_inbound.is_some_and(|at| now < Timestamp::from_millis(at).plus(WINDOW))
    }

    /// The business answers: within a day of a free entry point that starts 72 free hours.
    pub(crate) fn answered(&mut self, now: Timestamp) {
        if let Some(entered) = self.entered
            && now < Timestamp::from_millis(entered).plus(WINDOW)
            && self.free_until.is_none_or(|until| until <= now.as_millis())
        {
            self.free_until = Some(now.plus(FREE_ENTRY).as_millis());
            self.entered = None;
        }
    }

    pub(crate) fn is_free(&self, now: Timestamp) -> bool {
        self.free_until.is_some_and(|until| now.as_millis() < until)
    }
}

/// A person.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Customer {
    pub(crate) id: u64,
    /// `+` and digits, as the desk gave it.
    pub(crate) phone: Option<String>,
    pub(crate) wa_id: Option<phone::WaId>,
    pub(crate) user_id: String,
    pub(crate) name: String,
    pub(crate) username: Option<String>,
    pub(crate) show_phone: bool,
    pub(crate) online: bool,
    pub(crate) auto_read: bool,
    pub(crate) flags: Vec<Flag>,
    pub(crate) threads: BTreeMap<u64, Thread>,
    /// The business's typing indicator shows until then, in milliseconds. Not kept: it ends by itself.
    #[serde(skip)]
    pub(crate) typing_until: Option<i64>,
    /// Messages on the phone, by sequence. Rebuilt from the messages.
    #[serde(skip)]
    pub(crate) inbox: VecDeque<u64>,
    /// Messages that wait until the phone is online again. Rebuilt from the messages.
    #[serde(skip)]
    pub(crate) waiting: VecDeque<u64>,
}

impl Customer {
    pub(crate) fn has(&self, flag: Flag) -> bool {
        self.flags.contains(&flag)
    }

    pub(crate) fn remember(&mut self, seq: u64) {
        if self.inbox.len() >= INBOX_MAX {
            self.inbox.pop_front();
        }
        self.inbox.push_back(seq);
    }

    /// The phone number, where webhooks of this business number show it.
    pub(crate) fn shown_wa_id(&self, number: u64, now: Timestamp) -> Option<&str> {
        let recent = || {
            self.threads
                .get(&number)
                .and_then(|thread| thread.last_by_phone)
                .is_some_and(|at| now < Timestamp::from_millis(at).plus(PHONE_SHOWN))
        };
        if self.show_phone && (self.username.is_none() || recent()) { self.wa_id.as_deref() } else { None }
    }

    /// The customer as `contacts[]` of a webhook has it.
    pub(crate) fn contact(&self, wa_id: Option<&str>, with_username: bool) -> Value {
        let mut profile = Map::new();
        profile.insert("name".into(), json!(self.name));
        if with_username && let Some(username) = &self.username {
            profile.insert("username".into(), json!(username));
        }
        let mut contact = Map::new();
        contact.insert("profile".into(), Value::Object(profile));
        if let Some(wa_id) = wa_id {
            contact.insert("wa_id".into(), json!(wa_id));
        }
        contact.insert("user_id".into(), json!(self.user_id));
        Value::Object(contact)
    }

    /// The customer as the controls show it.
    pub(crate) fn shown(&self, now: Timestamp) -> Value {
        json!({
            "id": self.id.to_string(),
            "phone": self.phone,
            "waId": self.wa_id,
            "userId": self.user_id,
            "name": self.name,
            "username": self.username,
            "showPhone": self.show_phone,
            "online": self.online,
            "autoRead": self.auto_read,
            "flags": self.flags,
            "typing": self.typing_until.is_some_and(|until| now.as_millis() < until),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_is_open_for_exactly_a_day() {
        let thread = Thread { last_inbound: Some(1_000), ..Thread::default() };
        assert!(thread.is_open(Timestamp::from_millis(1_000 + 86_400_000 - 1)));
        assert!(!thread.is_open(Timestamp::from_millis(1_000 + 86_400_000)));
        assert!(!Thread::default().is_open(Timestamp::from_millis(0)));
    }

    #[test]
    fn a_free_entry_counts_from_the_answer_and_only_within_a_day() {
        let mut thread = Thread { entered: Some(0), ..Thread::default() };
        thread.answered(Timestamp::EPOCH.plus(Span::hours(2)));
        assert!(thread.is_free(Timestamp::EPOCH.plus(Span::hours(73))));
        assert!(!thread.is_free(Timestamp::EPOCH.plus(Span::hours(74))));
        let mut late = Thread { entered: Some(0), ..Thread::default() };
        late.answered(Timestamp::EPOCH.plus(Span::hours(24)));
        assert!(!late.is_free(Timestamp::EPOCH.plus(Span::hours(24))));
    }
}
