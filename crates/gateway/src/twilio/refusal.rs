//! What Twilio's SDKs are told when something cannot be done: `code`, `message`, `more_info`, `status`. Never `type` and `title`,
//! by which they would take it for another kind of error.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use transom_domain::error_code::ErrorCode;

use super::codes::{self, Code};
use crate::problem::Problem;
use crate::service::messaging_services::UNUSABLE;

/// What a client is asked for that gives no credentials, or wrong ones.
const REALM: HeaderValue = HeaderValue::from_static("Basic realm=\"Transom\"");

/// A refusal in Twilio's form.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Refusal {
    /// The exact case.
    pub(crate) code: Code,
    /// HTTP status.
    pub(crate) status: u16,
    /// What is wrong, and what to do: many programs log nothing else.
    pub(crate) message: String,
    /// More, for programs.
    pub(crate) details: Map<String, Value>,
    /// Seconds after which a repetition may succeed.
    pub(crate) retry_after: Option<u32>,
}

impl Refusal {
    /// With the code's own status.
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, status: code.status(), message: message.into(), details: Map::new(), retry_after: None }
    }

    /// One parameter that breaks its rule.
    pub(crate) fn parameter(name: &str, rule: impl AsRef<str>, remedy: impl AsRef<str>) -> Self {
        let (rule, remedy) = (rule.as_ref(), remedy.as_ref());
        let errors = json!([{ "field": name, "rule": rule, "remedy": remedy }]);
        Self::new(Code::ParameterInvalid, format!("{name} {rule}: {remedy}.")).detail("errors", errors)
    }

    /// There is nothing with this SID in this account.
    pub(crate) fn missing(what: &str, sid: &str) -> Self {
        Self::new(Code::NotFound, format!("There is no {what} {} in this account.", super::form::shown(sid)))
    }

    /// Under another code, with that one's status.
    pub(crate) fn coded(mut self, code: Code) -> Self {
        (self.code, self.status) = (code, code.status());
        self
    }

    /// With another status.
    pub(crate) fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// With one more detail.
    pub(crate) fn detail(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.details.insert(name.to_owned(), value.into());
        self
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        let reason = problem.details.get("verdict").and_then(|verdict| verdict.get("reason")).and_then(Value::as_str);
        let service = problem.details.get(UNUSABLE).and_then(Value::as_str).and_then(codes::of_service);
        let code = service.or_else(|| reason.and_then(codes::of_verdict)).unwrap_or(codes::of_answer(problem.code));
        let status = match problem.code {
            ErrorCode::KeyScopeMissing => 403,
            ErrorCode::BodyTooLarge => 413,
            ErrorCode::IdempotencyConflict | ErrorCode::TemplateConflict | ErrorCode::WebhookTopicExists => 409,
            _ => code.status(),
        };
        let remedy = problem.remedy.clone().unwrap_or_else(|| problem.code.remedy().to_owned());
        let mut details = problem.details;
        details.insert("remedy".to_owned(), remedy.clone().into());
        Self { code, status, message: format!("{} {remedy}", problem.message), details, retry_after: problem.retry_after }
    }
}

/// A refusal on its way out, kept beside the response until the address is known that leads back here.
#[derive(Debug, Clone)]
pub(crate) struct Refused(Refusal);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = status.into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, REALM);
        }
        response.extensions_mut().insert(Refused(self));
        response
    }
}

/// Writes the body of a refusal that a handler of this dialect has left beside its response; others pass unchanged.
pub(crate) fn explained(mut response: Response, base: &str, trace: u64) -> Response {
    let Some(Refused(mut refusal)) = response.extensions_mut().remove::<Refused>() else { return response };
    refusal.details.insert("traceId".to_owned(), trace.to_string().into());
    let body = json!({
        "code": refusal.code.number(),
        "message": refusal.message,
        "more_info": format!("{base}/docs/twilio#{}", refusal.code.number()),
        "status": refusal.status,
        "details": refusal.details,
    });
    let (mut parts, _) = response.into_parts();
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, body.to_string().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt as _;

    #[tokio::test]
    async fn the_body_is_as_the_sdks_read_it() {
        let refusal = Refusal::parameter("To", "is no address", "write it as whatsapp:+4915112345678").coded(Code::ToInvalid);
        let response = explained(refusal.into_response(), "https://gw.example.com", 7);
        assert_eq!(response.status(), 400);
        let body: Value = serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap();
        assert_eq!((&body["code"], &body["status"]), (&json!(21211), &json!(400)));
        assert_eq!(body["message"], "To is no address: write it as whatsapp:+4915112345678.");
        assert_eq!(body["more_info"], "https://gw.example.com/docs/twilio#21211");
        assert!(body.get("type").is_none() && body.get("title").is_none());
        assert_eq!(body["details"]["errors"][0]["field"], "To");
    }

    #[test]
    fn every_problem_has_its_form() {
        for code in ErrorCode::ALL {
            let response = Refusal::from(Problem::new(*code, "It is so.").retry_after(7)).into_response();
            assert!(response.status().is_client_error() || response.status().is_server_error(), "{code}");
            assert_eq!(response.headers()[header::RETRY_AFTER], "7");
            assert_eq!(response.headers().contains_key(header::WWW_AUTHENTICATE), response.status() == 401);
        }
        let closed = Problem::new(ErrorCode::MessageBlocked, "No.").detail("verdict", json!({ "reason": "template_disabled" }));
        assert_eq!(Refusal::from(closed).code, Code::TemplateDisabled);
    }
}
