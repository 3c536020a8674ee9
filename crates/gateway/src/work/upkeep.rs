//! Upkeep: what falls due by itself. Lost answers are decided, stale messages expired, old rows swept, templates and the
//! directory read anew.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use transom_clock::WorldClock;
use transom_domain::address::Channel;
use transom_domain::holding;
use transom_domain::id::SenderId;
use transom_domain::message::Message;
use transom_domain::time::{Span, Timestamp};
use transom_store::{BATCH_MAX, Keep, Resolution, Store, StoreError, SweepKind, SweepPoint, WalkPoint};

use super::dispatcher::Dispatcher;
use super::erasing;
use super::relay::Relay;
use super::replicas::Holdings;
use super::rest::{Post, Rest};
use super::slices::Slices;
use super::tasks::Tasks;
use crate::directory::{Directory, MAX_AGE, Speaker};
use crate::media::fetch::Fetcher;
use crate::telemetry;
use crate::templates::Library;
use crate::upstream::Upstream;

/// Rows that one slice of a sweep removes or looks at: one or two milliseconds of the writer's time.
const SWEEP_ROWS: usize = 256;
/// A sweep rests for so many times as long as its last slice took: of a writer that is busy it uses a few hundredths, of one
/// that is idle a fifth.
const SWEEP_REST: u32 = 4;
/// It rests so long when the store has more work than it can take.
const SWEEP_REST_BUSY: Duration = Duration::from_secs(1);
/// How often erasures are looked for and gone on with.
const ERASE_LOOK: Span = Span::secs(30);
/// Overwriting what erasures left rests for so many times as long as it took.
const SCRUB_REST: u32 = 4;
/// How often old rows are swept, by world time.
const SWEEP_EVERY: Span = Span::minutes(10);
/// A stopped sender is looked at after this, then after ever longer.
const MEND_FIRST: Span = Span::minutes(1);
/// The longest gap between two looks at a stopped sender.
const MEND_LONGEST: Span = Span::hours(1);
/// How long a worker waits after the store could not answer.
const STORE_PAUSE: Span = Span::secs(1);
/// Expiry that nobody was poked for is looked for this often at most.
const EXPIRY_LOOK: Span = Span::secs(30);

/// Sessions are looked for this often at most: how late an end may be told.
const SESSION_LOOK: Span = Span::secs(10);

/// A duty that another replica does is looked at this often.
const HELD_LOOK: Span = Span::secs(1);

/// How often each stopped sender was tried, and when it is due again.
type Tried = BTreeMap<SenderId, (u32, Timestamp)>;

/// What falls due by itself.
enum Duty {
    /// Lost answers whose wait is over are decided.
    Unknowns,
    /// What waited past its validity ends.
    Expiry,
    /// Sessions whose look is due: what closes soon is told, and what has closed.
    Sessions,
    /// Customers are forgotten who asked for it; who overwrites what is left of them is told.
    Erase(Arc<Post>),
    /// What is left of them is overwritten. It rests until then.
    Scrub(Instant),
    /// Old rows are swept.
    Sweep,
    /// The templates of every account are read from Meta: at the start, and at an interval.
    Templates,
    /// The limits of every number are read from Meta, at the same interval. What changes in between is told by webhook.
    Limits,
    /// Stopped senders go on once Meta answers for them again. An error that only a send shows (an unpaid account) stops the
    /// sender again at its next message.
    Mend(Tried),
}

impl Duty {
    /// As what it is held.
    const fn held_as(&self) -> holding::Duty {
        match self {
            Self::Unknowns => holding::Duty::Unknowns,
            Self::Expiry => holding::Duty::Expiry,
            Self::Sessions => holding::Duty::Sessions,
            Self::Erase(_) | Self::Scrub(_) => holding::Duty::Erasing,
            Self::Sweep => holding::Duty::Sweeping,
            Self::Templates => holding::Duty::Templates,
            Self::Limits => holding::Duty::Limits,
            Self::Mend(_) => holding::Duty::Mending,
        }
    }
}

/// What upkeep works with.
#[derive(Clone)]
pub struct Upkeep {
    /// The store.
    pub store: Arc<dyn Store>,
    /// World time.
    pub clock: WorldClock,
    /// Senders.
    pub directory: Directory,
    /// Templates.
    pub library: Library,
    /// Who sends.
    pub dispatcher: Dispatcher,
    /// Who tells.
    pub relay: Relay,
    /// Which duties are done here.
    pub holdings: Holdings,
    /// Where workers are posted.
    pub rest: Rest,
    /// Who keeps files.
    pub fetcher: Fetcher,
    /// Meta.
    pub upstream: Upstream,
    /// How often templates are read from Meta.
    pub template_interval: Span,
    /// How long what is over is kept.
    pub keep: Keep,
    /// Ends it.
    pub stop: CancellationToken,
}

