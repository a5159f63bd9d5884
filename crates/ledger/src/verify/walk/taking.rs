//! Taking one examined bundle into the tree: its order, its leaves against the tile of level 0, and
//! what it completes above.

use super::{Lost, Walk};
use crate::leaf::{Hash, empty_root};
use crate::tile::{Content, FULL, Tile, bundle};
use crate::tree::consistency::TreeHead;
use crate::tree::frontier::Frontier;
use crate::verify::fault::{Fault, FaultKind};
use crate::verify::job::{Examined, root_of_full};
use crate::verify::levels::{Below, Slot};
use crate::verify::stale::{self, Verified};

impl Walk<'_, '_> {
    /// Takes the next bundle's result into the tree.
    pub(super) fn take(&mut self, examined: Examined) {
        let first = examined.first();
        self.vouched = self.vouched.max(examined.vouched);
        for fault in examined.faults {
            self.teller.tell(fault);
        }
        for step in examined.steps {
            if let Some(fault) = self.order.take(step) {
                self.teller.tell(fault);
            }
        }
        let used = examined.octets.get(..examined.used).unwrap_or_default();
        if let (Some(leaves), Ok((entries, _))) =
            (&examined.leaves, bundle::decode_first(used, examined.width))
        {
            self.entries += u64::try_from(leaves.len()).unwrap_or(0);
            for (index, entry) in (first..).zip(entries) {
                self.teller.watcher.entry(index, entry);
            }
        }
        if let Some(tile) = Tile::new(Content::Entries, examined.index, examined.width)
            && examined.leaves.is_some()
        {
            let verified = Verified {
                tile,
                octets: used,
                first,
            };
            stale::compare(self.source, &verified, self.teller);
        }
        let Some(tile) = Tile::new(Content::Hashes(0), examined.index, examined.width) else {
            return;
        };
        let (leaves, below) = self.leaves(tile, examined.leaves, first);
        self.grow(first, &leaves, examined.root, below);
    }

    /// The leaf hashes of a bundle: those of its entries or, where there are none, those published.
    pub(super) fn leaves(
        &mut self,
        tile: Tile,
        ours: Option<Vec<Hash>>,
        first: u64,
    ) -> (Vec<Hash>, Below) {
        let published = self.read_hashes(tile);
        match (ours, published) {
            (Some(ours), Some(published)) => {
                self.lost_in_a_row = 0;
                let octets: Vec<u8> = ours.iter().flat_map(|leaf| *leaf.as_bytes()).collect();
                let verified = Verified {
                    tile,
                    octets: &octets,
                    first,
                };
                stale::compare(self.source, &verified, self.teller);
                let below = self.compare_leaves(tile, &ours, &published, first);
                (ours, below)
            }
            (Some(ours), None) => {
                self.lost_in_a_row = 0;
                (ours, Below::Faulty)
            }
            (None, Some(published)) => {
                self.lost_in_a_row = 0;
                (published, Below::Sound)
            }
            (None, None) => {
                self.lost_in_a_row += 1;
                self.lost = Lost::Leaves;
                (vec![empty_root(); usize::from(tile.width())], Below::Faulty)
            }
        }
    }

    pub(super) fn compare_leaves(
        &mut self,
        tile: Tile,
        ours: &[Hash],
        published: &[Hash],
        first: u64,
    ) -> Below {
        let mut below = Below::Sound;
        if ours == published {
            return below;
        }
        for (index, (ours, published)) in (first..).zip(ours.iter().zip(published)) {
            if ours != published {
                below = Below::Faulty;
                let bundle = Tile::new(Content::Entries, tile.index(), tile.width());
                let bundle = bundle.map(|tile| tile.to_string()).unwrap_or_default();
                let detail =
                    format!("the entry in {bundle} hashes to {ours}, but {tile} has {published}");
                self.teller
                    .tell(Fault::at(index, FaultKind::LeafMismatch, detail));
            }
        }
        below
    }

    /// Adds a bundle's leaves to the tree, and asks the old trees that end among them.
    pub(super) fn grow(&mut self, first: u64, leaves: &[Hash], root: Option<Hash>, below: Below) {
        let mut row = Frontier::new();
        let end = first.saturating_add(u64::try_from(leaves.len()).unwrap_or(0));
        let ends_here = |old: &&TreeHead| first < old.size && old.size <= end;
        let mut olds: Vec<TreeHead> = self
            .trust
            .remembered
            .iter()
            .chain(&self.trust.since)
            .filter(ends_here)
            .copied()
            .collect();
        let partial = leaves.len() < usize::from(FULL);
        if partial || !olds.is_empty() {
            olds.sort_by_key(|old| old.size);
            let mut olds = olds.into_iter().peekable();
            for (size, leaf) in (first + 1..).zip(leaves) {
                row.append(*leaf);
                while let Some(old) = olds.next_if(|old| old.size == size) {
                    if self.root_with(&row, size) != Some(old.root) {
                        self.contradicted.push(old);
                    }
                }
            }
        }
        if partial {
            self.root = self.root_with(&row, end);
            return;
        }
        let hash = root.unwrap_or_else(|| root_of_full(leaves));
        self.frontier.append(hash);
        self.root = (end == self.head.size).then(|| self.frontier.root());
        let mut built = self.levels.push(1, Slot { hash, below });
        while let Some(tile) = built {
            let slot = self.check_tile(&tile);
            built = match tile.tile.content() {
                Content::Hashes(level) => self.levels.push(level + 1, slot),
                Content::Entries => None,
            };
        }
    }

    /// The root over all full bundles and the leaves of a partial one, or all leaves of a full one.
    pub(super) fn root_with(&self, row: &Frontier, size: u64) -> Option<Hash> {
        let mut peaks = self.frontier.peaks().to_vec();
        if row.size() == u64::from(FULL) {
            let mut whole = self.frontier.clone();
            whole.append(row.root());
            return Some(whole.root());
        }
        peaks.extend_from_slice(row.peaks());
        Some(Frontier::resume(size, peaks)?.root())
    }
}
