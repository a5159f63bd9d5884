//! How much was sent and verified: the last 15 minutes by fives, the last 75 minutes by quarters, the last 25
//! hours by hours and the last 15 days by days. Each is a list of the steps in which anything happened,
//! newest first.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::shared::{Counted, Harm};
use crate::time::Timestamp;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A code was sent.
    Sent,
    /// A verification succeeded.
    Verified,
}

/// Sends and successes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// Verifications for which a code was sent.
    pub sent: u32,
    /// Verifications that succeeded.
    pub verified: u32,
}

impl Count {
    /// Those for which a code was sent and not used.
    pub const fn unverified(self) -> u32 {
        self.sent.saturating_sub(self.verified)
    }

    /// The same with one more send.
    pub(super) const fn with_one_more(self) -> Self {
        Self {
            sent: self.sent.saturating_add(1),
            verified: self.verified,
        }
    }

    /// Whether less than so many percent of what was sent succeeded. Of nothing, nothing did.
    pub(super) fn converts_below(self, percent: u32) -> bool {
        let (sent, verified) = (u64::from(self.sent), u64::from(self.verified));
        verified * 100 < sent * u64::from(percent)
    }

    pub(super) const fn plus(self, other: Self) -> Self {
        Self {
            sent: self.sent.saturating_add(other.sent),
            verified: self.verified.saturating_add(other.verified),
        }
    }

    pub(super) const fn add(&mut self, event: Event) {
        match event {
            Event::Sent => self.sent = self.sent.saturating_add(1),
            Event::Verified => self.verified = self.verified.saturating_add(1),
        }
    }
}

/// A stretch of time up to now: the step that has begun and some before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    steps: Steps,
    count: u64,
}

/// The length of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Steps {
    Fives,
    Quarters,
    Hours,
    Days,
}

/// The last ten minutes: as long as a code may be valid at most (NIST SP 800-63B-4 section 3.1.3.2), so that
/// none of what was sent before is open any more.
pub(super) const OPEN: Window = Window {
    steps: Steps::Fives,
    count: 2,
};

/// The last 15 minutes.
pub(super) const QUARTER: Window = Window {
    steps: Steps::Quarters,
    count: 1,
};

/// The last hour.
pub(super) const HOUR: Window = Window {
    steps: Steps::Quarters,
    count: 4,
};

/// The last 24 hours.
pub(super) const HOURS: Window = Window {
    steps: Steps::Hours,
    count: 24,
};

/// The last 14 days.
pub(super) const DAYS: Window = Window {
    steps: Steps::Days,
    count: 14,
};

impl Window {
    /// Its length.
    pub(super) const fn span(self) -> Duration {
        Duration::from_secs(self.steps.seconds().saturating_mul(self.count))
    }
}

impl Steps {
    const fn seconds(self) -> u64 {
        match self {
            Self::Fives => 300,
            Self::Quarters => 900,
            Self::Hours => 3_600,
            Self::Days => 86_400,
        }
    }

    /// How many full steps are kept besides the one that has begun.
    const fn kept(self) -> u64 {
        match self {
            Self::Fives => OPEN.count,
            Self::Quarters => HOUR.count,
            Self::Hours => HOURS.count,
            Self::Days => DAYS.count,
        }
    }

    const fn index(self, now: Timestamp) -> u64 {
        now.seconds() / self.seconds()
    }
}

/// The counts of one client and country, or of one prefix.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct History {
    #[serde(default)]
    fives: Vec<(u64, Count)>,
    quarters: Vec<(u64, Count)>,
    hours: Vec<(u64, Count)>,
    days: Vec<(u64, Count)>,
}

impl History {
    /// Counts an event. Time must not go back between two calls.
    pub(super) fn add(&mut self, event: Event, now: Timestamp) {
        for steps in [Steps::Fives, Steps::Quarters, Steps::Hours, Steps::Days] {
            let (index, list) = (steps.index(now), self.list_mut(steps));
            if list.first().is_none_or(|(newest, _)| *newest < index) {
                list.insert(0, (index, Count::default()));
                list.retain(|(step, _)| step.saturating_add(steps.kept()) >= index);
            }
            if let Some((_, count)) = list.first_mut() {
                count.add(event);
            }
        }
    }

    /// What happened in a window that ends now.
    pub(super) fn over(&self, window: Window, now: Timestamp) -> Count {
        let oldest = window.steps.index(now).saturating_sub(window.count);
        let within = self.list(window.steps).iter();
        let within = within.take_while(|(step, _)| *step >= oldest);
        within.fold(Count::default(), |sum, (_, count)| sum.plus(*count))
    }

    /// The same of codes that have ended: without those that can still be typed in. Which code a success
    /// belongs to is not kept, so those of the last minutes are taken for codes of the last minutes.
    pub(super) fn ended(&self, window: Window, now: Timestamp) -> Count {
        let Count { sent, verified } = self.over(window, now);
        Count {
            sent: sent
                .saturating_sub(self.over(OPEN, now).unverified())
                .max(verified.min(sent)),
            verified,
        }
    }

