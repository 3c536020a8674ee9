//! Taking and giving back: what this replica holds becomes what it should hold.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::time::Instant;

use transom_domain::holding::{Change, Duty, ReplicaId, Thing};
use transom_domain::id::BusinessId;
use transom_domain::time::Timestamp;
use transom_store::{GivenBack, HOLDINGS_MAX, Holding, StoreError, Take, Taken};

use super::{Hold, Inner, LOOK, PAUSE};
use crate::telemetry;

/// A sender that was taken sends nothing for so long: Meta counts by the second, and whoever held it before has sent until then.
const OPENS_AFTER: Duration = Duration::from_secs(1);
/// What is under way of a thing that is given back may take so long, as an endpoint may that does not answer; after that it is given back
/// all the same: what it would still begin is held back, and whoever takes it treats it as one that was left behind.
const RESTS_WITHIN: Duration = Duration::from_secs(30);

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

    /// Gives back what is another's, and takes what is its own and free. Says whether all is as it should be: nothing is on its way back.
    pub(super) async fn balance(self: &Arc<Self>) -> Result<bool, StoreError> {
        let _one = self.balancing.lock().await;
        let (me, peers) = (self.parts.holdings.replica(), self.peers());
        if !peers.iter().any(|peer| peer.id == me && peer.live) {
            return Ok(true);
        }
        let things = self.things();
        // Looked at before the rows are: what is on its way back then may be anybody's by the time they are read.
        let leaving = self.leaving().clone();
        // They are read whatever memory says: a row in this name that nobody here knows of would be nobody's for ever.
        let rows: BTreeMap<Thing, Holding> =
            self.parts.store.holdings().await?.into_iter().map(|held| (held.thing, held)).collect();
        let held: BTreeMap<Thing, ReplicaId> = rows.values().map(|held| (held.thing, held.by)).collect();
        let is_mine = |thing: &Thing| held.get(thing) == Some(&me);
        let not_held: BTreeSet<Thing> = self.parts.holdings.all().into_iter().filter(|thing| !is_mine(thing)).collect();
        if self.parts.holdings.replica() != me {
            // Lost meanwhile; whoever began anew looks again.
            return Ok(false);
        }
        if !not_held.is_empty() {
            tracing::warn!(things = not_held.len(), "what was held here is another's by its row; it is let go of");
            self.parts.holdings.remove(&not_held);
            self.follow().await;
        }
        let names: BTreeSet<Thing> = things.keys().copied().collect();
        let mut change = Change::of(me, &peers, &names, &held, &self.parts.holdings.all());
        change.give_back.retain(|thing| !leaving.contains(thing));
        change.take.retain(|thing| !leaving.contains(thing));
        if !change.give_back.is_empty() {
            self.parts.holdings.remove(&change.give_back);
            let given = change.give_back.iter().filter_map(|thing| rows.get(thing));
            let given: Vec<_> = given.map(|held| (held.clone(), !names.contains(&held.thing))).collect();
            self.leaving().extend(given.iter().map(|(held, _)| held.thing));
            self.spawn(self.clone().gives_back(me, given));
        }
        let taken = self.take(me, &things, &change.take).await;
        telemetry::held(&self.parts.holdings.all());
        taken.map(|()| leaving.is_empty() && change.give_back.is_empty())
    }

    fn leaving(&self) -> MutexGuard<'_, BTreeSet<Thing>> {
        self.leaving.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives all of it back, until nothing is left that is held in this name.
    pub(super) async fn gives_all_back(self: &Arc<Self>) {
        self.renew().await;
        loop {
            match self.balance().await {
                Ok(true) => return,
                Ok(false) => _ = tokio::time::timeout(LOOK, self.given.notified()).await,
                Err(why) => {
                    tracing::warn!(error = %why, "what is held could not be given back yet");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    /// Gives back, each thing as soon as nothing of it is under way any more: one that is slow holds up no other. Beside each stands
    /// whether there is no such thing any more.
    async fn gives_back(self: Arc<Self>, me: ReplicaId, given: Vec<(Holding, bool)>) {
        let at_rest: FuturesUnordered<_> = given.into_iter().map(|(held, gone)| self.comes_to_rest(held, gone)).collect();
        // Whatever comes to rest together goes in one commit.
        let mut at_rest = at_rest.ready_chunks(HOLDINGS_MAX);
        while let Some(some) = at_rest.next().await {
            let mut by_business: BTreeMap<Option<BusinessId>, Vec<GivenBack>> = BTreeMap::new();
            for (business, given) in some {
                by_business.entry(business).or_default().push(given);
            }
            for (business, given) in by_business {
                // A business that others work with for long holds up no other.
                self.spawn(self.clone().gives_back_of(me, business, given));
            }
        }
    }

    async fn gives_back_of(self: Arc<Self>, me: ReplicaId, business: Option<BusinessId>, given: Vec<GivenBack>) {
        match self.parts.store.give_back(me, business, given.clone()).await {
            Ok(()) => {
                tracing::info!(things = given.len(), "things were given back");
                given.iter().for_each(|given| _ = self.resting().remove(&given.thing));
            }
            Err(why) => {
                tracing::warn!(things = given.len(), error = %why, "things could not be given back yet");
                self.resting().extend(given.iter().filter_map(|given| Some((given.thing, given.rests_until?))));
                // The next look finds their rows, and tries again.
                tokio::time::sleep(PAUSE).await;
            }
        }
        let is_last = {
            let mut leaving = self.leaving();
            given.iter().for_each(|given| _ = leaving.remove(&given.thing));
            leaving.is_empty()
        };
        if is_last {
            self.given.notify_one();
        }
        self.parts.hints.holdings_changed();
    }

    fn resting(&self) -> MutexGuard<'_, HashMap<Thing, Timestamp>> {
        self.resting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until nothing of a thing is under way, as long as that may take.
    async fn comes_to_rest(&self, held: Holding, gone: bool) -> (Option<BusinessId>, GivenBack) {
        let Holding { business, thing, rests_until, .. } = held;
        let rests_until = match thing {
            Thing::Sender(sender) => {
                let resting = self.parts.dispatcher.let_go(sender, RESTS_WITHIN).await;
                resting.or_else(|| self.resting().get(&thing).copied()).or(rests_until)
            }
            Thing::Endpoint(endpoint) => {
                self.parts.relay.let_go(endpoint, RESTS_WITHIN).await;
                None
            }
            // A round of it that is under way does no harm beside another's.
            Thing::Duty(_) => None,
        };
        (business, GivenBack { thing, rests_until, gone })
    }

    /// Takes, each business by itself: what cannot be taken of one keeps nothing of another from its worker.
    async fn take(&self, me: ReplicaId, things: &Things, take: &BTreeSet<Thing>) -> Result<(), StoreError> {
        let mut by_business: BTreeMap<Option<BusinessId>, Vec<Thing>> = BTreeMap::new();
        for thing in take {
            if let Some(business) = things.get(thing) {
                by_business.entry(*business).or_default().push(*thing);
            }
        }
        let (mut count, mut failed, mut followed) = (0, None, Instant::now());
        'all: for (business, wanted) in by_business {
            for some in wanted.chunks(HOLDINGS_MAX) {
                match self.take_some(me, business, some.to_vec()).await {
                    Ok(taken) => count += taken,
                    Err(why) => failed = Some(why),
                }
                // What was taken does not wait for a business that others work with for long.
                if followed.elapsed() > PAUSE {
                    self.follow().await;
                    followed = Instant::now();
                }
                // Where the store is away for all of them, the lease is over soon, and so is this.
                if self.parts.holdings.replica() != me || (failed.is_some() && !self.parts.holdings.is_current()) {
                    break 'all;
                }
            }
        }
        if count > 0 {
            tracing::info!(things = count, "things were taken");
            self.follow().await;
        }
        failed.map_or(Ok(()), Err)
    }

    async fn take_some(&self, me: ReplicaId, business: Option<BusinessId>, things: Vec<Thing>) -> Result<usize, StoreError> {
        let now = self.parts.clock.now();
        let unknown_until = now.plus(self.parts.unknown_wait);
        let taken = self.parts.store.take(Take { by: me, business, things, now, unknown_until }).await?;
        // Lost meanwhile: what was taken is nobody's by now, or will be soon.
        if self.parts.holdings.replica() != me {
            return Ok(0);
        }
        let now = Instant::now();
        let hold = |taken: &Taken| {
            let opens_at = if taken.first { now } else { now + OPENS_AFTER };
            (taken.thing, Hold { opens_at, rests_until: taken.rests_until })
        };
        let left: usize = taken.iter().map(|taken| taken.left_behind).sum();
        if left > 0 {
            tracing::warn!(attempts = left, "attempts of a replica that is gone have no outcome; their messages are unknown");
        }
        self.parts.holdings.add(taken.iter().map(hold));
        Ok(taken.len())
    }
}
