//! The keys that signatures are verified with. The algorithm is the key's: what a message says of it can only be the
//! same or wrong.

use core::fmt;
use core::str::FromStr;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{
    ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey,
};
use serde::{Deserialize, Serialize};

use super::rsa::RsaKey;

/// How requests are signed (RFC 9421 section 6.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Algorithm {
    /// HMAC with SHA-256 under a shared secret.
    #[serde(rename = "hmac-sha256")]
    HmacSha256,
    /// Ed25519 by a key that only the client has.
    #[serde(rename = "ed25519")]
    Ed25519,
    /// RSA with SHA-256 by a key that only the client has, padded by PKCS #1 v1.5 or PSS (RFC 8017). Only what
    /// applications of Twilio's sign is signed so, and not by RFC 9421.
    #[serde(rename = "rsa-sha256")]
    RsaSha256,
}

impl Algorithm {
    /// Its name in the registry.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HmacSha256 => "hmac-sha256",
            Self::Ed25519 => "ed25519",
            Self::RsaSha256 => "rsa-sha256",
        }
    }

    /// The algorithm of a key, by its name in the ledger.
    pub fn of_key(name: &str) -> Option<Self> {
        [Self::HmacSha256, Self::Ed25519, Self::RsaSha256]
            .into_iter()
            .find(|algorithm| algorithm.as_str() == name)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The name is that of no algorithm that is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not an algorithm; use ed25519 or hmac-sha256")]
pub struct UnknownAlgorithm;

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    fn from_str(name: &str) -> Result<Self, UnknownAlgorithm> {
        [Self::HmacSha256, Self::Ed25519]
            .into_iter()
            .find(|algorithm| algorithm.as_str() == name)
            .ok_or(UnknownAlgorithm)
    }
}

/// A key that signatures are verified with.
pub enum VerifyingKey {
    /// A shared secret.
    Hmac(Box<hmac::Key>),
    /// A public key.
    Ed25519([u8; 32]),
    /// A public key, and how what it signs is padded.
    Rsa(RsaKey, Padding),
}

/// How an RSA signature is padded (RFC 8017 section 8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    /// PKCS #1 v1.5: `RS256` of RFC 7518.
    Pkcs1,
    /// PSS with SHA-256: `PS256` of RFC 7518.
    Pss,
}

impl VerifyingKey {
    /// A shared secret.
    pub fn hmac(secret: &[u8]) -> Self {
        Self::Hmac(Box::new(hmac::Key::new(hmac::HMAC_SHA256, secret)))
    }

    /// A public key of 32 octets (RFC 8032 section 5.1.5); `None` when there are more or less.
    pub fn ed25519(public: &[u8]) -> Option<Self> {
        public.try_into().ok().map(Self::Ed25519)
    }

    /// How it signs.
    pub const fn algorithm(&self) -> Algorithm {
        match self {
            Self::Hmac(_) => Algorithm::HmacSha256,
            Self::Ed25519(_) => Algorithm::Ed25519,
            Self::Rsa(..) => Algorithm::RsaSha256,
        }
    }

    /// Whether a signature is of these octets by this key.
    pub fn verifies(&self, base: &[u8], signature: &[u8]) -> bool {
        match self {
            // In constant time.
            Self::Hmac(key) => hmac::verify(key, base, signature).is_ok(),
            Self::Ed25519(public) => {
                let key = UnparsedPublicKey::new(&ED25519, public);
                key.verify(base, signature).is_ok()
            }
            Self::Rsa(public, padding) => {
                let way = match padding {
                    Padding::Pkcs1 => &RSA_PKCS1_2048_8192_SHA256,
                    Padding::Pss => &RSA_PSS_2048_8192_SHA256,
                };
                let key = UnparsedPublicKey::new(way, public.as_pkcs1());
                key.verify(base, signature).is_ok()
            }
        }
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({}, masked)", self.algorithm())
    }
}
