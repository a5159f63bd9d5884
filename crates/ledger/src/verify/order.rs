//! The order that each node keeps among its own entries: numbers without gaps, epochs and times that
//! never go back. Entries of several nodes lie between each other in any way.

use std::collections::HashMap;

use super::fault::{Fault, FaultKind};

/// A log of more nodes than this is no log of ours; it bounds the verifier's memory.
const MAX_NODES: usize = 65_536;

/// What of an entry must be in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) epoch: u64,
    pub(super) seq: u64,
    pub(super) time: u64,
}

impl Mark {
    /// Whether this may come right behind another of the same node.
    pub(super) fn follows(&self, before: &Self) -> bool {
        self.seq == before.seq.saturating_add(1)
            && self.epoch >= before.epoch
            && self.time >= before.time
    }
}

/// Entries of one node that follow each other soundly.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) node: String,
    /// The index of the first.
    pub(super) index: u64,
    pub(super) first: Mark,
    pub(super) last: Mark,
}

/// What a bundle has, in order.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Run(Run),
    /// Entries that could not be read, so that nobody knows what they were.
    Unread,
}

/// The last entry of each node.
#[derive(Debug)]
pub(super) struct Order {
    nodes: HashMap<String, Last>,
    start: Start,
    /// How many times entries could not be read.
    unread: u64,
    overfull: Overfull,
}

#[derive(Debug)]
struct Last {
    mark: Mark,
    /// How many times entries had been unreadable when it was seen.
    unread: u64,
}

/// Where the reading began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// At entry 0.
    Whole,
    /// Later, so that what a node did before is not known.
    Midway,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Overfull {
    No,
    Told,
}

impl Order {
    pub(super) fn new(start: Start) -> Self {
        Self {
            nodes: HashMap::new(),
            start,
            unread: 0,
            overfull: Overfull::No,
        }
    }

    /// Whether the node was seen before, or none was.
    pub(super) fn may_have(&self, node: &str) -> bool {
        self.nodes.is_empty() || self.nodes.contains_key(node)
    }

    /// Takes the next step and gives its fault, if it has one.
    pub(super) fn take(&mut self, step: Step) -> Option<Fault> {
        match step {
            Step::Unread => {
                self.unread += 1;
                None
            }
            Step::Run(run) => self.take_run(run),
        }
    }

    fn take_run(&mut self, run: Run) -> Option<Fault> {
        let unread = self.unread;
        if let Some(last) = self.nodes.get_mut(&run.node) {
            // A gap where entries could not be read has its fault already.
            let sure = last.unread == unread;
            let fault = fault_between(&last.mark, &run)
                .filter(|fault| sure || fault.kind != FaultKind::SequenceGap);
            *last = Last {
                mark: run.last,
                unread,
            };
            return fault;
        }
        if self.nodes.len() == MAX_NODES {
            let told = core::mem::replace(&mut self.overfull, Overfull::Told);
            let detail = format!("more than {MAX_NODES} nodes");
            let fault = Fault::at(run.index, FaultKind::TooManyNodes, detail);
            return (told == Overfull::No).then_some(fault);
        }
        let began = run.first.seq == 0 || self.start == Start::Midway || unread > 0;
        let detail = format!(
            "node {} begins with its number {} instead of 0",
            run.node, run.first.seq
        );
        let fault = Fault::at(run.index, FaultKind::SequenceGap, detail);
        self.nodes.insert(
            run.node,
            Last {
                mark: run.last,
                unread,
            },
        );
        (!began).then_some(fault)
    }
}

fn fault_between(last: &Mark, run: &Run) -> Option<Fault> {
    let (first, node) = (&run.first, &run.node);
    let due = last.seq.saturating_add(1);
    let (kind, detail) = if first.seq > due {
        let detail = format!(
            "node {node} goes from its number {} to {}",
            last.seq, first.seq
        );
        (FaultKind::SequenceGap, detail)
    } else if first.seq < due {
        let detail = format!(
            "node {node} has its number {} again behind {}",
            first.seq, last.seq
        );
        (FaultKind::SequenceRepeat, detail)
    } else if first.epoch < last.epoch {
        let detail = format!(
            "node {node} goes from epoch {} to {}",
            last.epoch, first.epoch
        );
        (FaultKind::EpochBackwards, detail)
    } else if first.time < last.time {
        let detail = format!(
            "node {node} goes back by {} microseconds",
            last.time - first.time
        );
        (FaultKind::TimeBackwards, detail)
    } else {
        return None;
    };
    Some(Fault::at(run.index, kind, detail))
}
