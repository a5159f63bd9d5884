//! What the store keeps of a client's credentials: what its requests must show, how each of its keys is used, and
//! its certificates. Nothing here is a secret.

use core::fmt;
use core::str::FromStr;

use domain::signature::Algorithm;
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};

/// What requests of a client must show at least.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum AuthMode {
    /// A key, or a signature.
    #[default]
    #[serde(rename = "key")]
    Key,
    /// The same, over a connection with a certificate of the client's (RFC 8705 section 3).
    #[serde(rename = "key+mtls")]
    KeyAndCertificate,
    /// A signature (RFC 9421).
    #[serde(rename = "signed")]
    Signed,
}

impl AuthMode {
    /// Every mode.
    pub const ALL: [Self; 3] = [Self::Key, Self::KeyAndCertificate, Self::Signed];

    /// The word used in the command line, the ledger and the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::KeyAndCertificate => "key+mtls",
            Self::Signed => "signed",
        }
    }

    /// Whether it is the one of clients that say nothing.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for AuthMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The word names no mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is no way to authenticate; use key, key+mtls or signed")]
pub struct UnknownAuthMode;

impl FromStr for AuthMode {
    type Err = UnknownAuthMode;

    fn from_str(word: &str) -> Result<Self, UnknownAuthMode> {
        let found = Self::ALL.into_iter().find(|mode| mode.as_str() == word);
        found.ok_or(UnknownAuthMode)
    }
}

/// How a key is used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyMethod {
    /// It is shown with each request.
    #[default]
    Bearer,
    /// Requests are signed with it; it is a secret that the gateway knows too.
    HmacSha256,
    /// Requests are signed with a private key that the gateway never sees.
    Ed25519 {
        /// The public key, 64 lower-case hex digits.
        public: Box<str>,
    },
    /// The same by RSA, as applications of Twilio's sign.
    Rsa {
        /// The public key, the DER of PKCS #1 in lower-case hex digits.
        public: Box<str>,
    },
}

impl KeyMethod {
    /// How it signs; `None` for a key that is shown.
    pub const fn algorithm(&self) -> Option<Algorithm> {
        match self {
            Self::Bearer => None,
            Self::HmacSha256 => Some(Algorithm::HmacSha256),
            Self::Ed25519 { .. } => Some(Algorithm::Ed25519),
            Self::Rsa { .. } => Some(Algorithm::RsaSha256),
        }
    }

    /// The public key, where there is one.
    pub fn public(&self) -> Option<&str> {
        match self {
            Self::Ed25519 { public } | Self::Rsa { public } => Some(public),
            Self::Bearer | Self::HmacSha256 => None,
        }
    }

    /// From what an entry tells.
    pub(crate) fn told(algorithm: Option<Algorithm>, public: Option<&str>) -> Option<Self> {
        match (algorithm, public) {
            (None, None) => Some(Self::Bearer),
            (Some(Algorithm::HmacSha256), None) => Some(Self::HmacSha256),
            (Some(Algorithm::Ed25519), Some(public)) => Some(Self::Ed25519 {
                public: public.into(),
            }),
            (Some(Algorithm::RsaSha256), Some(public)) => Some(Self::Rsa {
                public: public.into(),
            }),
            _ => None,
        }
    }

    /// Whether it is that of keys from before there were others.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// The SHA-256 of a certificate in DER (RFC 8705 section 3.1, there in base64url).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Thumbprint([u8; 32]);

impl Thumbprint {
    /// From its octets.
    pub const fn from_bytes(octets: [u8; 32]) -> Self {
        Self(octets)
    }
}

impl fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl fmt::Debug for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Thumbprint({self})")
    }
}

/// It is no certificate of a client, as the ledger and the store write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not the SHA-256 of a certificate: 64 hex digits")]
pub struct NoThumbprint;

impl FromStr for Thumbprint {
    type Err = NoThumbprint;

    fn from_str(text: &str) -> Result<Self, NoThumbprint> {
        octets_of_hex(text).map(Self).ok_or(NoThumbprint)
    }
}

/// A certificate that a client may show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct CertificateRow {
    /// Its SHA-256.
    pub sha256: Thumbprint,
    /// When it ends, as it says itself.
    pub expires: Timestamp,
}

/// As the ledger tells it: the hash and the time, with a space between them.
impl fmt::Display for CertificateRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.sha256, self.expires)
    }
}

impl FromStr for CertificateRow {
    type Err = NoThumbprint;

    fn from_str(text: &str) -> Result<Self, NoThumbprint> {
        let (sha256, expires) = text.split_once(' ').ok_or(NoThumbprint)?;
        Ok(Self {
            sha256: sha256.parse()?,
            expires: expires.parse().map_err(|_| NoThumbprint)?,
        })
    }
}

impl From<CertificateRow> for String {
    fn from(row: CertificateRow) -> Self {
        row.to_string()
    }
}

impl TryFrom<String> for CertificateRow {
    type Error = NoThumbprint;

    fn try_from(text: String) -> Result<Self, NoThumbprint> {
        text.parse()
    }
}

/// Octets of hex digits, two for each.
pub(crate) fn all_octets_of_hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let places = (0..text.len()).step_by(2);
    let octet = |place| u8::from_str_radix(text.get(place..place + 2)?, 16).ok();
    places.map(octet).collect()
}

/// 32 octets of 64 hex digits.
pub(crate) fn octets_of_hex(text: &str) -> Option<[u8; 32]> {
    let mut octets = [0; 32];
    if text.len() != 64 || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    for (place, octet) in octets.iter_mut().enumerate() {
        *octet = u8::from_str_radix(text.get(2 * place..2 * place + 2)?, 16).ok()?;
    }
    Some(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_read_as_it_is_written() {
        let row = CertificateRow {
            sha256: Thumbprint::from_bytes([0xa5; 32]),
            expires: Timestamp::from_seconds(1_764_064_800),
        };
        assert_eq!(row.to_string().parse(), Ok(row));
        let json = serde_json::to_string(&row).unwrap();
        assert_eq!(serde_json::from_str::<CertificateRow>(&json).unwrap(), row);
        for wrong in ["", "a5 x", &"a".repeat(64)] {
            assert!(wrong.parse::<CertificateRow>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_mode_has_its_word() {
        for mode in AuthMode::ALL {
            assert_eq!(mode.as_str().parse(), Ok(mode));
            let json = serde_json::to_value(mode).unwrap();
            assert_eq!(json, mode.as_str());
        }
        assert_eq!("mtls".parse::<AuthMode>(), Err(UnknownAuthMode));
    }
}
