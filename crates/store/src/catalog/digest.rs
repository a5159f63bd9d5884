//! What is kept of a block: when its entries were written, which triples of kind, outcome and client
//! they have, and hashes of the ids they name.

use std::collections::HashMap;

use engine::ports::catalog::EntryQuery;
use ledger::entry::skim::{Skimmed, skim};
use ledger::{Kind, Outcome};

use super::record::{Numbers, damaged};
use crate::fnv::fnv;

/// The digest of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Digest {
    /// The lowest and the highest time in it, in microseconds. Of an empty one the lowest is above.
    pub(crate) times: Times,
    /// The numbers of its triples, ascending.
    pub(crate) triples: Vec<u32>,
    /// The hashes of its object ids and correlations, ascending.
    pub(crate) hashes: Vec<u32>,
}

/// A span of times, both ends in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Times {
    pub(crate) low: u64,
    pub(crate) high: u64,
}

impl Times {
    /// The span of nothing.
    pub(crate) const NONE: Self = Self {
        low: u64::MAX,
        high: 0,
    };

    /// Takes a span in.
    pub(crate) fn widen(&mut self, other: Self) {
        self.low = self.low.min(other.low);
        self.high = self.high.max(other.high);
    }

    /// Whether an entry in it may be in the time that is asked for.
    pub(crate) fn may_hold(self, query: &EntryQuery) -> bool {
        query.since.is_none_or(|since| self.high >= since)
            && query.until.is_none_or(|until| self.low < until)
    }

    /// Whether every entry in it is.
    pub(crate) fn lies_in(self, query: &EntryQuery) -> bool {
        query.since.is_none_or(|since| self.low >= since)
            && query.until.is_none_or(|until| self.high < until)
    }

    pub(crate) fn to_octets(self) -> [u8; 16] {
        let both = (u128::from(self.low) << 64) | u128::from(self.high);
        both.to_be_bytes()
    }

    pub(crate) fn read(numbers: &mut Numbers<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            low: numbers.long()?,
            high: numbers.long()?,
        })
    }
}

impl Digest {
    /// Of a block without entries.
    pub(crate) const fn new() -> Self {
        Self {
            times: Times::NONE,
            triples: Vec::new(),
            hashes: Vec::new(),
        }
    }

    /// Takes an entry in. One that cannot be read passes no filter, so that nothing is kept of it.
    pub(crate) fn add(&mut self, entry: &[u8], triples: &mut Triples) {
        let Ok(entry) = skim(entry) else { return };
        let time = entry.time_micros;
        self.times.widen(Times {
            low: time,
            high: time,
        });
        self.triples.push(triples.number(&entry));
        let ids = [&entry.object, &entry.correlation];
        let hashes = ids.into_iter().flatten().map(|id| id_hash(id));
        self.hashes.extend(hashes);
    }

    /// Ends it: sorted, each but once.
    pub(crate) fn finish(mut self) -> Self {
        for numbers in [&mut self.triples, &mut self.hashes] {
            numbers.sort_unstable();
            numbers.dedup();
        }
        self
    }

    /// As the content of a row.
    pub(crate) fn to_octets(&self) -> Vec<u8> {
        let mut octets = self.times.to_octets().to_vec();
        let count = u32::try_from(self.triples.len()).unwrap_or(u32::MAX);
        let numbers = [count].into_iter();
        let numbers = numbers.chain(self.triples.iter().chain(&self.hashes).copied());
        octets.extend(numbers.flat_map(u32::to_be_bytes));
        octets
    }

    /// From the content of a row.
    pub(crate) fn of_octets(octets: &[u8]) -> rusqlite::Result<Self> {
        let mut numbers = Numbers(octets);
        let times = Times::read(&mut numbers)?;
        let count = usize::try_from(numbers.short()?).map_err(|_| damaged())?;
        let mut triples = numbers.shorts()?;
        if count > triples.len() {
            return Err(damaged());
        }
        let hashes = triples.split_off(count);
        Ok(Self {
            times,
            triples,
            hashes,
        })
    }
}

