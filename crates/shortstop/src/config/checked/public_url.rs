//! Checks of `https.public_url`: it stands in answers, in front of paths.

use super::super::Problems;

/// The longest URL that is taken.
const OCTETS_MAX: usize = 200;

/// Whether paths can be put behind it.
pub(super) fn check(url: Option<&str>, problems: &mut Problems) {
    if url.is_some_and(|url| !is_sound(url)) {
        let says = "is no URL that paths can be put behind; write https:// and a host, perhaps with a port and a \
                    path: no user, no query, no fragment, at most 200 octets";
        problems.add("https.public_url", says);
    }
}

fn is_sound(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("https://") else {
        return false;
    };
    let plain = |octet: u8| {
        octet.is_ascii_alphanumeric()
            || matches!(octet, b'.' | b'-' | b':' | b'[' | b']' | b'/' | b'_')
    };
    let host = rest.split('/').next().unwrap_or_default();
    !host.is_empty() && url.len() <= OCTETS_MAX && rest.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_https_and_has_a_host_and_nothing_behind_its_path() {
        for good in [
            "https://gateway.example.com",
            "https://gateway.example.com:8443/sms/",
            "https://[2001:db8::1]:8443",
        ] {
            assert!(is_sound(good), "{good}");
        }
        for wrong in [
            "",
            "gateway.example.com",
            "http://gateway.example.com",
            "https://",
            "https:///path",
            "https://user@host",
            "https://host?query",
            "https://host#part",
            "https://host\"",
        ] {
            assert!(!is_sound(wrong), "{wrong}");
        }
    }
}
