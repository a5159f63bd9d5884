//! What the simulated handsets received: parts are put together, texts are read when asked for.

use std::collections::{HashMap, VecDeque};

use domain::text::decode::{Decoded, decode_text};
use domain::text::udh;
use domain::time::Timestamp;
use serde::Serialize;

use crate::inline::Inline;
use crate::pdu::{ShortMessage, esm_class};

/// Long messages that may be incomplete at once; the oldest go first.
const OPEN_MAX: usize = 10_000;

/// One message as a handset shows it. A simulator has no real users, so nothing is masked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InboxMessage {
    /// The handset.
    pub to: String,
    /// Whom it is from.
    pub from: String,
    /// The text; octets that are no text are listed as hexadecimal.
    pub text: String,
    /// When its last part came, in microseconds since 1970.
    pub at_unix_micros: u64,
    /// Of how many parts it was made.
    pub parts: usize,
}

type Number = Inline<20>;

struct Stored {
    to: Number,
    from: Number,
    data_coding: u8,
    octets: Box<[u8]>,
    at: Timestamp,
    parts: usize,
}

/// Names a long message: handset, sender, reference and number of parts.
type Key = (Number, Number, u16, u8);

#[derive(Default)]
struct Open {
    parts: Vec<Option<Box<[u8]>>>,
}

/// Bounded; the oldest messages go first.
pub(super) struct Inbox {
    messages: VecDeque<Stored>,
    open: HashMap<Key, Open>,
    opened: VecDeque<Key>,
    max: usize,
}

impl Inbox {
    pub(super) fn new(max: usize) -> Self {
        Self {
            messages: VecDeque::new(),
            open: HashMap::new(),
            opened: VecDeque::new(),
            max,
        }
    }

    pub(super) fn take(&mut self, message: &ShortMessage<'_>, now: Timestamp) {
        if self.max == 0 {
            return;
        }
        let payload = message.payload();
        if message.esm_class & esm_class::UDHI == 0 {
            return self.store(message, payload.into(), 1, now);
        }
        let Ok(read) = udh::parse(payload) else {
            return self.store(message, payload.into(), 1, now);
        };
        let Some(place) = read.concatenation.filter(|place| place.total() > 1) else {
            return self.store(message, read.payload.into(), 1, now);
        };
        let to = Number::new(message.destination.reveal());
        let from = Number::new(message.source.reveal());
        let key = (to, from, place.reference(), place.total());
        if let Some(whole) = self.add_part(key, place.ordinal(), read.payload) {
            self.store(message, whole, usize::from(place.total()), now);
        }
    }

    /// Keeps one part; hands out the whole message when it was the last one missing.
    fn add_part(&mut self, key: Key, ordinal: u8, octets: &[u8]) -> Option<Box<[u8]>> {
        if !self.open.contains_key(&key) {
            self.make_room();
            self.opened.push_back(key);
        }
        let open = self.open.entry(key).or_default();
        open.parts.resize(usize::from(key.3), None);
        *open.parts.get_mut(usize::from(ordinal).checked_sub(1)?)? = Some(octets.into());
        let whole: Option<Vec<_>> = open.parts.iter().map(Option::as_deref).collect();
        let whole = whole?.concat().into_boxed_slice();
        self.open.remove(&key);
        self.opened.retain(|opened| *opened != key);
        Some(whole)
    }

    fn make_room(&mut self) {
        while self.opened.len() >= OPEN_MAX {
            if let Some(oldest) = self.opened.pop_front() {
                self.open.remove(&oldest);
            }
        }
    }

    fn store(
        &mut self,
        message: &ShortMessage<'_>,
        octets: Box<[u8]>,
        parts: usize,
        at: Timestamp,
    ) {
        if self.messages.len() >= self.max {
            self.messages.pop_front();
        }
        self.messages.push_back(Stored {
            to: Number::new(message.destination.reveal()),
            from: Number::new(message.source.reveal()),
            data_coding: message.data_coding,
            octets,
            at,
            parts,
        });
    }

    pub(super) fn messages(&self) -> Vec<InboxMessage> {
        self.messages.iter().map(Stored::show).collect()
    }
}

impl Stored {
    fn show(&self) -> InboxMessage {
        let text = match decode_text(self.data_coding, &self.octets) {
            Decoded::Text(text) => text.reveal().to_owned(),
            Decoded::Octets => format!("{:02x?}", self.octets),
        };
        let shown = |number: &Number| String::from_utf8_lossy(number.as_slice()).into_owned();
        InboxMessage {
            to: shown(&self.to),
            from: shown(&self.from),
            text,
            at_unix_micros: self.at.micros(),
            parts: self.parts,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pdu::Address;
    use domain::text::segment::{ReferenceWidth, segments};

    const NOW: Timestamp = Timestamp::from_seconds(1_764_064_800);

    /// Lets a handset receive the parts of a text in this order.
    fn receive(inbox: &mut Inbox, text: &str, order: &[usize]) {
        let cut = segments(text, ReferenceWidth::Eight).unwrap();
        for place in order {
            let segment = &cut.segments[*place];
            let header = segment.header(7, ReferenceWidth::Eight);
            let header = header.as_ref().map_or(&[][..], |header| header.as_octets());
            let octets = [header, segment.reveal()].concat();
            let message = ShortMessage {
                source: Address::new(3, 0, b"12345"),
                destination: Address::new(1, 1, b"447700900123"),
                esm_class: if header.is_empty() {
                    0
                } else {
                    esm_class::UDHI
                },
                data_coding: cut.encoding.data_coding(),
                short_message: &octets,
                ..ShortMessage::default()
            };
            inbox.take(&message, NOW);
        }
    }

    #[test]
    fn parts_in_any_order_become_one_text() {
        let text = "Привет ".repeat(30);
        let mut inbox = Inbox::new(10);
        receive(&mut inbox, &text, &[2, 0, 0]);
        assert!(inbox.messages().is_empty());
        receive(&mut inbox, &text, &[3, 1]);
        let messages = inbox.messages();
        assert_eq!(messages.len(), 1);
        assert_eq!(
            (messages[0].text.as_str(), messages[0].parts),
            (text.as_str(), 4)
        );
        assert_eq!(
            (messages[0].to.as_str(), messages[0].from.as_str()),
            ("447700900123", "12345")
        );
        assert!(inbox.open.is_empty() && inbox.opened.is_empty());
    }

    #[test]
    fn the_oldest_message_goes_first() {
        let mut inbox = Inbox::new(2);
        for text in ["one", "two", "three"] {
            receive(&mut inbox, text, &[0]);
        }
        let texts: Vec<_> = inbox
            .messages()
            .into_iter()
            .map(|message| message.text)
            .collect();
        assert_eq!(texts, ["two", "three"]);
    }

    #[test]
    fn an_inbox_of_none_keeps_none() {
        let mut inbox = Inbox::new(0);
        receive(&mut inbox, "one", &[0]);
        assert!(inbox.messages().is_empty());
    }
}
