//! Puts the parts of a handset's long message together again, within bounds: how many messages may
//! be waiting, in all and per handset, how large they are, and how long they wait. Nothing is lost
//! in silence: whatever cannot be completed is handed back as it is, to be delivered incomplete.
//!
//! Held in memory only. After a restart the caller inserts the stored parts again, each with the time at
//! which it came. A part that is repeated after its message was completed begins a new message, since
//! nothing is remembered about completed ones.

mod assembled;

use std::collections::BTreeMap;

use core::fmt;
use core::time::Duration;

pub use assembled::Assembled;
use assembled::{Buffer, Thread};

use crate::msisdn::Msisdn;
use crate::sender::ShortCode;
use crate::text::udh::Concatenation;
use crate::time::Timestamp;

/// The bounds, each named in the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most messages that may be waiting for parts. With 0 nothing is put together.
    pub buffers_max: usize,
    /// The most messages that one handset may have waiting, so that no handset can push out the
    /// others'. With 0 nothing is put together.
    pub per_sender_max: usize,
    /// The most parts of one message: 1 to 255.
    pub parts_max: u8,
    /// The most octets of text in all waiting messages together.
    pub octets_max: usize,
    /// How long a message may wait after its first part came.
    pub age_max: Duration,
}

/// A part of a long message, its user data header already read.
#[derive(Clone, PartialEq, Eq)]
pub struct Part {
    /// The handset.
    pub sender: Msisdn,
    /// The short code it wrote to.
    pub short_code: ShortCode,
    /// Which part of which message.
    pub concatenation: Concatenation,
    /// How its octets are written (SMPP `data_coding`).
    pub data_coding: u8,
    /// The octets after the header.
    pub octets: Box<[u8]>,
    /// The caller's own number for the stored part, handed back with the message.
    pub row: u64,
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Part")
            .field("sender", &self.sender)
            .field("short_code", &self.short_code)
            .field("concatenation", &self.concatenation)
            .field("octets", &self.octets.len())
            .field("row", &self.row)
            .finish_non_exhaustive()
    }
}

/// What became of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reassembled {
    /// It waits for the others.
    Incomplete,
    /// The same part is waiting already, octet for octet; this one was dropped.
    Duplicate,
    /// It was the last one missing.
    Complete(Assembled),
    /// It is past a bound by itself. Deliver it alone; its fellows come alone too, or expire.
    Alone(Assembled),
}

/// What an insertion led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Insertion {
    /// What became of the part.
    pub outcome: Reassembled,
    /// Messages that had to give way, to be delivered incomplete: to keep a bound, because they were
    /// overdue, or because the handset used their reference again for another text.
    pub evicted: Vec<Assembled>,
}

/// The messages that wait for parts.
#[derive(Debug)]
pub struct Reassembly {
    limits: Limits,
    /// At most `per_sender_max` buffers per handset, so a walk through them is short.
    waiting: BTreeMap<Msisdn, Vec<Buffer>>,
    /// Every buffer by the time of its first part; the counter tells apart those of one microsecond.
    by_age: BTreeMap<Age, Msisdn>,
    octets: usize,
    counter: u64,
}

/// When a buffer began, and a number of its own.
type Age = (Timestamp, u64);

impl Reassembly {
    /// Nothing waiting yet.
    pub const fn new(limits: Limits) -> Self {
        Self {
            limits,
            waiting: BTreeMap::new(),
            by_age: BTreeMap::new(),
            octets: 0,
            counter: 0,
        }
    }

