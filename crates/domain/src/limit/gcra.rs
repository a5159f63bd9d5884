//! GCRA (ITU-T I.371 Annex A): a rate with a burst, kept in 8 octets. Contract: in any time t at most
//! `burst + rate × t` pass. The pace towards a carrier ([`crate::pace`]) is the same rule.

use core::time::Duration;

use crate::time::Timestamp;

/// Parts of a microsecond that the arithmetic counts in. 64 is the most that still reaches the last
/// [`Timestamp`] in a `u64`, so that not even a clock in the year 9999 stops the count.
const TICKS_PER_MICRO: u64 = 64;

/// A rate with a burst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Ticks between two of them, rounded up: never more than was asked for.
    interval: u64,
    burst: u32,
}

impl Rate {
    /// `count` a second (1 or more), of which `burst` (1 or more) may go at once.
    pub fn new(count: u32, burst: u32) -> Self {
        Self::per(count, Duration::from_secs(1), burst)
    }

    /// `count` (1 or more) in each `period`, of which `burst` (1 or more) may go at once.
    pub fn per(count: u32, period: Duration, burst: u32) -> Self {
        let interval = ticks_of(period).div_ceil(u64::from(count.max(1)));
        Self {
            interval: interval.max(1),
            burst: burst.max(1),
        }
    }

    /// How many may go at once after a rest.
    pub const fn burst(self) -> u32 {
        self.burst
    }

    /// The same rate with a longer burst.
    #[must_use]
    pub(crate) const fn and(self, more: u32) -> Self {
        Self {
            interval: self.interval,
            burst: self.burst.saturating_add(more),
        }
    }

    /// So many times the rate, and as many more at once. What a key owes, in time, stays what it is.
    #[must_use]
    pub(super) fn times(self, factor: u32) -> Self {
        Self {
            interval: self.interval.div_ceil(u64::from(factor.max(1))),
            burst: self.burst.saturating_mul(factor.max(1)),
        }
    }

    /// How long a spent burst takes to come back, rounded up to microseconds.
    pub fn refill(self) -> Duration {
        duration_of(self.capacity())
    }

    /// The most that a key may owe.
    fn capacity(self) -> u64 {
        self.cost(self.burst)
    }

    fn cost(self, count: u32) -> u64 {
        self.interval.saturating_mul(u64::from(count))
    }
}

/// The state of one key: the theoretical arrival time of its next. Zero is a key at rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arrival(u64);

impl Arrival {
    /// A key that owes nothing: the whole burst may go.
    pub const REST: Self = Self(0);

    /// The 8 octets to keep.
    pub const fn to_bits(self) -> u64 {
        self.0
    }

    /// What [`Arrival::to_bits`] gave.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// Whether it owes nothing, as a key never seen.
    pub fn is_at_rest(self, now: Timestamp) -> bool {
        self.debt(now) == 0
    }

    /// When it owes nothing any more, rounded up to microseconds.
    pub fn rest_at(self) -> Timestamp {
        Timestamp::from_micros(self.0.div_ceil(TICKS_PER_MICRO))
    }

    /// How many may go now.
    pub fn available(self, rate: Rate, now: Timestamp) -> u32 {
        let allowance = rate.capacity().saturating_sub(self.debt(now));
        u32::try_from(allowance / rate.interval).unwrap_or(rate.burst)
    }

    /// Whether `count` may go at once now, and how much of the burst would then be left, of how much: a
    /// fraction to compare keys by. The same as [`Arrival::wait`] being zero, without a division.
    #[inline]
    pub(super) fn room(self, rate: Rate, count: u32, now: Timestamp) -> (bool, u64, u64) {
        let capacity = rate.capacity();
        let owed = self.debt(now).saturating_add(rate.cost(count));
        (owed <= capacity, capacity.saturating_sub(owed), capacity)
    }

    /// The state after `count` went. It is counted even when it was more than was available: what has
    /// happened is owed.
    #[must_use]
    pub fn take(self, rate: Rate, count: u32, now: Timestamp) -> Self {
        Self(self.0.max(ticks(now)).saturating_add(rate.cost(count)))
    }

    /// How long until `count` may go at once; zero when they may go now, `None` when they are more than
    /// the burst and so may never go.
    pub fn wait(self, rate: Rate, count: u32, now: Timestamp) -> Option<Duration> {
        let room = rate.capacity().checked_sub(rate.cost(count))?;
        Some(duration_of(self.debt(now).saturating_sub(room)))
    }

    /// How long until one more may go than may go now; zero when the whole burst may.
    pub fn more(self, rate: Rate, now: Timestamp) -> Duration {
        let debt = self.debt(now);
        match debt.checked_sub(rate.capacity()) {
            Some(above) => duration_of(above.saturating_add(rate.interval)),
            None if debt == 0 => Duration::ZERO,
            None => duration_of((debt - 1) % rate.interval + 1),
        }
    }

    /// What this key and another one owe together.
    #[must_use]
    pub fn with(self, other: Self, now: Timestamp) -> Self {
        Self(self.0.max(ticks(now)).saturating_add(other.debt(now)))
    }

