//! Templates: what is done to them at Meta, and what became of them.

use serde::{Deserialize, Serialize};

use transom_domain::content::Language;
use transom_domain::id::BusinessId;
use transom_domain::template::{Approval, By, Category, Definition, Template};
use transom_domain::template_rules::Refusal;
use transom_domain::time::{Span, Timestamp};

/// The most lines that one template's history keeps; a template that changes twice a day for half a year has as many.
pub const HISTORY_MAX: usize = 400;
/// How long a line of a history is kept: far longer than Meta's quotas look back.
pub const HISTORY_KEEP: Span = Span::days(400);

/// A template, as callers and Meta name it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TemplateKey {
    /// Whose.
    pub business: BusinessId,
    /// WhatsApp Business Account.
    pub waba: String,
    /// Name.
    pub name: String,
    /// Language.
    pub language: Language,
}

/// A call that changes a template at Meta.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "action")]
pub enum TemplateAction {
    /// Create it.
    Create {
        /// Category asked for.
        category: Category,
        /// What it is to consist of.
        definition: Definition,
        /// Seconds for which Meta is to try to deliver it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ttl_seconds: Option<i64>,
    },
    /// Edit it; at least one of these is given.
    Edit {
        /// Another category.
        category: Option<Category>,
        /// Another content, whole.
        definition: Option<Definition>,
        /// Another time to live.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ttl_seconds: Option<i64>,
    },
    /// Delete it, in this language.
    Delete,
}

impl TemplateAction {
    /// A word for answers.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Create { .. } => "create",
            Self::Edit { .. } => "edit",
            Self::Delete => "delete",
        }
    }
}

/// A call that is going to be made, or was made and whose answer is not known: committed before it leaves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TemplateIntent {
    /// Which template.
    pub key: TemplateKey,
    /// What.
    #[serde(flatten)]
    pub action: TemplateAction,
    /// Who wants it.
    pub by: By,
    /// When.
    pub at: Timestamp,
}

/// Whether a call may be made.
#[derive(Debug, Clone, PartialEq)]
pub enum Begun {
    /// It may: the intent is stored. With the template as it stands, where there is one.
    Begun(Option<Box<Template>>),
    /// An earlier call has no outcome yet.
    UnderWay(Box<TemplateIntent>),
    /// One of Meta's rules stands in the way. With the template as it stands, where there is one.
    Refused(Refusal, Option<Box<Template>>),
    /// There is no such template.
    Missing,
}

/// What became of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TemplateOutcome {
    /// Meta has it.
    Created {
        /// Meta's id.
        id: String,
        /// Its status.
        approval: Approval,
        /// The category that Meta has filed it under.
        category: Category,
    },
    /// Meta has taken the edit.
    Edited,
    /// Meta has deleted it.
    Deleted,
    /// Nothing was done.
    NotDone,
}

/// What a business says of a template itself; Meta knows nothing of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PutTwin {
    /// Stored.
    Stored,
    /// There is no such template.
    Missing,
    /// The twin is no template of the account, or is the template itself.
    NoTwin,
}
