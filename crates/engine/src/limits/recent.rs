//! Which messages were counted of late, so that a start after a crash counts each message of the store
//! once: those that the kept counts do not hold, and no other.
//!
//! Messages get their ids before they are counted, and a little out of order. So the counts that are kept
//! say up to which id everything is counted that ever will be, and name those above it that are.

use std::collections::VecDeque;
use std::time::Duration;

use domain::time::Timestamp;

/// A message is counted within this time of getting its id, or never. It is milliseconds; a process that
/// was stopped for longer counts a message twice at worst.
const SETTLED: Duration = Duration::from_secs(10);

/// The most that are named: 15,000 a second for all of that time.
const MOST: usize = 150_000;

/// The messages that were counted of late, by the sequences of their ids.
#[derive(Debug, Default)]
pub(super) struct Recent {
    boundary: u64,
    counted: VecDeque<(Timestamp, u64)>,
}

impl Recent {
    /// Everything up to a sequence is counted.
    pub(super) const fn from(boundary: u64) -> Self {
        Self {
            boundary,
            counted: VecDeque::new(),
        }
    }

    /// A message was counted.
    pub(super) fn add(&mut self, sequence: u64, now: Timestamp) {
        self.counted.push_back((now, sequence));
        while let Some((at, sequence)) = self.counted.front().copied()
            && (now.since(at) > SETTLED || self.counted.len() > MOST)
        {
            self.counted.pop_front();
            self.boundary = self.boundary.max(sequence);
        }
    }

    /// Up to which sequence everything is counted, and which above it are.
    pub(super) fn told(&self) -> (u64, Vec<u64>) {
        let above = self.counted.iter().map(|(_, sequence)| *sequence);
        let above = above.filter(|sequence| *sequence > self.boundary).collect();
        (self.boundary, above)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_seconds(1_764_064_800);

    #[test]
    fn what_is_settled_is_told_by_its_boundary_and_what_is_not_by_name() {
        let mut recent = Recent::from(5);
        for (after, sequence) in [(0, 10), (1, 12), (2, 11)] {
            recent.add(sequence, START.saturating_add(Duration::from_secs(after)));
        }
        assert_eq!(recent.told(), (5, vec![10, 12, 11]));
        recent.add(20, START.saturating_add(Duration::from_secs(11)));
        assert_eq!(recent.told(), (10, vec![12, 11, 20]));
        recent.add(21, START.saturating_add(Duration::from_secs(12)));
        assert_eq!(recent.told(), (12, vec![20, 21]), "11 lies below");
    }

    #[test]
    fn names_are_bounded_also_when_the_clock_stands_still() {
        let mut recent = Recent::default();
        for sequence in 0..200_000 {
            recent.add(sequence, START);
        }
        let (boundary, above) = recent.told();
        assert_eq!((boundary, above.len()), (49_999, MOST));
    }
}
