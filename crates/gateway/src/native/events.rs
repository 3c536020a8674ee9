//! `GET events`: the stream of a business, read by position.

use std::time::Duration;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use transom_domain::consent::{Choice, Source};
use transom_domain::event::{Event, EventBody, Party};
use transom_domain::id::{EndpointId, EventId};
use transom_domain::people::Present;
use transom_domain::template::{Approval, Category, Change, Quality};
use transom_domain::time::Timestamp;
use transom_store::PAGE_MAX;

use super::common::{json_text, rfc3339};
use super::consent::consent_json;
use super::event_filter::{FILTERS, selection};
use super::news_print::{changes_json, echo_parts, edit_json, more_parts, news_json};
use super::payload::{failure_json, inbound_parts};
use super::query::Query;
use super::verdict::word;
use crate::http::App;
use crate::http::call::{Authorised, WEBHOOKS, json as answer};
use crate::http::refusal::StreamRefusals;
use crate::media::links::Links;
use crate::problem::Problem;
use crate::service::StreamQuery;
use crate::service::stream::WAIT_MAX;

/// Events of one answer, unless the caller says how many.
const LIMIT_DEFAULT: usize = 100;

/// Events after a position, oldest first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EventList {
    /// Events.
    data: Vec<EventView>,
    /// Give it as `after` next time; also when nothing was wanted of what was looked through.
    next_after: u64,
    /// Position of the newest event there is.
    newest: u64,
    /// Position of the oldest event that is kept.
    earliest: u64,
}

/// One event.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Event)]
pub(crate) struct EventView {
    /// Its place in the stream: starts at 1 and goes up by 1 with each event. Only a restore from a backup leaves a gap: it leaps
    /// ahead by 2^33, further than any reader can have come.
    position: u64,
    /// Names it; the same in every delivery.
    id: String,
    /// Such as `message.received` or `session.closed`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// When we learned of it.
    at: String,
    /// What, by its type.
    #[schema(value_type = Object)]
    data: Value,
}

impl From<&Event> for EventView {
    fn from(event: &Event) -> Self {
        Self {
            position: event.position,
            id: event.id.to_string(),
            kind: event.body.name(),
            at: rfc3339(event.at),
            data: data(&event.body),
        }
    }
}

impl EventView {
    /// With a fresh link beside each file.
    pub(crate) fn signed(event: &Event, links: &Links) -> Self {
        let mut view = Self::from(event);
        links.sign(event.business, &mut view.data);
        view
    }
}

/// An event as one line of JSON: what endpoints are told.
pub(crate) fn event_text(event: &Event, links: &Links) -> String {
    serde_json::to_string(&EventView::signed(event, links)).unwrap_or_default()
}

/// What a test of an endpoint says: shaped as an event, and none of the stream.
pub(crate) fn test_text(id: EventId, endpoint: EndpointId, now: Timestamp) -> String {
    let data = json!({ "endpointId": endpoint.to_string() });
    let view = EventView { position: 0, id: id.to_string(), kind: "endpoint.test", at: rfc3339(now), data };
    serde_json::to_string(&view).unwrap_or_default()
}

