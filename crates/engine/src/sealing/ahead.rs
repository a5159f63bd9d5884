//! The entries that no seal covers yet, read a page at a time, and while they are young from memory: what is
//! sealed is then what was written, whatever became of it on the disk since.

use std::collections::VecDeque;

use ledger::entry::skim::skim;
use ledger::{Hash, leaf_hash};

use super::SealingError;
use crate::ports::Log;

/// Entries read at once.
const ENTRIES_AT_ONCE: usize = 1_024;
/// Entries read before they are to be sealed, at most: 40 MiB of times and hashes. Of a longer epoch the rest is
/// read at its end.
const AHEAD_MAX: usize = 1 << 20;

/// Times and leaf hashes of entries in order, from one on.
pub struct Ahead {
    /// The index of the next entry to read.
    next: u64,
    waiting: VecDeque<(u64, Hash)>,
}

/// The log, and how many of its entries are looked at.
type Within<'l> = (&'l dyn Log, u64);

impl Ahead {
    /// Nothing is read yet.
    pub const fn from(next: u64) -> Self {
        Self {
            next,
            waiting: VecDeque::new(),
        }
    }

    /// Reads what is new, so that little is left to do at the end of an epoch, when others want the machine.
    pub fn read_on(&mut self, within: Within<'_>) -> Result<(), SealingError> {
        while self.next < within.1 && self.waiting.len() < AHEAD_MAX {
            self.read(within)?;
        }
        Ok(())
    }

    /// The entries before a time.
    pub fn take_before(
        &mut self,
        end_micros: u64,
        within: Within<'_>,
    ) -> Result<Vec<Hash>, SealingError> {
        let mut leaves = Vec::new();
        while let Some((time, leaf)) = self.front(within)? {
            if time >= end_micros {
                break;
            }
            self.waiting.pop_front();
            leaves.push(leaf);
        }
        Ok(leaves)
    }

    /// So many entries, or fewer when there are not as many.
    pub fn take(&mut self, count: u64, within: Within<'_>) -> Result<Vec<Hash>, SealingError> {
        let mut leaves = Vec::new();
        for _ in 0..count {
            let Some((_, leaf)) = self.front(within)? else {
                break;
            };
            self.waiting.pop_front();
            leaves.push(leaf);
        }
        Ok(leaves)
    }

    fn front(&mut self, within: Within<'_>) -> Result<Option<(u64, Hash)>, SealingError> {
        if self.waiting.is_empty() && self.next < within.1 {
            self.read(within)?;
        }
        Ok(self.waiting.front().copied())
    }

    /// Reads a page.
    fn read(&mut self, (log, size): Within<'_>) -> Result<(), SealingError> {
        let recent = log.recent(self.next, ENTRIES_AT_ONCE);
        if !recent.is_empty() {
            self.next += u64::try_from(recent.len()).unwrap_or(u64::MAX);
            self.waiting.extend(recent);
            return Ok(());
        }
        let pruned = log.minimum()?.min(size).saturating_sub(self.next);
        if pruned > 0 {
            // Their times are gone with them: they count as the oldest.
            let most = usize::try_from(pruned).unwrap_or(usize::MAX);
            for leaf in log.leaves(self.next, most.min(ENTRIES_AT_ONCE))? {
                self.waiting.push_back((0, leaf));
                self.next += 1;
            }
        } else {
            for entry in log.entries(self.next, ENTRIES_AT_ONCE)? {
                let skimmed = skim(&entry).map_err(|_| SealingError::Entry(self.next))?;
                self.waiting
                    .push_back((skimmed.time_micros, leaf_hash(&entry)));
                self.next += 1;
            }
        }
        Ok(())
    }
}
