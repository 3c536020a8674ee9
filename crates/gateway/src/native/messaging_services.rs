//! Messaging services: senders under one name, of which one speaks to each customer.

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use transom_domain::messaging_service::{MessagingService, PoolMember};

use super::common::rfc3339;
use super::query::Query;
use super::read::{read, request_bodies};
use super::sender_callbacks::method;
use crate::http::App;
use crate::http::call::{Asked, Authorised, PathDeeper, PathId, WEBHOOKS, json};
use crate::http::refusal::{ChangeRefusals, CreateRefusals, ListRefusals, ReadRefusals};
use crate::problem::Problem;
use crate::service::{Service, ServiceChange};

/// What is chosen of a messaging service. In a change, what is left out stays as it is; an empty address is taken away.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({ "friendlyName": "Shop", "stickySender": true, "statusCallback": "https://shop.example.com/status" }))]
pub(crate) struct MessagingServiceRequest {
    /// For people, up to 64 characters; a new one needs it.
    friendly_name: Option<String>,
    /// A customer is written to by the sender that spoke with them last; yes where a new one leaves it out.
    sticky_sender: Option<bool>,
    /// Seconds for which a message through it may wait, unless it says otherwise itself: 1 to 36,000, which is also what a new one
    /// has.
    validity_seconds: Option<u32>,
    /// Where what customers write to its senders is told, in the form of Twilio's webhooks.
    inbound_url: Option<String>,
    /// `POST` or `GET`.
    inbound_method: Option<String>,
    /// Where it is told when that fails.
    fallback_url: Option<String>,
    /// `POST` or `GET`.
    fallback_method: Option<String>,
    /// Where it is told how far its messages got, unless a message names an address of its own.
    status_callback: Option<String>,
    /// What customers write is told to the sender's own address rather than to this one; no where a new one leaves it out.
    use_inbound_webhook_on_number: Option<bool>,
    /// What it is used for, up to 64 characters.
    usecase: Option<String>,
}

request_bodies!(MessagingServiceRequest);

/// A messaging service.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MessagingService)]
pub(crate) struct MessagingServiceView {
    /// Names it, in sends and in paths.
    id: String,
    /// For people.
    friendly_name: String,
    /// A customer is written to by the sender that spoke with them last.
    sticky_sender: bool,
    /// Seconds for which a message through it may wait.
    validity_seconds: u32,
    /// Where what customers write is told.
    inbound_url: Option<String>,
    /// `POST` or `GET`.
    inbound_method: &'static str,
    /// Where it is told when that fails.
    fallback_url: Option<String>,
    /// `POST` or `GET`.
    fallback_method: &'static str,
    /// Where statuses are told.
    status_callback: Option<String>,
    /// What customers write is told to the sender's own address.
    use_inbound_webhook_on_number: bool,
    /// What it is used for.
    usecase: String,
    /// Since when.
    created_at: String,
    /// Since when as it is.
    updated_at: String,
}

/// A page of messaging services, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MessagingServicePage {
    /// Messaging services.
    data: Vec<MessagingServiceView>,
    /// Give it as `pageToken` for the next page; null on the last.
    next_page_token: Option<String>,
}

/// A sender of a pool.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PoolMemberView {
    /// Id of the sender.
    sender_id: String,
    /// Its address; null when the sender is gone.
    address: Option<String>,
    /// Since when.
    since: String,
}

/// The senders of a messaging service.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PoolView {
    /// In the order in which they joined.
    data: Vec<PoolMemberView>,
    /// Always null: there is one page.
    next_page_token: Option<String>,
}

impl From<MessagingService> for MessagingServiceView {
    fn from(service: MessagingService) -> Self {
        let MessagingService { id, options, created_at, updated_at, .. } = service;
        let callbacks = options.callbacks;
        Self {
            id: id.to_string(),
            friendly_name: options.friendly_name,
            sticky_sender: options.sticky_sender,
            validity_seconds: options.validity_seconds,
            inbound_url: callbacks.inbound_url,
            inbound_method: callbacks.inbound_method.as_str(),
            fallback_url: callbacks.fallback_url,
            fallback_method: callbacks.fallback_method.as_str(),
            status_callback: callbacks.status_callback,
            use_inbound_webhook_on_number: options.use_inbound_webhook_on_number,
            usecase: options.usecase,
            created_at: rfc3339(created_at),
            updated_at: rfc3339(updated_at),
        }
    }
}

