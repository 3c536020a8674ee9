//! What handlers are given: an authenticated caller, ids out of the path, a bounded body. A handler that takes
//! [`Authorised`] first cannot forget to ask for a key, and no body is read before the key was checked.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use transom_domain::error_code::ErrorCode;
use transom_domain::id::BusinessId;
use transom_store::{IdempotencyKey, Scopes};

use super::App;
use super::bounds::{Budget, Held};
use crate::problem::Problem;
use crate::service::{Caller, Credential, Needs, Visitor};

/// Most bytes of a request body of the API (published: 1 MiB).
pub(crate) const BODY_MAX: usize = 1024 * 1024;
/// The header that names a request, so that its repetition is known.
pub(crate) const IDEMPOTENCY_KEY: &str = "Idempotency-Key";
/// Most characters of an idempotency key (published: 128).
const IDEMPOTENCY_KEY_MAX: usize = 128;

/// What every handler answers with.
pub(crate) type Answer = Result<Response, Problem>;

/// A JSON answer.
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Answer {
    match serde_json::to_vec(body) {
        Ok(bytes) => Ok((status, [(header::CONTENT_TYPE, "application/json")], bytes).into_response()),
        Err(error) => {
            tracing::error!(%error, "an answer could not be written");
            Err(Problem::new(ErrorCode::Unspecified, "The answer could not be written."))
        }
    }
}

/// Scope of sending and reading messages.
pub(crate) const SEND: u32 = Scopes::SEND.0;
/// Scope of templates and content.
pub(crate) const TEMPLATES: u32 = Scopes::TEMPLATES.0;
/// Scope of endpoints and events.
pub(crate) const WEBHOOKS: u32 = Scopes::WEBHOOKS.0;

/// Scope of whoever administers the business: settings, erasure, the audit log.
pub(crate) const ADMIN: u32 = Scopes::ADMIN.0;
/// No scope at all: any key of the business, and anybody who is something in it.
pub(crate) const ANY: u32 = 0;

/// The holder of a key of the business in the path, with that scope.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Authorised<const SCOPE: u32>(pub(crate) Caller);

impl<const SCOPE: u32> FromRequestParts<App> for Authorised<SCOPE> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        if !is_decodable(parts).await {
            return Err(Problem::new(ErrorCode::NotFound, "The path is not UTF-8 once it is percent-decoded: it names nothing."));
        }
        let business = path_parameter(parts, "business").await;
        // A path that names no business at all is nobody's: the same answer as for another one's key.
        let business: BusinessId = business
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| Problem::new(ErrorCode::ApiKeyInvalid, "The key in X-API-Key is not known."))?;
        let credential = shown(parts, app).await?;
        let needs = Needs { scope: Scopes(SCOPE), changes: !parts.method.is_safe() };
        app.service.authorise(business, credential, needs).await.map(Self)
    }
}

/// Whoever shows a key, or is signed in, where the path names no business.
#[derive(Debug, Clone)]
pub(crate) struct Visiting(pub(crate) Visitor);

impl FromRequestParts<App> for Visiting {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let credential = shown(parts, app).await?;
        app.service.visitor(credential).await.map(Self)
    }
}

/// What the request shows for itself; for what goes on for so long that it is checked again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shown(pub(crate) Credential);

impl FromRequestParts<App> for Shown {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        shown(parts, app).await.map(Self)
    }
}

/// A key, else the console's cookie.
async fn shown(parts: &Parts, app: &App) -> Result<Credential, Problem> {
    match parts.headers.get("x-api-key") {
        Some(key) => match key.to_str().map(str::trim) {
            Ok(key) if !key.is_empty() => Ok(Credential::key(key)),
            _ => Err(Problem::new(ErrorCode::ApiKeyInvalid, "The X-API-Key header is missing.")),
        },
        None => app.console.credential(parts).await,
    }
}

/// The `{id}` of the path.
#[derive(Debug, Clone)]
pub(crate) struct PathId(String);

