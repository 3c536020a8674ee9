//! Files over HTTP: bodies that flow, in both directions, with a limit on every pause instead of one on the whole.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use ::http::header::USER_AGENT;
use ::http::{HeaderMap, Request};
use bytes::Bytes;
use futures::{Stream, StreamExt as _, TryStreamExt as _};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Empty, StreamBody};
use hyper::body::Frame;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout};

use super::http::{AGENT, Resolver, Way, client, connector, in_words, look_up, secured, way_to};
use crate::service::AddressRules;

/// How long an upload may stand still: nothing of it is taken, or all was and no answer comes. Our own buffers and the kernel's may
/// hold a few megabytes of it that a slow line needs a while for.
const UPLOAD_PAUSE: Duration = Duration::from_secs(60);
/// How long a whole upload may take: the largest file, over a line of one megabit per second.
const UPLOAD_MAX: Duration = Duration::from_secs(900);

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
    match timeout(pause, body.next()).await {
        Ok(next) => next.transpose(),
        Err(_) => Err(format!("nothing came for {} seconds", pause.as_secs())),
    }
}

/// Streams over HTTP/1.1 and TLS.
#[derive(Debug)]
pub struct Streams {
    client: Way<Body>,
    head: Duration,
    upload: Patience,
}

/// How long an upload is waited for.
#[derive(Debug, Clone, Copy)]
struct Patience {
    pause: Duration,
    whole: Duration,
}

impl Patience {
    fn of(head: Duration) -> Self {
        Self { pause: UPLOAD_PAUSE.max(head), whole: UPLOAD_MAX }
    }

    /// Waits for what `sent` comes to, as long as `moved` goes on telling of bytes that were taken.
    async fn wait<T>(self, sent: impl Future<Output = T>, moved: &Notify) -> Result<T, NoAnswer> {
        let mut sent = pin!(sent);
        let end = Instant::now() + self.whole;
        loop {
            tokio::select! {
                biased;
                done = &mut sent => return Ok(done),
                () = sleep_until(end) => {
                    return Err(NoAnswer(format!("the upload took longer than {} seconds", self.whole.as_secs())));
                }
                moved = timeout(self.pause, moved.notified()) => {
                    if moved.is_err() {
                        return Err(NoAnswer(format!("the upload stood still for {} seconds", self.pause.as_secs())));
                    }
                }
            }
        }
    }
}

impl Streams {
    /// Towards Meta, through the proxy of the environment where it names one.
    ///
    /// # Errors
    /// When the address is none or TLS cannot be set up, as a sentence.
    pub fn upstream(graph_url: &str, head: Duration) -> Result<Self, String> {
        Ok(Self { client: way_to(graph_url, head)?, head, upload: Patience::of(head) })
    }

    /// Towards addresses that callers give: no proxy, and no way into a private network unless `addresses` allows it.
    ///
    /// # Errors
    /// When TLS cannot be set up, as a sentence.
    pub fn outside(head: Duration, addresses: AddressRules) -> Result<Self, String> {
        let connector = connector(Resolver { rules: Some(addresses), look_up });
        Ok(Self { client: Way::Direct(client(secured(connector, head)?)), head, upload: Patience::of(head) })
    }

    async fn exchange(&self, request: Request<()>, load: Load) -> Result<Opened, NoAnswer> {
        let uploads = matches!(load, Load::Bytes(..));
        let moved = Arc::new(Notify::new());
        let (body, length) = match load {
            Load::Nothing => (Empty::new().map_err(|never| match never {}).boxed_unsync(), None),
            Load::Bytes(length, flow) => {
                let taken = moved.clone();
                let flow = flow.inspect(move |_| taken.notify_one());
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
        // What is uploaded takes as long as it takes, while it moves.
        let answered = if uploads {
            self.upload.wait(sent, &moved).await?
        } else {
            timeout(self.head, sent).await.map_err(|_| NoAnswer("timed out".to_owned()))?
        };
        let answer = answered.map_err(|why| NoAnswer(in_words(&why)))?;
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

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::time::sleep;

    use super::*;

    const PATIENCE: Patience = Patience { pause: UPLOAD_PAUSE, whole: UPLOAD_MAX };

    #[tokio::test(start_paused = true)]
    async fn an_upload_that_is_never_answered_ends() {
        let (began, moved) = (Instant::now(), Notify::new());
        let told = PATIENCE.wait(pending::<()>(), &moved).await.unwrap_err();
        assert_eq!((told.0.as_str(), began.elapsed()), ("the upload stood still for 60 seconds", UPLOAD_PAUSE));
    }

    #[tokio::test(start_paused = true)]
    async fn an_upload_takes_its_time_while_it_moves_but_not_for_ever() {
        let drips = async |times: u32, moved: &Notify| {
            for _ in 0..times {
                sleep(UPLOAD_PAUSE - Duration::from_secs(1)).await;
                moved.notify_one();
            }
            "answer"
        };
        let moved = Notify::new();
        assert_eq!(PATIENCE.wait(drips(10, &moved), &moved).await, Ok("answer"));
        let (began, moved) = (Instant::now(), Notify::new());
        let told = PATIENCE.wait(drips(100, &moved), &moved).await.unwrap_err();
        assert_eq!((told.0.as_str(), began.elapsed()), ("the upload took longer than 900 seconds", UPLOAD_MAX));
    }

    #[tokio::test]
    async fn a_server_that_reads_nothing_and_one_that_says_nothing_hold_no_upload() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap());
        let mut streams = Streams::upstream(&address, Duration::from_secs(20)).unwrap();
        streams.upload.pause = Duration::from_millis(200);
        // The kernel takes the connection and what fits into its buffers; nobody ever reads or answers.
        for pieces in [1_u64, 1_000] {
            let flow = futures::stream::iter((0..pieces).map(|_| Ok(Bytes::from_static(&[0; 64 * 1024]))));
            let load = Load::Bytes(pieces * 64 * 1024, Box::pin(flow));
            let told = streams.open(Request::post(&address).body(()).unwrap(), load).await.err().unwrap();
            assert!(told.0.contains("stood still"), "{}", told.0);
        }
    }
}
