//! Statuses that never came: Meta is asked for the history of messages of which its webhooks told too little, a few a minute and beside
//! all else. What it says is heard on the way of any status, so that asking twice, or a webhook that comes after all, doubles nothing.

use std::collections::BTreeSet;
use std::sync::Arc;

use ::http::Method;
use futures::future::join_all;
use tokio_util::sync::CancellationToken;

use transom_clock::WorldClock;
use transom_domain::address::Channel;
use transom_domain::holding::Duty;
use transom_domain::id::BusinessId;
use transom_domain::time::{Span, Timestamp};
use transom_meta::graph::{self, NoAnswer, Occurrence};
use transom_store::{Asked, NoHistory, Offer, Overdue, Store, StoreError};

use super::replicas::Holdings;
use super::rest::Post;
use super::slices::Slices;
use crate::directory::{Directory, Speaker};
use crate::intake::Intake;
use crate::service::HistorySettings;
use crate::telemetry;
use crate::upstream::Upstream;
use crate::wire::Called;

/// How often it is looked for what is to be asked, by world time.
const ROUND: Span = Span::minutes(1);
/// Senders for which Meta is asked at once: each of them asks one thing after the other.
const SENDERS_AT_ONCE: usize = 4;
/// Messages that one slice of looking passes.
const ROWS: usize = 256;
/// Looking rests for so many times as long as its last slice took.
const REST: u32 = 4;
/// Pages that are read of one message's history: a page has up to a hundred statuses.
const PAGES_MAX: usize = 3;
/// Where Meta could not answer it is asked again after this, then after ever longer.
const AGAIN_FIRST: Span = Span::minutes(10);
/// How often it is asked about a message in vain.
const TRIES_MAX: u32 = 5;
/// Where Meta offers no history it is not asked for so long: an app gets the permission, or the version that has it, by somebody's
/// doing and not by waiting.
const NOT_ASKED_FOR: Span = Span::days(7);

/// Whoever asks.
pub struct Asking {
    /// What hears the answers.
    pub intake: Intake,
    /// The store.
    pub store: Arc<dyn Store>,
    /// World time.
    pub clock: WorldClock,
    /// Senders.
    pub directory: Directory,
    /// Meta.
    pub upstream: Upstream,
    /// When and how much.
    pub settings: HistorySettings,
    /// Whether it is done here.
    pub holdings: Holdings,
    /// Ends it.
    pub stop: CancellationToken,
}

impl Asking {
    /// Asks now and again, until the house stops.
    pub async fn work(self, post: Arc<Post>) {
        let mut due = None;
        while let Some(busy) = post.wait_or_stop(due, &self.stop).await {
            if self.holdings.does(Duty::Asking) {
                tokio::select! {
                    biased;
                    () = self.stop.cancelled() => return,
                    round = self.round() => if let Err(why) = round {
                        tracing::warn!(error = %why, "messages of which nothing was heard could not be looked up");
                    },
                }
            }
            due = Some(self.clock.now().plus(ROUND));
            busy.until(due);
        }
    }

    async fn round(&self) -> Result<(), StoreError> {
        let directory = self.directory.now();
        let businesses: BTreeSet<BusinessId> = directory.all().map(|speaker| speaker.sender.business).collect();
        let mut slices = Slices::resting(REST);
        for business in businesses {
            loop {
                slices.next().await;
                if !self.store.find_overdue(business, self.settings.after, ROWS, self.clock.now()).await? {
                    break;
                }
            }
        }
        let goes = |speaker: &&Arc<Speaker>| speaker.sender.channel == Channel::Whatsapp && speaker.stopped().is_none();
        let speakers: Vec<Arc<Speaker>> = directory.all().filter(goes).cloned().collect();
        for some in speakers.chunks(SENDERS_AT_ONCE) {
            for asked in join_all(some.iter().map(|speaker| self.ask(speaker))).await {
                asked?;
            }
        }
        Ok(())
    }

