//! Raw endpoints: Meta's own webhooks, byte for byte and signed anew, begun in the order in which they came.
//!
//! They follow the journal by its positions as the others follow the stream. There are no delivery rows: the cursor stands before
//! the oldest body that was not taken, and at most [`WINDOW`] bodies are told beyond it.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{FuturesUnordered, StreamExt as _};

use transom_domain::failure::Curve;
use transom_domain::time::Timestamp;
use transom_store::{JournalEntry, JournalHead, JournalOutcome};

use super::Inner;
use super::follow::{Follower, LOOK, Leave, STORE_PAUSE};
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
    pub(super) async fn raw_round(&self, follower: &mut Follower) -> Option<Timestamp> {
        loop {
            let now = self.parts.clock.now();
            if follower.is_over() {
                return follower.comes_back(now);
            }
            let leave = match follower.leave(now) {
                Ok(leave) => leave,
                Err(until) => return Some(self.rest_until(follower, until).await),
            };
            let (id, business) = (follower.endpoint.id, follower.endpoint.business);
            let page = match self.parts.store.journal_after(business, follower.cursor, WINDOW).await {
                Ok(page) => page,
                Err(why) => {
                    self.unread(id, &why);
                    tokio::time::sleep(STORE_PAUSE).await;
                    continue;
                }
            };
            self.read();
            let positions: Vec<u64> = page.entries.iter().map(|entry| entry.head.position).collect();
            let (jobs, next_due) = choose(&mut follower.ahead, page.entries, leave, now);
            let idle = jobs.is_empty();
            if !idle {
                let signer = match self.signer(&follower.endpoint) {
                    Ok(signer) => signer,
                    Err(why) => {
                        tracing::error!(endpoint.id = %id, error = %why, "deliveries cannot be signed");
                        return Some(now.plus(LOOK));
                    }
                };
                let done = self.tell_raw(follower, &signer, jobs).await;
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
    async fn tell_raw(&self, follower: &Follower, signer: &Signer, jobs: Vec<RawJob>) -> Vec<(u64, Raw)> {
        let mut done = Vec::new();
        let mut running = FuturesUnordered::new();
        let mut jobs = jobs.into_iter();
        loop {
            while running.len() < follower.concurrency()
                && let Some(job) = jobs.next()
            {
                running.push(self.tell_body(follower, signer, job));
            }
            match running.next().await {
                Some(one) => done.extend(one),
                None => return done,
            }
        }
    }

    async fn tell_body(&self, follower: &Follower, signer: &Signer, job: RawJob) -> Option<(u64, Raw)> {
        let RawJob { entry, tried, by_hand } = job;
        let position = entry.head.position;
        // Changed meanwhile, or left alone: whoever comes next tells it.
        let shut = !by_hand && follower.shut(self.parts.clock.now()).is_some();
        if shut || follower.is_over() {
            return None;
        }
        let tried = tried + 1;
        let told = self.deliver_raw(&follower.endpoint, signer, entry, tried).await;
        let (now, chance) = (self.parts.clock.now(), self.parts.chance.draw_u64());
        let id = follower.endpoint.id;
        let mut vitals = follower.vitals();
        let failure = match told.result {
            Ok(()) => {
                vitals.succeeded(now, by_hand);
                return Some((position, Raw::Over));
            }
            Err(failure) => failure,
        };
        tracing::warn!(endpoint.id = %id, journal.position = position, tried, reason = %failure.why, "a delivery failed");
        vitals.failed(&failure, now, self.parts.disable_after, chance);
        match Curve::ENDPOINT.wait(tried, chance) {
            Some(wait) => Some((position, Raw::Again(tried, now.plus(failure.wait.unwrap_or(wait))))),
            None => {
                telemetry::delivery("given_up");
                tracing::error!(endpoint.id = %id, journal.position = position, "a delivery was given up");
                Some((position, Raw::Over))
            }
        }
    }
}

/// One body to be told.
struct RawJob {
    entry: JournalEntry,
    /// Tries so far.
    tried: u32,
    /// It goes even while the endpoint is left alone.
    by_hand: bool,
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
fn choose(ahead: &mut Ahead, entries: Vec<JournalEntry>, leave: Leave, now: Timestamp) -> (Vec<RawJob>, Timestamp) {
    let by_hand = matches!(leave, Leave::ByHand(_));
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
            Some((_, due)) if *due > now && !by_hand => next_due = next_due.min(*due),
            known => jobs.push(RawJob { entry, tried: known.map_or(0, |(tried, _)| *tried), by_hand }),
        }
    }
    if leave != Leave::All {
        jobs.truncate(1);
    }
    (jobs, next_due)
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
