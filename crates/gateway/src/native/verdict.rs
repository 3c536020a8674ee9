//! The verdict as our API shows it.

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use transom_domain::id::MessageId;
use transom_domain::status::Status;
use transom_domain::verdict::{Alternative, Verdict};

use super::common::rfc3339;

/// May this content go from this sender to this customer now, and how.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VerdictView {
    /// `session`, `template`, `needs_approval`, `unsupported`, `blocked` or `direct_send`.
    kind: &'static str,
    /// Why, as a word for programs, such as `session_open`.
    #[schema(value_type = String)]
    reason: Value,
    /// Why, as one sentence.
    explanation: String,
    /// Whose rule it is: `rule_table`, `meta`, `consent` or `state`.
    #[schema(value_type = String)]
    source: Value,
    /// First moment at which the answer may be another; null when only an event can change it.
    valid_until: Option<String>,
    /// `session`, `template` or null.
    #[schema(value_type = Option<String>)]
    sent_as: Value,
    /// The content type that is meant.
    content_type: Option<String>,
    /// The template it goes as.
    template: Option<TemplateView>,
    /// What could be sent instead.
    alternatives: Vec<AlternativeView>,
    /// Of content with several types: those that do not go, richest first. Where one goes, these are richer than it; where none
    /// does, the verdict is about the richest, and these are the others.
    passed_over: Vec<PassedOverView>,
}

/// A content type that was looked at and not taken.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = VerdictPassedOver)]
pub(crate) struct PassedOverView {
    /// The content type.
    content_type: String,
    /// Why it does not go, as a word for programs.
    #[schema(value_type = String)]
    reason: Value,
    /// Why, as one sentence.
    explanation: String,
}

/// A template by name and language.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = VerdictTemplate)]
pub(crate) struct TemplateView {
    /// Name.
    name: String,
    /// Language.
    language: String,
    /// `MARKETING`, `UTILITY` or `AUTHENTICATION`, where known.
    category: Option<&'static str>,
    /// The version that is used.
    version: Option<u32>,
    /// `name` and `language` of the template that was meant, where this one steps in for it.
    #[schema(value_type = Option<Object>)]
    instead_of: Value,
}

/// Something the caller could do instead.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = VerdictAlternative)]
pub(crate) struct AlternativeView {
    /// A word for programs, such as `submit_for_approval`.
    #[schema(value_type = String)]
    action: Value,
    /// A sentence for people.
    explanation: String,
}

impl From<&Verdict> for VerdictView {
    fn from(verdict: &Verdict) -> Self {
        Self {
            kind: verdict.kind.as_str(),
            reason: word(&verdict.reason),
            explanation: verdict.explanation.clone(),
            source: word(&verdict.source),
            valid_until: verdict.valid_until.map(rfc3339),
            sent_as: word(&verdict.sent_as),
            content_type: verdict.content_type.clone(),
            template: verdict.template.as_ref().map(|t| TemplateView {
                name: t.name.clone(),
                language: t.language.to_string(),
                category: verdict.category.map(|c| c.as_str()),
                version: verdict.template_version,
                instead_of: word(
                    &verdict.instead_of.as_ref().map(|t| json!({ "name": t.name, "language": t.language.as_str() })),
                ),
            }),
            alternatives: verdict.alternatives.iter().map(AlternativeView::from).collect(),
            passed_over: verdict
                .passed_over
                .iter()
                .map(|other| PassedOverView {
                    content_type: other.content_type.clone(),
                    reason: word(&other.reason),
                    explanation: other.explanation.clone(),
                })
                .collect(),
        }
    }
}

impl From<&Alternative> for AlternativeView {
    fn from(alternative: &Alternative) -> Self {
        Self { action: word(&alternative.action), explanation: alternative.explanation.clone() }
    }
}

/// The word that a plain enum has on our wires.
pub(crate) fn word(plain: &impl Serialize) -> Value {
    serde_json::to_value(plain).unwrap_or_default()
}

/// The verdict as JSON.
#[must_use]
pub(crate) fn verdict_json(verdict: &Verdict) -> Value {
    word(&VerdictView::from(verdict))
}

/// What an accepted send answers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SentMessage {
    /// Names the message; the same in every event about it.
    id: String,
    /// `accepted` when it is to go later, else `queued`.
    status: &'static str,
    /// The verdict it was accepted with.
    verdict: VerdictView,
}

/// The answer to an accepted send: also what is kept for its idempotency key.
#[must_use]
pub(crate) fn accepted_json(id: MessageId, status: Status, verdict: &Verdict) -> Value {
    word(&SentMessage { id: id.to_string(), status: status.as_str(), verdict: verdict.into() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use transom_domain::address::Channel;
    use transom_domain::free_form::FreeForm;
    use transom_domain::session::{Closed, Session};
    use transom_domain::time::Timestamp;
    use transom_domain::verdict::{CustomerFacts, Question, Subject, verdict};

    fn asked(session: Session) -> Value {
        let say = FreeForm::Text { body: "Hi".into(), preview_url: false };
        let question = Question {
            channel: Channel::Whatsapp,
            subject: Subject::FreeForm(&say),
            session,
            customer: CustomerFacts::default(),
            stopped: None,
            human: transom_domain::messenger::Human::default(),
        };
        verdict_json(&verdict(&question))
    }

    #[test]
    fn an_open_session_says_until_when() {
        let shown = asked(Session::Open { until: Timestamp::from_secs(1_790_000_000) });
        assert_eq!(shown["kind"], "session");
        assert_eq!(shown["reason"], "session_open");
        assert_eq!(shown["sentAs"], "session");
        assert_eq!(shown["validUntil"], "2026-09-21T14:13:20.000Z");
        assert_eq!(shown["template"], Value::Null);
        assert_eq!(shown["alternatives"], serde_json::json!([]));
    }

    #[test]
    fn a_closed_one_says_what_to_do_instead() {
        let shown = asked(Session::Closed(Closed::NeverHeard));
        assert_eq!(shown["reason"], "session_required");
        assert_eq!(shown["sentAs"], Value::Null);
        assert_eq!(shown["alternatives"][0]["action"], "wait_for_customer");
    }
}
