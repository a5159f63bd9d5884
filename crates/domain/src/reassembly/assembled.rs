//! One long message: while it waits for parts, and as it is handed on, complete or not.

use std::collections::BTreeMap;

use core::fmt;

use super::{Age, Part};
use crate::msisdn::Msisdn;
use crate::sender::ShortCode;
use crate::text::decode::{Decoded, DecodedText, decode_text};
use crate::text::udh::ReferenceWidth;

/// What the parts of one message have in common, besides their handset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Thread {
    short_code: ShortCode,
    reference: u16,
    width: ReferenceWidth,
    total: u8,
}

impl Thread {
    pub(super) const fn of(part: &Part) -> Self {
        Self {
            short_code: part.short_code,
            reference: part.concatenation.reference(),
            width: part.concatenation.width(),
            total: part.concatenation.total(),
        }
    }
}

/// A message that waits for parts. It holds at least one part once it is in an index.
#[derive(Debug)]
pub(super) struct Buffer {
    thread: Thread,
    age: Age,
    octets: usize,
    parts: BTreeMap<u8, Part>,
}

impl Buffer {
    pub(super) const fn new(thread: Thread, age: Age) -> Self {
        Self {
            thread,
            age,
            octets: 0,
            parts: BTreeMap::new(),
        }
    }

    /// Adds a part whose place is free.
    pub(super) fn with(mut self, part: Part) -> Self {
        self.octets = self.octets.saturating_add(part.octets.len());
        self.parts.insert(part.concatenation.ordinal(), part);
        self
    }

    pub(super) const fn thread(&self) -> Thread {
        self.thread
    }

    pub(super) const fn age(&self) -> Age {
        self.age
    }

    pub(super) const fn octets(&self) -> usize {
        self.octets
    }

    /// Whether the same part, octet for octet, is here.
    pub(super) fn holds(&self, part: &Part) -> bool {
        self.in_place_of(part)
            .is_some_and(|held| same_content(held, part))
    }

    /// Whether another text stands in the part's place: the handset used the reference again.
    pub(super) fn has_other(&self, part: &Part) -> bool {
        self.in_place_of(part)
            .is_some_and(|held| !same_content(held, part))
    }

    fn in_place_of(&self, part: &Part) -> Option<&Part> {
        self.parts.get(&part.concatenation.ordinal())
    }

    pub(super) fn is_complete(&self) -> bool {
        self.parts.len() == usize::from(self.thread.total)
    }

    pub(super) fn into_assembled(self) -> Assembled {
        Assembled {
            total: self.thread.total,
            parts: self.parts.into_values().collect(),
        }
    }
}

fn same_content(held: &Part, part: &Part) -> bool {
    held.data_coding == part.data_coding && held.octets == part.octets
}

/// A message as far as its parts came. `Debug` shows no text.
#[derive(Clone, PartialEq, Eq)]
pub struct Assembled {
    total: u8,
    /// At least one, by ordinal.
    parts: Vec<Part>,
}

impl Assembled {
    /// The parts that came, in their order in the message; at least one. Handset and short code are
    /// the same in all.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// How many parts the message has: 1 to 255.
    pub const fn total(&self) -> u8 {
        self.total
    }

    /// Whether every part came.
    pub fn is_complete(&self) -> bool {
        self.parts.len() == usize::from(self.total)
    }

    /// The handset.
    pub fn sender(&self) -> Option<Msisdn> {
        self.parts.first().map(|part| part.sender)
    }

    /// The short code it wrote to.
    pub fn short_code(&self) -> Option<ShortCode> {
        self.parts.first().map(|part| part.short_code)
    }

    /// The caller's numbers of the stored parts.
    pub fn rows(&self) -> impl Iterator<Item = u64> {
        self.parts.iter().map(|part| part.row)
    }

    /// The octets of all parts, one after the other.
    pub fn reveal(&self) -> Vec<u8> {
        self.parts
            .iter()
            .flat_map(|part| part.octets.iter().copied())
            .collect()
    }

    /// The text of what came. Parts that follow each other in one coding are read together, since
    /// some handsets cut through a character. [`Decoded::Octets`] when any part is no text.
    pub fn decode(&self) -> Decoded {
        let mut text: Option<DecodedText> = None;
        for run in self.parts.chunk_by(follows) {
            let octets: Vec<u8> = run.iter().flat_map(|part| &part.octets).copied().collect();
            let data_coding = run.first().map_or(0, |part| part.data_coding);
            let Decoded::Text(next) = decode_text(data_coding, &octets) else {
                return Decoded::Octets;
            };
            text = Some(match text {
                Some(text) => text.followed_by(&next),
                None => next,
            });
        }
        text.map_or(Decoded::Octets, Decoded::Text)
    }
}

/// Whether two parts stand side by side in the message, in one coding.
fn follows(part: &Part, next: &Part) -> bool {
    part.data_coding == next.data_coding
        && part.concatenation.ordinal().checked_add(1) == Some(next.concatenation.ordinal())
}

impl fmt::Debug for Assembled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Assembled({} of {} parts)", self.parts.len(), self.total)
    }
}
