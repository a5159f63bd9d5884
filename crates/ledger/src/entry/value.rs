//! Values read from an entry, borrowing from its bytes where they can.

use std::borrow::Cow;

use super::canonical;

/// A JSON value of an entry: everything but fractions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer within ±(2^53 − 1).
    Integer(i64),
    /// A string.
    Text(Cow<'a, str>),
    /// A list.
    List(Vec<Value<'a>>),
    /// A map, in canonical order when it was read.
    Map(Vec<(Cow<'a, str>, Value<'a>)>),
}

impl<'a> Value<'a> {
    /// The value under a key of a map.
    pub fn get(&self, key: &str) -> Option<&Value<'a>> {
        match self {
            Self::Map(members) => members
                .iter()
                .find(|(name, _)| name == key)
                .map(|(_, value)| value),
            _ => None,
        }
    }

    /// The text of a string.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number of an integer.
    pub const fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            _ => None,
        }
    }

    /// Appends the value in canonical form (RFC 8785), maps sorted.
    pub fn render(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.extend_from_slice(b"null"),
            Self::Bool(true) => out.extend_from_slice(b"true"),
            Self::Bool(false) => out.extend_from_slice(b"false"),
            Self::Integer(number) => canonical::integer(out, *number),
            Self::Text(text) => canonical::text(out, text),
            Self::List(values) => render_list(values, out),
            Self::Map(members) => render_map(members, out),
        }
    }
}

fn render_list(values: &[Value<'_>], out: &mut Vec<u8>) {
    out.push(b'[');
    for (place, value) in values.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        value.render(out);
    }
    out.push(b']');
}

fn render_map(members: &[(Cow<'_, str>, Value<'_>)], out: &mut Vec<u8>) {
    let mut sorted: Vec<_> = members.iter().collect();
    sorted.sort_by(|(left, _), (right, _)| canonical::key_order(left, right));
    out.push(b'{');
    for (place, (key, value)) in sorted.into_iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        canonical::text(out, key);
        out.push(b':');
        value.render(out);
    }
    out.push(b'}');
}