fn data(body: &EventBody) -> Value {
    match body {
        EventBody::MessageReceived { party, message, inbound, reply_to, callback_data, retold } => {
            let reply = reply_to.map(|id| id.to_string());
            let mut data = json!({
                "messageId": message.to_string(), "parties": parties(party), "receivedAt": rfc3339(inbound.at), "replyToId": reply,
                "forwarded": inbound.forwarded, "callbackData": callback_data.as_deref().map(json_text),
            });
            if let Value::Object(data) = &mut data {
                data.extend(inbound_parts(*message, inbound, *reply_to));
                data.extend(more_parts(inbound));
                if *retold {
                    data.insert("retold".to_owned(), true.into());
                }
            }
            data
        }
        EventBody::MessageEdited { party, message, edit } => json!({
            "messageId": message.to_string(), "parties": parties(party), "saidAt": rfc3339(edit.at), "edit": edit_json(*message, edit),
        }),
        EventBody::MessageRevoked { party, message, at } => {
            json!({ "messageId": message.to_string(), "parties": parties(party), "saidAt": rfc3339(*at) })
        }
        EventBody::MessageEchoed { party, message, echo } => {
            let mut data = json!({ "messageId": message.to_string(), "parties": parties(party), "saidAt": rfc3339(echo.at) });
            if let Value::Object(data) = &mut data {
                data.extend(echo_parts(*message, echo));
            }
            data
        }
        EventBody::MessageStatus {
            party,
            message,
            status,
            at,
            failure,
            campaign,
            callback_data,
            pricing,
            taken: _,
            origin: _,
        } => json!({
            "messageId": message.to_string(), "parties": parties(party), "status": status.as_str(), "saidAt": rfc3339(*at),
            "error": failure.as_ref().map(|f| failure_json(f, *message)), "campaignName": campaign,
            "callbackData": callback_data.as_deref().map(json_text), "pricing": pricing,
        }),
        EventBody::SessionOpened { party, until } => json!({ "parties": parties(party), "openUntil": rfc3339(*until) }),
        EventBody::SessionClosingSoon { party, until } => json!({ "parties": parties(party), "openUntil": rfc3339(*until) }),
        EventBody::SessionClosed { party, since, cause } => {
            json!({ "parties": parties(party), "closedAt": rfc3339(*since), "cause": cause.as_str() })
        }
        EventBody::TemplateChanged { waba, template, previous, change } => json!({
            "wabaId": waba, "templateId": template.id, "name": template.name, "language": template.language.as_str(),
            "change": change.as_str(), "changed": change_json(change),
            "status": template.approval.as_str(), "previousStatus": previous.map(Approval::as_str),
            "category": word(&template.category), "reason": template.reason,
            "rejection": template.rejection.as_ref().map(|r| json!({ "reason": r.reason, "recommendation": r.recommendation })),
            "saidAt": rfc3339(template.at),
        }),
        EventBody::MediaFailed { party, message, media, why } => json!({
            "mediaId": media.to_string(), "messageId": message.to_string(), "parties": parties(party), "reason": why,
        }),
        EventBody::ConsentChanged { customer, address, phone, bsuid, scope, choice, said_at, source, message, consent } => {
            json!({
                "customerId": customer.to_string(), "customer": address.as_ref().map(ToString::to_string), "phoneNumber": phone,
                "userId": bsuid.as_ref().map(|b| b.as_str()), "scope": scope.as_str(), "choice": choice.map(Choice::as_str),
                "saidAt": said_at.map(rfc3339), "source": source.map(Source::as_str), "messageId": message.map(|id| id.to_string()),
                "consent": consent_json(*consent),
            })
        }
        EventBody::EndpointFailing { endpoint, failures, since, error } => json!({
            "endpointId": endpoint.to_string(), "failures": failures, "failingSince": rfc3339(*since), "error": error,
        }),
        EventBody::EndpointRecovered { endpoint } => json!({ "endpointId": endpoint.to_string() }),
        EventBody::EndpointDisabled { endpoint, reason } => {
            json!({ "endpointId": endpoint.to_string(), "reason": reason })
        }
        EventBody::EndpointAnswerRejected { endpoint, told, message, code, error } => json!({
            "endpointId": endpoint.to_string(), "eventId": told.to_string(), "messageId": message.map(|id| id.to_string()),
            "code": code, "error": error,
        }),
        EventBody::IdentityChanged { customer, previous, current, said_at } => json!({
            "customerId": customer.to_string(),
            // With the number the user id changes too; the number may stay untold.
            "reason": if current.phone.is_some() && current.phone != previous.phone { "user_changed_number" } else { "user_changed_user_id" },
            "previous": present(previous), "current": present(current), "saidAt": rfc3339(*said_at),
        }),
        EventBody::CustomerMerged { customer, merged, why, present: reached } => json!({
            "customerId": customer.to_string(), "mergedId": merged.to_string(), "reason": why.as_str(), "customer": present(reached),
        }),
        EventBody::CustomerUnmerged { customer, separated } => json!({
            "customerId": customer.to_string(), "separatedId": separated.to_string(),
        }),
        EventBody::SenderState { sender, address, stopped } => json!({
            "senderId": sender.to_string(), "sender": address.to_string(),
            "state": if stopped.is_some() { "stopped" } else { "active" },
            "stopped": stopped.as_ref().map(|f| json!({ "code": f.code, "message": f.message, "remedy": f.code.remedy() })),
        }),
        EventBody::SenderUpdated { sender, address, changes } => json!({
            "senderId": sender.to_string(), "sender": address.to_string(), "changes": changes_json(changes),
        }),
        EventBody::AccountUpdated { account, news } | EventBody::UpstreamNews { account, news } => news_json(account, news),
    }
}

/// By what a customer is reached.
fn present(present: &Present) -> Value {
    json!({
        "address": present.any().map(|address| address.to_string()),
        "phoneNumber": present.phone, "userId": present.bsuid.as_ref().map(|bsuid| bsuid.as_str()),
    })
}

