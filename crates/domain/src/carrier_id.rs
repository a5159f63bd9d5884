//! The id a carrier gives a submitted segment, and the rule by which a delivery receipt finds its
//! segment again. Carriers write one id in two ways: in decimal here and in hexadecimal there, with
//! other letter case, with or without leading zeros. This file only says which ids to look for and
//! how far to trust each; the look-up is the caller's.

use core::fmt;

use serde::{Deserialize, Serialize};

/// The longest id in octets: SMPP 3.4 `message_id` without its NUL.
const MAX_OCTETS: usize = 64;

/// A carrier's id of a segment: 1 to 64 octets of printable ASCII. It is not personal data.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CarrierMessageId(Box<str>);

/// Why octets are no carrier id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CarrierIdError {
    /// Nothing but spaces.
    #[error("a carrier message id is empty")]
    Empty,
    /// Longer than the protocol allows.
    #[error("a carrier message id has more than 64 octets")]
    TooLong,
    /// A control character, or an octet outside ASCII.
    #[error("a carrier message id has an octet that is not printable ASCII")]
    NotPrintable,
}

impl CarrierMessageId {
    /// Reads an id as it came in a PDU, without its NUL. Spaces around it are padding and are dropped.
    pub fn parse(octets: &[u8]) -> Result<Self, CarrierIdError> {
        let octets = octets.trim_ascii();
        if octets.is_empty() {
            return Err(CarrierIdError::Empty);
        }
        if octets.len() > MAX_OCTETS {
            return Err(CarrierIdError::TooLong);
        }
        if !octets.iter().all(|octet| matches!(octet, b' '..=b'~')) {
            return Err(CarrierIdError::NotPrintable);
        }
        let text = core::str::from_utf8(octets).map_err(|_| CarrierIdError::NotPrintable)?;
        Ok(Self(text.into()))
    }

    /// The id as the carrier wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form under which ids are indexed: lower case, without leading zeros (one digit stays).
    pub fn folded(&self) -> Self {
        let shorter = self.0.trim_start_matches('0');
        let digits = if shorter.is_empty() { "0" } else { shorter };
        Self(digits.to_ascii_lowercase().into_boxed_str())
    }

    /// The number these decimal digits are, written in lower-case hexadecimal.
    fn decimal_as_hex(&self) -> Option<Self> {
        let number = self.number_in_base(10)?;
        Some(Self(format!("{number:x}").into_boxed_str()))
    }

    /// The number these hexadecimal digits are, written in decimal.
    fn hex_as_decimal(&self) -> Option<Self> {
        let number = self.number_in_base(16)?;
        Some(Self(number.to_string().into_boxed_str()))
    }

    /// The id as a number; `None` when it is none, or does not fit 128 bits.
    fn number_in_base(&self, base: u32) -> Option<u128> {
        let digits = self.0.chars().all(|character| character.is_digit(base));
        // The check above keeps out the leading `+` which `from_str_radix` would take.
        digits
            .then(|| u128::from_str_radix(&self.0, base).ok())
            .flatten()
    }
}

impl fmt::Display for CarrierMessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for CarrierMessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl TryFrom<String> for CarrierMessageId {
    type Error = CarrierIdError;

    fn try_from(text: String) -> Result<Self, CarrierIdError> {
        Self::parse(text.as_bytes())
    }
}

impl From<CarrierMessageId> for String {
    fn from(id: CarrierMessageId) -> Self {
        id.0.into_string()
    }
}

/// How a carrier writes its ids in receipts, set per carrier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IdForm {
    /// The same text in the submit response and in the receipt, letter for letter.
    Exact,
    /// Hexadecimal in the submit response, decimal in the receipt.
    HexInSubmit,
    /// Decimal in the submit response, hexadecimal in the receipt.
    DecimalInSubmit,
    /// Not known: try the safe readings first.
    #[default]
    Auto,
}

/// How far a candidate may be trusted. The caller keeps two things per segment: the id as received,
/// and its [`CarrierMessageId::folded`] form as the index key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Confidence {
    /// Compare with the stored id itself. A hit is the segment.
    Exact,
    /// Compare with the folded form. A hit counts only when it is the only one, and when the
    /// recipient in the receipt, if it can be read, is the segment's.
    Normalised,
    /// Compare with the folded form. A hit counts only when it is the only one and the recipient
    /// matches: two different segments may well have the ids `10` and `16`.
    OtherBase,
}

/// One id to look for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The id, in the form that `confidence` says to compare with.
    pub id: CarrierMessageId,
    /// What a hit needs to count.
    pub confidence: Confidence,
}

