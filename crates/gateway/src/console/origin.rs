//! Where a request with a cookie comes from: our own page, and where it must be, this very machine.

use std::net::IpAddr;

use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use transom_domain::error_code::ErrorCode;

use crate::http::Peer;
use crate::problem::Problem;
use crate::service::AddressRules;

/// Set by whatever passes requests on.
const PASSED_ON: [&str; 5] = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"];

/// The host that the browser meant, with its port where it has one.
pub(super) fn host(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(header::HOST).iter();
    let host = all.next()?.to_str().ok()?;
    all.next().is_none().then_some(host)
}

/// Host and port.
pub(super) fn split(host: &str) -> (&str, Option<u16>) {
    match host.rsplit_once(':') {
        // The colons of an IPv6 address stand inside its brackets.
        Some((name, port)) if !port.contains(']') => match port.parse() {
            Ok(port) => (name, Some(port)),
            Err(_) => (host, None),
        },
        _ => (host, None),
    }
}

/// Whether a host is this machine, by name or address: only names that no one else can let lead here.
pub(super) fn is_loopback(host: &str) -> bool {
    let (name, _) = split(host);
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    name.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Whether something passed a request on that says so.
pub(super) fn was_passed_on(headers: &HeaderMap) -> bool {
    PASSED_ON.iter().any(|name| headers.contains_key(*name))
}

/// The page that a browser says it is on, where it says so.
fn page(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::ORIGIN).map(|origin| origin.to_str().unwrap_or_default())
}

/// Whether a page lies on the browser's own machine: what it sends passes no network in clear, whatever leads from there to us.
fn is_on_own_machine(page: &str) -> bool {
    page.strip_prefix("http://").is_some_and(is_loopback)
}

/// Whether nothing is read along between the browser and us, though it is not sealed: the browser is on this machine, or at the other
/// end of a tunnel or of a container's port. A proxy may give the host this machine's name; what it adds, what the browser says of its page, and
/// what we are called outside, tell.
pub(super) fn is_local(parts: &Parts, public_url: Option<&str>) -> bool {
    let is_near = parts.extensions.get::<Peer>().is_some_and(|peer| !AddressRules::default().reaches(peer.0.ip()));
    is_near
        && host(&parts.headers).is_some_and(is_loopback)
        && !was_passed_on(&parts.headers)
        && !public_url.is_some_and(|url| url.starts_with("https://"))
        && page(&parts.headers).is_none_or(is_on_own_machine)
}

/// Whether a password may come this way: over TLS, as far as that can be told, or over no network at all.
pub(super) fn may_carry_secrets(parts: &Parts, public_url: Option<&str>) -> bool {
    // What a browser says of its page counts before all else: no page and no proxy changes it.
    if let Some(page) = page(&parts.headers) {
        return page.starts_with("https://") || is_on_own_machine(page);
    }
    let proto = parts.headers.get("x-forwarded-proto").map(|value| value.as_bytes()).unwrap_or_default();
    proto.starts_with(b"https") || public_url.is_some_and(|url| url.starts_with("https://")) || is_local(parts, public_url)
}

/// Whether somebody at this machine asks, through nobody in between. The name is looked at too: a page from elsewhere can let a
/// name of its own lead here, and would then be of our origin.
///
/// # Errors
/// 403 with what speaks against it.
pub(super) fn at_this_machine(parts: &Parts) -> Result<(), Problem> {
    let refused = |why: &str| {
        Err(Problem::new(ErrorCode::CrossSite, why)
            .remedy("Open the console on this machine as http://localhost, with the port that `transom dev` prints."))
    };
    if !parts.extensions.get::<Peer>().is_some_and(|peer| peer.0.ip().to_canonical().is_loopback()) {
        return refused("Without a sign-in the console opens on the machine itself only.");
    }
    if !host(&parts.headers).is_some_and(is_loopback) {
        return refused("Without a sign-in the console opens as localhost, 127.0.0.1 or [::1] only.");
    }
    if was_passed_on(&parts.headers) {
        return refused("Without a sign-in the console does not open through a proxy or a tunnel.");
    }
    Ok(())
}

/// Whether a request comes from a page of ours. Every browser says so of a request that changes something; of one that only
/// looks, most do, and what they say must fit.
///
/// # Errors
/// 403 when another page sent it, or nobody says who did.
pub(super) fn from_our_page(parts: &Parts, public_url: Option<&str>) -> Result<(), Problem> {
    let headers = &parts.headers;
    let refused = |why: String| Err(Problem::new(ErrorCode::CrossSite, why));
    let site = headers.get("sec-fetch-site").map(|value| value.as_bytes());
    // `none`: typed by hand, or opened from a bookmark.
    if let Some(site) = site
        && !(site == b"same-origin" || (site == b"none" && parts.method.is_safe()))
    {
        return refused("The request comes from another site's page.".to_owned());
    }
    let origin = headers.get(header::ORIGIN);
    if let Some(origin) = origin
        && !origin.to_str().is_ok_and(|origin| is_ours(origin, host(headers), public_url))
    {
        return refused("The request comes from another origin's page.".to_owned());
    }
    if site.is_none() && origin.is_none() && !parts.method.is_safe() {
        return refused("The request does not say which page sent it: neither Origin nor Sec-Fetch-Site is there.".to_owned());
    }
    Ok(())
}

