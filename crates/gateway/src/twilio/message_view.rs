//! A message as Twilio's SDKs read it. Go's are strict: counts and prices are texts, `error_code` is a number or null.

use serde_json::{Value, json};

use transom_domain::address::Identity;
use transom_domain::id::{BusinessId, MessageId};
use transom_domain::message::Message;
use transom_domain::status::{Progress, Status};
use transom_domain::time::Timestamp;

use super::sid::{Sid, message_sid};
use super::{address, codes, dates, words};
use crate::service::SendCommand;

/// The version in every path.
pub(super) const API_VERSION: &str = "2010-04-01";

/// The path of a message, without its suffix.
pub(super) fn path(message: &Message) -> String {
    path_of(message.business, &message_sid(message.id, words::has_media(message)))
}

fn path_of(business: BusinessId, sid: &str) -> String {
    format!("/{API_VERSION}/Accounts/{}/Messages/{sid}", business.sid())
}

/// What is known of a message before it is accepted: enough to answer with, where it cannot be read back.
pub(super) struct FirstView(Value, bool);

impl FirstView {
    /// Of what was asked for.
    pub(super) fn of(command: &SendCommand, body: Option<&str>, now: Timestamp) -> Self {
        let origin = command.origin.clone().unwrap_or_default();
        let status = first_word(command.send_at.is_some(), origin.service.is_some());
        let at = dates::rfc2822(now);
        let view = json!({
            "messaging_service_sid": origin.service.map(Sid::sid), "num_segments": if command.from.is_some() { "1" } else { "0" },
            "num_media": "0", "from": command.from.as_ref().map(address::written), "to": address::written(&command.to),
            "body": body, "status": status, "direction": "outbound-api", "price": null, "price_unit": null, "error_code": null,
            "error_message": null, "api_version": API_VERSION, "date_created": at, "date_updated": at, "date_sent": null,
        });
        Self(view, origin.media)
    }

    /// With its id.
    pub(super) fn view(mut self, business: BusinessId, id: MessageId) -> Value {
        let sid = message_sid(id, self.1);
        let path = path_of(business, &sid);
        self.0["uri"] = format!("{path}.json").into();
        self.0["subresource_uris"] = subresources(&path);
        self.0["account_sid"] = business.sid().into();
        self.0["sid"] = sid.into();
        self.0
    }
}

fn subresources(path: &str) -> Value {
    json!({ "media": format!("{path}/Media.json"), "feedback": format!("{path}/Feedback.json") })
}

/// The first word for a message: `scheduled` for later, `accepted` where a messaging service was named, else `queued`.
const fn first_word(later: bool, through_service: bool) -> &'static str {
    match (later, through_service) {
        (true, _) => "scheduled",
        (false, true) => "accepted",
        (false, false) => "queued",
    }
}

/// What a message does not know itself.
#[derive(Debug, Default)]
pub(super) struct Beside {
    /// The address of its sender, where that is still there.
    pub(super) sender: Option<Identity>,
    /// What the template says that it was sent by, with its values.
    pub(super) template_text: Option<String>,
}

/// A message.
pub(super) fn view(message: &Message, beside: Beside) -> Value {
    shown(message, beside, words::status(message))
}

/// A message that was accepted a moment ago, with the first word for it, however far it is by now.
pub(super) fn accepted(message: &Message, beside: Beside, later: bool) -> Value {
    let through_service = message.origin.as_ref().is_some_and(|origin| origin.service.is_some());
    let mut shown = shown(message, beside, first_word(later, through_service));
    for moment in ["error_code", "error_message", "date_sent"] {
        shown[moment] = Value::Null;
    }
    shown["date_updated"] = shown["date_created"].clone();
    shown
}

