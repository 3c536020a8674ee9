//! What is asked of endpoints by the operator's hand: the same words and answers as through the API.

use serde::{Deserialize, Serialize};
use serde_json::json;

use transom_domain::id::{EndpointId, EventId, ReplayId};

use super::endpoint_body::{parse_change, parse_deliveries, parse_new, parse_replay};
use super::endpoint_views::{CreatedEndpoint, EndpointView, ReplayView, TestView};
use super::endpoints::{delivered, page, replay_page, rotated};
use crate::problem::Problem;
use crate::service::{Caller, Service};

/// What is asked of endpoints, by whatever way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "ask")]
pub enum EndpointAsk {
    /// Makes one.
    Add {
        /// As the API takes it.
        body: serde_json::Value,
    },
    /// Lists them.
    List {},
    /// Shows one.
    Show {
        /// Which.
        endpoint: EndpointId,
    },
    /// Changes one.
    Update {
        /// Which.
        endpoint: EndpointId,
        /// As the API takes it.
        body: serde_json::Value,
    },
    /// Switches any endpoint on or off.
    Switch {
        /// Which.
        endpoint: EndpointId,
        /// On.
        on: bool,
    },
    /// Removes one.
    Remove {
        /// Which.
        endpoint: EndpointId,
    },
    /// Gives it a new secret.
    Rotate {
        /// Which.
        endpoint: EndpointId,
        /// As the API takes it.
        body: serde_json::Value,
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
        body: serde_json::Value,
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
pub(crate) async fn ask(service: &Service, caller: &Caller, ask: EndpointAsk) -> Result<serde_json::Value, Problem> {
    let directory = service.directory.now();
    let shown = |body: Result<serde_json::Value, serde_json::Error>| {
        body.map_err(|why| Problem::new(transom_domain::error_code::ErrorCode::Unspecified, why.to_string()))
    };
    Ok(match ask {
        EndpointAsk::Add { body } => {
            let new = parse_new(body.to_string().as_bytes(), caller, &directory)?;
            let (endpoint, secret) = service.create_endpoint(caller, new).await?;
            shown(serde_json::to_value(CreatedEndpoint { endpoint: EndpointView::of(endpoint, &directory), secret }))?
        }
        EndpointAsk::List {} => shown(serde_json::to_value(page(service.endpoints(caller).await?, &directory)))?,
        EndpointAsk::Show { endpoint } => {
            shown(serde_json::to_value(EndpointView::of(service.endpoint(caller, endpoint).await?, &directory)))?
        }
        EndpointAsk::Update { endpoint, body } => {
            let change = parse_change(body.to_string().as_bytes(), caller, &directory)?;
            let changed = service.change_endpoint(caller, endpoint, change).await?;
            shown(serde_json::to_value(EndpointView::of(changed, &directory)))?
        }
        EndpointAsk::Switch { endpoint, on } => {
            service.switch_endpoint(caller, endpoint, on).await?;
            json!({})
        }
        EndpointAsk::Remove { endpoint } => {
            service.delete_endpoint(caller, endpoint).await?;
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
