//! Webhook endpoints of a business's own making: as many as wanted, each with filters and a secret of its own.

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

use transom_domain::id::{EndpointId, EventId, ReplayId};
use transom_store::{Deliveries, Page};

use super::deliveries::DeliveryPage;
use super::endpoint_body::{
    EndpointRequest, ReplayRequest, RotateRequest, parse_change, parse_deliveries, parse_new, parse_replay, parse_rotate,
};
use super::endpoint_views::{CreatedEndpoint, EndpointPage, EndpointView, ReplayPage, ReplayView, RotatedSecret, TestView};
use crate::http::App;
use crate::http::call::{Asked, Authorised, PathDeeper, PathId, WEBHOOKS, json as answer};
use crate::http::refusal::{ChangeRefusals, CreateRefusals, DeliveryReads, ListRefusals, ReadRefusals};
use crate::problem::Problem;
use crate::service::{Caller, Service};

pub(super) async fn rotated(service: &Service, caller: &Caller, id: EndpointId, body: &[u8]) -> Result<RotatedSecret, Problem> {
    let (secret, until) = service.rotate_secret(caller, id, parse_rotate(body)?).await?;
    Ok(RotatedSecret { secret, previous_secret_until: super::common::rfc3339(until) })
}

pub(super) async fn delivered(
    service: &Service,
    caller: &Caller,
    id: EndpointId,
    which: Deliveries,
    page: Page,
) -> Result<DeliveryPage, Problem> {
    let (lines, next_page_token) = service.deliveries(caller, id, which, &page).await?;
    Ok(DeliveryPage { data: lines.into_iter().map(Into::into).collect(), next_page_token })
}

pub(super) async fn replay_page(service: &Service, caller: &Caller, id: EndpointId) -> Result<ReplayPage, Problem> {
    let data = service.replays(caller, id).await?.into_iter().map(ReplayView::from).collect();
    Ok(ReplayPage { data, next_page_token: None })
}

fn missing() -> Problem {
    Problem::not_found("endpoint")
}

