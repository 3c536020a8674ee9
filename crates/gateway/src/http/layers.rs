//! What surrounds every request: its ids, its span, its error object, its safety net.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures::FutureExt as _;
use tracing::Instrument as _;

use transom_domain::error_code::ErrorCode;

use super::refusal::{ErrorObject, Refused};
use crate::problem::Problem;
use crate::{telemetry, traces, twilio};

/// Names a request to both sides.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Which trace a request is part of (W3C Trace Context).
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// Longest request id that is taken over from a caller.
const REQUEST_ID_MAX: usize = 64;

/// Makes trace ids: different in every process, without a system call for each.
#[derive(Debug)]
pub(crate) struct Traces {
    seed: u64,
    count: AtomicU64,
}

impl Traces {
    /// With some chance to begin with.
    pub(crate) const fn new(seed: u64) -> Self {
        Self { seed, count: AtomicU64::new(0) }
    }

    /// The next one.
    pub(crate) fn next(&self) -> u64 {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        // The mixing steps of SplitMix64: neighbours look unrelated, and no number comes twice.
        let mut mixed = self.seed.wrapping_add(count.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

/// A router with everything around it. `public` is where this server is, as configured; a request may know better.
pub(crate) fn surrounded(router: Router, traces: Traces, public: String) -> Router {
    let around = Arc::new((traces, public));
    router.layer(axum::middleware::from_fn(move |request, next: Next| {
        let around = around.clone();
        async move { surround(&around.0, &around.1, request, next).await }
    }))
}

/// The outermost layer. Neither query nor headers nor bodies are logged: they may hold secrets and content.
async fn surround(traces: &Traces, public: &str, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let trace = traces.next();
    let id = incoming_id(&request).unwrap_or_else(|| own_id(trace));
    let method = request.method().clone();
    let of_twilio = twilio::speaks(request.uri().path()).then(|| twilio::Base::of(request.headers(), public));
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let path = matched.as_ref().map_or("-", MatchedPath::as_str);
    let span = tracing::info_span!("request", method = %method, path, request_id = ?id, trace_id = trace);
    let traceparent = request.headers().get(TRACEPARENT).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let work = AssertUnwindSafe(next.run(request)).catch_unwind().instrument(span.clone());
    let mut response = match traces::on_behalf_of(traceparent.as_deref(), work).await {
        Ok(response) => response,
        Err(panic) => span.in_scope(|| panicked(panic.as_ref())),
    };
    let refused = response.extensions_mut().remove::<Refused>().map(|Refused(problem)| problem);
    if let Some(problem) = &refused {
        span.in_scope(|| tracing::debug!(code = %problem.code, "refused"));
    }
    response = match (of_twilio, refused) {
        (Some(base), refused) => twilio::explained(response, refused, &base, trace),
        (None, Some(problem)) => explained(response, &problem, trace),
        (None, None) => response,
    };
    response.headers_mut().insert(REQUEST_ID, id);
    telemetry::request(&method, path, response.status().as_u16(), started.elapsed());
    response
}

/// The caller's own id, where it is a sane one.
fn incoming_id(request: &Request) -> Option<HeaderValue> {
    let id = request.headers().get(REQUEST_ID)?;
    let sane = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    ((1..=REQUEST_ID_MAX).contains(&id.len()) && id.as_bytes().iter().all(sane)).then(|| id.clone())
}

fn own_id(trace: u64) -> HeaderValue {
    HeaderValue::from_str(&format!("req-{trace:016x}")).unwrap_or(HeaderValue::from_static("req-unknown"))
}

fn panicked(panic: &(dyn Any + Send)) -> Response {
    let why = panic.downcast_ref::<&str>().map(|s| (*s).to_owned()).or_else(|| panic.downcast_ref::<String>().cloned());
    tracing::error!(why = why.as_deref().unwrap_or("unknown"), "a handler panicked");
    Problem::new(ErrorCode::Unspecified, "An unexpected failure on our side.").into_response()
}

/// The same response with the error object as its body.
fn explained(response: Response, problem: &Problem, trace: u64) -> Response {
    let (mut parts, _) = response.into_parts();
    let body = serde_json::to_vec(&ErrorObject::new(problem, trace)).unwrap_or_default();
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, body.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use axum::http::StatusCode;
    use axum::routing::get;
    use http_body_util::BodyExt as _;
    use serde_json::Value;
    use tower::ServiceExt as _;

    async fn broken() -> Response {
        panic!("a test")
    }

    fn router() -> Router {
        let router = Router::new()
            .route("/fine", get(|| async { "fine" }))
            .route("/refused", get(|| async { Problem::field("a", "is wrong", "mend it") }))
            .route("/broken", get(broken));
        surrounded(router, Traces::new(7), String::new())
    }

    async fn ask(path: &str, id: Option<&str>) -> (StatusCode, String, Value) {
        let mut request = Request::get(path);
        if let Some(id) = id {
            request = request.header(REQUEST_ID, id);
        }
        let response = router().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let id = response.headers()[REQUEST_ID].to_str().unwrap().to_owned();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, id, serde_json::from_slice(&body).unwrap_or_default())
    }

    #[tokio::test]
    async fn every_answer_has_a_request_id() {
        assert_eq!(ask("/fine", Some("abc-1")).await.1, "abc-1");
        for (path, id) in [("/fine", None), ("/refused", Some("two words")), ("/broken", Some(""))] {
            assert!(ask(path, id).await.1.starts_with("req-"), "{path}");
        }
    }

    #[tokio::test]
    async fn refusals_and_panics_are_error_objects() {
        let (status, id, body) = ask("/refused", None).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert_eq!(body["code"], "ERROR_CODE_REQUEST_INVALID");
        // Both ids name the same number, so that either leads to the log.
        let trace: u64 = body["cntTraceId"].as_str().unwrap().parse().unwrap();
        assert_eq!(id, format!("req-{trace:016x}"));
        let (status, _, body) = ask("/broken", None).await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(body["code"], "ERROR_CODE_UNSPECIFIED");
        assert!(!body.to_string().contains("a test"));
    }

    #[test]
    fn trace_ids_differ() {
        let traces = Traces::new(u64::MAX);
        let made: std::collections::BTreeSet<u64> = (0..1_000).map(|_| traces.next()).collect();
        assert_eq!(made.len(), 1_000);
    }
}
