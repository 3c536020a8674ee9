//! What webhook endpoints are told, in the published payloads.
//!
//! The direction flips: a message from a customer has the customer as `sender`, a status has the customer as `recipient`.
//! Times are Unix seconds as text. The campaign's name stands in both places in which it was ever published.

use serde_json::{Map, Value, json};

use transom_domain::address::Identity;
use transom_domain::event::{Event, EventBody, Party};
use transom_domain::fact::{Inbound, InboundBody};
use transom_domain::free_form::MediaKind;
use transom_domain::id::MessageId;
use transom_domain::media::of_message;
use transom_domain::status::{Failure, Status};
use transom_domain::template::{Approval, Change};
use transom_domain::time::Timestamp;
use transom_store::Topic;

use super::common::json_text;
use super::message_print::{camel_keys, without_nulls};
use super::news_print::{context_parts, echo_parts, edit_json};
use crate::http::refusal::{help, title};

/// The published payload of an event for a topic; none where the topic does not tell of it. Files have their ids here; whoever
/// sends it out puts the links beside them (`Links::sign`).
#[must_use]
pub fn payload(event: &Event, topic: Topic) -> Option<Value> {
    let told = match (&event.body, topic) {
        (EventBody::MessageReceived { party, message, inbound, reply_to, callback_data, .. }, Topic::Messages) => {
            received(party, *message, inbound, *reply_to, callback_data.as_deref())
        }
        (EventBody::MessageEdited { party, message, edit }, Topic::Messages) => {
            done_to(party, edit.at, "edit", edit_json(*message, edit))
        }
        (EventBody::MessageRevoked { party, message, at }, Topic::Messages) => {
            done_to(party, *at, "revoke", json!({ "messageId": message.to_string() }))
        }
        (EventBody::MessageEchoed { party, message, echo }, Topic::Messages) => {
            let mut told = Map::new();
            put(&mut told, "timestamp", seconds(echo.at));
            put(&mut told, "sender", own_side(party));
            put(&mut told, "recipient", customer(party));
            told.extend(echo_parts(*message, echo));
            told
        }
        (
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
            },
            Topic::DeliveryStatus,
        ) => {
            let word = published_status(*status)?;
            let error = failure.as_ref().map(|f| failure_json(f, *message));
            let tag = campaign.as_ref().map_or(Value::Null, |name| json!({ "campaignName": name }));
            let mut told = Map::new();
            put(&mut told, "timestamp", seconds(*at));
            put(&mut told, "sender", own_side(party));
            put(&mut told, "recipient", customer(party));
            put(&mut told, "metadata", campaign.as_ref().map_or(Value::Null, |name| json!({ "campaign_name": name })));
            let mut update = json!({ "id": message.to_string(), "status": word, "error": error, "metadata": tag });
            if let (Value::Object(update), Some(pricing)) = (&mut update, pricing) {
                put(update, "pricing", pricing.clone());
            }
            put(&mut told, "statusUpdate", update);
            if let Some(data) = callback_data {
                put(&mut told, "callbackData", json_text(data));
            }
            told
        }
        (EventBody::TemplateChanged { template, previous, change, .. }, Topic::TemplateStatus) if tells_status(change) => {
            let word = |approval: &Approval| format!("MESSAGE_TEMPLATE_STATUS_{}", approval.as_str());
            let mut told = Map::new();
            put(&mut told, "timestamp", seconds(template.at));
            let shown = json!({
                "name": template.name, "language": template.language.as_str(), "id": template.id,
                "status": word(&template.approval), "previousStatus": previous.as_ref().map(word),
                "rejectionReason": template.reason,
            });
            put(&mut told, "template", shown);
            told
        }
        _ => return None,
    };
    let mut told = told;
    put(&mut told, "topic", topic.as_str().into());
    put(&mut told, "eventId", event.id.to_string().into());
    Some(Value::Object(told))
}

/// Whether a change of a template is one of its status: it came, went, or got on.
const fn tells_status(change: &Change) -> bool {
    matches!(change, Change::Created | Change::Found | Change::Edited { .. } | Change::Deleted | Change::Status { .. })
}

/// Whether a topic tells of an event at all: what [`payload`] would say, without saying it.
#[must_use]
pub fn tells(topic: Topic, event: &Event) -> bool {
    match (&event.body, topic) {
        (
            EventBody::MessageReceived { .. }
            | EventBody::MessageEdited { .. }
            | EventBody::MessageRevoked { .. }
            | EventBody::MessageEchoed { .. },
            Topic::Messages,
        ) => true,
        (EventBody::MessageStatus { status, .. }, Topic::DeliveryStatus) => published_status(*status).is_some(),
        (EventBody::TemplateChanged { change, .. }, Topic::TemplateStatus) => tells_status(change),
        _ => false,
    }
}

