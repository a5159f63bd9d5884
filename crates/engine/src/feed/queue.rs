//! What one destination is still to be told: the entry that is looked at next, events that wait (for their
//! first try, another try, or their turn), and events that were given up. It decides and does nothing: no
//! clock, no IO. Events of one line keep their order; all others pass each other.

mod stored;

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::Arc;

use domain::time::Timestamp;

use super::event::Event;

pub(crate) use stored::Stored;

/// Lines remembered of which nothing more is told. Of a line that is forgotten the next event is told once.
const OVER_MAX: usize = 1_000;

/// How much of one destination's is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueBounds {
    /// Events that wait at once, those on their way included. When there are so many the ledger is read no
    /// further; nothing is lost, since it stays where it is.
    pub waiting_max: usize,
    /// Events given up that can be told once more. Of more than so many the oldest go.
    pub dead_max: usize,
}

impl Default for QueueBounds {
    fn default() -> Self {
        Self {
            waiting_max: 1_000,
            dead_max: 1_000,
        }
    }
}

/// An event that waits.
#[derive(Debug)]
struct Waiting {
    event: Arc<Event>,
    attempts: u8,
    due: Timestamp,
    /// Somebody has it and tells of it.
    is_out: bool,
}

/// An event that was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// The index of its entry in the ledger.
    pub index: u64,
    /// How often it was tried.
    pub attempts: u8,
    /// When it was given up.
    pub at: Timestamp,
    /// Why, as a stable word.
    pub reason: Box<str>,
}

/// An event to tell now.
#[derive(Clone, Debug)]
pub struct Ready {
    /// The event.
    pub event: Arc<Event>,
    /// Which try this is, from 1.
    pub attempt: u8,
}

/// What one destination is still to be told.
#[derive(Debug)]
pub(crate) struct Queue {
    bounds: QueueBounds,
    next: u64,
    waiting: BTreeMap<u64, Waiting>,
    dead: BTreeMap<u64, DeadLetter>,
    /// Lines of which nothing more is told, the oldest first.
    over: VecDeque<u64>,
    /// Since when nothing was taken though something was tried.
    failing_since: Option<Timestamp>,
    /// Tries in a row that failed.
    failures: u32,
}

impl Queue {
    /// Begins with the entry of this index.
    pub(crate) const fn new(next: u64, bounds: QueueBounds) -> Self {
        Self {
            bounds,
            next,
            waiting: BTreeMap::new(),
            dead: BTreeMap::new(),
            over: VecDeque::new(),
            failing_since: None,
            failures: 0,
        }
    }

    /// Goes on from what was kept. What was on its way may have arrived or not: it is told again. An event
    /// that cannot be read any more is gone.
    pub(crate) fn restore<E>(
        stored: Stored,
        bounds: QueueBounds,
        mut event: impl FnMut(u64) -> Result<Option<Arc<Event>>, E>,
    ) -> Result<Self, E> {
        let mut queue = Self::new(stored.next, bounds);
        queue.failures = stored.failures;
        queue.failing_since = stored.failing_since.map(Timestamp::from_micros);
        queue.over = stored.over.into();
        for (index, attempts, due) in stored.waiting {
            let Some(event) = event(index)? else { continue };
            let waiting = Waiting {
                event,
                attempts,
                due: Timestamp::from_micros(due),
                is_out: false,
            };
            queue.waiting.insert(index, waiting);
        }
        for (index, attempts, at, reason) in stored.dead {
            let letter = DeadLetter {
                index,
                attempts,
                at: Timestamp::from_micros(at),
                reason,
            };
            queue.dead.insert(index, letter);
        }
        Ok(queue)
    }

    /// As it is kept.
    pub(crate) fn store(&self) -> Stored {
        let waiting = self.waiting.iter();
        let dead = self.dead.values();
        Stored {
            next: self.next,
            failing_since: self.failing_since.map(Timestamp::micros),
            failures: self.failures,
            waiting: waiting
                .map(|(index, one)| (*index, one.attempts, one.due.micros()))
                .collect(),
            dead: dead
                .map(|one| (one.index, one.attempts, one.at.micros(), one.reason.clone()))
                .collect(),
            over: self.over.iter().copied().collect(),
        }
    }

    /// The index of the entry that is looked at next.
    pub(crate) const fn next(&self) -> u64 {
        self.next
    }

    /// Whether there is room for more.
    pub(crate) fn has_room(&self) -> bool {
        self.waiting.len() < self.bounds.waiting_max
    }

    /// How many wait.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Those that were given up, the oldest first.
    pub(crate) fn dead(&self) -> impl ExactSizeIterator<Item = &DeadLetter> {
        self.dead.values()
    }

