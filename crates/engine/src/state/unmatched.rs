//! Receipts that match no segment yet: a receipt can overtake the answer that names its id.
//! Bounded: the oldest make room. Found by their id at once, since every answer asks for them.

use std::collections::{BTreeMap, HashMap};

use domain::carrier_id::CarrierMessageId;
use domain::message::CarrierName;
use domain::time::Timestamp;

use crate::keys::Blind;
use crate::rows::UnmatchedRow;

/// A carrier and the folded form of its id.
type Key = (CarrierName, CarrierMessageId);

fn key(row: &UnmatchedRow) -> Key {
    (row.carrier.clone(), row.carrier_id.folded())
}

/// The receipts that wait.
#[derive(Debug)]
pub(crate) struct Unmatched {
    /// By sequence, and so in the order in which they came.
    rows: BTreeMap<u64, UnmatchedRow>,
    by_id: HashMap<Key, Vec<u64>>,
    /// The index has been asked for those up to this sequence.
    asked: u64,
    most: usize,
}

impl Unmatched {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            rows: BTreeMap::new(),
            by_id: HashMap::new(),
            asked: 0,
            most,
        }
    }

    /// Takes another bound. Where more wait, they stay until their time is over.
    pub(crate) const fn bound(&mut self, most: usize) {
        self.most = most;
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether a receipt still waits.
    pub(crate) fn has(&self, sequence: u64) -> bool {
        self.rows.contains_key(&sequence)
    }

    /// The sequences of what waits, oldest first.
    pub(crate) fn sequences(&self) -> Vec<u64> {
        self.rows.keys().copied().collect()
    }

    /// Keeps a receipt; gives back the one that had to make room.
    pub(crate) fn insert(&mut self, row: UnmatchedRow) -> Option<UnmatchedRow> {
        let places = self.by_id.entry(key(&row)).or_default();
        places.push(row.sequence);
        self.rows.insert(row.sequence, row);
        if self.rows.len() <= self.most {
            return None;
        }
        let oldest = *self.rows.keys().next()?;
        self.remove(oldest)
    }

    /// Forgets whom receipts name, if it is this one. Gives the receipts' sequences.
    pub(crate) fn forget_subject(&mut self, subject: Blind) -> Vec<u64> {
        let named = self
            .rows
            .values_mut()
            .filter(|row| row.subject == Some(subject));
        named
            .map(|row| {
                row.subject = None;
                row.sequence
            })
            .collect()
    }

    /// Takes one out.
    pub(crate) fn remove(&mut self, sequence: u64) -> Option<UnmatchedRow> {
        let row = self.rows.remove(&sequence)?;
        let key = key(&row);
        if let Some(places) = self.by_id.get_mut(&key) {
            places.retain(|other| *other != sequence);
            if places.is_empty() {
                self.by_id.remove(&key);
            }
        }
        Some(row)
    }

    /// Takes out the receipts under any spelling of an id that fit.
    pub(crate) fn take(
        &mut self,
        carrier: &CarrierName,
        id: &CarrierMessageId,
        fits: impl Fn(&UnmatchedRow) -> bool,
    ) -> Vec<UnmatchedRow> {
        if self.rows.is_empty() {
            return Vec::new();
        }
        let places = self.by_id.get(&(carrier.clone(), id.folded()));
        let places = places.cloned().unwrap_or_default();
        let fitting = |sequence: &u64| self.rows.get(sequence).is_some_and(&fits);
        let fitting: Vec<u64> = places.into_iter().filter(fitting).collect();
        fitting
            .into_iter()
            .filter_map(|sequence| self.remove(sequence))
            .collect()
    }

    /// Forgets receipts that have waited long enough.
    pub(crate) fn forget_before(&mut self, end: Timestamp) {
        let old = self.rows.values().filter(|row| row.at < end);
        let old: Vec<u64> = old.map(|row| row.sequence).collect();
        for sequence in old {
            self.remove(sequence);
        }
    }

    /// Receipts that the index has not been asked for yet, at most `most`.
    pub(crate) fn fresh(&mut self, most: usize) -> Vec<UnmatchedRow> {
        let fresh = self.rows.range(self.asked.saturating_add(1)..).take(most);
        let fresh: Vec<_> = fresh.map(|(_, row)| row.clone()).collect();
        self.asked = fresh.last().map_or(self.asked, |row| row.sequence);
        fresh
    }
}
