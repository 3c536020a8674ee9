//! From where somebody asks, through whatever stands in between.

use std::net::{IpAddr, Ipv4Addr};

use axum::http::HeaderMap;
use axum::http::request::Parts;

use super::origin;
use crate::config::Networks;
use crate::http::Peer;
use crate::service::AddressRules;

/// What proxies write down for whom they ask, the nearest one last.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// Where somebody is, as far as that can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whence {
    /// At this address.
    At(IpAddr),
    /// Behind this one, as others are: what one of them does must not count against all.
    Behind(IpAddr),
}

impl Whence {
    /// Whoever sent this. The word of trusted proxies counts; of anybody else's only that there is a proxy, and only of one that is near:
    /// from far away anybody could say so, to be counted nowhere.
    pub(super) fn of(parts: &Parts, trusted: &Networks) -> Self {
        let peer = parts.extensions.get::<Peer>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip().to_canonical());
        if trusted.have(peer) {
            return Self::told(peer, &parts.headers, trusted);
        }
        let is_near = !AddressRules::default().reaches(peer);
        if is_near && origin::was_passed_on(&parts.headers) { Self::Behind(peer) } else { Self::At(peer) }
    }

    /// For whom a trusted proxy asks: the nearest address that is none of a trusted proxy's. What stands before it anybody may have
    /// written.
    fn told(peer: IpAddr, headers: &HeaderMap, trusted: &Networks) -> Self {
        let lines = headers.get_all(FORWARDED_FOR).iter().map(|line| line.to_str().unwrap_or_default());
        let hops: Vec<&str> = lines.flat_map(|line| line.split(',')).map(str::trim).filter(|hop| !hop.is_empty()).collect();
        let mut nearest = None;
        for hop in hops.into_iter().rev() {
            match address(hop) {
                None => return Self::Behind(nearest.unwrap_or(peer)),
                Some(ip) if trusted.have(ip) => nearest = Some(ip),
                Some(ip) => return Self::At(ip),
            }
        }
        nearest.map_or(Self::Behind(peer), Self::At)
    }

    /// Their own address, where it is known.
    pub(super) const fn at(self) -> Option<IpAddr> {
        match self {
            Self::At(ip) => Some(ip),
            Self::Behind(_) => None,
        }
    }
}

impl std::fmt::Display for Whence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::At(ip) => ip.fmt(f),
            Self::Behind(ip) => write!(f, "behind {ip}"),
        }
    }
}

/// An address as proxies write it: bare, with a port, or in brackets.
fn address(text: &str) -> Option<IpAddr> {
    let bare = || text.parse().ok();
    let bracketed = || text.strip_prefix('[')?.split_once(']')?.0.parse().ok();
    let with_port = || text.parse::<std::net::SocketAddr>().ok().map(|address| address.ip());
    bare().or_else(with_port).or_else(bracketed).map(|ip: IpAddr| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Setting as _;
    use axum::http::Request;

    fn whence(peer: &str, trusted: &str, headers: &[(&str, &str)]) -> String {
        let mut request = Request::get("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut parts = request.body(()).unwrap().into_parts().0;
        parts.extensions.insert(Peer(peer.parse().unwrap()));
        let trusted = if trusted.is_empty() { Networks::default() } else { Networks::read(trusted).unwrap() };
        Whence::of(&parts, &trusted).to_string()
    }

    #[test]
    fn who_is_behind_a_trusted_proxy_is_told_apart_and_cannot_lie() {
        let proxies = "10.0.0.0/8 fd00::/8";
        for (peer, lines, wanted) in [
            ("10.0.0.2:1", &["8.8.8.8"][..], "8.8.8.8"),
            // What the browser wrote stands first; the proxy's own word last.
            ("10.0.0.2:1", &["1.1.1.1, 8.8.8.8"], "8.8.8.8"),
            ("10.0.0.2:1", &["1.1.1.1, 8.8.8.8, 10.0.0.7"], "8.8.8.8"),
            ("10.0.0.2:1", &["1.1.1.1", "8.8.8.8,10.0.0.7"], "8.8.8.8"),
            ("[::ffff:10.0.0.2]:1", &["8.8.8.8:4711"], "8.8.8.8"),
            ("[fd00::2]:1", &["[2001:4860::1]:4711"], "2001:4860::1"),
            ("[fd00::2]:1", &["2001:4860::1"], "2001:4860::1"),
            // Somebody inside.
            ("10.0.0.2:1", &["10.0.0.9"], "10.0.0.9"),
            ("10.0.0.2:1", &[], "behind 10.0.0.2"),
            ("10.0.0.2:1", &["8.8.8.8, unknown"], "behind 10.0.0.2"),
            // No proxy of ours: what it says does not count.
            ("9.9.9.9:1", &["8.8.8.8"], "9.9.9.9"),
            ("192.168.0.2:1", &["8.8.8.8"], "behind 192.168.0.2"),
        ] {
            let headers: Vec<_> = lines.iter().map(|line| ("x-forwarded-for", *line)).collect();
            assert_eq!(whence(peer, proxies, &headers), wanted, "{peer} {lines:?}");
        }
    }

    #[test]
    fn where_no_proxy_is_named_one_that_is_near_is_known_by_what_it_adds() {
        assert_eq!(whence("127.0.0.1:1", "", &[]), "127.0.0.1");
        assert_eq!(whence("127.0.0.1:1", "", &[("x-forwarded-for", "8.8.8.8")]), "behind 127.0.0.1");
        assert_eq!(whence("10.0.0.2:1", "", &[("forwarded", "for=8.8.8.8")]), "behind 10.0.0.2");
        assert_eq!(whence("9.9.9.9:1", "", &[("x-forwarded-for", "8.8.8.8")]), "9.9.9.9");
    }
}
