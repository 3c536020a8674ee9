//! The judge: reads everything that was seen, and says which property does not hold.

use std::collections::{BTreeMap, BTreeSet};

use futures::FutureExt as _;
use transom_domain::event::{Event, EventBody};
use transom_domain::id::{CustomerId, MessageId, SenderId};
use transom_domain::message::{CallbackTag, Message, WhenUnknown};
use transom_domain::status::Status;
use transom_domain::time::Timestamp;
use transom_simulator::Taken;
use transom_store::{Answer as Asked, Direction, MessageFilter, PAGE_MAX, Page, Store as _, Topic};

use crate::ledger::{Answer, Ledger};
use crate::plan::{BUSINESSES, SENDERS};
use crate::sessions::sessions;
use crate::town::{ENDPOINTS, Town, UNKNOWN_WAIT, business_id, endpoint_id, endpoint_of, sender_id};

/// What the store in memory answers at once.
fn now<T>(asked: Asked<'_, T>) -> Option<T> {
    asked.now_or_never().and_then(Result::ok)
}

/// All messages that were accepted.
pub(crate) fn outbound(town: &Town) -> Vec<Message> {
    let mut all = Vec::new();
    for business in 0..BUSINESSES {
        let mut token = None;
        loop {
            let filter = MessageFilter { direction: Some(Direction::Outbound), ..MessageFilter::default() };
            let page = Page { size: PAGE_MAX, token };
            let Some((messages, next)) = now(town.store.messages(business_id(business), filter, page)) else { break };
            all.extend(messages);
            token = next;
            if token.is_none() {
                break;
            }
        }
    }
    all
}

fn events(town: &Town, business: usize) -> Vec<Event> {
    let mut all: Vec<Event> = Vec::new();
    while let Some(page) = now(town.store.events(business_id(business), all.last().map_or(0, |e| e.position), PAGE_MAX)) {
        if page.events.is_empty() {
            break;
        }
        all.extend(page.events);
    }
    all
}

/// What still keeps the town from rest; nothing when all is settled.
pub(crate) fn unrest(town: &Town) -> Vec<String> {
    let mut found = Vec::new();
    if town.ledger().busy > 0 {
        found.push("callers are still busy".to_owned());
    }
    if town.house().is_none() {
        found.push("the gateway is not there".to_owned());
    }
    {
        let meta = town.meta();
        if !meta.up || !meta.world.is_at_rest() {
            found.push(format!("Meta has {} webhooks to tell", meta.world.owed()));
        }
    }
    if !found.is_empty() {
        return found;
    }
    for message in outbound(town) {
        let over = [Status::Delivered, Status::Read, Status::Failed, Status::Expired, Status::Cancelled];
        if !over.contains(&message.status) {
            found.push(format!("message {} is {:?} in phase {:?}", message.id, message.status, message.phase));
        }
    }
    for sender in 0..SENDERS {
        let waiting = now(town.store.backlog(sender_id(sender))).map_or(0, |backlog| backlog.waiting);
        if waiting > 0 {
            found.push(format!("{waiting} messages of sender {sender} wait"));
        }
    }
    if let Some(due) = now(town.store.next_session_look()).flatten().filter(|due| *due <= town.clock.now()) {
        found.push(format!("a session is to be looked at since {due:?}"));
    }
    for endpoint in 0..ENDPOINTS {
        let work = now(town.store.relay_work(endpoint_id(endpoint), 0, Timestamp::FAR, PAGE_MAX)).unwrap_or_default();
        let open = work.fresh.len() + work.due.len();
        if open > 0 {
            found.push(format!("{open} events are to be told to endpoint {endpoint}"));
        }
    }
    found
}

