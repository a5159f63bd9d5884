//! Whether a form that was posted to a URL was signed (`X-Twilio-Signature`, see [`crate::twilio::signature`]).
//! The signature holds no time: whoever takes such a form has to bear that it comes again.

use aws_lc_rs::constant_time::verify_slices_are_equal;

use crate::twilio::signature;

/// Whether `shown` is the signature of a form under a key. `fields` are decoded. Whoever signs may write the URL
/// with its port or without it; both are taken. The comparison takes as long for a wrong signature as for the
/// right one.
pub fn verifies(key: &str, url: &str, fields: &[(String, String)], shown: &str) -> bool {
    let urls = spellings(url);
    // Each is tried, so that the time does not tell which one fits.
    let fits = urls.map(|url| {
        let expected = signature(key, &url, fields);
        verify_slices_are_equal(expected.as_bytes(), shown.as_bytes()).is_ok()
    });
    fits.contains(&true)
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

    const KEY: &str = "12345";
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
    fn an_example_that_others_computed_verifies() {
        let shown = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";
        assert!(verifies(KEY, URL, &fields(), shown));
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
            let shown = signature(KEY, signed, &fields());
            assert!(verifies(KEY, ours, &mixed, &shown), "{signed} for {ours}");
        }
    }

    #[test]
    fn another_key_url_field_or_signature_is_refused() {
        let shown = signature(KEY, URL, &fields());
        let check = |key: &str, url: &str, fields: &[(String, String)], shown: &str| {
            assert!(!verifies(key, url, fields, shown), "{url} {shown}");
        };
        check("12346", URL, &fields(), &shown);
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
