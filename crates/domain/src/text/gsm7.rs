//! The GSM 7-bit default alphabet and its extension table (3GPP TS 23.038 section 6.2.1), unpacked: one
//! septet per octet. No national shift tables, and no packing into seven bits: SMPP carriers pack.

use super::decode::{DecodedText, Fidelity};

/// The septet that leads into the extension table. It is no character of its own.
pub const ESCAPE: u8 = 0x1B;

/// The default alphabet by septet. `ESCAPE` stands for itself and is never looked up.
const ALPHABET: [char; 128] = [
    '@', '£', '$', '¥', 'è', 'é', 'ù', 'ì', 'ò', 'Ç', '\n', 'Ø', 'ø', '\r', 'Å', 'å', //
    'Δ', '_', 'Φ', 'Γ', 'Λ', 'Ω', 'Π', 'Ψ', 'Σ', 'Θ', 'Ξ', '\u{1B}', 'Æ', 'æ', 'ß', 'É', //
    ' ', '!', '"', '#', '¤', '%', '&', '\'', '(', ')', '*', '+', ',', '-', '.', '/', //
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', '<', '=', '>', '?', //
    '¡', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O', //
    'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', 'Ä', 'Ö', 'Ñ', 'Ü', '§', //
    '¿', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', //
    'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 'ä', 'ö', 'ñ', 'ü', 'à',
];

/// The extension table: the septet after `ESCAPE`, and its character.
const EXTENSION: [(u8, char); 10] = [
    (0x0A, '\u{C}'),
    (0x14, '^'),
    (0x28, '{'),
    (0x29, '}'),
    (0x2F, '\\'),
    (0x3C, '['),
    (0x3D, '~'),
    (0x3E, ']'),
    (0x40, '|'),
    (0x65, '€'),
];

/// Set in a code when the septet stands in the extension table.
const EXTENDED: u8 = 0x80;
/// The code of a character that the alphabet lacks. No extended septet is 0x7F.
const ABSENT: u8 = 0xFF;

/// The codes of U+0000 to U+00FF, so that the common case is one look-up.
const LATIN: [u8; 256] = latin_codes();

#[expect(
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "runs in the compiler only, where a wrong index stops the build; widening casts lose nothing"
)]
const fn latin_codes() -> [u8; 256] {
    let mut codes = [ABSENT; 256];
    let mut septet = 0_u8;
    while septet < 128 {
        let character = ALPHABET[septet as usize] as usize;
        if character < codes.len() && septet != ESCAPE {
            codes[character] = septet;
        }
        septet += 1;
    }
    let mut row = 0;
    while row < EXTENSION.len() {
        let (extended, character) = EXTENSION[row];
        if (character as usize) < codes.len() {
            codes[character as usize] = EXTENDED | extended;
        }
        row += 1;
    }
    codes
}

/// The code of any character.
fn code(character: char) -> u8 {
    if let Ok(latin) = u8::try_from(character) {
        return LATIN.get(usize::from(latin)).copied().unwrap_or(ABSENT);
    }
    match character {
        'Δ' => 0x10,
        'Φ' => 0x12,
        'Γ' => 0x13,
        'Λ' => 0x14,
        'Ω' => 0x15,
        'Π' => 0x16,
        'Ψ' => 0x17,
        'Σ' => 0x18,
        'Θ' => 0x19,
        'Ξ' => 0x1A,
        '€' => EXTENDED | 0x65,
        _ => ABSENT,
    }
}

/// How many septets a character costs: 1, or 2 in the extension table; `None` if the alphabet lacks it.
pub fn septets(character: char) -> Option<usize> {
    match code(character) {
        ABSENT => None,
        code if code & EXTENDED != 0 => Some(2),
        _ => Some(1),
    }
}

/// Writes a text as septets, one per octet; `None` at the first character that the alphabet lacks.
pub fn encode(text: &str) -> Option<Vec<u8>> {
    let mut octets = Vec::with_capacity(text.len());
    for character in text.chars() {
        let code = code(character);
        if code & EXTENDED == 0 {
            octets.push(code);
        } else if code == ABSENT {
            return None;
        } else {
            octets.extend([ESCAPE, code & !EXTENDED]);
        }
    }
    Some(octets)
}

/// Reads septets, one per octet. As the specification asks of a receiver, an extension septet that is
/// not in the table is read in the default alphabet; that, a lone escape and an octet past 0x7F
/// make the reading lossy.
pub fn decode(octets: &[u8]) -> DecodedText {
    let mut text = String::with_capacity(octets.len());
    let mut fidelity = Fidelity::Exact;
    let mut rest = octets.iter().copied();
    while let Some(octet) = rest.next() {
        let (character, read) = match octet {
            ESCAPE => extended_character(rest.next()),
            septet => base_character(septet),
        };
        text.push(character);
        fidelity = fidelity.and(read);
    }
    DecodedText::new(text, fidelity)
}

