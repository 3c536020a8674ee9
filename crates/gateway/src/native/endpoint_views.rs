//! Endpoints, deliveries and replays, as they are shown.

use serde::Serialize;
use utoipa::ToSchema;

use transom_domain::endpoint::{CONCURRENCY_DEFAULT, Order, Payload};
use transom_store::{Endpoint, EventReplay, Lag, Manner, Role};

use super::common::rfc3339;
use crate::problem::Problem;
use crate::service::{Caller, Service};
use crate::work::relay::Tested;

/// An endpoint.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Endpoint)]
pub(crate) struct EndpointView {
    /// Names it.
    id: String,
    /// Where to.
    url: String,
    /// What it is for.
    description: String,
    /// Types of events that it wants; all where empty.
    events: Vec<String>,
    /// Senders; all where empty.
    senders: Vec<String>,
    /// Channels; all where empty.
    channels: Vec<&'static str>,
    /// Globs on the campaign's name; all where empty.
    campaigns: Vec<String>,
    /// `event` or `raw`; `twilio` of one for callbacks, whose address is a host that callbacks lead to.
    payload: &'static str,
    /// `none` or `conversation`.
    order: &'static str,
    /// Deliveries at once.
    max_concurrency: u8,
    /// Seconds to answer; null for the gateway's own limit.
    timeout_seconds: Option<u8>,
    /// Whether it is told.
    enabled: bool,
    /// `healthy`, `failing` or `disabled`.
    status: &'static str,
    /// Why it is switched off.
    disabled_reason: Option<String>,
    /// Failures in a row.
    failures: u32,
    /// Since when it fails.
    failing_since: Option<String>,
    /// Until when it is left alone: it asked for that with `Retry-After`, or did not answer. Repeating a delivery by hand, or switching
    /// it on, tries it at once.
    rests_until: Option<String>,
    /// The last failure, in words.
    last_error: Option<String>,
    /// The last success.
    last_success: Option<String>,
    /// Position in the stream up to which it was told, or waits to be told again.
    cursor: u64,
    /// How many events of the stream it has yet to come to, wanted or not; of `raw` payloads, webhooks. Those that wait for another
    /// try come on top.
    behind: u64,
    /// When the oldest happened that it has yet to take or to come to; null when there is none.
    oldest_waiting_at: Option<String>,
    /// Until when the secret before signs, too.
    previous_secret_until: Option<String>,
    /// Since when it is there.
    created_at: String,
}

impl EndpointView {
    /// Of all but published registrations.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn all(endpoints: Vec<Endpoint>, caller: &Caller, service: &Service) -> Result<Vec<Self>, Problem> {
        let lags = service.lags(caller, &endpoints).await?;
        let both = endpoints.into_iter().zip(lags);
        Ok(both.filter_map(|(endpoint, lag)| Self::of(endpoint, lag, service)).collect())
    }

    /// Of one; none for a published registration.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn one(endpoint: Endpoint, caller: &Caller, service: &Service) -> Result<Option<Self>, Problem> {
        Ok(Self::all(vec![endpoint], caller, service).await?.pop())
    }

    /// None for a published registration.
    fn of(endpoint: Endpoint, lag: Lag, service: &Service) -> Option<Self> {
        let (manner, payload, previous) = match endpoint.role {
            Role::Published(_) => return None,
            Role::Own(own) => {
                let payload = own.manner.payload.as_str();
                (own.manner, payload, own.previous)
            }
            Role::Callbacks => (callbacks(), "twilio", None),
        };
        let directory = service.directory.now();
        let sender = |id: &transom_domain::id::SenderId| {
            directory.sender(*id).map_or_else(|| id.to_string(), |speaker| speaker.sender.address.to_string())
        };
        let health = endpoint.health;
        let status = match (&health.disabled, health.failures) {
            (Some(_), _) => "disabled",
            (None, 0) => "healthy",
            (None, _) => "failing",
        };
        Some(Self {
            id: endpoint.id.to_string(),
            url: endpoint.address,
            description: manner.description,
            events: endpoint.filter.types,
            senders: endpoint.filter.senders.iter().map(sender).collect(),
            channels: endpoint.filter.channels.iter().map(|c| c.as_str()).collect(),
            campaigns: endpoint.filter.campaigns,
            payload,
            order: manner.order.as_str(),
            max_concurrency: manner.concurrency,
            timeout_seconds: manner.timeout,
            enabled: health.disabled.is_none(),
            status,
            disabled_reason: health.disabled,
            failures: health.failures,
            failing_since: health.failing_since.map(rfc3339),
            rests_until: service.relay.rests_until(endpoint.id).map(rfc3339),
            last_error: health.last_error,
            last_success: health.last_success.map(rfc3339),
            cursor: endpoint.cursor,
            behind: lag.behind,
            oldest_waiting_at: lag.waiting_since.map(rfc3339),
            previous_secret_until: previous.map(|(_, until)| rfc3339(until)),
            created_at: rfc3339(endpoint.created_at),
        })
    }
}

