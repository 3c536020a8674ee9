//! The phones, the desk, the clock and the faults as a page: the console's own, where there is no gateway beside.

use axum::body::Body;
use axum::extract::Path;
use axum::http::{HeaderMap, Response};
use transom_web::Page;

use super::control;

/// `GET /phone`
pub(crate) async fn page(headers: HeaderMap) -> Response<Body> {
    transom_web::page(Page::Phone).answer(&headers).map(Body::from)
}

/// `GET /console/assets/…`: the files that the page names.
pub(crate) async fn file(Path(path): Path<String>, headers: HeaderMap) -> Response<Body> {
    match transom_web::asset(&path).filter(|_| path.starts_with("assets/")) {
        Some(asset) => asset.answer(&headers).map(Body::from),
        None => control::absent().await,
    }
}
