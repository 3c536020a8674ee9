//! Files over HTTP: bodies that flow, in both directions, with a limit on every pause instead of one on the whole.

use std::pin::Pin;
use std::time::Duration;

use ::http::header::USER_AGENT;
use ::http::{HeaderMap, Request};
use bytes::Bytes;
use futures::{Stream, StreamExt as _, TryStreamExt as _};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Empty, StreamBody};
use hyper::body::Frame;

use super::http::{AGENT, Resolver, Way, client, connector, in_words, look_up, secured, way_to};
use crate::service::AddressRules;

/// Why a body broke off, in a sentence.
pub type Broken = String;
/// Bytes as they come.
pub type Flow = Pin<Box<dyn Stream<Item = Result<Bytes, Broken>> + Send>>;
type Body = UnsyncBoxBody<Bytes, Box<dyn std::error::Error + Send + Sync>>;

/// What is given along with a request.
pub enum Load {
    /// Nothing.
    Nothing,
    /// So many bytes.
    Bytes(u64, Flow),
}

/// An answer whose head is here.
pub struct Opened {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// Body, still to come.
    pub body: Flow,
}

/// Why there is no answer, in a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoAnswer(pub String);

/// A call under way; it borrows its carrier.
pub type Opening<'a> = Pin<Box<dyn Future<Output = Result<Opened, NoAnswer>> + Send + 'a>>;

/// One way out for files.
pub trait Carrier: Send + Sync + 'static {
    /// Sends a request with an absolute URI, and answers once the head of the answer is here. Redirects are answers.
    fn open(&self, request: Request<()>, load: Load) -> Opening<'_>;
}

/// The next bytes of a body, within a limit; none at its end.
///
/// # Errors
/// When it breaks off or pauses for too long.
pub async fn next(body: &mut Flow, pause: Duration) -> Result<Option<Bytes>, Broken> {
    match tokio::time::timeout(pause, body.next()).await {
        Ok(next) => next.transpose(),
        Err(_) => Err(format!("nothing came for {} seconds", pause.as_secs())),
    }
}

/// Streams over HTTP/1.1 and TLS.
#[derive(Debug)]
pub struct Streams {
    client: Way<Body>,
    head: Duration,
}

impl Streams {
    /// Towards Meta, through the proxy of the environment where it names one.
    ///
    /// # Errors
    /// When the address is none or TLS cannot be set up, as a sentence.
    pub fn upstream(graph_url: &str, head: Duration) -> Result<Self, String> {
        Ok(Self { client: way_to(graph_url, head)?, head })
    }

    /// Towards addresses that callers give: no proxy, and no way into a private network unless `addresses` allows it.
    ///
    /// # Errors
    /// When TLS cannot be set up, as a sentence.
    pub fn outside(head: Duration, addresses: AddressRules) -> Result<Self, String> {
        let connector = connector(Resolver { rules: Some(addresses), look_up });
        Ok(Self { client: Way::Direct(client(secured(connector, head)?)), head })
    }

    async fn exchange(&self, request: Request<()>, load: Load) -> Result<Opened, NoAnswer> {
        let uploads = matches!(load, Load::Bytes(..));
        let (body, length) = match load {
            Load::Nothing => (Empty::new().map_err(|never| match never {}).boxed_unsync(), None),
            Load::Bytes(length, flow) => {
                let frames = flow.map_ok(Frame::data).map_err(|why| -> Box<dyn std::error::Error + Send + Sync> { why.into() });
                (StreamBody::new(frames).boxed_unsync(), Some(length))
            }
        };
        let mut request = request.map(|()| body);
        request.headers_mut().entry(USER_AGENT).or_insert(AGENT);
        if let Some(length) = length {
            request.headers_mut().insert(::http::header::CONTENT_LENGTH, length.into());
        }
        let sent = self.client.request(request);
        // What is uploaded takes as long as it takes: the pauses of its flow are its limit, and the answer comes after it.
        let answered = if uploads { Ok(sent.await) } else { tokio::time::timeout(self.head, sent).await };
        let answer = match answered {
            Ok(Ok(answer)) => answer,
            Ok(Err(why)) => return Err(NoAnswer(in_words(&why))),
            Err(_) => return Err(NoAnswer("timed out".to_owned())),
        };
        let (parts, body) = answer.into_parts();
        let body = body.into_data_stream().map_err(|why| super::http::innermost(&why));
        Ok(Opened { status: parts.status.as_u16(), headers: parts.headers, body: Box::pin(body) })
    }
}

impl Carrier for Streams {
    fn open(&self, request: Request<()>, load: Load) -> Opening<'_> {
        Box::pin(self.exchange(request, load))
    }
}

/// No way out at all: for a house that fetches nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoWay;

impl Carrier for NoWay {
    fn open(&self, _: Request<()>, _: Load) -> Opening<'_> {
        Box::pin(async { Err(NoAnswer("there is no way out".to_owned())) })
    }
}