impl PathId {
    /// The id; something else in its place names nothing that exists.
    pub(crate) fn parse<T: std::str::FromStr>(&self, otherwise: impl FnOnce() -> Problem) -> Result<T, Problem> {
        self.0.parse().map_err(|_| otherwise())
    }
}

impl FromRequestParts<App> for PathId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        let id = path_parameter(parts, "id").await;
        id.map(Self).ok_or_else(|| Problem::new(ErrorCode::NotFound, "The path names no id."))
    }
}

/// The `{deeper}` of the path: the id of something that belongs to what `{id}` names.
#[derive(Debug, Clone)]
pub(crate) struct PathDeeper(String);

impl PathDeeper {
    /// See [`PathId::parse`].
    pub(crate) fn parse<T: std::str::FromStr>(&self, otherwise: impl FnOnce() -> Problem) -> Result<T, Problem> {
        self.0.parse().map_err(|_| otherwise())
    }
}

impl FromRequestParts<App> for PathDeeper {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        let id = path_parameter(parts, "deeper").await;
        id.map(Self).ok_or_else(|| Problem::new(ErrorCode::NotFound, "The path names no id."))
    }
}

/// The `{name}` of the path.
#[derive(Debug, Clone)]
pub(crate) struct PathName(pub(crate) String);

impl FromRequestParts<App> for PathName {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        let name = path_parameter(parts, "name").await;
        name.map(Self).ok_or_else(|| Problem::new(ErrorCode::NotFound, "The path names nothing."))
    }
}

/// A parameter of the path, percent-decoded. None where it is not text, and then none of its neighbours either: see
/// [`is_decodable`].
pub(crate) async fn path_parameter(parts: &mut Parts, name: &str) -> Option<String> {
    let parameters = RawPathParams::from_request_parts(parts, &()).await.ok()?;
    parameters.iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
}

/// Whether what the path names is text once it is percent-decoded: bytes that are no UTF-8 name nothing.
async fn is_decodable(parts: &mut Parts) -> bool {
    RawPathParams::from_request_parts(parts, &()).await.is_ok()
}

/// A request with its body: what a parser works on.
#[derive(Debug)]
pub(crate) struct Asked {
    /// Body, at most [`BODY_MAX`] bytes.
    pub(crate) body: Bytes,
    /// The idempotency key with its fingerprint, where the caller gave one.
    pub(crate) idempotency: Option<IdempotencyKey>,
    /// The body's bytes, as long as it is in memory.
    _held: Option<Held>,
}

impl FromRequest<App> for Asked {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        // A key that is none is told before a body is waited for.
        let key = idempotency_key(request.headers(), IDEMPOTENCY_KEY)?;
        let (parts, body, held) = with_body(request, app).await?;
        let idempotency = key.map(|key| keyed(key, &parts, &body));
        Ok(Self { body, idempotency, _held: Some(held) })
    }
}

/// A request with its body, within the API's limits. The body counts as in memory until the third is dropped.
///
/// # Errors
/// As [`read_body`].
pub(crate) async fn with_body(request: Request, app: &App) -> Result<(Parts, Bytes, Held), Problem> {
    let (parts, body) = request.into_parts();
    let mut held = app.bounds.bodies.hold();
    let body = read_body(&parts.headers, body, BODY_MAX, app.settings.body_timeout, &mut held).await?;
    Ok((parts, body, held))
}

/// How bodies are read that are not the API's: within a size, a time, and room of their own, since nobody is turned away before them.
#[derive(Debug, Clone)]
pub(crate) struct Bodies {
    max: usize,
    within: Duration,
    room: Budget,
}

impl Bodies {
    /// So large at most, within this time, and so many of the largest at once.
    pub(crate) fn new(name: &'static str, max: usize, within: Duration, at_once: usize) -> Self {
        Self { max, within, room: Budget::new(name, max.saturating_mul(at_once)) }
    }

