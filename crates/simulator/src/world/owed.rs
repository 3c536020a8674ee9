//! Webhooks that are owed: made, due, retried for seven days (WA webhooks/overview), and settled by a 200.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value, json};
use transom_domain::{Span, Timestamp};
use transom_meta::signature::escape_non_ascii;

use super::account::Override;
use super::effects::Change;
use super::faults::FaultKind;
use super::{Now, Timer, World};

/// Meta: webhooks/overview; the endpoint page says 36 hours, the longer of the two is what a receiver must cope with.
pub(crate) const GIVE_UP: Span = Span::days(7);

/// Meta: messenger-platform/webhooks.
const PAGE_GIVE_UP: Span = Span::hours(1);

/// Seconds until the next try after each failed one: at once, then ever less often.
const GAPS: &[i64] = &[1, 1, 2, 5, 10, 20, 30, 60, 120, 300, 900, 1_800, 3_600, 7_200, 14_400];

/// Webhooks kept in memory while they wait; the texts of others are read from the store when they are due.
const IN_MEMORY_MAX: usize = 50_000;

/// A webhook that is owed.
#[derive(Debug, Clone)]
pub(crate) struct Owed {
    pub(crate) waba: u64,
    pub(crate) number: Option<u64>,
    pub(crate) field: &'static str,
    /// One element of `entry`, ASCII only; nothing: in the store.
    pub(crate) entry: Option<Arc<str>>,
    pub(crate) born: i64,
    pub(crate) attempts: u32,
    pub(crate) due: i64,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct OwedWebhooks {
    all: HashMap<u64, Owed>,
    last: u64,
    in_memory: usize,
}

impl OwedWebhooks {
    pub(crate) fn load(&mut self, last: u64, all: Vec<(u64, Owed)>) {
        self.last = last;
        self.in_memory = all.iter().filter(|(_, owed)| owed.entry.is_some()).count();
        self.all = all.into_iter().collect();
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    pub(crate) fn get(&self, id: u64) -> Option<&Owed> {
        self.all.get(&id)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, &Owed)> {
        self.all.iter().map(|(id, owed)| (*id, owed))
    }
}

/// The fields a value can be of; the store keeps the name.
pub(crate) const FIELDS: &[&str] = &[
    "messages",
    "message_template_status_update",
    "message_template_quality_update",
    "message_template_components_update",
    "template_category_update",
    "phone_number_quality_update",
    "business_capability_update",
    "user_preferences",
    "user_id_update",
    "calls",
    "account_update",
    "messaging_postbacks",
    "message_deliveries",
    "message_reads",
    "message_echoes",
    "messaging_referrals",
    "message_reactions",
    "message_edits",
    "messaging_optins",
    "smb_message_echoes",
    "account_review_update",
    "phone_number_name_update",
    "security",
];

/// The field of that name.
pub(crate) fn field(name: &str) -> Option<&'static str> {
    FIELDS.iter().find(|known| **known == name).copied()
}

impl World {
    /// Where webhooks for this number go, if anywhere: number override, then account override, then the app's own.
    pub(crate) fn callback(&self, waba: u64, number: Option<u64>, field: &str) -> Option<String> {
        if let Some(page) = self.messenger.pages.get(&waba) {
            let has = |fields: &[String]| fields.iter().any(|subscribed| subscribed == field);
            let own = self.app.page_subscription.as_ref().filter(|own| has(&page.subscribed) && has(&own.fields));
            return own.map(|own| own.callback_url.clone());
        }
        let account = self.wabas.get(&waba).filter(|account| account.subscribed)?;
        let subscription = self.app.subscription.as_ref();
        // Nobody can subscribe to it: where it comes at all, it comes along with messages.
        let field = if field == "user_id_update" { "messages" } else { field };
        if subscription.is_some_and(|own| !own.fields.iter().any(|subscribed| subscribed == field)) {
            return None;
        }
        let uri = |callback: &Override| callback.callback_uri.clone();
        number
            .and_then(|id| self.numbers.get(&id))
            .and_then(|number| number.callback.as_ref().map(uri))
            .or_else(|| account.callback.as_ref().map(uri))
            .or_else(|| subscription.map(|own| own.callback_url.clone()))
    }

    /// Owes a webhook about a number: without `entry.time`.
    pub(crate) fn owe_number(&mut self, now: Now, number: u64, field: &'static str, value: &Value) {
        let Some(waba) = self.numbers.get(&number).map(|number| number.waba) else { return };
        let entry = json!({ "id": waba.to_string(), "changes": [{ "value": value, "field": field }] });
        self.owe(now, waba, Some(number), field, &entry);
    }

    /// Owes a webhook about the account: with `entry.time`.
    pub(crate) fn owe_account(&mut self, now: Now, waba: u64, field: &'static str, value: &Value) {
        let entry = json!({
            "id": waba.to_string(),
            "time": now.world.as_secs(),
            "changes": [{ "value": value, "field": field }],
        });
        self.owe(now, waba, None, field, &entry);
    }

