//! Submissions: content that its business has handed to Meta for approval under a name, and how far that got.
//!
//! What Meta says of it is the template's status, which lives with the template: a submission only knows which template is its
//! own, so that the two cannot drift apart.

use crate::content::{Content, ContentType, Language};
use crate::id::ContentId;
use crate::template::{Approval, Category, Template};
use crate::time::{Span, Timestamp};
use crate::translate::to_definition;

/// How long a submission without an answer is believed to be under way: longer than any call to Meta may take. After that it
/// may be made again.
pub const ANSWER_WAIT: Span = Span::minutes(2);

/// One request for approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// What was submitted.
    pub content: ContentId,
    /// To which WhatsApp Business Account.
    pub waba: String,
    /// The template's name.
    pub name: String,
    /// Its language: the content's.
    pub language: Language,
    /// The category that was asked for; the template has the one that Meta gave it.
    pub category: Category,
    /// Which of the content's types.
    pub kind: ContentType,
    /// Whether the caller lets Meta file it under another category.
    pub allow_category_change: bool,
    /// When.
    pub submitted_at: Timestamp,
    /// Meta's id of the template, once Meta has taken it.
    pub template: Option<String>,
}

/// How far a submission got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Meta has not answered, or its answer was lost.
    Submitting,
    /// Meta has it: the status of its template.
    AtMeta(Approval),
}

impl Stage {
    /// Whether this is the end: nothing that Meta has reviewed or will review has this content.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(
            self,
            Self::AtMeta(
                Approval::Rejected | Approval::Disabled | Approval::PendingDeletion | Approval::Deleted | Approval::LimitExceeded
            )
        )
    }

    /// Whether it waits for Meta's word.
    #[must_use]
    pub const fn is_pending(self) -> bool {
        matches!(self, Self::Submitting | Self::AtMeta(Approval::Pending | Approval::InAppeal))
    }
}

impl Submission {
    /// Whether a template of this name and language is the one that came of it. By Meta's id; as long as that is not known, by
    /// what it consists of.
    #[must_use]
    pub fn is(&self, content: &Content, template: &Template) -> bool {
        match &self.template {
            Some(id) => *id == template.id,
            None => {
                let body = content.types.get(&self.kind);
                let definition = body.and_then(|body| to_definition(body, &content.variables));
                definition.is_some_and(|definition| template.definition.says(&definition))
            }
        }
    }

    /// How far it got, by the template that stands under its name and language, if one does.
    #[must_use]
    pub fn stage(&self, content: &Content, template: Option<&Template>) -> Stage {
        match (template, &self.template) {
            (Some(template), _) if self.is(content, template) => Stage::AtMeta(template.approval),
            // Under its name stands another one: its own is gone.
            (Some(_), Some(_)) => Stage::AtMeta(Approval::Deleted),
            (None, Some(_)) => Stage::AtMeta(Approval::Pending),
            (_, None) => Stage::Submitting,
        }
    }

    /// Whether it may be made again, since no answer to it can come any more.
    #[must_use]
    pub fn is_forsaken(&self, stage: Stage, now: Timestamp) -> bool {
        stage == Stage::Submitting && now.since(self.submitted_at) >= ANSWER_WAIT
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::{BodyDefinition, Definition, TextDefinition};
    use serde_json::json;

    fn submission(template: Option<&str>) -> Submission {
        Submission {
            content: ContentId(1),
            waba: "1".into(),
            name: "hello".into(),
            language: Language::parse("en").unwrap(),
            category: Category::Utility,
            kind: ContentType::Text,
            allow_category_change: true,
            submitted_at: Timestamp::from_secs(100),
            template: template.map(Into::into),
        }
    }

    fn template(id: &str, words: &str, approval: Approval) -> Template {
        let body = BodyDefinition::Own(TextDefinition::new(words, vec!["x".into()]));
        serde_json::from_value(json!({
            "id": id, "name": "hello", "language": "en", "category": "MARKETING", "approval": approval,
            "definition": Definition { body, ..Definition::default() },
        }))
        .unwrap()
    }

    #[test]
    fn its_template_is_known_by_id_and_before_that_by_content() {
        let content =
            Content::read(&json!({ "language": "en", "types": { "twilio/text": { "body": "Hi {{name}}." } } }), "").unwrap();
        let same = |approval| template("7", "Hi {{1}}.", approval);
        let other = template("8", "Bye {{1}}.", Approval::Approved);
        let stage = |template: Option<&str>, there: Option<&Template>| submission(template).stage(&content, there);
        assert_eq!(stage(None, None), Stage::Submitting);
        assert_eq!(stage(None, Some(&other)), Stage::Submitting);
        assert_eq!(stage(None, Some(&same(Approval::Approved))), Stage::AtMeta(Approval::Approved));
        assert_eq!(stage(Some("7"), None), Stage::AtMeta(Approval::Pending));
        assert_eq!(stage(Some("7"), Some(&same(Approval::Rejected))), Stage::AtMeta(Approval::Rejected));
        assert_eq!(stage(Some("7"), Some(&other)), Stage::AtMeta(Approval::Deleted));
    }

    #[test]
    fn only_what_nobody_answers_any_more_is_forsaken() {
        let lost = submission(None);
        let at = |seconds: i64| Timestamp::from_secs(100 + seconds);
        assert!(!lost.is_forsaken(Stage::Submitting, at(119)) && lost.is_forsaken(Stage::Submitting, at(120)));
        assert!(!lost.is_forsaken(Stage::AtMeta(Approval::Pending), at(9_999)));
        for approval in [Approval::Pending, Approval::Approved, Approval::Paused, Approval::InAppeal, Approval::Archived] {
            assert!(!Stage::AtMeta(approval).is_over(), "{approval:?}");
        }
        for approval in [Approval::Rejected, Approval::Disabled, Approval::Deleted] {
            assert!(Stage::AtMeta(approval).is_over() && !Stage::AtMeta(approval).is_pending(), "{approval:?}");
        }
    }
}
