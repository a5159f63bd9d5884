//! What a request shows of itself: a key or a signature, the certificate of its connection, and where it comes from.

use std::net::IpAddr;
use std::sync::Arc;

use domain::id::{ClientId, KeyId};
use domain::signature::{Claims, Padding, SignatureError};
use domain::time::Timestamp;

use crate::rows::{CertificateName, Thumbprint};

/// What whoever asks shows.
#[derive(Debug)]
pub struct Presented<'a> {
    /// By what it is to be known.
    pub credential: Credential<'a>,
    /// The certificate of its connection, when it has one; the other side has proved that it holds the key.
    pub certificate: Option<PeerCertificate>,
    /// Where it comes from.
    pub source: IpAddr,
}

/// The certificate of the other side of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerCertificate {
    /// Its SHA-256.
    pub sha256: Thumbprint,
    /// The names in it for which an authority vouches that the listener trusts; none where there is no such
    /// authority.
    pub names: Arc<[CertificateName]>,
    /// From when on it is valid.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

impl PeerCertificate {
    /// Whether it is valid. A connection may last longer than that, or be taken up again later.
    pub(crate) fn is_valid(&self, now: Timestamp) -> bool {
        self.from <= now && now <= self.until
    }
}

/// By what a request is to be known.
pub enum Credential<'a> {
    /// A key; empty when there is none.
    Bearer(&'a str),
    /// A key beside the name of whose it is; it opens only under a name of its own.
    Named(KeyName, &'a str),
    /// A signature.
    Signed(SignedRequest<'a>),
    /// A signature that cannot be looked at, or covers too little.
    Unsound(SignatureError),
}

impl std::fmt::Debug for Credential<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Bearer(_) => "Bearer(masked)",
            Self::Named(..) => "Named(masked)",
            Self::Signed(_) => "Signed",
            Self::Unsound(_) => "Unsound",
        })
    }
}

/// Under what name a key is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyName {
    /// The client that it must be of.
    Client(ClientId),
    /// The key that it must be.
    Key(KeyId),
}

/// A signature over a request, not verified yet.
#[derive(Debug)]
pub struct SignedRequest<'a> {
    /// What it says of itself.
    pub claims: &'a Claims,
    /// What it is of.
    pub base: &'a str,
    /// Its octets.
    pub signature: &'a [u8],
    /// How it is padded, where it is one of RSA. Only what applications of Twilio's sign is.
    pub padding: Option<Padding>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_counts_from_its_first_second_to_its_last() {
        let [before, from, until, after] = [9, 10, 20, 21].map(Timestamp::from_seconds);
        let shown = PeerCertificate {
            sha256: Thumbprint::from_bytes([1; 32]),
            names: Arc::default(),
            from,
            until,
        };
        assert!(!shown.is_valid(before), "not yet");
        assert!(shown.is_valid(from) && shown.is_valid(until));
        assert!(!shown.is_valid(after), "no more");
    }
}
