//! The vault against what the entries promised of it.

use std::collections::BTreeSet;

use super::super::difference::{Difference, NOTHING, THERE};
use super::super::pages::{Pages, Pair, walk};
use super::{Comparison, PAGE};
use crate::ports::shelf::Promise;
use crate::ports::store::ReadError;
use crate::rows::{Purpose, VaultRow};

impl Comparison<'_> {
    /// Every promised value must be there and open to its commitment; nothing else may be there but
    /// what belongs to parts that still wait.
    pub(super) fn vault(&mut self) -> Result<u64, ReadError> {
        let Self {
            view, shelf, judge, ..
        } = *self;
        let parts: BTreeSet<u64> = view.parts()?.into_iter().collect();
        let told = |after| shelf.promises(after, PAGE);
        let kept = |after| view.vault(after, PAGE);
        let promised = Pages::new(&told, Promise::key);
        walk(promised, Pages::new(&kept, VaultRow::key), |pair| {
            match pair {
                Pair::Ledger(promise) => {
                    let name = name(promise.owner, promise.purpose);
                    let entry = format!("entry {}", promise.index);
                    (self.tell)(Difference::of(("vault", name), "row", entry, NOTHING));
                }
                Pair::Store(row) if parts.contains(&row.owner) => {}
                Pair::Store(row) => {
                    (self.tell)(Difference::foreign("vault", name(row.owner, row.purpose)));
                }
                Pair::Both(promise, row) if !judge.keeps(&promise, &row) => {
                    let place = ("vault", name(row.owner, row.purpose));
                    let other = "another, or one that does not open";
                    (self.tell)(Difference::of(place, "value", THERE, other));
                }
                Pair::Both(..) => {}
            }
            Ok(())
        })
    }
}

/// How a sealed row is called: the row key knows its owner only by the sequence of its id.
fn name(owner: u64, purpose: Purpose) -> String {
    format!("{owner}/{}", purpose.as_str())
}
