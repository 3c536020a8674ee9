//! What is measured, all names in one place. Prometheus reads them at `/metrics`.

use std::collections::{BTreeSet, HashMap};
use std::sync::{OnceLock, PoisonError, RwLock};
use std::time::Duration;

use metrics::{Counter, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use transom_domain::error_code::ErrorCode;
use transom_domain::holding::Thing;
use transom_store::{Condition, SweepKind};

const ACCEPTED: &str = "transom_messages_accepted_total";
const REPLAYED: &str = "transom_messages_replayed_total";
const REFUSED: &str = "transom_messages_refused_total";
const ATTEMPTS: &str = "transom_attempts_total";
const UPSTREAM: &str = "transom_upstream_seconds";
const WEBHOOKS: &str = "transom_webhooks_heard_total";
const HEARING: &str = "transom_webhook_seconds";
const REHEARD: &str = "transom_journal_replayed_total";
const HISTORY: &str = "transom_history_asked_total";
const FACTS: &str = "transom_facts_total";
const DELIVERIES: &str = "transom_deliveries_total";
const DELIVERING: &str = "transom_delivery_seconds";
const WAITING: &str = "transom_messages_waiting";
const OLDEST: &str = "transom_messages_waiting_oldest_seconds";
const SILENT: &str = "transom_messages_silent_ratio";
const IN_FLIGHT: &str = "transom_attempts_in_flight";
const STOPPED: &str = "transom_senders_stopped";
const STORE_BUSY: &str = "transom_store_busy_total";
const TURNED_AWAY: &str = "transom_turned_away_total";
const LOG_BYTES: &str = "transom_store_log_bytes";
const LOG_PINNED: &str = "transom_store_log_pinned_total";
const DISK_FREE: &str = "transom_disk_free_bytes";
const DISK_LOW: &str = "transom_disk_low";
const SWEPT: &str = "transom_swept_rows_total";
const ROWS_READ: &str = "transom_store_rows_read_total";
const FILES: &str = "transom_media_fetches_total";
const NAMES: &str = "transom_names_looked_up_total";
const REPLICAS: &str = "transom_replicas";
const HELD: &str = "transom_held";
const LEASES_LOST: &str = "transom_leases_lost_total";
const HELD_BACK: &str = "transom_sends_held_back_total";
const OUTLIVED: &str = "transom_sends_outlived_lease_total";
const HINTS: &str = "transom_hints_total";
const REQUESTS: &str = "transom_http_requests_total";
const REQUEST_TIME: &str = "transom_http_request_seconds";
const SPANS: &str = "transom_spans_total";

/// Bounds of every histogram of times, in seconds. Meta wants webhooks answered within 0.25 s at the median and 1 s at the
/// hundredth: both are bounds here.
const SECONDS: [f64; 14] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();

/// A metric that every message touches, looked up once: a look-up costs more than the counting. Nothing while nobody measures,
/// so that one that is touched before [`install`] is not lost to it.
macro_rules! kept {
    ($kind:ident, $($metric:tt)*) => {{
        static KEPT: OnceLock<$kind> = OnceLock::new();
        HANDLE.get().map(|_| KEPT.get_or_init(|| $($metric)*))
    }};
}

/// Starts measuring and gives what `/metrics` prints. There is one recorder per process: two gateways in one process share it,
/// and asking again gives the same one.
pub fn install() -> PrometheusHandle {
    let handle = HANDLE.get_or_init(|| {
        let builder = PrometheusBuilder::new();
        let recorder = match builder.set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS) {
            Ok(builder) => builder.build_recorder(),
            // Only an empty list of bounds is refused, and ours is not empty; times would be shown as quantiles.
            Err(_) => PrometheusBuilder::new().build_recorder(),
        };
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("another recorder of metrics is installed in this process; /metrics stays empty");
        }
        describe();
        handle
    });
    handle.clone()
}

/// Sums up the samples behind the histograms. Cheap; to be called every few seconds.
pub(crate) fn upkeep() {
    if let Some(handle) = HANDLE.get() {
        handle.run_upkeep();
    }
}

