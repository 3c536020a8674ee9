//! Networks, by their addresses.

use std::net::{IpAddr, Ipv6Addr};

use super::Setting;

/// Networks, each as an address or as `address/bits`, with spaces or commas between. None where it is empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Networks(Vec<Network>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network {
    base: IpAddr,
    bits: u32,
}

impl Networks {
    /// Whether none is named.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an address lies in one of them.
    #[must_use]
    pub fn have(&self, ip: IpAddr) -> bool {
        self.0.iter().any(|network| network.has(ip))
    }
}

/// IPv4 in the clothes of IPv6, so that there is one kind.
fn wide(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    }
    .to_bits()
}

impl Network {
    const fn longest(base: IpAddr) -> u32 {
        match base {
            IpAddr::V4(_) => 32,
            IpAddr::V6(_) => 128,
        }
    }

    fn has(self, ip: IpAddr) -> bool {
        // At least one bit is meant, so that the shift is less than the width.
        (wide(self.base) ^ wide(ip)) >> (Self::longest(self.base) - self.bits) == 0
    }

    fn read(text: &str) -> Option<Self> {
        let (base, bits) = match text.split_once('/') {
            Some((base, bits)) => (base.parse::<IpAddr>().ok()?, Some(bits.parse::<u32>().ok()?)),
            None => (text.parse().ok()?, None),
        };
        let longest = Self::longest(base);
        let bits = bits.unwrap_or(longest);
        // Everybody is no network.
        (1..=longest).contains(&bits).then(|| Self { base: first(base, longest - bits), bits })
    }
}

/// The first address of the network.
fn first(base: IpAddr, free: u32) -> IpAddr {
    let bits = (wide(base) >> free) << free;
    match base {
        IpAddr::V4(_) => Ipv6Addr::from_bits(bits).to_canonical(),
        IpAddr::V6(_) => Ipv6Addr::from_bits(bits).into(),
    }
}

impl Setting for Networks {
    const KIND: &'static str = "networks";

    fn read(text: &str) -> Result<Self, String> {
        let expected =
            || "addresses or networks with spaces between them, such as \"10.0.0.7 172.16.0.0/12 fd00::/8\"".to_owned();
        let parts = text.split([' ', ',']).filter(|part| !part.is_empty());
        let all: Vec<Network> = parts.map(Network::read).collect::<Option<_>>().ok_or_else(expected)?;
        if all.is_empty() { Err(expected()) } else { Ok(Self(all)) }
    }

    fn shown(&self) -> Option<String> {
        let one = |network: &Network| match network.bits == Network::longest(network.base) {
            true => network.base.to_string(),
            false => format!("{}/{}", network.base, network.bits),
        };
        (!self.0.is_empty()).then(|| self.0.iter().map(one).collect::<Vec<_>>().join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_lies_in_its_network_and_in_no_other() {
        let all = Networks::read("10.0.0.7, 172.16.9.9/12  fd00::1/8 ::ffff:192.168.0.0/112").unwrap();
        assert_eq!(all.shown().as_deref(), Some("10.0.0.7 172.16.0.0/12 fd00::/8 ::ffff:192.168.0.0/112"));
        assert_eq!(Networks::read(&all.shown().unwrap()), Ok(all.clone()));
        let have = |ip: &str| all.have(ip.parse().unwrap());
        for inside in ["10.0.0.7", "::ffff:10.0.0.7", "172.16.0.0", "172.31.255.255", "fdff::9", "192.168.3.4"] {
            assert!(have(inside), "{inside}");
        }
        for outside in ["10.0.0.8", "172.32.0.0", "172.15.255.255", "fe00::1", "::1", "192.169.0.0", "0.0.0.0"] {
            assert!(!have(outside), "{outside}");
        }
        assert!(!Networks::default().have("127.0.0.1".parse().unwrap()));
        for bad in
            ["", " , ", "proxy.example.com", "10.0.0.0/33", "10.0.0.0/0", "::/0", "::1/129", "10.0.0.0/-1", "10.0.0.0/", "/8"]
        {
            assert!(Networks::read(bad).is_err(), "{bad}");
        }
    }
}
