//! The Merkle tree over leaf hashes (RFC 6962 §2.1): its root, its right edge as it grows, and the
//! proofs of inclusion and consistency. Where nodes are kept is no matter of this file's.

pub mod consistency;
pub mod frontier;
pub mod inclusion;

use crate::leaf::{Hash, node_hash};
use frontier::Frontier;

/// Where the tree's nodes come from: the hash of the complete subtree of `2^level` leaves with this
/// index among those of its level. Level 0 holds the leaf hashes. `None` when it cannot be had.
pub type Nodes<'a> = &'a dyn Fn(u8, u64) -> Option<Hash>;

/// Why no proof could be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProveError {
    /// The leaf or the older size lies beyond the tree.
    #[error("lies beyond the tree")]
    Range,
    /// A node that the proof needs cannot be had.
    #[error("node {index} of level {level} is missing")]
    MissingNode {
        /// Its level; 0 holds the leaf hashes.
        level: u8,
        /// Its index in that level.
        index: u64,
    },
}

/// The root of the tree over these leaf hashes: `MTH` of RFC 6962 §2.1.
pub fn root_of(leaves: &[Hash]) -> Hash {
    let mut frontier = Frontier::new();
    for leaf in leaves {
        frontier.append(*leaf);
    }
    frontier.root()
}

/// The node at a level and index over a slice of leaf hashes, computed anew each time: for proofs
/// over few entries. `None` when the subtree is not complete.
pub fn node_of(leaves: &[Hash], level: u8, index: u64) -> Option<Hash> {
    let width = 1_usize.checked_shl(u32::from(level))?;
    let start = usize::try_from(index).ok()?.checked_mul(width)?;
    leaves.get(start..start.checked_add(width)?).map(root_of)
}

/// The root over the leaves from `start` to before `end`, where `start` is a multiple of the largest
/// power of two in the length, as every part of a proof is. Complete subtrees from the left are
/// joined from the right.
fn range_root(nodes: Nodes<'_>, start: u64, end: u64) -> Result<Hash, ProveError> {
    let mut parts = Vec::new();
    let mut from = start;
    while let Some(level) = (end - from).checked_ilog2() {
        let level = u8::try_from(level).unwrap_or(u8::MAX);
        let index = from >> level;
        parts.push(nodes(level, index).ok_or(ProveError::MissingNode { level, index })?);
        from += 1 << level;
    }
    let joined = parts
        .into_iter()
        .rev()
        .reduce(|right, left| node_hash(&left, &right));
    joined.ok_or(ProveError::Range)
}

/// The largest power of two smaller than `size`, which is at least 2 (the `k` of RFC 6962 §2.1).
const fn split(size: u64) -> u64 {
    1 << (size - 1).ilog2()
}

#[cfg(test)]
mod tests;
