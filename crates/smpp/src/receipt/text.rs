//! The text of a delivery receipt (SMPP 3.4 Appendix B): `key:value` pairs in any order and letter
//! case, some missing, some of a carrier's own.

use super::State;
use crate::time_format::parse_receipt_date;

/// What could be read. A field that stands twice counts the first time.
#[derive(Debug, Default)]
pub(super) struct Fields<'a> {
    pub(super) id: Option<&'a [u8]>,
    pub(super) state: Option<State>,
    pub(super) error: Option<u32>,
    pub(super) done_at: Option<i64>,
}

/// The keys that matter. `text:` ends the trustworthy part: what follows is the message itself.
#[derive(Clone, Copy)]
enum Key {
    Id,
    State,
    Error,
    Done,
    Text,
}

const KEYS: [(&[u8], Key); 5] = [
    (b"id:", Key::Id),
    (b"stat:", Key::State),
    (b"err:", Key::Error),
    (b"done date:", Key::Done),
    (b"text:", Key::Text),
];

impl<'a> Fields<'a> {
    pub(super) fn parse(text: &'a [u8]) -> Self {
        let mut fields = Self::default();
        let message = fields.scan(text);
        // The message's own words may look like fields, so they are read only when the receipt would
        // be useless without: some carriers do not put the text last.
        if fields.id.is_none() || fields.state.is_none() {
            let mut rest = message;
            while !rest.is_empty() {
                rest = fields.scan(rest);
            }
        }
        fields
    }

    /// Reads fields up to `text:`; returns what follows it.
    fn scan(&mut self, text: &'a [u8]) -> &'a [u8] {
        let mut rest = text;
        let mut at_start = true;
        while let Some((octet, next)) = rest.split_first() {
            if at_start && let Some((key, behind)) = key_of(rest) {
                if matches!(key, Key::Text) {
                    return behind;
                }
                let (value, behind) = value_of(behind);
                self.take(key, value);
                rest = behind;
                continue;
            }
            at_start = !octet.is_ascii_alphanumeric();
            rest = next;
        }
        rest
    }

    fn take(&mut self, key: Key, value: &'a [u8]) {
        if value.is_empty() {
            return;
        }
        match key {
            Key::Id => self.id = self.id.or(Some(value)),
            Key::State => self.state = self.state.or(Some(State::from_word(value))),
            Key::Error => self.error = self.error.or_else(|| number(value)),
            Key::Done => self.done_at = self.done_at.or_else(|| parse_receipt_date(value)),
            Key::Text => {}
        }
    }
}

/// The key that `text` begins with, and what follows it.
fn key_of(text: &[u8]) -> Option<(Key, &[u8])> {
    KEYS.iter().find_map(|(name, key)| {
        let (head, behind) = text.split_at_checked(name.len())?;
        head.eq_ignore_ascii_case(name).then_some((*key, behind))
    })
}

/// A value up to the next space, and the rest from that space on.
fn value_of(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text
        .iter()
        .position(|octet| octet.is_ascii_whitespace() || *octet == 0);
    text.split_at_checked(end.unwrap_or(text.len()))
        .unwrap_or((text, &[]))
}

/// An error number; carriers' own words are no numbers.
fn number(value: &[u8]) -> Option<u32> {
    std::str::from_utf8(value).ok()?.parse().ok()
}
