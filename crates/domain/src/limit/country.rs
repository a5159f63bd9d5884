//! Where a number leads, and whether messages may go there. Every country is off unless enabled, and
//! ranges that cost or earn unusually (premium, satellite, shared cost, toll-free, pagers; the targets
//! that vendors name for pumping) are off even in an enabled country unless named.

use core::fmt;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::msisdn::{Line, Msisdn, RegionCode};

/// Countries of which one vendor asks for a second confirmation before they are enabled, because so much
/// traffic to them is pumped (Twilio error 30649): Bangladesh, Israel, Nigeria, Pakistan, Palestine, Sri
/// Lanka, Azerbaijan, Tajikistan, Oman, Tunisia, Algeria. Enabling one deserves a warning.
pub const PUMPED: [&str; 11] = [
    "BD", "IL", "NG", "PK", "PS", "LK", "AZ", "TJ", "OM", "TN", "DZ",
];

/// A country, or a calling code that belongs to none (ITU-T E.164.1: global services and networks).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Country {
    /// A country or territory.
    Region(RegionCode),
    /// Another calling code: 800, 870, 881, 882, 883 …
    Code(u16),
}

impl Country {
    /// The country as a number, each its own.
    pub(super) fn word(self) -> u64 {
        match self {
            Self::Region(region) => region
                .as_str()
                .bytes()
                .fold(0, |word, letter| (word << 8) | u64::from(letter)),
            Self::Code(code) => u64::from(code) | (1 << 16),
        }
    }

    /// What [`Country::word`] gave.
    pub(super) fn from_word(word: u64) -> Option<Self> {
        let [low, high, third, ..] = word.to_le_bytes();
        if third != 0 {
            return Some(Self::Code(u16::from_le_bytes([low, high])));
        }
        let text = core::str::from_utf8(&[high, low]).ok()?.to_owned();
        RegionCode::parse(&text).ok().map(Self::Region)
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Region(region) => fmt::Display::fmt(region, f),
            Self::Code(code) => write!(f, "+{code}"),
        }
    }
}

/// A range in which messages cost or earn unusually.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Range {
    /// Premium rate, +979 included.
    Premium,
    /// Inmarsat (+870), global mobile satellite (+881) and international networks (+882, +883), where
    /// satellite and unallocated numbers lie side by side.
    Satellite,
    /// Shared cost, +808 included.
    SharedCost,
    /// Toll-free, +800 included.
    TollFree,
    /// Pagers.
    Pager,
}

impl Range {
    /// The word of the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Premium => "premium",
            Self::Satellite => "satellite",
            Self::SharedCost => "shared-cost",
            Self::TollFree => "toll-free",
            Self::Pager => "pager",
        }
    }

    fn of(number: Msisdn) -> Option<Self> {
        match (number.country_code(), number.line()) {
            (870 | 881 | 882 | 883, _) => Some(Self::Satellite),
            (979, _) | (_, Line::Premium) => Some(Self::Premium),
            (808, _) | (_, Line::SharedCost) => Some(Self::SharedCost),
            (800, _) | (_, Line::TollFree) => Some(Self::TollFree),
            (_, Line::Pager) => Some(Self::Pager),
            (_, Line::Ordinary | Line::Fixed) => None,
        }
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A number and where it leads. Built once a request: it asks the numbering plans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Destination {
    number: Msisdn,
    country: Country,
    range: Option<Range>,
}

impl Destination {
    /// Looks a number up.
    pub fn of(number: Msisdn) -> Self {
        let code = Country::Code(number.country_code());
        Self {
            number,
            country: number.region().map_or(code, Country::Region),
            range: Range::of(number),
        }
    }

    /// The number.
    pub const fn number(&self) -> Msisdn {
        self.number
    }

    /// Its country.
    pub const fn country(&self) -> Country {
        self.country
    }

    /// The unusual range it lies in.
    pub const fn range(&self) -> Option<Range> {
        self.range
    }
}

/// Where messages may go. The default is nowhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Countries {
    enabled: BTreeSet<RegionCode>,
    ranges: BTreeSet<Range>,
}

/// Why a message may not go there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CountryRefusal {
    /// The country is not enabled.
    #[error("messages to {0} are off: enable the country to send there")]
    CountryOff(Country),
    /// The range is not named.
    #[error("messages to {0} numbers are off: name the range to send there")]
    RangeOff(Range),
}

impl Countries {
    /// The enabled countries and the ranges named.
    pub fn new(
        enabled: impl IntoIterator<Item = RegionCode>,
        ranges: impl IntoIterator<Item = Range>,
    ) -> Self {
        Self {
            enabled: enabled.into_iter().collect(),
            ranges: ranges.into_iter().collect(),
        }
    }

    /// The enabled countries.
    pub fn enabled(&self) -> impl Iterator<Item = RegionCode> {
        self.enabled.iter().copied()
    }

    /// Whether messages may go to a destination. A range without a country (satellites) needs only its
    /// name; a range of a country needs both.
    pub fn allow(&self, destination: &Destination) -> Result<(), CountryRefusal> {
        if let Some(range) = destination.range()
            && !self.ranges.contains(&range)
        {
            return Err(CountryRefusal::RangeOff(range));
        }
        match destination.country() {
            Country::Region(region) if self.enabled.contains(&region) => Ok(()),
            Country::Code(_) if destination.range().is_some() => Ok(()),
            country => Err(CountryRefusal::CountryOff(country)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(digits: u64, country: &str, range: Option<Range>) {
        let destination = Destination::of(Msisdn::from_digits(digits).unwrap());
        assert_eq!(destination.country().to_string(), country, "{digits}");
        assert_eq!(destination.range(), range, "{digits}");
        let word = destination.country().word();
        assert_eq!(Country::from_word(word), Some(destination.country()));
    }

    #[test]
    fn numbers_lead_to_countries_and_unusual_ranges() {
        check(447_700_900_123, "GB", None);
        check(14_155_552_671, "US", None);
        check(18_765_230_123, "JM", None);
        check(449_098_790_000, "GB", Some(Range::Premium));
        check(19_002_530_000, "US", Some(Range::Premium));
        check(870_773_111_632, "+870", Some(Range::Satellite));
        check(881_612_345_678, "+881", Some(Range::Satellite));
        check(979_123_456_789, "+979", Some(Range::Premium));
        check(80_812_345_678, "+808", Some(Range::SharedCost));
        check(80_012_345_678, "+800", Some(Range::TollFree));
    }

    #[test]
    fn everything_is_off_unless_enabled_and_named() {
        let allow = |countries: &Countries, digits| {
            countries.allow(&Destination::of(Msisdn::from_digits(digits).unwrap()))
        };
        let gb = RegionCode::parse("GB").unwrap();
        let none = Countries::default();
        let off = CountryRefusal::CountryOff(Country::Region(gb));
        assert_eq!(allow(&none, 447_700_900_123), Err(off));
        let premium = Err(CountryRefusal::RangeOff(Range::Premium));
        assert_eq!(allow(&none, 449_098_790_000), premium);
        let plain = Countries::new([gb], []);
        assert_eq!(allow(&plain, 447_700_900_123), Ok(()));
        assert_eq!(allow(&plain, 449_098_790_000), premium);
        assert!(allow(&plain, 18_765_230_123).is_err());
        let named = Countries::new([gb], [Range::Premium, Range::Satellite]);
        assert_eq!(allow(&named, 449_098_790_000), Ok(()));
        assert_eq!(allow(&named, 881_612_345_678), Ok(()));
        assert!(allow(&named, 19_002_530_000).is_err());
    }
}
