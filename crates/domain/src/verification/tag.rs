//! What is compared in place of the code: a keyed hash of it. The key belongs to one verification and is
//! destroyed at its end, so that a tag that stays behind says nothing about its code.

use core::fmt;

use aws_lc_rs::{constant_time, hmac};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::code::Code;

/// The random key of one verification: 32 octets.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct CodeKey([u8; 32]);

impl CodeKey {
    /// From 32 random octets.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 octets, for sealing.
    pub const fn reveal(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for CodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CodeKey(masked)")
    }
}

/// HMAC-SHA-256 of a code. Masked, since whoever has the key too can try all codes.
#[derive(Clone, Copy)]
pub struct CodeTag([u8; 32]);

impl CodeTag {
    /// The tag of a code under the key of its verification.
    pub fn of(key: &CodeKey, code: &Code) -> Self {
        Self(keyed(&key.0, "code", &[code.reveal().as_bytes()]))
    }

    /// From 32 octets computed or kept elsewhere.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 octets, for storing.
    pub const fn reveal(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether the two are equal. Takes the same time wherever they differ.
    pub fn matches(&self, other: &Self) -> bool {
        constant_time::verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

impl fmt::Debug for CodeTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CodeTag(masked)")
    }
}

/// HMAC-SHA-256 of a purpose and parts, each with its length in front, so that no two lists of parts
/// give the same input.
pub(super) fn keyed(key: &[u8; 32], purpose: &str, parts: &[&[u8]]) -> [u8; 32] {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    for part in core::iter::once(&purpose.as_bytes()).chain(parts) {
        let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
        context.update(&length.to_be_bytes());
        context.update(part);
    }
    let mut bytes = [0_u8; 32];
    bytes.copy_from_slice(context.sign().as_ref());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(key: u8, code: &str) -> CodeTag {
        CodeTag::of(&CodeKey::from_bytes([key; 32]), &Code::parse(code).unwrap())
    }

    #[test]
    fn a_tag_belongs_to_one_code_and_one_key() {
        assert!(tag(1, "482913").matches(&tag(1, "482 913")));
        assert!(!tag(1, "482913").matches(&tag(1, "482914")));
        assert!(!tag(1, "482913").matches(&tag(2, "482913")));
        assert!(!tag(1, "0000").matches(&tag(1, "00000")));
    }

    #[test]
    fn no_two_lists_of_parts_are_hashed_alike() {
        let key = [7; 32];
        assert_ne!(
            keyed(&key, "p", &[b"ab", b"c"]),
            keyed(&key, "p", &[b"a", b"bc"])
        );
        assert_ne!(keyed(&key, "p", &[b""]), keyed(&key, "p", &[]));
        assert_ne!(keyed(&key, "p", &[b"q"]), keyed(&key, "pq", &[]));
    }

    #[test]
    fn key_and_tag_never_show_themselves() {
        let key = CodeKey::from_bytes([0xab; 32]);
        assert_eq!(format!("{key:?}"), "CodeKey(masked)");
        assert_eq!(format!("{:?}", tag(1, "482913")), "CodeTag(masked)");
    }
}
