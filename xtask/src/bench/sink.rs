//! The upstream of the benchmark: takes every message at once and counts it. Just as much of Graph as `sender add` asks for.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use anyhow::Result;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Notify;

/// Its app.
pub(super) const APP: &str = "100000000000001";
/// Its account.
pub(super) const WABA: &str = "200000000000001";
/// Text of its one template.
pub(super) const TEMPLATE_TEXT: &str = "Hello {{1}}, your order is ready for you.";
/// Phone number ids begin here.
const NUMBERS: usize = 300_000_000_000_000;

struct Inner {
    received: AtomicUsize,
    arrived: Notify,
    numbers: usize,
    callback: Mutex<Value>,
}

/// The upstream.
pub(super) struct Sink {
    inner: Arc<Inner>,
    url: String,
}

impl Sink {
    /// Starts it with so many numbers.
    pub(super) async fn start(numbers: usize) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let inner =
            Arc::new(Inner { received: AtomicUsize::new(0), arrived: Notify::new(), numbers, callback: Mutex::default() });
        let router = Router::new()
            .route("/{version}/{node}", get(node))
            .route("/{version}/{node}/messages", post(message))
            .route("/{version}/{node}/phone_numbers", get(numbers_of_account))
            .route("/{version}/{node}/subscribed_apps", get(subscribed).post(subscribe))
            .route("/{version}/{node}/message_templates", get(templates))
            .with_state(inner.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { inner, url })
    }

    /// Base of its Graph.
    pub(super) fn url(&self) -> String {
        self.url.clone()
    }

    /// Id of a number.
    pub(super) fn number(&self, i: usize) -> String {
        (NUMBERS + i).to_string()
    }

    /// The number itself.
    pub(super) fn phone(&self, i: usize) -> String {
        phone(NUMBERS + i)
    }

    /// Messages received so far.
    pub(super) fn received(&self) -> usize {
        self.inner.received.load(Ordering::SeqCst)
    }

    /// Waits until so many were received.
    pub(super) async fn reaches(&self, wanted: usize) {
        loop {
            let arrived = self.inner.arrived.notified();
            tokio::pin!(arrived);
            arrived.as_mut().enable();
            if self.received() >= wanted {
                return;
            }
            arrived.await;
        }
    }
}

fn phone(id: usize) -> String {
    format!("+4930231250{:02}", id - NUMBERS)
}

fn described(id: usize) -> Value {
    json!({
        "id": id.to_string(), "display_phone_number": phone(id), "verified_name": "Bench", "quality_rating": "GREEN",
        "status": "CONNECTED", "platform_type": "CLOUD_API", "throughput": { "level": "HIGH" },
    })
}

async fn node(Path((_, node)): Path<(String, String)>) -> Json<Value> {
    if node == "debug_token" {
        let scopes = ["whatsapp_business_messaging", "whatsapp_business_management"];
        return Json(json!({ "data": { "app_id": APP, "is_valid": true, "scopes": scopes } }));
    }
    Json(described(node.parse().unwrap_or(NUMBERS)))
}

async fn numbers_of_account(State(sink): State<Arc<Inner>>) -> Json<Value> {
    Json(json!({ "data": (0..sink.numbers).map(|i| described(NUMBERS + i)).collect::<Vec<_>>() }))
}

async fn subscribe(State(sink): State<Arc<Inner>>, Json(body): Json<Value>) -> Json<Value> {
    *sink.callback.lock().unwrap_or_else(PoisonError::into_inner) = body;
    Json(json!({ "success": true }))
}

async fn subscribed(State(sink): State<Arc<Inner>>) -> Json<Value> {
    let callback = sink.callback.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let app = json!({ "id": APP, "name": "Bench" });
    Json(
        json!({ "data": [{ "whatsapp_business_api_data": app, "override_callback_uri": callback.get("override_callback_uri") }] }),
    )
}

async fn templates() -> Json<Value> {
    let body = json!({ "type": "BODY", "text": TEMPLATE_TEXT, "example": { "body_text": [["Ana"]] } });
    Json(json!({ "data": [{
        "id": "400000000000001", "name": "bench", "language": "en", "status": "APPROVED", "category": "UTILITY",
        "parameter_format": "POSITIONAL", "components": [body],
    }] }))
}

async fn message(State(sink): State<Arc<Inner>>, Json(body): Json<Value>) -> Json<Value> {
    let number = sink.received.fetch_add(1, Ordering::SeqCst);
    sink.arrived.notify_waiters();
    Json(json!({
        "messaging_product": "whatsapp",
        "contacts": [{ "input": body.get("to"), "wa_id": body.get("to") }],
        "messages": [{ "id": format!("wamid.bench{number:016x}") }],
    }))
}
