//! Exact sliding windows: never more than so many in any span, whatever the clock does. Kept are the latest
//! moments, not the last ones noted, so that a clock that goes back finds every later moment still
//! counted, and no jump forward and back makes room.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// The most moments that are kept, and so the most that a quota may allow. It is the bound of NIST SP
/// 800-63B-4 section 3.2.2, and 800 octets for a number that uses all of it.
pub const MOMENTS_MAX: u8 = 100;

/// At most `count` in any `span`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// How many: 1 to [`MOMENTS_MAX`].
    pub count: u8,
    /// In what time.
    pub span: Duration,
}

/// The moments at which something was taken, latest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Timestamp>", into = "Vec<Timestamp>")]
pub struct SlidingLog {
    moments: Vec<Timestamp>,
}

impl SlidingLog {
    /// Whether `cost` more fit into the quota; if not, after how long they will. A cost beyond the
    /// whole quota counts as the whole quota.
    pub fn room(&self, quota: Quota, cost: u8, now: Timestamp) -> Result<(), Duration> {
        let spared = quota.count.saturating_sub(cost);
        // The one that must have left the window for the cost to fit.
        let Some(pressing) = self.moments.get(usize::from(spared)) else {
            return Ok(());
        };
        if now.since(*pressing) >= quota.span {
            return Ok(());
        }
        Err(pressing.saturating_add(quota.span).since(now))
    }

    /// Notes `cost` at this moment.
    pub fn take(&mut self, cost: u8, now: Timestamp) {
        let place = self.moments.partition_point(|moment| *moment > now);
        let taken = core::iter::repeat_n(now, usize::from(cost));
        self.moments.splice(place..place, taken);
        self.moments.truncate(usize::from(MOMENTS_MAX));
    }

    /// The same without what lies ahead.
    pub fn until(&self, now: Timestamp) -> Self {
        let moments = self.moments.iter().copied();
        Self {
            moments: moments.filter(|moment| *moment <= now).collect(),
        }
    }

    /// Puts what lies ahead at this moment.
    pub fn none_ahead(&mut self, now: Timestamp) {
        for moment in &mut self.moments {
            *moment = now.min(*moment);
        }
    }

    /// The latest moment noted.
    pub fn latest(&self) -> Option<Timestamp> {
        self.moments.first().copied()
    }

    /// Whether every moment lies at least a span back.
    pub fn is_idle(&self, span: Duration, now: Timestamp) -> bool {
        self.latest().is_none_or(|latest| now.since(latest) >= span)
    }
}

impl From<Vec<Timestamp>> for SlidingLog {
    fn from(mut moments: Vec<Timestamp>) -> Self {
        moments.sort_unstable_by(|left, right| right.cmp(left));
        moments.truncate(usize::from(MOMENTS_MAX));
        Self { moments }
    }
}

impl From<SlidingLog> for Vec<Timestamp> {
    fn from(log: SlidingLog) -> Self {
        log.moments
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    const QUOTA: Quota = Quota {
        count: 3,
        span: Duration::from_secs(100),
    };

    #[test]
    fn a_place_is_free_again_when_its_moment_leaves_the_window() {
        let mut log = SlidingLog::default();
        for second in [10, 20, 30] {
            assert_eq!(log.room(QUOTA, 1, at(second)), Ok(()));
            log.take(1, at(second));
        }
        assert_eq!(log.room(QUOTA, 1, at(30)), Err(Duration::from_secs(80)));
        assert_eq!(log.room(QUOTA, 1, at(109)), Err(Duration::from_secs(1)));
        assert_eq!(log.room(QUOTA, 1, at(110)), Ok(()));
        assert_eq!(log.room(QUOTA, 2, at(110)), Err(Duration::from_secs(10)));
        assert_eq!(log.room(QUOTA, 9, at(129)), Err(Duration::from_secs(1)));
    }

    #[test]
    fn a_clock_that_jumps_forward_and_back_makes_no_room() {
        let mut log = SlidingLog::default();
        log.take(3, at(1_000));
        assert_eq!(log.room(QUOTA, 1, at(10)), Err(Duration::from_secs(1_090)));
        assert!(!log.is_idle(QUOTA.span, at(10)));
        assert!(log.is_idle(QUOTA.span, at(1_100)));
    }

    #[test]
    fn a_log_keeps_a_hundred_moments_and_comes_back_in_order() {
        let mut log = SlidingLog::default();
        for second in 0..300 {
            log.take(1, at(second * 7 % 300));
        }
        let json = serde_json::to_string(&log).unwrap();
        assert_eq!(serde_json::from_str::<SlidingLog>(&json).unwrap(), log);
        let moments = Vec::from(log);
        assert_eq!(moments.len(), 100);
        let shuffled: Vec<Timestamp> = moments.iter().rev().copied().collect();
        assert_eq!(Vec::from(SlidingLog::from(shuffled)), moments);
    }

    #[test]
    fn what_lies_ahead_counts_from_now_on_for_a_span_and_no_longer() {
        let mut log = SlidingLog::default();
        log.take(2, at(50));
        log.take(1, at(31_536_000));
        assert_eq!(Vec::from(log.until(at(60))), [at(50); 2]);
        log.none_ahead(at(60));
        assert_eq!(Vec::from(log.clone()), [at(60), at(50), at(50)]);
        assert_eq!(log.room(QUOTA, 1, at(60)), Err(Duration::from_secs(90)));
        assert_eq!(log.room(QUOTA, 3, at(160)), Ok(()));
    }

    proptest! {
        /// The model remembers everything and looks at every window.
        #[test]
        fn no_window_ever_holds_more_than_the_quota_whatever_the_clock_says(
            steps in vec((0_u64..400, 1_u8..=3), 1..80),
        ) {
            let mut log = SlidingLog::default();
            let mut taken: Vec<u64> = Vec::new();
            for (second, cost) in steps {
                if log.room(QUOTA, cost, at(second)).is_ok() {
                    log.take(cost, at(second));
                    taken.extend(core::iter::repeat_n(second, usize::from(cost)));
                }
            }
            for start in &taken {
                let held = taken.iter().filter(|second| (*start..start + 100).contains(second));
                prop_assert!(held.count() <= 3, "from second {start}");
            }
        }

        #[test]
        fn with_an_honest_clock_nothing_is_refused_that_the_quota_allows(
            waits in vec(0_u64..60, 1..80),
        ) {
            let mut log = SlidingLog::default();
            let mut taken: Vec<u64> = Vec::new();
            let mut second = 0;
            for wait in waits {
                second += wait;
                let held = taken.iter().filter(|earlier| **earlier + 100 > second).count();
                let admitted = log.room(QUOTA, 1, at(second)).is_ok();
                prop_assert_eq!(admitted, held < 3);
                if admitted {
                    log.take(1, at(second));
                    taken.push(second);
                }
            }
        }
    }
}
