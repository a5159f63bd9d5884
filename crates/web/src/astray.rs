//! Tells whether a text that is kept in clear looks like a phone number, an address or an API key that
//! went astray. It finds what is written there by mistake, and not what somebody hides on purpose.

/// So many digits may be a phone number; the shortest in use has seven.
const DIGITS_OF_NUMBER: usize = 7;

/// What an API key begins with.
const KEY: &str = "ssk_";

/// The sign of an international number, in both its widths.
const PLUS: [char; 2] = ['+', '\u{ff0b}'];

/// The sign of an address of mail, in both its widths.
const AT: [char; 2] = ['@', '\u{ff20}'];

/// Whether there are as many digits as a number has, with nothing but these characters between them.
pub(crate) fn has_number(text: &str, between: &[char]) -> bool {
    let mut digits = 0;
    text.chars().any(|character| {
        if character.is_numeric() {
            digits += 1;
        } else if !between.contains(&character) {
            digits = 0;
        }
        digits >= DIGITS_OF_NUMBER
    })
}

/// Whether there is an international number, however it is broken up: only a letter ends it.
pub(crate) fn has_international(text: &str) -> bool {
    text.split(PLUS).skip(1).any(|rest| {
        let number = rest
            .chars()
            .take_while(|character| !character.is_alphabetic());
        number.filter(|character| character.is_numeric()).count() >= DIGITS_OF_NUMBER
    })
}

/// Whether there is an address of mail.
pub(crate) fn has_address(text: &str) -> bool {
    text.contains(AT)
}

/// Whether there is the beginning of an API key, in either case.
pub(crate) fn has_key(text: &str) -> bool {
    let key = KEY.as_bytes();
    text.as_bytes()
        .windows(key.len())
        .any(|part| part.eq_ignore_ascii_case(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seven_digits_are_a_number_and_six_are_none() {
        for number in ["1234567", "a1234567", "12-34.56_7", "1--2345-67", "१२३४५६७"] {
            assert!(has_number(number, &['-', '.', '_']), "{number}");
        }
        for none in ["", "123456", "123456a7", "123 4567", "a1b2c3d4e5f6g7"] {
            assert!(!has_number(none, &['-', '.', '_']), "{none}");
        }
        assert!(!has_number("123-4567", &[]));
    }

    #[test]
    fn an_international_number_is_found_behind_any_plus() {
        for number in ["+1234567", "a+b+1 (2)/3.4-5\u{a0}6,7", "\u{ff0b}1234567"] {
            assert!(has_international(number), "{number}");
        }
        for none in ["1234567", "+123456", "1234567+", "+1 and 234567"] {
            assert!(!has_international(none), "{none}");
        }
    }

    #[test]
    fn an_address_and_the_beginning_of_a_key_are_found_anywhere() {
        assert!(has_address("a@b") && has_address("a\u{ff20}b") && !has_address("a at b"));
        assert!(has_key("ssk_") && has_key("a SSK_b") && !has_key("ssk") && !has_key("s_sk"));
    }
}
