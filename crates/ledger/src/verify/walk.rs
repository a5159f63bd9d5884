//! The walk over a log from left to right: bundles are read and examined, their leaves compared with
//! the tiles of level 0, and the tree above rebuilt and compared as it grows.

use super::fault::{Fault, FaultKind};
use super::job::{Examined, Job, Octets, Workers, root_of_full};
use super::levels::{Below, Built, Levels, Slot};
use super::order::{Order, Start};
use super::source::Source;
use super::stale::{self, Verified};
use super::{Teller, Trust};
use crate::leaf::Hash;
use crate::tile::published::{Published, as_hashes, read_tile};
use crate::tile::{Content, FULL, HEIGHT, Tile, bundle, extent};
use crate::tree::consistency::TreeHead;
use crate::tree::frontier::Frontier;

/// Bundles are examined in batches of so many, or of so many octets if that is fewer: what is read
/// should still be in the cache when it is examined.
const BATCH_JOBS: usize = 64;
const BATCH_OCTETS: usize = 1 << 20;
/// After so many bundles in a row without entries or hashes the rest is taken as gone. Otherwise a
/// checkpoint of a huge size would have the verifier ask for ever.
const GIVE_UP_AFTER: u32 = 16;

pub(super) struct Walk<'w, 't> {
    source: &'w dyn Source,
    trust: &'w Trust,
    head: TreeHead,
    teller: &'w mut Teller<'t>,
    order: Order,
    levels: Levels,
    /// The edge of the tree whose leaves are the full bundles' roots.
    frontier: Frontier,
    /// The root over everything, once the last bundle is taken.
    root: Option<Hash>,
    /// Old trees whose root the entries do not give.
    contradicted: Vec<TreeHead>,
    entries: u64,
    lost_in_a_row: u32,
    lost: Lost,
}

/// Whether leaves are missing, so that no root can be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lost {
    Nothing,
    Leaves,
}

impl<'w, 't> Walk<'w, 't> {
    pub(super) fn new(
        source: &'w dyn Source,
        trust: &'w Trust,
        head: TreeHead,
        teller: &'w mut Teller<'t>,
    ) -> Self {
        let midway = trust.minimum_index > 0 || trust.since.is_some_and(|since| since.size > 0);
        Self {
            source,
            trust,
            head,
            teller,
            order: Order::new(if midway { Start::Midway } else { Start::Whole }),
            levels: Levels::new(),
            frontier: Frontier::new(),
            root: None,
            contradicted: Vec::new(),
            entries: 0,
            lost_in_a_row: 0,
            lost: Lost::Nothing,
        }
    }

    /// Walks to the end and gives how many entries were read.
    pub(super) fn run(mut self, workers: &dyn Workers) -> u64 {
        let (full, width) = extent(0, self.head.size);
        let bundles = full + u64::from(width > 0);
        let mut next = self.start();
        self.root = Some(self.frontier.root()).filter(|_| width == 0 && next == bundles);
        while next < bundles && self.lost_in_a_row < GIVE_UP_AFTER {
            let jobs = self.batch(&mut next, bundles);
            for examined in workers.run(jobs) {
                self.take(examined);
            }
            let done = next.saturating_mul(u64::from(FULL)).min(self.head.size);
            self.teller.watcher.progress(done, self.head.size);
        }
        if self.lost_in_a_row < GIVE_UP_AFTER {
            for built in self.levels.edge() {
                self.check_tile(&built);
            }
        }
        self.judge_root();
        self.check_proofs();
        self.entries
    }

    /// The bundle to begin with. From a remembered tree on, what is before it comes from the tiles;
    /// that it is right shows at the remembered root.
    fn start(&mut self) -> u64 {
        let Some(since) = self
            .trust
            .since
            .filter(|since| since.size <= self.head.size)
        else {
            return 0;
        };
        let bundles = since.size / u64::from(FULL);
        for level in 1..HEIGHT {
            let (index, width) = extent(level, since.size);
            let (full_now, width_now) = extent(level, self.head.size);
            let now = if index < full_now { FULL } else { width_now };
            // A level that begins a new tile just there holds nothing yet.
            let tile = Tile::new(Content::Hashes(level), index, now).filter(|_| width > 0);
            let published = tile.and_then(|tile| self.read_hashes(tile));
            let hashes = published.unwrap_or_default();
            let hashes = hashes.get(..usize::from(width)).unwrap_or_default();
            self.levels.preset(level, index, hashes);
        }
        let Some(frontier) = self.levels.frontier(bundles) else {
            // The missing tile is told; the whole log can still be verified.
            self.levels = Levels::new();
            return 0;
        };
        self.frontier = frontier;
        if since.size == bundles.saturating_mul(u64::from(FULL))
            && self.frontier.root() != since.root
        {
            self.contradicted.push(since);
        }
        bundles
    }

