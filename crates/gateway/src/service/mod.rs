//! The one service behind every dialect. A dialect parses into a command, calls a method here, and prints what it gives.

mod address_rules;
mod approvals;
pub(crate) mod attempts;
mod audit;
mod believed;
mod businesses;
mod callbacks;
mod capacity;
pub mod command;
mod consent;
pub(crate) mod contents;
mod credential;
mod customers;
pub(crate) mod deliveries;
pub(crate) mod endpoints;
mod erasing;
mod journal;
mod judge;
mod kept;
mod keys;
mod media;
mod members;
mod messages;
pub(crate) mod messaging_services;
mod named_files;
mod newcomers;
pub(crate) mod one_time_code;
mod send;
mod senders;
pub(crate) mod stream;
mod templates;
mod twilio;
mod under_way;
mod users;
mod webhooks;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use transom_clock::WorldClock;
use transom_domain::error_code::ErrorCode;
use transom_domain::id::{BusinessId, SenderId};
use transom_domain::pacing::{Bucket, Pace};
use transom_domain::time::{Span, Timestamp};
use transom_store::{Keep, Key, Sender, Store};

use crate::chance::Chance;
use crate::directory::{Directory, Speaker};
use crate::media::Files;
use crate::media::fetch::Fetcher;
use crate::problem::Problem;
use crate::seal::SealingKey;
use crate::telemetry;
use crate::templates::Library;
use crate::upstream::Upstream;
use crate::wire::Wire;
use crate::work::dispatcher::Dispatcher;
use crate::work::relay::Relay;
use crate::work::tasks::Tasks;

use believed::Believed;
use kept::KeptContents;
use under_way::UnderWay;

pub use address_rules::AddressRules;
pub use approvals::{AskForApproval, Submitted};
pub use businesses::Visitor;
pub use capacity::{Capacity, LimitUse, ThroughputUse, WaitingUse, Waits};
pub use command::{CALLBACK_DATA_MAX, Caller, SendCommand, Sent, What};
pub use contents::NewContent;
pub use credential::{Credential, Needs, scope_word};
pub use journal::Kept;
pub use judge::{Judged, Known, Leaving, Prejudged, facts_of, failure_since, judged, needs_phone, provider_id, recipient_of};
pub(crate) use judge::{code_of, failure_of};
pub use keys::NewKey;
use media::Uploads;
pub use media::{Linked, NewMedia, Shown};
pub use members::{Member, MemberChange, NewMember};
pub use messaging_services::{ServiceChange, SmsChange, Spokesperson};
pub(crate) use newcomers::{Newcomer, NotAdmitted};
pub use senders::{AtMeta, NewSender, SenderChange, Step, StepName, StepState};
pub use stream::{StreamPage, StreamQuery};
pub use templates::{
    MadeTemplate, NewTemplate, Outlook as TemplateOutlook, Samples, TemplateChange, TemplateFilter, TemplatePage,
    TemplatesUnderWay, became,
};
pub(crate) use twilio::{TokenMove, TwilioCredentials};
pub(crate) use users::SignedIn;
pub use users::{FirstPassword, NewUser, Where};
pub use webhooks::{CreatedWebhook, NewWebhook, WebhookChange, webhook_secret};

/// Sends of one business under way at once: an eighth of what the store's queue holds, so that one business alone can't fill it
/// for the others.
const UNDER_WAY_MAX: usize = 1_024;
/// How long the store and the vault may take to say whether they work.
pub(crate) const READY_TIME: Duration = Duration::from_secs(2);

/// How fast a business sends, and how many of its sends are under way.
#[derive(Debug, Clone, Copy, Default)]
struct Rate {
    bucket: Bucket,
    under_way: usize,
}

/// A send that was let in; over when it is dropped.
struct Admitted {
    service: Service,
    business: BusinessId,
}

/// What the service holds callers to.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Sends per second and business on each send operation.
    pub accept_per_second: u32,
    /// Sends that may come at once.
    pub accept_burst: u32,
    /// Messages of one sender that may wait.
    pub backlog_max: u64,
    /// Messages of one sender that may wait for one more to be scheduled.
    pub schedule_max: u64,
    /// How long an idempotency key is kept; at least 24 hours.
    pub idempotency_keep: Span,
    /// How long a lost answer is waited for.
    pub unknown_wait: Span,
    /// Gap of the pair pace.
    pub pair_gap: Span,
    /// Burst of the pair pace.
    pub pair_burst: u32,
    /// How long a webhook endpoint may take to answer, unless it says otherwise.
    pub endpoint_timeout: Span,
    /// How long a session of the console may go unused.
    pub console_idle: Span,
    /// How long a webhook endpoint may take nothing before it is switched off.
    pub endpoint_disable_after: Span,
    /// How Meta is asked for statuses that never came.
    pub history: HistorySettings,
}

