//! Exact sliding windows for quotas, budgets and spend: never more than the quota in any span of the
//! given length, to the microsecond. What a key took lies in a bounded row of cells, one a take. When a
//! quota allows more takes than there are cells, those of one grain (the span over [`MOST_CELLS`] − 1)
//! share a cell and all leave with the last of them: then a take may count up to one grain longer, and
//! never shorter.

use core::time::Duration;

use crate::time::Timestamp;

/// The most cells a key has: one grain of a day is then 23 minutes.
pub const MOST_CELLS: u16 = 64;

/// One take, or all those of one grain: the moment of the last in microseconds, and the amount.
pub type Cell = [u64; 2];

/// A quota in any span of a length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    quota: u64,
    span: u64,
    grain: u64,
}

impl Window {
    /// At most `quota` (1 or more) in any `span` (1 microsecond or more).
    pub fn new(quota: u64, span: Duration) -> Self {
        let quota = quota.max(1);
        let span = u64::try_from(span.as_micros()).unwrap_or(u64::MAX).max(1);
        let grain = if quota <= u64::from(MOST_CELLS) {
            1
        } else {
            span.div_ceil(u64::from(MOST_CELLS) - 1)
        };
        Self { quota, span, grain }
    }

    /// So many times the quota in the same span.
    #[must_use]
    pub(super) fn times(self, factor: u32) -> Self {
        let quota = self.quota.saturating_mul(u64::from(factor.max(1)));
        Self::new(quota, Duration::from_micros(self.span))
    }

    /// Of cells, oldest first, those that one of `factor` who share them begins with: the newest, up to
    /// its part of what counts, rounded up.
    pub(super) fn part(self, cells: &[Cell], factor: u32, now: Timestamp) -> Vec<Cell> {
        let mut left = self.used(cells, now).div_ceil(u64::from(factor.max(1)));
        let mut part = Vec::new();
        for [at, amount] in cells.iter().rev() {
            let taken = left.min(*amount);
            if taken == 0 {
                break;
            }
            left -= taken;
            part.push([*at, taken]);
        }
        part
    }

    /// The most in any span.
    pub const fn quota(self) -> u64 {
        self.quota
    }

    /// How long a take counts, in microseconds.
    pub(super) const fn span(self) -> u64 {
        self.span
    }

    /// How many cells a key needs.
    pub fn cells(self) -> u16 {
        u16::try_from(self.quota).map_or(MOST_CELLS, |quota| quota.min(MOST_CELLS))
    }

    /// How much longer than the span a take may count: zero when the quota fits into the cells.
    pub const fn grain(self) -> Duration {
        Duration::from_micros(self.grain - 1)
    }

    /// What counts now.
    pub fn used(self, cells: &[Cell], now: Timestamp) -> u64 {
        let live = cells.iter().filter(|cell| self.counts(**cell, now));
        live.fold(0, |sum, [_, amount]| sum.saturating_add(*amount))
    }

    /// How long until `amount` fits; zero when it fits now, `None` when it is more than the quota.
    pub fn wait(self, cells: &[Cell], amount: u64, now: Timestamp) -> Option<Duration> {
        let allowed = self.quota.checked_sub(amount)?;
        let mut used = self.used(cells, now);
        let mut until = now.micros();
        for cell in cells.iter().filter(|cell| self.counts(**cell, now)) {
            if used <= allowed {
                break;
            }
            used = used.saturating_sub(cell[1]);
            until = cell[0].saturating_add(self.span);
        }
        Some(Duration::from_micros(until.saturating_sub(now.micros())))
    }

    /// How long until less counts than now; zero when nothing counts.
    pub fn more(self, cells: &[Cell], now: Timestamp) -> Duration {
        let oldest = cells.iter().find(|cell| self.counts(**cell, now));
        let until = oldest.map_or(0, |[at, _]| at.saturating_add(self.span));
        Duration::from_micros(until.saturating_sub(now.micros()))
    }

    /// When the last of them leaves, in microseconds since 1970.
    pub fn rest_at(self, cells: &[Cell]) -> u64 {
        cells
            .last()
            .map_or(0, |[at, _]| at.saturating_add(self.span))
    }

    /// Writes a take into the row, of which the first `filled` cells hold something, oldest first; tells
    /// how many do now. It is counted even when it was more than was left.
    pub fn take(self, row: &mut [Cell], filled: usize, amount: u64, now: Timestamp) -> usize {
        let filled = self.forget(row, filled, now);
        let newest = filled
            .checked_sub(1)
            .and_then(|place| row.get(place).copied());
        let at = newest.map_or(now.micros(), |[at, _]| at.max(now.micros()));
        let same_grain = newest.is_some_and(|[last, _]| last / self.grain == at / self.grain);
        if (same_grain || filled >= row.len())
            && let Some(cell) = filled.checked_sub(1).and_then(|place| row.get_mut(place))
        {
            *cell = [at, cell[1].saturating_add(amount)];
            return filled;
        }
        if let Some(cell) = row.get_mut(filled) {
            *cell = [at, amount];
        }
        filled + 1
    }