/// What a change of a template says beside its word.
pub(crate) fn change_json(change: &Change) -> Value {
    match change {
        Change::Created | Change::Found | Change::Deleted => json!({}),
        Change::Edited { version, from, .. } => json!({ "version": version, "from": from.as_str() }),
        Change::InForce { version } => json!({ "version": version }),
        Change::Status { from, to, reason } => {
            json!({ "from": from.map(Approval::as_str), "to": to.as_str(), "reason": reason })
        }
        Change::Flagged { disable_on } => json!({ "disableDate": disable_on }),
        Change::Quality { from, to } => json!({ "from": from.map(Quality::as_str), "to": to.as_str() }),
        Change::CategoryAnnounced { from, to, starts } => {
            json!({ "from": from.as_str(), "to": to.as_str(), "startsAt": starts.map(rfc3339) })
        }
        Change::Category { from, to } => json!({ "from": Category::as_str(*from), "to": to.as_str() }),
        Change::Twin { twin } => {
            json!({ "twin": twin.as_ref().map(|t| json!({ "name": t.name, "language": t.language.as_str() })) })
        }
    }
}

fn parties(party: &Party) -> Value {
    json!({
        "channel": party.channel.as_str(),
        "sender": party.sender_address.to_string(),
        "senderName": party.sender_name,
        "customer": party.customer_address.to_string(),
        "customerId": party.customer.to_string(),
        "phoneNumber": party.phone,
        "userId": party.bsuid.as_ref().map(|b| b.as_str()),
        "name": party.name,
        "username": party.username,
    })
}

/// Read the stream of events
///
/// Everything that happened in this business after a position, or those of some types, senders or channels. A reader that remembers
/// `nextAfter` misses nothing, whatever it leaves out. A page looks through a bounded stretch: it can be shorter than asked, even
/// empty, while `nextAfter` is still less than `newest`. A position older than what is kept is answered 410 with the earliest.
#[utoipa::path(
    get,
    path = "/v1/businesses/{business}/events",
    operation_id = "listEvents",
    tag = "Webhooks",
    params(
        ("business" = String, Path, description = "Id of the business"),
        ("after" = Option<u64>, Query, description = "Position after which to begin; the earliest that is kept where left out"),
        ("limit" = Option<u32>, Query, description = "1 to 200; 100 where left out"),
        ("types" = Option<String>, Query, description = "Types, parted by commas; `*` stands for any stretch: `message.*,session.opened`"),
        ("sender" = Option<String>, Query, description = "Addresses or ids of senders, parted by commas"),
        ("channel" = Option<String>, Query, description = "`whatsapp` or `messenger`"),
        ("wait" = Option<u32>, Query, description = "Seconds to wait for an event where there is none yet, up to 30; 0 where left out"),
    ),
    responses((status = 200, description = "Events, oldest first", body = EventList), StreamRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn list(
    State(app): State<App>,
    Authorised(caller): Authorised<WEBHOOKS>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let mut query = Query::read(query.as_deref(), &[&["after", "limit", "wait"], FILTERS.as_slice()].concat());
    // Positions are kept as signed 64-bit numbers.
    let after = query.number("after", 0, i64::MAX as u64);
    let selection = selection(&mut query, &app.service, caller.business);
    let wait = Duration::from_secs(query.number("wait", 0, WAIT_MAX.as_secs()).unwrap_or(0));
    let limit = query.number("limit", 1, PAGE_MAX as u64).and_then(|n| usize::try_from(n).ok()).unwrap_or(LIMIT_DEFAULT);
    let query = query.finish(StreamQuery { after, limit, selection })?;
    let page = app.service.events_within(&caller, &query, wait, app.settings.connections_max / 4).await?;
    let data = page.events.iter().map(|event| EventView::signed(event, &app.service.files.links)).collect();
    answer(StatusCode::OK, &EventList { data, next_after: page.looked_to, newest: page.newest, earliest: page.earliest })
}

#[cfg(test)]
mod tests {
    use super::*;
    use transom_domain::error_code::ErrorCode;
    use transom_domain::id::{BusinessId, EventId, SenderId};
    use transom_domain::status::Failure;
    use transom_domain::time::Timestamp;

    #[test]
    fn an_event_says_position_type_and_what() {
        let failure = Failure { code: ErrorCode::UpstreamCredentials, message: "Expired.".into(), upstream: None };
        let body =
            EventBody::SenderState { sender: SenderId(1), address: "+493012345678".parse().unwrap(), stopped: Some(failure) };
        let event = Event { position: 4, id: EventId(7), business: BusinessId(2), at: Timestamp::from_secs(1_790_000_000), body };
        let shown = serde_json::to_value(EventView::from(&event)).unwrap();
        assert_eq!((&shown["position"], &shown["type"]), (&json!(4), &json!("sender.state")));
        assert_eq!(shown["at"], "2026-09-21T14:13:20.000Z");
        assert_eq!((&shown["data"]["state"], &shown["data"]["sender"]), (&json!("stopped"), &json!("+493012345678")));
        assert_eq!(shown["data"]["stopped"]["code"], "ERROR_CODE_UPSTREAM_CREDENTIALS");
    }
}
