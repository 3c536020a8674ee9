//! `GET conversations`: the inbox.

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use transom_domain::address::Channel;
use transom_domain::content::{Variables, render_text};
use transom_domain::error_code::ErrorCode;
use transom_domain::message::Message;
use transom_domain::session::{Closed, Session};
use transom_domain::status::Phase;
use transom_domain::time::Timestamp;
use transom_store::{ConversationFilter, ConversationRow, ConversationStanding as Standing, Sender};

use super::common::rfc3339;
use super::message_view::content;
use super::query::Query;
use crate::http::App;
use crate::http::call::{Authorised, SEND, json};
use crate::http::refusal::ListRefusals;
use crate::problem::Problem;

/// Longest search, in characters.
const QUERY_MAX: usize = 100;
/// Characters of a message that a list shows.
const TEXT_MAX: usize = 160;

/// A page of conversations; the newest word of either side stands first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConversationPage {
    /// Conversations. With a filter, a page can be shorter than asked and still go on.
    data: Vec<ConversationView>,
    /// Give it as `pageToken` for the next page; null on the last.
    next_page_token: Option<String>,
}

/// One sender and one customer.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Conversation)]
pub(crate) struct ConversationView {
    /// Names the customer, whatever identities the person has.
    customer_id: String,
    /// The customer's present address.
    customer: String,
    /// Display name, where known.
    name: Option<String>,
    /// Name on WhatsApp, where known.
    username: Option<String>,
    /// `whatsapp` or `messenger`.
    channel: Option<&'static str>,
    /// Our side: `+E.164` or `messenger:<page>`.
    sender: Option<String>,
    /// Names it.
    sender_id: String,
    /// Whether the customer can be written to freely.
    session: ConversationSession,
    /// When the customer last wrote or called.
    last_heard_at: Option<String>,
    /// The newest message; null when all are removed.
    last_message: Option<LastMessage>,
    /// Whether the newest message is the customer's.
    unanswered: bool,
}

/// Whether a session is open.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConversationSession {
    /// Whether it is open now.
    open: bool,
    /// First moment at which it is closed, if the customer writes no more; null when it is closed.
    open_until: Option<String>,
    /// Why it is closed: `over`, `refused`, or `never_heard` where the customer never wrote; null when it is open.
    closed_because: Option<&'static str>,
}

/// The newest message, as a list shows it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LastMessage {
    /// Names it.
    id: String,
    /// `outbound` or `inbound`.
    direction: &'static str,
    /// As in `GET messages/{id}`.
    status: &'static str,
    /// When it was accepted or received.
    at: String,
    /// What kind it is: `text`, `attachments`, `template`, `twilio/card`, …; null after redaction.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// Its text with the values of its variables, at most 160 characters, on one line; null where it has none.
    text: Option<String>,
}

/// Members that hold words, those that say most first.
const WORDS: [&str; 10] = ["body", "text", "caption", "title", "filename", "emoji", "name", "address", "formatted_name", "label"];

/// The first words in a message, whatever shape it has.
fn words(value: &Value, depth: usize) -> Option<&str> {
    match value {
        Value::Object(members) => {
            let direct = WORDS.iter().find_map(|name| members.get(*name)?.as_str().filter(|text| !text.is_empty()));
            direct.or_else(|| (depth > 0).then(|| members.values().find_map(|member| words(member, depth - 1))).flatten())
        }
        Value::Array(items) => (depth > 0).then(|| items.iter().find_map(|item| words(item, depth - 1))).flatten(),
        _ => None,
    }
}

/// What the variables of kept content stand for in a send: the values that were given, else the samples.
fn values(content: &Value, kept: &Value) -> Variables {
    let of = |holder: &Value| holder.get("variables").and_then(Value::as_object).cloned().unwrap_or_default();
    let all = of(kept).into_iter().chain(of(content));
    all.filter_map(|(name, value)| Some((name, value.as_str()?.to_owned()))).collect()
}

