//! The worker of one endpoint: rounds of reading, telling and recording.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt as _};

use transom_domain::endpoint::{Allowed, CONCURRENCY_DEFAULT, Health};
use transom_domain::failure::Curve;
use transom_domain::id::{BusinessId, EndpointId};
use transom_domain::time::{Span, Timestamp};
use transom_store::{BATCH_MAX, Endpoint, EventReplay, RelayRound, Role, StoreError, Waiting};

use super::Inner;
use super::call::Signing;
use super::line::{Asked, Line};
use super::plan::{Conversation, Job, Plan, Source, Strand, waits};
use super::raw::Ahead;
use super::vitals::Vitals;
use crate::telemetry;
use crate::work::outage::Word;
use crate::work::replicas::Holdings;

/// How long a worker waits after the store could not answer.
pub(super) const STORE_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause between two tries to record deliveries.
const STORE_PAUSE_MAX: Duration = Duration::from_secs(10);
/// An endpoint that nobody pokes is looked at this often: a poke is a hint, never what correctness rests on.
pub(super) const LOOK: Span = Span::minutes(1);
/// A cursor that moved and nothing else is written down within this time: so that what is heard is not followed by a write for
/// each endpoint that was told of it.
const SAVE_AFTER: Span = Span::secs(1);
/// Or when it is so far ahead.
const SAVE_EVERY: u64 = 1_024;

/// What the worker knows of its endpoint beyond its row.
pub(super) struct Follower {
    /// Its row, as it was when the worker began.
    pub(super) endpoint: Endpoint,
    pub(super) line: Arc<Line>,
    holdings: Holdings,
    vitals: Mutex<Vitals>,
    /// How far it was told.
    pub(super) cursor: u64,
    /// What of raw bodies lies beyond.
    pub(super) ahead: Ahead,
    /// What is written down.
    saved: (u64, Health),
    /// Since when something is not.
    unsaved: Option<Timestamp>,
}

/// What may go now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leave {
    /// As many as the endpoint takes at once.
    All,
    /// One, to find out whether it is back.
    One,
    /// One that was asked for by hand, whatever else holds back.
    ByHand(Asked),
}

/// What became of a job.
enum Done {
    /// Taken, or nothing to take.
    Over(u64, Source),
    /// Not taken; tried again, or given up.
    Failed(Waiting, Source),
    /// Not tried: behind one that failed, or the breaker is open.
    PutOff(Waiting, Source),
    /// Not tried: the worker was stopped. Whoever comes next tells it, as the endpoint is then.
    Left(Waiting, Source),
}

impl Follower {
    pub(super) fn vitals(&self) -> MutexGuard<'_, Vitals> {
        self.vitals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_disabled(&self) -> bool {
        self.vitals().health.disabled.is_some()
    }

    /// Nothing more may leave: it was stopped, its endpoint has switched itself off, or another replica may tell it by now.
    pub(super) fn is_over(&self) -> bool {
        self.is_stopped() || self.is_disabled()
    }

    /// Whoever comes next tells what is left.
    fn is_stopped(&self) -> bool {
        self.line.stop.is_cancelled() || !self.holdings.is_current()
    }

    /// Until when the endpoint is left alone, where it is.
    pub(super) fn shut(&self, now: Timestamp) -> Option<Timestamp> {
        match self.vitals().allowed(now) {
            Allowed::NoneUntil(until) => Some(until),
            Allowed::All | Allowed::One => None,
        }
    }

    /// What may go in a round that begins now.
    ///
    /// # Errors
    /// Until when nothing may.
    pub(super) fn leave(&self, now: Timestamp) -> Result<Leave, Timestamp> {
        let asked = self.line.take_asked();
        let allowed = self.vitals().allowed(now);
        self.line.rest(if let Allowed::NoneUntil(until) = allowed { Some(until) } else { None });
        match (allowed, asked) {
            (Allowed::All, _) => Ok(Leave::All),
            (_, Some(asked)) => Ok(Leave::ByHand(asked)),
            (Allowed::One, None) => Ok(Leave::One),
            (Allowed::NoneUntil(until), None) => Err(until),
        }
    }

