//! Deliveries: of an endpoint, one with what was sent and answered, and all of one message.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use transom_domain::event::EventBody;
use transom_domain::id::EventId;
use transom_store::{Attempted, EndpointAnswer, Role, Scopes};

use super::common::rfc3339;
use crate::http::App;
use crate::http::call::{Authorised, PathDeeper, PathId, SEND, WEBHOOKS, json as answer};
use crate::http::refusal::{DeliveryReads, ReadRefusals};
use crate::problem::Problem;
use crate::service::deliveries::{DeliveryLine, ToldOf, WholeDelivery};
use crate::work::relay::Printed;

/// One delivery.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Delivery)]
pub(crate) struct DeliveryView {
    /// The event, which is also the `webhook-id`.
    event_id: String,
    /// Its position in the stream.
    position: u64,
    /// Its type.
    #[serde(rename = "type")]
    kind: &'static str,
    /// When we learned of it.
    at: String,
    /// `pending`: its turn has not come. `delivered`: taken. `waiting`: not taken yet, and tried again. `given_up`: tried for days.
    outcome: &'static str,
    /// Tries so far, where one failed.
    attempts: Option<u32>,
    /// When it is tried again, at the earliest.
    next_attempt_at: Option<String>,
    /// Since when it waits.
    waiting_since: Option<String>,
    /// The last try that failed.
    last_attempt: Option<AttemptView>,
}

/// One try.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeliveryAttempt)]
pub(crate) struct AttemptView {
    /// When it began.
    at: Option<String>,
    /// The HTTP status, where there was an answer.
    status: Option<u16>,
    /// How long it took.
    duration_millis: Option<u32>,
    /// What was seen.
    error: String,
}

impl AttemptView {
    fn of(view: &transom_store::DeliveryView) -> Self {
        Self {
            at: view.attempt.map(|a| rfc3339(a.at)),
            status: view.attempt.and_then(|a| a.status),
            duration_millis: view.attempt.map(|a| a.millis),
            error: view.seen.clone(),
        }
    }
}

impl From<DeliveryLine> for DeliveryView {
    fn from(line: DeliveryLine) -> Self {
        let view = line.view.as_ref();
        Self {
            event_id: line.event.id.to_string(),
            position: line.event.position,
            kind: line.event.body.name(),
            at: rfc3339(line.event.at),
            outcome: line.outcome.as_str(),
            attempts: view.map(|v| v.tried),
            next_attempt_at: view.and_then(|v| v.due).map(rfc3339),
            waiting_since: view.map(|v| rfc3339(v.since)),
            last_attempt: view.map(AttemptView::of),
        }
    }
}

/// Deliveries of an endpoint.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeliveryPage {
    /// Deliveries.
    pub(crate) data: Vec<DeliveryView>,
    /// Give it as `pageToken` for the next page; null on the last.
    pub(crate) next_page_token: Option<String>,
}

/// One delivery, with what was sent and what came back.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WholeDelivery)]
pub(crate) struct WholeView {
    #[serde(flatten)]
    delivery: DeliveryView,
    /// The request, printed once more by what sends it; null where there is nothing to tell. Signatures are hidden, links to files are
    /// fresh.
    request: Option<RequestView>,
    /// Why the request cannot be printed, and so cannot be sent.
    request_error: Option<String>,
    /// The last try that is known of: one that was taken at once is, for a while, in the process that made it.
    last_try: Option<TryView>,
    /// What was answered to it: kept of tries that failed as long as they wait, of others for a while. Null where there was no answer, or
    /// none is kept.
    answer: Option<AnswerView>,
}

/// A request.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeliveryRequest)]
pub(crate) struct RequestView {
    /// `POST`, or `GET` where a callback is told so.
    method: String,
    /// Where to.
    url: String,
    /// Headers; of secrets `hidden`.
    headers: BTreeMap<String, String>,
    /// Body.
    body: String,
}

/// A try.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeliveryTry)]
pub(crate) struct TryView {
    /// 1, 2, …
    number: u32,
    /// When it began.
    at: String,
    /// The HTTP status, where there was an answer.
    status: Option<u16>,
    /// How long it took.
    duration_millis: u32,
}

/// An answer.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeliveryAnswer)]
pub(crate) struct AnswerView {
    /// The HTTP status.
    status: Option<u16>,
    /// Headers, at most 32 of 256 characters; of secrets `hidden`.
    headers: BTreeMap<String, String>,
    /// The first 4,096 bytes of the body.
    body: String,
    /// There was more of the body.
    cut: bool,
}

impl From<Printed> for RequestView {
    fn from(printed: Printed) -> Self {
        let Printed { method, url, headers, body } = printed;
        Self { method, url, headers: joined(headers), body }
    }
}

/// Headers by name; those that came several times in one, as HTTP has it (RFC 9110, 5.3).
fn joined(headers: Vec<(String, String)>) -> BTreeMap<String, String> {
    let mut all: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in headers {
        match all.get_mut(&name) {
            Some(known) => *known = format!("{known}, {value}"),
            None => {
                all.insert(name, value);
            }
        }
    }
    all
}

