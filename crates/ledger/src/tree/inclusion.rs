//! Inclusion proofs (RFC 6962 §2.1.1): that a leaf is in the tree of a given root.

use super::{Nodes, ProveError, range_root, split};
use crate::leaf::{Hash, node_hash};

/// Why an inclusion proof proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InclusionError {
    /// The index is not below the size.
    #[error("the index lies beyond the tree")]
    Range,
    /// Too few or too many hashes for this index and size.
    #[error("the proof has the wrong length")]
    Length,
    /// It leads to another root.
    #[error("the proof leads to another root")]
    Root,
}

/// A leaf, by its place and hash, in a tree of this size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The index of the leaf.
    pub index: u64,
    /// How many leaves the tree has.
    pub size: u64,
    /// The leaf's hash.
    pub leaf: Hash,
}

/// Checks that the leaf is at its place in the tree with this root. The proof begins with the leaf's
/// sibling.
pub fn verify(place: Place, proof: &[Hash], root: &Hash) -> Result<(), InclusionError> {
    let Place { index, size, leaf } = place;
    if index >= size {
        return Err(InclusionError::Range);
    }
    let (mut at, mut last, mut hash) = (index, size - 1, leaf);
    for other in proof {
        if last == 0 {
            return Err(InclusionError::Length);
        }
        if at & 1 == 1 || at == last {
            hash = node_hash(other, &hash);
            // On the right edge, levels where this node has no sibling are passed over.
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, other);
        }
        at >>= 1;
        last >>= 1;
    }
    match (last == 0, hash == *root) {
        (false, _) => Err(InclusionError::Length),
        (true, false) => Err(InclusionError::Root),
        (true, true) => Ok(()),
    }
}

/// Makes the proof that the leaf `index` is in the tree of the first `size` leaves.
pub fn prove(nodes: Nodes<'_>, index: u64, size: u64) -> Result<Vec<Hash>, ProveError> {
    if index >= size {
        return Err(ProveError::Range);
    }
    let (mut start, mut end) = (0, size);
    let mut proof = Vec::new();
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            proof.push(range_root(nodes, middle, end)?);
            end = middle;
        } else {
            proof.push(range_root(nodes, start, middle)?);
            start = middle;
        }
    }
    proof.reverse();
    Ok(proof)
}
