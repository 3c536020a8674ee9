//! Which addresses a business may have called: the public internet, and nothing else unless the operator says so.
//!
//! An address is looked at when it is registered and again at each delivery, names included: what a name resolves to is judged
//! for every connection, and the connection goes to the very addresses that were judged (`wire`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

use transom_domain::error_code::ErrorCode;

use crate::problem::Problem;

/// Longest address.
const ADDRESS_MAX: usize = 2_000;

/// Which webhook addresses are allowed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AddressRules {
    /// Plain http, too.
    pub allow_http: bool,
    /// This machine, too.
    pub allow_loopback: bool,
    /// Every private, loopback and link-local network, too.
    pub allow_private: bool,
}

/// What of IPv4 is not the public internet: base, bits, and what it is (IANA IPv4 Special-Purpose Address Registry, and the
/// classes D and E). Blocks inside another are not listed again.
const SPECIAL_V4: [([u8; 4], u32, &str); 15] = [
    ([0, 0, 0, 0], 8, "this network"),
    ([10, 0, 0, 0], 8, "private"),
    ([100, 64, 0, 0], 10, "shared with a carrier"),
    ([127, 0, 0, 0], 8, "this machine"),
    ([169, 254, 0, 0], 16, "link-local, where clouds tell machines their credentials"),
    ([172, 16, 0, 0], 12, "private"),
    ([192, 0, 0, 0], 24, "protocol assignments"),
    ([192, 0, 2, 0], 24, "documentation"),
    ([192, 88, 99, 0], 24, "relays of 6to4"),
    ([192, 168, 0, 0], 16, "private"),
    ([198, 18, 0, 0], 15, "benchmarks"),
    ([198, 51, 100, 0], 24, "documentation"),
    ([203, 0, 113, 0], 24, "documentation"),
    ([224, 0, 0, 0], 4, "multicast"),
    ([240, 0, 0, 0], 4, "reserved, and broadcast"),
];

/// The only part of IPv6 that is given out to the public internet (IANA IPv6 Global Unicast Address Assignments).
const GLOBAL_V6: ([u16; 2], u32) = ([0x2000, 0], 3);

/// What of [`GLOBAL_V6`] is not the public internet (IANA IPv6 Special-Purpose Address Registry).
const SPECIAL_V6: [([u16; 2], u32, &str); 4] = [
    ([0x2001, 0], 23, "protocol assignments; Teredo, which wraps an IPv4 address, is among them"),
    ([0x2001, 0x0db8], 32, "documentation"),
    ([0x2002, 0], 16, "6to4, which wraps an IPv4 address"),
    ([0x3fff, 0], 20, "documentation"),
];

/// Where a translator wraps public IPv4 addresses for machines that have IPv6 only (RFC 6052): judged by what is wrapped.
const NAT64: [u16; 6] = [0x0064, 0xff9b, 0, 0, 0, 0];

/// Ends of names that never lead to the public internet (IANA Special-Use Domain Names; `internal` is ICANN's for private use).
const SPECIAL_NAMES: [&str; 7] = ["localhost", "local", "internal", "intranet", "lan", "home.arpa", "localdomain"];

impl AddressRules {
    /// Whether a resolved address may be called.
    #[must_use]
    pub fn reaches(self, ip: IpAddr) -> bool {
        // An IPv4 address in IPv6's clothes is the IPv4 address: the system connects to that.
        let ip = ip.to_canonical();
        self.allow_private || (self.allow_loopback && ip.is_loopback()) || is_public(ip)
    }

    /// Checks an address as far as that goes without resolving its name; names are checked at each delivery.
    ///
    /// # Errors
    /// Why it may not be called.
    pub fn check(self, address: &str) -> Result<Url, Problem> {
        let refused = |why: String| Problem::new(ErrorCode::WebhookAddressRefused, why);
        if address.len() > ADDRESS_MAX {
            return Err(refused(format!("address is longer than {ADDRESS_MAX} characters.")));
        }
        let url = Url::parse(address).map_err(|why| refused(format!("address is no address: {why}.")))?;
        match url.scheme() {
            "https" => {}
            "http" if self.allow_http => {}
            other => return Err(refused(format!("address must begin with https, not {other}."))),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused("address must not contain a user name or a password.".to_owned()));
        }
        if url.port() == Some(0) {
            return Err(refused("address names port 0, where nothing can listen.".to_owned()));
        }
        // The parser has turned every way of writing an IPv4 address (decimal, octal, hexadecimal, short, with a dot at its
        // end) into the one address.
        match url.host() {
            None => return Err(refused("address names no host.".to_owned())),
            Some(Host::Ipv4(ip)) if !self.reaches(ip.into()) => return Err(refused(leads_inside(ip.into()))),
            Some(Host::Ipv6(ip)) if !self.reaches(ip.into()) => return Err(refused(leads_inside(ip.into()))),
            Some(Host::Domain(name)) if !self.may_be_public(name) => {
                return Err(refused(format!("address leads to a private network: {name}.")));
            }
            Some(_) => {}
        }
        Ok(url)
    }

    /// Whether a name can lead to the public internet at all. With this machine allowed its own name is, too.
    fn may_be_public(self, name: &str) -> bool {
        let name = name.trim_end_matches('.');
        let ends_in = |end: &str| name.strip_suffix(end).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        // A name without a dot is looked for in the domains of this network.
        let special = !name.contains('.') || SPECIAL_NAMES.into_iter().any(ends_in);
        self.allow_private || !special || (self.allow_loopback && ends_in("localhost"))
    }
}

fn leads_inside(ip: IpAddr) -> String {
    match ip.to_canonical() {
        ip if ip.is_loopback() => format!("address leads to this machine: {ip}."),
        ip => format!("address leads to a private network: {ip}."),
    }
}

/// Whether an address is on the public internet.
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => match wrapped(ip) {
            Some(inner) => is_public_v4(inner),
            None => {
                let [a, b, ..] = ip.segments();
                let within = |([c, d], bits): ([u16; 2], u32)| same_start(pair(a, b), pair(c, d), bits);
                within(GLOBAL_V6) && !SPECIAL_V6.into_iter().any(|(base, bits, _)| within((base, bits)))
            }
        },
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    !SPECIAL_V4.into_iter().any(|(base, bits, _)| same_start(ip.to_bits(), Ipv4Addr::from(base).to_bits(), bits))
}

/// The IPv4 address that a translator would call.
fn wrapped(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, high, low] = ip.segments();
    ([a, b, c, d, e, f] == NAT64).then(|| Ipv4Addr::from_bits(pair(high, low)))
}

const fn pair(high: u16, low: u16) -> u32 {
    // Widening; `From` cannot be called here.
    (high as u32) << 16 | low as u32
}

/// Whether the first `bits` bits are the same.
fn same_start(one: u32, other: u32, bits: u32) -> bool {
    (one ^ other).checked_shr(32 - bits).is_none_or(|rest| rest == 0)
}

#[cfg(test)]
#[path = "address_rules_tests.rs"]
mod tests;
