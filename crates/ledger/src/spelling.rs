//! The spellings that all C2SP texts share: base64 with padding (RFC 4648 §4) in its one canonical
//! form, and decimals without leading zeros. What is spelled otherwise is refused.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::leaf::Hash;

/// Sizes, indices and times stay below 2^63, so that every reader can hold them.
pub(crate) const LAST_NUMBER: u64 = i64::MAX.unsigned_abs();

/// The base64 of any octets.
pub(crate) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The octets of canonical base64: padded, unused bits zero, nothing around it.
pub(crate) fn unbase64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// The 44 characters of a hash.
pub(crate) fn hash64(hash: &Hash) -> String {
    base64(hash.as_bytes())
}

/// The hash that exactly 44 characters spell.
pub(crate) fn unhash64(text: &str) -> Option<Hash> {
    let bytes: [u8; 32] = unbase64(text)?.try_into().ok()?;
    Some(Hash::from_bytes(bytes))
}

/// A decimal up to 2^63 − 1, with no sign and no leading zero.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let leading_zero = text.len() > 1 && text.starts_with('0');
    if !plain || leading_zero {
        return None;
    }
    text.parse().ok().filter(|number| *number <= LAST_NUMBER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_has_one_spelling() {
        assert_eq!(base64(b"\xfb\xff"), "+/8=");
        assert_eq!(unbase64("+/8=").as_deref(), Some(b"\xfb\xff".as_slice()));
        for wrong in [
            "+/8", "+/9=", "-_8=", "+/8=\n", " +/8=", "+/8==", "+=8=", "=",
        ] {
            assert_eq!(unbase64(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_hash_is_thirty_two_octets_and_nothing_else() {
        let hash = Hash::from_bytes([7; 32]);
        assert_eq!(hash64(&hash).len(), 44);
        assert_eq!(unhash64(&hash64(&hash)), Some(hash));
        assert_eq!(unhash64(&base64(&[7; 31])), None);
        assert_eq!(unhash64(&base64(&[7; 33])), None);
    }

    #[test]
    fn a_decimal_has_one_spelling_and_a_bound() {
        for (text, number) in [("0", 0), ("10", 10), ("9223372036854775807", LAST_NUMBER)] {
            assert_eq!(decimal(text), Some(number));
        }
        for wrong in ["", "00", "01", "+1", "-0", "1 ", "١", "9223372036854775808"] {
            assert_eq!(decimal(wrong), None, "{wrong:?}");
        }
    }
}
