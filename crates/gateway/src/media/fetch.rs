//! Fetching what customers send: a file's row is its task. Some at once, a few of each sender, round the senders; over connections
//! of its own, so that neither hearing nor sending waits for a file.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use ::http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue};
use ::http::{Method, Request};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use url::Url;

use transom_domain::address::Channel;
use transom_domain::dispatch::rest_after;
use transom_domain::free_form::MediaKind;
use transom_domain::holding::Duty;
use transom_domain::id::{MediaId, SenderId};
use transom_domain::media::{INBOUND_ID_DAYS, INBOUND_MAX, TAKES, bare_type, begins_as, type_of_name};
use transom_domain::time::{Span, Timestamp};
use transom_store::{Digest, Fetched, Media, MediaState};

use super::Files;
use super::stage::{NotStaged, Patience, Staged};
use crate::chance::Chance;
use crate::directory::{Directory, Speaker};
use crate::telemetry;
use crate::upstream::Upstream;
use crate::wire::Called;
use crate::wire::stream::{Load, Opened};
use crate::work::relay::Relay;
use crate::work::replicas::Holdings;
use crate::work::rest::{Post, Rest};
use crate::work::tasks::Tasks;

/// Files of one sender that are fetched at once.
const PER_SENDER: usize = 4;
/// How long a file may take to come.
const PATIENCE: Patience = Patience { pause: Duration::from_secs(20), whole: Duration::from_secs(600) };
/// After the first failure it is tried again after this, then after three times as long.
const FIRST_WAIT: Span = Span::secs(5);
/// The longest gap between two tries.
const LONGEST_WAIT: Span = Span::hours(1);
/// So many tries fail because of the file itself before it is given up: what Meta does not know may only not be known yet, and
/// bytes that do not fit may have been cut on the way.
const TRIES_OF_A_BAD_FILE: u32 = 5;
/// A file that nobody was poked for is looked for this often.
const LOOK: Span = Span::minutes(1);
/// How often bytes that nobody has any more are removed, beside when something was deleted.
const REAP_EVERY: Span = Span::minutes(10);
/// A link in a webhook lives for five minutes (Meta: business-phone-numbers/media); after this it is not worth a try.
const LINK_LIVES: Span = Span::minutes(4);
/// A type that is longer than this is none (RFC 6838, 4.2: 127 characters on either side of the slash).
const TYPE_MAX: usize = 255;
/// Ends of tries that whoever waits may be behind; who is further behind looks for itself.
const TRIED_KEPT: usize = 64;
/// Whose machines Meta's files are on, beside the Graph API's own address: nobody else is given a token.
const META_HOSTS: [&str; 4] = ["facebook.com", "fbsbx.com", "fbcdn.net", "whatsapp.net"];

/// What the fetcher works with.
pub(crate) struct FetcherParts {
    pub(crate) files: Files,
    pub(crate) directory: Directory,
    pub(crate) upstream: Upstream,
    pub(crate) relay: Relay,
    pub(crate) holdings: Holdings,
    pub(crate) rest: Rest,
    pub(crate) chance: Chance,
    pub(crate) tasks: Tasks,
    pub(crate) stop: CancellationToken,
}

/// The fetcher; cheap to clone.
#[derive(Clone)]
pub struct Fetcher(Arc<Inner>);

struct Inner {
    parts: FetcherParts,
    under_way: Mutex<BTreeMap<MediaId, SenderId>>,
    /// Senders that Meta has throttled.
    resting: Mutex<BTreeMap<SenderId, Timestamp>>,
    fetching: OnceLock<Arc<Post>>,
    reaping: OnceLock<Arc<Post>>,
    /// Files of which a try ended, as it ends.
    tried: broadcast::Sender<MediaId>,
}

/// The bytes of a file, and its type where the download told one.
type Download = (Staged, Option<String>);

/// Why a file is not here.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Trouble {
    /// It will not get better.
    Never(String),
    /// It is the file's own fault, or seems so.
    Bad(String),
    /// Meta's, the network's, ours: it passes.
    Passing(String),
    /// This link is over; the file may have another.
    LinkOver(String),
    /// We ask too often.
    Throttled(Span),
}

