//! Handing over: a file of ours that a message is sent with is uploaded to Meta, once for each sender and its bytes, and named by
//! Meta's id until that ends (Meta: business-phone-numbers/media).

use ::http::Request;
use ::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use bytes::Bytes;
use futures::StreamExt as _;
use std::time::Duration;
use tokio::time::Instant;

use transom_domain::address::Channel;
use transom_domain::error_code::ErrorCode;
use transom_domain::free_form::{File, FreeForm, Header, MediaKind, MediaSource};
use transom_domain::media::{UPLOADED_ID_DAYS, bare_type, check, ending, referred};
use transom_domain::status::Failure;
use transom_domain::template::HeaderParameter;
use transom_domain::time::Span;
use transom_store::{Digest, Media, MediaState, UpstreamCopy};

use super::Files;
use super::vault::Name;
use crate::directory::Speaker;
use crate::seal;
use crate::service::Leaving;
use crate::upstream::Upstream;
use crate::wire::Called;
use crate::wire::stream::{Flow, Load, next};

/// Meta's id of an upload is not used for the last day of its life: a message may wait a while between this and Meta.
const LAST_DAY: Span = Span::days(1);
/// Largest answer to an upload that is read.
const ANSWER_MAX: usize = 64 * 1024;
/// How long the answer to an upload may take, once its head is here.
const ANSWER_TIME: Duration = Duration::from_secs(30);

/// Which of Meta's ids in a message are from an earlier upload: Meta may have let go of them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Handed {
    pub(crate) reused: Vec<Digest>,
}

/// Why a file was not handed over. Nothing of the message has left.
#[derive(Debug)]
pub(crate) enum NotHanded {
    /// It cannot be sent.
    Failed(Failure),
    /// Meta's word, or that it cannot be reached: it means what it means for a send.
    Answered(Called),
}

/// Every file in a message.
pub(crate) fn files_of(leaving: &mut Leaving) -> Vec<&mut File> {
    match leaving {
        Leaving::FreeForm(say) => files_in(say).into_iter().collect(),
        Leaving::Messenger { form, .. } => form.file_mut().into_iter().collect(),
        Leaving::Template(send) => {
            let cards = send.cards.iter_mut().map(|card| &mut card.header);
            let headers = std::iter::once(&mut send.header).chain(cards);
            headers.filter_map(|header| if let Some(HeaderParameter::File(file)) = header { Some(file) } else { None }).collect()
        }
    }
}

/// The file of a free-form message: it has one at most.
pub(crate) fn files_in(say: &mut FreeForm) -> Option<&mut File> {
    match say {
        FreeForm::Media { file, .. } => Some(file),
        FreeForm::Buttons { header: Some(Header::File(file)), .. }
        | FreeForm::CtaUrl { header: Some(Header::File(file)), .. }
        | FreeForm::Flow { header: Some(Header::File(file)), .. } => Some(file),
        _ => None,
    }
}

fn failed(code: ErrorCode, message: impl Into<String>) -> NotHanded {
    NotHanded::Failed(Failure { code, message: message.into(), upstream: None })
}

impl Files {
    /// Puts Meta's ids into the places of our files in what is to leave.
    pub(crate) async fn hand_over(
        &self,
        upstream: &Upstream,
        speaker: &Speaker,
        leaving: &mut Leaving,
    ) -> Result<Handed, NotHanded> {
        let mut handed = Handed::default();
        for file in files_of(leaving) {
            let MediaSource::Link(link) = &file.source else { continue };
            let Some(id) = referred(link) else { continue };
            let business = speaker.sender.business;
            let media =
                self.store.media(business, id).await.map_err(|why| NotHanded::Answered(Called::NeverLeft(why.to_string())))?;
            let media = media.ok_or_else(|| failed(ErrorCode::MediaDownloadFailed, "The file of the message was deleted."))?;
            let MediaState::Stored { digest, size } = media.state else {
                return Err(failed(ErrorCode::MediaDownloadFailed, "The file of the message is not here."));
            };
            check("the file", file.kind, &media.mime_type, Some(size))
                .map_err(|found| failed(ErrorCode::MediaTooLarge, format!("The file of the message {}.", found.rule)))?;
            if file.kind == MediaKind::Document && file.filename.is_none() {
                file.filename.clone_from(&media.filename);
            }
            file.source = match speaker.sender.channel {
                // It takes addresses only.
                Channel::Messenger => MediaSource::Link(self.links.link(business, id)),
                Channel::Whatsapp => {
                    let (provider_id, reused) = self.at_meta(upstream, speaker, &media, digest, size).await?;
                    if reused {
                        handed.reused.push(digest);
                    }
                    MediaSource::Id(provider_id)
                }
            };
        }
        Ok(handed)
    }

