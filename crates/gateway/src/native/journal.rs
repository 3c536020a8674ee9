//! `journal`: the raw webhooks as they came; searched, shown, heard again.

use std::borrow::Cow;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use transom_domain::id::{JournalId, MessageId, ReplayId};
use transom_store::{
    Action, JournalEntry, JournalFilter, JournalFound, JournalFrom, JournalHead, JournalOutcome, JournalRange, JournalReplay,
    PAGE_MAX,
};

use super::common::{moment, rfc3339};
use super::query::Query;
use super::read::{Notes, read, request_bodies};
use crate::http::App;
use crate::http::call::{Asked, Authorised, PathDeeper, PathId, WEBHOOKS, json as answer};
use crate::http::refusal::{ChangeRefusals, ListRefusals, ReadRefusals};
use crate::intake::{REPLAY_MAX, Reheard};
use crate::problem::Problem;

/// Entries of one page, unless the caller says how many.
const LIMIT_DEFAULT: usize = 50;
/// Most characters of a text that is looked for.
const TEXT_MAX: usize = 256;
/// The words of outcomes.
const OUTCOMES: &str = "heard, partly_understood, not_understood, malformed or stranger";

/// Raw webhooks from a position on.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JournalList {
    /// What was found, without the bodies.
    data: Vec<JournalHeadView>,
    /// Oldest first: give it as `after` next time: all up to there was looked at.
    next_after: Option<u64>,
    /// Newest first: give it as `before` next time; null where nothing is left in front of it.
    next_before: Option<u64>,
    /// There may be more beyond that. One page looks at a bounded number of entries, so that it can be empty and still say so.
    more: bool,
}

/// What is known of a raw webhook.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = JournalEntry)]
pub(crate) struct JournalHeadView {
    /// Its place in the order of arrival.
    position: u64,
    /// Names it.
    id: String,
    /// When it came.
    at: String,
    /// Meta's app under which it came.
    app: String,
    /// `heard`, `partly_understood`, `not_understood`, `malformed` or `stranger`.
    outcome: &'static str,
    /// What it is about: `messages`, `statuses`, `templates`, …; Meta's own name for what is not understood.
    fields: Vec<String>,
    /// The names of what was not understood.
    not_understood: Vec<String>,
    /// Why it was passed over whole; left out where it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    passed_over: Option<String>,
    /// Bytes of the body.
    bytes: usize,
    /// The body was taken out, since somebody's data had to go.
    erased: bool,
}

/// A raw webhook.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = JournalBody)]
pub(crate) struct JournalBodyView {
    #[serde(flatten)]
    head: JournalHeadView,
    /// The body as it came, byte for byte; where the webhook spoke of other businesses too, this one's part of it.
    body: Option<String>,
    /// The same where it is no UTF-8.
    body_base64: Option<String>,
}

/// Which raw webhooks are to be heard again: those that are named, or a range.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = JournalReplayRequest)]
pub(crate) struct ReplayAsked {
    /// Ids of entries, at most 50.
    #[serde(default)]
    ids: Option<Vec<String>>,
    /// Position after which to begin.
    #[serde(default)]
    after: Option<u64>,
    /// Heard at this moment or later.
    #[serde(default)]
    since: Option<String>,
    /// Heard before this moment.
    #[serde(default)]
    until: Option<String>,
    /// Outcomes; those that were not understood whole, where left out.
    #[serde(default)]
    outcomes: Option<Vec<String>>,
    /// What they are about.
    #[serde(default)]
    field: Option<String>,
}

request_bodies!(ReplayAsked);

/// What hearing them again did.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JournalReplayed {
    /// The entries that were heard again, oldest first.
    data: Vec<ReheardView>,
}

/// A range that is heard again, and how far that is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = JournalReplay)]
pub(crate) struct ReplayView {
    /// Names it.
    id: String,
    /// `running`, `done` or `stopped`.
    status: &'static str,
    /// Heard at this moment or later.
    since: Option<String>,
    /// Heard before this moment.
    until: Option<String>,
    /// Outcomes; all where there is none.
    outcomes: Vec<&'static str>,
    /// What they are about.
    field: Option<String>,
    /// Position up to which all was looked at.
    cursor: u64,
    /// Position of the last: the newest when it began.
    to: u64,
    /// Webhooks that were heard again; those of a slice that a restart cut off count twice.
    entries: u64,
    /// Facts that were missing.
    news: u64,
    /// Webhooks that were left out: erased, older than messages are kept, or not to be read by the present code either.
    left_out: u64,
    /// Since when.
    created_at: String,
    /// When it came to its end, or was stopped.
    ended_at: Option<String>,
}