impl Fetcher {
    /// Puts it together; [`Fetcher::start`] sets it to work.
    #[must_use]
    pub(crate) fn new(parts: FetcherParts) -> Self {
        Self(Arc::new(Inner {
            parts,
            under_way: Mutex::default(),
            resting: Mutex::default(),
            fetching: OnceLock::new(),
            reaping: OnceLock::new(),
            tried: broadcast::Sender::new(TRIED_KEPT),
        }))
    }

    /// There are files to fetch.
    pub fn poke(&self) {
        if let Some(post) = self.0.fetching.get() {
            post.poke();
        }
    }

    /// The files of which a try ends from now on, whatever came of it.
    pub(crate) fn tried(&self) -> broadcast::Receiver<MediaId> {
        self.0.tried.subscribe()
    }

    /// Something was deleted.
    pub fn reap_soon(&self) {
        if let Some(post) = self.0.reaping.get() {
            post.poke();
        }
    }

    /// Removes at once the bytes that no file has any more; `false` where some could not be removed yet.
    pub(crate) async fn reap(&self) -> bool {
        let (_, is_all) = self.0.parts.files.reap().await;
        is_all
    }

    /// Starts the work.
    pub(crate) fn start(&self) {
        let parts = &self.0.parts;
        if let Err(why) = parts.files.stage.clear() {
            tracing::warn!(error = %why, "half files of an earlier run could not be removed");
        }
        let (fetching, reaping) = (parts.rest.post(), parts.rest.post());
        let _ = self.0.fetching.set(fetching.clone());
        let _ = self.0.reaping.set(reaping.clone());
        parts.tasks.spawn(self.0.clone().fetches(fetching));
        parts.tasks.spawn(self.0.clone().reaps(reaping));
    }
}

impl Inner {
    async fn reaps(self: Arc<Self>, post: Arc<Post>) {
        let mut due = None;
        while let Some(busy) = post.wait_or_stop(due, &self.parts.stop).await {
            let (gone, _) = self.parts.files.reap().await;
            if gone > 0 {
                tracing::debug!(gone, "bytes that no file has any more were removed");
            }
            due = Some(self.parts.files.clock.now().plus(REAP_EVERY));
            busy.until(due);
        }
    }

    async fn fetches(self: Arc<Self>, post: Arc<Post>) {
        let (mut due, mut last) = (None, None);
        while let Some(busy) = post.wait_or_stop(due, &self.parts.stop).await {
            due = match self.parts.holdings.does(Duty::Fetching) {
                true => self.round(&post, &mut last).await,
                false => None,
            };
            due = self.parts.holdings.look(due, self.parts.files.clock.now());
            busy.until(due);
        }
    }

    /// Starts as many as there is room for; says when to look again.
    async fn round(self: &Arc<Self>, post: &Arc<Post>, last: &mut Option<SenderId>) -> Option<Timestamp> {
        let files = &self.parts.files;
        let now = files.clock.now();
        let look = now.plus(LOOK);
        let mut room = files.fetches.saturating_sub(self.under_way().len());
        if room == 0 {
            // Whoever ends pokes.
            return Some(look);
        }
        // Those under way are still due, and come first of their sender.
        let (found, next) = match files.store.to_fetch(*last, 2 * PER_SENDER, 2 * files.fetches + PER_SENDER, now).await {
            Ok(found) => found,
            Err(why) => {
                tracing::warn!(error = %why, "files to fetch could not be looked up");
                return Some(now.plus(Span::secs(1)));
            }
        };
        let mut due = next.filter(|next| *next > now).map_or(look, |next| next.min(look));
        let directory = self.parts.directory.now();
        for media in found {
            let Some(sender) = media.sender else { continue };
            if let Some(until) = self.resting(sender, now) {
                due = due.min(until);
                continue;
            }
            let Some(speaker) = directory.sender(sender).cloned() else { continue };
            {
                let mut under_way = self.under_way();
                let of_sender = under_way.values().filter(|of| **of == sender).count();
                if room == 0 || of_sender >= PER_SENDER || under_way.contains_key(&media.id) {
                    continue;
                }
                under_way.insert(media.id, sender);
            }
            room -= 1;
            *last = Some(sender);
            let (this, post) = (self.clone(), post.clone());
            let busy = post.busy();
            self.parts.tasks.spawn(async move {
                let id = media.id;
                tokio::select! {
                    biased;
                    // Begun anew by the next process.
                    () = this.parts.stop.cancelled() => {}
                    () = this.one(&speaker, media) => {}
                }
                this.under_way().remove(&id);
                // An error says that nobody waits.
                let _ = this.tried.send(id);
                post.poke();
                drop(busy);
            });
        }
        Some(due)
    }

