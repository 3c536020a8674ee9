//! What this dialect calls what we know: the words of statuses, the one text of a message, the file in it.

use std::borrow::Cow;

use transom_domain::content::Body;
use transom_domain::fact::InboundBody;
use transom_domain::free_form::{File, FreeForm, Header};
use transom_domain::message::{Attempt, Draft, Message};
use transom_domain::status::{Phase, Status};
use transom_domain::translate;

use super::codes;
use crate::service::one_time_code::masked;

/// The word for what a message shows. `accepted` and `receiving` are never used after the first answer.
pub(crate) fn status(message: &Message) -> &'static str {
    let taken = message.attempts.iter().any(Attempt::was_taken);
    let late = message.failure.as_ref().is_some_and(|failure| codes::is_undelivered(failure, taken, message.channel));
    word(message.status, late)
}

/// Each word of ours has one. `late` says whether one that failed is [undelivered](codes::is_undelivered).
const fn word(status: Status, late: bool) -> &'static str {
    match status {
        Status::Accepted => "scheduled",
        Status::Queued => "queued",
        // An attempt is under way, or its answer is looked for.
        Status::Sending | Status::Unknown => "sending",
        Status::Sent => "sent",
        Status::Delivered => "delivered",
        Status::Read => "read",
        Status::Received => "received",
        Status::Cancelled => "canceled",
        Status::Expired => "failed",
        Status::Failed if late => "undelivered",
        Status::Failed => "failed",
    }
}

/// Whether a message came from the customer.
pub(crate) const fn is_inbound(message: &Message) -> bool {
    matches!(message.phase, Phase::Received)
}

/// Whether a message is named with `MM`.
pub(crate) fn has_media(message: &Message) -> bool {
    message.origin.as_ref().is_some_and(|origin| origin.media)
}

/// The text that the customer sees, or wrote; none where it was taken out, or where there are no words in it.
pub(crate) fn text(message: &Message) -> Option<Cow<'_, str>> {
    match (&message.draft, &message.inbound) {
        (Some(draft), _) => match masked(draft) {
            Cow::Borrowed(draft) => drafted(draft, message),
            Cow::Owned(draft) => drafted(&draft, message).map(|text| Cow::Owned(text.into_owned())),
        },
        (None, Some(inbound)) => inbound_text(&inbound.body).map(Cow::Borrowed),
        (None, None) => None,
    }
}

fn drafted<'a>(draft: &'a Draft, message: &Message) -> Option<Cow<'a, str>> {
    match draft {
        Draft::FreeForm { say, .. } => said(say).map(Cow::Borrowed),
        Draft::Content { content, variables, .. } => {
            let rendered = content.rendered(variables).ok()?;
            let chosen = message.verdict.as_ref().and_then(|verdict| verdict.content_type.as_deref());
            let body = rendered.iter().find(|(kind, _)| Some(kind.as_str()) == chosen).or_else(|| rendered.iter().next_back())?.1;
            of_body(body).map(Cow::Owned)
        }
        // What the template says, its account knows; the message has the values only.
        Draft::Template { .. } => None,
    }
}

/// The text of one type.
pub(super) fn of_body(body: &Body) -> Option<String> {
    match body {
        Body::Carousel(carousel) => Some(carousel.body.clone()),
        Body::Flows(flows) => Some(flows.body.clone()),
        Body::Pay(pay) => Some(pay.body.clone()),
        Body::Schedule(schedule) => Some(schedule.title.clone()),
        Body::Authentication(_) => None,
        other => translate::to_free_form(other).and_then(|say| said(&say).map(str::to_owned)),
    }
}

/// The text of a free-form message.
fn said(say: &FreeForm) -> Option<&str> {
    match say {
        FreeForm::Text { body, .. }
        | FreeForm::Buttons { body, .. }
        | FreeForm::List { body, .. }
        | FreeForm::CtaUrl { body, .. }
        | FreeForm::ProductList { body, .. }
        | FreeForm::Catalog { body, .. }
        | FreeForm::Flow { body, .. }
        | FreeForm::VoiceCall { body, .. }
        | FreeForm::LocationRequest { body }
        | FreeForm::ContactRequest { body } => Some(body),
        FreeForm::Media { caption, .. } => caption.as_deref(),
        FreeForm::Location { name, .. } => name.as_deref(),
        FreeForm::Product { body, .. } | FreeForm::CallPermissionRequest { body } => body.as_deref(),
        FreeForm::Reaction { emoji, .. } => Some(emoji),
        FreeForm::Contacts { .. } => None,
    }
}

