//! What a request shows of itself: a key or a signature, the certificate of its connection, and where it comes from.

use std::net::IpAddr;

use domain::id::{ClientId, KeyId};
use domain::signature::{Claims, SignatureError};
use domain::time::Timestamp;

use crate::rows::Thumbprint;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerCertificate {
    /// Its SHA-256.
    pub sha256: Thumbprint,
    /// From when on it is valid.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

impl PeerCertificate {
    /// Its hash, while it is valid. A connection may last longer than that, or be taken up again later.
    pub(crate) fn at(self, now: Timestamp) -> Option<Thumbprint> {
        (self.from <= now && now <= self.until).then_some(self.sha256)
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_counts_from_its_first_second_to_its_last() {
        let [before, from, until, after] = [9, 10, 20, 21].map(Timestamp::from_seconds);
        let shown = PeerCertificate {
            sha256: Thumbprint::from_bytes([1; 32]),
            from,
            until,
        };
        assert_eq!(shown.at(before), None, "not yet");
        assert_eq!(shown.at(from), Some(shown.sha256));
        assert_eq!(shown.at(until), Some(shown.sha256));
        assert_eq!(shown.at(after), None, "no more");
    }
}