impl Upkeep {
    /// Does a duty at the start, and then whenever its post is poked or it is due again, until the house stops.
    async fn does(self, mut duty: Duty, post: Arc<Post>) {
        let mut due = None;
        while let Some(busy) = post.wait_or_stop(due, &self.stop).await {
            due = if self.holdings.does(duty.held_as()) {
                self.round(&mut duty).await
            } else {
                Some(self.clock.now().plus(HELD_LOOK))
            };
            busy.until(due);
        }
    }

    /// One round of a duty; says when the next is due.
    async fn round(&self, duty: &mut Duty) -> Option<Timestamp> {
        let after = |gap: Span| Some(self.clock.now().plus(gap));
        match duty {
            Duty::Unknowns => {
                let due = self.decide().await;
                self.holdings.look(due, self.clock.now())
            }
            Duty::Expiry => self.expire().await,
            Duty::Sessions => self.sessions().await,
            Duty::Erase(scrub) => {
                let erased = tokio::select! {
                    biased;
                    () = self.stop.cancelled() => Ok(false),
                    erased = async {
                        erasing::blank(&*self.store).await?;
                        erasing::round(&*self.store, &self.relay, &self.clock).await
                    } => erased,
                };
                match erased {
                    Ok(true) => scrub.poke(),
                    Ok(false) => {}
                    Err(why) => tracing::warn!(error = %why, "an erasure could not go on"),
                }
                after(ERASE_LOOK)
            }
            Duty::Scrub(rests_until) => {
                let begun = Instant::now();
                if begun < *rests_until {
                    return after(
                        Span::millis(i64::try_from((*rests_until - begun).as_millis()).unwrap_or(i64::MAX)).min(ERASE_LOOK),
                    );
                }
                let scrubbed = tokio::select! {
                    biased;
                    () = self.stop.cancelled() => Ok(()),
                    scrubbed = erasing::scrub(&*self.store, &self.fetcher, &self.clock) => scrubbed,
                };
                if let Err(why) = scrubbed {
                    tracing::warn!(error = %why, "what an erasure left could not be overwritten");
                }
                *rests_until = Instant::now() + begun.elapsed() * SCRUB_REST;
                after(ERASE_LOOK)
            }
            Duty::Sweep => {
                tokio::select! {
                    biased;
                    () = self.stop.cancelled() => {}
                    () = async {
                        self.sweep().await;
                        self.count_silence().await;
                    } => {}
                }
                after(SWEEP_EVERY)
            }
            Duty::Templates => {
                self.read_templates().await;
                after(self.template_interval)
            }
            Duty::Limits => {
                self.read_all_limits().await;
                after(self.template_interval)
            }
            Duty::Mend(tried) => self.mend(tried).await,
        }
    }

    /// Decides about the lost answers whose wait is over.
    async fn decide(&self) -> Option<Timestamp> {
        loop {
            let now = self.clock.now();
            let (pending, next) = match self.store.overdue(now, BATCH_MAX).await {
                Ok(found) => found,
                Err(why) => {
                    tracing::warn!(error = %why, "lost answers could not be looked up");
                    return Some(now.plus(STORE_PAUSE));
                }
            };
            if pending.is_empty() {
                return next;
            }
            // All at once, so that they share a commit: nothing waits longer than it must, however many came due together.
            let decided = join_all(pending.into_iter().map(|unknown| self.decide_one(unknown.message))).await;
            if decided.into_iter().any(|decided| !decided) {
                return Some(now.plus(STORE_PAUSE));
            }
        }
    }

    /// Decides about one lost answer, by what has been heard up to this moment.
    async fn decide_one(&self, message: Message) -> bool {
        if let Err(why) = self.store.resolve(message.business, message.id, Resolution::BySilence, self.clock.now()).await {
            tracing::warn!(message.id = %message.id, error = %why, "a lost answer could not be decided");
            return false;
        }
        tracing::info!(message.id = %message.id, "a lost answer was decided");
        self.dispatcher.poke(message.sender);
        self.relay.poke(message.business);
        true
    }

    /// Ends messages that waited past their validity.
    async fn expire(&self) -> Option<Timestamp> {
        let mut any = false;
        let next = loop {
            let now = self.clock.now();
            match self.store.expire(now, BATCH_MAX).await {
                Ok((0, next)) => break Some(next.unwrap_or(Timestamp::FAR).min(now.plus(EXPIRY_LOOK))),
                Ok(_) => any = true,
                Err(why) => {
                    tracing::warn!(error = %why, "stale messages could not be looked up");
                    break Some(now.plus(STORE_PAUSE));
                }
            }
        };
        if any {
            for speaker in self.directory.now().all() {
                self.relay.poke(speaker.sender.business);
            }
        }
        next
    }

