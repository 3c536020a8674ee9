//! Bounds on what requests may hold at once: bytes of bodies in memory, and requests of the API under way. Hearing has its own
//! bytes, and the API may not use every connection, so that Meta's webhooks find room however hard the callers press.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use tokio::sync::Semaphore;

use transom_domain::error_code::ErrorCode;

use crate::problem::Problem;
use crate::telemetry;

/// All bounds of one surface; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Bounds {
    /// Bytes of Meta's webhooks.
    pub(crate) webhooks: Budget,
    /// Bytes of the API's bodies.
    pub(crate) bodies: Budget,
    /// Requests of the API under way.
    requests: Arc<Semaphore>,
}

impl Bounds {
    /// With so many bytes for each kind of body, and so many requests.
    pub(crate) fn new(webhook_bytes: usize, body_bytes: usize, requests: usize) -> Self {
        Self {
            webhooks: Budget::new("webhook_bytes", webhook_bytes),
            bodies: Budget::new("body_bytes", body_bytes),
            requests: Arc::new(Semaphore::new(requests.max(1))),
        }
    }
}

/// Turns requests of the API away while as many are under way as may be.
pub(crate) async fn admit(State(bounds): State<Bounds>, request: Request, next: Next) -> Response {
    let Ok(_permit) = bounds.requests.try_acquire() else {
        telemetry::turned_away("requests");
        let problem = Problem::new(ErrorCode::Overloaded, "As many requests are under way as there may be.").retry_after(1);
        return problem.into_response();
    };
    next.run(request).await
}

/// Bytes that may be in memory at once.
#[derive(Debug, Clone)]
pub(crate) struct Budget(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: &'static str,
    left: AtomicUsize,
}

/// Bytes taken out of a budget; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    budget: Budget,
    bytes: usize,
}

impl Budget {
    pub(super) fn new(name: &'static str, bytes: usize) -> Self {
        Self(Arc::new(Inner { name, left: AtomicUsize::new(bytes) }))
    }

    /// Holds nothing yet.
    pub(crate) fn hold(&self) -> Held {
        Held { budget: self.clone(), bytes: 0 }
    }
}

impl Held {
    /// Takes so many more.
    ///
    /// # Errors
    /// 503 when there are none left: what waited for others that wait too would wait for ever.
    pub(crate) fn more(&mut self, bytes: usize) -> Result<(), Problem> {
        let inner = &self.budget.0;
        match inner.left.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(bytes)) {
            Ok(_) => {
                self.bytes += bytes;
                Ok(())
            }
            Err(_) => {
                telemetry::turned_away(inner.name);
                let message = "There are more bytes of bodies in memory than there may be.";
                Err(Problem::new(ErrorCode::Overloaded, message).retry_after(1))
            }
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.budget.0.left.fetch_add(self.bytes, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::body::Body;
    use axum::http::StatusCode;
    use axum::routing::get;
    use tokio::sync::Notify;
    use tower::ServiceExt as _;

    #[test]
    fn what_is_held_is_given_back_and_no_more_is_given_than_there_is() {
        let budget = Budget::new("test", 10);
        let (mut one, mut other) = (budget.hold(), budget.hold());
        one.more(6).unwrap();
        let refused = other.more(5).unwrap_err();
        assert_eq!((refused.code, refused.code.status()), (ErrorCode::Overloaded, 503));
        other.more(4).unwrap();
        drop(one);
        other.more(6).unwrap();
        drop(other);
        budget.hold().more(10).unwrap();
    }

    #[tokio::test]
    async fn a_full_house_turns_away_at_once_and_goes_on_when_there_is_room() {
        let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (tell, wait) = (begun.clone(), go_on.clone());
        let held = move || async move {
            tell.notify_one();
            wait.notified().await;
        };
        let bounds = Bounds::new(1, 1, 1);
        let router = Router::new().route("/", get(held)).layer(axum::middleware::from_fn_with_state(bounds, admit));
        let ask = || router.clone().oneshot(Request::get("/").body(Body::empty()).unwrap());
        let first = tokio::spawn(ask());
        begun.notified().await;
        let turned_away = ask().await.unwrap();
        assert_eq!(turned_away.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(turned_away.headers()["retry-after"], "1");
        go_on.notify_one();
        assert_eq!(first.await.unwrap().unwrap().status(), StatusCode::OK);
        go_on.notify_one();
        assert_eq!(ask().await.unwrap().status(), StatusCode::OK);
    }
}
