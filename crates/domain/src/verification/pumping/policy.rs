//! The settings of the guard, with the figures of the field as defaults.

use serde::{Deserialize, Serialize};

use super::history::{Count, DAYS, HOUR, HOURS, History, Window};
use super::safe_list::SafeList;
use crate::time::Timestamp;

/// Whether findings refuse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// They do.
    #[default]
    Enforce,
    /// They are told, and the send goes ahead: to try a policy on live traffic.
    Record,
}

/// How many codes may go unused in a window. Both must hold for a finding: more than allowed went unused, and
/// less than the given share was used, so that busy honest traffic with its usual quarter to third of
/// unused codes is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threshold {
    /// So many at least.
    pub floor: u32,
    /// And so many percent of what succeeds on the best of the last 14 days, or now.
    pub baseline_percent: u32,
    /// No finding when so many percent of the codes were used.
    pub conversion_percent: u32,
}

impl Threshold {
    /// How many may go unused, given how many succeed usually.
    pub(super) fn allowed(self, baseline: u32) -> u32 {
        let share = u64::from(baseline) * u64::from(self.baseline_percent) / 100;
        u32::try_from(share).unwrap_or(u32::MAX).max(self.floor)
    }

    /// Whether one more send would be one too many.
    pub(super) fn is_exceeded(self, used: Count, allowed: u32) -> bool {
        let next = used.with_one_more();
        next.unverified() > allowed && next.converts_below(self.conversion_percent)
    }
}

/// How many numbers side by side may wait for their first success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Adjacent {
    /// So many in a block of 100 within ten minutes are too many.
    pub in_block: u32,
    /// So many in a span of 50 within a day are too many.
    pub in_span: u32,
}

/// The settings.
#[derive(Clone, Debug)]
pub struct PumpingPolicy {
    /// Whether findings refuse.
    pub mode: Mode,
    /// Client and country, the last 24 hours.
    pub country_day: Threshold,
    /// Client and country, the last hour; its baseline is a sixth of the best day.
    pub country_hour: Threshold,
    /// Client and country, codes that can still be typed in; its baseline is that of the hour.
    pub country_open: Threshold,
    /// Prefix, the last 15 minutes.
    pub prefix_quarter: Threshold,
    /// Prefix, the last hour.
    pub prefix_hour: Threshold,
    /// Prefix, the last 24 hours.
    pub prefix_day: Threshold,
    /// Numbers side by side, for each client.
    pub adjacent: Adjacent,
    /// How long a prefix is blocked, in seconds.
    pub block_seconds: u64,
    /// Numbers that are never refused.
    pub safe_list: SafeList,
}

/// A prefix that has so many successes in two weeks, and converts as well as its country must, speaks for
/// itself when the country is refused.
const VOUCHING_SUCCESSES: u32 = 3;

/// So many codes must have ended in a window before they say anything of those that have not: few in an hour, so
/// that a pumper who takes his time is judged as if no code were open; more in a day and in two weeks, so that
/// a developer's first tries do not speak against the first users.
const ENDED_TO_JUDGE: [(Window, u32); 3] = [(HOUR, 5), (HOURS, 10), (DAYS, 20)];

impl Default for PumpingPolicy {
    /// Country: more than 20 a day or 10 an hour unused, and 30 or 20 percent of what succeeds usually, while
    /// less than 35 percent is used; and no more than 300, or 20 percent of what succeeds usually, that
    /// can still be typed in. Prefix: 20 in 15 minutes, 30 in an hour or 40 in a day unused, while less
    /// than 10 percent is used. Blocks last 12 hours.
    fn default() -> Self {
        let country = |floor, baseline_percent| Threshold {
            floor,
            baseline_percent,
            conversion_percent: 35,
        };
        let prefix = |floor, baseline_percent| Threshold {
            floor,
            baseline_percent,
            conversion_percent: 10,
        };
        Self {
            mode: Mode::default(),
            country_day: country(20, 30),
            country_hour: country(10, 20),
            country_open: country(300, 20),
            prefix_quarter: prefix(20, 0),
            prefix_hour: prefix(30, 100),
            prefix_day: prefix(40, 200),
            adjacent: Adjacent {
                in_block: 8,
                in_span: 10,
            },
            block_seconds: 12 * 60 * 60,
            safe_list: SafeList::default(),
        }
    }
}

impl PumpingPolicy {
    /// Whether hardly any code to a prefix is used.
    pub(super) fn prefix_conversion_is_poor(&self, used: Count) -> bool {
        let percent = self.prefix_day.conversion_percent;
        used.with_one_more().converts_below(percent)
    }

    /// Whether the codes of a client to a country that have ended speak against those that can still be typed
    /// in: there are enough of them, and too few were used.
    pub(super) fn distrusts(&self, history: &History, now: Timestamp) -> bool {
        let percent = self.country_day.conversion_percent;
        ENDED_TO_JUDGE.into_iter().any(|(window, enough)| {
            let ended = history.ended(window, now);
            ended.sent >= enough && ended.converts_below(percent)
        })
    }

    /// Whether a prefix does well enough to be spared when its country is refused.
    pub(super) fn vouches(&self, used: Count) -> bool {
        let percent = self.country_day.conversion_percent;
        used.verified >= VOUCHING_SUCCESSES && !used.converts_below(percent)
    }
}
