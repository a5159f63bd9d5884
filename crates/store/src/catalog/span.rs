//! What is kept of a full segment as a whole: when its entries were written, and which triples occur in
//! it, so that a posting that is gone is missed.

use super::digest::Times;
use super::record::Numbers;

/// The content of a segment's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// The lowest and the highest time in it.
    pub(crate) times: Times,
    /// The triples that have a posting in it.
    pub(crate) triples: TripleSet,
}

/// A set of triples, a bit for each number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TripleSet(Vec<u8>);

impl Span {
    /// As the content of a row.
    pub(crate) fn to_octets(&self) -> Vec<u8> {
        [&self.times.to_octets()[..], &self.triples.0].concat()
    }

    /// From the content of a row.
    pub(crate) fn of_octets(octets: &[u8]) -> rusqlite::Result<Self> {
        let mut numbers = Numbers(octets);
        Ok(Self {
            times: Times::read(&mut numbers)?,
            triples: TripleSet(numbers.0.to_vec()),
        })
    }
}

impl TripleSet {
    /// Of these numbers.
    pub(crate) fn of(numbers: impl IntoIterator<Item = u32>) -> Self {
        let mut octets = Vec::new();
        for number in numbers {
            let (place, bit) = place_of(number);
            if octets.len() <= place {
                octets.resize(place + 1, 0);
            }
            if let Some(octet) = octets.get_mut(place) {
                *octet |= bit;
            }
        }
        Self(octets)
    }

    /// Whether a number is among them.
    pub(crate) fn contains(&self, number: u32) -> bool {
        let (place, bit) = place_of(number);
        self.0.get(place).is_some_and(|octet| octet & bit != 0)
    }

    /// Whether each is below a number. The last octet holds the highest.
    pub(crate) fn is_below(&self, number: u32) -> bool {
        let Some((octet, before)) = self.0.split_last() else {
            return true;
        };
        let highest = u64::try_from(before.len()).unwrap_or(u64::MAX);
        let highest = highest.saturating_mul(8) + u64::from(octet.checked_ilog2().unwrap_or(0));
        highest < u64::from(number)
    }
}

fn place_of(number: u32) -> (usize, u8) {
    let place = usize::try_from(number / 8).unwrap_or(usize::MAX);
    (place, 1 << (number % 8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_survives_its_row_and_knows_its_triples() {
        let numbers = [0, 7, 8, 300];
        let span = Span {
            times: Times { low: 3, high: 9 },
            triples: TripleSet::of(numbers),
        };
        assert_eq!(Span::of_octets(&span.to_octets()).unwrap(), span);
        let found: Vec<u32> = (0..400).filter(|n| span.triples.contains(*n)).collect();
        assert_eq!(found, numbers);
        assert!(span.triples.is_below(301) && !span.triples.is_below(300));
        assert!(TripleSet::of([]).is_below(0));
        Span::of_octets(&span.to_octets()[..15]).unwrap_err();
    }
}
