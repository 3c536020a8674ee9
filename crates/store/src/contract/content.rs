//! Content that a business keeps, and what of it was handed to Meta for approval.

use transom_domain::content::{Content, ContentType, Language, Needle};
use transom_domain::id::{BusinessId, ContentId};
use transom_domain::submission::{Stage, Submission};
use transom_domain::template::Template;
use transom_domain::time::Timestamp;

/// How many rows one page of contents may look through for those that its filter wants. A page can be shorter than asked, even
/// empty, with a token to go on: so a rare word among many contents costs no more than a common one.
pub const CONTENTS_LOOK_MAX: usize = 1_000;
/// Submissions of one content that are kept: of those that are over the oldest give way.
pub const SUBMISSIONS_MAX: usize = 50;

/// Content as a business keeps it.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredContent {
    /// Names it.
    pub id: ContentId,
    /// Whose.
    pub business: BusinessId,
    /// For people; may be empty.
    pub friendly_name: String,
    /// What it says.
    pub content: Content,
    /// Since when.
    pub created_at: Timestamp,
    /// Since when as it is.
    pub updated_at: Timestamp,
}

/// What a list of contents is narrowed to, and its order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ContentFilter {
    /// Words of its friendly name, of one of its texts, or of a name under which it was submitted.
    pub search: Option<Needle>,
    /// Words of its friendly name, or of a name under which it was submitted.
    pub name: Option<Needle>,
    /// One of these languages; any where there is none.
    pub languages: Vec<Language>,
    /// One of these types is among its own; any where there is none.
    pub kinds: Vec<ContentType>,
    /// How far its submission got ([`Followed::current`]) is one of these, none standing for content that never was submitted; any
    /// where the list is empty.
    pub stages: Vec<Option<Stage>>,
    /// Made then or later.
    pub created_from: Option<Timestamp>,
    /// Made then or earlier.
    pub created_to: Option<Timestamp>,
    /// In which order.
    pub order: ContentOrder,
}

/// The order of a list of contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ContentOrder {
    /// The newest first.
    #[default]
    Newest,
    /// The oldest first.
    Oldest,
    /// The one changed last first.
    ChangedLast,
    /// The one changed longest ago first.
    ChangedFirst,
    /// By friendly name, without regard to case, as far as its first [`NAME_ORDER_CHARS`] characters go.
    Name,
    /// The other way round.
    NameDown,
}

/// Characters of a friendly name that are looked at when contents are put in order by it.
pub const NAME_ORDER_CHARS: usize = 40;

/// A submission, with the template that stands under its name and language.
#[derive(Debug, Clone, PartialEq)]
pub struct Followed {
    /// What was asked.
    pub submission: Submission,
    /// How far it got.
    pub stage: Stage,
    /// The template that came of it, as it stands; none before Meta has it, and after it was deleted and its name given away.
    pub template: Option<Template>,
}

impl Followed {
    /// Of a content's submissions, oldest first, the one that tells how it stands: the last that is not over, else the last.
    #[must_use]
    pub fn current(submissions: &[Self]) -> Option<&Self> {
        submissions.iter().rfind(|followed| !followed.stage.is_over()).or(submissions.last())
    }

    /// Whether its answer was lost, so that the same submission may be made again, under its own name only.
    pub(crate) fn is_made_again_as(&self, waba: &str, name: &str, now: Timestamp) -> bool {
        let Submission { waba: own_waba, name: own_name, .. } = &self.submission;
        own_waba == waba && own_name == name && self.submission.is_forsaken(self.stage, now)
    }

    /// Whether it is in the way of a submission of the same content: it is at the same account, and not over.
    #[must_use]
    pub fn stands_before(&self, waba: &str, name: &str, now: Timestamp) -> bool {
        self.submission.waba == waba && !self.stage.is_over() && !self.is_made_again_as(waba, name, now)
    }
}

/// What became of content that was to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddContent {
    /// It is kept.
    Kept,
    /// Its business has as many as it may have.
    Full,
    /// Its business has content with this id.
    IdTaken,
}

/// What became of a change to content.
#[derive(Debug, Clone, PartialEq)]
pub enum ChangeContent {
    /// Changed.
    Done(StoredContent),
    /// This business has none with this id.
    NotFound,
    /// Its language can never change: it is this one.
    OtherLanguage(Language),
    /// It was submitted, and what Meta reviews or has approved does not change underneath.
    Submitted(Box<Followed>),
}

/// What became of the deletion of content.
#[derive(Debug, Clone, PartialEq)]
pub enum DeleteContent {
    /// Gone, with its submissions. Templates at Meta stay.
    Done,
    /// This business has none with this id.
    NotFound,
    /// It waits for Meta's word.
    Pending(Box<Followed>),
    /// A message that was sent from it waits.
    Waiting,
}

/// What became of a submission that was to begin.
#[derive(Debug, Clone, PartialEq)]
pub enum Submit {
    /// Kept: Meta may now be called.
    Begun,
    /// This business has no such content.
    NotFound,
    /// The content is no longer what was looked at.
    Changed,
    /// The content has a submission at this account already that is not over.
    Live(Box<Followed>),
    /// Other content was submitted under this name and language.
    NameTaken(ContentId),
}
