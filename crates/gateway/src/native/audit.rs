//! `audit`: who did what.

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use transom_store::{Actor, AuditEntry};

use super::common::rfc3339;
use super::query::Query;
use crate::http::App;
use crate::http::call::{ADMIN, Authorised, json};
use crate::http::refusal::ListRefusals;
use crate::problem::Problem;

/// A page of the audit log.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuditPage {
    /// Lines, newest first.
    data: Vec<AuditView>,
    /// Give it as `pageToken` for the next page; null on the last.
    next_page_token: Option<String>,
}

/// One line of the audit log.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AuditEntry)]
pub(crate) struct AuditView {
    /// When.
    at: String,
    /// `key`, `operator` (on the command line) or `house`.
    actor: &'static str,
    /// The key, where it was done with one.
    key_id: Option<String>,
    /// What, such as `key.revoked`, `endpoint.changed` or `customer.erased`.
    action: &'static str,
    /// To what: an id, or empty where there is only one. Never whom it is about.
    object: String,
}

impl From<AuditEntry> for AuditView {
    fn from(entry: AuditEntry) -> Self {
        let (actor, key_id) = match entry.actor {
            Actor::Key(key) => ("key", Some(key.to_string())),
            Actor::Operator => ("operator", None),
            Actor::House => ("house", None),
        };
        Self { at: rfc3339(entry.at), actor, key_id, action: entry.action.as_str(), object: entry.object }
    }
}

/// Read the audit log
///
/// Who did what to settings, keys, endpoints and customers, newest first. It holds no personal data.
#[utoipa::path(
    get,
    path = "/v1/businesses/{business}/audit",
    operation_id = "listAudit",
    tag = "Customers",
    params(
        ("business" = String, Path, description = "Id of the business"),
        ("pageSize" = Option<u32>, Query, description = "1 to 200; 50 where left out"),
        ("pageToken" = Option<String>, Query, description = "`nextPageToken` of the page before"),
    ),
    responses((status = 200, description = "A page of the log", body = AuditPage), ListRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn list(
    State(app): State<App>,
    Authorised(caller): Authorised<ADMIN>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let mut query = Query::read(query.as_deref(), &["pageSize", "pageToken"]);
    let page = query.page();
    let (lines, next_page_token) = app.service.audit(&caller, query.finish(page)?).await?;
    json(StatusCode::OK, &AuditPage { data: lines.into_iter().map(AuditView::from).collect(), next_page_token })
}
