//! Computing nodes from what lies below them, and checking those that are there.

use ledger::{Frontier, Hash};

use super::file::TreeFile;
use super::{FANOUT, LEVEL_MAX, STRIDE, TreeError};
use crate::embedded::Shared;
use crate::entries;

/// Nodes of the lowest level that are computed at once: from 65,536 leaves, 2 MiB.
const BATCH: u64 = 256;

/// The levels above one at which nodes are kept, from below.
pub(crate) fn levels_above(level: u8) -> impl Iterator<Item = u8> {
    (level + STRIDE..=LEVEL_MAX).step_by(usize::from(STRIDE))
}

/// The root over a full subtree's leaves or nodes.
pub(crate) fn root_of(hashes: &[Hash]) -> Hash {
    let mut frontier = Frontier::new();
    for hash in hashes {
        frontier.append(*hash);
    }
    frontier.root()
}

/// Nodes of the lowest level from `from` on: as many as are wanted, at most a batch.
pub(crate) fn from_leaves(shared: &Shared, from: u64, wanted: u64) -> Result<Vec<Hash>, TreeError> {
    let leaves = usize::try_from(wanted.min(BATCH) * FANOUT).unwrap_or(usize::MAX);
    let leaves = entries::leaves(shared, from * FANOUT, leaves).map_err(TreeError::Ledger)?;
    let subtrees = leaves.chunks_exact(1 << STRIDE);
    Ok(subtrees.map(root_of).collect())
}

/// Whether the nodes in a file are those of this ledger. Each is held against what lies below it; of
/// the lowest only the last, up to a batch, since all others stand in a node above.
pub(crate) fn is_sound(file: &TreeFile, shared: &Shared) -> Result<bool, TreeError> {
    let mut finished = shared.size() / FANOUT;
    for level in levels_above(0) {
        let (rows, count) = file.count_rows(level)?;
        let is_sound = rows == count
            && if level == STRIDE {
                count <= finished && is_lowest_sound(file, shared, count)?
            } else {
                count == finished && is_level_sound(file, level, count)?
            };
        if !is_sound {
            return Ok(false);
        }
        finished = count / FANOUT;
    }
    Ok(true)
}

fn is_lowest_sound(file: &TreeFile, shared: &Shared, count: u64) -> Result<bool, TreeError> {
    let Some(last) = count.checked_sub(1) else {
        return Ok(true);
    };
    let first = last - last % BATCH;
    let computed = from_leaves(shared, first, count - first)?;
    Ok(file.nodes(STRIDE, first..count)? == computed)
}

fn is_level_sound(file: &TreeFile, level: u8, count: u64) -> Result<bool, TreeError> {
    for index in 0..count {
        let children = file.nodes(level - STRIDE, index * FANOUT..(index + 1) * FANOUT)?;
        if file.nodes(level, index..index + 1)? != [root_of(&children)] {
            return Ok(false);
        }
    }
    Ok(true)
}
