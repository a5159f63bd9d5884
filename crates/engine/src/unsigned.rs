//! What a start looks at before the log's key signs on: the entries behind the last checkpoint, which no
//! signature covers yet, and whether entries that are gone were pruned by an entry that says so.

use ledger::Kind;
use ledger::verify::behind::{Behind, ENTRIES_MAX};
use ledger::verify::pruning::minimum_of;

use crate::checkpoints::LedgerError;
use crate::ports::Log;
use crate::ports::catalog::{EntryQuery, ROWS_MAX};
use crate::ports::store::ReadError;

/// Entries read at once.
const PAGE: usize = 256;

/// Checks the entries from the last that was signed on: numbers without gap or repeat, epochs and times
/// that do not go back, and leaf hashes that are theirs. Of very many the last are looked at.
pub(crate) fn check(log: &dyn Log, signed: u64, size: u64) -> Result<(), LedgerError> {
    let minimum = log.minimum()?;
    if !tells_of_pruning(log, minimum, size)? {
        return Err(LedgerError::Unfounded { minimum });
    }
    let least = minimum.max(size.saturating_sub(ENTRIES_MAX));
    let mut index = signed.saturating_sub(1).max(least);
    let mut behind = Behind::from(index);
    while index < size {
        let entries = log.entries(index, PAGE)?;
        let leaves = log.leaves(index, PAGE)?;
        if entries.is_empty() || entries.len() != leaves.len() {
            return Err(LedgerError::Tree);
        }
        for (entry, leaf) in entries.iter().zip(&leaves) {
            if let Some(fault) = behind.take(index, entry, leaf) {
                return Err(LedgerError::Behind(fault));
            }
            index += 1;
        }
    }
    Ok(())
}

/// Whether a minimum index stands on an entry below `below` that tells of it. Blocks.
pub fn tells_of_pruning(log: &dyn Log, minimum: u64, below: u64) -> Result<bool, ReadError> {
    if minimum == 0 {
        return Ok(true);
    }
    let mut query = EntryQuery {
        kinds: vec![Kind::LedgerPruned],
        first: Some(minimum),
        below: Some(below),
        limit: ROWS_MAX,
        ..EntryQuery::default()
    };
    loop {
        let page = log.search(&query)?;
        let told = page
            .rows
            .iter()
            .filter_map(|row| minimum_of(row.index, &row.bytes));
        if told.max() >= Some(minimum) {
            return Ok(true);
        }
        if page.next.is_none() {
            return Ok(false);
        }
        query.cursor = page.next;
    }
}
