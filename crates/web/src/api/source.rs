//! Where a request comes from: the other end of its connection, unless that is a proxy which the
//! configuration trusts. Anybody can write a header; only such a proxy is believed.

use std::net::{IpAddr, SocketAddr};

use http::request::Parts;
use http::{HeaderMap, HeaderName};
use ipnet::IpNet;

use crate::api::Api;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

impl Api {
    /// The address that a request is counted by.
    pub(super) fn source(&self, parts: &Parts, peer: IpAddr) -> IpAddr {
        let trusted = &self.settings.trusted_proxies;
        if trusted.is_empty() {
            return peer;
        }
        source(&parts.headers, peer, trusted)
    }
}

/// Each proxy adds the address that it was called from behind those that are there already. So they are
/// read from the last to the first, for as long as the one who wrote them is trusted; what stands before
/// is what the other side made up.
fn source(headers: &HeaderMap, peer: IpAddr, trusted: &[IpNet]) -> IpAddr {
    let mut source = peer.to_canonical();
    let fields = headers.get_all(&FORWARDED_FOR).iter().rev();
    for field in fields {
        let Ok(text) = field.to_str() else {
            return source;
        };
        for address in text.rsplit(',') {
            if !is_trusted(source, trusted) {
                return source;
            }
            match read(address.trim()) {
                Some(address) => source = address.to_canonical(),
                None => return source,
            }
        }
    }
    source
}

/// An address alone, in brackets, or with a port, as several proxies write it.
fn read(text: &str) -> Option<IpAddr> {
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    if let Ok(with_port) = text.parse::<SocketAddr>() {
        return Some(with_port.ip());
    }
    let inside = text.strip_prefix('[')?.strip_suffix(']')?;
    Some(IpAddr::V6(inside.parse().ok()?))
}

fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|net| net.contains(&address))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn check(fields: &[&str], peer: &str, expected: &str) {
        let trusted = ["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append(FORWARDED_FOR, HeaderValue::from_str(field).unwrap());
        }
        let found = source(&headers, peer.parse().unwrap(), &trusted);
        assert_eq!(found.to_string(), expected, "{fields:?} from {peer}");
    }

    #[test]
    fn only_a_trusted_proxy_is_believed_and_only_what_it_wrote_itself() {
        check(&[], "192.0.2.1", "192.0.2.1");
        check(&["198.51.100.7"], "192.0.2.1", "192.0.2.1");
        check(&["198.51.100.7"], "10.0.0.1", "198.51.100.7");
        check(&["198.51.100.7"], "::ffff:10.0.0.1", "198.51.100.7");
        check(&["203.0.113.9, 198.51.100.7"], "10.0.0.1", "198.51.100.7");
        check(&["203.0.113.9", "198.51.100.7"], "10.0.0.1", "198.51.100.7");
        check(
            &["203.0.113.9, 198.51.100.7, 10.0.0.2"],
            "10.0.0.1",
            "198.51.100.7",
        );
        check(&["2001:db8::1"], "fd00::1", "2001:db8::1");
    }

    #[test]
    fn a_port_behind_an_address_is_passed_over() {
        check(&["203.0.113.7:1234"], "10.0.0.1", "203.0.113.7");
        check(&["[2001:db8::1]:443"], "10.0.0.1", "2001:db8::1");
        check(&["[2001:db8::1]"], "fd00::1", "2001:db8::1");
        check(&["[::ffff:203.0.113.7]:443"], "10.0.0.1", "203.0.113.7");
        check(&["203.0.113.7:1, 10.0.0.2:2"], "10.0.0.1", "203.0.113.7");
    }

    #[test]
    fn what_is_no_address_ends_at_the_proxy_that_wrote_it() {
        check(&["unknown"], "10.0.0.1", "10.0.0.1");
        check(&["198.51.100.7, "], "10.0.0.1", "10.0.0.1");
        for text in ["198.51.100.7:", "198.51.100.7:x", "198.51.100.7:70000"] {
            check(&[text], "10.0.0.1", "10.0.0.1");
        }
        for text in ["[198.51.100.7]", "[2001:db8::1]:", "[2001:db8::1", "[]"] {
            check(&[text], "10.0.0.1", "10.0.0.1");
        }
        check(&["x, 10.0.0.2"], "10.0.0.1", "10.0.0.2");
    }
}
