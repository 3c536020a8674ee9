//! From where somebody asks, through whatever stands in between.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

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
    /// Whoever sent this. The word of trusted proxies counts, and where some are named no other. Where none is, only that there is a
    /// proxy, and only of one that is near: from far away anybody could say so, to be counted nowhere.
    pub(super) fn of(parts: &Parts, trusted: &Networks) -> Self {
        let peer = parts.extensions.get::<Peer>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip().to_canonical());
        if trusted.have(peer) {
            return Self::told(peer, &parts.headers, trusted);
        }
        if !trusted.is_empty() {
            return Self::At(peer);
        }
        let is_near = !AddressRules::default().reaches(peer);
        if is_near && origin::was_passed_on(&parts.headers) { Self::Behind(peer) } else { Self::At(peer) }
    }

    /// For whom a trusted proxy asks: the nearest address that is none of a trusted proxy's. What stands before it anybody may have
    /// written.
    fn told(peer: IpAddr, headers: &HeaderMap, trusted: &Networks) -> Self {
        // Hop by hop: bytes that are no text spoil only the hop in which somebody wrote them.
        let lines = headers.get_all(FORWARDED_FOR).iter().flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
        let hops: Vec<&[u8]> = lines.map(<[u8]>::trim_ascii).filter(|hop| !hop.is_empty()).collect();
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

    /// What their tries are counted by: their own address, where it is known; of an IPv6 one the network, all of which one line has.
    pub(super) fn at(self) -> Option<IpAddr> {
        match self {
            Self::At(IpAddr::V6(ip)) => Some(IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << 64)))),
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
fn address(hop: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(hop).ok()?;
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
        found(peer, trusted, headers).to_string()
    }

    fn found(peer: &str, trusted: &str, headers: &[(&str, &str)]) -> Whence {
        let mut request = Request::get("/");
        for (name, value) in headers {
            // Bytes that are no text, as a client may send them.
            request = request.header(*name, value.replace('~', "\u{ff}").chars().map(|c| c as u8).collect::<Vec<u8>>());
        }
        let mut parts = request.body(()).unwrap().into_parts().0;
        parts.extensions.insert(Peer(peer.parse().unwrap()));
        let trusted = if trusted.is_empty() { Networks::default() } else { Networks::read(trusted).unwrap() };
        Whence::of(&parts, &trusted)
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
            ("10.0.0.2:1", &["~, 8.8.8.8"], "8.8.8.8"),
            ("10.0.0.2:1", &["1.2.3.4", "~, 8.8.8.8"], "8.8.8.8"),
            ("10.0.0.2:1", &["8.8.8.8, ~"], "behind 10.0.0.2"),
            // No proxy of ours: what it says does not count.
            ("9.9.9.9:1", &["8.8.8.8"], "9.9.9.9"),
            ("192.168.0.2:1", &["8.8.8.8"], "192.168.0.2"),
        ] {
            let headers: Vec<_> = lines.iter().map(|line| ("x-forwarded-for", *line)).collect();
            assert_eq!(whence(peer, proxies, &headers), wanted, "{peer} {lines:?}");
        }
    }

    #[test]
    fn one_line_is_counted_as_one_whatever_address_it_chooses() {
        let at = |peer| found(peer, "", &[]).at().map(|ip| ip.to_string());
        assert_eq!(at("[2001:4860:1:2:3:4:5:6]:1"), at("[2001:4860:1:2:ffff::1]:1"));
        assert_ne!(at("[2001:4860:1:2::1]:1"), at("[2001:4860:1:3::1]:1"));
        assert_eq!(at("[::ffff:9.9.9.9]:1").as_deref(), Some("9.9.9.9"));
    }

    #[test]
    fn where_no_proxy_is_named_one_that_is_near_is_known_by_what_it_adds() {
        assert_eq!(whence("127.0.0.1:1", "", &[]), "127.0.0.1");
        assert_eq!(whence("127.0.0.1:1", "", &[("x-forwarded-for", "8.8.8.8")]), "behind 127.0.0.1");
        assert_eq!(whence("10.0.0.2:1", "", &[("forwarded", "for=8.8.8.8")]), "behind 10.0.0.2");
        assert_eq!(whence("9.9.9.9:1", "", &[("x-forwarded-for", "8.8.8.8")]), "9.9.9.9");
    }
}
