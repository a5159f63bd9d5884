//! Checks of `https.hosts`, and every host that the listener for applications is asked under beside those of its
//! certificate.

use hyper::Uri;

use super::super::{Config, Problems};

/// Refuses what is no host: with a scheme, a port or a path it would never be met.
pub fn check(hosts: &[String], problems: &mut Problems) {
    for (place, host) in hosts.iter().enumerate() {
        if !is_host(host) {
            let says = "is no host; write a name such as sms.example.com or an address such as 192.0.2.1, with no \
                        scheme, port, path or star";
            problems.add(format!("https.hosts[{place}]"), says);
        }
    }
}

/// Those that were named, those for which an authority is asked, also before it has given a certificate, those under
/// which providers post, and the one under which applications find it.
pub fn of(config: &Config) -> Vec<String> {
    let posted = config.carriers.iter();
    let posted = posted.filter_map(|carrier| carrier.section.callback_url.as_deref());
    let told = posted.chain(config.https.public_url.as_deref());
    let named = config.https.hosts.iter().chain(&config.acme.names).cloned();
    named.chain(told.filter_map(host_of)).collect()
}

fn host_of(url: &str) -> Option<String> {
    let url: Uri = url.parse().ok()?;
    let host = url.host()?;
    Some(
        host.trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned(),
    )
}

fn is_host(text: &str) -> bool {
    let is_address = text.parse::<std::net::IpAddr>().is_ok();
    let is_plain = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b'_');
    is_address || (1..=253).contains(&text.len()) && text.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_has_no_scheme_port_path_or_star() {
        let refused = |host: &str| {
            let mut problems = Problems::default();
            check(&[host.to_owned()], &mut problems);
            !problems.list().is_empty()
        };
        for host in ["sms.example.com", "gateway", "192.0.2.1", "2001:db8::1"] {
            assert!(!refused(host), "{host}");
        }
        for host in [
            "",
            "https://sms.example.com",
            "sms.example.com:8443",
            "sms.example.com/",
            "*.example.com",
            "[2001:db8::1]",
            "user@sms.example.com",
        ] {
            assert!(refused(host), "{host}");
        }
    }

    #[test]
    fn the_host_of_a_url_has_no_port_and_no_brackets() {
        let of = |url: &str| host_of(url).unwrap();
        assert_eq!(of("https://sms.example.com:8443/x"), "sms.example.com");
        assert_eq!(of("https://[2001:db8::1]/"), "2001:db8::1");
    }
}
