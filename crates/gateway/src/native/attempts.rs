//! One attempt of a message: what left for Meta, and what came back.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use transom_store::UpstreamAnswer;

use super::message_view::AttemptView;
use crate::http::App;
use crate::http::call::{Authorised, PathDeeper, PathId, SEND, json};
use crate::http::refusal::ReadRefusals;
use crate::problem::Problem;
use crate::service::attempts::WholeAttempt;

/// An attempt, with what was sent and answered.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WholeAttempt)]
pub(crate) struct WholeView {
    #[serde(flatten)]
    attempt: AttemptView,
    /// The request, printed once more by what sends it. One-time codes are hidden, and a file that was uploaded to Meta before is named
    /// by where it is from.
    request: Option<RequestView>,
    /// On Messenger, where a text follows a file: the request of the file, which goes first.
    first_request: Option<RequestView>,
    /// Why the request cannot be printed.
    request_error: Option<String>,
    /// What Meta answered; null where nothing came back, or the attempt is over in another way.
    answer: Option<AnswerView>,
}

/// A request.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = UpstreamRequest)]
pub(crate) struct RequestView {
    /// `POST`.
    method: &'static str,
    /// Where to; null where the sender is gone.
    url: Option<String>,
    /// Headers; of secrets `hidden`.
    headers: BTreeMap<&'static str, &'static str>,
    /// Body.
    #[schema(value_type = Object)]
    body: Value,
}

/// An answer.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = UpstreamAnswer)]
pub(crate) struct AnswerView {
    /// HTTP status.
    status: u16,
    /// The first 4,096 bytes of the body.
    body: String,
    /// There was more of the body.
    cut: bool,
}

impl WholeView {
    fn of(whole: WholeAttempt) -> Self {
        let WholeAttempt { message, attempt, url, requests, answer } = whole;
        let (mut bodies, request_error) = match requests {
            Ok(bodies) => (bodies, None),
            Err(why) => (Vec::new(), Some(why)),
        };
        let last = bodies.pop();
        let request = |body| RequestView {
            method: "POST",
            url: url.clone(),
            headers: BTreeMap::from([("authorization", "hidden"), ("content-type", "application/json")]),
            body,
        };
        Self {
            attempt: AttemptView::of(&attempt, &message),
            request: last.map(request),
            first_request: bodies.pop().map(request),
            request_error,
            answer: answer.map(|UpstreamAnswer { status, body, cut }| AnswerView { status, body, cut }),
        }
    }
}

/// Show an attempt
///
/// With the request as it leaves for Meta, without the token, and what Meta answered.
#[utoipa::path(
    get,
    path = "/v1/businesses/{business}/messages/{id}/attempts/{deeper}",
    operation_id = "getMessageAttempt",
    tag = "Messages",
    params(
        ("business" = String, Path, description = "Id of the business"),
        ("id" = String, Path, description = "Id of the message"),
        ("deeper" = String, Path, description = "Number of the attempt: 1, 2, …"),
    ),
    responses((status = 200, description = "The attempt", body = WholeView), ReadRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn get(
    State(app): State<App>,
    Authorised(caller): Authorised<SEND>,
    id: PathId,
    number: PathDeeper,
) -> Result<Response, Problem> {
    let id = id.parse(|| Problem::not_found("message"))?;
    let number = number.parse(|| Problem::not_found("attempt"))?;
    json(StatusCode::OK, &WholeView::of(app.service.attempt(&caller, id, number).await?))
}
