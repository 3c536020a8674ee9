//! Files: fetched, uploaded, deleted; bytes that nobody has any more are told of until they are gone.

use transom_domain::event::EventBody;
use transom_domain::fact::InboundBody;
use transom_domain::id::{BusinessId, MediaId, MessageId, SenderId};
use transom_domain::media;
use transom_domain::time::Timestamp;

use super::{read, tell};
use crate::rows::{Brief, Result, Rows};
use crate::{Digest, Fetched, Loose, Media, MediaState};

/// Writes down that a file which came with a message is to be fetched. Says whether it had one.
pub(crate) fn heard(
    rows: &mut dyn Rows,
    brief: &Brief,
    body: &InboundBody,
    (heard_at, now): (Timestamp, Timestamp),
) -> Result<bool> {
    let InboundBody::Media { kind, id, mime_type, sha256, filename, url, .. } = body else { return Ok(false) };
    rows.put_media(&Media {
        id: media::of_message(brief.id, 0),
        business: brief.business,
        message: Some(brief.id),
        sender: Some(brief.sender),
        kind: Some(*kind),
        mime_type: mime_type.clone(),
        filename: filename.as_deref().and_then(media::clean_name),
        at: heard_at,
        state: MediaState::Waiting { provider_id: id.clone(), url: url.clone(), sha256: sha256.clone(), tries: 0, due: now },
    })?;
    Ok(true)
}

/// See [`crate::Store::to_fetch`].
pub(crate) fn to_fetch(
    rows: &dyn Rows,
    after: Option<SenderId>,
    per_sender: usize,
    limit: usize,
    now: Timestamp,
) -> Result<(Vec<Media>, Option<Timestamp>)> {
    let (mut found, mut next) = (Vec::new(), None::<Timestamp>);
    let mut turn = |rows: &dyn Rows, sender: SenderId| -> Result<()> {
        for media in rows.to_fetch(sender, per_sender)? {
            let due = media.state.due().unwrap_or(now);
            if due <= now && found.len() < limit {
                found.push(media);
            } else {
                next = Some(next.map_or(due, |known| known.min(due)));
                break;
            }
        }
        Ok(())
    };
    // Round the senders from where the last look ended, so that none waits for another's thousand files.
    let mut at = after;
    while let Some(sender) = rows.next_fetching(at)? {
        turn(rows, sender)?;
        at = Some(sender);
    }
    let mut at = None;
    while let Some(sender) = rows.next_fetching(at)?.filter(|sender| Some(*sender) <= after) {
        turn(rows, sender)?;
        at = Some(sender);
    }
    Ok((found, next))
}

/// See [`crate::Store::fetched`].
pub(crate) fn fetched(rows: &mut dyn Rows, business: BusinessId, id: MediaId, outcome: &Fetched, now: Timestamp) -> Result<bool> {
    let Some(mut found) = rows.media(business, id)? else { return Ok(false) };
    let MediaState::Waiting { tries, due, .. } = &mut found.state else { return Ok(false) };
    match outcome {
        Fetched::Stored { digest, size, mime_type } => {
            found.state = MediaState::Stored { digest: *digest, size: *size };
            rows.drop_loose(business, digest)?;
            // What whoever sent it says of it stays.
            if let Some(told) = mime_type.as_ref().filter(|_| found.mime_type.is_empty()) {
                found.mime_type.clone_from(told);
                if let Some(message) = found.message {
                    say_type(rows, business, message, told)?;
                }
            }
        }
        Fetched::Again { due: later } => {
            *tries += 1;
            *due = *later;
        }
        Fetched::Failed { why } => {
            found.state = MediaState::Failed { why: why.clone(), at: now };
            if let Some(message) = found.message
                && let Some((brief, _)) = rows.brief(business, message)?
            {
                let party = tell::party(rows, business, brief.sender, brief.customer, brief.channel, &brief.address)?;
                tell::event(rows, business, now, EventBody::MediaFailed { party, message, media: id, why: why.clone() })?;
            }
        }
    }
    rows.put_media(&found)?;
    Ok(true)
}

