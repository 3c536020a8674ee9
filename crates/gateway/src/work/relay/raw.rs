//! Raw endpoints: Meta's own webhooks, byte for byte and signed anew, in the order in which they came.
//!
//! They follow the journal by its positions as the others follow the stream. There are no delivery rows: the cursor stands before
//! the oldest body that was not taken, and at most [`WINDOW`] bodies are told beyond it.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{FuturesUnordered, StreamExt as _};
use tokio_util::sync::CancellationToken;

use transom_domain::endpoint::Allowed;
use transom_domain::failure::Curve;
use transom_domain::time::Timestamp;
use transom_store::{JournalEntry, JournalHead, JournalOutcome};

use super::Inner;
use super::call::NotTold;
use super::follow::{Follower, LOOK, STORE_PAUSE, Vitals};
use crate::signing::Signer;
use crate::telemetry;

/// Bodies that are looked at together: one that is not taken holds back all but so many after it.
const WINDOW: usize = 32;

/// What a worker remembers of bodies beyond its cursor; after a restart they are told again.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    /// Told, given up, or not to be told.
    over: BTreeSet<u64>,
    /// Tries so far, and when the next is due.
    failed: BTreeMap<u64, (u32, Timestamp)>,
}

impl Ahead {
    /// Moves a cursor over all that is over, up to the first that is not.
    fn pass(&mut self, mut cursor: u64, positions: &[u64]) -> u64 {
        for position in positions {
            if !self.over.remove(position) {
                break;
            }
            self.failed.remove(position);
            cursor = *position;
        }
        cursor
    }
}

/// Whether a body is relayed: one whose signature fits and that speaks of this business, understood or not.
fn is_relayed(head: &JournalHead) -> bool {
    let spoken = matches!(head.outcome, JournalOutcome::Heard | JournalOutcome::Partly | JournalOutcome::NotUnderstood);
    spoken && !head.erased && head.size > 0
}

impl Inner {
    /// Tells all that can be told now; gives when there is more to do.
    pub(super) async fn raw_round(&self, follower: &mut Follower, stop: &CancellationToken) -> Option<Timestamp> {
        loop {
            if stop.is_cancelled() || follower.is_disabled() {
                return None;
            }
            let now = self.parts.clock.now();
            let allowed = follower.allowed(now);
            if let Allowed::NoneUntil(until) = allowed {
                return Some(self.rest_until(follower, until).await);
            }
            let (id, business) = (follower.endpoint.id, follower.endpoint.business);
            let page = match self.parts.store.journal_after(business, follower.cursor, WINDOW).await {
                Ok(page) => page,
                Err(why) => {
                    tracing::warn!(endpoint.id = %id, error = %why, "raw bodies could not be read");
                    tokio::time::sleep(STORE_PAUSE).await;
                    continue;
                }
            };
            let positions: Vec<u64> = page.entries.iter().map(|entry| entry.head.position).collect();
            let (jobs, next_due) = choose(&mut follower.ahead, page.entries, allowed, now);
            let idle = jobs.is_empty();
            if !idle {
                let signer = match self.signer(&follower.endpoint) {
                    Ok(signer) => signer,
                    Err(why) => {
                        tracing::error!(endpoint.id = %id, error = %why, "deliveries cannot be signed");
                        return Some(now.plus(LOOK));
                    }
                };
                let done = self.tell_raw(follower, &signer, jobs, stop).await;
                follower.note(done);
            }
            let cursor = follower.ahead.pass(follower.cursor, &positions);
            let moved = cursor > follower.cursor;
            follower.cursor = cursor;
            self.note_progress(follower).await;
            if idle && !moved {
                return Some(self.rest_until(follower, next_due.min(now.plus(LOOK))).await);
            }
        }
    }

    /// As many at once as the endpoint takes.
    async fn tell_raw(
        &self,
        follower: &Follower,
        signer: &Signer,
        jobs: Vec<(JournalEntry, u32)>,
        stop: &CancellationToken,
    ) -> Vec<(u64, Raw)> {
        let mut done = Vec::new();
        let mut running = FuturesUnordered::new();
        let mut jobs = jobs.into_iter();
        loop {
            while running.len() < follower.concurrency()
                && let Some((entry, tried)) = jobs.next()
            {
                running.push(self.tell_body(follower, signer, entry, tried, stop));
            }
            match running.next().await {
                Some(one) => done.extend(one),
                None => return done,
            }
        }
    }

