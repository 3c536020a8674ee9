//! The judge: what was acknowledged, against what the customer's phone shows, what the gateway says of it and what the endpoint
//! was told. Pure, so that it can be shown to find what it looks for.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::ears::Told;
use super::load::Accepted;

/// What a caller wants when an answer is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wish {
    /// Sent again if silence is evidence; the default.
    Auto,
    /// Told as unknown.
    Fail,
    /// Sent again, at the risk of doubling.
    Resend,
}

/// One attempt, as the gateway's timeline has it. Moments are milliseconds since 1970.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tried {
    pub(crate) began: i64,
    /// Its answer was lost, or the process ended meanwhile.
    pub(crate) unknown: bool,
    /// When the first word of the upstream about it was heard, an answer or a status.
    pub(crate) heard: Option<i64>,
    /// When the first status of it was heard.
    pub(crate) status_heard: Option<i64>,
}

/// A message as the gateway tells it in the end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) status: String,
    /// Code of the reason, where it failed.
    pub(crate) reason: Option<String>,
    pub(crate) tried: Vec<Tried>,
    /// When it was given up, where it was.
    pub(crate) given_up: Option<i64>,
}

/// An event of the business's stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) position: u64,
    pub(crate) id: String,
    /// The topic that tells it, if any does.
    pub(crate) topic: Option<&'static str>,
    /// Sender and customer.
    pub(crate) conversation: String,
}

/// All that is known when everything has come to rest.
#[derive(Debug, Default)]
pub(crate) struct Evidence {
    pub(crate) accepted: Vec<Accepted>,
    /// By id.
    pub(crate) messages: HashMap<String, Message>,
    /// How often a customer's phone shows each message of the load, by its number.
    pub(crate) on_phones: HashMap<usize, usize>,
    /// How often the upstream has taken each message and did not fail it, by id.
    pub(crate) taken: HashMap<String, usize>,
    pub(crate) events: Vec<Event>,
    pub(crate) told: Vec<Told>,
    /// The upstream's ids of what customers wrote, as acknowledged to them.
    pub(crate) inbound: Vec<String>,
    /// How often the gateway has each of them.
    pub(crate) inbound_kept: HashMap<String, usize>,
}

/// The judgement.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Judgement {
    pub(crate) accepted: usize,
    pub(crate) delivered: usize,
    /// Told as failed, by reason.
    pub(crate) failed: BTreeMap<String, usize>,
    /// Neither delivered nor told why not.
    pub(crate) lost: usize,
    /// On the phone more than once, though nobody asked for that risk.
    pub(crate) doubled: usize,
    /// On the phone more than once, by callers who chose `resend`.
    pub(crate) doubled_by_choice: usize,
    /// Sent in more than one attempt.
    pub(crate) again: usize,
    /// Attempts whose outcome was unknown for a while.
    pub(crate) unknown: usize,
    pub(crate) settled_by_word: usize,
    pub(crate) settled_by_silence: usize,
    pub(crate) told_as_unknown: usize,
    pub(crate) unsettled: usize,
    pub(crate) events: usize,
    pub(crate) deliveries: usize,
    pub(crate) inbound: usize,
    /// Everything that must not be, in words.
    pub(crate) wrong: Vec<String>,
}

/// What was heard so many milliseconds before a decision, or less, may have been written down after it: moments are those at
/// which a thing was asked for, and writing takes its time.
const AT_ONCE: i64 = 1_000;

const UNKNOWN: &str = "ERROR_CODE_OUTCOME_UNKNOWN";

/// Judges.
pub(crate) fn judge(evidence: &Evidence) -> Judgement {
    let mut judgement = Judgement { accepted: evidence.accepted.len(), ..Judgement::default() };
    let heard = heard_of(evidence);
    for accepted in &evidence.accepted {
        message(evidence, accepted, &heard, &mut judgement);
    }
    strangers(evidence, &mut judgement);
    inbound(evidence, &mut judgement);
    stream(evidence, &mut judgement);
    told(evidence, &mut judgement);
    judgement
}

/// When attempts began and were heard of: what silence is measured against.
fn heard_of(evidence: &Evidence) -> Vec<(i64, i64)> {
    let tried = evidence.messages.values().flat_map(|message| &message.tried);
    tried.filter_map(|t| Some((t.began, t.status_heard?))).collect()
}

/// Whether a message rightly ended as unknown: when it was given up, no status of an attempt begun later had been heard.
fn is_explained(message: &Message, heard: &[(i64, i64)]) -> bool {
    let (Some(last), Some(given_up)) = (message.tried.last(), message.given_up) else { return false };
    !heard.iter().any(|(began, at)| *began > last.began && *at < given_up - AT_ONCE)
}