    /// Takes other limits. What waits stays, also where it is more.
    pub const fn bound(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// How many messages of one handset wait for parts.
    pub fn waiting_of(&self, sender: Msisdn) -> usize {
        self.waiting.get(&sender).map_or(0, Vec::len)
    }

    /// Takes a part in.
    pub fn insert(&mut self, part: Part, now: Timestamp) -> Insertion {
        let mut evicted = Vec::new();
        let thread = Thread::of(&part);
        let age = self.next_age(now);
        if !self.fits_alone(&part) {
            let outcome = Reassembled::Alone(Buffer::new(thread, age).with(part).into_assembled());
            return Insertion { outcome, evicted };
        }
        let mut buffer = match self.take(part.sender, thread) {
            Some(buffer) if self.must_give_way(&buffer, &part, now) => {
                evicted.push(buffer.into_assembled());
                Buffer::new(thread, age)
            }
            Some(buffer) => buffer,
            None => Buffer::new(thread, age),
        };
        let outcome = if buffer.holds(&part) {
            self.put(part.sender, buffer);
            Reassembled::Duplicate
        } else {
            let sender = part.sender;
            buffer = buffer.with(part);
            if buffer.is_complete() {
                Reassembled::Complete(buffer.into_assembled())
            } else {
                self.make_room(sender, buffer.octets(), &mut evicted);
                self.put(sender, buffer);
                Reassembled::Incomplete
            }
        };
        Insertion { outcome, evicted }
    }

    /// Takes out the messages that have waited too long, to be delivered incomplete.
    pub fn expire(&mut self, now: Timestamp) -> Vec<Assembled> {
        let mut expired = Vec::new();
        while let Some((age, sender)) = self.oldest() {
            if !self.is_overdue(age, now) {
                break;
            }
            self.evict(sender, age, &mut expired);
        }
        expired
    }

    /// When [`Reassembly::expire`] next has something to do.
    pub fn next_expiry(&self) -> Option<Timestamp> {
        let ((began, _), _) = self.oldest()?;
        Some(began.saturating_add(self.limits.age_max))
    }

    /// How many messages wait.
    pub fn buffers(&self) -> usize {
        self.by_age.len()
    }

    /// How many octets of text wait.
    pub const fn octets(&self) -> usize {
        self.octets
    }

    /// Whether a part keeps every bound when nothing else is waiting.
    fn fits_alone(&self, part: &Part) -> bool {
        self.limits.buffers_max > 0
            && self.limits.per_sender_max > 0
            && part.concatenation.total() <= self.limits.parts_max
            && part.octets.len() <= self.limits.octets_max
    }

    /// Whether a message cannot wait on together with this part.
    fn must_give_way(&self, buffer: &Buffer, part: &Part, now: Timestamp) -> bool {
        if buffer.holds(part) {
            return false;
        }
        let octets = buffer.octets().saturating_add(part.octets.len());
        buffer.has_other(part)
            || octets > self.limits.octets_max
            || self.is_overdue(buffer.age(), now)
    }

    fn is_overdue(&self, (began, _): Age, now: Timestamp) -> bool {
        now.since(began) >= self.limits.age_max
    }

    fn next_age(&mut self, now: Timestamp) -> Age {
        self.counter = self.counter.wrapping_add(1);
        (now, self.counter)
    }

    fn oldest(&self) -> Option<(Age, Msisdn)> {
        let (age, sender) = self.by_age.first_key_value()?;
        Some((*age, *sender))
    }

    /// Evicts until a further buffer keeps every bound: first the handset's own, then the oldest.
    fn make_room(&mut self, sender: Msisdn, octets: usize, evicted: &mut Vec<Assembled>) {
        while let Some(own) = self.waiting.get(&sender)
            && own.len() >= self.limits.per_sender_max
            && let Some(age) = own.iter().map(Buffer::age).min()
        {
            self.evict(sender, age, evicted);
        }
        while let Some((age, sender)) = self.oldest()
            && (self.buffers() >= self.limits.buffers_max
                || self.octets.saturating_add(octets) > self.limits.octets_max)
        {
            self.evict(sender, age, evicted);
        }
    }

    fn evict(&mut self, sender: Msisdn, age: Age, evicted: &mut Vec<Assembled>) {
        let buffer = self.take_where(sender, |buffer| buffer.age() == age);
        evicted.extend(buffer.map(Buffer::into_assembled));
    }

    fn take(&mut self, sender: Msisdn, thread: Thread) -> Option<Buffer> {
        self.take_where(sender, |buffer| buffer.thread() == thread)
    }

    /// Takes the handset's buffer that is `wanted` out of every index.
    fn take_where(&mut self, sender: Msisdn, wanted: impl Fn(&Buffer) -> bool) -> Option<Buffer> {
        let own = self.waiting.get_mut(&sender)?;
        let position = own.iter().position(wanted)?;
        let buffer = own.swap_remove(position);
        if own.is_empty() {
            self.waiting.remove(&sender);
        }
        self.by_age.remove(&buffer.age());
        self.octets = self.octets.saturating_sub(buffer.octets());
        Some(buffer)
    }

    /// Puts a buffer into every index.
    fn put(&mut self, sender: Msisdn, buffer: Buffer) {
        self.octets = self.octets.saturating_add(buffer.octets());
        self.by_age.insert(buffer.age(), sender);
        self.waiting.entry(sender).or_default().push(buffer);
    }
}

#[cfg(test)]
mod tests;
