//! Looking at links: whether a file that is to be sent from somewhere else has a type and a size that Meta takes. A look costs the
//! caller a moment, a failed message costs a customer's.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ::http::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderMap, RANGE};
use ::http::{Method, Request};
use tokio::time::Instant;

use transom_domain::field::FieldError;
use transom_domain::free_form::MediaKind;
use transom_domain::media::{bare_type, check, kind_of};

use crate::service::AddressRules;
use crate::wire::stream::{Carrier, Load, Opened};

/// How long what was seen is believed: Meta itself keeps a link's file for ten minutes (Meta: messages/image-messages).
const BELIEVED: Duration = Duration::from_secs(600);
/// Links that are remembered.
const LINKS_MAX: usize = 4_096;

/// What a link answered.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Seen {
    /// A file, as far as it said.
    File { mime_type: Option<String>, size: Option<u64> },
    /// That there is none.
    Refused(u16),
    /// Nothing that says anything: Meta may see more.
    Unclear,
}

/// Looks at links; cheap to clone.
#[derive(Clone)]
pub(crate) struct Outside {
    carrier: Arc<dyn Carrier>,
    addresses: AddressRules,
    seen: Arc<Mutex<HashMap<String, (Instant, Seen)>>>,
}

impl Outside {
    pub(crate) fn new(carrier: Arc<dyn Carrier>, addresses: AddressRules) -> Self {
        Self { carrier, addresses, seen: Arc::default() }
    }

    /// Whether a link may be given to Meta as a file of a kind.
    ///
    /// # Errors
    /// What Meta would find wrong with it, at `field`.
    pub(crate) async fn look(&self, field: &str, kind: MediaKind, link: &str) -> Result<(), FieldError> {
        let wrong = |rule: String, remedy: &str| Err(FieldError { field: field.to_owned(), rule, remedy: remedy.to_owned() });
        if let Err(problem) = self.addresses.check(link) {
            return wrong(
                format!("cannot be fetched by Meta: {}", problem.message.trim_end_matches('.')),
                "give a public https address, or upload the file with POST …/media",
            );
        }
        match self.seen(link).await {
            Seen::Unclear => Ok(()),
            Seen::Refused(status) => wrong(
                format!("is a link that answers {status}"),
                "give a link that is public and answers with the file, or upload it with POST …/media",
            ),
            Seen::File { mime_type, size } => {
                let told = mime_type.filter(|t| !matches!(t.as_str(), "application/octet-stream" | "binary/octet-stream" | ""));
                match told {
                    Some(mime_type) => check(field, kind, &mime_type, size),
                    // The kind's own type stands in, so that the size is looked at all the same.
                    None => match transom_domain::media::takes(kind).types.first() {
                        Some((mime_type, _)) => check(field, kind, mime_type, size),
                        None => Ok(()),
                    },
                }
            }
        }
    }

    /// The kind that the file at a link is of by its type; none where nobody may ask there, or the answer does not tell.
    pub(crate) async fn kind(&self, link: &str) -> Option<MediaKind> {
        self.addresses.check(link).ok()?;
        match self.seen(link).await {
            Seen::File { mime_type, .. } => kind_of(&mime_type?),
            Seen::Refused(_) | Seen::Unclear => None,
        }
    }

    async fn seen(&self, link: &str) -> Seen {
        if let Some((at, seen)) = self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(link)
            && at.elapsed() < BELIEVED
        {
            return seen.clone();
        }
        let seen = self.ask(link).await;
        let mut known = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= LINKS_MAX {
            known.clear();
        }
        // What said nothing is asked again.
        if seen != Seen::Unclear {
            known.insert(link.to_owned(), (Instant::now(), seen.clone()));
        }
        seen
    }

    async fn ask(&self, link: &str) -> Seen {
        let Some(Opened { status, headers, .. }) = self.open(Method::HEAD, link).await else { return Seen::Unclear };
        match status {
            200..=299 => file(&headers),
            // It answers to those who really want it.
            403 | 405 | 501 => match self.open(Method::GET, link).await {
                Some(Opened { status: 200..=299, headers, .. }) => file(&headers),
                Some(Opened { status: status @ (401 | 403 | 404 | 410), .. }) => Seen::Refused(status),
                _ => Seen::Unclear,
            },
            401 | 404 | 410 => Seen::Refused(status),
            _ => Seen::Unclear,
        }
    }

