//! One send of a verification's code: the first one or a resend. The code stays the same and so does its
//! end, so that a late message still carries the right one.

use super::budget::number::{Locked, NotYet, NumberBudgets};
use super::budget::policy::Policy;
use super::channel::Channel;
use super::state::{Ended, State, Verification};
use crate::time::Moment;

/// The states after a send, to be committed together with it.
#[derive(Clone, Debug)]
#[must_use]
pub struct Sent {
    /// The verification after the send.
    pub verification: Verification,
    /// The budgets after the send.
    pub budgets: NumberBudgets,
}

/// Nothing is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotSent {
    /// The verification ended.
    Ended(State),
    /// The channel sends nothing to the handset.
    NothingToSend,
    /// The code was sent as often as one code may be.
    SentTooOften,
    /// The number has no checks left: nobody would look at the code.
    Locked(Locked),
    /// It is too early, or too much was sent to the number.
    NotYet(NotYet),
}

/// Decides one send. The code ends by the clock on the wall, budgets go by the steady one. `offered` are the channels that the person could use instead.
pub fn send(
    verification: &Verification,
    budgets: &NumberBudgets,
    policy: &Policy,
    offered: &[Channel],
    now: impl Into<Moment>,
) -> Result<Sent, NotSent> {
    let Moment { wall, steady } = now.into();
    let pending = verification
        .pending(wall)
        .map_err(|Ended(state)| NotSent::Ended(state))?;
    if pending.channel() != Channel::Sms {
        return Err(NotSent::NothingToSend);
    }
    if pending.sends_left() == 0 {
        return Err(NotSent::SentTooOften);
    }
    let guess = (pending.channel(), pending.length());
    budgets
        .check_room(policy, guess, offered, steady)
        .map_err(NotSent::Locked)?;
    budgets
        .send_room(policy, offered, steady)
        .map_err(NotSent::NotYet)?;
    Ok(Sent {
        verification: pending.sent(),
        budgets: budgets.clone().sent(steady),
    })
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;
    use crate::verification::budget::sends::{SendPolicy, SendWait};
    use crate::verification::state::tests::{at, pending, verified};

    fn wide() -> Policy {
        Policy {
            sends: SendPolicy::new(100, 100, 100).unwrap(),
            ..Policy::default()
        }
    }

    #[test]
    fn a_resend_waits_and_moves_no_end() {
        let policy = Policy::default();
        let start = pending(Channel::Sms);
        let first = send(&start, &NumberBudgets::default(), &policy, &[], at(0)).unwrap();
        assert_eq!(first.verification.expires(), start.expires());
        let refused = send(&first.verification, &first.budgets, &policy, &[], at(29));
        let Err(NotSent::NotYet(not_yet)) = refused else {
            panic!("{refused:?}")
        };
        let wait = SendWait::Cooldown(Duration::from_secs(1));
        assert_eq!(not_yet.wait, wait);
        let second = send(&first.verification, &first.budgets, &policy, &[], at(30)).unwrap();
        assert_eq!(second.verification.sends_left(), 3);
        assert_eq!(second.verification.expires(), start.expires());
    }

    #[test]
    fn a_new_verification_shortens_no_wait() {
        let budgets = NumberBudgets::default().sent(at(0));
        let fresh = pending(Channel::Sms);
        let refused = send(&fresh, &budgets, &Policy::default(), &[], at(1));
        assert!(matches!(refused, Err(NotSent::NotYet(_))));
    }

    #[test]
    fn no_code_is_sent_that_nobody_would_look_at() {
        let failed = |budgets: NumberBudgets, second| budgets.failed(Channel::Sms, 1, at(second));
        let used_up = (0..20).fold(NumberBudgets::default(), failed);
        let refused = send(&pending(Channel::Sms), &used_up, &wide(), &[], at(30));
        let Err(NotSent::Locked(locked)) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!(
            locked.still_works.send_after.map(|wait| wait.as_secs()),
            Some(86_370)
        );
        let row = (0..100).fold(NumberBudgets::default(), failed);
        let refused = send(&pending(Channel::Sms), &row, &wide(), &[], at(130));
        let Err(NotSent::Locked(locked)) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!(locked.still_works.send_after, None);
    }

    #[test]
    fn one_code_is_sent_five_times_at_most() {
        let mut verification = pending(Channel::Sms);
        let mut budgets = NumberBudgets::default();
        for second in 0..5 {
            let sent = send(&verification, &budgets, &wide(), &[], at(second)).unwrap();
            verification = sent.verification;
            budgets = sent.budgets.succeeded(Channel::Sms);
        }
        let refused = send(&verification, &budgets, &wide(), &[], at(6));
        assert_eq!(refused.unwrap_err(), NotSent::SentTooOften);
    }

    #[test]
    fn what_ended_or_needs_no_message_is_not_sent() {
        let budgets = NumberBudgets::default();
        let refused = send(&verified(), &budgets, &wide(), &[], at(2));
        assert_eq!(refused.unwrap_err(), NotSent::Ended(State::Verified));
        for channel in [Channel::Totp, Channel::Recovery, Channel::Mo] {
            let refused = send(&pending(channel), &budgets, &wide(), &[], at(2));
            assert_eq!(refused.unwrap_err(), NotSent::NothingToSend);
        }
    }
}