    /// When a worker that may not tell anything now looks again: soon, where only the lease has to be renewed.
    pub(super) fn comes_back(&self, now: Timestamp) -> Option<Timestamp> {
        (!self.holdings.is_current()).then(|| now.plus(SAVE_AFTER))
    }

    pub(super) fn concurrency(&self) -> usize {
        match &self.endpoint.role {
            Role::Published(_) | Role::Callbacks => usize::from(2 * CONCURRENCY_DEFAULT),
            Role::Own(own) => usize::from(own.manner.concurrency.max(1)),
        }
    }
}

impl Inner {
    pub(super) async fn follow(
        self: Arc<Self>,
        business: BusinessId,
        id: EndpointId,
        before: Option<tokio::task::JoinHandle<()>>,
        line: Arc<Line>,
    ) {
        if let Some(before) = before {
            // The worker before a change finishes its round first, so that nothing is told twice or out of order.
            let _ = before.await;
        }
        let Some(mut follower) = self.begin(business, id, line.clone()).await else { return };
        let mut due = None;
        while !follower.is_disabled() {
            let Some(busy) = line.post.wait_or_stop(due, &line.stop).await else { break };
            // A change of the endpoint ends a round after the calls that are under way: what was told is recorded as told.
            due = match follower.endpoint.role.is_raw() {
                true => self.raw_round(&mut follower).await,
                false => self.round(&mut follower).await,
            };
            busy.until(due);
        }
        if follower.unsaved.is_some() {
            self.record(&mut follower, Plan::default(), Vec::new(), None).await;
        }
        // Somebody may have switched it on again while this worker still was there, so that no other was started.
        if follower.is_disabled() && self.forget(id, &line) {
            while let Err(why) = self.reload().await {
                tracing::warn!(endpoint.id = %id, error = %why, "the endpoints could not be read");
                tokio::select! {
                    biased;
                    () = self.parts.stop.cancelled() => return,
                    () = tokio::time::sleep(STORE_PAUSE) => {}
                }
            }
        }
    }

    /// The store did not say what is to be told.
    pub(super) fn unread(&self, id: EndpointId, why: &StoreError) {
        if let Some(Word { lasts, times }) = self.unread.failed() {
            let lasts_s = lasts.as_secs();
            tracing::warn!(endpoint.id = %id, error = %why, times, lasts_s, "what is to be told could not be read");
        }
    }

    /// The store said what is to be told.
    pub(super) fn read(&self) {
        if let Some(lasted) = self.unread.worked() {
            tracing::info!(lasted_s = lasted.as_secs(), "what is to be told can be read again");
        }
    }

    /// The endpoint as it is now, and as the worker before has left it.
    async fn begin(&self, business: BusinessId, id: EndpointId, line: Arc<Line>) -> Option<Follower> {
        loop {
            match self.parts.store.endpoint(business, id).await {
                Ok(row) => {
                    self.read();
                    let row = row?;
                    return Some(Follower {
                        vitals: Mutex::new(Vitals::of(row.health.clone())),
                        cursor: row.cursor,
                        saved: (row.cursor, row.health.clone()),
                        endpoint: row,
                        line,
                        holdings: self.parts.holdings.clone(),
                        ahead: Ahead::default(),
                        unsaved: None,
                    });
                }
                Err(why) => self.unread(id, &why),
            }
            tokio::select! {
                biased;
                () = line.stop.cancelled() => return None,
                () = tokio::time::sleep(STORE_PAUSE) => {}
            }
        }
    }