    /// The successes of the best of the last 14 days, today among them.
    pub(super) fn most_verified(&self, now: Timestamp) -> u32 {
        let oldest = Steps::Days.index(now).saturating_sub(DAYS.count);
        let recent = self.days.iter().filter(|(day, _)| *day >= oldest);
        recent.map(|(_, count)| count.verified).max().unwrap_or(0)
    }

    const fn list(&self, steps: Steps) -> &Vec<(u64, Count)> {
        match steps {
            Steps::Fives => &self.fives,
            Steps::Quarters => &self.quarters,
            Steps::Hours => &self.hours,
            Steps::Days => &self.days,
        }
    }

    const fn list_mut(&mut self, steps: Steps) -> &mut Vec<(u64, Count)> {
        match steps {
            Steps::Fives => &mut self.fives,
            Steps::Quarters => &mut self.quarters,
            Steps::Hours => &mut self.hours,
            Steps::Days => &mut self.days,
        }
    }
}

impl Counted for History {
    /// Whether nothing happened for 14 days, or nothing ever succeeded and nothing happened for one.
    fn is_stale(&self, now: Timestamp) -> bool {
        let window = if self.most_verified(now) == 0 {
            HOURS
        } else {
            DAYS
        };
        self.over(window, now) == Count::default()
    }

    /// Codes of the last day that are unused, whether they have ended or not.
    fn harm(&self, now: Timestamp) -> Harm {
        Harm {
            unused: self.over(HOURS, now).unverified(),
            latest: self.fives.first().map_or(0, |(five, _)| *five),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_seconds(864_000_000 + seconds)
    }

    fn count(sent: u32, verified: u32) -> Count {
        Count { sent, verified }
    }

    #[test]
    fn windows_hold_what_their_name_says_and_up_to_a_step_more() {
        let mut history = History::default();
        history.add(Event::Sent, at(0));
        history.add(Event::Verified, at(1_000));
        assert_eq!(history.over(QUARTER, at(1_799)), count(1, 1));
        assert_eq!(history.over(QUARTER, at(1_800)), count(0, 1));
        assert_eq!(history.over(HOUR, at(4_499)), count(1, 1));
        assert_eq!(history.over(HOUR, at(4_500)), count(0, 1));
        assert_eq!(history.over(HOURS, at(25 * 3_600 - 1)), count(1, 1));
        assert_eq!(history.over(HOURS, at(25 * 3_600)), count(0, 0));
        assert_eq!(history.over(DAYS, at(15 * 86_400 - 1)), count(1, 1));
    }

    #[test]
    fn lists_stay_short_and_the_best_day_is_remembered_for_two_weeks() {
        let mut history = History::default();
        for hour in 0..2_000 {
            history.add(Event::Sent, at(hour * 3_600));
        }
        let (fives, quarters) = (&history.fives, &history.quarters);
        let lengths = [fives, quarters, &history.hours, &history.days].map(Vec::len);
        assert_eq!(lengths, [1, 2, 25, 15]);
        for _ in 0..7 {
            history.add(Event::Verified, at(2_000 * 3_600));
        }
        assert_eq!(history.most_verified(at((2_000 + 14 * 24) * 3_600)), 7);
        assert_eq!(history.most_verified(at((2_000 + 15 * 24) * 3_600)), 0);
    }

    #[test]
    fn a_code_counts_as_unused_once_nobody_can_type_it_any_more() {
        let mut history = History::default();
        for _ in 0..3 {
            history.add(Event::Sent, at(299));
        }
        assert_eq!(history.ended(HOUR, at(299 + 600)), count(0, 0));
        assert_eq!(history.ended(HOUR, at(900)), count(3, 0));
        history.add(Event::Sent, at(901));
        history.add(Event::Verified, at(902));
        assert_eq!(history.ended(HOUR, at(903)), count(4, 1));
        history.add(Event::Verified, at(902));
        assert_eq!(history.ended(OPEN, at(903)), count(1, 2));
    }

    #[test]
    fn what_never_converted_goes_stale_after_a_day() {
        let mut history = History::default();
        history.add(Event::Sent, at(0));
        assert!(!history.is_stale(at(86_000)));
        assert!(history.is_stale(at(25 * 3_600)));
        history.add(Event::Verified, at(25 * 3_600));
        assert!(!history.is_stale(at(13 * 86_400)));
        assert!(history.is_stale(at(17 * 86_400)));
    }

    #[test]
    fn conversion_is_compared_exactly() {
        assert!(count(100, 34).converts_below(35));
        assert!(!count(100, 35).converts_below(35));
        assert!(!count(0, 0).converts_below(35));
    }
}
