//! The upstream of the benchmark: takes every message, counts it, and tells of it in three signed webhooks when asked to. Just
//! as much of Graph as a running gateway asks for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::http::{Answers, Received, quoted_after, serve};
use super::statuses::Statuses;
use crate::bulk::{self, Sent};

/// A count that can be waited for.
#[derive(Default)]
pub(super) struct Tally {
    count: AtomicU64,
    changed: Notify,
}

impl Tally {
    /// One more; the number of it, from 0.
    pub(super) fn add(&self) -> u64 {
        let before = self.count.fetch_add(1, Ordering::SeqCst);
        self.changed.notify_waiters();
        before
    }

    pub(super) fn now(&self) -> u64 {
        self.count.load(Ordering::SeqCst)
    }

    /// Waits until it has grown to this.
    pub(super) async fn reaches(&self, wanted: u64) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.now() >= wanted {
                return;
            }
            changed.await;
        }
    }
}

/// The upstream.
pub(super) struct Upstream {
    /// Messages that reached it.
    pub(super) received: Tally,
    /// How long an answer takes.
    latency: Duration,
    /// Who tells of messages, if anybody does.
    statuses: Option<Arc<Statuses>>,
}

impl Upstream {
    /// Starts one. Gives its base address too.
    pub(super) async fn start(latency: Duration, statuses: Option<Arc<Statuses>>) -> Result<(Arc<Self>, String)> {
        let upstream = Arc::new(Self { received: Tally::default(), latency, statuses });
        let address = serve(upstream.clone()).await?;
        Ok((upstream, format!("http://{address}")))
    }

    fn message(&self, number: &str, request: Received<'_>, body: &mut Vec<u8>) {
        let text = |mark: &[u8]| quoted_after(request.body, mark).map(String::from_utf8_lossy).unwrap_or_default();
        let to = text(br#""to":""#);
        let counted = self.received.add();
        let id = format!("wamid.bench{counted:016x}");
        body.extend_from_slice(
            format!(
                r#"{{"messaging_product":"whatsapp","contacts":[{{"input":"{to}","wa_id":"{}"}}],"messages":[{{"id":"{id}"}}]}}"#,
                to.trim_start_matches('+')
            )
            .as_bytes(),
        );
        if let Some(statuses) = &self.statuses {
            let (to, tag) = (to.trim_start_matches('+').to_owned(), text(br#""biz_opaque_callback_data":""#).into_owned());
            statuses.tell_of(Sent { id, number: number.to_owned(), to, tag }, Instant::now() + self.latency);
        }
    }
}

impl Answers for Upstream {
    fn answer(&self, request: Received<'_>, body: &mut Vec<u8>) -> Duration {
        let path = request.path().split('?').next().unwrap_or_default();
        let mut parts = path.trim_start_matches('/').split('/').skip(1);
        let (node, edge) = (parts.next().unwrap_or_default(), parts.next());
        if edge == Some("messages") && request.is_post() {
            self.message(node, request, body);
            return self.latency;
        }
        let said = match edge {
            Some("message_templates") => json!({ "data": [bulk::template()] }),
            Some("phone_numbers") => json!({ "data": [] }),
            Some(_) => json!({ "success": true }),
            None => number(node),
        };
        body.extend_from_slice(said.to_string().as_bytes());
        Duration::ZERO
    }
}

/// A number as Meta describes it: at the highest tier, so that no limit of Meta's is what is measured.
fn number(node: &str) -> Value {
    json!({
        "id": node, "display_phone_number": format!("+{}", bulk::display_of(node)), "verified_name": "Bulk", "quality_rating": "GREEN", "status": "CONNECTED", "platform_type": "CLOUD_API",
        "throughput": { "level": "HIGH" }, "messaging_limit_tier": "TIER_UNLIMITED",
        "whatsapp_business_manager_messaging_limit": "TIER_UNLIMITED",
    })
}
