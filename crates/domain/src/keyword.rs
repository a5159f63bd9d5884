//! The words by which a handset opts out, asks for help and opts in again (`STOP`, `HELP`, `START` and
//! their kin). Only a message that is nothing but the keyword counts here. A wish inside a sentence
//! ("please stop texting me") must be honoured too, but it needs judgement: it is left to a review
//! queue and is not guessed at here. `YES` is no keyword: a bare yes may answer another question, and
//! taking it as an opt-in would forge consent.

use core::fmt;

use serde::{Deserialize, Serialize};

/// What a keyword asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Keyword {
    /// Send nothing more from this short code.
    Stop,
    /// Say who sends these messages and how to stop them.
    Help,
    /// Send again after an opt-out.
    Start,
}

/// The words, without their spaces and hyphens: CTIA and 47 CFR 64.1200(a)(10).
const WORDS: [(&[u8], Keyword); 12] = [
    (b"STOP", Keyword::Stop),
    (b"STOPALL", Keyword::Stop),
    (b"UNSUBSCRIBE", Keyword::Stop),
    (b"CANCEL", Keyword::Stop),
    (b"END", Keyword::Stop),
    (b"QUIT", Keyword::Stop),
    (b"REVOKE", Keyword::Stop),
    (b"OPTOUT", Keyword::Stop),
    (b"HELP", Keyword::Help),
    (b"INFO", Keyword::Help),
    (b"START", Keyword::Start),
    (b"UNSTOP", Keyword::Start),
];

/// The letters of `UNSUBSCRIBE`, the longest word.
const LONGEST_WORD: usize = 11;

impl Keyword {
    /// The name used in entries and answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Help => "help",
            Self::Start => "start",
        }
    }
}

impl fmt::Display for Keyword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The keyword that the whole message is, if it is one.
///
/// Letter case, full-width forms, white space, zero-width characters, punctuation and pictures do not
/// count, wherever they stand: `"Stop!"`, `STOP ALL`, `opt-out` and `ＳＴＯＰ` are keywords. Any other
/// letter or digit makes it an ordinary message. An opt-in has to be clear, so `START?` is a question
/// and no keyword, while `STOP?` stops.
pub fn classify(text: &str) -> Option<Keyword> {
    let mut letters = [0_u8; LONGEST_WORD];
    let mut length = 0_usize;
    let mut asks = false;
    for character in text.chars().map(narrow) {
        asks |= character == '?';
        if !character.is_alphanumeric() {
            continue;
        }
        let letter = u8::try_from(character).ok()?.to_ascii_uppercase();
        *letters.get_mut(length)? = letter;
        length = length.saturating_add(1);
    }
    let (_, keyword) = WORDS
        .into_iter()
        .find(|(word, _)| Some(*word) == letters.get(..length))?;
    (!asks || keyword != Keyword::Start).then_some(keyword)
}

/// The ASCII form of a full-width character (U+FF01 to U+FF5E); any other character as it is.
fn narrow(character: char) -> char {
    match u32::from(character) {
        wide @ 0xFF01..=0xFF5E => char::from_u32(wide - 0xFEE0).unwrap_or(character),
        _ => character,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::*;

    fn check(text: &str, expected: Option<Keyword>) {
        assert_eq!(classify(text), expected, "{text:?}");
    }

    #[test]
    fn every_word_of_the_programme_rules_is_a_keyword() {
        for word in [
            "STOP",
            "STOPALL",
            "STOP ALL",
            "UNSUBSCRIBE",
            "CANCEL",
            "END",
            "QUIT",
            "REVOKE",
        ] {
            check(word, Some(Keyword::Stop));
        }
        for word in ["OPT OUT", "OPTOUT", "OPT-OUT"] {
            check(word, Some(Keyword::Stop));
        }
        for word in ["HELP", "INFO"] {
            check(word, Some(Keyword::Help));
        }
        for word in ["START", "UNSTOP"] {
            check(word, Some(Keyword::Start));
        }
    }

    #[test]
    fn case_punctuation_and_white_space_do_not_hide_a_keyword() {
        check("stop", Some(Keyword::Stop));
        check(" Stop.\r\n", Some(Keyword::Stop));
        check("\"STOP\"!!", Some(Keyword::Stop));
        check("«Stop»", Some(Keyword::Stop));
        check("STOP?", Some(Keyword::Stop));
        check("Opt\u{2011}Out", Some(Keyword::Stop));
        check("¿Help?", Some(Keyword::Help));
        check("STOP \u{1F6D1}", Some(Keyword::Stop));
    }

    #[test]
    fn full_width_zero_width_and_no_break_characters_do_not_hide_a_keyword() {
        check("ＳＴＯＰ", Some(Keyword::Stop));
        check("ｓｔｏｐ！", Some(Keyword::Stop));
        check("S\u{200B}T\u{200D}O\u{FEFF}P", Some(Keyword::Stop));
        check("STOP\u{A0}ALL", Some(Keyword::Stop));
        check("\u{202E}HELP\u{3000}", Some(Keyword::Help));
    }

    #[test]
    fn a_sentence_is_left_to_review() {
        check("please stop texting me", None);
        check("Stop it!", None);
        check("I cannot get my device to stop, can you help?", None);
        check("the end", None);
        check("STOP2", None);
        check("STOPPED", None);
        check("СТОП", None);
        check("", None);
        check(" \u{200B}", None);
    }

    #[test]
    fn an_unclear_yes_is_no_opt_in() {
        check("YES", None);
        check("START?", None);
        check("ＵＮＳＴＯＰ？", None);
        check("Start!", Some(Keyword::Start));
    }

    #[test]
    fn the_stored_name_is_the_shown_name() {
        for keyword in [Keyword::Stop, Keyword::Help, Keyword::Start] {
            let json = serde_json::to_string(&keyword).unwrap();
            assert_eq!(json, format!("\"{keyword}\""));
        }
    }

    proptest! {
        #[test]
        fn a_further_letter_or_digit_makes_it_an_ordinary_message(
            word in 0_usize..WORDS.len(), more in "[a-z0-9]{1,3}",
        ) {
            let (letters, _) = WORDS[word];
            let text = format!("{} {more}", core::str::from_utf8(letters).unwrap());
            let known = text.to_uppercase().replace(' ', "");
            let expected = WORDS.iter().find(|(w, _)| *w == known.as_bytes()).map(|(_, k)| *k);
            prop_assert_eq!(classify(&text), expected);
        }

        #[test]
        fn any_text_is_classified_without_a_panic(text in any::<String>()) {
            let _ = classify(&text);
        }
    }
}
