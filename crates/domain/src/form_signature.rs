//! The signature of a form that is posted to a URL, as `X-Twilio-Signature` carries it: HMAC-SHA-1 over the
//! URL and the fields, sorted, in Base64. It holds no time: whoever takes such a form has to bear that it
//! comes again.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The signature of a form under a key. `fields` are decoded; their order does not matter, and one that is
/// there twice counts once.
pub fn sign(key: &[u8], url: &str, fields: &[(String, String)]) -> String {
    let tag = hmac::sign(&keyed(key), &signed(url, fields));
    STANDARD.encode(tag)
}

/// Whether `shown` is the signature of a form under a key. Whoever signs may write the URL with its port or
/// without it; both are taken. The comparison takes as long for a wrong tag as for the right one.
pub fn verifies(key: &[u8], url: &str, fields: &[(String, String)], shown: &str) -> bool {
    let Ok(tag) = STANDARD.decode(shown) else {
        return false;
    };
    let key = keyed(key);
    let urls = spellings(url);
    // Each is tried, so that the time does not tell which one fits.
    let fits = urls.map(|url| hmac::verify(&key, &signed(&url, fields), &tag).is_ok());
    fits.contains(&true)
}

fn keyed(key: &[u8]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key)
}

/// The octets that are signed: the URL, then name and value of each field.
fn signed(url: &str, fields: &[(String, String)]) -> Vec<u8> {
    let mut sorted: Vec<&(String, String)> = fields.iter().collect();
    sorted.sort_unstable();
    sorted.dedup();
    let mut octets = url.as_bytes().to_vec();
    for (name, value) in sorted {
        octets.extend_from_slice(name.as_bytes());
        octets.extend_from_slice(value.as_bytes());
    }
    octets
}

/// A URL as it is written, and with its port left out or, where none is written, with the usual one.
fn spellings(url: &str) -> [String; 2] {
    let as_written = url.to_owned();
    let Some((scheme, rest)) = url.split_once("://") else {
        return [as_written.clone(), as_written];
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let usual = if scheme == "http" { 80 } else { 443 };
    // The colons of an address of IPv6 are in brackets.
    let digits = |port: &str| !port.is_empty() && port.bytes().all(|octet| octet.is_ascii_digit());
    let other = match authority.rsplit_once(':') {
        Some((host, port)) if digits(port) => format!("{scheme}://{host}{path}"),
        _ => format!("{scheme}://{authority}:{usual}{path}"),
    };
    [as_written, other]
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &[u8] = b"12345";
    const URL: &str = "https://mycompany.com/myapp.php?foo=1&bar=2";

    fn fields() -> Vec<(String, String)> {
        [
            ("To", "+18005551212"),
            ("CallSid", "CA1234567890ABCDE"),
            ("Caller", "+14158675309"),
            ("Digits", "1234"),
            ("From", "+14158675309"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    #[test]
    fn the_published_example_is_signed_as_published() {
        assert_eq!(sign(KEY, URL, &fields()), "RSOYDt4T1cUTdK1PDd93/VVr8B8=");
    }

    #[test]
    fn a_form_is_taken_with_and_without_its_port_and_in_any_order() {
        let mut mixed = fields();
        mixed.reverse();
        mixed.push(fields().remove(0));
        let with_port = "https://mycompany.com:443/myapp.php?foo=1&bar=2";
        let other_port = "https://mycompany.com:8443/myapp.php?foo=1&bar=2";
        for (signed, ours) in [
            (URL, URL),
            (with_port, URL),
            (URL, with_port),
            (URL, other_port),
            (other_port, other_port),
        ] {
            let shown = sign(KEY, signed, &fields());
            assert!(verifies(KEY, ours, &mixed, &shown), "{signed} for {ours}");
        }
    }

    #[test]
    fn another_key_url_field_or_signature_is_refused() {
        let shown = sign(KEY, URL, &fields());
        let check = |key: &[u8], url: &str, fields: &[(String, String)], shown: &str| {
            assert!(!verifies(key, url, fields, shown), "{url} {shown}");
        };
        check(b"12346", URL, &fields(), &shown);
        check(
            KEY,
            "https://mycompany.com/myapp.php?foo=1&bar=3",
            &fields(),
            &shown,
        );
        check(
            KEY,
            "http://mycompany.com/myapp.php?foo=1&bar=2",
            &fields(),
            &shown,
        );
        check(KEY, "https://mycompany.com:8443/x", &fields(), &shown);
        let mut altered = fields();
        altered[0].1.push('0');
        check(KEY, URL, &altered, &shown);
        check(KEY, URL, &fields()[1..], &shown);
        for wrong in [
            "",
            "RSOYDt4T1cUTdK1PDd93",
            "not base64",
            "RSOYDt4T1cUTdK1PDd93/VVr8B9=",
        ] {
            check(KEY, URL, &fields(), wrong);
        }
    }

    #[test]
    fn the_port_of_an_address_in_brackets_is_told_from_its_colons() {
        assert_eq!(spellings("https://[::1]/a")[1], "https://[::1]:443/a");
        assert_eq!(spellings("https://[::1]:8443/a")[1], "https://[::1]/a");
        assert_eq!(spellings("http://h/a")[1], "http://h:80/a");
    }
}
