//! What is told of sessions, judged by what the same stream tells of messages: opening and closing alternate, and at its moment each
//! says what is so.

use std::collections::{BTreeMap, BTreeSet};

use transom_domain::event::{Event, EventBody};
use transom_domain::id::{CustomerId, SenderId};
use transom_domain::session::{CLOSING_SOON, Ended, Evidence, SESSION, Session};
use transom_domain::time::Timestamp;

/// One conversation as its events tell it.
#[derive(Default)]
struct Told {
    heard: Evidence,
    open: bool,
}

/// Judges one business's stream. `started` are the moments at which attempts were begun, `known` is what the store believes in the
/// end, at `now`.
pub(crate) fn sessions(
    stream: &[Event],
    started: &BTreeSet<Timestamp>,
    known: &[((SenderId, CustomerId), Evidence)],
    now: Timestamp,
    wrong: &mut Vec<String>,
) {
    let mut all: BTreeMap<(SenderId, CustomerId), Told> = BTreeMap::new();
    for event in stream {
        if let EventBody::CustomerMerged { customer, merged, .. } = &event.body {
            // From here on what was told of the one was told of the person.
            let senders: Vec<SenderId> = all.keys().filter(|(_, c)| c == merged).map(|(sender, _)| *sender).collect();
            for sender in senders {
                let one = all.remove(&(sender, *merged)).unwrap_or_default();
                let person = all.entry((sender, *customer)).or_default();
                person.heard = person.heard.and(one.heard);
                person.open |= one.open;
            }
        }
        let Some(key) = event.body.party().map(|party| (party.sender, party.customer)) else { continue };
        let told = all.entry(key).or_default();
        let end = told.heard.heard.map(|heard| heard.plus(SESSION));
        let fits = match &event.body {
            EventBody::MessageReceived { inbound, .. } => {
                if inbound.body.opens_session() {
                    told.heard = told.heard.and(Evidence::heard(inbound.at, event.at));
                }
                true
            }
            EventBody::SessionOpened { until, .. } => {
                let fits = !told.open && told.heard.at(event.at) == Session::Open { until: *until };
                told.open = true;
                fits
            }
            EventBody::SessionClosingSoon { until, .. } => {
                told.open && end == Some(*until) && event.at < *until && until.minus(CLOSING_SOON) <= event.at
            }
            EventBody::SessionClosed { since, cause, .. } => {
                let fits = told.open
                    && *since <= event.at
                    && match cause {
                        Ended::Expired => end == Some(*since),
                        Ended::Refused => {
                            started.contains(since) && told.heard.heard.is_some_and(|heard| heard.as_secs() < since.as_secs())
                        }
                    };
                told.open = false;
                fits
            }
            _ => true,
        };
        if !fits {
            wrong.push(format!("session told wrong: event {} at {:?} says {:?}", event.position, event.at, event.body));
        }
    }
    for (key, evidence) in known {
        let told = all.get(key).is_some_and(|told| told.open);
        if told != evidence.at(now).is_open() {
            wrong.push(format!("session told wrong: that of {key:?} is {:?}, and was told to be open: {told}", evidence.at(now)));
        }
    }
}
