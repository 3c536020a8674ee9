//! Samples of media headers: fetched, uploaded to Meta once, and known by their handle from then on (Meta:
//! graph-api/guides/upload).

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ::http::{Method, Request};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use transom_domain::error_code::ErrorCode;
use transom_domain::id::MediaId;
use transom_domain::media::referred;
use transom_domain::template::{Definition, HeaderDefinition};
use transom_meta::flow_json::Pictures;

use super::{Account, Service};
use crate::problem::Problem;
use crate::wire::{Called, Wanted, Wire};

/// Largest sample of an image; Meta takes no larger one in a message.
const IMAGE_MAX: usize = 5 << 20;
/// Largest sample of a video or a document: a review needs no more, and it is held in memory.
const FILE_MAX: usize = 16 << 20;
/// Largest sum of the pictures of one form: each of them is in its template as text, and Meta takes 10 MB of a form.
const PICTURES_BYTES_MAX: usize = 7 << 20;
/// Bytes of samples that may be in memory at once, of all businesses; who comes later waits.
const BYTES_AT_ONCE: usize = 64 << 20;
/// Handles that are remembered.
const HANDLES_MAX: usize = 256;
/// How long a handle is used again. Meta does not say how long one lives.
const HANDLE_KEEP: Duration = Duration::from_secs(20 * 60 * 60);
/// Pictures of one form: each of them is in its template as text.
const PICTURES_MAX: usize = 20;
/// How often an upload that broke off is taken up again.
const UPLOAD_TRIES: usize = 3;

/// A file's digest, and the handle that Meta gave for it.
type Handles = HashMap<[u8; 32], (Instant, String)>;

/// Samples: the way out to where they lie, and the handles of those that Meta has.
#[derive(Clone)]
pub struct Samples {
    wire: Arc<dyn Wire>,
    handles: Arc<Mutex<Handles>>,
    /// A permit for each KiB of [`BYTES_AT_ONCE`].
    room: Arc<Semaphore>,
}

impl Samples {
    /// Samples that are fetched over a wire which calls nothing it may not.
    #[must_use]
    pub fn new(wire: Arc<dyn Wire>) -> Self {
        Self { wire, handles: Arc::default(), room: Arc::new(Semaphore::new(BYTES_AT_ONCE >> 10)) }
    }

    /// Waits for room for that many bytes; it is taken until the answer is dropped.
    async fn room_for(&self, bytes: usize) -> Result<SemaphorePermit<'_>, Problem> {
        let kib = u32::try_from(bytes.min(BYTES_AT_ONCE).div_ceil(1 << 10)).unwrap_or(u32::MAX);
        let room = self.room.acquire_many(kib).await;
        room.map_err(|_closed| Problem::new(ErrorCode::Overloaded, "Samples are not fetched any more.").retry_after(1))
    }

    fn known(&self, digest: &[u8; 32]) -> Option<String> {
        let handles = self.handles.lock().unwrap_or_else(PoisonError::into_inner);
        handles.get(digest).filter(|(at, _)| at.elapsed() < HANDLE_KEEP).map(|(_, handle)| handle.clone())
    }

    fn remember(&self, digest: [u8; 32], handle: &str) {
        let mut handles = self.handles.lock().unwrap_or_else(PoisonError::into_inner);
        if handles.len() >= HANDLES_MAX {
            handles.clear();
        }
        handles.insert(digest, (Instant::now(), handle.to_owned()));
    }
}

/// What a header takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Image,
    Video,
    Document,
}

impl Kind {
    const fn bytes_max(self) -> usize {
        match self {
            Self::Image => IMAGE_MAX,
            Self::Video | Self::Document => FILE_MAX,
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Image => "a JPEG or PNG image",
            Self::Video => "an MP4 video",
            Self::Document => "a PDF document",
        }
    }
}

/// Type and name of a file by its first bytes: what a server says of it is no proof.
fn file_type(bytes: &[u8]) -> Option<(Kind, &'static str, &'static str)> {
    if bytes.starts_with(&[0xFF, 0xD8, 0xFF]) {
        Some((Kind::Image, "image/jpeg", "sample.jpg"))
    } else if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        Some((Kind::Image, "image/png", "sample.png"))
    } else if bytes.get(4..8) == Some(b"ftyp") {
        Some((Kind::Video, "video/mp4", "sample.mp4"))
    } else if bytes.starts_with(b"%PDF-") {
        Some((Kind::Document, "application/pdf", "sample.pdf"))
    } else {
        None
    }
}

