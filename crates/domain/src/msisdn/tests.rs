//! Tests of [`super`]: what is one number, what is refused and why, and that nothing shows it in full.

use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat};

use super::*;

fn check(text: &str, expected: Result<u64, MsisdnError>) {
    assert_eq!(
        Msisdn::parse(text).map(Msisdn::reveal),
        expected,
        "{text:?}"
    );
}

fn check_carrier(address: &str, ton: u8, expected: Result<u64, MsisdnError>) {
    let read = Msisdn::from_carrier(address.as_bytes(), ton).map(Msisdn::reveal);
    assert_eq!(read, expected, "{address:?} TON {ton}");
}

#[test]
fn plain_separators_between_digits_change_nothing() {
    check("+447700900123", Ok(447_700_900_123));
    check("+44 7700 900123", Ok(447_700_900_123));
    check("+44-7700-900-123", Ok(447_700_900_123));
    check("+1 (415) 555-2671", Ok(14_155_552_671));
    check("+1(415)555.2671", Ok(14_155_552_671));
    check("+1.415.555.2671", Ok(14_155_552_671));
    check("+393471234567", Ok(393_471_234_567));
    check("+390612345678", Ok(390_612_345_678));
}

#[test]
fn a_number_without_its_plus_is_refused() {
    for text in [
        "",
        "447700900123",
        "00447700900123",
        "07700900123",
        " +447700900123",
        "＋447700900123",
    ] {
        check(text, Err(MsisdnError::MissingPlus));
    }
    check("+00447700900123", Err(MsisdnError::UnknownCountry));
    check("+0447700900123", Err(MsisdnError::UnknownCountry));
}

#[test]
fn what_could_be_read_as_another_number_is_refused() {
    check(
        "+4477009001２3",
        Err(MsisdnError::NotADigit { position: 12 }),
    );
    check(
        "+44770090012٣",
        Err(MsisdnError::NotADigit { position: 13 }),
    );
    check(
        "+44770090012\u{1D7D1}",
        Err(MsisdnError::NotADigit { position: 13 }),
    );
    check(
        "+44\u{200B}7700900123",
        Err(MsisdnError::NotADigit { position: 4 }),
    );
    check(
        "+44\u{A0}7700900123",
        Err(MsisdnError::NotADigit { position: 4 }),
    );
    check("\u{202A}+447700900123", Err(MsisdnError::MissingPlus));
    check(
        "+447700900123;ext=9",
        Err(MsisdnError::NotADigit { position: 14 }),
    );
    check(
        "+447700900123x9",
        Err(MsisdnError::NotADigit { position: 14 }),
    );
    check("+1800FLOWERS", Err(MsisdnError::NotADigit { position: 6 }));
    check(
        "+447700900123\n",
        Err(MsisdnError::NotADigit { position: 14 }),
    );
    check(
        "+447700900123\0",
        Err(MsisdnError::NotADigit { position: 14 }),
    );
    check("+447700900123+", Err(MsisdnError::SecondPlus));
    check("++447700900123", Err(MsisdnError::SecondPlus));
    check(
        "+447700900123,+447700900124",
        Err(MsisdnError::NotADigit { position: 14 }),
    );
    check("+44 (0)7700 900123", Err(MsisdnError::TrunkZero));
}

#[test]
fn separators_stand_alone_and_between_digits() {
    check(
        "+44  7700900123",
        Err(MsisdnError::NotADigit { position: 5 }),
    );
    check(
        "+ 447700900123",
        Err(MsisdnError::NotADigit { position: 2 }),
    );
    check(
        "+447700900123 ",
        Err(MsisdnError::NotADigit { position: 14 }),
    );
    check(
        "+1 (415 5552671",
        Err(MsisdnError::NotADigit { position: 15 }),
    );
    check(
        "+1 415) 5552671",
        Err(MsisdnError::NotADigit { position: 7 }),
    );
    check(
        "+1 (415) (555) 2671",
        Err(MsisdnError::NotADigit { position: 10 }),
    );
    check(
        "+1 ()4155552671",
        Err(MsisdnError::NotADigit { position: 5 }),
    );
}

