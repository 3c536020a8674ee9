//! The audit log: who did what to what is a business's own.

use transom_domain::id::{BusinessId, KeyId, UserId};
use transom_domain::template::By;
use transom_store::{Action, Actor, AuditEntry, AuditFilter, Page};

use super::Service;
use super::command::Caller;
use super::messages::bounded;
use crate::problem::Problem;

impl Caller {
    /// The key that was shown.
    #[must_use]
    pub const fn key(&self) -> Option<KeyId> {
        if let Actor::Key(key) = self.who { Some(key) } else { None }
    }

    /// The user who is signed in.
    #[must_use]
    pub const fn user(&self) -> Option<UserId> {
        if let Actor::User(user) = self.who { Some(user) } else { None }
    }

    /// The caller, as the history of a template names who did something.
    #[must_use]
    pub const fn by(&self) -> By {
        match self.who {
            Actor::Key(key) => By::Key(key),
            Actor::User(user) => By::User(user),
            Actor::Operator | Actor::House => By::Operator,
        }
    }
}

impl Service {
    /// Writes down what was done; after it was, since what failed was not done.
    pub async fn audited(&self, caller: &Caller, action: Action, object: impl ToString) {
        self.audited_of(caller.business, caller.who, action, object).await;
    }

    /// As [`Service::audited`], where there is no caller.
    pub async fn audited_of(&self, business: BusinessId, actor: Actor, action: Action, object: impl ToString) {
        let entry = AuditEntry { business, at: self.now(), actor, action, object: object.to_string() };
        // It is done; to answer now that it was not would be worse than a line that only the log of the process has.
        if let Err(why) = self.store.add_audit(entry.clone()).await {
            tracing::error!(error = %why, ?entry, "a line of the audit log could not be written");
        }
    }

    /// The lines of the audit log that a filter wants, newest first.
    ///
    /// # Errors
    /// When the store does not answer, or the page token is none of ours.
    pub async fn audit(
        &self,
        caller: &Caller,
        filter: AuditFilter,
        page: Page,
    ) -> Result<(Vec<AuditEntry>, Option<String>), Problem> {
        Ok(self.store.audit(caller.business, filter, bounded(page)).await?)
    }
}