    /// Takes in what is wanted of the events up to an index. What there is no room for is read again.
    pub(crate) fn take_in(
        &mut self,
        events: impl IntoIterator<Item = Arc<Event>>,
        end: u64,
        now: Timestamp,
    ) {
        for event in events {
            if event.index < self.next {
                continue;
            }
            if !self.has_room() {
                self.next = event.index;
                return;
            }
            self.await_turn(event, now);
        }
        self.next = self.next.max(end);
    }

    fn await_turn(&mut self, event: Arc<Event>, due: Timestamp) {
        let index = event.index;
        let waiting = Waiting {
            event,
            attempts: 0,
            due,
            is_out: false,
        };
        self.waiting.insert(index, waiting);
    }

    /// Hands out what is due: at most so many, the oldest first, and of a line only its first.
    pub(crate) fn take(&mut self, most: usize, now: Timestamp) -> Vec<Ready> {
        let mut lines = HashSet::new();
        let mut ready = Vec::new();
        for waiting in self.waiting.values_mut() {
            if ready.len() >= most {
                break;
            }
            let is_first = lines.insert(waiting.event.line);
            if is_first && !waiting.is_out && waiting.due <= now {
                waiting.is_out = true;
                ready.push(Ready {
                    event: Arc::clone(&waiting.event),
                    attempt: waiting.attempts.saturating_add(1),
                });
            }
        }
        ready
    }

    /// It was taken.
    pub(crate) fn done(&mut self, index: u64) {
        if self.waiting.remove(&index).is_some() {
            (self.failing_since, self.failures) = (None, 0);
        }
    }

    /// There was nothing to tell of it. That says nothing of whoever is told.
    pub(crate) fn pass_over(&mut self, index: u64) {
        self.waiting.remove(&index);
    }

    /// Nothing more is told of this line.
    pub(crate) fn end_line(&mut self, line: u64) {
        if !self.is_over(line) {
            self.over.push_back(line);
        }
        if self.over.len() > OVER_MAX {
            self.over.pop_front();
        }
    }

    /// Whether nothing more is told of this line.
    pub(crate) fn is_over(&self, line: u64) -> bool {
        self.over.contains(&line)
    }

    /// It was not taken, and is tried again then.
    pub(crate) fn later(&mut self, index: u64, due: Timestamp, now: Timestamp) {
        if let Some(waiting) = self.waiting.get_mut(&index) {
            waiting.attempts = waiting.attempts.saturating_add(1);
            (waiting.due, waiting.is_out) = (due, false);
            self.failed(now);
        }
    }

    fn failed(&mut self, now: Timestamp) {
        self.failing_since.get_or_insert(now);
        self.failures = self.failures.saturating_add(1);
    }

    /// It was not tried at all.
    pub(crate) fn give_back(&mut self, index: u64) {
        if let Some(waiting) = self.waiting.get_mut(&index) {
            waiting.is_out = false;
        }
    }

    /// Nobody tells of any of them any more.
    pub(crate) fn give_all_back(&mut self) {
        for waiting in self.waiting.values_mut() {
            waiting.is_out = false;
        }
    }

    /// It is given up. Gives what is known of it; `None` when it does not wait.
    pub(crate) fn give_up(
        &mut self,
        index: u64,
        reason: &str,
        now: Timestamp,
    ) -> Option<(Arc<Event>, DeadLetter)> {
        let waiting = self.waiting.remove(&index)?;
        self.failed(now);
        let letter = DeadLetter {
            index,
            attempts: waiting.attempts.saturating_add(1),
            at: now,
            reason: reason.into(),
        };
        self.dead.insert(index, letter.clone());
        while self.dead.len() > self.bounds.dead_max {
            self.dead.pop_first();
        }
        Some((waiting.event, letter))
    }

    /// Has events that were given up wait once more, each out until it is given back. Gives what they were.
    pub(crate) fn revive(&mut self, events: Vec<Arc<Event>>, now: Timestamp) -> Vec<DeadLetter> {
        let mut letters = Vec::new();
        for event in events {
            let index = event.index;
            let Some(letter) = self.dead.remove(&index) else {
                continue;
            };
            letters.push(letter);
            self.await_turn(event, now);
            if let Some(waiting) = self.waiting.get_mut(&index) {
                waiting.is_out = true;
            }
        }
        letters
    }

    /// Takes back that these were to be told once more.
    pub(crate) fn bury(&mut self, letters: Vec<DeadLetter>) {
        for letter in letters {
            self.waiting.remove(&letter.index);
            self.dead.insert(letter.index, letter);
        }
    }

    /// Makes everything due now: whoever is told asks for it.
    pub(crate) fn hurry(&mut self, now: Timestamp) {
        (self.failing_since, self.failures) = (None, 0);
        for waiting in self.waiting.values_mut() {
            waiting.due = waiting.due.min(now);
        }
    }

    /// Tries in a row that failed, and since when.
    pub(crate) const fn trouble(&self) -> (u32, Option<Timestamp>) {
        (self.failures, self.failing_since)
    }
}

#[cfg(test)]
mod tests;
