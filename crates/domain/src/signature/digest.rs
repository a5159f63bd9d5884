//! Digests of content (RFC 9530): the one way in which a signature covers a body.

use aws_lc_rs::digest::{SHA256, digest};

use super::structured::{Bare, Dictionary, Member};

/// The header holds no SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the header Content-Digest must hold sha-256=:…: with the base64 of the body's SHA-256")]
pub struct DigestError;

/// The SHA-256 that a `Content-Digest` names. Other algorithms may stand beside it.
pub fn content_digest(field: &str) -> Result<[u8; 32], DigestError> {
    let fields = Dictionary::parse(field).ok_or(DigestError)?;
    match fields.get("sha-256") {
        Some(Member::Item(item)) => match &item.value {
            Bare::Octets(octets) => octets.as_slice().try_into().map_err(|_| DigestError),
            _ => Err(DigestError),
        },
        _ => Err(DigestError),
    }
}

/// The SHA-256 of a body.
pub fn sha256(body: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, body).as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_of_the_standard_is_that_of_its_body() {
        // RFC 9530 appendix B.1.
        let named = content_digest("sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:");
        assert_eq!(named, Ok(sha256(b"{\"hello\": \"world\"}")));
    }

    #[test]
    fn what_holds_no_sha256_is_refused() {
        let short = "sha-256=:AAAA:";
        let other = "sha-512=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:";
        for wrong in ["", "sha-256", "sha-256=1", short, other, "sha-256=\"X\""] {
            assert_eq!(content_digest(wrong), Err(DigestError), "{wrong}");
        }
        let both = format!("{other}, sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:");
        assert!(content_digest(&both).is_ok());
    }
}