    /// Moves the cells that still count to the front.
    fn forget(self, row: &mut [Cell], filled: usize, now: Timestamp) -> usize {
        let held = row.get(..filled).unwrap_or_default();
        let gone = held
            .iter()
            .take_while(|cell| !self.counts(**cell, now))
            .count();
        if gone > 0 {
            row.copy_within(gone..filled, 0);
        }
        filled - gone
    }

    /// Whether a take still counts.
    pub(super) const fn counts(self, cell: Cell, now: Timestamp) -> bool {
        cell[0].saturating_add(self.span) > now.micros()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    use super::*;

    const START: Timestamp = Timestamp::from_seconds(1_764_064_800);

    struct Row {
        window: Window,
        cells: Vec<Cell>,
        filled: usize,
    }

    impl Row {
        fn new(quota: u64, span: u64) -> Self {
            let window = Window::new(quota, Duration::from_micros(span));
            let cells = vec![[0; 2]; usize::from(window.cells())];
            Self {
                window,
                cells,
                filled: 0,
            }
        }

        fn held(&self) -> &[Cell] {
            &self.cells[..self.filled]
        }

        fn try_take(&mut self, amount: u64, now: Timestamp) -> bool {
            let fits = self.window.wait(self.held(), amount, now) == Some(Duration::ZERO);
            if fits {
                self.filled = self.window.take(&mut self.cells, self.filled, amount, now);
            }
            fits
        }
    }

    fn sum(log: &[(u64, u64)], now: u64, span: u64) -> u64 {
        let live = log.iter().filter(|(at, _)| at + span > now);
        live.map(|(_, amount)| amount).sum()
    }

    proptest! {
        #[test]
        fn no_span_ever_holds_more_than_the_quota_and_small_quotas_are_exact(
            steps in proptest::collection::vec((0_u64..300, 1_u64..5), 1..200),
            quota in 1_u64..40,
            span in 1_u64..4_000,
        ) {
            let (mut row, mut log, mut now) = (Row::new(quota, span), Vec::new(), START.micros());
            for (pause, amount) in steps {
                now += pause;
                let fits = sum(&log, now, span) + amount <= quota;
                prop_assert_eq!(row.try_take(amount, Timestamp::from_micros(now)), fits);
                if fits {
                    log.push((now, amount));
                }
            }
        }

        #[test]
        fn a_large_quota_errs_on_the_refusing_side_by_less_than_a_grain(
            steps in proptest::collection::vec((0_u64..90_000, 1_u64..900), 1..300),
            quota in 65_u64..4_000,
        ) {
            let span = 1_000_000;
            let (mut row, mut log, mut now) = (Row::new(quota, span), Vec::new(), START.micros());
            let grain = u64::try_from(row.window.grain().as_micros()).unwrap();
            for (pause, amount) in steps {
                now += pause;
                let took = row.try_take(amount, Timestamp::from_micros(now));
                if took {
                    log.push((now, amount));
                    prop_assert!(sum(&log, now, span) <= quota);
                } else {
                    prop_assert!(sum(&log, now, span + grain) + amount > quota);
                }
                prop_assert!(row.filled <= usize::from(MOST_CELLS));
            }
        }

        #[test]
        fn what_is_told_to_wait_fits_then_and_not_before(
            takes in proptest::collection::vec((0_u64..300, 1_u64..5), 1..40), amount in 1_u64..20,
        ) {
            let (mut row, mut now) = (Row::new(20, 3_000), START.micros());
            for (pause, taken) in takes {
                now += pause;
                row.try_take(taken, Timestamp::from_micros(now));
            }
            let at = |micros| Timestamp::from_micros(micros);
            let wait = row.window.wait(row.held(), amount, at(now)).unwrap();
            let then = now + u64::try_from(wait.as_micros()).unwrap();
            prop_assert!(row.window.used(row.held(), at(then)) + amount <= 20);
            prop_assert!(then == now || row.window.used(row.held(), at(then - 1)) + amount > 20);
        }
    }

    #[test]
    fn more_than_the_quota_at_once_never_fits() {
        let row = Row::new(5, 1_000);
        assert_eq!(row.window.wait(row.held(), 6, START), None);
    }

    #[test]
    fn an_earlier_moment_frees_nothing() {
        let mut row = Row::new(1, 1_000);
        assert!(row.try_take(1, START));
        for back in [1, 500, 100_000] {
            let earlier = START.saturating_sub(Duration::from_micros(back));
            assert!(!row.try_take(1, earlier));
        }
    }
}
