//! The chance to guess a code within a day, for one number at one client, computed from the policy and
//! nothing else: so many guesses, each as good as one code among all.

use core::fmt;

use super::budget::policy::Policy;
use super::channel::Channel;
use super::code::CodeLength;
use super::recovery;

/// Codes of an authenticator app that are valid at once: the step of now and one on either side.
const TOTP_VALID_AT_ONCE: u64 = 3;

/// A billionth of a thousandth: the unit of [`Odds`].
const PICOS: u64 = 1_000_000_000_000;

/// A chance, in picos (10⁻¹²), rounded up. Shown in percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Odds(u64);

impl Odds {
    /// 0.0021 %: what a day of guessing at six digits by SMS must stay under.
    pub const SMS_SIX_DIGITS_MAX: Self = Self(21_000_000);

    /// At most the chance that somebody who uses all of a day's checks on one channel hits. No
    /// guess is tried twice on one code, so the chances add up.
    pub fn within_a_day(policy: &Policy, channel: Channel, length: CodeLength) -> Self {
        let per_day = u64::from(policy.checks(channel).per_day());
        let cost = u64::from(policy.cost(channel, length)).max(1);
        let guesses = per_day / cost;
        match channel {
            Channel::Sms | Channel::Mo => Self::of(guesses, length.codes()),
            Channel::Totp => Self::of(guesses * TOTP_VALID_AT_ONCE, length.codes()),
            // Beyond the range of a `u64`, and so far below one pico.
            Channel::Recovery => {
                Self::of(guesses * u64::from(recovery::CODES_OF_A_SET_MAX), u64::MAX)
            }
        }
    }

    /// The same for somebody who tries every channel, all with codes of one length.
    pub fn over_all_channels(policy: &Policy, length: CodeLength) -> Self {
        let picos = Channel::ALL.map(|channel| Self::within_a_day(policy, channel, length).0);
        Self(picos.into_iter().fold(0, u64::saturating_add).min(PICOS))
    }

    /// `hits` in `codes`.
    fn of(hits: u64, codes: u64) -> Self {
        let picos = u128::from(hits) * u128::from(PICOS);
        let picos = picos.div_ceil(u128::from(codes.max(1)));
        Self(u64::try_from(picos).unwrap_or(PICOS).min(PICOS))
    }

    /// In picos: 0 to 10¹².
    pub const fn picos(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Odds {
    /// In percent, without needless zeros: `0.002 %`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 10_000_000_000, self.0 % 10_000_000_000);
        let fraction = format!("{rest:010}");
        match fraction.trim_end_matches('0') {
            "" => write!(f, "{whole} %"),
            digits => write!(f, "{whole}.{digits} %"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn odds(channel: Channel, digits: u8) -> Odds {
        let length = CodeLength::new(digits).unwrap();
        Odds::within_a_day(&Policy::default(), channel, length)
    }

    #[test]
    fn six_digits_by_sms_are_guessed_in_a_day_with_at_most_0_0021_percent() {
        assert!(odds(Channel::Sms, 6) <= Odds::SMS_SIX_DIGITS_MAX);
        assert_eq!(odds(Channel::Sms, 6).to_string(), "0.002 %");
        assert_eq!(Odds::SMS_SIX_DIGITS_MAX.to_string(), "0.0021 %");
    }

    #[test]
    fn an_authenticator_code_is_guessed_no_sooner() {
        assert_eq!(odds(Channel::Totp, 6).to_string(), "0.0018 %");
        assert!(odds(Channel::Totp, 6) <= Odds::SMS_SIX_DIGITS_MAX);
        assert_eq!(odds(Channel::Totp, 8).to_string(), "0.000018 %");
    }

    #[test]
    fn five_digits_keep_the_odds_and_four_come_as_near_as_one_guess_can() {
        assert_eq!(odds(Channel::Sms, 5), odds(Channel::Sms, 6));
        assert_eq!(odds(Channel::Sms, 4).to_string(), "0.01 %");
        assert_eq!(odds(Channel::Sms, 10).to_string(), "0.0000002 %");
    }

    #[test]
    fn nobody_guesses_a_recovery_code() {
        assert!(odds(Channel::Recovery, 6).picos() <= 1);
    }

    #[test]
    fn the_chances_of_all_channels_add_up() {
        let all = Odds::over_all_channels(&Policy::default(), CodeLength::SIX);
        assert_eq!(all.picos(), 20_000_000 + 18_000_000 + 1 + 20_000_000);
        assert_eq!(Odds::of(1, 1).to_string(), "100 %");
    }
}
