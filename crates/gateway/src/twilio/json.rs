//! Bodies of the Content API: JSON, whatever else the SDKs send beside.

use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use serde_json::{Map, Value};

use super::codes::Code;
use super::refusal::Refusal;
use crate::http::App;
use crate::http::call::with_body;

/// What the body is called.
const JSON: &str = "application/json";

/// A body that is a JSON object.
#[derive(Debug)]
pub(super) struct JsonBody(pub(super) Map<String, Value>);

impl JsonBody {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Refusal> {
        let wrong = |message: String| Err(Refusal::new(Code::ParameterInvalid, message));
        match serde_json::from_slice(bytes) {
            Ok(Value::Object(object)) => Ok(Self(object)),
            Ok(_) => wrong("The body must be a JSON object: put it in braces.".to_owned()),
            Err(why) => wrong(format!("The body is not valid JSON: {why}. Mend it at that line and column.")),
        }
    }
}

impl FromRequest<App> for JsonBody {
    type Rejection = Refusal;

    async fn from_request(request: Request, app: &App) -> Result<Self, Refusal> {
        let (parts, body, _held) = with_body(request, app).await?;
        must_be_json(&parts.headers)?;
        Self::read(&body)
    }
}

fn must_be_json(headers: &HeaderMap) -> Result<(), Refusal> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let bare = given.split(';').next().unwrap_or_default().trim();
    if bare.eq_ignore_ascii_case(JSON) {
        return Ok(());
    }
    Err(Refusal::new(Code::ParameterInvalid, format!("The body must be JSON: Content-Type must be {JSON}.")).status(415))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_json_objects_are_taken() {
        let of = |kind: &str| must_be_json(&HeaderMap::from_iter([(header::CONTENT_TYPE, kind.parse().unwrap())]));
        assert!(of("application/json").is_ok() && of("Application/JSON; charset=utf-8").is_ok());
        for other in ["application/x-www-form-urlencoded", "text/plain"] {
            assert_eq!(of(other).unwrap_err().status, 415, "{other}");
        }
        assert!(must_be_json(&HeaderMap::new()).is_err());
        assert!(JsonBody::read(b"{\"a\":1}").is_ok());
        for body in [&b""[..], b"[]", b"7", b"{", b"{\"a\":\"\xff\"}", b"Body=1"] {
            assert_eq!(JsonBody::read(body).unwrap_err().code, Code::ParameterInvalid, "{body:?}");
        }
    }
}
