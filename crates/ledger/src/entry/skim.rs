//! A quick look at an entry, for verifying and searching millions of them: it checks the whole form as strictly as
//! [`Entry::parse`] but builds nothing. Whatever is unusual in it (escapes, letters beyond ASCII, the
//! longest numbers) goes to the full reader, whose word is final in every case.

use std::borrow::Cow;

use super::actor::{ActorType, ObjectType, OriginType};
use super::kind::Kind;
use super::outcome::Outcome;
use super::parse::{Entry, ParseError};
use super::stamp::is_node_name;
use super::{MAX_DEPTH, MAX_ENTRY_BYTES, SCHEMA_VERSION, is_field_name, time};

/// What a verifier must know of every entry, and what entries are searched by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skimmed<'a> {
    /// The client on whose behalf or to whose traffic it happened.
    pub client: Option<Cow<'a, str>>,
    /// What ties entries of one request together.
    pub correlation: Option<Cow<'a, str>>,
    /// What happened.
    pub kind: Kind,
    /// The id of what it happened to.
    pub object: Option<Cow<'a, str>>,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it ended so.
    pub reason: Option<Cow<'a, str>>,
    /// The node that wrote it.
    pub node: Cow<'a, str>,
    /// Which opening of the ledger by its node.
    pub epoch: u64,
    /// Its number on that node.
    pub node_seq: u64,
    /// When, in microseconds of UTC since 1970.
    pub time_micros: u64,
}

/// Looks at an entry. It errs exactly when [`Entry::parse`] does.
pub fn skim(bytes: &[u8]) -> Result<Skimmed<'_>, ParseError> {
    if bytes.len() <= MAX_ENTRY_BYTES
        && let Some(skimmed) = Skimmer(bytes).entry()
    {
        return Ok(skimmed);
    }
    Entry::parse(bytes).map(Skimmed::from)
}

impl<'a> From<Entry<'a>> for Skimmed<'a> {
    fn from(entry: Entry<'a>) -> Self {
        Self {
            client: entry.client,
            correlation: entry.correlation,
            kind: entry.kind,
            object: entry.object.map(|object| object.id),
            outcome: entry.outcome,
            reason: entry.reason,
            node: entry.node,
            epoch: entry.epoch,
            node_seq: entry.node_seq,
            time_micros: entry.time_micros,
        }
    }
}

/// Integers of more digits are left to the full reader.
const PLAIN_DIGITS: usize = 15;

/// What is left to read. Each step takes its part from the front, or gives up with `None`.
struct Skimmer<'a>(&'a [u8]);