#[test]
fn the_numbering_plan_must_know_the_number() {
    check("+", Err(MsisdnError::TooShort));
    check("+4", Err(MsisdnError::TooShort));
    check("+4477", Err(MsisdnError::TooShort));
    check("+44770090012", Err(MsisdnError::NotAssigned));
    check("+1415555267", Err(MsisdnError::TooShort));
    check("+141555526711", Err(MsisdnError::TooLong));
    check("+1234567890123456", Err(MsisdnError::TooLong));
    check("+999123456789", Err(MsisdnError::UnknownCountry));
    check("+15551234567", Err(MsisdnError::NotAssigned));
}

#[test]
fn only_the_kept_range_of_examples_is_added_to_the_plan() {
    check("+447700900000", Ok(447_700_900_000));
    check("+447700900999", Ok(447_700_900_999));
    check("+447700901000", Err(MsisdnError::NotAssigned));
}

#[test]
fn digits_that_lose_a_trunk_prefix_are_two_numbers() {
    check("+4407700900123", Err(MsisdnError::Ambiguous));
    check("+4407400123456", Err(MsisdnError::Ambiguous));
    check("+3758100530960", Err(MsisdnError::Ambiguous));
}

#[test]
fn a_carriers_international_address_is_made_canonical() {
    check_carrier("447700900123", 1, Ok(447_700_900_123));
    check_carrier("+447700900123", 1, Ok(447_700_900_123));
    check_carrier("00447700900123", 1, Ok(447_700_900_123));
    check_carrier("4407700900123", 1, Ok(447_700_900_123));
    check_carrier("390612345678", 1, Ok(390_612_345_678));
    // Not in the plan built in, but of the right length: the network knows better.
    check_carrier("33639980123", 1, Ok(33_639_980_123));
    check_carrier("15551234567", 1, Ok(15_551_234_567));
}

#[test]
fn a_carriers_address_of_another_kind_is_refused() {
    check_carrier("447700900123", 0, Err(MsisdnError::NotInternational));
    check_carrier("4155552671", 0, Err(MsisdnError::NotInternational));
    check_carrier("+447700900123", 0, Ok(447_700_900_123));
    check_carrier("07700900123", 2, Err(MsisdnError::NotInternational));
    check_carrier("12345", 3, Err(MsisdnError::NotInternational));
    check_carrier("+447700900123", 5, Err(MsisdnError::NotInternational));
    check_carrier("", 1, Err(MsisdnError::TooShort));
    check_carrier("BANK", 1, Err(MsisdnError::NotADigit { position: 1 }));
    check_carrier("07700900123", 1, Err(MsisdnError::UnknownCountry));
    check_carrier("4477", 1, Err(MsisdnError::TooShort));
}

#[test]
fn a_stored_value_outlives_its_numbering_plan() {
    assert_eq!(
        Msisdn::from_digits(447_700_901_000).unwrap().reveal(),
        447_700_901_000
    );
    assert_eq!(Msisdn::from_digits(0), Err(MsisdnError::TooShort));
    assert_eq!(Msisdn::from_digits(4_477), Err(MsisdnError::TooShort));
    assert_eq!(
        Msisdn::from_digits(1_000_000_000_000_000),
        Err(MsisdnError::TooLong)
    );
    assert_eq!(Msisdn::from_digits(u64::MAX), Err(MsisdnError::TooLong));
    assert_eq!(
        Msisdn::from_digits(999_123_456),
        Err(MsisdnError::UnknownCountry)
    );
}

