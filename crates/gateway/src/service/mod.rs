//! The one service behind every dialect. A dialect parses into a command, calls a method here, and prints what it gives.

mod address_rules;
mod approvals;
mod audit;
mod callbacks;
mod capacity;
pub mod command;
mod consent;
pub(crate) mod contents;
mod customers;
pub(crate) mod endpoints;
mod erasing;
mod journal;
mod judge;
mod kept;
mod media;
mod messages;
pub(crate) mod messaging_services;
mod named_files;
pub(crate) mod one_time_code;
mod send;
pub(crate) mod stream;
mod templates;
mod twilio;
mod under_way;
mod webhooks;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use sha2::{Digest as _, Sha256};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use transom_clock::WorldClock;
use transom_domain::error_code::ErrorCode;
use transom_domain::id::{BusinessId, KeyId, SenderId};
use transom_domain::pacing::{Bucket, Pace};
use transom_domain::time::{Span, Timestamp};
use transom_store::{Keep, Key, Scopes, Sender, Store};

use crate::chance::Chance;
use crate::directory::{Directory, Speaker};
use crate::media::Files;
use crate::media::fetch::Fetcher;
use crate::problem::Problem;
use crate::seal::SealingKey;
use crate::telemetry;
use crate::templates::Library;
use crate::upstream::Upstream;
use crate::work::dispatcher::Dispatcher;
use crate::work::relay::Relay;
use crate::work::tasks::Tasks;

use kept::KeptContents;
use under_way::UnderWay;

pub use address_rules::AddressRules;
pub use approvals::{AskForApproval, Submitted};
pub(crate) use audit::OPERATOR;
pub use capacity::{Capacity, LimitUse, ThroughputUse, WaitingUse, Waits};
pub use command::{CALLBACK_DATA_MAX, Caller, SendCommand, Sent, What};
pub use contents::NewContent;
pub use journal::Kept;
pub use judge::{Judged, Known, Leaving, Prejudged, facts_of, failure_since, judged, needs_phone, provider_id};
pub(crate) use judge::{code_of, failure_of};
use media::Uploads;
pub use media::{Linked, NewMedia, Shown};
pub use messaging_services::{ServiceChange, SmsChange, Spokesperson};
pub use stream::{StreamPage, StreamQuery};
pub use templates::{
    MadeTemplate, NewTemplate, Outlook as TemplateOutlook, Samples, TemplateChange, TemplateFilter, TemplatePage,
    TemplatesUnderWay, became,
};
pub(crate) use twilio::{TokenMove, TwilioCredentials};
pub use webhooks::{CreatedWebhook, NewWebhook, WebhookChange, webhook_secret};

/// How long a key that was looked up is believed: the most that a revocation may lag.
const KEY_MAX_AGE: std::time::Duration = std::time::Duration::from_secs(5);
/// Keys believed at once.
const KEYS_MAX: usize = 10_000;

/// Sends of one business under way at once: an eighth of what the store's queue holds, so that one business alone can't fill it
/// for the others.
const UNDER_WAY_MAX: usize = 1_024;

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
    /// How long a webhook endpoint may take nothing before it is switched off.
    pub endpoint_disable_after: Span,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            accept_per_second: 200,
            accept_burst: 400,
            backlog_max: 1_000_000,
            idempotency_keep: Span::hours(48),
            unknown_wait: Span::minutes(10),
            pair_gap: Span::secs(6),
            pair_burst: 45,
            endpoint_timeout: Span::secs(15),
            endpoint_disable_after: Span::days(5),
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
    started: Instant,
    draining: CancellationToken,
    keys: Mutex<HashMap<[u8; 32], (Instant, Key)>>,
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
            started: Instant::now(),
            draining: CancellationToken::new(),
            keys: Mutex::default(),
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

    /// Checks the key of a request for a business and what it needs.
    ///
    /// # Errors
    /// 401 when the key is missing, unknown, over or another business's; 403 when it lacks the scope.
    pub async fn authenticate(&self, business: BusinessId, key: Option<&str>, needs: Scopes) -> Result<Caller, Problem> {
        let refused = |why: &str| Problem::new(ErrorCode::ApiKeyInvalid, why);
        let text = key.map(str::trim).filter(|k| !k.is_empty()).ok_or_else(|| refused("The X-API-Key header is missing."))?;
        self.authorise(business, Sha256::digest(text.as_bytes()).into(), needs).await
    }

    /// As [`Service::authenticate`], where the caller names the key and not the business.
    pub(crate) async fn authenticate_key(&self, key: KeyId, text: &str, needs: Scopes) -> Result<Caller, Problem> {
        let hash = Sha256::digest(text.trim().as_bytes()).into();
        let found = self.key_by_hash(hash).await?.filter(|found| found.id == key);
        let found = found.ok_or_else(|| Problem::new(ErrorCode::ApiKeyInvalid, "The key is not known."))?;
        self.authorise(found.business, hash, needs).await
    }

    /// As [`Service::authenticate`], for a key of which only the hash was kept: what goes on for long is asked again and again.
    pub(crate) async fn authorise(&self, business: BusinessId, hash: [u8; 32], needs: Scopes) -> Result<Caller, Problem> {
        let refused = |why: &str| Problem::new(ErrorCode::ApiKeyInvalid, why);
        let key = self.key_by_hash(hash).await?.ok_or_else(|| refused("The key in X-API-Key is not known."))?;
        let now = self.now();
        if key.business != business {
            // The same words as for an unknown key: another tenant's keys are nobody's business.
            return Err(refused("The key in X-API-Key is not known."));
        }
        if key.revoked_at.is_some() || key.expires_at.is_some_and(|at| at <= now) {
            return Err(refused("The key in X-API-Key was revoked or has expired."));
        }
        if !key.scopes.allow(needs) {
            return Err(Problem::new(ErrorCode::KeyScopeMissing, format!("The key lacks the scope `{}`.", scope_word(needs))));
        }
        Ok(Caller { business, key: key.id, scopes: key.scopes })
    }

    /// Looked up by hash, so that no comparison of secrets can be timed.
    async fn key_by_hash(&self, hash: [u8; 32]) -> Result<Option<Key>, Problem> {
        if let Some((at, key)) = self.keys.lock().unwrap_or_else(PoisonError::into_inner).get(&hash)
            && at.elapsed() < KEY_MAX_AGE
        {
            return Ok(Some(key.clone()));
        }
        let found = self.store.key_by_hash(hash).await?;
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        match &found {
            Some(key) => {
                if keys.len() >= KEYS_MAX {
                    keys.clear();
                }
                keys.insert(hash, (Instant::now(), key.clone()));
            }
            None => {
                keys.remove(&hash);
            }
        }
        Ok(found)
    }

    /// Forgets what was looked up of keys: a revocation through this process counts at once.
    pub fn forget_keys(&self) {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).clear();
        // A stream asks again when it is woken.
        self.relay.listeners().poke_all();
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

    /// Whether the house can work.
    pub async fn ready(&self) -> Readiness {
        let can_commit = self.store.probe(self.now()).await.map_err(|why| why.to_string());
        let stopped = |s: &Arc<Speaker>| Some((s.sender.id, s.sender.address.to_string(), s.stopped()?.to_owned()));
        Readiness {
            can_commit,
            can_keep_files: self.files.probe().await.map_err(|why| why.to_string()),
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

/// The word of a scope, as keys are made with.
#[must_use]
pub fn scope_word(scope: Scopes) -> &'static str {
    match scope {
        Scopes::SEND => "send",
        Scopes::TEMPLATES => "templates",
        Scopes::WEBHOOKS => "webhooks",
        _ => "admin",
    }
}
