//! The desk's hand on Messenger: people that are made and changed.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Person, Stage};
use crate::world::desk::Refusal;
use crate::world::{Now, World};

/// People at most, as customers on WhatsApp.
const PEOPLE_MAX: usize = 2_000_000;

/// A person to be made.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NewPerson {
    #[serde(rename = "channel")]
    _channel: String,
    /// The Page that knows the person; the first one where left out.
    page: Option<String>,
    name: Option<String>,
    #[serde(default = "yes")]
    online: bool,
    #[serde(default)]
    auto_read: bool,
    #[serde(default)]
    blocked: bool,
    #[serde(default)]
    private: bool,
}

fn yes() -> bool {
    true
}

/// What to change; what is left out stays.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct PersonChange {
    name: Option<String>,
    online: Option<bool>,
    auto_read: Option<bool>,
    blocked: Option<bool>,
}

impl Person {
    /// As the controls show it. `open` tells whether the window is.
    pub(crate) fn shown(&self, now: Now) -> Value {
        json!({
            "id": self.id.to_string(),
            "channel": "messenger",
            "psid": self.id.to_string(),
            "page": self.page.to_string(),
            "name": self.name,
            "online": self.online,
            "autoRead": self.auto_read,
            "blocked": self.blocked,
            "private": self.private,
            "typing": self.typing_until.is_some_and(|until| now.world.as_millis() < until),
            "sessions": [{ "page": self.page.to_string(), "lastInbound": self.last_action, "open": self.within(now.world, super::WINDOW) }],
        })
    }
}

impl World {
    /// A new person, whom one Page knows.
    pub(crate) fn add_person(&mut self, now: Now, new: NewPerson) -> Result<Value, Refusal> {
        if self.messenger.people.len() >= PEOPLE_MAX {
            return Err(Refusal::conflict("id", "there are two million customers already", "start with a fresh folder"));
        }
        let page = match &new.page {
            Some(text) => text.parse().ok().filter(|id| self.messenger.pages.contains_key(id)).ok_or_else(|| {
                Refusal::invalid("page", "no Page has this id", "GET /sim/v1/identity lists them, or leave it out")
            })?,
            None => self.app.home.page,
        };
        let id = self.fresh_id();
        let person = Person {
            id,
            page,
            name: new.name.unwrap_or_else(|| "Customer".to_owned()),
            online: new.online,
            auto_read: new.auto_read,
            blocked: new.blocked,
            private: new.private,
            last_action: None,
            seen: None,
            typing_until: None,
        };
        let shown = person.shown(now);
        self.messenger.people.insert(id, person);
        self.keep_person(id);
        Ok(shown)
    }

    /// Changes a person; coming online brings what waited.
    pub(crate) fn change_person(&mut self, now: Now, id: u64, change: PersonChange) -> Result<Value, Refusal> {
        let person = self.messenger.people.get_mut(&id).ok_or_else(Refusal::no_customer)?;
        if let Some(name) = change.name {
            person.name = name;
        }
        person.online = change.online.unwrap_or(person.online);
        person.auto_read = change.auto_read.unwrap_or(person.auto_read);
        person.blocked = change.blocked.unwrap_or(person.blocked);
        let (online, auto_read, shown) = (person.online, person.auto_read, person.shown(now));
        self.keep_person(id);
        if online {
            let waiting: Vec<u64> = self.messenger.inbox.get(&id).into_iter().flatten().copied().collect();
            for seq in waiting {
                let waits =
                    self.messenger.messages.get(&seq).is_some_and(|m| m.outbound && m.stage == Stage::Sent && m.next.is_none());
                if waits {
                    self.page_delivers(now, seq, auto_read);
                }
            }
        }
        Ok(shown)
    }
}
