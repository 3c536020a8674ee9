//! Error objects, in answers and in webhooks (Meta: support/error-codes, webhooks/reference/messages/errors).

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;
use transom_domain::failure::UpstreamError;

use crate::read::{number, text};

/// An error object in any of its forms: `error` of an answer, an entry of `errors` in a webhook, and the older webhooks that
/// have `details` beside `title`.
#[derive(Deserialize)]
pub(crate) struct WireError<'a> {
    #[serde(default, deserialize_with = "number")]
    code: Option<i64>,
    #[serde(borrow, default, deserialize_with = "text")]
    title: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "text")]
    message: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "text")]
    details: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    error_data: Option<ErrorData<'a>>,
    #[serde(default, deserialize_with = "number")]
    error_subcode: Option<i64>,
    #[serde(borrow, default, deserialize_with = "text")]
    error_user_title: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "text")]
    error_user_msg: Option<Cow<'a, str>>,
}

/// `error_data`: an object with `details`, or (plain Graph) a text that says the same.
#[derive(Deserialize)]
#[serde(untagged)]
enum ErrorData<'a> {
    Object {
        #[serde(borrow, default, deserialize_with = "text")]
        details: Option<Cow<'a, str>>,
    },
    Other(serde::de::IgnoredAny),
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    error: WireError<'a>,
}

impl From<&WireError<'_>> for UpstreamError {
    fn from(wire: &WireError<'_>) -> Self {
        let said = |text: &Option<Cow<'_, str>>| text.as_deref().filter(|t| !t.is_empty()).map(str::to_owned);
        // A webhook's error without a code is still an error; no table has this one.
        let code = wire.code.unwrap_or(-1);
        let title = said(&wire.title).or_else(|| said(&wire.message)).unwrap_or_default();
        let details = match &wire.error_data {
            Some(ErrorData::Object { details }) => said(details),
            Some(ErrorData::Other(_)) | None => None,
        };
        let for_people = || match (said(&wire.error_user_title), said(&wire.error_user_msg)) {
            (Some(title), Some(message)) => Some(format!("{title}: {message}")),
            (title, message) => message.or(title),
        };
        Self {
            code,
            title: title.strip_prefix(&format!("(#{code})")).unwrap_or(&title).trim().to_owned(),
            details: details.or_else(|| said(&wire.details)).or_else(for_people),
            // Meta writes 0 where there is none.
            subcode: wire.error_subcode.filter(|s| *s != 0),
        }
    }
}

/// The error of an answer; none when the body holds no error object with a code.
#[must_use]
pub fn parse_error(body: &[u8]) -> Option<UpstreamError> {
    let envelope: Envelope<'_> = serde_json::from_slice(body).ok()?;
    envelope.error.code?;
    Some(UpstreamError::from(&envelope.error))
}

/// The errors of a webhook's object that has been read already.
pub(crate) fn from_values(errors: Option<&Value>) -> Vec<UpstreamError> {
    let list = errors.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(|error| WireError::deserialize(error).ok()).map(|wire| UpstreamError::from(&wire)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> UpstreamError {
        parse_error(json.as_bytes()).unwrap()
    }

    #[test]
    fn both_forms_of_an_answer_are_read() {
        let cloud = read(
            r#"{"error":{"message":"(#131009) Parameter value is not valid","type":"OAuthException","code":131009,
                "error_data":{"messaging_product":"whatsapp","details":"No such product"},"error_subcode":0,"fbtrace_id":"A1"}}"#,
        );
        assert_eq!((cloud.code, cloud.title.as_str(), cloud.subcode), (131_009, "Parameter value is not valid", None));
        assert_eq!(cloud.details.as_deref(), Some("No such product"));
        let plain = read(r#"{"error":{"message":"Session has expired","type":"OAuthException","code":190,"error_subcode":463}}"#);
        assert_eq!((plain.code, plain.title.as_str(), plain.subcode), (190, "Session has expired", Some(463)));
        assert_eq!(plain.details, None);
    }

    #[test]
    fn what_a_template_is_refused_for_is_kept() {
        let refused = read(
            r#"{"error":{"message":"Invalid parameter","code":100,"error_subcode":2388299,"error_user_title":"Variables at the edge",
                "error_user_msg":"Put words around them","error_data":"blame"}}"#,
        );
        assert_eq!(refused.subcode, Some(2_388_299));
        assert_eq!(refused.details.as_deref(), Some("Variables at the edge: Put words around them"));
    }

    #[test]
    fn older_webhooks_have_the_details_beside_the_title() {
        let values = serde_json::json!([
            {"code": 131_014, "title": "Request failed", "details": "Fetch failed"},
            {"code": "131051", "title": "Unknown", "message": "Unknown", "error_data": {"details": "d"}, "href": "/x"},
            {"code": 131_047, "title": "Re-engagement message"},
            "no error",
        ]);
        let errors = from_values(Some(&values));
        let seen: Vec<_> = errors.iter().map(|e| (e.code, e.details.as_deref())).collect();
        assert_eq!(seen, [(131_014, Some("Fetch failed")), (131_051, Some("d")), (131_047, None)]);
    }

    #[test]
    fn what_is_no_error_is_none() {
        for body in ["", "{}", "[]", "<html>", r#"{"error":"x"}"#, r#"{"error":{}}"#, r#"{"error":{"code":"many"}}"#] {
            assert_eq!(parse_error(body.as_bytes()), None, "{body}");
        }
    }
}
