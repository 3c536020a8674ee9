//! Files as callers see them: uploaded, looked up, deleted, read by a signed link.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::TryStreamExt as _;
use tokio::time::Instant;

use transom_domain::error_code::ErrorCode;
use transom_domain::id::{BusinessId, MediaId};
use transom_domain::media::{self, OUTBOUND_MAX, STILL_STICKER_MAX};
use transom_domain::time::Span;
use transom_store::{Media, MediaState};

use super::{Caller, Service};
use crate::media::NotKept;
use crate::media::links::BadLink;
use crate::media::stage::{NotStaged, Patience};
use crate::media::vault::{Name, VaultError};
use crate::problem::Problem;
use crate::wire::stream::Flow;

/// How long an upload may take.
const PATIENCE: Patience = Patience { pause: Duration::from_secs(30), whole: Duration::from_secs(900) };
/// Seconds after which a file that is being fetched may be there.
const SOON: u32 = 5;

/// Files that are uploaded at once: each holds a connection for as long as its caller needs.
const UPLOADS_MAX: usize = 32;
/// Of one business: a caller that drips leaves the others theirs.
const UPLOADS_OF_ONE: usize = UPLOADS_MAX / 4;

/// Who uploads just now.
#[derive(Debug, Default)]
pub(crate) struct Uploads(Mutex<BTreeMap<BusinessId, usize>>);

/// A place among those who upload, until it is dropped.
#[derive(Debug)]
pub(crate) struct Uploading<'a>(&'a Uploads, BusinessId);

impl Uploads {
    fn by(&self) -> MutexGuard<'_, BTreeMap<BusinessId, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place; none when all are taken, or all that one business may have.
    fn enter(&self, business: BusinessId) -> Option<Uploading<'_>> {
        let mut by = self.by();
        if by.values().sum::<usize>() >= UPLOADS_MAX || by.get(&business).is_some_and(|own| *own >= UPLOADS_OF_ONE) {
            return None;
        }
        *by.entry(business).or_default() += 1;
        Some(Uploading(self, business))
    }
}

impl Drop for Uploading<'_> {
    fn drop(&mut self) {
        let mut by = self.0.by();
        if let Some(own) = by.get_mut(&self.1) {
            *own -= 1;
            if *own == 0 {
                by.remove(&self.1);
            }
        }
    }
}

/// A file to be kept.
pub struct NewMedia {
    /// Its type, as the caller says.
    pub mime_type: String,
    /// Its name, as the caller says.
    pub filename: Option<String>,
    /// How many bytes were announced.
    pub announced: Option<u64>,
    /// Its bytes, as they come.
    pub body: Flow,
}

/// A file with a link to it.
pub struct Shown {
    /// The file.
    pub media: Media,
    /// A link, where its bytes are here.
    pub link: Option<String>,
}

/// A file that a link opens.
pub struct Linked {
    /// The file.
    pub media: Media,
    /// Its digest, which is its bytes' name.
    pub name: Name,
    /// How many bytes.
    pub size: u64,
    /// How long the link is still good.
    pub left: Span,
}

/// How often a file that is waited for is looked up, though nobody here told of it.
const LOOK_EVERY: Duration = Duration::from_secs(1);

fn gone() -> Problem {
    Problem::not_found("file")
}

fn vault_failed(why: &VaultError) -> Problem {
    tracing::error!(error = %why, "the vault of files does not answer");
    Problem::new(ErrorCode::StoreUnavailable, "Files cannot be read or written now.").retry_after(5)
}

impl From<NotKept> for Problem {
    fn from(why: NotKept) -> Self {
        match why {
            NotKept::Vault(why) => vault_failed(&why),
            NotKept::Store(why) => why.into(),
        }
    }
}

