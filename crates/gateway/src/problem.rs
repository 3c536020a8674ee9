//! What a caller is told when something cannot be done: one shape inside, spelled by each dialect.

use serde_json::{Map, Value, json};

use transom_domain::error_code::ErrorCode;
use transom_domain::field::FieldError;
use transom_domain::verdict::Verdict;
use transom_store::StoreError;

/// A refusal or a failure, on its way to a caller.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// The exact case.
    pub code: ErrorCode,
    /// One sentence: field, rule, what was seen.
    pub message: String,
    /// What to do; the code's own remedy where there is nothing better to say.
    pub remedy: Option<String>,
    /// More, for programs.
    pub details: Map<String, Value>,
    /// Seconds after which a repetition may succeed.
    pub retry_after: Option<u32>,
}

impl Problem {
    /// A problem with the code's own remedy.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), remedy: None, details: Map::new(), retry_after: None }
    }

    /// With a remedy of its own.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// With one more detail.
    #[must_use]
    pub fn detail(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.details.insert(name.to_owned(), value.into());
        self
    }

    /// With the seconds after which to try again.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Fields that are wrong: `details.errors[]` names each.
    #[must_use]
    pub fn fields(errors: &[FieldError]) -> Self {
        Self::of_fields(ErrorCode::RequestInvalid, errors)
    }

    /// Fields that are wrong, under a code of their own.
    #[must_use]
    pub fn of_fields(code: ErrorCode, errors: &[FieldError]) -> Self {
        let message = match errors.first() {
            Some(first) if first.field.is_empty() => format!("The request {}.", first.rule),
            Some(first) => format!("{}: {}.", first.field, first.rule),
            None => "The request is not valid.".to_owned(),
        };
        let problem = Self::new(code, message).detail("errors", json!(errors));
        match errors.first() {
            Some(first) => problem.remedy(capitalised(&first.remedy)),
            None => problem,
        }
    }

    /// One field that is wrong.
    #[must_use]
    pub fn field(field: &str, rule: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::fields(&[FieldError { field: field.to_owned(), rule: rule.into(), remedy: remedy.into() }])
    }

    /// Nothing is at this path.
    #[must_use]
    pub fn not_found(what: &str) -> Self {
        Self::new(ErrorCode::NotFound, format!("There is no {what} with this id in this business."))
    }

    /// A verdict that does not let the message go.
    #[must_use]
    pub fn refused(verdict: &Verdict, code: ErrorCode) -> Self {
        let remedy = verdict.alternatives.first().map(|a| a.explanation.clone());
        let problem = Self::new(code, verdict.explanation.clone()).detail("verdict", crate::native::verdict_json(verdict));
        match remedy {
            Some(remedy) => problem.remedy(remedy),
            None => problem,
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotHeld => {
                Self::new(ErrorCode::StoreUnavailable, "Another replica has taken this over meanwhile.").retry_after(1)
            }
            StoreError::Busy => {
                crate::telemetry::store_busy();
                Self::new(ErrorCode::Overloaded, "The store has more work than it can take at once; nothing was stored.")
                    .retry_after(1)
            }
            StoreError::Unavailable(why) => {
                tracing::error!(error = %why, "the store cannot commit");
                Self::new(ErrorCode::StoreUnavailable, "The store cannot commit now; nothing was stored.").retry_after(5)
            }
            StoreError::DiskLow { .. } => {
                crate::telemetry::store_busy();
                Self::new(
                    ErrorCode::StoreUnavailable,
                    "The disk is nearly full, and what is left is kept for what is heard; nothing was stored.",
                )
                .remedy("Try again later; the operator must make room on the disk.")
                .retry_after(30)
            }
            StoreError::BadToken => {
                Self::field("pageToken", "is none that a page has given", "pass on `nextPageToken` as it was given")
            }
            StoreError::Corrupt(why) => {
                tracing::error!(error = %why, "the store holds something it should not");
                Self::new(ErrorCode::Unspecified, "An unexpected failure on our side; nothing was stored.")
            }
        }
    }
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    let mut sentence: String = chars.next().into_iter().flat_map(char::to_uppercase).chain(chars).collect();
    if !sentence.ends_with('.') {
        sentence.push('.');
    }
    sentence
}
