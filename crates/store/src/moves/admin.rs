//! Businesses, keys, senders.

use transom_domain::event::EventBody;
use transom_domain::id::{BusinessId, KeyId, SenderId};
use transom_domain::status::Failure;
use transom_domain::time::Timestamp;

use super::tell;
use crate::rows::{Result, Rows};
use crate::{App, Business, BusinessSettings, Key, PutSender, Sealed, Sender, SenderState};

/// See [`crate::Store::put_business`].
pub(crate) fn put_business(rows: &mut dyn Rows, mut business: Business) -> Result<()> {
    if let Some(known) = rows.business(business.id)? {
        business.created_at = known.created_at;
        // A new secret comes with the one before it; without that, only the name is meant.
        if business.previous_webhook_secret.is_none() {
            business.webhook_secret = known.webhook_secret;
            business.previous_webhook_secret = known.previous_webhook_secret;
        }
    }
    rows.put_business(&business)?;
    rows.raise_directory()
}

/// See [`crate::Store::put_app`].
pub(crate) fn put_app(rows: &mut dyn Rows, app: &App) -> Result<()> {
    rows.put_app(app)?;
    rows.raise_directory()
}

/// See [`crate::Store::change_settings`].
pub(crate) fn change_settings(
    rows: &mut dyn Rows,
    business: BusinessId,
    change: &(dyn Fn(&mut BusinessSettings) + Send + Sync),
) -> Result<Option<BusinessSettings>> {
    if rows.business(business)?.is_none() {
        return Ok(None);
    }
    let mut settings = rows.settings(business)?;
    change(&mut settings);
    rows.put_settings(business, &settings)?;
    rows.raise_directory()?;
    Ok(Some(settings))
}

/// See [`crate::Store::revoke_key`].
pub(crate) fn revoke_key(rows: &mut dyn Rows, business: BusinessId, key: KeyId, now: Timestamp) -> Result<bool> {
    let Some(mut key) = rows.key(business, key)? else { return Ok(false) };
    if key.revoked_at.is_none() {
        key.revoked_at = Some(now);
        rows.put_key(&key)?;
    }
    Ok(true)
}

/// See [`crate::Store::note_key_used`].
pub(crate) fn note_key_used(rows: &mut dyn Rows, business: BusinessId, key: KeyId, at: Timestamp) -> Result<()> {
    match rows.key(business, key)? {
        Some(key) if key.used_at < Some(at) => rows.put_key(&Key { used_at: Some(at), ..key }),
        _ => Ok(()),
    }
}

/// See [`crate::Store::rotate_key`].
pub(crate) fn rotate_key(rows: &mut dyn Rows, old: KeyId, until: Timestamp, new: &Key) -> Result<bool> {
    let still_good = |key: &Key| key.revoked_at.is_none() && key.expires_at.is_none_or(|at| at > new.created_at);
    let Some(mut key) = rows.key(new.business, old)?.filter(still_good) else { return Ok(false) };
    key.expires_at = Some(key.expires_at.map_or(until, |at| at.min(until)));
    rows.put_key(&key)?;
    rows.put_key(new)?;
    Ok(true)
}

/// See [`crate::Store::put_sender`].
pub(crate) fn put_sender(rows: &mut dyn Rows, mut sender: Sender) -> Result<PutSender> {
    if let Some(rival) = rows.rival(&sender)? {
        let holder = rows.sender(rival)?.map(|s| s.business);
        if holder != Some(sender.business) {
            return Ok(PutSender::TakenByAnotherBusiness);
        }
        return Ok(PutSender::Known(rival));
    }
    if let Some(known) = rows.sender(sender.id)? {
        if known.business != sender.business {
            return Ok(PutSender::TakenByAnotherBusiness);
        }
        sender.created_at = known.created_at;
    }
    rows.put_sender(&sender)?;
    rows.raise_directory()?;
    rows.open_counters(sender.id, sender.business)?;
    Ok(PutSender::Stored)
}

/// See [`crate::Store::stop_sender`].
pub(crate) fn stop_sender(
    rows: &mut dyn Rows,
    business: BusinessId,
    sender: SenderId,
    token: &Sealed,
    failure: Failure,
    now: Timestamp,
) -> Result<bool> {
    if rows.sender(sender)?.is_none_or(|known| known.token != *token) {
        return Ok(false);
    }
    set_sender_state(rows, business, sender, Some(failure), now)
}

/// See [`crate::Store::set_sender_state`].
pub(crate) fn set_sender_state(
    rows: &mut dyn Rows,
    business: BusinessId,
    sender: SenderId,
    stopped: Option<Failure>,
    now: Timestamp,
) -> Result<bool> {
    let Some(mut row) = rows.sender(sender)?.filter(|s| s.business == business) else { return Ok(false) };
    let state = match (&row.state, stopped) {
        (SenderState::Active, None) => return Ok(false),
        // Stopped is stopped: the first reason is the one to be mended, unless another code says what is.
        (SenderState::Stopped { failure: known, .. }, Some(failure)) if known.code == failure.code => return Ok(false),
        (_, Some(failure)) => SenderState::Stopped { failure, since: now },
        (_, None) => SenderState::Active,
    };
    let stopped = match &state {
        SenderState::Active => None,
        SenderState::Stopped { failure, .. } => Some(failure.clone()),
    };
    row.state = state;
    rows.put_sender(&row)?;
    rows.raise_directory()?;
    tell::event(rows, business, now, EventBody::SenderState { sender, address: row.address, stopped })?;
    Ok(true)
}
