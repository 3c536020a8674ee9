//! The audit log.

use transom_domain::id::{KeyId, UserId};
use transom_domain::time::Span;

use super::desk::{Desk, RIVAL, SHOP};
use super::{Broken, Factory, Outcome, hold, same};
use crate::{Action, Actor, ActorKind, AuditEntry, AuditFilter, Page, StoreError};

pub(super) async fn what_was_done_is_kept_in_order_and_in_pages(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let mut done = Vec::new();
    for (n, action) in Action::ALL.iter().enumerate() {
        let actor = [Actor::Operator, Actor::House, Actor::Key(KeyId(7)), Actor::User(UserId(8))]
            .into_iter()
            .cycle()
            .nth(n)
            .unwrap_or(Actor::House);
        let entry = AuditEntry { business: SHOP, at: desk.now, actor, action: *action, object: n.to_string() };
        desk.store.add_audit(entry.clone()).await?;
        desk.store.add_audit(AuditEntry { business: RIVAL, ..entry.clone() }).await?;
        done.insert(0, entry);
        desk.turn(Span::secs(1));
    }
    same!(all(&desk, AuditFilter::default()).await?, done);
    hold!(matches!(
        desk.store.audit(SHOP, AuditFilter::default(), Page { size: 4, token: Some("x".to_owned()) }).await,
        Err(StoreError::BadToken)
    ));
    Ok(())
}

/// All lines that a filter wants, page by page.
async fn all(desk: &Desk, filter: AuditFilter) -> Result<Vec<AuditEntry>, Broken> {
    let (mut found, mut token) = (Vec::new(), None);
    loop {
        let (page, next) = desk.store.audit(SHOP, filter.clone(), Page { size: 4, token }).await?;
        hold!(page.len() <= 4);
        found.extend(page);
        token = next;
        if token.is_none() {
            return Ok(found);
        }
    }
}

pub(super) async fn lines_are_found_by_who_did_what_and_when(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let actors = [Actor::Operator, Actor::House, Actor::Key(KeyId(7)), Actor::Key(KeyId(9)), Actor::User(UserId(8))];
    let began = desk.now;
    let mut done = Vec::new();
    for n in 0..40_usize {
        let action = if n % 3 == 0 { Action::KeyMade } else { Action::KeyRevoked };
        let actor = actors.get(n % actors.len()).copied().unwrap_or(Actor::House);
        let entry = AuditEntry { business: SHOP, at: desk.now, actor, action, object: (n % 4).to_string() };
        desk.store.add_audit(entry.clone()).await?;
        done.insert(0, entry);
        desk.turn(Span::secs(1));
    }
    let nothing = AuditFilter::default;
    for filter in [
        AuditFilter { kind: Some(ActorKind::Key), ..nothing() },
        AuditFilter { key: Some(KeyId(9)), ..nothing() },
        AuditFilter { user: Some(UserId(8)), actions: vec![Action::KeyMade], ..nothing() },
        AuditFilter { object: Some("3".to_owned()), kind: Some(ActorKind::Operator), ..nothing() },
        AuditFilter { from: Some(began.plus(Span::secs(5))), to: Some(began.plus(Span::secs(9))), ..nothing() },
        AuditFilter { actions: vec![Action::SenderPut], ..nothing() },
    ] {
        let wanted: Vec<AuditEntry> = done.iter().filter(|line| filter.wants(line)).cloned().collect();
        same!(all(&desk, filter).await?, wanted);
    }
    let four = AuditFilter { from: Some(began.plus(Span::secs(5))), to: Some(began.plus(Span::secs(9))), ..nothing() };
    same!(all(&desk, four).await?.len(), 4);
    Ok(())
}
