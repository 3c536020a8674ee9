//! A client for one base address: calls that may go unanswered.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use reqwest::Method;
use serde_json::Value;

/// How long a reader waits: longer than any stall.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often something is looked for again.
const LOOK: Duration = Duration::from_millis(50);

/// An answer.
pub(crate) struct Answer {
    /// HTTP status.
    pub(crate) status: u16,
    /// `Retry-After`, where given.
    pub(crate) retry_after: Option<Duration>,
    /// The body, null if it is no JSON.
    pub(crate) body: Value,
}

/// The client; cheap to clone.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    key: Option<String>,
}

impl Client {
    /// A client for a base address, perhaps under a key.
    pub(crate) fn new(base: &str, key: Option<&str>) -> Result<Self> {
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build()?;
        Ok(Self { http, base: base.to_owned(), key: key.map(str::to_owned) })
    }

    /// Where it calls.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// The key under which it calls.
    pub(crate) fn key(&self) -> &str {
        self.key.as_deref().unwrap_or_default()
    }

    /// Calls once; none when no whole answer came.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        idempotency_key: Option<&str>,
        patience: Duration,
    ) -> Option<Answer> {
        let mut request = self.http.request(method, format!("{}{path}", self.base)).timeout(patience);
        if let Some(key) = &self.key {
            request = request.header("x-api-key", key);
        }
        if let Some(key) = idempotency_key {
            request = request.header("idempotency-key", key);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.ok()?;
        let status = answer.status().as_u16();
        let seconds = answer.headers().get("retry-after").and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok());
        let bytes = answer.bytes().await.ok()?;
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Some(Answer { status, retry_after: seconds.map(Duration::from_secs), body })
    }

    /// Calls until there is an answer of success, for at most `within`; for what does no harm when it happens twice.
    pub(crate) async fn insist(&self, method: Method, path: &str, body: Option<&Value>, within: Duration) -> Result<Value> {
        let end = tokio::time::Instant::now() + within;
        loop {
            let answer = self.call(method.clone(), path, body, None, PATIENCE).await;
            match answer {
                Some(answer) if (200..300).contains(&answer.status) => return Ok(answer.body),
                Some(answer) if (400..500).contains(&answer.status) && answer.status != 429 => {
                    bail!("{method} {path}: HTTP {} {}", answer.status, answer.body)
                }
                _ if tokio::time::Instant::now() > end => bail!("{method} {path}: no answer within {} s", within.as_secs()),
                _ => tokio::time::sleep(LOOK).await,
            }
        }
    }

    /// Reads, insisting for a minute.
    pub(crate) async fn get(&self, path: &str) -> Result<Value> {
        self.insist(Method::GET, path, None, Duration::from_secs(60)).await
    }

    /// Reads once, if it can be read now.
    pub(crate) async fn glance(&self, path: &str) -> Option<Value> {
        let answer = self.call(Method::GET, path, None, None, PATIENCE).await?;
        (answer.status == 200).then_some(answer.body)
    }

    /// Reads a text once.
    pub(crate) async fn text(&self, path: &str) -> Option<String> {
        self.http.get(format!("{}{path}", self.base)).send().await.ok()?.text().await.ok()
    }

    /// Posts, insisting for a minute.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.insist(Method::POST, path, Some(body), Duration::from_secs(60)).await
    }

    /// Waits until it answers 200 on a path.
    pub(crate) async fn until_ready(&self, path: &str, within: Duration) -> Result<()> {
        let end = tokio::time::Instant::now() + within;
        loop {
            let answer = self.call(Method::GET, path, None, None, Duration::from_secs(2)).await;
            if answer.is_some_and(|answer| answer.status == 200) {
                return Ok(());
            }
            if tokio::time::Instant::now() > end {
                bail!("{path} did not answer 200 within {} s", within.as_secs());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// A text at a place of a JSON value.
pub(crate) fn text(json: &Value, at: &str) -> Result<String> {
    json.pointer(at).and_then(Value::as_str).map(str::to_owned).with_context(|| format!("no {at} in {json}"))
}

/// The list at a place of a JSON value; an absent one is empty.
pub(crate) fn list<'a>(json: &'a Value, at: &str) -> &'a [Value] {
    json.pointer(at).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
