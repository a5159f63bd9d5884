//! The keys by which lists are believed: a text with one vkey a line. A file of them is compiled in, and
//! a reader may bring another.

use crate::note::key::{KeyError, KeyType, VerifierKey};

/// Two are enough to change from one to the other; more than this is no list of keys.
pub const MAX_KEYS: usize = 16;

/// Why a text holds no keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReleaseKeyError {
    /// A line is no key; lines are counted from 1.
    #[error("line {line} is no key: {why}")]
    Key {
        /// Which of them.
        line: usize,
        /// What is wrong with it.
        why: KeyError,
    },
    /// The key is one of a witness, which signs no lists.
    #[error("line {line} is a key of a type that signs no lists")]
    Type {
        /// Which of them.
        line: usize,
    },
    /// No key at all, or more than [`MAX_KEYS`].
    #[error("there are {0} keys, and 1 to {MAX_KEYS} are wanted")]
    Count(usize),
}

/// Reads keys. Empty lines, and those that begin with `#`, are remarks.
pub fn read_keys(text: &str) -> Result<Vec<VerifierKey>, ReleaseKeyError> {
    let mut keys = Vec::new();
    for (line, text) in (1..).zip(text.lines()) {
        let text = text.trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let key = VerifierKey::parse(text).map_err(|why| ReleaseKeyError::Key { line, why })?;
        if key.kind() != KeyType::Ed25519 {
            return Err(ReleaseKeyError::Type { line });
        }
        keys.push(key);
    }
    if (1..=MAX_KEYS).contains(&keys.len()) {
        Ok(keys)
    } else {
        Err(ReleaseKeyError::Count(keys.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::note::key::KeyName;

    const KNOWN: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";

    #[test]
    fn keys_are_lines_and_remarks_are_none() {
        let keys = read_keys(&format!("# ours\n\n{KNOWN}\r\n")).unwrap();
        assert_eq!(keys.first().unwrap().to_string(), KNOWN);
        assert_eq!(read_keys("# none\n"), Err(ReleaseKeyError::Count(0)));
        assert_eq!(
            read_keys(&format!("{KNOWN}\n").repeat(17)),
            Err(ReleaseKeyError::Count(17))
        );
        let why = KeyError::Form;
        assert_eq!(
            read_keys("#\nx\n"),
            Err(ReleaseKeyError::Key { line: 2, why })
        );
    }

    #[test]
    fn a_key_of_a_witness_signs_no_lists() {
        let name = KeyName::parse("witness.example").unwrap();
        let key = VerifierKey::new(name, KeyType::Cosignature, &[7; 32]).unwrap();
        assert_eq!(
            read_keys(&key.to_string()),
            Err(ReleaseKeyError::Type { line: 1 })
        );
    }
}
