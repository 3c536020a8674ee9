//! `GET /media/…`: a file, to whoever has its link. No key is asked for, and nothing of the file is ever run in a browser.

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;

use transom_domain::error_code::ErrorCode;
use transom_domain::media::bare_type;

use super::App;
use crate::problem::Problem;
use crate::seal::hex;
use crate::service::Linked;

/// What a browser may show in its own window: nothing that can hold a script.
const SHOWN: [&str; 13] = [
    "image/jpeg",
    "image/png",
    "image/webp",
    "image/gif",
    "video/mp4",
    "video/3gpp",
    "audio/aac",
    "audio/amr",
    "audio/mpeg",
    "audio/mp4",
    "audio/ogg",
    "audio/opus",
    "text/plain",
];

/// Nothing is loaded, run or framed, whatever the file turns out to be.
const POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; sandbox");
/// SHA-256 of the whole file, in hexadecimal.
const DIGEST: HeaderName = HeaderName::from_static("x-content-sha256");

/// `GET` and `HEAD`.
pub(super) async fn get(
    State(app): State<App>,
    Path((business, media)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let nothing = || Problem::new(ErrorCode::NotFound, "There is nothing at this path.");
    let (business, media) = (business.parse().map_err(|_| nothing())?, media.parse().map_err(|_| nothing())?);
    let query = query.unwrap_or_default();
    let part = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)).unwrap_or_default();
    let linked = app.service.linked(business, media, part("expires="), part("signature=")).await?;
    let tag = format!("\"{}\"", hex(&linked.name.digest));
    let matches = |name: HeaderName| {
        let values = headers.get_all(name);
        values.iter().filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(',')).any(|one| {
            let one = one.trim();
            one == "*" || one.trim_start_matches("W/") == tag
        })
    };
    if matches(header::IF_NONE_MATCH) {
        return Ok(answer(&linked, &tag, StatusCode::NOT_MODIFIED, None, Body::empty()));
    }
    // A part of another version than the one asked about is of no use.
    let wants_part = !headers.contains_key(header::IF_RANGE) || matches(header::IF_RANGE);
    let range = headers.get(header::RANGE).filter(|_| wants_part).and_then(|v| v.to_str().ok());
    match range.map_or(Wanted::Whole, |range| wanted(range, linked.size)) {
        Wanted::Nothing => {
            let mut refused = answer(&linked, &tag, StatusCode::RANGE_NOT_SATISFIABLE, None, Body::empty());
            if let Ok(all) = HeaderValue::try_from(format!("bytes */{}", linked.size)) {
                refused.headers_mut().insert(header::CONTENT_RANGE, all);
            }
            refused.headers_mut().insert(header::CONTENT_LENGTH, 0.into());
            Ok(refused)
        }
        Wanted::Whole => {
            let body = Body::from_stream(app.service.bytes_of(&linked, None).await?);
            Ok(answer(&linked, &tag, StatusCode::OK, None, body))
        }
        Wanted::Part(first, last) => {
            let body = Body::from_stream(app.service.bytes_of(&linked, Some(first..last + 1)).await?);
            Ok(answer(&linked, &tag, StatusCode::PARTIAL_CONTENT, Some((first, last)), body))
        }
    }
}

/// What of a file is asked for.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    Whole,
    /// First and last byte.
    Part(u64, u64),
    /// Beyond its end.
    Nothing,
}

/// Reads `Range` (RFC 9110, 14.2). Several parts at once, other units and nonsense get the whole file, as the RFC allows.
fn wanted(range: &str, size: u64) -> Wanted {
    let Some(spec) = range.trim().strip_prefix("bytes=").filter(|spec| !spec.contains(',')) else { return Wanted::Whole };
    let Some((first, last)) = spec.split_once('-') else { return Wanted::Whole };
    let number = |text: &str| text.trim().parse::<u64>().ok();
    match (first.trim().is_empty(), number(first), last.trim().is_empty(), number(last)) {
        // The last so many.
        (true, _, false, Some(0)) => Wanted::Nothing,
        (true, _, false, Some(count)) if size > 0 => Wanted::Part(size.saturating_sub(count), size - 1),
        (false, Some(first), true, _) if first < size => Wanted::Part(first, size - 1),
        (false, Some(first), false, Some(last)) if first <= last && first < size => Wanted::Part(first, last.min(size - 1)),
        (false, Some(first), _, last) if first >= size && last.is_none_or(|last| first <= last) => Wanted::Nothing,
        _ => Wanted::Whole,
    }
}

