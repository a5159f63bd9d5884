//! The tiles above the leaves while a log is read from left to right: at most one unfinished tile of
//! each level is held.

use crate::leaf::Hash;
use crate::tile::{Content, FULL, HEIGHT, Tile};
use crate::tree::frontier::Frontier;

/// A hash of a tile as the entries give it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    pub(super) hash: Hash,
    pub(super) below: Below,
}

/// Whether a fault was told for something below a hash. Then the published hash may differ, and
/// telling so again would bury the one that matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Below {
    Sound,
    Faulty,
}

/// Unfinished tiles of the levels above 0.
#[derive(Clone, Debug)]
pub(super) struct Levels(Vec<Unfinished>);

#[derive(Clone, Debug, Default)]
struct Unfinished {
    /// The index of the tile in its level.
    index: u64,
    slots: Vec<Slot>,
}

/// A tile and the hashes that belong in it.
pub(super) struct Built {
    pub(super) tile: Tile,
    pub(super) slots: Vec<Slot>,
}

impl Levels {
    pub(super) fn new() -> Self {
        Self(vec![Unfinished::default(); usize::from(HEIGHT) - 1])
    }

    /// Adds a hash to a level from 1 up; gives the tile when that fills it.
    pub(super) fn push(&mut self, level: u8, slot: Slot) -> Option<Built> {
        let unfinished = self.0.get_mut(usize::from(level.checked_sub(1)?))?;
        unfinished.slots.push(slot);
        if unfinished.slots.len() < usize::from(FULL) {
            return None;
        }
        let tile = Tile::new(Content::Hashes(level), unfinished.index, FULL)?;
        let slots = core::mem::take(&mut unfinished.slots);
        unfinished.index += 1;
        Some(Built { tile, slots })
    }

    /// Puts hashes into a level that were there before the part that is read.
    pub(super) fn preset(&mut self, level: u8, index: u64, hashes: &[Hash]) {
        let unfinished = usize::from(level)
            .checked_sub(1)
            .and_then(|at| self.0.get_mut(at));
        if let Some(unfinished) = unfinished {
            let below = Below::Sound;
            unfinished.index = index;
            unfinished.slots = hashes
                .iter()
                .map(|hash| Slot { hash: *hash, below })
                .collect();
        }
    }

    /// The tiles at the right edge, from the lowest level up.
    pub(super) fn edge(&self) -> Vec<Built> {
        let built = |(level, unfinished): (u8, &Unfinished)| {
            let width = u16::try_from(unfinished.slots.len()).ok()?;
            let tile = Tile::new(Content::Hashes(level), unfinished.index, width)?;
            let slots = unfinished.slots.clone();
            Some(Built { tile, slots })
        };
        (1..).zip(&self.0).filter_map(built).collect()
    }

    /// The edge of the tree whose leaves are the full tiles of level 0, as far as it is held.
    pub(super) fn frontier(&self, full_tiles: u64) -> Option<Frontier> {
        let mut peaks = Vec::new();
        for unfinished in self.0.iter().rev() {
            let mut row = Frontier::new();
            unfinished
                .slots
                .iter()
                .for_each(|slot| row.append(slot.hash));
            peaks.extend_from_slice(row.peaks());
        }
        Frontier::resume(full_tiles, peaks)
    }
}
