//! The vault against what the entries promised of it.

use std::collections::{BTreeMap, BTreeSet};

use super::super::difference::{Difference, NOTHING, THERE};
use super::super::fold::{Expired, Rest};
use super::super::pages::{Pages, Pair, walk};
use super::{Comparison, PAGE};
use crate::ports::shelf::Promise;
use crate::ports::store::ReadError;
use crate::rows::{Purpose, VaultRow};

impl Comparison<'_> {
    /// Every promised value must be there and open to its commitment, unless an entry says that it was
    /// destroyed; as many are destroyed as entries say. Nothing else may be there but what belongs to
    /// parts that still wait.
    pub(super) fn vault(&mut self, rest: &Rest) -> Result<u64, ReadError> {
        let Self { view, shelf, .. } = *self;
        let parts: BTreeSet<u64> = view.parts()?.into_iter().collect();
        let told = |after| shelf.promises(after, PAGE);
        let kept = |after| view.vault(after, PAGE);
        let promised = Pages::new(&told, Promise::key);
        let mut destroyed = Destroyed::default();
        let count = walk(promised, Pages::new(&kept, VaultRow::key), |pair| {
            match pair {
                Pair::Ledger(promise) => self.missing(&promise, rest, &mut destroyed),
                Pair::Store(row) if parts.contains(&row.owner) => {}
                Pair::Store(row) => {
                    (self.tell)(Difference::foreign("vault", name(row.owner, row.purpose)));
                }
                Pair::Both(promise, row) => self.sealed(&promise, &row, rest, &mut destroyed),
            }
            Ok(())
        })?;
        self.settle(rest, &destroyed);
        Ok(count)
    }

    /// A value that is not there at all must have been old enough.
    fn missing(&mut self, promise: &Promise, rest: &Rest, destroyed: &mut Destroyed) {
        let covers = |it: &Expired| it.purpose == promise.purpose && it.before > promise.at;
        if rest.expired.iter().any(covers) {
            *destroyed.expired.entry(promise.purpose).or_default() += 1;
            return;
        }
        let name = name(promise.owner, promise.purpose);
        let entry = format!("entry {}", promise.index);
        (self.tell)(Difference::of(("vault", name), "row", entry, NOTHING));
    }

    fn sealed(
        &mut self,
        promise: &Promise,
        row: &VaultRow,
        rest: &Rest,
        destroyed: &mut Destroyed,
    ) {
        let place = || ("vault", name(row.owner, row.purpose));
        if let Some(by) = row.erased_by() {
            if by > promise.index && rest.erased.contains_key(&by) {
                *destroyed.erased.entry(by).or_default() += 1;
            } else {
                let says = format!("erased by entry {by}");
                (self.tell)(Difference::of(place(), "value", THERE, says));
            }
        } else if !self.judge.keeps(promise, row) {
            let other = "another, or one that does not open";
            (self.tell)(Difference::of(place(), "value", THERE, other));
        }
    }

    /// As many values are destroyed as the entries say.
    fn settle(&mut self, rest: &Rest, destroyed: &Destroyed) {
        for (index, count) in &rest.erased {
            let found = destroyed.erased.get(index).copied().unwrap_or(0);
            self.counted(("erasure", index.to_string()), *count, found);
        }
        for purpose in Purpose::ALL {
            let own = rest.expired.iter().filter(|it| it.purpose == purpose);
            let count = own.map(|it| it.count).sum();
            let found = destroyed.expired.get(&purpose).copied().unwrap_or(0);
            self.counted(("expiry", purpose.as_str().to_owned()), count, found);
        }
    }

    fn counted(&mut self, place: (&'static str, String), told: u64, found: u64) {
        if told != found {
            let (told, found) = (told.to_string(), found.to_string());
            (self.tell)(Difference::of(place, "count", told, found));
        }
    }
}

/// What was found destroyed.
#[derive(Debug, Default)]
struct Destroyed {
    /// Tombstones, by the entry that they name.
    erased: BTreeMap<u64, u64>,
    /// Values that are gone without one.
    expired: BTreeMap<Purpose, u64>,
}

/// How a sealed row is called: the row key knows its owner only by the sequence of its id.
fn name(owner: u64, purpose: Purpose) -> String {
    format!("{owner}/{}", purpose.as_str())
}