    fn under_way(&self) -> std::sync::MutexGuard<'_, BTreeMap<MediaId, SenderId>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Until when a sender rests, if it does.
    fn resting(&self, sender: SenderId, now: Timestamp) -> Option<Timestamp> {
        let mut resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        resting.retain(|_, until| *until > now);
        resting.get(&sender).copied()
    }

    /// One try of one file, to the end of what is known of it.
    async fn one(&self, speaker: &Speaker, media: Media) {
        let files = &self.parts.files;
        let (business, id) = (media.business, media.id);
        let tried = self.fetched(speaker, &media).await;
        let outcome = match tried {
            Ok((staged, told)) => {
                let mime_type = told.or_else(|| type_seen(&media, &staged.head).map(str::to_owned));
                let stored = Fetched::Stored { digest: staged.digest, size: staged.size, mime_type };
                let record = async || files.store.fetched(business, id, stored.clone(), files.clock.now()).await;
                match files.keep(business, staged, record).await {
                    Ok(waited) => {
                        telemetry::file_fetched("stored");
                        if !waited {
                            // Deleted meanwhile.
                            if let Some(post) = self.reaping.get() {
                                post.poke();
                            }
                        }
                        return;
                    }
                    Err(why) => self.after(&media, &Trouble::Passing(why.to_string())),
                }
            }
            Err(Trouble::Throttled(rest)) => {
                telemetry::file_fetched("throttled");
                let until = files.clock.now().plus(rest);
                self.resting.lock().unwrap_or_else(PoisonError::into_inner).insert(speaker.sender.id, until);
                return;
            }
            Err(trouble) => self.after(&media, &trouble),
        };
        telemetry::file_fetched(if matches!(outcome, Fetched::Failed { .. }) { "failed" } else { "again" });
        let failed = matches!(outcome, Fetched::Failed { .. });
        if let Err(why) = files.store.fetched(business, id, outcome, files.clock.now()).await {
            tracing::warn!(media.id = %id, error = %why, "what became of a file could not be stored");
            // It is still due; without a pause it would be tried in a hot loop.
            tokio::time::sleep(Duration::from_secs(1)).await;
        } else if failed {
            self.parts.relay.poke(business);
        }
    }

    /// What follows from a failure.
    fn after(&self, media: &Media, trouble: &Trouble) -> Fetched {
        let MediaState::Waiting { tries, .. } = &media.state else { return Fetched::Failed { why: String::new() } };
        let now = self.parts.files.clock.now();
        let (why, ends) = match trouble {
            Trouble::Never(why) => (why, true),
            Trouble::Bad(why) | Trouble::LinkOver(why) => (why, *tries + 1 >= TRIES_OF_A_BAD_FILE),
            Trouble::Passing(why) => (why, false),
            Trouble::Throttled(_) => return Fetched::Again { due: now.plus(FIRST_WAIT) },
        };
        let due = now.plus(wait(*tries, self.parts.chance.draw_u64()));
        // Meta forgets it then.
        let last = media.at.plus(Span::days(INBOUND_ID_DAYS));
        tracing::info!(media.id = %media.id, tries = tries + 1, reason = %why, ends = ends || due >= last, "a file could not be fetched");
        if ends || due >= last { Fetched::Failed { why: why.clone() } } else { Fetched::Again { due } }
    }

