//! What becomes of a template beside its status: versions, quality, categories, pauses; and the history of it.

use serde::{Deserialize, Serialize};

use super::{Approval, Category, Definition};
use crate::fact::TemplateStatus;
use crate::id::{KeyId, UserId};
use crate::message::TemplateName;
use crate::time::{Span, Timestamp};

/// How customers take a template, as Meta rates it (webhooks/reference/message_template_quality_update).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Quality {
    /// High.
    Green,
    /// Medium.
    Yellow,
    /// Low: the next step is a pause.
    Red,
    /// Not rated yet.
    Unknown,
}

impl Quality {
    /// Meta's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Green => "GREEN",
            Self::Yellow => "YELLOW",
            Self::Red => "RED",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// Reads Meta's word, in either case; a word that nobody knows says nothing.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        [Self::Green, Self::Yellow, Self::Red, Self::Unknown]
            .into_iter()
            .find(|quality| quality.as_str().eq_ignore_ascii_case(word.trim()))
    }
}

/// Why Meta stopped a template for a while (templates/template-pausing).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Pause {
    /// Its quality is low, for the first time: three hours.
    FirstPause,
    /// For the second time: six hours. The third time it is disabled.
    SecondPause,
    /// Its first sends were taken badly while Meta released it in portions: until it is unpaused by hand.
    RateLimitingPause,
}

impl Pause {
    /// Reads the title of `other_info`.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        match word.trim().to_ascii_uppercase().as_str() {
            "FIRST_PAUSE" => Some(Self::FirstPause),
            "SECOND_PAUSE" => Some(Self::SecondPause),
            "RATE_LIMITING_PAUSE" => Some(Self::RateLimitingPause),
            _ => None,
        }
    }

    /// The pause after so many earlier ones, where Meta has not said which it is.
    pub(super) const fn after(pauses: u8) -> Self {
        if pauses == 0 { Self::FirstPause } else { Self::SecondPause }
    }

    /// How long it lasts; none when it ends only by hand.
    #[must_use]
    pub const fn length(self) -> Option<Span> {
        match self {
            Self::FirstPause => Some(Span::hours(3)),
            Self::SecondPause => Some(Span::hours(6)),
            Self::RateLimitingPause => None,
        }
    }
}

/// Meta's own sentences on a rejection (`rejection_info`).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Rejection {
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What Meta recommends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recommendation: Option<String>,
}

/// A category that a template is going to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextCategory {
    /// The category.
    pub category: Category,
    /// From when on, where Meta has said so: 24 hours after the announcement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

/// An edit that Meta has yet to approve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Edit {
    /// The number it will have.
    pub version: u32,
    /// What the template then consists of.
    pub definition: Definition,
    /// Since when.
    pub since: Timestamp,
    /// It is as we wrote it; Meta's own writing has not been read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub as_sent: bool,
}

/// A review, under way or over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// The status of the template before it. What was approved then stays in force meanwhile.
    pub from: Approval,
    /// Since when.
    pub since: Timestamp,
}

/// What has become of a template beside its status.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Life {
    /// Since when it is known here.
    pub since: Timestamp,
    /// When something about it last changed.
    pub changed_at: Timestamp,
    /// The number of the version in force: 1 for the first, one more for each that came after.
    pub version: u32,
    /// The definition in force is as we wrote it; Meta's own writing has not been read.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub as_sent: bool,
    /// An edit under review, or one that was rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edit: Option<Box<Edit>>,
    /// The latest review that followed another status; none when it has only been reviewed as it was created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub review: Option<Review>,
    /// When the latest call that was made for it here had its answer: a reading that began before may show what was before.
    pub answered_at: Timestamp,
    /// When Meta's list was last read and had it in a form that nobody here understands.
    pub unread_at: Timestamp,
    /// What a webhook told of an id that is not (yet) this template's: its name was another's before, or is another's by now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rumour: Option<Box<TemplateStatus>>,
    /// It was approved once: its name is locked after it is deleted.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub was_approved: bool,
    /// How customers take it; none when Meta never said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality: Option<Quality>,
    /// The category before the present one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_category: Option<Category>,
    /// The category that Meta has announced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_category: Option<NextCategory>,
    /// How often it was paused for its quality.
    pub pauses: u8,
    /// When the pause ends, at the latest; none when it is not paused, or ends only by hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused_until: Option<Timestamp>,
    /// Meta's sentences on its rejection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rejection: Option<Rejection>,
    /// When Meta warned that it is going to disable it; none when no such warning stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flagged_at: Option<Timestamp>,
    /// The day on which Meta disables it, in Meta's writing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disable_on: Option<String>,
    /// Seconds for which Meta tries to deliver it; none for Meta's default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl_seconds: Option<i64>,
    /// The template that steps in while this one cannot be sent: the business's own word, Meta knows nothing of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub twin: Option<TemplateName>,
}

/// For how long Meta tries to deliver what goes as no template, and what goes as one that says nothing else: 30 days, and one-time
/// codes 10 minutes (Meta: templates/time-to-live). It says nothing when that is over.
#[must_use]
pub const fn default_time_to_live(category: Option<Category>) -> Span {
    match category {
        Some(Category::Authentication) => Span::minutes(10),
        Some(Category::Marketing | Category::Utility) | None => Span::days(30),
    }
}

