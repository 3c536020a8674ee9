//! The audit log, in memory.

use transom_domain::id::BusinessId;

use super::table::MemoryRows;
use crate::AuditEntry;
use crate::rows::{AuditRows, Result};

impl AuditRows for MemoryRows {
    fn add_audit(&mut self, entry: &AuditEntry) -> Result<()> {
        let number = self.audits.keys().next_back().map_or(1, |last| last + 1);
        self.audits.put(number, entry.clone());
        Ok(())
    }

    fn audits(&self, business: BusinessId, before: Option<i64>, limit: usize) -> Result<Vec<(i64, AuditEntry)>> {
        let lines = self.audits.range(..before.unwrap_or(i64::MAX)).rev();
        Ok(lines.filter(|(_, e)| e.business == business).take(limit).map(|(number, entry)| (*number, entry.clone())).collect())
    }
}
