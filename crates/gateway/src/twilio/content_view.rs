//! Content as the SDKs read it: a resource, an entry of each list, and how far its approval is.

use serde::Serialize;
use serde_json::{Value, json};

use transom_domain::content::ContentType;
use transom_domain::submission::Stage;
use transom_domain::template::Approval;
use transom_store::{Followed, StoredContent};

use super::base::Base;
use super::dates::iso;
use super::sid::Sid as _;
use super::words;

/// Where content is.
pub(super) fn path(stored: &StoredContent) -> String {
    format!("/v1/Content/{}", stored.id.sid())
}

/// What every form of content says.
#[derive(Debug, Serialize)]
struct Said {
    sid: String,
    account_sid: String,
    friendly_name: String,
    language: String,
    variables: Value,
    types: Value,
    date_created: String,
    date_updated: String,
}

impl Said {
    fn of(stored: &StoredContent) -> Self {
        let mut types = crate::native::word(&stored.content).get_mut("types").map(Value::take).unwrap_or_default();
        // Meta writes the text; Twilio shows its one variable there.
        if let Some(body) = types.get_mut(ContentType::Authentication.as_str()).and_then(Value::as_object_mut) {
            body.insert("body".to_owned(), "{{1}}".into());
        }
        Self {
            sid: stored.id.sid(),
            account_sid: stored.business.sid(),
            friendly_name: stored.friendly_name.clone(),
            language: stored.content.language.to_string(),
            variables: json!(stored.content.variables),
            types,
            date_created: iso(stored.created_at),
            date_updated: iso(stored.updated_at),
        }
    }
}

/// A resource, and an entry of the lists of contents.
#[derive(Debug, Serialize)]
pub(super) struct ContentView {
    #[serde(flatten)]
    said: Said,
    url: String,
    links: Links,
}

#[derive(Debug, Serialize)]
struct Links {
    approval_fetch: String,
    approval_create: String,
}

impl ContentView {
    pub(super) fn of(stored: &StoredContent, base: &Base) -> Self {
        let path = path(stored);
        let approvals = base.link(&format!("{path}/ApprovalRequests"));
        let links = Links { approval_create: format!("{approvals}/whatsapp"), approval_fetch: approvals };
        Self { said: Said::of(stored), url: base.link(&path), links }
    }
}

/// An entry of the lists of contents with their approvals.
#[derive(Debug, Serialize)]
pub(super) struct WithApproval {
    #[serde(flatten)]
    said: Said,
    approval_requests: ApprovalView,
}

impl WithApproval {
    pub(super) fn of(stored: &StoredContent, submissions: &[Followed]) -> Self {
        Self { said: Said::of(stored), approval_requests: ApprovalView::current(submissions) }
    }
}

/// An entry of the list of those that were once templates of another kind: here, all are as they are.
#[derive(Debug, Serialize)]
pub(super) struct Legacy {
    #[serde(flatten)]
    said: Said,
    legacy_template_name: String,
    legacy_body: String,
    url: String,
}

impl Legacy {
    pub(super) fn of(stored: &StoredContent, submissions: &[Followed], base: &Base) -> Self {
        let submitted = Followed::current(submissions).map(|followed| followed.submission.name.clone());
        let text = stored.content.richest_first().find_map(|(_, body)| words::of_body(body));
        Self {
            legacy_template_name: submitted.unwrap_or_else(|| stored.friendly_name.clone()),
            legacy_body: text.unwrap_or_default(),
            url: base.link(&path(stored)),
            said: Said::of(stored),
        }
    }
}

/// How far an approval is: flat in lists and in the answer to a submission, under `whatsapp` where it is fetched.
#[derive(Debug, Serialize)]
pub(super) struct ApprovalView {
    name: String,
    category: &'static str,
    content_type: &'static str,
    status: &'static str,
    rejection_reason: String,
    allow_category_change: bool,
}

impl ApprovalView {
    /// Of several submissions, the one that tells how the content stands.
    pub(super) fn current(submissions: &[Followed]) -> Self {
        Followed::current(submissions).map_or_else(Self::unsubmitted, Self::of)
    }

