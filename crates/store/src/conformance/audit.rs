//! The audit log.

use transom_domain::id::KeyId;
use transom_domain::time::Span;

use super::desk::{Desk, RIVAL, SHOP};
use super::{Factory, Outcome, hold, same};
use crate::{Action, Actor, AuditEntry, Page, StoreError};

pub(super) async fn what_was_done_is_kept_in_order_and_in_pages(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let mut done = Vec::new();
    for (n, action) in Action::ALL.iter().enumerate() {
        let actor = [Actor::Operator, Actor::House, Actor::Key(KeyId(7))].into_iter().cycle().nth(n).unwrap_or(Actor::House);
        let entry = AuditEntry { business: SHOP, at: desk.now, actor, action: *action, object: n.to_string() };
        desk.store.add_audit(entry.clone()).await?;
        desk.store.add_audit(AuditEntry { business: RIVAL, ..entry.clone() }).await?;
        done.insert(0, entry);
        desk.turn(Span::secs(1));
    }
    let (mut found, mut token) = (Vec::new(), None);
    loop {
        let (page, next) = desk.store.audit(SHOP, Page { size: 4, token }).await?;
        hold!(page.len() <= 4);
        found.extend(page);
        token = next;
        if token.is_none() {
            break;
        }
    }
    same!(found, done);
    hold!(matches!(desk.store.audit(SHOP, Page { size: 4, token: Some("x".to_owned()) }).await, Err(StoreError::BadToken)));
    Ok(())
}