/// Replays of the journal.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = JournalReplayPage)]
pub(crate) struct ReplayPage {
    /// Newest first; of those that are over the last twenty.
    data: Vec<ReplayView>,
    /// Always null: there is one page.
    next_page_token: Option<String>,
}

impl From<JournalReplay> for ReplayView {
    fn from(replay: JournalReplay) -> Self {
        let status = match (replay.over_at, replay.stopped) {
            (None, _) => "running",
            (Some(_), false) => "done",
            (Some(_), true) => "stopped",
        };
        Self {
            id: replay.id.to_string(),
            status,
            since: replay.range.since.map(rfc3339),
            until: replay.range.until.map(rfc3339),
            outcomes: replay.range.outcomes.iter().map(|outcome| outcome.as_str()).collect(),
            field: replay.range.field,
            cursor: replay.cursor,
            to: replay.to,
            entries: replay.did.entries,
            news: replay.did.news,
            left_out: replay.did.left_out,
            created_at: rfc3339(replay.created_at),
            ended_at: replay.over_at.map(rfc3339),
        }
    }
}

/// What hearing one again did.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ReheardEntry)]
pub(crate) struct ReheardView {
    /// The entry, as it is understood now.
    entry: JournalHeadView,
    /// Facts that were missing.
    news: usize,
    /// Facts that were known already.
    repeated: usize,
    /// Inbound messages that were missing.
    message_ids: Vec<String>,
    /// Why it was left out: `erased`, `too_old` (older than messages are kept) or `unread`.
    left_out: Option<&'static str>,
}

impl From<&JournalHead> for JournalHeadView {
    fn from(head: &JournalHead) -> Self {
        let names = |text: &str| text.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        let whole = matches!(head.outcome, JournalOutcome::Malformed | JournalOutcome::Stranger);
        Self {
            position: head.position,
            id: head.id.to_string(),
            at: rfc3339(head.at),
            app: head.app.clone(),
            outcome: head.outcome.as_str(),
            fields: names(&head.fields),
            not_understood: if whole { Vec::new() } else { names(&head.note) },
            passed_over: whole.then(|| head.note.clone()),
            bytes: head.size,
            erased: head.erased,
        }
    }
}

impl From<&JournalEntry> for JournalBodyView {
    fn from(entry: &JournalEntry) -> Self {
        let text = match String::from_utf8_lossy(&entry.raw) {
            Cow::Borrowed(text) => Some(text.to_owned()),
            Cow::Owned(_) => None,
        };
        let bytes = text.is_none().then(|| STANDARD.encode(&entry.raw));
        Self { head: (&entry.head).into(), body: text.filter(|_| !entry.head.erased), body_base64: bytes }
    }
}

impl From<&Reheard> for ReheardView {
    fn from(reheard: &Reheard) -> Self {
        let (did, left_out) = match &reheard.did {
            Ok(did) => (did.clone(), None),
            Err(why) => (crate::intake::Did::default(), Some(why.as_str())),
        };
        Self {
            entry: (&reheard.head).into(),
            news: did.news,
            repeated: did.repeated,
            message_ids: did.messages.iter().map(ToString::to_string).collect(),
            left_out,
        }
    }
}

impl JournalList {
    fn of(found: &JournalFound, newest: bool) -> Self {
        let (next_after, next_before) = match newest {
            false => (Some(found.looked_to), None),
            true => (None, found.more.then_some(found.looked_to)),
        };
        Self { data: found.heads.iter().map(JournalHeadView::from).collect(), next_after, next_before, more: found.more }
    }
}

fn outcomes<'a>(words: impl Iterator<Item = &'a str>, field: &str, notes: &mut Notes) -> Vec<JournalOutcome> {
    let mut read = Vec::new();
    for word in words {
        match JournalOutcome::named(word) {
            Some(outcome) => read.push(outcome),
            None => notes.note(field, "is not one of its values", format!("use {OUTCOMES}")),
        }
    }
    read
}

