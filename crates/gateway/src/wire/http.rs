//! The wire over HTTP/1.1 and TLS: a pool of connections, and what its errors say about what has left.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use ::http::header::{HeaderValue, USER_AGENT};
use ::http::{Request, Uri};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::{Client, Error, ResponseFuture};
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::{Called, Calling, ConnectWithin, Wanted, Wire};
use crate::service::AddressRules;

/// After this a connection that cannot be made counts as refused.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a connection is kept for the next call: less than the idle timeouts that servers commonly have.
const KEEP_IDLE: Duration = Duration::from_secs(30);
/// What we call ourselves.
pub(super) const AGENT: HeaderValue = HeaderValue::from_static(concat!("transom/", env!("CARGO_PKG_VERSION")));

pub(super) type Direct = InTime<HttpsConnector<HttpConnector<Resolver>>>;
pub(super) type Tunnelled = InTime<HttpsConnector<Tunnel<HttpConnector<Resolver>>>>;

tokio::task_local! {
    /// What the call under way says about the time for its connection.
    static CONNECT_WITHIN: ConnectWithin;
}

/// A pooled HTTP client with one time limit for every call.
#[derive(Debug, Clone)]
pub struct Http {
    client: Way<Full<Bytes>>,
    timeout: Duration,
}

/// A client, with or without a proxy.
#[derive(Debug, Clone)]
pub(super) enum Way<B> {
    Direct(Client<Direct, B>),
    Tunnelled(Client<Tunnelled, B>),
}

impl<B> Way<B>
where
    B: hyper::body::Body + Send + Unpin + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    pub(super) fn request(&self, request: Request<B>) -> ResponseFuture {
        match self {
            Self::Direct(client) => client.request(request),
            Self::Tunnelled(client) => client.request(request),
        }
    }
}

/// The way to Meta, through the proxy of the environment where it names one for an `https` address.
///
/// # Errors
/// When the address is none or TLS cannot be set up, as a sentence.
pub(super) fn way_to<B>(graph_url: &str, timeout: Duration) -> Result<Way<B>, String>
where
    B: hyper::body::Body + Send,
    B::Data: Send,
{
    let graph: Uri = graph_url.parse().map_err(|why| format!("{graph_url} is no address: {why}"))?;
    let proxy = Matcher::from_env().intercept(&graph).filter(|_| graph.scheme_str() == Some("https"));
    let connector = connector(Resolver { rules: None, look_up });
    Ok(match proxy {
        None => Way::Direct(client(secured(connector, timeout)?)),
        Some(proxy) => {
            let mut tunnel = Tunnel::new(proxy.uri().clone(), connector);
            if let Some(auth) = proxy.basic_auth() {
                tunnel = tunnel.with_auth(auth.clone());
            }
            Way::Tunnelled(client(secured(tunnel, timeout)?))
        }
    })
}

impl Http {
    /// Towards Meta, through the proxy of the environment where it names one for an `https` address.
    ///
    /// # Errors
    /// When the address is none or TLS cannot be set up, as a sentence.
    pub fn upstream(graph_url: &str, timeout: Duration) -> Result<Self, String> {
        let client = way_to(graph_url, timeout)?;
        Ok(Self { client, timeout })
    }

    /// Towards other replicas: no proxy, wherever they are.
    ///
    /// # Errors
    /// When TLS cannot be set up, as a sentence.
    pub fn replicas(timeout: Duration) -> Result<Self, String> {
        let connector = connector(Resolver { rules: None, look_up });
        Ok(Self { client: Way::Direct(client(secured(connector, timeout)?)), timeout })
    }

    /// Towards webhook endpoints: no proxy, and no way into a private network unless `addresses` allows it.
    ///
    /// # Errors
    /// When TLS cannot be set up, as a sentence.
    pub fn endpoints(timeout: Duration, addresses: AddressRules) -> Result<Self, String> {
        Self::looking_up(timeout, addresses, look_up)
    }

    fn looking_up(timeout: Duration, addresses: AddressRules, look_up: LookUp) -> Result<Self, String> {
        let connector = connector(Resolver { rules: Some(addresses), look_up });
        Ok(Self { client: Way::Direct(client(secured(connector, timeout)?)), timeout })
    }

