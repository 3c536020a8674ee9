//! A message as our API shows it: state, content, attempts; where one message is read, with its timeline.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use transom_domain::id::BusinessId;
use transom_domain::message::{Attempt, Message};
use transom_domain::shown::Shown;
use transom_domain::status::Phase;
use transom_domain::time::Timestamp;
use transom_store::{Sender, Timeline};

use super::common::{json_text, rfc3339};
use super::message_print::draft_json;
use super::message_timeline::{TimelineEntry, story};
use super::news_print::{edits_json, received_json, revoked_json};
use super::payload::failure_json;
use super::shown_print::shown_json;
use super::verdict::VerdictView;
use crate::media::links::Links;
use crate::service::Waits;
use crate::service::one_time_code::masked;

/// One message, sent or received.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Message)]
pub(crate) struct MessageView {
    /// Names it.
    id: String,
    /// `outbound` or `inbound`.
    direction: &'static str,
    /// `whatsapp` or `messenger`.
    channel: &'static str,
    /// `accepted`, `queued`, `sending`, `unknown`, `sent`, `failed`, `delivered`, `read`, `expired`, `cancelled` or `received`.
    status: &'static str,
    /// Our side: `+E.164` or `messenger:<page>`.
    sender: Option<String>,
    /// The customer: as the caller gave it, or as the message came.
    customer: String,
    /// Names the customer, whatever identities the person has.
    customer_id: String,
    /// What was said: `message`, `template` or `content` by its kind; null after redaction. Of a template that is known still `shown`
    /// stands beside it: its texts with their values, as it is now.
    #[schema(value_type = Option<Object>)]
    content: Value,
    /// The verdict, as last taken.
    verdict: Option<VerdictView>,
    /// Why it failed, where it has: an error object.
    #[schema(value_type = Option<Object>)]
    error: Value,
    /// When it was accepted or received.
    accepted_at: String,
    /// Not before this moment; null when it waits for nothing.
    not_before: Option<String>,
    /// Why it waits and when it goes, while it waits; left out in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    waits: Option<Waits>,
    /// Since when Meta has given it up, as far as its time to live says: no delivery was told by then, and Meta tells nothing more. A
    /// presumption, which any later word overrides; left out in lists, and where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    presumed_lost_at: Option<String>,
    /// Fails as expired from here on.
    expires_at: Option<String>,
    /// What is done when an answer is lost: `auto`, `fail` or `resend`.
    when_unknown: &'static str,
    /// The caller's tag.
    campaign_name: Option<String>,
    /// The caller's data.
    #[schema(value_type = Option<Value>)]
    callback_data: Value,
    /// Where its statuses are told besides the endpoints, in Twilio's form.
    status_callback: Option<String>,
    /// The messaging service it was sent through.
    messaging_service_id: Option<String>,
    /// Whether its content was removed.
    redacted: bool,
    /// What it said first and what it was changed to, each with its moment; null where it was never changed.
    #[schema(value_type = Option<Vec<Object>>)]
    edits: Value,
    /// Since when it is taken back.
    revoked_at: Option<String>,
    /// Calls upstream, first to last.
    attempts: Vec<AttemptView>,
    /// What happened, as the story goes; left out in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    timeline: Option<Vec<TimelineEntry>>,
    /// Price as Meta last told it.
    #[schema(value_type = Option<Object>)]
    pricing: Value,
    /// More.
    details: MessageDetails,
}

/// More about a message.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MessageDetails {
    /// The channel's own id of it, once known.
    provider_message_id: Option<String>,
}

/// One call upstream.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Attempt)]
pub(crate) struct AttemptView {
    /// 1, 2, …
    number: u32,
    /// `started`, `unknown`, `refused`, `answered`, `sent`, `failed`, `delivered` or `read`.
    status: &'static str,
    /// When it was committed, before the first byte left.
    started_at: String,
    /// When the status was said.
    at: String,
    /// The channel's own id, once known.
    provider_message_id: Option<String>,
    /// Why it failed or was refused: an error object.
    #[schema(value_type = Option<Object>)]
    error: Value,
    /// A word of Meta's, such as `held_for_quality_assessment`.
    note: Option<String>,
}

