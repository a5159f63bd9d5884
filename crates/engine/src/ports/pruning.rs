//! Pruning: the bytes of old entries go, their leaf hashes stay, and a sealed snapshot of the state
//! stands for what they told.

use super::store::ReadError;
use super::{Log, Workshop};

/// Shrinks a ledger up to its minimum index, which a commit sets (`Write::Minimum`).
///
/// Both methods block until what they did is durable. A process that dies between two steps leaves a
/// ledger that goes on with the next.
pub trait Pruning: Log + Workshop {
    /// Keeps a part of the snapshot before a minimum index. The first part (0) forgets the parts of
    /// every snapshot but the one in force.
    fn keep_part(&self, minimum: u64, part: u32, sealed: Vec<u8>) -> Result<(), ReadError>;
    /// Drops the bytes of a bounded number of entries below the minimum index, oldest first, and keeps
    /// their leaf hashes. Gives how many below it still have theirs.
    fn drop_some(&self) -> Result<u64, ReadError>;
}
