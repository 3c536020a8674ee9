//! The way out: one exchange of HTTP. The house asks a trait for it, so that whole-system trials can put a network of their own
//! in between; everything else about a call (what it says, what its answer means) is decided on this side of it.

mod http;
pub mod stream;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use ::http::Request;
use bytes::Bytes;

pub use self::http::Http;
use self::stream::{Carrier, NoWay, Streams};
use crate::service::AddressRules;

/// How long the head of a link's answer is waited for: a caller waits meanwhile.
const LINK_TIMEOUT: Duration = Duration::from_secs(5);

/// What became of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Called {
    /// The other side answered.
    Answer {
        /// HTTP status.
        status: u16,
        /// Body.
        body: Bytes,
        /// When to come again, as it stands in `Retry-After`.
        retry_after: Option<String>,
    },
    /// Nothing left: it can be called again without a doubt.
    NeverLeft(String),
    /// It may have arrived; nobody knows.
    Lost(String),
}

/// How much of an answer's body is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// All of it; one with more bytes than this counts as lost.
    Whole(usize),
    /// Nothing but the status; the body is read up to this many bytes, so that the connection can be used again.
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
        })
    }

    /// Over these two, without a way for files.
    #[must_use]
    pub fn without_files(upstream: Arc<dyn Wire>, endpoints: Arc<dyn Wire>) -> Self {
        Self { upstream, endpoints, files: Arc::new(NoWay), links: Arc::new(NoWay) }
    }
}