impl<'a> Skimmer<'a> {
    fn entry(&mut self) -> Option<Skimmed<'a>> {
        self.literal(b"{\"actor\":")?;
        self.referent(ActorType::from_name)?;
        let client = self.optional(b",\"client\":\"", |it| it.string().map(Some))?;
        let correlation = self.optional(b",\"correlation\":\"", |it| it.string().map(Some))?;
        // The entry itself is the first level of maps, its data the second.
        self.optional(b",\"data\":{", |it| it.filled_map(MAX_DEPTH - 2))?;
        self.literal(b",\"epoch\":")?;
        let epoch = self.natural()?;
        self.literal(b",\"kind\":\"")?;
        let kind = self.word(Kind::from_name)?;
        self.literal(b",\"node\":\"")?;
        let node = self.string()?;
        self.literal(b",\"node_seq\":")?;
        let node_seq = self.natural()?;
        let object = self.optional(b",\"object\":", |it| {
            it.referent(ObjectType::from_name).map(Some)
        })?;
        self.optional(b",\"origin\":", |it| {
            it.referent(OriginType::from_name).map(drop)
        })?;
        self.literal(b",\"outcome\":\"")?;
        let outcome = self.word(Outcome::from_name)?;
        self.optional(b",\"private\":{", Self::commitments)?;
        let reason = self.optional(b",\"reason\":\"", |it| it.string().map(Some))?;
        self.literal(b",\"time\":\"")?;
        let time_micros = self.word(time::read)?;
        self.literal(b",\"v\":1}")?;
        let whole = self.0.is_empty() && is_node_name(&node);
        whole.then_some(Skimmed {
            client,
            correlation,
            kind,
            object,
            outcome,
            reason,
            node,
            epoch,
            node_seq,
            time_micros,
        })
    }

    fn literal(&mut self, text: &[u8]) -> Option<()> {
        self.0 = self.0.strip_prefix(text)?;
        Some(())
    }

    fn skip(&mut self, byte: u8) -> bool {
        self.literal(&[byte]).is_some()
    }

    /// What stands behind a key that may be missing: the default, if it is.
    fn optional<T: Default>(
        &mut self,
        key: &[u8],
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<T> {
        if self.literal(key).is_some() {
            read(self)
        } else {
            Some(T::default())
        }
    }

    /// A string behind its opening quote, with nothing in it that needs a second look.
    fn text(&mut self) -> Option<&'a [u8]> {
        let (text, rest) = self.0.split_at_checked(plain_length(self.0))?;
        self.0 = rest.strip_prefix(b"\"")?;
        Some(text)
    }

    fn string(&mut self) -> Option<Cow<'a, str>> {
        core::str::from_utf8(self.text()?).ok().map(Cow::Borrowed)
    }

    fn word<T>(&mut self, find: fn(&str) -> Option<T>) -> Option<T> {
        find(core::str::from_utf8(self.text()?).ok()?)
    }

    /// The id of a typed reference.
    fn referent<T>(&mut self, find: fn(&str) -> Option<T>) -> Option<Cow<'a, str>> {
        self.literal(b"{\"id\":\"")?;
        let id = self.string()?;
        self.literal(b",\"type\":\"")?;
        self.word(find)?;
        self.literal(b"}")?;
        Some(id)
    }

    fn digits(&mut self) -> Option<&'a [u8]> {
        let is_end = |byte: &u8| !byte.is_ascii_digit();
        let length = self.0.iter().position(is_end).unwrap_or(self.0.len());
        let (digits, rest) = self.0.split_at_checked(length)?;
        let leading_zero = length > 1 && digits.starts_with(b"0");
        self.0 = rest;
        (1..=PLAIN_DIGITS)
            .contains(&length)
            .then_some(digits)
            .filter(|_| !leading_zero)
    }

    fn natural(&mut self) -> Option<u64> {
        let add = |number: u64, digit: &u8| number * 10 + u64::from(digit - b'0');
        Some(self.digits()?.iter().fold(0, add))
    }

    fn value(&mut self, depth: u8) -> Option<()> {
        let (first, rest) = self.0.split_first()?;
        match first {
            b'"' => {
                self.0 = rest;
                self.text().map(drop)
            }
            b'{' => {
                self.0 = rest;
                if self.skip(b'}') {
                    return depth.checked_sub(1).map(drop);
                }
                self.filled_map(depth.checked_sub(1)?)
            }
            b'[' => {
                self.0 = rest;
                self.list(depth.checked_sub(1)?)
            }
            b'-' => {
                self.0 = rest;
                self.digits().filter(|digits| *digits != b"0").map(drop)
            }
            b'n' => self.literal(b"null"),
            b't' => self.literal(b"true"),
            b'f' => self.literal(b"false"),
            _ => self.digits().map(drop),
        }
    }

    /// A map behind its opening brace, with at least one member.
    fn filled_map(&mut self, depth: u8) -> Option<()> {
        self.members(|it| it.value(depth))
    }

    fn commitments(&mut self) -> Option<()> {
        self.members(|it| {
            it.literal(b"\"")?;
            let hex = it.text()?;
            let is_hex = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
            (hex.len() == 64 && hex.iter().all(is_hex)).then_some(())
        })
    }

    fn members(&mut self, value: impl Fn(&mut Self) -> Option<()>) -> Option<()> {
        let mut last: &[u8] = b"";
        loop {
            self.literal(b"\"")?;
            let key = self.text()?;
            // The octets of field names are in the order of the canonical form; none is empty.
            if key <= last || !is_field_name(core::str::from_utf8(key).ok()?) {
                return None;
            }
            last = key;
            self.literal(b":")?;
            value(self)?;
            if self.skip(b'}') {
                return Some(());
            }
            self.literal(b",")?;
        }
    }

    fn list(&mut self, depth: u8) -> Option<()> {
        if self.skip(b']') {
            return Some(());
        }
        loop {
            self.value(depth)?;
            if self.skip(b']') {
                return Some(());
            }
            self.literal(b",")?;
        }
    }
}

const _: () = assert!(SCHEMA_VERSION == 1, "the skimmer reads version 1");

/// How many octets at the front are plain: ASCII, no control character, no quote, no backslash. They
/// are looked at eight at a time.
fn plain_length(bytes: &[u8]) -> usize {
    let (words, tail) = bytes.as_chunks::<8>();
    let mut length = 0;
    for word in words {
        let odd = odd_octets(u64::from_le_bytes(*word));
        if odd != 0 {
            let before = odd.trailing_zeros() / 8;
            return length + usize::try_from(before).unwrap_or(0);
        }
        length += 8;
    }
    let is_odd = |byte: &u8| matches!(byte, 0..0x20 | b'"' | b'\\' | 0x80..);
    length + tail.iter().position(is_odd).unwrap_or(tail.len())
}

