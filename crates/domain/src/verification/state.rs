//! One verification as a state machine: pending, then verified, failed, expired or cancelled, and never
//! back. Every step gives a new value and leaves the old one alone, so that the caller can commit the
//! new state and its result together before anybody learns of either.

mod stored;

use core::fmt;
use core::time::Duration;

use serde::{Deserialize, Serialize};

pub use stored::{Stored, StoredError};

use super::binding::BindingDigest;
use super::budget::policy::AcceptedLength;
use super::channel::Channel;
use super::check::{Attempt, Evidence, Mismatch, Way};
use super::code::CodeLength;
use super::tag::CodeTag;
use crate::time::Timestamp;

/// The longest that a code may be valid (NIST SP 800-63B-4 section 3.1.3.2, ASVS 6.5.5).
pub const VALID_MAX: Duration = Duration::from_mins(10);

/// How far the clock may go back while a code is valid: the skew of two machines that keep their time.
/// A clock that was set back further would make the code valid for longer, so it ends it.
pub const CLOCK_SKEW_MAX: Duration = Duration::from_mins(1);

/// The most checks of one code.
pub const CHECKS_MAX: u8 = 5;

/// The most sends of one code.
pub const SENDS_MAX: u8 = 5;

/// Where a verification stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It waits for a check.
    Pending,
    /// A check was right. It is accepted once.
    Verified,
    /// Every check was used and none was right.
    Failed,
    /// Its time ran out.
    Expired,
    /// The client took it back.
    Cancelled,
}

impl State {
    /// The word used in answers and entries.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Verified => "verified",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How long codes are valid and how often each is checked and sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    valid: Duration,
    checks_max: u8,
    sends_max: u8,
}

/// No such rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a code is valid for 60 to 600 seconds, and checked and sent 1 to 5 times")]
pub struct RulesError;

impl Rules {
    /// Valid for 60 to 600 seconds, 1 to 5 checks, 1 to 5 sends.
    pub const fn new(
        valid_seconds: u16,
        checks_max: u8,
        sends_max: u8,
    ) -> Result<Self, RulesError> {
        match (valid_seconds, checks_max, sends_max) {
            (60..=600, 1..=CHECKS_MAX, 1..=SENDS_MAX) => Ok(Self {
                #[expect(
                    clippy::as_conversions,
                    reason = "u16 to u64 widens; From is not const"
                )]
                valid: Duration::from_secs(valid_seconds as u64),
                checks_max,
                sends_max,
            }),
            _ => Err(RulesError),
        }
    }

    /// How long a code is valid.
    pub const fn valid(self) -> Duration {
        self.valid
    }

    /// The same in whole minutes, rounded down, for the text that carries the code: 1 to 10.
    pub fn valid_minutes(self) -> u8 {
        u8::try_from(self.valid.as_secs() / 60).unwrap_or(u8::MAX)
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            valid: VALID_MAX,
            checks_max: CHECKS_MAX,
            sends_max: SENDS_MAX,
        }
    }
}

/// What a right check has to show.
#[derive(Clone, Copy, Debug)]
pub enum Expected {
    /// A code made for this verification.
    Code {
        /// Its keyed hash.
        tag: CodeTag,
        /// Its length.
        length: AcceptedLength,
    },
    /// A factor that the person already has: an authenticator app or a recovery code.
    Factor {
        /// The length of its codes; six where it has no digits.
        length: CodeLength,
    },
}

/// A channel that cannot show what is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a code is made for the channels sms and mo only, a factor is asked on totp and recovery only"
)]
pub struct ChannelError;

/// One verification. Whom it is about is the caller's to know.
#[derive(Clone, Debug)]
pub struct Verification {
    channel: Channel,
    length: CodeLength,
    tag: Option<CodeTag>,
    binding: BindingDigest,
    rules: Rules,
    started: Timestamp,
    /// The latest moment that any step was told: a clock that goes back does not go back here.
    latest: Timestamp,
    checks: u8,
    sends: u8,
    ended: Option<State>,
}

/// It ended, and this is how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended(pub State);

