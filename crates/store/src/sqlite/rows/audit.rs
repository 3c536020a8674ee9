//! The audit log.

use rusqlite::params;

use transom_domain::id::BusinessId;

use super::{SqliteRows, bound, get, get_json, json};
use crate::AuditEntry;
use crate::rows::{AuditRows, Result};

/// A page of the log.
pub(super) const LOG: &str = "SELECT seq, entry FROM audit WHERE business = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3";

impl AuditRows for SqliteRows<'_> {
    fn add_audit(&mut self, entry: &AuditEntry) -> Result<()> {
        self.run("INSERT INTO audit (business, entry) VALUES (?1, ?2)", params![entry.business.to_bytes(), json(entry)?])?;
        Ok(())
    }

    fn audits(&self, business: BusinessId, before: Option<i64>, limit: usize) -> Result<Vec<(i64, AuditEntry)>> {
        let before = before.unwrap_or(i64::MAX);
        self.all(LOG, params![business.to_bytes(), before, bound(limit)], |row| Ok((get(row, 0)?, get_json(row, 1)?)))
    }
}
