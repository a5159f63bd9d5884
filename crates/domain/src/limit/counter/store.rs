//! The keys of one level, and the cells of those that have some.

use core::fmt;
use core::ops::Deref;

use super::Reading;
use crate::limit::table::{Entry, Table};
use crate::limit::window::{Cell, Window};
use crate::time::Timestamp;

/// Blocks of cells that are laid out at once.
const SHEET: usize = 512;

/// A table, and for quotas a block of cells for each key with more than one take.
pub(super) struct Store {
    pub(super) table: Table,
    /// Blocks, [`SHEET`] of them in a piece.
    sheets: Vec<Box<[Cell]>>,
    per_key: usize,
    /// Blocks laid out; those of keys at rest are used again.
    blocks: u32,
}

/// The filled cells of an entry.
pub(super) enum Cells<'a> {
    /// That of an entry with one take.
    One([Cell; 1]),
    /// Those of one with a block.
    Row(&'a [Cell]),
}

impl Deref for Cells<'_> {
    type Target = [Cell];

    fn deref(&self) -> &[Cell] {
        match self {
            Self::One(cell) => cell,
            Self::Row(cells) => cells,
        }
    }
}

impl Default for Cells<'_> {
    fn default() -> Self {
        Self::Row(&[])
    }
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
        let place = if let Some(place) = self.table.find(key) {
            let entry = self.table.get(place)?;
            if !live(&entry) {
                self.table.let_go(&entry);
            }
            place
        } else {
            self.table.insert(key, |entry| !live(entry))?
        };
        Some((
            place,
            Entry {
                filled: 0,
                ..reading.entry
            },
        ))
    }

    /// The filled cells of an entry of a quota.
    pub(super) fn cells(&self, entry: &Entry, window: Window) -> Cells<'_> {
        if entry.filled == Entry::ONE {
            return Cells::One([one(entry, window)]);
        }
        let (sheet, start) = self.start(entry);
        let filled = start.saturating_add(usize::from(entry.filled));
        let sheet = self.sheets.get(sheet);
        let cells = sheet.and_then(|sheet| sheet.get(start..filled));
        Cells::Row(cells.unwrap_or_default())
    }

    /// Writes a take into an entry, or into cells when it is not the only one.
    pub(super) fn push(&mut self, window: Window, entry: &mut Entry, amount: u64, now: Timestamp) {
        let first = match entry.filled {
            0 => None,
            Entry::ONE => Some(one(entry, window)).filter(|cell| window.counts(*cell, now)),
            _ => return self.push_cell(window, entry, amount, now),
        };
        if let (None, Ok(amount)) = (first, u32::try_from(amount)) {
            (entry.block, entry.filled) = (amount, Entry::ONE);
            entry.state = window.rest_at(&[[now.micros(), u64::from(amount)]]);
            return;
        }
        (entry.block, entry.filled) = (self.block(), 0);
        if let Some([at, amount]) = first {
            self.push_cell(window, entry, amount, Timestamp::from_micros(at));
        }
        self.push_cell(window, entry, amount, now);
    }

    /// Lets an entry begin anew.
    pub(super) fn clear(&mut self, entry: &mut Entry) {
        self.table.let_go(entry);
        entry.filled = 0;
    }

    /// Writes a take into an entry's cells.
    fn push_cell(&mut self, window: Window, entry: &mut Entry, amount: u64, now: Timestamp) {
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

    /// Octets that it takes at most, but for the moment in which a table that grows lies there twice.
    pub(super) fn octets_max(&self) -> usize {
        let places = self.table.places_max();
        places * 40 + places.next_multiple_of(SHEET) * self.per_key * 16
    }

    /// In which sheet an entry's cells lie, and where there.
    fn start(&self, entry: &Entry) -> (usize, usize) {
        let block = usize::try_from(entry.block).unwrap_or(usize::MAX);
        (block / SHEET, (block % SHEET).saturating_mul(self.per_key))
    }

    /// A block that belongs to nobody.
    fn block(&mut self) -> u32 {
        self.table.spare_block().unwrap_or_else(|| {
            let block = self.blocks;
            self.blocks = self.blocks.saturating_add(1);
            let sheet = usize::try_from(block).unwrap_or(usize::MAX) / SHEET;
            if sheet >= self.sheets.len() {
                let cells = vec![[0; 2]; SHEET * self.per_key];
                self.sheets.push(cells.into_boxed_slice());
            }
            block
        })
    }
}

/// The take of an entry with one. Its state is when that leaves the window.
fn one(entry: &Entry, window: Window) -> Cell {
    let at = entry.state.saturating_sub(window.span());
    [at, u64::from(entry.block)]
}
