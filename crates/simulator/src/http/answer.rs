//! Answers: JSON, bytes, or none at all.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use serde_json::Value;

use crate::engine::Fault;
use crate::graph::error::GraphError;
use crate::world::desk::Refusal;

/// Whatever a customer's file holds, a browser that opens it by itself runs nothing of it.
pub(crate) const POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; sandbox");

/// Marks an answer that must never reach the caller: the server closes the connection in its place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lost;

/// A JSON answer.
pub(crate) fn json(status: u16, body: String) -> Response<Body> {
    with_type(status, "application/json; charset=UTF-8", Body::from(body))
}

/// An answer of a type.
pub(crate) fn with_type(status: u16, kind: &'static str, body: Body) -> Response<Body> {
    let mut answer = Response::new(body);
    *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    answer
}

/// What a Graph call comes to.
pub(crate) enum Outcome {
    Json(Value),
    Bytes { mime: String, bytes: Vec<u8> },
}

impl From<Value> for Outcome {
    fn from(value: Value) -> Self {
        Self::Json(value)
    }
}

/// The result of a Graph call.
pub(crate) type GraphResult = Result<Outcome, GraphError>;

impl From<Fault> for GraphError {
    fn from(fault: Fault) -> Self {
        match fault {
            // Code 2 comes with 503: try again.
            Fault::Overloaded => Self::new(2, fault.to_string()),
            Fault::Broken => Self::new(131_000, fault.to_string()),
        }
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self {
            status: 503,
            field: None,
            message: fault.to_string(),
            remedy: match fault {
                Fault::Overloaded => "send slower, or wait a second".to_owned(),
                Fault::Broken => "free some disk space and start the simulator again".to_owned(),
            },
        }
    }
}
