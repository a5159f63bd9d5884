//! The Merkle tree as the log keeps it: leaves and the finished nodes of every eighth level are
//! stored, everything between is computed when asked for.

use ledger::Hash;
use ledger::tree::{Nodes, root_of};

use crate::ports::Log;

/// Levels between stored ones.
const STRIDE: u8 = 8;

/// Whether a finished node of this level is stored.
pub(crate) const fn is_stored(level: u8) -> bool {
    level > 0 && level.is_multiple_of(STRIDE)
}

/// Calls `work` with a reader of nodes over a log.
pub(crate) fn with_nodes<T>(log: &dyn Log, work: impl FnOnce(Nodes<'_>) -> T) -> T {
    work(&|level, index| node(log, level, index))
}

fn node(log: &dyn Log, level: u8, index: u64) -> Option<Hash> {
    let above = level % STRIDE;
    let base = level - above;
    let count = 1_usize << above;
    let from = index.checked_mul(u64::try_from(count).ok()?)?;
    let hashes = match base {
        0 => log.leaves(from, count),
        base => log.nodes(base, from, count),
    };
    let hashes = hashes.ok().filter(|hashes| hashes.len() == count)?;
    Some(root_of(&hashes))
}

/// The roots of the complete subtrees that make up a tree of `size` leaves, the largest first.
pub(crate) fn peaks(log: &dyn Log, size: u64) -> Option<Vec<Hash>> {
    let levels = (0..u8::try_from(u64::BITS).ok()?).rev();
    let peaks = levels.filter(|level| size >> level & 1 == 1);
    peaks
        .map(|level| node(log, level, (size >> level) - 1))
        .collect()
}