fn describe() {
    describe_counter!(ACCEPTED, Unit::Count, "Messages accepted for sending.");
    describe_counter!(REPLAYED, Unit::Count, "Sends answered with the answer of an earlier one, by idempotency key.");
    describe_counter!(REFUSED, Unit::Count, "Sends refused, by error code.");
    describe_counter!(ATTEMPTS, Unit::Count, "Attempts by outcome: accepted, unknown, unreachable, or the class of the error.");
    describe_histogram!(UPSTREAM, Unit::Seconds, "Time from the first byte of a send to Meta's answer.");
    describe_counter!(
        WEBHOOKS,
        Unit::Count,
        "Webhooks from Meta by result: heard, partly_understood, not_understood, bad_signature, malformed, stranger."
    );
    describe_counter!(REHEARD, Unit::Count, "Raw webhooks heard again, by result: news, known, erased, too_old, unread.");
    describe_counter!(
        HISTORY,
        Unit::Count,
        "Messages that Meta was asked about since too little was heard of them, by result: news, known, unknown, not_offered, failed."
    );
    describe_histogram!(HEARING, Unit::Seconds, "Time from a webhook's last byte to its durable answer.");
    describe_counter!(FACTS, Unit::Count, "Facts in webhooks: news, repeated, orphan (a status of a message not known here).");
    describe_counter!(DELIVERIES, Unit::Count, "Deliveries to webhook endpoints by result: told, failed, given_up.");
    describe_histogram!(DELIVERING, Unit::Seconds, "Time that an endpoint took to answer.");
    describe_gauge!(WAITING, Unit::Count, "Messages that wait, by sender.");
    describe_gauge!(OLDEST, Unit::Seconds, "Age of the oldest message that waits, by sender.");
    describe_gauge!(
        SILENT,
        "Share of the messages of the last week, a day or more old, of which neither delivery nor failure was heard, by sender."
    );
    describe_gauge!(IN_FLIGHT, Unit::Count, "Attempts that wait for Meta's answer.");
    describe_gauge!(STOPPED, Unit::Count, "Senders that are stopped by an operator's error.");
    describe_counter!(
        TURNED_AWAY,
        Unit::Count,
        "Requests turned away by bound: webhook_bytes, body_bytes, hint_bytes, command_bytes, requests, business, rate, backlog."
    );
    describe_counter!(STORE_BUSY, Unit::Count, "Commands that found the store's queue full.");
    describe_gauge!(LOG_BYTES, Unit::Bytes, "Size of the store's write-ahead log.");
    describe_counter!(
        LOG_PINNED,
        Unit::Count,
        "Times that the log could not begin anew because somebody read an old state for too long."
    );
    describe_gauge!(DISK_FREE, Unit::Bytes, "Room on the store's disk.");
    describe_gauge!(DISK_LOW, Unit::Count, "1 while only the reserve for what is heard is left, and sends are refused; else 0.");
    describe_counter!(SWEPT, Unit::Count, "Rows removed because they were past their retention, by kind.");
    describe_counter!(ROWS_READ, Unit::Count, "Rows that queries of the store have read.");
    describe_counter!(NAMES, Unit::Count, "Names of people on Messenger by result: named, refused, failed, throttled.");
    describe_counter!(FILES, Unit::Count, "Tries to fetch files from Meta by result: stored, again, throttled, failed.");
    describe_counter!(SPANS, Unit::Count, "Spans of traces by result: told, or dropped since the collector did not take them.");
    describe_gauge!(REPLICAS, Unit::Count, "Replicas whose lease is not over; only where the store is shared.");
    describe_gauge!(HELD, Unit::Count, "What this replica holds, by kind: sender, endpoint, duty.");
    describe_counter!(
        LEASES_LOST,
        Unit::Count,
        "How often this replica let go of everything, since its lease was not renewed in time."
    );
    describe_counter!(HELD_BACK, Unit::Count, "Sends that did not leave, since the lease had ended before.");
    describe_counter!(
        OUTLIVED,
        Unit::Count,
        "Sends under way when the lease ended: the one gap in which another replica may send the same message again."
    );
    describe_counter!(HINTS, Unit::Count, "Hints to other replicas by result: told, failed.");
    describe_counter!(REQUESTS, Unit::Count, "HTTP requests by method, route and status.");
    describe_histogram!(REQUEST_TIME, Unit::Seconds, "Time from a request's head to its answer, by route.");
}

/// A message was accepted.
pub(crate) fn accepted() {
    if let Some(accepted) = kept!(Counter, counter!(ACCEPTED)) {
        accepted.increment(1);
    }
}

/// A send was answered out of an idempotency key.
pub(crate) fn replayed() {
    counter!(REPLAYED).increment(1);
}

/// A send was refused.
pub(crate) fn refused(code: ErrorCode) {
    counter!(REFUSED, "code" => code.as_str()).increment(1);
}

/// An attempt ended: `accepted`, `unknown`, `unreachable`, or a word of [`transom_domain::failure::Class`].
pub(crate) fn attempt(outcome: &'static str) {
    match outcome {
        "accepted" => {
            if let Some(accepted) = kept!(Counter, counter!(ATTEMPTS, "outcome" => "accepted")) {
                accepted.increment(1);
            }
        }
        other => counter!(ATTEMPTS, "outcome" => other).increment(1),
    }
}

