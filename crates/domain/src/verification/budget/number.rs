//! All budgets of one number, or one user of factors, at one client, and what still works when one of
//! them is used up.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::policy::Policy;
use super::sends::{SendBudget, SendWait};
use super::{CheckBudget, LockReason};
use crate::time::Timestamp;
use crate::verification::channel::Channel;
use crate::verification::code::CodeLength;

/// The budgets of one client and number or user. Nothing in them is personal, so they outlive an erasure.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NumberBudgets {
    sms: CheckBudget,
    totp: CheckBudget,
    recovery: CheckBudget,
    mo: CheckBudget,
    sends: SendBudget,
}

/// No check is evaluated. The same for a right and a wrong code, since neither was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locked {
    /// Why.
    pub reason: LockReason,
    /// What the person can do now.
    pub still_works: StillWorks,
}

/// No code is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotYet {
    /// Why, and until when.
    pub wait: SendWait,
    /// What the person can do now. Checks of codes already sent are among it.
    pub still_works: StillWorks,
}

/// What a refusal leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StillWorks {
    /// The channels whose checks are evaluated.
    pub checks: Vec<Channel>,
    /// After how long a code is sent, zero where it is now; `None` where no code is sent before the number
    /// is proved anew. A code that nobody would look at is not sent.
    pub send_after: Option<Duration>,
}

impl NumberBudgets {
    /// Whether one more check on a channel may be evaluated. `offered` are the channels that the
    /// person could use.
    pub fn check_room(
        &self,
        policy: &Policy,
        (channel, length): (Channel, CodeLength),
        offered: &[Channel],
        now: Timestamp,
    ) -> Result<(), Locked> {
        let cost = policy.cost(channel, length);
        let room = self.of(channel).room(policy.checks(channel), cost, now);
        room.map_err(|reason| Locked {
            reason,
            still_works: self.still_works(policy, offered, now),
        })
    }

    /// Whether a code may be sent.
    pub fn send_room(
        &self,
        policy: &Policy,
        offered: &[Channel],
        now: Timestamp,
    ) -> Result<(), NotYet> {
        let room = self.sends.room(policy.sends, now);
        room.map_err(|wait| NotYet {
            wait,
            still_works: self.still_works(policy, offered, now),
        })
    }

    /// What the person can do now: the offered channels whose checks have room, and when a code may be sent.
    pub fn still_works(&self, policy: &Policy, offered: &[Channel], now: Timestamp) -> StillWorks {
        let works = |channel: &Channel| {
            let budget = self.of(*channel);
            budget.room(policy.checks(*channel), 1, now).is_ok()
        };
        StillWorks {
            checks: offered.iter().copied().filter(works).collect(),
            send_after: self.send_after(policy, now),
        }
    }

    fn send_after(&self, policy: &Policy, now: Timestamp) -> Option<Duration> {
        let wait = self.sends.room(policy.sends, now).err();
        let wait = wait.map_or(Duration::ZERO, SendWait::retry_after);
        match self.sms.room(&policy.sms, 1, now) {
            Ok(()) => Some(wait),
            Err(LockReason::DayUsedUp(day)) => Some(day.max(wait)),
            Err(LockReason::Disabled) => None,
        }
    }

    /// The same with all that lies ahead put at this moment, for what was kept by a clock that ran ahead.
    pub fn none_ahead(self, now: Timestamp) -> Self {
        Self {
            sms: self.sms.none_ahead(now),
            totp: self.totp.none_ahead(now),
            recovery: self.recovery.none_ahead(now),
            mo: self.mo.none_ahead(now),
            sends: self.sends.none_ahead(now),
        }
    }

    /// After a check that failed and takes `cost`.
    pub fn failed(mut self, channel: Channel, cost: u8, now: Timestamp) -> Self {
        let budget = self.of_mut(channel);
        *budget = core::mem::take(budget).failed(cost, now);
        self
    }

    /// After a check that succeeded: the channel's row of failures ends, and if it showed who holds the
    /// handset, so do the waits between sends. A code that the handset itself texted proves the number anew,
    /// which enables the codes sent to it again.
    pub fn succeeded(mut self, channel: Channel) -> Self {
        let budget = self.of_mut(channel);
        *budget = core::mem::take(budget).succeeded();
        if channel == Channel::Mo {
            self = self.proved_anew(Channel::Sms);
        }
        if matches!(channel, Channel::Sms | Channel::Mo) {
            self.sends = self.sends.succeeded();
        }
        self
    }

    /// After the number was proved anew by other means: the channel is enabled again.
    pub fn proved_anew(mut self, channel: Channel) -> Self {
        let budget = self.of_mut(channel);
        *budget = core::mem::take(budget).proved_anew();
        self
    }

