//! The pieces of canonical JSON (RFC 8785): strings, integers and the order of keys. Floating-point
//! numbers are no part of entries.

use core::cmp::Ordering;
use core::fmt::{self, Write};

/// The largest integer that every JSON reader keeps exact (RFC 8785 §3.2.2.3 by way of I-JSON, RFC
/// 7493 §2.2): 2^53 − 1. Larger ones are written as strings.
pub(super) const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// A quoted string.
pub(super) fn text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    escaped(out, text);
    out.push(b'"');
}

/// A quoted string of whatever shows itself, without a copy in between.
pub(super) fn shown(out: &mut Vec<u8>, value: &dyn fmt::Display) {
    out.push(b'"');
    // Writing into memory never fails; a `Display` that does leaves what it had written.
    let _ = write!(Escaping(out), "{value}");
    out.push(b'"');
}

/// The inside of a string (RFC 8785 §3.2.2.2): only `"`, `\` and what lies below U+0020 are escaped.
pub(super) fn escaped(out: &mut Vec<u8>, text: &str) {
    let mut rest = text.as_bytes();
    while let Some(place) = rest.iter().position(|byte| needs_escape(*byte)) {
        let (plain, tail) = rest.split_at(place);
        out.extend_from_slice(plain);
        let Some((special, tail)) = tail.split_first() else {
            return;
        };
        escape(out, *special);
        rest = tail;
    }
    out.extend_from_slice(rest);
}

/// A natural number: bare up to 2^53 − 1, as a string beyond.
pub(super) fn count(out: &mut Vec<u8>, number: u64) {
    if number <= MAX_SAFE_INTEGER {
        return digits(out, number);
    }
    out.push(b'"');
    digits(out, number);
    out.push(b'"');
}

/// An integer: bare within ±(2^53 − 1), as a string beyond.
pub(super) fn integer(out: &mut Vec<u8>, number: i64) {
    let size = number.unsigned_abs();
    if number >= 0 {
        return count(out, size);
    }
    let quote: &[u8] = if size > MAX_SAFE_INTEGER { b"\"" } else { b"" };
    out.extend_from_slice(quote);
    out.push(b'-');
    digits(out, size);
    out.extend_from_slice(quote);
}

/// The order of keys: by UTF-16 code units (RFC 8785 §3.2.3). It is the order of the octets unless
/// both keys leave ASCII, since only then can a surrogate meet a unit above it.
pub(super) fn key_order(left: &str, right: &str) -> Ordering {
    if left.is_ascii() || right.is_ascii() {
        left.cmp(right)
    } else {
        left.encode_utf16().cmp(right.encode_utf16())
    }
}

/// The escape letter of the five control characters that have one.
pub(super) const fn short_escape(byte: u8) -> Option<u8> {
    match byte {
        0x08 => Some(b'b'),
        b'\t' => Some(b't'),
        b'\n' => Some(b'n'),
        0x0c => Some(b'f'),
        b'\r' => Some(b'r'),
        b'"' | b'\\' => Some(byte),
        _ => None,
    }
}

/// Whether a string may not hold this octet as it is.
pub(super) const fn needs_escape(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

fn escape(out: &mut Vec<u8>, byte: u8) {
    if let Some(letter) = short_escape(byte) {
        out.extend_from_slice(&[b'\\', letter]);
        return;
    }
    out.extend_from_slice(b"\\u00");
    out.push(if byte < 0x10 { b'0' } else { b'1' });
    let low = byte & 0x0f;
    out.push(if low < 10 {
        b'0' + low
    } else {
        b'a' + low - 10
    });
}

fn digits(out: &mut Vec<u8>, number: u64) {
    let mut buffer = [b'0'; 20];
    let mut rest = number;
    let mut length = 0;
    for place in buffer.iter_mut().rev() {
        *place = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        length += 1;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(buffer.get(buffer.len() - length..).unwrap_or_default());
}

/// Escapes whatever is formatted into it.
struct Escaping<'a>(&'a mut Vec<u8>);

impl Write for Escaping<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        escaped(self.0, text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(write: impl FnOnce(&mut Vec<u8>), expected: &str) {
        let mut out = Vec::new();
        write(&mut out);
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn strings_escape_as_rfc_8785_shows() {
        check(
            |out| text(out, "\u{20ac}$\u{f}\nA'B\"\\\\\"/"),
            r#""€$\u000f\nA'B\"\\\\\"/""#,
        );
        check(|out| text(out, "\u{8}\t\n\u{c}\r"), r#""\b\t\n\f\r""#);
        check(
            |out| text(out, "\u{0}\u{1f}\u{7f}\u{2028}"),
            "\"\\u0000\\u001f\u{7f}\u{2028}\"",
        );
        check(|out| text(out, ""), r#""""#);
        check(|out| shown(out, &"a\"b"), r#""a\"b""#);
    }

    #[test]
    fn integers_beyond_the_exact_range_become_strings() {
        check(|out| count(out, 0), "0");
        check(|out| count(out, MAX_SAFE_INTEGER), "9007199254740991");
        check(
            |out| count(out, MAX_SAFE_INTEGER + 1),
            r#""9007199254740992""#,
        );
        check(|out| count(out, u64::MAX), r#""18446744073709551615""#);
        check(
            |out| integer(out, -9_007_199_254_740_991),
            "-9007199254740991",
        );
        check(
            |out| integer(out, -9_007_199_254_740_992),
            r#""-9007199254740992""#,
        );
        check(|out| integer(out, i64::MIN), r#""-9223372036854775808""#);
        check(|out| integer(out, 120), "120");
    }

    #[test]
    fn keys_sort_by_utf_16_units_as_rfc_8785_shows() {
        let mut keys = [
            "\u{20ac}",
            "\r",
            "\u{fb33}",
            "1",
            "\u{1f600}",
            "\u{80}",
            "\u{f6}",
        ];
        keys.sort_by(|left, right| key_order(left, right));
        assert_eq!(
            keys,
            [
                "\r",
                "1",
                "\u{80}",
                "\u{f6}",
                "\u{20ac}",
                "\u{1f600}",
                "\u{fb33}"
            ]
        );
        assert_eq!(key_order("node", "node_seq"), Ordering::Less);
        assert_eq!(key_order("", "a"), Ordering::Less);
    }
}
