//! The verdict of the moment, judged by an independent eye: what Meta's world knows, and what the gateway had been told.

use serde_json::Value;
use transom_domain::message::CallbackTag;
use transom_domain::session::SESSION;
use transom_domain::time::{Span, Timestamp};

use crate::ledger::{Departure, Word, key_of};
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

/// A message leaves for Meta, which may take it or not: was it one that could go when it was judged?
pub(crate) fn check(town: &Town, sent: Sent, left: &Departure) {
    let mut ledger = town.ledger();
    // The attempt's own time, but not by the gateway's clock alone: that one may be what is wrong.
    let judged = left.started_at.max(left.at.minus(longest_hold(town)));
    let Some(customer) = customer_of(town, &sent, &ledger.keys) else { return };
    let wrong = match sent.say {
        Say::Text => {
            let open = ledger.wrote.iter().any(|(c, s, at, dated)| {
                (*c, *s) == (customer, sent.sender) && *at <= left.at && dated.plus(SESSION) > judged.max(*at)
            });
            (!open).then(|| "no session was open".to_owned())
        }
        Say::Marketing => {
            let of_sender = ledger.paused.iter().filter(|(s, _)| *s == sent.sender).map(|(_, word)| *word);
            let paused = forbidden(of_sender, judged.minus(TEMPLATES_MAX_AGE), left.at);
            let pair = (customer, business_of(sent.sender));
            let of_pair = ledger.opted.iter().filter(|(c, b, _)| (*c, *b) == pair).map(|(.., word)| *word);
            let out = forbidden(of_pair, judged, left.at);
            match (paused, out) {
                (true, _) => Some("its template was paused, and the gateway knew".to_owned()),
                (_, true) => Some("the customer had stopped marketing, and the gateway knew".to_owned()),
                _ => None,
            }
        }
        Say::Utility | Say::Content => None,
    };
    if let Some(why) = wrong {
        let at = left.at.since(town.start).as_millis();
        ledger.wrong(at, format!("against the verdict: {} went as {:?} and {why}", sent.tag, sent.say));
    }
}

/// Whether the gateway had to know, by a word before `by`, that it must not, and had no word by the time a message `left` that it
/// may again: what it has known only since `by` it may use already, or not yet. Two words of one second contradict each other,
/// and forbid nothing.
fn forbidden(words: impl Iterator<Item = Word> + Clone, by: Timestamp, left: Timestamp) -> bool {
    let last = words.clone().filter(|word| word.forbids && word.at < by).map(|word| word.dated).max();
    let mut allows = words.filter(|word| !word.forbids && word.at <= left);
    last.is_some_and(|last| !allows.any(|word| word.dated >= last))
}

/// To whom a message goes: by the key under which it was sent.
fn customer_of(town: &Town, sent: &Sent, keys: &std::collections::BTreeMap<transom_domain::id::MessageId, u32>) -> Option<usize> {
    let key = keys.get(&sent.tag.message)?;
    town.plan.acts.iter().find_map(|act| match act.deed {
        Deed::Send(send) if send.key == *key => Some(send.customer),
        _ => None,
    })
}

/// Whose an account is.
fn sender_of(town: &Town, waba: &str) -> Option<usize> {
    (0..SENDERS).find(|s| town.numbers.get(*s).is_some_and(|n| n.waba.to_string() == waba))
}

/// Meta has answered with the list of an account's templates: the gateway may know from it that one goes again. Whether the
/// answer arrives is not seen here, so what it forbids counts for nothing.
pub(crate) fn listed(town: &Town, path: &str, answer: &[u8]) {
    let waba = path.split_once("/message_templates").and_then(|(account, _)| account.rsplit('/').next());
    let Some(sender) = waba.and_then(|waba| sender_of(town, waba)) else { return };
    let Ok(list) = serde_json::from_slice::<Value>(answer) else { return };
    let goes = |template: &Value| {
        let is = |key: &str, word: &str| template.get(key).and_then(Value::as_str) == Some(word);
        is("name", MARKETING) && is("status", "APPROVED")
    };
    if list.get("data").and_then(Value::as_array).is_some_and(|all| all.iter().any(goes)) {
        let at = town.clock.now();
        let word = Word { at, dated: at.as_secs(), forbids: false };
        town.ledger().paused.push((sender, word));
    }
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
                if let (Some(customer), Some(sender)) = (customer, sender) {
                    let word = Word { at: now, dated, forbids: text(&preference, "value") == "stop" };
                    ledger.opted.push((customer, business_of(sender), word));
                }
            }
            if text(&value, "message_template_name") == MARKETING {
                let dated = entry.get("time").and_then(Value::as_i64).unwrap_or_default();
                if let Some(sender) = sender_of(town, &text(&entry, "id")) {
                    let word = Word { at: now, dated, forbids: text(&value, "event") != "APPROVED" };
                    ledger.paused.push((sender, word));
                }
            }
        }
    }
}