/// The number that an id is looked up by. Few ids share one, and what is found is compared with the
/// entry itself.
pub(crate) fn id_hash(id: &str) -> u32 {
    // The last octets of a text hardly reach the upper bits of its FNV-1a; this spreads them
    // (the finalizer of MurmurHash3).
    let mut hash = fnv(id.bytes());
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    u32::try_from(hash >> 32).unwrap_or(0)
}

/// The numbers of triples of kind, outcome and client. There are as many as clients times the kinds
/// that they cause.
#[derive(Debug, Default)]
pub(crate) struct Triples {
    numbers: HashMap<Vec<u8>, u32>,
    /// Those that are not in the file yet.
    fresh: Vec<(u32, Vec<u8>)>,
    scratch: Vec<u8>,
}

impl Triples {
    /// Those that are in a file.
    pub(crate) fn of(known: impl IntoIterator<Item = (u32, Vec<u8>)>) -> Self {
        Self {
            numbers: known
                .into_iter()
                .map(|(number, text)| (text, number))
                .collect(),
            ..Self::default()
        }
    }

    fn number(&mut self, entry: &Skimmed<'_>) -> u32 {
        self.scratch.clear();
        self.scratch
            .extend_from_slice(entry.kind.as_str().as_bytes());
        self.scratch.push(0);
        self.scratch
            .extend_from_slice(entry.outcome.as_str().as_bytes());
        if let Some(client) = &entry.client {
            self.scratch.push(0);
            self.scratch.extend_from_slice(client.as_bytes());
        }
        if let Some(number) = self.numbers.get(&self.scratch) {
            return *number;
        }
        let number = self.count();
        self.numbers.insert(self.scratch.clone(), number);
        self.fresh.push((number, self.scratch.clone()));
        number
    }

    /// How many there are.
    pub(crate) fn count(&self) -> u32 {
        u32::try_from(self.numbers.len()).unwrap_or(u32::MAX)
    }

    /// Takes those that have to be written.
    pub(crate) fn take_fresh(&mut self) -> Vec<(u32, Vec<u8>)> {
        std::mem::take(&mut self.fresh)
    }
}

/// Whether entries of a triple may be wanted.
pub(crate) fn is_wanted(triple: &[u8], query: &EntryQuery) -> rusqlite::Result<bool> {
    let text = std::str::from_utf8(triple).map_err(|_| damaged())?;
    let mut parts = text.splitn(3, '\0');
    let kind = parts.next().and_then(Kind::from_name).ok_or_else(damaged)?;
    let outcome = parts.next().and_then(Outcome::from_name);
    let outcome = outcome.ok_or_else(damaged)?;
    Ok(query.takes_triple(kind, outcome, parts.next()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_survives_its_row() {
        let digest = Digest {
            times: Times { low: 3, high: 9 },
            triples: vec![1, 4],
            hashes: vec![7, 8, 900],
        };
        assert_eq!(Digest::of_octets(&digest.to_octets()).unwrap(), digest);
        let empty = Digest::new().finish();
        assert_eq!(Digest::of_octets(&empty.to_octets()).unwrap(), empty);
        Digest::of_octets(&digest.to_octets()[..21]).unwrap_err();
    }

    #[test]
    fn ids_that_differ_in_their_end_alone_are_spread() {
        let buckets: std::collections::BTreeSet<u32> = (0..200)
            .map(|n| id_hash(&format!("msg_0000000000000000000000{n:04}")) >> 24)
            .collect();
        assert!(buckets.len() > 100, "{}", buckets.len());
    }

    #[test]
    fn an_empty_span_holds_no_time() {
        let query = EntryQuery {
            since: Some(0),
            ..EntryQuery::default()
        };
        let until = EntryQuery {
            until: Some(u64::MAX),
            ..EntryQuery::default()
        };
        assert!(!Times::NONE.may_hold(&until));
        assert!(Times { low: 5, high: 5 }.may_hold(&query));
    }
}
