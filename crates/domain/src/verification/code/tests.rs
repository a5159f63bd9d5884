//! Tests of [`super`]: fair codes, forgiving reading, and nothing shown.

use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

use super::*;

fn length(digits: u8) -> CodeLength {
    CodeLength::new(digits).unwrap()
}

fn check(text: &str, expected: Result<&str, CodeError>) {
    let read = Code::parse(text);
    let read = read.as_ref().map(Code::reveal).map_err(|error| *error);
    assert_eq!(read, expected, "{text:?}");
}

#[test]
fn a_code_has_four_to_ten_digits_and_six_by_default() {
    assert_eq!(CodeLength::default().digits(), 6);
    for digits in 0..=u8::MAX {
        assert_eq!(
            CodeLength::new(digits).is_ok(),
            (4..=10).contains(&digits),
            "{digits}"
        );
    }
    assert_eq!(length(4).codes(), 10_000);
    assert_eq!(length(10).codes(), 10_000_000_000);
}

#[test]
fn every_digit_is_as_likely_as_every_other() {
    // Over all values of one octet, each digit is made by exactly 25 of them.
    let mut made = [0_u32; 10];
    for octet in 0..=u8::MAX {
        let mut random = [255_u8; 32];
        random[..4].fill(octet);
        if let Some(code) = Code::from_random(length(4), &random) {
            made[usize::from(code.reveal().as_bytes()[0] - b'0')] += 1;
        }
    }
    assert_eq!(made, [25; 10]);
}

#[test]
fn octets_that_would_bend_the_odds_are_passed_over() {
    let mut random = [251_u8; 32];
    random[28..].copy_from_slice(&[0, 249, 10, 7]);
    let code = Code::from_random(length(4), &random).unwrap();
    assert_eq!(code.reveal(), "0907");
    assert!(Code::from_random(length(5), &random).is_none());
}

#[test]
fn spaces_dashes_and_full_width_digits_are_forgiven() {
    check("482913", Ok("482913"));
    check(" 482 913\r\n", Ok("482913"));
    check("482-913", Ok("482913"));
    check("482\u{2011}913", Ok("482913"));
    check("482\u{A0}913", Ok("482913"));
    check("４８２　９１３", Ok("482913"));
    check("0000", Ok("0000"));
    check("1234567890", Ok("1234567890"));
}

#[test]
fn anything_else_is_bad_input() {
    check("", Err(CodeError::TooShort));
    check("123", Err(CodeError::TooShort));
    check("12345678901", Err(CodeError::TooLong));
    check(&" ".repeat(65), Err(CodeError::TooLong));
    check("48291O", Err(CodeError::NotADigit { position: 6 }));
    check("#482913", Err(CodeError::NotADigit { position: 1 }));
    check("482\u{200B}913", Err(CodeError::NotADigit { position: 4 }));
    check("482.913", Err(CodeError::NotADigit { position: 4 }));
    check("²345", Err(CodeError::NotADigit { position: 1 }));
}

#[test]
fn a_code_shows_its_length_only() {
    let code = Code::parse("482913").unwrap();
    assert_eq!(format!("{code:?}"), "Code(6 digits)");
}

#[test]
fn a_page_shows_the_digits_in_groups() {
    for (digits, expected) in [
        ("1234", "1234"),
        ("12345", "12345"),
        ("123456", "123 456"),
        ("1234567", "1234 567"),
        ("12345678", "1234 5678"),
        ("123456789", "123 456 789"),
        ("1234567890", "1234 567 890"),
    ] {
        assert_eq!(Code::parse(digits).unwrap().reveal_grouped(), expected);
    }
}

#[test]
fn a_number_keeps_its_leading_zeros() {
    assert_eq!(Code::from_number(length(6), 42).reveal(), "000042");
    assert_eq!(Code::from_number(length(4), 123_456).reveal(), "3456");
}

#[test]
fn codes_of_different_length_never_match() {
    let code = |text| Code::parse(text).unwrap();
    assert!(code("0000").matches(&code("00 00")));
    assert!(!code("0000").matches(&code("00000")));
    assert!(!code("0000").matches(&code("0001")));
}

proptest! {
    #[test]
    fn a_code_is_read_back_however_it_is_spaced(random in any::<[u8; 32]>(), digits in 4_u8..=10) {
        if let Some(code) = Code::from_random(length(digits), &random) {
            prop_assert_eq!(code.length(), length(digits));
            let spaced = Code::parse(&code.reveal_grouped()).unwrap();
            prop_assert!(spaced.matches(&code));
        }
    }

    #[test]
    fn any_text_is_read_without_a_panic(text in any::<String>()) {
        if let Ok(code) = Code::parse(&text) {
            prop_assert!(code.reveal().bytes().all(|octet| octet.is_ascii_digit()));
        }
    }
}