/// Everything after the end.
pub(crate) fn judge(town: &Town) {
    let taken = town.meta().world.taken();
    let mut of_attempt: BTreeMap<MessageId, Vec<(u32, Taken)>> = BTreeMap::new();
    for taken in taken {
        match taken.callback.as_deref().and_then(CallbackTag::parse) {
            Some(tag) => of_attempt.entry(tag.message).or_default().push((tag.attempt, taken)),
            None => town.wrong("the trial itself: Meta took a message without a tag".to_owned()),
        }
    }
    let messages = outbound(town);
    let streams: Vec<Vec<Event>> = (0..BUSINESSES).map(|business| events(town, business)).collect();
    let mut wrong = Vec::new();
    {
        let ledger = town.ledger();
        accepted(&ledger, &messages, &mut wrong);
        for message in &messages {
            let taken = of_attempt.remove(&message.id).unwrap_or_default();
            twice(&ledger, message, &taken, &mut wrong);
            truth(&ledger, message, &taken, &mut wrong);
        }
        for id in of_attempt.keys() {
            wrong.push(format!("lost: Meta took message {id}, and the store has none"));
        }
        let told: Vec<&Event> = streams.iter().flatten().collect();
        stories(&ledger, &messages, &told, &mut wrong);
        endpoints(&ledger, &streams, &mut wrong);
        let started = ledger.departures.values().map(|departure| departure.started_at).collect();
        for (business, stream) in streams.iter().enumerate() {
            let page = Page { size: PAGE_MAX, token: None };
            let known = now(town.store.sessions(business_id(business), MessageFilter::default(), page)).unwrap_or_default().0;
            let known: Vec<_> = known.into_iter().map(|row| ((row.sender, row.customer), row.evidence)).collect();
            sessions(stream, &started, &known, town.clock.now(), &mut wrong);
        }
    }
    wrong.extend(town.store.audit().into_iter().map(|found| format!("rows disagree: {found}")));
    wrong.into_iter().for_each(|what| town.wrong(what));
}

/// Nothing accepted is lost, and no key stands for two messages.
fn accepted(ledger: &Ledger, messages: &[Message], wrong: &mut Vec<String>) {
    let mut of_key: BTreeMap<u32, Vec<MessageId>> = BTreeMap::new();
    for message in messages {
        let key = message.campaign.as_deref().and_then(|c| c.strip_prefix('k')?.parse().ok());
        if let Some(key) = key {
            of_key.entry(key).or_default().push(message.id);
        }
    }
    for (key, ids) in &of_key {
        if ids.len() > 1 {
            wrong.push(format!("accepted twice: key {key} stands for {} messages", ids.len()));
        }
    }
    for (key, answer) in &ledger.answers {
        let stored = of_key.get(key).map_or(&[][..], Vec::as_slice);
        match answer {
            Answer::Accepted(id) if !stored.contains(id) => {
                wrong.push(format!("lost: key {key} was accepted as {id}, and the store has none"));
            }
            Answer::Refused(code) if !stored.is_empty() => {
                wrong.push(format!("accepted and refused: key {key} was refused with {code}, and is stored"));
            }
            _ => {}
        }
    }
}

/// Never twice with `fail`; with `auto` only if no status came within the wait.
fn twice(ledger: &Ledger, message: &Message, taken: &[(u32, Taken)], wrong: &mut Vec<String>) {
    let mut taken: Vec<u32> = taken.iter().map(|(attempt, _)| *attempt).collect();
    taken.sort_unstable();
    let id = message.id;
    for pair in taken.windows(2) {
        let &[first, second] = pair else { continue };
        if first == second {
            wrong.push(format!("doubled: attempt {first} of {id} was taken twice"));
            continue;
        }
        let (left, again) = (ledger.departures.get(&(id, first)), ledger.departures.get(&(id, second)));
        let (Some(left), Some(again)) = (left, again) else { continue };
        let wait = left.at.plus(UNKNOWN_WAIT);
        let heard = ledger.heard.get(&(id, first));
        match message.when_unknown {
            WhenUnknown::Fail => wrong.push(format!("doubled: {id} says `fail`, and Meta took attempts {first} and {second}")),
            WhenUnknown::Auto if heard.is_some_and(|heard| *heard <= wait) => {
                wrong.push(format!("doubled: {id} says `auto`, attempt {first} was heard of within the wait, and {second} left"));
            }
            // Nobody could hear while the gateway was away: each life listens for a whole wait before silence says anything.
            WhenUnknown::Auto if again.at < again.life_began.plus(UNKNOWN_WAIT) && again.life_began > left.at => {
                wrong.push(format!("doubled: {id} says `auto`, and {second} left before the new life had listened for a wait"));
            }
            WhenUnknown::Auto | WhenUnknown::Resend if again.at < wait => {
                wrong.push(format!("doubled: attempt {second} of {id} left before the wait after {first} was over"));
            }
            WhenUnknown::Auto | WhenUnknown::Resend => {}
        }
    }
}

