//! A verification as plain values, for whoever stores it, and back.

use super::{CHECKS_MAX, Rules, RulesError, SENDS_MAX, State, Verification};
use crate::time::Timestamp;
use crate::verification::binding::BindingDigest;
use crate::verification::channel::Channel;
use crate::verification::code::CodeLength;
use crate::verification::tag::CodeTag;

/// Everything that a verification is made of.
#[derive(Clone, Copy, Debug)]
pub struct Stored {
    /// How its code travels.
    pub channel: Channel,
    /// How many digits its code has.
    pub length: CodeLength,
    /// The keyed hash of its code; none for a factor.
    pub tag: Option<CodeTag>,
    /// The act it is bound to.
    pub binding: BindingDigest,
    /// How long it is valid, in seconds: 60 to 600.
    pub valid_seconds: u16,
    /// The most checks: 1 to 5.
    pub checks_max: u8,
    /// The most sends: 1 to 5.
    pub sends_max: u8,
    /// When it began.
    pub started: Timestamp,
    /// The latest moment that any step was told.
    pub latest: Timestamp,
    /// Checks evaluated so far.
    pub checks: u8,
    /// Sends so far.
    pub sends: u8,
    /// How it ended, if a step ended it. Never [`State::Pending`].
    pub ended: Option<State>,
}

/// Why stored values are no verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoredError {
    /// The rules are none.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// The values contradict each other.
    #[error("the stored verification contradicts itself")]
    Contradiction,
}

impl Verification {
    /// The plain values.
    pub fn to_stored(&self) -> Stored {
        Stored {
            channel: self.channel,
            length: self.length,
            tag: self.tag,
            binding: self.binding,
            valid_seconds: u16::try_from(self.rules.valid.as_secs()).unwrap_or(u16::MAX),
            checks_max: self.rules.checks_max,
            sends_max: self.rules.sends_max,
            started: self.started,
            latest: self.latest,
            checks: self.checks,
            sends: self.sends,
            ended: self.ended,
        }
    }

    /// From plain values, if they can be those of a verification.
    pub fn from_stored(stored: &Stored) -> Result<Self, StoredError> {
        let rules = Rules::new(stored.valid_seconds, stored.checks_max, stored.sends_max)?;
        let coded = matches!(stored.channel, Channel::Sms | Channel::Mo);
        let used_up = stored.checks >= stored.checks_max;
        let sound = coded == stored.tag.is_some()
            && stored.checks <= CHECKS_MAX
            && stored.sends <= SENDS_MAX
            && stored.latest >= stored.started
            && stored.ended != Some(State::Pending)
            && !(used_up && stored.ended.is_none());
        if !sound {
            return Err(StoredError::Contradiction);
        }
        Ok(Self {
            channel: stored.channel,
            length: stored.length,
            tag: stored.tag,
            binding: stored.binding,
            rules,
            started: stored.started,
            latest: stored.latest,
            checks: stored.checks,
            sends: stored.sends,
            ended: stored.ended,
        })
    }
}