/// Kind and words of what [`content`] prints.
fn said(content: &Value) -> (Option<String>, Option<String>) {
    let member = |name: &str| content.get(name).filter(|value| !value.is_null());
    let values = member("content").map(|kept| values(content, kept));
    let (kind, inner) = match (member("template"), member("content"), member("message")) {
        (Some(template), _, _) => (Some("template".to_owned()), Some(template)),
        (None, Some(kept), _) => {
            let types = kept.get("types").and_then(Value::as_object);
            let first = types.and_then(|types| types.iter().next());
            (first.map(|(kind, _)| kind.clone()), first.map(|(_, inner)| inner))
        }
        (None, None, message) => {
            // What was received has its ids beside what it says, and what is no message of its own, such as a reaction, stands outside.
            let kind = |part: &Value| {
                let named = part.get("type").and_then(Value::as_str).map(str::to_owned);
                let is_said = |name: &&String| !["id", "message", "context"].contains(&name.as_str()) && !name.ends_with("Id");
                named.or_else(|| part.as_object()?.keys().find(is_said).cloned())
            };
            let parts = [message.unwrap_or(content), content];
            parts.into_iter().find_map(|part| Some((kind(part)?, part))).unzip()
        }
    };
    let text = inner.and_then(|inner| words(inner, 4)).map(|text| {
        let text = values.map_or_else(|| text.to_owned(), |values| render_text(text, &values));
        let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        line.trim().chars().take(TEXT_MAX).collect()
    });
    (kind, text)
}

impl LastMessage {
    /// `template` is the text of a template, filled.
    fn new(message: &Message, template: Option<String>) -> Self {
        let (kind, text) = said(&content(message));
        let filled = template.map(|text| text.replace(char::is_control, " ").chars().take(TEXT_MAX).collect());
        Self {
            id: message.id.to_string(),
            direction: direction(message),
            status: message.status.as_str(),
            at: rfc3339(message.accepted_at),
            kind,
            text: filled.or(text),
        }
    }
}

fn direction(message: &Message) -> &'static str {
    if matches!(message.phase, Phase::Received) { "inbound" } else { "outbound" }
}

impl ConversationView {
    fn new(row: &ConversationRow, sender: Option<&Sender>, template: Option<String>, now: Timestamp) -> Self {
        let session = &row.session;
        let (open_until, closed_because) = match session.evidence.at(now) {
            Session::Open { until } => (Some(rfc3339(until)), None),
            Session::Closed(Closed::Refused { .. }) => (None, Some("refused")),
            Session::Closed(Closed::NeverHeard) => (None, Some("never_heard")),
            Session::Closed(Closed::Over { .. }) => (None, Some("over")),
        };
        let last_message = row.last.as_ref().map(|message| LastMessage::new(message, template));
        Self {
            customer_id: session.customer.to_string(),
            customer: session.address.to_string(),
            name: session.name.clone(),
            username: row.username.clone(),
            channel: sender.map(|sender| sender.channel.as_str()),
            sender: sender.map(|sender| sender.address.to_string()),
            sender_id: session.sender.to_string(),
            session: ConversationSession { open: open_until.is_some(), open_until, closed_because },
            last_heard_at: session.evidence.heard.map(rfc3339),
            unanswered: last_message.as_ref().is_some_and(|last| last.direction == "inbound"),
            last_message,
        }
    }
}

