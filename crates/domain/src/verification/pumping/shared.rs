//! A map of counts with a fixed capacity that several clients share. When it is full, the row that tells least
//! against anybody gives way to a newcomer; a row that tells much stays, and the newcomer is turned away
//! and counted. No client holds more than three quarters, so that none takes the room of the others.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Bound, RangeInclusive};

use crate::id::ClientId;
use crate::time::Timestamp;

/// How many rows are looked at for one that gives way: the least of so many is among the least of all, and a
/// newcomer costs no more when the map is large.
const LOOKS: usize = 16;

/// A row with so many unused codes never gives way: it is on the way to a finding, or a block came of it. The
/// smallest of the default thresholds is the eighth number of a block.
const NEAR: u32 = 5;

/// Whose a row is.
pub(super) trait Owned: Ord + Copy {
    /// The client.
    fn owner(&self) -> ClientId;
}

impl<T: Ord + Copy> Owned for (ClientId, T) {
    fn owner(&self) -> ClientId {
        self.0
    }
}

/// How much a row tells against somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Harm {
    /// Codes of the last day that nobody used; of two rows with as many the older one tells less.
    pub(super) unused: u32,
    /// The step of time in which anything happened last.
    pub(super) latest: u64,
}

/// What is counted.
pub(super) trait Counted: Default + Clone {
    /// Whether it matters no more.
    fn is_stale(&self, now: Timestamp) -> bool;

    /// How much it tells.
    fn harm(&self, now: Timestamp) -> Harm;
}

/// The map.
#[derive(Clone, Debug)]
pub(super) struct Shared<K, V> {
    rows: BTreeMap<K, V>,
    owners: BTreeMap<ClientId, BTreeSet<K>>,
    /// Where the last look for a row that gives way ended: the next goes on from there.
    looked: Option<K>,
    turned_away: u64,
}

impl<K, V> Default for Shared<K, V> {
    fn default() -> Self {
        Self {
            rows: BTreeMap::new(),
            owners: BTreeMap::new(),
            looked: None,
            turned_away: 0,
        }
    }
}

impl<K: Owned, V: Counted> Shared<K, V> {
    /// The row of a key, made if there is room for it or another gives way.
    pub(super) fn entry(&mut self, key: K, capacity: usize, now: Timestamp) -> Option<&mut V> {
        if !self.rows.contains_key(&key) {
            if !self.make_room(key.owner(), capacity, now) {
                self.turned_away = self.turned_away.saturating_add(1);
                return None;
            }
            self.owners.entry(key.owner()).or_default().insert(key);
        }
        Some(self.rows.entry(key).or_default())
    }

    /// Whether there is room for one row more of a client, if need be since another gave way.
    fn make_room(&mut self, owner: ClientId, capacity: usize, now: Timestamp) -> bool {
        let own = self.owners.get(&owner).map_or(0, BTreeSet::len);
        let has_its_share = own >= capacity - capacity / 4;
        if !has_its_share && self.rows.len() < capacity {
            return true;
        }
        let looks = if has_its_share {
            let keys = self.owners.get(&owner);
            keys.map_or(Vec::new(), |keys| self.next_of(keys))
        } else {
            self.next_of_all()
        };
        let least = self.least(&looks, now);
        if let Some(key) = least {
            self.remove(&key);
        }
        least.is_some()
    }

    /// The next rows of one client to look at, from where the last look ended and round the end.
    fn next_of(&self, keys: &BTreeSet<K>) -> Vec<K> {
        let after = self.looked.map_or(Bound::Unbounded, Bound::Excluded);
        let ring = keys.range((after, Bound::Unbounded)).chain(keys);
        ring.take(LOOKS).copied().collect()
    }

    /// The same of all clients.
    fn next_of_all(&self) -> Vec<K> {
        let after = self.looked.map_or(Bound::Unbounded, Bound::Excluded);
        let ahead = self.rows.range((after, Bound::Unbounded));
        let ring = ahead.map(|(key, _)| key).chain(self.rows.keys());
        ring.take(LOOKS).copied().collect()
    }

    /// The one of these that tells least, unless each tells much.
    fn least(&mut self, looks: &[K], now: Timestamp) -> Option<K> {
        let mut least: Option<(Harm, K)> = None;
        for key in looks {
            self.looked = Some(*key);
            let Some(harm) = self.rows.get(key).map(|row| row.harm(now)) else {
                continue;
            };
            if harm.unused < NEAR && least.is_none_or(|(least, _)| harm < least) {
                least = Some((harm, *key));
            }
            if harm.unused == 0 {
                break;
            }
        }
        least.map(|(_, key)| key)
    }

