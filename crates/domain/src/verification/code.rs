//! The code itself: 4 to 10 decimal digits, every one as likely as every other. It masks itself; at rest
//! it lies sealed, and what is compared is its [tag](super::tag::CodeTag).

use core::fmt;

use aws_lc_rs::constant_time;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The fewest digits of a code. Fewer than [`STRONG_DIGITS`] need a setting of their own.
pub const MIN_DIGITS: u8 = 4;

/// The most digits of a code.
pub const MAX_DIGITS: u8 = 10;

/// The fewest digits that NIST SP 800-63B-4 section 3.1.3.2 asks of an out-of-band secret.
pub const STRONG_DIGITS: u8 = 6;

/// The most characters that are looked at in what a person typed.
const TYPED_CHARACTERS: usize = 64;

/// How many digits a code has: 4 to 10, and 6 unless asked otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct CodeLength(u8);

/// No such length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a code has {MIN_DIGITS} to {MAX_DIGITS} digits")]
pub struct CodeLengthError;

impl CodeLength {
    /// Six digits.
    pub const SIX: Self = Self(6);

    /// Eight digits.
    pub const EIGHT: Self = Self(8);

    /// Takes 4 to 10.
    pub const fn new(digits: u8) -> Result<Self, CodeLengthError> {
        match digits {
            MIN_DIGITS..=MAX_DIGITS => Ok(Self(digits)),
            _ => Err(CodeLengthError),
        }
    }

    /// The number of digits.
    pub const fn digits(self) -> u8 {
        self.0
    }

    /// How many codes of this length there are: 10⁴ to 10¹⁰.
    pub const fn codes(self) -> u64 {
        let mut codes = 1_u64;
        let mut digit = 0;
        while digit < self.0 {
            codes *= 10;
            digit += 1;
        }
        codes
    }
}

impl Default for CodeLength {
    fn default() -> Self {
        Self::SIX
    }
}

impl TryFrom<u8> for CodeLength {
    type Error = CodeLengthError;

    fn try_from(digits: u8) -> Result<Self, CodeLengthError> {
        Self::new(digits)
    }
}

impl From<CodeLength> for u8 {
    fn from(length: CodeLength) -> Self {
        length.0
    }
}

/// A code. `Debug` shows its length only and there is no `Display`; the ways to the digits are
/// [`Code::reveal`] and [`Code::reveal_grouped`].
///
/// ```
/// let code = domain::verification::code::Code::parse("482 913").unwrap();
/// assert_eq!(format!("{code:?}"), "Code(6 digits)");
/// assert_eq!(code.reveal(), "482913");
/// ```
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Code {
    /// ASCII digits, then unused zeros.
    digits: [u8; 10],
    used: u8,
}

/// Why a text is no code. No variant carries any of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// Something that is no digit, white space or dash.
    #[error("write the code as its digits: character {position} is no digit, space or dash")]
    NotADigit {
        /// Which character, counted from 1.
        position: usize,
    },
    /// Fewer than [`MIN_DIGITS`] digits.
    #[error("the code is too short: write all of its digits")]
    TooShort,
    /// More than [`MAX_DIGITS`] digits.
    #[error("the code is too long: write its digits and nothing else")]
    TooLong,
}

impl Code {
    /// Makes a code from random octets. An octet of 250 or more is passed over, because it would
    /// make the digits 0 to 5 likelier than 6 to 9. `None` when too few octets remain, which happens
    /// less than once in 10²⁸ times: draw new ones.
    pub fn from_random(length: CodeLength, random: &[u8; 32]) -> Option<Self> {
        let fair = random.iter().filter(|octet| **octet < 250);
        let mut code = Self::empty();
        for octet in fair.take(usize::from(length.0)) {
            code.push(octet % 10)?;
        }
        (code.used == length.0).then_some(code)
    }

    /// Reads what a person typed. White space and dashes do not count, and full-width digits are digits.
    pub fn parse(text: &str) -> Result<Self, CodeError> {
        let mut code = Self::empty();
        for (index, character) in text.chars().enumerate() {
            if index >= TYPED_CHARACTERS {
                return Err(CodeError::TooLong);
            }
            if is_separator(character) {
                continue;
            }
            let position = index.saturating_add(1);
            let digit = digit(character).ok_or(CodeError::NotADigit { position })?;
            code.push(digit).ok_or(CodeError::TooLong)?;
        }
        if code.used < MIN_DIGITS {
            return Err(CodeError::TooShort);
        }
        Ok(code)
    }

    /// The last digits of a number, with zeros in front.
    pub(super) fn from_number(length: CodeLength, number: u64) -> Self {
        let mut code = Self::empty();
        let mut rest = number;
        for place in code.digits.iter_mut().take(usize::from(length.0)).rev() {
            *place = b'0' + u8::try_from(rest % 10).unwrap_or(0);
            rest /= 10;
        }
        code.used = length.0;
        code
    }

    const fn empty() -> Self {
        Self {
            digits: [0; 10],
            used: 0,
        }
    }

    /// Adds a digit of 0 to 9; `None` when there is no room.
    fn push(&mut self, digit: u8) -> Option<()> {
        let place = self.digits.get_mut(usize::from(self.used))?;
        *place = b'0' + digit;
        self.used += 1;
        Some(())
    }

    /// The digits, for the message that carries them and for nothing else.
    pub fn reveal(&self) -> &str {
        let used = self.digits.get(..usize::from(self.used));
        core::str::from_utf8(used.unwrap_or_default()).unwrap_or_default()
    }

    /// The digits in groups of three or four, for a page that shows them: `482 913`.
    pub fn reveal_grouped(&self) -> String {
        let first = match self.used {
            6 | 9 => 3,
            7 | 8 | 10 => 4,
            whole => whole,
        };
        let group = if self.used == 8 { 4 } else { 3 };
        let mut text = String::with_capacity(13);
        for (place, digit) in (0_u8..).zip(self.reveal().chars()) {
            if place >= first && (place - first) % group == 0 {
                text.push(' ');
            }
            text.push(digit);
        }
        text
    }

    /// How many digits it has.
    pub const fn length(&self) -> CodeLength {
        CodeLength(self.used)
    }

    /// Whether the two are the same code. Takes the same time wherever they differ.
    pub fn matches(&self, other: &Self) -> bool {
        // An unused place is no digit, so codes of different length differ here too.
        constant_time::verify_slices_are_equal(&self.digits, &other.digits).is_ok()
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Code({} digits)", self.used)
    }
}

/// The value of a digit as handsets and keyboards write it: ASCII, or full-width (U+FF10 to U+FF19).
pub(super) fn digit(character: char) -> Option<u8> {
    let value = match u32::from(character) {
        ascii @ 0x30..=0x39 => ascii - 0x30,
        wide @ 0xFF10..=0xFF19 => wide - 0xFF10,
        _ => return None,
    };
    u8::try_from(value).ok()
}

/// Whether a character only divides digits: white space of any kind, or a dash.
pub(super) fn is_separator(character: char) -> bool {
    let is_dash = matches!(
        character,
        '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{FE58}' | '\u{FE63}' | '\u{FF0D}'
    );
    is_dash || character.is_whitespace()
}

#[cfg(test)]
mod tests;
