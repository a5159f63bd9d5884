//! Receipts of a carrier that takes whole messages, and which match nothing. Such a carrier posts them at any pace, so
//! the first are told one by one, and what comes in a crowd waits for the next round of housekeeping, which tells it
//! in one entry. None of them is answered before it is durable, so that a carrier waits with its crowd.

use std::collections::BTreeMap;
use std::fmt;

use domain::message::CarrierName;
use domain::time::Timestamp;

use crate::batch::Batch;
use crate::changes::Write;
use crate::entries;
use crate::gateway::Gateway;
use crate::ports::carrier::{Verdict, Verdicts};
use crate::rows::UnmatchedRow;

/// Receipts of one carrier that are told one by one, after a pause: as many as a few lost answers have.
const ALONE_MAX: u64 = 100;

/// One more of them is told by itself after each second.
const ALONE_A_SECOND: u64 = 1;

/// What waits for the next round.
#[derive(Default)]
pub(crate) struct Crowd {
    /// How many receipts of a carrier may still be told by themselves, and when that was.
    left: BTreeMap<CarrierName, (u64, Timestamp)>,
    rows: Vec<UnmatchedRow>,
    /// Receipts that had to make room, by sequence.
    gone: Vec<u64>,
    /// So many deliveries each wait for these words.
    waiting: Vec<(usize, Verdicts)>,
}

impl fmt::Debug for Crowd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Crowd({} receipts)", self.rows.len())
    }
}

impl Crowd {
    /// Whether another receipt of a carrier is told by itself.
    pub(crate) fn is_alone(&mut self, carrier: &CarrierName, now: Timestamp) -> bool {
        let (left, since) = self.left.get(carrier).copied().unwrap_or((ALONE_MAX, now));
        let more = now.since(since).as_secs().saturating_mul(ALONE_A_SECOND);
        let since = if more > 0 { now } else { since };
        let left = left.saturating_add(more).min(ALONE_MAX);
        let next = (left.saturating_sub(1), since);
        self.left.insert(carrier.clone(), next);
        left > 0
    }

    /// Keeps a receipt for the next round, and the one that it made go.
    pub(crate) fn join(&mut self, row: UnmatchedRow, gone: Option<&UnmatchedRow>) {
        self.rows.push(row);
        self.gone.extend(gone.map(|gone| gone.sequence));
    }

    /// How many receipts wait.
    pub(crate) const fn len(&self) -> usize {
        self.rows.len()
    }

    /// So many deliveries wait for the next round.
    pub(crate) fn wait(&mut self, count: usize, verdicts: Verdicts) {
        self.waiting.push((count, verdicts));
    }

    /// What is to answer to whatever waits. None of it is kept.
    pub(crate) fn judge(self, verdict: Verdict) {
        for (count, verdicts) in self.waiting {
            verdicts(vec![verdict; count]);
        }
    }

    fn take(&mut self) -> Self {
        let left = std::mem::take(&mut self.left);
        std::mem::replace(
            self,
            Self {
                left,
                ..Self::default()
            },
        )
    }

    /// The receipts by carrier.
    fn by_carrier(&self) -> BTreeMap<&CarrierName, Vec<&UnmatchedRow>> {
        let mut groups: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for row in &self.rows {
            groups.entry(&row.carrier).or_default().push(row);
        }
        groups
    }
}

impl Gateway {
    /// Tells what came in a crowd since the last round, and answers it once that is durable.
    pub fn tell_crowd(&self, now: Timestamp) {
        let mut state = self.state();
        let crowd = state.crowd.take();
        if self.is_halted() {
            drop(state);
            return crowd.judge(Verdict::Again);
        }
        let mut batch = Batch::new(now);
        for (carrier, rows) in crowd.by_carrier() {
            batch.entry(entries::unmatched_crowd(carrier, &rows));
            // What has found its message meanwhile is told with it.
            for row in rows
                .into_iter()
                .filter(|row| state.unmatched.has(row.sequence))
            {
                batch.write(Write::Unmatched(row.clone()));
            }
        }
        let Some(mut changes) = batch.finish() else {
            drop(state);
            return crowd.judge(Verdict::Taken);
        };
        for gone in &crowd.gone {
            changes.write(Write::ForgetUnmatched(*gone));
        }
        self.commit(changes, move |_, result| {
            crowd.judge(result.map_or(Verdict::Again, |_| Verdict::Taken));
        });
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_carrier_has_its_receipts_told_one_by_one_until_they_are_a_crowd() {
        let mut crowd = Crowd::default();
        let start = Timestamp::from_seconds(1_764_064_800);
        let at = |seconds| start.saturating_add(Duration::from_secs(seconds));
        let (one, other) = (CarrierName::new("one"), CarrierName::new("other"));
        let alone = |crowd: &mut Crowd, carrier: &CarrierName, seconds| {
            (0..1_000)
                .filter(|_| crowd.is_alone(carrier, at(seconds)))
                .count()
        };
        assert_eq!(alone(&mut crowd, &one, 0), 100);
        assert_eq!(alone(&mut crowd, &one, 0), 0);
        assert_eq!(alone(&mut crowd, &other, 0), 100);
        assert_eq!(alone(&mut crowd, &one, 3), 3);
        assert_eq!(alone(&mut crowd, &one, 10_000), 100);
        // A clock that goes back gives nothing.
        assert_eq!(alone(&mut crowd, &one, 0), 0);
    }
}