/// The ids to look for when a receipt carries `id`, best first; the first that counts wins, and when
/// none does the receipt is kept as unknown. At most four.
///
/// Where the carrier's form is declared as differing, the converted id comes first and no reading is
/// trusted as exact: the decimal receipt `12345678` may equal, letter for letter, the hexadecimal id
/// of another segment.
pub fn candidates(id: &CarrierMessageId, form: IdForm) -> Vec<Candidate> {
    use Confidence::{Exact, Normalised, OtherBase};

    let exact = || Some((id.clone(), Exact));
    let folded = || Some((id.folded(), Normalised));
    let to_hex = || id.decimal_as_hex().map(|id| (id, OtherBase));
    let to_decimal = || id.hex_as_decimal().map(|id| (id, OtherBase));
    let found = match form {
        IdForm::Exact => [exact(), None, None, None],
        IdForm::HexInSubmit => [to_hex(), folded(), None, None],
        IdForm::DecimalInSubmit => [to_decimal(), folded(), None, None],
        IdForm::Auto => [exact(), folded(), to_hex(), to_decimal()],
    };
    found
        .into_iter()
        .flatten()
        .map(|(id, confidence)| Candidate { id, confidence })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    use super::*;

    fn id(text: &str) -> CarrierMessageId {
        CarrierMessageId::parse(text.as_bytes()).unwrap()
    }

    fn check(receipt: &str, form: IdForm, expected: &[(&str, Confidence)]) {
        let found: Vec<_> = candidates(&id(receipt), form)
            .into_iter()
            .map(|c| (c.id, c.confidence))
            .collect();
        let expected: Vec<_> = expected.iter().map(|(text, c)| (id(text), *c)).collect();
        assert_eq!(found, expected, "{receipt} {form:?}");
    }

    #[test]
    fn an_id_is_printable_ascii_of_at_most_64_octets() {
        assert_eq!(id("0A1B2C3D").as_str(), "0A1B2C3D");
        assert_eq!(id(" 12 ").as_str(), "12");
        assert_eq!(CarrierMessageId::parse(b""), Err(CarrierIdError::Empty));
        assert_eq!(CarrierMessageId::parse(b"  "), Err(CarrierIdError::Empty));
        assert_eq!(
            CarrierMessageId::parse(b"a\x00b"),
            Err(CarrierIdError::NotPrintable)
        );
        assert_eq!(
            CarrierMessageId::parse(b"a\nb"),
            Err(CarrierIdError::NotPrintable)
        );
        assert_eq!(
            CarrierMessageId::parse("é".as_bytes()),
            Err(CarrierIdError::NotPrintable)
        );
        assert!(CarrierMessageId::parse(&[b'a'; 64]).is_ok());
        assert_eq!(
            CarrierMessageId::parse(&[b'a'; 65]),
            Err(CarrierIdError::TooLong)
        );
    }

    #[test]
    fn a_stored_id_is_checked_when_it_is_read_back() {
        assert_eq!(serde_json::to_string(&id("0A1B")).unwrap(), "\"0A1B\"");
        assert_eq!(
            serde_json::from_str::<CarrierMessageId>("\"0A1B\"").unwrap(),
            id("0A1B")
        );
        assert!(serde_json::from_str::<CarrierMessageId>("\"\"").is_err());
    }

    #[test]
    fn an_unknown_form_tries_the_exact_id_first_and_the_other_base_last() {
        check(
            "0A1B",
            IdForm::Auto,
            &[
                ("0A1B", Confidence::Exact),
                ("a1b", Confidence::Normalised),
                ("2587", Confidence::OtherBase),
            ],
        );
        check(
            "0010",
            IdForm::Auto,
            &[
                ("0010", Confidence::Exact),
                ("10", Confidence::Normalised),
                ("a", Confidence::OtherBase),
                ("16", Confidence::OtherBase),
            ],
        );
    }

    #[test]
    fn an_exact_form_has_one_reading() {
        check("0a1b", IdForm::Exact, &[("0a1b", Confidence::Exact)]);
    }

    #[test]
    fn a_declared_base_is_converted_first_and_nothing_is_exact() {
        check(
            "169552957",
            IdForm::HexInSubmit,
            &[
                ("a1b2c3d", Confidence::OtherBase),
                ("169552957", Confidence::Normalised),
            ],
        );
        check(
            "0A1B2C3D",
            IdForm::DecimalInSubmit,
            &[
                ("169552957", Confidence::OtherBase),
                ("a1b2c3d", Confidence::Normalised),
            ],
        );
    }

    #[test]
    fn an_id_that_is_no_number_has_no_other_base() {
        let expected = [("g-7", Confidence::Exact), ("g-7", Confidence::Normalised)];
        check("g-7", IdForm::Auto, &expected);
        check("+7", IdForm::HexInSubmit, &[("+7", Confidence::Normalised)]);
        let long = "f".repeat(33);
        check(
            &long,
            IdForm::DecimalInSubmit,
            &[(&long, Confidence::Normalised)],
        );
    }

    #[test]
    fn zero_keeps_one_digit() {
        assert_eq!(id("000").folded(), id("0"));
        assert_eq!(id("0").decimal_as_hex(), Some(id("0")));
    }

    proptest! {
        #[test]
        fn a_receipt_in_the_other_base_finds_the_submitted_id(number in any::<u64>()) {
            let submitted = id(&format!("{number:08X}"));
            let receipt = id(&number.to_string());
            for form in [IdForm::HexInSubmit, IdForm::Auto] {
                let found = candidates(&receipt, form);
                prop_assert!(found.iter().any(|c| c.id == submitted.folded()), "{submitted}");
            }
            let back = candidates(&submitted, IdForm::DecimalInSubmit);
            prop_assert_eq!(&back[0].id, &receipt.folded());
        }

        #[test]
        fn any_octets_are_read_or_refused(octets in any::<Vec<u8>>()) {
            if let Ok(id) = CarrierMessageId::parse(&octets) {
                prop_assert!(candidates(&id, IdForm::Auto).len() <= 4);
                prop_assert_eq!(id.folded().folded(), id.folded());
            }
        }
    }
}
