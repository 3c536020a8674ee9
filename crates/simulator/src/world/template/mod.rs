//! Templates: what Meta has on file, and in which state of review.

pub(crate) mod authentication;
pub(crate) mod buttons;
mod category;
pub(crate) mod create;
mod filing;
mod format;
pub(crate) mod languages;
pub(crate) mod library;
mod pacing;
pub(crate) mod quality;
mod removal;
pub(crate) mod review;
pub(crate) mod rules;
pub(crate) mod send;
pub(crate) mod spec;
mod tell;
pub(crate) mod text;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use spec::Spec;

/// What Meta files a template under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Category {
    Authentication,
    Marketing,
    Utility,
}

impl Category {
    pub(crate) const ALL: [&'static str; 3] = ["AUTHENTICATION", "MARKETING", "UTILITY"];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Authentication => "AUTHENTICATION",
            Self::Marketing => "MARKETING",
            Self::Utility => "UTILITY",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_uppercase().as_str() {
            "AUTHENTICATION" => Some(Self::Authentication),
            "MARKETING" => Some(Self::Marketing),
            "UTILITY" => Some(Self::Utility),
            _ => None,
        }
    }
}

/// How placeholders are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Format {
    Positional,
    Named,
}

/// Where a template stands. Only `APPROVED` can be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Standing {
    Pending,
    Approved,
    Rejected,
    Paused,
    Disabled,
    InAppeal,
    PendingDeletion,
}

impl Standing {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Approved => "APPROVED",
            Self::Rejected => "REJECTED",
            Self::Paused => "PAUSED",
            Self::Disabled => "DISABLED",
            Self::InAppeal => "IN_APPEAL",
            Self::PendingDeletion => "PENDING_DELETION",
        }
    }
}

/// What an appeal is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Appeal {
    Rejected,
    Disabled,
    Category,
}

/// The approved version of a template whose edit is being reviewed: what sends are held against until then.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct InForce {
    pub(crate) format: Format,
    pub(crate) components: Vec<Value>,
    pub(crate) ttl_seconds: Option<i64>,
    /// Derived from the components.
    #[serde(skip)]
    pub(crate) spec: Spec,
}

/// A template.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Template {
    pub(crate) id: u64,
    pub(crate) waba: u64,
    pub(crate) name: String,
    pub(crate) language: String,
    pub(crate) category: Category,
    pub(crate) previous_category: Option<Category>,
    pub(crate) correct_category: Option<Category>,
    /// When the announced recategorisation is carried out.
    pub(crate) recategorise_at: Option<i64>,
    /// When the last one was.
    #[serde(default)]
    pub(crate) recategorised_at: Option<i64>,
    #[serde(default)]
    pub(crate) appeal: Option<Appeal>,
    pub(crate) format: Format,
    /// As read back, types in upper case.
    pub(crate) components: Vec<Value>,
    #[serde(default)]
    pub(crate) in_force: Option<InForce>,
    pub(crate) standing: Standing,
    pub(crate) rejected_reason: Option<String>,
    pub(crate) quality: String,
    /// When it got this score.
    #[serde(default)]
    pub(crate) quality_at: i64,
    pub(crate) pauses: u32,
    pub(crate) resume_at: Option<i64>,
    pub(crate) review_at: Option<i64>,
    pub(crate) ttl_seconds: Option<i64>,
    /// `cta_url_link_tracking_opted_out`.
    #[serde(default)]
    pub(crate) untracked: bool,
    /// The template of Meta's library that it was made from.
    #[serde(default)]
    pub(crate) library: Option<String>,
    /// The forms that came with it.
    #[serde(default)]
    pub(crate) flows: Vec<u64>,
    pub(crate) created: i64,
    /// When it was edited while approved, for the limits on that.
    pub(crate) edits: Vec<i64>,
    /// Kept after that, so that the name stays taken for 30 days.
    pub(crate) deleted_at: Option<i64>,
    /// Its messages that were on their way when it was deleted, and still are: until they arrive it is on file.
    #[serde(default)]
    pub(crate) undelivered: Vec<u64>,
    pub(crate) was_approved: bool,
    /// How many sends still go while it is paced; those after them are held.
    #[serde(default)]
    pub(crate) portion: Option<u32>,
    /// Messages that are held.
    #[serde(default)]
    pub(crate) held: Vec<u64>,
    /// Derived from the components.
    #[serde(skip)]
    pub(crate) spec: Spec,
}

