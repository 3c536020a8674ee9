use super::*;
use proptest::prelude::*;

const STRICT: AddressRules = AddressRules { allow_http: false, allow_loopback: false, allow_private: false };
const DEV: AddressRules = AddressRules { allow_http: true, allow_loopback: true, allow_private: false };
const OPEN: AddressRules = AddressRules { allow_http: true, allow_loopback: false, allow_private: true };

/// IANA's IPv4 Special-Purpose Address Registry as published (2025-10-09), whether or not it says "globally reachable": first
/// and last address. Transcribed by hand, apart from the table that is tested.
const REGISTRY_V4: [(&str, &str); 24] = [
    ("0.0.0.0", "0.255.255.255"),
    ("0.0.0.0", "0.0.0.0"),
    ("10.0.0.0", "10.255.255.255"),
    ("100.64.0.0", "100.127.255.255"),
    ("127.0.0.0", "127.255.255.255"),
    ("169.254.0.0", "169.254.255.255"),
    ("172.16.0.0", "172.31.255.255"),
    ("192.0.0.0", "192.0.0.255"),
    ("192.0.0.0", "192.0.0.7"),
    ("192.0.0.8", "192.0.0.8"),
    ("192.0.0.9", "192.0.0.9"),
    ("192.0.0.10", "192.0.0.10"),
    ("192.0.0.170", "192.0.0.171"),
    ("192.0.2.0", "192.0.2.255"),
    ("192.88.99.0", "192.88.99.255"),
    ("192.88.99.2", "192.88.99.2"),
    ("192.168.0.0", "192.168.255.255"),
    ("198.18.0.0", "198.19.255.255"),
    ("198.51.100.0", "198.51.100.255"),
    ("203.0.113.0", "203.0.113.255"),
    ("224.0.0.0", "239.255.255.255"),
    ("240.0.0.0", "255.255.255.255"),
    ("255.255.255.255", "255.255.255.255"),
    ("169.254.169.254", "169.254.169.254"),
];

