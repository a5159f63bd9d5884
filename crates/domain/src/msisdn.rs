//! The number of a handset, in the one form that counts: the digits of E.164. Limits, opt-outs and
//! search know no other key, so a text that could be read as two numbers is refused and never repaired.
//! Short codes are no MSISDNs; see [`crate::sender`].

mod line;
mod plan;
mod region;
mod written;

use core::fmt;
use core::num::NonZeroU64;

pub use line::Line;
pub use region::{RegionCode, RegionCodeError};

/// The most digits of an E.164 number, calling code included.
pub const MAX_DIGITS: u32 = 15;

/// The fewest digits a stored or received number may have. The shortest in use today has 6.
const MIN_DIGITS: u32 = 5;

/// An E.164 number. `Debug` and `Display` show it masked, and it has no `Serialize`; the ways to
/// the full value are [`Msisdn::reveal`] and [`Msisdn::reveal_e164`].
///
/// ```
/// let number = domain::msisdn::Msisdn::parse("+44 7700 900123").unwrap();
/// assert_eq!(number.to_string(), "+4477•••••123");
/// assert_eq!(number.reveal(), 447_700_900_123);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Msisdn(NonZeroU64);

/// Why a text or an address is no MSISDN. No variant carries any of its digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MsisdnError {
    /// It does not begin with `+`: without it the country is a guess.
    #[error(
        "write the number as + and digits, for example +447700900123: it does not begin with +"
    )]
    MissingPlus,
    /// Something that is no digit and no single separator between digits.
    #[error(
        "write the number as + and digits, for example +447700900123: character {position} is neither \
         a digit 0 to 9 nor a single space, hyphen, full stop or pair of brackets between digits"
    )]
    NotADigit {
        /// Which character, counted from 1.
        position: usize,
    },
    /// A `+` after the first character: perhaps two numbers in one field.
    #[error("write one number: there is a second +")]
    SecondPlus,
    /// `(0)` or another bracket that begins with 0: dialled in the country, not from abroad.
    #[error("leave out the 0 in brackets, which is dialled only inside the country")]
    TrunkZero,
    /// Fewer digits than any number of that country has.
    #[error("the number is too short for its country: write all digits after the calling code")]
    TooShort,
    /// More digits than E.164 or the country allows.
    #[error("the number is too long for its country: check for extra digits")]
    TooLong,
    /// The digits begin with no calling code; `+0…` and `+00…` are among these.
    #[error("the number does not begin with a country's calling code, for example +44 or +1")]
    UnknownCountry,
    /// The usual reading of these digits is another number, for example without a trunk 0.
    #[error(
        "the digits can be read as two numbers: leave out the 0 or 8 dialled only inside the country"
    )]
    Ambiguous,
    /// The length is right, but the country assigns no such number.
    #[error("no such number exists in its country's numbering plan: check the digits")]
    NotAssigned,
    /// A carrier's address that does not say its country: not TON 1, and without `+`.
    #[error("the carrier's address is not an international number (type of number 1)")]
    NotInternational,
}

impl Msisdn {
    /// Reads a number as a client writes it: `+`, digits, and between them at most single spaces,
    /// hyphens, full stops and one pair of brackets. It must exist in its country's numbering plan
    /// (libphonenumber's `is_valid_number`), or lie in the range +44 7700 900000 to 900999, which the
    /// British regulator keeps free for examples. The digits are taken as written or not at all.
    pub fn parse(text: &str) -> Result<Self, MsisdnError> {
        let written = written::read(text)?;
        let number = plan::look_up(&written)?;
        if plan::canonical(&number) != Some(written.number()) {
            return Err(MsisdnError::Ambiguous);
        }
        plan::require_assigned(&number, written.number())?;
        Self::from_digits(written.number())
    }

