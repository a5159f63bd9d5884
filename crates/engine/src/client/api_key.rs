//! API keys: `ssk_`, 32 random octets and a checksum, so that a typing error or a cut key is told
//! apart from an unknown one, and so that scanners of leaked secrets find it. Secrets that requests are signed with
//! look alike and begin with `sss_`, so that one is never taken for the other.

use core::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use zeroize::Zeroizing;

/// What every key begins with.
const PREFIX: &str = "ssk_";
/// What every secret begins with that requests are signed with.
const SIGNING_PREFIX: &str = "sss_";
/// Octets of chance in a key, and of its checksum.
const SECRET_LEN: usize = 32;
const CHECK_LEN: usize = 4;

/// A key in clear; exists only from its making to its printing, or in a request.
#[derive(Clone)]
pub struct ApiKey(Zeroizing<String>);

impl ApiKey {
    /// Makes the key of 32 random octets.
    pub fn from_octets(octets: [u8; SECRET_LEN]) -> Self {
        Self::written(PREFIX, octets)
    }

    /// Makes a secret of 32 octets that requests are signed with; all of its text is the key of the HMAC.
    pub fn signing_secret(octets: [u8; SECRET_LEN]) -> Self {
        Self::written(SIGNING_PREFIX, octets)
    }

    fn written(prefix: &str, octets: [u8; SECRET_LEN]) -> Self {
        let mut text = String::with_capacity(prefix.len() + 2 * (SECRET_LEN + CHECK_LEN));
        text.push_str(prefix);
        push_hex(&mut text, &octets);
        let check = digest(&SHA256, text.as_bytes());
        push_hex(
            &mut text,
            check.as_ref().get(..CHECK_LEN).unwrap_or_default(),
        );
        Self(Zeroizing::new(text))
    }

    /// The key itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is stored of it.
    pub fn hash(&self) -> KeyHash {
        KeyHash::digest(&self.0)
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(masked)")
    }
}

/// The SHA-256 of a key: enough, since a key holds 256 bits of chance.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyHash([u8; 32]);

impl KeyHash {
    /// The hash of a credential that has the form of a key and the right checksum.
    pub fn of(credential: &str) -> Option<Self> {
        let body = credential.strip_prefix(PREFIX)?;
        if body.len() != 2 * (SECRET_LEN + CHECK_LEN) || !body.bytes().all(is_lower_hex) {
            return None;
        }
        let (kept, check) = credential.split_at(credential.len() - 2 * CHECK_LEN);
        let mut expected = String::with_capacity(2 * CHECK_LEN);
        let sum = digest(&SHA256, kept.as_bytes());
        push_hex(
            &mut expected,
            sum.as_ref().get(..CHECK_LEN).unwrap_or_default(),
        );
        (expected == check).then(|| Self::digest(credential))
    }

    fn digest(text: &str) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
        Self(hash)
    }

    /// From its octets.
    pub(crate) const fn from_octets(octets: [u8; 32]) -> Self {
        Self(octets)
    }

    /// From 64 lower-case hex digits.
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut hash = [0; 32];
        if text.len() != 64 || !text.bytes().all(is_lower_hex) {
            return None;
        }
        for (place, octet) in hash.iter_mut().enumerate() {
            *octet = u8::from_str_radix(text.get(2 * place..2 * place + 2)?, 16).ok()?;
        }
        Some(Self(hash))
    }

    /// 64 lower-case hex digits.
    pub fn to_hex(self) -> String {
        let mut text = String::with_capacity(64);
        push_hex(&mut text, &self.0);
        text
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash(masked)")
    }
}

const fn is_lower_hex(octet: u8) -> bool {
    matches!(octet, b'0'..=b'9' | b'a'..=b'f')
}

fn push_hex(text: &mut String, octets: &[u8]) {
    for octet in octets {
        for digit in [octet >> 4, octet & 0xf] {
            text.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_with_a_typing_error_is_not_even_looked_up() {
        let key = ApiKey::from_octets([0xa5; 32]);
        assert_eq!(KeyHash::of(key.reveal()), Some(key.hash()));
        assert_eq!(KeyHash::from_hex(&key.hash().to_hex()), Some(key.hash()));
        let mut wrong = key.reveal().to_owned();
        wrong.replace_range(
            10..11,
            if wrong.as_bytes()[10] == b'a' {
                "b"
            } else {
                "a"
            },
        );
        for wrong in [
            wrong.as_str(),
            "",
            "ssk_",
            &key.reveal().to_uppercase(),
            "ssk_é",
        ] {
            assert_eq!(KeyHash::of(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn debug_shows_nothing_of_a_key() {
        assert_eq!(
            format!("{:?}", ApiKey::from_octets([1; 32])),
            "ApiKey(masked)"
        );
    }
}