impl PoolMemberView {
    fn of(member: PoolMember, service: &Service) -> Self {
        Self {
            sender_id: member.sender.to_string(),
            address: service.sender(member.sender).map(|sender| sender.address.to_string()),
            since: rfc3339(member.since),
        }
    }
}

fn missing() -> Problem {
    Problem::not_found("messaging service")
}

fn no_sender() -> Problem {
    Problem::not_found("sender")
}

pub(super) fn parse(asked: &Asked) -> Result<ServiceChange, Problem> {
    let (request, mut notes) = read::<MessagingServiceRequest>(&asked.body)?;
    let change = request.map(|request| ServiceChange {
        friendly_name: request.friendly_name,
        sticky_sender: request.sticky_sender,
        validity_seconds: request.validity_seconds,
        inbound_url: request.inbound_url,
        inbound_method: method("inboundMethod", request.inbound_method, &mut notes),
        fallback_url: request.fallback_url,
        fallback_method: method("fallbackMethod", request.fallback_method, &mut notes),
        status_callback: request.status_callback,
        use_inbound_webhook_on_number: request.use_inbound_webhook_on_number,
        usecase: request.usecase,
        ..ServiceChange::default()
    });
    notes.finish(change)
}

/// Make a messaging service
///
/// Senders under one name: a message through it goes by the one that spoke with the customer last, and a new customer has always
/// the same one. Its pool is empty at first. At most 1,000 of a business.
#[utoipa::path(
    post,
    path = "/v1/businesses/{business}/messaging-services",
    operation_id = "createMessagingService",
    tag = "Sending",
    params(("business" = String, Path, description = "Id of the business")),
    request_body(content = MessagingServiceRequest),
    responses((status = 201, description = "Made", body = MessagingServiceView), CreateRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn create(
    State(app): State<App>,
    Authorised(caller): Authorised<WEBHOOKS>,
    asked: Asked,
) -> Result<Response, Problem> {
    let made = app.service.create_messaging_service(&caller, parse(&asked)?).await?;
    json(StatusCode::CREATED, &MessagingServiceView::from(made))
}

/// List messaging services
#[utoipa::path(
    get,
    path = "/v1/businesses/{business}/messaging-services",
    operation_id = "listMessagingServices",
    tag = "Sending",
    params(
        ("business" = String, Path, description = "Id of the business"),
        ("pageSize" = Option<u32>, Query, description = "1 to 200; 50 where left out"),
        ("pageToken" = Option<String>, Query, description = "`nextPageToken` of the page before"),
    ),
    responses((status = 200, description = "A page of messaging services", body = MessagingServicePage), ListRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn list(
    State(app): State<App>,
    Authorised(caller): Authorised<WEBHOOKS>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let mut query = Query::read(query.as_deref(), &["pageSize", "pageToken"]);
    let page = query.page();
    let (services, next_page_token) = app.service.messaging_services(&caller, query.finish(page)?).await?;
    let data = services.into_iter().map(MessagingServiceView::from).collect();
    json(StatusCode::OK, &MessagingServicePage { data, next_page_token })
}

/// Read a messaging service
#[utoipa::path(
    get,
    path = "/v1/businesses/{business}/messaging-services/{id}",
    operation_id = "getMessagingService",
    tag = "Sending",
    params(
        ("business" = String, Path, description = "Id of the business"),
        ("id" = String, Path, description = "Id of the messaging service"),
    ),
    responses((status = 200, description = "The messaging service", body = MessagingServiceView), ReadRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn get(
    State(app): State<App>,
    Authorised(caller): Authorised<WEBHOOKS>,
    id: PathId,
) -> Result<Response, Problem> {
    let found = app.service.messaging_service(&caller, id.parse(missing)?).await?;
    json(StatusCode::OK, &MessagingServiceView::from(found))
}

/// Change a messaging service
///
/// What is left out keeps its value.
#[utoipa::path(
    patch,
    path = "/v1/businesses/{business}/messaging-services/{id}",
    operation_id = "changeMessagingService",
    tag = "Sending",
    params(
        ("business" = String, Path, description = "Id of the business"),
        ("id" = String, Path, description = "Id of the messaging service"),
    ),
    request_body(content = MessagingServiceRequest),
    responses((status = 200, description = "Changed", body = MessagingServiceView), ChangeRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn change(
    State(app): State<App>,
    Authorised(caller): Authorised<WEBHOOKS>,
    id: PathId,
    asked: Asked,
) -> Result<Response, Problem> {
    let changed = app.service.change_messaging_service(&caller, id.parse(missing)?, parse(&asked)?).await?;
    json(StatusCode::OK, &MessagingServiceView::from(changed))
}

/// Remove a messaging service
///
/// Its senders stay, and so do the messages that were sent through it.
#[utoipa::path(
    delete,
    path = "/v1/businesses/{business}/messaging-services/{id}",
    operation_id = "deleteMessagingService",
    tag = "Sending",
    params(
        ("business" = String, Path, description = "Id of the business"),
        ("id" = String, Path, description = "Id of the messaging service"),
    ),
    responses((status = 200, description = "Removed; an empty object", body = Object, example = json!({})), ReadRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn delete(
    State(app): State<App>,
    Authorised(caller): Authorised<WEBHOOKS>,
    id: PathId,
) -> Result<Response, Problem> {
    app.service.delete_messaging_service(&caller, id.parse(missing)?).await?;
    json(StatusCode::OK, &serde_json::json!({}))
}

/// List the senders of a messaging service
#[utoipa::path(
    get,
    path = "/v1/businesses/{business}/messaging-services/{id}/senders",
    operation_id = "listPool",
    tag = "Sending",
    params(
        ("business" = String, Path, description = "Id of the business"),
        ("id" = String, Path, description = "Id of the messaging service"),
    ),
    responses((status = 200, description = "Its senders", body = PoolView), ReadRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn pool(
    State(app): State<App>,
    Authorised(caller): Authorised<WEBHOOKS>,
    id: PathId,
) -> Result<Response, Problem> {
    let pool = app.service.pool(&caller, id.parse(missing)?).await?;
    let data = pool.into_iter().map(|member| PoolMemberView::of(member, &app.service)).collect();
    json(StatusCode::OK, &PoolView { data, next_page_token: None })
}

/// Put a sender into a messaging service
///
/// A sender is in one at most. Again, it stays as it is.
#[utoipa::path(
    put,
    path = "/v1/businesses/{business}/messaging-services/{id}/senders/{deeper}",
    operation_id = "joinPool",
    tag = "Sending",
    params(
        ("business" = String, Path, description = "Id of the business"),
        ("id" = String, Path, description = "Id of the messaging service"),
        ("deeper" = String, Path, description = "Id of the sender"),
    ),
    responses((status = 200, description = "It is in the pool", body = PoolMemberView), ChangeRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn join(
    State(app): State<App>,
    Authorised(caller): Authorised<WEBHOOKS>,
    id: PathId,
    sender: PathDeeper,
) -> Result<Response, Problem> {
    let member = app.service.join_pool(&caller, id.parse(missing)?, sender.parse(no_sender)?).await?;
    json(StatusCode::OK, &PoolMemberView::of(member, &app.service))
}

/// Take a sender out of a messaging service
#[utoipa::path(
    delete,
    path = "/v1/businesses/{business}/messaging-services/{id}/senders/{deeper}",
    operation_id = "leavePool",
    tag = "Sending",
    params(
        ("business" = String, Path, description = "Id of the business"),
        ("id" = String, Path, description = "Id of the messaging service"),
        ("deeper" = String, Path, description = "Id of the sender"),
    ),
    responses((status = 200, description = "It is out; an empty object", body = Object, example = json!({})), ReadRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn leave(
    State(app): State<App>,
    Authorised(caller): Authorised<WEBHOOKS>,
    id: PathId,
    sender: PathDeeper,
) -> Result<Response, Problem> {
    app.service.leave_pool(&caller, id.parse(missing)?, sender.parse(no_sender)?).await?;
    json(StatusCode::OK, &serde_json::json!({}))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use transom_domain::messaging_service::CallbackMethod;

    #[test]
    fn a_change_is_read_in_both_spellings_and_what_is_wrong_is_named() {
        let body = json!({ "friendly_name": "Shop", "inboundMethod": "get", "inbound_url": "", "stickySender": false });
        let change = parse(&Asked::of(body.to_string())).unwrap();
        assert_eq!((change.friendly_name.as_deref(), change.sticky_sender), (Some("Shop"), Some(false)));
        assert_eq!((change.inbound_url.as_deref(), change.inbound_method), (Some(""), Some(CallbackMethod::Get)));
        assert_eq!((change.fallback_url, change.usecase), (None, None));
        let body = json!({ "fallbackMethod": "PUT", "sticky": true });
        let refused = parse(&Asked::of(body.to_string())).unwrap_err();
        let fields: Vec<_> = refused.details["errors"].as_array().unwrap().iter().map(|e| e["field"].clone()).collect();
        assert_eq!(fields, [json!("sticky"), json!("fallbackMethod")]);
    }
}
