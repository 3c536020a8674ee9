//! What was done to templates, what is being done, and when accounts were read.

use transom_domain::id::BusinessId;
use transom_domain::template::HistoryEntry;
use transom_domain::time::Timestamp;

use super::Result;
use crate::{TemplateIntent, TemplateKey};

/// Rows of the templates' desk.
pub(crate) trait TemplateRows {
    /// When an account was last read whole.
    fn account_read(&self, business: BusinessId, waba: &str) -> Result<Option<Timestamp>>;
    fn put_account_read(&mut self, business: BusinessId, waba: &str, at: Timestamp) -> Result<()>;

    /// The calls of an account whose outcome is not known yet, by name and language.
    fn intents(&self, business: BusinessId, waba: &str) -> Result<Vec<TemplateIntent>>;
    fn intent(&self, key: &TemplateKey) -> Result<Option<TemplateIntent>>;
    fn put_intent(&mut self, intent: &TemplateIntent) -> Result<()>;
    fn drop_intent(&mut self, key: &TemplateKey) -> Result<()>;

    /// Adds a line to a template's history, and drops those beyond the newest `most`.
    fn put_history(&mut self, key: &TemplateKey, entry: &HistoryEntry, most: usize) -> Result<()>;
    /// Lines of a history before a number, newest first, each with its number.
    fn history(&self, key: &TemplateKey, before: Option<i64>, limit: usize) -> Result<Vec<(i64, HistoryEntry)>>;
    /// The moments after `since` at which templates of an account were created here, the oldest first.
    fn creations(&self, business: BusinessId, waba: &str, since: Timestamp, limit: usize) -> Result<Vec<Timestamp>>;
    /// Removes lines of histories from before `before`.
    fn sweep_history(&mut self, before: Timestamp, limit: usize) -> Result<usize>;
}
