//! What the answers of an endpoint say of it: its health, and whether it is left alone.

use std::collections::BTreeMap;

use transom_domain::endpoint::{Allowed, Breaker, Health};
use transom_domain::event::{Event, EventBody};
use transom_domain::id::EndpointId;
use transom_domain::time::{Span, Timestamp};

use super::call::NotTold;
use crate::twilio::callback::twiml::Remark;

/// What is wrong with answers is told once within this time, of each code.
const REMARK_EVERY: Span = Span::hours(1);

/// How an endpoint is doing.
pub(super) struct Vitals {
    pub(super) health: Health,
    breaker: Breaker,
    /// What else is to be told of the round.
    pub(super) news: Vec<EventBody>,
    /// When it was told last of each code in answers.
    remarked: BTreeMap<u32, Timestamp>,
}

impl Vitals {
    pub(super) fn of(health: Health) -> Self {
        Self { health, breaker: Breaker::default(), news: Vec::new(), remarked: BTreeMap::new() }
    }

    /// What of an answer could not be done. Its owner sees the last of it at the endpoint, and is told of each code once in a while:
    /// an application that answers every message wrongly makes no storm.
    pub(super) fn note(&mut self, endpoint: EndpointId, event: &Event, remarks: Vec<Remark>, now: Timestamp) {
        for Remark { code, why } in remarks {
            tracing::warn!(endpoint.id = %endpoint, event.id = %event.id, code, reason = %why, "an answer cannot be done");
            self.health.last_error = Some(format!("{code}: {why}"));
            self.health.last_failure = Some(now);
            let message = match &event.body {
                EventBody::MessageReceived { message, .. } => Some(*message),
                _ => None,
            };
            if self.remarked.get(&code).is_none_or(|at| now >= at.plus(REMARK_EVERY)) {
                self.remarked.insert(code, now);
                self.news.push(EventBody::EndpointAnswerRejected { endpoint, told: event.id, message, code, error: why });
            }
        }
    }

    /// How many deliveries may go.
    pub(super) fn allowed(&self, now: Timestamp) -> Allowed {
        self.breaker.allows(&self.health, now)
    }

    /// The endpoint took a delivery. One that went by hand says more: that the pause is over.
    pub(super) fn succeeded(&mut self, now: Timestamp, by_hand: bool) {
        self.health.succeeded(now);
        self.breaker.succeeded();
        if by_hand {
            self.breaker.end();
        }
    }

    /// It did not.
    pub(super) fn failed(&mut self, failure: &NotTold, now: Timestamp, disable_after: Span, chance: u64) {
        if failure.gone {
            self.health.gone(failure.why.clone(), now);
        } else {
            self.health.failed(failure.why.clone(), now, disable_after);
            // An answer about one event says nothing about the others.
            if !failure.alone {
                self.breaker.failed(&self.health, now, chance);
            }
        }
        if let Some(wait) = failure.wait.filter(|_| failure.busy) {
            self.breaker.asked(wait, now);
        }
    }
}
