//! The code of a counter (RFC 4226 section 5.3).

use aws_lc_rs::hmac;

use super::{Algorithm, TotpKey};
use crate::verification::code::{Code, CodeLength};

/// The code that belongs to a counter.
pub fn hotp(key: &TotpKey, algorithm: Algorithm, counter: u64, length: CodeLength) -> Code {
    let algorithm = match algorithm {
        Algorithm::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        Algorithm::Sha256 => hmac::HMAC_SHA256,
        Algorithm::Sha512 => hmac::HMAC_SHA512,
    };
    let key = hmac::Key::new(algorithm, key.reveal());
    let tag = hmac::sign(&key, &counter.to_be_bytes());
    Code::from_number(length, u64::from(truncated(tag.as_ref())))
}

/// Dynamic truncation: 31 bits from the place that the last four bits name.
fn truncated(tag: &[u8]) -> u32 {
    let place = usize::from(tag.last().copied().unwrap_or(0) & 0xf);
    let octets = tag.get(place..).and_then(<[u8]>::first_chunk);
    // The shortest tag has 20 octets and the last place is 15, so four octets are always there.
    u32::from_be_bytes(octets.copied().unwrap_or_default()) & 0x7fff_ffff
}
