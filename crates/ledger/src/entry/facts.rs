//! Facts: the public data of an entry, as a map that is canonical at every moment. Values go in
//! typed and are rendered at once, so that a draft only copies bytes. Nothing personal belongs here.

use core::fmt;

use super::{EntryError, canonical, is_field_name, time};
use crate::{hex, leaf::Hash};

/// A map of public facts under construction. Keys may come in any order; those that come sorted
/// cost least. A wrong key or a repeated one is remembered and told by [`DraftBuilder::build`].
///
/// ```
/// use ledger::Facts;
/// let facts = Facts::new().put("segments", 2_u32).put("class", "otp");
/// assert_eq!(facts.to_string(), r#"{"class":"otp","segments":2}"#);
/// ```
///
/// [`DraftBuilder::build`]: crate::DraftBuilder::build
#[derive(Clone, Default)]
pub struct Facts {
    /// The members, sorted, each as `,"key":value`.
    members: Vec<u8>,
    /// Where each member begins.
    starts: Vec<usize>,
    /// How many levels of maps and lists the values have below this map.
    levels_below: u8,
    /// Set while a value is rendered; how deep inside that value we are.
    levels_open: u8,
    fault: Option<EntryError>,
}

/// Room for a usual map, so that it is allocated once.
const USUAL_BYTES: usize = 224;
const USUAL_MEMBERS: usize = 10;

impl Facts {
    /// An empty map.
    pub const fn new() -> Self {
        Self {
            members: Vec::new(),
            starts: Vec::new(),
            levels_below: 0,
            levels_open: 0,
            fault: None,
        }
    }

    /// Adds one fact. The key is a field name: 1 to 64 of `a-z`, `0-9` and `_`, a letter first.
    pub fn put(mut self, key: &str, value: impl Datum) -> Self {
        self.insert(key, &value);
        self
    }

    /// Adds one fact if there is one.
    pub fn put_some(self, key: &str, value: Option<impl Datum>) -> Self {
        match value {
            Some(value) => self.put(key, value),
            None => self,
        }
    }

    /// Whether there is no fact in it.
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// The first thing that was wrong.
    pub(super) const fn fault(&self) -> Option<EntryError> {
        self.fault
    }

    /// How many levels of maps and lists it has, itself counted.
    pub(super) const fn levels(&self) -> u8 {
        self.levels_below.saturating_add(1)
    }

    /// How long it is when rendered.
    pub(super) fn rendered_bytes(&self) -> usize {
        self.members.len() + 2
    }

    /// Appends the map.
    pub(super) fn render(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        out.extend_from_slice(self.members.get(1..).unwrap_or_default());
        out.push(b'}');
    }

    pub(super) fn insert(&mut self, key: &str, value: &impl Datum) {
        if !is_field_name(key) {
            return self.blame(EntryError::FieldName);
        }
        if self.members.capacity() == 0 {
            self.members.reserve(USUAL_BYTES);
            self.starts.reserve(USUAL_MEMBERS);
        }
        let start = self.members.len();
        self.members.extend_from_slice(b",\"");
        self.members.extend_from_slice(key.as_bytes());
        self.members.extend_from_slice(b"\":");
        value.write(self);
        self.settle(start, key);
    }

    /// Moves the member that was just appended to its place in the order.
    fn settle(&mut self, start: usize, key: &str) {
        let place = self
            .starts
            .partition_point(|other| self.key_at(*other) < key.as_bytes());
        let Some(at) = self.starts.get(place).copied() else {
            return self.starts.push(start);
        };
        if self.key_at(at) == key.as_bytes() {
            self.blame(EntryError::Repeated);
        }
        let length = self.members.len() - start;
        if let Some(tail) = self.members.get_mut(at..) {
            tail.rotate_right(length);
        }
        self.starts.insert(place, at);
        for later in self.starts.iter_mut().skip(place + 1) {
            *later += length;
        }
    }

