//! Writes JSON into one buffer. It puts the commas; the caller sees to it that the pieces make sense.

use std::fmt::{Display, Write};

/// A document on its way.
#[derive(Debug, Default)]
pub(crate) struct Json(String);

impl Json {
    /// Begins, with room for about so many octets.
    pub(crate) fn with_capacity(octets: usize) -> Self {
        Self(String::with_capacity(octets))
    }

    /// The finished text.
    pub(crate) fn finish(self) -> String {
        self.0
    }

    /// `{`.
    pub(crate) fn open(&mut self) -> &mut Self {
        self.comma();
        self.0.push('{');
        self
    }

    /// `}`.
    pub(crate) fn close(&mut self) -> &mut Self {
        self.0.push('}');
        self
    }

    /// `[`.
    pub(crate) fn open_list(&mut self) -> &mut Self {
        self.comma();
        self.0.push('[');
        self
    }

    /// `]`.
    pub(crate) fn close_list(&mut self) -> &mut Self {
        self.0.push(']');
        self
    }

    /// The name of the next value; one of ours, so that it needs no escapes.
    pub(crate) fn name(&mut self, name: &'static str) -> &mut Self {
        self.comma();
        self.0.push('"');
        self.0.push_str(name);
        self.0.push_str("\":");
        self
    }

    /// A text of anybody's.
    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        self.comma();
        self.0.push('"');
        let mut plain = 0;
        for (place, octet) in text.bytes().enumerate() {
            if octet >= 0x20 && octet != b'"' && octet != b'\\' {
                continue;
            }
            self.0.push_str(text.get(plain..place).unwrap_or_default());
            self.escape(octet);
            plain = place + 1;
        }
        self.0.push_str(text.get(plain..).unwrap_or_default());
        self.0.push('"');
        self
    }

    /// Something of ours whose words need no escapes: an id, a state, a time.
    pub(crate) fn word(&mut self, word: impl Display) -> &mut Self {
        self.comma();
        // A `String` takes everything.
        let _ = write!(self.0, "\"{word}\"");
        self
    }

    /// A number, or another value that stands without quotes.
    pub(crate) fn bare(&mut self, value: impl Display) -> &mut Self {
        self.comma();
        let _ = write!(self.0, "{value}");
        self
    }

    /// A text, or `null`.
    pub(crate) fn text_or_null(&mut self, text: Option<&str>) -> &mut Self {
        match text {
            Some(text) => self.text(text),
            None => self.bare("null"),
        }
    }

    /// A word, or `null`.
    pub(crate) fn word_or_null(&mut self, word: Option<impl Display>) -> &mut Self {
        match word {
            Some(word) => self.word(word),
            None => self.bare("null"),
        }
    }

    fn comma(&mut self) {
        if !matches!(self.0.as_bytes().last(), None | Some(b'{' | b'[' | b':')) {
            self.0.push(',');
        }
    }

    fn escape(&mut self, octet: u8) {
        match octet {
            b'"' => self.0.push_str("\\\""),
            b'\\' => self.0.push_str("\\\\"),
            b'\n' => self.0.push_str("\\n"),
            b'\r' => self.0.push_str("\\r"),
            b'\t' => self.0.push_str("\\t"),
            other => {
                let _ = write!(self.0, "\\u{other:04x}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_stand_between_values_and_nowhere_else() {
        let mut json = Json::default();
        json.open()
            .name("id")
            .word("msg_x")
            .name("list")
            .open_list();
        json.open()
            .close()
            .open()
            .name("n")
            .bare(1)
            .name("m")
            .bare(2)
            .close();
        json.close_list()
            .name("none")
            .text_or_null(None)
            .name("empty")
            .text("")
            .close();
        let expected = r#"{"id":"msg_x","list":[{},{"n":1,"m":2}],"none":null,"empty":""}"#;
        assert_eq!(json.finish(), expected);
    }

    proptest::proptest! {
        #[test]
        fn any_text_reads_back_as_itself(text in ".*", head in proptest::char::any()) {
            let text = format!("{head}{text}\u{0}\u{1f}\"\\");
            let mut json = Json::default();
            json.text(&text);
            let back: String = serde_json::from_str(&json.finish()).unwrap();
            proptest::prop_assert_eq!(back, text);
        }
    }
}
