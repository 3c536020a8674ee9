//! `keys`: the API keys of a business.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use transom_domain::time::Span;
use transom_store::{Key, Scopes};

use super::common::rfc3339;
use super::read::{read, request_bodies};
use crate::admin::Scope;
use crate::http::App;
use crate::http::call::{ADMIN, Asked, Authorised, PathId, json as answer};
use crate::http::refusal::{ChangeRefusals, CreateRefusals, ListRefusals};
use crate::problem::Problem;
use crate::service::NewKey;

/// Longest life of a key that ends by itself, in days.
const DAYS_MAX: u32 = 3_650;
/// Hours for which a rotated key goes on, unless the caller says how many.
const OVERLAP_HOURS: u32 = 24;
/// Most of them: thirty days.
const OVERLAP_HOURS_MAX: u32 = 720;

/// A new key.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = KeyRequest, example = json!({ "label": "Order service", "scopes": ["send", "webhooks"], "expiresInDays": 365 }))]
pub(crate) struct KeyRequest {
    /// What it is for; 1 to 200 characters.
    label: String,
    /// `send`, `templates`, `webhooks`, `read` (look at what those three are for) or `admin`; everything of the business when left out.
    scopes: Option<Vec<String>>,
    /// Days until it ends by itself, 1 to 3,650; never when left out.
    expires_in_days: Option<u32>,
}

request_bodies!(KeyRequest);

/// All keys.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct KeyList {
    /// By age; revoked ones too.
    data: Vec<KeyView>,
}

