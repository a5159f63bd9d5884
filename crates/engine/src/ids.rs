//! Where ids come from: a sequence that only grows, in milliseconds of the clock and a counter, plus
//! chance. A clock that goes back does not make the sequence go back.

use std::sync::atomic::{AtomicU64, Ordering};

use domain::id::Id;
use domain::time::Timestamp;

use crate::ports::Entropy;

/// Draws ids in growing order.
#[derive(Debug, Default)]
pub struct IdSource {
    last: AtomicU64,
}

impl IdSource {
    /// Ids drawn from now on lie above this sequence.
    pub fn raise(&self, sequence: u64) {
        self.last.fetch_max(sequence, Ordering::Relaxed);
    }

    /// A new sequence.
    pub fn sequence(&self, now: Timestamp) -> u64 {
        let floor = now.millis() << 12;
        let next = |last: u64| Some(last.saturating_add(1).max(floor));
        match self
            .last
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, next)
        {
            Ok(last) | Err(last) => last.saturating_add(1).max(floor),
        }
    }

    /// A new id.
    pub fn id<K>(&self, entropy: &dyn Entropy, now: Timestamp) -> Id<K> {
        let mut chance = [0; 8];
        entropy.fill(&mut chance);
        Id::new(self.sequence(now), u64::from_be_bytes(chance))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_grow_even_when_the_clock_goes_back_or_stands_still() {
        let source = IdSource::default();
        let now = Timestamp::from_seconds(1_764_064_800);
        let first = source.sequence(now);
        let second = source.sequence(now);
        let third = source.sequence(Timestamp::EPOCH);
        assert!(first < second && second < third);
        source.raise(third + 1_000);
        assert_eq!(source.sequence(now), third + 1_001);
    }
}