/// Meta answered a send after that time.
pub(crate) fn upstream_latency(took: Duration) {
    if let Some(upstream) = kept!(Histogram, histogram!(UPSTREAM)) {
        upstream.record(took.as_secs_f64());
    }
}

/// A webhook from Meta was read: `bad_signature`, or the outcome that the journal has.
pub(crate) fn heard(result: &'static str) {
    counter!(WEBHOOKS, "result" => result).increment(1);
}

/// A raw webhook was heard again.
pub(crate) fn reheard(result: &'static str) {
    counter!(REHEARD, "result" => result).increment(1);
}

/// Meta was asked about a message.
pub(crate) fn history(result: &'static str) {
    counter!(HISTORY, "result" => result).increment(1);
}

/// A webhook from Meta was answered after that time.
pub(crate) fn hearing(took: Duration) {
    if let Some(hearing) = kept!(Histogram, histogram!(HEARING)) {
        hearing.record(took.as_secs_f64());
    }
}

/// What the facts of one webhook were.
pub(crate) fn facts(news: usize, repeated: usize, orphans: usize) {
    for (kind, count) in [("news", news), ("repeated", repeated), ("orphan", orphans)] {
        if count > 0 {
            counter!(FACTS, "kind" => kind).increment(u64::try_from(count).unwrap_or(u64::MAX));
        }
    }
}

/// A delivery to a business's endpoint ended: `told`, `failed` or `given_up`.
pub(crate) fn delivery(result: &'static str) {
    counter!(DELIVERIES, "result" => result).increment(1);
}

/// So many spans were `told` to the collector of traces, or `dropped`.
pub(crate) fn spans(result: &'static str, count: usize) {
    counter!(SPANS, "result" => result).increment(count as u64);
}

/// An endpoint answered, or failed to, after that time.
pub(crate) fn delivering(took: Duration) {
    if let Some(delivering) = kept!(Histogram, histogram!(DELIVERING)) {
        delivering.record(took.as_secs_f64());
    }
}

/// How much of a sender waits, and for how long the oldest.
pub(crate) fn waiting(sender: &str, messages: u64, oldest: Duration) {
    gauge!(WAITING, "sender" => sender.to_owned()).set(as_f64(messages));
    gauge!(OLDEST, "sender" => sender.to_owned()).set(oldest.as_secs_f64());
}

/// What was not heard of a sender's messages.
pub(crate) fn silence(sender: &str, silence: transom_store::Silence) {
    gauge!(SILENT, "sender" => sender.to_owned()).set(silence.share());
}

/// How many attempts wait for Meta's answer.
pub(crate) fn in_flight(attempts: usize) {
    gauge!(IN_FLIGHT).set(as_f64(attempts as u64));
}

/// How many senders are stopped.
pub(crate) fn stopped(senders: usize) {
    gauge!(STOPPED).set(as_f64(senders as u64));
}

/// A bound turned a request away: `webhook_bytes`, `body_bytes`, `hint_bytes`, `command_bytes`, `requests`, `business`, `rate` or `backlog`.
pub(crate) fn turned_away(bound: &'static str) {
    counter!(TURNED_AWAY, "bound" => bound).increment(1);
}

/// The store's queue was full.
pub(crate) fn store_busy() {
    counter!(STORE_BUSY).increment(1);
}

/// How the store is doing.
pub(crate) fn condition(condition: &Condition) {
    gauge!(LOG_BYTES).set(as_f64(condition.log_bytes));
    counter!(LOG_PINNED).absolute(condition.log_pinned);
    if let Some(disk) = condition.disk {
        gauge!(DISK_FREE).set(as_f64(disk.free));
        gauge!(DISK_LOW).set(if disk.low { 1.0 } else { 0.0 });
    }
}

/// So many rows of one kind were removed.
pub(crate) fn swept(kind: SweepKind, rows: usize) {
    if rows > 0 {
        counter!(SWEPT, "kind" => kind.as_str()).increment(rows as u64);
    }
}

/// A try to fetch a file ended.
pub(crate) fn file_fetched(result: &'static str) {
    counter!(FILES, "result" => result).increment(1);
}

/// The name of somebody on Messenger was looked up.
pub(crate) fn named(result: &'static str) {
    counter!(NAMES, "result" => result).increment(1);
}

/// Takes over what is counted elsewhere; to be called before the metrics are shown.
pub(crate) fn take_over() {
    counter!(ROWS_READ).absolute(transom_store::rows_read());
}

/// So many replicas are there.
pub(crate) fn replicas(live: usize) {
    gauge!(REPLICAS).set(as_f64(live as u64));
}

