//! The numbering plans of all countries, as libphonenumber's metadata has them. The only file that calls
//! the library.
//!
//! The library panics only when a pattern of its own metadata is no regular expression, whatever the
//! input; a test walks every country's patterns. It also logs the number at trace level through
//! the `log` crate, which nothing here connects to our logs.

use core::ops::RangeInclusive;

use rlibphonenumber::{
    NumberLengthType, PHONE_NUMBER_UTIL, ParseError, PhoneNumber, PhoneNumberType, ValidationError,
};

use super::written::Written;
use super::{Line, MsisdnError, RegionCode};

/// +44 7700 900000 to 900999: kept free by the British regulator for drama and examples. They exist
/// in no plan, but our documentation, demo and tests need numbers which can never be anyone's.
const EXAMPLES: RangeInclusive<u64> = 447_700_900_000..=447_700_900_999;

/// The country of [`EXAMPLES`].
const EXAMPLES_REGION: RegionCode = RegionCode::literal(*b"GB");

/// Splits the digits into calling code and national number.
pub(super) fn look_up(written: &Written) -> Result<PhoneNumber, MsisdnError> {
    PHONE_NUMBER_UTIL
        .parse(written.as_str(), None)
        .map_err(|error| match error {
            ParseError::InvalidCountryCode => MsisdnError::UnknownCountry,
            ParseError::TooShortAfterIdd | ParseError::TooShortNsn | ParseError::NotANumber(_) => {
                MsisdnError::TooShort
            }
            ParseError::TooLongNsn => MsisdnError::TooLong,
        })
}

/// The digits of the number as the library understood it: calling code, zeros, national number.
pub(super) fn canonical(number: &PhoneNumber) -> Option<u64> {
    let code = u64::try_from(number.country_code).ok()?;
    let zeros = if number.italian_leading_zero() {
        u32::try_from(number.number_of_leading_zeros()).ok()?
    } else {
        0
    };
    let national = number.national_number;
    let length = national.checked_ilog10().unwrap_or(0).checked_add(1)?;
    let shift = 10_u64.checked_pow(length.checked_add(zeros)?)?;
    code.checked_mul(shift)?.checked_add(national)
}

/// Passes a number that its country assigns, and an example.
pub(super) fn require_assigned(number: &PhoneNumber, digits: u64) -> Result<(), MsisdnError> {
    if number.is_valid() || EXAMPLES.contains(&digits) {
        return Ok(());
    }
    require_possible(number)?;
    Err(MsisdnError::NotAssigned)
}

/// Passes a number that has a length its country uses.
pub(super) fn require_possible(number: &PhoneNumber) -> Result<(), MsisdnError> {
    match number.is_possible_with_reason() {
        Ok(NumberLengthType::IsPossible) => Ok(()),
        // A local number, without its area code, is also too short.
        Ok(NumberLengthType::IsPossibleLocalOnly) | Err(ValidationError::TooShort) => {
            Err(MsisdnError::TooShort)
        }
        Err(ValidationError::TooLong) => Err(MsisdnError::TooLong),
        Err(ValidationError::InvalidCountryCode) => Err(MsisdnError::UnknownCountry),
        Err(ValidationError::InvalidLength) => Err(MsisdnError::NotAssigned),
    }
}

/// Whether any country or global service has this calling code.
pub(super) fn is_calling_code(code: u16) -> bool {
    PHONE_NUMBER_UTIL
        .get_region_for_country_code(i32::from(code))
        .is_some()
}

/// Whether a country has a numbering plan.
pub(super) fn is_region(region: RegionCode) -> bool {
    let mut known = PHONE_NUMBER_UTIL.get_supported_regions();
    known.any(|other| other.as_region_str().as_str() == region.as_str())
}

/// The country of a number.
pub(super) fn region(code: u16, digits: u64) -> Option<RegionCode> {
    if EXAMPLES.contains(&digits) {
        return Some(EXAMPLES_REGION);
    }
    let region = split(code, digits)?.get_region_code()?.as_region_str();
    // The library writes a global service as "001", which is no region here.
    RegionCode::parse(region.as_str()).ok()
}

/// What kind of line a number is.
pub(super) fn line(code: u16, digits: u64) -> Line {
    match split(code, digits).map(|number| number.get_type()) {
        Some(PhoneNumberType::PremiumRate) => Line::Premium,
        Some(PhoneNumberType::SharedCost) => Line::SharedCost,
        Some(PhoneNumberType::TollFree) => Line::TollFree,
        Some(PhoneNumberType::Pager) => Line::Pager,
        Some(PhoneNumberType::FixedLine) => Line::Fixed,
        _ => Line::Ordinary,
    }
}

/// The library's form of digits whose calling code is known, without reading them again.
fn split(code: u16, digits: u64) -> Option<PhoneNumber> {
    let text = digits.to_string();
    let national = text.strip_prefix(&code.to_string())?;
    let significant = national.trim_start_matches('0');
    let mut number = PhoneNumber {
        country_code: i32::from(code),
        national_number: significant.parse().unwrap_or(0),
        ..PhoneNumber::default()
    };
    let zeros = national.len() - significant.len();
    if zeros > 0 {
        number.italian_leading_zero = Some(true);
        number.number_of_leading_zeros = i32::try_from(zeros).ok();
    }
    Some(number)
}