fn shown(message: &Message, beside: Beside, status: &str) -> Value {
    let (sender, customer) = (beside.sender.as_ref().map(address::written), address::written(&message.address));
    let inbound = words::is_inbound(message);
    let (from, to) = if inbound { (Some(customer), sender) } else { (sender, Some(customer)) };
    let origin = message.origin.clone().unwrap_or_default();
    let direction = match (inbound, origin.reply) {
        (true, _) => "inbound",
        (false, true) => "outbound-reply",
        (false, false) => "outbound-api",
    };
    let failure = message.failure.as_ref().filter(|_| matches!(message.status, Status::Failed | Status::Expired));
    let path = path(message);
    json!({
        "sid": message_sid(message.id, origin.media),
        "account_sid": message.business.sid(),
        "messaging_service_sid": origin.service.map(Sid::sid),
        "num_segments": if from.is_some() { "1" } else { "0" },
        "num_media": if words::carries_file(message) { "1" } else { "0" },
        "from": from,
        "to": to,
        // What was redacted is empty, and not gone.
        "body": if message.redacted { Some("".into()) } else { words::text(message).or(beside.template_text.map(Into::into)) },
        "status": status,
        "direction": direction,
        "price": null,
        "price_unit": null,
        "error_code": failure.map(|failure| codes::of_failure(failure, message.channel).number()),
        "error_message": failure.map(|failure| failure.message.as_str()),
        "api_version": API_VERSION,
        "date_created": dates::rfc2822(message.accepted_at),
        "date_updated": dates::rfc2822(updated(message)),
        "date_sent": sent(message).map(dates::rfc2822),
        "uri": format!("{path}.json"),
        "subresource_uris": subresources(&path),
    })
}

/// When something was last said of it.
fn updated(message: &Message) -> Timestamp {
    message.attempts.iter().map(|attempt| attempt.at).fold(message.accepted_at, Ord::max)
}

/// When it left, or came.
fn sent(message: &Message) -> Option<Timestamp> {
    if words::is_inbound(message) {
        return Some(message.accepted_at);
    }
    let taken = message.attempts.iter().rev().find(|attempt| attempt.progress >= Progress::Answered)?;
    Some(taken.started_at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::native::message_of_tests as message;
    use transom_domain::error_code::ErrorCode;
    use transom_domain::id::ServiceId;
    use transom_domain::message::Origin;
    use transom_domain::status::Failure;

    fn sender() -> Beside {
        Beside { sender: Some("+493012345678".parse().unwrap()), template_text: None }
    }

    #[test]
    fn it_has_every_field_in_the_type_that_the_strictest_sdk_reads() {
        let shown = view(&message(Vec::new()), sender());
        for text in ["sid", "account_sid", "num_segments", "num_media", "from", "to", "body", "status", "direction", "uri"] {
            assert!(shown[text].is_string(), "{text}");
        }
        for null in ["messaging_service_sid", "price", "price_unit", "error_code", "error_message", "date_sent"] {
            assert!(shown.get(null).is_some_and(Value::is_null), "{null}");
        }
        assert_eq!(shown["from"], "whatsapp:+493012345678");
        assert_eq!(shown["uri"], format!("/2010-04-01/Accounts/AC{:032x}/Messages/SM{:032x}.json", 2, 1));
        assert_eq!(shown["date_created"], "Mon, 21 Sep 2026 14:13:20 +0000");
        assert!(shown["subresource_uris"]["media"].as_str().unwrap().ends_with("/Media.json"));
    }

    #[test]
    fn a_failure_is_a_number_and_a_first_answer_knows_none() {
        let failure = Failure { code: ErrorCode::MessageOutsideOfEligibilityWindow, message: "Closed.".into(), upstream: None };
        let origin = Some(Origin { service: Some(ServiceId(9)), media: true, reply: true, ..Origin::default() });
        let failed = Message { status: Status::Failed, failure: Some(failure), origin, ..message(Vec::new()) };
        let shown = view(&failed, Beside::default());
        assert_eq!((&shown["status"], &shown["error_code"]), (&json!("undelivered"), &json!(63016)));
        assert_eq!((&shown["num_segments"], &shown["from"]), (&json!("0"), &Value::Null));
        assert!(shown["sid"].as_str().unwrap().starts_with("MM"));
        assert_eq!(
            (&shown["direction"], &shown["messaging_service_sid"]),
            (&json!("outbound-reply"), &json!(ServiceId(9).sid()))
        );
        let first = accepted(&failed, Beside::default(), false);
        assert_eq!((&first["status"], &first["error_code"]), (&json!("accepted"), &Value::Null));
        assert_eq!(accepted(&failed, Beside::default(), true)["status"], "scheduled");
    }

    #[test]
    fn what_was_redacted_is_empty() {
        let redacted = Message { redacted: true, draft: None, ..message(Vec::new()) };
        assert_eq!(view(&redacted, Beside { template_text: Some("Hi Ana".into()), ..sender() })["body"], "");
        let by_template = Message { draft: None, ..message(Vec::new()) };
        assert_eq!(view(&by_template, Beside { template_text: Some("Hi Ana".into()), ..sender() })["body"], "Hi Ana");
    }
}
