//! Which receipts an ESME asked for with a message.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Which receipts of a message its ESME wants (SMPP 3.4 §5.2.17).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EsmeReceipts {
    /// None.
    #[default]
    None,
    /// One, however it ends.
    All,
    /// One, if it is not delivered.
    Failures,
}

impl EsmeReceipts {
    /// The word in entries.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::All => "all",
            Self::Failures => "failures",
        }
    }
}

impl fmt::Display for EsmeReceipts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The word is none of entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not none, all or failures")]
pub struct UnknownReceipts;

impl FromStr for EsmeReceipts {
    type Err = UnknownReceipts;

    fn from_str(text: &str) -> Result<Self, UnknownReceipts> {
        [Self::None, Self::All, Self::Failures]
            .into_iter()
            .find(|receipts| receipts.as_str() == text)
            .ok_or(UnknownReceipts)
    }
}