/// The character of a septet of the default alphabet.
fn base_character(septet: u8) -> (char, Fidelity) {
    match ALPHABET.get(usize::from(septet)) {
        Some(character) if septet != ESCAPE => (*character, Fidelity::Exact),
        _ => (char::REPLACEMENT_CHARACTER, Fidelity::Lossy),
    }
}

/// The character of the septet after an escape.
fn extended_character(septet: Option<u8>) -> (char, Fidelity) {
    let Some(septet) = septet else {
        return (char::REPLACEMENT_CHARACTER, Fidelity::Lossy);
    };
    match EXTENSION.iter().find(|(known, _)| *known == septet) {
        Some((_, character)) => (*character, Fidelity::Exact),
        None => (base_character(septet).0, Fidelity::Lossy),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::*;

    fn check(text: &str, expected: Option<&[u8]>) {
        assert_eq!(encode(text).as_deref(), expected, "{text:?}");
        if let Some(octets) = expected {
            let decoded = decode(octets);
            assert_eq!(
                (decoded.reveal(), decoded.fidelity()),
                (text, Fidelity::Exact)
            );
        }
    }

    fn check_lossy(octets: &[u8], expected: &str) {
        let decoded = decode(octets);
        assert_eq!(
            (decoded.reveal(), decoded.fidelity()),
            (expected, Fidelity::Lossy)
        );
    }

    #[test]
    fn the_alphabet_is_that_of_the_specification() {
        check("", Some(&[]));
        check(
            "@£$¥èéùìòÇ\nØø\rÅå",
            Some(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]),
        );
        check(
            "Δ_ΦΓΛΩΠΨΣΘΞ",
            Some(&[16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26]),
        );
        check("ÆæßÉ ", Some(&[28, 29, 30, 31, 32]));
        check(
            "¤¡ÄÖÑÜ§¿äöñüà",
            Some(&[36, 64, 91, 92, 93, 94, 95, 96, 123, 124, 125, 126, 127]),
        );
        check("Your code is 482913", Some(b"Your code is 482913"));
    }

    #[test]
    fn the_extension_table_costs_two_septets() {
        check(
            "\u{C}^{}",
            Some(&[0x1B, 0x0A, 0x1B, 0x14, 0x1B, 0x28, 0x1B, 0x29]),
        );
        check(
            "\\[~]|€",
            Some(b"\x1B\x2F\x1B\x3C\x1B\x3D\x1B\x3E\x1B\x40\x1B\x65"),
        );
        assert_eq!(septets('€'), Some(2));
        assert_eq!(septets('e'), Some(1));
        assert_eq!(septets('ç'), None);
    }

    #[test]
    fn what_the_alphabet_lacks_is_not_encoded() {
        for text in [
            "`",
            "\u{1B}",
            "\t",
            "\0",
            "ç",
            "á",
            "α",
            "Ω\u{2126}",
            "“",
            "😀",
            "\u{A0}",
            "\u{FF}",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn every_septet_reads_back_to_itself() {
        for septet in (0..128_u8).filter(|septet| *septet != ESCAPE) {
            let decoded = decode(&[septet]);
            assert_eq!(encode(decoded.reveal()), Some(vec![septet]));
        }
        for (septet, _) in EXTENSION {
            let decoded = decode(&[ESCAPE, septet]);
            assert_eq!(encode(decoded.reveal()), Some(vec![ESCAPE, septet]));
        }
    }

    #[test]
    fn an_unknown_escape_is_read_in_the_default_alphabet_and_said_to_be_lossy() {
        check_lossy(&[0x41, 0x1B, 0x41], "AA");
        check_lossy(&[0x41, 0x1B], "A\u{FFFD}");
        check_lossy(&[0x1B, 0x1B], "\u{FFFD}");
        check_lossy(&[0x80, 0x42], "\u{FFFD}B");
        check_lossy(&[0x1B, 0xE5], "\u{FFFD}");
    }

    proptest! {
        #[test]
        fn an_encoded_text_reads_back_unchanged(text in "[ -~£¥èéùìòÇØøÅåΔΦΓΛΩΠΨΣΘΞÆæßÉ€\n\r]{0,200}") {
            if let Some(octets) = encode(&text) {
                let decoded = decode(&octets);
                prop_assert_eq!(decoded.reveal(), &text);
                prop_assert_eq!(decoded.fidelity(), Fidelity::Exact);
                let cost: Option<usize> = text.chars().map(septets).sum();
                prop_assert_eq!(cost, Some(octets.len()));
            }
        }

        #[test]
        fn an_exact_reading_encodes_to_the_same_octets(octets in any::<Vec<u8>>()) {
            let decoded = decode(&octets);
            if decoded.fidelity() == Fidelity::Exact {
                prop_assert_eq!(encode(decoded.reveal()), Some(octets));
            }
        }
    }
}
