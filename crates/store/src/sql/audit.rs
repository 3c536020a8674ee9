//! The audit log.

use super::params;

use transom_domain::id::BusinessId;

use super::{Sql, bound, get, get_json, json};
use crate::AuditEntry;
use crate::rows::{AuditRows, Result};

/// A page of the log.
pub(crate) const LOG: &str = "SELECT seq, entry FROM audit WHERE business = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3";

impl<S: Sql> AuditRows for S {
    fn add_audit(&mut self, entry: &AuditEntry) -> Result<()> {
        self.put(
            "INSERT INTO audit (business, seq, entry) VALUES (?1, ?2, ?3)",
            params![entry.business.to_bytes(), self.number(entry.business)?, json(entry)?],
        )?;
        Ok(())
    }

    fn audits(&self, business: BusinessId, before: Option<i64>, limit: usize) -> Result<Vec<(i64, AuditEntry)>> {
        let before = before.unwrap_or(i64::MAX);
        self.all(LOG, params![business.to_bytes(), before, bound(limit)], |row| Ok((get(row, 0)?, get_json(row, 1)?)))
    }
}
