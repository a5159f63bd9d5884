//! The address that an authenticator app reads, usually as a picture: `otpauth://totp/…`.

use core::fmt;
use core::fmt::Write as _;

use zeroize::{Zeroize, ZeroizeOnDrop};

use super::{Algorithm, AppDigits, Authenticator, STEP_SECONDS, TotpKey};

/// The most characters of an issuer or an account.
const LABEL_CHARACTERS: usize = 64;

/// Base-32 of RFC 4648 section 6.
const BASE_32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The address, with the key in it: shown once, at enrolment. `Debug` masks it.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct OtpauthUri(String);

/// A name that apps would misread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{part} has 1 to {LABEL_CHARACTERS} characters, without colons and control characters")]
pub struct LabelError {
    /// Which name: `issuer` or `account`.
    pub part: &'static str,
}

impl OtpauthUri {
    /// Writes the address. `issuer` is the firm and `account` whatever the person knows the account
    /// by; an app shows both.
    pub fn new(
        authenticator: &Authenticator,
        key: &TotpKey,
        issuer: &str,
        account: &str,
    ) -> Result<Self, LabelError> {
        let (issuer, account) = (label("issuer", issuer)?, label("account", account)?);
        let algorithm = match authenticator.algorithm() {
            Algorithm::Sha1 => "SHA1",
            Algorithm::Sha256 => "SHA256",
            Algorithm::Sha512 => "SHA512",
        };
        let digits = match authenticator.digits() {
            AppDigits::Six => 6,
            AppDigits::Eight => 8,
        };
        let mut secret = base_32(key.reveal());
        let uri = format!(
            "otpauth://totp/{issuer}:{account}?secret={secret}&issuer={issuer}\
             &algorithm={algorithm}&digits={digits}&period={STEP_SECONDS}"
        );
        secret.zeroize();
        Ok(Self(uri))
    }

    /// The address itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for OtpauthUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OtpauthUri(masked)")
    }
}

/// A name with everything escaped but the unreserved characters of RFC 3986 section 2.3. A colon would
/// divide issuer and account a second time, escaped or not.
fn label(part: &'static str, text: &str) -> Result<String, LabelError> {
    let fits = (1..=LABEL_CHARACTERS).contains(&text.chars().count());
    if !fits || text.chars().any(|c| c.is_control() || c == ':') {
        return Err(LabelError { part });
    }
    let mut escaped = String::with_capacity(text.len());
    for octet in text.bytes() {
        if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) {
            escaped.push(char::from(octet));
        } else {
            // Writing into a `String` does not fail.
            let _ = write!(escaped, "%{octet:02X}");
        }
    }
    Ok(escaped)
}

/// Base-32 without padding, which apps do not want.
pub(super) fn base_32(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len().saturating_mul(8).div_ceil(5));
    for group in octets.chunks(5) {
        let mut five = [0_u8; 5];
        for (place, octet) in five.iter_mut().zip(group) {
            *place = *octet;
        }
        let bits = five
            .iter()
            .fold(0_u64, |bits, octet| (bits << 8) | u64::from(*octet));
        let characters = group.len().saturating_mul(8).div_ceil(5);
        for shift in [35, 30, 25, 20, 15, 10, 5, 0].into_iter().take(characters) {
            let digit = usize::try_from((bits >> shift) & 0x1f).unwrap_or(0);
            text.push(char::from(BASE_32.get(digit).copied().unwrap_or(b'A')));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verification::totp::Authenticator;

    fn uri(issuer: &str, account: &str) -> Result<OtpauthUri, LabelError> {
        let authenticator = Authenticator::enrol(Algorithm::Sha1, AppDigits::Six);
        let key = TotpKey::from_bytes(b"12345678901234567890").unwrap();
        OtpauthUri::new(&authenticator, &key, issuer, account)
    }

    #[test]
    fn base_32_is_that_of_rfc_4648() {
        for (octets, expected) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(base_32(octets.as_bytes()), expected);
        }
    }

    #[test]
    fn names_are_escaped_and_the_key_is_in_base_32() {
        let uri = uri("Müller & Co", "ann@example.com").unwrap();
        assert_eq!(
            uri.reveal(),
            "otpauth://totp/M%C3%BCller%20%26%20Co:ann%40example.com\
             ?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=M%C3%BCller%20%26%20Co\
             &algorithm=SHA1&digits=6&period=30"
        );
        assert_eq!(format!("{uri:?}"), "OtpauthUri(masked)");
    }

    #[test]
    fn a_name_cannot_divide_the_label_or_break_the_line() {
        for name in ["", "a:b", "a\nb", &"x".repeat(65)] {
            assert_eq!(uri(name, "ann").unwrap_err(), LabelError { part: "issuer" });
            assert_eq!(
                uri("Shop", name).unwrap_err(),
                LabelError { part: "account" }
            );
        }
    }
}
