//! The story of a message as our API shows it: request, verdicts, queue, attempts, what Meta said of them, what is yet to be told.
//!
//! Meta tells whole seconds by its own clock, so the order is not that of `at`: attempts go by their start, what was said of one
//! by how far it got, and the message's own ends by when they came about.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use transom_domain::event::EventBody;
use transom_domain::fact::HeardBy;
use transom_domain::message::{Attempt, LANE_PATIENCE, Message};
use transom_domain::status::{Phase, Progress};
use transom_domain::time::Timestamp;
use transom_domain::verdict::Verdict;
use transom_store::{Outstanding, Step, Timeline, Word};

use super::common::rfc3339;

/// Said where a message lets those behind it go first.
const PASSED: &str = "Later messages to this customer may go first.";

/// One thing that happened.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TimelineEntry {
    /// What: `accepted`, `received`, `verdict`, `queued`, `scheduled`, `attempt_started`, `unknown`, `refused`, `answered`, `sent`,
    /// `failed`, `delivered`, `read`, `given_up`, `expired`, `cancelled`, `unconfirmed`, `confirmed`, or `delivery_outstanding` for an event of it that a
    /// webhook endpoint has not taken yet.
    what: &'static str,
    /// `transom` or `meta`: who said it, and by whose clock `at` is.
    by: &'static str,
    /// When, as it was said; Meta tells whole seconds.
    at: String,
    /// When we learned of it.
    heard_at: String,
    /// `history` where Meta said so only when it was asked, since no webhook had told it.
    #[serde(skip_serializing_if = "Option::is_none")]
    heard_by: Option<&'static str>,
    /// Until when it holds the message: its next try, or the moment at which what is unknown is decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    /// Number of the attempt, where it was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<u32>,
    /// One sentence or word more.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// Price, as received with it.
    #[serde(skip_serializing_if = "Value::is_null")]
    #[schema(value_type = Option<Object>)]
    pricing: Value,
}

/// An entry, and when it was heard, by which the message's own ends find their place.
type Told = (Timestamp, TimelineEntry);

fn ours(what: &'static str, at: Timestamp) -> TimelineEntry {
    let (at, heard_at) = (rfc3339(at), rfc3339(at));
    TimelineEntry {
        what,
        by: "transom",
        at,
        heard_at,
        heard_by: None,
        until: None,
        attempt: None,
        text: None,
        pricing: Value::Null,
    }
}

/// The story of a message, from what the store keeps of it.
pub(super) fn story(message: &Message, timeline: &Timeline) -> Vec<TimelineEntry> {
    let mut told = beginning(message, timeline);
    let mut attempts: Vec<&Attempt> = message.attempts.iter().collect();
    attempts.sort_by_key(|a| (a.started_at, a.number));
    for attempt in attempts {
        told.push((
            attempt.started_at,
            TimelineEntry { attempt: Some(attempt.number), ..ours("attempt_started", attempt.started_at) },
        ));
        if let Some((_, verdict)) = timeline.dispatched_on.as_ref().filter(|(number, _)| *number == attempt.number) {
            let taken = TimelineEntry { attempt: Some(attempt.number), ..judged(verdict, attempt.started_at) };
            told.push((attempt.started_at, taken));
        }
        let mut words: Vec<&Word> = timeline.words.iter().filter(|w| w.attempt == attempt.number).collect();
        words.sort_by_key(|w| (w.step, w.at));
        told.extend(words.into_iter().map(|w| (w.heard_at, said(w, message))));
    }
    let mut ends: Vec<&Word> = timeline.words.iter().filter(|w| w.attempt == 0 && w.step != Step::Scheduled).collect();
    ends.sort_by_key(|w| (w.heard_at, w.step));
    for end in ends {
        // After all that was known when it came about: a later word from Meta comes after it, whenever Meta says it was.
        let place = told.iter().rposition(|(heard_at, _)| *heard_at <= end.heard_at).map_or(0, |last| last + 1);
        told.insert(place, (end.heard_at, said(end, message)));
    }
    told.into_iter().map(|(_, entry)| entry).chain(timeline.outstanding.iter().map(outstanding)).collect()
}

