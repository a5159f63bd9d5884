//! The id of a request: in every answer, every problem and the log, so that the three can be brought
//! together. It is no secret and names nothing that is stored.

use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderMap, HeaderName, HeaderValue};
use rustls::crypto::aws_lc_rs::default_provider;

use crate::astray::has_number;

/// The header, both ways.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Lower-case base-32 of RFC 4648 section 6.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// How many characters a caller's own id may have.
const OWN_LENGTH: std::ops::RangeInclusive<usize> = 8..=64;

/// Hands out ids: a random part for this process, then a count.
#[derive(Debug)]
pub(crate) struct RequestIds {
    process: String,
    next: AtomicU64,
}

impl RequestIds {
    /// Draws the random part.
    pub(crate) fn new() -> Self {
        let mut octets = [0_u8; 8];
        // Without chance the ids of two processes may be alike, which confuses a reader and no one
        // else; the TLS set-up fails loudly for the same reason.
        let _ = default_provider().secure_random.fill(&mut octets);
        let mut process = "req_".to_owned();
        push_base32(&mut process, u64::from_be_bytes(octets), 13);
        Self {
            process,
            next: AtomicU64::new(0),
        }
    }

    /// The id of a request: the caller's own when it is written as one, a new one otherwise.
    pub(crate) fn of(&self, headers: &HeaderMap) -> RequestId {
        match headers.get(REQUEST_ID) {
            Some(value) if is_id(value.as_bytes()) => RequestId(value.clone()),
            _ => self.fresh(),
        }
    }

    /// A new id.
    pub(crate) fn fresh(&self) -> RequestId {
        let count = self.next.fetch_add(1, Ordering::Relaxed);
        let mut text = String::with_capacity(self.process.len() + 10);
        text.push_str(&self.process);
        push_base32(&mut text, count, 10);
        RequestId(HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("req_none")))
    }
}

/// One id.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(HeaderValue);

impl RequestId {
    /// As text.
    pub(crate) fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    /// As the value of its header.
    pub(crate) fn into_header(self) -> HeaderValue {
        self.0
    }
}

/// Whether a caller's text is taken as an id: 8 to 64 letters, digits, `-`, `_` and `.`, with a letter
/// among them and fewer than 7 digits in a row, so that no phone number passes for one or stands in one.
fn is_id(text: &[u8]) -> bool {
    let plain = |octet: &u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'.');
    let fits = OWN_LENGTH.contains(&text.len())
        && text.iter().all(plain)
        && text.iter().any(u8::is_ascii_alphabetic);
    fits && (is_uuid(text) || !str::from_utf8(text).is_ok_and(|text| has_number(text, &[])))
}

/// Whether it is written as a UUID. One in six has 7 digits in a row by chance, and nobody's number has
/// that form.
fn is_uuid(text: &[u8]) -> bool {
    let groups = text.split(|octet| *octet == b'-');
    text.iter()
        .all(|octet| octet.is_ascii_hexdigit() || *octet == b'-')
        && groups.map(<[u8]>::len).eq([8, 4, 4, 4, 12])
}

/// Appends the low `5 × length` bits, the highest first.
fn push_base32(text: &mut String, value: u64, length: u32) {
    for place in (0..length).rev() {
        let digit = usize::try_from((value >> (5 * place)) & 0x1f).unwrap_or(0);
        text.push(char::from(ALPHABET.get(digit).copied().unwrap_or(b'a')));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(
            REQUEST_ID,
            HeaderValue::from_bytes(value.as_bytes()).unwrap(),
        );
        headers
    }

    #[test]
    fn every_request_gets_an_id_of_its_own() {
        let ids = RequestIds::new();
        let (one, two) = (ids.of(&HeaderMap::new()), ids.of(&HeaderMap::new()));
        assert_ne!(one.as_str(), two.as_str());
        assert_eq!(one.as_str().len(), 27);
        assert_ne!(
            RequestIds::new().fresh().as_str(),
            RequestIds::new().fresh().as_str()
        );
    }

    #[test]
    fn a_callers_own_id_is_kept_only_when_it_is_written_as_one() {
        let ids = RequestIds::new();
        for own in ["order-77.retry_2", "0189b6f0-7c1e-7aaa-8000-000000000001"] {
            assert_eq!(ids.of(&with(own)).as_str(), own);
        }
        for bad in [
            "short",
            "447700900123",
            "+447700900123",
            "a b c d e f",
            "\"<script>\"",
            "é1234567",
            "a4477009",
            "to-447700900123",
        ] {
            assert!(ids.of(&with(bad)).as_str().starts_with("req_"), "{bad}");
        }
        assert!(ids.of(&with(&"a".repeat(65))).as_str().starts_with("req_"));
    }
}
