//! The console's files, embedded, and how they are served: one policy, packed once, kept by browsers where their name says what
//! is in them.
//!
//! `web/` at the top of the repository is their source; `web/dist`, built and committed, is what is embedded. Gateway and
//! simulator serve the same files from here.

use std::collections::HashMap;
use std::io::Write as _;
use std::sync::LazyLock;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use rust_embed::Embed;

/// What a page of the console may do: run our own scripts, talk with our own server, be shown in nobody's frame.
pub const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; \
     connect-src 'self'; font-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
);

/// Files in this folder have a digest in their name.
const NAMED_BY_DIGEST: &str = "assets/";
/// Smaller ones are not worth packing: they fit into one packet as they are.
const PACKED_FROM: usize = 1_024;
/// A packed file that is not at least so much smaller is served as it is, in percent.
const PACKED_TO: usize = 90;

#[derive(Embed)]
#[folder = "../../web/dist"]
#[allow_missing = true]
struct Dist;

/// The pages; every other file belongs to one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// Everything.
    Console,
    /// The phones, the desk, the clock and the faults: what the simulator alone can show.
    Phone,
}

/// A file; cheap to clone.
#[derive(Debug, Clone)]
pub struct Asset {
    bytes: Bytes,
    /// The same in gzip, where that is worth it.
    packed: Option<Bytes>,
    kind: HeaderValue,
    etag: String,
    immutable: bool,
}

static FILES: LazyLock<HashMap<String, Asset>> = LazyLock::new(|| {
    Dist::iter()
        .filter_map(|path| {
            let file = Dist::get(&path)?;
            let bytes = match file.data {
                std::borrow::Cow::Borrowed(bytes) => Bytes::from_static(bytes),
                std::borrow::Cow::Owned(bytes) => Bytes::from(bytes),
            };
            let digest = file.metadata.sha256_hash();
            Some((path.to_string(), Asset::new(bytes, kind_of(&path), &digest, path.starts_with(NAMED_BY_DIGEST))))
        })
        .collect()
});

/// The file at a path inside `web/dist`, such as `assets/console-1a2b3c.js`.
#[must_use]
pub fn asset(path: &str) -> Option<Asset> {
    FILES.get(path).cloned()
}

/// A page; where the files are not in this build, one that says how they get there.
#[must_use]
pub fn page(page: Page) -> Asset {
    let name = match page {
        Page::Console => "console.html",
        Page::Phone => "phone.html",
    };
    asset(name).unwrap_or_else(|| Asset::new(Bytes::from_static(include_bytes!("not_built.html")), HTML, b"not built", false))
}

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

fn kind_of(path: &str) -> HeaderValue {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => HTML,
        "js" | "mjs" => HeaderValue::from_static("text/javascript; charset=utf-8"),
        "css" => HeaderValue::from_static("text/css; charset=utf-8"),
        "json" | "map" => HeaderValue::from_static("application/json"),
        "svg" => HeaderValue::from_static("image/svg+xml"),
        "png" => HeaderValue::from_static("image/png"),
        "webp" => HeaderValue::from_static("image/webp"),
        "ico" => HeaderValue::from_static("image/x-icon"),
        "txt" => HeaderValue::from_static("text/plain; charset=utf-8"),
        _ => HeaderValue::from_static("application/octet-stream"),
    }
}

impl Asset {
    fn new(bytes: Bytes, kind: HeaderValue, digest: &[u8], immutable: bool) -> Self {
        let is_text =
            kind.to_str().is_ok_and(|kind| kind.starts_with("text/") || kind.ends_with("json") || kind.ends_with("xml"));
        let packed = (is_text && bytes.len() >= PACKED_FROM).then(|| packed(&bytes)).flatten();
        // Half of the digest is more than enough to tell versions of a file apart.
        let etag = digest.iter().take(16).fold(String::new(), |mut text, byte| {
            use std::fmt::Write as _;
            let _ = write!(text, "{byte:02x}");
            text
        });
        Self { bytes, packed, kind, etag, immutable }
    }

    /// The file as it is.
    #[must_use]
    pub const fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The answer to a request with these headers: packed where the browser unpacks, and 304 where it has the file already.
    #[must_use]
    pub fn answer(&self, asked: &HeaderMap) -> Response<Bytes> {
        let packed = self.packed.as_ref().filter(|_| unpacks(asked));
        let tag = if packed.is_some() { format!("\"{}-gz\"", self.etag) } else { format!("\"{}\"", self.etag) };
        let is_known = known(asked, &tag);
        let body = if is_known { Bytes::new() } else { packed.unwrap_or(&self.bytes).clone() };
        let mut answer = Response::new(body);
        if is_known {
            *answer.status_mut() = StatusCode::NOT_MODIFIED;
        }
        let keep = if self.immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
        let headers = answer.headers_mut();
        if let Ok(tag) = HeaderValue::from_str(&tag) {
            headers.insert(header::ETAG, tag);
        }
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
        if self.packed.is_some() {
            headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        }
        if packed.is_some() && !is_known {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        headers.insert(header::CONTENT_TYPE, self.kind.clone());
        guard(headers);
        answer
    }
}

/// The headers of everything that the console serves.
pub fn guard(headers: &mut HeaderMap) {
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin"));
    headers.insert(HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin"));
    headers.insert(
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), microphone=(), geolocation=(), payment=(), usb=()"),
    );
}

fn packed(bytes: &[u8]) -> Option<Bytes> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    packer.write_all(bytes).ok()?;
    let packed = packer.finish().ok()?;
    (packed.len() * 100 <= bytes.len() * PACKED_TO).then(|| packed.into())
}