/// The published word; our own steps on the way to Meta have none.
const fn published_status(status: Status) -> Option<&'static str> {
    match status {
        Status::Sent => Some("sent"),
        Status::Delivered => Some("delivered"),
        Status::Read => Some("read"),
        Status::Failed | Status::Expired => Some("delivery_failed"),
        Status::Accepted | Status::Queued | Status::Sending | Status::Unknown | Status::Cancelled | Status::Received => None,
    }
}

/// The error object of a failed message. Its trace id is the second half of the message's id, so that it leads there.
pub(crate) fn failure_json(failure: &Failure, message: MessageId) -> Value {
    let mut details = Map::new();
    put(&mut details, "remedy", failure.code.remedy().into());
    put(&mut details, "help", help(failure.code).into());
    if let Some(upstream) = &failure.upstream {
        // A history names none.
        if upstream.code >= 0 {
            put(&mut details, "metaCode", upstream.code.into());
        }
        put(&mut details, "metaTitle", upstream.title.clone().into());
        if let Some(text) = &upstream.details {
            put(&mut details, "metaDetails", text.clone().into());
        }
        if let Some(subcode) = upstream.subcode {
            put(&mut details, "metaSubcode", subcode.into());
        }
    }
    json!({
        "message": failure.message,
        "type": failure.code.kind().as_str(),
        "code": failure.code.as_str(),
        "userTitle": title(failure.code),
        "userMessage": failure.code.remedy(),
        "cntTraceId": u64::try_from(message.0 & u128::from(u64::MAX)).unwrap_or_default().to_string(),
        "details": details,
    })
}

fn put(object: &mut Map<String, Value>, name: &str, value: Value) {
    object.insert(name.to_owned(), value);
}

fn seconds(at: Timestamp) -> Value {
    at.as_secs().to_string().into()
}

/// An address without the prefixes of our own spelling: published payloads have them bare.
fn bare(identity: &Identity) -> String {
    match identity {
        Identity::Phone(phone) => phone.to_string(),
        Identity::Bsuid(bsuid) => bsuid.to_string(),
        Identity::Psid(psid) => psid.to_string(),
    }
}

fn own_side(party: &Party) -> Value {
    json!({ "id": bare(&party.sender_address), "channelType": party.channel.as_str(), "name": party.sender_name })
}

/// The customer: `id` is the phone number where known, else the user id; the phone number is empty, never missing.
fn customer(party: &Party) -> Value {
    let mut object = Map::new();
    let id = party.phone.as_ref().map(ToString::to_string).unwrap_or_else(|| bare(&party.customer_address));
    put(&mut object, "id", id.into());
    put(&mut object, "channelType", party.channel.as_str().into());
    put(&mut object, "name", party.name.clone().map_or(Value::Null, Value::String));
    put(&mut object, "phoneNumber", party.phone.as_ref().map(ToString::to_string).unwrap_or_default().into());
    if let Some(bsuid) = &party.bsuid {
        put(&mut object, "userId", bsuid.to_string().into());
    }
    if let Some(username) = &party.username {
        put(&mut object, "username", username.clone().into());
    }
    Value::Object(object)
}

fn received(
    party: &Party,
    id: MessageId,
    inbound: &Inbound,
    reply_to: Option<MessageId>,
    data: Option<&str>,
) -> Map<String, Value> {
    let mut told = Map::new();
    put(&mut told, "timestamp", seconds(inbound.at));
    put(&mut told, "sender", customer(party));
    put(&mut told, "recipient", own_side(party));
    if reply_to.is_some() || inbound.forwarded || inbound.product.is_some() {
        let reply_to = reply_to.map(|id| id.to_string());
        let mut context = without_nulls(json!({ "replyToId": reply_to, "forwarded": inbound.forwarded }));
        if let Value::Object(context) = &mut context {
            context.extend(context_parts(inbound));
        }
        put(&mut told, "context", context);
    }
    told.extend(inbound_parts(id, inbound, reply_to));
    if let Some(data) = data {
        put(&mut told, "callbackData", json_text(data));
    }
    told
}

/// What was done to a message that the customer sent.
fn done_to(party: &Party, at: Timestamp, what: &str, said: Value) -> Map<String, Value> {
    let mut told = Map::new();
    put(&mut told, "timestamp", seconds(at));
    put(&mut told, "sender", customer(party));
    put(&mut told, "recipient", own_side(party));
    put(&mut told, what, said);
    told
}