    async fn tell_body(
        &self,
        follower: &Follower,
        signer: &Signer,
        entry: JournalEntry,
        tried: u32,
        stop: &CancellationToken,
    ) -> Option<(u64, Raw)> {
        let position = entry.head.position;
        // The endpoint changed or its breaker opened meanwhile: it is left for later.
        let shut = matches!(follower.allowed(self.parts.clock.now()), Allowed::NoneUntil(_));
        if shut || stop.is_cancelled() || follower.is_disabled() {
            return None;
        }
        let told = self.deliver_raw(&follower.endpoint, signer, entry, tried + 1).await;
        let (now, chance) = (self.parts.clock.now(), self.parts.chance.draw_u64());
        let mut vitals = follower.vitals();
        let not = match told.result {
            Ok(()) => {
                vitals.succeeded(now);
                return Some((position, Raw::Over));
            }
            Err(not) => not,
        };
        tracing::warn!(endpoint.id = %follower.endpoint.id, journal.position = position, tried = tried + 1, reason = %not.why, "a delivery failed");
        vitals.failed(&not, now, self.parts.disable_after, chance);
        match Curve::ENDPOINT.wait(tried + 1, chance) {
            Some(wait) => Some((position, Raw::Again(tried + 1, now.plus(not.wait.unwrap_or(wait))))),
            None => {
                telemetry::delivery("given_up");
                tracing::error!(endpoint.id = %follower.endpoint.id, journal.position = position, "a delivery was given up");
                Some((position, Raw::Over))
            }
        }
    }
}

/// What became of a body.
enum Raw {
    /// Taken, or given up.
    Over,
    /// To be tried again: tries so far, and when.
    Again(u32, Timestamp),
}

impl Follower {
    fn note(&mut self, done: Vec<(u64, Raw)>) {
        for (position, raw) in done {
            match raw {
                Raw::Over => drop(self.ahead.over.insert(position)),
                Raw::Again(tried, due) => drop(self.ahead.failed.insert(position, (tried, due))),
            }
        }
    }
}

/// What is told now of a window, with the tries so far; and when the next of the others is due.
fn choose(
    ahead: &mut Ahead,
    entries: Vec<JournalEntry>,
    allowed: Allowed,
    now: Timestamp,
) -> (Vec<(JournalEntry, u32)>, Timestamp) {
    let (mut jobs, mut next_due) = (Vec::new(), Timestamp::FAR);
    for entry in entries {
        let position = entry.head.position;
        if !is_relayed(&entry.head) {
            ahead.over.insert(position);
        }
        if ahead.over.contains(&position) {
            continue;
        }
        match ahead.failed.get(&position) {
            Some((_, due)) if *due > now => next_due = next_due.min(*due),
            known => jobs.push((entry, known.map_or(0, |(tried, _)| *tried))),
        }
    }
    if allowed == Allowed::One {
        jobs.truncate(1);
    }
    (jobs, next_due)
}

impl Vitals {
    /// The endpoint took a delivery.
    pub(super) fn succeeded(&mut self, now: Timestamp) {
        self.health.succeeded(now);
        self.breaker.succeeded();
    }

    /// It did not.
    pub(super) fn failed(&mut self, not: &NotTold, now: Timestamp, disable_after: transom_domain::time::Span, chance: u64) {
        if not.gone {
            self.health.gone(not.why.clone(), now);
        } else {
            self.health.failed(not.why.clone(), now, disable_after);
            self.breaker.failed(&self.health, now, chance);
        }
        if let Some(wait) = not.wait.filter(|_| not.busy) {
            self.breaker.asked(wait, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_stops_before_the_first_that_was_not_taken() {
        let mut ahead = Ahead::default();
        ahead.over.extend([4, 6]);
        ahead.failed.insert(5, (1, Timestamp::FAR));
        assert_eq!(ahead.pass(3, &[4, 5, 6]), 4);
        ahead.over.insert(5);
        // Positions may leap: after a restore.
        ahead.over.insert(900);
        assert_eq!(ahead.pass(4, &[5, 6, 900]), 900);
        assert!(ahead.over.is_empty() && ahead.failed.is_empty());
    }
}