impl MessageView {
    /// With why it waits.
    pub(crate) fn waiting(self, waits: Option<Waits>) -> Self {
        Self { waits, ..self }
    }

    /// With what the customer sees of it, where it was sent by the name of a template.
    pub(crate) fn showing(mut self, shown: Option<&Shown>) -> Self {
        if let (Some(shown), Value::Object(content)) = (shown, &mut self.content) {
            content.insert("shown".to_owned(), shown_json(shown));
        }
        self
    }

    /// With when Meta has given it up, as far as can be told.
    pub(crate) fn presumed_lost(self, at: Option<Timestamp>) -> Self {
        Self { presumed_lost_at: at.map(rfc3339), ..self }
    }

    /// With a fresh link beside the file that came with it.
    pub(crate) fn signed(mut self, business: BusinessId, links: &Links) -> Self {
        links.sign(business, &mut self.content);
        self
    }

    /// The view of a message; `sender` is its sender, where it is still there. Without a timeline it is the short form of lists.
    pub(crate) fn new(message: &Message, sender: Option<&Sender>, timeline: Option<&Timeline>) -> Self {
        let inbound = matches!(message.phase, Phase::Received);
        let not_before = match &message.phase {
            Phase::Queued { not_before } => Some(rfc3339(*not_before)),
            _ => None,
        };
        let last = |wanted: fn(&Attempt) -> bool| message.attempts.iter().rev().find(|a| wanted(a));
        let provider_message_id = message.received_as.clone();
        Self {
            id: message.id.to_string(),
            direction: if inbound { "inbound" } else { "outbound" },
            channel: message.channel.as_str(),
            status: message.status.as_str(),
            sender: sender.map(|s| s.address.to_string()),
            customer: message.address.to_string(),
            customer_id: message.customer.to_string(),
            content: content(message),
            verdict: message.verdict.as_ref().map(VerdictView::from),
            error: message.failure.as_ref().map_or(Value::Null, |f| failure_json(f, message.id)),
            accepted_at: rfc3339(message.accepted_at),
            not_before,
            waits: None,
            presumed_lost_at: None,
            expires_at: message.expires_at.map(rfc3339),
            when_unknown: message.when_unknown.as_str(),
            campaign_name: message.campaign.clone(),
            callback_data: message.callback_data.as_deref().map_or(Value::Null, json_text),
            status_callback: message.origin.as_ref().and_then(|origin| origin.status_callback.clone()),
            messaging_service_id: message.origin.as_ref().and_then(|origin| origin.service).map(|id| id.to_string()),
            redacted: message.redacted,
            edits: edits_json(message),
            revoked_at: revoked_json(message),
            attempts: message.attempts.iter().map(|a| AttemptView::of(a, message)).collect(),
            timeline: timeline.map(|timeline| story(message, timeline)),
            pricing: last(|a| a.pricing.is_some()).and_then(|a| a.pricing.clone()).unwrap_or_default(),
            details: MessageDetails {
                provider_message_id: provider_message_id
                    .or_else(|| last(|a| a.provider_id.is_some()).and_then(|a| a.provider_id.clone())),
            },
        }
    }
}

pub(super) fn content(message: &Message) -> Value {
    match (&message.draft, &message.inbound) {
        (Some(draft), _) => draft_json(&masked(draft)),
        (None, Some(inbound)) => received_json(message, inbound),
        (None, None) => Value::Null,
    }
}

