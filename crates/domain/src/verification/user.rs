//! Whose factor it is, as the client calls its user: a number, an address, a name of its own. It may be
//! personal, so it masks itself.

use core::fmt;

use crate::msisdn::Msisdn;

/// The most characters of a reference.
pub const USER_CHARACTERS: usize = 64;

/// A client's reference of one of its users: 1 to 64 characters. `Debug` masks it; the way to the text is
/// [`UserReference::reveal`].
#[derive(Clone, PartialEq, Eq)]
pub struct UserReference {
    text: Box<str>,
    number: Option<Msisdn>,
}

/// Why a text is no reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to {USER_CHARACTERS} characters, without control characters")]
pub struct UserReferenceError;

impl UserReference {
    /// Takes the text as it is, but for a number in E.164: that is written without separators, so that two
    /// spellings of one number are one user.
    pub fn parse(text: &str) -> Result<Self, UserReferenceError> {
        let fits = (1..=USER_CHARACTERS).contains(&text.chars().count());
        if !fits || text.chars().any(char::is_control) {
            return Err(UserReferenceError);
        }
        let number = Msisdn::parse(text).ok();
        let text = number.map_or_else(|| text.into(), |number| number.reveal_e164().into());
        Ok(Self { text, number })
    }

    /// The number that it is, if it is one.
    pub const fn number(&self) -> Option<Msisdn> {
        self.number
    }

    /// The text itself, for sealing and for the client that it came from.
    pub fn reveal(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for UserReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserReference(masked)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_spellings_of_a_number_are_one_user_and_other_texts_stay_as_they_are() {
        let spelt = UserReference::parse("+44 7700 900123").unwrap();
        assert_eq!(spelt, UserReference::parse("+447700900123").unwrap());
        assert_eq!(spelt.number().unwrap().reveal(), 447_700_900_123);
        let other = UserReference::parse("Ann@example.com").unwrap();
        assert_eq!((other.reveal(), other.number()), ("Ann@example.com", None));
        assert_eq!(format!("{other:?}"), "UserReference(masked)");
    }

    #[test]
    fn a_reference_has_a_length_and_no_control_characters() {
        for text in ["", "a\nb", &"x".repeat(65)] {
            assert_eq!(UserReference::parse(text), Err(UserReferenceError));
        }
        assert!(UserReference::parse(&"x".repeat(64)).is_ok());
    }
}
