//! What the answers of an endpoint say of it: its health, and whether it is left alone.

use transom_domain::endpoint::{Allowed, Breaker, Health};
use transom_domain::time::{Span, Timestamp};

use super::call::NotTold;

/// How an endpoint is doing.
pub(super) struct Vitals {
    pub(super) health: Health,
    breaker: Breaker,
}

impl Vitals {
    pub(super) fn of(health: Health) -> Self {
        Self { health, breaker: Breaker::default() }
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
            self.breaker.failed(&self.health, now, chance);
        }
        if let Some(wait) = failure.wait.filter(|_| failure.busy) {
            self.breaker.asked(wait, now);
        }
    }
}
