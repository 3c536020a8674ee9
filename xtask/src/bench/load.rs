//! The load: callers that each keep one request under way, on one connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use axum::http::{Method, Request, header};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

/// Requests that are written before the load starts, and then sent in turn: writing JSON is not what is measured.
const WRITTEN: usize = 20_000;

/// A load that is ready.
pub(super) struct Load {
    url: String,
    key: Option<String>,
    callers: usize,
    requests: Arc<Vec<(String, Bytes)>>,
}

impl Load {
    /// Writes the requests: `request` gives path and body of the i-th.
    pub(super) fn new(url: &str, key: Option<&str>, callers: usize, request: impl Fn(usize) -> (String, String)) -> Self {
        let requests = (0..WRITTEN).map(request).map(|(path, body)| (path, Bytes::from(body))).collect();
        Self { url: url.to_owned(), key: key.map(str::to_owned), callers, requests: Arc::new(requests) }
    }

    /// Runs it for a time. Says how many requests were answered with success; any other answer ends the benchmark.
    pub(super) async fn run(self, time: Duration) -> Result<usize> {
        let end = Instant::now() + time;
        let next = Arc::new(AtomicUsize::new(0));
        let mut callers = tokio::task::JoinSet::new();
        for _ in 0..self.callers {
            let (url, key, requests, next) = (self.url.clone(), self.key.clone(), self.requests.clone(), next.clone());
            callers.spawn(async move {
                let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(1).build_http();
                let mut answered = 0_usize;
                while Instant::now() < end {
                    let i = next.fetch_add(1, Ordering::Relaxed) % requests.len();
                    let (path, body) = requests.get(i).context("no request")?;
                    let mut request = Request::builder().method(Method::POST).uri(format!("{url}{path}"));
                    request =
                        request.header(header::CONTENT_TYPE, "application/json").header(header::AUTHORIZATION, "Bearer bench");
                    if let Some(key) = &key {
                        request = request.header("x-api-key", key);
                    }
                    let answer = client.request(request.body(Full::new(body.clone()))?).await?;
                    let status = answer.status();
                    let said = answer.into_body().collect().await?.to_bytes();
                    if !status.is_success() {
                        bail!("HTTP {status}: {}", String::from_utf8_lossy(&said));
                    }
                    answered += 1;
                }
                Ok(answered)
            });
        }
        let mut answered = 0;
        while let Some(caller) = callers.join_next().await {
            answered += caller??;
        }
        Ok(answered)
    }
}
