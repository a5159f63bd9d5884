//! Pacing towards a carrier: segments a second (MPS) with a small burst, by [`crate::limit::gcra`]. A
//! clock that goes back neither blocks for long nor lets more through.

use crate::limit::gcra::Arrival;
use crate::time::Timestamp;

pub use crate::limit::gcra::Rate;

/// The state of one paced thing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pacer {
    arrival: Arrival,
    /// Segments that the last ones to go were more than might go.
    beyond: u32,
}

impl Pacer {
    /// A pacer at rest: the whole burst may go.
    pub const fn new() -> Self {
        Self {
            arrival: Arrival::REST,
            beyond: 0,
        }
    }

    /// How many segments may go now.
    pub fn available(&mut self, rate: Rate, now: Timestamp) -> u32 {
        // After the clock went back the arrival lies further ahead than any burst can put it.
        self.arrival = self.arrival.bounded(rate.and(self.beyond), now);
        self.arrival.available(rate, now)
    }

    /// Takes `count` segments. Call it only when [`Pacer::available`] allowed one; what is more than it
    /// allowed is owed, and nothing goes before it is paid.
    pub fn take(&mut self, rate: Rate, count: u32, now: Timestamp) {
        self.beyond = count.saturating_sub(self.arrival.available(rate, now));
        self.arrival = self.arrival.take(rate, count, now);
    }

    /// When a segment may go and leave `kept` of the burst; `now` or earlier when it may go at once.
    pub fn next(&self, rate: Rate, kept: u32) -> Timestamp {
        self.arrival.next_of(rate, kept.saturating_add(1))
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
        let next = pacer.next(rate, 0);
        assert_eq!(next, START.saturating_add(Duration::from_millis(100)));
        assert_eq!(pacer.available(rate, next), 1);
    }

    #[test]
    fn what_is_taken_beyond_the_burst_is_paid_before_the_next() {
        let rate = Rate::new(10, 1);
        let mut pacer = Pacer::default();
        let mut now = START;
        for _ in 0..3 {
            assert_eq!(pacer.available(rate, now), 1);
            pacer.take(rate, 10, now);
            // Who looks in between does not make the debt smaller.
            for millis in [1, 500, 999] {
                let early = now.saturating_add(Duration::from_millis(millis));
                assert_eq!(pacer.available(rate, early), 0);
            }
            now = pacer.next(rate, 0);
        }
        assert_eq!(now, START.saturating_add(Duration::from_secs(3)));
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
