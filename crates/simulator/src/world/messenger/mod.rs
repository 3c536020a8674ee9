//! Messenger: Pages, the people who write to them, and what goes to and fro (Meta: messenger-platform).
//!
//! A part of the world with rows of its own: whoever writes on Messenger is known to one Page only, times are milliseconds, and what
//! happened to a message is told by watermarks.

pub(crate) mod desk;
pub(crate) mod inbound;
mod send;
mod tell;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use transom_domain::{Span, Timestamp};

use super::effects::{Change, Entity};
use super::message::to_json;
use super::{Timer, World};
use crate::chance::{Chance, Seed};
use crate::graph::messenger::Tap;

/// Meta: messenger-platform/policy.
const WINDOW: Span = Span::hours(24);
/// Meta: send-messages/message-tags.
const HUMAN_AGENT: Span = Span::days(7);
/// Messages kept; the oldest that nothing more will happen to go first.
const KEPT_MAX: usize = 50_000;

/// The webhook fields of a Page that this world tells.
pub(crate) const FIELDS: [&str; 9] = [
    "messages",
    "messaging_postbacks",
    "message_deliveries",
    "message_reads",
    "message_echoes",
    "messaging_referrals",
    "message_reactions",
    "message_edits",
    "messaging_optins",
];

/// A Page.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Page {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) token: String,
    /// The fields for which the app is subscribed to it; none: it is not.
    pub(crate) subscribed: Vec<String>,
    /// Attachments that were saved for later.
    #[serde(default)]
    pub(crate) saved: Vec<u64>,
}

/// A person, under the id by which one Page knows them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Person {
    pub(crate) id: u64,
    pub(crate) page: u64,
    pub(crate) name: String,
    pub(crate) online: bool,
    pub(crate) auto_read: bool,
    /// Has blocked the Page, or turned its messages off.
    pub(crate) blocked: bool,
    /// Keeps the name to themselves.
    #[serde(default)]
    pub(crate) private: bool,
    /// The last action that opens the window, in milliseconds.
    pub(crate) last_action: Option<i64>,
    /// All that the person wrote up to then has been marked as seen.
    pub(crate) seen: Option<i64>,
    /// The Page's typing indicator shows until then.
    pub(crate) typing_until: Option<i64>,
}

impl Person {
    fn within(&self, now: Timestamp, span: Span) -> bool {
        self.last_action.is_some_and(|at| now < Timestamp::from_millis(at).plus(span))
    }
}

/// How far a message got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stage {
    Sent,
    Delivered,
    Read,
}

impl Stage {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
        }
    }
}

/// What a timer does with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    Echo,
    Deliver,
    Read,
}

/// A message, in either direction.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Message {
    pub(crate) seq: u64,
    pub(crate) mid: String,
    pub(crate) outbound: bool,
    pub(crate) page: u64,
    pub(crate) person: u64,
    pub(crate) kind: String,
    pub(crate) shown: Value,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) taps: Vec<Tap>,
    pub(crate) metadata: Option<String>,
    pub(crate) quotes: Option<String>,
    pub(crate) at: i64,
    pub(crate) stage: Stage,
    pub(crate) next: Option<(Step, i64)>,
    /// Somebody wrote it by hand, in the Page's inbox.
    #[serde(default)]
    pub(crate) by_hand: bool,
    /// How often it was edited.
    #[serde(default)]
    pub(crate) edits: i64,
    /// With which emoji the person reacted to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reaction: Option<String>,
}

/// All of it.
#[derive(Debug, Default)]
pub(crate) struct Messenger {
    pub(crate) pages: BTreeMap<u64, Page>,
    pub(crate) people: HashMap<u64, Person>,
    messages: BTreeMap<u64, Message>,
    by_mid: HashMap<String, u64>,
    /// Each person's messages, oldest first.
    inbox: HashMap<u64, VecDeque<u64>>,
    last: u64,
}

impl Messenger {
    pub(crate) fn load(&mut self, pages: Vec<Page>, people: Vec<Person>, messages: Vec<Message>) -> Vec<(i64, Timer)> {
        self.pages = pages.into_iter().map(|page| (page.id, page)).collect();
        self.people = people.into_iter().map(|person| (person.id, person)).collect();
        let mut timers = Vec::new();
        for message in messages {
            timers.extend(message.next.map(|(step, due)| (due, Timer::Messenger(message.seq, step))));
            self.keep(message);
        }
        timers
    }

