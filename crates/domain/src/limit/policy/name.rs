//! The name of a limit: in answers, metrics, entries and the configuration.

use core::fmt;

use serde::{Deserialize, Serialize};

/// The longest name, in characters.
const LONGEST: usize = 40;

/// 1 to 40 characters of a to z, 0 to 9 and the hyphen, the first a letter. It lies in place, so that an
/// answer that names a limit needs no allocation and touches no shared count.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LimitName {
    /// Filled up with zeros, so that names stand in the order of their texts.
    octets: [u8; LONGEST],
    length: u8,
}

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
        if !begins || !text.bytes().all(plain) {
            return Err(LimitNameError);
        }
        let mut octets = [0; LONGEST];
        let name = octets.get_mut(..text.len()).ok_or(LimitNameError)?;
        name.copy_from_slice(text.as_bytes());
        let length = u8::try_from(text.len()).map_err(|_| LimitNameError)?;
        Ok(Self { octets, length })
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        let name = self.octets.get(..usize::from(self.length));
        // Only ASCII gets in.
        name.and_then(|name| core::str::from_utf8(name).ok())
            .unwrap_or_default()
    }
}

impl fmt::Display for LimitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for LimitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
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
        name.as_str().to_owned()
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