/// List conversations
///
/// Everybody with whom a word was ever exchanged, with the newest message and how long the session lasts; the newest word of either side
/// stands first, and with `state=closing` the customer's. What waits is not said yet. `q` finds people of whose name
/// or username a word begins so, or the number: one page, of at most 100 people.
#[utoipa::path(
    get,
    path = "/v1/businesses/{business}/conversations",
    operation_id = "listConversations",
    tag = "Messages",
    params(
        ("business" = String, Path, description = "Id of the business"),
        ("state" = Option<String>, Query, description = "`open`, `closing` (open for less than two hours) or `closed`"),
        ("channel" = Option<String>, Query, description = "`whatsapp` or `messenger`"),
        ("sender" = Option<String>, Query, description = "Only of this sender, by its address or id"),
        ("q" = Option<String>, Query, description = "What a number, or any word of a name or a username, begins with; at most 100 characters"),
        ("pageSize" = Option<u32>, Query, description = "1 to 200; 50 where left out"),
        ("pageToken" = Option<String>, Query, description = "`nextPageToken` of the page before"),
    ),
    responses((status = 200, description = "A page of conversations", body = ConversationPage), ListRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn list(
    State(app): State<App>,
    Authorised(caller): Authorised<SEND>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let mut query = Query::read(query.as_deref(), &["state", "channel", "sender", "q", "pageSize", "pageToken"]);
    let mut filter = ConversationFilter {
        standing: query.choice("state", "open, closing or closed", |word| match word {
            "open" => Some(Standing::Open),
            "closing" => Some(Standing::Closing),
            "closed" => Some(Standing::Closed),
            _ => None,
        }),
        channel: query.choice("channel", "whatsapp or messenger", |word| {
            [Channel::Whatsapp, Channel::Messenger].into_iter().find(|channel| channel.as_str() == word)
        }),
        ..ConversationFilter::default()
    };
    if let Some(text) = query.get("sender").map(str::to_owned) {
        filter.sender = app.sender_named(caller.business, &text);
        if filter.sender.is_none() {
            let remedy = "give the address of one of the senders that GET senders lists";
            query.notes.coded(ErrorCode::InvalidSenderId, "sender", "is no sender of this business", remedy);
        }
    }
    filter.query = query.get("q").map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let sought = filter.query.clone();
    query.notes.at_most("q", sought.as_deref(), QUERY_MAX);
    let page = query.page();
    let (filter, page) = query.finish((filter, page))?;
    let (rows, next_page_token) = app.service.conversations(&caller, filter, page).await?;
    let now = app.service.now();
    let mut data = Vec::with_capacity(rows.len());
    for row in &rows {
        let template = match &row.last {
            Some(message) => app.service.template_text(message).await,
            None => None,
        };
        data.push(ConversationView::new(row, app.service.sender(row.session.sender).as_ref(), template, now));
    }
    json(StatusCode::OK, &ConversationPage { data, next_page_token })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_was_said_is_found_in_every_shape() {
        for (content, kind, text) in [
            (json!({ "message": { "text": "Hello\nthere" } }), Some("text"), Some("Hello there")),
            (
                json!({ "message": { "attachments": [{ "type": "image", "url": "x", "caption": "Look" }] } }),
                Some("attachments"),
                Some("Look"),
            ),
            (json!({ "template": { "name": "order_ready", "language": "en" } }), Some("template"), Some("order_ready")),
            (
                json!({ "content": { "types": { "twilio/card": { "title": "Ready", "actions": [] } } } }),
                Some("twilio/card"),
                Some("Ready"),
            ),
            (
                json!({
                    "content": {
                        "types": { "twilio/text": { "body": "Hi {{1}}, order {{ nr }} of {{shop}}" } },
                        "variables": { "1": "Sample", "nr": "0" },
                    },
                    "variables": { "1": "Ana {{nr}}" },
                }),
                Some("twilio/text"),
                Some("Hi Ana {{nr}}, order 0 of {{shop}}"),
            ),
            (json!({ "message": { "text": "Write {{ 1 }}" } }), Some("text"), Some("Write {{ 1 }}")),
            (json!({ "type": "text", "text": { "body": "Hi" } }), Some("text"), Some("Hi")),
            (json!({ "message": { "id": "01A", "text": "Hi" }, "context": { "replyToId": "01B" } }), Some("text"), Some("Hi")),
            (json!({ "message": { "id": "01A", "location": { "latitude": 52.5 } } }), Some("location"), None),
            (
                json!({ "message": { "id": "01A" }, "context": {}, "reaction": { "emoji": "👍", "messageId": "01B" } }),
                Some("reaction"),
                Some("👍"),
            ),
            (Value::Null, None, None),
        ] {
            let (found_kind, found) = said(&content);
            assert_eq!((found_kind.as_deref(), found.as_deref()), (kind, text), "{content}");
        }
        let long = json!({ "message": { "text": "x".repeat(4_096) } });
        assert_eq!(said(&long).1.unwrap().len(), TEXT_MAX);
    }
}