    /// Tells all that can be told now; gives when there is more to do.
    async fn round(&self, follower: &mut Follower) -> Option<Timestamp> {
        loop {
            let now = self.parts.clock.now();
            if follower.is_over() {
                return follower.comes_back(now);
            }
            let leave = match follower.leave(now) {
                Ok(leave) => leave,
                Err(until) => return Some(self.rest_until(follower, until).await),
            };
            let (id, cursor) = (follower.endpoint.id, follower.cursor);
            let work = match self.parts.store.relay_work(id, cursor, now, BATCH_MAX).await {
                Ok(work) => work,
                Err(why) => {
                    self.unread(id, &why);
                    tokio::time::sleep(STORE_PAUSE).await;
                    continue;
                }
            };
            self.read();
            let next_due = work.next_due.unwrap_or(Timestamp::FAR).min(now.plus(LOOK));
            let nothing = work.fresh.is_empty() && work.due.is_empty() && work.lost.is_empty();
            let book = self.parts.directory.now().callbacks(follower.endpoint.business).cloned();
            let mut plan = Plan::of((&follower.endpoint, book.as_deref()), cursor, work, leave, now);
            if nothing && plan.replay.is_none() {
                return Some(self.rest_until(follower, next_due).await);
            }
            let signing = match self.signing(&follower.endpoint) {
                Ok(signing) => signing,
                Err(why) => {
                    tracing::error!(endpoint.id = %id, error = %why, "deliveries cannot be signed");
                    return Some(now.plus(LOOK));
                }
            };
            let strands = std::mem::take(&mut plan.strands);
            let done = self.tell_all(follower, &signing, strands).await;
            self.settle(follower, plan, done).await;
        }
    }

    /// Writes down what is not, if it is time; gives until when to rest.
    pub(super) async fn rest_until(&self, follower: &mut Follower, due: Timestamp) -> Timestamp {
        match follower.unsaved.map(|since| since.plus(SAVE_AFTER)) {
            Some(save) if save <= self.parts.clock.now() => {
                self.record(follower, Plan::default(), Vec::new(), None).await;
                due
            }
            Some(save) => due.min(save),
            None => due,
        }
    }

    /// As many strands at once as the endpoint takes.
    async fn tell_all(&self, follower: &Follower, signing: &Signing, strands: Vec<Strand>) -> Vec<Done> {
        let mut done = Vec::new();
        let mut running = FuturesUnordered::new();
        let mut strands = strands.into_iter();
        loop {
            while running.len() < follower.concurrency()
                && let Some(strand) = strands.next()
            {
                running.push(self.tell(follower, signing, strand));
            }
            match running.next().await {
                Some(of_strand) => done.extend(of_strand),
                None => return done,
            }
        }
    }

    async fn tell(&self, follower: &Follower, signing: &Signing, strand: Strand) -> Vec<Done> {
        let Strand { conversation, jobs } = strand;
        let mut done = Vec::new();
        let mut blocked = false;
        for job in jobs {
            let now = self.parts.clock.now();
            // What is under way already is the one that finds out.
            let shut = match follower.shut(now) {
                until @ Some(_) if !job.by_hand => until,
                _ => follower.is_disabled().then_some(now),
            };
            let position = job.event.position;
            if follower.is_stopped() {
                let left = waits(position, conversation, now, "waits behind a change of the endpoint");
                done.push(Done::Left(left, job.source));
            } else if blocked {
                done.push(Done::PutOff(waits(position, conversation, now, "waits behind an earlier event"), job.source));
            } else if let Some(until) = shut {
                done.push(Done::PutOff(waits(position, conversation, until, "waits until the endpoint answers"), job.source));
                blocked = conversation.is_some();
            } else {
                let told = self.try_once(follower, signing, conversation, job).await;
                blocked = matches!(&told, Done::Failed(waiting, _) if waiting.due.is_some() && waiting.conversation.is_some());
                done.push(told);
            }
        }
        done
    }

    async fn try_once(&self, follower: &Follower, signing: &Signing, conversation: Conversation, job: Job) -> Done {
        let Job { event, tried, source, by_hand } = job;
        let tried = tried + 1;
        let id = follower.endpoint.id;
        let told = self.deliver(&follower.endpoint, signing, &event, tried).await;
        self.answers.put((event.business, id, event.position), (tried, told.attempt), told.answer.clone());
        let (now, chance) = (self.parts.clock.now(), self.parts.chance.draw_u64());
        let mut vitals = follower.vitals();
        let failure = match told.result {
            Ok(()) => {
                vitals.succeeded(now, by_hand);
                vitals.note(id, &event, told.remarks, now);
                return Done::Over(event.position, source);
            }
            Err(failure) => failure,
        };
        tracing::warn!(endpoint.id = %id, event.id = %event.id, tried, reason = %failure.why, "a delivery failed");
        vitals.failed(&failure, now, self.parts.disable_after, chance);
        let again = Curve::ENDPOINT.wait(tried, chance).filter(|_| !failure.over);
        let due = again.map(|wait| now.plus(failure.wait.unwrap_or(wait)));
        if due.is_none() {
            telemetry::delivery("given_up");
            tracing::error!(endpoint.id = %id, event.id = %event.id, tried, "a delivery was given up");
        }
        // What is told once more keeps no place: it must not hold back what is told for the first time.
        let conversation = conversation.filter(|_| source != Source::Replayed && !failure.alone);
        let (attempt, answer) = (Some(told.attempt), told.answer);
        Done::Failed(Waiting { position: event.position, conversation, tried, due, attempt, answer, seen: failure.why }, source)
    }