/// Make an endpoint
///
/// It is told of events from now on, each signed after Standard Webhooks with a secret of its own, which is shown this once. At
/// most 1,000 of a business.
#[utoipa::path(
    post,
    path = "/v1/businesses/{business}/endpoints",
    operation_id = "createEndpoint",
    tag = "Webhooks",
    params(("business" = String, Path, description = "Id of the business")),
    request_body(content = EndpointRequest),
    responses((status = 201, description = "Made", body = CreatedEndpoint), CreateRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn create(
    State(app): State<App>,
    Authorised(caller): Authorised<WEBHOOKS>,
    asked: Asked,
) -> Result<Response, Problem> {
    let new = parse_new(&asked.body, &caller, &app.service.directory.now())?;
    let (endpoint, secret) = app.service.create_endpoint(&caller, new).await?;
    let endpoint = EndpointView::one(endpoint, &caller, &app.service).await?;
    answer(StatusCode::CREATED, &CreatedEndpoint { endpoint, secret })
}

/// List endpoints
#[utoipa::path(
    get,
    path = "/v1/businesses/{business}/endpoints",
    operation_id = "listEndpoints",
    tag = "Webhooks",
    params(("business" = String, Path, description = "Id of the business")),
    responses((status = 200, description = "All but the published registrations", body = EndpointPage), ListRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn list(State(app): State<App>, Authorised(caller): Authorised<WEBHOOKS>) -> Result<Response, Problem> {
    let endpoints = app.service.endpoints(&caller).await?;
    let data = EndpointView::all(endpoints, &caller, &app.service).await?;
    answer(StatusCode::OK, &EndpointPage { data, next_page_token: None })
}

/// Read an endpoint
#[utoipa::path(
    get,
    path = "/v1/businesses/{business}/endpoints/{id}",
    operation_id = "getEndpoint",
    tag = "Webhooks",
    params(("business" = String, Path, description = "Id of the business"), ("id" = String, Path, description = "Id of the endpoint")),
    responses((status = 200, description = "The endpoint and how it is doing", body = EndpointView), ReadRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn get(
    State(app): State<App>,
    Authorised(caller): Authorised<WEBHOOKS>,
    id: PathId,
) -> Result<Response, Problem> {
    let endpoint = app.service.endpoint(&caller, id.parse(missing)?).await?;
    answer(StatusCode::OK, &EndpointView::one(endpoint, &caller, &app.service).await?)
}

/// Change an endpoint
///
/// What is left out keeps its value; the payload cannot change. Events that it was told of already are not told again.
#[utoipa::path(
    patch,
    path = "/v1/businesses/{business}/endpoints/{id}",
    operation_id = "changeEndpoint",
    tag = "Webhooks",
    params(("business" = String, Path, description = "Id of the business"), ("id" = String, Path, description = "Id of the endpoint")),
    request_body(content = EndpointRequest),
    responses((status = 200, description = "Changed", body = EndpointView), ChangeRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn change(
    State(app): State<App>,
    Authorised(caller): Authorised<WEBHOOKS>,
    id: PathId,
    asked: Asked,
) -> Result<Response, Problem> {
    let id = id.parse(missing)?;
    let change = parse_change(&asked.body, &caller, &app.service.directory.now())?;
    let changed = app.service.change_endpoint(&caller, id, change).await?;
    answer(StatusCode::OK, &EndpointView::one(changed, &caller, &app.service).await?)
}

/// Remove an endpoint
///
/// With what it still waits for.
#[utoipa::path(
    delete,
    path = "/v1/businesses/{business}/endpoints/{id}",
    operation_id = "deleteEndpoint",
    tag = "Webhooks",
    params(("business" = String, Path, description = "Id of the business"), ("id" = String, Path, description = "Id of the endpoint")),
    responses((status = 200, description = "Removed; an empty object", body = Object, example = json!({})), ReadRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn delete(
    State(app): State<App>,
    Authorised(caller): Authorised<WEBHOOKS>,
    id: PathId,
) -> Result<Response, Problem> {
    app.service.delete_endpoint(&caller, id.parse(missing)?).await?;
    answer(StatusCode::OK, &json!({}))
}

/// Give an endpoint a new secret
///
/// Until the old one is over, `webhook-signature` carries a signature of each, separated by a space.
#[utoipa::path(
    post,
    path = "/v1/businesses/{business}/endpoints/{id}/rotate-secret",
    operation_id = "rotateEndpointSecret",
    tag = "Webhooks",
    params(("business" = String, Path, description = "Id of the business"), ("id" = String, Path, description = "Id of the endpoint")),
    request_body(content = RotateRequest),
    responses((status = 200, description = "The new secret", body = RotatedSecret), ChangeRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn rotate(
    State(app): State<App>,
    Authorised(caller): Authorised<WEBHOOKS>,
    id: PathId,
    asked: Asked,
) -> Result<Response, Problem> {
    answer(StatusCode::OK, &rotated(&app.service, &caller, id.parse(missing)?, &asked.body).await?)
}

/// Switch an endpoint on
///
/// With a clean slate: one that was switched off by its own 410, after long failure, or by hand. It goes on where it was, as far
/// as its events are still kept. One that is on and left alone is tried at once. Published registrations can be switched on so, too.
#[utoipa::path(
    post,
    path = "/v1/businesses/{business}/endpoints/{id}/enable",
    operation_id = "enableEndpoint",
    tag = "Webhooks",
    params(("business" = String, Path, description = "Id of the business"), ("id" = String, Path, description = "Id of the endpoint")),
    responses((status = 200, description = "Switched on; an empty object", body = Object, example = json!({})), ReadRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn enable(
    State(app): State<App>,
    Authorised(caller): Authorised<WEBHOOKS>,
    id: PathId,
) -> Result<Response, Problem> {
    app.service.switch_endpoint(&caller, id.parse(missing)?, true).await?;
    answer(StatusCode::OK, &json!({}))
}

/// Send an endpoint a test
///
/// An event of type `endpoint.test`, signed as any other. It is none of the stream, is not repeated, and counts for nothing.
#[utoipa::path(
    post,
    path = "/v1/businesses/{business}/endpoints/{id}/test",
    operation_id = "testEndpoint",
    tag = "Webhooks",
    params(("business" = String, Path, description = "Id of the business"), ("id" = String, Path, description = "Id of the endpoint")),
    responses((status = 200, description = "What the endpoint answered", body = TestView), ReadRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn test(
    State(app): State<App>,
    Authorised(caller): Authorised<WEBHOOKS>,
    id: PathId,
) -> Result<Response, Problem> {
    answer(StatusCode::OK, &TestView::from(app.service.test_endpoint(&caller, id.parse(missing)?).await?))
}

/// List deliveries of an endpoint
///
/// What it wants of the stream, newest first, and how each stands; with `outcome` only what waits or was given up, oldest first.
/// Also for published registrations. What was taken at once leaves no trace but the cursor: it shows as `delivered` by what the endpoint
/// wants now.
#[utoipa::path(
    get,
    path = "/v1/businesses/{business}/endpoints/{id}/deliveries",
    operation_id = "listDeliveries",
    tag = "Webhooks",
    params(
        ("business" = String, Path, description = "Id of the business"),
        ("id" = String, Path, description = "Id of the endpoint"),
        ("outcome" = Option<String>, Query, description = "`waiting` or `given_up`"),
        ("pageSize" = Option<u32>, Query, description = "1 to 200; 50 where left out. A page can be shorter and still have a next one."),
        ("pageToken" = Option<String>, Query, description = "`nextPageToken` of the page before"),
    ),
    responses((status = 200, description = "Deliveries", body = DeliveryPage), DeliveryReads),
    security(("X-API-Key" = []))
)]
pub(crate) async fn deliveries(
    State(app): State<App>,
    Authorised(caller): Authorised<WEBHOOKS>,
    id: PathId,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let id = id.parse(missing)?;
    let (which, page) = parse_deliveries(query.as_deref())?;
    answer(StatusCode::OK, &delivered(&app.service, &caller, id, which, page).await?)
}

/// Repeat a delivery
///
/// It is due now, whatever became of it: taken, waiting or given up. It goes even while the endpoint is left alone, and if it is taken
/// the others follow.
#[utoipa::path(
    post,
    path = "/v1/businesses/{business}/endpoints/{id}/deliveries/{deeper}/retry",
    operation_id = "retryDelivery",
    tag = "Webhooks",
    params(
        ("business" = String, Path, description = "Id of the business"),
        ("id" = String, Path, description = "Id of the endpoint"),
        ("deeper" = String, Path, description = "Id of the event"),
    ),
    responses((status = 202, description = "Due; an empty object", body = Object, example = json!({})), ChangeRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn retry(
    State(app): State<App>,
    Authorised(caller): Authorised<WEBHOOKS>,
    id: PathId,
    event: PathDeeper,
) -> Result<Response, Problem> {
    let event: EventId = event.parse(|| Problem::not_found("event"))?;
    app.service.retry_delivery(&caller, id.parse(missing)?, event).await?;
    answer(StatusCode::ACCEPTED, &json!({}))
}

/// Tell an endpoint a range of the stream once more
///
/// From the oldest on, at most 32 at a time, beside what is happening now; one replay per endpoint at a time. Among those 32 no order
/// is promised, but within a conversation where the endpoint asks for that. An event that fails is tried again as any other, and
/// holds back nothing. It goes on after a restart.
#[utoipa::path(
    post,
    path = "/v1/businesses/{business}/endpoints/{id}/replay",
    operation_id = "startReplay",
    tag = "Webhooks",
    params(("business" = String, Path, description = "Id of the business"), ("id" = String, Path, description = "Id of the endpoint")),
    request_body(content = ReplayRequest),
    responses((status = 202, description = "Under way", body = ReplayView), ChangeRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn replay(
    State(app): State<App>,
    Authorised(caller): Authorised<WEBHOOKS>,
    id: PathId,
    asked: Asked,
) -> Result<Response, Problem> {
    let id = id.parse(missing)?;
    let wanted = parse_replay(&asked.body)?;
    answer(StatusCode::ACCEPTED, &ReplayView::from(app.service.start_replay(&caller, id, wanted).await?))
}

/// List replays to an endpoint
#[utoipa::path(
    get,
    path = "/v1/businesses/{business}/endpoints/{id}/replay",
    operation_id = "listReplays",
    tag = "Webhooks",
    params(("business" = String, Path, description = "Id of the business"), ("id" = String, Path, description = "Id of the endpoint")),
    responses((status = 200, description = "With how far each got", body = ReplayPage), ReadRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn replays(
    State(app): State<App>,
    Authorised(caller): Authorised<WEBHOOKS>,
    id: PathId,
) -> Result<Response, Problem> {
    answer(StatusCode::OK, &replay_page(&app.service, &caller, id.parse(missing)?).await?)
}

/// Stop a replay
///
/// Where it stands; what was told stays told.
#[utoipa::path(
    delete,
    path = "/v1/businesses/{business}/endpoints/{id}/replay/{deeper}",
    operation_id = "stopReplay",
    tag = "Webhooks",
    params(
        ("business" = String, Path, description = "Id of the business"),
        ("id" = String, Path, description = "Id of the endpoint"),
        ("deeper" = String, Path, description = "Id of the replay"),
    ),
    responses((status = 200, description = "Stopped; an empty object", body = Object, example = json!({})), ReadRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn stop(
    State(app): State<App>,
    Authorised(caller): Authorised<WEBHOOKS>,
    id: PathId,
    replay: PathDeeper,
) -> Result<Response, Problem> {
    let replay: ReplayId = replay.parse(|| Problem::not_found("replay"))?;
    app.service.stop_replay(&caller, id.parse(missing)?, replay).await?;
    answer(StatusCode::OK, &json!({}))
}
