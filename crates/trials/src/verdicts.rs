//! The verdict of the moment, judged by an independent eye: what Meta's world knows, and what the gateway had been told.

use serde_json::Value;
use transom_domain::message::CallbackTag;
use transom_domain::session::SESSION;
use transom_domain::time::Span;

use crate::ledger::key_of;
use crate::network::Sent;
use crate::plan::{CUSTOMERS, Deed, DiskMishap, Fault, SENDERS, Say, business_of};
use crate::town::{MARKETING, Town, phone_of};

/// How old a belief about templates may be (the gateway states it).
const TEMPLATES_MAX_AGE: Span = Span::secs(5);
/// From a claim to the first byte when nothing holds the process up.
const CLAIM_TO_BYTE: Span = Span::secs(2);

/// How long this plan can hold a claim up before its first byte.
fn longest_hold(town: &Town) -> Span {
    let held: i64 = town
        .plan
        .faults
        .iter()
        .map(|fault| match fault {
            Fault::Pauses { lasts, .. } => *lasts,
            Fault::Disk { mishap: DiskMishap::Slow(ms) | DiskMishap::SlowAnswer(ms), .. } => *ms,
            _ => 0,
        })
        .sum();
    Span::millis(held + CLAIM_TO_BYTE.as_millis())
}

/// Meta has taken a message: was it one that could go when it was judged?
pub(crate) fn check(town: &Town, sent: Sent) {
    let now = town.clock.now();
    let mut ledger = town.ledger();
    ledger.said.insert(sent.tag.message, sent.say);
    let Some(departure) = ledger.departures.get(&key_of(sent.tag)).cloned() else { return };
    // The attempt's own time, but not by the gateway's clock alone: that one may be what is wrong.
    let judged = departure.started_at.max(departure.at.minus(longest_hold(town)));
    let Some(customer) = customer_of(town, &sent, &ledger.keys) else { return };
    let wrong = match sent.say {
        Say::Text => {
            let open = ledger.wrote.iter().any(|(c, s, at, dated)| {
                (*c, *s) == (customer, sent.sender) && *at <= now && dated.plus(SESSION) > judged.max(*at)
            });
            (!open).then(|| "no session was open".to_owned())
        }
        Say::Marketing => {
            let told = ledger.paused.iter().filter(|(s, at, ..)| *s == sent.sender && at.plus(TEMPLATES_MAX_AGE) < judged);
            let paused = latest(told.map(|(_, _, dated, paused)| (*dated, *paused)));
            let business = business_of(sent.sender);
            let told = ledger.opted.iter().filter(|(c, b, at, ..)| (*c, *b) == (customer, business) && *at < judged);
            let out = latest(told.map(|(_, _, _, dated, out)| (*dated, *out)));
            match (paused, out) {
                (true, _) => Some("its template was paused, and the gateway knew".to_owned()),
                (_, true) => Some("the customer had stopped marketing, and the gateway knew".to_owned()),
                _ => None,
            }
        }
        Say::Utility | Say::Content => None,
    };
    if let Some(why) = wrong {
        let at = now.since(town.start).as_millis();
        ledger.wrong(at, format!("against the verdict: {} went as {:?} and {why}", sent.tag, sent.say));
    }
}

/// What the latest word says; two words of one second contradict each other, and say nothing.
fn latest(words: impl Iterator<Item = (i64, bool)>) -> bool {
    let words: Vec<(i64, bool)> = words.collect();
    let last = words.iter().map(|(dated, _)| *dated).max();
    let of_last = words.iter().filter(|(dated, _)| Some(*dated) == last);
    let mut of_last = of_last.map(|(_, said)| *said).peekable();
    of_last.peek().is_some() && of_last.all(|said| said)
}

/// To whom a message goes: by the key under which it was sent.
fn customer_of(town: &Town, sent: &Sent, keys: &std::collections::BTreeMap<transom_domain::id::MessageId, u32>) -> Option<usize> {
    let key = keys.get(&sent.tag.message)?;
    town.plan.acts.iter().find_map(|act| match act.deed {
        Deed::Send(send) if send.key == *key => Some(send.customer),
        _ => None,
    })
}

/// The gateway has answered 200 to a webhook: what it has been told.
pub(crate) fn heard(town: &Town, body: &str) {
    let Ok(body) = serde_json::from_str::<Value>(body) else { return };
    let now = town.clock.now();
    let list = |value: &Value, key: &str| value.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut ledger = town.ledger();
    for entry in list(&body, "entry") {
        for change in list(&entry, "changes") {
            let value = change.get("value").cloned().unwrap_or_default();
            for status in list(&value, "statuses") {
                if let Some(tag) = CallbackTag::parse(&text(&status, "biz_opaque_callback_data")) {
                    ledger.heard.entry(key_of(tag)).or_insert(now);
                }
            }
            let number = value.pointer("/metadata/phone_number_id").and_then(Value::as_str).unwrap_or_default();
            let sender = (0..SENDERS).find(|s| town.numbers.get(*s).is_some_and(|n| n.id.to_string() == number));
            for preference in list(&value, "user_preferences") {
                let phone = format!("+{}", text(&preference, "wa_id"));
                let customer = (0..CUSTOMERS).find(|customer| phone_of(*customer) == phone);
                let dated = preference.get("timestamp").and_then(Value::as_i64).unwrap_or_default();
                let out = text(&preference, "value") == "stop";
                if let (Some(customer), Some(sender)) = (customer, sender) {
                    ledger.opted.push((customer, business_of(sender), now, dated, out));
                }
            }
            if text(&value, "message_template_name") == MARKETING {
                let waba = text(&entry, "id");
                let sender = (0..SENDERS).find(|s| town.numbers.get(*s).is_some_and(|n| n.waba.to_string() == waba));
                let dated = entry.get("time").and_then(Value::as_i64).unwrap_or_default();
                if let Some(sender) = sender {
                    ledger.paused.push((sender, now, dated, text(&value, "event") == "PAUSED"));
                }
            }
        }
    }
}
