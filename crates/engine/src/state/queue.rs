//! Messages that wait to be sent: first in, first out per short code and class, and the moments at
//! which they expire.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use domain::class::TrafficClass;
use domain::sender::ShortCode;
use domain::time::Timestamp;

/// When a message expires, and its sequence.
type Key = (Timestamp, u64);

type Lines = [VecDeque<Key>; 3];

/// Places of messages that have left that a line may always keep.
const LEFT_MIN: usize = 64;

/// Sequences of messages with segments that wait.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    codes: BTreeMap<ShortCode, Lines>,
    waiting: [usize; 3],
    expiry: BTreeSet<Key>,
}

/// Where in its line a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Before all others: it was already at the front once.
    Front,
    /// Behind all others.
    Back,
}

/// What the queue needs to know of a message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticket {
    pub(crate) sequence: u64,
    pub(crate) code: ShortCode,
    pub(crate) class: TrafficClass,
    pub(crate) expires: Timestamp,
}

impl Queue {
    /// How many messages of a class wait.
    pub(crate) fn waiting(&self, class: TrafficClass) -> usize {
        self.waiting.get(class.index()).copied().unwrap_or(0)
    }

    /// Whether nothing waits at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.expiry.is_empty()
    }

    /// Whether nothing of this class or a more urgent one waits under this short code.
    pub(crate) fn is_clear(&self, code: ShortCode, class: TrafficClass) -> bool {
        let Some(lines) = self.codes.get(&code) else {
            return true;
        };
        lines.iter().take(class.index() + 1).all(VecDeque::is_empty)
    }

    /// Puts a message in, unless it is there already.
    pub(crate) fn push(&mut self, ticket: Ticket, place: Place) {
        if !self.expiry.insert((ticket.expires, ticket.sequence)) {
            return;
        }
        let lines = self.codes.entry(ticket.code).or_default();
        let Some(line) = lines.get_mut(ticket.class.index()) else {
            return;
        };
        match place {
            Place::Front => line.push_front((ticket.expires, ticket.sequence)),
            Place::Back => line.push_back((ticket.expires, ticket.sequence)),
        }
        if let Some(count) = self.waiting.get_mut(ticket.class.index()) {
            *count += 1;
        }
    }

    /// The message at the front of a line.
    pub(crate) fn front(&self, code: ShortCode, class: TrafficClass) -> Option<u64> {
        let (_, sequence) = self.codes.get(&code)?.get(class.index())?.front()?;
        Some(*sequence)
    }

    /// Takes the front of a line away. Those that [`Queue::leave`] took out go silently.
    pub(crate) fn pop(&mut self, code: ShortCode, class: TrafficClass) {
        if let Some(line) = self
            .codes
            .get_mut(&code)
            .and_then(|l| l.get_mut(class.index()))
        {
            line.pop_front();
        }
    }

    /// Counts a message out; its place in the line goes when it comes to the front, or when there are
    /// more such places than messages that wait.
    pub(crate) fn leave(&mut self, ticket: Ticket) {
        if !self.expiry.remove(&(ticket.expires, ticket.sequence)) {
            return;
        }
        let Some(count) = self.waiting.get_mut(ticket.class.index()) else {
            return;
        };
        *count = count.saturating_sub(1);
        let lines = self.codes.get_mut(&ticket.code);
        let line = lines.and_then(|lines| lines.get_mut(ticket.class.index()));
        if let Some(line) = line
            && line.len() > LEFT_MIN + *count * 2
        {
            line.retain(|key| self.expiry.contains(key));
        }
    }

    /// Whether a message waits.
    pub(crate) fn holds(&self, ticket: Ticket) -> bool {
        self.expiry.contains(&(ticket.expires, ticket.sequence))
    }

    /// Messages whose time is over, at most `most`.
    pub(crate) fn expired(&self, now: Timestamp, most: usize) -> Vec<u64> {
        let due = self
            .expiry
            .iter()
            .take_while(|(expires, _)| *expires <= now);
        due.take(most).map(|(_, sequence)| *sequence).collect()
    }

    /// The short codes under which something of this class waits.
    pub(crate) fn codes(&self, class: TrafficClass) -> Vec<ShortCode> {
        let waits = |lines: &Lines| {
            lines
                .get(class.index())
                .is_some_and(|line| !line.is_empty())
        };
        self.codes
            .iter()
            .filter(|(_, lines)| waits(lines))
            .map(|(code, _)| *code)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticket(sequence: u64) -> Ticket {
        Ticket {
            sequence,
            code: ShortCode::parse("12345").unwrap(),
            class: TrafficClass::Alert,
            expires: Timestamp::from_seconds(sequence),
        }
    }

    #[test]
    fn a_message_waits_once_and_leaves_once() {
        let mut queue = Queue::default();
        queue.push(ticket(1), Place::Back);
        queue.push(ticket(1), Place::Back);
        queue.push(ticket(2), Place::Back);
        assert_eq!(queue.waiting(TrafficClass::Alert), 2);
        queue.leave(ticket(1));
        queue.leave(ticket(1));
        assert_eq!(queue.waiting(TrafficClass::Alert), 1);
        assert!(!queue.holds(ticket(1)) && queue.holds(ticket(2)));
    }

    #[test]
    fn what_was_at_the_front_goes_back_to_the_front() {
        let mut queue = Queue::default();
        queue.push(ticket(1), Place::Back);
        queue.push(ticket(2), Place::Front);
        let code = ticket(1).code;
        assert_eq!(queue.front(code, TrafficClass::Alert), Some(2));
        assert!(!queue.is_clear(code, TrafficClass::Marketing));
        assert!(queue.is_clear(code, TrafficClass::Otp));
    }

    #[test]
    fn places_of_messages_that_left_do_not_pile_up() {
        let mut queue = Queue::default();
        queue.push(ticket(1), Place::Back);
        for sequence in 2..10_000 {
            queue.push(ticket(sequence), Place::Back);
            queue.leave(ticket(sequence));
        }
        let code = ticket(1).code;
        assert!(queue.codes[&code][TrafficClass::Alert.index()].len() < 100);
        assert_eq!(queue.front(code, TrafficClass::Alert), Some(1));
    }

    #[test]
    fn expired_messages_are_found_oldest_first() {
        let mut queue = Queue::default();
        for sequence in [5, 3, 9] {
            queue.push(ticket(sequence), Place::Back);
        }
        assert_eq!(queue.expired(Timestamp::from_seconds(5), 10), [3, 5]);
    }
}