/// `message` and, for replies and reactions, the object beside it.
pub(crate) fn inbound_parts(id: MessageId, inbound: &Inbound, reply_to: Option<MessageId>) -> Map<String, Value> {
    let mut told = said_parts(id, &inbound.body, reply_to);
    if let (Some(referral), Some(Value::Object(message))) = (&inbound.referral, told.get_mut("message")) {
        put(message, "referral", camel_keys(referral.clone()));
    }
    told
}

/// As [`inbound_parts`], of a body alone.
pub(crate) fn said_parts(id: MessageId, body: &InboundBody, reply_to: Option<MessageId>) -> Map<String, Value> {
    let mut told = Map::new();
    let mut message = Map::new();
    put(&mut message, "id", id.to_string().into());
    match body {
        InboundBody::Text { body } => put(&mut message, "text", body.clone().into()),
        InboundBody::Media { kind, mime_type, sha256, caption, filename, voice, animated, .. } => {
            let sticker = *kind == MediaKind::Sticker;
            let shown = if sticker { MediaKind::Image } else { *kind };
            let attachment = json!({
                "type": shown.as_str(), "mediaId": of_message(id, 0).to_string(), "mimeType": mime_type, "sha256": sha256, "caption": caption,
                "filename": filename, "voice": voice.then_some(true), "sticker": sticker.then_some(true),
                "animated": animated.then_some(true),
            });
            put(&mut message, "attachments", json!([without_nulls(attachment)]));
        }
        InboundBody::Location { latitude, longitude, name, address, url } => {
            let mut place = json!({ "latitude": latitude, "longitude": longitude, "name": name, "address": address });
            if let (Value::Object(place), Some(url)) = (&mut place, url) {
                put(place, "url", url.clone().into());
            }
            put(&mut message, "location", place);
        }
        InboundBody::Contacts { contacts } => put(&mut message, "contacts", camel_keys(contacts.clone())),
        InboundBody::Reaction { emoji, .. } => {
            let to = reply_to.map(|id| id.to_string());
            put(&mut told, "reaction", json!({ "messageId": to, "emoji": emoji }));
        }
        InboundBody::Button { payload, text } => {
            button(&mut told, &mut message, payload, text);
        }
        InboundBody::ButtonReply { id, title } => {
            button(&mut told, &mut message, id, title);
        }
        InboundBody::ListReply { id, title, description } => {
            put(&mut message, "text", title.clone().into());
            let chosen = without_nulls(json!({ "id": id, "text": title, "description": description }));
            put(&mut told, "listResponse", chosen);
        }
        InboundBody::FlowReply { name, body, response_json } => {
            put(&mut message, "text", body.clone().into());
            put(&mut told, "flowResponse", json!({ "name": name, "body": body, "responseJson": response_json }));
        }
        InboundBody::Order { order } => put(&mut message, "order", order_json(order)),
        InboundBody::CallPermission { reply } => put(&mut message, "callPermission", camel_keys(reply.clone())),
        InboundBody::Call { call } => put(&mut message, "call", camel_keys(call.clone())),
        InboundBody::Unsupported { kind, errors } => {
            let error = errors.first();
            let code = error.map(|e| e.code);
            let title = error.map(|e| e.title.clone());
            put(
                &mut message,
                "unsupported",
                json!({ "type": kind.as_deref().unwrap_or("unsupported"), "code": code, "title": title }),
            );
        }
        InboundBody::Unknown { name, raw } => {
            put(&mut message, "unsupported", json!({ "type": name, "code": null, "title": null, "raw": raw }));
        }
    }
    put(&mut told, "message", Value::Object(message));
    told
}

/// Both published forms of a tap: the newer object, and the label as a text for older receivers.
fn button(told: &mut Map<String, Value>, message: &mut Map<String, Value>, payload: &str, text: &str) {
    put(message, "text", text.into());
    put(message, "isButtonResponse", true.into());
    put(told, "buttonResponse", json!({ "text": text, "id": payload, "payload": payload }));
}

/// A cart in the published names; parts that Meta left out are left out.
fn order_json(order: &Value) -> Value {
    let items = order.get("product_items").and_then(Value::as_array).map(|items| {
        items
            .iter()
            .map(|item| {
                without_nulls(json!({
                    "productRetailerId": item.get("product_retailer_id"),
                    "quantity": item.get("quantity"),
                    "price": item.get("item_price"),
                    "currency": item.get("currency"),
                }))
            })
            .collect::<Vec<_>>()
    });
    without_nulls(json!({ "catalogId": order.get("catalog_id"), "text": order.get("text"), "items": items }))
}

#[cfg(test)]
#[path = "payload_tests.rs"]
mod tests;
