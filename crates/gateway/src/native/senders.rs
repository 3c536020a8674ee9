//! `GET senders`: through whom a business speaks, and how much each may send.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use transom_store::{Sender, SenderState};

use super::common::rfc3339;
use crate::http::App;
use crate::http::call::{Authorised, PathId, SEND, json as answer};
use crate::http::refusal::{ListRefusals, ReadRefusals};
use crate::problem::Problem;
use crate::service::Capacity;

/// The senders of a business.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SenderPage {
    /// All of them.
    data: Vec<SenderView>,
    /// Always null: there is one page.
    next_page_token: Option<String>,
}

/// One sender.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Sender)]
pub(crate) struct SenderView {
    /// Names it.
    id: String,
    /// `whatsapp` or `messenger`.
    channel: &'static str,
    /// `+E.164` or `messenger:<page>`.
    address: String,
    /// Display name, where known.
    name: Option<String>,
    /// Phone number id or Page id at Meta.
    account_id: String,
    /// WhatsApp Business Account.
    waba_id: Option<String>,
    /// App at Meta whose webhooks speak of it.
    app_id: String,
    /// Messages per second, in and out together.
    throughput: u32,
    /// `active` or `stopped`: a stopped sender keeps its queue and goes on when what is wrong is mended.
    state: &'static str,
    /// Why it is stopped, and since when: `code`, `message`, `remedy`, `since`.
    #[schema(value_type = Option<Object>)]
    stopped: Value,
    /// What Meta lets it do, what of it is used, and what waits; left out in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    capacity: Option<Capacity>,
}

impl From<Sender> for SenderView {
    fn from(sender: Sender) -> Self {
        let (state, stopped) = match &sender.state {
            SenderState::Active => ("active", Value::Null),
            SenderState::Stopped { failure, since } => (
                "stopped",
                json!({
                    "code": failure.code, "message": failure.message, "remedy": failure.code.remedy(), "since": rfc3339(*since),
                }),
            ),
        };
        Self {
            id: sender.id.to_string(),
            channel: sender.channel.as_str(),
            address: sender.address.to_string(),
            name: sender.name,
            account_id: sender.account,
            waba_id: sender.waba,
            app_id: sender.app,
            throughput: sender.throughput,
            state,
            stopped,
            capacity: None,
        }
    }
}

/// List senders
#[utoipa::path(
    get,
    path = "/v1/businesses/{business}/senders",
    operation_id = "listSenders",
    tag = "Messages",
    params(("business" = String, Path, description = "Id of the business")),
    responses((status = 200, description = "All senders", body = SenderPage), ListRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn list(State(app): State<App>, Authorised(caller): Authorised<SEND>) -> Result<Response, Problem> {
    let data = app.service.senders(caller.business).into_iter().map(SenderView::from).collect();
    answer(StatusCode::OK, &SenderPage { data, next_page_token: None })
}

/// Read a sender
///
/// With what Meta lets it do, how much of that is left, and what waits.
#[utoipa::path(
    get,
    path = "/v1/businesses/{business}/senders/{id}",
    operation_id = "getSender",
    tag = "Messages",
    params(
        ("business" = String, Path, description = "Id of the business"),
        ("id" = String, Path, description = "Id of the sender"),
    ),
    responses((status = 200, description = "The sender", body = SenderView), ReadRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn get(State(app): State<App>, Authorised(caller): Authorised<SEND>, id: PathId) -> Result<Response, Problem> {
    let id = id.parse(|| Problem::not_found("sender"))?;
    let (sender, capacity) = app.service.sender_with_capacity(&caller, id).await?;
    answer(StatusCode::OK, &SenderView { capacity: Some(capacity), ..SenderView::from(sender) })
}
