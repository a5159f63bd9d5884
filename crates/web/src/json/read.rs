//! Reads a document into a small tree: bounded in depth and in the number of its values, borrowing
//! its texts from the body.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// How deep a document may nest: body, list, message, risk, and what is in it.
const DEPTH_MAX: u8 = 5;

/// The largest whole number that may have a fraction of zeros: far within what every reader of JSON takes as the same.
const EXACT_MAX: f64 = 4_294_967_295.0;

/// A value as it was sent.
#[derive(PartialEq)]
pub(crate) enum Value<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Flag(bool),
    /// A whole number that is not negative.
    Whole(u64),
    /// Any other number.
    Number,
    /// A text.
    Text(Cow<'a, str>),
    /// A list.
    List(Vec<Value<'a>>),
    /// An object, its members in their order, repeated ones too.
    Object(Vec<(Cow<'a, str>, Value<'a>)>),
    /// Something nested too deep, which nobody looks at.
    Deep,
}

/// Why a body is no document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JsonError {
    /// It is not JSON (RFC 8259), at this place.
    Syntax {
        /// From 1.
        line: usize,
        /// From 1, in octets.
        column: usize,
    },
    /// It holds more values than any request of this route can.
    TooMany,
}

/// Reads a whole body. `values_max` bounds how many values it may hold.
pub(crate) fn read(body: &[u8], values_max: usize) -> Result<Value<'_>, JsonError> {
    let left = Cell::new(values_max);
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = Seed {
        depth: 0,
        left: &left,
    }
    .deserialize(&mut reader);
    match value.and_then(|value| reader.end().map(|()| value)) {
        Ok(value) => Ok(value),
        Err(_) if left.get() == 0 => Err(JsonError::TooMany),
        Err(error) => Err(JsonError::Syntax {
            line: error.line(),
            column: error.column(),
        }),
    }
}

/// Reads one value.
#[derive(Clone, Copy)]
struct Seed<'b> {
    depth: u8,
    left: &'b Cell<usize>,
}

impl Seed<'_> {
    fn deeper(self) -> Self {
        Self {
            depth: self.depth.saturating_add(1),
            ..self
        }
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value<'de>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value<'de>, D::Error> {
        let left = self
            .left
            .get()
            .checked_sub(1)
            .ok_or_else(|| D::Error::custom("too many"))?;
        self.left.set(left);
        if self.depth >= DEPTH_MAX {
            // Skipping does not recurse, so that depth costs no stack.
            reader.deserialize_ignored_any(IgnoredAny)?;
            return Ok(Value::Deep);
        }
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value<'de>, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value<'de>, E> {
        Ok(Value::Flag(flag))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value<'de>, E> {
        Ok(Value::Whole(number))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Value<'de>, E> {
        Ok(Value::Number)
    }

    /// `5.0` is a whole number too, as JSON Schema has it, up to [`EXACT_MAX`].
    fn visit_f64<E>(self, number: f64) -> Result<Value<'de>, E> {
        if number.fract() == 0.0 && (0.0..=EXACT_MAX).contains(&number) {
            // Written without a fraction it is digits and nothing else.
            return Ok(number
                .to_string()
                .parse()
                .map_or(Value::Number, Value::Whole));
        }
        Ok(Value::Number)
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Value<'de>, E> {
        Ok(Value::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value<'de>, E> {
        Ok(Value::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value<'de>, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self.deeper())? {
            list.push(item);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value<'de>, A::Error> {
        let mut object = Vec::with_capacity(8);
        while let Some(name) = members.next_key_seed(Name)? {
            object.push((name, members.next_value_seed(self.deeper())?));
        }
        Ok(Value::Object(object))
    }
}

/// Reads the name of a member without copying it.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Cow<'de, str>, D::Error> {
        reader.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(body: &str) -> Vec<(String, String)> {
        let Ok(Value::Object(members)) = read(body.as_bytes(), 100) else {
            return Vec::new();
        };
        let shown = |value: &Value<'_>| match value {
            Value::Null => "null".to_owned(),
            Value::Flag(_) => "flag".to_owned(),
            Value::Whole(number) => number.to_string(),
            Value::Number => "number".to_owned(),
            Value::Text(text) => text.to_string(),
            Value::List(items) => format!("{} items", items.len()),
            Value::Object(members) => format!("{} members", members.len()),
            Value::Deep => "deep".to_owned(),
        };
        members
            .iter()
            .map(|(name, value)| (name.to_string(), shown(value)))
            .collect()
    }

    #[test]
    fn every_kind_of_value_is_told_apart() {
        let body =
            r#"{"a":null,"b":true,"c":7,"d":-7,"e":7.5,"f":"x","g":[1,2],"h":{"i":1},"f":"y"}"#;
        let read: Vec<_> = object(body).into_iter().map(|(_, value)| value).collect();
        let kinds = [
            "null",
            "flag",
            "7",
            "number",
            "number",
            "x",
            "2 items",
            "1 members",
            "y",
        ];
        assert_eq!(read, kinds);
    }

    #[test]
    fn a_whole_number_may_be_written_with_a_point_or_an_exponent() {
        let body =
            r#"{"a":5.0,"b":6e2,"c":0.0,"d":4294967295.0,"e":4294967296.0,"f":-1.0,"g":5.1}"#;
        let read: Vec<_> = object(body).into_iter().map(|(_, value)| value).collect();
        let whole = ["5", "600", "0", "4294967295", "number", "number", "number"];
        assert_eq!(read, whole);
    }

    #[test]
    fn what_is_no_json_is_refused_with_its_place() {
        for body in [
            &b""[..],
            b"{",
            b"{}x",
            b"{'a':1}",
            b"{\"a\":1,}",
            b"\xef\xbb\xbf{}",
            b"{\"a\":1e400}",
            b"{\"a\":\"\xff\"}",
            br#"{"a":"\ud800"}"#,
            b"{\"a\":01}",
            b"{\"a\":NaN}",
            b"\x00",
            b"{\"a\":\"\n\"}",
        ] {
            assert!(
                matches!(read(body, 100), Err(JsonError::Syntax { .. })),
                "{body:?}"
            );
        }
        let place = JsonError::Syntax { line: 2, column: 5 };
        assert_eq!(read(b"{\"a\":\n  1 2}", 100).err(), Some(place));
    }

    #[test]
    fn depth_costs_neither_stack_nor_memory_and_width_is_bounded() {
        let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(30_000), "]".repeat(30_000));
        assert!(read(deep.as_bytes(), 100).is_ok());
        let open = "[".repeat(60_000);
        assert!(matches!(
            read(open.as_bytes(), 100),
            Err(JsonError::Syntax { .. })
        ));
        let wide = format!("[{}0]", "0,".repeat(200));
        assert_eq!(read(wide.as_bytes(), 100).err(), Some(JsonError::TooMany));
        assert!(read(wide.as_bytes(), 202).is_ok());
    }

    proptest::proptest! {
        #[test]
        fn no_body_makes_the_reader_panic(body in proptest::collection::vec(0_u8.., 0..200)) {
            let _ = read(&body, 50);
        }

        #[test]
        fn near_json_makes_the_reader_neither_panic_nor_lose_members(
            body in r#"[\[\]{}",:0-9a-c\\ .eE+-]{0,60}"#
        ) {
            let ours = read(body.as_bytes(), 1_000).is_ok();
            let theirs = serde_json::from_str::<serde_json::Value>(&body).is_ok();
            proptest::prop_assert_eq!(ours, theirs);
        }
    }
}