    /// The key of the member that begins there; field names hold no quote.
    fn key_at(&self, start: usize) -> &[u8] {
        let text = self.members.get(start + 2..).unwrap_or_default();
        let end = text.iter().position(|byte| *byte == b'"').unwrap_or(0);
        text.get(..end).unwrap_or_default()
    }

    fn blame(&mut self, fault: EntryError) {
        self.fault = self.fault.or(Some(fault));
    }

    fn enter(&mut self) {
        self.levels_open = self.levels_open.saturating_add(1);
        self.levels_below = self.levels_below.max(self.levels_open);
    }

    const fn leave(&mut self) {
        self.levels_open = self.levels_open.saturating_sub(1);
    }
}

impl fmt::Display for Facts {
    /// The canonical JSON of the map.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = Vec::with_capacity(self.rendered_bytes());
        self.render(&mut out);
        f.write_str(&String::from_utf8_lossy(&out))
    }
}

impl fmt::Debug for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A value that a fact may have: a string, an integer, a boolean, null (`None`), a list of these, a
/// map ([`Facts`]). Integers beyond ±(2^53 − 1) become strings. There are no fractions.
pub trait Datum {
    /// Renders the value at the end of the map under construction.
    #[doc(hidden)]
    fn write(&self, into: &mut Facts);
}

/// Anything that shows itself, as a string; ids, for example.
#[derive(Clone, Copy)]
pub struct Shown<'a>(pub &'a dyn fmt::Display);

/// A moment, in microseconds of UTC since 1970, as a string of the same form as the entry's time.
#[derive(Clone, Copy, Debug)]
pub struct UtcMicros(pub u64);

/// 32 octets as hex; for what already is a hash or a commitment.
pub(super) struct Hex<'a>(pub(super) &'a [u8; 32]);

impl Datum for str {
    fn write(&self, into: &mut Facts) {
        canonical::text(&mut into.members, self);
    }
}

impl Datum for String {
    fn write(&self, into: &mut Facts) {
        self.as_str().write(into);
    }
}

impl Datum for Shown<'_> {
    fn write(&self, into: &mut Facts) {
        canonical::shown(&mut into.members, self.0);
    }
}

impl Datum for UtcMicros {
    fn write(&self, into: &mut Facts) {
        into.members.push(b'"');
        time::write(&mut into.members, self.0);
        into.members.push(b'"');
    }
}

impl Datum for Hex<'_> {
    fn write(&self, into: &mut Facts) {
        into.members.push(b'"');
        into.members.extend_from_slice(&hex::encode(self.0));
        into.members.push(b'"');
    }
}

impl Datum for Hash {
    fn write(&self, into: &mut Facts) {
        Hex(self.as_bytes()).write(into);
    }
}

impl Datum for bool {
    fn write(&self, into: &mut Facts) {
        into.members
            .extend_from_slice(if *self { b"true" } else { b"false" });
    }
}

impl Datum for i64 {
    fn write(&self, into: &mut Facts) {
        canonical::integer(&mut into.members, *self);
    }
}

impl Datum for u64 {
    fn write(&self, into: &mut Facts) {
        canonical::count(&mut into.members, *self);
    }
}

impl Datum for usize {
    fn write(&self, into: &mut Facts) {
        u64::try_from(*self).unwrap_or(u64::MAX).write(into);
    }
}

macro_rules! widened {
    ($($narrow:ty => $wide:ty),*) => {$(
        impl Datum for $narrow {
            fn write(&self, into: &mut Facts) {
                <$wide>::from(*self).write(into);
            }
        }
    )*};
}
widened!(u8 => u64, u16 => u64, u32 => u64, i8 => i64, i16 => i64, i32 => i64);

impl<T: Datum> Datum for Option<T> {
    fn write(&self, into: &mut Facts) {
        match self {
            Some(value) => value.write(into),
            None => into.members.extend_from_slice(b"null"),
        }
    }
}