    /// Tells what has become of sessions, as time went by.
    async fn sessions(&self) -> Option<Timestamp> {
        loop {
            let now = self.clock.now();
            let looked = match self.store.next_session_look().await {
                // A session that opens late may be due before all that are known now: nobody pokes for it.
                Ok(next) if next.is_none_or(|due| due > now) => {
                    return Some(next.unwrap_or(Timestamp::FAR).min(now.plus(SESSION_LOOK)));
                }
                Ok(_) => self.store.look_at_sessions(now, BATCH_MAX).await,
                Err(why) => Err(why),
            };
            match looked {
                Ok(looked) => looked.told.into_iter().for_each(|business| self.relay.poke(business)),
                Err(why) => {
                    tracing::warn!(error = %why, "sessions could not be looked at");
                    return Some(now.plus(STORE_PAUSE));
                }
            }
        }
    }

    /// One round over everything that grows old, in small slices between the work of others.
    async fn sweep(&self) {
        let mut from = Some(SweepPoint::START);
        let mut slices = Slices::resting(SWEEP_REST);
        let mut files = false;
        while let Some(point) = from {
            slices.next().await;
            match self.store.sweep(self.keep, point, SWEEP_ROWS, self.clock.now()).await {
                Ok(swept) => {
                    telemetry::swept(swept.kind, swept.rows);
                    files |= swept.rows > 0 && matches!(swept.kind, SweepKind::Messages | SweepKind::Media);
                    if swept.rows > 0 {
                        tracing::debug!(kind = swept.kind.as_str(), rows = swept.rows, "old rows were removed");
                    }
                    from = swept.next;
                }
                // Whoever waits for the writer goes first; this slice comes again.
                Err(StoreError::Busy) => slices.rest_at_least(SWEEP_REST_BUSY),
                Err(why) => {
                    tracing::warn!(error = %why, "old rows could not be removed");
                    return;
                }
            }
        }
        if files {
            // The bytes go now too, and not when it is their turn next.
            self.fetcher.reap_soon();
        }
    }

    /// Counts what was not heard of messages that have grown old enough, and shows it.
    async fn count_silence(&self) {
        let mut slices = Slices::resting(SWEEP_REST);
        let mut from = Some(WalkPoint::START);
        while let Some(point) = from {
            slices.next().await;
            match self.store.count_silence(point, SWEEP_ROWS, self.clock.now()).await {
                Ok(next) => from = next,
                Err(why) => return tracing::warn!(error = %why, "what was not heard could not be counted"),
            }
        }
        for speaker in self.directory.now().all() {
            if let Ok(silence) = self.store.silence(speaker.sender.id, self.clock.now()).await {
                telemetry::silence(&speaker.sender.address.to_string(), silence);
            }
        }
    }

    /// Asks Meta for every stopped sender whose turn it is.
    async fn mend(&self, tried: &mut Tried) -> Option<Timestamp> {
        let now = self.clock.now();
        let directory = self.directory.now();
        // One that has gone well since its last turn starts anew when it is stopped again.
        tried.retain(|id, (_, due)| *due > now || directory.sender(*id).is_some_and(|s| s.stopped().is_some()));
        for speaker in directory.all().filter(|s| s.stopped().is_some()) {
            let id = speaker.sender.id;
            let (tries, due) = tried.get(&id).copied().unwrap_or((0, now.plus(MEND_FIRST)));
            if due > now {
                tried.insert(id, (tries, due));
                continue;
            }
            let gap = MEND_FIRST.as_millis().saturating_mul(1 << tries.min(6)).min(MEND_LONGEST.as_millis());
            tried.insert(id, (tries + 1, now.plus(Span::millis(gap))));
            self.try_to_mend(speaker).await;
        }
        tried.values().map(|(_, due)| *due).min()
    }

    async fn try_to_mend(&self, speaker: &Speaker) {
        let (id, business) = (speaker.sender.id, speaker.sender.business);
        // A token that is taken says nothing of a ban: only Meta's word, the end of a restriction, or the operator ends it.
        match self.store.load(id, self.clock.now()).await.map(|load| load.limits.standing.stops(self.clock.now())) {
            Ok(None) => {}
            Ok(Some(why)) => return tracing::info!(sender.id = %id, reason = %why, "the sender is not mended yet"),
            Err(why) => return tracing::warn!(sender.id = %id, error = %why, "a stopped sender could not be looked at"),
        }
        let path = match speaker.sender.channel {
            Channel::Whatsapp => transom_meta::graph::phone_number_path(self.upstream.version(), &speaker.sender.account),
            // A Page has no field of a number's, and Graph refuses the whole question for one.
            Channel::Messenger => transom_meta::messenger::page_path(&speaker.sender.account),
        };
        if let Err(why) = self.upstream.call(::http::Method::GET, &path, &speaker.token, None).await.json() {
            tracing::info!(sender.id = %id, reason = %why, "the sender is not mended yet");
            return;
        }
        match self.store.set_sender_state(business, id, None, self.clock.now()).await {
            Ok(_) => tracing::info!(sender.id = %id, "Meta accepts the sender's token again: it goes on"),
            Err(why) => tracing::warn!(sender.id = %id, error = %why, "a mended sender could not be stored"),
        }
        if let Err(why) = self.directory.reload().await {
            tracing::warn!(error = %why, "the directory could not be read");
        }
        self.dispatcher.poke(id);
        self.relay.poke(business);
    }

