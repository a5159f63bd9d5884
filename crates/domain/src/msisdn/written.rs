//! Reads a number as it is written down, strictly, before any numbering plan is asked. What leaves here
//! is `+` and at most 15 ASCII digits, so the library behind `plan` never sees an extension, a
//! letter, another script's digits or an invisible character.

use super::{MAX_DIGITS, MsisdnError};

/// A number as `+` and digits, with at least one digit and at most [`MAX_DIGITS`].
pub(super) struct Written {
    /// `+` and the digits, then unused octets.
    octets: [u8; 16],
    /// How many octets are used, `+` included.
    used: usize,
    number: u64,
}

impl Written {
    const fn new() -> Self {
        Self {
            octets: [b'+'; 16],
            used: 1,
            number: 0,
        }
    }

    /// Adds a digit.
    fn push(&mut self, digit: u8) -> Result<(), MsisdnError> {
        let slot = self.octets.get_mut(self.used);
        *slot.ok_or(MsisdnError::TooLong)? = digit;
        self.used += 1;
        // Fifteen digits, the most that fit the octets, are far below the range of a `u64`.
        self.number = self.number * 10 + u64::from(digit - b'0');
        Ok(())
    }

    /// `+` and the digits.
    pub(super) fn as_str(&self) -> &str {
        let used = self.octets.get(..self.used).unwrap_or_default();
        core::str::from_utf8(used).unwrap_or_default()
    }

    /// The digits as a number. A leading 0 is lost here, but no calling code begins with one.
    pub(super) const fn number(&self) -> u64 {
        self.number
    }
}

const _: () = assert!(MAX_DIGITS == 15, "`Written` has room for + and 15 digits");

/// What the last character was, in [`read`].
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    Plus,
    Digit,
    Separator,
    Open,
    Close,
}

/// Whether brackets have been seen, in [`read`]: one pair is allowed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Brackets {
    None,
    Open,
    Closed,
}

/// Reads what a client wrote.
pub(super) fn read(text: &str) -> Result<Written, MsisdnError> {
    let rest = text.strip_prefix('+').ok_or(MsisdnError::MissingPlus)?;
    let mut written = Written::new();
    let (mut last, mut brackets) = (Last::Plus, Brackets::None);
    let mut position = 1;
    for character in rest.chars() {
        position += 1;
        last = match (character, last, brackets) {
            ('0', Last::Open, _) => return Err(MsisdnError::TrunkZero),
            ('0'..='9', _, _) => {
                written.push(u8::try_from(character).unwrap_or(b'0'))?;
                Last::Digit
            }
            (' ' | '-' | '.', Last::Digit | Last::Close, _) => Last::Separator,
            ('(', Last::Digit | Last::Separator, Brackets::None) => {
                brackets = Brackets::Open;
                Last::Open
            }
            (')', Last::Digit, Brackets::Open) => {
                brackets = Brackets::Closed;
                Last::Close
            }
            ('+', _, _) => return Err(MsisdnError::SecondPlus),
            _ => return Err(MsisdnError::NotADigit { position }),
        };
    }
    match last {
        Last::Plus => Err(MsisdnError::TooShort),
        Last::Digit if brackets != Brackets::Open => Ok(written),
        _ => Err(MsisdnError::NotADigit { position }),
    }
}

/// How a carrier's address says that it is international.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Marked {
    /// It begins with `+`.
    Plus,
    /// It begins with `00`, or with nothing special.
    Otherwise,
}

/// A carrier's address without its `+` or `00`.
pub(super) fn without_prefix(address: &[u8]) -> (&[u8], Marked) {
    match address {
        [b'+', rest @ ..] => (rest, Marked::Plus),
        [b'0', b'0', rest @ ..] => (rest, Marked::Otherwise),
        _ => (address, Marked::Otherwise),
    }
}

/// Reads digits and nothing else.
pub(super) fn bare_digits(octets: &[u8]) -> Result<Written, MsisdnError> {
    let mut written = Written::new();
    for (index, octet) in octets.iter().enumerate() {
        if !octet.is_ascii_digit() {
            return Err(MsisdnError::NotADigit {
                position: index + 1,
            });
        }
        written.push(*octet)?;
    }
    if octets.is_empty() {
        return Err(MsisdnError::TooShort);
    }
    Ok(written)
}
