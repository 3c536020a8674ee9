//! `senders/{id}/callbacks`: which addresses are called about a sender in Twilio's form.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use transom_store::{CallbackMethod, SenderCallbacks};

use super::read::{Notes, read, request_bodies};
use crate::http::App;
use crate::http::call::{Asked, Authorised, PathId, WEBHOOKS, json as answer};
use crate::http::refusal::{ChangeRefusals, ReadRefusals};
use crate::problem::Problem;

/// The addresses that are called about a sender, in Twilio's form and signed with the auth token.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SenderCallbacks)]
pub(crate) struct CallbacksView {
    /// Told of what customers write; its answer is TwiML.
    inbound_url: Option<String>,
    /// `POST` or `GET`.
    inbound_method: &'static str,
    /// Asked instead where that one fails.
    fallback_url: Option<String>,
    /// `POST` or `GET`.
    fallback_method: &'static str,
    /// Told of the statuses of messages that name no address of their own.
    status_callback: Option<String>,
}

/// What they are to be from now on; what is left out or null is not called.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({ "inboundUrl": "https://shop.example/twilio/inbound#rc=2&rp=5xx", "statusCallback": "https://shop.example/twilio/status" }))]
pub(crate) struct CallbacksBody {
    /// Told of what customers write.
    #[serde(default)]
    inbound_url: Option<String>,
    /// `POST`, or `GET`.
    #[serde(default)]
    inbound_method: Option<String>,
    /// Asked instead where that one fails.
    #[serde(default)]
    fallback_url: Option<String>,
    /// `POST`, or `GET`.
    #[serde(default)]
    fallback_method: Option<String>,
    /// Told of the statuses of messages that name no address of their own.
    #[serde(default)]
    status_callback: Option<String>,
}

request_bodies!(CallbacksBody);

/// As the operations below print them.
pub(crate) fn callbacks_json(callbacks: SenderCallbacks) -> serde_json::Value {
    super::word(&CallbacksView::from(callbacks))
}

impl From<SenderCallbacks> for CallbacksView {
    fn from(callbacks: SenderCallbacks) -> Self {
        Self {
            inbound_url: callbacks.inbound_url,
            inbound_method: callbacks.inbound_method.as_str(),
            fallback_url: callbacks.fallback_url,
            fallback_method: callbacks.fallback_method.as_str(),
            status_callback: callbacks.status_callback,
        }
    }
}

impl CallbacksBody {
    fn chosen(self, notes: &mut Notes) -> SenderCallbacks {
        let given = |url: Option<String>| url.map(|url| url.trim().to_owned()).filter(|url| !url.is_empty());
        SenderCallbacks {
            inbound_url: given(self.inbound_url),
            inbound_method: method("inboundMethod", self.inbound_method, notes).unwrap_or_default(),
            fallback_url: given(self.fallback_url),
            fallback_method: method("fallbackMethod", self.fallback_method, notes).unwrap_or_default(),
            status_callback: given(self.status_callback),
        }
    }
}

/// The method that a field names; none where it is left out, or names none.
pub(super) fn method(field: &str, word: Option<String>, notes: &mut Notes) -> Option<CallbackMethod> {
    let found = CallbackMethod::named(&word?);
    if found.is_none() {
        notes.note(field, "is neither POST nor GET", "use one of them");
    }
    found
}

/// Read a sender's callbacks
#[utoipa::path(
    get,
    path = "/v1/businesses/{business}/senders/{id}/callbacks",
    operation_id = "getSenderCallbacks",
    tag = "Webhooks",
    params(
        ("business" = String, Path, description = "Id of the business"),
        ("id" = String, Path, description = "Id of the sender"),
    ),
    responses((status = 200, description = "The addresses that are called", body = CallbacksView), ReadRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn get(
    State(app): State<App>,
    Authorised(caller): Authorised<WEBHOOKS>,
    id: PathId,
) -> Result<Response, Problem> {
    let id = id.parse(|| Problem::not_found("sender"))?;
    answer(StatusCode::OK, &CallbacksView::from(app.service.sender_callbacks(&caller, id).await?))
}

/// Choose a sender's callbacks
///
/// Webhooks in Twilio's form, for applications that were written for Twilio: a form, signed in `X-Twilio-Signature` with the
/// account's auth token, answered with TwiML. Wishes about time and repetition stand in the address's fragment. Each host that is
/// named becomes an endpoint, which the list of endpoints shows.
#[utoipa::path(
    put,
    path = "/v1/businesses/{business}/senders/{id}/callbacks",
    operation_id = "setSenderCallbacks",
    tag = "Webhooks",
    params(
        ("business" = String, Path, description = "Id of the business"),
        ("id" = String, Path, description = "Id of the sender"),
    ),
    request_body = CallbacksBody,
    responses((status = 200, description = "The addresses that are called from now on", body = CallbacksView), ChangeRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn set(
    State(app): State<App>,
    Authorised(caller): Authorised<WEBHOOKS>,
    id: PathId,
    asked: Asked,
) -> Result<Response, Problem> {
    let id = id.parse(|| Problem::not_found("sender"))?;
    let (read, mut notes) = read::<CallbacksBody>(&asked.body)?;
    let chosen = read.map(|body| body.chosen(&mut notes));
    let chosen = app.service.set_sender_callbacks(&caller, id, notes.finish(chosen)?).await?;
    answer(StatusCode::OK, &CallbacksView::from(chosen))
}
