//! The world: a state machine without I/O. It is told the time, throws its own dice, and leaves behind what must be made
//! durable and what may then be told.

pub(crate) mod account;
pub(crate) mod business_app;
pub(crate) mod customer;
pub(crate) mod desk;
pub(crate) mod effects;
pub(crate) mod faults;
pub(crate) mod flow;
pub(crate) mod genesis;
pub(crate) mod history;
pub(crate) mod inbound;
pub(crate) mod inbound_shape;
pub(crate) mod media;
pub(crate) mod message;
pub(crate) mod messenger;
pub(crate) mod numbers;
pub(crate) mod outbound;
pub(crate) mod owed;
pub(crate) mod phone;
pub(crate) mod statuses;
pub(crate) mod tap;
pub(crate) mod template;
pub(crate) mod throttle;
pub(crate) mod timers;
pub(crate) mod upload;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use transom_domain::Timestamp;

use crate::chance::Chance;
use account::{App, Catalog, Number, Settings, Waba};
use customer::Customer;
use effects::{Change, Effects, Entity};
use faults::Faults;
use flow::Flow;
use media::Media;
use message::{Messages, Step, to_json};
use owed::OwedWebhooks;
use template::Template;
use throttle::Windows;
use upload::Upload;

/// The two times of design §12: world time for what people wait for, machine time for pacing within a second.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    pub(crate) world: Timestamp,
    /// Whole seconds since the process began.
    pub(crate) machine_second: i64,
}

/// What happens by itself at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    Message(u64, Step),
    Review(u64),
    Resume(u64),
    Recategorise(u64),
    Forget(u64),
    Webhook(u64),
    Messenger(u64, messenger::Step),
}

/// Things worth counting that nothing else counts.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Counts {
    pub(crate) webhooks_delivered: u64,
    pub(crate) webhooks_failed: u64,
    pub(crate) timers_fired: u64,
}

/// The key under which a template is looked up by a send.
pub(crate) type TemplateKey = (u64, String, String);

/// The state.
pub(crate) struct World {
    pub(crate) app: App,
    pub(crate) wabas: BTreeMap<u64, Waba>,
    pub(crate) numbers: BTreeMap<u64, Number>,
    pub(crate) catalogs: BTreeMap<u64, Catalog>,
    pub(crate) templates: BTreeMap<u64, Template>,
    pub(crate) template_ids: HashMap<TemplateKey, u64>,
    /// Templates whose deletion waits for messages on their way.
    pub(crate) leaving: BTreeSet<u64>,
    pub(crate) flows: BTreeMap<u64, Flow>,
    pub(crate) uploads: BTreeMap<u64, Upload>,
    pub(crate) customers: HashMap<u64, Customer>,
    pub(crate) by_wa_id: HashMap<phone::WaId, u64>,
    pub(crate) by_user_id: HashMap<String, u64>,
    pub(crate) messages: Messages,
    pub(crate) media: HashMap<u64, Media>,
    pub(crate) messenger: messenger::Messenger,
    pub(crate) owed: OwedWebhooks,
    pub(crate) timers: BTreeSet<(i64, Timer)>,
    pub(crate) settings: Settings,
    pub(crate) faults: Faults,
    pub(crate) chance: Chance,
    pub(crate) throughput: Windows,
    pub(crate) management: Windows,
    /// Whom the business wrote to outside a window, and when: the portfolio's messaging limit. Not kept: a restart forgives.
    pub(crate) reached: HashMap<u64, i64>,
    pub(crate) counts: Counts,
    /// Where media URLs lead: this server.
    pub(crate) base_url: String,
    pub(crate) effects: Effects,
}

impl World {
    /// What has been left behind since the last time.
    pub(crate) fn take_effects(&mut self) -> Effects {
        std::mem::take(&mut self.effects)
    }

    /// An id in the shape of Meta's: 15 decimal digits that nothing else has.
    pub(crate) fn fresh_id(&mut self) -> u64 {
        loop {
            let id = 100_000_000_000_000 + self.chance.below(899_999_999_999_999);
            let is_taken = self.wabas.contains_key(&id)
                || self.numbers.contains_key(&id)
                || self.catalogs.contains_key(&id)
                || self.templates.contains_key(&id)
                || self.customers.contains_key(&id)
                || self.media.contains_key(&id)
                || self.flows.contains_key(&id)
                || self.uploads.contains_key(&id)
                || self.messenger.has(id)
                || self.app.id == id
                || self.app.business_id == id;
            if !is_taken {
                return id;
            }
        }
    }

    fn put(&mut self, kind: Entity, id: u64, json: String) {
        self.effects.changes.push(Change::Put { kind, id, json });
    }

    pub(crate) fn keep_app(&mut self) {
        self.put(Entity::App, self.app.id, to_json(&self.app));
    }

    pub(crate) fn keep_waba(&mut self, id: u64) {
        if let Some(json) = self.wabas.get(&id).map(to_json) {
            self.put(Entity::Waba, id, json);
        }
    }

    pub(crate) fn keep_number(&mut self, id: u64) {
        if let Some(json) = self.numbers.get(&id).map(to_json) {
            self.put(Entity::Number, id, json);
        }
    }

    pub(crate) fn keep_catalog(&mut self, id: u64) {
        if let Some(json) = self.catalogs.get(&id).map(to_json) {
            self.put(Entity::Catalog, id, json);
        }
    }

    pub(crate) fn keep_template(&mut self, id: u64) {
        if let Some(json) = self.templates.get(&id).map(to_json) {
            self.put(Entity::Template, id, json);
        }
    }

    pub(crate) fn drop_template(&mut self, id: u64) {
        self.effects.changes.push(Change::Remove { kind: Entity::Template, id });
    }

    pub(crate) fn keep_customer(&mut self, id: u64) {
        if let Some(json) = self.customers.get(&id).map(to_json) {
            self.put(Entity::Customer, id, json);
        }
    }

    pub(crate) fn keep_settings(&mut self) {
        self.put(Entity::Settings, 0, to_json(&self.settings));
    }

    pub(crate) fn keep_faults(&mut self) {
        let list: Vec<_> = self.faults.list().collect();
        let json = to_json(&list);
        self.put(Entity::Faults, 0, json);
    }

    /// The customer under an id, a phone number in any spelling, or a business-scoped user id.
    pub(crate) fn find_customer(&self, text: &str) -> Option<u64> {
        if let Ok(id) = text.parse::<u64>()
            && self.customers.contains_key(&id)
        {
            return Some(id);
        }
        if let Some(id) = self.by_user_id.get(text) {
            return Some(*id);
        }
        // A `+` in a path often arrives as a space.
        let digits: String =
            text.trim().trim_start_matches('+').chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')')).collect();
        self.by_wa_id.get(&phone::wa_id(&digits)).copied()
    }

    /// When the next timer is due.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.timers.first().map(|(at, _)| Timestamp::from_millis(*at))
    }
}