/// What `fields=` can name: WA templates/template-management.
pub(crate) const FIELDS: &[&str] = &[
    "id",
    "name",
    "language",
    "status",
    "category",
    "parameter_format",
    "components",
    "sub_category",
    "previous_category",
    "correct_category",
    "message_send_ttl_seconds",
    "rejected_reason",
    "specific_rejection_reason",
    "quality_score",
    "cta_url_link_tracking_opted_out",
    "library_template_name",
    "degrees_of_freedom_spec",
    "last_updated_time",
];

impl Template {
    /// One field of it, as `fields=` names it.
    fn field(&self, name: &str) -> Option<Value> {
        Some(match name {
            "id" => json!(self.id.to_string()),
            "name" => json!(self.name),
            "language" => json!(self.language),
            "status" => json!(self.standing.as_str()),
            "category" => json!(self.category.as_str()),
            "parameter_format" => json!(self.format),
            "components" => json!(self.components),
            "sub_category" => json!("CUSTOM"),
            "previous_category" => json!(self.previous_category?.as_str()),
            "correct_category" => json!(self.correct_category?.as_str()),
            "message_send_ttl_seconds" => json!(self.ttl_seconds?),
            "rejected_reason" => json!(self.rejected_reason.as_deref().unwrap_or("NONE")),
            "quality_score" => json!({ "score": self.quality, "date": self.quality_at / 1_000 }),
            "cta_url_link_tracking_opted_out" => json!(self.untracked),
            "library_template_name" => json!(self.library.as_ref()?),
            _ => return None,
        })
    }

    /// The template as Graph answers it; the id always comes along.
    pub(crate) fn shown(&self, fields: &[String]) -> Value {
        const DEFAULT: [&str; 7] = ["name", "parameter_format", "components", "language", "status", "category", "id"];
        let mut object = Map::new();
        let mut add = |name: &str| {
            if let Some(value) = self.field(name) {
                object.insert(name.to_owned(), value);
            }
        };
        if fields.is_empty() {
            DEFAULT.iter().for_each(|name| add(name));
        } else {
            fields.iter().for_each(|name| add(name));
            add("id");
        }
        Value::Object(object)
    }

    /// Whether it is gone from lists and lookups.
    pub(crate) const fn is_gone(&self) -> bool {
        self.deleted_at.is_some() && self.undelivered.is_empty()
    }

    /// What a send is held against: nothing when it cannot be sent.
    pub(crate) fn sendable(&self) -> Option<(&Spec, Format, Option<i64>)> {
        match (&self.in_force, self.standing) {
            (Some(version), Standing::Pending) => Some((&version.spec, version.format, version.ttl_seconds)),
            (_, Standing::Approved) => Some((&self.spec, self.format, self.ttl_seconds)),
            _ => None,
        }
    }

    /// Everything it says, in lower case.
    pub(crate) fn words(&self) -> String {
        let header = match &self.spec.header {
            Some(spec::Header::Text(text)) => text.text.as_str(),
            _ => "",
        };
        let cards = self.spec.cards.iter().map(|card| card.body.text.as_str()).collect::<Vec<_>>().join("\n");
        [header, &self.spec.body.text, self.spec.footer.as_deref().unwrap_or(""), &cards].join("\n").to_lowercase()
    }

    /// The wording that must differ between templates of one language.
    pub(crate) fn wording(&self) -> (&str, &str) {
        (self.spec.body.text.as_str(), self.spec.footer.as_deref().unwrap_or(""))
    }
}