    fn remove(&mut self, key: &K) {
        self.rows.remove(key);
        if let Some(keys) = self.owners.get_mut(&key.owner()) {
            keys.remove(key);
            if keys.is_empty() {
                self.owners.remove(&key.owner());
            }
        }
    }

    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.rows.get(key)
    }

    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.rows.get_mut(key)
    }

    /// Forgets the rows between two keys.
    pub(super) fn forget(&mut self, keys: RangeInclusive<K>) {
        let keys: Vec<K> = self.rows.range(keys).map(|(key, _)| *key).collect();
        for key in &keys {
            self.remove(key);
        }
    }

    /// The rows between two keys.
    pub(super) fn range(&self, keys: RangeInclusive<K>) -> impl Iterator<Item = (&K, &V)> {
        self.rows.range(keys)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.rows.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (&K, &mut V)> {
        self.rows.iter_mut()
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// How many were turned away.
    pub(super) const fn turned_away(&self) -> u64 {
        self.turned_away
    }

    /// The rows that still matter, for a snapshot.
    pub(super) fn to_rows(&self, now: Timestamp) -> Vec<(K, V)> {
        let rows = self.rows.iter().filter(|(_, row)| !row.is_stale(now));
        rows.map(|(key, row)| (*key, row.clone())).collect()
    }

    /// From the rows of a snapshot, as many as there is room for.
    pub(super) fn from_rows(rows: Vec<(K, V)>, capacity: usize) -> Self {
        let rows: BTreeMap<K, V> = rows.into_iter().take(capacity).collect();
        let mut owners: BTreeMap<ClientId, BTreeSet<K>> = BTreeMap::new();
        for key in rows.keys() {
            owners.entry(key.owner()).or_default().insert(*key);
        }
        Self {
            rows,
            owners,
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No more than are looked at for one that gives way.
    const CAPACITY: usize = LOOKS;

    /// Unused codes, and when the last was sent.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    struct Row(u32, u64);

    impl Counted for Row {
        fn is_stale(&self, _: Timestamp) -> bool {
            self.0 == 0
        }

        fn harm(&self, _: Timestamp) -> Harm {
            Harm {
                unused: self.0,
                latest: self.1,
            }
        }
    }

    type Rows = Shared<(ClientId, u32), Row>;

    fn put(rows: &mut Rows, client: u64, key: u32, row: Row) -> bool {
        let key = (ClientId::new(client, client), key);
        let entry = rows.entry(key, CAPACITY, Timestamp::EPOCH);
        entry.map(|entry| *entry = row).is_some()
    }

    fn has(rows: &Rows, client: u64, key: u32) -> bool {
        rows.get(&(ClientId::new(client, client), key)).is_some()
    }

    #[test]
    fn what_tells_least_and_is_oldest_gives_way() {
        let mut rows = Rows::default();
        for key in 0..16 {
            let client = u64::from(key % 2);
            assert!(put(&mut rows, client, key, Row(2, u64::from(key) + 10)));
        }
        assert!(put(&mut rows, 0, 12, Row(1, 99)));
        for (newcomer, gives_way) in [(100, (0, 12)), (101, (0, 0)), (102, (1, 1))] {
            assert!(put(&mut rows, 1, newcomer, Row(3, 100)));
            assert!(!has(&rows, gives_way.0, gives_way.1), "{gives_way:?}");
            assert_eq!((rows.len(), rows.turned_away()), (CAPACITY, 0));
        }
    }

    #[test]
    fn what_is_near_a_threshold_stays_and_newcomers_are_turned_away() {
        let mut rows = Rows::default();
        for key in 0..16 {
            assert!(put(&mut rows, u64::from(key % 2), key, Row(NEAR, 0)));
        }
        assert!(!put(&mut rows, 2, 100, Row(1, 1)));
        assert_eq!((rows.len(), rows.turned_away()), (CAPACITY, 1));
    }

    #[test]
    fn no_client_takes_more_than_three_quarters() {
        let mut rows = Rows::default();
        for key in 0..1_000 {
            put(&mut rows, 1, key, Row(NEAR, 0));
        }
        assert_eq!((rows.len(), rows.turned_away()), (12, 988));
        for key in 0..4 {
            assert!(put(&mut rows, 2, key, Row(1, 0)));
        }
        assert!(!put(&mut rows, 1, 2_000, Row(1, 0)), "its own only");
        rows.forget((ClientId::new(1, 1), 0)..=(ClientId::new(1, 1), 0));
        assert!(put(&mut rows, 1, 2_000, Row(1, 0)));
        let restored = Rows::from_rows(rows.to_rows(Timestamp::EPOCH), CAPACITY);
        assert_eq!(restored.owners, rows.owners);
    }
}
