//! The entries that were committed last, in memory: whoever follows the ledger closely reads them here and asks
//! the database for nothing. It only ever holds what is durable; where it has nothing, the database is asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ledger::Hash;

/// Octets of entries kept at most: those of about 15,000, nearly half a second at 12,000 messages a second.
const OCTETS_MAX: usize = 8 << 20;
/// Times and leaf hashes kept at most: 5 MiB, and those of a few seconds at that rate. Sealing looks each second.
const STAMPS_MAX: usize = 1 << 17;

/// The time of an entry, in microseconds since 1970, and its leaf hash.
pub(crate) type TimedLeaf = (u64, Hash);

/// The entries of one group, in order.
#[derive(Debug, Default)]
pub(crate) struct Group {
    first: u64,
    octets: Vec<u8>,
    /// Where each entry ends in the octets.
    ends: Vec<usize>,
    stamps: Vec<TimedLeaf>,
}

impl Group {
    /// Begins anew, with the index of its first entry.
    pub(crate) fn begin(&mut self, first: u64) {
        self.first = first;
        self.octets.clear();
        self.ends.clear();
        self.stamps.clear();
    }

    /// Adds the next entry.
    pub(crate) fn push(&mut self, entry: &[u8], stamp: TimedLeaf) {
        self.octets.extend_from_slice(entry);
        self.ends.push(self.octets.len());
        self.stamps.push(stamp);
    }

    fn end(&self) -> u64 {
        self.first + u64::try_from(self.ends.len()).unwrap_or(u64::MAX)
    }

    /// Its entries from an index on, which is one of its own, at most so many.
    fn entries(&self, from: u64, most: usize) -> impl Iterator<Item = Vec<u8>> {
        let skipped = usize::try_from(from - self.first).unwrap_or(usize::MAX);
        let starts = std::iter::once(&0).chain(&self.ends);
        let each = starts.zip(&self.ends).skip(skipped).take(most);
        each.filter_map(|(start, end)| Some(self.octets.get(*start..*end)?.to_vec()))
    }
}

/// The entries that were committed last.
#[derive(Debug, Default)]
pub(crate) struct Recent(Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    groups: VecDeque<Arc<Group>>,
    octets: usize,
    stamps: VecDeque<TimedLeaf>,
    /// The index behind the last entry.
    end: u64,
}

impl Recent {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in a group that is durable. One that does not follow what is held replaces it.
    pub(crate) fn add(&self, group: Group) {
        let mut held = self.held();
        if held.end != group.first {
            *held = Held::default();
        }
        held.end = group.end();
        held.octets += group.octets.len();
        held.stamps.extend(&group.stamps);
        let surplus = held.stamps.len().saturating_sub(STAMPS_MAX);
        held.stamps.drain(..surplus);
        held.groups.push_back(Arc::new(group));
        while held.octets > OCTETS_MAX
            && let Some(oldest) = held.groups.pop_front()
        {
            held.octets -= oldest.octets.len();
        }
    }

    /// Forgets everything: the database is asked again.
    pub(crate) fn clear(&self) {
        *self.held() = Held::default();
    }

    /// The entries from an index on, at most so many; `None` when the first of them is not held.
    pub(crate) fn entries(&self, from: u64, most: usize) -> Option<Vec<Vec<u8>>> {
        let groups = {
            let held = self.held();
            let place = held.groups.partition_point(|group| group.end() <= from);
            let first = held.groups.get(place)?;
            if from < first.first {
                return None;
            }
            let last = from.saturating_add(u64::try_from(most).unwrap_or(u64::MAX));
            let wanted = held.groups.range(place..);
            let wanted = wanted.take_while(|group| group.first < last);
            wanted.cloned().collect::<Vec<_>>()
        };
        let mut found = Vec::new();
        for group in groups {
            found.extend(group.entries(from.max(group.first), most - found.len()));
        }
        Some(found)
    }

    /// Times and leaf hashes of the entries from an index on, at most so many; `None` when the first of them is
    /// not held.
    pub(crate) fn stamps(&self, from: u64, most: usize) -> Option<Vec<TimedLeaf>> {
        let held = self.held();
        let behind = usize::try_from(held.end.checked_sub(from)?).ok()?;
        if behind == 0 {
            return None;
        }
        let place = held.stamps.len().checked_sub(behind)?;
        Some(held.stamps.range(place..).take(most).copied().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(index: u64) -> Vec<u8> {
        index.to_string().into_bytes()
    }

    fn stamp(index: u64) -> TimedLeaf {
        (index, ledger::leaf_hash(&entry(index)))
    }

    fn group(first: u64, count: u64) -> Group {
        let mut group = Group::default();
        group.begin(first);
        for index in first..first + count {
            group.push(&entry(index), stamp(index));
        }
        group
    }

    fn holding(groups: &[(u64, u64)]) -> Recent {
        let recent = Recent::default();
        for (first, count) in groups {
            recent.add(group(*first, *count));
        }
        recent
    }

    #[test]
    fn every_page_is_what_was_committed() {
        let recent = holding(&[(10, 1), (11, 3), (14, 2)]);
        for from in 10..16 {
            for most in 0..8 {
                let wanted: Vec<_> = (from..16).take(most).collect();
                let entries: Vec<_> = wanted.iter().copied().map(entry).collect();
                assert_eq!(recent.entries(from, most), Some(entries), "{from} {most}");
                let stamps: Vec<_> = wanted.into_iter().map(stamp).collect();
                assert_eq!(recent.stamps(from, most), Some(stamps), "{from} {most}");
            }
        }
    }

    #[test]
    fn what_is_not_held_is_asked_of_the_database() {
        let recent = holding(&[(10, 2)]);
        assert_eq!(recent.entries(9, 5), None);
        assert_eq!(recent.stamps(9, 5), None);
        assert_eq!(recent.entries(12, 5), None);
        assert_eq!(recent.stamps(12, 5), None);
        assert_eq!(recent.stamps(13, 5), None);
        recent.clear();
        assert_eq!(recent.entries(10, 5), None);
        assert_eq!(recent.stamps(10, 5), None);
        assert_eq!(recent.stamps(0, 5), None);
    }

    #[test]
    fn a_group_that_does_not_follow_replaces_what_is_held() {
        let recent = holding(&[(10, 2), (20, 1)]);
        assert_eq!(recent.entries(10, 1), None);
        assert_eq!(recent.stamps(11, 1), None);
        assert_eq!(recent.entries(20, 9), Some(vec![entry(20)]));
    }

    #[test]
    fn no_more_than_its_bounds_is_held_and_the_newest_stays() {
        const EACH: usize = 1 << 10;
        let recent = Recent::default();
        let all = u64::try_from(STAMPS_MAX + 3).unwrap();
        for index in 0..all {
            let mut group = Group::default();
            group.begin(index);
            group.push(&vec![0; EACH], (index, ledger::leaf_hash(b"")));
            recent.add(group);
        }
        let held = recent.held();
        assert_eq!(held.stamps.len(), STAMPS_MAX);
        assert_eq!(held.octets, OCTETS_MAX);
        assert_eq!(held.groups.len(), OCTETS_MAX / EACH);
        drop(held);
        assert_eq!(recent.stamps(2, 1), None);
        assert_eq!(recent.stamps(3, 1).unwrap().len(), 1);
        assert!(recent.entries(all - 1, 1).is_some());
    }
}
