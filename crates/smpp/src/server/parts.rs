//! Long messages that an ESME submits part by part. The parts of one come over one bind and wait, unanswered,
//! until the last is there; then they are submitted as one message and get one answer. What is not answered
//! was not taken, so that nothing is lost when the connection breaks. In memory only.

use std::collections::BTreeMap;

use domain::msisdn::Msisdn;
use domain::sender::ShortCode;
use domain::text::udh::Concatenation;
use engine::{EsmeReceipts, IdempotencyKey};
use tokio::time::Instant;
use zeroize::Zeroizing;

/// What the parts of one message have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Thread {
    pub(super) from: ShortCode,
    pub(super) to: Msisdn,
    pub(super) reference: u16,
    pub(super) total: u8,
    pub(super) data_coding: u8,
}

impl Thread {
    pub(super) fn of(
        (from, to): (ShortCode, Msisdn),
        place: Concatenation,
        data_coding: u8,
    ) -> Self {
        Self {
            from,
            to,
            reference: place.reference(),
            total: place.total(),
            data_coding,
        }
    }
}

/// One part, which is the submit of this sequence number.
pub(super) struct Part {
    pub(super) thread: Thread,
    pub(super) ordinal: u8,
    pub(super) sequence: u32,
    pub(super) octets: Zeroizing<Vec<u8>>,
    pub(super) asked: Asked,
}

/// What a part asks for that goes for the whole message. Some ESMEs ask with one part alone, often the first.
#[derive(Default)]
pub(super) struct Asked {
    pub(super) receipts: EsmeReceipts,
    pub(super) key: Option<IdempotencyKey>,
}

impl Asked {
    /// Takes in what another part asks for: the more of receipts, and the first key.
    fn add(&mut self, other: Self) {
        let rank = |receipts| match receipts {
            EsmeReceipts::None => 0,
            EsmeReceipts::Failures => 1,
            EsmeReceipts::All => 2,
        };
        if rank(other.receipts) > rank(self.receipts) {
            self.receipts = other.receipts;
        }
        self.key = self.key.take().or(other.key);
    }
}

/// A message whose parts are all there.
pub(super) struct Complete {
    /// Of its submits, in the order of the parts.
    pub(super) sequences: Vec<u32>,
    /// Its text, by the data_coding of its parts.
    pub(super) octets: Zeroizing<Vec<u8>>,
    pub(super) asked: Asked,
}

struct Waiting {
    thread: Thread,
    began: Instant,
    asked: Asked,
    parts: BTreeMap<u8, (u32, Zeroizing<Vec<u8>>)>,
}

/// The parts that wait, oldest message first.
#[derive(Default)]
pub(super) struct Parts {
    waiting: Vec<Waiting>,
    held: usize,
}

impl Parts {
    /// How many submits wait.
    pub(super) const fn held(&self) -> usize {
        self.held
    }

    /// Takes a part. Gives back the message when it was the last one missing, and the submit of a part that
    /// came again, which the new one replaces.
    pub(super) fn insert(&mut self, part: Part, now: Instant) -> (Option<Complete>, Option<u32>) {
        let known = self
            .waiting
            .iter()
            .position(|waiting| waiting.thread == part.thread);
        let mut waiting = match known {
            Some(place) => self.waiting.remove(place),
            None => Waiting {
                thread: part.thread,
                began: now,
                asked: Asked::default(),
                parts: BTreeMap::new(),
            },
        };
        waiting.asked.add(part.asked);
        let replaced = waiting
            .parts
            .insert(part.ordinal, (part.sequence, part.octets))
            .map(|(sequence, _)| sequence);
        if replaced.is_none() {
            self.held += 1;
        }
        if waiting.parts.len() < usize::from(waiting.thread.total) {
            let place = self
                .waiting
                .partition_point(|other| other.began <= waiting.began);
            self.waiting.insert(place, waiting);
            return (None, replaced);
        }
        self.held = self.held.saturating_sub(waiting.parts.len());
        let mut octets = Zeroizing::new(Vec::new());
        let mut sequences = Vec::with_capacity(waiting.parts.len());
        for (sequence, part) in waiting.parts.into_values() {
            sequences.push(sequence);
            octets.extend_from_slice(&part);
        }
        let asked = waiting.asked;
        let whole = Complete {
            sequences,
            octets,
            asked,
        };
        (Some(whole), replaced)
    }

    /// Gives up on the oldest message, if it began before `before`; its submits.
    pub(super) fn give_up(&mut self, before: Instant) -> Option<Vec<u32>> {
        let is_overdue = self
            .waiting
            .first()
            .is_some_and(|first| first.began <= before);
        if !is_overdue {
            return None;
        }
        let waiting = self.waiting.remove(0);
        self.held = self.held.saturating_sub(waiting.parts.len());
        Some(
            waiting
                .parts
                .into_values()
                .map(|(sequence, _)| sequence)
                .collect(),
        )
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn part(reference: u16, ordinal: u8, sequence: u32) -> Part {
        Part {
            thread: Thread {
                from: ShortCode::parse("12345").unwrap(),
                to: Msisdn::from_digits(447_700_900_123).unwrap(),
                reference,
                total: 2,
                data_coding: 0,
            },
            ordinal,
            sequence,
            octets: Zeroizing::new(vec![b'0' + ordinal]),
            asked: Asked::default(),
        }
    }

    #[test]
    fn parts_in_any_order_become_one_message_and_none_is_answered_before() {
        let (mut parts, now) = (Parts::default(), Instant::now());
        assert!(parts.insert(part(7, 2, 1), now).0.is_none());
        assert!(parts.insert(part(8, 1, 2), now).0.is_none());
        let (whole, _) = parts.insert(part(7, 1, 3), now);
        let whole = whole.unwrap();
        assert_eq!(
            (whole.sequences, &whole.octets[..]),
            (vec![3, 1], &b"12"[..])
        );
        assert_eq!(parts.held(), 1);
    }

    #[test]
    fn what_one_part_asks_for_goes_for_the_message() {
        for asking in [1, 2] {
            let (mut parts, now) = (Parts::default(), Instant::now());
            let ask = |ordinal| Part {
                asked: Asked {
                    receipts: if ordinal == asking {
                        EsmeReceipts::All
                    } else {
                        EsmeReceipts::Failures
                    },
                    key: (ordinal == asking).then(|| IdempotencyKey::parse("order-1").unwrap()),
                },
                ..part(7, ordinal, u32::from(ordinal))
            };
            parts.insert(ask(1), now);
            let asked = parts.insert(ask(2), now).0.unwrap().asked;
            assert_eq!(asked.receipts, EsmeReceipts::All);
            assert!(asked.key.is_some());
        }
    }

    #[test]
    fn a_part_that_comes_again_replaces_the_one_before() {
        let (mut parts, now) = (Parts::default(), Instant::now());
        parts.insert(part(7, 1, 1), now);
        let (whole, replaced) = parts.insert(part(7, 1, 2), now);
        assert!(whole.is_none());
        assert_eq!((replaced, parts.held()), (Some(1), 1));
    }

    #[test]
    fn what_never_becomes_whole_is_given_up_the_oldest_first() {
        let (mut parts, now) = (Parts::default(), Instant::now());
        let later = now + Duration::from_secs(5);
        parts.insert(part(7, 1, 1), now);
        parts.insert(part(8, 1, 2), later);
        assert_eq!(parts.give_up(now), Some(vec![1]));
        assert_eq!(parts.give_up(now), None);
        assert_eq!(parts.give_up(later), Some(vec![2]));
        assert_eq!(parts.held(), 0);
    }
}