/// A key.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Key)]
pub(crate) struct KeyView {
    /// Names it; it is not the key itself.
    id: String,
    /// What it is for.
    label: String,
    /// What it may do.
    scopes: Vec<&'static str>,
    /// When it was made.
    created_at: String,
    /// When it ends by itself.
    expires_at: Option<String>,
    /// Since when it is revoked.
    revoked_at: Option<String>,
    /// When it was last used, to the hour; null before the first use.
    last_used_at: Option<String>,
    /// As Twilio's SDKs name it, with its text as the secret.
    twilio_sid: String,
    /// The key in whose place it was made; only in the answer to that.
    #[serde(skip_serializing_if = "Option::is_none")]
    replaces: Option<String>,
    /// The key itself: shown this once, kept nowhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

impl KeyView {
    fn new(key: &Key, text: Option<String>) -> Self {
        Self {
            id: key.id.to_string(),
            label: key.label.clone(),
            scopes: Scope::of(key.scopes).into_iter().map(Scope::as_str).collect(),
            created_at: rfc3339(key.created_at),
            expires_at: key.expires_at.map(rfc3339),
            revoked_at: key.revoked_at.map(rfc3339),
            last_used_at: key.used_at.map(rfc3339),
            twilio_sid: crate::twilio::key_sid(key.id),
            replaces: None,
            text,
        }
    }
}

fn parse(asked: &Asked) -> Result<NewKey, Problem> {
    let (request, mut notes) = read::<KeyRequest>(&asked.body)?;
    let new = request.map(|request| {
        let mut scopes = Vec::new();
        for (at, word) in request.scopes.iter().flatten().enumerate() {
            match Scope::ALL.into_iter().find(|scope| scope.as_str() == word) {
                Some(scope) => scopes.push(scope),
                None => {
                    let remedy = "use send, templates, webhooks, read or admin";
                    notes.note(&format!("scopes[{at}]"), "is not a scope", remedy);
                }
            }
        }
        if request.expires_in_days.is_some_and(|days| !(1..=DAYS_MAX).contains(&days)) {
            notes.note("expiresInDays", format!("must be 1 to {DAYS_MAX}"), "leave it out for a key that does not end by itself");
        }
        let asked_for = request.scopes.as_ref().is_some_and(|scopes| !scopes.is_empty());
        NewKey {
            label: request.label,
            scopes: if asked_for { Scope::together(&scopes) } else { Scopes::ADMIN },
            expires_in: request.expires_in_days.map(|days| Span::days(i64::from(days))),
        }
    });
    notes.finish(new)
}

fn missing() -> Problem {
    Problem::not_found("key")
}

/// List the API keys
#[utoipa::path(
    get,
    path = "/v1/businesses/{business}/keys",
    operation_id = "listKeys",
    tag = "Settings",
    params(("business" = String, Path, description = "Id of the business")),
    responses((status = 200, description = "All keys, without their texts", body = KeyList), ListRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn list(State(app): State<App>, Authorised(caller): Authorised<ADMIN>) -> Result<Response, Problem> {
    let keys = app.service.keys(&caller).await?;
    answer(StatusCode::OK, &KeyList { data: keys.iter().map(|key| KeyView::new(key, None)).collect() })
}

/// Make an API key
///
/// The answer shows the key, and nothing does afterwards.
#[utoipa::path(
    post,
    path = "/v1/businesses/{business}/keys",
    operation_id = "createKey",
    tag = "Settings",
    params(("business" = String, Path, description = "Id of the business")),
    request_body(content = KeyRequest),
    responses((status = 201, description = "The key, with its text", body = KeyView), CreateRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn create(
    State(app): State<App>,
    Authorised(caller): Authorised<ADMIN>,
    asked: Asked,
) -> Result<Response, Problem> {
    let (key, text) = app.service.make_key(&caller, parse(&asked)?).await?;
    answer(StatusCode::CREATED, &KeyView::new(&key, Some(text)))
}

/// How a key is rotated.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = KeyRotation, example = json!({ "overlapHours": 24 }))]
pub(crate) struct RotationRequest {
    /// Hours for which the old one goes on beside the new one, 0 to 720; 24 when left out, and 0 ends it at once.
    overlap_hours: Option<u32>,
}

request_bodies!(RotationRequest);

fn parse_overlap(asked: &Asked) -> Result<Span, Problem> {
    let (request, mut notes) = read::<RotationRequest>(&asked.body)?;
    let hours = request.map(|request| request.overlap_hours.unwrap_or(OVERLAP_HOURS));
    if hours.is_some_and(|hours| hours > OVERLAP_HOURS_MAX) {
        notes.note("overlapHours", format!("must be 0 to {OVERLAP_HOURS_MAX}"), "leave it out for 24");
    }
    notes.finish(hours.map(|hours| Span::hours(i64::from(hours))))
}

/// Rotate an API key
///
/// Makes another one with the same label, scopes and length of life; the old one goes on for a while, so that both work until
/// every client has the new one.
#[utoipa::path(
    post,
    path = "/v1/businesses/{business}/keys/{id}/rotate",
    operation_id = "rotateKey",
    tag = "Settings",
    params(("business" = String, Path, description = "Id of the business"), ("id" = String, Path, description = "Id of the old key")),
    request_body(content = RotationRequest),
    responses((status = 201, description = "The new key, with its text", body = KeyView), ChangeRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn rotate(
    State(app): State<App>,
    Authorised(caller): Authorised<ADMIN>,
    id: PathId,
    asked: Asked,
) -> Result<Response, Problem> {
    let old = id.parse(missing)?;
    let (key, text) = app.service.rotate_key(&caller, old, parse_overlap(&asked)?).await?;
    let replaces = Some(old.to_string());
    answer(StatusCode::CREATED, &KeyView { replaces, ..KeyView::new(&key, Some(text)) })
}

/// Revoke an API key
///
/// It counts at once in this process, within five seconds everywhere.
#[utoipa::path(
    delete,
    path = "/v1/businesses/{business}/keys/{id}",
    operation_id = "revokeKey",
    tag = "Settings",
    params(("business" = String, Path, description = "Id of the business"), ("id" = String, Path, description = "Id of the key")),
    responses((status = 200, description = "Revoked; an empty object", body = Object, example = json!({})), ChangeRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn revoke(
    State(app): State<App>,
    Authorised(caller): Authorised<ADMIN>,
    id: PathId,
) -> Result<Response, Problem> {
    app.service.revoke_key(&caller, id.parse(missing)?).await?;
    answer(StatusCode::OK, &json!({}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_in_both_spellings_and_what_is_wrong_is_named() {
        let body = json!({ "label": "Orders", "scopes": ["send", "read"], "expires_in_days": 1 });
        let new = parse(&Asked::of(body.to_string())).unwrap();
        assert_eq!((new.scopes, new.expires_in), (Scopes(Scopes::SEND.0 | Scopes::READ.0), Some(Span::days(1))));
        assert_eq!(parse(&Asked::of(json!({ "label": "All" }).to_string())).unwrap().scopes, Scopes::ADMIN);
        let body = json!({ "label": "x", "scopes": ["everything"], "expiresInDays": 0 });
        let refused = parse(&Asked::of(body.to_string())).unwrap_err();
        let fields: Vec<_> = refused.details["errors"].as_array().unwrap().iter().map(|e| e["field"].clone()).collect();
        assert_eq!(fields, [json!("scopes[0]"), json!("expiresInDays")]);
        assert!(parse(&Asked::of("{}")).is_err());
        let overlap = |body: serde_json::Value| parse_overlap(&Asked::of(body.to_string())).ok();
        assert_eq!(overlap(json!({})), Some(Span::hours(24)));
        assert_eq!(overlap(json!({ "overlap_hours": 0 })), Some(Span::ZERO));
        assert_eq!(overlap(json!({ "overlapHours": 721 })), None);
    }
}