/// Where a sample is, as the author wrote it.
enum Source<'a> {
    /// Meta has it.
    Handle,
    /// A file that is kept here.
    Ours(MediaId),
    Link(&'a str),
    /// In the text itself.
    Data(&'a str),
}

fn source(text: &str) -> Source<'_> {
    if let Some(id) = referred(text) {
        return Source::Ours(id);
    }
    match text.split_once(':') {
        Some(("https" | "http", _)) => Source::Link(text),
        Some(("data", data)) => Source::Data(data),
        _ => Source::Handle,
    }
}

impl Service {
    /// Puts a handle into the place of every link and every file in a definition.
    pub(super) async fn with_handles(&self, account: &Account, mut definition: Definition) -> Result<Definition, Problem> {
        let cards = definition.cards.iter_mut().enumerate();
        let headers = definition.header.iter_mut().map(|header| ("header".to_owned(), header));
        let headers = headers.chain(cards.map(|(at, card)| (format!("cards[{at}].header"), &mut card.header)));
        for (field, header) in headers {
            let (kind, sample) = match header {
                HeaderDefinition::Image { sample: Some(sample) } => (Kind::Image, sample),
                HeaderDefinition::Video { sample: Some(sample) } => (Kind::Video, sample),
                HeaderDefinition::Document { sample: Some(sample) } => (Kind::Document, sample),
                _ => continue,
            };
            let field = format!("{field}.example");
            let source = source(sample);
            if matches!(source, Source::Handle) {
                continue;
            }
            let _room = self.samples.room_for(kind.bytes_max()).await?;
            let bytes = match source {
                Source::Handle => continue,
                Source::Ours(id) => self.kept_bytes(account.speaker.sender.business, id, kind.bytes_max(), &field).await?,
                Source::Link(link) => self.fetched(link, kind.bytes_max(), &field).await?,
                Source::Data(data) => in_text(data, &field)?,
            };
            *sample = self.uploaded(account, &bytes, kind, &field).await?;
        }
        Ok(definition)
    }

    /// The pictures that a form shows, by their links.
    pub(in crate::service) async fn pictures(&self, links: &BTreeSet<String>) -> Result<Pictures, Problem> {
        if links.len() > PICTURES_MAX {
            let rule = format!("shows {} pictures, at most {PICTURES_MAX} are fetched", links.len());
            return Err(Problem::field("types.twilio/flows.pages", rule, "use fewer pictures"));
        }
        let mut pictures = Pictures::new();
        let _room = self.samples.room_for(if links.is_empty() { 0 } else { PICTURES_BYTES_MAX }).await?;
        let mut left = PICTURES_BYTES_MAX;
        for link in links {
            let bytes = self.fetched(link, left.min(IMAGE_MAX), "types.twilio/flows.pages").await?;
            left = left.saturating_sub(bytes.len());
            pictures.insert(link.clone(), bytes.to_vec());
        }
        Ok(pictures)
    }

    async fn fetched(&self, link: &str, bytes_max: usize, field: &str) -> Result<Bytes, Problem> {
        let failed = |why: String| {
            Problem::new(ErrorCode::MediaDownloadFailed, format!("{field}: the sample could not be fetched: {why}."))
                .remedy("Give a public link that answers without a redirect, a handle of Meta's, or the file as a data: address.")
        };
        let url = self.addresses.check(link).map_err(|problem| {
            Problem::field(&format!("{field}.header_handle"), problem.message.trim_end_matches('.'), "give a public https link")
        })?;
        let request = Request::builder().method(Method::GET).uri(url.as_str()).body(Bytes::new());
        let request = request.map_err(|why| failed(why.to_string()))?;
        match self.samples.wire.call(request, Wanted::Whole(bytes_max)).await {
            Called::Answer { status: 200, body, .. } => Ok(body),
            Called::Answer { status, .. } => Err(failed(format!("the server answered {status}"))),
            Called::NeverLeft(why) | Called::Lost(why) => Err(failed(why)),
        }
    }

