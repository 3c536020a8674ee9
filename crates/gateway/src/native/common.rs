//! What several operations share: caller's data, tags, ids, times.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use transom_domain::error_code::ErrorCode;
use transom_domain::id::MessageId;
use transom_domain::time::Timestamp;

use super::read::Notes;
use crate::service::CALLBACK_DATA_MAX;

/// Longest campaign name in characters: it is a tag, is indexed, and comes back in every event.
pub(crate) const CAMPAIGN_MAX: usize = 200;
/// Longest display name of a recipient in characters (Meta's profile names have 25; other systems more).
pub(crate) const NAME_MAX: usize = 200;

/// `callbackData` as JSON text: word for word where that fits, else without its white space.
pub(crate) fn callback_data(value: Option<&Value>, body: &[u8], notes: &mut Notes) -> Option<String> {
    /// Only the one field, as it was written: numbers keep all their digits.
    #[derive(Deserialize)]
    struct Verbatim<'a> {
        #[serde(borrow, rename = "callbackData", alias = "callback_data")]
        data: Option<&'a RawValue>,
    }
    let value = value?;
    let compact = value.to_string();
    let verbatim = serde_json::from_slice::<Verbatim<'_>>(body).ok().and_then(|v| v.data).map(RawValue::get);
    let text = verbatim.filter(|v| v.len() <= CALLBACK_DATA_MAX).map_or(compact, str::to_owned);
    if text.len() > CALLBACK_DATA_MAX {
        notes.coded(
            ErrorCode::CallbackDataTooLarge,
            "callbackData",
            format!("has {} bytes as JSON, at most {CALLBACK_DATA_MAX} are allowed", text.len()),
            "send an id and keep the rest yourself",
        );
        return None;
    }
    Some(text)
}

/// A campaign's name; an empty one counts as none.
pub(crate) fn campaign(name: Option<String>, notes: &mut Notes) -> Option<String> {
    notes.at_most("campaignName", name.as_deref(), CAMPAIGN_MAX);
    name.filter(|n| !n.is_empty())
}

/// Our id of a message.
pub(crate) fn message_id(text: Option<&str>, field: &str, notes: &mut Notes) -> Option<MessageId> {
    let parsed = text?.parse();
    if parsed.is_err() {
        notes.note(field, "is not a message id", "an id is 26 Crockford base-32 characters such as 01K5Z3V8Q4M9W2N7T6R1XBCDEF");
    }
    parsed.ok()
}

/// A moment as RFC 3339 text.
pub(crate) fn moment(text: Option<&str>, field: &str, notes: &mut Notes) -> Option<Timestamp> {
    let parsed = text?.parse::<jiff::Timestamp>();
    if parsed.is_err() {
        notes.note(field, "is not a moment", "write it as RFC 3339, such as 2026-11-22T08:00:00Z");
    }
    parsed.ok().map(|t| Timestamp::from_millis(t.as_millisecond()))
}

/// A moment as RFC 3339 text in UTC with milliseconds.
pub(crate) fn rfc3339(moment: Timestamp) -> String {
    // Moments beyond the year 9999 stand for "never"; they are shown as the last one there is.
    let shown = jiff::Timestamp::from_millisecond(moment.as_millis()).unwrap_or(jiff::Timestamp::MAX);
    format!("{shown:.3}")
}

/// Text of JSON as a value; what does not read back (it always was JSON) as null.
pub(crate) fn json_text(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or(Value::Null)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn callback_data_is_kept_word_for_word() {
        let body = br#"{"callbackData": {"amount": 1.10, "id": 123456789012345678901234567890}}"#;
        let value = serde_json::from_slice::<Value>(body).unwrap();
        let mut notes = Notes::default();
        let kept = callback_data(value.get("callbackData"), body, &mut notes);
        assert_eq!(kept.as_deref(), Some(r#"{"amount": 1.10, "id": 123456789012345678901234567890}"#));
    }

    #[test]
    fn callback_data_ends_at_1024_bytes() {
        for (length, fits) in [(1_022, true), (1_023, false)] {
            let body = json!({"callback_data": "x".repeat(length)}).to_string();
            let value = serde_json::from_str::<Value>(&body).unwrap();
            let mut notes = Notes::default();
            let kept = callback_data(value.get("callback_data"), body.as_bytes(), &mut notes);
            assert_eq!(kept.is_some(), fits, "{length}");
            assert_eq!(notes.finish(Some(())).is_ok(), fits);
        }
    }

    #[test]
    fn moments_are_read_and_shown_in_utc() {
        let mut notes = Notes::default();
        let read = moment(Some("2026-11-22T09:00:00.250+01:00"), "sendAt", &mut notes).unwrap();
        assert_eq!(rfc3339(read), "2026-11-22T08:00:00.250Z");
        assert!(moment(Some("tomorrow"), "sendAt", &mut notes).is_none());
        assert!(rfc3339(Timestamp::FAR).starts_with("9999-"));
    }
}
