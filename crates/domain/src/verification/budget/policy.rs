//! The settings of the budgets: how many failed checks a day and in a row, and whether short codes are
//! given at all.

use serde::{Deserialize, Serialize};

use super::sends::SendPolicy;
use super::window::MOMENTS_MAX;
use crate::verification::channel::Channel;
use crate::verification::code::{CodeLength, STRONG_DIGITS};

/// The most failures in a row that any policy may allow (NIST SP 800-63B-4 section 3.2.2).
pub const IN_A_ROW_MAX: u8 = 100;

/// The failed checks that one channel allows a number at one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckPolicy {
    per_day: u8,
    in_a_row_max: u8,
}

/// No such policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed checks a day and in a row are each 1 to 100")]
pub struct CheckPolicyError;

impl CheckPolicy {
    /// At most `per_day` failed checks in any 24 hours and `in_a_row_max` without a success, each 1 to
    /// 100.
    pub const fn new(per_day: u8, in_a_row_max: u8) -> Result<Self, CheckPolicyError> {
        match (per_day, in_a_row_max) {
            (1..=MOMENTS_MAX, 1..=IN_A_ROW_MAX) => Ok(Self {
                per_day,
                in_a_row_max,
            }),
            _ => Err(CheckPolicyError),
        }
    }

    /// A policy that the source code itself names.
    const fn literal(per_day: u8) -> Self {
        Self {
            per_day,
            in_a_row_max: IN_A_ROW_MAX,
        }
    }

    /// Failed checks in any 24 hours.
    pub const fn per_day(self) -> u8 {
        self.per_day
    }

    /// Failures without a success after which the number is disabled for the channel.
    pub const fn in_a_row_max(self) -> u8 {
        self.in_a_row_max
    }
}

/// Whether codes of fewer than six digits are given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FewDigits {
    /// They are not.
    #[default]
    Forbidden,
    /// They are. A failed check of five digits then takes ten from the budget, one of four digits a
    /// hundred or all of it, so that the odds stay as near to those of six digits as they can.
    WeakCodesAccepted,
}

/// The length is not given under this policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "codes of fewer than {STRONG_DIGITS} digits are easy to guess and not allowed here: ask for {STRONG_DIGITS} or more"
)]
pub struct TooFewDigits;

/// The proof that a policy gives codes of this length; only [`FewDigits::accept`] makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AcceptedLength(CodeLength);

impl AcceptedLength {
    /// The length.
    pub const fn get(self) -> CodeLength {
        self.0
    }
}

impl FewDigits {
    /// Accepts a length, or says that it is too short.
    pub const fn accept(self, length: CodeLength) -> Result<AcceptedLength, TooFewDigits> {
        match self {
            Self::Forbidden if length.digits() < STRONG_DIGITS => Err(TooFewDigits),
            Self::Forbidden | Self::WeakCodesAccepted => Ok(AcceptedLength(length)),
        }
    }
}

/// The budgets of every channel, and of sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Codes sent to the handset: 20 a day.
    pub sms: CheckPolicy,
    /// Codes of an authenticator app: 6 a day, since three are valid at once.
    pub totp: CheckPolicy,
    /// Recovery codes: 20 a day, for typing mistakes; nobody guesses one.
    pub recovery: CheckPolicy,
    /// Codes texted to the short code: 20 a day.
    pub mo: CheckPolicy,
    /// Codes sent, over all verifications.
    pub sends: SendPolicy,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            sms: CheckPolicy::literal(20),
            totp: CheckPolicy::literal(6),
            recovery: CheckPolicy::literal(20),
            mo: CheckPolicy::literal(20),
            sends: SendPolicy::default(),
        }
    }
}

impl Policy {
    /// The policy of one channel.
    pub const fn checks(&self, channel: Channel) -> &CheckPolicy {
        match channel {
            Channel::Sms => &self.sms,
            Channel::Totp => &self.totp,
            Channel::Recovery => &self.recovery,
            Channel::Mo => &self.mo,
        }
    }

    /// What one failed check takes from the day's budget: 1, and for each digit below six ten times as
    /// much, but never more than the whole budget.
    pub fn cost(&self, channel: Channel, length: CodeLength) -> u8 {
        let missing = STRONG_DIGITS.saturating_sub(length.digits());
        let full = 10_u8.checked_pow(u32::from(missing)).unwrap_or(u8::MAX);
        full.min(self.checks(channel).per_day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_allows_1_to_100() {
        assert!(CheckPolicy::new(1, 1).is_ok());
        assert!(CheckPolicy::new(100, 100).is_ok());
        for (per_day, in_a_row) in [(0, 1), (1, 0), (101, 1), (1, 101)] {
            assert_eq!(CheckPolicy::new(per_day, in_a_row), Err(CheckPolicyError));
        }
    }

    #[test]
    fn fewer_than_six_digits_need_the_loud_setting() {
        for digits in 4..=10 {
            let length = CodeLength::new(digits).unwrap();
            assert_eq!(FewDigits::default().accept(length).is_ok(), digits >= 6);
            let accepted = FewDigits::WeakCodesAccepted.accept(length).unwrap();
            assert_eq!(accepted.get(), length);
        }
        let named = serde_json::to_string(&FewDigits::WeakCodesAccepted).unwrap();
        assert_eq!(named, "\"weak-codes-accepted\"");
    }

    #[test]
    fn a_failed_check_of_a_short_code_costs_more() {
        let policy = Policy::default();
        let cost = |channel, digits| policy.cost(channel, CodeLength::new(digits).unwrap());
        assert_eq!(cost(Channel::Sms, 6), 1);
        assert_eq!(cost(Channel::Sms, 10), 1);
        assert_eq!(cost(Channel::Sms, 5), 10);
        assert_eq!(cost(Channel::Mo, 4), 20);
        assert_eq!(cost(Channel::Totp, 6), 1);
    }
}