    fn keep(&mut self, message: Message) {
        self.last = self.last.max(message.seq);
        self.by_mid.insert(message.mid.clone(), message.seq);
        self.inbox.entry(message.person).or_default().push_back(message.seq);
        self.messages.insert(message.seq, message);
    }

    pub(crate) fn by_mid(&self, mid: &str) -> Option<&Message> {
        self.by_mid.get(mid).and_then(|seq| self.messages.get(seq))
    }

    /// What went out through a Page, in order, after a number.
    pub(crate) fn sent(&self, after: u64) -> impl Iterator<Item = &Message> {
        self.messages.range(after.saturating_add(1)..).map(|(_, message)| message).filter(|message| message.outbound)
    }

    pub(crate) fn has(&self, id: u64) -> bool {
        self.pages.contains_key(&id) || self.people.contains_key(&id) || self.pages.values().any(|page| page.saved.contains(&id))
    }
}

impl World {
    /// The Page that exists from the first day; an older folder gets one when it is opened. Its dice are its own, so that nothing else
    /// falls otherwise because of it.
    pub(crate) fn open_home_page(&mut self, seed: Seed) {
        if self.app.home.page != 0 {
            return;
        }
        let usual = std::mem::replace(&mut self.chance, Chance::new(seed.part(u64::MAX)));
        self.app.home.page = self.add_page("Desk page");
        self.chance = usual;
        self.keep_app();
    }

    /// One more Page; the app is not yet subscribed to it.
    pub(crate) fn add_page(&mut self, name: &str) -> u64 {
        let id = self.fresh_id();
        let token = format!("EAAP{}", self.chance.alphanumeric(60));
        let page = Page { id, name: name.to_owned(), token, subscribed: Vec::new(), saved: Vec::new() };
        self.messenger.pages.insert(id, page);
        self.keep_page(id);
        id
    }

    pub(crate) fn keep_page(&mut self, id: u64) {
        if let Some(json) = self.messenger.pages.get(&id).map(to_json) {
            self.put(Entity::Page, id, json);
        }
    }

    fn keep_person(&mut self, id: u64) {
        if let Some(json) = self.messenger.people.get(&id).map(to_json) {
            self.put(Entity::PagePerson, id, json);
        }
    }

    fn keep_page_message(&mut self, seq: u64) {
        if let Some(json) = self.messenger.messages.get(&seq).map(to_json) {
            self.put(Entity::PageMessage, seq, json);
        }
    }

    /// Takes a message in, and lets go of the oldest beyond what is kept.
    fn take_page_message(&mut self, message: Message) {
        let seq = message.seq;
        if let Some((step, due)) = message.next {
            self.timers.insert((due, Timer::Messenger(seq, step)));
        }
        self.messenger.keep(message);
        self.keep_page_message(seq);
        if self.messenger.messages.len() > KEPT_MAX
            && let Some((oldest, true)) = self.messenger.messages.first_key_value().map(|(seq, m)| (*seq, m.next.is_none()))
            && let Some(gone) = self.messenger.messages.remove(&oldest)
        {
            self.messenger.by_mid.remove(&gone.mid);
            if let Some(inbox) = self.messenger.inbox.get_mut(&gone.person) {
                inbox.retain(|seq| *seq != oldest);
            }
            self.effects.changes.push(Change::Remove { kind: Entity::PageMessage, id: oldest });
        }
    }

    fn change_page_message(&mut self, seq: u64, change: impl FnOnce(&mut Message)) {
        let Some(message) = self.messenger.messages.get_mut(&seq) else { return };
        change(message);
        if let Some((step, due)) = message.next {
            self.timers.insert((due, Timer::Messenger(seq, step)));
        }
        self.keep_page_message(seq);
    }

    /// An id in the shape of Meta's.
    fn fresh_mid(&mut self) -> (u64, String) {
        let seq = self.messenger.last + 1;
        (seq, format!("m_{}{seq:08x}{}", self.chance.alphanumeric(30), self.chance.alphanumeric(20)))
    }
}
