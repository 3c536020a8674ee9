//! Content on its way to approval: submit, follow.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use transom_domain::submission::Stage;
use transom_domain::template::Category;
use transom_store::Followed;

use super::common::rfc3339;
use super::read::{Notes, read, request_bodies};
use super::template_view::FindingView;
use crate::http::App;
use crate::http::call::{Asked, Authorised, PathId, TEMPLATES, json};
use crate::http::refusal::{ReadRefusals, TemplateRefusals};
use crate::problem::Problem;
use crate::service::contents::missing;
use crate::service::{AskForApproval, Submitted};

/// A request for approval.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({ "name": "pickup_ready", "category": "UTILITY" }))]
pub(crate) struct ApprovalRequest {
    /// What the template will be called at Meta: lower-case letters, digits and underscores, at most 512.
    name: String,
    /// `MARKETING`, `UTILITY` or `AUTHENTICATION`; left out only with `existing`.
    category: Option<String>,
    /// Meta has a template of this name in this language that says what the content says: it is followed, and nothing is created. So
    /// contents that move in from elsewhere keep their approval.
    existing: Option<bool>,
    /// Whether Meta may file it under another category instead of rejecting it; yes where left out. Meta has ignored it since
    /// April 2025 and files as it sees fit.
    allow_category_change: Option<bool>,
    /// The WhatsApp Business Account; may be left out while the business has one.
    waba_id: Option<String>,
    /// Seconds for which Meta tries to deliver a message made from it; Meta's own where left out.
    message_send_ttl_seconds: Option<i64>,
}

request_bodies!(ApprovalRequest);

/// A submission, and how far it got.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Approval)]
pub(crate) struct ApprovalView {
    /// Name of the template.
    name: String,
    /// Its language.
    language: String,
    /// The category that it has, where Meta has it; else the one that was asked for.
    category: &'static str,
    /// The category that was asked for.
    requested_category: &'static str,
    /// Whether Meta may file it under another category.
    allow_category_change: bool,
    /// Which of the content's types was submitted.
    content_type: &'static str,
    /// WhatsApp Business Account.
    waba_id: String,
    /// `SUBMITTING` until Meta has answered, then the template's status: `PENDING`, `APPROVED`, `REJECTED`, `PAUSED`, `DISABLED`,
    /// `IN_APPEAL`, `PENDING_DELETION`, `DELETED`, `LIMIT_EXCEEDED` or `ARCHIVED`.
    status: &'static str,
    /// Meta's reason for a rejection, in its own word.
    reason: Option<String>,
    /// What the status means, in plain words.
    explanation: String,
    /// Meta's id of the template, once known.
    template_id: Option<String>,
    /// When it was submitted.
    submitted_at: String,
    /// What the linter warns of; only in the answer to the submission.
    #[serde(skip_serializing_if = "Option::is_none")]
    warnings: Option<Vec<FindingView>>,
}

/// The submissions of a content.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ApprovalList {
    /// Oldest first.
    data: Vec<ApprovalView>,
    /// Always null: there are few.
    next_page_token: Option<String>,
}

impl From<&Followed> for ApprovalView {
    fn from(followed: &Followed) -> Self {
        let Followed { submission, stage, template } = followed;
        Self {
            name: submission.name.clone(),
            language: submission.language.to_string(),
            category: template.as_ref().map_or(submission.category, |t| t.category).as_str(),
            requested_category: submission.category.as_str(),
            allow_category_change: submission.allow_category_change,
            content_type: submission.kind.as_str(),
            waba_id: submission.waba.clone(),
            status: match stage {
                Stage::Submitting => "SUBMITTING",
                Stage::AtMeta(approval) => approval.as_str(),
            },
            reason: template.as_ref().and_then(|t| t.reason.clone()),
            explanation: explanation(followed),
            template_id: template.as_ref().map(|t| t.id.clone()).or_else(|| submission.template.clone()),
            submitted_at: rfc3339(submission.submitted_at),
            warnings: None,
        }
    }
}

fn explanation(followed: &Followed) -> String {
    match (&followed.template, followed.stage) {
        (Some(template), _) => template.in_words().explanation,
        (None, Stage::Submitting) => {
            "Meta has not answered yet. If it stays so, submit it again: that finds out what became of it.".to_owned()
        }
        (None, Stage::AtMeta(transom_domain::template::Approval::Deleted)) => {
            "It was deleted, and another template has its name.".to_owned()
        }
        (None, Stage::AtMeta(_)) => "Meta has it; it will be read in a moment.".to_owned(),
    }
}

impl From<&Submitted> for ApprovalView {
    fn from(submitted: &Submitted) -> Self {
        Self { warnings: Some(submitted.warnings.iter().map(FindingView::from).collect()), ..Self::from(&submitted.followed) }
    }
}

