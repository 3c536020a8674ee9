//! `GET events/stream`: the same stream, live. Server-sent events (WHATWG HTML, 9.2), resumed by position.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures::stream;
use tokio::time::{Instant, sleep_until};

use transom_domain::error_code::ErrorCode;
use transom_domain::event::Event;
use transom_store::Scopes;

use super::event_filter::{FILTERS, selection};
use super::events::EventView;
use super::query::Query;
use crate::http::App;
use crate::http::call::{Authorised, Shown, WEBHOOKS};
use crate::http::refusal::StreamRefusals;
use crate::media::links::Links;
use crate::problem::Problem;
use crate::service::{Caller, Credential, Needs, Service, StreamQuery};
use crate::work::listeners::Listener;

/// Events that are in memory for one reader: what a client that is slow to take them holds, until it is cut off.
const AT_ONCE: usize = 32;
/// A reader that has read everything looks again this long after its last look at the earliest, whatever is poked meanwhile: under
/// load one look finds many events, and readers cost the store so little each.
const LOOK_GAP: Duration = Duration::from_millis(20);
/// How often something is said, machine time: proxies end what is silent for long, often after a minute.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How often it is asked whether the key still holds, where nothing else wakes the reader.
const CHECK: Duration = Duration::from_secs(5);
/// The header that says where a client was.
const LAST_EVENT: &str = "Last-Event-ID";
/// What a client is told to wait before it comes back.
const RETRY_MS: u32 = 1_000;

