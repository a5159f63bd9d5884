//! A country or territory by its two letters (ISO 3166-1 alpha-2), as allow-lists and limits name it.

use core::fmt;

use serde::{Deserialize, Serialize};

/// Two upper-case ASCII letters, for example `GB`. That such a country exists is not checked.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RegionCode([u8; 2]);

/// Why a text is no region code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a country is two upper-case letters, for example GB")]
pub struct RegionCodeError;

impl RegionCode {
    /// Reads two upper-case letters.
    pub fn parse(text: &str) -> Result<Self, RegionCodeError> {
        match *text.as_bytes() {
            [first @ b'A'..=b'Z', second @ b'A'..=b'Z'] => Ok(Self([first, second])),
            _ => Err(RegionCodeError),
        }
    }

    /// Two letters that the source code itself names.
    pub(super) const fn literal(letters: [u8; 2]) -> Self {
        Self(letters)
    }

    /// Whether there are numbers of it: a country that has a numbering plan.
    pub fn is_known(self) -> bool {
        super::plan::is_region(self)
    }

    /// The two letters.
    pub const fn as_str(&self) -> &str {
        // Both constructors hold ASCII letters only, which are UTF-8.
        match core::str::from_utf8(&self.0) {
            Ok(text) => text,
            Err(_) => "",
        }
    }
}

impl fmt::Display for RegionCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for RegionCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl TryFrom<String> for RegionCode {
    type Error = RegionCodeError;

    fn try_from(text: String) -> Result<Self, RegionCodeError> {
        Self::parse(&text)
    }
}

impl From<RegionCode> for String {
    fn from(region: RegionCode) -> Self {
        region.as_str().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_two_upper_case_letters() {
        assert_eq!(RegionCode::parse("GB").unwrap().as_str(), "GB");
        for text in ["", "G", "gb", "GBR", "001", "ＧＢ", "G1"] {
            assert_eq!(RegionCode::parse(text), Err(RegionCodeError), "{text:?}");
        }
        let region: RegionCode = serde_json::from_str("\"US\"").unwrap();
        assert_eq!(serde_json::to_string(&region).unwrap(), "\"US\"");
    }
}