impl<T: Datum> Datum for [T] {
    fn write(&self, into: &mut Facts) {
        into.enter();
        into.members.push(b'[');
        for (place, value) in self.iter().enumerate() {
            if place > 0 {
                into.members.push(b',');
            }
            value.write(into);
        }
        into.members.push(b']');
        into.leave();
    }
}

impl<T: Datum> Datum for Vec<T> {
    fn write(&self, into: &mut Facts) {
        self.as_slice().write(into);
    }
}

impl<T: Datum, const N: usize> Datum for [T; N] {
    fn write(&self, into: &mut Facts) {
        self.as_slice().write(into);
    }
}

impl Datum for Facts {
    fn write(&self, into: &mut Facts) {
        let deepest = into.levels_open.saturating_add(self.levels());
        into.levels_below = into.levels_below.max(deepest);
        if let Some(fault) = self.fault {
            into.blame(fault);
        }
        self.render(&mut into.members);
    }
}

impl<T: Datum + ?Sized> Datum for &T {
    fn write(&self, into: &mut Facts) {
        (**self).write(into);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_come_out_sorted_in_whatever_order_they_went_in() {
        let expected = r#"{"a":"x","ab":1,"b":[true,null],"node":-5,"node_seq":{"k":"v"}}"#;
        let keys = ["a", "ab", "b", "node", "node_seq"];
        let put = |facts: Facts, key: &str| match key {
            "a" => facts.put("a", "x"),
            "ab" => facts.put("ab", 1_u8),
            "b" => facts.put("b", [Some(true), None]),
            "node" => facts.put("node", -5_i32),
            _ => facts.put("node_seq", Facts::new().put("k", "v")),
        };
        for turn in 0..keys.len() {
            let forth = (0..5)
                .map(|place| keys[(place + turn) % 5])
                .fold(Facts::new(), put);
            let back = (0..5)
                .rev()
                .map(|place| keys[(place + turn) % 5])
                .fold(Facts::new(), put);
            assert_eq!(
                (forth.to_string(), back.to_string()),
                (expected.into(), expected.into())
            );
        }
        assert_eq!(Facts::new().to_string(), "{}");
    }

    #[test]
    fn every_sort_of_value_has_its_form() {
        let facts = Facts::new()
            .put("big", u64::MAX)
            .put("hash", Hash::from_bytes([0xab; 32]))
            .put("list", vec!["a".to_owned()])
            .put("shown", Shown(&format_args!("{}\n", 7)))
            .put("size", 3_usize)
            .put("time", UtcMicros(1))
            .put_some("none", None::<&str>);
        let hash = "ab".repeat(32);
        let expected = format!(
            r#"{{"big":"18446744073709551615","hash":"{hash}","list":["a"],"shown":"7\n","#
        ) + r#""size":3,"time":"1970-01-01T00:00:00.000001Z"}"#;
        assert_eq!(facts.to_string(), expected);
    }

    #[test]
    fn wrong_and_repeated_keys_are_remembered_even_from_within() {
        for key in ["", "A", "1a", "_a", "a-b", "a\"", "é", &"a".repeat(65)] {
            let facts = Facts::new().put("list", [Facts::new().put(key, 1_u8)]);
            assert_eq!(facts.fault(), Some(EntryError::FieldName), "{key}");
        }
        let twice = Facts::new().put("a", 1_u8).put("b", 1_u8).put("a", 2_u8);
        assert_eq!(twice.fault(), Some(EntryError::Repeated));
    }

    #[test]
    fn levels_count_the_deepest_chain_of_maps_and_lists() {
        let flat = Facts::new().put("a", 1_u8);
        assert_eq!(flat.levels(), 1);
        let nested = Facts::new().put("a", [[flat.clone()]]).put("b", [1_u8]);
        assert_eq!(nested.levels(), 4);
        assert_eq!(Facts::new().put("x", nested).put("y", 1_u8).levels(), 5);
    }
}
