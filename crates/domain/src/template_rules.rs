//! Meta's quotas and locks on creating, editing and deleting templates, as pure functions over what is known: what would be
//! refused is refused before the call, with the moment from which it will work.
//!
//! Sources: Meta, templates/overview (creations), templates/template-management (edits, deletions, names).

use crate::template::{Approval, Category, Change, HistoryEntry, Template};
use crate::time::{Span, Timestamp};

/// Templates that may be created in one account within [`CREATION_WINDOW`].
pub const CREATIONS_MAX: usize = 100;
/// See [`CREATIONS_MAX`].
pub const CREATION_WINDOW: Span = Span::hours(1);
/// Edits of one approved template within [`EDIT_WINDOW`].
pub const EDITS_MAX: usize = 10;
/// See [`EDITS_MAX`].
pub const EDIT_WINDOW: Span = Span::days(30);
/// Between two edits of one approved template.
pub const EDIT_GAP: Span = Span::hours(24);
/// How long the name of a deleted template that was approved once stays locked.
pub const NAME_LOCK: Span = Span::days(30);

/// Which of Meta's rules stands in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rule {
    /// There is one with this name and language.
    Exists,
    /// All languages of a name have one category.
    OneCategory,
    /// A deleted name is locked.
    NameLock,
    /// A hundred creations an hour.
    Creations,
    /// Only what is approved, rejected or paused can be edited.
    NotEditable,
    /// The category of an approved template stays.
    CategoryFixed,
    /// One edit a day.
    EditADay,
    /// Ten edits in thirty days.
    EditsAMonth,
    /// A disabled template cannot be deleted.
    NotDeletable,
}

impl Rule {
    /// A word for programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exists => "exists",
            Self::OneCategory => "one-category",
            Self::NameLock => "name-lock",
            Self::Creations => "creations-an-hour",
            Self::NotEditable => "not-editable",
            Self::CategoryFixed => "category-fixed",
            Self::EditADay => "one-edit-a-day",
            Self::EditsAMonth => "edits-in-30-days",
            Self::NotDeletable => "not-deletable",
        }
    }

    /// Whether it is a matter of time: a quota or a lock.
    #[must_use]
    pub const fn passes(self) -> bool {
        matches!(self, Self::NameLock | Self::Creations | Self::EditADay | Self::EditsAMonth)
    }
}

/// Why something cannot be done now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Whose rule.
    pub rule: Rule,
    /// One sentence.
    pub why: String,
    /// What to do.
    pub remedy: String,
    /// The moment from which it will work; none when waiting alone does not help.
    pub not_before: Option<Timestamp>,
}

impl Refusal {
    fn new(rule: Rule, why: String, remedy: impl Into<String>) -> Self {
        Self { rule, why, remedy: remedy.into(), not_before: None }
    }

    fn until(self, moment: Timestamp) -> Self {
        Self { not_before: Some(moment), ..self }
    }
}

/// A template of the same name: what a creation has to know of it.
#[derive(Debug, Clone, Copy)]
pub struct Namesake<'a> {
    /// As it stands.
    pub template: &'a Template,
    /// As of when its status is known; for a deleted one, when it was deleted.
    pub status_at: Timestamp,
}

fn living(template: &Template) -> bool {
    template.approval != Approval::Deleted
}

/// Whether a template may be created: `namesakes` are those of the same name in every language, `creations` the moments of
/// the account's creations, in any order.
///
/// # Errors
/// The rule that stands in the way.
pub fn may_create(
    new: (&str, &crate::content::Language, Category),
    namesakes: &[Namesake<'_>],
    creations: &[Timestamp],
    now: Timestamp,
) -> Result<(), Refusal> {
    let (name, language, category) = new;
    let others: Vec<&Template> = namesakes.iter().map(|n| n.template).filter(|t| living(t)).collect();
    if let Some(known) = others.iter().find(|t| t.language == *language) {
        return Err(Refusal::new(
            Rule::Exists,
            format!("There is a template {name} in {language} already; its status is {}.", known.approval.as_str()),
            "Edit it, or choose another name.",
        ));
    }
    // What is being deleted keeps its name for as long, and its category binds nobody.
    let binding = others.iter().find(|t| t.category != category && t.approval != Approval::PendingDeletion);
    if let Some(known) = binding {
        return Err(Refusal::new(
            Rule::OneCategory,
            format!(
                "{name} is {} in {}, and all languages of a name have one category.",
                known.category.as_str(),
                known.language
            ),
            format!("Submit it as {}, or choose another name.", known.category.as_str()),
        ));
    }
    // A language that is added to a living name takes up no locked name but its own.
    let locked = |n: &&Namesake<'_>| {
        !living(n.template) && n.template.life.was_approved && (others.is_empty() || n.template.language == *language)
    };
    let lock = namesakes.iter().filter(locked).map(|n| n.status_at.plus(NAME_LOCK)).max().filter(|until| *until > now);
    if let Some(until) = lock {
        return Err(Refusal::new(
            Rule::NameLock,
            format!("{name} was deleted after it had been approved: the name is locked until {until}."),
            "Choose another name, or wait until then.",
        )
        .until(until));
    }
    quota(creations, CREATIONS_MAX, CREATION_WINDOW, now).map_err(|until| {
        Refusal::new(
            Rule::Creations,
            format!("{CREATIONS_MAX} templates were created in this account within the last hour; the next can be at {until}."),
            "Wait until then.",
        )
        .until(until)
    })
}

