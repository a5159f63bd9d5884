//! What a message costs: a price a segment by the first digits of the number, in micro-units of the
//! currency (a millionth), so that spend is counted in whole numbers. The longest prefix counts.

use std::collections::BTreeMap;

use crate::msisdn::{MAX_DIGITS, Msisdn};

/// Prices by prefix. The default knows none and everything is free: spend caps then stop nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PriceTable {
    /// By number of digits and prefix. No number begins with 0, so the two tell a prefix apart.
    prices: BTreeMap<(u32, u64), u64>,
    otherwise: u64,
    longest: u32,
}

/// Why a text is no prefix of a price table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrefixError {
    /// Not 1 to 15 digits, the first not 0.
    #[error("a prefix is + and 1 to 15 digits, the first not 0, for example +447")]
    Form,
    /// The prefix stands in the table twice.
    #[error("the prefix has a price already: keep one")]
    Twice,
}

impl PriceTable {
    /// A table that knows only the price, in micro-units a segment, of everything that is not listed.
    /// Choose the highest rather than 0.
    pub fn new(otherwise: u64) -> Self {
        Self {
            otherwise,
            ..Self::default()
        }
    }

    /// Adds the price, in micro-units a segment, of numbers that begin with `prefix` (`+447`).
    pub fn add(&mut self, prefix: &str, price: u64) -> Result<(), PrefixError> {
        let digits = prefix.strip_prefix('+').ok_or(PrefixError::Form)?;
        let length = u32::try_from(digits.len()).map_err(|_| PrefixError::Form)?;
        let plain = digits.bytes().all(|octet| octet.is_ascii_digit());
        if !plain || digits.starts_with('0') || length > MAX_DIGITS {
            return Err(PrefixError::Form);
        }
        let number = digits.parse().map_err(|_| PrefixError::Form)?;
        if self.prices.insert((length, number), price).is_some() {
            return Err(PrefixError::Twice);
        }
        self.longest = self.longest.max(length);
        Ok(())
    }

    /// The price of one segment to a number, in micro-units.
    pub fn price(&self, number: Msisdn) -> u64 {
        let lengths = (1..=self.longest).rev();
        let mut listed = lengths.filter_map(|length| {
            let prefix = number.prefix(length);
            // A short number gives itself as its longer prefixes, which are in no table.
            self.prices.get(&(length, prefix))
        });
        listed.next().copied().unwrap_or(self.otherwise)
    }

    /// What a message of so many segments to a number costs, in micro-units; at most `u64::MAX`.
    pub fn cost(&self, number: Msisdn, segments: u32) -> u64 {
        self.price(number).saturating_mul(u64::from(segments))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(digits: u64) -> Msisdn {
        Msisdn::from_digits(digits).unwrap()
    }

    #[test]
    fn the_longest_prefix_has_the_price() {
        let mut table = PriceTable::new(500_000);
        table.add("+44", 20_000).unwrap();
        table.add("+447", 40_000).unwrap();
        table.add("+1", 8_000).unwrap();
        table.add("+1876", 250_000).unwrap();
        assert_eq!(table.cost(number(447_700_900_123), 3), 120_000);
        assert_eq!(table.cost(number(442_071_838_750), 1), 20_000);
        assert_eq!(table.cost(number(18_765_230_123), 1), 250_000);
        assert_eq!(table.cost(number(14_155_552_671), 1), 8_000);
        assert_eq!(table.cost(number(998_901_234_567), 2), 1_000_000);
        assert_eq!(
            PriceTable::new(u64::MAX).cost(number(18_765_230_123), 9),
            u64::MAX
        );
    }

    #[test]
    fn a_prefix_is_plus_and_digits_and_stands_once() {
        let mut table = PriceTable::default();
        for text in ["", "+", "44", "+044", "+4 4", "+1234567890123456", "+４４"] {
            assert_eq!(table.add(text, 1), Err(PrefixError::Form), "{text:?}");
        }
        assert_eq!(table.add("+44", 1), Ok(()));
        assert_eq!(table.add("+44", 2), Err(PrefixError::Twice));
    }
}
