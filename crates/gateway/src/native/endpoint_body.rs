//! What requests about endpoints say, checked: every finding with its field.

use std::ops::RangeInclusive;

use serde::Deserialize;
use utoipa::ToSchema;

use transom_domain::address::Channel;
use transom_domain::endpoint::{CONCURRENCY_DEFAULT, CONCURRENCY_MAX, Order, Payload, TIMEOUT_MAX};
use transom_domain::event::{NAMES, Selection, matches_glob};
use transom_domain::id::SenderId;
use transom_domain::time::Span;
use transom_store::{Deliveries, Manner, Page};

use super::common::moment;
use super::query::Query;
use super::read::{Notes, closest, read, read_optional, request_bodies};
use super::recipient;
use crate::directory::Snapshot;
use crate::problem::Problem;
use crate::service::Caller;
use crate::service::endpoints::{AnswerLimit, EndpointChange, FilterChange, NewEndpoint, OLD_SECRET_KEEP, Place, ReplayAsk};

/// Most entries of a filter: each is tried on every event.
const FILTER_MAX: usize = 50;
/// Longest glob, in characters.
const GLOB_MAX: usize = 200;
/// Longest description, in characters.
const DESCRIPTION_MAX: usize = 256;
/// The longest that an old secret may sign on.
const OLD_SECRET_MAX: u32 = 7 * 86_400;

/// An endpoint: with `POST` to be made, with `PATCH` what is to change; then what is left out keeps its value.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "url": "https://shop.example/hooks", "description": "Till", "events": ["message.*", "session.opened"],
    "senders": ["+493012345678"], "campaigns": ["summer-*"], "order": "conversation"
}))]
pub(crate) struct EndpointRequest {
    /// Public https address.
    url: Option<String>,
    /// What it is for, up to 256 characters.
    description: Option<String>,
    /// Types of events, with `*` for any stretch, such as `message.*`; all where empty.
    events: Option<Vec<String>>,
    /// Senders, by address or id; all where empty.
    senders: Option<Vec<String>>,
    /// `whatsapp`, `messenger`; all where empty.
    channels: Option<Vec<String>>,
    /// Globs on the campaign's name; all where empty. They narrow what is told of messages that went out.
    campaigns: Option<Vec<String>>,
    /// `none` (default): each event as soon as it can be. `conversation`: those of one conversation one after the other; one that
    /// fails holds back all that come after it in the same conversation, until it is taken or given up.
    order: Option<String>,
    /// `event` (default): events as `GET events` shows them. `raw`: Meta's own webhooks of this business, byte for byte, begun in
    /// the order in which they came, with `X-Hub-Signature-256` made with this endpoint's secret; no filter narrows them.
    payload: Option<String>,
    /// Deliveries at once, 1 to 32; 8 where left out.
    max_concurrency: Option<u32>,
    /// Seconds that the endpoint may take to answer, 1 to 30; 0 for the gateway's own limit, which a new endpoint has where it is left
    /// out.
    timeout_seconds: Option<u32>,
    /// Whether it is told; true where left out.
    enabled: Option<bool>,
}

/// A new secret is wanted.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({ "keepOldSeconds": 86_400 }))]
pub(crate) struct RotateRequest {
    /// How long the old secret signs beside the new one, 0 to 604800; 86400 where left out.
    keep_old_seconds: Option<u32>,
}

/// A range of the stream is to be told once more.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({ "what": "all", "since": "2026-11-22T08:00:00Z", "until": "2026-11-22T09:00:00Z" }))]
pub(crate) struct ReplayRequest {
    /// `all` (default): every event that the endpoint wants. `failed`: those that were given up.
    what: Option<String>,
    /// Position of the first event; the oldest that is kept where left out.
    from: Option<u64>,
    /// Position of the last; the newest where left out.
    to: Option<u64>,
    /// Instead of `from`: a moment.
    since: Option<String>,
    /// Instead of `to`: the moment before which the range ends.
    until: Option<String>,
}

request_bodies!(EndpointRequest, RotateRequest, ReplayRequest);

/// What a request says of an endpoint, checked.
struct Said {
    url: Option<String>,
    description: Option<String>,
    filter: FilterChange,
    order: Option<Order>,
    payload: Option<Payload>,
    concurrency: Option<u8>,
    timeout: Option<AnswerLimit>,
    enabled: Option<bool>,
}