/// Whether a template may be edited, and to this category: `history` is its own, in any order.
///
/// # Errors
/// The rule that stands in the way.
pub fn may_edit(
    template: &Template,
    category: Option<Category>,
    history: &[HistoryEntry],
    now: Timestamp,
) -> Result<(), Refusal> {
    let known_as = format!("{} ({})", template.name, template.language);
    match template.approval {
        Approval::Approved | Approval::Rejected | Approval::Paused => {}
        other => {
            return Err(Refusal::new(
                Rule::NotEditable,
                format!("{known_as} cannot be edited while its status is {}.", other.as_str()),
                "Only approved, rejected and paused templates can be edited; wait until the review is over, or make another one.",
            ));
        }
    }
    if category.is_some_and(|category| category != template.category) && template.approval != Approval::Rejected {
        return Err(Refusal::new(
            Rule::CategoryFixed,
            format!("{known_as} is {} and approved: its category cannot be changed.", template.category.as_str()),
            "Leave the category as it is, or make a template with another name.",
        ));
    }
    if template.approval != Approval::Approved {
        return Ok(());
    }
    let counted = |entry: &&HistoryEntry| matches!(entry.change, Change::Edited { from: Approval::Approved, .. });
    let edits: Vec<Timestamp> = history.iter().filter(counted).map(|entry| entry.at).collect();
    let in_month = quota(&edits, EDITS_MAX, EDIT_WINDOW, now).err();
    let in_day = quota(&edits, 1, EDIT_GAP, now).err();
    // The later of the two is the moment from which it will work.
    let rule = match (in_month, in_day) {
        (Some(month), day) if day.is_none_or(|day| month >= day) => Some((Rule::EditsAMonth, month)),
        (_, Some(day)) => Some((Rule::EditADay, day)),
        (_, None) => None,
    };
    match rule {
        None => Ok(()),
        Some((rule, until)) => {
            let what = if rule == Rule::EditADay { "once in 24 hours" } else { "10 times in 30 days" };
            Err(Refusal::new(
                rule,
                format!("An approved template can be edited {what}; {known_as} can be again at {until}."),
                "Wait until then, or make a template with another name.",
            )
            .until(until))
        }
    }
}

/// Whether a template may be deleted.
///
/// # Errors
/// The rule that stands in the way.
pub fn may_delete(template: &Template) -> Result<(), Refusal> {
    match template.approval {
        Approval::Disabled => Err(Refusal::new(
            Rule::NotDeletable,
            format!("{} ({}) is disabled, and Meta keeps what it has disabled.", template.name, template.language),
            "Leave it; it does no harm.",
        )),
        Approval::PendingDeletion => Err(Refusal::new(
            Rule::NotDeletable,
            format!("{} ({}) is being deleted already.", template.name, template.language),
            "Wait; Meta ends the deletion when no message with it is under way.",
        )),
        _ => Ok(()),
    }
}

