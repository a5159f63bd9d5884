//! The time that limits, budgets and the guard against pumping count in. In a process it is that of a clock nobody can set; only a start asks the
//! wall clock, for how long the process was away. So setting the clock, back and forth and as often as one
//! likes, gives nobody a limit back and locks nobody out.

use std::time::Duration;

use domain::time::{Moment, Timestamp};
use serde::{Deserialize, Serialize};

use crate::gateway::Gateway;

impl Gateway {
    /// The time of the clock that nobody sets. It begins with what was kept together with the counts of limits.
    pub(crate) fn steady(&self) -> Timestamp {
        let uptime = self.uptime();
        let time = self.steady.get_or_init(|| {
            let kept = self.kept_counts().and_then(|kept| kept.time());
            SteadyTime::begin(kept, self.now(), uptime)
        });
        time.at(uptime)
    }

    /// A moment of the wall clock with what the steady one shows now.
    pub(crate) fn moment(&self, wall: Timestamp) -> Moment {
        let steady = self.steady();
        Moment { wall, steady }
    }
}

/// The longest that a process is taken to have been away: longer than any window, so that all counts are
/// at rest after it, and so short that a clock in the year 9999 leaves time to go on.
const AWAY_MAX: Duration = Duration::from_hours(400 * 24);

/// Where steady time stands, as it is kept over a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeptTime {
    /// Steady time.
    steady: Timestamp,
    /// The latest the wall clock can have shown by then, of all that it showed. Away is what lies after it.
    wall: Timestamp,
}

/// Steady time in one process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SteadyTime {
    /// The uptime at which the process began to count.
    began: Duration,
    /// What was known then.
    start: KeptTime,
}

impl SteadyTime {
    /// Goes on from what was kept, by at most what the wall clock says passed; from the wall clock when
    /// nothing was.
    pub(crate) fn begin(kept: Option<KeptTime>, wall: Timestamp, uptime: Duration) -> Self {
        let kept = kept.unwrap_or(KeptTime { steady: wall, wall });
        let start = KeptTime {
            steady: kept.steady_at(wall),
            wall: kept.wall.max(wall),
        };
        Self {
            began: uptime,
            start,
        }
    }

    /// Steady time at an uptime.
    pub(crate) fn at(&self, uptime: Duration) -> Timestamp {
        self.start.steady.saturating_add(self.ran(uptime))
    }

    /// What to keep.
    pub(crate) fn kept(&self, wall: Timestamp, uptime: Duration) -> KeptTime {
        let at_least = self.start.wall.saturating_add(self.ran(uptime));
        KeptTime {
            steady: self.at(uptime),
            wall: at_least.max(wall),
        }
    }

    const fn ran(&self, uptime: Duration) -> Duration {
        uptime.saturating_sub(self.began)
    }
}

impl KeptTime {
    fn steady_at(&self, wall: Timestamp) -> Timestamp {
        let away = wall.since(self.wall).min(AWAY_MAX);
        self.steady.saturating_add(away)
    }
}

/// Steady times of what was accepted before a start and is counted again, in its order: between what was
/// kept and the start, and never back.
#[derive(Debug)]
pub(crate) struct Replayed {
    kept: Option<KeptTime>,
    start: Timestamp,
    last: Timestamp,
}

impl Replayed {
    pub(crate) const fn new(kept: Option<KeptTime>, begun: &SteadyTime) -> Self {
        Self {
            kept,
            start: begun.start.steady,
            last: Timestamp::EPOCH,
        }
    }

    /// The steady time of what was accepted at a time of the wall clock.
    pub(crate) fn at(&mut self, wall: Timestamp) -> Timestamp {
        let at = self.kept.map_or(wall, |kept| kept.steady_at(wall));
        self.last = self.last.max(at.min(self.start));
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_seconds(1_764_064_800);
    const HOUR: Duration = Duration::from_hours(1);
    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_start_goes_on_by_what_the_wall_says_passed() {
        let first = SteadyTime::begin(None, START, HOUR);
        assert_eq!(first.at(HOUR * 2), START.saturating_add(HOUR));
        let kept = first.kept(START.saturating_add(HOUR), HOUR * 2);
        let later = START.saturating_add(HOUR * 3);
        let second = SteadyTime::begin(Some(kept), later, SECOND);
        assert_eq!(second.at(SECOND), later);
    }

    #[test]
    fn a_clock_that_is_wrong_at_some_starts_and_right_at_others_gives_nothing() {
        let mut wall = START;
        let mut kept = SteadyTime::begin(None, wall, SECOND).kept(wall, SECOND);
        for round in 0..10 {
            wall = wall.saturating_add(SECOND);
            let shown = match round % 2 {
                0 => wall.saturating_sub(HOUR * 2),
                _ => wall,
            };
            let begun = SteadyTime::begin(Some(kept), shown, SECOND);
            kept = begun.kept(shown, SECOND);
        }
        assert!(kept.steady.since(START) <= SECOND * 10, "{kept:?}");
    }

    #[test]
    fn a_clock_that_ran_ahead_gives_that_once_and_time_goes_on() {
        let ahead = START.saturating_add(HOUR * 300);
        let kept = SteadyTime::begin(None, START, SECOND).kept(START, SECOND);
        let wrong = SteadyTime::begin(Some(kept), ahead, SECOND).kept(ahead, SECOND);
        let right = SteadyTime::begin(Some(wrong), START, SECOND);
        assert_eq!(right.at(SECOND), ahead, "not again");
        assert_eq!(
            right.at(HOUR + SECOND),
            ahead.saturating_add(HOUR),
            "no lock-out"
        );
    }

    #[test]
    fn what_is_counted_again_lies_before_the_start_and_in_its_order() {
        let kept = SteadyTime::begin(None, START, SECOND).kept(START, SECOND);
        let begun = SteadyTime::begin(Some(kept), START.saturating_add(SECOND * 9), SECOND);
        let mut replayed = Replayed::new(Some(kept), &begun);
        let mut at = |seconds| replayed.at(START.saturating_add(SECOND * seconds));
        assert_eq!(at(3), START.saturating_add(SECOND * 3));
        assert_eq!(at(7_200), START.saturating_add(SECOND * 9), "a leap");
        assert_eq!(at(5), START.saturating_add(SECOND * 9), "and back");
    }
}
