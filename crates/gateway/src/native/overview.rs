//! `overview`: how a business is doing, over time.

use std::collections::BTreeMap;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use transom_domain::error_code::ErrorCode;
use transom_domain::id::SenderId;
use transom_domain::time::{Span, Timestamp};
use transom_store::{Failing, OPEN_SESSIONS_MAX, Overview, OverviewAsk, TALLY_MINUTES_KEEP, TALLY_POINTS_MAX, Tally, TallyStep};

use super::common::rfc3339;
use super::query::Query;
use crate::http::App;
use crate::http::call::{Authorised, SEND, json};
use crate::http::refusal::{ListRefusals, help, title};
use crate::problem::Problem;

/// The range where none is given.
const RANGE_DEFAULT: Span = Span::hours(24);

/// How a business is doing.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Overview)]
pub(crate) struct OverviewView {
    /// The beginning of the first step.
    from: String,
    /// The end of the last step.
    to: String,
    /// `minute`, `hour` or `day`.
    step: &'static str,
    /// Step by step, without a gap.
    series: Vec<PointView>,
    /// The sums.
    totals: CountsView,
    /// Sessions that are open now.
    open_sessions: usize,
    /// They are more than were counted.
    open_sessions_more: bool,
    /// Failures that were told in the range, to the hour, those that count most first.
    errors: Vec<ErrorView>,
}

/// Messages by how far they got, each counted when it was accepted or came in, under what it shows now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = OverviewCounts)]
pub(crate) struct CountsView {
    /// Came in.
    r#in: u64,
    /// Were accepted to go out, or written elsewhere by the business itself.
    out: u64,
    /// Of those, sent: or further.
    sent: u64,
    /// Delivered: or read.
    delivered: u64,
    /// Read.
    read: u64,
    /// Failed or expired; none of these is counted as sent.
    failed: u64,
    /// Were called off.
    cancelled: u64,
}

