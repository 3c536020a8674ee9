//! The audit log: lines are added, and read.

use transom_domain::id::BusinessId;

use crate::rows::{Result, Rows};
use crate::{AuditEntry, PAGE_MAX, Page, StoreError};

/// See [`crate::Store::audit`].
pub(crate) fn log(rows: &dyn Rows, business: BusinessId, page: &Page) -> Result<(Vec<AuditEntry>, Option<String>)> {
    let before = page.token.as_deref().map(|token| token.parse::<i64>().map_err(|_| StoreError::BadToken)).transpose()?;
    let size = page.size.clamp(1, PAGE_MAX);
    let mut lines = rows.audits(business, before, size + 1)?;
    let more = lines.len() > size;
    lines.truncate(size);
    let next = lines.last().filter(|_| more).map(|(number, _)| number.to_string());
    Ok((lines.into_iter().map(|(_, entry)| entry).collect(), next))
}
