//! Traces: what becomes of each message, told to a collector of OpenTelemetry as spans.
//!
//! A message is one trace, from the request that brought it to the last webhook that tells of it: over days, restarts and
//! replicas. So nothing in memory holds it together. Its trace is the caller's, where the request had a `traceparent`, which is
//! kept with the message; else its own id, which has 128 bits as a trace's has. The span of its acceptance, under which the others
//! stand, is named by the message's id too. A span says which message and how it went, never whom it is for or what it says.

mod otlp;

use std::borrow::Cow;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use tokio::sync::mpsc;

use transom_domain::event::EventBody;
use transom_domain::id::MessageId;
use transom_domain::message::Origin;
use transom_domain::trace::TraceParent;

use crate::chance::Chance;
use crate::telemetry;

pub use otlp::Exporting;

/// Spans that wait to be told; with more, new ones are dropped and counted.
const QUEUE_MAX: usize = 8_192;

/// How messages are traced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceSettings {
    /// Address of the collector (OTLP over HTTP), without `/v1/traces`.
    pub endpoint: String,
    /// How many of a hundred messages are traced whose callers do not say; 0 to 100.
    pub percent: u32,
}

/// Who takes spans. One per process, as of metrics.
struct Tracer {
    queue: mpsc::Sender<Span>,
    percent: u32,
    seed: u64,
    count: AtomicU64,
}

static TRACER: OnceLock<Tracer> = OnceLock::new();

tokio::task_local! {
    /// What the request under way says of its trace.
    static CALLER: Option<TraceParent>;
}

/// Starts telling spans, until what is given back is ended. One tracer serves a process: a second start changes nothing.
///
/// # Errors
/// When the address is none, as a sentence.
pub fn start(settings: &TraceSettings) -> Result<Exporting, String> {
    let (queue, spans) = mpsc::channel(QUEUE_MAX);
    let exporting = Exporting::start(&settings.endpoint, spans)?;
    let seed = Chance::of_system().draw_u64();
    // The queue of a second one is closed here, and its work ends.
    let _ = TRACER.set(Tracer { queue, percent: settings.percent, seed, count: AtomicU64::new(0) });
    Ok(exporting)
}

/// Whether anything is traced.
pub(crate) fn are_on() -> bool {
    TRACER.get().is_some()
}

/// Does something on behalf of a request, whose headers may name a trace.
pub(crate) async fn on_behalf_of<T>(traceparent: Option<&str>, work: impl Future<Output = T>) -> T {
    if !are_on() {
        return work.await;
    }
    CALLER.scope(traceparent.and_then(|text| text.parse().ok()), work).await
}

/// The trace that the request under way is part of, as its caller says.
pub(crate) fn of_caller() -> Option<TraceParent> {
    CALLER.try_with(|caller| *caller).ok().flatten()
}

/// The mixing steps of SplitMix64: neighbours look unrelated.
const fn mixed(n: u64) -> u64 {
    let n = (n ^ (n >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    n ^ (n >> 31)
}

fn folded(n: u128) -> u64 {
    let [a, b, c, d, e, f, g, h, rest @ ..] = n.to_be_bytes();
    mixed(u64::from_be_bytes([a, b, c, d, e, f, g, h]) ^ mixed(u64::from_be_bytes(rest)))
}

/// The trace of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Trace {
    id: u128,
    /// The span of its acceptance.
    root: u64,
    caller: Option<u64>,
    message: MessageId,
}

impl Trace {
    /// That of a message, where it is traced: as the caller says, else by chance that is the same everywhere.
    pub(crate) fn of(message: MessageId, origin: Option<&Origin>) -> Option<Self> {
        Self::known(message, origin.and_then(|origin| origin.trace))
    }

    /// As [`Trace::of`], where what its caller says is at hand.
    pub(crate) fn known(message: MessageId, parent: Option<TraceParent>) -> Option<Self> {
        Self::under(message, parent, TRACER.get()?.percent)
    }

    /// That of the message of which an event tells.
    pub(crate) fn told(event: &EventBody) -> Option<Self> {
        match event {
            EventBody::MessageStatus { message, origin, .. } => Self::of(*message, origin.as_deref()),
            EventBody::MessageReceived { message, .. }
            | EventBody::MessageEdited { message, .. }
            | EventBody::MessageRevoked { message, .. } => Self::of(*message, None),
            _ => None,
        }
    }

    fn under(message: MessageId, parent: Option<TraceParent>, percent: u32) -> Option<Self> {
        let is_traced = match parent {
            Some(parent) => parent.sampled,
            None => folded(message.0) % 100 < u64::from(percent),
        };
        let id = parent.map_or(message.0, |parent| parent.trace);
        let root = folded(message.0.rotate_left(1)) | 1;
        // Zero names no trace.
        (is_traced && id != 0).then_some(Self { id, root, caller: parent.map(|parent| parent.span), message })
    }

    /// The span of its acceptance, or of its being heard: what brought it here.
    pub(crate) fn root(self, name: &'static str, kind: Kind) -> Span {
        Span::begun(self, self.root, self.caller, name, kind)
    }

    /// A span under that one.
    pub(crate) fn span(self, name: &'static str, kind: Kind) -> Span {
        let next = TRACER.get().map_or(0, |tracer| {
            tracer.seed.wrapping_add(tracer.count.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9E37_79B9_7F4A_7C15))
        });
        // Zero names no span.
        Span::begun(self, mixed(next) | 1, Some(self.root), name, kind)
    }
}

