//! The console's files. A path that names none is a place inside the console: its page finds the way.

use axum::body::Body;
use axum::extract::Path;
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};

use transom_domain::error_code::ErrorCode;
use transom_web::{Asset, Page};

use crate::problem::Problem;

/// `GET /console`
pub(super) async fn page(headers: HeaderMap) -> Response {
    answer(&transom_web::page(Page::Console), &headers)
}

/// `GET /console/…`
pub(super) async fn file(Path(path): Path<String>, headers: HeaderMap) -> Response {
    match transom_web::asset(&path) {
        Some(asset) => answer(&asset, &headers),
        // A script that is asked for by an old page: the page itself in its place would only break elsewhere.
        None if path.starts_with("assets/") => {
            Problem::new(ErrorCode::NotFound, "There is no such file of the console.").remedy("Reload the page.").into_response()
        }
        None => page(headers).await,
    }
}

fn answer(asset: &Asset, headers: &HeaderMap) -> Response {
    asset.answer(headers).map(Body::from)
}
