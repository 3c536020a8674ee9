//! The cookies of the console: one for who is signed in, one for who is about to be at a provider.

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};

use super::origin;

/// Its name, before the port: browsers share cookies among all ports of a host, and two gateways on one machine must not sign
/// each other's users out.
const NAME: &str = "transom_console";
/// The one of a sign-in at a provider, while it is under way.
const FLOW: &str = "transom_sign_in";
/// Longest token that is looked at; ours have 64 characters.
const TOKEN_MAX: usize = 128;
/// Longest of a sign-in under way; browsers keep no cookie that is longer.
const FLOW_MAX: usize = 4_000;

fn of_port(name: &str, headers: &HeaderMap) -> String {
    match origin::host(headers).and_then(|host| origin::split(host).1) {
        Some(port) => format!("{name}_{port}"),
        None => name.to_owned(),
    }
}

/// The token in the cookie.
pub(super) fn read(headers: &HeaderMap) -> Option<String> {
    only(NAME, headers).filter(|token| token.len() <= TOKEN_MAX && token.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// What is kept of a sign-in at a provider.
pub(super) fn read_flow(headers: &HeaderMap) -> Option<String> {
    let is_one = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    only(FLOW, headers).filter(|text| text.len() <= FLOW_MAX && text.bytes().all(is_one))
}

fn only(name: &str, headers: &HeaderMap) -> Option<String> {
    let wanted = of_port(name, headers);
    let values = headers.get_all(header::COOKIE);
    let pairs = values.iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(';'));
    let mut found = pairs.filter_map(|pair| pair.trim().split_once('=')).filter(|(name, _)| *name == wanted);
    let (_, value) = found.next()?;
    // Of two with one name, one was planted from elsewhere: which, nobody knows.
    (!value.is_empty() && found.next().is_none()).then(|| value.to_owned())
}

/// The cookies that one answer may set.
#[derive(Debug, Clone, Copy)]
pub(super) struct Jar<'a> {
    headers: &'a HeaderMap,
    /// What browsers may send in clear: to their own machine alone.
    in_clear: bool,
}

impl<'a> Jar<'a> {
    /// For the browser that sent this.
    pub(super) fn of(parts: &'a Parts, public_url: Option<&str>) -> Self {
        Self { headers: &parts.headers, in_clear: origin::is_local(parts, public_url) }
    }

    /// A cookie with a token, kept by the browser for so many seconds; 0 takes it away.
    pub(super) fn write(&self, token: &str, seconds: u64) -> Option<HeaderValue> {
        let (name, secure) = (of_port(NAME, self.headers), self.secure());
        HeaderValue::try_from(format!("{name}={token}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}")).ok()
    }

    /// A cookie for a sign-in at a provider. Lax: it comes back from there.
    pub(super) fn write_flow(&self, text: &str, seconds: u64) -> Option<HeaderValue> {
        if text.len() > FLOW_MAX {
            return None;
        }
        let (name, secure) = (of_port(FLOW, self.headers), self.secure());
        HeaderValue::try_from(format!("{name}={text}; Path=/console; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}")).ok()
    }

    const fn secure(&self) -> &'static str {
        if self.in_clear { "" } else { "; Secure" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(host: &str, cookie: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        headers.insert(header::COOKIE, cookie.parse().unwrap());
        headers
    }

    #[test]
    fn the_cookie_of_this_port_is_read_and_no_other() {
        let of = |host: &str, cookie: &str| read(&headers(host, cookie));
        assert_eq!(of("a.example", "x=1; transom_console=abc").as_deref(), Some("abc"));
        assert_eq!(of("localhost:8080", "transom_console_8080=abc; transom_console_8081=def").as_deref(), Some("abc"));
        for (host, cookie) in [
            ("localhost:8080", "transom_console=abc"),
            ("a.example", "transom_console=abc; transom_console=def"),
            ("a.example", "transom_console="),
            ("a.example", "transom_console=a b"),
            ("a.example", "TRANSOM_CONSOLE=abc"),
        ] {
            assert_eq!(of(host, cookie), None, "{host} {cookie}");
        }
        assert_eq!(of("a.example", &format!("transom_console={}", "a".repeat(TOKEN_MAX + 1))), None);
    }

    #[test]
    fn a_cookie_leaves_this_machine_over_tls_only() {
        let written = |host: &str, more: Option<(&str, &str)>, peer: &str, public_url: Option<&str>| {
            let mut request = axum::http::Request::get("/").header("host", host);
            if let Some((name, value)) = more {
                request = request.header(name, value);
            }
            let mut parts = request.body(()).unwrap().into_parts().0;
            parts.extensions.insert(crate::http::Peer(peer.parse().unwrap()));
            Jar::of(&parts, public_url).write("abc", 60).unwrap().to_str().unwrap().to_owned()
        };
        let here = "127.0.0.1:5000";
        let far = written("gateway.example.com", None, here, None);
        assert_eq!(far, "transom_console=abc; Path=/; HttpOnly; SameSite=Strict; Max-Age=60; Secure");
        let near = "transom_console_80=abc; Path=/; HttpOnly; SameSite=Strict; Max-Age=60";
        assert_eq!(written("[::1]:80", None, "[::1]:5000", Some("http://localhost:80")), near);
        // A port that a container publishes: its bridge asks.
        assert_eq!(written("[::1]:80", Some(("origin", "http://[::1]:80")), "172.17.0.1:5000", None), near);
        let local = "localhost:8080";
        for (host, more, peer, public_url) in [
            ("localhost.example.com", None, here, None),
            ("10.0.0.5:8080", None, here, None),
            // Whatever a proxy makes of the host.
            (local, Some(("x-forwarded-for", "198.51.100.7")), here, None),
            (local, Some(("x-forwarded-proto", "https")), here, None),
            (local, Some(("origin", "https://gateway.example.com")), here, None),
            (local, Some(("origin", "http://gateway.example.com")), here, None),
            (local, None, here, Some("https://gateway.example.com")),
            (local, None, "8.8.8.8:5000", None),
        ] {
            assert!(written(host, more, peer, public_url).ends_with("; Secure"), "{host} {more:?} {peer} {public_url:?}");
        }
    }
}
