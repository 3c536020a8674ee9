//! The way out: one exchange of HTTP. The house asks a trait for it, so that whole-system trials can put a network of their own
//! in between; everything else about a call (what it says, what its answer means) is decided on this side of it.

mod http;
pub mod stream;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use ::http::header::RETRY_AFTER;
use ::http::{HeaderMap, HeaderValue, Request};
use bytes::Bytes;

pub use self::http::Http;
use self::stream::{Carrier, NoWay, Streams};
use crate::service::AddressRules;

/// How long the head of a link's answer is waited for: a caller waits meanwhile.
const LINK_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a replica may take to hear a hint: it is worth nothing when it is late.
const HINT_TIMEOUT: Duration = Duration::from_secs(2);

/// What became of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Called {
    /// The other side answered.
    Answer {
        /// HTTP status.
        status: u16,
        /// Body.
        body: Bytes,
        /// Headers.
        headers: HeaderMap,
    },
    /// Nothing left: it can be called again without a doubt.
    NeverLeft(String),
    /// It may have arrived; nobody knows.
    Lost(String),
}

impl Called {
    /// An answer without headers.
    #[must_use]
    pub fn answer(status: u16, body: impl Into<Bytes>) -> Self {
        Self::Answer { status, body: body.into(), headers: HeaderMap::new() }
    }

    /// With when to come again, in `Retry-After`; only of an answer, and of what can stand in a header.
    #[must_use]
    pub fn again_after(mut self, text: &str) -> Self {
        if let (Self::Answer { headers, .. }, Ok(value)) = (&mut self, HeaderValue::from_str(text)) {
            headers.insert(RETRY_AFTER, value);
        }
        self
    }
}

/// How much of an answer's body is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// All of it; one with more bytes than this counts as lost.
    Whole(usize),
    /// Nothing rests on more than the status; the body is read up to this many bytes, so that the connection can be used again, and
    /// may be cut.
    Status(usize),
}

/// Within what time a connection for a call must be made, where that is not as the wire has it: an extension of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectWithin(pub Duration);

/// A call under way; it borrows its wire.
pub type Calling<'a> = Pin<Box<dyn Future<Output = Called> + Send + 'a>>;

/// One way out, with its own connections and time limits.
pub trait Wire: Send + Sync + 'static {
    /// Sends a request with an absolute URI and reads the answer. Redirects are answers, and nothing is tried twice.
    fn call(&self, request: Request<Bytes>, wanted: Wanted) -> Calling<'_>;
}

/// No way at all.
pub struct NoWire;

impl Wire for NoWire {
    fn call(&self, _: Request<Bytes>, _: Wanted) -> Calling<'_> {
        Box::pin(async { Called::NeverLeft("there is no way".to_owned()) })
    }
}

/// The ways out of the house.
#[derive(Clone)]
pub struct Wires {
    /// To Meta.
    pub upstream: Arc<dyn Wire>,
    /// To webhook endpoints.
    pub endpoints: Arc<dyn Wire>,
    /// To Meta, for files.
    pub files: Arc<dyn Carrier>,
    /// To where callers say that files are.
    pub links: Arc<dyn Carrier>,
    /// To other replicas.
    pub replicas: Arc<dyn Wire>,
}

impl Wires {
    /// Over HTTP. Meta at an `https` address may be behind the proxy that the environment names (`HTTPS_PROXY`, `NO_PROXY`);
    /// endpoints are called directly, and only where `addresses` lets them be.
    ///
    /// # Errors
    /// When TLS cannot be set up, as a sentence.
    pub fn http(
        graph_url: &str,
        upstream_timeout: Duration,
        endpoint_timeout: Duration,
        addresses: AddressRules,
    ) -> Result<Self, String> {
        Ok(Self {
            upstream: Arc::new(Http::upstream(graph_url, upstream_timeout)?),
            endpoints: Arc::new(Http::endpoints(endpoint_timeout, addresses)?),
            files: Arc::new(Streams::upstream(graph_url, upstream_timeout)?),
            links: Arc::new(Streams::outside(LINK_TIMEOUT, addresses)?),
            replicas: Arc::new(Http::replicas(HINT_TIMEOUT)?),
        })
    }

    /// Over these two, without a way for files or to other replicas.
    #[must_use]
    pub fn without_files(upstream: Arc<dyn Wire>, endpoints: Arc<dyn Wire>) -> Self {
        Self { upstream, endpoints, files: Arc::new(NoWay), links: Arc::new(NoWay), replicas: Arc::new(NoWire) }
    }
}