fn answer(linked: &Linked, tag: &str, status: StatusCode, part: Option<(u64, u64)>, body: Body) -> Response {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    let mut put = |name: HeaderName, value: String| {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    };
    let bare = bare_type(&linked.media.mime_type);
    let shown = SHOWN.contains(&bare.as_str());
    put(header::CONTENT_TYPE, content_type(&bare, &linked.media.mime_type));
    put(header::CONTENT_DISPOSITION, disposition(shown, linked.media.filename.as_deref()));
    put(header::ETAG, tag.to_owned());
    put(DIGEST, tag.trim_matches('"').to_owned());
    // The bytes behind a link never change, and nobody has it longer than it is good.
    put(header::CACHE_CONTROL, format!("private, max-age={}, immutable", linked.left.as_millis() / 1_000));
    put(header::ACCEPT_RANGES, "bytes".to_owned());
    if status != StatusCode::NOT_MODIFIED {
        let length = part.map_or(linked.size, |(first, last)| last - first + 1);
        put(header::CONTENT_LENGTH, length.to_string());
    }
    if let Some((first, last)) = part {
        put(header::CONTENT_RANGE, format!("bytes {first}-{last}/{}", linked.size));
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("cross-origin"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    answer
}

/// The type as it was told, unless a browser would make more of it than a file: those have a neutral one.
fn content_type(bare: &str, told: &str) -> String {
    let named = |text: &str| {
        let is_token =
            |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b));
        text.split_once('/').is_some_and(|(top, sub)| is_token(top) && is_token(sub))
    };
    let active = ["html", "xml", "script", "svg", "xhtml"].into_iter().any(|word| bare.contains(word));
    let document = bare.starts_with("application/vnd.openxmlformats-officedocument.");
    if !named(bare) || bare.len() > 200 || (active && !document) || bare.starts_with("multipart/") {
        return "application/octet-stream".to_owned();
    }
    match bare {
        "text/plain" => "text/plain; charset=utf-8".to_owned(),
        // Its codec decides whether a player tries.
        "audio/ogg" if told.to_ascii_lowercase().contains("opus") => "audio/ogg; codecs=opus".to_owned(),
        _ => bare.to_owned(),
    }
}

/// `Content-Disposition` with the name in both spellings (RFC 6266): plain ASCII for old programs, RFC 8187 for all others.
fn disposition(shown: bool, filename: Option<&str>) -> String {
    let how = if shown { "inline" } else { "attachment" };
    let Some(name) = filename else { return how.to_owned() };
    let plain: String =
        name.chars().map(|c| if c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '%') || c == ' ' { c } else { '_' }).collect();
    let mut encoded = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    format!("{how}; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_read_as_the_rfc_says() {
        for (range, expected) in [
            ("bytes=0-0", Wanted::Part(0, 0)),
            ("bytes=2-", Wanted::Part(2, 9)),
            ("bytes=-3", Wanted::Part(7, 9)),
            ("bytes=-30", Wanted::Part(0, 9)),
            ("bytes=4-400", Wanted::Part(4, 9)),
            ("bytes=10-", Wanted::Nothing),
            ("bytes=10-12", Wanted::Nothing),
            ("bytes=-0", Wanted::Nothing),
            ("bytes=5-4", Wanted::Whole),
            ("bytes=0-1,3-4", Wanted::Whole),
            ("lines=0-1", Wanted::Whole),
            ("bytes=", Wanted::Whole),
            ("bytes=-", Wanted::Whole),
            ("bytes=a-b", Wanted::Whole),
            ("bytes=99999999999999999999-", Wanted::Whole),
        ] {
            assert_eq!(wanted(range, 10), expected, "{range}");
        }
        assert_eq!(wanted("bytes=-1", 0), Wanted::Whole);
    }

    #[test]
    fn nothing_that_a_browser_would_run_keeps_its_type() {
        for told in [
            "text/html",
            "image/svg+xml",
            "application/xhtml+xml",
            "text/javascript",
            "text/xml",
            "a b/c",
            "",
            "x",
            "text/html\r\nX: y/z",
        ] {
            assert_eq!(content_type(&bare_type(told), told), "application/octet-stream", "{told:?}");
        }
        assert_eq!(content_type("text/plain", "text/plain"), "text/plain; charset=utf-8");
        assert_eq!(content_type("audio/ogg", "audio/ogg; codecs=opus"), "audio/ogg; codecs=opus");
        let word = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
        assert_eq!(content_type(word, word), word);
    }

    #[test]
    fn a_name_is_spelled_for_old_programs_and_new() {
        assert_eq!(disposition(true, None), "inline");
        assert_eq!(
            disposition(false, Some("Grüße \"1\".pdf")),
            "attachment; filename=\"Gr__e _1_.pdf\"; filename*=UTF-8''Gr%C3%BC%C3%9Fe%20%221%22.pdf"
        );
        assert!(!disposition(false, Some("a\r\nSet-Cookie: x")).contains('\r'));
    }
}
