//! What is wrong with a field: where, which rule, and what to do.

use serde::Serialize;

/// One finding about one field of an input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// Path of the field, such as `content.types.twilio/text.body`.
    pub field: String,
    /// The rule that does not hold, as a sentence.
    pub rule: String,
    /// What to do about it.
    pub remedy: String,
}

/// Collects findings under a path, so that a caller hears of all of them at once.
#[derive(Debug, Default)]
pub struct Findings {
    prefix: String,
    found: Vec<FieldError>,
}

impl Findings {
    /// Starts with the path of the object that is looked at; may be empty.
    #[must_use]
    pub fn under(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned(), found: Vec::new() }
    }

    /// Notes a finding at `field`, relative to the present path.
    pub fn note(&mut self, field: &str, rule: impl Into<String>, remedy: impl Into<String>) {
        let field = join(&self.prefix, field);
        self.found.push(FieldError { field, rule: rule.into(), remedy: remedy.into() });
    }

    /// Looks at a part with its own path.
    pub fn within(&mut self, part: &str, look: impl FnOnce(&mut Self)) {
        let outer = std::mem::take(&mut self.prefix);
        self.prefix = join(&outer, part);
        look(self);
        self.prefix = outer;
    }

    /// Requires at most `max` characters (Unicode scalar values).
    pub fn at_most(&mut self, field: &str, text: &str, max: usize) {
        let length = text.chars().count();
        if length > max {
            self.note(field, format!("has {length} characters, at most {max} are allowed"), "shorten the text");
        }
    }

    /// Requires some text and at most `max` characters.
    pub fn required(&mut self, field: &str, text: &str, max: usize) {
        if text.trim().is_empty() {
            self.note(field, "must not be empty", "give a text");
        }
        self.at_most(field, text, max);
    }

    /// `Ok` when nothing was found.
    ///
    /// # Errors
    /// All findings, in the order in which they were noted.
    pub fn result<T>(self, value: T) -> Result<T, Vec<FieldError>> {
        if self.found.is_empty() { Ok(value) } else { Err(self.found) }
    }

    /// Whether nothing was found yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }
}

fn join(prefix: &str, field: &str) -> String {
    match (prefix.is_empty(), field.is_empty()) {
        (true, _) => field.to_owned(),
        (_, true) => prefix.to_owned(),
        _ => format!("{prefix}.{field}"),
    }
}
