//! A template as our API shows it.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use transom_domain::content::Language;
use transom_domain::lint::{Finding, Severity};
use transom_domain::message::TemplateName;
use transom_domain::template::{APPEAL_LINK, By, Change, Definition, HistoryEntry, ParameterFormat, Quality, Template};
use transom_domain::time::Timestamp;
use transom_store::TemplateIntent;

use super::common::rfc3339;
use super::events::change_json;
use super::verdict::word;
use crate::service::TemplatePage;

/// A template as it stands at Meta.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Template)]
pub(crate) struct TemplateView {
    /// Meta's id.
    id: String,
    /// WhatsApp Business Account.
    waba_id: String,
    /// Name, unique with the language.
    name: String,
    /// Language of its texts.
    language: String,
    /// `MARKETING`, `UTILITY` or `AUTHENTICATION`.
    category: &'static str,
    /// Meta's word: `PENDING`, `APPROVED`, `REJECTED`, `PAUSED`, `DISABLED`, `IN_APPEAL`, `PENDING_DELETION`, `DELETED`,
    /// `LIMIT_EXCEEDED` or `ARCHIVED`.
    status: &'static str,
    /// Whether it can be sent: approved, or an edit of what is approved is under review.
    sendable: bool,
    /// The status in plain words.
    explanation: String,
    /// What to do about it; null when nothing is to be done.
    remedy: Option<&'static str>,
    /// Meta's reason, in its own word.
    reason: Option<String>,
    /// Meta's sentences on a rejection: `reason`, `recommendation`.
    #[schema(value_type = Option<Object>)]
    rejection: Value,
    /// Where an appeal can be filed, when one can.
    appeal_link: Option<&'static str>,
    /// `GREEN`, `YELLOW`, `RED` or `UNKNOWN`; null when Meta never said.
    quality: Option<&'static str>,
    /// When a pause ends, at the latest.
    paused_until: Option<String>,
    /// The day on which Meta disables it, in Meta's writing.
    disable_date: Option<String>,
    /// The category before.
    previous_category: Option<&'static str>,
    /// An announced category: `category`, and `at`, from when on, where told.
    #[schema(value_type = Option<Object>)]
    next_category: Value,
    /// The template that steps in while this one cannot be sent: `name`, `language`.
    #[schema(value_type = Option<Object>)]
    twin: Value,
    /// Number of the version in force; messages say which one they used.
    version: u32,
    /// `POSITIONAL` or `NAMED`.
    parameter_format: &'static str,
    /// The version in force, as Meta writes components.
    #[schema(value_type = Vec<Object>)]
    components: Value,
    /// Seconds for which Meta tries to deliver it; null for Meta's default.
    message_send_ttl_seconds: Option<i64>,
    /// An edit that is not in force: `version`, `components`, `since`.
    #[schema(value_type = Option<Object>)]
    under_review: Value,
    /// A call for it whose answer was lost, and is not settled yet: `action` (`create`, `edit` or `delete`), `since`.
    #[schema(value_type = Option<Object>)]
    under_way: Value,
    /// Since when it is known here.
    created_at: String,
    /// When it last changed.
    updated_at: String,
}

/// Meta's components of a definition.
pub(crate) fn components(definition: &Definition) -> Value {
    Value::Array(transom_meta::templates::components(definition))
}

const fn format_word(format: ParameterFormat) -> &'static str {
    match format {
        ParameterFormat::Positional => "POSITIONAL",
        ParameterFormat::Named => "NAMED",
    }
}

