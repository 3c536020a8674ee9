//! `events/settings`: what a business wants to hear of its sessions.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use transom_domain::session::SESSION;

use super::read::{Notes, read, request_bodies};
use crate::http::App;
use crate::http::call::{Asked, Authorised, WEBHOOKS, json as answer};
use crate::http::refusal::{ChangeRefusals, ListRefusals};
use crate::problem::Problem;

/// What a business wants to hear.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EventSettings)]
pub(crate) struct SettingsView {
    /// So many minutes before a session ends `session.closing_soon` is told; 0 for never.
    session_closing_soon_minutes: u16,
}

/// What it is to be from now on; what is left out or null is as it comes, an hour.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({ "sessionClosingSoonMinutes": 120 }))]
pub(crate) struct SettingsChange {
    /// Minutes before the end of a session, less than a day; 0 for never.
    #[serde(default)]
    session_closing_soon_minutes: Option<u32>,
}

request_bodies!(SettingsChange);

/// Read what is told of sessions
#[utoipa::path(
    get,
    path = "/v1/businesses/{business}/events/settings",
    operation_id = "getEventSettings",
    tag = "Webhooks",
    params(("business" = String, Path, description = "Id of the business")),
    responses((status = 200, description = "What this business wants to hear", body = SettingsView), ListRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn get(State(app): State<App>, Authorised(caller): Authorised<WEBHOOKS>) -> Result<Response, Problem> {
    let minutes = app.service.closing_soon_minutes(&caller).await?;
    answer(StatusCode::OK, &SettingsView { session_closing_soon_minutes: minutes })
}

/// Choose what is told of sessions
///
/// A session that is open already keeps the notice that it opened with.
#[utoipa::path(
    put,
    path = "/v1/businesses/{business}/events/settings",
    operation_id = "setEventSettings",
    tag = "Webhooks",
    params(("business" = String, Path, description = "Id of the business")),
    request_body = SettingsChange,
    responses((status = 200, description = "What this business hears from now on", body = SettingsView), ChangeRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn set(
    State(app): State<App>,
    Authorised(caller): Authorised<WEBHOOKS>,
    asked: Asked,
) -> Result<Response, Problem> {
    let (read, mut notes) = read::<SettingsChange>(&asked.body)?;
    let chosen = read.map(|change| minutes(change.session_closing_soon_minutes, &mut notes));
    let minutes = app.service.set_closing_soon_minutes(&caller, notes.finish(chosen)?).await?;
    answer(StatusCode::OK, &SettingsView { session_closing_soon_minutes: minutes })
}

/// Minutes that a session has.
fn minutes(asked: Option<u32>, notes: &mut Notes) -> Option<u16> {
    let asked = asked?;
    let most = SESSION.as_secs() / 60 - 1;
    let fits = u16::try_from(asked).ok().filter(|minutes| i64::from(*minutes) <= most);
    if fits.is_none() {
        notes.note(
            "sessionClosingSoonMinutes",
            format!("must be 0 to {most}"),
            "choose fewer minutes, or leave it out for an hour",
        );
    }
    fits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_is_shorter_than_a_session() {
        let asked = |given: u32| {
            let mut notes = Notes::default();
            let read = minutes(Some(given), &mut notes);
            notes.finish(Some(read)).ok().flatten()
        };
        assert_eq!([0, 60, 1_439, 1_440, 70_000].map(asked), [Some(0), Some(60), Some(1_439), None, None]);
    }
}