/// What this replica holds.
pub(crate) fn held(things: &BTreeSet<Thing>) {
    for kind in ["sender", "endpoint", "duty"] {
        let of_kind = things.iter().filter(|thing| thing.kind() == kind).count();
        gauge!(HELD, "kind" => kind).set(as_f64(of_kind as u64));
    }
}

/// The lease was not renewed in time.
pub(crate) fn lease_lost() {
    counter!(LEASES_LOST).increment(1);
}

/// A send did not leave, since the lease had ended.
pub(crate) fn send_held_back() {
    counter!(HELD_BACK).increment(1);
}

/// A send was under way when the lease ended.
pub(crate) fn send_outlived_lease() {
    counter!(OUTLIVED).increment(1);
}

/// A hint was told, or not.
pub(crate) fn hint(result: &'static str) {
    counter!(HINTS, "result" => result).increment(1);
}

/// What is counted of one route.
struct Route {
    time: Histogram,
    /// By method and status: a route has few of them.
    answers: Vec<((&'static str, u16), Counter)>,
}

static ROUTES: RwLock<Option<HashMap<String, Route>>> = RwLock::new(None);

/// An HTTP request was answered. `route` is the pattern, never the path itself, so that the number of series is bounded.
pub(crate) fn request(method: &axum::http::Method, route: &str, status: u16, took: Duration) {
    if HANDLE.get().is_none() {
        return;
    }
    // Methods are a caller's words too: only the known ones become a label.
    let method = match *method {
        axum::http::Method::GET => "GET",
        axum::http::Method::POST => "POST",
        axum::http::Method::PUT => "PUT",
        axum::http::Method::DELETE => "DELETE",
        _ => "other",
    };
    let took = took.as_secs_f64();
    let count = |known: &Route| {
        let answers = known.answers.iter().find(|(answer, _)| *answer == (method, status));
        answers.is_some_and(|(_, counter)| {
            counter.increment(1);
            known.time.record(took);
            true
        })
    };
    let routes = ROUTES.read().unwrap_or_else(PoisonError::into_inner);
    if routes.as_ref().and_then(|routes| routes.get(route)).is_some_and(count) {
        return;
    }
    drop(routes);
    let mut routes = ROUTES.write().unwrap_or_else(PoisonError::into_inner);
    let routes = routes.get_or_insert_default();
    let known = routes
        .entry(route.to_owned())
        .or_insert_with(|| Route { time: histogram!(REQUEST_TIME, "route" => route.to_owned()), answers: Vec::new() });
    if !count(known) {
        let counter = counter!(REQUESTS, "method" => method, "route" => route.to_owned(), "status" => status.to_string());
        known.answers.push(((method, status), counter));
        count(known);
    }
}

/// Exact up to 2^53, far beyond any queue.
#[expect(clippy::cast_precision_loss, reason = "counts of waiting things are far below 2^53")]
const fn as_f64(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_is_described_and_shown_and_install_is_idempotent() {
        let first = install();
        let second = install();
        accepted();
        replayed();
        refused(ErrorCode::MessageTextEmpty);
        attempt("answered");
        upstream_latency(Duration::from_millis(3));
        heard("heard");
        hearing(Duration::from_millis(1));
        facts(1, 0, 2);
        delivery("told");
        delivering(Duration::from_millis(4));
        waiting("+493012345678", 5, Duration::from_secs(6));
        in_flight(2);
        stopped(1);
        store_busy();
        turned_away("requests");
        swept(SweepKind::Journal, 3);
        file_fetched("stored");
        take_over();
        let disk = Some(transom_store::DiskSpace { free: 1, reserve: 2, low: true });
        condition(&Condition { log_bytes: 1, log_max: 2, log_pinned: 3, disk });
        request(&axum::http::Method::GET, "/healthz", 200, Duration::from_millis(1));
        upkeep();
        let shown = first.render();
        for name in [
            ACCEPTED,
            REPLAYED,
            REFUSED,
            ATTEMPTS,
            UPSTREAM,
            WEBHOOKS,
            HEARING,
            REHEARD,
            FACTS,
            DELIVERIES,
            DELIVERING,
            WAITING,
            OLDEST,
            SILENT,
            IN_FLIGHT,
            STOPPED,
            STORE_BUSY,
            TURNED_AWAY,
            SWEPT,
            FILES,
            ROWS_READ,
            LOG_BYTES,
            LOG_PINNED,
            DISK_FREE,
            DISK_LOW,
            REQUESTS,
            REQUEST_TIME,
        ] {
            assert!(shown.contains(&format!("# HELP {name} ")), "{name} is not described:\n{shown}");
        }
        assert!(shown.contains("code=\"ERROR_CODE_MESSAGE_TEXT_EMPTY\""));
        assert!(shown.contains("transom_upstream_seconds_bucket"));
        assert!(second.render().contains(ACCEPTED));
    }
}
