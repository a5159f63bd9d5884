//! The name of a limit: in answers, metrics, entries and the configuration.

use core::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// 1 to 40 characters of a to z, 0 to 9 and the hyphen, the first a letter.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LimitName(Arc<str>);

/// The text is no name of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a limit's name has 1 to 40 characters of a to z, 0 to 9 and -, the first a letter")]
pub struct LimitNameError;

impl LimitName {
    /// Reads a name.
    pub fn parse(text: &str) -> Result<Self, LimitNameError> {
        let plain = |octet: u8| matches!(octet, b'a'..=b'z' | b'0'..=b'9' | b'-');
        let begins = text
            .bytes()
            .next()
            .is_some_and(|octet| octet.is_ascii_lowercase());
        if begins && text.len() <= 40 && text.bytes().all(plain) {
            Ok(Self(text.into()))
        } else {
            Err(LimitNameError)
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LimitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for LimitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for LimitName {
    type Error = LimitNameError;

    fn try_from(text: String) -> Result<Self, LimitNameError> {
        Self::parse(&text)
    }
}

impl From<LimitName> for String {
    fn from(name: LimitName) -> Self {
        name.0.as_ref().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_needs_no_quoting_anywhere() {
        assert_eq!(
            LimitName::parse("recipient-day").unwrap().as_str(),
            "recipient-day"
        );
        let long = "a".repeat(41);
        for text in ["", "-a", "1a", "A", "a b", "a\"", "a_b", "ä", &long] {
            assert_eq!(LimitName::parse(text), Err(LimitNameError), "{text:?}");
        }
    }
}
