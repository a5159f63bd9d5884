//! Requests as they are signed (RFC 8555 section 6.2): ES256, with a nonce that was given and not used, for the URL that
//! they came to.

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use domain::signature::sha256;
use serde_json::Value;

use super::Inside;

/// Who asks what.
pub(super) struct Asked {
    pub(super) who: Who,
    /// The point of the key that signed.
    pub(super) point: Vec<u8>,
    /// Empty for a read.
    pub(super) payload: Vec<u8>,
}

/// By what whoever asks is known.
pub(super) enum Who {
    /// By the key itself.
    Key,
    /// By the number of an account.
    Account(usize),
}

/// Why a request is not looked at: the word of the protocol.
pub(super) type Wrong = &'static str;

pub(super) fn decoded(text: &str) -> Result<Vec<u8>, Wrong> {
    BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| "malformed")
}

fn part<'v>(value: &'v Value, name: &str) -> Result<&'v str, Wrong> {
    value[name].as_str().ok_or("malformed")
}

/// Reads and verifies a request to this path.
pub(super) fn read(inside: &Inside, path: &str, body: &[u8]) -> Result<Asked, Wrong> {
    let whole: Value = serde_json::from_slice(body).map_err(|_| "malformed")?;
    let (head, payload) = (part(&whole, "protected")?, part(&whole, "payload")?);
    let said: Value = serde_json::from_slice(&decoded(head)?).map_err(|_| "malformed")?;
    if part(&said, "alg")? != "ES256" {
        return Err("badSignatureAlgorithm");
    }
    if part(&said, "url")? != format!("{}{path}", inside.base) {
        return Err("unauthorized");
    }
    let nonce = part(&said, "nonce")?;
    if !inside.books().nonces.remove(nonce) {
        return Err("badNonce");
    }
    let (who, point) = match (said["kid"].as_str(), said["jwk"].is_object()) {
        (Some(url), false) => {
            let number = url.strip_prefix(&format!("{}/account/", inside.base));
            let number: usize = number
                .and_then(|text| text.parse().ok())
                .ok_or("accountDoesNotExist")?;
            let point = inside.books().accounts.get(&number).cloned();
            (Who::Account(number), point.ok_or("accountDoesNotExist")?)
        }
        (None, true) => (Who::Key, point(&said["jwk"])?),
        _ => return Err("malformed"),
    };
    let signature = decoded(part(&whole, "signature")?)?;
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &point);
    key.verify(format!("{head}.{payload}").as_bytes(), &signature)
        .map_err(|_| "unauthorized")?;
    Ok(Asked {
        who,
        point,
        payload: decoded(payload)?,
    })
}

fn point(jwk: &Value) -> Result<Vec<u8>, Wrong> {
    if part(jwk, "kty")? != "EC" || part(jwk, "crv")? != "P-256" {
        return Err("badPublicKey");
    }
    let mut point = vec![4];
    point.extend(decoded(part(jwk, "x")?)?);
    point.extend(decoded(part(jwk, "y")?)?);
    Ok(point)
}

/// The thumbprint of a key (RFC 7638), in base64url.
pub(super) fn thumbprint(point: &[u8]) -> String {
    let encoded = |octets: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(octets);
    let (x, y) = (encoded(&point[1..33]), encoded(&point[33..]));
    let jwk = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
    encoded(&sha256(jwk.as_bytes()))
}

/// Whether a new account is tied to this customer (RFC 8555 section 7.3.4).
pub(super) fn is_bound(
    bound: &Value,
    (id, secret): (&str, &[u8]),
    (url, account): (&str, &[u8]),
) -> Result<bool, Wrong> {
    let (head, payload) = (part(bound, "protected")?, part(bound, "payload")?);
    let said: Value = serde_json::from_slice(&decoded(head)?).map_err(|_| "malformed")?;
    let jwk: Value = serde_json::from_slice(&decoded(payload)?).map_err(|_| "malformed")?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let signature = decoded(part(bound, "signature")?)?;
    let verified = hmac::verify(&key, format!("{head}.{payload}").as_bytes(), &signature);
    let is_ours = said["alg"] == "HS256" && said["kid"] == id && said["url"] == url;
    Ok(is_ours && said.get("nonce").is_none() && verified.is_ok() && point(&jwk)? == account)
}