/// The text of what a customer wrote or tapped.
pub(crate) fn inbound_text(body: &InboundBody) -> Option<&str> {
    match body {
        InboundBody::Text { body } | InboundBody::FlowReply { body, .. } => Some(body),
        InboundBody::Media { caption, .. } => caption.as_deref(),
        InboundBody::Button { text, .. } => Some(text),
        InboundBody::ButtonReply { title, .. } | InboundBody::ListReply { title, .. } => Some(title),
        InboundBody::Reaction { emoji, .. } => emoji.as_deref(),
        InboundBody::Location { name, .. } => name.as_deref(),
        InboundBody::Contacts { .. }
        | InboundBody::Order { .. }
        | InboundBody::CallPermission { .. }
        | InboundBody::Call { .. }
        | InboundBody::Unsupported { .. }
        | InboundBody::Unknown { .. } => None,
    }
}

/// The file that a message is sent with.
pub(crate) fn file(message: &Message) -> Option<File> {
    match message.draft.as_ref()? {
        Draft::FreeForm { say, .. } => file_in(say).cloned(),
        Draft::Content { content, variables, .. } => {
            let rendered = content.rendered(variables).ok()?;
            let chosen = message.verdict.as_ref().and_then(|verdict| verdict.content_type.as_deref());
            let body = rendered.iter().find(|(kind, _)| Some(kind.as_str()) == chosen).or_else(|| rendered.iter().next_back())?.1;
            translate::to_free_form(body).and_then(|say| file_in(&say).cloned())
        }
        Draft::Template { .. } => None,
    }
}

fn file_in(say: &FreeForm) -> Option<&File> {
    match say {
        FreeForm::Media { file, .. }
        | FreeForm::Buttons { header: Some(Header::File(file)), .. }
        | FreeForm::CtaUrl { header: Some(Header::File(file)), .. }
        | FreeForm::Flow { header: Some(Header::File(file)), .. } => Some(file),
        _ => None,
    }
}

/// Whether a customer's message carries a file.
pub(crate) fn carries_file(message: &Message) -> bool {
    match &message.inbound {
        Some(inbound) => matches!(inbound.body, InboundBody::Media { .. }),
        None => file(message).is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::native::message_of_tests as message;
    use transom_domain::error_code::ErrorCode;
    use transom_domain::status::{Failure, Progress};
    use transom_domain::time::Timestamp;

    #[test]
    fn every_status_has_a_word_that_twilio_knows() {
        let known = [
            "accepted",
            "scheduled",
            "canceled",
            "queued",
            "sending",
            "sent",
            "delivered",
            "undelivered",
            "failed",
            "read",
            "receiving",
            "received",
        ];
        for one in Status::ALL {
            assert!([true, false].iter().all(|late| known.contains(&word(one, *late))), "{one:?}");
        }
    }

    #[test]
    fn what_meta_refuses_at_the_call_is_failed_and_what_it_took_is_undelivered() {
        let attempt = |progress| Attempt {
            number: 1,
            started_at: Timestamp::EPOCH,
            progress,
            at: Timestamp::EPOCH,
            provider_id: None,
            error: None,
            note: None,
            pricing: None,
        };
        let of = |code, progress| {
            let failure = Some(Failure { code, message: String::new(), upstream: None });
            status(&Message { status: Status::Failed, failure, ..message(vec![attempt(progress)]) })
        };
        assert_eq!(of(ErrorCode::UpstreamError, Progress::Refused), "failed");
        assert_eq!(of(ErrorCode::UpstreamError, Progress::Failed), "undelivered");
        assert_eq!(of(ErrorCode::MessageOutsideOfEligibilityWindow, Progress::Refused), "undelivered");
        assert_eq!(of(ErrorCode::UpstreamCredentials, Progress::Refused), "failed");
    }
}