/// The same of IPv6, with multicast and what is not given out at all.
const REGISTRY_V6: [(&str, &str); 24] = [
    ("::1", "::1"),
    ("::", "::"),
    ("::", "::ffff:ffff"),
    ("::ffff:0:0:0", "::ffff:0:ffff:ffff"),
    ("64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff"),
    ("100::", "100::ffff:ffff:ffff:ffff"),
    ("100:0:0:1::", "100::1:ffff:ffff:ffff:ffff"),
    ("2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("2001:2::", "2001:2:0:ffff:ffff:ffff:ffff:ffff"),
    ("2001:10::", "2001:1f:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("2001:20::", "2001:2f:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("4000::", "5fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("8000::", "9fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("1000::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("200::", "3ff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
];

fn refused(address: &str) -> bool {
    STRICT.check(address).is_err()
}

#[test]
fn only_public_https_addresses_are_allowed_unless_the_operator_says_so() {
    for bad in [
        "http://shop.example/hook",
        "ftp://shop.example/",
        "shop.example",
        "//shop.example/",
        "https:///",
        "https://user:pass@shop.example/",
        "https://user@shop.example/",
        "https://:pass@shop.example/",
        "https://shop.example:0/",
        "https://shop.example:65536/",
        "file:///etc/passwd",
        "data:text/plain,x",
        "javascript:alert(1)",
        "gopher://10.0.0.1/",
    ] {
        assert!(refused(bad), "{bad}");
    }
    for good in [
        "https://shop.example/hook?x=1",
        "https://shop.example:8443/",
        "https://shop.example./",
        "HTTPS://SHOP.EXAMPLE/",
        "https://192.0.1.1/",
        "https://[2606:4700::1111]/",
        "https://bücher.example/",
        "https://notlocalhost.example/",
        "https://internal.example/",
    ] {
        assert!(!refused(good), "{good}");
    }
    let long = format!("https://shop.example/{}", "x".repeat(ADDRESS_MAX));
    assert!(refused(&long) && OPEN.check(&long).is_err());
}

#[test]
fn every_way_of_writing_a_private_address_is_seen_through() {
    for host in [
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "017700000001",
        "0177.0.0.1",
        "127.0.0.1.",
        "0x7F.0x0.0x0.0x1",
        "%31%32%37.0.0.1",
        "１２７.0.0.1",
        "127。0。0。1",
        "0",
        "0.0.0.0",
        "0x0",
        "10.1",
        "0xa000001",
        "012.0.0.1",
        "169.254.169.254",
        "2852039166",
        "0xA9FEA9FE",
        "0251.0376.0251.0376",
        "192.168.257",
        "255.255.255.255",
        "4294967295",
        "[::1]",
        "[0:0:0:0:0:0:0:1]",
        "[::]",
        "[::127.0.0.1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::ffff:10.0.0.1]",
        "[::ffff:169.254.169.254]",
        "[::ffff:0:10.0.0.1]",
        "[64:ff9b::10.0.0.1]",
        "[64:ff9b::a9fe:a9fe]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b:1::808:808]",
        "[2002:a00:1::]",
        "[2002:7f00:1::1]",
        "[2002:808:808::1]",
        "[2001:0:1:2:3:4:f5ff:fffe]",
        "[fd00::1]",
        "[fe80::1]",
        "[fec0::1]",
        "[ff02::1]",
        "[100::1]",
        "[2001:db8::1]",
        "[3fff::1]",
        "[5f00::1]",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "a.localhost",
        "a.localhost.",
        "printer.local",
        "metadata.google.internal",
        "metadata.google.internal.",
        "router.home.arpa",
        "box.lan",
        "wiki.intranet",
        "metadata",
        "app",
        "app.",
    ] {
        for address in [format!("https://{host}/"), format!("https://{host}:8443/a?b#c")] {
            assert!(refused(&address), "{address}");
        }
    }
}

#[test]
fn translated_addresses_are_judged_by_what_they_wrap() {
    for good in ["https://[64:ff9b::808:808]/", "https://[::ffff:8.8.8.8]/"] {
        assert!(!refused(good), "{good}");
    }
}

#[test]
fn what_the_operator_opens_is_open_and_no_more() {
    for good in ["http://127.0.0.1:9000/hook", "http://localhost:9000/hook", "http://[::1]:9000/", "http://[::ffff:127.0.0.1]/"] {
        assert!(DEV.check(good).is_ok(), "{good}");
    }
    for bad in ["http://169.254.169.254/", "https://10.0.0.1/", "http://0.0.0.0/", "http://[64:ff9b::7f00:1]/", "http://app/"] {
        assert!(DEV.check(bad).is_err(), "{bad}");
    }
    for good in ["http://10.0.0.1/", "http://app:3000/hook", "http://box.lan/", "http://[fd00::1]/"] {
        assert!(OPEN.check(good).is_ok(), "{good}");
    }
    assert!(OPEN.check("http://user:pass@app/").is_err() && OPEN.check("ftp://app/").is_err());
}

#[test]
fn every_block_of_the_registries_is_refused_to_its_last_address() {
    let v4 = REGISTRY_V4.map(|(from, to)| [from, to].map(|ip| ip.parse::<Ipv4Addr>().unwrap()));
    for [from, to] in v4 {
        assert!(from <= to && !STRICT.reaches(from.into()) && !STRICT.reaches(to.into()), "{from} to {to}");
    }
    // And right beside the blocks the internet goes on.
    for beside in [
        "1.0.0.0",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.0",
        "192.0.3.0",
        "192.88.98.255",
        "192.88.100.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "203.0.112.255",
        "203.0.114.0",
        "223.255.255.255",
        "2000::",
        "2001:200::",
        "2001:db7:ffff::",
        "2001:db9::",
        "2003::",
        "2620:4f:8000::",
        "3ffe::",
        "3fff:1000::",
    ] {
        assert!(STRICT.reaches(beside.parse().unwrap()), "{beside}");
    }
}

proptest! {
    #[test]
    fn nothing_inside_a_special_block_is_reached(block: prop::sample::Index, within: u128) {
        let [from, to] = REGISTRY_V4[block.index(REGISTRY_V4.len())].into_array().map(|ip| ip.parse::<Ipv4Addr>().unwrap().to_bits());
        let width = u64::from(to - from) + 1;
        let v4 = Ipv4Addr::from_bits(from + u32::try_from(within % u128::from(width)).unwrap());
        let bits = v4.to_bits();
        let mapped = v4.to_ipv6_mapped();
        let compatible = Ipv6Addr::from(u128::from(bits));
        let translated = Ipv6Addr::from(0x0064_ff9b_u128 << 96 | u128::from(bits));
        let six_to_four = Ipv6Addr::from(0x2002_u128 << 112 | u128::from(bits) << 80 | within >> 64);
        let teredo = Ipv6Addr::from(0x2001_0000_u128 << 96 | (within >> 96 << 32) | u128::from(!bits));
        for ip in [IpAddr::V4(v4), mapped.into(), compatible.into(), translated.into(), six_to_four.into(), teredo.into()] {
            prop_assert!(!STRICT.reaches(ip), "{}", ip);
            let host = if ip.is_ipv4() { ip.to_string() } else { format!("[{ip}]") };
            let address = format!("https://{host}/");
            prop_assert!(STRICT.check(&address).is_err());
        }
        for host in [bits.to_string(), format!("{bits:#x}"), format!("0{bits:o}")] {
            let address = format!("https://{host}/");
            prop_assert!(STRICT.check(&address).is_err(), "{}", address);
        }
        let [from, to] = REGISTRY_V6[block.index(REGISTRY_V6.len())].into_array().map(|ip| ip.parse::<Ipv6Addr>().unwrap().to_bits());
        let v6 = Ipv6Addr::from(from + within % (to - from).saturating_add(1).max(1));
        prop_assert!(!STRICT.reaches(v6.into()), "{}", v6);
    }

    #[test]
    fn what_is_reached_is_global_unicast(bits: u128) {
        let ip = Ipv6Addr::from(bits);
        if STRICT.reaches(ip.into()) {
            prop_assert!(bits >> 125 == 1 || wrapped(ip).is_some() || ip.to_ipv4_mapped().is_some());
        }
    }

    #[test]
    fn no_text_makes_it_panic_and_what_it_lets_through_stays_let_through(text in ".{0,60}", host in "[a-z0-9.:%\\[\\]-]{0,30}") {
        for address in [text, format!("https://{host}/")] {
            if let Ok(url) = STRICT.check(&address) {
                prop_assert!(STRICT.check(url.as_str()).is_ok());
            }
        }
    }
}

/// A pair as an array, so that it can be mapped.
trait IntoArray<T> {
    fn into_array(self) -> [T; 2];
}

impl<T> IntoArray<T> for (T, T) {
    fn into_array(self) -> [T; 2] {
        [self.0, self.1]
    }
}
