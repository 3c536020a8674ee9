//! `accept` and `replay`: a message comes into the house.

use transom_domain::fact::Person;
use transom_domain::id::BusinessId;
use transom_domain::status::{Phase, Status, shown};
use transom_domain::time::Timestamp;

use super::{lane, people, timeline};
use crate::rows::{Brief, Kept, NewMessage, Result, Rows, Standing};
use crate::{Accept, Accepted, Step, StoreError};

/// See [`crate::Store::replay`].
pub(crate) fn replay(
    rows: &dyn Rows,
    business: BusinessId,
    key: &str,
    fingerprint: &[u8; 32],
    now: Timestamp,
) -> Result<Option<Accepted>> {
    Ok(rows.kept(business, key)?.filter(|kept| kept.until > now).map(|kept| {
        if kept.fingerprint == *fingerprint { Accepted::Replayed { answer: kept.answer } } else { Accepted::KeyConflict }
    }))
}

/// See [`crate::Store::accept`].
pub(crate) fn accept(rows: &mut dyn Rows, accept: Accept) -> Result<Accepted> {
    let Accept { business, now, .. } = accept;
    if let Some(idempotency) = &accept.idempotency
        && let Some(before) = replay(rows, business, &idempotency.key, &idempotency.fingerprint, now)?
    {
        return Ok(before);
    }
    if rows.has_message(business, accept.id)? {
        return Ok(Accepted::IdTaken);
    }
    let waiting = match rows.counters(accept.sender)? {
        Some((owner, waiting)) if owner == business => waiting,
        _ => return Err(StoreError::Corrupt(format!("sender {}: is no sender of business {business}", accept.sender))),
    };
    if waiting >= accept.backlog_max {
        return Ok(Accepted::BacklogFull);
    }
    let person = Person { name: accept.name, ..Person::default() };
    let customer = people::addressed(rows, business, &accept.address, accept.new_customer, person, now)?;
    let position = rows.next_position(accept.sender, true)?;
    let phase = Phase::Queued { not_before: accept.not_before };
    let status: Status = shown(&phase, &[], now);
    let standing = Standing { phase, status, told: 0 };
    let mut brief = Brief {
        seq: 0,
        id: accept.id,
        business,
        sender: accept.sender,
        customer,
        channel: accept.channel,
        address: accept.address,
        position,
        class: accept.class,
        accepted_at: now,
        expires_at: accept.expires_at,
        when_unknown: accept.when_unknown,
        callback_data: accept.callback_data,
        campaign: accept.campaign,
        reply_to: accept.reply_to,
    };
    brief.seq = rows.insert_message(&NewMessage {
        brief: &brief,
        standing: &standing,
        draft: Some(&accept.draft),
        inbound: None,
        verdict: Some(&accept.verdict),
        told_at: None,
    })?;
    if accept.not_before > now {
        timeline::note(rows, brief.seq, timeline::own(Step::Scheduled, now, Some(accept.not_before)))?;
    }
    lane::join_last(rows, &lane::wait(&brief, accept.not_before, now))?;
    if let Some(idempotency) = accept.idempotency {
        let until = now.plus(idempotency.keep);
        rows.keep(business, &idempotency.key, &Kept { fingerprint: idempotency.fingerprint, answer: idempotency.answer, until })?;
    }
    Ok(Accepted::Stored { customer, position })
}
