//! Reading messages, and what can be done with one: mark read, cancel, redact, delete.

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use transom_domain::error_code::ErrorCode;
use transom_domain::id::{BusinessId, MessageId, SenderId};
use transom_domain::message::Message;
use transom_domain::status::Status;
use transom_store::{Direction, MessageFilter, Page};

use super::common::moment;
use super::message_view::MessageView;
use super::query::Query;
use super::read::{read, read_optional, request_bodies};
use super::recipient;
use crate::http::App;
use crate::http::call::{Asked, Authorised, PathId, SEND, json};
use crate::http::refusal::{ChangeRefusals, ListRefusals, ReadRefusals};
use crate::problem::Problem;
use crate::service::Caller;

/// A page of messages, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MessagePage {
    /// Messages.
    data: Vec<MessageView>,
    /// Give it as `pageToken` for the next page; null on the last.
    next_page_token: Option<String>,
}

/// How an inbound message is marked read.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MarkRead {
    /// Also shows the customer that an answer is being written.
    typing: Option<bool>,
}

/// Whether a message did what it was for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({ "outcome": "confirmed" }))]
pub(crate) struct Feedback {
    /// `confirmed`, or `unconfirmed` as long as nobody knows.
    outcome: String,
}

request_bodies!(MarkRead, Feedback);

