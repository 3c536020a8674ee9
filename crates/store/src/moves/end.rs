//! `cancel`, `redact`, `delete`: what can be done with a message by hand.

use transom_domain::amendment::Amendment;
use transom_domain::event::EventBody;
use transom_domain::fact::{Inbound, InboundBody, Person};
use transom_domain::id::{BusinessId, MessageId};
use transom_domain::status::{Phase, Status};
use transom_domain::time::Timestamp;

use super::{lane, media, tell, timeline};
use crate::rows::{Blank, Brief, Result, Rows, Seq, Standing};
use crate::{CancelOutcome, Step, StoreError};

/// The type that content has in an event from which it was taken.
const REDACTED: &str = "redacted";

/// See [`crate::Store::cancel`].
pub(crate) fn cancel(rows: &mut dyn Rows, business: BusinessId, message: MessageId, now: Timestamp) -> Result<CancelOutcome> {
    let Some((brief, mut standing)) = rows.brief(business, message)? else { return Ok(CancelOutcome::NotFound) };
    if standing.phase == Phase::Cancelled {
        return Ok(CancelOutcome::Done);
    }
    // One that waits to be sent again after a lost answer may have arrived: it cannot be called off.
    let waits = matches!(standing.phase, Phase::Queued { .. }) && matches!(standing.status, Status::Accepted | Status::Queued);
    if !waits {
        return Ok(CancelOutcome::WrongState(standing.status));
    }
    let attempts = rows.attempts(brief.seq)?;
    lane::set_phase(rows, &brief, &mut standing, Phase::Cancelled, now)?;
    tell::standing(rows, &brief, &mut standing, &attempts, now, now)?;
    Ok(CancelOutcome::Done)
}

/// See [`crate::Store::give_feedback`].
pub(crate) fn give_feedback(
    rows: &mut dyn Rows,
    business: BusinessId,
    message: MessageId,
    confirmed: bool,
    now: Timestamp,
) -> Result<CancelOutcome> {
    let Some((brief, standing)) = rows.brief(business, message)? else { return Ok(CancelOutcome::NotFound) };
    if standing.phase == Phase::Received {
        return Ok(CancelOutcome::WrongState(standing.status));
    }
    let step = if confirmed { Step::Confirmed } else { Step::Unconfirmed };
    timeline::note(rows, brief.seq, timeline::own(step, now, None))?;
    Ok(CancelOutcome::Done)
}

/// A message that is over, or why it is not.
fn over(
    rows: &dyn Rows,
    business: BusinessId,
    message: MessageId,
) -> Result<std::result::Result<(Brief, Standing), CancelOutcome>> {
    let Some((brief, standing)) = rows.brief(business, message)? else { return Ok(Err(CancelOutcome::NotFound)) };
    Ok(match standing.phase {
        Phase::Queued { .. } | Phase::InFlight | Phase::Unknown { .. } => Err(CancelOutcome::WrongState(standing.status)),
        Phase::Handed | Phase::GivenUp { .. } | Phase::Expired | Phase::Cancelled | Phase::Received => Ok((brief, standing)),
    })
}

/// Takes the content of a message that came in out of the events that told of it. The events stay: the stream has no gaps, and
/// who has not been told yet is told that something came. Events of messages that went out through here hold no content.
fn unsay(rows: &mut dyn Rows, brief: &Brief) -> Result<()> {
    let told_at = rows.told_at(brief.seq)?;
    let amended = rows.amendments_of(brief.seq)?.into_iter().filter_map(|row| row.told_at);
    for position in told_at.into_iter().chain(amended) {
        // Swept already, if it is not there.
        let Some(mut event) = rows.event(brief.business, position)? else { continue };
        if empty(&mut event.body, brief.id) {
            rows.amend_event(&event)?;
        }
    }
    Ok(())
}

/// Takes the content out, if it is of this message. Says whether anything was.
fn empty(body: &mut EventBody, of: MessageId) -> bool {
    let said = match body {
        EventBody::MessageReceived { message, inbound, .. } if *message == of => {
            (inbound.referral, inbound.product) = (None, None);
            &mut inbound.body
        }
        EventBody::MessageEchoed { message, echo, .. } if *message == of => &mut echo.body,
        EventBody::MessageEdited { message, edit, .. } if *message == of => match &mut edit.change {
            Amendment::Edited { body } => &mut **body,
            Amendment::Revoked => return false,
        },
        _ => return false,
    };
    *said = nothing();
    true
}

