//! Blocks and counts of the guard as they are told, kept and shown. None of it names a person: a prefix
//! covers ten thousand numbers or more.

use domain::id::ClientId;
use domain::time::Timestamp;
use domain::verification::pumping::{Count, Evidence, Mode, Prefix, Reach, Reason};
use serde::{Deserialize, Serialize};

/// A block whose beginning is told and whose end is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StandingBlock {
    /// Numbers that begin so get no codes.
    pub prefix: Prefix,
    /// The client whose start began it.
    pub client: ClientId,
    /// Whether it is for that client or for all.
    #[serde(default)]
    pub reach: Reach,
    /// When it began.
    pub since: Timestamp,
    /// When it ends by itself: in the time of the guard where it is kept, by the clock on the wall where it is told.
    pub until: Timestamp,
    /// Whether it is the first, second … in a row.
    pub nth: u16,
    /// What it began with.
    pub reason: Reason,
    /// The counts behind it.
    pub evidence: Evidence,
    /// Whether the guard refused when it began, or only recorded.
    pub mode: Mode,
}

/// A block that ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifted {
    /// Whose.
    pub prefix: Prefix,
    /// When it had begun.
    pub since: Timestamp,
    /// Starts that were refused meanwhile, as far as is known after a restart.
    pub refused: u32,
}

/// What the guard counts and blocks.
#[derive(Clone, Debug)]
pub struct PumpingStats {
    /// Whether it refuses.
    pub mode: Mode,
    /// Each pair of client and country with a send in the last 24 hours.
    pub countries: Vec<CountryCount>,
    /// The hundred prefixes with the most unused codes of the last 24 hours, worst first.
    pub prefixes: Vec<PrefixCount>,
    /// The blocks that stand, each with the starts that were refused since.
    pub blocks: Vec<(StandingBlock, u32)>,
    /// What was not counted because a table was full.
    pub uncounted: u64,
}

/// The counts of a client and a country.
#[derive(Clone, Debug)]
pub struct CountryCount {
    /// Whose.
    pub client: ClientId,
    /// The country: two letters, or `+` and a calling code that has none.
    pub country: String,
    /// Of the last hour.
    pub hour: Count,
    /// Of the last 24 hours.
    pub day: Count,
}

/// The counts of a prefix.
#[derive(Clone, Debug)]
pub struct PrefixCount {
    /// Which.
    pub prefix: Prefix,
    /// Of the last hour.
    pub hour: Count,
    /// Of the last 24 hours.
    pub day: Count,
}

/// Why no block ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnblockError {
    /// The prefix is not blocked.
    #[error("the prefix is not blocked; `shortstop verifications stats` shows those that are")]
    NotBlocked,
    /// It could not be recorded.
    #[error("nothing can be recorded now")]
    Unavailable,
}

/// Why an operator ends a block: words for the ledger, 1 to 200 characters without control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnblockReason(Box<str>);

/// Why a text is no such reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnblockReasonError {
    /// It is empty, too long, or holds control characters.
    #[error("the reason has 1 to 200 characters and no control characters")]
    Form,
    /// It may name a person.
    #[error(
        "the reason holds what may be a number, and the ledger keeps it for ever: name a case, not a \
         person"
    )]
    NamesNumber,
}

const LENGTH_MAX: usize = 200;

/// So many digits, however they are grouped, may be a number.
const TELLING_DIGITS: usize = 9;

impl UnblockReason {
    /// Takes the words.
    pub fn parse(text: &str) -> Result<Self, UnblockReasonError> {
        let length = text.chars().count();
        let is_formed = (1..=LENGTH_MAX).contains(&length) && !text.chars().any(char::is_control);
        if !is_formed || text.trim().is_empty() {
            return Err(UnblockReasonError::Form);
        }
        let groups = text.split(|letter: char| letter.is_alphabetic());
        let digits = |group: &str| group.bytes().filter(u8::is_ascii_digit).count();
        if groups.map(digits).any(|digits| digits >= TELLING_DIGITS) {
            return Err(UnblockReasonError::NamesNumber);
        }
        Ok(Self(text.into()))
    }

    /// The words.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_names_a_case_and_no_number() {
        let parse = |text: &str| UnblockReason::parse(text).map(drop);
        assert_eq!(parse("campaign in Leeds, case 2026-014"), Ok(()));
        for text in ["asked by +44 7700 900123", "0044-7700.900.123"] {
            assert_eq!(parse(text), Err(UnblockReasonError::NamesNumber), "{text}");
        }
        for text in ["", "  ", "a\nb", &"x".repeat(201)] {
            assert_eq!(parse(text), Err(UnblockReasonError::Form), "{text}");
        }
    }
}
