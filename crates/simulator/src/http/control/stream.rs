//! `GET /sim/v1/stream`: what happens, as server-sent events with a number each, from which a client goes on.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, Response, header};
use futures::stream;
use tokio::sync::watch;

use super::{answer, refused};
use crate::engine::Engine;
use crate::http::App;
use crate::told::Reached;
use crate::world::desk::Refusal;

/// Things that are in memory for one reader.
const AT_ONCE: usize = 64;
/// Something is said at least this often, so that what lies between keeps the connection.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// After how long a browser comes back, in milliseconds.
const RETRY_MS: u32 = 500;

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    after: Option<String>,
}

pub(super) async fn follow(State(app): State<App>, headers: HeaderMap, Query(asked): Query<Asked>) -> Response<Body> {
    let last = headers.get("last-event-id").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let given = match last.or(asked.after).map(|text| text.trim().parse::<u64>()).transpose() {
        Ok(given) => given,
        Err(_) => {
            return refused(&Refusal::invalid("after", "not a number", "give the last `id`, or leave it out"));
        }
    };
    // Watching before the first look, so that nothing in between is missed.
    let reached = app.engine.told.watch();
    let newest = app.engine.told.after(None, 0).newest;
    let reader = Reader { engine: Arc::clone(&app.engine), reached, after: given.unwrap_or(newest), begun: false };
    let body = stream::unfold(reader, async |mut reader: Reader| {
        let chunk = reader.next().await?;
        Some((Ok::<_, Infallible>(chunk), reader))
    });
    let mut response = answer::with_type(200, "text/event-stream", Body::from_stream(body));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

struct Reader {
    engine: Arc<Engine>,
    reached: watch::Receiver<Reached>,
    after: u64,
    begun: bool,
}

impl Reader {
    /// The next bytes; none when the simulator stops.
    async fn next(&mut self) -> Option<Bytes> {
        if !self.begun {
            self.begun = true;
            return Some(format!("retry: {RETRY_MS}\nid: {}\n\n", self.after).into());
        }
        loop {
            let reached = *self.reached.borrow_and_update();
            if reached.is_over {
                return None;
            }
            self.engine.told.still_watched();
            let rest = self.engine.told.after(Some(self.after), AT_ONCE);
            let mut said = String::new();
            if rest.has_gap {
                // Everything that a page shows must be read anew; from here on nothing is missed.
                self.after = rest.newest;
                return Some(format!("id: {}\nevent: reset\ndata: {{}}\n\n", self.after).into());
            }
            for thing in &rest.things {
                self.after = thing.number;
                said.push_str(&format!("id: {}\nevent: {}\ndata: {}\n\n", thing.number, thing.kind, thing.json));
            }
            if !said.is_empty() {
                return Some(said.into());
            }
            tokio::select! {
                changed = self.reached.changed() => if changed.is_err() { return None },
                () = tokio::time::sleep(HEARTBEAT) => return Some(Bytes::from_static(b": heartbeat\n\n")),
            }
        }
    }
}