    /// Records a round; what only moved the cursor, later.
    async fn settle(&self, follower: &mut Follower, mut plan: Plan, done: Vec<Done>) {
        let replay = plan.replay.take().map(|(replay, taken)| replayed(replay, &taken, &done, self.parts.clock.now()));
        hold_back(&mut plan, follower.cursor, &done);
        let mut waiting = std::mem::take(&mut plan.held);
        for done in done {
            match done {
                Done::Over(position, Source::Due) => plan.over.push(position),
                // What was given up and is taken now has a row.
                Done::Over(position, Source::Replayed) => {
                    if replay.as_ref().is_some_and(|replay| replay.given_up) {
                        plan.over.push(position);
                    }
                }
                Done::Over(_, Source::Fresh) => {}
                Done::Failed(failed, _) => waiting.push(failed),
                Done::PutOff(put_off, Source::Fresh) => waiting.push(put_off),
                // What is behind the cursor is read again.
                Done::Left(left, Source::Fresh) if left.position > plan.cursor => {}
                Done::Left(left, Source::Fresh) => waiting.push(left),
                // A row that is due stays so; a replay comes back to it.
                Done::PutOff(_, Source::Due | Source::Replayed) | Done::Left(_, Source::Due | Source::Replayed) => {}
            }
        }
        follower.cursor = follower.cursor.max(plan.cursor);
        follower.line.tell_progress(follower.cursor);
        if replay.is_some() || !waiting.is_empty() || !plan.over.is_empty() {
            self.record(follower, plan, waiting, replay).await;
        } else {
            self.note_progress(follower).await;
        }
    }

    /// Records how far it was told: at once where that is news or far, else later.
    pub(super) async fn note_progress(&self, follower: &mut Follower) {
        let news = {
            let vitals = follower.vitals();
            vitals.health.news(&follower.saved.1).is_some() || !vitals.news.is_empty()
        };
        let ahead = follower.cursor.saturating_sub(follower.saved.0) >= SAVE_EVERY;
        if news || ahead {
            self.record(follower, Plan::default(), Vec::new(), None).await;
        } else if follower.unsaved.is_none()
            && (follower.cursor, &follower.vitals().health) != (follower.saved.0, &follower.saved.1)
        {
            follower.unsaved = Some(self.parts.clock.now());
        }
    }