fn category(text: &str, notes: &mut Notes) -> Option<Category> {
    let found = transom_meta::templates::category(text);
    if found.is_none() {
        notes.note("category", "is not a category", "use MARKETING, UTILITY or AUTHENTICATION");
    }
    found
}

/// What is asked for.
#[derive(Debug)]
pub(super) enum Request {
    /// Hand it to Meta.
    New(AskForApproval),
    /// Follow what Meta has already.
    Existing { name: String, waba: Option<String> },
}

pub(super) fn parse(asked: &Asked) -> Result<Request, Problem> {
    let (request, mut notes) = read::<ApprovalRequest>(&asked.body)?;
    let ask = request.and_then(|request| {
        if request.existing == Some(true) {
            return Some(Request::Existing { name: request.name, waba: request.waba_id });
        }
        let Some(word) = request.category else {
            notes.note("category", "is required", "give MARKETING, UTILITY or AUTHENTICATION");
            return None;
        };
        let category = category(&word, &mut notes)?;
        let allow_category_change = request.allow_category_change.unwrap_or(true);
        Some(Request::New(AskForApproval {
            name: request.name,
            category,
            allow_category_change,
            waba: request.waba_id,
            ttl_seconds: request.message_send_ttl_seconds,
        }))
    });
    notes.finish(ask)
}

/// Submit content for approval
///
/// The richest of its types that can become a template is held against Meta's rules, and with errors it stays here; else it is
/// created at Meta. How far it gets is the template's status, in events and below.
#[utoipa::path(
    post,
    path = "/v1/businesses/{business}/contents/{id}/approvals",
    operation_id = "submitContent",
    tag = "Content",
    params(("business" = String, Path, description = "Id of the business"), ("id" = String, Path, description = "Id of the content")),
    request_body(content = ApprovalRequest),
    responses((status = 201, description = "Meta has taken it", body = ApprovalView), TemplateRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn submit(
    State(app): State<App>,
    Authorised(caller): Authorised<TEMPLATES>,
    id: PathId,
    asked: Asked,
) -> Result<Response, Problem> {
    let id = id.parse(missing)?;
    app.service.content(&caller, id).await?;
    match parse(&asked)? {
        Request::New(ask) => {
            let submitted = app.service.submit_content(&caller, id, ask).await?;
            json(StatusCode::CREATED, &ApprovalView::from(&submitted))
        }
        Request::Existing { name, waba } => {
            let followed = app.service.follow_template(&caller, id, &name, waba.as_deref()).await?;
            json(StatusCode::CREATED, &ApprovalView::from(&followed))
        }
    }
}

/// Follow the submissions of a content
///
/// The status is the template's own, wherever it was changed.
#[utoipa::path(
    get,
    path = "/v1/businesses/{business}/contents/{id}/approvals",
    operation_id = "listApprovals",
    tag = "Content",
    params(("business" = String, Path, description = "Id of the business"), ("id" = String, Path, description = "Id of the content")),
    responses((status = 200, description = "All submissions, oldest first", body = ApprovalList), ReadRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn list(
    State(app): State<App>,
    Authorised(caller): Authorised<TEMPLATES>,
    id: PathId,
) -> Result<Response, Problem> {
    let followed = app.service.approvals(&caller, id.parse(missing)?).await?;
    json(StatusCode::OK, &ApprovalList { data: followed.iter().map(ApprovalView::from).collect(), next_page_token: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use transom_domain::error_code::ErrorCode;

    fn asked(body: &Value) -> Asked {
        Asked::of(body.to_string())
    }

    #[test]
    fn a_request_is_read_in_both_spellings() {
        for name in ["allowCategoryChange", "allow_category_change"] {
            let body = json!({ "name": "hi", "category": "utility", name: false, "wabaId": "77" });
            let Request::New(ask) = parse(&asked(&body)).unwrap() else { panic!("not a new one") };
            assert_eq!((ask.name.as_str(), ask.category, ask.allow_category_change), ("hi", Category::Utility, false));
            assert_eq!(ask.waba.as_deref(), Some("77"));
        }
        let plain = parse(&asked(&json!({ "name": "hi", "category": "MARKETING" }))).unwrap();
        assert!(matches!(plain, Request::New(AskForApproval { allow_category_change: true, .. })));
        let existing = parse(&asked(&json!({ "name": "hi", "existing": true }))).unwrap();
        assert!(matches!(existing, Request::Existing { name, waba: None } if name == "hi"));
    }

    #[test]
    fn bad_fields_are_all_named() {
        let refused = parse(&asked(&json!({ "name": "hi", "category": "GREETING", "wabaId": 12, "langage": "en" }))).unwrap_err();
        let fields: Vec<_> = refused.details["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
        assert_eq!(fields, ["langage", "wabaId"]);
        assert_eq!(parse(&asked(&json!({}))).unwrap_err().code, ErrorCode::RequestInvalid);
    }
}
