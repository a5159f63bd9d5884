//! The text of a message, from what a client wrote to the octets a carrier is given, and back for what
//! a handset sent. Nothing here changes a text: no normalisation, no transliteration, no trimming.

pub mod decode;
pub mod gsm7;
pub mod segment;
pub mod udh;

use core::fmt;

use serde::{Deserialize, Serialize};

/// The most characters (Unicode scalar values) of a text. Even in the worst case, all pictures,
/// it fits 49 segments, far below the 255 that a user data header can count.
pub const MAX_CHARACTERS: usize = 1_600;

/// A text to be sent: 1 to [`MAX_CHARACTERS`] characters, no control character but LF and CR. `Debug`
/// and `Display` show its length only; [`MessageText::reveal`] is the one way to the text.
///
/// ```
/// let text = domain::text::MessageText::parse("Your code is 482913").unwrap();
/// assert_eq!(text.to_string(), "(19 characters)");
/// assert_eq!(text.reveal(), "Your code is 482913");
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct MessageText(Box<str>);

/// Why a text cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// No character at all.
    #[error("the text is empty")]
    Empty,
    /// More than [`MAX_CHARACTERS`] characters.
    #[error(
        "the text has more than {MAX_CHARACTERS} characters: shorten it, or send several messages"
    )]
    TooLong,
    /// A control character which no handset shows.
    #[error(
        "character {position} of the text is a control character: only line feed and carriage return may stand"
    )]
    Control {
        /// Which character, counted from 1.
        position: usize,
    },
}

impl MessageText {
    /// Takes a text as it is, or not at all.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        if text.is_empty() {
            return Err(TextError::Empty);
        }
        for (index, character) in text.chars().enumerate() {
            if index >= MAX_CHARACTERS {
                return Err(TextError::TooLong);
            }
            if character.is_control() && !matches!(character, '\n' | '\r') {
                return Err(TextError::Control {
                    position: index + 1,
                });
            }
        }
        Ok(Self(text.into()))
    }

    /// The full text: the one way out.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// How many characters (Unicode scalar values) it has: 1 to [`MAX_CHARACTERS`].
    pub fn characters(&self) -> usize {
        self.0.chars().count()
    }
}

impl fmt::Display for MessageText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({} characters)", self.characters())
    }
}

impl fmt::Debug for MessageText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageText({} characters)", self.characters())
    }
}

/// How a text is written in octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// The GSM 7-bit default alphabet with its extension table (3GPP TS 23.038), unpacked: one
    /// septet per octet, as SMPP carriers expect it.
    Gsm7,
    /// 16-bit units, big-endian. Characters past U+FFFF are surrogate pairs, as handsets read them.
    Ucs2,
}

impl Encoding {
    /// The name used in answers, entries and settings.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gsm7 => "gsm7",
            Self::Ucs2 => "ucs2",
        }
    }

    /// The `data_coding` of SMPP 3.4 (section 5.2.19): 0 the carrier's default alphabet, 8 UCS-2.
    pub const fn data_coding(self) -> u8 {
        match self {
            Self::Gsm7 => 0,
            Self::Ucs2 => 8,
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    use super::*;

    fn check(text: &str, expected: Result<usize, TextError>) {
        let read = MessageText::parse(text).map(|text| text.characters());
        assert_eq!(read, expected, "{text:?}");
    }

    #[test]
    fn a_text_has_1_to_1600_characters() {
        check("", Err(TextError::Empty));
        check(" ", Ok(1));
        check(&"x".repeat(1_600), Ok(1_600));
        check(&"\u{1F600}".repeat(1_600), Ok(1_600));
        check(&"x".repeat(1_601), Err(TextError::TooLong));
    }

    #[test]
    fn only_line_ends_are_allowed_among_the_control_characters() {
        check("a\nb\r\nc", Ok(6));
        check("a\0", Err(TextError::Control { position: 2 }));
        check("\ta", Err(TextError::Control { position: 1 }));
        check("ab\u{1B}", Err(TextError::Control { position: 3 }));
        check("\u{7F}", Err(TextError::Control { position: 1 }));
        check("\u{85}", Err(TextError::Control { position: 1 }));
    }

    #[test]
    fn a_text_shows_its_length_only() {
        let text = MessageText::parse("Your code is 482913").unwrap();
        assert_eq!(
            format!("{text} {text:?}"),
            "(19 characters) MessageText(19 characters)"
        );
    }

    #[test]
    fn an_encoding_is_stored_under_the_name_it_shows() {
        for encoding in [Encoding::Gsm7, Encoding::Ucs2] {
            let json = serde_json::to_string(&encoding).unwrap();
            assert_eq!(json, format!("\"{encoding}\""));
            assert_eq!(serde_json::from_str::<Encoding>(&json).unwrap(), encoding);
        }
    }

    proptest! {
        #[test]
        fn a_text_is_taken_unchanged_and_never_shown(text in any::<String>()) {
            if let Ok(taken) = MessageText::parse(&text) {
                prop_assert_eq!(taken.reveal(), &text);
                let shown = format!("{taken}{taken:?}");
                prop_assert!(shown.len() < 60);
            }
        }
    }
}
