//! The way out: one exchange of HTTP. The house asks a trait for it, so that whole-system trials can put a network of their own
//! in between; everything else about a call (what it says, what its answer means) is decided on this side of it.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use ::http::Request;
use bytes::Bytes;

use crate::service::AddressRules;

/// After this a connection that cannot be made counts as refused.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a connection is kept for the next call: less than the idle timeouts that servers commonly have.
const KEEP_IDLE: Duration = Duration::from_secs(30);

/// What became of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Called {
    /// The other side answered.
    Answer {
        /// HTTP status.
        status: u16,
        /// Body.
        body: Bytes,
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

/// A call under way; it borrows its wire.
pub type Calling<'a> = Pin<Box<dyn Future<Output = Called> + Send + 'a>>;

/// One way out, with its own connections and time limits.
pub trait Wire: Send + Sync + 'static {
    /// Sends a request with an absolute URI and reads the answer. Redirects are answers, and nothing is tried twice.
    fn call(&self, request: Request<Bytes>, wanted: Wanted) -> Calling<'_>;
}

/// The two ways out of the house.
#[derive(Clone)]
pub struct Wires {
    /// To Meta.
    pub upstream: Arc<dyn Wire>,
    /// To webhook endpoints.
    pub endpoints: Arc<dyn Wire>,
}

impl Wires {
    /// Over HTTP. Meta may be behind the proxy that the environment names; endpoints are called directly, and only where
    /// `addresses` lets them be.
    ///
    /// # Errors
    /// When TLS cannot be set up, as a sentence.
    pub fn http(upstream_timeout: Duration, endpoint_timeout: Duration, addresses: AddressRules) -> Result<Self, String> {
        Ok(Self {
            upstream: Arc::new(Http::upstream(upstream_timeout)?),
            endpoints: Arc::new(Http::endpoints(endpoint_timeout, addresses)?),
        })
    }
}

/// A pooled HTTP client.
#[derive(Debug, Clone)]
pub struct Http {
    client: reqwest::Client,
}

impl Http {
    /// Towards Meta.
    ///
    /// # Errors
    /// When TLS cannot be set up, as a sentence.
    pub fn upstream(timeout: Duration) -> Result<Self, String> {
        Self::of(Self::builder(timeout))
    }

    /// Towards webhook endpoints: no proxy, and no way into a private network unless `addresses` allows it.
    ///
    /// # Errors
    /// When TLS cannot be set up, as a sentence.
    pub fn endpoints(timeout: Duration, addresses: AddressRules) -> Result<Self, String> {
        let mut client = Self::builder(timeout).no_proxy();
        if !addresses.allow_private {
            client = client.dns_resolver(Arc::new(Reachable(addresses)));
        }
        Self::of(client)
    }

    fn builder(timeout: Duration) -> reqwest::ClientBuilder {
        reqwest::Client::builder()
            .connect_timeout(timeout.min(CONNECT_TIMEOUT))
            .timeout(timeout)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .tcp_nodelay(true)
            .pool_idle_timeout(KEEP_IDLE)
            .user_agent(concat!("transom/", env!("CARGO_PKG_VERSION")))
    }

    fn of(client: reqwest::ClientBuilder) -> Result<Self, String> {
        Ok(Self { client: client.build().map_err(|why| in_words(&why))? })
    }

    async fn exchange(&self, request: Request<Bytes>, wanted: Wanted) -> Called {
        let request = match reqwest::Request::try_from(request) {
            Ok(request) => request,
            Err(why) => return Called::NeverLeft(in_words(&why)),
        };
        let mut answer = match self.client.execute(request).await {
            Ok(answer) => answer,
            Err(why) if why.is_connect() || why.is_builder() => return Called::NeverLeft(in_words(&why)),
            Err(why) => return Called::Lost(in_words(&why)),
        };
        let status = answer.status().as_u16();
        let (Wanted::Whole(max) | Wanted::Status(max)) = wanted;
        let mut body = Vec::new();
        loop {
            match answer.chunk().await {
                Ok(None) => return Called::Answer { status, body: body.into() },
                Ok(Some(chunk)) if body.len() + chunk.len() <= max => body.extend_from_slice(&chunk),
                _ if matches!(wanted, Wanted::Status(_)) => return Called::Answer { status, body: Bytes::new() },
                Ok(Some(_)) => return Called::Lost(format!("the body is larger than {max} bytes")),
                Err(why) => return Called::Lost(in_words(&why)),
            }
        }
    }
}

impl Wire for Http {
    fn call(&self, request: Request<Bytes>, wanted: Wanted) -> Calling<'_> {
        Box::pin(self.exchange(request, wanted))
    }
}

/// The innermost cause, without the address (a token could be in it).
#[must_use]
pub fn in_words(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "timed out".to_owned();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// Resolves names and leaves out what may not be called.
struct Reachable(AddressRules);

impl reqwest::dns::Resolve for Reachable {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let rules = self.0;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|a| rules.reaches(a.ip())).collect();
            if public.is_empty() {
                return Err("the name leads to a private network, or nowhere".into());
            }
            Ok(Box::new(public.into_iter()) as reqwest::dns::Addrs)
        })
    }
}
