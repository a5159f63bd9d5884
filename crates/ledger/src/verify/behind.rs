//! Entries behind the last checkpoint: durable, but covered by no signature yet. Only the order that
//! they keep and their leaf hashes can tell whether they are what the gateway wrote there.

use super::fault::{Fault, FaultKind};
use super::order::{Mark, Order, Run, Start, Step};
use crate::entry::skim::{Skimmed, skim};
use crate::leaf::{Hash, leaf_hash};

/// Where a source that holds the log itself has the leaf hashes from an index on, one behind the
/// other: the index follows in decimals. At most 256 are given, none at the end.
pub const LEAVES: &str = "behind/leaves/";
/// The same for the entries, in the form of a bundle.
pub const ENTRIES: &str = "behind/entries/";
/// At most so many entries are looked at: hours of traffic without a checkpoint. A log that grows as
/// fast as it is read has an end all the same.
pub const ENTRIES_MAX: u64 = 1 << 20;

/// Looks at one entry after the other.
#[derive(Debug)]
pub struct Behind(Order);

impl Behind {
    /// Begins with the entry of this index.
    pub fn from(first: u64) -> Self {
        Self(Order::new(if first == 0 {
            Start::Whole
        } else {
            Start::Midway
        }))
    }

    /// Goes on behind entries that were read.
    pub(super) const fn after(order: Order) -> Self {
        Self(order)
    }

    /// What is wrong with the next entry, if something is.
    pub fn take(&mut self, index: u64, entry: &[u8], leaf: &Hash) -> Option<Fault> {
        let skimmed = match skim(entry) {
            Ok(skimmed) => skimmed,
            Err(error) => {
                self.0.take(Step::Unread);
                let detail = error.to_string();
                return Some(Fault::at(index, FaultKind::EntryMalformed, detail));
            }
        };
        let foreign = self.foreign(index, &skimmed);
        let disordered = self.0.take(step_of(index, &skimmed));
        mismatch(index, entry, leaf).or(foreign).or(disordered)
    }

    /// One node writes a data folder, so none begins in the middle of it.
    fn foreign(&self, index: u64, skimmed: &Skimmed<'_>) -> Option<Fault> {
        let node = skimmed.node.as_ref();
        let detail = || format!("node {node} wrote nothing before, and this log is another node's");
        (!self.0.may_have(node)).then(|| Fault::at(index, FaultKind::TooManyNodes, detail()))
    }
}

fn step_of(index: u64, skimmed: &Skimmed<'_>) -> Step {
    let mark = Mark {
        epoch: skimmed.epoch,
        seq: skimmed.node_seq,
        time: skimmed.time_micros,
    };
    Step::Run(Run {
        node: skimmed.node.clone().into_owned(),
        index,
        first: mark,
        last: mark,
    })
}

fn mismatch(index: u64, entry: &[u8], leaf: &Hash) -> Option<Fault> {
    let ours = leaf_hash(entry);
    let detail = || format!("the entry hashes to {ours}, but its leaf is {leaf}");
    (ours != *leaf).then(|| Fault::at(index, FaultKind::LeafMismatch, detail()))
}
