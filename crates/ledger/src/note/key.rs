//! The public half of a note's keys: names, ids, and the one-line text (vkey) by which people hand
//! them to each other. Private keys are [`signer`](super::signer)'s.

use core::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ED25519, ML_DSA_44, UnparsedPublicKey};

use super::Verified;
use super::signature::Signature;
use crate::{cosignature, spelling};

/// The name of a key: not empty, without white space, control characters and `+`. A log's is its
/// origin.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyName(Box<str>);

/// A name is at most this long, in bytes, since one octet counts its length in some signatures.
pub const MAX_NAME_BYTES: usize = 255;

impl KeyName {
    /// Parses a name.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let unfit = |c: char| c.is_whitespace() || c < ' ' || c == '+';
        if text.is_empty() || text.len() > MAX_NAME_BYTES || text.contains(unfit) {
            return Err(KeyError::Name);
        }
        Ok(Self(text.into()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a key signs and how: the signature type octet of signed-note. Types that we never meet in a
/// log or witness of ours are absent, and their lines are ignored like any unknown key's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyType {
    /// 0x01: Ed25519 over the text; how a log signs.
    Ed25519,
    /// 0x04: Ed25519 over time and checkpoint; how a witness signs.
    Cosignature,
    /// 0x06: ML-DSA-44 over time and tree; how logs and witnesses may sign besides.
    MlDsaCosignature,
}

impl KeyType {
    /// The octet.
    pub const fn code(self) -> u8 {
        match self {
            Self::Ed25519 => 0x01,
            Self::Cosignature => 0x04,
            Self::MlDsaCosignature => 0x06,
        }
    }

    /// The type of an octet.
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0x01 => Some(Self::Ed25519),
            0x04 => Some(Self::Cosignature),
            0x06 => Some(Self::MlDsaCosignature),
            _ => None,
        }
    }

    /// How long its public keys are, in bytes.
    pub const fn public_bytes(self) -> usize {
        match self {
            Self::Ed25519 | Self::Cosignature => 32,
            Self::MlDsaCosignature => 1_312,
        }
    }
}

/// Why a text is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The name is empty, too long, or holds white space, a control character or `+`.
    #[error("the key name is empty, too long, or holds a space or a plus")]
    Name,
    /// Not `name+id+key`.
    #[error("not of the form name+id+key")]
    Form,
    /// A signature type that is not supported.
    #[error("the signature type is not supported")]
    Type,
    /// The public key is not as long as its type asks.
    #[error("the public key has the wrong length")]
    Length,
    /// The id is not that of this name and key.
    #[error("the key id does not belong to this name and key")]
    Id,
}

/// A public key with its name and id, by which signature lines call it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct VerifierKey {
    name: KeyName,
    id: u32,
    kind: KeyType,
    public: Vec<u8>,
}

impl VerifierKey {
    /// A key of this name; `public` is as long as [`KeyType::public_bytes`] says.
    pub fn new(name: KeyName, kind: KeyType, public: &[u8]) -> Result<Self, KeyError> {
        if public.len() != kind.public_bytes() {
            return Err(KeyError::Length);
        }
        let id = key_id(&name, kind, public);
        let public = public.to_vec();
        Ok(Self {
            name,
            id,
            kind,
            public,
        })
    }

    /// Reads a vkey: `name+id+base64(type || key)`.
    pub fn parse(vkey: &str) -> Result<Self, KeyError> {
        let (name, rest) = vkey.split_once('+').ok_or(KeyError::Form)?;
        let (id, key) = rest.split_once('+').ok_or(KeyError::Form)?;
        let key = spelling::unbase64(key).ok_or(KeyError::Form)?;
        let (code, public) = key.split_first().ok_or(KeyError::Form)?;
        let kind = KeyType::from_code(*code).ok_or(KeyError::Type)?;
        let key = Self::new(KeyName::parse(name)?, kind, public)?;
        if format!("{:08x}", key.id) == id {
            Ok(key)
        } else {
            Err(KeyError::Id)
        }
    }

    /// Its name.
    pub const fn name(&self) -> &KeyName {
        &self.name
    }

