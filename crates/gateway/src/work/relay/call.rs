//! One delivery: what is sent to an endpoint, and what its answer means.

use std::sync::Arc;
use std::time::Duration;

use ::http::Request;
use ::http::header::RETRY_AFTER;
use bytes::Bytes;

use transom_domain::endpoint::honoured;
use transom_domain::event::Event;
use transom_domain::id::EventId;
use transom_domain::time::{Span, Timestamp};
use transom_store::{Attempted, Endpoint, EndpointAnswer, JournalEntry, Role};

use super::Inner;
use super::answers::kept;
use super::letter::Letter;
use crate::signing::Signer;
use crate::telemetry;
use crate::traces::{Kind, Span as Traced, Trace};
use crate::twilio::callback::book::Book;
use crate::twilio::callback::twiml::Remark;
use crate::wire::{Called, Wanted};

/// Largest answer of an endpoint that is read; nothing in it is used but the head, its beginning is kept to be looked at.
const ANSWER_MAX: usize = 20 * 1024;

/// Why callbacks wait: each is signed.
const NO_TOKEN: &str = "its business has no auth token to sign with; `transom twilio credentials` makes one";

/// What deliveries are signed with, and so in which form they are.
#[derive(Clone)]
pub(super) enum Signing {
    /// After Standard Webhooks, and as the published provider signs.
    Standard(Arc<Signer>),
    /// As Twilio signs.
    Twilio(Arc<Book>),
}

/// What became of a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tested {
    /// Names it in the headers that were sent.
    pub id: EventId,
    /// The HTTP status, where there was an answer.
    pub status: Option<u16>,
    /// How long it took, in milliseconds.
    pub millis: u32,
    /// Why it was not taken, if it was not.
    pub error: Option<String>,
}

/// What became of a delivery.
pub(super) struct Told {
    pub(super) attempt: Attempted,
    pub(super) result: Result<(), NotTold>,
    /// What was answered, as people see it.
    pub(super) answer: Option<EndpointAnswer>,
    /// What of an answer could not be done; the delivery counts as taken for all that.
    pub(super) remarks: Vec<Remark>,
}

impl Told {
    /// There was nothing to tell.
    pub(super) fn nothing(at: Timestamp) -> Self {
        Self { attempt: Attempted { at, status: None, millis: 0 }, result: Ok(()), answer: None, remarks: Vec::new() }
    }
}

/// Why it was not taken.
pub(super) struct NotTold {
    pub(super) why: String,
    /// The endpoint said that it is gone for good.
    pub(super) gone: bool,
    /// The endpoint said when to come again.
    pub(super) wait: Option<Span>,
    /// And that it means all deliveries, not only this one.
    pub(super) busy: bool,
    /// It is about this event only: others neither wait for it nor are kept away.
    pub(super) alone: bool,
    /// It is not tried again: its owner has chosen so.
    pub(super) over: bool,
}

impl NotTold {
    pub(super) fn plain(why: String) -> Self {
        Self { why, gone: false, wait: None, busy: false, alone: false, over: false }
    }
}

impl Inner {
    /// What deliveries of an endpoint are signed with now, in whatever form it is told.
    pub(super) fn signing(&self, endpoint: &Endpoint) -> Result<Signing, String> {
        if endpoint.role != Role::Callbacks {
            return self.signer(endpoint).map(Signing::Standard);
        }
        let book = self.parts.directory.now().callbacks(endpoint.business).cloned();
        let book = book.filter(|book| book.token.is_some());
        book.map(Signing::Twilio).ok_or_else(|| NO_TOKEN.to_owned())
    }