    async fn uploaded(&self, account: &Account, bytes: &Bytes, kind: Kind, field: &str) -> Result<String, Problem> {
        let max = kind.bytes_max();
        if bytes.len() > max {
            return Err(Problem::new(
                ErrorCode::MediaTooLarge,
                format!("{field}: the sample has {} bytes, at most {max} are allowed.", bytes.len()),
            ));
        }
        let Some((found, mime, name)) = file_type(bytes).filter(|(found, ..)| *found == kind) else {
            return Err(Problem::field(field, format!("must be {}", kind.words()), "give a file of that type"));
        };
        debug_assert_eq!(found, kind);
        let app = &account.speaker.sender.app;
        let mut hash = Sha256::new();
        hash.update(app.as_bytes());
        hash.update(b"\0");
        hash.update(bytes);
        let digest: [u8; 32] = hash.finalize().into();
        if let Some(handle) = self.samples.known(&digest) {
            return Ok(handle);
        }
        let failed = |why: String| {
            Problem::new(ErrorCode::UpstreamError, format!("{field}: the sample could not be uploaded to Meta: {why}."))
        };
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let token = &account.speaker.token;
        let path = transom_meta::graph::start_upload_path(app, name, length, mime);
        let opened = self.upstream.call(Method::POST, &path, token, None).await.json().map_err(failed)?;
        let session = opened.get("id").and_then(Value::as_str).filter(|id| is_session(id));
        let session = session.ok_or_else(|| failed("the answer has no upload session".to_owned()))?;
        let mut offset = 0;
        let mut why = String::new();
        for _ in 0..UPLOAD_TRIES {
            let rest = bytes.slice(offset..);
            match self.upstream.upload(session, token, offset, rest).await.json() {
                Ok(answer) => match answer.get("h").and_then(Value::as_str) {
                    Some(handle) => {
                        self.samples.remember(digest, handle);
                        return Ok(handle.to_owned());
                    }
                    None => "the answer has no handle".clone_into(&mut why),
                },
                Err(said) => why = said,
            }
            // It broke off: Meta says how far it got.
            let state = self.upstream.upload_state(session, token).await.json().map_err(failed)?;
            let reached = state.get("file_offset").and_then(Value::as_u64).and_then(|at| usize::try_from(at).ok());
            offset = reached.filter(|at| *at <= bytes.len()).unwrap_or(0);
        }
        Err(failed(why))
    }
}

/// The path of an upload, as Meta gives it: it goes into our request as it is.
fn is_session(id: &str) -> bool {
    id.starts_with("upload:") && id.bytes().all(|b| b.is_ascii_graphic() && b != b'#') && !id.contains("..")
}

/// `image/png;base64,…` without the scheme.
fn in_text(data: &str, field: &str) -> Result<Bytes, Problem> {
    let bad = || {
        Problem::field(
            field,
            "has a data: address that is not base64",
            "write data:<type>;base64,<the file>, or give a public link",
        )
    };
    let (_, encoded) = data.split_once(";base64,").ok_or_else(bad)?;
    STANDARD.decode(encoded.trim()).map(Bytes::from).map_err(|_| bad())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_known_by_their_first_bytes() {
        assert_eq!(file_type(b"\x89PNG\r\n\x1a\nxx").map(|(_, mime, _)| mime), Some("image/png"));
        assert_eq!(file_type(&[0xFF, 0xD8, 0xFF, 0]).map(|(kind, ..)| kind), Some(Kind::Image));
        assert_eq!(file_type(b"\0\0\0\x18ftypmp42").map(|(kind, ..)| kind), Some(Kind::Video));
        assert_eq!(file_type(b"%PDF-1.7").map(|(kind, ..)| kind), Some(Kind::Document));
        assert_eq!(file_type(b"<html>"), None);
        assert_eq!(file_type(b""), None);
    }

    #[test]
    fn a_sample_is_a_handle_a_link_or_a_file() {
        assert!(matches!(source("4::aW1hZ2U="), Source::Handle));
        assert!(matches!(source("https://shop.example/a.jpg"), Source::Link(_)));
        assert!(matches!(source("data:image/png;base64,aGk="), Source::Data(_)));
        assert_eq!(in_text("image/png;base64,aGk=", "header").unwrap(), "hi");
        assert!(in_text("image/png,hi", "header").is_err());
        assert!(in_text("image/png;base64,%%", "header").is_err());
    }

    struct Nowhere;

    impl Wire for Nowhere {
        fn call(&self, _: Request<Bytes>, _: Wanted) -> crate::wire::Calling<'_> {
            Box::pin(async { Called::NeverLeft("there is no way".to_owned()) })
        }
    }

    #[tokio::test]
    async fn samples_wait_for_room() {
        let samples = Samples::new(Arc::new(Nowhere));
        let mut taken = Vec::new();
        for _ in 0..BYTES_AT_ONCE / FILE_MAX {
            taken.push(samples.room_for(FILE_MAX).await.unwrap());
        }
        let mut next = std::pin::pin!(samples.room_for(IMAGE_MAX));
        assert!(futures::poll!(next.as_mut()).is_pending());
        taken.pop();
        assert!(futures::poll!(next.as_mut()).is_ready());
    }

    #[test]
    fn only_an_upload_is_an_upload() {
        assert!(is_session("upload:MTphdA==?sig=ARZqkGCA_uQM"));
        for bad in ["", "42/messages", "upload:a b", "upload:a/../../me", "upload:a#b"] {
            assert!(!is_session(bad), "{bad}");
        }
    }
}