    async fn exchange(&self, request: Request<Bytes>, wanted: Wanted) -> Called {
        let own = request.extensions().get::<ConnectWithin>().copied();
        let mut request = request.map(Full::new);
        request.headers_mut().entry(USER_AGENT).or_insert(AGENT);
        let asked = self.client.request(request);
        let asked = match own {
            Some(within) => CONNECT_WITHIN.scope(within, asked).await,
            None => asked.await,
        };
        let answer = match asked {
            Ok(answer) => answer,
            Err(why) if why.is_connect() => return Called::NeverLeft(in_words(&why)),
            Err(why) => return Called::Lost(in_words(&why)),
        };
        let (head, mut left) = answer.into_parts();
        let (status, headers) = (head.status.as_u16(), head.headers);
        let (Wanted::Whole(max) | Wanted::Status(max)) = wanted;
        let mut body = Bytes::new();
        let mut more = Vec::new();
        while let Some(frame) = left.frame().await {
            match frame.map(hyper::body::Frame::into_data) {
                Ok(Ok(data)) if body.len().max(more.len()) + data.len() <= max => {
                    // Nearly every answer comes in one piece, which then needs no copy.
                    if body.is_empty() && more.is_empty() {
                        body = data;
                    } else {
                        if more.is_empty() {
                            more.extend_from_slice(&body);
                        }
                        more.extend_from_slice(&data);
                    }
                }
                // Trailers say nothing to us.
                Ok(Err(_)) => {}
                _ if matches!(wanted, Wanted::Status(_)) => break,
                Ok(Ok(_)) => return Called::Lost(format!("the body is larger than {max} bytes")),
                Err(why) => return Called::Lost(innermost(&why)),
            }
        }
        Called::Answer { status, body: if more.is_empty() { body } else { more.into() }, headers }
    }
}

impl Wire for Http {
    fn call(&self, request: Request<Bytes>, wanted: Wanted) -> Calling<'_> {
        Box::pin(async move {
            match tokio::time::timeout(self.timeout, self.exchange(request, wanted)).await {
                Ok(called) => called,
                // It may have left: connecting alone has a shorter limit of its own.
                Err(_) => Called::Lost("timed out".to_owned()),
            }
        })
    }
}

pub(super) fn connector(resolver: Resolver) -> HttpConnector<Resolver> {
    let mut connector = HttpConnector::new_with_resolver(resolver);
    connector.set_nodelay(true);
    connector.enforce_http(false);
    connector
}

pub(super) fn secured<C>(connector: C, timeout: Duration) -> Result<InTime<HttpsConnector<C>>, String> {
    let builder = HttpsConnectorBuilder::new().try_with_platform_verifier().map_err(|why| why.to_string())?;
    let connector = builder.https_or_http().enable_http1().wrap_connector(connector);
    // Shorter than the whole, so that what never left is known to have never left.
    Ok(InTime { connector, limit: CONNECT_TIMEOUT.min(timeout / 2) })
}

/// Makes connections within a limit, from the look-up of the name to the end of the TLS handshake.
#[derive(Debug, Clone)]
pub(super) struct InTime<C> {
    connector: C,
    limit: Duration,
}

pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl<C> tower::Service<Uri> for InTime<C>
where
    C: tower::Service<Uri>,
    C::Future: Send + 'static,
    C::Error: Into<BoxError>,
{
    type Response = C::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<C::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.connector.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let own = CONNECT_WITHIN.try_with(|ConnectWithin(within)| *within).ok();
        let (connecting, limit) = (self.connector.call(to), own.unwrap_or(self.limit));
        Box::pin(async move {
            match tokio::time::timeout(limit, connecting).await {
                Ok(connected) => connected.map_err(Into::into),
                Err(_) => Err("no connection could be made in time".into()),
            }
        })
    }
}

pub(super) fn client<C, B>(connector: C) -> Client<C, B>
where
    C: hyper_util::client::legacy::connect::Connect + Clone,
    B: hyper::body::Body + Send,
    B::Data: Send,
{
    Client::builder(TokioExecutor::new()).pool_idle_timeout(KEEP_IDLE).pool_timer(TokioTimer::new()).build(connector)
}

/// The innermost cause, without the address (a token could be in it).
pub(super) fn in_words(error: &Error) -> String {
    innermost(error)
}

pub(super) fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// Resolves names, and with rules leaves out what may not be called. What is connected to is what was checked: there is no second
/// look-up in between. Literal addresses never come here; the relay checks them before each call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Resolver {
    pub(super) rules: Option<AddressRules>,
    pub(super) look_up: LookUp,
}

/// Every address that a name has now.
pub(super) type LookUp = fn(String) -> Pin<Box<dyn Future<Output = std::io::Result<Vec<SocketAddr>>> + Send>>;

pub(super) fn look_up(name: String) -> Pin<Box<dyn Future<Output = std::io::Result<Vec<SocketAddr>>> + Send>> {
    Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) })
}

type Resolving = Pin<Box<dyn Future<Output = std::io::Result<std::vec::IntoIter<SocketAddr>>> + Send>>;

impl tower::Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = std::io::Error;
    type Future = Resolving;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Resolving {
        let (rules, found) = (self.rules, (self.look_up)(name.as_str().to_owned()));
        Box::pin(async move {
            let found = found.await?.into_iter();
            let reachable: Vec<SocketAddr> = found.filter(|a| rules.is_none_or(|rules| rules.reaches(a.ip()))).collect();
            if reachable.is_empty() {
                return Err(std::io::Error::other("the name leads to a private network, or nowhere"));
            }
            Ok(reachable.into_iter())
        })
    }
}

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;
