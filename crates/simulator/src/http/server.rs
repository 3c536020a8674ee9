//! The listener: HTTP/1.1 with keep-alive, bounded in connections and in the time a head may take.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tower::ServiceExt;

use super::answer::Lost;

/// Connections at once; further ones wait to be accepted.
const CONNECTIONS_MAX: usize = 4_096;
/// How long a client may take over the head of a request: slow ones are cut off.
const HEAD_WITHIN: Duration = Duration::from_secs(20);
/// How long to wait before accepting again when the system has no more handles.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);

/// How long connections have to finish when the simulator stops.
const FINISH_WITHIN: Duration = Duration::from_secs(10);

/// An answer that is lost on purpose: the connection ends without a byte.
#[derive(Debug, thiserror::Error)]
#[error("the answer is lost, as ordered")]
struct LostAnswer;

/// Serves until told to stop; connections then finish what they are at.
pub(crate) async fn serve(listener: TcpListener, router: Router, mut stop: watch::Receiver<bool>) {
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &room) => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let Some((stream, permit)) = accepted else { continue };
        connections.spawn(connection(stream, router.clone(), stop.clone(), permit));
        while connections.try_join_next().is_some() {}
    }
    let rest = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(FINISH_WITHIN, rest).await.is_err() {
        tracing::warn!("connections that did not finish are cut off");
    }
}

async fn accept(listener: &TcpListener, room: &Arc<Semaphore>) -> Option<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let permit = Arc::clone(room).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => Some((stream, permit)),
        Err(error) => {
            tracing::warn!(%error, "a connection could not be accepted");
            tokio::time::sleep(ACCEPT_AGAIN).await;
            None
        }
    }
}

async fn connection(
    stream: TcpStream,
    router: Router,
    mut stop: watch::Receiver<bool>,
    _permit: tokio::sync::OwnedSemaphorePermit,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection stays with Nagle's algorithm");
    }
    let service = hyper::service::service_fn(move |request: Request<Incoming>| answer(router.clone(), request));
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => {
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection ended");
            }
            return;
        }
        _ = stop.wait_for(|stop| *stop) => connection.as_mut().graceful_shutdown(),
    }
    // Keep-alive is over; a request under way is still answered.
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a connection ended");
    }
}

async fn answer(router: Router, request: Request<Incoming>) -> Result<Response<Body>, LostAnswer> {
    let answer: Result<Response<Body>, Infallible> = router.oneshot(request.map(Body::new)).await;
    match answer {
        Ok(answer) if answer.extensions().get::<Lost>().is_some() => Err(LostAnswer),
        Ok(answer) => Ok(answer),
        Err(never) => match never {},
    }
}
