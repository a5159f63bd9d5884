//! The keys of one level, and the cells of those that have some.

use core::fmt;

use super::Reading;
use crate::limit::table::{Entry, Table, Vacancy};
use crate::limit::window::{Cell, Window};
use crate::time::Timestamp;

/// Blocks of cells that are laid out at once.
const SHEET: usize = 512;

/// A table, and for quotas a block of cells for each of its places that was used.
pub(super) struct Store {
    pub(super) table: Table,
    /// Blocks, [`SHEET`] of them in a piece.
    sheets: Vec<Box<[Cell]>>,
    per_key: usize,
    /// Blocks laid out; a key that takes the place of one at rest takes its block too.
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
        Self {
            table: Table::new(capacity),
            sheets: Vec::new(),
            per_key: usize::from(cells),
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
        let (sheet, start) = self.start(entry);
        let filled = start.saturating_add(usize::from(entry.filled));
        let sheet = self.sheets.get(sheet);
        sheet
            .and_then(|sheet| sheet.get(start..filled))
            .unwrap_or_default()
    }

    /// Writes a take into an entry's cells.
    pub(super) fn push(&mut self, window: Window, entry: &mut Entry, amount: u64, now: Timestamp) {
        let (sheet, start) = self.start(entry);
        let end = start.saturating_add(self.per_key);
        let sheet = self.sheets.get_mut(sheet);
        let Some(row) = sheet.and_then(|sheet| sheet.get_mut(start..end)) else {
            return;
        };
        let filled = window.take(row, usize::from(entry.filled), amount, now);
        entry.state = window.rest_at(row.get(..filled).unwrap_or_default());
        entry.filled = u16::try_from(filled).unwrap_or(u16::MAX);
    }

    /// Octets that it takes at most.
    pub(super) fn octets_max(&self) -> usize {
        self.table.places_max() * (40 + self.per_key * 16)
    }

    /// In which sheet an entry's cells lie, and where there.
    fn start(&self, entry: &Entry) -> (usize, usize) {
        let block = usize::try_from(entry.block).unwrap_or(usize::MAX);
        (block / SHEET, (block % SHEET).saturating_mul(self.per_key))
    }

    fn block(&mut self, vacancy: Vacancy) -> u32 {
        match vacancy {
            Vacancy::Rested(gone) => gone.block,
            Vacancy::Empty => self.table.spare_block().unwrap_or_else(|| {
                let block = self.blocks;
                self.blocks = self.blocks.saturating_add(1);
                let sheet = usize::try_from(block).unwrap_or(usize::MAX) / SHEET;
                if self.per_key > 0 && sheet >= self.sheets.len() {
                    self.sheets
                        .push(vec![[0; 2]; SHEET * self.per_key].into_boxed_slice());
                }
                block
            }),
        }
    }
}