    /// Reads one. It counts as in memory until the second is dropped.
    ///
    /// # Errors
    /// As [`read_body`].
    pub(crate) async fn read(&self, headers: &HeaderMap, body: Body) -> Result<(Bytes, Held), Problem> {
        let mut held = self.room.hold();
        let body = read_body(headers, body, self.max, self.within, &mut held).await?;
        Ok((body, held))
    }
}

#[cfg(any(test, feature = "fuzz"))]
impl Asked {
    /// A body without anything else.
    pub(crate) fn of(body: impl Into<Bytes>) -> Self {
        Self { body: body.into(), idempotency: None, _held: None }
    }
}

/// The idempotency key in the header of this name, where the caller gave one.
///
/// # Errors
/// When it is no key.
pub(crate) fn idempotency_key(headers: &HeaderMap, name: &str) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let fits = (1..=IDEMPOTENCY_KEY_MAX).contains(&value.len()) && value.as_bytes().iter().all(|b| (0x20..0x7f).contains(b));
    match value.to_str() {
        Ok(key) if fits => Ok(Some(key.to_owned())),
        _ => Err(Problem::field(
            name,
            "must be 1 to 128 printable ASCII characters",
            "use an id of your own for this request, such as a UUID",
        )),
    }
}

/// A key with what tells its request from others.
pub(crate) fn keyed(key: String, parts: &Parts, body: &[u8]) -> IdempotencyKey {
    IdempotencyKey { key, fingerprint: fingerprint(parts.method.as_str(), parts.uri.path(), body) }
}

/// What two requests with the same idempotency key are compared by. Each part is followed by a byte that none can contain.
fn fingerprint(method: &str, path: &str, body: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in [method.as_bytes(), b"\0", path.as_bytes(), b"\0", body] {
        hash.update(part);
    }
    hash.finalize().into()
}

/// Most that is read and dropped of a body that is refused.
const SPILL_MAX: usize = 16 * 1024 * 1024;
/// Longest that is read and dropped of a body that is refused.
const SPILL_TIME: Duration = Duration::from_secs(1);

/// Reads a body within a limit and a time.
///
/// # Errors
/// 413 when it is larger; 400 when it is cut off or takes too long; 503 when other bodies hold all the room there is.
pub(crate) async fn read_body(
    headers: &HeaderMap,
    body: Body,
    max: usize,
    within: Duration,
    held: &mut Held,
) -> Result<Bytes, Problem> {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse::<usize>().ok());
    let too_large = || Problem::new(ErrorCode::BodyTooLarge, format!("The body is larger than {max} bytes."));
    let mut body = body;
    if announced.is_some_and(|length| length > max) {
        spill(&mut body).await;
        return Err(too_large());
    }
    let read = async {
        let mut first: Option<Bytes> = None;
        let mut rest = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let cut_off = |_| Problem::field("", "has a body that was cut off", "send the whole body");
            let Ok(data) = frame.map_err(cut_off)?.into_data() else { continue };
            if first.as_ref().map_or(0, Bytes::len) + rest.len() + data.len() > max {
                return Err(too_large());
            }
            // Byte by byte as they come, so that one who only announces a large body holds nothing.
            held.more(data.len())?;
            match &first {
                None => first = Some(data),
                Some(_) => rest.extend_from_slice(&data),
            }
        }
        // Small bodies come in one piece, which is then not copied.
        match first {
            Some(first) if rest.is_empty() => Ok(first),
            Some(first) => Ok([first.as_ref(), rest.as_ref()].concat().into()),
            None => Ok(Bytes::new()),
        }
    };
    match tokio::time::timeout(within, read).await {
        // Not within that time: what is known to be too large is not also told to be late.
        Ok(Err(problem)) if problem.code == ErrorCode::BodyTooLarge => {
            spill(&mut body).await;
            Err(problem)
        }
        Ok(read) => read,
        Err(_) => Err(Problem::field("", "has a body that did not arrive in time", "send the body at once")),
    }
}

