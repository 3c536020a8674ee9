//! The business's webhook endpoint: it verifies what it hears, keeps it in the order of arrival, and is itself at times slow,
//! broken or silent.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;

/// Longer than the gateway waits for an endpoint.
const SILENCE: Duration = Duration::from_secs(5);

/// What was told, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    /// Which endpoint.
    pub(crate) topic: String,
    /// Id of the event.
    pub(crate) event: String,
    /// Of which message.
    pub(crate) message: String,
    /// The status, where it is one.
    pub(crate) status: Option<String>,
}

/// How the endpoint behaves at the moment.
#[derive(Debug, Default)]
pub(crate) struct Mood {
    /// One of so many is answered 500; 0: none.
    pub(crate) fails: AtomicU64,
    /// Answers are so many milliseconds late.
    pub(crate) late_ms: AtomicU64,
    /// One of so many is not answered; 0: none.
    pub(crate) silent: AtomicU64,
}

/// The endpoint.
pub(crate) struct Ears {
    pub(crate) mood: Mood,
    secret: Mutex<String>,
    told: Mutex<Vec<Told>>,
    heard: AtomicU64,
    /// Deliveries whose signature or shape was wrong.
    pub(crate) wrong: AtomicUsize,
}

impl Ears {
    /// Starts listening; gives the base address too.
    pub(crate) async fn open() -> Result<(Arc<Self>, String)> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let base = format!("http://{}", listener.local_addr()?);
        let ears = Arc::new(Self {
            mood: Mood::default(),
            secret: Mutex::default(),
            told: Mutex::default(),
            heard: AtomicU64::new(0),
            wrong: AtomicUsize::new(0),
        });
        let app = axum::Router::new().route("/{topic}", axum::routing::post(hear)).with_state(ears.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ok((ears, base))
    }

    /// What deliveries are signed with.
    pub(crate) fn trust(&self, secret: &str) {
        secret.clone_into(&mut self.secret.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Everything told so far after the first `from`, in the order in which it was taken.
    pub(crate) fn told(&self, from: usize) -> Vec<Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).get(from..).unwrap_or_default().to_vec()
    }

    fn take(&self, topic: &str, headers: &HeaderMap, raw: &[u8]) -> Result<Told> {
        let header = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).with_context(|| format!("no header {name}"));
        let secret = self.secret.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let key = BASE64.decode(secret.trim_start_matches("whsec_"))?;
        let mut mac = Hmac::<Sha256>::new_from_slice(&key)?;
        for part in [header("webhook-id")?.as_bytes(), b".", header("webhook-timestamp")?.as_bytes(), b".", raw] {
            mac.update(part);
        }
        let signature = BASE64.decode(header("webhook-signature")?.trim_start_matches("v1,"))?;
        mac.verify_slice(&signature).map_err(|_| anyhow::anyhow!("the signature does not fit"))?;
        let body: Value = serde_json::from_slice(raw)?;
        let text = |at: &str| body.pointer(at).and_then(Value::as_str).map(str::to_owned);
        let event = text("/eventId").context("no eventId")?;
        let status = text("/statusUpdate/status");
        let message = text("/statusUpdate/id").or_else(|| text("/message/id")).context("no message")?;
        anyhow::ensure!(header("webhook-id")? == event && body.get("topic").and_then(Value::as_str) == Some(topic));
        Ok(Told { topic: topic.to_owned(), event, message, status })
    }
}

async fn hear(State(ears): State<Arc<Ears>>, Path(topic): Path<String>, headers: HeaderMap, raw: Bytes) -> StatusCode {
    let number = ears.heard.fetch_add(1, Ordering::SeqCst);
    let comes_up = |one_in: &AtomicU64| matches!(one_in.load(Ordering::SeqCst), n @ 1.. if number.is_multiple_of(n));
    if comes_up(&ears.mood.fails) {
        return StatusCode::INTERNAL_SERVER_ERROR;
    }
    match ears.take(&topic, &headers, &raw) {
        Ok(told) => ears.told.lock().unwrap_or_else(PoisonError::into_inner).push(told),
        Err(_) => {
            ears.wrong.fetch_add(1, Ordering::SeqCst);
            return StatusCode::BAD_REQUEST;
        }
    }
    if comes_up(&ears.mood.silent) {
        tokio::time::sleep(SILENCE).await;
    }
    match ears.mood.late_ms.load(Ordering::SeqCst) {
        0 => {}
        ms => tokio::time::sleep(Duration::from_millis(ms)).await,
    }
    StatusCode::OK
}
