//! Is it alive, can it work, what does it measure.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use super::App;
use super::call::json as answer;
use crate::problem::Problem;
use crate::service::Readiness;
use crate::telemetry;

/// The process runs and answers; nothing else is asked.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// 200 only when a message could be taken on now. Stopped senders are told and do not change the answer: their queues are kept,
/// and the others go on.
pub(super) async fn readyz(State(app): State<App>) -> Result<Response, Problem> {
    let (status, body) = shown(&app.service.ready().await);
    answer(status, &body)
}

fn shown(ready: &Readiness) -> (StatusCode, serde_json::Value) {
    let works = ready.can_commit.is_ok() && !ready.draining;
    let stopped: Vec<_> = ready
        .stopped
        .iter()
        .map(|(id, address, why)| json!({ "senderId": id.to_string(), "sender": address, "why": why }))
        .collect();
    let body = json!({
        "ready": works,
        "draining": ready.draining,
        "store": match &ready.can_commit {
            Ok(()) => "commits".to_owned(),
            Err(why) => format!("cannot commit: {why}"),
        },
        "media": match &ready.can_keep_files {
            Ok(()) => "keeps files".to_owned(),
            Err(why) => format!("cannot keep files: {why}"),
        },
        "stoppedSenders": stopped,
    });
    (if works { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, body)
}

/// Prometheus text.
pub(super) async fn metrics(State(app): State<App>) -> Response {
    telemetry::take_over();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], app.metrics.render()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use transom_domain::id::SenderId;

    #[test]
    fn ready_only_when_it_can_commit_and_is_not_draining() {
        let stopped = vec![(SenderId(1), "+493012345678".to_owned(), "The token has expired.".to_owned())];
        let ready =
            |can_commit, draining| shown(&Readiness { can_commit, stopped: stopped.clone(), can_keep_files: Ok(()), draining });
        let (status, body) = ready(Ok(()), false);
        assert_eq!(status, StatusCode::OK);
        assert_eq!(body["stoppedSenders"][0]["sender"], "+493012345678");
        assert_eq!(ready(Ok(()), true).0, StatusCode::SERVICE_UNAVAILABLE);
        let (status, body) = ready(Err("disk full".to_owned()), false);
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(body["store"], "cannot commit: disk full");
    }
}