    /// What never was submitted.
    fn unsubmitted() -> Self {
        Self {
            name: String::new(),
            category: "",
            content_type: "",
            status: "unsubmitted",
            rejection_reason: String::new(),
            allow_category_change: true,
        }
    }

    pub(super) fn of(followed: &Followed) -> Self {
        let Followed { submission, stage, template } = followed;
        let rejection_reason = match template {
            Some(template) if template.approval == Approval::Rejected => {
                let words = template.in_words().explanation;
                match &template.reason {
                    Some(reason) => format!("{reason}. {words}"),
                    None => words,
                }
            }
            _ => String::new(),
        };
        Self {
            name: submission.name.clone(),
            category: template.as_ref().map_or(submission.category, |template| template.category).as_str(),
            content_type: submission.kind.as_str(),
            status: status(*stage),
            rejection_reason,
            allow_category_change: submission.allow_category_change,
        }
    }

    /// As the answer to the submission says it: handed over, and not reviewed yet.
    pub(super) fn received(followed: &Followed) -> Self {
        let view = Self::of(followed);
        Self { status: if followed.stage.is_pending() { "received" } else { view.status }, ..view }
    }
}

/// How the fetch of approvals shows them.
pub(super) fn fetched(stored: &StoredContent, submissions: &[Followed], base: &Base) -> Value {
    #[derive(Serialize)]
    struct OnWhatsapp {
        #[serde(rename = "type")]
        channel: &'static str,
        #[serde(flatten)]
        approval: ApprovalView,
    }
    let whatsapp = OnWhatsapp { channel: "whatsapp", approval: ApprovalView::current(submissions) };
    json!({
        "sid": stored.id.sid(),
        "account_sid": stored.business.sid(),
        "whatsapp": crate::native::word(&whatsapp),
        "url": base.link(&format!("{}/ApprovalRequests", path(stored))),
    })
}

/// Every word for how far an approval is.
pub(super) const STATUSES: [&str; 7] = ["unsubmitted", "received", "pending", "approved", "rejected", "paused", "disabled"];

/// The word for how far it is.
pub(super) const fn status(stage: Stage) -> &'static str {
    match stage {
        Stage::Submitting => "received",
        Stage::AtMeta(Approval::Pending | Approval::InAppeal | Approval::Unknown) => "pending",
        Stage::AtMeta(Approval::Approved) => "approved",
        Stage::AtMeta(Approval::Rejected | Approval::LimitExceeded) => "rejected",
        Stage::AtMeta(Approval::Paused) => "paused",
        // Cannot be sent, and will not be again.
        Stage::AtMeta(Approval::Disabled | Approval::PendingDeletion | Approval::Deleted | Approval::Archived) => "disabled",
    }
}

