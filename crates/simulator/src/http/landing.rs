//! The page at `/`: what this is, and its controls.

use axum::body::Body;
use axum::http::Response;

use super::answer;

/// The page; plain, no script.
pub(crate) async fn page() -> Response<Body> {
    answer::with_type(200, "text/html; charset=utf-8", Body::from(include_str!("landing.html")))
}