/// What the message shows is what became of it, and a failure says why.
fn truth(ledger: &Ledger, message: &Message, taken: &[(u32, Taken)], wrong: &mut Vec<String>) {
    let id = message.id;
    for (attempt, _) in taken {
        if !ledger.departures.contains_key(&(id, *attempt)) {
            wrong.push(format!("left without commit: Meta took {id}.{attempt}, and nobody saw it leave"));
        }
    }
    let best = |word: &str| taken.iter().any(|(_, taken)| taken.status == word);
    let fits = if best("read") {
        message.status == Status::Read
    } else if best("delivered") {
        message.status == Status::Delivered
    } else {
        matches!(message.status, Status::Failed | Status::Expired | Status::Cancelled)
    };
    if !fits {
        let became: Vec<&str> = taken.iter().map(|(_, taken)| taken.status).collect();
        wrong.push(format!("told wrong: {id} shows {:?}, and Meta has {became:?}", message.status));
    }
    if message.status == Status::Failed && message.failure.is_none() {
        wrong.push(format!("told wrong: {id} failed, and does not say why"));
    }
    let key = ledger.keys.get(&id);
    if message.status == Status::Cancelled
        && !key.is_some_and(|key| ledger.cancelled.contains(key) || ledger.asked_off.contains(key))
    {
        wrong.push(format!("told wrong: {id} is cancelled, and nobody asked for that"));
    }
}

/// How far a status is; less than before is backwards.
const fn rank(status: Status) -> u8 {
    match status {
        Status::Accepted | Status::Queued | Status::Sending => 0,
        Status::Unknown => 1,
        Status::Failed | Status::Expired | Status::Cancelled => 2,
        Status::Sent => 3,
        Status::Delivered => 4,
        Status::Read => 5,
        Status::Received => 6,
    }
}

/// No status goes backwards, in events or in looks; and the last word is told.
fn stories(ledger: &Ledger, messages: &[Message], told: &[&Event], wrong: &mut Vec<String>) {
    let mut by_message: BTreeMap<MessageId, Vec<Status>> = BTreeMap::new();
    for event in told {
        if let EventBody::MessageStatus { message, status, .. } = &event.body {
            by_message.entry(*message).or_default().push(*status);
        }
    }
    for message in messages {
        let told = by_message.remove(&message.id).unwrap_or_default();
        if message.status != Status::Cancelled && told.last() != Some(&message.status) {
            wrong.push(format!("not told: {} shows {:?}, and events say {told:?}", message.id, message.status));
        }
        let mut looks: Vec<Status> = ledger.shown.get(&message.id).into_iter().flatten().map(|(_, status)| *status).collect();
        looks.push(message.status);
        for (story, statuses) in [("events", &told), ("looks", &looks)] {
            // What Meta itself says has failed does not come back; what we gave up may.
            if statuses.windows(2).any(|pair| matches!(pair, [a, b] if rank(*b) < rank(*a))) {
                wrong.push(format!("backwards: the {story} of {} say {statuses:?}", message.id));
            }
        }
    }
}

/// Each endpoint got each event that it is for at least once, and in order within a conversation.
fn endpoints(ledger: &Ledger, streams: &[Vec<Event>], wrong: &mut Vec<String>) {
    for endpoint in 0..ENDPOINTS {
        let (business, topic) = endpoint_of(endpoint);
        let mut wanted: BTreeMap<String, (u64, (SenderId, CustomerId))> = BTreeMap::new();
        for event in streams.get(business).into_iter().flatten() {
            let key = match (&event.body, topic) {
                (EventBody::MessageReceived { party, .. }, Topic::Messages) => Some((party.sender, party.customer)),
                (EventBody::MessageStatus { party, .. }, Topic::DeliveryStatus) => Some((party.sender, party.customer)),
                _ => None,
            };
            if let Some(key) = key {
                wanted.insert(event.id.to_string(), (event.position, key));
            }
        }
        let mut last: BTreeMap<(SenderId, CustomerId), u64> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for receipt in ledger.receipts.iter().filter(|receipt| receipt.endpoint == endpoint) {
            let Some((position, conversation)) = wanted.get(&receipt.event) else {
                wrong.push(format!("told what is not: endpoint {endpoint} got {}, which is no event for it", receipt.event));
                continue;
            };
            if !seen.insert(receipt.event.clone()) {
                continue;
            }
            let before = last.entry(*conversation).or_default();
            if *before > *position {
                wrong.push(format!("out of order: endpoint {endpoint} got event {position} of a conversation after {before}"));
            }
            *before = (*before).max(*position);
        }
        for (event, (position, _)) in wanted.iter().filter(|(event, _)| !seen.contains(*event)) {
            wrong.push(format!("not told: endpoint {endpoint} never got event {position} ({event})"));
        }
    }
}
