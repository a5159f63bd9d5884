//! The Merkle tree as the log keeps it: leaves and the finished nodes of every eighth level are
//! stored, everything between is computed when asked for.

use std::cell::RefCell;

use ledger::Hash;
use ledger::tree::{Nodes, root_of};

use crate::ports::Log;
use crate::ports::store::ReadError;

/// Levels between stored ones.
const STRIDE: u8 = 8;

/// Whether a finished node of this level is stored.
pub(crate) const fn is_stored(level: u8) -> bool {
    level > 0 && level.is_multiple_of(STRIDE)
}

/// Calls `work` with a reader of nodes over a log. A read that failed is told as such: it says nothing
/// about the log, and may go well the next time.
pub(crate) fn with_nodes<T>(
    log: &dyn Log,
    work: impl FnOnce(Nodes<'_>) -> T,
) -> Result<T, ReadError> {
    let failed = RefCell::new(None);
    let value = work(&|level, index| {
        node(log, level, index).unwrap_or_else(|error| {
            failed.borrow_mut().get_or_insert(error);
            None
        })
    });
    failed.into_inner().map_or(Ok(value), Err)
}

/// `None` when there is no such node.
fn node(log: &dyn Log, level: u8, index: u64) -> Result<Option<Hash>, ReadError> {
    let above = level % STRIDE;
    let base = level - above;
    let count = 1_usize << above;
    let from = u64::try_from(count).ok();
    let Some(from) = from.and_then(|count| index.checked_mul(count)) else {
        return Ok(None);
    };
    let hashes = match base {
        0 => log.leaves(from, count)?,
        base => log.nodes(base, from, count)?,
    };
    Ok((hashes.len() == count).then(|| root_of(&hashes)))
}

/// The roots of the complete subtrees that make up a tree of `size` leaves, the largest first.
/// `None` when one is missing.
pub(crate) fn peaks(log: &dyn Log, size: u64) -> Result<Option<Vec<Hash>>, ReadError> {
    let levels = (0..64_u8).rev();
    let peaks = levels.filter(|level| size >> level & 1 == 1);
    peaks
        .map(|level| node(log, level, (size >> level) - 1))
        .collect()
}

#[cfg(test)]
mod tests {
    use ledger::leaf_hash;
    use ledger::tree::consistency;

    use super::*;
    use crate::ports::catalog::{Catalog, EntryPage, EntryQuery};
    use crate::ports::log::{self, Published};

    /// A log of so many leaves, or one that cannot be read.
    struct Leaves(Option<u64>);

    impl Log for Leaves {
        fn size(&self) -> Result<u64, ReadError> {
            self.0.ok_or_else(away)
        }
        fn leaves(&self, from: u64, most: usize) -> Result<Vec<Hash>, ReadError> {
            let size = self.size()?;
            Ok((from..size)
                .take(most)
                .map(|n| leaf_hash(&n.to_be_bytes()))
                .collect())
        }
        fn entries(&self, _: u64, _: usize) -> Result<Vec<Vec<u8>>, ReadError> {
            Err(away())
        }
        fn nodes(&self, _: u8, _: u64, _: usize) -> Result<Vec<Hash>, ReadError> {
            Err(away())
        }
        fn publish(&self, _: &[log::Node], _: &Published) -> Result<(), ReadError> {
            Err(away())
        }
        fn latest(&self) -> Result<Option<Published>, ReadError> {
            Err(away())
        }
        fn entry_of(&self, _: u64) -> Result<Option<u64>, ReadError> {
            Err(away())
        }
    }

    impl Catalog for Leaves {
        fn search(&self, _: &EntryQuery) -> Result<EntryPage, ReadError> {
            Err(away())
        }
    }

    fn away() -> ReadError {
        ReadError::Failed("the store is not available".to_owned())
    }

    #[test]
    fn a_read_that_failed_is_never_taken_for_a_missing_node() {
        let prove = |log: &dyn Log| with_nodes(log, |nodes| consistency::prove(nodes, 3, 7));
        assert!(prove(&Leaves(Some(7))).unwrap().is_ok());
        assert!(
            prove(&Leaves(Some(5))).unwrap().is_err(),
            "a node is missing"
        );
        assert_eq!(prove(&Leaves(None)).unwrap_err(), away());
        assert_eq!(peaks(&Leaves(Some(5)), 7), Ok(None));
        assert_eq!(peaks(&Leaves(None), 7), Err(away()));
        assert_eq!(peaks(&Leaves(Some(7)), 7).unwrap().unwrap().len(), 3);
    }
}
