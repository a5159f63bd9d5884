//! What lies behind the checkpoint, where the source has the log itself; and whether the minimum index
//! stands on an entry.

use super::Walk;
use crate::leaf::Hash;
use crate::tile::published::as_hashes;
use crate::tile::{FULL, bundle};
use crate::verify::behind::{Behind, ENTRIES, ENTRIES_MAX, LEAVES};
use crate::verify::fault::{Fault, FaultKind};
use crate::verify::order::{Order, Start};
use crate::verify::pruning::minimum_of;

impl Walk<'_, '_> {
    /// Looks at the entries behind the checkpoint and gives how many there are; `None` when the source
    /// has only what is published.
    pub(super) fn look_behind(&mut self) -> Option<u64> {
        let order = core::mem::replace(&mut self.order, Order::new(Start::Midway));
        let mut behind = Behind::after(order);
        let mut count = None;
        loop {
            let done = count.unwrap_or(0);
            let first = self.head.size.saturating_add(done);
            let Some((leaves, octets)) = self.page_behind(first) else {
                return count;
            };
            let taken = self.take_behind(&mut behind, first, &leaves, &octets);
            count = Some(done + taken);
            if taken < u64::from(FULL) || done + taken >= ENTRIES_MAX {
                return count;
            }
        }
    }

    /// Leaves first: the log only grows, so that their entries are there then.
    fn page_behind(&mut self, first: u64) -> Option<(Vec<Hash>, Vec<u8>)> {
        let leaves = self.source.read(&format!("{LEAVES}{first}"));
        let leaves = self.teller.ok(leaves)??;
        let entries = self.source.read(&format!("{ENTRIES}{first}"));
        let entries = self.teller.ok(entries)??;
        let mut leaves = as_hashes(&leaves);
        leaves.truncate(usize::from(FULL));
        Some((leaves, entries))
    }

    fn take_behind(
        &mut self,
        behind: &mut Behind,
        first: u64,
        leaves: &[Hash],
        octets: &[u8],
    ) -> u64 {
        let width = u16::try_from(leaves.len()).unwrap_or(FULL);
        let entries = match bundle::decode_first(octets, width) {
            Ok((entries, _)) => entries,
            Err(error) => {
                let detail = format!("{ENTRIES}{first}: {error}");
                self.teller
                    .tell(Fault::at(first, FaultKind::BundleMalformed, detail));
                return 0;
            }
        };
        for (index, (entry, leaf)) in (first..).zip(entries.into_iter().zip(leaves)) {
            if let Some(fault) = behind.take(index, entry, leaf) {
                self.teller.tell(fault);
            }
            self.vouched = self.vouched.max(minimum_of(index, entry).unwrap_or(0));
        }
        u64::from(width)
    }

    /// A minimum index stands on an entry at or above it that tells of the pruning.
    pub(super) fn judge_pruning(&mut self) {
        let (minimum, size) = (self.trust.minimum_index, self.head.size);
        let detail = if !minimum.is_multiple_of(u64::from(FULL)) {
            format!("{minimum} is not a multiple of {FULL}")
        } else if minimum > size {
            format!("{minimum} is above the signed size {size}")
        } else if self.began < minimum && self.vouched < minimum {
            format!(
                "entries below {minimum} are gone, but no `ledger.pruned` entry tells of it; right \
                 behind a pruning the next checkpoint shows one"
            )
        } else {
            return;
        };
        self.teller
            .tell(Fault::at(minimum, FaultKind::PruningUnfounded, detail));
    }
}
