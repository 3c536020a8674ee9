//! `/webhooks/meta/{app}`: Meta's handshake and Meta's webhooks. The bytes go to the intake as they came, since the signature is
//! over them.

use std::time::Instant;

use axum::extract::{RawQuery, Request, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use transom_domain::error_code::ErrorCode;

use super::App;
use super::call::{path_parameter, read_body};
use crate::intake::BODY_MAX;
use crate::problem::Problem;
use crate::telemetry;

/// The signature over the raw body (Meta: graph-api/webhooks/getting-started).
const SIGNATURE: &str = "x-hub-signature-256";

/// The handshake: answers with the challenge.
pub(super) async fn handshake(State(app): State<App>, RawQuery(query): RawQuery, request: Request) -> Result<Response, Problem> {
    let (mut parts, _) = request.into_parts();
    let name = app_name(&mut parts).await?;
    let challenge = app.intake.handshake(&name, query.as_deref().unwrap_or_default())?;
    let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    Ok((headers, challenge).into_response())
}

/// A webhook: 200 once all of it is durable.
pub(super) async fn hear(State(app): State<App>, request: Request) -> Result<StatusCode, Problem> {
    let (mut parts, body) = request.into_parts();
    let name = app_name(&mut parts).await?;
    let signature = parts.headers.get(SIGNATURE).and_then(|value| value.to_str().ok());
    // Before the body is read: 3 MB at a time are only for those who can name an app and bring a signature.
    app.intake.expects(&name, signature)?;
    let mut held = app.bounds.webhooks.hold();
    let body = read_body(&parts.headers, body, BODY_MAX, app.settings.body_timeout, &mut held).await?;
    let begun = Instant::now();
    let heard = app.intake.hear(&name, signature, body).await;
    telemetry::hearing(begun.elapsed());
    drop(held);
    heard.map(|()| StatusCode::OK)
}

async fn app_name(parts: &mut Parts) -> Result<String, Problem> {
    let name = path_parameter(parts, "app").await;
    name.ok_or_else(|| Problem::new(ErrorCode::NotFound, "The path names no app."))
}