#[test]
fn code_region_and_prefix_come_from_the_digits() {
    let facts = |text: &str| {
        let number = Msisdn::parse(text).unwrap();
        (
            number.country_code(),
            number.region().map(|region| region.to_string()),
        )
    };
    assert_eq!(facts("+447700900123"), (44, Some("GB".to_owned())));
    assert_eq!(facts("+14155552671"), (1, Some("US".to_owned())));
    assert_eq!(facts("+15062345678"), (1, Some("CA".to_owned())));
    assert_eq!(facts("+390612345678"), (39, Some("IT".to_owned())));
    assert_eq!(facts("+80012345678"), (800, None));
    let number = Msisdn::parse("+447700900123").unwrap();
    assert_eq!(number.prefix(7), 4_477_009);
    assert_eq!(number.prefix(0), 0);
    assert_eq!(number.prefix(12), number.reveal());
    assert_eq!(number.prefix(99), number.reveal());
}

#[test]
fn a_number_shows_itself_masked() {
    let number = Msisdn::parse("+447700900123").unwrap();
    assert_eq!(number.to_string(), "+4477•••••123");
    assert_eq!(format!("{number:?}"), "+4477•••••123");
    assert_eq!(number.reveal_e164(), "+447700900123");
    assert_eq!(
        Msisdn::from_digits(390_612_005).unwrap().to_string(),
        "+390••••••"
    );
    assert_eq!(
        Msisdn::from_digits(14_155_550_007).unwrap().to_string(),
        "+1415••••007"
    );
    assert_eq!(size_of::<Option<Msisdn>>(), 8);
}

#[test]
fn every_countrys_example_is_read_and_no_pattern_panics() {
    let mut read = 0;
    for region in PHONE_NUMBER_UTIL.get_supported_regions() {
        let example = PHONE_NUMBER_UTIL.get_example_number(region).unwrap();
        let text = example.format_as(PhoneNumberFormat::E164);
        let number = Msisdn::parse(&text).unwrap();
        assert_eq!(number.reveal_e164(), text);
        assert_eq!(i32::from(number.country_code()), example.country_code);
        let expected = example
            .get_region_code()
            .map(|code| code.as_region_str().to_string());
        assert_eq!(number.region().map(|code| code.to_string()), expected);
        read += 1;
    }
    assert!(read > 200, "{read}");
}

#[test]
fn every_pattern_of_every_calling_code_compiles() {
    // Each possible length makes the library compile and try each of the country's patterns.
    for code in PHONE_NUMBER_UTIL.get_supported_calling_codes() {
        for length in 4..=12 {
            for digit in ["1", "2", "3", "4", "5", "6", "7", "8", "9"] {
                let _ = Msisdn::parse(&format!("+{code}{}", digit.repeat(length)));
            }
        }
    }
}

proptest! {
    #[test]
    fn a_number_is_taken_as_written_or_not_at_all(digits in "[1-9][0-9]{4,16}") {
        if let Ok(number) = Msisdn::parse(&format!("+{digits}")) {
            prop_assert_eq!(number.reveal().to_string(), digits);
        }
    }

    #[test]
    fn a_number_that_is_sent_to_is_found_again_when_it_answers(digits in "44(74|77|78)[0-9]{8}") {
        if let Ok(number) = Msisdn::parse(&format!("+{digits}")) {
            prop_assert_eq!(Msisdn::from_carrier(digits.as_bytes(), 1), Ok(number));
            prop_assert_eq!(Msisdn::from_digits(number.reveal()), Ok(number));
        }
    }

    #[test]
    fn a_masked_number_hides_at_least_a_third(digits in 10_000_u64..1_000_000_000_000_000) {
        if let Ok(number) = Msisdn::from_digits(digits) {
            let shown = number.to_string();
            let hidden = shown.chars().filter(|character| *character == '•').count();
            prop_assert!(hidden * 3 >= digits.to_string().len(), "{}", shown);
        }
    }

    #[test]
    fn any_text_and_any_octets_are_read_or_refused(
        text in any::<String>(), near in "\\+?[0-9 ().+٣-]{0,24}", octets in any::<Vec<u8>>(), ton in any::<u8>(),
    ) {
        let _ = Msisdn::parse(&text);
        let _ = Msisdn::parse(&near);
        let _ = Msisdn::from_carrier(&octets, ton);
        let _ = Msisdn::from_carrier(near.as_bytes(), 1);
    }
}
