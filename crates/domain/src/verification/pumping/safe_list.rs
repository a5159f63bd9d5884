//! Numbers that the guard leaves alone: single ones, and ranges by their first digits, as a firm knows them
//! (its own staff, its test handsets, a partner's range).

use std::collections::BTreeSet;

use crate::msisdn::Msisdn;

/// The most entries of a list.
const ENTRIES_MAX: usize = 10_000;

/// The fewest digits of an entry: less would be a whole country.
const DIGITS_MIN: usize = 5;

/// The most digits of an entry, those of a whole number.
const DIGITS_MAX: u32 = 15;

/// The list. `Debug` shows its length.
#[derive(Clone, Default)]
pub struct SafeList {
    /// The digits of numbers and of beginnings of numbers.
    beginnings: BTreeSet<u64>,
}

/// Why a list is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SafeListError {
    /// An entry is no number and no beginning of one.
    #[error("entry {position} of the safe list is not + and 5 to 15 digits, the first not 0")]
    Entry {
        /// Which entry, counted from 1.
        position: usize,
    },
    /// More than 10,000 entries.
    #[error("the safe list has more than {ENTRIES_MAX} entries")]
    TooLong,
}

impl SafeList {
    /// Reads entries: `+` and the digits of a number, or its first 5 or more.
    pub fn parse<'e>(entries: impl IntoIterator<Item = &'e str>) -> Result<Self, SafeListError> {
        let mut list = Self::default();
        for (index, entry) in entries.into_iter().enumerate() {
            if index >= ENTRIES_MAX {
                return Err(SafeListError::TooLong);
            }
            let position = index.saturating_add(1);
            let digits = digits(entry).ok_or(SafeListError::Entry { position })?;
            list.beginnings.insert(digits);
        }
        Ok(list)
    }

    /// Whether a number is on it.
    pub fn holds(&self, number: Msisdn) -> bool {
        let mut lengths = 1..=DIGITS_MAX;
        !self.beginnings.is_empty()
            && lengths.any(|length| self.beginnings.contains(&number.prefix(length)))
    }
}

fn digits(entry: &str) -> Option<u64> {
    let digits = entry.strip_prefix('+')?;
    let plain = digits.bytes().all(|octet| octet.is_ascii_digit()) && !digits.starts_with('0');
    let most = usize::try_from(DIGITS_MAX).ok()?;
    if plain && (DIGITS_MIN..=most).contains(&digits.len()) {
        digits.parse().ok()
    } else {
        None
    }
}

impl core::fmt::Debug for SafeList {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "SafeList({} entries)", self.beginnings.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_holds_numbers_and_ranges() {
        let list = SafeList::parse(["+447700900123", "+18001234"]).unwrap();
        for (number, held) in [
            (447_700_900_123, true),
            (447_700_900_124, false),
            (18_001_234_567, true),
            (18_001_235_567, false),
        ] {
            assert_eq!(list.holds(Msisdn::from_digits(number).unwrap()), held);
        }
        assert_eq!(format!("{list:?}"), "SafeList(2 entries)");
        assert!(!SafeList::default().holds(Msisdn::from_digits(447_700_900_123).unwrap()));
    }

    #[test]
    fn an_entry_is_never_a_whole_country() {
        for entry in [
            "",
            "+",
            "+44",
            "+4477",
            "447700",
            "+44 7700",
            "+0447700",
            "+1234567890123456",
        ] {
            let parsed = SafeList::parse(["+447700", entry]);
            assert_eq!(parsed.unwrap_err(), SafeListError::Entry { position: 2 });
        }
        let many: Vec<String> = (10_000..20_001).map(|n| format!("+{n}")).collect();
        let parsed = SafeList::parse(many.iter().map(String::as_str));
        assert_eq!(parsed.unwrap_err(), SafeListError::TooLong);
    }
}
