//! Feedback on a message: whether it did what it was for.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

use super::account::Account;
use super::dates;
use super::form::Form;
use super::message_view::path;
use super::refusal::Refusal;
use super::sid::{Sid, message_sid};
use super::words;
use crate::http::App;
use crate::http::call::{SEND, json};

/// `POST Messages/{sid}/Feedback.json`.
pub(super) async fn create(
    State(app): State<App>,
    Account(caller): Account<SEND>,
    Path((_, sid)): Path<(String, String)>,
    form: Form,
) -> Result<Response, Refusal> {
    let outcome = form.text("Outcome")?.unwrap_or("confirmed");
    if !matches!(outcome, "confirmed" | "unconfirmed") {
        return Err(Refusal::parameter("Outcome", "is not one of its values", "write confirmed or unconfirmed"));
    }
    let message = app.message_named(&caller, &sid).await?;
    app.service.give_feedback(&caller, message.id, outcome == "confirmed").await?;
    let at = dates::rfc2822(app.service.now());
    let feedback = json!({
        "account_sid": message.business.sid(),
        "message_sid": message_sid(message.id, words::has_media(&message)),
        "outcome": outcome,
        "date_created": at,
        "date_updated": at,
        "uri": format!("{}/Feedback.json", path(&message)),
    });
    Ok(json(StatusCode::OK, &feedback)?)
}