impl From<Tally> for CountsView {
    fn from(tally: Tally) -> Self {
        let Tally { received, accepted, sent, delivered, read, failed, cancelled } = tally;
        Self { r#in: received, out: accepted, sent, delivered, read, failed, cancelled }
    }
}

/// One step.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OverviewPoint)]
pub(crate) struct PointView {
    /// Its beginning.
    at: String,
    #[serde(flatten)]
    counts: CountsView,
}

/// Failures of one kind.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OverviewError)]
pub(crate) struct ErrorView {
    /// Our code.
    code: &'static str,
    /// Meta's, where it gave one.
    meta_code: Option<i64>,
    /// Broad class.
    #[serde(rename = "type")]
    kind: &'static str,
    /// For display.
    title: String,
    /// What to do.
    remedy: &'static str,
    /// A page that this server serves.
    help: String,
    /// Of how many messages it was told; one that arrived after all stays counted.
    count: u64,
    /// Addresses of the senders that had it.
    senders: Vec<String>,
    /// When it was told last.
    last_at: String,
}

/// The beginning of the step that a moment is in.
fn begin(at: Timestamp, step: TallyStep) -> Timestamp {
    let wide = step.span().as_millis();
    Timestamp::from_millis(at.as_millis().div_euclid(wide) * wide)
}

/// What is asked for; what is wrong with it is noted.
fn parse(query: &mut Query, sender: Option<SenderId>, now: Timestamp) -> OverviewAsk {
    let step = query.choice("step", "minute, hour or day", |word| {
        [TallyStep::Minute, TallyStep::Hour, TallyStep::Day].into_iter().find(|step| step.as_str() == word)
    });
    let step = step.unwrap_or(TallyStep::Hour);
    // Nothing is known of what lies ahead: the step of this very moment is the last.
    let end = begin(now, step).plus(step.span());
    let to = query.moment("to").map_or(end, |to| begin(to.plus(Span::millis(-1)), step).plus(step.span()).min(end));
    let from = query.moment("from").unwrap_or_else(|| to.minus(RANGE_DEFAULT));
    let from = begin(from, step);
    let points = to.since(from).as_millis() / step.span().as_millis();
    if points < 1 {
        query.notes.note("from", "must be before `to`, and in the past", "give an earlier one, or leave it out");
    } else if points > TALLY_POINTS_MAX as i64 {
        let rule = format!("would make {points} steps, at most {TALLY_POINTS_MAX} are shown");
        query.notes.note("from", rule, "give a wider step or a later moment");
    }
    if step == TallyStep::Minute && from < now.minus(TALLY_MINUTES_KEEP).plus(Span::hours(1)) {
        query.notes.note("step", "minute is known of the last 47 hours only", "use hour, or a later `from`");
    }
    OverviewAsk { from, to, step, sender, now }
}

fn view(ask: &OverviewAsk, found: Overview, address: impl Fn(SenderId) -> String) -> OverviewView {
    let known: BTreeMap<Timestamp, Tally> = found.points.into_iter().collect();
    let (mut series, mut totals, mut at) = (Vec::new(), Tally::default(), ask.from);
    while at < ask.to && series.len() < TALLY_POINTS_MAX {
        let tally = known.get(&at).copied().unwrap_or_default();
        totals += tally;
        series.push(PointView { at: rfc3339(at), counts: tally.into() });
        at = at.plus(ask.step.span());
    }
    OverviewView {
        from: rfc3339(ask.from),
        to: rfc3339(ask.to),
        step: ask.step.as_str(),
        series,
        totals: totals.into(),
        open_sessions: found.open_sessions,
        open_sessions_more: found.open_sessions >= OPEN_SESSIONS_MAX,
        errors: errors(found.failings, address),
    }
}

/// By code, whoever had them.
fn errors(failings: Vec<Failing>, address: impl Fn(SenderId) -> String) -> Vec<ErrorView> {
    let mut all: BTreeMap<(ErrorCode, Option<i64>), ErrorView> = BTreeMap::new();
    for Failing { sender, code, upstream, messages, last_at } in failings {
        let none = || ErrorView {
            code: code.as_str(),
            meta_code: upstream,
            kind: code.kind().as_str(),
            title: title(code),
            remedy: code.remedy(),
            help: help(code),
            count: 0,
            senders: Vec::new(),
            last_at: String::new(),
        };
        let view = all.entry((code, upstream)).or_insert_with(none);
        view.count += messages;
        view.senders.push(address(sender));
        // Moments in this form compare as texts.
        view.last_at = std::mem::take(&mut view.last_at).max(rfc3339(last_at));
    }
    let mut views: Vec<ErrorView> = all.into_values().collect();
    views.sort_by_key(|view| std::cmp::Reverse(view.count));
    views
}

/// See how a business is doing
///
/// Messages in and out, and how far they got, step by step: each counts when it was accepted or came in, under what it shows now, so
/// that a late status counts where its message does, and of those that were accepted at least as many were sent as delivered, and
/// delivered as read. Sums outlive the messages. How deep the queue of a sender is says the sender, how far a webhook endpoint lags
/// the endpoint.
#[utoipa::path(
    get,
    path = "/v1/businesses/{business}/overview",
    operation_id = "getOverview",
    tag = "Messages",
    params(
        ("business" = String, Path, description = "Id of the business"),
        ("from" = Option<String>, Query, description = "From the step of this moment on, RFC 3339; 24 hours where left out"),
        ("to" = Option<String>, Query, description = "Up to this moment; now where left out"),
        ("step" = Option<String>, Query, description = "`hour` where left out, `minute` (of the last 47 hours) or `day` (of UTC); at most 1,500 steps"),
        ("sender" = Option<String>, Query, description = "Only of this sender, by its address or id"),
    ),
    responses((status = 200, description = "How it is doing", body = OverviewView), ListRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn get(
    State(app): State<App>,
    Authorised(caller): Authorised<SEND>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let mut query = Query::read(query.as_deref(), &["from", "to", "step", "sender"]);
    let named = query.get("sender").map(str::to_owned);
    let sender = named.as_deref().and_then(|text| app.sender_named(caller.business, text));
    if named.is_some() && sender.is_none() {
        let remedy = "give the address of one of the senders that GET senders lists";
        query.notes.coded(ErrorCode::InvalidSenderId, "sender", "is no sender of this business", remedy);
    }
    let ask = parse(&mut query, sender, app.service.now());
    let ask = query.finish(ask)?;
    let found = app.service.store.overview(caller.business, ask).await?;
    let address = |id: SenderId| app.service.sender(id).map_or_else(|| id.to_string(), |sender| sender.address.to_string());
    json(StatusCode::OK, &view(&ask, found, address))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_790_000_000);

    fn asked(query: &str) -> Result<OverviewAsk, Problem> {
        let mut query = Query::read(Some(query), &["from", "to", "step"]);
        let ask = parse(&mut query, None, NOW);
        query.finish(ask)
    }

    #[test]
    fn a_range_is_whole_steps_up_to_this_one() {
        let ask = asked("").unwrap();
        assert_eq!((ask.step, ask.to.since(ask.from)), (TallyStep::Hour, Span::hours(24)));
        assert!(ask.to > NOW && ask.to.since(NOW) <= Span::hours(1) && ask.to.as_secs() % 3_600 == 0);
        // 14:13:20 of that day.
        let ask = asked("from=2026-09-21T10:30:00Z&to=2026-09-21T12:00:00Z").unwrap();
        assert_eq!((rfc3339(ask.from), rfc3339(ask.to)), ("2026-09-21T10:00:00.000Z".into(), "2026-09-21T12:00:00.000Z".into()));
        let ask = asked("from=2026-09-01T00:00:00Z&to=2030-01-01T00:00:00Z&step=day").unwrap();
        assert_eq!(rfc3339(ask.to), "2026-09-22T00:00:00.000Z", "nothing ahead is told");
        for wrong in
            ["from=2027-01-01T00:00:00Z", "from=2020-01-01T00:00:00Z", "from=2026-09-19T00:00:00Z&step=minute", "step=week"]
        {
            assert!(asked(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn steps_in_which_nothing_was_are_there_and_errors_are_by_code() {
        let ask = asked("from=2026-09-21T12:00:00Z").unwrap();
        let failing = |sender, messages| Failing {
            sender: SenderId(sender),
            code: ErrorCode::UpstreamError,
            upstream: Some(131_000),
            messages,
            last_at: NOW,
        };
        let tally = Tally { accepted: 3, sent: 2, ..Tally::default() };
        let found = Overview {
            points: vec![(ask.from.plus(Span::hours(1)), tally)],
            failings: vec![failing(1, 5), failing(2, 1)],
            open_sessions: 4,
        };
        let shown = view(&ask, found, |id| id.0.to_string());
        assert_eq!(shown.series.iter().map(|point| point.counts.out).collect::<Vec<_>>(), [0, 3, 0]);
        assert_eq!((shown.totals.sent, shown.open_sessions, shown.open_sessions_more), (2, 4, false));
        assert_eq!(
            (shown.errors.len(), shown.errors[0].count, shown.errors[0].senders.as_slice()),
            (1, 6, &["1".to_owned(), "2".to_owned()][..])
        );
    }
}