/// A word whose lowest set bit is the top bit of the first octet that is not plain; 0 if all are.
/// Octets above that one may be marked wrongly, since the subtractions borrow from them.
const fn odd_octets(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const TOPS: u64 = ONES << 7;
    const fn zeros(word: u64) -> u64 {
        word.wrapping_sub(ONES) & !word
    }
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    let quote = zeros(word ^ (ONES * 0x22));
    let backslash = zeros(word ^ (ONES * 0x5c));
    (control | quote | backslash | word) & TOPS
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection;
    use proptest::prelude::{any, prop_assert_eq, proptest};
    use proptest::sample::{Index, select};

    const PLAIN: &str = concat!(
        r#"{"actor":{"id":"cli_a","type":"client"},"client":"cli_a","correlation":"req_b","#,
        r#""data":{"a":[1,-2,null,[]],"b":{"c":true,"d":{}},"e":"x y","f":false},"epoch":3,"#,
        r#""kind":"message.accepted","node":"gw-1","node_seq":41,"#,
        r#""object":{"id":"msg_c","type":"message"},"origin":{"id":"x","type":"connection"},"#,
        r#""outcome":"accepted","private":{"number":"0000000000000000000000000000000000000000000000000000000000000000"},"#,
        r#""reason":"none","time":"2025-11-25T10:00:00.000001Z","v":1}"#
    );

    fn by_parse(bytes: &[u8]) -> Option<Skimmed<'_>> {
        Entry::parse(bytes).ok().map(Skimmed::from)
    }

    #[test]
    fn a_plain_entry_is_read_without_the_full_reader() {
        let skimmed = Skimmer(PLAIN.as_bytes()).entry();
        assert_eq!(skimmed, by_parse(PLAIN.as_bytes()));
        let skimmed = skimmed.unwrap();
        let texts = [
            skimmed.client,
            skimmed.correlation,
            skimmed.object,
            skimmed.reason,
        ];
        assert_eq!(
            texts.map(Option::unwrap),
            ["cli_a", "req_b", "msg_c", "none"]
        );
        assert_eq!(skimmed.outcome, Outcome::Accepted);
    }

    #[test]
    fn what_is_unusual_is_read_all_the_same() {
        for (from, to) in [
            ("req_b", "req\\n"),
            ("req_b", "\u{e9}"),
            (":41", ":9007199254740991"),
        ] {
            let entry = PLAIN.replacen(from, to, 1);
            assert!(Skimmer(entry.as_bytes()).entry().is_none());
            assert_eq!(skim(entry.as_bytes()).ok(), by_parse(entry.as_bytes()));
            assert!(skim(entry.as_bytes()).is_ok());
        }
    }

    #[test]
    fn nesting_is_bounded_as_by_the_full_reader() {
        for levels in 1..12 {
            for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
                let value = format!("{}{}{}", open.repeat(levels), 0, close.repeat(levels));
                let entry = PLAIN.replacen("[1,-2,null,[]]", &value, 1);
                let quick = Skimmer(entry.as_bytes()).entry();
                assert_eq!(quick, by_parse(entry.as_bytes()), "{entry}");
            }
        }
    }

    #[test]
    fn every_octet_is_plain_or_not_wherever_it_stands() {
        for byte in 0..=255_u8 {
            let plain = (0x20..0x80).contains(&byte) && byte != b'"' && byte != b'\\';
            for place in 0..20 {
                let mut bytes = [b'a'; 20];
                bytes[place] = byte;
                let expected = if plain { 20 } else { place };
                assert_eq!(plain_length(&bytes), expected, "{byte} at {place}");
            }
        }
    }

    proptest! {
        /// Pieces of entries in odd places, and bent octets: never a word that the full reader denies.
        #[test]
        fn the_quick_look_never_differs_from_the_full_reader(
            edits in collection::vec((any::<Index>(), 0..12_usize, select(vec![
                "", "0", "\"", "{", "}", "[", "]", ",", ":", "-", "\\", "null", "true", "{}", "[]", "\"a\":1", ",\"a\":1",
                " ", "é", "\u{7f}", "00", "Z", "x", "1e3", "\"client\":\"a\",", "9007199254740993",
            ])), 0..4),
            bits in collection::vec((any::<Index>(), 0..8_u32), 0..2),
        ) {
            let mut bytes = PLAIN.as_bytes().to_vec();
            for (at, cut, piece) in edits {
                let start = at.index(bytes.len());
                let end = (start + cut).min(bytes.len());
                bytes.splice(start..end, piece.bytes());
                bytes.extend(bytes.is_empty().then_some(b'{'));
            }
            for (at, bit) in bits {
                let at = at.index(bytes.len());
                bytes[at] ^= 1 << bit;
            }
            prop_assert_eq!(skim(&bytes).ok(), by_parse(&bytes));
            if let Some(quick) = Skimmer(&bytes).entry() {
                prop_assert_eq!(Some(quick), by_parse(&bytes));
            }
        }

        #[test]
        fn looking_never_panics(bytes in any::<Vec<u8>>()) {
            prop_assert_eq!(skim(&bytes).ok(), by_parse(&bytes));
        }
    }
}
