//! The documentation that the binary itself serves: it works without the internet, and no page loads anything from elsewhere.

use axum::Router;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use bytes::Bytes;
use utoipa::openapi::OpenApi;

use super::pages;

/// Redoc 2.5.4, packed; its licence is beside it.
const REDOC: &[u8] = include_bytes!("../../assets/redoc.standalone.js.gz");
/// Licences of Redoc and what is in its bundle.
const REDOC_LICENCE: &str = include_str!("../../assets/redoc.LICENSE.txt");

/// Our own pages: no script at all.
const PLAIN_POLICY: HeaderValue =
    HeaderValue::from_static("default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
/// The reader: scripts from here only. It writes its styles into the page and searches in a worker that it makes itself.
const READER_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; \
     connect-src 'self'; worker-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// All pages; made once, since the tables behind them are part of the binary.
pub(super) fn routes(openapi: &OpenApi) -> Router {
    let description = openapi.to_json().unwrap_or_default();
    Router::new()
        .route("/", page(pages::index(), PLAIN_POLICY))
        .route("/docs", page(pages::reader(), READER_POLICY))
        .route("/docs/errors", page(pages::errors(), PLAIN_POLICY))
        .route("/docs/rules", page(pages::rules(), PLAIN_POLICY))
        .route("/docs/twilio", page(pages::twilio(), PLAIN_POLICY))
        .route("/docs/style.css", file("text/css; charset=utf-8", pages::STYLE.into()))
        .route("/docs/redoc.js", packed("text/javascript; charset=utf-8", REDOC))
        .route("/docs/redoc.LICENSE.txt", file("text/plain; charset=utf-8", REDOC_LICENCE.into()))
        .route("/openapi.json", file("application/json", description.into()))
}

fn page<S: Clone + Send + Sync + 'static>(html: String, policy: HeaderValue) -> axum::routing::MethodRouter<S> {
    let html = Bytes::from(html);
    get(move || {
        let (html, policy) = (html.clone(), policy.clone());
        async move { respond("text/html; charset=utf-8", html, &[(header::CONTENT_SECURITY_POLICY, policy)]) }
    })
}

fn file<S: Clone + Send + Sync + 'static>(kind: &'static str, bytes: Bytes) -> axum::routing::MethodRouter<S> {
    get(move || {
        let bytes = bytes.clone();
        async move { respond(kind, bytes, &[]) }
    })
}

/// A file that is kept packed; every browser unpacks it.
fn packed<S: Clone + Send + Sync + 'static>(kind: &'static str, bytes: &'static [u8]) -> axum::routing::MethodRouter<S> {
    get(move || async move {
        let encoding = (header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        respond(kind, Bytes::from_static(bytes), &[encoding])
    })
}

fn respond(kind: &'static str, bytes: Bytes, more: &[(HeaderName, HeaderValue)]) -> Response {
    let mut response = bytes.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.extend(more.iter().cloned());
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use axum::http::{Request, StatusCode};
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    async fn fetched(path: &str) -> (axum::http::HeaderMap, Bytes) {
        let router = routes(&crate::native::openapi());
        let response = router.oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        let headers = response.headers().clone();
        (headers, response.into_body().collect().await.unwrap().to_bytes())
    }

    #[tokio::test]
    async fn every_link_and_source_of_every_page_is_served_here() {
        for path in ["/", "/docs", "/docs/errors", "/docs/rules", "/docs/twilio"] {
            let (headers, body) = fetched(path).await;
            let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
            assert!(policy.starts_with("default-src 'none'") && !policy.contains("script-src 'unsafe"), "{path}");
            let html = String::from_utf8(body.to_vec()).unwrap();
            for attribute in ["href=\"", "src=\"", "spec-url=\""] {
                for target in html.split(attribute).skip(1).filter_map(|rest| rest.split('"').next()) {
                    assert!(target.starts_with(['/', '#']), "{path} leads to {target}");
                    let target = target.split('#').next().unwrap();
                    // What is not documentation is held by the tests of the router.
                    if target == "/openapi.json" || target.starts_with("/docs") {
                        fetched(target).await;
                    }
                }
            }
        }
    }

    #[tokio::test]
    async fn the_reader_is_packed_and_its_licence_is_there() {
        let (headers, body) = fetched("/docs/redoc.js").await;
        assert_eq!(headers[header::CONTENT_ENCODING], "gzip");
        assert!(body.starts_with(&[0x1f, 0x8b]));
        let (_, licence) = fetched("/docs/redoc.LICENSE.txt").await;
        assert!(licence.starts_with(b"The MIT License"));
        let (headers, body) = fetched("/openapi.json").await;
        assert_eq!(headers[header::CONTENT_TYPE], "application/json");
        assert!(serde_json::from_slice::<serde_json::Value>(&body).unwrap()["paths"].is_object());
    }
}