    async fn fetched(&self, speaker: &Speaker, media: &Media) -> Result<Download, Trouble> {
        let MediaState::Waiting { provider_id, url, sha256, .. } = &media.state else {
            return Err(Trouble::Never("the file does not wait any more.".to_owned()));
        };
        let told = sha256.as_deref().and_then(digest);
        let fresh = self.parts.files.clock.now().since(media.at) < LINK_LIVES || speaker.sender.channel == Channel::Messenger;
        if let Some(url) = url.as_deref().filter(|_| fresh) {
            match self.downloaded(speaker, url, told).await {
                // A look-up may know another link.
                Err(Trouble::LinkOver(_) | Trouble::Bad(_)) if !provider_id.is_empty() => {}
                done => return done,
            }
        }
        if provider_id.is_empty() {
            return Err(Trouble::Never("Meta's link to the file is over, and it has given no id to ask for another.".to_owned()));
        }
        let known = self.resolved(speaker, provider_id).await?;
        let told = told.or_else(|| known.sha256.as_deref().and_then(digest));
        if known.file_size.is_some_and(|size| size > INBOUND_MAX) {
            return Err(too_large());
        }
        self.downloaded(speaker, &known.url, told).await
    }

    /// Asks Meta where a file is.
    async fn resolved(&self, speaker: &Speaker, id: &str) -> Result<transom_meta::graph::Media, Trouble> {
        let path = transom_meta::graph::media_item_path(id, &speaker.sender.account);
        let called = self.parts.upstream.call(Method::GET, &path, &speaker.token, None).await;
        if let Called::Answer { status, body, .. } = &called
            && !(200..300).contains(status)
        {
            let error = transom_meta::send::parse_error(body);
            let classified = transom_meta::codes::classify(*status, error.as_ref());
            if let Some(rest) = rest_after(classified.class) {
                return Err(Trouble::Throttled(rest));
            }
            let said = error.as_ref().map_or_else(|| format!("HTTP {status}"), |e| format!("{} ({})", e.title, e.code));
            // What is not there, or not for this number: Graph says both with code 100.
            let gone = *status == 404 || error.as_ref().is_some_and(|e| e.code == 100);
            let why = format!("Meta does not give the file out: {said}.");
            return Err(if gone { Trouble::Bad(why) } else { Trouble::Passing(why) });
        }
        let json = called.json().map_err(|why| Trouble::Passing(format!("Meta could not be asked for the file: {why}.")))?;
        transom_meta::graph::parse_media(&json).map_err(|why| Trouble::Passing(format!("Meta's answer made no sense: {why}.")))
    }

    /// Downloads a file and holds it to what was told of it.
    async fn downloaded(&self, speaker: &Speaker, link: &str, told: Option<Digest>) -> Result<Download, Trouble> {
        let files = &self.parts.files;
        let foreign = || Trouble::Bad("the link to the file does not lead to Meta; it was not followed.".to_owned());
        if !is_metas(link, self.parts.upstream.root()) {
            return Err(foreign());
        }
        let mut request = Request::get(link);
        if speaker.sender.channel == Channel::Whatsapp {
            let bearer = HeaderValue::try_from(["Bearer ", &speaker.token].concat());
            let mut bearer = bearer.map_err(|_| Trouble::Passing("the token cannot stand in a header.".to_owned()))?;
            bearer.set_sensitive(true);
            request = request.header(AUTHORIZATION, bearer);
        }
        let request = request.body(()).map_err(|_| foreign())?;
        let opened = files.meta.open(request, Load::Nothing).await;
        let Opened { status, headers, body } =
            opened.map_err(|why| Trouble::Passing(format!("Meta's file server cannot be reached: {}.", why.0)))?;
        match status {
            200 => {}
            404 | 410 => return Err(Trouble::LinkOver("Meta's link to the file is over.".to_owned())),
            429 => return Err(Trouble::Throttled(Span::secs(30))),
            // Followed nowhere: a token would go along.
            300..=399 => return Err(Trouble::Bad("the link to the file leads elsewhere; it was not followed.".to_owned())),
            other => return Err(Trouble::Passing(format!("Meta's file server answered {other}."))),
        }
        let announced = headers.get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse::<u64>().ok());
        if announced.is_some_and(|length| length > INBOUND_MAX) {
            return Err(too_large());
        }
        let _held = files.hold(announced.unwrap_or(INBOUND_MAX)).map_err(|why| Trouble::Passing(format!("{why}.")))?;
        let staged = files.stage.take(body, INBOUND_MAX, PATIENCE).await.map_err(|why| match why {
            NotStaged::TooLarge => too_large(),
            NotStaged::Broken(why) => Trouble::Passing(format!("the file broke off: {why}.")),
            NotStaged::Disk(why) => Trouble::Passing(format!("the file could not be written: {why}.")),
        })?;
        if announced.is_some_and(|length| length != staged.size) {
            return Err(Trouble::Passing("the file broke off.".to_owned()));
        }
        if told.is_some_and(|told| told != staged.digest) {
            return Err(Trouble::Bad("the file's bytes are not those whose SHA-256 Meta told.".to_owned()));
        }
        Ok((staged, type_told(&headers)))
    }
}

