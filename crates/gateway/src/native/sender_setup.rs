//! `senders`, set up: added, given another token, looked over at Meta, let go on.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use transom_domain::id::SenderId;
use transom_store::Sender;

use super::read::{read, request_bodies};
use super::senders::SenderView;
use crate::http::App;
use crate::http::call::{ADMIN, Asked, Authorised, PathId, json as answer};
use crate::http::refusal::SetupRefusals;
use crate::problem::Problem;
use crate::service::{AtMeta, NewSender, SenderChange, Step};

/// A number of WhatsApp (`phoneNumberId` and `wabaId`) or a Page of Messenger (`pageId`) to be added.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({ "phoneNumberId": "106540352242922", "wabaId": "102290129340398", "token": "EAAJB…" }))]
pub(crate) struct SenderRequest {
    /// Id of the number at Meta.
    phone_number_id: Option<String>,
    /// Id of its WhatsApp Business Account.
    waba_id: Option<String>,
    /// Six digits, needed when the number is not registered yet: its two-step PIN, or a new one.
    pin: Option<String>,
    /// Id of the Page at Meta.
    page_id: Option<String>,
    /// Access token: for a number with `whatsapp_business_messaging` and `whatsapp_business_management`, for a Page the Page's own
    /// with `pages_messaging` and `pages_manage_metadata`. Kept sealed, never shown.
    token: String,
    /// Id of the app at Meta; may be left out where only one is known here.
    app: Option<String>,
    /// Its secret, needed for an app that is not known here or whose secret has changed: Meta is asked whether it is the right one.
    app_secret: Option<String>,
}

/// Another token for a sender.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({ "token": "EAAJB…" }))]
pub(crate) struct SenderChangeRequest {
    /// Access token, as when it was added.
    token: String,
    /// Another secret of its app.
    app_secret: Option<String>,
    /// Six digits, needed when the number must be registered again.
    pin: Option<String>,
}

request_bodies!(SenderRequest, SenderChangeRequest);

/// A sender, and what was done for it or seen of it.
#[derive(Serialize, ToSchema)]
pub(crate) struct SenderSteps {
    /// As it is now.
    sender: SenderView,
    /// One after the other; where something failed, the refusal has them in `details.steps`.
    steps: Vec<Step>,
}

impl SenderSteps {
    fn of((sender, steps): (Sender, Vec<Step>)) -> Self {
        Self { sender: sender.into(), steps }
    }
}

