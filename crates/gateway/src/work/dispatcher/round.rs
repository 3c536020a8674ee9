//! The rounds of one sender's worker: wait, claim what pace and connections let go, hand it on.

use std::sync::Arc;
use std::time::Duration;

use transom_domain::address::Channel;
use transom_domain::id::BusinessId;
use transom_domain::message::Class;
use transom_domain::time::{Span, Timestamp};
use transom_store::{BATCH_MAX, Claim, StoreError};

use super::Inner;
use super::worker::{Worker, pace_of};
use crate::directory::Speaker;
use crate::work::outage::Word;

/// How long a worker waits after the store could not answer.
pub(super) const STORE_PAUSE: Duration = Duration::from_millis(200);
/// A sender that nobody pokes is looked at this often: a poke is a hint, never what correctness rests on.
const LOOK: Span = Span::minutes(1);
/// How long a worker waits that may not speak for its sender now.
const NOT_HELD_PAUSE: Span = Span::secs(1);

impl Inner {
    pub(super) async fn work(self: Arc<Self>, worker: Arc<Worker>) {
        let mut due = None;
        while let Some(busy) = worker.post.wait_or_stop(due, &worker.stop).await {
            // A round is never cut short: a claim that was committed must be sent, or its messages would count as unknown.
            due = self.round(&worker).await;
            busy.until(due);
        }
    }

    /// Claims and sends until nothing is due; says when something will be.
    async fn round(self: &Arc<Self>, worker: &Arc<Worker>) -> Option<Timestamp> {
        while !worker.stop.is_cancelled() {
            let speaker = self.directory.now().sender(worker.sender).cloned()?;
            if speaker.stopped().is_some() {
                return None;
            }
            let business = speaker.sender.business;
            let now = self.clock.now();
            if !self.holdings.is_current() {
                return Some(now.plus(NOT_HELD_PAUSE));
            }
            let rest_until = worker.resting();
            if rest_until > now {
                return Some(rest_until);
            }
            let pace = pace_of(&speaker);
            let room = match worker.room(pace) {
                Ok(room) => room as usize,
                Err(wait) => {
                    tokio::time::sleep(wait).await;
                    continue;
                }
            };
            let mut taken = self.seats.take(business, worker.sender, room.min(BATCH_MAX));
            if taken.seats.is_empty() {
                // What is due, nobody knows before a claim; a seat for any class will do to look.
                match self.seat(worker, business, Class::Reply).await {
                    Some(()) => continue,
                    None => return None,
                }
            }
            let claim = Claim {
                sender: worker.sender,
                room: taken.room,
                owner: self.holdings.owner(),
                now,
                pair_gap: self.pair_gap(&speaker),
                pair_burst: self.limits.pair_burst,
            };
            let claims = match self.store.claim(claim).await {
                Ok(claims) => claims,
                // The keeper finds out in a moment, and ends this worker.
                Err(StoreError::NotHeld) => return Some(now.plus(NOT_HELD_PAUSE)),
                Err(why) => {
                    if let Some(Word { lasts, times }) = self.unclaimed.failed() {
                        let lasts_s = lasts.as_secs();
                        tracing::warn!(sender.id = %worker.sender, error = %why, times, lasts_s, "claiming failed");
                    }
                    tokio::time::sleep(STORE_PAUSE).await;
                    continue;
                }
            };
            if let Some(lasted) = self.unclaimed.worked() {
                tracing::info!(lasted_s = lasted.as_secs(), "claiming works again");
            }
            if claims.claimed.is_empty() {
                // Messages that were expired by the claim have events.
                self.relay.poke(business);
                if let Some(class) = claims.wants_room {
                    drop(taken);
                    match self.seat(worker, business, class).await {
                        Some(()) => continue,
                        None => return None,
                    }
                }
                worker.queues(claims.next_due.is_some_and(|due| due <= now));
                return Some(claims.next_due.unwrap_or(Timestamp::FAR).min(now.plus(LOOK)));
            }
            worker.spend(pace, u32::try_from(claims.claimed.len()).unwrap_or(u32::MAX));
            for claimed in claims.claimed {
                let seat = taken.seats.pop();
                let (this, worker, speaker) = (self.clone(), worker.clone(), speaker.clone());
                let busy = worker.post.busy();
                self.tasks.spawn(async move {
                    this.dispatch(&worker, &speaker, claimed, seat, None).await;
                    drop(busy);
                });
            }
        }
        None
    }

    /// The pair pace: Meta has one for numbers, and none for Pages.
    pub(super) fn pair_gap(&self, speaker: &Speaker) -> Span {
        match speaker.sender.channel {
            Channel::Whatsapp => self.limits.pair_gap,
            Channel::Messenger => Span::ZERO,
        }
    }

    /// Waits until there may be a seat for a message of this class; none when it is time to stop. Ends with any poke: a reply
    /// that comes meanwhile may have a seat though the others have none.
    async fn seat(&self, worker: &Worker, business: BusinessId, class: Class) -> Option<()> {
        self.seats.wake_when_free(business, worker.sender, class, &worker.post);
        tokio::select! {
            biased;
            () = worker.stop.cancelled() => None,
            () = worker.post.poked() => Some(()),
        }
    }
}
