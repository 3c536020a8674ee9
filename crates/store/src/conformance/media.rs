//! Files: a task from the moment they are heard of, bytes that stay as long as somebody has them.

use transom_domain::event::EventBody;
use transom_domain::fact::{Fact, Inbound, InboundBody};
use transom_domain::free_form::MediaKind;
use transom_domain::id::{BusinessId, MediaId, MessageId, SenderId};
use transom_domain::media::of_message;
use transom_domain::time::{Span, Timestamp};

use super::desk::{DESK, Desk, RIVAL, SHOP, business, person, sender};
use super::{Broken, Factory, Outcome, hold, same};
use crate::{Fetched, Loose, Media, MediaState, UpstreamCopy};

const ANA: &str = "+4915112345678";

fn picture(desk: &Desk, wamid: &str) -> Result<Fact, Broken> {
    picture_of(desk, wamid, "image/jpeg")
}

/// A picture with the type that the webhook tells.
fn picture_of(desk: &Desk, wamid: &str, mime_type: &str) -> Result<Fact, Broken> {
    let Fact::Inbound(inbound) = desk.inbound(person(ANA)?, wamid, desk.now) else {
        return Err(Broken("a customer's message is no inbound fact".to_owned()));
    };
    let body = InboundBody::Media {
        kind: MediaKind::Image,
        id: format!("media-{wamid}"),
        mime_type: mime_type.to_owned(),
        sha256: Some("q".to_owned()),
        caption: None,
        filename: None,
        voice: false,
        animated: false,
        url: Some("https://cdn.example/1".to_owned()),
    };
    Ok(Fact::Inbound(Inbound { body, ..inbound }))
}

/// A picture is heard; the ids of message and file.
async fn heard(desk: &mut Desk, wamid: &str) -> Result<(MessageId, MediaId), Broken> {
    let fact = picture(desk, wamid)?;
    taken_in(desk, fact).await
}

/// As [`heard`], of any file.
async fn taken_in(desk: &mut Desk, fact: Fact) -> Result<(MessageId, MediaId), Broken> {
    let outcome = desk.hear(vec![fact]).await?;
    same!(outcome.files, 1);
    let message = outcome.messages.first().copied().ok_or_else(|| Broken("no message".to_owned()))?;
    Ok((message, of_message(message, 0)))
}

async fn due(desk: &Desk) -> Result<(Vec<MediaId>, Option<Timestamp>), Broken> {
    let (found, next) = desk.store.to_fetch(None, 9, 99, desk.now).await?;
    Ok((found.into_iter().map(|m| m.id).collect(), next))
}

async fn state(desk: &Desk, id: MediaId) -> Result<MediaState, Broken> {
    let found = desk.store.media(SHOP, id).await?;
    found.map(|m| m.state).ok_or_else(|| Broken(format!("file {id} is gone")))
}

fn stored(digest: u8) -> Fetched {
    Fetched::Stored { digest: [digest; 32], size: 7, mime_type: None }
}

pub(super) async fn a_file_is_fetched_once(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let (_, id) = heard(&mut desk, "w1").await?;
    // The webhook again: no second task.
    let fact = picture(&desk, "w1")?;
    same!(desk.hear(vec![fact]).await?.files, 0);
    same!(due(&desk).await?, (vec![id], None));
    let later = desk.now.plus(Span::secs(30));
    hold!(desk.store.fetched(SHOP, id, Fetched::Again { due: later }, desk.now).await?);
    same!(due(&desk).await?, (vec![], Some(later)));
    hold!(matches!(state(&desk, id).await?, MediaState::Waiting { tries: 1, due, .. } if due == later));
    desk.turn(Span::secs(30));
    // It is there after opening again, too.
    desk.store.close().await?;
    desk.store = factory.open();
    same!(due(&desk).await?, (vec![id], None));
    hold!(!desk.store.fetched(RIVAL, id, stored(1), desk.now).await?);
    hold!(desk.store.fetched(SHOP, id, stored(1), desk.now).await?);
    hold!(!desk.store.fetched(SHOP, id, stored(2), desk.now).await?);
    same!(state(&desk, id).await?, MediaState::Stored { digest: [1; 32], size: 7 });
    same!(due(&desk).await?, (vec![], None));
    same!(desk.store.media(RIVAL, id).await?, None);
    Ok(())
}

