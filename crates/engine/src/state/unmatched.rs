//! Receipts that match no segment yet: a receipt can overtake the answer that names its id.
//! Bounded: the oldest make room.

use std::collections::VecDeque;

use domain::message::CarrierName;
use domain::time::Timestamp;

use crate::rows::UnmatchedRow;

/// The receipts that wait, oldest first.
#[derive(Debug)]
pub(crate) struct Unmatched {
    rows: VecDeque<UnmatchedRow>,
    /// How many of them, from the front, the index has been asked for.
    asked: usize,
    most: usize,
}

impl Unmatched {
    pub(crate) const fn new(most: usize) -> Self {
        Self {
            rows: VecDeque::new(),
            asked: 0,
            most,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The sequences of what waits, oldest first.
    pub(crate) fn sequences(&self) -> Vec<u64> {
        self.rows.iter().map(|row| row.sequence).collect()
    }

    /// Keeps a receipt; gives back the one that had to make room.
    pub(crate) fn insert(&mut self, row: UnmatchedRow) -> Option<UnmatchedRow> {
        self.rows.push_back(row);
        if self.rows.len() <= self.most {
            return None;
        }
        self.asked = self.asked.saturating_sub(1);
        self.rows.pop_front()
    }

    /// Whether any receipt of this carrier waits; the cheap question before the dear one.
    pub(crate) fn any_of(&self, carrier: &CarrierName) -> bool {
        self.rows.iter().any(|row| row.carrier == *carrier)
    }

    /// Takes out the receipts that fit.
    pub(crate) fn take(&mut self, fits: impl Fn(&UnmatchedRow) -> bool) -> Vec<UnmatchedRow> {
        let mut taken = Vec::new();
        let mut place = 0;
        while let Some(row) = self.rows.get(place) {
            if !fits(row) {
                place += 1;
                continue;
            }
            if place < self.asked {
                self.asked -= 1;
            }
            taken.extend(self.rows.remove(place));
        }
        taken
    }

    /// Forgets receipts that have waited long enough.
    pub(crate) fn forget_before(&mut self, end: Timestamp) {
        drop(self.take(|row| row.at < end));
    }

    /// Receipts that the index has not been asked for yet, at most `most`.
    pub(crate) fn fresh(&mut self, most: usize) -> Vec<UnmatchedRow> {
        let fresh: Vec<_> = self
            .rows
            .iter()
            .skip(self.asked)
            .take(most)
            .cloned()
            .collect();
        self.asked += fresh.len();
        fresh
    }
}