fn too_large() -> Trouble {
    Trouble::Never(format!("the file has more than {INBOUND_MAX} bytes, the most that Meta passes on."))
}

/// How long to wait after so many tries: three times as long each, spread over the upper half.
fn wait(tries: u32, chance: u64) -> Span {
    let full = FIRST_WAIT.as_millis().saturating_mul(3i64.saturating_pow(tries.min(20))).min(LONGEST_WAIT.as_millis());
    let spread = i64::try_from(chance % 1_000).unwrap_or(0);
    Span::millis(full / 2 + full / 2 * spread / 1_000)
}

/// A digest as Meta writes it: base64 in webhooks, hexadecimal in the answer to a look-up.
fn digest(text: &str) -> Option<Digest> {
    let text = text.trim();
    if text.len() == 64 {
        let bytes: Option<Vec<u8>> = (0..32).map(|i| u8::from_str_radix(text.get(2 * i..2 * i + 2)?, 16).ok()).collect();
        return bytes?.try_into().ok();
    }
    BASE64.decode(text).ok()?.try_into().ok()
}

/// The type that the head of a download tells, bare; none where it says no more than that there are bytes.
fn type_told(headers: &HeaderMap) -> Option<String> {
    let told = bare_type(headers.get(CONTENT_TYPE)?.to_str().ok()?);
    let tells = told.contains('/') && !told.ends_with("/octet-stream") && told.len() <= TYPE_MAX;
    tells.then_some(told)
}

/// The type of its kind as which a file begins; where that is not one alone, the one that its name tells.
fn type_seen(media: &Media, head: &[u8]) -> Option<&'static str> {
    let kind = media.kind?;
    // A sticker on Messenger is a picture.
    let own = TAKES.iter().filter(|takes| takes.kind == kind || (kind == MediaKind::Sticker && takes.kind == MediaKind::Image));
    let types = own.flat_map(|takes| takes.types).map(|(mime_type, _)| *mime_type);
    let mut begun = types.filter(|mime_type| begins_as(mime_type, head) && !begins_as(mime_type, &[]));
    match (begun.next(), begun.next()) {
        (Some(only), None) => Some(only),
        _ => media.filename.as_deref().and_then(type_of_name).filter(|named| begins_as(named, head)),
    }
}

