//! The private half of a log's key: signs texts with Ed25519, which needs no randomness. Where the
//! seed lies, and whether a text may be signed at all, is decided outside.

use core::fmt;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};

use super::key::{KeyName, KeyType, VerifierKey};
use super::signature::Signature;

/// Why nothing was signed. It tells no more, since more would speak of the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The seed makes no key.
    #[error("the seed makes no key")]
    Seed,
    /// The library refused.
    #[error("the text could not be signed")]
    Refused,
    /// A cosignature is made over checkpoints only.
    #[error("the text is no checkpoint")]
    NoCheckpoint,
    /// The time of a cosignature is 1 to 2^63 − 1.
    #[error("the time cannot be stated")]
    Time,
}

/// A log's key (signature type 0x01).
pub struct NoteSigner {
    key: VerifierKey,
    pair: Ed25519KeyPair,
}

impl NoteSigner {
    /// The key of this name from its 32 random octets (the seed of RFC 8032).
    pub fn from_seed(name: KeyName, seed: &[u8; 32]) -> Result<Self, SignError> {
        let (key, pair) = key_pair(name, KeyType::Ed25519, seed)?;
        Ok(Self { key, pair })
    }

    /// The public half, for those who verify.
    pub const fn verifier_key(&self) -> &VerifierKey {
        &self.key
    }

    /// Signs a text, which ends with a line feed. The same text gives the same signature.
    pub fn sign(&self, text: &str) -> Result<Signature, SignError> {
        let bytes = ed25519(&self.pair, text.as_bytes())?;
        Ok(Signature::new(
            self.key.name().clone(),
            self.key.id(),
            bytes,
        ))
    }
}

impl fmt::Debug for NoteSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NoteSigner({}, masked)", self.key)
    }
}

/// A pair of Ed25519 keys and the name of its public half.
pub(crate) fn key_pair(
    name: KeyName,
    kind: KeyType,
    seed: &[u8; 32],
) -> Result<(VerifierKey, Ed25519KeyPair), SignError> {
    let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| SignError::Seed)?;
    let public = pair.public_key().as_ref();
    let key = VerifierKey::new(name, kind, public).map_err(|_| SignError::Seed)?;
    Ok((key, pair))
}

/// The 64 octets of a signature.
pub(crate) fn ed25519(pair: &Ed25519KeyPair, message: &[u8]) -> Result<Vec<u8>, SignError> {
    let signature = pair.try_sign(message).map_err(|_| SignError::Refused)?;
    Ok(signature.as_ref().to_vec())
}
