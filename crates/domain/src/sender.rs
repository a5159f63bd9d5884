//! The short code a message is sent from and answered to. Alphanumeric senders and long numbers are no
//! senders of this gateway.

use core::fmt;
use core::num::NonZeroU32;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

/// A short code: 3 to 8 digits, the first not 0. Short codes are public and are shown in full.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ShortCode(NonZeroU32);

/// Why a text is no short code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShortCodeError {
    /// Fewer than 3 or more than 8 characters.
    #[error("a short code has 3 to 8 digits, for example 12345")]
    Length,
    /// Something else than the digits 0 to 9.
    #[error("a short code has only the digits 0 to 9, for example 12345")]
    NotADigit,
    /// It begins with 0.
    #[error("a short code does not begin with 0")]
    LeadingZero,
}

impl ShortCode {
    /// Reads a short code as it is written, or as it came in an address field: digits and nothing
    /// else, no spaces.
    pub fn parse(text: impl AsRef<[u8]>) -> Result<Self, ShortCodeError> {
        let octets = text.as_ref();
        if !octets.iter().all(u8::is_ascii_digit) {
            return Err(ShortCodeError::NotADigit);
        }
        if !matches!(octets.len(), 3..=8) {
            return Err(ShortCodeError::Length);
        }
        if octets.first() == Some(&b'0') {
            return Err(ShortCodeError::LeadingZero);
        }
        let number = octets
            .iter()
            .fold(0_u32, |sum, octet| sum * 10 + u32::from(octet - b'0'));
        NonZeroU32::new(number)
            .map(Self)
            .ok_or(ShortCodeError::LeadingZero)
    }

    /// The digits as a number: 100 to 99,999,999.
    pub const fn number(self) -> u32 {
        self.0.get()
    }
}

impl fmt::Display for ShortCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for ShortCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FromStr for ShortCode {
    type Err = ShortCodeError;

    fn from_str(text: &str) -> Result<Self, ShortCodeError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for ShortCode {
    type Error = ShortCodeError;

    fn try_from(text: String) -> Result<Self, ShortCodeError> {
        Self::parse(text)
    }
}

impl From<ShortCode> for String {
    fn from(code: ShortCode) -> Self {
        code.0.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::*;

    fn check(text: &str, expected: Result<u32, ShortCodeError>) {
        assert_eq!(
            ShortCode::parse(text).map(ShortCode::number),
            expected,
            "{text:?}"
        );
    }

    #[test]
    fn a_short_code_is_three_to_eight_digits() {
        check("123", Ok(123));
        check("12345", Ok(12_345));
        check("99999999", Ok(99_999_999));
        check("12", Err(ShortCodeError::Length));
        check("", Err(ShortCodeError::Length));
        check("123456789", Err(ShortCodeError::Length));
        check("01234", Err(ShortCodeError::LeadingZero));
    }

    #[test]
    fn only_plain_digits_are_digits() {
        for text in [
            "+12345",
            "12 345",
            "12345 ",
            "ＡＢＣ",
            "１２３４５",
            "٣٤٥٦",
            "1234a",
            "-1234",
        ] {
            check(text, Err(ShortCodeError::NotADigit));
        }
    }

    #[test]
    fn a_stored_short_code_is_a_string_and_checked() {
        let code = ShortCode::parse("12345").unwrap();
        assert_eq!(serde_json::to_string(&code).unwrap(), "\"12345\"");
        assert_eq!(
            serde_json::from_str::<ShortCode>("\"12345\"").unwrap(),
            code
        );
        assert!(serde_json::from_str::<ShortCode>("\"0123\"").is_err());
        assert!(serde_json::from_str::<ShortCode>("12345").is_err());
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back_as_the_same_code(octets in any::<Vec<u8>>(), n in 100_u32..=99_999_999) {
            let _ = ShortCode::parse(octets);
            let code = ShortCode::parse(n.to_string()).unwrap();
            prop_assert_eq!(code.to_string().parse(), Ok(code));
        }
    }
}
