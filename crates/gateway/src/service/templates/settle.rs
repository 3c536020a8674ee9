//! Calls whose answer was lost: Meta's list tells by name and language what became of them.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use transom_domain::template::{Approval, LIST_LAG, Template};
use transom_domain::time::Timestamp;
use transom_store::{TemplateAction, TemplateIntent, TemplateKey, TemplateOutcome};

/// The calls that are being made by this process at this moment. A stored intent that is not among them was left behind.
#[derive(Clone, Default)]
pub struct TemplatesUnderWay(Arc<Mutex<BTreeSet<TemplateKey>>>);

/// A template that nobody else may touch until this is dropped.
pub struct Held {
    under_way: TemplatesUnderWay,
    key: TemplateKey,
}

impl TemplatesUnderWay {
    /// Holds a template; none when another call holds it.
    #[must_use]
    pub fn hold(&self, key: &TemplateKey) -> Option<Held> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.insert(key.clone()).then(|| Held { under_way: self.clone(), key: key.clone() })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.under_way.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

/// What Meta's list, read after the call, says of it: what it was to do is there, or it is not. None for an edit that a list
/// does not show which may still be behind: made again it would cost a second of Meta's few edits. Those of what is rejected
/// are not counted.
#[must_use]
pub fn became(intent: &TemplateIntent, list: &[Template], read_at: Timestamp) -> Option<TemplateOutcome> {
    let there = list.iter().find(|t| t.name == intent.key.name && t.language == intent.key.language);
    let living = there.filter(|t| !matches!(t.approval, Approval::Deleted | Approval::PendingDeletion));
    Some(match (&intent.action, living) {
        // One that consists of something else was made by somebody else.
        (TemplateAction::Create { definition, .. }, Some(template)) if template.definition.is_as_asked(definition) => {
            TemplateOutcome::Created { id: template.id.clone(), approval: template.approval, category: template.category }
        }
        (TemplateAction::Edit { category, definition, ttl_seconds }, Some(template)) => {
            let has_category = category.is_none_or(|category| template.category == category);
            let has_content = definition.as_ref().is_none_or(|wanted| template.definition.is_as_asked(wanted));
            let has_ttl = ttl_seconds.is_none_or(|seconds| template.life.ttl_seconds == Some(seconds));
            if has_category && has_content && has_ttl {
                TemplateOutcome::Edited
            } else if template.approval != Approval::Rejected && read_at < shown_by(intent) {
                return None;
            } else {
                TemplateOutcome::NotDone
            }
        }
        (TemplateAction::Delete, None) => TemplateOutcome::Deleted,
        (TemplateAction::Delete | TemplateAction::Create { .. }, Some(_))
        | (TemplateAction::Create { .. } | TemplateAction::Edit { .. }, None) => TemplateOutcome::NotDone,
    })
}

/// From when on Meta's list shows what a call has done.
pub(super) fn shown_by(intent: &TemplateIntent) -> Timestamp {
    intent.at.plus(LIST_LAG)
}

/// Whether two calls ask for the same; samples aside, which have become handles in the one that was made.
pub(super) fn is_same_call(one: &TemplateAction, other: &TemplateAction) -> bool {
    match (one, other) {
        (
            TemplateAction::Create { category, definition, .. },
            TemplateAction::Create { category: other_category, definition: other_definition, .. },
        ) => category == other_category && definition.is_same(other_definition),
        (
            TemplateAction::Edit { category, definition, ttl_seconds },
            TemplateAction::Edit { category: other_category, definition: other_definition, ttl_seconds: other_ttl },
        ) => {
            let has_content = match (definition, other_definition) {
                (Some(one), Some(other)) => one.is_same(other),
                (one, other) => one.is_none() && other.is_none(),
            };
            category == other_category && ttl_seconds == other_ttl && has_content
        }
        (one, other) => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use transom_domain::content::Language;
    use transom_domain::id::BusinessId;
    use transom_domain::template::{BodyDefinition, By, Category, Definition, Life, TextDefinition};

    fn saying(text: &str) -> Definition {
        Definition { body: BodyDefinition::Own(TextDefinition::new(text, Vec::new())), ..Definition::default() }
    }

    fn key() -> TemplateKey {
        let language = Language::parse("en").unwrap();
        TemplateKey { business: BusinessId(1), waba: "4".into(), name: "a".into(), language }
    }

    fn at_meta(approval: Approval, text: &str) -> Template {
        Template {
            id: "7".into(),
            name: "a".into(),
            language: key().language,
            category: Category::Utility,
            approval,
            reason: None,
            definition: saying(text),
            life: Life::default(),
        }
    }

    #[test]
    fn the_list_says_what_became_of_a_call() {
        let at = |action, list: &[Template], read_at: Timestamp| {
            became(&TemplateIntent { key: key(), action, by: By::Meta, at: Timestamp::EPOCH }, list, read_at)
        };
        let late = Timestamp::EPOCH.plus(LIST_LAG);
        let of = |action, list: &[Template]| at(action, list, late).unwrap();
        let create = TemplateAction::Create { category: Category::Utility, definition: saying("x"), ttl_seconds: None };
        let created = TemplateOutcome::Created { id: "7".into(), approval: Approval::Rejected, category: Category::Utility };
        assert_eq!(of(create.clone(), &[at_meta(Approval::Rejected, "x")]), created);
        assert_eq!(of(create.clone(), &[]), TemplateOutcome::NotDone);
        assert_eq!(of(create, &[at_meta(Approval::Approved, "made elsewhere")]), TemplateOutcome::NotDone);
        let edit = TemplateAction::Edit { category: None, definition: Some(saying("y")), ttl_seconds: None };
        assert_eq!(of(edit.clone(), &[at_meta(Approval::Pending, "y")]), TemplateOutcome::Edited);
        assert_eq!(of(edit.clone(), &[at_meta(Approval::Approved, "x")]), TemplateOutcome::NotDone);
        assert_eq!(at(edit.clone(), &[at_meta(Approval::Approved, "x")], Timestamp::EPOCH), None);
        assert_eq!(at(edit.clone(), &[at_meta(Approval::Rejected, "x")], Timestamp::EPOCH), Some(TemplateOutcome::NotDone));
        assert_eq!(of(edit, &[]), TemplateOutcome::NotDone);
        let longer = TemplateAction::Edit { category: None, definition: None, ttl_seconds: Some(60) };
        assert_eq!(of(longer.clone(), &[at_meta(Approval::Approved, "x")]), TemplateOutcome::NotDone);
        let mut lives_long = at_meta(Approval::Approved, "x");
        lives_long.life.ttl_seconds = Some(60);
        assert_eq!(of(longer, &[lives_long]), TemplateOutcome::Edited);
        assert_eq!(of(TemplateAction::Delete, &[]), TemplateOutcome::Deleted);
        assert_eq!(of(TemplateAction::Delete, &[at_meta(Approval::PendingDeletion, "x")]), TemplateOutcome::Deleted);
        assert_eq!(of(TemplateAction::Delete, &[at_meta(Approval::Approved, "x")]), TemplateOutcome::NotDone);
    }

    #[test]
    fn a_template_is_held_by_one() {
        let under_way = TemplatesUnderWay::default();
        let held = under_way.hold(&key()).unwrap();
        assert!(under_way.hold(&key()).is_none());
        drop(held);
        assert!(under_way.hold(&key()).is_some());
    }
}
