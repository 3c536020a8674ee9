//! OTLP over HTTP, as JSON: spans in batches to `/v1/traces` of a collector.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Request, Uri, header};
use serde_json::{Value as Json, json};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{Kind, Span, Value};
use crate::telemetry;
use crate::wire::{Called, Http, Wanted, Wire as _};

/// Spans of one request: about 200 KiB.
const BATCH_MAX: usize = 512;
/// The longest that a span waits for others to go with it.
const BATCH_WAIT: Duration = Duration::from_secs(1);
/// How long the collector may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Calls for one batch before it is dropped.
const TRIES_MAX: u32 = 4;
/// The pause after the first of them; twice as long after each further one.
const PAUSE: Duration = Duration::from_millis(500);
/// Largest answer that is read; nothing in it is used.
const ANSWER_MAX: usize = 64 * 1024;

/// Spans on their way to the collector.
pub struct Exporting {
    stop: CancellationToken,
    work: JoinHandle<()>,
}

impl Exporting {
    pub(super) fn start(endpoint: &str, spans: mpsc::Receiver<Span>) -> Result<Self, String> {
        let wire = Http::upstream(endpoint, TIMEOUT)?;
        let address = format!("{}/v1/traces", endpoint.trim_end_matches('/'));
        let to: Uri = address.parse().map_err(|why| format!("{address} is no address: {why}"))?;
        let stop = CancellationToken::new();
        let work = tokio::spawn(work(wire, to, spans, stop.clone()));
        Ok(Self { stop, work })
    }

    /// Tells what waits, within a time, and ends.
    pub async fn end(self, within: Duration) {
        self.stop.cancel();
        if tokio::time::timeout(within, self.work).await.is_err() {
            tracing::warn!("some spans could not be told to the collector in time");
        }
    }
}

async fn work(wire: Http, to: Uri, mut spans: mpsc::Receiver<Span>, stop: CancellationToken) {
    let mut batch = Vec::with_capacity(BATCH_MAX);
    while !stop.is_cancelled() {
        let gather = async {
            let first = spans.recv_many(&mut batch, BATCH_MAX).await;
            let more = async { while batch.len() < BATCH_MAX && spans.recv_many(&mut batch, BATCH_MAX).await > 0 {} };
            // What comes within a moment goes along.
            let _ = tokio::time::timeout(BATCH_WAIT, more).await;
            first
        };
        tokio::select! {
            first = gather => if first == 0 {
                return;
            },
            () = stop.cancelled() => {}
        }
        if stop.is_cancelled() {
            // What is there is told, and nothing is waited for.
            while let Ok(span) = spans.try_recv() {
                batch.push(span);
            }
        }
        for some in batch.chunks(BATCH_MAX) {
            tell(&wire, &to, some, &stop).await;
        }
        batch.clear();
    }
}

/// Tells one batch, and again where the collector may take it later.
async fn tell(wire: &Http, to: &Uri, batch: &[Span], stop: &CancellationToken) {
    let body = Bytes::from(printed(batch).to_string());
    let mut pause = PAUSE;
    for tried in 1..=TRIES_MAX {
        let request = Request::post(to.clone()).header(header::CONTENT_TYPE, "application/json").body(body.clone());
        let Ok(request) = request else { break };
        let why = match wire.call(request, Wanted::Status(ANSWER_MAX)).await {
            Called::Answer { status: 200..=299, .. } => return telemetry::spans("told", batch.len()),
            // As OTLP has it, these may be repeated and no others.
            Called::Answer { status: status @ (429 | 502..=504), .. } => format!("HTTP {status}"),
            Called::Answer { status, .. } => {
                tracing::warn!(status, "the collector of traces refused a batch of spans");
                break;
            }
            Called::NeverLeft(why) | Called::Lost(why) => why,
        };
        if tried == TRIES_MAX || stop.is_cancelled() {
            tracing::warn!(reason = %why, "the collector of traces did not take a batch of spans; it is dropped");
            break;
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => {}
        }
        pause *= 2;
    }
    telemetry::spans("dropped", batch.len());
}

/// The body of a request, as OTLP spells it in JSON: ids in hexadecimal, numbers of 64 bits as text.
fn printed(batch: &[Span]) -> Json {
    let resource = [("service.name", "transom"), ("service.version", env!("CARGO_PKG_VERSION"))];
    let resource = resource.map(|(name, value)| attribute(name, &Value::from(value)));
    let spans: Vec<Json> = batch.iter().map(span).collect();
    json!({ "resourceSpans": [{
        "resource": { "attributes": resource },
        "scopeSpans": [{ "scope": { "name": "transom" }, "spans": spans }],
    }] })
}

fn span(span: &Span) -> Json {
    let kind = match span.kind {
        Kind::Internal => 1,
        Kind::Server => 2,
        Kind::Client => 3,
    };
    let attributes: Vec<Json> = span.attributes.iter().map(|(name, value)| attribute(name, value)).collect();
    let mut said = json!({
        "traceId": format!("{:032x}", span.trace),
        "spanId": format!("{:016x}", span.id),
        "name": span.name,
        "kind": kind,
        "startTimeUnixNano": nanos(span.began),
        "endTimeUnixNano": nanos(span.ended.max(span.began)),
        "attributes": attributes,
    });
    if let Some(parent) = span.parent {
        said["parentSpanId"] = json!(format!("{parent:016x}"));
    }
    if let Some(why) = &span.failure {
        said["status"] = json!({ "code": 2, "message": why });
    }
    said
}

fn attribute(name: &str, value: &Value) -> Json {
    let value = match value {
        Value::Text(text) => json!({ "stringValue": text }),
        Value::Number(number) => json!({ "intValue": number.to_string() }),
    };
    json!({ "key": name, "value": value })
}

fn nanos(at: SystemTime) -> String {
    at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos().to_string()
}
