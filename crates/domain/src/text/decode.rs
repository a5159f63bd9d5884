//! What a handset sent, from octets to text. A reading never fails: what cannot be read is replaced by
//! U+FFFD and the reading says that it is lossy, so that no message is lost for a bad octet. A text from
//! a handset is not a [`super::MessageText`]: it may be empty and hold anything.

use core::fmt;

use super::gsm7;

/// Whether a reading kept everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fidelity {
    /// Every octet was understood.
    Exact,
    /// Something was replaced or guessed; keep the octets if they may matter.
    Lossy,
}

impl Fidelity {
    /// Exact only when both are.
    pub(super) const fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Exact, Self::Exact) => Self::Exact,
            _ => Self::Lossy,
        }
    }
}

/// The text of a handset's message. `Debug` and `Display` show its length only.
#[derive(Clone, PartialEq, Eq)]
pub struct DecodedText {
    text: Box<str>,
    fidelity: Fidelity,
}

impl DecodedText {
    pub(super) fn new(text: String, fidelity: Fidelity) -> Self {
        Self {
            text: text.into_boxed_str(),
            fidelity,
        }
    }

    /// The full text.
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// Whether the text is all that was sent.
    pub const fn fidelity(&self) -> Fidelity {
        self.fidelity
    }

    /// This text and the one after it.
    pub fn followed_by(self, next: &Self) -> Self {
        Self {
            text: [&*self.text, &*next.text].concat().into_boxed_str(),
            fidelity: self.fidelity.and(next.fidelity),
        }
    }
}

impl fmt::Display for DecodedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({} characters)", self.text.chars().count())
    }
}

impl fmt::Debug for DecodedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.text.chars().count();
        write!(f, "DecodedText({count} characters, {:?})", self.fidelity)
    }
}

/// What the octets of a message are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decoded {
    /// A text.
    Text(DecodedText),
    /// Binary data, or an alphabet which is not supported (JIS, Cyrillic, Hebrew, KS C 5601 …): pass
    /// the octets on as they are.
    Octets,
}

/// Reads the octets of a message, its user data header already removed, by their `data_coding` (SMPP
/// 3.4 section 5.2.19).
pub fn decode_text(data_coding: u8, octets: &[u8]) -> Decoded {
    match data_coding {
        0 => Decoded::Text(gsm7::decode(octets)),
        1 => Decoded::Text(ascii(octets)),
        3 => Decoded::Text(latin1(octets)),
        8 => Decoded::Text(ucs2(octets)),
        // Message class group: bit 2 says 8-bit data, else the default alphabet.
        0xF0..=0xFF if data_coding & 0x04 == 0 => Decoded::Text(gsm7::decode(octets)),
        _ => Decoded::Octets,
    }
}

/// Reads ASCII; an octet past 0x7F is replaced.
pub fn ascii(octets: &[u8]) -> DecodedText {
    let text = octets.iter().map(|octet| match octet {
        0..=0x7F => char::from(*octet),
        _ => char::REPLACEMENT_CHARACTER,
    });
    let fidelity = if octets.is_ascii() {
        Fidelity::Exact
    } else {
        Fidelity::Lossy
    };
    DecodedText::new(text.collect(), fidelity)
}

/// Reads ISO 8859-1, in which every octet is a character.
pub fn latin1(octets: &[u8]) -> DecodedText {
    DecodedText::new(
        octets.iter().copied().map(char::from).collect(),
        Fidelity::Exact,
    )
}

/// Reads big-endian 16-bit units, with surrogate pairs. A lone surrogate and a last odd octet are
/// replaced.
pub fn ucs2(octets: &[u8]) -> DecodedText {
    let (pairs, odd) = octets.as_chunks::<2>();
    let mut fidelity = Fidelity::Exact;
    let units = pairs.iter().map(|pair| u16::from_be_bytes(*pair));
    let characters = char::decode_utf16(units).map(|unit| {
        unit.unwrap_or_else(|_| {
            fidelity = Fidelity::Lossy;
            char::REPLACEMENT_CHARACTER
        })
    });
    let mut text: String = characters.collect();
    if !odd.is_empty() {
        fidelity = Fidelity::Lossy;
        text.push(char::REPLACEMENT_CHARACTER);
    }
    DecodedText::new(text, fidelity)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::*;

    fn check(data_coding: u8, octets: &[u8], expected: Option<(&str, Fidelity)>) {
        let decoded = match decode_text(data_coding, octets) {
            Decoded::Text(text) => Some((text.reveal().to_owned(), text.fidelity())),
            Decoded::Octets => None,
        };
        let expected = expected.map(|(text, fidelity)| (text.to_owned(), fidelity));
        assert_eq!(decoded, expected, "{data_coding} {octets:02X?}");
    }

    #[test]
    fn each_data_coding_has_its_alphabet() {
        check(0, b"\x00\x1B\x65", Some(("@€", Fidelity::Exact)));
        check(1, b"@\x1Be", Some(("@\u{1B}e", Fidelity::Exact)));
        check(3, b"caf\xE9", Some(("café", Fidelity::Exact)));
        check(8, b"\x04\x1F\x04\x40", Some(("Пр", Fidelity::Exact)));
        check(8, b"\xD8\x3D\xDE\x00", Some(("😀", Fidelity::Exact)));
        check(0xF0, b"\x00", Some(("@", Fidelity::Exact)));
        check(0xF1, b"", Some(("", Fidelity::Exact)));
    }

    #[test]
    fn binary_and_unsupported_alphabets_stay_octets() {
        for data_coding in [2, 4, 5, 6, 7, 9, 10, 13, 14, 0x7F, 0xF4, 0xF6] {
            check(data_coding, b"abc", None);
        }
    }

    #[test]
    fn a_bad_octet_is_replaced_and_said_to_be_lossy() {
        check(1, b"a\x80", Some(("a\u{FFFD}", Fidelity::Lossy)));
        check(8, b"\x00a\x00", Some(("a\u{FFFD}", Fidelity::Lossy)));
        check(8, b"\xD8\x3D\x00a", Some(("\u{FFFD}a", Fidelity::Lossy)));
        check(8, b"\xDE\x00", Some(("\u{FFFD}", Fidelity::Lossy)));
    }

    #[test]
    fn a_text_from_a_handset_shows_its_length_only() {
        let text = latin1(b"secret");
        assert_eq!(format!("{text}"), "(6 characters)");
        assert_eq!(format!("{text:?}"), "DecodedText(6 characters, Exact)");
    }

    proptest! {
        #[test]
        fn big_endian_units_read_back_unchanged(text in any::<String>()) {
            let octets: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
            let decoded = ucs2(&octets);
            prop_assert_eq!((decoded.reveal(), decoded.fidelity()), (&*text, Fidelity::Exact));
        }

        #[test]
        fn any_octets_are_read(data_coding in any::<u8>(), octets in any::<Vec<u8>>()) {
            let _ = decode_text(data_coding, &octets);
        }
    }
}