/// Reads the filters that lists of messages and of sessions share. `resolve` finds a sender of this business by its address.
pub(crate) fn filters(
    query: Option<&str>,
    known: &[&'static str],
    resolve: impl FnOnce(&str) -> Option<SenderId>,
) -> Result<(MessageFilter, Page), Problem> {
    let mut query = Query::read(query, known);
    let mut filter = MessageFilter::default();
    if let Some(text) = query.get("sender").map(str::to_owned) {
        filter.sender = resolve(&text);
        if filter.sender.is_none() {
            let remedy = "give the address of one of the senders that GET senders lists";
            query.notes.coded(ErrorCode::InvalidSenderId, "sender", "is no sender of this business", remedy);
        }
    }
    // A plus sign that was not percent-encoded arrives as a blank.
    let to = query.get("to").map(|to| to.strip_prefix(' ').map_or_else(|| to.to_owned(), |digits| format!("+{digits}")));
    filter.customer = to.and_then(|to| recipient::any_customer(&to, "to", &mut query.notes));
    let words: Vec<_> = Status::ALL.iter().map(|s| s.as_str()).collect();
    filter.status = query.choice("status", &words.join(", "), Status::named);
    filter.direction = query.choice("direction", "inbound or outbound", |word| match word {
        "inbound" => Some(Direction::Inbound),
        "outbound" => Some(Direction::Outbound),
        _ => None,
    });
    filter.campaign = query.get("campaignName").map(str::to_owned);
    for (name, end) in [("from", &mut filter.from), ("until", &mut filter.until)] {
        let text = query.get(name).map(str::to_owned);
        *end = moment(text.as_deref(), name, &mut query.notes);
    }
    let page = query.page();
    query.finish((filter, page))
}

impl App {
    /// The sender of a business with this address or id.
    pub(super) fn sender_named(&self, business: BusinessId, text: &str) -> Option<SenderId> {
        let text = text.strip_prefix(' ').map_or_else(|| text.to_owned(), |digits| format!("+{digits}"));
        let address: Option<transom_domain::address::Identity> = text.parse().ok();
        let id: Option<SenderId> = text.parse().ok();
        let senders = self.service.senders(business);
        senders.into_iter().find(|s| Some(&s.address) == address.as_ref() || Some(s.id) == id).map(|s| s.id)
    }

    /// The short form, for lists.
    async fn view(&self, message: &Message) -> MessageView {
        MessageView::new(message, self.service.sender(message.sender).as_ref(), None)
            .showing(self.service.template_shown(message).await.as_ref())
            .signed(message.business, &self.service.files.links)
    }

    /// One message with its timeline.
    async fn whole(&self, caller: &Caller, id: MessageId) -> Result<MessageView, Problem> {
        let message = self.service.message(caller, id).await?;
        let timeline = self.service.timeline(caller, id).await?;
        let waits = self.service.waits(caller, &message).await?;
        let view = MessageView::new(&message, self.service.sender(message.sender).as_ref(), Some(&timeline));
        let lost = self.service.presumed_lost(&message).await?;
        let view = view.showing(self.service.template_shown(&message).await.as_ref());
        Ok(view.signed(message.business, &self.service.files.links).waiting(waits).presumed_lost(lost))
    }
}

fn missing() -> Problem {
    Problem::not_found("message")
}

/// List messages
///
/// Newest first, sent and received; without their timelines.
#[utoipa::path(
    get,
    path = "/v1/businesses/{business}/messages",
    operation_id = "listMessages",
    tag = "Messages",
    params(
        ("business" = String, Path, description = "Id of the business"),
        ("sender" = Option<String>, Query, description = "Only of this sender, by its address or id"),
        ("to" = Option<String>, Query, description = "Only with this customer: `+E.164`, `bsuid:CC.…` or `messenger:<psid>`"),
        ("status" = Option<String>, Query, description = "Only with this status"),
        ("direction" = Option<String>, Query, description = "`inbound` or `outbound`"),
        ("campaignName" = Option<String>, Query, description = "Only with this tag"),
        ("from" = Option<String>, Query, description = "Only those accepted or received at this moment or later, RFC 3339"),
        ("until" = Option<String>, Query, description = "Only those accepted or received before this moment, RFC 3339"),
        ("pageSize" = Option<u32>, Query, description = "1 to 200; 50 where left out"),
        ("pageToken" = Option<String>, Query, description = "`nextPageToken` of the page before"),
    ),
    responses((status = 200, description = "A page of messages", body = MessagePage), ListRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn list(
    State(app): State<App>,
    Authorised(caller): Authorised<SEND>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let known = ["sender", "to", "status", "direction", "campaignName", "from", "until", "pageSize", "pageToken"];
    let (filter, page) = filters(query.as_deref(), &known, |text| app.sender_named(caller.business, text))?;
    let (messages, next_page_token) = app.service.messages(&caller, filter, page).await?;
    let mut data = Vec::with_capacity(messages.len());
    for message in &messages {
        data.push(app.view(message).await);
    }
    json(StatusCode::OK, &MessagePage { data, next_page_token })
}

/// Read a message
///
/// With its attempts, its timeline and the channel's own id in `details.providerMessageId`.
#[utoipa::path(
    get,
    path = "/v1/businesses/{business}/messages/{id}",
    operation_id = "getMessage",
    tag = "Messages",
    params(("business" = String, Path, description = "Id of the business"), ("id" = String, Path, description = "Id of the message")),
    responses((status = 200, description = "The message", body = MessageView), ReadRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn get(State(app): State<App>, Authorised(caller): Authorised<SEND>, id: PathId) -> Result<Response, Problem> {
    json(StatusCode::OK, &app.whole(&caller, id.parse(missing)?).await?)
}

/// Mark an inbound message read
///
/// Towards the customer; with `typing` the customer also sees that an answer is being written.
#[utoipa::path(
    post,
    path = "/v1/businesses/{business}/messages/{id}/read",
    operation_id = "markMessageRead",
    tag = "Messages",
    params(("business" = String, Path, description = "Id of the business"), ("id" = String, Path, description = "Id of the message")),
    request_body(content = Option<MarkRead>, description = "May be left out"),
    responses((status = 200, description = "Marked; an empty object", body = Object, example = json!({})), ChangeRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn mark_read(
    State(app): State<App>,
    Authorised(caller): Authorised<SEND>,
    id: PathId,
    asked: Asked,
) -> Result<Response, Problem> {
    let (request, notes) = read_optional::<MarkRead>(&asked.body)?;
    let request = notes.finish(request)?;
    app.service.mark_read(&caller, id.parse(missing)?, request.typing.unwrap_or(false)).await?;
    json(StatusCode::OK, &serde_json::json!({}))
}

/// Cancel a message
///
/// Possible until it is first tried.
#[utoipa::path(
    post,
    path = "/v1/businesses/{business}/messages/{id}/cancel",
    operation_id = "cancelMessage",
    tag = "Messages",
    params(("business" = String, Path, description = "Id of the business"), ("id" = String, Path, description = "Id of the message")),
    responses((status = 200, description = "Cancelled", body = MessageView), ChangeRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn cancel(
    State(app): State<App>,
    Authorised(caller): Authorised<SEND>,
    id: PathId,
) -> Result<Response, Problem> {
    let id = id.parse(missing)?;
    app.service.cancel(&caller, id).await?;
    json(StatusCode::OK, &app.whole(&caller, id).await?)
}

/// Redact a message
///
/// Removes the content of a message that is over; its statuses stay. Raw webhooks in the journal that brought it are blanked soon after.
#[utoipa::path(
    post,
    path = "/v1/businesses/{business}/messages/{id}/redact",
    operation_id = "redactMessage",
    tag = "Messages",
    params(("business" = String, Path, description = "Id of the business"), ("id" = String, Path, description = "Id of the message")),
    responses((status = 200, description = "Redacted", body = MessageView), ChangeRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn redact(
    State(app): State<App>,
    Authorised(caller): Authorised<SEND>,
    id: PathId,
) -> Result<Response, Problem> {
    let id = id.parse(missing)?;
    app.service.redact(&caller, id).await?;
    json(StatusCode::OK, &app.whole(&caller, id).await?)
}

/// Say whether a message did what it was for
///
/// A code that was used, an order that was picked up. It stands in the message's timeline; once confirmed it stays so.
#[utoipa::path(
    post,
    path = "/v1/businesses/{business}/messages/{id}/feedback",
    operation_id = "giveFeedback",
    tag = "Messages",
    params(("business" = String, Path, description = "Id of the business"), ("id" = String, Path, description = "Id of the message")),
    request_body = Feedback,
    responses((status = 200, description = "Written down", body = MessageView), ChangeRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn give_feedback(
    State(app): State<App>,
    Authorised(caller): Authorised<SEND>,
    id: PathId,
    asked: Asked,
) -> Result<Response, Problem> {
    let (request, mut notes) = read::<Feedback>(&asked.body)?;
    let confirmed = request.and_then(|request| match request.outcome.as_str() {
        "confirmed" => Some(true),
        "unconfirmed" => Some(false),
        _ => {
            notes.note("outcome", "is not one of its values", "use confirmed or unconfirmed");
            None
        }
    });
    let confirmed = notes.finish(confirmed)?;
    let id = id.parse(missing)?;
    app.service.give_feedback(&caller, id, confirmed).await?;
    json(StatusCode::OK, &app.whole(&caller, id).await?)
}

/// Delete a message
///
/// Removes a message that is over. Raw webhooks in the journal that brought it are blanked soon after.
#[utoipa::path(
    delete,
    path = "/v1/businesses/{business}/messages/{id}",
    operation_id = "deleteMessage",
    tag = "Messages",
    params(("business" = String, Path, description = "Id of the business"), ("id" = String, Path, description = "Id of the message")),
    responses((status = 200, description = "Deleted; an empty object", body = Object, example = json!({})), ChangeRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn delete(
    State(app): State<App>,
    Authorised(caller): Authorised<SEND>,
    id: PathId,
) -> Result<Response, Problem> {
    app.service.delete(&caller, id.parse(missing)?).await?;
    json(StatusCode::OK, &serde_json::json!({}))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[&str] = &["sender", "to", "status", "direction", "campaignName", "pageSize", "pageToken"];

    #[test]
    fn filters_are_read_whole() {
        let query = "sender=%2B493012345678&to=+4915112345678&status=delivered&direction=outbound&campaign_name=c&pageSize=3";
        let (filter, page) = filters(Some(query), KNOWN, |text| (text == "+493012345678").then_some(SenderId(1))).unwrap();
        assert_eq!(filter.sender, Some(SenderId(1)));
        assert_eq!(filter.customer.unwrap().to_string(), "+4915112345678");
        assert_eq!((filter.status, filter.direction), (Some(Status::Delivered), Some(Direction::Outbound)));
        assert_eq!((filter.campaign.as_deref(), page.size), (Some("c"), 3));
    }

    #[test]
    fn bad_filters_are_all_named() {
        let refused = filters(Some("sender=x&to=12&status=lost&direction=up&form=1"), KNOWN, |_| None).unwrap_err();
        let fields: Vec<_> = refused.details["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
        assert_eq!(fields, ["form", "sender", "to", "status", "direction"]);
    }
}
