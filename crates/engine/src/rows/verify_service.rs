//! A verify service as stored: in the row of its client, since there are few and each is small.

use domain::id::VerifyServiceId;
use domain::time::Timestamp;
use domain::verification::code::CodeLength;
use serde::{Deserialize, Serialize};

/// Whether a verification must say for which act its code is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActRule {
    /// It may.
    #[default]
    Optional,
    /// It must name an amount and a payee.
    Required,
}

impl ActRule {
    /// The word used in the ledger.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Optional => "optional",
            Self::Required => "required",
        }
    }
}

/// The word names no rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is neither optional nor required")]
pub struct UnknownActRule;

impl core::str::FromStr for ActRule {
    type Err = UnknownActRule;

    fn from_str(word: &str) -> Result<Self, UnknownActRule> {
        let mut rules = [Self::Optional, Self::Required].into_iter();
        rules
            .find(|rule| rule.as_str() == word)
            .ok_or(UnknownActRule)
    }
}

/// The terms under which a client begins verifications.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyServiceRow {
    /// Its id.
    pub id: VerifyServiceId,
    /// Its name, which stands in texts in place of the gateway's brand: no link, no digits that could be a
    /// code, 1 to 32 units of 16 bits.
    pub name: String,
    /// How many digits its codes have.
    pub length: CodeLength,
    /// Whether each of its verifications must name an act.
    #[serde(default)]
    pub acts: ActRule,
    /// When it was made.
    pub created: Timestamp,
    /// When it last changed.
    pub updated: Timestamp,
}