/// How a message came in, up to its first attempt.
fn beginning(message: &Message, timeline: &Timeline) -> Vec<Told> {
    let start = message.accepted_at;
    if matches!(message.phase, Phase::Received) {
        let entry = match &message.inbound {
            Some(inbound) => TimelineEntry { by: "meta", at: rfc3339(inbound.at), ..ours("received", start) },
            None => ours("received", start),
        };
        return vec![(start, entry)];
    }
    let mut told = vec![(start, ours("accepted", start))];
    if let Some(verdict) = &timeline.accepted_on {
        told.push((start, judged(verdict, start)));
    }
    let scheduled = timeline.words.iter().find(|w| w.attempt == 0 && w.step == Step::Scheduled);
    let entry = match (scheduled, &message.phase) {
        (Some(word), _) => said(word, message),
        (None, Phase::Queued { not_before }) if message.attempts.is_empty() && *not_before > start => {
            TimelineEntry { until: Some(rfc3339(*not_before)), ..ours("queued", start) }
        }
        (None, _) => ours("queued", start),
    };
    told.push((start, entry));
    told
}

fn judged(verdict: &Verdict, at: Timestamp) -> TimelineEntry {
    TimelineEntry { text: Some(verdict.explanation.clone()), ..ours("verdict", at) }
}

/// A word as an entry.
fn said(word: &Word, message: &Message) -> TimelineEntry {
    let last = message.attempts.last().is_some_and(|a| a.number == word.attempt);
    let unknown = word.step == Step::Attempt(Progress::Unknown);
    let until = match &message.phase {
        // The wait can have been made longer since.
        Phase::Unknown { until } if unknown && last => Some(*until),
        _ => word.until,
    };
    // An unknown message is out of its lane at once, one that waits only when it waits for long.
    let passed = until.filter(|until| unknown || *until > word.at.plus(LANE_PATIENCE)).map(|_| PASSED.to_owned());
    let error = word.error.as_ref().map(|e| e.message.clone());
    let text: Vec<String> = error.into_iter().chain(word.note.clone()).chain(passed).collect();
    TimelineEntry {
        what: word.step.as_str(),
        by: if word.step.is_upstreams() { "meta" } else { "transom" },
        at: rfc3339(word.at),
        heard_at: rfc3339(word.heard_at),
        heard_by: (word.by != HeardBy::Webhook).then(|| word.by.as_str()),
        until: until.map(rfc3339),
        attempt: (word.attempt > 0).then_some(word.attempt),
        text: (!text.is_empty()).then(|| text.join(" ")),
        pricing: word.pricing.clone().unwrap_or_default(),
    }
}

/// What waits to be told.
fn outstanding(waits: &Outstanding) -> TimelineEntry {
    let event = match &waits.body {
        EventBody::MessageStatus { status, .. } => status.as_str(),
        other => other.name(),
    };
    let which = match waits.topic {
        Some(topic) => format!("for {}", topic.as_str()),
        None => waits.endpoint.to_string(),
    };
    let tries = match waits.tried {
        0 => format!("The endpoint {which} has yet to take `{event}`: it waits behind an older delivery."),
        tried => format!("The endpoint {which} has yet to take `{event}`: tries so far {tried}."),
    };
    let text = if waits.seen.is_empty() { tries } else { format!("{tries} Last seen: {}", waits.seen) };
    TimelineEntry { until: Some(rfc3339(waits.due)), text: Some(text), ..ours("delivery_outstanding", waits.since) }
}

#[cfg(test)]
mod tests {
    use super::super::message_view::tests::{at, made, message};
    use super::*;
    use serde_json::json;
    use transom_domain::error_code::ErrorCode;
    use transom_domain::status::{Failure, Status};
    use transom_domain::time::Span;

    fn word(attempt: u32, step: Step, said: Timestamp, heard: Timestamp) -> Word {
        Word {
            attempt,
            step,
            at: said,
            heard_at: heard,
            by: HeardBy::Webhook,
            until: None,
            error: None,
            note: None,
            pricing: None,
            answer: None,
        }
    }

