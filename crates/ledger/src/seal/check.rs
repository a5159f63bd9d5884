//! Checks a sequence of seals by the first key: every epoch from the start to now, each once, in
//! order, under its own key. A missing seal is a fault, never "not sealed, so nothing to check".

use aws_lc_rs::constant_time;

use super::{Seal, SealKey, SealStart, hash_of};
use crate::leaf::Hash;

/// What is wrong with a sequence of seals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealFault {
    /// The seal of an epoch is missing, or given twice.
    #[error("the seal of epoch {expected} was due, that of epoch {found} came")]
    Epoch {
        /// The epoch that was due.
        expected: u64,
        /// The one that came.
        found: u64,
    },
    /// It begins at another entry than the one behind the last seal.
    #[error("epoch {epoch} begins at entry {found} instead of {expected}")]
    First {
        /// The epoch.
        epoch: u64,
        /// Where it must begin.
        expected: u64,
        /// Where it says it begins.
        found: u64,
    },
    /// Another key made it, or it was changed, or one before it was.
    #[error("the tag of epoch {epoch} is not by its key")]
    Tag {
        /// The epoch.
        epoch: u64,
    },
    /// The entries are not those that were sealed.
    #[error("the entries of epoch {epoch} are not those that were sealed")]
    Leaves {
        /// The epoch.
        epoch: u64,
    },
    /// An entry was made in another epoch.
    #[error("an entry of epoch {epoch} has the time of another")]
    Time {
        /// The epoch.
        epoch: u64,
    },
    /// The seals end too early.
    #[error("sealed up to epoch {sealed} only; {due} are over")]
    Ends {
        /// How many epochs are sealed.
        sealed: u64,
        /// How many are over.
        due: u64,
    },
}

/// The entries of one epoch, as they are in the log now.
#[derive(Clone, Copy, Debug)]
pub struct Epoch<'a> {
    /// Their leaf hashes, in order.
    pub leaves: &'a [Hash],
    /// The times of the first and last of them, in microseconds; `None` if there is none.
    pub times: Option<(u64, u64)>,
}

/// Checks seal after seal.
#[derive(Clone, Debug)]
pub struct SealChecker {
    start: SealStart,
    key: SealKey,
    epoch: u64,
    first: u64,
    before: [u8; 32],
    slack_micros: u64,
}

impl SealChecker {
    /// Begins with the first key. `slack_micros` is how much later than its epoch an entry may be
    /// sealed, and how much later than due a seal may come.
    pub fn begin(start: SealStart, key: SealKey, slack_micros: u64) -> Self {
        let (first, before) = (start.first, start.tag(&key));
        Self {
            start,
            key,
            epoch: 0,
            first,
            before,
            slack_micros,
        }
    }

    /// The range of entries, by index, that the next seal claims if it is sound so far; what must be
    /// read for [`SealChecker::check`].
    pub const fn next_index(&self) -> u64 {
        self.first
    }

    /// Checks the next seal. After a fault the sequence proves nothing more.
    pub fn check(&mut self, seal: &Seal, entries: Epoch<'_>) -> Result<(), SealFault> {
        let epoch = self.epoch;
        if seal.epoch != epoch {
            return Err(SealFault::Epoch {
                expected: epoch,
                found: seal.epoch,
            });
        }
        if seal.first != self.first {
            let (expected, found) = (self.first, seal.first);
            return Err(SealFault::First {
                epoch,
                expected,
                found,
            });
        }
        let tag = self.key.mac(&[b"tag", &seal.body(), &self.before]);
        constant_time::verify_slices_are_equal(&tag, &seal.tag)
            .map_err(|_| SealFault::Tag { epoch })?;
        let count = u64::try_from(entries.leaves.len()).unwrap_or(u64::MAX);
        if seal.count != count || seal.leaves != hash_of(entries.leaves) {
            return Err(SealFault::Leaves { epoch });
        }
        self.check_times(entries.times)?;
        self.key.evolve();
        self.epoch += 1;
        self.first = self.first.saturating_add(count);
        self.before = seal.tag;
        Ok(())
    }

    fn check_times(&self, times: Option<(u64, u64)>) -> Result<(), SealFault> {
        let epoch = self.epoch;
        let begin = self.start.begin_of(epoch).saturating_sub(self.slack_micros);
        let end = self.start.begin_of(epoch.saturating_add(1));
        let within = |time: u64| begin <= time && time < end.saturating_add(self.slack_micros);
        match times {
            Some((oldest, newest)) if !within(oldest) || !within(newest) => {
                Err(SealFault::Time { epoch })
            }
            _ => Ok(()),
        }
    }

    /// Ends the sequence: every epoch that was over at `now_micros`, less the slack, must be sealed.
    /// Gives the index behind the last sealed entry.
    pub fn finish(self, now_micros: u64) -> Result<u64, SealFault> {
        let due = self
            .start
            .over_at(now_micros.saturating_sub(self.slack_micros));
        if self.epoch < due {
            return Err(SealFault::Ends {
                sealed: self.epoch,
                due,
            });
        }
        Ok(self.first)
    }
}
