//! The name of an ESME's account (SMPP 3.4 §5.2.1). It is no secret: it stands in entries, metrics and logs.

use core::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The most characters of a system_id: 16 octets with their NUL.
pub const SYSTEM_ID_MAX: usize = 15;

/// A `system_id`: 1 to [`SYSTEM_ID_MAX`] printable ASCII characters without spaces; upper and lower case
/// differ.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SystemId(Arc<str>);

/// The octets are no `system_id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to {SYSTEM_ID_MAX} printable ASCII characters; SMPP has room for no more")]
pub struct SystemIdError;

impl SystemId {
    /// Takes the octets of a bind, or the text of a configuration.
    pub fn parse(octets: impl AsRef<[u8]>) -> Result<Self, SystemIdError> {
        let octets = octets.as_ref();
        let is_name =
            (1..=SYSTEM_ID_MAX).contains(&octets.len()) && octets.iter().all(u8::is_ascii_graphic);
        let text = core::str::from_utf8(octets).map_err(|_| SystemIdError)?;
        is_name.then(|| Self(text.into())).ok_or(SystemIdError)
    }

    /// The characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for SystemId {
    type Error = SystemIdError;

    fn try_from(text: String) -> Result<Self, SystemIdError> {
        Self::parse(text)
    }
}

impl From<SystemId> for String {
    fn from(id: SystemId) -> Self {
        id.as_str().to_owned()
    }
}

impl fmt::Display for SystemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SystemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SystemId({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_id_has_one_to_fifteen_printable_characters() {
        for good in ["a", "esme-1", "ABCDEFGHIJKLMNO"] {
            assert_eq!(SystemId::parse(good).unwrap().as_str(), good);
        }
        for wrong in ["", "ABCDEFGHIJKLMNOP", "two words", "tab\t", "é"] {
            assert_eq!(SystemId::parse(wrong), Err(SystemIdError), "{wrong}");
        }
        assert_eq!(SystemId::parse(b"\xFF"), Err(SystemIdError));
    }
}
