//! How often codes are sent to a number for one client: a wait that doubles with every send, and three
//! exact windows. It holds over all verifications, so that beginning a new one shortens no wait.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::DAY;
use super::window::{MOMENTS_MAX, Quota, SlidingLog};
use crate::time::Timestamp;

/// The waits after the first, second … send without a success, in seconds: 30 s to 32 min. The last
/// one stays.
const WAITS_SECONDS: [u64; 7] = [30, 60, 120, 240, 480, 960, 1_920];

/// The windows of sends to one number for one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendPolicy {
    ten_minutes: u8,
    hour: u8,
    day: u8,
}

/// No such policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "sends in ten minutes, an hour and a day are each 1 to 100, and none is less than the one before"
)]
pub struct SendPolicyError;

impl SendPolicy {
    /// The most sends in any ten minutes, hour and day, each 1 to 100 and none less than the one before.
    pub const fn new(
        per_ten_minutes: u8,
        per_hour: u8,
        per_day: u8,
    ) -> Result<Self, SendPolicyError> {
        let ordered = per_ten_minutes <= per_hour && per_hour <= per_day;
        if per_ten_minutes == 0 || !ordered || per_day > MOMENTS_MAX {
            return Err(SendPolicyError);
        }
        Ok(Self {
            ten_minutes: per_ten_minutes,
            hour: per_hour,
            day: per_day,
        })
    }

    fn quotas(self) -> [Quota; 3] {
        let quota = |count, seconds| Quota {
            count,
            span: Duration::from_secs(seconds),
        };
        [
            quota(self.ten_minutes, 600),
            quota(self.hour, 3_600),
            quota(self.day, DAY.as_secs()),
        ]
    }
}

impl Default for SendPolicy {
    /// Three in ten minutes, five an hour, ten a day.
    fn default() -> Self {
        Self {
            ten_minutes: 3,
            hour: 5,
            day: 10,
        }
    }
}

/// The sends to one number for one client.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendBudget {
    sends: SlidingLog,
    in_a_row: u8,
}

/// Nothing is sent yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendWait {
    /// The wait since the last send is not over; it is after this long.
    Cooldown(Duration),
    /// A window is full; it has room again after this long.
    Budget(Duration),
}

impl SendWait {
    /// The stable code used in answers, the ledger and metrics.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Cooldown(_) => "send-cooldown",
            Self::Budget(_) => "send-budget",
        }
    }

    /// When to ask again.
    pub const fn retry_after(self) -> Duration {
        match self {
            Self::Cooldown(wait) | Self::Budget(wait) => wait,
        }
    }
}

impl SendBudget {
    /// Whether a code may be sent now. A wait that is both is told as the longer one.
    pub fn room(&self, policy: SendPolicy, now: Timestamp) -> Result<(), SendWait> {
        let windows = policy.quotas().into_iter();
        let full = windows
            .filter_map(|quota| self.sends.room(quota, 1, now).err())
            .max();
        let cooldown = self.cooldown(now);
        match full {
            Some(wait) if wait > cooldown => Err(SendWait::Budget(wait)),
            _ if cooldown > Duration::ZERO => Err(SendWait::Cooldown(cooldown)),
            _ => Ok(()),
        }
    }

    /// What is left of the wait since the last send.
    fn cooldown(&self, now: Timestamp) -> Duration {
        let (Some(latest), Some(step)) = (self.sends.latest(), self.in_a_row.checked_sub(1)) else {
            return Duration::ZERO;
        };
        let last_step = WAITS_SECONDS.len() - 1;
        let wait = WAITS_SECONDS.get(usize::from(step).min(last_step));
        let wait = Duration::from_secs(wait.copied().unwrap_or(0));
        latest.saturating_add(wait).since(now)
    }

    /// The same with sends of a time that has not come put at this moment.
    pub fn none_ahead(mut self, now: Timestamp) -> Self {
        self.sends.none_ahead(now);
        self
    }

