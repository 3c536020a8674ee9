//! A berth: a seat, and room in the pace, kept for one message while it is being accepted, so that it can leave with its
//! acceptance instead of being queued, claimed and taken out of the queue again.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use transom_domain::id::SenderId;
use transom_domain::message::Class;
use transom_store::{AtOnce, Claimed};

use super::seats::Seat;
use super::worker::{Worker, pace_of};
use super::{Dispatcher, Inner};
use crate::directory::Speaker;
use crate::service::Prejudged;
use crate::work::rest::Busy;

/// How long a message waits for a seat before it is accepted into the queue: about as long as its acceptance takes anyway. A message
/// that queues costs the store twice the work of one that leaves at once, so that a house in which acceptance outruns sending would
/// fall behind ever faster; this slows the callers down instead.
const PATIENCE: Duration = Duration::from_millis(20);

/// Kept for one message; given back when it is dropped without being used.
pub struct Berth {
    dispatcher: Arc<Inner>,
    worker: Arc<Worker>,
    speaker: Arc<Speaker>,
    seat: Option<Seat>,
    // A turned clock waits for the message that may leave from here.
    busy: Option<Busy>,
}

impl Dispatcher {
    /// A berth with this sender for a message of this class, if seats and pace have one now. None is no refusal: the message queues,
    /// and is claimed when its turn comes.
    #[must_use]
    pub fn berth(&self, speaker: &Arc<Speaker>, class: Class) -> Option<Berth> {
        let worker = self.open_to(speaker)?;
        let seat = self.0.seats.take_one(speaker.sender.business, speaker.sender.id, class)?;
        self.berthed(speaker, worker, seat)
    }

    /// The same, waiting for a seat for [`PATIENCE`]; not where others wait already.
    pub async fn berth_soon(&self, speaker: &Arc<Speaker>, class: Class) -> Option<Berth> {
        let (business, sender) = (speaker.sender.business, speaker.sender.id);
        let worker = self.open_to(speaker)?;
        let seat = match self.0.seats.take_one(business, sender, class) {
            Some(seat) => seat,
            None if worker.has_queue() => return None,
            None => timeout(PATIENCE, async {
                loop {
                    self.0.seats.freed(business, sender, class).await;
                    if let Some(seat) = self.0.seats.take_one(business, sender, class) {
                        return seat;
                    }
                }
            })
            .await
            .ok()?,
        };
        self.berthed(speaker, worker, seat)
    }

    /// The sender's worker, if it may send now.
    fn open_to(&self, speaker: &Speaker) -> Option<Arc<Worker>> {
        if self.0.stop.is_cancelled() || speaker.stopped().is_some() || !self.0.holdings.is_current() {
            return None;
        }
        self.0.worker(speaker.sender.id).filter(|worker| worker.resting() <= self.0.clock.now())
    }

    fn berthed(&self, speaker: &Arc<Speaker>, worker: Arc<Worker>, seat: Seat) -> Option<Berth> {
        if !worker.keep_one(pace_of(speaker)) {
            return None;
        }
        let busy = Some(worker.post.busy());
        Some(Berth { dispatcher: self.0.clone(), worker, speaker: speaker.clone(), seat: Some(seat), busy })
    }

    /// A message of this sender waits in the queue.
    pub fn queued(&self, sender: SenderId) {
        match self.0.worker(sender) {
            Some(worker) => {
                worker.queues(true);
                worker.post.poke();
            }
            None => self.0.hints.sender(sender),
        }
    }

    /// What the store has to know to begin the attempt of a message that has a berth.
    #[must_use]
    pub fn at_once(&self, speaker: &Speaker) -> AtOnce {
        AtOnce { owner: self.0.holdings.owner(), pair_gap: self.0.pair_gap(speaker), pair_burst: self.0.limits.pair_burst }
    }
}

impl Berth {
    /// Sends the message whose first attempt was committed with it.
    pub fn leave(mut self, claimed: Claimed, prejudged: Prejudged) {
        let (this, worker, speaker) = (self.dispatcher.clone(), self.worker.clone(), self.speaker.clone());
        let (seat, busy) = (self.seat.take(), self.busy.take());
        self.dispatcher.tasks.spawn(async move {
            this.dispatch(&worker, &speaker, claimed, seat, Some(prejudged)).await;
            drop(busy);
        });
    }
}

impl Drop for Berth {
    fn drop(&mut self) {
        if self.seat.is_some() {
            self.worker.give_back_one(pace_of(&self.speaker));
        }
    }
}
