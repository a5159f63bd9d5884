//! The keys of a webhook and its signatures, by Standard Webhooks: `v1` is HMAC-SHA-256 under a secret that
//! both sides have, `v1a` is Ed25519, which whoever is told can check but not make.

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::{Zeroize, Zeroizing};

use crate::ports::Entropy;

/// Octets of each of both keys.
const KEY_LEN: usize = 32;

/// A secret as it is shown, this once: `whsec_…`. Masks itself.
pub struct WebhookSecret(Zeroizing<String>);

impl WebhookSecret {
    /// The secret that these octets are.
    pub(crate) fn of(octets: &[u8]) -> Self {
        let text = Zeroizing::new(STANDARD.encode(octets));
        Self(Zeroizing::new(format!("whsec_{}", *text)))
    }

    /// The secret itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebhookSecret(whsec_…)")
    }
}

/// The keys of one generation.
pub(crate) struct Keys(Zeroizing<[u8; 2 * KEY_LEN]>);

impl Keys {
    /// New ones.
    pub(crate) fn draw(entropy: &dyn Entropy) -> Self {
        let mut octets = Zeroizing::new([0; 2 * KEY_LEN]);
        entropy.fill(octets.as_mut());
        Self(octets)
    }

    /// As they were sealed; `None` for octets that are none.
    pub(crate) fn from_octets(octets: &[u8]) -> Option<Self> {
        let mut octets: [u8; 2 * KEY_LEN] = octets.try_into().ok()?;
        let keys = Self(Zeroizing::new(octets));
        octets.zeroize();
        Some(keys)
    }

    /// As they are sealed.
    pub(crate) fn octets(&self) -> &[u8] {
        self.0.as_ref()
    }

    fn halves(&self) -> (&[u8], &[u8]) {
        self.0.split_at(KEY_LEN)
    }

    /// What whoever is told checks `v1` with.
    pub(crate) fn secret(&self) -> WebhookSecret {
        WebhookSecret::of(self.halves().0)
    }

    fn pair(&self) -> Option<Ed25519KeyPair> {
        Ed25519KeyPair::from_seed_unchecked(self.halves().1).ok()
    }

    /// What whoever is told checks `v1a` with.
    pub(crate) fn public(&self) -> Option<String> {
        let pair = self.pair()?;
        Some(format!("whpk_{}", STANDARD.encode(pair.public_key())))
    }

    /// Both signatures of one call.
    pub(crate) fn sign(&self, id: &str, timestamp: u64, body: &[u8]) -> Option<String> {
        let by_hmac = sign(self.halves().0, (id, timestamp), body);
        let by_pair = self.pair()?.sign(&content((id, timestamp), body));
        Some(format!("{by_hmac} v1a,{}", STANDARD.encode(by_pair)))
    }
}

/// What is signed of a call.
fn content((id, timestamp): (&str, u64), body: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut signed = Zeroizing::new(format!("{id}.{timestamp}.").into_bytes());
    signed.extend_from_slice(body);
    signed
}

/// The `v1` signature of a call, under the octets of a secret.
pub(crate) fn sign(secret: &[u8], call: (&str, u64), body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let tag = hmac::sign(&key, &content(call, body));
    format!("v1,{}", STANDARD.encode(tag))
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(masked)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8032 §7.1, test 1: the seed and its public key.
    const SEED: &str = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=";
    const PUBLIC: &str = "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

    fn keys(hmac: &[u8], seed: &str) -> Keys {
        let octets = [hmac, &STANDARD.decode(seed).unwrap()].concat();
        Keys::from_octets(&octets).unwrap()
    }

    /// The published vector has a secret of 24 octets, which HMAC fills up with zeros as it does shorter
    /// keys than its block.
    #[test]
    fn the_published_vector_is_signed_as_two_libraries_sign_it() {
        let mut secret = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        secret.resize(KEY_LEN, 0);
        let body = br#"{"test": 2432232314}"#;
        let signed = keys(&secret, SEED).sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
        let signed = signed.unwrap();
        let (first, second) = signed.split_once(' ').unwrap();
        assert_eq!(first, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        let public = STANDARD.decode(&PUBLIC[5..]).unwrap();
        let signature = STANDARD
            .decode(second.strip_prefix("v1a,").unwrap())
            .unwrap();
        let content = [b"msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.".as_slice(), body].concat();
        aws_lc_rs::signature::UnparsedPublicKey::new(&aws_lc_rs::signature::ED25519, public)
            .verify(&content, &signature)
            .unwrap();
    }

    #[test]
    fn secrets_have_their_forms_and_mask_themselves() {
        let keys = keys(&[7; KEY_LEN], SEED);
        assert_eq!(keys.public().unwrap(), PUBLIC);
        assert_eq!(
            keys.secret().reveal(),
            "whsec_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="
        );
        assert_eq!(
            format!("{keys:?} {:?}", keys.secret()),
            "Keys(masked) WebhookSecret(whsec_…)"
        );
        assert!(Keys::from_octets(&[0; 63]).is_none());
    }
}
