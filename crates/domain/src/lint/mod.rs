//! The linter: Meta's rules for templates, held against a draft before Meta sees it.
//!
//! It needs no account and no network. Every rule is a line of [`Rule`], with its document; each stands in one place here. What it
//! does not look at: shapes that cannot be read at all (the wire crate refuses them), the fields of content types
//! ([`Content::check`](crate::content::Content::check)), and what depends on what else is on file (names in use, quotas, duplicates).

mod buttons;
mod category;
mod content;
mod finding;
mod kinds;
pub mod languages;
pub mod limits;
mod links;
mod parts;
mod places;
mod variables;
mod words;

use crate::content::Language;
use crate::template::{Category, Definition};

pub use content::{Submission, content, submittable};
pub use finding::{Finding, Rule, Severity};
pub use places::in_components;

use finding::Notes;

/// Buttons and cards beyond this many are counted, not looked at one by one: far more than any template may have.
const LOOKED_AT: usize = 100;

/// A template that is to be created, or as it will be after an edit.
#[derive(Debug, Clone, Copy)]
pub struct Draft<'a> {
    /// Its name.
    pub name: &'a str,
    /// The language of its texts.
    pub language: &'a Language,
    /// Its category.
    pub category: Category,
    /// What it consists of.
    pub definition: &'a Definition,
    /// Seconds for which Meta tries to deliver; none for Meta's default.
    pub ttl_seconds: Option<i64>,
}

/// Who wrote a definition, and so who counts its variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// Written as a template: numbers and names are Meta's.
    Template,
    /// Made from content: numbered when it is submitted.
    Content,
}

/// What all rules look at.
#[derive(Debug, Clone, Copy)]
struct Case<'a> {
    definition: &'a Definition,
    category: Category,
    origin: Origin,
}

/// Looks at a template. Fields are named by part and by Meta's member: `body.text`, `buttons[2].url`, `cards[1].body.text`,
/// `name`; [`in_components`] turns them into paths of Meta's array.
#[must_use]
pub fn template(draft: &Draft<'_>) -> Vec<Finding> {
    let mut found = approval_name(draft.name);
    let case = Case { definition: draft.definition, category: draft.category, origin: Origin::Template };
    found.extend(look(case, draft.language, draft.ttl_seconds));
    found
}

/// Looks at the name of a template.
#[must_use]
pub fn approval_name(name: &str) -> Vec<Finding> {
    let mut notes = Notes::default();
    let length = name.chars().count();
    if length == 0 || length > limits::NAME {
        notes.note(
            Rule::NameLength,
            "name",
            format!("The name has {length} characters, 1 to {} are allowed.", limits::NAME),
            "Choose another, such as order_update.",
        );
    }
    if let Some(wrong) = name.chars().find(|c| !(c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '_')) {
        notes.note(
            Rule::NameCharset,
            "name",
            format!("The name has {wrong:?} in it."),
            "Use lower-case letters, digits and underscores, such as order_update.",
        );
    }
    notes.into_findings()
}

fn look(case: Case<'_>, language: &Language, ttl_seconds: Option<i64>) -> Vec<Finding> {
    let mut notes = Notes::default();
    if !languages::is_supported(language.as_str()) {
        let fix = match languages::nearest(language.as_str()) {
            Some(code) => format!("Use a code of Meta's list, such as {code}."),
            None => "Use a code of Meta's list, such as en_US.".to_owned(),
        };
        notes.note(Rule::LanguageUnsupported, "language", format!("Meta has no templates in {language}."), fix);
    }
    time_to_live(case.category, ttl_seconds, &mut notes);
    if case.category == Category::Authentication {
        kinds::authentication(case, &mut notes);
    } else {
        parts::look(case, &mut notes);
        buttons::look(case, &mut notes);
        kinds::carousel(case, &mut notes);
        kinds::offer(case, &mut notes);
        kinds::product(case, &mut notes);
        category::purpose(case, language, &mut notes);
        category::script(case, language, &mut notes);
    }
    notes.into_findings()
}

fn time_to_live(category: Category, seconds: Option<i64>, notes: &mut Notes) {
    let Some(seconds) = seconds else { return };
    let range = limits::ttl_seconds(category);
    // -1 stands for 30 days.
    if range.contains(&seconds) || (seconds == -1 && category != Category::Marketing) {
        return;
    }
    notes.note(
        Rule::TtlRange,
        "message_send_ttl_seconds",
        format!("A time to live of {seconds} seconds is not possible for {}.", category.as_str()),
        format!("Give {} to {} seconds, or leave it out.", range.start(), range.end()),
    );
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
