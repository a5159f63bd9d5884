//! The act that a code is bound to, as the text says it: whom the person pays, and how much. Whoever agrees by
//! a code must have been told both (dynamic linking, Delegated Regulation (EU) 2018/389 Article 5).

use core::fmt;

use super::insert::{InsertError, amount, payee};
use crate::verification::binding::Binding;

/// Payee and amount in a form that needs no language: `Shop: EUR 12.50`. `Debug` masks them.
#[derive(Clone, PartialEq, Eq)]
pub struct Act {
    payee: Option<Box<str>>,
    amount: Option<Box<str>>,
}

/// Why a part of a binding cannot stand in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{part} stands in the text of the code, and cannot: {error}")]
pub struct ActError {
    /// Which part: `amount` or `payee`.
    pub part: &'static str,
    /// Why not.
    pub error: InsertError,
}

impl Act {
    /// What of a binding the person is told: nothing where it names neither amount nor payee. The parts are
    /// taken as they are, or not at all.
    pub fn of(binding: &Binding) -> Result<Option<Self>, ActError> {
        let part = |part: &'static str, checked: Option<Result<Box<str>, InsertError>>| {
            checked
                .transpose()
                .map_err(|error| ActError { part, error })
        };
        let act = Self {
            payee: part("payee", binding.payee().map(payee))?,
            amount: part("amount", binding.amount().map(amount))?,
        };
        let is_empty = act.payee.is_none() && act.amount.is_none();
        Ok((!is_empty).then_some(act))
    }

    /// Whether words say all of it already.
    pub(super) fn is_told_by(&self, words: &str) -> bool {
        let mut parts = self.payee.iter().chain(&self.amount);
        parts.all(|part| stands_in(words, part))
    }

    /// As the text says it.
    pub(super) fn words(&self) -> String {
        match (&self.payee, &self.amount) {
            (Some(payee), Some(amount)) => format!("{payee}: {amount}"),
            (Some(one), None) | (None, Some(one)) => one.to_string(),
            (None, None) => String::new(),
        }
    }
}

/// Whether a part stands in words by itself, not inside a longer word or number.
fn stands_in(words: &str, part: &str) -> bool {
    let goes_on =
        |letter: char| letter.is_alphanumeric() || matches!(letter, '.' | ',' | '\'' | '\u{2019}');
    words.match_indices(part).any(|(at, _)| {
        let before = words.get(..at).and_then(|words| words.chars().next_back());
        let after = words.get(at + part.len()..);
        let after = after.and_then(|words| words.chars().next());
        !before.is_some_and(goes_on) && !after.is_some_and(goes_on)
    })
}

impl fmt::Debug for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Act(masked)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verification::binding::BindingParts;

    fn act(amount: Option<&str>, payee: Option<&str>) -> Result<Option<String>, ActError> {
        let parts = BindingParts {
            amount,
            payee,
            session: Some("s-1"),
        };
        let act = Act::of(&Binding::parse(&parts).unwrap())?;
        Ok(act.map(|act| act.words()))
    }

    #[test]
    fn payee_and_amount_are_said_and_a_session_is_not() {
        let both = act(Some("EUR 12500.00"), Some("Café Müller"));
        assert_eq!(both, Ok(Some("Café Müller: EUR 12500.00".to_owned())));
        assert_eq!(
            act(Some("JPY 15000"), None),
            Ok(Some("JPY 15000".to_owned()))
        );
        assert_eq!(act(None, Some("Shop")), Ok(Some("Shop".to_owned())));
        assert_eq!(act(None, None), Ok(None));
    }

    #[test]
    fn what_could_be_a_line_a_link_or_a_code_is_named_by_its_part() {
        let refused = |part, error| Err(ActError { part, error });
        let payee = |text| act(None, Some(text));
        assert_eq!(payee("evil.example"), refused("payee", InsertError::Link));
        assert_eq!(payee("Code 482 913"), refused("payee", InsertError::Digits));
        assert_eq!(
            payee("DE89 3704 0044"),
            refused("payee", InsertError::Digits)
        );
        let character = InsertError::Character { position: 2 };
        assert_eq!(payee("a\u{2028}b"), refused("payee", character));
        assert_eq!(payee("a#482"), refused("payee", character));
        assert_eq!(
            act(Some("482913"), None),
            refused("amount", InsertError::Digits)
        );
        assert_eq!(
            act(Some("PIN 482913"), None),
            refused("amount", InsertError::Digits)
        );
    }

    #[test]
    fn a_part_of_a_word_or_of_an_amount_tells_nothing() {
        for (words, part, expected) in [
            ("Pay EUR 12.50", "EUR 12.50", true),
            ("Pay EUR 12.50", "EUR 1", false),
            ("Pay EUR 12.50", "EUR 12", false),
            ("Pay EUR 12.50", "2.50", false),
            ("Pay EUR 12,50", "EUR 12", false),
            ("Pay Shop", "Shop", true),
            ("Pay Shop", "Pa", false),
            ("Shops of Shop", "Shop", true),
            ("O'Neil", "O", false),
        ] {
            assert_eq!(stands_in(words, part), expected, "{part} in {words}");
        }
    }

    #[test]
    fn an_act_is_masked() {
        let parts = BindingParts {
            payee: Some("Shop"),
            ..BindingParts::default()
        };
        let act = Act::of(&Binding::parse(&parts).unwrap()).unwrap().unwrap();
        assert_eq!(format!("{act:?}"), "Act(masked)");
    }
}
