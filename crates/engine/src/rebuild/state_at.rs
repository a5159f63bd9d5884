//! The state before an index: from the snapshot of the last pruning, or from the first entry.

use ledger::{Hash, leaf_hash};

use super::PAGE;
use super::difference::{Difference, NOTHING, THERE};
use super::fold::{Fold, Rest, Unfit};
use super::judge::Judge;
use super::snapshot::{self, Ending};
use crate::ports::store::ReadError;
use crate::ports::{Shelf, View};

/// Folds the entries below `end` onto an empty shelf. Entries that tell nothing that can be are told,
/// and so is a snapshot that is not the one of which an entry below `end` tells.
pub fn state_at(
    view: &dyn View,
    (end, shelf): (u64, &mut dyn Shelf),
    judge: &Judge,
    tell: &mut dyn FnMut(Difference),
) -> Result<Rest, ReadError> {
    let first = view.minimum();
    let (mut fold, hash) = if first == 0 {
        (Fold::new(shelf), None)
    } else {
        let read = snapshot::read(view, shelf, judge)?;
        if read.ending == Ending::Cut {
            tell(Difference::lost("snapshot", first.to_string()));
        }
        (Fold::resume(shelf, read.rest)?, Some(read.hash))
    };
    let mut index = first;
    while index < end {
        let most = usize::try_from(end - index).map_or(PAGE, |left| left.min(PAGE));
        let leaves = view.leaves(index, most)?;
        for (entry, leaf) in view.entries(index, most)?.iter().zip(&leaves) {
            check_leaf(index, entry, leaf, tell);
            take(&mut fold, index, entry, tell)?;
            index += 1;
        }
    }
    let rest = fold.finish()?;
    let told = rest.pruned.get(&first);
    // The entry that tells of the snapshot is newer than the entries that it stands for, perhaps newer
    // than `end`.
    let is_later = end < view.size() && told.is_none();
    if let Some(hash) = hash
        && told != Some(&hash)
        && !is_later
    {
        let told = told.map_or(NOTHING, String::as_str);
        let place = ("snapshot", first.to_string());
        tell(Difference::of(place, "hash", told, THERE));
    }
    Ok(rest)
}

/// An entry that was changed tells nothing that can be relied upon, whether it folds or not.
fn check_leaf(index: u64, entry: &[u8], leaf: &Hash, tell: &mut dyn FnMut(Difference)) {
    let hash = leaf_hash(entry);
    if hash != *leaf {
        let place = ("entry", index.to_string());
        tell(Difference::of(
            place,
            "leaf",
            hash.to_string(),
            leaf.to_string(),
        ));
    }
}

fn take(
    fold: &mut Fold<'_>,
    index: u64,
    entry: &[u8],
    tell: &mut dyn FnMut(Difference),
) -> Result<(), ReadError> {
    match fold.take(index, entry) {
        Ok(()) => Ok(()),
        Err(Unfit::Shelf(error)) => Err(error),
        Err(unfit) => {
            let place = ("entry", index.to_string());
            tell(Difference::of(place, "meaning", unfit.to_string(), NOTHING));
            Ok(())
        }
    }
}
