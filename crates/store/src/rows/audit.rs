//! The audit log.

use transom_domain::id::BusinessId;

use super::Result;
use crate::AuditEntry;

/// Rows of the audit log. None of them is ever changed.
pub(crate) trait AuditRows {
    fn add_audit(&mut self, entry: &AuditEntry) -> Result<()>;
    /// Lines of a business before a number, newest first, each with its number.
    fn audits(&self, business: BusinessId, before: Option<i64>, limit: usize) -> Result<Vec<(i64, AuditEntry)>>;
}