impl Service {
    /// Keeps a file that a caller uploads. Its type and size are held to what the channel takes.
    ///
    /// # Errors
    /// When it could not be sent, is cut off, or cannot be kept; nothing stays then.
    pub async fn add_media(&self, caller: &Caller, new: NewMedia) -> Result<Shown, Problem> {
        let mime_type = media::bare_type(&new.mime_type);
        let Some(kind) = media::kind_of(&mime_type) else {
            let known: Vec<&str> = media::TAKES.iter().flat_map(|takes| takes.types).map(|(known, _)| *known).collect();
            let rule = if mime_type.is_empty() {
                "is missing".to_owned()
            } else {
                format!("is {mime_type}, which the channel does not take")
            };
            return Err(Problem::field("Content-Type", rule, format!("send one of {}", known.join(", "))));
        };
        let filename = match &new.filename {
            Some(given) => Some(media::clean_name(given).ok_or_else(|| {
                Problem::field("filename", "has no character that a name can have", "give a name such as invoice.pdf")
            })?),
            None => None,
        };
        let max = media::takes(kind).max.min(OUTBOUND_MAX);
        let too_large = |size: String| {
            let errors = media::check("file", kind, &mime_type, Some(max + 1)).err();
            let message = format!("The file has {size}, at most {max} are taken of {}.", kind.as_str());
            Problem::new(ErrorCode::MediaTooLarge, message)
                .detail("errors", serde_json::json!(errors.into_iter().collect::<Vec<_>>()))
        };
        if let Some(announced) = new.announced.filter(|announced| *announced > max) {
            return Err(too_large(format!("{announced} bytes")));
        }
        let _place = self.uploads.enter(caller.business).ok_or_else(|| {
            Problem::new(ErrorCode::Overloaded, "As many files are being uploaded as may be at once, in all or by one business.")
                .retry_after(2)
        })?;
        let _held = self.files.hold(new.announced.unwrap_or(max))?;
        let staged = self.files.stage.take(new.body, max, PATIENCE).await.map_err(|why| match why {
            NotStaged::TooLarge => too_large(format!("more than {max} bytes")),
            NotStaged::Broken(why) => {
                Problem::field("", format!("has a body that broke off ({why})"), "send the whole file again")
            }
            NotStaged::Disk(why) => vault_failed(&VaultError(format!("an upload cannot be written: {why}"))),
        })?;
        media::check("file", kind, &mime_type, Some(staged.size)).map_err(|found| Problem::fields(&[found]))?;
        if !media::begins_as(&mime_type, &staged.head) {
            let rule = format!("is {mime_type}, and the file does not begin as one");
            return Err(Problem::field("Content-Type", rule, "send the type that the file has"));
        }
        if mime_type == "image/webp" && staged.size > STILL_STICKER_MAX && !media::moves(&staged.head) {
            let message = format!(
                "The sticker has {} bytes, at most {STILL_STICKER_MAX} are taken of one that does not move.",
                staged.size
            );
            return Err(Problem::new(ErrorCode::MediaTooLarge, message));
        }
        let now = self.now();
        let media = Media {
            id: MediaId::compose(now, self.chance.draw()),
            business: caller.business,
            message: None,
            sender: None,
            kind: Some(kind),
            mime_type,
            filename,
            at: now,
            state: MediaState::Stored { digest: staged.digest, size: staged.size },
        };
        let kept = media.clone();
        self.files.keep(caller.business, staged, async || self.store.add_media(kept.clone()).await).await?;
        Ok(self.shown(media))
    }

    fn shown(&self, media: Media) -> Shown {
        let link = media.state.digest().map(|_| self.files.links.link(media.business, media.id));
        Shown { media, link }
    }

    /// What is known of a file, with a fresh link.
    ///
    /// # Errors
    /// When there is none.
    pub async fn media(&self, caller: &Caller, id: MediaId) -> Result<Shown, Problem> {
        let media = self.store.media(caller.business, id).await?.ok_or_else(gone)?;
        Ok(self.shown(media))
    }

    /// What is known of a file once it does not wait to be fetched any more; after so long, as it is then.
    ///
    /// # Errors
    /// When there is none.
    pub async fn media_within(&self, caller: &Caller, id: MediaId, within: Duration) -> Result<Shown, Problem> {
        let end = Instant::now() + within;
        // Before it is looked up: nothing that ends in between is missed.
        let mut tried = self.fetcher.tried();
        loop {
            let shown = self.media(caller, id).await?;
            let now = Instant::now();
            if now >= end || !matches!(shown.media.state, MediaState::Waiting { .. }) {
                return Ok(shown);
            }
            // Of a file that another process fetches nobody tells here.
            let look = end.min(now + LOOK_EVERY);
            while let Ok(Ok(other)) = tokio::time::timeout_at(look, tried.recv()).await {
                if other == id {
                    break;
                }
            }
        }
    }

