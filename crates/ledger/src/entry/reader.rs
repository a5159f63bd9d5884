//! A JSON reader that takes nothing but the canonical form (RFC 8785) without fractions: no white
//! space, keys strictly ascending, one spelling of each string and number. So what it reads needs no
//! second rendering to be compared. It never panics, and nests no deeper than told.

use core::cmp::Ordering;
use std::borrow::Cow;

use super::canonical::{self, MAX_SAFE_INTEGER};
use super::value::Value;

/// Why bytes are no canonical JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReadError {
    /// Not UTF-8.
    Utf8,
    /// Something other than the canonical form at this byte.
    Form(usize),
    /// Maps and lists nest deeper than allowed.
    Depth,
}

/// Reads one value and nothing after it.
pub(super) fn read(bytes: &[u8], max_depth: u8) -> Result<Value<'_>, ReadError> {
    let text = core::str::from_utf8(bytes).map_err(|_| ReadError::Utf8)?;
    let mut reader = Reader { text, at: 0 };
    let value = reader.value(max_depth)?;
    if reader.at == bytes.len() {
        Ok(value)
    } else {
        Err(reader.wrong())
    }
}

/// Moves only forward; `at` is always on the boundary of a character.
struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn value(&mut self, depth: u8) -> Result<Value<'a>, ReadError> {
        match self.peek() {
            Some(b'"') => Ok(Value::Text(self.string()?)),
            Some(b'{') => Ok(Value::Map(self.map(deeper(depth)?)?)),
            Some(b'[') => Ok(Value::List(self.list(deeper(depth)?)?)),
            Some(b'n') => self.word("null", Value::Null),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            _ => Ok(Value::Integer(self.integer()?)),
        }
    }

    fn map(&mut self, depth: u8) -> Result<Vec<(Cow<'a, str>, Value<'a>)>, ReadError> {
        self.expect(b'{')?;
        let mut members: Vec<(Cow<'a, str>, Value<'a>)> = Vec::new();
        if self.skip(b'}') {
            return Ok(members);
        }
        members.reserve(4);
        loop {
            let start = self.at;
            let key = self.string()?;
            let ascends = members
                .last()
                .is_none_or(|(last, _)| canonical::key_order(last, &key) == Ordering::Less);
            if !ascends {
                return Err(ReadError::Form(start));
            }
            self.expect(b':')?;
            members.push((key, self.value(depth)?));
            if self.skip(b'}') {
                return Ok(members);
            }
            self.expect(b',')?;
        }
    }

    fn list(&mut self, depth: u8) -> Result<Vec<Value<'a>>, ReadError> {
        self.expect(b'[')?;
        let mut values = Vec::new();
        if self.skip(b']') {
            return Ok(values);
        }
        loop {
            values.push(self.value(depth)?);
            if self.skip(b']') {
                return Ok(values);
            }
            self.expect(b',')?;
        }
    }

    fn string(&mut self) -> Result<Cow<'a, str>, ReadError> {
        self.expect(b'"')?;
        let plain = self.plain_text();
        if self.skip(b'"') {
            return Ok(Cow::Borrowed(plain));
        }
        let mut text = plain.to_owned();
        while !self.skip(b'"') {
            text.push(self.escape()?);
            text.push_str(self.plain_text());
        }
        Ok(Cow::Owned(text))
    }

    /// What stands before the next octet that a string may not hold as it is.
    fn plain_text(&mut self) -> &'a str {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let special = rest.bytes().position(canonical::needs_escape);
        let length = special.unwrap_or(rest.len());
        self.at += length;
        rest.get(..length).unwrap_or_default()
    }

    fn escape(&mut self) -> Result<char, ReadError> {
        self.expect(b'\\')?;
        let letter = self.peek().ok_or(self.wrong())?;
        if letter == b'u' {
            return self.control();
        }
        let byte = match letter {
            b'b' => 0x08,
            b't' => b'\t',
            b'n' => b'\n',
            b'f' => 0x0c,
            b'r' => b'\r',
            b'"' | b'\\' => letter,
            _ => return Err(self.wrong()),
        };
        self.at += 1;
        Ok(char::from(byte))
    }

    /// `u00` and two lower-case digits of a control character that has no short escape.
    fn control(&mut self) -> Result<char, ReadError> {
        let wrong = self.wrong();
        let digits = self
            .text
            .get(self.at..)
            .and_then(|rest| rest.strip_prefix("u00"));
        let digits = digits.and_then(|rest| rest.get(..2)).ok_or(wrong)?;
        let lower = digits
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let byte = u8::from_str_radix(digits, 16).map_err(|_| wrong)?;
        if !lower || byte >= 0x20 || canonical::short_escape(byte).is_some() {
            return Err(wrong);
        }
        self.at += 5;
        Ok(char::from(byte))
    }

    fn integer(&mut self) -> Result<i64, ReadError> {
        let wrong = self.wrong();
        let negative = self.skip(b'-');
        let rest = self.text.get(self.at..).unwrap_or_default();
        let length = rest
            .bytes()
            .position(|byte| !byte.is_ascii_digit())
            .unwrap_or(rest.len());
        let digits = rest.get(..length).unwrap_or_default();
        let leading_zero = digits.len() > 1 && digits.starts_with('0');
        let size: u64 = digits.parse().map_err(|_| wrong)?;
        if leading_zero || size > MAX_SAFE_INTEGER || (negative && size == 0) {
            return Err(wrong);
        }
        self.at += length;
        let number = i64::try_from(size).map_err(|_| wrong)?;
        Ok(if negative { -number } else { number })
    }

    fn word(&mut self, word: &str, value: Value<'a>) -> Result<Value<'a>, ReadError> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        if !rest.starts_with(word) {
            return Err(self.wrong());
        }
        self.at += word.len();
        Ok(value)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn expect(&mut self, byte: u8) -> Result<(), ReadError> {
        if self.skip(byte) {
            Ok(())
        } else {
            Err(self.wrong())
        }
    }

    const fn wrong(&self) -> ReadError {
        ReadError::Form(self.at)
    }
}