/// Reads on and drops what comes, within bounds: a connection that is closed while the client still sends is reset, and the
/// client would never see why it was refused.
async fn spill(body: &mut Body) {
    let read = async {
        let mut spilt = 0;
        while let Some(Ok(frame)) = body.frame().await {
            spilt += frame.into_data().map_or(0, |data| data.len());
            if spilt > SPILL_MAX {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(SPILL_TIME, read).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::bounds::Bounds;
    use futures::stream;

    const TIME: Duration = Duration::from_secs(5);

    fn plenty() -> Held {
        Bounds::new(1_000, 1_000, 1).bodies.hold()
    }

    #[tokio::test]
    async fn bodies_hold_no_more_than_there_is_room_for() {
        let bounds = Bounds::new(1, 4, 1);
        let (mut one, mut other) = (bounds.bodies.hold(), bounds.bodies.hold());
        let headers = HeaderMap::new();
        assert_eq!(read_body(&headers, pieces(&["ab", "c"]), 5, TIME, &mut one).await.unwrap(), "abc");
        let refused = read_body(&headers, pieces(&["de"]), 5, TIME, &mut other).await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::Overloaded);
        drop(one);
        assert_eq!(read_body(&headers, pieces(&["de"]), 5, TIME, &mut other).await.unwrap(), "de");
    }

    fn pieces(pieces: &[&'static str]) -> Body {
        let pieces: Vec<Result<Bytes, std::io::Error>> = pieces.iter().map(|p| Ok(Bytes::from_static(p.as_bytes()))).collect();
        Body::from_stream(stream::iter(pieces))
    }

    #[tokio::test]
    async fn bodies_are_joined_and_bounded() {
        let headers = HeaderMap::new();
        assert_eq!(read_body(&headers, pieces(&["ab", "cd", "e"]), 5, TIME, &mut plenty()).await.unwrap(), "abcde");
        assert_eq!(read_body(&headers, Body::empty(), 5, TIME, &mut plenty()).await.unwrap(), "");
        let refused = read_body(&headers, pieces(&["abc", "def"]), 5, TIME, &mut plenty()).await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::BodyTooLarge);
        let announced = HeaderMap::from_iter([(header::CONTENT_LENGTH, "6".parse().unwrap())]);
        assert_eq!(read_body(&announced, Body::empty(), 5, TIME, &mut plenty()).await.unwrap_err().code, ErrorCode::BodyTooLarge);
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_or_never_comes_is_refused() {
        let broken: Vec<Result<Bytes, std::io::Error>> = vec![Ok(Bytes::from_static(b"{")), Err(std::io::Error::other("reset"))];
        let refused =
            read_body(&HeaderMap::new(), Body::from_stream(stream::iter(broken)), 5, TIME, &mut plenty()).await.unwrap_err();
        assert!(refused.message.contains("cut off"));
        let never = Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
        let refused = read_body(&HeaderMap::new(), never, 5, Duration::ZERO, &mut plenty()).await.unwrap_err();
        assert!(refused.message.contains("in time"));
    }

    #[test]
    fn idempotency_keys_are_printable_and_bounded() {
        let key = |text: &[u8]| {
            let value = axum::http::HeaderValue::from_bytes(text).unwrap();
            idempotency_key(&HeaderMap::from_iter([(header::HeaderName::from_static("idempotency-key"), value)]), IDEMPOTENCY_KEY)
        };
        assert_eq!(key(b"order 7").unwrap().as_deref(), Some("order 7"));
        assert!(key(&[b'x'; 128]).is_ok() && key(&[b'x'; 129]).is_err());
        assert!(key(b"").is_err() && key(b"\xc3\xa9").is_err() && key(b"a\tb").is_err());
        assert_eq!(idempotency_key(&HeaderMap::new(), IDEMPOTENCY_KEY).unwrap(), None);
    }

    #[test]
    fn the_fingerprint_tells_method_path_and_body_apart() {
        let one = fingerprint("POST", "/a", b"b");
        assert_ne!(one, fingerprint("POST", "/ab", b""));
        assert_ne!(one, fingerprint("PUT", "/a", b"b"));
        assert_eq!(one, fingerprint("POST", "/a", b"b"));
    }
}
