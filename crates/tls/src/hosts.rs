//! The hosts that a certificate is for: DNS names, the first label of which may stand for any one label, and
//! addresses (RFC 9525).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rustls::pki_types::CertificateDer;
use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;

/// The hosts of one certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hosts {
    names: Vec<String>,
    addresses: Vec<IpAddr>,
}

impl Hosts {
    /// Those of a certificate in DER; none of one that cannot be read.
    pub(crate) fn of(certificate: &CertificateDer<'_>) -> Self {
        let mut hosts = Self::default();
        let Ok((_, read)) = parse_x509_certificate(certificate) else {
            return hosts;
        };
        let alternative = read.subject_alternative_name().ok().flatten();
        let alternative = alternative
            .iter()
            .flat_map(|found| &found.value.general_names);
        for name in alternative {
            match name {
                GeneralName::DNSName(name) => hosts.names.push(name.to_ascii_lowercase()),
                GeneralName::IPAddress(octets) => hosts.addresses.extend(address(octets)),
                _ => {}
            }
        }
        hosts
    }

    /// Whether it is for a host: a name, or an address without brackets.
    pub(crate) fn has(&self, host: &str) -> bool {
        if let Ok(address) = host.parse::<IpAddr>() {
            return self.addresses.contains(&address);
        }
        let host = host.to_ascii_lowercase();
        self.names.iter().any(|name| is_of(name, &host))
    }
}

fn is_of(name: &str, host: &str) -> bool {
    match (name.strip_prefix("*."), host.split_once('.')) {
        (Some(rest), Some((label, below))) => !label.is_empty() && rest == below,
        _ => name == host,
    }
}

fn address(octets: &[u8]) -> Option<IpAddr> {
    let four = <[u8; 4]>::try_from(octets).map(|four| Ipv4Addr::from(four).into());
    let sixteen = <[u8; 16]>::try_from(octets).map(|octets| Ipv6Addr::from(octets).into());
    four.or(sixteen).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_for_its_names_and_addresses_and_for_one_label_in_place_of_a_star() {
        let names = [
            "sms.Example.com",
            "*.example.org",
            "192.0.2.1",
            "2001:db8::1",
        ];
        let made = rcgen::generate_simple_self_signed(names.map(str::to_owned)).unwrap();
        let hosts = Hosts::of(made.cert.der());
        for host in [
            "sms.example.com",
            "SMS.example.COM",
            "a.example.org",
            "192.0.2.1",
            "2001:db8:0::1",
        ] {
            assert!(hosts.has(host), "{host}");
        }
        for host in [
            "",
            "example.com",
            "a.sms.example.com",
            "sms.example.com.",
            "example.org",
            ".example.org",
            "a.b.example.org",
            "*.example.com",
            "192.0.2.2",
        ] {
            assert!(!hosts.has(host), "{host}");
        }
        assert_eq!(Hosts::of(&CertificateDer::from(vec![0])), Hosts::default());
    }
}