/// Whether gzip may be answered (RFC 9110, 12.5.3).
fn unpacks(asked: &HeaderMap) -> bool {
    let values = asked.get_all(header::ACCEPT_ENCODING);
    values.iter().filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(',')).any(|one| {
        let (name, weight) = one.split_once(';').unwrap_or((one, ""));
        let none = weight.trim().strip_prefix("q=").is_some_and(|q| q.trim().parse::<f32>().is_ok_and(|q| q <= 0.0));
        matches!(name.trim(), "gzip" | "*") && !none
    })
}

/// Whether the browser has this version.
fn known(asked: &HeaderMap, tag: &str) -> bool {
    let values = asked.get_all(header::IF_NONE_MATCH);
    values.iter().filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(',')).any(|one| {
        let one = one.trim();
        one == "*" || one.trim_start_matches("W/") == tag
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    fn asked(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap())).collect()
    }

    fn script() -> Asset {
        Asset::new(Bytes::from("let one = 1;\n".repeat(200)), kind_of("assets/a-1.js"), &[7; 32], true)
    }

    #[test]
    fn the_committed_pages_are_in_the_program_with_all_that_they_name() {
        for page in ["console.html", "phone.html"] {
            let page = asset(page).expect(page);
            let text = std::str::from_utf8(page.bytes()).unwrap();
            let named: Vec<&str> = text.split("assets/").skip(1).filter_map(|rest| rest.split('"').next()).collect();
            assert!(named.len() >= 2, "{text}");
            for name in named {
                assert!(asset(&format!("assets/{name}")).is_some(), "{name}");
            }
        }
    }

    #[test]
    fn a_file_is_packed_for_who_unpacks_it() {
        let script = script();
        let plain = script.answer(&HeaderMap::new());
        assert_eq!(plain.body(), script.bytes());
        assert!(!plain.headers().contains_key(header::CONTENT_ENCODING));
        let answer = script.answer(&asked(&[(header::ACCEPT_ENCODING, "br;q=1.0, gzip;q=0.8")]));
        assert_eq!(answer.headers()[header::CONTENT_ENCODING], "gzip");
        assert!(answer.body().len() * 5 < script.bytes().len());
        let mut back = Vec::new();
        flate2::read::GzDecoder::new(answer.body().as_ref()).read_to_end(&mut back).unwrap();
        assert_eq!(back, script.bytes().as_ref());
        for no in ["gzip;q=0", "br", "gzip; q=0.0", ""] {
            assert_eq!(script.answer(&asked(&[(header::ACCEPT_ENCODING, no)])).body(), script.bytes(), "{no}");
        }
        // The two forms are two things to a cache.
        assert_ne!(plain.headers()[header::ETAG], answer.headers()[header::ETAG]);
        assert_eq!(answer.headers()[header::VARY], "accept-encoding");
    }

    #[test]
    fn what_a_browser_has_is_not_sent_again() {
        let script = script();
        let first = script.answer(&HeaderMap::new());
        let tag = first.headers()[header::ETAG].to_str().unwrap().to_owned();
        for known in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".to_owned()] {
            let again = script.answer(&asked(&[(header::IF_NONE_MATCH, &known)]));
            assert_eq!((again.status(), again.body().len()), (StatusCode::NOT_MODIFIED, 0), "{known}");
            assert!(again.headers().contains_key(header::CONTENT_SECURITY_POLICY));
        }
        assert_eq!(script.answer(&asked(&[(header::IF_NONE_MATCH, "\"x\"")])).status(), StatusCode::OK);
        assert_eq!(first.headers()[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
        assert_eq!(page(Page::Console).answer(&HeaderMap::new()).headers()[header::CACHE_CONTROL], "no-cache");
    }

    #[test]
    fn nothing_inline_runs_and_nobody_frames_it() {
        for shown in [Page::Console, Page::Phone] {
            let answer = page(shown).answer(&HeaderMap::new());
            let policy = answer.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
            assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"));
            let html = String::from_utf8(page(shown).bytes().to_vec()).unwrap();
            for (at, _) in html.match_indices("<script") {
                let tag = html[at..].split('>').next().unwrap();
                assert!(tag.contains(" src=\"/console/assets/"), "{tag}");
            }
            assert!(!html.contains("<style") && !html.contains(" style=") && !html.contains("://"), "{html}");
        }
    }

    #[test]
    fn whatever_a_page_names_is_here() {
        for shown in [Page::Console, Page::Phone] {
            let html = String::from_utf8(page(shown).bytes().to_vec()).unwrap();
            for attribute in ["href=\"", "src=\""] {
                for target in html.split(attribute).skip(1).filter_map(|rest| rest.split('"').next()) {
                    // The first page is no file, and neither is what the gateway answers itself.
                    if let Some(path) =
                        target.strip_prefix("/console/").filter(|path| !path.is_empty() && !path.starts_with("api/"))
                    {
                        assert!(asset(path).is_some(), "{shown:?} names {target}");
                    }
                }
            }
        }
    }
}
