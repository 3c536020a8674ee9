//! The business's endpoints: each verifies what it hears, fails one delivery in twenty, and counts what it has taken.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::json;
use sha2::Sha256;

use crate::crash::client::text;
use crate::crash::house::House;
use crate::crash::schedule::Dice;

/// One delivery in so many fails.
const FAILS_ONE_IN: u64 = 20;
/// A delivery that failed so often is taken: the wait after a further failure is four times as long.
const TRIES_MAX: u64 = 1;
/// One failure in so many is silence.
const SILENT_ONE_IN: u64 = 10;
/// Longer than the gateway waits for an endpoint.
const SILENCE: Duration = Duration::from_secs(3);

/// Endpoints of the business's own, beside the published registration: name, beginning of the types, order.
const OWN: [(&str, &str, &str); 3] =
    [("in-order", "", "conversation"), ("any-order", "message.", "none"), ("sessions", "session.", "conversation")];

/// An endpoint.
pub(super) struct Ear {
    /// What it is called here.
    pub(super) name: &'static str,
    /// Beginning of the types that it wants.
    pub(super) wants: &'static str,
    /// Whether conversations come in order.
    pub(super) ordered: bool,
    secret: String,
    /// Ids of events, in the order in which they were taken.
    told: Mutex<Vec<String>>,
    dice: Mutex<Dice>,
    /// Deliveries that were failed.
    pub(super) failed: AtomicUsize,
    /// Deliveries whose signature was wrong.
    pub(super) wrong: AtomicUsize,
}

impl Ear {
    /// What it has taken.
    pub(super) fn told(&self) -> Vec<String> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What it does with a delivery.
    async fn hear(&self, headers: &HeaderMap, raw: &[u8]) -> Result<StatusCode> {
        let header = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).with_context(|| format!("no header {name}"));
        let id = header("webhook-id")?;
        let key = BASE64.decode(self.secret.trim_start_matches("whsec_"))?;
        let mut mac = Hmac::<Sha256>::new_from_slice(&key)?;
        for part in [id.as_bytes(), b".", header("webhook-timestamp")?.as_bytes(), b".", raw] {
            mac.update(part);
        }
        let signature = BASE64.decode(header("webhook-signature")?.trim_start_matches("v1,"))?;
        mac.verify_slice(&signature).map_err(|_| anyhow::anyhow!("the signature does not fit"))?;
        let tried: u64 = header("x-gateway-attempt")?.parse()?;
        let (fails, silent) = {
            let mut dice = self.dice.lock().unwrap_or_else(PoisonError::into_inner);
            (dice.between(1, FAILS_ONE_IN) == 1, dice.between(1, SILENT_ONE_IN) == 1)
        };
        if fails && tried <= TRIES_MAX {
            self.failed.fetch_add(1, Ordering::SeqCst);
            if silent {
                tokio::time::sleep(SILENCE).await;
            }
            return Ok(StatusCode::INTERNAL_SERVER_ERROR);
        }
        self.told.lock().unwrap_or_else(PoisonError::into_inner).push(id.to_owned());
        Ok(StatusCode::OK)
    }
}

/// All of them, behind one address.
pub(super) struct Ears(Vec<Arc<Ear>>);

impl Ears {
    /// Listens, and is registered.
    pub(super) async fn open(house: &House, seed: u64) -> Result<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let base = format!("http://{}", listener.local_addr()?);
        let mut ears = Vec::new();
        let ear = |name, wants, ordered, secret| Ear {
            name,
            wants,
            ordered,
            secret,
            told: Mutex::default(),
            dice: Mutex::new(Dice::new(seed, 100 + ears_number(name))),
            failed: AtomicUsize::new(0),
            wrong: AtomicUsize::new(0),
        };
        let published = json!({ "topic": "messages", "address": format!("{base}/published") });
        let made = house.api().post(&house.path("/create/webhooks"), &published).await?;
        ears.push(Arc::new(ear("published", "message.received", true, text(&made, "/secret")?)));
        for (name, wants, order) in OWN {
            let events: Vec<String> = if wants.is_empty() { Vec::new() } else { vec![format!("{wants}*")] };
            let own = json!({ "url": format!("{base}/{name}"), "events": events, "order": order });
            let made = house.api().post(&house.path("/endpoints"), &own).await?;
            ears.push(Arc::new(ear(name, wants, order == "conversation", text(&made, "/secret")?)));
        }
        let app = axum::Router::new().route("/{name}", axum::routing::post(hear)).with_state(Arc::new(ears.clone()));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ok(Self(ears))
    }

    /// Each.
    pub(super) fn all(&self) -> &[Arc<Ear>] {
        &self.0
    }
}

/// Chance of its own for each.
fn ears_number(name: &str) -> u64 {
    name.bytes().map(u64::from).sum()
}

async fn hear(State(ears): State<Arc<Vec<Arc<Ear>>>>, Path(name): Path<String>, headers: HeaderMap, raw: Bytes) -> StatusCode {
    let Some(ear) = ears.iter().find(|ear| ear.name == name) else { return StatusCode::NOT_FOUND };
    match ear.hear(&headers, &raw).await {
        Ok(status) => status,
        Err(_) => {
            ear.wrong.fetch_add(1, Ordering::SeqCst);
            StatusCode::BAD_REQUEST
        }
    }
}
