//! What sends answer: accepted now, or accepted before under the same key.

use axum::http::{HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::verdict::accepted_json;
use crate::http::call::{Answer, json};
use crate::service::Sent;

/// What the published sends answer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({ "id": "01K5Z3V8Q4M9W2N7T6R1XBCDEF" }))]
pub(crate) struct SentId {
    /// Names the message; the same in every webhook about it.
    id: String,
}

/// The answer of a published send: the id alone.
pub(crate) fn published(sent: Sent) -> Answer {
    answer(sent, |whole| serde_json::json!({ "id": whole.get("id").cloned().unwrap_or_default() }))
}

/// The answer of our own send: with status and verdict.
pub(crate) fn own(sent: Sent) -> Answer {
    answer(sent, |whole| whole)
}

fn answer(sent: Sent, shown: impl FnOnce(Value) -> Value) -> Answer {
    match sent {
        Sent::Accepted { id, status, verdict } => json(StatusCode::CREATED, &shown(accepted_json(id, status, &verdict))),
        Sent::Replayed { body } => {
            // What was kept is what `accepted_json` wrote.
            let kept = serde_json::from_slice(&body).unwrap_or_default();
            let mut response = json(StatusCode::CREATED, &shown(kept))?;
            response.headers_mut().insert(HeaderName::from_static("idempotency-replayed"), HeaderValue::from_static("true"));
            Ok(response)
        }
    }
}