/// What stands where content was.
fn nothing() -> InboundBody {
    InboundBody::Unknown { name: REDACTED.to_owned(), raw: serde_json::Value::Null }
}

/// What stays of a message that came in: by what it is quoted or marked read.
fn stub(rows: &dyn Rows, seq: Seq) -> Result<Option<Inbound>> {
    let whole = match rows.whole(seq) {
        Err(StoreError::Corrupt(_)) => None,
        whole => whole?,
    };
    let kept = whole.and_then(|whole| whole.inbound);
    Ok(kept.map(|Inbound { provider_id, at, .. }| Inbound {
        provider_id,
        at,
        from: Person::default(),
        body: nothing(),
        reply_to: None,
        forwarded: false,
        often_forwarded: false,
        product: None,
        referral: None,
    }))
}

/// The upstream's ids by which a message is recognised, as far as it says so itself.
pub(crate) fn provider_ids(rows: &dyn Rows, seq: Seq) -> Result<Vec<String>> {
    let mut ids = Vec::new();
    for row in rows.attempts(seq)? {
        // A message that took two calls is bound to what both gave.
        ids.extend(row.attempt.first_part().map(str::to_owned));
        ids.extend(row.attempt.provider_id);
    }
    match rows.whole(seq) {
        Ok(whole) => ids.extend(whole.and_then(|whole| whole.inbound).map(|inbound| inbound.provider_id)),
        // A body that does not decode says nothing; its id stays behind.
        Err(StoreError::Corrupt(_)) => {}
        Err(why) => return Err(why),
    }
    Ok(ids)
}

/// What a message is recognised by outlives what is taken out of it, until it would have been swept with it.
fn leave_ids(rows: &mut dyn Rows, brief: &Brief) -> Result<()> {
    for id in provider_ids(rows, brief.seq)? {
        rows.put_left_id(brief.accepted_at, brief.business, &id, brief.seq)?;
    }
    Ok(())
}

/// What came in, word for word, lies in the journal too. It is in another file: what is to be blanked there is written down here, and
/// done by [`crate::Store::blank_bodies`].
fn blank_bodies(rows: &mut dyn Rows, brief: &Brief) -> Result<()> {
    if stub(rows, brief.seq)?.is_none() {
        // Of what went out, webhooks hold no content.
        return Ok(());
    }
    for provider_id in provider_ids(rows, brief.seq)? {
        rows.put_blank(brief.business, &Blank { provider_id, since: brief.accepted_at, after: 0 })?;
    }
    Ok(())
}

/// See [`crate::Store::redact`].
pub(crate) fn redact(rows: &mut dyn Rows, business: BusinessId, message: MessageId, now: Timestamp) -> Result<CancelOutcome> {
    match over(rows, business, message)? {
        Ok((brief, _)) => {
            unsay(rows, &brief)?;
            leave_ids(rows, &brief)?;
            blank_bodies(rows, &brief)?;
            let stub = stub(rows, brief.seq)?;
            media::delete_of(rows, business, message, now)?;
            rows.redact_message(brief.seq, stub.as_ref())?;
            rows.redact_amendments(brief.seq)?;
            Ok(CancelOutcome::Done)
        }
        Err(why) => Ok(why),
    }
}

/// Takes the content out of a message whose time has come; its row, its statuses and what it is recognised by stay, and its files
/// have a time of their own.
pub(crate) fn take_content_out(rows: &mut dyn Rows, seq: Seq) -> Result<()> {
    let Some((brief, _)) = rows.brief_of(seq)? else { return Ok(()) };
    unsay(rows, &brief)?;
    leave_ids(rows, &brief)?;
    let stub = stub(rows, seq)?;
    rows.redact_message(seq, stub.as_ref())?;
    rows.redact_amendments(seq)
}

/// See [`crate::Store::delete`].
pub(crate) fn delete(rows: &mut dyn Rows, business: BusinessId, message: MessageId, now: Timestamp) -> Result<CancelOutcome> {
    match over(rows, business, message)? {
        Ok((brief, _)) => {
            unsay(rows, &brief)?;
            leave_ids(rows, &brief)?;
            blank_bodies(rows, &brief)?;
            media::delete_of(rows, business, message, now)?;
            rows.drop_message(brief.seq)?;
            Ok(CancelOutcome::Done)
        }
        Err(why) => Ok(why),
    }
}