    fn whats(entries: &[TimelineEntry]) -> Vec<(&'static str, Option<u32>)> {
        entries.iter().map(|e| (e.what, e.attempt)).collect()
    }

    #[test]
    fn whole_seconds_of_metas_do_not_come_before_what_caused_them() {
        // Tried twice; the second attempt started at 5.7 s, and Meta says that it left at 5 s and arrived at 5 s.
        let start = at(5).plus(Span::millis(700));
        let mut second = made(2, Progress::Delivered, 5, 5);
        second.started_at = start;
        let sent = message(vec![made(1, Progress::Refused, 1, 2), second]);
        let heard = at(8);
        let refused =
            Word { until: Some(at(5)), note: Some("Busy.".into()), ..word(1, Step::Attempt(Progress::Refused), at(2), at(2)) };
        let mut left = word(2, Step::Attempt(Progress::Sent), at(5), heard);
        left.pricing = Some(json!({ "billable": true }));
        let answered = start.plus(Span::millis(90));
        let timeline = Timeline {
            words: vec![
                word(2, Step::Attempt(Progress::Delivered), at(5), heard),
                left,
                word(2, Step::Attempt(Progress::Answered), answered, answered),
                refused,
            ],
            ..Timeline::default()
        };
        let told = story(&sent, &timeline);
        assert_eq!(
            whats(&told),
            [
                ("accepted", None),
                ("queued", None),
                ("attempt_started", Some(1)),
                ("refused", Some(1)),
                ("attempt_started", Some(2)),
                ("answered", Some(2)),
                ("sent", Some(2)),
                ("delivered", Some(2)),
            ]
        );
        let shown = serde_json::to_value(&told[6]).unwrap();
        let expected = json!({
            "what": "sent", "by": "meta", "at": "2026-09-21T14:13:25.000Z", "heardAt": "2026-09-21T14:13:28.000Z", "attempt": 2,
            "pricing": { "billable": true },
        });
        assert_eq!(shown, expected);
        // Three seconds hold nobody back.
        assert_eq!((told[3].by, told[3].text.as_deref(), told[3].until.is_some()), ("transom", Some("Busy."), true));
    }

    #[test]
    fn an_end_of_ours_stands_before_the_word_that_overrode_it() {
        let lost = Failure { code: ErrorCode::OutcomeUnknown, message: "Lost.".into(), upstream: None };
        let sent = message(vec![made(1, Progress::Delivered, 1, 3)]);
        let unknown =
            Word { until: Some(at(600)), error: Some(lost.clone()), ..word(1, Step::Attempt(Progress::Unknown), at(2), at(2)) };
        let given_up = Word { error: Some(lost), ..word(0, Step::GivenUp, at(600), at(600)) };
        let delivered = word(1, Step::Attempt(Progress::Delivered), at(3), at(700));
        let timeline = Timeline { words: vec![given_up, delivered, unknown], ..Timeline::default() };
        let told = story(&sent, &timeline);
        let ends = [("attempt_started", Some(1)), ("unknown", Some(1)), ("given_up", None), ("delivered", Some(1))];
        assert_eq!(whats(&told)[2..], ends);
        assert_eq!(told[3].text.as_deref(), Some("Lost. Later messages to this customer may go first."));
        assert_eq!(told[4].text.as_deref(), Some("Lost."));
    }

    #[test]
    fn a_long_schedule_lets_others_go_first_and_is_called_off() {
        let mut later = message(Vec::new());
        (later.phase, later.status) = (Phase::Cancelled, Status::Cancelled);
        let scheduled = Word { until: Some(at(3_600)), ..word(0, Step::Scheduled, at(0), at(0)) };
        let timeline = Timeline { words: vec![scheduled, word(0, Step::Cancelled, at(9), at(9))], ..Timeline::default() };
        let told = story(&later, &timeline);
        assert_eq!(whats(&told), [("accepted", None), ("scheduled", None), ("cancelled", None)]);
        assert_eq!((told[1].until.as_deref(), told[1].text.as_deref()), (Some("2026-09-21T15:13:20.000Z"), Some(PASSED)));
        assert_eq!(told[2].at, "2026-09-21T14:13:29.000Z");
    }
}