/// Search the raw webhooks
///
/// What Meta posted, in the order of arrival or, with `order=newest`, the other way, with how much of it was understood. `text` is looked for in the bodies, however they
/// write it; `message` finds what was said of one message.
#[utoipa::path(
    get,
    path = "/v1/businesses/{business}/journal",
    operation_id = "searchJournal",
    tag = "Journal",
    params(
        ("business" = String, Path, description = "Id of the business"),
        ("order" = Option<String>, Query, description = "`oldest` first, where left out, or `newest`"),
        ("after" = Option<u64>, Query, description = "Oldest first: position after which to begin; 0 where left out"),
        ("before" = Option<u64>, Query, description = "Newest first: position before which to begin; the newest where left out"),
        ("limit" = Option<u32>, Query, description = "1 to 200; 50 where left out"),
        ("since" = Option<String>, Query, description = "Heard at this moment or later, RFC 3339"),
        ("until" = Option<String>, Query, description = "Heard before this moment"),
        ("outcome" = Option<String>, Query, description = "One or several, by comma: heard, partly_understood, not_understood"),
        ("field" = Option<String>, Query, description = "What it is about, such as statuses"),
        ("text" = Option<String>, Query, description = "Text that the body holds; at most 256 characters"),
        ("message" = Option<String>, Query, description = "Id of a message: what was heard of it"),
    ),
    responses((status = 200, description = "A page of raw webhooks", body = JournalList), ListRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn search(
    State(app): State<App>,
    Authorised(caller): Authorised<WEBHOOKS>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let known = ["order", "after", "before", "limit", "since", "until", "outcome", "field", "text", "message"];
    let mut query = Query::read(query.as_deref(), &known);
    // Positions are kept as signed 64-bit numbers.
    let [after, before] = ["after", "before"].map(|name| query.number(name, 0, i64::MAX as u64));
    let newest = query.choice("order", "oldest or newest", |word| match word {
        "oldest" => Some(false),
        "newest" => Some(true),
        _ => None,
    });
    let newest = newest.unwrap_or(before.is_some());
    for (name, given) in [("after", newest && after.is_some()), ("before", !newest && before.is_some())] {
        if given {
            query.notes.note(name, "does not go with this order", "use after with oldest, before with newest");
        }
    }
    let from = match newest {
        true => JournalFrom::Before(before.unwrap_or(u64::MAX)),
        false => JournalFrom::After(after.unwrap_or(0)),
    };
    let limit = query.number("limit", 1, PAGE_MAX as u64).and_then(|n| usize::try_from(n).ok()).unwrap_or(LIMIT_DEFAULT);
    let [since, until] = ["since", "until"].map(|name| {
        let text = query.get(name).map(str::to_owned);
        moment(text.as_deref(), name, &mut query.notes)
    });
    let words = query.get("outcome").map(str::to_owned).unwrap_or_default();
    let outcomes = outcomes(words.split(',').filter(|word| !word.is_empty()), "outcome", &mut query.notes);
    let [field, text] = ["field", "text"].map(|name| query.get(name).map(str::to_owned));
    query.notes.at_most("text", text.as_deref(), TEXT_MAX);
    let message = query.get("message").map(str::parse::<MessageId>);
    if message.as_ref().is_some_and(Result::is_err) {
        query.notes.note("message", "is no id of a message", "use the id that the send answered with");
    }
    let texts = text.into_iter().collect();
    let filter = JournalFilter { range: JournalRange { since, until, outcomes, field }, texts, ids: Vec::new() };
    let message = message.and_then(Result::ok);
    let (limit, filter, message) = query.finish((limit, filter, message))?;
    let found = app.service.search_journal(&caller, filter, message, from, limit).await?;
    answer(StatusCode::OK, &JournalList::of(&found, newest))
}

/// Show a raw webhook
///
/// With its body as it came.
#[utoipa::path(
    get,
    path = "/v1/businesses/{business}/journal/{id}",
    operation_id = "getJournalEntry",
    tag = "Journal",
    params(
        ("business" = String, Path, description = "Id of the business"),
        ("id" = String, Path, description = "Id of the entry"),
    ),
    responses((status = 200, description = "The raw webhook", body = JournalBodyView), ReadRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn get(
    State(app): State<App>,
    Authorised(caller): Authorised<WEBHOOKS>,
    id: PathId,
) -> Result<Response, Problem> {
    let id: JournalId = id.parse(missing)?;
    let entry = app.service.journal_entry(&caller, id).await?.ok_or_else(missing)?;
    answer(StatusCode::OK, &JournalBodyView::from(&entry))
}

/// Hear raw webhooks again
///
/// Each goes through the present code as if Meta had posted it again, as of when it came: what was missing appears, what is known
/// stays as it is, and what nobody understood then is told as what it is. With `ids` those, at once; else a range, up to what is there
/// now: a job that goes on by itself, one at a time, also after a restart.
#[utoipa::path(
    post,
    path = "/v1/businesses/{business}/journal/replay",
    operation_id = "replayJournal",
    tag = "Journal",
    params(("business" = String, Path, description = "Id of the business")),
    request_body = ReplayAsked,
    responses(
        (status = 200, description = "What hearing those with these ids did", body = JournalReplayed),
        (status = 202, description = "The range is under way", body = ReplayView),
        ChangeRefusals
    ),
    security(("X-API-Key" = []))
)]
pub(crate) async fn replay(
    State(app): State<App>,
    Authorised(caller): Authorised<WEBHOOKS>,
    asked: Asked,
) -> Result<Response, Problem> {
    let (read, mut notes) = read::<ReplayAsked>(&asked.body)?;
    let which = read.map(|asked| which(asked, &mut notes));
    match notes.finish(which)? {
        Which::Named(ids) => {
            let named = app.intake.named(caller.business, &ids).await?;
            // To its end, though whoever asked goes away: what is heard again is written down, one by one.
            let heard = tokio::spawn(async move {
                let mut reheard = Vec::with_capacity(named.len());
                for head in named {
                    let entry = app.intake.rehear(caller.business, head).await?;
                    if entry.did.is_ok() {
                        app.service.audited(&caller, Action::EntryReheard, entry.head.id).await;
                    }
                    reheard.push(entry);
                }
                Ok::<_, Problem>(reheard)
            });
            let reheard = heard.await.unwrap_or_else(|why| std::panic::resume_unwind(why.into_panic()))?;
            answer(StatusCode::OK, &JournalReplayed { data: reheard.iter().map(Into::into).collect() })
        }
        Which::Range(range, after) => {
            let begun = app.intake.start_replay(caller.business, range, after).await?;
            app.service.audited(&caller, Action::ReplayBegun, begun.id).await;
            answer(StatusCode::ACCEPTED, &ReplayView::from(begun))
        }
    }
}

