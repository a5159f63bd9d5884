//! The comparison: everything that the ledger tells against everything that the store holds, row by row
//! in the order of their keys, so that memory stays bounded.

mod faces;
mod sealed;

use std::collections::BTreeSet;

use domain::id::OptOutId;
use serde::Serialize;

use super::difference::Difference;
use super::judge::Judge;
use super::pages::{Pages, Pair, walk};
use super::state_at;
use super::{PAGE, Rest, number};
use crate::ports::store::ReadError;
use crate::ports::{Shelf, View};
use crate::proofs::COMMIT_ENTRIES_MAX;
use crate::rows::{ClientRow, FactorRow, InboundRow, MessageRow, OptOutRow, Purpose, vault_key};

/// What was compared: entries folded, and rows of the store looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Compared {
    /// Entries folded.
    pub entries: u64,
    /// Messages to handsets.
    pub messages: u64,
    /// Messages from handsets.
    pub inbound: u64,
    /// Opt-outs and their removals.
    pub opt_outs: u64,
    /// Factors.
    pub factors: u64,
    /// Clients.
    pub clients: u64,
    /// Key-encryption keys.
    pub keys: u64,
    /// Sealed values.
    pub sealed: u64,
    /// Differences told.
    pub differences: u64,
}

/// Folds every entry of a moment and tells each difference from the rows of that moment.
pub fn compare(
    view: &dyn View,
    shelf: &mut dyn Shelf,
    judge: &Judge,
    tell: &mut dyn FnMut(Difference),
) -> Result<Compared, ReadError> {
    let mut differences = 0;
    let mut counted = |difference| {
        differences += 1;
        tell(difference);
    };
    let rest = state_at(view, (view.size(), shelf), judge, &mut counted)?;
    let mut comparison = Comparison {
        view,
        shelf,
        judge,
        tell: &mut counted,
    };
    let mut compared = comparison.all(&rest)?;
    compared.entries = view.size().saturating_sub(view.minimum());
    compared.differences = differences;
    Ok(compared)
}

struct Comparison<'c> {
    view: &'c dyn View,
    shelf: &'c dyn Shelf,
    judge: &'c Judge,
    tell: &'c mut dyn FnMut(Difference),
}