/// Whether one more fits into a sliding window.
///
/// # Errors
/// The moment from which it does.
fn quota(moments: &[Timestamp], most: usize, window: Span, now: Timestamp) -> Result<(), Timestamp> {
    let mut leaving: Vec<Timestamp> = moments.iter().map(|at| at.plus(window)).filter(|until| *until > now).collect();
    leaving.sort_unstable();
    // One more fits once all but `most - 1` of them have left.
    match leaving.len().checked_sub(most).and_then(|at| leaving.get(at)) {
        Some(until) => Err(*until),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::Language;
    use crate::template::{By, Definition, Life};
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn template(language: &str, approval: Approval) -> Template {
        Template {
            id: "1".into(),
            name: "offer".into(),
            language: Language::parse(language).unwrap(),
            category: Category::Marketing,
            approval,
            reason: None,
            definition: Definition::default(),
            life: Life { was_approved: true, ..Life::default() },
        }
    }

    fn create(namesakes: &[(Template, Timestamp)], creations: &[Timestamp]) -> Result<(), Refusal> {
        let namesakes: Vec<_> =
            namesakes.iter().map(|(template, status_at)| Namesake { template, status_at: *status_at }).collect();
        may_create(("offer", &Language::parse("de").unwrap(), Category::Marketing), &namesakes, creations, NOW)
    }

    fn edited(ago: Span) -> HistoryEntry {
        let change = Change::Edited { version: 2, from: Approval::Approved, before: None };
        HistoryEntry { at: NOW.minus(ago), by: By::Elsewhere, change }
    }

    #[test]
    fn a_deleted_name_is_locked_for_thirty_days() {
        let gone = |language, ago| (template(language, Approval::Deleted), NOW.minus(ago));
        let refused = create(&[gone("de", Span::days(1))], &[]).unwrap_err();
        assert_eq!((refused.rule, refused.not_before), (Rule::NameLock, Some(NOW.plus(Span::days(29)))));
        assert!(refused.why.contains(&NOW.plus(Span::days(29)).to_string()));
        assert_eq!(create(&[gone("de", Span::days(30))], &[]), Ok(()));
        // The name as a whole, unless another language of it lives.
        assert_eq!(create(&[gone("en", Span::days(1))], &[]).unwrap_err().rule, Rule::NameLock);
        let alive = (template("fr", Approval::Approved), NOW);
        assert_eq!(create(&[gone("en", Span::days(1)), alive.clone()], &[]), Ok(()));
        assert_eq!(create(&[gone("de", Span::days(1)), alive], &[]).unwrap_err().rule, Rule::NameLock);
        // What was never approved locks nothing.
        let mut rejected = gone("de", Span::days(1));
        rejected.0.life.was_approved = false;
        assert_eq!(create(&[rejected], &[]), Ok(()));
    }

    #[test]
    fn what_is_there_stands_in_the_way() {
        assert_eq!(create(&[(template("de", Approval::Rejected), NOW)], &[]).unwrap_err().rule, Rule::Exists);
        let mut utility = template("en", Approval::Pending);
        utility.category = Category::Utility;
        assert_eq!(create(&[(utility, NOW)], &[]).unwrap_err().rule, Rule::OneCategory);
    }

    #[test]
    fn a_hundred_an_hour() {
        let mut creations: Vec<Timestamp> = (0..100).map(|n| NOW.minus(Span::minutes(30)).plus(Span::secs(n))).collect();
        let refused = create(&[], &creations).unwrap_err();
        assert_eq!(refused.not_before, Some(NOW.plus(Span::minutes(30))));
        creations.push(NOW);
        assert_eq!(create(&[], &creations).unwrap_err().not_before, Some(NOW.plus(Span::minutes(30)).plus(Span::secs(1))));
        creations.truncate(99);
        assert_eq!(create(&[], &creations), Ok(()));
    }

    #[test]
    fn edits_of_what_is_approved_are_counted() {
        let approved = template("de", Approval::Approved);
        let edit = |history: &[HistoryEntry]| may_edit(&approved, None, history, NOW);
        assert_eq!(edit(&[edited(Span::hours(24))]), Ok(()));
        let refused = edit(&[edited(Span::hours(23))]).unwrap_err();
        assert_eq!((refused.rule, refused.not_before), (Rule::EditADay, Some(NOW.plus(Span::hours(1)))));
        let ten: Vec<_> = (2..12).map(|n| edited(Span::days(n))).collect();
        let refused = edit(&ten).unwrap_err();
        assert_eq!((refused.rule, refused.not_before), (Rule::EditsAMonth, Some(NOW.plus(Span::days(19)))));
        assert_eq!(edit(&ten[..9]), Ok(()));
        // Edits of what is rejected are free, and count for nothing.
        let free = HistoryEntry {
            change: Change::Edited { version: 2, from: Approval::Rejected, before: None },
            ..edited(Span::hours(1))
        };
        assert_eq!(edit(&[free]), Ok(()));
        let rejected = template("de", Approval::Rejected);
        assert_eq!(may_edit(&rejected, Some(Category::Utility), &[edited(Span::hours(1))], NOW), Ok(()));
    }

    #[test]
    fn statuses_and_categories_decide() {
        let allowed = [Approval::Approved, Approval::Rejected, Approval::Paused];
        for approval in [
            Approval::Pending,
            Approval::Approved,
            Approval::Rejected,
            Approval::Paused,
            Approval::Disabled,
            Approval::InAppeal,
            Approval::PendingDeletion,
            Approval::Deleted,
            Approval::LimitExceeded,
            Approval::Archived,
            Approval::Unknown,
        ] {
            let template = template("de", approval);
            let result = may_edit(&template, None, &[], NOW);
            assert_eq!(result.is_ok(), allowed.contains(&approval), "{approval:?}: {result:?}");
            let kept = matches!(approval, Approval::Disabled | Approval::PendingDeletion);
            assert_eq!(may_delete(&template).is_err(), kept, "{approval:?}");
        }
        let approved = template("de", Approval::Approved);
        assert_eq!(may_edit(&approved, Some(Category::Marketing), &[], NOW), Ok(()));
        assert_eq!(may_edit(&approved, Some(Category::Utility), &[], NOW).unwrap_err().rule, Rule::CategoryFixed);
    }

    proptest! {
        /// The moment that is named is the first at which it works.
        #[test]
        fn the_moment_named_is_the_first(ages in proptest::collection::vec(0..40i64 * 86_400, 0..40), most in 1..12usize) {
            let moments: Vec<Timestamp> = ages.iter().map(|age| NOW.minus(Span::secs(*age))).collect();
            if let Err(until) = quota(&moments, most, EDIT_WINDOW, NOW) {
                prop_assert!(until > NOW);
                prop_assert!(quota(&moments, most, EDIT_WINDOW, until).is_ok());
                prop_assert!(quota(&moments, most, EDIT_WINDOW, until.minus(Span::millis(1))).is_err());
            }
        }
    }
}
