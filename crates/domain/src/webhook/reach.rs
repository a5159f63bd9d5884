//! Which addresses may be called by somebody who was only given a URL: those of the public internet. What
//! leads into a network of the operator's own, to this machine, to the metadata of a cloud or through a
//! tunnel to any of these may not (server-side request forgery, CWE-918).

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The address is not one of the public internet, and what it is instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{address} is {what}, not an address of the public internet")]
pub struct Forbidden {
    /// The address.
    pub address: IpAddr,
    /// What it is.
    pub what: &'static str,
}

/// A block of addresses of IPv4: its first address, the length of its prefix, and what it is.
type Block = (Ipv4Addr, u32, &'static str);

/// What is not the public internet of IPv4 (IANA's registry of special-purpose addresses), and single
/// addresses of the public one behind which clouds keep metadata.
const BLOCKS: [Block; 17] = [
    (Ipv4Addr::UNSPECIFIED, 8, "this network"),
    (Ipv4Addr::new(10, 0, 0, 0), 8, "private"),
    (
        Ipv4Addr::new(100, 64, 0, 0),
        10,
        "shared by a carrier's NAT",
    ),
    (Ipv4Addr::new(127, 0, 0, 0), 8, "this machine"),
    (
        Ipv4Addr::new(168, 63, 129, 16),
        32,
        "the metadata of a cloud",
    ),
    (Ipv4Addr::new(169, 254, 0, 0), 16, "link-local"),
    (Ipv4Addr::new(172, 16, 0, 0), 12, "private"),
    (Ipv4Addr::new(192, 0, 0, 0), 24, "reserved for protocols"),
    (Ipv4Addr::new(192, 0, 2, 0), 24, "for documentation"),
    (Ipv4Addr::new(192, 88, 99, 0), 24, "a 6to4 relay"),
    (Ipv4Addr::new(192, 168, 0, 0), 16, "private"),
    (Ipv4Addr::new(198, 18, 0, 0), 15, "for benchmarks"),
    (Ipv4Addr::new(198, 51, 100, 0), 24, "for documentation"),
    (Ipv4Addr::new(203, 0, 113, 0), 24, "for documentation"),
    (Ipv4Addr::new(224, 0, 0, 0), 4, "multicast"),
    (Ipv4Addr::BROADCAST, 32, "broadcast"),
    (Ipv4Addr::new(240, 0, 0, 0), 4, "reserved"),
];

/// The same of IPv6.
type Block6 = (Ipv6Addr, u32, &'static str);

/// What is not the public internet of IPv6. What is in none of them has to lie in `2000::/3`.
const BLOCKS6: [Block6; 17] = [
    (v6([0, 0, 0, 0, 0, 0, 0, 0]), 128, "unspecified"),
    (v6([0, 0, 0, 0, 0, 0, 0, 1]), 128, "this machine"),
    (
        v6([0, 0, 0, 0, 0, 0xffff, 0, 0]),
        96,
        "an IPv4 address in disguise",
    ),
    (
        v6([0, 0, 0, 0, 0xffff, 0, 0, 0]),
        96,
        "an IPv4 address in disguise",
    ),
    (
        v6([0, 0, 0, 0, 0, 0, 0, 0]),
        96,
        "an IPv4 address in disguise",
    ),
    (
        v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0]),
        96,
        "an IPv4 address behind NAT64",
    ),
    (
        v6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0]),
        48,
        "an IPv4 address behind NAT64",
    ),
    (v6([0x100, 0, 0, 0, 0, 0, 0, 0]), 64, "discarded"),
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0]), 32, "a Teredo tunnel"),
    (
        v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0]),
        32,
        "for documentation",
    ),
    (
        v6([0x2001, 0, 0, 0, 0, 0, 0, 0]),
        23,
        "reserved for protocols",
    ),
    (v6([0x2002, 0, 0, 0, 0, 0, 0, 0]), 16, "a 6to4 tunnel"),
    (v6([0x3fff, 0, 0, 0, 0, 0, 0, 0]), 20, "for documentation"),
    (v6([0xfc00, 0, 0, 0, 0, 0, 0, 0]), 7, "private"),
    (v6([0xfe80, 0, 0, 0, 0, 0, 0, 0]), 10, "link-local"),
    (v6([0xfec0, 0, 0, 0, 0, 0, 0, 0]), 10, "site-local"),
    (v6([0xff00, 0, 0, 0, 0, 0, 0, 0]), 8, "multicast"),
];

const fn v6(parts: [u16; 8]) -> Ipv6Addr {
    Ipv6Addr::from_segments(parts)
}

/// Passes addresses of the public internet alone.
pub fn vet(address: IpAddr) -> Result<(), Forbidden> {
    let what = match address {
        IpAddr::V4(four) => special(four),
        IpAddr::V6(six) => special6(six),
    };
    what.map_or(Ok(()), |what| Err(Forbidden { address, what }))
}

fn special(address: Ipv4Addr) -> Option<&'static str> {
    let is_in = |(first, length, _): &&Block| {
        let mask = u32::MAX << (32 - length);
        address.to_bits() & mask == first.to_bits()
    };
    BLOCKS.iter().find(is_in).map(|(_, _, what)| *what)
}

fn special6(address: Ipv6Addr) -> Option<&'static str> {
    let is_in = |(first, length, _): &&Block6| {
        let mask = u128::MAX << (128 - length);
        address.to_bits() & mask == first.to_bits()
    };
    let found = BLOCKS6.iter().find(is_in).map(|(_, _, what)| *what);
    let is_global = address
        .segments()
        .first()
        .is_some_and(|part| part >> 13 == 1);
    found.or((!is_global).then_some("reserved"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{prop_assert, proptest};

    fn is_public(text: &str) -> bool {
        vet(text.parse().unwrap()).is_ok()
    }

    #[test]
    fn the_public_internet_may_be_called() {
        for text in [
            "8.8.8.8",
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2001:200::1",
            "2001:4860:4860::8888",
            "2606:4700::1111",
            "2a00:1450::1",
        ] {
            assert!(is_public(text), "{text}");
        }
    }

    #[test]
    fn nothing_else_may_whatever_it_is_wrapped_in() {
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "127.255.255.254",
            "168.63.129.16",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:8.8.8.8",
            "::ffff:0:127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::808:808",
            "64:ff9b:1::a00:1",
            "100::1",
            "2001::1",
            "2001:0:4136:e378:8000:63bf:3fff:fdd2",
            "2001:10::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "2002:a00:1::",
            "3fff::1",
            "4000::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fd12:3456::1",
            "fe80::1",
            "fe80::a9fe:a9fe",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_private_address_is_refused_in_every_wrapping(low in 0_u32..0x0100_0000) {
            let four = Ipv4Addr::from_bits(0x0a00_0000 | low);
            let wide = u128::from(four.to_bits());
            for six in [
                wide,
                wide | 0xffff << 32,
                wide | 0x0064_ff9b << 96,
                wide << 80 | 0x2002 << 112,
            ] {
                prop_assert!(vet(IpAddr::V6(Ipv6Addr::from_bits(six))).is_err());
            }
            prop_assert!(vet(IpAddr::V4(four)).is_err());
        }
    }
}