/// How Meta is asked for the history of messages of which its webhooks told too little.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistorySettings {
    /// How long after a send nothing may be heard of it.
    pub after: Span,
    /// Messages of a sender that are asked about per minute; 0 asks for none.
    pub per_minute: usize,
}

impl Default for HistorySettings {
    fn default() -> Self {
        Self { after: Span::minutes(15), per_minute: 20 }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            accept_per_second: 200,
            accept_burst: 400,
            backlog_max: 1_000_000,
            schedule_max: 500_000,
            idempotency_keep: Span::hours(48),
            unknown_wait: Span::minutes(10),
            pair_gap: Span::secs(6),
            pair_burst: 45,
            endpoint_timeout: Span::secs(15),
            console_idle: Span::hours(12),
            endpoint_disable_after: Span::days(5),
            history: HistorySettings::default(),
        }
    }
}

/// The service; cheap to clone.
#[derive(Clone)]
pub struct Service(Arc<Inner>);

/// What all clones of a service share; its parts are the crate's own business.
pub struct Inner {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: WorldClock,
    pub(crate) directory: Directory,
    pub(crate) library: Library,
    pub(crate) upstream: Upstream,
    pub(crate) key: Arc<SealingKey>,
    pub(crate) limits: Limits,
    pub(crate) addresses: AddressRules,
    pub(crate) dispatcher: Dispatcher,
    pub(crate) relay: Relay,
    pub(crate) chance: Chance,
    pub(crate) tasks: Tasks,
    pub(crate) samples: Samples,
    pub(crate) files: Files,
    pub(crate) fetcher: Fetcher,
    /// Uploads that may be under way at once.
    pub(crate) uploads: Uploads,
    pub(crate) keep: Keep,
    /// Where others reach us, without a slash at its end; none when nobody listens.
    pub(crate) public_url: Option<String>,
    /// Calls our own address, to see whether Meta could.
    own: Arc<dyn Wire>,
    started: Instant,
    draining: CancellationToken,
    keys: Believed<Key>,
    sessions: Believed<SignedIn>,
    rates: Mutex<HashMap<BusinessId, Rate>>,
    under_way: UnderWay,
    kept: KeptContents,
}

/// What the service is made of.
pub struct ServiceParts {
    /// The store.
    pub store: Arc<dyn Store>,
    /// World time.
    pub clock: WorldClock,
    /// Senders and apps.
    pub directory: Directory,
    /// Templates.
    pub library: Library,
    /// Meta.
    pub upstream: Upstream,
    /// The sealing key.
    pub key: Arc<SealingKey>,
    /// Limits.
    pub limits: Limits,
    /// Which webhook addresses are allowed.
    pub addresses: AddressRules,
    /// Who sends.
    pub dispatcher: Dispatcher,
    /// Who tells.
    pub relay: Relay,
    /// What ids are made from.
    pub chance: Chance,
    /// Where accepting goes on when a caller goes away.
    pub tasks: Tasks,
    /// Samples of templates.
    pub samples: Samples,
    /// Files.
    pub files: Files,
    /// Who fetches them.
    pub fetcher: Fetcher,
    /// How long what is over is kept.
    pub keep: Keep,
    /// Where Meta reaches us, without a slash at its end. None where no server runs: what needs Meta to reach us is then refused.
    pub public_url: Option<String>,
    /// Calls our own address, to see whether Meta could.
    pub own: Arc<dyn Wire>,
}

/// Whether the house can work.
#[derive(Debug, Clone)]
pub struct Readiness {
    /// Whether a commit works now.
    pub can_commit: Result<(), String>,
    /// Senders that are stopped, and why.
    pub stopped: Vec<(SenderId, String, String)>,
    /// Whether files can be written; what is heard and sent without one goes on where they cannot.
    pub can_keep_files: Result<(), String>,
    /// Whether it is being shut down.
    pub draining: bool,
}

/// A service that is not held on to.
#[derive(Clone)]
pub(crate) struct WeakService(Weak<Inner>);

impl WeakService {
    /// The service, if it is still there.
    pub(crate) fn upgrade(&self) -> Option<Service> {
        self.0.upgrade().map(Service)
    }
}