impl Comparison<'_> {
    fn all(&mut self, rest: &Rest) -> Result<Compared, ReadError> {
        Ok(Compared {
            messages: self.messages()?,
            inbound: self.inbounds()?,
            opt_outs: self.opt_outs()?,
            factors: self.factors()?,
            clients: self.clients()?,
            keys: self.keks(rest)?,
            sealed: self.vault(rest)?,
            ..Compared::default()
        })
    }

    fn messages(&mut self) -> Result<u64, ReadError> {
        let Self {
            view, shelf, judge, ..
        } = *self;
        let told = |after| shelf.messages(after, PAGE);
        let kept = |after| view.messages(after, PAGE);
        let key = |row: &MessageRow| row.id.sequence();
        walk(Pages::new(&told, key), Pages::new(&kept, key), |pair| {
            self.entry(&pair, "message", |row| (key(row), row.id.to_string()))?;
            self.pair(
                "message",
                pair,
                |row| row.id.to_string(),
                |told, kept| {
                    let number = number(view, kept.id.sequence())?;
                    told.subject = judge.subject(number.as_ref(), kept.subject);
                    // The client's own words are no part of the ledger.
                    told.head.reference.clone_from(&kept.head.reference);
                    Ok(())
                },
            )
        })
    }

    fn inbounds(&mut self) -> Result<u64, ReadError> {
        let Self {
            view, shelf, judge, ..
        } = *self;
        let told = |after| shelf.inbounds(after, PAGE);
        let kept = |after| view.inbounds(after, PAGE);
        let key = |row: &InboundRow| row.id.sequence();
        walk(Pages::new(&told, key), Pages::new(&kept, key), |pair| {
            self.entry(&pair, "inbound", |row| (key(row), row.id.to_string()))?;
            self.pair(
                "inbound",
                pair,
                |row| row.id.to_string(),
                |told, kept| {
                    let number = number(view, kept.id.sequence())?;
                    told.subject = judge.subject(number.as_ref(), kept.subject);
                    Ok(())
                },
            )
        })
    }

    fn opt_outs(&mut self) -> Result<u64, ReadError> {
        let Self {
            view, shelf, judge, ..
        } = *self;
        let told = |after| shelf.opt_outs(after, PAGE);
        let kept = |after| view.opt_outs(after, PAGE);
        let key = |row: &OptOutRow| row.sequence;
        let name = |row: &OptOutRow| OptOutId::new(row.sequence, 0).to_string();
        walk(Pages::new(&told, key), Pages::new(&kept, key), |pair| {
            self.pair("opt-out", pair, name, |told, kept| {
                let number = number(view, kept.sequence)?;
                told.subject = judge.suppression(number.as_ref(), kept.subject);
                Ok(())
            })
        })
    }

    fn factors(&mut self) -> Result<u64, ReadError> {
        let Self {
            view, shelf, judge, ..
        } = *self;
        let told = |after| shelf.factors(after, PAGE);
        let kept = |after| view.factors(after, PAGE);
        let key = |row: &FactorRow| row.id.sequence();
        let name = |row: &FactorRow| row.id.to_string();
        walk(Pages::new(&told, key), Pages::new(&kept, key), |pair| {
            self.pair("factor", pair, name, |told, kept| {
                let user = number(view, kept.id.sequence())?;
                told.subject = judge.user(kept.client, user.as_ref(), kept.subject);
                told.secret = judge.secret(told, kept);
                Ok(())
            })
        })
    }

    fn clients(&mut self) -> Result<u64, ReadError> {
        let (told, kept) = (self.shelf.clients()?, self.view.clients()?);
        let key = |row: &ClientRow| row.id.sequence();
        let told = |after: Option<u64>| Ok(behind(&told, after, key));
        let kept = |after: Option<u64>| Ok(behind(&kept, after, key));
        walk(Pages::new(&told, key), Pages::new(&kept, key), |pair| {
            self.pair("client", pair, |row| row.id.to_string(), |_, _| Ok(()))
        })
    }

    fn keks(&mut self, rest: &Rest) -> Result<u64, ReadError> {
        let kept = self.view.keks()?;
        let kept: BTreeSet<String> = kept.iter().map(crate::rows::KekRow::name).collect();
        for name in rest.keks.difference(&kept) {
            (self.tell)(Difference::lost("key", name.clone()));
        }
        for name in kept.difference(&rest.keks) {
            (self.tell)(Difference::foreign("key", name.clone()));
        }
        Ok(u64::try_from(kept.len()).unwrap_or(u64::MAX))
    }

    /// The row of a message says in which commit the entry that brought it is looked for. Rows of old
    /// stores say nothing.
    fn entry<T>(
        &mut self,
        pair: &Pair<T, T>,
        what: &'static str,
        name: impl Fn(&T) -> (u64, String),
    ) -> Result<(), ReadError> {
        let Pair::Both(_, kept) = pair else {
            return Ok(());
        };
        let (owner, name) = name(kept);
        let key = vault_key(owner, Purpose::Number);
        let promises = self.shelf.promises(key.checked_sub(1), 1)?;
        let promise = promises.iter().find(|promise| promise.key() == key);
        if let (Some(promise), Some(first)) = (promise, self.view.entry_of(owner)?)
            && !is_within(first, promise.index)
        {
            let (told, kept) = (promise.index.to_string(), first.to_string());
            (self.tell)(Difference::of((what, name), "entry", told, kept));
        }
        Ok(())
    }

    /// Tells what differs in one pair, once what entries do not tell was put in.
    fn pair<T: faces::Faces>(
        &mut self,
        what: &'static str,
        pair: Pair<T, T>,
        name: impl Fn(&T) -> String,
        complete: impl Fn(&mut T, &T) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        match pair {
            Pair::Ledger(row) => (self.tell)(Difference::lost(what, name(&row))),
            Pair::Store(row) => (self.tell)(Difference::foreign(what, name(&row))),
            Pair::Both(mut told, kept) => {
                complete(&mut told, &kept)?;
                if told != kept {
                    for (field, said, held) in told.differing(&kept) {
                        let place = (what, name(&kept));
                        (self.tell)(Difference::of(place, field, said, held));
                    }
                }
            }
        }
        Ok(())
    }
}

/// Whether an entry may be one of the commit that begins there.
fn is_within(first: u64, entry: u64) -> bool {
    let most = u64::try_from(COMMIT_ENTRIES_MAX).unwrap_or(u64::MAX);
    entry.checked_sub(first).is_some_and(|place| place < most)
}

/// A page of a list that is held whole.
fn behind<T: Clone>(rows: &[T], after: Option<u64>, key: fn(&T) -> u64) -> Vec<T> {
    let is_behind = |row: &&T| after.is_none_or(|after| key(row) > after);
    rows.iter().filter(is_behind).take(PAGE).cloned().collect()
}
