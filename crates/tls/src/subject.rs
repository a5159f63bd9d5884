//! The subject of a certificate as text (RFC 4514), as `openssl x509 -subject -nameopt RFC2253` writes it. What it
//! cannot write so that nobody can forge it has no text.

use std::fmt::Write as _;

use x509_parser::der_parser::Oid;
use x509_parser::oid_registry::{
    OID_DOMAIN_COMPONENT, OID_PKCS9_EMAIL_ADDRESS, OID_USERID, OID_X509_COMMON_NAME,
    OID_X509_COUNTRY_NAME, OID_X509_LOCALITY_NAME, OID_X509_ORGANIZATION_NAME,
    OID_X509_ORGANIZATIONAL_UNIT, OID_X509_SERIALNUMBER, OID_X509_STATE_OR_PROVINCE_NAME,
};
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

/// The subject as text, its last part first; `None` when it is empty or holds a part of another sort.
pub(crate) fn subject(name: &X509Name<'_>) -> Option<String> {
    let mut parts = Vec::new();
    for relative in name.iter_rdn() {
        let mut of_one = relative.iter().map(part).collect::<Option<Vec<_>>>()?;
        of_one.reverse();
        parts.push(of_one.join("+"));
    }
    parts.reverse();
    (!parts.is_empty()).then(|| parts.join(","))
}

fn part(part: &AttributeTypeAndValue<'_>) -> Option<String> {
    let key = key(part.attr_type())?;
    Some(format!("{key}={}", escaped(part.as_str().ok()?)))
}

fn key(oid: &Oid<'_>) -> Option<&'static str> {
    let known = [
        (OID_X509_COMMON_NAME, "CN"),
        (OID_X509_ORGANIZATION_NAME, "O"),
        (OID_X509_ORGANIZATIONAL_UNIT, "OU"),
        (OID_X509_LOCALITY_NAME, "L"),
        (OID_X509_STATE_OR_PROVINCE_NAME, "ST"),
        (OID_X509_COUNTRY_NAME, "C"),
        (OID_X509_SERIALNUMBER, "serialNumber"),
        (OID_DOMAIN_COMPONENT, "DC"),
        (OID_USERID, "UID"),
        (OID_PKCS9_EMAIL_ADDRESS, "emailAddress"),
    ];
    let found = known.into_iter().find(|(known, _)| known == oid);
    found.map(|(_, key)| key)
}

/// With a backslash before what would end or begin a part, and octets that are no printable ASCII in hex.
fn escaped(value: &str) -> String {
    let mut text = String::new();
    let last = value.len().saturating_sub(1);
    for (place, octet) in value.bytes().enumerate() {
        let is_edge = place == 0 || place == last;
        match octet {
            b',' | b'+' | b'"' | b'\\' | b'<' | b'>' | b';' => text.push('\\'),
            b'#' if place == 0 => text.push('\\'),
            b' ' if is_edge => text.push('\\'),
            _ => {}
        }
        if (0x20..0x7F).contains(&octet) {
            text.push(char::from(octet));
        } else {
            // A `String` takes everything.
            let _ = write!(text, "\\{octet:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_separates_parts_is_escaped_so_that_no_value_looks_like_two() {
        assert_eq!(escaped("Bank"), "Bank");
        assert_eq!(escaped("Bank,O=Firm"), "Bank\\,O=Firm");
        assert_eq!(escaped(" #a "), "\\ #a\\ ");
        assert_eq!(escaped("#a"), "\\#a");
        assert_eq!(escaped("é\n"), "\\C3\\A9\\0A");
    }
}
