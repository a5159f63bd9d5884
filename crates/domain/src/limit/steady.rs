//! A clock that only goes forward, made of one that may be set. Counts live in steady time: a wall
//! clock set back gives nothing again and blocks nothing for long, one set forward gives what the time
//! it skipped would have given, and no more.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// How far back the wall clock may seem to go without having been set: commands read it and then wait
/// for their turn, so their moments arrive a little out of order. Meanwhile steady time stands still.
/// In microseconds.
const JITTER: u64 = 5_000_000;

/// The most that steady time goes forward at once: more than any window, so that a leap frees every
/// limit, and so little that a clock set to the year 9999 does not use up all the time there is. In
/// microseconds.
const LONGEST_STEP: u64 = 400 * 24 * 3_600 * 1_000_000;

/// Steady time. Starts with the first moment it is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Steady {
    /// The latest wall time, or the one the clock was set back to.
    wall: Option<Timestamp>,
    /// Steady time at that moment.
    at: Option<Timestamp>,
}

impl Steady {
    /// Steady time at wall time `now`, which is noted.
    pub fn tell(&mut self, now: Timestamp) -> Timestamp {
        let at = self.peek(now);
        let was_set_back = self
            .wall
            .is_some_and(|wall| wall.micros() > now.micros().saturating_add(JITTER));
        if was_set_back || self.wall.is_none_or(|wall| wall < now) {
            self.wall = Some(now);
        }
        self.at = Some(at);
        at
    }

    /// The latest steady time told; the beginning of time when none was.
    pub(super) fn last(&self) -> Timestamp {
        self.at.unwrap_or(Timestamp::EPOCH)
    }

    /// Steady time at wall time `now`, which is not noted.
    pub fn peek(&self, now: Timestamp) -> Timestamp {
        match (self.wall, self.at) {
            (Some(wall), Some(at)) => {
                let step = now.micros().saturating_sub(wall.micros());
                Timestamp::from_micros(at.micros().saturating_add(step.min(LONGEST_STEP)))
            }
            _ => now,
        }
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use proptest::prelude::{prop_assert, proptest};

    use super::*;

    const START: Timestamp = Timestamp::from_seconds(1_764_064_800);

    #[test]
    fn a_clock_set_back_goes_on_from_there() {
        let mut steady = Steady::default();
        assert_eq!(steady.tell(START), START);
        let back = START.saturating_sub(Duration::from_hours(1));
        assert_eq!(steady.tell(back), START);
        let later = back.saturating_add(Duration::from_secs(2));
        assert_eq!(
            steady.tell(later),
            START.saturating_add(Duration::from_secs(2))
        );
    }

    #[test]
    fn moments_out_of_order_do_not_make_time_run_faster() {
        let mut steady = Steady::default();
        steady.tell(START);
        for round in 1..=1_000_u32 {
            let ahead = START.saturating_add(Duration::from_millis(1) * round);
            steady.tell(ahead);
            steady.tell(ahead.saturating_sub(Duration::from_millis(500)));
        }
        let end = START.saturating_add(Duration::from_secs(1));
        assert_eq!(steady.peek(end), end);
    }

    #[test]
    fn the_year_9999_does_not_use_up_all_time() {
        let mut steady = Steady::default();
        steady.tell(START);
        steady.tell(Timestamp::MAX);
        let at = steady.tell(START);
        assert!(at < Timestamp::MAX);
        let later = START.saturating_add(Duration::from_secs(1));
        assert!(steady.tell(later) > at, "time goes on");
    }

    proptest! {
        #[test]
        fn steady_time_never_goes_back(walls in proptest::collection::vec(0_u64..10_000_000_000, 1..50)) {
            let mut steady = Steady::default();
            let mut last = Timestamp::EPOCH;
            for wall in walls {
                let at = steady.tell(Timestamp::from_micros(wall));
                prop_assert!(at >= last);
                last = at;
            }
        }
    }
}