    /// Asks for the head of an answer only: of a `GET`, for one byte.
    async fn open(&self, method: Method, link: &str) -> Option<Opened> {
        let ranged = method == Method::GET;
        let mut request = Request::builder().method(method).uri(link);
        if ranged {
            request = request.header(RANGE, "bytes=0-0");
        }
        self.carrier.open(request.body(()).ok()?, Load::Nothing).await.ok()
    }
}

fn file(headers: &HeaderMap) -> Seen {
    let text = |name| headers.get(name).and_then(|v| v.to_str().ok());
    // Of a part, the whole is told behind the slash.
    let whole = text(CONTENT_RANGE).and_then(|range| range.rsplit('/').next()?.parse().ok());
    let length = || if headers.contains_key(CONTENT_RANGE) { None } else { text(CONTENT_LENGTH)?.parse().ok() };
    Seen::File { mime_type: text(CONTENT_TYPE).map(bare_type), size: whole.or_else(length) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::stream::{NoAnswer, Opening};
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Answers by the link's last part: status, type, size.
    #[derive(Default)]
    struct Server(AtomicUsize);

    impl Carrier for Server {
        fn open(&self, request: Request<()>, _: Load) -> Opening<'_> {
            self.0.fetch_add(1, Ordering::SeqCst);
            let path = request.uri().path().to_owned();
            let get = request.method() == Method::GET;
            Box::pin(async move {
                let (status, mime_type, size) = match path.as_str() {
                    "/photo" => (200, "image/jpeg", "1000"),
                    "/page" => (200, "text/html; charset=utf-8", "10"),
                    "/big" => (200, "image/png", "9000000"),
                    "/bare" => (200, "application/octet-stream", "9000000"),
                    "/gone" => (404, "text/html", "9"),
                    "/moved" => (302, "text/html", "0"),
                    "/shy" if get => (206, "video/mp4", "1"),
                    "/shy" => (405, "text/plain", "0"),
                    _ => return Err(NoAnswer("nobody is there".to_owned())),
                };
                let mut headers = HeaderMap::new();
                headers.insert(CONTENT_TYPE, mime_type.parse().unwrap());
                headers.insert(CONTENT_LENGTH, size.parse().unwrap());
                if status == 206 {
                    headers.insert(CONTENT_RANGE, "bytes 0-0/99000000".parse().unwrap());
                }
                Ok(Opened { status, headers, body: Box::pin(futures::stream::pending()) })
            })
        }
    }

    #[tokio::test]
    async fn what_meta_would_refuse_is_refused_before_it_sees_it() {
        let server = Arc::new(Server::default());
        let outside = Outside::new(server.clone(), AddressRules::default());
        let look = async |kind, path: &str| {
            let looked = outside.look("message.attachments[0].url", kind, &format!("https://shop.example/{path}")).await;
            looked.map_err(|found| found.rule)
        };
        assert_eq!(look(MediaKind::Image, "photo").await, Ok(()));
        assert!(look(MediaKind::Video, "photo").await.unwrap_err().contains("image/jpeg"));
        assert!(look(MediaKind::Document, "page").await.unwrap_err().contains("text/html"));
        assert!(look(MediaKind::Image, "big").await.unwrap_err().contains("at most"));
        assert!(look(MediaKind::Image, "bare").await.unwrap_err().contains("at most"));
        assert_eq!(look(MediaKind::Document, "bare").await, Ok(()));
        assert!(look(MediaKind::Image, "gone").await.unwrap_err().contains("404"));
        assert!(look(MediaKind::Video, "shy").await.unwrap_err().contains("at most"));
        // What says nothing is Meta's to judge.
        assert_eq!(look(MediaKind::Image, "moved").await, Ok(()));
        assert_eq!(look(MediaKind::Image, "nobody").await, Ok(()));
        for (path, kind) in [("photo", Some(MediaKind::Image)), ("shy", Some(MediaKind::Video)), ("bare", None), ("gone", None)] {
            assert_eq!(outside.kind(&format!("https://shop.example/{path}")).await, kind, "{path}");
        }
        assert_eq!(outside.kind("https://127.0.0.1/photo").await, None);
        let asked = server.0.load(Ordering::SeqCst);
        assert!(look(MediaKind::Image, "big").await.is_err());
        assert_eq!(server.0.load(Ordering::SeqCst), asked, "once in a while is enough");
        for inside in ["https://127.0.0.1/a.jpg", "http://shop.example/a.jpg", "https://intranet/a.jpg"] {
            assert!(
                outside.look("f", MediaKind::Image, inside).await.unwrap_err().rule.contains("cannot be fetched"),
                "{inside}"
            );
        }
        assert_eq!(server.0.load(Ordering::SeqCst), asked, "nobody inside is asked");
    }
}
