//! The history of messages: what Meta says of a message's statuses when it is asked (Meta: message-history and message-history-events,
//! v23.0). Read with an open mind: Meta's own two pages do not agree on the names of the statuses nor on where the moment stands, and not every
//! app may ask.

use serde_json::{Map, Value};
use transom_domain::fact::Reported;
use transom_domain::failure::UpstreamError;
use transom_domain::time::Timestamp;

use super::{BadAnswer, entry};
use crate::read::{as_moment, member, whole};

/// Statuses that are read of one message: it has one each, and by app; what comes beyond says nothing new.
const OCCURRENCES_MAX: usize = 100;
/// The longest reason that is kept, in characters.
const REASON_MAX: usize = 512;

const HISTORY: &str = "the message history";

/// What Meta has of one message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MessageHistory {
    /// Names the history, not the message: its events hang on it.
    pub id: String,
    /// Its statuses, as far as they are known here.
    pub occurrences: Vec<Occurrence>,
    /// What to pass as `after` for more of them; none on the last page.
    pub after: Option<String>,
}

/// One status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurrence {
    /// Which.
    pub status: Reported,
    /// When, by Meta's clock.
    pub at: Timestamp,
    /// Why it failed, in words; a history has no codes.
    pub reason: Option<String>,
}

impl Occurrence {
    /// The error of one that failed; without a code, which is -1 where an error has none.
    #[must_use]
    pub fn errors(&self) -> Vec<UpstreamError> {
        if self.status != Reported::Failed {
            return Vec::new();
        }
        let title = self.reason.clone().unwrap_or_else(|| "The message failed; its history does not say why.".to_owned());
        vec![UpstreamError { code: -1, title, details: None, subcode: None }]
    }
}

/// Reads the answer to [`super::message_history_path`]; none where the list has no such message.
///
/// # Errors
/// When it is not a list.
pub fn parse_message_history(json: &Value, message: &str) -> Result<Option<MessageHistory>, BadAnswer> {
    let data = json.get("data").and_then(Value::as_array).ok_or(BadAnswer::Missing { what: HISTORY, field: "data" })?;
    let of_message = |one: &&Value| one.get("message_id").and_then(Value::as_str) == Some(message);
    let Some(found) = data.iter().find(of_message) else { return Ok(None) };
    let object = entry(HISTORY, found)?;
    let id = member(object, "id").unwrap_or_default();
    let (occurrences, after) = match object.get("events") {
        Some(events) => occurrences(events),
        None => (Vec::new(), None),
    };
    Ok(Some(MessageHistory { id, occurrences, after }))
}

/// Reads the answer to [`super::message_events_path`]: more statuses, and what to pass as `after` for the rest.
///
/// # Errors
/// When it is not a list.
pub fn parse_message_events(json: &Value) -> Result<(Vec<Occurrence>, Option<String>), BadAnswer> {
    match json.get("data") {
        Some(Value::Array(_)) => Ok(occurrences(json)),
        _ => Err(BadAnswer::Missing { what: "the events of a message's history", field: "data" }),
    }
}

fn occurrences(list: &Value) -> (Vec<Occurrence>, Option<String>) {
    let data = list.get("data").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let read = data.iter().take(OCCURRENCES_MAX).filter_map(|one| {
        // The one page has the event itself, the other wraps it.
        occurrence(one.get("node").unwrap_or(one).as_object()?)
    });
    (read.collect(), list.get("paging").and_then(crate::templates::next_cursor))
}

/// One that is known; others (`DELETED`, `ACCEPTED`, and what is yet to come) say nothing of how far a message got.
fn occurrence(event: &Map<String, Value>) -> Option<Occurrence> {
    let status = match member(event, "delivery_status")?.to_ascii_uppercase().as_str() {
        "SENT" => Reported::Sent,
        "DELIVERED" => Reported::Delivered,
        "READ" => Reported::Read,
        "PLAYED" => Reported::Played,
        "FAILED" | "ERROR" => Reported::Failed,
        _ => return None,
    };
    let moment = ["occurrence_timestamp", "timestamp", "status_timestamp"].into_iter().find_map(|key| member(event, key));
    let at = moment.and_then(|text| whole(&text)).and_then(as_moment)?;
    let reason = member(event, "error_description").map(|text| text.chars().take(REASON_MAX).collect());
    Some(Occurrence { status, at, reason })
}

/// Why a history was not told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoAnswer {
    /// Meta has none of this message.
    NoSuchMessage,
    /// The number has no history that this token may see: asking for others is in vain, too.
    NotOffered(String),
    /// For now: too many calls, a fault, a token that must be renewed.
    NotNow(String),
}

