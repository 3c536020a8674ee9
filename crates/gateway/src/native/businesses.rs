//! `businesses`: those that somebody sees, and their names.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use transom_store::Business;

use super::common::rfc3339;
use super::read::{read, request_bodies};
use crate::http::App;
use crate::http::call::{ADMIN, ANY, Asked, Authorised, Visiting, json as answer};
use crate::http::refusal::{ChangeRefusals, CreateRefusals, ListRefusals, ReadRefusals};
use crate::problem::Problem;

/// What is said of a business.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = BusinessRequest, example = json!({ "name": "Tea shop" }))]
pub(crate) struct BusinessRequest {
    /// For people; 1 to 200 characters.
    name: String,
}

request_bodies!(BusinessRequest);

/// Businesses.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BusinessList {
    /// By age.
    data: Vec<BusinessView>,
    /// Always null: there is one page.
    next_page_token: Option<String>,
}

/// A business.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Business)]
pub(crate) struct BusinessView {
    /// Names it, in paths.
    id: String,
    /// For people.
    name: String,
    /// When it was made.
    created_at: String,
}

impl From<Business> for BusinessView {
    fn from(business: Business) -> Self {
        Self { id: business.id.to_string(), name: business.name, created_at: rfc3339(business.created_at) }
    }
}

fn parse(asked: &Asked) -> Result<String, Problem> {
    let (request, notes) = read::<BusinessRequest>(&asked.body)?;
    notes.finish(request.map(|request| request.name))
}

/// List businesses
///
/// The one of the key, or those in which who is signed in is something.
#[utoipa::path(
    get,
    path = "/v1/businesses",
    operation_id = "listBusinesses",
    tag = "Settings",
    responses((status = 200, description = "Those that the caller may see", body = BusinessList), ListRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn list(State(app): State<App>, Visiting(visitor): Visiting) -> Result<Response, Problem> {
    let data = app.service.businesses_of(&visitor).await?.into_iter().map(BusinessView::from).collect();
    answer(StatusCode::OK, &BusinessList { data, next_page_token: None })
}

/// Make a business
///
/// Only for who is signed in as an owner of every business, as an operator makes them with `transom user role`. A key is of one
/// business and makes no other: 403.
#[utoipa::path(
    post,
    path = "/v1/businesses",
    operation_id = "createBusiness",
    tag = "Settings",
    request_body(content = BusinessRequest),
    responses((status = 201, description = "The business", body = BusinessView), CreateRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn create(State(app): State<App>, Visiting(visitor): Visiting, asked: Asked) -> Result<Response, Problem> {
    visitor.may_make_businesses()?;
    let business = app.service.make_business(visitor.who, &parse(&asked)?).await?;
    answer(StatusCode::CREATED, &BusinessView::from(business))
}

/// Read the business
#[utoipa::path(
    get,
    path = "/v1/businesses/{business}",
    operation_id = "getBusiness",
    tag = "Settings",
    params(("business" = String, Path, description = "Id of the business")),
    responses((status = 200, description = "The business", body = BusinessView), ReadRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn get(State(app): State<App>, Authorised(caller): Authorised<ANY>) -> Result<Response, Problem> {
    answer(StatusCode::OK, &BusinessView::from(app.service.business(&caller).await?))
}

/// Rename the business
#[utoipa::path(
    patch,
    path = "/v1/businesses/{business}",
    operation_id = "changeBusiness",
    tag = "Settings",
    params(("business" = String, Path, description = "Id of the business")),
    request_body(content = BusinessRequest),
    responses((status = 200, description = "The business", body = BusinessView), ChangeRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn change(
    State(app): State<App>,
    Authorised(caller): Authorised<ADMIN>,
    asked: Asked,
) -> Result<Response, Problem> {
    answer(StatusCode::OK, &BusinessView::from(app.service.rename_business(&caller, &parse(&asked)?).await?))
}
