//! `DELETE customers/{id}` and `erasures/{id}`: a person is forgotten on request.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use transom_store::{Erasure, ErasureStage};

use super::common::rfc3339;
use super::recipient::PathCustomer;
use crate::http::App;
use crate::http::call::{ADMIN, Authorised, PathId, json};
use crate::http::refusal::ReadRefusals;
use crate::problem::Problem;

/// The erasure of one customer.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Erasure)]
pub(crate) struct ErasureView {
    /// The customer; an id that leads nowhere any more.
    customer_id: String,
    /// `running` or `done`.
    status: &'static str,
    /// What is being worked on: `messages`, `events`, `answers`, `orphans`, `journal`, `person`, `logs` or `done`. At `messages` it may
    /// wait for one that is on its way.
    stage: &'static str,
    /// When it was asked for.
    asked_at: String,
    /// When nothing was left.
    done_at: Option<String>,
    /// Messages that were removed.
    messages: u64,
    /// Events from which the person was taken.
    events: u64,
    /// Raw webhook bodies that were blanked.
    bodies: u64,
}

impl From<Erasure> for ErasureView {
    fn from(erasure: Erasure) -> Self {
        Self {
            customer_id: erasure.customer.to_string(),
            status: if erasure.at == ErasureStage::Done { "done" } else { "running" },
            stage: erasure.at.as_str(),
            asked_at: rfc3339(erasure.asked_at),
            done_at: erasure.done_at.map(rfc3339),
            messages: erasure.messages,
            events: erasure.events,
            bodies: erasure.bodies,
        }
    }
}

/// Erase a customer
///
/// At once nobody is known by the person's number, ids and names any more, and what waits to be sent is called off; then, in the
/// background, messages with their files, what events, raw bodies and kept answers say of the person, and the ledger of consent go,
/// to the last byte in the files of a folder, to the last row on PostgreSQL. Events keep their positions. Nothing can bring it back but
/// a backup. The consent of someone who opted out is forgotten too: export it before, and keep the person off your own lists.
#[utoipa::path(
    delete,
    path = "/v1/businesses/{business}/customers/{id}",
    operation_id = "eraseCustomer",
    tag = "Customers",
    params(
        ("business" = String, Path, description = "Id of the business"),
        ("id" = String, Path, description = "Id of the customer, or an identity: `+E.164`, `bsuid:…`, `messenger:…`"),
    ),
    responses((status = 202, description = "Begun, or begun before", body = ErasureView), ReadRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn erase(
    State(app): State<App>,
    Authorised(caller): Authorised<ADMIN>,
    id: PathId,
) -> Result<Response, Problem> {
    let PathCustomer(who) = id.parse(|| Problem::not_found("customer"))?;
    let erasure = app.service.erase_customer(&caller, who).await?;
    json(StatusCode::ACCEPTED, &ErasureView::from(erasure))
}

/// Read an erasure
#[utoipa::path(
    get,
    path = "/v1/businesses/{business}/erasures/{id}",
    operation_id = "getErasure",
    tag = "Customers",
    params(
        ("business" = String, Path, description = "Id of the business"),
        ("id" = String, Path, description = "Id of the customer that was erased"),
    ),
    responses((status = 200, description = "How far it is", body = ErasureView), ReadRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn get(State(app): State<App>, Authorised(caller): Authorised<ADMIN>, id: PathId) -> Result<Response, Problem> {
    let id = id.parse(|| Problem::not_found("erasure"))?;
    json(StatusCode::OK, &ErasureView::from(app.service.erasure(&caller, id).await?))
}