impl AttemptView {
    pub(super) fn of(attempt: &Attempt, message: &Message) -> Self {
        Self {
            number: attempt.number,
            status: attempt.progress.as_str(),
            started_at: rfc3339(attempt.started_at),
            at: rfc3339(attempt.at),
            provider_message_id: attempt.provider_id.clone(),
            error: attempt.error.as_ref().map_or(Value::Null, |f| failure_json(f, message.id)),
            note: attempt.note.clone(),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use serde_json::json;
    use transom_domain::address::Channel;
    use transom_domain::error_code::ErrorCode;
    use transom_domain::free_form::FreeForm;
    use transom_domain::id::{BusinessId, CustomerId, MessageId, SenderId};
    use transom_domain::message::{Class, Draft, WhenUnknown};
    use transom_domain::status::{Failure, Progress, Status};
    use transom_domain::time::Timestamp;

    pub(crate) fn at(second: i64) -> Timestamp {
        Timestamp::from_secs(1_790_000_000 + second)
    }

    pub(crate) fn made(number: u32, progress: Progress, started: i64, said: i64) -> Attempt {
        Attempt {
            number,
            started_at: at(started),
            progress,
            at: at(said),
            provider_id: Some(format!("wamid.{number}")),
            error: None,
            note: None,
            pricing: Some(json!({ "billable": number == 2 })),
        }
    }

    /// A message with these attempts.
    pub(crate) fn message(attempts: Vec<Attempt>) -> Message {
        Message {
            id: MessageId(1),
            business: BusinessId(2),
            sender: SenderId(3),
            customer: CustomerId(4),
            channel: Channel::Whatsapp,
            address: "+4915112345678".parse().unwrap(),
            position: 1,
            draft: Some(Draft::FreeForm { say: FreeForm::Text { body: "Hi".into(), preview_url: false }, human: None }),
            inbound: None,
            amendments: Vec::new(),
            received_as: None,
            verdict: None,
            class: Class::Reply,
            phase: Phase::Handed,
            status: Status::Delivered,
            failure: None,
            attempts,
            accepted_at: at(0),
            expires_at: None,
            when_unknown: WhenUnknown::Auto,
            callback_data: Some("[1]".into()),
            campaign: None,
            origin: None,
            reply_to: None,
            answers: None,
            redacted: false,
        }
    }

    #[test]
    fn the_provider_s_id_stands_in_details_and_lists_tell_no_story() {
        let sent = message(vec![made(1, Progress::Refused, 1, 2), made(2, Progress::Delivered, 5, 9)]);
        let shown = serde_json::to_value(MessageView::new(&sent, None, None)).unwrap();
        assert!(shown.get("timeline").is_none());
        let whole = serde_json::to_value(MessageView::new(&sent, None, Some(&Timeline::default()))).unwrap();
        assert_eq!(whole["timeline"][0]["what"], "accepted");
        assert_eq!(shown["details"]["providerMessageId"], "wamid.2");
        assert_eq!(shown["pricing"], json!({ "billable": true }));
        assert_eq!(shown["content"], json!({ "message": { "text": "Hi" } }));
        assert_eq!((&shown["status"], &shown["callbackData"]), (&json!("delivered"), &json!([1])));
        assert_eq!(shown["attempts"][0]["startedAt"], "2026-09-21T14:13:21.000Z");
    }

    #[test]
    fn a_reaction_names_our_message() {
        use transom_domain::fact::{Inbound, InboundBody, Person};
        let inbound = Inbound {
            provider_id: "wamid.9".into(),
            at: at(0),
            from: Person::default(),
            body: InboundBody::Reaction { message_id: "wamid.1".into(), emoji: Some("👍".into()) },
            reply_to: None,
            forwarded: false,
            often_forwarded: false,
            product: None,
            referral: None,
        };
        let reaction = Message { draft: None, inbound: Some(inbound), answers: Some(MessageId(7)), ..message(Vec::new()) };
        let shown = serde_json::to_value(MessageView::new(&reaction, None, None)).unwrap();
        assert_eq!(shown["content"]["reaction"]["messageId"], MessageId(7).to_string());
    }

    #[test]
    fn a_redacted_failure_has_no_content_but_its_error() {
        let failure = Failure { code: ErrorCode::OutcomeUnknown, message: "Lost.".into(), upstream: None };
        let phase = Phase::GivenUp { failure: failure.clone() };
        let ended =
            Message { draft: None, redacted: true, failure: Some(failure), phase, status: Status::Failed, ..message(Vec::new()) };
        let shown = serde_json::to_value(MessageView::new(&ended, None, None)).unwrap();
        assert_eq!((&shown["content"], &shown["redacted"]), (&Value::Null, &json!(true)));
        assert_eq!(shown["error"]["code"], "ERROR_CODE_OUTCOME_UNKNOWN");
    }
}
