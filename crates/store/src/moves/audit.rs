//! The audit log: lines are added, and read.

use transom_domain::id::BusinessId;

use crate::rows::{Result, Rows};
use crate::{AUDIT_LOOKED_AT, AuditEntry, AuditFilter, PAGE_MAX, Page, StoreError};

/// See [`crate::Store::audit`].
pub(crate) fn log(
    rows: &dyn Rows,
    business: BusinessId,
    filter: &AuditFilter,
    page: &Page,
) -> Result<(Vec<AuditEntry>, Option<String>)> {
    let mut before = page.token.as_deref().map(|token| token.parse::<i64>().map_err(|_| StoreError::BadToken)).transpose()?;
    let size = page.size.clamp(1, PAGE_MAX);
    let mut found = Vec::new();
    let mut looked_at = 0;
    loop {
        // One more than fits, so that the last page knows that it is.
        let lines = rows.audits(business, before, size + 1)?;
        let more = lines.len() > size;
        for (number, entry) in lines.into_iter().take(size) {
            before = Some(number);
            looked_at += 1;
            if filter.wants(&entry) {
                found.push(entry);
                if found.len() == size {
                    let rest = more || !rows.audits(business, before, 1)?.is_empty();
                    return Ok((found, before.filter(|_| rest).map(|number| number.to_string())));
                }
            }
        }
        if !more || looked_at >= AUDIT_LOOKED_AT {
            return Ok((found, before.filter(|_| more).map(|number| number.to_string())));
        }
    }
}

#[cfg(test)]
mod tests {
    use transom_domain::time::Timestamp;

    use super::*;
    use crate::{Action, Actor, MemoryStore, Store};

    #[tokio::test]
    async fn a_look_for_few_lines_of_many_is_bounded() {
        // Its own `audit` is another one.
        let store: &dyn Store = &MemoryStore::new();
        let business = BusinessId(1);
        let line = |action| AuditEntry { business, at: Timestamp::EPOCH, actor: Actor::House, action, object: String::new() };
        store.add_audit(line(Action::BusinessMade)).await.unwrap();
        for _ in 0..=AUDIT_LOOKED_AT {
            store.add_audit(line(Action::KeyMade)).await.unwrap();
        }
        let filter = AuditFilter { actions: vec![Action::BusinessMade], ..AuditFilter::default() };
        let (page, next) = store.audit(business, filter.clone(), Page { size: PAGE_MAX, token: None }).await.unwrap();
        assert!(page.is_empty() && next.is_some());
        let (page, next) = store.audit(business, filter, Page { size: PAGE_MAX, token: next }).await.unwrap();
        assert_eq!((page.len(), next), (1, None));
    }
}