    async fn read_templates(&self) {
        for speaker in self.directory.now().accounts() {
            let waba = speaker.sender.waba.as_deref().unwrap_or_default();
            match self.library.read(speaker).await {
                Ok(reading) => {
                    tracing::info!(waba = %waba, read = reading.read, changed = reading.changed, "templates were read");
                    if reading.changed > 0 {
                        self.relay.poke(speaker.sender.business);
                    }
                }
                Err(why) => tracing::warn!(waba = %waba, error = %why, "templates could not be read"),
            }
        }
    }

    async fn read_all_limits(&self) {
        let mut changed = false;
        for speaker in self.directory.now().all() {
            if speaker.sender.waba.is_none() || speaker.stopped().is_some() {
                continue;
            }
            match self.read_limits(speaker).await {
                Ok(news) => changed |= news,
                Err(why) => tracing::warn!(sender.id = %speaker.sender.id, error = %why, "its limits could not be read"),
            }
        }
        if changed && let Err(why) = self.directory.reload().await {
            tracing::warn!(error = %why, "the directory could not be read");
        }
    }

    async fn read_limits(&self, speaker: &Speaker) -> Result<bool, String> {
        let asked_at = self.clock.now();
        let path = transom_meta::graph::phone_number_path(self.upstream.version(), &speaker.sender.account);
        let said = self.upstream.call(::http::Method::GET, &path, &speaker.token, None).await.json()?;
        let number = transom_meta::graph::parse_phone_number(&said).map_err(|why| why.to_string())?;
        let told = number.limits(asked_at);
        let changed = self.store.put_limits(speaker.sender.business, speaker.sender.id, told, self.clock.now()).await;
        let changed = changed.map_err(|why| why.to_string())?;
        if changed {
            self.dispatcher.poke(speaker.sender.id);
        }
        Ok(changed)
    }

    /// Follows changes of senders, made here or elsewhere; whoever mends stopped ones is poked.
    pub async fn directory(self, mend: Arc<Post>) {
        let mut changes = self.directory.changes();
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                changed = changes.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    self.dispatcher.follow_directory();
                    // A stopped or mended sender has its event.
                    for speaker in self.directory.now().all() {
                        self.relay.poke(speaker.sender.business);
                    }
                    mend.poke();
                }
                () = tokio::time::sleep(MAX_AGE) => {
                    if let Err(why) = self.directory.reload().await {
                        tracing::warn!(error = %why, "the directory could not be read");
                    }
                    self.gauge().await;
                }
            }
        }
    }

    /// Sets the gauges of what waits.
    async fn gauge(&self) {
        let now = self.clock.now();
        let directory = self.directory.now();
        telemetry::condition(&self.store.condition());
        telemetry::in_flight(self.dispatcher.in_flight());
        telemetry::stopped(directory.all().filter(|s| s.stopped().is_some()).count());
        for speaker in directory.all() {
            // Whoever speaks for a sender shows what waits for it; the others none.
            if !self.holdings.has(holding::Thing::Sender(speaker.sender.id)) {
                telemetry::waiting(&speaker.sender.address.to_string(), 0, Duration::ZERO);
            } else if let Ok(backlog) = self.store.backlog(speaker.sender.id).await {
                let oldest = backlog.oldest.map_or(0, |oldest| now.since(oldest).as_millis());
                let oldest = Duration::from_millis(u64::try_from(oldest).unwrap_or(0));
                telemetry::waiting(&speaker.sender.address.to_string(), backlog.waiting, oldest);
            }
        }
    }

    /// Starts all of it.
    pub fn start(self, tasks: &Tasks) {
        let begin = |duty: Duty| {
            let post = self.rest.post();
            tasks.spawn(self.clone().does(duty, post.clone()));
            post
        };
        self.dispatcher.tell_of_unknowns(begin(Duty::Unknowns));
        let scrub = begin(Duty::Scrub(Instant::now()));
        for duty in [Duty::Expiry, Duty::Sessions, Duty::Erase(scrub), Duty::Sweep, Duty::Templates, Duty::Limits] {
            begin(duty);
        }
        let mend = begin(Duty::Mend(Tried::new()));
        tasks.spawn(self.directory(mend));
    }
}
