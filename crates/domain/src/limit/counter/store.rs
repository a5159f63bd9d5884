//! The keys of one level, and the cells of those that have some.

use core::fmt;

use super::Reading;
use crate::limit::table::{Entry, Table, Vacancy};
use crate::limit::window::{Cell, Window};
use crate::time::Timestamp;

/// A table, and for quotas a block of cells for each of its places.
pub(super) struct Store {
    pub(super) table: Table,
    cells: Vec<Cell>,
    per_key: usize,
    /// Blocks given out; a key that takes a rested one's place takes its block too.
    blocks: u32,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Store");
        shown.field("table", &self.table).finish_non_exhaustive()
    }
}

impl Store {
    pub(super) fn new(capacity: u32, cells: u16) -> Self {
        let (table, per_key) = (Table::new(capacity), usize::from(cells));
        let total = table.places().saturating_mul(per_key);
        Self {
            table,
            // Plain words: no memory is used before a block is written.
            cells: vec![[0; 2]; total],
            per_key,
            blocks: 0,
        }
    }

    /// The place of a reading's key, made if need be, and its entry with the state the reading found.
    pub(super) fn occupy(
        &mut self,
        reading: &Reading,
        live: impl Fn(&Entry) -> bool,
    ) -> Option<(usize, Entry)> {
        if let Some(place) = reading.found {
            return Some((place, reading.entry));
        }
        let key = reading.entry.key;
        let (place, block) = if let Some(place) = self.table.find(key) {
            (place, self.table.get(place)?.block)
        } else {
            let (place, vacancy) = self.table.insert(key, |entry| !live(entry))?;
            (place, self.block(vacancy))
        };
        Some((
            place,
            Entry {
                block,
                filled: 0,
                ..reading.entry
            },
        ))
    }

    /// The filled cells of an entry.
    pub(super) fn cells(&self, entry: &Entry) -> &[Cell] {
        let start = self.start(entry);
        let filled = start.saturating_add(usize::from(entry.filled));
        self.cells.get(start..filled).unwrap_or_default()
    }

    /// Writes a take into an entry's cells.
    pub(super) fn push(&mut self, window: Window, entry: &mut Entry, amount: u64, now: Timestamp) {
        let start = self.start(entry);
        let end = start.saturating_add(self.per_key);
        let Some(row) = self.cells.get_mut(start..end) else {
            return;
        };
        let filled = window.take(row, usize::from(entry.filled), amount, now);
        entry.state = window.rest_at(row.get(..filled).unwrap_or_default());
        entry.filled = u16::try_from(filled).unwrap_or(u16::MAX);
    }

    pub(super) fn octets(&self) -> usize {
        self.table.places() * 40 + self.cells.len() * 16
    }

    fn start(&self, entry: &Entry) -> usize {
        let block = usize::try_from(entry.block).unwrap_or(usize::MAX);
        block.saturating_mul(self.per_key)
    }

    fn block(&mut self, vacancy: Vacancy) -> u32 {
        match vacancy {
            Vacancy::Rested(gone) => gone.block,
            Vacancy::Empty => {
                let block = self.blocks;
                self.blocks = self.blocks.saturating_add(1);
                block
            }
        }
    }
}