pub(super) async fn a_file_whose_type_nobody_told_has_that_of_its_download(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let mut files = Vec::new();
    for (wamid, told, by_download, kept) in
        [("w1", "image/jpeg", Some("image/png"), "image/jpeg"), ("w2", "", Some("image/png"), "image/png"), ("w3", "", None, "")]
    {
        let fact = picture_of(&desk, wamid, told)?;
        let (message, id) = taken_in(&mut desk, fact).await?;
        let outcome = Fetched::Stored { digest: [1; 32], size: 7, mime_type: by_download.map(str::to_owned) };
        hold!(desk.store.fetched(SHOP, id, outcome, desk.now).await?);
        files.push((message, id, kept));
    }
    // The file says it, and the message that it came with; after opening again, too.
    desk.store.close().await?;
    desk.store = factory.open();
    for (message, id, kept) in files {
        same!(desk.store.media(SHOP, id).await?.map(|media| media.mime_type), Some(kept.to_owned()));
        let body = desk.message(message).await?.inbound.map(|inbound| inbound.body);
        hold!(matches!(&body, Some(InboundBody::Media { mime_type, .. }) if mime_type == kept));
    }
    Ok(())
}

pub(super) async fn no_sender_waits_for_another_s_files(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let other = SenderId(12);
    desk.store.put_sender(sender(other.0, SHOP, "+493012345679")?).await?;
    for n in 0..5 {
        heard(&mut desk, &format!("a{n}")).await?;
    }
    let mut body = desk.body(vec![picture(&desk, "b")?]);
    body.heard.iter_mut().for_each(|(sender, _)| *sender = Some(other));
    desk.store.hear(body).await?;
    let senders = |found: Vec<Media>| found.into_iter().filter_map(|m| m.sender).collect::<Vec<_>>();
    let (found, _) = desk.store.to_fetch(None, 2, 99, desk.now).await?;
    same!(senders(found), vec![DESK, DESK, other]);
    // Where the look before ended at the first, the next begins with the other.
    let (found, _) = desk.store.to_fetch(Some(DESK), 2, 2, desk.now).await?;
    same!(senders(found), vec![other, DESK]);
    Ok(())
}

fn uploaded(id: u128, business: BusinessId, digest: u8, at: Timestamp) -> Media {
    Media {
        id: MediaId(id),
        business,
        message: None,
        sender: None,
        kind: Some(MediaKind::Document),
        mime_type: "application/pdf".to_owned(),
        filename: Some("a.pdf".to_owned()),
        at,
        state: MediaState::Stored { digest: [digest; 32], size: 3 },
    }
}

async fn loose(desk: &Desk) -> Result<Vec<(BusinessId, u8)>, Broken> {
    let found = desk.store.loose(Timestamp::FAR, 99).await?;
    Ok(found.into_iter().map(|(business, digest)| (business, digest[0])).collect())
}