fn is_ours(origin: &str, host: Option<&str>, public_url: Option<&str>) -> bool {
    let authority = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    let of_public = public_url.and_then(|text| url::Url::parse(text).ok()).map(|url| url.origin().ascii_serialization());
    authority.is_some_and(|authority| host.is_some_and(|host| host.eq_ignore_ascii_case(authority)))
        || of_public.is_some_and(|public| public.eq_ignore_ascii_case(origin))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;

    fn parts(method: &str, pairs: &[(&str, &str)], peer: &str) -> Parts {
        let mut request = Request::builder().method(method).uri("/");
        for (name, value) in pairs {
            request = request.header(*name, *value);
        }
        let mut parts = request.body(()).unwrap().into_parts().0;
        parts.extensions.insert(Peer(peer.parse().unwrap()));
        parts
    }

    #[test]
    fn only_names_that_nobody_else_can_give_are_this_machine() {
        for host in ["localhost", "LOCALHOST:8080", "127.0.0.1", "127.0.0.1:1", "127.9.9.9:8080", "[::1]", "[::1]:8080"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["localhost.evil.example", "evil.example:8080", "10.0.0.1", "[::2]:80", "0.0.0.0", "", "localhost:x", "::1"] {
            assert_eq!(is_loopback(host), host == "::1" && split(host).0 == "::1", "{host}");
        }
    }

    #[test]
    fn a_name_that_was_led_here_and_whatever_passes_on_open_nothing() {
        let here = "127.0.0.1:5000";
        assert!(at_this_machine(&parts("GET", &[("host", "localhost:8080")], here)).is_ok());
        assert!(at_this_machine(&parts("GET", &[("host", "localhost:8080")], "[::ffff:127.0.0.1]:1")).is_ok());
        for (pairs, peer) in [
            (&[("host", "localhost:8080")][..], "192.168.1.7:5000"),
            (&[("host", "evil.example:8080")], here),
            (&[("host", "localhost"), ("host", "evil.example")], here),
            (&[("host", "localhost"), ("x-forwarded-for", "1.2.3.4")], here),
            (&[("host", "localhost"), ("forwarded", "for=1.2.3.4")], here),
            (&[], here),
        ] {
            assert!(at_this_machine(&parts("GET", pairs, peer)).is_err(), "{pairs:?} from {peer}");
        }
    }

    #[test]
    fn a_password_comes_over_tls_or_over_no_network() {
        let local = ("host", "localhost:8080");
        let may = |pairs: &[(&str, &str)], peer: &str, url| may_carry_secrets(&parts("POST", pairs, peer), url);
        let (here, public) = ("127.0.0.1:5000", Some("https://gateway.example.com"));
        assert!(may(&[("host", "a.example"), ("origin", "https://a.example")], "8.8.8.8:1", None));
        assert!(may(&[local], here, None) && may(&[local, ("origin", "http://localhost:8080")], here, None));
        // Through a tunnel to a gateway that has an address outside; through the port of a container.
        assert!(may(&[local, ("origin", "http://localhost:8080")], here, public));
        assert!(may(&[local, ("origin", "http://localhost:8080")], "172.17.0.1:1", None));
        // Somebody who comes back from a provider says no page.
        assert!(may(&[("host", "gateway.example.com")], here, public));
        assert!(may(&[("host", "a.example"), ("x-forwarded-proto", "https")], here, None));
        for (pairs, peer, url) in [
            (&[("host", "a.example"), ("origin", "http://a.example")][..], here, None),
            // The proxy gives the host another name, and takes http too.
            (&[local, ("origin", "http://gateway.example.com")], here, Some("http://gateway.example.com")),
            (&[local, ("origin", "http://gateway.example.com")], here, public),
            (&[local, ("x-forwarded-for", "8.8.8.8")], here, None),
            (&[local], "8.8.8.8:1", None),
            (&[local, ("origin", "null")], here, None),
        ] {
            assert!(!may(pairs, peer, url), "{pairs:?} from {peer}");
        }
    }

    #[test]
    fn what_changes_something_comes_from_our_own_page() {
        let host = ("host", "gateway.example.com");
        let ask = |method: &str, pairs: &[(&str, &str)]| {
            from_our_page(&parts(method, &[&[host], pairs].concat(), "10.0.0.1:1"), Some("https://public.example.com/x")).is_ok()
        };
        assert!(ask("POST", &[("sec-fetch-site", "same-origin")]));
        assert!(ask("POST", &[("origin", "https://gateway.example.com")]));
        // A proxy may give the host a name of its own; the configuration knows the public one.
        assert!(ask("POST", &[("origin", "https://public.example.com")]));
        assert!(ask("GET", &[]) && ask("GET", &[("sec-fetch-site", "none")]));
        for pairs in [
            &[][..],
            &[("sec-fetch-site", "none")],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "cross-site"), ("origin", "https://gateway.example.com")],
            &[("sec-fetch-site", "same-origin"), ("origin", "https://evil.example")],
            &[("origin", "null")],
            &[("origin", "https://gateway.example.com.evil.example")],
            &[("origin", "https://gateway.example.com:8443")],
        ] {
            assert!(!ask("POST", pairs), "{pairs:?}");
        }
        assert!(!ask("GET", &[("sec-fetch-site", "cross-site")]) && !ask("GET", &[("origin", "https://evil.example")]));
    }
}