    /// Meta's id of some bytes, and whether it is from an earlier upload.
    async fn at_meta(
        &self,
        upstream: &Upstream,
        speaker: &Speaker,
        media: &Media,
        digest: Digest,
        size: u64,
    ) -> Result<(String, bool), NotHanded> {
        let (business, sender) = (media.business, speaker.sender.id);
        let unavailable = |why: String| NotHanded::Answered(Called::NeverLeft(why));
        let mime_type = bare_type(&media.mime_type);
        let known = async || {
            let copy = self.store.upstream_copy(business, sender, digest, self.clock.now().plus(LAST_DAY)).await;
            let copy = copy.map_err(|why| unavailable(why.to_string()))?;
            Ok(copy.filter(|copy| copy.mime_type == mime_type).map(|copy| (copy.provider_id, true)))
        };
        if let Some(found) = known().await? {
            return Ok(found);
        }
        // A thousand messages with the same new file upload it once.
        let name = Name { business, digest };
        let _alone = self.handing(name).await;
        if let Some(found) = known().await? {
            return Ok(found);
        }
        let bytes = self.vault.open(name, None).await.map_err(|why| unavailable(why.to_string()))?;
        let bytes = bytes.ok_or_else(|| failed(ErrorCode::MediaDownloadFailed, "The bytes of the message's file are lost."))?;
        let until = self.clock.now().plus(Span::days(UPLOADED_ID_DAYS));
        let provider_id = self.uploaded(upstream, speaker, &mime_type, size, bytes).await?;
        let copy = UpstreamCopy { business, sender, digest, mime_type, provider_id: provider_id.clone(), until };
        if let Err(why) = self.store.put_upstream_copy(copy).await {
            // The next message uploads it again.
            tracing::warn!(error = %why, "Meta's id of a file could not be kept");
        }
        Ok((provider_id, false))
    }

    async fn uploaded(
        &self,
        upstream: &Upstream,
        speaker: &Speaker,
        mime_type: &str,
        size: u64,
        bytes: Flow,
    ) -> Result<String, NotHanded> {
        let unavailable = |why: String| NotHanded::Answered(Called::NeverLeft(why));
        let boundary = seal::random::<16>().map_err(|why| unavailable(why.to_string()))?;
        let boundary = format!("transom-{}", seal::hex(&boundary));
        // The name says nothing of whose file it is: Meta shows it to nobody.
        let name = format!("file.{}", ending(mime_type).unwrap_or("bin"));
        let field = |name: &str, value: &str| {
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        let before = format!(
            "{}{}--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: {mime_type}\r\n\r\n",
            field("messaging_product", "whatsapp"),
            field("type", mime_type),
        );
        let after = format!("\r\n--{boundary}--\r\n");
        let length = (before.len() + after.len()) as u64 + size;
        let piece = |text: String| futures::stream::once(async move { Ok(Bytes::from(text)) });
        let body = piece(before).chain(bytes).chain(piece(after));
        let mut bearer = HeaderValue::try_from(["Bearer ", &speaker.token].concat())
            .map_err(|_| unavailable("the token has characters that no header can carry".to_owned()))?;
        bearer.set_sensitive(true);
        let path = transom_meta::graph::media_path(&speaker.sender.account);
        let request = Request::post([upstream.root(), &path].concat())
            .header(AUTHORIZATION, bearer)
            .header(CONTENT_TYPE, format!("multipart/form-data; boundary={boundary}"))
            .body(())
            .map_err(|why| unavailable(why.to_string()))?;
        let opened = self.meta.open(request, Load::Bytes(length, Box::pin(body))).await;
        let mut opened = opened.map_err(|why| unavailable(format!("the file could not be uploaded: {}", why.0)))?;
        let mut body = Vec::new();
        let until = Instant::now() + ANSWER_TIME;
        while let Some(piece) =
            next(&mut opened.body, until.saturating_duration_since(Instant::now())).await.map_err(unavailable)?
        {
            if body.len() + piece.len() > ANSWER_MAX {
                return Err(unavailable("the answer to the upload of the file has no end".to_owned()));
            }
            body.extend_from_slice(&piece);
        }
        let answer = Called::answer(opened.status, body);
        if !(200..300).contains(&opened.status) {
            return Err(NotHanded::Answered(answer));
        }
        let id = answer.json().and_then(|json| transom_meta::graph::parse_id(&json).map_err(|why| why.to_string()));
        id.map_err(|why| unavailable(format!("the answer to the upload of the file made no sense: {why}")))
    }

    /// Meta does not know these any more: they are uploaded anew.
    pub(crate) async fn forget_handed(&self, speaker: &Speaker, handed: &Handed) {
        for digest in &handed.reused {
            let forgotten = self.store.forget_upstream_copy(speaker.sender.business, speaker.sender.id, *digest).await;
            if let Err(why) = forgotten {
                tracing::warn!(error = %why, "Meta's id of a file could not be forgotten");
            }
        }
    }
}

/// Whether Meta may have refused a message because it does not know the id of a file: code 100 for a bad parameter, or one of its
/// codes for media.
pub(crate) fn misses_a_file(called: &Called) -> bool {
    let Called::Answer { status: 400..=499, body, .. } = called else { return false };
    transom_meta::send::parse_error(body).is_some_and(|error| matches!(error.code, 100 | 131_009 | 131_052 | 131_053))
}
