//! The key under which a count is kept: 128 bits, hashed under a secret. Nobody without the secret can
//! make two things share a count, or crowd one corner of a table; and no key tells whom it counts.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::siphash::SipHash;

/// The secret that all keys of one book are hashed under: 16 random octets, given by whoever builds it,
/// and the same after a restart.
#[derive(Clone, Copy)]
pub struct Secret([u64; 2]);

impl Secret {
    /// From 16 random octets.
    pub fn new(octets: [u8; 16]) -> Self {
        let all = u128::from_le_bytes(octets);
        let [low, high] = [all, all >> 64].map(|half| half & u128::from(u64::MAX));
        Self([low, high].map(|half| u64::try_from(half).unwrap_or(0)))
    }

    /// A mark by which a snapshot tells under which secret it was made, without telling it.
    pub(super) fn mark(&self) -> Key {
        let mut hash = KeyHash::new(self);
        hash.word(u64::from_le_bytes(*b"snapshot"));
        hash.finish()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(••••)")
    }
}

/// The key of one count. The first word is never 0.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Key(pub(super) [u64; 2]);

impl Key {
    /// The key that all share who find no other.
    pub(super) const SHARED: Self = Self([1, 0]);
}

impl fmt::Display for Key {
    /// Its first 32 bits, to tell keys of one list apart.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0[0] >> 32)
    }
}

/// A key under way. One round a word and three at the end, as hash tables use it: what is asked of it is
/// that inputs which meet cannot be chosen, and nobody sees its result.
pub(super) struct KeyHash(SipHash<1, 3>);

impl KeyHash {
    #[inline]
    pub(super) const fn new(secret: &Secret) -> Self {
        Self(SipHash::new(secret.0))
    }

    /// A fact of fixed size.
    #[inline]
    pub(super) fn word(&mut self, word: u64) {
        self.0.word(word);
    }

    /// A fact that is a text, its length first, so that no two rows of texts read alike.
    pub(super) fn text(&mut self, octets: impl ExactSizeIterator<Item = u8>) {
        self.word(u64::try_from(octets.len()).unwrap_or(u64::MAX));
        let (mut word, mut filled) = (0_u64, 0_u32);
        for octet in octets {
            word |= u64::from(octet) << (filled * 8);
            filled += 1;
            if filled == 8 {
                self.word(word);
                (word, filled) = (0, 0);
            }
        }
        if filled > 0 {
            self.word(word);
        }
    }

    #[inline]
    pub(super) fn finish(self) -> Key {
        let [first, second] = self.0.finish();
        Key([first.max(1), second])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(secret: u8, texts: &[&str]) -> Key {
        let mut hash = KeyHash::new(&Secret::new([secret; 16]));
        for text in texts {
            hash.text(text.bytes());
        }
        hash.finish()
    }

    #[test]
    fn other_secrets_and_other_texts_give_other_keys() {
        assert_eq!(key(1, &["a", "b"]), key(1, &["a", "b"]));
        assert_ne!(key(1, &["a", "b"]), key(2, &["a", "b"]));
        assert_ne!(key(1, &["ab", ""]), key(1, &["a", "b"]));
        assert_ne!(key(1, &["12345678", ""]), key(1, &["", "12345678"]));
        assert_ne!(key(1, &["a\0"]), key(1, &["a"]));
        assert_eq!(format!("{:?}", Secret::new([7; 16])), "Secret(••••)");
    }
}
