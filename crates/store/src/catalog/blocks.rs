//! Blocks and segments: 256 entries are a block, 256 blocks a segment. A set of the blocks of one
//! segment is what a search narrows down.

use super::record::damaged;

/// Entries of a block, and blocks of a segment.
pub(crate) const FANOUT: u64 = 256;

/// A set of blocks of one segment, by their places in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct BlockSet {
    low: u128,
    high: u128,
}

impl BlockSet {
    /// All of them.
    pub(crate) const ALL: Self = Self {
        low: u128::MAX,
        high: u128::MAX,
    };

    /// Adds one.
    pub(crate) const fn insert(&mut self, place: u8) {
        match place.checked_sub(128) {
            Some(place) => self.high |= 1 << place,
            None => self.low |= 1 << place,
        }
    }

    /// Whether it is among them.
    pub(crate) const fn contains(self, place: u8) -> bool {
        let bit = match place.checked_sub(128) {
            Some(place) => self.high >> place,
            None => self.low >> place,
        };
        bit & 1 == 1
    }

    pub(crate) const fn is_empty(self) -> bool {
        self.low == 0 && self.high == 0
    }

    /// Those in either.
    pub(crate) const fn or(self, other: Self) -> Self {
        Self {
            low: self.low | other.low,
            high: self.high | other.high,
        }
    }

    /// Those in both.
    pub(crate) const fn and(self, other: Self) -> Self {
        Self {
            low: self.low & other.low,
            high: self.high & other.high,
        }
    }

    /// Those that pass.
    pub(crate) fn filter(self, passes: impl Fn(u8) -> bool) -> Self {
        let mut kept = Self::default();
        self.descending()
            .filter(|place| passes(*place))
            .for_each(|place| kept.insert(place));
        kept
    }

    /// Their places, the newest first.
    pub(crate) fn descending(self) -> impl Iterator<Item = u8> {
        (0..=u8::MAX)
            .rev()
            .filter(move |place| self.contains(*place))
    }

    /// As octets.
    pub(crate) fn to_octets(self) -> Vec<u8> {
        [self.low.to_be_bytes(), self.high.to_be_bytes()].concat()
    }

    /// From octets.
    pub(crate) fn of_octets(octets: &[u8]) -> rusqlite::Result<Self> {
        let (halves, rest) = octets.as_chunks();
        match halves {
            [low, high] if rest.is_empty() => Ok(Self {
                low: u128::from_be_bytes(*low),
                high: u128::from_be_bytes(*high),
            }),
            _ => Err(damaged()),
        }
    }
}

/// The place of a block in its segment.
pub(crate) fn place_of(block: u64) -> u8 {
    u8::try_from(block % FANOUT).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_in_and_gives_the_newest_first() {
        let mut set = BlockSet::default();
        assert!(set.is_empty());
        for place in [0, 255, 127, 128] {
            set.insert(place);
        }
        assert_eq!(set.descending().collect::<Vec<_>>(), [255, 128, 127, 0]);
        assert_eq!(BlockSet::of_octets(&set.to_octets()).unwrap(), set);
        let even = set.filter(|place| place % 2 == 0);
        assert_eq!(even.descending().collect::<Vec<_>>(), [128, 0]);
        assert_eq!(set.and(even), even);
        assert_eq!(set.or(even), set);
        assert_eq!(BlockSet::ALL.and(set), set);
    }
}
