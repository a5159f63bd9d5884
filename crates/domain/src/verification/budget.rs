//! How many failed checks a number has left at one client, over all its codes: a budget for each sliding
//! day, and a row of failures that ends in the number being disabled (NIST SP 800-63B-4 sections 3.1.3.2
//! and 3.2.2). A new code resets neither. Sends have a [budget of their own](sends), so that whoever
//! uses up the one leaves the other.

pub mod number;
pub mod policy;
pub mod sends;
pub mod window;

use core::time::Duration;

use serde::{Deserialize, Serialize};

use self::policy::CheckPolicy;
use self::window::{Quota, SlidingLog};
use crate::time::Timestamp;

/// The day that budgets are counted over: any 24 hours.
pub const DAY: Duration = Duration::from_hours(24);

/// How long a row of failures is kept after the last of them, where the number is not disabled. A person who
/// mistyped and gave up would keep a place for ever otherwise, until no newcomer finds one. Whoever waits
/// this long for it gains less than one day's budget gives: with 20 a day, a row of 99 is 3.3 a day.
pub const ROW_KEPT: Duration = Duration::from_hours(30 * 24);

/// The failed checks of one client, number and channel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckBudget {
    failures: SlidingLog,
    in_a_row: u8,
}

/// Why no further check is evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockReason {
    /// The budget of the sliding day is used up; it has room again after this long.
    DayUsedUp(Duration),
    /// Too many failures without a success between them. Only a new proof of the number ends it.
    Disabled,
}

impl LockReason {
    /// The stable code used in answers, the ledger and metrics.
    pub const fn code(self) -> &'static str {
        match self {
            Self::DayUsedUp(_) => "guess-budget",
            Self::Disabled => "codes-disabled",
        }
    }
}

impl CheckBudget {
    /// Whether one more check may be evaluated that, if it fails, takes `cost`.
    pub fn room(&self, policy: &CheckPolicy, cost: u8, now: Timestamp) -> Result<(), LockReason> {
        if self.in_a_row >= policy.in_a_row_max() {
            return Err(LockReason::Disabled);
        }
        let quota = Quota {
            count: policy.per_day(),
            span: DAY,
        };
        self.failures
            .room(quota, cost, now)
            .map_err(LockReason::DayUsedUp)
    }

    /// How many checks may still fail now before none is evaluated: 0 to 100.
    pub fn left(&self, policy: &CheckPolicy, now: Timestamp) -> u8 {
        let in_a_row = policy.in_a_row_max().saturating_sub(self.in_a_row);
        let fits = |cost: &u8| self.room(policy, *cost, now).is_ok();
        let today = (1..=policy.per_day()).take_while(fits).max();
        in_a_row.min(today.unwrap_or(0))
    }

    /// The moments of the failures that are kept, latest first.
    pub fn failures(&self) -> Vec<Timestamp> {
        self.failures.clone().into()
    }

    /// The same without failures of a time that has not come: they are from a clock that ran ahead. For budgets
    /// that a clock on the wall is asked for, beside others that a steady one counts.
    pub fn so_far(&self, now: Timestamp) -> Self {
        Self {
            failures: self.failures.until(now),
            in_a_row: self.in_a_row,
        }
    }

    /// The same with those failures put at this moment: they count from now on, for no longer than others.
    pub fn none_ahead(mut self, now: Timestamp) -> Self {
        self.failures.none_ahead(now);
        self
    }

    /// After a check that failed.
    pub fn failed(mut self, cost: u8, now: Timestamp) -> Self {
        self.failures.take(cost, now);
        self.in_a_row = self.in_a_row.saturating_add(1);
        self
    }

    /// After a check that succeeded: the row ends, what the day has used stays used.
    pub const fn succeeded(mut self) -> Self {
        self.in_a_row = 0;
        self
    }

    /// After the number was proved anew by other means: it is enabled again.
    pub const fn proved_anew(self) -> Self {
        self.succeeded()
    }

    /// How many failures there were since the last success: 0 to 255.
    pub const fn in_a_row(&self) -> u8 {
        self.in_a_row
    }

    /// Whether nothing of it matters enough to be kept: the day is over, and so is the row, or the row is
    /// [old](ROW_KEPT). What is disabled is kept for ever.
    pub fn is_idle(&self, policy: &CheckPolicy, now: Timestamp) -> bool {
        let kept = match self.in_a_row {
            0 => DAY,
            row if row >= policy.in_a_row_max() => return false,
            _ => ROW_KEPT,
        };
        self.failures.is_idle(kept, now)
    }
}

#[cfg(test)]
mod tests;