    /// The same number owed under another rate, rounded up, and at most a whole burst of it.
    #[must_use]
    pub fn under(self, old: Rate, new: Rate, now: Timestamp) -> Self {
        let scaled = (u128::from(self.debt(now)) * u128::from(new.interval))
            .div_ceil(u128::from(old.interval));
        let debt = u64::try_from(scaled)
            .unwrap_or(u64::MAX)
            .min(new.capacity());
        Self(ticks(now).saturating_add(debt))
    }

    /// The state cut to what `rate` lets a key owe at most, for a clock that went back.
    #[must_use]
    pub fn bounded(self, rate: Rate, now: Timestamp) -> Self {
        Self(self.0.min(ticks(now).saturating_add(rate.capacity())))
    }

    /// When one more may go; long past when it may go at once.
    pub fn next(self, rate: Rate) -> Timestamp {
        self.next_of(rate, 1)
    }

    /// When `count` may go at once, or the whole burst if that is less.
    pub fn next_of(self, rate: Rate, count: u32) -> Timestamp {
        let room = rate.capacity().saturating_sub(rate.cost(count));
        Timestamp::from_micros(self.0.saturating_sub(room).div_ceil(TICKS_PER_MICRO))
    }

    fn debt(self, now: Timestamp) -> u64 {
        self.0.saturating_sub(ticks(now))
    }
}

fn ticks(now: Timestamp) -> u64 {
    now.micros().saturating_mul(TICKS_PER_MICRO)
}

fn ticks_of(duration: Duration) -> u64 {
    let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    micros.saturating_mul(TICKS_PER_MICRO)
}

fn duration_of(ticks: u64) -> Duration {
    Duration::from_micros(ticks.div_ceil(TICKS_PER_MICRO))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    use super::*;

    const START: Timestamp = Timestamp::from_seconds(1_764_064_800);

    /// Every moment at which something went, against the contract over every stretch of them.
    fn assert_contract(went: &[(u64, u32)], count: u32, period: u64, burst: u32) {
        for (first, (from, _)) in went.iter().enumerate() {
            let mut sum = 0_u128;
            for (until, amount) in went.iter().skip(first) {
                sum += u128::from(*amount);
                let earned = u128::from(until - from) * u128::from(count) / u128::from(period);
                assert!(
                    sum <= u128::from(burst) + earned,
                    "{sum} > {burst} + {earned}"
                );
            }
        }
    }

    proptest! {
        #[test]
        fn never_more_than_burst_plus_rate_times_time(
            steps in proptest::collection::vec((0_u64..400_000, 1_u32..5), 1..120),
            count in 1_u32..50,
            period in 1_000_u64..3_000_000,
            burst in 1_u32..9,
        ) {
            let rate = Rate::per(count, Duration::from_micros(period), burst);
            let (mut state, mut at, mut went) = (Arrival::REST, START, Vec::new());
            for (pause, amount) in steps {
                at = at.saturating_add(Duration::from_micros(pause));
                let free = state.available(rate, at);
                prop_assert_eq!(state.wait(rate, amount, at) == Some(Duration::ZERO), amount <= free);
                prop_assert_eq!(state.room(rate, amount, at).0, amount <= free);
                if amount <= free {
                    state = state.take(rate, amount, at);
                    went.push((at.micros(), amount));
                }
            }
            assert_contract(&went, count, period, burst);
        }

        #[test]
        fn what_is_told_to_wait_may_go_then_and_not_before(
            taken in 1_u32..9, amount in 1_u32..9, count in 1_u32..50, ago in 0_u64..5_000_000,
        ) {
            let rate = Rate::new(count, 8);
            let now = START.saturating_add(Duration::from_micros(ago));
            let state = Arrival::REST.take(rate, taken, START);
            let wait = state.wait(rate, amount, now).unwrap();
            prop_assert!(amount <= state.available(rate, now.saturating_add(wait)));
            if wait > Duration::ZERO {
                let early = now.saturating_add(wait.saturating_sub(Duration::from_micros(1)));
                prop_assert!(amount > state.available(rate, early));
            }
            prop_assert_eq!(state.wait(rate, 9, now), None);
            let more = state.more(rate, now);
            let free = state.available(rate, now);
            if free < 8 {
                prop_assert!(state.available(rate, now.saturating_add(more)) == free + 1);
            } else {
                prop_assert_eq!(more, Duration::ZERO);
            }
        }

        #[test]
        fn another_rate_keeps_what_was_used(
            used in 0_u32..50, old in 1_u32..1000, new in 1_u32..1000, burst in 1_u32..60,
        ) {
            let (old, new) = (Rate::new(old, 50), Rate::new(new, burst));
            let state = Arrival::REST.take(old, used, START).under(old, new, START);
            let left = burst.saturating_sub(used);
            prop_assert_eq!(state.available(new, START), left);
        }
    }

    #[test]
    fn the_last_moment_there_is_still_has_a_limit() {
        let rate = Rate::new(1, 2);
        let state = Arrival::REST.take(rate, 2, Timestamp::MAX);
        assert_eq!(state.available(rate, Timestamp::MAX), 0);
    }
}
