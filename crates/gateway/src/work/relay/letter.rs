//! What leaves for an endpoint: of each form its bytes, and the headers that name and sign them. Forms differ here and nowhere else.

use ::http::Request;
use bytes::Bytes;
use url::Url;

use transom_domain::endpoint::Payload;
use transom_domain::event::Event;
use transom_domain::id::{EndpointId, EventId};
use transom_domain::time::Timestamp;
use transom_store::{JournalEntry, Role};

use crate::media::links::Links;
use crate::native::events::{event_text, test_text};
use crate::native::payload::payload;
use crate::signing::Signer;

/// A delivery, but for its signature: that has the moment at which it leaves.
pub(super) struct Letter {
    /// Names it: a receiver knows a repetition by it.
    id: String,
    /// Which try this is, from 1 on.
    attempt: u32,
    form: Form,
    body: Bytes,
    /// Which trace its message is part of, where it is traced.
    traceparent: Option<String>,
}

/// In what form an endpoint is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// The published payloads, signed as their publisher signs too.
    Published,
    /// Events, as `GET events` shows them.
    Event,
    /// Meta's bytes, signed as Meta signs too.
    Raw,
}

impl Form {
    fn of(role: &Role) -> Self {
        match role {
            Role::Published(_) => Self::Published,
            Role::Own(own) => match own.manner.payload {
                Payload::Event => Self::Event,
                Payload::Raw => Self::Raw,
            },
            // Never asked for: callbacks have a form and a way of their own (`callbacks`).
            Role::Callbacks => Self::Event,
        }
    }
}

impl Letter {
    /// Of an event; none where the endpoint's topic tells nothing of it.
    pub(super) fn of_event(role: &Role, event: &Event, attempt: u32, links: &Links) -> Option<Self> {
        let body = match role {
            Role::Published(registration) => {
                let mut payload = payload(event, registration.topic)?;
                links.sign(event.business, &mut payload);
                payload.to_string()
            }
            Role::Own(_) | Role::Callbacks => event_text(event, links),
        };
        Some(Self { id: event.id.to_string(), attempt, form: Form::of(role), body: body.into(), traceparent: None })
    }

    /// With the trace that its message is part of.
    pub(super) fn traced(self, traceparent: Option<String>) -> Self {
        Self { traceparent, ..self }
    }

    /// Of one of Meta's webhooks, as it came.
    pub(super) fn of_body(entry: JournalEntry, attempt: u32) -> Self {
        Self { id: entry.head.id.to_string(), attempt, form: Form::Raw, body: entry.raw.into(), traceparent: None }
    }

    /// Of nothing, to see what the endpoint answers.
    pub(super) fn of_test(role: &Role, id: EventId, endpoint: EndpointId, now: Timestamp) -> Self {
        Self {
            id: id.to_string(),
            attempt: 1,
            form: Form::of(role),
            body: test_text(id, endpoint, now).into(),
            traceparent: None,
        }
    }

    /// The call. `stamp` is the machine's time in Unix seconds, which receivers compare with theirs; `now` is world time.
    pub(super) fn into_request(
        self,
        url: &Url,
        signer: &Signer,
        stamp: &str,
        now: Timestamp,
    ) -> Result<Request<Bytes>, ::http::Error> {
        let Self { id, attempt, form, body, traceparent } = self;
        let signatures = signer.sign(&id, stamp, &body, now);
        let content_type = match form {
            Form::Published | Form::Event => "application/json; charset=utf-8",
            Form::Raw => "application/json",
        };
        let mut request = Request::post(url.as_str())
            .header("content-type", content_type)
            .header("webhook-id", &id)
            .header("webhook-timestamp", stamp)
            .header("webhook-signature", signatures.standard)
            .header("x-gateway-event-id", &id)
            .header("x-gateway-attempt", attempt);
        if let Some(traceparent) = traceparent {
            request = request.header("traceparent", traceparent);
        }
        match form {
            Form::Event => {}
            Form::Published => {
                request = request
                    .header("x-gateway-hmac-sha256", &signatures.published)
                    .header("x-connectly-hmac-sha256", signatures.published);
                if let Some(previous) = signatures.published_previous {
                    request = request.header("x-gateway-hmac-sha256-previous", previous);
                }
            }
            Form::Raw => request = request.header("x-hub-signature-256", signer.hub(&body)),
        }
        request.body(body)
    }
}
