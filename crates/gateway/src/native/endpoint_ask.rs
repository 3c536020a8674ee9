//! What is asked of endpoints by the operator's hand: the same words and answers as through the API.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use transom_domain::error_code::ErrorCode;
use transom_domain::id::{EndpointId, EventId, ReplayId};

use super::endpoint_body::{parse_change, parse_deliveries, parse_new, parse_replay};
use super::endpoint_views::{CreatedEndpoint, EndpointView, ReplayView, TestView};
use super::endpoints::{delivered, replay_page, rotated};
use crate::problem::Problem;
use crate::service::{Caller, Service, WebhookChange};

/// What is asked of endpoints, by whatever way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "ask")]
pub enum EndpointAsk {
    /// Makes one.
    Add {
        /// As the API takes it.
        body: Value,
    },
    /// Shows one.
    Show {
        /// Which.
        endpoint: EndpointId,
    },
    /// Changes any endpoint.
    Update {
        /// Which.
        endpoint: EndpointId,
        /// Where to; one that was switched off is switched on.
        #[serde(default)]
        address: Option<String>,
        /// Of a published registration: also tell of our own outbound messages.
        #[serde(default)]
        echo: Option<bool>,
        /// Of one of the business's own making: what else is to change, as the API takes it.
        #[serde(default)]
        more: Map<String, Value>,
    },
    /// Switches any endpoint on or off.
    Switch {
        /// Which.
        endpoint: EndpointId,
        /// On.
        on: bool,
    },
    /// Gives it a new secret.
    Rotate {
        /// Which.
        endpoint: EndpointId,
        /// As the API takes it.
        body: Value,
    },
    /// Sends it a test.
    Test {
        /// Which.
        endpoint: EndpointId,
    },
    /// Lists its deliveries.
    Deliveries {
        /// Which.
        endpoint: EndpointId,
        /// As the API takes it.
        query: String,
    },
    /// Repeats one delivery.
    Retry {
        /// Which.
        endpoint: EndpointId,
        /// Of what.
        event: EventId,
    },
    /// Begins a replay.
    Replay {
        /// Which.
        endpoint: EndpointId,
        /// As the API takes it.
        body: Value,
    },
    /// Lists its replays.
    Replays {
        /// Which.
        endpoint: EndpointId,
    },
    /// Ends a replay.
    StopReplay {
        /// Which.
        endpoint: EndpointId,
        /// The replay.
        replay: ReplayId,
    },
}

/// Does what is asked, and says it as the API does.
///
/// # Errors
/// What the API would say.
pub(crate) async fn ask(service: &Service, caller: &Caller, ask: EndpointAsk) -> Result<Value, Problem> {
    Ok(match ask {
        EndpointAsk::Add { body } => {
            let new = parse_new(body.to_string().as_bytes(), caller, &service.directory.now())?;
            let (endpoint, secret) = service.create_endpoint(caller, new).await?;
            let endpoint = EndpointView::one(endpoint, caller, service).await?;
            shown(serde_json::to_value(CreatedEndpoint { endpoint, secret }))?
        }
        EndpointAsk::Show { endpoint } => {
            let endpoint = service.endpoint(caller, endpoint).await?;
            shown(serde_json::to_value(EndpointView::one(endpoint, caller, service).await?))?
        }
        EndpointAsk::Update { endpoint, address, echo, more } => update(service, caller, endpoint, address, echo, more).await?,
        EndpointAsk::Switch { endpoint, on } => {
            service.switch_endpoint(caller, endpoint, on).await?;
            json!({})
        }
        EndpointAsk::Rotate { endpoint, body } => {
            shown(serde_json::to_value(rotated(service, caller, endpoint, body.to_string().as_bytes()).await?))?
        }
        EndpointAsk::Test { endpoint } => {
            shown(serde_json::to_value(TestView::from(service.test_endpoint(caller, endpoint).await?)))?
        }
        EndpointAsk::Deliveries { endpoint, query } => {
            let (which, page) = parse_deliveries(Some(&query))?;
            shown(serde_json::to_value(delivered(service, caller, endpoint, which, page).await?))?
        }
        EndpointAsk::Retry { endpoint, event } => {
            service.retry_delivery(caller, endpoint, event).await?;
            json!({})
        }
        EndpointAsk::Replay { endpoint, body } => {
            let wanted = parse_replay(body.to_string().as_bytes())?;
            shown(serde_json::to_value(ReplayView::from(service.start_replay(caller, endpoint, wanted).await?)))?
        }
        EndpointAsk::Replays { endpoint } => shown(serde_json::to_value(replay_page(service, caller, endpoint).await?))?,
        EndpointAsk::StopReplay { endpoint, replay } => {
            service.stop_replay(caller, endpoint, replay).await?;
            json!({})
        }
    })
}

fn shown(body: Result<Value, serde_json::Error>) -> Result<Value, Problem> {
    body.map_err(|why| Problem::new(ErrorCode::Unspecified, why.to_string()))
}

/// Changes an endpoint of either kind.
async fn update(
    service: &Service,
    caller: &Caller,
    endpoint: EndpointId,
    address: Option<String>,
    echo: Option<bool>,
    mut more: Map<String, Value>,
) -> Result<Value, Problem> {
    if address.is_none() && echo.is_none() && more.is_empty() {
        let text = "Nothing is named that is to change.";
        return Err(Problem::new(ErrorCode::RequestInvalid, text)
            .remedy("Name it; `transom endpoint update --help` lists what can change."));
    }
    if service.is_registration(caller, endpoint).await? {
        if let Some(field) = more.keys().next() {
            let rule =
                "cannot be changed of a published registration: it has a topic, and the address and echo that it was given";
            return Err(Problem::field(field, rule, "change the address or echo, or make an endpoint without a topic"));
        }
        service.update_webhook(caller, endpoint, WebhookChange { address, echo, filter: None }).await?;
        return Ok(json!({}));
    }
    if echo.is_some() {
        let rule = "is for published registrations; this endpoint has a filter of its own";
        return Err(Problem::field("echo", rule, "name the types of events that it wants"));
    }
    if let Some(address) = address {
        more.insert("url".to_owned(), address.into());
        more.insert("enabled".to_owned(), true.into());
    }
    let change = parse_change(Value::Object(more).to_string().as_bytes(), caller, &service.directory.now())?;
    let changed = service.change_endpoint(caller, endpoint, change).await?;
    shown(serde_json::to_value(EndpointView::one(changed, caller, service).await?))
}