fn message(evidence: &Evidence, accepted: &Accepted, heard: &[(i64, i64)], judgement: &mut Judgement) {
    let Accepted { number, id, wish, .. } = accepted;
    let shown = evidence.on_phones.get(number).copied().unwrap_or(0);
    let arrived = shown.max(evidence.taken.get(id).copied().unwrap_or(0));
    let Some(message) = evidence.messages.get(id) else {
        judgement.lost += 1;
        judgement.wrong.push(format!("message {number} ({id}): accepted, and the gateway does not know it"));
        return;
    };
    judgement.again += usize::from(message.tried.len() > 1);
    unknowns(message, judgement);
    if arrived > 1 {
        if *wish == Wish::Resend {
            judgement.doubled_by_choice += 1;
        } else {
            judgement.doubled += 1;
            judgement.wrong.push(format!("message {number} ({id}, {wish:?}): on the phone {arrived} times: {message:?}"));
        }
    }
    match (message.status.as_str(), &message.reason) {
        ("delivered" | "read", _) => {
            judgement.delivered += 1;
            if shown == 0 {
                judgement.lost += 1;
                judgement.wrong.push(format!("message {number} ({id}): told as delivered, and not on the phone"));
            }
        }
        ("failed" | "expired", Some(reason)) => {
            *judgement.failed.entry(reason.clone()).or_default() += 1;
            let is_unknown = reason == UNKNOWN;
            if arrived > 0 && !is_unknown {
                judgement.wrong.push(format!("message {number} ({id}): told as failed with {reason}, and on the phone"));
            }
            if is_unknown && *wish == Wish::Auto && !is_explained(message, heard) {
                judgement
                    .wrong
                    .push(format!("message {number} ({id}): given up as unknown though hearing was well: {message:?}"));
            }
            if is_unknown && *wish == Wish::Resend {
                judgement.wrong.push(format!("message {number} ({id}): given up as unknown against its caller's choice"));
            }
        }
        (status, _) => {
            judgement.lost += 1;
            judgement.wrong.push(format!("message {number} ({id}): ended as {status} without a reason: {message:?}"));
        }
    }
}

/// How each unknown was settled.
fn unknowns(message: &Message, judgement: &mut Judgement) {
    let last = message.tried.len();
    for (at, tried) in message.tried.iter().enumerate().filter(|(_, tried)| tried.unknown) {
        judgement.unknown += 1;
        if tried.heard.is_some() {
            judgement.settled_by_word += 1;
        } else if at + 1 < last {
            judgement.settled_by_silence += 1;
        } else if message.given_up.is_some() {
            judgement.told_as_unknown += 1;
        } else {
            judgement.unsettled += 1;
            judgement.wrong.push(format!("an unknown was never settled: {message:?}"));
        }
    }
}

/// Messages on phones that nobody was told to be accepted.
fn strangers(evidence: &Evidence, judgement: &mut Judgement) {
    let numbers: HashSet<usize> = evidence.accepted.iter().map(|accepted| accepted.number).collect();
    let ids: HashSet<&str> = evidence.accepted.iter().map(|accepted| accepted.id.as_str()).collect();
    if ids.len() < evidence.accepted.len() {
        judgement.wrong.push("two messages have the same id".to_owned());
    }
    let shown = evidence.on_phones.keys().filter(|number| !numbers.contains(number)).count();
    let taken = evidence.taken.keys().filter(|id| !ids.contains(id.as_str())).count();
    if shown + taken > 0 {
        judgement.wrong.push(format!("{shown} texts on phones and {taken} sends upstream are of messages that nobody sent"));
    }
}

/// What customers wrote is kept, once.
fn inbound(evidence: &Evidence, judgement: &mut Judgement) {
    judgement.inbound = evidence.inbound.len();
    for wamid in &evidence.inbound {
        match evidence.inbound_kept.get(wamid).copied().unwrap_or(0) {
            1 => {}
            0 => judgement.wrong.push(format!("what a customer wrote is lost: {wamid}")),
            times => judgement.wrong.push(format!("what a customer wrote is kept {times} times: {wamid}")),
        }
    }
}

/// Positions begin at 1 and have no gaps.
fn stream(evidence: &Evidence, judgement: &mut Judgement) {
    judgement.events = evidence.events.len();
    let gap = (1..).zip(&evidence.events).find(|(expected, event)| *expected != event.position);
    if let Some((expected, event)) = gap {
        judgement.wrong.push(format!("the stream has position {} in the place of {expected}", event.position));
    }
}

/// Each event at its endpoint at least once, in order per conversation, and no status backwards. Repetitions are allowed; what
/// is told for the first time must keep the order.
fn told(evidence: &Evidence, judgement: &mut Judgement) {
    judgement.deliveries = evidence.told.len();
    let known: HashMap<&str, &Event> = evidence.events.iter().map(|event| (event.id.as_str(), event)).collect();
    let mut first: HashSet<&str> = HashSet::new();
    let mut reached: HashMap<(&str, &str), u64> = HashMap::new();
    let mut progress: HashMap<&str, u8> = HashMap::new();
    for told in &evidence.told {
        let Some(event) = known.get(told.event.as_str()).filter(|event| event.topic == Some(told.topic.as_str())) else {
            judgement.wrong.push(format!("the endpoint was told what is not in the stream: {told:?}"));
            continue;
        };
        if !first.insert(&told.event) {
            continue;
        }
        let last = reached.entry((told.topic.as_str(), event.conversation.as_str())).or_default();
        if event.position < *last {
            judgement.wrong.push(format!("told out of order: position {} after {last} of one conversation", event.position));
        }
        *last = event.position.max(*last);
        if let Some(status) = &told.status {
            // A failure that was presumed is overridden by whatever Meta says later.
            let rank = match status.as_str() {
                "delivered" => 2,
                "read" => 3,
                _ => 1,
            };
            let best = progress.entry(&told.message).or_default();
            if rank < *best {
                judgement.wrong.push(format!("status backwards at the endpoint: {told:?}"));
            }
            *best = rank.max(*best);
        }
    }
    let untold = evidence.events.iter().filter(|event| event.topic.is_some() && !first.contains(event.id.as_str()));
    for event in untold {
        judgement.wrong.push(format!("the endpoint was never told of position {}", event.position));
    }
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