    /// What deliveries of an endpoint in our own form are signed with now.
    pub(super) fn signer(&self, endpoint: &Endpoint) -> Result<Arc<Signer>, String> {
        match &endpoint.role {
            Role::Published(_) => {
                let signer = self.parts.directory.now().signer(endpoint.business).cloned();
                signer.ok_or_else(|| "its business has no webhook secret yet".to_owned())
            }
            Role::Own(own) => {
                let open = |sealed| self.parts.key.open_text(sealed).map_err(|why| why.to_string());
                let present = open(&own.secret)?;
                let previous = match &own.previous {
                    Some((sealed, until)) => Some((open(sealed)?, *until)),
                    None => None,
                };
                let previous = previous.as_ref().map(|(secret, until)| (secret.as_str(), *until));
                Ok(Arc::new(Signer::new(&present, previous)))
            }
            Role::Callbacks => Err("it is told at the addresses that messages and senders name".to_owned()),
        }
    }

    /// Tells an endpoint of an event; one that its topic does not tell of counts as told.
    pub(super) async fn deliver(&self, endpoint: &Endpoint, signing: &Signing, event: &Event, attempt: u32) -> Told {
        let span = Trace::told(&event.body).map(|trace| trace.span("deliver", Kind::Client));
        let told = self.deliver_in(endpoint, signing, event, attempt, span.as_ref().map(Traced::traceparent)).await;
        // What an endpoint's topic leaves out took no time and left nothing.
        if let Some(span) = span.filter(|_| told.attempt.status.is_some() || told.result.is_err()) {
            let span = span.with("transom.endpoint.id", endpoint.id.to_string()).with("transom.attempt", attempt);
            let span = span.with("transom.event.id", event.id.to_string()).with("transom.event.type", event.body.name());
            let span = match told.attempt.status {
                Some(status) => span.with("http.response.status_code", u32::from(status)),
                None => span,
            };
            span.failed(told.result.as_ref().err().map(|failure| failure.why.clone())).end();
        }
        told
    }

    async fn deliver_in(
        &self,
        endpoint: &Endpoint,
        signing: &Signing,
        event: &Event,
        attempt: u32,
        traceparent: Option<String>,
    ) -> Told {
        match signing {
            Signing::Standard(signer) => match Letter::of_event(&endpoint.role, event, attempt, &self.parts.links) {
                Some(letter) => self.send(endpoint, signer, letter.traced(traceparent)).await,
                None => Told::nothing(self.parts.clock.now()),
            },
            Signing::Twilio(book) => {
                let told = Box::pin(self.call_back(book, event, attempt)).await;
                telemetry::delivery(if told.result.is_ok() { "told" } else { "failed" });
                told
            }
        }
    }

    /// Tells an endpoint of one of Meta's webhooks.
    pub(super) async fn deliver_raw(&self, endpoint: &Endpoint, signer: &Signer, entry: JournalEntry, attempt: u32) -> Told {
        self.send(endpoint, signer, Letter::of_body(entry, attempt)).await
    }

    async fn send(&self, endpoint: &Endpoint, signer: &Signer, letter: Letter) -> Told {
        let told = self.post(endpoint, signer, letter).await;
        telemetry::delivery(if told.result.is_ok() { "told" } else { "failed" });
        told
    }

    /// See [`super::Relay::test`].
    pub(super) async fn test(&self, endpoint: &Endpoint) -> Tested {
        let now = self.parts.clock.now();
        let id = EventId::compose(now, self.parts.chance.draw());
        let signer = match self.signer(endpoint) {
            Ok(signer) => signer,
            Err(why) => return Tested { id, status: None, millis: 0, error: Some(why) },
        };
        let told = self.post(endpoint, &signer, Letter::of_test(&endpoint.role, id, endpoint.id, now)).await;
        let Attempted { status, millis, .. } = told.attempt;
        Tested { id, status, millis, error: told.result.err().map(|failure| failure.why) }
    }

    async fn post(&self, endpoint: &Endpoint, signer: &Signer, letter: Letter) -> Told {
        let parts = &self.parts;
        let at = parts.clock.now();
        let begun = tokio::time::Instant::now();
        let mut answer = None;
        let (status, result) = match self.request(endpoint, signer, letter, at) {
            Err(why) => (None, Err(NotTold::plain(why))),
            Ok(request) => {
                let own = if let Role::Own(own) = &endpoint.role { own.manner.timeout } else { None };
                let limit = own.map_or(parts.timeout, |seconds| Duration::from_secs(u64::from(seconds)));
                let call = parts.wire.call(request, Wanted::Status(ANSWER_MAX));
                let called = tokio::time::timeout(limit, call).await;
                telemetry::delivering(begun.elapsed());
                let called = called.unwrap_or_else(|_| Called::Lost("timed out".to_owned()));
                answer = kept(&called);
                judge(called, at)
            }
        };
        let millis = u32::try_from(begun.elapsed().as_millis()).unwrap_or(u32::MAX);
        Told { attempt: Attempted { at, status, millis }, result, answer, remarks: Vec::new() }
    }

