//! Where other replicas of this house leave their hints.

use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;

use super::call::Bodies;
use crate::work::replicas::{HINT_MAX, HINTS_PATH, Keeper};

/// Hints of the largest size in memory at once. Most have a few hundred bytes; what comes beyond is lost, as any hint may be.
const AT_ONCE: usize = 8;

#[derive(Clone)]
struct Ear {
    keeper: Keeper,
    bodies: Bodies,
}

/// The route of hints, each of which must arrive within this time.
pub(super) fn routes(keeper: Keeper, within: Duration) -> Router {
    let bodies = Bodies::new("hint_bytes", HINT_MAX, within, AT_ONCE);
    Router::new().route(HINTS_PATH, post(hear)).with_state(Ear { keeper, bodies })
}

async fn hear(State(ear): State<Ear>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    // Before the body is read: who brings no signature has nothing to say.
    let Some(signature) = signature(&parts.headers) else { return StatusCode::UNAUTHORIZED.into_response() };
    let (body, _held) = match ear.bodies.read(&parts.headers, body).await {
        Ok(read) => read,
        Err(problem) => return problem.into_response(),
    };
    let status = if ear.keeper.hear(&body, signature) { StatusCode::NO_CONTENT } else { StatusCode::UNAUTHORIZED };
    status.into_response()
}

/// What may be a signature: 32 bytes in hexadecimal.
fn signature(headers: &HeaderMap) -> Option<&str> {
    let given = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Transom ")?;
    (given.len() == 64 && given.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(given)
}
