//! Lower-case hexadecimal of 32 octets, the one spelling of hashes and commitments in entries.

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// The 64 digits of 32 octets.
pub(crate) fn encode(bytes: &[u8; 32]) -> [u8; 64] {
    let mut text = [b'0'; 64];
    for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
        for (place, nibble) in pair.iter_mut().zip([byte >> 4, byte & 0x0f]) {
            *place = DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0');
        }
    }
    text
}

/// The 32 octets that 64 lower-case digits spell; `None` for anything else.
pub(crate) fn decode(text: &str) -> Option<[u8; 32]> {
    let digits = text.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    let mut bytes = [0_u8; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        for digit in pair {
            *byte = (*byte << 4) | value_of(*digit)?;
        }
    }
    Some(bytes)
}

/// Writes the digits to a formatter.
pub(crate) fn show(bytes: &[u8; 32], f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
    f.write_str(core::str::from_utf8(&encode(bytes)).unwrap_or_default())
}

fn value_of(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sixty_four_lower_case_digits_are_read() {
        let bytes = core::array::from_fn(|place| u8::try_from(place * 7 % 256).unwrap());
        let text = String::from_utf8(encode(&bytes).to_vec()).unwrap();
        assert!(text.starts_with("00070e151c"));
        assert_eq!(decode(&text), Some(bytes));
        assert_eq!(decode(&text.to_uppercase()), None);
        assert_eq!(decode(&text[1..]), None);
        assert_eq!(decode(&format!("{text}0")), None);
        assert_eq!(decode(&text.replacen('0', "g", 1)), None);
    }
}
