//! A map with a fixed capacity. When it is full, what has gone stale makes room; if nothing has, newcomers are
//! turned away and counted, so that random keys can neither grow the map nor push out what is in use.

use std::collections::BTreeMap;

use crate::time::Timestamp;

/// How long to wait between two searches for stale rows, in seconds: a search visits every row.
const SEARCH_SECONDS: u64 = 60;

/// The map.
#[derive(Clone, Debug)]
pub(super) struct Table<K, V> {
    rows: BTreeMap<K, V>,
    searched: Option<Timestamp>,
    turned_away: u64,
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self {
            rows: BTreeMap::new(),
            searched: None,
            turned_away: 0,
        }
    }
}

impl<K: Ord + Clone, V: Default> Table<K, V> {
    /// The row of a key, made if there is room for it.
    pub(super) fn entry(
        &mut self,
        key: K,
        capacity: usize,
        is_stale: impl Fn(&V) -> bool,
        now: Timestamp,
    ) -> Option<&mut V> {
        if self.rows.len() >= capacity && !self.rows.contains_key(&key) {
            self.make_room(is_stale, now);
            if self.rows.len() >= capacity {
                self.turned_away = self.turned_away.saturating_add(1);
                return None;
            }
        }
        Some(self.rows.entry(key).or_default())
    }

    fn make_room(&mut self, is_stale: impl Fn(&V) -> bool, now: Timestamp) {
        let rested = |last: Timestamp| now.since(last).as_secs() >= SEARCH_SECONDS;
        if self.searched.is_none_or(rested) {
            self.searched = Some(now);
            self.rows.retain(|_, row| !is_stale(row));
        }
    }

    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.rows.get(key)
    }

    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.rows.get_mut(key)
    }

    pub(super) fn remove(&mut self, key: &K) {
        self.rows.remove(key);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.rows.iter()
    }

    /// How many were turned away.
    pub(super) const fn turned_away(&self) -> u64 {
        self.turned_away
    }

    /// The rows that are not stale, for a snapshot.
    pub(super) fn to_rows(&self, is_stale: impl Fn(&V) -> bool) -> Vec<(K, V)>
    where
        V: Clone,
    {
        let rows = self.rows.iter().filter(|(_, row)| !is_stale(row));
        rows.map(|(key, row)| (key.clone(), row.clone())).collect()
    }

    /// From the rows of a snapshot, as many as there is room for.
    pub(super) fn from_rows(rows: Vec<(K, V)>, capacity: usize) -> Self {
        Self {
            rows: rows.into_iter().take(capacity).collect(),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    #[test]
    fn a_full_table_keeps_what_is_in_use_and_turns_newcomers_away() {
        let mut table: Table<u32, u32> = Table::default();
        for key in 0..1_000 {
            if let Some(row) = table.entry(key, 10, |row| *row == 0, at(0)) {
                *row = 1;
            }
        }
        assert_eq!((table.rows.len(), table.turned_away()), (10, 990));
        assert_eq!(table.entry(3, 10, |_| false, at(0)), Some(&mut 1));
    }

    #[test]
    fn stale_rows_make_room_and_are_searched_once_a_minute() {
        let mut table: Table<u32, u32> = Table::default();
        for key in 0..10 {
            table.entry(key, 10, |_| true, at(0));
        }
        assert!(table.entry(10, 10, |_| false, at(0)).is_none());
        assert!(table.entry(10, 10, |_| true, at(59)).is_none());
        assert!(table.entry(10, 10, |_| true, at(60)).is_some());
        assert_eq!(table.rows.len(), 1);
    }
}