    /// After a send.
    pub fn sent(mut self, now: Timestamp) -> Self {
        self.sends = self.sends.sent(now);
        self
    }

    /// The budget of one channel.
    pub const fn of(&self, channel: Channel) -> &CheckBudget {
        match channel {
            Channel::Sms => &self.sms,
            Channel::Totp => &self.totp,
            Channel::Recovery => &self.recovery,
            Channel::Mo => &self.mo,
        }
    }

    const fn of_mut(&mut self, channel: Channel) -> &mut CheckBudget {
        match channel {
            Channel::Sms => &mut self.sms,
            Channel::Totp => &mut self.totp,
            Channel::Recovery => &mut self.recovery,
            Channel::Mo => &mut self.mo,
        }
    }

    /// Whether nothing of it matters enough to be kept; see [`CheckBudget::is_idle`].
    pub fn is_idle(&self, policy: &Policy, now: Timestamp) -> bool {
        let mut channels = Channel::ALL.into_iter();
        let idle = |channel| self.of(channel).is_idle(policy.checks(channel), now);
        channels.all(idle) && self.sends.is_idle(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verification::budget::DAY;

    const SMS: (Channel, CodeLength) = (Channel::Sms, CodeLength::SIX);
    const OFFERED: [Channel; 3] = [Channel::Sms, Channel::Totp, Channel::Recovery];

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_seconds(1_000_000 + seconds)
    }

    fn locked() -> NumberBudgets {
        (0..20).fold(NumberBudgets::default(), |budgets, second| {
            budgets.failed(Channel::Sms, 1, at(second))
        })
    }

    #[test]
    fn used_up_checks_leave_the_other_channels_and_no_code_is_sent_that_nobody_looks_at() {
        let refused = locked()
            .check_room(&Policy::default(), SMS, &OFFERED, at(20))
            .unwrap_err();
        let day = DAY.saturating_sub(Duration::from_secs(20));
        assert_eq!(refused.reason, LockReason::DayUsedUp(day));
        let left = [Channel::Totp, Channel::Recovery];
        assert_eq!(refused.still_works.checks, left);
        assert_eq!(refused.still_works.send_after, Some(day));
    }

    #[test]
    fn used_up_sends_leave_every_check() {
        let sent = NumberBudgets::default().sent(at(0));
        let refused = sent
            .send_room(&Policy::default(), &OFFERED, at(1))
            .unwrap_err();
        let wait = SendWait::Cooldown(Duration::from_secs(29));
        assert_eq!(refused.wait, wait);
        assert_eq!(refused.still_works.checks, OFFERED);
        assert_eq!(
            sent.check_room(&Policy::default(), SMS, &OFFERED, at(1)),
            Ok(())
        );
    }

    #[test]
    fn a_channel_is_enabled_again_without_touching_the_day_or_the_others() {
        let policy = Policy::default();
        let budgets = locked()
            .failed(Channel::Totp, 1, at(0))
            .proved_anew(Channel::Sms);
        assert_eq!(budgets.of(Channel::Sms).in_a_row(), 0);
        assert_eq!(budgets.of(Channel::Totp).in_a_row(), 1);
        assert!(budgets.check_room(&policy, SMS, &[], at(20)).is_err());
    }

    #[test]
    fn a_code_that_the_handset_texted_enables_those_that_are_sent_to_it() {
        let texted = locked().succeeded(Channel::Mo);
        assert_eq!(texted.of(Channel::Sms).in_a_row(), 0);
        let other = locked().succeeded(Channel::Totp);
        assert_eq!(
            other.of(Channel::Sms).in_a_row(),
            locked().of(Channel::Sms).in_a_row()
        );
    }

    #[test]
    fn a_code_of_a_factor_shortens_no_wait_between_sends() {
        let policy = Policy::default();
        let sent = NumberBudgets::default().sent(at(0));
        for (channel, is_over) in [
            (Channel::Totp, false),
            (Channel::Recovery, false),
            (Channel::Sms, true),
        ] {
            let budgets = sent.clone().succeeded(channel);
            let room = budgets.send_room(&policy, &[], at(1));
            assert_eq!(room.is_ok(), is_over, "{channel}");
        }
    }

    #[test]
    fn budgets_survive_being_stored_and_are_idle_after_a_day() {
        let budgets = locked().sent(at(0));
        let json = serde_json::to_string(&budgets).unwrap();
        let stored: NumberBudgets = serde_json::from_str(&json).unwrap();
        assert_eq!(stored, budgets);
        let cleared = budgets.succeeded(Channel::Sms);
        let policy = Policy::default();
        assert!(!cleared.is_idle(&policy, at(19)));
        assert!(cleared.is_idle(&policy, at(19 + 86_400)));
    }
}
