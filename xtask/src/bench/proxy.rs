//! The bare proxy: passes a request on and its answer back, and does nothing else. Nothing that sends messages can do less.

use anyhow::Result;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::steps::say;

#[derive(Clone)]
struct Upstream {
    client: Client<HttpConnector, Body>,
    url: String,
}

/// Runs until it is killed.
pub(crate) fn run(upstream: &str) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let client = Client::builder(TokioExecutor::new()).build_http();
        let router = Router::new().fallback(pass).with_state(Upstream { client, url: upstream.to_owned() });
        say(&format!("ready http://{}", listener.local_addr()?));
        axum::serve(listener, router).await?;
        Ok(())
    })
}

async fn pass(State(upstream): State<Upstream>, mut request: Request) -> Response {
    let path = request.uri().path_and_query().map_or("/", |p| p.as_str());
    let Ok(uri) = format!("{}{path}", upstream.url).parse::<Uri>() else { return StatusCode::BAD_REQUEST.into_response() };
    *request.uri_mut() = uri;
    request.headers_mut().remove(axum::http::header::HOST);
    match upstream.client.request(request).await {
        Ok(answer) => answer.map(Body::new).into_response(),
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}
