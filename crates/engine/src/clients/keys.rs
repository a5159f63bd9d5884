//! New keys of clients: drawn, derived, or brought by the client.

use domain::id::KeyId;
use domain::signature::{RsaKey, sha256};
use domain::time::Timestamp;
use std::fmt::Write as _;

use crate::client::{ApiKey, KeyHash};
use crate::gateway::Gateway;
use crate::rows::{ApiKeyRow, KeyMethod, all_octets_of_hex, octets_of_hex};

/// What sort of key is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyWish {
    /// One that is shown with each request.
    Bearer,
    /// A secret to sign requests with.
    HmacSha256,
    /// The public half of a key that requests are signed with: 32 octets (RFC 8032 section 5.1.5).
    Ed25519([u8; 32]),
    /// The same of RSA, for applications of Twilio's.
    Rsa(RsaKey),
}

impl KeyWish {
    /// A public key of 64 hex digits; `None` when it is none.
    pub fn ed25519(hex: &str) -> Option<Self> {
        octets_of_hex(hex).map(Self::Ed25519)
    }

    /// A public key of RSA, its DER of PKCS #1 in hex digits; `None` when it is none that is taken.
    pub fn rsa(hex: &str) -> Option<Self> {
        RsaKey::of_pkcs1(&all_octets_of_hex(hex)?).map(Self::Rsa)
    }
}

impl Gateway {
    /// A key that is shown.
    pub(super) fn bearer(&self, expires: Option<Timestamp>, now: Timestamp) -> (ApiKey, ApiKeyRow) {
        let mut octets = [0; 32];
        self.entropy.fill(&mut octets);
        let key = ApiKey::from_octets(octets);
        let id = self.ids.id(&*self.entropy, now);
        let row = key_row(id, KeyMethod::Bearer, key.hash(), (expires, now));
        (key, row)
    }

    pub(super) fn new_key(
        &self,
        wish: KeyWish,
        expires: Option<Timestamp>,
        now: Timestamp,
    ) -> (Option<ApiKey>, ApiKeyRow) {
        let times = (expires, now);
        match wish {
            KeyWish::Bearer => {
                let (key, row) = self.bearer(expires, now);
                (Some(key), row)
            }
            KeyWish::HmacSha256 => {
                let id = self.ids.id(&*self.entropy, now);
                let secret = self.signing_secret(id);
                let row = key_row(id, KeyMethod::HmacSha256, secret.hash(), times);
                (Some(secret), row)
            }
            KeyWish::Ed25519(public) => {
                let id = self.ids.id(&*self.entropy, now);
                let hex = KeyHash::from_octets(public).to_hex().into();
                let method = KeyMethod::Ed25519 { public: hex };
                let hash = KeyHash::from_octets(sha256(&public));
                (None, key_row(id, method, hash, times))
            }
            KeyWish::Rsa(key) => {
                let id = self.ids.id(&*self.entropy, now);
                let octets = key.as_pkcs1();
                let mut hex = String::with_capacity(octets.len() * 2);
                for octet in octets {
                    let _ = write!(hex, "{octet:02x}");
                }
                let method = KeyMethod::Rsa { public: hex.into() };
                let hash = KeyHash::from_octets(sha256(key.as_pkcs1()));
                (None, key_row(id, method, hash, times))
            }
        }
    }
}

fn key_row(
    id: KeyId,
    method: KeyMethod,
    hash: KeyHash,
    (expires, created): (Option<Timestamp>, Timestamp),
) -> ApiKeyRow {
    ApiKeyRow {
        id,
        hash: hash.to_hex(),
        method,
        created,
        expires,
        revoked: None,
        used: None,
        ahead: None,
    }
}

/// Whether requests can be signed with a key.
pub(super) fn signs(key: &ApiKeyRow, now: Timestamp) -> bool {
    let is_over = key.expires.is_some_and(|end| end <= now);
    key.method.algorithm().is_some() && key.revoked.is_none() && !is_over
}
