//! The audit log: who did what to what is a business's own.

use transom_domain::id::{BusinessId, KeyId};
use transom_store::{Action, Actor, AuditEntry, Page};

use super::Service;
use super::command::Caller;
use super::messages::bounded;
use crate::problem::Problem;

/// The key of a caller who has none: an operator on the command line.
pub(crate) const OPERATOR: KeyId = KeyId(0);

impl Caller {
    /// The caller, as the audit log names who did something.
    #[must_use]
    pub fn actor(&self) -> Actor {
        if self.key == OPERATOR { Actor::Operator } else { Actor::Key(self.key) }
    }
}

impl Service {
    /// Writes down what was done; after it was, since what failed was not done.
    pub async fn audited(&self, caller: &Caller, action: Action, object: impl ToString) {
        self.audited_of(caller.business, caller.actor(), action, object).await;
    }

    /// As [`Service::audited`], where there is no caller.
    pub async fn audited_of(&self, business: BusinessId, actor: Actor, action: Action, object: impl ToString) {
        let entry = AuditEntry { business, at: self.now(), actor, action, object: object.to_string() };
        // It is done; to answer now that it was not would be worse than a line that only the log of the process has.
        if let Err(why) = self.store.add_audit(entry.clone()).await {
            tracing::error!(error = %why, ?entry, "a line of the audit log could not be written");
        }
    }

    /// The audit log, newest first.
    ///
    /// # Errors
    /// When the store does not answer, or the page token is none of ours.
    pub async fn audit(&self, caller: &Caller, page: Page) -> Result<(Vec<AuditEntry>, Option<String>), Problem> {
        Ok(self.store.audit(caller.business, bounded(page)).await?)
    }
}
