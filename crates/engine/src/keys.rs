//! The keys of a data folder: all are derived from one master key that lies outside the store. What
//! each is for is in its name; `docs/keys.md` says what its loss means.

use aws_lc_rs::hmac;
use core::fmt;
use domain::msisdn::Msisdn;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The master key of a data folder: 32 random octets in a file of its own.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct MasterKey([u8; 32]);

impl MasterKey {
    /// From its octets.
    pub const fn from_bytes(octets: [u8; 32]) -> Self {
        Self(octets)
    }

    fn derive(&self, label: &str) -> [u8; 32] {
        let mut key = [0; 32];
        let root = hmac::Key::new(hmac::HMAC_SHA256, &self.0);
        key.copy_from_slice(hmac::sign(&root, label.as_bytes()).as_ref());
        key
    }

    /// The key that wraps key-encryption keys.
    pub(crate) fn wrapping(&self) -> [u8; 32] {
        self.derive("shortstop/v1/wrap")
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(masked)")
    }
}

/// A keyed hash of 16 octets.
pub type Blind = [u8; 16];

/// The keyed hashes that find things without saying what they are.
pub struct BlindKeys {
    index: hmac::Key,
    suppression: hmac::Key,
    idempotency: hmac::Key,
}

impl fmt::Debug for BlindKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BlindKeys(masked)")
    }
}

impl BlindKeys {
    /// Derives the keys of a data folder.
    pub fn new(master: &MasterKey) -> Self {
        let key = |label: &str| hmac::Key::new(hmac::HMAC_SHA256, &master.derive(label));
        Self {
            index: key("shortstop/v1/index"),
            suppression: key("shortstop/v1/suppression"),
            idempotency: key("shortstop/v1/idempotency"),
        }
    }

    /// Finds the messages of a number. Erasable.
    pub fn subject(&self, number: Msisdn) -> Blind {
        blind(&self.index, &[b"e164", &number.reveal().to_be_bytes()])
    }

    /// Finds the opt-outs of a number. Survives erasure, under a key of its own.
    pub fn suppression(&self, number: Msisdn) -> Blind {
        blind(
            &self.suppression,
            &[b"e164", &number.reveal().to_be_bytes()],
        )
    }

    /// Names an idempotency key, or fingerprints a payload.
    pub fn idempotency(&self, parts: &[&[u8]]) -> Blind {
        blind(&self.idempotency, parts)
    }
}

/// HMAC over the parts, each behind its length so that no two lists of parts run together.
fn blind(key: &hmac::Key, parts: &[&[u8]]) -> Blind {
    let mut context = hmac::Context::with_key(key);
    for part in parts {
        let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
        context.update(&length.to_be_bytes());
        context.update(part);
    }
    let tag = context.sign();
    let mut short = Blind::default();
    for (to, from) in short.iter_mut().zip(tag.as_ref()) {
        *to = *from;
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_use_of_a_number_has_a_hash_of_its_own() {
        let keys = BlindKeys::new(&MasterKey::from_bytes([7; 32]));
        let number = Msisdn::parse("+447700900123").unwrap();
        assert_ne!(keys.subject(number), keys.suppression(number));
        assert_ne!(
            keys.idempotency(&[b"ab", b"c"]),
            keys.idempotency(&[b"a", b"bc"])
        );
        let other = BlindKeys::new(&MasterKey::from_bytes([8; 32]));
        assert_ne!(keys.subject(number), other.subject(number));
    }
}