    /// Takes a stored value back. Only its length and its calling code are checked, since numbering
    /// plans change and an opt-out of a number that has since been withdrawn must stay readable.
    pub fn from_digits(digits: u64) -> Result<Self, MsisdnError> {
        let number = Self(NonZeroU64::new(digits).ok_or(MsisdnError::TooShort)?);
        match number.length() {
            ..MIN_DIGITS => Err(MsisdnError::TooShort),
            MIN_DIGITS..=MAX_DIGITS if number.calling_code().is_some() => Ok(number),
            MIN_DIGITS..=MAX_DIGITS => Err(MsisdnError::UnknownCountry),
            _ => Err(MsisdnError::TooLong),
        }
    }

    /// Reads the address of a handset as a carrier sends it, `ton` being its type of number (SMPP 3.4
    /// section 5.2.5).
    ///
    /// With TON 1 (international) a leading `+` or `00` is optional; with TON 0 (unknown) only a
    /// `+` says that the number is international, since the ten digits of an American number read just as
    /// well as a Swiss one. A trunk 0 is removed, because the network vouches that the handset
    /// exists and its opt-out must reach the one canonical number. For the same reason a number of
    /// possible length is taken even when the numbering plan built in does not know it yet.
    pub fn from_carrier(address: &[u8], ton: u8) -> Result<Self, MsisdnError> {
        let (bare, marked) = written::without_prefix(address);
        if !(ton == 1 || (ton == 0 && marked == written::Marked::Plus)) {
            return Err(MsisdnError::NotInternational);
        }
        let written = written::bare_digits(bare)?;
        let number = plan::look_up(&written)?;
        let digits = plan::canonical(&number).ok_or(MsisdnError::TooLong)?;
        plan::require_possible(&number)?;
        Self::from_digits(digits)
    }

    /// The full number as digits without `+`: the one way out, with [`Msisdn::reveal_e164`].
    pub const fn reveal(self) -> u64 {
        self.0.get()
    }

    /// The full number as E.164 text: `+447700900123`.
    pub fn reveal_e164(self) -> String {
        format!("+{}", self.0)
    }

    /// The calling code: 1 to 999.
    pub fn country_code(self) -> u16 {
        // Both constructors refuse a number without a calling code, so 0 does not occur.
        self.calling_code().unwrap_or(0)
    }

    /// The country, where the calling code or the digits tell it. `None` for a global service
    /// (+800, +883 …), and for a number of a shared code that no country's plan knows.
    pub fn region(self) -> Option<RegionCode> {
        plan::region(self.country_code(), self.reveal())
    }

    /// What kind of line the country's plan says it is.
    pub fn line(self) -> Line {
        plan::line(self.country_code(), self.reveal())
    }

    /// The first `length` digits as a number, for limits on a prefix; the whole number when it has no
    /// more. From about 9 digits on a prefix is as personal as the number.
    pub const fn prefix(self, length: u32) -> u64 {
        let cut = self.length().saturating_sub(length);
        // A `u64` has at most 20 digits, so the power fits unless `length` is 0 and so is the answer.
        match 10_u64.checked_pow(cut) {
            Some(divisor) => self.0.get() / divisor,
            None => 0,
        }
    }

    /// How many digits it has.
    const fn length(self) -> u32 {
        self.0.ilog10() + 1
    }

    /// The calling code. No calling code is the beginning of another, so the first found is the one.
    fn calling_code(self) -> Option<u16> {
        (1..=3)
            .filter_map(|length| u16::try_from(self.prefix(length)).ok())
            .find(|code| plan::is_calling_code(*code))
    }
}

impl fmt::Display for Msisdn {
    /// Masked: the first four and last three digits, or the first three alone when it is short.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (head, tail) = if self.length() > 10 { (4, 3) } else { (3, 0) };
        write!(f, "+{}", self.prefix(head))?;
        for _ in head..self.length() - tail {
            f.write_str("•")?;
        }
        if tail > 0 {
            write!(f, "{:03}", self.0.get() % 1_000)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Msisdn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests;
