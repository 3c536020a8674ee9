//! `audit`: who did what.

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use transom_domain::id::{KeyId, UserId};
use transom_store::{Action, Actor, ActorKind, AuditEntry, AuditFilter, Page};

use super::common::rfc3339;
use super::query::Query;
use crate::http::App;
use crate::http::call::{ADMIN, Authorised, json};
use crate::http::refusal::ListRefusals;
use crate::problem::Problem;

/// Longest `object` that is looked for.
const OBJECT_MAX: usize = 200;

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
    /// `key`, `user` (in the console), `operator` (on the command line) or `house`.
    actor: &'static str,
    /// The key, where it was done with one.
    key_id: Option<String>,
    /// The user, where it was done in the console.
    user_id: Option<String>,
    /// What, such as `key.revoked`, `endpoint.changed` or `customer.erased`.
    action: &'static str,
    /// To what: an id, or empty where there is only one. Never whom it is about.
    object: String,
}

impl From<AuditEntry> for AuditView {
    fn from(entry: AuditEntry) -> Self {
        let (key_id, user_id) = match entry.actor {
            Actor::Key(key) => (Some(key.to_string()), None),
            Actor::User(user) => (None, Some(user.to_string())),
            Actor::Operator | Actor::House => (None, None),
        };
        Self {
            at: rfc3339(entry.at),
            actor: entry.actor.kind().as_str(),
            key_id,
            user_id,
            action: entry.action.as_str(),
            object: entry.object,
        }
    }
}

fn parse(query: Option<&str>) -> Result<(AuditFilter, Page), Problem> {
    let mut query = Query::read(query, &["actor", "keyId", "userId", "action", "object", "from", "to", "pageSize", "pageToken"]);
    let mut actions = Vec::new();
    for word in query.get("action").unwrap_or_default().split(',').map(str::trim).filter(|word| !word.is_empty()) {
        actions.push(Action::named(word));
    }
    if actions.contains(&None) {
        query.notes.note("action", "holds a word that is no action", "use those that the log shows, with commas between");
    }
    let object = query.get("object").map(str::to_owned);
    query.notes.at_most("object", object.as_deref(), OBJECT_MAX);
    let filter = AuditFilter {
        kind: query.choice("actor", "key, user, operator or house", ActorKind::named),
        key: query.choice("keyId", "the id of a key, which the list of keys shows", |id| id.parse::<KeyId>().ok()),
        user: query.choice("userId", "the id of a user, which the list of users shows", |id| id.parse::<UserId>().ok()),
        actions: actions.into_iter().flatten().collect(),
        object,
        from: query.moment("from"),
        to: query.moment("to"),
    };
    let page = query.page();
    query.finish((filter, page))
}

/// Read the audit log
///
/// Who did what to settings, keys, endpoints and customers, newest first. It holds no personal data. A page with filters may hold
/// fewer lines than asked for, even none, and still name a next one: one look passes over 5,000 lines at most.
#[utoipa::path(
    get,
    path = "/v1/businesses/{business}/audit",
    operation_id = "listAudit",
    tag = "Customers",
    params(
        ("business" = String, Path, description = "Id of the business"),
        ("actor" = Option<String>, Query, description = "Done by a `key`, a `user`, an `operator` or the `house`"),
        ("keyId" = Option<String>, Query, description = "Done with this key"),
        ("userId" = Option<String>, Query, description = "Done by this user"),
        ("action" = Option<String>, Query, description = "One of these, with commas between, such as `key.made,key.revoked`"),
        ("object" = Option<String>, Query, description = "Done to this, word for word"),
        ("from" = Option<String>, Query, description = "At this moment or later, RFC 3339"),
        ("to" = Option<String>, Query, description = "Before this moment, RFC 3339"),
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
    let (filter, page) = parse(query.as_deref())?;
    let (lines, next_page_token) = app.service.audit(&caller, filter, page).await?;
    json(StatusCode::OK, &AuditPage { data: lines.into_iter().map(AuditView::from).collect(), next_page_token })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_asked_for_by_who_what_and_when_and_what_is_wrong_is_named() {
        let key = KeyId(7).to_string();
        let (filter, _) =
            parse(Some(&format!("actor=key&key_id={key}&action=key.made,%20user.removed&object=x&from=2026-11-22T08:00:00Z")))
                .unwrap();
        assert_eq!((filter.kind, filter.key), (Some(ActorKind::Key), Some(KeyId(7))));
        assert_eq!(filter.actions, [Action::KeyMade, Action::UserRemoved]);
        assert!(filter.from.is_some() && filter.to.is_none() && filter.object.as_deref() == Some("x"));
        let refused = parse(Some("actor=me&keyId=x&userId=y&action=key.eaten&from=now")).unwrap_err();
        assert_eq!(refused.details["errors"].as_array().unwrap().len(), 5, "{refused:?}");
        assert_eq!(parse(None).unwrap().0, AuditFilter::default());
    }
}
