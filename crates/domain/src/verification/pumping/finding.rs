//! What the guard says: clear, or a reason with its evidence as plain numbers.

use core::fmt;
use core::str::FromStr;
use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::history::Count;
use crate::msisdn::{Msisdn, RegionCode};
use crate::time::Timestamp;

/// Where a number belongs: its country, or the calling code of a service that has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Country {
    /// A country or territory.
    Region(RegionCode),
    /// A calling code without a country.
    Code(u16),
}

impl Country {
    /// The country of a number.
    pub fn of(number: Msisdn) -> Self {
        match number.region() {
            Some(region) => Self::Region(region),
            None => Self::Code(number.country_code()),
        }
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Region(region) => write!(f, "{region}"),
            Self::Code(code) => write!(f, "+{code}"),
        }
    }
}

/// The beginning of a number: all but its last four digits, and never more than eight. It covers ten
/// thousand numbers or more, so it is nobody's and may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Prefix(u32);

impl Prefix {
    /// The prefix of a number.
    pub fn of(number: Msisdn) -> Self {
        let length = number.reveal().ilog10().saturating_add(1);
        let digits = length.saturating_sub(4).min(8);
        Self(u32::try_from(number.prefix(digits)).unwrap_or(u32::MAX))
    }

    /// From the digits that [`Prefix::digits`] gave.
    pub const fn from_digits(digits: u32) -> Self {
        Self(digits)
    }

    /// Its digits as a number.
    pub const fn digits(self) -> u32 {
        self.0
    }
}

impl FromStr for Prefix {
    type Err = NoPrefix;

    /// Reads what `Display` writes; the plus sign may be missing.
    fn from_str(text: &str) -> Result<Self, NoPrefix> {
        let digits = text.strip_prefix('+').unwrap_or(text);
        let fits = (1..=8).contains(&digits.len()) && !digits.starts_with('0');
        if fits && digits.bytes().all(|octet| octet.is_ascii_digit()) {
            digits.parse().map(Self).map_err(|_| NoPrefix)
        } else {
            Err(NoPrefix)
        }
    }
}

/// The text is no prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a prefix is + and 1 to 8 digits, the first not 0")]
pub struct NoPrefix;

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{}", self.0)
    }
}

/// Why a send is not worth its price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Codes of this client to this country are not used.
    PoorConversion,
    /// Codes to this prefix pile up and are not used.
    PrefixConcentration,
    /// Codes go to numbers side by side and are not used.
    AdjacentNumbers,
    /// The prefix is blocked for a reason found before.
    PrefixBlocked,
}

impl Reason {
    /// The stable code used in answers, the ledger and metrics.
    pub const fn code(self) -> &'static str {
        match self {
            Self::PoorConversion => "poor-conversion",
            Self::PrefixConcentration => "prefix-concentration",
            Self::AdjacentNumbers => "adjacent-numbers",
            Self::PrefixBlocked => "prefix-blocked",
        }
    }
}

/// The numbers behind a finding. None of them is personal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Where the send would have gone.
    pub country: Country,
    /// The prefix, where the finding is about it.
    pub prefix: Option<Prefix>,
    /// The window that was looked at, in seconds.
    pub window_seconds: u64,
    /// Sends and successes in the window, without the send asked about.
    pub count: Count,
    /// How many unused codes the window allows; 0 where none are counted.
    pub allowed: u32,
    /// How many numbers lie side by side, where the finding is about them.
    pub numbers: Option<u32>,
}

impl Evidence {
    pub(super) const fn new(country: Country, span: Duration, count: Count, allowed: u32) -> Self {
        Self {
            country,
            prefix: None,
            window_seconds: span.as_secs(),
            count,
            allowed,
            numbers: None,
        }
    }

    pub(super) const fn about(mut self, prefix: Prefix) -> Self {
        self.prefix = Some(prefix);
        self
    }
}

/// The counts of a prefix, over all clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrefixStats {
    /// Which.
    pub prefix: Prefix,
    /// In the last hour.
    pub hour: Count,
    /// In the last 24 hours.
    pub day: Count,
}

/// Whose codes a block keeps back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reach {
    /// Those of the client whose sends began it: a few cheap requests at one client's door must not shut out
    /// the others' users.
    Client,
    /// Those of every client.
    #[default]
    All,
}

impl Reach {
    /// The word used in entries and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::All => "all",
        }
    }
}

/// What a finding has to do with a block of its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockNews {
    /// The block begins with this finding: it belongs into the ledger.
    Begins {
        /// When it ends.
        until: Timestamp,
        /// Whether it is the first, second … in a row: 1 or more.
        nth: u16,
        /// Whose codes it keeps back.
        reach: Reach,
    },
    /// The block began before.
    Stands {
        /// When it ends.
        until: Timestamp,
    },
}

/// What speaks against a send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub reason: Reason,
    /// The numbers behind it.
    pub evidence: Evidence,
    /// The block of the prefix, if there is one.
    pub block: Option<BlockNews>,
}

impl Finding {
    pub(super) const fn new(reason: Reason, evidence: Evidence) -> Self {
        Self {
            reason,
            evidence,
            block: None,
        }
    }

    pub(super) const fn with(mut self, news: BlockNews) -> Self {
        self.block = Some(news);
        self
    }

    pub(super) const fn with_numbers(mut self, numbers: u32) -> Self {
        self.evidence.numbers = Some(numbers);
        self
    }
}

/// What becomes of a send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing speaks against it.
    Clear,
    /// It is refused.
    Refuse(Finding),
    /// It would be refused, and goes ahead because the guard only records.
    Shadow(Finding),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_covers_ten_thousand_numbers_or_more() {
        for (number, expected) in [
            (12_025_550_142, "+1202555"),
            (447_700_900_123, "+44770090"),
            (4_915_112_345_678, "+49151123"),
            (29_012_345, "+2901"),
        ] {
            let number = Msisdn::from_digits(number).unwrap();
            assert_eq!(Prefix::of(number).to_string(), expected);
        }
    }

    #[test]
    fn a_prefix_is_read_as_it_is_shown() {
        let prefix = Prefix::of(Msisdn::from_digits(447_700_900_123).unwrap());
        assert_eq!(prefix.to_string().parse(), Ok(prefix));
        assert_eq!("44770090".parse(), Ok(prefix));
        for text in ["", "+", "+0447", "+447700900", "+44 77", "44x"] {
            assert_eq!(text.parse::<Prefix>(), Err(NoPrefix), "{text}");
        }
    }

    #[test]
    fn a_reason_is_stored_under_its_code() {
        for reason in [
            Reason::PoorConversion,
            Reason::PrefixConcentration,
            Reason::AdjacentNumbers,
            Reason::PrefixBlocked,
        ] {
            let json = serde_json::to_string(&reason).unwrap();
            assert_eq!(json, format!("\"{}\"", reason.code()));
        }
    }
}