/// On which side of a call a span is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Neither.
    Internal,
    /// It is called.
    Server,
    /// It calls.
    Client,
}

/// What an attribute holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Text(Cow<'static, str>),
    Number(i64),
}

impl From<&'static str> for Value {
    fn from(text: &'static str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

/// Something that was done for a message, and how long it took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Span {
    trace: u128,
    id: u64,
    parent: Option<u64>,
    name: &'static str,
    kind: Kind,
    began: SystemTime,
    ended: SystemTime,
    attributes: Vec<(&'static str, Value)>,
    /// Why it failed, as a word or a sentence without content.
    failure: Option<String>,
}

impl Span {
    fn begun(trace: Trace, id: u64, parent: Option<u64>, name: &'static str, kind: Kind) -> Self {
        let began = SystemTime::now();
        let attributes = vec![("transom.message.id", trace.message.to_string().into())];
        Self { trace: trace.id, id, parent, name, kind, began, ended: began, attributes, failure: None }
    }

    /// It began then, and not only now.
    pub(crate) fn since(mut self, began: SystemTime) -> Self {
        self.began = began;
        self
    }

    /// With something that is known of it.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.attributes.push((name, value.into()));
        self
    }

    /// With why it failed, if it did.
    pub(crate) fn failed(mut self, why: Option<impl Into<String>>) -> Self {
        self.failure = why.map(Into::into);
        self
    }

    /// What calls made in it say of their trace.
    pub(crate) fn traceparent(&self) -> String {
        TraceParent { trace: self.trace, span: self.id, sampled: true }.to_string()
    }

    /// It ends now, and is told.
    pub(crate) fn end(mut self) {
        self.ended = SystemTime::now();
        if TRACER.get().is_none_or(|tracer| tracer.queue.try_send(self).is_err()) {
            telemetry::spans("dropped", 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: MessageId = MessageId(0x0199_8f8b_8f8b_0000_0000_0000_0000_0007);

    #[test]
    fn a_message_is_its_own_trace_unless_its_caller_has_one() {
        let own = Trace::under(ID, None, 100).unwrap();
        assert_eq!((own.id, own.caller), (ID.0, None));
        // The same wherever it is asked for: in another process, after a restart.
        assert_eq!(Trace::under(ID, None, 100), Some(own));
        let parent = TraceParent { trace: 7, span: 9, sampled: true };
        let theirs = Trace::under(ID, Some(parent), 0).unwrap();
        assert_eq!((theirs.id, theirs.root, theirs.caller), (7, own.root, Some(9)));
        // Who does not record a trace is not recorded in it.
        assert_eq!(Trace::under(ID, Some(TraceParent { sampled: false, ..parent }), 100), None);
    }

    #[test]
    fn a_share_of_messages_is_traced_and_always_the_same() {
        let traced = |percent| (0..10_000_u128).filter(|n| Trace::under(MessageId(ID.0 + n), None, percent).is_some()).count();
        assert_eq!((traced(0), traced(100)), (0, 10_000));
        assert!((800..1_200).contains(&traced(10)), "{}", traced(10));
    }
}