impl Verification {
    /// Begins one. Nothing has been sent and nothing checked.
    pub const fn start(
        channel: Channel,
        expected: Expected,
        binding: BindingDigest,
        rules: Rules,
        now: Timestamp,
    ) -> Result<Self, ChannelError> {
        let (tag, length) = match (channel, expected) {
            (Channel::Sms | Channel::Mo, Expected::Code { tag, length }) => {
                (Some(tag), length.get())
            }
            (Channel::Totp | Channel::Recovery, Expected::Factor { length }) => (None, length),
            _ => return Err(ChannelError),
        };
        Ok(Self {
            channel,
            length,
            tag,
            binding,
            rules,
            started: now,
            latest: now,
            checks: 0,
            sends: 0,
            ended: None,
        })
    }

    /// Where it stands.
    pub fn state(&self, now: Timestamp) -> State {
        match self.ended {
            Some(state) => state,
            None if now.max(self.latest) >= self.expires() => State::Expired,
            None if self.latest.since(now) > CLOCK_SKEW_MAX => State::Expired,
            None => State::Pending,
        }
    }

    /// The moment from which on nothing is accepted. Resends do not move it.
    pub fn expires(&self) -> Timestamp {
        self.started.saturating_add(self.rules.valid)
    }

    /// How its code travels.
    pub const fn channel(&self) -> Channel {
        self.channel
    }

    /// The act it is bound to.
    pub const fn binding(&self) -> BindingDigest {
        self.binding
    }

    /// How many digits its code has.
    pub const fn length(&self) -> CodeLength {
        self.length
    }

    /// How many more checks are evaluated, if none is right.
    pub const fn checks_left(&self) -> u8 {
        self.rules.checks_max.saturating_sub(self.checks)
    }

    /// How many more times its code is sent.
    pub const fn sends_left(&self) -> u8 {
        self.rules.sends_max.saturating_sub(self.sends)
    }

    /// The same verification with its end written down, if its time ran out: for whoever tidies up.
    pub fn expired(&self, now: Timestamp) -> Option<Self> {
        let due = self.ended.is_none() && self.state(now) == State::Expired;
        due.then(|| Self {
            ended: Some(State::Expired),
            latest: self.latest.max(now),
            ..self.clone()
        })
    }

    /// Takes it back.
    pub fn cancel(&self, now: Timestamp) -> Result<Self, Ended> {
        let mut next = self.pending(now)?;
        next.ended = Some(State::Cancelled);
        Ok(next)
    }

    /// The same verification at this moment, if it is pending: the door that every step goes through.
    pub(super) fn pending(&self, now: Timestamp) -> Result<Self, Ended> {
        match self.state(now) {
            State::Pending => Ok(Self {
                latest: self.latest.max(now),
                ..self.clone()
            }),
            ended => Err(Ended(ended)),
        }
    }

    /// Looks at an attempt: what is wrong with it, if anything. Each question takes the same time
    /// whatever its answer, and every question is asked.
    pub(super) fn compare(&self, attempt: &Attempt) -> Result<(), Mismatch> {
        let shown = match (&self.tag, &attempt.evidence) {
            (Some(expected), Evidence::Tag(given)) => expected.matches(given),
            (None, Evidence::Factor(judged)) => judged.is_right_for(self.channel),
            _ => false,
        };
        let bound = self.binding.matches(&attempt.binding);
        let came = attempt.way == Way::of(self.channel);
        match (shown, bound & came) {
            (true, true) => Ok(()),
            (false, _) => Err(Mismatch::Code),
            (true, false) if came => Err(Mismatch::Binding),
            (true, false) => Err(Mismatch::Way),
        }
    }

    /// After an evaluated check. It is counted whatever its result.
    pub(super) fn checked(mut self, result: Result<(), Mismatch>) -> Self {
        self.checks = self.checks.saturating_add(1);
        self.ended = match result {
            Ok(()) => Some(State::Verified),
            Err(_) if self.checks_left() == 0 => Some(State::Failed),
            Err(_) => None,
        };
        self
    }

    /// After a send.
    pub(super) const fn sent(mut self) -> Self {
        self.sends = self.sends.saturating_add(1);
        self
    }
}

#[cfg(test)]
pub(super) mod tests;