/// What an answer other than 2xx means.
///
/// Meta names the edge in an old API's way when there is none (code 100, "nonexisting field"), or denies the object (100 with 33, 803), or
/// the app (3, 10, 200 to 299).
#[must_use]
pub fn refused_history(http_status: u16, error: Option<&UpstreamError>) -> NoAnswer {
    let Some(error) = error else { return NoAnswer::NotNow(format!("HTTP {http_status} without an error object")) };
    let said = format!("(#{}) {}", error.code, error.details.as_ref().unwrap_or(&error.title));
    match (error.code, error.subcode) {
        (3 | 10 | 12 | 200..=299 | 803 | 2500, _) | (100, Some(33)) => NoAnswer::NotOffered(said),
        (100, _) if error.title.contains("nonexisting field") => NoAnswer::NotOffered(said),
        (100, _) => NoAnswer::NoSuchMessage,
        _ => NoAnswer::NotNow(said),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn events(data: Value) -> Value {
        json!({ "data": [{ "id": "9", "message_id": "wamid.1", "events": { "data": data } }] })
    }

    fn read(data: Value) -> Vec<(Reported, i64)> {
        let history = parse_message_history(&events(data), "wamid.1").unwrap().unwrap();
        assert_eq!(history.id, "9");
        history.occurrences.iter().map(|one| (one.status, one.at.as_secs())).collect()
    }

    #[test]
    fn both_pages_forms_are_read_and_what_is_unknown_is_passed_over() {
        let told = read(json!([
            { "id": "1", "delivery_status": "SENT", "timestamp": 1_640_995_200, "webhook_update_state": "DELIVERED",
              "application": { "id": "7" }, "webhook_uri": "https://example.com" },
            { "id": "2", "delivery_status": "DELIVERED", "timestamp": "1640995260" },
            { "node": { "id": "3", "delivery_status": "READ", "occurrence_timestamp": 1_640_995_320, "status_timestamp": 1_640_995_325 } },
            { "delivery_status": "DELETED", "timestamp": 1 },
            { "delivery_status": "ACCEPTED", "timestamp": 1 },
            { "delivery_status": "TELEPORTED", "timestamp": 1 },
            { "delivery_status": "SENT" },
            "SENT",
        ]));
        let expected = [(Reported::Sent, 1_640_995_200), (Reported::Delivered, 1_640_995_260), (Reported::Read, 1_640_995_320)];
        assert_eq!(told, expected);
        for failed in ["FAILED", "ERROR"] {
            assert_eq!(read(json!([{ "delivery_status": failed, "timestamp": 5 }])), [(Reported::Failed, 5)]);
        }
        let many: Vec<Value> = (0..500).map(|n| json!({ "delivery_status": "SENT", "timestamp": n })).collect();
        assert_eq!(read(json!(many)).len(), OCCURRENCES_MAX);
    }

    #[test]
    fn only_the_message_that_was_asked_for_counts() {
        let list = events(json!([{ "delivery_status": "READ", "timestamp": 5 }]));
        assert_eq!(parse_message_history(&list, "wamid.2").unwrap(), None);
        assert_eq!(parse_message_history(&json!({ "data": [] }), "wamid.1").unwrap(), None);
        assert!(parse_message_history(&json!({ "error": {} }), "wamid.1").is_err());
        // The fields that were asked for may be left out.
        let bare = json!({ "data": [{ "id": "9", "message_id": "wamid.1" }] });
        assert_eq!(parse_message_history(&bare, "wamid.1").unwrap().unwrap().occurrences, []);
    }

    #[test]
    fn more_is_asked_for_where_there_is_more() {
        let mut list = events(json!([]));
        list["data"][0]["events"]["paging"] =
            json!({ "cursors": { "after": "QQ" }, "next": "https://graph.facebook.com/v25.0/9/events?after=QQ" });
        let after = parse_message_history(&list, "wamid.1").unwrap().unwrap().after;
        assert_eq!(after.as_deref(), Some("QQ"));
        assert_eq!(
            super::super::message_events_path("9", "QQ"),
            "9/events?fields=cursor,node%7Bdelivery_status,occurrence_timestamp,error_description%7D&limit=100&after=QQ"
        );
        let page = json!({ "data": [{ "cursor": "QQ", "node": { "delivery_status": "ERROR", "occurrence_timestamp": 7, "error_description": "no such number" } }] });
        let (told, after) = parse_message_events(&page).unwrap();
        assert_eq!((told[0].errors()[0].title.as_str(), told[0].errors()[0].code, after), ("no such number", -1, None));
    }

    #[test]
    fn what_is_refused_for_good_is_told_from_what_is_refused_for_now() {
        let error = |code, subcode, title: &str| UpstreamError { code, title: title.to_owned(), details: None, subcode };
        let offered = |error: &UpstreamError| refused_history(400, Some(error));
        for (code, subcode) in [(3, None), (10, None), (200, Some(1_349_174)), (100, Some(33)), (803, None)] {
            assert!(matches!(offered(&error(code, subcode, "no")), NoAnswer::NotOffered(_)), "{code}");
        }
        let edge =
            error(100, None, "Tried accessing nonexisting field (message_history) on node type (WhatsAppBusinessPhoneNumber)");
        assert!(matches!(offered(&edge), NoAnswer::NotOffered(_)));
        let unknown = error(100, None, "The requested message_id was not found in the message history");
        assert_eq!(offered(&unknown), NoAnswer::NoSuchMessage);
        for code in [1, 2, 4, 190, 80_007] {
            assert!(matches!(offered(&error(code, None, "later")), NoAnswer::NotNow(_)), "{code}");
        }
        assert!(matches!(refused_history(502, None), NoAnswer::NotNow(_)));
    }
}
