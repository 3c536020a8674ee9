//! The listener. Our own, since a half-sent header must not hold a connection for ever, connections are bounded, and a stop
//! lets requests under way finish.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::util::MapRequest;

use crate::telemetry;

use super::HttpSettings;
use super::patient::Patient;

/// Wait after a failure to accept (no file descriptors left, most often) before the next try.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How often the samples behind the histograms are summed up, so that they don't pile up when nobody reads `/metrics`.
const UPKEEP: Duration = Duration::from_secs(5);
/// Most header fields of a request: ours need a dozen, proxies add some.
const HEADERS_MAX: usize = 64;
/// Bytes for the head of a request.
const HEAD_MAX: usize = 32 * 1024;

/// Who is at the other end of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// Serves until `shutdown`, then lets requests under way finish for [`HttpSettings::drain`].
pub async fn serve(listener: TcpListener, router: Router, settings: HttpSettings, shutdown: CancellationToken) {
    // Never with `pipeline_flush`: it holds answers back while more of the connection is there to be read, the refusal of a
    // broken head for ever, and a large answer too.
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(settings.header_timeout).max_headers(HEADERS_MAX).max_buf_size(HEAD_MAX);
    let room = std::sync::Arc::new(Semaphore::new(settings.connections_max));
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let mut upkeep = tokio::time::interval(UPKEEP);
    loop {
        let stream = tokio::select! {
            () = shutdown.cancelled() => break,
            _ = upkeep.tick() => {
                telemetry::upkeep();
                continue;
            }
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
            // Where there is no room, new connections wait in the kernel's queue.
            accepted = accept(&listener, &room) => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "no connection could be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            },
        };
        let (stream, peer, permit) = stream;
        let known = MapRequest::new(router.clone(), move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(Peer(peer));
            request
        });
        let service = TowerToHyperService::new(known);
        let builder = builder.clone();
        let watcher = graceful.watcher();
        let (first_byte, write_timeout) = (settings.first_byte_timeout, settings.write_timeout);
        let stop = shutdown.clone();
        connections.spawn(async move {
            let _permit = permit;
            if !speaks(&stream, first_byte, &stop).await {
                return;
            }
            let connection = builder.serve_connection(TokioIo::new(Patient::new(stream, write_timeout)), service);
            // Errors here are broken connections and clients that are too slow: theirs, and frequent on the open internet.
            if let Err(error) = watcher.watch(connection).await {
                tracing::debug!(%error, "a connection ended early");
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(settings.drain, graceful.shutdown()).await.is_err() {
        tracing::warn!(left = connections.len(), "connections were cut off at the end of the time for draining");
    }
    connections.shutdown().await;
}

async fn accept(
    listener: &TcpListener,
    room: &std::sync::Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    let permit = room.clone().acquire_owned().await.map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    // Answers are small and written whole: waiting to fill a packet only delays them.
    stream.set_nodelay(true)?;
    Ok((stream, peer, permit))
}

/// Whether the first byte comes in time: the timer for headers starts only with it.
async fn speaks(stream: &TcpStream, within: Duration, stop: &CancellationToken) -> bool {
    let mut byte = [0_u8];
    tokio::select! {
        () = stop.cancelled() => false,
        peeked = tokio::time::timeout(within, stream.peek(&mut byte)) => matches!(peeked, Ok(Ok(1..))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::sync::Notify;

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";

    async fn started(
        router: Router,
        settings: HttpSettings,
    ) -> (std::net::SocketAddr, CancellationToken, tokio::task::JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let server = tokio::spawn(serve(listener, router, settings, stop.clone()));
        (address, stop, server)
    }

    fn short() -> HttpSettings {
        let soon = Duration::from_millis(20);
        HttpSettings { header_timeout: soon, first_byte_timeout: soon, ..HttpSettings::default() }
    }

    #[tokio::test]
    async fn silence_and_half_a_head_are_cut_off() {
        let (address, stop, server) = started(Router::new(), short()).await;
        for said in [&b""[..], b"GET / HTTP/1.1\r\nhost:"] {
            let mut client = TcpStream::connect(address).await.unwrap();
            client.write_all(said).await.unwrap();
            let mut heard = Vec::new();
            // Ends only when the server closes; nothing but a refusal may have been said.
            let _ = client.read_to_end(&mut heard).await;
            assert!(!heard.starts_with(b"HTTP/1.1 200"));
        }
        stop.cancel();
        server.await.unwrap();
    }

    #[tokio::test]
    async fn a_broken_head_is_told_so_and_large_answers_to_many_requests_at_once_all_come() {
        const LARGE: usize = 1024 * 1024;
        let router = Router::new().route("/", get(|| async { vec![b'x'; LARGE] }));
        let (address, stop, server) = started(router, HttpSettings::default()).await;
        let many: String = (0..=HEADERS_MAX).map(|i| format!("x-{i}: 1\r\n")).collect();
        for (head, wanted) in
            [(format!("GET / HTTP/1.1\r\n{many}\r\n"), "431"), ("GET / HTTP/1.1\r\nx y: 1\r\n\r\n".to_owned(), "400")]
        {
            let mut client = TcpStream::connect(address).await.unwrap();
            client.write_all(head.as_bytes()).await.unwrap();
            let mut heard = String::new();
            client.read_to_string(&mut heard).await.unwrap();
            assert_eq!(heard.split(' ').nth(1), Some(wanted), "{heard}");
        }
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(&REQUEST.repeat(8)).await.unwrap();
        let mut heard = vec![0; 8 * LARGE];
        client.read_exact(&mut heard).await.unwrap();
        drop(client);
        stop.cancel();
        server.await.unwrap();
    }

    #[tokio::test]
    async fn a_request_under_way_is_answered_before_the_end() {
        let (begun, go_on) = (std::sync::Arc::new(Notify::new()), std::sync::Arc::new(Notify::new()));
        let (tell, wait) = (begun.clone(), go_on.clone());
        let router = Router::new().route(
            "/",
            get(move || async move {
                tell.notify_one();
                wait.notified().await;
                "done"
            }),
        );
        let (address, stop, server) = started(router, HttpSettings::default()).await;
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(REQUEST).await.unwrap();
        begun.notified().await;
        stop.cancel();
        go_on.notify_one();
        let mut heard = Vec::new();
        client.read_to_end(&mut heard).await.unwrap();
        assert!(heard.ends_with(b"done"));
        server.await.unwrap();
    }

    #[tokio::test]
    async fn connections_are_bounded_and_waiting_ones_get_their_turn() {
        let settings = HttpSettings { connections_max: 1, ..HttpSettings::default() };
        let (address, stop, server) = started(Router::new().route("/", get(|| async { "here" })), settings).await;
        let mut first = TcpStream::connect(address).await.unwrap();
        let mut second = TcpStream::connect(address).await.unwrap();
        let mut heard = [0; 12];
        first.write_all(REQUEST).await.unwrap();
        first.read_exact(&mut heard).await.unwrap();
        second.write_all(REQUEST).await.unwrap();
        let early = tokio::time::timeout(Duration::from_millis(20), second.read_exact(&mut heard)).await;
        assert!(early.is_err(), "the second connection was served beside the first");
        drop(first);
        second.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"HTTP/1.1 200");
        stop.cancel();
        drop(second);
        server.await.unwrap();
    }
}