impl EndpointRequest {
    fn check(self, caller: &Caller, directory: &Snapshot, notes: &mut Notes) -> Said {
        notes.at_most("description", self.description.as_deref(), DESCRIPTION_MAX);
        let order = self.order.as_deref().and_then(|word| {
            choice("order", word, Order::ALL.into_iter().find(|o| o.as_str() == word), "use none or conversation", notes)
        });
        let payload = self.payload.as_deref().and_then(|word| {
            choice("payload", word, Payload::ALL.into_iter().find(|p| p.as_str() == word), "use event or raw", notes)
        });
        let filter = FilterChange {
            types: self.events.map(|globs| types(globs, notes)),
            senders: self.senders.map(|given| senders(&given, caller, directory, notes)),
            channels: self.channels.map(|given| channels(&given, notes)),
            campaigns: self.campaigns.map(|globs| campaigns(globs, notes)),
        };
        if payload == Some(Payload::Raw) && (filter.narrows() || order == Some(Order::Conversation)) {
            let rule = "is raw, which no filter and no order narrows: Meta's bodies can speak of many things at once";
            notes.note("payload", rule, "leave out `events`, `senders`, `channels`, `campaigns` and `order`");
        }
        Said {
            url: self.url,
            description: self.description,
            filter,
            order,
            payload,
            concurrency: within("maxConcurrency", self.max_concurrency, 1..=CONCURRENCY_MAX, "give a number within", notes),
            timeout: within("timeoutSeconds", self.timeout_seconds, 0..=TIMEOUT_MAX, "give 0 for the gateway's own limit", notes)
                .map(|seconds| if seconds == 0 { AnswerLimit::Gateway } else { AnswerLimit::Seconds(seconds) }),
            enabled: self.enabled,
        }
    }
}

fn choice<T>(field: &str, word: &str, found: Option<T>, remedy: &str, notes: &mut Notes) -> Option<T> {
    if found.is_none() {
        let shown: String = word.chars().take(40).collect();
        notes.note(field, format!("has no such value as `{shown}`"), remedy);
    }
    found
}

fn within(field: &str, given: Option<u32>, may: RangeInclusive<u8>, remedy: &str, notes: &mut Notes) -> Option<u8> {
    let given = given?;
    let found = u8::try_from(given).ok().filter(|n| may.contains(n));
    if found.is_none() {
        notes.note(field, format!("is {given}, and must be {} to {}", may.start(), may.end()), remedy);
    }
    found
}

fn few(field: &str, count: usize, notes: &mut Notes) {
    if count > FILTER_MAX {
        let rule = format!("has {count} entries, at most {FILTER_MAX} are allowed");
        notes.note(field, rule, "join entries with a wider glob, or leave the list empty for all");
    }
}

/// Types of which there are none are mistakes: the endpoint would never hear of anything.
fn types(globs: Vec<String>, notes: &mut Notes) -> Vec<String> {
    few("events", globs.len(), notes);
    for (i, glob) in globs.iter().enumerate().take(FILTER_MAX) {
        let field = format!("events[{i}]");
        notes.at_most(&field, Some(glob), GLOB_MAX);
        if !NAMES.iter().any(|name| matches_glob(glob, name)) {
            let remedy = match closest(glob, NAMES.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("use {}, or a glob such as message.*", NAMES.join(", ")),
            };
            notes.note(&field, "fits no type of event", remedy);
        }
    }
    globs
}