/// How callbacks are told.
fn callbacks() -> Manner {
    Manner {
        description: "Callbacks of senders and messages in Twilio's form".to_owned(),
        payload: Payload::Event,
        order: Order::Conversation,
        concurrency: 2 * CONCURRENCY_DEFAULT,
        timeout: None,
    }
}

/// An endpoint that was made.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CreatedEndpoint)]
pub(crate) struct CreatedEndpoint {
    /// The endpoint.
    #[serde(flatten)]
    pub(crate) endpoint: Option<EndpointView>,
    /// What its deliveries are signed with: `whsec_` and Base64, as Standard Webhooks has it. Shown this once.
    pub(crate) secret: String,
}

/// The endpoints of a business.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EndpointPage {
    /// Oldest first.
    pub(crate) data: Vec<EndpointView>,
    /// Always null: there is one page.
    pub(crate) next_page_token: Option<String>,
}

/// A new secret.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RotatedSecret {
    /// The new secret. Shown this once.
    pub(crate) secret: String,
    /// Until when deliveries carry a signature of the old one, too.
    pub(crate) previous_secret_until: String,
}

/// What an endpoint answered to a test.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EndpointTest)]
pub(crate) struct TestView {
    /// Whether it took the test.
    delivered: bool,
    /// The `webhook-id` that was sent.
    event_id: String,
    /// The HTTP status, where there was an answer.
    status: Option<u16>,
    /// How long it took.
    duration_millis: u32,
    /// Why it was not taken.
    error: Option<String>,
}

impl From<Tested> for TestView {
    fn from(tested: Tested) -> Self {
        Self {
            delivered: tested.error.is_none(),
            event_id: tested.id.to_string(),
            status: tested.status,
            duration_millis: tested.millis,
            error: tested.error,
        }
    }
}

/// A replay.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Replay)]
pub(crate) struct ReplayView {
    /// Names it.
    id: String,
    /// `all` or `failed`.
    what: &'static str,
    /// `running`, `done` or `stopped`.
    status: &'static str,
    /// Position of the first event.
    from: u64,
    /// Position of the last.
    to: u64,
    /// Position up to which it got.
    cursor: u64,
    /// Events that were taken.
    delivered: u64,
    /// Events that were not; they are tried again as any other.
    failed: u64,
    /// Since when.
    created_at: String,
    /// When it came to its end, or was stopped.
    ended_at: Option<String>,
}

impl From<EventReplay> for ReplayView {
    fn from(replay: EventReplay) -> Self {
        let status = match (replay.over_at, replay.stopped) {
            (None, _) => "running",
            (Some(_), false) => "done",
            (Some(_), true) => "stopped",
        };
        Self {
            id: replay.id.to_string(),
            what: if replay.given_up { "failed" } else { "all" },
            status,
            from: replay.from,
            to: replay.to,
            cursor: replay.cursor,
            delivered: replay.told,
            failed: replay.failed,
            created_at: rfc3339(replay.created_at),
            ended_at: replay.over_at.map(rfc3339),
        }
    }
}

/// The replays to an endpoint.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReplayPage {
    /// Newest first; of those that are over the last twenty.
    pub(crate) data: Vec<ReplayView>,
    /// Always null: there is one page.
    pub(crate) next_page_token: Option<String>,
}
