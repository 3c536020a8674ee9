//! Content, and what of it was submitted.

use transom_domain::content::Language;
use transom_domain::id::{BusinessId, ContentId};
use transom_domain::submission::Submission;
use transom_domain::time::Timestamp;

use super::{Result, Seq};
use crate::{ContentOrder, NAME_ORDER_CHARS, StoredContent};

/// Where content stands in each of the orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ContentPlace {
    pub(crate) seq: Seq,
    /// Decides among those that are equal in an order that is not its age.
    pub(crate) id: ContentId,
    pub(crate) changed: Timestamp,
    pub(crate) name: String,
}

impl ContentPlace {
    pub(crate) fn of(seq: Seq, stored: &StoredContent) -> Self {
        Self { seq, id: stored.id, changed: stored.updated_at, name: name_key(&stored.friendly_name) }
    }
}

/// A friendly name as it is put in order: without regard to case, and bounded.
pub(crate) fn name_key(name: &str) -> String {
    let plain = name.trim().chars().filter(|c| !c.is_control());
    plain.flat_map(char::to_lowercase).take(NAME_ORDER_CHARS).collect()
}

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
    /// Contents of a business in an order, after a place.
    fn contents(
        &self,
        business: BusinessId,
        order: ContentOrder,
        after: Option<&ContentPlace>,
        limit: usize,
    ) -> Result<Vec<(Seq, StoredContent)>>;

    /// The submissions of a content, oldest first.
    fn submissions(&self, business: BusinessId, content: ContentId) -> Result<Vec<Submission>>;
    /// The contents that were submitted under a name and language.
    fn submitted_as(&self, business: BusinessId, waba: &str, name: &str, language: &Language) -> Result<Vec<ContentId>>;
    fn put_submission(&mut self, business: BusinessId, submission: &Submission) -> Result<()>;
    /// Removes that one; an earlier one under the same name stays.
    fn drop_submission(&mut self, business: BusinessId, gone: &Submission) -> Result<()>;
}
