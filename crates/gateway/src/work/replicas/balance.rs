//! Taking and giving back: what this replica holds becomes what it should hold.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::future::join_all;
use tokio::time::Instant;

use transom_domain::holding::{Change, Duty, ReplicaId, Thing};
use transom_domain::id::BusinessId;
use transom_store::{GivenBack, HOLDINGS_MAX, StoreError, Take, Taken};

use super::{Hold, Inner};
use crate::telemetry;

/// A sender that was taken sends nothing for so long: Meta counts by the second, and whoever held it before has sent until then.
const OPENS_AFTER: Duration = Duration::from_secs(1);

/// Whose each thing is; none for a duty.
type Things = BTreeMap<Thing, Option<BusinessId>>;

impl Inner {
    /// All that is to be held by somebody.
    fn things(&self) -> Things {
        let directory = self.parts.directory.now();
        let senders = directory.all().map(|speaker| (Thing::Sender(speaker.sender.id), Some(speaker.sender.business)));
        let endpoints = self.parts.relay.endpoints();
        let endpoints = endpoints.into_iter().map(|(endpoint, business)| (Thing::Endpoint(endpoint), Some(business)));
        senders.chain(endpoints).chain(Duty::ALL.map(|duty| (Thing::Duty(duty), None))).collect()
    }

    /// Gives back what is another's, and takes what is its own and free.
    pub(super) async fn balance(&self) -> Result<(), StoreError> {
        let _one = self.balancing.lock().await;
        let (me, peers) = (self.parts.holdings.replica(), self.peers());
        if !peers.iter().any(|peer| peer.id == me && peer.live) {
            return Ok(());
        }
        let things = self.things();
        let names: BTreeSet<Thing> = things.keys().copied().collect();
        let mine = self.parts.holdings.all();
        // As if all were free: where that asks for nothing, nothing has to be read.
        let change = Change::of(me, &peers, &names, &BTreeMap::new(), &mine);
        if !change.give_back.is_empty() {
            self.give_back(me, &things, &change.give_back).await?;
        }
        if !change.take.is_empty() {
            let held = self.parts.store.holdings().await?;
            let held = held.into_iter().map(|holding| (holding.thing, holding.by)).collect();
            let change = Change::of(me, &peers, &names, &held, &mine);
            self.take(me, &things, &change.take).await?;
        }
        telemetry::held(&self.parts.holdings.all());
        Ok(())
    }

    /// Gives back, each thing once nothing of it is under way any more.
    async fn give_back(&self, me: ReplicaId, things: &Things, given: &BTreeSet<Thing>) -> Result<(), StoreError> {
        self.parts.holdings.remove(given);
        let let_go = |thing: Thing| async move {
            let rests_until = match thing {
                Thing::Sender(sender) => self.parts.dispatcher.let_go(sender).await,
                Thing::Endpoint(endpoint) => {
                    self.parts.relay.let_go(endpoint).await;
                    None
                }
                // A round of it that is under way does no harm beside another's.
                Thing::Duty(_) => None,
            };
            GivenBack { thing, rests_until, gone: !things.contains_key(&thing) }
        };
        let all = join_all(given.iter().copied().map(let_go)).await;
        let holdings: BTreeMap<Thing, Option<BusinessId>> = match all.iter().any(|given| given.gone) {
            // Whose it was, only its row says.
            true => self.parts.store.holdings().await?.into_iter().map(|held| (held.thing, held.business)).collect(),
            false => BTreeMap::new(),
        };
        let mut by_business: BTreeMap<Option<BusinessId>, Vec<GivenBack>> = BTreeMap::new();
        for given in all {
            let Some(business) = things.get(&given.thing).or_else(|| holdings.get(&given.thing)) else { continue };
            by_business.entry(*business).or_default().push(given);
        }
        for (business, given) in by_business {
            for some in given.chunks(HOLDINGS_MAX) {
                self.parts.store.give_back(me, business, some.to_vec()).await?;
            }
        }
        tracing::info!(things = given.len(), "things were given back");
        self.parts.hints.holdings_changed();
        Ok(())
    }

    async fn take(&self, me: ReplicaId, things: &Things, take: &BTreeSet<Thing>) -> Result<(), StoreError> {
        let mut by_business: BTreeMap<Option<BusinessId>, Vec<Thing>> = BTreeMap::new();
        for thing in take {
            if let Some(business) = things.get(thing) {
                by_business.entry(*business).or_default().push(*thing);
            }
        }
        let mut count = 0;
        for (business, wanted) in by_business {
            for some in wanted.chunks(HOLDINGS_MAX) {
                let now = self.parts.clock.now();
                let unknown_until = now.plus(self.parts.unknown_wait);
                let ask = Take { by: me, business, things: some.to_vec(), now, unknown_until };
                let taken = self.parts.store.take(ask).await?;
                // Lost meanwhile: what was taken is nobody's by now, or will be soon.
                if self.parts.holdings.replica() != me {
                    return Ok(());
                }
                let now = Instant::now();
                let hold = |taken: &Taken| {
                    let opens_at = if taken.first { now } else { now + OPENS_AFTER };
                    (taken.thing, Hold { opens_at, rests_until: taken.rests_until })
                };
                let left: usize = taken.iter().map(|taken| taken.left_behind).sum();
                if left > 0 {
                    tracing::warn!(
                        attempts = left,
                        "attempts of a replica that is gone have no outcome; their messages are unknown"
                    );
                }
                count += taken.len();
                self.parts.holdings.add(taken.iter().map(hold));
            }
        }
        if count > 0 {
            tracing::info!(things = count, "things were taken");
            self.parts.dispatcher.follow_directory();
            self.parts.relay.follow_holdings().await;
        }
        Ok(())
    }
}
