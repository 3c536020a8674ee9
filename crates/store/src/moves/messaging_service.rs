//! Messaging services: kept, changed, removed; senders join a pool and leave it; one of them is chosen.

use transom_domain::address::Identity;
use transom_domain::id::{BusinessId, SenderId, ServiceId};
use transom_domain::messaging_service::{
    Candidate, MessagingService, POOL_MAX, PoolMember, STICKY_LOOK, ServiceOptions, choose as choice,
};
use transom_domain::time::Timestamp;

use super::{people, read};
use crate::rows::{Result, Rows};
use crate::{ChosenSender, JoinPool, PAGE_MAX, Page, SERVICES_MAX, SenderState, StoreError};

/// See [`crate::Store::add_service`].
pub(crate) fn add(rows: &mut dyn Rows, service: &MessagingService) -> Result<bool> {
    let has_room = rows.count_services(service.business)? < SERVICES_MAX;
    if has_room {
        rows.add_service(service)?;
        rows.raise_directory()?;
    }
    Ok(has_room)
}

/// See [`crate::Store::services`].
pub(crate) fn list(rows: &dyn Rows, business: BusinessId, page: &Page) -> Result<(Vec<MessagingService>, Option<String>)> {
    let before = page.token.as_deref().map(|token| token.parse::<i64>().map_err(|_| StoreError::BadToken)).transpose()?;
    let size = page.size.clamp(1, PAGE_MAX);
    let mut found = rows.services(business, before, size + 1)?;
    let more = found.len() > size;
    found.truncate(size);
    let next = found.last().filter(|_| more).map(|(seq, _)| seq.to_string());
    Ok((found.into_iter().map(|(_, service)| service).collect(), next))
}

/// See [`crate::Store::change_service`].
pub(crate) fn change(
    rows: &mut dyn Rows,
    business: BusinessId,
    id: ServiceId,
    change: &(dyn Fn(&mut ServiceOptions) + Send + Sync),
    now: Timestamp,
) -> Result<Option<MessagingService>> {
    let Some(mut service) = rows.service(business, id)? else { return Ok(None) };
    change(&mut service.options);
    service.updated_at = now;
    rows.set_service(&service)?;
    rows.raise_directory()?;
    Ok(Some(service))
}

/// See [`crate::Store::delete_service`].
pub(crate) fn delete(rows: &mut dyn Rows, business: BusinessId, id: ServiceId) -> Result<bool> {
    if rows.service(business, id)?.is_none() {
        return Ok(false);
    }
    for member in rows.pool(business, id, POOL_MAX)? {
        rows.drop_member(member.sender)?;
    }
    rows.drop_service(business, id)?;
    rows.raise_directory()?;
    Ok(true)
}

/// See [`crate::Store::join_pool`].
pub(crate) fn join(
    rows: &mut dyn Rows,
    business: BusinessId,
    service: ServiceId,
    sender: SenderId,
    now: Timestamp,
) -> Result<JoinPool> {
    if rows.service(business, service)?.is_none() {
        return Ok(JoinPool::NoService);
    }
    if rows.sender(sender)?.is_none_or(|known| known.business != business) {
        return Ok(JoinPool::NoSender);
    }
    match rows.member(sender)? {
        Some((known, member)) if known == service => return Ok(JoinPool::Joined(member)),
        Some((other, _)) => return Ok(JoinPool::Elsewhere(other)),
        None => {}
    }
    if rows.pool(business, service, POOL_MAX)?.len() >= POOL_MAX {
        return Ok(JoinPool::Full);
    }
    let member = PoolMember { sender, since: now };
    rows.put_member(service, member)?;
    rows.raise_directory()?;
    Ok(JoinPool::Joined(member))
}

/// See [`crate::Store::leave_pool`].
pub(crate) fn leave(rows: &mut dyn Rows, business: BusinessId, service: ServiceId, sender: SenderId) -> Result<bool> {
    let is_in = rows.service(business, service)?.is_some() && rows.member(sender)?.is_some_and(|(of, _)| of == service);
    if is_in {
        rows.drop_member(sender)?;
        rows.raise_directory()?;
    }
    Ok(is_in)
}

/// See [`crate::Store::pool`].
pub(crate) fn pool(rows: &dyn Rows, business: BusinessId, service: ServiceId) -> Result<Option<Vec<PoolMember>>> {
    rows.service(business, service)?.map(|service| rows.pool(business, service.id, POOL_MAX)).transpose()
}

/// See [`crate::Store::service_of`].
pub(crate) fn of(rows: &dyn Rows, business: BusinessId, sender: SenderId) -> Result<Option<MessagingService>> {
    rows.member(sender)?.map_or(Ok(None), |(service, _)| rows.service(business, service))
}

/// See [`crate::Store::choose_sender`].
pub(crate) fn choose(
    rows: &dyn Rows,
    business: BusinessId,
    id: ServiceId,
    to: &Identity,
    now: Timestamp,
) -> Result<Option<ChosenSender>> {
    let Some(service) = rows.service(business, id)? else { return Ok(None) };
    let members = rows.pool(business, id, POOL_MAX)?;
    let person = people::holder(rows, business, to)?;
    let mut candidates = Vec::new();
    for member in &members {
        let Some(sender) = rows.sender(member.sender)?.filter(|sender| sender.channel == to.channel()) else { continue };
        let evidence = match &person {
            Some(person) => people::evidence(rows, business, sender.id, person.id)?,
            None => Default::default(),
        };
        candidates.push(Candidate {
            sender: sender.id,
            heard: evidence.heard,
            open: evidence.at(now).is_open(),
            waiting: rows.counters(sender.id)?.map_or(0, |(_, waiting)| waiting),
            stopped: matches!(sender.state, SenderState::Stopped { .. }),
        });
    }
    let last = match &person {
        Some(person) if service.options.sticky_sender => {
            let customers = people::members(rows, person)?;
            let spoken = read::newest(rows, business, Some(&customers), None, STICKY_LOOK)?;
            spoken.iter().map(|(brief, _)| brief.sender).find(|sender| candidates.iter().any(|c| c.sender == *sender))
        }
        _ => None,
    };
    let chosen = choice(&candidates, last, service.options.sticky_sender, to);
    Ok(Some(ChosenSender { service, pool: members.len(), chosen }))
}