/// Whether a link leads to Meta: to one of its machines by TLS, or to where the Graph API is.
fn is_metas(link: &str, graph: &str) -> bool {
    let (Ok(link), Ok(graph)) = (Url::parse(link), Url::parse(graph)) else { return false };
    if link.origin() == graph.origin() {
        return true;
    }
    let Some(host) = link.host_str().filter(|_| link.scheme() == "https" && link.username().is_empty()) else { return false };
    let is_of = |of: &str| host.strip_suffix(of).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    link.port().is_none() && META_HOSTS.into_iter().any(is_of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_read_as_meta_writes_it() {
        let wanted = Some([0xAB; 32]);
        assert_eq!(digest(&"ab".repeat(32)), wanted);
        assert_eq!(digest(&BASE64.encode([0xAB; 32])), wanted);
        for other in ["", "abc", &"zz".repeat(32), &BASE64.encode([1; 31])] {
            assert_eq!(digest(other), None, "{other}");
        }
    }

    #[test]
    fn a_download_tells_a_type_or_nothing() {
        let told = |text: &'static str| type_told(&HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(text))]));
        assert_eq!(told("Image/PNG; charset=binary").as_deref(), Some("image/png"));
        for nothing in ["", " ", "application/octet-stream", "Binary/Octet-Stream; x=y", "png"] {
            assert_eq!(told(nothing), None, "{nothing:?}");
        }
        assert_eq!(type_told(&HeaderMap::new()), None);
    }

    #[test]
    fn a_beginning_tells_a_type_of_the_kind_or_the_name_does() {
        let seen = |kind: Option<MediaKind>, name: Option<&str>, head: &[u8]| {
            let media = Media {
                id: MediaId(1),
                business: transom_domain::id::BusinessId(1),
                message: None,
                sender: None,
                kind,
                mime_type: String::new(),
                filename: name.map(str::to_owned),
                at: Timestamp::EPOCH,
                state: MediaState::Failed { why: String::new(), at: Timestamp::EPOCH },
            };
            type_seen(&media, head)
        };
        let (png, zip) = (&b"\x89PNG\r\n\x1a\nrest"[..], &b"PK\x03\x04rest"[..]);
        for kind in [MediaKind::Image, MediaKind::Sticker] {
            assert_eq!(seen(Some(kind), None, png), Some("image/png"));
        }
        assert_eq!(seen(Some(MediaKind::Audio), None, b"\0\0\0\x18ftypM4A "), Some("audio/mp4"));
        // Three begin so, and none is guessed.
        assert_eq!(seen(Some(MediaKind::Document), None, zip), None);
        let sheet = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
        assert_eq!(seen(Some(MediaKind::Document), Some("a.xlsx"), zip), Some(sheet));
        assert_eq!(seen(Some(MediaKind::Document), Some("a.pdf"), zip), None, "a name that the bytes belie");
        assert_eq!(seen(Some(MediaKind::Document), Some("a.txt"), b"Hello"), Some("text/plain"));
        assert_eq!(seen(None, None, png), None);
    }

    #[test]
    fn a_token_goes_to_meta_only() {
        let graph = "https://graph.facebook.com/v25.0/";
        for yes in [
            "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1",
            "https://graph.facebook.com/x",
            "https://scontent.fbcdn.net/a",
        ] {
            assert!(is_metas(yes, graph), "{yes}");
        }
        for no in [
            "http://lookaside.fbsbx.com/x",
            "https://evil.example/lookaside.fbsbx.com",
            "https://notfbsbx.com/x",
            "https://fbsbx.com.evil.example/x",
            "https://a@fbsbx.com/x",
            "https://fbsbx.com:8443/x",
            "http://169.254.169.254/latest/meta-data",
            "https://127.0.0.1/x",
            "file:///etc/passwd",
            "",
        ] {
            assert!(!is_metas(no, graph), "{no}");
        }
        assert!(is_metas("http://127.0.0.1:8090/whatsapp_business/attachments/?mid=1", "http://127.0.0.1:8090/v25.0/"));
        assert!(!is_metas("http://127.0.0.1:8091/x", "http://127.0.0.1:8090/v25.0/"));
    }

    #[test]
    fn waits_grow_and_end_at_an_hour() {
        assert_eq!(wait(0, 0), Span::millis(2_500));
        assert!(wait(0, 999) < FIRST_WAIT && wait(1, 0) >= Span::secs(7));
        assert!(wait(9, 999) <= LONGEST_WAIT && wait(u32::MAX, 0) == Span::minutes(30));
    }
}
