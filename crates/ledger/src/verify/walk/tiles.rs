//! The tiles above the leaves: read, and compared with what the entries below them give.

use super::Walk;
use crate::leaf::{Hash, empty_root};
use crate::tile::published::{as_hashes, read_tile};
use crate::tile::{Content, FULL, HEIGHT, Tile};
use crate::verify::fault::{Fault, FaultKind};
use crate::verify::job::root_of_full;
use crate::verify::levels::{Below, Built, Slot};
use crate::verify::stale::{self, Verified};

impl Walk<'_, '_> {
    /// Compares a tile above the leaves with what the entries give; gives its own root.
    pub(super) fn check_tile(&mut self, built: &Built) -> Slot {
        let Built { tile, slots } = built;
        let hashes: Vec<Hash> = slots.iter().map(|slot| slot.hash).collect();
        let mut below = if slots.iter().any(|slot| slot.below == Below::Faulty) {
            Below::Faulty
        } else {
            Below::Sound
        };
        let level = match tile.content() {
            Content::Hashes(level) => level,
            Content::Entries => 0,
        };
        let span = 1_u64
            .checked_shl(u32::from(level) * u32::from(HEIGHT))
            .unwrap_or(u64::MAX);
        let first = span.saturating_mul(tile.index().saturating_mul(u64::from(FULL)));
        match self.read_hashes(*tile) {
            None => below = Below::Faulty,
            Some(published) => {
                for (place, (slot, published)) in (0_u64..).zip(slots.iter().zip(&published)) {
                    if slot.below == Below::Sound && slot.hash != *published {
                        below = Below::Faulty;
                        let index = first.saturating_add(span.saturating_mul(place));
                        let last = index.saturating_add(span - 1);
                        let detail = format!(
                            "hash {place} of {tile} is {published} instead of {}: one of the entries {index} \
                             to {last} was changed with its leaf hash, or the tile",
                            slot.hash
                        );
                        self.teller
                            .tell(Fault::at(index, FaultKind::TileMismatch, detail));
                    }
                }
            }
        }
        if below == Below::Sound {
            let octets: Vec<u8> = hashes.iter().flat_map(|hash| *hash.as_bytes()).collect();
            let verified = Verified {
                tile: *tile,
                octets: &octets,
                first,
            };
            stale::compare(self.source, &verified, self.teller);
        }
        let hash = if tile.is_full() {
            root_of_full(&hashes)
        } else {
            empty_root()
        };
        Slot { hash, below }
    }

    /// The hashes of a published tile, as many as its width; a fault and `None` when it is missing or
    /// malformed.
    pub(super) fn read_hashes(&mut self, tile: Tile) -> Option<Vec<Hash>> {
        let first = match tile.content() {
            Content::Hashes(level) => {
                let span = 1_u64.checked_shl((u32::from(level) + 1) * u32::from(HEIGHT));
                span.unwrap_or(u64::MAX).saturating_mul(tile.index())
            }
            Content::Entries => 0,
        };
        let read = read_tile(self.source, tile);
        let read = read.map_err(|error| self.unread(None, &error)).ok()?;
        let Some(octets) = read else {
            self.teller.tell(Fault::at(
                first,
                FaultKind::TileMissing,
                format!("{tile} is not there"),
            ));
            return None;
        };
        let width = usize::from(tile.width());
        let exact = octets.len() == width * 32;
        if !exact && (tile.is_full() || octets.len() != usize::from(FULL) * 32) {
            let detail = format!("{tile} has {} octets", octets.len());
            self.teller
                .tell(Fault::at(first, FaultKind::TileMalformed, detail));
            return None;
        }
        let mut hashes = as_hashes(&octets);
        hashes.truncate(width);
        Some(hashes)
    }
}
