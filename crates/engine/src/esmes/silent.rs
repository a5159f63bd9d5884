//! Messages whose end no ESME is told, as long as that is remembered. It spares looking each of them up in the
//! store when it ends; one that is not remembered is looked up as ever.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::id::MessageId;

/// Messages remembered at most, in half a MiB: those of five seconds at 12,000 a second. A younger one may take
/// the place of an older one before.
const PLACES: usize = 1 << 16;

/// The messages, each in the place that its id leads to.
#[derive(Debug, Default)]
pub(crate) struct Silent(OnceLock<Box<[AtomicU64]>>);

impl Silent {
    /// No ESME is told how this one ends.
    pub(crate) fn note(&self, id: MessageId) {
        let places = self
            .0
            .get_or_init(|| (0..PLACES).map(|_| AtomicU64::new(0)).collect());
        let sequence = id.sequence();
        if let Some(place) = places.get(place(sequence)) {
            place.store(sequence, Ordering::Relaxed);
        }
    }

    /// Whether that is known of this one.
    pub(crate) fn has(&self, id: MessageId) -> bool {
        let sequence = id.sequence();
        let places = self.0.get();
        let kept = places.and_then(|places| places.get(place(sequence)));
        // No id has the sequence 0, which is the millisecond 1970 begins with.
        kept.is_some_and(|kept| sequence != 0 && kept.load(Ordering::Relaxed) == sequence)
    }
}

/// Sequences that follow each other lie far apart (multiplicative hashing, Knuth vol. 3, 6.4).
fn place(sequence: u64) -> usize {
    const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
    const SHIFT: u32 = u64::BITS - PLACES.ilog2();
    usize::try_from(sequence.wrapping_mul(GOLDEN) >> SHIFT).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The id of the so manyth message of a node that takes 12,000 a second.
    fn id(number: u64) -> MessageId {
        let millisecond = 1_790_000_000_000 + number / 12;
        MessageId::new((millisecond << 12) | (number % 12), number)
    }

    #[test]
    fn only_what_was_noted_is_known() {
        let silent = Silent::default();
        assert!(!silent.has(id(1)));
        for number in (0..1_000).step_by(2) {
            silent.note(id(number));
        }
        for number in 0..1_000 {
            assert_eq!(silent.has(id(number)), number % 2 == 0, "{number}");
        }
    }

    #[test]
    fn most_of_five_busy_seconds_are_still_known() {
        let silent = Silent::default();
        (0..60_000).for_each(|number| silent.note(id(number)));
        let known = (0..60_000).filter(|number| silent.has(id(*number)));
        assert!(known.count() > 35_000);
    }
}
