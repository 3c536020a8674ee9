//! Where other replicas of this house leave their hints.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::post;

use crate::work::replicas::{HINT_MAX, HINTS_PATH, Keeper};

/// The route of hints.
pub(super) fn routes(keeper: Keeper) -> Router {
    Router::new().route(HINTS_PATH, post(hear)).layer(DefaultBodyLimit::max(HINT_MAX)).with_state(keeper)
}

async fn hear(State(keeper): State<Keeper>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let signature = given.and_then(|value| value.strip_prefix("Transom ")).unwrap_or_default();
    if keeper.hear(&body, signature) { StatusCode::NO_CONTENT } else { StatusCode::UNAUTHORIZED }
}
