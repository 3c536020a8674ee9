//! Counts: what was posted, what the stream has of it, and what each was told.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::Ordering;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::ears::{Ear, Ears};
use super::plan::Plan;
use crate::crash::client::{list, text};
use crate::crash::house::House;

/// Findings of one kind that are named.
const NAMED_MAX: usize = 5;

/// An event as the gateway lists it.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub(super) position: u64,
    id: String,
    kind: String,
    conversation: String,
    /// What was written, where it is a message.
    pub(super) text: Option<String>,
}

impl Event {
    fn is_for(&self, ear: &Ear) -> bool {
        self.kind.starts_with(ear.wants)
    }
}

/// Reads the events that are not known yet.
pub(super) async fn read_on(house: &House, events: &mut Vec<Event>) -> Result<()> {
    loop {
        let after = events.last().map_or(0, |event| event.position);
        let page = house.api().get(&house.path(&format!("/events?limit=200&after={after}"))).await?;
        let data = list(&page, "/data");
        for event in data {
            let part = |at: &str| text(event, at).unwrap_or_default();
            events.push(Event {
                position: event.get("position").and_then(Value::as_u64).context("an event without a position")?,
                id: text(event, "/id")?,
                kind: text(event, "/type")?,
                conversation: format!("{} {}", part("/data/parties/sender"), part("/data/parties/customerId")),
                text: text(event, "/data/message/text").ok(),
            });
        }
        if data.is_empty() {
            return Ok(());
        }
    }
}

/// How many events an endpoint was not told of that are for it.
pub(super) fn missing(ear: &Ear, events: &[Event]) -> usize {
    let told: HashSet<String> = ear.told().into_iter().collect();
    events.iter().filter(|event| event.is_for(ear) && !told.contains(&event.id)).count()
}

/// Everything that must not be.
pub(super) fn judge(plan: &Plan, events: &[Event], ears: &Ears, streamed: &[u64]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut kept: HashMap<&str, usize> = HashMap::new();
    for text in events.iter().filter_map(|event| event.text.as_deref()) {
        *kept.entry(text).or_default() += 1;
    }
    note(&mut wrong, "was heard and is in no event", plan.messages.iter().filter(|text| !kept.contains_key(text.as_str())));
    note(&mut wrong, "is in more than one event", kept.iter().filter(|(_, times)| **times > 1).map(|(text, _)| text));
    let gaps = events.windows(2).filter(|pair| matches!(pair, [one, next] if next.position != one.position + 1));
    note(&mut wrong, "is followed by a gap", gaps.filter_map(|pair| pair.first().map(|event| event.position)));
    for ear in ears.all() {
        judge_ear(ear, events, &mut wrong);
    }
    let positions: Vec<u64> = events.iter().map(|event| event.position).collect();
    if streamed != positions.as_slice() {
        let at =
            streamed.iter().zip(&positions).position(|(one, other)| one != other).unwrap_or(streamed.len().min(positions.len()));
        wrong.push(format!("the stream sent {} events, and there are {}; the {at}th differs", streamed.len(), positions.len()));
    }
    wrong
}

fn judge_ear(ear: &Ear, events: &[Event], wrong: &mut Vec<String>) {
    let wanted: HashMap<&str, &Event> = events.iter().filter(|e| e.is_for(ear)).map(|event| (event.id.as_str(), event)).collect();
    let told = ear.told();
    let mut first = HashSet::new();
    let mut last: HashMap<&str, u64> = HashMap::new();
    let (mut strange, mut early) = (Vec::new(), Vec::new());
    for id in &told {
        let Some(event) = wanted.get(id.as_str()) else {
            strange.push(id);
            continue;
        };
        // A repetition, after an answer that was lost, says nothing about order.
        if !first.insert(id.as_str()) {
            continue;
        }
        let before = last.entry(event.conversation.as_str()).or_default();
        if ear.ordered && event.position < *before {
            early.push(id);
        }
        *before = event.position.max(*before);
    }
    let name = ear.name;
    note(wrong, &format!("was told to {name}, and is none of its events"), strange.into_iter());
    note(wrong, &format!("was told to {name} after a later one of its conversation"), early.into_iter());
    let untold = wanted.values().filter(|event| !first.contains(event.id.as_str())).map(|event| event.position);
    note(wrong, &format!("was never told to {name}"), untold);
    let bad = ear.wrong.load(Ordering::SeqCst);
    if bad > 0 {
        wrong.push(format!("{bad} deliveries to {name} had a wrong signature or shape"));
    }
}

/// One finding for all of a kind, with the first few by name.
fn note<T: std::fmt::Display>(wrong: &mut Vec<String>, what: &str, which: impl Iterator<Item = T>) {
    let all: Vec<String> = which.map(|one| one.to_string()).collect();
    if let Some(more) = all.len().checked_sub(1) {
        let named = all.iter().take(NAMED_MAX).cloned().collect::<Vec<_>>().join(", ");
        wrong.push(format!("{} of them: {named}{} {what}", more + 1, if more >= NAMED_MAX { ", …" } else { "" }));
    }
}