impl std::ops::Deref for Service {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Service {
    /// Puts it together.
    #[must_use]
    pub fn new(parts: ServiceParts) -> Self {
        let ServiceParts {
            store,
            clock,
            directory,
            library,
            upstream,
            key,
            limits,
            addresses,
            dispatcher,
            relay,
            chance,
            tasks,
            samples,
            files,
            fetcher,
            keep,
            public_url,
            own,
        } = parts;
        Self(Arc::new(Inner {
            store,
            clock,
            directory,
            library,
            upstream,
            key,
            limits,
            addresses,
            dispatcher,
            relay,
            chance,
            tasks,
            samples,
            files,
            fetcher,
            uploads: Uploads::default(),
            keep,
            public_url,
            own,
            started: Instant::now(),
            draining: CancellationToken::new(),
            keys: Believed::default(),
            sessions: Believed::default(),
            under_way: UnderWay::default(),
            kept: KeptContents::default(),
            rates: Mutex::default(),
        }))
    }

    /// Itself, without holding on to it.
    pub(crate) fn weak(&self) -> WeakService {
        WeakService(Arc::downgrade(&self.0))
    }

    /// World time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The sender with this id, of whatever business.
    #[must_use]
    pub fn sender(&self, id: SenderId) -> Option<Sender> {
        self.directory.now().sender(id).map(|s| s.sender.clone())
    }

    /// The senders of a business.
    #[must_use]
    pub fn senders(&self, business: BusinessId) -> Vec<Sender> {
        self.directory.now().of(business).iter().map(|s| s.sender.clone()).collect()
    }

    /// Whether the house can work. Answers within [`READY_TIME`]: who asks gives up soon, and takes silence for a process that hangs.
    pub async fn ready(&self) -> Readiness {
        let commits = tokio::time::timeout(READY_TIME, self.store.probe(self.now()));
        let (commits, keeps_files) = tokio::join!(commits, self.files.probe());
        let silent = |_| Err(format!("the store has not answered within {} seconds", READY_TIME.as_secs()));
        let can_commit = commits.map_or_else(silent, |answer| answer.map_err(|why| why.to_string()));
        let stopped = |s: &Arc<Speaker>| Some((s.sender.id, s.sender.address.to_string(), s.stopped()?.to_owned()));
        Readiness {
            can_commit,
            can_keep_files: keeps_files.map_err(|why| why.to_string()),
            stopped: self.directory.now().all().filter_map(stopped).collect(),
            draining: self.draining.is_cancelled(),
        }
    }

    /// From now on `/readyz` says no, and whoever waits for events is let go.
    pub fn start_draining(&self) {
        self.draining.cancel();
    }

    /// Resolves when it is being shut down.
    pub(crate) async fn drained(&self) {
        self.draining.cancelled().await;
    }

    /// Runs to its end even if the caller goes away: a call that has left must be recorded.
    async fn unbroken<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Problem>> + Send + 'static,
    ) -> Result<T, Problem> {
        let done = self.tasks.run(work).await;
        done.unwrap_or_else(|| Err(Problem::new(ErrorCode::Unspecified, "An unexpected failure on our side.")))
    }

    /// Lets a send of a business in, unless it sends too fast or has too many under way.
    fn admit(&self, business: BusinessId) -> Result<Admitted, Problem> {
        let pace = Pace::per_second(self.limits.accept_per_second, self.limits.accept_burst);
        let now = i64::try_from(self.started.elapsed().as_micros()).unwrap_or(i64::MAX);
        let mut rates = self.rates.lock().unwrap_or_else(PoisonError::into_inner);
        let Rate { bucket, under_way } = rates.entry(business).or_default();
        if *under_way >= UNDER_WAY_MAX {
            telemetry::turned_away("business");
            let message = format!("{UNDER_WAY_MAX} sends of this business are under way.");
            return Err(Problem::new(ErrorCode::RateLimited, message).retry_after(1));
        }
        if pace.room(*bucket, now) == 0 {
            telemetry::turned_away("rate");
            let rate = self.limits.accept_per_second;
            return Err(Problem::new(ErrorCode::RateLimited, format!("More than {rate} sends per second of this business."))
                .retry_after(1));
        }
        *bucket = pace.take(*bucket, now, 1);
        *under_way += 1;
        Ok(Admitted { service: self.clone(), business })
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut rates = self.service.rates.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(rate) = rates.get_mut(&self.business) {
            rate.under_way = rate.under_way.saturating_sub(1);
        }
    }
}