pub(super) async fn bytes_stay_until_nobody_has_them(factory: &dyn Factory) -> Outcome {
    let desk = Desk::new(factory).await?;
    desk.store.put_business(business(RIVAL)).await?;
    // Expected and never come: loose.
    hold!(desk.store.expect_bytes(SHOP, [9; 32], desk.now, desk.now).await?);
    same!(loose(&desk).await?, vec![(SHOP, 9)]);
    same!(desk.store.loose(desk.now, 9).await?, vec![]);
    for (id, business) in [(1, SHOP), (2, SHOP), (3, RIVAL)] {
        hold!(desk.store.expect_bytes(business, [4; 32], desk.now, desk.now).await?);
        desk.store.add_media(uploaded(id, business, 4, desk.now)).await?;
    }
    same!(loose(&desk).await?, vec![(SHOP, 9)]);
    hold!(!desk.store.delete_media(RIVAL, MediaId(1), desk.now).await?);
    hold!(desk.store.delete_media(SHOP, MediaId(1), desk.now).await?);
    hold!(!desk.store.delete_media(SHOP, MediaId(1), desk.now).await?);
    // The second has them, and the rival's are the rival's own.
    same!(loose(&desk).await?, vec![(SHOP, 9)]);
    hold!(desk.store.delete_media(SHOP, MediaId(2), desk.now).await?);
    hold!(loose(&desk).await?.contains(&(SHOP, 4)));
    // Taken up again before they are gone: they stay.
    desk.store.add_media(uploaded(5, SHOP, 4, desk.now)).await?;
    let soon = desk.now.plus(Span::secs(5));
    same!(desk.store.remove_bytes(SHOP, [4; 32], desk.now, soon).await?, Loose::No);
    same!(loose(&desk).await?, vec![(SHOP, 9)]);
    same!(desk.store.remove_bytes(SHOP, [9; 32], desk.now, soon).await?, Loose::Yes);
    desk.store.end_removal(SHOP, [9; 32], soon, true).await?;
    same!(loose(&desk).await?, vec![]);
    // Somebody brings them once more while the last file that has them is removed: they are not loose before that should be over.
    let later = desk.now.plus(Span::minutes(1));
    hold!(desk.store.expect_bytes(SHOP, [4; 32], desk.now, later).await?);
    hold!(desk.store.delete_media(SHOP, MediaId(5), desk.now).await?);
    same!(desk.store.loose(later, 9).await?, vec![]);
    same!(loose(&desk).await?, vec![(SHOP, 4)]);
    Ok(())
}

pub(super) async fn bytes_are_brought_or_removed_and_never_both(factory: &dyn Factory) -> Outcome {
    let desk = Desk::new(factory).await?;
    let (digest, soon, later) = ([4; 32], desk.now.plus(Span::secs(5)), desk.now.plus(Span::minutes(1)));
    // What nobody knows of is not loose.
    same!(desk.store.remove_bytes(SHOP, digest, desk.now, soon).await?, Loose::No);
    hold!(desk.store.expect_bytes(SHOP, digest, desk.now, desk.now).await?);
    same!(desk.store.loose(soon, 9).await?, vec![(SHOP, digest)]);
    // Listed, and expected anew before they are removed: they stay.
    hold!(desk.store.expect_bytes(SHOP, digest, desk.now, later).await?);
    same!(desk.store.remove_bytes(SHOP, digest, soon, later).await?, Loose::No);
    // Nothing came of it: who asks first removes them, and nobody brings them meanwhile.
    let until = later.plus(Span::secs(5));
    same!(desk.store.remove_bytes(SHOP, digest, later, until).await?, Loose::Yes);
    same!(desk.store.remove_bytes(SHOP, digest, later, until).await?, Loose::Elsewhere);
    hold!(!desk.store.expect_bytes(SHOP, digest, later, until).await?);
    same!(loose(&desk).await?, vec![(SHOP, 4)]);
    // It could not: they may be brought, or removed, at once.
    desk.store.end_removal(SHOP, digest, until, false).await?;
    same!(desk.store.remove_bytes(SHOP, digest, later, until).await?, Loose::Yes);
    desk.store.end_removal(SHOP, digest, until, true).await?;
    same!(loose(&desk).await?, vec![]);
    hold!(desk.store.expect_bytes(SHOP, digest, later, later).await?);
    // Whoever removes them and is heard of no more holds nobody up for ever.
    same!(desk.store.remove_bytes(SHOP, digest, later, until).await?, Loose::Yes);
    hold!(desk.store.expect_bytes(SHOP, digest, until, until.plus(Span::minutes(1))).await?);
    // And if it is heard of after all, they are expected still.
    desk.store.end_removal(SHOP, digest, until, true).await?;
    same!(desk.store.loose(until.plus(Span::minutes(2)), 9).await?, vec![(SHOP, digest)]);
    same!(desk.store.remove_bytes(SHOP, digest, until, until).await?, Loose::No);
    Ok(())
}

