//! The costly part of verifying, cut into jobs that know nothing of each other: one bundle of
//! entries is hashed and every entry looked at. Whoever has threads may run jobs on them.

use super::fault::{Fault, FaultKind};
use super::order::{Mark, Run, Step};
use super::pruning::minimum_of;
use crate::entry::kind::Kind;
use crate::entry::skim::{Skimmed, skim};
use crate::leaf::{Hash, leaf_hash, node_hash};
use crate::tile::{Content, FULL, Tile, bundle};

/// One bundle to examine.
#[derive(Debug)]
pub struct Job {
    pub(super) index: u64,
    pub(super) width: u16,
    pub(super) octets: Octets,
}

/// What the source had under the bundle's path.
#[derive(Debug)]
pub(super) enum Octets {
    /// A bundle of exactly the width, or so it should be.
    Exact(Vec<u8>),
    /// The full bundle in place of a partial one that is gone.
    Longer(Vec<u8>),
    /// Nothing, as the published minimum index allows.
    Pruned,
    /// Nothing; the fault is told already.
    None,
}

/// What came out of a job.
#[derive(Debug)]
pub struct Examined {
    pub(super) index: u64,
    pub(super) width: u16,
    /// The octets of the entries, and how many of them are those of this width.
    pub(super) octets: Vec<u8>,
    pub(super) used: usize,
    /// The leaf hashes; `None` when there was no sound bundle.
    pub(super) leaves: Option<Vec<Hash>>,
    /// The root over a full bundle.
    pub(super) root: Option<Hash>,
    pub(super) steps: Vec<Step>,
    /// The greatest minimum index of which an entry tells.
    pub(super) vouched: u64,
    pub(super) faults: Vec<Fault>,
}

/// Runs jobs. The answer has one result for each job, in the same order.
pub trait Workers {
    /// Runs all of them and waits.
    fn run(&self, jobs: Vec<Job>) -> Vec<Examined>;
}

/// Runs one job after the other where it stands.
#[derive(Clone, Copy, Debug, Default)]
pub struct Inline;

impl Workers for Inline {
    fn run(&self, jobs: Vec<Job>) -> Vec<Examined> {
        jobs.into_iter().map(Job::run).collect()
    }
}

impl Job {
    /// Examines the bundle: a pure function of the job.
    pub fn run(self) -> Examined {
        let mut examined = Examined {
            index: self.index,
            width: self.width,
            octets: Vec::new(),
            used: 0,
            leaves: None,
            root: None,
            steps: Vec::new(),
            vouched: 0,
            faults: Vec::new(),
        };
        let decoded = match &self.octets {
            Octets::Exact(octets) => {
                bundle::decode(octets, self.width).map(|entries| (entries, octets.len()))
            }
            Octets::Longer(octets) => bundle::decode_first(octets, self.width)
                .map(|(entries, rest)| (entries, octets.len().saturating_sub(rest.len()))),
            Octets::Pruned | Octets::None => {
                examined.steps.push(Step::Unread);
                return examined;
            }
        };
        match decoded {
            Ok((entries, used)) => {
                examined.used = used;
                examined.examine(&entries);
            }
            Err(error) => {
                examined.steps.push(Step::Unread);
                let path = self.path();
                let fault = Fault::at(
                    self.first(),
                    FaultKind::BundleMalformed,
                    format!("{path}: {error}"),
                );
                examined.faults.push(fault);
            }
        }
        if let Octets::Exact(octets) | Octets::Longer(octets) = self.octets {
            examined.octets = octets;
        }
        examined
    }

    /// How many octets wait in it.
    pub(super) fn weight(&self) -> usize {
        match &self.octets {
            Octets::Exact(octets) | Octets::Longer(octets) => octets.len(),
            Octets::Pruned | Octets::None => 0,
        }
    }

    fn first(&self) -> u64 {
        self.index.saturating_mul(u64::from(FULL))
    }

    fn path(&self) -> String {
        let tile = Tile::new(Content::Entries, self.index, self.width);
        tile.map(|tile| tile.to_string()).unwrap_or_default()
    }
}

impl Examined {
    /// The index of its first entry.
    pub(super) fn first(&self) -> u64 {
        self.index.saturating_mul(u64::from(FULL))
    }

    fn examine(&mut self, entries: &[&[u8]]) {
        let leaves: Vec<Hash> = entries.iter().map(|entry| leaf_hash(entry)).collect();
        if leaves.len() == usize::from(FULL) {
            self.root = Some(root_of_full(&leaves));
        }
        self.leaves = Some(leaves);
        for (index, entry) in (self.first()..).zip(entries) {
            match skim(entry) {
                Ok(skimmed) => {
                    if skimmed.kind == Kind::LedgerPruned {
                        let told = minimum_of(index, entry).unwrap_or(0);
                        self.vouched = self.vouched.max(told);
                    }
                    self.step(index, &skimmed);
                }
                Err(error) => {
                    let detail = error.to_string();
                    self.faults
                        .push(Fault::at(index, FaultKind::EntryMalformed, detail));
                    self.steps.push(Step::Unread);
                }
            }
        }
    }

    /// Entries of one node that follow each other as they must are one run.
    fn step(&mut self, index: u64, skimmed: &Skimmed<'_>) {
        let mark = Mark {
            epoch: skimmed.epoch,
            seq: skimmed.node_seq,
            time: skimmed.time_micros,
        };
        if let Some(Step::Run(run)) = self.steps.last_mut()
            && run.node == skimmed.node
            && mark.follows(&run.last)
        {
            run.last = mark;
            return;
        }
        let node = skimmed.node.clone().into_owned();
        self.steps.push(Step::Run(Run {
            node,
            index,
            first: mark,
            last: mark,
        }));
    }
}

/// The root of a full tile: a row of a power of two, halved until one is left.
pub(super) fn root_of_full(hashes: &[Hash]) -> Hash {
    let mut row = hashes.to_vec();
    while row.len() > 1 {
        row = row
            .chunks(2)
            .filter_map(|pair| match pair {
                [left, right] => Some(node_hash(left, right)),
                _ => None,
            })
            .collect();
    }
    row.first().copied().unwrap_or_else(crate::leaf::empty_root)
}