    /// After a send. A day without any begins the waits anew.
    pub fn sent(mut self, now: Timestamp) -> Self {
        if self.sends.is_idle(DAY, now) {
            self.in_a_row = 0;
        }
        self.sends.take(1, now);
        self.in_a_row = self.in_a_row.saturating_add(1);
        self
    }

    /// After a success of the number: the waits begin anew, the windows stay as full as they are.
    pub const fn succeeded(mut self) -> Self {
        self.in_a_row = 0;
        self
    }

    /// Whether nothing of it can matter any more, so that it need not be kept.
    pub fn is_idle(&self, now: Timestamp) -> bool {
        self.sends.is_idle(DAY, now)
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::{any, prop_assert, proptest};

    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_seconds(1_000_000 + seconds)
    }

    fn wide() -> SendPolicy {
        SendPolicy::new(100, 100, 100).unwrap()
    }

    #[test]
    fn the_wait_doubles_from_half_a_minute_to_32_minutes() {
        let mut sends = SendBudget::default();
        let mut now = 0;
        for seconds in [30, 60, 120, 240, 480, 960, 1_920, 1_920] {
            assert_eq!(sends.room(wide(), at(now)), Ok(()));
            sends = sends.sent(at(now));
            let wait = Duration::from_secs(seconds);
            assert_eq!(sends.room(wide(), at(now)), Err(SendWait::Cooldown(wait)));
            now += seconds;
        }
    }

    #[test]
    fn a_success_or_a_quiet_day_begins_the_waits_anew() {
        let twice = SendBudget::default().sent(at(0)).sent(at(30));
        let clear = twice.clone().succeeded();
        assert_eq!(clear.room(wide(), at(30)), Ok(()));
        let next_day = twice.sent(at(30 + 86_400));
        let wait = SendWait::Cooldown(Duration::from_secs(30));
        assert_eq!(next_day.room(wide(), at(30 + 86_400)), Err(wait));
    }

    #[test]
    fn three_in_ten_minutes_five_an_hour_and_ten_a_day() {
        let policy = SendPolicy::default();
        let mut sends = SendBudget::default();
        for second in [0, 1, 2] {
            assert_eq!(sends.room(policy, at(second)), Ok(()));
            sends = sends.sent(at(second)).succeeded();
        }
        let wait = SendWait::Budget(Duration::from_secs(597));
        assert_eq!(sends.room(policy, at(3)), Err(wait));
        for second in [700, 800] {
            sends = sends.sent(at(second)).succeeded();
        }
        let wait = SendWait::Budget(Duration::from_mins(45));
        assert_eq!(sends.room(policy, at(900)), Err(wait));
        for second in [4_000, 5_000, 9_000, 13_000, 17_000] {
            assert_eq!(sends.room(policy, at(second)), Ok(()));
            sends = sends.sent(at(second)).succeeded();
        }
        let wait = SendWait::Budget(Duration::from_secs(86_400 - 40_000));
        assert_eq!(sends.room(policy, at(40_000)), Err(wait));
    }

    #[test]
    fn windows_grow_with_their_span() {
        for (ten, hour, day) in [(0, 1, 1), (2, 1, 3), (1, 3, 2), (1, 1, 101)] {
            assert_eq!(SendPolicy::new(ten, hour, day), Err(SendPolicyError));
        }
    }

    proptest! {
        #[test]
        fn no_day_sees_more_than_its_sends_whatever_happens_between(
            steps in vec((0_u64..200_000, any::<bool>()), 1..120),
        ) {
            let policy = SendPolicy::default();
            let mut sends = SendBudget::default();
            let mut sent = Vec::new();
            for (second, succeeds) in steps {
                if sends.room(policy, at(second)).is_ok() {
                    sends = sends.sent(at(second));
                    sent.push(second);
                }
                if succeeds {
                    sends = sends.succeeded();
                }
            }
            for (span, most) in [(600, 3), (3_600, 5), (86_400, 10)] {
                for start in &sent {
                    let held = sent.iter().filter(|second| (*start..start + span).contains(second));
                    prop_assert!(held.count() <= most);
                }
            }
        }
    }
}