pub(super) async fn what_is_taken_out_takes_its_file_along(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let (first, one) = heard(&mut desk, "w1").await?;
    let (second, other) = heard(&mut desk, "w2").await?;
    let (_, old) = heard(&mut desk, "w3").await?;
    for (id, digest) in [(one, 1), (other, 2), (old, 3)] {
        hold!(desk.store.fetched(SHOP, id, stored(digest), desk.now).await?);
    }
    desk.store.redact(SHOP, first, desk.now).await?;
    desk.store.delete(SHOP, second, desk.now).await?;
    same!(desk.store.media(SHOP, one).await?, None);
    same!(desk.store.media(SHOP, other).await?, None);
    hold!(desk.store.media(SHOP, old).await?.is_some());
    let mut gone = loose(&desk).await?;
    gone.sort_unstable();
    same!(gone, vec![(SHOP, 1), (SHOP, 2)]);
    // What is left goes with its age.
    desk.turn(Span::days(91));
    desk.sweep(64).await?;
    same!(desk.store.media(SHOP, old).await?, None);
    hold!(loose(&desk).await?.contains(&(SHOP, 3)));
    Ok(())
}

pub(super) async fn the_upstream_s_ids_are_used_until_they_end(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    desk.store.add_media(uploaded(1, SHOP, 4, desk.now)).await?;
    let copy = UpstreamCopy {
        business: SHOP,
        sender: DESK,
        digest: [4; 32],
        mime_type: "application/pdf".to_owned(),
        provider_id: "77".to_owned(),
        until: desk.now.plus(Span::days(30)),
    };
    desk.store.put_upstream_copy(copy.clone()).await?;
    same!(desk.store.upstream_copy(SHOP, DESK, [4; 32], desk.now).await?, Some(copy.clone()));
    same!(desk.store.upstream_copy(SHOP, SenderId(12), [4; 32], desk.now).await?, None);
    same!(desk.store.upstream_copy(SHOP, DESK, [4; 32], copy.until).await?, None);
    desk.store.forget_upstream_copy(SHOP, DESK, [4; 32]).await?;
    same!(desk.store.upstream_copy(SHOP, DESK, [4; 32], desk.now).await?, None);
    // They go with the file.
    desk.store.put_upstream_copy(copy.clone()).await?;
    desk.store.delete_media(SHOP, MediaId(1), desk.now).await?;
    same!(desk.store.upstream_copy(SHOP, DESK, [4; 32], desk.now).await?, None);
    // And with their time.
    desk.store.put_upstream_copy(copy).await?;
    desk.turn(Span::days(30));
    hold!(desk.sweep(64).await? >= 1);
    Ok(())
}

pub(super) async fn a_file_that_never_comes_is_told(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let (message, id) = heard(&mut desk, "w1").await?;
    let why = "Meta does not know the file any more.".to_owned();
    hold!(desk.store.fetched(SHOP, id, Fetched::Failed { why: why.clone() }, desk.now).await?);
    hold!(!desk.store.fetched(SHOP, id, Fetched::Failed { why: why.clone() }, desk.now).await?);
    same!(state(&desk, id).await?, MediaState::Failed { why: why.clone(), at: desk.now });
    same!(due(&desk).await?, (vec![], None));
    let told: Vec<_> = desk
        .events()
        .await?
        .into_iter()
        .filter_map(|event| match event.body {
            EventBody::MediaFailed { message, media, why, .. } => Some((message, media, why)),
            _ => None,
        })
        .collect();
    same!(told, vec![(message, id, why)]);
    Ok(())
}