/// Follow the stream of events
///
/// The same events as `GET events`, each sent once it is written: `id` is its position, `event` its type, `data` the same object. A
/// client that comes back with `Last-Event-ID` (or `after`) misses nothing; without either the stream begins with the next
/// event. Now and then a comment is sent, with the position reached where the filters let nothing through. The stream ends when
/// its key does, and when the server goes down: come back after the time in `retry`.
#[utoipa::path(
    get,
    path = "/v1/businesses/{business}/events/stream",
    operation_id = "streamEvents",
    tag = "Webhooks",
    params(
        ("business" = String, Path, description = "Id of the business"),
        ("after" = Option<u64>, Query, description = "Position after which to begin; the newest where left out"),
        ("Last-Event-ID" = Option<u64>, Header, description = "The last position that was received; counts more than `after`"),
        ("types" = Option<String>, Query, description = "Types, parted by commas; `*` stands for any stretch: `message.*,session.opened`"),
        ("sender" = Option<String>, Query, description = "Addresses or ids of senders, parted by commas"),
        ("channel" = Option<String>, Query, description = "`whatsapp` or `messenger`"),
    ),
    responses(
        (status = 200, description = "Server-sent events, without an end", body = String, content_type = "text/event-stream"),
        StreamRefusals,
    ),
    security(("X-API-Key" = []))
)]
pub(crate) async fn follow(
    State(app): State<App>,
    Authorised(caller): Authorised<WEBHOOKS>,
    Shown(credential): Shown,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let mut query = Query::read(query.as_deref(), &[&["after"], FILTERS.as_slice()].concat());
    let selection = selection(&mut query, &app.service, caller.business);
    let given = query.number("after", 0, i64::MAX as u64);
    let last = last_event(&headers, &mut query);
    let (given, selection) = query.finish((last.or(given), selection))?;
    // Listening before the first look, so that nothing in between is missed.
    let listener = app.service.listen(&caller, app.settings.connections_max / 4)?;
    let probe = StreamQuery { after: given, limit: 1, ..StreamQuery::default() };
    let first = app.service.events(&caller, &probe).await.map_err(|problem| match last {
        // The client never said `after`: its browser came back to a store that was restored from before.
        Some(last) if problem.code == ErrorCode::RequestInvalid => {
            let rule = format!("is {last}, which is beyond the newest event");
            Problem::field(LAST_EVENT, rule, "leave it out, or begin at a position that `GET events` shows")
        }
        _ => problem,
    })?;
    let position = given.unwrap_or(first.newest);
    let now = Instant::now();
    let reader = Reader {
        service: app.service.clone(),
        caller,
        credential,
        listener,
        query: StreamQuery { after: Some(position), limit: AT_ONCE, selection },
        told: position,
        caught_up: false,
        looked: now,
        checked: now,
        beat: now,
        begun: false,
    };
    let body = stream::unfold(reader, async |mut reader: Reader| {
        let chunk = reader.next().await?;
        Some((Ok::<_, Infallible>(chunk), reader))
    });
    let mut response = Body::from_stream(body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Proxies that gather an answer before they pass it on would pass nothing on.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

fn last_event(headers: &HeaderMap, query: &mut Query) -> Option<u64> {
    let text = headers.get(LAST_EVENT)?;
    let position = text.to_str().ok().and_then(|text| text.trim().parse().ok()).filter(|position| *position <= i64::MAX as u64);
    if position.is_none() {
        query.notes.note(LAST_EVENT, "is not a position", "send the last `id` that was received, or leave it out");
    }
    position
}

/// One client on its way through the stream. It reads the next events only once those before were taken: whoever is slow holds
/// [`AT_ONCE`] events and nobody else, and is cut off by its connection's patience.
struct Reader {
    service: Service,
    caller: Caller,
    credential: Credential,
    listener: Listener,
    query: StreamQuery,
    /// The last position that the client was told.
    told: u64,
    caught_up: bool,
    looked: Instant,
    checked: Instant,
    beat: Instant,
    begun: bool,
}

impl Reader {
    /// The next bytes; none when the stream ends.
    async fn next(&mut self) -> Option<Bytes> {
        if !self.begun {
            self.begun = true;
            return Some(format!("retry: {RETRY_MS}\nid: {}\n\n", self.told).into());
        }
        loop {
            if self.caught_up {
                let (heartbeat, check) = (self.beat + HEARTBEAT, self.checked + CHECK);
                tokio::select! {
                    () = self.service.drained() => return None,
                    () = self.listener.woken() => sleep_until(self.looked + LOOK_GAP).await,
                    () = sleep_until(check) => {
                        self.checked = Instant::now();
                        if !self.may_go_on().await {
                            return None;
                        }
                        continue;
                    }
                    () = sleep_until(heartbeat) => {
                        self.beat = Instant::now();
                        // A poke is a hint: what was missed is found now.
                        self.caught_up = false;
                        return Some(self.alive());
                    }
                }
            }
            self.checked = Instant::now();
            if !self.may_go_on().await {
                return None;
            }
            self.looked = Instant::now();
            let page = match self.service.events(&self.caller, &self.query).await {
                Ok(page) => page,
                // The position is no longer kept: the client hears so when it comes back.
                Err(problem) if problem.code.status() < 500 => return None,
                Err(_) => {
                    self.caught_up = true;
                    continue;
                }
            };
            self.query.after = Some(page.looked_to);
            self.caught_up = page.looked_to >= page.newest;
            if let Some(last) = page.events.last() {
                self.told = last.position;
                self.beat = Instant::now();
                return Some(page.events.iter().map(|event| frame(event, &self.service.files.links)).collect::<String>().into());
            }
            // A long stretch of what is not wanted: others first.
            tokio::task::yield_now().await;
        }
    }

    async fn may_go_on(&self) -> bool {
        match self
            .service
            .authorise(self.caller.business, self.credential, Needs { scope: Scopes(WEBHOOKS), changes: false })
            .await
        {
            Ok(_) => true,
            Err(problem) => problem.code.status() >= 500,
        }
    }

    /// Says that we are here, and how far.
    fn alive(&mut self) -> Bytes {
        let reached = self.query.after.unwrap_or(self.told);
        if reached == self.told {
            return Bytes::from_static(b": heartbeat\n\n");
        }
        self.told = reached;
        format!(": heartbeat\nid: {reached}\n\n").into()
    }
}

fn frame(event: &Event, links: &Links) -> String {
    let view = EventView::signed(event, links);
    let data = serde_json::to_string(&view).unwrap_or_default();
    format!("id: {}\nevent: {}\ndata: {data}\n\n", event.position, event.body.name())
}
