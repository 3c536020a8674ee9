//! How a problem reaches a caller: one error object everywhere.
//!
//! A handler answers with the problem; the outermost layer, which knows the trace id, writes the body.

use std::collections::BTreeMap;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema};

use transom_domain::error_code::ErrorCode;

use crate::problem::Problem;

/// What every refusal looks like.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Error, example = json!({
    "message": "number: is not a recipient: a phone number starts with + and its country code and has 7 to 15 digits, such as +4915112345678.",
    "type": "ERROR_TYPE_INVALID_REQUEST",
    "code": "ERROR_CODE_PHONE_NUMBER_BAD_FORMAT",
    "userTitle": "Phone number bad format",
    "userMessage": "Write the number as + and country code, such as +4915112345678. Quote the trace id to support.",
    "cntTraceId": "9182736455463728190",
    "details": {
        "errors": [{ "field": "number", "rule": "is not a recipient", "remedy": "write the number as + and country code" }],
        "remedy": "Write the number as + and country code, such as +4915112345678.",
        "help": "/docs/errors#ERROR_CODE_PHONE_NUMBER_BAD_FORMAT"
    }
}))]
pub(crate) struct ErrorObject {
    /// What happened, as one sentence.
    pub(crate) message: String,
    /// Broad class.
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    /// Exact case; `GET /v1/errors` lists all of them.
    pub(crate) code: &'static str,
    /// A title for display.
    pub(crate) user_title: String,
    /// What to do.
    pub(crate) user_message: String,
    /// Names the request in our logs: a decimal number as text, since it exceeds 2^53.
    pub(crate) cnt_trace_id: String,
    /// `remedy`, `help` (a page that this server serves), and by the case `errors` (field, rule, remedy), `parameters`,
    /// `verdict`, `metaCode`, `metaDetails`.
    #[schema(value_type = Object)]
    pub(crate) details: Map<String, Value>,
}

impl ErrorObject {
    /// The object of a problem.
    pub(crate) fn new(problem: &Problem, trace: u64) -> Self {
        let remedy = problem.remedy.clone().unwrap_or_else(|| problem.code.remedy().to_owned());
        let mut details = problem.details.clone();
        details.insert("remedy".to_owned(), remedy.clone().into());
        details.insert("help".to_owned(), help(problem.code).into());
        Self {
            message: problem.message.clone(),
            kind: problem.code.kind().as_str(),
            code: problem.code.as_str(),
            user_title: title(problem.code),
            user_message: format!("{remedy} Quote the trace id to support."),
            cnt_trace_id: trace.to_string(),
            details,
        }
    }
}

/// The page and place where a code is explained.
pub(crate) fn help(code: ErrorCode) -> String {
    format!("/docs/errors#{code}")
}

/// `ERROR_CODE_MESSAGE_TEXT_EMPTY` as "Message text empty".
pub(crate) fn title(code: ErrorCode) -> String {
    let words = code.as_str().trim_start_matches("ERROR_CODE_").replace('_', " ").to_ascii_lowercase();
    let mut chars = words.chars();
    chars.next().into_iter().flat_map(char::to_uppercase).chain(chars).collect()
}

/// A problem on its way out, kept beside the response until the trace id is known.
#[derive(Debug, Clone)]
pub(crate) struct Refused(pub(crate) Problem);

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = status.into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(Refused(self));
        response
    }
}

/// The refusals that an operation may answer with, for its description.
fn described(statuses: &[u16]) -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
    statuses
        .iter()
        .map(|status| {
            let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Error"))).build();
            let response = ResponseBuilder::new().description(reason(*status)).content("application/json", content);
            (status.to_string(), RefOr::T(response.build()))
        })
        .collect()
}

const fn reason(status: u16) -> &'static str {
    match status {
        400 => "The request is wrong; `details.errors` names each field, `details.verdict` says why a message may not go.",
        401 => "The key is missing, unknown, or another business's.",
        403 => "The key lacks the scope, or the customer opted out.",
        404 => "There is nothing with this id in this business.",
        409 => {
            "Something else happened already: a reused idempotency key, a taken topic, a message that is over, content in use."
        }
        410 => "The position is older than what is kept; `details.earliest` is where to start again.",
        413 => "The body is larger than 1 MiB, `callbackData` than 1,024 bytes, or a file than the channel takes.",
        429 => "Too much, too fast; try again after the seconds in `Retry-After`.",
        500 => "An unexpected failure on our side.",
        502 => "Meta refused or failed; `details.metaCode` has its code.",
        _ => "Not now; nothing was stored.",
    }
}

macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident = [$($status:literal),+];)+) => {$(
        $(#[$doc])*
        pub(crate) struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
                described(&[$($status),+])
            }
        }
    )+};
}

refusals! {
    /// Of sends.
    SendRefusals = [400, 401, 403, 409, 413, 429, 500, 503];
    /// Of a send to one customer by an id.
    AskRefusals = [400, 401, 403, 404, 409, 413, 429, 500, 503];
    /// Of lists.
    ListRefusals = [400, 401, 403, 500, 503];
    /// Of the stream of events.
    StreamRefusals = [400, 401, 403, 410, 429, 500, 503];
    /// Of one thing by its id.
    ReadRefusals = [401, 403, 404, 500, 503];
    /// Of a change to one thing.
    ChangeRefusals = [400, 401, 403, 404, 409, 413, 500, 503];
    /// Of templates, read.
    TemplateReads = [400, 401, 403, 404, 500, 503];
    /// Of deliveries.
    DeliveryReads = [400, 401, 403, 404, 409, 500, 503];
    /// Of templates, changed at Meta.
    TemplateRefusals = [400, 401, 403, 404, 409, 413, 429, 500, 502, 503];
    /// Of a file that is uploaded.
    UploadRefusals = [400, 401, 403, 413, 500, 503];
    /// Of a sender that is set up at Meta.
    SetupRefusals = [400, 401, 403, 404, 409, 413, 500, 502, 503];
    /// Of a new thing.
    CreateRefusals = [400, 401, 403, 409, 413, 500, 503];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_title_remedy_help_and_a_real_status() {
        for code in ErrorCode::ALL {
            let object = ErrorObject::new(&Problem::new(*code, "It is so."), u64::MAX);
            assert_eq!(object.cnt_trace_id, "18446744073709551615");
            assert!(object.user_title.starts_with(char::is_uppercase), "{}", object.user_title);
            assert!(object.user_message.contains(code.remedy()));
            assert_eq!(object.details["help"], format!("/docs/errors#{code}"));
            assert_eq!(Problem::new(*code, "It is so.").into_response().status().as_u16(), code.status());
        }
    }

    #[test]
    fn a_problem_s_own_remedy_comes_first_and_details_stay() {
        let problem = Problem::field("number", "is wrong", "mend it").retry_after(7);
        let object = serde_json::to_value(ErrorObject::new(&problem, 3)).unwrap();
        assert_eq!(object["details"]["remedy"], "Mend it.");
        assert_eq!(object["details"]["errors"][0]["field"], "number");
        assert_eq!(object["cntTraceId"], "3");
        assert_eq!(problem.into_response().headers()[header::RETRY_AFTER], "7");
    }
}
