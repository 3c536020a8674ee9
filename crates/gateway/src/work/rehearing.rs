//! Replays of the journal: worked on slice by slice, beside all else, those of every business in turn. A restart goes on where the
//! last slice ended.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use transom_clock::WorldClock;
use transom_domain::holding::Duty;
use transom_domain::time::{Span, Timestamp};
use transom_store::Store;

use super::replicas::Holdings;
use super::rest::Post;
use super::slices::Slices;
use crate::intake::Intake;
use crate::problem::Problem;

/// Replays that are worked on in one round.
const AT_ONCE: usize = 64;
/// After a slice it rests for so many times as long as the slice took: what is heard now always finds the writer.
const REST: u32 = 2;
/// After the store could not answer it rests so long.
const PAUSE: Span = Span::secs(1);

/// Whoever works on replays.
pub struct Rehearing {
    /// What hears again.
    pub intake: Intake,
    /// The store.
    pub store: Arc<dyn Store>,
    /// World time.
    pub clock: WorldClock,
    /// Whether it is done here.
    pub holdings: Holdings,
    /// Ends it.
    pub stop: CancellationToken,
}

impl Rehearing {
    /// Works on what there is, until the house stops.
    pub async fn work(self, post: Arc<Post>) {
        let mut due = None;
        while let Some(busy) = post.wait_or_stop(due, &self.stop).await {
            due = match self.holdings.does(Duty::Rehearing) {
                true => tokio::select! {
                    biased;
                    () = self.stop.cancelled() => return,
                    due = self.all() => due,
                },
                false => None,
            };
            due = self.holdings.look(due, self.clock.now());
            busy.until(due);
        }
    }

    /// Goes on with every replay that is not over, to its end. Says when to look again.
    async fn all(&self) -> Option<Timestamp> {
        let mut slices = Slices::resting(REST);
        loop {
            match self.round(&mut slices).await {
                Ok(true) => {}
                Ok(false) => return None,
                Err(why) => {
                    tracing::warn!(error = %why.message, "a replay of the journal could not go on");
                    return Some(self.clock.now().plus(PAUSE));
                }
            }
        }
    }

    /// One slice of each; `false` when there is none.
    async fn round(&self, slices: &mut Slices) -> Result<bool, Problem> {
        let open = self.store.open_journal_replays(AT_ONCE).await?;
        for replay in &open {
            slices.next().await;
            let (cursor, did) = self.intake.replay_slice(replay).await?;
            let now = self.clock.now();
            if !self.store.journal_replayed(replay.business, replay.id, cursor, did, now).await? {
                tracing::info!(replay.id = %replay.id, "a replay of the journal was stopped");
            } else if cursor >= replay.to {
                tracing::info!(replay.id = %replay.id, "a replay of the journal is over");
            }
        }
        Ok(!open.is_empty())
    }
}
