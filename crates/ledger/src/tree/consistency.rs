//! Consistency proofs (RFC 6962 §2.1.2): that a larger tree only added leaves to a smaller one.

use super::{Nodes, ProveError, range_root, split};
use crate::leaf::{Hash, node_hash};

/// Why a consistency proof proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConsistencyError {
    /// The older tree is the larger one.
    #[error("the older tree is larger than the newer one")]
    Order,
    /// Too few or too many hashes for these sizes.
    #[error("the proof has the wrong length")]
    Length,
    /// It leads to another root of the older tree.
    #[error("the proof leads to another older root")]
    OlderRoot,
    /// It leads to another root of the newer tree.
    #[error("the proof leads to another newer root")]
    NewerRoot,
}

/// A tree by its size and root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TreeHead {
    /// How many leaves it has.
    pub size: u64,
    /// Its root.
    pub root: Hash,
}

/// Checks that `newer` has `older` as its beginning.
pub fn verify(older: TreeHead, newer: TreeHead, proof: &[Hash]) -> Result<(), ConsistencyError> {
    if older.size > newer.size {
        return Err(ConsistencyError::Order);
    }
    if older.size == newer.size || older.size == 0 {
        return verify_trivial(older, newer, proof);
    }
    // The first hash of the proof is the start of both walks; a complete older tree is its own.
    let (first, rest) = if older.size.is_power_of_two() {
        (older.root, proof)
    } else {
        let (first, rest) = proof.split_first().ok_or(ConsistencyError::Length)?;
        (*first, rest)
    };
    if proof.is_empty() {
        return Err(ConsistencyError::Length);
    }
    walk(older, newer, first, rest)
}

fn verify_trivial(
    older: TreeHead,
    newer: TreeHead,
    proof: &[Hash],
) -> Result<(), ConsistencyError> {
    if !proof.is_empty() {
        return Err(ConsistencyError::Length);
    }
    if older.size == newer.size && older.root != newer.root {
        return Err(ConsistencyError::NewerRoot);
    }
    Ok(())
}

fn walk(
    older: TreeHead,
    newer: TreeHead,
    first: Hash,
    rest: &[Hash],
) -> Result<(), ConsistencyError> {
    let skipped = (older.size - 1).trailing_ones();
    let mut at = (older.size - 1) >> skipped;
    let mut last = (newer.size - 1) >> skipped;
    let (mut older_root, mut newer_root) = (first, first);
    for other in rest {
        if last == 0 {
            return Err(ConsistencyError::Length);
        }
        if at & 1 == 1 || at == last {
            older_root = node_hash(other, &older_root);
            newer_root = node_hash(other, &newer_root);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            newer_root = node_hash(&newer_root, other);
        }
        at >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(ConsistencyError::Length);
    }
    if older_root != older.root {
        return Err(ConsistencyError::OlderRoot);
    }
    if newer_root == newer.root {
        Ok(())
    } else {
        Err(ConsistencyError::NewerRoot)
    }
}

/// Makes the proof that the tree of the first `newer` leaves begins with that of the first `older`.
/// Empty when the sizes are equal or the older is 0.
pub fn prove(nodes: Nodes<'_>, older: u64, newer: u64) -> Result<Vec<Hash>, ProveError> {
    if older > newer {
        return Err(ProveError::Range);
    }
    let mut proof = Vec::new();
    let (mut start, mut end) = (0, newer);
    // `SUBPROOF` of RFC 6962 §2.1.2 as a loop: narrow to the subtree whose right edge is the older
    // tree's, noting what lies beside it.
    while older > start && older != end {
        let middle = start + split(end - start);
        if older <= middle {
            proof.push(range_root(nodes, middle, end)?);
            end = middle;
        } else {
            proof.push(range_root(nodes, start, middle)?);
            start = middle;
        }
    }
    // The subtree is the whole older tree unless the walk went right; then it must be named.
    if start > 0 {
        proof.push(range_root(nodes, start, end)?);
    }
    proof.reverse();
    Ok(proof)
}
