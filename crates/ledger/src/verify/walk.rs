//! The walk over a log from left to right: bundles are read and examined, their leaves compared with
//! the tiles of level 0, and the tree above rebuilt and compared as it grows.

mod behind;
mod ending;
mod taking;
mod tiles;

use std::collections::BTreeSet;

use super::fault::{Fault, FaultKind};
use super::job::{Job, Octets, Workers};
use super::levels::Levels;
use super::order::{Order, Start};
use super::source::{Source, SourceError};
use super::{Teller, Trust};
use crate::leaf::Hash;
use crate::tile::{Content, FULL, HEIGHT, Tile, extent};
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
    /// The index of the first entry that is walked over.
    began: u64,
    /// The greatest minimum index of which an entry tells.
    vouched: u64,
    lost_in_a_row: u32,
    lost: Lost,
    /// Entries of which it is told that they are missing.
    missing: BTreeSet<u64>,
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
            began: 0,
            vouched: 0,
            lost_in_a_row: 0,
            lost: Lost::Nothing,
            missing: BTreeSet::new(),
        }
    }

    /// Walks to the end and gives how many entries were read, and how many lie behind.
    pub(super) fn run(mut self, workers: &dyn Workers) -> (u64, Option<u64>) {
        let (full, width) = extent(0, self.head.size);
        let bundles = full + u64::from(width > 0);
        let mut next = self.start();
        self.began = next.saturating_mul(u64::from(FULL));
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
        let behind = self.look_behind();
        self.judge_pruning();
        self.check_proofs();
        (self.entries, behind)
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

    /// Tells of what could not be read; of a missing entry once, whatever fails for its absence.
    fn unread(&mut self, first: Option<u64>, error: &SourceError) {
        let fault = match error.missing {
            Some(index) if !self.missing.insert(index) => return,
            Some(index) => Fault::at(index, FaultKind::EntryMissing, error.to_string()),
            None => Fault {
                index: first,
                kind: FaultKind::SourceFailed,
                detail: error.to_string(),
            },
        };
        self.teller.tell(fault);
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
                self.unread(Some(first), &error);
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
}