    /// Writes it down, however often that takes: what was told must be recorded before anything is read again, or it would be
    /// told again.
    async fn record(&self, follower: &mut Follower, plan: Plan, waiting: Vec<Waiting>, replay: Option<EventReplay>) {
        let id = follower.endpoint.id;
        let (health, news) = {
            let mut vitals = follower.vitals();
            (vitals.health.clone(), std::mem::take(&mut vitals.news))
        };
        let known = follower.saved.1.clone();
        let tells = health.news(&known).is_some() || !news.is_empty();
        let now = self.parts.clock.now();
        let Plan { over, .. } = plan;
        let by = self.parts.holdings.owner();
        let round = RelayRound { by, endpoint: id, cursor: follower.cursor, waiting, over, replay, news, known, health, now };
        let mut pause = STORE_PAUSE;
        let health = loop {
            match self.parts.store.relay_settle(round.clone()).await {
                Ok(health) => break health,
                // Another replica tells it by now, from where this one had written down.
                Err(StoreError::NotHeld) => {
                    tracing::warn!(endpoint.id = %id, "another replica tells this endpoint by now; what it was told last it may be told again");
                    follower.line.stop.cancel();
                    return;
                }
                Err(why) => tracing::error!(endpoint.id = %id, error = %why, "deliveries could not be recorded yet"),
            }
            if self.parts.stop.is_cancelled() {
                return;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(STORE_PAUSE_MAX);
        };
        if health != round.health {
            // Somebody switched it meanwhile.
            follower.vitals().health.clone_from(&health);
        }
        follower.saved = (follower.cursor, health);
        follower.unsaved = None;
        if tells {
            // It became an event, of which others may want to hear.
            self.poke(follower.endpoint.business);
        }
    }
}

/// Of a round that was cut short, the cursor goes no further than what was told or tried: what was left behind that is read again,
/// with the filter of then. What was left before it needs a row.
fn hold_back(plan: &mut Plan, cursor: u64, done: &[Done]) {
    if !done.iter().any(|done| matches!(done, Done::Left(..))) {
        return;
    }
    let reached = done.iter().filter_map(|done| match done {
        Done::Over(position, _) => Some(*position),
        Done::Failed(waiting, _) | Done::PutOff(waiting, _) => Some(waiting.position),
        Done::Left(..) => None,
    });
    plan.cursor = plan.cursor.min(reached.fold(cursor, u64::max));
    let kept = plan.cursor;
    plan.held.retain(|held| held.position <= kept);
}

/// How far a replay got by a round. It stops before the first event that was put off.
fn replayed(mut replay: EventReplay, taken: &[u64], done: &[Done], now: Timestamp) -> EventReplay {
    let Some(last) = taken.last() else {
        return EventReplay { cursor: replay.to.max(replay.cursor), over_at: Some(now), ..replay };
    };
    let put_off = done.iter().filter_map(|done| match done {
        Done::PutOff(waiting, Source::Replayed) | Done::Left(waiting, Source::Replayed) => Some(waiting.position),
        _ => None,
    });
    let until = put_off.min().map_or(*last, |position| position - 1);
    for done in done {
        match done {
            Done::Over(position, Source::Replayed) if *position <= until => replay.told += 1,
            Done::Failed(waiting, Source::Replayed) if waiting.position <= until => replay.failed += 1,
            _ => {}
        }
    }
    replay.cursor = replay.cursor.max(until);
    replay
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(position: u64) -> Waiting {
        waits(position, None, Timestamp::EPOCH, "")
    }

    fn held_back(cursor: u64, done: &[Done]) -> (u64, Vec<u64>) {
        let mut plan = Plan { cursor: 20, held: vec![waiting(12), waiting(18)], ..Plan::default() };
        hold_back(&mut plan, cursor, done);
        (plan.cursor, plan.held.iter().map(|held| held.position).collect())
    }

    #[test]
    fn a_round_that_was_cut_short_is_read_again_from_the_last_that_was_told() {
        let whole = [Done::Over(11, Source::Fresh), Done::PutOff(waiting(13), Source::Fresh)];
        assert_eq!(held_back(10, &whole), (20, vec![12, 18]));
        let cut = [Done::Over(15, Source::Fresh), Done::Left(waiting(11), Source::Fresh), Done::Left(waiting(16), Source::Fresh)];
        assert_eq!(held_back(10, &cut), (15, vec![12]));
        let nothing = [Done::Over(3, Source::Due), Done::Left(waiting(11), Source::Fresh)];
        assert_eq!(held_back(10, &nothing), (10, vec![]));
    }

    #[test]
    fn a_replay_comes_back_to_what_was_left() {
        let replay = EventReplay {
            id: transom_domain::id::ReplayId(1),
            endpoint: transom_domain::id::EndpointId(1),
            given_up: false,
            from: 1,
            to: 9,
            cursor: 2,
            told: 0,
            failed: 0,
            created_at: Timestamp::EPOCH,
            over_at: None,
            stopped: false,
        };
        let done = [Done::Over(3, Source::Replayed), Done::Left(waiting(4), Source::Replayed)];
        let after = replayed(replay, &[3, 4], &done, Timestamp::EPOCH);
        assert_eq!((after.cursor, after.told, after.over_at), (3, 1, None));
    }
}