    fn request(&self, endpoint: &Endpoint, signer: &Signer, letter: Letter, now: Timestamp) -> Result<Request<Bytes>, String> {
        let url = self.parts.addresses.check(&endpoint.address).map_err(|problem| problem.message)?;
        // Signature stamps go by the machine's clock: receivers compare them with theirs.
        let stamp = self.parts.clock.machine_now().as_secs().to_string();
        letter.into_request(&url, signer, &stamp, now).map_err(|why| why.to_string())
    }
}

pub(super) fn judge(called: Called, now: Timestamp) -> (Option<u16>, Result<(), NotTold>) {
    match called {
        Called::Answer { status: status @ 200..=299, .. } => (Some(status), Ok(())),
        Called::Answer { status: 410, .. } => {
            let why = "HTTP 410: the endpoint is gone".to_owned();
            (Some(410), Err(NotTold { gone: true, ..NotTold::plain(why) }))
        }
        Called::Answer { status: status @ 300..=399, .. } => {
            let why = format!("HTTP {status}: redirects are not followed; give the address that it leads to");
            (Some(status), Err(NotTold::plain(why)))
        }
        Called::Answer { status, headers, .. } => {
            let asked = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
            let wait = asked.and_then(|text| waits(text, now)).map(honoured);
            let why = match wait {
                Some(wait) => format!("HTTP {status}, and not again for {} seconds", wait.as_millis() / 1_000),
                None => format!("HTTP {status}"),
            };
            (Some(status), Err(NotTold { wait, busy: matches!(status, 429 | 503), ..NotTold::plain(why) }))
        }
        Called::NeverLeft(why) | Called::Lost(why) => (None, Err(NotTold::plain(why))),
    }
}

/// `Retry-After`: seconds, or a date (RFC 9110, 10.2.3). What is neither is none.
fn waits(text: &str, now: Timestamp) -> Option<Span> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(Span::secs(i64::from(seconds)));
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(Timestamp::from_millis(date.as_millisecond()).since(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn not_told(status: u16, retry_after: Option<&str>) -> NotTold {
        let answer = Called::answer(status, Bytes::new()).again_after(retry_after.unwrap_or_default());
        judge(answer, Timestamp::from_secs(1_445_412_420)).1.err().unwrap()
    }

    #[test]
    fn a_wish_to_wait_is_seconds_or_a_date() {
        for (text, seconds) in [
            ("120", Some(120)),
            ("0", Some(1)),
            ("99999999", Some(86_400)),
            ("Wed, 21 Oct 2015 07:28:00 GMT", Some(60)),
            ("Wed, 21 Oct 2015 07:00:00 GMT", Some(1)),
            ("soon", None),
            ("-5", None),
            ("", None),
        ] {
            assert_eq!(not_told(503, Some(text)).wait, seconds.map(Span::secs), "{text}");
        }
    }

    #[test]
    fn only_some_answers_speak_for_the_whole_endpoint() {
        assert!(not_told(429, None).busy && not_told(503, None).busy && !not_told(500, Some("9")).busy);
        assert!(not_told(410, None).gone && !not_told(404, None).gone);
        assert!(not_told(302, None).why.contains("redirects are not followed"));
    }

    #[test]
    fn what_is_2xx_is_told() {
        let answer = |status| Called::answer(status, Bytes::new());
        assert!(judge(answer(204), Timestamp::EPOCH).1.is_ok());
        assert!(judge(Called::Lost("timed out".into()), Timestamp::EPOCH).1.is_err());
    }
}
