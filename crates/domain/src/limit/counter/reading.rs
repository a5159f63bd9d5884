//! What a limit makes of a request at one moment, before anything is taken.

use core::time::Duration;

use crate::limit::concurrency::Slots;
use crate::limit::dimension::Level;
use crate::limit::gcra::{Arrival, Rate};
use crate::limit::table::Entry;
use crate::limit::window::{Cell, Window};
use crate::time::Timestamp;

/// When to ask again for a slot that somebody holds: nobody knows, so soon.
const SLOT_HINT: Duration = Duration::from_secs(1);

/// What a limit makes of a request.
#[derive(Debug)]
pub(in crate::limit) struct Reading {
    /// Which of the book's limits.
    pub(in crate::limit) limit: usize,
    /// At which level it is counted.
    pub(in crate::limit) level: Level,
    /// Where its key lies, when that is live.
    pub(in crate::limit) found: Option<usize>,
    /// The key's entry; for a newcomer one that owes what its coarser keys owe.
    pub(in crate::limit) entry: Entry,
    /// For a newcomer to a quota, the cells of its coarser keys.
    pub(in crate::limit) inherited: Vec<Cell>,
    /// What the request counts for.
    pub(in crate::limit) amount: u64,
    /// Whether the request fits.
    pub(in crate::limit) fits: bool,
    /// What would be left after it, and of how much: a fraction to compare limits by, for slots and
    /// quotas in what they count.
    pub(in crate::limit) left: u64,
    pub(in crate::limit) most: u64,
}

/// How a key stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::limit) struct Standing {
    /// What is left.
    pub(in crate::limit) remaining: u64,
    /// How long until there is more; zero when all is there.
    pub(in crate::limit) reset: Duration,
    /// How long until this request fits: zero for now, `None` for never.
    pub(in crate::limit) wait: Option<Duration>,
}

impl Default for Reading {
    fn default() -> Self {
        Self {
            limit: 0,
            level: Level::Own,
            found: None,
            entry: Entry::default(),
            inherited: Vec::new(),
            amount: 0,
            fits: false,
            left: 0,
            most: 0,
        }
    }
}

impl Reading {
    /// Whether another of the same book has a smaller part left.
    pub(in crate::limit) fn is_tighter_than(&self, other: &Self) -> bool {
        u128::from(self.left) * u128::from(other.most)
            < u128::from(other.left) * u128::from(self.most)
    }
}

impl Standing {
    pub(super) fn of_rate(rate: Rate, arrival: Arrival, count: u32, now: Timestamp) -> Self {
        Self {
            remaining: u64::from(arrival.available(rate, now)),
            reset: arrival.more(rate, now),
            wait: arrival.wait(rate, count, now),
        }
    }

    pub(super) fn of_quota(window: Window, cells: &[Cell], amount: u64, now: Timestamp) -> Self {
        Self {
            remaining: window.quota().saturating_sub(window.used(cells, now)),
            reset: window.more(cells, now),
            wait: window.wait(cells, amount, now),
        }
    }

    pub(super) fn of_held(slots: Slots, left: u64, amount: u64) -> Self {
        let is_free = left == u64::from(slots.most());
        Self {
            remaining: left,
            reset: if is_free { Duration::ZERO } else { SLOT_HINT },
            wait: match amount {
                _ if amount <= left => Some(Duration::ZERO),
                _ if amount <= u64::from(slots.most()) => Some(SLOT_HINT),
                _ => None,
            },
        }
    }
}
