//! Templates: what Meta has on file, and in which state of review.

pub(crate) mod authentication;
pub(crate) mod buttons;
pub(crate) mod create;
pub(crate) mod languages;
pub(crate) mod life;
mod pacing;
pub(crate) mod send;
pub(crate) mod spec;
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
}

impl Standing {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Approved => "APPROVED",
            Self::Rejected => "REJECTED",
            Self::Paused => "PAUSED",
            Self::Disabled => "DISABLED",
        }
    }
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
    pub(crate) format: Format,
    /// As read back, types in upper case.
    pub(crate) components: Vec<Value>,
    pub(crate) standing: Standing,
    pub(crate) rejected_reason: Option<String>,
    pub(crate) quality: String,
    pub(crate) pauses: u32,
    pub(crate) resume_at: Option<i64>,
    pub(crate) review_at: Option<i64>,
    pub(crate) ttl_seconds: Option<i64>,
    pub(crate) created: i64,
    /// When it was edited while approved, for the limits on that.
    pub(crate) edits: Vec<i64>,
    /// Gone from lists and lookups; kept so that the name stays taken for 30 days.
    pub(crate) deleted_at: Option<i64>,
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
            "previous_category" => json!(self.previous_category?.as_str()),
            "correct_category" => json!(self.correct_category?.as_str()),
            "message_send_ttl_seconds" => json!(self.ttl_seconds?),
            "rejected_reason" => json!(self.rejected_reason.as_deref().unwrap_or("NONE")),
            "quality_score" => json!({ "score": self.quality, "date": self.created / 1_000 }),
            "cta_url_link_tracking_opted_out" => json!(false),
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

    /// The wording that must differ between templates of one language.
    pub(crate) fn wording(&self) -> (&str, &str) {
        (self.spec.body.text.as_str(), self.spec.footer.as_deref().unwrap_or(""))
    }
}
