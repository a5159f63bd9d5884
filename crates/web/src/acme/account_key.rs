//! The key of an account (ECDSA on P-256), and what it signs (JWS, RFC 7515, flattened).

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use domain::signature::sha256;
use serde_json::json;
use zeroize::Zeroizing;

use super::problem::AcmeError;

/// Octets of a coordinate.
const COORDINATE: usize = 32;

/// The key of an account. `Debug` masks it.
pub struct AccountKey {
    pair: EcdsaKeyPair,
    pkcs8: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for AccountKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AccountKey(masked)")
    }
}

/// How the authority knows who signs.
pub(super) enum Signer<'a> {
    /// By the public key itself: there is no account yet.
    Key,
    /// By the account's URL.
    Account(&'a str),
}

impl AccountKey {
    /// A new one, by the system's generator.
    pub fn generate() -> Result<Self, AcmeError> {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random);
        let document = document.map_err(|_| AcmeError::Unsound("no account key can be made"))?;
        Self::from_pkcs8(document.as_ref())
    }

    /// From PKCS#8 in DER.
    pub fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, AcmeError> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8);
        let pair = pair.map_err(|_| AcmeError::Unsound("the account key is no key on P-256"))?;
        Ok(Self {
            pair,
            pkcs8: Zeroizing::new(pkcs8.to_vec()),
        })
    }

    /// As PKCS#8 in DER: the secret.
    pub fn reveal(&self) -> &[u8] {
        &self.pkcs8
    }

    /// The public key (RFC 7517), its members in the order of the thumbprint (RFC 7638).
    fn jwk(&self) -> String {
        // An uncompressed point: 4, x and y.
        let point = self.pair.public_key().as_ref().get(1..).unwrap_or_default();
        let (x, y) = point.split_at(COORDINATE.min(point.len()));
        format!(
            r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#,
            encoded(x),
            encoded(y)
        )
    }

    /// What proves to an authority that a challenge was seen by this account (RFC 8555 section 8.1).
    pub(super) fn key_authorization(&self, token: &str) -> String {
        format!("{token}.{}", encoded(&sha256(self.jwk().as_bytes())))
    }

    /// A signed request; an empty payload is a read (RFC 8555 section 6.3).
    pub(super) fn signed(
        &self,
        signer: &Signer<'_>,
        (url, nonce): (&str, &str),
        payload: &str,
    ) -> Result<String, AcmeError> {
        let mut head = json!({"alg": "ES256", "nonce": nonce, "url": url});
        let (name, who) = match signer {
            Signer::Key => ("jwk", serde_json::from_str(&self.jwk()).unwrap_or_default()),
            Signer::Account(url) => ("kid", json!(url)),
        };
        if let Some(members) = head.as_object_mut() {
            members.insert(name.to_owned(), who);
        }
        let (head, payload) = (
            encoded(head.to_string().as_bytes()),
            encoded(payload.as_bytes()),
        );
        let input = format!("{head}.{payload}");
        let signature = self.pair.sign(&SystemRandom::new(), input.as_bytes());
        let signature = signature.map_err(|_| AcmeError::Unsound("nothing can be signed"))?;
        Ok(flattened(&head, &payload, signature.as_ref()))
    }

    /// The public key, signed with a secret that the authority gave to a customer (RFC 8555 section 7.3.4).
    pub(super) fn bound(&self, (id, secret): (&str, &[u8]), url: &str) -> String {
        let head = json!({"alg": "HS256", "kid": id, "url": url});
        let head = encoded(head.to_string().as_bytes());
        let payload = encoded(self.jwk().as_bytes());
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let signature = hmac::sign(&key, format!("{head}.{payload}").as_bytes());
        flattened(&head, &payload, signature.as_ref())
    }
}

fn flattened(head: &str, payload: &str, signature: &[u8]) -> String {
    json!({"payload": payload, "protected": head, "signature": encoded(signature)}).to_string()
}

fn encoded(octets: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(octets)
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
    use serde_json::Value;

    use super::*;

    #[test]
    fn what_is_signed_verifies_under_the_key_that_is_told_and_the_key_is_kept() {
        let key = AccountKey::generate().unwrap();
        let again = AccountKey::from_pkcs8(key.reveal()).unwrap();
        assert_eq!(key.key_authorization("t"), again.key_authorization("t"));
        assert_eq!(format!("{key:?}"), "AccountKey(masked)");
        let signed = key.signed(&Signer::Key, ("https://ca.example/new", "n"), "{}");
        let signed: Value = serde_json::from_str(&signed.unwrap()).unwrap();
        let part = |name: &str| signed[name].as_str().unwrap().to_owned();
        let octets = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).unwrap();
        let head: Value = serde_json::from_slice(&octets(&part("protected"))).unwrap();
        assert_eq!(head["url"], "https://ca.example/new");
        let mut point = vec![4];
        for name in ["x", "y"] {
            point.extend(octets(head["jwk"][name].as_str().unwrap()));
        }
        let input = format!("{}.{}", part("protected"), part("payload"));
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
        public
            .verify(input.as_bytes(), &octets(&part("signature")))
            .unwrap();
    }
}