fn senders(given: &[String], caller: &Caller, directory: &Snapshot, notes: &mut Notes) -> Vec<SenderId> {
    few("senders", given.len(), notes);
    let mut found = Vec::new();
    for (i, text) in given.iter().enumerate().take(FILTER_MAX) {
        match directory.named(caller.business, text) {
            Some(id) => found.push(id),
            None => notes.note(
                &format!("senders[{i}]"),
                "is no sender of this business",
                "give the address or the id of a sender, as `GET senders` lists them",
            ),
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

fn channels(given: &[String], notes: &mut Notes) -> Vec<Channel> {
    few("channels", given.len(), notes);
    let mut found: Vec<Channel> = given
        .iter()
        .enumerate()
        .take(FILTER_MAX)
        .filter_map(|(i, text)| recipient::channel(text, &format!("channels[{i}]"), notes))
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

fn campaigns(globs: Vec<String>, notes: &mut Notes) -> Vec<String> {
    few("campaigns", globs.len(), notes);
    for (i, glob) in globs.iter().enumerate().take(FILTER_MAX) {
        let field = format!("campaigns[{i}]");
        notes.at_most(&field, Some(glob), GLOB_MAX);
        if glob.is_empty() {
            notes.note(&field, "must not be empty", "give a glob such as summer-*");
        }
    }
    globs
}

pub(super) fn parse_new(body: &[u8], caller: &Caller, directory: &Snapshot) -> Result<NewEndpoint, Problem> {
    let (request, mut notes) = read::<EndpointRequest>(body)?;
    let new = request.and_then(|request| {
        let said = request.check(caller, directory, &mut notes);
        let Some(url) = said.url else {
            notes.note("url", "is missing", "give the public https address that is to be told");
            return None;
        };
        let FilterChange { types, senders, channels, campaigns } = said.filter;
        Some(NewEndpoint {
            url,
            manner: Manner {
                description: said.description.unwrap_or_default(),
                payload: said.payload.unwrap_or_default(),
                order: said.order.unwrap_or_default(),
                concurrency: said.concurrency.unwrap_or(CONCURRENCY_DEFAULT),
                timeout: match said.timeout {
                    Some(AnswerLimit::Seconds(seconds)) => Some(seconds),
                    Some(AnswerLimit::Gateway) | None => None,
                },
            },
            filter: Selection {
                types: types.unwrap_or_default(),
                senders: senders.unwrap_or_default(),
                channels: channels.unwrap_or_default(),
                campaigns: campaigns.unwrap_or_default(),
            },
            enabled: said.enabled.unwrap_or(true),
        })
    });
    notes.finish(new)
}

pub(super) fn parse_change(body: &[u8], caller: &Caller, directory: &Snapshot) -> Result<EndpointChange, Problem> {
    let (request, mut notes) = read::<EndpointRequest>(body)?;
    let change = request.map(|request| {
        let Said { url, description, filter, order, payload, concurrency, timeout, enabled } =
            request.check(caller, directory, &mut notes);
        EndpointChange { url, description, filter, payload, order, concurrency, timeout, enabled }
    });
    notes.finish(change)
}

pub(super) fn parse_rotate(body: &[u8]) -> Result<Span, Problem> {
    let (request, mut notes) = read_optional::<RotateRequest>(body)?;
    let keep = request.map(|request| match request.keep_old_seconds {
        None => OLD_SECRET_KEEP,
        Some(seconds) => {
            if seconds > OLD_SECRET_MAX {
                let rule = format!("is {seconds}, and must be 0 to {OLD_SECRET_MAX}");
                notes.note("keepOldSeconds", rule, "leave it out for a day");
            }
            Span::secs(i64::from(seconds))
        }
    });
    notes.finish(keep)
}

pub(super) fn parse_replay(body: &[u8]) -> Result<ReplayAsk, Problem> {
    let (request, mut notes) = read_optional::<ReplayRequest>(body)?;
    let wanted = request.map(|request| {
        let given_up = match request.what.as_deref() {
            None | Some("all") => false,
            Some("failed") => true,
            Some(word) => choice("what", word, None, "use all or failed", &mut notes).unwrap_or(false),
        };
        let mut place = |position: Option<u64>, names: (&str, &str), text: Option<&str>| {
            let at = moment(text, names.1, &mut notes);
            if position.is_some() && text.is_some() {
                notes.note(names.1, format!("cannot be given beside `{}`", names.0), "give one of the two");
            }
            if position.is_some_and(|p| p > i64::MAX as u64) {
                notes.note(names.0, "is no position", "give one that `GET events` shows");
            }
            position.map(Place::Position).or(at.map(Place::At))
        };
        let from = place(request.from, ("from", "since"), request.since.as_deref());
        let to = place(request.to, ("to", "until"), request.until.as_deref());
        ReplayAsk { given_up, from, to }
    });
    notes.finish(wanted)
}

pub(super) fn parse_deliveries(query: Option<&str>) -> Result<(Deliveries, Page), Problem> {
    let mut query = Query::read(query, &["outcome", "pageSize", "pageToken"]);
    let which = query.choice("outcome", "waiting or given_up", |word| match word {
        "waiting" => Some(Deliveries::Waiting),
        "given_up" => Some(Deliveries::GivenUp),
        _ => None,
    });
    let page = query.page();
    query.finish((which.unwrap_or(Deliveries::All), page))
}

#[cfg(test)]
#[path = "endpoint_body_tests.rs"]
mod tests;