    /// Its id: the first four octets of `SHA-256(name || LF || type || key)`.
    pub const fn id(&self) -> u32 {
        self.id
    }

    /// What it signs and how.
    pub const fn kind(&self) -> KeyType {
        self.kind
    }

    /// The key itself.
    pub fn public(&self) -> &[u8] {
        &self.public
    }

    /// Whether a signature line calls this key.
    pub(crate) fn is_named_by(&self, signature: &Signature) -> bool {
        self.id == signature.key_id() && self.name == *signature.name()
    }

    /// Checks one signature over a text. It looks at the key alone, not at the line's name or id.
    pub(super) fn verify(&self, text: &str, signature: &Signature) -> Option<Verified<'_>> {
        let bytes = signature.bytes();
        let timestamp = match self.kind {
            KeyType::Ed25519 => {
                let key = UnparsedPublicKey::new(&ED25519, &self.public);
                key.verify(text.as_bytes(), bytes).ok()?;
                None
            }
            KeyType::Cosignature => {
                let (timestamp, bytes) = cosignature::split(bytes)?;
                let message = cosignature::message(timestamp, text);
                let key = UnparsedPublicKey::new(&ED25519, &self.public);
                key.verify(message.as_bytes(), bytes).ok()?;
                Some(timestamp)
            }
            KeyType::MlDsaCosignature => {
                let (timestamp, bytes) = cosignature::split(bytes)?;
                let message = cosignature::tree_message(&self.name, timestamp, text)?;
                let key = UnparsedPublicKey::new(&ML_DSA_44, &self.public);
                key.verify(&message, bytes).ok()?;
                Some(timestamp)
            }
        };
        Some(Verified {
            key: self,
            timestamp,
        })
    }
}

impl fmt::Display for VerifierKey {
    /// The vkey.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = Vec::with_capacity(1 + self.public.len());
        key.push(self.kind.code());
        key.extend_from_slice(&self.public);
        write!(
            f,
            "{}+{:08x}+{}",
            self.name,
            self.id,
            spelling::base64(&key)
        )
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn key_id(name: &KeyName, kind: KeyType, public: &[u8]) -> u32 {
    let mut input = name.as_str().as_bytes().to_vec();
    input.push(b'\n');
    input.push(kind.code());
    input.extend_from_slice(public);
    let hash = digest(&SHA256, &input);
    let first = hash.as_ref().first_chunk::<4>();
    first.copied().map_or(0, u32::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";

    #[test]
    fn the_published_key_is_read_and_written() {
        let key = VerifierKey::parse(KNOWN).unwrap();
        assert_eq!((key.id(), key.kind()), (0x530d_903a, KeyType::Ed25519));
        assert_eq!(key.name().as_str(), "example.com/foo");
        assert_eq!(key.to_string(), KNOWN);
    }

    #[test]
    fn a_key_that_was_touched_is_refused() {
        let check = |from: &str, to: &str, error: KeyError| {
            assert_eq!(
                VerifierKey::parse(&KNOWN.replacen(from, to, 1)),
                Err(error),
                "{from}"
            );
        };
        check("foo", "fob", KeyError::Id);
        check("530d", "530D", KeyError::Id);
        check("+530d903a", "+30d903a", KeyError::Id);
        check("3U2k", "3U2l", KeyError::Id);
        check("3U2k", "3U2", KeyError::Form);
        check("3U2k", "3U2kAAAA", KeyError::Length);
        check("+Aeky", "+Auky", KeyError::Type);
        check("example.com/foo+", "+", KeyError::Name);
        check("example", "ex\u{2003}mple", KeyError::Name);
        check("+", "", KeyError::Form);
    }

    #[test]
    fn names_hold_no_space_control_or_plus() {
        for wrong in [
            "",
            "a b",
            "a\tb",
            "a+b",
            "a\u{a0}b",
            "a\u{85}",
            "\u{1}",
            &"x".repeat(256),
        ] {
            assert_eq!(KeyName::parse(wrong), Err(KeyError::Name), "{wrong:?}");
        }
        for right in ["a", "log.example/ledger", "é", &"x".repeat(255)] {
            assert_eq!(KeyName::parse(right).unwrap().as_str(), right);
        }
    }
}
