//! Commitments: what an entry holds instead of personal data. Without its key a commitment says
//! nothing about the value; with it, it opens to that value and no other. Keys come from outside
//! and lie in the vault; this file draws none.

use core::fmt;

use aws_lc_rs::{constant_time, hmac};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::hex;

/// The random key of commitments: 32 octets, used for one entry only and then kept sealed beside
/// the value. Always 32 octets, since HMAC pads shorter keys with zeros and two keys could be one.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct CommitmentKey([u8; 32]);

impl CommitmentKey {
    /// From 32 random octets.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 octets, for sealing into the vault or for an auditor who may open the value.
    pub const fn reveal(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for CommitmentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CommitmentKey(masked)")
    }
}

/// A hiding and binding commitment to one named private value:
/// `HMAC-SHA-256(key, field || 0x00 || value)`. Shown as 64 lower-case hex digits.
///
/// The name of the field is part of it, so that a value cannot be opened as another field. No
/// field name holds a zero octet, so no two pairs of name and value give the same input.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Commitment([u8; 32]);

impl Commitment {
    /// Commits to the value of a field. `field` is the name under `private` in the entry.
    pub fn of(key: &CommitmentKey, field: &str, value: &[u8]) -> Self {
        let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &key.0));
        context.update(field.as_bytes());
        context.update(&[0]);
        context.update(value);
        let mut bytes = [0_u8; 32];
        bytes.copy_from_slice(context.sign().as_ref());
        Self(bytes)
    }

    /// Whether this commits to the value of that field under that key. Takes the same time wherever
    /// they differ.
    pub fn opens(&self, key: &CommitmentKey, field: &str, value: &[u8]) -> bool {
        let expected = Self::of(key, field, value);
        constant_time::verify_slices_are_equal(&self.0, &expected.0).is_ok()
    }

    /// From its 32 octets.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its 32 octets.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// From 64 lower-case hex digits; `None` for anything else.
    pub fn from_hex(text: &str) -> Option<Self> {
        hex::decode(text).map(Self)
    }
}

impl fmt::Display for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex::show(&self.0, f)
    }
}

impl fmt::Debug for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex::show(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(octet: u8) -> CommitmentKey {
        CommitmentKey::from_bytes([octet; 32])
    }

    #[test]
    fn a_commitment_opens_to_its_own_value_field_and_key_only() {
        let commitment = Commitment::of(&key(7), "to", b"+15550100");
        assert!(commitment.opens(&key(7), "to", b"+15550100"));
        assert!(!commitment.opens(&key(8), "to", b"+15550100"));
        assert!(!commitment.opens(&key(7), "from", b"+15550100"));
        assert!(!commitment.opens(&key(7), "to", b"+15550101"));
        assert!(!commitment.opens(&key(7), "t", b"o+15550100"));
    }

    #[test]
    fn hex_survives_the_round_trip() {
        let commitment = Commitment::of(&key(1), "text", b"");
        assert_eq!(
            Commitment::from_hex(&commitment.to_string()),
            Some(commitment)
        );
    }

    #[test]
    fn a_key_never_shows_itself() {
        assert_eq!(format!("{:?}", key(0xab)), "CommitmentKey(masked)");
        assert_eq!(key(0xab).reveal(), &[0xab; 32]);
    }
}