fn deeper(depth: u8) -> Result<u8, ReadError> {
    depth.checked_sub(1).ok_or(ReadError::Depth)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    /// What a general JSON reader makes of the bytes, rendered canonically; `None` when it is no JSON
    /// or has fractions.
    fn by_serde(bytes: &[u8]) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        value_of(&serde_json::from_slice(bytes).ok()?)?.render(&mut out);
        Some(out)
    }

    fn value_of(json: &serde_json::Value) -> Option<Value<'static>> {
        Some(match json {
            serde_json::Value::Null => Value::Null,
            serde_json::Value::Bool(truth) => Value::Bool(*truth),
            serde_json::Value::Number(number) => Value::Integer(number.as_i64()?),
            serde_json::Value::String(text) => Value::Text(text.clone().into()),
            serde_json::Value::Array(values) => {
                Value::List(values.iter().map(value_of).collect::<Option<_>>()?)
            }
            serde_json::Value::Object(members) => {
                let member =
                    |(key, value): (&String, _)| Some((key.clone().into(), value_of(value)?));
                Value::Map(members.iter().map(member).collect::<Option<_>>()?)
            }
        })
    }

    fn rendered(value: &Value<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        value.render(&mut out);
        out
    }

    #[test]
    fn the_canonical_form_is_read_and_renders_as_it_was() {
        for text in [
            "null",
            "[true,false,null,0,-1,9007199254740991]",
            r#"{"a":{"b":[]},"c":"€\n\u000f\"\\/"}"#,
            "{\"\\r\":1,\"1\":2,\"\u{80}\":3,\"\u{1f600}\":4,\"\u{fb33}\":5}",
        ] {
            let value = read(text.as_bytes(), 8).unwrap();
            assert_eq!(String::from_utf8(rendered(&value)).unwrap(), text);
        }
    }

    #[test]
    fn any_other_spelling_is_refused() {
        for text in [
            "",
            " null",
            "null ",
            "nul",
            "[1,]",
            "[,1]",
            "[1 ,2]",
            "{\"a\": 1}",
            "{\"a\":1,}",
            "{a:1}",
            r#"{"b":1,"a":2}"#,
            r#"{"a":1,"a":1}"#,
            "{\"\u{fb33}\":5,\"\u{1f600}\":4}",
            "01",
            "-0",
            "-",
            "1.0",
            "1e3",
            "+1",
            "9007199254740992",
            "-9007199254740992",
            "99999999999999999999999",
            r#""\u000A""#,
            r#""\u000a""#,
            r#""\u0041""#,
            r#""\u001F""#,
            r#""\/""#,
            r#""\u00""#,
            r#""\ud83d\ude00""#,
            "\"\n\"",
            "\"",
            "\"\\",
            "\"\\\"",
            "[",
            "{",
            "}",
            "{\"a\"}",
            "[[]",
            "\u{feff}null",
            "\"\\u+0f0\"",
        ] {
            assert!(
                matches!(read(text.as_bytes(), 8), Err(ReadError::Form(_))),
                "{text}"
            );
        }
        assert_eq!(read(b"\"\xff\"", 8), Err(ReadError::Utf8));
    }

    #[test]
    fn nesting_has_a_bound_whatever_is_sent() {
        assert!(read(b"[[{}]]", 3).is_ok());
        assert_eq!(read(b"[[{}]]", 2), Err(ReadError::Depth));
        assert_eq!(read(&vec![b'['; 60_000], 8), Err(ReadError::Depth));
    }

    proptest! {
        #[test]
        fn reading_never_panics_and_agrees_with_a_general_reader(bytes in any::<Vec<u8>>()) {
            if let Ok(value) = read(&bytes, 8) {
                prop_assert_eq!(rendered(&value), bytes.clone());
                prop_assert_eq!(by_serde(&bytes), Some(bytes));
            }
        }

        #[test]
        fn text_near_json_is_read_exactly_when_it_is_its_own_canonical_form(
            text in r#"[\[{]("?[a-c\\nu0"€]{0,3}"?[:,\]}]|-?[0-9]{1,2}[,\]}]|null){0,6}[\]}]?"#
        ) {
            let canonical = by_serde(text.as_bytes()).is_some_and(|again| again == text.as_bytes());
            prop_assert_eq!(read(text.as_bytes(), 8).is_ok(), canonical, "{}", text);
        }

        #[test]
        fn any_string_survives(text in any::<String>()) {
            let bytes = rendered(&Value::Text(text.clone().into()));
            let value = read(&bytes, 8);
            prop_assert!(value == Ok(Value::Text(text.clone().into())));
            prop_assert_eq!(serde_json::from_slice::<String>(&bytes).ok(), Some(text));
        }
    }
}