    fn batch(&mut self, next: &mut u64, bundles: u64) -> Vec<Job> {
        let mut jobs = Vec::new();
        let mut weight = 0;
        while *next < bundles && jobs.len() < BATCH_JOBS && weight < BATCH_OCTETS {
            let (full, partial) = extent(0, self.head.size);
            let width = if *next < full { FULL } else { partial };
            let job = Job {
                index: *next,
                width,
                octets: self.read_bundle(*next, width),
            };
            weight += job.weight();
            jobs.push(job);
            *next += 1;
        }
        jobs
    }

    fn read_bundle(&mut self, index: u64, width: u16) -> Octets {
        let first = index.saturating_mul(u64::from(FULL));
        let Some(tile) = Tile::new(Content::Entries, index, width) else {
            return Octets::None;
        };
        let exact = match self.source.read(&tile.to_string()) {
            Ok(octets) => octets,
            Err(error) => {
                let fault = Fault::at(first, FaultKind::SourceFailed, error.to_string());
                self.teller.tell(fault);
                return Octets::None;
            }
        };
        if let Some(octets) = exact {
            return Octets::Exact(octets);
        }
        let longer = self.source.read(&tile.full().to_string()).ok().flatten();
        if let Some(octets) = longer.filter(|_| !tile.is_full()) {
            return Octets::Longer(octets);
        }
        if first.saturating_add(u64::from(FULL)) <= self.trust.minimum_index {
            return Octets::Pruned;
        }
        self.teller.tell(Fault::at(
            first,
            FaultKind::BundleMissing,
            format!("{tile} is not there"),
        ));
        Octets::None
    }

    /// Takes the next bundle's result into the tree.
    fn take(&mut self, examined: Examined) {
        let first = examined.first();
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
    fn leaves(&mut self, tile: Tile, ours: Option<Vec<Hash>>, first: u64) -> (Vec<Hash>, Below) {
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
                (
                    vec![crate::leaf::empty_root(); usize::from(tile.width())],
                    Below::Faulty,
                )
            }
        }
    }

    fn compare_leaves(
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
    fn grow(&mut self, first: u64, leaves: &[Hash], root: Option<Hash>, below: Below) {
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
    fn root_with(&self, row: &Frontier, size: u64) -> Option<Hash> {
        let mut peaks = self.frontier.peaks().to_vec();
        if row.size() == u64::from(FULL) {
            let mut whole = self.frontier.clone();
            whole.append(row.root());
            return Some(whole.root());
        }
        peaks.extend_from_slice(row.peaks());
        Some(Frontier::resume(size, peaks)?.root())
    }

    /// Compares a tile above the leaves with what the entries give; gives its own root.
    fn check_tile(&mut self, built: &Built) -> Slot {
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
                        let detail = format!(
                            "hash {place} of {tile} is {published} instead of {}",
                            slot.hash
                        );
                        let index = first.saturating_add(span.saturating_mul(place));
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
            crate::leaf::empty_root()
        };
        Slot { hash, below }
    }

    /// The hashes of a published tile, as many as its width; a fault and `None` when it is missing or
    /// malformed.
    fn read_hashes(&mut self, tile: Tile) -> Option<Vec<Hash>> {
        let first = match tile.content() {
            Content::Hashes(level) => {
                let span = 1_u64.checked_shl((u32::from(level) + 1) * u32::from(HEIGHT));
                span.unwrap_or(u64::MAX).saturating_mul(tile.index())
            }
            Content::Entries => 0,
        };
        let Some(octets) = self.teller.ok(read_tile(self.source, tile))? else {
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

    fn judge_root(&mut self) {
        let TreeHead { size, root: signed } = self.head;
        let root = self.root.filter(|_| self.lost == Lost::Nothing);
        if root == Some(signed) {
            for old in core::mem::take(&mut self.contradicted) {
                let detail = format!(
                    "the first {} entries are signed with the root {}, but now the checkpoint of size {size} has others",
                    old.size, old.root
                );
                self.teller.tell(Fault::of(FaultKind::Fork, detail));
            }
            return;
        }
        let detail = root.map_or_else(
            || format!("the root of size {size} cannot be built, since leaves are missing"),
            |root| format!("the entries give the root {root} at size {size}; signed is {signed}"),
        );
        self.teller.tell(Fault::of(FaultKind::RootMismatch, detail));
    }

    /// Proofs as outsiders make them, from the published tiles alone. With every tile compared they
    /// can fail only where this verifier is wrong itself.
    fn check_proofs(&mut self) {
        let head = self.head;
        if self.teller.faults > 0 || head.size == 0 {
            return;
        }
        let published = Published::new(self.source, head);
        let mut failed = Vec::new();
        for index in [0, head.size / 2, head.size - 1] {
            let proven = published
                .leaf(index)
                .map(|leaf| published.prove_inclusion(index, leaf));
            if let Some(Err(error)) = proven {
                failed.push(Fault::at(index, FaultKind::ProofFails, error.to_string()));
            }
        }
        for old in self.trust.remembered.iter().chain(&self.trust.since) {
            if let Err(error) = published.prove_consistency(*old) {
                failed.push(Fault::at(
                    old.size,
                    FaultKind::ProofFails,
                    error.to_string(),
                ));
            }
        }
        for fault in failed {
            self.teller.tell(fault);
        }
    }
}
