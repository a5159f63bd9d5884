//! Why a person's data is erased: words for the ledger, where everybody may read them for ever.

use domain::msisdn::Msisdn;

/// The reason for an erasure, as an operator gives it: 1 to 200 characters without control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErasureBasis(Box<str>);

/// Why a text is no basis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ErasureBasisError {
    /// It is empty, too long, or holds control characters.
    #[error("the basis has 1 to 200 characters and no control characters")]
    Form,
    /// It names the person.
    #[error(
        "the basis holds digits of the number itself, and the ledger keeps it for ever: name a case, \
         not the person"
    )]
    NamesNumber,
}

const LENGTH_MAX: usize = 200;

/// So many digits of a number in a row name it.
const TELLING_DIGITS: usize = 6;

impl ErasureBasis {
    /// Takes the words for the erasure of this number.
    pub fn parse(text: &str, number: Msisdn) -> Result<Self, ErasureBasisError> {
        let length = text.chars().count();
        let is_formed = (1..=LENGTH_MAX).contains(&length) && !text.chars().any(char::is_control);
        if !is_formed || text.trim().is_empty() {
            return Err(ErasureBasisError::Form);
        }
        // However the digits are grouped.
        let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_digit).collect();
        let number = number.reveal().to_string();
        let tail = number.len().saturating_sub(TELLING_DIGITS);
        let telling = number.as_bytes().get(tail..).unwrap_or_default();
        if digits.windows(telling.len()).any(|part| part == telling) {
            return Err(ErasureBasisError::NamesNumber);
        }
        Ok(Self(text.into()))
    }

    /// The words.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_basis_names_a_case_and_never_the_number() {
        let number = Msisdn::parse("+447700900123").unwrap();
        let parse = |text: &str| ErasureBasis::parse(text, number).map(drop);
        assert_eq!(parse("GDPR Art. 17, case 2026-0142"), Ok(()));
        for text in [
            "asked by +44 7700 900123",
            "0 7700-900.123 called",
            "900123",
        ] {
            assert_eq!(parse(text), Err(ErasureBasisError::NamesNumber), "{text}");
        }
        for text in ["", "  ", "a\nb", &"x".repeat(201)] {
            assert_eq!(parse(text), Err(ErasureBasisError::Form), "{text}");
        }
    }
}
