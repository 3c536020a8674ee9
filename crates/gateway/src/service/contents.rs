//! Content that a business keeps: made, read, listed, changed, deleted.

use std::sync::Arc;

use transom_domain::content::Content;
use transom_domain::error_code::ErrorCode;
use transom_domain::id::ContentId;
use transom_domain::submission::Stage;
use transom_domain::template::Approval;
use transom_store::{Action, AddContent, ChangeContent, ContentFilter, DeleteContent, Followed, Page, StoredContent};

use super::Service;
use super::approvals::has_writable_form;
use super::command::Caller;
use super::messages::bounded;
use crate::problem::Problem;

/// Most bytes of a content as JSON: its texts have their own limits, and this one bounds forms of many pages.
const CONTENT_BYTES_MAX: usize = 256 * 1024;

/// Most contents of one business: they are kept until it deletes them.
const CONTENTS_MAX: usize = 10_000;

/// Content to be kept.
#[derive(Debug, Clone)]
pub struct NewContent {
    /// Its id, where its maker has one for it already: content that moves in keeps the id by which programs name it. A change leaves
    /// it out.
    pub id: Option<ContentId>,
    /// For people; may be empty.
    pub friendly_name: String,
    /// What it says, checked.
    pub content: Content,
}

/// This business has no content with this id.
pub(crate) fn missing() -> Problem {
    Problem::not_found("content")
}

impl Service {
    /// Keeps new content.
    ///
    /// # Errors
    /// When it is too large, the business has too many, or the store does not answer.
    pub async fn create_content(&self, caller: &Caller, mut new: NewContent) -> Result<StoredContent, Problem> {
        self.name_files_in(caller, &mut new.content).await?;
        fits(&new.content)?;
        let now = self.now();
        let stored = StoredContent {
            id: new.id.unwrap_or_else(|| ContentId::compose(now, self.chance.draw())),
            business: caller.business,
            friendly_name: new.friendly_name,
            content: new.content,
            created_at: now,
            updated_at: now,
        };
        match self.store.add_content(stored.clone(), CONTENTS_MAX).await? {
            AddContent::Kept => {}
            AddContent::Full => {
                let message = format!("This business has {CONTENTS_MAX} contents already, and may have no more.");
                let remedy = "Delete contents that are not sent any more; one content can say many things by its variables.";
                return Err(Problem::new(ErrorCode::RequestInvalid, message).remedy(remedy));
            }
            AddContent::IdTaken => {
                let message = format!("This business has content with the id {} already.", stored.id);
                return Err(Problem::new(ErrorCode::StateConflict, message).remedy("Change that one, or leave the id out."));
            }
        }
        self.audited(caller, Action::ContentMade, stored.id).await;
        Ok(stored)
    }

    /// One content.
    ///
    /// # Errors
    /// 404 when this business has none with this id.
    pub async fn content(&self, caller: &Caller, id: ContentId) -> Result<StoredContent, Problem> {
        self.store.content(caller.business, id).await?.ok_or_else(missing)
    }

    /// The content that a send names.
    ///
    /// # Errors
    /// 400 that names `contentId`, when this business has none with this id.
    pub(super) async fn content_to_send(&self, caller: &Caller, id: ContentId) -> Result<Arc<StoredContent>, Problem> {
        let found = self.kept.read(&*self.store, (caller.business, id)).await?;
        found.ok_or_else(|| {
            let rule = format!("names no content of this business: {id}");
            let finding = transom_domain::field::FieldError {
                field: "contentId".to_owned(),
                rule,
                remedy: "create the content first, or list the contents there are".to_owned(),
            };
            Problem::of_fields(ErrorCode::ContentNotFound, &[finding])
        })
    }

    /// Contents, newest first.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn contents(
        &self,
        caller: &Caller,
        filter: ContentFilter,
        page: Page,
    ) -> Result<(Vec<StoredContent>, Option<String>), Problem> {
        Ok(self.store.contents(caller.business, filter, bounded(page)).await?)
    }

    /// Replaces name, types and samples.
    ///
    /// # Errors
    /// 404; 400 for another language; 409 when it is submitted.
    pub async fn change_content(&self, caller: &Caller, id: ContentId, mut new: NewContent) -> Result<StoredContent, Problem> {
        self.name_files_in(caller, &mut new.content).await?;
        fits(&new.content)?;
        let changed = self.store.change_content(caller.business, id, new.friendly_name, new.content, self.now()).await;
        self.kept.forget((caller.business, id));
        match changed? {
            ChangeContent::Done(stored) => {
                self.audited(caller, Action::ContentChanged, id).await;
                Ok(stored)
            }
            ChangeContent::NotFound => Err(missing()),
            ChangeContent::OtherLanguage(language) => Err(Problem::field(
                "language",
                format!("can never change: this content is in {language}"),
                "create content of its own for each language",
            )),
            ChangeContent::Submitted(followed) => Err(submitted(
                &followed,
                "cannot be changed",
                "Create new content with the new words and submit that; or edit the template itself.",
            )),
        }
    }

    /// Deletes content that nothing depends on. Templates at Meta stay.
    ///
    /// # Errors
    /// 404; 409 while it waits for Meta's word, or a message waits that was sent from it.
    pub async fn delete_content(&self, caller: &Caller, id: ContentId) -> Result<(), Problem> {
        let deleted = self.store.delete_content(caller.business, id, self.now()).await;
        self.kept.forget((caller.business, id));
        match deleted? {
            DeleteContent::Done => {
                self.audited(caller, Action::ContentRemoved, id).await;
                Ok(())
            }
            DeleteContent::NotFound => Err(missing()),
            DeleteContent::Pending(followed) => {
                Err(submitted(&followed, "cannot be deleted", "Wait for Meta's answer, or delete the template first."))
            }
            DeleteContent::Waiting => Err(Problem::new(
                ErrorCode::ContentInUse,
                "A message that was sent from this content waits, so that it cannot be deleted.",
            )
            .remedy("Wait until it has left, or cancel it.")),
        }
    }
}

fn fits(content: &Content) -> Result<(), Problem> {
    let bytes = serde_json::to_vec(content).map_or(0, |json| json.len());
    if bytes > CONTENT_BYTES_MAX {
        let rule = format!("has {bytes} bytes as JSON, at most {CONTENT_BYTES_MAX} are allowed");
        return Err(Problem::field("types", rule, "shorten its forms, or split it into several contents"));
    }
    has_writable_form(content)
}

/// What is refused since the content is submitted, and how far that is.
pub(super) fn submitted(followed: &Followed, what: &str, remedy: &str) -> Problem {
    let Followed { submission, stage, .. } = followed;
    let known_as = format!("{} ({})", submission.name, submission.language);
    let how = match stage {
        Stage::Submitting => format!("is being submitted as {known_as}"),
        Stage::AtMeta(Approval::Pending | Approval::InAppeal) => format!("waits for Meta's review as {known_as}"),
        Stage::AtMeta(approval) => format!("is the template {known_as}, whose status is {}", approval.as_str()),
    };
    Problem::new(ErrorCode::ContentInUse, format!("This content {how}, and {what}.")).remedy(remedy)
}