/// List replays of the journal
#[utoipa::path(
    get,
    path = "/v1/businesses/{business}/journal/replay",
    operation_id = "listJournalReplays",
    tag = "Journal",
    params(("business" = String, Path, description = "Id of the business")),
    responses((status = 200, description = "With how far each got", body = ReplayPage), ReadRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn replays(State(app): State<App>, Authorised(caller): Authorised<WEBHOOKS>) -> Result<Response, Problem> {
    let data = app.intake.replays(caller.business).await?.into_iter().map(ReplayView::from).collect();
    answer(StatusCode::OK, &ReplayPage { data, next_page_token: None })
}

/// Stop a replay of the journal
///
/// Where it stands; what was heard stays heard.
#[utoipa::path(
    delete,
    path = "/v1/businesses/{business}/journal/replay/{deeper}",
    operation_id = "stopJournalReplay",
    tag = "Journal",
    params(
        ("business" = String, Path, description = "Id of the business"),
        ("deeper" = String, Path, description = "Id of the replay"),
    ),
    responses((status = 200, description = "Stopped; an empty object", body = Object, example = json!({})), ReadRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn stop(
    State(app): State<App>,
    Authorised(caller): Authorised<WEBHOOKS>,
    replay: PathDeeper,
) -> Result<Response, Problem> {
    let replay: ReplayId = replay.parse(|| Problem::not_found("replay"))?;
    app.intake.stop_replay(caller.business, replay).await?;
    app.service.audited(&caller, Action::ReplayStopped, replay).await;
    answer(StatusCode::OK, &json!({}))
}

enum Which {
    Named(Vec<JournalId>),
    Range(JournalRange, u64),
}

fn which(asked: ReplayAsked, notes: &mut Notes) -> Which {
    let since = moment(asked.since.as_deref(), "since", notes);
    let until = moment(asked.until.as_deref(), "until", notes);
    let words = asked.outcomes.unwrap_or_else(|| vec!["partly_understood".to_owned(), "not_understood".to_owned()]);
    let outcomes = outcomes(words.iter().map(String::as_str), "outcomes", notes);
    notes.at_most("field", asked.field.as_deref(), TEXT_MAX);
    let Some(named) = asked.ids else {
        let after = asked.after.unwrap_or(0).min(i64::MAX as u64);
        return Which::Range(JournalRange { since, until, outcomes, field: asked.field }, after);
    };
    if named.is_empty() || named.len() > REPLAY_MAX {
        notes.note("ids", format!("must have 1 to {REPLAY_MAX} ids"), "name fewer, or give a range instead");
    }
    let mut ids = Vec::new();
    for (n, id) in named.iter().enumerate() {
        match id.parse() {
            Ok(id) => ids.push(id),
            Err(_) => notes.note(&format!("ids[{n}]"), "is no id of an entry", "use the ids that the journal shows"),
        }
    }
    Which::Named(ids)
}

fn missing() -> Problem {
    Problem::not_found("journal entry")
}

/// A page of what is nobody's, as the operator is shown it.
pub(crate) fn stray_page(found: &JournalFound) -> serde_json::Result<Value> {
    serde_json::to_value(JournalList::of(found, false))
}

/// One body that is nobody's, as the operator is shown it.
pub(crate) fn stray(entry: &JournalEntry) -> serde_json::Result<Value> {
    serde_json::to_value(JournalBodyView::from(entry))
}