/// The stages that a word stands for; none standing for what never was submitted.
pub(super) fn stages(word: &str) -> Vec<Option<Stage>> {
    if word == "unsubmitted" {
        return vec![None];
    }
    let all = Approval::ALL.into_iter().map(Stage::AtMeta).chain([Stage::Submitting]);
    all.filter(|stage| status(*stage) == word).map(Some).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use transom_domain::content::Content;
    use transom_domain::id::{BusinessId, ContentId};
    use transom_domain::submission::Submission;
    use transom_domain::template::{Category, Template};
    use transom_domain::time::Timestamp;

    fn stored(types: &Value) -> StoredContent {
        let json = json!({ "language": "en", "variables": { "1": "Ana" }, "types": types });
        StoredContent {
            id: ContentId(7),
            business: BusinessId(2),
            friendly_name: "pickup".to_owned(),
            content: Content::read(&json, "").unwrap(),
            created_at: Timestamp::from_millis(1_692_853_305_987),
            updated_at: Timestamp::from_millis(1_692_853_305_987),
        }
    }

    fn followed(stored: &StoredContent, approval: Option<Approval>) -> Followed {
        let template: Option<Template> = approval.map(|approval| {
            serde_json::from_value(json!({ "id": "7", "name": "pickup_ready", "language": "en", "category": "MARKETING",
                "approval": approval, "reason": "INVALID_FORMAT", "definition": transom_domain::template::Definition::default() }))
            .unwrap()
        });
        Followed {
            submission: Submission {
                content: stored.id,
                waba: "1".to_owned(),
                name: "pickup_ready".to_owned(),
                language: stored.content.language.clone(),
                category: Category::Utility,
                kind: ContentType::Text,
                allow_category_change: true,
                submitted_at: stored.created_at,
                template: None,
            },
            stage: approval.map_or(Stage::Submitting, Stage::AtMeta),
            template,
        }
    }

    #[test]
    fn a_resource_has_every_field_and_can_be_sent_again() {
        let stored = stored(&json!({ "twilio/quick-reply": { "body": "Hi {{1}}", "actions": [{ "title": "On my way" }] },
            "whatsapp/authentication": { "actions": [{ "type": "COPY_CODE", "copy_code_text": "Copy" }] } }));
        let base = Base::new("https://gw.example.com");
        let view = serde_json::to_value(ContentView::of(&stored, &base)).unwrap();
        let url = "https://gw.example.com/v1/Content/HX00000000000000000000000000000007";
        assert_eq!((&view["sid"], &view["url"]), (&json!("HX00000000000000000000000000000007"), &json!(url)));
        assert_eq!(view["links"]["approval_create"], format!("{url}/ApprovalRequests/whatsapp"));
        assert_eq!(view["date_created"], "2023-08-24T05:01:45Z");
        assert_eq!(view["account_sid"], "AC00000000000000000000000000000002");
        assert_eq!(view["types"]["twilio/quick-reply"]["actions"][0]["type"], "QUICK_REPLY");
        assert_eq!(view["types"]["whatsapp/authentication"]["body"], "{{1}}");
        let again = super::super::content_body::read(view.as_object().unwrap().clone(), None).unwrap();
        assert_eq!((again.content.variables, again.friendly_name), (stored.content.variables.clone(), "pickup".to_owned()));
        assert_eq!(again.content.types.keys().collect::<Vec<_>>(), stored.content.types.keys().collect::<Vec<_>>());
    }

    #[test]
    fn approvals_are_flat_in_lists_and_nested_where_they_are_fetched() {
        let stored = stored(&json!({ "twilio/text": { "body": "Hi {{1}}, all is well." } }));
        let rejected = [followed(&stored, Some(Approval::Rejected))];
        let entry = serde_json::to_value(WithApproval::of(&stored, &rejected)).unwrap();
        assert_eq!(entry["approval_requests"]["status"], "rejected");
        assert_eq!((entry.get("url"), entry.get("links")), (None, None));
        let reason = entry["approval_requests"]["rejection_reason"].as_str().unwrap();
        assert!(reason.starts_with("INVALID_FORMAT. "), "{reason}");
        assert_eq!(entry["approval_requests"]["category"], "MARKETING");
        let base = Base::new("https://gw.example.com");
        let one = fetched(&stored, &rejected, &base);
        assert_eq!((&one["whatsapp"]["type"], &one["whatsapp"]["name"]), (&json!("whatsapp"), &json!("pickup_ready")));
        let never = fetched(&stored, &[], &base);
        assert_eq!((&never["whatsapp"]["status"], &never["whatsapp"]["name"]), (&json!("unsubmitted"), &json!("")));
        let new = serde_json::to_value(ApprovalView::received(&followed(&stored, Some(Approval::Pending)))).unwrap();
        assert_eq!((&new["status"], &new["category"]), (&json!("received"), &json!("MARKETING")));
        let legacy = serde_json::to_value(Legacy::of(&stored, &rejected, &base)).unwrap();
        assert_eq!(
            (&legacy["legacy_template_name"], &legacy["legacy_body"]),
            (&json!("pickup_ready"), &json!("Hi {{1}}, all is well."))
        );
    }

    #[test]
    fn every_status_has_a_word_and_every_word_a_status() {
        for word in STATUSES {
            assert!(!stages(word).is_empty(), "{word}");
        }
        let known: usize = STATUSES.iter().map(|word| stages(word).len()).sum();
        assert_eq!(known, Approval::ALL.len() + 2);
    }
}