fn given(text: Option<String>) -> Option<String> {
    text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn parse(asked: &Asked) -> Result<NewSender, Problem> {
    let (request, mut notes) = read::<SenderRequest>(&asked.body)?;
    let new = request.and_then(|request| {
        let at_meta = match (given(request.phone_number_id), given(request.waba_id), given(request.page_id)) {
            (Some(phone_number_id), Some(waba), None) => Some(AtMeta::Number { waba, phone_number_id, pin: given(request.pin) }),
            (None, None, Some(page)) => Some(AtMeta::Page { page }),
            (None, None, None) => {
                notes.note("phoneNumberId", "is missing, and so is pageId", "give phoneNumberId with wabaId, or pageId");
                None
            }
            (Some(_), None, None) => {
                notes.note("wabaId", "is missing", "copy the id of the WhatsApp Business Account from WhatsApp Manager");
                None
            }
            (None, Some(_), None) => {
                notes.note("phoneNumberId", "is missing", "copy the id of the number from WhatsApp Manager, under API Setup");
                None
            }
            (_, _, Some(_)) => {
                notes.note("pageId", "stands beside what belongs to a number", "give phoneNumberId with wabaId, or pageId alone");
                None
            }
        };
        at_meta.map(|at_meta| NewSender {
            at_meta,
            app: given(request.app),
            app_secret: given(request.app_secret),
            token: request.token.trim().to_owned(),
        })
    });
    notes.finish(new)
}

fn parse_change(asked: &Asked) -> Result<SenderChange, Problem> {
    let (request, notes) = read::<SenderChangeRequest>(&asked.body)?;
    notes.finish(request.map(|request| SenderChange {
        token: request.token.trim().to_owned(),
        app_secret: given(request.app_secret),
        pin: given(request.pin),
    }))
}

fn sender(id: &PathId) -> Result<SenderId, Problem> {
    id.parse(|| Problem::not_found("sender"))
}

/// Add a sender
///
/// Reads it at Meta, checks the token, registers the number where it must be, subscribes the app with our callback, confirms, and
/// keeps it. Nothing of it is kept unless all that comes before went well, and doing it again is safe: it brings a known sender up
/// to date. A refusal carries `details.steps`: what was done, and what failed last.
#[utoipa::path(
    post,
    path = "/v1/businesses/{business}/senders",
    operation_id = "addSender",
    tag = "Settings",
    params(("business" = String, Path, description = "Id of the business")),
    request_body(content = SenderRequest),
    responses((status = 201, description = "The sender, and what was done for it", body = SenderSteps), SetupRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn add(
    State(app): State<App>,
    Authorised(caller): Authorised<ADMIN>,
    asked: Asked,
) -> Result<Response, Problem> {
    let added = app.service.add_sender(&caller, parse(&asked)?).await?;
    answer(StatusCode::CREATED, &SenderSteps::of(added))
}

/// Give a sender another token
///
/// The token is looked over at Meta as that of a new sender, and kept only if it is good.
#[utoipa::path(
    patch,
    path = "/v1/businesses/{business}/senders/{id}",
    operation_id = "changeSender",
    tag = "Settings",
    params(
        ("business" = String, Path, description = "Id of the business"),
        ("id" = String, Path, description = "Id of the sender"),
    ),
    request_body(content = SenderChangeRequest),
    responses((status = 200, description = "The sender, and what was done for it", body = SenderSteps), SetupRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn change(
    State(app): State<App>,
    Authorised(caller): Authorised<ADMIN>,
    id: PathId,
    asked: Asked,
) -> Result<Response, Problem> {
    let id = sender(&id)?;
    let changed = app.service.change_sender(&caller, id, parse_change(&asked)?).await?;
    answer(StatusCode::OK, &SenderSteps::of(changed))
}

/// Verify a sender
///
/// Looks it over, here and at Meta, and changes nothing: what is wrong is among the steps, with what to do about it.
#[utoipa::path(
    post,
    path = "/v1/businesses/{business}/senders/{id}/verify",
    operation_id = "verifySender",
    tag = "Settings",
    params(
        ("business" = String, Path, description = "Id of the business"),
        ("id" = String, Path, description = "Id of the sender"),
    ),
    responses((status = 200, description = "The sender, and what was seen of it", body = SenderSteps), SetupRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn verify(
    State(app): State<App>,
    Authorised(caller): Authorised<ADMIN>,
    id: PathId,
) -> Result<Response, Problem> {
    answer(StatusCode::OK, &SenderSteps::of(app.service.verify_sender(&caller, sender(&id)?).await?))
}

/// Let a stopped sender go on
///
/// Looks it over at Meta first: while something is wrong it stays stopped, and 409 says what in `details.steps`. Its queue was kept
/// and is sent now. Of a sender that goes already nothing is looked at.
#[utoipa::path(
    post,
    path = "/v1/businesses/{business}/senders/{id}/resume",
    operation_id = "resumeSender",
    tag = "Settings",
    params(
        ("business" = String, Path, description = "Id of the business"),
        ("id" = String, Path, description = "Id of the sender"),
    ),
    responses((status = 200, description = "The sender, and what was seen of it", body = SenderSteps), SetupRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn resume(
    State(app): State<App>,
    Authorised(caller): Authorised<ADMIN>,
    id: PathId,
) -> Result<Response, Problem> {
    answer(StatusCode::OK, &SenderSteps::of(app.service.resume_sender(&caller, sender(&id)?).await?))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn wrong(body: &Value) -> Vec<String> {
        let Err(refused) = parse(&Asked::of(body.to_string())) else { return Vec::new() };
        let errors = refused.details["errors"].as_array().cloned().unwrap_or_default();
        errors.iter().map(|error| error["field"].as_str().unwrap_or_default().to_owned()).collect()
    }

    #[test]
    fn a_number_or_a_page_in_both_spellings() {
        let number = json!({ "phone_number_id": "1", "wabaId": "2", "token": " t ", "appSecret": "", "pin": "123456" });
        let new = parse(&Asked::of(number.to_string())).unwrap();
        assert!(matches!(new.at_meta, AtMeta::Number { pin: Some(_), .. }) && new.token == "t" && new.app_secret.is_none());
        let page = json!({ "pageId": "3", "token": "t", "app": "4", "app_secret": "s" });
        assert!(matches!(parse(&Asked::of(page.to_string())).unwrap().at_meta, AtMeta::Page { .. }));
        assert_eq!(wrong(&json!({ "token": "t" })), ["phoneNumberId"]);
        assert_eq!(wrong(&json!({ "token": "t", "phoneNumberId": "1" })), ["wabaId"]);
        assert_eq!(wrong(&json!({ "token": "t", "wabaId": "1" })), ["phoneNumberId"]);
        assert_eq!(wrong(&json!({ "token": "t", "phoneNumberId": "1", "pageId": "2" })), ["pageId"]);
        assert_eq!(wrong(&json!({ "pageId": "2" })), ["token"]);
    }
}
