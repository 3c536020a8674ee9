//! The readers of this dialect without HTTP around them, for the fuzz targets.

use transom_store::{MessageFilter, Page};

use super::messages::{self, MarkRead};
use super::read::read_optional;
use super::{send, send_session, send_template, webhooks};
use crate::http::call::Asked;
use crate::http::refusal::ErrorObject;
use crate::problem::Problem;
use crate::service::{NewWebhook, SendCommand};

fn asked(body: &[u8]) -> Asked {
    Asked::of(body.to_vec())
}

/// The body of `POST send/messages`.
///
/// # Errors
/// What the caller would hear.
pub fn send_session(body: &[u8]) -> Result<SendCommand, Problem> {
    send_session::parse(asked(body))
}

/// The body of `POST send/whatsapp_templated_messages`.
///
/// # Errors
/// What the caller would hear.
pub fn send_template(body: &[u8]) -> Result<SendCommand, Problem> {
    send_template::parse(asked(body))
}

/// The body of `POST messages` and `POST verdicts`.
///
/// # Errors
/// What the caller would hear.
pub fn send(body: &[u8]) -> Result<SendCommand, Problem> {
    send::parse(asked(body))
}

/// The body of `POST webhooks`.
///
/// # Errors
/// What the caller would hear.
pub fn create_webhook(body: &[u8]) -> Result<NewWebhook, Problem> {
    webhooks::parse_new(&asked(body))
}

/// The body of a change to a webhook.
///
/// # Errors
/// What the caller would hear.
pub fn update_webhook(body: &[u8]) -> Result<(), Problem> {
    webhooks::parse_change(&asked(body)).map(|_| ())
}

/// The body of `POST messages/{id}/read`.
///
/// # Errors
/// What the caller would hear.
pub fn mark_read(body: &[u8]) -> Result<(), Problem> {
    let (request, notes) = read_optional::<MarkRead>(body)?;
    notes.finish(request).map(|_| ())
}

/// The query of the lists of messages and sessions.
///
/// # Errors
/// What the caller would hear.
pub fn list_query(query: &str) -> Result<(MessageFilter, Page), Problem> {
    const KNOWN: &[&str] = &["sender", "to", "status", "direction", "campaignName", "pageSize", "pageToken"];
    messages::filters(Some(query), KNOWN, |_| None)
}

/// The body of a refusal.
#[must_use]
pub fn refusal(problem: &Problem) -> Vec<u8> {
    serde_json::to_vec(&ErrorObject::new(problem, 0)).unwrap_or_default()
}