impl From<WholeDelivery> for WholeView {
    fn from(whole: WholeDelivery) -> Self {
        let WholeDelivery { line, request, last, answer } = whole;
        let (request, request_error) = match request {
            Ok(request) => (request.map(Into::into), None),
            Err(why) => (None, Some(why)),
        };
        let status = last.and_then(|(_, attempt)| attempt.status);
        let shown = |EndpointAnswer { headers, body, cut }| AnswerView { status, headers: joined(headers), body, cut };
        let tried = |(number, attempt): (u32, Attempted)| TryView {
            number,
            at: rfc3339(attempt.at),
            status: attempt.status,
            duration_millis: attempt.millis,
        };
        Self { delivery: line.into(), request, request_error, last_try: last.map(tried), answer: answer.map(shown) }
    }
}

/// What was told of a message.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MessageDeliveries {
    /// Its events, oldest first, as far as they are kept.
    data: Vec<ToldView>,
    /// Always null: there is one page.
    next_page_token: Option<String>,
}

/// An event of a message, and to whom it is told.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MessageEvent)]
pub(crate) struct ToldView {
    /// The event, which is also the `webhook-id`.
    event_id: String,
    /// Its position in the stream.
    position: u64,
    /// Its type.
    #[serde(rename = "type")]
    kind: &'static str,
    /// Of `message.status`: the status that it tells.
    status: Option<&'static str>,
    /// When we learned of it.
    at: String,
    /// The endpoints that want it, as they are now.
    endpoints: Vec<AtEndpointView>,
}

/// How an event stands at an endpoint.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MessageEventAtEndpoint)]
pub(crate) struct AtEndpointView {
    /// The endpoint.
    endpoint_id: String,
    /// Its address, where the caller may see endpoints; of one for callbacks, the host that they lead to.
    url: Option<String>,
    /// Of a published registration: its topic.
    topic: Option<&'static str>,
    /// `pending`, `delivered`, `waiting` or `given_up`.
    outcome: &'static str,
    /// Tries so far, where one failed.
    attempts: Option<u32>,
    /// When it is tried again, at the earliest.
    next_attempt_at: Option<String>,
    /// The last try that failed.
    last_attempt: Option<AttemptView>,
}

impl ToldView {
    fn of(told: ToldOf, sees_endpoints: bool) -> Self {
        let ToldOf { event, endpoints } = told;
        let status = if let EventBody::MessageStatus { status, .. } = &event.body { Some(status.as_str()) } else { None };
        let endpoints = endpoints.into_iter().map(|(endpoint, outcome, view)| AtEndpointView {
            endpoint_id: endpoint.id.to_string(),
            topic: if let Role::Published(registration) = &endpoint.role { Some(registration.topic.as_str()) } else { None },
            url: sees_endpoints.then_some(endpoint.address),
            outcome: outcome.as_str(),
            attempts: view.as_ref().map(|v| v.tried),
            next_attempt_at: view.as_ref().and_then(|v| v.due).map(rfc3339),
            last_attempt: view.as_ref().map(AttemptView::of),
        });
        Self {
            event_id: event.id.to_string(),
            position: event.position,
            kind: event.body.name(),
            status,
            at: rfc3339(event.at),
            endpoints: endpoints.collect(),
        }
    }
}

/// Show a delivery
///
/// With the request, signatures hidden, and what the endpoint answered to its last try. Answers of tries that failed are kept until the
/// delivery is over; of what was taken at once only the newest thousand or so of the gateway, until it restarts.
#[utoipa::path(
    get,
    path = "/v1/businesses/{business}/endpoints/{id}/deliveries/{deeper}",
    operation_id = "getDelivery",
    tag = "Webhooks",
    params(
        ("business" = String, Path, description = "Id of the business"),
        ("id" = String, Path, description = "Id of the endpoint"),
        ("deeper" = String, Path, description = "Id of the event"),
    ),
    responses((status = 200, description = "The delivery", body = WholeView), DeliveryReads),
    security(("X-API-Key" = []))
)]
pub(crate) async fn get(
    State(app): State<App>,
    Authorised(caller): Authorised<WEBHOOKS>,
    id: PathId,
    event: PathDeeper,
) -> Result<Response, Problem> {
    let id = id.parse(|| Problem::not_found("endpoint"))?;
    let event: EventId = event.parse(|| Problem::not_found("delivery"))?;
    answer(StatusCode::OK, &WholeView::from(app.service.delivery(&caller, id, event).await?))
}

/// List deliveries of a message
///
/// What was told of it, and how each event stands at every endpoint that wants it now. An event that a replay of the journal brought
/// later is in the stream, and not here.
#[utoipa::path(
    get,
    path = "/v1/businesses/{business}/messages/{id}/deliveries",
    operation_id = "listMessageDeliveries",
    tag = "Messages",
    params(("business" = String, Path, description = "Id of the business"), ("id" = String, Path, description = "Id of the message")),
    responses((status = 200, description = "Events and deliveries", body = MessageDeliveries), ReadRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn of_message(
    State(app): State<App>,
    Authorised(caller): Authorised<SEND>,
    id: PathId,
) -> Result<Response, Problem> {
    let told = app.service.message_deliveries(&caller, id.parse(|| Problem::not_found("message"))?).await?;
    let sees = caller.scopes.allow_looking(Scopes::WEBHOOKS);
    let data = told.into_iter().map(|told| ToldView::of(told, sees)).collect();
    answer(StatusCode::OK, &MessageDeliveries { data, next_page_token: None })
}