    /// Asks for what is due of one sender, as far as its pace goes.
    async fn ask(&self, speaker: &Speaker) -> Result<(), StoreError> {
        let sender = speaker.sender.id;
        let overdue = self.store.overdue_of(sender, self.settings.per_minute, self.clock.now()).await?;
        if overdue.is_empty() {
            return Ok(());
        }
        let (mut asked, mut offer) = (Vec::with_capacity(overdue.len()), Offer::Unseen);
        for one in overdue {
            let Overdue { message, due, tries, .. } = one;
            match self.ask_about(speaker, &one).await {
                Ok(is_there) => {
                    offer = if is_there { Offer::There } else { offer };
                    asked.push(Asked { message, due, again: None });
                }
                Err(NoAnswer::NotOffered(why)) => {
                    let since = self.clock.now();
                    tracing::info!(sender.id = %sender, reason = %why, "Meta offers no history of messages for this sender");
                    telemetry::history("not_offered");
                    offer = Offer::None(NoHistory { since, until: since.plus(NOT_ASKED_FOR), why });
                    break;
                }
                // Said of one message only: it is over, and the next may be known.
                Err(NoAnswer::NoSuchMessage) => {
                    telemetry::history("unknown");
                    asked.push(Asked { message, due, again: None });
                }
                Err(NoAnswer::NotNow(why)) => {
                    tracing::info!(sender.id = %sender, message.id = %message, reason = %why, "a history could not be read");
                    telemetry::history("failed");
                    let again = (tries < TRIES_MAX).then(|| (self.again(tries), tries + 1));
                    asked.push(Asked { message, due, again });
                    // The others would hear the same.
                    break;
                }
            }
        }
        self.store.asked_of(sender, asked, offer).await
    }

    fn again(&self, tries: u32) -> Timestamp {
        self.clock.now().plus(Span::millis(AGAIN_FIRST.as_millis().saturating_mul(1 << tries.min(16))))
    }

    /// Asks about one message, under each id that Meta has it by; says whether there was a history.
    async fn ask_about(&self, speaker: &Speaker, overdue: &Overdue) -> Result<bool, NoAnswer> {
        let mut is_there = false;
        for id in &overdue.provider_ids {
            let Some(occurrences) = self.history(speaker, id).await? else {
                telemetry::history("unknown");
                continue;
            };
            is_there = true;
            match self.intake.hear_history(speaker, id, &occurrences).await {
                Ok(0) => telemetry::history("known"),
                Ok(_) => telemetry::history("news"),
                Err(why) => return Err(NoAnswer::NotNow(why.message)),
            }
        }
        Ok(is_there)
    }

    async fn history(&self, speaker: &Speaker, id: &str) -> Result<Option<Vec<Occurrence>>, NoAnswer> {
        let garbled = |why: graph::BadAnswer| NoAnswer::NotNow(why.to_string());
        let first = match self.read(speaker, &graph::message_history_path(&speaker.sender.account, id)).await {
            Ok(first) => first,
            Err(NoAnswer::NoSuchMessage) => return Ok(None),
            Err(why) => return Err(why),
        };
        let Some(history) = graph::parse_message_history(&first, id).map_err(garbled)? else { return Ok(None) };
        let (mut occurrences, mut after) = (history.occurrences, history.after);
        for _ in 1..PAGES_MAX {
            let Some(cursor) = after.take().filter(|_| !history.id.is_empty()) else { break };
            let page = self.read(speaker, &graph::message_events_path(&history.id, &cursor)).await?;
            let (more, next) = graph::parse_message_events(&page).map_err(garbled)?;
            occurrences.extend(more);
            after = next;
        }
        Ok(Some(occurrences))
    }

    async fn read(&self, speaker: &Speaker, path: &str) -> Result<serde_json::Value, NoAnswer> {
        match self.upstream.call(Method::GET, path, &speaker.token, None).await {
            Called::Answer { status: 200..=299, body, .. } => {
                serde_json::from_slice(&body).map_err(|why| NoAnswer::NotNow(format!("the answer is not JSON: {why}")))
            }
            Called::Answer { status, body, .. } => {
                Err(graph::refused_history(status, transom_meta::send::parse_error(&body).as_ref()))
            }
            Called::NeverLeft(why) | Called::Lost(why) => Err(NoAnswer::NotNow(why)),
        }
    }
}
