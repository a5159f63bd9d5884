//! Which submits came before, by a 64-bit hash, in bounded memory.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, DefaultHasher, Hash, Hasher};

use crate::pdu::ShortMessage;

/// Hands a hash through: it is one already.
#[derive(Default)]
struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _octets: &[u8]) {}

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

type Hashes = HashSet<u64, BuildHasherDefault<AsIs>>;

/// Two generations: when the young one has half of the bound, the old one is forgotten.
pub(super) struct Seen {
    young: Hashes,
    old: Hashes,
    half: usize,
}

impl Seen {
    pub(super) fn new(max: usize) -> Self {
        Self {
            young: Hashes::default(),
            old: Hashes::default(),
            half: max / 2,
        }
    }

    /// Whether this very message (source, destination, text with header) is new.
    pub(super) fn is_new(&mut self, message: &ShortMessage<'_>) -> bool {
        let mut hasher = DefaultHasher::new();
        message.source.reveal().hash(&mut hasher);
        message.destination.reveal().hash(&mut hasher);
        message.payload().hash(&mut hasher);
        let hash = hasher.finish();
        if self.old.contains(&hash) || !self.young.insert(hash) {
            return false;
        }
        if self.young.len() > self.half {
            self.old = std::mem::take(&mut self.young);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_message_is_told_and_memory_is_bounded() {
        let mut seen = Seen::new(100);
        let texts: Vec<_> = (0_u32..1_000).map(u32::to_be_bytes).collect();
        for text in &texts {
            let message = ShortMessage {
                short_message: text,
                ..ShortMessage::default()
            };
            assert!(seen.is_new(&message));
            assert!(!seen.is_new(&message));
            assert!(seen.young.len() + seen.old.len() <= 102);
        }
    }
}