impl Life {
    /// For how long Meta tries to deliver it. A template says `-1` where it wants the longest.
    #[must_use]
    pub const fn time_to_live(&self, category: Category) -> Span {
        match self.ttl_seconds {
            Some(seconds) if seconds > 0 => Span::secs(seconds),
            Some(_) => Span::days(30),
            None => default_time_to_live(Some(category)),
        }
    }
}

impl Default for Life {
    fn default() -> Self {
        Self {
            since: Timestamp::EPOCH,
            changed_at: Timestamp::EPOCH,
            version: 1,
            as_sent: false,
            edit: None,
            review: None,
            answered_at: Timestamp::EPOCH,
            unread_at: Timestamp::EPOCH,
            rumour: None,
            was_approved: false,
            quality: None,
            previous_category: None,
            next_category: None,
            pauses: 0,
            paused_until: None,
            rejection: None,
            flagged_at: None,
            disable_on: None,
            ttl_seconds: None,
            twin: None,
        }
    }
}

/// Who did something to a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "by", content = "key")]
pub enum By {
    /// A caller of ours, with this key.
    Key(KeyId),
    /// Somebody in the console.
    User(UserId),
    /// An operator, on the command line.
    Operator,
    /// Meta.
    Meta,
    /// Somebody who did not come through here, such as in WhatsApp Manager.
    Elsewhere,
}

/// One thing that happened to a template.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "change")]
pub enum Change {
    /// It was created through here.
    Created,
    /// It was found at Meta, where it was made without us.
    Found,
    /// It was edited; this version goes to review.
    Edited {
        /// Number of the version.
        version: u32,
        /// Its status before: edits of what is approved are counted.
        from: Approval,
        /// What it consisted of before, or would have by an edit that was in review then; kept in the history alone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<Box<Definition>>,
    },
    /// A version came into force.
    InForce {
        /// Its number.
        version: u32,
    },
    /// It was deleted.
    Deleted,
    /// Its status changed.
    Status {
        /// What it was, where that is known.
        from: Option<Approval>,
        /// What it is.
        to: Approval,
        /// Meta's reason, in its own word.
        reason: Option<String>,
    },
    /// Meta means to disable it.
    Flagged {
        /// The day, in Meta's writing.
        disable_on: Option<String>,
    },
    /// Its rating changed.
    Quality {
        /// What it was, where that is known.
        from: Option<Quality>,
        /// What it is.
        to: Quality,
    },
    /// Meta announces another category.
    CategoryAnnounced {
        /// What it is.
        from: Category,
        /// What it will be.
        to: Category,
        /// From when on, where told.
        starts: Option<Timestamp>,
    },
    /// Its category changed.
    Category {
        /// What it was.
        from: Category,
        /// What it is.
        to: Category,
    },
    /// The business named its twin, or took it back.
    Twin {
        /// The twin.
        twin: Option<TemplateName>,
    },
}

impl Change {
    /// The word in events and in the history.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Found => "found",
            Self::Edited { .. } => "edited",
            Self::InForce { .. } => "in_force",
            Self::Deleted => "deleted",
            Self::Status { .. } => "status",
            Self::Flagged { .. } => "flagged",
            Self::Quality { .. } => "quality",
            Self::CategoryAnnounced { .. } => "category_announced",
            Self::Category { .. } => "category",
            Self::Twin { .. } => "twin",
        }
    }

    /// Without what only the history keeps.
    #[must_use]
    pub fn in_brief(&self) -> Self {
        match self {
            Self::Edited { version, from, .. } => Self::Edited { version: *version, from: *from, before: None },
            other => other.clone(),
        }
    }

    /// Who does such a thing, when nobody has come through here.
    #[must_use]
    pub const fn by(&self) -> By {
        match self {
            Self::Found | Self::Edited { .. } | Self::Created | Self::Twin { .. } | Self::Deleted => By::Elsewhere,
            Self::InForce { .. }
            | Self::Status { .. }
            | Self::Flagged { .. }
            | Self::Quality { .. }
            | Self::CategoryAnnounced { .. }
            | Self::Category { .. } => By::Meta,
        }
    }
}

/// One line of a template's history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// When: by Meta's clock where Meta told, else when it was noticed.
    pub at: Timestamp,
    /// Who.
    pub by: By,
    /// What.
    #[serde(flatten)]
    pub change: Change,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::Language;

    #[test]
    fn every_line_of_a_history_survives_the_store() {
        let twin = TemplateName { name: "b".into(), language: Language::parse("en").unwrap() };
        let changes = [
            Change::Created,
            Change::Found,
            Change::Edited { version: 2, from: Approval::Approved, before: None },
            Change::InForce { version: 2 },
            Change::Deleted,
            Change::Status { from: None, to: Approval::Rejected, reason: Some("SCAM".into()) },
            Change::Flagged { disable_on: Some("tomorrow".into()) },
            Change::Quality { from: Some(Quality::Green), to: Quality::Red },
            Change::CategoryAnnounced { from: Category::Utility, to: Category::Marketing, starts: Some(Timestamp::from_secs(7)) },
            Change::Category { from: Category::Utility, to: Category::Marketing },
            Change::Twin { twin: Some(twin) },
        ];
        for change in changes {
            for by in [By::Key(KeyId(7)), By::Meta, By::Elsewhere] {
                let entry = HistoryEntry { at: Timestamp::from_secs(5), by, change: change.clone() };
                let json = serde_json::to_string(&entry).unwrap();
                assert_eq!(serde_json::from_str::<HistoryEntry>(&json).unwrap(), entry, "{json}");
            }
        }
    }
}