    /// Deletes a file. Its bytes go once no other file of the business has them.
    ///
    /// # Errors
    /// When there is none.
    pub async fn delete_media(&self, caller: &Caller, id: MediaId) -> Result<(), Problem> {
        if !self.store.delete_media(caller.business, id, self.now()).await? {
            return Err(gone());
        }
        self.fetcher.reap_soon();
        Ok(())
    }

    /// The file that a link opens.
    ///
    /// # Errors
    /// 403 for a link that is not ours or is over, 404 for a file that is gone or never came, 503 for one that is still to come.
    pub async fn linked(&self, business: BusinessId, id: MediaId, expires: &str, signature: &str) -> Result<Linked, Problem> {
        let left = self.files.links.check(business, id, expires, signature).map_err(|why| {
            let message = match why {
                BadLink::Forged => "The link is not one that was given out, or was changed.",
                BadLink::Over => "The link's time is over.",
            };
            Problem::new(ErrorCode::MediaLinkInvalid, message)
        })?;
        let media = self.store.media(business, id).await?.ok_or_else(gone)?;
        match &media.state {
            MediaState::Stored { digest, size } => {
                let (name, size) = (Name { business, digest: *digest }, *size);
                Ok(Linked { name, size, left, media })
            }
            MediaState::Waiting { .. } => {
                Err(Problem::new(ErrorCode::MediaNotReady, "The file is being fetched from Meta.").retry_after(SOON))
            }
            MediaState::Failed { why, .. } => {
                Err(Problem::new(ErrorCode::NotFound, format!("The file could not be fetched: {why}")))
            }
        }
    }

    /// All bytes of a file, in memory.
    ///
    /// # Errors
    /// When it is not here, or has more than `max` bytes; `field` names it.
    pub(super) async fn kept_bytes(&self, business: BusinessId, id: MediaId, max: usize, field: &str) -> Result<Bytes, Problem> {
        let missing =
            || Problem::field(field, "names no file of this business that is here", "upload the file with POST …/media");
        let media = self.store.media(business, id).await?.ok_or_else(missing)?;
        let MediaState::Stored { digest, size } = media.state else { return Err(missing()) };
        if usize::try_from(size).is_ok_and(|size| size > max) {
            let message = format!("{field}: the file has {size} bytes, at most {max} are allowed here.");
            return Err(Problem::new(ErrorCode::MediaTooLarge, message));
        }
        let flow = self.files.vault.open(Name { business, digest }, None).await.map_err(|why| vault_failed(&why))?;
        let pieces: Vec<Bytes> = flow.ok_or_else(missing)?.try_collect().await.map_err(|why| vault_failed(&VaultError(why)))?;
        Ok(pieces.concat().into())
    }

    /// The bytes of a file, or a part of them.
    ///
    /// # Errors
    /// When the vault does not answer or has lost them.
    pub async fn bytes_of(&self, linked: &Linked, part: Option<Range<u64>>) -> Result<Flow, Problem> {
        match self.files.vault.open(linked.name, part).await {
            Ok(Some(flow)) => Ok(flow),
            Ok(None) => {
                tracing::error!(media.id = %linked.media.id, "the vault has lost a file");
                Err(Problem::new(ErrorCode::NotFound, "The bytes of the file are lost."))
            }
            Err(why) => Err(vault_failed(&why)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_business_leaves_the_others_places_to_upload() {
        let uploads = Uploads::default();
        let mut own: Vec<_> = (0..UPLOADS_OF_ONE).map(|_| uploads.enter(BusinessId(1)).unwrap()).collect();
        assert!(uploads.enter(BusinessId(1)).is_none());
        let others: Vec<_> = (2..5).flat_map(|n| (0..UPLOADS_OF_ONE).map(move |_| BusinessId(n))).collect();
        let _others: Vec<_> = others.into_iter().map(|business| uploads.enter(business).unwrap()).collect();
        assert!(uploads.enter(BusinessId(9)).is_none(), "all are taken");
        own.pop();
        assert!(uploads.enter(BusinessId(9)).is_some());
        drop(own);
        assert!(uploads.enter(BusinessId(1)).is_some());
    }
}
