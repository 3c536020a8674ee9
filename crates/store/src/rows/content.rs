//! Content, and what of it was submitted.

use transom_domain::content::Language;
use transom_domain::id::{BusinessId, ContentId};
use transom_domain::submission::Submission;

use super::{Result, Seq};
use crate::StoredContent;

/// Rows of content.
pub(crate) trait ContentRows {
    fn content(&self, business: BusinessId, id: ContentId) -> Result<Option<StoredContent>>;
    fn add_content(&mut self, content: &StoredContent) -> Result<()>;
    /// How many contents a business has.
    fn count_contents(&self, business: BusinessId) -> Result<usize>;
    /// Replaces name, content and moment of the change.
    fn set_content(&mut self, content: &StoredContent) -> Result<()>;
    /// Removes content; its submissions stay.
    fn drop_content(&mut self, business: BusinessId, id: ContentId) -> Result<()>;
    /// Contents of a business, newest first, before `before`.
    fn contents(&self, business: BusinessId, before: Option<Seq>, limit: usize) -> Result<Vec<(Seq, StoredContent)>>;
    /// Whether a message that was sent from it waits.
    fn waits_with(&self, content: ContentId) -> Result<bool>;

    /// The submissions of a content, oldest first.
    fn submissions(&self, business: BusinessId, content: ContentId) -> Result<Vec<Submission>>;
    /// The contents that were submitted under a name and language.
    fn submitted_as(&self, business: BusinessId, waba: &str, name: &str, language: &Language) -> Result<Vec<ContentId>>;
    fn put_submission(&mut self, business: BusinessId, submission: &Submission) -> Result<()>;
    /// Removes that one; an earlier one under the same name stays.
    fn drop_submission(&mut self, business: BusinessId, gone: &Submission) -> Result<()>;
}
