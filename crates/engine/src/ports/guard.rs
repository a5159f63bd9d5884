//! The guard of the log key: remembers, on a path of its own, what was signed last, so that a folder
//! that was rolled back or copied cannot make the key sign a second history.

use ledger::Hash;
use thiserror::Error;

/// What was signed last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signed {
    /// How many entries.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
}

/// Why nothing may be signed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum GuardError {
    /// A larger tree was signed before: this ledger was rolled back.
    #[error("{signed} entries were signed before, the ledger has only {size}: it was rolled back")]
    RolledBack {
        /// What was signed before.
        signed: u64,
        /// What is there now.
        size: u64,
    },
    /// Another tree of the same size was signed before: this is a second history.
    #[error("another history of {size} entries was signed before: the ledger was forked")]
    Forked {
        /// The size of both.
        size: u64,
    },
    /// The guard's file cannot be read or written.
    #[error("the guard of the log key cannot be used: {0}")]
    Failed(String),
}

/// Remembers what was signed last.
///
/// `advance` is atomic and durable before it returns: it takes a larger size, or the same size with
/// the same root, and refuses everything else. It must be called before the signature is made.
pub trait Guard: Send + Sync {
    /// What was signed last; `None` before the first signature.
    fn last(&self) -> Result<Option<Signed>, GuardError>;
    /// Goes on to a new tree.
    fn advance(&self, to: Signed) -> Result<(), GuardError>;
}

/// The rule that every guard keeps.
pub fn may_follow(last: Option<Signed>, next: Signed) -> Result<(), GuardError> {
    match last {
        Some(last) if last.size > next.size => Err(GuardError::RolledBack {
            signed: last.size,
            size: next.size,
        }),
        Some(last) if last.size == next.size && last.root != next.root => {
            Err(GuardError::Forked { size: next.size })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(size: u64, root: u8) -> Signed {
        Signed {
            size,
            root: Hash::from_bytes([root; 32]),
        }
    }

    #[test]
    fn a_rollback_and_a_fork_are_refused_and_the_same_again_is_not() {
        let last = Some(tree(10, 1));
        assert_eq!(may_follow(None, tree(1, 1)), Ok(()));
        assert_eq!(may_follow(last, tree(11, 2)), Ok(()));
        assert_eq!(may_follow(last, tree(10, 1)), Ok(()));
        assert_eq!(
            may_follow(last, tree(10, 2)),
            Err(GuardError::Forked { size: 10 })
        );
        let back = GuardError::RolledBack {
            signed: 10,
            size: 9,
        };
        assert_eq!(may_follow(last, tree(9, 1)), Err(back));
    }
}