impl TemplateView {
    /// What is known of a template.
    pub(crate) fn new(template: &Template, under_way: Option<&TemplateIntent>, waba: &str) -> Self {
        let words = template.in_words();
        let life = &template.life;
        let name = |twin: &TemplateName| json!({ "name": twin.name, "language": twin.language.as_str() });
        Self {
            id: template.id.clone(),
            waba_id: waba.to_owned(),
            name: template.name.clone(),
            language: template.language.to_string(),
            category: template.category.as_str(),
            status: template.approval.as_str(),
            sendable: template.sendable(),
            explanation: words.explanation,
            remedy: words.remedy,
            reason: template.reason.clone(),
            rejection: word(&life.rejection.as_ref().map(|r| json!({ "reason": r.reason, "recommendation": r.recommendation }))),
            appeal_link: words.can_appeal.then_some(APPEAL_LINK),
            quality: life.quality.map(Quality::as_str),
            paused_until: life.paused_until.map(rfc3339),
            disable_date: life.disable_on.clone(),
            previous_category: life.previous_category.map(|category| category.as_str()),
            next_category: word(
                &life.next_category.map(|next| json!({ "category": next.category.as_str(), "at": next.at.map(rfc3339) })),
            ),
            twin: word(&life.twin.as_ref().map(name)),
            version: life.version,
            parameter_format: format_word(template.definition.format),
            components: components(&template.definition),
            message_send_ttl_seconds: life.ttl_seconds,
            under_review: word(&life.edit.as_ref().map(|edit| {
                json!({
                    "version": edit.version,
                    "components": components(&edit.definition),
                    "since": rfc3339(edit.since),
                })
            })),
            under_way: word(&under_way.map(under_way_json)),
            created_at: rfc3339(life.since),
            updated_at: rfc3339(life.changed_at),
        }
    }

    /// The templates of a page.
    pub(crate) fn of_page(page: &TemplatePage) -> Vec<Self> {
        let open: &BTreeMap<(String, Language), TemplateIntent> = &page.under_way;
        let under_way = |t: &Template| open.get(&(t.name.clone(), t.language.clone()));
        page.templates.iter().map(|template| Self::new(template, under_way(template), &page.waba)).collect()
    }
}

/// A template as JSON.
#[must_use]
pub(crate) fn template_json(template: &Template, under_way: Option<&TemplateIntent>, waba: &str) -> Value {
    word(&TemplateView::new(template, under_way, waba))
}

/// A call without an outcome.
pub(crate) fn under_way_json(intent: &TemplateIntent) -> Value {
    json!({ "action": intent.action.as_str(), "since": rfc3339(intent.at) })
}

/// A moment as it stands in details.
#[must_use]
pub(crate) fn moment_json(moment: Timestamp) -> Value {
    rfc3339(moment).into()
}

/// A rule of Meta's that does not hold.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Finding)]
pub(crate) struct FindingView {
    /// `error`: Meta would refuse it; `warning`: it can be submitted.
    severity: &'static str,
    /// Where, in the form in which it was sent.
    field: String,
    /// The rule, as a word for programs.
    rule: &'static str,
    /// What is wrong.
    message: String,
    /// What to do.
    fix: String,
    /// The document of Meta's that has the rule.
    source: &'static str,
}

impl From<&Finding> for FindingView {
    fn from(finding: &Finding) -> Self {
        Self {
            severity: match finding.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            },
            field: finding.field.clone(),
            rule: finding.rule.as_str(),
            message: finding.message.clone(),
            fix: finding.fix.clone(),
            source: finding.source,
        }
    }
}

/// Findings as JSON.
#[must_use]
pub(crate) fn findings_json(findings: &[Finding]) -> Value {
    word(&findings.iter().map(FindingView::from).collect::<Vec<_>>())
}

/// One thing that happened to a template.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TemplateHistoryEntry)]
pub(crate) struct HistoryView {
    /// When.
    at: String,
    /// `key:` and the id of the key, `meta`, or `elsewhere`: somebody who did not come through here.
    by: String,
    /// `created`, `found`, `edited`, `in_force`, `deleted`, `status`, `flagged`, `quality`, `category_announced`, `category` or
    /// `twin`.
    change: &'static str,
    /// More, by the change: `from`, `to`, `version`, `reason`, `startsAt`, …; of an edit `before`, the components that it changed.
    #[schema(value_type = Object)]
    changed: Value,
}

impl From<&HistoryEntry> for HistoryView {
    fn from(entry: &HistoryEntry) -> Self {
        let mut changed = change_json(&entry.change);
        if let (Change::Edited { before: Some(before), .. }, Value::Object(changed)) = (&entry.change, &mut changed) {
            changed.insert("before".to_owned(), components(before));
        }
        Self {
            at: rfc3339(entry.at),
            by: match entry.by {
                By::Key(key) => format!("key:{key}"),
                By::User(user) => format!("user:{user}"),
                By::Operator => "operator".to_owned(),
                By::Meta => "meta".to_owned(),
                By::Elsewhere => "elsewhere".to_owned(),
            },
            change: entry.change.as_str(),
            changed,
        }
    }
}
