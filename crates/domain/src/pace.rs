//! Pacing towards a carrier by GCRA (ITU-T I.371 Annex A): segments a second (MPS) with a small
//! burst. Contract: in any time t at most `burst + rate × t` segments pass. A clock that goes back
//! neither blocks for long nor lets more through.

use crate::time::Timestamp;

/// A rate towards a carrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    interval_nanos: u64,
    burst: u32,
}

impl Rate {
    /// `mps` segments a second (1 or more), of which `burst` (1 or more) may go at once.
    pub fn new(mps: u32, burst: u32) -> Self {
        Self {
            interval_nanos: 1_000_000_000 / u64::from(mps.max(1)),
            burst: burst.max(1),
        }
    }

    /// The longest that a pacer at rest can owe.
    fn tolerance_nanos(self) -> u64 {
        self.interval_nanos
            .saturating_mul(u64::from(self.burst - 1))
    }
}

/// The state of one paced thing: its theoretical arrival time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pacer {
    arrival_nanos: u64,
}

fn nanos(now: Timestamp) -> u64 {
    now.micros().saturating_mul(1_000)
}

impl Pacer {
    /// A pacer at rest: the whole burst may go.
    pub const fn new() -> Self {
        Self { arrival_nanos: 0 }
    }

    /// How many segments may go now.
    pub fn available(&mut self, rate: Rate, now: Timestamp) -> u32 {
        let now = nanos(now);
        let ceiling = now
            .saturating_add(rate.tolerance_nanos())
            .saturating_add(rate.interval_nanos);
        // After the clock went back the arrival lies further ahead than any burst can put it.
        self.arrival_nanos = self.arrival_nanos.min(ceiling);
        let allowance = now
            .saturating_add(rate.tolerance_nanos())
            .saturating_sub(self.arrival_nanos.max(now));
        if self.arrival_nanos > now.saturating_add(rate.tolerance_nanos()) {
            return 0;
        }
        let count = (allowance / rate.interval_nanos.max(1)).saturating_add(1);
        u32::try_from(count).unwrap_or(u32::MAX).min(rate.burst)
    }

    /// Takes `count` segments. Call it only with what [`Pacer::available`] allowed.
    pub fn take(&mut self, rate: Rate, count: u32, now: Timestamp) {
        let start = self.arrival_nanos.max(nanos(now));
        self.arrival_nanos =
            start.saturating_add(rate.interval_nanos.saturating_mul(u64::from(count)));
    }

    /// When the next segment may go; `now` or earlier when it may go at once.
    pub fn next(&self, rate: Rate) -> Timestamp {
        let nanos = self.arrival_nanos.saturating_sub(rate.tolerance_nanos());
        Timestamp::from_micros(nanos.div_ceil(1_000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;

    const START: Timestamp = Timestamp::from_seconds(1_764_064_800);

    #[test]
    fn never_more_than_burst_plus_rate_times_time() {
        let rate = Rate::new(100, 10);
        let mut pacer = Pacer::default();
        let mut sent = 0;
        for step in 0..2_000_u32 {
            let now = START.saturating_add(Duration::from_millis(1) * step);
            let count = pacer.available(rate, now).min(3);
            pacer.take(rate, count, now);
            sent += count;
            let bound = 10 + (100 * step).div_ceil(1_000);
            assert!(sent <= bound, "{sent} > {bound} at step {step}");
        }
        assert!(sent >= 200, "{sent}: the rate must be reached");
    }

    #[test]
    fn next_tells_when_a_segment_may_go() {
        let rate = Rate::new(10, 1);
        let mut pacer = Pacer::default();
        assert_eq!(pacer.available(rate, START), 1);
        pacer.take(rate, 1, START);
        assert_eq!(pacer.available(rate, START), 0);
        let next = pacer.next(rate);
        assert_eq!(next, START.saturating_add(Duration::from_millis(100)));
        assert_eq!(pacer.available(rate, next), 1);
    }

    #[test]
    fn a_clock_that_goes_back_does_not_block() {
        let rate = Rate::new(10, 1);
        let mut pacer = Pacer::default();
        pacer.take(rate, 1, START);
        let earlier = START.saturating_sub(Duration::from_hours(1));
        assert_eq!(pacer.available(rate, earlier), 0);
        assert_eq!(
            pacer.available(rate, earlier.saturating_add(Duration::from_millis(100))),
            1
        );
    }
}