    pub(super) fn owe(&mut self, now: Now, waba: u64, number: Option<u64>, field: &'static str, entry: &Value) {
        if self.callback(waba, number, field).is_none() {
            return;
        }
        let entry: Arc<str> = escape_non_ascii(&entry.to_string()).into();
        let mut due = now.world;
        let mut attempts = 0;
        let mut copies = 1;
        if !self.faults.is_empty() {
            if self.faults.for_webhook(FaultKind::WebhookLoss, field).is_some() {
                self.counts.webhooks_failed += 1;
                self.keep_faults();
                return;
            }
            if let Some(ms) = self.faults.for_webhook(FaultKind::WebhookDelay, field) {
                due = due.plus(Span::millis(ms));
            }
            if self.faults.for_webhook(FaultKind::WebhookReorder, field).is_some() {
                due = due.plus(Span::millis(self.chance.between(50, 1_500)));
            }
            // One that goes later is thrown for when its time has come, like every further try.
            if due <= now.world && self.faults.for_webhook(FaultKind::WebhookDrop, field).is_some() {
                attempts = 1;
                due = due.plus(gap(1, self.settings.webhook_gap_max_seconds));
            }
            if self.faults.for_webhook(FaultKind::WebhookDuplicate, field).is_some() {
                copies = 2;
            }
            self.keep_faults();
        }
        for _ in 0..copies {
            self.owed.last += 1;
            let id = self.owed.last;
            let (born, due) = (now.world.as_millis(), due.as_millis());
            self.effects.changes.push(Change::Owe { id, waba, number, field, entry: Arc::clone(&entry), born, due, attempts });
            let is_due = due <= now.world.as_millis();
            let in_memory = is_due || self.owed.in_memory < IN_MEMORY_MAX;
            self.owed.in_memory += usize::from(in_memory);
            let entry = in_memory.then(|| Arc::clone(&entry));
            self.owed.all.insert(id, Owed { waba, number, field, entry, born, attempts, due });
            if is_due {
                self.effects.ready.push(id);
            } else {
                self.timers.insert((due, Timer::Webhook(id)));
            }
        }
    }

    /// Its time has come: it goes, unless it is lost on its way; then it was a try like any other that was not heard.
    pub(crate) fn webhook_due(&mut self, now: Now, id: u64) {
        let Some(field) = self.owed.get(id).map(|owed| owed.field) else { return };
        if !self.faults.is_empty() && self.faults.for_webhook(FaultKind::WebhookDrop, field).is_some() {
            self.keep_faults();
            self.webhook_missed(now, id);
        } else {
            self.effects.ready.push(id);
        }
    }

    /// The other side answered 200.
    pub(crate) fn webhook_heard(&mut self, id: u64) {
        if let Some(owed) = self.owed.all.remove(&id) {
            self.owed.in_memory -= usize::from(owed.entry.is_some());
            self.effects.changes.push(Change::Settled { id });
            self.counts.webhooks_delivered += 1;
        }
    }

    /// It did not: again later, or never again after seven days.
    pub(crate) fn webhook_missed(&mut self, now: Now, id: u64) {
        self.counts.webhooks_failed += 1;
        let is_full = self.owed.in_memory > IN_MEMORY_MAX / 2;
        let Some(owed) = self.owed.all.get_mut(&id) else { return };
        let page = self.messenger.pages.contains_key(&owed.waba).then_some(owed.waba);
        let give_up = if page.is_some() { PAGE_GIVE_UP } else { GIVE_UP };
        owed.attempts = owed.attempts.saturating_add(1);
        let due = now.world.plus(gap(owed.attempts, self.settings.webhook_gap_max_seconds));
        if due > Timestamp::from_millis(owed.born).plus(give_up) {
            self.owed.in_memory -= usize::from(owed.entry.is_some());
            self.owed.all.remove(&id);
            self.effects.changes.push(Change::Settled { id });
            // Who does not hear for an hour hears no more of the Page until it is subscribed anew.
            if let Some(page) = page.and_then(|page| self.messenger.pages.get_mut(&page)) {
                page.subscribed.clear();
                let page = page.id;
                self.keep_page(page);
            }
            return;
        }
        owed.due = due.as_millis();
        if is_full && owed.entry.take().is_some() {
            self.owed.in_memory -= 1;
        }
        self.effects.changes.push(Change::OweAgain { id, due: owed.due, attempts: owed.attempts });
        self.timers.insert((owed.due, Timer::Webhook(id)));
    }
}

/// How long after the n-th failed try the next one comes, `longest` seconds at most where the desk says so.
fn gap(attempts: u32, longest: Option<i64>) -> Span {
    let at = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX);
    let usual = GAPS.get(at).or(GAPS.last()).copied().unwrap_or(60);
    Span::secs(longest.map_or(usual, |longest| usual.min(longest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gaps_grow_and_stay_at_the_last() {
        let gaps: Vec<i64> = (1..40).map(|n| gap(n, None).as_secs()).collect();
        assert!(gaps.is_sorted());
        assert_eq!(gaps.last(), Some(&14_400));
        assert!((1..40).all(|n| gap(n, Some(7)) == gap(n, None).min(Span::secs(7))), "the desk shortens what is longer");
    }
}
