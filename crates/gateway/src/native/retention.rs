//! `retention`: how long a business keeps what is over.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use transom_domain::time::Span;
use transom_store::Retention;

use super::read::{Notes, read, request_bodies};
use crate::config::Setting as _;
use crate::http::App;
use crate::http::call::{ADMIN, Asked, Authorised, json as answer};
use crate::http::refusal::{ChangeRefusals, ListRefusals};
use crate::problem::Problem;
use crate::service::Kept;

/// How long a business keeps what is over. What is past it goes within minutes, a little at a time.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Retention)]
pub(crate) struct RetentionView {
    /// Contents of messages that are over; the messages, their statuses and their timelines stay.
    bodies: KeptView,
    /// Files.
    media: KeptView,
    /// Raw webhooks.
    journal: KeptView,
    /// Events, once every endpoint has been told; a cursor older than what is left gets 410.
    events: KeptView,
}

/// How long one kind is kept.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct KeptView {
    /// Days that this business chose; null where it follows the configuration.
    days: Option<u16>,
    /// What holds, such as `14d`.
    kept: String,
    /// What the configuration allows at most, and what holds where nothing is chosen.
    most: String,
}

/// How long to keep what is over, in days from 1 to what the configuration allows; what is left out or null follows the
/// configuration.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RetentionChange {
    /// Contents of messages.
    #[serde(default)]
    bodies_days: Option<u32>,
    /// Files.
    #[serde(default)]
    media_days: Option<u32>,
    /// Raw webhooks.
    #[serde(default)]
    journal_days: Option<u32>,
    /// Events.
    #[serde(default)]
    events_days: Option<u32>,
}

request_bodies!(RetentionChange);

impl From<Kept> for RetentionView {
    fn from(Kept { chosen, most }: Kept) -> Self {
        let view = |days: Option<u16>, most: Span| {
            let kept = days.map_or(most, |days| Span::days(i64::from(days)).min(most));
            let [kept, most] = [kept, most].map(|span| span.shown().unwrap_or_default());
            KeptView { days, kept, most }
        };
        Self {
            bodies: view(chosen.bodies, most.messages),
            media: view(chosen.media, most.media),
            journal: view(chosen.journal, most.journal),
            events: view(chosen.events, most.events),
        }
    }
}

/// Read how long things are kept
///
/// What this business chose, and what the configuration allows.
#[utoipa::path(
    get,
    path = "/v1/businesses/{business}/retention",
    operation_id = "getRetention",
    tag = "Journal",
    params(("business" = String, Path, description = "Id of the business")),
    responses((status = 200, description = "How long each kind is kept", body = RetentionView), ListRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn get(State(app): State<App>, Authorised(caller): Authorised<ADMIN>) -> Result<Response, Problem> {
    answer(StatusCode::OK, &RetentionView::from(app.service.retention(&caller).await?))
}

/// Choose how long things are kept
///
/// Shorter than the configuration allows, never longer. What is past it is gone for good.
#[utoipa::path(
    put,
    path = "/v1/businesses/{business}/retention",
    operation_id = "setRetention",
    tag = "Journal",
    params(("business" = String, Path, description = "Id of the business")),
    request_body = RetentionChange,
    responses((status = 200, description = "How long each kind is kept from now on", body = RetentionView), ChangeRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn set(
    State(app): State<App>,
    Authorised(caller): Authorised<ADMIN>,
    asked: Asked,
) -> Result<Response, Problem> {
    let most = app.service.retention(&caller).await?.most;
    let (read, mut notes) = read::<RetentionChange>(&asked.body)?;
    let chosen = read.map(|asked| Retention {
        bodies: days(asked.bodies_days, "bodiesDays", most.messages, &mut notes),
        media: days(asked.media_days, "mediaDays", most.media, &mut notes),
        journal: days(asked.journal_days, "journalDays", most.journal, &mut notes),
        events: days(asked.events_days, "eventsDays", most.events, &mut notes),
    });
    let chosen = notes.finish(chosen)?;
    answer(StatusCode::OK, &RetentionView::from(app.service.set_retention(&caller, chosen).await?))
}

/// Days within what the configuration allows.
fn days(asked: Option<u32>, field: &str, most: Span, notes: &mut Notes) -> Option<u16> {
    let days = asked?;
    let allowed = most.as_millis() / Span::days(1).as_millis();
    match u16::try_from(days).ok().filter(|days| *days >= 1 && i64::from(*days) <= allowed) {
        Some(days) => Some(days),
        None => {
            notes.note(field, format!("must be 1 to {allowed} days"), "leave it out to follow the configuration");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_at_least_one_and_at_most_what_the_configuration_allows() {
        let asked = |days: Option<u32>| {
            let mut notes = Notes::default();
            let read = self::days(days, "journalDays", Span::days(14), &mut notes);
            notes.finish(Some(read)).ok()
        };
        assert_eq!([1, 14].map(|n| asked(Some(n))), [Some(Some(1)), Some(Some(14))]);
        assert_eq!(asked(None), Some(None));
        assert_eq!([0, 15, 70_000].map(|n| asked(Some(n))), [None, None, None]);
    }
}