/// The message that a file came with shows the file's type, too, where the webhook told none.
fn say_type(rows: &mut dyn Rows, business: BusinessId, message: MessageId, told: &str) -> Result<()> {
    let Some((brief, _)) = rows.brief(business, message)? else { return Ok(()) };
    let whole = read::whole(rows, &brief)?;
    let Some(mut inbound) = whole.inbound.filter(|_| !whole.redacted) else { return Ok(()) };
    if let InboundBody::Media { mime_type, .. } = &mut inbound.body
        && mime_type.is_empty()
    {
        told.clone_into(mime_type);
        rows.put_inbound(brief.seq, &inbound)?;
    }
    Ok(())
}

/// See [`crate::Store::add_media`].
pub(crate) fn add(rows: &mut dyn Rows, new: &Media) -> Result<()> {
    if let Some(digest) = new.state.digest() {
        rows.drop_loose(new.business, &digest)?;
    }
    rows.put_media(new)
}

/// Removes a file. Its bytes become loose when no other file of the business has them: they go later, since a transaction cannot
/// remove them and they must not go before it is committed.
pub(crate) fn delete(rows: &mut dyn Rows, business: BusinessId, id: MediaId, now: Timestamp) -> Result<bool> {
    let Some(gone) = rows.media(business, id)? else { return Ok(false) };
    rows.drop_media(business, id)?;
    if let Some(digest) = gone.state.digest()
        && !rows.has_bytes(business, &digest)?
    {
        rows.put_loose(business, &digest, now)?;
        rows.drop_upstream_copies(business, &digest)?;
    }
    Ok(true)
}

/// Removes the files that came with a message. Says how many.
pub(crate) fn delete_of(rows: &mut dyn Rows, business: BusinessId, message: MessageId, now: Timestamp) -> Result<usize> {
    let mut gone = 0;
    while delete(rows, business, media::of_message(message, gone), now)? {
        gone += 1;
    }
    Ok(gone as usize)
}

/// See [`crate::Store::expect_bytes`].
pub(crate) fn expect(
    rows: &mut dyn Rows,
    business: BusinessId,
    digest: &Digest,
    (now, until): (Timestamp, Timestamp),
) -> Result<bool> {
    let removing = rows.loose_since(business, digest)?.and_then(|(_, removing)| removing);
    if removing.is_some_and(|until| until > now) {
        return Ok(false);
    }
    rows.put_loose(business, digest, until)?;
    Ok(true)
}

/// See [`crate::Store::remove_bytes`].
pub(crate) fn remove(
    rows: &mut dyn Rows,
    business: BusinessId,
    digest: &Digest,
    (now, until): (Timestamp, Timestamp),
) -> Result<Loose> {
    if rows.has_bytes(business, digest)? {
        // Taken up again since.
        rows.drop_loose(business, digest)?;
        return Ok(Loose::No);
    }
    match rows.loose_since(business, digest)? {
        Some((_, Some(removing))) if removing > now => Ok(Loose::Elsewhere),
        Some((at, _)) if at <= now => {
            rows.put_removing(business, digest, until)?;
            Ok(Loose::Yes)
        }
        // Gone, or expected anew since they were listed.
        _ => Ok(Loose::No),
    }
}

/// See [`crate::Store::end_removal`].
pub(crate) fn removed(
    rows: &mut dyn Rows,
    business: BusinessId,
    digest: &Digest,
    (until, gone): (Timestamp, bool),
) -> Result<()> {
    match rows.loose_since(business, digest)? {
        Some((at, Some(removing))) if removing == until && at <= until => match gone {
            true => rows.drop_loose(business, digest),
            false => rows.put_removing(business, digest, Timestamp::EPOCH),
        },
        _ => Ok(()),
    }
}

/// What has grown old, for [`super::upkeep`].
pub(crate) fn sweep(rows: &mut dyn Rows, business: BusinessId, before: Timestamp, limit: usize, now: Timestamp) -> Result<usize> {
    let old = rows.old_media(business, before, limit)?;
    for id in &old {
        delete(rows, business, *id, now)?;
    }
    Ok(old.len())
}
