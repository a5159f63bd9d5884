//! A code as somebody shows it, before it is known whether it is of the form that is wanted.

use super::code::{Code, CodeError, MAX_DIGITS, is_separator};
use super::factor::FactorCode;
use super::recovery::{RecoveryCode, RecoveryCodeError};

/// A code of either form. `Debug` masks it.
#[derive(Clone, Debug)]
pub enum ShownCode {
    /// Digits: of a message, or of an authenticator app.
    Digits(Code),
    /// A recovery code.
    Recovery(RecoveryCode),
}

/// Why a text is neither. It says nothing of what is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShownCodeError {
    /// It is as short as digits are.
    #[error(transparent)]
    Digits(#[from] CodeError),
    /// It is longer than digits are.
    #[error(transparent)]
    Recovery(#[from] RecoveryCodeError),
}

impl ShownCode {
    /// Reads what a person typed: 4 to 10 digits, or the 16 letters and digits of a recovery code.
    pub fn parse(text: &str) -> Result<Self, ShownCodeError> {
        let most = usize::from(MAX_DIGITS);
        let mut characters = text
            .chars()
            .filter(|character| !is_separator(*character))
            .skip(most);
        if characters.next().is_none() {
            return Ok(Self::Digits(Code::parse(text)?));
        }
        Ok(Self::Recovery(RecoveryCode::parse(text)?))
    }
}

impl From<Code> for ShownCode {
    fn from(code: Code) -> Self {
        Self::Digits(code)
    }
}

impl From<ShownCode> for FactorCode {
    fn from(code: ShownCode) -> Self {
        match code {
            ShownCode::Digits(code) => Self::Totp(code),
            ShownCode::Recovery(code) => Self::Recovery(code),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_and_recovery_codes_are_told_apart_by_their_length() {
        for text in ["482 913", "4829", "4829134829"] {
            assert!(matches!(ShownCode::parse(text), Ok(ShownCode::Digits(_))));
        }
        for text in ["7ZQ4-08MX-7ZQ4-08MX", "1111 2222 3333 4444"] {
            assert!(matches!(ShownCode::parse(text), Ok(ShownCode::Recovery(_))));
        }
    }

    #[test]
    fn what_is_neither_is_told_what_it_looks_most_like() {
        let short = ShownCode::parse("48291x").unwrap_err();
        assert_eq!(short, CodeError::NotADigit { position: 6 }.into());
        let long = ShownCode::parse("7ZQ4-08MX-7ZQ4").unwrap_err();
        assert_eq!(long, RecoveryCodeError::Length.into());
    }
}
